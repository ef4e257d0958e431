"""How well two readers agree over a dataset: pooled figures with intervals over subjects, before arbitration."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.record import Record
from medassay.statistics.resampled_interval import no_interval, resampled_interval
from medassay.statistics.resampling import resampling_weights

FloatArray = NDArray[np.float64]
Statistics = Mapping[str, float]
Figures = Callable[[Statistics], Mapping[str, float | None]]

REPLICATES = 2000
SEED = 20_240_101
CONFIDENCE = 0.95


class ReadDigest(Record):
    """One single read as it is kept: sealed, never altered by what became of it."""

    sample: str
    reader: str
    digest: str


class AgreementFigure(Record):
    """One figure over all samples that two readers read, before arbitration."""

    name: str
    estimate: Estimate
    least: float | None = Field(description="the lowest figure of one sample; None: defined for none")
    least_sample: str | None
    most: float | None = Field(description="the highest, which is the worst of a distance")
    most_sample: str | None
    n_defined: int = Field(ge=0, description="samples in which the figure is defined")
    limit: float | None = Field(description="least agreement without arbitration; None: no limit")
    n_below: int = Field(ge=0, description="samples below the limit")


class AgreementRecord(Record):
    """What a report says of the reference standard of one source."""

    schema_id: Literal["medassay.agreement/1"] = "medassay.agreement/1"
    task: str
    method: Literal["reads", "published", "computed"]
    not_performed: str = Field(default="", description="why no agreement was measured; empty: it was")
    readers: tuple[str, ...] = ()
    arbitrator: str | None = None
    n_samples: int = Field(default=0, ge=0, description="samples that two readers read")
    n_subjects: int = Field(default=0, ge=0)
    n_agreed: int = Field(default=0, ge=0)
    n_arbitrated: int = Field(default=0, ge=0)
    n_unresolved: int = Field(default=0, ge=0, description="disagreed, and nobody arbitrated")
    figures: tuple[AgreementFigure, ...] = ()
    statistics: dict[str, float] = Field(default_factory=dict, description="summed over these samples")
    reads: tuple[ReadDigest, ...] = ()


@dataclass(frozen=True)
class Compared:
    """Two reads of one sample, compared."""

    sample: str
    subject: str
    statistics: Statistics
    figures: Mapping[str, float | None]
    below: tuple[str, ...]  # figures below their limit


def figures_of(figures: Figures, statistics: Statistics) -> dict[str, float | None]:
    """A task's figures of summed statistics; one that is neither finite nor None is a fault of the task."""
    given = dict(figures(statistics))
    for name, value in given.items():
        if value is not None and not math.isfinite(value):
            raise WrongUse(
                found=f"agreement figure '{name}' that is {value}",
                wanted="a finite figure, or None where it is undefined",
                remedy="Mend the task's figures.",
                where="agreement",
            )
    return given


def agreement_figures(
    compared: Sequence[Compared], figures: Figures, limits: Mapping[str, float]
) -> tuple[AgreementFigure, ...]:
    """Every figure of the pooled statistics, with an interval that resamples subjects.

    The figures are any function of summed statistics, so each resample sums its subjects and asks again.
    A figure that is undefined in over 1 % of the resamples, that fewer than two subjects contribute to, or
    that is the same in all resamples has no interval, and says so.
    """
    if not compared:
        return ()
    names = sorted(compared[0].figures)
    subjects, table, keys = _by_subject(compared)
    pooled = figures(_named(keys, table.sum(axis=0)))
    alone = [figures(_named(keys, row)) for row in table]
    drawn = [
        figures(_named(keys, row)) for row in resampling_weights(len(subjects), REPLICATES, SEED) @ table
    ]
    return tuple(
        _figure(
            name,
            _estimate(
                pooled[name],
                [own[name] for own in drawn],
                contributing=sum(own[name] is not None for own in alone),
                subjects=len(subjects),
            ),
            compared,
            limits.get(name),
        )
        for name in names
    )


def summed(compared: Sequence[Compared]) -> dict[str, float]:
    """The statistics over all samples, by name."""
    if not compared:
        return {}
    _, table, keys = _by_subject(compared)
    return _named(keys, table.sum(axis=0))


def _by_subject(compared: Sequence[Compared]) -> tuple[list[str], FloatArray, list[str]]:
    """Sums of each subject, one row a subject; a sample must bring the statistics that the others bring."""
    keys, names = sorted(compared[0].statistics), sorted(compared[0].figures)
    subjects = sorted({one.subject for one in compared})
    table = np.zeros((len(subjects), len(keys)))
    for one in compared:
        if sorted(one.statistics) != keys or sorted(one.figures) != names:
            raise WrongUse(
                found=f"statistics {', '.join(sorted(one.statistics))}",
                wanted=f"{', '.join(keys)} and the same figures in every sample",
                remedy="Give every statistic in every sample, zero where nothing was counted.",
                where=f"agreement of sample {one.sample}",
            )
        table[subjects.index(one.subject)] += [one.statistics[key] for key in keys]
    if not np.isfinite(table).all():
        raise WrongUse(
            found="an agreement statistic that is not finite",
            wanted="finite additive statistics",
            remedy="Count an undefined figure as no count, never as NaN.",
            where="agreement",
        )
    return subjects, table, keys


def _named(keys: Sequence[str], row: FloatArray) -> dict[str, float]:
    return dict(zip(keys, map(float, row), strict=True))


def _estimate(
    value: float | None, drawn: Sequence[float | None], *, contributing: int, subjects: int
) -> Estimate:
    if value is None:
        return Estimate(value=None, n_subjects=subjects, undefined="undefined for the pooled reads")
    bare = Estimate(value=value, n_subjects=subjects)
    if contributing < 2:
        return no_interval(bare, "fewer than two subjects contribute")
    return resampled_interval(
        bare,
        np.array(drawn, dtype=np.float64),  # None becomes NaN: undefined in this resample
        interval="percentile",
        confidence=CONFIDENCE,
        seed=SEED,
        too_few="too few subjects contribute",
        all_same="every resample shows the same figure",
    )


def _figure(
    name: str, estimate: Estimate, compared: Sequence[Compared], limit: float | None
) -> AgreementFigure:
    single = [(one.figures[name], one.sample) for one in compared]
    defined = [(value, sample) for value, sample in single if value is not None]
    least, most = min(defined, default=(None, None)), max(defined, default=(None, None))
    return AgreementFigure(
        name=name,
        estimate=estimate,
        least=least[0],
        least_sample=least[1],
        most=most[0],
        most_sample=most[1],
        n_defined=len(defined),
        limit=limit,
        n_below=sum(name in one.below for one in compared),
    )
