"""What is kept of a sample so that any figure can be made of it: counts and sums, which add, and scores, which join.

A subject's statistics are those of its samples together, and a group's are those of its subjects. Numbers are summed.
Ranked scores are put together in the order of their size, since a figure of ranks needs every single one, and needs
them whole.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from medassay.core.errors import WrongUse

Ranked = tuple[float, ...]
Statistic = float | Ranked
Statistics = Mapping[str, Statistic]

LOWEST, HIGHEST = -1.7976931348623157e308, 1.7976931348623157e308  # ranks below and above every score


def summed(rows: Iterable[Statistics]) -> dict[str, Statistic]:
    """Statistics of several samples or subjects together, exactly, so that their order never shows.

    Raises
    ------
    WrongUse
        When one of them is a number in one row and scores in another.

    Examples
    --------
    >>> summed([{"right": 1.0, "scores": (0.9, 0.2)}, {"right": 0.0, "scores": (0.4,)}])
    {'right': 1.0, 'scores': (0.2, 0.4, 0.9)}
    """
    columns: dict[str, list[Statistic]] = {}
    for row in rows:
        for name, value in row.items():
            columns.setdefault(name, []).append(value)
    return {name: _together(name, values) for name, values in sorted(columns.items())}


def sizes(statistics: Statistics) -> dict[str, float]:
    """What of each statistic fits into a cell of a table: a number itself, and how many scores there are.

    Examples
    --------
    >>> sizes({"right": 3.0, "scores": (0.2, 0.4)})
    {'right': 3.0, 'scores': 2.0}
    """
    return {
        name: float(len(value)) if isinstance(value, tuple) else value for name, value in statistics.items()
    }


def _together(name: str, values: list[Statistic]) -> Statistic:
    scores = [value for value in values if isinstance(value, tuple)]
    if not scores:
        return math.fsum(value for value in values if not isinstance(value, tuple))
    if len(scores) < len(values):
        raise WrongUse(
            found=f"'{name}' as a number and as scores",
            wanted="one of the two in every sample",
            remedy="Mend the scorer: a statistic is of one kind.",
        )
    return tuple(sorted(score for some in scores for score in some))
