"""Resampling of subjects: one draw of weights for all figures, the jackknife, and the two bootstrap intervals.

Every interval of this package that resamples people takes its weights from here. A seed gives one sequence of
resamples, whether it is held together or walked through a block at a time, so figures under one seed are paired.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

BLOCK = 4_000_000  # weights that are held at once: 32 MB
DRAWN_AT_ONCE = 130_000  # of a block: what is drawn and counted stays in the processor's cache
MOST_PARTS = 1024  # into which overlapping groups cut the subjects before they are summed in two halves


def resampling_weights(subjects: int, replicates: int, seed: int) -> FloatArray:
    """How often each subject is drawn in each replicate, shape (replicates, subjects), held together.

    For what needs all of them at once; many people are walked through by `resampling_blocks`. Read-only where
    it is kept for the next figure.

    Examples
    --------
    >>> resampling_weights(5, 2, seed=1).sum(axis=1).tolist()
    [5.0, 5.0]
    """
    blocks = list(resampling_blocks(subjects, replicates, seed))
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)


def resampling_blocks(subjects: int, replicates: int, seed: int) -> Iterator[FloatArray]:
    """The same weights a few replicates at a time, shape (some, subjects): 2000 of 100,000 people are 1.6 GB.

    Drawing subjects with replacement is a multinomial draw, made by counting who was drawn.

    Raises
    ------
    WrongUse
        Without a subject or a replicate.

    Examples
    --------
    >>> whole = resampling_weights(3000, 2000, seed=1)
    >>> blocks = list(resampling_blocks(3000, 2000, seed=1))
    >>> len(blocks), bool((np.concatenate(blocks) == whole).all())
    (2, True)
    """
    if subjects < 1 or replicates < 1:
        raise WrongUse(
            found=f"{subjects} subjects, {replicates} replicates",
            wanted="at least 1 of both",
            remedy="Use 2000 replicates, and say that a figure of nobody is undefined.",
        )
    if subjects * replicates <= BLOCK:
        yield _held(subjects, replicates, seed)
        return
    yield from _streamed(subjects, replicates, np.random.default_rng(seed))


def _streamed(subjects: int, replicates: int, generator: np.random.Generator) -> Iterator[FloatArray]:
    """The next block is drawn on one core while the caller multiplies this one on another.

    A single drawer keeps the generator's order. Products of a block are small: threads of the linear algebra
    would spend more time waiting for each other than working.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

    rows = max(1, BLOCK // subjects)
    sizes = [min(rows, replicates - start) for start in range(0, replicates, rows)]
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(max_workers=1) as drawer:
        coming = drawer.submit(_drawn, generator, subjects, sizes[0])
        for size in sizes[1:]:
            block, coming = coming.result(), drawer.submit(_drawn, generator, subjects, size)
            yield block
        yield coming.result()


@lru_cache(maxsize=8)
def _held(subjects: int, replicates: int, seed: int) -> FloatArray:
    weights = _drawn(np.random.default_rng(seed), subjects, replicates)
    weights.setflags(write=False)
    return weights


def _drawn(generator: np.random.Generator, subjects: int, rows: int) -> FloatArray:
    """The generator's next rows of weights; how they are cut into pieces does not alter them."""
    weights = np.empty((rows, subjects))
    piece = max(1, DRAWN_AT_ONCE // subjects)
    for start in range(0, rows, piece):
        count = min(piece, rows - start)
        drawn = generator.integers(0, subjects, (count, subjects))
        drawn += np.arange(count)[:, None] * subjects
        counted = np.bincount(drawn.ravel(), minlength=count * subjects)
        weights[start : start + count] = counted.reshape(count, subjects)
    return weights


def resampled_sums(columns: FloatArray, replicates: int, seed: int) -> FloatArray:
    """Sums of each column over resampled subjects: one draw of subjects serves all columns.

    Parameters
    ----------
    columns : shape (n_subjects, n_columns)

    Returns
    -------
    array, shape (replicates, n_columns)

    Examples
    --------
    >>> resampled_sums(np.ones((5, 2)), 3, seed=1).tolist()
    [[5.0, 5.0], [5.0, 5.0], [5.0, 5.0]]
    """
    return np.concatenate([block @ columns for block in resampling_blocks(len(columns), replicates, seed)])


def resampled_group_sums(columns: FloatArray, members: BoolArray, replicates: int, seed: int) -> FloatArray:
    """Sums of each column over the resampled subjects of each group: one draw serves all groups and columns.

    A group is a mask on the draw of all subjects, so how many of its subjects are drawn varies, as it would in
    another study of as many subjects.

    Parameters
    ----------
    columns : shape (n_subjects, n_columns)
    members : shape (n_subjects, n_groups)
        Groups may overlap: everyone, the levels of several axes, everyone but one.

    Returns
    -------
    array, shape (replicates, n_groups, n_columns)

    Notes
    -----
    Groups that overlap cut the subjects into parts: those in exactly the same groups. The subjects are put in
    the order of their parts once, a replicate is summed over each part, and a group's sum is that of its parts.
    The price is one pass over the subjects, however many groups there are.

    Examples
    --------
    >>> columns, men = np.ones((5, 1)), np.array([True, True, False, False, False])
    >>> sums = resampled_group_sums(columns, np.column_stack([np.ones(5, bool), men, ~men]), 2, seed=1)
    >>> sums[:, 0, 0].tolist(), (sums[:, 1, 0] + sums[:, 2, 0]).tolist()
    ([5.0, 5.0], [5.0, 5.0])
    """
    packed, part = np.unique(np.packbits(members, axis=1), axis=0, return_inverse=True)
    groups = members.shape[1]
    if len(packed) > MOST_PARTS and groups > 1:
        halves = (members[:, : groups // 2], members[:, groups // 2 :])
        return np.concatenate([resampled_group_sums(columns, h, replicates, seed) for h in halves], axis=1)
    order = np.argsort(part.ravel(), kind="stable")
    ends = np.cumsum(np.bincount(part.ravel(), minlength=len(packed)))
    of_part = members[order[ends - 1]].astype(np.float64)  # shape (n_parts, n_groups)
    ordered = columns[order]
    pieces = [slice(start, stop) for start, stop in zip([0, *ends[:-1]], ends, strict=True)]
    sums = []
    rows = max(1, BLOCK // (len(pieces) * columns.shape[1]))
    for block in resampling_blocks(len(columns), replicates, seed):
        for start in range(0, len(block), rows):
            weights = np.take(block[start : start + rows], order, axis=1)
            by_part = np.stack([weights[:, piece] @ ordered[piece] for piece in pieces])
            sums.append(np.einsum("prc,pg->rgc", by_part, of_part, optimize=True))
    return np.concatenate(sums)


def jackknife_ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """The ratio of sums with each subject left out once; NaN where nothing is left to divide by."""
    left = denominator.sum() - denominator
    rest = numerator.sum() - numerator
    figures: FloatArray = np.divide(rest, left, out=np.full(len(left), np.nan), where=left > 0)
    return figures


def percentile_interval(figures: FloatArray, confidence: float) -> tuple[float, float]:
    """The central quantiles of the resampled figures."""
    tail = (1 - confidence) / 2
    lower, upper = np.quantile(figures, [tail, 1 - tail])
    return float(lower), float(upper)


def bca_interval(
    figures: FloatArray, value: float, jackknife: FloatArray, confidence: float
) -> tuple[float, float] | None:
    """Bias-corrected and accelerated interval; None where the corrections do not exist.

    Parameters
    ----------
    figures : shape (replicates,)
        Resampled figures.
    value : float
        The figure of the sample itself.
    jackknife : shape (n_subjects,)
        The figure with each subject left out.

    Notes
    -----
    The bias correction does not exist when all resamples lie on one side of the value; the acceleration does
    not when no subject moves the figure or a figure without one subject is undefined. With few subjects and
    a ratio near 0 or 1 both corrections rest on one or two subjects: in simulation, a 95 % interval of 8
    people around a true 0.95 held it in about 87 % of studies (percentile: 84 %). The correction mends
    skewness, it adds no information.

    References
    ----------
    Efron, J Am Stat Assoc 82:171-185, 1987; ties counted half, as scipy.stats.bootstrap does.
    """
    from scipy.special import ndtr, ndtri

    below = (np.count_nonzero(figures < value) + np.count_nonzero(figures <= value)) / (2 * len(figures))
    deviation = jackknife.mean() - jackknife
    spread = float((deviation**2).sum())
    if not 0 < below < 1 or not np.isfinite(spread) or spread == 0:
        return None
    bias = ndtri(below)
    acceleration = float((deviation**3).sum()) / (6 * spread**1.5)
    normal = bias + ndtri(np.array([(1 - confidence) / 2, (1 + confidence) / 2]))
    stretch = 1 - acceleration * normal
    if (stretch <= 0).any():
        return None
    lower, upper = np.quantile(figures, ndtr(bias + normal / stretch))
    return float(lower), float(upper)
