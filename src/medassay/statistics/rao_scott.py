"""Proportions of events that belong to people: the ratio estimator, its design effect, and Rao and Scott's scaling.

A person with ten events is not ten people. The variance of x/n over people, held against the binomial one,
is the design effect; counts divided by it are treated as binomial.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.intervals import (
    normal_quantile,
    not_estimable,
    require_confidence,
    with_interval,
    without_interval,
)
from medassay.statistics.proportion import wilson_ends
from medassay.statistics.scored import FloatArray
from medassay.statistics.significance import Significance

Floor = Literal["as_found", "at_least_one"]


@dataclass(frozen=True)
class ClusteredShare:
    """A share of events over people."""

    value: float
    events: float
    subjects: int
    variance: float | None  # of the ratio estimator; None with fewer than two people
    design_effect: float | None  # None where the binomial variance is zero


@method(
    id="clustered-proportion-rao-scott",
    task="any",
    zh="聚类数据率的Rao-Scott置信区间",
    en="clustered proportion, Rao-Scott",
    formula="v = m/(m-1) sum (x_i - p n_i)^2 / n^2; d = v n / (p (1 - p)); Wilson with n / d events",
    source="Rao and Scott, Biometrics 48:577-585, 1992; Donner and Klar, Design and Analysis, 2000",
    check="statsmodels OLS with cluster-robust errors; statistics.ratio",
)
def clustered_proportion(
    successes: ArrayLike,
    events: ArrayLike,
    *,
    floor: Floor = "at_least_one",
    confidence: float = 0.95,
) -> Estimate:
    """Sum of successes over sum of events, with Wilson's interval for the effective number of events.

    Parameters
    ----------
    successes, events : shape (n_subjects,), 0 <= successes <= events
    floor : "at_least_one" or "as_found"
        A design effect below 1, which few people give by chance, counts as 1; or stands as found.

    Returns
    -------
    Estimate
        Not estimable without an event; no interval with fewer than two people who have one. Where all or
        no events are successes the design effect cannot be told: people then count as trials, as a person
        who was ever right is one person who was.

    Examples
    --------
    >>> e = clustered_proportion([9, 5, 3, 8], [10, 5, 6, 8])
    >>> round(e.value, 4), round(e.lower, 4), round(e.upper, 4)
    (0.8621, 0.5757, 0.9664)
    """
    require_confidence(confidence)
    found = clustered_share(successes, events)
    if found is None:
        return not_estimable("no event", 0, n_events=0)
    n = found.events
    if found.subjects < 2:
        return without_interval(found.value, "fewer than two people contribute", found.subjects, n_events=n)
    if found.design_effect is None:
        effective, name = float(found.subjects), "wilson(people as trials)"
    else:
        effect = max(found.design_effect, 1.0) if floor == "at_least_one" else found.design_effect
        if effect <= 0:
            return without_interval(
                found.value, "every person has the same share", found.subjects, n_events=n
            )
        effective, name = n / effect, f"rao_scott_wilson(design effect {effect:.4g}, {floor})"
    lower, upper = wilson_ends(found.value, effective, normal_quantile(confidence))
    return with_interval(
        found.value,
        lower,
        upper,
        confidence=confidence,
        method=name,
        n_subjects=found.subjects,
        n_events=n,
    )


def clustered_share(successes: ArrayLike, events: ArrayLike) -> ClusteredShare | None:
    """The share, its variance over people and its design effect; None without an event.

    Examples
    --------
    >>> share = clustered_share([9, 5, 3, 8], [10, 5, 6, 8])
    >>> round(share.design_effect, 3)
    2.535
    """
    x, n = _sums(successes, events)
    held = n > 0
    x, n = x[held], n[held]
    total, m = float(n.sum()), len(n)
    if m == 0:
        return None
    p = float(x.sum()) / total
    variance = float(((x - p * n) ** 2).sum()) * m / (m - 1) / total**2 if m > 1 else None
    binomial = p * (1 - p) / total
    effect = variance / binomial if variance is not None and binomial > 0 else None
    return ClusteredShare(p, total, m, variance, effect)


@method(
    id="clustered-proportions-test",
    task="comparison",
    zh="聚类数据率比较的Rao-Scott检验",
    en="Rao-Scott test of two clustered proportions",
    formula="chi2 = sum n~_g (p_g - p)^2 / (p (1 - p)), n~ = n / d of each group",
    source="Rao and Scott, Biometrics 48:577-585, 1992",
    check="Pearson's chi-squared where every person has one event",
)
def clustered_proportions_test(
    first: tuple[ArrayLike, ArrayLike], second: tuple[ArrayLike, ArrayLike], *, floor: Floor = "as_found"
) -> Significance:
    """Whether two groups of different people have one share; (successes, events) of each.

    Examples
    --------
    >>> t = clustered_proportions_test(([9, 5, 3, 8], [10, 5, 6, 8]), ([4, 3, 5], [9, 6, 7]))
    >>> round(t.statistic, 2)
    3.68
    """
    name = f"rao_scott_chi2({floor})"
    groups = [clustered_share(*group) for group in (first, second)]
    effective, right = [], []
    for group in groups:
        if group is None or group.design_effect is None or group.design_effect <= 0:
            return Significance(None, None, name, 1.0, undefined="a group without a design effect")
        effect = max(group.design_effect, 1.0) if floor == "at_least_one" else group.design_effect
        effective.append(group.events / effect)
        right.append(group.events / effect * group.value)
    pooled = sum(right) / sum(effective)
    statistic = sum(
        size * (part / size - pooled) ** 2 for size, part in zip(effective, right, strict=True)
    ) / (pooled * (1 - pooled))
    return Significance(float(special.chdtrc(1, statistic)), statistic, name, 1.0)


def _sums(successes: ArrayLike, events: ArrayLike) -> tuple[FloatArray, FloatArray]:
    x, n = np.asarray(successes, dtype=np.float64), np.asarray(events, dtype=np.float64)
    good = x.ndim == 1 and x.shape == n.shape and np.isfinite(x).all() and np.isfinite(n).all()
    if not good or (x < 0).any() or (x > n).any():
        raise WrongUse(
            found=f"sums of shape {x.shape} and {n.shape}, or successes beyond the events",
            wanted="each person's successes and events, 0 <= successes <= events",
            remedy="Sum each person's events first.",
        )
    return x, n
