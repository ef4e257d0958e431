"""Train, tune and test: no person on two sides, shares kept within strata, drawn from one recorded seed."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from medassay.core.findings import Reason
from medassay.datasets.cohort import column, meets, text_of
from medassay.datasets.spec import Split

Part = Literal["train", "tune", "test"]
PARTS: tuple[Part, ...] = ("train", "tune", "test")
TRAINING: tuple[Part, ...] = ("train", "tune")


@dataclass(frozen=True)
class Divided:
    """The part of each sample, and the samples that a published division left out."""

    parts: dict[str, Part]
    exclusions: tuple[dict[str, str], ...]

    @property
    def empty(self) -> list[Part]:
        """Parts that nobody is in."""
        return [part for part in PARTS if part not in self.parts.values()]


def divide(
    split: Split,
    facts: Mapping[str, Mapping[str, Any]],
    *,
    published: bool,
    groups: Mapping[str, str] | None = None,
    placed: Mapping[str, Part] | None = None,
) -> Divided:
    """Give every sample a part; all samples of a person are in one.

    Parameters
    ----------
    facts : mapping
        Sample id to its columns: `subject_id`, `division`, and those that the split stratifies by.
    published : bool
        Keep to the sides of a published division. The subject rule stands above it: of a person on both sides
        the test samples stay and the others are left out. Samples on neither side are left out too. Train and
        tune share out the training side by seed. What the split holds out is divided in the same way.
    groups : mapping, optional
        Subject to the group that it may not be parted from, where two subjects may be one person.
    placed : mapping, optional
        Subject to the part that it has from an earlier version, for a split that keeps places; of a group whose
        people had several, all go to test.
    """
    kept: dict[str, Part] = {}
    for subject, part in (placed or {}).items() if split.keep_places else ():
        name = (groups or {}).get(subject, subject)
        kept[name] = part if kept.get(name, part) == part else "test"
    held = {
        sample: {**row, "subject_id": (groups or {}).get(row["subject_id"], row["subject_id"])}
        for sample, row in facts.items()
    }
    if published:
        return _by_sides(
            split, held, {s: row["division"] for s, row in held.items()}, "division", "unlisted", kept
        )
    if split.hold_out:
        return _by_sides(split, held, _held_out(split, held), "hold_out", "not_stated", kept)
    return Divided(_by_seed(split, held, PARTS, kept), ())


def _held_out(split: Split, facts: Mapping[str, Mapping[str, Any]]) -> dict[str, str | None]:
    """The side of each sample: test where it meets a condition; none where a fact is not stated and none is met."""
    sides: dict[str, str | None] = {}
    for sample, row in facts.items():
        values = [(one, column(one.column, row, asked_by="split.hold_out")) for one in split.hold_out]
        stated = [(one, value) for one, value in values if value is not None]
        if any(meets(one, value, asked_by="split.hold_out") for one, value in stated):
            sides[sample] = "test"
        else:
            sides[sample] = "train_tune" if len(stated) == len(values) else None
    return sides


def _by_sides(
    split: Split,
    facts: Mapping[str, Mapping[str, Any]],
    sides: Mapping[str, str | None],
    why: str,
    on_neither: str,
    kept: Mapping[str, Part],
) -> Divided:
    tested = {row["subject_id"] for sample, row in facts.items() if sides[sample] == "test"}
    exclusions, training = [], {}
    parts: dict[str, Part] = {}
    for sample, row in sorted(facts.items()):
        if sides[sample] == "test":
            parts[sample] = "test"
        elif sides[sample] is None:
            exclusions.append(_exclusion(sample, f"{why}:{on_neither}", Reason.OUTSIDE_COHORT))
        elif row["subject_id"] in tested:
            exclusions.append(_exclusion(sample, f"{why}:subject_in_test", Reason.SAME_SUBJECT))
        else:
            training[sample] = row
    return Divided(parts | _by_seed(split, training, TRAINING, kept), tuple(exclusions))


def _by_seed(
    split: Split, facts: Mapping[str, Mapping[str, Any]], names: Sequence[Part], kept: Mapping[str, Part]
) -> dict[str, Part]:
    """Deal subjects, stratum after stratum in seeded order, each to the part that lacks most samples."""
    weights = Counter(row["subject_id"] for row in facts.values())
    strata = _strata(split.stratify, facts)
    order = sorted(weights, key=lambda subject: (strata[subject], _lot(split.seed, subject)))
    shares: dict[Part, float] = {name: getattr(split, name) for name in names}
    total = sum(shares.values())
    held: Counter[Part] = Counter()
    dealt: dict[str, Part] = {s: kept[s] for s in order if kept.get(s) in names}
    for subject, part in dealt.items():
        held[part] += weights[subject]
    for subject in (one for one in order if one not in dealt):
        due = held.total() + weights[subject]
        part = max(names, key=lambda name: shares[name] / total * due - held[name])
        dealt[subject] = part
        held[part] += weights[subject]
    _leave_none_empty(dealt, names)
    return {sample: dealt[row["subject_id"]] for sample, row in facts.items()}


def _leave_none_empty(dealt: dict[str, Part], names: Sequence[Part]) -> None:
    """With few people rounding may leave a part without any: it gets the last one of the fullest part."""
    for name in names:
        sizes = Counter(dealt.values())
        if name not in sizes and len(dealt) >= len(names):
            fullest = max(names, key=lambda other: sizes[other])
            dealt[[subject for subject, part in dealt.items() if part == fullest][-1]] = name


def _strata(columns: Sequence[str], facts: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """The stratum of each subject; a subject whose samples differ in a column is of all their values."""
    values: dict[str, list[set[str]]] = {}
    for row in facts.values():
        of_subject = values.setdefault(row["subject_id"], [set() for _ in columns])
        for found, name in zip(of_subject, columns, strict=True):
            value = column(name, row, asked_by="split.stratify")
            found.add("" if value is None else text_of(value))
    return {subject: tuple("+".join(sorted(found)) for found in sets) for subject, sets in values.items()}


def _lot(seed: int, subject: str) -> bytes:
    """A place in the draw that depends on seed and subject alone, not on who else is there."""
    return hashlib.sha256(f"{seed}|{subject}".encode()).digest()


def _exclusion(sample: str, check: str, reason: Reason) -> dict[str, str]:
    return {"sample_id": sample, "stage": "freeze", "check": check, "reason": reason.value}
