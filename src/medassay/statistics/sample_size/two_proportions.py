"""Two proportions: independent groups, and two devices on the same subjects (McNemar)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse
from medassay.core.method import method
from medassay.statistics.sample_size.plan import (
    FloatArray,
    SampleSize,
    planned_near,
    quantile,
    require_apart,
    require_shares,
)

BoolArray = NDArray[np.bool_]

NEGLIGIBLE = 1e-12  # outcomes rarer than this at either end are not enumerated
EXACT_UP_TO = 5000  # subjects a group; beyond, teeth are smaller than any planning assumption


@method(
    id="sample-size-two-proportions",
    task="sample_size",
    zh="两组率差异样本量",
    en="sample size of two independent proportions",
    formula="n = ((z_a sqrt(2 p q) + z_b sqrt(p1 q1 + p2 q2)) / (p1 - p2))^2, p their mean; exact power by enumeration",
    source="Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions, 2003, chapter 4",
    check="R 4.2.2 power.prop.test; statsmodels proportions_ztest enumerated",
)
def two_proportion_sample_size(
    first: float, second: float, *, alpha: float = 0.05, power: float = 0.8
) -> SampleSize:
    """Subjects in each of two independent groups, by the pooled z test (chi-square without correction).

    Parameters
    ----------
    alpha : float
        Two-sided.

    Returns
    -------
    SampleSize
        Of one group; exact up to 5000, by the formula beyond.

    Raises
    ------
    WrongUse
        A share outside (0, 1), or equal proportions.

    Examples
    --------
    >>> plan = two_proportion_sample_size(0.95, 0.9)
    >>> round(plan.formula, 2), plan.n
    (434.43, 424)
    """
    require_shares(first=first, second=second, alpha=alpha, power=power)
    require_apart(first, second, "proportions")
    mean = (first + second) / 2
    own = first * (1 - first) + second * (1 - second)
    spread = quantile(alpha / 2) * sqrt(2 * mean * (1 - mean)) + quantile(1 - power) * sqrt(own)
    formula = (spread / (first - second)) ** 2
    z = quantile(alpha / 2)

    def rejects(p1: FloatArray, p2: FloatArray, n: int) -> BoolArray:
        pooled = (p1 + p2) / 2
        answer: BoolArray = (p1 - p2) ** 2 > z**2 * pooled * (1 - pooled) * 2 / n
        return answer

    return _enumerated(first, second, rejects, formula, power)


@method(
    id="sample-size-non-inferiority-proportions",
    task="sample_size",
    zh="两组率非劣效样本量",
    en="sample size of non-inferiority of two independent proportions",
    formula="n = (z_a + z_b)^2 (p1 q1 + p2 q2) / (p1 - p2 + margin)^2; exact power of the Wald limit by enumeration",
    source="Chow, Shao and Wang, Sample Size Calculations in Clinical Research, 2008, 4.2",
    check="exact power summed over all outcomes by a second loop",
)
def noninferiority_proportion_sample_size(
    new: float, standard: float, *, margin: float, alpha: float = 0.025, power: float = 0.8
) -> SampleSize:
    """Subjects in each group to show that the new one is worse by less than a margin.

    Parameters
    ----------
    margin : float
        Largest acceptable loss, above 0; shown when the lower Wald limit of new - standard is above
        -margin.
    alpha : float
        One-sided.

    Raises
    ------
    WrongUse
        A share outside (0, 1), or a new one assumed worse by the margin or more.
    """
    require_shares(new=new, standard=standard, margin=margin, alpha=alpha, power=power)
    distance = new - standard + margin
    if distance <= 1e-12:  # what subtraction leaves of nothing
        raise WrongUse(
            found=f"{new:g} assumed against {standard:g} with a margin of {margin:g}",
            wanted="an assumed loss below the margin",
            remedy="Non-inferiority cannot be shown for a device that is taken to be inferior.",
        )
    own = new * (1 - new) + standard * (1 - standard)
    z = quantile(alpha)
    formula = (z + quantile(1 - power)) ** 2 * own / distance**2

    def rejects(p1: FloatArray, p2: FloatArray, n: int) -> BoolArray:
        error = np.sqrt((p1 * (1 - p1) + p2 * (1 - p2)) / n)
        answer: BoolArray = p1 - p2 + margin > z * error
        return answer

    return _enumerated(new, standard, rejects, formula, power)


@method(
    id="sample-size-mcnemar",
    task="sample_size",
    zh="配对率差异样本量（McNemar检验）",
    en="sample size of paired proportions (McNemar)",
    formula="n = (z_a sqrt(d) + z_b sqrt(d - (p10 - p01)^2))^2 / (p10 - p01)^2, d = p10 + p01; exact power over d",
    source="Connor, Biometrics 43:207-211, 1987; Duffy, Biometrics 40:1005-1015, 1984 (exact power)",
    check="exact conditional test summed over discordant pairs by scipy.stats.binomtest",
)
def mcnemar_sample_size(
    only_first: float, only_second: float, *, alpha: float = 0.05, power: float = 0.8
) -> SampleSize:
    """Subjects that both devices see, by the exact McNemar test.

    Parameters
    ----------
    only_first, only_second : float
        Share of subjects whom only the first (second) device gets right; their sum is at most 1.
    alpha : float
        Two-sided.

    Raises
    ------
    WrongUse
        Shares that are equal, not in (0, 1), or sum to more than 1.

    Examples
    --------
    >>> plan = mcnemar_sample_size(0.2, 0.1)
    >>> round(plan.formula, 1), plan.n
    (233.1, 249)
    """
    require_shares(alpha=alpha, power=power)
    if not (only_first >= 0 and only_second >= 0 and 0 < only_first + only_second <= 1):
        raise WrongUse(
            found=f"discordant shares {only_first:g} and {only_second:g}",
            wanted="two shares of the subjects that sum to at most 1",
            remedy="Give the share whom only one of the two devices gets right.",
        )
    require_apart(only_first, only_second, "discordant shares")
    discordant, difference = only_first + only_second, only_first - only_second
    spread = quantile(alpha / 2) * sqrt(discordant)
    spread += quantile(1 - power) * sqrt(discordant - difference**2)
    power_of = _mcnemar_power(only_first / discordant, discordant, alpha)
    return planned_near(power_of, aim=power, formula=(spread / difference) ** 2)


def _mcnemar_power(share: float, discordant: float, alpha: float) -> Callable[[int], float]:
    """Power by number of subjects: the exact test given the discordant pairs, summed over how many there are."""
    from scipy.stats import binom

    @lru_cache(maxsize=1)
    def given(most: int) -> FloatArray:
        pairs = np.arange(most + 1)
        above = binom.isf(alpha / 2, pairs, 0.5)  # two-sided p = 2 P(X > above) <= alpha
        chance = binom.sf(above, pairs, share) + binom.cdf(pairs - above - 1, pairs, share)
        chance[0] = 0.0  # no pair, no test
        return np.asarray(chance)

    @cache
    def power(n: int) -> float:
        low, high = binom.ppf([NEGLIGIBLE, 1 - NEGLIGIBLE], n, discordant).astype(int)
        pairs = np.arange(low, high + 1)
        whole = 2 ** int(np.ceil(np.log2(high + 1)))  # tabulated in doubling steps
        return float(binom.pmf(pairs, n, discordant) @ given(whole)[pairs])

    return power


def _enumerated(
    p1: float,
    p2: float,
    rejects: Callable[[FloatArray, FloatArray, int], BoolArray],
    formula: float,
    aim: float,
) -> SampleSize:
    """Plan along the power summed over all outcomes of two groups of n."""
    if formula > EXACT_UP_TO:
        n = ceil(formula)
        said = f"above {EXACT_UP_TO} subjects a group the formula is used"
        return SampleSize(n, n, aim, formula, None, False, (said,))

    @cache
    def power(n: int) -> float:
        from scipy.stats import binom

        outcomes = []
        for p in (p1, p2):
            low, high = binom.ppf([NEGLIGIBLE, 1 - NEGLIGIBLE], n, p).astype(int)
            counts = np.arange(low, high + 1)
            outcomes.append((counts / n, binom.pmf(counts, n, p)))
        (share1, chance1), (share2, chance2) = outcomes
        region = rejects(share1[:, None], share2[None, :], n)
        return float(chance1 @ region @ chance2)

    return planned_near(power, aim=aim, formula=formula)
