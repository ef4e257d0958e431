"""The elements of an explicit little endian data set, in order, by their places in the bytes."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache

SHORT = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
HEAD, SIZE = struct.Struct("<HH2sH"), struct.Struct("<I")
ITEM = b"\xfe\xff\x00\xe0"
ITEM_END = b"\xfe\xff\x0d\xe0"
END = b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"
UNDEFINED = 0xFFFFFFFF
PIXELS = 0x7FE00010
DEEPEST = 13  # sequences in sequences
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"

Found = tuple[int, bytes, int, int]  # tag, value representation, first byte of the value, byte behind it


class Unfollowed(Exception):
    """The walk does not go on; caught by those who began it."""


@dataclass(frozen=True)
class Opened:
    """The outermost level of an object's bytes."""

    content: bytes
    syntax: str
    found: tuple[Found, ...]
    at: dict[int, Found]

    def raw(self, tag: int) -> bytes:
        """Bytes of a value; none where the element is absent."""
        one = self.at.get(tag)
        return self.content[one[2] : one[3]] if one else b""

    @property
    def uid(self) -> str:
        return self.raw(0x00080018).decode("latin-1").rstrip("\x00 ")


def opened(content: bytes) -> Opened | None:
    """The outermost elements, or None where the bytes are not explicit little endian, in order."""
    try:
        if content[128:132] != b"DICM":
            raise Unfollowed
        at, syntax = _meta(content)
        if not _is_followed(syntax):
            raise Unfollowed
        found, end, closed = _elements(content, at, len(content), 0)
        if closed or end != len(content):
            raise Unfollowed
    except (Unfollowed, struct.error):
        return None
    return Opened(content, syntax, tuple(found), {one[0]: one for one in found})


@cache
def _is_followed(syntax: str) -> bool:
    from pydicom.uid import UID as Uid

    uid = Uid(syntax)
    return syntax == EXPLICIT or bool(uid.is_transfer_syntax and uid.is_encapsulated and syntax != DEFLATED)


def _meta(content: bytes) -> tuple[int, str]:
    """Where the data set begins, and its transfer syntax."""
    at, syntax = 132, ""
    while content[at : at + 2] == b"\x02\x00":
        (_, vr, start, stop) = _head(content, at)
        if content[at : at + 4] == b"\x02\x00\x10\x00":
            syntax = content[start:stop].decode("latin-1").rstrip("\x00 ")
        if vr == b"SQ" or stop > len(content):
            raise Unfollowed
        at = stop
    return at, syntax


def _head(content: bytes, at: int) -> Found:
    group, element, vr, length = HEAD.unpack_from(content, at)
    if vr in SHORT:
        return group << 16 | element, vr, at + 8, at + 8 + length
    if vr not in LONG:
        raise Unfollowed
    return group << 16 | element, vr, at + 12, at + 12 + SIZE.unpack_from(content, at + 8)[0]


def _elements(content: bytes, at: int, end: int, depth: int) -> tuple[list[Found], int, bool]:
    """Elements in order up to the end or an item's delimiter, where it stopped, and whether at a delimiter."""
    if depth > DEEPEST:
        raise Unfollowed
    found: list[Found] = []
    last = 0x0007FFFF  # group lengths of commands and meta information are none of a data set's
    while at < end:
        if content[at : at + 4] == ITEM_END:
            return found, at + 8, True
        one = _head(content, at)
        tag, vr, start, stop = one
        if tag <= last or tag >> 16 == 0xFFFE:
            raise Unfollowed
        last = tag
        if stop - start == UNDEFINED:
            stop = _undefined(content, tag, vr, start, depth)
            one, at = (tag, vr, start, stop), stop + 8
        else:
            at = stop
        if at > end:
            raise Unfollowed
        found.append(one)
    return found, at, False


def _undefined(content: bytes, tag: int, vr: bytes, at: int, depth: int) -> int:
    """Where the delimiter of a sequence, or of compressed pixels, stands."""
    fragments = tag == PIXELS and not depth and vr in (b"OB", b"OW")
    if vr != b"SQ" and not fragments:
        raise Unfollowed
    while content[at : at + 8] != END:
        if fragments:
            if content[at : at + 4] != ITEM:
                raise Unfollowed
            at += 8 + SIZE.unpack_from(content, at + 4)[0]
            if at > len(content):
                raise Unfollowed
        else:
            _, at = item(content, at, len(content), depth + 1)
    return at


def item(content: bytes, at: int, end: int, depth: int) -> tuple[list[Found], int]:
    """The elements of one item, and where it ends; raises `Unfollowed`."""
    if content[at : at + 4] != ITEM:
        raise Unfollowed
    size = SIZE.unpack_from(content, at + 4)[0]
    stop = end if size == UNDEFINED else at + 8 + size
    found, reached, closed = _elements(content, at + 8, stop, depth)
    if stop > end or closed != (size == UNDEFINED) or (not closed and reached != stop):
        raise Unfollowed
    return found, reached
