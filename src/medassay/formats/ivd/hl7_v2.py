"""HL7 v2 messages in a file: ORU^R01 and their like, alone, one after another, or as a batch.

A tolerant reader of its own, since files that laboratories send break what hl7apy and python-hl7 ask for: line ends
of every kind, byte order marks, segments that wrap, five encoding characters, segments unknown to the version.
What it does not forgive: a character set that is not the one declared, and counts that do not add up.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.examined import Fact
from medassay.formats.ivd.refusal import IvdRefused, names_a_person, said
from medassay.formats.ivd.results import (
    Result,
    Status,
    Value,
    facts_of,
    findings_of,
    range_of,
    unit_of,
    value_of,
)

LARGEST = 256 << 20
RESULT_EVENTS = ("ORU", "OUL", "OPU")
_START = re.compile(rb"\A[\x0b\s]*(?:\xef\xbb\xbf)?[\x0b\s]*(MSH|FHS|BHS)(?=[^A-Za-z0-9\s])")
_SEGMENT = re.compile(r"([A-Z][A-Z0-9]{2})(?=[^A-Za-z0-9]|\Z)")
_COMMENT = re.compile(rb"\A\s*/\*.{0,2000}?\*/\s*", re.DOTALL)  # a file of examples may begin with one
_LOINC = re.compile(r"\d{1,5}-\d|LP\d{1,7}-\d|LA\d{1,7}-\d")

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
# HL7 table 0085, result status.
STATUSES: Mapping[str, Status] = {
    "F": "final",
    "C": "corrected",
    "B": "preliminary",
    "P": "preliminary",
    "R": "preliminary",
    "S": "preliminary",
    "I": "preliminary",
    "O": "preliminary",
    "X": "cancelled",
    "N": "cancelled",
    "D": "cancelled",
    "W": "entered in error",
    "U": "final",
    "A": "final",
    "V": "final",
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


def results(message: Message) -> list[Result]:
    """The message's results, in order; each OBX-5 repetition is told by its first."""
    found = []
    withdrawn = False
    for segment in message.segments:
        if segment[0] == "OBR":  # a cancelled order takes its results with it
            withdrawn = get(segment, 25) in ("X", "W")
        elif segment[0] == "OBX":
            one = _result(message, segment)
            found.append(replace(one, status="cancelled") if withdrawn and one.usable else one)
    return found


def describe(batch: Batch) -> dict[str, Fact]:
    kinds = Counter(message.kind or "?" for message in batch.messages)
    every = [one for message in batch.messages if _carries(message) for one in results(message)]
    versions = sorted({get(m.first("MSH") or (), 12).split(m.component)[0][:8] for m in batch.messages})
    return {
        "messages": len(batch.messages),
        "kinds": ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))[:200],
        "version": ", ".join(v for v in versions if re.fullmatch(r"[0-9.]+", v)) or None,
        "character_set": batch.encoding,
        **facts_of(every),
    }


def examine(batch: Batch) -> Iterator[Finding]:
    yield from _envelope(batch)
    carrying = [message for message in batch.messages if _carries(message)]
    aside = len(batch.messages) - len(carrying)
    if aside:
        yield said(
            Reason.UNSUPPORTED_FORM,
            Severity.REFUSE if not carrying else Severity.WARN,
            f"{aside} of {len(batch.messages)} messages that carry no laboratory results by their type",
            "ORU, OUL or OPU; the others are set aside",
        )
    every = [one for message in carrying for one in results(message)]
    empty = sum(message.first("OBX") is None for message in carrying)
    if empty:
        yield said(
            Reason.REFERENCE_MISSING,
            Severity.REFUSE if empty == len(batch.messages) else Severity.WARN,
            f"{empty} result messages without a result (no OBX)",
            "at least one OBX",
        )
    yield from findings_of(every)
    yield from _codes(every)
    yield from _incomplete(carrying, alone=len(batch.messages) == 1)
    data = sum(get(s, 2) in ("ED", "RP") for m in carrying for s in m.segments if s[0] == "OBX")
    if data:
        yield said(
            Reason.UNSUPPORTED_FORM,
            Severity.WARN,
            f"{data} results that are documents or pictures (OBX-2 ED or RP)",
            "numbers, codes or texts",
        )
    if any(_names_somebody(message) for message in batch.messages):
        yield names_a_person()


def get(segment: Sequence[str], number: int) -> str:
    """A field by its number; empty where the segment is shorter."""
    return segment[number] if number < len(segment) else ""


def _result(message: Message, segment: tuple[str, ...]) -> Result:
    identifier = [part.strip() for part in get(segment, 3).split(message.component)]
    code, system = _coded(identifier)
    unit_parts = get(segment, 6).split(message.component)
    unit = next((part for part in (unit_parts[0], *unit_parts[3:4]) if part.strip()), "")
    low, high = range_of(message.unescaped(get(segment, 7)))
    flags = get(segment, 8).split(message.repetition)[0].split(message.component)[0].strip()
    stated = get(segment, 11).strip()
    return Result(
        code=code,
        system=system,
        value=_value(message, get(segment, 2), get(segment, 5)),
        unit=unit_of(message.unescaped(unit)),
        unit_stated=bool(unit.strip()),
        flag=flags if flags in ("H", "L", "HH", "LL", "N", "A", "AA", "<", ">") else "",
        low=low,
        high=high,
        status=STATUSES.get(stated, "not stated"),
    )


def _coded(parts: list[str]) -> tuple[str, str]:
    """Code and system: LOINC's where one of the two codings is LOINC's."""
    codings = [(parts[at], parts[at + 2] if at + 2 < len(parts) else "") for at in (0, 3) if at < len(parts)]
    loinc = next(((code, "LN") for code, system in codings if system == "LN" and code), None)
    return loinc or next(((code, system) for code, system in codings if code), ("", ""))


def _value(message: Message, kind: str, text: str) -> Value:
    first = text.split(message.repetition)[0]
    if kind == "SN":  # comparator, number, separator, number
        parts = [part.strip() for part in first.split(message.component)] + ["", "", ""]
        if parts[2] in (":", "-", "/") or parts[3]:
            return value_of(f"1:{parts[3]}") if parts[1] == "1" and parts[2] == ":" else Value()
        return value_of(f"{parts[0] if parts[0] != '=' else ''}{parts[1]}")
    if kind in ("NM", "ST", "TX", "FT", ""):
        return value_of(message.unescaped(first))
    if kind in ("CE", "CWE", "CNE", "IS", "ID"):
        parts = first.split(message.component)
        return next((v for part in parts[1:2] + parts[:1] if (v := value_of(part)).grade), Value())
    return Value()


def _carries(message: Message) -> bool:
    return message.kind.split("^")[0] in RESULT_EVENTS


def _envelope(batch: Batch) -> Iterator[Finding]:
    if batch.marked:
        yield said(Reason.CHARACTER_SET, Severity.NOTE, "a byte order mark before the first segment", "none")
    if len(batch.line_ends) > 1:
        yield said(
            Reason.HEADER_INVALID,
            Severity.NOTE,
            f"line ends of {len(batch.line_ends)} kinds, all read as segment ends",
            "carriage returns",
            source="HL7 v2.5.1 2.4",
        )
    elif batch.line_ends and batch.line_ends != ("\\r",):
        yield said(
            Reason.HEADER_INVALID,
            Severity.NOTE,
            f"segments that end with {batch.line_ends[0]}",
            "carriage returns",
            source="HL7 v2.5.1 2.4",
        )
    if batch.encoding == "gb18030" and batch.declared == "":
        yield said(
            Reason.CHARACTER_SET, Severity.NOTE, "no declared character set: read as GB18030", "MSH-18"
        )
    if batch.declared and batch.declared.upper() not in CHARACTER_SETS:
        yield said(
            Reason.CHARACTER_SET,
            Severity.WARN,
            "a character set that is not known (MSH-18)",
            "HL7 table 0211",
        )
    for what, pairs in (("messages of a batch", batch.stated), ("batches of a file", batch.files)):
        for stated, met in pairs:
            if stated != met:
                yield said(
                    Reason.TRUNCATED,
                    Severity.REFUSE,
                    f"{met} {what} where the trailer counts {stated}",
                    "as many as the trailer says",
                    source="HL7 v2.5.1 2.10.3",
                )
    if batch.unclosed:
        yield said(
            Reason.TRUNCATED, Severity.REFUSE, f"{batch.unclosed} batches without a trailer", "BTS and FTS"
        )
    if batch.strays:
        yield said(
            Reason.HEADER_INVALID,
            Severity.WARN,
            f"{batch.strays} lines that are no segment, read as the rest of the line before",
            "segments alone",
        )


def _codes(every: Sequence[Result]) -> Iterator[Finding]:
    wrong = sum(one.system == "LN" and not is_loinc(one.code) for one in every)
    if wrong:
        yield said(
            Reason.REFERENCE_INVALID,
            Severity.WARN,
            f"{wrong} codes that are said to be LOINC and are none",
            "codes whose check digit is right",
            where="OBX-3",
            source="LOINC Users' Guide, Mod 10 check digit",
        )
    missing = sum(not one.code for one in every)
    if missing:
        yield said(Reason.HEADER_INVALID, Severity.WARN, f"{missing} results without a code", "OBX-3")


def _incomplete(carrying: Sequence[Message], *, alone: bool) -> Iterator[Finding]:
    nobody = 0
    for message in carrying:
        pid, header = message.first("PID") or (), message.first("MSH") or ()
        nobody += not (get(pid, 2) or get(pid, 3) or get(pid, 4)) and not get(header, 11)
    if nobody:
        yield said(
            Reason.HEADER_INVALID,
            Severity.REFUSE if alone else Severity.WARN,
            f"{nobody} messages without a patient identifier and without a processing id",
            "PID-3 and MSH-11",
            source="HL7 v2.5.1 3.4.2.3, 2.15.9.11: both required",
        )
    unnamed = sum(not get(message.first("PID") or (), 3) for message in carrying) - nobody
    if unnamed > 0:
        yield said(
            Reason.HEADER_INVALID,
            Severity.WARN,
            f"{unnamed} messages without a patient identifier list",
            "PID-3",
            source="HL7 v2.5.1 3.4.2.3",
        )


def _names_somebody(message: Message) -> bool:
    pid = message.first("PID") or ()
    return any(get(pid, number).strip("^~& ") for number in (2, 3, 4, 5, 7, 11, 13, 19))


def is_loinc(code: str) -> bool:
    """Whether a code has LOINC's form and its check digit (Luhn, mod 10).

    Examples
    --------
    >>> is_loinc("718-7"), is_loinc("718-8"), is_loinc("xx625-4")
    (True, False, False)
    """
    if not _LOINC.fullmatch(code):
        return False
    digits = [int(one) for one in re.sub(r"[A-Z]", "", code).replace("-", "")]
    doubled = [n * 2 - 9 * (n > 4) for n in digits[-2::-2]]
    return (sum(doubled) + sum(digits[-1::-2])) % 10 == 0


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
