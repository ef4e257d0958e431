"""Equal content under several ids: the first sample stays, its copies are refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from medassay.core.findings import Finding, Reason, Severity


def copies(fingerprints: Mapping[str, str]) -> dict[str, str]:
    """Which samples are copies, and of which sample.

    Parameters
    ----------
    fingerprints : mapping
        Sample id to fingerprint of its decoded content; an empty one says nothing and is never equal.

    Returns
    -------
    dict
        Copy to the sample that stays: of equal content, the one with the smallest id.
    """
    first: dict[str, str] = {}
    found: dict[str, str] = {}
    for sample in sorted(fingerprints):
        fingerprint = fingerprints[sample]
        if fingerprint and first.setdefault(fingerprint, sample) != sample:
            found[sample] = first[fingerprint]
    return found


def findings(found: Mapping[str, str], subjects: Mapping[str, str]) -> Iterable[Finding]:
    """One finding a copy; whether both stand under one person is said, since it may be a mix-up of people."""
    for copy, kept in sorted(found.items()):
        under = "the same subject" if subjects[copy] == subjects[kept] else "another subject"
        yield Finding(
            reason=Reason.DUPLICATE,
            severity=Severity.REFUSE,
            found=f"the same decoded content as sample {kept}, which stands under {under}",
            wanted="content that is offered once",
            remedy="Find out at the source which of the two ids is right; the copy was left out.",
            sample=copy,
        )
