import pytest
from hypothesis import given
from hypothesis import strategies as st

from medassay.annotation.consensus import events
from medassay.core.errors import WrongUse
from medassay.core.findings import Reason, Severity
from medassay.formats.waveform.szcore import Event, read_events, write_events

LENGTH_S = 600


def read(*intervals, length=LENGTH_S):
    return write_events([Event(start, end - start) for start, end in intervals], duration_s=length)


def agreed(first, second, **options):
    return events.figures(events.agreement(first, second, {}, options))


def test_the_same_events_agree_wholly():
    one = read((100, 140), (300, 360))
    assert agreed(one, one) == {"event_agreement": 1, "second_agreement": 1, "kappa_seconds": 1}


def test_two_silent_readers_have_nothing_to_agree_about():
    assert agreed(read(), read()) == {
        "event_agreement": None,
        "second_agreement": None,
        "kappa_seconds": None,
    }


def test_an_event_of_one_reader_alone_is_disagreement_whoever_comes_first():
    one, other = read((100, 140)), read()
    assert agreed(one, other)["event_agreement"] == agreed(other, one)["event_agreement"] == 0


def test_figures_are_those_counted_by_hand():
    found = agreed(read((100, 140), (300, 340)), read((120, 160)))
    assert found["event_agreement"] == pytest.approx(2 / 3)
    assert found["second_agreement"] == pytest.approx(2 * 20 / 120)
    # 600 s: both 20, first alone 60, second alone 20, neither 500
    chance = (80 * 40 + 520 * 560) / 600**2
    assert found["kappa_seconds"] == pytest.approx((520 / 600 - chance) / (1 - chance))


def test_the_merge_holds_what_both_marked_between_their_means():
    merged = read_events(events.merge(read((100, 140), (300, 340)), read((104, 150)), {}, {}))
    assert [(e.onset_s, e.end_s) for e in merged.events] == [(102, 145)]
    assert merged.duration_s == LENGTH_S


def test_one_long_event_over_two_short_ones_is_one_event():
    merged = read_events(events.merge(read((100, 200)), read((100, 130), (160, 190)), {}, {}))
    assert [(e.onset_s, e.end_s) for e in merged.events] == [(100, 195)]


def test_reads_of_two_recordings_are_never_compared():
    with pytest.raises(WrongUse, match="different recordings"):
        events.agreement(read((1, 20)), read((1, 20), length=700), {}, {})


def test_a_read_with_an_event_outside_the_recording_is_refused():
    with pytest.raises(WrongUse, match="an event from"):
        events.agreement(read((590, 640)), read((590, 599)), {}, {})


interval = st.tuples(st.integers(0, 550), st.integers(1, 50)).map(lambda t: (t[0], t[0] + t[1]))


@given(st.lists(interval, max_size=6), st.lists(interval, max_size=6))
def test_agreement_and_merge_do_not_depend_on_who_is_first(first, second):
    one, other = read(*first), read(*second)
    assert agreed(one, other) == agreed(other, one)
    merged = events.merge(one, other, {}, {})
    assert merged == events.merge(other, one, {}, {})
    assert [f for f in events.check(merged, {}, {}) if f.severity == Severity.EXCLUDE] == []


faults = {
    "outside": read((590, 640)),
    "overlapping": read((100, 140), (120, 160)),
    "empty event": read((100, 100)),
    "no table": b"seizure at noon",
    "an hour": read((100, 560)),
}


@pytest.mark.parametrize("label", faults.values(), ids=faults)
def test_a_label_that_cannot_be_is_excluded(label):
    (finding,) = events.check(label, {}, {"longest_event_s": 300})
    assert (finding.reason, finding.severity) == (Reason.REFERENCE_INVALID, Severity.EXCLUDE)


def test_a_short_event_is_stated_and_kept():
    (finding,) = events.check(read((100, 104)), {}, {"shortest_event_s": 10})
    assert finding.severity == Severity.WARN


def test_an_unknown_option_is_an_error_of_the_spec():
    with pytest.raises(WrongUse, match="min_gap_s"):
        events.agreement(read(), read(), {}, {"min_gap": 5})
