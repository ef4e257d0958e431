"""TIFF pages laid out anew: tags that describe pixels, and the strips or tiles as they are; nothing else.

References
----------
TIFF 6.0, sections 2, 8 and 15.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence

from medassay.core.findings import Reason
from medassay.datasets.deidentify.outgoing import Actions, CannotClean

KEPT = {
    254: "NewSubfileType", 256: "ImageWidth", 257: "ImageLength", 258: "BitsPerSample", 259: "Compression",
    262: "PhotometricInterpretation", 266: "FillOrder", 273: "StripOffsets", 274: "Orientation",
    277: "SamplesPerPixel", 278: "RowsPerStrip", 279: "StripByteCounts", 282: "XResolution", 283: "YResolution",
    284: "PlanarConfiguration", 296: "ResolutionUnit", 317: "Predictor", 320: "ColorMap", 322: "TileWidth",
    323: "TileLength", 324: "TileOffsets", 325: "TileByteCounts", 338: "ExtraSamples", 339: "SampleFormat",
}  # fmt: skip
OFFSETS = {273: 279, 324: 325}  # tag of the places to tag of the lengths
NONE, LZW, DEFLATE = 1, 5, (8, 32946)
SEVERAL = {
    258,
    273,
    279,
    320,
    324,
    325,
    338,
    339,
}  # tags of more than one value; as many as samples: 258, 338, 339
RESOLUTIONS, LARGEST = (282, 283), 0x20000000  # four letters, read as a number, come to more
PALETTE, COLOURS = 3, 320
PACKINGS = (1, 5, 8, 32946)  # none, LZW, deflate: others may hold segments of their own
SIZES = {1: 1, 3: 2, 4: 4, 5: 8}  # BYTE, SHORT, LONG, RATIONAL
MOST_PAGES, MOST_PARTS = 10_000, 1_000_000

Page = dict[int, tuple[int, int, bytes]]  # tag to type, count and bytes of the values


def rewritten(content: bytes, actions: Actions, largest: Sequence[int]) -> bytes:
    """The same pages in the same byte order, with their parts one behind the other.

    Parameters
    ----------
    largest : sequence of int
        Largest value of each page's pixels: colours of a palette behind it are nobody's. Empty without a palette.
    """
    order = _order(content)
    out = bytearray(content[:4] + bytes(4))
    link = 4  # where the place of the next page is to be written
    for number, page in enumerate(_pages(content, order)):
        kept = {tag: page[tag] for tag in sorted(page) if tag in KEPT and _fits(page, tag, order)}
        for tag in page:
            actions[f"TIFF {KEPT.get(tag, 'other tag')}", "kept" if tag in kept else "removed"] += 1
        if COLOURS in kept:
            kept[COLOURS] = _used_colours(kept[COLOURS], order, largest[number])
        for places, lengths in OFFSETS.items():
            if places in kept:
                kept[places], kept[lengths] = _moved(content, order, page, places, out)
        struct.pack_into(f"{order}I", out, link, len(out))
        link = _written(out, order, kept)
    return bytes(out)


def has_palette(content: bytes) -> bool:
    """Whether any page has a palette."""
    return any(COLOURS in page for page in _pages(content, _order(content)))


def _fits(page: Page, tag: int, order: str) -> bool:
    """Whether a tag that may be left out has values that it can have; of one that may not, the page is refused."""
    kind, count, value = page[tag]
    samples = _number(page, order, 277, 1)
    if tag in RESOLUTIONS:
        return kind == 5 and count == 1 and max(struct.unpack(f"{order}2I", value)) < LARGEST
    bits = _number(page, order, 258, 1)
    most = {258: samples, 338: samples, 339: samples, COLOURS: 3 << bits}.get(
        tag, 1 if tag not in SEVERAL else count
    )
    if count > most or (tag == COLOURS and (count != most or bits > 16)):
        raise _refused("more values of a tag than it has")
    return tag != COLOURS or _number(page, order, 262, 0) == PALETTE


def _used_colours(entry: tuple[int, int, bytes], order: str, largest: int) -> tuple[int, int, bytes]:
    kind, count, _ = entry
    values, each = _numbers(order, entry), count // 3
    used = [value if at % each <= largest else 0 for at, value in enumerate(values)]
    return kind, count, struct.pack(f"{order}{count}H", *used)


def _number(page: Page, order: str, tag: int, default: int) -> int:
    return _numbers(order, page[tag])[0] if tag in page else default


def strange(content: bytes, largest: Sequence[int]) -> Iterator[str]:
    """What a rewritten file may not hold: other tags and values, bytes that belong to no page or no pixel."""
    order = _order(content)
    owned = 8
    for number, page in enumerate(_pages(content, order)):
        if any(not _fits(page, tag, order) for tag in page if tag in KEPT):
            yield "value of a tag"
        if COLOURS in page and _used_colours(page[COLOURS], order, largest[number]) != page[COLOURS]:
            yield "colour that no pixel has"
        owned += 2 + 12 * len(page) + 4
        owned += owned % 2
        for tag, (kind, count, value) in page.items():
            if tag not in KEPT:
                yield "tag"
            owned += len(value) + len(value) % 2 if SIZES[kind] * count > 4 else 0
        for places, lengths in OFFSETS.items():
            if places in page:
                owned += sum(size + size % 2 for size in _numbers(order, page[lengths]))
                if list(_parts(content, order, page, places)) != list(_stored(content, order, page, places)):
                    yield "bytes behind the rows of a part"
    if owned != len(content):
        yield "bytes of no page"


def _order(content: bytes) -> str:
    if content[:4] not in (b"II*\x00", b"MM\x00*"):
        raise _refused("a BigTIFF")
    return "<" if content[:2] == b"II" else ">"


def _pages(content: bytes, order: str) -> Iterator[Page]:
    (at,) = struct.unpack_from(f"{order}I", content, 4)
    seen: set[int] = set()
    while at:
        if at in seen or len(seen) > MOST_PAGES:
            raise _refused("pages that run in a circle, or too many")
        seen.add(at)
        (entries,) = struct.unpack_from(f"{order}H", content, at)
        page: Page = {}
        for n in range(entries):
            tag, kind, count = struct.unpack_from(f"{order}HHI", content, at + 2 + 12 * n)
            if tag in KEPT and kind not in SIZES:
                raise _refused("a tag of another type than its pixels need")
            size = SIZES.get(kind, 0) * count
            place = at + 10 + 12 * n
            if size > 4:
                (place,) = struct.unpack_from(f"{order}I", content, place)
            value = content[place : place + size]
            if len(value) != size or count > MOST_PARTS:
                raise ValueError
            page[tag] = (kind, count, value)
        _require_plain(order, page)
        yield page
        (at,) = struct.unpack_from(f"{order}I", content, at + 2 + 12 * entries)


def _require_plain(order: str, page: Page) -> None:
    packing = _numbers(order, page[259])[0] if 259 in page else 1
    if packing not in PACKINGS:
        raise _refused("packed pixels that may hold texts of their own")
    if not any(places in page and lengths in page for places, lengths in OFFSETS.items()):
        raise _refused("a page without strips or tiles")


def _moved(
    content: bytes, order: str, page: Page, places: int, out: bytearray
) -> tuple[tuple[int, int, bytes], tuple[int, int, bytes]]:
    """Append the strips or tiles; give their new places and lengths."""
    starts, sizes = [], []
    for part in _parts(content, order, page, places):
        starts.append(len(out))
        sizes.append(len(part))
        out += part + bytes(len(part) % 2)
    entries = [(4, len(values), struct.pack(f"{order}{len(values)}I", *values)) for values in (starts, sizes)]
    return entries[0], entries[1]


def _stored(content: bytes, order: str, page: Page, places: int) -> Iterator[bytes]:
    for place, size in zip(
        _numbers(order, page[places]), _numbers(order, page[OFFSETS[places]]), strict=True
    ):
        part = content[place : place + size]
        if len(part) != size:
            raise ValueError
        yield part


def _parts(content: bytes, order: str, page: Page, places: int) -> Iterator[bytes]:
    """Each strip or tile, with the bytes that its rows need and none behind them."""
    packing = _number(page, order, 259, NONE)
    for part, due in zip(_stored(content, order, page, places), _dues(page, order, places), strict=True):
        if packing == NONE:
            if len(part) < due:
                raise ValueError
            yield part[:due]
        elif packing == LZW:
            yield part[: _end_of_lzw(part, due)]
        else:
            stream = zlib.decompressobj()
            if len(stream.decompress(part, due + 1)) != due:
                raise _refused("more or fewer rows in a part than the page has")
            stream.flush()
            if not stream.eof:
                raise ValueError
            yield part[: len(part) - len(stream.unused_data)]


def _dues(page: Page, order: str, places: int) -> Iterator[int]:
    """Bytes of the rows of each strip or tile, unpacked."""
    width, height = (_number(page, order, tag, 0) for tag in (256, 257))
    samples, bits = _number(page, order, 277, 1), _number(page, order, 258, 1)
    apart = samples if _number(page, order, 284, 1) == 2 else 1  # planes, one a sample
    a_pixel = bits if apart > 1 else bits * samples
    if places == 324:
        tile = _number(page, order, 323, 0) * ((_number(page, order, 322, 0) * a_pixel + 7) // 8)
        yield from [tile] * page[places][1]
        return
    each = min(_number(page, order, 278, height) or height, height)
    for _ in range(apart):
        for first in range(0, height, each):
            yield min(each, height - first) * ((width * a_pixel + 7) // 8)


def _end_of_lzw(part: bytes, due: int) -> int:
    """The byte behind the code that ends a strip; what it unpacks to is counted, not made (TIFF 6.0, section 13)."""
    clear, end, first = 256, 257, 258
    lengths: list[int] = []
    made, before, width, held, have, at = 0, 0, 9, 0, 0, 0
    while True:
        while have < width:
            held, have, at = (held << 8 | part[at]) & 0xFFFFFF, have + 8, at + 1
        code, have = held >> (have - width) & ((1 << width) - 1), have - width
        if code == end:
            break
        if code == clear:
            lengths, before, width = [], 0, 9
            continue
        size = 1 if code < 256 else lengths[code - first] if code - first < len(lengths) else before + 1
        if code - first > len(lengths) or (code >= first and not before):
            raise ValueError
        made += size
        if before:
            lengths.append(before + 1)
        before = size
        width = 9 + sum(len(lengths) + first >= limit for limit in (511, 1023, 2047))
    if made != due:
        raise _refused("more or fewer rows in a part than the page has")
    return at


def _written(out: bytearray, order: str, page: Page) -> int:
    """Append a directory with its values; give the place of its link."""
    at = len(out)
    out += struct.pack(f"{order}H", len(page)) + bytes(12 * len(page) + 4)
    out += bytes(len(out) % 2)
    for n, (tag, (kind, count, value)) in enumerate(page.items()):
        entry = struct.pack(f"{order}HHI", tag, kind, count)
        if len(value) > 4:
            entry += struct.pack(f"{order}I", len(out))
            out += value + bytes(len(value) % 2)
        else:
            entry += value.ljust(4, b"\x00")
        out[at + 2 + 12 * n : at + 14 + 12 * n] = entry
    return at + 2 + 12 * len(page)


def _numbers(order: str, entry: tuple[int, int, bytes]) -> list[int]:
    kind, count, value = entry
    return list(struct.unpack(f"{order}{count}{'BHI'[SIZES[kind] // 2]}", value))


def _refused(found: str) -> CannotClean:
    return CannotClean(
        Reason.UNSUPPORTED_FORM, found, "a classic TIFF, its pixels plain, LZW or deflate", "TIFF"
    )
