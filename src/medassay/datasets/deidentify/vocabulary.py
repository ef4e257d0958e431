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
DIGITS = 10  # more digits in one description are a number of somebody

_TOKEN = re.compile(
    r"[a-z]+(?:'s)?|[0-9]+(?:\.[0-9]+)?|[\u4e00-\u9fff]+|[^a-z0-9\u4e00-\u9fff]+", re.IGNORECASE
)
_RUN = re.compile(r"[a-z0-9'.]+|[\u4e00-\u9fff]+|[^a-z0-9'.\u4e00-\u9fff]+", re.IGNORECASE)
_SMALL = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3})?")
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
    if len(text) > LONGEST or sum(character.isdigit() for character in text) > DIGITS:
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
    known, out, at = chinese_words() - barred, "", 0
    while at < len(run):
        size = next((n for n in range(min(6, len(run) - at), 0, -1) if run[at : at + n] in known), 0)
        out += run[at : at + size]
        at += size or 1
    return out


def _column(name: str, column: str) -> list[str]:
    return [row[column] for row in _rows(name)]


def _rows(name: str) -> list[dict[str, str]]:
    text = files(__package__).joinpath(name).read_text("utf-8")
    return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
