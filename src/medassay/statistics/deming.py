"""Deming regression: both procedures measure with error; constant, proportional, or known pair by pair.

Conventions on which tools differ, and their names here: the error ratio is var(error of x) / var(error of y)
(R mcr; some tools take its inverse); `interval` is "jackknife" (Linnet: pseudo-values, Student's t with n - 2),
"jackknife_changes" (R deming: root of the sum of squared changes, normal quantile) or "analytical"
(normal-theory formula for the unweighted fit, Student's t with n - 2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from medassay.core.errors import WrongUse
from medassay.core.method import method
from medassay.statistics.line import Fit, Line, from_errors, jackknife_error, not_estimable
from medassay.statistics.paired import FloatArray, pairs, require_confidence

Interval = Literal["jackknife", "jackknife_changes", "analytical"]

CELLS = 2_000_000  # weights held at a time when pairs are left out: bounds the memory at any n
ITERATIONS = 2000
SETTLED = 1e-13  # relative change of the slope at which the weights have settled


@method(
    id="deming",
    task="measurement",
    zh="Deming回归",
    en="Deming regression",
    formula="b = [l Syy - Sxx + sqrt((l Syy - Sxx)^2 + 4 l Sxy^2)] / (2 l Sxy), l = var(x error) / var(y error)",
    source="Linnet, Clin Chem 39:424-432, 1993; CLSI EP09-A3",
    check="R mcr 1.3.3.1, R deming 1.4-1, Analyse-it values of the mcr test cases",
)
def deming(
    x: ArrayLike,
    y: ArrayLike,
    *,
    error_ratio: float = 1.0,
    interval: Interval = "jackknife",
    confidence: float = 0.95,
) -> Line:
    """Line between two procedures whose errors are constant over the range.

    Parameters
    ----------
    x, y : shape (n,), one unit
        Comparator and candidate, one pair an item.
    error_ratio : float
        var(error of x) / var(error of y), above zero; from replicates or the makers' claims.
    interval : "jackknife", "jackknife_changes" or "analytical"
        See the module; the standard errors of one data set can differ by a third between them.

    Returns
    -------
    Line
        Not estimable with fewer than three pairs, or where no direction is preferred (no correlation).

    Raises
    ------
    WrongUse
        For values that are not finite, or a ratio that is not above zero.

    Examples
    --------
    >>> line = deming([1, 2, 3, 4], [1.1, 1.9, 3.2, 3.9])
    >>> round(line.slope.value, 4), round(line.intercept.value, 4)
    (0.9763, 0.0842)
    """
    require_confidence(confidence)
    first, second = pairs(x, y)
    convention = f"deming(error_ratio={error_ratio:g}, interval={interval})"
    fit = fit_deming(first, second, error_ratio)
    if fit is None:
        return not_estimable(len(first), "fewer than three pairs, or no correlation", convention)
    if interval == "analytical":
        return _analytical(first, second, fit, confidence, convention)
    return _jackknifed(fit, interval, confidence, convention)


@method(
    id="weighted-deming",
    task="measurement",
    zh="加权Deming回归",
    en="Weighted Deming regression",
    formula="Deming with weights 1 / ((x' + l y') / (1 + l))^2 at the estimated true values, iterated until settled",
    source="Linnet, Stat Med 9:1463-1473, 1990, and Clin Chem 39:424-432, 1993",
    check="R mcr 1.3.3.1 WDeming; Analyse-it values of the mcr test cases",
)
def weighted_deming(
    x: ArrayLike,
    y: ArrayLike,
    *,
    error_ratio: float = 1.0,
    interval: Literal["jackknife", "jackknife_changes"] = "jackknife",
    confidence: float = 0.95,
) -> Line:
    """Line between two procedures whose coefficients of variation are constant over the range.

    Parameters
    ----------
    x, y : shape (n,), one unit, above zero
        Comparator and candidate, one pair an item.
    error_ratio : float
        var(error of x) / var(error of y), above zero.

    Returns
    -------
    Line
        Not estimable with fewer than three pairs or where the weights do not settle.

    Raises
    ------
    WrongUse
        For values that are not finite and above zero: a weight is one over a squared value.

    Examples
    --------
    >>> line = weighted_deming([1, 2, 4, 8], [1.1, 1.9, 4.2, 7.9])
    >>> round(line.slope.value, 3)
    0.977
    """
    require_confidence(confidence)
    first, second = pairs(x, y, positive=True)
    convention = f"weighted_deming(error_ratio={error_ratio:g}, interval={interval})"
    fit = fit_weighted_deming(first, second, error_ratio)
    if fit is None:
        return not_estimable(len(first), "fewer than three pairs, or weights that do not settle", convention)
    return _jackknifed(fit, interval, confidence, convention)


@method(
    id="deming-known-errors",
    task="measurement",
    zh="已知测量误差的Deming回归",
    en="Deming regression with known standard errors",
    formula="minimise sum (y - a - b x)^2 / (sy^2 + b^2 sx^2) by York's iteration",
    source="York et al., Am J Phys 72:367-375, 2004; Ripley and Thompson, Analyst 112:377-383, 1987",
    check="R deming 1.4-1 on the arsenate data; York's data of Pearson",
)
def deming_known_errors(
    x: ArrayLike,
    y: ArrayLike,
    *,
    x_error: ArrayLike,
    y_error: ArrayLike,
    interval: Literal["jackknife", "jackknife_changes"] = "jackknife_changes",
    confidence: float = 0.95,
) -> Line:
    """Line where each value comes with a standard error of its own.

    Parameters
    ----------
    x, y : shape (n,), one unit
        Comparator and candidate.
    x_error, y_error : shape (n,), the same unit, above zero
        Standard error of each value.

    Returns
    -------
    Line
        Not estimable with fewer than three pairs or where the iteration does not settle.

    Examples
    --------
    >>> same = [0.1, 0.1, 0.1, 0.1]  # with equal errors it is Deming's line
    >>> line = deming_known_errors([1, 2, 3, 4], [1.1, 1.9, 3.2, 3.9], x_error=same, y_error=same)
    >>> round(line.slope.value, 4)
    0.9763
    """
    require_confidence(confidence)
    first, second = pairs(x, y)
    x_sd, y_sd = pairs(x_error, y_error, names=("x_error", "y_error"), positive=True)
    pairs(first, x_sd, names=("x", "x_error"))
    convention = f"deming_known_errors(interval={interval})"
    start = _start(first, second, 1.0)
    fit = None
    if start is not None:
        fit = _iterated(len(first), lambda kept: _york(first, second, x_sd**2, y_sd**2, kept, start))
    if fit is None:
        return not_estimable(
            len(first), "fewer than three pairs, or an iteration that does not settle", convention
        )
    return _jackknifed(fit, interval, confidence, convention)


def fit_deming(x: FloatArray, y: FloatArray, error_ratio: float) -> Fit | None:
    """The line and its leave-one-out lines, all by downdating three sums: O(n)."""
    _require_ratio(error_ratio)
    n = len(x)
    if n < 3:
        return None
    dx, dy = x - x.mean(), y - y.mean()
    sums = np.array([dx @ dx, dy @ dy, dx @ dy])
    # Leaving pair i out takes n/(n-1) of its product of deviations from each sum, and moves the mean.
    without = sums[:, None] - np.stack([dx * dx, dy * dy, dx * dy]) * (n / (n - 1))
    sxx, syy, sxy = np.column_stack([sums, without])
    slopes = _slope(sxx, syy, sxy, error_ratio)
    if not np.isfinite(slopes[0]):
        return None
    centre_x, centre_y = x.mean() - dx / (n - 1), y.mean() - dy / (n - 1)
    left_out = np.column_stack([slopes[1:], centre_y - slopes[1:] * centre_x])
    return Fit(float(slopes[0]), float(y.mean() - slopes[0] * x.mean()), left_out)


def fit_weighted_deming(x: FloatArray, y: FloatArray, error_ratio: float) -> Fit | None:
    """The line and its leave-one-out lines; all of a block iterate together."""
    _require_ratio(error_ratio)
    start = _start(x, y, error_ratio)
    if start is None:
        return None
    # Weights are scale-free, so that values of 1e-9 or 1e+12 lose no digits.
    scale = float(np.abs(np.concatenate([x, y])).max())
    unit_x, unit_y = x / scale, y / scale
    fit = _iterated(len(x), lambda kept: _linnet(unit_x, unit_y, error_ratio, kept, start, scale))
    if fit is None:
        return None
    return Fit(fit.slope, fit.intercept * scale, fit.left_out * np.array([1.0, scale]))


def _start(x: FloatArray, y: FloatArray, error_ratio: float) -> tuple[float, float] | None:
    fit = fit_deming(x, y, error_ratio)
    return None if fit is None else (fit.slope, fit.intercept)


def _slope(sxx: FloatArray, syy: FloatArray, sxy: FloatArray, error_ratio: float) -> FloatArray:
    """Deming's root of each triple of sums, in the form that does not cancel; NaN where there is none."""
    difference = error_ratio * syy - sxx
    root = np.hypot(difference, 2 * np.sqrt(error_ratio) * sxy)
    above = difference > 0
    numerator = np.where(above, difference + root, 2 * sxy)
    denominator = np.where(above, 2 * error_ratio * sxy, root - difference)
    out = np.full(np.shape(sxx), np.nan)
    slopes: FloatArray = np.divide(numerator, denominator, out=out, where=denominator != 0)
    return slopes


def _iterated(n: int, settle: Callable[[FloatArray], FloatArray | None]) -> Fit | None:
    """Fit of all pairs and without each one, in blocks of rows of 0/1 membership."""
    whole = settle(np.ones((1, n)))
    if whole is None:
        return None
    rows = max(1, CELLS // n)
    blocks = []
    for begin in range(0, n, rows):
        index = np.arange(begin, min(begin + rows, n))
        kept = np.ones((len(index), n))
        kept[np.arange(len(index)), index] = 0.0
        block = settle(kept)
        if block is None:
            return None
        blocks.append(block)
    return Fit(float(whole[0, 0]), float(whole[0, 1]), np.concatenate(blocks))


def _linnet(
    x: FloatArray,
    y: FloatArray,
    error_ratio: float,
    kept: FloatArray,
    start: tuple[float, float],
    scale: float,
) -> FloatArray | None:
    """Linnet's iteration on each row of `kept`, shape (rows, 2); None when a row does not settle."""
    slope = np.full(len(kept), start[0])
    intercept = np.full(len(kept), start[1] / scale)
    for _ in range(ITERATIONS):
        residual = y - intercept[:, None] - slope[:, None] * x
        share = 1 + error_ratio * slope[:, None] ** 2
        true_x = x + error_ratio * slope[:, None] * residual / share
        true_y = y - residual / share
        level = (true_x + error_ratio * true_y) / (1 + error_ratio)
        if (level == 0).any():
            return None
        weight = kept / level**2
        new_slope, new_intercept = _weighted(x, y, weight, error_ratio)
        if not np.isfinite(new_slope).all():
            return None
        settled = np.abs(new_slope - slope) <= SETTLED * np.abs(new_slope)
        settled &= np.abs(new_intercept - intercept) <= SETTLED
        slope, intercept = new_slope, new_intercept
        if settled.all():
            return np.column_stack([slope, intercept])
    return None


def _weighted(
    x: FloatArray, y: FloatArray, weight: FloatArray, error_ratio: float
) -> tuple[FloatArray, FloatArray]:
    total = weight.sum(axis=1)
    centre_x, centre_y = weight @ x / total, weight @ y / total
    dx, dy = x - centre_x[:, None], y - centre_y[:, None]
    sums = [(weight * product).sum(axis=1) for product in (dx * dx, dy * dy, dx * dy)]
    slope = _slope(sums[0], sums[1], sums[2], error_ratio)
    return slope, centre_y - slope * centre_x


def _york(
    x: FloatArray,
    y: FloatArray,
    x_variance: FloatArray,
    y_variance: FloatArray,
    kept: FloatArray,
    start: tuple[float, float],
) -> FloatArray | None:
    """York's iteration for uncorrelated errors on each row of `kept`."""
    slope = np.full(len(kept), start[0])
    for _ in range(ITERATIONS):
        weight = kept / (y_variance + slope[:, None] ** 2 * x_variance)
        total = weight.sum(axis=1)
        centre_x, centre_y = weight @ x / total, weight @ y / total
        dx, dy = x - centre_x[:, None], y - centre_y[:, None]
        along = weight**2 * (dx * y_variance + slope[:, None] * dy * x_variance)
        below = (along * dx).sum(axis=1)
        if (below == 0).any():
            return None
        new_slope = (along * dy).sum(axis=1) / below
        done = np.abs(new_slope - slope) <= 1e-12 * np.maximum(np.abs(new_slope), 1e-12)
        slope = new_slope
        if done.all():
            return np.column_stack([slope, centre_y - slope * centre_x])
    return None


def _analytical(x: FloatArray, y: FloatArray, fit: Fit, confidence: float, convention: str) -> Line:
    """SE(b) = b sqrt((1 - r^2) / (r^2 (n - 2))), SE(a) = SE(b) sqrt(mean x^2)."""
    n = len(x)
    r = float(np.corrcoef(x, y)[0, 1])
    if r == 0:
        return not_estimable(n, "no correlation", convention)
    error = abs(fit.slope) * float(np.sqrt(max(0.0, 1 - r * r) / (r * r * (n - 2))))
    errors = (error, error * float(np.sqrt((x * x).mean())))
    return from_errors(fit.slope, fit.intercept, errors, n - 2, n, confidence, convention)


def _jackknifed(fit: Fit, interval: str, confidence: float, convention: str) -> Line:
    n = len(fit.left_out)
    figures = (fit.slope, fit.intercept)
    if not np.isfinite(fit.left_out).all():
        return from_errors(*figures, (np.inf, np.inf), None, n, confidence, convention)
    if interval == "jackknife":
        slope_error, intercept_error = (
            jackknife_error(figure, fit.left_out[:, column]) for column, figure in enumerate(figures)
        )
        degrees: float | None = n - 2
    else:
        changes = fit.left_out - np.array(figures)
        slope_error, intercept_error = (float(error) for error in np.sqrt((changes**2).sum(axis=0)))
        degrees = None
    return from_errors(*figures, (slope_error, intercept_error), degrees, n, confidence, convention)


def _require_ratio(error_ratio: float) -> None:
    if not (np.isfinite(error_ratio) and error_ratio > 0):
        raise WrongUse(
            found=f"error ratio {error_ratio}",
            wanted="var(error of x) / var(error of y), above zero",
            remedy="Estimate it from replicates; without them use 1 and say so.",
        )
