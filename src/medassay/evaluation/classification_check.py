"""Double entry of classification figures: scikit-learn computes them from cases, statsmodels their intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medassay.core.estimate import Estimate
from medassay.evaluation.table_scorer import Again, again

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
STATSMODELS = {
    "wilson": "wilson",
    "agresti_coull": "agresti_coull",
    "jeffreys": "jeffreys",
}


def binary_again(
    figures: Mapping[str, Estimate], labels: IntArray, calls: IntArray, scores: FloatArray, interval: str
) -> list[Again]:
    """Figures of a two-by-two table and of scores; the ends of sensitivity's interval where they are closed."""
    from sklearn import metrics

    one: dict[str, Any] = {"zero_division": np.nan}
    found = [
        *_by("sensitivity", figures, metrics.recall_score(labels, calls, **one), "recall_score"),
        *_by("specificity", figures, metrics.recall_score(labels, calls, pos_label=0, **one), "recall_score"),
        *_by(
            "positive_predictive_value",
            figures,
            metrics.precision_score(labels, calls, **one),
            "precision_score",
        ),
        *_by("accuracy", figures, metrics.accuracy_score(labels, calls), "accuracy_score"),
        *_by("f1", figures, metrics.f1_score(labels, calls, **one), "f1_score"),
    ]
    if len(set(labels.tolist())) == 2:
        found += _by(
            "balanced_accuracy",
            figures,
            metrics.balanced_accuracy_score(labels, calls),
            "balanced_accuracy_score",
        )
        found += _by("matthews", figures, metrics.matthews_corrcoef(labels, calls), "matthews_corrcoef")
        found += _by("auc", figures, metrics.roc_auc_score(labels, scores), "roc_auc_score")
    if labels.any():
        found += _by(
            "average_precision",
            figures,
            metrics.average_precision_score(labels, scores),
            "average_precision_score",
        )
    if "brier" in figures and len(set(labels.tolist())) == 2:
        found += _by("brier", figures, metrics.brier_score_loss(labels, scores), "brier_score_loss")
    return found + _interval_again(figures.get("sensitivity"), labels, calls, interval)


def classes_again(
    figures: Mapping[str, Estimate], table: FloatArray, reference: IntArray, scores: FloatArray | None
) -> list[Again]:
    """Figures of a k by k table, from the cases that it stands for."""
    from sklearn import metrics

    rows, columns = np.nonzero(table)
    weights = table[rows, columns]
    shared: dict[str, Any] = {"sample_weight": weights}
    found = [
        *_by("accuracy", figures, metrics.accuracy_score(rows, columns, **shared), "accuracy_score"),
        *_by("kappa", figures, metrics.cohen_kappa_score(rows, columns, **shared), "cohen_kappa_score"),
        *_by("macro_f1", figures, metrics.f1_score(rows, columns, average="macro", **shared), "f1_score"),
        *_by(
            "macro_recall",
            figures,
            metrics.recall_score(rows, columns, average="macro", **shared),
            "recall_score",
        ),
    ]
    if "kappa_quadratic" in figures:
        twice = metrics.cohen_kappa_score(rows, columns, weights="quadratic", **shared)
        found += _by("kappa_quadratic", figures, twice, "cohen_kappa_score")
        off = metrics.mean_absolute_error(rows, columns, sample_weight=weights)
        found += _by("mean_grade_error", figures, off, "mean_absolute_error")
    area = figures.get("auc_one_against_rest")
    if scores is not None and area is not None and area.value is not None:
        each = [metrics.roc_auc_score(reference == k, scores[:, k]) for k in range(scores.shape[1])]
        found += _by("auc_one_against_rest", figures, float(np.mean(each)), "roc_auc_score")
    return found


def labels_again(figures: Mapping[str, Estimate], reference: IntArray, calls: IntArray) -> list[Again]:
    """Figures over several labels."""
    from sklearn import metrics

    found = [
        *_by("hamming_loss", figures, metrics.hamming_loss(reference, calls), "hamming_loss"),
        *_by(
            "micro_f1",
            figures,
            metrics.f1_score(reference, calls, average="micro", zero_division=0),
            "f1_score",
        ),
        *_by(
            "macro_f1",
            figures,
            metrics.f1_score(reference, calls, average="macro", zero_division=0),
            "f1_score",
        ),
    ]
    if "exact_match" in figures:
        found += _by("exact_match", figures, metrics.accuracy_score(reference, calls), "accuracy_score")
    return found


def _by(name: str, figures: Mapping[str, Estimate], second: float, function: str) -> list[Again]:
    """An undefined second value is none: what divides by zero is not estimable on both sides."""
    if not np.isfinite(second):
        return []
    return again(name, figures[name], float(second), f"scikit-learn {function}")


def _interval_again(found: Estimate | None, labels: IntArray, calls: IntArray, interval: str) -> list[Again]:
    from scipy.stats import binomtest
    from statsmodels.stats.proportion import proportion_confint

    exact = interval == "clopper_pearson"
    if found is None or found.lower is None or found.upper is None or not (exact or interval in STATSMODELS):
        return []
    if found.method != interval:
        return []  # over resampled subjects: there is no closed form to hold it against
    hits, subjects, confidence = int((labels & calls).sum()), int(labels.sum()), found.confidence or 0.95
    if exact:  # ours turns the beta distribution over, as statsmodels does; scipy looks for the root
        ends = tuple(binomtest(hits, subjects).proportion_ci(confidence, method="exact"))
        by = "scipy binomtest"
    else:
        ends = proportion_confint(hits, subjects, 1 - confidence, method=STATSMODELS[interval])
        by = "statsmodels proportion_confint"
    return [
        Again("sensitivity.lower", found.lower, float(ends[0]), 1e-9, by),
        Again("sensitivity.upper", found.upper, float(ends[1]), 1e-9, by),
    ]
