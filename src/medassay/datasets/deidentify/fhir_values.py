"""Values of FHIR elements: whether one may stand, and what of a number does.

Writer and proof ask the same of a value that is not made anew; what is made anew the proof holds to a form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Context, Decimal
from typing import Any

from medassay.datasets.deidentify import fhir_elements as elements
from medassay.datasets.deidentify import laboratory_fields as lab
from medassay.datasets.deidentify.allowed import is_code
from medassay.datasets.deidentify.fhir_references import listed, text_of
from medassay.datasets.deidentify.profile import Profile
from medassay.formats.ivd import fhir_bundle
from medassay.formats.ivd.hl7_v2 import is_loinc

BASE = (
    "https://deidentified.invalid/"  # a domain that never exists (RFC 2606): entries have to have an address
)
MOMENT = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)(?P<rest>(T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?"
    r"(Z|[+-](0\d|1[0-4]):[0-5]\d)?)?)"
)
ANSWER = re.compile(r"LA\d{1,5}-\d")  # LOINC's codes of answers
DIGITS = 8  # that count, of a number
LONGEST_WHOLE = 8
LARGEST_COUNT = 999_999
NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d{1,3})?")
YEARS = {"a": 1.0, "mo": 1 / 12, "wk": 7 / 365.25, "d": 1 / 365.25}  # units of UCUM that tell an age
YEAR_WORDS = {
    "a": ("a", "a_j", "a_g", "yr", "yrs", "year", "years", "岁", "周岁", "年"),
    "mo": ("mo", "mo_j", "month", "months", "月"),
    "wk": ("wk", "week", "weeks", "周"),
    "d": ("d", "day", "days", "天", "日"),
}
AGES = frozenset(
    ("30525-0", "21612-7", "29553-5", "39016-1", "63900-5", "30972-4")
)  # LOINC: ages, told or worked out
BIRTH = "21112-8"  # LOINC: birth date
OLDEST = 89
FEWEST_SAMPLES = 16  # fewer numbers in a row may be a card's
FEW = 2  # digits that are nobody's number, whatever zeros stand behind them


def number_of(value: object, node: Mapping[str, Any], known: Sequence[str]) -> Any:
    """A number of a quantity, with the digits that count; an age over 89 is 90."""
    text = str(value) if isinstance(value, (int, Decimal, str)) and not isinstance(value, bool) else ""
    if not NUMBER.fullmatch(text):
        return None
    number = Decimal(text)
    few = _counting(number) <= FEW
    if not few and _is_long(number, text):
        return None
    unit = _age_unit(node)
    if unit and float(number) * YEARS[unit] > OLDEST:
        return round((OLDEST + 1) / YEARS[unit])
    shortened = not few and len(number.as_tuple().digits) > DIGITS
    short = Context(prec=DIGITS).create_decimal(number) if shortened else number
    measured = lab.measured(str(short), text_of(node.get("unit")) or text_of(node.get("code")))
    if not few and lab.tells_somebody(measured, known):
        return None
    return short if shortened or isinstance(value, str) else value


def _is_long(number: Decimal, text: str) -> bool:
    """Whether more digits stand before the point than a measurement has; a power of ten is written as such."""
    return "e" not in text.lower() and number.adjusted() >= LONGEST_WHOLE


def _counting(number: Decimal) -> int:
    """How many digits count: zeros at the end do not."""
    return len("".join(map(str, number.as_tuple().digits)).strip("0"))


def _age_unit(node: Mapping[str, Any]) -> str:
    """The unit of a quantity in the code of UCUM where it may tell an age; else nothing."""
    code, unit = text_of(node.get("code")), text_of(node.get("unit"))
    told = (code, unit, unit.casefold() if len(unit) > 1 else "")  # A is an ampere, a is a year
    return next((of for of, words in YEAR_WORDS.items() if any(one in words for one in told if one)), "")


def is_barred(name: str, node: Mapping[str, Any]) -> bool:
    """Whether an element tells a birth date, or an age in a form that cannot be held to ninety."""
    if not name.startswith("value"):
        return False
    codes = {
        text_of(one.get("code"))
        for concept in listed(node.get("code"))
        if isinstance(concept, Mapping)
        for one in listed(concept.get("coding"))
        if isinstance(one, Mapping)
    }
    quantity = node.get(name)
    measured = name == "valueQuantity" and isinstance(quantity, Mapping) and bool(_age_unit(quantity))
    return BIRTH in codes or (bool(codes & AGES) and not measured)


def stands(rule: str, value: object, node: Mapping[str, Any], known: Sequence[str], profile: Profile) -> bool:
    """Whether a value that is not made anew may stand as it is."""
    if rule == "flag":
        return isinstance(value, bool)
    if rule == "count":
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_COUNT
    if not isinstance(value, str) or not value or value != value.strip():
        return False
    match rule:
        case "bundle":
            return value in fhir_bundle.BUNDLE_TYPES
        case "system":
            return elements.is_system(value)
        case "code":
            return _is_code(value, text_of(node.get("system")), known, profile)
        case "words":
            return lab.is_words(value, known, profile)
        case "unit":
            return lab.is_measure(value, known, profile)
        case "range":
            return lab.is_unit(value, known, profile)
        case "samples":
            each = value.split(" ")
            return len(each) >= FEWEST_SAMPLES and all(map(elements.SAMPLE.fullmatch, each))
    form = elements.CODES.get(rule)
    return form is not None and bool(form.fullmatch(value))


def _is_code(code: str, system: str, known: Sequence[str], profile: Profile) -> bool:
    match elements.SYSTEMS.get(system):
        case "LN":
            return is_loinc(code) or bool(ANSWER.fullmatch(code))
        case "SCT":
            return is_code(code, "SCT")
        case "UCUM":
            return lab.is_measure(code, known, profile)
    own = bool(elements.OF_HL7.fullmatch(system)) and code in elements.OWN_CODES
    return own or lab.is_code_or_item(code, known, profile)


def as_json(node: object) -> str:
    """JSON with every decimal as it was written, which the library's own writer does not keep."""
    if isinstance(node, dict):
        return "{" + ",".join(f"{as_json(str(name))}:{as_json(value)}" for name, value in node.items()) + "}"
    if isinstance(node, list):
        return "[" + ",".join(map(as_json, node)) + "]"
    if isinstance(node, Decimal):
        return str(node)
    return json.dumps(node, ensure_ascii=False)
