"""The area under the ROC curve with DeLong's variance, and the comparison of two areas.

The area is the probability that a positive case scores higher than a negative one, a tie counting half. Its
variance comes from *placements*: how large a share of the other class each case beats. Placements are read
off one sorted array of each class, so everything here is O(n log n); nothing loops over pairs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.intervals import (
    SMALLEST_VARIANCE,
    normal_interval,
    normal_quantile,
    not_estimable,
    require_confidence,
    with_interval,
    without_interval,
)
from medassay.statistics.scored import ONE_CLASS, BoolArray, FloatArray, binary_labels, scores_of

SMALLEST_SHARE = 1e-12  # next to 0 and 1, where Newcombe's quadratic has a root that is no end

AucInterval = Literal["delong", "delong_logit", "newcombe"]


@dataclass(frozen=True)
class AreaVariance:
    """An area and its variance; None where a class has fewer than two cases."""

    area: float
    variance: float | None


@dataclass(frozen=True)
class AreaComparison:
    """Two areas of one reference standard, their difference (first minus second), and the test that it is 0."""

    first: float | None
    second: float | None
    difference: Estimate
    covariance: float | None  # of the two areas; None where the cases are different people
    statistic: float | None
    degrees_of_freedom: float | None  # None: the statistic is normal
    p_value: float | None
    test: str


def placements(labels: BoolArray, scores: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Shares of the other class that each case is on the right side of, a tie counting half.

    Returns
    -------
    positives, negatives : shape (n_positive,), (n_negative,)
        Each in the order of the cases. The mean of either is the area.

    Examples
    --------
    >>> p, n = placements(np.array([True, False, False]), np.array([2.0, 1.0, 2.0]))
    >>> p.tolist(), n.tolist()
    ([0.75], [1.0, 0.5])
    """
    above, below = scores[labels], scores[~labels]
    return _shares_below(above, below), 1 - _shares_below(below, above)


def area_variance(labels: ArrayLike, scores: ArrayLike) -> AreaVariance | None:
    """The area and DeLong's variance; None when one class is absent.

    Examples
    --------
    >>> area_variance([0, 0, 1, 1], [1, 2, 2, 3])
    AreaVariance(area=0.875, variance=0.03125)
    """
    flags = binary_labels(labels)
    values = scores_of(scores, len(flags))
    if flags.all() or not flags.any():
        return None
    positives, negatives = placements(flags, values)
    return AreaVariance(float(positives.mean()), _variance(positives, negatives))


@method(
    id="roc-auc-delong",
    task="classification",
    zh="受试者工作特征曲线下面积",
    en="area under the ROC curve",
    formula="AUC = mean over (positive, negative) pairs of [s+ > s-] + 1/2 [s+ = s-]; var = S10/m + S01/n",
    source="DeLong, DeLong and Clarke-Pearson, Biometrics 44:837-845, 1988",
    check="R pROC 1.18.0 (aSAH and others); scikit-learn roc_auc_score",
)
def auc(
    labels: ArrayLike,
    scores: ArrayLike,
    *,
    interval: AucInterval = "delong",
    confidence: float = 0.95,
) -> Estimate:
    """Area under the empirical ROC curve of independent cases, higher score meaning positive.

    Parameters
    ----------
    labels : shape (n_cases,), 0 or 1
    scores : shape (n_cases,), finite
        Only their order counts. Cases of one person are not independent: see `clustered_roc`.
    interval : "delong", "delong_logit" or "newcombe"
        Normal on the area itself, cut at 0 and 1; normal on its logit; or Newcombe's score interval, which
        needs no variance of the sample and so exists where the classes are perfectly apart.

    Returns
    -------
    Estimate
        In [0, 1]. Not estimable when one class is absent. No interval where DeLong's variance does not exist
        (fewer than two cases of a class) or is zero (perfect separation); "newcombe" has one there.

    References
    ----------
    DeLong et al., Biometrics 44:837-845, 1988; Sun and Xu, IEEE Signal Process Lett 21:1389-1393, 2014 (by
    midranks); Pepe, The Statistical Evaluation of Medical Tests, 2003, 5.2.4 (logit); Newcombe, Stat Med
    25:559-573, 2006, method 5.

    Examples
    --------
    >>> e = auc([0, 0, 0, 1, 1, 1], [1, 2, 4, 3, 5, 6])
    >>> round(e.value, 4), round(e.lower, 4), e.upper
    (0.8889, 0.5809, 1.0)
    """
    require_confidence(confidence)
    found = area_variance(labels, scores)
    n = len(np.asarray(labels))
    if found is None:
        return not_estimable(ONE_CLASS, n)
    if interval == "newcombe":
        positives = int(np.asarray(labels).sum())
        lower, upper = _newcombe(found.area, positives, n - positives, normal_quantile(confidence))
        return with_interval(
            found.area, lower, upper, confidence=confidence, method="newcombe_2006_method_5", n_subjects=n
        )
    if interval == "delong_logit":
        return logit_interval(found, n, confidence=confidence, method="delong_logit")
    return normal_interval(
        found.area, found.variance, confidence=confidence, method="delong", n_subjects=n, bounds=(0, 1)
    )


@method(
    id="roc-auc-delong-paired",
    task="comparison",
    zh="配对DeLong检验",
    en="paired DeLong test of two AUCs",
    formula="Z = (AUC1 - AUC2) / sqrt(v1 + v2 - 2 cov)",
    source="DeLong, DeLong and Clarke-Pearson, Biometrics 44:837-845, 1988",
    check="R pROC 1.18.0 roc.test(paired = TRUE)",
)
def auc_difference(
    labels: ArrayLike, first: ArrayLike, second: ArrayLike, *, confidence: float = 0.95
) -> AreaComparison:
    """Two scores of the same independent cases: the difference of their areas, normal interval and test.

    Examples
    --------
    >>> c = auc_difference([0, 0, 0, 1, 1, 1], [1, 2, 4, 3, 5, 6], [1, 5, 2, 3, 4, 6])
    >>> round(c.difference.value, 4), round(c.p_value, 3)
    (0.1111, 0.724)
    """
    flags = binary_labels(labels)
    pair = [scores_of(scores, len(flags)) for scores in (first, second)]
    if flags.all() or not flags.any():
        return _no_comparison(len(flags), "paired_delong")
    placed = [placements(flags, scores) for scores in pair]
    areas = [float(positives.mean()) for positives, _ in placed]
    variances = [_variance(*both) for both in placed]
    covariance = _covariance(placed[0], placed[1])
    variance = None
    if covariance is not None and variances[0] is not None and variances[1] is not None:
        variance = variances[0] + variances[1] - 2 * covariance
    return compared_areas(
        areas[0], areas[1], variance, covariance, n=len(flags), confidence=confidence, test="paired_delong"
    )


@method(
    id="roc-auc-delong-unpaired",
    task="comparison",
    zh="非配对DeLong检验",
    en="unpaired DeLong test of two AUCs",
    formula="D = (AUC1 - AUC2) / sqrt(v1 + v2), Student's t with Satterthwaite's df",
    source="DeLong et al., Biometrics 44:837-845, 1988; degrees of freedom as in R's pROC",
    check="R pROC 1.18.0 roc.test(paired = FALSE)",
)
def auc_difference_unpaired(
    first: tuple[ArrayLike, ArrayLike],
    second: tuple[ArrayLike, ArrayLike],
    *,
    reference: Literal["welch_t", "normal"] = "welch_t",
    confidence: float = 0.95,
) -> AreaComparison:
    """Areas of two groups of different people, first minus second.

    Parameters
    ----------
    first, second : (labels, scores)
    reference : "welch_t" or "normal"
        What D is held against: Student's t with (v1 + v2)^2 / (v1^2/(n1 - 1) + v2^2/(n2 - 1)) degrees, n the
        cases of each group (pROC), or the normal distribution.

    Examples
    --------
    >>> one = ([0, 0, 0, 1, 1, 1], [1, 2, 4, 3, 5, 6])
    >>> c = auc_difference_unpaired(one, ([0, 0, 1, 1], [1, 2, 2, 3]))
    >>> round(c.difference.value, 4), round(c.degrees_of_freedom, 2)
    (0.0139, 6.99)
    """
    sizes = [len(np.asarray(labels)) for labels, _ in (first, second)]
    groups = [area_variance(*group) for group in (first, second)]
    test = f"unpaired_delong({reference})"
    one, other = groups
    if one is None or other is None:
        return _no_comparison(sum(sizes), test)
    variance = freedom = None
    if one.variance is not None and other.variance is not None:
        variance = one.variance + other.variance
        if reference == "welch_t" and variance > SMALLEST_VARIANCE:
            freedom = variance**2 / (one.variance**2 / (sizes[0] - 1) + other.variance**2 / (sizes[1] - 1))
    return compared_areas(
        one.area,
        other.area,
        variance,
        None,
        n=sum(sizes),
        confidence=confidence,
        test=test,
        freedom=freedom,
    )


def compared_areas(
    first: float,
    second: float,
    variance: float | None,
    covariance: float | None,
    *,
    n: int,
    confidence: float,
    test: str,
    freedom: float | None = None,
) -> AreaComparison:
    """The interval and the test of a difference whose variance is known; none of either where that is zero."""
    require_confidence(confidence)
    difference = first - second
    quantile = None if freedom is None else float(special.stdtrit(freedom, (1 + confidence) / 2))
    estimate = normal_interval(
        difference,
        variance,
        confidence=confidence,
        method=test,
        n_subjects=n,
        bounds=(-1, 1),
        quantile=quantile,
    )
    if estimate.lower is None or variance is None:
        return AreaComparison(first, second, estimate, covariance, None, None, None, test)
    statistic = difference / math.sqrt(variance)
    tail = special.ndtr(-abs(statistic)) if freedom is None else special.stdtr(freedom, -abs(statistic))
    return AreaComparison(first, second, estimate, covariance, statistic, freedom, float(2 * tail), test)


def logit_interval(found: AreaVariance, n: int, *, confidence: float, method: str) -> Estimate:
    """Normal on the logit of the area, by the delta method; none at 0 and 1."""
    area = found.area
    if found.variance is None:
        return without_interval(area, "too few subjects to tell the variance from", n)
    if not 0 < area < 1 or found.variance <= SMALLEST_VARIANCE:
        return without_interval(area, "the logit or its variance does not exist", n)
    centre = math.log(area / (1 - area))
    half = normal_quantile(confidence) * math.sqrt(found.variance) / (area * (1 - area))
    lower, upper = (1 / (1 + math.exp(-(centre + sign * half))) for sign in (-1, 1))
    return with_interval(area, lower, upper, confidence=confidence, method=method, n_subjects=n)


def _shares_below(scores: FloatArray, others: FloatArray) -> FloatArray:
    ordered = np.sort(others)
    left = np.searchsorted(ordered, scores, side="left")
    right = np.searchsorted(ordered, scores, side="right")
    shares: FloatArray = (left + right) / (2 * len(ordered))
    return shares


def _variance(positives: FloatArray, negatives: FloatArray) -> float | None:
    return _covariance((positives, negatives), (positives, negatives))


def _covariance(first: tuple[FloatArray, FloatArray], second: tuple[FloatArray, FloatArray]) -> float | None:
    """Covariance of two areas from their placements, the classes apart."""
    total = 0.0
    for one, other in zip(first, second, strict=True):
        n = len(one)
        if n < 2:
            return None
        total += float((one - one.mean()) @ (other - other.mean())) / (n - 1) / n
    return total


def _newcombe(area: float, positives: int, negatives: int, z: float) -> tuple[float, float]:
    """Ends where (area - t)^2 = z^2 V(t), V by Hanley and McNeil's exponential model with equal sizes."""
    half = (positives + negatives) / 2 - 1

    def beyond(t: float) -> float:
        spread = t * (1 - t) * (1 + half * (1 - t) / (2 - t) + half * t / (1 + t)) / (positives * negatives)
        return (area - t) ** 2 - z**2 * spread

    # beyond is positive at 0 and 1 and negative next to the area; at an area of 0 or 1 that end is a root.
    inside = min(max(area, SMALLEST_SHARE), 1 - SMALLEST_SHARE)
    lower = 0.0 if area == 0 else float(optimize.brentq(beyond, 0.0, inside, xtol=1e-14))
    upper = 1.0 if area == 1 else float(optimize.brentq(beyond, inside, 1.0, xtol=1e-14))
    return lower, upper


def _no_comparison(n: int, test: str) -> AreaComparison:
    return AreaComparison(None, None, not_estimable(ONE_CLASS, n), None, None, None, None, test)
