"""Strata of a subject, from the strata of its samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

SEVERAL = "several"  # samples of one person from two sites, recorders or age bands: a stratum of its own

Strata = Mapping[str, str | None]


def strata_of(samples: Iterable[Strata]) -> dict[str, str | None]:
    """One subject's strata: what all its samples state, `several` where they differ, None where none does.

    A sample that states nothing does not contradict one that does. A person seen at two sites is counted at
    neither, since a difference between sites would else be measured on people of both.

    Examples
    --------
    >>> strata_of([{"site": "a", "sex": None}, {"site": "b", "sex": "F"}])
    {'site': 'several', 'sex': 'F'}
    """
    stated: dict[str, set[str]] = {}
    for sample in samples:
        for axis, level in sample.items():
            stated.setdefault(axis, set()).update(() if level is None else (level,))
    return {axis: _one(levels) for axis, levels in stated.items()}


def _one(levels: set[str]) -> str | None:
    if not levels:
        return None
    return next(iter(levels)) if len(levels) == 1 else SEVERAL
