"""Invented patients: names that nobody bears, birth dates, and patient fields as recorders write them."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np

from medassay.formats.waveform.edf_fields import MONTHS

# "Phantom image" with the ten stems and twelve branches: no family of these names exists.
STEMS, BRANCHES = "甲乙丙丁戊己庚辛壬癸", "子丑寅卯辰巳午未申酉戌亥"
LATIN = ("Aleph", "Beth", "Gimel", "Daleth", "Zayin", "Heth", "Teth", "Yodh", "Kaph", "Lamedh")


@dataclass(frozen=True)
class Patient:
    """One invented patient."""

    number: int
    sex: str
    birthdate: datetime.date
    chinese: str
    latin: str

    def field(self, code: str, *, encoding: str) -> bytes:
        """The EDF+ patient field; Latin names in ASCII, Chinese ones in the recorder's own encoding."""
        name = self.latin if encoding == "ascii" else self.chinese
        return f"{code} {self.sex} {date_text(self.birthdate)} {name}".encode(encoding)


def patient(rng: np.random.Generator, number: int) -> Patient:
    """The patient of a number; the number makes the name unique, chance the rest."""
    birth = datetime.date(1944, 1, 1) + datetime.timedelta(days=int(rng.integers(0, 365 * 59)))
    return Patient(
        number=number,
        sex="F" if rng.random() < 0.5 else "M",
        birthdate=birth,
        chinese=f"幻影{STEMS[number % 10]}{BRANCHES[number // 10 % 12]}",
        latin=f"Phantomine_{LATIN[number % 10]}{LATIN[number // 10 % 10].lower()}",
    )


def date_text(date: datetime.date) -> str:
    """A date as EDF+ writes it."""
    return f"{date.day:02d}-{MONTHS[date.month - 1]}-{date.year}"
