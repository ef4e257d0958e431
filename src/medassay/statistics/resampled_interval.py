"""A figure and its resamples become an interval, or the reason why there is none: one rule for every figure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from medassay.core.estimate import Estimate
from medassay.statistics.resampling import FloatArray, bca_interval, percentile_interval

Interval = Literal["percentile", "bca"]

SMALLEST_DEFINED_SHARE = 0.99  # of the resamples
SAME_FIGURE = 1e-12  # relative: figures this close differ by rounding only
UNDEFINED_TOO_OFTEN = "undefined in over 1 % of the resamples"
ALL_THE_SAME = "every resample gives the same figure"


def resampled_interval(
    bare: Estimate,
    drawn: FloatArray,
    *,
    interval: Interval,
    left_out: Callable[[], FloatArray] | None = None,
    confidence: float,
    seed: int,
    too_few: str = UNDEFINED_TOO_OFTEN,
    all_same: str = ALL_THE_SAME,
) -> Estimate:
    """The figure with the interval that its resamples give.

    Parameters
    ----------
    bare : Estimate
        The figure of the sample itself, which exists.
    drawn : shape (replicates,)
        The figure of each resample, NaN where it is undefined.
    left_out : callable, for "bca"
        The figure without each subject in turn.
    seed : int
        Of the resampling, recorded with the figure.
    too_few, all_same : str
        What is said where over 1 % of the resamples are undefined, or where all give one figure: an interval of no
        width would claim what no sample shows.

    Examples
    --------
    >>> bare = Estimate(value=0.5, n_subjects=9)
    >>> e = resampled_interval(bare, np.linspace(0, 1, 101), interval="percentile", confidence=0.9, seed=1)
    >>> round(e.lower, 2), round(e.upper, 2), e.method
    (0.05, 0.95, 'cluster_bootstrap_percentile(subjects, replicates=101, seed=1)')
    """
    value = bare.value
    assert value is not None  # an undefined figure is said before it is resampled
    kept = drawn[np.isfinite(drawn)]
    if len(kept) < SMALLEST_DEFINED_SHARE * len(drawn):
        return no_interval(bare, too_few)
    if np.ptp(kept) <= SAME_FIGURE * max(1.0, abs(value)):
        return no_interval(bare, all_same)
    ends: tuple[float, float] | None = percentile_interval(kept, confidence)
    if interval == "bca" and left_out is not None:
        ends = bca_interval(kept, value, left_out(), confidence)
    if ends is None:
        return no_interval(bare, "the BCa corrections do not exist for these subjects")
    return bare.model_copy(
        update={
            "lower": ends[0],
            "upper": ends[1],
            "confidence": confidence,
            "method": f"cluster_bootstrap_{interval}(subjects, replicates={len(drawn)}, seed={seed})",
            "undefined": "",
        }
    )


def no_interval(bare: Estimate, reason: str) -> Estimate:
    """The figure alone, and why."""
    return bare.model_copy(update={"undefined": f"no interval: {reason}"})
