"""Performance against the strength of a disturbance, and the strength at which the goal is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import Field

from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.core.record import Record
from medassay.evaluation.figure import Figure, asked_of
from medassay.evaluation.protocol import Condition, Goal, Protocol
from medassay.evaluation.scorer import Metric
from medassay.evaluation.subject_table import SubjectTable
from medassay.evaluation.sufficient import Statistics

Sums = Mapping[str, Statistics]  # subject to the statistics of its samples together


class Point(Record):
    """The primary endpoint at one strength."""

    strength: float
    estimate: Estimate
    change: Estimate = Field(description="against the same samples undisturbed, paired by subject")
    unanswered: int = Field(ge=0, description="copies without a usable prediction; they count as all wrong")
    goal_holds: bool | None = Field(description="of the figure itself; None: no goal, or no figure")


class Robustness(Record):
    """One condition over its strengths."""

    condition: str
    perturbation: str
    subjects: int
    samples: int
    undisturbed: Estimate
    points: tuple[Point, ...]
    hold_to: float
    lost_at: float | None = Field(description="first strength at which the goal does not hold; None: at none")
    held: bool | None = Field(description="whether it holds up to the limit; None: no goal to hold")


@dataclass(frozen=True)
class Disturbed:
    """What became of the copies of one condition at one strength."""

    subjects: Sums
    samples: int
    unanswered: int


@method(
    id="robustness-by-strength",
    task="robustness",
    zh="鲁棒性测试（性能随扰动强度变化）",
    en="robustness: performance against strength",
    formula="theta(s) = sum N(s) / sum D(s); theta(s) - theta(0) paired by subject; lost at the least s past the goal",
    source="NMPA guideline on AI medical devices, 2022 (robustness); Hendrycks and Dietterich, ICLR 2019",
    check="statistics.ratio and ratio_difference on the same sums; a device whose loss is known by construction",
)
def robustness(
    protocol: Protocol,
    metric: Metric,
    condition: Condition,
    undisturbed: Sums,
    disturbed: Mapping[float, Disturbed],
    goal: Goal | None,
) -> Robustness:
    """The primary endpoint of one condition at every strength.

    Whether the goal holds is judged by the figure itself: the few samples of a stress suite have wide intervals,
    which stand beside it. It is lost from the first strength on at which it does not hold, whatever comes after.

    Parameters
    ----------
    undisturbed : subject to sums of the same samples as they were
    disturbed : strength to what became of the copies
    """
    subjects = tuple(sorted(undisturbed))
    asked = asked_of(protocol, protocol.primary)

    def figure(sums: Sums) -> Figure:
        rows = [sums[name] for name in subjects]
        return SubjectTable(subjects, rows, uncounted="zero").figure(metric)

    plain = figure(undisturbed)
    points = []
    for strength in condition.strengths:
        found = disturbed[strength]
        now = figure(found.subjects)
        estimate = now.alone(asked)
        points.append(
            Point(
                strength=strength,
                estimate=estimate,
                change=now.minus(plain, asked),
                unanswered=found.unanswered,
                goal_holds=_holds(estimate, goal),
            )
        )
    lost = next((point.strength for point in points if point.goal_holds is False), None)
    return Robustness(
        condition=condition.id,
        perturbation=condition.perturbation,
        subjects=len(subjects),
        samples=disturbed[condition.strengths[0]].samples,
        undisturbed=plain.alone(asked),
        points=tuple(points),
        hold_to=condition.hold_to,
        lost_at=lost,
        held=_held(points, condition.hold_to),
    )


def _held(points: Sequence[Point], limit: float) -> bool | None:
    judged = [point.goal_holds for point in points if point.strength <= limit]
    if False in judged:
        return False
    return None if None in judged else True


def _holds(estimate: Estimate, goal: Goal | None) -> bool | None:
    if goal is None or estimate.value is None:
        return None
    if goal.direction == "at_least":
        return estimate.value >= goal.limit
    return estimate.value <= goal.limit
