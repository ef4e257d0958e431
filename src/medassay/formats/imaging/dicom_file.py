"""Open any file that holds a DICOM object: by what its bytes are, not by what its first bytes promise.

Hospitals hand out objects without preamble, without file meta information, under a transfer syntax that is not
theirs, cut off, padded, and written by old archives in big endian. Each is read as far as it can be read without
a guess that could be wrong, and each deviation is a finding.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.imaging.dicom_start import (
    CONTEXT,
    DEFLATED_UID,
    Start,
    cut,
    findings_of,
    meta_of,
    start_of,
)
from medassay.formats.imaging.dicom_start import MARK as MARK
from medassay.formats.imaging.dicom_start import recognises as recognises
from medassay.formats.imaging.dicom_structure import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    MOST_DEPTH,
    PIXEL_TAGS,
    Element,
    Encoding,
    Structure,
    encoding_at,
    sensible_elements,
    walk,
)
from medassay.formats.imaging.refusal import ImageRefused, quiet, said

if TYPE_CHECKING:
    from pydicom.dataset import Dataset
    from pydicom.tag import BaseTag

CHARACTER_SET = 0x00080005
MOST_INFLATED = 512 << 20
SHORTEST = 64  # bytes of a data set: below, an end within the first element is the likelier fault
IMPLICIT_LITTLE_UID, EXPLICIT_LITTLE_UID = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
EXPLICIT_BIG_UID = "1.2.840.10008.1.2.2"
NATIVE = {
    IMPLICIT_LITTLE_UID: IMPLICIT_LITTLE,
    EXPLICIT_LITTLE_UID: EXPLICIT_LITTLE,
    EXPLICIT_BIG_UID: EXPLICIT_BIG,
}
UID_OF = {encoding: uid for uid, encoding in NATIVE.items()}
GE_PRIVATE_UID = "1.2.840.113619.5.2"  # implicit little endian, pixel data big endian


@dataclass(frozen=True, eq=False)
class OpenedDicom:
    """A DICOM object whose header is read. `dataset` has its pixel data only where they were asked for."""

    dataset: Dataset
    transfer_syntax: str  # in which the file's bytes are; empty where compressed data state none
    structure: Structure
    size: int
    findings: tuple[Finding, ...]  # deviations of the file, header and pixel data as a whole

    @property
    def pixels_cut(self) -> bool:
        """Whether the file ends within its pixel data."""
        return bool(self.structure.stopped) and self.structure.cut_tag in PIXEL_TAGS


def open(source: bytes | BinaryIO | Path, *, pixels: bool = False) -> OpenedDicom:
    """Read the header, and the pixel data where asked.

    Parameters
    ----------
    source : content, a stream that can seek, or a path

    Raises
    ------
    ImageRefused
        When it is no DICOM object, its header is cut off or nested beyond measure, or inflates beyond 512 MiB.
    """
    if isinstance(source, Path):
        with source.open("rb") as stream:
            return _opened(stream, pixels)
    return _opened(io.BytesIO(source) if isinstance(source, bytes) else source, pixels)


def value_of(dataset: Any, keyword: str, default: Any = None) -> Any:
    """An element's value; the default where it is missing, empty, or no value of its kind."""
    with quiet():
        try:
            value = dataset.get(keyword)
        except Exception:  # noqa: BLE001 - converting a hostile value may raise anything
            return default
    return default if value is None or value == "" else value


def text_of(dataset: Any, keyword: str, default: str = "") -> str:
    """An element's value as text; several values are joined as the standard writes them."""
    value = value_of(dataset, keyword)
    if value is None:
        return default
    if not isinstance(value, str) and hasattr(value, "__iter__") and not hasattr(value, "components"):
        return "\\".join(str(part) for part in value)
    return str(value)


def whole_of(dataset: Any, keyword: str, default: int | None = None) -> int | None:
    """An element's value as one whole number."""
    try:
        return int(value_of(dataset, keyword))
    except (TypeError, ValueError, OverflowError):
        return default


def number_of(dataset: Any, keyword: str) -> float | None:
    """An element's value as one finite number."""
    try:
        number = float(value_of(dataset, keyword))
    except (TypeError, ValueError, OverflowError):
        return None
    return number if abs(number) < float("inf") else None


def items_of(dataset: Any, keyword: str) -> list[Any]:
    """The items of a sequence; none where it is missing or no sequence."""
    found = value_of(dataset, keyword)
    if found is None or isinstance(found, bytes | str):
        return []
    try:
        return [item for item in found if hasattr(item, "elements")]
    except TypeError:
        return []


def _opened(stream: BinaryIO, pixels: bool) -> OpenedDicom:
    size = stream.seek(0, io.SEEK_END)
    start = start_of(stream, size)
    notes: list[Finding] = [*findings_of(start)]
    if start.syntax == DEFLATED_UID:
        stream, size = _inflated(stream, start.position), 0
        size = stream.seek(0, io.SEEK_END)
        start = Start(0, start.preamble, start.meta, start.syntax, start.problem)
    encoding = _encoding(stream, start, size)
    stated = _stated_encoding(start.syntax)
    if stated is not None and encoding != stated:
        notes.append(
            said(
                Reason.HEADER_INVALID,
                Severity.WARN,
                f"elements in {_words(encoding)} under a transfer syntax of {_words(stated)}",
                "the transfer syntax that the bytes are in",
                where="(0002,0010) TransferSyntaxUID",
                source=CONTEXT,
            )
        )
    structure = walk(stream, start.position, size, encoding)
    _refuse_unreadable(structure)
    notes += _structure_findings(structure, encoding)
    syntax = _syntax(start.syntax, encoding, structure)
    try:
        dataset = _dataset(stream, start, encoding, structure, syntax, pixels)
    except ImageRefused:
        mended = _without_damaged_character_sets(stream, start.position, size, encoding)
        if mended is None:
            raise
        dataset = _dataset(mended, start, encoding, structure, syntax, pixels)
        notes.append(_damaged_character_set())
    return OpenedDicom(dataset, syntax, structure, size, tuple(notes))


def _inflated(stream: BinaryIO, position: int) -> BinaryIO:
    stream.seek(position)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        plain = inflater.decompress(stream.read(), MOST_INFLATED)
    except zlib.error as error:
        raise ImageRefused(
            Reason.TRUNCATED, found="deflated bytes that do not inflate", wanted="a whole deflated data set"
        ) from error
    if inflater.unconsumed_tail:
        raise ImageRefused(
            Reason.LIMIT_EXCEEDED,
            found="more than 512 MiB inflated",
            wanted="a data set of at most 512 MiB",
        )
    if not inflater.eof:
        raise cut(1, "in the deflated data set")
    return io.BytesIO(plain)


def _stated_encoding(syntax: str) -> Encoding | None:
    if not syntax:
        return None
    if syntax == GE_PRIVATE_UID:
        return IMPLICIT_LITTLE
    return NATIVE.get(syntax, EXPLICIT_LITTLE)  # PS3.5 A.4: all encapsulated ones are explicit little endian


def _encoding(stream: BinaryIO, start: Start, size: int) -> Encoding:
    stated = _stated_encoding(start.syntax)
    if start.position >= size:
        raise cut(1, "before the data set")
    if stated is not None and sensible_elements(stream, start.position, size, stated, 4) == 4:
        return stated
    encoding = encoding_at(stream, start.position, size, stated)
    if encoding is None and size - start.position < SHORTEST:
        raise cut(1, "behind its first bytes")
    if encoding is None:
        raise ImageRefused(
            Reason.HEADER_INVALID, found="a data set that begins with no element", wanted="a DICOM data set"
        )
    return encoding


def _refuse_unreadable(structure: Structure) -> None:
    if structure.stopped == "depth":
        raise ImageRefused(
            Reason.LIMIT_EXCEEDED,
            found=f"sequences nested more than {MOST_DEPTH} deep",
            wanted="a header that can be read",
        )
    if structure.stopped == "number":
        raise ImageRefused(
            Reason.LIMIT_EXCEEDED, found="millions of elements or items", wanted="a header that can be read"
        )
    if structure.stopped and structure.cut_tag not in PIXEL_TAGS:
        place = (
            f"in ({structure.cut_tag >> 16:04X},{structure.cut_tag & 0xFFFF:04X})"
            if structure.cut_tag
            else ""
        )
        raise cut(structure.missing_bytes, place)


def _structure_findings(structure: Structure, encoding: Encoding) -> Iterator[Finding]:
    if structure.stopped:
        lost = structure.stopped == "lost"
        yield said(
            Reason.HEADER_INVALID if lost else Reason.TRUNCATED,
            Severity.REFUSE,
            "fragments of pixel data that do not follow each other"
            if lost
            else f"a file that ends {structure.missing_bytes or 'some'} bytes before its pixel data do",
            "whole pixel data",
            where="(7FE0,0010) PixelData",
        )
    if structure.unended:
        yield said(
            Reason.HEADER_INVALID,
            Severity.WARN,
            "no delimiter behind the last fragment",
            "a sequence delimiter behind encapsulated pixel data",
            where="(7FE0,0010) PixelData",
            source="DICOM PS3.5 A.4",
        )
    if structure.unknown_vrs:
        yield said(
            Reason.HEADER_INVALID,
            Severity.WARN,
            f"{structure.unknown_vrs} elements of a value representation that does not exist",
            "value representations of PS3.5",
            source="DICOM PS3.5 6.2",
        )
    if structure.overruns:
        yield said(
            Reason.HEADER_INVALID,
            Severity.WARN,
            f"{structure.overruns} values longer than the item that holds them",
            "lengths that fit into each other",
            source="DICOM PS3.5 7.5",
        )
    if structure.out_of_order:
        yield said(
            Reason.HEADER_INVALID,
            Severity.WARN,
            f"{structure.out_of_order} elements out of order",
            "rising tags",
            source="DICOM PS3.5 7.1",
        )
    if structure.trailing_bytes:
        yield said(
            Reason.HEADER_INVALID,
            Severity.NOTE,
            f"{structure.trailing_bytes} bytes behind the last element",
            "a file that ends with its last element",
        )
    if encoding == EXPLICIT_BIG:
        yield said(
            Reason.HEADER_INVALID,
            Severity.NOTE,
            "big endian",
            "little endian; big endian is retired",
            source="DICOM PS3.5 A.3",
        )


def _syntax(stated: str, encoding: Encoding, structure: Structure) -> str:
    """In which syntax the bytes are; what is stated stands where nothing contradicts it."""
    if structure.fragments:
        return stated if stated not in NATIVE and stated != DEFLATED_UID else ""
    if stated and stated not in NATIVE:
        return stated
    return UID_OF[encoding]


def _dataset(
    stream: BinaryIO, start: Start, encoding: Encoding, structure: Structure, syntax: str, pixels: bool
) -> Dataset:
    from pydicom.dataset import FileDataset
    from pydicom.filereader import read_dataset

    meta = meta_of(stream, start)
    stream.seek(start.position)

    def at_pixels(tag: BaseTag, vr: str | None, length: int) -> bool:  # noqa: ARG001 - the reader's signature
        return tag in PIXEL_TAGS or tag in (0, 0xFFFCFFFC)

    with quiet():
        try:
            dataset = read_dataset(stream, not encoding.explicit, encoding.little, stop_when=at_pixels)
            if pixels and structure.pixels is not None:
                _add_pixels(dataset, stream, structure)
        except RecursionError:
            raise ImageRefused(
                Reason.LIMIT_EXCEEDED, found="sequences nested too deep", wanted="a header that can be read"
            ) from None
        except Exception as error:
            raise ImageRefused(
                Reason.HEADER_INVALID,
                found=f"a header that its reader stops at with {type(error).__name__}",
                wanted="a DICOM data set",
            ) from error
        native = {DEFLATED_UID: EXPLICIT_LITTLE_UID}.get(syntax, syntax)
        from pydicom.uid import UID

        if native:
            meta.TransferSyntaxUID = UID(native)
        elif "TransferSyntaxUID" in meta:
            del meta.TransferSyntaxUID
        return FileDataset("", dataset, None, meta, not encoding.explicit, encoding.little)


def _without_damaged_character_sets(
    stream: BinaryIO, start: int, size: int, encoding: Encoding
) -> BinaryIO | None:
    """The file with character sets blanked that no writer can have meant, at which pydicom stops; None: no such."""
    found: list[Element] = []

    def collect(element: Element, depth: int) -> None:  # noqa: ARG001 - items declare their own
        if element.tag == CHARACTER_SET and element.length < 256:
            found.append(element)

    walk(stream, start, size, encoding, collect)
    stream.seek(0)
    content, damaged = bytearray(stream.read()), False
    for element in found:
        span = slice(element.start, element.start + element.length)
        if not re.fullmatch(rb"[A-Za-z0-9_ \\-]*\x00?", bytes(content[span])):
            content[span], damaged = b" " * element.length, True
    return io.BytesIO(bytes(content)) if damaged else None


def _damaged_character_set() -> Finding:
    return said(
        Reason.CHARACTER_SET,
        Severity.WARN,
        "a character set that is no defined term",
        "a defined term",
        where="(0008,0005) SpecificCharacterSet",
        source="DICOM PS3.3 C.12.1.1.2",
    )


def _add_pixels(dataset: Dataset, stream: BinaryIO, structure: Structure) -> None:
    """Pixel data as the walk found them, which goes by lengths: a search for delimiters may stop in the data."""
    from pydicom.dataelem import DataElement

    if structure.pixels is None or structure.pixel_tag is None:
        return
    first, stop = structure.pixels
    stream.seek(first)
    value = stream.read(stop - first)
    stated = structure.pixel_vr.decode("ascii") if structure.pixel_vr in (b"OB", b"OW", b"OF", b"OD") else ""
    usual = {0x7FE00008: "OF", 0x7FE00009: "OD"}.get(structure.pixel_tag, "OW")
    kind = "OB" if structure.fragments else stated or usual
    element = DataElement(structure.pixel_tag, kind, value, is_undefined_length=bool(structure.fragments))
    dataset.add(element)


def _words(encoding: Encoding) -> str:
    return (
        f"{'explicit' if encoding.explicit else 'implicit'} {'little' if encoding.little else 'big'} endian"
    )
