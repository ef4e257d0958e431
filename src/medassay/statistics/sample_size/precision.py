"""Intervals that are to be narrow enough: subjects for a half-width, and for people who are hard to find."""

from __future__ import annotations

from math import ceil
from typing import Literal

from medassay.core.errors import WrongUse
from medassay.core.method import method
from medassay.statistics.proportion import proportion
from medassay.statistics.sample_size.plan import (
    planned_near,
    quantile,
    require_positive,
    require_shares,
)


@method(
    id="sample-size-precision-wald",
    task="sample_size",
    zh="率估计精度样本量（正态近似）",
    en="sample size for the precision of a proportion (normal)",
    formula="n = z^2 p (1 - p) / half_width^2",
    source="Levy and Lemeshow, Sampling of Populations, 1999, chapter 3",
    check="R epiR 2.0.57 epi.sssimpleestb",
)
def wald_precision(assumed: float, half_width: float, *, confidence: float = 0.95) -> float:
    """Subjects for a half-width by the normal formula, not rounded.

    Examples
    --------
    >>> round(wald_precision(0.9, 0.05), 2)
    138.29
    """
    require_shares(assumed=assumed, half_width=half_width, confidence=confidence)
    return (quantile((1 - confidence) / 2) / half_width) ** 2 * assumed * (1 - assumed)


@method(
    id="sample-size-precision-exact",
    task="sample_size",
    zh="率估计精度样本量（按实际区间）",
    en="sample size for the precision of a proportion (by the interval itself)",
    formula="smallest n from which the interval at round(n p) of n stays within 2 half_width",
    source="Newcombe, Stat Med 17:857-872, 1998 (Wilson); Clopper and Pearson, Biometrika 26:404-413, 1934",
    check="scipy.stats.binomtest at and below the number",
)
def interval_precision(
    assumed: float,
    half_width: float,
    *,
    interval: Literal["wilson", "clopper_pearson"] = "wilson",
    confidence: float = 0.95,
) -> int:
    """Subjects so that the interval that will be reported is no wider than twice the half-width.

    The normal formula forgets that real intervals are not symmetric and an exact one is wider.

    Examples
    --------
    >>> interval_precision(0.9, 0.05, interval="clopper_pearson"), round(wald_precision(0.9, 0.05))
    (159, 138)
    """
    require_shares(assumed=assumed, half_width=half_width, confidence=confidence)
    start = ceil(wald_precision(assumed, half_width, confidence=confidence))

    def narrow(n: int) -> float:
        found = proportion(round(n * assumed), n, method=interval, confidence=confidence)
        assert found.lower is not None
        assert found.upper is not None
        return float(found.upper - found.lower <= 2 * half_width)

    return planned_near(narrow, aim=0.5, formula=start).n


@method(
    id="sample-size-diagnostic-precision",
    task="sample_size",
    zh="诊断准确度研究总样本量（Buderer法）",
    en="total sample size of a diagnostic accuracy study (Buderer)",
    formula="N = z^2 p (1 - p) / half_width^2 / prevalence (specificity: / (1 - prevalence))",
    source="Buderer, Acad Emerg Med 3:895-900, 1996",
    check="R epiR 2.0.57",
)
def diagnostic_precision(
    assumed: float,
    half_width: float,
    prevalence: float,
    *,
    of: Literal["sensitivity", "specificity"],
    confidence: float = 0.95,
) -> float:
    """Subjects of a consecutive series, not rounded, so that its diseased (healthy) part is large enough.

    The prevalence is taken as known: on average, not with any assurance (`recruits_for`).

    Examples
    --------
    >>> round(diagnostic_precision(0.9, 0.05, 0.3, of="sensitivity"), 2)
    460.98
    """
    require_shares(prevalence=prevalence)
    share = prevalence if of == "sensitivity" else 1 - prevalence
    return wald_precision(assumed, half_width, confidence=confidence) / share


@method(
    id="sample-size-recruits",
    task="sample_size",
    zh="按患病率的入组样本量（负二项分布）",
    en="recruits for a number of cases at a prevalence (negative binomial)",
    formula="smallest N with P(Binomial(N, prevalence) >= cases) >= assurance",
    source="Johnson, Kemp and Kotz, Univariate Discrete Distributions, 2005, chapter 5",
    check="scipy.stats.binom at and below the number",
)
def recruits_for(cases: int, prevalence: float, *, assurance: float = 0.9) -> int:
    """Consecutive subjects so that enough of them have the condition, with a stated chance.

    Examples
    --------
    >>> recruits_for(100, 0.1), 100 / 0.1
    (1123, 1000.0)
    """
    require_shares(prevalence=prevalence, assurance=assurance)
    if cases < 1:
        raise WrongUse(found=f"{cases} cases", wanted="at least 1", remedy="Give the number needed.")
    from scipy.stats import nbinom

    return cases + int(nbinom.ppf(assurance, cases, prevalence))


@method(
    id="sample-size-rate-precision",
    task="sample_size",
    zh="发生率估计精度所需观察量",
    en="exposure for the precision of a rate",
    formula="T = z^2 rate / half_width^2",
    source="Rothman, Greenland and Lash, Modern Epidemiology, 2008, chapter 14",
    check="exact Poisson interval at the expected count",
)
def rate_precision(rate: float, half_width: float, *, confidence: float = 0.95) -> float:
    """Time (or whatever the rate is per) so that a Poisson rate is known to a half-width.

    Examples
    --------
    >>> round(rate_precision(2.0, 0.5), 1)
    30.7
    """
    require_positive(rate=rate, half_width=half_width)
    require_shares(confidence=confidence)
    return (quantile((1 - confidence) / 2) / half_width) ** 2 * rate
