import numpy as np
import pytest

from medassay.core.errors import WrongUse
from medassay.tasks.events import all_wrong, match_events, match_samples

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
