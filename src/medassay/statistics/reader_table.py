"""Every reader's own figures, which stand beside any average over readers.

An average hides the reader who fails, and with few readers it is the only thing that can be trusted less
than the readers themselves; so no reader-study result here comes without this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt

import numpy as np

from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.intervals import (
    SMALLEST_VARIANCE,
    normal_interval,
    normal_quantile,
    without_interval,
)
from medassay.statistics.reader_covariance import Covariance, case_covariance, cell_figures
from medassay.statistics.reader_study import Figure, FloatArray, ReaderStudy, cases_of_figure, cell_names


@dataclass(frozen=True)
class ReaderRow:
    """One reader's figure with one treatment; the interval is over cases."""

    treatment: str
    reader: str
    positives: int
    negatives: int
    figure: Estimate


@dataclass(frozen=True)
class ReaderDifference:
    """One reader's figure with the first treatment minus that with the second, paired over cases."""

    reader: str
    first: str
    second: str
    difference: Estimate
    standard_error: float | None
    p_value: float | None


@method(
    id="reader-table",
    task="reader_study",
    zh="逐阅片者性能",
    en="per-reader performance",
    formula="AUC, sensitivity or specificity of each reader and treatment; figure ± z · sqrt(var over cases)",
    source="Obuchowski and Rockette, Commun Stat Simul Comput 24:285-308, 1995; FDA, CADe guidance, 2022",
    check="R MRMCaov 0.3.0 and pROC 1.18.0, VanDyke and Kundel data",
)
def reader_table(
    study: ReaderStudy,
    *,
    figure: Figure = "auc",
    covariance: Covariance = "jackknife",
    confidence: float = 0.95,
) -> tuple[ReaderRow, ...]:
    """Each reader with each treatment: cases read, figure, and interval over cases.

    Parameters
    ----------
    figure : "auc", "sensitivity" or "specificity"
        The last two need ratings of 0 and 1.

    Returns
    -------
    tuple of ReaderRow
        In [0, 1], treatments slow and readers fast. A reader without a single error has no interval: the
        variance estimate is zero, which is no certainty.

    Raises
    ------
    WrongUse
        As `case_covariance`.

    Examples
    --------
    >>> from medassay.statistics.reader_study import reader_study
    >>> s = reader_study(reader=[1] * 4, treatment=[1] * 4, case=[1, 2, 3, 4], positive=[0, 0, 1, 1],
    ...                  rating=[1, 3, 2, 4])
    >>> reader_table(s)[0].figure.value
    0.75
    """
    used = cases_of_figure(study, figure)
    spread = np.diag(case_covariance(used, figure, covariance))
    return rows_of(used, cell_figures(used, figure), spread, covariance, confidence)


def rows_of(
    study: ReaderStudy, figures: FloatArray, variances: FloatArray, covariance: str, confidence: float
) -> tuple[ReaderRow, ...]:
    """Rows from figures and their variances that an analysis has at hand."""
    z = normal_quantile(confidence)
    rows = []
    for (t, r), variance in zip(cell_names(study), variances, strict=True):
        read = study.read[t, r]
        figure = interval_or_reason(
            float(figures[t, r]),
            float(variance),
            quantile=z,
            confidence=confidence,
            method=f"normal({covariance})",
            n_subjects=int(read.sum()),
            bounded=True,
        )
        rows.append(
            ReaderRow(
                treatment=study.treatments[t],
                reader=study.readers[r],
                positives=int(read[study.positive].sum()),
                negatives=int(read[~study.positive].sum()),
                figure=figure,
            )
        )
    return tuple(rows)


@method(
    id="reader-difference",
    task="reader_study",
    zh="逐阅片者配对差异",
    en="per-reader paired difference",
    formula="d ± z · sqrt(2 (mean var - cov)) over the reader's cases",
    source="Obuchowski and Rockette, Commun Stat Simul Comput 24:285-308, 1995",
    check="R MRMCaov 0.3.0 and RJafroc 2.1.2, VanDyke data",
)
def reader_differences(
    study: ReaderStudy,
    *,
    figure: Figure = "auc",
    covariance: Covariance = "jackknife",
    confidence: float = 0.95,
) -> tuple[ReaderDifference, ...]:
    """Each reader's differences between treatments, first minus second.

    With more than two treatments the variance and covariance are averaged over the reader's treatments, as
    the Obuchowski-Rockette model has it.

    Returns
    -------
    tuple of ReaderDifference
        Empty with one treatment, and for readers who have one treatment only.

    Raises
    ------
    WrongUse
        As `case_covariance`.
    """
    used = cases_of_figure(study, figure)
    matrix = case_covariance(used, figure, covariance)
    return differences_of(used, cell_figures(used, figure), matrix, covariance, confidence)


def differences_of(
    study: ReaderStudy, figures: FloatArray, matrix: FloatArray, covariance: str, confidence: float
) -> tuple[ReaderDifference, ...]:
    """Per-reader differences from figures and covariances that an analysis has at hand."""
    cells = cell_names(study)
    z = normal_quantile(confidence)
    rows = []
    for r, name in enumerate(study.readers):
        own = [place for place, (_, reader) in enumerate(cells) if reader == r]
        variance = _variance_of_difference(study, matrix, own)
        for i, first in enumerate(own):
            for second in own[i + 1 :]:
                t, u = cells[first][0], cells[second][0]
                difference = float(figures[t, r] - figures[u, r])
                estimate = interval_or_reason(
                    difference,
                    variance,
                    quantile=z,
                    confidence=confidence,
                    method=f"normal({covariance}, paired)",
                    n_subjects=int((study.read[t, r] | study.read[u, r]).sum()),
                )
                error = sqrt(variance) if variance > SMALLEST_VARIANCE else None
                rows.append(
                    ReaderDifference(
                        reader=name,
                        first=study.treatments[t],
                        second=study.treatments[u],
                        difference=estimate,
                        standard_error=error,
                        p_value=None if error is None else two_sided_normal(difference / error),
                    )
                )
    return tuple(rows)


def interval_or_reason(
    value: float,
    variance: float,
    *,
    quantile: float,
    confidence: float,
    method: str,
    n_subjects: int,
    bounded: bool = False,
) -> Estimate:
    """value ± quantile · sqrt(variance), cut at 0 and 1 if bounded; the bare figure where there is none."""
    if variance < -SMALLEST_VARIANCE:
        return without_interval(value, "the variance estimate is negative", n_subjects)
    return normal_interval(
        value,
        variance,
        confidence=confidence,
        method=method,
        n_subjects=n_subjects,
        quantile=quantile,
        bounds=(0.0, 1.0) if bounded else (-inf, inf),
    )


def two_sided_normal(z: float) -> float:
    """P(|Z| >= |z|)."""
    from scipy.special import ndtr

    return float(2 * ndtr(-abs(z)))


def _variance_of_difference(study: ReaderStudy, matrix: FloatArray, own: list[int]) -> float:
    if len(own) < 2:
        return float("nan")
    block = matrix[np.ix_(own, own)]
    apart = ~np.eye(len(own), dtype=np.bool_)
    # A case read with one treatment only makes the treatments independent by design, not by estimate.
    shared = study.read.any(axis=1).sum(axis=0).max() > 1
    return 2 * float(block.diagonal().mean() - (block[apart].mean() if shared else 0.0))
