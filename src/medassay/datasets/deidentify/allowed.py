"""The allow-list of DICOM elements, and whether a value is one that an element may have."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from medassay.datasets.deidentify import vocabulary
from medassay.datasets.deidentify.codes import are_codes as are_codes
from medassay.datasets.deidentify.codes import is_code as is_code
from medassay.datasets.deidentify.products import is_product as is_product
from medassay.datasets.deidentify.profile import Profile

METHOD = "medassay allow-list, DICOM PS3.15 2024e Basic Profile"
EDITION = "DICOM PS3.15 2024e, Annex E"
UID_ROOT = "2.25."
STANDARD_ROOT = "1.2.840.10008."
OLDEST_STATED = 89  # years; an older age is one of very few people's

SUBJECT = re.compile(r"[A-Za-z]+-[0-9a-f]{8,64}")
STRUCTURE = re.compile(r"[a-z][a-z0-9 _-]{0,63}")
TERM = re.compile(r"[A-Z0-9_ .+-]{0,16}")
AGE = re.compile(r"(\d{3})([DWMY])")
DATE = re.compile(r"(\d{8})?")
_CLOCK = r"([01]\d|2[0-3])([0-5]\d(([0-5]\d|60)(\.\d{1,6})?)?)?"
TIME = re.compile(rf"({_CLOCK})?")
DATETIME = re.compile(
    rf"(\d{{4}}((0[1-9]|1[0-2])((0[1-9]|[12]\d|3[01])({_CLOCK})?)?)?([+-](0\d|1[0-4])[0-5]\d)?)?"
)
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
# Dose and half-life of a radionuclide, in becquerels and seconds: nine digits are what they have.
LONG_BY_NATURE = (0x00181074, 0x00181075)
STANDARD_UID = re.compile(r"1\.2\.840\.10008(\.\d{1,5}){1,12}")
LEAST = 1e-30  # nearer to zero nothing is measured: digits in place of a floating point number are
DAY = re.compile(r"(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")
MOST_DIGITS = 8  # of a whole number that is a measurement: a longer one has the form of somebody's number


@dataclass(frozen=True)
class Rule:
    """What is done with one element."""

    tag: int
    keyword: str
    vr: str
    action: str
    allowed: str
    basic: str  # action of the Basic Profile; "-": it names no such element
    option: str  # under which the element stands nevertheless
    families: frozenset[str]  # of IODs that it may stand in; empty: all
    multiplicity: str = "1-n"  # of values, as PS3.6 prints it

    @property
    def element(self) -> str:
        return f"({self.tag >> 16:04X},{self.tag & 0xFFFF:04X}) {self.keyword}"

    def under(self, profile: Profile) -> str:
        """The action when only the options of `profile` are taken."""
        if self.option and self.option not in profile.options:
            return "empty" if self.basic.startswith("Z") and self.vr != "SQ" else "remove"
        return self.action

    def permits(self, value: str | float) -> bool:
        """Whether one component of a `keep` or `filter` element is among the allowed ones."""
        if self.action == "filter":
            return is_term(str(value))
        if ".." in self.allowed:
            if self.vr == "CS" and not str(value).strip().isdigit():
                return False  # a number that is a code
            return in_range(self.allowed, value) and (self.tag in LONG_BY_NATURE or not is_long_number(value))
        return str(value).strip() in self.allowed.split("|")

    def counts(self, values: int) -> bool:
        """Whether the element may have so many values: those that are more than it has are something else."""
        most = self.multiplicity.rpartition("-")[2]
        return most.endswith("n") or values <= int(most)

    @property
    def fallback(self) -> str:
        return "OTHER" if self.action == "filter" else ""


@dataclass(frozen=True)
class SafePrivate:
    """A private element that names nobody."""

    vr: str
    meaning: str
    allowed: str
    most: int  # values

    def permits(self, values: Sequence[str | float]) -> bool:
        """Whether all are numbers of its range, no longer and no more than it has."""
        ranges = self.allowed.split("|")
        return 0 < len(values) <= self.most and all(
            any(in_range(one, value) and (len(ranges) > 1 or not is_long_number(value)) for one in ranges)
            for value in values
        )


@cache
def rules() -> dict[int, Rule]:
    """The table, by tag."""
    return {
        int(row["tag"].replace(",", ""), 16): Rule(
            int(row["tag"].replace(",", ""), 16),
            row["keyword"],
            row["vr"],
            row["action"],
            row["allowed"],
            row["profile"],
            row["option"],
            frozenset() if row["families"] == "*" else frozenset(row["families"].split("|")),
            row["vm"],
        )
        for row in _rows("ps3_15.csv")
    }


@cache
def rules_of(family: str) -> dict[int, Rule]:
    """The part of the table that holds for one family of IODs."""
    return {tag: rule for tag, rule in rules().items() if not rule.families or family in rule.families}


@cache
def _classes() -> dict[str, str]:
    return {row["sop_class"]: row["family"] for row in _rows("sop_classes.csv")}


def family_of(sop_class: str) -> str | None:
    """CT, MR, XR, ... of a storage class; None where it is none that is read."""
    return _classes().get(sop_class.strip())


@cache
def safe_private() -> dict[tuple[str, int, int], SafePrivate]:
    """Creator, group and last two digits of the element to the element."""
    return {
        (row["creator"], int(row["group"], 16), int(row["element"], 16)): SafePrivate(
            row["vr"], row["meaning"], row["allowed"], int(row["most"])
        )
        for row in _rows("safe_private.csv")
    }


@cache
def _bounds(allowed: str) -> tuple[float, float]:
    low, high = allowed.split("..")
    return float(low), float(high)


def in_range(allowed: str, value: str | float) -> bool:
    """Whether a value is a number, written as numbers are, between `low..high`."""
    if isinstance(value, str) and not NUMBER.fullmatch(value.strip()):
        return False
    low, high = _bounds(allowed)
    try:
        number = float(value)
    except (TypeError, ValueError):
        return False
    return low <= number <= high and (number == 0 or abs(number) >= LEAST)


def is_long_number(value: str | float) -> bool:
    """Whether a number is whole and has the form of an identifier or a day, not of a measurement.

    A power of ten tells a measurement, as no identifier is written with one.

    Examples
    --------
    >>> [is_long_number(one) for one in ("8301234501", "0000123456", "830123450.0", 123456789.0, "19560302")]
    [True, True, True, True, True]
    >>> [is_long_number(one) for one in ("12345678", "123456789.5", "1.2E+09", "-3.25", 0.1)]
    [False, False, False, False, False]
    """
    text = value.strip() if isinstance(value, str) else format(value, ".17g")
    whole, _, behind = text.lstrip("+-").partition(".")
    telling = whole.isdigit() and (len(whole) > MOST_DIGITS or DAY.fullmatch(whole) is not None)
    return telling and not behind.strip("0")


def plain_index(text: str, allowed: str) -> str:
    """A number of an instance as it may stand, without zeros before it; empty where it is none.

    Examples
    --------
    >>> plain_index("000000056675", "0..1e6"), plain_index(" 7 ", "0..1e6"), plain_index("8301234501", "0..1e6")
    ('56675', '7', '')
    """
    text = text.strip().removeprefix("+")
    return str(int(text)) if text.isascii() and text.isdigit() and in_range(allowed, text) else ""


def is_pointer(tag: int) -> bool:
    """Whether a tag that a value points at is one of the table: what else it may be is not known."""
    return tag in rules()


def is_term(text: str) -> bool:
    """Whether a coded string is made of words that name nobody."""
    text = text.strip()
    return bool(TERM.fullmatch(text)) and vocabulary.is_known(text)


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


def _rows(name: str) -> list[dict[str, str]]:
    text = files(__package__).joinpath(name).read_text("utf-8")
    return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
