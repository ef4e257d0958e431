"""Names in characters by what is likeliest: a run of text is cut into words and names so that the whole costs least.

Chinese text has no spaces, so "is this a name" is "does anything else explain these characters". A word costs the
bits that its count gives it; a name costs those of being one, of its surname and of its given characters. The cut that
costs least is found from left to right (Viterbi), as word segmenters do; names that are words of the language
("高兴") stay words, which is what the rules of `name_finding` are for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files

from medassay.datasets.deidentify import vocabulary
from medassay.datasets.deidentify.chinese_names import surnames
from medassay.datasets.deidentify.word_counts import word_counts

Span = tuple[int, int]
LONGEST_WORD = 4
CORPUS_BITS = 26.0  # log2 of the words that the counts were made on
# A word in 45 of a report is a name: chosen on the templates by which rules may be mended.
NAME_BITS = 5.5
SURNAME_BITS = 7.0
ONE_CHARACTER_BITS = 1.5  # by which a given name of one character is rarer
EDGE_BITS = 3.0  # by which a name is likelier beside a mark, a figure or the end of a line
STRANGE_CHARACTER_BITS = 16.0  # of a given name, one that no list of names holds
KNOWN_WORD, KNOWN_CHARACTER, NO_NAME = 12, 8, 10  # log2 counts of our own lists
_RUN = re.compile("[\u4e00-\u9fff]{2,}")
_PIECE = 400  # characters of one run that are cut at once


def likeliest_names(text: str) -> Iterator[Span]:
    """Places of names.

    Examples
    --------
    >>> text = "今日龚永良复诊，高血压病史同前"
    >>> [text[start:end] for start, end in likeliest_names(text)]
    ['龚永良']
    """
    for match in _RUN.finditer(text):
        for at in range(match.start(), match.end(), _PIECE):
            for start, end in _names_of_run(text[at : min(at + _PIECE, match.end())]):
                yield at + start, at + end


def is_made_of_words(run: str) -> bool:
    """Whether words of at least two characters make up a run of characters, but for one character in between.

    Examples
    --------
    >>> is_made_of_words("拒绝签字"), is_made_of_words("未到场"), is_made_of_words("库尔班江")
    (True, True, False)
    """
    words, size = _words(), len(run)
    single = [0, *[size] * size]  # fewest characters that stand for themselves, up to here
    for at in range(size):
        single[at + 1] = min(single[at + 1], single[at] + 1)
        for end in range(at + 2, min(at + LONGEST_WORD, size) + 1):
            if run[at:end] in words:
                single[end] = min(single[end], single[at])
    return single[size] <= 1


@lru_cache(maxsize=1 << 14)
def _names_of_run(run: str) -> tuple[Span, ...]:
    """Names of one run of characters, by the cheapest cut."""
    words, size = _words(), len(run)
    cost = [0.0, *[math.inf] * size]
    before: list[tuple[int, bool]] = [(0, False)] * (size + 1)
    for at in range(size):
        for end in range(at + 1, min(at + LONGEST_WORD, size) + 1):
            count = words.get(run[at:end], 0 if end == at + 1 else None)
            if count is not None and cost[at] + CORPUS_BITS - count < cost[end]:
                cost[end], before[end] = cost[at] + CORPUS_BITS - count, (at, False)
        for end, bits in _names_at(run, at):
            if cost[at] + bits < cost[end]:
                cost[end], before[end] = cost[at] + bits, (at, True)
    found, end = [], size
    while end:
        at, is_name = before[end]
        if is_name:
            found.append((at, end))
        end = at
    return tuple(reversed(found))


def _names_at(run: str, at: int) -> Iterator[tuple[int, float]]:
    """Ends of the names that may begin here, and what each costs."""
    given = _given_bits()
    for family in (1, 2):
        if run[at : at + family] not in surnames():
            continue
        bits = NAME_BITS + SURNAME_BITS
        for size, rarer in ((1, ONE_CHARACTER_BITS), (2, 0.0)):
            end = at + family + size
            if end <= len(run):
                own = (given.get(one, STRANGE_CHARACTER_BITS) for one in run[at + family : end])
                edges = EDGE_BITS * ((at == 0) + (end == len(run)))
                yield end, bits + rarer + sum(own) - edges


@cache
def _words() -> dict[str, int]:
    """Words to the log2 of their counts; those of our own lists have a count by their list."""
    found = {word: round(math.log2(count)) for word, count in word_counts()[0].items()}
    for word in vocabulary.chinese_words():
        found[word] = max(found.get(word, 0), KNOWN_WORD if len(word) > 1 else KNOWN_CHARACTER)
    for (text,) in _rows("no_names.csv"):
        if len(text) > 1:
            found[text] = max(found.get(text, 0), NO_NAME)
    return found


@cache
def _given_bits() -> dict[str, float]:
    """Bits of a character in a given name: by the names of the dictionary, and by our list of common ones, evenly."""
    _, counted = word_counts()
    common = {character for (character,) in _rows("given_characters.csv")}
    total = sum(counted.values())
    share = {
        one: 0.5 * counted.get(one, 0) / total + (0.5 / len(common) if one in common else 0.0)
        for one in counted.keys() | common
    }
    return {one: -math.log2(value) for one, value in share.items()}


def _rows(name: str) -> list[list[str]]:
    """Rows below the header; none of these tables quotes anything."""
    lines = files(__package__).joinpath(name).read_text("utf-8").splitlines()
    return [line.split(",") for line in lines if not line.startswith("#")][1:]
