"""Fields of EDF and WFDB that hold numbers, times or short names: what no such field holds does not leave in it."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from medassay.datasets.deidentify import edf, wfdb, wfdb_signals
from medassay.datasets.deidentify.outgoing import CannotClean
from medassay.datasets.deidentify.profile import PROFILES
from medassay.datasets.deidentify.signal_names import is_signal_name
from medassay.datasets.intake.ecg import proof as ecg_proof
from medassay.datasets.sample import Names
from medassay.formats.waveform import edf_proof
from medassay.formats.waveform.wfdb_annotation import plain_annotations, read_annotations, write_annotations

RESEARCH = PROFILES["research"]
WHO = Names("R-0123456789abcdef", "S-0123456789abcdef", 100, b"k" * 32)
SIGNAL = np.arange(400, dtype="<i2").tobytes()
FIELDS = (
    ("label", 16), ("transducer", 80), ("unit", 8), ("physical_min", 8), ("physical_max", 8),
    ("digital_min", 8), ("digital_max", 8), ("prefilter", 80), ("per_record", 8), ("reserved", 32),
)  # fmt: skip


def recording(lists=b"+0\x14\x14\x00", label=b"EDF Annotations", fixed=None, **signal):
    """One second of a signal, and one of annotations."""
    head = {"clock": b"10.15.00", "bytes": b"768", "records": b"1", "seconds": b"1", "signals": b"2"}
    head |= fixed or {}
    first = {
        "label": b"EEG Fp1", "unit": b"uV", "physical_min": b"-500", "physical_max": b"500",
        "digital_min": b"-32768", "digital_max": b"32767", "per_record": b"250",
    } | signal  # fmt: skip
    second = (
        first | {"label": label, "unit": b"", "per_record": b"60"} | {"transducer": b"", "prefilter": b""}
    )
    out = b"0".ljust(8) + b"X X X X".ljust(80) + b"Startdate 02-MAR-2023 X X X".ljust(80) + b"02.03.23"
    out += head["clock"] + head["bytes"].ljust(8) + b"EDF+C".ljust(44)
    out += head["records"].ljust(8) + head["seconds"].ljust(8) + head["signals"].ljust(4)
    for name, width in FIELDS:
        out += first.get(name, b"").ljust(width) + second.get(name, b"").ljust(width)
    return out + SIGNAL[:500] + lists.ljust(120, b"\x00")


def cleaned(content):
    out = edf.clean(content, WHO, [], RESEARCH)
    assert edf.prove(out.files[0][1], out.bulk["samples"], [], RESEARCH) == []
    return out.files[0][1]


@pytest.mark.parametrize(
    "label", [b"EDF annotations", b"Annotations", b"EDF-Annotations", b"TAL", b"Events", b"EEG Fz"]
)
def test_annotations_are_told_by_what_they_hold_whatever_their_signal_is_called(label):
    out = cleaned(recording(b"+0\x14\x14\x00+0.5\x14eyes closed\x14Gulnar Memet\x14\x00", label))
    assert b"Gulnar" not in out
    assert b"+0.5\x14eyes closed\x14" in out
    assert out[256 + 16 : 256 + 32] == b"EDF Annotations "


def test_a_signal_whose_first_samples_look_like_no_list_stays_a_signal():
    content = recording()
    assert cleaned(content)[-620:-120] == content[-620:-120]


@pytest.mark.parametrize("number", [b"13912345678", b"60371825", b"330106195603022"])
@pytest.mark.parametrize("place", [b"+%b\x14eyes closed\x14", b"+1\x15%b\x14eyes closed\x14", b"+%b"])
def test_no_annotation_begins_or_lasts_longer_than_a_recording(number, place):
    out = cleaned(recording(b"+0\x14\x14\x00" + place.replace(b"%b", number) + b"\x00"))
    assert number not in out
    assert b"+0\x14\x14" in out


def test_a_time_of_an_annotation_keeps_its_microseconds_and_nothing_finer():
    out = cleaned(recording(b"+0\x14\x14\x00+1.25\x14rest\x14\x00+139.12345678\x14rest\x14\x00"))
    assert b"+1.25\x14rest" in out
    assert b"+139.123456\x14rest" in out


def test_the_proof_withholds_a_recording_with_a_time_that_no_recording_has():
    for lists in (b"+0\x14\x14\x00+13912345678\x14\x14\x00", b"+0\x14\x14\x00+1\x00"):
        content = cleaned(recording())
        content = content[:-120] + lists.ljust(120, b"\x00")
        bulk = edf.samples_digest(content)
        assert [one.where for one in edf.prove(content, bulk, [], RESEARCH)] == ["annotation"]


@pytest.mark.parametrize(
    ("fixed", "signal"),
    [
        ({}, {"digital_max": b"60371825"}),
        ({}, {"physical_min": b"19560302"}),
        ({"seconds": b"19560302"}, {}),
        ({"records": b"0"}, {}),
        ({}, {"per_record": b"0"}),
    ],
)
def test_a_recording_with_numbers_that_calibrate_nothing_is_refused(fixed, signal):
    content = recording(fixed=fixed, **signal)
    if signal.get("per_record") == b"0":
        content = content.replace(b"60".ljust(8), b"0".ljust(8), 1)
    with pytest.raises(CannotClean):
        edf.clean(content, WHO, [], RESEARCH)


def test_the_length_of_the_header_and_the_time_of_day_are_what_they_can_be():
    out = cleaned(recording(fixed={"bytes": b"60371825", "clock": b"56.03.02"}))
    assert out[176:192] == b"00.00.00768     "


@pytest.mark.parametrize(
    "name", ["LIU", "Eva Kim", "Ann Lee", "Dr.Li", "860.371.825", "56-03-02", "W.X.M.", "Zhu"]
)
def test_short_names_days_and_groups_of_digits_are_no_names_of_signals(name):
    assert not is_signal_name(name)
    content = recording().replace(b"EEG Fp1".ljust(16), name.encode().ljust(16), 1)
    assert name.encode() not in cleaned(content)


@pytest.mark.parametrize("text", [b"860.371.825", b"60,371,825", b"56/3/2", b"W.X.M.", b"HP:1391234567"])
def test_no_filter_or_transducer_holds_a_day_a_number_or_initials(text):
    assert text not in cleaned(recording(prefilter=text, transducer=text))


def test_filters_with_long_decimals_stay():
    assert b"HP:5.305165Hz LP:30Hz N:50Hz" in cleaned(recording(prefilter=b"HP:5.305165Hz LP:30Hz N:50Hz"))


def header(record="r 1 250 400", signal="r.dat 16 200/mV 16 0 0 0 0 II", comment=""):
    return f"{record}\n{signal}\n{comment}".encode()


def kept(content, **beside):
    """The header that leaves, or nothing where the record is refused."""
    try:
        out = wfdb.clean(content, {"r.dat": SIGNAL, **beside}, WHO, [], RESEARCH, {})
    except CannotClean:
        return b""
    assert wfdb.prove(dict(out.files), out.bulk, []) == []
    return out.files[0][1]


@pytest.mark.parametrize("number", ["13912345678", "60371825", "330106195603022", "139.12345678"])
@pytest.mark.parametrize(
    ("record", "signal"),
    [
        ("r 1 {}", ""), ("r 1 250 {}", ""), ("r 1 250/{} 400", ""), ("r 1 250/250({}) 400", ""),
        ("r 1 250 400 10:15:00 02/03/2023 {}", ""), ("r {} 250 400", ""),
        ("", "r.dat 16:{} 200 16 0 0 0 0 II"), ("", "r.dat 16+{} 200 16 0 0 0 0 II"),
        ("", "r.dat 16 {} 16 0 0 0 0 II"), ("", "r.dat 16 200({})/mV 16 0 0 0 0 II"),
        ("", "r.dat 16 200 {} 0 0 0 0 II"), ("", "r.dat 16 200 16 {} 0 0 0 II"),
        ("", "r.dat 16 200 16 0 {} 0 0 II"), ("", "r.dat 16 200 16 0 0 {} 0 II"),
        ("", "r.dat 16 200 16 0 0 0 {} II"), ("", "~ {} 200 16 0 0 0 0 II"), ("", "~ 0:{} 200 16 0 0 0 0 II"),
    ],
)  # fmt: skip
def test_no_number_of_a_header_is_longer_than_its_field_can_be(number, record, signal):
    parts = {"record": record.format(number)} if record else {"signal": signal.format(number)}
    assert number.encode() not in kept(header(**parts))


@pytest.mark.parametrize(
    "signal",
    [
        "r.dat 16 -19.3447902992(3064)/degC 16 2048 -171 -27403 0 Temp",
        "r.dat 16 1.052e+04/mV 16 0 9127 -301 0 V",
        "r.dat 32 200/mV 32 0 -2147483638 0 0 II",
        "r.dat 16 200(0)/cmH2O 16 0 0 0 0 Resp",
    ],
)
def test_numbers_and_units_of_the_field_stay(signal):
    samples = SIGNAL * 2
    assert signal.partition(" ")[2].encode() in kept(header(signal=signal), **{"r.dat": samples})


def test_a_record_that_does_not_say_where_its_samples_end_is_refused():
    assert kept(header("r 1 250"), **{"r.dat": SIGNAL + b"Gulnar Memet"}) == b""


def test_a_long_number_of_samples_is_one_that_its_segments_bear_out():
    segments = "m/2 1 250 {}\nr 8000000\nr 5912345\n"
    records = {"r": "R-1123456789abcdef"}
    out = wfdb.clean(segments.format(13912345).encode(), {}, WHO, [], RESEARCH, records)
    assert b" 13912345\n" in out.files[0][1]
    with pytest.raises(CannotClean):
        wfdb.clean(segments.format(13912346).encode(), {}, WHO, [], RESEARCH, records)


@pytest.mark.parametrize("code", ["13912345678", "60371825", "19560302", "330106195603022"])
def test_a_coded_diagnosis_is_one_by_partition_and_check_digit(code):
    out = kept(header(comment=f"# Dx: 426783006,{code},164889003\n"))
    assert b"# Dx: 426783006,164889003\n" in out


def test_annotations_keep_the_clock_that_their_times_are_read_by():
    clock = replace(plain_annotations([0], ['"']), aux=(b"## time resolution: 1000",))
    content = write_annotations(clock)[:-2] + write_annotations(plain_annotations([40, 1600], ["N", "V"]))
    assert read_annotations(content).clock_hz == 1000
    out = wfdb.clean(header(), {"r.dat": SIGNAL, "r.atr": content}, WHO, [], RESEARCH, {})
    again = read_annotations(dict(out.files)[f"{WHO.sample}.atr"])
    assert (again.clock_hz, again.samples.tolist()) == (1000, [40, 1600])


def test_two_annotators_whose_suffixes_differ_in_case_keep_a_file_each():
    marks = write_annotations(plain_annotations([10], ["N"]))
    out = wfdb.clean(header(), {"r.dat": SIGNAL, "r.atr": marks, "r.ATR": marks}, WHO, [], RESEARCH, {})
    assert len({name for name, _ in out.files}) == 4


def test_what_stands_between_the_head_of_a_flac_file_and_its_first_frame_is_refused():
    info = b"fLaC\x80\x00\x00\x22" + bytes(34)
    with pytest.raises(CannotClean):
        wfdb_signals.cleaned(info + b"Gulnar\xff\xf8", wfdb_signals.layout_of(["516"], 400), Counter())


def test_persons_of_comments_are_told_by_the_names_that_columns_have():
    found = wfdb.facts_of(b"r 1 250 400\n# Subject ID: P77\n# Full name: Gulnar Memet\n")
    assert (found.ids, found.names) == (("P77",), ("Gulnar Memet",))


@pytest.mark.parametrize("place", range(8))
def test_the_store_too_takes_no_number_of_a_record_that_its_field_cannot_hold(place):
    numbers = ["250", "400", "200", "0", "16", "0", "25", "-171"]
    line = "R-0123456789abcdef 1 {} {}\nR-0123456789abcdef.dat 16 {}({})/mV {} {} {} {} 0 II\n"
    assert ecg_proof._header(line.format(*numbers).encode(), WHO.sample) == []
    numbers[place] = "13912345678"
    assert ecg_proof._header(line.format(*numbers).encode(), WHO.sample) != []


def test_the_store_too_takes_no_filter_with_a_number_of_somebody():
    assert edf_proof.FILTER.fullmatch(b"HP:5.305165Hz LP:30Hz")
    assert not edf_proof.FILTER.fullmatch(b"HP:13912345678Hz")


@pytest.mark.parametrize(
    ("birth", "age"),
    [(b"03-MAR-1956", b" Age_66"), (b"02-MAR-1956", b" Age_67"), (b"01-JAN-1930", b" Age_90"), (b"X", b"")],
)
def test_the_age_that_a_day_of_birth_tells_stays_where_the_day_goes(birth, age):
    content = recording().replace(b"X X X X".ljust(80), (b"P7 F " + birth + b" Gulnar").ljust(80), 1)
    out = cleaned(content)
    assert out[8:88].rstrip() == f"{WHO.subject} F X X".encode() + age
    basic = edf.clean(content, WHO, [], PROFILES["basic"]).files[0][1]
    assert basic[8:88].rstrip() == f"{WHO.subject} X X X".encode()
