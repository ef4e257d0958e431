"""ASTM E1394 (CLSI LIS2) messages of analysers, bare or in the frames of E1381 (CLSI LIS1).

A frame: STX, number 0-7, text, ETX or ETB, two hexadecimal digits, CR LF. The digits are the sum of the bytes from
the number to ETX or ETB, modulo 256. ETB ends a frame that goes on in the next. The delimiters of a message are
those of its header record, whatever they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.examined import Fact
from medassay.formats.ivd.refusal import IvdRefused, names_a_person, said
from medassay.formats.ivd.results import Result, Status, facts_of, findings_of, range_of, unit_of, value_of

LARGEST = 64 << 20
STX, ETX, ETB, EOT, ENQ = b"\x02", b"\x03", b"\x17", b"\x04", b"\x05"
RECORDS = "HPOCRQSML"
_HEADER = re.compile(
    rb"\A[\x05\x06\r\n\s]*(?:\x02[0-7])?H([^A-Za-z0-9\s])([^A-Za-z0-9\s]{2,4})(?:\1|[\r\n]|\Z)"
)
_FRAME = re.compile(rb"\x02([0-7])([^\x02\x03\x17]*)([\x03\x17])([0-9A-Fa-f]{2})?", re.DOTALL)

# E1394 9.9: status of a result.
STATUSES: dict[str, Status] = {
    "F": "final",
    "C": "corrected",
    "P": "preliminary",
    "I": "preliminary",
    "S": "preliminary",
    "R": "final",
    "V": "final",
    "X": "cancelled",
    "M": "final",
    "N": "final",
    "Q": "final",
}


@dataclass(frozen=True)
class Message:
    """Records as fields; the delimiters stand in the header."""

    records: tuple[tuple[str, ...], ...] = field(repr=False)
    component: str = "^"
    repeat: str = "\\"


@dataclass(frozen=True)
class Transmission:
    messages: tuple[Message, ...]
    frames: int  # 0: bare records
    sums_wrong: int
    sums_missing: int
    out_of_order: int
    open_end: bool  # the last frame says that another follows, or a message lacks its terminator
    doubled: bool  # the delimiters of a header are written with a backslash twice
    encoding: str


def recognises(head: bytes) -> bool:
    """A header record, bare or in a frame.

    Examples
    --------
    >>> recognises(b"\\x021H|\\\\^&|||"), recognises(b"Hello|"), recognises(b"\\x02mtrsl|pi|")
    (True, False, False)
    >>> recognises(b"\\x021H|@^\\\\|URM")
    True
    """
    return bool(_HEADER.match(head[:256]))


def open(source: Path | bytes) -> Transmission:
    """Join the frames and read the records.

    Raises
    ------
    IvdRefused
        When there is no header record, or the text is in no known character set.
    """
    content = source if isinstance(source, bytes) else _read(source)
    if not recognises(content[:256]):
        raise IvdRefused(
            Reason.UNKNOWN_FORMAT, found="no header record", wanted="a record that begins with H"
        )
    frames = _FRAME.findall(content)
    text, encoding = _decoded(b"".join(part for _, part, _, _ in frames) if frames else content)
    lines = [line.strip("\x00\x05\x04") for line in re.split(r"[\r\n]+", text)]
    messages, doubled = _messages([line for line in lines if line.strip()])
    whole = frames and frames[-1][2] == ETX
    return Transmission(
        messages=messages,
        frames=len(frames),
        sums_wrong=sum(_sum_wrong(*frame) for frame in frames if frame[3]),
        sums_missing=sum(not frame[3] for frame in frames),
        out_of_order=_out_of_order(frames),
        open_end=bool(frames and not whole) or any(m.records[-1][0] != "L" for m in messages),
        doubled=doubled,
        encoding=encoding,
    )


def checksum(number: bytes, text: bytes, end: bytes) -> str:
    """The two digits of a frame.

    Examples
    --------
    >>> checksum(b"7", b"L|1|N\\r", ETX)
    '0A'
    """
    return f"{sum(number + text + end) % 256:02X}"


def results(message: Message) -> list[Result]:
    """The result records, in order."""
    return [_result(message, record) for record in message.records if record[0] == "R"]


def describe(sent: Transmission) -> dict[str, Fact]:
    every = [one for message in sent.messages for one in results(message)]
    return {
        "messages": len(sent.messages),
        "frames": sent.frames,
        "records": sum(len(message.records) for message in sent.messages),
        "character_set": sent.encoding,
        **facts_of(every),
    }


def examine(sent: Transmission) -> Iterator[Finding]:
    if sent.sums_wrong:
        yield said(
            Reason.CHECKSUM_WRONG,
            Severity.REFUSE,
            f"{sent.sums_wrong} of {sent.frames} frames with a wrong check sum",
            "the sum of the frame's bytes, modulo 256",
            source="ASTM E1381 6.3.3.4",
        )
    if sent.sums_missing:
        yield said(
            Reason.CHECKSUM_WRONG,
            Severity.WARN,
            f"{sent.sums_missing} frames without a check sum",
            "one each",
        )
    if sent.out_of_order:
        yield said(
            Reason.RECORDING_GAP,
            Severity.REFUSE,
            f"{sent.out_of_order} frames whose number does not follow the one before",
            "numbers 0 to 7 in turn",
            source="ASTM E1381 6.3.3.1",
        )
    if sent.open_end:
        yield said(Reason.TRUNCATED, Severity.REFUSE, "a message without its terminator record", "a record L")
    if sent.doubled:
        yield said(
            Reason.HEADER_INVALID,
            Severity.WARN,
            "a header whose repeat delimiter is a backslash written twice",
            "three delimiters after the first",
            where="H-2",
            source="ASTM E1394 5.4.5",
        )
    strange = sum(record[0] not in RECORDS for message in sent.messages for record in message.records)
    if strange:
        yield said(Reason.HEADER_INVALID, Severity.WARN, f"{strange} records of no known type", RECORDS)
    every = [one for message in sent.messages for one in results(message)]
    if not every:
        yield said(Reason.REFERENCE_MISSING, Severity.REFUSE, "no result record", "at least one")
    yield from findings_of(every)
    if any(_names_somebody(record) for m in sent.messages for record in m.records if record[0] == "P"):
        yield names_a_person()


def _result(message: Message, record: tuple[str, ...]) -> Result:
    parts = [part.strip() for part in _get(record, 2).split(message.repeat)[0].split(message.component)]
    code = next((part for part in parts[3:4] + parts[4:5] + parts[::-1] if part), "").rstrip("/")
    unit = _get(record, 4).strip()
    low, high = range_of(_get(record, 5).split(message.repeat)[0])
    flag = _get(record, 6).split(message.component)[0].strip()
    text = next((part for part in _get(record, 3).split(message.component) if part.strip()), "")
    return Result(
        code=code[:40],
        system="",
        value=value_of(text),
        unit=unit_of(unit),
        unit_stated=bool(unit),
        flag=flag if flag in ("H", "L", "HH", "LL", "N", "A", "<", ">") else "",
        low=low,
        high=high,
        status=STATUSES.get(_get(record, 8).strip()[:1], "not stated"),
    )


def _get(record: tuple[str, ...], number: int) -> str:
    return record[number] if number < len(record) else ""


def _names_somebody(record: tuple[str, ...]) -> bool:
    """P-3 to P-6 are identifiers and the name, P-8 the birth date."""
    return any(_get(record, number).strip("^ ") for number in (2, 3, 4, 5, 6, 7, 10, 12))


def _messages(lines: list[str]) -> tuple[tuple[Message, ...], bool]:
    messages: list[Message] = []
    records: list[tuple[str, ...]] = []
    marks = ("|", "\\", "^")
    doubled = False
    for line in lines:
        if line[0] == "H" and len(line) > 4 and not line[1].isalnum():
            if records:
                messages.append(Message(tuple(records), marks[2], marks[1]))
            separator = line[1]
            others = line[2:].split(separator)[0]
            if others[:2] == "\\\\":
                others, doubled = others[1:], True
            marks = (separator, others[:1] or "\\", others[1:2] or "^")
            records = [("H", *line[1:].split(separator)[1:])]
        else:
            records.append(tuple(line.split(marks[0])))
    messages.append(Message(tuple(records), marks[2], marks[1]))
    return tuple(messages), doubled


def _sum_wrong(number: bytes, text: bytes, end: bytes, digits: bytes) -> bool:
    return checksum(number, text, end) != digits.decode("ascii").upper()


def _out_of_order(frames: list[tuple[bytes, bytes, bytes, bytes]]) -> int:
    """Frames that neither follow the one before nor begin a message anew with 1."""
    numbers = [int(number) for number, _, _, _ in frames]
    begins = [text[:1] == b"H" for _, text, _, _ in frames]
    pairs = zip(numbers, numbers[1:], begins[1:], strict=False)
    return sum(after != (before + 1) % 8 and not (after == 1 and new) for before, after, new in pairs)


def _decoded(content: bytes) -> tuple[str, str]:
    for encoding in ("utf-8", "gb18030"):
        try:
            return content.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise IvdRefused(Reason.CHARACTER_SET, found="bytes in no known character set", wanted="UTF-8 or GB18030")


def _read(path: Path) -> bytes:
    size = path.stat().st_size
    if size > LARGEST:
        raise IvdRefused(Reason.LIMIT_EXCEEDED, found=f"{size} bytes", wanted=f"at most {LARGEST}")
    return path.read_bytes()
