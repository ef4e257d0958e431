"""Read a de-identified object again, byte by byte and without the library that wrote it."""

from __future__ import annotations

import re
import struct
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from medassay.core.canonical import digest_bytes
from medassay.core.findings import Finding, Reason, Severity
from medassay.datasets.deidentify import allowed, codes, vocabulary
from medassay.datasets.deidentify.allowed import Rule
from medassay.datasets.deidentify.profile import RESEARCH, Profile

LONG = {b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"SQ", b"UC", b"UN", b"UR", b"UT", b"SV", b"UV"}
UNCOUNTED = ("empty", "fixed", "longitudinal", "subject")  # whose values are ours
NUMBERS = {b"US": "H", b"SS": "h", b"UL": "I", b"SL": "i", b"FD": "d", b"FL": "f"}
META = {0x00020000, 0x00020001, 0x00020002, 0x00020003, 0x00020010, 0x00020012, 0x00020013}
UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXELS = 0x7FE00010
SOP_CLASS, CHARACTER_SET = 0x00080016, 0x00080005
CODE, LONG_CODE, SCHEME = 0x00080100, 0x00080119, 0x00080102
DEEPEST = 16
WRITER = "1.2.826.0.1.3680043.8.498.1"  # implementation class UID of the library that writes
WRITER_NAME = re.compile(rb"PYDICOM [0-9.]+ ?")
TEXTS = {0x00120063: allowed.METHOD}
OUR_UID = (allowed.UID_ROOT, re.compile(r"2\.25\.\d{1,39}"))
ENCAPSULATED = re.compile(r"1\.2\.840\.10008\.1\.2\.(4\.(5[017]|70|8[01]|9[0-3]|20[1-5])|5)")
EXPLICIT = {"1.2.840.10008.1.2.1"}
SINGLE: Mapping[str, Callable[[str], bool]] = {
    "date": lambda part: bool(allowed.DATE.fullmatch(part)),
    "datetime": lambda part: bool(allowed.DATETIME.fullmatch(part)),
    "time": lambda part: bool(allowed.TIME.fullmatch(part)),
    "subject": lambda part: bool(allowed.SUBJECT.fullmatch(part)),
    "product": allowed.is_product,
    "term": allowed.is_term,
    "descriptor": vocabulary.is_known,
}  # what each component of a value has to be


@dataclass
class Walked:
    """What the bytes hold."""

    findings: list[Finding] = field(default_factory=list)
    pixels: bytes = b""
    compressed: bool = False
    texts: dict[int, str] = field(default_factory=dict)  # of the outermost level
    numbers: dict[int, float] = field(default_factory=dict)  # single ones of the outermost level
    bulk: dict[str, str] = field(default_factory=dict)  # element of pixels or samples to SHA-256 of its bytes
    standing: Counter[int] = field(default_factory=Counter)  # tags at every level


class _Broken(Exception):
    """The bytes do not follow the encoding; caught by `walk`."""


@dataclass
class _Level:
    """One data set or item while it is walked."""

    creators: dict[int, str] = field(default_factory=dict)  # group and block to private creator
    codes: dict[int, str] = field(default_factory=dict)
    last: int = -1


@dataclass(frozen=True)
class _Reader:
    """The bytes, what may stand in them, and what was seen."""

    content: bytes
    table: Mapping[int, Rule]
    profile: Profile
    strict: bool
    walked: Walked

    def left(self, where: str, found: str) -> None:
        self.walked.findings.append(_left(where, found))


def walk(content: bytes, profile: Profile = RESEARCH, *, strict: bool = False) -> Walked:
    """Hold every element at every level to the allow-list; whatever is not provably allowed is a finding.

    Parameters
    ----------
    strict : bool
        Names of segments are held to the list of known words, as descriptions are. Default: they may be names
        of structures that a spec declares.
    """
    walked = Walked()
    if content[:128] != bytes(128) or content[128:132] != b"DICM":
        walked.findings.append(_left("preamble", "bytes other than zero before the mark"))
        return walked
    try:
        start, sop_class, syntax = _meta(content, walked)
        family = allowed.family_of(sop_class)
        if family is None:
            walked.findings.append(_left("(0002,0002)", "a storage class that no family holds"))
            return walked
        if syntax not in EXPLICIT and not ENCAPSULATED.fullmatch(syntax):
            walked.findings.append(_left("(0002,0010)", "a transfer syntax that this reader does not follow"))
            return walked
        reader = _Reader(content, allowed.rules_of(family), profile, strict, walked)
        end = _elements(reader, start, len(content), depth=0)
        if end != len(content):
            reader.left("end of file", "bytes after the last element")
        if walked.texts.get(SOP_CLASS) != sop_class:
            reader.left("(0008,0016)", "another storage class than the file's meta information says")
    except (_Broken, struct.error, IndexError) as error:
        walked.findings.append(_left("encoding", f"bytes that cannot be followed ({type(error).__name__})"))
    return walked


def _meta(content: bytes, walked: Walked) -> tuple[int, str, str]:
    at, values = 132, {}
    while at < len(content) and content[at : at + 2] == b"\x02\x00":
        tag, vr, length, at = _head(content, at)
        value = content[at : at + length]
        at += length
        values[tag] = value.rstrip(b"\x00 ").decode("latin-1")
        if tag not in META:
            walked.findings.append(
                _left(_name(tag), "an element of the file's meta information that is not allowed")
            )
        elif (vr == b"UI" and not _uid(value)) or (vr == b"SH" and not WRITER_NAME.fullmatch(value)):
            walked.findings.append(_left(_name(tag), "a UID or a name of outside"))
        elif vr == b"UL" and struct.unpack("<I", value)[0] > 4096:
            walked.findings.append(_left(_name(tag), "a length that no meta information has"))
    return at, values.get(0x00020002, ""), values.get(0x00020010, "")


def _elements(reader: _Reader, at: int, end: int, *, depth: int) -> int:
    content, level = reader.content, _Level()
    while at < end:
        if struct.unpack_from("<HH", content, at) == (0xFFFE, 0xE00D):
            at += 8
            break
        tag, vr, length, at = _head(content, at)
        if tag <= level.last:
            raise _Broken  # out of order or twice: another reader may see another value
        level.last = tag
        reader.walked.standing[tag] += 1
        rule = reader.table.get(tag)
        if tag >> 16 & 1:
            at = _private(reader, level, tag, vr, length, at, end)
            continue
        if rule is None or rule.under(reader.profile) == "remove":
            reader.left(_name(tag), "an element that is not on the allow-list")
        if vr == b"SQ":
            at = _items(reader, at, length, depth + 1)
            continue
        bulk = rule is not None and rule.action == "pixels"
        if depth and tag == PIXELS:
            reader.left(_name(tag), "pixels inside of a sequence")
        if bulk and length == UNDEFINED:
            start, at = at, _skip_fragments(content, at)
            reader.walked.compressed = True
            reader.walked.bulk[_name(tag)] = digest_bytes(content[start : at - 8])
            continue
        if length == UNDEFINED or at + length > end:
            raise _Broken
        value = content[at : at + length]
        at += length
        if bulk:
            reader.walked.bulk[f"{_name(tag)} at level {depth}" if depth else _name(tag)] = digest_bytes(
                value
            )
            reader.walked.pixels = value if tag == PIXELS and not depth else reader.walked.pixels
        elif rule is not None:
            _hold(reader, level, rule, vr, value, depth)
    _hold_code(reader, level)
    return at


def _private(reader: _Reader, level: _Level, tag: int, vr: bytes, length: int, at: int, end: int) -> int:
    """A private element may be a listed creator, or a number that the list of safe ones knows."""
    if length == UNDEFINED or at + length > end:
        raise _Broken
    group, element, value = tag >> 16, tag & 0xFFFF, reader.content[at : at + length]
    if not reader.profile.safe_private:
        reader.left(_name(tag), "a private element")
    elif element < 0x100:
        creator = value.decode("latin-1").rstrip("\x00 ")
        level.creators[group << 8 | element] = creator
        if creator not in {name for name, listed, _ in allowed.safe_private() if listed == group}:
            reader.left(_name(tag), "a private creator that is not on the list")
    else:
        creator = level.creators.get(group << 8 | element >> 8, "")
        known = allowed.safe_private().get((creator, group, element & 0xFF))
        if known is None or known.vr.encode() != vr or not known.permits(_parts(vr, value)):
            reader.left(_name(tag), "a private element that is not on the list of safe ones")
    return at + length


def _parts(vr: bytes, value: bytes) -> Sequence[str | float]:
    return list(_numbers(vr, value)) if vr in NUMBERS else value.decode("latin-1").rstrip("\x00 ").split("\\")


def _hold_code(reader: _Reader, level: _Level) -> None:
    """Code and scheme of one item agree."""
    if level.codes and not allowed.are_codes(
        *(level.codes.get(tag, "") for tag in (CODE, LONG_CODE, SCHEME))
    ):
        reader.left("(0008,0100) CodeValue", "a code that its scheme does not have, or of no known scheme")


def _items(reader: _Reader, at: int, length: int, depth: int) -> int:
    content = reader.content
    end = len(content) if length == UNDEFINED else at + length
    if depth > DEEPEST or end > len(content):
        raise _Broken
    while at < end:
        tag, size = _delimiter(content, at)
        at += 8
        if tag == SEQUENCE_END:
            return at
        if tag != ITEM:
            raise _Broken
        item_end = end if size == UNDEFINED else at + size
        at = _elements(reader, at, item_end, depth=depth)
    return at


def _skip_fragments(content: bytes, at: int) -> int:
    while True:
        tag, size = _delimiter(content, at)
        at += 8
        if tag == SEQUENCE_END:
            return at
        if tag != ITEM or at + size > len(content):
            raise _Broken
        at += size


def _hold(reader: _Reader, level: _Level, rule: Rule, vr: bytes, value: bytes, depth: int) -> None:
    walked, action = reader.walked, rule.under(reader.profile)
    if vr in NUMBERS or vr == b"AT":
        ok = vr == b"AT" and action == "pointer" and all(map(allowed.is_pointer, _tags(value)))
        if vr in NUMBERS:
            numbers = list(_numbers(vr, value))
            ok = action == "keep" and all(rule.permits(number) for number in numbers)
            ok = ok and (not numbers or rule.counts(len(numbers)))
            if depth == 0 and len(numbers) == 1:
                walked.numbers[rule.tag] = numbers[0]
    else:
        text = _decoded(rule, value)
        if text is None:
            reader.left(rule.element, "bytes outside ASCII, or of no character set that is stated")
            return
        if depth == 0:
            walked.texts[rule.tag] = text
        if rule.tag in (CODE, LONG_CODE, SCHEME):
            level.codes[rule.tag] = text
        ok = _text_fits(reader, rule, action, text)
    if not ok:
        reader.left(rule.element, "a value that the allow-list does not permit")


def _decoded(rule: Rule, value: bytes) -> str | None:
    """ASCII, and UTF-8 where an element may hold known words of another language."""
    try:
        worded = rule.action in ("descriptor", "structure")
        return value.decode("utf-8" if worded else "ascii").rstrip("\x00 ")
    except UnicodeDecodeError:
        return None


def _text_fits(reader: _Reader, rule: Rule, action: str, text: str) -> bool:
    parts = [part.strip() for part in text.split("\\")]
    if text and action not in UNCOUNTED and not rule.counts(len(parts)):
        return False
    match action:
        case "keep" | "filter":
            return text == "" or all(rule.permits(part) for part in parts)
        case "uid" | "class":
            root, form = (allowed.STANDARD_ROOT, allowed.STANDARD_UID) if action == "class" else OUR_UID
            return all(part.startswith(root) and bool(form.fullmatch(part)) for part in parts)
        case "empty":
            return text == ""
        case "fixed":
            return text == rule.allowed
        case "index":
            return text.isdigit() and len(text) <= 7
        case "age":
            return allowed.stated_age(text) == text
        case "method":
            return TEXTS.get(rule.tag) == text
        case "longitudinal":
            return text == reader.profile.longitudinal
        case "structure":
            words = all(vocabulary.is_known(part) for part in parts)
            return words or (not reader.strict and bool(allowed.STRUCTURE.fullmatch(text)))
        case "code":
            return True  # with its scheme, at the end of the item
        case "scheme":
            return text in codes.SCHEMES
    single = SINGLE.get(action)
    return single is not None and all(single(part) for part in parts)


def _uid(value: bytes) -> bool:
    text = value.rstrip(b"\x00 ").decode("latin-1")
    ours = text.startswith((allowed.UID_ROOT, allowed.STANDARD_ROOT)) or text == WRITER
    return ours and text.replace(".", "").isdigit() and len(text) <= 64


def _tags(value: bytes) -> Iterator[int]:
    for group, element in struct.iter_unpack("<HH", value):
        yield group << 16 | element


def _numbers(vr: bytes, value: bytes) -> Iterator[float]:
    code = NUMBERS[vr]
    for number in struct.iter_unpack(f"<{code}", value):
        yield float(number[0])


def _head(content: bytes, at: int) -> tuple[int, bytes, int, int]:
    group, element = struct.unpack_from("<HH", content, at)
    vr = content[at + 4 : at + 6]
    if not (vr.isalpha() and vr.isupper()):
        raise _Broken
    if vr in LONG:
        return group << 16 | element, vr, struct.unpack_from("<I", content, at + 8)[0], at + 12
    return group << 16 | element, vr, struct.unpack_from("<H", content, at + 6)[0], at + 8


def _delimiter(content: bytes, at: int) -> tuple[int, int]:
    group, element, size = struct.unpack_from("<HHI", content, at)
    return group << 16 | element, size


def _name(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def _left(where: str, found: str) -> Finding:
    return Finding(
        reason=Reason.IDENTITY_LEFT,
        severity=Severity.REFUSE,
        found=found,
        wanted="elements and values of the allow-list only",
        remedy="The object was withheld; report the file's kind so that the reader can be mended.",
        where=where,
        source="DICOM PS3.15 2024e, Annex E",
    )
