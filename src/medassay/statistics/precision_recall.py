"""Precision and recall over all thresholds: the curve, average precision, and the trapezoid area."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.intervals import not_estimable, require_confidence, without_interval
from medassay.statistics.resampled_interval import resampled_interval
from medassay.statistics.resampling import resampling_blocks
from medassay.statistics.scored import FloatArray, binary_labels, scores_of, subject_codes, weights_of


@dataclass(frozen=True)
class PrecisionRecallCurve:
    """Operating points from the strictest threshold to the laxest; positive means score >= threshold."""

    thresholds: FloatArray
    precision: FloatArray
    recall: FloatArray


def precision_recall_curve(
    labels: ArrayLike, scores: ArrayLike, *, weights: ArrayLike | None = None
) -> PrecisionRecallCurve | None:
    """One point a distinct score; None without a positive case (of any weight).

    Examples
    --------
    >>> curve = precision_recall_curve([0, 1, 0, 1], [1, 2, 3, 4])
    >>> curve.precision.round(3).tolist(), curve.recall.tolist()
    ([1.0, 0.5, 0.667, 0.5], [0.5, 0.5, 1.0, 1.0])
    """
    flags = binary_labels(labels)
    values = scores_of(scores, len(flags))
    weight = weights_of(weights, len(flags))
    levels, place = np.unique(-values, return_inverse=True)
    hits = np.cumsum(np.bincount(place, weight * flags, len(levels)))
    called = np.cumsum(np.bincount(place, weight, len(levels)))
    if len(levels) == 0 or hits[-1] == 0:
        return None
    counted = called > 0  # leading scores of no weight call nobody
    return PrecisionRecallCurve(
        thresholds=-levels[counted],
        precision=hits[counted] / called[counted],
        recall=hits[counted] / hits[-1],
    )


@method(
    id="average-precision",
    task="classification",
    zh="平均精确度",
    en="average precision",
    formula="AP = sum over thresholds of (R_k - R_(k-1)) P_k; or the trapezoid area under the curve",
    source="Manning, Raghavan and Schuetze, Introduction to Information Retrieval, 2008, 8.4",
    check="scikit-learn average_precision_score, auc(precision_recall_curve)",
)
def average_precision(
    labels: ArrayLike,
    scores: ArrayLike,
    *,
    area: Literal["step", "trapezoid"] = "step",
    subjects: ArrayLike | None = None,
    seed: int = 0,
    replicates: int = 2000,
    confidence: float = 0.95,
) -> Estimate:
    """Area under the precision-recall curve, with a percentile interval over resampled subjects.

    Parameters
    ----------
    area : "step" or "trapezoid"
        The sum of steps without interpolation (average precision); or straight lines between points, from
        precision 1 at recall 0, which are too high, as precision is not linear in recall.
    subjects : shape (n_cases,), optional
        Whose case it is; without, every case is its own subject.
    replicates : int
        0 leaves the interval out, and says so.

    Returns
    -------
    Estimate
        Not estimable without a positive case.

    Examples
    --------
    >>> e = average_precision([0, 1, 0, 1], [1, 2, 3, 4], replicates=0)
    >>> round(e.value, 4), e.undefined
    (0.8333, 'no interval: not asked for')
    """
    require_confidence(confidence)
    if replicates < 0:
        raise WrongUse(found=f"{replicates} replicates", wanted="0 or more", remedy="Use 2000.")
    flags = binary_labels(labels)
    values = scores_of(scores, len(flags))
    codes, count = (
        (np.arange(len(flags)), len(flags)) if subjects is None else subject_codes(subjects, len(flags))
    )
    order = np.argsort(-values, kind="stable")
    ordered, owner, last = flags[order], codes[order], _last_of_ties(values[order])
    value = _weighted(ordered, np.ones(len(flags)), last, area)
    if not np.isfinite(value):
        return not_estimable("no positive case", count)
    if replicates == 0:
        return without_interval(value, "not asked for", count)
    drawn = np.array(
        [
            _weighted(ordered, weight[owner], last, area)
            for block in resampling_blocks(count, replicates, seed)
            for weight in block
        ]
    )
    return resampled_interval(
        Estimate(value=float(value), n_subjects=count),
        drawn,
        interval="percentile",
        confidence=confidence,
        seed=seed,
        too_few="too few subjects have a positive case",
    )


def _last_of_ties(ordered: FloatArray) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Where each run of equal scores ends: a threshold takes all of a tie or none."""
    ends: np.ndarray[tuple[int], np.dtype[np.int64]] = np.flatnonzero(
        np.append(ordered[1:] != ordered[:-1], len(ordered) > 0)
    )
    return ends


def _weighted(
    flags: np.ndarray[tuple[int], np.dtype[np.bool_]],
    weight: FloatArray,
    last: np.ndarray[tuple[int], np.dtype[np.int64]],
    area: Literal["step", "trapezoid"],
) -> float:
    """The area over cases in falling order of score; NaN without a positive case of any weight."""
    hits = np.cumsum(weight * flags)[last]
    if len(hits) == 0 or hits[-1] == 0:
        return float("nan")
    called = np.cumsum(weight)[last]
    precision = np.divide(hits, called, out=np.ones_like(hits), where=called > 0)
    recall = hits / hits[-1]
    if area == "step":
        return float(np.diff(recall, prepend=0.0) @ precision)
    return float(np.trapezoid(np.append(1.0, precision), np.append(0.0, recall)))
