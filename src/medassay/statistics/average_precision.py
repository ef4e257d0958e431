"""Average precision of detections, in the conventions of COCO, PASCAL VOC and the plain step sum.

A class that a test set does not hold has no average precision: it is said and left out of the mean, as COCO does.

References
----------
Everingham et al., Int J Comput Vis 88:303-338, 2010 (VOC, 11 points; all points since VOC2010); Lin et al., ECCV
2014 (COCO, 101 points); Padilla et al., Electronics 10:279, 2021 (the conventions compared).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.resampled_interval import Interval
from medassay.statistics.resampled_subjects import over_subjects

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Convention = Literal["coco_101", "voc_11", "all_point", "step"]
Ties = Literal["input_order", "together"]

RECALL_LEVELS = {"coco_101": np.linspace(0, 1, 101), "voc_11": np.linspace(0, 1, 11)}


@method(
    id="detection-average-precision",
    task="detection",
    zh="检测平均精确度",
    en="average precision (detection)",
    formula="mean over recall levels r of max precision at recall >= r (or the area under that envelope)",
    source="Everingham et al., Int J Comput Vis 88:303-338, 2010; Lin et al., ECCV 2014",
    check="pycocotools 2.0.11 on shared cases; definition and scikit-learn in average_precision_check",
)
def average_precision(
    scores: ArrayLike,
    correct: ArrayLike,
    references: int,
    *,
    ignored: ArrayLike | None = None,
    convention: Convention = "coco_101",
    ties: Ties | None = None,
) -> Estimate:
    """Average precision of the detections of one class over all images of a test.

    Parameters
    ----------
    scores, correct : shape (n,), finite and bool
        A detection each; `correct` took a reference object.
    references : int
        Reference objects, detected or not.
    ignored : shape (n,), bool
        Detections that are neither correct nor false.
    convention : "coco_101", "voc_11", "all_point" or "step"
        Mean over 101 or 11 recall levels of the best precision at that recall or a higher one; the area under
        that envelope; or sum of (R_i - R_i-1) P_i without one.
    ties : "input_order" or "together"
        Detections of equal score one after the other as given (pycocotools; then the order of the images can
        change the figure), or as one step. None: "input_order" for "coco_101", else "together".

    Returns
    -------
    Estimate
        In [0, 1]; not estimable without a reference object.

    Raises
    ------
    WrongUse
        When a score is not finite, or more detections are correct than there are references.

    Examples
    --------
    >>> round(average_precision([0.9, 0.8, 0.7, 0.6], [True, False, False, True], 2).value, 6)
    0.752475
    """
    ranked = _ranked(scores, correct, ignored, np.zeros(np.shape(scores), np.int64), _order(convention, ties))
    if len(ranked.hit_owner) > references:
        raise WrongUse(
            found=f"{len(ranked.hit_owner)} correct detections of {references} references",
            wanted="a reference detected once at most",
            remedy="Match one to one first (`tasks.boxes.match_boxes`).",
        )
    value = _averages(ranked, np.ones((1, 1)), np.array([float(references)]), convention)[0]
    if not np.isfinite(value):
        return Estimate(value=None, n_subjects=0, n_events=0, undefined="no reference object")
    return Estimate(value=float(value), n_subjects=1, n_events=references)


@method(
    id="detection-average-precision-interval",
    task="detection",
    zh="检测平均精确度的聚类自助法置信区间",
    en="average precision with an interval over subjects",
    formula="average precision of each resample of subjects; percentile or BCa interval",
    source="Field and Welsh, J R Stat Soc B 69:369-390, 2007",
    check="one resample after the other, matched anew, in tests",
)
def average_precision_over_subjects(
    scores: ArrayLike,
    correct: ArrayLike,
    subject: ArrayLike,
    references: ArrayLike,
    *,
    seed: int,
    ignored: ArrayLike | None = None,
    convention: Convention = "coco_101",
    ties: Ties | None = None,
    replicates: int = 2000,
    confidence: float = 0.95,
    interval: Interval = "percentile",
) -> Estimate:
    """Average precision with an interval over resampled subjects.

    Parameters
    ----------
    subject : shape (n,), index of the subject of each detection
    references : shape (n_subjects,)
        Reference objects of each subject.

    Returns
    -------
    Estimate
        As for `average_precision`; `n_subjects` counts those with a reference object.

    Examples
    --------
    >>> hits = [True, False, True, False]
    >>> e = average_precision_over_subjects([0.9, 0.8, 0.7, 0.6], hits, [0, 0, 1, 2], [2, 1, 1], seed=1)
    >>> round(e.value, 4), e.lower <= e.value <= e.upper
    (0.4224, True)
    """
    of_subject = np.asarray(references, np.float64).reshape(-1)
    owner = np.asarray(subject)
    if owner.shape != np.shape(scores) or (
        owner.size and not 0 <= owner.min() <= owner.max() < len(of_subject)
    ):
        raise WrongUse(
            found=f"{owner.size} owners of {np.size(scores)} detections among {len(of_subject)} subjects",
            wanted="the index of a subject for each detection",
            remedy="Number the subjects from 0, also those without a detection.",
        )
    ranked = _ranked(scores, correct, ignored, owner.astype(np.int64), _order(convention, ties))
    counts = np.bincount(ranked.hit_owner, minlength=len(of_subject))
    if (counts > of_subject).any():
        raise WrongUse(
            found="a subject with more correct detections than references",
            wanted="a reference detected once at most",
            remedy="Match one to one first (`tasks.boxes.match_boxes`).",
        )
    return over_subjects(
        lambda weights: _averages(ranked, weights, of_subject, convention),
        len(of_subject),
        contributing=int(np.count_nonzero(of_subject)),
        events=float(of_subject.sum()),
        undefined="no reference object",
        seed=seed,
        replicates=replicates,
        confidence=confidence,
        interval=interval,
    )


@method(
    id="average-recall",
    task="detection",
    zh="平均召回率",
    en="recall at a most of detections per image",
    formula="correct detections / reference objects, at a most of detections per image; mean over IoU",
    source="Lin et al., ECCV 2014",
    check="pycocotools 2.0.11 on shared cases",
)
def recall(correct: ArrayLike, references: int) -> Estimate:
    """Share of the reference objects that a detection took; not estimable without a reference object.

    Examples
    --------
    >>> recall([True, False, True], 4).value
    0.5
    """
    found = int(np.count_nonzero(correct))
    if found > references:
        raise WrongUse(
            found=f"{found} correct detections of {references} references",
            wanted="a reference detected once at most",
            remedy="Match one to one first (`tasks.boxes.match_boxes`).",
        )
    if references == 0:
        return Estimate(value=None, n_subjects=0, n_events=0, undefined="no reference object")
    return Estimate(value=found / references, n_subjects=1, n_events=references)


@method(
    id="mean-average-precision",
    task="detection",
    zh="检测平均精确度均值（mAP）",
    en="mean average precision",
    formula="mean of the average precisions of the classes and IoU thresholds that have one",
    source="Lin et al., ECCV 2014; IEEE 2802-2022 Annex A",
    check="pycocotools 2.0.11 on shared cases",
)
def mean_over(estimates: Sequence[Estimate]) -> Estimate:
    """Mean of figures of classes and thresholds: mAP of average precisions, AR of recalls.

    Returns
    -------
    Estimate
        Over those that are estimable; `n_events` counts them, and `undefined` is empty only when all are.

    Examples
    --------
    >>> found = mean_over([recall([True], 2), recall([], 0)])
    >>> found.value, found.undefined
    (0.5, '1 of 2 left out: no reference object')
    """
    figures = [estimate.value for estimate in estimates if estimate.value is not None]
    reasons = sorted({estimate.undefined for estimate in estimates if estimate.value is None})
    left_out = f"{len(estimates) - len(figures)} of {len(estimates)} left out: {'; '.join(reasons)}"
    subjects = max((estimate.n_subjects for estimate in estimates), default=0)
    if not figures:
        return Estimate(
            value=None, n_subjects=subjects, n_events=0, undefined="; ".join(reasons) or "no class"
        )
    return Estimate(
        value=float(np.mean(figures)),
        n_subjects=subjects,
        n_events=len(figures),
        undefined=left_out if reasons else "",
    )


def _order(convention: Convention, ties: Ties | None) -> Ties:
    if convention not in get_args(Convention) or ties not in (None, *get_args(Ties)):
        raise WrongUse(
            found=f"convention {convention!r}, ties {ties!r}",
            wanted=f"one of {', '.join(get_args(Convention))}; {' or '.join(get_args(Ties))}",
            remedy="The figure has to say which convention it follows.",
        )
    return ties or ("input_order" if convention == "coco_101" else "together")


@dataclass(frozen=True)
class _Ranked:
    """Owners of the correct and of the false detections by falling score, and the points of the curve.

    Precision falls with each false detection, so only points that end with correct ones are looked at: after how
    many correct and how many false detections each of them comes.
    """

    hit_owner: IntArray
    false_owner: IntArray
    hits_through: IntArray
    false_through: IntArray


def _ranked(
    scores: ArrayLike, correct: ArrayLike, ignored: ArrayLike | None, owner: IntArray, ties: Ties
) -> _Ranked:
    found = np.asarray(scores, np.float64)
    hit = np.asarray(correct, np.bool_)
    left = np.zeros(found.shape, np.bool_) if ignored is None else np.asarray(ignored, np.bool_)
    if (
        found.ndim != 1
        or hit.shape != found.shape
        or left.shape != found.shape
        or not np.isfinite(found).all()
    ):
        raise WrongUse(
            found=f"scores of shape {found.shape}, {int(np.count_nonzero(~np.isfinite(found)))} not finite",
            wanted="a finite score and a flag a detection",
            remedy="Leave out a detection without a score, or give it the lowest one.",
        )
    found, hit, owner = found[~left], hit[~left], owner[~left]
    order = np.argsort(-found, kind="stable")
    found, hit, owner = found[order], hit[order], owner[order]
    level = np.arange(len(found)) if ties == "input_order" else np.cumsum(np.diff(found, prepend=np.inf) != 0)
    points = np.unique(level[hit])
    return _Ranked(
        owner[hit],
        owner[~hit],
        np.searchsorted(level[hit], points, side="right"),
        np.searchsorted(level[~hit], points, side="right"),
    )


def _averages(
    ranked: _Ranked, weights: FloatArray, references: FloatArray, convention: Convention
) -> FloatArray:
    """The figure of each row of subject weights; NaN without a reference."""
    figures = np.full(len(weights), np.nan)
    whole = weights @ references
    for row in np.flatnonzero(whole > 0):
        hits, false = (
            np.concatenate([[0.0], np.cumsum(weights[row].take(owner))])[through]
            for owner, through in (
                (ranked.hit_owner, ranked.hits_through),
                (ranked.false_owner, ranked.false_through),
            )
        )
        called = hits + false
        precision = np.divide(hits, called, out=np.zeros_like(hits), where=called > 0)
        figures[row] = _average(hits / whole[row], precision, convention)
    return figures


def _average(reached: FloatArray, precision: FloatArray, convention: Convention) -> float:
    if not len(reached):
        return 0.0
    if convention == "step":
        return float(np.diff(reached, prepend=0.0) @ precision)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    if convention == "all_point":
        return float(np.diff(reached, prepend=0.0) @ envelope)
    place = np.searchsorted(reached, RECALL_LEVELS[convention], side="left")
    return float(np.append(envelope, 0.0)[place].mean())
