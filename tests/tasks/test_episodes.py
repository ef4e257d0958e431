import numpy as np
import pytest

from medassay.core.errors import WrongUse
from medassay.tasks.beat_labels import Labels
from medassay.tasks.episodes import EpisodeRules, match_episodes
from medassay.tasks.episodes_check import recount_episodes

HZ, LENGTH = 100, 60_000


def rhythm(*marks):
    """Rhythm annotations from (second, name) pairs."""
    times, names = zip(*marks, strict=True) if marks else ((), ())
    return Labels(
        np.array([int(HZ * at) for at in times], np.int64),
        "+" * len(times),
        np.zeros(len(times), np.int64),
        names,
    )


def flutter(*marks):
    """VF marks from (second, `[` or `]`) pairs."""
    times, symbols = zip(*marks, strict=True) if marks else ((), ())
    return Labels(np.array([int(HZ * at) for at in times], np.int64), symbols, np.zeros(len(times), np.int64))


def matched(reference, test, kind="AF", length=LENGTH, aggregation="exact", **rules):
    """The episode match, after the second algorithm has confirmed its counts."""
    given = {"sampling_hz": HZ, "length": length, "rules": EpisodeRules(**{"start_s": 0.0, **rules})}
    found = match_episodes(reference, test, kind, **given)
    again = recount_episodes(reference, test, kind, **given, aggregation=aggregation)
    assert found.counts(aggregation) == pytest.approx(again, abs=1e-9)
    return found


def test_any_common_time_detects_an_episode_and_durations_are_shares_of_time():
    reference = rhythm((10, b"(AFIB"), (110, b"(N"), (200, b"(AFIB"), (300, b"(N"))
    test = rhythm((60, b"(AFIB"), (130, b"(N"), (400, b"(AFIB"), (410, b"(N"))
    found = matched(reference, test)
    assert (found.detected, found.missed, found.confirmed, found.false) == (1, 1, 1, 1)
    assert found.duration_sensitivity() == pytest.approx(50 / 200)
    assert found.duration_positive_predictivity() == pytest.approx(50 / 80)


def test_episodes_that_only_touch_share_no_time():
    found = matched(rhythm((10, b"(AFIB"), (20, b"(N")), rhythm((20, b"(AFIB"), (30, b"(N")))
    assert (found.detected, found.missed, found.confirmed, found.false) == (0, 1, 0, 1)


def test_atrial_flutter_is_no_atrial_fibrillation_and_ends_it():
    reference = rhythm((10, b"(AFIB"), (20, b"(AFL"), (50, b"(N"))
    assert matched(reference, rhythm()).reference_duration == 10 * HZ


def test_a_rhythm_without_a_name_ends_nothing():
    assert matched(rhythm((10, b"(AFIB"), (20, b""), (30, b"(N")), rhythm()).reference_duration == 20 * HZ


def test_ventricular_fibrillation_lies_between_its_marks_whatever_the_rhythm_says():
    marks = flutter((10, "["), (20, "]"))
    assert matched(marks, marks, kind="VF").detected == 1
    named = rhythm((10, b"(VFL"), (20, b"(N"))
    assert matched(named, named, kind="VF").detected == 0


def test_an_episode_that_never_ends_lasts_to_the_end_of_the_recording():
    assert matched(rhythm((500, b"(AFIB")), rhythm()).reference_duration == 100 * HZ
    unknown = rhythm((500, b"(AFIB"), (550, b"(AFIB"))
    assert matched(unknown, rhythm(), length=None).reference_duration == 50 * HZ


def test_the_learning_period_is_cut_off():
    reference = rhythm((10, b"(AFIB"), (50, b"(N"), (290, b"(AFIB"), (310, b"(N"))
    found = matched(reference, reference, start_s=300)
    assert (found.detected, found.missed, found.reference_duration) == (1, 0, 10 * HZ)


def test_a_shorter_episode_than_declared_is_left_out():
    reference = rhythm((10, b"(AFIB"), (15, b"(N"), (100, b"(AFIB"), (130, b"(N"))
    found = matched(reference, rhythm(), shortest_s=10)
    assert (found.missed, found.reference_duration) == (1, 30 * HZ)


def test_durations_are_undefined_without_an_episode():
    found = matched(rhythm(), rhythm())
    assert found.duration_sensitivity() is None
    assert found.duration_positive_predictivity() is None


def test_sumstats_pools_what_is_printed():
    """Common time is a whole percentage of the longer duration: 2 of 3 s are 67 %, 2.01 s."""
    found = matched(
        rhythm((10, b"(AFIB"), (13, b"(N")), rhythm((11, b"(AFIB"), (13, b"(N")), aggregation="sumstats"
    )
    counts = found.counts("sumstats")
    assert (counts["reference_s"], counts["reference_overlap_s"], counts["test_s"]) == (3.0, 2.01, 2.0)
    assert found.duration_sensitivity("sumstats") == 0.67


def test_an_unknown_kind_is_refused():
    with pytest.raises(WrongUse, match="AF or VF"):
        match_episodes(rhythm(), rhythm(), "AFL", sampling_hz=HZ, length=None)
