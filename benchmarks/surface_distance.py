"""Surface distances of an organ in a 512 x 512 x 120 CT, against MONAI in the same run.

    python -P benchmarks/surface_distance.py [repeats]

Two ellipsoids the size of a liver, 2.5 mm slices, pixels of 0.8 mm, one a few millimetres off the other. Both
sides give HD95, HD95 with the surface Dice at 2 mm (two calls in MONAI), and the surface Dice by area. The best
of the repeats counts; a figure that differs is said and ends the run with 1. MONAI crops to the organ too.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from monai.metrics import compute_hausdorff_distance, compute_surface_dice
from numpy.typing import NDArray

from medassay.tasks.surfaces import hausdorff_distance, normalised_surface_dice, surface_distances

SHAPE = (120, 512, 512)
SPACING_MM = (2.5, 0.8, 0.8)
TOLERANCE_MM = 2.0
SAME = 1e-4  # MONAI computes in single precision

Mask = NDArray[np.bool_]
Figures = tuple[float, ...]


def organ(centre_mm: tuple[float, float, float], radius_mm: tuple[float, float, float]) -> Mask:
    """An ellipsoid on the grid of the scan."""
    axes = np.ogrid[tuple(slice(n) for n in SHAPE)]
    parts = zip(axes, SPACING_MM, centre_mm, radius_mm, strict=True)
    inside: Mask = np.less(sum(((i * step - c) / r) ** 2 for i, step, c, r in parts), 1)
    return inside


def ours_by_voxels(reference: Mask, prediction: Mask) -> Figures:
    distances = surface_distances(reference, prediction, spacing_mm=SPACING_MM)
    near = normalised_surface_dice(distances, tolerance_mm=TOLERANCE_MM)
    return float(hausdorff_distance(distances).value or 0), float(near.value or 0)


def ours_hd95(reference: Mask, prediction: Mask) -> Figures:
    return (
        float(hausdorff_distance(surface_distances(reference, prediction, spacing_mm=SPACING_MM)).value or 0),
    )


def ours_by_area(reference: Mask, prediction: Mask) -> Figures:
    distances = surface_distances(reference, prediction, spacing_mm=SPACING_MM, elements="surface_elements")
    return (float(normalised_surface_dice(distances, tolerance_mm=TOLERANCE_MM).value or 0),)


def monai_by_voxels(reference: Mask, prediction: Mask) -> Figures:
    y, y_pred = (torch.from_numpy(mask)[None, None] for mask in (reference, prediction))
    near = compute_surface_dice(y_pred, y, [TOLERANCE_MM], include_background=True, spacing=SPACING_MM)
    return (*monai_hd95(reference, prediction), float(near))


def monai_hd95(reference: Mask, prediction: Mask) -> Figures:
    y, y_pred = (torch.from_numpy(mask)[None, None] for mask in (reference, prediction))
    far = compute_hausdorff_distance(y_pred, y, include_background=True, percentile=95, spacing=SPACING_MM)
    return (float(far),)


def monai_by_area(reference: Mask, prediction: Mask) -> Figures:
    y, y_pred = (torch.from_numpy(mask)[None, None] for mask in (reference, prediction))
    near = compute_surface_dice(
        y_pred, y, [TOLERANCE_MM], include_background=True, spacing=SPACING_MM, use_subvoxels=True
    )
    return (float(near),)


def best_of(
    repeats: int, score: Callable[[Mask, Mask], Figures], pair: tuple[Mask, Mask]
) -> tuple[float, Figures]:
    """The shortest time in seconds, and the figures."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        figures = score(*pair)
        times.append(time.perf_counter() - start)
    return min(times), figures


def main(repeats: int) -> int:
    torch.set_num_threads(1)
    pair = organ((150, 200, 160), (90, 70, 85)), organ((152.5, 201.6, 162.4), (88, 72, 83))
    agree = True
    for name, ours, theirs in (
        ("HD95 by border voxels", ours_hd95, monai_hd95),
        ("HD95 and NSD by border voxels", ours_by_voxels, monai_by_voxels),
        ("NSD by surface area", ours_by_area, monai_by_area),
    ):
        (own, figures), (peer, expected) = (best_of(repeats, score, pair) for score in (ours, theirs))
        same = np.allclose(figures, expected, rtol=SAME)
        agree &= same
        shown = ", ".join(f"{figure:.4f}" for figure in figures)
        print(f"{name}: {shown} ({'same as' if same else 'NOT THAT OF'} MONAI)")
        print(f"  medassay {own:.3f} s, MONAI {peer:.3f} s: {peer / own:.1f} times as fast")
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
