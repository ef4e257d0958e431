"""Chances of acceptance as R AcceptanceSampling 1.0.11 gives them (OC curves of finite lots)."""

import json
from pathlib import Path

import pytest

from medassay.quality.sampling import acceptance_probability

FILE = Path(__file__).parents[3] / "shared" / "reference" / "sampling" / "cases.json"
CASES = (
    [case for case in json.loads(FILE.read_text()) if "N_hypergeom" in case["input"]] if FILE.exists() else []
)

# One curve of that tool stands here, so that the rule is tested where the files are absent: n = 80, Ac = 2, N = 2000.
R_N80_C2 = {
    2: 1,
    10: 0.993963520648446,
    50: 0.67686831230395,
    130: 0.0962882888961241,
    400: 2.82089241919317e-06,
}


@pytest.mark.parametrize("defectives", R_N80_C2)
def test_chances_of_acceptance_are_those_of_r(defectives):
    ours = acceptance_probability(lot_size=2000, defectives=defectives, sample_size=80, acceptance_number=2)
    assert ours == pytest.approx(R_N80_C2[defectives], abs=1e-9)


@pytest.mark.shared
@pytest.mark.skipif(not CASES, reason="the reference values are not beside this repository")
def test_every_finite_lot_curve_is_that_of_r():
    for case in CASES:
        given = case["input"]
        for defectives, theirs in zip(given["D_hypergeom"], case["expected"]["hypergeometric"], strict=True):
            ours = acceptance_probability(
                lot_size=given["N_hypergeom"],
                defectives=defectives,
                sample_size=given["n"],
                acceptance_number=given["ac"],
            )
            assert ours == pytest.approx(theirs, abs=case["tol"]), case["id"]
