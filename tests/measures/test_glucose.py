"""Sampling, plausibility and accuracy of glucose traces."""

import numpy as np
import pytest

from medassay.core.errors import WrongUse
from medassay.measures.glucose import accuracy, longest_flat_min, roughness, sampling, steepest_change

TIMES = np.array([0.0, 15, 30, 45, 120, 135])


def test_sampling_counts_gaps_and_leaves_them_out_of_coverage():
    facts = sampling(TIMES, gap_min=16)
    assert (facts.readings, facts.interval_min, facts.gaps, facts.longest_gap_min) == (6, 15, 1, 75)
    assert (facts.duration_min, facts.covered_min, facts.irregular_share) == (135, 60, 0)


def test_one_reading_has_no_interval_instead_of_zero():
    facts = sampling(np.array([0.0]), gap_min=16)
    assert facts.interval_min is None
    assert facts.irregular_share is None


def test_times_that_repeat_are_refused():
    with pytest.raises(WrongUse):
        sampling(np.array([0.0, 15, 15]), gap_min=16)


def test_a_stuck_sensor_is_not_counted_across_a_gap():
    assert longest_flat_min(TIMES, np.array([5.0, 6, 6, 6, 6, 6]), gap_min=16) == 30


def test_a_decimal_slip_is_the_steepest_change():
    assert steepest_change(TIMES, np.array([5.0, 5.1, 51, 5.2, 5, 5]), gap_min=16) == pytest.approx(45.9 / 15)
    assert steepest_change(np.array([0.0, 60]), np.array([5.0, 9]), gap_min=16) is None


def test_roughness_of_a_straight_line_is_zero():
    assert roughness(TIMES, np.array([5.0, 6, 7, 8, 3, 4]), gap_min=16) == pytest.approx(0)
    assert roughness(TIMES[:2], np.array([5.0, 6]), gap_min=16) is None


def test_accuracy_without_pairs_is_not_estimable():
    assert accuracy(np.empty(0), np.empty(0)).mard_percent is None
    with pytest.raises(WrongUse):
        accuracy(np.array([5.0]), np.array([0.0]))


def test_mard_is_the_mean_of_absolute_relative_differences():
    facts = accuracy(np.array([9.0, 12.0]), np.array([10.0, 10.0]))
    assert facts.mard_percent == pytest.approx(15)
    assert facts.bias == pytest.approx(0.5)
