"""Do predicted probabilities mean what they say: reliability, calibration error, observed over expected.

Cases are independent here; where people have several, `reliability_sums` gives additive sums a subject for
`bootstrap_figure`. Slope and intercept are in `logistic_calibration`, Brier in `probability_scores`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.intervals import normal_quantile, not_estimable, with_interval, without_interval
from medassay.statistics.scored import (
    ONE_CLASS,
    FloatArray,
    IntArray,
    binary_labels,
    probabilities_of,
    subject_codes,
)

Bins = Literal["equal_width", "equal_mass"]
Edge = Literal["right_closed", "left_closed"]
Norm = Literal["l1", "l2", "max"]


@dataclass(frozen=True, kw_only=True)
class BinRule:
    """How probabilities are put into bins; figures of two rules are not comparable.

    Parameters
    ----------
    count : int
    bins : "equal_width" or "equal_mass"
        Edges at 0, 1/count, ...; or at the quantiles (linear between order statistics) of the sample's own
        probabilities.
    edge : "right_closed" or "left_closed"
        The bin of a probability that lies on an inner edge: the one below (scikit-learn's calibration_curve)
        or the one above (torchmetrics). 0 belongs to the first bin and 1 to the last either way.
    """

    count: int = 10
    bins: Bins = "equal_width"
    edge: Edge = "right_closed"

    def __post_init__(self) -> None:
        if self.count < 1:
            raise WrongUse(found=f"{self.count} bins", wanted="at least 1", remedy="Use 10 or 15.")

    @property
    def name(self) -> str:
        """As it stands beside a figure."""
        return f"{self.count} bins, {self.bins}, {self.edge}"


@dataclass(frozen=True)
class ReliabilityTable:
    """One row a bin that holds a case."""

    lower: FloatArray
    upper: FloatArray
    cases: IntArray
    mean_predicted: FloatArray
    observed: FloatArray  # share of positive cases
    rule: BinRule


@dataclass(frozen=True)
class SmoothedError:
    """Distances between the probabilities and a lowess curve of the outcome on them."""

    mean: float
    ninetieth_percentile: float
    largest: float


@method(
    id="reliability-table",
    task="classification",
    zh="可靠性曲线",
    en="reliability diagram",
    formula="by bin: mean predicted probability beside the share of positive cases",
    source="Murphy and Winkler, J R Stat Soc C 26:41-47, 1977",
    check="scikit-learn calibration_curve",
)
def reliability_table(
    labels: ArrayLike, probabilities: ArrayLike, *, rule: BinRule | None = None
) -> ReliabilityTable:
    """Cases by bins of their probability; bins without a case are left out.

    Parameters
    ----------
    labels : shape (n_cases,), 0 or 1
        Of a multiclass prediction: whether the top class was right, beside its probability.

    Examples
    --------
    >>> t = reliability_table([0, 1, 1, 1], [0.1, 0.2, 0.8, 0.9], rule=BinRule(count=2))
    >>> t.cases.tolist(), t.mean_predicted.round(3).tolist(), t.observed.tolist()
    ([2, 2], [0.15, 0.85], [0.5, 1.0])
    """
    rule = rule or BinRule()
    flags = binary_labels(labels)
    values = probabilities_of(probabilities, len(flags))
    edges = _edges(values, rule)
    place = _bins(values, edges, rule)
    count = np.bincount(place, minlength=len(edges) - 1)
    held = count > 0
    return ReliabilityTable(
        lower=edges[:-1][held],
        upper=edges[1:][held],
        cases=count[held],
        mean_predicted=np.bincount(place, values, len(edges) - 1)[held] / count[held],
        observed=np.bincount(place, flags, len(edges) - 1)[held] / count[held],
        rule=rule,
    )


@method(
    id="expected-calibration-error",
    task="classification",
    zh="期望校准误差",
    en="expected calibration error",
    formula="l1: sum n_b/n |observed_b - predicted_b|; l2: root of the mean square; max: the largest",
    source="Naeini, Cooper and Hauskrecht, AAAI 2015; Kumar, Liang and Ma, NeurIPS 2019 (l2)",
    check="torchmetrics 1.9.0",
)
def calibration_error(table: ReliabilityTable, *, norm: Norm = "l1") -> Estimate:
    """Distance between predicted and observed over the bins of a declared rule.

    The figure is biased upwards, the more the finer the bins: a perfect device has an error above 0 in every
    sample, so an interval about it would leave the truth out. None is given.

    Examples
    --------
    >>> t = reliability_table([0, 1, 1, 1], [0.1, 0.2, 0.8, 0.9], rule=BinRule(count=2))
    >>> round(calibration_error(t).value, 4)
    0.25
    """
    n = int(table.cases.sum())
    if n == 0:
        return not_estimable("no case", 0)
    apart, share = np.abs(table.observed - table.mean_predicted), table.cases / n
    if norm == "l1":
        value = float(share @ apart)
    elif norm == "l2":
        value = math.sqrt(float(share @ apart**2))
    else:
        value = float(apart.max())
    return without_interval(value, f"a binned error is biased upwards ({table.rule.name})", n)


def reliability_sums(
    labels: ArrayLike, probabilities: ArrayLike, subjects: ArrayLike, *, rule: BinRule | None = None
) -> FloatArray:
    """What each subject adds to a reliability table, shape (n_subjects, bins, 3).

    Cases, sum of probabilities, positive cases. The bins are those of the whole sample, so that a resample
    is a weighting of rows.

    Examples
    --------
    >>> reliability_sums([0, 1], [0.1, 0.9], [7, 8], rule=BinRule(count=2))[0].tolist()
    [[1.0, 0.1, 0.0], [0.0, 0.0, 0.0]]
    """
    rule = rule or BinRule()
    flags = binary_labels(labels)
    values = probabilities_of(probabilities, len(flags))
    codes, count = subject_codes(subjects, len(flags))
    edges = _edges(values, rule)
    bins = len(edges) - 1
    cell = codes * bins + _bins(values, edges, rule)
    columns = np.ones(len(flags)), values, flags.astype(np.float64)
    parts = [np.bincount(cell, column, count * bins) for column in columns]
    sums: FloatArray = np.stack(parts, axis=-1).astype(np.float64).reshape(count, bins, 3)
    return sums


def error_of_sums(sums: FloatArray) -> FloatArray:
    """The l1 calibration error of sums (n, bins, 3), for `bootstrap_figure`.

    Examples
    --------
    >>> error_of_sums(np.array([[[2.0, 0.3, 1.0], [2.0, 1.7, 2.0]]])).round(4).tolist()
    [0.25]
    """
    cases = sums[..., 0].sum(axis=-1)
    apart = np.abs(sums[..., 1] - sums[..., 2]).sum(axis=-1)
    errors: FloatArray = np.divide(apart, cases, out=np.full(cases.shape, np.nan), where=cases > 0)
    return errors


@method(
    id="observed-expected-ratio",
    task="classification",
    zh="观察与期望比",
    en="observed to expected ratio",
    formula="O/E = sum y / sum p; normal on ln(O/E) with variance (1 - O/n) / O",
    source="Debray et al., BMJ 356:i6460, 2017",
    check="R stats",
)
def observed_expected_ratio(
    labels: ArrayLike, probabilities: ArrayLike, *, confidence: float = 0.95
) -> Estimate:
    """Positive cases over their expected number; above 1 the probabilities are too low on the whole.

    Examples
    --------
    >>> round(observed_expected_ratio([0, 1, 1, 0], [0.1, 0.8, 0.6, 0.3]).value, 4)
    1.1111
    """
    flags = binary_labels(labels)
    values = probabilities_of(probabilities, len(flags))
    n, observed, expected = len(flags), int(flags.sum()), float(values.sum())
    if expected == 0:
        return not_estimable("no positive case is expected", n)
    if observed in (0, n):
        return without_interval(observed / expected, ONE_CLASS, n)
    factor = math.exp(normal_quantile(confidence) * math.sqrt((1 - observed / n) / observed))
    value = observed / expected
    return with_interval(
        value, value / factor, value * factor, confidence=confidence, method="log_normal", n_subjects=n
    )


@method(
    id="smoothed-calibration-error",
    task="classification",
    zh="平滑校准误差（ICI、E90、Emax）",
    en="smoothed calibration error (ICI, E90, Emax)",
    formula="mean, 90th percentile and maximum of |lowess(y on p) - p|",
    source="Harrell, Regression Modeling Strategies, 2015; Austin and Steyerberg, Stat Med 38:4051-4065, 2019",
    check="R rms 6.5.0 val.prob",
)
def smoothed_error(
    labels: ArrayLike, probabilities: ArrayLike, *, span: float = 2 / 3
) -> SmoothedError | None:
    """Calibration without bins: how far a smooth curve of the outcome lies from the diagonal.

    Parameters
    ----------
    span : float
        Share of cases in each local line; no robustness iterations, as the outcome is 0 or 1.

    Returns
    -------
    SmoothedError or None
        None with fewer than three different probabilities.

    Examples
    --------
    >>> p = np.linspace(0.1, 0.9, 9)
    >>> round(smoothed_error([0, 0, 0, 1, 0, 1, 1, 1, 1], p).mean, 3)
    0.132
    """
    from statsmodels.nonparametric.smoothers_lowess import lowess

    flags = binary_labels(labels)
    values = probabilities_of(probabilities, len(flags))
    if len(np.unique(values)) < 3:
        return None
    smooth = lowess(
        flags.astype(np.float64), values, frac=span, it=0, delta=0.01 * float(np.ptp(values)), is_sorted=False
    )
    apart = np.abs(np.interp(values, smooth[:, 0], smooth[:, 1]) - values)
    return SmoothedError(float(apart.mean()), float(np.quantile(apart, 0.9)), float(apart.max()))


def _edges(values: FloatArray, rule: BinRule) -> FloatArray:
    steps = np.linspace(0, 1, rule.count + 1)
    if rule.bins == "equal_width" or len(values) == 0:
        return steps
    edges: FloatArray = np.unique(np.quantile(values, steps))
    return edges if len(edges) > 1 else np.array([edges[0], edges[0]])


def _bins(values: FloatArray, edges: FloatArray, rule: BinRule) -> IntArray:
    side: Literal["left", "right"] = "left" if rule.edge == "right_closed" else "right"
    place: IntArray = np.searchsorted(edges[1:-1], values, side=side)
    return place
