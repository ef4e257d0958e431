"""Areas under the ROC curve for several classes: Hand and Till's M, one against the rest, and ordered classes."""

from __future__ import annotations

from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.delong import placements
from medassay.statistics.intervals import not_estimable, without_interval
from medassay.statistics.multiclass import class_numbers, classes_of_rows
from medassay.statistics.precision_recall import average_precision
from medassay.statistics.scored import BoolArray, FloatArray, IntArray, scores_of

NO_INTERVAL = "resample subjects for one (bootstrap of this function)"


@method(
    id="multiclass-auc-one-vs-one",
    task="classification",
    zh="多分类曲线下面积（Hand-Till）",
    en="multiclass AUC, one against one (Hand and Till's M)",
    formula="mean over pairs of classes of (A(i|j) + A(j|i)) / 2, A(i|j) by the score of class i",
    source="Hand and Till, Mach Learn 45:171-186, 2001",
    check='scikit-learn roc_auc_score(multi_class="ovo")',
)
def one_against_one(
    reference: ArrayLike, scores: ArrayLike, *, average: Literal["macro", "weighted"] = "macro"
) -> Estimate:
    """Mean area over pairs of classes.

    Parameters
    ----------
    reference : shape (n_cases,), class numbers from 0
    scores : shape (n_cases, k), finite
    average : "macro" or "weighted"
        Every pair alike (Hand and Till's M, which does not depend on prevalence), or by the share of cases
        that are of the pair's classes (scikit-learn).

    Returns
    -------
    Estimate
        Not estimable when a class has no case.

    Examples
    --------
    >>> one_against_one([0, 1, 2], [[0.8, 0.1, 0.1], [0.2, 0.5, 0.3], [0.1, 0.6, 0.3]]).value
    0.75
    """
    table, classes, absent = _checked(reference, scores)
    if absent:
        return absent
    areas, weights = [], []
    for one, other in combinations(range(table.shape[1]), 2):
        of_pair = (classes == one) | (classes == other)
        first, second = (_area(classes[of_pair] == own, table[of_pair, own]) for own in (one, other))
        areas.append((first + second) / 2)
        weights.append(float(of_pair.mean()) if average == "weighted" else 1.0)
    return without_interval(float(np.average(areas, weights=weights)), NO_INTERVAL, len(classes))


@method(
    id="multiclass-auc-one-vs-rest",
    task="classification",
    zh="多分类曲线下面积（一对其余）",
    en="multiclass AUC, one against the rest",
    formula="mean over classes of A(class against all others); weighted by prevalence; or pooled (micro)",
    source="Provost and Domingos, CeDER working paper IS-00-04, 2000 (weighted)",
    check='scikit-learn roc_auc_score(multi_class="ovr")',
)
def one_against_rest(
    reference: ArrayLike, scores: ArrayLike, *, average: Literal["macro", "weighted", "micro"] = "macro"
) -> Estimate:
    """Mean area of each class against all others; parameters as for `one_against_one`.

    Examples
    --------
    >>> one_against_rest([0, 1, 2], [[0.8, 0.1, 0.1], [0.2, 0.5, 0.3], [0.1, 0.6, 0.3]]).value
    0.75
    """
    table, classes, absent = _checked(reference, scores)
    if absent:
        return absent
    members = np.eye(table.shape[1], dtype=np.bool_)[classes]
    if average == "micro":
        return without_interval(_area(members.ravel(), table.ravel()), NO_INTERVAL, len(classes))
    areas = [_area(members[:, own], table[:, own]) for own in range(table.shape[1])]
    weights = members.mean(axis=0) if average == "weighted" else None
    return without_interval(float(np.average(areas, weights=weights)), NO_INTERVAL, len(classes))


@method(
    id="average-precision-macro",
    task="classification",
    zh="平均精确度均值",
    en="mean average precision over classes",
    formula="mean over classes of AP(class against all others)",
    source="IEEE 2802-2022 Annex A",
    check='scikit-learn average_precision_score(average="macro")',
)
def mean_average_precision(reference: ArrayLike, scores: ArrayLike) -> Estimate:
    """Mean of the classes' average precisions.

    Examples
    --------
    >>> round(mean_average_precision([0, 1, 2], [[0.8, 0.1, 0.1], [0.2, 0.5, 0.3], [0.1, 0.6, 0.3]]).value, 4)
    0.6667
    """
    table, classes, absent = _checked(reference, scores)
    if absent:
        return absent
    found = [
        average_precision(classes == own, table[:, own], replicates=0).value for own in range(table.shape[1])
    ]
    return without_interval(
        float(np.mean([value for value in found if value is not None])), NO_INTERVAL, len(classes)
    )


@method(
    id="ordinal-auc",
    task="classification",
    zh="有序分类一致性指数",
    en="concordance of one score with ordered classes",
    formula="sum over pairs of classes i < j of w A(j above i); w = 1 or n_i n_j",
    source="Obuchowski, Goske and Applegate, Stat Med 20:3261-3278, 2001; Hand and Till, Mach Learn 45:171, 2001",
    check="R pROC 1.18.0 multiclass.roc; scipy somersd",
)
def ordered_area(
    reference: ArrayLike,
    scores: ArrayLike,
    *,
    pairs: Literal["classes", "cases"] = "cases",
    direction: Literal["rising", "by_median"] = "rising",
) -> Estimate:
    """How well one score follows the order of the classes.

    Parameters
    ----------
    reference : shape (n_cases,), class numbers from 0 in their order; classes without a case are left out
    scores : shape (n_cases,), finite
    pairs : "classes" or "cases"
        Every pair of classes alike, or every pair of cases of different classes alike (the concordance index).
    direction : "rising" or "by_median"
        A higher score means a higher class; or each pair of classes has the direction that its medians show
        (R's pROC), which never lets a pair count against the score and so is too high.

    Returns
    -------
    Estimate
        Not estimable with fewer than two classes that have a case.

    Examples
    --------
    >>> ordered_area([0, 0, 1, 2], [1, 2, 2, 4]).value
    0.9
    """
    present = np.asarray(reference)
    classes = class_numbers(present, int(present.max()) + 1 if present.size else 0)
    values = scores_of(scores, len(classes))
    held = np.unique(classes)
    if len(held) < 2:
        return not_estimable("fewer than two classes have a case", len(classes))
    areas, weights = [], []
    for low, high in combinations(held, 2):
        of_pair = (classes == low) | (classes == high)
        area = _area(classes[of_pair] == high, values[of_pair])
        medians = (float(np.median(values[classes == own])) for own in (low, high))
        falling = direction == "by_median" and next(medians) > next(medians)
        areas.append(1 - area if falling else area)
        sizes = float((classes == low).sum()), float((classes == high).sum())
        weights.append(sizes[0] * sizes[1] if pairs == "cases" else 1.0)
    return without_interval(float(np.average(areas, weights=weights)), NO_INTERVAL, len(classes))


def _area(labels: BoolArray, scores: FloatArray) -> float:
    return float(placements(labels, scores)[0].mean())


def _checked(reference: ArrayLike, scores: ArrayLike) -> tuple[FloatArray, IntArray, Estimate | None]:
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] < 2 or not np.isfinite(table).all():
        raise WrongUse(
            found=f"scores of shape {table.shape}, {int((~np.isfinite(table)).sum())} of them not finite",
            wanted="a row a case, a finite score a class, two classes or more",
            remedy="Let the protocol's rule score missing predictions first.",
        )
    classes = classes_of_rows(reference, table)
    absent = [own for own in range(table.shape[1]) if not (classes == own).any()]
    reason = not_estimable(f"no case of class {absent[0]}", len(classes)) if absent else None
    return table, classes, reason
