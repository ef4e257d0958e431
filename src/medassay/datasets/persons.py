"""Whose each draft is: tokens joined over the whole source, outside knowledge of one person, two ids noted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity
from medassay.datasets.deidentify.facts import universal_tokens
from medassay.datasets.identity import joined_persons
from medassay.datasets.sample import Draft
from medassay.datasets.spec import Source

Side = Literal["train_tune", "test"]


def is_named(draft: Draft, name: str) -> bool:
    """Whether an id that a spec lists means this draft.

    It does when it is the draft's key, or the part of the key after its last slash, or when the draft has the
    person token `id:<name>`.
    """
    return draft.key == name or draft.key.rpartition("/")[2] == name or f"id:{name}" in draft.person_tokens


def persons_of(drafts: Sequence[Draft], source: Source) -> list[str | None]:
    """The person of each draft, in order; None where nothing tells it."""
    return joined_persons([_tokens(draft, source) for draft in drafts])


def sides_of(drafts: Sequence[Draft], source: Source) -> list[Side | None]:
    """The side of each draft in the source's published division, in order; None: listed on neither.

    Raises
    ------
    WrongUse
        When a draft is listed on both sides.
    """
    return [_side(draft, source.division or {}) for draft in drafts]


def unmatched(drafts: Sequence[Draft], source: Source) -> list[Finding]:
    """Ids that the spec lists and no draft has: the declared division or group cannot be kept in full."""
    listed = {
        "division": [name for names in (source.division or {}).values() for name in names],
        "same_person": [name for group in source.same_person for name in group],
    }
    absent = {
        field: sum(not any(is_named(draft, name) for draft in drafts) for name in names)
        for field, names in listed.items()
    }
    return [
        Finding(
            reason=Reason.IMAGE_MISSING,
            severity=Severity.NOTE,
            found=f"{count} of {len(listed[field])} ids in '{field}' that no file of the source has",
            wanted="a file for every listed id",
            remedy="Complete the source's folder, or accept that these samples are absent.",
        )
        for field, count in absent.items()
        if count
    ]


def under_several_ids(
    drafts: Sequence[Draft], source: Source, samples: Sequence[str], subjects: Sequence[str]
) -> list[Finding]:
    """One note a subject whose samples came under identities of which neither contains the other."""
    tokens: dict[str, set[frozenset[str]]] = {}
    members: dict[str, list[str]] = {}
    for draft, sample, subject in zip(drafts, samples, subjects, strict=True):
        tokens.setdefault(subject, set()).add(frozenset(_tokens(draft, source)))
        members.setdefault(subject, []).append(sample)
    return [
        Finding(
            reason=Reason.SAME_SUBJECT,
            severity=Severity.NOTE,
            found=f"subject {subject} under several ids, in {len(members[subject])} samples: "
            + ", ".join(sorted(members[subject])[:8]),
            wanted="one id a person",
            remedy="Nothing: they are held as one subject and never divided.",
            sample=min(members[subject]),
        )
        for subject, sets in sorted(tokens.items())
        if any(not (one <= other or other <= one) for one in sets for other in sets)
    ]


def _tokens(draft: Draft, source: Source) -> set[str]:
    groups = {
        f"same_person:{source.name}:{'|'.join(sorted(group))}"
        for group in source.same_person
        if any(is_named(draft, name) for name in group)
    }
    return {same for token in draft.person_tokens for same in universal_tokens(token)} | groups


def _side(draft: Draft, division: Mapping[Side, Sequence[str]]) -> Side | None:
    sides: list[Side] = [
        side for side, names in division.items() if any(is_named(draft, name) for name in names)
    ]
    if len(sides) > 1:
        raise WrongUse(
            found="a sample that is listed on both sides of the division",
            wanted="each id on one side",
            remedy="Correct `division` in the spec.",
        )
    return sides[0] if sides else None
