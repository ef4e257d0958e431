"""Per-subject statistics as columns, subgroups as masks, and one draw of subjects for every figure of a report.

A figure of sums is a function of a few columns. All figures of all groups of subjects are therefore columns and masks
of one product with the resampling weights: no figure draws for itself, and figures are paired. A figure of ranks takes
the same draw as weights of its cases.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property
from typing import Literal

import numpy as np

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.evaluation.figure import Asked, BoolArray, Figure, FloatArray
from medassay.evaluation.figure_of_ranks import Area
from medassay.evaluation.figure_of_sums import FunctionOfSums, RatioOfSums
from medassay.evaluation.protocol import Interval
from medassay.evaluation.scorer import Metric
from medassay.evaluation.sufficient import Ranked, Statistics
from medassay.statistics.resampling import resampled_group_sums


class SubjectTable:
    """Statistics of subjects in one order, a column each, and the figures that are made of them.

    Parameters
    ----------
    uncounted : "refused" or "zero"
        A statistic that no subject has: over a whole test it is a fault of the scorer's; of a few subjects, or of
        plain files, it may well be that none of them has what it counts.
    """

    def __init__(
        self,
        subjects: tuple[str, ...],
        statistics: Sequence[Statistics],
        *,
        uncounted: Literal["refused", "zero"] = "refused",
    ) -> None:
        self.subjects = subjects
        self._uncounted = uncounted
        self._rows = statistics
        self._ranked = {name for row in statistics for name, value in row.items() if isinstance(value, tuple)}
        self._names = {name for row in statistics for name in row}
        self._columns: dict[str, FloatArray] = {}

    def combine(self, weights: Mapping[str, float]) -> FloatArray:
        """A linear combination of counts and sums, one figure a subject.

        Raises
        ------
        WrongUse
            When one of them was never counted, or is scores.
        """
        self._require(weights)
        wrong = sorted(self._ranked & set(weights))
        if wrong:
            raise _unfit(f"a sum of {', '.join(wrong)}, which are scores", "counts and sums")
        total = np.zeros(len(self.subjects))
        for name, weight in weights.items():
            total += weight * self._column(name)
        return total

    def scores(self, names: Mapping[str, float]) -> list[Ranked]:
        """The scores under these names, one row a subject.

        Raises
        ------
        WrongUse
            When one of them was never given, or is a number.
        """
        self._require(names)
        wrong = sorted(set(names) & (self._names - self._ranked))
        if wrong:
            raise _unfit(f"ranks of {', '.join(wrong)}, which are numbers", "scores")
        return [
            tuple(score for name in names for score in _ranked_of(row.get(name, ()))) for row in self._rows
        ]

    def figure(self, metric: Metric) -> Figure:
        """A metric over these subjects.

        Raises
        ------
        WrongUse
            When a part is not finite, a denominator is negative, or a statistic was never counted.
        """
        if metric.form == "area":
            return Area.of(metric, self.scores(metric.numerator), self.scores(metric.denominator))
        if metric.form == "absolute" or metric.standard:
            return FunctionOfSums.of(metric, self.combine)
        return RatioOfSums.of(metric, self.combine)

    def _column(self, name: str) -> FloatArray:
        if name not in self._columns:
            rows = [row.get(name, 0.0) for row in self._rows]
            self._columns[name] = np.array(rows, dtype=np.float64)
        return self._columns[name]

    def _require(self, names: Mapping[str, float]) -> None:
        missing = sorted(set(names) - self._names)
        if missing and self.subjects and self._uncounted == "refused":
            raise _unfit(f"no statistic {', '.join(missing)}", f"among {', '.join(sorted(self._names))}")


class Study:
    """Every figure over every group of one set of subjects, by one draw of them.

    Parameters
    ----------
    asked : Asked
        Seed, replicates and confidence of all of them.
    figures : by any name, each with the interval that it is given
    groups : by any name, a mask of shape (n_subjects,)
    """

    def __init__(
        self,
        asked: Asked,
        figures: Mapping[Hashable, tuple[Figure, Interval]],
        groups: Mapping[Hashable, BoolArray],
    ) -> None:
        self._asked, self._figures, self._groups = asked, dict(figures), dict(groups)
        widths = [figure.columns.shape[1] for figure, _ in self._figures.values()]
        ends = np.cumsum([0, *widths]).tolist()
        self._place = {name: slice(*ends[n : n + 2]) for n, name in enumerate(self._figures)}
        self._group = {name: place for place, name in enumerate(self._groups)}

    def estimate(
        self,
        figure: Hashable,
        group: Hashable,
        *,
        interval: Interval | None = None,
        confidence: float | None = None,
    ) -> Estimate:
        """One figure over one group; by its own interval and the protocol's confidence where none is named."""
        found, named = self._figures[figure]
        asked = self._asked.by(interval or named, confidence)
        place, number = self._place[figure], self._group[group]
        return found.estimate(self._groups[group], asked, lambda: self._sums[:, number, place])

    @cached_property
    def _sums(self) -> FloatArray:
        """Of every resample, group, and column of a figure: shape (replicates, n_groups, n_columns)."""
        columns = np.column_stack([figure.columns for figure, _ in self._figures.values()])
        members = np.column_stack(list(self._groups.values()))
        if not len(columns):  # nobody to draw: no figure is estimable, and none asks for its resamples
            return np.zeros((self._asked.replicates, members.shape[1], columns.shape[1]))
        return resampled_group_sums(columns, members, self._asked.replicates, self._asked.seed)


def _ranked_of(value: float | Ranked) -> Ranked:
    return value if isinstance(value, tuple) else ()


def _unfit(found: str, wanted: str) -> WrongUse:
    return WrongUse(
        found=found,
        wanted=wanted,
        remedy="The scorer's metrics and its statistics do not fit together; mend the scorer.",
    )
