"""Agreement between raters, one independent item a subject: chance-corrected figures.

Items of one person are not independent: their agreement belongs into additive statistics that are resampled
by subject (see `medassay.statistics.ratio`), not here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.chance_corrected import (
    Weights,
    agreement_weights,
    beyond_chance,
    observed_and_expected,
)
from medassay.statistics.intervals import normal_quantile, not_estimable, with_interval, without_interval
from medassay.statistics.proportion import proportion
from medassay.statistics.resampled_interval import SAME_FIGURE, SMALLEST_DEFINED_SHARE
from medassay.statistics.resampling import percentile_interval, resampled_sums

FloatArray = NDArray[np.float64]
Level = Literal["nominal", "ordinal", "interval", "ratio"]


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


@method(
    id="percent-agreement",
    task="agreement",
    zh="一致率",
    en="percent agreement",
    formula="trace / n",
    source="CLSI EP12; Wilson, J Am Stat Assoc 22:209-212, 1927",
    check="direct count; scipy binomtest",
)
def percent_agreement(table: ArrayLike, *, confidence: float = 0.95) -> Estimate:
    """Share of items that both raters called the same, with its Wilson interval; chance is not corrected for.

    Examples
    --------
    >>> percent_agreement([[118, 5], [2, 0]]).value
    0.944
    """
    counts = _square(table)
    return proportion(int(np.trace(counts)), int(counts.sum()), confidence=confidence)


@method(
    id="cohen-kappa",
    task="agreement",
    zh="卡帕系数（Cohen，含线性与二次加权）",
    en="Cohen's kappa, unweighted, linear or quadratic",
    formula="(Po - Pe) / (1 - Pe)",
    source="Cohen, Psychol Bull 70:213-220, 1968; Fleiss, Cohen and Everitt, Psychol Bull 72:323-327, 1969",
    check="statsmodels 0.15.0 cohens_kappa; R irr 0.84.1, psych 2.2.9; scikit-learn cohen_kappa_score",
)
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
    weight = agreement_weights(len(counts), weights)
    observed, expected = map(float, observed_and_expected(counts, weight))
    kappa = float(beyond_chance(observed, expected))
    if np.isnan(kappa):
        return not_estimable("chance alone agrees: both raters use one category", n)
    shares = counts / n
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    # Fleiss, Cohen and Everitt: weight of each cell against the mean weights of its row and its column.
    mean = (weight @ columns)[:, None] + (rows @ weight)[None, :]
    variance = (
        float((shares * (weight - mean * (1 - kappa)) ** 2).sum()) - (kappa - expected * (1 - kappa)) ** 2
    )
    error = float(np.sqrt(max(variance, 0.0) / n)) / (1 - expected)
    z = normal_quantile(confidence)
    return _with_error(kappa, error, z, n, confidence, f"fleiss_cohen_everitt({weights})")


@method(
    id="fleiss-kappa",
    task="agreement",
    zh="Fleiss卡帕系数",
    en="Fleiss' kappa",
    formula="(Pa - Pe) / (1 - Pe), Pe = sum of squared category shares",
    source="Fleiss, Psychol Bull 76:378-382, 1971; Gwet, Br J Math Stat Psychol 61:29-48, 2008 (error)",
    check="R irr 0.84.1, irrCAC 1.0; Fleiss' diagnoses",
)
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


@method(
    id="gwet-ac1",
    task="agreement",
    zh="Gwet一致性系数AC1",
    en="Gwet's AC1",
    formula="(Pa - Pe) / (1 - Pe), Pe = sum p (1 - p) / (k - 1)",
    source="Gwet, Br J Math Stat Psychol 61:29-48, 2008",
    check="R irrCAC 1.0",
)
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


@method(
    id="gwet-ac2",
    task="agreement",
    zh="Gwet加权一致性系数AC2",
    en="Gwet's AC2",
    formula="(Pa - Pe) / (1 - Pe) with weights, Pe = sum of weights / (k (k - 1)) sum p (1 - p)",
    source="Gwet, Handbook of Inter-Rater Reliability, 4th ed. 2014, chapter 4",
    check="R irrCAC 1.0",
)
def gwet_ac2(counts: ArrayLike, *, weights: Weights = "linear", confidence: float = 0.95) -> Estimate:
    """Gwet's AC1 for ordered categories, near disagreements counting less.

    Parameters
    ----------
    counts : shape (n_items, k), k >= 2
        As for `fleiss_kappa`, categories in their order.

    Examples
    --------
    >>> round(gwet_ac2([[2, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 2]], weights="linear").value, 4)
    0.4483
    """
    k = np.shape(counts)[-1]
    weight = agreement_weights(k, weights)
    spread = float(weight.sum()) / (k * max(k - 1, 1))

    def chance(shares: FloatArray) -> tuple[float, FloatArray]:
        return float(spread * (shares * (1 - shares)).sum()), spread * (1 - shares)

    return _over_items(counts, chance, confidence, f"gwet_linearisation(ac2 {weights})", weight)


@method(
    id="krippendorff-alpha",
    task="agreement",
    zh="Krippendorff α系数",
    en="Krippendorff's alpha",
    formula="1 - Do / De",
    source="Krippendorff, Content Analysis, 3rd ed. 2013, chapter 12",
    check="R irr 0.84.1; Krippendorff's own example",
)
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
        return not_estimable("no unit that two raters rated", 0)
    coincidences = np.stack([_coincidences(unit, values) for unit in paired])
    alpha = _alpha(coincidences.sum(axis=0), values, level)
    if alpha is None:
        return not_estimable("all ratings are the same", n)
    drawn = resampled_sums(coincidences.reshape(n, -1), replicates, seed)
    drawn = drawn.reshape(-1, len(values), len(values))
    figures = [figure for figure in (_alpha(one, values, level) for one in drawn) if figure is not None]
    if n < 2 or len(figures) < SMALLEST_DEFINED_SHARE * replicates or np.ptp(figures) <= SAME_FIGURE:
        return without_interval(alpha, "too few units vary", n)
    lower, upper = percentile_interval(np.array(figures), confidence)
    name = f"bootstrap_percentile(units, replicates={replicates}, seed={seed})"
    return with_interval(alpha, lower, upper, confidence=confidence, method=name, n_subjects=n)


def _over_items(
    counts: ArrayLike,
    chance: Callable[[FloatArray], tuple[float, FloatArray]],
    confidence: float,
    name: str,
    weight: FloatArray | None = None,
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
    near = table if weight is None else table @ weight
    agreed = (table * (near - 1)).sum(axis=1) / (raters * (raters - 1))
    per_item = table / raters[:, None]
    expected, parts = chance(per_item.mean(axis=0))
    value = float(beyond_chance(float(agreed.mean()), expected))
    if np.isnan(value):
        return not_estimable("chance alone agrees: every rating falls into one category", n)
    linear = (agreed - expected) / (1 - expected)
    linear -= 2 * (1 - value) * (per_item @ parts - expected) / (1 - expected)
    if n < 2:
        return without_interval(value, "fewer than two items", n)
    error = float(np.sqrt(((linear - value) ** 2).sum() / (n * (n - 1))))
    return _with_error(value, error, float(special.stdtrit(n - 1, (1 + confidence) / 2)), n, confidence, name)


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


def _with_error(
    value: float, error: float, quantile: float, n: int, confidence: float, method: str
) -> Estimate:
    if np.isclose(error, 0, atol=1e-12):
        return without_interval(value, "the standard error is zero", n)
    # A figure of agreement is at most 1, so its interval ends there.
    lower, upper = value - quantile * error, min(value + quantile * error, 1.0)
    return with_interval(value, lower, upper, confidence=confidence, method=method, n_subjects=n)


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
