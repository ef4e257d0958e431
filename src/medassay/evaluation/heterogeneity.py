"""Whether a figure differs over subgroups by more than chance: subjects change groups, their events stay together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from medassay.core.errors import WrongUse
from medassay.core.method import method
from medassay.core.record import Record

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
SAME = 1e-12  # relative: statistics this close differ by rounding only
BLOCK = 4_000_000  # cells of tables that are held at once
MOST_SHUFFLED = 20_000_000  # subjects over all permutations, where no two have the same sums
FEWEST = 199  # permutations: a p-value in steps of 0.005


class Heterogeneity(Record):
    """A p-value over groups, or the reason why there is none."""

    p_value: float | None = Field(description="None exactly when `undefined` says why")
    statistic: float | None = Field(
        default=None, description="sum of D (p - pooled p)^2 over the groups; of areas: chi-squared"
    )
    groups: int = Field(ge=0, description="that have a denominator")
    subjects: int = Field(ge=0)
    method: str = ""
    undefined: str = ""


@method(
    id="subgroup-heterogeneity-permutation",
    task="comparison",
    zh="亚组异质性置换检验（以受试者为单位）",
    en="heterogeneity over subgroups, permutation of subjects",
    formula="T = sum_g D_g (N_g / D_g - N / D)^2; p = (1 + #{T* >= T}) / (1 + permutations)",
    source="Good, Permutation Tests, 2000, 2.1; Phipson and Smyth, Stat Appl Genet Mol Biol 9:39, 2010",
    check="Freeman-Halton by enumeration; scipy.stats.permutation_test; Pearson's chi-squared in large samples",
)
def heterogeneity(
    numerator: FloatArray, denominator: FloatArray, groups: IntArray, *, seed: int, permutations: int = 2000
) -> Heterogeneity:
    """Permutation test that one ratio of sums holds in all groups.

    With one event a subject, T is Pearson's chi-squared times p (1 - p). Whole subjects are permuted, so that
    events of one subject are never taken as independent, and a group in which all subjects are alike needs no
    variance. Subjects with the same sums can change places unseen: a permutation is a table of kinds of
    subjects by groups, with the margins of the one that was seen, and is drawn as such.

    Parameters
    ----------
    numerator, denominator : shape (n_subjects,), denominator >= 0
    groups : shape (n_subjects,), 0 to k - 1
    seed : int
        Of the permutations, recorded with the figure.

    Returns
    -------
    Heterogeneity
        Undefined with fewer than two groups that have a denominator, or where all subjects have one figure.

    Raises
    ------
    WrongUse
        When the arrays do not fit together.

    Examples
    --------
    >>> right, n = np.array([5.0, 5, 4, 5, 1, 0, 1, 2]), np.full(8, 5.0)
    >>> found = heterogeneity(right, n, np.array([0, 0, 0, 0, 1, 1, 1, 1]), seed=1)
    >>> round(found.statistic, 3), found.p_value < 0.05
    (5.625, True)
    """
    if not (numerator.ndim == 1 and numerator.shape == denominator.shape == groups.shape) or permutations < 1:
        raise WrongUse(
            found=f"shapes {numerator.shape}, {denominator.shape}, {groups.shape}, {permutations} permutations",
            wanted="one numerator, denominator and group a subject, and at least one permutation",
            remedy="Sum each subject's samples first, in one order.",
        )
    counted = denominator > 0
    n, d = numerator[counted], denominator[counted]
    _, place = np.unique(groups[counted], return_inverse=True)
    k, subjects = int(place.max(initial=-1)) + 1, len(d)
    if k < 2:
        return Heterogeneity(
            p_value=None, groups=k, subjects=subjects, undefined="fewer than two groups have a figure"
        )
    if np.ptp(n / d) <= SAME * max(1.0, float(np.abs(n / d).max())):
        return Heterogeneity(
            p_value=None, groups=k, subjects=subjects, undefined="every subject has the same figure"
        )
    kinds, kind = np.unique(np.column_stack([n, d]), axis=0, return_inverse=True)
    table = np.bincount(kind.ravel() * k + place, minlength=len(kinds) * k).reshape(len(kinds), k)
    observed = float(_statistic(table[None], kinds)[0])
    permutations = min(permutations, max(FEWEST, MOST_SHUFFLED // min(subjects, table.size)))
    beyond = _beyond(observed, table, kinds, permutations, seed)
    return Heterogeneity(
        p_value=(1 + beyond) / (1 + permutations),
        statistic=observed,
        groups=k,
        subjects=subjects,
        method=f"permutation(subjects, permutations={permutations}, seed={seed})",
    )


def heterogeneity_of_sums(
    figure: Callable[[FloatArray], FloatArray],
    columns: FloatArray,
    groups: IntArray,
    *,
    seed: int,
    permutations: int = 2000,
) -> Heterogeneity:
    """The same question of any function of sums: T = sum of n_g (figure_g - mean figure)^2, n_g subjects.

    Parameters
    ----------
    figure : callable
        From sums of shape (..., n_columns) to figures; NaN where undefined.
    columns : shape (n_subjects, n_columns)
    groups : shape (n_subjects,), 0 to k - 1

    Returns
    -------
    Heterogeneity
        Of the groups that have a figure. A permutation in which a group loses its figure counts as one that differs
        as much, which can only raise the p-value.

    Examples
    --------
    >>> rows = np.array([[1.0, 1], [1, 1], [1, 1], [1, 1], [0, 1], [0, 1], [0, 1], [0, 1]])
    >>> found = heterogeneity_of_sums(lambda s: s[..., 0] / s[..., 1], rows, np.repeat([0, 1], 4), seed=1)
    >>> found.statistic, found.p_value < 0.1
    (2.0, True)
    """
    members = np.eye(int(groups.max(initial=-1)) + 1)[groups]
    own = figure(members.T @ columns)
    members = members[:, np.isfinite(own)]
    kept = members.any(axis=1)
    columns, members = columns[kept], members[kept]
    k, subjects = members.shape[1], len(columns)
    if k < 2:
        return Heterogeneity(
            p_value=None, groups=k, subjects=subjects, undefined="fewer than two groups have a figure"
        )
    sizes = members.sum(axis=0)
    observed = float(_spread(figure(members.T @ columns), sizes))
    permutations = min(permutations, max(FEWEST, MOST_SHUFFLED // subjects))
    generator = np.random.default_rng(seed)
    drawn = np.array([figure(members.T @ generator.permutation(columns)) for _ in range(permutations)])
    spread = np.nan_to_num(_spread(drawn, sizes), nan=np.inf)
    beyond = int(np.count_nonzero(spread >= observed * (1 - SAME)))
    return Heterogeneity(
        p_value=(1 + beyond) / (1 + permutations),
        statistic=observed,
        groups=k,
        subjects=subjects,
        method=f"permutation(subjects, permutations={permutations}, seed={seed})",
    )


def _spread(figures: FloatArray, sizes: FloatArray) -> FloatArray:
    """How far the figures of groups lie from their mean, shape (..., n_groups) to (...)."""
    mean = (figures * sizes).sum(axis=-1, keepdims=True) / sizes.sum()
    total: FloatArray = (sizes * (figures - mean) ** 2).sum(axis=-1)
    return total


def _beyond(observed: float, table: IntArray, kinds: FloatArray, permutations: int, seed: int) -> int:
    """How many tables with the margins of the one that was seen have a T as large."""
    from scipy.stats import random_table

    generator = np.random.default_rng(seed)
    margins = random_table(table.sum(axis=1), table.sum(axis=0))
    at_once = max(1, BLOCK // table.size)
    beyond = 0
    for start in range(0, permutations, at_once):
        drawn = margins.rvs(min(at_once, permutations - start), random_state=generator)
        beyond += int(np.count_nonzero(_statistic(drawn, kinds) >= observed * (1 - SAME)))
    return beyond


def _statistic(tables: IntArray | FloatArray, kinds: FloatArray) -> FloatArray:
    """T of each table of kinds by groups, shape (tables,); `kinds` holds their numerator and denominator."""
    part, whole = (np.einsum("tkg,k->tg", tables, sums) for sums in kinds.T)
    pooled = part.sum(axis=1, keepdims=True) / whole.sum(axis=1, keepdims=True)
    total: FloatArray = ((part - pooled * whole) ** 2 / whole).sum(axis=1)
    return total
