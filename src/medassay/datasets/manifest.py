"""The manifest: every file of a frozen dataset with sample, subject and part; its digest is the version."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from medassay.core.canonical import canonical_json, digest_bytes
from medassay.core.errors import EvidenceBroken
from medassay.core.record import Record
from medassay.datasets.sample import is_label
from medassay.datasets.split import PARTS, Part

REFERENCE = "reference"


class Row(Record):
    """One file under one role. `name` is what a device sees; it holds the sample id only."""

    name: str
    role: str
    digest: str = Field(pattern=r"^[0-9a-f]{64}$", description="of the stored bytes: of a label, sealed")
    sample: str
    subject: str
    split: Part

    @property
    def sealed(self) -> bool:
        return is_label(self.role)


class Manifest(Record):
    """One version of one source of one database."""

    schema_id: Literal["medassay.manifest/1"] = "medassay.manifest/1"
    dataset: str
    source: str
    source_class: Literal["real", "public", "synthetic"]
    spec_version: str
    kind: str
    task: str
    seed: int
    division: Literal["seeded", "published", "held_out"]
    disjointness: Literal["proven", "not_provable"] = Field(
        description="whether it is known of every sample whose it is, so that no person is on two sides"
    )
    master: str | None = Field(
        default=None, pattern=r"^[0-9a-f]{64}$", description="the version that a sub-database was cut from"
    )
    sub_database: str | None = Field(default=None, description="name of the sub-database in the spec")
    rows: tuple[Row, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        keys = [(row.sample, row.role, row.name) for row in self.rows]
        if keys != sorted(set(keys)):
            raise ValueError("rows are sorted by sample, role and name, each once")
        subjects: defaultdict[str, set[str]] = defaultdict(set)
        parts: defaultdict[str, set[str]] = defaultdict(set)
        for row in self.rows:
            subjects[row.sample].add(row.subject)
            parts[row.subject].add(row.split)
        if any(len(of_sample) > 1 for of_sample in subjects.values()):
            raise ValueError("a sample under two subjects")
        if any(len(of_subject) > 1 for of_subject in parts.values()):
            raise ValueError("a subject in two parts of the split")
        labels = [row.sample for row in self.rows if row.role == REFERENCE]
        if sorted(set(labels)) != labels or set(labels) != set(subjects):
            raise ValueError("every sample has exactly one reference")
        return self

    @cached_property
    def content(self) -> bytes:
        """Canonical JSON: the bytes that the version is the digest of."""
        return canonical_json(self.model_dump(mode="json"))

    @property
    def digest(self) -> str:
        """The dataset version: SHA-256 of the content. Swapping two samples' labels changes it."""
        return digest_bytes(self.content)

    @classmethod
    def read(cls, content: bytes, digest: str) -> Self:
        """Read back and recompute.

        Raises
        ------
        EvidenceBroken
            When the bytes are not those of this digest.
        """
        if digest_bytes(content) != digest:
            raise _broken(f"bytes of digest {digest_bytes(content)[:12]}…", f"version {digest[:12]}…")
        try:
            return cls.model_validate_json(content)
        except ValidationError as error:
            raise _broken(error.errors(include_url=False)[0]["msg"], "a whole manifest") from error

    def samples(self, *parts: Part) -> dict[str, tuple[Row, ...]]:
        """Sample id to its rows, of these parts of the split, or of all."""
        wanted = parts or PARTS
        found: defaultdict[str, list[Row]] = defaultdict(list)
        for row in self.rows:
            if row.split in wanted:
                found[row.sample].append(row)
        return {sample: tuple(rows) for sample, rows in found.items()}

    def subjects(self, *parts: Part) -> list[str]:
        """Subject ids of these parts of the split, or of all, sorted."""
        wanted = parts or PARTS
        return sorted({row.subject for row in self.rows if row.split in wanted})


def _broken(found: str, wanted: str) -> EvidenceBroken:
    return EvidenceBroken(
        found=found,
        wanted=wanted,
        remedy="Restore the manifest from a copy, or freeze again: that is a new version.",
        where="manifest",
    )
