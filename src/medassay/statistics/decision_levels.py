"""Bias between two procedures at medical decision levels, from the fitted line, against allowable bias (EP09)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.acceptance import Criterion, judge
from medassay.statistics.deming import fit_deming, fit_weighted_deming
from medassay.statistics.least_squares import fit_least_squares
from medassay.statistics.line import jackknife_error
from medassay.statistics.paired import (
    FloatArray,
    bare,
    pairs,
    require_confidence,
    undefined,
    values,
    with_ends,
    with_error,
)
from medassay.statistics.passing_bablok import passing_bablok
from medassay.statistics.resampling import percentile_interval, resampling_blocks

Regression = Literal["least_squares", "weighted_least_squares", "deming", "weighted_deming", "passing_bablok"]

SAMPLES_NEEDED = 40
LARGEST_BOOTSTRAP = 600  # pairs: resampled Passing-Bablok lines keep all pairwise slopes


@dataclass(frozen=True)
class BiasAtLevel:
    """Predicted bias y - x at a level, in the unit of the values and in percent of the level."""

    level: float
    bias: Estimate
    percent: Estimate
    criterion: Criterion | None
    extrapolated: bool  # the level lies outside the comparator's values


@method(
    id="bias-at-decision-levels",
    task="measurement",
    zh="医学决定水平处的偏倚",
    en="Bias at medical decision levels",
    formula="B(x) = a + (b - 1) x; interval analytical, by jackknife, or by bootstrap of items (Passing-Bablok)",
    source="CLSI EP09-A3, section 7",
    check="Analyse-it values of the mcr test cases",
)
def bias_at_decision_levels(
    x: ArrayLike,
    y: ArrayLike,
    levels: Sequence[float],
    *,
    regression: Regression = "deming",
    error_ratio: float = 1.0,
    allowable: Sequence[float] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    replicates: int = 1000,
    unit: str = "1",
) -> tuple[BiasAtLevel, ...]:
    """Bias of a candidate against a comparator at the levels where decisions are made.

    Parameters
    ----------
    x, y : shape (n,), in `unit`
        Comparator and candidate, one pair an item; EP09 demands 40 and more.
    levels : float, in `unit`
    regression : str
        Which line. Intervals: analytical for least squares, Student's t over the jackknife for Deming,
        percentile bootstrap of items for Passing-Bablok (up to 600 pairs).
    error_ratio : float
        For Deming: var(error of x) / var(error of y).
    allowable : float a level, in `unit`, or None
        The whole interval must lie within -+ this.

    Returns
    -------
    tuple of BiasAtLevel
        Not estimable where the line is not.

    Examples
    --------
    >>> x = np.arange(1.0, 41.0)
    >>> found = bias_at_decision_levels(x, x + 1 + 0.1 * np.sin(x), [10.0], allowable=[2.0])
    >>> round(found[0].bias.value, 2), found[0].criterion.verdict
    (1.0, 'met')
    """
    require_confidence(confidence)
    first, second = pairs(x, y, positive=regression.startswith("weighted"))
    at = values(list(levels), "levels")
    if allowable is not None and len(allowable) != len(at):
        raise WrongUse(
            found=f"{len(allowable)} allowable biases for {len(at)} levels",
            wanted="one a level",
            remedy="Give them in the order of the levels.",
        )
    biases = _biases(first, second, at, regression, error_ratio, confidence, seed, replicates, unit)
    found = []
    for place, (level, bias) in enumerate(zip(at.tolist(), biases, strict=True)):
        outside = len(first) == 0 or not first.min() <= level <= first.max()
        criterion = None if allowable is None else _within(bias, allowable[place], len(first))
        found.append(BiasAtLevel(level, bias, _percent(bias, level), criterion, bool(outside)))
    return tuple(found)


def _biases(
    x: FloatArray,
    y: FloatArray,
    levels: FloatArray,
    regression: Regression,
    error_ratio: float,
    confidence: float,
    seed: int,
    replicates: int,
    unit: str,
) -> list[Estimate]:
    n = len(x)
    if regression == "passing_bablok":
        return _of_passing_bablok(x, y, levels, confidence, seed, replicates, unit)
    if regression in ("least_squares", "weighted_least_squares"):
        line = fit_least_squares(x, y, "equal" if regression == "least_squares" else "inverse_square")
        if line is None:
            return [undefined(n, "no line: fewer than three pairs, or one value of x", unit) for _ in levels]
        return [
            with_error(
                line.intercept + (line.slope - 1) * level,
                line.error_at(level),
                n - 2,
                n,
                confidence,
                f"student({regression})",
                unit,
            )
            for level in levels.tolist()
        ]
    fit = (fit_deming if regression == "deming" else fit_weighted_deming)(x, y, error_ratio)
    if fit is None:
        return [undefined(n, "no line: fewer than three pairs, or no correlation", unit) for _ in levels]
    found = []
    for level in levels.tolist():
        value = fit.intercept + (fit.slope - 1) * level
        without = fit.left_out[:, 1] + (fit.left_out[:, 0] - 1) * level
        error = jackknife_error(value, without) if np.isfinite(without).all() else None
        found.append(with_error(value, error, n - 2, n, confidence, f"jackknife({regression})", unit))
    return found


def _of_passing_bablok(
    x: FloatArray,
    y: FloatArray,
    levels: FloatArray,
    confidence: float,
    seed: int,
    replicates: int,
    unit: str,
) -> list[Estimate]:
    n = len(x)
    line = passing_bablok(x, y)
    slope, intercept = line.slope.value, line.intercept.value
    if slope is None or intercept is None:
        return [undefined(n, f"no line: {line.slope.undefined}", unit) for _ in levels]
    bias = [intercept + (slope - 1) * level for level in levels.tolist()]
    if n > LARGEST_BOOTSTRAP:
        return [bare(value, n, f"no bootstrap beyond {LARGEST_BOOTSTRAP} pairs", unit) for value in bias]
    resampled = _resampled_lines(x, y, slope >= 0, seed, replicates)
    if len(resampled) < 0.99 * replicates:
        return [bare(value, n, "too many resamples have no line", unit) for value in bias]
    how = f"bootstrap_percentile(items, replicates={replicates}, seed={seed})"
    found = []
    for value, level in zip(bias, levels.tolist(), strict=True):
        ends = percentile_interval(resampled[:, 1] + (resampled[:, 0] - 1) * level, confidence)
        found.append(with_ends(value, *ends, n, confidence, how, unit))
    return found


def _resampled_lines(x: FloatArray, y: FloatArray, rising: bool, seed: int, replicates: int) -> FloatArray:
    """Slope and intercept of each resample of items: the slopes are sorted once, a resample only weighs them.

    A pair of different items counts as often as both are drawn; copies of one item have no slope between them.
    """
    first, second = np.triu_indices(len(x), 1)
    dx, dy = x[second] - x[first], y[second] - y[first]
    kept = (dx != 0) | (dy != 0)
    first, second, dx, dy = first[kept], second[kept], dx[kept], dy[kept]
    steep = np.inf if rising else -np.inf
    slope = np.divide(dy, dx, out=np.full(len(dx), steep), where=dx != 0)
    # Falling data are the mirror image: turn them over, find the rising line, turn it back.
    turn = 1.0 if rising else -1.0
    slope = turn * slope
    order = np.argsort(slope, kind="stable")
    slope, first, second = slope[order], first[order], second[order]
    lines = []
    for weight in (row for block in resampling_blocks(len(x), replicates, seed) for row in block):
        count = weight[first] * weight[second]
        ends = np.cumsum(count)
        total = ends[-1] if len(ends) else 0.0
        shift = 2 * count[slope < -1].sum() + count[slope == -1].sum()
        rank = (total + shift + 1) / 2
        places = np.searchsorted(ends, [np.floor(rank), np.ceil(rank)])
        if total == 0 or places.max() >= len(slope) or not np.isfinite(slope[places]).all():
            continue
        b = turn * float(np.tan(np.arctan(slope[places]).mean()))
        lines.append((b, float(np.median(np.repeat(y - b * x, weight.astype(np.int64))))))
    return np.array(lines).reshape(-1, 2)


def _percent(bias: Estimate, level: float) -> Estimate:
    if bias.value is None:
        return undefined(bias.n_subjects, bias.undefined, "%")
    if level == 0:
        return undefined(bias.n_subjects, "the level is zero", "%")
    scaled = [None if end is None else 100 * end / level for end in (bias.lower, bias.upper)]
    ends = scaled if level > 0 else scaled[::-1]
    return bias.model_copy(
        update={"value": 100 * bias.value / level, "lower": ends[0], "upper": ends[1], "unit": "%"}
    )


def _within(bias: Estimate, allowable: float, n: int) -> Criterion:
    if not (np.isfinite(allowable) and allowable > 0):
        raise WrongUse(
            found=f"allowable bias {allowable}", wanted="above zero", remedy="Take it from the goal."
        )
    far: Literal["lower", "upper"] = "upper"
    if bias.lower is not None and bias.upper is not None and abs(bias.lower) > abs(bias.upper):
        far = "lower"
    return judge(
        "bias at the decision level",
        bias,
        "<=",
        allowable,
        n=n,
        needed=SAMPLES_NEEDED,
        source="CLSI EP09-A3",
        end=far,
        magnitude=True,
    )
