"""Masks scored by MONAI 1.6.1 and MedPy 0.5.2; the files lie beside the repository, not in it."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from medassay.tasks.masks import overlap, surface_distances

FOLDER = Path(__file__).parents[3] / "shared" / "reference" / "segmentation"
CASES = json.loads((FOLDER / "cases.json").read_text()) if FOLDER.is_dir() else []

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not CASES, reason="the reference masks are not beside this repository"),
]


def mask(case, role):
    filled = np.zeros(case["input"]["shape"], bool)
    with (FOLDER / case["input"][role]).open() as stream:
        for row in csv.reader(stream):
            if row[0].isdigit():
                i, j, start, end = map(int, row)
                filled[i, j, start : end + 1] = True
    return filled


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_figures_are_those_of_monai_and_medpy(case):
    reference, prediction = mask(case, "ref"), mask(case, "pred")
    counts = overlap(reference, prediction)
    assert (counts.reference, counts.prediction) == (
        case["input"]["ref_voxels"],
        case["input"]["pred_voxels"],
    )
    distances = surface_distances(reference, prediction, spacing_mm=case["input"]["spacing"])
    if not counts.reference or not counts.prediction:
        assert distances is None
        return
    monai, medpy = case["expected"]["monai"], case["expected"]["medpy"]
    ours = [
        2 * counts.common / (counts.reference + counts.prediction),
        distances.hausdorff_mm(100),
        distances.hausdorff_mm(95),
        distances.hausdorff_mm(95, convention="pooled"),
        distances.average_symmetric_mm,
    ]
    theirs = [monai["dice"], monai["hd"], monai["hd95"], medpy["hd95"], monai["assd"]]
    assert ours == pytest.approx(theirs, abs=case["tol"])
    for tolerance, expected in monai["nsd_boundary_count"].items():
        assert distances.surface_dice(float(tolerance)) == pytest.approx(expected, abs=case["tol"])
