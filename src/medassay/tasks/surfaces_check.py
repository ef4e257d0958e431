"""Double entry of the surface figures by another algorithm: distance transforms over the whole box.

`surfaces` asks a k-d tree for the neighbours of the elements that differ. Here every surface is eroded or
correlated out of its mask, the distance of each lattice point to it is spread over the box, and the figures are
read off without weights where they have none. The table of areas is shared (it is tested against MONAI's).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, correlate, distance_transform_edt, find_objects

from medassay.tasks.surface_elements import element_areas
from medassay.tasks.surfaces import Percentile

Mask = NDArray[np.bool_]
FloatArray = NDArray[np.float64]
Side = tuple[FloatArray, FloatArray]  # distances and weights of one surface


def recomputed(
    reference: Mask,
    prediction: Mask,
    *,
    spacing_mm: Sequence[float],
    tolerance_mm: float,
    hd95: Percentile = "directed_max",
    by_area: bool = False,
) -> dict[str, float]:
    """NSD, HD95, HD and ASSD of two masks that both hold the structure.

    Parameters
    ----------
    reference, prediction : shape (i, j) or (i, j, k), bool, neither empty
    hd95 : as in `surfaces.hausdorff_distance`
        HD and ASSD are measured on its elements.
    by_area : bool
        NSD on surface elements, not on border voxels.

    Returns
    -------
    dict
        `nsd`, `hd95_mm`, `hd_mm`, `assd_mm`.

    Examples
    --------
    >>> first, second = np.zeros((1, 9), bool), np.zeros((1, 9), bool)
    >>> first[0, :3], second[0, :5] = True, True
    >>> recomputed(first, second, spacing_mm=(1, 1), tolerance_mm=1)["assd_mm"]
    0.375
    """
    box = find_objects((reference | prediction).view(np.uint8))[0]
    masks = [np.pad(mask[box], 1) for mask in (reference, prediction)]
    voxels = _on_voxels(masks, spacing_mm)
    elements = _on_elements(masks, spacing_mm) if by_area or hd95 == "area_weighted" else voxels
    within = elements if by_area else voxels
    sides = elements if hd95 == "area_weighted" else voxels
    near = sum(float(weights @ (far <= tolerance_mm)) for far, weights in within)
    return {
        "nsd": near / sum(float(weights.sum()) for _, weights in within),
        "hd95_mm": _percentile(sides, 0.95, hd95),
        "hd_mm": max(float(far.max()) for far, _ in sides),
        "assd_mm": float(
            np.average(
                np.concatenate([far for far, _ in sides]),
                weights=np.concatenate([weights for _, weights in sides]),
            )
        ),
    }


def _on_voxels(masks: Sequence[Mask], spacing_mm: Sequence[float]) -> list[Side]:
    borders = [mask ^ binary_erosion(mask) for mask in masks]
    return _both_ways(borders, [border.astype(np.float64) for border in borders], spacing_mm)


def _on_elements(masks: Sequence[Mask], spacing_mm: Sequence[float]) -> list[Side]:
    dimensions = masks[0].ndim
    bits = (2 ** np.arange(2**dimensions)).reshape((2,) * dimensions)
    codes = [correlate(mask.astype(np.uint16), bits, mode="constant") for mask in masks]
    areas = element_areas(tuple(spacing_mm))
    surfaces = [(code > 0) & (code < len(areas) - 1) for code in codes]
    return _both_ways(surfaces, [areas[code] for code in codes], spacing_mm)


def _both_ways(
    surfaces: Sequence[Mask], weights: Sequence[FloatArray], spacing_mm: Sequence[float]
) -> list[Side]:
    spread = [distance_transform_edt(~surface, sampling=spacing_mm) for surface in surfaces]
    return [(spread[1 - own][surface], weights[own][surface]) for own, surface in enumerate(surfaces)]


def _percentile(sides: Sequence[Side], share: float, convention: Percentile) -> float:
    if convention == "pooled":
        return float(np.quantile(np.concatenate([far for far, _ in sides]), share))
    if convention == "directed_max":
        return max(float(np.quantile(far, share)) for far, _ in sides)
    found = []
    for far, weights in sides:
        ordered = np.array(sorted(zip(far, weights, strict=True)))
        enough = np.cumsum(ordered[:, 1]) / np.sum(ordered[:, 1]) >= share
        found.append(float(ordered[int(enough.argmax()), 0]))
    return max(found)
