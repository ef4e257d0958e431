"""How often words and given names stand in Chinese text: by the dictionary of the package jieba (MIT licence).

Only its data file is read (a word, its count, its part of speech a line); the package itself is not imported.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from importlib.metadata import files

from medassay.core.errors import EnvironmentLacking
from medassay.datasets.deidentify.chinese_names import surnames

LEAST = 50  # count of a word that is kept
DICTIONARY = "jieba/dict.txt"
_LINE = re.compile("^([\u4e00-\u9fff]{1,4}) ([0-9]+) ([a-z]+)$", re.MULTILINE)


@cache
def word_counts() -> tuple[dict[str, int], Counter[str]]:
    """Words with their counts, and characters of given names with theirs.

    Raises
    ------
    EnvironmentLacking
        When the dictionary is not installed.
    """
    for file in files("jieba") or ():
        if file.as_posix() == DICTIONARY:
            return counted(file.read_text("utf-8"))
    raise EnvironmentLacking(
        found="no dictionary of Chinese words",
        wanted=f"{DICTIONARY} of the package jieba",
        remedy="Install medassay with its dependencies again.",
        where=DICTIONARY,
    )


def counted(dictionary: str) -> tuple[dict[str, int], Counter[str]]:
    """Words of up to four characters with their counts, and characters of given names; no name counts as a word.

    Examples
    --------
    >>> counted("检查 900 v\\n张伟 60 nr\\n罕见词 3 n")
    ({'检查': 900}, Counter({'伟': 1}))
    """
    words: dict[str, int] = {}
    given: Counter[str] = Counter()
    for word, count, kind in _LINE.findall(dictionary):
        if kind.startswith("nr"):
            given.update(_given_of(word))
        # Transcribed foreign names ("nrt") are mostly common words that the dictionary's maker filed wrongly.
        if int(count) >= LEAST and (not kind.startswith("nr") or kind == "nrt" or len(word) == 1):
            words[word] = int(count)
    return words, given


def _given_of(name: str) -> str:
    """The one or two characters behind the surname of a name; nothing where it has none."""
    family = 2 if name[:2] in surnames() else 1 if name[:1] in surnames() else 0
    return name[family:] if family and len(name) - family in (1, 2) else ""
