"""Double entry of the detection matching: every pair looked at by itself, in plain Python.

`detection`, `points` and `boxes` work on whole tables of hits. Here each finding asks for its marks, and each box in
the order of its score walks through the reference boxes; geometry is computed pair by pair with `math`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Point = Sequence[float]
Box = Sequence[float]


def recounted_points(
    findings: Sequence[tuple[Point, float]],
    excluded: Sequence[tuple[Point, float]],
    marks: Sequence[tuple[Point, float]],
    *,
    unknown_radius_mm: float = 5.0,
    most_marks: int | None = 100,
) -> dict[str, list[float]]:
    """Scores of detected findings and of false marks of one case, by the LUNA16 rules.

    Parameters
    ----------
    findings, excluded : centre in mm and radius
    marks : centre in mm and score

    Returns
    -------
    dict
        `hit` and `false`, each sorted.

    Examples
    --------
    >>> recounted_points([((0, 0, 0), 5)], [], [((1, 1, 1), 0.9), ((9, 9, 9), 0.5)])
    {'hit': [0.9], 'false': [0.5]}
    """

    def reached(centre: Point, radius: float, mark: Point) -> bool:
        reach = unknown_radius_mm if radius < 0 else radius
        return math.fsum((a - b) ** 2 for a, b in zip(centre, mark, strict=True)) < reach * reach

    left = list(marks)
    if most_marks is not None and len(left) > most_marks:
        bar = sorted((score for _, score in left), reverse=True)[most_marks]
        left = [mark for mark in left if mark[1] > bar]
    used: set[int] = set()
    hit = []
    for centre, radius in findings:
        own = [i for i, (mark, _) in enumerate(left) if reached(centre, radius, mark)]
        used.update(own)
        if own:
            hit.append(max(left[i][1] for i in own))
    for centre, radius in excluded:
        used.update(i for i, (mark, _) in enumerate(left) if reached(centre, radius, mark))
    return {"hit": sorted(hit), "false": sorted(score for i, (_, score) in enumerate(left) if i not in used)}


def recounted_boxes(
    reference: Sequence[Box],
    predicted: Sequence[Box],
    scores: Sequence[float],
    *,
    threshold: float,
    crowd: Sequence[bool] | None = None,
) -> list[str]:
    """What becomes of each predicted box, in the order given: `correct`, `false` or `ignored`, by COCO's rules.

    Examples
    --------
    >>> recounted_boxes([[0, 0, 10, 10]], [[0, 0, 10, 5], [0, 0, 10, 10]], [0.9, 0.8], threshold=0.5)
    ['correct', 'false']
    """
    crowds = list(crowd) if crowd is not None else [False] * len(reference)
    left = {i for i, many in enumerate(crowds) if not many}
    fate = [""] * len(predicted)
    for box in sorted(range(len(predicted)), key=lambda i: -scores[i]):
        single = {i: _share(predicted[box], reference[i], crowd=False) for i in left}
        near = {i: share for i, share in single.items() if share >= min(threshold, 1 - 1e-10)}
        if near:
            left.discard(max(near, key=lambda i: (near[i], i)))
            fate[box] = "correct"
        else:
            in_crowd = any(
                many and _share(predicted[box], reference[i], crowd=True) >= min(threshold, 1 - 1e-10)
                for i, many in enumerate(crowds)
            )
            fate[box] = "ignored" if in_crowd else "false"
    return fate


def _share(first: Box, second: Box, *, crowd: bool) -> float:
    axes = len(first) // 2
    sides = [
        min(first[d] + first[axes + d], second[d] + second[axes + d]) - max(first[d], second[d])
        for d in range(axes)
    ]
    if min(sides) <= 0:
        return 0.0
    common, own = math.prod(sides), math.prod(first[axes:])
    return common / (own if crowd else own + math.prod(second[axes:]) - common)
