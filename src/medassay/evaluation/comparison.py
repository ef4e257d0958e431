"""Two versions or devices on the same cases: paired differences, and what they say of a claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.evaluation.analysis import metric_of
from medassay.evaluation.protocol import Protocol
from medassay.evaluation.scorer import Metric
from medassay.statistics.noninferiority import judge_difference
from medassay.statistics.paired_proportions import mcnemar
from medassay.statistics.ratio import ratio, ratio_difference

FloatArray = NDArray[np.float64]
Sums = Mapping[str, Mapping[str, float]]  # subject to summed statistics


class Claim(BaseModel):
    """The protocol's claim against its comparator."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    claim: Literal["superiority", "non_inferiority", "equivalence"]
    margin: float
    outcome: Literal["met", "not_met", "not_estimable", "insufficient", "demonstration_only"]
    reason: str


class Difference(BaseModel):
    """One endpoint of two devices over the same subjects, new minus earlier."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpoint: str
    new: Estimate
    earlier: Estimate
    difference: Estimate
    mcnemar_p: float | None = Field(
        default=None, description="mid-p, where every subject is one yes or no; None: it does not apply"
    )
    claim: Claim | None = Field(default=None, description="None: the protocol claims nothing: exploratory")


@method(
    id="comparison-paired-subjects",
    task="comparison",
    zh="同一病例上两版本的配对比较（整群重抽样、McNemar检验）",
    en="two versions on the same cases: paired cluster bootstrap and McNemar",
    formula="theta_new - theta_earlier, one draw of subjects for both; McNemar mid-p where each is one yes or no",
    source="Field and Welsh, J R Stat Soc B 69:369-390, 2007; Fagerland et al., BMC Med Res Methodol 13:91, 2013",
    check="statistics.ratio_difference; statsmodels mcnemar",
)
def compare(
    protocol: Protocol,
    metrics: Mapping[str, Metric],
    new: Sums,
    earlier: Sums,
    *,
    synthetic: bool = False,
    booked: bool = True,
) -> tuple[Difference, ...]:
    """Every endpoint of the protocol, paired by subject.

    Parameters
    ----------
    synthetic : bool
        Synthetic data support no claim, as they support no verdict.
    booked : bool
        Whether the protocol stood before the labels opened; a claim that was made afterwards is none, and every
        difference is then exploratory.

    Raises
    ------
    WrongUse
        When the two were not tested on the same subjects.
    """
    if set(new) != set(earlier):
        raise WrongUse(
            found=f"{len(set(new) ^ set(earlier))} subjects in one of the two alone",
            wanted="the same subjects in both",
            remedy="Compare two validations of one test version.",
        )
    subjects = sorted(new)
    found = []
    for endpoint in protocol.endpoints:
        metric = metric_of(endpoint, metrics)
        sides = tuple(_sums(metric, [side[name] for name in subjects]) for side in (new, earlier))
        difference = ratio_difference(
            *sides,
            undefined=metric.undefined,
            seed=protocol.seed,
            replicates=protocol.replicates,
            confidence=protocol.confidence,
            unit=metric.unit,
        )
        estimates = [
            ratio(
                *side,
                undefined=metric.undefined,
                seed=protocol.seed,
                replicates=protocol.replicates,
                confidence=protocol.confidence,
                unit=metric.unit,
            )
            for side in sides
        ]
        found.append(
            Difference(
                endpoint=endpoint.id,
                new=estimates[0],
                earlier=estimates[1],
                difference=difference,
                mcnemar_p=_mcnemar(*sides),
                claim=_claim(protocol, endpoint.id, metric, difference, synthetic) if booked else None,
            )
        )
    return tuple(found)


def _claim(
    protocol: Protocol, endpoint: str, metric: Metric, difference: Estimate, synthetic: bool
) -> Claim | None:
    """The claim by the rule of the verdict: synthetic data demonstrate, too few subjects leave it open."""
    asked = protocol.comparator
    if asked is None or asked.endpoint != endpoint or metric.better == "nearer_zero":
        return None
    judged = judge_difference(
        difference, claim=asked.claim, margin=asked.margin, alpha=protocol.alpha, better=metric.better
    )
    made = Claim(claim=asked.claim, margin=asked.margin, outcome=judged.outcome, reason=judged.reason)
    if synthetic:
        return made.model_copy(update={"outcome": "demonstration_only", "reason": "the data are synthetic"})
    if difference.n_subjects < protocol.minimum_subjects:
        reason = f"{difference.n_subjects} subjects, {protocol.minimum_subjects} asked for"
        return made.model_copy(update={"outcome": "insufficient", "reason": reason})
    return made


def _sums(metric: Metric, rows: Sequence[Mapping[str, float]]) -> tuple[FloatArray, FloatArray]:
    def combined(weights: Mapping[str, float]) -> FloatArray:
        return np.array(
            [sum(weight * row.get(name, 0.0) for name, weight in weights.items()) for row in rows], np.float64
        )

    return combined(metric.numerator), combined(metric.denominator)


def _mcnemar(new: tuple[FloatArray, FloatArray], earlier: tuple[FloatArray, FloatArray]) -> float | None:
    """Where each subject of both is one event that was met or not."""
    counted = (new[1] > 0) & (earlier[1] > 0)
    parts = [side[part][counted] for side in (new, earlier) for part in (0, 1)]
    if not counted.any() or any(not np.isin(part, (0.0, 1.0)).all() for part in parts):
        return None
    a, b = parts[0] == 1, parts[2] == 1
    table = tuple(int(n.sum()) for n in (a & b, a & ~b, ~a & b, ~a & ~b))
    return mcnemar((table[0], table[1], table[2], table[3])).p_value
