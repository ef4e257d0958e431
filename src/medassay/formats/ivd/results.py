"""One laboratory result, whatever form it came in: a number with its comparator, or words; flag, range, status.

A censored result (`<0.1`) keeps its comparator and is no measurement; a qualitative one (阴性, ±, 1+) keeps its
grade and is no number; a result that is not final is never taken for one that is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.ivd.refusal import said
from medassay.formats.ivd.ucum import canonical
from medassay.formats.ivd.units import UnitRefused

Status = Literal["final", "corrected", "preliminary", "cancelled", "entered in error", "not stated"]
VALID: tuple[Status, ...] = ("final", "corrected", "not stated")

_FULL_WIDTH = str.maketrans({chr(0xFF01 + n): chr(0x21 + n) for n in range(94)} | {"\u3000": " "})
_NUMBER = re.compile(
    r"(?P<before>[↑↓HL*]?)\s*(?P<sign><=|>=|[<>≤≥])?\s*(?P<number>[-+]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{1,2})?)"
    r"\s*(?P<after>[↑↓HL*]{0,2})"
)
_TITRE = re.compile(r"(?P<sign>[<>≤≥])?\s*1\s*:\s*(?P<number>\d+(?:\.\d+)?)")
_RANGE = re.compile(r"(?P<low>[-+]?\d+(?:\.\d+)?)\s*(?:--|-|~|–|—|至)\s*(?P<high>[-+]?\d+(?:\.\d+)?)")
_LIMIT = re.compile(r"(?P<sign><=|>=|[<>≤≥])\s*(?P<number>[-+]?\d+(?:\.\d+)?)")
_SIGNS = {"≤": "<=", "≥": ">="}
_ARROWS = {
    "↑": "H",
    "↓": "L",
    "↑↑": "HH",
    "↓↓": "LL",
    "H": "H",
    "L": "L",
    "HH": "HH",
    "LL": "LL",
    "*": "A",
    "": "",
}

# Grades as urine and serology report them, in Chinese and English.
GRADES = {
    "negative": r"neg(?:ative)?\.?|阴性?|阴性\(-\)|\(-\)|-|未检出|not detected|non-?reactive|未见|无",
    "weak": r"weak(?:ly)? pos(?:itive)?|弱阳性?|弱阳性\(\+/?-\)|±|\+-|\+/-|\(±\)|\(\+-\)|trace|微量|可疑",
    "1+": r"pos(?:itive)?\.?|阳性?|阳性\(\+\)|\+|\(\+\)|1\+|\+1|detected|reactive|检出",
    "2+": r"\+\+|\(\+\+\)|2\+|\+2|阳性\(\+\+\)",
    "3+": r"\+\+\+|\(\+\+\+\)|3\+|\+3|阳性\(\+\+\+\)",
    "4+": r"\+\+\+\+|\(\+\+\+\+\)|4\+|\+4",
}


@dataclass(frozen=True)
class Value:
    """What a result's text says. `number` is None where it is words; `grade` is empty where it is none."""

    number: float | None = None
    comparator: str = ""  # "", "<", "<=", ">", ">="
    grade: str = ""
    flag: str = ""  # an arrow or letter beside the number: H, L, HH, LL, A

    @property
    def measured(self) -> bool:
        """Whether it is a number that was measured, not a bound."""
        return self.number is not None and not self.comparator


@dataclass(frozen=True)
class Result:
    """One result. `code` is the sender's or LOINC's, told by `system`; `unit` is UCUM, None where it is none."""

    code: str
    system: str
    value: Value
    unit: str | None
    unit_stated: bool
    flag: str = ""
    low: float | None = None
    high: float | None = None
    status: Status = "not stated"

    @property
    def usable(self) -> bool:
        """Whether it may be taken as a result at all: neither preliminary nor withdrawn."""
        return self.status in VALID


def value_of(text: str) -> Value:
    """What a result's text says; a text that is neither number nor grade gives an empty value.

    Examples
    --------
    >>> value_of("＜０．１"), value_of("11.8↑").flag, value_of("弱阳性").grade, value_of("±").grade
    (Value(number=0.1, comparator='<', grade='', flag=''), 'H', 'weak', 'weak')
    """
    plain = text.translate(_FULL_WIDTH).strip()
    if len(plain) > 80:
        return Value()
    found = _NUMBER.fullmatch(plain)
    if found:
        number = float(found["number"])
        sign = _SIGNS.get(found["sign"] or "", found["sign"] or "")
        flag = _ARROWS.get(found["after"].strip()) or _ARROWS.get(found["before"], "")
        return Value(number if math.isfinite(number) else None, sign, flag=flag or "")
    titre = _TITRE.fullmatch(plain)
    if titre:
        return Value(
            float(titre["number"]),
            _SIGNS.get(titre["sign"] or "", titre["sign"] or ""),
            grade="titre",
        )
    folded = " ".join(plain.lower().split())
    grade = next((name for name, pattern in GRADES.items() if re.fullmatch(pattern, folded)), "")
    return Value(grade=grade)


def range_of(text: str) -> tuple[float | None, float | None]:
    """The limits of a reference range; None where there is none.

    Examples
    --------
    >>> range_of("3.5-9.5"), range_of("＜5.0"), range_of("3.5～9.5"), range_of("阴性")
    ((3.5, 9.5), (None, 5.0), (3.5, 9.5), (None, None))
    """
    plain = text.translate(_FULL_WIDTH).replace("～", "~").strip()[:80]
    found = _RANGE.match(plain)
    if found:
        return float(found["low"]), float(found["high"])
    limit = _LIMIT.match(plain)
    if limit:
        number = float(limit["number"])
        return (None, number) if limit["sign"] in ("<", "<=", "≤") else (number, None)
    return None, None


def unit_of(text: str) -> str | None:
    """The UCUM code of a unit; None where the text is none."""
    try:
        return canonical(text) if text.strip() else None
    except UnitRefused:
        return None


def facts_of(results: Sequence[Result]) -> dict[str, int]:
    """How many results, of which sort."""
    usable = [one for one in results if one.usable]
    return {
        "results": len(results),
        "numbers": sum(one.value.measured for one in usable),
        "censored": sum(bool(one.value.comparator) for one in usable),
        "grades": sum(bool(one.value.grade) for one in usable),
        "set_aside": len(results) - len(usable),
    }


def findings_of(results: Sequence[Result]) -> Iterator[Finding]:
    """What is wrong with results, counted: units that are none, numbers without one, results not to be taken."""
    usable = [one for one in results if one.usable]
    numbers = [one for one in usable if one.value.number is not None and one.value.grade != "titre"]
    unknown = sum(one.unit_stated and one.unit is None for one in numbers)
    if unknown:
        yield said(
            Reason.UNIT_UNKNOWN,
            Severity.WARN,
            f"{unknown} of {len(numbers)} numbers in a unit that is none of UCUM's",
            "units that are known",
            source="The Unified Code for Units of Measure",
        )
    bare = sum(not one.unit_stated for one in numbers)
    if bare:
        yield said(
            Reason.UNIT_UNKNOWN,
            Severity.WARN,
            f"{bare} of {len(numbers)} numbers without a unit",
            "a unit each",
        )
    crossed = sum(one.low is not None and one.high is not None and one.low > one.high for one in usable)
    if crossed:
        yield said(
            Reason.VALUE_IMPLAUSIBLE,
            Severity.WARN,
            f"{crossed} reference ranges whose lower limit lies above the upper",
            "a lower and an upper limit",
        )
    against = sum(_against_its_flag(one) for one in usable)
    if against:
        yield said(
            Reason.VALUE_IMPLAUSIBLE,
            Severity.WARN,
            f"{against} results whose flag and reference range say opposite things",
            "a flag that fits the range",
        )
    aside = {
        status: sum(one.status == status for one in results) for status in sorted({r.status for r in results})
    }
    for status, count in aside.items():
        if status not in VALID:
            yield said(
                Reason.REFERENCE_INVALID,
                Severity.WARN,
                f"{count} of {len(results)} results that are {status}",
                "final results; these are set aside",
            )


def _against_its_flag(one: Result) -> bool:
    number = one.value.number
    if number is None or one.value.comparator:
        return False
    high = one.high is not None and number < one.high and one.flag in ("H", "HH")
    low = one.low is not None and number > one.low and one.flag in ("L", "LL")
    inside_high = high and (one.low is None or number >= one.low)
    return inside_high or (low and (one.high is None or number <= one.high))
