"""Qualitative procedures by EP12: agreement with a comparator, agreement without one, and the imprecision interval.

Agreement with a comparator that is not the truth is called positive and negative percent agreement, never
sensitivity and specificity.

The numbers that EP12 is said to ask for (50 positives and negatives, 40 results a level, 20 % about C50) are those
that publications quote; neither edition was checked against its text, and the protocol may declare others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.acceptance import Criterion, judge
from medassay.statistics.paired import groups, undefined
from medassay.statistics.probit import ProbitFit, Scale, probit_hit_rates
from medassay.statistics.proportion import proportion
from medassay.statistics.ratio import ratio
from medassay.statistics.variance_components import Labels

NEEDED_EACH = 50
NEEDED_AT_A_LEVEL = 40


@dataclass(frozen=True)
class PercentAgreement:
    """PPA, NPA and OPA; counts as (both positive, candidate alone, comparator alone, both negative)."""

    positive: Estimate
    negative: Estimate
    overall: Estimate
    counts: tuple[int, int, int, int]
    enough: bool  # as many comparator positives and negatives as EP12 asks for


@method(
    id="percent-agreement-ppa-npa-opa",
    task="measurement",
    zh="阳性符合率、阴性符合率、总符合率",
    en="Positive, negative and overall percent agreement",
    formula="PPA = a / (a + c), NPA = d / (b + d), OPA = (a + d) / n; score interval, or bootstrap of subjects",
    source="CLSI EP12 (not checked against the text); FDA guidance on evaluating diagnostic tests, 2007",
    check="worked example of the FDA guidance; statsmodels proportion_confint",
)
def percent_agreement_with(
    candidate: ArrayLike,
    comparator: ArrayLike,
    *,
    subject: Labels | None = None,
    seed: int = 0,
    replicates: int = 2000,
    confidence: float = 0.95,
    needed: int = NEEDED_EACH,
) -> PercentAgreement:
    """Agreement of a candidate with a comparator that is not the truth.

    Parameters
    ----------
    candidate, comparator : shape (n,), bool
        Positive or not, one entry a specimen.
    subject : shape (n,) or None
        Whose specimen; given, intervals resample subjects. None: one specimen a subject.
    needed : int
        Comparator positives and negatives each that EP12 asks for.

    Returns
    -------
    PercentAgreement
        Not estimable without comparator positives, or negatives, or specimens.

    Raises
    ------
    WrongUse
        When a call is neither positive nor negative, or the two do not pair.

    Examples
    --------
    >>> a = np.repeat([True, True, False, False], [40, 5, 4, 171])
    >>> b = np.repeat([True, False, True, False], [40, 5, 4, 171])
    >>> found = percent_agreement_with(a, b)
    >>> [round(e.value, 3) for e in (found.positive, found.negative, found.overall)]
    [0.909, 0.972, 0.959]
    """
    test, reference = _calls(candidate, "candidate"), _calls(comparator, "comparator")
    if test.shape != reference.shape:
        raise WrongUse(
            found=f"{len(test)} and {len(reference)} calls",
            wanted="two calls of each specimen",
            remedy="Pair them first; a failed call is a call that missed, not a specimen less.",
        )
    member = None if subject is None else groups(subject, len(test), "subjects")

    def share(hit: NDArray[np.bool_], of: NDArray[np.bool_], none: str) -> Estimate:
        return _share(hit & of, of, member, none, seed=seed, replicates=replicates, confidence=confidence)

    counts = tuple(
        int(part.sum())
        for part in (test & reference, test & ~reference, ~test & reference, ~test & ~reference)
    )
    return PercentAgreement(
        share(test, reference, "no comparator positive"),
        share(~test, ~reference, "no comparator negative"),
        share(test == reference, np.ones(len(test), dtype=np.bool_), "no specimen"),
        (counts[0], counts[1], counts[2], counts[3]),
        min(counts[0] + counts[2], counts[1] + counts[3]) >= needed,
    )


def _share(
    hit: NDArray[np.bool_],
    of: NDArray[np.bool_],
    member: NDArray[np.int64] | None,
    none: str,
    *,
    seed: int,
    replicates: int,
    confidence: float,
) -> Estimate:
    """Specimens hit among those asked of: independent ones, or those of resampled subjects."""
    if member is None:
        if not of.any():
            return undefined(0, none)
        return proportion(int(hit.sum()), int(of.sum()), confidence=confidence)
    people = int(member.max(initial=-1)) + 1
    sums = [
        np.bincount(member, part.astype(np.float64), minlength=people).astype(np.float64)
        for part in (hit, of)
    ]
    return ratio(
        sums[0],
        sums[1],
        undefined=none,
        seed=seed,
        replicates=replicates,
        confidence=confidence,
        proportion=True,
    )


@method(
    id="average-positive-negative-agreement",
    task="measurement",
    zh="平均阳性、阴性一致率",
    en="Average positive and negative agreement",
    formula="APA = 2a / (2a + b + c), ANA = 2d / (2d + b + c); bootstrap of subjects",
    source="Cicchetti and Feinstein, J Clin Epidemiol 43:551-558, 1990; FDA guidance 2007",
    check="worked by hand",
)
def average_agreement(
    first: ArrayLike,
    second: ArrayLike,
    subject: Labels,
    *,
    seed: int,
    replicates: int = 2000,
    confidence: float = 0.95,
) -> tuple[Estimate, Estimate]:
    """Average positive and average negative agreement where neither call is the comparator.

    Parameters
    ----------
    first, second : shape (n,), bool
        Two calls of one specimen by readers or sites; several pairs of a specimen are several entries.
    subject : shape (n,)
        Specimen or subject that the pair belongs to: resampled as a whole.

    Examples
    --------
    >>> positive, negative = average_agreement([1, 1, 0, 0], [1, 0, 0, 0], list("pqrs"), seed=1)
    >>> round(positive.value, 3), round(negative.value, 3)
    (0.667, 0.8)
    """
    one, other = _calls(first, "first"), _calls(second, "second")
    if one.shape != other.shape:
        raise WrongUse(
            found=f"{len(one)} and {len(other)} calls", wanted="pairs of calls", remedy="Pair them first."
        )
    member = groups(subject, len(one), "subjects")

    def average(call: bool) -> Estimate:
        hits = [(part == call).astype(np.float64) for part in (one, other)]
        both = np.bincount(member, 2 * hits[0] * hits[1]).astype(np.float64)
        either = np.bincount(member, hits[0] + hits[1]).astype(np.float64)
        return ratio(
            both,
            either,
            undefined="no such call",
            seed=seed,
            replicates=replicates,
            confidence=confidence,
            proportion=True,
        )

    return average(True), average(False)


@dataclass(frozen=True)
class ImprecisionInterval:
    """C5, C50 and C95: below C5 a result is almost always negative, above C95 almost always positive."""

    c5: Estimate
    c50: Estimate
    c95: Estimate
    fit: ProbitFit | None
    criterion: Criterion | None


@method(
    id="c5-c95-interval",
    task="measurement",
    zh="C5-C95区间（定性检测不精密度区间）",
    en="C5-C95 imprecision interval",
    formula="concentrations at hit rates 5, 50 and 95 % of a probit fit",
    source="CLSI EP12, precision near the cutoff (not checked against the text)",
    check="as for the probit fit",
)
def imprecision_interval(
    concentration: ArrayLike,
    positive: ArrayLike,
    total: ArrayLike,
    *,
    scale: Scale = "log10",
    within_percent: float | None = None,
    confidence: float = 0.95,
    needed: int = NEEDED_AT_A_LEVEL,
    unit: str = "1",
) -> ImprecisionInterval:
    """How wide the band of concentrations is in which repeated results differ.

    Parameters
    ----------
    concentration, positive, total : shape (n,)
        As for `probit_hit_rates`.
    within_percent : float or None
        Claim that C5 and C95 lie within this of C50 (20 % is usual): the farther one is judged.
    needed : int
        Results a level.

    Examples
    --------
    >>> found = imprecision_interval([8, 10, 12], [2, 20, 38], [40, 40, 40], within_percent=20)
    >>> round(found.c50.value, 1), found.criterion.verdict
    (9.9, 'not_met')
    """
    fit = probit_hit_rates(
        concentration,
        positive,
        total,
        hit_rates=(0.05, 0.5, 0.95),
        scale=scale,
        confidence=confidence,
        unit=unit,
    )
    smallest = int(np.asarray(total, dtype=np.float64).min(initial=np.inf if np.size(total) else 0.0))
    if isinstance(fit, Estimate):
        far, c5, c50, c95 = undefined(fit.n_subjects, fit.undefined, "%"), fit, fit, fit
    else:
        c5, c50, c95 = (fit.concentrations[rate] for rate in (0.05, 0.5, 0.95))
        far = _farther(c5, c50, c95)
    criterion = None
    if within_percent is not None:
        criterion = judge(
            "distance of C5 or C95 from C50",
            far,
            "<=",
            within_percent,
            n=smallest,
            needed=needed,
            source="CLSI EP12",
        )
    return ImprecisionInterval(c5, c50, c95, None if isinstance(fit, Estimate) else fit, criterion)


def _farther(c5: Estimate, c50: Estimate, c95: Estimate) -> Estimate:
    """Larger distance of the two from C50, in percent of it."""
    if c5.value is None or c95.value is None or not c50.value or c50.value <= 0:
        return undefined(c50.n_subjects, "C50 is not above zero", "%")
    distance = 100 * max(c50.value - c5.value, c95.value - c50.value) / c50.value
    return Estimate(value=distance, unit="%", n_subjects=c50.n_subjects, method="probit")


def _calls(given: ArrayLike, what: str) -> NDArray[np.bool_]:
    table = np.asarray(given)
    known = table.dtype == np.bool_ or (
        np.issubdtype(table.dtype, np.number) and bool(np.isin(table, [0, 1]).all())
    )
    if table.ndim != 1 or not (known or table.size == 0):
        raise WrongUse(
            found=f"{what} calls of shape {table.shape} that are not all 0 or 1",
            wanted="positive or negative for each specimen",
            remedy="Decide in the protocol what an invalid or grey-zone result counts as.",
        )
    return table.astype(np.bool_)
