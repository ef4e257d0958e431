"""Names in Latin letters in the midst of English sentences: capital words that no list of words explains.

English writes names with capitals and hardly anything else in a sentence, so the question is turned round: a capital
word is a name unless it begins the sentence, is a word of a list, or an eponym of medicine. Two such words in a row are
a name wherever they stand. The price is words that the lists lack (a brand, a town), which go as if they were names,
and prose in a language that writes other words with capitals too.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from medassay.datasets.deidentify import vocabulary
from medassay.datasets.deidentify.chinese_names import surname_spellings

Span = tuple[int, int]
_WORD = re.compile(r"[A-Za-z]+(?:['’-][A-Za-z]+)*")
_TITLE = re.compile(r"(?:[A-Z]['’])?[A-Z][a-z]+(?:[A-Z][a-z]+)?(?:['’-][A-Z]?[a-z]+)*(?<!['’]s)")
_CAPITALS = re.compile(r"[A-Z]{2,}(?:['’-][A-Z]{2,})*|[A-Z]['’][A-Z]{3,}")
_JOINT = re.compile(r" (?:[A-Z]\. )?|, ?| (?:(?:van|von|de|der|da|di|del|la|al|el|bin|le) ){1,2}")
_PARTICLES = frozenset(["van", "von", "de", "der", "da", "di", "del", "la", "al", "el", "bin", "le"])
_ENDS = re.compile(r"(?:^|[.!?:;)\n•*>|/-])[\s\"'(]*$")
# What stands behind somebody's surname: a comma and the first letters of given names.
_REVERSED = re.compile(r"(?<![A-Za-z])(?P<name>(?:[A-Z]['’])?[A-Z][A-Za-z'’-]+, (?:[A-Z]\.[ -]?){1,3})")
_INITIALS = re.compile(r"(?<![A-Za-z.])(?:[A-Z]\. ?){2,4}(?![a-z])")
_WITH_INITIALS = re.compile(r"(?<![A-Za-z])(?P<name>[A-Z][a-z]{1,5})[A-Z]{2}(?![A-Za-z0-9])")  # WangXM
# Initials that are words: routes, times of a day, titles, states.
_NO_INITIALS_TEXT = (
    "am pm iv im po pr sc sl ng nb bid tid qid prn od bd td us uk md rn do hs eg ie ad bc ra la ge"
)
_NO_INITIALS = frozenset(_NO_INITIALS_TEXT.split())
# Behind an eponym its disease: "Wilson disease", "Xyz's sign", "the Abc procedure".
_EPONYM = re.compile(
    r"(?:['’]s?)?(?:[ -][A-Z][a-z]+)?[ -](?:disease|syndrome|sign|test|score|scale|criteria|classification|procedure|"
    r"operation|repair|reflex|reaction|stain|staining|bod(?:y|ies)|cells?|lymphoma|tumou?rs?|sarcoma|palsy|phenomen(?:on|a)|"
    r"contracture|fracture|hernia|ulcer|node|duct|canal|gland|anaemia|anemia|thyroiditis|arteritis|chorea|ataxia|"
    r"man(?:oeu|eu)vre?r?|position|triad|index|formula|equation|curve|plot|monitor(?:ing)?|catheter|units?|virus|agar|"
    r"method|technique|approach|stage|staging|grade|grading|type|lines?|rings?|pouch|tube|protocol|angle|view|point|"
    r"ratio|coefficient|anomaly|malformation|nephropathy|conversion|shunt|angina|rhythm)\b"
)
_SUFFIXES = ("s", "es", "ed", "d", "ing", "ly", "al", "ic", "er", "ies", "ied")


def prose_names(text: str) -> Iterator[Span]:
    """Places of names.

    Examples
    --------
    >>> text = "Seen with Margaret O'Brien; Wilson disease excluded. Copy to LEUNG Ka Yan."
    >>> [text[start:end] for start, end in sorted(prose_names(text))]
    ["Margaret O'Brien", 'LEUNG Ka Yan']
    """
    for match in _REVERSED.finditer(text):
        if not _is_word(match["name"].partition(",")[0]):
            yield match.start("name"), match.start("name") + len(match["name"].rstrip())
    for match in _INITIALS.finditer(text):
        if re.sub(r"[^A-Z]", "", match[0]).casefold() not in _NO_INITIALS:
            yield match.start(), match.start() + len(match[0].rstrip())
    words = list(_WORD.finditer(text))
    lone = words[0] if len(words) == 1 and sum(map(str.isalpha, text)) <= len(words[0][0]) else None
    if lone and len(lone[0]) > 2 and not lone[0].islower() and not _explained(lone[0], set()):
        yield lone.span()  # of a note or a cell that has one word
    for match in _WITH_INITIALS.finditer(text):
        if match["name"].casefold() in surname_spellings():
            yield match.span()
    small = {match[0] for match in words if match[0].islower()}
    for run in _runs(text, words):
        unknown = [match for match in run if not _explained(match[0], small)]
        if len(unknown) == 1 and not _alone(text, unknown[0], small):
            continue
        if unknown and not _EPONYM.match(text, unknown[-1].end()):
            first, last = _widened(text, run, unknown)
            yield first.start(), last.end()


def _runs(text: str, words: list[re.Match[str]]) -> Iterator[list[re.Match[str]]]:
    """Capital words that follow one another, joined as the parts of one name are."""
    run: list[re.Match[str]] = []
    for match in words:
        capital = bool(_TITLE.fullmatch(match[0]) or _CAPITALS.fullmatch(match[0]))
        if not capital and run and match[0] in _PARTICLES:
            continue  # "Maria de la Cruz": what stands between is looked at with the next capital word
        if run and not (capital and _JOINT.fullmatch(text[run[-1].end() : match.start()])):
            yield run
            run = []
        if capital:
            run.append(match)
    if run:
        yield run


def _alone(text: str, match: re.Match[str], small: set[str]) -> bool:
    """Whether one capital word that nothing explains is a name: in a sentence of small words, not at its beginning."""
    told = _TITLE.fullmatch(match[0]) and len(match[0]) > 3 and len(small) > 2
    return bool(told) and not _ENDS.search(text[max(0, match.start() - 8) : match.start()])


def _widened(
    text: str, run: list[re.Match[str]], unknown: list[re.Match[str]]
) -> tuple[re.Match[str], re.Match[str]]:
    """From the first to the last part of a name, with what a particle joins, and names beside it that are words too."""
    first, last = run.index(unknown[0]), run.index(unknown[-1])
    if first and (_may_name(run[first - 1][0]) or _is_joined(text, run[first - 1], run[first])):
        first -= 1
    if last + 1 < len(run) and (_may_name(run[last + 1][0]) or _is_joined(text, run[last], run[last + 1])):
        last += 1
    return run[first], run[last]


def _is_joined(text: str, one: re.Match[str], two: re.Match[str]) -> bool:
    return any(character.isalpha() for character in text[one.end() : two.start()])


def _may_name(word: str) -> bool:
    plain = word.casefold()
    return plain in _western() or plain in surname_spellings() or plain in _kind("eponym")


def _explained(word: str, small: set[str]) -> bool:
    """Whether a capital word is a word: of a list, or written small elsewhere in the text."""
    if word.casefold() in small or _is_word(word):
        return True
    return word.isupper() and (len(word) < 3 or not re.search("[AEIOUY]", word))


def _is_word(word: str) -> bool:
    plain = re.sub(r"['’]s$", "", word.casefold())
    if plain in _words() or all(part in _words() for part in re.split(r"['’-]", plain)):
        return True
    return any(
        plain.endswith(end) and len(plain) > len(end) + 3 and _root(plain[: -len(end)]) for end in _SUFFIXES
    )


def _root(word: str) -> bool:
    return word in _words() or word + "e" in _words() or word + "y" in _words()


@cache
def _words() -> frozenset[str]:
    ours = {word for kind in ("common", "report", "time", "country", "eponym") for word in _kind(kind)}
    return frozenset(ours) | vocabulary.item_words() | vocabulary.product_words()


@cache
def _kind(kind: str) -> frozenset[str]:
    lines = files(__package__).joinpath("prose_words.csv").read_text("utf-8").splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return frozenset(word for row in rows if row["kind"] == kind for word in row["words"].split())


@cache
def _western() -> frozenset[str]:
    lines = files(__package__).joinpath("western_names.csv").read_text("utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))
