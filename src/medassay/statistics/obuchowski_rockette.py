"""Multi-reader multi-case analysis by Obuchowski and Rockette, with the degrees of freedom of Hillis.

1. Every reader's figure with every treatment, and their covariances over cases (`reader_covariance`).
2. A two-way analysis of variance of the figures: mean squares of treatment, reader, treatment by reader.
3. Covariances averaged to Cov1 (same reader), Cov2 (same treatment), Cov3 (neither), zero where the design
   leaves no shared case.
4. Tests and intervals for what is random: readers, cases, or both.

Two floors can decide a study, and each is said where it acts: a negative Cov2 - Cov3 is taken as 0, which
sends the degrees of freedom to their minimum.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import inf, nan, sqrt
from typing import Literal

import numpy as np

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.intervals import SMALLEST_VARIANCE, require_confidence, without_interval
from medassay.statistics.reader_covariance import Covariance, case_covariance, cell_figures
from medassay.statistics.reader_study import (
    Design,
    Figure,
    FloatArray,
    ReaderStudy,
    cases_of_figure,
    cell_names,
    design_of,
    require_two_cases,
)
from medassay.statistics.reader_table import (
    ReaderDifference,
    ReaderRow,
    differences_of,
    interval_or_reason,
    rows_of,
)

Factor = Literal["random", "fixed"]


@dataclass(frozen=True)
class Components:
    """Variance components of a reader's figure; `reader` and `treatment_reader` None where not estimable."""

    reader: float | None
    treatment_reader: float | None
    error: float
    cov1: float  # same reader, other treatment
    cov2: float  # other reader, same treatment
    cov3: float  # other reader, other treatment


@dataclass(frozen=True)
class MeanSquares:
    """Of the analysis of variance of the readers' figures."""

    treatment: float | None
    reader: float | None
    treatment_reader: float | None


@dataclass(frozen=True)
class EqualityTest:
    """All treatments alike: F with df1 and df2, or chi-square with df1 (`df2` None)."""

    statistic: float
    df1: float
    df2: float | None
    p_value: float
    denominator: float


@dataclass(frozen=True)
class Difference:
    """Mean over readers with the first treatment minus the second; `df` None: normal."""

    first: str
    second: str
    difference: Estimate
    standard_error: float | None
    df: float | None
    p_value: float | None


@dataclass(frozen=True)
class TreatmentMean:
    """Mean over readers with one treatment; `df` None: normal."""

    treatment: str
    mean: Estimate
    standard_error: float | None
    df: float | None
    reader_variance: float | None  # MS(R) with this treatment
    cov2: float
    error: float


@dataclass(frozen=True)
class ReaderStudyAnalysis:
    """What a reader study shows, with every reader's own figures beside the averages."""

    design: Design
    figure: Figure
    covariance: Covariance | None  # None: cases fixed, no covariance needed
    readers: Factor
    cases: Factor
    mean_squares: MeanSquares
    components: Components | None
    equality: EqualityTest | None
    differences: tuple[Difference, ...]
    means: tuple[TreatmentMean, ...]
    reader_table: tuple[ReaderRow, ...]
    reader_differences: tuple[ReaderDifference, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class _Table:
    """What the four steps share: figures, covariances, and who read with what."""

    study: ReaderStudy
    design: Design
    figures: FloatArray  # (treatments, readers), NaN where nothing was read
    matrix: FloatArray  # (cells, cells)
    squares: MeanSquares
    confidence: float
    label: str

    @property
    def nested(self) -> bool:
        return self.design == "readers_in_treatments"

    @property
    def readers_of(self) -> list[int]:
        """How many readers each treatment has."""
        return [int(n) for n in np.isfinite(self.figures).sum(axis=1)]


@method(
    id="mrmc-obuchowski-rockette",
    task="reader_study",
    zh="多阅片者多病例分析（Obuchowski-Rockette法）",
    en="multi-reader multi-case analysis (Obuchowski-Rockette)",
    formula="F = MS(T) / (MS(TR) + r max(Cov2 - Cov3, 0)); df2 = denominator^2 / (MS(TR)^2 / ((t-1)(r-1)))",
    source="Obuchowski and Rockette, Commun Stat Simul Comput 24:285-308, 1995; Hillis, Stat Med 26:596-619, 2007",
    check="R MRMCaov 0.3.0 and RJafroc 2.1.2, VanDyke, Franken and Kundel data",
)
def obuchowski_rockette(
    study: ReaderStudy,
    *,
    figure: Figure = "auc",
    covariance: Covariance = "jackknife",
    readers: Factor = "random",
    cases: Factor = "random",
    confidence: float = 0.95,
) -> ReaderStudyAnalysis:
    """Compare treatments over readers and cases.

    Parameters
    ----------
    figure : "auc", "sensitivity" or "specificity"
        Of each reader; the last two need ratings of 0 and 1.
    covariance : "jackknife", "delong" or "unbiased"
        Of the readers' figures over cases; DeLong needs every reader to have read every case.
    readers, cases : "random" or "fixed"
        Random: the result holds for readers (cases) like these; fixed: for these alone.

    Returns
    -------
    ReaderStudyAnalysis
        With remarks where a floor decides or a design is only approximated. Differences are first minus
        second.

    Raises
    ------
    WrongUse
        Readers and cases both fixed; one reader who is to be random; a design in which some readers have
        some treatments only; fewer than two cases of a class for a reader; DeLong for a study that is not
        fully crossed.

    References
    ----------
    Hillis, Stat Med 26:596-619, 2007 (degrees of freedom); Hillis, Stat Med 33:330-360, 2014 (nested
    designs, fixed factors). With readers fixed the statistic is chi-square and Cov2 - Cov3 is not floored,
    as in MRMCaov.

    Examples
    --------
    >>> from medassay.statistics.reader_study import reader_study
    >>> rows = [(r, t, c) for r in (1, 2) for t in (1, 2) for c in (1, 2, 3, 4)]
    >>> rating = [1, 3, 2, 4, 1, 2, 3, 4, 2, 1, 3, 4, 1, 4, 3, 2]
    >>> s = reader_study(reader=[r for r, _, _ in rows], treatment=[t for _, t, _ in rows],
    ...                  case=[c for _, _, c in rows], positive=[c > 2 for _, _, c in rows], rating=rating)
    >>> a = obuchowski_rockette(s)
    >>> [m.mean.value for m in a.means], len(a.reader_table)
    ([0.875, 0.75], 4)
    """
    require_confidence(confidence)
    used = cases_of_figure(study, figure)
    design = _require_design(used, figure, readers, cases)
    figures = cell_figures(used, figure)
    matrix = case_covariance(used, figure, covariance)
    label = f"obuchowski_rockette({covariance}, readers {readers}, cases {cases})"
    squares = _mean_squares(figures, nested=design == "readers_in_treatments")
    table = _Table(used, design, figures, matrix, squares, confidence, label)
    return _analysed(table, figure, covariance, readers, cases)


def _analysed(
    table: _Table, figure: Figure, covariance: Covariance, readers: Factor, cases: Factor
) -> ReaderStudyAnalysis:
    """Components, error term, then what is read off them."""
    components = _components(table)
    error = _error_term(table, components, readers, cases)
    fixed = cases == "fixed"
    return ReaderStudyAnalysis(
        design=table.design,
        figure=figure,
        covariance=None if fixed else covariance,
        readers=readers,
        cases=cases,
        mean_squares=table.squares,
        components=None if fixed else components,
        equality=_equality(table, error),
        differences=_differences(table, error),
        means=tuple(_mean(table, t, readers, cases) for t in range(len(table.figures))),
        reader_table=rows_of(table.study, table.figures, np.diag(table.matrix), covariance, table.confidence),
        reader_differences=differences_of(
            table.study, table.figures, table.matrix, covariance, table.confidence
        ),
        remarks=_remarks(table, components, readers, cases),
    )


def _require_design(study: ReaderStudy, figure: Figure, readers: Factor, cases: Factor) -> Design:
    if readers == cases == "fixed":
        raise WrongUse(
            found="readers and cases both fixed",
            wanted="at least one of them random",
            remedy="With both fixed the figures are what they are and there is nothing to test.",
        )
    if len(study.readers) < 2 and readers == "random":
        raise WrongUse(
            found="one reader, who is to be random",
            wanted="at least two readers, or readers fixed",
            remedy='Say readers="fixed": one reader tells nothing of other readers.',
        )
    design = design_of(study)
    if design == "unsupported":
        raise WrongUse(
            found="readers who have read with some of the treatments only",
            wanted="every reader with every treatment, or each reader with one",
            remedy="Leave out readers without all treatments, or use the U-statistics (mrmc_ustatistics).",
        )
    require_two_cases(study, figure)
    return design


def _mean_squares(figures: FloatArray, *, nested: bool) -> MeanSquares:
    """Step 2. Nested readers: MS[T] over treatments of unequal size, MS[R(T)] within treatments."""
    t, r = figures.shape
    if nested:
        counts = np.isfinite(figures).sum(axis=1)
        means = np.nanmean(figures, axis=1)
        grand = (counts * means).sum() / counts.sum()
        within = float(np.nansum((figures - means[:, None]) ** 2))
        free = int(counts.sum()) - t
        between = float((counts * (means - grand) ** 2).sum() / (t - 1))
        return MeanSquares(between, within / free if free else None, None)
    of_treatment, of_reader, grand = figures.mean(axis=1), figures.mean(axis=0), figures.mean()
    treatment = r * float(((of_treatment - grand) ** 2).sum()) / (t - 1) if t > 1 else None
    reader = t * float(((of_reader - grand) ** 2).sum()) / (r - 1) if r > 1 else None
    rest = figures - of_treatment[:, None] - of_reader[None, :] + grand
    both = float((rest**2).sum()) / ((t - 1) * (r - 1)) if t > 1 and r > 1 else None
    return MeanSquares(treatment, reader, both)


def _components(table: _Table) -> Components:
    """Step 3, and the components of the readers that mean squares and covariances leave over."""
    cells = np.array(cell_names(table.study))
    same_treatment = cells[:, None, 0] == cells[None, :, 0]
    same_reader = cells[:, None, 1] == cells[None, :, 1]

    def mean(where: np.ndarray[tuple[int, int], np.dtype[np.bool_]]) -> float:
        return float(table.matrix[where].mean()) if where.any() else 0.0

    cov1, cov2, cov3 = (
        mean(~same_treatment & same_reader),
        mean(same_treatment & ~same_reader),
        mean(~same_treatment & ~same_reader),
    )
    if table.design == "cases_in_readers":
        cov2 = cov3 = 0.0
    elif table.design == "cases_in_treatments":
        cov1 = cov3 = 0.0
    error = float(table.matrix.diagonal().mean())
    reader = both = None
    squares = table.squares
    if squares.reader is not None and squares.treatment_reader is not None:
        reader = (squares.reader - squares.treatment_reader) / len(table.study.treatments) - cov1 + cov3
        both = squares.treatment_reader - error + cov1 + (cov2 - cov3)
    return Components(reader, both, error, cov1, cov2, cov3)


@dataclass(frozen=True)
class _ErrorTerm:
    """What MS(T) is held against; `df` None: known variance, chi-square and normal."""

    variance: float
    df: float | None


def _error_term(table: _Table, c: Components, readers: Factor, cases: Factor) -> _ErrorTerm | None:
    """Step 4; None where there is one treatment, or too few readers to tell their spread from."""
    if table.squares.treatment is None:
        return None
    weight = _reader_weight(table)
    if readers == "fixed":
        if table.nested:
            return _ErrorTerm(c.error - c.cov2 + weight * max(c.cov2 - c.cov3, 0.0), None)
        return _ErrorTerm(c.error - c.cov1 + (weight - 1) * (c.cov2 - c.cov3), None)
    spread, free = _spread(table)
    if spread is None or not free:
        return None
    excess = 0.0 if cases == "fixed" else max(c.cov2 - c.cov3, 0.0)
    return _hillis(spread, weight * excess, free)


def _hillis(spread: float, excess: float, free: float) -> _ErrorTerm:
    """Denominator and its degrees of freedom: (MS + excess)^2 / (MS^2 / df of MS)."""
    variance = spread + excess
    return _ErrorTerm(variance, variance**2 / (spread**2 / free) if spread > 0 else inf)


def _reader_weight(table: _Table) -> float:
    """The number of readers, or what stands for it where treatments have unequal numbers of them."""
    if not table.nested:
        return float(len(table.study.readers))
    counts = table.readers_of
    total = sum(counts)
    return (total - sum(n * n for n in counts)) / (total * (len(counts) - 1)) if total else nan


def _spread(table: _Table) -> tuple[float | None, float]:
    """The mean square that readers make the error of, and its degrees of freedom."""
    t, r = table.figures.shape
    if table.nested:
        return table.squares.reader, float(sum(table.readers_of) - t)
    return table.squares.treatment_reader, float((t - 1) * (r - 1))


def _equality(table: _Table, error: _ErrorTerm | None) -> EqualityTest | None:
    from scipy import stats

    square = table.squares.treatment
    if error is None or square is None or error.variance <= SMALLEST_VARIANCE:
        return None
    if error.df is None and len(table.study.readers) == 1:
        return None  # one reader: the paired differences say all there is
    free = len(table.study.treatments) - 1
    ratio = square / error.variance
    if error.df is None:
        return EqualityTest(
            ratio * free, free, None, float(stats.chi2.sf(ratio * free, free)), error.variance
        )
    return EqualityTest(ratio, free, error.df, float(stats.f.sf(ratio, free, error.df)), error.variance)


def _differences(table: _Table, error: _ErrorTerm | None) -> tuple[Difference, ...]:
    means, counts = np.nanmean(table.figures, axis=1), table.readers_of
    rows = []
    for i, j in combinations(range(len(means)), 2):
        value = float(means[i] - means[j])
        variance = nan if error is None else error.variance * (1 / counts[i] + 1 / counts[j])
        df = None if error is None else error.df
        rows.append(
            Difference(
                first=table.study.treatments[i],
                second=table.study.treatments[j],
                difference=_estimate(table, value, variance, df, bounded=False),
                standard_error=sqrt(variance) if variance > SMALLEST_VARIANCE else None,
                df=df,
                p_value=_two_sided(value / sqrt(variance), df) if variance > SMALLEST_VARIANCE else None,
            )
        )
    return tuple(rows)


def _mean(table: _Table, t: int, readers: Factor, cases: Factor) -> TreatmentMean:
    """One treatment by itself: its readers' spread, its own Cov2, floored at 0."""
    own = table.figures[t][np.isfinite(table.figures[t])]
    n = len(own)
    places = [place for place, (treatment, _) in enumerate(cell_names(table.study)) if treatment == t]
    block = table.matrix[np.ix_(places, places)]
    error = float(block.diagonal().mean())
    alone = n < 2 or table.design == "cases_in_readers" or cases == "fixed"
    cov2 = 0.0 if alone else float(block[~np.eye(n, dtype=np.bool_)].mean())
    spread = float(own.var(ddof=1)) if n > 1 else None
    if readers == "fixed":
        variance, df = (error + (n - 1) * max(cov2, 0.0)) / n, None
    elif spread is None:
        variance, df = nan, None
    else:
        term = _hillis(spread, n * max(cov2, 0.0), n - 1)
        variance, df = term.variance / n, term.df
    value = float(own.mean())
    return TreatmentMean(
        treatment=table.study.treatments[t],
        mean=_estimate(table, value, variance, df, bounded=True),
        standard_error=sqrt(variance) if variance > SMALLEST_VARIANCE else None,
        df=df,
        reader_variance=spread,
        cov2=cov2,
        error=error,
    )


def _estimate(table: _Table, value: float, variance: float, df: float | None, *, bounded: bool) -> Estimate:
    if not np.isfinite(variance):
        return without_interval(
            value, "one reader tells nothing of the spread of readers", len(table.study.cases)
        )
    return interval_or_reason(
        value,
        variance,
        quantile=_quantile(table.confidence, df),
        confidence=table.confidence,
        method=table.label,
        n_subjects=len(table.study.cases),
        bounded=bounded,
    )


def _quantile(confidence: float, df: float | None) -> float:
    from scipy import stats

    upper = (1 + confidence) / 2
    return float(stats.norm.ppf(upper) if df is None or df == inf else stats.t.ppf(upper, df))


def _two_sided(statistic: float, df: float | None) -> float:
    from scipy import stats

    free = df is None or df == inf
    return float(2 * (stats.norm.sf(abs(statistic)) if free else stats.t.sf(abs(statistic), df)))


def _remarks(table: _Table, c: Components, readers: Factor, cases: Factor) -> tuple[str, ...]:
    said = []
    if table.design == "unbalanced":
        said.append(
            "not fully crossed: covariances are averaged over cells that share only some cases; "
            "U-statistics are made for this design"
        )
    if readers == cases == "random" and c.cov2 < c.cov3:
        said.append(_about_floor(table, c.cov2 - c.cov3))
    return tuple(said)


def _about_floor(table: _Table, excess: float) -> str:
    """The floor, and what the test would have said without it."""
    said = f"Cov2 - Cov3 = {excess:.3g} is negative and was taken as 0"
    spread, free = _spread(table)
    floored = None if spread is None or not free else _equality(table, _hillis(spread, 0.0, free))
    if spread is None or floored is None:
        return said
    said += f": the degrees of freedom are at their minimum {floored.df2:.4g}, p = {floored.p_value:.4g}"
    bare = _hillis(spread, _reader_weight(table) * excess, free)
    other = _equality(table, bare) if bare.variance > 0 else None
    if other is None:
        return f"{said}; without the floor the error term would not be positive and there would be no test"
    return f"{said}; without the floor p = {other.p_value:.4g}"
