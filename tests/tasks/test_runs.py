import numpy as np
import pytest

from medassay.core.errors import WrongUse
from medassay.tasks.beat_labels import Labels
from medassay.tasks.beats import BeatRules
from medassay.tasks.runs import match_runs
from medassay.tasks.runs_check import recount_runs

HZ, LENGTH = 360, 100_000


def labels(symbols, first=1000, step=300, **texts):
    """Annotations at even steps; `texts` names the rhythm of a place by its number (`_3=b"(AFIB"`)."""
    names = [texts.get(f"_{place}", b"") for place in range(len(symbols))]
    times = first + step * np.arange(len(symbols))
    return Labels(times, symbols, np.zeros(len(symbols), np.int64), names)


def matched(reference, test, kind="V", start_s=0.0, long_run_beats=6, **rules):
    """The run match, after the second algorithm has confirmed its counts."""
    given = {"sampling_hz": HZ, "length": LENGTH, "rules": BeatRules(start_s=start_s, **rules)}
    found = match_runs(reference, test, kind, **given)
    assert found.counts(long_run_beats) == recount_runs(
        reference, test, kind, **given, long_run_beats=long_run_beats
    )
    return found


def cells(matrix):
    return {(int(i), int(j)): int(matrix[i, j]) for i, j in np.argwhere(matrix)}


def counts(*args, **how):
    found = matched(*args, **how).counts(how.get("long_run_beats", 6))
    return {name: value for name, value in found.items() if value}


@pytest.mark.parametrize("beats", range(1, 9))
def test_a_run_that_is_found_whole_stands_on_the_diagonal(beats):
    one = labels("N" + "V" * beats + "N")
    found = matched(one, one)
    length = min(beats, 6)
    assert cells(found.of_reference) == cells(found.of_test) == {(length, length): 1}


def test_a_split_run_is_short_for_the_reference_and_two_runs_for_the_test():
    found = matched(labels("NVVVVVN"), labels("NVVNVVN"))
    assert cells(found.of_reference) == {(5, 2): 1}
    assert cells(found.of_test) == {(2, 2): 2}
    assert counts(labels("NVVVVVN"), labels("NVVNVVN")) == {"short_run_FN": 1, "couplet_TPp": 2}


def test_a_couplet_is_detected_by_any_run_of_two_and_a_long_run_only_by_a_long_one():
    assert counts(labels("NVVN"), labels("VVVV")) == {"couplet_TPs": 1, "short_run_FP": 1}
    assert counts(labels("NVVVVVVN"), labels("NVVVVVNN")) == {"long_run_FN": 1, "short_run_TPp": 1}


def test_the_length_of_a_long_run_is_declared():
    five = labels("NVVVVVN")
    assert counts(five, five, long_run_beats=5) == {"long_run_TPs": 1, "long_run_TPp": 1}
    assert counts(five, five, long_run_beats=6) == {"short_run_TPs": 1, "short_run_TPp": 1}
    with pytest.raises(WrongUse, match="4 to 6 beats"):
        matched(five, five).counts(7)


def test_fusion_beats_belong_to_ventricular_runs_and_end_supraventricular_ones():
    assert counts(labels("NVFVN"), labels("NVFVN")) == {"short_run_TPs": 1, "short_run_TPp": 1}
    assert counts(labels("NAFAN"), labels("NAFAN"), kind="S") == {}


def test_escape_beats_follow_the_declared_convention():
    escapes = labels("NjjjN")
    assert counts(escapes, escapes, kind="S") == {"short_run_TPs": 1, "short_run_TPp": 1}
    assert counts(escapes, escapes, kind="S", classes="de_chazal") == {}


def test_ventricular_fibrillation_is_the_longest_run():
    vf = labels("N[!!]N")
    assert counts(vf, labels("NVVVVN")) == {"long_run_FN": 1, "short_run_TPp": 1}
    assert counts(vf, vf) == {"long_run_TPs": 1, "long_run_TPp": 1}
    flutter = labels("N+NN+N", _1=b"(VFL", _4=b"(N")
    assert "long_run_TPs" not in counts(flutter, labels("NNNNNN"))


def test_normal_beats_in_atrial_fibrillation_are_a_supraventricular_run():
    af = labels("N+NNNN+N", _1=b"(AFIB", _6=b"(N")
    assert counts(af, af, kind="S") == {"long_run_TPs": 1, "long_run_TPp": 1}
    assert counts(af, labels("NAAAAAAN"), kind="S") == {"long_run_TPs": 1, "long_run_TPp": 1}
    assert counts(af, labels("NNNNNNNN"), kind="S") == {"long_run_FN": 1}
    flutter = labels("N+NNNN+N", _1=b"(AFL", _6=b"(N")
    assert counts(flutter, flutter, kind="S") == {"long_run_TPs": 1, "long_run_TPp": 1}


def test_fibrillation_that_another_beat_follows_at_once_has_no_window():
    """As in `rxr`: even against itself it is not found."""
    af = labels("N+VN", _1=b"(AFIB")
    assert counts(af, af, kind="S") == {"long_run_FN": 1, "long_run_FP": 1}


def test_fibrillation_that_began_in_the_learning_period_is_looked_for_at_its_end():
    vf = Labels(np.array([1000, 9000, 9500]), "[]N", np.zeros(3, np.int64))
    assert counts(vf, vf, start_s=10.0) == {"long_run_TPs": 1, "long_run_TPp": 1}
    assert counts(vf, labels("N", first=9500), start_s=10.0) == {"long_run_FN": 1}


def test_runs_of_the_learning_period_are_left_out():
    early, late = labels("VVVN", first=1000), labels("NNNN", first=8000)
    assert counts(early, late, start_s=20.0) == {}


def test_the_window_reaches_150_ms_around_the_run():
    reference = labels("NVVN")
    for shift, found in ((54, 1), (55, 0), (-54, 1), (-55, 0)):
        shifted = Labels(reference.samples + shift, "NVVN", reference.subtypes)
        assert matched(reference, shifted).counts()["couplet_TPs"] == found


def test_an_unreadable_stretch_ends_a_run():
    interrupted = Labels(np.array([1000, 1300, 1600, 1900, 2200]), "VV~VV", np.array([0, 0, 0x30, 0, 0]))
    assert counts(interrupted, interrupted) == {"couplet_TPs": 2, "couplet_TPp": 2}
    noisy = Labels(interrupted.samples, "VV~VV", np.array([0, 0, 0x10, 0, 0]))
    assert counts(noisy, noisy) == {"short_run_TPs": 1, "short_run_TPp": 1}


def test_an_annotator_that_says_nothing_has_no_runs():
    assert counts(labels("NVVN"), labels("")) == {"couplet_FN": 1}
    assert counts(labels(""), labels("NVVN")) == {"couplet_FP": 1}


def test_an_unknown_kind_is_refused():
    with pytest.raises(WrongUse, match="V or S"):
        match_runs(labels("N"), labels("N"), "N", sampling_hz=HZ, length=None)
