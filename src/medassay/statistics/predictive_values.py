"""Predictive values at a stated prevalence, where the sample's own prevalence was chosen by the study."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.bootstrap_figure import bootstrap_figure
from medassay.statistics.intervals import (
    normal_quantile,
    not_estimable,
    with_interval,
    without_interval,
)
from medassay.statistics.proportion import proportion
from medassay.statistics.scored import FloatArray


@dataclass(frozen=True)
class PredictiveValues:
    """Both predictive values at one prevalence."""

    prevalence: float
    positive: Estimate
    negative: Estimate


@method(
    id="predictive-values-at-prevalence",
    task="classification",
    zh="给定患病率下的阳性预测值和阴性预测值",
    en="predictive values at a stated prevalence",
    formula="PPV = Se p / (Se p + (1 - Sp)(1 - p)); NPV = Sp (1 - p) / ((1 - Se) p + Sp (1 - p))",
    source="Mercaldo, Lau and Zhou, Stat Med 26:2170-2183, 2007 (logit intervals)",
    check="Bayes' rule by counts; R epiR where the sample has the prevalence",
)
def predictive_values(
    sensitivity: tuple[int, int],
    specificity: tuple[int, int],
    *,
    prevalence: float,
    interval: Literal["logit", "adjusted_logit"] = "logit",
    confidence: float = 0.95,
) -> PredictiveValues:
    """Predictive values by Bayes' rule, with intervals on the logit by the delta method.

    Parameters
    ----------
    sensitivity, specificity : (right, cases)
        Counts of the diseased called positive, and of the others called negative.
    prevalence : float
        Of the population that is claimed for, between 0 and 1; taken as known.
    interval : "logit" or "adjusted_logit"
        Of the proportions as they are, or after z^2/2 right and z^2/2 wrong cases more in each group, which
        also exists where all or none were right. The figure itself is never adjusted.

    Returns
    -------
    PredictiveValues
        Not estimable without diseased or other cases, or where nobody would be called so; no "logit"
        interval where a proportion is 0 or 1.

    Examples
    --------
    >>> v = predictive_values((45, 55), (140, 145), prevalence=0.01)
    >>> round(v.positive.value, 4), round(v.positive.lower, 4), round(v.positive.upper, 4)
    (0.1933, 0.0912, 0.364)
    """
    if not 0 < prevalence < 1:
        raise _no_prevalence(prevalence)
    rates = [proportion(*counts).value for counts in (sensitivity, specificity)]
    n = sensitivity[1] + specificity[1]
    se, sp = rates
    if se is None or sp is None:
        none = not_estimable("no diseased case or no other case", n)
        return PredictiveValues(prevalence, none, none)
    z = normal_quantile(confidence)
    extra = z**2 if interval == "adjusted_logit" else 0.0
    sizes = (sensitivity[1] + extra, specificity[1] + extra)
    used = ((sensitivity[0] + extra / 2) / sizes[0], (specificity[0] + extra / 2) / sizes[1])
    name = f"{interval}(prevalence {prevalence:g})"
    return PredictiveValues(
        prevalence,
        positive=_value(
            (se, 1 - sp), (used[0], 1 - used[1]), sizes, prevalence, z, n, confidence, name, "positive"
        ),
        negative=_value(
            (sp, 1 - se),
            (used[1], 1 - used[0]),
            (sizes[1], sizes[0]),
            1 - prevalence,
            z,
            n,
            confidence,
            name,
            "negative",
        ),
    )


@method(
    id="predictive-values-at-prevalence-clustered",
    task="classification",
    zh="聚类数据在给定患病率下的阳性预测值和阴性预测值",
    en="predictive values of clustered cases at a stated prevalence",
    formula="as predictive-values-at-prevalence of the summed cells, bootstrap over subjects",
    source="Genders et al., Radiology 265:910-916, 2012 (subjects resampled); Bayes' rule",
    check="predictive_values of each resample's cells",
)
def clustered_predictive_values(
    counts: ArrayLike, *, prevalence: float, seed: int, replicates: int = 2000, confidence: float = 0.95
) -> PredictiveValues:
    """Predictive values by Bayes' rule where subjects have several cases, with intervals over resampled subjects.

    Parameters
    ----------
    counts : shape (n_subjects, 4)
        TP, FP, FN, TN of each subject's cases.
    prevalence : float
        As for `predictive_values`.

    Examples
    --------
    >>> v = clustered_predictive_values([[30, 3, 6, 70], [15, 2, 4, 70]], prevalence=0.01, seed=1)
    >>> round(v.positive.value, 4)
    0.1933
    """
    if not 0 < prevalence < 1:
        raise _no_prevalence(prevalence)

    def positive_values(sums: FloatArray) -> FloatArray:
        tp, fp, fn, tn = np.moveaxis(sums, -1, 0)
        return _by_bayes((tp, tp + fn), (fp, fp + tn), prevalence)

    def negative_values(sums: FloatArray) -> FloatArray:
        tp, fp, fn, tn = np.moveaxis(sums, -1, 0)
        return _by_bayes((tn, tn + fp), (fn, fn + tp), 1 - prevalence)

    chosen: dict[str, Any] = {"seed": seed, "replicates": replicates, "confidence": confidence}
    reason = "no diseased case, no other case, or nobody would be called so"
    return PredictiveValues(
        prevalence,
        bootstrap_figure(counts, positive_values, undefined=reason, **chosen),
        bootstrap_figure(counts, negative_values, undefined=reason, **chosen),
    )


def _by_bayes(
    right: tuple[FloatArray, FloatArray], wrong: tuple[FloatArray, FloatArray], share: float
) -> FloatArray:
    """`share` of people have the state: how many of those with the result that speaks for it; NaN where nobody has."""
    own, other = (
        np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole > 0)
        for part, whole in (right, wrong)
    )
    called = own * share + other * (1 - share)
    found: FloatArray = np.divide(
        own * share, called, out=np.full(np.shape(called), np.nan), where=called > 0
    )
    return found


def _no_prevalence(prevalence: float) -> WrongUse:
    return WrongUse(
        found=f"prevalence {prevalence:g}",
        wanted="between 0 and 1, both left out",
        remedy="State it for the intended use, with its source.",
    )


def _value(
    rates: tuple[float, float],
    used: tuple[float, float],
    sizes: tuple[float, float],
    share: float,
    z: float,
    n: int,
    confidence: float,
    name: str,
    result: str,
) -> Estimate:
    """share of people have the state; `rates` of them and of the others have the result that speaks for it."""
    right, wrong = rates[0] * share, rates[1] * (1 - share)
    if right + wrong == 0:
        return not_estimable(f"nobody would be called {result}", n)
    value = right / (right + wrong)
    if not (0 < used[0] < 1 and 0 < used[1] < 1):
        return without_interval(value, "the logit of a proportion of 0 or 1 does not exist", n)
    centre = math.log(used[0] * share / (used[1] * (1 - share)))
    # d ln(rate) has variance (1 - rate) / (rate size).
    half = z * math.sqrt((1 - used[0]) / (used[0] * sizes[0]) + (1 - used[1]) / (used[1] * sizes[1]))
    lower, upper = special.expit([centre - half, centre + half])
    return with_interval(value, float(lower), float(upper), confidence=confidence, method=name, n_subjects=n)
