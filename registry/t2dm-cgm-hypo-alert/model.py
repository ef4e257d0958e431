"""Trend features of a glucose trace and the small network on them; every feature looks back only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

KINDS = ("hypo", "hyper")
GAP_MIN = 16.0  # a longer interval starts the history anew
HISTORY_MIN = 90.0
HORIZON_MIN = 30.0
THRESHOLDS = {"hypo": 3.9, "hyper": 10.0}  # mmol/L
FEATURES = (
    "glucose",
    "slope_10",
    "slope_30",
    "slope_60",
    "bend",
    "line_in_20",
    "line_in_30",
    "lowest_60",
    "highest_60",
    "roughness",
    "history",
    "interval",
    "clipped",
)


@dataclass(frozen=True)
class Trace:
    time_min: FloatArray
    glucose: FloatArray
    clipped: FloatArray


def read_trace(path: Path) -> Trace:
    """The trace as CSV: time_min, glucose_mmol_per_l, clipped."""
    lines = path.read_text("ascii").split()
    if not lines or lines[0] != "time_min,glucose_mmol_per_l,clipped":
        raise ValueError("no trace")
    table = np.array([[float(cell) for cell in line.split(",")] for line in lines[1:]], dtype=np.float64)
    if table.ndim != 2 or table.shape[1] != 3 or not np.isfinite(table).all():
        raise ValueError("a trace with other columns, or without numbers")
    if (np.diff(table[:, 0]) <= 0).any():
        raise ValueError("times that do not increase")
    return Trace(table[:, 0], table[:, 1], table[:, 2])


def features(trace: Trace) -> FloatArray:
    """Shape (readings, features): each row is made of that reading and those before it."""
    rows = np.empty((len(trace.time_min), len(FEATURES)))
    start = 0
    for now in range(len(trace.time_min)):
        t = trace.time_min[now]
        if now and t - trace.time_min[now - 1] > GAP_MIN:
            start = now
        while trace.time_min[start] < t - HISTORY_MIN:
            start += 1
        rows[now] = _row(
            trace.time_min[start : now + 1] - t, trace.glucose[start : now + 1], trace.clipped[now]
        )
    return rows


def _row(ago: FloatArray, glucose: FloatArray, clipped: float) -> FloatArray:
    """`ago`: minutes before now, from negative to 0."""
    level, slope = _line(ago, glucose, 30)
    near, far = _line(ago, glucose, 16)[1], _line(ago, glucose, 60)[1]
    hour = glucose[ago >= -60]
    rough = float(np.abs(np.diff(glucose, 2)).mean()) if len(glucose) > 2 else 0.0
    interval = float(ago[-1] - ago[-2]) if len(ago) > 1 else 0.0
    return np.array(
        [
            glucose[-1],
            near * 30,
            slope * 30,
            far * 30,
            (near - far) * 30,
            level + 20 * slope,
            glucose[-1] + 30 * near,
            hour.min(),
            hour.max(),
            rough,
            -ago[0] / HISTORY_MIN,
            interval / 15,
            clipped,
        ]
    )


def _line(ago: FloatArray, glucose: FloatArray, minutes: float) -> tuple[float, float]:
    """Level now and slope a minute of the straight line through the last `minutes`."""
    x, y = ago[ago >= -minutes], glucose[ago >= -minutes]
    if len(x) < 2:
        return float(glucose[-1]), 0.0
    centred = x - x.mean()
    slope = float((centred * y).sum() / (centred**2).sum())
    return float(y.mean() - slope * x.mean()), slope


@dataclass(frozen=True)
class Model:
    """Weights of each layer, the features' scale, and the alarm thresholds chosen on the tune split."""

    weights: tuple[FloatArray, ...]
    biases: tuple[FloatArray, ...]
    mean: FloatArray
    spread: FloatArray
    thresholds: dict[str, float]
    repeat_min: float  # an alarm that stands is given again after this time

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        record: dict[str, Any] = {
            "features": FEATURES,
            "weights": [w.tolist() for w in self.weights],
            "biases": [b.tolist() for b in self.biases],
            "mean": self.mean.tolist(),
            "spread": self.spread.tolist(),
            "thresholds": self.thresholds,
            "repeat_min": self.repeat_min,
        }
        (folder / "model.json").write_text(json.dumps(record), "ascii")

    @classmethod
    def load(cls, folder: Path) -> Model:
        record = json.loads((folder / "model.json").read_text("ascii"))
        if tuple(record["features"]) != FEATURES:
            raise ValueError("a model of other features")
        return cls(
            tuple(np.array(w) for w in record["weights"]),
            tuple(np.array(b) for b in record["biases"]),
            np.array(record["mean"]),
            np.array(record["spread"]),
            {kind: float(record["thresholds"][kind]) for kind in KINDS},
            float(record["repeat_min"]),
        )

    def probabilities(self, rows: FloatArray) -> FloatArray:
        """Shape (readings, kinds): that an episode starts within the horizon."""
        state = (rows - self.mean) / self.spread
        for index, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            state = state @ weight.T + bias
            if index < len(self.weights) - 1:
                state = np.maximum(state, 0)
        return np.asarray(1 / (1 + np.exp(-state)))


def alarms(
    trace: Trace, probability: FloatArray, kind: str, threshold: float, repeat_min: float
) -> list[float]:
    """Times of alarms, decided reading by reading: none while glucose is beyond the threshold already."""
    limit = THRESHOLDS[kind]
    shown = np.round(trace.glucose, 1)
    beyond = shown < limit if kind == "hypo" else shown > limit
    given: list[float] = []
    for t, p, ill in zip(trace.time_min.tolist(), probability.tolist(), beyond.tolist(), strict=True):
        if p >= threshold and not ill and (not given or t - given[-1] >= repeat_min):
            given.append(t)
    return given
