"""The area under the ROC curve of ranked scores that belong to subjects, by closed forms or by resampled subjects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.evaluation.figure import Asked, BoolArray, Draw, FloatArray, averaged_over_readers
from medassay.evaluation.heterogeneity import Heterogeneity
from medassay.evaluation.protocol import Interval
from medassay.evaluation.scorer import Metric
from medassay.evaluation.sufficient import Ranked
from medassay.statistics.area_homogeneity import area_homogeneity
from medassay.statistics.clustered_roc import (
    TOO_FEW,
    clustered_area_variance,
    clustered_auc,
    clustered_auc_difference,
    jackknife_areas,
    replicated_areas,
    sort_cases,
)
from medassay.statistics.delong import AucInterval, area_variance, auc
from medassay.statistics.reader_resampling import OverReaders
from medassay.statistics.resampled_interval import no_interval, resampled_interval

IntArray = NDArray[np.int64]

OF_CASES: Mapping[Interval, AucInterval] = {
    "delong": "delong",
    "delong_logit": "delong_logit",
    "newcombe": "newcombe",
}
OF_PEOPLE: Mapping[Interval, Literal["obuchowski", "obuchowski_logit"]] = {
    "delong": "obuchowski",
    "delong_logit": "obuchowski_logit",
    "obuchowski": "obuchowski",
    "obuchowski_logit": "obuchowski_logit",
}
ONE_EACH = "several cases of one person, which this interval takes for several people"


@dataclass(frozen=True)
class Area:
    """Scores of all subjects' cases.

    Parameters
    ----------
    labels : shape (n_cases,)
        True where the case is positive.
    scores : shape (n_cases,), finite
    owner : shape (n_cases,)
        The subject, 0 .. subjects - 1; its cases stand together, by label and then by score.
    """

    metric: Metric
    labels: BoolArray
    scores: FloatArray
    owner: IntArray
    subjects: int

    @classmethod
    def of(cls, metric: Metric, positives: Sequence[Ranked], negatives: Sequence[Ranked]) -> Area:
        """From the scores of each subject, one row a subject on both sides.

        Raises
        ------
        WrongUse
            When a score is not finite.
        """
        rows = [
            (score, label, subject)
            for subject, both in enumerate(zip(negatives, positives, strict=True))
            for label, scores in enumerate(both)
            for score in sorted(scores)
        ]
        scores = np.array([row[0] for row in rows], dtype=np.float64)
        if not np.isfinite(scores).all():
            raise WrongUse(
                found="a score that is not finite",
                wanted="finite scores",
                remedy="Let the protocol's rule for missing predictions score the sample; never pass NaN on.",
            )
        labels = np.array([row[1] for row in rows], dtype=np.bool_)
        return cls(metric, labels, scores, np.array([row[2] for row in rows], np.int64), len(positives))

    @property
    def columns(self) -> FloatArray:
        """None: ranks of a resample are no function of sums."""
        return np.zeros((self.subjects, 0))

    @property
    def counts(self) -> tuple[FloatArray, FloatArray] | None:
        return None

    @property
    def value(self) -> float | None:
        found = area_variance(self.labels, self.scores)
        return None if found is None else found.area

    def estimate(self, chosen: BoolArray, asked: Asked, draw: Draw) -> Estimate:  # noqa: ARG002 - ranks have no sums
        labels, scores, owner = self._cases(chosen)
        people = len(np.unique(owner))
        if labels.all() or not labels.any():
            return Estimate(
                value=None,
                unit=self.metric.unit,
                n_subjects=people,
                n_events=float(len(labels)),
                undefined=self.metric.undefined,
            )
        if asked.interval in OF_CASES or asked.interval in OF_PEOPLE:
            found = _closed(labels, scores, owner, asked)
        else:
            found = self._resampled(labels, scores, owner, chosen, asked)
        return found.model_copy(update={"unit": self.metric.unit, "n_events": float(len(labels))})

    def alone(self, asked: Asked) -> Estimate:
        everyone = np.ones(self.subjects, dtype=np.bool_)
        return self.estimate(everyone, asked, lambda: self.columns)

    def resampled(self, asked: Asked) -> FloatArray:
        if self.labels.all() or not self.labels.any():
            return np.full(asked.replicates, np.nan)
        cases = sort_cases(self.labels, self.scores, self.owner, self.subjects)
        return replicated_areas([cases], replicates=asked.replicates, seed=asked.seed)[:, 0]

    def minus(self, earlier: Self, asked: Asked) -> Estimate:
        if not (np.array_equal(self.labels, earlier.labels) and np.array_equal(self.owner, earlier.owner)):
            raise WrongUse(
                found="subjects whose positive and negative cases are not as many on both sides",
                wanted="the same cases in both",
                remedy="Compare two validations of one test version.",
            )
        subjects = len(np.unique(self.owner))
        if self.labels.all() or not self.labels.any():
            return Estimate(
                value=None, unit=self.metric.unit, n_subjects=subjects, undefined=self.metric.undefined
            )
        # Both closed forms take a person's placements together: which case of a person is which does not matter.
        found = clustered_auc_difference(
            self.labels,
            self.scores,
            earlier.scores,
            self.owner,
            interval="obuchowski" if asked.interval in OF_PEOPLE else "percentile",
            seed=asked.seed,
            replicates=asked.replicates,
            confidence=asked.confidence,
        ).difference
        return found.model_copy(update={"unit": self.metric.unit})

    def over_readers(self, readers: Sequence[Self], asked: Asked) -> OverReaders:
        return averaged_over_readers(self, readers, asked)

    def without_each(self) -> FloatArray:
        if self.labels.all() or not self.labels.any():
            return np.full(self.subjects, np.nan)
        return jackknife_areas(self.labels, self.scores, self.owner, self.subjects)

    def heterogeneity(self, groups: Sequence[BoolArray], asked: Asked) -> Heterogeneity:  # noqa: ARG002 - a closed form
        found = [
            (clustered_area_variance(*cases), len(np.unique(cases[2])))
            for cases in (self._cases(mask) for mask in groups)
        ]
        both = [(area, people) for area, people in found if area is not None]
        test = area_homogeneity([area for area, _ in both])
        return Heterogeneity(
            p_value=test.p_value,
            statistic=test.statistic,
            groups=len(both),
            subjects=sum(people for _, people in both),
            method="" if test.p_value is None else test.test,
            undefined=test.undefined,
        )

    def _cases(self, chosen: BoolArray) -> tuple[BoolArray, FloatArray, IntArray]:
        held = chosen[self.owner]
        return self.labels[held], self.scores[held], self.owner[held]

    def _resampled(
        self, labels: BoolArray, scores: FloatArray, owner: IntArray, chosen: BoolArray, asked: Asked
    ) -> Estimate:
        """By the draw of all subjects, of whom a group's cases are a part."""
        place = np.cumsum(chosen) - 1
        cases = sort_cases(labels, scores, owner, self.subjects)
        drawn = replicated_areas([cases], replicates=asked.replicates, seed=asked.seed)[:, 0]
        value = clustered_area_variance(labels, scores, owner)
        assert value is not None  # both classes are there
        bare = Estimate(value=value.area, n_subjects=len(np.unique(owner)))
        if bare.n_subjects < 2:
            return no_interval(bare, "fewer than two subjects contribute")
        return resampled_interval(
            bare,
            drawn,
            interval=asked.resampled,
            left_out=lambda: jackknife_areas(labels, scores, place[owner], int(chosen.sum())),
            confidence=asked.confidence,
            seed=asked.seed,
            too_few=TOO_FEW,
        )


def _closed(labels: BoolArray, scores: FloatArray, owner: IntArray, asked: Asked) -> Estimate:
    """DeLong's where every person has one case; where people have several, the person is the unit."""
    alone = len(np.unique(owner)) == len(owner)
    if alone and asked.interval in OF_CASES:
        return auc(labels, scores, interval=OF_CASES[asked.interval], confidence=asked.confidence)
    named = OF_PEOPLE.get(asked.interval)
    found = clustered_auc(labels, scores, owner, interval=named or "obuchowski", confidence=asked.confidence)
    if named is None:
        bare = Estimate(value=found.value, n_subjects=found.n_subjects)
        return no_interval(bare, ONE_EACH)
    return found
