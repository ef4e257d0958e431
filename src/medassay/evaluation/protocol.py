"""`evaluation/<stem>.yaml`: endpoints, goals and rules, complete or refused; its digest is booked first.

Nothing that decides has a default: what a protocol leaves out it would decide after the fact. Whether the plan
is sound as well (power, coverage of the interval) is asked by `medassay.evaluation.planning`.
"""

from __future__ import annotations

from enum import StrEnum
from math import isclose
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from medassay.core.canonical import digest_of
from medassay.core.estimate import Estimate
from medassay.core.specs import Bilingual, Spec

Interval = Literal[
    "percentile",
    "bca",
    "wilson",
    "clopper_pearson",
    "rao_scott",
    "korn_graubard",
    "korn_graubard_bounded",
    "delong",
    "delong_logit",
    "obuchowski",
    "obuchowski_logit",
    "newcombe",
]
OF_ANY: tuple[Interval, ...] = ("percentile", "bca")
OF_TRIALS: tuple[Interval, ...] = ("wilson", "clopper_pearson")  # of people with one event each
OF_PROPORTIONS: tuple[Interval, ...] = (*OF_TRIALS, "rao_scott", "korn_graubard", "korn_graubard_bounded")
OF_AREAS: tuple[Interval, ...] = ("delong", "delong_logit", "obuchowski", "obuchowski_logit", "newcombe")


def _absent(value: object) -> bool:
    """What is not declared stands in no digest: protocols of before keep theirs."""
    return value is None


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
    interval: Interval | None = Field(
        default=None, exclude_if=_absent, description="its own, made for such a figure; none: the protocol's"
    )
    goals: dict[str, Goal] = Field(default_factory=dict, description="by source; none: reported only")


class Comparator(Spec):
    """A device or version that the tested one is held against, on the same cases."""

    title: Bilingual
    endpoint: str
    claim: Literal["superiority", "non_inferiority", "equivalence"]
    margin: float = Field(ge=0, description="in the endpoint's unit; the largest loss that is accepted")
    reason: Bilingual = Field(description="why a loss of this size is clinically acceptable")

    @model_validator(mode="after")
    def _margin_where_it_is_needed(self) -> Self:
        if self.claim != "superiority" and self.margin == 0:
            raise ValueError(f"a claim of {self.claim} needs a margin above 0")
        return self


class PlannedSize(Spec):
    """How many subjects one source was planned with. The power is computed again, never believed."""

    measure: Literal["proportion", "mean", "rate", "area"]
    assumed: float = Field(description="the device's true figure, as the plan assumes it")
    subjects: int = Field(ge=2, description="in the test split")
    per_subject: float = Field(gt=0, description="events, structures, cases, or units of time of one subject")
    correlation: float = Field(ge=0, lt=1, description="within a subject")
    spread: float | None = Field(
        default=None, gt=0, description="of a mean: standard deviation over subjects"
    )
    positives: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        exclude_if=_absent,
        description="of an area: share of the cases that are positive",
    )
    aim: float = Field(gt=0, lt=1, description="the power that a study of its own would have")
    power: float = Field(ge=0, le=1, description="as computed from the above, to the third decimal")
    reason: Bilingual = Field(description="where the assumptions come from")
    shortfall: Bilingual | None = Field(
        default=None, description="why the study is made although its power falls short"
    )


class Factor(Spec):
    """A factor of influence that is measured on the samples, cut into bins."""

    axis: str
    title: Bilingual
    column: str = Field(description="of the kind's measurements")
    cuts: Literal["tertiles"] | Annotated[tuple[float, ...], Field(min_length=1)]

    @field_validator("cuts")
    @classmethod
    def _rising(cls, cuts: Any) -> Any:
        if cuts != "tertiles" and list(cuts) != sorted(set(cuts)):
            raise ValueError("cuts rise")
        return cuts


class Condition(Spec):
    """One disturbance at rising strengths."""

    id: str
    title: Bilingual
    perturbation: str = Field(description="of the suite of the database's kind of data")
    strengths: Annotated[tuple[float, ...], Field(min_length=1)]
    hold_to: float = Field(description="up to this strength the primary endpoint's goal has to hold")

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if list(self.strengths) != sorted(set(self.strengths)) or self.strengths[0] <= 0:
            raise ValueError("strengths are above 0 and rise")
        if self.hold_to not in self.strengths:
            raise ValueError("hold_to is one of the strengths")
        return self


class Stress(Spec):
    """What is asked of the device beside the plain test samples."""

    samples: int = Field(ge=1, description="test samples that are disturbed, drawn by seed, subjects first")
    seed: int
    repeat: bool = Field(description="answer the same samples a second time")
    conditions: tuple[Condition, ...]

    @field_validator("conditions")
    @classmethod
    def _once(cls, conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
        if len({one.id for one in conditions}) != len(conditions):
            raise ValueError("a condition stands twice")
        return conditions


class Protocol(Spec):
    """What is asked of a device, fixed before unsealing."""

    version: str
    task: str
    options: dict[str, Any] = Field(
        description="the scorer's conventions: none that changes a figure is taken unsaid"
    )
    endpoints: tuple[Endpoint, ...] = Field(min_length=1)
    primary: str
    comparator: Comparator | None = Field(default=None, description="None: held against goals alone")
    alpha: float = Field(gt=0, lt=0.5, description="one-sided, of the whole family that is tested")
    confidence: float = Field(gt=0, lt=1, description="of every interval: 1 - 2 alpha")
    multiplicity: Literal["single_primary", "fixed_sequence", "holm"]
    tested: tuple[str, ...] = Field(
        min_length=1, description="endpoints that are tested, the primary first; all others are descriptive"
    )
    replicates: int = Field(ge=1000)
    sample_size: dict[str, PlannedSize] = Field(
        description="by source that has a goal of the primary endpoint"
    )
    interval: Interval = Field(
        description="how a figure gets its interval: percentile, bca of any figure, over resampled subjects; "
        "wilson, clopper_pearson of proportions of people with one event each; rao_scott, korn_graubard, "
        "korn_graubard_bounded of proportions; delong, delong_logit, obuchowski, obuchowski_logit, newcombe of an area "
        "under the ROC curve. A figure that it is not made for is given bca"
    )
    seed: int
    unit_of_analysis: Literal["subject"]
    clusters: Literal["subject"] = Field(description="what is resampled whole")
    minimum_subjects: int = Field(ge=2)
    missing_prediction: Literal["worst"] = Field(description="a missing prediction counts as all wrong")
    unusable_prediction: Literal["worst"] = Field(
        description="one that cannot be read or does not fit its sample counts as missing"
    )
    empties: Literal["not_counted", "perfect"] = Field(
        description="a reference without what is looked for, answered rightly: outside the denominator, or right"
    )
    subgroups: tuple[str, ...]
    factors: tuple[Factor, ...] = Field(description="measured factors of influence")
    minimum_cell: int = Field(ge=2, description="subgroups with fewer subjects are not shown")
    stress: Stress | None = Field(description="None: robustness and repeatability are not asked for")
    looks_before: dict[str, int] = Field(
        description="by source: how often this source's test labels were met outside this ledger, as declared",
    )

    @field_validator("endpoints")
    @classmethod
    def _endpoints_once(cls, endpoints: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
        if len({endpoint.id for endpoint in endpoints}) != len(endpoints):
            raise ValueError("an endpoint stands twice")
        return endpoints

    @field_validator("primary")
    @classmethod
    def _primary_exists(cls, primary: str, info: ValidationInfo) -> str:
        _require_known([primary], info, "the primary endpoint is")
        return primary

    @field_validator("comparator")
    @classmethod
    def _compared_endpoint_exists(cls, found: Comparator | None, info: ValidationInfo) -> Comparator | None:
        if found is not None:
            _require_known([found.endpoint], info, "the compared endpoint is")
        return found

    @field_validator("confidence")
    @classmethod
    def _confidence_of_alpha(cls, confidence: float, info: ValidationInfo) -> float:
        alpha = info.data.get("alpha")
        if alpha is not None and not isclose(confidence, 1 - 2 * alpha, abs_tol=1e-9):
            raise ValueError(f"a confidence of {1 - 2 * alpha:g}, as alpha {alpha:g} one-sided asks for")
        return confidence

    @field_validator("tested")
    @classmethod
    def _family(cls, tested: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        _require_known(tested, info, "a tested endpoint is")
        if len(set(tested)) != len(tested) or tested[0] != info.data.get("primary", tested[0]):
            raise ValueError("each tested endpoint once, the primary one first")
        if (info.data.get("multiplicity") == "single_primary") != (len(tested) == 1):
            raise ValueError("one tested endpoint under single_primary, several under the other rules")
        return tested

    @field_validator("empties")
    @classmethod
    def _empties_as_scored(cls, empties: str, info: ValidationInfo) -> str:
        scored = info.data.get("options", {}).get("both_empty")
        if scored is not None and scored != empties:
            raise ValueError(f"'{scored}', as the scorer's option both_empty has it")
        return empties

    @model_validator(mode="after")
    def _what_is_tested_has_a_limit(self) -> Self:
        compared = self.comparator.endpoint if self.comparator else None
        for endpoint in self.endpoints:
            if endpoint.id in self.tested and not endpoint.goals and endpoint.id != compared:
                raise ValueError(f"a goal or a comparator for the tested endpoint {endpoint.id}")
        wanted = sorted(self.of(self.primary).goals)
        if sorted(self.sample_size) != wanted:
            raise ValueError(
                f"sample_size for exactly the sources with a goal: {', '.join(wanted) or 'none'}"
            )
        axes = [*self.subgroups, *(factor.axis for factor in self.factors)]
        if len(set(axes)) != len(axes):
            raise ValueError("each axis of subgroups and factors once")
        return self

    def of(self, endpoint: str) -> Endpoint:
        """An endpoint by its id."""
        return next(one for one in self.endpoints if one.id == endpoint)

    def interval_of(self, endpoint: str) -> Interval:
        """The interval that is declared for an endpoint: its own, else the protocol's."""
        return self.of(endpoint).interval or self.interval

    @property
    def axes(self) -> tuple[str, ...]:
        """Axes of all subgroups: stated attributes, then measured factors."""
        return (*self.subgroups, *(factor.axis for factor in self.factors))

    @property
    def digest(self) -> str:
        return digest_of(self.model_dump(mode="json"))


def _require_known(ids: tuple[str, ...] | list[str], info: ValidationInfo, what: str) -> None:
    known = [endpoint.id for endpoint in info.data.get("endpoints", ())]
    if known and not set(ids) <= set(known):
        raise ValueError(f"{what} none of {', '.join(known)}")


class Verdict(StrEnum):
    MET = "met"
    NOT_MET = "not_met"
    NOT_TESTED = "not_tested"  # an endpoint before it in the fixed sequence was not met
    INSUFFICIENT = "insufficient"
    EXPLORATORY = (
        "exploratory"  # it would be met, under a protocol not shown to be older than the labels' opening
    )
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
