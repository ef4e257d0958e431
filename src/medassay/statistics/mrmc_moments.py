"""Second moments of success scores by what two scores share: what the variance of an average over readers is made of.

A success score belongs to a reader, a negative and a positive case (or to a reader and a case, where a
figure counts one class only). Two of them share each factor or not, which makes eight moments (four):

1. sums of products, where a factor is shared or anything: a Gram matrix for each set of shared cases;
2. sums over what is *not* shared, by inclusion and exclusion;
3. moments = sums / numbers of products; biased ones from 1, unbiased ones from 2 (Gallas 2006);
4. components by factor (BCK) from the moments (BDG), Gallas et al. 2009, equation 19.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from itertools import product
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from medassay.statistics.reader_covariance import cell_totals, shared_counts, success_sums
from medassay.statistics.reader_study import Figure, FloatArray, ReaderStudy, cell_names

FACTORS = {
    "auc": ("readers", "positives", "negatives"),
    "sensitivity": ("readers", "positives"),
    "specificity": ("readers", "negatives"),
}
_APART = np.array([[1.0, 0.0], [-1.0, 1.0]])  # (shared, all) to (shared, not shared)


@dataclass(frozen=True)
class Moments:
    """Second moments of success scores by what two scores share, and what follows from them.

    Attributes
    ----------
    names : what two scores share, "readers+positives+negatives" to "" (nothing)
    moments, biased, coefficients : one a name; the squared mean stands under "" (BDG form)
    components, biased_components, weights : one a non-empty set of factors (BCK form)
    """

    names: tuple[str, ...]
    moments: tuple[float, ...]
    biased: tuple[float, ...]
    coefficients: tuple[float, ...]
    components: dict[str, float]
    biased_components: dict[str, float]
    weights: dict[str, float]

    @property
    def covariance(self) -> float:
        """Unbiased (co)variance of the two averages; may be negative."""
        return float(np.dot(self.coefficients, self.moments))

    @property
    def biased_covariance(self) -> float:
        """The same from biased moments (the maximum likelihood estimate of the empirical distribution)."""
        return float(np.dot(self.coefficients, self.biased))


@dataclass(frozen=True)
class Sums:
    """Gram matrices over cells, a row each for (shared cases..., all): products and their numbers."""

    cells: tuple[tuple[int, int], ...]
    products: NDArray[np.float64]  # (2 ** case factors, cells, cells)
    numbers: NDArray[np.float64]


def sums_of(study: ReaderStudy, figure: Figure) -> Sums:
    """Step 1 for every pair of cells; sets in the order of kron(positives, negatives)."""
    cells = tuple(cell_names(study))
    if figure != "auc":
        shared = shared_counts(study, figure == "sensitivity")
        scores = np.stack([np.nan_to_num(_right(study, t, r, figure)) for t, r in cells])
        totals, counts = scores.sum(axis=1), shared.diagonal()
        products = np.stack([scores @ scores.T, np.outer(totals, totals)])
        return Sums(cells, products, np.stack([shared, np.outer(counts, counts)]))
    both, of_positive, of_negative = success_sums(study)
    totals = cell_totals(study)
    positives, negatives = shared_counts(study, True), shared_counts(study, False)
    m, n = positives.diagonal(), negatives.diagonal()
    # Two scores that share a positive are summed over their negatives first, and the other way round.
    products = np.stack([both, of_positive, of_negative, np.outer(totals, totals)])
    numbers = np.stack(
        [
            positives * negatives,
            positives * np.outer(n, n),
            negatives * np.outer(m, m),
            np.outer(m * n, m * n),
        ]
    )
    return Sums(cells, products, numbers)


def _right(study: ReaderStudy, t: int, r: int, figure: Figure) -> FloatArray:
    ratings: FloatArray = study.ratings[t, r]
    return ratings if figure == "sensitivity" else 1 - ratings


def reader_mean(sums: Sums, study: ReaderStudy, t: int, figure: Figure) -> float:
    """Readers weighted by what they have read."""
    places = [place for place, cell in enumerate(sums.cells) if cell[0] == t]
    if figure == "auc":
        right = cell_totals(study)[places].sum()
    else:
        right = sum(np.nansum(_right(study, *sums.cells[place], figure)) for place in places)
    return float(right / sum(sqrt(sums.numbers[-1, place, place]) for place in places))


def moments_of(sums: Sums, t: int, u: int, figure: Figure) -> Moments:
    """Steps 2 to 4 for the averages of two treatments, or of one with itself."""
    rows = [place for place, cell in enumerate(sums.cells) if cell[0] == t]
    columns = [place for place, cell in enumerate(sums.cells) if cell[0] == u]
    same = np.array([[sums.cells[i][1] == sums.cells[j][1] for j in columns] for i in rows])
    block = np.ix_(rows, columns)
    raw, number = (
        np.concatenate(
            [
                [float(matrix[block][same].sum()) for matrix in which],
                [float(matrix[block].sum()) for matrix in which],
            ]
        )
        for which in (sums.products, sums.numbers)
    )
    factors = FACTORS[figure]
    apart = reduce(np.kron, [_APART] * len(factors))
    unlike, unlike_number = apart @ raw, apart @ number
    coefficients = unlike_number / number[-1]
    coefficients[-1] -= 1
    sets = [
        frozenset(name for name, kept in zip(factors, shares, strict=True) if kept)
        for shares in product((True, False), repeat=len(factors))
    ]
    moments = _over(unlike, unlike_number)
    biased = _over(raw, number)
    weights = {
        _name(part, factors): float(sum(c for c, s in zip(coefficients, sets, strict=True) if part <= s))
        for part in sets
        if part
    }
    return Moments(
        names=tuple(_name(part, factors) for part in sets),
        moments=tuple(float(m) for m in moments),
        biased=tuple(float(m) for m in biased),
        coefficients=tuple(float(c) for c in coefficients),
        components=_components(moments, factors, weights),
        biased_components=_components(biased, factors, weights),
        weights=weights,
    )


def _over(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """A mean of no products counts nothing: its coefficient is zero as well."""
    quotient: FloatArray = np.divide(
        numerator, denominator, out=np.zeros_like(numerator), where=np.abs(denominator) > 0.5
    )
    return quotient


def _name(part: frozenset[str], factors: tuple[str, ...]) -> str:
    return "+".join(name for name in factors if name in part)


def _components(moments: FloatArray, factors: tuple[str, ...], weights: dict[str, float]) -> dict[str, float]:
    """A set's component: shared less not shared for its factors, not shared for the others.

    A set that the design leaves empty (no common case, no common reader) has none, and weighs nothing.
    """
    found = {}
    for shares in product((True, False), repeat=len(factors)):
        if not any(shares):
            continue
        row = reduce(np.kron, [np.array([1.0, -1.0]) if kept else np.array([0.0, 1.0]) for kept in shares])
        name = "+".join(factor for factor, kept in zip(factors, shares, strict=True) if kept)
        found[name] = float(row @ moments) if abs(weights[name]) > 1e-12 else 0.0
    return found
