"""Short texts that are held to a closed list: figures, results of tests, words that name nobody.

What stands on no list may be a name that nobody wrote down before, so a profile that lets no free text leave keeps
nothing else, and the proof can hold each text to the same list again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal

from medassay.datasets.deidentify import vocabulary
from medassay.datasets.deidentify.free_text import find

NUMBER = re.compile(r"[<>≤≥=↑↓ ]*[-+]?\d{1,6}([.,]\d{1,8})?([eE][-+]?\d{1,3})?[ %↑↓HL*]*")
LONG_NUMBER = 7  # digits of a whole number that may be somebody's
# Forms that closed words and small figures are made of, and that tell somebody all the same: days with the year first
# (56-03-02), numbers in groups (60,371,825; 139/123/456), telephones with a point for their dash (139.12345678),
# initials (W.X.M.).
_TELLS = re.compile(
    r"(?<![\d.])\d{2}(?P<day>[/.-])(0?[1-9]|1[0-2])(?P=day)(0?[1-9]|[12]\d|3[01])(?![\d.])"
    r"|(?<![\d.])\d{1,3}(?P<thousand>[,.' ])\d{3}((?P=thousand)\d{3})+(?![\d.])"
    r"|(?<![\d.])(?=(\d[-/ .,]?){7}\d)\d{1,4}(?P<group>[-/ .,])\d{1,4}((?P=group)\d{1,4})+(?!\d)"
    r"|(?<![\d.])(0\d{2,3}[.,]\d{7,8}|1[3-9]\d[.,]\d{8})(?!\d)"
    r"|(?<![A-Za-z])[A-Z]\. ?[A-Z]\."
)
_SCIENTIFIC = re.compile(r"\d{1,6}[.,]?\d{0,24}[eE]\+?\d{1,2}")
RESULT = re.compile(
    r"[-+±＋－]{1,4}|弱?[阴阳]性(\([-+±]+\))?|neg(ative)?|pos(itive)?|H|L|HH|LL|N|↑+|↓+", re.IGNORECASE
)
_RANGE = r"[<>≤≥=]{0,2} ?\d{1,3}(\.\d{1,4})?( ?[-~～—–至]{1,2} ?\d{1,4}(\.\d{1,4})?)?"
RANGES = re.compile(
    rf"((男|女|成人|儿童|M|F|male|female)[性]?[:： ]{{0,2}})?{_RANGE}([ ,;；，/]{{1,2}}"
    rf"(男|女|成人|儿童|M|F|male|female)[性]?[:： ]{{0,2}}{_RANGE}){{0,3}}",
    re.IGNORECASE,
)


# Ranges of counts (3500-9500, 150000 to 350000): bounds are round, as no two halves of a telephone are.
_COUNTS = re.compile(
    r"[<>≤≥=]{0,2} ?(?P<low>[1-9]\d{1,5}00)( ?([-~～—–至]{1,2}|to) ?(?P<high>[1-9]\d{1,5}00))?", re.IGNORECASE
)


def is_figure(text: str) -> bool:
    """Whether a text is a number or the result of a test, flags included.

    Examples
    --------
    >>> is_figure("<0.1"), is_figure("弱阳性"), is_figure("11.8↑"), is_figure("见备注")
    (True, True, True, False)
    """
    return bool(NUMBER.fullmatch(text) or RESULT.fullmatch(text)) and not tells(text)


def tells(text: str) -> bool:
    """Whether small figures and marks make up a day, somebody's number or initials.

    Examples
    --------
    >>> [tells(text) for text in ("56/3/2", "60,371,825", "139.12345678", "3.30106195E+17", "W.X.M.")]
    [True, True, True, True, True]
    >>> [tells(text) for text in ("120/80/93", "1.25E+07", "3.5-9.5", "2.5, 3.5, 4.5", "0.12345678", "p.o.")]
    [False, False, False, False, False, False]
    """
    plain = unicodedata.normalize("NFKC", text)
    return bool(_TELLS.search(plain)) or any(map(_is_whole, _SCIENTIFIC.findall(plain)))


def _is_whole(scientific: str) -> bool:
    """Whether a number with an exponent, as spreadsheets write long ones, is a whole one of seven digits that count."""
    number = Decimal(scientific.replace(",", "."))
    return number == number.to_integral_value() and len(number.normalize().as_tuple().digits) >= LONG_NUMBER


def is_closed(text: str, known: Sequence[str] = ()) -> bool:
    """Whether a text is a figure, or known words that are no name of the people concerned.

    Examples
    --------
    >>> is_closed("chest pain"), is_closed("请王大锤复核"), is_closed("Wang"), is_closed("chest", ["CHEST^LI"])
    (True, False, False, True)
    >>> is_closed("chest li", ["CHEST^LI"])
    False
    """
    return is_figure(text) or (is_worded(text) and not find(text, known, running=False))


def is_worded(text: str) -> bool:
    """Whether a text holds known words and small figures, and no figures that make up a day or a number of somebody."""
    return vocabulary.is_known(text) and not tells(text)


def is_item(text: str, known: Sequence[str] = (), more: Sequence[str] = ()) -> bool:
    """Whether the name of an item, a unit, a range or a column may stand: words of a list, and nobody's name.

    Such names are codes in words, so an eponym is no person; but what stands on no list may be somebody.

    Parameters
    ----------
    more : sequence of str
        Words of the hospital's own items, as the profile declares them.

    Examples
    --------
    >>> is_item("抗缪勒管激素"), is_item("报告者张伟"), is_item("条码 330100123456"), is_item("买买提·吐尔逊")
    (True, False, False, False)
    >>> is_item("男:130-175 女:115-150"), is_item("3500-9500"), is_item("2833-1908")
    (True, True, False)
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    listed = (
        RANGES.fullmatch(plain)
        or _is_range_of_counts(plain)
        or vocabulary.is_item(text, [word.casefold() for word in more])
    )
    return bool(listed) and not tells(text) and not find(text, known, running=False)


def _is_range_of_counts(plain: str) -> bool:
    match = _COUNTS.fullmatch(plain)
    return match is not None and (match["high"] is None or int(match["low"]) < int(match["high"]))
