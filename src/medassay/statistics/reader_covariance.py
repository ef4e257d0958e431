"""Figures of single readers and how they vary together because they saw the same cases.

A covariance between two readers' figures comes from the cases alone; three estimators of it are in use and
differ in the third digit, so each is named beside every figure that rests on it.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from medassay.core.errors import WrongUse
from medassay.statistics.reader_study import (
    BoolArray,
    Figure,
    FloatArray,
    ReaderStudy,
    cell_names,
    require_two_cases,
)

Covariance = Literal["jackknife", "delong", "unbiased"]

BLOCK = 4_000_000  # success scores held at a time, 32 MB


def cell_figures(study: ReaderStudy, figure: Figure) -> FloatArray:
    """Each reader's figure with each treatment, shape (n_treatments, n_readers), NaN where nothing was read.

    The area under the ROC curve is the share of pairs of a positive and a negative case that are ranked
    right, a tie counting half. For sensitivity and specificity the study holds that class's cases only.
    """
    figures = np.full(study.ratings.shape[:2], np.nan)
    for t, r in cell_names(study):
        ratings = study.ratings[t, r]
        if figure == "auc":
            won, lost = _wins(ratings, study.positive)
            figures[t, r] = won.sum() / (len(won) * len(lost))
        else:
            figures[t, r] = _right(ratings[~np.isnan(ratings)], figure).mean()
    return figures


def case_covariance(study: ReaderStudy, figure: Figure, covariance: Covariance) -> FloatArray:
    """Covariance of the figures of all cells over cases.

    Parameters
    ----------
    study : ReaderStudy
        With the cases of the figure (`cases_of_figure`).

    Returns
    -------
    shape (n_cells, n_cells), cells in the order of `cell_names`.

    Raises
    ------
    WrongUse
        A reader with fewer than two cases of a class; DeLong where not all cells have the same cases; DeLong
        or unbiased for a figure that is no area (the jackknife of a share is exact).

    References
    ----------
    jackknife: Efron, The Jackknife, the Bootstrap and Other Resampling Plans, 1982, over all cases of the
    study, those not read by a cell leaving its figure as it is; delong: DeLong, DeLong and Clarke-Pearson,
    Biometrics 44:837-845, 1988; unbiased: Gallas, Acad Radiol 13:353-362, 2006.
    """
    require_two_cases(study, figure)
    if figure != "auc" and covariance != "jackknife":
        raise WrongUse(
            found=f"covariance {covariance} for {figure}",
            wanted="jackknife",
            remedy="For a share of cases the jackknife is the exact estimate.",
        )
    if covariance == "jackknife":
        return _jackknife(study, figure)
    if covariance == "delong":
        return _delong(study)
    return _unbiased(study)


def success_sums(study: ReaderStudy) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Gram matrices of the cells' success scores: over shared pairs, shared positives, shared negatives.

    With s_g(i, j) the success of cell g on positive i and negative j (1, 0.5, 0; 0 where not read), these
    are sum_ij s_g s_h, sum_i (sum_j s_g)(sum_j s_h) and sum_j (sum_i s_g)(sum_i s_h), each of shape
    (n_cells, n_cells): all that second moments of areas need.
    """
    cells = cell_names(study)
    positive, negative = np.flatnonzero(study.positive), np.flatnonzero(~study.positive)
    of_positive = np.zeros((len(cells), len(positive)))
    of_negative = np.zeros((len(cells), len(negative)))
    shared = np.zeros((len(cells), len(cells)))
    table = np.stack([study.ratings[t, r] for t, r in cells])
    step = max(1, BLOCK // (len(cells) * max(1, len(negative))))
    for start in range(0, len(positive), step):
        part = positive[start : start + step]
        scores = _psi(table[:, part], table[:, negative])
        of_positive[:, start : start + step] = scores.sum(axis=2)
        of_negative += scores.sum(axis=1)
        flat = scores.reshape(len(cells), -1)
        shared += flat @ flat.T
    return shared, of_positive @ of_positive.T, of_negative @ of_negative.T


def shared_counts(study: ReaderStudy, positive: bool) -> FloatArray:
    """Cases of one class that two cells have both read, shape (n_cells, n_cells)."""
    cells = cell_names(study)
    read = np.stack([study.read[t, r] for t, r in cells])[:, study.positive == positive].astype(np.float64)
    counts: FloatArray = read @ read.T
    return counts


def _right(ratings: FloatArray, figure: Figure) -> FloatArray:
    return ratings if figure == "sensitivity" else 1 - ratings


def _psi(positive: FloatArray, negative: FloatArray) -> FloatArray:
    """Success scores of every pair, 0 where one of the two was not read; shape (cells, n_pos, n_neg)."""
    ahead = positive[:, :, None] - negative[:, None, :]
    scores: FloatArray = np.where(np.isnan(ahead), 0.0, (np.sign(ahead) + 1) / 2)
    return scores


def _wins(ratings: FloatArray, positive: BoolArray) -> tuple[FloatArray, FloatArray]:
    """How many of the other class each positive beats and each negative is beaten by, ties counting half."""
    there = ~np.isnan(ratings)
    above, below = ratings[positive & there], ratings[~positive & there]

    def beaten(sorted_others: FloatArray, own: FloatArray) -> FloatArray:
        sides = [np.searchsorted(sorted_others, own, side) for side in ("left", "right")]
        return np.asarray(sides[0] + sides[1]) / 2

    return beaten(np.sort(below), above), len(above) - beaten(np.sort(above), below)


def _jackknife(study: ReaderStudy, figure: Figure) -> FloatArray:
    cells = cell_names(study)
    n = len(study.cases)
    left_out = np.stack([_leave_one_out(study.ratings[t, r], study.positive, figure) for t, r in cells])
    deviation = left_out - left_out.mean(axis=1, keepdims=True)
    covariance: FloatArray = (n - 1) / n * (deviation @ deviation.T)
    return covariance


def _leave_one_out(ratings: FloatArray, positive: BoolArray, figure: Figure) -> FloatArray:
    """The figure without each case in turn, in closed form."""
    there = ~np.isnan(ratings)
    if figure != "auc":
        right = _right(ratings[there], figure)
        shares = np.full(len(ratings), right.mean())
        shares[there] = (right.sum() - right) / (len(right) - 1)
        return shares
    won, lost = _wins(ratings, positive)
    total, m, n = won.sum(), len(won), len(lost)
    areas = np.full(len(ratings), total / (m * n))
    areas[positive & there] = (total - won) / ((m - 1) * n)
    areas[~positive & there] = (total - lost) / (m * (n - 1))
    return areas


def _delong(study: ReaderStudy) -> FloatArray:
    cells = cell_names(study)
    read = np.stack([study.read[t, r] for t, r in cells])
    if (read != read[0]).any():
        raise WrongUse(
            found="readers that have read different cases",
            wanted="every reader with every case and treatment, for the covariance of DeLong",
            remedy="Use the jackknife or the unbiased covariance.",
        )
    wins = [_wins(study.ratings[t, r], study.positive) for t, r in cells]
    covariance = np.zeros((len(cells), len(cells)))
    for own, other in ((0, 1), (1, 0)):
        placed = np.stack([pair[own] / len(pair[other]) for pair in wins])
        placed -= placed.mean(axis=1, keepdims=True)
        covariance += placed @ placed.T / (placed.shape[1] * (placed.shape[1] - 1))
    return covariance


def _unbiased(study: ReaderStudy) -> FloatArray:
    """E[A_g A_h] - E[A_g] E[A_h], the second from pairs that share no case (Gallas 2006, equation 9)."""
    shared, of_positive, of_negative = success_sums(study)
    both_positive, both_negative = shared_counts(study, True), shared_counts(study, False)
    m, n = np.diag(both_positive), np.diag(both_negative)
    totals = cell_totals(study)
    all_pairs = np.outer(m * n, m * n)
    product = np.outer(totals, totals)
    # Pairs of pairs that share neither the positive nor the negative case, by inclusion and exclusion.
    apart = all_pairs - both_positive * np.outer(n, n) - both_negative * np.outer(m, m)
    apart += both_positive * both_negative
    unlike = product - of_positive - of_negative + shared
    covariance: FloatArray = product / all_pairs - unlike / apart
    return covariance


def cell_totals(study: ReaderStudy) -> FloatArray:
    """Sum of success scores of each cell, shape (n_cells,)."""
    return np.array([_wins(study.ratings[t, r], study.positive)[0].sum() for t, r in cell_names(study)])
