"""Sampling of an isolated lot: an exact plan by limiting quality, who is drawn, and what the draw shows.

A frozen dataset is one lot, not one of a continuing series, so the plan protects the consumer of this lot:
a lot at the limiting quality or worse is accepted with at most the stated risk. All counts are hypergeometric
(drawn without replacement from a known number), and the plan is compared with the risk in whole fractions, so
that no rounding makes it smaller than it must be.
"""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction
from hashlib import sha256
from math import ceil, comb
from typing import Literal

from pydantic import Field

from medassay.core.errors import WrongUse
from medassay.core.record import Record


class Plan(Record):
    """Draw `sample_size` of `lot_size`; accept with at most `acceptance_number` defective ones."""

    design: Literal["hypergeometric_isolated_lot"] = "hypergeometric_isolated_lot"
    lot_size: int = Field(ge=1)
    sample_size: int = Field(ge=1)
    acceptance_number: int = Field(ge=0)
    limiting_quality: float = Field(gt=0, lt=1, description="share of defective ones that is not to pass")
    limiting_defectives: int = Field(ge=1, description="the least number that reaches the share")
    consumers_risk: float = Field(gt=0, lt=1, description="largest acceptable chance that it passes")
    risk_of_plan: float = Field(ge=0, description="chance that it passes under this plan; at most the above")


def acceptance_probability(
    *, lot_size: int, defectives: int, sample_size: int, acceptance_number: int
) -> float:
    """Chance that a sample without replacement holds at most `acceptance_number` defective ones.

    Raises
    ------
    WrongUse
        When more are drawn, or defective, than there are.

    References
    ----------
    ISO 2859-2, procedure for isolated lots; the hypergeometric distribution as in scipy.stats.hypergeom.

    Examples
    --------
    >>> round(acceptance_probability(lot_size=2000, defectives=50, sample_size=80, acceptance_number=2), 6)
    0.676868
    """
    _require_counts(lot_size, defectives, sample_size, acceptance_number)
    from scipy.stats import hypergeom

    return float(hypergeom.cdf(acceptance_number, lot_size, defectives, sample_size))


def isolated_lot_plan(
    *, lot_size: int, limiting_quality: float, consumers_risk: float, acceptance_number: int
) -> Plan:
    """The smallest sample that keeps the consumer's risk at the limiting quality.

    Raises
    ------
    WrongUse
        When no sample can: the lot at its limiting quality holds no more defective ones than are accepted.

    Examples
    --------
    >>> p = isolated_lot_plan(lot_size=200, limiting_quality=0.05, consumers_risk=0.1, acceptance_number=0)
    >>> p.sample_size, p.limiting_defectives
    (41, 10)
    """
    for name, share in (("limiting quality", limiting_quality), ("consumer's risk", consumers_risk)):
        if not 0 < share < 1:
            raise WrongUse(
                found=f"{name} {share}", wanted="a share between 0 and 1", remedy="Write 5 % as 0.05."
            )
    _require_counts(lot_size, 0, 0, acceptance_number)
    # As written, not as stored: 0.07 x 300 is 21, not 21.000000000000004 and so 22.
    limiting = ceil(Fraction(str(limiting_quality)) * lot_size)
    if limiting <= acceptance_number:
        raise WrongUse(
            found=f"{limiting} defective ones at the limiting quality of a lot of {lot_size}",
            wanted=f"more than the acceptance number {acceptance_number}",
            remedy="Lower the acceptance number: in a lot this small no sample can tell the two apart.",
        )
    size = _smallest_sample(lot_size, limiting, acceptance_number, consumers_risk)
    return Plan(
        lot_size=lot_size,
        sample_size=size,
        acceptance_number=acceptance_number,
        limiting_quality=limiting_quality,
        limiting_defectives=limiting,
        consumers_risk=consumers_risk,
        risk_of_plan=float(_exactly(lot_size, limiting, size, acceptance_number)),
    )


def draw(plan: Plan, samples: Collection[str], *, seed: str) -> tuple[str, ...]:
    """Who is drawn: a simple random sample that anyone can repeat from the seed, in any order of the ids.

    Each id is ordered by SHA-256 of seed and id; the first `sample_size` are drawn. With the manifest's
    digest as seed nobody can choose who is drawn without changing the dataset itself.
    """
    if len(set(samples)) != plan.lot_size or len(samples) != plan.lot_size:
        raise WrongUse(
            found=f"{len(set(samples))} different ids of {len(samples)}",
            wanted=f"the {plan.lot_size} samples of the lot, each once",
            remedy="Draw from the manifest that the plan was made for.",
        )
    order = sorted(samples, key=lambda sample: (sha256(f"{seed}|{sample}".encode()).digest(), sample))
    return tuple(sorted(order[: plan.sample_size]))


def accepts(plan: Plan, defective: int) -> bool:
    """Whether the lot passes with this many defective ones among those drawn."""
    _require_counts(plan.sample_size, defective, 0, 0)
    return defective <= plan.acceptance_number


def most_defectives(plan: Plan, defective: int) -> int:
    """Exact one-sided upper bound of the number of defective ones in the lot, at 1 - consumer's risk.

    The largest number that still gives so few in the sample with more than the consumer's risk.
    """
    _require_counts(plan.sample_size, defective, 0, 0)
    least, most = defective, plan.lot_size - plan.sample_size + defective
    risk = Fraction(str(plan.consumers_risk))
    while least < most:  # the chance falls as the number rises
        middle = (least + most + 1) // 2
        if _exactly(plan.lot_size, middle, plan.sample_size, defective) > risk:
            least = middle
        else:
            most = middle - 1
    return least


def _smallest_sample(lot: int, limiting: int, acceptance: int, risk: float) -> int:
    """By the distribution in floating point to the neighbourhood, then by whole fractions."""
    from scipy.stats import hypergeom

    low, high = acceptance + 1, lot
    while low < high:  # the chance of acceptance falls as the sample grows
        middle = (low + high) // 2
        if hypergeom.cdf(acceptance, lot, limiting, middle) <= risk:
            high = middle
        else:
            low = middle + 1
    limit = Fraction(str(risk))
    while _exactly(lot, limiting, low, acceptance) > limit:
        low += 1
    while low > acceptance + 1 and _exactly(lot, limiting, low - 1, acceptance) <= limit:
        low -= 1
    return low


def _exactly(lot: int, defectives: int, sample: int, acceptance: int) -> Fraction:
    ways = sum(
        comb(defectives, drawn) * comb(lot - defectives, sample - drawn)
        for drawn in range(min(acceptance, sample) + 1)
    )
    return Fraction(ways, comb(lot, sample))


def _require_counts(lot_size: int, defectives: int, sample_size: int, acceptance_number: int) -> None:
    fits = lot_size >= 1 and 0 <= defectives <= lot_size and 0 <= sample_size <= lot_size
    if not fits or acceptance_number < 0:
        raise WrongUse(
            found=f"lot {lot_size}, defective {defectives}, drawn {sample_size}, accepted {acceptance_number}",
            wanted="whole numbers, none negative, none above the lot",
            remedy="Check how the counts were made.",
        )
