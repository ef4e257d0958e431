"""Photographs and micrographs as picture files: pixels stay bit for bit, whatever else the file tells goes.

PNG keeps the chunks that its pixels need, JPEG the segments of its code and the turn of the camera, BMP its header
and rows, TIFF (`tiff_pages`) the tags that lay out its pages. Compressed pixels are the same bytes. A form in which
pixels and texts cannot be told apart surely is refused.

References
----------
W3C PNG third edition, 5 and 11; ITU-T T.81, annex B; EXIF 2.32 (orientation).
"""

from __future__ import annotations

import io
import struct
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medassay.core.canonical import digest_bytes
from medassay.core.findings import Finding, Reason
from medassay.datasets.deidentify import tiff_pages
from medassay.datasets.deidentify.outgoing import Actions, CannotClean, Outgoing, left
from medassay.datasets.deidentify.profile import Profile
from medassay.formats.imaging import photograph

PNG_MARK = b"\x89PNG\r\n\x1a\n"
PNG_KEPT = {b"IHDR": 13, b"PLTE": None, b"tRNS": None, b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"sBIT": None,
            b"pHYs": 9, b"IDAT": None, b"IEND": 0}  # fmt: skip
PNG_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # colour type to samples a pixel
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
JPEG_CODE = {0xDB, 0xC4, 0xDD, 0xCC, 0xDC, *range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC),
             *range(0xCD, 0xD0)}  # fmt: skip
SCAN, END, ADOBE = 0xDA, 0xD9, b"Adobe"
TURN = b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00"  # one tag: orientation
SUFFIX = {"PNG": "png", "JPEG": "jpg", "BMP": "bmp", "TIFF": "tif"}


def recognises(head: bytes) -> bool:
    """A picture file that has a cleaner."""
    return photograph.form_of(head[:32]) in SUFFIX


def clean(content: bytes, profile: Profile) -> Outgoing:
    """The picture with nothing but its pixels and what they need to be shown.

    Raises
    ------
    CannotClean
        When the file does not follow its form, or text is seen in its pixels.
    """
    form = photograph.form_of(content[:32])
    if form not in WRITERS:
        raise _broken("picture", "a head that breaks off")
    actions: Actions = Counter()
    try:
        made = WRITERS[form](content, actions)
        before, after = _pixels(content), _pixels(made)
    except (struct.error, IndexError, ValueError, OSError, zlib.error, SyntaxError) as error:
        raise _broken(form, f"bytes that cannot be followed ({type(error).__name__})") from error
    if before != after:
        raise _broken(form, "pixels that are others once the texts are gone")
    if profile.burned_in != "not_screened":
        _require_no_text(made)
    name = f"picture.{SUFFIX[form]}"
    actions[f"{form} pixels", "kept"] += 1
    return Outgoing(((name, made),), actions, {name: after})


def prove(content: bytes, pixels: str) -> list[Finding]:
    """Read the picture again: parts of the list only, no byte outside of them, the same pixels."""
    form = photograph.form_of(content[:32])
    try:
        strange = sorted(set(PROVERS[form](content)))
        same = _pixels(content) == pixels
    except (struct.error, IndexError, ValueError, OSError, KeyError, SyntaxError):
        return [left(form or "picture", "bytes that cannot be followed")]
    found = [left(f"{form} {part}", "a part that the list does not hold") for part in strange]
    return found if same else [*found, left(f"{form} pixels", "pixels other than those that were read")]


def _png(content: bytes, actions: Actions) -> bytes:
    out, packed, header = [PNG_MARK], [], b""
    for kind, body, whole in _chunks(content):
        if kind in (b"acTL", b"fcTL", b"fdAT"):
            raise _broken("PNG", "an animation")
        if kind not in PNG_KEPT:
            actions[f"PNG chunk {_plain(kind)}", "removed"] += 1
            continue
        if PNG_KEPT[kind] not in (None, len(body)):
            raise ValueError
        header = body if kind == b"IHDR" else header
        if kind == b"IDAT":
            packed.append(body)
        actions[f"PNG chunk {_plain(kind)}", "kept"] += 1
        out.append(whole)
    stream = zlib.decompressobj()
    due = _png_bytes(header)
    rows = stream.decompress(b"".join(packed), due + 1)
    if len(rows) != due or not stream.eof or stream.unused_data:
        raise _broken("PNG", "more or fewer bytes than its pixels need")
    if len(content) > sum(map(len, out)) and content[-12:-8] != b"\x00" * 4:
        actions["PNG bytes behind the end", "removed"] += 1
    return b"".join(out)


def _png_bytes(header: bytes) -> int:
    """Bytes of the filtered rows, a filter byte each."""
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    bits = depth * PNG_SAMPLES[colour]
    if interlaced:
        sizes = [((width - x + dx - 1) // dx, (height - y + dy - 1) // dy) for x, y, dx, dy in ADAM7]
    else:
        sizes = [(width, height)]
    return sum(rows * (1 + (columns * bits + 7) // 8) for columns, rows in sizes if columns)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    at = len(PNG_MARK)
    while True:
        size, kind = struct.unpack_from(">I4s", content, at)
        body, whole = content[at + 8 : at + 8 + size], content[at : at + 12 + size]
        if len(whole) != 12 + size or zlib.crc32(kind + body) != struct.unpack_from(">I", whole, 8 + size)[0]:
            raise ValueError
        yield kind, body, whole
        at += 12 + size
        if kind == b"IEND":
            return


def _png_strange(content: bytes) -> Iterator[str]:
    length = len(PNG_MARK)
    for kind, _, whole in _chunks(content):
        length += len(whole)
        if kind not in PNG_KEPT:
            yield "chunk"
    if length != len(content):
        yield "end"


def _jpeg(content: bytes, actions: Actions) -> bytes:
    out = [b"\xff\xd8"]
    turned = _turn(content)
    if turned:
        out.append(b"\xff\xe1" + struct.pack(">H", 2 + len(TURN) + 8) + TURN + bytes((turned, 0)) + bytes(6))
    for marker, start, stop in _segments(content):
        body = content[start:stop]
        if marker == END:
            out.append(b"\xff\xd9")
            if stop != len(content):
                actions["JPEG bytes behind the end", "removed"] += 1
        elif (
            marker in JPEG_CODE
            or marker == SCAN
            or (marker == 0xEE and body[4:9] == ADOBE and len(body) == 16)
        ):
            out.append(body)
            actions[f"JPEG segment FF{marker:02X}", "kept"] += 1
        elif 0xE0 <= marker <= 0xEF or marker == 0xFE:
            done = "changed" if marker == 0xE1 and turned else "removed"
            actions[f"JPEG segment FF{marker:02X}", done] += 1
        else:
            raise ValueError
    return b"".join(out)


def _segments(content: bytes) -> Iterator[tuple[int, int, int]]:
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


def _turn(content: bytes) -> int:
    """How the camera was held, 2 to 8; 0 where the picture stands upright."""
    from PIL import Image

    with Image.open(io.BytesIO(content)) as picture:
        turned = picture.getexif().get(0x0112)
    return turned if isinstance(turned, int) and 2 <= turned <= 8 else 0


def _jpeg_strange(content: bytes) -> Iterator[str]:
    end = 2
    for marker, start, stop in _segments(content):
        body = content[start:stop]
        end = stop
        turn = (
            marker == 0xE1
            and body[4 : 4 + len(TURN)] == TURN
            and body[-7:] == bytes(7)
            and len(body) == 12 + len(TURN)
        )
        if not (turn or marker in JPEG_CODE or marker in (SCAN, END) or (marker == 0xEE and len(body) == 16)):
            yield f"segment FF{marker:02X}"
    if end != len(content):
        yield "end"


def _bmp(content: bytes, actions: Actions) -> bytes:
    """Header, palette and rows, with whatever lies between, behind and beside them blanked or cut."""
    start, size, width, height, planes, bits, packing = struct.unpack_from("<I I i i H H I", content, 10)
    palette = 4 * (struct.unpack_from("<I", content, 46)[0] or (1 << bits)) if bits <= 8 else 0
    if size != 40 or packing != 0 or planes != 1 or palette > 1024 or width < 1:
        raise _broken("BMP", "a header of another version, or packed rows")
    used, stride = (width * bits + 7) // 8, (width * bits + 31) // 32 * 4
    rows = np.frombuffer(content, np.uint8, stride * abs(height), start).reshape(abs(height), stride).copy()
    rows[:, used:] = 0
    offset = 54 + palette
    out = (
        b"BM"
        + struct.pack("<IHHI", offset + rows.size, 0, 0, offset)
        + content[14 : 54 + palette]
        + rows.tobytes()
    )
    if out != content:
        actions["BMP bytes that are no pixels", "removed"] += 1
    return out


def _bmp_strange(content: bytes) -> Iterator[str]:
    again: Actions = Counter()
    if _bmp(content, again) != content or content[6:10] != bytes(4):
        yield "bytes that are no pixels"


def _tiff(content: bytes, actions: Actions) -> bytes:
    return tiff_pages.rewritten(content, actions)


WRITERS: dict[str, Callable[[bytes, Actions], bytes]] = {
    "PNG": _png,
    "JPEG": _jpeg,
    "BMP": _bmp,
    "TIFF": _tiff,
}
PROVERS: dict[str, Callable[[bytes], Iterator[str]]] = {
    "PNG": _png_strange,
    "JPEG": _jpeg_strange,
    "BMP": _bmp_strange,
    "TIFF": tiff_pages.strange,
}


def _pixels(content: bytes) -> str:
    """SHA-256 of every page's values as a common library decodes them."""
    return digest_bytes(b"".join(repr(page.shape).encode() + page.tobytes() for page in _pages(content)))


def _pages(content: bytes) -> list[NDArray[Any]]:
    opened = photograph.open(content)
    return [np.ascontiguousarray(photograph.values(opened, page)) for page in range(opened.pages)]


def _require_no_text(content: bytes) -> None:
    from medassay.datasets.deidentify import burned_in

    for page in _shown(content):
        if burned_in.texts_of([page]):
            raise CannotClean(Reason.IDENTITY_LEFT, "text in the pixels", "a picture without text", "pixels")


def _shown(content: bytes) -> Iterator[NDArray[Any]]:
    """Every page as values, those of a palette as its colours."""
    from PIL import Image

    with Image.open(io.BytesIO(content)) as picture:
        for number, page in enumerate(_pages(content)):
            picture.seek(number)
            yield np.asarray(picture.convert("RGBA")) if picture.mode == "P" else page


def _plain(kind: bytes) -> str:
    return kind.decode("ascii") if kind.isalpha() and kind in PNG_KNOWN else "unknown"


PNG_KNOWN: Sequence[bytes] = (
    *PNG_KEPT, b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME", b"iCCP", b"bKGD", b"hIST", b"sPLT", b"cICP", b"oFFs",
)  # fmt: skip


def _broken(form: str, found: str) -> CannotClean:
    return CannotClean(Reason.HEADER_INVALID, found, f"a whole {form} file of one picture", form)
