"""Differences of two proportions of different people, first minus second."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from scipy import optimize

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.intervals import (
    normal_quantile,
    not_estimable,
    require_confidence,
    with_interval,
)
from medassay.statistics.proportion import Ends, wilson_ends

DifferenceInterval = Literal["newcombe", "mee", "miettinen_nurminen", "agresti_caffo", "wald"]
EDGE = 1 - 1e-12  # differences of -1 and 1 have no variance, and are roots that are no ends
NEAR_EDGE = 1 - 1e-9


@method(
    id="proportion-difference",
    task="comparison",
    zh="两独立样本率差",
    en="difference of two independent proportions",
    formula="p1 - p2; d -+ sqrt((p1 - l1)^2 + (u2 - p2)^2) with Wilson's l and u (Newcombe)",
    source="Newcombe, Stat Med 17:873-890, 1998, method 10",
    check="R ratesci 1.0.0, PropCIs 0.3.0; statsmodels 0.15.0; Newcombe's table II",
)
def proportion_difference(
    first: tuple[int, int],
    second: tuple[int, int],
    *,
    interval: DifferenceInterval = "newcombe",
    confidence: float = 0.95,
) -> Estimate:
    """x1/n1 - x2/n2 with a two-sided interval.

    Parameters
    ----------
    first, second : (successes, subjects)
        Of different, independent people. The same people twice belong into `paired_proportions`.
    interval : str
        - "newcombe": square-and-add of Wilson's ends, no continuity correction.
        - "mee", "miettinen_nurminen": inverts the score test of a difference; the second multiplies the
          variance by N / (N - 1).
        - "agresti_caffo": normal after one success and one failure more in each group; may leave [-1, 1].
        - "wald": the textbook's, for comparison with other reports only; may leave [-1, 1], and has no width
          between groups without variation.

    Returns
    -------
    Estimate
        Not estimable when a group is empty.

    References
    ----------
    Newcombe, Stat Med 17:873-890, 1998; Mee, Biometrics 40:1175-1176, 1984; Miettinen and Nurminen, Stat Med
    4:213-226, 1985; Farrington and Manning, Stat Med 9:1447-1454, 1990 (closed form of the restricted
    estimate); Agresti and Caffo, Am Stat 54:280-288, 2000.

    Examples
    --------
    >>> e = proportion_difference((56, 70), (48, 80))
    >>> round(e.value, 4), round(e.lower, 4), round(e.upper, 4)
    (0.2, 0.0524, 0.3339)
    """
    require_confidence(confidence)
    for successes, subjects in (first, second):
        _require_counts(successes, subjects)
    n = first[1] + second[1]
    if 0 in (first[1], second[1]):
        return not_estimable("a group without a subject", n)
    z = normal_quantile(confidence)
    value = first[0] / first[1] - second[0] / second[1]
    if interval == "newcombe":
        one, other = first[0] / first[1], second[0] / second[1]
        both = wilson_ends(one, first[1], z), wilson_ends(other, second[1], z)
        ends = square_and_add(one, other, both)
    elif interval in ("mee", "miettinen_nurminen"):
        ends = _score(first, second, z, n / (n - 1) if interval == "miettinen_nurminen" else 1.0)
    elif interval == "agresti_caffo":
        ends = _normal((first[0] + 1, first[1] + 2), (second[0] + 1, second[1] + 2), z)
    else:
        ends = _normal(first, second, z)
    return with_interval(value, *ends, confidence=confidence, method=interval, n_subjects=n)


def square_and_add(
    first: float, second: float, ends: tuple[Ends, Ends], correlation: float = 0.0
) -> tuple[float, float]:
    """Ends of first - second recovered from the ends of each, with their correlation where they are paired."""
    (l1, u1), (l2, u2) = ends
    below, above = first - l1, u1 - first
    down = below**2 - 2 * correlation * below * (u2 - second) + (u2 - second) ** 2
    up = above**2 - 2 * correlation * above * (second - l2) + (second - l2) ** 2
    return first - second - math.sqrt(max(down, 0.0)), first - second + math.sqrt(max(up, 0.0))


def _normal(first: tuple[int, int], second: tuple[int, int], z: float) -> tuple[float, float]:
    p1, p2 = first[0] / first[1], second[0] / second[1]
    half = z * math.sqrt(p1 * (1 - p1) / first[1] + p2 * (1 - p2) / second[1])
    return p1 - p2 - half, p1 - p2 + half


def _score(first: tuple[int, int], second: tuple[int, int], z: float, factor: float) -> tuple[float, float]:
    p1, p2 = first[0] / first[1], second[0] / second[1]
    found = p1 - p2

    def beyond(difference: float) -> float:
        one = _restricted(p1, first[1], p2, second[1], difference)
        other = min(max(one - difference, 0.0), 1.0)
        variance = factor * (one * (1 - one) / first[1] + other * (1 - other) / second[1])
        return (found - difference) ** 2 - z**2 * variance

    inside = min(max(found, -NEAR_EDGE), NEAR_EDGE)
    lower = -1.0 if found <= -EDGE else _root(beyond, -EDGE, inside)
    upper = 1.0 if found >= EDGE else _root(beyond, inside, EDGE)
    return lower, upper


def _root(beyond: Callable[[float], float], start: float, end: float) -> float:
    """Where the score test just rejects; the edge itself when it rejects nowhere before."""
    if beyond(start) * beyond(end) > 0:
        return -1.0 if start == -EDGE else 1.0
    return float(optimize.brentq(beyond, start, end, xtol=1e-14))


def _restricted(p1: float, n1: int, p2: float, n2: int, difference: float) -> float:
    """The likeliest p1 when p1 - p2 is `difference`: the root of Farrington and Manning's cubic."""
    share = n2 / n1
    a = 1 + share
    b = -(1 + share + p1 + share * p2 + difference * (share + 2))
    c = difference**2 + difference * (2 * p1 + share + 1) + p1 + share * p2
    d = -p1 * difference * (1 + difference)
    v = b**3 / (27 * a**3) - b * c / (6 * a**2) + d / (2 * a)
    u = math.copysign(math.sqrt(max(b**2 / (9 * a**2) - c / (3 * a), 0.0)), v)
    angle = 0.0 if u == 0 else min(max(v / u**3, -1.0), 1.0)
    root = 2 * u * math.cos((math.pi + math.acos(angle)) / 3) - b / (3 * a)
    return min(max(root, max(0.0, difference)), min(1.0, 1 + difference))


def _require_counts(successes: int, subjects: int) -> None:
    if not 0 <= successes <= subjects or successes != int(successes) or subjects != int(subjects):
        raise WrongUse(
            found=f"{successes} of {subjects}",
            wanted="whole counts, 0 <= successes <= subjects",
            remedy="Check how the counts were made.",
        )
