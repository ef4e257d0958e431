"""Attribute sampling for a continuing series of lots: code letters, single plans by AQL, what a plan lets pass.

The tables of ISO 2859-1 are one pattern: sample sizes and AQLs both rise by a fifth root of ten, so that the
acceptance number depends on their product alone, the diagonal. Arrows stand where the diagonal has no number,
and send to the next letter that has one. Isolated lots, such as a frozen dataset, are a matter of limiting quality
instead (`quality.sampling`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medassay.core.errors import WrongUse
from medassay.core.method import method

FloatArray = NDArray[np.float64]
Inspection = Literal["normal", "tightened"]
Level = Literal["S-1", "S-2", "S-3", "S-4", "I", "II", "III"]
Distribution = Literal["binomial", "poisson", "hypergeometric"]

LETTERS = "ABCDEFGHJKLMNPQRS"
SIZES = (2, 3, 5, 8, 13, 20, 32, 50, 80, 125, 200, 315, 500, 800, 1250, 2000, 3150)
# Percent nonconforming up to 10; above, nonconformities per hundred items.
AQLS = (
    *(0.010, 0.015, 0.025, 0.040, 0.065, 0.10, 0.15, 0.25, 0.40, 0.65, 1.0, 1.5, 2.5, 4.0, 6.5, 10.0),
    *(15.0, 25.0, 40.0, 65.0, 100.0, 150.0, 250.0, 400.0, 650.0, 1000.0),
)
LOT_LIMITS = (8, 15, 25, 50, 90, 150, 280, 500, 1200, 3200, 10_000, 35_000, 150_000, 500_000)
LEVELS: dict[str, str] = {  # ISO 2859-1, table 1: a letter for each range of lot sizes
    "S-1": "AAAABBBBCCCCDDD",
    "S-2": "AAABBBCCCDDDEEE",
    "S-3": "AABBCCDDEEFFGGH",
    "S-4": "AABCCDEEFGGHJJK",
    "I": "AABCCDEFGHJKLMN",
    "II": "ABCDEFGHJKLMNPQ",
    "III": "BCDEFGHJKLMNPQR",
}
UP, DOWN = -1, -2  # arrows: to the letter before, to the letter after
DIAGONALS: dict[str, tuple[int, ...]] = {  # from the first acceptance number, 0, on
    "normal": (0, UP, DOWN, 1, 2, 3, 5, 7, 10, 14, 21, 30, 44),
    "tightened": (0, DOWN, DOWN, 1, 2, 3, 5, 8, 12, 18, 27, 41),
}
FIRST_DIAGONAL = {"normal": 14, "tightened": 15}
LAST_LETTER = {"normal": "R", "tightened": "S"}
MOST_ACCEPTED = 200
LARGE_NUMBERS_UP_TO = "E"  # the two largest acceptance numbers stand with the letters A to E only


@dataclass(frozen=True)
class SinglePlan:
    """Draw `sample_size`, accept with at most `acceptance_number`, reject from `rejection_number` on."""

    letter: str
    sample_size: int
    acceptance_number: int
    rejection_number: int
    whole_lot: bool  # the sample is no smaller than the lot: inspect every item


@method(
    id="sampling-aql",
    task="sampling",
    zh="按接收质量限（AQL）检索的一次抽样方案",
    en="single sampling plan by acceptance quality limit (AQL)",
    formula="code letter from lot size and level; acceptance number from letter + AQL (diagonal), arrows followed",
    source="ISO 2859-1:1999 (GB/T 2828.1-2012), tables 1, 2-A, 2-B; MIL-STD-105E",
    check="R AQLSchemes 1.7-2, ANSI/ASQ Z1.4 single sampling, 3300 plans",
)
def aql_plan(
    lot_size: int, aql: float, *, level: Level = "II", inspection: Inspection = "normal"
) -> SinglePlan:
    """The plan of the tables, with its arrows followed to the sample size where they lead.

    Parameters
    ----------
    lot_size : int
        At least 2.
    aql : float
        One of the table's: 0.01 to 10 percent nonconforming, to 1000 nonconformities per hundred items.

    Raises
    ------
    WrongUse
        A lot of fewer than two, or an AQL, level or inspection that the tables do not have.

    Examples
    --------
    >>> aql_plan(1000, 1.0)
    SinglePlan(letter='J', sample_size=80, acceptance_number=2, rejection_number=3, whole_lot=False)
    """
    place = [number for number, value in enumerate(AQLS) if abs(value - aql) <= 1e-9 * value]
    if lot_size < 2 or not place or level not in LEVELS or inspection not in DIAGONALS:
        raise WrongUse(
            found=f"lot of {lot_size}, AQL {aql:g}, level {level}, inspection {inspection}",
            wanted=f"a lot of at least 2, an AQL among {', '.join(f'{value:g}' for value in AQLS)}, "
            f"level {', '.join(LEVELS)}, normal or tightened",
            remedy="Take the next smaller AQL of the table.",
        )
    start = LETTERS.index(code_letter(lot_size, level))
    letter = _with_number(start, place[0], inspection)
    number = _cell(letter, place[0], inspection)
    return SinglePlan(
        letter=LETTERS[letter],
        sample_size=SIZES[letter],
        acceptance_number=number,
        rejection_number=number + 1,
        whole_lot=SIZES[letter] >= lot_size,
    )


def code_letter(lot_size: int, level: Level = "II") -> str:
    """Sample size code letter.

    Raises
    ------
    WrongUse
        A lot of fewer than two, or a level that the table does not have.

    Examples
    --------
    >>> code_letter(1000), code_letter(1000, "S-1")
    ('J', 'C')
    """
    if lot_size < 2 or level not in LEVELS:
        raise WrongUse(
            found=f"lot of {lot_size}, level {level}",
            wanted=f"a lot of at least 2, level {', '.join(LEVELS)}",
            remedy="A lot of one item is inspected whole.",
        )
    return LEVELS[level][int(np.searchsorted(LOT_LIMITS, lot_size))]


@method(
    id="sampling-operating-characteristic",
    task="sampling",
    zh="抽样特性曲线（OC曲线）",
    en="operating characteristic curve",
    formula="P(X <= Ac), X binomial(n, p), Poisson(n p) or hypergeometric(N, D, n)",
    source="ISO 2859-1:1999, clause 12; Schilling and Neubauer, Acceptance Sampling in Quality Control, 2009",
    check="R AcceptanceSampling 1.0.11",
)
def operating_characteristic(
    sample_size: int,
    acceptance_number: int,
    quality: ArrayLike,
    *,
    distribution: Distribution = "binomial",
    lot_size: int | None = None,
) -> FloatArray:
    """Chance that a lot passes, by its quality.

    Parameters
    ----------
    quality : shape (n,)
        Share nonconforming; nonconformities an item for poisson; for hypergeometric the number of
        nonconforming items in a lot of `lot_size`.

    Returns
    -------
    shape (n,), in [0, 1]

    Raises
    ------
    WrongUse
        A sample that is empty or larger than the lot, a quality that cannot be.

    Examples
    --------
    >>> operating_characteristic(80, 2, [0.01, 0.065]).round(4).tolist()
    [0.9534, 0.1009]
    """
    values = np.asarray(quality, dtype=np.float64)
    most = {"binomial": 1.0, "poisson": np.inf, "hypergeometric": float(lot_size or 0)}[distribution]
    fits = np.isfinite(values).all() and bool(((values >= 0) & (values <= most)).all())
    if distribution == "hypergeometric":
        fits = fits and lot_size is not None and sample_size <= lot_size and bool((values % 1 == 0).all())
    if sample_size < 1 or acceptance_number < 0 or not fits:
        raise WrongUse(
            found=f"sample of {sample_size}, acceptance number {acceptance_number}, lot {lot_size}",
            wanted="a sample of at least 1 and at most the lot, and a quality that the distribution can have",
            remedy="Give shares for binomial, whole items for hypergeometric with the lot's size.",
        )
    from scipy import stats

    if distribution == "binomial":
        chance = stats.binom.cdf(acceptance_number, sample_size, values)
    elif distribution == "poisson":
        chance = stats.poisson.cdf(acceptance_number, sample_size * values)
    else:
        chance = stats.hypergeom.cdf(acceptance_number, lot_size, values.astype(np.int64), sample_size)
    return np.asarray(chance, dtype=np.float64)


@method(
    id="sampling-two-points",
    task="sampling",
    zh="两点法一次抽样方案（生产方风险与使用方风险）",
    en="single sampling plan by two risk points",
    formula="least n, then c, with P(accept | p1) >= 1 - producer's risk and P(accept | p2) <= consumer's risk",
    source="Schilling and Neubauer, Acceptance Sampling in Quality Control, 2009, chapter 5",
    check="R AcceptanceSampling 1.0.11 find.plan",
)
def two_point_plan(
    producer: tuple[float, float],
    consumer: tuple[float, float],
    *,
    distribution: Literal["binomial", "poisson"] = "binomial",
) -> tuple[int, int]:
    """Sample size and acceptance number of the smallest plan that keeps both risks.

    Parameters
    ----------
    producer : share nonconforming, least chance of acceptance there
    consumer : larger share nonconforming, largest chance of acceptance there

    Raises
    ------
    WrongUse
        Points that are not in order, or so close that no plan with 200 acceptable ones tells them apart.

    Examples
    --------
    >>> two_point_plan((0.01, 0.95), (0.05, 0.10))
    (132, 3)
    """
    (good, accepted), (bad, passed) = producer, consumer
    if not (0 < good < bad < 1 and 0 < passed < accepted < 1):
        raise WrongUse(
            found=f"producer point {good:g}, {accepted:g} and consumer point {bad:g}, {passed:g}",
            wanted="a better quality with the larger chance of acceptance first, all within (0, 1)",
            remedy="Write 1 % as 0.01.",
        )

    def passes(number: int, size: int, quality: float) -> float:
        return float(operating_characteristic(size, number, [quality], distribution=distribution)[0])

    for number in range(MOST_ACCEPTED + 1):
        # The chance to pass falls with the sample: the least sample for the consumer is the best for both.
        low, high = number + 1, 2 * (number + 1)
        while passes(number, high, bad) > passed:
            low, high = high + 1, 2 * high
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if passes(number, middle, bad) <= passed else (middle + 1, high)
        if passes(number, low, good) >= accepted:
            return low, number
    raise WrongUse(
        found=f"no plan with an acceptance number up to {MOST_ACCEPTED}",
        wanted="two qualities further apart",
        remedy="Move the consumer's point away from the producer's.",
    )


def _cell(letter: int, aql: int, inspection: Inspection) -> int:
    """What stands in the table: an acceptance number or an arrow."""
    diagonal = DIAGONALS[inspection]
    place = letter + aql - FIRST_DIAGONAL[inspection]
    last = len(diagonal) - (1 if letter <= LETTERS.index(LARGE_NUMBERS_UP_TO) else 3)
    if place < 0:
        return DOWN
    if place > last:
        return UP
    if inspection == "tightened" and place == letter == 0:
        return DOWN  # the tightened table has no plan of two items that accepts none
    return diagonal[place]


def _with_number(start: int, aql: int, inspection: Inspection) -> int:
    """The letter to which the arrows lead; an arrow out of the table is followed the other way."""
    bottom = LETTERS.index(LAST_LETTER[inspection])
    way = 1 if _cell(start, aql, inspection) == DOWN else -1
    for step in (way, -way):
        letter = start
        while 0 <= letter <= bottom:
            if _cell(letter, aql, inspection) >= 0:
                return letter
            letter += step
    raise WrongUse(
        found="arrows that lead nowhere", wanted="a plan", remedy="Choose another AQL for this lot size."
    )
