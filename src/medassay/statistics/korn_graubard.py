"""Proportions of events that belong to few people: the exact binomial interval for what the events are worth.

Rao and Scott's scaling is a matter of large samples of people. With a dozen of them the design effect is itself a
guess, and Wilson's interval takes it for known. Korn and Graubard pay for the guess with Student's t, and take Clopper
and Pearson's ends, which are never too narrow for a proportion near 0 or 1.
"""

from __future__ import annotations

from numpy.typing import ArrayLike
from scipy import special

from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.intervals import (
    not_estimable,
    require_confidence,
    with_interval,
    without_interval,
)
from medassay.statistics.rao_scott import ClusteredShare, Floor, clustered_share


@method(
    id="clustered-proportion-korn-graubard",
    task="any",
    zh="聚类数据率的Korn-Graubard置信区间",
    en="clustered proportion, Korn-Graubard",
    formula="n* = p (1 - p) / v (t[n-1] / t[m-1])^2; ends of Beta(n* p, n* (1-p) + 1), Beta(n* p + 1, n* (1-p))",
    source="Korn and Graubard, Survey Methodology 24:193-201, 1998",
    check='formula of R survey svyciprop(method = "beta"); statsmodels proportion_confint(method="beta") on n*',
)
def korn_graubard(
    successes: ArrayLike,
    events: ArrayLike,
    *,
    floor: Floor = "at_least_one",
    confidence: float = 0.95,
) -> Estimate:
    """Sum of successes over sum of events, with Clopper and Pearson's interval for the effective number of events.

    Parameters
    ----------
    successes, events : shape (n_subjects,), 0 <= successes <= events
        The sum of the events is the sample size n, people with an event are the m clusters.
    floor : "at_least_one" or "as_found"
        Events are worth no more than as many people with one event each; or what was found stands, as in R.

    Returns
    -------
    Estimate
        Not estimable without an event; no interval with fewer than two people who have one. Where all or
        no events are successes the design effect cannot be told: people then count as trials.

    Notes
    -----
    In simulation (`statistics.coverage`) a 95 % interval of 13 people with 40 events each, of correlation 0.1 and a
    true proportion of 0.95, held it in 94 % of studies (Rao-Scott: 90 %, percentile: 87 %). Where errors come in a
    few people alone (correlation 0.4 and a proportion of 0.95 or more), most studies hold none of them, and this
    interval is too narrow as all others are.

    Examples
    --------
    >>> e = korn_graubard([9, 5, 3, 8], [10, 5, 6, 8])
    >>> round(e.value, 4), round(e.lower, 4), round(e.upper, 4)
    (0.8621, 0.3213, 0.9994)
    """
    require_confidence(confidence)
    found = clustered_share(successes, events)
    if found is None:
        return not_estimable("no event", 0, n_events=0)
    if found.subjects < 2:
        return without_interval(
            found.value, "fewer than two people contribute", found.subjects, n_events=found.events
        )
    if found.design_effect is None:
        effective, name = float(found.subjects), "clopper_pearson(people as trials)"
    elif found.design_effect <= 0 and floor == "as_found":
        return without_interval(
            found.value, "every person has the same share", found.subjects, n_events=found.events
        )
    else:
        effective = effective_events(found, floor=floor, confidence=confidence)
        name = f"korn_graubard(effective events {effective:.4g}, {floor})"
    lower, upper = _beta_ends(found.value, effective, confidence)
    return with_interval(
        found.value,
        lower,
        upper,
        confidence=confidence,
        method=name,
        n_subjects=found.subjects,
        n_events=found.events,
    )


def effective_events(found: ClusteredShare, *, floor: Floor, confidence: float) -> float:
    """How many independent events tell as much, less what the guess of the design effect costs.

    The variance of m people has m - 1 degrees of freedom, that of n independent events would have n - 1.
    """
    effect = found.design_effect or 0.0
    if floor == "at_least_one":
        effect = max(effect, 1.0)
    tail = (1 + confidence) / 2
    if found.events <= 1:
        return found.events / effect
    guess = special.stdtrit(found.events - 1, tail) / special.stdtrit(found.subjects - 1, tail)
    return float(found.events / effect * guess**2)


def _beta_ends(value: float, n: float, confidence: float) -> tuple[float, float]:
    """Clopper and Pearson's ends for a number of events that need not be whole."""
    tail = (1 - confidence) / 2
    right, wrong = n * value, n * (1 - value)
    lower = 0.0 if value == 0 else float(special.betaincinv(right, wrong + 1, tail))
    upper = 1.0 if value == 1 else float(special.betainccinv(right + 1, wrong, tail))
    return lower, upper
