"""Endpoints as ratios of sums over subjects, with intervals that resample subjects, never events.

Every figure here is sum(numerator) / sum(denominator): a sensitivity is TP / (TP + FN), a mean Dice the sum
of Dice over the number of structures, false alarms a day FP over days. One bootstrap is then one product of
a weight matrix (replicates x subjects) with the table of sums.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.statistics.proportion import proportion as binomial
from medassay.statistics.resampling import (
    FloatArray,
    bca_interval,
    jackknife_ratio,
    percentile_interval,
    resampled_sums,
)

Interval = Literal["percentile", "bca"]

SMALLEST_DEFINED_SHARE = 0.99
SAME_FIGURE = 1e-12  # relative: ratios this close differ by rounding only


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

    Notes
    -----
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
    total, counted = float(denominator.sum()), denominator > 0
    subjects = int(np.count_nonzero(counted))
    if total == 0:
        return Estimate(value=None, unit=unit, n_subjects=0, n_events=0, undefined=undefined)
    bare = Estimate(
        value=float(numerator.sum()) / total,
        unit=unit,
        n_subjects=subjects,
        n_events=total,
        undefined="no interval: fewer than two subjects contribute",
    )
    if subjects < 2:
        return bare
    if _all_equal(numerator[counted] / denominator[counted]):
        return _of_equal_subjects(bare, confidence, proportion)
    if sums is None:
        sums = resampled_sums(np.column_stack([numerator, denominator]), replicates, seed)
    resampled = _resampled(sums)
    if resampled is None:
        return _without_interval(bare, "too few subjects contribute")
    ends: tuple[float, float] | None = percentile_interval(resampled, confidence)
    if interval == "bca":
        left_out = jackknife_ratio(numerator, denominator)
        ends = bca_interval(resampled, float(numerator.sum()) / total, left_out, confidence)
    return _with_interval(bare, ends, interval, confidence, replicates, seed)


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
    defined = (sums[:, 1] > 0) & (sums[:, 3] > 0)
    if defined.mean() < SMALLEST_DEFINED_SHARE:
        return _without_interval(bare, "too few subjects contribute")
    kept = sums[defined]
    figures = kept[:, 0] / kept[:, 1] - kept[:, 2] / kept[:, 3]
    if np.ptp(figures) <= SAME_FIGURE:
        return _without_interval(bare, "every resample shows the same difference")
    ends = percentile_interval(figures, confidence)
    return _with_interval(bare, ends, "percentile", confidence, replicates, seed)


def _resampled(sums: FloatArray) -> FloatArray | None:
    """The figure of each resample; None when too many have nothing to divide by."""
    defined = sums[:, 1] > 0
    if defined.mean() < SMALLEST_DEFINED_SHARE:
        return None
    figures: FloatArray = sums[defined, 0] / sums[defined, 1]
    return figures


def _all_equal(ratios: FloatArray) -> bool:
    return bool(np.ptp(ratios) <= SAME_FIGURE * max(1.0, float(np.abs(ratios).max())))


def _of_equal_subjects(bare: Estimate, confidence: float, proportion: bool) -> Estimate:
    """Subjects that all have one figure: the exact bound where it is a proportion of 0 or 1, else none."""
    if not (proportion and bare.value in (0.0, 1.0)):
        return _without_interval(bare, "every contributing subject has the same figure")
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


def _without_interval(bare: Estimate, reason: str) -> Estimate:
    return bare.model_copy(update={"undefined": f"no interval: {reason}"})


def _with_interval(
    bare: Estimate,
    ends: tuple[float, float] | None,
    interval: Interval,
    confidence: float,
    replicates: int,
    seed: int,
) -> Estimate:
    if ends is None:
        return _without_interval(bare, "the BCa corrections do not exist for these subjects")
    return bare.model_copy(
        update={
            "lower": ends[0],
            "upper": ends[1],
            "confidence": confidence,
            "method": f"cluster_bootstrap_{interval}(subjects, replicates={replicates}, seed={seed})",
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
