"""One proportion against a goal: sensitivity above 0.85, planned exactly.

A sensitivity counts whole people, so the test's true level lies below the nominal one and jumps with n. The
normal formula does not know this: for 0.85 against 0.90 it says 363, which has a power of 0.772, not 0.80.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import asin, sqrt
from typing import Literal

import numpy as np

from medassay.core.errors import WrongUse
from medassay.core.method import method
from medassay.statistics.sample_size.plan import (
    FloatArray,
    IntArray,
    SampleSize,
    planned,
    quantile,
    require_apart,
    require_shares,
)

BinomialTest = Literal["one_sided", "two_sided_minimum_likelihood"]
SAME_LIKELIHOOD = 1 + 1e-7  # R binom.test counts outcomes this close as equally likely


@dataclass(frozen=True)
class BinomialPower:
    """Power of an exact test with n subjects.

    Attributes
    ----------
    critical_low, critical_high : int or None
        Reject with this many successes or fewer, or this many or more; None: never on that side.
    power, level : float
        Chance to reject under the assumed and under the goal's proportion.
    """

    critical_low: int | None
    critical_high: int | None
    power: float
    level: float


def binomial_power(
    n: int, goal: float, assumed: float, *, alpha: float = 0.025, test: BinomialTest = "one_sided"
) -> BinomialPower:
    """Exact power to refute a goal proportion.

    Parameters
    ----------
    alpha : float
        Of the test as named: 0.025 one-sided is the same as a 95 % Clopper-Pearson limit that clears the
        goal; 0.05 two-sided by minimum likelihood (R binom.test) may reject elsewhere.
    test : "one_sided" or "two_sided_minimum_likelihood"
        One-sided: towards the assumed proportion.

    Raises
    ------
    WrongUse
        A share outside (0, 1), or fewer than one subject.

    References
    ----------
    Clopper and Pearson, Biometrika 26:404-413, 1934; Chernick and Liu, Am Stat 56:149-155, 2002 (saw-tooth).

    Examples
    --------
    >>> p = binomial_power(100, 0.85, 0.95)
    >>> p.critical_high, round(p.power, 4), round(p.level, 4)
    (93, 0.872, 0.0122)
    """
    require_shares(goal=goal, assumed=assumed, alpha=alpha)
    if n < 1:
        raise WrongUse(found=f"{n} subjects", wanted="at least 1", remedy="Give the planned number.")
    from scipy.stats import binom

    if test == "one_sided":
        rejects = _one_sided_region(n, goal, assumed, alpha)
    else:
        chance = binom.pmf(np.arange(n + 1), n, goal)
        order = np.sort(chance)
        # p of an outcome: all outcomes no more likely than it, equally likely ones within rounding.
        place = np.searchsorted(order, chance * SAME_LIKELIHOOD, side="right")
        rejects = np.concatenate([[0.0], np.cumsum(order)])[place] <= alpha
    low, high = rejects[: int(n * goal) + 1], rejects[int(n * goal) + 1 :]
    return BinomialPower(
        critical_low=int(np.flatnonzero(low)[-1]) if low.any() else None,
        critical_high=int(n * goal) + 1 + int(np.argmax(high)) if high.any() else None,
        power=float(binom.pmf(np.flatnonzero(rejects), n, assumed).sum()),
        level=float(binom.pmf(np.flatnonzero(rejects), n, goal).sum()),
    )


@method(
    id="sample-size-proportion",
    task="sample_size",
    zh="单组率样本量（精确二项检验）",
    en="sample size of one proportion (exact binomial)",
    formula="smallest n from which P(X >= c | n, assumed) >= power, c the least with P(X >= c | n, goal) <= alpha",
    source="Clopper and Pearson, Biometrika 26:404-413, 1934; Chernick and Liu, Am Stat 56:149-155, 2002",
    check="R 4.2.2 binom.test enumerated over all outcomes",
)
def proportion_sample_size(
    goal: float, assumed: float, *, alpha: float = 0.025, power: float = 0.8
) -> SampleSize:
    """Subjects to show that a proportion is above (or below) a goal, by the exact one-sided test.

    Parameters
    ----------
    goal : float
        The proportion to be refuted.
    assumed : float
        What the device is taken to have; above the goal for a sensitivity, below it for a failure rate.
    alpha : float
        One-sided; 0.025 is the 95 % Clopper-Pearson limit.

    Returns
    -------
    SampleSize
        `formula` is ((z_alpha sqrt(p0 q0) + z_beta sqrt(p1 q1)) / (p1 - p0))^2.

    Raises
    ------
    WrongUse
        A share outside (0, 1), or an assumed value equal to the goal.

    Examples
    --------
    >>> plan = proportion_sample_size(0.85, 0.90)
    >>> round(plan.formula, 1), round(plan.power_at_formula, 3), plan.n > 363
    (362.8, 0.772, True)
    """
    require_shares(goal=goal, assumed=assumed, alpha=alpha, power=power)
    require_apart(goal, assumed, "goal and assumed proportion")
    spread = quantile(alpha) * sqrt(goal * (1 - goal)) + quantile(1 - power) * sqrt(assumed * (1 - assumed))
    formula = (spread / (assumed - goal)) ** 2
    # Fewer than the goal is more than the complement: one direction serves both.
    low, high = (goal, assumed) if assumed > goal else (1 - goal, 1 - assumed)

    def power_of(numbers: IntArray) -> FloatArray:
        from scipy.stats import binom

        critical = binom.isf(alpha, numbers, low)  # reject above it
        chance: FloatArray = binom.sf(critical, numbers, high)
        return chance

    return planned(power_of, aim=power, formula=formula)


@method(
    id="sample-size-proportion-arcsine",
    task="sample_size",
    zh="单组率样本量（反正弦变换）",
    en="sample size of one proportion (arcsine)",
    formula="n solves Phi(h sqrt(n) - z) + Phi(-h sqrt(n) - z) = power, h = 2 asin sqrt(p1) - 2 asin sqrt(p0)",
    source="Cohen, Statistical Power Analysis, 1988, chapter 6",
    check="R pwr 1.3.0 pwr.p.test, pwr.2p.test",
)
def arcsine_sample_size(
    first: float, second: float, *, alpha: float = 0.05, power: float = 0.8, samples: Literal[1, 2] = 1
) -> float:
    """The arcsine approximation of one proportion against a value, or of two groups, not rounded.

    Parameters
    ----------
    alpha : float
        Two-sided.
    samples : 1 or 2
        One group against a fixed value, or two independent groups (the number is that of each).

    Examples
    --------
    >>> round(arcsine_sample_size(0.95, 0.9), 2), round(arcsine_sample_size(0.95, 0.9, samples=2), 2)
    (211.87, 423.73)
    """
    require_shares(first=first, second=second, alpha=alpha, power=power)
    require_apart(first, second, "proportions")
    from scipy.optimize import brentq
    from scipy.special import ndtr

    effect = abs(2 * asin(sqrt(first)) - 2 * asin(sqrt(second)))
    z = quantile(alpha / 2)
    if power <= alpha:
        raise WrongUse(
            found=f"power {power:g} with alpha {alpha:g}",
            wanted="a power above alpha",
            remedy="A test without data already rejects with chance alpha.",
        )
    root = brentq(lambda move: ndtr(move - z) + ndtr(-move - z) - power, 0.0, 40.0, xtol=1e-13)
    return float(samples * (root / effect) ** 2)


def _one_sided_region(
    n: int, goal: float, assumed: float, alpha: float
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    from scipy.stats import binom

    outcomes = np.arange(n + 1)
    up = assumed > goal
    beyond = binom.sf(outcomes - 1, n, goal) if up else binom.cdf(outcomes, n, goal)
    return np.asarray(beyond <= alpha)
