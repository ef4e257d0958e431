"""Agreement of several raters who are told apart, and of any pair: Conger's kappa, linearised alpha, null tests.

`agreement` has the figures for counts of ratings; here each rater keeps a column of one's own, as Cohen's kappa
has it, or the variance comes by linearisation over items instead of by a resample.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
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
from medassay.statistics.intervals import SMALLEST_VARIANCE, normal_interval, not_estimable
from medassay.statistics.scored import FloatArray, IntArray
from medassay.statistics.significance import Significance


@method(
    id="conger-kappa",
    task="agreement",
    zh="Conger卡帕系数",
    en="Conger's kappa of several raters",
    formula="(Pa - Pe) / (1 - Pe), Pe the mean over pairs of raters of what their own shares give by chance",
    source="Conger, Psychol Bull 88:322-328, 1980; Gwet, Handbook, 4th ed. 2014 (error over items, t)",
    check="R irr 0.84.1 kappam.fleiss(exact = TRUE); irrCAC 1.0 conger.kappa.raw",
)
def conger_kappa(
    ratings: ArrayLike, *, classes: int, weights: Weights = "unweighted", confidence: float = 0.95
) -> Estimate:
    """Cohen's kappa of two or more raters who each rated every item.

    Parameters
    ----------
    ratings : shape (n_items, n_raters), class numbers from 0
    weights : "unweighted", "linear" or "quadratic"

    Returns
    -------
    Estimate
        Interval by linearisation over items and Student's t with n - 1 degrees: for two raters the value is
        Cohen's, the interval irrCAC's. Not estimable when chance alone agrees.

    Examples
    --------
    >>> e = conger_kappa([[0, 0], [1, 1], [0, 1], [1, 1]], classes=2)
    >>> round(e.value, 4)
    0.5
    """
    codes = _codes(ratings, classes)
    n, raters = codes.shape
    weight = agreement_weights(classes, weights)
    shares = np.stack([np.bincount(codes[:, rater], minlength=classes) / n for rater in range(raters)])
    pairs = raters * (raters - 1)
    agreed, expected_of = np.zeros(n), np.zeros(n)
    for one in range(raters):
        for other in range(raters):
            if one != other:
                agreed += weight[codes[:, one], codes[:, other]] / pairs
                # What this item's rating by `one` would agree with, were `other` to rate by chance.
                expected_of += (weight @ shares[other])[codes[:, one]] / pairs
    return _linearised(
        float(agreed.mean()),
        agreed,
        expected_of,
        float(expected_of.mean()),
        confidence,
        f"gwet(conger {weights})",
    )


@method(
    id="krippendorff-alpha-linearised",
    task="agreement",
    zh="Krippendorff α系数（线性化标准误）",
    en="Krippendorff's alpha, nominal or weighted, linearised error",
    formula="1 - Do / De = (Pa' - Pe) / (1 - Pe), Pa' = (1 - e) Pa + e, e = 1 / (n r)",
    source="Gwet, Handbook of Inter-Rater Reliability, 4th ed. 2014, chapter 4",
    check="R irrCAC 1.0 krippen.alpha.raw; agreement.krippendorff_alpha",
)
def alpha_linearised(
    ratings: ArrayLike, *, classes: int, weights: Weights = "unweighted", confidence: float = 0.95
) -> Estimate:
    """Krippendorff's alpha of complete ratings with a closed interval, Student's t with n - 1 degrees.

    Quadratic weights are the interval level of class numbers. Not estimable when all ratings are the same.

    Examples
    --------
    >>> round(alpha_linearised([[1, 1], [0, 0], [1, 0]], classes=2).value, 4)
    0.4444
    """
    codes = _codes(ratings, classes)
    n, raters = codes.shape
    weight = agreement_weights(classes, weights)
    counts = np.stack([(codes == own).sum(axis=1) for own in range(classes)], axis=1).astype(np.float64)
    shares = counts.sum(axis=0) / (n * raters)
    agreed = (counts * (counts @ weight - 1)).sum(axis=1) / (raters * (raters - 1))
    correction = 1 / (n * raters)
    expected_of = counts @ (weight @ shares) / raters
    observed = (1 - correction) * float(agreed.mean()) + correction
    # Gwet's error leaves the small-sample correction out of the items' agreement.
    return _linearised(
        observed, agreed, expected_of, float(shares @ weight @ shares), confidence, f"gwet(alpha {weights})"
    )


@method(
    id="cohen-kappa-test",
    task="agreement",
    zh="卡帕系数检验（原假设：无一致性）",
    en="test that Cohen's kappa is 0",
    formula="z = kappa / se0, se0 under independence of the raters",
    source="Fleiss, Cohen and Everitt, Psychol Bull 72:323-327, 1969",
    check="R irr 0.84.1 kappa2; statsmodels 0.15.0",
)
def kappa_null_test(table: ArrayLike, *, weights: Weights = "unweighted") -> Significance:
    """Whether two raters agree beyond chance, two-sided; table as for `agreement.cohen_kappa`.

    Examples
    --------
    >>> test = kappa_null_test([[20, 5], [4, 30]])
    >>> round(test.statistic, 3)
    5.272
    """
    counts = np.asarray(table, dtype=np.float64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not counts.sum() > 0 or (counts < 0).any():
        raise WrongUse(
            found=f"a table of shape {counts.shape} with {counts.sum():g} items",
            wanted="counts, as many rows as columns, at least one item",
            remedy="Make it with agreement.cross_table.",
        )
    name = f"kappa_z({weights})"
    n = float(counts.sum())
    shares = counts / n
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    # Then the spread is 0, but rounding would leave something of it.
    if min(np.count_nonzero(rows), np.count_nonzero(columns)) < 2:
        return Significance(None, None, name, undefined="a rater uses one category only")
    weight = agreement_weights(len(counts), weights)
    observed, expected = map(float, observed_and_expected(counts, weight))
    mean = (weight @ columns)[:, None] + (rows @ weight)[None, :]
    spread = float((np.outer(rows, columns) * (weight - mean) ** 2).sum()) - expected**2
    z = (observed - expected) / math.sqrt(spread / n)
    return Significance(float(2 * special.ndtr(-abs(z))), z, name)


@method(
    id="fleiss-kappa-test",
    task="agreement",
    zh="Fleiss卡帕系数检验",
    en="test that Fleiss' kappa is 0",
    formula="z = kappa / se0, se0^2 = 2 ((sum pq)^2 - sum pq (q - p)) / ((sum pq)^2 n r (r - 1))",
    source="Fleiss, Nee and Landis, Psychol Bull 86:974-977, 1979",
    check="R irr 0.84.1 kappam.fleiss",
)
def fleiss_null_test(counts: ArrayLike) -> Significance:
    """Whether r raters of every item agree beyond chance, two-sided; counts of shape (n_items, k).

    Examples
    --------
    >>> round(fleiss_null_test([[3, 0], [0, 3], [2, 1], [1, 2]]).statistic, 3)
    1.155
    """
    table = np.asarray(counts, dtype=np.float64)
    raters = table.sum(axis=1) if table.ndim == 2 else np.zeros(1)
    if table.ndim != 2 or len(table) == 0 or not (raters == raters[0]).all() or raters[0] < 2:
        raise WrongUse(
            found=f"counts of shape {table.shape}, or items with different numbers of ratings",
            wanted="two or more ratings of every item, as many of each",
            remedy="Use agreement.fleiss_kappa and its interval where numbers differ.",
        )
    n, r = len(table), float(raters[0])
    p = table.sum(axis=0) / (n * r)
    product = p * (1 - p)
    total = float(product.sum())
    if total <= SMALLEST_VARIANCE:
        return Significance(None, None, "fleiss_z", undefined="every rating falls into one category")
    agreed = float((table * (table - 1)).sum()) / (n * r * (r - 1))
    kappa = (agreed - (1 - total)) / total
    spread = 2 * (total**2 - float((product * (1 - 2 * p)).sum())) / (total**2 * n * r * (r - 1))
    z = kappa / math.sqrt(spread)
    return Significance(float(2 * special.ndtr(-abs(z))), z, "fleiss_z")


def _linearised(
    observed: float,
    agreed: FloatArray,
    expected_of: FloatArray,
    expected: float,
    confidence: float,
    name: str,
) -> Estimate:
    """(Pa - Pe) / (1 - Pe), and its variance over items, Pe being quadratic in the items' shares."""
    n = len(agreed)
    value = float(beyond_chance(observed, expected))
    if math.isnan(value):
        return not_estimable("chance alone agrees: every rating falls into one category", n)
    if n < 2:
        return normal_interval(value, None, confidence=confidence, method=name, n_subjects=n)
    linear = (agreed - expected - 2 * (1 - value) * (expected_of - expected)) / (1 - expected)
    variance = float(((linear - value) ** 2).sum()) / (n * (n - 1))
    return normal_interval(
        value,
        variance,
        confidence=confidence,
        method=name,
        n_subjects=n,
        bounds=(-math.inf, 1.0),
        quantile=float(special.stdtrit(n - 1, (1 + confidence) / 2)),
    )


def _codes(ratings: ArrayLike, classes: int) -> IntArray:
    codes = np.asarray(ratings)
    good = codes.ndim == 2 and codes.dtype.kind in "iu" and codes.shape[0] > 0 and codes.shape[1] > 1
    if not good or classes < 2 or (codes < 0).any() or (codes >= classes).any():
        raise WrongUse(
            found=f"ratings of shape {codes.shape} and type {codes.dtype} in {classes} classes",
            wanted="a class number from 0 of every rater for every item, two raters and classes or more",
            remedy="Leave out items that a rater did not rate, and say how many they are.",
        )
    return codes.astype(np.int64)
