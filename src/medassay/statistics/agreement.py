"""Agreement between raters, one independent item a subject: chance-corrected figures and the ICC.

Items of one person are not independent: their agreement belongs into additive statistics that are resampled
by subject (see `medassay.statistics.ratio`), not here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.statistics.proportion import proportion
from medassay.statistics.resampling import percentile_interval, resampling_weights

FloatArray = NDArray[np.float64]
Weights = Literal["unweighted", "linear", "quadratic"]
Level = Literal["nominal", "ordinal", "interval", "ratio"]

SMALLEST_DEFINED_SHARE = 0.99  # of the resamples, as for every ratio
SAME_FIGURE = 1e-12  # relative: figures this close differ by rounding only


def cross_table(first: Sequence[Any], second: Sequence[Any], *, categories: Sequence[Any]) -> FloatArray:
    """Items by what the first rater (rows) and the second (columns) called them, in the order given.

    Examples
    --------
    >>> cross_table(["a", "b", "a"], ["a", "b", "b"], categories=["a", "b"]).tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    place = {category: index for index, category in enumerate(categories)}
    unknown = sum(rating not in place for rating in (*first, *second))
    if len(first) != len(second) or unknown or len(place) != len(categories):
        raise WrongUse(
            found=f"{len(first)} and {len(second)} ratings, {unknown} of no category",
            wanted="a rating of each item by both raters, in categories that each stand once",
            remedy="Name every category in its order; leave out items that one rater did not rate, and say so.",
        )
    table = np.zeros((len(place), len(place)))
    for one, other in zip(first, second, strict=True):
        table[place[one], place[other]] += 1
    return table


def percent_agreement(table: ArrayLike, *, confidence: float = 0.95) -> Estimate:
    """Share of items that both raters called the same, with its Wilson interval; chance is not corrected for.

    Examples
    --------
    >>> percent_agreement([[118, 5], [2, 0]]).value
    0.944
    """
    counts = _square(table)
    return proportion(int(np.trace(counts)), int(counts.sum()), confidence=confidence)


def cohen_kappa(table: ArrayLike, *, weights: Weights = "unweighted", confidence: float = 0.95) -> Estimate:
    """Cohen's kappa = (Po - Pe) / (1 - Pe) of two raters, with its large-sample interval.

    Parameters
    ----------
    table : shape (k, k), counts
        First rater in rows, second in columns, categories in their order.
    weights : "unweighted", "linear" or "quadratic"
        What a disagreement by d of k - 1 steps counts: all or nothing, 1 - d/(k-1), 1 - (d/(k-1))^2.

    Returns
    -------
    Estimate
        Not estimable when both raters use one and the same category only: then chance alone agrees. No
        interval when the standard error is zero, as in perfect agreement.

    References
    ----------
    Cohen, Educ Psychol Meas 20:37-46, 1960, and Psychol Bull 70:213-220, 1968; Fleiss, Cohen and Everitt,
    Psychol Bull 72:323-327, 1969 (standard error).

    Examples
    --------
    >>> round(cohen_kappa([[118, 5], [2, 0]]).value, 4)
    -0.0234
    """
    counts = _square(table)
    n = int(counts.sum())
    shares = counts / n
    weight = _weights(len(counts), weights)
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    observed, expected = float((weight * shares).sum()), float(rows @ weight @ columns)
    if np.isclose(expected, 1):
        return _undefined(n, "chance alone agrees: both raters use one category")
    kappa = (observed - expected) / (1 - expected)
    # Fleiss, Cohen and Everitt: weight of each cell against the mean weights of its row and its column.
    mean = (weight @ columns)[:, None] + (rows @ weight)[None, :]
    variance = (
        float((shares * (weight - mean * (1 - kappa)) ** 2).sum()) - (kappa - expected * (1 - kappa)) ** 2
    )
    error = float(np.sqrt(max(variance, 0.0) / n)) / (1 - expected)
    z = float(stats.norm.ppf((1 + confidence) / 2))
    return _with_error(kappa, error, z, n, confidence, f"fleiss_cohen_everitt({weights})")


def fleiss_kappa(counts: ArrayLike, *, confidence: float = 0.95) -> Estimate:
    """Fleiss' kappa of several raters.

    Parameters
    ----------
    counts : shape (n_items, k)
        How many raters called each item each category; at least two raters an item.

    Returns
    -------
    Estimate
        Interval by linearisation over items and Student's t with n - 1 degrees. Not estimable when all
        ratings fall into one category.

    References
    ----------
    Fleiss, Psychol Bull 76:378-382, 1971; Gwet, Br J Math Stat Psychol 61:29-48, 2008 (standard error).

    Examples
    --------
    >>> round(fleiss_kappa([[3, 0], [0, 3], [2, 1], [1, 2]]).value, 4)
    0.3333
    """

    def chance(shares: FloatArray) -> tuple[float, FloatArray]:
        return float(shares @ shares), shares

    return _over_items(counts, chance, confidence, "gwet_linearisation(fleiss)")


def gwet_ac1(counts: ArrayLike, *, confidence: float = 0.95) -> Estimate:
    """Gwet's AC1 of two or more raters: chance agreement by how uncertain the categories are.

    Parameters
    ----------
    counts : shape (n_items, k), k >= 2
        As for `fleiss_kappa`; a category that nobody used counts as one that could have been.

    References
    ----------
    Gwet, Br J Math Stat Psychol 61:29-48, 2008.

    Examples
    --------
    >>> round(gwet_ac1([[2, 0]] * 118 + [[1, 1]] * 7).value, 4)
    0.9408
    """

    def chance(shares: FloatArray) -> tuple[float, FloatArray]:
        spread = 1 / (len(shares) - 1)
        return float(spread * (shares * (1 - shares)).sum()), spread * (1 - shares)

    return _over_items(counts, chance, confidence, "gwet_linearisation(ac1)")


def krippendorff_alpha(
    ratings: ArrayLike, *, level: Level, seed: int, replicates: int = 2000, confidence: float = 0.95
) -> Estimate:
    """Krippendorff's alpha = 1 - Do / De; ratings may be missing.

    Parameters
    ----------
    ratings : shape (n_units, n_raters)
        Codes of categories or values; NaN where a rater did not rate. A unit with one rating says nothing.
    level : "nominal", "ordinal", "interval" or "ratio"
        How far two ratings are apart; "ratio" needs values that are not negative.
    seed : int
        Of the resampling of units.

    Returns
    -------
    Estimate
        Percentile interval over resampled units. Not estimable without a unit that two raters rated, or when
        all ratings are the same.

    References
    ----------
    Krippendorff, Content Analysis, 3rd ed. 2013, chapter 12.

    Examples
    --------
    >>> round(krippendorff_alpha([[1, 1], [2, 2], [1, 2]], level="nominal", seed=1).value, 4)
    0.4444
    """
    table = _matrix(ratings, missing=True)
    values = np.unique(table[~np.isnan(table)])
    if level == "ratio" and (values < 0).any():
        raise WrongUse(
            found="a negative value", wanted="values of a ratio scale", remedy='Use level="interval".'
        )
    paired = table[(~np.isnan(table)).sum(axis=1) >= 2]
    n = len(paired)
    if n == 0:
        return _undefined(0, "no unit that two raters rated")
    coincidences = np.stack([_coincidences(unit, values) for unit in paired])
    alpha = _alpha(coincidences.sum(axis=0), values, level)
    if alpha is None:
        return _undefined(n, "all ratings are the same")
    drawn = np.tensordot(resampling_weights(n, replicates, seed), coincidences, axes=1)
    figures = [figure for figure in (_alpha(one, values, level) for one in drawn) if figure is not None]
    bare = Estimate(value=alpha, n_subjects=n, undefined="no interval: too few units vary")
    if n < 2 or len(figures) < SMALLEST_DEFINED_SHARE * replicates or np.ptp(figures) <= SAME_FIGURE:
        return bare
    lower, upper = percentile_interval(np.array(figures), confidence)
    method = f"bootstrap_percentile(units, replicates={replicates}, seed={seed})"
    return _with_ends(bare, lower, upper, confidence, method)


def icc(
    ratings: ArrayLike, *, form: Literal["2,1", "3,1"], unit: str = "1", confidence: float = 0.95
) -> Estimate:
    """Intraclass correlation of single ratings that all raters gave of all subjects.

    Parameters
    ----------
    ratings : shape (n_subjects, n_raters), finite
        At least two of each.
    form : "2,1" or "3,1"
        Absolute agreement, raters a random sample (Shrout and Fleiss' ICC(2,1)); or consistency, these raters
        and no others (ICC(3,1)).

    Returns
    -------
    Estimate
        With the exact (3,1) or Satterthwaite (2,1) interval of the F distribution. Not estimable when
        nothing varies; no interval when the raters differ by nothing but a constant.

    References
    ----------
    Shrout and Fleiss, Psychol Bull 86:420-428, 1979; McGraw and Wong, Psychol Methods 1:30-46, 1996.

    Examples
    --------
    >>> rated = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    >>> round(icc(rated, form="2,1").value, 2), round(icc(rated, form="3,1").value, 2)
    (0.29, 0.71)
    """
    table = _matrix(ratings, missing=False)
    n, k = table.shape
    if n < 2 or k < 2:
        return _undefined(n, "fewer than two subjects or raters", unit)
    between, raters, error = _mean_squares(table)
    extra = k * (raters - error) / n if form == "2,1" else 0.0
    total = between + (k - 1) * error + extra
    none = SAME_FIGURE * max(between + raters + error, float((table**2).mean()))
    if abs(total) <= none:
        return _undefined(n, "nothing varies between the subjects", unit)
    value = float((between - error) / total)
    bare = Estimate(value=value, unit=unit, n_subjects=n, undefined="no interval: no residual variance")
    if error <= none:
        return bare
    ends = _icc_consistency if form == "3,1" else _icc_agreement
    lower, upper = ends(between, raters, error, n, k, (1 + confidence) / 2)
    return _with_ends(bare, lower, upper, confidence, f"f_distribution(icc {form})")


def _weights(k: int, kind: Weights) -> FloatArray:
    apart = np.abs(np.subtract.outer(np.arange(k), np.arange(k)))
    if kind == "unweighted":
        same: FloatArray = np.eye(k)
        return same
    power = 1 if kind == "linear" else 2
    weight: FloatArray = 1 - (apart / max(k - 1, 1)) ** power
    return weight


def _over_items(
    counts: ArrayLike,
    chance: Callable[[FloatArray], tuple[float, FloatArray]],
    confidence: float,
    method: str,
) -> Estimate:
    """(Pa - Pe) / (1 - Pe) over items, with Gwet's standard error.

    `chance` gives Pe and, for each category, what a rating in it adds to the Pe of its item.
    """
    table = _matrix(counts, missing=False)
    raters = table.sum(axis=1)
    if (table < 0).any() or (table % 1 != 0).any() or table.shape[1] < 2 or (raters < 2).any():
        raise WrongUse(
            found=f"counts of shape {table.shape}, as few as {raters.min():g} ratings of an item",
            wanted="whole counts in two or more categories, two or more ratings of each item",
            remedy="Leave out items that fewer than two raters rated, and say how many they are.",
        )
    n = len(table)
    agreed = (table * (table - 1)).sum(axis=1) / (raters * (raters - 1))
    per_item = table / raters[:, None]
    expected, parts = chance(per_item.mean(axis=0))
    if np.isclose(expected, 1):
        return _undefined(n, "chance alone agrees: every rating falls into one category")
    value = float((agreed.mean() - expected) / (1 - expected))
    linear = (agreed - expected) / (1 - expected)
    linear -= 2 * (1 - value) * (per_item @ parts - expected) / (1 - expected)
    if n < 2:
        return Estimate(value=value, n_subjects=n, undefined="no interval: fewer than two items")
    error = float(np.sqrt(((linear - value) ** 2).sum() / (n * (n - 1))))
    return _with_error(value, error, float(stats.t.ppf((1 + confidence) / 2, n - 1)), n, confidence, method)


def _coincidences(unit: FloatArray, values: FloatArray) -> FloatArray:
    """Pairs of ratings of one unit, each unit weighing as many as its ratings."""
    count = np.array([(unit == value).sum() for value in values], dtype=np.float64)
    pairs: FloatArray = (np.outer(count, count) - np.diag(count)) / (count.sum() - 1)
    return pairs


def _alpha(coincidences: FloatArray, values: FloatArray, level: Level) -> float | None:
    marginal = coincidences.sum(axis=1)
    apart = _distances(values, marginal, level)
    expected = float(marginal @ apart @ marginal) / (marginal.sum() - 1)
    return None if expected == 0 else 1 - float((coincidences * apart).sum()) / expected


def _distances(values: FloatArray, marginal: FloatArray, level: Level) -> FloatArray:
    """Squared distance of each two values."""
    if level == "nominal":
        same: FloatArray = np.eye(len(values))
        return 1 - same
    if level == "ordinal":  # by the number of ratings between, half of those at either end
        values = np.cumsum(marginal) - marginal / 2
    difference: FloatArray = np.subtract.outer(values, values)
    if level == "ratio":
        total = np.add.outer(values, values)
        difference = np.divide(difference, total, out=np.zeros_like(difference), where=total > 0)
    squared: FloatArray = difference**2
    return squared


def _mean_squares(table: FloatArray) -> tuple[float, float, float]:
    """Between subjects, between raters, and residual."""
    n, k = table.shape
    mean, subjects, raters = table.mean(), table.mean(axis=1), table.mean(axis=0)
    residual = table - subjects[:, None] - raters[None, :] + mean
    return (
        float(k * ((subjects - mean) ** 2).sum() / (n - 1)),
        float(n * ((raters - mean) ** 2).sum() / (k - 1)),
        float((residual**2).sum() / ((n - 1) * (k - 1))),
    )


def _icc_consistency(
    between: float, _raters: float, error: float, n: int, k: int, quantile: float
) -> tuple[float, float]:
    f, free = between / error, (n - 1) * (k - 1)
    low = f / stats.f.ppf(quantile, n - 1, free)
    high = f * stats.f.ppf(quantile, free, n - 1)
    return float((low - 1) / (low + k - 1)), float((high - 1) / (high + k - 1))


def _icc_agreement(
    between: float, raters: float, error: float, n: int, k: int, quantile: float
) -> tuple[float, float]:
    """McGraw and Wong, table 7, case 2: degrees of freedom by Satterthwaite."""
    value = (between - error) / (between + (k - 1) * error + k * (raters - error) / n)
    a = k * value / (n * (1 - value))
    b = 1 + k * value * (n - 1) / (n * (1 - value))
    free = (a * raters + b * error) ** 2 / (
        (a * raters) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1))
    )
    low, high = stats.f.ppf(quantile, n - 1, free), stats.f.ppf(quantile, free, n - 1)
    rest = k * raters + (k * n - k - n) * error
    lower = n * (between - low * error) / (low * rest + n * between)
    upper = n * (high * between - error) / (rest + n * high * between)
    return float(lower), float(upper)


def _with_error(
    value: float, error: float, quantile: float, n: int, confidence: float, method: str
) -> Estimate:
    bare = Estimate(value=value, n_subjects=n, undefined="no interval: the standard error is zero")
    if np.isclose(error, 0, atol=1e-12):
        return bare
    # A figure of agreement is at most 1, so its interval ends there.
    return _with_ends(bare, value - quantile * error, min(value + quantile * error, 1.0), confidence, method)


def _with_ends(bare: Estimate, lower: float, upper: float, confidence: float, method: str) -> Estimate:
    ends = {"lower": lower, "upper": upper, "confidence": confidence, "method": method, "undefined": ""}
    return bare.model_copy(update=ends)


def _undefined(n: int, reason: str, unit: str = "1") -> Estimate:
    return Estimate(value=None, unit=unit, n_subjects=n, undefined=reason)


def _square(table: ArrayLike) -> FloatArray:
    counts = _matrix(table, missing=False)
    if (
        counts.shape[0] != counts.shape[1]
        or (counts < 0).any()
        or (counts % 1 != 0).any()
        or not counts.any()
    ):
        raise WrongUse(
            found=f"a table of shape {counts.shape} with {counts.sum():g} items",
            wanted="whole counts, as many rows as columns, at least one item",
            remedy="Make it with cross_table.",
        )
    return counts


def _matrix(values: ArrayLike, *, missing: bool) -> FloatArray:
    table = np.asarray(values, dtype=np.float64)
    bad = np.isinf(table) if missing else ~np.isfinite(table)
    if table.ndim != 2 or table.size == 0 or bad.any():
        raise WrongUse(
            found=f"an array of shape {table.shape} with {int(bad.sum())} values that are not finite",
            wanted="a table with a row an item" + (", NaN where a rating is missing" if missing else ""),
            remedy="Leave out what was not rated, and say how many they are.",
        )
    return table
