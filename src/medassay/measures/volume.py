"""How good a grey volume is: noise, clipping, flat slices, and the evenness of its voxels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Volume = NDArray[np.int64]

# The second difference a - 2b + c of equal independent noise has 6 times its variance.
_SECOND_DIFFERENCE = float(np.sqrt(6))
_MAD_TO_SIGMA = 1.4826
WIDEST = 1 << 17  # a wider range of values is sorted instead of counted


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
    least, largest = values.min(axis=(1, 2)), values.max(axis=(1, 2))
    low, high, noise = _figures(values, int(least.min()), int(largest.max()))
    span = high - low
    return VolumeQuality(
        noise_ratio=noise / span if span > 0 and noise is not None else None,
        saturated_share=float(sum((plane == largest.max()).sum() for plane in values) / values.size),
        flat_slices=int((largest == least).sum()),
        anisotropy=float(max(spacing_mm) / min(spacing_mm)),
        extent_mm=float(max(np.array(values.shape) * np.array(spacing_mm))),
    )


def _figures(values: Volume, least: int, largest: int) -> tuple[float, float, float | None]:
    """First and 99th percentile, and the noise; None where no three voxels stand in a line.

    Whole numbers in a limited range are counted in one pass, a slice at a time, so that its copies stay in the cache.
    """
    span = largest - least
    if span > WIDEST:
        low, high = np.percentile(values, [1, 99])
        bends = np.concatenate([bend for plane in values for bend in _bends(plane)])
        return (
            float(low),
            float(high),
            float(np.median(bends)) * _MAD_TO_SIGMA / _SECOND_DIFFERENCE if bends.size else None,
        )
    greys, bent = np.zeros(span + 1, dtype=np.int64), np.zeros(4 * span + 1, dtype=np.int64)
    for plane in values:
        small = (plane - least).astype(np.int32)
        greys += np.bincount(small.ravel(), minlength=len(greys))
        for bend in _bends(small):
            bent += np.bincount(bend, minlength=len(bent))
    low, high = (_quantile(greys, share, first=least) for share in (0.01, 0.99))
    return low, high, _quantile(bent, 0.5) * _MAD_TO_SIGMA / _SECOND_DIFFERENCE if bent.any() else None


def _bends(plane: NDArray[np.integer[Any]]) -> tuple[NDArray[np.integer[Any]], NDArray[np.integer[Any]]]:
    """Absolute second differences down the columns and along the rows."""
    down = np.abs(plane[2:] - 2 * plane[1:-1] + plane[:-2]).ravel()
    along = np.abs(plane[:, 2:] - 2 * plane[:, 1:-1] + plane[:, :-2]).ravel()
    return down, along


def _quantile(histogram: NDArray[np.int64], share: float, *, first: int = 0) -> float:
    """The quantile of the numbers from `first` that a histogram counts, between neighbours in proportion."""
    upto = np.cumsum(histogram)
    place = share * (int(upto[-1]) - 1)
    below = int(place)
    one = first + int(np.searchsorted(upto, below, side="right"))
    two = first + int(np.searchsorted(upto, min(below + 1, int(upto[-1]) - 1), side="right"))
    part = place - below
    # As numpy does it: from the nearer end, so that figures stay equal to the last digit.
    return two - (two - one) * (1 - part) if part >= 0.5 else one + (two - one) * part
