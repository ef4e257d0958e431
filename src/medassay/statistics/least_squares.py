"""Ordinary and weighted least squares between two procedures, where the comparator has no error to speak of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from medassay.core.method import method
from medassay.statistics.line import Line, from_errors, not_estimable
from medassay.statistics.paired import FloatArray, pairs, require_confidence

Weights = Literal["equal", "inverse_square"]


@dataclass(frozen=True)
class LeastSquares:
    """Slope, intercept, weighted mean of x, and the variances that give the error at any x."""

    slope: float
    intercept: float
    centre: float
    variance_slope: float
    variance_at_centre: float

    def error_at(self, x: float) -> float:
        """Standard error of the fitted value at x."""
        return float(np.sqrt(self.variance_at_centre + (x - self.centre) ** 2 * self.variance_slope))


@method(
    id="least-squares-comparison",
    task="measurement",
    zh="普通及加权最小二乘回归方法学比对",
    en="Method comparison by ordinary or weighted least squares",
    formula="slope = Sxy / Sxx, intercept = mean(y) - slope mean(x); weights 1 or 1/x^2; t interval, n - 2 df",
    source="CLSI EP09-A3, regression for comparators without error",
    check="R mcr 1.3.3.1 LinReg and WLinReg; Analyse-it values of the mcr test cases",
)
def least_squares(
    x: ArrayLike, y: ArrayLike, *, weights: Weights = "equal", confidence: float = 0.95
) -> Line:
    """Line by least squares in y.

    Parameters
    ----------
    x, y : shape (n,), one unit
        Comparator and candidate; with `inverse_square`, x above zero.
    weights : "equal" or "inverse_square"
        1, or 1/x^2 for a constant coefficient of variation.

    Returns
    -------
    Line
        Not estimable with fewer than three pairs or one value of x.

    Raises
    ------
    WrongUse
        For values that are not finite, or not positive where they are divided by.

    Examples
    --------
    >>> line = least_squares([1, 2, 3, 4], [1.1, 1.9, 3.2, 3.9])
    >>> round(line.slope.value, 2), round(line.intercept.value, 2)
    (0.97, 0.1)
    """
    require_confidence(confidence)
    first, second = pairs(x, y, positive=weights == "inverse_square")
    convention = f"least_squares(weights={weights})"
    fit = fit_least_squares(first, second, weights)
    n = len(first)
    if fit is None:
        return not_estimable(n, "fewer than three pairs, or one value of x", convention)
    errors = (float(np.sqrt(fit.variance_slope)), fit.error_at(0.0))
    return from_errors(fit.slope, fit.intercept, errors, n - 2, n, confidence, f"student({convention})")


def fit_least_squares(x: FloatArray, y: FloatArray, weights: Weights) -> LeastSquares | None:
    """The fit itself; None with fewer than three pairs or without spread in x."""
    if len(x) < 3 or np.ptp(x) == 0:
        return None
    weight = np.ones_like(x) if weights == "equal" else (np.abs(x).max() / x) ** 2
    total = weight.sum()
    centre, middle = (weight @ x) / total, (weight @ y) / total
    spread = weight @ (x - centre) ** 2
    slope = (weight @ ((x - centre) * (y - middle))) / spread
    intercept = middle - slope * centre
    residual = (weight @ (y - intercept - slope * x) ** 2) / (len(x) - 2)
    return LeastSquares(
        float(slope), float(intercept), float(centre), float(residual / spread), float(residual / total)
    )
