"""Which endpoints are met when several are tested: one primary, a fixed sequence, or Holm's rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.evaluation.protocol import Goal, Protocol, Verdict, verdict

At = Callable[[str, float], Estimate]


@dataclass(frozen=True)
class Decision:
    """A verdict, and the confidence of the interval that gave it where it is not the protocol's own."""

    verdict: Verdict | None
    confidence: float | None = None


@method(
    id="multiplicity-by-intervals",
    task="any",
    zh="多重性校正（固定顺序检验与Holm法，置信区间判定）",
    en="multiplicity by intervals: fixed sequence and Holm",
    formula="sequence: each at alpha until one fails; Holm: with k left, any clears its goal at alpha / k",
    source="Holm, Scand J Stat 6:65-70, 1979; EMA/CHMP/44762/2017; Westfall and Krishen, JSPI 99:25-40, 2001",
    check="statsmodels multipletests(holm) on the p-values of the same normal intervals",
)
def decide(
    protocol: Protocol, goals: Mapping[str, Goal | None], at: At, *, synthetic: bool
) -> dict[str, Decision]:
    """The verdict of every endpoint under the protocol's rule.

    An interval of confidence 1 - 2a clears a limit exactly when the one-sided test at a rejects, so Holm's
    steps are taken with intervals: no p-value is needed.

    Parameters
    ----------
    goals : endpoint to its goal for this source, or None
    at : (endpoint, confidence) -> Estimate

    Returns
    -------
    dict
        An endpoint without a goal has no verdict. A descriptive one is held against its goal by the plain
        rule, outside the family. In a fixed sequence those behind one that is not met are not tested.
    """

    def judged(name: str, confidence: float) -> Verdict | None:
        goal = goals[name]
        if goal is None:
            return None
        return verdict(
            at(name, confidence), goal, minimum_subjects=protocol.minimum_subjects, synthetic=synthetic
        )

    plain = {name: Decision(judged(name, protocol.confidence)) for name in goals}
    family = [name for name in protocol.tested if goals[name] is not None]
    if synthetic or protocol.multiplicity == "single_primary":
        return plain
    if protocol.multiplicity == "fixed_sequence":
        return plain | _in_sequence(family, plain)
    return plain | _holm(family, protocol.alpha, judged)


def _in_sequence(family: list[str], plain: Mapping[str, Decision]) -> dict[str, Decision]:
    found: dict[str, Decision] = {}
    stopped = False
    for name in family:
        found[name] = Decision(Verdict.NOT_TESTED) if stopped else plain[name]
        stopped = stopped or plain[name].verdict is not Verdict.MET
    return found


def _holm(
    family: list[str], alpha: float, judged: Callable[[str, float], Verdict | None]
) -> dict[str, Decision]:
    found: dict[str, Decision] = {}
    left = list(family)
    while left:
        confidence = 1 - 2 * alpha / len(left)
        step = {name: judged(name, confidence) for name in left}
        met = next((name for name in left if step[name] is Verdict.MET), None)
        if met is None:
            return found | {name: Decision(step[name], confidence) for name in left}
        found[met] = Decision(Verdict.MET, confidence)
        left.remove(met)
    return found
