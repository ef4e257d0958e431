import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.tasks.events import (
    ANY_OVERLAP,
    EventRules,
    all_wrong,
    detection_latencies,
    match_any_overlap,
    match_events,
    match_samples,
    merged_and_split,
)
from medassay.tasks.events_check import recount_events, recount_latencies, recount_samples

faults = {
    "past the end": [[3590, 3601]],
    "before the start": [[-1, 5]],
    "backwards": [[20, 10]],
    "empty": [[10, 10]],
    "nan": [[np.nan, 10]],
    "endless": [[10, np.inf]],
}


@pytest.mark.parametrize("events", faults.values(), ids=faults)
def test_an_event_that_is_no_interval_of_the_recording_is_refused(events):
    with pytest.raises(WrongUse, match="an event from"):
        match_events(np.zeros((0, 2)), np.array(events, float), duration_s=3600)


def test_order_of_events_never_changes_a_count():
    reference = np.array([[100, 160], [900, 960], [2000, 2400]], float)
    hypothesis = np.array([[950, 970], [120, 130], [3000, 3010]], float)
    assert match_events(reference, hypothesis, duration_s=3600) == match_events(
        reference[::-1], hypothesis[::-1], duration_s=3600
    )


def test_an_event_inside_another_never_shortens_it():
    counts = match_events(
        np.array([[100, 200], [120, 130]], float), np.array([[190, 195]], float), duration_s=3600
    )
    assert (counts.reference, counts.detected, counts.false_events) == (1, 1, 0)


def test_overlapping_events_label_each_second_once():
    counts = match_samples(
        np.array([[10, 20], [15, 25]], float), np.array([[0, 12], [5, 12]], float), duration_s=60
    )
    assert (counts.samples, counts.reference, counts.common, counts.false_samples) == (60, 15, 2, 10)


@pytest.mark.parametrize("events", faults.values(), ids=faults)
def test_sample_scoring_refuses_what_event_scoring_refuses(events):
    with pytest.raises(WrongUse, match="an event from"):
        match_samples(np.zeros((0, 2)), np.array(events, float), duration_s=3600)


def test_nothing_is_worse_than_no_prediction():
    reference = np.array([[100, 160], [900, 960], [2000, 2900]], float)
    worst = all_wrong(reference, duration_s=3600)
    whole = match_events(reference, np.array([[0, 3600]], float), duration_s=3600)
    silent = match_events(reference, np.zeros((0, 2)), duration_s=3600)
    assert worst.reference == whole.reference == silent.reference
    assert worst.detected == 0
    # free: 0-70, 220-870, 1020-1970, 2960-3600
    assert worst.false_events == 1 + 3 + 4 + 3


# Tenths of a second, overlapping as they like.
events = st.lists(st.tuples(st.integers(0, 35_000), st.integers(1, 4000)), max_size=10).map(
    lambda rows: np.array([[a / 10, min(a + length, 36_000) / 10] for a, length in rows]).reshape(-1, 2)
)
rules = st.builds(
    EventRules,
    tolerance_start_s=st.sampled_from([0.0, 30.0]),
    tolerance_end_s=st.sampled_from([0.0, 60.0]),
    min_overlap=st.sampled_from([0.0, 0.3]),
    max_event_s=st.sampled_from([60.0, 300.0]),
    min_gap_s=st.sampled_from([0.0, 90.0]),
)
HOUR_S = 3600.0


@given(events, events, rules)
def test_every_count_is_entered_twice(reference, hypothesis, declared):
    given = {"duration_s": HOUR_S}
    for way in (declared, ANY_OVERLAP):
        assert match_events(reference, hypothesis, **given, rules=way) == recount_events(
            reference, hypothesis, **given, rules=way
        )
        assert all_wrong(reference, **given, rules=way) == recount_events(reference, None, **given, rules=way)
    assert match_samples(reference, hypothesis, **given) == recount_samples(reference, hypothesis, **given)
    found = detection_latencies(reference, hypothesis, **given, rules=declared)
    assert found.seconds.tolist() == recount_latencies(reference, hypothesis, **given, rules=declared)
    assert len(found.seconds) <= found.events


@given(events, rules)
def test_identical_events_are_all_found_with_nothing_false_and_no_delay(reference, declared):
    given = {"duration_s": HOUR_S, "rules": declared}
    counts = match_events(reference, reference, **given)
    found = detection_latencies(reference, reference, **given)
    if declared.min_overlap == declared.tolerance_start_s == declared.tolerance_end_s == 0:
        assert counts.detected == counts.reference
        assert set(found.seconds.tolist()) <= {0.0}
    assert counts.false_events == 0 or declared.min_overlap > 0
    seconds = match_samples(reference, reference, duration_s=HOUR_S)
    assert (seconds.common, seconds.false_samples) == (seconds.reference, 0)


@given(events, events, rules, st.integers(0, 600))
def test_counts_do_not_change_when_the_recording_begins_later(reference, hypothesis, declared, by):
    """Events stand clear of the start, where a tolerance would be cut."""
    near, later = (
        match_events(reference + shift, hypothesis + shift, duration_s=HOUR_S + shift + 60, rules=declared)
        for shift in (60, 60 + by)
    )
    assert (near.reference, near.detected, near.false_events) == (
        later.reference,
        later.detected,
        later.false_events,
    )


@given(events, events)
def test_one_more_hypothesis_event_never_loses_a_detection(reference, hypothesis):
    fewer = match_any_overlap(reference, hypothesis[:-1], duration_s=HOUR_S)
    more = match_any_overlap(reference, hypothesis, duration_s=HOUR_S)
    assert more.detected >= fewer.detected


def test_latency_is_taken_from_the_onset_of_the_first_event_that_touches():
    """Reported 20 s early within the tolerance, 12 s late, and too late to count."""
    reference = np.array([[100, 160], [900, 960], [2000, 2010]], float)
    hypothesis = np.array([[80, 90], [912, 920], [2070, 2090]], float)
    found = detection_latencies(reference, hypothesis, duration_s=3600)
    assert found.seconds.tolist() == [-20, 12]
    assert (found.events, found.sum_s) == (3, -8)


def test_a_split_seizure_has_one_onset():
    found = detection_latencies(np.array([[1000, 1900]]), np.array([[1500, 1520]]), duration_s=3600)
    assert found.seconds.tolist() == [500]


def test_events_are_cut_from_their_start_after_merging():
    pieces = merged_and_split(np.array([[0, 200], [289.9, 700], [790, 800]]), duration_s=3600)
    assert pieces.tolist() == [[0, 300], [300, 600], [600, 700], [790, 800]]
