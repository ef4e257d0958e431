"""Read a de-identified object again, byte by byte and without the library that wrote it."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from medassay.core.findings import Finding, Reason, Severity
from medassay.datasets.deidentify import allowed

LONG = {b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"SQ", b"UC", b"UN", b"UR", b"UT", b"SV", b"UV"}
NUMBERS = {b"US": "H", b"SS": "h", b"UL": "I", b"SL": "i", b"FD": "d", b"FL": "f"}
META = {0x00020000, 0x00020001, 0x00020002, 0x00020003, 0x00020010, 0x00020012, 0x00020013}
UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXELS = 0x7FE00010
WRITER = "1.2.826.0.1.3680043.8.498.1"  # implementation class UID of the library that writes
WRITER_NAME = re.compile(rb"PYDICOM [0-9.]+ ?")
TEXTS = {0x00120063: allowed.METHOD}


@dataclass
class Walked:
    """What the bytes hold."""

    findings: list[Finding] = field(default_factory=list)
    pixels: bytes = b""
    compressed: bool = False
    texts: dict[int, str] = field(default_factory=dict)  # of the outermost level
    numbers: dict[int, float] = field(default_factory=dict)  # single ones of the outermost level


class _Broken(Exception):
    """The bytes do not follow the encoding; caught by `walk`."""


def walk(content: bytes) -> Walked:
    """Hold every element at every level to the allow-list; whatever is not provably allowed is a finding."""
    walked = Walked()
    if content[:128] != bytes(128) or content[128:132] != b"DICM":
        walked.findings.append(_left("preamble", "bytes other than zero before the mark"))
        return walked
    try:
        start = _meta(content, walked)
        end = _elements(content, start, len(content), walked, depth=0)
        if end != len(content):
            walked.findings.append(_left("end of file", "bytes after the last element"))
    except (_Broken, struct.error, IndexError) as error:
        walked.findings.append(_left("encoding", f"bytes that cannot be followed ({type(error).__name__})"))
    return walked


def _meta(content: bytes, walked: Walked) -> int:
    at = 132
    while at < len(content) and content[at : at + 2] == b"\x02\x00":
        tag, vr, length, at = _head(content, at)
        value = content[at : at + length]
        at += length
        if tag not in META:
            walked.findings.append(
                _left(_name(tag), "an element of the file's meta information that is not allowed")
            )
        elif (vr == b"UI" and not _uid(value)) or (vr == b"SH" and not WRITER_NAME.fullmatch(value)):
            walked.findings.append(_left(_name(tag), "a UID or a name of outside"))
    return at


def _elements(content: bytes, at: int, end: int, walked: Walked, *, depth: int) -> int:
    while at < end:
        if struct.unpack_from("<HH", content, at) == (0xFFFE, 0xE00D):
            return at + 8
        tag, vr, length, at = _head(content, at)
        rule = allowed.rules().get(tag)
        if rule is None:
            walked.findings.append(_left(_name(tag), "an element that is not on the allow-list"))
        if vr == b"SQ":
            at = _items(content, at, length, walked, depth + 1)
            continue
        if tag == PIXELS and length == UNDEFINED:
            walked.compressed = True
            at = _skip_fragments(content, at)
            continue
        if length == UNDEFINED or at + length > end:
            raise _Broken
        value = content[at : at + length]
        at += length
        if tag == PIXELS:
            walked.pixels = value
        elif rule is not None:
            _hold(rule, vr, value, walked, depth)
    return at


def _items(content: bytes, at: int, length: int, walked: Walked, depth: int) -> int:
    end = len(content) if length == UNDEFINED else at + length
    if depth > 8 or end > len(content):
        raise _Broken
    while at < end:
        tag, size = _delimiter(content, at)
        at += 8
        if tag == SEQUENCE_END:
            return at
        if tag != ITEM:
            raise _Broken
        item_end = len(content) if size == UNDEFINED else at + size
        at = _elements(content, at, item_end, walked, depth=depth)
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


def _hold(rule: allowed.Rule, vr: bytes, value: bytes, walked: Walked, depth: int) -> None:
    if vr in NUMBERS or vr == b"AT":
        ok = vr == b"AT" and rule.allowed == "pointer"
        if vr in NUMBERS:
            numbers = list(_numbers(vr, value))
            ok = all(rule.permits(number) for number in numbers) and rule.action == "keep"
            if depth == 0 and len(numbers) == 1:
                walked.numbers[rule.tag] = numbers[0]
    else:
        try:
            text = value.decode("ascii").rstrip("\x00 ")
        except UnicodeDecodeError:
            walked.findings.append(_left(rule.element, "bytes outside ASCII"))
            return
        if depth == 0:
            walked.texts[rule.tag] = text
        ok = _text_fits(rule, text)
    if not ok:
        walked.findings.append(_left(rule.element, "a value that the allow-list does not permit"))


def _text_fits(rule: allowed.Rule, text: str) -> bool:
    parts = text.split("\\")
    match rule.action:
        case "keep" | "filter":
            return text == "" or all(rule.permits(part) for part in parts)
        case "uid" | "class":
            return _uid(text.encode()) and (rule.action == "class") == text.startswith(allowed.STANDARD_ROOT)
        case "date":
            return bool(allowed.DATE.fullmatch(text))
        case "empty":
            return text == ""
        case "fixed":
            return text == rule.allowed
        case "subject":
            return bool(allowed.SUBJECT.fullmatch(text))
        case "index":
            return text.isdigit() and len(text) <= 6
        case "age":
            return allowed.stated_age(text) == text
        case "product":
            return bool(allowed.PRODUCT.fullmatch(text))
        case "structure":
            return bool(allowed.STRUCTURE.fullmatch(text))
        case "method":
            return TEXTS.get(rule.tag) == text
    return False


def _uid(value: bytes) -> bool:
    text = value.rstrip(b"\x00 ").decode("latin-1")
    ours = text.startswith((allowed.UID_ROOT, allowed.STANDARD_ROOT)) or text == WRITER
    return ours and text.replace(".", "").isdigit() and len(text) <= 64


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
