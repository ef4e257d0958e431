"""DICOM slices, and the volume they make: from position and orientation, never from numbers or names."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.imaging.grid import FloatArray, Grid

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
LABEL_MAP_SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.7"

SAME_DIRECTION = 1e-4
STEP_TOLERANCE = 0.01  # of the usual distance of two slices
GAP_TOLERANCE = 0.1  # a gap is a whole number of steps, to this part of one


@dataclass(frozen=True, eq=False)
class SlicePlace:
    """Where one slice lies, as its header says."""

    position: FloatArray  # centre of the first voxel, mm
    along_row: FloatArray  # unit vectors
    along_column: FloatArray
    spacing_mm: tuple[float, float]  # between rows, between columns
    size: tuple[int, int]  # rows, columns


@dataclass(frozen=True, eq=False)
class Arrangement:
    """Slices in geometric order, and the grid that they fill."""

    order: tuple[int, ...]  # indices of the slices given
    grid: Grid


def recognises(head: bytes) -> bool:
    """A DICOM object by its content: the mark after the preamble, or a first element of group 0008."""
    return head[128:132] == b"DICM" or head[:2] == b"\x08\x00"


def open(source: bytes | BinaryIO) -> Dataset:
    """Read the header; pixels stay unread.

    Raises
    ------
    WrongUse
        When the header cannot be read to its end.
    """
    return _read(source, stop_before_pixels=True)


def open_whole(content: bytes) -> Dataset:
    """Read header and pixel data.

    Raises
    ------
    WrongUse
        When the object ends before its pixel data do.
    """
    dataset = _read(content, stop_before_pixels=False)
    if "PixelData" not in dataset:
        raise _ends_early("no pixel data")
    present, due = len(dataset.PixelData), _native_length(dataset)
    if due is not None and present < due:
        raise _ends_early(f"{present} of {due} bytes of pixel data")
    return dataset


def examine(opened: Dataset) -> Iterator[Finding]:
    """What is wrong with one object, seen alone."""
    sop_class = str(opened.get("SOPClassUID", ""))
    if sop_class not in (MR_IMAGE, SEGMENTATION, LABEL_MAP_SEGMENTATION):
        yield _refused(
            Reason.UNSUPPORTED_FORM, "another kind of DICOM object", "MR Image Storage, or Segmentation", ""
        )
    elif sop_class == MR_IMAGE:
        try:
            place_of(opened)
        except WrongUse as error:
            yield _refused(Reason.HEADER_INVALID, error.found, error.wanted, error.where)


def describe(opened: Dataset) -> dict[str, str | int | None]:
    """What the object is, without anything that may identify."""
    return {
        "sop_class": str(opened.get("SOPClassUID", "")) or None,
        "modality": str(opened.get("Modality", "")) or None,
        "rows": _whole(opened.get("Rows")),
        "columns": _whole(opened.get("Columns")),
    }


def place_of(dataset: Dataset) -> SlicePlace:
    """Where the header puts this slice.

    Raises
    ------
    WrongUse
        When an element that places it is missing, no number, or no direction.
    """
    position = _numbers(dataset, "ImagePositionPatient", 3)
    orientation = _numbers(dataset, "ImageOrientationPatient", 6)
    spacing = _numbers(dataset, "PixelSpacing", 2)
    size = (_whole(dataset.get("Rows")), _whole(dataset.get("Columns")))
    row, column = orientation[:3], orientation[3:]
    lengths = np.array([np.linalg.norm(row), np.linalg.norm(column)])
    if np.abs(lengths - 1).max() > 1e-2 or abs(float(row @ column)) > 1e-2:
        raise _misplaced("directions that are no right angle of unit length", "ImageOrientationPatient")
    if min(spacing) <= 0:
        raise _misplaced("a spacing that is not positive", "PixelSpacing")
    if not size[0] or not size[1]:
        raise _misplaced("no rows or no columns", "Rows")
    return SlicePlace(
        position, row / lengths[0], column / lengths[1], (spacing[0], spacing[1]), (size[0], size[1])
    )


def arrange(places: Sequence[SlicePlace]) -> Arrangement | Finding:
    """Order slices along their normal and give the grid, or say why they make no volume.

    Refused: fewer than two slices, more than one orientation, size or spacing, two slices at one place, a
    gap, unequal steps, and slices that are shifted sideways (a tilted gantry).
    """
    if len(places) < 2:
        return _irregular(f"{len(places)} slice", "at least 2 slices")
    mixed = _mixed(places)
    if mixed:
        return mixed
    first = places[0]
    normal = np.cross(first.along_row, first.along_column)
    positions = np.array([place.position for place in places])
    depth = positions @ normal
    order = np.argsort(depth, kind="stable")
    steps = np.diff(depth[order])
    wrong = _uneven(steps)
    if wrong:
        return wrong
    usual = float((depth[order[-1]] - depth[order[0]]) / len(steps))
    sideways = positions[order] - positions[order[0]] - np.outer(depth[order] - depth[order[0]], normal)
    if np.linalg.norm(sideways, axis=1).max() > STEP_TOLERANCE * max(usual, *first.spacing_mm):
        return _irregular("slices shifted sideways against their normal (tilt)", "slices that lie straight")
    affine = np.eye(4)
    affine[:3, 0] = normal * usual
    affine[:3, 1] = first.along_column * first.spacing_mm[0]
    affine[:3, 2] = first.along_row * first.spacing_mm[1]
    affine[:3, 3] = positions[order[0]]
    return Arrangement(tuple(int(i) for i in order), Grid((len(places), *first.size), affine))


def headers_in_order(objects: Sequence[bytes]) -> tuple[list[Dataset], Grid, tuple[int, ...]]:
    """Headers of a series in geometric order, their grid, and where each stood among `objects`.

    Raises
    ------
    WrongUse
        When an object is no image with a place, or the images make no volume.
    """
    opened = [open(content) for content in objects]
    arranged = arrange([place_of(dataset) for dataset in opened])
    if isinstance(arranged, Finding):
        raise WrongUse(
            found=arranged.found, wanted=arranged.wanted, remedy=arranged.remedy, where=arranged.where
        )
    return [opened[index] for index in arranged.order], arranged.grid, arranged.order


def stored_values(dataset: Dataset) -> NDArray[np.int64]:
    """The stored pixel values of one slice, before any rescaling.

    Raises
    ------
    WrongUse
        When no codec that is installed decodes them, or they are no single grey plane.
    """
    try:
        plane = np.asarray(dataset.pixel_array)
    except (ValueError, RuntimeError, NotImplementedError, AttributeError, TypeError) as error:
        raise WrongUse(
            found=f"pixels that do not decode ({type(error).__name__})",
            wanted="grey pixels in a transfer syntax that is known",
            remedy="Export the series again, uncompressed.",
            where="PixelData",
        ) from error
    if plane.ndim != 2:
        raise WrongUse(
            found=f"pixels of {plane.ndim} dimensions",
            wanted="one grey plane an object",
            remedy="Export the series as one object a slice.",
            where="PixelData",
        )
    return plane.astype(np.int64)


def _mixed(places: Sequence[SlicePlace]) -> Finding | None:
    first = places[0]
    for place in places[1:]:
        if place.size != first.size:
            return _irregular("slices of different size", "one size")
        if not np.allclose(place.spacing_mm, first.spacing_mm, rtol=1e-3):
            return _irregular("more than one pixel spacing in the series", "one pixel spacing")
        turned = max(
            np.abs(place.along_row - first.along_row).max(),
            np.abs(place.along_column - first.along_column).max(),
        )
        if turned > SAME_DIRECTION * 10:
            return _irregular("more than one orientation in the series", "parallel slices")
    return None


def _uneven(steps: FloatArray) -> Finding | None:
    usual = float(np.median(steps))
    if usual <= 0 or steps.min() < 0.01 * usual:
        return _irregular("two slices at one place", "one slice at each place")
    off = np.flatnonzero(np.abs(steps - usual) > STEP_TOLERANCE * usual)
    if not len(off):
        return None
    parts = steps[off] / usual
    if (np.abs(parts - np.rint(parts)) < GAP_TOLERANCE).all() and (np.rint(parts) >= 2).all():
        missing = int((np.rint(parts) - 1).sum())
        return _refused(
            Reason.SLICE_MISSING,
            f"{missing} missing after slice {', '.join(str(int(i) + 1) for i in off[:3])} of {len(steps) + 1}",
            "slices without a gap",
            "ImagePositionPatient",
        )
    spread = f"{float(steps.min()):.4g} to {float(steps.max()):.4g} mm"
    return _irregular(f"unequal distances of slices, {spread}", "equal distances")


def _read(source: bytes | BinaryIO, *, stop_before_pixels: bool) -> Dataset:
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        dataset = dcmread(stream, stop_before_pixels=stop_before_pixels, force=True)
    except (InvalidDicomError, EOFError, ValueError, KeyError, NotImplementedError, OSError) as error:
        raise _ends_early(f"a header that breaks off ({type(error).__name__})") from error
    if not dataset.get("SOPClassUID") or not dataset.get("SOPInstanceUID"):
        raise _ends_early("a header without class and instance")
    return dataset


def _native_length(dataset: Dataset) -> int | None:
    """Bytes that the header promises; None for compressed pixels, whose decoder tells."""
    syntax = getattr(dataset.file_meta, "TransferSyntaxUID", None)
    if syntax is not None and syntax.is_encapsulated:
        return None
    counts = [_whole(dataset.get(name)) for name in ("Rows", "Columns", "BitsAllocated")]
    frames = _whole(dataset.get("NumberOfFrames", 1))
    if None in counts or frames is None:
        raise _ends_early("a header without the size of its pixels")
    rows, columns, bits = (count or 0 for count in counts)
    return (rows * columns * bits * frames * int(dataset.get("SamplesPerPixel", 1)) + 7) // 8


def _numbers(dataset: Dataset, keyword: str, length: int) -> FloatArray:
    try:
        value = dataset.get(keyword)
        numbers = np.array([float(v) for v in value] if value is not None else [], np.float64)
    except (ValueError, TypeError) as error:
        raise _misplaced("a value that is no number", keyword) from error
    if len(numbers) != length or not np.isfinite(numbers).all():
        raise _misplaced(f"{len(numbers)} numbers", keyword, f"{length} finite numbers")
    return numbers


def _whole(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def _misplaced(
    found: str, where: str, wanted: str = "a slice that its header places in the patient"
) -> WrongUse:
    return WrongUse(
        found=found, wanted=wanted, remedy="Export the series again from the scanner.", where=where
    )


def _ends_early(found: str) -> WrongUse:
    return WrongUse(found=found, wanted="a whole DICOM object", remedy="Export the file again.")


def _irregular(found: str, wanted: str) -> Finding:
    return _refused(Reason.GEOMETRY_IRREGULAR, found, wanted, "ImagePositionPatient")


def _refused(reason: Reason, found: str, wanted: str, where: str) -> Finding:
    return Finding(
        reason=reason,
        severity=Severity.REFUSE,
        found=found,
        wanted=wanted,
        remedy="Export the whole series again from the scanner or archive.",
        where=where,
        source="DICOM PS3.3 C.7.6.2",
    )
