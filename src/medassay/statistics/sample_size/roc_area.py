"""Areas under the ROC curve: one against a value, and two of the same cases."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, sqrt
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from medassay.core.errors import WrongUse
from medassay.core.method import method
from medassay.statistics.sample_size.plan import quantile, require_apart, require_positive, require_shares

Alternative = Literal["two_sided", "one_sided"]


@dataclass(frozen=True)
class CaseNumbers:
    """Cases with and without the condition, not rounded; `power` of the numbers as they are."""

    positives: float
    negatives: float
    power: float


@dataclass(frozen=True)
class AreaVariances:
    """Variances of two areas and their covariance, each times the number of positive cases."""

    first: float
    second: float
    covariance: float
    difference: float
    negatives_per_positive: float


def area_variance(area: float, negatives_per_positive: float) -> float:
    """Variance of an area times the number of positives, under a binormal model of equal spread.

    0.0099 exp(-a^2 / 2) (5 a^2 + 8 + (a^2 + 8) / k) with a = 1.414 times the normal quantile of the area.

    References
    ----------
    Obuchowski, Lieber and Wians, Clin Chem 50:1118-1125, 2004, formula 2; 0.0792 (1 + 1 / k) at 0.5.

    Examples
    --------
    >>> round(area_variance(0.5, 1), 4)
    0.1584
    """
    require_shares(area=area)
    require_positive(negatives_per_positive=negatives_per_positive)
    from scipy.special import ndtri

    a = 1.414 * float(ndtri(area))
    return 0.0099 * exp(-(a**2) / 2) * (5 * a**2 + 8 + (a**2 + 8) / negatives_per_positive)


@method(
    id="sample-size-auc",
    task="sample_size",
    zh="ROC曲线下面积样本量",
    en="sample size of one area under the ROC curve",
    formula="n+ = (z_a sqrt(V(null)) + z_b sqrt(V(area)))^2 / (area - null)^2",
    source="Obuchowski, Lieber and Wians, Clin Chem 50:1118-1125, 2004",
    check="R pROC 1.18.0 power.roc.test",
)
def auc_sample_size(
    area: float,
    *,
    null: float = 0.5,
    alpha: float = 0.05,
    power: float = 0.8,
    negatives_per_positive: float = 1.0,
    alternative: Alternative = "two_sided",
) -> CaseNumbers:
    """Cases to show that an area differs from a value.

    Parameters
    ----------
    alternative : "two_sided" or "one_sided"
        One-sided needs fewer: 9.93 in place of 12.74 positives for 0.8 against 0.5.

    Returns
    -------
    CaseNumbers
        Not rounded; a normal approximation, which flatters where fewer than some ten cases of a class come
        out.

    Raises
    ------
    WrongUse
        A share outside (0, 1), an area equal to the null value, no controls.

    Examples
    --------
    >>> round(auc_sample_size(0.8).positives, 4)
    12.7436
    """
    require_shares(area=area, null=null, alpha=alpha, power=power)
    require_apart(area, null, "area and null value")
    k = negatives_per_positive
    positives = _cases(
        area - null, area_variance(null, k), area_variance(area, k), _tail(alpha, alternative), power
    )
    return CaseNumbers(positives, k * positives, power)


@method(
    id="sample-size-auc-difference",
    task="sample_size",
    zh="配对ROC曲线下面积差异样本量",
    en="sample size of two areas under the ROC curve of the same cases",
    formula="n+ = (z_a sqrt(2 V1 - 2 C) + z_b sqrt(V1 + V2 - 2 C))^2 / difference^2",
    source="Obuchowski and McClish, Stat Med 16:1529-1542, 1997, formula 2",
    check="R pROC 1.18.0 power.roc.test, aSAH data",
)
def auc_difference_sample_size(
    variances: AreaVariances,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    alternative: Alternative = "two_sided",
    margin: float = 0.0,
) -> CaseNumbers:
    """Cases that both devices see, to show that their areas differ, or that the first is not worse.

    Parameters
    ----------
    variances : AreaVariances
        From a pilot (`area_variances`) or from assumptions (`assumed_area_variances`).
    margin : float
        0: a difference is to be shown. Above 0: that first - second is above -margin; alpha is then that of
        one side, whatever the alternative says, and the variance under the alternative serves both terms.

    Raises
    ------
    WrongUse
        No difference to show, or variances that leave the difference none.
    """
    require_shares(alpha=alpha, power=power)
    v = variances
    apart = v.first + v.second - 2 * v.covariance
    under_null = 2 * v.first - 2 * v.covariance
    distance = v.difference + margin
    tail = _tail(alpha, alternative)
    if margin > 0:
        under_null, tail = apart, alpha
    if distance == 0 or (margin > 0 and distance < 0) or apart <= 0 or under_null < 0:
        raise WrongUse(
            found=f"difference {v.difference:g} with margin {margin:g} and variance {apart:g}",
            wanted="a difference on the right side of the margin, with a variance above 0",
            remedy="Check the pilot: two devices with equal scores have nothing to compare.",
        )
    positives = _cases(distance, under_null, apart, tail, power)
    return CaseNumbers(positives, v.negatives_per_positive * positives, power)


def area_variances(positive: ArrayLike, first: ArrayLike, second: ArrayLike) -> AreaVariances:
    """What a pilot study of both devices on the same cases says of their areas (DeLong).

    Parameters
    ----------
    positive : shape (n_cases,), 0 or 1
    first, second : shape (n_cases,)
        Scores of the two devices, higher for the condition.

    Raises
    ------
    WrongUse
        As `reader_study`; fewer than two cases of a class.
    """
    from medassay.statistics.reader_covariance import case_covariance, cell_figures
    from medassay.statistics.reader_study import reader_study

    truth = np.asarray(positive)
    study = reader_study(
        reader=np.zeros(2 * truth.size, dtype=np.int64),
        treatment=np.repeat([0, 1], truth.size),
        case=np.tile(np.arange(truth.size), 2),
        positive=np.concatenate([truth, truth]),
        rating=np.concatenate([np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)]),
    )
    matrix = case_covariance(study, "auc", "delong") * int(study.positive.sum())
    areas = cell_figures(study, "auc")[:, 0]
    return AreaVariances(
        first=float(matrix[0, 0]),
        second=float(matrix[1, 1]),
        covariance=float(matrix[0, 1]),
        difference=float(areas[0] - areas[1]),
        negatives_per_positive=float((~study.positive).sum() / study.positive.sum()),
    )


def assumed_area_variances(
    first: float, second: float, *, correlation: float, negatives_per_positive: float = 1.0
) -> AreaVariances:
    """The same without a pilot: binormal variances, and an assumed correlation of the two areas.

    Examples
    --------
    >>> v = assumed_area_variances(0.85, 0.80, correlation=0.5)
    >>> round(auc_difference_sample_size(v).positives)
    294
    """
    if not -1 < correlation < 1:
        raise WrongUse(
            found=f"correlation {correlation:g}", wanted="between -1 and 1", remedy="0.5 is usual."
        )
    v1, v2 = (area_variance(area, negatives_per_positive) for area in (first, second))
    return AreaVariances(v1, v2, correlation * sqrt(v1 * v2), first - second, negatives_per_positive)


def _cases(distance: float, under_null: float, apart: float, tail: float, power: float) -> float:
    return ((quantile(tail) * sqrt(under_null) + quantile(1 - power) * sqrt(apart)) / distance) ** 2


def _tail(alpha: float, alternative: Alternative) -> float:
    return alpha / 2 if alternative == "two_sided" else alpha
