"""Accuracy of pulse oximeters: Arms over saturation, with an interval that knows of repeated measurements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.acceptance import Criterion, judge
from medassay.statistics.bland_altman_repeated import RepeatedAgreement, bland_altman_linked
from medassay.statistics.glucose_criteria import root
from medassay.statistics.paired import FloatArray, groups, pairs
from medassay.statistics.ratio import ratio
from medassay.statistics.variance_components import Labels

Bool = NDArray[np.bool_]

PAIRS, SUBJECTS = 200, 10
HIGHEST = 110.0  # %; beyond this it is an error code, not a saturation
DECADES: tuple[tuple[float, float], ...] = ((70, 80), (80, 90), (90, 100))


@dataclass(frozen=True)
class SaturationRange:
    """Figures of the reference values in [low, high); the last range holds its upper end."""

    low: float
    high: float
    arms: Estimate
    bias: Estimate
    pairs: int


@dataclass(frozen=True)
class Oximetry:
    """Over the declared range: Arms^2 = bias^2 + (population) precision^2; by ranges; limits of agreement."""

    arms: Estimate
    bias: Estimate
    ranges: tuple[SaturationRange, ...]
    agreement: RepeatedAgreement
    criterion: Criterion
    outside: int  # pairs whose reference lies outside the declared range, not counted


@method(
    id="arms",
    task="measurement",
    zh="血氧饱和度准确度均方根差（Arms）",
    en="Root mean square accuracy of oxygen saturation (Arms)",
    formula="sqrt(sum (SpO2 - SaO2)^2 / n); interval: percentile bootstrap of subjects",
    source="ISO 80601-2-61:2017, 201.12.1.101 and annex EE; FDA guidance on pulse oximeters, 2013",
    check="scikit-learn 1.9.1 root_mean_squared_error",
)
def arms(
    reference: ArrayLike,
    test: ArrayLike,
    subject: Labels,
    *,
    seed: int,
    limit: float = 4.0,
    span: tuple[float, float] = (70.0, 100.0),
    ranges: Sequence[tuple[float, float]] = DECADES,
    needed_pairs: int = PAIRS,
    needed_subjects: int = SUBJECTS,
    replicates: int = 2000,
    confidence: float = 0.95,
) -> Oximetry:
    """Arms, bias, ranges and limits of agreement of a controlled desaturation study.

    Parameters
    ----------
    reference, test : shape (n,), %
        SaO2 by CO-oximetry and SpO2 of the device. An uncapped device may show a little more than 100.
    subject : shape (n,)
        Whose pair it is. Twenty pairs of one person are one person to the interval.
    limit : float
        4.0 in the standard; 3.0 (transmission) and 3.5 (reflectance) in the FDA guidance of 2013.
    span : (low, high)
        Reference values outside are counted and left out.
    needed_pairs, needed_subjects : int
        200 and 10 in the standard; fewer of either give "not_enough".

    Returns
    -------
    Oximetry
        Not estimable without a pair in the span.

    Raises
    ------
    WrongUse
        For values that are not finite percentages.

    Examples
    --------
    >>> found = arms([90, 80, 95, 75], [92, 79, 96, 73], ["p", "p", "q", "q"], seed=1)
    >>> round(found.arms.value, 4), found.criterion.verdict
    (1.5811, 'not_enough')
    """
    x, y = _saturations(reference, test, span)
    person = groups(subject, len(x), "subjects")
    inside = (x >= span[0]) & (x <= span[1])
    reference_in, test_in, own = x[inside], y[inside], np.unique(person[inside], return_inverse=True)[1]

    def figures(keep: Bool) -> tuple[Estimate, Estimate]:
        return _arms_and_bias(test_in - reference_in, own, keep, seed, replicates, confidence)

    found, bias = figures(np.ones(len(own), dtype=np.bool_))
    by_range = [
        SaturationRange(low, high, *figures(keep), int(keep.sum()))
        for low, high, keep in _in_ranges(reference_in, ranges)
    ]
    enough = len(own) if found.n_subjects >= needed_subjects else min(len(own), needed_pairs - 1)
    criterion = judge(
        f"Arms over {span[0]:g} to {span[1]:g} %, {needed_subjects} subjects or more",
        found,
        "<=",
        limit,
        n=enough,
        needed=needed_pairs,
        source="ISO 80601-2-61:2017 201.12.1.101",
    )
    agreement = bland_altman_linked(test_in, reference_in, own, confidence=confidence, unit="%")
    return Oximetry(found, bias, tuple(by_range), agreement, criterion, int((~inside).sum()))


def _saturations(
    reference: ArrayLike, test: ArrayLike, span: tuple[float, float]
) -> tuple[FloatArray, FloatArray]:
    """Pairs of percentages, and a span that lies within them."""
    x, y = pairs(reference, test, names=("reference", "test"))
    if ((x < 0) | (x > HIGHEST) | (y < 0) | (y > HIGHEST)).any() or (len(x) and x.max() <= 1):
        raise WrongUse(
            found=f"a saturation below 0 or above {HIGHEST:g}, or fractions",
            wanted="percentages",
            remedy="Give 97 and not 0.97, and leave out error codes such as 127.",
        )
    if not 0 <= span[0] < span[1] <= 100:
        raise WrongUse(found=f"span {span}", wanted="0 <= low < high <= 100", remedy="Use (70, 100).")
    return x, y


def _in_ranges(
    reference: FloatArray, ranges: Sequence[tuple[float, float]]
) -> Iterator[tuple[float, float, Bool]]:
    """Which pairs lie in each range by their reference; the last range holds its upper limit too."""
    for place, (low, high) in enumerate(ranges):
        last = place == len(ranges) - 1
        yield low, high, (reference >= low) & ((reference <= high) if last else (reference < high))


def _arms_and_bias(
    difference: FloatArray, own: NDArray[np.int64], keep: Bool, seed: int, replicates: int, confidence: float
) -> tuple[Estimate, Estimate]:
    """Root mean square and mean of the differences that are kept, over persons."""
    persons = int(own.max(initial=-1)) + 1
    members = own[keep]
    count = np.bincount(members, minlength=persons).astype(np.float64)

    def mean(parts: FloatArray) -> Estimate:
        sums = np.bincount(members, parts, minlength=persons).astype(np.float64)
        none = "no pair in this range"
        return ratio(
            sums, count, undefined=none, seed=seed, replicates=replicates, confidence=confidence, unit="%"
        )

    return root(mean(difference[keep] ** 2), "%"), mean(difference[keep])
