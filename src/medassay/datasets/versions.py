"""Versions: what a new one added, withdrew and moved against the one before, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from medassay.core.findings import Finding, Reason, Severity
from medassay.core.record import Record
from medassay.datasets.manifest import REFERENCE, Manifest
from medassay.datasets.split import Part

DIGEST = r"^[0-9a-f]{64}$"
NEWLY_OFFERED = "newly_offered"
NO_LONGER_OFFERED = "no_longer_offered"


class Change(Record):
    """One sample that came or went."""

    sample: str
    subject: str
    part: Part = Field(description="where it stands now, or stood before it went")
    why: str = Field(description="stage:check:reason; or newly_offered, no_longer_offered")


class Move(Record):
    """One sample that stands in another part of the split than before."""

    sample: str
    subject: str
    before: Part
    after: Part


class Dynamics(Record):
    """From one version to the next. The first version has no previous one, and added everything."""

    schema_id: Literal["medassay.dynamics/1"] = "medassay.dynamics/1"
    previous: str | None = Field(pattern=DIGEST)
    version: str = Field(pattern=DIGEST)
    spec_version_before: str | None
    spec_version: str
    added: tuple[Change, ...]
    withdrawn: tuple[Change, ...]
    moved: tuple[Move, ...] = Field(description="part of the split changed")
    relabelled: tuple[str, ...] = Field(description="samples whose reference standard changed")
    refiled: tuple[str, ...] = Field(description="samples of which other files changed")
    kept: int = Field(ge=0, description="samples that are in both versions")

    @property
    def counts(self) -> dict[str, int]:
        """How many of each kind of change."""
        names = ("added", "withdrawn", "moved", "relabelled", "refiled")
        return {f"samples_{name}": len(getattr(self, name)) for name in names} | {"samples_kept": self.kept}

    @property
    def test_to_training(self) -> tuple[Move, ...]:
        """Samples that a device may learn from now and was tested on before."""
        return tuple(move for move in self.moved if move.before == "test")


def between(
    before: Manifest | None,
    after: Manifest,
    *,
    gone: Iterable[Mapping[str, Any]] = (),
    refused: Mapping[str, str] | None = None,
    was_gone: Iterable[Mapping[str, Any]] = (),
) -> Dynamics:
    """What changed from one version to another.

    Parameters
    ----------
    gone : rows of exclusions
        Those of the new version: why a sample that was in is no longer.
    refused : mapping
        Sample id to the reason for which ingest refused it.
    was_gone : rows of exclusions
        Those of the version before: why a sample that is in now was not.
    """
    old = before.samples() if before else {}
    new = after.samples()
    why_out = {sample: f"ingest:intake:{reason}" for sample, reason in (refused or {}).items()}
    why_out |= _first(gone)
    why_was_out = _first(was_gone)
    both = sorted(old.keys() & new.keys())
    return Dynamics(
        previous=before.digest if before else None,
        version=after.digest,
        spec_version_before=before.spec_version if before else None,
        spec_version=after.spec_version,
        added=tuple(
            _change(
                new[sample], f"formerly_out:{why_was_out[sample]}" if sample in why_was_out else NEWLY_OFFERED
            )
            for sample in sorted(new.keys() - old.keys())
        ),
        withdrawn=tuple(
            _change(old[sample], why_out.get(sample, NO_LONGER_OFFERED))
            for sample in sorted(old.keys() - new.keys())
        ),
        moved=tuple(
            Move(
                sample=sample,
                subject=new[sample][0].subject,
                before=old[sample][0].split,
                after=new[sample][0].split,
            )
            for sample in both
            if old[sample][0].split != new[sample][0].split
        ),
        relabelled=tuple(s for s in both if _digests(old[s], True) != _digests(new[s], True)),
        refiled=tuple(s for s in both if _digests(old[s], False) != _digests(new[s], False)),
        kept=len(both),
    )


def moved_from_test(dynamics: Dynamics) -> list[Finding]:
    """A warning where people who were tested on may be learned from now: devices of the two versions differ in it."""
    moves = dynamics.test_to_training
    if not moves:
        return []
    return [
        Finding(
            reason=Reason.SAME_SUBJECT,
            severity=Severity.WARN,
            found=f"{len(moves)} samples that were in test in version {str(dynamics.previous)[:12]} and are in "
            "train or tune now",
            wanted="people who stay in test over all versions",
            remedy="Set `split.keep_places`, and freeze again; or train devices anew on this version, and never "
            "compare one of the version before with them.",
        )
    ]


def _first(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for row in rows:
        found.setdefault(row["sample_id"], f"{row['stage']}:{row['check']}:{row['reason']}")
    return found


def _change(rows: Sequence[Any], why: str) -> Change:
    return Change(sample=rows[0].sample, subject=rows[0].subject, part=rows[0].split, why=why)


def _digests(rows: Sequence[Any], labels: bool) -> list[tuple[str, str, str]]:
    return sorted((row.role, row.name, row.digest) for row in rows if (row.role == REFERENCE) == labels)
