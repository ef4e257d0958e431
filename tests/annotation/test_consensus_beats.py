import numpy as np
import pytest

from medassay.annotation.consensus import beats
from medassay.core.errors import WrongUse
from medassay.core.findings import Reason, Severity
from medassay.formats.waveform.wfdb_annotation import (
    plain_annotations,
    read_annotations,
    write_annotations,
)

SAMPLES = {"s.hea": b"s 1 360 20000\ns.dat 212 200(0)/mV 12 0 0 0 0 MLII\n"}
OPTIONS = {"window_s": 0.15, "classes": "wfdb"}


def read(*marks):
    times, symbols = zip(*marks, strict=True) if marks else ((), ())
    return write_annotations(plain_annotations(times, symbols))


ONE = read((1000, "N"), (1300, "V"), (1600, "N"), (1900, "A"))


def figures(one, two):
    return beats.figures(beats.agreement(one, two, SAMPLES, OPTIONS))


def test_equal_reads_agree_fully():
    assert figures(ONE, ONE) == {"f1[QRS]": 1.0, "f1[V]": 1.0, "f1[S]": 1.0, "kappa": 1.0}


def test_agreement_does_not_depend_on_who_is_first():
    two = read((1004, "N"), (1310, "N"), (1600, "V"), (2400, "V"))
    assert figures(ONE, two) == figures(two, ONE)
    assert figures(ONE, two)["f1[QRS]"] == pytest.approx(2 * 3 / (4 + 4))
    assert figures(ONE, two)["f1[V]"] == 0


def test_a_class_that_nobody_marked_has_no_agreement():
    none = read((1000, "N"), (1300, "N"))
    assert figures(none, none)["f1[V]"] is None
    assert figures(none, none)["kappa"] is None


def test_a_merged_beat_keeps_the_class_only_where_both_agree():
    two = read((1010, "L"), (1300, "N"), (1900, "A"), (2500, "V"))
    merged = read_annotations(beats.merge(ONE, two, SAMPLES, OPTIONS))
    assert list(zip(merged.samples.tolist(), merged.symbols, strict=True)) == [
        (1000, "N"),
        (1300, "Q"),
        (1600, "Q"),
        (1900, "A"),
        (2500, "Q"),
    ]


def test_noise_and_fibrillation_marks_are_the_first_readers():
    one = read((900, "["), (1500, "]"), (1900, "N"))
    two = read((1900, "N"), (2000, "~"))
    merged = read_annotations(beats.merge(one, two, SAMPLES, OPTIONS))
    assert merged.symbols == ("[", "]", "N")


def test_labels_outside_the_recording_exclude_it():
    assert beats.check(ONE, SAMPLES, OPTIONS) == []
    (finding,) = beats.check(read((1000, "N"), (20_000, "N")), SAMPLES, OPTIONS)
    assert (finding.reason, finding.severity) == (Reason.REFERENCE_INVALID, Severity.EXCLUDE)
    assert "1 marks outside" in finding.found


def test_a_reference_without_a_beat_excludes_the_recording():
    (finding,) = beats.check(read((1000, "~")), SAMPLES, OPTIONS)
    assert finding.found == "no beat"


def test_summed_statistics_give_the_figures_of_the_whole_set():
    two = read((1000, "N"), (1300, "N"), (1600, "N"), (1900, "A"))
    first, second = (beats.agreement(ONE, other, SAMPLES, OPTIONS) for other in (ONE, two))
    total = {name: first[name] + second[name] for name in first}
    assert beats.figures(total)["f1[V]"] == pytest.approx(2 / 3)


def test_unknown_options_are_refused():
    with pytest.raises(WrongUse, match="window"):
        beats.agreement(ONE, ONE, SAMPLES, {"window": 3})


def test_subtypes_of_noise_marks_survive_the_merge():
    noisy = read((1000, "N"), (1200, "~"))
    marks = read_annotations(noisy)
    loud = write_annotations(type(marks)(**{**vars(marks), "subtypes": np.array([0, 0x30])}))
    assert read_annotations(beats.merge(loud, noisy, SAMPLES, OPTIONS)).subtypes.tolist() == [0, 0x30]
