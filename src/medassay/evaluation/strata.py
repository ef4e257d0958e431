"""Strata of a subject, from the strata of its samples."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Literal

import numpy as np

from medassay.core.errors import WrongUse

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


def binned(
    values: Mapping[str, float | None], cuts: Literal["tertiles"] | tuple[float, ...]
) -> dict[str, str | None]:
    """The bin of each sample's measurement; None where nothing was measured.

    Parameters
    ----------
    cuts : "tertiles" or rising limits
        Thirds of these very samples (`low`, `middle`, `high`; equal values share a bin), or bins between the
        limits, each with its lower limit in it.

    Raises
    ------
    WrongUse
        For a measurement that is no number.

    Examples
    --------
    >>> binned({"a": 1.0, "b": 2.0, "c": 3.0, "d": None}, "tertiles")
    {'a': 'low', 'b': 'middle', 'c': 'high', 'd': None}
    >>> binned({"a": 1.0, "b": 2.0}, (2.0,))
    {'a': '< 2', 'b': '≥ 2'}
    """
    known = {
        sample: float(value) for sample, value in values.items() if value is not None and _is_measured(value)
    }
    if cuts == "tertiles":
        limits = tuple(np.quantile(list(known.values()), [1 / 3, 2 / 3])) if known else (0.0, 0.0)
        names = ["low", "middle", "high"]
    else:
        limits = cuts
        between = [f"{low:g} – {high:g}" for low, high in pairwise(cuts)]
        names = [f"< {cuts[0]:g}", *between, f"≥ {cuts[-1]:g}"]
    return {
        sample: names[int(np.searchsorted(limits, known[sample], side="right"))] if sample in known else None
        for sample in values
    }


def _is_measured(value: object) -> bool:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return False
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongUse(
            found="a measurement that is no number",
            wanted="a column of numbers",
            remedy="Name another column of the kind's measurements, or use it as a subgroup.",
        )
    return True
