"""Bland-Altman: bias and limits of agreement of single pairs, and the concordance correlation beside them.

The difference is always first minus second. Repeated pairs of one subject belong into
`medassay.statistics.bland_altman_repeated`: counted as single pairs they make the limits too narrow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.least_squares import least_squares
from medassay.statistics.line import Line
from medassay.statistics.paired import (
    FloatArray,
    bare,
    pairs,
    require_confidence,
    student,
    undefined,
    with_ends,
    with_error,
)

Scale = Literal["difference", "percent_of_mean"]
LimitError = Literal["bland_altman_1999", "bland_altman_1986"]


@dataclass(frozen=True)
class LimitsOfAgreement:
    """Bias, standard deviation of the differences, and the limits; `trend` is the difference over the mean.

    A trend whose slope's interval leaves out zero says that one pair of limits does not hold over the range.
    """

    bias: Estimate
    sd: Estimate
    lower_limit: Estimate
    upper_limit: Estimate
    trend: Line | None
    convention: str


@method(
    id="bland-altman",
    task="measurement",
    zh="Bland-Altman一致性分析",
    en="Bland-Altman limits of agreement",
    formula="bias = mean(d), limits = bias -+ k SD; SE(limit) = SD sqrt(1/n + z^2 / (2 (n - 1))), t, n - 1 df",
    source="Bland and Altman, Lancet 327:307-310, 1986, and Stat Methods Med Res 8:135-160, 1999",
    check="R blandr 0.6.0; printed values of the 1986 paper",
)
def bland_altman(
    first: ArrayLike,
    second: ArrayLike,
    *,
    multiplier: float = 1.96,
    scale: Scale = "difference",
    limit_error: LimitError = "bland_altman_1999",
    confidence: float = 0.95,
    unit: str = "1",
) -> LimitsOfAgreement:
    """Bias and limits of agreement of two procedures, one pair a subject.

    Parameters
    ----------
    first, second : shape (n,), in `unit`
        Differences are first minus second.
    multiplier : float
        1.96, or 2 as in the paper of 1986: tools differ.
    scale : "difference" or "percent_of_mean"
        Differences as they are, or as 100 d / mean of the pair (means must not be zero).
    limit_error : "bland_altman_1999" or "bland_altman_1986"
        Standard error of a limit: SD sqrt(1/n + z^2 / (2 (n - 1))) with z = 1.95996 (R blandr computes this),
        or its round form SD sqrt(3 / n) of the first paper.
    unit : str
        UCUM unit of the values; percentages carry "%".

    Returns
    -------
    LimitsOfAgreement
        Not estimable without a pair; no limits from a single one.

    Examples
    --------
    >>> agreement = bland_altman([10.0, 12.0, 14.0], [9.0, 13.0, 12.0])
    >>> round(agreement.bias.value, 3), round(agreement.sd.value, 3)
    (0.667, 1.528)
    """
    require_confidence(confidence)
    one, other = pairs(first, second, names=("first", "second"))
    if not (np.isfinite(multiplier) and multiplier > 0):
        raise WrongUse(
            found=f"multiplier {multiplier}", wanted="a number above zero", remedy="Use 1.96 or 2."
        )
    difference, unit = _scaled(one, other, scale, unit)
    n = len(difference)
    convention = f"bland_altman(multiplier={multiplier:g}, scale={scale}, limit_error={limit_error})"
    if n == 0:
        none = undefined(0, "no pair", unit)
        return LimitsOfAgreement(none, none, none, none, None, convention)
    bias = float(difference.mean())
    if n < 2:
        none = undefined(n, "one pair has no spread", unit)
        return LimitsOfAgreement(bare(bias, n, "one pair", unit), none, none, none, None, convention)
    sd = float(difference.std(ddof=1))
    round_form = limit_error == "bland_altman_1986"
    share = 3 / n if round_form else 1 / n + student(0.95, None) ** 2 / (2 * (n - 1))
    error = sd * float(np.sqrt(share))
    limits = [
        with_error(bias + sign * multiplier * sd, error, n - 1, n, confidence, f"student({convention})", unit)
        for sign in (-1, 1)
    ]
    return LimitsOfAgreement(
        with_error(bias, sd / float(np.sqrt(n)), n - 1, n, confidence, "student", unit),
        _spread(sd, n, confidence, unit),
        limits[0],
        limits[1],
        least_squares((one + other) / 2, difference, confidence=confidence),
        convention,
    )


@dataclass(frozen=True)
class Concordance:
    """Lin's coefficient with what it is made of: coefficient = Pearson's r x `accuracy`."""

    coefficient: Estimate
    location_shift: float | None  # (mean second - mean first) / sqrt(SD first x SD second)
    scale_shift: float | None  # SD second / SD first
    accuracy: float | None  # bias correction factor C_b


@method(
    id="concordance-correlation",
    task="measurement",
    zh="Lin一致性相关系数",
    en="Lin's concordance correlation coefficient",
    formula="2 Sxy / (Sx^2 + Sy^2 + (mean x - mean y)^2); interval on Fisher's z",
    source="Lin, Biometrics 45:255-268, 1989, with the correction of Biometrics 56:324-325, 2000",
    check="R epiR 2.0.57",
)
def concordance_correlation(first: ArrayLike, second: ArrayLike, *, confidence: float = 0.95) -> Concordance:
    """How closely pairs lie along the line of identity.

    Parameters
    ----------
    first, second : shape (n,), one unit

    Returns
    -------
    Concordance
        Within [-1, 1]. Not estimable with fewer than three pairs or where neither procedure varies.

    Examples
    --------
    >>> round(concordance_correlation([1, 2, 3, 4], [1.1, 1.9, 3.2, 3.9]).coefficient.value, 4)
    0.9928
    """
    require_confidence(confidence)
    x, y = pairs(first, second, names=("first", "second"))
    n = len(x)
    if n < 3 or (np.ptp(x) == 0 and np.ptp(y) == 0):
        return Concordance(undefined(n, "fewer than three pairs, or nothing varies"), None, None, None)
    # Lin's moments divide by n.
    cross = float(((x - x.mean()) * (y - y.mean())).mean())
    apart = float(y.mean() - x.mean())
    value = 2 * cross / float(x.var() + y.var() + apart**2)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return Concordance(bare(0.0, n, "one procedure does not vary"), None, None, None)
    spread = float(x.std() * y.std())
    shift = apart / float(np.sqrt(spread))
    r = cross / float(x.std() * y.std())
    coefficient = _on_fisher_z(value, r, shift, n, confidence)
    accuracy = value / r if r else None
    return Concordance(coefficient, shift, float(y.std() / x.std()), accuracy)


def _on_fisher_z(value: float, r: float, shift: float, n: int, confidence: float) -> Estimate:
    """Lin's asymptotic variance of artanh(coefficient), corrected form."""
    if r == 0 or abs(value) >= 1 - 1e-12:
        return bare(max(-1.0, min(1.0, value)), n, "the points lie on a line or have no correlation")
    variance = (
        (1 - r**2) * value**2 * (1 - value**2) / r**2
        + 2 * value**3 * (1 - value) * shift**2 / r
        - 0.5 * value**4 * shift**4 / r**2
    ) / (n - 2)
    half = student(confidence, None) * float(np.sqrt(max(variance, 0.0))) / (1 - value**2)
    centre = float(np.arctanh(value))
    lower, upper = float(np.tanh(centre - half)), float(np.tanh(centre + half))
    return with_ends(value, lower, upper, n, confidence, "fisher_z(lin)")


def _scaled(first: FloatArray, second: FloatArray, scale: Scale, unit: str) -> tuple[FloatArray, str]:
    difference = first - second
    if scale == "difference":
        return difference, unit
    mean = (first + second) / 2
    if (mean == 0).any():
        raise WrongUse(
            found=f"{int((mean == 0).sum())} pairs with a mean of zero",
            wanted="means other than zero",
            remedy="Use scale='difference', or leave out results below the limit of quantitation and say so.",
        )
    return 100 * difference / mean, "%"


def _spread(sd: float, n: int, confidence: float, unit: str) -> Estimate:
    """A standard deviation with its chi-square interval."""
    from scipy import stats

    if sd == 0:
        return bare(0.0, n, "all differences are equal", unit)
    tails = stats.chi2.ppf([(1 + confidence) / 2, (1 - confidence) / 2], n - 1)
    lower, upper = (float(end) for end in sd * np.sqrt((n - 1) / tails))
    return with_ends(sd, lower, upper, n, confidence, "chi_square", unit)
