"""Time-stamped annotation lists of EDF+: read from a data record's bytes, and written into them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from medassay.core.findings import Reason
from medassay.formats.waveform.edf_fields import HeaderUnreadable

# Onset, duration, texts; a record's annotation bytes are such lists and zeros, and nothing else.
TAL = re.compile(rb"([+-]\d+(?:\.\d+)?)(?:\x15(\d+(?:\.\d+)?))?\x14((?:[^\x00\x14]*\x14)*)\x00")


@dataclass(frozen=True)
class Mark:
    """An annotation: seconds from the start of the recording; the text as bytes, since not all write UTF-8."""

    onset_s: float
    duration_s: float | None
    text: bytes


def decoded(text: bytes) -> tuple[str, str]:
    """A text and the encoding that it was read in: UTF-8 as EDF+ asks for, else GB18030, which holds GBK.

    Examples
    --------
    >>> decoded("癫痫发作".encode("gbk"))
    ('癫痫发作', 'gb18030')
    """
    for encoding in ("utf-8", "gb18030"):
        try:
            return text.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    return text.decode("latin-1"), "latin-1"


def lists_of(raw: bytes, where: str) -> list[Mark]:
    marks: list[Mark] = []
    position = 0
    while match := TAL.match(raw, position):
        onset, duration = float(match[1]), float(match[2]) if match[2] else None
        if not math.isfinite(onset) or not math.isfinite(duration or 0.0):
            raise HeaderUnreadable(
                Reason.HEADER_INVALID,
                found="a time that no clock has",
                wanted="seconds of the recording",
                where=where,
            )
        texts = match[3].split(b"\x14")[:-1] or [b""]
        marks.extend(Mark(onset, duration, text) for text in texts)
        position = match.end()
    if raw[position:].strip(b"\x00"):
        wanted = "time-stamped annotation lists and zeros"
        raise HeaderUnreadable(Reason.HEADER_INVALID, found="other bytes", wanted=wanted, where=where)
    return marks


def records_of(marks: Sequence[Mark], records: int, record_s: float) -> list[bytes]:
    texts = [f"+{_seconds(i * record_s)}\x14\x14\x00".encode() for i in range(records)]
    for mark in sorted(marks, key=lambda mark: mark.onset_s):
        record = min(int(mark.onset_s // record_s), records - 1) if record_s else 0
        length = b"" if mark.duration_s is None else b"\x15" + _seconds(mark.duration_s).encode()
        texts[record] += f"+{_seconds(mark.onset_s)}".encode() + length + b"\x14" + mark.text + b"\x14\x00"
    return texts


def _seconds(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".")
