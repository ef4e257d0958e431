"""Where people are called by name in Chinese and pinyin text: by label, by title, by what follows, by themselves.

No dictionary holds all names, so a place counts when several things agree: a surname, one or two characters
that names are made of, and a neighbour that names have. The figures of what is missed and what is taken for a
name by mistake stand in docs/deidentification.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files

from medassay.datasets.deidentify import vocabulary
from medassay.datasets.deidentify.chinese_names import is_pinyin, surname_spellings, surnames
from medassay.datasets.deidentify.likeliest_names import is_made_of_words, likeliest_names

Span = tuple[int, int]
HAN = "\u4e00-\u9fff"

LABEL = (
    r"(?:患者|病人|患儿|产妇|受检者|受试者|家属|联系人|监护人|委托人|送检|申请|报告|审核|诊断|记录|"
    r"签名|签字|操作|检查|主治|主管|责任|接诊|经治|会诊|主刀|助手)?"
    r"(?:姓名|名字|签名|签字|医师|医生|大夫|护士|技师|技术员|操作者|检查者|记录者|报告者|审核者|"
    r"联系人|监护人|家属|签发人|送检人|采集人|收件人|录入|患者信息)"
)
_LABELLED = re.compile(
    rf"{LABEL}(?:为|是)?[ \t]*(?:[:：=】\]]|[ \t])[ \t]*(?P<name>[{HAN}](?:[ \t]?[{HAN}·]){{1,4}})"
)
_PERSON = re.compile(
    rf"(?:患者|病人|患儿|受试者|家属|父亲|母亲|丈夫|妻子|儿子|女儿|其父|其母|其妻|其夫|其子|其女|"
    rf"联系人|监护人|收件人|姓名|名叫|名为|通知|因|由|请|予|经|同|联系|医生|医师|主任|教授|护士|"
    rf"技师)(?=(?P<name>[{HAN}]{{2,4}}))"
)
_TITLED = re.compile(
    rf"(?P<name>[{HAN}]{{2,4}}?)(?:先生|女士|小姐|医生|医师|大夫|副?主任|教授|护士长?|技师|老师|同志|"
    rf"阿姨|大爷|大妈|奶奶|爷爷)"
)
_SURNAME_TITLED = re.compile(
    rf"(?<![{HAN}])(?P<name>[{HAN}]{{1,2}})(?=先生|女士|小姐|医生|医师|大夫|主任|教授|护士|老师|同志|"
    rf"阿姨|大爷)"
)
_FOLLOWED = re.compile(
    rf"(?<![{HAN}])(?P<name>[{HAN}](?: ?[{HAN}]){{1,3}})(?=[ \t]*[，,、/|;；(（ \t][ \t]*(?:男|女|"
    rf"[MF]\b|\d{{1,3}}岁))"
)
_ALONE = re.compile(rf"(?<![{HAN}A-Za-z0-9])(?P<name>[{HAN}]{{2,4}})(?![{HAN}])")
_SPACED = re.compile(
    rf"(?<![{HAN}A-Za-z0-9])[{HAN}](?:[ \t]{{1,2}}[{HAN}]){{1,3}}(?![{HAN}]|[ \t][{HAN}](?![{HAN}]))"
)
_ITEM = re.compile(rf"(?<![{HAN}A-Za-z0-9])(?P<name>[{HAN}]{{2,4}})(?![{HAN}A-Za-z0-9])")
_AND = "、，,;；/"
_LATIN = r"[A-Z][a-z]{1,6}|[A-Z]{2,6}"
_PINYIN = re.compile(
    # Looked for at every word, so that "Called Zhang Wei" is tried at "Zhang" too.
    rf"(?<![A-Za-z])(?=(?P<one>{_LATIN})(?:\^|, ?|[ _-])(?P<two>[A-Z][a-z]{{1,9}}|"
    rf"[A-Z]{{2,10}})(?:[ ^_'-](?P<three>{_LATIN}))?(?![A-Za-z]))"
)
_LATIN_LABEL = re.compile(
    r"(?:patient(?:'s)?[ _]?name|pat(?:ient)?[ _]?name|name|physician|doctor|operator|technician|"
    r"technologist|reported by|"
    r"signed by|read by|performed by|referring|radiologist|nurse|xingming|patient)[ \t]*[:：=][ \t]*"
    r"(?P<name>[A-Za-z][A-Za-z'.-]*(?:(?:\^|, ?|[ _])[A-Za-z][A-Za-z'.-]*){0,3})",
    re.IGNORECASE,
)
_LATIN_TITLE = re.compile(
    r"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Professor|"
    r"Doctor)(?:\.[ ]?|[ ]+)(?P<name>[A-Z][A-Za-z'-]+(?:[ ][A-Z][A-Za-z'-]+){0,2})"
)
# Behind a word for a person, at least two capital words of which no list holds one; behind a mark one is enough.
_LATIN_ROLE = re.compile(
    r"\b(?i:patient|pt|mother|father|husband|wife|daughter|son|sister|brother|nurse|doctor|physician|radiologist|"
    r"operator|technician|surgeon|named|called)(?P<mark>[:,])?[ ]+"
    r"(?P<name>[A-Z][A-Za-z'’-]+(?: [A-Z][A-Za-z'’-]+){0,2})(?![A-Za-z])"
)
# A run of characters that a label tells to be a name, however it is made up.
_LONG_LABELLED = re.compile(
    rf"{LABEL}(?:为|是)?[ \t]*[:：=】\]][ \t]*(?P<name>[{HAN}]{{4,9}})(?=[ \t]*(?:[，,。;；、\n\r|)）/]|$|[男女0-9]))"
)
# Characters that write the sounds of other languages (Uyghur, Mongolian, Tibetan, Kazakh names): a whole run of them
# between a word for a person and the next mark, or before a title, is a name.
_SOUNDS = (
    "阿艾巴白班包贝布才措达丹德迪丁顿多额尔格古哈海合赫加吉江卡开克库拉莱兰朗勒丽力利里林伦罗洛玛买麦曼米木穆娜纳尼"
    "努诺帕普其奇齐热仁萨赛珊桑沙斯苏索塔泰坦特提图吐托瓦旺维乌西希夏辛逊雅亚延耶依伊益英尤玉扎孜则泽珍卓祖尊"
    "卜曼合汗措姆顿杜珠次云尕嘎娅肉帖牙甫别叶"
)
# Four of them and more are a name wherever they stand, unless they are one of these.
_NO_NAMES_BY_SOUND = re.compile(
    "维拉帕米|伊布利特|克拉玛依|齐齐哈尔|哈萨克斯坦|塔吉克斯坦|土库曼斯坦|斯里兰卡|阿尔及利亚|利比里亚|阿尔巴尼亚|达比加群|"
    "阿尔茨海默|阿尔兹海默|巴利昔单抗|利多卡因|布比卡因|地拉罗司|多塔米尔|特布他林"
)
_BY_SOUND = re.compile(rf"[{_SOUNDS}]{{4,9}}")
_TRANSCRIBED = re.compile(
    rf"(?:患者|病人|患儿|产妇|受检者|受试者|家属|医生|医师|大夫|护士|技师|主任|教授|父亲|母亲|丈夫|妻子|儿子|女儿)"
    rf"(?P<name>[{_SOUNDS}]{{3,8}})(?![{HAN}])"
    rf"|(?<![{HAN}])(?P<titled>[{_SOUNDS}]{{3,8}})(?=先生|女士|医生|医师|大夫|主任|教授|护士|技师|老师)"
)
_GLUED = re.compile(r"(?<![A-Za-z])(?P<name>[A-Z][a-z]{1,5}[A-Z][a-z]{1,9})(?![A-Za-z])")
BEFORE_NAME = frozenset("者人员师床患由请经予嘱与和为对给因其、，,；;：: 。（(【]】\n\t")
_STOPS = {"none", "unknown", "n/a", "na", "nil", "anonymous", "male", "female", "see above", "as above"}


def chinese_names(text: str, *, likeliest: bool = True) -> Iterator[Span]:
    """Places of names in characters, wherever else they stand too; `text` has no full-width letters.

    Parameters
    ----------
    likeliest : bool
        Also those that only their likelihood tells (`likeliest_names`). They are not looked for where words stand
        without a text around them: half of the eponyms of medicine are likely names.
    """
    found = merged([*_chinese_names(text), *(likeliest_names(text) if likeliest else ())])
    found = merged([*found, *_enumerated(text, found)])
    yield from found
    for name in {text[start:end] for start, end in found if end - start >= 2}:
        for match in re.finditer(re.escape(name), text):
            yield match.span()


def _enumerated(text: str, found: list[Span]) -> Iterator[Span]:
    """Neighbours of a name in an enumeration that may be names: one by one, as far as they reach."""
    starts, ends = {start for start, _ in found}, {end for _, end in found}
    items = [match.span("name") for match in _ITEM.finditer(text)]
    for order in (items, list(reversed(items))):
        for start, end in order:
            beside = text[end : end + 1] in _AND and _next(text, end) in starts
            beside |= text[start - 1 : start] in _AND and _before(text, start) in ends
            if beside and text[start:end] not in vocabulary.chinese_words() and _family(text[start:end]):
                starts.add(start)
                ends.add(end)
                yield start, end


def _next(text: str, end: int) -> int:
    return end + 1 + (text[end + 1 : end + 2] == " ")


def _before(text: str, start: int) -> int:
    return start - 1 - (text[start - 2 : start - 1] == " ")


def _family(run: str) -> bool:
    """Whether a run of two to four characters begins with a surname and leaves one or two for the given name."""
    return any(run[:size] in surnames() and len(run) - size in (1, 2) for size in (1, 2))


def _chinese_names(text: str) -> Iterator[Span]:
    for match in _LABELLED.finditer(text):
        yield from _at(text, match.start("name"), match.end("name"), sure=True)
    for pattern in (_PERSON, _FOLLOWED, _TITLED):
        for match in pattern.finditer(text):
            yield from _inside(text, match.start("name"), match.end("name"), from_end=pattern is _TITLED)
    for match in _LONG_LABELLED.finditer(text):
        if not is_made_of_words(match["name"]):
            yield match.span("name")
    for match in _TRANSCRIBED.finditer(text):
        yield match.span("name" if match["name"] else "titled")
    yield from _anywhere(text)
    yield from _spaced(text)
    for match in _SURNAME_TITLED.finditer(text):
        if match["name"] in surnames():
            yield match.span("name")
    for match in _ALONE.finditer(text):
        size = _name_length(match["name"])
        if size == len(match["name"]) and size >= 2:
            yield match.span("name")


def _anywhere(text: str) -> Iterator[Span]:
    """A surname and characters that names are often made of, in the midst of a text.

    Two such characters are enough; a single one only behind a mark or a word for a person, and before a mark.
    """
    family_names, given = surnames(), _given()
    for at, character in enumerate(text):
        if character not in family_names and text[at : at + 2] not in family_names:
            continue
        run = re.match(rf"[{HAN}]{{2,5}}", text[at : at + 5])
        if run is None or run[0].startswith(_no_names()[1]):
            continue
        family = 2 if text[at : at + 2] in family_names else 1
        first = run[0][family : family + 1]
        both = run[0][family : family + 2]
        if len(both) == 2 and all(one in given for one in both) and both not in _no_names()[1]:
            yield at, at + family + 2
        elif first in given and len(run[0]) == family + 1 and (at == 0 or text[at - 1] in BEFORE_NAME):
            yield at, at + family + 1


def _spaced(text: str) -> Iterator[Span]:
    """Characters that stand apart, one by one, and are a name together."""
    for match in _SPACED.finditer(text):
        run = re.sub(r"[ \t]", "", match[0])
        if _name_length(run) == len(run):
            yield match.span()


def transcribed_names(text: str) -> Iterator[Span]:
    """Names written by sound in the midst of a text, with nothing beside them that says so.

    Examples
    --------
    >>> [text[a:b] for text in ["驾车送扎西顿珠至门诊，服维拉帕米"] for a, b in transcribed_names(text)]
    ['扎西顿珠']
    """
    for match in _BY_SOUND.finditer(text):
        if not is_made_of_words(match[0]) and not _NO_NAMES_BY_SOUND.search(match[0]):
            yield match.span()


def latin_names(text: str) -> Iterator[Span]:
    """Places of names in pinyin or other Latin letters."""
    for match in _LATIN_LABEL.finditer(text):
        if match["name"].casefold() not in _STOPS:
            yield match.span("name")
    for match in _LATIN_TITLE.finditer(text):
        yield match.span("name")
    for match in _LATIN_ROLE.finditer(text):
        yield from _behind_role(match)
    for match in _PINYIN.finditer(text):
        yield from _pinyin(match)
    for match in _GLUED.finditer(text):
        parts = re.findall(r"[A-Z][a-z]+", match["name"])
        if (
            all(is_pinyin(part) and not _is_word(part) for part in parts)
            and parts[0].lower() in surname_spellings()
        ):
            yield match.span("name")


def _behind_role(match: re.Match[str]) -> Iterator[Span]:
    """The capital words behind a word for a person, up to the first that a list holds."""
    end, count = match.start("name"), 0
    for word in re.finditer(r"[A-Za-z'’-]+", match["name"]):
        if any(_is_word(part) for part in re.findall(r"[A-Za-z]+", word[0]) if len(part) > 1):
            break
        end, count = match.start("name") + word.end(), count + 1
    if count >= (1 if match["mark"] == ":" else 2):
        yield match.start("name"), end


def _pinyin(match: re.Match[str]) -> Iterator[Span]:
    parts = [part for part in (match["one"], match["two"], match["three"]) if part]
    while len(parts) >= 2:
        named = any(part.lower() in surname_spellings() for part in (parts[0], parts[-1]))
        given = parts[1:] if parts[0].lower() in surname_spellings() else parts[:-1]
        family = parts[0] if given == parts[1:] else parts[-1]
        # Words that are syllables too ("An", "Long") are a given name behind a surname that is no word.
        plain = all(map(is_pinyin, parts)) and not (all(map(_is_word, given)) and _is_word(family))
        if named and plain and len({_case(part) for part in parts}) == 1:
            yield match.start("one"), match.end("three" if len(parts) == 3 else "two")
            return
        parts.pop()


def _case(word: str) -> str:
    return "upper" if word.isupper() else "title" if word[0].isupper() else "lower"


def _is_word(word: str) -> bool:
    return word.casefold() in vocabulary.words()


def _at(text: str, start: int, end: int, *, sure: bool) -> Iterator[Span]:
    """A name that begins here, at most as long as a surname and two characters allow."""
    run = re.sub(r"[ \t·]", "", text[start:end])
    size = _name_length(run)
    if sure and len(run) <= 3 and not run.startswith(_no_names()[1]):
        size = len(run)  # behind a label and before a mark it is a name, whatever it is made of
    if size >= 2:
        yield start, _reach(text, start, size)


def _inside(text: str, start: int, end: int, *, from_end: bool) -> Iterator[Span]:
    """A name somewhere in a run: at its beginning, or (before a title) at its end."""
    starts = range(start, end - 1) if from_end else (start,)
    for first in starts:
        run = re.sub(r"[ \t]", "", text[first:end])
        size = _name_length(run)
        if size >= 2 and (not from_end or size == len(run)):
            yield first, _reach(text, first, size)
            return


def _reach(text: str, start: int, size: int) -> int:
    """The end of `size` characters from here, spaces not counted."""
    at, left = start, size
    while left and at < len(text):
        left -= text[at] not in " \t·"
        at += 1
    return at


def _name_length(run: str) -> int:
    """Length of the name that a run begins with: 2 to 4, or 0."""
    if run.startswith(_no_names()[1]) or run in vocabulary.chinese_words():
        return 0
    family = 2 if run[:2] in surnames() else 1 if run[:1] in surnames() else 0
    if not family:
        return 0
    given = 0
    for character in run[family : family + 2]:
        place = family + given
        if character in _no_names()[0] or run[place : place + 2] in _no_names()[1]:
            break
        given += 1
    return family + given if given else 0


@cache
def _given() -> frozenset[str]:
    """Characters that given names are often made of."""
    return frozenset(files(__package__).joinpath("given_characters.csv").read_text("utf-8").splitlines()[2:])


@cache
def _no_names() -> tuple[frozenset[str], tuple[str, ...]]:
    """Characters that given names are not made of; words that begin like a surname."""
    lines = files(__package__).joinpath("no_names.csv").read_text("utf-8").splitlines()[2:]
    return frozenset(line for line in lines if len(line) == 1), tuple(line for line in lines if len(line) > 1)


def merged(spans: Iterable[Span]) -> list[Span]:
    """Spans in order, overlapping ones as one.

    Examples
    --------
    >>> merged([(4, 6), (0, 2), (1, 3)])
    [(0, 3), (4, 6)]
    """
    out: list[Span] = []
    for start, end in sorted(spans):
        if out and start < out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out
