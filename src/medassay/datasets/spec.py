"""`datasets/<stem>.yaml`: one disease, its sources, cohort, split and use, as people declare it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from medassay.core.specs import Bilingual, Spec


class SourceClass(StrEnum):
    """Where data come from decides what a report may claim; the three are never mixed in one version."""

    REAL = "real"
    PUBLIC = "public"
    SYNTHETIC = "synthetic"


class Disease(Spec):
    """The one disease that the database is for."""

    name: Bilingual
    icd10: tuple[str, ...] = Field(min_length=1)


class LawfulBasis(Spec):
    """Why these data may be used. A hospital source needs every field; other sources state their licence."""

    licence: str
    ethics_approval: str | None = Field(default=None, description="number of the committee's approval")
    ethics_scope: str | None = None
    ethics_expires: str | None = Field(default=None, pattern=r"^\d{4}-\d{2}-\d{2}$")
    consent: Literal["informed", "waived", "exempt"] | None = None
    data_level: int | None = Field(default=None, ge=1, le=5, description="GB/T 39725-2020, 6.2")
    site_agreement: str | None = None
    genetic_resources: str | None = Field(default=None, description="statement on human genetic resources")

    def missing_for(self, source_class: SourceClass) -> list[str]:
        """The fields that this class of source must state and does not."""
        if source_class != SourceClass.REAL:
            return [] if self.licence.strip() else ["licence"]
        return [name for name in type(self).model_fields if getattr(self, name) in (None, "")]


class Source(Spec):
    """One place that files come from; each is frozen to versions of its own."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    source_class: SourceClass
    form: str = Field(description="how its files are laid out: names a reader of the dataset's kind")
    folder: str | None = Field(default=None, description="below the data folder; none: a phantom")
    phantom: dict[str, Any] | None = Field(default=None, description="parameters of the kind's generator")
    options: dict[str, Any] = Field(default_factory=dict, description="parameters of the form")
    readers: tuple[str, ...] = Field(default=(), description="folders of readers' files below the source")
    identity: Literal["known", "not_provable"]
    same_person: tuple[tuple[str, ...], ...] = Field(
        default=(), description="ids known from outside to be one person"
    )
    division: dict[Literal["train_tune", "test"], tuple[str, ...]] | None = Field(
        default=None, description="a published division; the subject rule stands above it"
    )
    burned_in: Literal["set_aside", "mask", "not_screened"] | None = Field(
        default=None,
        description="what becomes of a series with text in its pixels; default: a hospital's is set aside, "
        "others are not screened",
    )
    lawful_basis: LawfulBasis
    citation: str = ""
    obtain: Bilingual | None = Field(default=None, description="where a user gets a public set")

    @property
    def screening(self) -> Literal["set_aside", "mask", "not_screened"]:
        """What is done about text in pixels, declared or by the class of the source."""
        if self.burned_in is not None:
            return self.burned_in
        return "set_aside" if self.source_class == SourceClass.REAL else "not_screened"

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.folder is None) == (self.phantom is None):
            raise ValueError("a source has either a folder or a phantom")
        if (self.phantom is not None) != (self.source_class == SourceClass.SYNTHETIC):
            raise ValueError("a phantom is synthetic, and only a phantom is")
        missing = self.lawful_basis.missing_for(self.source_class)
        if missing:
            raise ValueError(f"the lawful basis of a {self.source_class} source lacks {', '.join(missing)}")
        return self


class Condition(Spec):
    """What the value of one column has to be."""

    column: str
    among: tuple[str, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        bounded = self.minimum is not None or self.maximum is not None
        if bounded == (self.among is not None):
            raise ValueError("a rule has either `among`, or `minimum` and `maximum`")
        return self


class CohortRule(Condition):
    """One inclusion rule on one column; a sample that does not meet it is excluded and counted."""

    id: str
    title: Bilingual


class Split(Spec):
    """Subject-disjoint shares of the samples, from one recorded seed."""

    train: float = Field(gt=0, lt=1)
    tune: float = Field(gt=0, lt=1)
    test: float = Field(gt=0, lt=1)
    stratify: tuple[str, ...] = ("site",)
    seed: int
    keep_places: bool = Field(
        default=False,
        description="people of the version before stay in their part, and only others are dealt: devices of the two "
        "versions may then be compared. Without it each version is drawn from the seed alone",
    )
    hold_out: tuple[Condition, ...] = Field(
        default=(),
        description="a site, a device, a period: whatever meets one of these is the test part, and nothing else "
        "is; train and tune share out the rest. A source's published division stands above it",
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if abs(self.train + self.tune + self.test - 1) > 1e-9:
            raise ValueError("train, tune and test add up to 1")
        return self


class SubDatabase(Spec):
    """One database for one intended use, cut from the master: whom it is for, and how many."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: Bilingual
    intended_use: Bilingual
    target_population: Bilingual
    cohort: tuple[CohortRule, ...] = ()
    subjects: int = Field(ge=2, description="how many to draw; fewer where the master has no more")
    shares: dict[str, dict[str, float]] = Field(
        min_length=1,
        description="column to the share of the target population that has each value; each column adds up to 1",
    )
    source_of_shares: str = Field(
        min_length=1, description="where the shares come from: a registry, a census"
    )
    seed: int
    largest_difference: float = Field(
        default=0.1, gt=0, description="standardised difference from a declared share that is still tolerated"
    )
    alpha: float = Field(default=0.05, gt=0, lt=1, description="level of the chi-square tests")

    @model_validator(mode="after")
    def _whole_shares(self) -> Self:
        for column, shares in self.shares.items():
            positive = all(share > 0 for share in shares.values())
            if len(shares) < 2 or not (positive and abs(sum(shares.values()) - 1) <= 1e-6):  # NaN is neither
                raise ValueError(f"the shares of '{column}' are two or more, above 0, and add up to 1")
        return self


class DatasetSpec(Spec):
    """A disease-specific database: not a pile of files."""

    title: Bilingual
    version: str
    disease: Disease
    kind: str = Field(description="how files become samples")
    task: str = Field(description="how predictions are matched")
    intended_use: Bilingual
    target_population: Bilingual
    sources: tuple[Source, ...] = Field(min_length=1)
    cohort: tuple[CohortRule, ...] = ()
    split: Split
    near_duplicates: Literal["keep_together", "refuse", "not_screened"] = Field(
        default="keep_together",
        description="what freeze does about near-equal content under two subjects: holds both in one part of the "
        "split, or makes no version",
    )
    sub_databases: tuple[SubDatabase, ...] = Field(
        default=(), description="databases for a narrower intended use, cut from the sealed version"
    )
    freeze_needs: tuple[str, ...] = Field(description="the Evidence without which freeze refuses")

    @model_validator(mode="after")
    def _names_once(self) -> Self:
        _require_once("source", [source.name for source in self.sources])
        _require_once("cohort rule", [rule.id for rule in self.cohort])
        _require_once("sub-database", [one.name for one in self.sub_databases])
        return self


def _require_once(what: str, names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{what} {', '.join(twice)} stands twice")
