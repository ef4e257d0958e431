"""Header fields of EDF as the specification prints them, and how one field is read and written."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Sequence

from medassay.core.errors import WrongUse
from medassay.core.findings import Reason

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


# Field and width in bytes, in the order of the specification.
FILE_FIELDS = (
    ("version", 8),
    ("patient", 80),
    ("recording", 80),
    ("startdate", 8),
    ("starttime", 8),
    ("header_bytes", 8),
    ("reserved", 44),
    ("records", 8),
    ("record_s", 8),
    ("signals", 4),
)
SIGNAL_FIELDS = (
    ("label", 16),
    ("transducer", 80),
    ("unit", 8),
    ("physical_min", 8),
    ("physical_max", 8),
    ("digital_min", 8),
    ("digital_max", 8),
    ("prefilter", 80),
    ("per_record", 8),
    ("reserved", 32),
)
FIXED = 256


class HeaderUnreadable(WrongUse):
    """The header cannot be walked; `reason` is what a finding says of it."""

    def __init__(self, reason: Reason, *, found: str, wanted: str, where: str = "") -> None:
        super().__init__(found=found, wanted=wanted, remedy="Export the recording again.", where=where)
        self.reason = reason


def fields_of(
    content: bytes, start: int, table: Sequence[tuple[str, int]], count: int
) -> dict[str, list[bytes]]:
    """Walk a table of fields, `count` values of each."""
    values: dict[str, list[bytes]] = {}
    for name, width in table:
        values[name] = [content[start + width * i : start + width * (i + 1)] for i in range(count)]
        start += width * count
    return values


def text_of(raw: bytes) -> str:
    return raw.decode("latin-1").rstrip(" \x00")


def whole_of(raw: bytes, what: str, *, least: int) -> int:
    text = text_of(raw).strip()
    if not re.fullmatch(r"[+-]?\d+", text) or int(text) < least:
        wanted = f"a whole number, at least {least}"
        raise HeaderUnreadable(Reason.HEADER_INVALID, found="another value", wanted=wanted, where=what)
    return int(text)


def decimal_of(raw: bytes, what: str) -> float:
    text = text_of(raw).strip()
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text) or not math.isfinite(float(text)):
        wanted = "a number with a decimal point"
        raise HeaderUnreadable(Reason.HEADER_INVALID, found="another value", wanted=wanted, where=what)
    return float(text)


def date_of(year: int, month: int, day: int) -> datetime.date | None:
    try:
        return datetime.date(year, month, day)
    except ValueError:
        return None


def edfplus_date(text: bytes) -> datetime.date | None:
    """A date as EDF+ writes it, "02-MAR-2002"; None for "X" or anything else."""
    match = re.fullmatch(rb"(\d\d)-([A-Z]{3})-(\d{4})", text.upper())
    if not match or match[2].decode() not in MONTHS:
        return None
    return date_of(int(match[3]), MONTHS.index(match[2].decode()) + 1, int(match[1]))


def number(value: float) -> str:
    """A number in at most eight characters.

    Raises
    ------
    WrongUse
        When eight characters cannot hold it.
    """
    texts = [str(int(value)) if float(value).is_integer() else repr(float(value))]
    texts += [f"{value:.{digits}f}" for digits in (6, 5, 4, 3, 2, 1, 0)]
    for text in texts:
        if len(text) <= 8 and "e" not in text:
            return text
    raise WrongUse(
        found=f"the number {value}", wanted="one of at most 8 characters", remedy="Scale the unit."
    )


def padded(value: bytes, width: int) -> bytes:
    if len(value) > width:
        raise WrongUse(
            found=f"{len(value)} bytes",
            wanted=f"at most {width} in a header field",
            remedy="Shorten the text.",
        )
    return value.ljust(width)
