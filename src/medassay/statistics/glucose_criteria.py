"""Accuracy criteria for blood glucose meters and continuous monitors, in mg/dL.

ISO 15197:2013 for self-testing meters, the FDA's criteria for meters (2020 guidances), the special controls for
integrated continuous monitors (21 CFR 862.1355), and MARD, which no standard limits. Confidence bounds resample
subjects: pairs of one person are not independent.

The limits are those that publications and public code quote. The numbers of clauses (ISO 15197 6.3, letters (A) to
(K) of the regulation) are not checked against the texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.acceptance import Criterion, judge
from medassay.statistics.error_grid import parkes_zones
from medassay.statistics.paired import FloatArray, bare, groups, pairs, undefined
from medassay.statistics.proportion import proportion
from medassay.statistics.ratio import ratio
from medassay.statistics.variance_components import Labels

Bool = NDArray[np.bool_]
Setting = Literal["home", "hospital"]
Bound = Literal["clustered", "independent"]

ISO_SUBJECTS, ISO_LOTS = 100, 3
ISO = "ISO 15197:2013 6.3.3"
ICGM = "21 CFR 862.1355(b)(1)(v)"
# Shares of the reference values that ISO 15197:2013 6.3.2 asks for, in mg/dL: (above, up to, share in %).
ISO_RANGES: tuple[tuple[float, float, float], ...] = (
    (0, 50, 5),
    (50, 80, 15),
    (80, 120, 20),
    (120, 200, 30),
    (200, 300, 15),
    (300, 400, 10),
    (400, np.inf, 5),
)


@dataclass(frozen=True)
class RelativeDifferences:
    """How far readings lie from the reference; percentages of the reference."""

    mard: Estimate
    median_ard: Estimate
    mean_bias: Estimate
    mean_relative_bias: Estimate
    mae: Estimate
    rmse: Estimate


@method(
    id="mard",
    task="measurement",
    zh="平均绝对相对差（MARD）",
    en="Mean absolute relative difference (MARD)",
    formula="100 mean(|test - reference| / reference)",
    source="CLSI POCT05, second edition; Reiterer et al., J Diabetes Sci Technol 11:59-67, 2017",
    check="scikit-learn 1.9.1 mean_absolute_percentage_error",
)
def mard(
    reference: ArrayLike,
    test: ArrayLike,
    subject: Labels,
    *,
    seed: int,
    replicates: int = 2000,
    confidence: float = 0.95,
    unit: str = "mg/dL",
) -> RelativeDifferences:
    """Mean and median absolute relative difference with what goes with them.

    Parameters
    ----------
    reference, test : shape (n,), in `unit`, reference above zero
    subject : shape (n,)
        Whose pair it is; intervals resample subjects.

    Returns
    -------
    RelativeDifferences
        Not estimable without a pair. The median has no interval.

    Raises
    ------
    WrongUse
        For values that are not finite, or a reference at or below zero.

    Examples
    --------
    >>> round(mard([100, 200], [110, 190], ["p", "q"], seed=1).mard.value, 9)
    7.5
    """
    x, y = _glucose(reference, test)
    member = groups(subject, len(x), "subjects")
    count = np.bincount(member).astype(np.float64)
    difference = y - x

    def mean(parts: FloatArray, of: str) -> Estimate:
        sums = np.bincount(member, parts, minlength=len(count)).astype(np.float64)
        return ratio(
            sums, count, undefined="no pair", seed=seed, replicates=replicates, confidence=confidence, unit=of
        )

    relative = np.abs(difference) / x * 100
    n = len(count)
    median = (
        bare(float(np.median(relative)), n, "a median over pairs", "%")
        if len(x)
        else undefined(0, "no pair", "%")
    )
    return RelativeDifferences(
        mean(relative, "%"),
        median,
        mean(difference, unit),
        mean(difference / x * 100, "%"),
        mean(np.abs(difference), unit),
        root(mean(difference**2, unit), unit),
    )


def root(mean_square: Estimate, unit: str) -> Estimate:
    """Square root of a mean square and of the ends of its interval.

    Examples
    --------
    >>> root(Estimate(value=4.0, n_subjects=3), "%").value
    2.0
    """
    ends = {
        name: None if end is None else float(np.sqrt(max(end, 0.0)))
        for name, end in (
            ("value", mean_square.value),
            ("lower", mean_square.lower),
            ("upper", mean_square.upper),
        )
    }
    return mean_square.model_copy(update={**ends, "unit": unit})


def within(reference: FloatArray, test: FloatArray, split: float, absolute: float, percent: float) -> Bool:
    """Whether each reading lies within -+ absolute below `split`, -+ percent of the reference from it up.

    Examples
    --------
    >>> within(np.array([90.0, 100.0]), np.array([105.0, 116.0]), 100, 15, 15).tolist()
    [True, False]
    """
    limit = np.where(reference < split, absolute, percent / 100 * reference)
    # 100 -+ 15 % is 85 to 115 as printed, whatever 0.15 is in binary.
    inside: Bool = np.abs(test - reference) <= limit * (1 + 1e-12)
    return inside


@dataclass(frozen=True)
class MeterVerdict:
    """Criteria of a meter, and how the reference values spread over the ranges that the standard asks for."""

    criteria: tuple[Criterion, ...]
    range_shares_percent: tuple[float, ...]


@method(
    id="iso-15197-accuracy",
    task="measurement",
    zh="血糖监测系统准确度判定（ISO 15197）",
    en="System accuracy of glucose meters (ISO 15197)",
    formula="each lot: >= 95 % within -+15 mg/dL (< 100) or -+15 %; all lots: >= 99 % in consensus zones A and B",
    source="ISO 15197:2013, 6.3.3",
    check="worked by hand",
)
def iso_15197(
    reference: ArrayLike, test: ArrayLike, subject: Labels, lot: Labels, *, seed: int, replicates: int = 2000
) -> MeterVerdict:
    """System accuracy of a meter for self-testing.

    Parameters
    ----------
    reference, test : shape (n,), mg/dL, above zero
    subject, lot : shape (n,)
        100 subjects or more in each of three lots or more are demanded; fewer give "not_enough".

    Returns
    -------
    MeterVerdict
        One criterion a lot and one over all. The limits hold for the figures themselves; the intervals over
        subjects stand beside them.

    Examples
    --------
    >>> x = np.tile([60.0, 150.0, 250.0], 2)
    >>> found = iso_15197(x, x + 5, list("pqrpqr"), list("aaabbb"), seed=1)
    >>> [(c.value.value, c.verdict) for c in found.criteria]
    [(1.0, 'not_enough'), (1.0, 'not_enough'), (1.0, 'not_enough')]
    """
    x, y = _glucose(reference, test)
    person, batch = groups(subject, len(x), "subjects"), groups(lot, len(x), "lots")
    lots = int(batch.max(initial=-1)) + 1
    inside = within(x, y, 100, 15, 15)
    criteria = []
    for number in range(lots):
        own = batch == number
        share = _share(inside[own], person[own], seed, replicates, 0.95)
        enough = share.n_subjects if lots >= ISO_LOTS else 0
        criteria.append(
            judge(
                f"lot {number + 1}: within 15 mg/dL or 15 %",
                share,
                ">=",
                0.95,
                n=enough if enough else min(share.n_subjects, ISO_SUBJECTS - 1),
                needed=ISO_SUBJECTS,
                source=f"{ISO} a)",
            )
        )
    grid = np.isin(parkes_zones(x, y), ["A", "B"])
    share = _share(grid, person, seed, replicates, 0.95)
    smallest = min((criterion.n for criterion in criteria), default=0)
    criteria.append(
        judge(
            "consensus zones A and B",
            share,
            ">=",
            0.99,
            n=smallest,
            needed=ISO_SUBJECTS,
            source=f"{ISO} b)",
        )
    )
    shares = tuple(
        float(100 * np.mean((x > low) & (x <= high))) if len(x) else 0.0 for low, high, _ in ISO_RANGES
    )
    return MeterVerdict(tuple(criteria), shares)


@method(
    id="fda-glucose-meter-accuracy",
    task="measurement",
    zh="血糖仪准确度判定（FDA）",
    en="Accuracy of glucose meters (FDA)",
    formula="home: 95 % within 15 %, 99 % within 20 %; hospital: 95 % within 12, 98 % within 15 (mg/dL < 75, %)",
    source="FDA guidances on self-monitoring and prescription point-of-care glucose meters, 2020",
    check="worked by hand",
)
def fda_meter(
    reference: ArrayLike,
    test: ArrayLike,
    subject: Labels,
    *,
    setting: Setting,
    seed: int,
    needed: int = 350,
    replicates: int = 2000,
) -> tuple[Criterion, ...]:
    """Accuracy of a meter by the FDA's criteria.

    Parameters
    ----------
    reference, test : shape (n,), mg/dL, above zero
    setting : "home" or "hospital"
    needed : int
        Subjects that the study must have: 350 as recommended for both settings.

    Examples
    --------
    >>> [c.limit for c in fda_meter([100.0], [110.0], ["p"], setting="home", seed=1)]
    [0.95, 0.99]
    """
    x, y = _glucose(reference, test)
    person = groups(subject, len(x), "subjects")
    rules = (
        ((0.0, 0.0, 15.0, 0.95), (0.0, 0.0, 20.0, 0.99))
        if setting == "home"
        else ((75.0, 12.0, 12.0, 0.95), (75.0, 15.0, 15.0, 0.98))
    )
    criteria = []
    for split, absolute, percent, limit in rules:
        share = _share(within(x, y, split, absolute, percent), person, seed, replicates, 0.95)
        name = f"within {percent:g} %" + (f" or {absolute:g} mg/dL below {split:g}" if split else "")
        criteria.append(
            judge(
                name,
                share,
                ">=",
                limit,
                n=share.n_subjects,
                needed=needed,
                source=f"FDA 2020, {setting} use",
            )
        )
    return tuple(criteria)


# Name, lowest and highest device value of the bin, allowed mg/dL or %, and the bound to be exceeded.
ICGM_RULES: tuple[tuple[str, float, float, float, bool, float], ...] = (
    ("(A) below 70, within 15 mg/dL", -np.inf, 70, 15, True, 0.85),
    ("(B) 70 to 180, within 15 %", 70, 180, 15, False, 0.70),
    ("(C) above 180, within 15 %", 180, np.inf, 15, False, 0.80),
    ("(D) below 70, within 40 mg/dL", -np.inf, 70, 40, True, 0.98),
    ("(E) 70 to 180, within 40 %", 70, 180, 40, False, 0.99),
    ("(F) above 180, within 40 %", 180, np.inf, 40, False, 0.99),
    ("(G) whole range, within 20 %", -np.inf, np.inf, 20, False, 0.87),
)


@method(
    id="icgm-special-controls",
    task="measurement",
    zh="集成式连续血糖监测系统准确度判定（iCGM）",
    en="Accuracy of integrated continuous glucose monitors (iCGM)",
    formula="one-sided 95 % lower bound of each share > its limit, bins by device value; no crossing of 70 and 180",
    source="21 CFR 862.1355(b)(1)(v)(A) to (I), letters not checked against the text",
    check="worked by hand",
)
def icgm(
    reference: ArrayLike,
    test: ArrayLike,
    subject: Labels,
    *,
    seed: int,
    bound: Bound = "clustered",
    needed: int = 30,
    replicates: int = 2000,
) -> tuple[Criterion, ...]:
    """The special controls on point accuracy; those on rates are `icgm_rates`.

    Parameters
    ----------
    reference, test : shape (n,), mg/dL, above zero
        Bins go by `test`, the device's value.
    subject : shape (n,)
        Whose pair it is.
    bound : "clustered" or "independent"
        The rule fixes no method. "clustered": lower end of the 90 % interval over resampled subjects; where no
        subject has a miss, the exact bound with subjects as trials, which stays below 0.99 with fewer than 299
        of them. "independent": exact bound with pairs as trials, which is too high where misses come in
        clusters.
    needed : int
        Subjects that must contribute to a bin; the rule fixes no number, so the protocol declares it.

    Returns
    -------
    tuple of Criterion
        (A) to (G), then (H) no reading below 70 with a reference above 180, and (I) the reverse, as counts.

    Examples
    --------
    >>> x = np.tile([60.0, 120.0, 220.0], 40)
    >>> found = icgm(x, x, np.repeat(np.arange(40), 3), seed=1)
    >>> [c.verdict for c in found[:3]], round(found[0].judged, 3)
    (['met', 'met', 'met'], 0.928)
    """
    x, y = _glucose(reference, test)
    person = groups(subject, len(x), "subjects")
    criteria = []
    for name, low, high, allowed, absolute, limit in ICGM_RULES:
        # 70 and 180 themselves belong to the middle bin.
        inside = (y >= low) & (y <= high) if (low, high) == (70, 180) else (y > low) & (y < high)
        near = within(x, y, np.inf, allowed, 0) if absolute else within(x, y, 0, 0, allowed)
        share = _bounded_share(near[inside], person[inside], bound, seed, replicates)
        n = share.n_subjects
        criteria.append(judge(name, share, ">", limit, n=n, needed=needed, source=ICGM, end="lower"))
    for name, crossed in (
        ("(H) device below 70, reference above 180", (y < 70) & (x > 180)),
        ("(I) device above 180, reference below 70", (y > 180) & (x < 70)),
    ):
        persons = len(np.unique(person))
        count = bare(float(crossed.sum()), persons, "a count that must be zero")
        criteria.append(judge(name, count, "<=", 0.0, n=persons, needed=needed, source=ICGM))
    return tuple(criteria)


@method(
    id="icgm-rates",
    task="measurement",
    zh="连续血糖监测变化率符合性（iCGM）",
    en="Agreement of glucose rates of change (iCGM)",
    formula="share with device rate > +1 where the true rate < -2, and the reverse, <= 1 % (mg/dL/min)",
    source="21 CFR 862.1355(b)(1)(v)(J) and (K), letters not checked against the text",
    check="worked by hand",
)
def icgm_rates(
    reference_rate: ArrayLike,
    test_rate: ArrayLike,
    subject: Labels,
    *,
    seed: int,
    needed: int = 30,
    replicates: int = 2000,
) -> tuple[Criterion, ...]:
    """Readings whose direction would mislead: rising while glucose falls fast, and the reverse.

    Parameters
    ----------
    reference_rate, test_rate : shape (n,), mg/dL/min

    Examples
    --------
    >>> found = icgm_rates([-3.0, 3.0], [-2.5, 2.8], ["p", "q"], seed=1, needed=1)
    >>> [c.verdict for c in found]
    ['met', 'met']
    """
    x, y = pairs(reference_rate, test_rate, names=("reference_rate", "test_rate"))
    person = groups(subject, len(x), "subjects")
    criteria = []
    for name, true, wrong in (
        ("(J) device rises above +1 while truth falls below -2", x < -2, y > 1),
        ("(K) device falls below -1 while truth rises above +2", x > 2, y < -1),
    ):
        share = _share(wrong[true], person[true], seed, replicates, 0.95, "no pair changes that fast")
        criteria.append(judge(name, share, "<=", 0.01, n=share.n_subjects, needed=needed, source=ICGM))
    return tuple(criteria)


def _glucose(reference: ArrayLike, test: ArrayLike) -> tuple[FloatArray, FloatArray]:
    return pairs(reference, test, names=("reference", "test"), positive=True)


def _bounded_share(
    near: Bool, person: NDArray[np.int64], bound: Bound, seed: int, replicates: int
) -> Estimate:
    """The share near enough, between whose ends lie 90 %: the lower one is the rule's bound of 95 %."""
    if bound == "independent":
        share = proportion(int(near.sum()), len(near), method="clopper_pearson", confidence=0.90)
        return share.model_copy(update={"n_subjects": len(np.unique(person))})
    return _share(near, person, seed, replicates, 0.90)


def _share(
    inside: Bool,
    person: NDArray[np.int64],
    seed: int,
    replicates: int,
    confidence: float,
    none: str = "no pair in this range",
) -> Estimate:
    """Share of pairs over persons that have any, numbered afresh."""
    if len(inside) == 0:
        return undefined(0, none)
    own = np.unique(person, return_inverse=True)[1]
    return ratio(
        np.bincount(own, inside.astype(np.float64)).astype(np.float64),
        np.bincount(own).astype(np.float64),
        undefined=none,
        seed=seed,
        replicates=replicates,
        confidence=confidence,
        proportion=True,
    )
