"""Multi-reader multi-case analysis by U-statistics: any design, readers and cases random (one-shot).

The average over readers is a mean of success scores; its variance is a sum of coefficient x moment over what
two scores share (`mrmc_moments`). Degrees of freedom follow Satterthwaite from the biased components of the
single factors, and are never below the smallest number of levels less one: the floor of Gaylor and Hopper. Where
the floor acts, or the two variance estimates disagree, the result is a matter of method and says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import inf, sqrt

import numpy as np

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.intervals import (
    SMALLEST_VARIANCE,
    normal_quantile,
    require_confidence,
    without_interval,
)
from medassay.statistics.mrmc_moments import FACTORS, Moments, moments_of, reader_mean, sums_of
from medassay.statistics.reader_covariance import Covariance, case_covariance, cell_figures
from medassay.statistics.reader_study import (
    Design,
    Figure,
    ReaderStudy,
    cases_of_figure,
    design_of,
    require_two_cases,
)
from medassay.statistics.reader_table import (
    ReaderRow,
    interval_or_reason,
    rows_of,
    two_sided_normal,
)

NORMAL_FROM_DF = 50  # iMRMC takes the normal distribution above it, and whole degrees of freedom below


@dataclass(frozen=True)
class OneShotTest:
    """A figure held against a value, by t with `df` whole degrees of freedom, or normal (`df` infinite)."""

    figure: Estimate
    variance: float
    df: float | None  # as estimated, before the floor
    df_floor: float
    floored: bool
    p_value: float | None
    p_value_normal: float | None
    p_value_unfloored: float | None  # None: the floor did not act


@dataclass(frozen=True)
class OneShot:
    """One treatment, or the difference of two (first minus second)."""

    first: str
    second: str | None
    unbiased: OneShotTest
    biased: OneShotTest
    moments: Moments
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class UStatisticsAnalysis:
    """Averages and differences over readers, with every reader's own figures beside them."""

    design: Design
    figure: Figure
    treatments: tuple[OneShot, ...]
    differences: tuple[OneShot, ...]
    reader_table: tuple[ReaderRow, ...]

    @property
    def remarks(self) -> tuple[str, ...]:
        """Every remark of every result, each once."""
        return tuple(
            dict.fromkeys(text for part in (*self.treatments, *self.differences) for text in part.remarks)
        )


@method(
    id="mrmc-u-statistics",
    task="reader_study",
    zh="多阅片者多病例分析（U统计量法）",
    en="multi-reader multi-case analysis (U-statistics)",
    formula="var = sum of coefficient x moment over what two success scores share (reader, positive, negative)",
    source="Gallas, Acad Radiol 13:353-362, 2006; Gallas et al., Commun Stat Theory Methods 38:2586-2603, 2009",
    check="R iMRMC (doAUCmrmc): VanDyke, Franken and Kundel data, crossed, split-plot, unbalanced, nested",
)
def mrmc_ustatistics(
    study: ReaderStudy, *, figure: Figure = "auc", null: float = 0.5, confidence: float = 0.95
) -> UStatisticsAnalysis:
    """Compare treatments over readers and cases in any design: crossed, split-plot, nested, unbalanced.

    Parameters
    ----------
    figure : "auc", "sensitivity" or "specificity"
        The last two need ratings of 0 and 1. Readers weigh by the pairs (cases) that they have read.
    null : float
        What a single treatment's figure is tested against.

    Returns
    -------
    UStatisticsAnalysis
        For each treatment and difference the unbiased result and the biased one (iMRMC: U-statistic and
        MLE). Where the unbiased variance is not positive the figure stands without an interval. Remarks say
        where the floor of the degrees of freedom acts, and where the two results disagree.

    Raises
    ------
    WrongUse
        Fewer than two readers with a treatment; fewer than two cases of a class for a reader.

    References
    ----------
    Gallas 2006; Gallas, Bandos, Samuelson and Wagner 2009 (components, equation 19); Gaylor and Hopper,
    Technometrics 11:691-706, 1969 (floor). As R iMRMC: whole degrees of freedom, normal above 50.

    Examples
    --------
    >>> from medassay.statistics.reader_study import reader_study
    >>> rows = [(r, t, c) for r in (1, 2) for t in (1, 2) for c in (1, 2, 3, 4)]
    >>> rating = [1, 3, 2, 4, 1, 2, 3, 4, 2, 1, 3, 4, 1, 4, 3, 2]
    >>> s = reader_study(reader=[r for r, _, _ in rows], treatment=[t for _, t, _ in rows],
    ...                  case=[c for _, _, c in rows], positive=[c > 2 for _, _, c in rows], rating=rating)
    >>> mrmc_ustatistics(s).differences[0].unbiased.figure.value
    0.125
    """
    require_confidence(confidence)
    used = cases_of_figure(study, figure)
    _require_readers(used)
    require_two_cases(used, figure)
    sums = sums_of(used, figure)
    names = used.treatments
    own = [moments_of(sums, t, t, figure) for t in range(len(names))]
    means = [reader_mean(sums, used, t, figure) for t in range(len(names))]
    return UStatisticsAnalysis(
        design=design_of(used),
        figure=figure,
        treatments=tuple(
            _single(names[t], means[t] - null, null, own[t], len(used.cases), figure, confidence)
            for t in range(len(names))
        ),
        differences=tuple(
            _paired(
                (names[t], names[u]),
                means[t] - means[u],
                (own[t], own[u], moments_of(sums, t, u, figure)),
                len(used.cases),
                figure,
                confidence,
            )
            for t, u in combinations(range(len(names)), 2)
        ),
        reader_table=_reader_rows(used, figure, confidence),
    )


def _require_readers(study: ReaderStudy) -> None:
    fewest = int(study.read.any(axis=2).sum(axis=1).min())
    if fewest < 2:
        raise WrongUse(
            found=f"{fewest} reader with a treatment",
            wanted="at least 2 readers with each treatment",
            remedy="One reader tells nothing of other readers; report the reader's own figure (reader_table).",
        )


def _reader_rows(study: ReaderStudy, figure: Figure, confidence: float) -> tuple[ReaderRow, ...]:
    covariance: Covariance = "unbiased" if figure == "auc" else "jackknife"
    spread = np.diag(case_covariance(study, figure, covariance))
    return rows_of(study, cell_figures(study, figure), spread, covariance, confidence)


def _single(
    name: str, excess: float, null: float, moments: Moments, cases: int, figure: Figure, confidence: float
) -> OneShot:
    levels = {factor: _levels(moments.weights[factor]) for factor in FACTORS[figure]}
    satterthwaite = sum(
        moments.biased_components[factor] ** 2 / levels[factor] ** 3 for factor in FACTORS[figure]
    )
    floor = min(levels.values())
    unbiased, biased = (
        _test(excess, null, variance, satterthwaite, floor, cases, label, confidence, bounded=True)
        for variance, label in ((moments.covariance, "unbiased"), (moments.biased_covariance, "biased"))
    )
    return OneShot(name, None, unbiased, biased, moments, _remarks(unbiased, biased, confidence))


def _paired(
    names: tuple[str, str],
    difference: float,
    parts: tuple[Moments, Moments, Moments],
    cases: int,
    figure: Figure,
    confidence: float,
) -> OneShot:
    first, second, both = parts
    satterthwaite, floor = 0.0, inf
    for factor in FACTORS[figure]:
        level = min(_levels(first.weights[factor]), _levels(second.weights[factor]))
        spread = (
            first.biased_components[factor]
            + second.biased_components[factor]
            - 2 * both.biased_components[factor]
        )
        satterthwaite += spread**2 / level**3
        floor = min(floor, level)
    variances = (
        first.covariance + second.covariance - 2 * both.covariance,
        first.biased_covariance + second.biased_covariance - 2 * both.biased_covariance,
    )
    unbiased, biased = (
        _test(difference, 0.0, variance, satterthwaite, floor, cases, label, confidence, bounded=False)
        for variance, label in zip(variances, ("unbiased", "biased"), strict=True)
    )
    return OneShot(*names, unbiased, biased, both, _remarks(unbiased, biased, confidence))


def _levels(weight: float) -> float:
    """Levels of a factor less one, as its weight in the variance tells: a weight of 1/n is n levels.

    Never below 1, where one reader has read nearly all there is.
    """
    return float(max(1, round(1 / weight - 1)))


def _test(
    excess: float,
    null: float,
    variance: float,
    satterthwaite: float,
    floor: float,
    cases: int,
    label: str,
    confidence: float,
    *,
    bounded: bool,
) -> OneShotTest:
    """Step 5. `excess` is the figure less what it is held against."""
    from scipy import stats

    value = excess + null
    if variance <= SMALLEST_VARIANCE:
        zero = variance >= -SMALLEST_VARIANCE
        reason = f"the variance estimate is {'zero' if zero else 'negative'}"
        return OneShotTest(
            without_interval(value, reason, cases), variance, None, floor, False, None, None, None
        )
    df = variance**2 / satterthwaite if satterthwaite > 0 else inf
    used = max(df, floor)
    statistic = excess / sqrt(variance)
    figure = interval_or_reason(
        value,
        variance,
        quantile=_quantile(confidence, used),
        confidence=confidence,
        method=f"u_statistics({label}, df={used:.4g})",
        n_subjects=cases,
        bounded=bounded,
    )
    return OneShotTest(
        figure=figure,
        variance=variance,
        df=df,
        df_floor=floor,
        floored=df < floor,
        p_value=_two_sided(statistic, used),
        p_value_normal=two_sided_normal(statistic),
        p_value_unfloored=float(2 * stats.t.sf(abs(statistic), df)) if df < floor else None,
    )


def _quantile(confidence: float, df: float) -> float:
    from scipy import stats

    if df > NORMAL_FROM_DF:
        return normal_quantile(confidence)
    return float(stats.t.ppf((1 + confidence) / 2, int(df)))


def _two_sided(statistic: float, df: float) -> float:
    from scipy import stats

    if df > NORMAL_FROM_DF:
        return two_sided_normal(statistic)
    return float(2 * stats.t.sf(abs(statistic), int(df)))


def _remarks(unbiased: OneShotTest, biased: OneShotTest, confidence: float) -> tuple[str, ...]:
    """What a reader must know before the p-value is believed."""
    said = []
    if unbiased.p_value is None:
        said.append(
            f"the unbiased variance is {unbiased.variance:.3g}, not positive: no test; "
            f"the biased estimate gives {_p(biased)}"
        )
    if unbiased.p_value_unfloored is not None:
        said.append(
            f"{unbiased.df:.3g} degrees of freedom were estimated and raised to the floor "
            f"{unbiased.df_floor:.3g}: {_p(unbiased)} with the floor, {unbiased.p_value_unfloored:.3g} without, "
            f"{unbiased.p_value_normal:.3g} by the normal distribution, biased estimate {_p(biased)}"
        )
    if unbiased.p_value is not None and biased.p_value is not None:
        alpha = 1 - confidence
        if (unbiased.p_value <= alpha) != (biased.p_value <= alpha):
            said.append(
                f"the two variance estimates disagree: unbiased {_p(unbiased)}, biased {_p(biased)}; "
                "the data are too few for either to decide"
            )
    return tuple(said)


def _p(test: OneShotTest) -> str:
    return "no p" if test.p_value is None else f"p = {test.p_value:.3g}"
