"""Resampling of subjects: weights, jackknife, and the two bootstrap intervals made from them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

HELD_TOGETHER = 20_000_000  # weights: 160 MB
BLOCK = 4_000_000  # weights of the replicates that are multiplied at once


@lru_cache(maxsize=8)
def resampling_weights(subjects: int, replicates: int, seed: int) -> FloatArray:
    """How often each subject is drawn in each replicate, shape (replicates, subjects).

    Drawing subjects with replacement is a multinomial draw; the same seed serves every endpoint, so
    differences between endpoints are paired. Read-only, since all endpoints share it.
    """
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(subjects, np.full(subjects, 1 / subjects), size=replicates)
    weights: FloatArray = drawn.astype(np.float64)
    weights.setflags(write=False)
    return weights


def resampled_counts(subjects: int, replicates: int, seed: int) -> Iterator[IntArray]:
    """How often each subject is drawn, one replicate after another, shape (subjects,) each.

    The same law as `resampling_weights`, drawn by another road and never held together: 2000 replicates of
    100,000 subjects would be 1.6 GB. The draws are not those of `resampling_weights` under the same seed, so
    figures whose difference is taken must come from one of the two.

    Examples
    --------
    >>> [int(counts.sum()) for counts in resampled_counts(5, 2, seed=1)]
    [5, 5]
    """
    generator = np.random.default_rng(seed)
    for _ in range(replicates):
        yield np.bincount(generator.integers(0, subjects, subjects, dtype=np.int32), minlength=subjects)


def resampled_sums(columns: FloatArray, replicates: int, seed: int) -> FloatArray:
    """Sums of each column over resampled subjects: one draw of subjects serves all columns.

    Parameters
    ----------
    columns : shape (n_subjects, n_columns)

    Returns
    -------
    array, shape (replicates, n_columns)

    Notes
    -----
    Up to `HELD_TOGETHER` weights this is `resampling_weights` times the columns. Beyond that the weights are
    drawn by `resampled_counts`, a few replicates at a time: the same law, other draws.

    Examples
    --------
    >>> resampled_sums(np.ones((5, 2)), 3, seed=1).tolist()
    [[5.0, 5.0], [5.0, 5.0], [5.0, 5.0]]
    """
    subjects = len(columns)
    if subjects * replicates <= HELD_TOGETHER:
        held: FloatArray = resampling_weights(subjects, replicates, seed) @ columns
        return held
    sums = np.empty((replicates, columns.shape[1]))
    at_once = max(1, BLOCK // subjects)
    block = np.empty((at_once, subjects))
    row = filled = 0
    for counts in resampled_counts(subjects, replicates, seed):
        block[filled] = counts
        filled += 1
        if filled == at_once or row + filled == replicates:
            sums[row : row + filled] = block[:filled] @ columns
            row, filled = row + filled, 0
    return sums


def jackknife_ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """The ratio of sums with each subject left out once; NaN where nothing is left to divide by."""
    left = denominator.sum() - denominator
    rest = numerator.sum() - numerator
    figures: FloatArray = np.divide(rest, left, out=np.full(len(left), np.nan), where=left > 0)
    return figures


def percentile_interval(figures: FloatArray, confidence: float) -> tuple[float, float]:
    """The central quantiles of the resampled figures."""
    tail = (1 - confidence) / 2
    lower, upper = np.quantile(figures, [tail, 1 - tail])
    return float(lower), float(upper)


def bca_interval(
    figures: FloatArray, value: float, jackknife: FloatArray, confidence: float
) -> tuple[float, float] | None:
    """Bias-corrected and accelerated interval; None where the corrections do not exist.

    Parameters
    ----------
    figures : shape (replicates,)
        Resampled figures.
    value : float
        The figure of the sample itself.
    jackknife : shape (n_subjects,)
        The figure with each subject left out.

    Notes
    -----
    The bias correction does not exist when all resamples lie on one side of the value; the acceleration does
    not when no subject moves the figure or a figure without one subject is undefined. With few subjects and
    a ratio near 0 or 1 both corrections rest on one or two subjects: in simulation, a 95 % interval of 8
    people around a true 0.95 held it in about 87 % of studies (percentile: 84 %). The correction mends
    skewness, it adds no information.

    References
    ----------
    Efron, J Am Stat Assoc 82:171-185, 1987; ties counted half, as scipy.stats.bootstrap does.
    """
    from scipy.special import ndtr, ndtri

    below = (np.count_nonzero(figures < value) + np.count_nonzero(figures <= value)) / (2 * len(figures))
    deviation = jackknife.mean() - jackknife
    spread = float((deviation**2).sum())
    if not 0 < below < 1 or not np.isfinite(spread) or spread == 0:
        return None
    bias = ndtri(below)
    acceleration = float((deviation**3).sum()) / (6 * spread**1.5)
    normal = bias + ndtri(np.array([(1 - confidence) / 2, (1 + confidence) / 2]))
    stretch = 1 - acceleration * normal
    if (stretch <= 0).any():
        return None
    lower, upper = np.quantile(figures, ndtr(bias + normal / stretch))
    return float(lower), float(upper)
