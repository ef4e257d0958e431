"""PNG chunks that pixels need, each once and with values that it can have; anything else is a text in their place.

References
----------
W3C PNG third edition, 5.6 (order and number of chunks) and 11.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

MARK = b"\x89PNG\r\n\x1a\n"
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # colour type to samples a pixel
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
PALETTE = 3
# Letters and digits read as a number of four bytes are beyond 5 * 10^8; what these chunks hold is not.
LARGEST = {b"gAMA": 10**6, b"cHRM": 10**6, b"pHYs": 10**8}


@dataclass(frozen=True)
class Header:
    """What IHDR tells."""

    width: int
    height: int
    depth: int
    colour: int
    interlaced: int

    @property
    def rows_bytes(self) -> int:
        """Bytes of the filtered rows, a filter byte each."""
        bits = self.depth * SAMPLES[self.colour]
        sizes = [(self.width, self.height)]
        if self.interlaced:
            sizes = [
                ((self.width - x + dx - 1) // dx, (self.height - y + dy - 1) // dy) for x, y, dx, dy in ADAM7
            ]
        return sum(rows * (1 + (columns * bits + 7) // 8) for columns, rows in sizes if columns)


def header_of(body: bytes) -> Header:
    """The fields of IHDR; raises where they are none."""
    width, height, depth, colour, packing, filtering, interlaced = struct.unpack(">IIBBBBB", body)
    if packing or filtering or colour not in SAMPLES or depth not in (1, 2, 4, 8, 16):
        raise ValueError
    return Header(width, height, depth, colour, interlaced)


def chunks(content: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Type, body and whole of each chunk up to the end; raises where a length or a checksum is wrong."""
    at = len(MARK)
    while True:
        size, kind = struct.unpack_from(">I4s", content, at)
        body, whole = content[at + 8 : at + 8 + size], content[at : at + 12 + size]
        if len(whole) != 12 + size or zlib.crc32(kind + body) != struct.unpack_from(">I", whole, 8 + size)[0]:
            raise ValueError
        yield kind, body, whole
        at += 12 + size
        if kind == b"IEND":
            return


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk with its length and checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def held(kind: bytes, body: bytes, header: Header, colours: int) -> bytes | None:
    """The body as it may stand; None where the chunk may not.

    Parameters
    ----------
    colours : int
        Entries of the palette that the pixels use: the largest index and one.
    """
    if kind in (b"IHDR", b"IDAT"):
        return body
    hold = HELD.get(kind)
    return hold(body, header, colours) if hold else None


def _numbers(kind: bytes, count: int) -> Callable[[bytes, Header, int], bytes | None]:
    def hold(body: bytes, _header: Header, _colours: int) -> bytes | None:
        size = 4 * count + (kind == b"pHYs")
        fits = len(body) == size and all(
            number <= LARGEST[kind] for number in struct.unpack_from(f">{count}I", body)
        )
        return body if fits and body[4 * count :] in (b"", b"\x00", b"\x01") else None

    return hold


def _palette(body: bytes, header: Header, colours: int) -> bytes | None:
    return body[: 3 * colours] if header.colour == PALETTE and len(body) % 3 == 0 else None


def _transparency(body: bytes, header: Header, colours: int) -> bytes | None:
    if header.colour == PALETTE:
        return body[:colours] or None
    samples = SAMPLES[header.colour]
    if header.colour not in (0, 2) or len(body) != 2 * samples:
        return None
    fits = all(number < 1 << header.depth for number in struct.unpack(f">{samples}H", body))
    return body if fits else None


def _significant(body: bytes, header: Header, _colours: int) -> bytes | None:
    samples, depth = (3, 8) if header.colour == PALETTE else (SAMPLES[header.colour], header.depth)
    return body if len(body) == samples and all(0 < bits <= depth for bits in body) else None


def _intent(body: bytes, _header: Header, _colours: int) -> bytes | None:
    return body if len(body) == 1 and body[0] <= 3 else None


def _end(body: bytes, _header: Header, _colours: int) -> bytes | None:
    return body if not body else None


HELD: Mapping[bytes, Callable[[bytes, Header, int], bytes | None]] = {
    b"PLTE": _palette,
    b"tRNS": _transparency,
    b"gAMA": _numbers(b"gAMA", 1),
    b"cHRM": _numbers(b"cHRM", 8),
    b"pHYs": _numbers(b"pHYs", 2),
    b"sRGB": _intent,
    b"sBIT": _significant,
    b"IEND": _end,
}
