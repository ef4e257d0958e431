"""The empirical ROC curve: operating points, partial areas, and sensitivity at a wanted specificity."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.intervals import normal_interval, not_estimable, without_interval
from medassay.statistics.scored import ONE_CLASS, FloatArray, binary_labels, scores_of, weights_of

Axis = Literal["specificity", "sensitivity"]


@dataclass(frozen=True)
class RocCurve:
    """Operating points from the strictest threshold to the laxest; a case is positive at score >= threshold.

    The first point calls nobody positive (threshold +inf), the last everybody.
    """

    thresholds: FloatArray
    sensitivity: FloatArray
    specificity: FloatArray


@dataclass(frozen=True)
class OperatingPoint:
    """One threshold and what it does."""

    threshold: float
    sensitivity: float
    specificity: float


@method(
    id="roc-curve",
    task="classification",
    zh="受试者工作特征曲线",
    en="receiver operating characteristic curve",
    formula="(1 - specificity, sensitivity) at each threshold; positive means score >= threshold",
    source="Hanley and McNeil, Radiology 143:29-36, 1982",
    check="R pROC 1.18.0; scikit-learn roc_curve",
)
def roc_curve(
    labels: ArrayLike,
    scores: ArrayLike,
    *,
    thresholds: Literal["midpoint", "observed"] = "midpoint",
    weights: ArrayLike | None = None,
) -> RocCurve | None:
    """Every operating point of a score; None when one class is absent (or has no weight).

    Parameters
    ----------
    labels : shape (n_cases,), 0 or 1
    scores : shape (n_cases,), finite
    thresholds : "midpoint" or "observed"
        Halfway between neighbouring scores (pROC), or the scores themselves (scikit-learn): the operating
        points are the same.
    weights : shape (n_cases,), optional
        Of cases, such as a bootstrap's.

    Examples
    --------
    >>> curve = roc_curve([0, 0, 1, 1], [1, 2, 2, 3])
    >>> curve.thresholds.tolist(), curve.sensitivity.tolist(), curve.specificity.tolist()
    ([inf, 2.5, 1.5, -inf], [0.0, 0.5, 1.0, 1.0], [1.0, 1.0, 0.5, 0.0])
    """
    flags = binary_labels(labels)
    values = scores_of(scores, len(flags))
    weight = weights_of(weights, len(flags))
    totals = float(weight[flags].sum()), float(weight[~flags].sum())
    if 0 in totals:
        return None
    levels, place = np.unique(-values, return_inverse=True)  # the highest score first
    hits = np.cumsum(np.bincount(place, weight * flags, len(levels)))
    alarms = np.cumsum(np.bincount(place, weight * ~flags, len(levels)))
    observed = -levels
    between = np.append((observed[:-1] + observed[1:]) / 2, -np.inf)
    return RocCurve(
        thresholds=np.concatenate([[np.inf], observed if thresholds == "observed" else between]),
        sensitivity=np.concatenate([[0.0], hits / totals[0]]),
        specificity=1 - np.concatenate([[0.0], alarms / totals[1]]),
    )


@method(
    id="roc-partial-auc",
    task="classification",
    zh="部分曲线下面积",
    en="partial area under the ROC curve",
    formula="integral of sensitivity over 1 - specificity (or the other way) within a range, by trapezoids",
    source="McClish, Med Decis Making 9:190-195, 1989; Jiang, Metz and Nishikawa, Radiology 201:745-750, 1996",
    check="R pROC 1.18.0; scikit-learn roc_auc_score(max_fpr)",
)
def partial_auc(
    labels: ArrayLike,
    scores: ArrayLike,
    *,
    axis: Axis = "specificity",
    lowest: float,
    highest: float = 1.0,
    corrected: bool = False,
) -> Estimate:
    """Area of the part of the curve where specificity (or sensitivity) lies between two values.

    Parameters
    ----------
    axis : "specificity" or "sensitivity"
        Which of the two is held in range; the area is the other's integral over it.
    lowest, highest : float
        The range, 0 <= lowest < highest <= 1. scikit-learn's max_fpr = 0.1 is specificity from 0.9.
    corrected : bool
        McClish's correction 1/2 (1 + (A - least) / (most - least)), which is 0.5 for chance and 1 for a
        perfect score; scikit-learn always corrects.

    Returns
    -------
    Estimate
        Without an interval (resample subjects for one). Not estimable when one class is absent, or where the
        corrected area of a part that lies below the diagonal would mean nothing.

    Examples
    --------
    >>> round(partial_auc([0, 0, 0, 1, 1, 1], [1, 2, 4, 3, 5, 6], lowest=0.5).value, 4)
    0.3889
    """
    if not 0 <= lowest < highest <= 1:
        raise WrongUse(
            found=f"a range from {lowest:g} to {highest:g}",
            wanted="0 <= lowest < highest <= 1",
            remedy="Give the range in specificity or sensitivity, not in false positive rate.",
        )
    curve = roc_curve(labels, scores)
    n = len(np.asarray(labels))
    if curve is None:
        return not_estimable(ONE_CLASS, n)
    if axis == "specificity":
        along, height = 1 - curve.specificity, curve.sensitivity
        area = _area_between(along, height, 1 - highest, 1 - lowest)
    else:  # the curve walked from the other end: specificity against falling sensitivity
        area = _area_between(1 - curve.sensitivity[::-1], curve.specificity[::-1], 1 - highest, 1 - lowest)
    if not corrected:
        return without_interval(area, "not given for a partial area; resample subjects", n)
    start, end = 1 - highest, 1 - lowest
    least, most = (end**2 - start**2) / 2, end - start
    if area < least:
        return not_estimable("the part lies below the diagonal, where McClish's correction means nothing", n)
    value = (1 + (area - least) / (most - least)) / 2
    return without_interval(value, "not given for a partial area; resample subjects", n)


@method(
    id="roc-youden",
    task="classification",
    zh="约登指数",
    en="Youden index",
    formula="J = max over thresholds of sensitivity + specificity - 1",
    source="Youden, Cancer 3:32-35, 1950",
    check='R pROC 1.18.0 coords(x = "best")',
)
def youden_best(curve: RocCurve) -> list[OperatingPoint]:
    """All thresholds at which sensitivity + specificity is largest, the strictest last.

    For the tuning set alone: a threshold that was chosen on the test set flatters the device.

    Examples
    --------
    >>> youden_best(roc_curve([0, 0, 1, 1], [1, 2, 3, 4]))
    [OperatingPoint(threshold=2.5, sensitivity=1.0, specificity=1.0)]
    """
    total = curve.sensitivity + curve.specificity
    best = np.flatnonzero(np.isclose(total, total.max(), rtol=0, atol=1e-12))[::-1]
    return [
        OperatingPoint(float(curve.thresholds[i]), float(curve.sensitivity[i]), float(curve.specificity[i]))
        for i in best
    ]


@method(
    id="roc-sensitivity-at-specificity",
    task="classification",
    zh="给定特异度下的灵敏度",
    en="sensitivity at a given specificity",
    formula="the ROC curve's height at 1 - specificity",
    source="Pepe, The Statistical Evaluation of Medical Tests, 2003, chapter 4",
    check="R pROC 1.18.0 coords()",
)
def sensitivity_at(
    curve: RocCurve, specificity: float, *, between: Literal["linear", "attained"] = "linear"
) -> float:
    """The sensitivity that the curve has at a specificity.

    Parameters
    ----------
    between : "linear" or "attained"
        On the line between neighbouring operating points (pROC), or the highest sensitivity of a threshold
        whose specificity is no lower: what a device with one threshold can do.

    Examples
    --------
    >>> curve = roc_curve([0, 0, 1, 1], [1, 2, 2, 3])
    >>> round(sensitivity_at(curve, 0.8), 4), sensitivity_at(curve, 0.8, between="attained")
    (0.7, 0.5)
    """
    if not 0 <= specificity <= 1:
        raise WrongUse(
            found=f"specificity {specificity:g}", wanted="between 0 and 1", remedy="Write 90 % as 0.9."
        )
    if between == "attained":
        return float(curve.sensitivity[curve.specificity >= specificity - 1e-12].max())
    return _height(1 - curve.specificity, curve.sensitivity, 1 - specificity)


@method(
    id="roc-auc-binormal-variance",
    task="classification",
    zh="双正态模型曲线下面积方差",
    en="binormal variance of the AUC",
    formula="(f^2 (1 + B^2/k + A^2/2) + g^2 B^2 (1 + k) / (2 k)) / m, k = n/m, A and B of a binormal curve",
    source="Obuchowski, Stat Med 16:1529-1542, 1997 (planning); curve by regression as in R's pROC",
    check='R pROC 1.18.0 var(method = "obuchowski")',
)
def binormal_auc(labels: ArrayLike, scores: ArrayLike, *, confidence: float = 0.95) -> Estimate:
    """The empirical area with the variance of a binormal curve laid through its operating points.

    A and B come from the regression of the probit of specificity on the probit of sensitivity over the
    points where both are finite. Meant for planning; for a result use `delong.auc`.

    Returns
    -------
    Estimate
        Not estimable when one class is absent; no interval with fewer than two inner operating points.

    Examples
    --------
    >>> e = binormal_auc([0, 0, 0, 0, 1, 1, 1, 1], [1, 2, 3, 6, 2, 4, 5, 7])
    >>> round(e.value, 4), e.method
    (0.7188, 'binormal_obuchowski_1997')
    """
    flags = binary_labels(labels)
    curve = roc_curve(flags, scores)
    n = len(flags)
    if curve is None:
        return not_estimable(ONE_CLASS, n)
    area = float(np.trapezoid(curve.sensitivity, 1 - curve.specificity))
    variance = _binormal_variance(curve, int(flags.sum()), int((~flags).sum()))
    return normal_interval(
        area,
        variance,
        confidence=confidence,
        method="binormal_obuchowski_1997",
        n_subjects=n,
        bounds=(0, 1),
    )


def _binormal_variance(curve: RocCurve, positives: int, negatives: int) -> float | None:
    x, y = special.ndtri(curve.sensitivity), special.ndtri(curve.specificity)
    inner = np.isfinite(x) & np.isfinite(y)
    x, y = x[inner], y[inner]
    if len(x) < 2 or np.ptp(x) == 0:
        return None
    b = float(((x - x.mean()) @ (y - y.mean())) / ((x - x.mean()) @ (x - x.mean())))
    a = float(y.mean() - b * x.mean())
    ratio = negatives / positives
    common = math.exp(-(a**2) / (2 * (1 + b**2)))
    f = common / math.sqrt(2 * math.pi * (1 + b**2))
    g = -common * a * b / math.sqrt(2 * math.pi * (1 + b**2) ** 3)
    spread = f**2 * (1 + b**2 / ratio + a**2 / 2) + g**2 * b**2 * (1 + ratio) / (2 * ratio)
    return spread / positives


def _height(along: FloatArray, height: FloatArray, place: float) -> float:
    """Height of a polyline whose steps may be vertical: the upper end of a step counts."""
    right = int(np.searchsorted(along, place + 1e-12, side="right")) - 1
    if right == len(along) - 1 or abs(along[right] - place) <= 1e-12:
        return float(height[right])
    share = (place - along[right]) / (along[right + 1] - along[right])
    return float(height[right] + share * (height[right + 1] - height[right]))


def _area_between(along: FloatArray, height: FloatArray, start: float, end: float) -> float:
    """Trapezoids under a polyline between two places of its axis."""
    inside = (along > start) & (along < end)
    # The upper end of a vertical step at either end encloses no area, so which end is taken says nothing
    # at the right; at the left the polyline goes on from the upper end.
    low = int(np.searchsorted(along, end, side="left"))
    last = height[low] if along[low] == end else _height(along, height, end)
    x = np.concatenate([[start], along[inside], [end]])
    y = np.concatenate([[_height(along, height, start)], height[inside], [last]])
    return float(np.trapezoid(y, x))
