"""JPEG segments that pixels need: frames, scans, and the tables that these name; nothing else.

References
----------
ITU-T T.81, annex B.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

CODE = {0xDB, 0xC4, 0xDD, 0xCC, 0xDC, *range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC),
        *range(0xCD, 0xD0)}  # fmt: skip
FRAMES = CODE - {0xDB, 0xC4, 0xDD, 0xCC, 0xDC}
SCAN, END, QUANTIZATION, HUFFMAN, ADOBE = 0xDA, 0xD9, 0xDB, 0xC4, 0xEE
TRANSFORM = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"  # and one byte: how colours are coded


def segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, first byte of the segment and the byte behind it; a scan with its code, up to the end of the image."""
    at = 2
    while True:
        if content[at] != 0xFF:
            raise ValueError
        while content[at + 1] == 0xFF:
            at += 1  # fill bytes
        marker = content[at + 1]
        if marker == END:
            yield marker, at, at + 2
            return
        stop = at + 2 + struct.unpack_from(">H", content, at + 2)[0]
        if marker == SCAN:
            stop = content.index(b"\xff", stop)
            while content[stop + 1] == 0 or 0xD0 <= content[stop + 1] <= 0xD7:
                stop = content.index(b"\xff", stop + 2)
        if stop > len(content):
            raise ValueError
        yield marker, at, stop
        at = stop


def named_tables(content: bytes) -> set[tuple[int, int]]:
    """Tables that a frame or a scan names: marker of their kind, and their class and number in one byte."""
    named: set[tuple[int, int]] = set()
    for marker, start, stop in segments(content):
        if marker in FRAMES:
            parts = content[start + 10 : stop]
            named |= {(QUANTIZATION, parts[at + 2]) for at in range(0, len(parts) - 2, 3)}
        elif marker == SCAN:
            for at in range(start + 5, start + 5 + 2 * content[start + 4], 2):
                pair = content[at + 1]
                named |= {(HUFFMAN, pair >> 4), (HUFFMAN, 0x10 | pair & 15)}
    return named


def with_named_tables(body: bytes, named: set[tuple[int, int]]) -> bytes:
    """A segment of tables without those that nothing names; nothing where none is left.

    Raises
    ------
    ValueError
        When a table breaks off or is longer than its kind.
    """
    marker, at, kept = body[1], 4, b""
    while at < len(body):
        if marker == QUANTIZATION:
            number, size = body[at] & 15, 1 + 64 * (1 + (body[at] >> 4))
        else:
            number, size = body[at], 17 + sum(body[at + 1 : at + 17])
        if at + size > len(body) or size > 17 + 256:
            raise ValueError
        kept += body[at : at + size] if (marker, number) in named else b""
        at += size
    return bytes((0xFF, marker)) + struct.pack(">H", 2 + len(kept)) + kept if kept else b""


def transform(body: bytes) -> bytes:
    """How colours are coded, in the only words that a decoder reads; nothing where the segment does not say it."""
    told = body[4:9] == b"Adobe" and len(body) == 16 and body[15] <= 2
    return TRANSFORM + body[15:16] if told else b""


def without_last_code(content: bytes, count: int) -> bytes:
    """The picture without the last bytes of its last scan, zeros at its end not counted; nothing where it has fewer."""
    start, stop = [(start, stop) for marker, start, stop in segments(content) if marker == SCAN][-1]
    head = start + 2 + struct.unpack_from(">H", content, start + 2)[0]
    code = content[head:stop].rstrip(b"\x00")[:-count].rstrip(b"\xff")
    return content[:head] + code + b"\xff\xd9" if len(code) > count else b""
