"""Agreement of counts: bias, absolute error, exact counts, and whether they differ more than counting itself does.

Cases of one subject are clustered; the Poisson figures take pairs of counts as independent.

References
----------
Przyborowski and Wilenski, Biometrika 31:313-323, 1940 (comparing two Poisson counts); Fisher, Thornton and Mackenzie,
Ann Appl Biol 9:325-359, 1922 (index of dispersion of counts); Ruemke, in: Differential Leukocyte Counting, CAP, 1979.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.proportion import proportion
from medassay.statistics.ratio import ratio

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
NO_CASE = "no case"


@method(
    id="mean-count-error",
    task="counting",
    zh="平均计数误差",
    en="mean count error (bias)",
    formula="sum(prediction - reference) / cases",
    source="Bland and Altman, Stat Methods Med Res 8:135-160, 1999",
    check="numpy mean; hand-worked cases",
)
def mean_count_error(
    reference: ArrayLike,
    prediction: ArrayLike,
    *,
    seed: int,
    subject: ArrayLike | None = None,
    replicates: int = 2000,
) -> Estimate:
    """Mean of prediction minus reference over cases, resampled by subject.

    Parameters
    ----------
    reference, prediction : shape (n_cases,), whole numbers from 0
    subject : shape (n_cases,), index of each case's subject; None: a subject each

    Examples
    --------
    >>> mean_count_error([10, 4, 7], [12, 4, 6], seed=1).value
    0.3333333333333333
    """
    first, second = _pairs(reference, prediction)
    return _per_case(second - first, subject, seed, replicates)


@method(
    id="mean-absolute-count-error",
    task="counting",
    zh="平均绝对计数误差",
    en="mean absolute count error",
    formula="sum |prediction - reference| / cases",
    source="Willmott and Matsuura, Clim Res 30:79-82, 2005",
    check="scikit-learn mean_absolute_error; hand-worked cases",
)
def mean_absolute_count_error(
    reference: ArrayLike,
    prediction: ArrayLike,
    *,
    seed: int,
    subject: ArrayLike | None = None,
    replicates: int = 2000,
) -> Estimate:
    """Mean of |prediction - reference| over cases, resampled by subject.

    Examples
    --------
    >>> mean_absolute_count_error([10, 4, 7], [12, 4, 6], seed=1).value
    1.0
    """
    first, second = _pairs(reference, prediction)
    return _per_case(np.abs(second - first), subject, seed, replicates)


@method(
    id="exact-count-rate",
    task="counting",
    zh="计数完全一致率",
    en="exact count rate",
    formula="cases with prediction = reference / cases",
    source="Wilson, J Am Stat Assoc 22:209-212, 1927 (interval); Field and Welsh 2007 where cases are clustered",
    check="hand-worked cases; statistics.proportion",
)
def exact_count_rate(
    reference: ArrayLike,
    prediction: ArrayLike,
    *,
    seed: int,
    subject: ArrayLike | None = None,
    tolerance: int = 0,
    replicates: int = 2000,
) -> Estimate:
    """Share of cases whose count is exact, or off by no more than a tolerance.

    Returns
    -------
    Estimate
        Wilson interval where each case is a subject of its own, else resampled by subject.

    Examples
    --------
    >>> exact_count_rate([10, 4], [12, 4], seed=1).value
    0.5
    """
    first, second = _pairs(reference, prediction)
    if tolerance < 0:
        raise WrongUse(
            found=f"a tolerance of {tolerance}", wanted="0 or more", remedy="0 asks for exact counts."
        )
    near = np.abs(second - first) <= tolerance
    if subject is None:
        return proportion(int(np.count_nonzero(near)), len(near))
    return ratio(
        *_sums(near.astype(np.float64), subject),
        undefined=NO_CASE,
        seed=seed,
        replicates=replicates,
        proportion=True,
    )


@method(
    id="poisson-agreement",
    task="counting",
    zh="泊松计数一致性",
    en="agreement within Poisson counting error",
    formula="share of pairs with exact P(Bin(a + b, 1/2) as uneven as (a, b)) > 1 - level",
    source="Przyborowski and Wilenski, Biometrika 31:313-323, 1940",
    check="scipy.stats.binomtest pair by pair",
)
def poisson_agreement(reference: ArrayLike, prediction: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Share of pairs that differ by no more than two counts of one true mean would, with its Wilson interval.

    Given their sum, two independent Poisson counts of one mean are a binomial split by half. At least `level`
    of all pairs agree where that holds; fewer say that the counter adds an error of its own. Counts of the very
    same objects should agree better than that: there ask for the exact count rate.

    Examples
    --------
    >>> poisson_agreement([100, 100], [110, 160]).value
    0.5
    """
    from scipy import stats  # takes a second to load, which the other figures need not wait for

    first, second = _pairs(reference, prediction)
    if not 0 < level < 1:
        raise WrongUse(found=f"level {level:g}", wanted="between 0 and 1", remedy="Write 95 % as 0.95.")
    whole = first + second
    chance = np.minimum(2 * stats.binom.cdf(np.minimum(first, second), whole, 0.5), 1)
    return proportion(int(np.count_nonzero(chance > 1 - level)), len(first))


@method(
    id="count-dispersion",
    task="counting",
    zh="计数离散指数",
    en="index of dispersion of paired counts",
    formula="sum of (a - b)^2 / (a + b) over n pairs, / n; times n it is chi-squared with n degrees",
    source="Fisher, Thornton and Mackenzie, Ann Appl Biol 9:325-359, 1922",
    check="simulated Poisson pairs; scipy.stats.chi2",
)
def count_dispersion(reference: ArrayLike, prediction: ArrayLike, *, confidence: float = 0.95) -> Estimate:
    """How the scatter between paired counts compares with that of counting alone: 1 is Poisson, above it is more.

    Returns
    -------
    Estimate
        Chi-squared interval; pairs in which both counted nothing say nothing and are left out (`n_events`
        holds those that count). Rough where counts are below about 5.

    Examples
    --------
    >>> round(count_dispersion([10, 40, 0], [14, 20, 0]).value, 3)
    3.667
    """
    first, second = _pairs(reference, prediction)
    whole = first + second
    told = whole > 0
    pairs = int(np.count_nonzero(told))
    if not pairs:
        return Estimate(value=None, n_subjects=len(whole), n_events=0, undefined="no pair counted anything")
    if not 0 < confidence < 1:
        raise WrongUse(
            found=f"confidence {confidence:g}", wanted="between 0 and 1", remedy="Write 95 % as 0.95."
        )
    scatter = float(((first - second)[told] ** 2 / whole[told]).sum())
    if scatter == 0:  # the chi-squared interval would have no width
        return Estimate(
            value=0.0, n_subjects=len(whole), n_events=pairs, undefined="no interval: all pairs are equal"
        )
    low, high = 2 * special.gammaincinv(pairs / 2, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Estimate(
        value=scatter / pairs,
        lower=scatter / float(high),
        upper=scatter / float(low),
        confidence=confidence,
        method="chi_squared",
        n_subjects=len(whole),
        n_events=pairs,
    )


def by_class(
    reference: ArrayLike, prediction: ArrayLike, *, classes: Sequence[str]
) -> dict[str, tuple[IntArray, IntArray]]:
    """The pairs of each class from tables of cases by classes, for any figure of this module.

    Examples
    --------
    >>> pairs = by_class([[10, 1], [8, 0]], [[9, 1], [8, 1]], classes=["RBC", "WBC"])
    >>> exact_count_rate(*pairs["WBC"], seed=1).value
    0.5
    """
    tables = [np.asarray(table) for table in (reference, prediction)]
    if any(table.ndim != 2 or table.shape[1] != len(classes) for table in tables):
        raise WrongUse(
            found=f"tables of shapes {tables[0].shape} and {tables[1].shape} for {len(classes)} classes",
            wanted="a row a case, a column a class in both",
            remedy="Count each case with `tasks.counting.count_classes`.",
        )
    return {name: _pairs(*(table[:, column] for table in tables)) for column, name in enumerate(classes)}


def _per_case(errors: IntArray, subject: ArrayLike | None, seed: int, replicates: int) -> Estimate:
    owner = np.arange(len(errors)) if subject is None else subject
    return ratio(
        *_sums(errors.astype(np.float64), owner),
        undefined=NO_CASE,
        seed=seed,
        replicates=replicates,
        unit="{count}",
    )


def _sums(values: FloatArray, subject: ArrayLike) -> tuple[FloatArray, FloatArray]:
    owner = np.asarray(subject)
    if owner.shape != values.shape:
        raise WrongUse(
            found=f"{owner.size} subjects of {values.size} cases",
            wanted="the subject of each case",
            remedy="Give both from the same rows.",
        )
    names, place = np.unique(owner, return_inverse=True)
    sums = [
        np.bincount(place, part, len(names)).astype(np.float64) for part in (values, np.ones_like(values))
    ]
    return sums[0], sums[1]


def _pairs(reference: ArrayLike, prediction: ArrayLike) -> tuple[IntArray, IntArray]:
    sides = [np.asarray(side, np.float64) for side in (reference, prediction)]
    good = all(np.isfinite(side).all() and (side >= 0).all() and (side % 1 == 0).all() for side in sides)
    if sides[0].ndim != 1 or sides[0].shape != sides[1].shape or not good:
        raise WrongUse(
            found=f"counts of shapes {sides[0].shape} and {sides[1].shape}, or one that is no count",
            wanted="two whole numbers from 0 a case",
            remedy="Let the protocol's rule for missing predictions score the case first; a NaN is no count.",
        )
    return sides[0].astype(np.int64), sides[1].astype(np.int64)
