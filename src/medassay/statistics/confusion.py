"""Figures of a two-by-two table: (true positives, false positives, false negatives, true negatives).

Every figure is a function of the four cells, and takes arrays of them (..., 4), so that one call does a table,
all subgroups, or all resamples. Independent cases have closed intervals here; cases that belong to people go
through `clustered_figure`, which resamples people.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.bootstrap_figure import bootstrap_figure
from medassay.statistics.intervals import (
    normal_quantile,
    not_estimable,
    require_confidence,
    with_interval,
    without_interval,
)
from medassay.statistics.proportion import ProportionInterval, proportion
from medassay.statistics.resampled_interval import Interval
from medassay.statistics.scored import FloatArray

TP, FP, FN, TN = (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)
Cells = tuple[int, int, int, int]

# Part and whole of each figure that is a proportion, and what an empty whole means.
PROPORTIONS: Mapping[str, tuple[Cells, Cells, str]] = {
    "sensitivity": (TP, (1, 0, 1, 0), "no positive case"),
    "specificity": (TN, (0, 1, 0, 1), "no negative case"),
    "positive_predictive_value": (TP, (1, 1, 0, 0), "no case was called positive"),
    "negative_predictive_value": (TN, (0, 0, 1, 1), "no case was called negative"),
    "accuracy": ((1, 0, 0, 1), (1, 1, 1, 1), "no case"),
    "prevalence": ((1, 0, 1, 0), (1, 1, 1, 1), "no case"),
    "apparent_prevalence": ((1, 1, 0, 0), (1, 1, 1, 1), "no case"),
    "ruled_out": ((0, 0, 1, 1), (1, 1, 1, 1), "no case"),
    "miss_rate": (FN, (1, 0, 1, 0), "no positive case"),
    "false_positive_rate": (FP, (0, 1, 0, 1), "no negative case"),
    "false_discovery_rate": (FP, (1, 1, 0, 0), "no case was called positive"),
    "false_omission_rate": (FN, (0, 0, 1, 1), "no case was called negative"),
    "jaccard": (TP, (1, 1, 1, 0), "no case is or was called positive"),
}
SumInterval = Literal["square_and_add", "ends_added"]


@method(
    id="diagnostic-proportions",
    task="classification",
    zh="灵敏度、特异度、预测值、准确率、漏检率",
    en="sensitivity, specificity, predictive values, accuracy, miss rate",
    formula="part / whole of the four cells, such as TP / (TP + FN)",
    source="YY/T 1833; IEEE 2802-2022 Annex A; CLSI EP12; binomial interval as named",
    check="R epiR 2.0.57 epi.tests",
)
def diagnostic_proportion(
    name: str,
    counts: ArrayLike,
    *,
    interval: ProportionInterval = "wilson",
    confidence: float = 0.95,
) -> Estimate:
    """One of `PROPORTIONS` of independent cases.

    Parameters
    ----------
    name : str
        A key of `PROPORTIONS`.
    counts : shape (4,)
        TP, FP, FN, TN.

    Examples
    --------
    >>> e = diagnostic_proportion("sensitivity", (45, 5, 10, 140), interval="clopper_pearson")
    >>> round(e.value, 4), round(e.lower, 4), round(e.upper, 4)
    (0.8182, 0.691, 0.9092)
    """
    if name not in PROPORTIONS:
        raise WrongUse(
            found=f"figure '{name}'", wanted=f"one of {', '.join(PROPORTIONS)}", remedy="Name one of them."
        )
    cells = _whole_cells(counts)
    part, whole, reason = PROPORTIONS[name]
    successes, trials = int(cells @ np.array(part)), int(cells @ np.array(whole))
    if trials == 0:
        return not_estimable(reason, 0, n_events=0)
    return proportion(successes, trials, method=interval, confidence=confidence)


@method(
    id="youden-index",
    task="classification",
    zh="约登指数（给定阈值）",
    en="Youden index at the declared threshold",
    formula="J = Se + Sp - 1",
    source="Youden, Cancer 3:32-35, 1950; square-and-add as in Newcombe, Stat Med 17:873-890, 1998",
    check="R epiR 2.0.57 (ends added)",
)
def youden_index(
    counts: ArrayLike,
    *,
    interval: SumInterval = "square_and_add",
    ends: ProportionInterval = "wilson",
    confidence: float = 0.95,
) -> Estimate:
    """Sensitivity + specificity - 1.

    Parameters
    ----------
    interval : "square_and_add" or "ends_added"
        From the ends of the two proportions: by squares, since they are of different people; or simply
        added (epiR), which is wider than its name says.
    ends : str
        The interval of each proportion.

    Examples
    --------
    >>> e = youden_index((45, 5, 10, 140), interval="ends_added", ends="clopper_pearson")
    >>> round(e.value, 4), round(e.lower, 4), round(e.upper, 4)
    (0.7837, 0.6123, 0.8979)
    """
    value, lower, upper, n, reason = _sum_of_rates(counts, interval, ends, confidence)
    if reason:
        return not_estimable(reason, n)
    return with_interval(
        value - 1, lower - 1, upper - 1, confidence=confidence, method=f"{interval}({ends})", n_subjects=n
    )


@method(
    id="balanced-accuracy",
    task="classification",
    zh="平衡准确率",
    en="balanced accuracy",
    formula="(Se + Sp) / 2",
    source="Brodersen et al., ICPR 2010; square-and-add as in Newcombe, Stat Med 17:873-890, 1998",
    check="scikit-learn balanced_accuracy_score",
)
def balanced_accuracy(
    counts: ArrayLike,
    *,
    interval: SumInterval = "square_and_add",
    ends: ProportionInterval = "wilson",
    confidence: float = 0.95,
) -> Estimate:
    """Half of sensitivity + specificity; parameters as for `youden_index`.

    Examples
    --------
    >>> round(balanced_accuracy((45, 5, 10, 140)).value, 4)
    0.8918
    """
    value, lower, upper, n, reason = _sum_of_rates(counts, interval, ends, confidence)
    if reason:
        return not_estimable(reason, n)
    return with_interval(
        value / 2, lower / 2, upper / 2, confidence=confidence, method=f"{interval}({ends})", n_subjects=n
    )


@method(
    id="number-needed-to-diagnose",
    task="classification",
    zh="诊断所需人数",
    en="number needed to diagnose",
    formula="1 / (Se + Sp - 1)",
    source="Bandolier 27:2-4, 1996",
    check="R epiR 2.0.57",
)
def number_needed_to_diagnose(
    counts: ArrayLike,
    *,
    interval: SumInterval = "square_and_add",
    ends: ProportionInterval = "wilson",
    confidence: float = 0.95,
) -> Estimate:
    """Reciprocal of the Youden index; no interval where that of the index reaches 0.

    Examples
    --------
    >>> round(number_needed_to_diagnose((45, 5, 10, 140)).value, 3)
    1.276
    """
    index = youden_index(counts, interval=interval, ends=ends, confidence=confidence)
    if index.value is None:
        return index
    if index.value <= 0 or index.lower is None or index.upper is None:
        return not_estimable("the test tells nothing: the Youden index is not positive", index.n_subjects)
    value = 1 / index.value
    if index.lower <= 0:
        return without_interval(value, "the Youden index may be 0", index.n_subjects)
    return with_interval(
        value,
        1 / index.upper,
        1 / index.lower,
        confidence=confidence,
        method=index.method,
        n_subjects=index.n_subjects,
    )


@method(
    id="likelihood-ratio",
    task="classification",
    zh="似然比",
    en="likelihood ratio",
    formula="LR+ = Se / (1 - Sp), LR- = (1 - Se) / Sp; normal on the logarithm",
    source="Simel, Samsa and Matchar, J Clin Epidemiol 44:763-770, 1991",
    check="R epiR 2.0.57",
)
def likelihood_ratio(
    counts: ArrayLike, *, result: Literal["positive", "negative"], confidence: float = 0.95
) -> Estimate:
    """How much more often a result is had by the diseased than by the others.

    Returns
    -------
    Estimate
        Not estimable without positive or negative cases, or where nobody without the disease has the result;
        no interval where nobody with the disease has it.

    Examples
    --------
    >>> e = likelihood_ratio((45, 5, 10, 140), result="positive")
    >>> round(e.value, 3), round(e.lower, 3), round(e.upper, 3)
    (23.727, 9.938, 56.649)
    """
    require_confidence(confidence)
    tp, fp, fn, tn = _whole_cells(counts)
    diseased, healthy, n = tp + fn, fp + tn, int(tp + fp + fn + tn)
    with_it, without_it = (tp, fp) if result == "positive" else (fn, tn)
    if diseased == 0 or healthy == 0:
        return not_estimable("no positive case or no negative case", n)
    if without_it == 0:
        return not_estimable(f"nobody without the disease has a {result} result", n)
    value = with_it / diseased / (without_it / healthy)
    if with_it == 0:
        return without_interval(value, f"nobody with the disease has a {result} result", n)
    error = math.sqrt(1 / with_it - 1 / diseased + 1 / without_it - 1 / healthy)
    return _on_logarithm(value, error, n, confidence, "simel_log")


@method(
    id="diagnostic-odds-ratio",
    task="classification",
    zh="诊断比值比",
    en="diagnostic odds ratio",
    formula="TP TN / (FP FN); normal on the logarithm",
    source="Glas et al., J Clin Epidemiol 56:1129-1135, 2003; Woolf, Ann Hum Genet 19:251-253, 1955",
    check="R epiR 2.0.57",
)
def diagnostic_odds_ratio(counts: ArrayLike, *, confidence: float = 0.95) -> Estimate:
    """Odds of a positive result among the diseased over those among the others; needs all cells but 0.

    Examples
    --------
    >>> e = diagnostic_odds_ratio((45, 5, 10, 140))
    >>> round(e.value, 4), round(e.lower, 3), round(e.upper, 3)
    (126.0, 40.913, 388.041)
    """
    require_confidence(confidence)
    cells = _whole_cells(counts)
    n = int(cells.sum())
    if (cells == 0).any():
        return not_estimable("a cell of the table is empty", n)
    tp, fp, fn, tn = cells
    return _on_logarithm(
        float(tp * tn / (fp * fn)), math.sqrt(float((1 / cells).sum())), n, confidence, "woolf_log"
    )


@method(
    id="f1-score",
    task="classification",
    zh="F1度量",
    en="F1-measure",
    formula="F1 = 2 TP / (2 TP + FP + FN) = 2 J / (1 + J), J = TP / (TP + FP + FN)",
    source="van Rijsbergen, Information Retrieval, 1979; IEEE 2802-2022 Annex A",
    check="scikit-learn f1_score",
)
def f1_score(
    counts: ArrayLike, *, interval: ProportionInterval = "wilson", confidence: float = 0.95
) -> Estimate:
    """F1, with the interval of the Jaccard share that it is a rising function of.

    Examples
    --------
    >>> round(f1_score((82, 36, 65, 117)).value, 6)
    0.618868
    """
    share = diagnostic_proportion("jaccard", counts, interval=interval, confidence=confidence)
    if share.value is None:
        return share
    bare = {"value": _f_of(share.value)}
    if share.lower is None or share.upper is None:
        return share.model_copy(update=bare)
    ends = {"lower": _f_of(share.lower), "upper": _f_of(share.upper), "method": f"{interval}(jaccard)"}
    return share.model_copy(update=bare | ends)


@method(
    id="clustered-diagnostic-figures",
    task="classification",
    zh="聚类数据的诊断指标",
    en="diagnostic figures of clustered cases",
    formula="f(sum of each subject's TP, FP, FN, TN), bootstrap over subjects",
    source="Genders et al., Radiology 265:910-916, 2012",
    check="scikit-learn figures of the same table; statistics.ratio",
)
def clustered_figure(
    name: str,
    counts: ArrayLike,
    *,
    seed: int,
    replicates: int = 2000,
    confidence: float = 0.95,
    interval: Interval = "percentile",
    sums: FloatArray | None = None,
) -> Estimate:
    """One of `FIGURES` with an interval over resampled subjects.

    Parameters
    ----------
    name : str
        A key of `FIGURES`.
    counts : shape (n_subjects, 4)
        TP, FP, FN, TN of each subject's cases.
    sums : shape (replicates, 4), optional
        Of the counts, where `resampled_sums` of this seed has made them for several figures at once.

    Examples
    --------
    >>> e = clustered_figure("matthews", [[3, 1, 0, 4], [2, 0, 1, 5], [4, 1, 1, 2]], seed=1)
    >>> round(e.value, 4)
    0.6643
    """
    if name not in FIGURES:
        raise WrongUse(
            found=f"figure '{name}'", wanted=f"one of {', '.join(FIGURES)}", remedy="Name one of them."
        )
    reason = PROPORTIONS[name][2] if name in PROPORTIONS else "a sum that it divides by is zero"
    return bootstrap_figure(
        counts,
        FIGURES[name],
        undefined=reason,
        seed=seed,
        replicates=replicates,
        confidence=confidence,
        interval=interval,
        sums=sums,
    )


def matthews(counts: FloatArray) -> FloatArray:
    """Matthews correlation of tables (..., 4); NaN where a margin is empty.

    References
    ----------
    Matthews, Biochim Biophys Acta 405:442-451, 1975.

    Examples
    --------
    >>> round(float(matthews(np.array([82.0, 36.0, 65.0, 117.0]))), 6)
    0.330063
    """
    tp, fp, fn, tn = np.moveaxis(np.asarray(counts, dtype=np.float64), -1, 0)
    margins = np.sqrt(tp + fp) * np.sqrt(tp + fn) * np.sqrt(tn + fp) * np.sqrt(tn + fn)
    return _share(tp * tn - fp * fn, margins)


def f_beta(counts: FloatArray, beta: float = 1.0) -> FloatArray:
    """F-measure of tables (..., 4), sensitivity weighing beta times predictive value.

    Examples
    --------
    >>> round(float(f_beta(np.array([82.0, 36.0, 65.0, 117.0]), beta=2.0)), 4)
    0.5807
    """
    tp, fp, fn, _ = np.moveaxis(np.asarray(counts, dtype=np.float64), -1, 0)
    weight = beta**2
    return _share((1 + weight) * tp, (1 + weight) * tp + weight * fn + fp)


def _rate(name: str) -> Callable[[FloatArray], FloatArray]:
    part, whole, _ = PROPORTIONS[name]

    def figure(counts: FloatArray) -> FloatArray:
        cells = np.asarray(counts, dtype=np.float64)
        return _share(cells @ np.array(part, dtype=np.float64), cells @ np.array(whole, dtype=np.float64))

    return figure


def _youden(counts: FloatArray) -> FloatArray:
    total: FloatArray = FIGURES["sensitivity"](counts) + FIGURES["specificity"](counts) - 1
    return total


def _balanced(counts: FloatArray) -> FloatArray:
    half: FloatArray = (_youden(counts) + 1) / 2
    return half


FIGURES: Mapping[str, Callable[[FloatArray], FloatArray]] = {
    **{name: _rate(name) for name in PROPORTIONS},
    "youden": _youden,
    "balanced_accuracy": _balanced,
    "f1": f_beta,
    "matthews": matthews,
}


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    part, whole = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    shares: FloatArray = np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
    return shares


def _f_of(jaccard: float) -> float:
    return 2 * jaccard / (1 + jaccard)


def _sum_of_rates(
    counts: ArrayLike, interval: SumInterval, ends: ProportionInterval, confidence: float
) -> tuple[float, float, float, int, str]:
    """Sensitivity + specificity, its ends, the cases, and why there is none."""
    n = int(_whole_cells(counts).sum())
    rates = [
        diagnostic_proportion(name, counts, interval=ends, confidence=confidence)
        for name in ("sensitivity", "specificity")
    ]
    value, down, up = 0.0, [], []
    for rate in rates:
        if rate.value is None or rate.lower is None or rate.upper is None:
            return 0.0, 0.0, 0.0, n, rate.undefined
        value += rate.value
        down.append(rate.value - rate.lower)
        up.append(rate.upper - rate.value)
    spread = (lambda parts: math.hypot(*parts)) if interval == "square_and_add" else sum
    return value, value - spread(down), value + spread(up), n, ""


def _on_logarithm(value: float, error: float, n: int, confidence: float, method: str) -> Estimate:
    factor = math.exp(normal_quantile(confidence) * error)
    return with_interval(
        value, value / factor, value * factor, confidence=confidence, method=method, n_subjects=n
    )


def _whole_cells(counts: ArrayLike) -> FloatArray:
    cells = np.asarray(counts, dtype=np.float64)
    if cells.shape != (4,) or not np.isfinite(cells).all() or (cells < 0).any() or (cells % 1 != 0).any():
        raise WrongUse(
            found=f"counts of shape {cells.shape}, or one that is no count",
            wanted="whole numbers of true positives, false positives, false negatives, true negatives",
            remedy="Count cases; for cases of the same people use clustered_figure.",
        )
    return cells
