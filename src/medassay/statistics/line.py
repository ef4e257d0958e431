"""`Line`: y = intercept + slope x between two measurement procedures, and what its intervals rest on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medassay.core.estimate import Estimate
from medassay.statistics.paired import FloatArray, undefined, with_error


@dataclass(frozen=True)
class Line:
    """A fitted line; `convention` names what tools do differently, in the words of the parameters."""

    slope: Estimate
    intercept: Estimate
    slope_error: float | None
    intercept_error: float | None
    convention: str
    n: int


@dataclass(frozen=True)
class Fit:
    """A point estimate with the fits that leave one pair out: all that a jackknife interval needs.

    left_out : shape (n, 2)
        Slope and intercept without pair i.
    """

    slope: float
    intercept: float
    left_out: FloatArray


def not_estimable(n: int, reason: str, convention: str) -> Line:
    """No line, and why."""
    none = undefined(n, reason)
    return Line(none, none, None, None, convention, n)


def from_errors(
    slope: float,
    intercept: float,
    errors: tuple[float, float],
    degrees: float | None,
    n: int,
    confidence: float,
    convention: str,
) -> Line:
    """A line whose intervals are value -+ quantile x standard error (of slope, of intercept)."""
    return Line(
        with_error(slope, errors[0], degrees, n, confidence, convention),
        with_error(intercept, errors[1], degrees, n, confidence, convention),
        errors[0],
        errors[1],
        convention,
        n,
    )


def jackknife_error(value: float, left_out: FloatArray) -> float:
    """Standard deviation of the pseudo-values over sqrt(n).

    Parameters
    ----------
    left_out : shape (n,)
        The figure without each pair.

    References
    ----------
    Linnet, Clin Chem 39:424-432, 1993.

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 4.0])  # of a mean it is the standard error of the mean
    >>> round(jackknife_error(x.mean(), (x.sum() - x) / 2), 6), round(float(x.std(ddof=1)) / 3**0.5, 6)
    (0.881917, 0.881917)
    """
    n = len(left_out)
    pseudo = n * value - (n - 1) * left_out
    return float(pseudo.std(ddof=1) / np.sqrt(n))
