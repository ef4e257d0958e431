"""TIFF pages laid out anew: tags that describe pixels, and the strips or tiles as they are; nothing else.

References
----------
TIFF 6.0, sections 2, 8 and 15.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

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
PACKINGS = (1, 5, 8, 32946)  # none, LZW, deflate: others may hold segments of their own
SIZES = {1: 1, 3: 2, 4: 4, 5: 8}  # BYTE, SHORT, LONG, RATIONAL
MOST_PAGES, MOST_PARTS = 10_000, 1_000_000

Page = dict[int, tuple[int, int, bytes]]  # tag to type, count and bytes of the values


def rewritten(content: bytes, actions: Actions) -> bytes:
    """The same pages in the same byte order, with their parts one behind the other."""
    order = _order(content)
    out = bytearray(content[:4] + bytes(4))
    link = 4  # where the place of the next page is to be written
    for page in _pages(content, order):
        for tag in page:
            actions[f"TIFF {KEPT.get(tag, 'other tag')}", "kept" if tag in KEPT else "removed"] += 1
        kept = {tag: page[tag] for tag in sorted(page) if tag in KEPT}
        for places, lengths in OFFSETS.items():
            if places in kept:
                kept[places] = _moved(content, order, kept[places], kept[lengths], out)
        struct.pack_into(f"{order}I", out, link, len(out))
        link = _written(out, order, kept)
    return bytes(out)


def strange(content: bytes) -> Iterator[str]:
    """What a rewritten file may not hold: other tags, other packings, bytes that belong to no page."""
    order = _order(content)
    owned = 8
    for page in _pages(content, order):
        owned += 2 + 12 * len(page) + 4
        owned += owned % 2
        for tag, (kind, count, value) in page.items():
            if tag not in KEPT:
                yield "tag"
            owned += len(value) + len(value) % 2 if SIZES[kind] * count > 4 else 0
        for places, lengths in OFFSETS.items():
            if places in page:
                owned += sum(size + size % 2 for size in _numbers(order, page[lengths]))
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
    content: bytes,
    order: str,
    places: tuple[int, int, bytes],
    lengths: tuple[int, int, bytes],
    out: bytearray,
) -> tuple[int, int, bytes]:
    """Append the strips or tiles; give their new places."""
    new = []
    for place, size in zip(_numbers(order, places), _numbers(order, lengths), strict=True):
        part = content[place : place + size]
        if len(part) != size:
            raise ValueError
        new.append(len(out))
        out += part + bytes(size % 2)
    return 4, len(new), struct.pack(f"{order}{len(new)}I", *new)


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
