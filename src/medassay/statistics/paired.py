"""Paired measurements and the intervals that their figures share: one check in front, one way to an `Estimate`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate

FloatArray = NDArray[np.float64]

LARGEST = 1e100  # beyond any measurement; squares of such values would overflow


def values(given: ArrayLike, what: str, *, positive: bool = False) -> FloatArray:
    """One finite value each, as float64; with `positive`, above zero.

    Raises
    ------
    WrongUse
        When the values are not one row of finite (positive) numbers. The values themselves are never quoted.

    Examples
    --------
    >>> values([1, 2], "results").tolist()
    [1.0, 2.0]
    """
    try:
        table = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        table = np.full((1, 1), np.nan)
    bad = int(np.count_nonzero(~(np.abs(table) <= LARGEST)))
    if table.ndim != 1 or bad:
        raise WrongUse(
            found=f"{what} of shape {table.shape} with {bad} values that are not finite numbers",
            wanted="one finite number each",
            remedy="Leave out what was not measured, and say how many they are; never pass NaN on.",
        )
    if positive and (table <= 0).any():
        raise WrongUse(
            found=f"{what} with {int(np.count_nonzero(table <= 0))} of {table.size} values at or below zero",
            wanted="values above zero",
            remedy="Use a method without weights or ratios, or check the unit and the blank correction.",
        )
    return table


def pairs(
    x: ArrayLike, y: ArrayLike, *, names: tuple[str, str] = ("x", "y"), positive: bool = False
) -> tuple[FloatArray, FloatArray]:
    """Two finite values of each item, in one order.

    Examples
    --------
    >>> [part.tolist() for part in pairs([1, 2], [3, 4])]
    [[1.0, 2.0], [3.0, 4.0]]
    """
    first, second = values(x, names[0], positive=positive), values(y, names[1], positive=positive)
    if first.shape != second.shape:
        raise WrongUse(
            found=f"{first.size} values of {names[0]} and {second.size} of {names[1]}",
            wanted="two values of each item, in one order",
            remedy="Pair them first (medassay.tasks.values).",
        )
    return first, second


def groups(labels: Sequence[object] | NDArray[np.generic], expected: int, what: str) -> NDArray[np.int64]:
    """Number of the group of each value, groups in order of first appearance.

    Examples
    --------
    >>> groups(["b", "a", "b"], 3, "subjects").tolist()
    [0, 1, 0]
    """
    listed = np.asarray(labels).tolist()
    if not isinstance(listed, list) or len(listed) != expected:
        raise WrongUse(
            found=f"{len(listed) if isinstance(listed, list) else 'no'} {what} for {expected} values",
            wanted="one for each value",
            remedy="Give them in the order of the values.",
        )
    missing = sum(label is None or label != label for label in listed)
    if missing:
        raise WrongUse(
            found=f"{missing} {what} without a name",
            wanted="a name for each value",
            remedy="A value of an unknown group cannot be clustered: leave it out and say so.",
        )
    seen: dict[object, int] = {}
    return np.array([seen.setdefault(label, len(seen)) for label in listed], dtype=np.int64)


def require_confidence(confidence: float) -> None:
    """A level strictly between 0 and 1."""
    if not 0 < confidence < 1:
        raise WrongUse(
            found=f"confidence {confidence}", wanted="a level between 0 and 1", remedy="Use 0.95 or 0.90."
        )


def student(confidence: float, degrees: float | None) -> float:
    """Two-sided quantile of Student's t; of the normal distribution where `degrees` is None.

    Examples
    --------
    >>> round(student(0.95, 10), 3), round(student(0.95, None), 3)
    (2.228, 1.96)
    """
    from scipy import stats

    tail = (1 + confidence) / 2
    return float(stats.norm.ppf(tail) if degrees is None else stats.t.ppf(tail, degrees))


def undefined(n: int, reason: str, unit: str = "1") -> Estimate:
    """No figure, and why."""
    return Estimate(value=None, unit=unit, n_subjects=n, undefined=reason)


def bare(value: float, n: int, reason: str, unit: str = "1") -> Estimate:
    """A figure without an interval, and why there is none.

    Examples
    --------
    >>> bare(1.5, 1, "one pair").undefined
    'no interval: one pair'
    """
    return Estimate(value=value, unit=unit, n_subjects=n, undefined=f"no interval: {reason}")


def with_ends(
    value: float, lower: float, upper: float, n: int, confidence: float, method: str, unit: str = "1"
) -> Estimate:
    """A figure between its two ends; ends that are not finite are no interval."""
    if not (np.isfinite(lower) and np.isfinite(upper)):
        return bare(value, n, f"the {method} interval is unbounded", unit)
    return Estimate(
        value=value,
        lower=lower,
        upper=upper,
        confidence=confidence,
        method=method,
        unit=unit,
        n_subjects=n,
    )


def with_error(
    value: float,
    error: float | None,
    degrees: float | None,
    n: int,
    confidence: float,
    method: str,
    unit: str = "1",
) -> Estimate:
    """Figure -+ quantile x standard error; no interval where the error is unknown.

    Parameters
    ----------
    degrees : float or None
        Of Student's t; None takes the normal distribution.

    Examples
    --------
    >>> e = with_error(2.0, 0.5, None, 30, 0.95, "normal")
    >>> round(e.lower, 3), round(e.upper, 3)
    (1.02, 2.98)
    """
    if error is None or not np.isfinite(error) or (degrees is not None and degrees <= 0):
        return bare(value, n, "too few values for a standard error", unit)
    half = student(confidence, degrees) * error
    return with_ends(value, value - half, value + half, n, confidence, method, unit)
