"""Detection capability by EP17: limits of blank, of detection and of quantitation.

Two or three reagent lots are evaluated each by itself and the largest limit is reported; four or more are pooled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.acceptance import Criterion, judge
from medassay.statistics.order_statistics import distribution_free
from medassay.statistics.paired import bare, groups, pairs, undefined, values
from medassay.statistics.probit import Scale, probit_hit_rates
from medassay.statistics.variance_components import Labels

RESULTS_NEEDED = 60  # of blanks, and of low-level samples, in each lot
POOLED_FROM = 4  # lots


@dataclass(frozen=True)
class DetectionLimit:
    """The reported limit and those of the lots; `enough` says whether every lot has the results EP17 asks for."""

    reported: Estimate
    by_lot: tuple[Estimate, ...]
    pooled: bool
    convention: str
    results: int  # in the smallest lot
    needed: int

    @property
    def enough(self) -> bool:
        """Whether each lot has as many results as the guideline demands."""
        return self.results >= self.needed

    def against(self, claim: float) -> Criterion:
        """Hold the reported limit against a claim."""
        return judge(
            self.convention.split("(")[0],
            self.reported,
            "<=",
            claim,
            n=self.results,
            needed=self.needed,
            source="CLSI EP17-A2",
        )


@method(
    id="limit-of-blank",
    task="measurement",
    zh="空白限（LoB）",
    en="Limit of blank (LoB)",
    formula="rank 0.5 + 0.95 B of the blanks; or mean + c SD, c = 1.645 / (1 - 1 / (4 (B - K)))",
    source="CLSI EP17-A2, section 5.3",
    check="EP17-A2 appendix A as computed by the R package sherloq",
)
def limit_of_blank(
    results: ArrayLike,
    sample: Labels,
    lot: Labels,
    *,
    approach: Literal["nonparametric", "parametric"] = "nonparametric",
    alpha: float = 0.05,
    confidence: float = 0.90,
    unit: str = "1",
) -> DetectionLimit:
    """Highest result to be expected from blank samples, with 5 % above it.

    Parameters
    ----------
    results : shape (n,), in `unit`
        Of blank samples; negative results as they come.
    sample, lot : shape (n,)
        Blank sample and reagent lot.
    approach : "nonparametric" or "parametric"
        The first asks nothing of the distribution; EP17 prefers it.

    Returns
    -------
    DetectionLimit
        60 results a lot are demanded. Not estimable with fewer than ten in a lot (nonparametric), or with no
        more results than samples (parametric).

    Examples
    --------
    >>> found = limit_of_blank(np.arange(60.0), ["a"] * 60, ["1"] * 60)
    >>> found.reported.value, found.enough
    (56.5, True)
    """
    x = values(results, "results")
    _require_share(alpha)
    member = groups(sample, len(x), "samples")

    def of(own: NDArray[np.bool_]) -> Estimate:
        if approach == "nonparametric":
            rank = 0.5 + own.sum() * (1 - alpha)
            return distribution_free(np.sort(x[own]), float(rank), 1 - alpha, confidence, unit)
        free = int(own.sum()) - len(np.unique(member[own]))
        if free < 1:
            return undefined(int(own.sum()), "no more results than samples", unit)
        value = float(x[own].mean() + _multiplier(1 - alpha, free) * x[own].std(ddof=1))
        return bare(value, int(own.sum()), "EP17 gives none for this approach", unit)

    return _over_lots(of, lot, len(x), f"limit_of_blank({approach}, alpha={alpha:g})", RESULTS_NEEDED, unit)


@method(
    id="limit-of-detection",
    task="measurement",
    zh="检出限（LoD）",
    en="Limit of detection (LoD)",
    formula="LoB + c SD_L, SD_L pooled over low-level samples, c = 1.645 / (1 - 1 / (4 (L - J)))",
    source="CLSI EP17-A2, section 5.3",
    check="EP17-A2 appendix A as computed by the R package sherloq",
)
def limit_of_detection(
    results: ArrayLike,
    sample: Labels,
    lot: Labels,
    *,
    blank: float,
    beta: float = 0.05,
    unit: str = "1",
) -> DetectionLimit:
    """Lowest concentration whose results exceed the limit of blank with 95 %, by the classical approach.

    Parameters
    ----------
    results : shape (n,), in `unit`
        Of low-level samples with about one SD.
    sample, lot : shape (n,)
        Low-level sample and reagent lot.
    blank : float, in `unit`
        Limit of blank.

    Examples
    --------
    >>> found = limit_of_detection([4.0, 6.0, 5.0, 7.0], list("aabb"), ["1"] * 4, blank=2.0)
    >>> round(found.reported.value, 2), found.enough
    (4.66, False)
    """
    x = values(results, "results")
    _require_share(beta)
    member = groups(sample, len(x), "samples")

    def of(own: NDArray[np.bool_]) -> Estimate:
        number = np.unique(member[own], return_inverse=True)[1]
        count = np.bincount(number)
        free = int(own.sum()) - len(count)
        if free < 1:
            return undefined(int(own.sum()), "no sample has replicates", unit)
        means = np.bincount(number, x[own]) / count
        pooled = float(np.sqrt(((x[own] - means[number]) ** 2).sum() / free))
        value = blank + _multiplier(1 - beta, free) * pooled
        return bare(value, int(own.sum()), "EP17 gives none for this approach", unit)

    return _over_lots(of, lot, len(x), f"limit_of_detection(classical, beta={beta:g})", RESULTS_NEEDED, unit)


@method(
    id="limit-of-detection-precision-profile",
    task="measurement",
    zh="检出限（精密度曲线法）",
    en="Limit of detection from a precision profile",
    formula="smallest x with x = LoB + c SD(x), SD(x) a polynomial of the mean",
    source="CLSI EP17-A2, section 5.4 and appendix B",
    check="EP17-A2 appendix B as computed by the R package sherloq",
)
def detection_from_precision_profile(
    mean: ArrayLike,
    sd: ArrayLike,
    *,
    blank: float,
    results: int,
    order: Literal[1, 2] = 1,
    beta: float = 0.05,
    unit: str = "1",
) -> Estimate:
    """Limit of detection where the SD changes along the range.

    Parameters
    ----------
    mean, sd : shape (n,), in `unit`
        Mean and within-laboratory SD of each sample of a precision study, one lot.
    blank : float, in `unit`
    results : int
        Number of all results behind the profile.
    order : 1 or 2
        Of the polynomial of SD on mean.

    Returns
    -------
    Estimate
        Not estimable where the profile never falls to the limit within the range of the samples.

    Examples
    --------
    >>> found = detection_from_precision_profile([1, 2, 4, 8], [0.4, 0.5, 0.7, 1.1], blank=0.5, results=200)
    >>> round(found.value, 3)
    1.19
    """
    x, y = pairs(mean, sd, names=("mean", "sd"))
    _require_share(beta)
    n = len(x)
    free = results - n
    if n <= order + 1 or free < 1:
        return undefined(n, "too few samples for the profile", unit)
    profile = np.polynomial.polynomial.polyfit(x, y, order)
    crossing = -_multiplier(1 - beta, free) * profile
    crossing[0] -= blank
    crossing[1] += 1.0
    roots = np.polynomial.polynomial.polyroots(crossing)
    fitting = [
        float(root.real)
        for root in np.atleast_1d(roots)
        if abs(root.imag) < 1e-12 and blank <= root.real <= x.max()
    ]
    if not fitting:
        return undefined(n, "the profile does not meet the limit within the range of the samples", unit)
    return bare(min(fitting), n, "a point on a fitted profile", unit)


@method(
    id="limit-of-detection-probit",
    task="measurement",
    zh="检出限（Probit法）",
    en="Limit of detection by probit",
    formula="concentration with a hit rate of 95 % in a probit fit; largest of the lots",
    source="CLSI EP17-A2, section 5.5 and appendix C",
    check="statsmodels GLM on the counts of EP17-A2 appendix C",
)
def limit_of_detection_probit(
    concentration: ArrayLike,
    positive: ArrayLike,
    total: ArrayLike,
    lot: Labels,
    *,
    beta: float = 0.05,
    scale: Scale = "log10",
    confidence: float = 0.95,
    unit: str = "1",
) -> DetectionLimit:
    """Limit of detection of a procedure that calls positive or negative.

    Parameters
    ----------
    concentration, positive, total, lot : shape (n,)
        Levels of each lot with positive results of all results.

    Examples
    --------
    >>> found = limit_of_detection_probit([1, 2, 4, 8], [2, 8, 15, 19], [20] * 4, ["a"] * 4)
    >>> round(found.reported.value, 1)
    7.9
    """
    level, hits = pairs(concentration, positive, names=("concentration", "positive"))
    count = values(total, "total")
    _require_share(beta)

    def of(own: NDArray[np.bool_]) -> Estimate:
        fit = probit_hit_rates(
            level[own],
            hits[own],
            count[own],
            hit_rates=(1 - beta,),
            scale=scale,
            confidence=confidence,
            unit=unit,
        )
        return fit if isinstance(fit, Estimate) else fit.concentrations[1 - beta]

    convention = f"limit_of_detection(probit, {scale}, beta={beta:g})"
    found = _over_lots(of, lot, len(level), convention, RESULTS_NEEDED, unit)
    own = groups(lot, len(level), "lots")
    smallest = int(np.bincount(own, count).min(initial=np.inf)) if len(level) else 0
    return DetectionLimit(found.reported, found.by_lot, found.pooled, convention, smallest, RESULTS_NEEDED)


@method(
    id="limit-of-quantitation",
    task="measurement",
    zh="定量限（LoQ）",
    en="Limit of quantitation (LoQ) from a precision profile",
    formula="x = (goal / c0)^(1 / c1) of the power model CV = c0 x^c1 fitted by least squares",
    source="CLSI EP17-A2, section 6 and appendix D",
    check="EP17-A2 appendix D1 as computed by the R package sherloq",
)
def limit_of_quantitation(
    mean: ArrayLike, sd: ArrayLike, *, cv_goal_percent: float, detection: float = 0.0, unit: str = "1"
) -> Estimate:
    """Lowest concentration that is measured with the CV wanted (functional sensitivity).

    Parameters
    ----------
    mean, sd : shape (n,), in `unit`, above zero
        Mean and within-laboratory SD of low-level samples, one lot.
    cv_goal_percent : float
    detection : float, in `unit`
        Limit of detection: a limit of quantitation is never below it.

    Returns
    -------
    Estimate
        Not estimable with fewer than three samples, where the CV does not fall with concentration, or where
        the goal is met only outside the samples' range.

    Examples
    --------
    >>> found = limit_of_quantitation([1, 2, 4, 8], [0.2, 0.2, 0.2, 0.2], cv_goal_percent=10)
    >>> round(found.value, 6)
    2.0
    """
    from scipy.optimize import least_squares

    x, y = pairs(mean, sd, names=("mean", "sd"), positive=True)
    if not (np.isfinite(cv_goal_percent) and cv_goal_percent > 0):
        raise WrongUse(found=f"goal {cv_goal_percent} %", wanted="a CV above zero", remedy="Use 20 or 10.")
    n = len(x)
    if n < 3:
        return undefined(n, "fewer than three samples", unit)
    cv = 100 * y / x
    # In units of the geometric mean of x both coefficients are of the order of the data.
    middle = float(np.exp(np.log(x).mean()))
    scaled = x / middle
    slope, intercept = np.polyfit(np.log(scaled), np.log(cv), 1)
    fit = least_squares(
        lambda c: c[0] * scaled ** c[1] - cv, [np.exp(intercept), slope], xtol=1e-14, ftol=1e-14, gtol=1e-14
    )
    height, power = (float(part) for part in fit.x)
    if not fit.success or power >= 0 or height <= 0:
        return undefined(n, "the CV does not fall with concentration", unit)
    value = middle * (cv_goal_percent / height) ** (1 / power)
    if not x.min() <= value <= x.max():
        return undefined(n, "the goal is met only outside the range of the samples", unit)
    return bare(max(value, detection), n, "a point on a fitted profile", unit)


@dataclass(frozen=True)
class TotalErrorAtSample:
    """A low-level sample: bias, SD, and total error in percent of its assigned value."""

    assigned: float
    mean: float
    total_error_percent: float


@method(
    id="limit-of-quantitation-total-error",
    task="measurement",
    zh="定量限（总误差法）",
    en="Limit of quantitation by total error",
    formula="lowest sample mean with (|bias| + 2 SD) / assigned value below the goal",
    source="CLSI EP17-A2, appendix D2 (Westgard model)",
    check="EP17-A2 appendix D2 as computed by the R package sherloq",
)
def quantitation_by_total_error(
    results: ArrayLike, assigned: ArrayLike, sample: Labels, *, goal_percent: float, unit: str = "1"
) -> tuple[Estimate, tuple[TotalErrorAtSample, ...]]:
    """Lowest mean of a sample whose total error is within the goal.

    Parameters
    ----------
    results, assigned : shape (n,), in `unit`
        Results of one lot and the assigned value of their sample, above zero.
    sample : shape (n,)

    Returns
    -------
    (Estimate, tuple of TotalErrorAtSample)
        Not estimable where no sample meets the goal.

    Examples
    --------
    >>> limit, samples = quantitation_by_total_error([9, 10, 11, 19, 20, 21], [10] * 3 + [20] * 3,
    ...     list("aaabbb"), goal_percent=15)
    >>> limit.value, [round(s.total_error_percent, 1) for s in samples]
    (20.0, [20.0, 10.0])
    """
    x, reference = values(results, "results"), values(assigned, "assigned", positive=True)
    pairs(x, reference, names=("results", "assigned"))
    member = groups(sample, len(x), "samples")
    samples = []
    for number in range(int(member.max(initial=-1)) + 1):
        own = member == number
        if own.sum() < 2 or np.ptp(reference[own]) != 0:
            raise WrongUse(
                found="a sample with one result or with several assigned values",
                wanted="replicates of each sample under one assigned value",
                remedy="Check how samples are named.",
            )
        value = float(reference[own][0])
        mean, sd = float(x[own].mean()), float(x[own].std(ddof=1))
        samples.append(TotalErrorAtSample(value, mean, 100 * (abs(mean - value) + 2 * sd) / value))
    met = [part.mean for part in samples if part.total_error_percent < goal_percent]
    if not met:
        return undefined(len(samples), "no sample meets the goal", unit), tuple(samples)
    return bare(min(met), len(samples), "the mean of a sample", unit), tuple(samples)


def _over_lots(
    of: Callable[[NDArray[np.bool_]], Estimate],
    lot: Labels,
    n: int,
    convention: str,
    needed: int,
    unit: str,
) -> DetectionLimit:
    """Each lot by itself and the largest limit, or all lots as one from four lots on."""
    member = groups(lot, n, "lots")
    lots = int(member.max(initial=-1)) + 1
    if lots == 0:
        none = undefined(0, "no result", unit)
        return DetectionLimit(none, (), False, convention, 0, needed)
    pooled = lots >= POOLED_FROM
    if pooled:
        member = np.zeros(n, dtype=np.int64)
    by_lot = tuple(of(member == number) for number in range(1 if pooled else lots))
    smallest = int(np.bincount(member).min())
    missing = [estimate for estimate in by_lot if estimate.value is None]
    if missing:  # the largest of some lots is no limit for all
        reported = undefined(n, f"a lot has no limit: {missing[0].undefined}", unit)
    else:
        reported = max(by_lot, key=lambda estimate: estimate.value or 0.0)
    return DetectionLimit(reported, by_lot, pooled, convention, smallest, needed)


def _multiplier(share: float, free: int) -> float:
    """Normal quantile corrected for the bias of an SD with `free` degrees of freedom."""
    from scipy.stats import norm

    return float(norm.ppf(share)) / (1 - 1 / (4 * free))


def _require_share(share: float) -> None:
    if not 0 < share < 0.5:
        raise WrongUse(found=f"error {share}", wanted="between 0 and 0.5", remedy="Use 0.05.")
