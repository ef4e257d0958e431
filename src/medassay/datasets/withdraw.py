"""A subject who withdraws: its bytes are erased, its lines in old versions stay and say so.

1. The rows of the subject in every manifest of the store give the digests.
2. Bytes that another subject has too (an empty label, a copy) stay: they are not this subject's alone, and are
   told.
3. The store marks each object, then its bytes go: killed in between, a rerun ends the same.

A manifest lists digests, so its own digest, the dataset version, is as it was; `checked` tells bytes that are
there, withdrawn, missing and altered apart. Erasing is unlinking: blocks of the disk, snapshots and backups are
for their keepers to clear.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from medassay.core.canonical import digest_bytes
from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity
from medassay.datasets.manifest import Manifest
from medassay.datasets.store import ObjectStore


@dataclass(frozen=True)
class Erased:
    """What a withdrawal did. Holds no name: the subject is a pseudonym."""

    subject: str
    erased: tuple[str, ...]  # digests
    shared: tuple[str, ...]  # digests that other subjects have too: kept
    versions: tuple[str, ...]  # manifests that list the subject


@dataclass(frozen=True)
class HeldObjects:
    """The objects of one manifest, told apart."""

    present: int
    withdrawn: int
    findings: tuple[Finding, ...]  # of bytes that are missing or altered without a withdrawal

    @property
    def holds(self) -> bool:
        """Whether every byte is there, or gone by a withdrawal."""
        return not self.findings


def erase(
    store: ObjectStore,
    manifests: Iterable[Manifest],
    subject: str,
    *,
    catalogued: Iterable[tuple[str, str]] = (),
) -> Erased:
    """Erase the bytes of one subject; the caller holds the store's lock.

    Parameters
    ----------
    manifests : iterable of Manifest
        Every version in the store: bytes that any other subject of theirs needs are kept.
    catalogued : iterable of (subject, digest)
        Objects that ingest listed besides: single reads, and samples that never came into a version.

    Raises
    ------
    WrongUse
        When neither a version nor the catalogue lists the subject.
    """
    versions = list(manifests)
    listed = {(row.subject, row.digest) for one in versions for row in one.rows} | set(catalogued)
    own = {digest for whose, digest in listed if whose == subject}
    if not own:
        raise WrongUse(
            found="a subject that no version lists",
            wanted="the pseudonym of a subject, as manifests have it",
            remedy="Look the subject up in the manifest of the version that it is said to be in.",
        )
    others = {digest for whose, digest in listed if whose != subject}
    for digest in sorted(own - others):
        store.erase(digest, subject)
    listing = tuple(sorted(one.digest for one in versions if subject in one.subjects()))
    return Erased(subject, tuple(sorted(own - others)), tuple(sorted(own & others)), listing)


def checked(store: ObjectStore, manifest: Manifest) -> HeldObjects:
    """Recompute every object that a manifest lists."""
    present = withdrawn = 0
    findings = []
    for row in manifest.rows:
        _, content = store.read(row.digest)
        if content is not None and digest_bytes(content) == row.digest:
            present += 1
        elif content is None and store.is_withdrawn(row.digest):
            withdrawn += 1
        else:
            findings.append(_lost(row.sample, row.role, altered=content is not None))
    return HeldObjects(present, withdrawn, tuple(findings))


def _lost(sample: str, role: str, *, altered: bool) -> Finding:
    return Finding(
        reason=Reason.HEADER_INVALID if altered else Reason.IMAGE_MISSING,
        severity=Severity.REFUSE,
        found="altered bytes" if altered else "no bytes, and no withdrawal that says why",
        wanted="the object that the manifest lists",
        remedy="Restore the object from a copy, or ingest its source again.",
        sample=sample,
        where=f"object of role {role}",
    )
