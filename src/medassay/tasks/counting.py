"""Counts of objects, such as cells by class: what one case adds to every figure of agreement.

A count says how many, not which: a missed cell and an invented one cancel. Where places are known, match them
(`boxes`, `points`) and count beside it.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medassay.core.errors import WrongUse

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def count_classes(labels: Sequence[Hashable], *, classes: Sequence[Hashable]) -> IntArray:
    """How many objects of each class, in the order of the classes.

    Raises
    ------
    WrongUse
        When an object is of no class of the list, or a class stands twice.

    Examples
    --------
    >>> count_classes(["RBC", "WBC", "RBC"], classes=["RBC", "WBC", "platelet"]).tolist()
    [2, 1, 0]
    """
    place = {name: index for index, name in enumerate(classes)}
    unknown = sum(label not in place for label in labels)
    if unknown or len(place) != len(classes):
        raise WrongUse(
            found=f"{unknown} objects of no known class, {len(classes) - len(place)} classes named twice",
            wanted="objects of the declared classes, each class once",
            remedy="Declare every class, or map its name to one that is declared.",
        )
    return np.bincount([place[label] for label in labels], minlength=len(classes)).astype(np.int64)


def compare_counts(
    reference: ArrayLike, prediction: ArrayLike | None, *, classes: Sequence[str]
) -> dict[str, float]:
    """Additive statistics of one case, each as `name[class]`.

    Parameters
    ----------
    reference, prediction : shape (n_classes,), whole numbers from 0
        None: there is no prediction. It counts as nothing found, and never as exact: where there was nothing
        to count, it is wrong by one.

    Returns
    -------
    dict
        `cases` and `all_exact` of the case; `reference`, `prediction`, `error` (prediction minus reference),
        `absolute_error`, `squared_error` and `exact` of each class.

    Raises
    ------
    WrongUse
        When a count is negative, not whole or not finite, or there is not one a class.

    Examples
    --------
    >>> found = compare_counts([12, 1], [10, 1], classes=["RBC", "WBC"])
    >>> found["error[RBC]"], found["exact[WBC]"], found["all_exact"]
    (-2.0, 1.0, 0.0)
    """
    expected = counts_of(reference, len(classes))
    offered = np.zeros_like(expected) if prediction is None else counts_of(prediction, len(classes))
    error = offered - expected
    exact = error == 0
    distance = np.abs(error)
    if prediction is None:
        exact, distance = np.zeros_like(exact), np.maximum(distance, 1)
    columns = {
        "reference": expected,
        "prediction": offered,
        "error": error,
        "absolute_error": distance,
        "squared_error": distance**2,
        "exact": exact,
    }
    found = {"cases": 1.0, "all_exact": float(exact.all())}
    for name, column in columns.items():
        found |= {f"{name}[{label}]": float(value) for label, value in zip(classes, column, strict=True)}
    return found


def differences(
    reference: ArrayLike, prediction: ArrayLike, *, scale: Literal["counts", "square_root"] = "counts"
) -> tuple[FloatArray, FloatArray]:
    """Mean and difference (prediction minus reference) of each pair: what a Bland-Altman analysis takes.

    Parameters
    ----------
    reference, prediction : shape (n_cases,), whole numbers from 0
    scale : "counts" or "square_root"
        Counts scatter more the larger they are. On the scale 2 sqrt(n + 3/8) a Poisson count has a standard
        deviation of one whatever its mean, so that one pair of limits serves small and large counts.

    References
    ----------
    Anscombe, Biometrika 35:246-254, 1948; Bland and Altman, Stat Methods Med Res 8:135-160, 1999.

    Examples
    --------
    >>> mean, difference = differences([10, 4], [12, 4])
    >>> mean.tolist(), difference.tolist()
    ([11.0, 4.0], [2.0, 0.0])
    """
    pair = [counts_of(side, np.size(reference)).astype(np.float64) for side in (reference, prediction)]
    if scale == "square_root":
        pair = [2 * np.sqrt(side + 3 / 8) for side in pair]
    first, second = pair
    return (first + second) / 2, second - first


def counts_of(counts: ArrayLike, classes: int) -> IntArray:
    """Counts as whole numbers; what is none is refused, never rounded."""
    found = np.asarray(counts, np.float64).reshape(-1)
    if len(found) != classes or not np.isfinite(found).all() or (found < 0).any() or (found % 1 != 0).any():
        raise WrongUse(
            found=f"{len(found)} counts for {classes}, or one that is negative, not whole or not finite",
            wanted="one whole number from 0 each",
            remedy="Give numbers of objects, not concentrations; say a missing count by None.",
        )
    return found.astype(np.int64)
