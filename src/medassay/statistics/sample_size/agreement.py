"""Kappa: subjects whom several readers rate, to test an agreement or to know it closely enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from medassay.core.errors import WrongUse
from medassay.core.method import method
from medassay.statistics.sample_size.plan import FloatArray, require_apart, require_shares


@dataclass(frozen=True)
class KappaNumbers:
    """Subjects, not rounded and rounded up; a remark where the smallest expected cell is below 5."""

    subjects: float
    n: int
    remarks: tuple[str, ...]


@method(
    id="sample-size-kappa-test",
    task="sample_size",
    zh="卡帕系数检验样本量（拟合优度法）",
    en="sample size to test kappa (goodness of fit)",
    formula="n = lambda(1 df, alpha, power) / sum over patterns of (P1 - P0)^2 / P0",
    source="Donner and Eliasziw, Stat Med 11:1511-1519, 1992",
    check="R kappaSize 1.2 PowerBinary",
)
def kappa_sample_size(
    null: float,
    assumed: float,
    shares: float | Sequence[float],
    *,
    raters: int = 2,
    alpha: float = 0.05,
    power: float = 0.8,
) -> KappaNumbers:
    """Subjects to tell a kappa from a null value.

    Parameters
    ----------
    shares : float or sequence
        Share of the one class of two, or the shares of all nominal classes, which sum to 1.
    raters : int
        Of each subject, at least 2.
    alpha : float
        Two-sided.

    Notes
    -----
    R kappaSize solves for lambda until the power is right to 0.00001, which moves the fourth digit.

    Raises
    ------
    WrongUse
        Kappas outside (0, 1) or equal, shares that are no distribution, fewer than two raters, a power
        not above alpha.

    Examples
    --------
    >>> round(kappa_sample_size(0.4, 0.6, 0.3).subjects, 2)
    190.46
    """
    require_shares(null=null, assumed=assumed, alpha=alpha, power=power)
    require_apart(null, assumed, "null and assumed kappa")
    if power <= alpha:
        raise WrongUse(
            found=f"power {power:g} with alpha {alpha:g}",
            wanted="a power above alpha",
            remedy="A test without data already rejects with chance alpha.",
        )
    from scipy.optimize import brentq
    from scipy.stats import chi2, ncx2

    critical = chi2.isf(alpha, 1)
    apart = brentq(lambda move: ncx2.sf(critical, 1, move) - power, 1e-12, 1e4, xtol=1e-12)
    subjects = float(apart) / _distance(assumed, null, _classes(shares), _raters(raters))
    return _numbers(subjects, shares)


@method(
    id="sample-size-kappa-interval",
    task="sample_size",
    zh="卡帕系数置信区间样本量",
    en="sample size for an interval of kappa",
    formula="smallest n whose goodness-of-fit interval around kappa lies within the limits",
    source="Donner and Eliasziw, Stat Med 11:1511-1519, 1992; Donner, Stat Med 18:1913-1927, 1999",
    check="R kappaSize 1.2 CIBinary",
)
def kappa_interval_sample_size(
    assumed: float,
    lower: float,
    shares: float | Sequence[float],
    *,
    upper: float | None = None,
    raters: int = 2,
    alpha: float = 0.05,
    excess: float = 0.0,
) -> KappaNumbers:
    """Subjects so that the confidence interval of kappa keeps within limits.

    Parameters
    ----------
    lower, upper : float
        Limits of the interval; without an upper one alpha is that of the lower side alone.
    excess : float
        How far the chi-square of each limit must clear its critical value; R kappaSize asks for 0.001,
        which now and then is one subject more.

    Raises
    ------
    WrongUse
        Limits that do not enclose the assumed kappa; otherwise as `kappa_sample_size`.

    Examples
    --------
    >>> kappa_interval_sample_size(0.7, 0.6, 0.3, upper=0.8).n
    290
    """
    limits = [lower] if upper is None else [lower, upper]
    require_shares(assumed=assumed, alpha=alpha, **{f"limit_{n}": kappa for n, kappa in enumerate(limits, 1)})
    if not lower < assumed or (upper is not None and not assumed < upper):
        raise WrongUse(
            found=f"limits {', '.join(f'{limit:g}' for limit in limits)} around {assumed:g}",
            wanted="lower < assumed < upper",
            remedy="Limits lie on both sides of the kappa that is expected.",
        )
    from scipy.stats import chi2

    critical = chi2.isf(2 * alpha if upper is None else alpha, 1) + excess
    classes, readers = _classes(shares), _raters(raters)
    subjects = max(float(critical) / _distance(assumed, limit, classes, readers) for limit in limits)
    return _numbers(subjects, shares)


def _distance(kappa: float, null: float, shares: FloatArray, raters: int) -> float:
    """Chi-square of one subject between two kappas under the common correlation model.

    With chance kappa all raters agree on a class drawn once, else each draws for himself; so a pattern is
    either all of one class, with p^r + kappa (p - p^r), or not, with (1 - kappa) of its chance. All patterns
    of the second kind have the same ratio, so they add up as one.
    """
    alike = shares**raters
    mixed = 1 - alike.sum()
    agree = ((shares - alike) ** 2 / (alike + null * (shares - alike))).sum()
    return float((kappa - null) ** 2 * (agree + mixed / (1 - null)))


def _classes(shares: float | Sequence[float]) -> FloatArray:
    given = np.atleast_1d(np.asarray(shares, dtype=np.float64))
    found = np.array([given[0], 1 - given[0]]) if len(given) == 1 else given
    if found.ndim != 1 or not np.isfinite(found).all() or (found <= 0).any() or abs(found.sum() - 1) > 1e-3:
        raise WrongUse(
            found=f"{len(given)} class shares with sum {float(given.sum()):g}",
            wanted="the share of one class of two, or shares above 0 of all classes with sum 1",
            remedy="Leave out classes that do not occur.",
        )
    whole: FloatArray = found / found.sum()
    return whole


def _raters(raters: int) -> int:
    if raters < 2:
        raise WrongUse(found=f"{raters} raters", wanted="at least 2", remedy="Agreement takes two.")
    return raters


def _numbers(subjects: float, shares: float | Sequence[float]) -> KappaNumbers:
    rarest = float(_classes(shares).min()) * subjects
    said = () if rarest >= 5 else (f"the rarest class is expected in {rarest:.1f} subjects, fewer than 5",)
    return KappaNumbers(subjects, ceil(subjects - 1e-9), said)
