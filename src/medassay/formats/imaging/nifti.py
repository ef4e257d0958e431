"""NIfTI-1 volumes of research data, turned into the patient axes of DICOM."""

from __future__ import annotations

import gzip
import io
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, finding_of
from medassay.formats.imaging.grid import Grid, Labels

LARGEST_BYTES = 1 << 30  # unpacked; a small file must not fill the memory
MAGIC = (b"n+1\x00",)
PAIR_MAGIC, HEADER_BYTES = b"ni1\x00", 348

# NIfTI axes point right, front, up; DICOM's left, back, up.
_TO_DICOM = np.diag([-1.0, -1.0, 1.0, 1.0])
_LENGTHS = {0: "unknown", 1: "meter", 2: "mm", 3: "micron"}  # the lowest three bits of xyzt_units


@dataclass(frozen=True)
class Header:
    """A volume whose samples are not read yet."""

    image: Any = None

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(int(n) for n in self.image.shape)


def recognises(head: bytes) -> bool:
    """A single-file NIfTI-1, plain or gzipped, by its content."""
    if head[:2] == b"\x1f\x8b":
        try:
            head = zlib.decompressobj(31).decompress(head, 348)
        except zlib.error:
            return False
    return head[344:348] in MAGIC


def open(content: bytes) -> Header:
    """Read the header.

    Raises
    ------
    WrongUse
        When the file is no NIfTI-1, breaks off, or unpacks to more than a gigabyte.
    """
    import nibabel
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError

    try:
        return Header(nibabel.Nifti1Image.from_bytes(_unpacked(content)))
    except (ImageFileError, HeaderDataError, OSError, ValueError, OverflowError) as error:
        raise _unreadable(f"a header that does not parse ({type(error).__name__})") from error


def recognises_pair(head: bytes) -> bool:
    """The header of a NIfTI-1 in two files: its values stand in a file of the same name, `.img`."""
    return head[344:348] == PAIR_MAGIC and HEADER_BYTES in (
        int.from_bytes(head[:4], "little"),
        int.from_bytes(head[:4], "big"),
    )


def open_pair(path: Path) -> tuple[Header, Path]:
    """Read the header of a pair, and find its values.

    Returns
    -------
    Header, Path
        The volume, and the file with its values.

    Raises
    ------
    WrongUse
        When the header does not parse, or its values lie not beside it or are too few.
    """
    import nibabel
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError

    beside = [path.with_suffix(suffix) for suffix in (".img", ".IMG")]
    image = next((one for one in beside if one.is_file()), None)
    if image is None:
        raise _unreadable(
            "a header whose values do not lie beside it", "both files of the pair, .hdr and .img"
        )
    try:
        read = nibabel.Nifti1Pair.from_file_map(
            {
                "header": nibabel.FileHolder(fileobj=io.BytesIO(path.read_bytes())),
                "image": nibabel.FileHolder(filename=str(image)),
            }
        )
    except (ImageFileError, HeaderDataError, OSError, ValueError, OverflowError) as error:
        raise _unreadable(f"a header that does not parse ({type(error).__name__})") from error
    values_end = int(read.dataobj.offset) + math.prod(read.shape) * read.get_data_dtype().itemsize
    if image.stat().st_size < values_end:
        raise _unreadable("fewer values than the header says", "both files of the pair, whole")
    return Header(read), image


def examine(opened: Header) -> Iterator[Finding]:
    """What is wrong with the volume, by its header."""
    try:
        grid_of(opened)
    except WrongUse as error:
        yield finding_of(error, Reason.GEOMETRY_IRREGULAR, where="sform, qform", source="NIfTI-1 header")


def describe(opened: Header) -> dict[str, Any]:
    """Shape, spacing and type, as the header says."""
    return {
        "shape": list(opened.shape),
        "spacing": [float(step) for step in opened.image.header.get_zooms()],
        "type": str(opened.image.get_data_dtype()),
    }


def grid_of(opened: Header) -> Grid:
    """The grid in DICOM's axes, as (slices, rows, columns) = (k, j, i).

    Raises
    ------
    WrongUse
        When the volume is not three-dimensional, states no unit but mm, is not placed, or is sheared.
    """
    header = opened.image.header
    _require_three(opened)
    length = _LENGTHS.get(int(header["xyzt_units"]) & 0b111, "a unit of no name")
    if length not in ("mm", "unknown"):
        raise _unreadable(f"lengths in {length}", "lengths in mm")
    if int(header["sform_code"]) == 0 and int(header["qform_code"]) == 0:
        raise _unreadable("no sform and no qform", "a volume that its header places")
    affine = _TO_DICOM @ np.asarray(opened.image.affine, np.float64)
    steps = np.linalg.norm(affine[:3, :3], axis=0)
    if not np.isfinite(affine).all() or steps.min() <= 0:
        raise _unreadable("an affine that is no map", "a volume that its header places")
    directions = affine[:3, :3] / steps
    if np.abs(directions.T @ directions - np.eye(3)).max() > 1e-3:
        raise _unreadable("sheared axes", "axes at right angles")
    i, j, k = opened.shape
    turned = affine.copy()
    turned[:, :3] = affine[:, 2::-1]
    return Grid((k, j, i), turned)


def _require_three(opened: Header) -> None:
    if len(opened.shape) != 3:
        raise _unreadable(f"{len(opened.shape)} dimensions", "3 dimensions")
    if 0 in opened.shape:
        raise _unreadable("an axis without a voxel", "a voxel at least along each axis")


def values(opened: Header) -> NDArray[np.float64]:
    """Scaled values as (slices, rows, columns).

    Raises
    ------
    WrongUse
        When the volume is not three-dimensional, the file ends before its values do, or one is not finite.
    """
    _require_three(opened)
    try:
        data = np.asarray(opened.image.get_fdata(dtype=np.float64))
    except (OSError, ValueError, EOFError, OverflowError, MemoryError) as error:
        raise _unreadable("fewer values than the header says") from error
    if not np.isfinite(data).all():
        raise _unreadable("values that are not finite", "finite values")
    return data.transpose(2, 1, 0)


def labels(opened: Header) -> Labels:
    """Label numbers as (slices, rows, columns).

    Raises
    ------
    WrongUse
        When a value is no whole number from 0 to 255.
    """
    found = values(opened)
    if (found != np.rint(found)).any() or found.min() < 0 or found.max() > 255:
        raise _unreadable("values that are no labels", "whole numbers from 0 to 255")
    return found.astype(np.uint8)


def _unpacked(content: bytes) -> bytes:
    if content[:2] != b"\x1f\x8b":
        return content
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
            plain = stream.read(LARGEST_BYTES + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _unreadable("packed bytes that break off") from error
    if len(plain) > LARGEST_BYTES:
        raise _unreadable("more than a gigabyte unpacked", "a volume of at most a gigabyte")
    return plain


def _unreadable(found: str, wanted: str = "a whole NIfTI-1 volume") -> WrongUse:
    return WrongUse(found=found, wanted=wanted, remedy="Export the volume again.")
