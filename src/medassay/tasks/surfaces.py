"""Distances between the surfaces of two masks in millimetres, in the conventions that packages disagree on.

One pair of masks has an HD95 of 2.00 or 2.24 mm and a surface Dice of 0.56 or 0.68, by what is called the
surface and how it is averaged. Both are declared:

| elements | what is measured from | as in |
|---|---|---|
| `border_voxels` | centres of voxels with a face neighbour outside, each counting one | MONAI's default, MedPy |
| `surface_elements` | lattice points between voxels, weighted by the area of the surface there | surface-distance |
| `mask_voxels` | centres of all voxels of the mask, each counting one | SimpleITK's Hausdorff filter |

Neighbours are found by a k-d tree over the elements that the two surfaces do not share, which takes a fraction
of the time of a distance transform; `surfaces_check` computes the distances by that transform.

References
----------
Nikolov et al., J Med Internet Res 23:e26151, 2021 (surface Dice at a tolerance, area weights); Huttenlocher et
al., IEEE Trans Pattern Anal Mach Intell 15:850-863, 1993 (Hausdorff distance and its ranked form); Maier-Hein
et al., Metrics reloaded, Nat Methods 21:195-212, 2024.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.tasks.surface_elements import element_areas, neighbourhood_codes

Mask = NDArray[np.bool_]
FloatArray = NDArray[np.float64]
Elements = Literal["border_voxels", "surface_elements", "mask_voxels"]
Direction = Literal["both", "reference_to_prediction", "prediction_to_reference"]
Percentile = Literal["directed_max", "pooled", "area_weighted"]
Average = Literal["pooled", "mean_of_directed"]

ELEMENTS: tuple[Elements, ...] = ("border_voxels", "surface_elements", "mask_voxels")


@dataclass(frozen=True)
class SurfaceDistances:
    """Distance in mm from each element of one mask to the nearest of the other, and what each element weighs.

    An element has an infinite distance where the other mask is empty: figures made of it are not estimable,
    and a share within a tolerance is 0. Weights are mm2 (mm in 2-D) for surface elements, 1 for voxels.
    """

    elements: Elements
    reference_to_prediction_mm: FloatArray
    prediction_to_reference_mm: FloatArray
    reference_weight: FloatArray
    prediction_weight: FloatArray

    @property
    def lacking(self) -> str:
        """Why there is no distance; empty when both masks hold the structure."""
        empty = [not len(self.reference_to_prediction_mm), not len(self.prediction_to_reference_mm)]
        if all(empty):
            return "neither mask holds the structure"
        return "only one mask holds the structure" if any(empty) else ""

    def directed(self, direction: Direction = "both") -> list[tuple[FloatArray, FloatArray]]:
        """Distances and weights of the directions asked for."""
        there = (self.reference_to_prediction_mm, self.reference_weight)
        back = (self.prediction_to_reference_mm, self.prediction_weight)
        return {
            "both": [there, back],
            "reference_to_prediction": [there],
            "prediction_to_reference": [back],
        }[direction]


def surface_distances(
    reference: Mask,
    prediction: Mask,
    *,
    spacing_mm: Sequence[float],
    elements: Elements = "border_voxels",
) -> SurfaceDistances:
    """Distances between the surfaces of two masks of one grid.

    Parameters
    ----------
    reference, prediction : shape (i, j) or (i, j, k), bool
        Beyond the grid is outside.
    spacing_mm : as many as the masks have axes, in their order
    elements : "border_voxels", "surface_elements" or "mask_voxels"
        What is measured from, see the head of this module.

    Raises
    ------
    WrongUse
        When the masks are not boolean or not of one grid, or the spacing is not positive.

    Examples
    --------
    >>> first, second = np.zeros((1, 1, 9), bool), np.zeros((1, 1, 9), bool)
    >>> first[..., 2:5], second[..., 3:7] = True, True
    >>> surface_distances(first, second, spacing_mm=(1, 1, 0.5)).reference_to_prediction_mm.tolist()
    [0.5, 0.0, 0.0]
    """
    require_masks(reference, prediction)
    spacing = require_spacing(spacing_mm, reference.ndim)
    if elements not in ELEMENTS:
        raise WrongUse(found=f"elements {elements!r}", wanted=", ".join(ELEMENTS), remedy="Name one of them.")
    box = box_of(reference | prediction)
    first, second = (np.ascontiguousarray(mask[box]) for mask in (reference, prediction))
    if elements == "surface_elements":
        return _between_elements(first, second, spacing)
    # The nearest voxel of a mask to a point outside it lies on its border; a voxel of both is at no distance.
    borders = [border_of(mask) for mask in (first, second)]
    if elements == "border_voxels":
        first, second = borders
    return SurfaceDistances(
        elements,
        _nearest_mm(first, borders[1], second, spacing),
        _nearest_mm(second, borders[0], first, spacing),
        *(np.ones(int(np.count_nonzero(source))) for source in (first, second)),
    )


@method(
    id="hausdorff-distance",
    task="segmentation",
    zh="豪斯多夫距离",
    en="Hausdorff distance, or a percentile of it",
    formula="max over both directions of percentile_p(min distance to the other surface); p = 100 is HD",
    source="Huttenlocher et al., IEEE Trans Pattern Anal Mach Intell 15:850-863, 1993",
    check="MONAI, MedPy, surface-distance, SimpleITK on shared masks; distance transform in surfaces_check",
)
def hausdorff_distance(
    distances: SurfaceDistances,
    *,
    percentile: float = 95.0,
    convention: Percentile = "directed_max",
    direction: Direction = "both",
) -> Estimate:
    """A percentile of the surface distances; 100 is the Hausdorff distance, 95 the usual robust form.

    Parameters
    ----------
    convention : "directed_max", "pooled" or "area_weighted"
        The larger of both directed percentiles, linear between ranks (MONAI); the percentile of both
        directions together (MedPy); the larger of the two directed distances below which lie `percentile` of
        the surface's area (surface-distance; on surface elements, and they have no other).
    direction : "both", "reference_to_prediction" or "prediction_to_reference"

    Returns
    -------
    Estimate
        In mm; not estimable when either mask is empty. A report scores a missed structure by its declared
        rule (see `masks.compare`); left out, it would make the mean better.

    Raises
    ------
    WrongUse
        On a percentile outside 0 to 100, or a convention that does not go with the elements.

    Examples
    --------
    >>> first, second = np.zeros((1, 9), bool), np.zeros((1, 9), bool)
    >>> first[0, :3], second[0, :5] = True, True
    >>> hausdorff_distance(surface_distances(first, second, spacing_mm=(1, 1)), percentile=100).value
    2.0
    """
    if not 0 <= percentile <= 100:
        raise WrongUse(found=f"percentile {percentile}", wanted="0 to 100", remedy="95 is the usual one.")
    if (convention == "area_weighted") != (distances.elements == "surface_elements"):
        raise WrongUse(
            found=f"convention {convention} on {distances.elements}",
            wanted="area_weighted on surface_elements, directed_max or pooled on voxels",
            remedy="Measure the distances on the elements that the convention is for.",
        )
    if distances.lacking:
        return _undefined(distances)
    sides = distances.directed(direction)
    if convention == "area_weighted":
        return _mm(max(_weighted_percentile(*side, percentile) for side in sides))
    if convention == "pooled":
        return _mm(float(np.percentile(np.concatenate([far for far, _ in sides]), percentile)))
    return _mm(max(float(np.percentile(far, percentile)) for far, _ in sides))


@method(
    id="average-surface-distance",
    task="segmentation",
    zh="平均对称表面距离",
    en="average (symmetric) surface distance",
    formula="sum of weight x min distance to the other surface / sum of weights, over both surfaces",
    source="Maier-Hein et al., Metrics reloaded, Nat Methods 21:195-212, 2024",
    check="MONAI, MedPy, surface-distance, SimpleITK on shared masks; distance transform in surfaces_check",
)
def average_surface_distance(
    distances: SurfaceDistances, *, convention: Average = "pooled", direction: Direction = "both"
) -> Estimate:
    """ASSD, or ASD of one direction.

    Parameters
    ----------
    convention : "pooled" or "mean_of_directed"
        The mean over the elements of both surfaces together (ASSD as MONAI and MedPy have it), or of the two
        directed means (SimpleITK's "average Hausdorff distance", on mask voxels).
    direction : "both", "reference_to_prediction" or "prediction_to_reference"

    Returns
    -------
    Estimate
        In mm; not estimable when either mask is empty.

    Examples
    --------
    >>> first, second = np.zeros((1, 9), bool), np.zeros((1, 9), bool)
    >>> first[0, :3], second[0, :5] = True, True
    >>> average_surface_distance(surface_distances(first, second, spacing_mm=(1, 1))).value
    0.375
    """
    if distances.lacking:
        return _undefined(distances)
    sides = distances.directed(direction)
    if convention == "pooled":
        far = float(sum((side * weight).sum() for side, weight in sides))
        return _mm(far / float(sum(weight.sum() for _, weight in sides)))
    means = [float((side * weight).sum() / weight.sum()) for side, weight in sides]
    return _mm(sum(means) / len(means))


@method(
    id="normalised-surface-dice",
    task="segmentation",
    zh="归一化表面Dice系数",
    en="normalised surface Dice at a tolerance (NSD)",
    formula="(|S_ref within t of S_pred| + |S_pred within t of S_ref|) / (|S_ref| + |S_pred|)",
    source="Nikolov et al., J Med Internet Res 23:e26151, 2021",
    check="surface-distance, MONAI (both conventions) on shared masks; distance transform in surfaces_check",
)
def normalised_surface_dice(
    distances: SurfaceDistances, *, tolerance_mm: float, direction: Direction = "both"
) -> Estimate:
    """NSD: the share of both surfaces that lies within the tolerance of the other one.

    Parameters
    ----------
    tolerance_mm : float
        A distance equal to it is within.
    direction : "both", "reference_to_prediction" or "prediction_to_reference"
        One direction is the surface overlap of that surface alone.

    Returns
    -------
    Estimate
        In [0, 1]: 0 when only one mask holds the structure, not estimable when neither does. By area on
        surface elements, by count on voxels.

    Examples
    --------
    >>> first, second = np.zeros((1, 9), bool), np.zeros((1, 9), bool)
    >>> first[0, :3], second[0, :5] = True, True
    >>> normalised_surface_dice(surface_distances(first, second, spacing_mm=(1, 1)), tolerance_mm=1).value
    0.875
    """
    if not (np.isfinite(tolerance_mm) and tolerance_mm >= 0):
        raise WrongUse(
            found=f"a tolerance of {tolerance_mm} mm",
            wanted="a length of 0 or more",
            remedy="Take the deviation that readers show among themselves.",
        )
    sides = distances.directed(direction)
    whole = float(sum(weight.sum() for _, weight in sides))
    if whole == 0:
        return Estimate(value=None, n_subjects=1, undefined=distances.lacking)
    within = float(sum(weight[far <= tolerance_mm].sum() for far, weight in sides))
    return Estimate(value=within / whole, n_subjects=1)


def border_of(mask: Mask) -> Mask:
    """Voxels with a face neighbour outside the mask; beyond the grid is outside."""
    around = np.pad(mask, 1)
    inner = mask.copy()
    for axis in range(mask.ndim):
        for step in (slice(None, -2), slice(2, None)):
            inner &= around[tuple(step if axis == other else slice(1, -1) for other in range(mask.ndim))]
    border: Mask = mask & ~inner
    return border


def box_of(mask: Mask) -> tuple[slice, ...]:
    """The smallest box that holds the mask: distances do not change, and cost what the organ is large."""
    box: list[slice] = []
    for axis in range(mask.ndim):
        # Each axis is looked at within the ranges found before it: the first cut does most of the work.
        rest = mask[tuple(box)]
        there = np.flatnonzero(rest.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
        box.append(slice(int(there[0]), int(there[-1]) + 1) if len(there) else slice(0, 0))
    return tuple(box)


def require_masks(reference: Mask, prediction: Mask) -> None:
    """Refuse what is not a pair of boolean masks on one grid."""
    if reference.dtype != np.bool_ or prediction.dtype != np.bool_ or reference.shape != prediction.shape:
        raise WrongUse(
            found=f"{reference.dtype} {reference.shape} and {prediction.dtype} {prediction.shape}",
            wanted="two boolean masks on one grid",
            remedy="Compare the geometry of both files first; never resample or flip to make them fit.",
        )


def require_spacing(spacing_mm: Sequence[float], dimensions: int) -> FloatArray:
    """The spacing as an array, one positive length an axis."""
    spacing = np.asarray(spacing_mm, np.float64)
    if spacing.shape != (dimensions,) or not np.isfinite(spacing).all() or (spacing <= 0).any():
        raise WrongUse(
            found=f"spacing {tuple(spacing_mm)}",
            wanted=f"{dimensions} positive lengths in mm",
            remedy="Take the spacing from the image's position and orientation.",
        )
    return spacing


def _between_elements(reference: Mask, prediction: Mask, spacing: FloatArray) -> SurfaceDistances:
    if reference.ndim not in (2, 3):
        raise WrongUse(
            found=f"masks of {reference.ndim} axes",
            wanted="2 or 3 axes for surface elements",
            remedy="Measure each plane or volume by itself.",
        )
    codes = [neighbourhood_codes(mask) for mask in (reference, prediction)]
    whole = 2 ** (2**reference.ndim) - 1
    surfaces = [(code != 0) & (code != whole) for code in codes]
    areas = element_areas(tuple(spacing))
    return SurfaceDistances(
        "surface_elements",
        _nearest_mm(surfaces[0], surfaces[1], surfaces[1], spacing),
        _nearest_mm(surfaces[1], surfaces[0], surfaces[0], spacing),
        *(areas[code[surface]] for code, surface in zip(codes, surfaces, strict=True)),
    )


def _nearest_mm(source: Mask, target: Mask, hit: Mask, spacing: FloatArray) -> FloatArray:
    """Distance of each source point to the nearest target point, in the order of the array; 0 on a hit."""
    far: FloatArray = np.zeros(int(np.count_nonzero(source)))
    apart = ~hit[source]
    if not apart.any():
        return far
    if not target.any():
        far[:] = np.inf
        return far
    points, goals = np.argwhere(source)[apart], np.argwhere(target)
    _, nearest = cKDTree(goals * spacing, balanced_tree=False).query(points * spacing)
    # From whole steps, as a distance transform does: a distance of one voxel is then exactly one spacing,
    # and a tolerance of one spacing holds it.
    far[apart] = np.sqrt((((points - goals[nearest]) * spacing) ** 2).sum(axis=1))
    return far


def _weighted_percentile(far: FloatArray, weight: FloatArray, percentile: float) -> float:
    """The least distance within which lies the share of the surface's area."""
    order = np.lexsort((weight, far))
    reached = np.cumsum(weight[order]) / weight[order].sum()
    place = min(int(np.searchsorted(reached, percentile / 100)), len(far) - 1)
    return float(far[order][place])


def _mm(value: float) -> Estimate:
    return Estimate(value=value, unit="mm", n_subjects=1)


def _undefined(distances: SurfaceDistances) -> Estimate:
    return Estimate(
        value=None, unit="mm", n_subjects=1, undefined=f"{distances.lacking}: there is no distance"
    )
