"""Distribution-free quantiles: which order statistics hold a quantile between them with what confidence."""

from __future__ import annotations

import numpy as np

from medassay.core.estimate import Estimate
from medassay.statistics.paired import FloatArray, bare, undefined, with_ends


def quantile_ranks(n: int, share: float, confidence: float) -> tuple[int, int] | None:
    """Ranks of the order statistics that hold the quantile, each tail at most (1 - confidence) / 2.

    Returns
    -------
    (lower, upper) or None
        1-based; None where n is too small for one of them.

    References
    ----------
    Reed, Henry and Mason, Clin Chem 17:275-284, 1971; the table of CLSI EP28-A3c for 2.5 % and 90 %.

    Examples
    --------
    >>> quantile_ranks(120, 0.025, 0.90), quantile_ranks(118, 0.025, 0.90)
    ((1, 7), None)
    """
    from scipy.stats import binom

    tail = (1 - confidence) / 2
    ranks = np.arange(1, n + 1)
    # P(X_(r) > quantile) = P(Bin < r); P(X_(r) < quantile) = P(Bin >= r).
    low = ranks[binom.cdf(ranks - 1, n, share) <= tail]
    high = ranks[binom.sf(ranks - 1, n, share) <= tail]
    if len(low) == 0 or len(high) == 0:
        return None
    return int(low[-1]), int(high[0])


def interpolated(ordered: FloatArray, rank: float) -> float | None:
    """Value at a fractional 1-based rank; None outside the sample.

    Examples
    --------
    >>> interpolated(np.array([1.0, 2.0, 4.0]), 2.5)
    3.0
    """
    if not 1 <= rank <= len(ordered):
        return None
    below = int(np.floor(rank))
    part = rank - below
    upper = ordered[min(below, len(ordered) - 1)]
    return float(ordered[below - 1] + part * (upper - ordered[below - 1]))


def distribution_free(
    ordered: FloatArray, rank: float, share: float, confidence: float, unit: str
) -> Estimate:
    """Quantile at a rank, with the interval between order statistics."""
    n = len(ordered)
    value = interpolated(ordered, rank)
    if value is None:
        return undefined(n, "too few values for this quantile", unit)
    ranks = quantile_ranks(n, share, confidence)
    if ranks is None:
        return bare(value, n, "too few values for distribution-free ends", unit)
    lower, upper = ordered[ranks[0] - 1], ordered[ranks[1] - 1]
    return with_ends(value, float(lower), float(upper), n, confidence, "order_statistics", unit)
