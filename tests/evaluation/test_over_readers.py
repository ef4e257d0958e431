"""Every kind of figure goes over readers, whatever it is made of."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from medassay.evaluation.figure import Asked
from medassay.evaluation.over_readers import readers_results
from medassay.evaluation.scorer import Metric, Share
from medassay.evaluation.subject_table import SubjectTable

GENERATOR = np.random.default_rng(1)
TRUTH = GENERATOR.random(40) < 0.5
SCORES = GENERATOR.normal(TRUTH * 1.2, 1)
SECOND = np.where(np.arange(40) < 6, ~TRUTH, TRUTH)  # a reader who sees six people otherwise
ASKED = Asked("delong", 0.95, 1, 1000)
FORMULAS = {
    "auc": Metric({"ill": 1}, {"well": 1}, "1", "higher", "one class", form="area"),
    "sensitivity": Metric({"tp": 1}, {"tp": 1, "fn": 1}, "1", "higher", "no positive case"),
    "at_prevalence": Metric(
        {"tp": 1},
        {"tp": 1, "fp": 1},
        "1",
        "higher",
        "nobody called",
        standard=(Share({"tp": 1, "fn": 1}, 0.1), Share({"fp": 1, "tn": 1}, 0.9)),
    ),
    "calibration": Metric({"gap": 1}, {"cases": 1}, "1", "lower", "no case", form="absolute"),
}


def rows(labels):
    found = []
    for score, ill in zip(SCORES, labels, strict=True):
        call = score > 0.6
        cells = {
            "tp": ill and call,
            "fn": ill and not call,
            "fp": not ill and call,
            "tn": not ill and not call,
        }
        ranks = {"ill": (float(score),) if ill else (), "well": () if ill else (float(score),)}
        counts = {name: float(cell) for name, cell in cells.items()}
        found.append(counts | ranks | {"cases": 1.0, "gap": 0.5 - ill})
    return found


def over(*labels):
    table = SubjectTable(tuple(f"s{n:02d}" for n in range(40)), rows(TRUTH))
    found = readers_results(FORMULAS, table, [rows(one) for one in labels], ASKED)
    return {result.endpoint: result for result in found}


def test_an_area_is_averaged_over_the_areas_that_each_reader_gives():
    found = over(TRUTH, SECOND)["auc"]
    each = [roc_auc_score(labels, SCORES) for labels in (TRUTH, SECOND)]
    assert [one.value for one in found.each_reader] == pytest.approx(each)
    assert found.over_readers.value == pytest.approx(np.mean(each))
    assert found.widening > 1


@pytest.mark.parametrize("figure", ["auc", "sensitivity", "at_prevalence"])
def test_readers_who_agree_leave_the_interval_as_it_was(figure):
    found = over(TRUTH, TRUTH)[figure]
    assert (found.over_readers.value, found.over_readers.lower, found.over_readers.upper) == pytest.approx(
        (found.reference_standard.value, found.reference_standard.lower, found.reference_standard.upper)
    )


def test_a_figure_without_an_interval_has_none_over_readers_and_the_same_reason():
    found = over(TRUTH, SECOND)["calibration"]
    assert found.over_readers.lower is None
    assert found.over_readers.undefined == found.reference_standard.undefined


def test_a_reader_to_whom_all_are_of_one_class_leaves_the_area_undefined():
    found = over(TRUTH, np.ones(40, dtype=bool))["auc"]
    assert (found.over_readers.value, found.over_readers.undefined) == (None, "one class")


def test_one_reader_disagrees_with_nobody():
    assert over(TRUTH) == {}
