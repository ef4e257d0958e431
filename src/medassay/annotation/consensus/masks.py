"""Two readers' label maps of one volume: how far they agree, their middle, and what a label must keep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.ndimage import distance_transform_edt, label

from medassay.core.canonical import digest_bytes
from medassay.core.errors import WrongUse, located
from medassay.core.findings import Finding, Reason, Severity
from medassay.core.specs import Spec, parameters_of
from medassay.formats.imaging import dicom_series, segmentation
from medassay.formats.imaging.grid import Grid, Labels
from medassay.tasks.masks import MaskRules, compare

FloatArray = NDArray[np.float64]


class Options(Spec):
    """Conventions of comparing and of labelling."""

    structures: dict[str, int] = Field(min_length=1, description="name to number in the label map")
    nsd_tolerance_mm: float = Field(gt=0)
    hd95: Literal["directed_max", "pooled"] = "directed_max"
    both_empty: Literal["perfect", "not_counted"] = "not_counted"
    smallest_mm3: float = Field(default=0.0, ge=0, description="a smaller structure is refused as a label")
    largest_mm3: float | None = Field(default=None, gt=0, description="a larger structure is refused")
    largest_loose_share: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="voxels apart from the structure's largest piece; more is stated",
    )

    def rules(self) -> MaskRules:
        return MaskRules(
            structures=self.structures,
            nsd_tolerance_mm=self.nsd_tolerance_mm,
            hd95=self.hd95,
            both_empty=self.both_empty,
        )


def agreement(
    first: bytes, second: bytes, samples: Mapping[str, bytes], options: Options | Mapping[str, Any]
) -> dict[str, float]:
    """The statistics that score a device, with the first reader as reference.

    Raises
    ------
    WrongUse
        When a read cannot be read or lies on another grid than the image.
    """
    declared = _options(options)
    _, grid = _image(samples)
    one, other = (_labels(read, grid, declared) for read in (first, second))
    return compare(one, other, spacing_mm=grid.spacing_mm, rules=declared.rules())


def figures(statistics: Mapping[str, float]) -> dict[str, float | None]:
    """Mean Dice, surface Dice and HD95, over the structures and of each; None where none counts."""
    structures = [
        name.removeprefix("structures[").removesuffix("]")
        for name in statistics
        if name.startswith("structures[")
    ]
    found: dict[str, float | None] = {}
    for figure, statistic in (("dice", "dice"), ("nsd", "nsd"), ("hd95_mm", "hd95_mm")):
        found[figure] = _mean(statistics, statistic, structures)
        for structure in structures:
            found[f"{figure}[{structure}]"] = _mean(statistics, statistic, [structure])
    return found


def merge(
    first: bytes, second: bytes, samples: Mapping[str, bytes], options: Options | Mapping[str, Any]
) -> bytes:
    """The middle of two reads: each voxel goes to the class whose mean signed distance is the least.

    Neither reader counts more. A voxel that two classes have an equal claim to goes to the one of the lower
    number, background first.

    References
    ----------
    Rohlfing and Maurer, IEEE Trans Image Process 16:153-161, 2007 (shape-based averaging).
    """
    declared = _options(options)
    images, grid = _image(samples)
    reads = [_labels(read, grid, declared) for read in (first, second)]
    numbers = [0, *sorted(declared.structures.values())]
    claims = [sum(_signed_distance(read == number, grid) for read in reads) for number in numbers]
    middle = np.array(numbers, np.uint8)[np.argmin(np.round(np.array(claims), 9), axis=0)]
    instance = str(images[0].SOPInstanceUID)
    return segmentation.write(
        middle,
        images=images,
        grid=grid,
        names={number: name for name, number in declared.structures.items()},
        uid=lambda purpose: _derived_uid(instance, purpose),
        maker=("medassay", "consensus"),
    )


def check(
    reference: bytes, samples: Mapping[str, bytes], options: Options | Mapping[str, Any]
) -> list[Finding]:
    """What keeps a label out: another grid, a missing structure, an impossible volume, loose pieces.

    Raises
    ------
    WrongUse
        When the label, or the image, cannot be read.
    """
    declared = _options(options)
    _, grid = _image(samples)
    labels = _labels(reference, grid, declared)
    found: list[Finding] = []
    for name, number in declared.structures.items():
        found += _check_structure(labels == number, name, grid, declared)
    return found


def _check_structure(mask: NDArray[np.bool_], name: str, grid: Grid, options: Options) -> list[Finding]:
    volume = float(mask.sum()) * grid.voxel_mm3
    if not mask.any():
        return [_finding("no voxel", "each structure marked", name, Severity.EXCLUDE)]
    largest = options.largest_mm3
    if volume < options.smallest_mm3 or (largest is not None and volume > largest):
        wanted = (
            f"{options.smallest_mm3:g} to {largest:g} mm3"
            if largest
            else f"at least {options.smallest_mm3:g} mm3"
        )
        return [_finding(f"{volume:.0f} mm3", wanted, name, Severity.EXCLUDE)]
    pieces, count = label(mask, structure=np.ones((3, 3, 3)))
    loose = 1 - np.bincount(pieces.ravel())[1:].max() / mask.sum()
    if loose > options.largest_loose_share:
        wanted = f"at most {options.largest_loose_share:.0%} of it apart from its largest piece"
        return [_finding(f"{count} pieces, {loose:.0%} loose", wanted, name, Severity.WARN)]
    return []


def _finding(found: str, wanted: str, structure: str, severity: Severity) -> Finding:
    return Finding(
        reason=Reason.REFERENCE_INVALID,
        severity=severity,
        found=found,
        wanted=wanted,
        remedy="Have the label looked at by its readers.",
        where=structure,
    )


def _options(options: Options | Mapping[str, Any]) -> Options:
    if isinstance(options, Options):
        return options
    return parameters_of(Options, dict(options), where="annotation options")


def _image(samples: Mapping[str, bytes]) -> tuple[list[Any], Grid]:
    with located("image"):
        if not samples:
            raise WrongUse(found="no image", wanted="the image's slices", remedy="Ingest the sample again.")
        images, grid, _ = dicom_series.headers_in_order([samples[name] for name in sorted(samples)])
    return images, grid


def _labels(content: bytes, grid: Grid, options: Options) -> Labels:
    return segmentation.read_onto(content, grid, options.structures)


def _signed_distance(mask: NDArray[np.bool_], grid: Grid) -> FloatArray:
    """Distance in mm to the class, negative inside; a class that nobody marked is farther than anything."""
    if not mask.any():
        return np.full(mask.shape, grid.diagonal_mm)
    if mask.all():
        return np.full(mask.shape, -grid.diagonal_mm)
    outside: FloatArray = distance_transform_edt(~mask, sampling=grid.spacing_mm)
    inside: FloatArray = distance_transform_edt(mask, sampling=grid.spacing_mm)
    return outside - inside


def _mean(statistics: Mapping[str, float], name: str, structures: list[str]) -> float | None:
    counted = sum(statistics[f"structures[{s}]"] for s in structures)
    return sum(statistics[f"{name}[{s}]"] for s in structures) / counted if counted else None


def _derived_uid(instance: str, purpose: str) -> str:
    """A UID that follows from the image's, so that a rerun writes the same bytes."""
    return f"2.25.{int(digest_bytes(f'{instance}/consensus/{purpose}'.encode())[:32], 16)}"
