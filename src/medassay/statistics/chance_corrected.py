"""Agreement of two raters beyond chance: the one formula of kappa, weighted or not, of one table or of many.

Taken from counts, not from shares: sums and products of whole numbers are exact, so perfect agreement is 1, and a
resample gives the same figure in whatever order its subjects are added.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from medassay.statistics.scored import FloatArray

Weights = Literal["unweighted", "linear", "quadratic"]

SAME_AS_ONE = 1e-12  # agreement by chance this close to 1 differs from it by rounding only


def agreement_weights(k: int, kind: Weights) -> FloatArray:
    """How much each pair of k ordered categories agrees, 1 on the diagonal.

    Examples
    --------
    >>> agreement_weights(3, "linear").tolist()
    [[1.0, 0.5, 0.0], [0.5, 1.0, 0.5], [0.0, 0.5, 1.0]]
    """
    apart = np.abs(np.subtract.outer(np.arange(k), np.arange(k)))
    if kind == "unweighted":
        same: FloatArray = np.eye(k)
        return same
    power = 1 if kind == "linear" else 2
    weight: FloatArray = 1 - (apart / max(k - 1, 1)) ** power
    return weight


def observed_and_expected(tables: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Po and Pe: what two raters agree on, and what they would by chance; tables of shape (..., k, k), counts.

    NaN of a table without an item.

    Examples
    --------
    >>> observed, expected = observed_and_expected(np.array([[20.0, 5.0], [5.0, 20.0]]), np.eye(2))
    >>> float(observed), float(expected)
    (0.8, 0.5)
    """
    items = tables.sum(axis=(-2, -1))
    n = np.where(items > 0, items, np.nan)
    rows, columns = tables.sum(axis=-1), tables.sum(axis=-2)
    by_chance = (rows[..., None, :] @ weight @ columns[..., :, None])[..., 0, 0]
    observed: FloatArray = (tables * weight).sum(axis=(-2, -1)) / n
    expected: FloatArray = by_chance / n**2
    return observed, expected


def beyond_chance(observed: FloatArray | float, expected: FloatArray | float) -> FloatArray:
    """(Po - Pe) / (1 - Pe), of one pair or of many; NaN where chance alone agrees, or Po is NaN.

    Examples
    --------
    >>> beyond_chance(np.array([0.8, 1.0]), np.array([0.5, 1.0])).round(2).tolist()
    [0.6, nan]
    """
    room = 1 - np.asarray(expected, dtype=np.float64)
    found: FloatArray = (observed - expected) / np.where(room > SAME_AS_ONE, room, np.nan)
    return found


def kappas(tables: FloatArray, weight: FloatArray) -> FloatArray:
    """Cohen's kappa of each table of shape (..., k, k), counts; NaN without an item, or where chance alone agrees.

    Examples
    --------
    >>> kappas(np.array([[[20.0, 5.0], [5.0, 20.0]], [[7.0, 0.0], [0.0, 0.0]]]), np.eye(2)).round(2).tolist()
    [0.6, nan]
    """
    return beyond_chance(*observed_and_expected(tables, weight))


def kappa(table: FloatArray) -> float | None:
    """Cohen's kappa of one table, unweighted; None without an item, or where chance alone agrees.

    Examples
    --------
    >>> kappa(np.array([[4.0, 0.0], [0.0, 3.0]])), kappa(np.array([[7.0, 0.0], [0.0, 0.0]]))
    (1.0, None)
    """
    found = float(kappas(table, agreement_weights(len(table), "unweighted")))
    return None if np.isnan(found) else found
