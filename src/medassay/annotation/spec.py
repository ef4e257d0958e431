"""`annotation/<stem>.yaml`: what is labelled, by whom, and how reads become the reference standard."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from medassay.core.specs import Bilingual, Spec


class LabelClass(Spec):
    """One class or structure that readers mark."""

    code: str = Field(description="as it stands in the files")
    title: Bilingual
    definition: Bilingual


class ReferenceRule(Spec):
    """How the reference standard of one source comes about.

    `reads`: two readers, merged where they agree within the limits, else the arbitrator's read; a sample on
    which they disagree and nobody arbitrated is excluded. `published`: imported as published and labelled so.
    `computed`: a rule applied to the sample's own signal; no reader.
    """

    method: Literal["reads", "published", "computed"]
    readers: tuple[str, ...] = Field(default=(), description="the two readers, by folder name")
    arbitrator: str | None = None


class AnnotationSpec(Spec):
    version: str
    task: str
    guide: str = Field(description="file that readers read, beside this one")
    classes: tuple[LabelClass, ...] = Field(min_length=1)
    options: dict[str, Any] = Field(default_factory=dict, description="the task's matching conventions")
    agreement_limits: dict[str, float] = Field(
        default_factory=dict, description="least agreement of two reads, by figure; below: arbitration"
    )
    references: dict[str, ReferenceRule] = Field(description="by source")
