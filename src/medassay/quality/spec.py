"""`quality/<stem>.yaml`: Great Expectations classes by name, with severity, source and remedy, and limits."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from medassay.core.findings import Reason
from medassay.core.specs import Bilingual, Spec, Stated


class Check(Spec):
    """One expectation over the measurement table; a failed row excludes its sample, or is stated."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: Bilingual
    expectation: str = Field(description="a class of great_expectations.expectations")
    arguments: dict[str, Any]
    severity: Literal["warn", "exclude"]
    reason: Reason
    remedy: Bilingual
    source: Stated = Field(description="document and clause that asks for it")
    sources: tuple[str, ...] = Field(default=(), description="only these sources of the dataset; none: all")


class Limits(Spec):
    """What the dataset as a whole must keep; beyond it the gate fails."""

    largest_excluded_share: float = Field(ge=0, le=1)
    least_samples_per: dict[str, int] = Field(default_factory=dict, description="by catalogue column")


class LabelAudit(Spec):
    """How many labels of the frozen dataset are read again by somebody else: sampling of an isolated lot."""

    limiting_quality: float = Field(gt=0, lt=1, description="share of wrong labels that is not to pass")
    consumers_risk: float = Field(gt=0, lt=1, description="largest chance that it passes nevertheless")
    acceptance_number: int = Field(ge=0, description="wrong labels among those drawn that still pass")
    source: str = Field(description="document and clause that asks for it")


class QualitySpec(Spec):
    version: str
    checks: tuple[Check, ...] = Field(min_length=1)
    limits: Limits
    label_audit: LabelAudit | None = Field(default=None, description="none: no audit, and the record says so")
