"""Measured values against a comparator from two plain tables: agreement, lines, and what a standard asks.

    reference     case,value[,subject][,lot]
    predictions   case,value

A case without a usable prediction has no difference: figures of differences rest on the pairs that exist, with
`measured` beside them; a share within limits counts it as outside; and no criterion is met while one is missing.
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
from medassay.evaluation.measurement_check import measurement_again
from medassay.evaluation.paired_tables import (
    PairedTables,
    mean_over_cases,
    pair_tables,
    predicted_numbers,
    reference_numbers,
)
from medassay.evaluation.table_scorer import CaseOutcome, Tabled, TableOptions
from medassay.statistics import bland_altman, glucose_criteria
from medassay.statistics.absolute_error import mean_absolute_error, root_mean_square_error
from medassay.statistics.acceptance import Criterion
from medassay.statistics.bland_altman_repeated import bland_altman_linked
from medassay.statistics.blood_pressure import iso_81060_2
from medassay.statistics.decision_levels import bias_at_decision_levels
from medassay.statistics.deming import deming
from medassay.statistics.error_grid import clarke_zones, parkes_zones, zone_shares
from medassay.statistics.intervals import not_estimable, without_interval
from medassay.statistics.least_squares import least_squares
from medassay.statistics.oximetry import arms
from medassay.statistics.passing_bablok import passing_bablok
from medassay.statistics.proportion import proportion

VERSION = "1.1"
SAME_READING = 1e-12  # relative: differences smaller than this are of rounding
MG_DL_PER_MMOL_L = 18.0156  # molar mass of glucose, 180.156 g/mol, over ten
MOST_PAIRS = 20_000  # that Passing-Bablok's lines are taken between

FloatArray = NDArray[np.float64]
Standard = Literal["iso_15197", "fda_home", "fda_hospital", "icgm"]


class Options(TableOptions):
    """The declared conventions of a comparison of measurements."""

    quantity: Literal["general", "glucose", "systolic", "diastolic", "saturation"] = Field(
        default="general", description="what is measured: it says which standard's figures are given"
    )
    unit: str = Field(default="1", description="UCUM unit of both columns; glucose: mg/dL or mmol/L")
    lowest: float | None = Field(
        default=None, description="predictions below are out of range, and do not count"
    )
    highest: float | None = Field(
        default=None, description="predictions above are out of range, and do not count"
    )
    allowable: float | None = Field(
        default=None, gt=0, description="share of differences within so much, in `unit`"
    )
    allowable_percent: float | None = Field(
        default=None,
        gt=0,
        description="the same in percent of the reference; with both, the larger of the two holds",
    )
    decision_levels: tuple[float, ...] = Field(
        default=(), description="where the bias of Deming's line is read"
    )
    error_ratio: float = Field(
        default=1.0, gt=0, description="Deming: var(error of reference) / var(of prediction)"
    )
    multiplier: float = Field(default=1.96, gt=0, description="limits of agreement: bias -+ so many SD")
    standards: tuple[Standard, ...] = Field(
        default=("iso_15197",), description="glucose: whose criteria are judged"
    )
    parkes: Literal["type_1", "type_2"] = Field(default="type_1", description="glucose: which consensus grid")
    clarke: Literal["ega", "methcomp", "closed"] = Field(default="ega", description="glucose: whose corners")


@dataclass(frozen=True)
class _Pairs:
    """Both values of every case; NaN in `test` where there is none that counts."""

    reference: FloatArray
    test: FloatArray
    subject: tuple[str, ...]
    owner: NDArray[np.int64]
    clustered: bool

    @property
    def there(self) -> NDArray[np.bool_]:
        return ~np.isnan(self.test)

    @property
    def missing(self) -> int:
        return int(np.count_nonzero(~self.there))

    def kept(self) -> tuple[FloatArray, FloatArray, list[str]]:
        there = self.there
        return (
            self.reference[there],
            self.test[there],
            [name for name, kept in zip(self.subject, there, strict=True) if kept],
        )


def score(reference: Mapping[str, bytes], predictions: Mapping[str, bytes], options: Options) -> Tabled:
    """Score a comparison of measurements.

    Raises
    ------
    WrongUse
        As every `TableScorer`; and for a unit or a reference value that the quantity does not have.
    """
    _require_unit(options)
    tables = pair_tables(reference, predictions, options)
    values = reference_numbers(
        tables, options.reference_columns.get("value", "value"), lambda value: _range(value, options, False)
    )
    column = predicted_numbers(
        tables, options.prediction_columns.get("value", "value"), lambda value: _range(value, options, True)
    )
    pairs = _Pairs(values, column.values, tables.subjects, tables.owner, tables.clustered)
    figures = _shares(pairs, options) | _agreement(pairs, options) | _lines(pairs, options)
    criteria: tuple[Criterion, ...] = ()
    if options.quantity != "general":
        more, criteria = _by_standard(pairs, tables, options)
        figures |= more
    criteria += _at_levels(pairs, options, figures)
    return Tabled(
        figures=figures,
        cases=tuple(
            CaseOutcome(case, status, _statistics(one, two), reason)
            for case, status, one, two, reason in zip(
                tables.cases,
                column.status,
                values.tolist(),
                column.values.tolist(),
                column.reason,
                strict=True,
            )
        ),
        again=tuple(measurement_again(figures, *pairs.kept()[:2], options.error_ratio)),
        unit_of_analysis="subject" if tables.clustered else "case",
        tests={},
        criteria=tuple(_with_missing(criterion, pairs) for criterion in criteria),
        left_out=tables.left_out,
        remarks=_remarks(pairs, tables),
    )


def _require_unit(options: Options) -> None:
    if options.quantity == "glucose" and options.unit not in ("mg/dL", "mmol/L"):
        raise WrongUse(
            found=f"glucose in '{options.unit}'",
            wanted="mg/dL or mmol/L",
            remedy="State `unit` in the options; it is never guessed from the values.",
        )


def _range(value: float, options: Options, predicted: bool) -> str:
    """What is wrong with a value, or nothing."""
    if not np.isfinite(value):
        return "an infinite value"
    if options.quantity in ("glucose", "systolic", "diastolic") and value <= 0:
        return f"a {options.quantity} value at or below zero"
    if options.quantity == "saturation" and not 0 <= value <= 110:
        return "a saturation that is no percentage"
    if predicted and options.lowest is not None and value < options.lowest:
        return "a value below the measuring range"
    if predicted and options.highest is not None and value > options.highest:
        return "a value above the measuring range"
    return ""


def _shares(pairs: _Pairs, options: Options) -> dict[str, Estimate]:
    figures = {"measured": _share(pairs.there, pairs, options)}
    if options.allowable is not None or options.allowable_percent is not None:
        limit = np.maximum(
            options.allowable or 0.0, (options.allowable_percent or 0.0) / 100 * np.abs(pairs.reference)
        )
        # 0.9 - 0.7 is 0.2 as printed, whatever it is in binary.
        rounding = SAME_READING * np.maximum(np.abs(pairs.reference), limit)
        inside = np.abs(np.where(pairs.there, pairs.test, np.inf) - pairs.reference) <= limit + rounding
        figures["within_allowable"] = _share(inside, pairs, options)
    return figures


def _share(flags: NDArray[np.bool_], pairs: _Pairs, options: Options) -> Estimate:
    """A share of all cases: Wilson where each is a subject of its own, else over resampled subjects."""
    if not pairs.clustered:
        return proportion(int(flags.sum()), len(flags), confidence=options.confidence)
    return mean_over_cases(flags.astype(np.float64), pairs.owner, options, proportion=True)


def _agreement(pairs: _Pairs, options: Options) -> dict[str, Estimate]:
    x, y, subject = pairs.kept()
    shared: dict[str, Any] = {
        "multiplier": options.multiplier,
        "confidence": options.confidence,
        "unit": options.unit,
    }
    found = (
        bland_altman_linked(y, x, subject, **shared)
        if pairs.clustered
        else bland_altman.bland_altman(y, x, **shared)
    )
    chosen: dict[str, Any] = {"seed": options.seed, "replicates": options.replicates}
    far: dict[str, Any] = {"confidence": options.confidence, "unit": options.unit}
    concordance = bland_altman.concordance_correlation(x, y, confidence=options.confidence).coefficient
    return {
        "bias": found.bias,
        "difference_sd": found.sd,
        "lower_limit_of_agreement": found.lower_limit,
        "upper_limit_of_agreement": found.upper_limit,
        "mean_absolute_error": mean_absolute_error(x, y, subject, **chosen, **far),
        "root_mean_square_error": root_mean_square_error(x, y, subject, **chosen, **far),
        "concordance": _bare(concordance, pairs) if pairs.clustered else concordance,
    }


def _lines(pairs: _Pairs, options: Options) -> dict[str, Estimate]:
    x, y, _ = pairs.kept()
    found = {
        "deming": deming(x, y, error_ratio=options.error_ratio, confidence=options.confidence),
        "least_squares": least_squares(x, y, confidence=options.confidence),
    }
    figures: dict[str, Estimate] = {}
    if len(x) <= MOST_PAIRS:
        found["passing_bablok"] = passing_bablok(x, y, confidence=options.confidence)
    else:
        none = not_estimable(f"more than {MOST_PAIRS} pairs", len(x))
        figures |= {"passing_bablok_slope": none, "passing_bablok_intercept": none}
    for name, line in found.items():
        for part, estimate in (("slope", line.slope), ("intercept", line.intercept)):
            kept = _bare(estimate, pairs) if pairs.clustered else estimate
            figures[f"{name}_{part}"] = (
                kept if part == "slope" else kept.model_copy(update={"unit": options.unit})
            )
    return figures


def _bare(estimate: Estimate, pairs: _Pairs) -> Estimate:
    """A line of several pairs a subject: its interval would take them for people of their own."""
    if estimate.value is None:
        return estimate
    people = len(set(pairs.kept()[2]))
    return without_interval(estimate.value, "subjects have several pairs", people)


def _by_standard(
    pairs: _Pairs, tables: PairedTables, options: Options
) -> tuple[dict[str, Estimate], tuple[Criterion, ...]]:
    x, y, subject = pairs.kept()
    if not len(x):
        return {}, ()
    if options.quantity == "glucose":
        return _glucose(x, y, subject, _lots(tables, pairs), options)
    if options.quantity == "saturation":
        found = arms(
            x, y, subject, seed=options.seed, replicates=options.replicates, confidence=options.confidence
        )
        return {"arms": found.arms, "saturation_bias": found.bias}, (found.criterion,)
    pressure: Literal["systolic", "diastolic"] = "systolic" if options.quantity == "systolic" else "diastolic"
    judged = iso_81060_2(x, y, subject, pressure=pressure, confidence=options.confidence)
    return {
        "pressure_error_mean": judged.mean,
        "pressure_error_sd": judged.sd,
        "pressure_subject_error_sd": judged.subject_sd,
    }, (*judged.criteria, *judged.spread)


def _lots(tables: PairedTables, pairs: _Pairs) -> list[str]:
    """The reagent lot of each pair; without a column all are of one, which no standard takes for enough."""
    lots = tables.reference.column("lot") if tables.reference.has("lot") else ("1",) * len(pairs.subject)
    return [lot for lot, kept in zip(lots, pairs.there, strict=True) if kept]


def _glucose(
    x: FloatArray, y: FloatArray, subject: Sequence[str], lot: Sequence[str], options: Options
) -> tuple[dict[str, Estimate], tuple[Criterion, ...]]:
    """In mg/dL, the unit of the standards and of the grids."""
    factor = MG_DL_PER_MMOL_L if options.unit == "mmol/L" else 1.0
    x, y = x * factor, y * factor
    chosen: dict[str, Any] = {"seed": options.seed, "replicates": options.replicates}
    relative = glucose_criteria.mard(x, y, subject, confidence=options.confidence, **chosen)
    figures = {"mard": relative.mard, "median_ard": relative.median_ard}
    for name, zones in (
        ("clarke", clarke_zones(x, y, corners=options.clarke)),
        ("parkes", parkes_zones(x, y, diabetes=options.parkes)),
    ):
        found = zone_shares(zones, subject, convention=name, confidence=options.confidence, **chosen)
        figures |= {f"{name}_zone[{zone}]": share for zone, share in found.shares.items()}
        figures[f"{name}_a_or_b"] = found.a_or_b
    criteria: list[Criterion] = []
    for standard in options.standards:
        if standard == "iso_15197":
            criteria += glucose_criteria.iso_15197(x, y, subject, lot, **chosen).criteria
        elif standard == "icgm":
            criteria += glucose_criteria.icgm(x, y, subject, **chosen)
        else:
            setting: Literal["home", "hospital"] = "home" if standard == "fda_home" else "hospital"
            criteria += glucose_criteria.fda_meter(x, y, subject, setting=setting, **chosen)
    return figures, tuple(criteria)


def _at_levels(pairs: _Pairs, options: Options, figures: dict[str, Estimate]) -> tuple[Criterion, ...]:
    """Adds the bias at each decision level to the figures; its criterion where an allowable one is declared."""
    if not options.decision_levels:
        return ()
    x, y, _ = pairs.kept()
    allowed = None if options.allowable is None else [options.allowable] * len(options.decision_levels)
    criteria = []
    for found in bias_at_decision_levels(
        x,
        y,
        options.decision_levels,
        error_ratio=options.error_ratio,
        allowable=allowed,
        confidence=options.confidence,
        unit=options.unit,
    ):
        bias = _bare(found.bias, pairs) if pairs.clustered else found.bias
        figures[f"bias_at[{found.level:g}]"] = bias
        if found.criterion is not None and not pairs.clustered:
            criteria.append(found.criterion)
    return tuple(criteria)


def _with_missing(criterion: Criterion, pairs: _Pairs) -> Criterion:
    """What is met by the pairs that exist is not met by a test of which some are missing."""
    if not pairs.missing or criterion.verdict != "met":
        return criterion
    return replace(criterion, verdict="not_enough")


def _statistics(reference: float, test: float) -> dict[str, float]:
    if np.isnan(test):
        return {"reference": reference}
    return {"reference": reference, "test": test, "difference": test - reference}


def _remarks(pairs: _Pairs, tables: PairedTables) -> tuple[str, ...]:
    remarks = []
    if pairs.missing:
        remarks.append(
            f"{pairs.missing} of {len(pairs.test)} cases have no usable prediction: outside of every limit, and no "
            "criterion is met; figures of differences rest on the other pairs"
        )
    if pairs.clustered:
        remarks.append("subjects have several pairs: lines and the concordance have no interval")
    elif not tables.reference.has("subject"):
        remarks.append("no column names subjects: each case is taken for a person of its own")
    return tuple(remarks)
