"""Bland-Altman with repeated measurements: limits from variance components, intervals clustered by subject.

The model of a result by method m on subject i in replicate r (Carstensen, Simpson and Gurrin 2008):

    y_mir = alpha_m + mu_i + a_ir + c_mi + e_mir

with mu_i fixed, a_ir shared by both methods at one occasion (linked replicates only), c_mi the subject's own
departure of method m (one variance for both), and e_mir of a variance for each method. Limits for a single new
difference are bias -+ k sqrt(2 var(c) + var(e1) + var(e2)); what both methods share at an occasion cancels.

With subjects fixed, all that the restricted likelihood sees of a subject are the scatter of its replicates and
the difference of its two means, whose variance is 2 var(c) + var(e1)/n1 + var(e2)/n2. So the likelihood is
written down directly, over subjects, and a jackknife that leaves subjects out costs little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.paired import (
    FloatArray,
    groups,
    pairs,
    require_confidence,
    undefined,
    values,
    with_error,
)

Labels = Sequence[object] | NDArray[np.generic]

LARGEST_JACKKNIFE = 200  # subjects left out singly up to this, in as many groups beyond
FLOOR = 1e-10  # variances in units of the total: zero within the precision of any reading


@dataclass(frozen=True)
class RepeatedAgreement:
    """Limits of agreement for one new measurement by each method, and the components behind them.

    Standard deviations in the unit of the values. `repeatability` is k sqrt(2) times the residual SD: two
    results by one method on one subject differ by less than this with the limits' probability.
    """

    bias: Estimate
    sd: Estimate
    lower_limit: Estimate
    upper_limit: Estimate
    sd_subject_by_method: float | None
    sd_subject_by_replicate: float | None
    sd_residual: tuple[float, float] | None
    repeatability: tuple[float, float] | None
    n_subjects: int
    n_results: int
    convention: str


@dataclass(frozen=True)
class Scatter:
    """What the likelihood needs, a row a subject."""

    difference: FloatArray  # of the subject's two means
    per_mean: FloatArray  # shape (n, 2): 1 / replicates of each method
    within: FloatArray  # shape (n, 2, 2): sums of squares and products of the replicates around their mean
    free: FloatArray  # shape (n, 2): degrees of freedom of these


@method(
    id="bland-altman-linked",
    task="measurement",
    zh="重复测量Bland-Altman一致性分析（配对重复）",
    en="Bland-Altman limits with linked replicates",
    formula="bias -+ k sqrt(2 var(c) + var(e1) + var(e2)), REML; jackknife over subjects",
    source="Carstensen et al., Int J Biostat 4(1):16, 2008; Bland and Altman, J Biopharm Stat 17:571-582, 2007",
    check="R MethComp 1.30.2 BA.est(linked=TRUE); analysis of variance of balanced data",
)
def bland_altman_linked(
    first: ArrayLike,
    second: ArrayLike,
    subject: Labels,
    *,
    multiplier: float = 1.96,
    confidence: float = 0.95,
    unit: str = "1",
) -> RepeatedAgreement:
    """Limits of agreement where both methods measure at the same occasions, several a subject.

    Parameters
    ----------
    first, second : shape (n,), in `unit`
        Two results of one occasion; the true value may change between occasions.
    subject : shape (n,)
        Whose occasion it is.
    multiplier : float
        1.96, or 2 (R MethComp).

    Returns
    -------
    RepeatedAgreement
        Intervals by leaving subjects out. Not estimable with fewer than two subjects or without a subject
        that has two occasions.

    Raises
    ------
    WrongUse
        For values that are not finite or subjects without a name.

    Examples
    --------
    >>> a, b = [10.0, 12.0, 20.0, 23.0, 31.0, 29.0], [9.0, 12.5, 21.0, 21.0, 30.5, 28.0]
    >>> round(bland_altman_linked(a, b, ["p", "p", "q", "q", "r", "r"]).bias.value, 3)
    0.5
    """
    one, other = pairs(first, second, names=("first", "second"))
    member = groups(subject, len(one), "subjects")
    scatter = _linked(one, other, member)
    return _agreement(scatter, len(one) * 2, True, multiplier, confidence, unit)


@method(
    id="bland-altman-exchangeable",
    task="measurement",
    zh="重复测量Bland-Altman一致性分析（可交换重复）",
    en="Bland-Altman limits with exchangeable replicates",
    formula="bias -+ k sqrt(2 var(c) + var(e1) + var(e2)) without a_ir, REML; jackknife over subjects",
    source="Carstensen, Simpson and Gurrin, Int J Biostat 4(1):16, 2008",
    check="R MethComp 1.30.2 BA.est(linked=FALSE)",
)
def bland_altman_exchangeable(
    first: ArrayLike,
    first_subject: Labels,
    second: ArrayLike,
    second_subject: Labels,
    *,
    multiplier: float = 1.96,
    confidence: float = 0.95,
    unit: str = "1",
) -> RepeatedAgreement:
    """Limits of agreement where each method repeats by itself while the true value stays.

    Parameters
    ----------
    first, second : shapes (n,) and (m,), in `unit`
        Results by each method, not paired; a subject may have any number by either.
    first_subject, second_subject : shapes (n,) and (m,)
        Whose they are. Subjects without results by both methods do not count.

    Examples
    --------
    >>> a, b = [10.0, 12.0, 20.0, 23.0], [9.0, 12.5, 21.0, 21.0]
    >>> found = bland_altman_exchangeable(a, ["p", "p", "q", "q"], b, ["p", "p", "q", "q"])
    >>> found.bias.value, found.n_subjects
    (0.375, 2)
    """
    one, other = values(first, "first"), values(second, "second")
    member = groups(
        [*np.asarray(first_subject).tolist(), *np.asarray(second_subject).tolist()],
        len(one) + len(other),
        "subjects",
    )
    scatter, used = _exchangeable(one, member[: len(one)], other, member[len(one) :])
    return _agreement(scatter, used, False, multiplier, confidence, unit)


def _linked(first: FloatArray, second: FloatArray, member: NDArray[np.int64]) -> Scatter:
    count = np.bincount(member).astype(np.float64)
    table = np.stack([first, second])
    means = np.stack([np.bincount(member, row) / count for row in table])
    around = table - means[:, member]
    within = np.stack(
        [np.stack([np.bincount(member, a * b) for b in around], axis=-1) for a in around], axis=-1
    )
    per_mean = np.stack([1 / count, 1 / count], axis=-1)
    free = np.stack([count - 1, count - 1], axis=-1)
    return Scatter(means[0] - means[1], per_mean, within.astype(np.float64), free)


def _exchangeable(
    first: FloatArray, first_member: NDArray[np.int64], second: FloatArray, second_member: NDArray[np.int64]
) -> tuple[Scatter, int]:
    subjects = int(max(first_member.max(initial=-1), second_member.max(initial=-1))) + 1
    counts, means, squares = [], [], []
    for results, member in ((first, first_member), (second, second_member)):
        count = np.bincount(member, minlength=subjects).astype(np.float64)
        mean = np.bincount(member, results, minlength=subjects) / np.maximum(count, 1)
        counts.append(count)
        means.append(mean)
        squares.append(np.bincount(member, (results - mean[member]) ** 2, minlength=subjects))
    both = (counts[0] > 0) & (counts[1] > 0)
    count = np.stack([part[both] for part in counts], axis=-1)
    within = np.zeros((int(both.sum()), 2, 2))
    within[:, 0, 0], within[:, 1, 1] = squares[0][both], squares[1][both]
    scatter = Scatter((means[0] - means[1])[both], 1 / count, within, count - 1)
    return scatter, int(count.sum())


def _agreement(
    scatter: Scatter, results: int, linked: bool, multiplier: float, confidence: float, unit: str
) -> RepeatedAgreement:
    require_confidence(confidence)
    if not (np.isfinite(multiplier) and multiplier > 0):
        raise WrongUse(
            found=f"multiplier {multiplier}", wanted="a number above zero", remedy="Use 1.96 or 2."
        )
    kind = "linked" if linked else "exchangeable"
    convention = f"bland_altman_{kind}(reml, multiplier={multiplier:g})"
    n = len(scatter.difference)
    if n < 2 or not (scatter.free.sum(axis=0) > 0).all():
        reason = "fewer than two subjects, or no subject with two replicates by each method"
        none = undefined(n, reason, unit)
        return RepeatedAgreement(none, none, none, none, None, None, None, None, n, results, convention)
    fitted = _fit(scatter, linked)
    figures = _figures(fitted, multiplier)
    errors, degrees = _jackknife(scatter, linked, multiplier, figures)
    bias, sd, lower, upper = (
        with_error(
            float(figure), float(error), degrees, n, confidence, f"subject_jackknife({convention})", unit
        )
        for figure, error in zip(figures, errors, strict=True)
    )
    apart, occasion, one, other = (float(np.sqrt(part)) for part in fitted[1:])
    factor = multiplier * float(np.sqrt(2))
    return RepeatedAgreement(
        bias,
        sd,
        lower,
        upper,
        apart,
        occasion if linked else None,
        (one, other),
        (factor * one, factor * other),
        n,
        results,
        convention,
    )


def _figures(fitted: FloatArray, multiplier: float) -> FloatArray:
    """Bias, SD of a new difference, and the two limits."""
    sd = np.sqrt(2 * fitted[1] + fitted[3] + fitted[4])
    return np.array([fitted[0], sd, fitted[0] - multiplier * sd, fitted[0] + multiplier * sd])


def _jackknife(
    scatter: Scatter, linked: bool, multiplier: float, figures: FloatArray
) -> tuple[FloatArray, int]:
    """Standard errors over subjects left out, and their degrees of freedom."""
    n = len(scatter.difference)
    parts = min(n, LARGEST_JACKKNIFE)
    part = np.arange(n) % parts
    left_out = []
    for index in range(parts):
        keep = part != index
        rest = Scatter(
            scatter.difference[keep], scatter.per_mean[keep], scatter.within[keep], scatter.free[keep]
        )
        if keep.sum() < 2 or not (rest.free.sum(axis=0) > 0).all():
            return np.full(len(figures), np.inf), 0
        left_out.append(_figures(_fit(rest, linked), multiplier))
    table = np.array(left_out)
    errors: FloatArray = np.sqrt((parts - 1) / parts * ((table - table.mean(axis=0)) ** 2).sum(axis=0))
    return errors, parts - 1


def _fit(scatter: Scatter, linked: bool) -> FloatArray:
    """Bias and the variances of c, a, e1, e2 by restricted maximum likelihood."""
    from scipy.optimize import minimize

    within, free = scatter.within.sum(axis=0), scatter.free.sum(axis=0)
    moments = np.diagonal(within) / free
    shared = max(within[0, 1] / free[0], 0.0) if linked else 0.0
    between = scatter.difference.var(ddof=1) / 2
    size = float(moments.mean() + between)
    if size == 0:
        return np.array([scatter.difference.mean(), 0, 0, 0, 0])
    start = np.array([between, shared, *np.maximum(moments - shared, 0.05 * moments)]) / size
    start = np.maximum(start, 10 * FLOOR)
    root = float(np.sqrt(size))
    small = Scatter(scatter.difference / root, scatter.per_mean, within / size, free)
    bounds = [(0.0, None), (0.0, None if linked else 0.0), (FLOOR, None), (FLOOR, None)]
    if not linked:
        start[1] = 0.0
    found = minimize(
        _minus_log_likelihood,
        start,
        args=(small,),
        jac=True,
        bounds=bounds,
        method="L-BFGS-B",
        options={"ftol": 1e-15, "gtol": 1e-10, "maxiter": 2000},
    )
    variances = np.asarray(found.x, dtype=np.float64)
    weight = 1 / _variance(variances, small)
    bias = float(weight @ scatter.difference / weight.sum())
    return np.array([bias, *(variances * size)])


def _variance(variances: FloatArray, scatter: Scatter) -> FloatArray:
    """Of the difference of a subject's two means."""
    apart, _, one, other = variances
    spread: FloatArray = 2 * apart + scatter.per_mean @ np.array([one, other]) + FLOOR
    return spread


def _minus_log_likelihood(variances: FloatArray, scatter: Scatter) -> tuple[float, FloatArray]:
    """Restricted likelihood and its gradient; `within` and `free` of the scatter are summed over subjects."""
    _, occasion, one, other = variances
    spread = _variance(variances, scatter)
    weight = 1 / spread
    centred = scatter.difference - weight @ scatter.difference / weight.sum()
    value = 0.5 * (np.log(spread).sum() + (centred**2 * weight).sum() + np.log(weight.sum()))
    slope = 0.5 * (weight - (centred * weight) ** 2 - weight**2 / weight.sum())
    gradient = np.array([2 * slope.sum(), 0.0, *(slope @ scatter.per_mean)])
    if occasion == 0:  # two methods scatter independently, each with its own degrees of freedom
        for place, residual in ((0, one), (1, other)):
            square, free = scatter.within[place, place], scatter.free[place]
            value += 0.5 * (free * np.log(residual) + square / residual)
            gradient[2 + place] += 0.5 * (free - square / residual) / residual
    inverse = _inverse(occasion, one, other)
    if occasion > 0:
        value += 0.5 * (
            scatter.free[0] * np.log(occasion * (one + other) + one * other)
            + (inverse * scatter.within).sum()
        )
    pull = 0.5 * (scatter.free[0] * inverse - inverse @ scatter.within @ inverse)
    gradient[1] += pull.sum()
    if occasion > 0:
        gradient[2:] += np.diagonal(pull)
    return float(value), gradient


def _inverse(occasion: float, one: float, other: float) -> FloatArray:
    """Of the covariance of two results at one occasion."""
    determinant = occasion * (one + other) + one * other
    return np.array([[occasion + other, -occasion], [-occasion, occasion + one]]) / determinant
