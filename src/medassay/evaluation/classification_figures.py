"""The figures of a classification, from counts of each subject and from scores of each case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.evaluation.classification_answers import ScoredAnswers, filled_scores
from medassay.evaluation.classification_options import AreaInterval, Options
from medassay.evaluation.paired_tables import PairedTables, mean_over_cases, of_people
from medassay.statistics import agreement, calibration, confusion, multiclass, multilabel, ordinal
from medassay.statistics.chance_corrected import Weights
from medassay.statistics.clustered_kappa import clustered_kappa
from medassay.statistics.clustered_roc import ClusteredInterval, clustered_auc
from medassay.statistics.delong import auc
from medassay.statistics.intervals import not_estimable
from medassay.statistics.logistic_calibration import logistic_calibration
from medassay.statistics.precision_recall import average_precision
from medassay.statistics.predictive_values import clustered_predictive_values, predictive_values
from medassay.statistics.probability_scores import brier_score, spiegelhalter, squared_losses
from medassay.statistics.resampling import resampled_sums
from medassay.statistics.significance import Significance
from medassay.tasks.classification import SubjectCounts

NO_SCORES = "predictions give a class without a score"
PROPORTIONS = (
    "sensitivity",
    "specificity",
    "positive_predictive_value",
    "negative_predictive_value",
    "accuracy",
    "prevalence",
)
OVER_SUBJECTS: dict[AreaInterval, ClusteredInterval] = {
    "delong": "obuchowski",
    "delong_logit": "obuchowski_logit",
    "percentile": "percentile",
    "bca": "bca",
}

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def table_figures(counted: SubjectCounts, tables: PairedTables, options: Options) -> dict[str, Estimate]:
    """Every figure of a two-by-two table: in closed form over cases, or over resampled subjects by one draw."""
    if tables.clustered:
        names = (*PROPORTIONS, "youden", "balanced_accuracy", "f1", "matthews")
        return clustered_figures(names, counted, options) | _clustered_at_prevalence(counted, options)
    table = counted.counts.sum(axis=0)
    figures = {
        name: confusion.diagnostic_proportion(
            name, table, interval=options.interval, confidence=options.confidence
        )
        for name in PROPORTIONS
    }
    figures |= {
        "youden": confusion.youden_index(table, confidence=options.confidence),
        "balanced_accuracy": confusion.balanced_accuracy(table, confidence=options.confidence),
        "f1": confusion.f1_score(table, confidence=options.confidence),
        **clustered_figures(("matthews",), counted, options),
        "likelihood_ratio_positive": confusion.likelihood_ratio(
            table, result="positive", confidence=options.confidence
        ),
        "likelihood_ratio_negative": confusion.likelihood_ratio(
            table, result="negative", confidence=options.confidence
        ),
    }
    if options.at_prevalence is not None:
        tp, fp, fn, tn = (int(cell) for cell in table)
        if tp + fn and tn + fp:
            at = predictive_values(
                (tp, tp + fn), (tn, tn + fp), prevalence=options.at_prevalence, confidence=options.confidence
            )
            figures["positive_predictive_value_at_prevalence"] = at.positive
            figures["negative_predictive_value_at_prevalence"] = at.negative
    return figures


def _clustered_at_prevalence(counted: SubjectCounts, options: Options) -> dict[str, Estimate]:
    if options.at_prevalence is None:
        return {}
    at = clustered_predictive_values(
        counted.counts,
        prevalence=options.at_prevalence,
        seed=options.seed,
        replicates=options.replicates,
        confidence=options.confidence,
    )
    return {
        "positive_predictive_value_at_prevalence": at.positive,
        "negative_predictive_value_at_prevalence": at.negative,
    }


def clustered_figures(names: Sequence[str], counted: SubjectCounts, options: Options) -> dict[str, Estimate]:
    """Figures of a two-by-two table over resampled subjects; one draw of subjects serves them all."""
    sums = resampled_sums(counted.counts, options.replicates, options.seed) if len(counted.counts) else None
    return {
        name: confusion.clustered_figure(
            name,
            counted.counts,
            seed=options.seed,
            replicates=options.replicates,
            confidence=options.confidence,
            sums=sums,
        )
        for name in names
    }


def area(labels: IntArray, scores: FloatArray, tables: PairedTables, options: Options) -> Estimate:
    """The area under the ROC curve, with the declared interval over cases or, where people have several, over people.

    Raises
    ------
    WrongUse
        For Newcombe's interval of cases that are not independent.
    """
    named = options.auc_interval
    if tables.clustered and named == "newcombe":
        raise WrongUse(
            found="auc_interval 'newcombe' for subjects with several cases",
            wanted=f"one of {', '.join(OVER_SUBJECTS)}",
            remedy="Newcombe's interval takes every case for a person of its own; name one over subjects.",
            where="options",
        )
    if tables.clustered or named == "percentile" or named == "bca":
        return clustered_auc(
            labels,
            scores,
            tables.owner,
            interval=OVER_SUBJECTS[named],
            seed=options.seed,
            replicates=options.replicates,
            confidence=options.confidence,
        )
    return auc(labels, scores, interval=named, confidence=options.confidence)


def graded_figures(
    labels: IntArray, filled: FloatArray, said: ScoredAnswers, tables: PairedTables, options: Options
) -> tuple[dict[str, Estimate], dict[str, Significance]]:
    names = ["auc", "average_precision"]
    names += [
        "brier",
        "calibration_error",
        "calibration_slope",
        "calibration_in_the_large",
    ] * options.probabilities
    if not said.graded:
        return {name: not_estimable(NO_SCORES, len(labels)) for name in names}, {}
    figures = {
        "auc": area(labels, filled, tables, options),
        "average_precision": average_precision(
            labels,
            filled,
            subjects=tables.owner,
            seed=options.seed,
            replicates=options.replicates,
            confidence=options.confidence,
        ),
    }
    if not options.probabilities:
        return figures, {}
    rule = calibration.BinRule(count=options.bins)
    fit = logistic_calibration(labels, filled, confidence=options.confidence)
    figures |= {
        "brier": _brier(labels, filled, tables, options),
        "calibration_error": calibration.calibration_error(
            calibration.reliability_table(labels, filled, rule=rule)
        ),
        "calibration_slope": of_people(fit.slope, tables),
        "calibration_in_the_large": of_people(fit.in_the_large, tables),
    }
    test = spiegelhalter(labels, filled)
    if tables.clustered:
        test = replace(test, p_value=None, undefined="no p value: subjects have several cases")
    return figures, {"spiegelhalter": test}


def _brier(labels: IntArray, filled: FloatArray, tables: PairedTables, options: Options) -> Estimate:
    """Over cases or, where people have several, over people."""
    if not tables.clustered:
        return brier_score(labels, filled, confidence=options.confidence)
    return mean_over_cases(squared_losses(labels, filled), tables.owner, options)


def class_figures(
    counted: SubjectCounts, whole: FloatArray, tables: PairedTables, options: Options
) -> dict[str, Estimate]:
    chosen: dict[str, Any] = {"seed": options.seed, "replicates": options.replicates}
    figures = {
        "accuracy": multiclass.accuracy(whole, interval=options.interval, confidence=options.confidence)
        if not tables.clustered
        else ordinal.share_within(counted.counts, grades=0, confidence=options.confidence, **chosen),
        "kappa": _kappa(counted, whole, tables, options, "unweighted"),
    }
    names: tuple[Literal["recall", "precision", "f1"], ...] = ("recall", "precision", "f1")
    for name in names:
        figures[f"macro_{name}"] = multiclass.clustered_average(
            name,
            counted.counts,
            confidence=options.confidence,
            **chosen,
        )
    if options.kind == "ordinal":
        figures["kappa_quadratic"] = _kappa(counted, whole, tables, options, "quadratic")
        figures["mean_grade_error"] = ordinal.mean_grade_error(
            counted.counts, confidence=options.confidence, **chosen
        )
        figures["within_one_grade"] = ordinal.share_within(
            counted.counts, grades=1, confidence=options.confidence, **chosen
        )
    return figures


def _kappa(
    counted: SubjectCounts,
    whole: FloatArray,
    tables: PairedTables,
    options: Options,
    weights: Weights,
) -> Estimate:
    """Over cases or, where people have several, over people."""
    if not tables.clustered:
        return agreement.cohen_kappa(whole, weights=weights, confidence=options.confidence)
    return clustered_kappa(
        counted.counts,
        weights=weights,
        seed=options.seed,
        replicates=options.replicates,
        confidence=options.confidence,
    )


def label_figures(
    truth: IntArray,
    calls: IntArray,
    scores: FloatArray,
    counted: SubjectCounts,
    tables: PairedTables,
    options: Options,
) -> dict[str, Estimate]:
    seed, replicates, confidence = options.seed, options.replicates, options.confidence
    figures = {
        f"{average}_f1": multilabel.label_average(
            "f1", counted.counts, seed=seed, average=average, replicates=replicates, confidence=confidence
        )
        for average in ("macro", "micro")
    }
    figures["hamming_loss"] = multilabel.hamming_loss(
        truth, calls, tables.subjects, seed=seed, replicates=replicates, confidence=confidence
    )
    if not tables.clustered:
        figures["exact_match"] = multilabel.exact_match(
            truth, calls, interval=options.interval, confidence=confidence
        )
    for place, name in enumerate(options.classes):
        one = _of_label(counted, place)
        figures |= {f"{figure}[{name}]": found for figure, found in _both_rates(one, tables, options).items()}
        filled = filled_scores(truth[:, place], scores[:, place], options)
        figures[f"auc[{name}]"] = area(truth[:, place], filled, tables, options)
    return figures


def _both_rates(counted: SubjectCounts, tables: PairedTables, options: Options) -> dict[str, Estimate]:
    names = ("sensitivity", "specificity")
    if tables.clustered:
        return clustered_figures(names, counted, options)
    table = counted.counts.sum(axis=0)
    return {
        name: confusion.diagnostic_proportion(
            name, table, interval=options.interval, confidence=options.confidence
        )
        for name in names
    }


def _of_label(counted: SubjectCounts, place: int) -> SubjectCounts:
    return replace(counted, counts=counted.counts[:, place])
