"""`SampleSize`: a number with the power it buys; and the search along a saw-tooth of exact power."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy import special

from medassay.core.errors import WrongUse

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

ALL_BELOW = 4000  # every number is tried up to here, then a window around the formula's
LARGEST = 20_000_000


@dataclass(frozen=True)
class SampleSize:
    """What to plan with.

    Attributes
    ----------
    n : int
        Smallest number that reaches the aim and keeps reaching it for every larger number.
    first : int
        Smallest number that reaches the aim at all; smaller than `n` on a saw-tooth.
    power : float
        At `n`; exact where `exact`, else by the formula.
    formula : float or None
        What the closed formula says, not rounded.
    power_at_formula : float or None
        The exact power of the formula's number, rounded up.
    exact : bool
        Whether the power is that of the discrete or noncentral distribution itself.
    remarks : tuple of str
        Where the formula misleads, and by how much.
    """

    n: int
    first: int
    power: float
    formula: float | None
    power_at_formula: float | None
    exact: bool
    remarks: tuple[str, ...] = ()


def planned(
    power_of: Callable[[IntArray], FloatArray], *, aim: float, formula: float, smallest: int = 1
) -> SampleSize:
    """The plan along the exact power, with what the formula would have promised.

    Parameters
    ----------
    power_of : numbers, rising -> power of each
        Its teeth must rise in the long run.
    aim : float
        Power to be reached.
    formula : float
        Where to look; the closed formula's number.

    Raises
    ------
    WrongUse
        When no number up to 20 million reaches the aim.
    """
    start = max(smallest, ceil(formula))
    first, steady = steady_from(power_of, aim, start, smallest)
    return _described(lambda n: float(power_of(np.array([n]))[0]), first, steady, aim, formula, start)


def planned_near(
    power_of: Callable[[int], float], *, aim: float, formula: float, smallest: int = 2
) -> SampleSize:
    """As `planned`, for a power that costs: only numbers near the formula's are tried.

    A stretch of a twentieth of the formula (30 at least) without a number below the aim ends the search.
    """
    start = max(smallest, ceil(formula))
    stretch = max(30, start // 20)
    low = max(smallest, start - stretch)
    while low > smallest and power_of(low) >= aim:
        low = max(smallest, low - stretch)
    missed, n = low - 1, low
    while n <= max(missed + stretch, start):
        if power_of(n) < aim:
            missed = n
        n += 1
        if n > LARGEST:
            raise _out_of_reach(aim)
    first = next(n for n in range(low, missed + 2) if power_of(n) >= aim)
    return _described(power_of, first, missed + 1, aim, formula, start)


def steady_from(
    power_of: Callable[[IntArray], FloatArray], aim: float, start: int, smallest: int = 1
) -> tuple[int, int]:
    """Smallest number that reaches the aim, and smallest from which all larger ones do.

    The lowest points of the teeth rise, so that a stretch half as long again without a number below the
    aim ends the search. Beyond `ALL_BELOW` numbers under half the formula's are not tried: the teeth are
    then far smaller than that.
    """
    low = smallest if start <= ALL_BELOW else start // 2
    high = max(low + 200, 2 * start)
    while high <= LARGEST:
        numbers = np.arange(low, high + 1)
        reached = power_of(numbers) >= aim
        if reached[-1]:
            missed = np.flatnonzero(~reached)
            steady = int(numbers[missed[-1]]) + 1 if len(missed) else low
            if steady + max(50, steady // 2) <= high:
                return int(numbers[np.argmax(reached)]), steady
        high *= 2
    raise _out_of_reach(aim)


def _described(
    power_of: Callable[[int], float], first: int, steady: int, aim: float, formula: float, start: int
) -> SampleSize:
    promised = power_of(start)
    remarks = []
    if promised < aim:
        remarks.append(
            f"the normal formula gives {start}, whose exact power is {promised:.3f}, not {aim:.2f}; "
            f"plan {steady}"
        )
    if first < steady:
        remarks.append(
            f"power is a saw-tooth: {first} reaches {aim:.2f} first, and every number from {steady} keeps it"
        )
    return SampleSize(steady, first, power_of(steady), formula, promised, True, tuple(remarks))


def _out_of_reach(aim: float) -> WrongUse:
    return WrongUse(
        found=f"no number up to {LARGEST} with a power of {aim:g}",
        wanted="an aim that can be reached",
        remedy="The assumed value is too close to the goal; choose a larger difference.",
    )


def quantile(tail: float) -> float:
    """z with `tail` above it."""
    return float(-special.ndtri(tail))


def require_shares(**shares: float) -> None:
    """Each lies strictly between 0 and 1."""
    for name, share in shares.items():
        if not 0 < share < 1:
            raise WrongUse(
                found=f"{name.replace('_', ' ')} {share:g}",
                wanted="between 0 and 1",
                remedy="Write 85 % as 0.85.",
            )


def require_positive(**numbers: float) -> None:
    """Each is a finite number above 0."""
    for name, number in numbers.items():
        if not (np.isfinite(number) and number > 0):
            raise WrongUse(
                found=f"{name.replace('_', ' ')} {number:g}",
                wanted="a finite number above 0",
                remedy="Check the unit and the sign.",
            )


def require_apart(first: float, second: float, what: str) -> None:
    """A study that tests a difference assumes that there is one."""
    if first == second:
        raise WrongUse(
            found=f"{what} both {first:g}",
            wanted="an assumed value that differs from the one to be refuted",
            remedy="With no difference no number of subjects gives power.",
        )
