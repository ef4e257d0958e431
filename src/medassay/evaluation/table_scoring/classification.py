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

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse
from medassay.evaluation.classification_answers import (
    ScoredAnswers,
    binary_answers,
    binary_labels,
    calls_of,
    class_answers,
    declared_classes,
    filled_class_scores,
    filled_scores,
    label_calls,
    score_check,
    zero_or_one,
)
from medassay.evaluation.classification_check import binary_again, classes_again, labels_again
from medassay.evaluation.classification_figures import (
    class_figures,
    graded_figures,
    label_figures,
    table_figures,
)
from medassay.evaluation.classification_options import Options
from medassay.evaluation.paired_tables import (
    PairedTables,
    pair_tables,
    predicted_numbers,
    reference_numbers,
    worst_of,
)
from medassay.evaluation.table_scorer import CaseOutcome, Status, Tabled
from medassay.statistics import multiclass_auc
from medassay.tasks.classification import (
    NO_PREDICTION,
    ClassificationRules,
    count_binary,
    count_classes,
    count_labels,
)

__all__ = ["VERSION", "Options", "score"]

VERSION = "1.2"

IntArray = NDArray[np.int64]


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


def _binary(tables: PairedTables, options: Options) -> Tabled:
    labels = binary_labels(tables, options)
    said = binary_answers(tables, options)
    rules = ClassificationRules(threshold=options.threshold if said.graded else 0.5, missing=options.missing)
    counted = count_binary(labels, said.column.values, tables.subjects, rules=rules)
    figures = table_figures(counted, tables, options)
    filled = filled_scores(labels, said.column.values, options)
    graded, tests = graded_figures(labels, filled, said, tables, options)
    calls = calls_of(labels, said.column.values, rules)
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


def _binary_statistics(labels: IntArray, calls: IntArray, said: ScoredAnswers) -> list[dict[str, float]]:
    rows = [{"label": float(label), "called": float(call)} for label, call in zip(labels, calls, strict=True)]
    for row, value in zip(rows, said.column.values.tolist(), strict=True):
        if said.graded and np.isfinite(value):
            row["score"] = value
    return rows


def _classes(tables: PairedTables, options: Options) -> Tabled:
    labels = tables.reference.column(options.reference_columns.get("label", "label"))
    classes = declared_classes(labels, tables, options)
    number = {name: place for place, name in enumerate(classes)}
    reference = np.array([number[label] for label in labels], np.int64)
    said, scores, status, reason = class_answers(tables, classes, options)
    counted = count_classes(reference, said, tables.subjects, classes=len(classes))
    whole = counted.counts.sum(axis=0)
    figures = class_figures(counted, whole, tables, options)
    if scores is not None:
        figures["auc_one_against_rest"] = multiclass_auc.one_against_rest(
            reference, filled_class_scores(reference, scores)
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
                figures, whole, reference, None if scores is None else filled_class_scores(reference, scores)
            )
        ),
        unit_of_analysis="subject" if tables.clustered else "case",
        tests={},
        left_out=tables.left_out,
        remarks=_remarks(tables, status, "wrong"),
    )


def _multilabel(tables: PairedTables, options: Options) -> Tabled:
    if not options.classes:
        raise WrongUse(
            found="a multilabel classification without its labels",
            wanted="`classes` in the options: the columns of both files",
            remedy="List them.",
        )
    reference, columns = [], []
    for name in options.classes:
        reference.append(reference_numbers(tables, options.reference_columns.get(name, name), zero_or_one))
        columns.append(
            predicted_numbers(tables, options.prediction_columns.get(name, name), score_check(options))
        )
    truth = np.stack(reference, axis=1).astype(np.int64)
    scores = np.stack([column.values for column in columns], axis=1)
    status, reason = worst_of(columns)
    thresholds = np.full(len(options.classes), options.threshold)
    counted = count_labels(truth, scores, tables.subjects, thresholds=thresholds, missing=options.missing)
    calls = label_calls(truth, scores, options)
    figures = label_figures(truth, calls, scores, counted, tables, options)
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
