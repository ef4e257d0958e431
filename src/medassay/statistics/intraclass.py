"""Intraclass correlation of ratings that all raters gave of all subjects: the six forms of Shrout and Fleiss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.intervals import require_confidence
from medassay.statistics.scored import FloatArray
from medassay.statistics.significance import Significance

Form = Literal["1,1", "2,1", "3,1", "1,k", "2,k", "3,k"]
SAME_FIGURE = 1e-12  # relative: figures this close differ by rounding only


@dataclass(frozen=True)
class MeanSquares:
    """Of the two-way table of n subjects and k raters."""

    between: float  # subjects
    raters: float
    error: float  # residual
    within: float  # raters and residual together, as the one-way model has it
    n: int
    k: int


@method(
    id="intraclass-correlation",
    task="agreement",
    zh="组内相关系数",
    en="intraclass correlation coefficient",
    formula="ICC(2,1) = (MSB - MSE) / (MSB + (k-1) MSE + k (MSJ - MSE)/n), and the other five forms",
    source="Shrout and Fleiss, Psychol Bull 86:420-428, 1979; McGraw and Wong, Psychol Methods 1:30-46, 1996",
    check="R psych 2.2.9, irr 0.84.1; Shrout and Fleiss' table 4",
)
def icc(ratings: ArrayLike, *, form: Form, unit: str = "1", confidence: float = 0.95) -> Estimate:
    """Intraclass correlation of ratings that all raters gave of all subjects.

    Parameters
    ----------
    ratings : shape (n_subjects, n_raters), finite
        At least two of each.
    form : str
        First the model: 1, each subject has raters of its own; 2, raters a random sample, absolute agreement;
        3, these raters and no others, consistency. Then whether a single rating ("1") or the mean of the k
        ratings ("k") is meant.

    Returns
    -------
    Estimate
        With the exact (1 and 3) or Satterthwaite (2) interval of the F distribution. Not estimable when
        nothing varies; no interval when the raters differ by nothing but a constant.

    References
    ----------
    Shrout and Fleiss, Psychol Bull 86:420-428, 1979; McGraw and Wong, Psychol Methods 1:30-46, 1996.

    Examples
    --------
    >>> rated = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    >>> [round(icc(rated, form=form).value, 2) for form in ("1,1", "2,1", "3,1", "1,k", "2,k", "3,k")]
    [0.17, 0.29, 0.71, 0.44, 0.62, 0.91]
    """
    require_confidence(confidence)
    table = _ratings(ratings)
    n, k = table.shape
    if n < 2 or k < 2:
        return Estimate(value=None, unit=unit, n_subjects=n, undefined="fewer than two subjects or raters")
    squares = mean_squares(table)
    least = SAME_FIGURE * max(squares.between + squares.raters + squares.error, float((table**2).mean()))
    if abs(_single(squares, form)[1]) <= least or (form.endswith("k") and squares.between <= least):
        return Estimate(value=None, unit=unit, n_subjects=n, undefined="nothing varies between the subjects")
    value = _value(squares, form)
    noise = squares.within if form.startswith("1") else squares.error
    if noise <= least:
        return Estimate(value=value, unit=unit, n_subjects=n, undefined="no interval: no residual variance")
    ends = _ends(squares, form, (1 + confidence) / 2)
    if ends is None:
        return Estimate(
            value=value, unit=unit, n_subjects=n, undefined="no interval: the subjects vary too little"
        )
    lower, upper = ends
    return Estimate(
        value=value,
        lower=lower,
        upper=upper,
        confidence=confidence,
        method=f"f_distribution(icc {form})",
        unit=unit,
        n_subjects=n,
    )


def icc_test(ratings: ArrayLike, *, model: Literal["1", "2", "3"]) -> Significance:
    """F test that the subjects differ no more than raters do within them (the ICC is 0), one-sided.

    Returns
    -------
    Significance
        `degrees_of_freedom` is the denominator's; the numerator has n_subjects - 1.

    Examples
    --------
    >>> rated = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    >>> test = icc_test(rated, model="1")
    >>> round(test.statistic, 3), test.degrees_of_freedom, round(test.p_value, 3)
    (1.795, 18.0, 0.165)
    """
    table = _ratings(ratings)
    n, k = table.shape
    name = f"f_test(icc model {model}, one-sided)"
    if n < 2 or k < 2:
        return Significance(None, None, name, undefined="fewer than two subjects or raters")
    squares = mean_squares(table)
    noise, free = (squares.within, n * (k - 1)) if model == "1" else (squares.error, (n - 1) * (k - 1))
    if noise == 0:
        return Significance(None, None, name, float(free), undefined="no residual variance")
    statistic = squares.between / noise
    return Significance(float(special.fdtrc(n - 1, free, statistic)), statistic, name, float(free))


def mean_squares(table: FloatArray) -> MeanSquares:
    """Mean squares of a two-way table without replication.

    Examples
    --------
    >>> squares = mean_squares(np.array([[1.0, 2.0], [3.0, 4.0]]))
    >>> squares.between, squares.raters, squares.error, squares.within
    (4.0, 1.0, 0.0, 0.5)
    """
    n, k = table.shape
    mean, subjects, raters = table.mean(), table.mean(axis=1), table.mean(axis=0)
    residual = float(((table - subjects[:, None] - raters[None, :] + mean) ** 2).sum())
    of_raters = float(n * ((raters - mean) ** 2).sum())
    return MeanSquares(
        between=float(k * ((subjects - mean) ** 2).sum() / (n - 1)),
        raters=of_raters / (k - 1),
        error=residual / ((n - 1) * (k - 1)),
        within=(of_raters + residual) / (n * (k - 1)),
        n=n,
        k=k,
    )


def _single(squares: MeanSquares, form: Form) -> tuple[float, float]:
    """Variance of the subjects, and all variance of a single rating."""
    noise = squares.within if form.startswith("1") else squares.error
    extra = squares.k * (squares.raters - squares.error) / squares.n if form.startswith("2") else 0.0
    return squares.between - noise, squares.between + (squares.k - 1) * noise + extra


def _value(squares: MeanSquares, form: Form) -> float:
    true, total = _single(squares, form)
    if form.endswith("1"):
        return true / total
    extra = (squares.raters - squares.error) / squares.n if form.startswith("2") else 0.0
    return true / (squares.between + extra)


def _ends(squares: MeanSquares, form: Form, quantile: float) -> tuple[float, float] | None:
    """Ends of the interval; None where one of them is no number or lies beyond where a mean of k has any."""
    n, k = squares.n, squares.k
    if form.startswith("2"):
        single = _agreement(squares, quantile)
    else:
        noise, free = (
            (squares.within, n * (k - 1)) if form.startswith("1") else (squares.error, (n - 1) * (k - 1))
        )
        f = squares.between / noise
        low = float(f / special.fdtri(n - 1, free, quantile))
        high = float(f * special.fdtri(free, n - 1, quantile))
        single = (low - 1) / (low + k - 1), (high - 1) / (high + k - 1)
    if not np.isfinite(single).all() or single[0] > single[1]:
        return None
    if form.endswith("1"):
        return single
    if 1 + (k - 1) * single[0] <= SAME_FIGURE:
        return None
    lower, upper = (k * end / (1 + (k - 1) * end) for end in single)  # Spearman and Brown
    return lower, upper


def _agreement(squares: MeanSquares, quantile: float) -> tuple[float, float]:
    """McGraw and Wong, table 7, case 2: degrees of freedom by Satterthwaite; NaN where they do not exist."""
    n, k = squares.n, squares.k
    between, raters, error = squares.between, squares.raters, squares.error
    value = (between - error) / (between + (k - 1) * error + k * (raters - error) / n)
    if value >= 1:
        return float("nan"), float("nan")
    a = k * value / (n * (1 - value))
    b = 1 + k * value * (n - 1) / (n * (1 - value))
    spread = (a * raters) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1))
    free = (a * raters + b * error) ** 2 / spread if spread > 0 else 0.0
    if free <= 0:
        return float("nan"), float("nan")
    low, high = float(special.fdtri(n - 1, free, quantile)), float(special.fdtri(free, n - 1, quantile))
    rest = k * raters + (k * n - k - n) * error
    below, above = low * rest + n * between, rest + n * high * between
    if not (np.isfinite(below) and np.isfinite(above)) or below <= 0 or above <= 0:
        return float("nan"), float("nan")
    return n * (between - low * error) / below, n * (high * between - error) / above


def _ratings(ratings: ArrayLike) -> FloatArray:
    table = np.asarray(ratings, dtype=np.float64)
    if table.ndim != 2 or table.size == 0 or not np.isfinite(table).all():
        raise WrongUse(
            found=f"ratings of shape {table.shape}, {int((~np.isfinite(table)).sum())} of them not finite",
            wanted="a row a subject, a rating of every rater in it",
            remedy="Leave out what was not rated, and say how many they are.",
        )
    return table
