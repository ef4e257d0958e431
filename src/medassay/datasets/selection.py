"""Selection: of the samples that every earlier step left in, which become the version, and in which part of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from medassay.core.findings import Reason
from medassay.datasets import cohort, near_duplicates
from medassay.datasets.catalogue import rows_of
from medassay.datasets.flow import Funnel
from medassay.datasets.sketch import Sketch
from medassay.datasets.spec import DatasetSpec, Source
from medassay.datasets.split import Divided, Part, divide

if TYPE_CHECKING:
    import pyarrow as pa

Facts = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Selection:
    """Who is in, in which part, and what left the others out; `facts` and `labels` are of all who came so far."""

    facts: Facts
    labels: Mapping[str, str]
    divided: Divided
    exclusions: Sequence[Mapping[str, Any]]
    funnel: Sequence[Funnel]
    copies: Sequence[near_duplicates.Pair]

    @property
    def frozen(self) -> list[Mapping[str, Any]]:
        """The facts of the samples that are in."""
        return [self.facts[sample] for sample in self.divided.parts]

    @property
    def across(self) -> list[near_duplicates.Pair]:
        """Near copies that stand under two subjects."""
        subject = {sample: row["subject_id"] for sample, row in self.facts.items()}
        return [pair for pair in self.copies if subject[pair.first] != subject[pair.second]]


def select(
    spec: DatasetSpec,
    source: Source,
    facts: Facts,
    labels: Mapping[str, str],
    sketches: pa.Table | None,
    *,
    placed: Mapping[str, Part],
) -> Selection:
    """By the reference standard, then the cohort's rules, then the split: a sample is out at the first it fails.

    Parameters
    ----------
    facts : mapping
        Sample id to its columns of catalogue and measurements.
    labels : mapping
        Sample id to the digest of its reference standard.
    sketches : table, optional
        What near copies are known by; without it none is looked for.
    placed : mapping
        Subject to the part that it has from an earlier version, for a split that keeps places.

    Raises
    ------
    WrongUse
        When a rule names a column that does not exist.
    """
    unlabelled = [sample for sample in sorted(facts) if sample not in labels]
    meets = cohort.apply(spec.cohort, {s: row for s, row in facts.items() if s in labels})
    inside = {s: facts[s] for s in meets.inside}
    subjects = {s: row["subject_id"] for s, row in inside.items()}
    copies = _near_copies(spec, sketches, subjects)
    divided = divide(
        spec.split,
        inside,
        published=source.division is not None,
        groups=near_duplicates.groups(copies, subjects),
        placed=placed,
    )
    return Selection(
        facts=facts,
        labels=labels,
        divided=divided,
        exclusions=[*map(_no_reference, unlabelled), *meets.exclusions, *divided.exclusions],
        funnel=[Funnel(**asdict(step)) for step in meets.funnel],
        copies=copies,
    )


def _near_copies(
    spec: DatasetSpec, sketches: pa.Table | None, subjects: Mapping[str, str]
) -> list[near_duplicates.Pair]:
    if sketches is None or spec.near_duplicates == "not_screened":
        return []
    rows = rows_of("sketches", sketches)
    return near_duplicates.pairs(
        {row["sample_id"]: Sketch.from_bytes(row["sketch"]) for row in rows if row["sample_id"] in subjects}
    )


def _no_reference(sample: str) -> dict[str, str]:
    return {
        "sample_id": sample,
        "stage": "freeze",
        "check": "reference",
        "reason": Reason.REFERENCE_MISSING.value,
    }
