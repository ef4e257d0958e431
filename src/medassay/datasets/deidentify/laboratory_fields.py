"""Values of a laboratory's record, whatever writes it: a code, a unit, a range, a figure, a moment, a short text.

Each is held to a form or to a closed list; what neither holds is empty afterwards, and a proof asks the same again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from medassay.datasets.deidentify import allowed
from medassay.datasets.deidentify.chinese_names import surname_spellings
from medassay.datasets.deidentify.closed_text import LONG_NUMBER, is_closed, is_item, tells
from medassay.datasets.deidentify.dicom import shifted
from medassay.datasets.deidentify.free_text import find, scrub
from medassay.datasets.deidentify.hl7_escapes import unescaped
from medassay.datasets.deidentify.profile import Profile
from medassay.datasets.sample import Names
from medassay.formats.ivd import results

# A local code: five digits, three behind letters (a longer number is somebody's); an answer of LOINC's.
CODE = re.compile(r"[A-Z]{0,4}[0-9]{0,3}(\.\d{1,3}|-\d)?|\d{4,5}(\.\d{1,3}|-\d)?|LA\d{3,5}-\d")
SCHEME = re.compile(r"L|LN|SCT|SNM3?|SNT|I9|I10|ICD10|UCUM|C4|99[A-Z0-9]{1,4}|HL7\d{4}")
FIGURE = re.compile(
    r"[<>=]{0,2}\^?[-+]?\d{1,8}(\.\d{1,8})?([eE][-+]?\d{1,2})?( ?[×*x] ?10\^?\d{1,2})?"
    r"(\^?[-:/+^]\^?\d{1,7}(\.\d{1,8})?)?"
)
TABLE, TABLE_CODE = re.compile(r"HL7\d{4}"), re.compile(r"[A-Z]{1,4}")  # codes of letters that HL7 lists
MOST_DIGITS = 6  # in a unit
FEWEST_DIGITS = 2  # of a number or an age that may tell somebody
MEMORY = 1 << 16  # of texts that were looked at: a file says the same ones over and over
NO_UNIT = re.compile(r"[A-Za-z]{6}|\d{5}|_")  # atoms of UCUM are shorter, or stand in brackets
UNIT = re.compile(r"(?=.*[A-Za-z%])[!-~µμ°²³]{1,40}")  # UCUM has no blank, and of letters ASCII's alone
MOMENT = re.compile(
    r"(?P<day>(1[89]|20)\d{6})(?P<clock>(([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,4})?)?)?)?)(?P<zone>[+-]\d{4})?"
)


def measured(value: str, unit: str) -> str:
    """A number with its unit, as running text has it: seven digits are a count where their unit says so."""
    value = value.replace("^", " ").strip()
    return f"{value} {re.sub(r'[^A-Za-z/%]', '', unit.partition('^')[0])}".rstrip()


def figure(value: str, unit: str, known: Sequence[str]) -> str:
    """A number, a range or a titre where it is no number of somebody; else nothing."""
    return value if is_figure(value) and not tells_somebody(measured(value, unit), known) else ""


def tells_somebody(text: str, known: Sequence[str]) -> bool:
    """Whether a figure with its unit has the form of a number of somebody, or is one that is known."""
    if sum(map(str.isdigit, text)) < FEWEST_DIGITS:
        return False
    return _tells_somebody(text, tuple(known))


@lru_cache(MEMORY)
def _tells_somebody(text: str, known: tuple[str, ...]) -> bool:
    return bool(find(text, known))


def is_figure(value: str) -> bool:
    """Whether a result is a number, or two of a ratio or range; long halves that are not round may be a telephone's.

    Examples
    --------
    >>> [is_figure(text) for text in ("5.6", "^1^:^12800", "3500-9500", "8679-3042", "139.12345678")]
    [True, True, True, False, False]
    """
    if not FIGURE.fullmatch(value) or tells(value):
        return False
    whole = re.findall(r"(?<![\d.])\d+", re.sub(r"[×*x] ?10\^?\d{1,2}", "", value))
    return len(whole) < 2 or sum(map(len, whole)) < LONG_NUMBER or all(one[-2:] == "00" for one in whole)


def grade(text: str) -> str:
    """The grade of a result in words (negative, 1+, not detected), or nothing where it is none.

    Examples
    --------
    >>> grade("NOT DETECTED"), grade("弱阳性"), grade("detected by Li")
    ('negative', 'weak', '')
    """
    found = results.value_of(text).grade
    return found if found in results.GRADES else ""


def is_measure(text: str, known: Sequence[str], profile: Profile) -> bool:
    """Whether a unit may stand: of the list, or a code of UCUM whose braces, which may hold any text, hold known words.

    Examples
    --------
    >>> from medassay.datasets.deidentify.profile import RESEARCH
    >>> [is_measure(text, [], RESEARCH) for text in ("mm[Hg]", "10*3/uL", "{Gulbahar}", "mm 13800138000")]
    [True, True, False, False]
    """
    return _is_measure(text, tuple(known), profile.item_words)


@lru_cache(MEMORY)
def _is_measure(text: str, known: tuple[str, ...], more: tuple[str, ...]) -> bool:
    if is_item(text, known, more):
        return True
    noted = re.findall(r"\{([^{}]*)\}", text)
    few = sum(map(str.isdigit, text)) <= MOST_DIGITS
    if not UNIT.fullmatch(text) or not few or not all(is_item(one, known) for one in noted):
        return False
    if NO_UNIT.search(re.sub(r"\{[^{}]*\}|\[[^\[\]]*\]", "", text)):
        return False
    return results.unit_of(text) is not None and not find(text, known, running=False)


def scrubbed(value: str, names: Names, known: Sequence[str], profile: Profile) -> str:
    """A short text as the profile has texts: what the closed list holds, or scrubbed."""
    if profile.free_text == "removed":
        return value if is_closed(value, known) else ""
    shift = names.date_shift_days if profile.dates == "shifted" else None
    return scrub(value, known, shift_days=shift).text


def coded(value: str, known: Sequence[str], profile: Profile) -> str:
    """A code with its text and scheme, and their like in another scheme: each part that a form or a list holds."""
    parts = value.split("^")
    kept = [part if _part_stands(n, part, parts, known, profile) else "" for n, part in enumerate(parts)]
    return "^".join(kept).rstrip("^")


def _part_stands(n: int, part: str, parts: Sequence[str], known: Sequence[str], profile: Profile) -> bool:
    """Whether one part of a coded field may stand; parts of it come in threes: code, text, scheme."""
    if n % 3 == 2 and n < 6:
        return is_scheme(part)
    if n > 5:
        return False  # versions and the original text
    scheme = parts[n + 2] if len(parts) > n + 2 else ""
    of_table = bool(TABLE.fullmatch(scheme) and TABLE_CODE.fullmatch(part)) and not _is_surname(part)
    if n % 3 == 0 and (of_table or is_local_code(part) or allowed.is_code(part, scheme)):
        return not find(part, known, running=False)
    return all(not one or is_words(one, known, profile) for one in re.split(r"[&~]", unescaped(part)))


def is_scheme(part: str) -> bool:
    """Whether a text names a coding scheme; one of a hospital's own is not called like somebody.

    Examples
    --------
    >>> is_scheme("LN"), is_scheme("99LAB"), is_scheme("99LIU")
    (True, True, False)
    """
    return bool(SCHEME.fullmatch(part)) and not (part.startswith("99") and _is_surname(part[2:]))


def _is_surname(word: str) -> bool:
    return word.casefold() in surname_spellings()


def is_local_code(part: str) -> bool:
    """Whether a text is a short code with a digit: letters alone may be a surname; a list may hold them.

    Examples
    --------
    >>> [is_local_code(text) for text in ("413", "CA125", "LA18592-8", "CBC", "MRN00731", "8301234501")]
    [True, True, True, False, False, False]
    """
    return bool(CODE.fullmatch(part)) and any(map(str.isdigit, part)) and not tells(part)


def is_words(text: str, known: Sequence[str], profile: Profile) -> bool:
    """Whether the name of an item, or a short text, may stand."""
    return _is_words(text, tuple(known), profile.item_words)


@lru_cache(MEMORY)
def _is_words(text: str, known: tuple[str, ...], more: tuple[str, ...]) -> bool:
    return is_item(text, known, more) or is_closed(text, known)


def is_code_or_item(text: str, known: Sequence[str], profile: Profile) -> bool:
    """Whether a code of no scheme, or the name of an item, may stand."""
    if is_local_code(text):
        return not find(text, known, running=False)
    return is_words(text, known, profile)


def unit(value: str, known: Sequence[str], profile: Profile) -> str:
    """A unit, in code, text and scheme: what a list or a form holds, so that a text never costs the code."""
    kept = [part if is_unit(part, known, profile) else "" for part in value.split("^")]
    told = any(part and not is_scheme(part) for part in kept)
    return "^".join(kept).rstrip("^") if told else ""


def is_unit(value: str, known: Sequence[str], profile: Profile) -> bool:
    """Whether each part of a unit or range may stand."""
    return all(
        not one or is_item(one, known, profile.item_words) or is_scheme(one) for one in value.split("^")
    )


def moved(value: str, names: Names, profile: Profile) -> str:
    """A moment (YYYYMMDD with a time or none) by the subject's shift; empty where it is none or days do not leave."""
    match = MOMENT.fullmatch(value)
    if match is None or profile.dates != "shifted":
        return ""
    day = shifted(match["day"], names.date_shift_days)
    return day + match["clock"] + (match["zone"] or "") if day else ""


def identifiers(value: str, known: Sequence[str], *, running: bool) -> Iterator[str]:
    """Marks other than a date: those that were moved are dates still."""
    for mark in find(value, known, running=running):
        if mark.kind not in ("date", "age"):
            yield mark.kind
