"""Photographs and micrographs as picture files: PNG, JPEG, TIFF (OME-TIFF and SVS too), BMP, GIF, WebP.

Size and depth are read from the header and bounded before anything is decoded, and decoding runs in a process
that may die (`codec`).

References
----------
W3C PNG third edition; ITU-T T.81; TIFF 6.0; OME-TIFF specification 6.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity, finding_of
from medassay.formats.imaging import codec
from medassay.formats.imaging.refusal import ImageRefused, quiet, said

MOST_PIXELS = 1 << 30  # of one page: what a header may claim
MOST_DECODED = 1 << 30  # bytes of one page that is decoded
MOST_PAGES = 10_000
MARKS: tuple[tuple[str, bytes], ...] = (
    ("PNG", b"\x89PNG\r\n\x1a\n"),
    ("JPEG", b"\xff\xd8\xff"),
    ("TIFF", b"II*\x00"),
    ("TIFF", b"MM\x00*"),
    ("TIFF", b"II+\x00"),  # BigTIFF
    ("TIFF", b"MM\x00+"),
    ("GIF", b"GIF87a"),
    ("GIF", b"GIF89a"),
)
GPS, MAKER_TEXTS = (
    0x8825,
    {0x010E: "ImageDescription", 0x013B: "Artist", 0x8298: "Copyright", 0x010D: "DocumentName"},
)


@dataclass(frozen=True)
class OpenedPicture:
    """A picture file whose header is read."""

    form: str
    width: int
    height: int
    samples: int
    bits: int  # a sample
    pages: int
    colours: str
    facts: dict[str, str | int | float | None]
    texts: tuple[str, ...] = ()  # which texts it carries, by name
    located: bool = False  # whether it says where on earth it was taken
    content: bytes = field(default=b"", repr=False)

    @property
    def page_bytes(self) -> int:
        return self.width * self.height * self.samples * max(self.bits // 8, 1)


def form_of(head: bytes) -> str:
    """The form of a picture file by its first bytes; empty for any other file.

    Examples
    --------
    >>> form_of(b"\\x89PNG\\r\\n\\x1a\\n"), form_of(b"II*\\x00"), form_of(b"BMW is a car")
    ('PNG', 'TIFF', '')
    """
    for form, mark in MARKS:
        if head.startswith(mark):
            return form
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    # BM alone is no mark: the header's own length must be one that exists, and its reserved bytes empty.
    if (
        head[:2] == b"BM"
        and head[6:10] == b"\x00" * 4
        and int.from_bytes(head[14:18], "little") in (12, 40, 52, 56, 64, 108, 124)
    ):
        return "BMP"
    return ""


def recognises(head: bytes) -> bool:
    """Whether a file with these first bytes is a picture file that is known."""
    return bool(form_of(head))


def open(content: bytes) -> OpenedPicture:
    """Read the header.

    Raises
    ------
    ImageRefused
        When it cannot be read, or claims more than 2^30 pixels.
    """
    form = form_of(content[:32])
    if not form:
        raise ImageRefused(Reason.UNKNOWN_FORMAT, found="bytes of another format", wanted="a picture file")
    try:
        with quiet():
            opened = _tiff(content) if form == "TIFF" else _picture(content, form)
    except ImageRefused:
        raise
    except Exception as error:
        if type(error).__name__ == "DecompressionBombError":
            raise _too_large("more than 2^30 pixels") from error
        raise ImageRefused(
            Reason.HEADER_INVALID,
            found=f"a header that its reader stops at with {type(error).__name__}",
            wanted=f"a whole {form} file",
        ) from error
    if opened.width < 1 or opened.height < 1:
        raise ImageRefused(Reason.HEADER_INVALID, found="a picture without pixels", wanted="a picture")
    if opened.width * opened.height > MOST_PIXELS:
        raise _too_large(f"{opened.width} x {opened.height} pixels")
    return opened


def values(opened: OpenedPicture, page: int = 0, *, most_bytes: int = MOST_DECODED) -> NDArray[Any]:
    """Pixels of one page, shape (rows, columns) or (rows, columns, samples), as stored; palettes as indices.

    Raises
    ------
    ImageRefused
        When they are more than `most_bytes`, end early, or no codec decodes them.
    """
    if opened.page_bytes > most_bytes:
        raise _too_large(f"a page of {opened.page_bytes} bytes")
    if not 0 <= page < opened.pages:
        raise ImageRefused(
            Reason.HEADER_INVALID, found=f"page {page + 1} of {opened.pages}", wanted="a page that exists"
        )
    options = {"page": page, "most_bytes": most_bytes, "is_tiff": opened.form == "TIFF"}
    try:
        got = codec.decode(opened.content, options)
    except codec.DecoderRefused as error:
        raise ImageRefused(
            Reason.TRUNCATED if str(error) in ("OSError", "EOFError") else Reason.UNSUPPORTED_FORM,
            found=f"pixels that do not decode ({error})",
            wanted=f"a whole {opened.form} file in a form that an installed codec decodes",
        ) from error
    except codec.DecoderLost as error:
        raise ImageRefused(
            Reason.UNSUPPORTED_FORM,
            found="pixels at which the decoder died or did not end",
            wanted="a picture that decodes",
        ) from error
    array = np.frombuffer(got.content, got.dtype).reshape(got.shape)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def examine(opened: OpenedPicture, *, decode: bool = True) -> Iterator[Finding]:
    """What is wrong with the picture. With `decode`, whether its first page's pixels are all there."""
    if opened.located or opened.texts:
        told = [*(["position on earth"] if opened.located else []), *opened.texts]
        yield said(
            Reason.IDENTITY_LEFT,
            Severity.WARN,
            f"a header that may tell of a person or place: {', '.join(told)}",
            "pictures without texts of their own",
            remedy="Run `medassay deidentify` before the files leave.",
        )
    if opened.pages >= MOST_PAGES:
        yield said(Reason.LIMIT_EXCEEDED, Severity.REFUSE, f"{MOST_PAGES} pages or more", "fewer pages")
    if decode and opened.page_bytes <= MOST_DECODED:
        try:
            values(opened)
        except WrongUse as error:
            yield finding_of(error)


def describe(opened: OpenedPicture) -> dict[str, str | int | float | None]:
    """What the picture is, without anything that may identify."""
    return {
        "rows": opened.height,
        "columns": opened.width,
        "samples": opened.samples,
        "bits": opened.bits,
        "pages": opened.pages,
        "colours": opened.colours,
        **opened.facts,
    }


def _picture(content: bytes, form: str) -> OpenedPicture:
    from PIL import Image

    # The forms are named, so that no other reader of Pillow is tried on these bytes.
    with Image.open(io.BytesIO(content), formats=[{"WebP": "WEBP"}.get(form, form)]) as picture:
        exif = _exif(picture)
        texts = {name for tag, name in MAKER_TEXTS.items() if str(exif.get(tag, "")).strip()}
        texts |= {
            "comment" for key in ("comment", "Comment", "Description", "Author") if picture.info.get(key)
        }
        bits = {"1": 1, "I;16": 16, "I;16B": 16, "I": 32, "F": 32}.get(picture.mode, 8)
        density = picture.info.get("dpi")
        return OpenedPicture(
            form,
            picture.width,
            picture.height,
            len(picture.getbands()),
            bits,
            min(getattr(picture, "n_frames", 1), MOST_PAGES),
            picture.mode,
            {
                "lossy": form == "JPEG" or None,
                "dpi": float(density[0]) if density else None,
                "orientation": exif.get(0x0112),
            },
            tuple(sorted(texts)),
            GPS in exif,
            content,
        )


def _tiff(content: bytes) -> OpenedPicture:
    import tifffile

    with tifffile.TiffFile(io.BytesIO(content)) as book:
        pages = _pages(book)
        page: Any = book.pages.first
        kind = "OME-TIFF" if book.is_ome else "SVS" if book.is_svs else "TIFF"
        texts = {
            name
            for code, name in MAKER_TEXTS.items()
            if code in page.tags and _is_text(page.tags[code].value)
        }
        facts: dict[str, str | int | float | None] = {
            "kind": kind,
            "compression": _compression(page.compression),
            "tile_rows": int(page.tilelength) if page.is_tiled else None,
            "tile_columns": int(page.tilewidth) if page.is_tiled else None,
        }
        if kind == "OME-TIFF":
            facts |= _ome_facts(book)
            texts.discard("ImageDescription")  # the OME-XML, of which `_ome_facts` tells
        if kind == "SVS":
            facts |= _svs_facts(str(page.description)) | {"levels": len(book.series[0].levels)}
        return OpenedPicture(
            "TIFF",
            int(page.imagewidth),
            int(page.imagelength),
            int(page.samplesperpixel),
            int(page.bitspersample),
            pages,
            str(getattr(page.photometric, "name", page.photometric)).lower(),
            facts,
            tuple(sorted(texts)),
            34853 in page.tags,
            content,
        )


def _pages(book: Any) -> int:
    """Number of pages, each of which names the next one's place."""
    places: set[int] = set()
    for page in book.pages:
        if page.offset in places:
            raise ImageRefused(
                Reason.HEADER_INVALID,
                found="pages that go round in a circle",
                wanted="pages that come to an end",
            )
        places.add(page.offset)
        if len(places) >= MOST_PAGES:
            break
    return len(places)


def _exif(picture: Any) -> dict[int, Any]:
    """Header texts as far as they can be read; PNG may hold them behind the pixels, which may be cut off."""
    try:
        return dict(picture.getexif())
    except Exception:  # noqa: BLE001 - whether the pixels are whole is told when they are decoded
        return {}


def _compression(code: int) -> str:
    import tifffile

    try:
        return str(tifffile.COMPRESSION(code).name).lower()
    except ValueError:
        return f"unknown ({int(code)})"


def _ome_facts(book: Any) -> dict[str, str | int | float | None]:
    """Axes, channels and pixel size of the first image, from the OME-XML."""
    from defusedxml.ElementTree import fromstring

    root = fromstring(book.ome_metadata, forbid_dtd=True)
    images = [element for element in root.iter() if element.tag.rpartition("}")[2] == "Pixels"]
    if not images:
        return {"images": 0}
    pixels = images[0].attrib
    channels = sum(element.tag.rpartition("}")[2] == "Channel" for element in images[0])
    sizes = {f"size_{axis.lower()}": _whole(pixels.get(f"Size{axis}")) for axis in "CTZ"}
    unit = pixels.get("PhysicalSizeXUnit", "µm")
    size = _number(pixels.get("PhysicalSizeX"))
    return {
        "images": len(images),
        "axes": pixels.get("DimensionOrder", "")[:8],
        "channels": channels,
        **sizes,
        "pixel_size_um": size if unit == "µm" else None,
    }


def _svs_facts(description: str) -> dict[str, str | int | float | None]:
    """Magnification and pixel size from the description of an Aperio slide."""
    found = dict(re.findall(r"\b(AppMag|MPP)\s*=\s*([0-9.]+)", description))
    return {"objective_power": _number(found.get("AppMag")), "pixel_size_um": _number(found.get("MPP"))}


def _is_text(value: object) -> bool:
    """Whether a text is more than what writers put there of their own accord."""
    text = str(value).strip().lower()
    return bool(text) and not text.startswith(("imagej=", '{"shape"', "<?xml", "aperio"))


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None


def _too_large(found: str) -> ImageRefused:
    return ImageRefused(
        Reason.LIMIT_EXCEEDED,
        found=found,
        wanted=f"at most {MOST_PIXELS} pixels a page",
        remedy="Cut the picture into tiles, or export a level of less magnification.",
    )
