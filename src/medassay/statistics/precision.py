"""Precision of a quantitative procedure: the EP05 study, the EP15 verification of claims, and trueness.

Limits come from the maker's claim. A claim is verified when the study's SD does not exceed the upper verification
limit, claim x sqrt(chi-square / df): an SD above the claim but below the limit may be chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.acceptance import Criterion, judge
from medassay.statistics.paired import require_confidence, student, undefined, with_error
from medassay.statistics.variance_components import (
    ERROR,
    Imprecision,
    Labels,
    NestedAnalysis,
    nested_variance_components,
)

EP15_RESULTS, EP15_DAYS = 25, 5


@dataclass(frozen=True)
class PrecisionStudy:
    """SDs and CVs as EP05 names them; `reproducibility` where there are several sites."""

    repeatability: Imprecision
    within_laboratory: Imprecision
    reproducibility: Imprecision | None
    analysis: NestedAnalysis


@method(
    id="ep05-precision",
    task="measurement",
    zh="精密度评价（重复性、期间精密度、再现性）",
    en="Precision: repeatability, within-laboratory, reproducibility",
    formula="S_R^2 = v(error); S_WL^2 = v(error) + v(run) + v(day); S_RL^2 adds v(site)",
    source="CLSI EP05-A3, sections 3 and 4",
    check="R VCA 1.5.2 on the EP05-A2 and EP05-A3 data",
)
def precision_study(
    results: ArrayLike,
    *,
    day: Labels,
    run: Labels | None = None,
    site: Labels | None = None,
    confidence: float = 0.95,
    unit: str = "1",
) -> PrecisionStudy | Estimate:
    """Analyse a precision study: days, runs in days, sites around days.

    Parameters
    ----------
    results : shape (n,), in `unit`
        Of one material: 20 days x 2 runs x 2 replicates at one site, or 3 sites x 5 days x 5 replicates.
    day, run, site : shape (n,)
        Day of the site, run of the day, site.

    Returns
    -------
    PrecisionStudy or Estimate
        An estimate without a value, with its reason, where the design leaves nothing to estimate a level from.

    Examples
    --------
    >>> study = precision_study([1, 2, 4, 5], day=["a", "a", "b", "b"])
    >>> round(study.repeatability.sd.value, 4), round(study.within_laboratory.sd.value, 4)
    (0.7071, 2.1794)
    """
    levels: dict[str, Labels] = {}
    for name, labels in (("site", site), ("day", day), ("run", run)):
        if labels is not None:
            levels[name] = labels
    found = nested_variance_components(results, levels, confidence=confidence, unit=unit)
    if isinstance(found, Estimate):
        return found
    within = [name for name in (*levels, ERROR) if name != "site"]
    return PrecisionStudy(
        found.summed("repeatability", [ERROR]),
        found.summed("within_laboratory", within),
        None if site is None else found.summed("reproducibility", [*levels, ERROR]),
        found,
    )


@method(
    id="ep15-precision-verification",
    task="measurement",
    zh="精密度验证",
    en="Verification of a precision claim",
    formula="S <= claim sqrt(chi2(1 - alpha / m, df) / df)",
    source="CLSI EP15-A3, section 2.3.6; CLSI EP05-A3, comparison with a claim",
    check="upper verification limit factors as printed in EP15-A3 (1.25 for 20 df, one sample)",
)
def verify_precision(
    imprecision: Imprecision,
    claim: float,
    *,
    degrees: float | None = None,
    materials: int = 1,
    alpha: float = 0.05,
    needed: int = EP15_RESULTS,
) -> Criterion:
    """Whether a study agrees with a claimed SD.

    Parameters
    ----------
    imprecision : Imprecision
        Repeatability or within-laboratory SD of the study.
    claim : float, in the unit of the SD, above zero
    degrees : float or None
        For the limit; by default the study's own. EP15 takes those expected under the claim
        (`expected_degrees`) for within-laboratory SDs.
    materials : int
        Number of materials tested together: alpha is divided by it.
    needed : int
        Results that the design demands; EP15: 5 days of 5.

    Examples
    --------
    >>> study = precision_study([9, 10, 11, 12, 10] * 5, day=np.repeat(np.arange(5), 5))
    >>> verify_precision(study.repeatability, 1.0).verdict
    'met'
    """
    if not (np.isfinite(claim) and claim > 0) or materials < 1 or not 0 < alpha < 1:
        raise WrongUse(
            found=f"claim {claim}, {materials} materials, alpha {alpha}",
            wanted="a claim above zero, at least one material, alpha between 0 and 1",
            remedy="Take the claim from the instructions for use.",
        )
    free = imprecision.degrees if degrees is None else degrees
    sd = imprecision.sd
    # Without degrees of freedom every component is zero: no scatter disproves no claim.
    limit = claim if free is None else claim * upper_limit_factor(free, alpha / materials)
    return judge(
        f"{imprecision.name} SD",
        sd,
        "<=",
        limit,
        n=sd.n_subjects,
        needed=needed,
        source="CLSI EP15-A3 2.3.6",
    )


def upper_limit_factor(degrees: float, alpha: float = 0.05) -> float:
    """sqrt(chi2(1 - alpha, df) / df): how far above the truth an SD comes by chance.

    Examples
    --------
    >>> round(upper_limit_factor(20), 2)
    1.25
    """
    from scipy import stats

    return float(np.sqrt(stats.chi2.ppf(1 - alpha, degrees) / degrees))


def expected_degrees(
    ratio: float, *, days: int = EP15_DAYS, replicates: int = EP15_RESULTS // EP15_DAYS
) -> float:
    """Satterthwaite's degrees of freedom of the within-laboratory SD if the claims were true.

    Parameters
    ----------
    ratio : float, at least 1
        Claimed within-laboratory SD over claimed repeatability SD.

    Examples
    --------
    >>> round(expected_degrees(1.0))
    24
    """
    if not (np.isfinite(ratio) and ratio >= 1) or days < 2 or replicates < 2:
        raise WrongUse(
            found=f"ratio {ratio}, {days} days, {replicates} replicates",
            wanted="a within-laboratory SD no smaller than repeatability, two or more days and replicates",
            remedy="Check which claim is which.",
        )
    between = (ratio**2 - 1) + 1 / replicates  # of the mean of a day, in units of the repeatability variance
    within = (replicates - 1) / replicates
    return ratio**4 / (between**2 / (days - 1) + within**2 / (days * (replicates - 1)))


@dataclass(frozen=True)
class TruenessVerification:
    """Bias against a target value, and whether it lies within the verification interval around zero."""

    bias: Estimate
    criterion: Criterion


@method(
    id="ep15-trueness-verification",
    task="measurement",
    zh="正确度验证",
    en="Verification of trueness against a target value",
    formula="|mean - TV| <= t sqrt(se_mean^2 + se_TV^2), se_mean^2 = (S_WL^2 - (r - 1)/r S_R^2) / days",
    source="CLSI EP15-A3, section 3",
    check="worked by hand; the standard error equals that of the day means",
)
def verify_trueness(
    results: ArrayLike,
    *,
    day: Sequence[object] | NDArray[np.generic],
    target: float,
    target_error: float = 0.0,
    target_degrees: float | None = None,
    confidence: float = 0.95,
    unit: str = "1",
) -> TruenessVerification:
    """Whether the mean of a 5 x 5 study agrees with a target value.

    Parameters
    ----------
    results : shape (n,), in `unit`
    day : shape (n,)
        The standard error is that of the means of days: replicates of a day share the day.
    target, target_error : float, in `unit`
        Assigned value of the material and its standard uncertainty.
    target_degrees : float or None
        Degrees of freedom of the target's uncertainty; None: known exactly.

    Examples
    --------
    >>> day = np.repeat(np.arange(5), 5)
    >>> verify_trueness(np.tile([9.0, 10, 11], 9)[:25], day=day, target=10.0).criterion.verdict
    'met'
    """
    require_confidence(confidence)
    found = nested_variance_components(results, {"day": day}, confidence=confidence, unit=unit)
    if isinstance(found, Estimate):
        none = undefined(found.n_subjects, found.undefined, unit)
        missing = judge(
            "bias", none, "<=", 0.0, n=found.n_subjects, needed=EP15_RESULTS, source="CLSI EP15-A3 3"
        )
        return TruenessVerification(none, missing)
    between = found.components[0]
    # MS(day) / n is the squared standard error of the mean of balanced days.
    own = between.mean_square / found.n
    error = float(np.sqrt(own + target_error**2))
    rest = 0.0 if target_degrees is None else target_error**4 / target_degrees
    degrees = error**4 / (own**2 / between.degrees + rest) if own > 0 else None
    bias = with_error(found.mean - target, error, degrees, found.n, confidence, "student(days)", unit)
    limit = student(confidence, degrees) * error
    criterion = judge(
        "bias",
        bias,
        "<=",
        limit,
        n=found.n,
        needed=EP15_RESULTS,
        source="CLSI EP15-A3 3",
        magnitude=True,
    )
    return TruenessVerification(bias, criterion)
