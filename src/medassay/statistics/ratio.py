"""Endpoints as ratios of sums over subjects, with intervals that resample subjects, never events.

Every figure here is sum(numerator) / sum(denominator): a sensitivity is TP / (TP + FN), a mean Dice the sum
of Dice over the number of structures, false alarms a day FP over days. One bootstrap is then one product of
a weight matrix (replicates x subjects) with the table of sums.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate

FloatArray = NDArray[np.float64]

SMALLEST_DEFINED_SHARE = 0.99


def ratio(
    numerator: FloatArray,
    denominator: FloatArray,
    *,
    undefined: str,
    seed: int,
    replicates: int = 2000,
    confidence: float = 0.95,
    unit: str = "1",
) -> Estimate:
    """Ratio of sums with a percentile interval over resampled subjects.

    Parameters
    ----------
    numerator, denominator : shape (n_subjects,), finite; denominator >= 0
        Each subject's sums, in one order.
    undefined : str
        What it means that the denominator is zero ("no reference event").
    seed : int
        Of the resampling, recorded with the figure.

    Returns
    -------
    Estimate
        Not estimable when the denominator sums to zero. With fewer than two subjects that have a
        denominator, or when over 1 % of the resamples have none, the figure stands without an interval and
        says so. The percentile interval is too narrow with few subjects or a ratio near 0 or 1.

    References
    ----------
    Field and Welsh, J R Stat Soc B 69:369-390, 2007 (the cluster bootstrap); Davison and Hinkley,
    Bootstrap Methods and their Application, 1997, 5.3.1 (percentile interval).

    Examples
    --------
    >>> e = ratio(np.array([9.0, 5.0]), np.array([10.0, 5.0]), undefined="no reference event", seed=1)
    >>> round(e.value, 3)
    0.933
    """
    _require_sums(numerator, denominator, replicates)
    subjects, total = len(numerator), float(denominator.sum())
    if total == 0:
        return Estimate(value=None, unit=unit, n_subjects=subjects, n_events=0, undefined=undefined)
    value = float(numerator.sum()) / total
    if np.count_nonzero(denominator) < 2:
        return Estimate(
            value=value,
            unit=unit,
            n_subjects=subjects,
            n_events=total,
            undefined="no interval: fewer than two subjects contribute",
        )
    weights = resampling_weights(subjects, replicates, seed)
    resampled = weights @ np.column_stack([numerator, denominator])
    defined = resampled[:, 1] > 0
    if defined.mean() < SMALLEST_DEFINED_SHARE:
        return Estimate(
            value=value,
            unit=unit,
            n_subjects=subjects,
            n_events=total,
            undefined="no interval: too few subjects contribute",
        )
    tail = (1 - confidence) / 2
    figures = resampled[defined, 0] / resampled[defined, 1]
    lower, upper = np.quantile(figures, [tail, 1 - tail])
    return Estimate(
        value=value,
        lower=float(lower),
        upper=float(upper),
        confidence=confidence,
        method=f"cluster_bootstrap_percentile(subjects, replicates={replicates}, seed={seed})",
        unit=unit,
        n_subjects=subjects,
        n_events=total,
    )


def resampling_weights(subjects: int, replicates: int, seed: int) -> FloatArray:
    """How often each subject is drawn in each replicate, shape (replicates, subjects).

    Drawing subjects with replacement is a multinomial draw; the same seed serves every endpoint, so
    differences between endpoints are paired.
    """
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(subjects, np.full(subjects, 1 / subjects), size=replicates)
    return drawn.astype(np.float64)


def _require_sums(numerator: FloatArray, denominator: FloatArray, replicates: int) -> None:
    if numerator.ndim != 1 or numerator.shape != denominator.shape:
        raise WrongUse(
            found=f"shapes {numerator.shape} and {denominator.shape}",
            wanted="two sums for each subject",
            remedy="Sum each subject's samples first, in one order.",
        )
    if not (np.isfinite(numerator).all() and np.isfinite(denominator).all()) or (denominator < 0).any():
        raise WrongUse(
            found="a sum that is not finite, or a negative denominator",
            wanted="finite sums",
            remedy="Let the protocol's rule for missing predictions score the sample; never pass NaN on.",
        )
    if replicates < 1:
        raise WrongUse(found=f"{replicates} replicates", wanted="at least 1", remedy="Use 2000.")
