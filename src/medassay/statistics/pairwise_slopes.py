"""Order statistics of the slopes between all pairs of points, in memory that does not grow with their number.

n points have n (n - 1) / 2 slopes: 12.5 million for n = 5,000. They are made some at a time and never kept. The
wanted ranks are found by radix selection on the bits of the numbers: a pass counts the leading 16 bits, the
next pass the following 16 bits among slopes that agree so far, until few enough are left to be sorted. The
result is the exact order statistic, ties and all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from medassay.statistics.paired import FloatArray

Keys = NDArray[np.uint64]

CELLS = 1 << 17  # slopes made at a time
KEEP = 1 << 18  # slopes that may be kept and sorted
SAME = 1e-12  # relative: values closer than this are the same reading
DIGIT = 16  # bits counted in a pass


@dataclass(frozen=True)
class SlopeCounts:
    """How many pairs rise, fall, stand upright (one x, two y), or lie beyond the two diagonals."""

    finite: int
    upright: int
    rising: int
    falling: int
    below: int  # slope < -1
    at_minus_one: int
    at_one: int
    above: int  # slope > 1
    leading: NDArray[np.int64] = field(repr=False, compare=False)  # slopes by their leading bits


@dataclass(frozen=True)
class Group:
    """Slopes whose leading `bits` are `prefix`: how many, and which of their ranks are wanted under what name."""

    bits: int
    prefix: int
    size: int
    wanted: dict[int, int]

    def holds(self, keys: Keys) -> Keys:
        """Those of the keys that belong to the group."""
        if self.bits == 0:
            return keys
        own: Keys = keys[(keys >> np.uint64(64 - self.bits)) == np.uint64(self.prefix)]
        return own


def count_slopes(x: FloatArray, y: FloatArray, rounding: float = 0.0) -> SlopeCounts:
    """One pass over all pairs; a pair of equal points has no slope and is not counted.

    Parameters
    ----------
    x, y : shape (n,)
    rounding : float
        Differences up to this are none, and slopes that far from the diagonals lie on them.

    Examples
    --------
    >>> count_slopes(np.array([0.0, 1.0, 1.0]), np.array([0.0, 2.0, 3.0]))
    SlopeCounts(finite=2, upright=1, rising=2, falling=0, below=0, at_minus_one=0, at_one=0, above=2)
    """
    totals = np.zeros(8, dtype=np.int64)
    leading = np.zeros(1 << DIGIT, dtype=np.int64)
    for slopes, upright in _parts(x, y, rounding):
        kinds = (slopes > 0, slopes < 0, slopes < -1, slopes == -1, slopes == 1, slopes > 1)
        totals += [slopes.size, upright, *(int(np.count_nonzero(kind)) for kind in kinds)]
        leading += _digits(_keys(slopes), 0)
    finite, upright, rising, falling, below, at_minus_one, at_one, above = (int(total) for total in totals)
    return SlopeCounts(finite, upright, rising, falling, below, at_minus_one, at_one, above, leading)


def ranked_slopes(
    x: FloatArray, y: FloatArray, ranks: Sequence[int], counts: SlopeCounts, rounding: float = 0.0
) -> FloatArray:
    """The finite slopes of the given ranks, 1 being the smallest.

    Parameters
    ----------
    ranks : each within 1 .. counts.finite
        In any order, repeats allowed.
    counts : SlopeCounts
        Of the same points and the same rounding.

    Examples
    --------
    >>> x, y = np.array([0.0, 1.0, 2.0]), np.array([0.0, 2.0, 3.0])
    >>> ranked_slopes(x, y, [1, 3], count_slopes(x, y)).tolist()
    [1.0, 2.0]
    """
    found: dict[int, float] = {}
    whole = Group(0, 0, counts.finite, {rank: rank for rank in ranks})
    groups = [whole] if whole.size <= KEEP else _split(whole, counts.leading)
    while groups:
        small = [group for group in groups if group.size <= KEEP or group.bits == 64]
        large = [group for group in groups if group not in small]
        found.update(_sorted_out(x, y, rounding, small))
        groups = [
            part
            for group, histogram in zip(large, _histograms(x, y, rounding, large), strict=True)
            for part in _split(group, histogram)
        ]
    return np.array([found[rank] for rank in ranks])


def _split(group: Group, histogram: NDArray[np.int64]) -> list[Group]:
    """The parts of a group, by its next digit, that hold a wanted rank."""
    ends = np.cumsum(histogram)
    parts = []
    for digit in sorted({int(np.searchsorted(ends, within)) for within in group.wanted.values()}):
        end = int(ends[digit])
        before = end - int(histogram[digit])
        wanted = {rank: within - before for rank, within in group.wanted.items() if before < within <= end}
        parts.append(Group(group.bits + DIGIT, (group.prefix << DIGIT) | digit, end - before, wanted))
    return parts


def _sorted_out(x: FloatArray, y: FloatArray, rounding: float, groups: list[Group]) -> dict[int, float]:
    """The wanted ranks of groups that are small enough to keep, or whose 64 bits agree in one number."""
    found: dict[int, float] = {}
    kept: list[tuple[Group, list[Keys]]] = []
    for group in groups:
        if group.bits == 64:
            number = float(_numbers(np.array([group.prefix], dtype=np.uint64))[0])
            found.update(dict.fromkeys(group.wanted, number))
        else:
            kept.append((group, []))
    if kept:
        for slopes, _ in _parts(x, y, rounding):
            keys = _keys(slopes)
            for group, parts in kept:
                parts.append(group.holds(keys))
    for group, parts in kept:
        ordered = _numbers(np.sort(np.concatenate(parts)))
        found.update({rank: float(ordered[within - 1]) for rank, within in group.wanted.items()})
    return found


def _histograms(
    x: FloatArray, y: FloatArray, rounding: float, groups: list[Group]
) -> list[NDArray[np.int64]]:
    """Next digits of each group's slopes, all groups in one pass."""
    histograms = [np.zeros(1 << DIGIT, dtype=np.int64) for _ in groups]
    if groups:
        for slopes, _ in _parts(x, y, rounding):
            keys = _keys(slopes)
            for group, histogram in zip(groups, histograms, strict=True):
                histogram += _digits(group.holds(keys), group.bits)
    return histograms


def _digits(keys: Keys, bits: int) -> NDArray[np.int64]:
    digits = (keys >> np.uint64(64 - bits - DIGIT)) & np.uint64((1 << DIGIT) - 1)
    counted: NDArray[np.int64] = np.bincount(digits.astype(np.int64), minlength=1 << DIGIT)
    return counted


def _keys(slopes: FloatArray) -> Keys:
    """Unsigned integers in the order of the numbers: negative ones inverted, the others with the sign bit set."""
    bits = (slopes + 0.0).view(np.uint64)  # + 0.0 makes -0.0 and 0.0 one number
    top = np.uint64(1) << np.uint64(63)
    keys: Keys = np.where(bits & top, ~bits, bits | top)
    return keys


def _numbers(keys: Keys) -> FloatArray:
    top = np.uint64(1) << np.uint64(63)
    numbers: FloatArray = np.where(keys & top, keys ^ top, ~keys).view(np.float64)
    return numbers


def _parts(x: FloatArray, y: FloatArray, rounding: float) -> Iterator[tuple[FloatArray, int]]:
    """Finite slopes of some pairs at a time, and how many of these pairs are upright.

    Pairs are taken by how far apart they stand in the data, so that each part is a difference of two slices.
    """
    n = len(x)
    near_x, near_y = SAME * np.abs(x) / 2, SAME * np.abs(y) / 2
    gap = 1
    while gap < n:
        steps, size = [], 0
        while gap < n and size < CELLS:
            steps.append(
                (
                    _difference(x, near_x, gap, rounding),
                    _difference(y, near_y, gap, rounding),
                )
            )
            size += n - gap
            gap += 1
        dx, dy = (np.concatenate(parts) for parts in zip(*steps, strict=True))
        yield _slopes(dx, dy, rounding)


def _difference(values: FloatArray, near: FloatArray, gap: int, rounding: float) -> FloatArray:
    """Differences of values `gap` apart, zero where two are the same reading."""
    difference: FloatArray = values[gap:] - values[:-gap]
    difference[np.abs(difference) <= np.maximum(near[gap:] + near[:-gap], rounding)] = 0.0
    return difference


def _slopes(dx: FloatArray, dy: FloatArray, rounding: float) -> tuple[FloatArray, int]:
    sloping = dx != 0
    if sloping.all():
        upright = 0
    else:
        upright = int(np.count_nonzero(dy[~sloping]))
        dx, dy = dx[sloping], dy[sloping]
    slopes = dy / dx
    if rounding:
        diagonal = np.abs(np.abs(dx) - np.abs(dy)) <= rounding
        slopes[diagonal] = np.sign(slopes[diagonal])
    return slopes, upright
