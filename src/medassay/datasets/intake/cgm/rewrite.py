"""What leaves of a trace: minutes and glucose written anew, listed results, and what was measured of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np

from medassay.core.canonical import canonical_json
from medassay.datasets import sketch
from medassay.datasets.intake.cgm.options import LONGEST_MIN
from medassay.datasets.sample import Action, NewObject, Scalar
from medassay.formats.ivd import glucose, laboratory, trace
from medassay.measures.glucose import accuracy, longest_flat_min, roughness, sampling, steepest_change

COLUMNS: Mapping[str, tuple[str, str]] = {
    "diabetes_type": ("", "type of diabetes as the summary says: T1DM or T2DM"),
    "readings": ("1", "sensor readings"),
    "duration_h": ("h", "from the first to the last reading"),
    "interval_min": ("min", "median interval between readings, gaps left out"),
    "irregular_share": ("1", "share of intervals that differ from the median by over a minute"),
    "gaps": ("1", "intervals longer than the declared gap"),
    "longest_gap_min": ("min", "longest such interval"),
    "coverage": ("1", "share of the duration that no gap takes"),
    "glucose_min_mmol_per_l": ("mmol/L", "lowest reading"),
    "glucose_max_mmol_per_l": ("mmol/L", "highest reading"),
    "glucose_mean_mmol_per_l": ("mmol/L", "mean of all readings"),
    "clipped_share": ("1", "share of readings at the sensor's floor or ceiling"),
    "longest_flat_min": ("min", "longest stretch of equal readings"),
    "steepest_mmol_per_l_min": ("mmol/L/min", "largest change between neighbours a minute"),
    "roughness_mmol_per_l": ("mmol/L", "median absolute second difference of neighbours"),
    "capillary_values": ("1", "capillary (fingerstick) values"),
    "capillary_pairs": ("1", "capillary values at the moment of a reading"),
    "mard_percent": ("%", "mean absolute relative difference of sensor against capillary values"),
    "laboratory_values": ("1", "results from the summary"),
    "laboratory_refused": ("1", "columns of the summary that were refused"),
}
GRID_MIN, SPACING_MIN = 5.0, 90.0  # of a sketch: its grid, and the least distance of two landmarks


def objects_of(
    sample: str, readings: glucose.Readings, facts: laboratory.SummaryRow | None
) -> list[NewObject]:
    """The trace, capillary values where there are any, and listed results where the summary holds some."""
    taken = trace.Trace(readings.time_min, readings.glucose, readings.clipped)
    objects = [NewObject("trace", sample + trace.TRACE_SUFFIX, trace.write_trace(taken))]
    if len(readings.capillary):
        content = trace.write_capillary(readings.capillary_time_min, readings.capillary)
        objects.append(NewObject("fingerstick", sample + trace.CAPILLARY_SUFFIX, content))
    if facts and facts.values:
        rows = [
            {
                "analyte": v.analyte,
                "loinc": v.loinc,
                "value": v.value,
                "unit": v.unit,
                "comparator": v.comparator,
            }
            for v in facts.values
        ]
        content = canonical_json({"schema": "medassay.laboratory/1", "rows": rows})
        objects.append(NewObject("laboratory", sample + trace.LABORATORY_SUFFIX, content))
    return objects


def measured(
    readings: glucose.Readings, facts: laboratory.SummaryRow | None, lab_refused: int, *, gap_min: float
) -> dict[str, Scalar]:
    """The columns of one trace and of the summary's row beside it."""
    times, values = readings.time_min, readings.glucose
    sampled = sampling(times, gap_min=gap_min)
    shared, at_trace, at_finger = np.intersect1d(times, readings.capillary_time_min, return_indices=True)
    finger = accuracy(values[at_trace], readings.capillary[at_finger])
    return {
        "diabetes_type": facts.diabetes_type if facts else None,
        "readings": sampled.readings,
        "duration_h": sampled.duration_min / 60,
        "interval_min": sampled.interval_min,
        "irregular_share": sampled.irregular_share,
        "gaps": sampled.gaps,
        "longest_gap_min": sampled.longest_gap_min,
        "coverage": sampled.covered_min / sampled.duration_min,
        "glucose_min_mmol_per_l": float(values.min()),
        "glucose_max_mmol_per_l": float(values.max()),
        "glucose_mean_mmol_per_l": float(values.mean()),
        "clipped_share": float(readings.clipped.mean()),
        "longest_flat_min": longest_flat_min(times, values, gap_min=gap_min),
        "steepest_mmol_per_l_min": steepest_change(times, values, gap_min=gap_min),
        "roughness_mmol_per_l": roughness(times, values, gap_min=gap_min),
        "capillary_values": len(readings.capillary),
        "capillary_pairs": len(shared),
        "mard_percent": finger.mard_percent,
        "laboratory_values": len(facts.values) if facts else 0,
        "laboratory_refused": lab_refused,
    }


def fingerprint(readings: glucose.Readings) -> str:
    """Over whole minutes and tenths of mmol/L, so that an export in the other unit or form is the same."""
    minutes = np.rint(readings.time_min).astype("<i4")
    tenths = np.rint(np.round(readings.glucose * 10, 4)).astype("<i4")
    return hashlib.sha256(minutes.tobytes() + tenths.tobytes()).hexdigest()


def sketched(readings: glucose.Readings) -> bytes:
    """Landmarks of the trace on a grid of 5 min; days far apart are bridged, which moves no landmark's time."""
    end = min(readings.time_min[-1], readings.time_min[0] + LONGEST_MIN)
    grid = np.arange(readings.time_min[0], end + 1, GRID_MIN)
    values = np.interp(grid, readings.time_min, readings.glucose)
    made = sketch.of_signal(values[:, None], 1 / GRID_MIN, spacing=SPACING_MIN)
    return made.to_bytes() if made else b""


def actions_of(
    export: glucose.GlucoseExport, readings: glucose.Readings, facts: laboratory.SummaryRow | None
) -> list[Action]:
    """By the role of a column or field; one that is not recognised is never named."""
    actions = [
        Action("time", "changed", len(readings.time_min)),
        Action("cgm", "changed", len(readings.glucose)),
    ]
    if len(readings.capillary):
        actions.append(Action("cbg", "changed", len(readings.capillary)))
    for role in sorted(export.patient):
        kept = role in ("sex", "age", "model")
        actions.append(Action(role, "kept" if kept else "removed", 1))
    if export.other_columns:
        actions.append(Action("column outside the allow-list", "removed", export.other_columns))
    if export.other_fields:
        actions.append(Action("field outside the allow-list", "removed", export.other_fields))
    if facts and facts.values:
        actions.append(Action("laboratory result", "kept", len(facts.values)))
    return actions
