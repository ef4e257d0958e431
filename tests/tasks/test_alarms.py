"""Episodes and alarms: the rules one by one, and a second algorithm over any trace."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.tasks.alarms import (
    AlarmRules,
    EpisodeRules,
    alarms_that_looked_ahead,
    cut_minutes,
    episodes,
    fate_of_alarms,
    match_alarms,
    segments,
    worst_counts,
)
from medassay.tasks.alarms_check import chronicle, episodes_by_runs

RULES = EpisodeRules()
DAY = np.array([[0.0, 1440.0]])
LOW = np.array([[600.0, 660.0]])


def trace(*values, step=15.0):
    return np.arange(len(values)) * step, np.array(values, float)


def found(*values, kind="hypo", step=15.0, rules=RULES):
    return episodes(*trace(*values, step=step), kind, rules).tolist()


def match(*alarms, expected=LOW, covered=DAY, **rules):
    return match_alarms(expected, covered, np.array(alarms, float), AlarmRules(**rules))


def test_one_low_reading_is_no_episode_and_two_fifteen_minutes_apart_are():
    assert found(5, 3.5, 5, 5, 5) == []
    assert found(5, 3.5, 3.6, 5, 5) == [[15, 45]]


def test_five_minute_readings_need_the_same_fifteen_minutes():
    assert found(5, 3.5, 3.5, 3.5, 5, 5, step=5) == []
    assert found(5, 3.5, 3.5, 3.5, 3.5, 5, 5, 5, 5, step=5) == [[5, 25]]


def test_seventy_mg_per_dl_is_not_below_the_threshold_and_sixty_nine_is():
    seventy, sixty_nine = 70 / 18.0156, 69 / 18.0156
    assert found(5, seventy, seventy, seventy, 5, 5) == []
    assert found(5, sixty_nine, sixty_nine, 5, 5) == [[15, 45]]


def test_a_short_return_does_not_end_an_episode():
    assert found(5, 3.5, 3.5, 4.2, 3.4, 4.2, 5, 5) == [[15, 75]]


def test_a_gap_ends_an_episode_at_its_last_reading():
    times, values = np.array([0.0, 15, 30, 120, 135]), np.array([5.0, 3.5, 3.5, 5, 5])
    assert episodes(times, values, "hypo", RULES).tolist() == [[15, 30]]
    assert segments(times, gap_min=16).tolist() == [[0, 30], [120, 135]]


def test_hyperglycaemia_is_above_ten():
    assert found(9, 10.0, 10.0, 10.1, 10.1, 9, 9, kind="hyper") == [[45, 75]]


def test_an_alarm_detects_within_the_horizon_and_not_at_the_start():
    assert match(570).detected == 1
    assert match(569.99).detected == 0
    assert match(600).detected == 0
    assert match(600).ongoing == 1


def test_a_tolerance_after_the_start_has_to_be_declared():
    late = match(605, tolerance_after_min=10)
    assert (late.detected, late.false_alarms, late.lead_sum_min) == (1, 0, -5)


def test_lead_time_counts_from_the_first_alarm_that_detects():
    assert match(575, 590, refractory_min=0).lead_sum_min == 25


def test_alarms_closer_than_the_refractory_time_are_heard_once():
    counts = match(100, 115, 129.99, 130, refractory_min=30)
    assert (counts.false_alarms, counts.merged) == (2, 2)


def test_an_alarm_that_sounds_all_the_time_is_heard_again_before_every_episode():
    counts = match(*np.arange(0, 1440, 15.0))
    assert counts.detected == 1
    assert counts.false_alarms > 40


def test_an_alarm_during_an_episode_is_neither_right_nor_wrong():
    counts = match(610, 640)
    assert (counts.true_alarms, counts.false_alarms, counts.ongoing) == (0, 0, 2)


def test_an_episode_without_its_preceding_horizon_is_counted_apart():
    counts = match(590, covered=np.array([[580.0, 1440.0]]))
    assert (counts.episodes, counts.not_evaluable, counts.detected) == (0, 1, 0)


def test_an_alarm_before_a_gap_is_undecided():
    counts = match(300, expected=np.empty((0, 2)), covered=np.array([[0.0, 310.0], [500.0, 900.0]]))
    assert (counts.false_alarms, counts.undecided) == (0, 1)


def test_time_at_risk_leaves_out_gaps_the_last_horizon_and_episodes():
    counts = match(covered=np.array([[0.0, 310.0], [500.0, 900.0]]))
    assert counts.risk_min == (310 - 30) + (400 - 30) - 60


def test_a_missing_prediction_detects_nothing_and_alarms_all_the_time():
    counts = worst_counts(LOW, DAY)
    assert (counts.episodes, counts.detected) == (1, 0)
    assert counts.false_alarms == pytest.approx(counts.risk_min / 30, abs=2)


@pytest.mark.parametrize("alarm", [-1.0, 1441.0, float("nan")])
def test_an_alarm_outside_of_the_trace_is_refused(alarm):
    with pytest.raises(WrongUse):
        match(alarm)


def test_a_look_ahead_shows_in_a_truncated_copy():
    whole = np.array([60.0, 120.0, 300.0])
    assert alarms_that_looked_ahead(whole, np.array([60.0, 120.0]), 200.0).size == 0
    assert alarms_that_looked_ahead(whole, np.array([60.0]), 200.0).tolist() == [120.0]
    assert alarms_that_looked_ahead(whole, np.array([60.0, 120.0, 210.0]), 200.0).tolist() == [210.0]


def test_cuts_lie_inside_the_trace_and_repeat():
    times = np.arange(0, 3000, 5.0)
    cuts = cut_minutes(times, copies=4, seed=3)
    assert (np.diff(cuts) > 0).all()
    assert 0 < cuts[0] < cuts[-1] < times[-1]
    assert cuts.tolist() == cut_minutes(times, copies=4, seed=3).tolist()


minutes = st.integers(0, 60_000).map(lambda hundredths: hundredths / 100)


@st.composite
def traces(draw):
    steps = draw(st.lists(st.sampled_from([5.0, 5.0, 15.0, 14.5, 16.0, 40.0]), min_size=0, max_size=60))
    values = draw(
        st.lists(
            st.sampled_from([3.0, 3.84, 3.85, 3.9, 4.2, 6.0, 10.05, 10.06, 11.0]),
            min_size=len(steps) + 1,
            max_size=len(steps) + 1,
        )
    )
    return np.r_[0.0, np.cumsum(steps)], np.array(values)


@settings(max_examples=120, deadline=None)
@given(traces(), st.data(), st.sampled_from([0.0, 10.0]), st.sampled_from([0.0, 20.0, 30.0]))
def test_a_second_algorithm_counts_the_same_on_any_trace(one, data, late, refractory):
    times, values = one
    rules = AlarmRules(tolerance_after_min=late, refractory_min=refractory)
    covered = segments(times, gap_min=RULES.gap_min)
    for kind in ("hypo", "hyper"):
        expected = episodes(times, values, kind, RULES)
        assert episodes_by_runs(times.tolist(), values.tolist(), kind, RULES) == [
            tuple(pair) for pair in expected.tolist()
        ]
        alarms = data.draw(st.lists(st.sampled_from(times.tolist()) | minutes, max_size=12))
        inside = np.array([a for a in alarms if a <= times[-1]])
        counts = match_alarms(expected, covered, inside, rules)
        other = chronicle(expected.tolist(), covered.tolist(), inside.tolist(), rules)
        assert (counts.episodes, counts.detected, counts.true_alarms, counts.false_alarms) == (
            other.episodes,
            other.detected,
            other.true_alarms,
            other.false_alarms,
        )
        assert counts.lead_sum_min == pytest.approx(float(other.lead_sum_min))
        assert counts.risk_min == pytest.approx(float(other.risk_min))
        assert len(fate_of_alarms(expected, covered, inside, rules)) == len(set(inside.tolist()))
