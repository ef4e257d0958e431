"""Label maps of structures: DICOM SEG or NIfTI in, overlap and distances of each structure out.

Prediction and reference are read onto the image's own grid; another grid is refused, never resampled.
`second` lets MONAI compute Dice again, and a distance transform the surface figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from medassay.core.canonical import canonical_json
from medassay.core.errors import WrongUse, located
from medassay.core.specs import Spec
from medassay.evaluation.scorer import Metric, SampleScore
from medassay.formats.imaging import dicom_series, segmentation
from medassay.formats.imaging.grid import Grid, Labels
from medassay.tasks.masks import MaskRules, compare
from medassay.tasks.surfaces_check import recomputed

VERSION = "1.1"
SUFFIX = ".dcm"
HEADLINE = ("dice", "nsd", "hd95_mm")
SECOND_TOLERANCE = 1e-4  # MONAI computes in single precision
PICTURE_LEVELS = 255


class Options(Spec):
    """The declared conventions."""

    structures: dict[str, int] = Field(min_length=1, description="name to number in the label map")
    nsd_tolerance_mm: float = Field(gt=0, description="surface Dice: what of the surfaces is this near")
    nsd: Literal["border_voxels", "surface_elements"] = Field(
        default="border_voxels", description="surface Dice by count of border voxels, or by surface area"
    )
    hd95: Literal["directed_max", "pooled", "area_weighted"] = Field(
        default="directed_max",
        description="larger of both directed percentiles, one of both directions, or the larger one by area",
    )
    both_empty: Literal["perfect", "not_counted"] = Field(
        default="perfect", description="a structure that neither map holds"
    )

    def rules(self) -> MaskRules:
        return MaskRules(**self.model_dump())


def score(
    reference: bytes, prediction: bytes | None, samples: Mapping[str, bytes], options: Options
) -> SampleScore:
    """Compare one pair of label maps; a missing prediction is all wrong in every structure.

    Without `samples` the reference's own grid is the grid.

    Raises
    ------
    WrongUse
        When a file cannot be read, lies on another grid than the image, or holds an undeclared structure.
    """
    expected, offered, grid, order = _read(reference, prediction, samples, options)
    statistics = compare(expected, offered, spacing_mm=grid.spacing_mm, rules=options.rules())
    for figure in HEADLINE:
        statistics[figure] = sum(statistics[f"{figure}[{name}]"] for name in options.structures)
    counted = sum(statistics[f"structures[{name}]"] for name in options.structures)
    excerpt = _excerpt(expected, offered, samples, order, grid, options)
    return SampleScore(
        statistics, badness=1 - statistics["dice"] / counted if counted else 0.0, excerpt=excerpt
    )


def second(
    reference: bytes, prediction: bytes | None, samples: Mapping[str, bytes], options: Options
) -> Mapping[str, float]:
    """The sums over the structures: Dice by MONAI, NSD and HD95 by distance transforms."""
    expected, offered, grid, _ = _read(reference, prediction, samples, options)
    shown = np.zeros_like(expected) if offered is None else offered
    sums = dict.fromkeys(HEADLINE, 0.0)
    for number in options.structures.values():
        figures = _surfaces_again(expected == number, shown == number, offered is not None, grid, options)
        sums["nsd"] += figures["nsd"]
        sums["hd95_mm"] += figures["hd95_mm"]
    return sums | {"dice": 0.0 if offered is None else _dice_by_monai(expected, offered, options)}


def _surfaces_again(
    expected: NDArray[np.bool_], offered: NDArray[np.bool_], predicted: bool, grid: Grid, options: Options
) -> Mapping[str, float]:
    if expected.any() and offered.any():
        return recomputed(
            expected,
            offered,
            spacing_mm=grid.spacing_mm,
            tolerance_mm=options.nsd_tolerance_mm,
            hd95=options.hd95,
            by_area=options.nsd == "surface_elements",
        )
    if predicted and not expected.any() and not offered.any():
        return {"nsd": float(options.both_empty == "perfect"), "hd95_mm": 0.0}
    return {"nsd": 0.0, "hd95_mm": grid.diagonal_mm}


def _dice_by_monai(expected: Labels, offered: Labels, options: Options) -> float:
    import torch
    from monai.metrics import DiceMetric

    metric = DiceMetric(
        include_background=True, reduction="none", ignore_empty=options.both_empty != "perfect"
    )
    pair = [
        torch.from_numpy(
            np.stack([labels == number for number in options.structures.values()])[None].astype("f4")
        )
        for labels in (offered, expected)
    ]
    metric(y_pred=pair[0], y=pair[1])
    return float(torch.nansum(metric.aggregate()))


def decoded(prediction: bytes, samples: Mapping[str, bytes], options: Options) -> bytes:
    """The label map on the image's grid, without the header round it; without an image on its own grid.

    Raises
    ------
    WrongUse
        See `score`.
    """
    grid = _image_grid(samples)[0] if samples else segmentation.read(prediction).grid
    with located("prediction"):
        labels = segmentation.read_onto(prediction, grid, options.structures)
    return canonical_json(list(labels.shape)) + labels.tobytes()


def metrics(options: Options) -> Mapping[str, Metric]:
    """Means over all structures of all samples, and of each structure alone."""
    table: dict[str, Metric] = {}
    for name, numerator, unit, better in (
        ("dice", "dice", "1", "higher"),
        ("nsd", "nsd", "1", "higher"),
        ("iou", "iou", "1", "higher"),
        ("hd95", "hd95_mm", "mm", "lower"),
        ("hd", "hd_mm", "mm", "lower"),
        ("assd", "assd_mm", "mm", "lower"),
        ("volume_bias", "volume_difference_mm3", "mm3", "nearer_zero"),
        ("volume_error", "volume_distance_mm3", "mm3", "lower"),
        ("missed", "missed", "1", "lower"),
        ("invented", "invented", "1", "lower"),
    ):
        for suffix, structures in (
            ("", list(options.structures)),
            *((f"[{s}]", [s]) for s in options.structures),
        ):
            table[f"{name}{suffix}"] = Metric(
                numerator={f"{numerator}[{s}]": 1.0 for s in structures},
                denominator={f"structures[{s}]": 1.0 for s in structures},
                unit=unit,
                better=better,  # type: ignore[arg-type]  # a string that the line before holds to its choices
                undefined="no structure that counts",
            )
    for suffix, structures in (
        ("", list(options.structures)),
        *((f"[{s}]", [s]) for s in options.structures),
    ):
        table[f"relative_volume_bias{suffix}"] = Metric(
            numerator={f"volume_difference_mm3[{s}]": 1.0 for s in structures},
            denominator={f"reference_mm3[{s}]": 1.0 for s in structures},
            unit="1",
            better="nearer_zero",
            undefined="no volume in the reference",
        )
    return table


def _read(
    reference: bytes, prediction: bytes | None, samples: Mapping[str, bytes], options: Options
) -> tuple[Labels, Labels | None, Grid, list[str]]:
    """Both label maps on one grid, and the image's objects in geometric order."""
    if samples:
        grid, order = _image_grid(samples)
    else:
        with located("reference"):
            grid, order = segmentation.read(reference).grid, []
    with located("reference"):
        expected = segmentation.read_onto(reference, grid, options.structures)
    offered = None
    if prediction is not None:
        with located("prediction"):
            offered = segmentation.read_onto(prediction, grid, options.structures)
    return expected, offered, grid, order


def _image_grid(samples: Mapping[str, bytes]) -> tuple[Grid, list[str]]:
    """The grid of an image's objects, and their names in geometric order."""
    names = sorted(samples)
    with located("image"):
        _, grid, order = dicom_series.headers_in_order([samples[name] for name in names])
    return grid, [names[index] for index in order]


def _excerpt(
    expected: Labels,
    offered: Labels | None,
    samples: Mapping[str, bytes],
    order: list[str],
    grid: Grid,
    options: Options,
) -> Mapping[str, Any] | None:
    """The slice in which the two maps differ most, as plain numbers; none without an image."""
    if not order:
        return None
    shown = np.zeros_like(expected) if offered is None else offered
    differing = (expected != shown).sum(axis=(1, 2))
    index = int(differing.argmax()) if differing.any() else int((expected > 0).sum(axis=(1, 2)).argmax())
    try:
        plane = dicom_series.stored_values(dicom_series.open_whole(samples[order[index]]))
    except WrongUse:
        return None  # the figures stand; a picture of pixels that do not decode would be none
    return {
        "slice": index + 1,
        "slices": grid.shape[0],
        "row_mm": grid.spacing_mm[1],
        "column_mm": grid.spacing_mm[2],
        "grey": _grey(plane).tolist(),
        "reference": expected[index].tolist(),
        "prediction": None if offered is None else offered[index].tolist(),
        "structures": dict(options.structures),
    }


def _grey(plane: NDArray[np.int64]) -> NDArray[np.int64]:
    low, high = (float(level) for level in np.percentile(plane, [1, 99]))
    if high <= low:
        return np.zeros_like(plane)
    scaled = np.clip((plane - low) / (high - low), 0, 1) * PICTURE_LEVELS
    levels: NDArray[np.int64] = np.rint(scaled).astype(np.int64)
    return levels
