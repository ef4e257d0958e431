"""Walk the bytes of a de-identified EDF+ file by the widths of the standard, without any reader of EDF.

Everything that is text must stand on an allow-list; whatever does not is named by its place, never quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

PATIENT = re.compile(rb"X [FMX] X X *")
RECORDING = re.compile(rb"Startdate (X|\d{2}-[A-Z]{3}-\d{4}) X X X *")
NUMBER = re.compile(rb"[+-]?\d+(\.\d+)? *")
LABEL = re.compile(
    rb"EEG (Fp|AF|FT|FC|TP|CP|PO|[FTCPOI])(z|\d{1,2})(-[A-Za-z0-9+]{1,5})? *|EDF Annotations *"
)
FILTER = re.compile(rb"((HP|LP|N):\d{1,5}(\.\d{1,6})?(Hz)?( (?=[HLN]))?)* *")
BLANK = re.compile(rb" *")
LIST = re.compile(rb"\+\d+(\.\d+)?(\x15\d+(\.\d+)?)?\x14(?P<text>[^\x14]*)\x14")

# Name, offset and width in the fixed header, and what may stand there.
FIXED_PART = (
    ("version", 0, 8, re.compile(rb"0 *")),
    ("patient", 8, 80, PATIENT),
    ("recording", 88, 80, RECORDING),
    ("start date", 168, 8, re.compile(rb"\d\d\.\d\d\.(\d\d|yy)")),
    ("start time", 176, 8, re.compile(rb"\d\d\.\d\d\.\d\d")),
    ("bytes in header", 184, 8, NUMBER),
    ("reserved", 192, 44, re.compile(rb"EDF\+C *")),
    ("data records", 236, 8, NUMBER),
    ("record duration", 244, 8, NUMBER),
    ("signals", 252, 4, NUMBER),
)
# Name, width, and what may stand there, one after another for all signals.
SIGNAL_PART = (
    ("label", 16, LABEL),
    ("transducer", 80, BLANK),
    ("physical dimension", 8, re.compile(rb"(uV)? *")),
    ("physical minimum", 8, NUMBER),
    ("physical maximum", 8, NUMBER),
    ("digital minimum", 8, NUMBER),
    ("digital maximum", 8, NUMBER),
    ("prefiltering", 80, FILTER),
    ("samples in record", 8, NUMBER),
    ("reserved", 32, BLANK),
)


def strangers(content: bytes, texts: Sequence[str]) -> Iterator[str]:
    """The place of everything that is not on the allow-list; nothing: the file is proven.

    Parameters
    ----------
    texts : sequence of str
        Annotation texts that may stand.
    """
    for name, offset, width, allowed in FIXED_PART:
        if not allowed.fullmatch(content[offset : offset + width]):
            yield f"header field {name}"
            return  # nothing behind can be placed for certain
    count, position = int(content[252:256]), 256
    columns: dict[str, list[bytes]] = {}
    for name, width, allowed in SIGNAL_PART:
        columns[name] = [content[position + width * i : position + width * (i + 1)] for i in range(count)]
        position += width * count
        for number, value in enumerate(columns[name], 1):
            if not allowed.fullmatch(value):
                yield f"signal {number}: {name}"
                return
    yield from _annotations(content, position, columns, {text.encode() for text in texts})


def _annotations(
    content: bytes, position: int, columns: dict[str, list[bytes]], allowed: set[bytes]
) -> Iterator[str]:
    sizes = [2 * int(value) for value in columns["samples in record"]]
    records = int(content[236:244])
    if len(content) != position + records * sum(sizes):
        yield "length of the file"
        return
    for number, label in enumerate(columns["label"]):
        if not label.startswith(b"EDF Annotations"):
            continue
        offset, size = position + sum(sizes[:number]), sizes[number]
        for record in range(records):
            start = offset + record * sum(sizes)
            for part in content[start : start + size].split(b"\x00"):
                match = LIST.fullmatch(part) if part else None
                if part and (match is None or (match["text"] and match["text"] not in allowed)):
                    yield f"annotation in data record {record + 1}"
