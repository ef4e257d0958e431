"""Words that may stand in a description because they name nobody: everything else of it goes.

A description is so held to a closed list, and a proof can hold it to the same list again. What is lost are
words that the list lacks; what is not are names that are spelt like a word of imaging, so the words that name
the person of the file go first (`allowed.tells`).
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

LONGEST = 64  # characters of a short description
LONGEST_ITEM = 120  # characters of the name of an item: long names of LOINC
ITEM_DIGITS = 6  # in the name of an item or a column
LONGEST_ITEM_WORD = 12
DIGITS = 10  # more digits in one description are a number of somebody

_MONTHS = "(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
# Days (3/2/56, 67.02.14, 2 Mar 56, Mar 2 1956, 1956/3/2), numbers in groups as telephones and ids have them, and words
# that are spelt out (W A N G).
TELLING = re.compile(
    r"(?<![\d.])\d{2,3}(?P<group>[ ,./_:*&+-])\d{2,3}(?P=group)\d{2,4}((?P=group)\d{1,4})*(?!\d)"
    r"|(?<![\d.])\d(?P<digit>[ ,./_:*&+-])(\d(?P=digit)){3,}\d"
    r"|(?<![\d.])(0?[1-9]|[12]\d|3[01])(?P<day>[ /._-])(0?[1-9]|[12]\d|3[01])(?P=day)((19|20)\d{2}|\d{2})(?![\d.])"
    rf"|(?<!\d)\d{{1,2}}[ ./_-]?{_MONTHS}[ ,./_-]*\d{{2,4}}(?!\d)"
    rf"|(?<![a-z]){_MONTHS}[ ./_-]{{1,2}}\d{{1,2}}[ ,./_-]{{1,2}}\d{{2,4}}(?!\d)"
    r"|(?<!\d)(19|20)\d{2}(?P<year>[ ,./_-])(0?[1-9]|1[0-2])(?P=year)(0?[1-9]|[12]\d|3[01])(?!\d)"
    r"|(?<![a-z])[a-z](?P<letter>[ ._-])[a-z]((?P=letter)[a-z])+(?![a-z])",
    re.IGNORECASE,
)
_TOKEN = re.compile(
    r"[a-z]+(?:'s)?|[0-9]+(?:\.[0-9]+)?|[\u4e00-\u9fff]+|[^a-z0-9\u4e00-\u9fff]+", re.IGNORECASE
)
_RUN = re.compile(r"[a-z0-9'.]+|[\u4e00-\u9fff]+|[^a-z0-9'.\u4e00-\u9fff]+", re.IGNORECASE)
_SMALL = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3})?")
_ITEM_MARKS = re.compile(r"[ \t\n_\-+/\\.,:;()\[\]{}*&%#<>=≥≤|^~'\"×²³°?αβγδκλμΔ、。↑↓±‰]*")
_MARKS = re.compile(r"[ \t_\-+/\\.,:;()\[\]*&%#<>=|^~'\"×²³µ]*")


@cache
def words() -> frozenset[str]:
    """English words, in lower case."""
    return frozenset(_column("words.csv", "word")) | {
        row["word"] for row in _rows("imaging_words.csv") if row["language"] == "en"
    }


@cache
def chinese_words() -> frozenset[str]:
    """Chinese words of imaging."""
    return frozenset(row["word"] for row in _rows("imaging_words.csv") if row["language"] == "zh")


@cache
def item_words() -> frozenset[str]:
    """Words that names of laboratory items, units and columns of measurements are made of, English and Chinese."""
    return words() | chinese_words() | {row["word"] for row in _rows("laboratory_words.csv")}


@cache
def product_words() -> frozenset[str]:
    """Words that makers call themselves and their products by."""
    return words() | frozenset(_column("product_words.csv", "word"))


def is_item(text: str, more: Iterable[str] = ()) -> bool:
    """Whether the name of an item, a unit or a column holds known words, small numbers and marks only.

    Parameters
    ----------
    more : iterable of str
        Words of a hospital's own list, in lower case, that name nobody.

    Examples
    --------
    >>> is_item("抗缪勒管激素"), is_item("γ-GT (U/L)"), is_item("阿依努尔"), is_item("Aynur"), is_item("8679 3042")
    (True, True, False, False, False)
    >>> is_item("Xylometer", ["xylometer"])
    True
    """
    plain = unicodedata.normalize("NFKC", text)
    if len(plain) > LONGEST_ITEM or sum(map(str.isdigit, plain)) > ITEM_DIGITS or TELLING.search(plain):
        return False
    known = item_words() | frozenset(more)
    return any(
        all(_fits_item(token, known) for token in _TOKEN.findall(one)) for one in (plain, _spaced(plain))
    )


def _fits_item(token: str, known: frozenset[str]) -> bool:
    if "\u4e00" <= token[0] <= "\u9fff":
        return _cut(token, known, LONGEST_ITEM_WORD) == token
    if token[0].isascii() and token[0].isalpha():
        return len(token) == 1 or token.casefold() in known
    return bool(_SMALL.fullmatch(token) if token[0].isdigit() else _ITEM_MARKS.fullmatch(token))


def known_words(text: str, names: Iterable[str] = ()) -> str:
    """What of a description may stand: known words and small numbers, in their order.

    Parameters
    ----------
    names : iterable of str
        Folded words that name a person in the same file: never kept, known or not.

    Examples
    --------
    >>> known_words("CT Chest w/o contrast, Zhang Wei 13800138000")
    'CT Chest w/o contrast'
    >>> known_words("T2_TSE_AX 3.0mm for Dr Miller")
    'T2_TSE_AX 3.0mm for Dr'
    """
    barred = frozenset(names)
    plain = unicodedata.normalize("NFKC", text)
    plain = TELLING.sub(" ", plain)
    if sum(character.isdigit() for character in plain) > DIGITS:
        plain = re.sub(r"\d", " ", plain)
    out = "".join(_kept(run, barred) for run in _RUN.findall(_spaced(plain)))
    out = re.sub(r"\s{2,}", " ", out).strip(" \t_-+/\\.,:;(&<>=|^~'\"")
    return out[:LONGEST].rstrip() if is_known(out[:LONGEST].rstrip()) else ""


def is_known(text: str) -> bool:
    """Whether a text holds known words, small numbers and marks only.

    Examples
    --------
    >>> is_known("T1 MPRAGE sag"), is_known("Zhang Wei"), is_known("头颅平扫+增强"), is_known("张伟")
    (True, False, True, False)
    """
    if len(text) > LONGEST or sum(character.isdigit() for character in text) > DIGITS or TELLING.search(text):
        return False
    return all(_fits(token) for token in _TOKEN.findall(text))


def _spaced(text: str) -> str:
    """CamelCase apart, so that each word is looked at: AxialT2 to Axial T2."""
    return re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", " ", text)


def _kept(run: str, barred: frozenset[str]) -> str:
    """A run of letters and digits as a whole, or a space: "B30f" is one word, so is "ZHANG13"."""
    if "\u4e00" <= run[0] <= "\u9fff":
        return _chinese(run, barred)
    tokens = _TOKEN.findall(run)
    told = any(token.casefold().removesuffix("'s") in barred for token in tokens)
    return run if not told and all(_fits(token) for token in tokens) else " "


def _fits(token: str) -> bool:
    first = token[0]
    if "\u4e00" <= first <= "\u9fff":
        return _chinese(token, frozenset()) == token
    if first.isascii() and first.isalpha():
        word = token.casefold()
        return len(word) == 1 or word in words() or word.removesuffix("'s") in words()
    if first.isdigit():
        return bool(_SMALL.fullmatch(token))
    return bool(_MARKS.fullmatch(token))


def _chinese(run: str, barred: frozenset[str]) -> str:
    """Known words of a run of characters, longest first."""
    return _cut(run, chinese_words() - barred, 6)


def _cut(run: str, known: frozenset[str], longest: int) -> str:
    out, at = "", 0
    while at < len(run):
        size = next((n for n in range(min(longest, len(run) - at), 0, -1) if run[at : at + n] in known), 0)
        out += run[at : at + size]
        at += size or 1
    return out


def _column(name: str, column: str) -> list[str]:
    return [row[column] for row in _rows(name)]


def _rows(name: str) -> list[dict[str, str]]:
    text = files(__package__).joinpath(name).read_text("utf-8")
    return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
