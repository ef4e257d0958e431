"""Superiority, non-inferiority and equivalence, judged by where the interval of a difference lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method

Claim = Literal["superiority", "non_inferiority", "equivalence"]
Outcome = Literal["met", "not_met", "not_estimable"]


@dataclass(frozen=True)
class Judgement:
    """What an interval says of a claim, and by which rule."""

    claim: Claim
    outcome: Outcome
    limit: tuple[float | None, float | None]  # within which the interval had to lie
    interval: tuple[float | None, float | None]
    alpha: float  # one-sided
    needed_confidence: float
    reason: str


@method(
    id="non-inferiority",
    task="comparison",
    zh="优效性、非劣效性与等效性检验（置信区间法）",
    en="superiority, non-inferiority and equivalence by the interval",
    formula="lower > 0; lower > -margin; -margin < lower and upper < margin; interval of confidence 1 - 2 alpha",
    source="ICH E9, 1998, 3.3.2; CPMP/EWP/482/99; Schuirmann, J Pharmacokinet Biopharm 15:657-680, 1987",
    check="two one-sided tests of the same normal difference",
)
def judge_difference(
    difference: Estimate,
    *,
    claim: Claim,
    margin: float = 0.0,
    alpha: float = 0.025,
    better: Literal["higher", "lower"] = "higher",
) -> Judgement:
    """Whether a difference (new minus comparator) supports a claim at one-sided alpha.

    Parameters
    ----------
    difference : Estimate
        With an interval of at least confidence 1 - 2 alpha: 95 % for one-sided 0.025, 90 % for the two
        one-sided tests of equivalence at 0.05. A wider one is taken as it is and is the more careful.
    margin : float
        In the difference's unit, 0 or more; the largest loss that is still accepted. Superiority takes it as
        the least gain that is claimed.
    better : "higher" or "lower"
        Which way of the figure is good.

    Returns
    -------
    Judgement
        "not_estimable" where there is no interval: no claim is met by default.

    Raises
    ------
    WrongUse
        When the interval is narrower than alpha asks, the margin negative, or missing where it is needed.

    Examples
    --------
    >>> gain = Estimate(value=0.01, lower=-0.03, upper=0.05, confidence=0.95, method="newcombe", n_subjects=300)
    >>> judge_difference(gain, claim="non_inferiority", margin=0.05).outcome
    'met'
    >>> judge_difference(gain, claim="superiority").outcome
    'not_met'
    """
    _require_rule(claim, margin, alpha)
    needed = 1 - 2 * alpha
    limit = _limit(claim, margin, better)
    interval = (difference.lower, difference.upper)
    if difference.lower is None or difference.upper is None or difference.confidence is None:
        return Judgement(
            claim, "not_estimable", limit, interval, alpha, needed, difference.undefined or "no interval"
        )
    if difference.confidence < needed - 1e-9:
        raise WrongUse(
            found=f"an interval of confidence {difference.confidence:g}",
            wanted=f"at least {needed:g} for a one-sided alpha of {alpha:g}",
            remedy="Ask for the interval at that confidence.",
        )
    low, high = limit
    failed = []
    if low is not None and not difference.lower > low:
        failed.append(f"the lower end {difference.lower:.4g} does not exceed {low:.4g}")
    if high is not None and not difference.upper < high:
        failed.append(f"the upper end {difference.upper:.4g} does not stay below {high:.4g}")
    reason = "; ".join(failed) or "the interval lies within the limits"
    return Judgement(claim, "not_met" if failed else "met", limit, interval, alpha, needed, reason)


def _limit(claim: Claim, margin: float, better: str) -> tuple[float | None, float | None]:
    if claim == "equivalence":
        return -margin, margin
    least = margin if claim == "superiority" else -margin
    return (least, None) if better == "higher" else (None, -least)


def _require_rule(claim: Claim, margin: float, alpha: float) -> None:
    needs_margin = claim in ("non_inferiority", "equivalence")
    if not 0 < alpha < 0.5 or not margin >= 0 or margin == float("inf") or (needs_margin and margin == 0):
        raise WrongUse(
            found=f"alpha {alpha:g}, margin {margin:g} for {claim}",
            wanted="a one-sided alpha between 0 and 0.5, and a finite margin"
            + (" above 0" if needs_margin else " of at least 0"),
            remedy="State the margin in the protocol, with its clinical reason.",
        )
