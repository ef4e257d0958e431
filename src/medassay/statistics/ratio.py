"""Endpoints as ratios of sums over subjects, with intervals that resample subjects, never events.

Every figure here is sum(numerator) / sum(denominator): a sensitivity is TP / (TP + FN), a mean Dice the sum
of Dice over the number of structures, false alarms a day FP over days. One bootstrap is then one product of
a weight matrix (replicates x subjects) with the table of sums.

Both intervals are too narrow with few subjects or a ratio near 0 or 1: the next person may differ from
all that were seen, and no resample holds that person. At the end of that road all contributing subjects
have the same ratio and every resample repeats it: an interval of no width, which is never given.

- A proportion of exactly 0 or 1 in all of them gets the exact binomial interval with *subjects* as
  trials ("was this person without any miss?"); however many events a person has, it is one trial. Ten
  faultless people bound the proportion from below by 0.69, not by 1. The bound holds for the share of
  faultless people, and so for the proportion of events where how many events a person has does not go
  along with how badly they are met.
- Any other common figure, and a rate without an upper limit, has no interval, and says so.

The exact bound is the more careful of the two: a single miss in one person brings the resampled interval
back, which may then be narrower than that of a faultless device. Read an interval whose subjects differ
in one or two persons only as the least uncertainty there can be.
"""

from __future__ import annotations

import numpy as np

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.statistics.proportion import proportion as binomial
from medassay.statistics.resampled_interval import (
    SAME_FIGURE,
    Interval,
    no_interval,
    resampled_interval,
)
from medassay.statistics.resampling import FloatArray, jackknife_ratio, resampled_sums

TOO_FEW = "too few subjects contribute"
SAME_DIFFERENCE = "every resample shows the same difference"


def ratio(
    numerator: FloatArray,
    denominator: FloatArray,
    *,
    undefined: str,
    seed: int,
    replicates: int = 2000,
    confidence: float = 0.95,
    unit: str = "1",
    interval: Interval = "percentile",
    proportion: bool = False,
    sums: FloatArray | None = None,
) -> Estimate:
    """Ratio of sums with an interval over resampled subjects.

    Parameters
    ----------
    numerator, denominator : shape (n_subjects,), finite; denominator >= 0
        Each subject's sums, in one order.
    undefined : str
        What it means that the denominator is zero ("no reference event").
    seed : int
        Of the resampling, recorded with the figure.
    interval : "percentile" or "bca"
        How the resampled figures become an interval.
    proportion : bool
        The numerator counts a part of the denominator, so that no subject's ratio can leave [0, 1].
    sums : shape (replicates, 2), optional
        Numerator and denominator of each resample, where `resampled_sums` of this seed has made them for many
        figures at once.

    Returns
    -------
    Estimate
        Not estimable when the denominator sums to zero. With fewer than two subjects that have a
        denominator, or when over 1 % of the resamples have none, the figure stands without an interval and
        says so. `n_subjects` counts those that have a denominator: twenty people of whom three had an event
        are three people to a sensitivity.

    References
    ----------
    Field and Welsh, J R Stat Soc B 69:369-390, 2007 (the cluster bootstrap); Davison and Hinkley,
    Bootstrap Methods and their Application, 1997, 5.3.1 (percentile interval); Efron, J Am Stat Assoc
    82:171-185, 1987 (BCa); Clopper and Pearson, Biometrika 26:404-413, 1934.

    Examples
    --------
    >>> e = ratio(np.array([9.0, 5.0]), np.array([10.0, 5.0]), undefined="no reference event", seed=1)
    >>> round(e.value, 3)
    0.933
    """
    require_sums(numerator, denominator)
    if proportion:
        _require_part(numerator, denominator)
    bare = _bare(numerator, denominator, undefined, unit)
    if bare.value is None or bare.n_subjects < 2:
        return bare
    if _all_equal(numerator, denominator):
        return _of_equal_subjects(bare, confidence, proportion)
    if sums is None:
        sums = resampled_sums(np.column_stack([numerator, denominator]), replicates, seed)
    return resampled_interval(
        bare,
        ratios(sums[:, 0], sums[:, 1]),
        interval=interval,
        left_out=lambda: jackknife_ratio(numerator, denominator),
        confidence=confidence,
        seed=seed,
        too_few=TOO_FEW,
    )


def ratio_difference(
    first: tuple[FloatArray, FloatArray],
    second: tuple[FloatArray, FloatArray],
    *,
    undefined: str,
    seed: int,
    replicates: int = 2000,
    confidence: float = 0.95,
    unit: str = "1",
) -> Estimate:
    """Difference of two ratios of the same subjects, first minus second, resampled as pairs.

    Parameters
    ----------
    first, second : (numerator, denominator), each of shape (n_subjects,)
        Sums of the same subjects in the same order: two devices, or two versions of one.

    Returns
    -------
    Estimate
        Percentile interval. Not estimable when either denominator sums to zero; no interval when fewer than
        two subjects contribute to both, or when every subject shows the same difference.

    References
    ----------
    As for `ratio`; one draw of subjects serves both ratios, so what a hard subject does to both cancels.

    Examples
    --------
    >>> a, b, n = np.array([9.0, 5.0]), np.array([8.0, 5.0]), np.array([10.0, 5.0])
    >>> round(ratio_difference((a, n), (b, n), undefined="no reference event", seed=1).value, 3)
    0.067
    """
    for numerator, denominator in (first, second):
        require_sums(numerator, denominator)
    if len(first[0]) != len(second[0]):
        raise WrongUse(
            found=f"{len(first[0])} and {len(second[0])} subjects",
            wanted="the same subjects in both",
            remedy="Compare on the subjects that both were tested on.",
        )
    totals = float(first[1].sum()), float(second[1].sum())
    subjects = min(int(np.count_nonzero(part[1])) for part in (first, second))
    if 0 in totals:
        return Estimate(value=None, unit=unit, n_subjects=subjects, n_events=0, undefined=undefined)
    bare = Estimate(
        value=float(first[0].sum()) / totals[0] - float(second[0].sum()) / totals[1],
        unit=unit,
        n_subjects=subjects,
        undefined="no interval: fewer than two subjects contribute",
    )
    if subjects < 2:
        return bare
    sums = resampled_sums(np.column_stack([*first, *second]), replicates, seed)
    return resampled_interval(
        bare,
        ratios(sums[:, 0], sums[:, 1]) - ratios(sums[:, 2], sums[:, 3]),
        interval="percentile",
        confidence=confidence,
        seed=seed,
        too_few=TOO_FEW,
        all_same=SAME_DIFFERENCE,
    )


def ratios(numerators: FloatArray, denominators: FloatArray) -> FloatArray:
    """Numerator over denominator of each row, NaN where nothing is divided by.

    Examples
    --------
    >>> ratios(np.array([1.0, 2.0]), np.array([2.0, 0.0])).tolist()
    [0.5, nan]
    """
    figures: FloatArray = np.divide(
        numerators, denominators, out=np.full(np.shape(numerators), np.nan), where=denominators > 0
    )
    return figures


def _bare(numerator: FloatArray, denominator: FloatArray, undefined: str, unit: str) -> Estimate:
    """The figure without an interval, or why there is none."""
    total = float(denominator.sum())
    if total == 0:
        return Estimate(value=None, unit=unit, n_subjects=0, n_events=0, undefined=undefined)
    return Estimate(
        value=float(numerator.sum()) / total,
        unit=unit,
        n_subjects=int(np.count_nonzero(denominator > 0)),
        n_events=total,
        undefined="no interval: fewer than two subjects contribute",
    )


def _all_equal(numerator: FloatArray, denominator: FloatArray) -> bool:
    """Whether all subjects that have a denominator have one ratio."""
    counted = denominator > 0
    own = numerator[counted] / denominator[counted]
    return bool(np.ptp(own) <= SAME_FIGURE * max(1.0, float(np.abs(own).max())))


def _of_equal_subjects(bare: Estimate, confidence: float, proportion: bool) -> Estimate:
    """Subjects that all have one figure: the exact bound where it is a proportion of 0 or 1, else none."""
    if not (proportion and bare.value in (0.0, 1.0)):
        return no_interval(bare, "every contributing subject has the same figure")
    trials = bare.n_subjects
    faultless = trials if bare.value == 1.0 else 0
    exact = binomial(faultless, trials, method="clopper_pearson", confidence=confidence)
    return bare.model_copy(
        update={
            "lower": exact.lower,
            "upper": exact.upper,
            "confidence": confidence,
            "method": f"clopper_pearson(subjects without exception, trials={trials})",
            "undefined": "",
        }
    )


def require_sums(numerator: FloatArray, denominator: FloatArray) -> None:
    """Each subject's two sums are finite, and nothing is divided by less than zero.

    Raises
    ------
    WrongUse
    """
    if numerator.ndim != 1 or numerator.shape != denominator.shape:
        raise WrongUse(
            found=f"shapes {numerator.shape} and {denominator.shape}",
            wanted="two sums for each subject",
            remedy="Sum each subject's samples first, in one order.",
        )
    if not (np.isfinite(numerator).all() and np.isfinite(denominator).all()) or (denominator < 0).any():
        raise WrongUse(
            found="a sum that is not finite, or a negative denominator",
            wanted="finite sums",
            remedy="Let the protocol's rule for missing predictions score the sample; never pass NaN on.",
        )


def _require_part(numerator: FloatArray, denominator: FloatArray) -> None:
    if (numerator < 0).any() or (numerator > denominator).any():
        raise WrongUse(
            found="a subject whose numerator is negative or exceeds its denominator",
            wanted="a part of a whole",
            remedy="Check the scorer's statistics, or do not call the figure a proportion.",
        )
