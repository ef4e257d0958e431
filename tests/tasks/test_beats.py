import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.tasks.beats import BeatRules, Labels, match_beats
from medassay.tasks.beats_check import recount

NINE = [f"{name}_{count}" for name in ("QRS", "V", "S") for count in ("TP", "FN", "FP")]


def labels(*marks, subtypes=None):
    times, symbols = zip(*marks, strict=True) if marks else ((), ())
    subtypes = np.zeros(len(times), np.int64) if subtypes is None else np.array(subtypes)
    return Labels(np.array(times, np.int64), symbols, subtypes)


def counts(reference, test, *, start_s=0.0, length=100_000, **rules):
    """Counts by the walk, after the second algorithm has confirmed the nine that it gives."""
    given = {
        "sampling_hz": 360,
        "length": length,
        "rules": BeatRules(start_s=start_s, **rules),
    }
    found = match_beats(reference, test, **given).counts()
    assert {name: found[name] for name in NINE} == recount(reference, test, **given)
    return {name: value for name, value in found.items() if value and "_" not in name}


def test_the_window_of_150_ms_is_inclusive():
    assert counts(labels((1000, "V")), labels((1054, "V"))) == {"Vv": 1}
    assert counts(labels((1000, "V")), labels((1055, "V"))) == {"Vo": 1, "Ov": 1}


def test_the_nearer_partner_wins():
    assert counts(labels((1000, "V"), (1060, "N")), labels((1040, "V"))) == {"Vo": 1, "Nv": 1}
    assert counts(labels((1000, "V")), labels((960, "N"), (1010, "V"))) == {"Vv": 1, "On": 1}


def test_five_minutes_at_the_start_are_not_compared():
    reference, test = labels((107_000, "V"), (109_000, "N")), labels((109_000, "N"))
    assert counts(reference, test, start_s=300, length=200_000) == {"Nn": 1}


def test_a_beat_found_just_before_the_period_meets_its_reference():
    assert counts(labels((3610, "V"), (4000, "N")), labels((3590, "V"), (4000, "N")), start_s=10) == {
        "Vv": 1,
        "Nn": 1,
    }


def test_a_beat_whose_reference_lies_before_the_period_is_no_false_detection():
    reference = labels((3590, "V"), (4000, "N"))
    assert counts(reference, labels((3610, "V"), (4000, "N")), start_s=10) == {"Nn": 1}


def test_detections_in_reference_fibrillation_are_not_counted():
    reference = labels((500, "N"), (1000, "["), (1200, "!"), (2000, "]"), (3000, "N"))
    test = labels((500, "N"), (1300, "V"), (1700, "V"), (3000, "N"))
    assert counts(reference, test) == {"Nn": 2}


def test_fibrillation_that_never_ends_lasts_to_the_end():
    reference = labels((100, "["), (200, "]"), (500, "N"), (1000, "["))
    assert counts(reference, labels((500, "N"), (1500, "V"))) == {"Nn": 1}


def test_beats_missed_while_the_detector_had_shut_down_are_told_apart():
    reference = labels((1000, "N"), (2000, "V"), (3000, "N"))
    shut = labels((1000, "N"), (1500, "~"), (2500, "~"), (3000, "N"), subtypes=[0, 0x30, 0, 0])
    assert counts(reference, shut) == {"Nn": 2, "Vx": 1}
    noise_only = labels((1000, "N"), (1500, "~"), (2500, "~"), (3000, "N"), subtypes=[0, 0x10, 0, 0])
    assert counts(reference, noise_only) == {"Nn": 2, "Vo": 1}


def test_shutdown_without_end_mark_reaches_to_the_next_annotation():
    match = match_beats(
        labels((1000, "N"), (2000, "V"), (3000, "N")),
        labels((1000, "N"), (1500, "~"), (3000, "N"), subtypes=[0, 0x30, 0]),
        sampling_hz=360,
        length=10_000,
        rules=BeatRules(start_s=0),
    )
    assert match.counts()["Vx"] == 1
    assert match.shutdown_s == pytest.approx((3000 - 54 - 1054) / 360)


def test_escape_beats_follow_the_declared_convention():
    escape = labels((1000, "j"))
    assert counts(escape, escape, classes="wfdb") == {"Ss": 1}
    assert counts(escape, escape, classes="de_chazal") == {"Nn": 1}


def test_false_v_leaves_out_fusion_and_unknown_false_s_only_unknown():
    reference = labels(*((1000 * k, symbol) for k, symbol in enumerate("NSFQ", 1)))
    for symbol, forgiven in (("V", 2), ("S", 1)):
        test = labels(*((1000 * k, symbol) for k in range(1, 5)))
        found = match_beats(
            reference, test, sampling_hz=360, length=9000, rules=BeatRules(start_s=0)
        ).counts()
        right = found[f"{symbol}_TP"]
        assert found[f"{symbol}_FP"] == 4 - forgiven - right


def test_every_reference_beat_stands_in_one_cell():
    reference = labels((1000, "N"), (2000, "V"), (3000, "A"))
    match = match_beats(reference, labels(), sampling_hz=360, length=9000, rules=BeatRules(start_s=0))
    assert match.counts()["QRS_FN"] == 3
    assert match.matrix.sum() == 3


def test_unsorted_annotations_and_unknown_conventions_are_refused():
    late = labels((2000, "N"), (1000, "N"))
    with pytest.raises(WrongUse, match="order of time"):
        match_beats(late, late, sampling_hz=360, length=None)
    beat = labels((1000, "N"))
    with pytest.raises(WrongUse, match="one of wfdb, de_chazal"):
        match_beats(beat, beat, sampling_hz=360, length=None, rules=BeatRules(classes="own"))


@settings(max_examples=60, deadline=None)
@given(
    gaps=st.lists(st.integers(109, 600), min_size=1, max_size=60),
    shifts=st.lists(st.integers(-70, 70), min_size=60, max_size=60),
    extra=st.lists(st.integers(0, 20_000), max_size=20),
    seed=st.integers(0, 2**32 - 1),
)
def test_both_algorithms_count_alike_below_200_beats_a_minute(gaps, shifts, extra, seed):
    """Beats at least 109 samples apart (over two windows); any shifts and any false detections."""
    generator = np.random.default_rng(seed)
    times = np.cumsum(gaps)
    test_times = np.unique(np.concatenate([times + shifts[: len(times)], extra]).astype(int))
    test_times = test_times[test_times >= 0]

    def named(at):
        symbols = generator.choice(list("NVAF/"), len(at))
        return Labels(at, [str(symbol) for symbol in symbols], np.zeros(len(at), np.int64))

    counts(named(times), named(test_times), length=int(times[-1]) + 100, start_s=1.0)
