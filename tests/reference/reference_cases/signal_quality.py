"""NeuroKit2 0.2.13 and scipy on four ten-second strips of an ECG, one clean and three with an artefact."""

import json

import numpy as np

from medassay.measures.ecg_quality import (
    average_qrs_index,
    baseline_index,
    graded_quality,
    kurtosis_index,
    qrs_power_index,
)
from reference_cases import Case

GRADES = {"excellent": 0.0, "barely_acceptable": 1.0, "unacceptable": 2.0}


def cases(folder):
    folder = folder / "signal_quality"
    for case in json.loads((folder / "cases.json").read_text()):
        given, expected = case["input"], case["expected"]
        lead = np.loadtxt(folder / given["file"], skiprows=1)
        peaks, hz = np.array(given["rpeaks"]), given["fs"]
        figures = {
            "kSQI_fisher": kurtosis_index(lead, definition="fisher"),
            "kSQI_pearson": kurtosis_index(lead, definition="pearson"),
            "pSQI_5_15_over_5_40": qrs_power_index(lead, hz),
            "basSQI_0_1_over_0_40": baseline_index(lead, hz),
            "averageQRS_mean": average_qrs_index(lead, hz, peaks),
        }
        for name, ours in figures.items():
            theirs = expected[name]
            tolerance = case["tol"] * max(1.0, abs(theirs))
            yield Case("signal_quality", case["id"], name, ours, theirs, tolerance, case["tool"])
        for fusion in ("simple", "fuzzy"):
            ours = GRADES[graded_quality(lead, hz, peaks, fusion=fusion)]
            theirs = GRADES[expected[f"zhao2018_{fusion}"].lower().replace(" ", "_")]
            yield Case(
                "signal_quality", case["id"], f"zhao2018_{fusion} (rank)", ours, theirs, 0.0, case["tool"]
            )
