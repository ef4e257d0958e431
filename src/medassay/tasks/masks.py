"""Masks of structures: voxel overlap, volume, and the additive statistics of a pair of label maps.

Distances between the surfaces are in `surfaces`. What happens where one map or both lack a structure is declared:
a structure that one map alone holds always counts, with the worst figures that there can be, since the commonest
fault of scorers is to let it drop out of the mean.

References
----------
Dice, Ecology 26:297-302, 1945; Jaccard, Bull Soc Vaudoise Sci Nat 37:547-579, 1901; Maier-Hein et al., Metrics
reloaded, Nat Methods 21:195-212, 2024.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.tasks.surfaces import (
    Elements,
    Percentile,
    SurfaceDistances,
    average_surface_distance,
    hausdorff_distance,
    normalised_surface_dice,
    require_masks,
    require_spacing,
    surface_distances,
)

Mask = NDArray[np.bool_]
LabelArray = NDArray[np.uint8]
BothEmpty = Literal["perfect", "worst", "undefined"]


@dataclass(frozen=True)
class Overlap:
    """Voxel counts of one structure; additive over samples."""

    reference: int
    prediction: int
    common: int
    grid: int  # voxels of the whole grid


@dataclass(frozen=True, kw_only=True)
class MaskRules:
    """The declared conventions of a comparison of label maps."""

    structures: Mapping[str, int]  # name to number in the label map
    nsd_tolerance_mm: float
    hd95: Percentile
    both_empty: Literal["perfect", "not_counted"]  # a structure that neither map holds
    nsd: Elements = "border_voxels"

    @property
    def hd95_elements(self) -> Elements:
        """What HD95, HD and ASSD are measured from."""
        return "surface_elements" if self.hd95 == "area_weighted" else "border_voxels"


def overlap(reference: Mask, prediction: Mask) -> Overlap:
    """Count the voxels of either mask, of both, and of the grid.

    Examples
    --------
    >>> overlap(np.array([[[True, True]]]), np.array([[[True, False]]]))
    Overlap(reference=2, prediction=1, common=1, grid=2)
    """
    require_masks(reference, prediction)
    return Overlap(
        int(np.count_nonzero(reference)),
        int(np.count_nonzero(prediction)),
        int(np.count_nonzero(reference & prediction)),
        reference.size,
    )


@method(
    id="dice",
    task="segmentation",
    zh="Dice系数",
    en="Dice coefficient",
    formula="2 |A and B| / (|A| + |B|)",
    source="Dice, Ecology 26:297-302, 1945",
    check="MONAI DiceMetric (double entry), MedPy, SimpleITK, surface-distance on shared masks",
)
def dice(counts: Overlap, *, both_empty: BothEmpty = "undefined") -> Estimate:
    """Dice coefficient of one structure, in [0, 1].

    Parameters
    ----------
    both_empty : "perfect", "worst" or "undefined"
        What two empty masks are: 1 (MONAI with ignore_empty=False), 0 (SimpleITK), or not estimable
        (surface-distance, MedPy).

    Examples
    --------
    >>> dice(Overlap(reference=3, prediction=1, common=1, grid=9)).value
    0.5
    """
    return _share(2 * counts.common, counts.reference + counts.prediction, both_empty)


@method(
    id="intersection-over-union",
    task="segmentation",
    zh="交并比",
    en="intersection over union (Jaccard)",
    formula="|A and B| / |A or B|",
    source="Jaccard, Bull Soc Vaudoise Sci Nat 37:547-579, 1901",
    check="MONAI, MedPy, SimpleITK on shared masks; Dice / (2 - Dice)",
)
def intersection_over_union(counts: Overlap, *, both_empty: BothEmpty = "undefined") -> Estimate:
    """IoU (Jaccard) of one structure, in [0, 1]; `both_empty` as for `dice`.

    Examples
    --------
    >>> round(intersection_over_union(Overlap(reference=3, prediction=1, common=1, grid=9)).value, 3)
    0.333
    """
    return _share(counts.common, counts.reference + counts.prediction - counts.common, both_empty)


@method(
    id="voxel-sensitivity",
    task="segmentation",
    zh="体素灵敏度",
    en="voxel sensitivity",
    formula="|A and B| / |A|, A the reference",
    source="Maier-Hein et al., Metrics reloaded, Nat Methods 21:195-212, 2024",
    check="MedPy, SimpleITK on shared masks",
)
def voxel_sensitivity(counts: Overlap) -> Estimate:
    """Share of the reference's voxels that the prediction holds; not estimable without a reference.

    Examples
    --------
    >>> voxel_sensitivity(Overlap(reference=4, prediction=1, common=1, grid=9)).value
    0.25
    """
    return _share(counts.common, counts.reference, "undefined", "the reference is empty")


@method(
    id="voxel-precision",
    task="segmentation",
    zh="体素精确度",
    en="voxel precision",
    formula="|A and B| / |B|, B the prediction",
    source="Maier-Hein et al., Metrics reloaded, Nat Methods 21:195-212, 2024",
    check="MedPy, SimpleITK on shared masks",
)
def voxel_precision(counts: Overlap) -> Estimate:
    """Share of the prediction's voxels that the reference holds; not estimable without a prediction.

    Examples
    --------
    >>> voxel_precision(Overlap(reference=4, prediction=2, common=1, grid=9)).value
    0.5
    """
    return _share(counts.common, counts.prediction, "undefined", "the prediction is empty")


@method(
    id="voxel-specificity",
    task="segmentation",
    zh="体素特异度",
    en="voxel specificity",
    formula="|neither A nor B| / |not A|, A the reference",
    source="Maier-Hein et al., Metrics reloaded, Nat Methods 21:195-212, 2024",
    check="MedPy on shared masks",
)
def voxel_specificity(counts: Overlap) -> Estimate:
    """Share of the voxels outside the reference that the prediction leaves out.

    It grows with the empty margin of the image: compare it between images of one cut only.

    Examples
    --------
    >>> voxel_specificity(Overlap(reference=4, prediction=2, common=1, grid=9)).value
    0.8
    """
    outside = counts.grid - counts.reference
    return _share(
        outside - counts.prediction + counts.common, outside, "undefined", "the reference fills the grid"
    )


@method(
    id="volume-similarity",
    task="segmentation",
    zh="体积差异系数",
    en="signed volume difference over the mean volume",
    formula="2 (|B| - |A|) / (|A| + |B|), A the reference; SimpleITK's volume similarity is its negative",
    source="Taha and Hanbury, BMC Med Imaging 15:29, 2015",
    check="SimpleITK on shared masks",
)
def volume_similarity(counts: Overlap, *, both_empty: BothEmpty = "undefined") -> Estimate:
    """Prediction minus reference over the mean of the two volumes, in [-2, 2]; 0 is the same volume.

    Of two empty masks "perfect" makes 0; there is no worst sign, so "worst" is refused.

    Examples
    --------
    >>> volume_similarity(Overlap(reference=1, prediction=3, common=1, grid=9)).value
    1.0
    """
    if both_empty == "worst":
        raise WrongUse(
            found="both_empty worst", wanted="perfect or undefined", remedy="A difference has two worst ends."
        )
    whole = counts.reference + counts.prediction
    if whole == 0 and both_empty == "perfect":
        return Estimate(value=0.0, n_subjects=1)
    return _share(2 * (counts.prediction - counts.reference), whole, "undefined")


@method(
    id="relative-volume-error",
    task="segmentation",
    zh="相对体积误差",
    en="relative volume error",
    formula="(|B| - |A|) / |A|, A the reference",
    source="Taha and Hanbury, BMC Med Imaging 15:29, 2015",
    check="hand-worked counts; volume similarity by another denominator",
)
def relative_volume_error(counts: Overlap) -> Estimate:
    """Prediction minus reference over the reference; not estimable without a reference.

    Examples
    --------
    >>> relative_volume_error(Overlap(reference=4, prediction=3, common=1, grid=9)).value
    -0.25
    """
    return _share(
        counts.prediction - counts.reference, counts.reference, "undefined", "the reference is empty"
    )


@method(
    id="structure-volume-and-detection",
    task="segmentation",
    zh="结构体积偏差与漏检、误检",
    en="volume bias of structures, structures missed and invented",
    formula="sum(V_prediction - V_reference) / structures; structures that one map alone holds / structures",
    source="Taha and Hanbury, BMC Med Imaging 15:29, 2015",
    check="hand-worked masks; reference cases of surface distances",
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
        `structures` 1 where the structure counts, else 0; `dice`, `iou`, `nsd`, `hd95_mm`, `hd_mm` and
        `assd_mm` its figures; `missed` and `invented` 1 where only one map holds it; `reference_mm3`,
        `volume_difference_mm3` (prediction minus reference) and `volume_distance_mm3` (its absolute value).

    Notes
    -----
    Where one map alone holds a structure there is no distance: Dice, IoU and NSD are 0 and the distances are
    the diagonal of the image, the largest that could have been.
    """
    spacing = require_spacing(spacing_mm, reference.ndim)
    diagonal = float(np.linalg.norm((np.array(reference.shape) - 1) * spacing))
    voxel = float(np.prod(spacing))
    statistics: dict[str, float] = {}
    for name, number in rules.structures.items():
        first = reference == number
        second = np.zeros_like(first) if prediction is None else prediction == number
        counts = overlap(first, second)
        if counts.reference and counts.prediction:
            figures = _of_both(first, second, counts, spacing_mm, rules)
        else:
            figures = _of_one_or_none(counts, prediction is not None, diagonal, rules)
        difference = (counts.prediction - counts.reference) * voxel
        figures["reference_mm3"] = counts.reference * voxel
        figures["volume_difference_mm3"] = difference
        figures["volume_distance_mm3"] = abs(difference)
        statistics |= {f"{figure}[{name}]": value for figure, value in figures.items()}
    return statistics


def _of_both(
    first: Mask, second: Mask, counts: Overlap, spacing_mm: Sequence[float], rules: MaskRules
) -> dict[str, float]:
    found: dict[Elements, SurfaceDistances] = {
        elements: surface_distances(first, second, spacing_mm=spacing_mm, elements=elements)
        for elements in {rules.nsd, rules.hd95_elements}
    }
    between = found[rules.hd95_elements]
    estimates = {
        "dice": dice(counts),
        "iou": intersection_over_union(counts),
        "nsd": normalised_surface_dice(found[rules.nsd], tolerance_mm=rules.nsd_tolerance_mm),
        "hd95_mm": hausdorff_distance(between, convention=rules.hd95),
        "hd_mm": hausdorff_distance(between, percentile=100, convention=rules.hd95),
        "assd_mm": average_surface_distance(between),
    }
    figures = {name: _value(estimate) for name, estimate in estimates.items()}
    return {"structures": 1.0, **figures, "missed": 0.0, "invented": 0.0}


def _of_one_or_none(
    counts: Overlap, predicted: bool, diagonal_mm: float, rules: MaskRules
) -> dict[str, float]:
    figures = dict.fromkeys(("dice", "iou", "nsd"), 0.0) | dict.fromkeys(
        ("hd95_mm", "hd_mm", "assd_mm"), diagonal_mm
    )
    figures |= {"structures": 1.0, "missed": 0.0, "invented": 0.0}
    if counts.reference or counts.prediction or not predicted:
        figures["missed"] = float(counts.reference > 0)
        figures["invented"] = float(counts.prediction > 0)
        return figures
    perfect = rules.both_empty == "perfect"
    figures |= dict.fromkeys(("dice", "iou", "nsd", "structures"), float(perfect))
    return figures | dict.fromkeys(("hd95_mm", "hd_mm", "assd_mm"), 0.0)


def _value(estimate: Estimate) -> float:
    if estimate.value is None:  # both masks hold the structure: a fault of ours, never a figure left out
        raise AssertionError(estimate.undefined)
    return estimate.value


def _share(part: int, whole: int, both_empty: BothEmpty, empty: str = "both masks are empty") -> Estimate:
    if whole:
        return Estimate(value=part / whole, n_subjects=1, n_events=whole)
    if both_empty == "undefined":
        return Estimate(value=None, n_subjects=1, n_events=0, undefined=empty)
    return Estimate(value=1.0 if both_empty == "perfect" else 0.0, n_subjects=1, n_events=0)
