"""Several findings that each may be there or not: figures over all labels of a case, and over cases of a label."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.bootstrap_figure import bootstrap_figure
from medassay.statistics.confusion import FIGURES
from medassay.statistics.intervals import not_estimable
from medassay.statistics.proportion import ProportionInterval, proportion
from medassay.statistics.resampled_interval import Interval
from medassay.statistics.scored import BoolArray, FloatArray, subject_codes


def label_counts(reference: ArrayLike, predicted: ArrayLike, subjects: ArrayLike) -> FloatArray:
    """TP, FP, FN, TN of each subject and label, shape (n_subjects, n_labels, 4).

    Parameters
    ----------
    reference, predicted : shape (n_cases, n_labels), 0 or 1
    subjects : shape (n_cases,)

    Examples
    --------
    >>> label_counts([[1, 0], [1, 1]], [[1, 1], [0, 1]], ["a", "a"])[0].tolist()
    [[1.0, 0.0, 1.0, 0.0], [1.0, 1.0, 0.0, 0.0]]
    """
    true, said = _pair(reference, predicted)
    codes, count = subject_codes(subjects, len(true))
    cells = np.stack([true & said, ~true & said, true & ~said, ~true & ~said], axis=-1)
    counts = np.zeros((count, *cells.shape[1:]))
    np.add.at(counts, codes, cells)
    return counts


@method(
    id="multilabel-average",
    task="classification",
    zh="多标签分类宏平均与微平均",
    en="multilabel macro and micro averages",
    formula="mean over labels of the figure of each; or the figure of the pooled counts",
    source="Tsoumakas and Katakis, Int J Data Warehous Min 3:1-13, 2007",
    check="scikit-learn precision_recall_fscore_support on label indicators",
)
def label_average(
    figure: str,
    counts: ArrayLike,
    *,
    seed: int,
    average: Literal["macro", "micro"] = "macro",
    replicates: int = 2000,
    confidence: float = 0.95,
    interval: Interval = "percentile",
) -> Estimate:
    """A figure of `confusion.FIGURES` over labels, with an interval over resampled subjects.

    Parameters
    ----------
    counts : shape (n_subjects, n_labels, 4)
        By `label_counts`.

    Returns
    -------
    Estimate
        The macro average is not estimable when the figure of a label is not.

    Examples
    --------
    >>> counts = label_counts([[1, 0], [1, 1], [0, 1]], [[1, 1], [0, 1], [0, 1]], [1, 2, 3])
    >>> round(label_average("f1", counts, seed=1).value, 4), label_average("f1", counts, seed=1, average="micro").value
    (0.7333, 0.75)
    """
    if figure not in FIGURES:
        raise WrongUse(
            found=f"figure '{figure}'", wanted=f"one of {', '.join(FIGURES)}", remedy="Name one of them."
        )

    def averaged(sums: FloatArray) -> FloatArray:
        if average == "micro":
            return FIGURES[figure](sums.sum(axis=-2))
        mean: FloatArray = FIGURES[figure](sums).mean(axis=-1)  # one undefined label makes it undefined
        return mean

    return bootstrap_figure(
        counts,
        averaged,
        undefined=f"{figure} of a label divides by zero",
        seed=seed,
        replicates=replicates,
        confidence=confidence,
        interval=interval,
    )


@method(
    id="multilabel-exact-match",
    task="classification",
    zh="完全匹配率",
    en="exact match ratio",
    formula="share of cases whose labels are all right",
    source="Tsoumakas and Katakis, Int J Data Warehous Min 3:1-13, 2007",
    check="scikit-learn accuracy_score on label indicators",
)
def exact_match(
    reference: ArrayLike,
    predicted: ArrayLike,
    *,
    interval: ProportionInterval = "wilson",
    confidence: float = 0.95,
) -> Estimate:
    """Share of independent cases with every label right.

    Examples
    --------
    >>> exact_match([[1, 0], [1, 1]], [[1, 0], [0, 1]]).value
    0.5
    """
    true, said = _pair(reference, predicted)
    right = int((true == said).all(axis=1).sum())
    return proportion(right, len(true), method=interval, confidence=confidence)


@method(
    id="multilabel-hamming",
    task="classification",
    zh="汉明损失",
    en="Hamming loss",
    formula="share of all labels of all cases that are wrong",
    source="Schapire and Singer, Mach Learn 39:135-168, 2000",
    check="scikit-learn hamming_loss",
)
def hamming_loss(
    reference: ArrayLike,
    predicted: ArrayLike,
    subjects: ArrayLike,
    *,
    seed: int,
    replicates: int = 2000,
    confidence: float = 0.95,
) -> Estimate:
    """Share of wrong labels, with an interval over resampled subjects.

    Examples
    --------
    >>> hamming_loss([[1, 0], [1, 1]], [[1, 0], [0, 1]], [1, 2], seed=1).value
    0.25
    """
    counts = label_counts(reference, predicted, subjects).sum(axis=1)
    if len(counts) == 0 or counts.sum() == 0:
        return not_estimable("no label", len(counts))
    return bootstrap_figure(
        counts,
        lambda sums: 1 - FIGURES["accuracy"](sums),
        undefined="no label",
        seed=seed,
        replicates=replicates,
        confidence=confidence,
    )


def _pair(reference: ArrayLike, predicted: ArrayLike) -> tuple[BoolArray, BoolArray]:
    true, said = np.asarray(reference), np.asarray(predicted)
    good = true.ndim == 2 and true.shape == said.shape
    if not good or not (np.isin(true, (0, 1)).all() and np.isin(said, (0, 1)).all()):
        raise WrongUse(
            found=f"labels of shape {true.shape} and {said.shape}, or values other than 0 and 1",
            wanted="the same cases and labels in both, each 0 or 1",
            remedy="Apply each label's threshold first; let the protocol's rule score missing predictions.",
        )
    return true.astype(np.bool_), said.astype(np.bool_)
