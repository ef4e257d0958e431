import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.core.findings import Reason, Severity
from medassay.formats.waveform import edf
from medassay.formats.waveform.edf_header import WIDE_RECORD
from medassay.formats.waveform.edf_marks import Mark, decoded
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


def test_gaps_of_a_discontinuous_recording_are_counted_and_refuse_it_as_a_continuous_one():
    content, _ = recording()
    moved = content.replace(b"EDF+C", b"EDF+D").replace(b"+9\x14\x14", b"+8.5\x14")
    cut = content.replace(b"EDF+C", b"EDF+D")
    assert reasons(cut) == []
    assert Reason.HEADER_INVALID in reasons(moved)
    gapped = cut.replace(b"+19\x14\x14\x00", b"+29\x14\x14\x00")
    for reader, severity in ((edf.examine, Severity.WARN), (edf.unbroken, Severity.REFUSE)):
        (finding,) = reader(edf.open(gapped))
        assert (finding.reason, finding.found) == (Reason.RECORDING_GAP, "1 gaps of 10 s together")
        assert finding.severity is severity


def test_a_gap_keeps_its_length_and_holds_no_number():
    content, samples = recording()
    gapped = content.replace(b"EDF+C", b"EDF+D").replace(b"+19\x14\x14\x00", b"+29\x14\x14\x00")
    opened = edf.open(gapped)
    assert (opened.duration_s, opened.recorded_s) == (30, 20)
    assert edf.describe(opened)["gaps"] == 1
    whole = edf.samples(opened, 0)
    physical = FP1.to_physical(samples)
    assert (whole.unit, whole.rate_hz, len(whole.values)) == ("uV", 200, 30 * 200)
    assert whole.values[: 19 * 200] == pytest.approx(physical[: 19 * 200])
    assert np.isnan(whole.values[19 * 200 : 29 * 200]).all()
    assert whole.values[29 * 200 :] == pytest.approx(physical[19 * 200 :])
    edge = edf.samples(opened, 0, 28.5, 29.5)
    assert edge.start_s == 28.5
    assert np.isnan(edge.values).tolist() == [True] * 100 + [False] * 100


def test_records_that_overlap_in_time_are_refused():
    content, _ = recording()
    back = content.replace(b"+19\x14\x14\x00", b"+17\x14\x14\x00")
    (finding,) = edf.examine(edf.open(back))
    assert (finding.reason, finding.found) == (Reason.HEADER_INVALID, "data records that overlap in time")


def bdf(values, *, label="Fp1", physical=(-262144, 262143)):
    """A BDF+ file of one signal, 100 samples a record of 1 s, built field by field."""
    records = len(values) // 100
    labels, counts = [label, "BDF Annotations"], [100, 12]
    fields = [
        (80, "", ""), (8, "uV", ""), (8, str(physical[0]), "-1"), (8, str(physical[1]), "1"),
        (8, "-8388608", "-8388608"), (8, "8388607", "8388607"), (80, "", ""), (8, *map(str, counts)), (32, "", ""),
    ]  # fmt: skip
    head = b"\xffBIOSEMI" + b"X X X X".ljust(80) + b"Startdate X X X X".ljust(80) + b"01.01.85" + b"00.00.00"
    head += b"768     " + b"BDF+C".ljust(44) + str(records).encode().ljust(8) + b"1       " + b"2   "
    head += b"".join(one.encode().ljust(16) for one in labels)
    head += b"".join(one.encode().ljust(width) for width, *pair in fields for one in pair)
    body = b""
    for record in range(records):
        chunk = values[100 * record : 100 * (record + 1)]
        body += b"".join(int(value).to_bytes(3, "little", signed=True) for value in chunk)
        body += f"+{record}\x14\x14\x00".encode().ljust(36, b"\x00")
    return head + body


def test_samples_of_24_bits_are_read_with_their_sign_from_memory_and_from_a_file(tmp_path):
    values = np.array([-8388608, -1, 0, 1, 8388607, *range(-97, 98)])
    content = bdf(values)
    (tmp_path / "named_wrongly.edf").write_bytes(content)
    for source in (content, tmp_path / "named_wrongly.edf"):
        opened = edf.open(source)
        assert list(edf.examine(opened)) == []
        assert edf.describe(opened)["form"] == "BDF+C"
        got = edf.samples(opened, 0, 0, 1).values
        assert got == pytest.approx((values[:100] + 8388608) * (524287 / 16777215) - 262144)
        with pytest.raises(WrongUse, match="16 bits"):
            edf.digital(opened, [0])


def test_labels_that_are_shared_are_said_and_no_signal_is_lost():
    one = np.arange(200, dtype=np.int16)
    content = write(
        patient=b"X X X X", recording=b"Startdate X X X X", start=START, record_s=1,
        signals=[(FP1, one), (FP1, one)],
    )  # fmt: skip
    opened = edf.open(content)
    (finding,) = edf.examine(opened)
    assert (finding.reason, finding.severity) == (Reason.DUPLICATE, Severity.WARN)
    assert FP1.label not in finding.found
    assert edf.samples(opened, 1).values == pytest.approx(FP1.to_physical(one))


def test_chinese_annotations_are_read_in_utf_8_and_in_an_undeclared_gbk():
    text = "癫痫发作开始"
    good, _ = recording(marks=[Mark(2.0, None, text.encode())])
    assert list(edf.examine(edf.open(good))) == []
    content, _ = recording(marks=[Mark(2.0, None, text.encode("gbk"))])
    opened = edf.open(content)
    (finding,) = edf.examine(opened)
    assert (finding.reason, finding.severity) == (Reason.CHARACTER_SET, Severity.WARN)
    assert decoded(edf.marks(opened)[0].text) == (text, "gb18030")


def test_a_byte_order_mark_before_the_header_is_said():
    content, _ = recording()
    marked = b"\xef\xbb\xbf" + content
    assert edf.recognises(marked[:512])
    with pytest.raises(edf.HeaderUnreadable, match="byte-order mark"):
        edf.open(marked)


def test_a_range_of_samples_that_is_none_or_too_long_is_refused():
    opened = edf.open(recording()[0])
    for range_s in ((-1, 2), (3, 2), (float("nan"), 2)):
        with pytest.raises(WrongUse, match="a range from"):
            edf.samples(opened, 0, *range_s)
    with pytest.raises(WrongUse, match="signal 1"):
        edf.samples(opened, 1)
    assert len(edf.samples(opened, 0, 5, 1e9).values) == 15 * 200


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


def test_wide_data_records_are_read_signal_by_signal_with_the_same_result(tmp_path):
    wide = edf.Signal("EEG Fp1-Ref", "uV", -3276.8, 3276.7, -32768, 32767, 40_000)
    content, samples = recording(seconds=3, signal=wide, marks=[Mark(1.5, None, b"a"), Mark(2.5, None, b"b")])
    (tmp_path / "wide").write_bytes(content)
    opened = edf.open(tmp_path / "wide")
    assert opened.record_bytes > WIDE_RECORD
    assert list(edf.examine(opened)) == []
    assert [mark.text for mark in edf.marks(opened)] == [b"a", b"b"]
    part = edf.samples(opened, 0, 0.9, 2.1).values
    assert part == pytest.approx(wide.to_physical(samples[36_000:84_000]))
