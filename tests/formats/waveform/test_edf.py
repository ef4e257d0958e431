import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medassay.core.findings import Reason
from medassay.formats.waveform import edf
from medassay.formats.waveform.edf_marks import Mark
from medassay.formats.waveform.edf_writer import write

FP1 = edf.Signal("EEG Fp1-Ref", "uV", -3276.8, 3276.7, -32768, 32767, 200)
START = datetime.datetime(2021, 3, 2, 10, 15, 30)


def recording(seconds=20, *, signal=FP1, marks=(), form="EDF+C", seed=1):
    samples = np.random.default_rng(seed).integers(-900, 900, seconds * signal.per_record).astype(np.int16)
    content = write(
        patient=b"X F X X",
        recording=b"Startdate 02-MAR-2021 X X X",
        start=START,
        record_s=1,
        signals=[(signal, samples)],
        marks=marks,
        form=form,
    )
    return content, samples


def reasons(content):
    return [finding.reason for finding in edf.examine(edf.open(content))]


def test_what_was_written_is_read_back_by_edfio_and_here():
    from edfio import read_edf

    content, samples = recording(marks=[Mark(3.5, 2.0, b"eyes closed")])
    opened = edf.open(content)
    theirs = read_edf(content)
    assert reasons(content) == []
    assert (edf.digital(opened, [0])[0] == samples).all()
    assert (theirs.signals[0].digital == samples).all()
    assert theirs.signals[0].data == pytest.approx(opened.signals[0].to_physical(samples))
    assert edf.marks(opened) == [Mark(3.5, 2.0, b"eyes closed")]
    assert [tuple(mark) for mark in theirs.annotations] == [(3.5, 2.0, "eyes closed")]
    assert edf.start_of(opened) == START
    assert opened.duration_s == theirs.duration == 20


def test_a_physical_range_without_width_is_refused_and_never_returned_uncalibrated():
    content, _ = recording(signal=edf.Signal("EEG Fp1-Ref", "uV", 0, 0, -32768, 32767, 200))
    assert reasons(content) == [Reason.CALIBRATION_IMPOSSIBLE]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda content: content[:-100], Reason.TRUNCATED),
        (lambda content: content + b"\x00" * 8, Reason.HEADER_INVALID),
        (lambda content: content[:236] + b"-1      " + content[244:], Reason.TRUNCATED),
        (lambda content: content[:236] + b"19      " + content[244:], Reason.HEADER_INVALID),
    ],
    ids=["cut", "surplus", "never closed", "too few records announced"],
)
def test_a_file_size_that_is_not_the_announced_one_is_refused(change, reason):
    assert reasons(change(recording()[0])) == [reason]


def test_a_text_mode_transfer_is_found_even_when_the_size_agrees():
    content, _ = recording(seconds=120)
    damaged = content.replace(b"\n", b"\r\n")
    assert content.count(b"\n") >= edf.FEWEST_LINE_FEEDS
    assert Reason.UNSUPPORTED_FORM in reasons(damaged[: len(content)])


def test_gaps_of_a_discontinuous_recording_are_refused_and_counted():
    content, _ = recording()
    moved = content.replace(b"EDF+C", b"EDF+D").replace(b"+9\x14\x14", b"+8.5\x14")
    cut = content.replace(b"EDF+C", b"EDF+D")
    assert reasons(cut) == []
    assert Reason.HEADER_INVALID in reasons(moved)
    gapped = cut.replace(b"+19\x14\x14\x00", b"+29\x14\x14\x00")
    (finding,) = edf.examine(edf.open(gapped))
    assert (finding.reason, finding.found) == (Reason.UNSUPPORTED_FORM, "1 gaps of 10 s together")


@pytest.mark.parametrize("field", [(184, 192), (236, 244), (244, 252), (252, 256)])
def test_a_header_number_that_is_none_is_said_with_its_field(field):
    content, _ = recording()
    start, end = field
    with pytest.raises(edf.HeaderUnreadable) as caught:
        edf.open(content[:start] + b"?" * (end - start) + content[end:])
    assert caught.value.reason == Reason.HEADER_INVALID
    assert caught.value.where


def test_the_recording_field_tells_the_year_that_two_digits_cannot():
    content, _ = recording()
    far = content.replace(b"02-MAR-2021", b"02-MAR-2121").replace(b"02.03.21", b"02.03.yy")
    assert edf.start_of(edf.open(far)).year == 2121
    assert edf.start_of(edf.open(content.replace(b"02-MAR-2021", b"X          "))) is None


GOOD, _ = recording(seconds=4, marks=[Mark(1.0, 0.5, b"eyes closed")])


@given(st.integers(0, len(GOOD)), st.lists(st.tuples(st.integers(0, 900), st.binary(max_size=8)), max_size=3))
def test_any_damage_is_a_finding_or_an_unreadable_header_and_nothing_else(length, patches):
    content = bytearray(GOOD[:length])
    for place, patch in patches:
        content[place : place + len(patch)] = patch
    try:
        opened = edf.open(bytes(content))
    except edf.HeaderUnreadable:
        return  # any other exception fails the test
    found = list(edf.examine(opened))
    if not found:
        assert len(edf.digital(opened, range(len(opened.ordinary)))) == len(opened.ordinary)
