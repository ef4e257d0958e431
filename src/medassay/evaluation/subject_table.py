"""Per-subject statistics as columns, subgroups as masks, and one draw of subjects for every figure of a report.

A metric is a ratio of two sums over subjects. All metrics of all groups of subjects are therefore columns and masks
of one product with the resampling weights: no figure draws for itself, and figures are paired.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.evaluation.protocol import Interval, Protocol
from medassay.evaluation.scorer import Metric
from medassay.statistics.korn_graubard import korn_graubard
from medassay.statistics.rao_scott import clustered_proportion
from medassay.statistics.ratio import Interval as Resampled
from medassay.statistics.ratio import ratio, require_sums
from medassay.statistics.resampling import resampled_group_sums

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
CLOSED: Mapping[Interval, Callable[..., Estimate]] = {
    "rao_scott": clustered_proportion,
    "korn_graubard": korn_graubard,
}


class SubjectTable:
    """Statistics of subjects in one order, a column each, and linear combinations of them."""

    def __init__(self, subjects: tuple[str, ...], statistics: Sequence[Mapping[str, float]]) -> None:
        self.subjects = subjects
        names = sorted({name for row in statistics for name in row})
        self._columns = {
            name: np.array([row.get(name, 0.0) for row in statistics], dtype=np.float64) for name in names
        }

    def combine(self, weights: Mapping[str, float]) -> FloatArray:
        """A linear combination of statistics, one figure a subject.

        Raises
        ------
        WrongUse
            When one of them was never counted.
        """
        missing = sorted(set(weights) - set(self._columns))
        if missing and self.subjects:
            raise WrongUse(
                found=f"no statistic {', '.join(missing)}",
                wanted=f"among {', '.join(self._columns)}",
                remedy="The scorer's metrics and its statistics do not fit together; mend the scorer.",
            )
        total = np.zeros(len(self.subjects))
        for name, weight in weights.items():
            total += weight * self._columns[name] if self.subjects else 0.0
        return total

    def figure(self, metric: Metric) -> Figure:
        """Both parts of a metric, for each subject.

        Raises
        ------
        WrongUse
            When a part is not finite, a denominator is negative, or a statistic was never counted.
        """
        found = Figure(metric, self.combine(metric.numerator), self.combine(metric.denominator))
        require_sums(found.numerator, found.denominator)
        return found


@dataclass(frozen=True)
class Figure:
    """A metric with its numerator and denominator, shape (n_subjects,) each."""

    metric: Metric
    numerator: FloatArray
    denominator: FloatArray


class Study:
    """Every figure over every group of one set of subjects, by one draw of them.

    Parameters
    ----------
    protocol : Protocol
        Its seed, replicates, confidence and kind of interval.
    figures : by any name
    groups : by any name, a mask of shape (n_subjects,)
    """

    def __init__(
        self, protocol: Protocol, figures: Mapping[Hashable, Figure], groups: Mapping[Hashable, BoolArray]
    ) -> None:
        self._protocol, self._figures, self._groups = protocol, dict(figures), dict(groups)
        self._place = {name: place for place, name in enumerate(self._figures)}
        self._group = {name: place for place, name in enumerate(self._groups)}

    def estimate(
        self,
        figure: Hashable,
        group: Hashable,
        *,
        interval: Interval | None = None,
        confidence: float | None = None,
    ) -> Estimate:
        """One figure over one group; by the protocol's interval and confidence where none is named."""
        found, chosen = self._figures[figure], self._groups[group]
        named = self._protocol.interval if interval is None else interval
        level = self._protocol.confidence if confidence is None else confidence
        metric, numerator, denominator = found.metric, found.numerator[chosen], found.denominator[chosen]
        if named in CLOSED and is_proportion(metric) and denominator.any():
            estimate = CLOSED[named](numerator, denominator, confidence=level)
            return estimate.model_copy(update={"unit": metric.unit})
        resampled: Resampled = "percentile" if named == "percentile" else "bca"
        place = 2 * self._place[figure]
        return ratio(
            numerator,
            denominator,
            undefined=metric.undefined,
            seed=self._protocol.seed,
            replicates=self._protocol.replicates,
            confidence=level,
            unit=metric.unit,
            interval=resampled,
            proportion=is_proportion(metric),
            sums=self._sums[:, self._group[group], place : place + 2],
        )

    @cached_property
    def _sums(self) -> FloatArray:
        """Of every resample, group, and part of a figure: shape (replicates, n_groups, 2 n_figures)."""
        parts = [part for one in self._figures.values() for part in (one.numerator, one.denominator)]
        columns, members = np.column_stack(parts), np.column_stack(list(self._groups.values()))
        if not len(columns):  # nobody to draw: no figure is estimable, and none asks for its resamples
            return np.zeros((self._protocol.replicates, members.shape[1], columns.shape[1]))
        return resampled_group_sums(columns, members, self._protocol.replicates, self._protocol.seed)


def is_proportion(metric: Metric) -> bool:
    """Whether the formula itself keeps every subject's ratio in [0, 1].

    So it is when the numerator counts a part of what the denominator counts: TP of TP + FN. A mean of
    figures that happen to lie in [0, 1] is not told from its formula and is treated with more care.
    """
    return bool(metric.numerator) and all(
        0 <= weight <= metric.denominator.get(name, 0.0) for name, weight in metric.numerator.items()
    )
