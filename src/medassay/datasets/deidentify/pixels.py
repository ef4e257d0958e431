"""Bytes of native pixel data that are no pixels: what stands behind and beside of them may tell a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medassay.core.errors import WrongUse

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


def plain(value: bytes, header: Dataset, *, swap: bool) -> bytes:
    """Native pixels in little endian: nothing behind the last one, nothing in the bits beside those stored.

    Other bits are cleared only where the header says that an overlay lies in them ((60xx,0102) Overlay Bit Position
    other than 0); of signed pixels the sign is written into those above. Elsewhere they are padding or sign, and stay.

    Raises
    ------
    WrongUse
        When the pixels are fewer than the header says, or it does not say how many there are.
    """
    due = _due(header, len(value))
    if due is None or len(value) < due:
        raise WrongUse(
            found="pixels that are fewer than the header says, or of which it does not say how many",
            wanted="as many as rows, columns, samples and frames come to",
            remedy="Export the object again.",
            where="(7FE0,0010) PixelData",
        )
    allocated = whole(header, "BitsAllocated")
    words = 2 if swap and allocated == 8 and header["PixelData"].VR == "OW" else allocated // 8
    if swap and words in (2, 4, 8):
        size = -(-due // words) * words
        value = np.frombuffer(value[:size].ljust(size, b"\x00"), f">u{words}").astype(f"<u{words}").tobytes()
    if len(value) > due:
        # One byte makes the length even; a reader may not find anything in it.
        value = value[:due] + b"\x00" * (due % 2)
    if _overlay_in_pixels(header) and allocated in (8, 16, 32):
        value = _stored_bits(value, header, allocated)
    return value


def _stored_bits(value: bytes, header: Dataset, allocated: int) -> bytes:
    """Pixels with zeros, or their sign, in the bits that are not theirs."""
    stored = whole(header, "BitsStored")
    high = whole(header, "HighBit") if "HighBit" in header else stored - 1
    low = high + 1 - stored
    if not 0 < stored < allocated or not 0 <= low <= high < allocated:
        return value
    kind = f"<u{allocated // 8}"
    size = len(value) // (allocated // 8) * (allocated // 8)
    values = np.frombuffer(value[:size], kind)
    mask = ((1 << stored) - 1) << low
    plain = values & np.array(mask, kind)
    if whole(header, "PixelRepresentation") == 1:
        above = ((1 << allocated) - 1) & ~((1 << (high + 1)) - 1)
        plain = np.where(plain >> np.array(high, kind) & 1, plain | np.array(above, kind), plain).astype(kind)
    return bytes(plain.tobytes()) + value[size:]


def _due(header: Dataset, length: int) -> int | None:
    """Bytes of the pixels that the header tells of; None where it does not."""
    facts = [whole(header, name) for name in ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated")]
    frames = frames_told(header)
    if not all(facts) or not frames:
        return None
    rows, columns, samples, bits = facts
    due = (rows * columns * samples * frames * bits + 7) // 8
    halved = str(header.get("PhotometricInterpretation", "")) == "YBR_FULL_422"
    if halved and length not in (due, due + due % 2):  # some writers store all samples and say half of them
        return (rows * columns * 2 * frames * bits + 7) // 8
    return due


def frames_told(header: Dataset) -> int:
    """Number of frames that the header tells of; 0 where it is no number."""
    return whole(header, "NumberOfFrames") if "NumberOfFrames" in header else 1


def whole(header: Dataset, keyword: str) -> int:
    """A positive whole number of the header; 0 where it is none."""
    try:
        value: Any = header.get(keyword)
        return max(0, int(value))
    except (TypeError, ValueError, OverflowError):
        return 0


def _overlay_in_pixels(header: Dataset) -> bool:
    places = [header.get((group, 0x0102)) for group in range(0x6000, 0x6020, 2)]
    return any(place is not None and place.value not in (0, None, "") for place in places)
