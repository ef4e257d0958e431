"""Decision curve: what acting on a prediction is worth, against acting on everybody and on nobody."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.intervals import normal_interval, not_estimable, require_confidence
from medassay.statistics.scored import FloatArray, binary_labels, probabilities_of


@dataclass(frozen=True)
class NetBenefit:
    """At one threshold, in true positives a case."""

    threshold: float
    model: Estimate
    treat_all: Estimate
    over_all: Estimate  # model minus treat all, of the same cases
    over_none: Estimate  # model minus treat none, whose net benefit is 0 by definition


@method(
    id="decision-curve",
    task="classification",
    zh="决策曲线分析（净获益）",
    en="decision curve analysis (net benefit)",
    formula="NB = TP/n - FP/n * t / (1 - t), positive: p >= t",
    source="Vickers and Elkin, Med Decis Making 26:565-574, 2006",
    check="dcurves 1.1.7",
)
def decision_curve(
    labels: ArrayLike, probabilities: ArrayLike, *, thresholds: ArrayLike, confidence: float = 0.95
) -> list[NetBenefit]:
    """Net benefit of a model at each threshold probability, beside that of acting on everybody.

    Parameters
    ----------
    labels : shape (n_cases,), 0 or 1
        Of a cohort: in a case-control sample the prevalence, and so the net benefit, is not that of practice.
    thresholds : shape (k,), 0 < t < 1
        The probability at which harm and benefit of acting are even; t/(1 - t) is what a false positive
        costs in true positives.

    Returns
    -------
    list of NetBenefit
        Normal intervals of the mean of the cases' own benefits (independent cases; `case_benefits` gives
        them for people with several).

    Examples
    --------
    >>> at = decision_curve([0, 1, 1, 0], [0.1, 0.8, 0.6, 0.3], thresholds=[0.2])[0]
    >>> round(at.model.value, 4), round(at.treat_all.value, 4)
    (0.4375, 0.375)
    """
    require_confidence(confidence)
    flags = binary_labels(labels)
    values = probabilities_of(probabilities, len(flags))
    wanted = np.atleast_1d(np.asarray(thresholds, dtype=np.float64))
    curve = []
    for threshold in wanted:
        model = case_benefits(flags, values, float(threshold))
        everybody = case_benefits(flags, np.ones(len(flags)), float(threshold))
        estimates = [_mean(part, confidence) for part in (model, everybody, model - everybody, model)]
        curve.append(NetBenefit(float(threshold), *estimates))
    return curve


def case_benefits(labels: ArrayLike, probabilities: ArrayLike, threshold: float) -> FloatArray:
    """What each case adds: 1 for a true positive, -t/(1 - t) for a false one, else 0.

    Examples
    --------
    >>> case_benefits([0, 1, 1, 0], [0.1, 0.8, 0.1, 0.3], 0.2).tolist()
    [0.0, 1.0, 0.0, -0.25]
    """
    if not 0 < threshold < 1:
        raise WrongUse(
            found=f"threshold {threshold:g}",
            wanted="a probability between 0 and 1, both left out",
            remedy="At 0 everybody is acted on, at 1 nobody: there is nothing to weigh.",
        )
    flags = binary_labels(labels)
    acted = probabilities_of(probabilities, len(flags)) >= threshold
    benefits: FloatArray = np.where(acted, np.where(flags, 1.0, -threshold / (1 - threshold)), 0.0)
    return benefits


def _mean(benefits: FloatArray, confidence: float) -> Estimate:
    n = len(benefits)
    if n == 0:
        return not_estimable("no case", 0)
    variance = float(benefits.var(ddof=1)) / n if n > 1 else None
    return normal_interval(
        float(benefits.mean()), variance, confidence=confidence, method="normal_mean", n_subjects=n
    )
