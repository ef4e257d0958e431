"""Whether a protocol's plan is sound: the power that it states, and an interval that holds what it promises.

Asked when a protocol is loaded for use, not when an old record is read: a record stays readable under whatever
tables of coverage come later.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from pathlib import Path

from medassay.core.errors import WrongUse, located
from medassay.core.specs import load_spec
from medassay.evaluation.protocol import (
    OF_ANY,
    OF_AREAS,
    OF_PROPORTIONS,
    OF_TRIALS,
    Goal,
    Interval,
    PlannedSize,
    Protocol,
)

POWER_TOLERANCE = 0.0015  # a power is stated to the third decimal


@dataclass(frozen=True)
class SourcePlan:
    """What a source's plan comes to; `coverage` None: no table reaches the scenario, or it is no proportion."""

    source: str
    power: float
    needed: int | None  # subjects for the power aimed at; None: the assumed figure never clears the goal
    coverage: float | None
    sentence: str


def load_protocol(path: Path) -> Protocol:
    """The protocol of a database, complete and soundly planned.

    Raises
    ------
    WrongUse
        When it is incomplete, states another power than its assumptions give, or names an interval that
        another one beats in its own planned scenario.
    """
    protocol = load_spec(path, Protocol)
    with located(str(path)):
        plans_of(protocol)
    return protocol


def plans_of(protocol: Protocol) -> tuple[SourcePlan, ...]:
    """Each source's plan, recomputed.

    Raises
    ------
    WrongUse
        As `load_protocol`.
    """
    goals = protocol.of(protocol.primary).goals
    return tuple(
        _checked(protocol, source, plan, goals[source])
        for source, plan in sorted(protocol.sample_size.items())
    )


def power_of(plan: PlannedSize, goal: Goal, *, alpha: float, subjects: int | None = None) -> float:
    """Power to clear the goal under the plan's assumptions.

    Proportion: the exact one-sided binomial test with as many independent events as the subjects' are worth
    (events over the design effect 1 + (m - 1) rho, rounded down). Mean: Student's noncentral t over subjects.
    Rate: the exact Poisson test over the subjects' time, divided by the same design effect. Area under the ROC curve:
    the normal test with binormal variances (Obuchowski et al., Clin Chem 50:1118-1125, 2004) on the positive cases
    that the subjects' are worth.

    Examples
    --------
    >>> same = {"zh": "-", "en": "-"}
    >>> plan = PlannedSize(measure="proportion", assumed=0.9, subjects=363, per_subject=1, correlation=0,
    ...                    aim=0.8, power=0.772, reason=same)
    >>> round(power_of(plan, Goal(direction="at_least", limit=0.85), alpha=0.025), 3)
    0.772
    """
    people = plan.subjects if subjects is None else subjects
    if plan.measure == "mean":
        return _power_of_mean(plan, goal, alpha, people)
    effect = 1 + max(plan.per_subject - 1, 0.0) * plan.correlation
    worth = people * plan.per_subject / effect
    if plan.measure == "proportion":
        return _power_of_proportion(plan, goal, alpha, int(worth + 1e-9))
    if plan.measure == "area":
        return _power_of_area(plan, goal, alpha, worth)
    return _power_of_rate(plan, goal, alpha, worth)


def needed_subjects(plan: PlannedSize, goal: Goal, *, alpha: float, most: int = 20_000) -> int | None:
    """The fewest subjects whose power reaches the aim; None: no number up to `most` does."""
    if not _lies_well(plan, goal):
        return None
    high = 2
    while power_of(plan, goal, alpha=alpha, subjects=high) < plan.aim:
        high *= 2
        if high > most:
            return None
    return next(
        n
        for n in range(max(2, high // 2), high + 1)
        if power_of(plan, goal, alpha=alpha, subjects=n) >= plan.aim
    )


def _checked(protocol: Protocol, source: str, plan: PlannedSize, goal: Goal) -> SourcePlan:
    with located(f"sample_size.{source}"):
        _require_measure(plan)
        power = power_of(plan, goal, alpha=protocol.alpha)
        if abs(power - plan.power) > POWER_TOLERANCE:
            raise WrongUse(
                found=f"a stated power of {plan.power:g}",
                wanted=f"{power:.3f}, which the plan's own assumptions give",
                remedy=f"Write power: {power:.3f}, or correct the assumptions.",
            )
    coverage, sentence = _covered(protocol, source, plan)
    if plan.shortfall is None and power < plan.aim:
        needed = needed_subjects(plan, goal, alpha=protocol.alpha)
        raise WrongUse(
            found=f"a power of {power:.3f} where {plan.aim:g} is aimed at",
            wanted=f"{needed} subjects" if needed else "an assumed figure that clears the goal",
            remedy="Plan more subjects, or say in `shortfall` why the study is made all the same.",
            where=f"sample_size.{source}",
        )
    needed = plan.subjects if power >= plan.aim else needed_subjects(plan, goal, alpha=protocol.alpha)
    return SourcePlan(source, power, needed, coverage, sentence)


def _covered(protocol: Protocol, source: str, plan: PlannedSize) -> tuple[float | None, str]:
    """Coverage of the named interval in the planned scenario, and what is to be said of it."""
    from medassay.statistics.coverage import Scenario, coverage_of, judge

    if plan.measure != "proportion":
        return None, "the table of coverage is of proportions"
    scenario = Scenario(plan.subjects, plan.assumed, max(1, round(plan.per_subject)), plan.correlation)
    named, among = _named(protocol, source, plan)
    found = judge(named, scenario, among)
    if found.verdict != "below":
        return found.coverage, found.sentence
    better = found.better
    assert better is not None  # korn_graubard_bounded keeps 93 % in every scenario of the table
    raise WrongUse(
        found=f"interval '{named}': {found.sentence}",
        wanted=f"interval '{better}', which holds it in {coverage_of(better, scenario).coverage:.1%}",
        remedy=f"Write interval: {better}.",
        where="interval",
    )


def _named(protocol: Protocol, source: str, plan: PlannedSize) -> tuple[Interval, tuple[Interval, ...]]:
    """The interval that a proportion gets under this protocol, and those that it could have.

    Raises
    ------
    WrongUse
        For one that takes each event for a person, where people are planned with several.
    """
    declared = protocol.interval_of(protocol.primary)
    if plan.per_subject <= 1:
        return ("bca" if declared in OF_AREAS else declared), (*OF_ANY, *OF_PROPORTIONS)
    among = tuple(name for name in (*OF_ANY, *OF_PROPORTIONS) if name not in OF_TRIALS)
    if declared in OF_TRIALS:
        raise WrongUse(
            found=f"interval '{declared}' for people with {plan.per_subject:g} events each",
            wanted=f"one of {', '.join(among)}",
            remedy="That interval takes every event for a person of its own; name one over people.",
            where=f"sample_size.{source}",
        )
    return ("bca" if declared in OF_AREAS else declared), among


def _require_measure(plan: PlannedSize) -> None:
    share = plan.measure in ("proportion", "area") and not 0 < plan.assumed < 1
    spread = (plan.measure == "mean") != (plan.spread is not None)
    positives = (plan.measure == "area") != (plan.positives is not None)
    if share or spread or positives or plan.assumed < 0:
        raise WrongUse(
            found=f"a {plan.measure} of {plan.assumed:g}"
            + (" with a spread" if plan.spread else "")
            + (" with a share of positive cases" if plan.positives else ""),
            wanted="a proportion or an area strictly between 0 and 1, a rate of at least 0, a spread for a mean alone, "
            "and `positives` for an area alone",
            remedy="Describe the figure as the primary endpoint measures it.",
        )


def _lies_well(plan: PlannedSize, goal: Goal) -> bool:
    """Whether the assumed figure lies on the goal's good side at all."""
    return plan.assumed > goal.limit if goal.direction == "at_least" else plan.assumed < goal.limit


def _power_of_proportion(plan: PlannedSize, goal: Goal, alpha: float, events: int) -> float:
    from medassay.statistics.sample_size.proportion import binomial_power

    if events < 1 or not _lies_well(plan, goal):
        return 0.0
    return binomial_power(events, goal.limit, plan.assumed, alpha=alpha).power


def _power_of_area(plan: PlannedSize, goal: Goal, alpha: float, cases: float) -> float:
    from scipy.special import ndtr, ndtri

    from medassay.statistics.sample_size.roc_area import area_variance

    if plan.positives is None or not _lies_well(plan, goal) or not 0 < goal.limit < 1:
        return 0.0
    odds = (1 - plan.positives) / plan.positives
    move = abs(plan.assumed - goal.limit) * sqrt(cases * plan.positives)
    null, assumed = (sqrt(area_variance(area, odds)) for area in (goal.limit, plan.assumed))
    return float(ndtr((move + ndtri(alpha) * null) / assumed))


def _power_of_mean(plan: PlannedSize, goal: Goal, alpha: float, subjects: int) -> float:
    from scipy.stats import nct, t

    if plan.spread is None or not _lies_well(plan, goal):
        return 0.0
    move = abs(plan.assumed - goal.limit) / plan.spread * sqrt(subjects)
    return float(nct.sf(t.isf(alpha, subjects - 1), subjects - 1, move))


def _power_of_rate(plan: PlannedSize, goal: Goal, alpha: float, time: float) -> float:
    """Reject where so few (many) events have a chance of at most alpha under the limit."""
    from scipy.stats import poisson

    if not _lies_well(plan, goal):
        return 0.0
    expected, assumed = goal.limit * time, plan.assumed * time
    if goal.direction == "at_most":
        critical = int(poisson.ppf(alpha, expected))
        critical -= int(poisson.cdf(critical, expected) > alpha)
        return float(poisson.cdf(critical, assumed)) if critical >= 0 else 0.0
    return float(poisson.sf(poisson.isf(alpha, expected), assumed))
