"""What a compressed frame says of itself: size, samples and depth, read from its first bytes.

A decoder makes room for what the codestream claims, whatever the DICOM header says. So both are compared before
any decoder is asked.

References
----------
ITU-T T.81 annex B (JPEG), T.87 annex C (JPEG-LS), T.800 annex A (JPEG 2000).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

JPEG_START, J2K_START = b"\xff\xd8", b"\xff\x4f\xff\x51"
JP2_START, END = b"\x00\x00\x00\x0cjP  ", b"\xff\xd9"
BASELINE, EXTENDED, LOSSLESS, JPEG_LS = 0xC0, 0xC1, 0xC3, 0xF7
_FRAME_MARKERS = (frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}) | {JPEG_LS}
_BARE_MARKERS = frozenset(range(0xD0, 0xD9)) | {0x01}


@dataclass(frozen=True)
class Codestream:
    """The frame header of one compressed picture."""

    family: str  # jpeg, jpeg-ls, jpeg2000
    rows: int
    columns: int
    samples: int
    precision: int  # bits
    process: int = 0  # JPEG: the second byte of its start-of-frame marker


def look(frame: bytes) -> Codestream | None:
    """Read the frame header; None where there is none to read.

    Examples
    --------
    >>> look(bytes.fromhex("ffd8 ffc1 000b 0c 0010 0020 01 011100"))
    Codestream(family='jpeg', rows=16, columns=32, samples=1, precision=12, process=193)
    """
    boxes = frame.startswith(JP2_START)  # of a file put where a bare codestream belongs
    if boxes or frame.startswith(J2K_START):
        at = frame.find(J2K_START, 0, 1 << 16)
        return _jpeg2000(frame, at) if at >= 0 else None
    return _jpeg(frame) if frame.startswith(JPEG_START) else None


def is_whole(frame: bytes) -> bool:
    """Whether the mark of the end stands at the end, before padding: decoders fill up what is missing.

    Examples
    --------
    >>> is_whole(bytes.fromhex("ffd8 00 ffd9 ff")), is_whole(bytes.fromhex("ffd8 00"))
    (True, False)
    """
    return frame.rstrip(b"\x00\xff").endswith(END) or frame.rstrip(b"\x00").endswith(END)


def transfer_syntax_of(frame: bytes) -> str:
    """The transfer syntax of a frame whose file states none; empty where the bytes do not tell.

    Lossless and lossy streams of one family share a decoder, so the wider of the two is given.
    """
    seen = look(frame)
    if seen is None:
        return ""
    if seen.family == "jpeg2000":
        return "1.2.840.10008.1.2.4.91"
    return {
        BASELINE: "1.2.840.10008.1.2.4.50",
        EXTENDED: "1.2.840.10008.1.2.4.51",
        LOSSLESS: "1.2.840.10008.1.2.4.57",
        JPEG_LS: "1.2.840.10008.1.2.4.81",
    }.get(seen.process, "")


def _jpeg(frame: bytes) -> Codestream | None:
    position = 2
    while position + 9 < len(frame):
        if frame[position] != 0xFF:
            return None
        marker = frame[position + 1]
        if marker == 0xFF:  # fill bytes
            position += 1
            continue
        if marker in _BARE_MARKERS:
            position += 2
            continue
        (length,) = struct.unpack_from(">H", frame, position + 2)
        if marker in _FRAME_MARKERS:
            precision, rows, columns, samples = struct.unpack_from(">BHHB", frame, position + 4)
            family = "jpeg-ls" if marker == JPEG_LS else "jpeg"
            return Codestream(family, rows, columns, samples, precision, marker)
        if length < 2:
            return None
        position += 2 + length
    return None


def _jpeg2000(frame: bytes, at: int) -> Codestream | None:
    if len(frame) < at + 43:
        return None
    x_size, y_size, x_offset, y_offset = struct.unpack_from(">IIII", frame, at + 8)
    (samples,) = struct.unpack_from(">H", frame, at + 40)
    precision = (frame[at + 42] & 0x7F) + 1
    return Codestream("jpeg2000", y_size - y_offset, x_size - x_offset, samples, precision)
