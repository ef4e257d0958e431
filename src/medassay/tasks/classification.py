"""Classification: predictions held against reference classes, case by case, and summed for each subject.

What comes out is additive over cases, so that figures of `statistics.confusion`, `multiclass`, `multilabel` and
`ordinal` are functions of sums over subjects and their bootstrap is a matrix product. A missing prediction is
scored by a declared rule and never leaves the denominator.

Outcomes, by what is wrong with a prediction: a case without one is missing; a score that is not a number (NaN)
is missing; one for a case that has no reference is unknown and counted, never scored; two for one case are
refused, since which of them is meant cannot be told; the order of cases does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medassay.core.errors import WrongUse

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Missing = Literal["wrong", "negative", "positive"]

NO_PREDICTION = -1


@dataclass(frozen=True, kw_only=True)
class ClassificationRules:
    """The declared conventions of a binary classification."""

    threshold: float = 0.5
    at_least: bool = True  # positive means score >= threshold; False: score > threshold
    missing: Missing = "wrong"  # what a case without a prediction counts as


@dataclass(frozen=True)
class Pairing:
    """Which prediction belongs to which reference case."""

    place: IntArray  # for each reference case, the row of its prediction, or NO_PREDICTION
    missing: int  # reference cases without a prediction
    unknown: int  # predictions of cases that have no reference


@dataclass(frozen=True)
class SubjectCounts:
    """Counts of each subject, additive over subjects."""

    subjects: tuple[str, ...]
    counts: FloatArray  # (n_subjects, 4) TP FP FN TN; (n_subjects, k, k); or (n_subjects, n_labels, 4)
    missing: IntArray  # cases without a prediction, by subject


def pair_cases(reference: Sequence[str], predicted: Sequence[str]) -> Pairing:
    """Find each reference case's prediction by its id; nothing is left out in silence.

    Raises
    ------
    WrongUse
        When an id stands twice on either side.

    Examples
    --------
    >>> pairing = pair_cases(["a", "b", "c"], ["c", "a", "x"])
    >>> pairing.place.tolist(), pairing.missing, pairing.unknown
    ([1, -1, 0], 1, 1)
    """
    for name, ids in (("reference", reference), ("prediction", predicted)):
        twice = len(ids) - len(set(ids))
        if twice:
            raise WrongUse(
                found=f"{twice} repeated case ids among the {name}s",
                wanted=f"one {name} a case",
                remedy="Say which one counts; a case that was read twice has two ids or two columns.",
            )
    row = {case: place for place, case in enumerate(predicted)}
    place = np.array([row.get(case, NO_PREDICTION) for case in reference], dtype=np.int64)
    missing = int((place == NO_PREDICTION).sum())
    return Pairing(place, missing, len(predicted) - (len(reference) - missing))


def paired_scores(pairing: Pairing, scores: ArrayLike) -> FloatArray:
    """The score of each reference case, NaN where it has none.

    Parameters
    ----------
    scores : shape (n_predictions,) or (n_predictions, k)

    Examples
    --------
    >>> paired_scores(pair_cases(["a", "b"], ["b"]), [0.7]).tolist()
    [nan, 0.7]
    """
    found = np.asarray(scores, dtype=np.float64)
    if found.ndim == 0 or (len(pairing.place) and pairing.place.max(initial=-1) >= len(found)):
        raise WrongUse(
            found=f"scores of shape {found.shape}",
            wanted="a row for each prediction that was paired",
            remedy="Give the scores in the order of the predicted ids.",
        )
    values = np.full((len(pairing.place), *found.shape[1:]), np.nan)
    held = pairing.place != NO_PREDICTION
    values[held] = found[pairing.place[held]]
    return values


def count_binary(
    labels: ArrayLike,
    scores: ArrayLike,
    subjects: Sequence[str],
    *,
    rules: ClassificationRules | None = None,
) -> SubjectCounts:
    """True positives, false positives, false negatives and true negatives of each subject.

    Parameters
    ----------
    labels : shape (n_cases,), 0 or 1
        The reference standard.
    scores : shape (n_cases,), NaN where there is no prediction
        An infinite score is a score.
    subjects : length n_cases

    Examples
    --------
    >>> found = count_binary([1, 0, 1], [0.9, 0.2, float("nan")], ["p", "p", "q"])
    >>> found.subjects, found.counts.tolist(), found.missing.tolist()
    (('p', 'q'), [[1.0, 0.0, 0.0, 1.0], [0.0, 0.0, 1.0, 0.0]], [0, 1])
    """
    rules = rules or ClassificationRules()
    if not np.isfinite(rules.threshold):
        raise WrongUse(
            found=f"threshold {rules.threshold}",
            wanted="a finite one",
            remedy="Choose it on the tuning set and declare it in the protocol.",
        )
    true = _indicators(labels, ndim=1)
    values = np.asarray(scores, dtype=np.float64)
    _require_rows(len(true), values.shape == true.shape, subjects)
    names, owner = _owners(subjects)
    absent = np.isnan(values)
    said = values >= rules.threshold if rules.at_least else values > rules.threshold
    said = np.where(absent, _as_missing(true, rules.missing), said)
    return SubjectCounts(
        names, _sum_by(owner, _cells(true, said), len(names)), _count(owner, absent, len(names))
    )


def count_classes(
    reference: ArrayLike, predicted: ArrayLike, subjects: Sequence[str], *, classes: int
) -> SubjectCounts:
    """A k by k table of each subject, reference in rows; a missing prediction counts as wrong.

    Parameters
    ----------
    reference : shape (n_cases,), class numbers from 0
    predicted : shape (n_cases,), class numbers, or NO_PREDICTION (-1)
        A case without a prediction is put into the class that is farthest from the truth (the higher of two):
        for ordered classes the worst there is, for others as wrong as any.

    Examples
    --------
    >>> count_classes([0, 2], [0, -1], ["p", "q"], classes=3).counts[1].tolist()
    [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]
    """
    true, said = np.asarray(reference), np.asarray(predicted)
    whole = true.dtype.kind in "iu" and said.dtype.kind in "iu" if true.size else True
    _require_rows(len(np.atleast_1d(true)), true.ndim == 1 and true.shape == said.shape, subjects)
    if classes < 2 or not whole or ((true < 0) | (true >= classes)).any():
        raise WrongUse(
            found=f"reference classes of type {true.dtype}, or outside 0 .. {classes - 1}",
            wanted="whole class numbers, two classes or more",
            remedy="Number the classes of the protocol in their order.",
        )
    if ((said < NO_PREDICTION) | (said >= classes)).any():
        raise WrongUse(
            found=f"a predicted class outside 0 .. {classes - 1}",
            wanted="a class of the protocol",
            remedy="A class that the protocol does not know is a wrong answer; map it before scoring.",
        )
    names, owner = _owners(subjects)
    absent = said == NO_PREDICTION
    said = np.where(absent, np.where(true >= classes - 1 - true, 0, classes - 1), said)
    said = np.where(absent & (2 * true == classes - 1), classes - 1, said)
    cells = np.zeros((len(true), classes, classes))
    if len(true):
        cells[np.arange(len(true)), true, said] = 1
    return SubjectCounts(names, _sum_by(owner, cells, len(names)), _count(owner, absent, len(names)))


def count_labels(
    reference: ArrayLike,
    scores: ArrayLike,
    subjects: Sequence[str],
    *,
    thresholds: ArrayLike,
    missing: Missing = "wrong",
) -> SubjectCounts:
    """TP, FP, FN, TN of each subject and label, shape (n_subjects, n_labels, 4).

    Parameters
    ----------
    reference : shape (n_cases, n_labels), 0 or 1
    scores : shape (n_cases, n_labels), NaN where there is no prediction
    thresholds : shape (n_labels,), positive means score >= threshold

    Examples
    --------
    >>> count_labels([[1, 0]], [[0.4, 0.6]], ["p"], thresholds=[0.3, 0.5]).counts.tolist()
    [[[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]]]
    """
    true = _indicators(reference, ndim=2)
    values, limits = np.asarray(scores, dtype=np.float64), np.asarray(thresholds, dtype=np.float64)
    fits = values.shape == true.shape and limits.shape == true.shape[1:] and bool(np.isfinite(limits).all())
    _require_rows(len(true), fits, subjects)
    names, owner = _owners(subjects)
    absent = np.isnan(values)
    said = np.where(absent, _as_missing(true, missing), values >= limits)
    return SubjectCounts(
        names,
        _sum_by(owner, _cells(true, said), len(names)),
        _count(owner, np.asarray(absent.any(axis=1)), len(names)),
    )


def fill_missing_scores(
    labels: ArrayLike, scores: ArrayLike, *, missing: Literal["wrong", "lowest", "highest"] = "wrong"
) -> FloatArray:
    """Scores for the ROC curve in which missing ones have the rank that the rule says.

    Parameters
    ----------
    missing : "wrong", "lowest" or "highest"
        A missing score ranks below all others where the case is positive and above all others where it is
        negative, so that saying nothing is never better than the worst guess; or always below; or above.

    Returns
    -------
    array, shape (n_cases,)
        Finite: infinite scores become the ranks next to the others.

    Examples
    --------
    >>> fill_missing_scores([1, 0, 1], [0.5, float("nan"), float("nan")]).tolist()
    [0.5, 1.5, -0.5]
    """
    true = _indicators(labels, ndim=1)
    values = np.array(scores, dtype=np.float64)
    if values.shape != true.shape:
        raise WrongUse(
            found=f"scores of shape {values.shape}",
            wanted=f"one of each of {len(true)} cases",
            remedy="Pair them with paired_scores.",
        )
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    step = max(1.0, abs(low), abs(high))  # adding 1 to a huge score would be lost in rounding
    values = np.where(values == np.inf, high + step, np.where(values == -np.inf, low - step, values))
    ranked = values[~np.isnan(values)]
    low, high = float(ranked.min(initial=low)), float(ranked.max(initial=high))
    worst = np.where(true, low - step, high + step)
    filled = {
        "wrong": worst,
        "lowest": np.full(len(true), low - step),
        "highest": np.full(len(true), high + step),
    }
    result: FloatArray = np.where(np.isnan(values), filled[missing], values)
    return result


def _as_missing(true: BoolArray, missing: Missing) -> BoolArray:
    if missing == "wrong":
        return ~true
    return np.full(true.shape, missing == "positive")


def _cells(true: BoolArray, said: BoolArray) -> FloatArray:
    return np.stack([true & said, ~true & said, true & ~said, ~true & ~said], axis=-1).astype(np.float64)


def _owners(subjects: Sequence[str]) -> tuple[tuple[str, ...], IntArray]:
    names, owner = np.unique(np.asarray(subjects, dtype=str), return_inverse=True)
    return tuple(str(name) for name in names), owner.astype(np.int64)


def _sum_by(owner: IntArray, rows: FloatArray, subjects: int) -> FloatArray:
    sums = np.zeros((subjects, *rows.shape[1:]))
    np.add.at(sums, owner, rows)
    return sums


def _count(owner: IntArray, flags: BoolArray, subjects: int) -> IntArray:
    counts: IntArray = np.bincount(owner[flags], minlength=subjects).astype(np.int64)
    return counts


def _indicators(labels: ArrayLike, *, ndim: int) -> BoolArray:
    found = np.asarray(labels)
    if found.size == 0 and ndim == 1:
        return np.zeros(0, dtype=np.bool_)
    if found.ndim != ndim or found.dtype.kind not in "biuf" or not np.isin(found, (0, 1)).all():
        raise WrongUse(
            found=f"labels of shape {found.shape} and type {found.dtype}, or values other than 0 and 1",
            wanted="0 or 1" + (" for each case" if ndim == 1 else " for each case and label"),
            remedy="Say which class is the positive one and turn it into 1.",
        )
    flags: BoolArray = found.astype(np.bool_)
    return flags


def _require_rows(cases: int, fits: bool, subjects: Sequence[str]) -> None:
    if not fits or len(subjects) != cases:
        raise WrongUse(
            found=f"{cases} reference cases, {len(subjects)} subjects, and predictions that do not fit",
            wanted="a prediction (or its absence) and a subject for each case",
            remedy="Pair predictions with pair_cases and paired_scores first.",
        )
