"""Classification from two plain tables: binary, multiclass, multilabel or ordinal.

    reference     case,label[,subject]           multilabel: one column of 0 and 1 a class
    predictions   case,score                     binary: of the positive class; or case,predicted
                  case,<class>,<class>,...       multiclass, multilabel, ordinal: a score a class
                  case,predicted                 the class alone: no figure that needs a score

A case without a usable prediction is scored by the declared rule and never leaves the denominator. scikit-learn
computes each headline figure again, and statsmodels its interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.evaluation.classification_check import binary_again, classes_again, labels_again
from medassay.evaluation.paired_tables import (
    Check,
    PairedColumn,
    PairedTables,
    pair_tables,
    predicted_numbers,
    reference_numbers,
    worst_of,
)
from medassay.evaluation.table_scorer import (
    CaseOutcome,
    Status,
    Tabled,
    TableOptions,
    flawed_reference,
)
from medassay.formats.predictions.table import ABSENT
from medassay.statistics import (
    agreement,
    calibration,
    confusion,
    multiclass,
    multiclass_auc,
    multilabel,
    ordinal,
)
from medassay.statistics.clustered_roc import clustered_auc
from medassay.statistics.delong import auc
from medassay.statistics.intervals import not_estimable
from medassay.statistics.logistic_calibration import logistic_calibration
from medassay.statistics.precision_recall import average_precision
from medassay.statistics.predictive_values import predictive_values
from medassay.statistics.probability_scores import brier_score, spiegelhalter
from medassay.statistics.proportion import ProportionInterval
from medassay.statistics.significance import Significance
from medassay.tasks.classification import (
    NO_PREDICTION,
    ClassificationRules,
    SubjectCounts,
    count_binary,
    count_classes,
    count_labels,
    fill_missing_scores,
)

VERSION = "1.0"
NO_SCORES = "predictions give a class without a score"
PROPORTIONS = (
    "sensitivity",
    "specificity",
    "positive_predictive_value",
    "negative_predictive_value",
    "accuracy",
    "prevalence",
)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Options(TableOptions):
    """The declared conventions of a classification."""

    kind: Literal["binary", "multiclass", "multilabel", "ordinal"] = "binary"
    positive: str = Field(
        default="1", description="binary: the label that is positive; every other is negative"
    )
    classes: tuple[str, ...] = Field(
        default=(), description="in their order; multiclass: default those of the reference, sorted"
    )
    threshold: float = Field(default=0.5, description="positive means score >= threshold")
    missing: Literal["wrong", "negative", "positive"] = Field(
        default="wrong", description="what a case without a usable prediction counts as"
    )
    probabilities: bool = Field(
        default=True, description="scores lie in [0, 1]; others are out of range. No: any finite score counts"
    )
    interval: ProportionInterval = Field(
        default="wilson", description="of proportions where every case is a subject of its own"
    )
    bins: int = Field(default=10, ge=2, description="of the calibration error, equal in width")
    at_prevalence: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="predictive values at a stated prevalence beside those of the sample",
    )


def score(reference: Mapping[str, bytes], predictions: Mapping[str, bytes], options: Options) -> Tabled:
    """Score a classification.

    Raises
    ------
    WrongUse
        As every `TableScorer`; and for a kind that the columns do not fit.
    """
    tables = pair_tables(reference, predictions, options)
    if options.kind == "binary":
        return _binary(tables, options)
    if options.kind == "multilabel":
        return _multilabel(tables, options)
    return _classes(tables, options)


@dataclass(frozen=True)
class _Said:
    """Predictions of a binary test: scores with NaN, and whether they are more than a class."""

    column: PairedColumn
    graded: bool


def _binary(tables: PairedTables, options: Options) -> Tabled:
    labels = _binary_labels(tables, options)
    said = _binary_scores(tables, options)
    rules = ClassificationRules(threshold=options.threshold if said.graded else 0.5, missing=options.missing)
    counted = count_binary(labels, said.column.values, tables.subjects, rules=rules)
    figures = _table_figures(counted, tables, options)
    filled = _filled(labels, said.column.values, options)
    graded, tests = _graded_figures(labels, filled, said, tables, options)
    calls = _calls(labels, said.column.values, rules)
    return Tabled(
        figures=figures | graded,
        cases=_outcomes(
            tables, said.column.status, said.column.reason, _binary_statistics(labels, calls, said)
        ),
        again=tuple(binary_again(figures | graded, labels, calls, filled, options.interval)),
        unit_of_analysis="subject" if tables.clustered else "case",
        tests=tests,
        left_out=tables.left_out,
        remarks=_remarks(tables, said.column.status, options.missing),
    )


def _binary_labels(tables: PairedTables, options: Options) -> IntArray:
    cells = tables.reference.column(options.reference_columns.get("label", "label"))
    for row, cell in enumerate(cells):
        if cell.lower() in ABSENT:
            raise flawed_reference("a case without a label", f"line {tables.reference.line[row]}")
    if len(set(cells)) > 2:
        raise flawed_reference(
            f"{len(set(cells))} different labels for a binary classification",
            "name the kind 'multiclass' or 'ordinal', or put the labels into two",
        )
    if options.positive not in cells and len(set(cells)) > 1:
        raise WrongUse(
            found=f"two labels, neither of them '{options.positive}'",
            wanted="the positive label",
            remedy="Name it in the options: `positive`.",
            where="reference",
        )
    return np.array([cell == options.positive for cell in cells], np.int64)


def _binary_scores(tables: PairedTables, options: Options) -> _Said:
    named = options.prediction_columns
    column = named.get("score", "score")
    if "score" in named or tables.predictions.has(column):
        return _Said(predicted_numbers(tables, column, _score_check(options)), graded=True)
    cells = tables.predictions.column(named.get("predicted", "predicted"))
    known = set(tables.reference.column(options.reference_columns.get("label", "label"))) | {options.positive}
    return _Said(_class_column(tables, cells, known, {options.positive: 1.0}), graded=False)


def _score_check(options: Options) -> Check:
    def check(value: float) -> str:
        if options.probabilities and not 0 <= value <= 1:
            return "a probability outside 0 to 1"
        return "" if np.isfinite(value) else "an infinite score"

    return check


def _class_column(
    tables: PairedTables, cells: Sequence[str], known: set[str], number: Mapping[str, float]
) -> PairedColumn:
    """Predicted classes as numbers; a class that nobody declared is out of range."""
    values = np.full(len(tables.cases), np.nan)
    status: list[Status] = []
    reason: list[str] = []
    for case, row in enumerate(tables.place.tolist()):
        cell = "" if row == NO_PREDICTION else cells[row]
        if cell.lower() in ABSENT:
            status.append("missing")
            reason.append("no row of this case" if row == NO_PREDICTION else "no value")
        elif cell not in known:
            status.append("unusable")
            reason.append("a class that the reference does not know")
        else:
            values[case] = number.get(cell, 0.0)
            status.append("scored")
            reason.append("")
    return PairedColumn(values, tuple(status), tuple(reason))


def _calls(labels: IntArray, scores: FloatArray, rules: ClassificationRules) -> IntArray:
    """What each case was called, missing ones by the rule."""
    single = count_binary(
        labels, scores, [f"{place:012d}" for place in range(len(labels))], rules=rules
    ).counts
    called: IntArray = (single[:, 0] + single[:, 1]).astype(np.int64)
    return called


def _table_figures(counted: SubjectCounts, tables: PairedTables, options: Options) -> dict[str, Estimate]:
    if tables.clustered:
        return {
            name: confusion.clustered_figure(
                name,
                counted.counts,
                seed=options.seed,
                replicates=options.replicates,
                confidence=options.confidence,
            )
            for name in (*PROPORTIONS, "youden", "balanced_accuracy", "f1", "matthews")
        }
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
        "matthews": confusion.clustered_figure(
            "matthews",
            counted.counts,
            seed=options.seed,
            replicates=options.replicates,
            confidence=options.confidence,
        ),
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


def _filled(labels: IntArray, scores: FloatArray, options: Options) -> FloatArray:
    """Scores in which a missing one is as wrong, as negative or as positive as the rule says."""
    if options.probabilities:
        rule = {"wrong": 1.0 - labels, "negative": 0.0 * labels, "positive": 0.0 * labels + 1}[
            options.missing
        ]
        filled: FloatArray = np.where(np.isnan(scores), rule, scores)
        return filled
    ranks: dict[str, Literal["wrong", "lowest", "highest"]] = {
        "wrong": "wrong",
        "negative": "lowest",
        "positive": "highest",
    }
    return fill_missing_scores(labels, scores, missing=ranks[options.missing])


def _graded_figures(
    labels: IntArray, filled: FloatArray, said: _Said, tables: PairedTables, options: Options
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
    if tables.clustered:
        area = clustered_auc(labels, filled, tables.owner, confidence=options.confidence)
    else:
        area = auc(labels, filled, confidence=options.confidence)
    figures = {
        "auc": area,
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
        "brier": brier_score(labels, filled, confidence=options.confidence),
        "calibration_error": calibration.calibration_error(
            calibration.reliability_table(labels, filled, rule=rule)
        ),
        "calibration_slope": fit.slope,
        "calibration_in_the_large": fit.in_the_large,
    }
    return figures, {"spiegelhalter": spiegelhalter(labels, filled)}


def _binary_statistics(labels: IntArray, calls: IntArray, said: _Said) -> list[dict[str, float]]:
    rows = [{"label": float(label), "called": float(call)} for label, call in zip(labels, calls, strict=True)]
    for row, value in zip(rows, said.column.values.tolist(), strict=True):
        if said.graded and np.isfinite(value):
            row["score"] = value
    return rows


def _classes(tables: PairedTables, options: Options) -> Tabled:
    labels = tables.reference.column(options.reference_columns.get("label", "label"))
    classes = _declared_classes(labels, tables, options)
    number = {name: place for place, name in enumerate(classes)}
    reference = np.array([number[label] for label in labels], np.int64)
    said, scores, status, reason = _class_predictions(tables, classes, options)
    counted = count_classes(reference, said, tables.subjects, classes=len(classes))
    whole = counted.counts.sum(axis=0)
    figures = _class_figures(counted, whole, tables, options)
    if scores is not None:
        figures["auc_one_against_rest"] = multiclass_auc.one_against_rest(
            reference, _filled_classes(reference, scores)
        )
    statistics = [
        {"label": float(label)} | ({"predicted": float(call)} if call != NO_PREDICTION else {})
        for label, call in zip(reference, said, strict=True)
    ]
    return Tabled(
        figures=figures,
        cases=_outcomes(tables, status, reason, statistics),
        again=tuple(
            classes_again(
                figures, whole, reference, None if scores is None else _filled_classes(reference, scores)
            )
        ),
        unit_of_analysis="subject" if tables.clustered else "case",
        tests={},
        left_out=tables.left_out,
        remarks=_remarks(tables, status, "wrong"),
    )


def _declared_classes(labels: Sequence[str], tables: PairedTables, options: Options) -> tuple[str, ...]:
    absent = next((row for row, label in enumerate(labels) if label.lower() in ABSENT), None)
    if absent is not None:
        raise flawed_reference("a case without a label", f"line {tables.reference.line[absent]}")
    if options.kind == "ordinal" and not options.classes:
        raise WrongUse(
            found="grades without an order",
            wanted="`classes` in the options, lowest first",
            remedy="List them; no order is guessed from names.",
        )
    classes = options.classes or tuple(sorted(set(labels)))
    strangers = sum(label not in classes for label in labels)
    if strangers or len(set(classes)) != len(classes) or len(classes) < 2:
        raise flawed_reference(
            f"{strangers} labels outside the {len(set(classes))} classes",
            "list every class once, two or more",
        )
    return classes


def _class_predictions(
    tables: PairedTables, classes: Sequence[str], options: Options
) -> tuple[IntArray, FloatArray | None, tuple[Status, ...], tuple[str, ...]]:
    """Class numbers with -1 where there is none, scores if there are any, and what became of each case."""
    named = options.prediction_columns
    columns = [named.get(name, name) for name in classes]
    if all(tables.predictions.has(column) for column in columns):
        found = [predicted_numbers(tables, column, _score_check(options)) for column in columns]
        status, reason = worst_of(found)
        scores = np.stack([column.values for column in found], axis=1)
        usable = np.array([state == "scored" for state in status])
        scores[~usable] = np.nan
        said = np.where(usable, np.nan_to_num(scores, nan=-np.inf).argmax(axis=1), NO_PREDICTION)
        return said.astype(np.int64), scores, status, reason
    cells = tables.predictions.column(named.get("predicted", "predicted"))
    number = {name: float(place) for place, name in enumerate(classes)}
    column = _class_column(tables, cells, set(classes), number)
    said = np.where(np.isnan(column.values), NO_PREDICTION, np.nan_to_num(column.values))
    return said.astype(np.int64), None, column.status, column.reason


def _filled_classes(reference: IntArray, scores: FloatArray) -> FloatArray:
    """A missing row ranks below all others for its own class, and above them for every other."""
    filled = scores.copy()
    for place in range(scores.shape[1]):
        own = (reference == place).astype(np.int64)
        filled[:, place] = fill_missing_scores(own, scores[:, place])
    return filled


def _class_figures(
    counted: SubjectCounts, whole: FloatArray, tables: PairedTables, options: Options
) -> dict[str, Estimate]:
    chosen: dict[str, Any] = {"seed": options.seed, "replicates": options.replicates}
    figures = {
        "accuracy": multiclass.accuracy(whole, interval=options.interval, confidence=options.confidence)
        if not tables.clustered
        else ordinal.share_within(counted.counts, grades=0, confidence=options.confidence, **chosen),
        "kappa": agreement.cohen_kappa(whole, confidence=options.confidence),
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
        figures["kappa_quadratic"] = agreement.cohen_kappa(
            whole, weights="quadratic", confidence=options.confidence
        )
        figures["mean_grade_error"] = ordinal.mean_grade_error(
            counted.counts, confidence=options.confidence, **chosen
        )
        figures["within_one_grade"] = ordinal.share_within(
            counted.counts, grades=1, confidence=options.confidence, **chosen
        )
    return figures


def _multilabel(tables: PairedTables, options: Options) -> Tabled:
    if not options.classes:
        raise WrongUse(
            found="a multilabel classification without its labels",
            wanted="`classes` in the options: the columns of both files",
            remedy="List them.",
        )
    reference, columns = [], []
    for name in options.classes:
        reference.append(reference_numbers(tables, options.reference_columns.get(name, name), _zero_or_one))
        columns.append(
            predicted_numbers(tables, options.prediction_columns.get(name, name), _score_check(options))
        )
    truth = np.stack(reference, axis=1).astype(np.int64)
    scores = np.stack([column.values for column in columns], axis=1)
    status, reason = worst_of(columns)
    thresholds = np.full(len(options.classes), options.threshold)
    counted = count_labels(truth, scores, tables.subjects, thresholds=thresholds, missing=options.missing)
    calls = _label_calls(truth, scores, options)
    figures = _label_figures(truth, calls, scores, counted, tables, options)
    statistics = [
        {"labels": float(row.sum()), "wrong_labels": float((row != call).sum())}
        for row, call in zip(truth, calls, strict=True)
    ]
    return Tabled(
        figures=figures,
        cases=_outcomes(tables, status, reason, statistics),
        again=tuple(labels_again(figures, truth, calls)),
        unit_of_analysis="subject" if tables.clustered else "case",
        tests={},
        left_out=tables.left_out,
        remarks=_remarks(tables, status, options.missing),
    )


def _zero_or_one(value: float) -> str:
    return "" if value in (0.0, 1.0) else "a label other than 0 and 1"


def _label_calls(truth: IntArray, scores: FloatArray, options: Options) -> IntArray:
    rule = {"wrong": 1 - truth, "negative": 0 * truth, "positive": 0 * truth + 1}[options.missing]
    called: IntArray = np.where(np.isnan(scores), rule, scores >= options.threshold).astype(np.int64)
    return called


def _label_figures(
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
        for figure in ("sensitivity", "specificity"):
            figures[f"{figure}[{name}]"] = _table_figures(one, tables, options)[figure]
        filled = _filled(truth[:, place], scores[:, place], options)
        figures[f"auc[{name}]"] = (
            clustered_auc(truth[:, place], filled, tables.owner, confidence=confidence)
            if tables.clustered
            else auc(truth[:, place], filled, confidence=confidence)
        )
    return figures


def _of_label(counted: SubjectCounts, place: int) -> SubjectCounts:
    return replace(counted, counts=counted.counts[:, place])


def _outcomes(
    tables: PairedTables, status: Sequence[Status], reason: Sequence[str], rows: Sequence[Mapping[str, float]]
) -> tuple[CaseOutcome, ...]:
    return tuple(
        CaseOutcome(case, state, statistics, why)
        for case, state, statistics, why in zip(tables.cases, status, rows, reason, strict=True)
    )


def _remarks(tables: PairedTables, status: Sequence[Status], rule: str) -> tuple[str, ...]:
    without = sum(state != "scored" for state in status)
    remarks = (
        [f"{without} of {len(status)} cases have no usable prediction: each counts as {rule}"]
        if without
        else []
    )
    if not tables.clustered and not tables.reference.has("subject"):
        remarks.append("no column names subjects: each case is taken for a person of its own")
    return tuple(remarks)
