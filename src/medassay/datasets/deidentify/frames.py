"""Compressed frames: what is no code of a picture is blanked in place, and what cannot be followed does not leave.

The fragments of pixel data are read as one stream of bytes, since a segment may begin in one and end in the next. Only
segments that a decoder needs stand; comments, records of applications, bytes between pictures and behind the last one
go. No length changes, so offsets stay true; a table of offsets that tells of no fragment is emptied.

References
----------
DICOM PS3.5 annexes A.4 and G; ITU-T T.81, annex B; T.87, annex C; T.800 and T.814, annex A.
"""

from __future__ import annotations

import io
import re
import struct
from bisect import bisect_right
from collections.abc import Iterator

from medassay.core.errors import WrongUse
from medassay.datasets.deidentify import jpeg_segments

ITEM = b"\xfe\xff\x00\xe0"
RLE = "1.2.840.10008.1.2.5"
JPEG = re.compile(r"1\.2\.840\.10008\.1\.2\.4\.(5[017]|70|8[01])")
DISCRETE_COSINE = re.compile(r"1\.2\.840\.10008\.1\.2\.4\.5[01]")
END_OF_CODE = 8  # bytes of a scan without which its pixels must be others
JPEG_2000 = re.compile(r"1\.2\.840\.10008\.1\.2\.4\.(9[0-3]|20[1-3])")
SOI, SOC, EOI = b"\xff\xd8", b"\xff\x4f", 0xD9
COMMENT, COMMENT_2000, SCAN, TILE, TILE_DATA = 0xFE, 0x64, 0xDA, 0x90, 0x93
# Tables, frames and restarts of T.81, and what T.87 adds (F7, F8).
SEGMENTS = frozenset((*range(0xC0, 0xC8), *range(0xC9, 0xD0), *range(0xDB, 0xE0), 0xF7, 0xF8))
SEGMENTS_2000 = frozenset(
    (0x50, 0x51, 0x52, 0x53, 0x55, 0x57, 0x58, 0x59, 0x5C, 0x5D, 0x5E, 0x5F, 0x60, 0x61, 0x63)
)
# What ends entropy-coded data: a marker that is none of a restart. T.87 stuffs a bit where T.81 stuffs a byte.
SCAN_END = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
SCAN_END_LS = re.compile(rb"\xff[\x80-\xcf\xd8-\xfe]")
CODE_END_2000 = re.compile(rb"\xff\xd9")
# Records of applications that are flags of the decoder: JFIF without a thumbnail, Adobe's and HP's colour transforms.
FLAGS = re.compile(
    rb"JFIF\x00[\x01\x02][\x00-\x03][\x00-\x02].{4}\x00\x00|Adobe[\x00-\x02].{6}|mrfx[\x00-\x04]", re.DOTALL
)
ENCODERS = re.compile(
    rb"[\x00\x01]?[\x00\x01]?(Created by OpenJPEG version|Kakadu|LEAD Technologies|CharLS|Lavc|Pegasus|Aware|"
    rb"JasPer Version|Grok)( Inc\.?)?( V)?[ 0-9v._-]{0,24}\x00?"
)
MOST_SEGMENTS = 15  # of a frame of run lengths: PS3.5, G.5
Place = tuple[int, int]  # first byte and the byte behind


def without_texts(value: bytes, syntax: str, *, count: int, pixels: int) -> bytes:
    """Encapsulated frames that hold nothing but what a decoder needs.

    Parameters
    ----------
    count : int
        Frames that the header tells of.
    pixels : int
        Of one frame, rows by columns; bytes of a frame where eight pixels share one.

    Raises
    ------
    WrongUse
        When the frames are not in the form of their transfer syntax, or more or fewer than the header tells.
    """
    try:
        table, *parts = _items(value)
        out = bytearray(value)
        if syntax == RLE:
            blanks = _of_run_lengths(value, parts, pixels)
            found = len(parts)
        else:
            found, blanks = _of_code(value, parts, syntax)
        for start, stop in blanks:
            out[start:stop] = bytes(stop - start)
    except (struct.error, IndexError, ValueError) as error:
        raise _refused("compressed frames that are not in the form of their transfer syntax") from error
    if found != count:
        raise _refused("more or fewer compressed frames than the header tells of")
    if tells_fragments(value[table[0] : table[1]], parts, "I"):
        return bytes(out)
    return ITEM + bytes(4) + bytes(out[table[1] :])


def tells_fragments(table: bytes, parts: list[Place], kind: str) -> bool:
    """Whether a table of offsets is empty, or each of its offsets is where a fragment begins."""
    starts = {start - parts[0][0] for start, _ in parts} if parts else set()
    size = struct.calcsize(f"<{kind}")
    if len(table) % size:
        return False
    offsets = [one[0] for one in struct.iter_unpack(f"<{kind}", table)]
    return not offsets or (offsets[0] == 0 and sorted(set(offsets)) == offsets and set(offsets) <= starts)


def fragments(value: bytes) -> list[Place]:
    """Places of the fragments, without the table of offsets; none where the bytes are no items."""
    try:
        return _items(value)[1:]
    except (struct.error, ValueError):
        return []


def _items(value: bytes) -> list[Place]:
    at, found = 0, []
    while at < len(value):
        mark, size = struct.unpack_from("<4sI", value, at)
        if mark != ITEM or at + 8 + size > len(value):
            raise ValueError
        found.append((at + 8, at + 8 + size))
        at += 8 + size
    if not found:
        raise ValueError
    return found


def _of_code(value: bytes, parts: list[Place], syntax: str) -> tuple[int, list[Place]]:
    """Number of pictures, and the places in the pixel data that are to be blanked."""
    stream = b"".join(value[start:stop] for start, stop in parts)
    if JPEG.fullmatch(syntax):
        head, walk = SOI, _jpeg
    elif JPEG_2000.fullmatch(syntax):
        head, walk = SOC, _jpeg_2000
    else:
        raise ValueError
    found, at, blanks = 0, 0, []
    while (start := stream.find(head + b"\xff", at)) >= 0:
        blanks.append((at, start))
        at = start + 2
        for begin, stop in walk(stream, at):
            blanks.append((begin, stop))
            at = stop  # the last is empty, and ends the picture
        if DISCRETE_COSINE.fullmatch(syntax):
            _require_code_to_the_end(stream[start:at])
        found += 1
    blanks.append((at, len(stream)))
    return found, [place for one in blanks for place in _in_fragments(one, parts)]


def _require_code_to_the_end(picture: bytes) -> None:
    """The last bytes of a scan are code: pixels change without them. Else what stands there is none."""
    whole = picture.removesuffix(bytes((0xFF, EOI))) + bytes((0xFF, EOI))
    try:
        shortened = jpeg_segments.without_last_code(whole, END_OF_CODE)
        pixels = [_decoded(one) for one in (whole, shortened) if one]
    except (OSError, ValueError, SyntaxError, IndexError, struct.error):
        return  # of more than 8 bits, or broken: no decoder here tells
    if len(pixels) == 2 and pixels[0] == pixels[1]:
        raise _refused("bytes between the code of a compressed frame and its end")


def _decoded(picture: bytes) -> bytes:
    from PIL import Image

    with Image.open(io.BytesIO(picture), formats=["JPEG"]) as opened:
        return opened.tobytes()


def _in_fragments(place: Place, parts: list[Place]) -> Iterator[Place]:
    """A place of the joined stream as places of the pixel data."""
    starts, total = [], 0
    for start, stop in parts:
        starts.append(total)
        total += stop - start
    begin, end = place
    at = max(bisect_right(starts, begin) - 1, 0)
    while begin < end and at < len(parts):
        stop = min(end, starts[at] + parts[at][1] - parts[at][0])
        yield parts[at][0] + begin - starts[at], parts[at][0] + stop - starts[at]
        begin, at = stop, at + 1


def _jpeg(stream: bytes, at: int) -> Iterator[Place]:
    """Payloads to blank of one picture, from behind its first marker; an empty place at its end."""
    end = SCAN_END
    while at < len(stream):
        if stream[at] != 0xFF:
            raise ValueError
        marker = stream[at + 1]
        if marker == 0xFF:
            at += 1  # a fill byte
            continue
        if marker == EOI:
            at += 2
            break
        size = struct.unpack_from(">H", stream, at + 2)[0]
        first, last = at + 4, at + 2 + size
        if size < 2 or last > len(stream):
            raise ValueError
        end = SCAN_END_LS if marker == 0xF7 else end
        if marker == SCAN:
            behind = end.search(stream, last)
            last = behind.start() if behind else len(stream)
        elif 0xE0 <= marker <= 0xEF or marker == COMMENT:
            payload = stream[first:last]
            if any(payload) and not (FLAGS if marker != COMMENT else ENCODERS).fullmatch(payload):
                yield first, last
        elif marker not in SEGMENTS:
            raise ValueError
        at = last
    yield at, at


def _jpeg_2000(stream: bytes, at: int) -> Iterator[Place]:
    """Payloads of comments, in the main header and in those of tile parts; an empty place at the end of the code."""
    while at < len(stream):
        if stream[at] != 0xFF:
            raise ValueError
        marker = stream[at + 1]
        if marker == EOI:
            at += 2
            break
        size = struct.unpack_from(">H", stream, at + 2)[0]
        first, last = at + 4, at + 2 + size
        if size < 2 or last > len(stream):
            raise ValueError
        if marker == TILE:
            yield from _tile_header(stream, last)
            length = struct.unpack_from(">I", stream, first + 2)[0]
            behind = CODE_END_2000.search(stream, last) if not length else None
            last = at + length if length else behind.start() if behind else len(stream)
            last = min(last, len(stream))
        elif marker == COMMENT_2000:
            yield from _comment_2000(stream, first, last)
        elif marker not in SEGMENTS_2000:
            raise ValueError
        at = last
    yield at, at


def _tile_header(stream: bytes, at: int) -> Iterator[Place]:
    while stream[at : at + 2] != bytes((0xFF, TILE_DATA)):
        size = struct.unpack_from(">H", stream, at + 2)[0]
        if stream[at] != 0xFF or size < 2 or at + 2 + size > len(stream):
            raise ValueError
        if stream[at + 1] == COMMENT_2000:
            yield from _comment_2000(stream, at + 4, at + 2 + size)
        elif stream[at + 1] not in SEGMENTS_2000:
            raise ValueError
        at += 2 + size


def _comment_2000(stream: bytes, first: int, last: int) -> Iterator[Place]:
    """The text of a comment; the two bytes before it say how it is to be read."""
    if any(stream[first + 2 : last]) and not ENCODERS.fullmatch(stream[first:last]):
        yield first + 2, last


def _of_run_lengths(value: bytes, parts: list[Place], pixels: int) -> list[Place]:
    """What the header of each frame leaves free, and bytes behind the runs of each segment."""
    if not pixels:
        raise ValueError
    blanks = []
    for start, stop in parts:
        count, *offsets = struct.unpack_from("<16I", value, start)
        used = [start + offset for offset in offsets[:count]]
        if not 0 < count <= MOST_SEGMENTS or used != sorted(used) or used[0] != start + 64 or used[-1] > stop:
            raise ValueError
        blanks.append((start + 4 + 4 * count, start + 64))
        for at, end in zip(used, [*used[1:], stop], strict=True):
            blanks.append((_end_of_runs(value, at, end, pixels), end))
    return blanks


def _end_of_runs(value: bytes, at: int, end: int, due: int) -> int:
    """The byte behind the runs of one segment that its pixels need."""
    made = 0
    while made < due:
        run = value[at]
        if run < 128:
            made, at = made + run + 1, at + run + 2
        elif run > 128:
            made, at = made + 257 - run, at + 2
        else:
            at += 1
        if at > end:
            raise ValueError
    return at


def _refused(found: str) -> WrongUse:
    return WrongUse(
        found=found,
        wanted="frames that a decoder of their transfer syntax reads whole",
        remedy="Export the object uncompressed.",
        where="(7FE0,0010) PixelData",
    )
