"""`evaluation/<stem>.yaml`: endpoints, goals and rules, complete or refused; its digest is booked first."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from medassay.core.canonical import digest_of
from medassay.core.estimate import Estimate
from medassay.core.specs import Bilingual, Spec


class Goal(Spec):
    """The bound of the interval that faces the limit has to clear it."""

    direction: Literal["at_least", "at_most"]
    limit: float

    def cleared_by(self, estimate: Estimate) -> bool:
        """Without an interval nothing is cleared."""
        if estimate.lower is None or estimate.upper is None:
            return False
        return estimate.lower >= self.limit if self.direction == "at_least" else estimate.upper <= self.limit


class Endpoint(Spec):
    """One figure, by the name of its metric and the class or structure it is of."""

    id: str
    title: Bilingual
    metric: str
    of: str | None = None
    goals: dict[str, Goal] = Field(default_factory=dict, description="by source; none: reported only")


class Protocol(Spec):
    """What is asked of a device, fixed before unsealing."""

    version: str
    task: str
    options: dict[str, Any] = Field(default_factory=dict, description="the scorer's declared conventions")
    endpoints: tuple[Endpoint, ...] = Field(min_length=1)
    primary: str
    confidence: float = Field(gt=0, lt=1)
    replicates: int = Field(ge=1000)
    interval: Literal["percentile", "bca"] = Field(
        default="percentile", description="how resampled figures become an interval"
    )
    seed: int
    unit_of_analysis: Literal["subject"]
    minimum_subjects: int = Field(ge=2)
    multiplicity: Literal["single_primary"]
    missing_prediction: Literal["worst"] = Field(description="a missing prediction counts as all wrong")
    subgroups: tuple[str, ...] = ()
    looks_before: dict[str, int] = Field(
        default_factory=dict,
        description="by source: how often this source's test labels were met outside this ledger, as declared",
    )
    minimum_cell: int = Field(ge=2, description="subgroups with fewer subjects are not shown")

    @model_validator(mode="after")
    def _primary_exists(self) -> Self:
        ids = [endpoint.id for endpoint in self.endpoints]
        if len(set(ids)) != len(ids):
            raise ValueError("an endpoint stands twice")
        if self.primary not in ids:
            raise ValueError(f"the primary endpoint is none of {', '.join(ids)}")
        return self

    @property
    def digest(self) -> str:
        return digest_of(self.model_dump(mode="json"))


class Verdict(StrEnum):
    MET = "met"
    NOT_MET = "not_met"
    INSUFFICIENT = "insufficient"
    DEMONSTRATION_ONLY = "demonstration_only"


def verdict(estimate: Estimate, goal: Goal, *, minimum_subjects: int, synthetic: bool) -> Verdict:
    """The verdict by rule.

    Synthetic data demonstrate only. Too few subjects, or a figure without an interval, are insufficient,
    never met. Else the interval's bound decides.
    """
    if synthetic:
        return Verdict.DEMONSTRATION_ONLY
    if estimate.n_subjects < minimum_subjects or estimate.lower is None:
        return Verdict.INSUFFICIENT
    return Verdict.MET if goal.cleared_by(estimate) else Verdict.NOT_MET
