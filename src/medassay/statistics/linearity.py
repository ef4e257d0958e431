"""Linearity of a quantitative procedure: polynomials against the straight line (EP06-A), and the deviation from
a weighted line at each level with its interval (EP06, second edition)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.acceptance import Criterion, judge
from medassay.statistics.paired import (
    FloatArray,
    bare,
    pairs,
    require_confidence,
    undefined,
    with_ends,
    with_error,
)

LEVELS_NEEDED = 5


@dataclass(frozen=True)
class Polynomial:
    """Least squares polynomial: coefficients from the constant up, each with its error and its p."""

    coefficients: tuple[Estimate, ...]
    errors: tuple[float, ...]
    p: tuple[float | None, ...]
    sigma: float
    fitted: tuple[float, ...]  # at the levels, ascending


@dataclass(frozen=True)
class PolynomialLinearity:
    """Orders 1 to 3, the best of them, and how far it leaves the straight line at each level.

    `best_order` is 1 when no non-linear coefficient differs from zero at `alpha`: the results are linear.
    """

    levels: tuple[float, ...]
    polynomials: tuple[Polynomial, ...]
    best_order: int
    deviation: dict[int, tuple[float, ...]]  # order 2 and 3 minus order 1
    largest_deviation: Estimate
    repeatability: Estimate  # pooled SD of replicates
    criterion: Criterion | None


@method(
    id="ep06-polynomial-linearity",
    task="measurement",
    zh="线性评价（多项式回归法）",
    en="Linearity by polynomial regression",
    formula="t test of the non-linear coefficients of orders 2 and 3; deviation = best polynomial - line",
    source="CLSI EP06-A, section 5",
    check="R lm on two EP06 designs",
)
def polynomial_linearity(
    level: ArrayLike,
    result: ArrayLike,
    *,
    alpha: float = 0.05,
    allowable: float | None = None,
    unit: str = "1",
) -> PolynomialLinearity | Estimate:
    """Whether results follow a straight line over the levels, and by how much they leave it if not.

    Parameters
    ----------
    level : shape (n,)
        Relative or assigned concentration, replicates of a level under one value.
    result : shape (n,), in `unit`
    alpha : float
        Of the t test of each non-linear coefficient.
    allowable : float or None, in `unit`
        Largest acceptable deviation from linearity; five levels are demanded to judge it.

    Returns
    -------
    PolynomialLinearity or Estimate
        An estimate without a value, with its reason, where a cubic leaves no degree of freedom.

    Examples
    --------
    >>> level = np.repeat(np.arange(1, 6), 2)
    >>> found = polynomial_linearity(level, 2.0 * level + np.tile([0.1, -0.1], 5))
    >>> found.best_order, found.largest_deviation.value
    (1, 0.0)
    """
    require_confidence(1 - alpha)
    x, y = pairs(level, result, names=("level", "result"))
    levels = np.unique(x)
    if len(levels) < 4 or len(x) < 5:
        return undefined(len(x), "fewer than four levels or five results for a cubic", unit)
    fits = tuple(_polynomial(x, y, levels, order, alpha, unit) for order in (1, 2, 3))
    straight = np.array(fits[0].fitted)
    deviation = {order: np.array(fits[order - 1].fitted) - straight for order in (2, 3)}
    curved = [order for order in (2, 3) if any(p is not None and p < alpha for p in fits[order - 1].p[2:])]
    best = min(curved, key=lambda order: fits[order - 1].sigma) if curved else 1
    largest = 0.0 if best == 1 else float(np.abs(deviation[best]).max())
    figure = bare(largest, len(x), "a maximum over levels", unit)
    criterion = None
    if allowable is not None:
        criterion = judge(
            "deviation from linearity",
            figure,
            "<=",
            allowable,
            n=len(levels),
            needed=LEVELS_NEEDED,
            source="CLSI EP06-A 5.3",
        )
    return PolynomialLinearity(
        tuple(levels.tolist()),
        fits,
        best,
        {order: tuple(part.tolist()) for order, part in deviation.items()},
        figure,
        _pooled_sd(x, y, 1 - alpha, unit),
        criterion,
    )


@dataclass(frozen=True)
class LevelDeviation:
    """Mean of a level minus the line there."""

    level: float
    deviation: Estimate
    criterion: Criterion | None


@method(
    id="ep06-deviation-from-linearity",
    task="measurement",
    zh="线性偏离评价",
    en="Deviation from linearity at each level",
    formula="d_i = mean_i - (a + b x_i), weights n_i / SD_i^2 or n_i; interval against the allowable deviation",
    source="CLSI EP06, second edition, 2020",
    check="worked by hand; statsmodels WLS residual covariance",
)
def deviation_from_linearity(
    level: ArrayLike,
    result: ArrayLike,
    *,
    weights: Literal["equal", "inverse_variance"] = "inverse_variance",
    allowable: float | None = None,
    confidence: float = 0.90,
    unit: str = "1",
) -> tuple[LevelDeviation, ...] | Estimate:
    """How far each level's mean lies from the line through all of them, with its interval.

    Parameters
    ----------
    level : shape (n,)
        Assigned or relative concentration.
    result : shape (n,), in `unit`
        Replicates of the levels, two or more each.
    weights : "equal" or "inverse_variance"
        One variance for all levels (pooled), or each level's own from its replicates.
    allowable : float or None, in `unit`
        The whole interval must lie within -+ this.

    Returns
    -------
    tuple of LevelDeviation, or Estimate
        An estimate without a value, with its reason, with fewer than three levels, a level without replicates,
        or replicates that never differ.

    Examples
    --------
    >>> level = np.repeat([1.0, 2.0, 3.0], 2)
    >>> found = deviation_from_linearity(level, [1.0, 1.2, 2.1, 1.9, 3.4, 3.2], weights="equal")
    >>> [round(part.deviation.value, 4) for part in found]
    [0.0667, -0.1333, 0.0667]
    """
    require_confidence(confidence)
    x, y = pairs(level, result, names=("level", "result"))
    levels, member = np.unique(x, return_inverse=True)
    count = np.bincount(member, minlength=len(levels)).astype(np.float64)
    if len(levels) < 3 or (count < 2).any():
        return undefined(len(x), "fewer than three levels, or a level without replicates", unit)
    means = np.bincount(member, y) / count
    squares = np.bincount(member, (y - means[member]) ** 2)
    degrees = float(len(x) - len(levels))
    if weights == "equal":
        variance = np.full(len(levels), squares.sum() / degrees) / count
    else:
        variance = squares / (count - 1) / count
    if (variance <= 0).any():
        return undefined(len(x), "replicates that do not differ give no weight", unit)
    design = np.column_stack([np.ones(len(levels)), levels])
    covariance = np.linalg.inv(design.T @ (design / variance[:, None]))
    coefficients = covariance @ design.T @ (means / variance)
    errors = np.sqrt(np.maximum(variance - np.einsum("ij,jk,ik->i", design, covariance, design), 0.0))
    found = []
    for place, value in enumerate((means - design @ coefficients).tolist()):
        how = f"student(weights={weights})"
        estimate = with_error(value, float(errors[place]), degrees, int(count[place]), confidence, how, unit)
        found.append(
            LevelDeviation(float(levels[place]), estimate, _within(estimate, allowable, len(levels)))
        )
    return tuple(found)


def _within(deviation: Estimate, allowable: float | None, levels: int) -> Criterion | None:
    """Both ends of the interval against the allowable deviation: the farther end is judged."""
    if allowable is None:
        return None
    if not (np.isfinite(allowable) and allowable > 0):
        raise WrongUse(
            found=f"allowable deviation {allowable}", wanted="above zero", remedy="Take it from the claim."
        )
    ends = [end for end in (deviation.lower, deviation.upper) if end is not None]
    far: Literal["lower", "upper"] = "upper" if ends and abs(ends[-1]) >= abs(ends[0]) else "lower"
    return judge(
        "deviation from linearity",
        deviation,
        "<=",
        allowable,
        n=levels,
        needed=LEVELS_NEEDED,
        source="CLSI EP06 ed. 2",
        end=far,
        magnitude=True,
    )


def _polynomial(
    x: FloatArray, y: FloatArray, levels: FloatArray, order: int, alpha: float, unit: str
) -> Polynomial:
    from scipy import stats

    design = np.vander(x, order + 1, increasing=True)
    # Orthogonal factors keep the digits of high powers; the normal equations would lose half of them.
    q, r = np.linalg.qr(design)
    coefficients = np.linalg.solve(r, q.T @ y)
    residual = y - design @ coefficients
    free = len(x) - order - 1
    sigma = float(np.sqrt(residual @ residual / free))
    inverse = np.linalg.inv(r)
    errors = sigma * np.sqrt((inverse**2).sum(axis=1))
    estimates, tests = [], []
    for value, error in zip(coefficients.tolist(), errors.tolist(), strict=True):
        estimates.append(with_error(value, error, free, len(x), 1 - alpha, "student", unit))
        exact = sigma <= 1e-12 * float(np.abs(y).max())
        tests.append(None if exact else float(2 * stats.t.sf(abs(value / error), free)))
    fitted = np.vander(levels, order + 1, increasing=True) @ coefficients
    return Polynomial(tuple(estimates), tuple(errors.tolist()), tuple(tests), sigma, tuple(fitted.tolist()))


def _pooled_sd(x: FloatArray, y: FloatArray, confidence: float, unit: str) -> Estimate:
    from scipy import stats

    levels, member = np.unique(x, return_inverse=True)
    means = np.bincount(member, y) / np.bincount(member)
    free = len(x) - len(levels)
    if free == 0:
        return undefined(len(x), "no level has replicates", unit)
    sd = float(np.sqrt(((y - means[member]) ** 2).sum() / free))
    if sd == 0:
        return bare(0.0, len(x), "replicates do not differ", unit)
    tails = stats.chi2.ppf([(1 + confidence) / 2, (1 - confidence) / 2], free)
    lower, upper = (float(end) for end in sd * np.sqrt(free / tails))
    return with_ends(sd, lower, upper, len(x), confidence, "chi_square(pooled)", unit)
