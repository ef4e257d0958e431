"""Two yes-or-no results of the same people: the difference of their proportions, and McNemar's tests.

The table is (a, b, c, d): both yes, first alone, second alone, neither. The difference first minus second is
(b - c) / n, and only b and c, the discordant pairs, tell the two apart.
"""

from __future__ import annotations

import math
from typing import Literal

from scipy import optimize, special

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.intervals import (
    normal_quantile,
    not_estimable,
    require_confidence,
    with_interval,
)
from medassay.statistics.proportion import ProportionInterval, ends_of
from medassay.statistics.proportion_difference import EDGE, NEAR_EDGE, square_and_add
from medassay.statistics.significance import Significance

Table = tuple[int, int, int, int]
PairedInterval = Literal["newcombe", "mover", "tango", "agresti_min"]
Base = Literal["wilson", "jeffreys"]
McNemar = Literal["exact", "mid_p", "chi2", "chi2_corrected"]


@method(
    id="paired-proportion-difference",
    task="comparison",
    zh="配对样本率差",
    en="difference of two paired proportions",
    formula="(b - c) / n; square-and-add of Wilson's ends with the correlation of the pair (Newcombe)",
    source="Newcombe, Stat Med 17:2635-2650, 1998, method 10; Tango, Stat Med 17:891-908, 1998",
    check="R PropCIs 0.3.0 and ratesci 1.0.0",
)
def paired_difference(
    table: Table,
    *,
    interval: PairedInterval = "newcombe",
    base: Base = "wilson",
    confidence: float = 0.95,
) -> Estimate:
    """(b - c) / n of the same people, first minus second.

    Parameters
    ----------
    table : (a, b, c, d), counts of subjects
    interval : str
        - "newcombe": square-and-add of the ends of each proportion, phi corrected for continuity (method 10).
        - "mover": the same with the plain phi (method 8).
        - "tango": inverts the score test of a difference.
        - "agresti_min": normal after half a pair more in each cell.
    base : "wilson" or "jeffreys"
        The ends that the first two add up: Wilson's, as Newcombe published, or those of Jeffreys' prior, one-sided
        at 0 and 1 (R's ratesci offers both).

    Returns
    -------
    Estimate
        Not estimable without a subject.

    References
    ----------
    Newcombe, Stat Med 17:2635-2650, 1998; Tango, Stat Med 17:891-908, 1998; Agresti and Min, Stat Med
    24:729-740, 2005; Tang et al., Stat Med 29:2789-2799, 2010 (MOVER).

    Examples
    --------
    >>> e = paired_difference((36, 12, 2, 50))
    >>> round(e.value, 4), round(e.lower, 4), round(e.upper, 4)
    (0.1, 0.0266, 0.1709)
    """
    require_confidence(confidence)
    a, b, c, d = _counts(table)
    n = a + b + c + d
    if n == 0:
        return not_estimable("no subject", 0)
    z, name = normal_quantile(confidence), str(interval)
    if interval == "tango":
        lower, upper = _tango(b, c, n, z)
    elif interval == "agresti_min":
        size, difference, spread = n + 2, b - c, b + c + 1
        half = z * math.sqrt(spread - difference**2 / size) / size
        lower, upper = difference / size - half, difference / size + half
    else:
        phi = _phi(a, b, c, d, corrected=interval == "newcombe")
        kind: ProportionInterval = "wilson" if base == "wilson" else "jeffreys_one_sided"
        one, other = (ends_of(yes, n, method=kind, confidence=confidence) for yes in (a + b, a + c))
        lower, upper = square_and_add((a + b) / n, (a + c) / n, (one, other), phi)
        name = f"{interval}({base})"
    return with_interval((b - c) / n, lower, upper, confidence=confidence, method=name, n_subjects=n)


@method(
    id="mcnemar",
    task="comparison",
    zh="McNemar检验",
    en="McNemar's test",
    formula="exact: 2 P(X <= min(b, c)), X ~ Bin(b + c, 1/2); chi2: (b - c)^2 / (b + c)",
    source="McNemar, Psychometrika 12:153-157, 1947; Fagerland et al., BMC Med Res Methodol 13:91, 2013",
    check="R exact2x2 1.7.0 and mcnemar.test; statsmodels 0.15.0",
)
def mcnemar(
    table: Table, *, version: McNemar = "mid_p", when_equal: Literal["zero", "corrected"] = "zero"
) -> Significance:
    """Whether both results are yes equally often, two-sided.

    Parameters
    ----------
    version : str
        - "exact": the binomial test of b in b + c.
        - "mid_p": twice the smaller tail with half of P(X = b); closest to its level of the four.
        - "chi2": without, "chi2_corrected": with Edwards' correction |b - c| - 1.
    when_equal : "zero" or "corrected"
        The corrected statistic where b = c: 0 (R), or 1 / (b + c) as the formula says (statsmodels).

    Returns
    -------
    Significance
        Exact versions give p = 1 without a discordant pair; the chi-squared ones are undefined there.

    Examples
    --------
    >>> mcnemar((36, 12, 2, 50), version="exact").p_value
    0.012939453125
    """
    _, b, c, _ = _counts(table)
    pairs, name = b + c, f"mcnemar_{version}"
    if version in ("exact", "mid_p"):
        from scipy import stats  # takes a second to load, which the other tests need not wait for

        tail = float(stats.binom.cdf(min(b, c), pairs, 0.5))
        seen = float(stats.binom.pmf(min(b, c), pairs, 0.5)) if version == "mid_p" else 0.0
        return Significance(p_value=min(2 * tail - seen, 1.0), statistic=None, test=name)
    if pairs == 0:
        return Significance(None, None, name, 1.0, undefined="no discordant pair")
    apart = abs(b - c)
    if version == "chi2_corrected" and (apart or when_equal == "corrected"):
        apart = abs(apart - 1)
    statistic = apart**2 / pairs
    return Significance(float(special.chdtrc(1, statistic)), statistic, name, 1.0)


def _phi(a: int, b: int, c: int, d: int, *, corrected: bool) -> float:
    """The correlation of the pair; half a subject is taken off a positive one, but never past zero."""
    margins = float(a + b) * (c + d) * (a + c) * (b + d)
    if margins == 0:
        return 0.0
    product = float(a * d - b * c)
    if corrected and product > 0:
        product = max(product - (a + b + c + d) / 2, 0.0)
    return product / math.sqrt(margins)


def _tango(b: int, c: int, n: int, z: float) -> tuple[float, float]:
    found = (b - c) / n

    def beyond(difference: float) -> float:
        # Tango's restricted estimate of the share of pairs in c, given the difference.
        linear = (2 * n - b + c) * difference - b - c
        constant = -c * difference * (1 - difference)
        share = (math.sqrt(max(linear**2 - 8 * n * constant, 0.0)) - linear) / (4 * n)
        variance = n * (2 * share + difference * (1 - difference))
        return (b - c - n * difference) ** 2 - z**2 * variance

    inside = min(max(found, -NEAR_EDGE), NEAR_EDGE)
    lower = -1.0 if found <= -EDGE else float(optimize.brentq(beyond, -EDGE, inside, xtol=1e-14))
    upper = 1.0 if found >= EDGE else float(optimize.brentq(beyond, inside, EDGE, xtol=1e-14))
    return lower, upper


def _counts(table: Table) -> Table:
    if len(table) != 4 or any(count < 0 or count != int(count) for count in table):
        raise WrongUse(
            found=f"a table of {len(table)} cells, or one that is no count",
            wanted="(a, b, c, d): both, first alone, second alone, neither",
            remedy="Count subjects, not shares.",
        )
    a, b, c, d = (int(count) for count in table)
    return a, b, c, d
