"""Ordered classes (grades, stages): how far predictions are off, from a k by k table.

Quadratic weighted kappa is in `agreement`, the concordance of a score with the order in `multiclass_auc`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.bootstrap_figure import bootstrap_figure
from medassay.statistics.scored import FloatArray


@method(
    id="ordinal-mean-error",
    task="classification",
    zh="等级平均绝对误差",
    en="mean absolute error in grades",
    formula="sum over cells of count |i - j| / n",
    source="Baccianella, Esuli and Sebastiani, ISDA 2009",
    check="scikit-learn mean_absolute_error of grade numbers",
)
def mean_grade_error(
    tables: ArrayLike, *, seed: int, replicates: int = 2000, confidence: float = 0.95
) -> Estimate:
    """How many grades predictions are off on average, over resampled subjects; tables (n_subjects, k, k).

    Examples
    --------
    >>> mean_grade_error([[[1, 0, 1], [0, 2, 0], [0, 0, 0]], [[0, 0, 0], [0, 1, 1], [0, 0, 2]]], seed=1).value
    0.375
    """
    steps = _steps(tables)
    return bootstrap_figure(
        tables,
        lambda sums: _mean(sums, steps),
        undefined="no case",
        seed=seed,
        replicates=replicates,
        confidence=confidence,
        unit="{grade}",
    )


@method(
    id="ordinal-within",
    task="classification",
    zh="相差不超过k级的比例",
    en="share within k grades",
    formula="sum over cells with |i - j| <= k of count / n",
    source="Gaudette and Japkowicz, Canadian AI 2009",
    check="direct count",
)
def share_within(
    tables: ArrayLike, *, grades: int = 1, seed: int, replicates: int = 2000, confidence: float = 0.95
) -> Estimate:
    """Share of cases whose predicted grade is at most `grades` off, over resampled subjects.

    Examples
    --------
    >>> share_within([[[1, 0, 1], [0, 2, 0], [0, 0, 0]], [[0, 0, 0], [0, 1, 1], [0, 0, 2]]], seed=1).value
    0.875
    """
    near = (_steps(tables) <= grades).astype(np.float64)
    return bootstrap_figure(
        tables,
        lambda sums: _mean(sums, near),
        undefined="no case",
        seed=seed,
        replicates=replicates,
        confidence=confidence,
    )


def _steps(tables: ArrayLike) -> FloatArray:
    shape = np.shape(tables)
    if len(shape) != 3 or shape[1] != shape[2]:
        raise WrongUse(
            found=f"tables of shape {shape}",
            wanted="(n_subjects, k, k), grades in their order",
            remedy="Make one table a subject with multiclass.confusion_matrix.",
        )
    apart: FloatArray = np.abs(np.subtract.outer(np.arange(shape[1]), np.arange(shape[1]))).astype(np.float64)
    return apart


def _mean(sums: FloatArray, weight: FloatArray) -> FloatArray:
    total, n = (sums * weight).sum(axis=(-2, -1)), sums.sum(axis=(-2, -1))
    means: FloatArray = np.divide(total, n, out=np.full(n.shape, np.nan), where=n > 0)
    return means
