"""The roll of one source: every draft under its pseudonyms, numbered in the order of sample ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import overload

from medassay.datasets import persons
from medassay.datasets.identity import date_shift_days, pseudonym
from medassay.datasets.sample import Draft, Names, OfferedFile
from medassay.datasets.spec import Source
from medassay.datasets.take import Named


@dataclass
class Roll:
    """Columns of one length, a place a sample. A draft is let go of once its sample has been taken."""

    drafts: list[Draft | None]
    samples: list[str]
    subjects: list[str]
    sides: list[persons.Side | None]
    known: bytearray  # whether anything tells the person
    repeated: bytearray  # whether another draft has the same key
    key: bytes = field(repr=False)

    def __len__(self) -> int:
        return len(self.samples)

    def waiting(self) -> list[Draft]:
        """The drafts that have not been taken yet; before the first, all of them in order."""
        return [draft for draft in self.drafts if draft is not None]

    def named(self, number: int) -> Named:
        """The draft of this number with its pseudonyms."""
        draft, subject = self.drafts[number], self.subjects[number]
        if draft is None:
            raise LookupError(f"draft {number} was let go of")
        names = Names(self.samples[number], subject, date_shift_days(self.key, subject), self.key)
        return Named(draft, names, bool(self.known[number]), self.sides[number], bool(self.repeated[number]))

    def files(self, number: int) -> list[OfferedFile]:
        """The files of the draft of this number; none when it was let go of."""
        draft = self.drafts[number]
        return [item for _, item in draft.files] if draft else []

    def let_go(self, number: int) -> None:
        """The sample has been taken: its draft is not asked for again."""
        self.drafts[number] = None


@dataclass(frozen=True)
class Part(Sequence[Named]):
    """Some of a roll, by their numbers; a draft gets its names when it is asked for."""

    roll: Roll
    numbers: Sequence[int]

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, place: int) -> Named: ...
    @overload
    def __getitem__(self, place: slice) -> Part: ...
    def __getitem__(self, place: int | slice) -> Named | Part:
        if isinstance(place, slice):
            return Part(self.roll, self.numbers[place])
        return self.roll.named(self.numbers[place])

    def __iter__(self) -> Iterator[Named]:
        return map(self.roll.named, self.numbers)


def enrolled(stem: str, source: Source, drafts: Sequence[Draft], key: bytes) -> Roll:
    """Name every draft of a source.

    Parameters
    ----------
    stem : str
        Name of the database; a sample's id is of its source in this database.
    key : bytes
        Pseudonym key.
    """
    drafts = sorted(drafts, key=lambda draft: (draft.key, [item.relative for _, item in draft.files]))
    people, sides = persons.persons_of(drafts, source), persons.sides_of(drafts, source)
    seen: Counter[str] = Counter()
    samples, subjects, repeated = [], [], bytearray()
    of_person: dict[str, str] = {}
    for draft, person in zip(drafts, people, strict=True):
        seen[draft.key] += 1
        again = f"\x00{seen[draft.key]}" if seen[draft.key] > 1 else ""
        sample = pseudonym(key, "R", f"{stem}\x00{source.name}\x00{draft.key}{again}")
        if person is None:
            subject = pseudonym(key, "S", f"\x00{sample}")
        elif (subject := of_person.get(person, "")) == "":
            subject = of_person[person] = pseudonym(key, "S", person)
        samples.append(sample)
        subjects.append(subject)
        repeated.append(bool(again))
    order = sorted(range(len(drafts)), key=samples.__getitem__)
    return Roll(
        [drafts[place] for place in order],
        [samples[place] for place in order],
        [subjects[place] for place in order],
        [sides[place] for place in order],
        bytearray(people[place] is not None for place in order),
        bytearray(repeated[place] for place in order),
        key,
    )
