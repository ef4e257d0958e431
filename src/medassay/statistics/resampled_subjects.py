"""An interval for any figure that can be taken of weighted subjects: ranks, curves, and what no sum holds.

Where a figure is a function of sums, the sums of all resamples are one product (`ratio`). A curve over thresholds
is not; but its cases can be sorted once, and each resample then only weighs them anew.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.statistics.resampled_interval import Interval, no_interval, resampled_interval
from medassay.statistics.resampling import BLOCK, resampling_blocks

FloatArray = NDArray[np.float64]
Figure = Callable[[FloatArray], FloatArray]  # weights (n, n_subjects) to n figures, NaN where undefined


def over_subjects(
    figure: Figure,
    subjects: int,
    *,
    undefined: str,
    seed: int,
    contributing: int | None = None,
    events: float | None = None,
    replicates: int = 2000,
    confidence: float = 0.95,
    interval: Interval = "percentile",
    unit: str = "1",
    drawn: Callable[[], FloatArray] | None = None,
    left_out: Callable[[], FloatArray] | None = None,
) -> Estimate:
    """The figure of all subjects with weight one, with an interval over resampled subjects.

    Parameters
    ----------
    figure : callable
        From weights of shape (n, n_subjects) to n figures; NaN where a row leaves the figure undefined.
    undefined : str
        What it means that the figure of the whole sample is undefined.
    contributing : int
        Subjects that the figure rests on, where not all do ("three with a lesion").
    events : float
        The figure's denominator.
    drawn : callable
        The figure of each resample of this seed, where that is cheaper than by weights.
    left_out : callable
        The figure without each subject in turn, where that is cheaper than by weights (BCa only).

    Returns
    -------
    Estimate
        No interval with fewer than two contributing subjects, where over 1 % of the resamples are undefined,
        or where all resamples give one figure: an interval of no width would claim what no sample shows.

    References
    ----------
    Field and Welsh, J R Stat Soc B 69:369-390, 2007 (the cluster bootstrap).

    Examples
    --------
    >>> hits = np.array([3.0, 1.0, 2.0])
    >>> e = over_subjects(lambda w: w @ hits / (4 * w.sum(axis=1)), 3, undefined="no lesion", seed=1)
    >>> e.value, e.lower < e.value < e.upper
    (0.5, True)
    """
    if replicates < 1 or not 0 < confidence < 1:
        raise WrongUse(
            found=f"{replicates} replicates, confidence {confidence:g}",
            wanted="at least 1 replicate, a confidence between 0 and 1",
            remedy="Use 2000 and 0.95.",
        )
    counted = subjects if contributing is None else contributing
    value = float(figure(np.ones((1, subjects)))[0]) if subjects else float("nan")
    if not np.isfinite(value):
        return Estimate(value=None, unit=unit, n_subjects=counted, n_events=events, undefined=undefined)
    bare = Estimate(value=value, unit=unit, n_subjects=counted, n_events=events)
    if counted < 2:
        return no_interval(bare, "fewer than two subjects contribute")
    return resampled_interval(
        bare,
        drawn() if drawn else _resampled(figure, subjects, replicates, seed),
        interval=interval,
        left_out=left_out or (lambda: _one_left_out(figure, subjects)),
        confidence=confidence,
        seed=seed,
    )


def _resampled(figure: Figure, subjects: int, replicates: int, seed: int) -> FloatArray:
    return np.concatenate([figure(weights) for weights in resampling_blocks(subjects, replicates, seed)])


def _one_left_out(figure: Figure, subjects: int) -> FloatArray:
    """The figure without each subject in turn, a block of rows of weights at a time."""
    rows = max(1, BLOCK // subjects)
    starts = range(0, subjects, rows)
    return np.concatenate(
        [figure(1 - np.eye(min(rows, subjects - start), subjects, start)) for start in starts]
    )
