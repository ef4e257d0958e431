"""From per-subject statistics to estimates, subgroups and the verdict: pure, so that anyone can recompute it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.evaluation.heterogeneity import Heterogeneity, heterogeneity
from medassay.evaluation.multiplicity import decide
from medassay.evaluation.protocol import Endpoint, Goal, Protocol, Verdict, verdict
from medassay.evaluation.robustness import Robustness
from medassay.evaluation.scorer import Metric
from medassay.evaluation.strata import Strata
from medassay.statistics.rao_scott import clustered_proportion
from medassay.statistics.ratio import Interval as Resampled
from medassay.statistics.ratio import ratio
from medassay.statistics.resampling import jackknife_ratio, resampled_sums

FloatArray = NDArray[np.float64]
Interval = Literal["percentile", "bca", "rao_scott"]
NOT_AVAILABLE = "not available"
MOST_SHUFFLED = 20_000_000  # labels: with 100,000 subjects 200 permutations, and a p-value in steps of 0.005
Choice = Literal["other_interval", "answered_only", "one_subject_less_lowest", "one_subject_less_highest"]


class _Result(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EndpointResult(_Result):
    """One endpoint over all test subjects, with the formula that it was made by."""

    endpoint: str
    metric: str = Field(description="the scorer's name of it, with its class or structure")
    numerator: dict[str, float] = Field(description="weights of the statistics")
    denominator: dict[str, float]
    better: Literal["higher", "lower", "nearer_zero"]
    standing: Literal["primary", "tested", "descriptive"] = Field(description="in the protocol's family")
    estimate: Estimate
    goal: Goal | None = Field(description="None: reported only")
    verdict: Verdict | None = Field(description="None exactly where there is no goal")
    decided_at: float | None = Field(
        default=None, description="confidence of the interval that decided, where multiplicity widened it"
    )


class Cell(_Result):
    """One stratum."""

    level: str | None = Field(description="None: not stated")
    subjects: int
    estimates: dict[str, Estimate] = Field(description="by endpoint; empty where not shown")
    not_shown: str = Field(default="", description="why there is no figure")


class Subgroup(_Result):
    """All strata of one axis; their subjects add up to those tested."""

    axis: str
    available: bool = Field(description="whether any subject's stratum is stated")
    not_available: str = ""
    cells: tuple[Cell, ...]
    heterogeneity: Heterogeneity | None = Field(
        default=None, description="of the primary endpoint over the cells that are shown; None: no cells"
    )


class WorstSubgroup(_Result):
    """The shown cell in which the primary endpoint comes out worst."""

    axis: str
    level: str | None
    subjects: int
    estimate: Estimate
    verdict: Verdict | None


class Sensitivity(_Result):
    """The primary endpoint under one other choice."""

    choice: Choice
    subject: str | None = Field(default=None, description="the subject left out")
    estimate: Estimate
    verdict: Verdict | None


class Results(_Result):
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

    def of(self, endpoint: str) -> EndpointResult:
        """The result of one endpoint by its id."""
        return next(result for result in self.endpoints if result.endpoint == endpoint)


def analyse(
    protocol: Protocol,
    metrics: Mapping[str, Metric],
    subjects: Sequence[str],
    statistics: Sequence[Mapping[str, float]],
    strata: Sequence[Strata],
    source: str,
    *,
    synthetic: bool,
    answered: Sequence[Mapping[str, float]] | None = None,
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

    Raises
    ------
    WrongUse
        When an endpoint's metric does not exist, a statistic that it needs was never counted, or the rows
        do not fit together.
    """
    _require_rows(subjects, statistics, strata, *([] if answered is None else [answered]))
    # Resampling goes by position: sorted, the same rows give the same interval in any order.
    order = sorted(range(len(subjects)), key=lambda index: subjects[index])
    strata = [strata[index] for index in order]
    answered = None if answered is None else [answered[index] for index in order]
    table = _Table(protocol, tuple(sorted(subjects)), [statistics[index] for index in order])
    formulas = {endpoint.id: metric_of(endpoint, metrics) for endpoint in protocol.endpoints}
    endpoints = _endpoints(table, formulas, source, synthetic)
    primary = next(result for result in endpoints if result.endpoint == protocol.primary)
    judged = _Judged(protocol, primary.goal, synthetic)
    formula = formulas[protocol.primary]
    subgroups = tuple(_subgroup(table, formulas, axis, strata) for axis in protocol.axes)
    return Results(
        protocol=protocol.digest,
        source=source,
        subjects=len(subjects),
        primary=protocol.primary,
        verdict=primary.verdict,
        endpoints=endpoints,
        subgroups=subgroups,
        worst_subgroup=_worst(subgroups, primary, judged),
        sensitivity=(
            *_other_interval(table, formula, judged),
            *_answered_only(protocol, table.subjects, answered, formula, judged),
            *_one_subject_less(table, formula, judged),
        ),
    )


class _Table:
    """Per-subject statistics as columns, and the one way in which a metric of some of them is estimated."""

    def __init__(
        self, protocol: Protocol, subjects: tuple[str, ...], statistics: Sequence[Mapping[str, float]]
    ) -> None:
        self.protocol = protocol
        self.subjects = subjects
        names = sorted({name for row in statistics for name in row})
        self._columns = {
            name: np.array([row.get(name, 0.0) for row in statistics], dtype=np.float64) for name in names
        }

    def combine(self, weights: Mapping[str, float]) -> FloatArray:
        """A linear combination of statistics, one figure a subject."""
        missing = sorted(set(weights) - set(self._columns))
        if missing and self.subjects:
            raise WrongUse(
                found=f"no statistic {', '.join(missing)}",
                wanted=f"among {', '.join(self._columns)}",
                remedy="The scorer's metrics and its statistics do not fit together; mend the scorer.",
            )
        total = np.zeros(len(self.subjects))
        for name, weight in weights.items():
            total += weight * self._columns[name] if self.subjects else 0.0
        return total

    def estimate(
        self,
        metric: Metric,
        chosen: NDArray[np.int_],
        interval: Interval | None = None,
        *,
        confidence: float | None = None,
    ) -> Estimate:
        """The metric over the chosen subjects."""
        named = self.protocol.interval if interval is None else interval
        level = self.protocol.confidence if confidence is None else confidence
        return self._estimate(metric, chosen, named, level, None)

    def estimates(self, metrics: Mapping[str, Metric], chosen: NDArray[np.int_]) -> dict[str, Estimate]:
        """All metrics over the chosen subjects, with one draw of subjects for all of them."""
        sums: FloatArray | None = None
        if len(chosen) >= 2:
            parts = [part for metric in metrics.values() for part in self._sums(metric)]
            sums = resampled_sums(
                np.column_stack(parts)[chosen], self.protocol.replicates, self.protocol.seed
            )
        return {
            name: self._estimate(
                metric,
                chosen,
                self.protocol.interval,
                self.protocol.confidence,
                None if sums is None else sums[:, 2 * place : 2 * place + 2],
            )
            for place, (name, metric) in enumerate(metrics.items())
        }

    def _sums(self, metric: Metric) -> tuple[FloatArray, FloatArray]:
        return self.combine(metric.numerator), self.combine(metric.denominator)

    def _estimate(
        self,
        metric: Metric,
        chosen: NDArray[np.int_],
        interval: Interval,
        confidence: float,
        sums: FloatArray | None,
    ) -> Estimate:
        numerator, denominator = (part[chosen] for part in self._sums(metric))
        if interval == "rao_scott" and is_proportion(metric) and denominator.any():
            found = clustered_proportion(numerator, denominator, confidence=confidence)
            return found.model_copy(update={"unit": metric.unit})
        resampled: Resampled = "percentile" if interval == "percentile" else "bca"
        return ratio(
            numerator,
            denominator,
            undefined=metric.undefined,
            seed=self.protocol.seed,
            replicates=self.protocol.replicates,
            confidence=confidence,
            unit=metric.unit,
            interval=resampled,
            proportion=is_proportion(metric),
            sums=sums,
        )


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


def is_proportion(metric: Metric) -> bool:
    """Whether the formula itself keeps every subject's ratio in [0, 1].

    So it is when the numerator counts a part of what the denominator counts: TP of TP + FN. A mean of
    figures that happen to lie in [0, 1] is not told from its formula and is treated with more care.
    """
    return bool(metric.numerator) and all(
        0 <= weight <= metric.denominator.get(name, 0.0) for name, weight in metric.numerator.items()
    )


def metric_of(endpoint: Endpoint, metrics: Mapping[str, Metric]) -> Metric:
    name = metric_name(endpoint)
    if name not in metrics:
        raise WrongUse(
            found=f"metric '{name}'",
            wanted=f"one of {', '.join(sorted(metrics))}",
            remedy="Correct the endpoint in the protocol.",
            where=f"endpoint {endpoint.id}",
        )
    return metrics[name]


def metric_name(endpoint: Endpoint) -> str:
    """How the scorer calls an endpoint's metric."""
    return endpoint.metric if endpoint.of is None else f"{endpoint.metric}[{endpoint.of}]"


def _endpoints(
    table: _Table, formulas: Mapping[str, Metric], source: str, synthetic: bool
) -> tuple[EndpointResult, ...]:
    protocol = table.protocol
    everyone = np.arange(len(table.subjects))
    estimates = table.estimates(formulas, everyone)
    goals = {endpoint.id: endpoint.goals.get(source) for endpoint in protocol.endpoints}
    decided = decide(
        protocol,
        goals,
        lambda name, level: (
            estimates[name]
            if level == protocol.confidence
            else table.estimate(formulas[name], everyone, confidence=level)
        ),
        synthetic=synthetic,
    )
    return tuple(
        EndpointResult(
            endpoint=endpoint.id,
            metric=metric_name(endpoint),
            numerator=dict(formulas[endpoint.id].numerator),
            denominator=dict(formulas[endpoint.id].denominator),
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


def _subgroup(table: _Table, formulas: Mapping[str, Metric], axis: str, strata: Sequence[Strata]) -> Subgroup:
    levels = [row.get(axis) for row in strata]
    stated = sorted({level for level in levels if level is not None})
    if not stated:
        return Subgroup(axis=axis, available=False, not_available=NOT_AVAILABLE, cells=())
    order: list[str | None] = [*stated, *([None] if None in levels else [])]
    members = {level: np.flatnonzero([found == level for found in levels]) for level in order}
    cells = tuple(_cell(table, formulas, level, members[level]) for level in order)
    return Subgroup(
        axis=axis, available=True, cells=cells, heterogeneity=_heterogeneity(table, formulas, cells, members)
    )


def _cell(table: _Table, formulas: Mapping[str, Metric], level: str | None, chosen: NDArray[np.int_]) -> Cell:
    least = table.protocol.minimum_cell
    if len(chosen) < least:
        return Cell(level=level, subjects=len(chosen), estimates={}, not_shown=f"not shown: n < {least}")
    return Cell(level=level, subjects=len(chosen), estimates=table.estimates(formulas, chosen))


def _heterogeneity(
    table: _Table,
    formulas: Mapping[str, Metric],
    cells: Sequence[Cell],
    members: Mapping[str | None, NDArray[np.int_]],
) -> Heterogeneity:
    """Of the primary endpoint, over stated levels that are shown."""
    metric = formulas[table.protocol.primary]
    shown = [members[cell.level] for cell in cells if cell.level is not None and cell.estimates]
    groups = np.repeat(np.arange(len(shown)), [len(rows) for rows in shown])
    rows = np.concatenate(shown) if shown else np.zeros(0, dtype=np.int_)
    return heterogeneity(
        table.combine(metric.numerator)[rows],
        table.combine(metric.denominator)[rows],
        groups,
        seed=table.protocol.seed,
        permutations=min(table.protocol.replicates, max(199, MOST_SHUFFLED // max(1, len(rows)))),
    )


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


def _other_interval(table: _Table, metric: Metric, judged: _Judged) -> list[Sensitivity]:
    other: Interval = "percentile" if table.protocol.interval == "bca" else "bca"
    estimate = table.estimate(metric, np.arange(len(table.subjects)), other)
    return [Sensitivity(choice="other_interval", estimate=estimate, verdict=judged(estimate))]


def _answered_only(
    protocol: Protocol,
    subjects: tuple[str, ...],
    answered: Sequence[Mapping[str, float]] | None,
    metric: Metric,
    judged: _Judged,
) -> list[Sensitivity]:
    """Shown beside the figure, never instead of it: leaving out what a device failed on flatters it."""
    if answered is None or not any(answered):
        return []
    estimate = _Table(protocol, subjects, answered).estimate(metric, np.arange(len(subjects)))
    return [Sensitivity(choice="answered_only", estimate=estimate, verdict=judged(estimate))]


def _one_subject_less(table: _Table, metric: Metric, judged: _Judged) -> list[Sensitivity]:
    """The lowest and the highest figure when one subject is left out: how much hangs on one person."""
    figures = jackknife_ratio(table.combine(metric.numerator), table.combine(metric.denominator))
    defined = np.flatnonzero(np.isfinite(figures))
    if len(defined) < 2:
        return []
    ordered = sorted(defined, key=lambda index: (figures[index], table.subjects[index]))
    return [
        _without(table, metric, judged, "one_subject_less_lowest", int(ordered[0])),
        _without(table, metric, judged, "one_subject_less_highest", int(ordered[-1])),
    ]


def _without(table: _Table, metric: Metric, judged: _Judged, choice: Choice, left_out: int) -> Sensitivity:
    everyone = np.arange(len(table.subjects))
    estimate = table.estimate(metric, everyone[everyone != left_out])
    return Sensitivity(
        choice=choice, subject=table.subjects[left_out], estimate=estimate, verdict=judged(estimate)
    )


def _require_rows(subjects: Sequence[str], *tables: Sequence[object]) -> None:
    if len(set(subjects)) != len(subjects) or any(len(table) != len(subjects) for table in tables):
        raise WrongUse(
            found=f"{len(subjects)} subjects beside {', '.join(str(len(table)) for table in tables)} rows",
            wanted="one row of statistics and one of strata for each subject, each subject once",
            remedy="Sum each subject's samples first, in one order.",
        )
