"""Intervals of a binomial proportion, one independent yes or no a subject.

Cases of one person are not independent: `ratio` resamples people, `rao_scott` has the closed form.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.intervals import normal_quantile, require_confidence
from medassay.statistics.scored import FloatArray

ProportionInterval = Literal[
    "wilson",
    "wilson_cc",
    "clopper_pearson",
    "mid_p",
    "agresti_coull",
    "agresti_coull_unclipped",
    "jeffreys",
    "jeffreys_one_sided",
    "logit",
    "wald",
    "wald_unclipped",
    "minlike",
]
Ends = tuple[float, float]


@method(
    id="proportion",
    task="any",
    zh="率及其置信区间",
    en="proportion with confidence interval",
    formula="p = x / n; interval by the named method (Wilson, Clopper-Pearson, ...)",
    source="Newcombe, Stat Med 17:857-872, 1998; Brown, Cai and DasGupta, Stat Sci 16:101-133, 2001",
    check="R 4.2.2 prop.test, binom.test, exact2x2, binom; statsmodels 0.15.0; scipy binomtest",
)
def proportion(
    successes: int,
    subjects: int,
    *,
    method: ProportionInterval = "wilson",
    confidence: float = 0.95,
) -> Estimate:
    """Successes / subjects with a two-sided interval.

    Parameters
    ----------
    successes, subjects : int
        Counts of independent subjects; events of one subject belong into `ratio`, which clusters them.
    method : str
        - "wilson", "wilson_cc": score interval, without and with continuity correction of 1/(2n).
        - "clopper_pearson": exact, equal tails; never below its confidence, often well above.
        - "mid_p": exact, each tail with half the probability of what was seen.
        - "minlike": exact, the least and the greatest p that are not rejected by the two-sided test that counts
          outcomes no likelier than what was seen (what lies between may have gaps).
        - "agresti_coull": normal about (x + z^2/2) / (n + z^2), cut at 0 and 1; "..._unclipped" is not cut.
        - "jeffreys": equal tails of Beta(x + 1/2, n - x + 1/2), also at 0 and n, where it leaves the figure
          itself out by a hair (statsmodels);
          "jeffreys_one_sided": at 0 and n one end is 0 or 1 and the other takes the whole error (R's binom).
        - "logit": normal on the logit.
        - "wald", "wald_unclipped": the textbook's normal interval, for comparison with other reports only: it
          has no width at 0 and n.

    Returns
    -------
    Estimate
        In [0, 1]; not estimable without a subject; "logit" has no interval at 0 and n.

    Raises
    ------
    WrongUse
        When the counts cannot be a proportion.

    References
    ----------
    Wilson, J Am Stat Assoc 22:209-212, 1927; Clopper and Pearson, Biometrika 26:404-413, 1934; Newcombe, Stat
    Med 17:857-872, 1998 (its methods 1 to 6); Agresti and Coull, Am Stat 52:119-126, 1998; Brown, Cai and
    DasGupta, Stat Sci 16:101-133, 2001 (Jeffreys, logit); Blaker, Can J Stat 28:783-798, 2000 (minlike).

    Examples
    --------
    >>> e = proportion(81, 263)
    >>> round(e.lower, 4), round(e.upper, 4)
    (0.2553, 0.3662)
    """
    require_confidence(confidence)
    _require_counts(successes, subjects, method)
    if subjects == 0:
        return Estimate(value=None, n_subjects=0, n_events=0, undefined="no subject")
    value = successes / subjects
    if method == "logit" and successes in (0, subjects):
        return Estimate(
            value=value,
            n_subjects=subjects,
            n_events=subjects,
            undefined="no interval: the logit of 0 or 1 does not exist",
        )
    lower, upper = _ENDS[method](int(successes), int(subjects), confidence)
    return Estimate(
        value=value,
        lower=lower,
        upper=upper,
        confidence=confidence,
        method=method,
        n_subjects=subjects,
        n_events=subjects,
    )


def _require_counts(successes: int, subjects: int, method: str) -> None:
    if method not in _ENDS:
        raise WrongUse(
            found=f"method '{method}'", wanted=f"one of {', '.join(_ENDS)}", remedy="Name one of them."
        )
    if not 0 <= successes <= subjects or successes != int(successes) or subjects != int(subjects):
        raise WrongUse(
            found=f"{successes} of {subjects}",
            wanted="whole counts, 0 <= successes <= subjects",
            remedy="Check how the counts were made.",
        )


def ends_of(successes: int, subjects: int, *, method: ProportionInterval, confidence: float = 0.95) -> Ends:
    """The ends alone, for figures that are made of them; every method but "logit" has some.

    Examples
    --------
    >>> [round(end, 4) for end in ends_of(0, 20, method="jeffreys_one_sided")]
    [0.0, 0.0905]
    """
    return _ENDS[method](successes, subjects, confidence)


def wilson_ends(value: float, n: float, z: float) -> Ends:
    """Wilson's ends for a proportion of a sample size that need not be whole (an effective one).

    Examples
    --------
    >>> [round(end, 4) for end in wilson_ends(81 / 263, 263, 1.96)]
    [0.2553, 0.3662]
    """
    centre = (value + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * math.sqrt(value * (1 - value) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    # At 0 and 1 the end is the figure itself; rounding would leave a hair on the wrong side of it.
    lower = 0.0 if value == 0 else max(centre - half, 0.0)
    upper = 1.0 if value == 1 else min(centre + half, 1.0)
    return lower, upper


def _wilson(x: int, n: int, confidence: float) -> Ends:
    return wilson_ends(x / n, n, normal_quantile(confidence))


def _wilson_cc(x: int, n: int, confidence: float) -> Ends:
    from scipy import stats  # takes a second to load, which the other intervals need not wait for

    interval = stats.binomtest(x, n).proportion_ci(confidence, method="wilsoncc")
    return float(interval.low), float(interval.high)


def _clopper_pearson(x: int, n: int, confidence: float) -> Ends:
    """Where P(X >= x) and P(X <= x) are half the error each: quantiles of the beta distribution."""
    tail = (1 - confidence) / 2
    lower = 0.0 if x == 0 else float(special.betaincinv(x, n - x + 1, tail))
    upper = 1.0 if x == n else float(special.betainccinv(x + 1, n - x, tail))
    return lower, upper


def _mid_p(x: int, n: int, confidence: float) -> Ends:
    from scipy import optimize, stats

    tail = (1 - confidence) / 2

    def above(p: float) -> float:  # P(X > x) + half of P(X = x), less the tail
        return float(stats.binom.sf(x, n, p) + stats.binom.pmf(x, n, p) / 2) - tail

    def below(p: float) -> float:
        return float(stats.binom.cdf(x - 1, n, p) + stats.binom.pmf(x, n, p) / 2) - tail

    lower = 0.0 if x == 0 else float(optimize.brentq(above, 0.0, x / n, xtol=1e-14))
    upper = 1.0 if x == n else float(optimize.brentq(below, x / n, 1.0, xtol=1e-14))
    return lower, upper


def _minlike(x: int, n: int, confidence: float) -> Ends:
    return _minlike_lower(x, n, 1 - confidence), 1 - _minlike_lower(n - x, n, 1 - confidence)


def _minlike_lower(x: int, n: int, alpha: float) -> float:
    """The smallest p at which outcomes no likelier than x have together a probability above alpha.

    Below x / n these outcomes are x and more, and k and fewer, where k grows by one at each p at which k
    becomes as unlikely as x. Between such places the probability first falls and then rises (it is one minus
    that of a run of outcomes), so it first passes alpha at the left end of a stretch, or within it, once.
    """
    from scipy import optimize

    if x == 0:
        return 0.0
    # p / (1 - p) = (C(n, k) / C(n, x))^(1 / (x - k)) where k and x are equally likely.
    k = np.arange(x)
    logs = special.gammaln(x + 1) + special.gammaln(n - x + 1) - special.gammaln(k + 1)
    logs = (logs - special.gammaln(n - k + 1)) / (x - k)
    joins = special.expit(logs)  # rises with k; k below x joins before p reaches x / n, or after
    starts, stops = np.append(0.0, joins), np.append(joins, 1.0)
    fewest = np.arange(x + 1)  # outcomes 0 .. fewest - 1 are in
    at_start, at_stop = (_unlikely(x, fewest, n, edge) > alpha for edge in (starts, stops))
    first = int(np.flatnonzero(at_start | at_stop)[0])  # at p = 1 everything from x on is in
    if at_start[first]:
        return float(starts[first])
    return float(
        optimize.brentq(
            lambda p: float(_unlikely(x, first, n, p)) - alpha, starts[first], stops[first], xtol=1e-14
        )
    )


def _unlikely(x: int, fewest: ArrayLike, n: int, p: ArrayLike) -> FloatArray:
    """P(X >= x) + P(X < fewest), x > 0, by the incomplete beta function."""
    low = np.asarray(fewest, dtype=np.float64)
    below = np.where(low > 0, special.betaincc(np.maximum(low, 1), n - low + 1, p), 0.0)
    total: FloatArray = special.betainc(x, n - x + 1, p) + below
    return total


def _agresti_coull_unclipped(x: int, n: int, confidence: float) -> Ends:
    z = normal_quantile(confidence)
    size = n + z**2
    centre = (x + z**2 / 2) / size
    half = z * math.sqrt(centre * (1 - centre) / size)
    return centre - half, centre + half


def _wald_unclipped(x: int, n: int, confidence: float) -> Ends:
    half = normal_quantile(confidence) * math.sqrt(x / n * (1 - x / n) / n)
    return x / n - half, x / n + half


def _clipped(ends: Callable[[int, int, float], Ends]) -> Callable[[int, int, float], Ends]:
    def cut(x: int, n: int, confidence: float) -> Ends:
        lower, upper = ends(x, n, confidence)
        return max(lower, 0.0), min(upper, 1.0)

    return cut


def _jeffreys(x: int, n: int, confidence: float) -> Ends:
    tail = (1 - confidence) / 2
    lower, upper = special.betaincinv(x + 0.5, n - x + 0.5, [tail, 1 - tail])
    return float(lower), float(upper)


def _jeffreys_one_sided(x: int, n: int, confidence: float) -> Ends:
    if x == 0:
        return 0.0, float(special.betaincinv(0.5, n + 0.5, confidence))
    if x == n:
        return float(special.betaincinv(n + 0.5, 0.5, 1 - confidence)), 1.0
    return _jeffreys(x, n, confidence)


def _logit(x: int, n: int, confidence: float) -> Ends:
    half = normal_quantile(confidence) * math.sqrt(1 / x + 1 / (n - x))
    centre = math.log(x / (n - x))
    return float(special.expit(centre - half)), float(special.expit(centre + half))


_ENDS: dict[str, Callable[[int, int, float], Ends]] = {
    "wilson": _wilson,
    "wilson_cc": _wilson_cc,
    "clopper_pearson": _clopper_pearson,
    "mid_p": _mid_p,
    "agresti_coull": _clipped(_agresti_coull_unclipped),
    "agresti_coull_unclipped": _agresti_coull_unclipped,
    "jeffreys": _jeffreys,
    "jeffreys_one_sided": _jeffreys_one_sided,
    "logit": _logit,
    "wald": _clipped(_wald_unclipped),
    "wald_unclipped": _wald_unclipped,
    "minlike": _minlike,
}
