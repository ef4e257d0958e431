"""Pairing of measured values with reference values: by item, or by item and time.

Nothing is dropped in silence: what finds no partner is counted on both sides, and a value that is missing or not
finite is counted apart from one that is not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medassay.core.errors import WrongUse

FloatArray = NDArray[np.float64]
Indices = NDArray[np.int64]
Items = Sequence[object] | NDArray[np.generic]


@dataclass(frozen=True)
class Pairing:
    """Which reference goes with which measured value, and what is left over.

    reference, measured : shape (n,)
        Indices into the given values, in the order of the reference.
    unpaired_reference, unpaired_measured : shape (k,), shape (m,)
        Finite values without a partner: a missing prediction is one of the first.
    unusable_reference, unusable_measured : int
        Values that are not finite.
    """

    reference: Indices
    measured: Indices
    unpaired_reference: Indices
    unpaired_measured: Indices
    unusable_reference: int
    unusable_measured: int


def pair_by_item(
    reference_item: Items, reference: ArrayLike, measured_item: Items, measured: ArrayLike
) -> Pairing:
    """Pair values of the same item.

    Parameters
    ----------
    reference_item, measured_item : shape (n,), shape (m,)
        What was measured: a case or specimen id, or a tuple of them.
    reference, measured : shape (n,), shape (m,)
        Values in one unit; NaN where a value is missing.

    Returns
    -------
    Pairing
        In any order of either side.

    Raises
    ------
    WrongUse
        When an item stands twice on a side: which of two values counts is the protocol's to say.

    Examples
    --------
    >>> found = pair_by_item(["a", "b", "c"], [1.0, 2.0, 3.0], ["c", "a", "d"], [3.1, 1.1, 4.1])
    >>> found.reference.tolist(), found.measured.tolist(), found.unpaired_reference.tolist()
    ([0, 2], [1, 0], [1])
    """
    left, right = _values(reference, "reference"), _values(measured, "measured")
    left_items = _items(reference_item, len(left), "reference")
    right_items = _items(measured_item, len(right), "measured")
    _require_single(left_items, "reference")
    _require_single(right_items, "measured")
    place = {item: index for index, item in enumerate(right_items) if np.isfinite(right[index])}
    taken = [
        (index, place[item])
        for index, item in enumerate(left_items)
        if np.isfinite(left[index]) and item in place
    ]
    return _pairing(taken, left, right)


def pair_by_time(
    reference_item: Items,
    reference_time_s: ArrayLike,
    reference: ArrayLike,
    measured_item: Items,
    measured_time_s: ArrayLike,
    measured: ArrayLike,
    *,
    window_s: float,
) -> Pairing:
    """Pair each reference value with the nearest measured value of the same item within a window.

    Parameters
    ----------
    reference_time_s, measured_time_s : shape (n,), shape (m,), seconds on one clock
    window_s : float
        Largest distance in time, itself included.

    Returns
    -------
    Pairing
        Each value stands in one pair at most. Nearest pairs are made first; of two at the same distance the
        earlier measured value, then the earlier reference, comes first.

    Raises
    ------
    WrongUse
        For times that are not finite, or a negative window.

    Examples
    --------
    >>> found = pair_by_time(["p", "p"], [0, 600], [5.0, 6.0], ["p", "p", "q"], [20, 560, 0], [5.1, 6.2, 9.0],
    ...     window_s=60)
    >>> found.reference.tolist(), found.measured.tolist(), found.unpaired_measured.tolist()
    ([0, 1], [0, 1], [2])
    """
    left, right = _values(reference, "reference"), _values(measured, "measured")
    left_items = _items(reference_item, len(left), "reference")
    right_items = _items(measured_item, len(right), "measured")
    left_time, right_time = _times(reference_time_s, len(left)), _times(measured_time_s, len(right))
    if not (np.isfinite(window_s) and window_s >= 0):
        raise WrongUse(found=f"a window of {window_s} s", wanted="zero or more", remedy="Use 300 for 5 min.")
    by_item: dict[object, list[int]] = {}
    for index, item in enumerate(right_items):
        if np.isfinite(right[index]):
            by_item.setdefault(item, []).append(index)
    ordered = {item: np.array(sorted(own, key=lambda i: right_time[i])) for item, own in by_item.items()}
    near: list[tuple[float, float, float, int, int]] = []
    for index, item in enumerate(left_items):
        own = ordered.get(item)
        if own is None or not np.isfinite(left[index]):
            continue
        at = left_time[index]
        begin, end = np.searchsorted(right_time[own], [at - window_s, at + window_s], side="left")
        # A rounding of at + window_s must not lose the value that lies exactly on the edge.
        for other in own[max(begin - 1, 0) : end + 1].tolist():
            apart = abs(float(right_time[other] - at))
            if apart <= window_s:
                near.append((apart, float(right_time[other]), float(at), index, other))
    return _pairing(_nearest_first(near), left, right)


def _nearest_first(near: list[tuple[float, float, float, int, int]]) -> list[tuple[int, int]]:
    """Greedy: the nearest two that are both free, again and again."""
    used_left: set[int] = set()
    used_right: set[int] = set()
    taken = []
    for *_, index, other in sorted(near):
        if index not in used_left and other not in used_right:
            used_left.add(index)
            used_right.add(other)
            taken.append((index, other))
    return sorted(taken)


def _pairing(taken: list[tuple[int, int]], left: FloatArray, right: FloatArray) -> Pairing:
    pairs = np.array(taken, dtype=np.int64).reshape(-1, 2)
    return Pairing(
        pairs[:, 0],
        pairs[:, 1],
        np.setdiff1d(np.flatnonzero(np.isfinite(left)), pairs[:, 0]),
        np.setdiff1d(np.flatnonzero(np.isfinite(right)), pairs[:, 1]),
        int(np.count_nonzero(~np.isfinite(left))),
        int(np.count_nonzero(~np.isfinite(right))),
    )


def _values(given: ArrayLike, side: str) -> FloatArray:
    try:
        table = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        table = np.zeros((0, 0))
    if table.ndim != 1:
        raise WrongUse(
            found=f"{side} values that are not one row of numbers",
            wanted="one number each, NaN where one is missing",
            remedy="Read them with their unit first.",
        )
    return table


def _times(given: ArrayLike, expected: int) -> FloatArray:
    table = np.asarray(given, dtype=np.float64)
    if table.shape != (expected,) or not np.isfinite(table).all():
        raise WrongUse(
            found=f"{table.size} times for {expected} values, or a time that is not finite",
            wanted="a time in seconds for each value",
            remedy="Leave out what has no time, and say how many they are.",
        )
    return table


def _items(given: Items, expected: int, side: str) -> list[object]:
    listed = given.tolist() if isinstance(given, np.ndarray) else list(given)
    if len(listed) != expected:
        raise WrongUse(
            found=f"{len(listed)} items for {expected} {side} values",
            wanted="an item for each value",
            remedy="Give them in the order of the values.",
        )
    return [tuple(item) if isinstance(item, list) else item for item in listed]


def _require_single(items: list[object], side: str) -> None:
    twice = len(items) - len(set(items))
    if twice:
        raise WrongUse(
            found=f"{twice} {side} values of an item that has one already",
            wanted="one value an item",
            remedy="Average replicates first, or pair by time; never let the last one win.",
        )
