"""Whole-slide microscopy images: described by level, and read by region, tile by tile.

References
----------
DICOM PS3.3 C.8.12.4 (VL Whole Slide Microscopy), C.7.6.17.3 (TILED_FULL), C.8.12.6.1 (Plane Position (Slide)).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity, finding_of
from medassay.formats.imaging import dicom_pixels
from medassay.formats.imaging.dicom_file import items_of, number_of, text_of, value_of, whole_of
from medassay.formats.imaging.refusal import ImageRefused, said

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
STANDARD = "DICOM PS3.3 C.8.12.4"
MOST_REGION = 1 << 30  # bytes
FULL, SPARSE = "TILED_FULL", "TILED_SPARSE"


@dataclass(frozen=True)
class Matrix:
    """The total pixel matrix and how it is cut into tiles."""

    rows: int
    columns: int
    tile_rows: int
    tile_columns: int
    organization: str
    paths: int  # optical paths
    planes: int  # focal planes
    frames: int

    @property
    def tiles(self) -> tuple[int, int]:
        """Down and across."""
        return -(-self.rows // self.tile_rows), -(-self.columns // self.tile_columns)

    @property
    def full(self) -> int:
        """Frames that a whole matrix has."""
        down, across = self.tiles
        return down * across * self.paths * self.planes


def matrix_of(dataset: Dataset) -> Matrix:
    """The total pixel matrix.

    Raises
    ------
    ImageRefused
        When a size is missing or not positive.
    """
    numbers = [
        whole_of(dataset, keyword) or 0
        for keyword in ("TotalPixelMatrixRows", "TotalPixelMatrixColumns", "Rows", "Columns")
    ]
    frames = whole_of(dataset, "NumberOfFrames", 1) or 1
    if min(numbers) < 1 or frames < 1:
        raise ImageRefused(
            Reason.HEADER_INVALID,
            found="a slide without the size of its matrix or of its tiles",
            wanted="TotalPixelMatrixRows and -Columns, Rows and Columns",
            where="TotalPixelMatrixRows",
        )
    paths = whole_of(dataset, "NumberOfOpticalPaths") or len(items_of(dataset, "OpticalPathSequence")) or 1
    planes = whole_of(dataset, "TotalPixelMatrixFocalPlanes") or 1
    organization = text_of(dataset, "DimensionOrganizationType")
    if organization not in (FULL, SPARSE):
        organization = SPARSE if items_of(dataset, "PerFrameFunctionalGroupsSequence") else FULL
    rows, columns, tile_rows, tile_columns = numbers
    return Matrix(rows, columns, tile_rows, tile_columns, organization, paths, planes, frames)


def tiles_of(dataset: Dataset, *, path: int = 0, plane: int = 0) -> dict[tuple[int, int], int]:
    """Row and column of each tile's first pixel, from 0, to its frame number, from 0.

    Parameters
    ----------
    path, plane : which optical path and focal plane, from 0; of a sparse slide the optical path's place in its
        sequence, and all focal planes count as one

    Raises
    ------
    ImageRefused
        When a tile of a sparse slide is not placed.
    """
    matrix = matrix_of(dataset)
    if matrix.organization == FULL:
        down, across = matrix.tiles
        first = (path * matrix.planes + plane) * down * across
        return {
            (row * matrix.tile_rows, column * matrix.tile_columns): first + row * across + column
            for row in range(down)
            for column in range(across)
            if first + row * across + column < matrix.frames
        }
    return _sparse_tiles(dataset, path)


def region(
    dataset: Dataset, row: int, column: int, rows: int, columns: int, *, path: int = 0, plane: int = 0
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Pixels of a rectangle of the total pixel matrix; only its tiles are decoded.

    Returns
    -------
    pixels : shape (rows, columns) or (rows, columns, samples); 0 where there is no tile
    present : shape (rows, columns), whether a tile covers the pixel

    Raises
    ------
    ImageRefused
        When the rectangle leaves the matrix or is larger than a gigabyte, or a tile does not decode.
    """
    matrix, layout = matrix_of(dataset), dicom_pixels.layout_of(dataset)
    if (
        min(row, column) < 0
        or min(rows, columns) < 1
        or row + rows > matrix.rows
        or column + columns > matrix.columns
    ):
        raise ImageRefused(
            Reason.HEADER_INVALID,
            found=f"a region of {rows} x {columns} at {row}, {column}",
            wanted=f"a region within {matrix.rows} x {matrix.columns}",
            remedy="Ask for a region inside the slide.",
        )
    if rows * columns * layout.samples * max(layout.bits_allocated // 8, 1) > MOST_REGION:
        raise ImageRefused(
            Reason.LIMIT_EXCEEDED,
            found=f"a region of {rows} x {columns}",
            wanted="at most a gigabyte at once",
            remedy="Read the slide in smaller regions, or a level of less magnification.",
        )
    wanted = {
        place: frame
        for place, frame in tiles_of(dataset, path=path, plane=plane).items()
        if place[0] < row + rows
        and place[0] + matrix.tile_rows > row
        and place[1] < column + columns
        and place[1] + matrix.tile_columns > column
    }
    shape = (rows, columns) if layout.samples == 1 else (rows, columns, layout.samples)
    pixels: NDArray[Any] | None = None
    present = np.zeros((rows, columns), np.bool_)
    for (top, left), frame in wanted.items():
        tile = dicom_pixels.decode(dataset, [frame])[0]
        if pixels is None:
            pixels = np.zeros(shape, tile.dtype)
        here, there = _overlap(row, rows, top, len(tile)), _overlap(column, columns, left, tile.shape[1])
        pixels[here[0], there[0]] = tile[here[1], there[1]]
        present[here[0], there[0]] = True
    return np.zeros(shape, np.uint8) if pixels is None else pixels, present


def examine(opened: Dataset) -> Iterator[Finding]:
    """What is wrong with the slide."""
    try:
        matrix = matrix_of(opened)
        placed = len(tiles_of(opened))
    except WrongUse as error:
        yield finding_of(error)
        return
    if matrix.organization == FULL and matrix.frames != matrix.full:
        yield said(
            Reason.IMAGE_MISSING,
            Severity.WARN,
            f"{matrix.frames} tiles of {matrix.full}",
            "every tile of a full matrix, or parts of a concatenation",
            where="NumberOfFrames",
            source="DICOM PS3.3 C.7.6.17.3",
        )
    if not placed:
        yield said(
            Reason.HEADER_INVALID, Severity.REFUSE, "no tile that is placed", "placed tiles", source=STANDARD
        )
    if (
        "LABEL" in text_of(opened, "ImageType").split("\\")
        or text_of(opened, "SpecimenLabelInImage") == "YES"
    ):
        yield said(
            Reason.IDENTITY_LEFT,
            Severity.WARN,
            "a picture of the slide's label",
            "pictures without a label: names and numbers stand on it",
            where="SpecimenLabelInImage",
            remedy="Leave the label picture out.",
            source=STANDARD,
        )


def describe(opened: Dataset) -> dict[str, int | float | str | None]:
    """Size, tiles, spacing and flavour of one level."""
    try:
        matrix = matrix_of(opened)
    except WrongUse:
        return {}
    shared = (items_of(opened, "SharedFunctionalGroupsSequence") or [None])[0]
    measures = (items_of(shared, "PixelMeasuresSequence") or [None])[0]
    spacing = value_of(measures, "PixelSpacing")
    path = (items_of(opened, "OpticalPathSequence") or [None])[0]
    flavour = text_of(opened, "ImageType").split("\\")
    return {
        "matrix_rows": matrix.rows,
        "matrix_columns": matrix.columns,
        "tile_rows": matrix.tile_rows,
        "tile_columns": matrix.tile_columns,
        "tiles": matrix.frames,
        "organization": matrix.organization,
        "optical_paths": matrix.paths,
        "focal_planes": matrix.planes,
        "spacing_mm": float(spacing[0]) if spacing is not None and len(spacing) == 2 else None,
        "objective_power": number_of(path, "ObjectiveLensPower"),
        "flavour": flavour[2][:16] if len(flavour) > 2 else None,
    }


def _sparse_tiles(dataset: Dataset, path: int) -> dict[tuple[int, int], int]:
    wanted = [text_of(item, "OpticalPathIdentifier") for item in items_of(dataset, "OpticalPathSequence")]
    found: dict[tuple[int, int], int] = {}
    for index, group in enumerate(items_of(dataset, "PerFrameFunctionalGroupsSequence")):
        place = (items_of(group, "PlanePositionSlideSequence") or [None])[0]
        row = whole_of(place, "RowPositionInTotalImagePixelMatrix")
        column = whole_of(place, "ColumnPositionInTotalImagePixelMatrix")
        if row is None or column is None:
            raise ImageRefused(
                Reason.HEADER_INVALID,
                found=f"tile {index + 1} without its place",
                wanted="row and column in the total pixel matrix",
                where="PlanePositionSlideSequence",
            )
        holder = (items_of(group, "OpticalPathIdentificationSequence") or [None])[0]
        name = text_of(holder, "OpticalPathIdentifier")
        if not name or len(wanted) <= path or name == wanted[path]:
            found.setdefault((row - 1, column - 1), index)
    return found


def _overlap(start: int, length: int, tile_start: int, tile_length: int) -> tuple[slice, slice]:
    """Where a tile lies in the region, and which part of the tile."""
    first, last = max(start, tile_start), min(start + length, tile_start + tile_length)
    return slice(first - start, last - start), slice(first - tile_start, last - tile_start)
