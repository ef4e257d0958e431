"""Marks that are boxes: overlap, hits by IoU or by the centre, and matching by the COCO rules.

A box is its origin and its size, in 2-D `x, y, width, height` as COCO writes it, in 3-D three and three.

References
----------
Lin et al., Microsoft COCO, ECCV 2014, and its evaluation as pycocotools 2.0 does it; Everingham et al., Int J
Comput Vis 88:303-338, 2010 (PASCAL VOC).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medassay.core.errors import WrongUse
from medassay.core.method import method
from medassay.tasks.detection import by_falling_score, claims, mark_scores

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

COCO_IOUS: tuple[float, ...] = tuple(float(iou) for iou in np.linspace(0.5, 0.95, 10))
COCO_AREAS: dict[str, tuple[float, float]] = {  # square pixels, both ends within
    "all": (0, 1e5**2),
    "small": (0, 32**2),
    "medium": (32**2, 96**2),
    "large": (96**2, 1e5**2),
}
NEARLY_ONE = 1 - 1e-10  # a threshold of 1 would fail on rounding


@dataclass(frozen=True)
class BoxMatches:
    """Boxes of one case and class by falling score, at each IoU threshold."""

    scores: FloatArray  # (n_boxes,)
    correct: BoolArray  # (n_thresholds, n_boxes): took a reference box that counts
    ignored: BoolArray  # (n_thresholds, n_boxes): neither correct nor false
    references: int  # that count


@method(
    id="hit-by-iou",
    task="detection",
    zh="按交并比判定命中（COCO规则）",
    en="hit by intersection over union, one to one (COCO rules)",
    formula="hit: |A and B| / |A or B| >= t, marks by falling score, each takes the best finding that is free",
    source="Lin et al., Microsoft COCO, ECCV 2014; pycocotools 2.0",
    check="pycocotools 2.0.11 on shared cases; tasks.detection_check pair by pair",
)
def match_boxes(
    reference: ArrayLike,
    predicted: ArrayLike,
    scores: ArrayLike,
    *,
    thresholds: Sequence[float] = COCO_IOUS,
    crowd: ArrayLike | None = None,
    reference_area: ArrayLike | None = None,
    area: tuple[float, float] = COCO_AREAS["all"],
    most_marks: int | None = 100,
) -> BoxMatches:
    """Match the boxes of one case and one class one to one, by falling score.

    Parameters
    ----------
    reference, predicted : shapes (n, 4) and (m, 4), or 6 columns in 3-D
    scores : shape (m,), finite
    thresholds : IoU at which a box is a hit; an IoU equal to it is one
    crowd : shape (n,), bool
        Reference regions that stand for many objects: they do not count, and absorb any number of boxes.
    reference_area : shape (n,)
        Area of each object where it is not that of its box (an outline's).
    area : (least, most)
        Objects outside do not count; boxes outside that find nothing are not false.
    most_marks : int or None
        Of a case and class, by score; of equal scores the first.

    Raises
    ------
    WrongUse
        When a box has a negative size or a number that is not finite, or a score is not finite.

    Examples
    --------
    >>> found = match_boxes([[0, 0, 10, 10]], [[0, 0, 10, 5], [0, 0, 10, 10]], [0.9, 0.8], thresholds=[0.5, 0.75])
    >>> found.correct.tolist()
    [[True, False], [False, True]]
    """
    boxes, offered, score = as_boxes(reference), as_boxes(predicted), mark_scores(scores)
    if len(score) != len(offered):
        raise WrongUse(
            found=f"{len(score)} scores for {len(offered)} boxes",
            wanted="one score a box",
            remedy="Give both from the same rows.",
        )
    crowded = _flags(crowd, len(boxes))
    order = by_falling_score(score)[:most_marks]
    score, offered = score[order], offered[order]
    sizes = areas(boxes) if reference_area is None else np.asarray(reference_area, np.float64)
    uncounted = crowded | (sizes < area[0]) | (sizes > area[1])
    outside = (areas(offered) < area[0]) | (areas(offered) > area[1])
    ious = iou(offered, boxes, crowd=crowded)
    correct, ignored = (np.zeros((len(thresholds), len(score)), np.bool_) for _ in range(2))
    for row, threshold in enumerate(thresholds):
        hits = ious >= min(threshold, NEARLY_ONE)
        taken = claims(ious, hits, secondary=uncounted, absorbing=crowded)
        found = taken >= 0
        correct[row, found] = ~uncounted[taken[found]]
        ignored[row] = np.where(found, ~correct[row], outside)
    return BoxMatches(score, correct, ignored, int(np.count_nonzero(~uncounted)))


def iou(predicted: ArrayLike, reference: ArrayLike, *, crowd: ArrayLike | None = None) -> FloatArray:
    """Intersection over union of each pair, shape (n_predicted, n_reference).

    Over a crowd region the union is the predicted box alone: a box wholly inside has 1. A box without area has
    0 with everything.

    Examples
    --------
    >>> iou([[0, 0, 2, 2]], [[1, 0, 2, 2], [0, 0, 2, 4]]).round(3).tolist()
    [[0.333, 0.5]]
    """
    first, second = as_boxes(predicted), as_boxes(reference)
    crowded = _flags(crowd, len(second))
    if not len(first) or not len(second):
        return np.zeros((len(first), len(second)))
    _require_same_axes(first, second)
    half = first.shape[1] // 2
    start = np.maximum(first[:, None, :half], second[None, :, :half])
    ends = [boxes[:, :half] + boxes[:, half:] for boxes in (first, second)]
    sides = np.minimum(ends[0][:, None], ends[1][None]) - start
    common = np.prod(np.maximum(sides, 0), axis=2)
    own = areas(first)[:, None]
    union = np.where(crowded[None, :], own, own + areas(second)[None, :] - common)
    shares: FloatArray = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    return shares


def centre_in_box(predicted: ArrayLike, reference: ArrayLike) -> BoolArray:
    """Which predicted boxes have their centre in which reference box, edge within; for `detection`'s rules.

    Examples
    --------
    >>> centre_in_box([[0, 0, 4, 4]], [[1, 1, 1, 1], [3, 3, 9, 9]]).tolist()
    [[True, False]]
    """
    first, second = as_boxes(predicted), as_boxes(reference)
    if not len(first) or not len(second):
        return np.zeros((len(first), len(second)), np.bool_)
    _require_same_axes(first, second)
    half = first.shape[1] // 2
    centres = (first[:, :half] + first[:, half:] / 2)[:, None]
    lower = second[None, :, :half]
    inside = (centres >= lower) & (centres <= lower + second[None, :, half:])
    return np.asarray(inside.all(axis=2), np.bool_)


def areas(boxes: ArrayLike) -> FloatArray:
    """Area of each box, or volume in 3-D."""
    found = as_boxes(boxes)
    sizes: FloatArray = np.prod(found[:, found.shape[1] // 2 :], axis=1)
    return sizes


def from_corners(lower: ArrayLike, upper: ArrayLike) -> FloatArray:
    """Boxes from their least and greatest coordinates, as PASCAL VOC and DICOM write them.

    Examples
    --------
    >>> from_corners([[10, 20]], [[14, 25]]).tolist()
    [[10.0, 20.0, 4.0, 5.0]]
    """
    first, last = (np.asarray(corner, np.float64) for corner in (lower, upper))
    return as_boxes(np.concatenate([first, last - first], axis=1))


def as_boxes(boxes: ArrayLike) -> FloatArray:
    """Boxes as an array; a negative size or a number that is not finite is refused, an empty box is not."""
    found = np.asarray(boxes, np.float64)
    if found.size == 0:
        return found.reshape(0, 4)
    good = found.ndim == 2 and found.shape[1] in (4, 6) and bool(np.isfinite(found).all())
    if not good or (found[:, found.shape[1] // 2 :] < 0).any():
        raise WrongUse(
            found=f"boxes of shape {found.shape}, one of them with a negative size or a number that is none",
            wanted="a row a box: origin, then sizes of 0 or more, all finite",
            remedy="Turn corners into sizes with `from_corners`; refuse the file otherwise.",
        )
    return found


def _flags(crowd: ArrayLike | None, boxes: int) -> BoolArray:
    flags = np.zeros(boxes, np.bool_) if crowd is None else np.asarray(crowd).astype(np.bool_).reshape(-1)
    if len(flags) != boxes:
        raise WrongUse(
            found=f"{len(flags)} crowd flags for {boxes} boxes",
            wanted="one a reference box",
            remedy="Give both from the same rows.",
        )
    return flags


def _require_same_axes(first: FloatArray, second: FloatArray) -> None:
    if first.shape[1] != second.shape[1]:
        raise WrongUse(
            found=f"boxes of {first.shape[1] // 2} and {second.shape[1] // 2} axes",
            wanted="boxes of one image",
            remedy="Compare 2-D boxes with 2-D boxes.",
        )
