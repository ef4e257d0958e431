"""Labels beside scores, and the people that cases belong to: the check in front of every classification figure."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medassay.core.errors import WrongUse

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

ONE_CLASS = "all cases are of one class"


def binary_labels(labels: ArrayLike) -> BoolArray:
    """Labels as booleans: True, 1 or 1.0 is the positive class; anything but 0 and 1 is refused.

    Examples
    --------
    >>> binary_labels([0, 1, 1]).tolist()
    [False, True, True]
    """
    found = np.asarray(labels)
    if found.ndim != 1 or found.dtype.kind not in "biuf" or not np.isin(found, (0, 1)).all():
        raise WrongUse(
            found=f"labels of shape {found.shape} and type {found.dtype}, or values other than 0 and 1",
            wanted="one label a case, 0 or 1",
            remedy="Say which class is the positive one and turn it into 1.",
        )
    flags: BoolArray = found.astype(np.bool_)
    return flags


def scores_of(scores: ArrayLike, cases: int) -> FloatArray:
    """Finite scores, one a case; a missing one is for the protocol's rule, never NaN here."""
    found = np.asarray(scores, dtype=np.float64)
    if found.shape != (cases,) or not np.isfinite(found).all():
        bad = int((~np.isfinite(found)).sum())
        raise WrongUse(
            found=f"scores of shape {found.shape}, {bad} of them not finite",
            wanted=f"{cases} finite scores",
            remedy="Let the protocol's rule for missing predictions fill them (tasks.classification).",
        )
    return found


def probabilities_of(probabilities: ArrayLike, cases: int) -> FloatArray:
    """Scores that are probabilities."""
    found = scores_of(probabilities, cases)
    if ((found < 0) | (found > 1)).any():
        raise WrongUse(
            found=f"values from {found.min():g} to {found.max():g}",
            wanted="probabilities in [0, 1]",
            remedy="Calibration is a matter of probabilities; a percentage is divided by 100 first.",
        )
    return found


def subject_codes(subjects: ArrayLike, cases: int) -> tuple[IntArray, int]:
    """Each case's subject as a number from 0, and how many subjects there are.

    Examples
    --------
    >>> codes, count = subject_codes(["b", "a", "b"], 3)
    >>> codes.tolist(), count
    ([1, 0, 1], 2)
    """
    found = np.asarray(subjects)
    if found.shape != (cases,) or (found.dtype.kind == "f" and not np.isfinite(found).all()):
        raise WrongUse(
            found=f"subjects of shape {found.shape}, or one that is not a number",
            wanted=f"the subject of each of {cases} cases",
            remedy="Name the subject of every case; a case without one is its own subject.",
        )
    names, codes = np.unique(found, return_inverse=True)
    return codes.astype(np.int64), len(names)


def weights_of(weights: ArrayLike | None, cases: int) -> FloatArray:
    """Weights of cases, ones where none are given; weight 2 says the same as the case twice."""
    if weights is None:
        return np.ones(cases)
    found = np.asarray(weights, dtype=np.float64)
    if found.shape != (cases,) or not np.isfinite(found).all() or (found < 0).any():
        raise WrongUse(
            found=f"weights of shape {found.shape}, or one that is negative or not finite",
            wanted=f"{cases} weights of at least 0",
            remedy="Weigh each case by how often it is drawn, or by its inclusion probability.",
        )
    return found
