"""Masks of one structure: overlap, and distances between border voxels in millimetres.

Packages disagree on HD95 (1.00 or 1.41 mm on one pair), so its convention is a declared parameter.

References
----------
Dice, Ecology 26:297-302, 1945; Maier-Hein et al., Metrics reloaded, Nat Methods 21:195-212, 2024.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, distance_transform_edt

from medassay.core.errors import WrongUse

Mask = NDArray[np.bool_]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Overlap:
    """Voxel counts of one structure; additive over samples."""

    reference: int
    prediction: int
    common: int


@dataclass(frozen=True)
class SurfaceDistances:
    """Distance in mm from each border voxel of one mask to the nearest border voxel of the other."""

    reference_to_prediction_mm: FloatArray
    prediction_to_reference_mm: FloatArray

    def hausdorff_mm(
        self, percentile: float = 95.0, *, convention: Literal["directed_max", "pooled"] = "directed_max"
    ) -> float:
        """The percentile of the distances, linear between ranks; 100 is the Hausdorff distance.

        `directed_max` takes the larger of the two directed percentiles (as MONAI does), `pooled` the
        percentile of both directions together (as MedPy does).
        """
        both = (self.reference_to_prediction_mm, self.prediction_to_reference_mm)
        if convention == "pooled":
            return float(np.percentile(np.concatenate(both), percentile))
        return max(float(np.percentile(directed, percentile)) for directed in both)

    @property
    def average_symmetric_mm(self) -> float:
        """ASSD: the mean over the border voxels of both masks together."""
        both = (self.reference_to_prediction_mm, self.prediction_to_reference_mm)
        return float(np.concatenate(both).mean())


def overlap(reference: Mask, prediction: Mask) -> Overlap:
    """Count voxels; Dice is 2 common / (reference + prediction), undefined when both masks are empty.

    Examples
    --------
    >>> overlap(np.array([[[True, True]]]), np.array([[[True, False]]]))
    Overlap(reference=2, prediction=1, common=1)
    """
    _require_masks(reference, prediction)
    return Overlap(int(reference.sum()), int(prediction.sum()), int((reference & prediction).sum()))


def surface_distances(
    reference: Mask, prediction: Mask, *, spacing_mm: Sequence[float]
) -> SurfaceDistances | None:
    """Distances between the border voxels of two masks of one grid.

    Parameters
    ----------
    reference, prediction : shape (i, j, k), bool
    spacing_mm : length 3, in the order of the axes

    Returns
    -------
    SurfaceDistances or None
        None when either mask is empty: there is no distance to nothing, and the protocol's rule for a
        missed structure has to score it (never leave it out).
    """
    _require_masks(reference, prediction)
    if len(spacing_mm) != reference.ndim or not all(np.isfinite(spacing_mm)) or min(spacing_mm) <= 0:
        raise WrongUse(
            found=f"spacing {tuple(spacing_mm)}",
            wanted=f"{reference.ndim} positive lengths in mm",
            remedy="Take the spacing from the image's position and orientation.",
        )
    if not reference.any() or not prediction.any():
        return None
    box = _box_of(reference | prediction)
    first, second = _border(reference[box]), _border(prediction[box])
    return SurfaceDistances(
        distance_transform_edt(~second, sampling=spacing_mm)[first],
        distance_transform_edt(~first, sampling=spacing_mm)[second],
    )


def _border(mask: Mask) -> Mask:
    """Voxels with a face neighbour outside the mask; beyond the grid is outside."""
    border: Mask = mask & ~binary_erosion(mask)
    return border


def _box_of(mask: Mask) -> tuple[slice, ...]:
    """The smallest box that holds the mask: distances do not change, and cost what the organ is large."""
    ranges = [
        np.flatnonzero(mask.any(axis=tuple(set(range(mask.ndim)) - {axis}))) for axis in range(mask.ndim)
    ]
    return tuple(slice(int(r[0]), int(r[-1]) + 1) for r in ranges)


def _require_masks(reference: Mask, prediction: Mask) -> None:
    if reference.dtype != np.bool_ or prediction.dtype != np.bool_ or reference.shape != prediction.shape:
        raise WrongUse(
            found=f"{reference.dtype} {reference.shape} and {prediction.dtype} {prediction.shape}",
            wanted="two boolean masks on one grid",
            remedy="Compare the geometry of both files first; never resample or flip to make them fit.",
        )
