"""The patient and recording fields of an EDF header: who, when, with what. All that is read here may identify.

EDF+ writes "code sex birthdate name" and "Startdate date admin technician equipment", in ASCII, "X" for what is
not told. Recorders sold in China write names in GBK or GB18030 without saying so.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass, field
from typing import Literal

from medassay.formats.waveform.edf_fields import edfplus_date

UNTOLD = "X"
ENCODINGS = ("ascii", "utf-8", "gb18030", "latin-1")  # the last one takes any byte


@dataclass(frozen=True)
class Person:
    """What the patient field tells; None is "not told"."""

    code: str | None = field(default=None, repr=False)
    sex: Literal["F", "M"] | None = None
    birthdate: datetime.date | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)
    encoding: str = "ascii"
    structured: bool = True  # keeps to the EDF+ form; free text tells nobody for certain


def person_of(patient: bytes) -> Person:
    """Read the patient field; free text outside the EDF+ form gives no person, only its encoding."""
    encoding = _encoding(patient)
    parts = [part.decode(encoding) for part in patient.split(b" ") if part]
    if not parts:
        return Person()
    if len(parts) < 4 or parts[1] not in ("F", "M", UNTOLD):
        return Person(encoding=encoding, structured=False)
    code, sex, birth, name = parts[:4]
    return Person(
        code=_told(code),
        sex="F" if sex == "F" else "M" if sex == "M" else None,
        birthdate=edfplus_date(birth.encode("ascii", "replace")),
        name=_told(re.sub(r"[_\s]+", " ", name).strip().upper()),
        encoding=encoding,
    )


def equipment_of(recording: bytes) -> str | None:
    """The equipment subfield of an EDF+ recording field."""
    parts = recording.decode(_encoding(recording)).split(" ")
    return _told(parts[4]) if len(parts) >= 5 and parts[0] == "Startdate" else None


def _encoding(text: bytes) -> str:
    for encoding in ENCODINGS:
        try:
            text.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    return ENCODINGS[-1]


def _told(text: str) -> str | None:
    return None if text in ("", UNTOLD) else text
