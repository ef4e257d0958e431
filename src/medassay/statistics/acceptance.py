"""`Criterion`: a figure beside the limit that a standard sets, with the verdict and the number it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from medassay.core.estimate import Estimate

Verdict = Literal["met", "not_met", "not_enough", "not_estimable"]
Relation = Literal["<=", "<", ">=", ">"]


@dataclass(frozen=True)
class Criterion:
    """One acceptance criterion of a standard.

    `judged` is what was held against the limit: the figure itself, or the end of its interval where the
    standard asks for a confidence bound. `not_enough` outranks the figure: a study smaller than the standard
    demands neither meets nor misses it.
    """

    name: str
    value: Estimate
    judged: float | None
    relation: Relation
    limit: float
    n: int
    needed: int
    verdict: Verdict
    source: str


def judge(
    name: str,
    value: Estimate,
    relation: Relation,
    limit: float,
    *,
    n: int,
    needed: int,
    source: str,
    end: Literal["value", "lower", "upper"] = "value",
    magnitude: bool = False,
) -> Criterion:
    """Hold a figure, or an end of its interval, against a limit.

    Parameters
    ----------
    n, needed : int
        What was there and what the standard demands, in the standard's own unit (pairs, subjects, results).
    end : "value", "lower" or "upper"
        What is judged.
    magnitude : bool
        Judge the absolute value: a bias may lie on either side.

    Examples
    --------
    >>> e = Estimate(value=3.1, n_subjects=12)
    >>> judge("Arms", e, "<=", 4.0, n=200, needed=200, source="ISO 80601-2-61").verdict
    'met'
    >>> judge("Arms", e, "<=", 4.0, n=150, needed=200, source="ISO 80601-2-61").verdict
    'not_enough'
    """
    figure = {"value": value.value, "lower": value.lower, "upper": value.upper}[end]
    judged = abs(figure) if magnitude and figure is not None else figure
    verdict: Verdict
    if n < needed:
        verdict = "not_enough"
    elif judged is None:
        verdict = "not_estimable"
    else:
        verdict = "met" if _holds(judged, relation, limit) else "not_met"
    return Criterion(name, value, judged, relation, limit, n, needed, verdict, source)


def _holds(figure: float, relation: Relation, limit: float) -> bool:
    return {
        "<=": figure <= limit,
        "<": figure < limit,
        ">=": figure >= limit,
        ">": figure > limit,
    }[relation]
