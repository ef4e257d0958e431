"""Identifiers in running text, Chinese and English: found by their form, by their label, and by what is known.

A text is read through `folded`, which turns full-width letters into plain ones and keeps every place, so that
what is not marked leaves as it came. What has been decoded wrongly on its way here ("ÕÅÎ°", "å¼ ä¼Ÿ", "寮犱紵") is
read as it was meant and marked as a whole when it names somebody.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from medassay.datasets.deidentify import resident_id
from medassay.datasets.deidentify.identifier_forms import identifiers
from medassay.datasets.deidentify.name_finding import HAN, Span, chinese_names, latin_names, transcribed_names
from medassay.datasets.deidentify.prose_names import prose_names

Kind = Literal["name", "resident_id", "telephone", "address", "number", "date", "contact", "age"]
# Where two marks overlap, the earlier of these tells what both are.
KINDS: tuple[Kind, ...] = (
    "resident_id", "telephone", "contact", "number", "address", "date", "name", "age",
)  # fmt: skip
SHORTEST_KNOWN = 2
OLDEST = 89
ROUNDS = 4

_SEPARATORS = re.compile(r"[\s^=,_.·-]+")
_GAP = r"[ \t-]?"
_RESIDENT = re.compile(
    rf"(?<![0-9A-Za-z])[1-9]\d{{5}}{_GAP}(?:18|19|20)\d{{2}}{_GAP}\d{{4}}{_GAP}\d{{3}}[0-9Xx](?![0-9A-Za-z])"
    r"|(?<![0-9A-Za-z])[1-9]\d{14}(?![0-9A-Za-z])"
)
_TELEPHONE = re.compile(
    r"(?<![0-9A-Za-z.])(?:(?:\+|00)?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?![0-9A-Za-z])"
    r"|(?<![0-9A-Za-z.])(?:\(0\d{2,3}\)[ ]?|0\d{2,3}[- ]?)\d{7,8}(?:[-转]\d{1,5})?(?![0-9A-Za-z]|\.\d)"
    r"|(?<![0-9A-Za-z.])(?:400|800)-?\d{3}-?\d{4}(?![0-9A-Za-z])"
    r"|\(\d{3}\) ?\d{3}-\d{4}|(?<!\d)\d{3}-\d{3}-\d{4}(?!\d)"
)
_TELEPHONE_LABEL = re.compile(
    r"(?:电话|手机|联系方式|联络方式|tel|phone|mobile|fax|传真)(?:号码?|"
    r"号)?[ \t]*[:：]?[ \t]*(?P<value>[+\d][\d \t()-]{5,18}\d)",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"(?:(?:住院|门诊|急诊|病历|病案|检查|检验|影像|放射|超声|病理|心电|脑电|内镜|医保|社保|医疗保险|"
    r"参保|就诊卡?|诊疗卡|就诊|登记|申请单?|条码|标本|样本|床|档案|"
    r"流水|序列|身份证|证件|护照|军官证|健康卡|体检|处方|发票|CT|MRI?|DR|X线|X光|US|片|ID|病人|"
    r"患者)(?:登记|证件|卡|单)?(?:号码?|编号|卡号|ID)|(?:卡号|编号|工号|学号)|"
    r"\b(?:MRN|PID|UID|patient[ _]?(?:ID|No)|accession(?:[ _]?(?:no|number))?|acc|case[ _]?no|"
    r"hospital[ _]?no|record[ _]?no|"
    r"visit[ _]?no|SSN|passport(?:[ _]?no)?|id(?:[ _]?(?:no|number|card))?)\b)\.?"
    r"[ \t]*(?:为|是|[:：#=])?[ \t]*(?P<value>[A-Za-z]{0,6}[-]?\d[0-9A-Za-z-]{0,24})",
    re.IGNORECASE,
)
# A number of seven digits or more that is no measure is somebody's or something's, whatever stands before it.
_UNLABELLED = re.compile(
    r"(?<![0-9A-Za-z.,-])[A-Z]{0,4}\d{7,24}(?![0-9A-Za-z^]|[.,]\d|[ \t]?(?:[×x*/%^]|IU|U\b|拷贝|copies|cells|个))"
)
_CONTACT = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,64}(?:\.[A-Za-z0-9-]+)+|(?:https?://|www\.)[^\s,;，。；）)]+"
    r"|(?:微信|微信号|QQ|QQ号|WeChat|邮箱)[ \t]*[:：]?[ \t]*(?P<value>[A-Za-z0-9_@.-]{5,40})",
    re.IGNORECASE,
)
_PROVINCE = (
    "北京|天津|上海|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|"
    "广东|海南|四川|贵州|云南|陕西|甘肃|青海|台湾|"
    "内蒙古|广西|西藏|宁夏|新疆|香港|澳门"
)
_PART = rf"[{HAN}]{{1,8}}?"
_ROAD = (
    rf"[{HAN}A-Za-z0-9]{{1,12}}?(?:路|街道?|大道|大街|巷|胡同|里弄|弄|镇|乡|村|屯|庄|小区|花园|"
    rf"家园|公寓|新村|社区|苑|广场|大厦|组|队|号院|嘎查|苏木|牧场|林场|团场)"
)
_HOUSE = (
    r"(?:[ ]?[0-9A-Za-z一二三四五六七八九十甲乙-]{1,6}(?:号楼|号院|号|弄|栋|幢|座|单元|室|楼|层|组|户|门))"
)
_ADDRESS = re.compile(
    rf"(?:(?:{_PROVINCE})(?:省|市|自治区|壮族自治区|回族自治区|维吾尔自治区|"
    rf"特别行政区)?(?:{_PART}(?:市|自治州|地区|盟))?(?:{_PART}(?:区|县|旗|市))?"
    rf"|{_PART}(?:市|自治州|地区|盟){_PART}(?:区|县|旗|市|镇|乡))(?:{_ROAD}){{0,3}}{_HOUSE}{{0,5}}"
    rf"|(?:{_PART}(?:区|县|市))?{_ROAD}{_HOUSE}{{1,5}}"
)
_ADDRESS_LABEL = re.compile(
    rf"(?:住址|地址|家庭住址|现住址|居住地|户籍地?|户口所在地|籍贯|出生地|家住|工作单位|单位|"
    rf"address)[ \t]*(?:为|是|于|在|[:：])?[ \t]*"
    rf"(?P<value>[{HAN}A-Za-z0-9 \t()（）#-]{{2,48}}?)(?=[，,。；;、\n\r|]|电话|联系|手机|邮编|$)",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"(?<![0-9])(?P<y>1[89]\d{2}|20\d{2})(?P<s>[-/.年])[ ]?(?P<m>0?[1-9]|"
    r"1[0-2])(?P<t>[-/.月])[ ]?(?P<d>3[01]|[12]\d|0?[1-9])(?P<e>日?)(?![0-9])"
)
_PACKED = re.compile(
    r"(?<![0-9A-Za-z.])(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?![0-9A-Za-z.])"
)
_MONTHS = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_OTHER_DATE = re.compile(
    rf"(?<![0-9])\d{{1,2}}月\d{{1,2}}[日号]|\b\d{{1,2}}[ -]{_MONTHS}[ ,.-]+\d{{2,4}}\b|"
    rf"\b{_MONTHS}\.? \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}\b"
    r"|(?<![0-9./])(?:0?[1-9]|[12]\d|3[01])[./-](?:0?[1-9]|[12]\d|3[01])[./-](?:19|20)\d{2}(?![0-9])",
    re.IGNORECASE,
)
_BIRTH = re.compile(
    r"(?:出生(?:日期|年月日?)?|生日|生于|DOB|birth[ _]?(?:date|day)?|born)[ \t]*(?:on)?[:：]?[ \t]*$",
    re.IGNORECASE,
)
_AGE = re.compile(
    r"(?<![0-9])(?P<years>9\d|1[0-4]\d)(?=[ \t-]*(?:岁|周岁|years?[ -]?old|yrs?\b|y/?o\b))", re.IGNORECASE
)
_AGE_IN_WORDS = re.compile(
    "(?P<years>九十[一二三四五六七八九]?|一百[零〇一二三四五六七八九十]{0,3})(?=周?岁)"
)
_HIGH = re.compile(
    "[\u0080-\u00ff\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u2122]{3,}"
)
_HAN_RUN = re.compile(rf"[{HAN}\ue000-\uf8ff]{{3,}}")
# Three bytes a character of the common block; a name of an odd number of bytes may have lost its last one.
_UTF8_HAN = re.compile(rb"(?P<text>(?:[\xe4-\xe9][\x80-\xbf]{2}){2,})(?:[\xe4-\xe9][\x80-\xbf]?)?")
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}


@dataclass(frozen=True)
class Mark:
    """A place that identifies."""

    start: int
    end: int
    kind: Kind


@dataclass(frozen=True)
class Scrubbed:
    """A text without its marks, and how many of each kind there were."""

    text: str
    counts: Counter[Kind]


def folded(text: str) -> str:
    """Full-width letters, digits and marks as plain ones; every character keeps its place.

    Examples
    --------
    >>> folded("电话：１３８")
    '电话:138'
    """
    return text.translate(_FULL_WIDTH)


def find(text: str, known: Collection[str] = (), *, running: bool = True) -> list[Mark]:
    """Every mark, in order and without overlap.

    Parameters
    ----------
    known : collection of str
        Names and numbers of the people concerned, as their headers give them.
    running : bool
        Whether this is running text; not the name of a column, an item or a code, in which an eponym is no person.
    """
    plain = folded(text)
    marks = [*_by_form(plain), *_by_label(plain)]
    names = (*chinese_names(plain, likeliest=running), *latin_names(plain))
    if running:
        names += (*prose_names(plain), *transcribed_names(plain))
    marks += [Mark(*span, "name") for span in names]
    if running:
        marks += [
            Mark(*one.span(), "number")
            for one in _UNLABELLED.finditer(plain)
            if not _PACKED.fullmatch(one[0])
        ]
    marks += [Mark(*span, "name") for span in (*_known(plain, known), *_garbled(plain, known))]
    return _resolved(marks)


def scrub(text: str, known: Collection[str] = (), *, shift_days: int | None = None) -> Scrubbed:
    """Replace every mark by its kind in brackets; whole dates move, ages over 89 become 90.

    Parameters
    ----------
    shift_days : int, optional
        Days by which the subject's dates move back; default: dates are replaced like the rest.

    Examples
    --------
    >>> scrub("患者张伟，男，于2023-03-02就诊，电话13800138000。", shift_days=1).text
    '患者[name]，男，于2023-03-01就诊，电话[telephone]。'
    """
    counts = Counter[Kind]()
    out = _replaced(text, find(text, known), shift_days, counts)
    for _ in range(ROUNDS):  # what stands beside a name that went may look like another
        left = [mark for mark in find(out, known) if mark.kind not in ("date", "age")]
        if not left:
            break
        out = _replaced(out, left, shift_days, counts)
    return Scrubbed(out, counts)


def _replaced(text: str, marks: list[Mark], shift_days: int | None, counts: Counter[Kind]) -> str:
    out, at = [], 0
    plain = folded(text)
    for mark in marks:
        out += [text[at : mark.start], _instead(plain, mark, shift_days)]
        counts[mark.kind] += 1
        at = mark.end
    return "".join([*out, text[at:]])


def _instead(plain: str, mark: Mark, shift_days: int | None) -> str:
    if mark.kind == "age":
        return str(OLDEST + 1)
    if mark.kind == "date" and shift_days is not None and not _BIRTH.search(plain[: mark.start]):
        moved = _shifted(plain[mark.start : mark.end], shift_days)
        if moved:
            return moved
    return f"[{mark.kind}]"


def _shifted(text: str, days: int) -> str | None:
    """A whole date in the form that it had, moved; None where it has no year or may be read in two ways."""
    match = _DATE.fullmatch(text)
    packed = _PACKED.fullmatch(text)
    try:
        if match:
            moved = date(int(match["y"]), int(match["m"]), int(match["d"])) - timedelta(days=days)
            month = f"{moved.month:02d}" if len(match["m"]) == 2 else str(moved.month)
            day = f"{moved.day:02d}" if len(match["d"]) == 2 else str(moved.day)
            return f"{moved.year}{match['s']}{month}{match['t']}{day}{match['e']}"
        if packed:
            return (date.fromisoformat(text) - timedelta(days=days)).strftime("%Y%m%d")
    except (ValueError, OverflowError):
        return None
    return None


def _by_form(plain: str) -> Iterator[Mark]:
    for match in _RESIDENT.finditer(plain):
        if resident_id.is_alike(re.sub(r"[ \t-]", "", match[0])):
            yield Mark(*match.span(), "resident_id")
    for pattern, kind in (
        (_TELEPHONE, "telephone"),
        (_OTHER_DATE, "date"),
        (_DATE, "date"),
        (_PACKED, "date"),
    ):
        for match in pattern.finditer(plain):
            yield Mark(*match.span(), kind)  # type: ignore[arg-type]  # a string that the line before holds to its choices
    for start, end, form in identifiers(plain):
        yield Mark(start, end, form)
    for match in _ADDRESS.finditer(plain):
        if len(match[0]) >= 5:
            yield Mark(*match.span(), "address")
    for pattern in (_AGE, _AGE_IN_WORDS):
        for match in pattern.finditer(plain):
            yield Mark(*match.span("years"), "age")


def _by_label(plain: str) -> Iterator[Mark]:
    for pattern, kind in (
        (_TELEPHONE_LABEL, "telephone"),
        (_NUMBER, "number"),
        (_CONTACT, "contact"),
        (_ADDRESS_LABEL, "address"),
    ):
        for match in pattern.finditer(plain):
            group = "value" if "value" in pattern.groupindex and match["value"] is not None else 0
            if match.end(group) > match.start(group):
                yield Mark(*match.span(group), kind)  # type: ignore[arg-type]  # a string that the line before holds to its choices


def _known(plain: str, known: Collection[str]) -> Iterator[Span]:
    """Places of what is known, in any case, with anything that separates its parts."""
    letters = _SEPARATORS.sub("", plain).casefold()
    for value in known:
        first = next((part for part in _SEPARATORS.split(folded(value)) if part), "")
        if first.casefold() not in letters:
            continue  # most of what is known stands nowhere in a text
        parts = [part for part in _SEPARATORS.split(folded(value)) if part]
        joined = "".join(parts)
        if len(joined) < SHORTEST_KNOWN or (joined.isascii() and len(joined) < 4):
            continue
        orders = {tuple(parts), tuple(reversed(parts))} if joined.isascii() else {tuple(joined)}
        for order in orders:
            pattern = r"[\s^=,_.·-]*".join(re.escape(part) for part in order)
            edge = r"(?<![A-Za-z0-9])", r"(?![A-Za-z0-9])"
            text = f"{edge[0]}{pattern}{edge[1]}" if joined.isascii() else pattern
            for match in re.finditer(text, plain, re.IGNORECASE):
                yield match.span()


def _garbled(plain: str, known: Collection[str]) -> Iterator[Span]:
    """Runs of characters that are bytes read by a wrong character set, when what they meant names somebody."""
    for match in _HIGH.finditer(plain):
        if _meant(match[0]):  # text that nobody can read is worth less than the name that it may be
            yield match.span()
    for match in _HAN_RUN.finditer(plain):
        raw = match[0].encode("gb18030", "replace")
        if len(raw) != 2 * len(match[0]):
            continue  # characters of four bytes: no reading of UTF-8 as GBK gives them
        for inner in _UTF8_HAN.finditer(raw):
            if _names_somebody(inner["text"].decode("utf-8"), known):
                yield match.start() + inner.start() // 2, match.start() + (inner.end() + 1) // 2


def _names_somebody(meant: str, known: Collection[str]) -> bool:
    return bool(meant) and any(
        any(True for _ in found) for found in (chinese_names(meant), _known(meant, known), _by_form(meant))
    )


def _meant(run: str) -> str:
    """What a run of accented letters was before it was decoded wrongly; nothing where it is what it is."""
    for wrong, right in (
        ("latin-1", "utf-8"),
        ("cp1252", "utf-8"),
        ("latin-1", "gb18030"),
        ("cp1252", "gb18030"),
    ):
        try:
            meant = run.encode(wrong).decode(right)
        except (UnicodeEncodeError, UnicodeDecodeError):
            continue
        if any("\u4e00" <= character <= "\u9fff" for character in meant):
            return meant
    return ""


def _resolved(marks: list[Mark]) -> list[Mark]:
    """Overlapping marks as one, of the kind that tells most."""
    out: list[Mark] = []
    for mark in sorted(marks, key=lambda mark: (mark.start, -mark.end)):
        if out and mark.start < out[-1].end:
            before = out[-1]
            kind = min(before.kind, mark.kind, key=KINDS.index)
            out[-1] = Mark(before.start, max(before.end, mark.end), kind)
        elif mark.end > mark.start:
            out.append(mark)
    return out
