"""Bytes of pixel data that are no pixels: what stands behind, between and inside of them may tell a person."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

ITEM = b"\xfe\xff\x00\xe0"
JPEG, JPEG_2000 = b"\xff\xd8", b"\xff\x4f"
COMMENT, COMMENT_2000, SCAN, START_2000 = 0xFE, 0x64, 0xDA, 0x90
SHORT = (
    18  # bytes of an application segment (JFIF, Adobe, colour transform); longer ones hold more than flags
)
ENCODERS = re.compile(
    rb"[\x00\x01]?[\x00\x01]?(Created by OpenJPEG version|Kakadu|LEAD Technologies|CharLS|Lavc|Pegasus|Aware|"
    rb"JasPer Version|Grok)[ 0-9A-Za-z._-]{0,24}\x00?"
)


def plain(value: bytes, header: Dataset, *, swap: bool) -> bytes:
    """Native pixels in little endian: nothing behind the last one, nothing in the bits above those stored.

    Bits above are cleared only where the header says that an overlay lies in them ((60xx,0102) Overlay Bit
    Position other than 0) and the pixels are unsigned: elsewhere they are padding or sign, and stay.
    """
    if swap and _whole(header, "BitsAllocated") == 16:
        value = np.frombuffer(value[: len(value) // 2 * 2], ">u2").astype("<u2").tobytes()
    due = _due(header)
    if due is not None and len(value) > due:
        # One byte makes the length even; a reader may not find anything in it.
        value = value[:due] + b"\x00" * (due % 2)
    if _overlay_in_pixels(header) and _whole(header, "PixelRepresentation") == 0:
        allocated, stored = _whole(header, "BitsAllocated"), _whole(header, "BitsStored")
        if allocated in (8, 16) and 0 < stored < allocated:
            kind = "<u2" if allocated == 16 else "u1"
            values = np.frombuffer(value, kind)
            value = (values & np.array((1 << stored) - 1, kind)).tobytes()
    return value


def without_comments(value: bytes) -> bytes:
    """Encapsulated frames with the texts of their comments and application segments blanked, in place.

    No length changes, so offsets stay true, and no decoder reads what is blanked. Names of encoders stay.
    """
    blanked = bytearray(value)
    at = 0
    while at + 8 <= len(value) and value[at : at + 4] == ITEM:
        size = struct.unpack_from("<I", value, at + 4)[0]
        _blank(blanked, at + 8, min(at + 8 + size, len(value)))
        at += 8 + size
    return bytes(blanked)


def _blank(content: bytearray, start: int, end: int) -> None:
    """Walk the segments of one fragment up to its first scan or tile."""
    head = bytes(content[start : start + 2])
    if head not in (JPEG, JPEG_2000):
        return
    at = start + 2
    while at + 4 <= end and content[at] == 0xFF:
        marker = content[at + 1]
        size = struct.unpack_from(">H", content, at + 2)[0]
        if marker in (SCAN, START_2000) or size < 2:
            return
        first, last = at + 4, min(at + 2 + size, end)
        if _tells_more(head, marker, bytes(content[first:last])):
            keep = 2 if head == JPEG_2000 else 0  # Rcom says how the comment is to be read
            content[first + keep : last] = bytes(max(0, last - first - keep))
        at += 2 + size


def _tells_more(head: bytes, marker: int, payload: bytes) -> bool:
    if head == JPEG_2000:
        return marker == COMMENT_2000 and any(payload[2:]) and not ENCODERS.fullmatch(payload)
    if marker == COMMENT:
        return any(payload) and not ENCODERS.fullmatch(payload)
    return 0xE0 <= marker <= 0xEF and len(payload) > SHORT - 2 and any(payload)


def _due(header: Dataset) -> int | None:
    """Bytes of the pixels that the header tells of; None where it does not."""
    facts = [_whole(header, name) for name in ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated")]
    frames = _whole(header, "NumberOfFrames") if "NumberOfFrames" in header else 1
    if not all(facts) or not frames:
        return None
    rows, columns, samples, bits = facts
    if str(header.get("PhotometricInterpretation", "")) == "YBR_FULL_422":
        samples = 2
    return (rows * columns * samples * frames * bits + 7) // 8


def _whole(header: Dataset, keyword: str) -> int:
    """A positive whole number of the header; 0 where it is none."""
    try:
        value: Any = header.get(keyword)
        return max(0, int(value))
    except (TypeError, ValueError, OverflowError):
        return 0


def _overlay_in_pixels(header: Dataset) -> bool:
    places = [header.get((group, 0x0102)) for group in range(0x6000, 0x6020, 2)]
    return any(place is not None and place.value not in (0, None, "") for place in places)
