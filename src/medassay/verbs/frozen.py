"""The versions that lie in a store, found by their digests, with what freeze kept beside each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medassay.core.errors import WrongUse
from medassay.core.workspace import Workspace
from medassay.datasets.freeze import Before
from medassay.datasets.manifest import Manifest
from medassay.datasets.versions import Dynamics, between
from medassay.datasets.withdraw import HeldObjects, checked
from medassay.trust import ledger
from medassay.trust.evidence import Evidence, Outcome
from medassay.verbs.stage import Place

SHORTEST = 6  # digits of a digest that may name a version


@dataclass(frozen=True)
class Version:
    """One version and the Evidence of the freeze that sealed it."""

    place: Place
    evidence: Evidence
    digest: str

    @property
    def manifest(self) -> Manifest:
        return Manifest.read(self.place.store.get(self.digest), self.digest)

    def checked(self) -> HeldObjects:
        """Every object that it lists, recomputed: there, erased with its subject, or lost."""
        return checked(self.place.store, self.manifest)

    def exclusions(self) -> list[dict[str, Any]]:
        """Why samples are not in it, in the order of the stages."""
        rows: list[dict[str, Any]] = self.place.table(self.evidence, "exclusions").to_pylist()
        return rows

    def dynamics(self) -> Dynamics:
        return Dynamics.model_validate(self.place.record(self.evidence, "dynamics"))

    def refused(self) -> dict[str, str]:
        """Sample to the reason for which ingest refused it."""
        digest = next(link.digest for link in self.evidence.inputs if link.role == "evidence:ingest")
        ingested = Evidence.load(self.place.workspace.evidence(digest), digest)
        rows = self.place.table(ingested, "catalogue").to_pylist()
        return {row["sample_id"]: row["reason"] for row in rows if row["status"] == "refused"}


def versions(workspace: Workspace) -> list[Version]:
    """Every version that was frozen here, oldest first; one that was frozen again stands once."""
    found: dict[str, Version] = {}
    for entry in ledger.read(workspace.ledger):
        kind, _, target = entry.event.partition(" ")
        if kind != "freeze":
            continue
        evidence = Evidence.load(workspace.evidence(entry.evidence), entry.evidence)
        if evidence.outcome is Outcome.PASSED:
            digest = evidence.output("manifest")
            dataset, source = target.split("/", 1)
            found[digest] = Version(Place(workspace, dataset, source), evidence, digest)
    return list(found.values())


def names_a_version(text: str) -> bool:
    """Whether a text is digits of a digest, and no file of that name lies here."""
    return re.fullmatch(f"[0-9a-fA-F]{{{SHORTEST},64}}", text) is not None and not Path(text).exists()


def version(workspace: Workspace, named: str) -> Version:
    """The one version whose digest begins so.

    Raises
    ------
    WrongUse
        When none does, or several.
    """
    known = versions(workspace)
    fits = [one for one in known if len(named) >= SHORTEST and one.digest.startswith(named.lower())]
    if len(fits) != 1:
        listed = ", ".join(f"{one.digest[:12]} ({one.evidence.target})" for one in known[-8:])
        raise WrongUse(
            found=f"{len(fits)} versions that begin with '{named[:64]}'",
            wanted=f"the first {SHORTEST} or more digits of one version's digest",
            remedy=f"There are: {listed}." if listed else "Freeze a source first.",
        )
    return fits[0]


def before(place: Place) -> Before | None:
    """The version that a new freeze of this source follows: the last one that the ledger tells of."""
    target = f"{place.dataset}/{place.source_name}"
    known = [one for one in versions(place.workspace) if one.evidence.target == target]
    if not known:
        return None
    last = max(known, key=lambda one: _last_booked(place, one))
    return Before(last.manifest, last.exclusions(), last.dynamics())


def changes(old: Version, new: Version) -> Dynamics:
    """From one version to another, whether they follow each other or not."""
    kept = new.dynamics()
    if kept.previous == old.digest:
        return kept
    return between(
        old.manifest, new.manifest, gone=new.exclusions(), refused=new.refused(), was_gone=old.exclusions()
    )


def _last_booked(place: Place, one: Version) -> int:
    return max(e.sequence for e in ledger.read(place.workspace.ledger) if e.evidence == one.evidence.digest)
