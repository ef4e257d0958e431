"""Short texts that are held to a closed list: figures, results of tests, words that name nobody.

What stands on no list may be a name that nobody wrote down before, so a profile that lets no free text leave keeps
nothing else, and the proof can hold each text to the same list again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from medassay.datasets.deidentify import vocabulary
from medassay.datasets.deidentify.free_text import find

NUMBER = re.compile(r"[<>≤≥=↑↓ ]*[-+]?\d{1,6}([.,]\d{1,8})?([eE][-+]?\d{1,3})?[ %↑↓HL*]*")
RESULT = re.compile(
    r"[-+±＋－]{1,4}|弱?[阴阳]性(\([-+±]+\))?|neg(ative)?|pos(itive)?|H|L|HH|LL|N|↑+|↓+", re.IGNORECASE
)
LONGEST_ITEM = 40
_LONG_DIGITS = re.compile(r"\d{5,}")


def is_figure(text: str) -> bool:
    """Whether a text is a number or the result of a test, flags included.

    Examples
    --------
    >>> is_figure("<0.1"), is_figure("弱阳性"), is_figure("11.8↑"), is_figure("见备注")
    (True, True, True, False)
    """
    return bool(NUMBER.fullmatch(text) or RESULT.fullmatch(text))


def is_closed(text: str, known: Sequence[str] = ()) -> bool:
    """Whether a text is a figure, or known words that are no name of the people concerned.

    Examples
    --------
    >>> is_closed("chest pain"), is_closed("请王大锤复核"), is_closed("Wang"), is_closed("chest", ["CHEST^LI"])
    (True, False, False, True)
    >>> is_closed("chest li", ["CHEST^LI"])
    False
    """
    return is_figure(text) or (vocabulary.is_known(text) and not find(text, known, running=False))


def is_item(text: str, known: Sequence[str] = ()) -> bool:
    """Whether a cell of a column of items, units or methods may stand: short, without a mark or a long number.

    Such a column is a list of codes in words, which no closed list holds; what is in it is no running text.

    Examples
    --------
    >>> is_item("抗缪勒管激素"), is_item("报告者张伟"), is_item("条码 330100123456")
    (True, False, False)
    """
    return (
        len(text) <= LONGEST_ITEM and not _LONG_DIGITS.search(text) and not find(text, known, running=False)
    )
