"""Variance components of a nested design: analysis of variance, Satterthwaite's degrees of freedom.

Results within runs within days within sites ...: any number of levels, balanced or not, each level's groups
numbered afresh within the level above. Type 1 (sequential) sums of squares; a negative component is set to zero
and says so, and the total then sums what is left (R VCA and SAS PROC NESTED do the same).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.paired import (
    FloatArray,
    bare,
    groups,
    require_confidence,
    undefined,
    values,
    with_ends,
    with_error,
)

Labels = Sequence[object] | NDArray[np.generic]
ERROR = "error"


@dataclass(frozen=True)
class Component:
    """One level. `variance` may come from a negative estimate set to zero: then `negative` holds it."""

    name: str
    degrees: float  # of its mean square
    sum_of_squares: float
    mean_square: float
    variance: Estimate
    sd: float
    cv_percent: float | None
    negative: float | None


@dataclass(frozen=True)
class Imprecision:
    """A sum of components as a standard deviation, with Satterthwaite's degrees of freedom."""

    name: str
    variance: float
    sd: Estimate
    cv_percent: Estimate
    degrees: float | None


@dataclass(frozen=True)
class NestedAnalysis:
    """Components from the outermost level to the error, and what is needed to sum some of them."""

    mean: float
    n: int
    components: tuple[Component, ...]
    total: Imprecision
    coefficients: FloatArray  # expected mean squares = coefficients @ components
    confidence: float
    unit: str

    def summed(self, name: str, levels: Sequence[str]) -> Imprecision:
        """The sum of some components: within-laboratory precision leaves out sites, and so on.

        Raises
        ------
        WrongUse
            For a level that is not there.
        """
        known = [component.name for component in self.components]
        missing = [level for level in levels if level not in known]
        if missing or not levels:
            raise WrongUse(
                found=f"{len(missing)} of {len(levels)} levels unknown",
                wanted="some of " + ", ".join(known),
                remedy="Name the levels of the design.",
            )
        chosen = np.array([level in levels for level in known], dtype=np.float64)
        return _imprecision(name, chosen, self)


@method(
    id="nested-variance-components",
    task="measurement",
    zh="嵌套设计方差分量分析",
    en="Variance components of a nested design",
    formula="solve E(MS) = C v (type 1), negative v -> 0; df by Satterthwaite; SD interval by chi-square",
    source="CLSI EP05-A3, appendix; Searle, Casella and McCulloch, Variance Components, 1992, ch. 5",
    check="R VCA 1.5.2 anovaVCA; SAS type 1 estimates and Wald limits of the VCA test data",
)
def nested_variance_components(
    results: ArrayLike, levels: Mapping[str, Labels], *, confidence: float = 0.95, unit: str = "1"
) -> NestedAnalysis | Estimate:
    """Split the variance of results over the levels of a nested design.

    Parameters
    ----------
    results : shape (n,), in `unit`
    levels : name to labels of shape (n,), outermost first
        Day 1 of site A and day 1 of site B are different days.

    Returns
    -------
    NestedAnalysis or Estimate
        An estimate without a value, with the reason, where a level has nothing to be estimated from: a single
        group, no replicate, or each result a group of its own.

    Raises
    ------
    WrongUse
        For values that are not finite, labels that do not fit, or no level named "error".

    Examples
    --------
    >>> found = nested_variance_components([1, 2, 4, 5], {"day": ["a", "a", "b", "b"]})
    >>> [(c.name, c.variance.value) for c in found.components]
    [('day', 4.25), ('error', 0.5)]
    >>> round(found.total.degrees, 3), round(found.total.sd.value, 4)
    (1.112, 2.1794)
    """
    require_confidence(confidence)
    y = values(results, "results")
    if ERROR in levels:
        raise WrongUse(
            found="a level named 'error'", wanted="another name", remedy="Rename it: error is what is left."
        )
    tree = _tree(levels, len(y))
    sums, degrees, coefficients = _sequential(y, tree)
    names = [*levels, ERROR]
    flat = [name for name, free in zip(names, degrees, strict=True) if free <= 0]
    if flat:
        return undefined(len(y), f"nothing to estimate {flat[0]} from", unit)
    return _analysis(y, names, sums, degrees, coefficients, tree, confidence, unit)


def _tree(levels: Mapping[str, Labels], n: int) -> list[NDArray[np.int64]]:
    """Group numbers of each level, nested in the level above; the whole first, each result last."""
    tree = [np.zeros(n, dtype=np.int64)]
    for name, labels in levels.items():
        own = groups(labels, n, name)
        joint = list(zip(tree[-1].tolist(), own.tolist(), strict=True))
        tree.append(groups([f"{outer}/{inner}" for outer, inner in joint], n, name))
    tree.append(np.arange(n, dtype=np.int64))
    return tree


def _sequential(y: FloatArray, tree: list[NDArray[np.int64]]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Sums of squares, degrees of freedom, and coefficients of the expected mean squares, a row a level."""
    centred = y - y.mean() if len(y) else y
    explained = np.array([_square_of_sums(centred, member) for member in tree])
    groups_of = np.array([int(member.max(initial=-1)) + 1 for member in tree])
    sums, degrees = np.diff(explained), np.diff(groups_of).astype(np.float64)
    # Contribution of level m to the explained sum of level l: sum over groups of m of n_m^2 / n_l.
    depth = len(tree) - 1
    share = np.zeros((depth + 1, depth))
    for level, member in enumerate(tree):
        for inner in range(depth):
            share[level, inner] = _mean_size(member, tree[inner + 1])
    coefficients = np.diff(share, axis=0)
    safe = np.where(degrees > 0, degrees, 1)[:, None]
    return np.maximum(sums, 0.0), degrees, np.triu(coefficients / safe)


def _square_of_sums(y: FloatArray, member: NDArray[np.int64]) -> float:
    if len(y) == 0:
        return 0.0
    count = np.bincount(member)
    return float((np.bincount(member, y) ** 2 / count).sum())


def _mean_size(outer: NDArray[np.int64], inner: NDArray[np.int64]) -> float:
    """sum over outer groups of (sum of squared sizes of the parts that inner groups make of it) / its size."""
    if len(outer) == 0:
        return 0.0
    joint = outer * (int(inner.max()) + 1) + inner
    _, first, size = np.unique(joint, return_index=True, return_counts=True)
    whole = np.bincount(outer)
    return float((size.astype(np.float64) ** 2 / whole[outer[first]]).sum())


def _analysis(
    y: FloatArray,
    names: list[str],
    sums: FloatArray,
    degrees: FloatArray,
    coefficients: FloatArray,
    tree: list[NDArray[np.int64]],
    confidence: float,
    unit: str,
) -> NestedAnalysis:
    mean_squares = sums / degrees
    solved = np.linalg.solve(coefficients, mean_squares)
    # What rounding leaves of an exact zero is no negative component.
    noise = 1e-12 * max(float(mean_squares.max()), float(np.abs(y).max() ** 2) * 1e-12)
    kept = np.where(solved > noise, solved, 0.0)
    errors = _component_errors(tree, kept, degrees, coefficients)
    mean = float(y.mean())
    components = []
    for place, name in enumerate(names):
        last = place == len(names) - 1
        variance = (
            _residual(float(kept[place]), float(degrees[place]), len(y), confidence)
            if last
            else _wald(float(kept[place]), float(solved[place]), float(errors[place]), len(y), confidence)
        )
        sd = float(np.sqrt(kept[place]))
        components.append(
            Component(
                name,
                float(degrees[place]),
                float(sums[place]),
                float(mean_squares[place]),
                variance,
                sd,
                100 * sd / abs(mean) if mean else None,
                float(solved[place]) if solved[place] < -noise else None,
            )
        )
    none = Imprecision("total", 0.0, undefined(len(y), "unset", unit), undefined(len(y), "unset", "%"), None)
    whole = NestedAnalysis(mean, len(y), tuple(components), none, coefficients, confidence, unit)
    total = _imprecision("total", np.ones(len(names)), whole)
    return NestedAnalysis(mean, len(y), tuple(components), total, coefficients, confidence, unit)


def _component_errors(
    tree: list[NDArray[np.int64]], variances: FloatArray, degrees: FloatArray, coefficients: FloatArray
) -> FloatArray:
    """Standard errors of the components for normal results, exact also where sizes differ.

    With averaging projectors P_l of the levels, cov(y'P_l y, y'P_m y) = 2 tr(P_l V P_m V), which is the squared
    norm of Z_l' V Z_m with columns scaled to unit length; sums of squares are differences of these forms.
    """
    from scipy import sparse

    n = len(tree[0])
    members = []
    for member in tree:
        ones = sparse.csr_array((np.ones(n), (np.arange(n), member)))
        members.append(ones)
    scaled = [ones @ sparse.diags_array(1 / np.sqrt(ones.sum(axis=0))) for ones in members]
    spread = [
        sum(
            (
                variance * (ones @ (ones.T @ unit))
                for variance, ones in zip(variances, members[1:], strict=True)
            ),
            start=sparse.csr_array(unit.shape),
        )
        for unit in scaled
    ]
    forms = np.array([[2 * float((left.T @ right).power(2).sum()) for right in spread] for left in scaled])
    steps = np.diff(np.eye(len(tree)), axis=0)
    solving = np.linalg.inv(coefficients) / degrees
    covariance = solving @ (steps @ forms @ steps.T) @ solving.T
    errors: FloatArray = np.sqrt(np.maximum(np.diagonal(covariance), 0.0))
    return errors


def _wald(kept: float, solved: float, error: float, n: int, confidence: float) -> Estimate:
    if kept == 0:
        return bare(0.0, n, "the estimate is not above zero")
    return with_error(solved, error, None, n, confidence, "wald(type 1)")


def _residual(variance: float, degrees: float, n: int, confidence: float) -> Estimate:
    lower, upper = _chi_square_ends(variance, degrees, confidence)
    if variance == 0:
        return bare(0.0, n, "replicates do not differ")
    return with_ends(variance, lower, upper, n, confidence, "chi_square")


def _chi_square_ends(variance: float, degrees: float, confidence: float) -> tuple[float, float]:
    from scipy import stats

    upper, lower = stats.chi2.ppf([(1 - confidence) / 2, (1 + confidence) / 2], degrees)
    with np.errstate(divide="ignore", over="ignore"):
        return float(np.divide(variance * degrees, lower)), float(np.divide(variance * degrees, upper))


def _imprecision(name: str, chosen: FloatArray, analysis: NestedAnalysis) -> Imprecision:
    """Sum of chosen components; degrees of freedom from mean squares refitted to the components kept."""
    kept = np.array([component.variance.value for component in analysis.components], dtype=np.float64)
    degrees = np.array([component.degrees for component in analysis.components])
    weights = np.linalg.solve(analysis.coefficients.T, chosen)
    refitted = analysis.coefficients @ kept
    variance = float(chosen @ kept)
    unit, n = analysis.unit, analysis.n
    if variance == 0:
        zero = bare(0.0, n, "nothing varies", unit)
        return Imprecision(name, 0.0, zero, bare(0.0, n, "nothing varies", "%"), None)
    free = variance**2 / float(((weights * refitted) ** 2 / degrees).sum())
    ends = _chi_square_ends(variance, free, analysis.confidence)
    sd, lower, upper = (float(np.sqrt(part)) for part in (variance, *ends))
    how = "chi_square(satterthwaite)"
    estimate = with_ends(sd, lower, upper, n, analysis.confidence, how, unit)
    if analysis.mean == 0:
        cv = undefined(n, "the mean is zero", "%")
    else:
        scale = 100 / abs(analysis.mean)
        cv = with_ends(sd * scale, lower * scale, upper * scale, n, analysis.confidence, how, "%")
    return Imprecision(name, variance, estimate, cv, free)
