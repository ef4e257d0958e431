"""Two versions or devices on the same cases: paired differences, and what they say of a claim."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.core.record import Record
from medassay.evaluation.figure import asked_of
from medassay.evaluation.formulas import formulas_of
from medassay.evaluation.protocol import OF_AREAS, Protocol
from medassay.evaluation.scorer import Metric
from medassay.evaluation.subject_table import SubjectTable
from medassay.evaluation.sufficient import Statistics
from medassay.statistics.noninferiority import judge_difference
from medassay.statistics.paired_proportions import mcnemar

FloatArray = NDArray[np.float64]
Sums = Mapping[str, Statistics]  # subject to the statistics of its samples together


class Claim(Record):
    """The protocol's claim against its comparator."""

    claim: Literal["superiority", "non_inferiority", "equivalence"]
    margin: float
    outcome: Literal["met", "not_met", "not_estimable", "insufficient", "demonstration_only"]
    reason: str


class Difference(Record):
    """One endpoint of two devices over the same subjects, new minus earlier."""

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
    subjects = tuple(sorted(new))
    tables = [
        SubjectTable(subjects, [side[name] for name in subjects], uncounted="zero") for side in (new, earlier)
    ]
    found = []
    for name, metric in formulas_of(protocol, metrics).items():
        ours, theirs = (table.figure(metric) for table in tables)
        asked = asked_of(protocol, name)
        closed = metric.form == "area" and asked.interval in OF_AREAS
        beside = asked if closed else asked.by("percentile")  # as the difference has it
        difference = ours.minus(theirs, asked)
        found.append(
            Difference(
                endpoint=name,
                new=ours.alone(beside),
                earlier=theirs.alone(beside),
                difference=difference,
                mcnemar_p=_mcnemar(ours.counts, theirs.counts),
                claim=_claim(protocol, name, metric, difference, synthetic) if booked else None,
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


def _mcnemar(
    new: tuple[FloatArray, FloatArray] | None, earlier: tuple[FloatArray, FloatArray] | None
) -> float | None:
    """Where each subject of both is one event that was met or not."""
    if new is None or earlier is None:
        return None
    counted = (new[1] > 0) & (earlier[1] > 0)
    parts = [side[part][counted] for side in (new, earlier) for part in (0, 1)]
    if not counted.any() or any(not np.isin(part, (0.0, 1.0)).all() for part in parts):
        return None
    a, b = parts[0] == 1, parts[2] == 1
    table = tuple(int(n.sum()) for n in (a & b, a & ~b, ~a & b, ~a & ~b))
    return mcnemar((table[0], table[1], table[2], table[3])).p_value
