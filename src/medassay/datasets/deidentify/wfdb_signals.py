"""Signal files of WFDB records: samples as they are, and what stands around them gone.

A header may let samples begin anywhere in a file, which so may be another format's with its own header; bytes may stand
behind the last sample; a FLAC file holds comments. Samples stay byte for byte, in their place.

References
----------
WFDB Applications Guide, signal(5) and header(5); RFC 9639, 8 and 9 (FLAC metadata blocks, CRC of a frame); MAT-File
Format, level 4 (a header of 20 bytes and the name of the matrix).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from medassay.core.findings import Reason
from medassay.datasets.deidentify.outgoing import Actions, CannotClean
from medassay.formats.waveform import wfdb_formats

# Longer numbers are none of a format's, and may be somebody's.
FORM = re.compile(r"(?P<form>\d{1,3})(x(?P<frame>\d{1,4}))?(:(?P<skew>\d{1,5}))?(\+(?P<offset>\d{1,10}))?")
FLAC_MARK, STREAMINFO = b"fLaC", 0
MATRIX = re.compile(rb"\x00{4}|[\x0a\x14\x1e\x00]\x00\x00\x00")  # type of a level 4 matrix, little endian
MATRIX_NAME, MATRIX_SIZE = b"val\x00", 24
LARGEST_FRAME = 1 << 20
LONG = 10**6


@dataclass(frozen=True)
class Layout:
    """How the samples of one file lie in it."""

    form: str
    offset: int  # bytes before the first sample; of FLAC, samples
    samples: int | None  # of all its signals together; None where the header does not say


def layout_of(forms: Sequence[str], length: int | None) -> Layout:
    """The layout that the signal lines of one file tell.

    Parameters
    ----------
    forms : sequence of str
        Second field of each of its signal lines ("16x2:3+24").
    length : int, optional
        Frames of the record.

    Examples
    --------
    >>> layout_of(["212", "212"], 1000), layout_of(["16x2+24"], 10)
    (Layout(form='212', offset=0, samples=2000), Layout(form='16', offset=24, samples=20))
    """
    found = [match for match in map(FORM.fullmatch, forms) if match]
    if len(found) != len(forms) or not found or len({(one["form"], one["offset"]) for one in found}) != 1:
        raise _refused("signals of one file in several formats, or from several places")
    if not wfdb_formats.known(found[0]["form"]):
        raise _refused("a storage format that is not known")
    each = sum(int(one["frame"] or 1) for one in found)
    skew = max(int(one["skew"] or 0) for one in found)
    return Layout(found[0]["form"], int(found[0]["offset"] or 0), (length + skew) * each if length else None)


def cleaned(content: bytes, layout: Layout, actions: Actions) -> bytes:
    """The file with its samples and what a reader needs to find them; clean already, it is what it was.

    Raises
    ------
    CannotClean
        When a FLAC file does not end with a frame, or has no head.
    """
    if layout.form in wfdb_formats.FLAC:
        return _flac(content, actions)
    head, rest = content[: layout.offset], content[layout.offset :]
    if any(head) and not _is_matrix(head):
        actions["signal file: bytes before the samples", "removed"] += 1
        head = bytes(len(head))
    due = len(rest) if layout.samples is None else wfdb_formats.bytes_of(layout.form, layout.samples)
    pad = 1 if len(rest) == due + 1 and rest[-1:] == b"\x00" else 0  # to an even number of bytes
    if len(rest) > due + pad:
        actions["signal file: bytes after the samples", "removed"] += 1
        rest = rest[:due]
    return head + rest


def is_beyond(layout: Layout, content: bytes) -> bool:
    """Whether offset or number of samples is a long number (seven digits) that this file cannot hold."""
    samples, size = layout.samples or 0, len(content)
    if layout.form in wfdb_formats.FLAC:
        stream = wfdb_formats.stream_of(content)
        held = stream.samples * stream.channels if stream else 0
        return layout.offset + samples > max(held, 64 * size, LONG)
    return layout.offset + wfdb_formats.bytes_of(layout.form, samples) > max(8 * size, LONG)


def _is_matrix(head: bytes) -> bool:
    """The header of the one matrix that the files of the CinC challenges hold."""
    return (
        len(head) == MATRIX_SIZE
        and head.endswith(MATRIX_NAME)
        and bool(MATRIX.fullmatch(head[:4]))
        and int.from_bytes(head[12:16], "little") == 0
        and int.from_bytes(head[16:20], "little") == len(MATRIX_NAME)
    )


def _flac(content: bytes, actions: Actions) -> bytes:
    """Its first block of metadata and its frames."""
    if not content.startswith(FLAC_MARK):
        raise _refused("a FLAC file with something before its mark")
    at, last, info = len(FLAC_MARK), False, b""
    while not last:
        block = content[at : at + 4]
        if len(block) < 4:
            raise _refused("a FLAC file that breaks off in its head")
        last, kind, size = bool(block[0] & 0x80), block[0] & 0x7F, int.from_bytes(block[1:4], "big")
        if kind == STREAMINFO and not info:
            info = content[at + 4 : at + 4 + size]
        else:
            actions["signal file: FLAC metadata", "removed"] += 1
        at += 4 + size
    if len(info) != 34:
        raise _refused("a FLAC file without its first block")
    if content[at : at + 2] not in (b"\xff\xf8", b"\xff\xf9"):
        raise _refused("a FLAC file with something before its first frame")
    if not _ends_with_a_frame(content, at):
        raise _refused("a FLAC file with something behind its last frame")
    return FLAC_MARK + b"\x80" + len(info).to_bytes(3, "big") + info + content[at:]


def _ends_with_a_frame(content: bytes, first: int) -> bool:
    """Whether the last bytes are the check of a frame that begins somewhere before them."""
    at, end = len(content), max(first, len(content) - LARGEST_FRAME)
    while (at := content.rfind(b"\xff", end, at)) >= 0:
        if content[at + 1 : at + 2] in (b"\xf8", b"\xf9") and _crc16(content[at:]) == 0:
            return True
    return False


@cache
def _crc_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        crc = value << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x8005 if crc & 0x8000 else crc << 1) & 0xFFFF
        table.append(crc)
    return tuple(table)


def _crc16(frame: bytes) -> int:
    """The check of a FLAC frame over all of it, its own check included: 0 where it is whole."""
    table, crc = _crc_table(), 0
    for byte in frame:
        crc = (crc << 8 & 0xFFFF) ^ table[crc >> 8 ^ byte]
    return crc


def _refused(found: str) -> CannotClean:
    return CannotClean(
        Reason.HEADER_INVALID, found, "samples that can be told from other bytes", "signal file"
    )
