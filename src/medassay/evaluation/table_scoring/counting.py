"""Counts of objects from two plain tables: how many there are, in one class or several.

    reference     case,count[,subject]           or one column a class
    predictions   case,count                     or one column a class

A case without a usable prediction counts as nothing found and is never exact. scikit-learn and scipy compute each
headline figure again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from medassay.core.estimate import Estimate
from medassay.evaluation.counting_check import counting_again
from medassay.evaluation.paired_tables import (
    PairedTables,
    mean_over_cases,
    of_people,
    pair_tables,
    predicted_numbers,
    reference_numbers,
    worst_of,
)
from medassay.evaluation.table_scorer import Again, CaseOutcome, Tabled, TableOptions
from medassay.formats.predictions.table import whole_number
from medassay.statistics import counting
from medassay.statistics.bland_altman import bland_altman
from medassay.tasks.counting import compare_counts

VERSION = "1.1"
IntArray = NDArray[np.int64]


class Options(TableOptions):
    """The declared conventions of a count."""

    classes: tuple[str, ...] = Field(
        default=("count",), min_length=1, description="the columns that hold counts"
    )
    tolerance: int = Field(default=0, ge=0, description="a count off by no more is within tolerance")
    highest: float = Field(
        default=1e9, gt=0, description="predictions above are out of range, and do not count"
    )


@dataclass(frozen=True)
class _Counts:
    """Counts of one class, a case a place; a case without a usable prediction has nothing found."""

    reference: IntArray
    prediction: IntArray
    counted: NDArray[np.bool_]


def score(reference: Mapping[str, bytes], predictions: Mapping[str, bytes], options: Options) -> Tabled:
    """Score counts.

    Raises
    ------
    WrongUse
        As every `TableScorer`.
    """
    tables = pair_tables(reference, predictions, options)
    columns = [
        predicted_numbers(
            tables, options.prediction_columns.get(name, name), lambda v: _count(v, options.highest)
        )
        for name in options.classes
    ]
    status, reason = worst_of(columns)
    counted = np.array([state == "scored" for state in status])
    by_class = {}
    for name, column in zip(options.classes, columns, strict=True):
        ours = reference_numbers(
            tables, options.reference_columns.get(name, name), lambda v: _count(v, float("inf"))
        )
        said = np.where(counted, column.values, 0.0)
        by_class[name] = _Counts(ours.astype(np.int64), said.astype(np.int64), counted)
    statistics = [_of_case(by_class, place, options.classes) for place in range(len(tables.cases))]
    figures: dict[str, Estimate] = {}
    entries: list[Again] = []
    for name, counts in by_class.items():
        suffix = f"[{name}]" if len(options.classes) > 1 else ""
        own = _figures(name, counts, statistics, tables, options)
        figures |= {f"{figure}{suffix}": estimate for figure, estimate in own.items()}
        entries += counting_again(own, suffix, counts.reference, counts.prediction, counted)
    return Tabled(
        figures=figures,
        cases=tuple(
            CaseOutcome(case, state, row, why)
            for case, state, row, why in zip(tables.cases, status, statistics, reason, strict=True)
        ),
        again=tuple(entries),
        unit_of_analysis="subject" if tables.clustered else "case",
        tests={},
        left_out=tables.left_out,
        remarks=_remarks(counted, tables),
    )


def _count(value: float, highest: float) -> str:
    if not whole_number(value):
        return "a count that is negative, not whole or not finite"
    return "a count out of range" if value > highest else ""


def _of_case(by_class: Mapping[str, _Counts], place: int, classes: Sequence[str]) -> dict[str, float]:
    own = list(by_class.values())
    said = [int(counts.prediction[place]) for counts in own] if own[0].counted[place] else None
    return compare_counts([int(counts.reference[place]) for counts in own], said, classes=classes)


def _figures(
    name: str,
    counts: _Counts,
    statistics: Sequence[Mapping[str, float]],
    tables: PairedTables,
    options: Options,
) -> dict[str, Estimate]:
    def mean(statistic: str, *, unit: str = "{count}", proportion: bool = False) -> Estimate:
        parts = np.array([row[f"{statistic}[{name}]"] for row in statistics])
        return mean_over_cases(parts, tables.owner, options, unit=unit, proportion=proportion)

    near = counts.counted & (np.abs(counts.prediction - counts.reference) <= options.tolerance)
    within = mean_over_cases(near.astype(np.float64), tables.owner, options, proportion=True)
    agreement = counting.poisson_agreement(counts.reference, counts.prediction)
    dispersion = counting.count_dispersion(counts.reference, counts.prediction, confidence=options.confidence)
    limits = bland_altman(
        counts.prediction.astype(np.float64),
        counts.reference.astype(np.float64),
        confidence=options.confidence,
        unit="{count}",
    )
    return {
        "mean_count_error": mean("error"),
        "mean_absolute_count_error": mean("absolute_error"),
        "exact_count_rate": mean("exact", unit="1", proportion=True),
        "within_tolerance": within,
        "poisson_agreement": of_people(agreement, tables),
        "count_dispersion": of_people(dispersion, tables),
        "count_lower_limit_of_agreement": of_people(limits.lower_limit, tables),
        "count_upper_limit_of_agreement": of_people(limits.upper_limit, tables),
    }


def _remarks(counted: NDArray[np.bool_], tables: PairedTables) -> tuple[str, ...]:
    without = int(np.count_nonzero(~counted))
    remarks = []
    if without:
        remarks.append(
            f"{without} of {len(counted)} cases have no usable prediction: nothing found, never exact"
        )
    if tables.clustered:
        remarks.append("people have several cases: limits, Poisson agreement and dispersion have no interval")
    return tuple(remarks)
