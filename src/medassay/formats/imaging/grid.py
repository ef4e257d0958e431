"""Where voxels lie in the patient: one grid, and whether another one is the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse

FloatArray = NDArray[np.float64]
Labels = NDArray[np.uint8]

AXIS_TOLERANCE = 1e-3  # of a voxel's step
SHIFT_TOLERANCE = 0.05  # of a voxel


@dataclass(frozen=True, eq=False)
class Grid:
    """A volume's voxels in patient coordinates (DICOM: x to the left, y to the back, z to the head).

    `shape` is (slices, rows, columns); `affine` takes (slice, row, column, 1) to mm.
    """

    shape: tuple[int, int, int]
    affine: FloatArray

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance of neighbours along slices, rows and columns."""
        steps = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(steps[0]), float(steps[1]), float(steps[2])

    @property
    def voxel_mm3(self) -> float:
        return abs(float(np.linalg.det(self.affine[:3, :3])))

    @property
    def diagonal_mm(self) -> float:
        """From the centre of one corner voxel to the centre of the opposite one."""
        return float(np.linalg.norm((np.array(self.shape) - 1) * self.spacing_mm))

    def position(self, index: int) -> FloatArray:
        """Centre of the first voxel of a slice."""
        origin: FloatArray = self.affine[:3, 3] + index * self.affine[:3, 0]
        return origin


def placed(labels: Labels, own: Grid, target: Grid) -> Labels:
    """The same labels on another grid of the same lattice: axes permuted, flipped or cut by whole voxels.

    Nothing is ever resampled. What `target` has and `own` has not (a file that leaves empty slices out) is
    background.

    Raises
    ------
    WrongUse
        When the voxels do not coincide, or a labelled voxel lies outside `target`.
    """
    step = np.linalg.inv(target.affine) @ own.affine
    turn, shift = step[:3, :3], step[:3, 3]
    whole = np.rint(turn)
    aligned = np.allclose(turn, whole, atol=AXIS_TOLERANCE * max(own.shape) / 50)
    axes = np.abs(whole).argmax(axis=1)
    if not aligned or not np.array_equal(np.abs(whole).sum(axis=1), [1, 1, 1]) or len(set(axes)) != 3:
        raise _other_grid(own, target, "other spacing or orientation")
    if np.abs(shift - np.rint(shift)).max() > SHIFT_TOLERANCE:
        raise _other_grid(own, target, "voxels between the image's voxels")
    indices = np.argwhere(labels) @ whole.T.astype(np.int64) + np.rint(shift).astype(np.int64)
    if len(indices) and ((indices < 0).any() or (indices >= np.array(target.shape)).any()):
        outside = int(((indices < 0) | (indices >= np.array(target.shape))).any(axis=1).sum())
        raise WrongUse(
            found=f"{outside} labelled voxels outside the image",
            wanted="labels inside the image",
            remedy="Check that the label belongs to this image.",
        )
    filled = np.zeros(target.shape, np.uint8)
    filled[tuple(indices.T)] = labels[labels > 0]
    return filled


def _other_grid(own: Grid, target: Grid, why: str) -> WrongUse:
    return WrongUse(
        found=f"{why}: {_words(own)}",
        wanted=f"the image's grid: {_words(target)}",
        remedy="Write the label on the image's own grid; nothing is resampled to make it fit.",
    )


def _words(grid: Grid) -> str:
    spacing = " x ".join(f"{step:.4g}" for step in grid.spacing_mm)
    return f"{' x '.join(map(str, grid.shape))} voxels of {spacing} mm"
