"""HL7 v2 messages as they stand in a file: decoded, cut into segments and fields, alone or in a batch.

A tolerant reader of its own, since files that laboratories send break what hl7apy and python-hl7 ask for: line ends
of every kind, byte order marks, segments that wrap, five encoding characters, segments unknown to the version.
What it does not forgive is a character set that is not the one declared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from medassay.core.findings import Reason
from medassay.formats.ivd.refusal import IvdRefused

LARGEST = 256 << 20
_START = re.compile(rb"\A[\x0b\s]*(?:\xef\xbb\xbf)?[\x0b\s]*(MSH|FHS|BHS)(?=[^A-Za-z0-9\s])")
_SEGMENT = re.compile(r"([A-Z][A-Z0-9]{2})(?=[^A-Za-z0-9]|\Z)")
_COMMENT = re.compile(rb"\A\s*/\*.{0,2000}?\*/\s*", re.DOTALL)  # a file of examples may begin with one

# HL7 table 0211, as codecs. GB 18030 is a superset of GB2312 and GBK.
CHARACTER_SETS = {
    "": "",
    "ASCII": "ascii",
    "8859/1": "iso8859-1",
    "8859/2": "iso8859-2",
    "8859/5": "iso8859-5",
    "8859/7": "iso8859-7",
    "8859/9": "iso8859-9",
    "8859/15": "iso8859-15",
    "UNICODE": "utf-8",
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",
    "UNICODE UTF-16": "utf-16",
    "GB 18030-2000": "gb18030",
    "GB18030": "gb18030",
    "BIG-5": "big5",
    "ISO IR87": "iso2022_jp",
}


@dataclass(frozen=True)
class Message:
    """Segments as fields; `fields[0]` is the segment's name, MSH counts its separator as field 1."""

    segments: tuple[tuple[str, ...], ...] = field(repr=False)
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    sub: str = "&"

    def first(self, name: str) -> tuple[str, ...] | None:
        return next((one for one in self.segments if one[0] == name), None)

    @property
    def kind(self) -> str:
        """Message type and event, such as `ORU^R01`."""
        parts = get(self.first("MSH") or (), 9).split(self.component)
        return "^".join(part for part in parts[:2] if re.fullmatch(r"[A-Z0-9]{1,7}", part))

    def unescaped(self, text: str) -> str:
        """A field's text without escapes.

        Examples
        --------
        >>> Message(()).unescaped("a\\\\T\\\\b \\\\S\\\\ \\\\X0D\\\\c \\\\H\\\\d\\\\N\\\\")
        'a&b ^ \\rc d'
        """
        return _unescaped(self, text)


@dataclass(frozen=True)
class Batch:
    """What a file holds: its messages, and what its batch segments say of their number."""

    messages: tuple[Message, ...]
    encoding: str
    declared: str  # MSH-18 of the first message that has one
    line_ends: tuple[str, ...]
    marked: bool  # a byte order mark stood before the first segment
    stated: tuple[tuple[int, int], ...]  # messages by the batch's trailer, messages met
    files: tuple[tuple[int, int], ...]  # batches by the file's trailer, batches met
    unclosed: int
    strays: int  # lines before the first message, or that are no segment


def recognises(head: bytes) -> bool:
    """A message or batch header, with or without marks before it.

    Examples
    --------
    >>> recognises(b"\\x0bMSH|^~"), recognises(b"ORU^R01\\nMSH MSH:9,12"), recognises(b"MSHELL")
    (True, False, False)
    """
    return bool(_START.match(head) or _START.match(_COMMENT.sub(b"", head, count=1)))


def open(source: Path | bytes) -> Batch:
    """Read all messages.

    Raises
    ------
    IvdRefused
        When the bytes are no messages, larger than 256 MiB, or not in the character set that they declare.
    """
    content = source if isinstance(source, bytes) else _read(source)
    if not recognises(content[:4096]):
        raise IvdRefused(Reason.UNKNOWN_FORMAT, found="no message header", wanted="MSH, BHS or FHS first")
    content = _COMMENT.sub(b"", content, count=1)
    marked = content.lstrip(b"\x0b\r\n\t ").startswith(b"\xef\xbb\xbf")
    content = content.replace(b"\xef\xbb\xbf", b"", 1) if marked else content
    declared = _declared(content)
    text, encoding = _decoded(content, declared)
    ends = tuple(sorted({repr(end)[1:-1] for end in re.findall("\r\n|\r|\n", text)}))
    return _batch(_segments(text), encoding, declared, ends, marked)


def get(segment: Sequence[str], number: int) -> str:
    """A field by its number; empty where the segment is shorter."""
    return segment[number] if number < len(segment) else ""


def _read(path: Path) -> bytes:
    size = path.stat().st_size
    if size > LARGEST:
        raise IvdRefused(Reason.LIMIT_EXCEEDED, found=f"{size} bytes", wanted=f"at most {LARGEST}")
    return path.read_bytes()


def _declared(content: bytes) -> str:
    """MSH-18 of the first message that has one, as printed."""
    for line in re.split(rb"[\r\n]+", content[:65536]):
        line = line.lstrip(b"\x0b\x1c ")
        if line.startswith(b"MSH") and len(line) > 4:
            fields = line.split(line[3:4])
            stated = fields[17].split(b"~")[0] if len(fields) > 17 else b""
            if stated.strip():
                return stated.strip().decode("latin-1")[:40]
    return ""


def _decoded(content: bytes, declared: str) -> tuple[str, str]:
    """The text, in the declared character set or, where none is, UTF-8 or GB18030; never with replacements."""
    named = CHARACTER_SETS.get(declared.upper(), "")
    for encoding in (named,) if named else ("utf-8", "gb18030"):
        try:
            return content.decode(encoding), encoding
        except UnicodeError:
            continue
    raise IvdRefused(
        Reason.CHARACTER_SET,
        found="bytes that are not in the declared character set"
        if named
        else "bytes in no known character set",
        wanted=named or "UTF-8 or GB18030",
        where="MSH-18",
        remedy="Correct MSH-18 at the sender; nothing was replaced or guessed.",
    )


def _segments(text: str) -> Iterator[str]:
    """Lines, block marks of MLLP left out."""
    for line in re.split(r"[\r\n]+", text):
        plain = line.strip("\x0b\x1c\x00").lstrip(" \t")
        if plain.strip():
            yield plain


@dataclass
class _Reading:
    messages: list[Message] = field(default_factory=list)
    lines: list[list[str]] = field(default_factory=list)
    header: str = ""
    met: int = 0
    batches: int = 0
    strays: int = 0

    def close(self) -> None:
        if self.lines:
            self.messages.append(_message(self.header, self.lines))
        self.lines, self.header = [], ""


def _batch(lines: Iterator[str], encoding: str, declared: str, ends: tuple[str, ...], marked: bool) -> Batch:
    """Walk the lines once: a message begins with MSH, a batch with BHS, a file of batches with FHS."""
    now = _Reading()
    stated: list[tuple[int, int]] = []
    files: list[tuple[int, int]] = []
    open_batches = open_files = 0
    separator = "|"
    for line in lines:
        name = line[:3]
        if name in ("MSH", "FHS", "BHS") and len(line) > 3:
            now.close()
            separator = line[3]
            if name == "MSH":
                now.header, now.met = line, now.met + 1
                now.lines = [["MSH", separator, *line[4:].split(separator)]]
            elif name == "BHS":
                open_batches, now.batches, now.met = open_batches + 1, now.batches + 1, 0
            else:
                open_files, now.batches = open_files + 1, 0
        elif name in ("BTS", "FTS"):
            now.close()
            count = _whole(line.split(separator)[1:2])
            if name == "BTS":
                open_batches -= 1
                stated += [(count, now.met)] if count is not None else []
            else:
                open_files -= 1
                files += [(count, now.batches)] if count is not None else []
        elif now.lines and _SEGMENT.match(line) and line[3:4] in (separator, ""):
            now.lines.append(line.split(separator))
        else:  # a text that wrapped, or a remark between messages
            now.strays += 1
            if now.lines:
                now.lines[-1][-1] += "\n" + line
    now.close()
    unclosed = max(open_batches, 0) + max(open_files, 0)
    return Batch(
        tuple(now.messages),
        encoding,
        declared,
        ends,
        marked,
        tuple(stated),
        tuple(files),
        unclosed,
        now.strays,
    )


def _message(header: str, lines: Sequence[Sequence[str]]) -> Message:
    marks = header[4:].split(header[3])[0]
    if len(marks) >= 5 and marks[2] == marks[3]:  # `^~\\&`: the escape doubled by whoever wrote the file
        marks = marks[:3] + marks[4:]
    component, repetition, escape, sub = (marks[at : at + 1] or "^~\\&"[at] for at in range(4))
    return Message(tuple(tuple(line) for line in lines), component, repetition, escape, sub)


def _unescaped(message: Message, text: str) -> str:
    if message.escape not in text:
        return text
    marks = {
        "F": "|",
        "S": message.component,
        "T": message.sub,
        "R": message.repetition,
        "E": message.escape,
        ".br": "\n",
        "H": "",
        "N": "",
    }
    mark = re.escape(message.escape)

    def plain(found: re.Match[str]) -> str:
        code = found[1]
        if code in marks:
            return marks[code]
        if code[:1] == "X" and len(code) % 2 and re.fullmatch(r"X[0-9A-Fa-f]+", code):
            return bytes.fromhex(code[1:]).decode("utf-8", errors="surrogateescape")
        return found[0]

    return re.sub(rf"{mark}([A-Za-z.][^{mark}]{{0,400}}){mark}", plain, text)


def _whole(fields: Sequence[str]) -> int | None:
    text = fields[0].strip() if fields else ""
    return int(text) if re.fullmatch(r"\d{1,9}", text) else None
