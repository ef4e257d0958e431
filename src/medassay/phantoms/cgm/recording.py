"""Blood glucose over days, and what a sensor shows of it before anything goes wrong."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from medassay.core.specs import Spec
from medassay.formats.ivd.table import Cell
from medassay.formats.ivd.units import MG_DL_PER_MMOL_L
from medassay.phantoms.cgm.people import DAY, Person

FloatArray = NDArray[np.float64]

FLOOR, CEILING = 2.2, 27.8  # mmol/L, as the sensors show it


class Parameters(Spec):
    """Size and difficulty of the phantom."""

    subjects: int = Field(default=42, ge=3, description="without defects, over the three sites in turn")
    days: float = Field(default=6.0, ge=2, le=14)
    lows_per_day: float = Field(default=0.9, gt=0, description="falls below 3.9 mmol/L")
    near_misses_per_day: float = Field(default=0.6, ge=0, description="falls that stop above it")
    sudden_share: float = Field(default=0.2, ge=0, le=1, description="falls within a few minutes")
    noise: float = Field(default=1.0, gt=0, description="factor on every sensor's noise")
    defects: bool = Field(default=True, description="whether defects are planted in further files")


@dataclass
class Recording:
    """What one file will show; defects change it before it is written."""

    person: Person
    minutes: NDArray[np.int64]
    shown: list[Cell]  # in the site's unit
    finger: dict[int, float]  # minute to mmol/L
    unit: str
    unit_in_heading: bool = True
    rows: list[list[Cell]] = field(default_factory=list)  # further rows below
    date_format: str = "%Y-%m-%d %H:%M"


def glucose(generator: np.random.Generator, minutes: int, parameters: Parameters) -> FloatArray:
    """Blood glucose each minute, mmol/L: meals over a daily course, and falls."""
    t = np.arange(minutes, dtype=np.float64)
    level = generator.normal(7.4, 0.9) + 0.7 * np.sin(2 * np.pi * (t / DAY - generator.random()))
    for day in range(minutes // DAY + 1):
        for hour in (7.5, 12.3, 18.5):
            after = t - day * DAY - hour * 60 - generator.normal(0, 30)
            peak = generator.uniform(45, 75)
            rise = np.where(after > 0, after / peak * np.exp(1 - after / peak), 0.0)
            level += max(0.5, generator.normal(2.6, 1.1)) * rise
    level += _wander(generator, minutes, 0.25, 40.0)
    days = minutes / DAY
    lows = int(generator.poisson(parameters.lows_per_day * days))
    misses = int(generator.poisson(parameters.near_misses_per_day * days))
    nadirs = [*generator.uniform(2.4, 3.5, lows), *generator.uniform(4.2, 5.2, misses)]
    taken: list[float] = []
    for index, nadir in enumerate(nadirs):
        low = index < lows
        at = float(generator.uniform(180, minutes - 120))
        if all(abs(at - other) > 240 for other in taken):
            taken.append(at)
            sudden = low and generator.random() < parameters.sudden_share
            fall = generator.uniform(10, 18) if sudden else generator.uniform(60, 130)
            share = _fall(t, at, fall, generator.uniform(20, 50), generator.uniform(25, 50))
            level = level * (1 - share) + nadir * share
    return np.clip(level, 1.8, 30.0)


def _fall(t: FloatArray, at: float, fall: float, hold: float, rise: float) -> FloatArray:
    """From 0 to 1 along a smooth slope that ends at `at`, one for `hold`, and back."""
    down = np.clip((t - at + fall) / fall, 0, 1)
    up = np.clip((t - at - hold) / rise, 0, 1)
    return np.asarray(down**1.3 * (1 - up**2 * (3 - 2 * up)))


def _wander(generator: np.random.Generator, count: int, spread: float, memory: float) -> FloatArray:
    """A wandering value with standard deviation `spread`, whose memory fades over `memory` steps."""
    from scipy.signal import lfilter

    keep = np.exp(-1 / memory)
    steps = generator.normal(0, spread * np.sqrt(1 - keep**2), count)
    return np.asarray(lfilter([1.0], [1.0, -keep], steps))


def recorded(
    generator: np.random.Generator,
    person: Person,
    parameters: Parameters,
    *,
    rate: int | None = None,
    most_gaps: int = 2,
) -> Recording:
    """A whole, clean recording: sensor readings with noise and short gaps, and capillary values."""
    rate = rate or person.site.rate_min
    blood = glucose(generator, int(parameters.days * DAY), parameters)
    minutes = np.arange(0, len(blood), rate, dtype=np.int64)
    noise = person.site.noise * parameters.noise
    sensed = blood[minutes] + _wander(generator, len(minutes), noise, 6.0)
    sensed += generator.normal(0, noise / 2, len(minutes))
    kept = np.ones(len(minutes), bool)
    for _ in range(int(generator.integers(0, most_gaps + 1))):
        at = int(generator.integers(DAY // 2, len(blood) - DAY // 2))
        kept &= ~((minutes > at) & (minutes < at + int(generator.integers(40, 150))))
    finger_at = minutes[kept][:: max(1, 360 // rate)]
    finger = {int(m): round(float(blood[m] * (1 + generator.normal(0, 0.05))), 1) for m in finger_at.tolist()}
    values = np.clip(sensed[kept], FLOOR, CEILING)
    return Recording(person, minutes[kept], shown_in(values, person.site.unit), finger, person.site.unit)


def shown_in(values: FloatArray, unit: str) -> list[Cell]:
    """As a sensor of this unit prints: tenths of mmol/L, or whole mg/dL."""
    if unit == "mg/dL":
        return [float(v) for v in np.rint(values * MG_DL_PER_MMOL_L)]
    return [float(v) for v in np.round(values, 1)]
