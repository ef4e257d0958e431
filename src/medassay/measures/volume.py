"""How good a grey volume is: noise, clipping, flat slices, and the evenness of its voxels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Volume = NDArray[np.int64]
FloatArray = NDArray[np.float64]

# The second difference a - 2b + c of equal independent noise has 6 times its variance.
_SECOND_DIFFERENCE = float(np.sqrt(6))
_MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True)
class VolumeQuality:
    """Figures of one volume; None where it has no grey range to relate them to."""

    noise_ratio: float | None  # standard deviation of the noise over the grey range (1st to 99th percentile)
    saturated_share: float  # voxels at the largest value
    flat_slices: int  # slices of one value
    anisotropy: float  # largest over smallest spacing
    extent_mm: float  # longest side of the volume


def volume_quality(values: Volume, *, spacing_mm: Sequence[float]) -> VolumeQuality:
    """Measure a volume of stored values.

    Parameters
    ----------
    values : shape (slices, rows, columns)
    spacing_mm : length 3, in the order of the axes

    Notes
    -----
    Noise is the median absolute second difference along rows and columns, scaled to a standard deviation:
    smooth anatomy cancels, edges are few and do not move a median.

    References
    ----------
    Immerkaer, Comput Vis Image Underst 64:300-302, 1996 (noise from second differences).

    Examples
    --------
    >>> ramp = np.arange(60).reshape(3, 4, 5)
    >>> volume_quality(ramp, spacing_mm=(2.0, 1.0, 1.0)).noise_ratio
    0.0
    """
    low, high = np.percentile(values, [1, 99])
    span = float(high - low)
    return VolumeQuality(
        noise_ratio=_noise(values) / span if span > 0 else None,
        saturated_share=float((values == values.max()).mean()),
        flat_slices=int((values.max(axis=(1, 2)) == values.min(axis=(1, 2))).sum()),
        anisotropy=float(max(spacing_mm) / min(spacing_mm)),
        extent_mm=float(max(np.array(values.shape) * np.array(spacing_mm))),
    )


def _noise(values: Volume) -> float:
    bends = [np.abs(np.diff(values, n=2, axis=axis)).ravel() for axis in (1, 2)]
    return float(np.median(np.concatenate(bends))) * _MAD_TO_SIGMA / _SECOND_DIFFERENCE
