"""DICOM Segmentations segment by segment: binary ones that may overlap, fractional ones, and label maps.

`segmentation` reads structures that exclude each other; here each segment keeps a volume of its own.

References
----------
DICOM PS3.3 A.51 (Segmentation), C.8.20.2 (Segmentation Image), A.51.5.1.2 (fractional segments).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity, finding_of
from medassay.formats.imaging import segmentation, whole_slide
from medassay.formats.imaging.dicom_file import items_of, text_of, whole_of
from medassay.formats.imaging.grid import Grid
from medassay.formats.imaging.refusal import ImageRefused, said

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

STANDARD = "DICOM PS3.3 A.51"
MOST_VOXELS = 1 << 30  # of all layers


@dataclass(frozen=True, eq=False)
class Layers:
    """Segments on one grid. Shares lie in 0 to 1: of a voxel, or its probability, as `fractional` says."""

    shares: Mapping[int, NDArray[np.float32]]  # segment number to shape of the grid
    grid: Grid
    names: Mapping[int, str]
    fractional: str  # PROBABILITY, OCCUPANCY, or empty for whole voxels

    @property
    def overlap(self) -> int:
        """Voxels that more than one segment claims."""
        claims = sum((share > 0).astype(np.int64) for share in self.shares.values())
        return int((np.asarray(claims) > 1).sum())


def layers(dataset: Dataset) -> Layers:
    """Every segment as a volume of its own.

    Parameters
    ----------
    dataset : read with its pixel data

    Raises
    ------
    WrongUse
        When a frame is not placed, two frames of one segment share a place, or the planes make no grid.
    """
    names = segmentation.segment_names(dataset)
    frames, numbers, origins, along_row, along_column, spacing = segmentation.placed_frames(dataset)
    normal = np.cross(along_row, along_column)
    depth = origins @ normal
    step = segmentation.step_of(dataset, depth)
    first = int(depth.argmin())
    planes = (depth - depth[first]) / step
    index = np.rint(planes).astype(int)
    sideways = origins - origins[first] - np.outer(depth - depth[first], normal)
    if np.abs(planes - index).max() > segmentation.POSITION_TOLERANCE or np.linalg.norm(
        sideways, axis=1
    ).max() > segmentation.POSITION_TOLERANCE * min(spacing):
        raise _invalid("frames that make no grid", "frames at equal distances, above each other")
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = normal * step, along_column * spacing[0]
    affine[:3, 2], affine[:3, 3] = along_row * spacing[1], origins[first]
    grid = Grid((int(index.max()) + 1, frames.shape[1], frames.shape[2]), affine)
    present = sorted(
        {n for n in numbers if n is not None} | {int(n) for n in np.unique(frames) if None in numbers and n}
    )
    if len(present) * int(np.prod(grid.shape)) > MOST_VOXELS:
        raise ImageRefused(
            Reason.LIMIT_EXCEEDED,
            found=f"{len(present)} segments of {grid.shape} voxels",
            wanted=f"at most {MOST_VOXELS} voxels",
        )
    fractional = text_of(dataset, "SegmentationFractionalType") if is_fractional(dataset) else ""
    largest = (whole_of(dataset, "MaximumFractionalValue") or 255) if fractional else 1
    shares = {number: np.zeros(grid.shape, np.float32) for number in present}
    taken: set[tuple[int | None, int]] = set()
    for plane, number, frame in zip(index.tolist(), numbers, frames, strict=True):
        if (number, plane) in taken:
            raise _invalid("two frames of one segment at one place", "one frame a segment and place")
        taken.add((number, plane))
        if number is not None:
            shares[number][plane] = np.minimum(frame / np.float32(largest), 1)
            continue
        for value in np.unique(frame[frame > 0]):
            shares[int(value)][plane] = frame == value
    return Layers(shares, grid, names, fractional)


def is_fractional(dataset: Dataset) -> bool:
    """Whether its values are shares rather than whole voxels."""
    return text_of(dataset, "SegmentationType") == "FRACTIONAL"


def is_on_slide(dataset: Dataset) -> bool:
    """Whether its frames are tiles of a slide rather than planes of a patient."""
    return "TotalPixelMatrixRows" in dataset


def is_on_picture(dataset: Dataset) -> bool:
    """Whether it lies on a picture that nobody placed in the patient: a radiograph, a photograph."""
    return "FrameOfReferenceUID" not in dataset and not is_on_slide(dataset)


def examine(opened: Dataset) -> Iterator[Finding]:
    """What is wrong with the segmentation, by its segments, the places of its frames and their pixels."""
    numbers = [whole_of(item, "SegmentNumber") for item in items_of(opened, "SegmentSequence")]
    if not numbers or None in numbers or len(set(numbers)) != len(numbers):
        yield said(
            Reason.REFERENCE_INVALID,
            Severity.REFUSE,
            f"{len(set(numbers) - {None})} numbered segments of {len(numbers)}",
            "at least one segment, each under a number of its own",
            where="SegmentSequence",
            source=STANDARD,
        )
        return
    try:
        if is_on_slide(opened):
            whole_slide.matrix_of(opened)
        elif not is_on_picture(opened):
            segmentation.placed_frames(opened)
    except WrongUse as error:
        yield finding_of(error, Reason.REFERENCE_INVALID)


def describe(opened: Dataset) -> dict[str, int | str | None]:
    """Type, segments and frames; labels are not told, they are free text."""
    return {
        "segmentation_type": text_of(opened, "SegmentationType")[:16] or None,
        "segments": len(items_of(opened, "SegmentSequence")),
        "lies_on": "slide" if is_on_slide(opened) else "picture" if is_on_picture(opened) else "patient",
    }


def _invalid(found: str, wanted: str) -> ImageRefused:
    return ImageRefused(
        Reason.REFERENCE_INVALID, found=found, wanted=wanted, where="PerFrameFunctionalGroupsSequence"
    )
