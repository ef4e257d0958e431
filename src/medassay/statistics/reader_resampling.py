"""A device's figure where several readers made the reference: their disagreement carried into the interval.

Against a consensus the reference looks certain. Other readers, as good, would have drawn other references, and
the device's figure would have moved: that spread belongs into the interval. Readers and subjects are drawn
independently of each other and a resample takes every drawn reader's reference of every drawn subject.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.ratio import ratio
from medassay.statistics.resampled_interval import SAME_FIGURE, SMALLEST_DEFINED_SHARE
from medassay.statistics.resampling import FloatArray, percentile_interval, resampling_weights

FEW_READERS = 5


@dataclass(frozen=True)
class OverReaders:
    """The same figure three ways.

    Attributes
    ----------
    consensus : against the agreed reference, resampled over subjects
    over_readers : mean over the readers' references, resampled over readers and subjects
    each_reader : against each reader's reference, resampled over subjects, in the readers' order
    widening : width of the second interval over that of the first; None where one of them is missing, or the first
        is a closed form
    remarks : what limits the second
    """

    consensus: Estimate
    over_readers: Estimate
    each_reader: tuple[Estimate, ...]
    widening: float | None
    remarks: tuple[str, ...]


@method(
    id="interval-over-readers",
    task="reader_study",
    zh="计入阅片者间差异的置信区间（阅片者与受试者双重重抽样）",
    en="interval over readers and subjects",
    formula="percentiles of sum V W num / sum V W den, V from r - 1 draws of r readers, W from n draws of n subjects",
    source="Owen, Ann Appl Stat 1:386-411, 2007 (two-way bootstrap); Rao and Wu, J Am Stat Assoc 83:231-241, 1988",
    check="variance of a balanced two-way layout in closed form, by simulation",
)
def over_readers(
    numerator: FloatArray,
    denominator: FloatArray,
    consensus: tuple[FloatArray, FloatArray],
    *,
    undefined: str,
    seed: int,
    replicates: int = 2000,
    confidence: float = 0.95,
    unit: str = "1",
    proportion: bool = False,
) -> OverReaders:
    """Figure and interval against several readers, beside those against their consensus.

    Parameters
    ----------
    numerator, denominator : shape (n_readers, n_subjects), finite; denominator >= 0
        Sums of each subject against each reader's reference, as `ratio` takes them; both 0 where the reader
        did not read the subject.
    consensus : (numerator, denominator), each of shape (n_subjects,)
        The same subjects against the agreed reference.
    seed : int
        Of the resampling, recorded with the figure.
    proportion : bool
        As for `ratio`, of the consensus and the single readers.

    Returns
    -------
    OverReaders
        `over_readers` has no interval with one reader or one subject. One reader less than there are is
        drawn, which makes the variance right on average for few readers too; with fewer than five the
        interval can take few values and says so.

    Raises
    ------
    WrongUse
        Shapes that do not fit; otherwise as `ratio`.

    Notes
    -----
    A figure over a consensus is not the mean over readers: a consensus is a better reference than any of
    them, so the two values differ, and neither interval is a correction of the other. What is peculiar to a
    reader with a subject is counted up to three times (Owen): with much of it the interval is conservative.

    Examples
    --------
    >>> hits, lesions = np.array([[3.0, 1, 4], [2.0, 1, 4]]), np.array([[4.0, 2, 4], [4.0, 1, 5]])
    >>> found = over_readers(hits, lesions, (hits[0], lesions[0]), undefined="no lesion", seed=1)
    >>> found.over_readers.value, found.consensus.value
    (0.75, 0.8)
    """
    _require_table(numerator, denominator, consensus)

    def resampled(own: FloatArray, of: FloatArray) -> Estimate:
        return ratio(
            own,
            of,
            undefined=undefined,
            seed=seed,
            replicates=replicates,
            confidence=confidence,
            unit=unit,
            proportion=proportion,
        )

    agreed = resampled(*consensus)
    each = tuple(resampled(own, of) for own, of in zip(numerator, denominator, strict=True))
    both = _both_ways(numerator, denominator, undefined, seed, replicates, confidence, unit)
    return OverReaders(agreed, both, each, _widening(agreed, both), _coarse(len(numerator)))


@method(
    id="interval-over-readers-averaged",
    task="reader_study",
    zh="计入阅片者间差异的置信区间（各阅片者数值取平均）",
    en="interval over readers and subjects, of a figure that is no ratio of sums",
    formula="percentiles of sum V_r f_r(W) / (r - 1), f_r the figure against reader r, V and W drawn as for ratios",
    source="Owen, Ann Appl Stat 1:386-411, 2007 (two-way bootstrap); Rao and Wu, J Am Stat Assoc 83:231-241, 1988",
    check="quantiles of the readers' own resamples, with two readers half of them each",
)
def mean_over_readers(
    consensus: Estimate,
    each: Sequence[Estimate],
    resampled: FloatArray,
    *,
    undefined: str,
    seed: int,
    confidence: float = 0.95,
) -> OverReaders:
    """As `over_readers` for a figure that is no ratio of sums: the readers' own figures are averaged.

    Parameters
    ----------
    consensus, each : Estimate
        The figure against the agreed reference, and against each reader, resampled over subjects.
    resampled : shape (n_readers, replicates)
        Each reader's figure of each resample of subjects, the same resamples for all; NaN where it is undefined.
    seed : int
        Of the drawing of readers.

    Returns
    -------
    OverReaders
        No figure where one reader's is undefined; no interval with one reader.

    Examples
    --------
    >>> own = [Estimate(value=v, n_subjects=9) for v in (0.7, 0.9)]
    >>> drawn = np.array([[0.6, 0.7, 0.8], [0.8, 0.9, 1.0]])
    >>> mean_over_readers(own[0], own, drawn, undefined="no case", seed=1).over_readers.value
    0.8
    """
    readers, replicates = resampled.shape
    values = [one.value for one in each if one.value is not None]
    people = min((one.n_subjects for one in each), default=0)
    if len(values) < readers:
        missing = Estimate(value=None, unit=consensus.unit, n_subjects=people, undefined=undefined)
        return OverReaders(consensus, missing, tuple(each), None, ())
    without = [one.undefined for one in each if one.lower is None]
    reason = without[0] if without else "no interval: fewer than two readers or subjects contribute"
    bare = Estimate(value=float(np.mean(values)), unit=consensus.unit, n_subjects=people, undefined=reason)
    if readers < 2 or without:
        return OverReaders(consensus, bare, tuple(each), None, _coarse(readers))
    drawn = _drawn_readers(readers, replicates, seed)
    parts = np.where(drawn > 0, drawn * resampled.T, 0.0)  # a reader who is not drawn may be undefined
    figures = parts.sum(axis=1) / (readers - 1)
    both = _with_percentiles(bare, figures[np.isfinite(figures)], replicates, readers, seed, confidence)
    return OverReaders(consensus, both, tuple(each), _widening(consensus, both), _coarse(readers))


def _drawn_readers(readers: int, replicates: int, seed: int) -> FloatArray:
    """How often each reader is drawn in each resample, shape (replicates, n_readers)."""
    drawn = np.random.default_rng([seed, readers]).multinomial(
        readers - 1, np.full(readers, 1 / readers), size=replicates
    )
    return drawn.astype(np.float64)


def _with_percentiles(
    bare: Estimate, figures: FloatArray, replicates: int, readers: int, seed: int, confidence: float
) -> Estimate:
    """The figure with the percentiles of its defined resamples, or the reason why it has none."""
    if len(figures) < SMALLEST_DEFINED_SHARE * replicates:
        return bare.model_copy(update={"undefined": "no interval: too few readers or subjects contribute"})
    if np.ptp(figures) <= SAME_FIGURE * max(1.0, float(np.abs(figures).max())):
        return bare.model_copy(update={"undefined": "no interval: every resample has the same figure"})
    lower, upper = percentile_interval(figures, confidence)
    return bare.model_copy(
        update={
            "lower": lower,
            "upper": upper,
            "confidence": confidence,
            "method": f"two_way_bootstrap_percentile(readers={readers}, subjects, "
            f"replicates={replicates}, seed={seed})",
            "undefined": "",
        }
    )


def _coarse(readers: int) -> tuple[str, ...]:
    """What is said of an interval over so few readers that it can take few values."""
    return (f"{readers} readers: the interval over readers is coarse",) if 1 < readers < FEW_READERS else ()


def _both_ways(
    numerator: FloatArray,
    denominator: FloatArray,
    undefined: str,
    seed: int,
    replicates: int,
    confidence: float,
    unit: str,
) -> Estimate:
    readers, subjects = numerator.shape
    total = float(denominator.sum())
    counted = int(np.count_nonzero(denominator.sum(axis=0)))
    if total == 0:
        return Estimate(value=None, unit=unit, n_subjects=0, n_events=0, undefined=undefined)
    bare = Estimate(
        value=float(numerator.sum()) / total,
        unit=unit,
        n_subjects=counted,
        n_events=total,
        undefined="no interval: fewer than two readers or subjects contribute",
    )
    contributing = int(np.count_nonzero(denominator.sum(axis=1)))
    if contributing < 2 or counted < 2:
        return bare
    drawn = _drawn_readers(readers, replicates, seed)
    people = resampling_weights(subjects, replicates, seed)
    top, bottom = (((people @ table.T) * drawn).sum(axis=1) for table in (numerator, denominator))
    defined = bottom > 0
    return _with_percentiles(bare, top[defined] / bottom[defined], replicates, readers, seed, confidence)


def _widening(agreed: Estimate, both: Estimate) -> float | None:
    if agreed.lower is None or agreed.upper is None or both.lower is None or both.upper is None:
        return None
    if (
        "bootstrap" not in agreed.method
    ):  # a share of 0 or 1 has a closed form: widths of two kinds say nothing
        return None
    width = agreed.upper - agreed.lower
    return (both.upper - both.lower) / width if width > 0 else None


def _require_table(
    numerator: FloatArray, denominator: FloatArray, consensus: tuple[FloatArray, FloatArray]
) -> None:
    shapes = {numerator.shape, denominator.shape}
    fits = numerator.ndim == 2 and len(shapes) == 1 and numerator.shape[0] > 0
    if not fits or any(part.shape != numerator.shape[1:] for part in consensus):
        raise WrongUse(
            found=f"sums of shapes {numerator.shape} and {denominator.shape}, "
            f"consensus of {consensus[0].shape} and {consensus[1].shape}",
            wanted="(readers, subjects) twice, and (subjects,) twice",
            remedy="Sum each subject against each reader, and against the consensus, in one order of subjects.",
        )
    finite = np.isfinite(numerator).all() and np.isfinite(denominator).all()
    if not finite or (denominator < 0).any():
        raise WrongUse(
            found="a sum that is not finite, or a negative denominator",
            wanted="finite sums",
            remedy="Let the protocol's rule for missing readings score the sample; never pass NaN on.",
        )
