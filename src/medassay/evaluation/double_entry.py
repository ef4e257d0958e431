"""Double entry: headline statistics, and figures that are no sums, made a second time by another implementation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeGuard

from medassay.core.errors import EvidenceBroken
from medassay.evaluation.scorer import Metric, Scorer
from medassay.evaluation.subject_table import SubjectTable
from medassay.evaluation.sufficient import Statistics, summed


@dataclass(frozen=True)
class Entry:
    """One statistic, summed over all samples by both implementations."""

    statistic: str
    first: float
    second: float
    tolerance: float
    agrees: bool


def enter_twice(
    samples: Iterable[tuple[Statistics, Statistics]],
    *,
    headline: Sequence[str],
    tolerance: float,
) -> tuple[Entry, ...]:
    """Compare both counts of every sample, and their sums.

    Parameters
    ----------
    samples : pairs of statistics
        By the scorer and by its second implementation.
    headline : sequence of str
        The statistics that both give.
    tolerance : float
        Largest absolute difference of one sample, and of the sum.

    Returns
    -------
    tuple of Entry
        An entry agrees only when every single sample does as well: differences that cancel are differences.

    Raises
    ------
    EvidenceBroken
        When an implementation does not give a headline statistic: it was not entered twice.
    """
    pairs = [(_all_of(headline, one, "scorer"), _all_of(headline, two, "second")) for one, two in samples]
    return tuple(_entry(name, [(one[name], two[name]) for one, two in pairs], tolerance) for name in headline)


def require_agreement(entries: Iterable[Entry]) -> None:
    """Stop before a figure is printed whose two counts differ.

    Raises
    ------
    EvidenceBroken
        Naming the first statistic that differs.
    """
    for entry in entries:
        if not entry.agrees:
            raise EvidenceBroken(
                found=f"{entry.statistic} = {entry.first!r} by the scorer and {entry.second!r} by the second",
                wanted=f"the same within {entry.tolerance!r} in every sample",
                remedy="One of the two is wrong: no figure is printed until it is mended.",
                where="double entry",
            )


class FigureScorer(Scorer, Protocol):
    """A scorer whose figures are more than sums, with a door for a second making of them."""

    def figures_again(self, samples: Sequence[Statistics], options: Any) -> Mapping[str, float | None]:
        """Figures of all samples by another implementation, from what `second` gave; None where undefined."""
        ...


def has_figures(scorer: object) -> TypeGuard[FigureScorer]:
    """Whether a second implementation gives the scorer's figures, not their sums alone."""
    return hasattr(scorer, "figures_again")


def enter_all_twice(
    samples: Sequence[tuple[Statistics, Statistics]], scorer: Scorer, options: Any
) -> tuple[Entry, ...]:
    """Headline statistics of every sample and, where the scorer has the door, its figures over all samples.

    Raises
    ------
    EvidenceBroken
        As `enter_twice`; and when a figure exists by one of the two alone.
    """
    counted = enter_twice(samples, headline=scorer.HEADLINE, tolerance=scorer.SECOND_TOLERANCE)
    if not has_figures(scorer) or not samples:
        return counted
    together = summed(first for first, _ in samples)
    table = SubjectTable(("all",), [together], uncounted="zero")
    metrics = scorer.metrics(options)
    again = scorer.figures_again([second for _, second in samples], options)
    made = [
        _figure_entry(name, table.figure(metrics[name]).value, value, scorer.SECOND_TOLERANCE)
        for name, value in again.items()
    ]
    return (*counted, *(entry for entry in made if entry))


def entered(name: str, samples: Sequence[Statistics], metrics: Mapping[str, Metric]) -> float:
    """What the first entry of this name comes to over these samples; NaN where it is neither statistic nor figure."""
    together = summed(samples)
    value = together.get(name)
    if value is None and name in metrics:
        value = SubjectTable(("all",), [together], uncounted="zero").figure(metrics[name]).value
    return value if isinstance(value, float) else math.nan


def _figure_entry(name: str, first: float | None, second: float | None, tolerance: float) -> Entry | None:
    """Undefined by both is agreed on, and no entry."""
    if first is None and second is None:
        return None
    if first is None or second is None:
        raise EvidenceBroken(
            found=f"{name} that is defined by one implementation alone",
            wanted="defined by both, or by neither",
            remedy="One of the two is wrong: no figure is printed until it is mended.",
            where="double entry",
        )
    return Entry(name, first, second, tolerance, agrees=abs(first - second) <= tolerance)


def _all_of(headline: Sequence[str], statistics: Statistics, which: str) -> dict[str, float]:
    counted = {name: value for name in headline if isinstance(value := statistics.get(name), float | int)}
    lacking = [name for name in headline if not math.isfinite(counted.get(name, math.nan))]
    if lacking:
        raise EvidenceBroken(
            found=f"no finite {', '.join(lacking)}",
            wanted=f"every headline statistic from the {which} implementation",
            remedy="Mend the scorer: what is counted once only is not entered twice.",
            where="double entry",
        )
    return counted


def _entry(name: str, pairs: Sequence[tuple[float, float]], tolerance: float) -> Entry:
    first, second = (math.fsum(column) for column in zip(*pairs, strict=True)) if pairs else (0.0, 0.0)
    apart = [abs(first - second), *(abs(one - two) for one, two in pairs)]
    return Entry(name, first, second, tolerance, agrees=max(apart) <= tolerance)
