"""Passing-Bablok regression: the shifted median of all pairwise slopes, and the test that a line fits at all.

Conventions on which tools differ, as parameters:

- `interval`: how many ranks the ends lie from the median. "published" rounds (N - C) / 2 as printed in 1983;
  "symmetric" rounds C and averages neighbours at half ranks (R mcr); "theil_sen" takes the next whole number of
  ranks (R deming).
- `ties`: whether equal values of x narrow the "theil_sen" interval: "ignored"; "variance" takes them from the
  variance as Kendall does; "standard_deviation" takes the same sum from the standard deviation, which is what
  R deming 1.4-1 computes and is too narrow.
- `average`: neighbours are averaged as angles ("radian") or as slopes ("tangent").
- `rounding`: readings and slopes of -1 are told apart exactly (0, as R mcr does after removing differences below
  1e-12 of the value) or within an absolute tolerance. With readings of few digits the choice moves the line:
  0.83 - 0.81 and 0.81 - 0.79 are not the same floating-point number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.line import Line, not_estimable
from medassay.statistics.paired import (
    FloatArray,
    bare,
    pairs,
    require_confidence,
    student,
    undefined,
    with_ends,
)
from medassay.statistics.pairwise_slopes import SlopeCounts, count_slopes, ranked_slopes

Interval = Literal["symmetric", "published", "theil_sen"]
Ties = Literal["ignored", "variance", "standard_deviation"]
Average = Literal["radian", "tangent"]
Direction = Literal["auto", "positive", "negative"]

LARGEST = 20_000  # pairs of points grow with the square: beyond this a run takes minutes


@dataclass(frozen=True)
class Ranks:
    """Where the shifted median and its ends lie among the slopes in ascending order."""

    centre: float
    half: float
    first: int  # ranks below or above these would turn past the vertical
    last: int


@method(
    id="passing-bablok",
    task="measurement",
    zh="Passing-Bablok回归",
    en="Passing-Bablok regression",
    formula="slope = median of pairwise slopes shifted by the number below -1; intercept = median(y - slope x)",
    source="Passing and Bablok, J Clin Chem Clin Biochem 21:709-720, 1983; CLSI EP09-A3",
    check="R mcr 1.3.3.1 PaBa, R deming 1.4-1 pbreg, Calanas values of the mcr test cases",
)
def passing_bablok(
    x: ArrayLike,
    y: ArrayLike,
    *,
    interval: Interval = "symmetric",
    ties: Ties = "ignored",
    average: Average = "radian",
    direction: Direction = "auto",
    rounding: float = 0.0,
    confidence: float = 0.95,
) -> Line:
    """Line that asks nothing of the distribution of errors and treats both procedures alike.

    Parameters
    ----------
    x, y : shape (n,), one unit
        Comparator and candidate, one pair an item; the slope is meant to be near 1 (or -1).
    direction : "auto", "positive" or "negative"
        Which slopes are turned round: those below -1 of rising data, those above 1 of falling data. "auto"
        goes by the sign of Kendall's tau.

    Returns
    -------
    Line
        Not estimable with fewer than three pairs or when all points lie in one place or upright. No interval
        where an end would turn past the vertical.

    Raises
    ------
    WrongUse
        For values that are not finite, or more than 20,000 pairs.

    Examples
    --------
    >>> line = passing_bablok([1, 2, 3, 4, 10, 12, 18], [9, 15, 19, 20, 45, 55, 78])  # Sen 1968
    >>> round(line.slope.value, 9), round(line.intercept.value, 9)
    (4.0, 6.0)
    """
    require_confidence(confidence)
    first, second = pairs(x, y)
    n = len(first)
    if n > LARGEST:
        raise WrongUse(
            found=f"{n} pairs", wanted=f"at most {LARGEST}", remedy="Draw a random sample of the items."
        )
    convention = f"passing_bablok(interval={interval}, ties={ties}, average={average}, rounding={rounding:g})"
    counts = count_slopes(first, second, rounding)
    if n < 3 or counts.finite == 0:
        return not_estimable(n, "fewer than three pairs, or no two values of x", convention)
    rising = direction == "positive" or (direction == "auto" and counts.rising >= counts.falling)
    ranks = _ranks(first, counts, rising, interval, ties, student(confidence, None))
    positions = (ranks.centre, ranks.centre - ranks.half, ranks.centre + ranks.half)
    slope, lower, upper = _at(first, second, positions, ranks, counts, rising, average, rounding)
    if not math.isfinite(slope):
        return not_estimable(n, "the median of the pairwise slopes is upright", convention)
    return _line(first, second, (slope, lower, upper), confidence, convention)


@dataclass(frozen=True)
class CusumTest:
    """Largest cumulated score over its scale, and how often a straight line would show as much."""

    statistic: Estimate
    p: float | None


@method(
    id="passing-bablok-cusum",
    task="measurement",
    zh="累积和线性检验",
    en="Cusum test for linearity",
    formula="H = max |cusum of scores along the line| / sqrt(L + 1), against Kolmogorov's distribution",
    source="Passing and Bablok, J Clin Chem Clin Biochem 21:709-720, 1983",
    check="worked by hand",
)
def cusum_linearity(x: ArrayLike, y: ArrayLike, line: Line) -> CusumTest:
    """Whether points above and below the line alternate as they do along a straight relation.

    Parameters
    ----------
    line : Line
        The fitted line; its slope must not be zero.

    Returns
    -------
    CusumTest
        Not estimable without a line or without points on both sides of it.

    Examples
    --------
    >>> x = np.arange(1.0, 9.0)
    >>> y = x + np.array([1, 1, 1, 1, -1, -1, -1, -1]) * 0.1
    >>> test = cusum_linearity(x, y, passing_bablok(x, y, direction="positive"))
    >>> 0 <= test.p <= 1
    True
    """
    first, second = pairs(x, y)
    n = len(first)
    slope, intercept = line.slope.value, line.intercept.value
    if slope is None or intercept is None or slope == 0:
        return CusumTest(undefined(n, "no line with a slope"), None)
    residual = second - intercept - slope * first
    residual[np.abs(residual) <= 1e-12 * np.abs(second).max(initial=0.0)] = 0.0
    above, below = int((residual > 0).sum()), int((residual < 0).sum())
    if above == 0 or below == 0:
        return CusumTest(undefined(n, "no points on both sides of the line"), None)
    score = np.where(residual > 0, math.sqrt(below / above), 0.0)
    score = np.where(residual < 0, -math.sqrt(above / below), score)
    along = np.argsort(first + slope * (second - intercept), kind="stable")
    largest = float(np.abs(np.cumsum(score[along])).max()) / math.sqrt(below + 1)
    from scipy import stats

    statistic = Estimate(value=largest, n_subjects=n, method="passing_bablok_cusum")
    return CusumTest(statistic, float(stats.kstwobign.sf(largest)))


def _ranks(
    x: FloatArray, counts: SlopeCounts, rising: bool, interval: Interval, ties: Ties, z: float
) -> Ranks:
    """Passing and Bablok's shift: slopes beyond the falling diagonal count twice, those on it once."""
    n, slopes = len(x), counts.finite + counts.upright
    if rising:
        beyond, on = counts.below, counts.at_minus_one
        first, last = beyond + on + 1, slopes
        shift = 2 * beyond + on
    else:
        beyond, on = counts.above, counts.at_one
        first, last = 1, slopes - beyond - on
        shift = -(2 * beyond + on)
    variance = n * (n - 1) * (2 * n + 5) / 18
    deviation = z * math.sqrt(variance)
    if interval == "symmetric":
        half = round(deviation) / 2
    elif interval == "published":
        counted = slopes - on
        half = (counted + 1) / 2 - round((counted - deviation) / 2)
    else:
        half = float(math.ceil(z * _tied_deviation(x, variance, ties) / 2))
    return Ranks((slopes + shift + 1) / 2, half, first, last)


def _tied_deviation(x: FloatArray, variance: float, ties: Ties) -> float:
    equal = np.unique(x, return_counts=True)[1].astype(np.float64)
    tied = float((equal * (equal - 1) * (2 * equal + 5)).sum()) / 18
    if ties == "variance":
        return math.sqrt(max(variance - tied, 0.0))
    if ties == "standard_deviation":
        return max(math.sqrt(variance) - tied, 0.0)
    return math.sqrt(variance)


def _at(
    x: FloatArray,
    y: FloatArray,
    positions: tuple[float, ...],
    ranks: Ranks,
    counts: SlopeCounts,
    rising: bool,
    average: Average,
    rounding: float,
) -> list[float]:
    """Slopes at the positions, half ranks averaged; infinite beyond the last rank that does not turn over."""
    neighbours = [(math.floor(position), math.ceil(position)) for position in positions]
    before = 0 if rising else counts.upright  # upright pairs lie at the steep end of either direction
    wanted = sorted(
        {
            rank - before
            for pair in neighbours
            for rank in pair
            if ranks.first <= rank <= ranks.last and 1 <= rank - before <= counts.finite
        }
    )
    found = dict(zip(wanted, ranked_slopes(x, y, wanted, counts, rounding), strict=True))
    out = []
    for low, high in neighbours:
        slopes = [float(found.get(rank - before, math.inf)) for rank in (low, high)]
        if not all(math.isfinite(slope) for slope in slopes):
            out.append(math.inf)
        elif slopes[0] == slopes[1] or average == "tangent":
            out.append((slopes[0] + slopes[1]) / 2)
        else:
            out.append(math.tan((math.atan(slopes[0]) + math.atan(slopes[1])) / 2))
    return out


def _line(
    x: FloatArray, y: FloatArray, slopes: tuple[float, float, float], confidence: float, convention: str
) -> Line:
    n = len(x)
    slope, lower, upper = slopes
    intercept = float(np.median(y - slope * x))
    if not (math.isfinite(lower) and math.isfinite(upper)):
        reason = "too few pairs: an end of the slope's interval turns past the vertical"
        return Line(bare(slope, n, reason), bare(intercept, n, reason), None, None, convention, n)
    ends = sorted(float(np.median(y - end * x)) for end in (lower, upper))
    return Line(
        with_ends(slope, lower, upper, n, confidence, convention),
        with_ends(intercept, ends[0], ends[1], n, confidence, convention),
        None,
        None,
        convention,
        n,
    )
