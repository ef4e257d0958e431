"""DICOM slices, and the volume they make: from position and orientation, never from numbers or names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.imaging import dicom_file, dicom_pixels
from medassay.formats.imaging.dicom_file import recognises as recognises
from medassay.formats.imaging.dicom_file import text_of
from medassay.formats.imaging.grid import FloatArray, Grid
from medassay.formats.imaging.refusal import ImageRefused, quiet

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
LABEL_MAP_SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.7"
SEGMENTATIONS = (SEGMENTATION, LABEL_MAP_SEGMENTATION)

SAME_DIRECTION = 1e-4
STEP_TOLERANCE = 0.01  # of the usual distance of two slices
SAME_PLACE = 0.01  # of the usual distance; nearer slices lie at one place
SAME_PLACE_MM = 1e-4
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


@quiet()
def open(source: bytes | BinaryIO) -> Dataset:
    """Read the header; pixels stay unread.

    Raises
    ------
    WrongUse
        When the header cannot be read to its end.
    """
    return _read(source, pixels=False).dataset


@quiet()
def open_whole(content: bytes) -> Dataset:
    """Read header and pixel data.

    Raises
    ------
    WrongUse
        When the object ends before its pixel data do.
    """
    opened = _read(content, pixels=True)
    require_pixels(opened.dataset)
    if opened.pixels_cut:
        raise _ends_early("fragments of pixel data that break off")
    return opened.dataset


def require_pixels(dataset: Dataset) -> None:
    """There are pixels, and native ones are as many as the header says; compressed ones their decoder tells.

    Raises
    ------
    WrongUse
        When there are none, or fewer.
    """
    if not any(keyword in dataset for keyword in dicom_pixels.KINDS):
        raise _ends_early("no pixel data")
    layout = dicom_pixels.layout_of(dataset)
    if not layout.compressed:
        dicom_pixels.require_length(dataset, layout)


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
    gap, unequal steps, and slices that are shifted sideways (a tilted gantry). The finding is the first of
    `irregularities`.
    """
    for wrong in irregularities(places):
        return wrong
    first = places[0]
    normal, depth, order = _depths(places)
    usual = float((depth[order[-1]] - depth[order[0]]) / (len(places) - 1))
    affine = np.eye(4)
    affine[:3, 0] = normal * usual
    affine[:3, 1] = first.along_column * first.spacing_mm[0]
    affine[:3, 2] = first.along_row * first.spacing_mm[1]
    affine[:3, 3] = places[order[0]].position
    return Arrangement(tuple(int(i) for i in order), Grid((len(places), *first.size), affine))


def irregularities(places: Sequence[SlicePlace]) -> Iterator[Finding]:
    """Everything that keeps slices from being one volume, each told once."""
    if len(places) < 2:
        yield _irregular(f"{len(places)} slice", "at least 2 slices")
        return
    mixed = list(_mixed(places))
    yield from mixed
    if mixed:
        return  # what follows goes by one normal and one spacing
    normal, depth, order = _depths(places)
    sorted_depth = depth[order]
    steps = np.diff(sorted_depth)
    apart = steps > SAME_PLACE_MM
    apart &= steps >= SAME_PLACE * (np.median(steps[apart]) if apart.any() else 1.0)
    if not apart.all():
        yield _repeated(apart)
    kept = np.concatenate([[True], apart])
    steps = np.diff(sorted_depth[kept])
    if not len(steps):
        return
    wrong = _uneven(steps)
    if wrong is not None:
        yield wrong
    yield from _sideways(places, order[kept], depth, normal)


@quiet()
def headers_in_order(objects: Sequence[bytes]) -> tuple[list[Dataset], Grid, tuple[int, ...]]:
    """Headers of a series in geometric order, their grid, and where each stood among `objects`.

    Those of the last series are remembered: all that is said of one volume needs them. Nobody may change them.

    Raises
    ------
    WrongUse
        When an object is no image with a place, or the images make no volume.
    """
    headers, grid, order = _headers_in_order(tuple(objects))
    return list(headers), grid, order


@lru_cache(maxsize=1)
def _headers_in_order(objects: tuple[bytes, ...]) -> tuple[tuple[Dataset, ...], Grid, tuple[int, ...]]:
    opened = [open(content) for content in objects]
    arranged = arrange([place_of(dataset) for dataset in opened])
    if isinstance(arranged, Finding):
        raise WrongUse(
            found=arranged.found, wanted=arranged.wanted, remedy=arranged.remedy, where=arranged.where
        )
    return tuple(opened[index] for index in arranged.order), arranged.grid, arranged.order


@quiet()
def stored_values(dataset: Dataset) -> NDArray[np.int64]:
    """The stored pixel values of one slice, before any rescaling.

    Raises
    ------
    WrongUse
        When no codec that is installed decodes them, or they are no single grey plane.
    """
    planes = dicom_pixels.decode(dataset)
    if len(planes) != 1 or planes.ndim != 3:
        raise WrongUse(
            found=f"{len(planes)} frames" if planes.ndim == 3 else "pixels in colour",
            wanted="one grey plane an object",
            remedy="Export the series as one object a slice.",
            where="PixelData",
        )
    plane: NDArray[np.int64] = planes[0].astype(np.int64)
    return plane


def _depths(places: Sequence[SlicePlace]) -> tuple[FloatArray, FloatArray, NDArray[np.intp]]:
    """Normal of the slices, how far along it each lies, and their order."""
    normal = np.cross(places[0].along_row, places[0].along_column)
    depth: FloatArray = np.array([place.position for place in places]) @ normal
    return normal, depth, np.argsort(depth, kind="stable")


def _mixed(places: Sequence[SlicePlace]) -> Iterator[Finding]:
    first = places[0]
    sizes = {place.size for place in places}
    if len(sizes) > 1:
        yield _irregular("slices of different size", "one size")
    if not all(np.allclose(place.spacing_mm, first.spacing_mm, rtol=1e-3) for place in places):
        yield _irregular("more than one pixel spacing in the series", "one pixel spacing")
    turned = [
        max(
            np.abs(place.along_row - first.along_row).max(),
            np.abs(place.along_column - first.along_column).max(),
        )
        for place in places
    ]
    if max(turned) > SAME_DIRECTION * 10:
        yield _irregular("more than one orientation in the series", "parallel slices")


def _repeated(apart: NDArray[np.bool_]) -> Finding:
    """Slices at places that are taken: a duplicate, or several volumes in one series."""
    starts = np.flatnonzero(np.concatenate([[True], apart, [True]]))
    counts = np.diff(starts)
    if counts.min() == counts.max():
        found = f"{counts[0]} slices at each of {len(counts)} places: {counts[0]} volumes in one series"
    else:
        found = f"two slices at one place, {int((counts > 1).sum())} times"
    return _irregular(found, "one slice at each place")


def _uneven(steps: FloatArray) -> Finding | None:
    usual = float(np.median(steps))
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


def _sideways(
    places: Sequence[SlicePlace], order: NDArray[np.intp], depth: FloatArray, normal: FloatArray
) -> Iterator[Finding]:
    """Slices that do not stand above each other: by one angle (a tilted gantry), or here and there."""
    positions = np.array([places[int(i)].position for i in order])
    along = depth[order] - depth[order[0]]
    shift = positions - positions[0] - np.outer(along, normal)
    limit = STEP_TOLERANCE * max(float(np.median(np.diff(along))), *places[0].spacing_mm)
    if np.linalg.norm(shift, axis=1).max() <= limit:
        return
    slope = (along @ shift) / (along @ along)
    straight = np.linalg.norm(shift - np.outer(along, slope), axis=1).max() <= 5 * limit
    angle = f", {np.degrees(np.arctan(np.linalg.norm(slope))):.1f} degrees" if straight else ""
    yield _irregular(
        f"slices shifted sideways against their normal (tilt{angle})", "slices that lie straight"
    )


def _read(source: bytes | BinaryIO, *, pixels: bool) -> dicom_file.OpenedDicom:
    opened = dicom_file.open(source, pixels=pixels)
    if not text_of(opened.dataset, "SOPClassUID") or not text_of(opened.dataset, "SOPInstanceUID"):
        raise _ends_early("a header without class and instance")
    return opened


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


def _ends_early(found: str) -> ImageRefused:
    return ImageRefused(Reason.TRUNCATED, found=found, wanted="a whole DICOM object")


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
