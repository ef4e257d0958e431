"""Masks of structures: overlap, and distances between border voxels in millimetres.

Packages disagree on HD95 (1.00 or 1.41 mm on one pair) and on the normalised surface Dice (0.56 or 0.68 on
one pair), so the first is a declared parameter and the second is counted over border voxels, which is said.

References
----------
Dice, Ecology 26:297-302, 1945; Nikolov et al., arXiv 1809.04430 (surface Dice at a tolerance); Maier-Hein et
al., Metrics reloaded, Nat Methods 21:195-212, 2024.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, distance_transform_edt

from medassay.core.errors import WrongUse

Mask = NDArray[np.bool_]
LabelArray = NDArray[np.uint8]
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

    def surface_dice(self, tolerance_mm: float) -> float:
        """NSD: the share of border voxels of both masks that lie within `tolerance_mm` of the other's border.

        Border voxels are counted (as MONAI does by default), not weighted by surface area.
        """
        both = (self.reference_to_prediction_mm, self.prediction_to_reference_mm)
        return float((np.concatenate(both) <= tolerance_mm).mean())


@dataclass(frozen=True, kw_only=True)
class MaskRules:
    """The declared conventions of a comparison of label maps."""

    structures: Mapping[str, int]  # name to number in the label map
    nsd_tolerance_mm: float
    hd95: Literal["directed_max", "pooled"]
    both_empty: Literal["perfect", "not_counted"]  # a structure that neither map holds


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


def compare(
    reference: LabelArray,
    prediction: LabelArray | None,
    *,
    spacing_mm: Sequence[float],
    rules: MaskRules,
) -> dict[str, float]:
    """Additive statistics of one pair of label maps, each as `name[structure]`.

    Parameters
    ----------
    reference, prediction : shape (i, j, k), structure numbers, 0 is background
        None: there is no prediction, which counts as all wrong in every structure.

    Returns
    -------
    dict
        `structures` 1 where the structure counts, else 0; `dice`, `nsd` and `hd95_mm` its figures; `missed`
        and `invented` 1 where only one map holds it; `reference_mm3`, `volume_difference_mm3` (prediction
        minus reference) and `volume_distance_mm3` (its absolute value).

    Notes
    -----
    Where one map alone holds a structure there is no distance: Dice and NSD are 0 and HD95 is the diagonal of
    the image, the largest distance that could have been.
    """
    diagonal = float(np.linalg.norm((np.array(reference.shape) - 1) * np.array(spacing_mm)))
    voxel = float(np.prod(spacing_mm))
    statistics: dict[str, float] = {}
    for name, number in rules.structures.items():
        first = reference == number
        second = np.zeros_like(first) if prediction is None else prediction == number
        figures = _of_structure(first, second, prediction is not None, diagonal, spacing_mm, rules)
        difference = (int(second.sum()) - int(first.sum())) * voxel
        figures["reference_mm3"] = int(first.sum()) * voxel
        figures["volume_difference_mm3"] = difference
        figures["volume_distance_mm3"] = abs(difference)
        statistics |= {f"{figure}[{name}]": value for figure, value in figures.items()}
    return statistics


def _of_structure(
    reference: Mask,
    prediction: Mask,
    predicted: bool,
    diagonal_mm: float,
    spacing_mm: Sequence[float],
    rules: MaskRules,
) -> dict[str, float]:
    counts = overlap(reference, prediction)
    figures = {
        "structures": 1.0,
        "dice": 0.0,
        "nsd": 0.0,
        "hd95_mm": diagonal_mm,
        "missed": 0.0,
        "invented": 0.0,
    }
    distances = surface_distances(reference, prediction, spacing_mm=spacing_mm)
    if distances is not None:
        figures["dice"] = 2 * counts.common / (counts.reference + counts.prediction)
        figures["nsd"] = distances.surface_dice(rules.nsd_tolerance_mm)
        figures["hd95_mm"] = distances.hausdorff_mm(95, convention=rules.hd95)
    elif counts.reference or counts.prediction or not predicted:
        figures["missed"] = float(counts.reference > 0)
        figures["invented"] = float(counts.prediction > 0)
    elif rules.both_empty == "perfect":
        figures |= {"dice": 1.0, "nsd": 1.0, "hd95_mm": 0.0}
    else:
        figures |= {"structures": 0.0, "hd95_mm": 0.0}
    return figures


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
