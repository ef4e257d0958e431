"""Whose each draft is: tokens joined over the whole source, outside knowledge of one person, two ids noted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Literal

from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity
from medassay.datasets.deidentify.facts import universal_tokens
from medassay.datasets.identity import joined_persons
from medassay.datasets.sample import Draft
from medassay.datasets.spec import Source

Side = Literal["train_tune", "test"]


def names_of(draft: Draft) -> frozenset[str]:
    """What a spec may call this draft: its key, the part of the key after its last slash, and its ids.

    An id is the rest of a person token `id:<name>`.
    """
    ids = (token[3:] for token in draft.person_tokens if token.startswith("id:"))
    return frozenset((draft.key, draft.key.rpartition("/")[2], *ids))


def persons_of(drafts: Sequence[Draft], source: Source) -> list[str | None]:
    """The person of each draft, in order; None where nothing tells it."""
    groups = _groups(source)
    return joined_persons(_tokens(draft, groups) for draft in drafts)


def sides_of(drafts: Sequence[Draft], source: Source) -> list[Side | None]:
    """The side of each draft in the source's published division, in order; None: listed on neither.

    Raises
    ------
    WrongUse
        When a draft is listed on both sides.
    """
    listed: dict[str, set[Side]] = {}
    for side, names in (source.division or {}).items():
        for name in names:
            listed.setdefault(name, set()).add(side)
    return [_side(draft, listed) for draft in drafts] if listed else [None] * len(drafts)


def unmatched(drafts: Sequence[Draft], source: Source) -> list[Finding]:
    """Ids that the spec lists and no draft has: the declared division or group cannot be kept in full."""
    listed = {
        "division": [name for names in (source.division or {}).values() for name in names],
        "same_person": [name for group in source.same_person for name in group],
    }
    wanted = {name for names in listed.values() for name in names}
    there = {name for draft in drafts for name in names_of(draft) & wanted} if wanted else set()
    absent = {field: sum(name not in there for name in names) for field, names in listed.items()}
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
    groups, found = _groups(source), []
    by_subject = sorted(range(len(drafts)), key=subjects.__getitem__)  # a subject's samples stand together
    for subject, numbers in groupby(by_subject, key=subjects.__getitem__):
        members = list(numbers)
        if len(members) == 1:
            continue
        sets = {frozenset(_tokens(drafts[number], groups)) for number in members}
        if all(one <= other or other <= one for one in sets for other in sets):
            continue
        named = sorted(samples[number] for number in members)
        found.append(
            Finding(
                reason=Reason.SAME_SUBJECT,
                severity=Severity.NOTE,
                found=f"subject {subject} under several ids, in {len(named)} samples: "
                + ", ".join(named[:8]),
                wanted="one id a person",
                remedy="Nothing: they are held as one subject and never divided.",
                sample=named[0],
            )
        )
    return found


def _groups(source: Source) -> dict[str, list[str]]:
    """The token of each declared group of one person, by the names that the spec lists in it."""
    tokens: dict[str, list[str]] = {}
    for group in source.same_person:
        for name in group:
            tokens.setdefault(name, []).append(f"same_person:{source.name}:{'|'.join(sorted(group))}")
    return tokens


def _tokens(draft: Draft, groups: Mapping[str, Sequence[str]]) -> set[str]:
    tokens = {same for token in draft.person_tokens for same in universal_tokens(token)}
    if groups:
        tokens.update(token for name in names_of(draft) for token in groups.get(name, ()))
    return tokens


def _side(draft: Draft, listed: Mapping[str, set[Side]]) -> Side | None:
    sides = {side for name in names_of(draft) for side in listed.get(name, ())}
    if len(sides) > 1:
        raise WrongUse(
            found="a sample that is listed on both sides of the division",
            wanted="each id on one side",
            remedy="Correct `division` in the spec.",
        )
    return next(iter(sides), None)
