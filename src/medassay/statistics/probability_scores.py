"""Scores of probabilities, one loss a case: Brier, logarithmic, and Spiegelhalter's test of the former.

Losses are additive: where people have several cases, sum each person's `squared_losses` and cases and give them
to `ratio`.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.intervals import normal_interval, not_estimable, require_confidence
from medassay.statistics.scored import FloatArray, IntArray, binary_labels, probabilities_of
from medassay.statistics.significance import Significance


@method(
    id="brier-score",
    task="classification",
    zh="Brier评分",
    en="Brier score",
    formula="mean of (p - y)^2; over all classes: mean of the sum over classes of (p_k - y_k)^2",
    source="Brier, Mon Weather Rev 78:1-3, 1950",
    check="R rms 6.5.0 val.prob; scikit-learn brier_score_loss",
)
def brier_score(
    labels: ArrayLike,
    probabilities: ArrayLike,
    *,
    sum_over: Literal["positive", "all_classes"] = "positive",
    confidence: float = 0.95,
) -> Estimate:
    """Mean squared error of probabilities, with a normal interval of the mean.

    Parameters
    ----------
    labels : shape (n_cases,), 0 or 1, or class numbers 0 .. k - 1 where probabilities have k columns
    probabilities : shape (n_cases,) of the positive class, or (n_cases, k)
    sum_over : "positive" or "all_classes"
        In the binary form, the positive class's error alone, in [0, 1] (scikit-learn, rms); or both classes',
        in [0, 2], as Brier wrote it. With k columns the sum is always over all classes.

    Examples
    --------
    >>> e = brier_score([0, 1, 1], [0.2, 0.7, 0.6])
    >>> round(e.value, 4), round(brier_score([0, 1, 1], [0.2, 0.7, 0.6], sum_over="all_classes").value, 4)
    (0.0967, 0.1933)
    """
    require_confidence(confidence)
    losses = squared_losses(labels, probabilities, sum_over=sum_over)
    n = len(losses)
    if n == 0:
        return not_estimable("no case", 0)
    variance = float(losses.var(ddof=1)) / n if n > 1 else None
    top = 1.0 if np.ndim(probabilities) == 1 and sum_over == "positive" else 2.0
    return normal_interval(
        float(losses.mean()),
        variance,
        confidence=confidence,
        method=f"normal_mean({sum_over})",
        n_subjects=n,
        bounds=(0.0, top),
    )


def squared_losses(
    labels: ArrayLike,
    probabilities: ArrayLike,
    *,
    sum_over: Literal["positive", "all_classes"] = "positive",
) -> FloatArray:
    """What each case adds to the Brier score, for sums over subjects.

    Examples
    --------
    >>> squared_losses([0, 1], [0.5, 0.75]).tolist()
    [0.25, 0.0625]
    """
    if np.ndim(probabilities) == 2:
        table, classes = class_probabilities(labels, probabilities)
        losses: FloatArray = ((table - np.eye(table.shape[1])[classes]) ** 2).sum(axis=1)
        return losses
    flags = binary_labels(labels)
    losses = (probabilities_of(probabilities, len(flags)) - flags) ** 2
    return losses * (2.0 if sum_over == "all_classes" else 1.0)


def class_probabilities(labels: ArrayLike, probabilities: ArrayLike) -> tuple[FloatArray, IntArray]:
    """Probabilities (n_cases, k) that sum to 1 within 1e-3, and class numbers 0 .. k - 1."""
    table = np.asarray(probabilities, dtype=np.float64)
    classes = np.asarray(labels)
    good = (
        table.ndim == 2
        and classes.shape == table.shape[:1]
        and classes.dtype.kind in "biu"
        and np.isfinite(table).all()
        and ((table >= 0) & (table <= 1)).all()
        and (np.abs(table.sum(axis=1) - 1) <= 1e-3).all()
        and (len(classes) == 0 or (classes.min() >= 0 and classes.max() < table.shape[1]))
    )
    if not good:
        raise WrongUse(
            found=f"probabilities of shape {table.shape} for labels of shape {classes.shape}",
            wanted="a row a case that sums to 1, and whole class numbers from 0",
            remedy="Number the classes in the order of the columns.",
        )
    return table, classes.astype(np.int64)


@method(
    id="log-loss",
    task="classification",
    zh="对数损失",
    en="log loss",
    formula="mean of -ln p of the class that was true",
    source="Good, J R Stat Soc B 14:107-114, 1952",
    check="scikit-learn log_loss",
)
def log_loss(labels: ArrayLike, probabilities: ArrayLike, *, confidence: float = 0.95) -> Estimate:
    """Mean negative logarithm of what was said of the truth; not estimable when a true class was given 0.

    Examples
    --------
    >>> round(log_loss([0, 1], [0.5, 0.75]).value, 4)
    0.4904
    """
    require_confidence(confidence)
    if np.ndim(probabilities) == 2:
        table, classes = class_probabilities(labels, probabilities)
        said = table[np.arange(len(classes)), classes] / table.sum(axis=1)
    else:
        flags = binary_labels(labels)
        values = probabilities_of(probabilities, len(flags))
        said = np.where(flags, values, 1 - values)
    n = len(said)
    if n == 0:
        return not_estimable("no case", 0)
    if (said == 0).any():
        return not_estimable("a class that was true had been given probability 0", n)
    losses = -np.log(said)
    variance = float(losses.var(ddof=1)) / n if n > 1 else None
    return normal_interval(
        float(losses.mean()),
        variance,
        confidence=confidence,
        method="normal_mean",
        n_subjects=n,
        bounds=(0.0, math.inf),
    )


@method(
    id="spiegelhalter-z",
    task="classification",
    zh="Spiegelhalter检验",
    en="Spiegelhalter's z test of calibration",
    formula="z = sum (y - p)(1 - 2p) / sqrt(sum (1 - 2p)^2 p (1 - p))",
    source="Spiegelhalter, Stat Med 5:421-433, 1986",
    check="R rms 6.5.0 val.prob",
)
def spiegelhalter(labels: ArrayLike, probabilities: ArrayLike) -> Significance:
    """Whether the Brier score is what calibrated probabilities would have had, two-sided.

    Examples
    --------
    >>> test = spiegelhalter([0, 1, 1, 0], [0.1, 0.8, 0.6, 0.3])
    >>> round(test.statistic, 3), round(test.p_value, 3)
    (-1.005, 0.315)
    """
    flags = binary_labels(labels)
    values = probabilities_of(probabilities, len(flags))
    variance = float(((1 - 2 * values) ** 2 * values * (1 - values)).sum())
    if variance == 0:
        return Significance(None, None, "spiegelhalter_z", undefined="every probability is 0, 1/2 or 1")
    z = float(((flags - values) * (1 - 2 * values)).sum()) / math.sqrt(variance)
    return Significance(float(2 * special.ndtr(-abs(z))), z, "spiegelhalter_z")
