"""The allow-list of DICOM elements, and whether a value is one that an element may have."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from medassay.datasets.deidentify import vocabulary
from medassay.datasets.deidentify.profile import Profile

METHOD = "medassay allow-list, DICOM PS3.15 2024e Basic Profile"
EDITION = "DICOM PS3.15 2024e, Annex E"
UID_ROOT = "2.25."
STANDARD_ROOT = "1.2.840.10008."
OLDEST_STATED = 89  # years; an older age is one of very few people's

SUBJECT = re.compile(r"[A-Za-z]+-[0-9a-f]{8,64}")
PRODUCT = re.compile(r"[A-Za-z0-9 ._/+(),:*&-]{0,64}")
STRUCTURE = re.compile(r"[a-z][a-z0-9 _-]{0,63}")
TERM = re.compile(r"[A-Z0-9_ .+-]{0,16}")
AGE = re.compile(r"(\d{3})([DWMY])")
DATE = re.compile(r"(\d{8})?")
TIME = re.compile(r"(\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?)?")
DATETIME = re.compile(r"(\d{4}(\d{2}(\d{2}(\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?)?)?)?([+-]\d{4})?)?")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
# NumericValue, FloatingPointValue, RescaleIntercept: their ranges are so wide that an identifier fits. The dose of a
# radionuclide is not among them: it is in becquerels, so that nine digits are what it has.
MEASURED = (0x0040A30A, 0x0040A161, 0x00281052)
STANDARD_UID = re.compile(r"1\.2\.840\.10008(\.\d{1,5}){1,12}")
GROUPED = re.compile(  # telephones, cards, days
    r"\d{3,5}[ ()_/-]{1,2}\d{3,5}(?!\d)|\d{3,5}\.\d{4,5}(?!\d)|\d{4}[ ()-]\d{2}[ ()-]\d{2}"
)
SHORT_WORD = 3
MOST_DIGITS = 8  # of a whole number that is a measurement: a longer one has the form of somebody's number
NUMBERED = re.compile(r"\d{6,}")  # so many digits on end are a number of somebody, not of a product

# Coding schemes of PS3.16 whose codes are checked by their form; others may be a hospital's own.
SCHEMES: Mapping[str, re.Pattern[str]] = {
    "DCM": re.compile(r"1\d{5}|[A-Z][A-Z0-9_.]{0,7}"),
    "SCT": re.compile(r"[1-9]\d{5,17}"),
    "SRT": re.compile(r"[A-Z]{1,2}-[0-9A-F]{4,5}"),
    "SNM3": re.compile(r"[A-Z]{1,2}-[0-9A-F]{4,5}"),
    "99SDM": re.compile(r"[A-Z]{1,2}-[0-9A-F]{4,5}"),
    "LN": re.compile(r"\d{1,6}-\d"),
    "FMA": re.compile(r"\d{1,6}"),
    "RADLEX": re.compile(r"RID\d{1,6}"),
    "UMLS": re.compile(r"C\d{7}"),
    "NCIt": re.compile(r"C\d{1,6}"),
    "UCUM": re.compile(
        r"(?:(?:[kcmunpMGd]?(?:m|g|s|L|l|V|A|Hz|Bq|Sv|Gy|Pa|W|J|mol|eq|h|min|d|wk|mo|a|deg|rad|K|Cel|%|1|10\*\d+)"
        r"|mm\[Hg\]|cm\[H2O\]|\[hnsf'U\]|\{[a-zA-Z:]{1,12}\}|no units|dB|Ci|mCi|kVp|mAs)[0-9]?[./]?){1,4}"
    ),
}


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
            return in_range(self.allowed, value) and not (self.tag in MEASURED and is_long_number(value))
        return str(value).strip() in self.allowed.split("|")

    @property
    def fallback(self) -> str:
        return "OTHER" if self.action == "filter" else ""


@dataclass(frozen=True)
class SafePrivate:
    """A private element that names nobody."""

    vr: str
    meaning: str
    allowed: str


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
            row["vr"], row["meaning"], row["allowed"]
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
        return low <= float(value) <= high
    except (TypeError, ValueError):
        return False


def is_long_number(value: str | float) -> bool:
    """Whether a number is whole and so long that it has the form of an identifier, not of a measurement.

    A power of ten tells a measurement, as no identifier is written with one.

    Examples
    --------
    >>> [is_long_number(one) for one in ("8301234501", "0000123456", "830123450.0", 123456789.0)]
    [True, True, True, True]
    >>> [is_long_number(one) for one in ("12345678", "123456789.5", "1.2E+09", "-3.25", 0.1)]
    [False, False, False, False, False]
    """
    text = value.strip() if isinstance(value, str) else format(value, ".17g")
    whole, _, behind = text.lstrip("+-").partition(".")
    return whole.isdigit() and len(whole) > MOST_DIGITS and not behind.strip("0")


def plain_index(text: str, allowed: str) -> str:
    """A number of an instance as it may stand, without zeros before it; empty where it is none.

    Examples
    --------
    >>> plain_index("000000056675", "0..1e6"), plain_index(" 7 ", "0..1e6"), plain_index("8301234501", "0..1e6")
    ('56675', '7', '')
    """
    text = text.strip().removeprefix("+")
    return str(int(text)) if text.isascii() and text.isdigit() and in_range(allowed, text) else ""


def is_term(text: str) -> bool:
    """Whether a coded string is made of words that name nobody."""
    text = text.strip()
    return bool(TERM.fullmatch(text)) and vocabulary.is_known(text)


def is_product(text: str) -> bool:
    """Whether a maker's text has the form of one: words of makers, letters with numbers, versions; nothing else.

    Examples
    --------
    >>> [is_product(text) for text in ("SOMATOM Definition AS+", "syngo MR B17", "Br40d", "27.0.1")]
    [True, True, True, True]
    >>> [is_product(text) for text in ("Aynur Ehmet", "8679 3042", "(0571)8795-1234", "Dr Memet's CT")]
    [False, False, False, False]
    """
    if (
        not PRODUCT.fullmatch(text)
        or NUMBERED.search(text)
        or GROUPED.search(text)
        or vocabulary.TELLING.search(text)
    ):
        return False
    return all(_is_product_word(word) for word in re.findall(r"[A-Za-z0-9]+", text))


def _is_product_word(word: str) -> bool:
    """A known word, a short one, or one with a number in it (VA40A, B30s); camel case is looked at apart."""
    known = vocabulary.product_words()
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", word)
    return word.casefold() in known or all(
        len(part) <= SHORT_WORD or part.isdigit() or part.casefold() in known for part in parts
    )


def is_code(code: str, scheme: str) -> bool:
    """Whether a code has the form that its scheme gives to codes.

    Examples
    --------
    >>> is_code("80891009", "SCT"), is_code("80891008", "SCT"), is_code("ZHANG", "99HOSPITAL")
    (True, False, False)
    """
    form = SCHEMES.get(scheme.strip())
    if form is None or not form.fullmatch(code.strip()):
        return False
    return scheme.strip() != "SCT" or _verhoeff(code.strip())


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


_TIMES = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 3, 4, 0, 6, 7, 8, 9, 5), (2, 3, 4, 0, 1, 7, 8, 9, 5, 6),
    (3, 4, 0, 1, 2, 8, 9, 5, 6, 7), (4, 0, 1, 2, 3, 9, 5, 6, 7, 8), (5, 9, 8, 7, 6, 0, 4, 3, 2, 1),
    (6, 5, 9, 8, 7, 1, 0, 4, 3, 2), (7, 6, 5, 9, 8, 2, 1, 0, 4, 3), (8, 7, 6, 5, 9, 3, 2, 1, 0, 4),
    (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
)  # fmt: skip
_FIRST_TURN = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def _verhoeff(digits: str) -> bool:
    """The check digit of SNOMED CT identifiers (Verhoeff's dihedral code)."""
    turn: tuple[int, ...] = tuple(range(10))
    check = 0
    for digit in reversed(digits):
        check = _TIMES[check][turn[int(digit)]]
        turn = tuple(_FIRST_TURN[place] for place in turn)
    return check == 0


def _rows(name: str) -> list[dict[str, str]]:
    text = files(__package__).joinpath(name).read_text("utf-8")
    return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
