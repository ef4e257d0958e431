"""The allow-list of DICOM elements, and whether a value is one that an element may have."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

METHOD = "medassay allow-list, DICOM PS3.15 2024e Basic Profile"
CODES = (
    ("113100", "Basic Application Confidentiality Profile"),
    ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    ("113108", "Retain Patient Characteristics Option"),
)
UID_ROOT = "2.25."
STANDARD_ROOT = "1.2.840.10008."
OLDEST_STATED = 89  # years; an older age is one of very few people's

SUBJECT = re.compile(r"[A-Za-z]+-[0-9a-f]{8,64}")
PRODUCT = re.compile(r"[A-Za-z0-9 ._/+()-]{0,64}")
STRUCTURE = re.compile(r"[a-z][a-z0-9 _-]{0,63}")
AGE = re.compile(r"(\d{3})([DWMY])")
DATE = re.compile(r"(\d{8})?")


@dataclass(frozen=True)
class Rule:
    """What is done with one element."""

    tag: int
    keyword: str
    action: str
    allowed: str

    @property
    def element(self) -> str:
        return f"({self.tag >> 16:04X},{self.tag & 0xFFFF:04X}) {self.keyword}"

    def permits(self, value: str | float) -> bool:
        """Whether one component of a `keep` or `filter` element is among the allowed ones."""
        if ".." in self.allowed:
            low, high = self.allowed.split("..")
            try:
                return float(low) <= float(value) <= float(high)
            except (TypeError, ValueError):
                return False
        return str(value).strip() in self.allowed.split("|")

    @property
    def fallback(self) -> str:
        return "OTHER" if self.action == "filter" else ""


@cache
def rules() -> dict[int, Rule]:
    """The table, by tag."""
    text = files(__package__).joinpath("ps3_15.csv").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {
        int(row["tag"].replace(",", ""), 16): Rule(
            int(row["tag"].replace(",", ""), 16), row["keyword"], row["action"], row["allowed"]
        )
        for row in csv.DictReader(lines)
    }


def stated_age(age: str) -> str | None:
    """An age as it may be stated: over 89 years all are 90; None where it is no age."""
    match = AGE.fullmatch(age.strip())
    if match is None:
        return None
    return "090Y" if match[2] == "Y" and int(match[1]) > OLDEST_STATED else age.strip()


def age_years(age: str) -> float | None:
    """Years of a DICOM age string."""
    match = AGE.fullmatch(age.strip())
    if match is None:
        return None
    return int(match[1]) * {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}[match[2]]


def tells(text: str, identity: Sequence[str]) -> bool:
    """Whether a kept text holds a part of a name or number that names the person or a member of staff."""
    folded = text.casefold()
    words = set(re.split(r"[^\w]+", folded))
    joined = re.sub(r"[^\w]+", "", folded)
    return any(
        word in words or ((len(word) >= 4 or not word.isascii()) and word in joined) for word in identity
    )
