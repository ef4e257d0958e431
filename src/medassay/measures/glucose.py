"""Glucose in time: sampling, gaps, plausibility, excursions, and accuracy against capillary values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Sampling:
    """How a trace was sampled, in minutes."""

    readings: int
    interval_min: float | None  # median of intervals that are no gap; None with fewer than two readings
    irregular_share: float | None  # of those intervals, how many differ from the median by over a minute
    gaps: int
    longest_gap_min: float
    duration_min: float
    covered_min: float


def sampling(time_min: FloatArray, *, gap_min: float) -> Sampling:
    """Intervals, gaps and coverage of one trace.

    Parameters
    ----------
    time_min : shape (n,), strictly increasing
    gap_min : float
        An interval longer than this is a gap.

    Examples
    --------
    >>> found = sampling(np.array([0.0, 15.0, 60.0, 75.0]), gap_min=16)
    >>> found.gaps, found.longest_gap_min, found.covered_min
    (1, 45.0, 30.0)
    """
    _require_increasing(time_min)
    steps = np.diff(time_min)
    inner = steps[steps <= gap_min]
    middle = float(np.median(inner)) if len(inner) else None
    return Sampling(
        readings=len(time_min),
        interval_min=middle,
        irregular_share=float(np.mean(np.abs(inner - middle) > 1)) if middle is not None else None,
        gaps=int(np.count_nonzero(steps > gap_min)),
        longest_gap_min=float(steps[steps > gap_min].max(initial=0.0)),
        duration_min=float(time_min[-1] - time_min[0]) if len(time_min) else 0.0,
        covered_min=float(inner.sum()),
    )


def longest_flat_min(time_min: FloatArray, glucose: FloatArray, *, gap_min: float) -> float:
    """The longest stretch in which no reading differs from the one before, in minutes: a stuck sensor."""
    steps = np.diff(time_min)
    stuck = (np.diff(glucose) == 0) & (steps <= gap_min)
    longest = current = 0.0
    for step, same in zip(steps, stuck, strict=True):
        current = current + float(step) if same else 0.0
        longest = max(longest, current)
    return longest


def steepest_change(time_min: FloatArray, glucose: FloatArray, *, gap_min: float) -> float | None:
    """The largest change between neighbours, in the unit of `glucose` a minute; None without neighbours.

    A decimal slip changes by several mmol/L between two readings; blood does not.
    """
    steps = np.diff(time_min)
    near = steps <= gap_min
    if not near.any():
        return None
    return float(np.max(np.abs(np.diff(glucose))[near] / steps[near]))


def roughness(time_min: FloatArray, glucose: FloatArray, *, gap_min: float) -> float | None:
    """Median absolute second difference of neighbours: noise of the sensor; None with fewer than three."""
    steps = np.diff(time_min) <= gap_min
    near = steps[1:] & steps[:-1]
    if not near.any():
        return None
    return float(np.median(np.abs(np.diff(glucose, 2))[near]))


@dataclass(frozen=True)
class Accuracy:
    """CGM against capillary values of the same moments."""

    pairs: int
    mard_percent: float | None  # None without pairs
    bias: float | None  # mean of CGM - CBG, in their unit


def accuracy(cgm: FloatArray, capillary: FloatArray) -> Accuracy:
    """Mean absolute relative difference: mean of |CGM - CBG| / CBG, in percent.

    Parameters
    ----------
    cgm, capillary : shape (n_pairs,), one unit, capillary > 0

    References
    ----------
    CLSI POCT05, performance metrics for continuous interstitial glucose monitoring.

    Examples
    --------
    >>> accuracy(np.array([9.0, 11.0]), np.array([10.0, 10.0])).mard_percent
    10.0
    """
    if cgm.shape != capillary.shape or (capillary <= 0).any():
        raise WrongUse(
            found="values that are no pairs, or a capillary value of zero or less",
            wanted="two values of the same moment, both above zero",
            remedy="Pair by time first.",
        )
    if len(cgm) == 0:
        return Accuracy(0, None, None)
    difference = cgm - capillary
    return Accuracy(
        len(cgm), float(np.mean(np.abs(difference) / capillary) * 100), float(np.mean(difference))
    )


def _require_increasing(time_min: FloatArray) -> None:
    if len(time_min) > 1 and not (np.diff(time_min) > 0).all():
        raise WrongUse(
            found="times that do not increase",
            wanted="each reading later than the one before",
            remedy="Sort the readings and drop repeated ones first.",
        )
