"""How Chinese people are called: surnames, syllables, and the spellings that one name has in an export."""

from __future__ import annotations

import csv
import re
from functools import cache
from importlib.resources import files

_SYLLABLES = re.compile(
    r"(?:[bp](?:a|o|ai|ei|ao|an|en|ang|eng|i|ie|iao|ian|in|ing|u)"
    r"|m(?:a|o|e|ai|ei|ao|ou|an|en|ang|eng|i|ie|iao|iu|ian|in|ing|u)"
    r"|f(?:a|o|ei|ou|an|en|ang|eng|u)"
    r"|[dt](?:a|e|ai|ei|ao|ou|an|ang|eng|ong|i|ie|iao|iu|ian|ing|u|uo|ui|uan|un)"
    r"|[nl](?:a|e|ai|ei|ao|ou|an|en|ang|eng|ong|i|ia|ie|iao|iu|ian|in|iang|ing|u|uo|uan|un|v|ve|ü|üe|ue)"
    r"|[gkh](?:a|e|ai|ei|ao|ou|an|en|ang|eng|ong|u|ua|uo|uai|ui|uan|un|uang)"
    r"|[jqx](?:i|ia|ie|iao|iu|ian|in|iang|ing|iong|u|ue|uan|un)"
    r"|(?:[zcs]h?|r)(?:a|e|i|ai|ei|ao|ou|an|en|ang|eng|ong|u|ua|uo|uai|ui|uan|un|uang)"
    r"|y(?:a|o|e|ao|ou|an|ang|ong|i|in|ing|u|ue|uan|un)"
    r"|w(?:a|o|ai|ei|an|en|ang|eng|u)"
    r"|a|o|e|ai|ei|ao|ou|an|en|ang|er)",
)
_WORD = re.compile(rf"(?:{_SYLLABLES.pattern}){{1,4}}")


def is_pinyin(word: str) -> bool:
    """Whether a word can be read as one to four syllables without tones.

    Examples
    --------
    >>> is_pinyin("Xiaoming"), is_pinyin("Axial"), is_pinyin("zhangwei")
    (True, False, True)
    """
    return _WORD.fullmatch(word.casefold()) is not None


@cache
def surnames() -> dict[str, str]:
    """Surname in characters to its pinyin; compound ones included."""
    text = files(__package__).joinpath("surnames.csv").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {row["surname"]: row["pinyin"] for row in csv.DictReader(lines)}


@cache
def surname_spellings() -> frozenset[str]:
    """Surnames in pinyin."""
    return frozenset(surnames().values())
