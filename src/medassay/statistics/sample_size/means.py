"""Means and limits of agreement: measurements that are compared in their own unit."""

from __future__ import annotations

from math import sqrt

from medassay.core.errors import WrongUse
from medassay.core.method import method
from medassay.statistics.sample_size.plan import (
    SampleSize,
    planned_near,
    quantile,
    require_positive,
    require_shares,
)


@method(
    id="sample-size-mean-difference",
    task="sample_size",
    zh="均值差异样本量（t检验）",
    en="sample size of a mean difference (t test)",
    formula="smallest n with P(|t'(df, d sqrt(n) / sd)| > t) >= power, noncentral t; two groups: d sqrt(n / 2) / sd",
    source="Cohen, Statistical Power Analysis, 1988, chapter 2",
    check="statsmodels TTestPower and TTestIndPower",
)
def mean_sample_size(
    difference: float, spread: float, *, alpha: float = 0.05, power: float = 0.8, groups: int = 1
) -> SampleSize:
    """Subjects to show a mean difference, paired (one group of differences) or between two groups.

    Parameters
    ----------
    difference, spread : float, in one unit
        Assumed mean difference, and standard deviation of the differences (one group) or of the values in
        each group (two).
    alpha : float
        Two-sided.
    groups : 1 or 2
        The number returned is that of each group.

    Raises
    ------
    WrongUse
        No difference, no spread, or another number of groups.

    Examples
    --------
    >>> mean_sample_size(0.5, 1.0, groups=2).n, mean_sample_size(0.5, 1.0).n
    (64, 34)
    """
    require_shares(alpha=alpha, power=power)
    require_positive(spread=spread, size_of_difference=abs(difference))
    if groups not in (1, 2):
        raise WrongUse(
            found=f"{groups} groups", wanted="1 (paired) or 2", remedy="Plan more groups pair by pair."
        )
    from scipy.stats import nct, t

    effect = abs(difference) / spread
    formula = groups * ((quantile(alpha / 2) + quantile(1 - power)) / effect) ** 2

    def power_of(n: int) -> float:
        df, move = groups * (n - 1), effect * sqrt(n / groups)
        critical = t.isf(alpha / 2, df)
        return float(nct.sf(critical, df, move) + nct.cdf(-critical, df, move))

    return planned_near(power_of, aim=power, formula=formula)


@method(
    id="sample-size-limits-of-agreement",
    task="sample_size",
    zh="一致性界限样本量（Bland-Altman法）",
    en="sample size of limits of agreement (Bland-Altman)",
    formula="power = sum over both sides of P(t'(n-1, sqrt(n) (limit -+ mean) / sd) > sqrt(n) (z + t sqrt(V))) - 1",
    source="Lu et al., Int J Biostat 12(2), 2016, doi 10.1515/ijb-2015-0039",
    check="MedCalc's example (83 pairs), simulated studies, and the half-width of Bland's own formula",
)
def agreement_sample_size(
    mean: float,
    spread: float,
    limit: float,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    coverage: float = 0.95,
) -> SampleSize:
    """Pairs so that the limits of agreement, with their confidence limits, lie within plus and minus a limit.

    Parameters
    ----------
    mean, spread, limit : float, in one unit
        Assumed mean and standard deviation of the differences, and the largest acceptable difference.
    alpha : float
        1 - confidence of each limit's two-sided interval.
    coverage : float
        Share of differences between the limits of agreement.

    Raises
    ------
    WrongUse
        When the limits of agreement themselves reach the acceptable difference.

    Examples
    --------
    >>> agreement_sample_size(0.001167, 0.001129, 0.004).n
    83
    """
    require_shares(alpha=alpha, power=power, coverage=coverage)
    require_positive(spread=spread, limit=limit)
    z = quantile((1 - coverage) / 2)
    room = limit - abs(mean) - z * spread
    if room <= 0:
        raise WrongUse(
            found=f"limits of agreement up to {abs(mean) + z * spread:g}",
            wanted=f"within the acceptable {limit:g}",
            remedy="No number of pairs shows agreement that is not there.",
        )
    from scipy.stats import nct, t

    # A confidence limit is mean +- (z + t sqrt(V)) sd: it clears the acceptable difference exactly when a
    # noncentral t does. That both sides fail at once is left out: with room on both it does not happen.
    def power_of(n: int) -> float:
        reach = sqrt(n) * (z + float(t.isf(alpha / 2, n - 1)) * sqrt(_limit_variance(n, z)))
        sides = (float(nct.sf(reach, n - 1, sqrt(n) * (limit - side * mean) / spread)) for side in (1, -1))
        return sum(sides) - 1

    formula = (quantile(alpha / 2) + quantile(1 - power)) ** 2 * (1 + z**2 / 2) * (spread / room) ** 2
    return planned_near(power_of, aim=power, formula=formula, smallest=3)


def agreement_half_width(pairs: int, *, alpha: float = 0.05, coverage: float = 0.95) -> float:
    """Half-width of a limit of agreement's confidence interval, in standard deviations of the differences.

    Examples
    --------
    >>> round(agreement_half_width(100), 2)
    0.34
    """
    require_shares(alpha=alpha, coverage=coverage)
    if pairs < 2:
        raise WrongUse(
            found=f"{pairs} pairs", wanted="at least 2", remedy="Give the planned number of pairs."
        )
    from scipy.stats import t

    return float(t.isf(alpha / 2, pairs - 1)) * sqrt(_limit_variance(pairs, quantile((1 - coverage) / 2)))


def _limit_variance(n: int, z: float) -> float:
    """Variance of mean + z sd, in variances of the differences."""
    return 1 / n + z**2 / (2 * (n - 1))
