"""Quantiles of a measured value, such as time per case, with intervals by order statistics."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.intervals import require_confidence
from medassay.statistics.order_statistics import quantile_ranks


@method(
    id="quantile-order-statistics",
    task="any",
    zh="中位数及分位数的次序统计量置信区间（单例用时）",
    en="quantile with order-statistic interval (time per case)",
    formula="[x_(l), x_(u)], l and u from binomial tails: P(B < l) <= a/2 and P(B >= u) <= a/2, B ~ Bin(n, q)",
    source="David and Nagaraja, Order Statistics, 3rd ed. 2003, 7.1; Hahn and Meeker, Statistical Intervals, 1991",
    check="binomial tails by scipy.stats.binom; coverage by simulation",
)
def quantile(values: ArrayLike, *, share: float = 0.5, unit: str = "s", confidence: float = 0.95) -> Estimate:
    """The quantile of independent values, one a subject, with a distribution-free interval.

    Parameters
    ----------
    values : shape (n,), finite
        In `unit`.
    share : float
        0.5 is the median; the figure lies linearly between order statistics (type 7).

    Returns
    -------
    Estimate
        The interval's confidence is at least what was asked, with each tail at most half of the rest. No
        interval where the sample holds no such order statistic: a median needs 6 values at 95 %, a 95th
        percentile 72.

    Examples
    --------
    >>> e = quantile([2.0, 3.5, 3.6, 4.0, 5.5, 6.0, 9.0, 30.0])
    >>> e.value, e.lower, e.upper
    (4.75, 2.0, 30.0)
    """
    require_confidence(confidence)
    found = np.sort(np.asarray(values, dtype=np.float64))
    if found.ndim != 1 or not np.isfinite(found).all() or not 0 < share < 1:
        raise WrongUse(
            found=f"values of shape {found.shape}, or one that is not finite; share {share:g}",
            wanted="finite values, one a subject, and a share between 0 and 1",
            remedy="A case that was never finished is for the protocol's rule, never left out.",
        )
    n = len(found)
    if n == 0:
        return Estimate(value=None, unit=unit, n_subjects=0, undefined="no value")
    value = float(np.quantile(found, share))
    ranks = quantile_ranks(n, share, confidence)
    if ranks is None:
        return Estimate(
            value=value,
            unit=unit,
            n_subjects=n,
            undefined=f"no interval: {n} values are too few for this quantile",
        )
    lower, upper = ranks
    return Estimate(
        value=value,
        lower=float(found[lower - 1]),
        upper=float(found[upper - 1]),
        confidence=confidence,
        method=f"order_statistics({lower}, {upper})",
        unit=unit,
        n_subjects=n,
    )
