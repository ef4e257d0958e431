"""Several classes, one of them true: figures of a k by k table, and areas from a score a class.

Tables have the reference standard in rows and the prediction in columns, classes in one order; leading axes are
free, so that one call does all resamples: give each subject's table to `bootstrap_figure`.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.bootstrap_figure import bootstrap_figure
from medassay.statistics.intervals import not_estimable, without_interval
from medassay.statistics.proportion import ProportionInterval, proportion
from medassay.statistics.resampled_interval import Interval
from medassay.statistics.scored import FloatArray, IntArray

Average = Literal["macro", "micro", "weighted"]
Empty = Literal["refuse", "zero", "leave_out"]
ClassFigure = Literal["precision", "recall", "specificity", "f1"]


def confusion_matrix(reference: ArrayLike, predicted: ArrayLike, *, classes: int) -> FloatArray:
    """Cases by true class (rows) and predicted class (columns), numbered from 0.

    Examples
    --------
    >>> confusion_matrix([0, 1, 1], [0, 1, 0], classes=2).tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    rows, columns = (class_numbers(values, classes) for values in (reference, predicted))
    if len(rows) != len(columns):
        raise WrongUse(
            found=f"{len(rows)} reference and {len(columns)} predicted classes",
            wanted="both of every case",
            remedy="Let the protocol's rule score missing predictions first.",
        )
    flat = np.bincount(rows * classes + columns, minlength=classes * classes)
    table: FloatArray = flat.reshape(classes, classes).astype(np.float64)
    return table


def class_numbers(values: ArrayLike, classes: int) -> IntArray:
    """Whole numbers from 0 to classes - 1."""
    found = np.asarray(values)
    if found.ndim != 1 or (found.size and found.dtype.kind not in "biu"):
        bad = True
    else:
        bad = bool(found.size) and bool((found < 0).any() or (found >= classes).any())
    if bad:
        raise WrongUse(
            found=f"classes of shape {found.shape} and type {found.dtype}, or outside 0 .. {classes - 1}",
            wanted="one whole class number a case",
            remedy="Number the classes of the protocol in their order.",
        )
    return found.astype(np.int64)


def classes_of_rows(reference: ArrayLike, scores: FloatArray) -> IntArray:
    """The class of each case, as many as there are rows of scores, of shape (n_cases, n_classes)."""
    classes = class_numbers(reference, scores.shape[1])
    if len(classes) != len(scores):
        raise WrongUse(
            found=f"{len(classes)} classes, {len(scores)} rows",
            wanted="one of each a case",
            remedy="Pair them.",
        )
    return classes


@method(
    id="multiclass-accuracy",
    task="classification",
    zh="多分类准确率",
    en="multiclass accuracy",
    formula="trace / n, binomial interval",
    source="IEEE 2802-2022 Annex A",
    check="scikit-learn accuracy_score",
)
def accuracy(
    table: ArrayLike, *, interval: ProportionInterval = "wilson", confidence: float = 0.95
) -> Estimate:
    """Share of independent cases whose class was right.

    Examples
    --------
    >>> accuracy([[72, 15, 13], [10, 45, 9], [8, 1, 27]]).value
    0.72
    """
    counts = _table(table)
    return proportion(int(np.trace(counts)), int(counts.sum()), method=interval, confidence=confidence)


@method(
    id="multiclass-average",
    task="classification",
    zh="宏平均、微平均与加权平均",
    en="macro, micro and weighted averages of classes",
    formula="mean over classes; of the pooled counts; or weighted by the class's true cases",
    source="Sokolova and Lapalme, Inf Process Manag 45:427-437, 2009",
    check="scikit-learn precision_recall_fscore_support",
)
def class_average(
    figure: ClassFigure,
    table: ArrayLike,
    *,
    average: Average = "macro",
    empty: Empty = "refuse",
) -> Estimate:
    """An average over classes of precision, recall, specificity or F1.

    Parameters
    ----------
    table : shape (k, k), counts
    empty : "refuse", "zero" or "leave_out"
        A class whose figure divides by zero (nobody has it, or nobody is said to): makes the average not
        estimable, counts as 0 (scikit-learn), or is left out. Leaving out flatters: a class that is never
        found would leave the mean of precisions.

    Returns
    -------
    Estimate
        Without an interval; `clustered_average` has one.

    Examples
    --------
    >>> round(class_average("f1", [[72, 15, 13], [10, 45, 9], [8, 1, 27]]).value, 4)
    0.7044
    """
    counts = _table(table)
    n = int(counts.sum())
    value = float(averages(figure, counts[None], average=average, empty=empty)[0])
    if not np.isfinite(value):
        return not_estimable("a class has no true or no predicted case", n)
    return without_interval(value, "give each subject's table to clustered_average", n)


@method(
    id="multiclass-average-clustered",
    task="classification",
    zh="多分类平均指标的聚类自助法",
    en="class averages with a bootstrap over subjects",
    formula="f(sum of each subject's k by k table), bootstrap over subjects",
    source="Field and Welsh, J R Stat Soc B 69:369-390, 2007",
    check="scikit-learn figures of the same table",
)
def clustered_average(
    figure: ClassFigure,
    tables: ArrayLike,
    *,
    seed: int,
    average: Average = "macro",
    empty: Empty = "refuse",
    replicates: int = 2000,
    confidence: float = 0.95,
    interval: Interval = "percentile",
) -> Estimate:
    """`class_average` of the sum of each subject's table, shape (n_subjects, k, k), with its interval.

    Examples
    --------
    >>> tables = [[[3, 1], [0, 4]], [[2, 0], [1, 5]], [[4, 1], [1, 2]]]
    >>> round(clustered_average("f1", tables, seed=1).value, 4)
    0.8322
    """
    return bootstrap_figure(
        tables,
        lambda sums: averages(figure, sums, average=average, empty=empty),
        undefined="a class has no true or no predicted case",
        seed=seed,
        replicates=replicates,
        confidence=confidence,
        interval=interval,
    )


def class_figures(figure: ClassFigure, tables: FloatArray) -> FloatArray:
    """A figure of each class against all others, shape (..., k); NaN where it divides by zero.

    Examples
    --------
    >>> class_figures("precision", np.array([[72.0, 15, 13], [10, 45, 9], [8, 1, 27]])).round(4).tolist()
    [0.8, 0.7377, 0.551]
    """
    right = np.diagonal(tables, axis1=-2, axis2=-1)
    true, said = tables.sum(axis=-1), tables.sum(axis=-2)
    n = tables.sum(axis=(-2, -1))[..., None]
    return _figure(figure, right, true, said, n)


def averages(figure: ClassFigure, tables: FloatArray, *, average: Average, empty: Empty) -> FloatArray:
    """`class_average` of tables (n, k, k), NaN where not estimable."""
    if average == "micro":  # pooled over classes: every error is one class's miss and another's false alarm
        right = np.trace(tables, axis1=-2, axis2=-1)
        n, k = tables.sum(axis=(-2, -1)), tables.shape[-1]
        return _figure(figure, right, n, n, n * k)
    values = class_figures(figure, tables)
    weight = tables.sum(axis=-1) if average == "weighted" else np.ones_like(values)
    if empty == "leave_out":
        weight = np.where(np.isfinite(values), weight, 0.0)
    if empty != "refuse":
        values = np.where(np.isfinite(values), values, 0.0)
    # A class of no weight cannot make the weighted average undefined.
    total = np.where(weight > 0, values * weight, 0.0).sum(axis=-1)
    return _share(total, weight.sum(axis=-1))


def multiclass_matthews(tables: FloatArray) -> FloatArray:
    """Gorodkin's correlation of k by k tables (..., k, k); NaN where all are of, or said to be of, one class.

    References
    ----------
    Gorodkin, Comput Biol Chem 28:367-374, 2004.

    Examples
    --------
    >>> round(float(multiclass_matthews(np.array([[72.0, 15, 13], [10, 45, 9], [8, 1, 27]]))), 6)
    0.561101
    """
    n, right = tables.sum(axis=(-2, -1)), np.trace(tables, axis1=-2, axis2=-1)
    true, said = tables.sum(axis=-1), tables.sum(axis=-2)
    cross = right * n - (true * said).sum(axis=-1)
    spread = np.sqrt(n**2 - (true**2).sum(axis=-1)) * np.sqrt(n**2 - (said**2).sum(axis=-1))
    return _share(cross, spread)


@method(
    id="top-k-accuracy",
    task="classification",
    zh="Top-k准确率",
    en="top-k accuracy",
    formula="share of cases whose true class is among the k highest scores, a tie against the device",
    source="Russakovsky et al., Int J Comput Vis 115:211-252, 2015",
    check="scikit-learn top_k_accuracy_score",
)
def top_k_accuracy(
    reference: ArrayLike,
    scores: ArrayLike,
    *,
    k: int,
    interval: ProportionInterval = "wilson",
    confidence: float = 0.95,
) -> Estimate:
    """Whether the truth was among the first k guesses; scores of shape (n_cases, classes).

    Examples
    --------
    >>> top_k_accuracy([0, 1], [[0.2, 0.5, 0.3], [0.1, 0.5, 0.4]], k=1).value
    0.5
    """
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2 or not np.isfinite(table).all() or not 1 <= k <= table.shape[1]:
        raise WrongUse(
            found=f"scores of shape {table.shape}, k = {k}",
            wanted="a finite score a class, and k from 1 to the number of classes",
            remedy="Let the protocol's rule score missing predictions first.",
        )
    classes = classes_of_rows(reference, table)
    own = table[np.arange(len(classes)), classes][:, None]
    others_ahead = (table >= own).sum(axis=1) - 1
    return proportion(int((others_ahead < k).sum()), len(classes), method=interval, confidence=confidence)


def _figure(
    figure: ClassFigure, right: FloatArray, true: FloatArray, said: FloatArray, n: FloatArray
) -> FloatArray:
    if figure == "precision":
        return _share(right, said)
    if figure == "recall":
        return _share(right, true)
    if figure == "specificity":
        return _share(n - true - said + right, n - true)
    return _share(2 * right, true + said)


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    part, whole = np.broadcast_arrays(np.asarray(part, np.float64), np.asarray(whole, np.float64))
    shares: FloatArray = np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
    return shares


def _table(table: ArrayLike) -> FloatArray:
    counts = np.asarray(table, dtype=np.float64)
    if (
        counts.ndim != 2
        or counts.shape[0] != counts.shape[1]
        or not np.isfinite(counts).all()
        or (counts < 0).any()
        or (counts % 1 != 0).any()
    ):
        raise WrongUse(
            found=f"a table of shape {counts.shape}, or one with a cell that is no count",
            wanted="whole counts, true classes in rows and predicted ones in columns",
            remedy="Make it with confusion_matrix.",
        )
    return counts
