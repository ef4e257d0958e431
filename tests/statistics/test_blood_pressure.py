import numpy as np
import pytest
from scipy.stats import norm

from medassay.core.errors import WrongUse
from medassay.statistics.blood_pressure import PERMITTED_SD, iso_81060_2, permitted_sd

SUBJECT = np.repeat(np.arange(85), 3)
SYSTOLIC = np.repeat(np.linspace(90, 180, 85), 3)


def judged(errors, subject=SUBJECT, reference=SYSTOLIC):
    found = iso_81060_2(reference, reference + errors, subject, pressure="systolic")
    return found, [criterion.verdict for criterion in found.criteria]


def test_the_printed_table_is_that_of_85_percent_within_10_mmhg():
    # ANSI/AAMI SP10 derives it so; the printed figures are rounded within 0.03.
    for tenths, sd in enumerate(PERMITTED_SD):
        mean = tenths / 10
        inside = norm.cdf((10 - mean) / sd) - norm.cdf((-10 - mean) / sd)
        assert inside == pytest.approx(0.85, abs=0.002)
    assert list(PERMITTED_SD) == sorted(PERMITTED_SD, reverse=True)


def test_the_standards_own_example_of_the_table():
    assert permitted_sd(4.2) == permitted_sd(-4.2) == 5.49  # ISO 81060-2: a mean of 4.2 allows 5.49
    assert permitted_sd(0.04) == 6.95
    assert (permitted_sd(5.0), permitted_sd(5.06)) == (4.79, None)


def test_readings_that_scatter_within_a_subject_fail_the_first_criterion_alone():
    found, verdicts = judged(np.tile([-10.0, 0.0, 10.0], 85))
    assert verdicts == ["met", "not_met", "met"]  # SD of readings 8.18, of subjects' means 0
    assert found.sd.value == pytest.approx(np.sqrt(200 / 3 * 255 / 254))
    assert found.subject_sd.value == pytest.approx(0, abs=1e-9)


def test_subjects_that_differ_fail_the_second_criterion_alone():
    means = np.where(np.arange(85) % 2 == 0, 7.5, -7.5)
    found, verdicts = judged(np.repeat(means, 3))
    assert verdicts == ["met", "met", "not_met"]
    assert found.criteria[2].limit == permitted_sd(found.mean.value)


def test_a_bias_on_either_side_counts_and_the_permitted_sd_shrinks_with_it():
    scatter = np.repeat(np.random.default_rng(1).normal(0, 5.2, 85), 3)
    scatter = (scatter - scatter.mean()) * 5.5 / scatter[::3].std(ddof=1)
    assert judged(scatter)[1] == ["met", "met", "met"]
    for bias in (4.8, -4.8):
        assert judged(scatter + bias)[1] == ["met", "met", "not_met"]
    found, verdicts = judged(scatter - 5.5)
    assert verdicts[0] == "not_met"
    assert verdicts[2] == "not_met"
    assert "beyond 5 mmHg" in found.criteria[2].source


def test_84_subjects_or_a_subject_with_two_pairs_are_not_enough():
    assert set(judged(np.zeros(252), SUBJECT[:252], SYSTOLIC[:252])[1]) == {"not_enough"}
    assert set(judged(np.zeros(254), SUBJECT[:254], SYSTOLIC[:254])[1]) == {"not_enough"}


def test_the_spread_of_pressures_is_judged():
    found, _ = judged(np.zeros(255))
    assert [criterion.verdict for criterion in found.spread] == ["met", "met", "met"]
    flat = np.full(255, 120.0)
    found, _ = judged(np.zeros(255), reference=flat)
    assert [criterion.verdict for criterion in found.spread] == ["not_met", "not_met", "not_met"]


def test_the_interval_of_the_mean_knows_of_subjects():
    means = np.random.default_rng(2).normal(0, 4, 85)
    found, _ = judged(np.repeat(means, 3))
    half = 1.988610 * means.std(ddof=1) / np.sqrt(85)
    assert found.mean.upper - found.mean.value == pytest.approx(half, rel=1e-5)


def test_one_subject_is_not_estimable_and_bad_values_are_refused():
    found = iso_81060_2([120.0], [121.0], ["p"], pressure="diastolic")
    assert found.mean.undefined == "fewer than two subjects"
    assert {criterion.verdict for criterion in found.criteria} == {"not_enough"}
    with pytest.raises(WrongUse, match="at or below zero"):
        iso_81060_2([120.0, 0.0], [121.0, 100.0], ["p", "q"], pressure="systolic")
    with pytest.raises(WrongUse, match="systolic or diastolic"):
        iso_81060_2([120.0], [121.0], ["p"], pressure="mean")
