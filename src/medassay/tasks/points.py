"""Marks that are points, such as nodule candidates: a hit is a mark near a finding's centre, or in its region.

References
----------
Setio et al., Med Image Anal 42:1-13, 2017: LUNA16, a candidate hits a nodule when it lies closer to the centre
than the radius.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medassay.core.errors import WrongUse
from medassay.core.method import method
from medassay.tasks.detection import CaseMarks, best_mark, one_to_one

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class PointRules:
    """The declared conventions; the defaults are LUNA16's."""

    reach_mm: float | None = None  # None: the radius of each finding
    on_the_edge: bool = False  # whether a mark at exactly that distance is a hit
    unknown_radius_mm: float = 5.0  # of a finding whose radius is negative
    matching: Literal["best_mark", "one_to_one"] = "best_mark"
    most_marks: int | None = 100


@method(
    id="hit-by-distance",
    task="detection",
    zh="按距离判定命中",
    en="hit by distance to the centre of a finding",
    formula="hit: |mark - centre|^2 < radius^2; a finding counts at the score of its best mark",
    source="Setio et al., Med Image Anal 42:1-13, 2017; LUNA16 evaluation script",
    check="LUNA16 evaluation script on shared cases; tasks.detection_check pair by pair",
)
def match_points(
    centres_mm: ArrayLike,
    radius_mm: ArrayLike,
    marks_mm: ArrayLike,
    scores: ArrayLike,
    *,
    excluded_centres_mm: ArrayLike | None = None,
    excluded_radius_mm: ArrayLike | None = None,
    rules: PointRules | None = None,
) -> CaseMarks:
    """Match the marks of one case with its findings by distance.

    Parameters
    ----------
    centres_mm, radius_mm : shapes (n_findings, d) and (n_findings,)
        A negative radius is unknown and read as `rules.unknown_radius_mm`.
    marks_mm, scores : shapes (n_marks, d) and (n_marks,)
        In the coordinates of the findings.
    excluded_centres_mm, excluded_radius_mm
        Findings that do not count: a mark there is neither true nor false.

    Raises
    ------
    WrongUse
        When a coordinate, radius or score is not finite, or the shapes do not fit.

    Examples
    --------
    >>> found = match_points([[0, 0, 0]], [5], [[1, 1, 1], [5, 0, 0]], [0.9, 0.8])
    >>> found.hit_scores.tolist(), found.false_scores.tolist()  # at exactly the radius: no hit
    ([0.9], [0.8])
    """
    rules = rules or PointRules()
    marks = _coordinates(marks_mm, "marks")
    hits = near(marks, centres_mm, radius_mm, rules=rules)
    excluded = near(
        marks,
        [] if excluded_centres_mm is None else excluded_centres_mm,
        [] if excluded_radius_mm is None else excluded_radius_mm,
        rules=rules,
    )
    if rules.matching == "best_mark":
        return best_mark(hits, scores, on_excluded=excluded, most_marks=rules.most_marks)
    closeness = -_squared(marks, _coordinates(centres_mm, "centres"))
    return one_to_one(hits, scores, closeness=closeness, on_excluded=excluded, most_marks=rules.most_marks)


def near(
    marks_mm: ArrayLike, centres_mm: ArrayLike, radius_mm: ArrayLike, *, rules: PointRules | None = None
) -> BoolArray:
    """Which marks lie near which findings, shape (n_marks, n_findings).

    Squares are compared, as the LUNA16 script does, so that a mark at exactly the radius is told exactly.

    Examples
    --------
    >>> near([[3, 0], [9, 9]], [[0, 0], [9, 9]], [4, -1]).tolist()
    [[True, False], [False, True]]
    """
    rules = rules or PointRules()
    marks, centres = _coordinates(marks_mm, "marks"), _coordinates(centres_mm, "centres")
    radius = np.asarray(radius_mm, np.float64).reshape(-1)
    if len(radius) != len(centres) or not np.isfinite(radius).all():
        raise WrongUse(
            found=f"{len(radius)} radii for {len(centres)} findings, or one that is not finite",
            wanted="one radius in mm a finding, negative where it is unknown",
            remedy="Check the column of diameters; halve it.",
        )
    reach = np.where(radius < 0, rules.unknown_radius_mm, radius)
    if rules.reach_mm is not None:
        reach = np.full(len(centres), rules.reach_mm)
    squared = _squared(marks, centres)
    hits: BoolArray = squared <= reach**2 if rules.on_the_edge else squared < reach**2
    return hits


def in_regions(marks: ArrayLike, regions: NDArray[np.integer]) -> BoolArray:
    """Which marks lie in which region of a label map, shape (n_marks, highest number).

    Parameters
    ----------
    marks : shape (n_marks, d), voxel coordinates, the centre of voxel 0 at 0
        A mark outside the image hits nothing.
    regions : shape of the image
        0 is no region; region n is column n - 1.

    Examples
    --------
    >>> in_regions([[0.4, 1.2], [7, 7]], np.array([[0, 2], [0, 1]])).tolist()
    [[False, True], [False, False]]
    """
    points = _coordinates(marks, "marks")
    count = int(regions.max(initial=0))
    if (len(points) and points.shape[1] != regions.ndim) or regions.min(initial=0) < 0:
        raise WrongUse(
            found=f"marks of {points.shape[1]} coordinates, a label map of {regions.ndim} axes",
            wanted="one coordinate an axis, and region numbers from 0",
            remedy="Give the marks in voxel coordinates of the label map.",
        )
    hits = np.zeros((len(points), count), np.bool_)
    if not len(points):
        return hits
    shape = np.array(regions.shape)
    inside = ((points >= -0.5) & (points < shape - 0.5)).all(axis=1)
    voxels = np.floor(points[inside] + 0.5).astype(np.int64)
    number = regions[tuple(voxels.T)]
    rows = np.flatnonzero(inside)[number > 0]
    hits[rows, number[number > 0] - 1] = True
    return hits


def _squared(marks: FloatArray, centres: FloatArray) -> FloatArray:
    if not len(marks) or not len(centres):
        return np.zeros((len(marks), len(centres)))
    if marks.shape[1] != centres.shape[1]:
        raise WrongUse(
            found=f"marks of {marks.shape[1]} and findings of {centres.shape[1]} coordinates",
            wanted="the same coordinates in both",
            remedy="Give both in mm of one frame of reference.",
        )
    squared: FloatArray = ((marks[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2)
    return squared


def _coordinates(points: ArrayLike, what: str) -> FloatArray:
    found = np.asarray(points, np.float64)
    if found.size == 0:
        return found.reshape(0, found.shape[-1] if found.ndim == 2 else 0)
    if found.ndim != 2 or not np.isfinite(found).all():
        raise WrongUse(
            found=f"{what} of shape {found.shape}, or a coordinate that is not finite",
            wanted="a row a point, finite coordinates in mm",
            remedy="Refuse the file that holds them; a point nowhere has no distance.",
        )
    return found
