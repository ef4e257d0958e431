"""Double entry of average precision: by its definition, threshold after threshold, and by scikit-learn.

`average_precision` walks once along cumulative counts. Here each operating point is counted anew from all detections,
and the best precision at or beyond a recall is looked for among all of them.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike


def by_definition(
    scores: ArrayLike,
    correct: ArrayLike,
    references: int,
    *,
    levels: int | None = 101,
    together: bool = False,
) -> float:
    """Mean over evenly spaced recall levels, or over every reference object, of the best precision there.

    Parameters
    ----------
    scores, correct : shape (n,)
    references : int, at least 1
    levels : int or None
        101 as COCO, 11 as VOC2007. None: all points, where each of the references is one level.
    together : bool
        Equal scores are one operating point; else each detection is, in the order given.

    Notes
    -----
    A recall meets a level as binary numbers do: 57 of 100 fall short of COCO's level of 0.57, in pycocotools too.

    Examples
    --------
    >>> round(by_definition([0.9, 0.8, 0.7, 0.6], [True, False, False, True], 2), 6)
    0.752475
    """
    pairs = list(zip(np.asarray(scores).tolist(), np.asarray(correct).tolist(), strict=True))
    called = [[hit for score, hit in pairs if score >= bar] for bar in {score for score, _ in pairs}]
    if not together:
        order = sorted(range(len(pairs)), key=lambda i: -pairs[i][0])
        called = [[pairs[i][1] for i in order[:n]] for n in range(1, len(order) + 1)]
    points = [(sum(hits) / references, Fraction(sum(hits), len(hits))) for hits in called]
    wanted = np.linspace(0, 1, levels) if levels else np.arange(1, references + 1) / references
    best = [max((p for r, p in points if r >= level), default=Fraction(0)) for level in wanted]
    return float(sum(best, Fraction(0)) / len(best))


def by_sklearn(scores: ArrayLike, correct: ArrayLike, references: int) -> float:
    """The step sum, by scikit-learn: its average precision of the detections, times the share of objects found.

    Examples
    --------
    >>> by_sklearn([0.9, 0.8, 0.7, 0.6], [True, False, False, True], 4)
    0.375
    """
    from sklearn.metrics import average_precision_score

    found = int(np.count_nonzero(correct))
    if not found:
        return 0.0
    return float(average_precision_score(correct, scores)) * found / references
