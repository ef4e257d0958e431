"""Disturbances of a sensor's trace: readings that are lost, and drift.

Times are minutes, values in the sensor's unit, both of shape (readings,). A lost reading comes back as NaN.
"""

from __future__ import annotations

import numpy as np

from medassay.core.method import method
from medassay.measures.perturbation import FloatArray, Perturbation, require_strength

MINUTES_A_DAY = 1440.0
LONGEST_STRETCH = 6  # readings that are lost together


@method(
    id="robustness-trace",
    task="robustness",
    zh="传感器鲁棒性扰动（数据丢失、漂移）",
    en="sensor perturbations: dropout, drift",
    formula="dropout: a share s of readings, in stretches of 1 to 6; drift: v + s t, t in days",
    source="NMPA guideline on AI medical devices, 2022 (robustness)",
    check="share of lost readings and slope measured; identity at strength 0",
)
def dropout(
    values: FloatArray,
    strength: float,
    generator: np.random.Generator,
    time_min: FloatArray,  # noqa: ARG001 - the door is the same for all
) -> FloatArray:
    """A share of the readings is lost, in stretches of one to six.

    Examples
    --------
    >>> lost = np.isnan(dropout(np.ones(1000), 0.2, np.random.default_rng(1), np.arange(1000.0)))
    >>> int(lost.sum())
    200
    """
    require_strength(strength, most=1)
    wanted = round(strength * len(values))
    lost = np.zeros(len(values), bool)
    while (left := wanted - int(lost.sum())) > 0:
        first = int(generator.integers(0, len(values)))
        kept = np.flatnonzero(~lost[first : first + int(generator.integers(1, LONGEST_STRETCH + 1))])
        lost[first + kept[:left]] = True
    changed = values.copy()
    changed[lost] = np.nan
    return changed


def drift(
    values: FloatArray, strength: float, generator: np.random.Generator, time_min: FloatArray
) -> FloatArray:
    """A slope of `strength` units a day, up or down as drawn, from nothing at the start."""
    require_strength(strength)
    slope = strength * float(generator.choice([-1.0, 1.0]))
    return values + slope * (time_min - time_min[0]) / MINUTES_A_DAY if len(values) else values.copy()


SUITE = {
    "dropout": Perturbation(dropout, "share of readings lost"),
    "drift": Perturbation(drift, "the trace's unit a day"),
}
