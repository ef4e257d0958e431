"""What stands before the data set of a DICOM file: blanks, preamble, mark, file meta information, or none of them.

The stated length of the group 0002 is not believed, and the group is read in the form that it has.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.imaging.dicom_structure import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    FIRST_GROUPS,
    IMPLICIT_LITTLE,
    LONG,
    SHORT,
    Encoding,
    element_at,
)
from medassay.formats.imaging.refusal import ImageRefused, quiet, said

if TYPE_CHECKING:
    from pydicom.dataset import FileMetaDataset
    from pydicom.tag import BaseTag

MARK = b"DICM"
CONTEXT = "DICOM PS3.10 section 7"
DEFLATED_UID = "1.2.840.10008.1.2.1.99"


@dataclass(frozen=True)
class Start:
    """What stands before the data set."""

    position: int
    preamble: bool
    meta: bool
    syntax: str  # as stated
    problem: str = ""


def recognises(head: bytes) -> bool:
    """Whether a file with these first bytes holds a DICOM object, with or without preamble.

    Blanks before a first element without preamble are passed over: some transfers put them there.

    Parameters
    ----------
    head : at least 140 bytes, or the whole file

    Examples
    --------
    >>> recognises(bytes(128) + b"DICM")
    True
    >>> recognises(b"\\x08\\x00\\x05\\x00CS\\x0a\\x00ISO_IR 100"), recognises(b"\\x08\\x00 a text")
    (True, False)
    """
    if head[128:132] == MARK or head[:4] == MARK:
        return True
    return _first_element(head[_blanks(head) :]) is not None


def _first_element(head: bytes) -> Encoding | None:
    """The encoding in which the first bytes are the first element of an object."""
    for encoding in (EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE):
        element = element_at(io.BytesIO(head), 0, encoding)
        if element is None or element.tag >> 16 not in FIRST_GROUPS or (element.tag & 0xFFFF) > 0x0120:
            continue
        if encoding.explicit and head[4:6] in SHORT | LONG and element.length <= 1 << 16:
            return encoding
        # An implicit first element is short and followed by one of the same group, or nothing tells it apart.
        if not encoding.explicit and element.length <= 128 and element.length % 2 == 0:
            after = element_at(io.BytesIO(head), element.start + element.length, encoding)
            if after is not None and after.tag >> 16 == element.tag >> 16 and after.tag > element.tag:
                return encoding
    return None


def _blanks(head: bytes) -> int:
    """How many blanks stand before the first element."""
    return len(head) - len(head.lstrip(b" \r\n"))


def start_of(stream: BinaryIO, size: int) -> Start:
    """Where the data set begins, and what the file says of it before.

    Raises
    ------
    ImageRefused
        When the bytes are of another format, or end before the data set.
    """
    stream.seek(0)
    head = stream.read(512)
    if head[128:132] == MARK:
        position, preamble = 132, True
    elif head[:4] == MARK:
        position, preamble = 4, False
    elif _first_element(head[_blanks(head) :]) is not None:
        position, preamble = _blanks(head), False
    else:
        raise ImageRefused(Reason.UNKNOWN_FORMAT, found="bytes of another format", wanted="a DICOM object")
    return _past_meta(stream, position, size, preamble)


def _past_meta(stream: BinaryIO, position: int, size: int, preamble: bool) -> Start:
    """Walk the group 0002; its stated length is not believed."""
    syntax, meta, problem = "", False, ""
    while position < size:
        element = element_at(stream, position, EXPLICIT_LITTLE)
        if element is None or element.tag >> 16 != 0x0002:
            break
        if not element.known_vr:  # some writers use the data set's implicit form here too
            element = element_at(stream, position, IMPLICIT_LITTLE) or element
            problem = "file meta information in another form than explicit little endian"
        meta = True
        if element.start + element.length > size:
            raise cut(element.start + element.length - size, "in the file meta information")
        if element.tag == 0x00020010:
            stream.seek(element.start)
            syntax = stream.read(min(element.length, 64)).decode("ascii", "replace").strip("\x00 ")
        position = element.start + element.length
    return Start(position, preamble, meta, syntax, problem)


def findings_of(start: Start) -> Iterator[Finding]:
    """What is missing or unusual before the data set."""
    if not start.preamble:
        yield said(
            Reason.HEADER_INVALID,
            Severity.NOTE,
            "no preamble",
            "128 bytes and DICM before the file meta information",
            source=CONTEXT,
        )
    if not start.meta or not start.syntax:
        yield said(
            Reason.HEADER_INVALID,
            Severity.WARN,
            "no transfer syntax stated" if start.meta else "no file meta information",
            "file meta information that states the transfer syntax",
            where="(0002,0010) TransferSyntaxUID",
            source=CONTEXT,
        )
    if start.problem:
        yield said(
            Reason.HEADER_INVALID, Severity.WARN, start.problem, "explicit little endian", source=CONTEXT
        )


def meta_of(stream: BinaryIO, start: Start) -> FileMetaDataset:
    """The file meta information; empty where there is none that can be read."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.filereader import read_dataset

    if not start.meta or start.syntax == DEFLATED_UID or start.problem:
        return FileMetaDataset()
    stream.seek(0)
    head = stream.read(132)
    stream.seek(132 if start.preamble else 4 if head[:4] == MARK else _blanks(head))

    def behind_meta(tag: BaseTag, vr: str | None, length: int) -> bool:  # noqa: ARG001 - the reader's signature
        return tag >> 16 != 2

    with quiet():
        try:
            return FileMetaDataset(read_dataset(stream, False, True, stop_when=behind_meta))
        except Exception:  # noqa: BLE001 - the data set is worth reading without it
            return FileMetaDataset()


def cut(missing: int, where: str) -> ImageRefused:
    """How a header that breaks off is refused."""
    return ImageRefused(
        Reason.TRUNCATED,
        found=f"a header that breaks off {where}".strip()
        + (f", {missing} bytes short" if missing > 1 else ""),
        wanted="a whole DICOM object",
    )
