"""What a figure of subjects can be asked for, whatever it is made of: the one path of analysis, subgroups and stress.

Figures of sums are in `figure_of_sums`, figures of ranked scores in `figure_of_ranks`; `SubjectTable.figure` makes
either from a metric. Nothing above asks which of the two it has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from medassay.core.estimate import Estimate
from medassay.evaluation import protocol as protocols
from medassay.evaluation.heterogeneity import Heterogeneity
from medassay.evaluation.protocol import Interval
from medassay.evaluation.scorer import Metric
from medassay.statistics.reader_resampling import OverReaders, mean_over_readers
from medassay.statistics.resampled_interval import Interval as Resampled

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Draw = Callable[[], FloatArray]  # sums of a figure's columns of each resample, shape (replicates, n_columns)


@dataclass(frozen=True)
class Asked:
    """How intervals are to be made: the protocol's words, or others that are tried beside them."""

    interval: Interval
    confidence: float
    seed: int
    replicates: int

    @property
    def resampled(self) -> Resampled:
        """Which bootstrap stands in where the interval is not made for a figure."""
        return "percentile" if self.interval == "percentile" else "bca"

    def by(self, interval: Interval | None = None, confidence: float | None = None) -> Asked:
        """The same with another interval or confidence."""
        return replace(
            self,
            interval=self.interval if interval is None else interval,
            confidence=self.confidence if confidence is None else confidence,
        )


def asked_of(protocol: protocols.Protocol, endpoint: str | None = None) -> Asked:
    """How the protocol wants intervals, of one endpoint where one is named."""
    named = protocol.interval if endpoint is None else protocol.interval_of(endpoint)
    return Asked(named, protocol.confidence, protocol.seed, protocol.replicates)


class Figure(Protocol):
    """A metric over one set of subjects.

    `columns` are what a resample sums of it, shape (n_subjects, n_columns): one draw of subjects serves every figure.
    """

    @property
    def metric(self) -> Metric: ...

    @property
    def columns(self) -> FloatArray: ...

    @property
    def counts(self) -> tuple[FloatArray, FloatArray] | None:
        """Numerator and denominator of each subject, where the figure is the ratio of their sums."""
        ...

    @property
    def value(self) -> float | None:
        """The bare figure over all subjects; None where it is undefined."""
        ...

    def estimate(self, chosen: BoolArray, asked: Asked, draw: Draw) -> Estimate:
        """The figure over a group of the subjects, a mask of shape (n_subjects,)."""
        ...

    def alone(self, asked: Asked) -> Estimate:
        """The figure over all subjects by a draw of its own, as it stands beside a difference."""
        ...

    def resampled(self, asked: Asked) -> FloatArray:
        """The figure of each resample of all subjects, shape (replicates,), NaN where it is undefined."""
        ...

    def minus(self, earlier: Self, asked: Asked) -> Estimate:
        """This figure less that of other statistics of the same subjects, paired by subject."""
        ...

    def over_readers(self, readers: Sequence[Self], asked: Asked) -> OverReaders:
        """This figure against the reference standard, beside those of the same subjects against each reader."""
        ...

    def without_each(self) -> FloatArray:
        """The figure without each subject in turn, shape (n_subjects,), NaN where it is undefined."""
        ...

    def heterogeneity(self, groups: Sequence[BoolArray], asked: Asked) -> Heterogeneity:
        """Whether it differs over groups of subjects by more than chance."""
        ...


def averaged_over_readers(standard: Figure, readers: Sequence[Figure], asked: Asked) -> OverReaders:
    """The readers' own figures averaged: for whatever cannot be pooled over their references."""
    return mean_over_readers(
        standard.alone(asked),
        [one.alone(asked) for one in readers],
        np.array([one.resampled(asked) for one in readers]),
        undefined=standard.metric.undefined,
        seed=asked.seed,
        confidence=asked.confidence,
    )
