"""Published and other tools' answers on the public method-comparison and glucose data."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from defusedxml.ElementTree import fromstring

from medassay.statistics.decision_levels import bias_at_decision_levels
from medassay.statistics.deming import deming, deming_known_errors, weighted_deming
from medassay.statistics.error_grid import clarke_zones, parkes_zones
from medassay.statistics.glucose_criteria import mard, within
from medassay.statistics.least_squares import least_squares
from medassay.statistics.passing_bablok import passing_bablok
from medassay.statistics.qualitative_agreement import percent_agreement_with
from medassay.statistics.reference_interval import nonparametric_reference_interval
from medassay.statistics.variance_components import nested_variance_components
from medassay.tasks.values import pair_by_item

DATA = Path(__file__).parents[3] / "shared" / "data"
METHODS = DATA / "method-comparison"
XML = sorted(METHODS.glob("mcr-testcases/*.xml"))

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not METHODS.is_dir(), reason="the public data are not beside this repository"),
]
REGRESSIONS = {
    "LinReg": "least_squares",
    "WLinReg": "weighted_least_squares",
    "Deming": "deming",
    "WDeming": "weighted_deming",
}


def read(path):
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


def numbers(text):
    return [float(part) for part in text.split(",") if part.strip()]


def line_of(method, x, y, ratio):
    return {
        "LinReg": lambda: least_squares(x, y),
        "WLinReg": lambda: least_squares(x, y, weights="inverse_square"),
        "Deming": lambda: deming(x, y, error_ratio=ratio),
        "WDeming": lambda: weighted_deming(x, y, error_ratio=ratio),
        "PaBa": lambda: passing_bablok(x, y),
    }[method]()


@pytest.mark.parametrize("path", XML, ids=[path.stem for path in XML])
def test_analyse_it_and_calanas_values_of_the_mcr_test_cases(path):
    # The document type it names is not beside it; the files are read without it.
    case = fromstring(re.sub(r"<!DOCTYPE[^>]*>", "", path.read_text()))
    x, y = (numbers(case.findtext(f".//{name}")) for name in ("X", "Y"))
    compared = 0
    for algorithm in case.iter("Algorithm"):
        method = algorithm.findtext(".//RegMethod")
        if method not in (*REGRESSIONS, "PaBa"):
            continue
        ratio = float(algorithm.findtext(".//ErrorRatio") or 1)
        line = line_of(method, x, y, ratio)
        theirs = algorithm.find("ReferenceResults")
        for name, estimate in (("Slope", line.slope), ("Intercept", line.intercept)):
            scale = abs(float(theirs.findtext(f"{name}U")) - float(theirs.findtext(f"{name}L")))
            for end, ours in (("", estimate.value), ("L", estimate.lower), ("U", estimate.upper)):
                # Their precision is that of printing and of weights that stop at 1e-6.
                assert ours == pytest.approx(float(theirs.findtext(name + end)), abs=2e-5 * scale)
                compared += 1
        if theirs.findtext("Bias"):
            levels = numbers(algorithm.findtext(".//Parameter/Bias"))
            found = bias_at_decision_levels(x, y, levels, regression=REGRESSIONS[method], error_ratio=ratio)
            printed = [numbers(theirs.findtext(f"Bias{end}")) for end in ("", "L", "U")]
            for place, part in enumerate(found):
                scale = printed[2][place] - printed[1][place]
                for column, ours in zip(
                    printed, (part.bias.value, part.bias.lower, part.bias.upper), strict=True
                ):
                    assert ours == pytest.approx(column[place], abs=1e-3 * scale)
    assert compared >= 6


def test_arsenate_with_known_errors_as_r_deming_prints_it():
    rows = read(METHODS / "deming_arsenate.csv")
    column = {name: [float(row[name]) for row in rows] for name in rows[0]}
    line = deming_known_errors(
        column["aas"], column["aes"], x_error=column["se.aas"], y_error=column["se.aes"]
    )
    # R deming 1.4-1: intercept 0.1064478 (0.2477054), slope 0.9729999 (0.1429776); it stops at 1e-4.
    assert line.intercept.value == pytest.approx(0.1064478, abs=1e-4)
    assert line.slope.value == pytest.approx(0.9729999, abs=1e-4)
    assert (line.intercept_error, line.slope_error) == (
        pytest.approx(0.2477054, abs=1e-4),
        pytest.approx(0.1429776, abs=1e-4),
    )


@pytest.mark.parametrize(
    ("file", "by", "levels"),
    [
        ("SASresultsRealData_Model1_by_PID_Lot.txt", ["PID", "lot"], ["calibration", "day", "run"]),
        ("SASresultsRealData_Model2_by_PID.txt", ["PID"], ["lot", "calibration", "day", "run"]),
    ],
)
def test_components_of_the_real_study_are_those_of_sas(file, by, levels):
    rows = read(METHODS / "vca_realData.csv")
    with (METHODS / "vca-sas-reference" / file).open(newline="") as lines:
        theirs = list(csv.DictReader(lines, delimiter="\t"))
    for key in {tuple(row[name] for name in by) for row in theirs}:
        own = [row for row in rows if tuple(str(int(row[name])) for name in by) == key]
        found = nested_variance_components(
            [float(row["y"]) for row in own], {level: [row[level] for row in own] for level in levels}
        )
        expected = [row for row in theirs if tuple(row[name] for name in by) == key]
        for component, row in zip(found.components, expected, strict=True):
            ours = component.variance.value if component.negative is None else component.negative
            assert ours == pytest.approx(float(row["Estimate"]), rel=5e-4)
        # Limits of the residual; those of a Wald interval only where the design below a level is balanced.
        residual, printed = found.components[-1].variance, expected[-1]
        assert residual.lower == pytest.approx(float(printed["Lower"]), rel=5e-4)
        assert residual.upper == pytest.approx(float(printed["Upper"]), rel=5e-4)
        run, printed = found.components[-2], expected[-2]
        if run.negative is None:
            assert run.variance.upper == pytest.approx(float(printed["Upper"]), rel=1e-3)


def test_calcium_of_ep28_by_sex():
    rows = read(METHODS / "mcradds_calcium.csv")
    for sex, lower, upper in (("F", 8.9, 10.2), ("M", 9.2, 10.3)):
        found = nonparametric_reference_interval(
            [float(row["Value"]) for row in rows if row["Group"] == sex], unit="mg/dL"
        )
        assert (found.n, found.enough) == (120, True)
        assert (round(found.lower.value, 1), round(found.upper.value, 1)) == (lower, upper)


def test_agreement_of_the_simulated_qualitative_study():
    rows = read(METHODS / "mcradds_qualData.csv")
    found = percent_agreement_with(
        [int(row["CandidateN"]) for row in rows], [int(row["ComparativeN"]) for row in rows]
    )
    assert found.counts == (122, 8, 16, 54)
    # R mcradds, score intervals: PPA 0.8841 (0.8200, 0.9274), NPA 0.8710 (0.7655, 0.9331).
    assert [round(end, 4) for end in (found.positive.lower, found.positive.upper)] == [0.8200, 0.9274]
    assert [round(end, 4) for end in (found.negative.lower, found.negative.upper)] == [0.7655, 0.9331]


def test_the_error_grid_sample_set_and_its_stated_figures():
    rows = read(DATA / "glucose-pairs" / "ega_glucose_data.csv")
    x, y = (np.array([float(row[name]) for row in rows]) for name in ("ref", "test"))
    found = mard(x, y, np.arange(len(x)), seed=1, replicates=20)
    assert found.mard.value == pytest.approx(20.816, abs=5e-4)
    assert found.mean_bias.value == pytest.approx(6.534, abs=5e-4)
    assert 100 * within(x, y, 100, 15, 15).mean() == pytest.approx(62.68, abs=5e-3)
    assert set(clarke_zones(x, y).tolist()) == set("ABCDE")
    assert set(parkes_zones(x, y).tolist()) == set("ABCDE")
    assert len(set(clarke_zones(x, y, corners="closed") == clarke_zones(x, y))) == 2


def test_glucose_of_two_methods_is_joined_on_person_and_time():
    rows = read(DATA / "glucose-pairs" / "methcomp_glucose_long.csv")
    sides = [[row for row in rows if row["meth"] == name] for name in ("n.plas1", "n.plas2")]
    items = [[(row["item"], row["time"]) for row in side] for side in sides]
    values = [[float(row["y"]) for row in side] for side in sides]
    found = pair_by_item(items[0], values[0], items[1], values[1])
    assert len(found.reference) > 50
    for i, j in zip(found.reference.tolist(), found.measured.tolist(), strict=True):
        assert items[0][i] == items[1][j]
