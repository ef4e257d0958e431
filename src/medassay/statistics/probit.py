"""Probit regression of a hit rate on concentration, and the concentrations of chosen hit rates.

Serves C5, C50 and C95 of qualitative procedures (EP12) and the LoD of molecular ones (EP17, probit approach).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.paired import (
    FloatArray,
    pairs,
    require_confidence,
    student,
    undefined,
    values,
    with_ends,
)

Scale = Literal["log10", "linear"]
NOT_FITTED = "hit rates that rise from few to many hits over two or more concentrations are needed"


@dataclass(frozen=True)
class ProbitFit:
    """Phi^-1(hit rate) = intercept + slope x; `x` is the concentration or its decadic logarithm.

    `p_fit` is the p of Pearson's chi-square: a small one says that the rates do not follow a probit.
    """

    intercept: float
    slope: float
    covariance: FloatArray
    p_fit: float | None
    concentrations: dict[float, Estimate]
    scale: Scale
    zero_left_out: int


@method(
    id="probit-hit-rate",
    task="measurement",
    zh="Probit回归（检出率-浓度）",
    en="Probit regression of hit rates",
    formula="Phi^-1(p) = a + b x by maximum likelihood; x_q = (Phi^-1(q) - a) / b, interval by Fieller",
    source="Finney, Probit Analysis, 3rd ed., 1971; CLSI EP17 and EP12 (not checked against the texts)",
    check="statsmodels GLM; Bliss's beetle data as printed by Dobson",
)
def probit_hit_rates(
    concentration: ArrayLike,
    positive: ArrayLike,
    total: ArrayLike,
    *,
    hit_rates: Sequence[float] = (0.05, 0.5, 0.95),
    scale: Scale = "log10",
    confidence: float = 0.95,
    unit: str = "1",
) -> ProbitFit | Estimate:
    """Concentrations at which given shares of results are positive.

    Parameters
    ----------
    concentration : shape (n,), in `unit`, not negative
        One entry a level.
    positive, total : shape (n,), counts
        Positive results of all results.
    scale : "log10" or "linear"
        On a log scale, levels of zero carry no information on the slope: they are left out and counted.

    Returns
    -------
    ProbitFit or Estimate
        An estimate without a value, with its reason, where levels without any hit and levels with nothing but
        hits do not overlap (the slope is then unbounded) or the rate does not rise.

    Raises
    ------
    WrongUse
        For counts that are not whole or exceed their total, or negative concentrations.

    Examples
    --------
    >>> found = probit_hit_rates([1, 2, 4, 8], [2, 8, 15, 19], [20, 20, 20, 20])
    >>> round(found.concentrations[0.5].value, 2)
    2.45
    """
    require_confidence(confidence)
    level, hits = pairs(concentration, positive, names=("concentration", "positive"))
    count = values(total, "total")
    _require_counts(level, hits, count)
    if not hit_rates or any(not 0 < rate < 1 for rate in hit_rates):
        raise WrongUse(found="a hit rate outside (0, 1)", wanted="shares", remedy="Use 0.05, 0.5, 0.95.")
    used = count > 0
    zero = 0
    if scale == "log10":
        zero = int(np.count_nonzero(used & (level == 0)))
        used &= level > 0
    level, hits, count = level[used], hits[used], count[used]
    x = np.log10(level) if scale == "log10" else level
    fitted = _fit(x, hits, count)
    results = int(count.sum())
    if fitted is None:
        return undefined(results, NOT_FITTED, unit)
    intercept, slope, covariance = fitted
    found = {
        rate: _at(rate, intercept, slope, covariance, scale, results, confidence, unit) for rate in hit_rates
    }
    return ProbitFit(
        intercept, slope, covariance, _p_fit(x, hits, count, intercept, slope), found, scale, zero
    )


def _fit(x: FloatArray, hits: FloatArray, count: FloatArray) -> tuple[float, float, FloatArray] | None:
    """Fisher scoring on standardised x; None where the likelihood has no maximum with a rising slope."""
    from scipy.special import ndtri

    if len(np.unique(x)) < 2 or _separated(x, hits, count):
        return None
    centre, width = float(np.average(x, weights=count)), float(np.ptp(x))
    design = np.column_stack([np.ones(len(x)), (x - centre) / width])
    beta = np.array([ndtri((hits.sum() + 0.5) / (count.sum() + 1)), 1.0])
    for _ in range(200):
        weight, score = _working(design @ beta, hits, count)
        information = design.T @ (design * weight[:, None])
        step = np.linalg.solve(information, design.T @ score)
        # A step of more than two standard deviations overshoots where rates are near 0 or 1.
        step *= min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-300))
        beta = beta + step
        if np.abs(step).max() <= 1e-12:
            break
    else:
        return None
    if beta[1] <= 0:
        return None
    weight, _ = _working(design @ beta, hits, count)
    # Back from (x - centre) / width to x.
    back = np.array([[1.0, -centre / width], [0.0, 1 / width]])
    covariance = back @ np.linalg.inv(design.T @ (design * weight[:, None])) @ back.T
    intercept, slope = back @ beta
    return float(intercept), float(slope), covariance


def _working(eta: FloatArray, hits: FloatArray, count: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Weights and scores of Fisher scoring, on the log scale so that far tails stay finite."""
    from scipy.special import log_ndtr

    log_density = -0.5 * eta**2 - 0.5 * np.log(2 * np.pi)
    up, down = np.exp(log_density - log_ndtr(eta)), np.exp(log_density - log_ndtr(-eta))
    weight: FloatArray = count * up * down
    score: FloatArray = hits * up - (count - hits) * down
    return weight, score


def _separated(x: FloatArray, hits: FloatArray, count: FloatArray) -> bool:
    """Whether all misses lie at or below all hits (or the reverse), or there are only hits or only misses."""
    hit, missed = x[hits > 0], x[hits < count]
    if len(hit) == 0 or len(missed) == 0:
        return True
    return bool(missed.max() <= hit.min() or hit.max() <= missed.min())


def _at(
    rate: float,
    intercept: float,
    slope: float,
    covariance: FloatArray,
    scale: Scale,
    results: int,
    confidence: float,
    unit: str,
) -> Estimate:
    """Concentration of a hit rate with Fieller's interval."""
    from scipy.special import ndtri

    target = float(ndtri(rate))
    value = (target - intercept) / slope
    square = student(confidence, None) ** 2
    # (a + b x - z)^2 = k^2 var(a + b x), a quadratic in x.
    second = slope**2 - square * covariance[1, 1]
    first = 2 * (slope * (intercept - target) - square * covariance[0, 1])
    constant = (intercept - target) ** 2 - square * covariance[0, 0]
    root = first**2 - 4 * second * constant
    if second > 0 and root > 0:
        ends = [(-first + sign * float(np.sqrt(root))) / (2 * second) for sign in (-1, 1)]
    else:
        ends = [-np.inf, np.inf]
    if scale == "log10":
        value = 10**value
        ends = [10.0**end if abs(end) < 300 else np.inf for end in ends]
    return with_ends(value, float(ends[0]), float(ends[1]), results, confidence, f"fieller({scale})", unit)


def _p_fit(
    x: FloatArray, hits: FloatArray, count: FloatArray, intercept: float, slope: float
) -> float | None:
    from scipy.special import ndtr
    from scipy.stats import chi2

    free = len(x) - 2
    if free < 1:
        return None
    expected = count * ndtr(intercept + slope * x)
    variance = expected * (1 - expected / count)
    gone = variance > 0
    pearson = float(((hits - expected)[gone] ** 2 / variance[gone]).sum())
    return float(chi2.sf(pearson, free))


def _require_counts(level: FloatArray, hits: FloatArray, count: FloatArray) -> None:
    whole = hits.shape == count.shape and not ((hits % 1 != 0).any() or (count % 1 != 0).any())
    if not whole or (hits < 0).any() or (hits > count).any() or (level < 0).any():
        raise WrongUse(
            found="counts that are not whole or exceed their total, or a negative concentration",
            wanted="0 <= positive <= total at concentrations of zero or more",
            remedy="Give one entry a level: concentration, positive results, all results.",
        )
