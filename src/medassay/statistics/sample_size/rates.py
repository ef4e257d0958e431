"""Events and rates: hours of recording to show that false alarms a day are below a limit."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from medassay.core.errors import WrongUse
from medassay.core.method import method
from medassay.statistics.sample_size.plan import FloatArray, quantile, require_positive, require_shares

MOST_EVENTS = 200_000


@dataclass(frozen=True)
class Exposure:
    """Time to observe, in the unit that the rates are per.

    Attributes
    ----------
    time : float
        Smallest from which the power stays at the aim.
    allowed_events : int
        The limit is refuted with this many events or fewer within `time`.
    first : float
        Smallest that reaches the aim at all.
    power : float
        Exact, at `time`.
    formula, power_at_formula : float
        What the normal formula says, and its exact power.
    remarks : tuple of str
    """

    time: float
    allowed_events: int
    first: float
    power: float
    formula: float
    power_at_formula: float
    remarks: tuple[str, ...]


@method(
    id="sample-size-rate",
    task="sample_size",
    zh="发生率目标值所需观察量（精确泊松检验）",
    en="exposure to show a rate below a limit (exact Poisson)",
    formula="smallest T from which P(X <= c | assumed T) >= power, c the largest with P(X <= c | limit T) <= alpha",
    source="Garwood, Biometrika 28:437-442, 1936; Gu et al., Stat Med 27:1693-1708, 2008",
    check="power summed by scipy.stats.poisson on a fine grid of times",
)
def rate_sample_size(limit: float, assumed: float, *, alpha: float = 0.025, power: float = 0.8) -> Exposure:
    """Time to observe so that a rate is shown to be below a limit.

    Parameters
    ----------
    limit, assumed : events per unit of time; assumed below limit, 0 allowed
    alpha : float
        One-sided.

    Returns
    -------
    Exposure
        Power falls between two times at which one more event becomes allowed: a saw-tooth in time.
        Events are taken as independent; where they come in bouts, multiply by their design effect.

    Raises
    ------
    WrongUse
        An assumed rate that is not below the limit.

    Examples
    --------
    >>> plan = rate_sample_size(1.0, 0.5)
    >>> round(plan.time, 1), plan.allowed_events, rate_sample_size(0.01, 0.0, alpha=0.05).allowed_events
    (27.2, 17, 0)
    """
    require_shares(alpha=alpha, power=power)
    require_positive(limit=limit)
    if not 0 <= assumed < limit:
        raise WrongUse(
            found=f"assumed rate {assumed:g} with a limit of {limit:g}",
            wanted="an assumed rate from 0 to below the limit",
            remedy="A rate at the limit cannot be shown to be below it.",
        )
    from scipy.stats import poisson

    formula = ((quantile(alpha) * sqrt(limit) + quantile(1 - power) * sqrt(assumed)) / (limit - assumed)) ** 2
    most = 64
    while True:
        times = _least_times(most + 1, limit, alpha)
        # With c events allowed the time runs from times[c] to times[c + 1]; power is lowest at its end.
        lowest = poisson.cdf(np.arange(most), assumed * times[1:])
        highest = poisson.cdf(np.arange(most), assumed * times[:-1])
        missed = np.flatnonzero(lowest < power)
        last = int(missed[-1]) if len(missed) else -1
        if 2 * last + 10 < most:
            break
        most *= 2
        if most > MOST_EVENTS:
            raise WrongUse(
                found=f"an assumed rate of {assumed:g} so close to {limit:g}",
                wanted="a difference that 200,000 events can show",
                remedy="Lower the assumed rate or raise the limit.",
            )
    first = float(times[int(np.argmax(highest >= power))])
    allowed = last + 1
    start = float(times[allowed])
    there = float(poisson.cdf(allowed, assumed * start))
    promised = _power(formula, limit, assumed, alpha)
    return Exposure(
        start, allowed, first, there, formula, promised, _remarks(start, first, formula, promised, power)
    )


def _least_times(events: int, limit: float, alpha: float) -> FloatArray:
    """Least time at which 0, 1, ... events still refute the limit: P(X <= c | limit T) = alpha."""
    from scipy.stats import chi2

    times: FloatArray = chi2.isf(alpha, 2 * np.arange(1, events + 1)) / (2 * limit)
    return times


def _power(time: float, limit: float, assumed: float, alpha: float) -> float:
    from scipy.stats import poisson

    allowed = int(poisson.ppf(alpha, limit * time))
    if poisson.cdf(allowed, limit * time) > alpha:
        allowed -= 1
    return float(poisson.cdf(allowed, assumed * time)) if allowed >= 0 else 0.0


def _remarks(time: float, first: float, formula: float, promised: float, aim: float) -> tuple[str, ...]:
    said = []
    if promised < aim:
        said.append(
            f"the normal formula gives {formula:.4g}, whose exact power is {promised:.3f}, not {aim:.2f}; "
            f"plan {time:.4g}"
        )
    if first < time:
        said.append(f"power is a saw-tooth: {first:.4g} reaches {aim:.2f} first, from {time:.4g} it is kept")
    return tuple(said)
