"""Rows of both sides brought together, case by case: what is missing, unusable or unknown is said of each case."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medassay.core.estimate import Estimate
from medassay.evaluation.table_scorer import (
    Status,
    TableOptions,
    flawed_reference,
    require_once,
    unknown_rows,
)
from medassay.formats.predictions.table import PlainTable, case_ids, numbers, one_table
from medassay.statistics.intervals import without_interval
from medassay.statistics.ratio import ratio
from medassay.tasks.classification import NO_PREDICTION, pair_cases

FloatArray = NDArray[np.float64]
Check = Callable[[float], str]  # what is wrong with a number that is one, or nothing


@dataclass(frozen=True)
class PairedTables:
    """Both tables, with the row of each reference case's prediction.

    place : shape (n_cases,)
        Row of the prediction, or -1.
    clustered : bool
        Whether a subject has more than one case.
    """

    reference: PlainTable
    predictions: PlainTable
    cases: tuple[str, ...]
    subjects: tuple[str, ...]
    place: NDArray[np.int64]
    left_out: int

    @property
    def clustered(self) -> bool:
        return len(set(self.subjects)) < len(self.subjects)

    @property
    def owner(self) -> NDArray[np.int64]:
        """The subject of each case as a number, in the order of first appearance."""
        number = {name: place for place, name in enumerate(dict.fromkeys(self.subjects))}
        return np.array([number[name] for name in self.subjects], np.int64)


@dataclass(frozen=True)
class PairedColumn:
    """One number a case from the predictions; NaN where there is none that counts, with why."""

    values: FloatArray
    status: tuple[Status, ...]
    reason: tuple[str, ...]


def pair_tables(
    reference: Mapping[str, bytes], predictions: Mapping[str, bytes], options: TableOptions
) -> PairedTables:
    """Read both tables and find each case's prediction; the order of rows decides nothing.

    Raises
    ------
    WrongUse
        See `medassay.evaluation.table_scorer.TableScorer.score`.
    """
    ours, theirs = one_table(reference, "reference"), one_table(predictions, "prediction")
    cases = case_ids(ours, options.reference_columns.get("case", "case"))
    made = case_ids(theirs, options.prediction_columns.get("case", "case"))
    require_once(cases, "reference")
    require_once(made, "prediction")
    left_out = unknown_rows(cases, made, options)
    named = options.reference_columns.get("subject", "subject")
    asked = "subject" in options.reference_columns
    subjects = ours.column(named) if asked or ours.has(named) else cases
    if not all(subjects):
        raise flawed_reference("a case without its subject", f"column '{named}'")
    return PairedTables(ours, theirs, cases, tuple(subjects), pair_cases(cases, made).place, left_out)


def reference_numbers(tables: PairedTables, name: str, check: Check) -> FloatArray:
    """A column of the reference, every cell a number that passes.

    Raises
    ------
    WrongUse
        Naming the line of the first that does not.
    """
    found = numbers(tables.reference.column(name))
    for row, value in enumerate(found.values):
        wrong = found.flawed.get(row) or ("no value" if np.isnan(value) else check(float(value)))
        if wrong:
            raise flawed_reference(wrong, f"line {tables.reference.line[row]}, column '{name}'")
    return found.values


def predicted_numbers(tables: PairedTables, name: str, check: Check) -> PairedColumn:
    """A column of the predictions in the order of the reference's cases."""
    found = numbers(tables.predictions.column(name))
    values = np.full(len(tables.cases), np.nan)
    status: list[Status] = []
    reason: list[str] = []
    for case, row in enumerate(tables.place.tolist()):
        state, why = _outcome(found.values, found.flawed, row, check)
        status.append(state)
        reason.append(why)
        if state == "scored":
            values[case] = found.values[row]
    return PairedColumn(values, tuple(status), tuple(reason))


def worst_of(columns: Sequence[PairedColumn]) -> tuple[tuple[Status, ...], tuple[str, ...]]:
    """One status and reason a case where a prediction has several columns: the first that is not scored."""
    status: list[Status] = []
    reason: list[str] = []
    for states, reasons in zip(
        zip(*(column.status for column in columns), strict=True),
        zip(*(column.reason for column in columns), strict=True),
        strict=True,
    ):
        first = next((n for n, state in enumerate(states) if state != "scored"), 0)
        status.append(states[first])
        reason.append(reasons[first])
    return tuple(status), tuple(reason)


def of_people(estimate: Estimate, tables: PairedTables, several: str = "cases") -> Estimate:
    """A figure whose interval takes every case for a person of its own: of people with several it stands bare."""
    if estimate.value is None or not tables.clustered:
        return estimate
    reason = f"subjects have several {several}"
    return without_interval(estimate.value, reason, len(set(tables.subjects)), unit=estimate.unit)


def by_subject(owner: NDArray[np.int64], values: FloatArray) -> FloatArray:
    """Sums over each subject's cases.

    Examples
    --------
    >>> by_subject(np.array([0, 1, 0]), np.array([1.0, 2.0, 4.0])).tolist()
    [5.0, 2.0]
    """
    sums: FloatArray = np.bincount(owner, values, int(owner.max(initial=-1)) + 1).astype(np.float64)
    return sums


def mean_over_cases(
    values: FloatArray,
    owner: NDArray[np.int64],
    options: TableOptions,
    *,
    unit: str = "1",
    proportion: bool = False,
) -> Estimate:
    """The mean of one number a case, over resampled subjects.

    Parameters
    ----------
    values, owner : shape (n_cases,)
        Each case's number, in `unit`, and the number of its subject.
    proportion : bool
        As for `statistics.ratio.ratio`.

    Examples
    --------
    >>> mean_over_cases(np.array([1.0, 0, 1]), np.array([0, 1, 1]), TableOptions(), proportion=True).value
    0.6666666666666666
    """
    return ratio(
        by_subject(owner, values),
        by_subject(owner, np.ones(len(values))),
        undefined="no case",
        seed=options.seed,
        replicates=options.replicates,
        confidence=options.confidence,
        unit=unit,
        proportion=proportion,
    )


def _outcome(values: FloatArray, flawed: Mapping[int, str], row: int, check: Check) -> tuple[Status, str]:
    if row == NO_PREDICTION:
        return "missing", "no row of this case"
    if row in flawed:
        return "unreadable", flawed[row]
    if np.isnan(values[row]):
        return "missing", "no value"
    wrong = check(float(values[row]))
    return ("unusable", wrong) if wrong else ("scored", "")
