"""Calibration as a logistic regression of the outcome on the logit of the predicted probability."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.intervals import normal_interval, not_estimable, require_confidence
from medassay.statistics.scored import ONE_CLASS, BoolArray, FloatArray, binary_labels, probabilities_of
from medassay.statistics.significance import Significance

STEPS, STEP_TOLERANCE = 100, 1e-12


@dataclass(frozen=True)
class LogisticCalibration:
    """The logistic regression of the outcome on the logit of the probability."""

    slope: Estimate  # 1 is right; below 1 the probabilities are too extreme
    intercept: Estimate  # joint with the slope
    in_the_large: Estimate  # intercept with the slope held at 1; 0 is right, above 0 they are too low
    slope_error: float | None
    intercept_error: float | None
    in_the_large_error: float | None
    deviance: float | None  # -2 log likelihood of the fit
    deviance_as_given: float | None  # of the probabilities as they are
    deviance_null: float | None  # of the prevalence alone


@dataclass(frozen=True)
class LikelihoodIndexes:
    """Logarithmic scores of the probabilities as given, a case."""

    nagelkerke_r2: float  # below 0 where the prevalence alone would say more
    discrimination: float
    discrimination_statistic: float  # -2 log likelihood gained over the prevalence alone
    unreliability: float
    quality: float


@method(
    id="calibration-slope-intercept",
    task="classification",
    zh="校准斜率与校准截距",
    en="calibration slope and intercept",
    formula="logit P(y = 1) = a + b logit(p); in the large: b = 1",
    source="Cox, Biometrika 45:562-565, 1958; Van Calster et al., J Clin Epidemiol 74:167-176, 2016",
    check="R glm and rms 6.5.0 val.prob; statsmodels GLM",
)
def logistic_calibration(
    labels: ArrayLike, probabilities: ArrayLike, *, confidence: float = 0.95
) -> LogisticCalibration:
    """Slope, joint intercept, and calibration-in-the-large, with Wald intervals.

    Two different numbers are called intercept: the one fitted together with the slope, and the one with the
    slope held at 1, which alone says whether probabilities are too low (above 0) or too high on the whole.

    Returns
    -------
    LogisticCalibration
        Not estimable when one class is absent, when a probability is 0 or 1 (it has no logit), when all
        probabilities are the same (the slope), or when they part the classes perfectly (no maximum).

    Examples
    --------
    >>> c = logistic_calibration([0, 1, 0, 1, 1, 0], [0.2, 0.4, 0.5, 0.6, 0.9, 0.7])
    >>> round(c.slope.value, 3), round(c.in_the_large.value, 3)
    (0.879, -0.251)
    """
    require_confidence(confidence)
    flags = binary_labels(labels)
    values = probabilities_of(probabilities, len(flags))
    n = len(flags)
    reason = ONE_CLASS if n == 0 or flags.all() or not flags.any() else ""
    if not reason and ((values == 0) | (values == 1)).any():
        reason = "a probability of 0 or 1 has no logit"
    if reason:
        none = not_estimable(reason, n)
        return LogisticCalibration(none, none, none, None, None, None, None, None, None)
    logits = special.logit(values)
    joint = _fit(flags, np.column_stack([np.ones(n), logits]), np.zeros(n))
    alone = _fit(flags, np.ones((n, 1)), logits)
    prevalence = flags.mean()
    return LogisticCalibration(
        slope=_wald(joint, 1, n, confidence),
        intercept=_wald(joint, 0, n, confidence),
        in_the_large=_wald(alone, 0, n, confidence),
        slope_error=None if joint is None else float(joint[1][1]),
        intercept_error=None if joint is None else float(joint[1][0]),
        in_the_large_error=None if alone is None else float(alone[1][0]),
        deviance=None if joint is None else joint[2],
        deviance_as_given=_deviance(flags, logits),
        deviance_null=_deviance(flags, np.full(n, special.logit(prevalence))),
    )


@method(
    id="calibration-lr-test",
    task="classification",
    zh="校准似然比检验",
    en="likelihood ratio test of calibration",
    formula="U = deviance of (a, b) = (0, 1) less that of the fit; chi-squared with 2 df",
    source="Cox, Biometrika 45:562-565, 1958; Miller, Hui and Tierney, Stat Med 10:1213-1226, 1991",
    check="R rms 6.5.0 val.prob",
)
def calibration_test(fit: LogisticCalibration) -> Significance:
    """Whether intercept 0 and slope 1 would do.

    Examples
    --------
    >>> fit = logistic_calibration([0, 1, 0, 1, 1, 0], [0.2, 0.4, 0.5, 0.6, 0.9, 0.7])
    >>> round(calibration_test(fit).p_value, 3)
    0.956
    """
    if fit.deviance is None or fit.deviance_as_given is None:
        return Significance(None, None, "calibration_lr", 2.0, undefined=fit.slope.undefined)
    statistic = max(fit.deviance_as_given - fit.deviance, 0.0)
    return Significance(float(special.chdtrc(2, statistic)), statistic, "calibration_lr", 2.0)


@method(
    id="likelihood-indexes",
    task="classification",
    zh="Nagelkerke R²、区分指数、不可靠指数与质量指数",
    en="Nagelkerke R2, discrimination, unreliability and quality index",
    formula="D = (L0 - Lp - 1) / n, U = (Lp - Lfit - 2) / n, Q = D - U, L the -2 log likelihoods",
    source="Miller, Hui and Tierney, Stat Med 10:1213-1226, 1991; Nagelkerke, Biometrika 78:691-692, 1991",
    check="R rms 6.5.0 val.prob",
)
def likelihood_indexes(fit: LogisticCalibration) -> LikelihoodIndexes | None:
    """How much the probabilities, as given, explain; None where the calibration has no fit.

    Examples
    --------
    >>> fit = logistic_calibration([0, 1, 0, 1, 1, 0], [0.2, 0.4, 0.5, 0.6, 0.9, 0.7])
    >>> round(likelihood_indexes(fit).nagelkerke_r2, 3)
    0.207
    """
    if fit.deviance is None or fit.deviance_as_given is None or fit.deviance_null is None:
        return None
    n = fit.slope.n_subjects
    gained = fit.deviance_null - fit.deviance_as_given
    discrimination = (gained - 1) / n
    unreliability = (fit.deviance_as_given - fit.deviance - 2) / n
    return LikelihoodIndexes(
        nagelkerke_r2=-math.expm1(-gained / n) / -math.expm1(-fit.deviance_null / n),
        discrimination=discrimination,
        discrimination_statistic=gained,
        unreliability=unreliability,
        quality=discrimination - unreliability,
    )


def _fit(
    flags: BoolArray, design: FloatArray, offset: FloatArray
) -> tuple[FloatArray, FloatArray, float] | None:
    """Newton's method for a logistic regression: coefficients, standard errors, deviance; None without a maximum."""
    beta = np.zeros(design.shape[1])
    deviance = _deviance(flags, offset)
    for _ in range(STEPS):
        expected = special.expit(offset + design @ beta)
        information = design.T @ (design * (expected * (1 - expected))[:, None])
        if np.linalg.cond(information) > 1e12:
            return None
        step = np.linalg.solve(information, design.T @ (flags - expected))
        # Half steps keep the likelihood rising where the quadratic reaches too far.
        for half in range(30):
            trial = beta + step / 2**half
            found = _deviance(flags, offset + design @ trial)
            if found <= deviance + STEP_TOLERANCE:
                break
        beta, before, deviance = trial, deviance, found
        if abs(before - deviance) < STEP_TOLERANCE and float(np.abs(step).max()) < 1e-8:
            return beta, np.sqrt(np.diag(np.linalg.inv(information))), deviance
    return None


def _deviance(flags: BoolArray, logits: FloatArray) -> float:
    return float(2 * (np.logaddexp(0, logits) - flags * logits).sum())


def _wald(
    fit: tuple[FloatArray, FloatArray, float] | None, place: int, n: int, confidence: float
) -> Estimate:
    if fit is None:
        return not_estimable("the probabilities are all the same, or part the classes perfectly", n)
    value, error = float(fit[0][place]), float(fit[1][place])
    return normal_interval(value, error**2, confidence=confidence, method="wald", n_subjects=n)
