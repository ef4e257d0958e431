"""Which marks find which findings: the two ways to match, whatever a hit is, and what a case gives to the figures.

A hit is decided elsewhere (`points`: distance, centre in a region; `boxes`: IoU, centre in a box) and comes as a
table of marks by findings. Two published rules turn it into counts:

- *best mark* (LUNA16): a finding is detected at the score of its best mark; its other marks are neither true nor
  false; a mark that lies in two findings detects both; marks on excluded findings vanish.
- *one to one* (COCO, PASCAL VOC): marks are served in the order of their scores, each takes the best finding still
  free; a second mark on a taken finding is false.

References
----------
Setio et al., Med Image Anal 42:1-13, 2017 (LUNA16); Lin et al., ECCV 2014 (COCO).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medassay.core.errors import WrongUse

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class CaseMarks:
    """What one case gives to every detection figure; lists of cases are put together, counts are additive."""

    findings: int  # that count
    hit_scores: FloatArray  # of each detected finding: the score at which it is detected
    false_scores: FloatArray  # of each false mark
    marks: int  # that took part
    surplus: int  # further marks on a detected finding, neither true nor false
    on_excluded: int  # marks on findings that do not count
    over_limit: int  # marks dropped because a case may have so many only

    @property
    def missed(self) -> int:
        """Findings that no mark hit."""
        return self.findings - len(self.hit_scores)


def best_mark(
    hits: BoolArray,
    scores: ArrayLike,
    *,
    on_excluded: BoolArray | None = None,
    most_marks: int | None = None,
) -> CaseMarks:
    """Match by the LUNA16 rule: each finding is detected by its best mark.

    Parameters
    ----------
    hits : shape (n_marks, n_findings), bool
    scores : shape (n_marks,), finite; higher is more suspicious
    on_excluded : shape (n_marks, n_excluded), bool
        Hits on findings that do not count. A mark that also hits one that counts is a hit there.
    most_marks : int or None
        A case with more keeps those above the score of the first mark too many: marks that tie with it all go,
        so that no order decides.

    Raises
    ------
    WrongUse
        When a score is not finite or the tables do not have a row a mark.

    Examples
    --------
    >>> found = best_mark(np.array([[True], [True], [False]]), [0.4, 0.9, 0.7])
    >>> found.hit_scores.tolist(), found.false_scores.tolist(), found.surplus
    ([0.9], [0.7], 1)
    """
    score = mark_scores(scores)
    excluded = np.zeros((len(score), 0), np.bool_) if on_excluded is None else on_excluded
    _require_row_a_mark(score, hits, excluded)
    kept = most_suspicious(score, most_marks)
    score, hits, excluded = score[kept], hits[kept], excluded[kept]
    of_finding = hits.sum(axis=0)
    best = np.where(hits, score[:, None], -np.inf).max(axis=0, initial=-np.inf)
    hit, gone = hits.any(axis=1), excluded.any(axis=1)
    return CaseMarks(
        findings=hits.shape[1],
        hit_scores=best[of_finding > 0],
        false_scores=score[~hit & ~gone],
        marks=len(score),
        surplus=int(np.maximum(of_finding - 1, 0).sum()),
        on_excluded=int(np.count_nonzero(~hit & gone)),
        over_limit=int(np.count_nonzero(~kept)),
    )


def one_to_one(
    hits: BoolArray,
    scores: ArrayLike,
    *,
    closeness: FloatArray | None = None,
    on_excluded: BoolArray | None = None,
    most_marks: int | None = None,
) -> CaseMarks:
    """Match by the COCO rule: marks by falling score, each takes the closest finding that is still free.

    Parameters
    ----------
    hits, scores, on_excluded, most_marks : as for `best_mark`
        A mark that takes no finding but lies on an excluded one vanishes; an excluded finding absorbs any number.
    closeness : shape (n_marks, n_findings)
        What "closest" is: the higher the closer (an IoU, a distance's negative). None: all hits are equal.

    Examples
    --------
    >>> found = one_to_one(np.array([[True], [True]]), [0.4, 0.9])
    >>> found.hit_scores.tolist(), found.false_scores.tolist()
    ([0.9], [0.4])
    """
    score = mark_scores(scores)
    excluded = np.zeros((len(score), 0), np.bool_) if on_excluded is None else on_excluded
    _require_row_a_mark(score, hits, excluded)
    near = hits.astype(np.float64) if closeness is None else closeness
    kept = most_suspicious(score, most_marks)
    score, hits, excluded, near = score[kept], hits[kept], excluded[kept], near[kept]
    order = by_falling_score(score)
    free_for_all = np.zeros(hits.shape[1], np.bool_)
    taken = claims(near[order], hits[order], secondary=free_for_all, absorbing=free_for_all)
    wrong, gone = taken < 0, excluded[order].any(axis=1)
    return CaseMarks(
        findings=hits.shape[1],
        hit_scores=score[order][~wrong],
        false_scores=score[order][wrong & ~gone],
        marks=len(score),
        surplus=0,
        on_excluded=int(np.count_nonzero(wrong & gone)),
        over_limit=int(np.count_nonzero(~kept)),
    )


def claims(closeness: FloatArray, hits: BoolArray, *, secondary: BoolArray, absorbing: BoolArray) -> IntArray:
    """The finding that each mark takes, -1 for none; marks in the order in which they are served.

    Parameters
    ----------
    closeness, hits : shape (n_marks, n_findings)
    secondary : shape (n_findings,), bool
        Findings that are taken only where none of the others can be.
    absorbing : shape (n_findings,), bool
        Findings that any number of marks may take.

    Notes
    -----
    Of equally close findings the last one is taken, as in pycocotools.

    Examples
    --------
    >>> every, none = np.ones((2, 2), bool), np.zeros(2, bool)
    >>> claims(np.array([[0.6, 0.9], [0.5, 0.8]]), every, secondary=none, absorbing=none).tolist()
    [1, 0]
    """
    taken = np.zeros(hits.shape[1], np.bool_)
    found = np.full(len(hits), -1, np.int64)
    for mark in np.flatnonzero(hits.any(axis=1)):
        free = hits[mark] & (absorbing | ~taken)
        first = free & ~secondary
        choice = np.flatnonzero(first if first.any() else free)
        if len(choice):
            near = closeness[mark, choice]
            found[mark] = choice[np.flatnonzero(near == near.max())[-1]]
            taken[found[mark]] = True
    return found


def most_suspicious(scores: FloatArray, most_marks: int | None) -> BoolArray:
    """Which marks stay when a case may have so many: those above the first one too many.

    Examples
    --------
    >>> most_suspicious(np.array([0.9, 0.5, 0.5, 0.1]), 2).tolist()
    [True, False, False, False]
    """
    if most_marks is not None and most_marks < 1:
        raise WrongUse(found=f"at most {most_marks} marks", wanted="1 or more", remedy="LUNA16 allows 100.")
    if most_marks is None or len(scores) <= most_marks:
        return np.ones(len(scores), np.bool_)
    kept: BoolArray = scores > np.sort(scores)[::-1][most_marks]
    return kept


def by_falling_score(scores: FloatArray) -> IntArray:
    """The order in which marks are served; equal scores keep theirs."""
    order: IntArray = np.argsort(-scores, kind="stable")
    return order


def rows_of_cases(cases: Sequence[Hashable], owners: Sequence[Hashable]) -> list[IntArray]:
    """The rows of a table that belong to each case, in the order of the cases.

    Parameters
    ----------
    cases : each once
    owners : the case of each row

    Raises
    ------
    WrongUse
        When a row belongs to no case of the list, or a case stands twice. A mark outside the test set would
        otherwise vanish without a word.

    Examples
    --------
    >>> [rows.tolist() for rows in rows_of_cases(["a", "b"], ["b", "b"])]
    [[], [0, 1]]
    """
    place = {case: index for index, case in enumerate(cases)}
    unknown = sum(owner not in place for owner in owners)
    if unknown or len(place) != len(cases):
        raise WrongUse(
            found=f"{unknown} rows of no known case, {len(cases) - len(place)} cases named twice",
            wanted="each case once, and rows of these cases only",
            remedy="Check that the marks were made on this set of cases, and that the ids are written alike.",
        )
    rows: list[list[int]] = [[] for _ in cases]
    for row, owner in enumerate(owners):
        rows[place[owner]].append(row)
    return [np.array(of_case, np.int64) for of_case in rows]


def mark_scores(scores: ArrayLike) -> FloatArray:
    """Scores as an array; one that is not finite is refused, since it has no rank."""
    found = np.asarray(scores, np.float64)
    if found.ndim != 1 or not np.isfinite(found).all():
        bad = int(np.count_nonzero(~np.isfinite(found)))
        raise WrongUse(
            found=f"scores of shape {found.shape}, {bad} of them not finite",
            wanted="one finite score a mark",
            remedy="Leave out a mark without a score, or give it the lowest one.",
        )
    return found


def _require_row_a_mark(scores: FloatArray, *tables: BoolArray) -> None:
    for table in tables:
        if table.ndim != 2 or len(table) != len(scores) or table.dtype != np.bool_:
            raise WrongUse(
                found=f"a {table.dtype} table of shape {table.shape} for {len(scores)} marks",
                wanted="a boolean table with a row a mark and a column a finding",
                remedy="Make the table from the same marks, in the same order, as the scores.",
            )
