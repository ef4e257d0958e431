"""From per-subject statistics to estimates, subgroups and the verdict: pure, so that anyone can recompute it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
from pydantic import Field

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.record import Record
from medassay.evaluation.figure import BoolArray, Figure, asked_of
from medassay.evaluation.formulas import formulas_of, metric_name
from medassay.evaluation.heterogeneity import Heterogeneity
from medassay.evaluation.multiplicity import decide
from medassay.evaluation.over_readers import ReadersResult, readers_results
from medassay.evaluation.protocol import Goal, Interval, Protocol, Verdict, verdict
from medassay.evaluation.robustness import Robustness
from medassay.evaluation.scorer import Form, Metric, Share
from medassay.evaluation.strata import Strata
from medassay.evaluation.subject_table import Study, SubjectTable
from medassay.evaluation.sufficient import Statistics

NOT_AVAILABLE = "not available"
EVERYONE = "everyone"  # a group's name; cells are (axis, level), and ("without", place) is everyone else
ANSWERED = "answered"  # the primary figure over answered samples; endpoints are ("endpoint", id)
Choice = Literal["other_interval", "answered_only", "one_subject_less_lowest", "one_subject_less_highest"]


def _plain(value: object) -> bool:
    """A plain ratio of sums says no more than its two sums: records of before keep their digests."""
    return value in ("ratio", ())


class EndpointResult(Record):
    """One endpoint over all test subjects, with the formula that it was made by."""

    endpoint: str
    metric: str = Field(description="the scorer's name of it, with its class or structure")
    numerator: dict[str, float] = Field(description="weights of the statistics")
    denominator: dict[str, float]
    form: Form = Field(
        default="ratio", exclude_if=_plain, description="how sums, or scores, become the figure"
    )
    standard: tuple[Share, ...] = Field(
        default=(), exclude_if=_plain, description="parts of the whole whose shares are stated"
    )
    better: Literal["higher", "lower", "nearer_zero"]
    standing: Literal["primary", "tested", "descriptive"] = Field(description="in the protocol's family")
    estimate: Estimate
    goal: Goal | None = Field(description="None: reported only")
    verdict: Verdict | None = Field(description="None exactly where there is no goal")
    decided_at: float | None = Field(
        default=None, description="confidence of the interval that decided, where multiplicity widened it"
    )


class Cell(Record):
    """One stratum."""

    level: str | None = Field(description="None: not stated")
    subjects: int
    estimates: dict[str, Estimate] = Field(description="by endpoint; empty where not shown")
    not_shown: str = Field(default="", description="why there is no figure")


class Subgroup(Record):
    """All strata of one axis; their subjects add up to those tested."""

    axis: str
    available: bool = Field(description="whether any subject's stratum is stated")
    not_available: str = ""
    cells: tuple[Cell, ...]
    heterogeneity: Heterogeneity | None = Field(
        default=None, description="of the primary endpoint over the cells that are shown; None: no cells"
    )


class WorstSubgroup(Record):
    """The shown cell in which the primary endpoint comes out worst."""

    axis: str
    level: str | None
    subjects: int
    estimate: Estimate
    verdict: Verdict | None


class Sensitivity(Record):
    """The primary endpoint under one other choice."""

    choice: Choice
    subject: str | None = Field(default=None, description="the subject left out")
    estimate: Estimate
    verdict: Verdict | None


class Results(Record):
    """Every figure of one validation."""

    schema_id: Literal["medassay.results/1"] = "medassay.results/1"
    protocol: str
    source: str
    subjects: int
    primary: str
    verdict: Verdict | None = Field(description="of the primary endpoint; None: the source has no goal")
    endpoints: tuple[EndpointResult, ...]
    subgroups: tuple[Subgroup, ...]
    worst_subgroup: WorstSubgroup | None = Field(default=None, description="None: no cell has a figure")
    sensitivity: tuple[Sensitivity, ...]
    robustness: tuple[Robustness, ...] = ()
    over_readers: tuple[ReadersResult, ...] = Field(
        default=(),
        exclude_if=_plain,
        description="endpoints against each reader and over all; empty: fewer than two readers",
    )

    def of(self, endpoint: str) -> EndpointResult:
        """The result of one endpoint by its id."""
        return next(result for result in self.endpoints if result.endpoint == endpoint)


def analyse(
    protocol: Protocol,
    metrics: Mapping[str, Metric],
    subjects: Sequence[str],
    statistics: Sequence[Statistics],
    strata: Sequence[Strata],
    source: str,
    *,
    synthetic: bool,
    answered: Sequence[Statistics] | None = None,
    readers: Sequence[Sequence[Statistics]] = (),
) -> Results:
    """Every endpoint, subgroup and the verdict, by the protocol alone.

    Parameters
    ----------
    metrics : mapping
        The scorer's, by name; an endpoint "of" a class is `name[class]`.
    subjects, statistics, strata : sequences in one order
        Each tested subject, the sums of its samples' statistics, and its strata.
    source : str
        Which of the endpoints' goals counts.
    answered : sequence of mappings
        The same sums over the samples that the device answered, to show what the rule for missing
        predictions does to the figure.
    readers : sequence of such sums for each reader
        The same predictions against single readers' references instead of the reference standard.

    Raises
    ------
    WrongUse
        As `formulas_of`; when a statistic that an endpoint needs was never counted, or the rows do not fit together.
    """
    _require_rows(subjects, statistics, strata, *([] if answered is None else [answered]), *readers)
    # Resampling goes by position: sorted, the same rows give the same interval in any order.
    order = sorted(range(len(subjects)), key=lambda index: subjects[index])
    strata = [strata[index] for index in order]
    answered = None if answered is None else [answered[index] for index in order]
    table = SubjectTable(tuple(sorted(subjects)), [statistics[index] for index in order])
    formulas = formulas_of(protocol, metrics)
    figures = _figures(protocol, formulas, table, answered)
    main, _ = figures["endpoint", protocol.primary]
    axes = {axis: _levels(axis, strata) for axis in protocol.axes}
    extremes = _extremes(table.subjects, main)
    study = Study(asked_of(protocol), figures, _groups(len(order), axes, extremes))
    endpoints = _endpoints(protocol, study, formulas, source, synthetic)
    primary = next(result for result in endpoints if result.endpoint == protocol.primary)
    judged = _Judged(protocol, primary.goal, synthetic)
    subgroups = tuple(_subgroup(protocol, study, main, axis, levels) for axis, levels in axes.items())
    return Results(
        protocol=protocol.digest,
        source=source,
        subjects=len(subjects),
        primary=protocol.primary,
        verdict=primary.verdict,
        endpoints=endpoints,
        subgroups=subgroups,
        worst_subgroup=_worst(subgroups, primary, judged),
        sensitivity=tuple(
            _sensitivity(protocol, study, table.subjects, ANSWERED in figures, extremes, judged)
        ),
        over_readers=readers_results(
            formulas, table, [[rows[index] for index in order] for rows in readers], asked_of(protocol)
        ),
    )


def _figures(
    protocol: Protocol,
    formulas: Mapping[str, Metric],
    table: SubjectTable,
    answered: Sequence[Statistics] | None,
) -> dict[Hashable, tuple[Figure, Interval]]:
    """Every endpoint's figure with its interval, and the primary one over answered samples where some were not.

    Left out beside the figure it is shown, never instead of it: leaving out what a device failed on flatters it.
    """
    figures: dict[Hashable, tuple[Figure, Interval]] = {
        ("endpoint", name): (table.figure(metric), protocol.interval_of(name))
        for name, metric in formulas.items()
    }
    main, named = figures["endpoint", protocol.primary]
    if answered is not None and any(answered):
        figures[ANSWERED] = SubjectTable(table.subjects, answered).figure(main.metric), named
    return figures


def _levels(axis: str, strata: Sequence[Strata]) -> dict[str | None, BoolArray]:
    """The subjects of each level of an axis, those of no stated level last; empty where nobody's is stated."""
    found = np.array([row.get(axis) for row in strata], dtype=object)
    stated = sorted({level for level in found.tolist() if level is not None})
    if not stated:
        return {}
    unstated = np.array([level is None for level in found])
    levels: dict[str | None, BoolArray] = {level: np.equal(found, level).astype(np.bool_) for level in stated}
    return levels | ({None: unstated} if unstated.any() else {})


def _extremes(subjects: tuple[str, ...], main: Figure) -> tuple[int, int] | None:
    """Without whom the figure is lowest and highest; None where fewer than two can be left out."""
    figures = main.without_each()
    defined = np.flatnonzero(np.isfinite(figures))
    if len(defined) < 2:
        return None
    ordered = sorted(defined, key=lambda index: (figures[index], subjects[index]))
    return int(ordered[0]), int(ordered[-1])


def _groups(
    subjects: int, axes: Mapping[str, Mapping[str | None, BoolArray]], extremes: tuple[int, int] | None
) -> dict[Hashable, BoolArray]:
    """Every group of subjects that any figure of the report is of, as a mask."""
    groups: dict[Hashable, BoolArray] = {EVERYONE: np.ones(subjects, dtype=np.bool_)}
    for axis, levels in axes.items():
        groups |= {(axis, level): mask for level, mask in levels.items()}
    return groups | {("without", place): np.arange(subjects) != place for place in extremes or ()}


class _Judged:
    """The verdict on a figure of the primary endpoint, by the same rule under every choice."""

    def __init__(self, protocol: Protocol, goal: Goal | None, synthetic: bool) -> None:
        self._protocol, self._goal, self._synthetic = protocol, goal, synthetic

    def __call__(self, estimate: Estimate) -> Verdict | None:
        if self._goal is None:
            return None
        return verdict(
            estimate,
            self._goal,
            minimum_subjects=self._protocol.minimum_subjects,
            synthetic=self._synthetic,
        )


def _endpoints(
    protocol: Protocol, study: Study, formulas: Mapping[str, Metric], source: str, synthetic: bool
) -> tuple[EndpointResult, ...]:
    estimates = {name: study.estimate(("endpoint", name), EVERYONE) for name in formulas}
    goals = {endpoint.id: endpoint.goals.get(source) for endpoint in protocol.endpoints}
    decided = decide(
        protocol,
        goals,
        lambda name, level: (
            estimates[name]
            if level == protocol.confidence
            else study.estimate(("endpoint", name), EVERYONE, confidence=level)
        ),
        synthetic=synthetic,
    )
    return tuple(
        EndpointResult(
            endpoint=endpoint.id,
            metric=metric_name(endpoint),
            numerator=dict(formulas[endpoint.id].numerator),
            denominator=dict(formulas[endpoint.id].denominator),
            form=formulas[endpoint.id].form,
            standard=formulas[endpoint.id].standard,
            better=formulas[endpoint.id].better,
            standing=_standing(protocol, endpoint.id),
            estimate=estimates[endpoint.id],
            goal=goals[endpoint.id],
            verdict=decided[endpoint.id].verdict,
            decided_at=decided[endpoint.id].confidence,
        )
        for endpoint in protocol.endpoints
    )


def _standing(protocol: Protocol, endpoint: str) -> Literal["primary", "tested", "descriptive"]:
    if endpoint == protocol.primary:
        return "primary"
    return "tested" if endpoint in protocol.tested else "descriptive"


def _subgroup(
    protocol: Protocol, study: Study, main: Figure, axis: str, levels: Mapping[str | None, BoolArray]
) -> Subgroup:
    if not levels:
        return Subgroup(axis=axis, available=False, not_available=NOT_AVAILABLE, cells=())
    cells = tuple(_cell(protocol, study, axis, level, int(mask.sum())) for level, mask in levels.items())
    # Over stated levels that are shown.
    shown = [levels[cell.level] for cell in cells if cell.level is not None and cell.estimates]
    return Subgroup(
        axis=axis,
        available=True,
        cells=cells,
        heterogeneity=main.heterogeneity(shown, asked_of(protocol, protocol.primary)),
    )


def _cell(protocol: Protocol, study: Study, axis: str, level: str | None, subjects: int) -> Cell:
    least = protocol.minimum_cell
    if subjects < least:
        return Cell(level=level, subjects=subjects, estimates={}, not_shown=f"not shown: n < {least}")
    names = [endpoint.id for endpoint in protocol.endpoints]
    estimates = {name: study.estimate(("endpoint", name), (axis, level)) for name in names}
    return Cell(level=level, subjects=subjects, estimates=estimates)


def _worst(subgroups: Sequence[Subgroup], primary: EndpointResult, judged: _Judged) -> WorstSubgroup | None:
    """By the figure itself; among equals the one with fewer subjects, which tells less."""
    cells = [
        (axis.axis, cell, cell.estimates[primary.endpoint])
        for axis in subgroups
        for cell in axis.cells
        if cell.estimates and cell.estimates[primary.endpoint].value is not None
    ]
    if not cells:
        return None

    def badness(estimate: Estimate) -> float:
        value = estimate.value or 0.0
        return {"higher": -value, "lower": value, "nearer_zero": abs(value)}[primary.better]

    axis, cell, estimate = max(cells, key=lambda one: (badness(one[2]), -one[1].subjects))
    return WorstSubgroup(
        axis=axis, level=cell.level, subjects=cell.subjects, estimate=estimate, verdict=judged(estimate)
    )


def _sensitivity(
    protocol: Protocol,
    study: Study,
    subjects: tuple[str, ...],
    answered: bool,
    extremes: tuple[int, int] | None,
    judged: _Judged,
) -> Iterator[Sensitivity]:
    """The primary endpoint under each other choice: interval, rule for missing predictions, one person less."""

    def of(choice: Choice, estimate: Estimate, subject: str | None = None) -> Sensitivity:
        return Sensitivity(choice=choice, subject=subject, estimate=estimate, verdict=judged(estimate))

    primary = ("endpoint", protocol.primary)
    other: Interval = "percentile" if protocol.interval_of(protocol.primary) == "bca" else "bca"
    yield of("other_interval", study.estimate(primary, EVERYONE, interval=other))
    if answered:
        yield of("answered_only", study.estimate(ANSWERED, EVERYONE))
    choices: tuple[Choice, Choice] = ("one_subject_less_lowest", "one_subject_less_highest")
    for choice, place in zip(choices, extremes or (), strict=False):
        yield of(choice, study.estimate(primary, ("without", place)), subjects[place])


def _require_rows(subjects: Sequence[str], *tables: Sequence[object]) -> None:
    if len(set(subjects)) != len(subjects) or any(len(table) != len(subjects) for table in tables):
        raise WrongUse(
            found=f"{len(subjects)} subjects beside {', '.join(str(len(table)) for table in tables)} rows",
            wanted="one row of statistics and one of strata for each subject, each subject once",
            remedy="Sum each subject's samples first, in one order.",
        )
