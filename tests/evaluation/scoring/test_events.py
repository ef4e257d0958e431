import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.evaluation.scoring import events
from medassay.formats.waveform.szcore import Event, write_events

LENGTH_S = 3600


def table(*intervals, length=LENGTH_S):
    return write_events([Event(start, end - start) for start, end in intervals], duration_s=length)


def figures(*scores):
    options = events.Options()
    sums = {name: sum(s.statistics[name] for s in scores) for name in scores[0].statistics}

    def total(parts):
        return sum(weight * sums[name] for name, weight in parts.items())

    return {
        name: total(metric.numerator) / total(metric.denominator)
        for name, metric in events.metrics(options).items()
        if total(metric.denominator)
    }


def score(reference, prediction, **options):
    return events.score(reference, prediction, {}, events.Options(**options))


def test_figures_are_szcores_ratios():
    found = figures(score(table((100, 160), (1500, 1540)), table((110, 150), (2500, 2530))))
    assert found == pytest.approx(
        {
            "sensitivity": 1 / 2,
            "precision": 1 / 2,
            "f1": 1 / 2,
            "false_alarms_per_day": 24,
            "any_overlap_sensitivity": 1 / 2,
            "any_overlap_precision": 1 / 2,
            "any_overlap_f1": 1 / 2,
            "any_overlap_false_alarms_per_day": 24,
            "sample_sensitivity": 40 / 100,
            "sample_precision": 40 / 70,
            "sample_f1": 80 / 170,
            "false_seconds_per_day": 30 * 24,
            "mean_latency": 10,
        }
    )


def test_any_overlap_counts_events_as_they_were_marked():
    """Near misses are false there, and one long event stays one."""
    near = score(table((1000, 1060), (2000, 2900)), table((1070, 1090), (2100, 2800))).statistics
    assert (near["events_reference"], near["events_detected"], near["events_false"]) == (4, 4, 0)
    assert (near["overlap_reference"], near["overlap_detected"], near["overlap_false"]) == (2, 1, 1)


def test_a_missed_event_has_no_latency_and_leaves_the_mean_of_the_others():
    found = score(table((1000, 1060), (2000, 2060)), table((2015, 2030))).statistics
    assert (found["latency_sum_s"], found["latency_events"]) == (15, 1)
    missing = score(table((1000, 1060)), None).statistics
    assert (missing["latency_sum_s"], missing["latency_events"]) == (0, 0)


def test_a_recording_without_a_seizure_has_no_sensitivity_and_counts_its_false_alarms():
    found = figures(score(table(), table((500, 520))))
    assert "sensitivity" not in found
    assert found["false_alarms_per_day"] == pytest.approx(24)


def test_no_prediction_is_never_better_than_any_prediction():
    missing = score(table((1000, 1060)), None).statistics
    silent = score(table((1000, 1060)), table()).statistics
    assert missing["events_detected"] == silent["events_detected"] == 0
    assert missing["events_false"] == 4 + 9  # 970 s and 2480 s in pieces of at most 300 s
    assert missing["seconds_false"] == LENGTH_S - 60


@pytest.mark.parametrize("end", [3600.2, 4000])
def test_a_predicted_event_outside_the_recording_is_refused(end):
    with pytest.raises(WrongUse, match="an event from") as caught:
        score(table(), table((3500, end)))
    assert caught.value.where.startswith("prediction")


def test_rounding_at_the_end_of_the_recording_is_no_error():
    assert score(table(), table((3500, 3600.04))).statistics["events_false"] == 1


def test_without_any_length_nothing_is_scored():
    with pytest.raises(WrongUse, match="recordingDuration"):
        score(b"onset\tduration\teventType\n1\t20\tsz\n", table())


def test_the_worst_case_is_the_one_with_missed_events():
    reference = table((1000, 1060))
    missed, false, right = (score(reference, table(*p)) for p in ([], [(1000, 1060), (2, 9)], [(1000, 1060)]))
    assert missed.badness > false.badness > right.badness == 0


tenths = st.tuples(st.integers(0, 35_000), st.integers(10, 9_000)).map(
    lambda t: (t[0] / 10, min(t[0] + t[1], 36_000) / 10)
)
anywhere = st.lists(tenths, max_size=8)
conventions = st.fixed_dictionaries(
    {
        "tolerance_start_s": st.sampled_from([0, 10, 30]),
        "tolerance_end_s": st.sampled_from([0, 60]),
        "min_gap_s": st.sampled_from([0, 90]),
        "max_event_s": st.sampled_from([60, 300]),
        "min_overlap": st.sampled_from([0, 0.25]),
    }
)


@given(anywhere, st.none() | anywhere, conventions)
def test_both_implementations_count_alike_whatever_overlaps(reference, prediction, chosen):
    options = events.Options(**chosen)
    offered = None if prediction is None else table(*prediction)
    first = events.score(table(*reference), offered, {}, options).statistics
    assert {name: first[name] for name in events.HEADLINE} == events.second(
        table(*reference), offered, {}, options
    )


def test_the_page_of_the_excerpt_shows_the_missed_seizure(recording_of):
    content = recording_of(seconds=300, rate=200, signals=3)
    drawn = events.score(
        table((200, 230), length=300), table(length=300), {"a.edf": content}, events.Options()
    )
    page = drawn.excerpt["page"]
    assert page["start_s"] <= 200 < page["start_s"] + 30
    assert np.array(page["rows"]).shape == (3, 1500)
    assert page["rate_hz"] == 50
