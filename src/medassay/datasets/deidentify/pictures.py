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
from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason
from medassay.datasets.deidentify import jpeg_segments, png_chunks, tiff_pages
from medassay.datasets.deidentify.outgoing import Actions, CannotClean, Outgoing, left
from medassay.datasets.deidentify.profile import Profile
from medassay.formats.imaging import photograph

PNG_START = png_chunks.MARK[:4]
END_OF_CODE = 8  # bytes of a scan without which its pixels must be others
TURN = b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00"  # one tag: orientation
MOST_A_METRE = 100_000_000  # pixels; four letters come to more
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
    if form == "JPEG":
        _require_code_to_the_end(made, after)
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
    except (struct.error, IndexError, ValueError, OSError, KeyError, SyntaxError, WrongUse, CannotClean):
        return [left(form or "picture", "bytes that cannot be followed")]
    found = [left(f"{form} {part}", "a part that the list does not hold") for part in strange]
    return found if same else [*found, left(f"{form} pixels", "pixels other than those that were read")]


def _png(content: bytes, actions: Actions) -> bytes:
    colours, header, packed = _colours(content), None, []
    out: dict[bytes, bytes] = {}
    for kind, body, _ in png_chunks.chunks(content):
        if kind in (b"acTL", b"fcTL", b"fdAT"):
            raise _broken("PNG", "an animation")
        header = header or png_chunks.header_of(body)
        kept = png_chunks.held(kind, body, header, colours)
        if kept is None or (kind in out and kind != b"IDAT"):
            actions[f"PNG chunk {_plain(kind)}", "removed"] += 1
            continue
        actions[f"PNG chunk {_plain(kind)}", "kept" if kept == body else "changed"] += 1
        out[kind] = out.get(kind, b"") + png_chunks.chunk(kind, kept)
        packed += [body] if kind == b"IDAT" else []
    if header is None:
        raise ValueError
    _require_whole(b"".join(packed), header)
    made = png_chunks.MARK + b"".join(out.values())
    if content[-12:] != png_chunks.chunk(b"IEND", b""):
        actions["PNG bytes behind the end", "removed"] += 1
    return made


def _require_whole(packed: bytes, header: png_chunks.Header) -> None:
    stream = zlib.decompressobj()
    rows = stream.decompress(packed, header.rows_bytes + 1)
    if len(rows) != header.rows_bytes or not stream.eof or stream.unused_data:
        raise _broken("PNG", "more or fewer bytes than its pixels need")


def _colours(content: bytes) -> int:
    """Entries of its palette that the pixels of a PNG or BMP use; 0 where they use none."""
    palette = content[25] == png_chunks.PALETTE if content[:4] == PNG_START else content[28] <= 8
    return 1 + max(map(_largest, _pages(content))) if palette else 0


def _png_strange(content: bytes) -> Iterator[str]:
    length, seen, colours, header = len(png_chunks.MARK), Counter[bytes](), _colours(content), None
    for kind, body, whole in png_chunks.chunks(content):
        length += len(whole)
        seen[kind] += 1
        header = header or png_chunks.header_of(body)
        if png_chunks.held(kind, body, header, colours) != body or (seen[kind] > 1 and kind != b"IDAT"):
            yield "chunk"
    if length != len(content):
        yield "end"


def _jpeg(content: bytes, actions: Actions) -> bytes:
    out, named = [b"\xff\xd8"], jpeg_segments.named_tables(content)
    turned = _turn(content)
    if turned:
        out.append(b"\xff\xe1" + struct.pack(">H", 2 + len(TURN) + 8) + TURN + bytes((turned, 0)) + bytes(6))
    for marker, start, stop in jpeg_segments.segments(content):
        body = content[start:stop]
        kept = _kept_segment(marker, body, named)
        if marker == jpeg_segments.END and stop != len(content):
            actions["JPEG bytes behind the end", "removed"] += 1
        if marker != jpeg_segments.END:
            changed = (marker == 0xE1 and turned) or (kept and kept != body)
            done = "changed" if changed else "kept" if kept else "removed"
            actions[f"JPEG segment FF{marker:02X}", done] += 1
        out.append(kept)
    return b"".join(out)


def _kept_segment(marker: int, body: bytes, named: set[tuple[int, int]]) -> bytes:
    if marker in (jpeg_segments.QUANTIZATION, jpeg_segments.HUFFMAN):
        return jpeg_segments.with_named_tables(body, named)
    if marker in jpeg_segments.CODE or marker in (jpeg_segments.SCAN, jpeg_segments.END):
        return body
    if not (0xE0 <= marker <= 0xEF or marker == 0xFE):
        raise ValueError
    return jpeg_segments.transform(body) if marker == jpeg_segments.ADOBE else b""


def _require_code_to_the_end(content: bytes, pixels: str) -> None:
    """The last bytes of a scan are code: pixels change without them. Else what stands there is none."""
    shortened = jpeg_segments.without_last_code(content, END_OF_CODE)
    if not shortened:
        return
    try:
        same = _pixels(shortened) == pixels
    except (OSError, ValueError, WrongUse):
        return
    if same:
        raise _broken("JPEG", "bytes behind the code of its pixels")


def _turn(content: bytes) -> int:
    """How the camera was held, 2 to 8; 0 where the picture stands upright."""
    from PIL import Image

    with Image.open(io.BytesIO(content)) as picture:
        turned = picture.getexif().get(0x0112)
    return turned if isinstance(turned, int) and 2 <= turned <= 8 else 0


def _jpeg_strange(content: bytes) -> Iterator[str]:
    end, named = 2, jpeg_segments.named_tables(content)
    for marker, start, stop in jpeg_segments.segments(content):
        body = content[start:stop]
        end = stop
        turn = (
            marker == 0xE1
            and body[4 : 4 + len(TURN)] == TURN
            and body[-7:] == bytes(7)
            and len(body) == 12 + len(TURN)
        )
        if not turn and _kept_segment(marker, body, named) != body:
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
    if bits == 32:
        rows[:, 3::4] = 0  # no decoder shows it
    colours = np.frombuffer(content, np.uint8, palette, 54).copy()
    colours[3::4] = 0
    colours[4 * _colours(content) :] = 0
    offset = 54 + palette
    resolution = [one if 0 <= one < MOST_A_METRE else 0 for one in struct.unpack_from("<ii", content, 38)]
    header = struct.pack(
        "<IiiHHIIiiII", 40, width, height, 1, bits, 0, rows.size, *resolution, palette // 4, 0
    )
    out = b"BM" + struct.pack("<IHHI", offset + rows.size, 0, 0, offset) + header
    out += colours.tobytes() + rows.tobytes()
    if out != content:
        actions["BMP bytes that are no pixels", "removed"] += 1
    return out


def _bmp_strange(content: bytes) -> Iterator[str]:
    again: Actions = Counter()
    if _bmp(content, again) != content or content[6:10] != bytes(4):
        yield "bytes that are no pixels"


def _tiff(content: bytes, actions: Actions) -> bytes:
    return tiff_pages.rewritten(content, actions, _largest_of_pages(content))


def _largest_of_pages(content: bytes) -> list[int]:
    """Largest value of each page, where a page has a palette; else nothing, since nobody asks."""
    return [_largest(page) for page in _pages(content)] if tiff_pages.has_palette(content) else []


def _largest(page: NDArray[Any]) -> int:
    return int(page.max()) if page.ndim == 2 and page.dtype.kind == "u" else 0


def _tiff_strange(content: bytes) -> Iterator[str]:
    return tiff_pages.strange(content, _largest_of_pages(content))


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
    "TIFF": _tiff_strange,
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
    b"IHDR", b"IDAT", *png_chunks.HELD,
    b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME", b"iCCP", b"bKGD", b"hIST", b"sPLT", b"cICP", b"oFFs",
)  # fmt: skip


def _broken(form: str, found: str) -> CannotClean:
    return CannotClean(Reason.HEADER_INVALID, found, f"a whole {form} file of one picture", form)
