"""Reference intervals by EP28: nonparametric, robust, and the verification of one that exists.

The central 95 % of results of reference individuals, one each. Both limits carry a 90 % interval of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.acceptance import Criterion, judge
from medassay.statistics.order_statistics import distribution_free
from medassay.statistics.paired import FloatArray, bare, require_confidence, undefined, values, with_ends
from medassay.statistics.resampling import percentile_interval

NONPARAMETRIC_NEEDED, ROBUST_NEEDED, VERIFICATION_NEEDED = 120, 20, 20
TUNING_LOCATION, TUNING_SCALE = 3.7, 205.6
MAD_TO_SD = 0.6745  # as printed: median absolute deviation of a normal distribution in units of its SD


@dataclass(frozen=True)
class ReferenceInterval:
    """Both limits; `enough` says whether the guideline's number of individuals was there."""

    lower: Estimate
    upper: Estimate
    method: str
    n: int
    needed: int

    @property
    def enough(self) -> bool:
        """Whether as many individuals contribute as the guideline demands for the method."""
        return self.n >= self.needed


@method(
    id="reference-interval-nonparametric",
    task="measurement",
    zh="参考区间（非参数法）",
    en="Reference interval, nonparametric",
    formula="ranks 0.025 (n + 1) and 0.975 (n + 1); 90 % interval of each limit between order statistics",
    source="CLSI EP28-A3c; Reed, Henry and Mason, Clin Chem 17:275-284, 1971",
    check="ranks of the EP28 table; calcium data of EP28-A3",
)
def nonparametric_reference_interval(
    results: ArrayLike, *, coverage: float = 0.95, confidence: float = 0.90, unit: str = "1"
) -> ReferenceInterval:
    """Central part of the results, whatever their distribution.

    Parameters
    ----------
    results : shape (n,), in `unit`
        One a reference individual, outliers already considered (`tukey_outliers`, `dixon_outlier`).
    coverage : float
        Share between the limits.
    confidence : float
        Of the interval of each limit.

    Returns
    -------
    ReferenceInterval
        120 individuals are demanded. Limits are not estimable where the rank lies outside the sample (n < 39).

    Examples
    --------
    >>> found = nonparametric_reference_interval(np.arange(1.0, 121.0))
    >>> round(found.lower.value, 3), found.lower.lower, found.lower.upper
    (3.025, 1.0, 7.0)
    """
    require_confidence(confidence)
    require_confidence(coverage)
    ordered = np.sort(values(results, "results"))
    n = len(ordered)
    tail = (1 - coverage) / 2
    # Rounding of 0.025 x (n + 1) would shift a whole rank by 1e-15 and break the symmetry of the limits.
    low = round(tail * (n + 1), 9)
    limits = [
        distribution_free(ordered, rank, share, confidence, unit)
        for rank, share in ((low, tail), (n + 1 - low, 1 - tail))
    ]
    return ReferenceInterval(limits[0], limits[1], "nonparametric", n, NONPARAMETRIC_NEEDED)


@method(
    id="reference-interval-robust",
    task="measurement",
    zh="参考区间（稳健法）",
    en="Reference interval, robust",
    formula="T -+ t(0.975, n - 1) sqrt(s_205.6^2 + S_T^2), biweight location T with c = 3.7; bootstrap interval",
    source="Horn and Pesce 2005; Horn, Pesce and Copeland, Clin Chem 44:622-631, 1998; CLSI EP28-A3c, appendix B",
    check="worked example of EP28-A3 appendix B",
)
def robust_reference_interval(
    results: ArrayLike,
    *,
    seed: int,
    coverage: float = 0.95,
    confidence: float = 0.90,
    replicates: int = 2000,
    unit: str = "1",
) -> ReferenceInterval:
    """Limits from few individuals, far values weighing less; for distributions that are about symmetric.

    Parameters
    ----------
    results : shape (n,), in `unit`
        One a reference individual; transform skewed results first.
    seed : int
        Of the percentile bootstrap.

    Returns
    -------
    ReferenceInterval
        20 individuals are demanded. Not estimable with fewer than four, or where half of the values are equal.

    Examples
    --------
    >>> x = [8.9, 9.2, 9.4, 9.4, 9.5, 9.5, 9.5, 9.6, 9.6, 9.6, 9.6, *[9.7] * 5, 9.8, 9.9, 9.9, 10.2]
    >>> found = robust_reference_interval(x, seed=1, replicates=200)
    >>> round(found.lower.value, 2), round(found.upper.value, 2)
    (9.05, 10.2)
    """
    require_confidence(confidence)
    require_confidence(coverage)
    x = values(results, "results")
    n = len(x)
    limits = _robust_limits(x[None, :], coverage)[0] if n >= 4 else np.full(2, np.nan)
    if not np.isfinite(limits).all():
        none = undefined(n, "fewer than four values, or no spread around the median", unit)
        return ReferenceInterval(none, none, "robust", n, ROBUST_NEEDED)
    drawn = np.random.default_rng(seed).integers(0, n, size=(replicates, n))
    resampled = _robust_limits(x[drawn], coverage)
    resampled = resampled[np.isfinite(resampled).all(axis=1)]
    how = f"bootstrap_percentile(replicates={replicates}, seed={seed})"
    found = []
    for place in (0, 1):
        value = float(limits[place])
        if len(resampled) < 0.99 * replicates:
            found.append(bare(value, n, "too many resamples have no spread", unit))
        else:
            ends = percentile_interval(resampled[:, place], confidence)
            found.append(with_ends(value, *ends, n, confidence, how, unit))
    return ReferenceInterval(found[0], found[1], "robust", n, ROBUST_NEEDED)


def _robust_limits(x: FloatArray, coverage: float) -> FloatArray:
    """Both limits of each row, shape (rows, 2); NaN where the scale is zero."""
    from scipy import stats

    n = x.shape[1]
    middle = np.median(x, axis=1, keepdims=True)
    mad = np.median(np.abs(x - middle), axis=1, keepdims=True) / MAD_TO_SD
    spread = mad[:, 0] > 0
    limits = np.full((len(x), 2), np.nan)
    x, middle, mad = x[spread], middle[spread], mad[spread]
    centre = middle
    for _ in range(200):
        weight = np.maximum(1 - ((x - centre) / (TUNING_LOCATION * mad)) ** 2, 0.0) ** 2
        moved = (weight * x).sum(axis=1, keepdims=True) / weight.sum(axis=1, keepdims=True)
        change, centre = np.abs(moved - centre), moved
        if (change <= 1e-10 * mad).all():
            break
    wide = TUNING_SCALE * mad * np.sqrt(n * _biweight((x - middle) / (TUNING_SCALE * mad)))
    narrow = TUNING_LOCATION * mad * np.sqrt(n * _biweight((x - middle) / (TUNING_LOCATION * mad)))
    about = TUNING_LOCATION * narrow * np.sqrt(_biweight((x - centre) / (TUNING_LOCATION * narrow)))
    half = stats.t.ppf((1 + coverage) / 2, n - 1) * np.sqrt(wide**2 + about**2)
    limits[spread] = np.hstack([centre - half, centre + half])
    return limits


def _biweight(u: FloatArray) -> FloatArray:
    """Variance of the biweight in units of its scale, over n; values beyond the scale weigh nothing."""
    inside = np.abs(u) < 1
    square = u**2
    above = np.where(inside, square * (1 - square) ** 4, 0.0).sum(axis=1, keepdims=True)
    below = np.where(inside, (1 - square) * (1 - 5 * square), 0.0).sum(axis=1, keepdims=True)
    share: FloatArray = above / (np.maximum(below, 1e-300) * np.maximum(below - 1, 1.0))
    return share


@method(
    id="reference-interval-verification",
    task="measurement",
    zh="参考区间验证",
    en="Verification of a reference interval",
    formula="at most 2 of 20 results outside",
    source="CLSI EP28-A3c, transference",
    check="worked by hand",
)
def verify_reference_interval(
    results: ArrayLike, lower: float, upper: float, *, allowed_percent: float = 10.0
) -> Criterion:
    """Whether a stated interval fits the laboratory's own reference individuals.

    Parameters
    ----------
    results : shape (n,), in the unit of the limits
        20 individuals are demanded, one result each.

    Examples
    --------
    >>> verify_reference_interval([5.0] * 18 + [9.0, 9.5], 4.0, 8.0).verdict
    'met'
    """
    x = values(results, "results")
    if not lower < upper:
        raise WrongUse(
            found="a lower limit that is not below the upper one", wanted="lower < upper", remedy="Swap them."
        )
    outside = int(np.count_nonzero((x < lower) | (x > upper)))
    share = (
        bare(100 * outside / len(x), len(x), "a rule on counts", "%")
        if len(x)
        else undefined(0, "no result", "%")
    )
    return judge(
        "results outside the interval",
        share,
        "<=",
        allowed_percent,
        n=len(x),
        needed=VERIFICATION_NEEDED,
        source="CLSI EP28-A3c",
    )


def tukey_outliers(results: ArrayLike, *, fences: float = 1.5) -> NDArray[np.bool_]:
    """Values beyond 1.5 interquartile ranges from the quartiles, shape (n,); to be looked at, not dropped.

    References
    ----------
    Horn et al., Clin Chem 47:2137-2145, 2001; CLSI EP28-A3c. Quartiles by linear interpolation.

    Examples
    --------
    >>> tukey_outliers([1, 2, 3, 4, 5, 30]).tolist()
    [False, False, False, False, False, True]
    """
    x = values(results, "results")
    if len(x) < 4:
        return np.zeros(len(x), dtype=np.bool_)
    first, third = np.quantile(x, [0.25, 0.75])
    reach = fences * (third - first)
    outside: NDArray[np.bool_] = (x < first - reach) | (x > third + reach)
    return outside


def dixon_outlier(results: ArrayLike, end: Literal["low", "high"]) -> bool:
    """Whether the gap to the extreme value is a third of the range or more (Dixon's rule as EP28 uses it).

    Examples
    --------
    >>> dixon_outlier([1, 2, 3, 4, 5, 30], "high"), dixon_outlier([1, 2, 3, 4, 5, 6], "high")
    (True, False)
    """
    x = np.sort(values(results, "results"))
    if len(x) < 3 or x[0] == x[-1]:
        return False
    gap = x[-1] - x[-2] if end == "high" else x[1] - x[0]
    return bool(gap / (x[-1] - x[0]) >= 1 / 3)
