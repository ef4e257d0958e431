"""The area under the ROC curve where one person has several cases: lesions, eyes, visits.

Cases of one person are alike, so the person is the unit of every variance here. Two roads: Obuchowski's
closed form, which sums the placements of a person's cases; and the bootstrap over people, which draws a weight
for each person and reads the weighted area off arrays that were sorted once.

References
----------
Obuchowski, Biometrics 53:567-578, 1997; Field and Welsh, J R Stat Soc B 69:369-390, 2007.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.delong import (
    AreaComparison,
    AreaVariance,
    compared_areas,
    logit_interval,
    placements,
)
from medassay.statistics.intervals import (
    normal_interval,
    not_estimable,
    require_confidence,
)
from medassay.statistics.resampled_interval import resampled_interval
from medassay.statistics.resampling import resampling_blocks
from medassay.statistics.scored import (
    ONE_CLASS,
    BoolArray,
    FloatArray,
    IntArray,
    binary_labels,
    scores_of,
    subject_codes,
)

ClusteredInterval = Literal["obuchowski", "obuchowski_logit", "percentile", "bca"]

TOO_FEW = "too few subjects of one class"


@dataclass(frozen=True)
class SortedCases:
    """Cases of one score in an order in which any weighting of subjects gives its area in one pass."""

    positives: IntArray  # subject of each positive case, by score
    negatives: IntArray  # subject of each negative case, by score
    below: IntArray  # for each positive case, how many negatives score less
    reached: IntArray  # and how many score less or the same
    subjects: int


@method(
    id="roc-auc-clustered",
    task="classification",
    zh="聚类数据的受试者工作特征曲线下面积",
    en="AUC of clustered cases",
    formula="var = S10/m + S01/n + 2 S11/(m n) over sums of placements a subject; or bootstrap over subjects",
    source="Obuchowski, Biometrics 53:567-578, 1997",
    check="auc.obu of haben-michael/cluster-auc; scikit-learn roc_auc_score with sample weights a replicate",
)
def clustered_auc(
    labels: ArrayLike,
    scores: ArrayLike,
    subjects: ArrayLike,
    *,
    interval: ClusteredInterval = "obuchowski",
    seed: int = 0,
    replicates: int = 2000,
    confidence: float = 0.95,
) -> Estimate:
    """Area over all cases, with an interval whose unit is the subject.

    Parameters
    ----------
    labels : shape (n_cases,), 0 or 1
    scores : shape (n_cases,), finite
    subjects : shape (n_cases,)
        Whose case it is. A subject may have cases of one class only.
    interval : "obuchowski", "obuchowski_logit", "percentile" or "bca"
        The closed form, normal on the area (cut at 0 and 1) or on its logit; or the bootstrap over subjects.
    seed, replicates : int
        Of the bootstrap.

    Returns
    -------
    Estimate
        Not estimable when one class is absent. No interval when fewer than two subjects have a positive
        case, or a negative one; when the variance is zero; or, for the bootstrap, when over 1 % of the
        resamples lack a class or all give one area. `n_events` counts the cases.

    Notes
    -----
    With one case a subject every product in S11 is zero and the closed form is DeLong's variance.

    Examples
    --------
    >>> e = clustered_auc([0, 0, 0, 1, 1, 1], [1, 2, 4, 3, 5, 6], [1, 1, 2, 2, 3, 3])
    >>> round(e.value, 4), round(e.lower, 4)
    (0.8889, 0.4074)
    """
    require_confidence(confidence)
    flags, values, codes, count = _checked(labels, scores, subjects)
    if flags.all() or not flags.any():
        return not_estimable(ONE_CLASS, count, n_events=len(flags))
    if interval in ("obuchowski", "obuchowski_logit"):
        area, variance = _area_and_variance(flags, [values], codes, count)
        estimate = _closed(area[0], variance, count, interval, confidence)
    else:
        estimate = _resampled(flags, values, codes, count, interval, seed, replicates, confidence)
    return estimate.model_copy(update={"n_events": float(len(flags))})


def clustered_area_variance(labels: ArrayLike, scores: ArrayLike, subjects: ArrayLike) -> AreaVariance | None:
    """The area over all cases and Obuchowski's variance; None when one class is absent.

    Examples
    --------
    >>> clustered_area_variance([0, 0, 1, 1], [1, 2, 2, 3], [1, 2, 3, 4])
    AreaVariance(area=0.875, variance=0.03125)
    """
    flags, values, codes, count = _checked(labels, scores, subjects)
    if flags.all() or not flags.any():
        return None
    area, covariance = _area_and_variance(flags, [values], codes, count)
    return AreaVariance(area[0], None if covariance is None else float(covariance[0, 0]))


@method(
    id="roc-auc-clustered-difference",
    task="comparison",
    zh="聚类数据曲线下面积之差",
    en="difference of two AUCs of clustered cases",
    formula="Z = (AUC1 - AUC2) / sqrt(var1 + var2 - 2 cov), each over sums of placements a subject",
    source="Obuchowski, Biometrics 53:567-578, 1997",
    check="DeLong where every subject has one case; bootstrap over subjects",
)
def clustered_auc_difference(
    labels: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    subjects: ArrayLike,
    *,
    interval: Literal["obuchowski", "percentile"] = "obuchowski",
    seed: int = 0,
    replicates: int = 2000,
    confidence: float = 0.95,
) -> AreaComparison:
    """Two scores of the same cases of the same subjects: first minus second.

    Returns
    -------
    AreaComparison
        The percentile interval comes without a test: `statistic` and `p_value` are None there.

    Examples
    --------
    >>> c = clustered_auc_difference(
    ...     [0, 0, 0, 1, 1, 1], [1, 2, 4, 3, 5, 6], [1, 5, 2, 3, 4, 6], [1, 1, 2, 2, 3, 3])
    >>> round(c.difference.value, 4), round(c.p_value, 3)
    (0.1111, 0.737)
    """
    flags, one, codes, count = _checked(labels, first, subjects)
    other = scores_of(second, len(flags))
    test = f"clustered({interval})"
    if flags.all() or not flags.any():
        return AreaComparison(None, None, not_estimable(ONE_CLASS, count), None, None, None, None, test)
    areas, covariance = _area_and_variance(flags, [one, other], codes, count)
    if interval == "obuchowski":
        variance = None
        if covariance is not None:
            variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
        shared = None if covariance is None else float(covariance[0, 1])
        return compared_areas(areas[0], areas[1], variance, shared, n=count, confidence=confidence, test=test)
    pair = [sort_cases(flags, scores, codes, count) for scores in (one, other)]
    drawn = replicated_areas(pair, replicates=replicates, seed=seed)
    difference = resampled_interval(
        Estimate(value=areas[0] - areas[1], n_subjects=count),
        drawn[:, 0] - drawn[:, 1],
        interval="percentile",
        confidence=confidence,
        seed=seed,
        too_few=TOO_FEW,
    )
    return AreaComparison(areas[0], areas[1], difference, None, None, None, None, test)


def sort_cases(labels: BoolArray, scores: FloatArray, subjects: IntArray, count: int) -> SortedCases:
    """Sort once; every later weighting of subjects is a pass over the result.

    Parameters
    ----------
    subjects : shape (n_cases,), 0 .. count - 1
    """
    positive, negative = scores[labels], scores[~labels]
    by_score, ordered = np.argsort(positive, kind="stable"), np.argsort(negative, kind="stable")
    sorted_negative = negative[ordered]
    # Positives by score too: the gathers of a replicate then walk memory forwards.
    sorted_positive = positive[by_score]
    return SortedCases(
        positives=subjects[labels][by_score],
        negatives=subjects[~labels][ordered],
        below=np.searchsorted(sorted_negative, sorted_positive, side="left"),
        reached=np.searchsorted(sorted_negative, sorted_positive, side="right"),
        subjects=count,
    )


def weighted_area(cases: SortedCases, weights: FloatArray) -> float:
    """The area when each subject's cases count `weights` times; NaN when a class has no weight.

    Examples
    --------
    >>> cases = sort_cases(np.array([True, False, False]), np.array([2.0, 1.0, 2.0]), np.arange(3), 3)
    >>> weighted_area(cases, np.array([1.0, 1, 1])), weighted_area(cases, np.array([1.0, 2, 0]))
    (0.75, 1.0)
    """
    heavy = weights[cases.positives]
    reach = np.zeros(len(cases.negatives) + 1)
    np.cumsum(weights[cases.negatives], out=reach[1:])
    pairs = 2.0 * float(heavy.sum()) * float(reach[-1])
    if pairs == 0:
        return float("nan")
    return float(heavy @ (reach[cases.below] + reach[cases.reached])) / pairs


def replicated_areas(cases: Sequence[SortedCases], *, replicates: int, seed: int) -> FloatArray:
    """Areas of several scores under one drawing of subjects, shape (replicates, n_scores)."""
    blocks = resampling_blocks(cases[0].subjects, replicates, seed)
    return np.array([[weighted_area(one, drawn) for one in cases] for block in blocks for drawn in block])


def jackknife_areas(labels: BoolArray, scores: FloatArray, subjects: IntArray, count: int) -> FloatArray:
    """The area without each subject, shape (n_subjects,); NaN where a class is then absent.

    Pairs that a subject's positives win, plus those that its negatives win, less those within the subject
    (counted in both), are what leaves with it: three sums, not a loop over subjects.
    """
    positives, negatives = placements(labels, scores)
    m, n = len(positives), len(negatives)
    own_m = np.bincount(subjects[labels], minlength=count)
    own_n = np.bincount(subjects[~labels], minlength=count)
    won = np.bincount(subjects[labels], positives, count) * n
    lost = np.bincount(subjects[~labels], negatives, count) * m
    left = positives.sum() * n - won - lost + _within(labels, scores, subjects, count)
    pairs = (m - own_m) * (n - own_n)
    areas: FloatArray = np.divide(left, pairs, out=np.full(count, np.nan), where=pairs > 0)
    return areas


def _within(labels: BoolArray, scores: FloatArray, subjects: IntArray, count: int) -> FloatArray:
    """Pairs won inside each subject, a tie counting half."""
    ranks = np.unique(scores, return_inverse=True)[1].astype(np.int64)
    keys = subjects * (int(ranks.max()) + 1) + ranks  # by subject, then by score
    negatives = np.sort(keys[~labels])
    mine, owner = keys[labels], subjects[labels]
    start = np.searchsorted(negatives, owner * (int(ranks.max()) + 1), side="left")
    won = (
        np.searchsorted(negatives, mine, side="left") + np.searchsorted(negatives, mine, side="right")
    ) / 2 - start
    sums: FloatArray = np.bincount(owner, won, count).astype(np.float64)
    return sums


def _area_and_variance(
    labels: BoolArray, scores: Sequence[FloatArray], subjects: IntArray, count: int
) -> tuple[list[float], FloatArray | None]:
    """Areas, and Obuchowski's covariance matrix of them; None when a class has fewer than two subjects."""
    own_m = np.bincount(subjects[labels], minlength=count)
    own_n = np.bincount(subjects[~labels], minlength=count)
    m, n = int(own_m.sum()), int(own_n.sum())
    with_m, with_n = int((own_m > 0).sum()), int((own_n > 0).sum())
    areas, tens, ones = [], [], []
    for values in scores:
        positives, negatives = placements(labels, values)
        area = float(positives.mean())
        areas.append(area)
        tens.append(np.bincount(subjects[labels], positives, count) - own_m * area)
        ones.append(np.bincount(subjects[~labels], negatives, count) - own_n * area)
    if with_m < 2 or with_n < 2:
        return areas, None
    ten, one = np.array(tens), np.array(ones)
    s10 = ten @ ten.T * with_m / ((with_m - 1) * m)
    s01 = one @ one.T * with_n / ((with_n - 1) * n)
    s11 = ten @ one.T * count / (count - 1)
    # For one score S11 stands twice; for two, once each way.
    covariance: FloatArray = s10 / m + s01 / n + (s11 + s11.T) / (m * n)
    return areas, covariance


def _closed(
    area: float, covariance: FloatArray | None, count: int, interval: ClusteredInterval, confidence: float
) -> Estimate:
    variance = None if covariance is None else float(covariance[0, 0])
    if interval == "obuchowski_logit":
        return logit_interval(AreaVariance(area, variance), count, confidence=confidence, method=interval)
    return normal_interval(
        area, variance, confidence=confidence, method=interval, n_subjects=count, bounds=(0, 1)
    )


def _resampled(
    labels: BoolArray,
    scores: FloatArray,
    subjects: IntArray,
    count: int,
    interval: ClusteredInterval,
    seed: int,
    replicates: int,
    confidence: float,
) -> Estimate:
    cases = sort_cases(labels, scores, subjects, count)
    area = weighted_area(cases, np.ones(count))
    drawn = replicated_areas([cases], replicates=replicates, seed=seed)[:, 0]
    return resampled_interval(
        Estimate(value=area, n_subjects=count),
        drawn,
        interval="bca" if interval == "bca" else "percentile",
        left_out=lambda: jackknife_areas(labels, scores, subjects, count),
        confidence=confidence,
        seed=seed,
        too_few=TOO_FEW,
    )


def _checked(
    labels: ArrayLike, scores: ArrayLike, subjects: ArrayLike
) -> tuple[BoolArray, FloatArray, IntArray, int]:
    flags = binary_labels(labels)
    codes, count = subject_codes(subjects, len(flags))
    return flags, scores_of(scores, len(flags)), codes, count
