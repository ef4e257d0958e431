"""Walk the bytes of a DICOM data set: where each element lies, in which encoding, and where that ends.

The walk reads tags and lengths only, keeps no value and calls itself never, so that no file can make it
recurse, copy or hang. It is asked before any library reads the file.

References
----------
DICOM PS3.5 section 7 (data set), A.4 (encapsulated pixel data), 6.2.2 note 2 (UN of undefined length).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple

MOST_DEPTH = 64  # sequences within sequences; content trees of real reports stay below 20
MOST_ELEMENTS = 3_000_000
MOST_ITEMS = 200_000  # what pydicom makes of these takes seconds; slides of more tiles come as TILED_FULL

LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())  # with a length of 4 bytes
SHORT = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXEL_TAGS = frozenset((0x7FE00008, 0x7FE00009, 0x7FE00010))
FIRST_GROUPS = frozenset((0x0002, 0x0004, 0x0008))


class Encoding(NamedTuple):
    """How elements are written."""

    explicit: bool
    little: bool


EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG = (
    Encoding(True, True),
    Encoding(False, True),
    Encoding(True, False),
)


class Element(NamedTuple):
    """Tag, value representation (empty where implicit) and place of one value."""

    tag: int
    vr: bytes
    start: int
    length: int
    known_vr: bool


@dataclass
class Structure:
    """What the walk saw. `stopped` is empty when it came to the end of the data set."""

    end: int = 0
    elements: int = 0
    items: int = 0
    depth: int = 0
    unknown_vrs: int = 0
    overruns: int = 0  # values that reach beyond the item or sequence they lie in
    out_of_order: int = 0
    stopped: str = ""
    cut_tag: int | None = None  # the element whose value or header the end of the file cuts
    missing_bytes: int = 0
    trailing_bytes: int = 0
    pixel_tag: int | None = None
    pixel_vr: bytes = b""
    unended: bool = False  # the file ends with the last fragment, without the delimiter behind it
    pixels: tuple[int, int] | None = None  # start and stop of the pixel data's value
    fragments: list[tuple[int, int]] = field(default_factory=list)  # start and length, offset table first


class _Level(NamedTuple):
    stop: int | None  # None: until its delimiter
    is_item: bool
    encoding: Encoding


def element_at(stream: BinaryIO, position: int, encoding: Encoding) -> Element | None:
    """The element whose header stands here; None where the file ends within the header."""
    stream.seek(position)
    head = stream.read(12)
    if len(head) < 8:
        return None
    order = "<" if encoding.little else ">"
    group, number = struct.unpack_from(order + "HH", head)
    tag = group << 16 | number
    if group == 0xFFFE or not encoding.explicit:
        return Element(tag, b"", position + 8, struct.unpack_from(order + "I", head, 4)[0], True)
    vr = head[4:6]
    if vr in LONG:
        if len(head) < 12:
            return None
        return Element(tag, vr, position + 12, struct.unpack_from(order + "I", head, 8)[0], True)
    if vr in SHORT or (vr.isalpha() and vr.isupper()):
        return Element(tag, vr, position + 8, struct.unpack_from(order + "H", head, 6)[0], vr in SHORT)
    # Some writers leave the representation out of single elements, which then have a length of 4 bytes.
    return Element(tag, b"", position + 8, struct.unpack_from(order + "I", head, 4)[0], False)


def encoding_at(stream: BinaryIO, start: int, size: int, stated: Encoding | None) -> Encoding | None:
    """The encoding in which most of the first elements make sense; what is stated wins a tie.

    None where no element makes sense in any.
    """
    candidates = [EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG]
    if stated is not None:
        candidates.sort(key=lambda encoding: encoding != stated)
    counts = [sensible_elements(stream, start, size, encoding) for encoding in candidates]
    best = max(counts)
    return candidates[counts.index(best)] if best else None


def sensible_elements(stream: BinaryIO, start: int, size: int, encoding: Encoding, most: int = 16) -> int:
    """How many elements from here on have rising tags, a known representation and room for their value."""
    position, before, count = start, -1, 0
    while count < most and position < size:
        element = element_at(stream, position, encoding)
        if element is None or element.tag <= before or not element.known_vr or element.tag >> 16 == 0xFFFE:
            break
        if element.length == UNDEFINED:
            return count + 1
        if element.start + element.length > size:
            break
        count, before, position = count + 1, element.tag, element.start + element.length
    return count


def walk(
    stream: BinaryIO,
    start: int,
    size: int,
    encoding: Encoding,
    visit: Callable[[Element, int], None] | None = None,
) -> Structure:
    """Walk a data set from `start` to the end of the file.

    Parameters
    ----------
    size : int
        Bytes of the file.
    visit : called with each element and its depth (0: of the data set itself)
    """
    seen = Structure(end=start)
    levels: list[_Level] = []
    position, before = start, -1
    while position < size:
        while levels and levels[-1].stop is not None and position >= levels[-1].stop:
            seen.overruns += position > levels[-1].stop
            levels.pop()
        here = levels[-1].encoding if levels else encoding
        element = element_at(stream, position, here)
        if element is None:
            seen.stopped, seen.missing_bytes = "cut", 8 - (size - position)
            return seen
        if not levels and _is_padding(element, before):
            seen.trailing_bytes = size - position
            break
        if _count(seen, element, len(levels)):
            return seen
        if not levels:
            seen.out_of_order += element.tag <= before
            before = element.tag
        if visit is not None:
            visit(element, len(levels))
        following = _step(stream, size, element, here, levels, seen)
        if following is None:
            return seen
        position = seen.end = following
    if any(level.stop is None for level in levels):
        seen.stopped = "cut"
    return seen


def _count(seen: Structure, element: Element, depth: int) -> bool:
    """Count an element; whether there are too many of them."""
    seen.elements += 1
    seen.items += element.tag == ITEM
    seen.unknown_vrs += not element.known_vr
    seen.depth = max(seen.depth, (depth + 1) // 2)
    if seen.depth > MOST_DEPTH:
        seen.stopped = "depth"
    elif seen.elements > MOST_ELEMENTS or seen.items > MOST_ITEMS:
        seen.stopped = "number"
    return bool(seen.stopped)


def _step(
    stream: BinaryIO, size: int, element: Element, here: Encoding, levels: list[_Level], seen: Structure
) -> int | None:
    """Where the next element stands; None where the file ends before."""
    if element.tag == ITEM_END or element.tag == SEQUENCE_END:
        if levels and levels[-1].stop is None and levels[-1].is_item == (element.tag == ITEM_END):
            levels.pop()
        return element.start
    is_pixels = element.tag in PIXEL_TAGS and not levels
    if is_pixels:
        seen.pixel_tag, seen.pixel_vr = element.tag, element.vr
    if element.tag == ITEM:
        return _enter(size, element, here, True, levels, seen)
    if element.length == UNDEFINED:
        if element.vr in (b"OB", b"OW") or (is_pixels and not here.explicit):
            return _fragments(stream, size, element, here, seen, is_pixels)
        inner = Encoding(False, True) if element.vr == b"UN" else here
        return _enter(size, element, inner, False, levels, seen)
    if element.vr == b"SQ" or (element.vr in (b"", b"UN") and _holds_item(stream, element, here)):
        inner = _inner(stream, element, here)
        return _enter(size, element, inner, False, levels, seen)
    stop = element.start + element.length
    if stop > size:
        seen.stopped, seen.cut_tag, seen.missing_bytes = "cut", element.tag, stop - size
    if is_pixels:
        seen.pixels = element.start, min(stop, size)
    return None if stop > size else stop


def _enter(
    size: int, element: Element, inner: Encoding, is_item: bool, levels: list[_Level], seen: Structure
) -> int | None:
    stop = None if element.length == UNDEFINED else element.start + element.length
    outer = levels[-1].stop if levels else None
    if stop is not None and outer is not None and stop > outer:
        seen.overruns += 1
        stop = outer  # the outer length stands; what the inner one claims beyond it belongs to others
    if stop is not None and stop > size:
        seen.stopped, seen.cut_tag, seen.missing_bytes = "cut", element.tag, stop - size
        return None
    levels.append(_Level(stop, is_item, inner))
    return element.start


def _inner(stream: BinaryIO, element: Element, here: Encoding) -> Encoding:
    """UN hides implicit little endian, but some writers keep what they had."""
    if element.vr != b"UN":
        return here
    stream.seek(element.start + 12)
    return here if stream.read(2) in LONG | SHORT else IMPLICIT_LITTLE


def _holds_item(stream: BinaryIO, element: Element, here: Encoding) -> bool:
    if element.length < 8:
        return False
    stream.seek(element.start)
    head = stream.read(8)
    mark = b"\xfe\xff\x00\xe0" if here.little or element.vr == b"UN" else b"\xff\xfe\xe0\x00"
    if head[:4] != mark or len(head) < 8:
        return False
    length = int.from_bytes(head[4:], "little" if mark[0] == 0xFE else "big")
    return length == UNDEFINED or length + 8 <= element.length


def _fragments(
    stream: BinaryIO, size: int, element: Element, here: Encoding, seen: Structure, is_pixels: bool
) -> int | None:
    """Past the fragments of encapsulated data, item by item: their bytes may hold anything, delimiters too."""
    found: list[tuple[int, int]] = []
    position = element.start
    while True:
        part = element_at(stream, position, here)
        if part is None and position == size and found:
            seen.unended = True
            break
        if part is None or part.tag not in (ITEM, SEQUENCE_END) or part.length == UNDEFINED:
            lost = part is not None
            seen.stopped, seen.cut_tag = "lost" if lost else "cut", element.tag
            break
        if part.tag == SEQUENCE_END:
            position = part.start
            break
        seen.items += 1
        if part.start + part.length > size or seen.items > MOST_ITEMS:
            seen.stopped, seen.cut_tag = "cut" if seen.items <= MOST_ITEMS else "number", element.tag
            seen.missing_bytes = max(part.start + part.length - size, 0)
            break
        found.append((part.start, part.length))
        position = part.start + part.length
    if is_pixels:
        seen.pixels, seen.fragments = (element.start, min(position, size)), found
    return None if seen.stopped else position


def _is_padding(element: Element, before: int) -> bool:
    return element.tag in (0x00000000, 0xFFFCFFFC) or (element.tag >> 16 == 0xFFFE and before >= 0)
