"""Figures of sums over subjects: ratios, ratios of a whole with stated shares, and sums of absolute sums.

All are functions of a few linear columns. Of every resample only the columns' sums are needed, so that one product of
the weights with all figures' columns serves them all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.evaluation.figure import Asked, BoolArray, Draw, FloatArray, averaged_over_readers
from medassay.evaluation.heterogeneity import Heterogeneity, heterogeneity, heterogeneity_of_sums
from medassay.evaluation.protocol import OF_TRIALS, Interval
from medassay.evaluation.scorer import Metric
from medassay.statistics.korn_graubard import korn_graubard, korn_graubard_bounded
from medassay.statistics.proportion import proportion
from medassay.statistics.rao_scott import clustered_proportion
from medassay.statistics.ratio import SAME_DIFFERENCE, ratio, ratio_difference, ratios, require_sums
from medassay.statistics.reader_resampling import OverReaders, over_readers
from medassay.statistics.resampled_interval import no_interval, resampled_interval
from medassay.statistics.resampling import jackknife_ratio, resampled_sums

Combine = Callable[[Mapping[str, float]], FloatArray]  # weights of statistics to one figure a subject

CLOSED: Mapping[Interval, Callable[..., Estimate]] = {
    "rao_scott": clustered_proportion,
    "korn_graubard": korn_graubard,
    "korn_graubard_bounded": korn_graubard_bounded,
}
BIASED = "a sum of absolute sums is biased upwards, the more the fewer people"
ONE_EACH = "several events of one person, which this interval takes for several people"


@dataclass(frozen=True)
class RatioOfSums:
    """sum(numerator) / sum(denominator), shape (n_subjects,) each."""

    metric: Metric
    numerator: FloatArray
    denominator: FloatArray

    @classmethod
    def of(cls, metric: Metric, combine: Combine) -> RatioOfSums:
        """
        Raises
        ------
        WrongUse
            When a part is not finite, or a denominator is negative.
        """
        found = cls(metric, combine(metric.numerator), combine(metric.denominator))
        require_sums(found.numerator, found.denominator)
        return found

    @property
    def columns(self) -> FloatArray:
        return np.column_stack([self.numerator, self.denominator])

    @property
    def counts(self) -> tuple[FloatArray, FloatArray] | None:
        return self.numerator, self.denominator

    @property
    def value(self) -> float | None:
        total = float(self.denominator.sum())
        return float(self.numerator.sum()) / total if total else None

    def estimate(self, chosen: BoolArray, asked: Asked, draw: Draw) -> Estimate:
        numerator, denominator = self.numerator[chosen], self.denominator[chosen]
        share = is_proportion(self.metric)
        if share and denominator.any() and asked.interval in (*CLOSED, *OF_TRIALS):
            estimate = _closed(asked, numerator, denominator)
            return estimate.model_copy(update={"unit": self.metric.unit})
        return ratio(
            numerator,
            denominator,
            undefined=self.metric.undefined,
            seed=asked.seed,
            replicates=asked.replicates,
            confidence=asked.confidence,
            unit=self.metric.unit,
            interval=asked.resampled,
            proportion=share,
            sums=draw(),
        )

    def alone(self, asked: Asked) -> Estimate:
        return ratio(
            self.numerator,
            self.denominator,
            undefined=self.metric.undefined,
            seed=asked.seed,
            replicates=asked.replicates,
            confidence=asked.confidence,
            unit=self.metric.unit,
            interval=asked.resampled,
        )

    def resampled(self, asked: Asked) -> FloatArray:
        sums = resampled_sums(self.columns, asked.replicates, asked.seed)
        return ratios(sums[:, 0], sums[:, 1])

    def minus(self, earlier: Self, asked: Asked) -> Estimate:
        return ratio_difference(
            (self.numerator, self.denominator),
            (earlier.numerator, earlier.denominator),
            undefined=self.metric.undefined,
            seed=asked.seed,
            replicates=asked.replicates,
            confidence=asked.confidence,
            unit=self.metric.unit,
        )

    def over_readers(self, readers: Sequence[Self], asked: Asked) -> OverReaders:
        """The sums of all drawn readers together make one ratio; their own ratios are not averaged."""
        return over_readers(
            np.array([one.numerator for one in readers]),
            np.array([one.denominator for one in readers]),
            (self.numerator, self.denominator),
            undefined=self.metric.undefined,
            seed=asked.seed,
            replicates=asked.replicates,
            confidence=asked.confidence,
            unit=self.metric.unit,
            proportion=is_proportion(self.metric),
        )

    def without_each(self) -> FloatArray:
        return jackknife_ratio(self.numerator, self.denominator)

    def heterogeneity(self, groups: Sequence[BoolArray], asked: Asked) -> Heterogeneity:
        chosen, codes = coded(groups)
        return heterogeneity(
            self.numerator[chosen],
            self.denominator[chosen],
            codes,
            seed=asked.seed,
            permutations=asked.replicates,
        )


@dataclass(frozen=True)
class FunctionOfSums:
    """Any other function of sums. `counted` is each subject's part of what the figure is of: its events."""

    metric: Metric
    columns: FloatArray
    counted: FloatArray

    @classmethod
    def of(cls, metric: Metric, combine: Combine) -> FunctionOfSums:
        """
        Raises
        ------
        WrongUse
            When a sum is not finite, or a statistic of a standardised ratio is in no part, or in two.
        """
        if metric.form == "absolute":
            parts = [combine({name: weight}) for name, weight in metric.numerator.items()]
            counted = combine(metric.denominator)
            columns = np.column_stack([*parts, counted])
        else:
            columns, counted = _standard_columns(metric, combine)
        require_sums(columns.sum(axis=1), counted)
        return cls(metric, columns, counted)

    @property
    def counts(self) -> tuple[FloatArray, FloatArray] | None:
        return None

    def figures(self, sums: FloatArray) -> FloatArray:
        """The figure of each row of sums, shape (..., n_columns); NaN where it is undefined."""
        if self.metric.form == "absolute":
            return ratios(np.abs(sums[..., :-1]).sum(axis=-1), sums[..., -1])
        upper, lower, total = (sums[..., place::3] for place in range(3))
        shares = np.array([part.share for part in self.metric.standard])
        whole = (total > 0).all(axis=-1)
        scale = np.divide(shares, total, out=np.zeros(total.shape), where=total > 0)
        found = ratios((upper * scale).sum(axis=-1), (lower * scale).sum(axis=-1))
        return np.where(whole, found, np.nan)

    @property
    def value(self) -> float | None:
        found = float(self.figures(self.columns.sum(axis=0)))
        return found if np.isfinite(found) else None

    def estimate(self, chosen: BoolArray, asked: Asked, draw: Draw) -> Estimate:
        columns, counted = self.columns[chosen], self.counted[chosen]
        total = columns.sum(axis=0)
        subjects, events = int(np.count_nonzero(counted)), float(counted.sum())
        value = float(self.figures(total))
        if not np.isfinite(value):
            return Estimate(
                value=None,
                unit=self.metric.unit,
                n_subjects=subjects,
                n_events=events,
                undefined=self.metric.undefined,
            )
        bare = Estimate(value=value, unit=self.metric.unit, n_subjects=subjects, n_events=events)
        if self.metric.form == "absolute":
            return no_interval(bare, BIASED)
        if subjects < 2:
            return no_interval(bare, "fewer than two subjects contribute")
        return resampled_interval(
            bare,
            self.figures(draw()),
            interval=asked.resampled,
            left_out=lambda: self.figures(total - columns),
            confidence=asked.confidence,
            seed=asked.seed,
        )

    def alone(self, asked: Asked) -> Estimate:
        everyone = np.ones(len(self.columns), dtype=np.bool_)
        return self.estimate(
            everyone, asked, lambda: resampled_sums(self.columns, asked.replicates, asked.seed)
        )

    def resampled(self, asked: Asked) -> FloatArray:
        return self.figures(resampled_sums(self.columns, asked.replicates, asked.seed))

    def minus(self, earlier: Self, asked: Asked) -> Estimate:
        values = [float(side.figures(side.columns.sum(axis=0))) for side in (self, earlier)]
        subjects = min(int(np.count_nonzero(side.counted)) for side in (self, earlier))
        difference = values[0] - values[1]
        if not np.isfinite(difference):
            return Estimate(
                value=None, unit=self.metric.unit, n_subjects=subjects, undefined=self.metric.undefined
            )
        bare = Estimate(value=difference, unit=self.metric.unit, n_subjects=subjects)
        if self.metric.form == "absolute":
            return no_interval(bare, BIASED)
        if subjects < 2:
            return no_interval(bare, "fewer than two subjects contribute")
        width = self.columns.shape[1]
        sums = resampled_sums(np.column_stack([self.columns, earlier.columns]), asked.replicates, asked.seed)
        return resampled_interval(
            bare,
            self.figures(sums[:, :width]) - self.figures(sums[:, width:]),
            interval="percentile",
            confidence=asked.confidence,
            seed=asked.seed,
            all_same=SAME_DIFFERENCE,
        )

    def over_readers(self, readers: Sequence[Self], asked: Asked) -> OverReaders:
        return averaged_over_readers(self, readers, asked)

    def without_each(self) -> FloatArray:
        return self.figures(self.columns.sum(axis=0) - self.columns)

    def heterogeneity(self, groups: Sequence[BoolArray], asked: Asked) -> Heterogeneity:
        chosen, codes = coded(groups)
        return heterogeneity_of_sums(
            self.figures, self.columns[chosen], codes, seed=asked.seed, permutations=asked.replicates
        )


def coded(groups: Sequence[BoolArray]) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], ...]:
    """Subjects of the groups, one group after another, and the number of each one's group."""
    rows = [np.flatnonzero(mask).astype(np.int64) for mask in groups]
    chosen = np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64)
    return chosen, np.repeat(np.arange(len(rows), dtype=np.int64), [len(one) for one in rows])


def is_proportion(metric: Metric) -> bool:
    """Whether the formula itself keeps every subject's ratio in [0, 1].

    So it is when the numerator counts a part of what the denominator counts: TP of TP + FN. Where the names do not
    show it (events detected of those in the reference), the scorer that counts them says so. A mean of figures that
    happen to lie in [0, 1] is not told from its formula and is treated with more care.
    """
    return (
        metric.form == "ratio"
        and not metric.standard
        and bool(metric.numerator)
        and (
            metric.part
            or all(
                0 <= weight <= metric.denominator.get(name, 0.0) for name, weight in metric.numerator.items()
            )
        )
    )


def _closed(asked: Asked, numerator: FloatArray, denominator: FloatArray) -> Estimate:
    """A proportion by the closed form that was named."""
    if asked.interval in CLOSED:
        return CLOSED[asked.interval](numerator, denominator, confidence=asked.confidence)
    events, hits = float(denominator.sum()), float(numerator.sum())
    subjects = int(np.count_nonzero(denominator))
    if not all(np.isin(part, (0.0, 1.0)).all() for part in (numerator, denominator)):
        bare = Estimate(value=hits / events, n_subjects=subjects, n_events=events)
        return no_interval(bare, ONE_EACH)
    named: Literal["wilson", "clopper_pearson"] = (
        "wilson" if asked.interval == "wilson" else "clopper_pearson"
    )
    return proportion(int(hits), int(events), method=named, confidence=asked.confidence)


def _standard_columns(metric: Metric, combine: Combine) -> tuple[FloatArray, FloatArray]:
    """Numerator, denominator and whole of each part, one after another; and each subject's events of all parts."""
    used = {*metric.numerator, *metric.denominator}
    held = [name for part in metric.standard for name in part.of]
    if not used <= set(held) or len(set(held)) < len(held):
        raise WrongUse(
            found="a statistic that is in no stated part, or in two",
            wanted="each statistic of the figure in one part of the whole",
            remedy="Mend the scorer's metric.",
        )
    columns, counted = [], []
    for part in metric.standard:
        for weights in (metric.numerator, metric.denominator):
            columns.append(combine({name: w for name, w in weights.items() if name in part.of}))
        columns.append(combine(part.of))
        counted.append(columns[-1])
    return np.column_stack(columns), np.sum(counted, axis=0)
