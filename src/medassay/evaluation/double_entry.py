"""Double entry: headline statistics counted a second time by another implementation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from medassay.core.errors import EvidenceBroken


@dataclass(frozen=True)
class Entry:
    """One statistic, summed over all samples by both implementations."""

    statistic: str
    first: float
    second: float
    tolerance: float
    agrees: bool


def enter_twice(
    samples: Iterable[tuple[Mapping[str, float], Mapping[str, float]]],
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


def _all_of(headline: Sequence[str], statistics: Mapping[str, float], which: str) -> Mapping[str, float]:
    lacking = [name for name in headline if not math.isfinite(statistics.get(name, math.nan))]
    if lacking:
        raise EvidenceBroken(
            found=f"no finite {', '.join(lacking)}",
            wanted=f"every headline statistic from the {which} implementation",
            remedy="Mend the scorer: what is counted once only is not entered twice.",
            where="double entry",
        )
    return statistics


def _entry(name: str, pairs: Sequence[tuple[float, float]], tolerance: float) -> Entry:
    first, second = (math.fsum(column) for column in zip(*pairs, strict=True)) if pairs else (0.0, 0.0)
    apart = [abs(first - second), *(abs(one - two) for one, two in pairs)]
    return Entry(name, first, second, tolerance, agrees=max(apart) <= tolerance)
