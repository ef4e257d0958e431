"""Masks as surface-distance 0.1, MONAI 1.6.1, MedPy 0.5.2 and SimpleITK 2.5.7 score them, each by its convention.

What a tool leaves undefined stands as None: NaN, an infinite distance to an empty mask, a refusal, and the largest
float that SimpleITK gives for 0 / 0.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medassay.core.estimate import Estimate
from medassay.tasks import masks
from medassay.tasks.surfaces import (
    ELEMENTS,
    Direction,
    Elements,
    SurfaceDistances,
    average_surface_distance,
    hausdorff_distance,
    normalised_surface_dice,
    surface_distances,
)
from reference_cases import Case

TOPIC = "segmentation"
LARGEST_FLOAT = np.finfo(np.float64).max
DIRECTIONS: tuple[Direction, Direction] = ("reference_to_prediction", "prediction_to_reference")
Distances = dict[Elements, SurfaceDistances]
Figures = dict[str, Any]


def cases(folder: Path) -> Iterator[Case]:
    """Every figure of every tool on every pair of masks."""
    for case in json.loads((folder / TOPIC / "cases.json").read_text()):
        given = case["input"]
        pair = [_mask(folder / TOPIC / given[role], given["shape"]) for role in ("ref", "pred")]
        counts = masks.overlap(*pair)
        yield Case(
            TOPIC, case["id"], "reference voxels", counts.reference, given["ref_voxels"], 0, case["tool"]
        )
        yield Case(
            TOPIC, case["id"], "prediction voxels", counts.prediction, given["pred_voxels"], 0, case["tool"]
        )
        found = {
            kind: surface_distances(*pair, spacing_mm=given["spacing"], elements=kind) for kind in ELEMENTS
        }
        for tool, expected in case["expected"].items():
            ours = OURS[tool](counts, found, [float(t) for t in given["nsd_tolerances"]])
            yield from _side_by_side(case, tool, ours, expected)


def _side_by_side(case: dict[str, Any], tool: str, ours: Figures, theirs: Figures) -> Iterator[Case]:
    assert _flat(ours).keys() == _flat(theirs).keys(), f"{case['id']}: a figure of {tool} is not compared"
    for name, value in _flat(theirs).items():
        expected = _number(value)
        tolerance = case["tol"] * max(1.0, abs(expected or 0.0))
        figure = f"{name} ({tool})"
        yield Case(TOPIC, case["id"], figure, _flat(ours)[name], expected, tolerance, case["tool"])


def _surface_distance(counts: masks.Overlap, found: Distances, tolerances: list[float]) -> Figures:
    elements = found["surface_elements"]
    hausdorff = partial(hausdorff_distance, elements, convention="area_weighted")
    return {
        "dice": masks.dice(counts),
        "hd100": hausdorff(percentile=100),
        "hd95": hausdorff(percentile=95),
        "avg_surface_distance_ref_to_pred_and_back": [
            average_surface_distance(elements, direction=direction) for direction in DIRECTIONS
        ],
        "nsd": {f"{t:g}": normalised_surface_dice(elements, tolerance_mm=t) for t in tolerances},
        "surface_overlap": {
            f"{t:g}": [
                normalised_surface_dice(elements, tolerance_mm=t, direction=direction)
                for direction in DIRECTIONS
            ]
            for t in tolerances
        },
    }


def _monai(counts: masks.Overlap, found: Distances, tolerances: list[float]) -> Figures:
    voxels, back = found["border_voxels"], DIRECTIONS[1]
    return {
        "dice": masks.dice(counts, both_empty="perfect"),
        "iou": masks.intersection_over_union(counts, both_empty="perfect"),
        "hd": hausdorff_distance(voxels, percentile=100),
        "hd95": hausdorff_distance(voxels),
        "hd95_directed_pred_to_ref": hausdorff_distance(voxels, direction=back),
        "asd_pred_to_ref": average_surface_distance(voxels, direction=back),
        "assd": average_surface_distance(voxels),
        "nsd_boundary_count": {f"{t:g}": normalised_surface_dice(voxels, tolerance_mm=t) for t in tolerances},
        "nsd_subvoxel": {
            f"{t:g}": normalised_surface_dice(found["surface_elements"], tolerance_mm=t) for t in tolerances
        },
    }


def _medpy(counts: masks.Overlap, found: Distances, _: list[float]) -> Figures:
    voxels = found["border_voxels"]
    return {
        "dc": masks.dice(counts),
        "jc": masks.intersection_over_union(counts, both_empty="perfect"),
        "sensitivity": masks.voxel_sensitivity(counts),
        "precision": masks.voxel_precision(counts),
        "specificity": masks.voxel_specificity(counts),
        "hd": hausdorff_distance(voxels, percentile=100, convention="pooled"),
        "hd95": hausdorff_distance(voxels, convention="pooled"),
        "asd_pred_to_ref": average_surface_distance(voxels, direction=DIRECTIONS[1]),
        "asd_ref_to_pred": average_surface_distance(voxels, direction=DIRECTIONS[0]),
        "assd": average_surface_distance(voxels),
    }


def _simpleitk(counts: masks.Overlap, found: Distances, _: list[float]) -> Figures:
    """The filter was given the reference as its source: its errors are those of the reference.

    So `false_negative_error` is the share of the prediction outside the reference, `false_positive_error` the
    share of the prediction's background that the reference holds. 0 / 0 is 0 there when both masks are empty.
    """
    whole = found["mask_voxels"]
    turned = masks.Overlap(counts.prediction, counts.reference, counts.common, counts.grid)
    neither = not counts.reference and not counts.prediction
    similarity = masks.volume_similarity(counts, both_empty="perfect").value
    return {
        "hausdorff_of_full_masks": hausdorff_distance(whole, percentile=100),
        "average_hausdorff": average_surface_distance(whole, convention="mean_of_directed"),
        "dice": masks.dice(counts, both_empty="worst"),
        "jaccard": masks.intersection_over_union(counts, both_empty="worst"),
        "volume_similarity": None if similarity is None else -similarity,
        "false_negative_error": 0.0 if neither else _rest(masks.voxel_precision(counts)),
        "false_positive_error": _rest(masks.voxel_specificity(turned)),
    }


OURS = {
    "surface_distance": _surface_distance,
    "monai": _monai,
    "medpy": _medpy,
    "simpleitk": _simpleitk,
}


def _rest(share: Estimate) -> float | None:
    return None if share.value is None else 1 - share.value


def _flat(figures: Any, name: str = "") -> dict[str, Any]:
    """Nested figures by one name each, ours as plain numbers."""
    if isinstance(figures, dict | list):
        parts = figures.items() if isinstance(figures, dict) else enumerate(figures)
        flat: dict[str, Any] = {}
        for key, value in parts:
            flat |= _flat(value, f"{name} {key}".strip())
        return flat
    return {name: figures.value if isinstance(figures, Estimate) else figures}


def _number(value: float | str | None) -> float | None:
    """JSON has no NaN or infinity; a refusal, and a sentinel for 0 / 0, is no figure either."""
    if value is None or isinstance(value, str) or not math.isfinite(value) or value == LARGEST_FLOAT:
        return None
    return float(value)


def _mask(path: Path, shape: list[int]) -> NDArray[np.bool_]:
    filled = np.zeros(shape, np.bool_)
    with path.open() as stream:
        for row in csv.reader(stream):
            if row[0].isdigit():
                i, j, start, end = map(int, row)
                filled[i, j, start : end + 1] = True
    return filled
