"""RT Structure Sets: which structures there are, their contours, and their masks on a grid.

References
----------
DICOM PS3.3 C.8.8.5 (Structure Set), C.8.8.6 (ROI Contour), C.8.8.8 (RT ROI Observations).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.imaging.dicom_file import items_of, text_of, value_of, whole_of
from medassay.formats.imaging.grid import FloatArray, Grid
from medassay.formats.imaging.refusal import ImageRefused, said

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

STANDARD = "DICOM PS3.3 C.8.8.6"
PLANAR = frozenset(("CLOSED_PLANAR", "CLOSEDPLANAR_XOR"))
TYPES = PLANAR | {"POINT", "OPEN_PLANAR", "OPEN_NONPLANAR"}
FLAT = 0.1  # of a slice step: how far points of one contour may stand from its slice
NEAR = 0.5  # of a slice step: how far a contour may lie from the nearest slice


@dataclass(frozen=True, eq=False)
class Contour:
    """Points of one contour, shape (points, 3), mm in the patient."""

    kind: str
    points: FloatArray


@dataclass(frozen=True, eq=False)
class Structure:
    """One region of interest."""

    number: int
    name: str = field(repr=False)  # a reader's free text
    kind: str  # interpreted type, as ORGAN or PTV
    algorithm: str
    contours: tuple[Contour, ...]
    faulty: int = 0  # contours whose data are no points


def structures(dataset: Dataset) -> list[Structure]:
    """Structures with their contours, in the order of the structure set."""
    contours: dict[int, Any] = {}
    for item in items_of(dataset, "ROIContourSequence"):
        contours.setdefault(whole_of(item, "ReferencedROINumber", -1) or 0, item)
    kinds = {
        whole_of(item, "ReferencedROINumber"): text_of(item, "RTROIInterpretedType")
        for item in items_of(dataset, "RTROIObservationsSequence")
    }
    found = []
    for item in items_of(dataset, "StructureSetROISequence"):
        number = whole_of(item, "ROINumber")
        if number is None:
            continue
        read = [_contour(one) for one in items_of(contours.get(number), "ContourSequence")]
        found.append(
            Structure(
                number,
                text_of(item, "ROIName"),
                kinds.get(number, ""),
                text_of(item, "ROIGenerationAlgorithm"),
                tuple(one for one in read if one is not None),
                sum(one is None for one in read),
            )
        )
    return found


def mask(structure: Structure, grid: Grid) -> tuple[NDArray[np.bool_], list[Finding]]:
    """Voxels whose centre lies inside the structure's closed contours, by the even-odd rule in each slice.

    A contour inside another one of its slice is a hole. Between slices nothing is filled in.

    Returns
    -------
    mask : shape of the grid
    findings : contours that could not be drawn whole

    Raises
    ------
    ImageRefused
        When there is no closed contour, or none lies on the grid's slices.
    """
    closed = [contour for contour in structure.contours if contour.kind in PLANAR]
    if not closed:
        raise _refused("no closed contour", "closed planar contours")
    inverse = np.linalg.inv(grid.affine)
    filled = np.zeros(grid.shape, np.bool_)
    crooked = outside = cut = drawn = 0
    for contour in closed:
        index = contour.points @ inverse[:3, :3].T + inverse[:3, 3]
        level = float(index[:, 0].mean())
        plane = round(level)
        if np.abs(index[:, 0] - level).max() > FLAT:
            crooked += 1
        elif abs(level - plane) > NEAR or not 0 <= plane < grid.shape[0]:
            outside += 1
        else:
            corners = index[:, 1:]
            cut += bool(
                (corners.min(axis=0) < -0.5).any()
                or (corners.max(axis=0) > np.array(grid.shape[1:]) - 0.5).any()
            )
            filled[plane] ^= inside(corners, grid.shape[1:])
            drawn += 1
    if not drawn:
        raise _refused(
            f"{crooked} contours across slices, {outside} off the image", "contours on the image's slices"
        )
    notes = [
        said(
            Reason.GEOMETRY_MISMATCH,
            Severity.WARN,
            f"{count} of {len(closed)} contours {how}",
            "contours on the image's slices",
            source=STANDARD,
        )
        for count, how in (
            (crooked, "that lie across slices"),
            (outside, "off the image's slices"),
            (cut, "beyond the image's edge"),
        )
        if count
    ]
    return filled, notes


def inside(corners: FloatArray, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Pixels whose centre lies inside a polygon, by the even-odd rule.

    A centre on a left or upper edge is inside, one on a right or lower edge is not, so that polygons that share
    an edge share no pixel.

    Parameters
    ----------
    corners : shape (points, 2), (row, column) in pixels, centres at whole numbers

    Examples
    --------
    >>> inside(np.array([[0.5, 0.5], [0.5, 2.5], [2.5, 2.5], [2.5, 0.5]]), (4, 4)).astype(int)[1].tolist()
    [0, 1, 1, 0]
    """
    rows, columns = shape
    toggles = np.zeros((rows, columns + 1), np.uint8)
    y0, x0 = corners.T
    y1, x1 = np.roll(corners, -1, axis=0).T
    top, bottom = np.minimum(y0, y1), np.maximum(y0, y1)
    first = np.clip(np.ceil(top), 0, rows).astype(int)
    last = np.clip(np.ceil(bottom), 0, rows).astype(int)  # a row at the lower end belongs to the next edge
    for edge in np.flatnonzero(last > first):
        row = np.arange(first[edge], last[edge])
        crossing = x0[edge] + (row - y0[edge]) * (x1[edge] - x0[edge]) / (y1[edge] - y0[edge])
        column = np.clip(np.ceil(crossing), 0, columns).astype(int)
        toggles[row, column] ^= 1
    return np.bitwise_xor.accumulate(toggles, axis=1)[:, :columns].astype(np.bool_)


def examine(opened: Dataset) -> Iterator[Finding]:
    """What is wrong with the structure set."""
    found = structures(opened)
    if not found:
        yield said(
            Reason.HEADER_INVALID, Severity.REFUSE, "no structure", "at least one structure", source=STANDARD
        )
    for count, what, wanted in (
        (
            sum(not one.contours and not one.faulty for one in found),
            "structures without a contour",
            "contours",
        ),
        (sum(one.faulty for one in found), "contours whose data are no points", "three numbers a point"),
        (
            len(found) - len({one.number for one in found}),
            "structures of a number that is taken",
            "one number a structure",
        ),
        (
            sum(contour.kind not in TYPES for one in found for contour in one.contours),
            "contours of an unknown type",
            "geometric types of the standard",
        ),
    ):
        if count:
            yield said(Reason.HEADER_INVALID, Severity.WARN, f"{count} {what}", wanted, source=STANDARD)


def describe(opened: Dataset) -> dict[str, int | str | None]:
    """Structures, contours and points; names are not told, they are free text."""
    found = structures(opened)
    return {
        "structures": len(found),
        "contours": sum(len(one.contours) for one in found),
        "points": sum(len(contour.points) for one in found for contour in one.contours),
        "types": ", ".join(sorted({one.kind[:16] for one in found if one.kind})) or None,
    }


def _contour(item: Any) -> Contour | None:
    value = value_of(item, "ContourData")
    try:
        numbers = np.array([float(v) for v in value], np.float64)
    except (TypeError, ValueError):
        return None
    stated = whole_of(item, "NumberOfContourPoints")
    if not len(numbers) or len(numbers) % 3 or not np.isfinite(numbers).all():
        return None
    if stated is not None and stated * 3 != len(numbers):
        return None
    return Contour(text_of(item, "ContourGeometricType").strip(), numbers.reshape(-1, 3))


def _refused(found: str, wanted: str) -> ImageRefused:
    return ImageRefused(Reason.GEOMETRY_MISMATCH, found=found, wanted=wanted, where="ContourSequence")
