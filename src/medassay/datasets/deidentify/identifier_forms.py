"""Identifiers that tell themselves by their form: cards, permits, plates, accounts, names with marks, days in words,
addresses by their chain of numbers and parts of a town.

Text has plain letters and digits (`free_text.folded`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

Form = Literal["name", "telephone", "number", "date", "contact", "address"]
HAN = "\u4e00-\u9fff"
_EDGE, _STOP = r"(?<![0-9A-Za-z.])", r"(?![0-9A-Za-z]|\.\d)"
_DIGIT = "一二三四五六七八九〇零○"
_MONTH = r"(?:january|february|march|april|may|june|july|august|september|october|november|december)"
_ORDINAL = (
    r"(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth|fourteenth|"
    r"fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|thirtieth|(?:twenty|thirty)-[a-z]{5,7}|\d{1,2}(?:st|nd|rd|th))"
)
_STREET = (
    r"(?:Road|Rd|Street|Avenue|Ave|Lane|Boulevard|Blvd|Crescent|Terrace|Drive|Way|Close|Court|Place|Square|Gardens|Grove|"
    r"Row|Hill|Parade|Highway|Lu|Jie|Dajie|Dadao|Xiang|Hutong|Nong)"
)
_CAPITAL = r"[A-Z][A-Za-z'’-]{1,20}"
_BLOCK = r"(?:Blk|Block|Tower|Building|Bldg)\.? ?(?:[A-Z]|\d{1,4})\b"
_FLAT = r"(?:Rm|Room|Flat|Unit|Apt|Suite)\.? ?[A-Z]?\d{1,5}[A-Z]?\b"
# Codes of the post: of Britain, of the United States and Canada with their state, of a district.
_POST = r"(?:[A-Z]{1,2}\d[0-9A-Z]? \d[A-Z]{2}|[A-Z]{2} \d{5}(?:-\d{4})?|(?:[A-Z]{2} )?[A-Z]\d[A-Z] \d[A-Z]\d|\d{1,2})"
_TOWN = (
    rf"(?:, ?{_CAPITAL}(?: {_CAPITAL})? {_POST}(?![0-9A-Za-z])|, ?{_POST}(?![0-9A-Za-z])|"
    rf", ?{_CAPITAL}(?: {_CAPITAL})?(?=[,.;\n]|$)){{0,3}}"
)
_FORMS: tuple[tuple[Form, re.Pattern[str]], ...] = (
    # Landlines with their groups apart, numbers of Hong Kong and Macao, service numbers.
    ("telephone", re.compile(rf"{_EDGE}(?:\(0\d{{2,3}}\) ?|0\d{{2,3}}[-. ])\d{{3,4}}[-. ]?\d{{3,4}}{_STOP}")),
    ("telephone", re.compile(rf"(?<![0-9A-Za-z.])(?:\+|00)85[23][- ]?\d{{4}}[- ]?\d{{4}}{_STOP}")),
    ("telephone", re.compile(rf"{_EDGE}[2-9]\d{{3}} \d{{4}}{_STOP}(?! ?\d)")),
    ("telephone", re.compile(rf"{_EDGE}(?:400\d?|800\d?)-\d{{3}}-\d{{3,4}}{_STOP}")),
    # With a point or a dash where telephones have none, and in two halves of four that are no round bounds of a range.
    ("telephone", re.compile(rf"{_EDGE}(?:0\d{{2,3}}|1[3-9]\d)\.\d{{7,8}}{_STOP}")),
    ("telephone", re.compile(rf"{_EDGE}1[3-9]\d{{2}}-\d{{7}}{_STOP}")),
    ("telephone", re.compile(rf"{_EDGE}(?!\d{{2}}00-|\d{{4}}-\d{{2}}00)[2-9]\d{{3}}-\d{{4}}{_STOP}")),
    # Marks between thousands, an exponent behind seven digits, digits in words, letters before six digits.
    ("number", re.compile(
        rf"{_EDGE}\d{{1,3}}(?P<mark>[,.])\d{{3}}(?:(?P=mark)\d{{3}})+{_STOP}(?! ?(?:IU|U\b|copies|cells|[/×x]))"
    )),
    ("number", re.compile(rf"{_EDGE}\d[.,]\d{{6,17}}[eE]\+?\d{{1,2}}{_STOP}")),
    ("number", re.compile("[一二三四五六七八九〇零○]{7,20}|[壹贰叁肆伍陆柒捌玖零]{6,20}")),
    ("number", re.compile(r"(?<![0-9A-Za-z])[A-Z]{2,4}\d{6}(?![0-9A-Za-z])")),
    # With the code of a country; of Britain and Taiwan; extensions.
    ("telephone", re.compile(rf"(?<![0-9A-Za-z.])\+\d{{1,3}}(?:[ -]?\(?\d{{1,5}}\)?){{2,5}}{_STOP}")),
    ("telephone", re.compile(rf"{_EDGE}0\d{{1,4}}[ -]\d{{3,4}}[ -]?\d{{3,4}}{_STOP}")),
    ("telephone", re.compile(r"\b(?:ext|extension|bleep|pager)\.? ?\d{3,6}\b", re.IGNORECASE)),
    # Cards of banks in groups of four; cards and permits of Hong Kong with the check digit in brackets.
    ("number", re.compile(rf"{_EDGE}[3-6]\d{{3}}(?:[ -]\d{{4}}){{2,3}}(?:[ -]\d{{1,7}})?{_STOP}")),
    ("number", re.compile(r"(?<![0-9A-Za-z])[A-Z]{1,2}\d{6,8}\([0-9A]\)")),
    ("number", re.compile(r"[军文士兵官]字第?\d{5,9}号?")),
    (
        "number",
        re.compile(
            r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z]"
            r"[·.\- ]?[A-HJ-NP-Z0-9]{5,6}(?![0-9A-Za-z])"
        ),
    ),
    ("contact", re.compile(r"(?<![0-9A-Za-z])(?:wx(?:id)?[_-][0-9A-Za-z_-]{4,30}|[a-z]{2,20}_(?:19|20)\d\d)"
                           r"(?![0-9A-Za-z])")),
    ("contact", re.compile(r"(?:weibo|微博|抖音|小红书|whatsapp|telegram)[ :]{0,3}@?[^\s,;。]{2,40}", re.IGNORECASE)),
    # Number, name of a street and its kind; a flat or floor with its block; Chinese flats without the word for them.
    ("address", re.compile(
        rf"(?<![0-9A-Za-z.])(?:No\.? ?)?\d{{1,5}}[A-Z]?,? (?:{_CAPITAL} ){{1,4}}{_STREET}\b\.?"
        rf"(?:,? ?(?:{_BLOCK}|{_FLAT}))*{_TOWN}"
    )),
    ("address", re.compile(rf"\b(?:{_CAPITAL} ){{1,3}}{_STREET},? (?:No\.? ?)?\d{{1,5}}(?![0-9%]|\.\d){_TOWN}")),
    ("address", re.compile(
        rf"(?<![0-9A-Za-z])(?:{_FLAT}|\d{{1,3}}/F),? ?{_BLOCK}(?:, ?{_CAPITAL}(?: {_CAPITAL}){{0,4}})?"
    )),
    ("address", re.compile(
        rf"[{HAN}]{{2,4}}(?:区|县|市|旗)[{HAN}0-9A-Za-z]{{2,14}}?\d{{1,4}}(?:号楼|号院|楼|栋|幢|座)\d{{2,4}}室?"
    )),
    ("address", re.compile(
        rf"[{HAN}]{{1,6}}(?:苑|园|小区|公寓|新村|大厦|广场)\d{{1,3}}-(?:\d{{1,3}}-)?\d{{3,4}}(?![0-9-]|\.\d)"
    )),
    ("address", re.compile(
        rf"[{HAN}]{{2,8}}[道街路徑里邨]\d{{1,4}}(?:-\d{{1,4}})?[號号](?:[{HAN}]{{0,6}}\d{{1,3}}[樓楼F])?(?:[A-Z0-9]{{1,4}}室)?"
    )),
    ("address", re.compile(rf"[{HAN}]{{2,8}}(?:旗|镇|乡|县|苏木)[{HAN}]{{2,8}}(?:嘎查|苏木|牧场|林场|团场)")),
    # Words that join a name with the father's.
    ("name", re.compile(
        r"\b[A-Z][a-z'’-]{1,14} (?:bin|binti|ibn|oglu|oghli|uulu|kyzy|qizi) [A-Z][a-z'’-]{1,14}"
        r"(?: [A-Z][a-z'’-]{1,14})?\b"
    )),
    # Names of minorities and foreigners are joined by a dot that no other word has.
    ("name", re.compile(rf"[{HAN}]{{1,6}}(?:[·•‧・][{HAN}]{{1,6}})+")),
    ("date", re.compile(
        rf"[{_DIGIT}]{{2,4}}年[正{_DIGIT}十冬腊]{{1,3}}月(?:初?[{_DIGIT}十廿卅]{{1,3}}[日号]?)?"
        rf"|[甲乙丙丁戊己庚辛壬癸][子丑寅卯辰巳午未申酉戌亥]年(?:[正{_DIGIT}十冬腊]{{1,3}}月)?(?:初?[{_DIGIT}十廿卅]{{1,3}}[日号]?)?"
        r"|(?<!\d)\d{2}年\d{1,2}月\d{1,2}[日号]|属[鼠牛虎兔龙蛇马羊猴鸡狗猪](?:[正冬腊]月)?"
    )),
    ("date", re.compile(
        r"(?<![\d./-])[4-9]\d(?P<day>[/.-])(?:0?[1-9]|1[0-2])(?P=day)(?:0?[1-9]|[12]\d|3[01])(?![\d./-])"
    )),
    ("date", re.compile(
        "[正一二三四五六七八九十冬腊]{1,2}月(?:初[一二三四五六七八九十]|[十廿][一二三四五六七八九]|二十|三十)[日号]?"
    )),
    ("date", re.compile(r"(?<![\d.])(?:0?[1-9]|[12]\d|3[01])\.(?:0?[1-9]|1[0-2])\.\d{2}(?![\d.])")),
    ("date", re.compile(r"(?<![\d./])(?:0?[1-9]|[12]\d|3[01])/(?:0?[1-9]|[12]\d|3[01])/\d{2}(?![\d/])")),
    ("date", re.compile(
        rf"\b{_ORDINAL} (?:day )?of {_MONTH}(?:[ ,]+(?:nineteen|twenty|two thousand)[a-z -]{{0,24}})?", re.IGNORECASE
    )),
)  # fmt: skip
_WORD = re.compile(r"[A-Za-zÀ-ɏ]+(?:['’][A-Za-zÀ-ɏ]+)*")
_TONED = re.compile(r"[āǎēěīǐōǒūǔǖǘǚǜ]", re.IGNORECASE)


def identifiers(text: str) -> Iterator[tuple[int, int, Form]]:
    """Places with their kinds.

    Examples
    --------
    >>> [text[a:b] for text in ["患者买买提·吐尔逊, 车牌浙A·8K3F2"] for a, b, _ in identifiers(text)]
    ['浙A·8K3F2', '患者买买提·吐尔逊']
    >>> list(identifiers("3500-9500, 120/80/60, Ménière, 10.5"))
    []
    """
    for kind, form in _FORMS:
        for match in form.finditer(text):
            yield (*match.span(), kind)
    yield from _toned_names(text)


def _toned_names(text: str) -> Iterator[tuple[int, int, Form]]:
    """Pinyin with its tones, as only names are written in the midst of a text; capital words beside it belong to it."""
    words = list(_WORD.finditer(text))
    for at, match in enumerate(words):
        if not _TONED.search(match[0]):
            continue
        start, end = match.span()
        for other in words[at + 1 : at + 3]:
            if text[end : other.start()] in (" ", "-", "^", ", ") and other[0][0].isupper():
                end = other.end()
        for other in reversed(words[max(at - 2, 0) : at]):
            if text[other.end() : start] in (" ", "-", "^", ", ") and other[0][0].isupper():
                start = other.start()
        yield start, end, "name"
