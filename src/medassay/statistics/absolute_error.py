"""How far values lie from their reference on the average, in their own unit, with subjects resampled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.glucose_criteria import root
from medassay.statistics.paired import groups, pairs
from medassay.statistics.ratio import ratio

FloatArray = NDArray[np.float64]
Labels = Sequence[object] | NDArray[np.generic]


@method(
    id="mean-absolute-error",
    task="measurement",
    zh="平均绝对误差",
    en="mean absolute error",
    formula="sum |test - reference| / pairs",
    source="Willmott and Matsuura, Clim Res 30:79-82, 2005; interval: Field and Welsh, J R Stat Soc B 69, 2007",
    check="scikit-learn mean_absolute_error",
)
def mean_absolute_error(
    reference: ArrayLike,
    test: ArrayLike,
    subject: Labels,
    *,
    seed: int,
    replicates: int = 2000,
    confidence: float = 0.95,
    unit: str = "1",
) -> Estimate:
    """Mean distance over pairs.

    Parameters
    ----------
    reference, test : shape (n,), finite, in `unit`
    subject : shape (n,)
        Whose pair it is; intervals resample subjects.

    Returns
    -------
    Estimate
        Not estimable without a pair.

    Raises
    ------
    WrongUse
        For values that are not finite, or columns of different length.

    Examples
    --------
    >>> mean_absolute_error([1.0, 2.0], [2.0, 4.0], ["p", "q"], seed=1).value
    1.5
    """
    x, y = pairs(reference, test, names=("reference", "test"))
    return _mean(np.abs(y - x), subject, seed, replicates, confidence, unit)


@method(
    id="root-mean-square-error",
    task="measurement",
    zh="均方根误差",
    en="root mean square error",
    formula="sqrt(sum (test - reference)^2 / pairs)",
    source="Willmott and Matsuura, Clim Res 30:79-82, 2005; interval: Field and Welsh, J R Stat Soc B 69, 2007",
    check="scikit-learn root_mean_squared_error",
)
def root_mean_square_error(
    reference: ArrayLike,
    test: ArrayLike,
    subject: Labels,
    *,
    seed: int,
    replicates: int = 2000,
    confidence: float = 0.95,
    unit: str = "1",
) -> Estimate:
    """Root of the mean squared difference over pairs; parameters as for `mean_absolute_error`.

    Examples
    --------
    >>> round(root_mean_square_error([1.0, 2.0], [2.0, 4.0], ["p", "q"], seed=1).value, 4)
    1.5811
    """
    x, y = pairs(reference, test, names=("reference", "test"))
    return root(_mean((y - x) ** 2, subject, seed, replicates, confidence, unit), unit)


def _mean(
    parts: FloatArray, subject: Labels, seed: int, replicates: int, confidence: float, unit: str
) -> Estimate:
    member = groups(subject, len(parts), "subjects")
    count = np.bincount(member).astype(np.float64)
    return ratio(
        np.bincount(member, parts, minlength=len(count)).astype(np.float64),
        count,
        undefined="no pair",
        seed=seed,
        replicates=replicates,
        confidence=confidence,
        unit=unit,
    )
