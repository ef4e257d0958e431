"""What a reference and a device say of each case of a classification, as numbers; and what a missing answer is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse
from medassay.evaluation.classification_options import Options
from medassay.evaluation.paired_tables import Check, PairedColumn, PairedTables, predicted_numbers, worst_of
from medassay.evaluation.table_scorer import Status, flawed_reference
from medassay.formats.predictions.table import ABSENT
from medassay.tasks.classification import (
    NO_PREDICTION,
    ClassificationRules,
    count_binary,
    fill_missing_scores,
)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class ScoredAnswers:
    """Predictions of a binary test: scores with NaN, and whether they are more than a class."""

    column: PairedColumn
    graded: bool


def binary_labels(tables: PairedTables, options: Options) -> IntArray:
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


def binary_answers(tables: PairedTables, options: Options) -> ScoredAnswers:
    named = options.prediction_columns
    column = named.get("score", "score")
    if "score" in named or tables.predictions.has(column):
        return ScoredAnswers(predicted_numbers(tables, column, score_check(options)), graded=True)
    cells = tables.predictions.column(named.get("predicted", "predicted"))
    known = set(tables.reference.column(options.reference_columns.get("label", "label"))) | {options.positive}
    return ScoredAnswers(_class_column(tables, cells, known, {options.positive: 1.0}), graded=False)


def score_check(options: Options) -> Check:
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


def calls_of(labels: IntArray, scores: FloatArray, rules: ClassificationRules) -> IntArray:
    """What each case was called, missing ones by the rule."""
    single = count_binary(
        labels, scores, [f"{place:012d}" for place in range(len(labels))], rules=rules
    ).counts
    called: IntArray = (single[:, 0] + single[:, 1]).astype(np.int64)
    return called


def filled_scores(labels: IntArray, scores: FloatArray, options: Options) -> FloatArray:
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


def declared_classes(labels: Sequence[str], tables: PairedTables, options: Options) -> tuple[str, ...]:
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


def class_answers(
    tables: PairedTables, classes: Sequence[str], options: Options
) -> tuple[IntArray, FloatArray | None, tuple[Status, ...], tuple[str, ...]]:
    """Class numbers with -1 where there is none, scores if there are any, and what became of each case."""
    named = options.prediction_columns
    columns = [named.get(name, name) for name in classes]
    if all(tables.predictions.has(column) for column in columns):
        found = [predicted_numbers(tables, column, score_check(options)) for column in columns]
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


def filled_class_scores(reference: IntArray, scores: FloatArray) -> FloatArray:
    """A missing row ranks below all others for its own class, and above them for every other."""
    filled = scores.copy()
    for place in range(scores.shape[1]):
        own = (reference == place).astype(np.int64)
        filled[:, place] = fill_missing_scores(own, scores[:, place])
    return filled


def zero_or_one(value: float) -> str:
    return "" if value in (0.0, 1.0) else "a label other than 0 and 1"


def label_calls(truth: IntArray, scores: FloatArray, options: Options) -> IntArray:
    rule = {"wrong": 1 - truth, "negative": 0 * truth, "positive": 0 * truth + 1}[options.missing]
    called: IntArray = np.where(np.isnan(scores), rule, scores >= options.threshold).astype(np.int64)
    return called
