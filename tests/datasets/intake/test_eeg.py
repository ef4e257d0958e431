import datetime
import re

import numpy as np
import pytest

from medassay.core.errors import WrongUse
from medassay.core.findings import Reason
from medassay.datasets.intake import eeg
from medassay.datasets.sample import Names, NewObject, OfferedFile, Refused
from medassay.datasets.spec import LawfulBasis, Source
from medassay.formats.waveform import edf
from medassay.formats.waveform.edf_fields import FILE_FIELDS, SIGNAL_FIELDS
from medassay.formats.waveform.edf_marks import Mark
from medassay.formats.waveform.edf_writer import write
from medassay.formats.waveform.electrodes import TEN_TWENTY
from medassay.formats.waveform.szcore import read_events

START = datetime.datetime(2021, 3, 2, 10, 15, 30)
NAMES = Names("R-0123456789abcdef", "S-0123456789abcdef", 400, b"k" * 32)
PATIENT = b"HN7734411 F 05-MAY-1961 Phantomine_Aleph"
RECORDING = b"Startdate 02-MAR-2021 ADM55021 Technomine_Beth Exemplar-128"


def source(**options):
    return Source(
        name="hospital",
        source_class="public",
        form="edf",
        folder="x",
        options={"sites": {"a": "A"}, "recorders": {"Exemplar-128": "Exemplar-128"}} | options,
        readers=("readers/R1", "readers/R2"),
        identity="known",
        lawful_basis=LawfulBasis(licence="CC0-1.0"),
    )


def signal(name, per_record=200, **other):
    return edf.Signal(f"EEG {name}-Ref", "uV", -3276.8, 3276.7, -32768, 32767, per_record, **other)


def recording(
    *,
    patient=PATIENT,
    headers=None,
    seconds=12,
    record_s=1,
    marks=(),
    seed=1,
    rate=200,
    field=RECORDING,
    start=START,
):
    headers = headers or [signal(name, rate * record_s) for name in TEN_TWENTY]
    rng = np.random.default_rng(seed)
    waves = [rng.normal(0, 300, seconds * rate).round().astype(np.int16) for _ in headers]
    return write(
        patient=patient,
        recording=field,
        start=start,
        record_s=record_s,
        signals=list(zip(headers, waves, strict=True)),
        marks=marks,
    )


def offered(tmp_path, **contents):
    files = []
    for name, content in contents.items():
        relative = name.replace("__", "/") + ".edf"
        path = tmp_path / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        files.append(OfferedFile(path, relative, len(content)))
    return files


def take(tmp_path, content, *, reads=(), **options):
    chosen = source(**options)
    contents = {"a__one": content} | {f"readers__{name}__a__one": read for name, read in reads}
    (draft,) = eeg.assemble(offered(tmp_path, **contents), chosen).drafts
    taken = eeg.take_in(draft, NAMES, chosen)
    return draft, taken, eeg.prove(taken, chosen)


def refused(tmp_path, content, **options):
    with pytest.raises(Refused) as caught:
        take(tmp_path, content, **options)
    return caught.value.finding


def read_of(*intervals, text=b"Seizure", start=START, patient=PATIENT):
    return write(
        patient=patient,
        recording=RECORDING,
        start=start,
        record_s=0,
        signals=[],
        marks=[Mark(a, b, text) for a, b in intervals],
    )


# A secret for every place of the format that holds text, in the encodings that hospitals use.
SECRETS = {
    "code": "HN7734411",
    "name": "幻影甲子",
    "latin name": "Phantomine",
    "admin": "ADM55021",
    "technician": "Technomine",
    "transducer": "BedOfKaph",
    "prefilter": "WardNine",
    "signal reserved": "SecretLamedh",
    "reserved": "TailTeth",
    "label": "Zayin77",
    "note": "DaughterHeth",
    "birth date": "05-MAY-1961",
    "start date": "02-MAR-2021",
}
ENCODINGS = ("ascii", "utf-8", "gb18030", "big5", "utf-16-le")


def laden(name_bytes):
    """A recording with something identifying in every field that can hold it."""
    headers = [
        signal(name, transducer="BedOfKaph", prefilter="HP:0.1Hz WardNine", reserved="SecretLamedh")
        for name in TEN_TWENTY
    ]
    headers.append(edf.Signal("Zayin77", "uV", -100, 100, -32768, 32767, 200))
    marks = [
        Mark(1.0, None, b"eyes closed"),
        Mark(2.0, 1.5, "DaughterHeth 幻影甲子".encode()),
        Mark(3.0, None, "幻影甲子 HN7734411".encode("gb18030")),
    ]
    content = recording(
        patient=b"HN7734411 F 05-MAY-1961 " + name_bytes + b" Phantomine_note", headers=headers, marks=marks
    )
    return content[:192] + b"EDF+C TailTeth".ljust(44) + content[236:]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "gbk", "big5"])
def test_nothing_identifying_survives_in_any_byte_name_or_finding(tmp_path, encoding):
    reader = read_of((3, 4), patient=b"HN7734411 F 05-MAY-1961 " + "幻影甲子".encode(encoding))
    draft, taken, left = take(
        tmp_path,
        laden("幻影甲子".encode(encoding)),
        reads=[("R1", reader)],
        annotation_texts=["eyes closed"],
        seizure_texts={"Seizure": "sz"},
    )
    assert left == []
    said = [f.model_dump_json() for f in (*draft.findings, *taken.findings)]
    said += [repr(taken.actions), repr(taken.measurements), *(item.name for item in taken.objects)]
    everything = [item.content for item in taken.objects] + [text.encode() for text in said]
    assert len(taken.objects) == 2
    for what, secret in SECRETS.items():
        for code in ENCODINGS:
            try:
                pattern = secret.encode(code)
            except UnicodeEncodeError:
                continue
            assert not any(pattern in content for content in everything), what


def test_what_has_to_stay_stays(tmp_path):
    content = laden("幻影甲子".encode("gbk"))
    _, taken, _ = take(tmp_path, content, annotation_texts=["eyes closed"])
    before, after = edf.open(content), edf.open(taken.objects[0].content)
    assert (taken.site, taken.device, taken.sex) == ("A", "Exemplar-128", "F")
    assert taken.age_years == pytest.approx(59.83, abs=0.01)
    assert after.patient == b"X F X X"
    assert [s.label for s in after.ordinary] == [f"EEG {name}-REF" for name in TEN_TWENTY]
    assert after.duration_s == before.duration_s == taken.measurements["duration_s"]
    for number in range(19):
        assert (edf.digital(after, [number])[0] == edf.digital(before, [number])[0]).all()
        assert after.ordinary[number].gain == before.ordinary[number].gain
    assert edf.marks(after) == [Mark(1.0, None, b"eyes closed")]
    assert edf.start_of(after) == START - datetime.timedelta(days=400)


def test_a_filter_setting_stays_and_a_filter_field_with_words_goes(tmp_path):
    kept, lost = "HP:0.3Hz LP:70Hz N:50Hz", "HP:0.3Hz by Beth"
    headers = [signal(n, prefilter=kept if i else lost) for i, n in enumerate(TEN_TWENTY)]
    _, taken, _ = take(tmp_path, recording(headers=headers))
    fields = [s.prefilter for s in edf.open(taken.objects[0].content).ordinary]
    assert fields == ["", *[kept] * 18]


OFFSETS = {name: sum(w for _, w in FILE_FIELDS[:i]) for i, (name, _) in enumerate(FILE_FIELDS)}
SIGNAL_OFFSETS = {
    name: (256 + sum(w for _, w in SIGNAL_FIELDS[:i]) * 20) for i, (name, _) in enumerate(SIGNAL_FIELDS)
}


@pytest.mark.parametrize(
    "offset",
    [
        OFFSETS["patient"] + 10,
        OFFSETS["recording"] + 40,
        OFFSETS["reserved"] + 20,
        SIGNAL_OFFSETS["label"] + 12,
        SIGNAL_OFFSETS["transducer"] + 4,
        SIGNAL_OFFSETS["unit"] + 4,
        SIGNAL_OFFSETS["prefilter"] + 2,
        SIGNAL_OFFSETS["reserved"] + 5,
    ],
)
def test_the_proof_fails_on_a_word_in_any_header_field(tmp_path, offset):
    _, taken, left = take(tmp_path, recording())
    assert left == []
    content = taken.objects[0].content
    tampered = content[:offset] + b"Beth" + content[offset + 4 :]
    (finding,) = eeg.proof.unproven(with_content(taken, tampered), ())
    assert finding.reason == Reason.IDENTITY_LEFT
    assert "Beth" not in finding.model_dump_json()


def with_content(taken, content, role="signal"):
    from dataclasses import replace

    return replace(taken, objects=(NewObject(role, taken.objects[0].name, content),))


def test_the_proof_fails_on_an_annotation_that_is_not_allowed_and_on_bytes_behind_it(tmp_path):
    _, taken, _ = take(
        tmp_path, recording(marks=[Mark(1, None, b"eyes closed")]), annotation_texts=["eyes closed"]
    )
    assert len(eeg.proof.unproven(taken, ())) == 1
    hidden = taken.objects[0].content.replace(b"+3\x14\x14\x00\x00\x00\x00\x00", b"+3\x14\x14\x00Beth")
    assert len(eeg.proof.unproven(with_content(taken, hidden), ("eyes closed",))) == 1
    assert len(eeg.proof.unproven(with_content(taken, taken.objects[0].content + b"Beth"), ())) > 0


@pytest.mark.parametrize("line", ["1.0\t2.0\tsz\tBeth\tn/a\tn/a\t12.0", "note", ""])
def test_the_proof_fails_on_an_event_table_with_anything_else(tmp_path, line):
    _, taken, _ = take(tmp_path, recording())
    table = "\t".join(eeg.proof.szcore.COLUMNS) + "\n" + line + "\n"
    assert len(eeg.proof.unproven(with_content(taken, table.encode(), "read:R1"), ())) == 1


def test_readers_marks_become_an_event_table_on_the_recordings_clock(tmp_path):
    _, taken, left = take(
        tmp_path,
        recording(),
        reads=[("R1", read_of((2.5, 4.0))), ("R2", read_of())],
        seizure_texts={"seizure": "sz"},
    )
    tables = {item.role: read_events(item.content) for item in taken.objects[1:]}
    assert [(e.onset_s, e.duration_s, e.kind) for e in tables["read:R1"].events] == [(2.5, 4.0, "sz")]
    assert tables["read:R2"].events == ()
    assert tables["read:R2"].duration_s == 12
    assert left == []


@pytest.mark.parametrize(
    "read",
    [
        read_of((2, 3), start=START + datetime.timedelta(seconds=1)),
        read_of((2, None)),
        b"not an edf".ljust(300),
    ],
    ids=["another start", "no duration", "no EDF"],
)
def test_a_read_that_cannot_be_used_is_left_out_and_said(tmp_path, read):
    contents = {"a__one": recording(), "readers__R1__a__one": read}
    chosen = source(seizure_texts={"Seizure": "sz"})
    assembly = eeg.assemble(offered(tmp_path, **contents), chosen)
    taken = eeg.take_in(assembly.drafts[0], NAMES, chosen)
    told = [f.reason for f in taken.findings] + [u.finding.reason for u in assembly.unassigned]
    assert [item.role for item in taken.objects] == ["signal"]
    assert told in ([Reason.REFERENCE_INVALID], [Reason.UNKNOWN_FORMAT])


def test_every_file_ends_in_one_draft_or_with_a_reason(tmp_path):
    files = offered(
        tmp_path,
        a__one=recording(),
        readers__R1__a__one=read_of(),
        readers__R1__a__two=read_of(),
        a__text=b"not an edf",
        a__empty=b"",
        a__bdf=b"\xffBIOSEMI".ljust(300),
    )
    assembly = eeg.assemble(files, source())
    reasons = {item.file.relative: item.finding.reason for item in assembly.unassigned}
    assert [len(draft.files) for draft in assembly.drafts] == [2]
    assert reasons == {
        "readers/R1/a/two.edf": Reason.IMAGE_MISSING,
        "a/text.edf": Reason.UNKNOWN_FORMAT,
        "a/empty.edf": Reason.EMPTY_FILE,
        "a/bdf.edf": Reason.UNSUPPORTED_FORM,
    }


def tokens(tmp_path, **contents):
    return [
        set(draft.person_tokens) for draft in eeg.assemble(offered(tmp_path, **contents), source()).drafts
    ]


def test_one_name_in_two_encodings_is_one_person(tmp_path):
    birth = b"H1 M 05-MAY-1961 "
    one, two = tokens(
        tmp_path,
        a__one=recording(patient=birth + "幻影甲子".encode("gbk")),
        b__two=recording(patient=birth.replace(b"H1", b"H2") + "幻影甲子".encode()),
    )
    assert len(one & two) == 1


def test_nobody_is_told_by_free_text_or_an_anonymous_header(tmp_path):
    found = tokens(tmp_path, a__one=recording(patient=b"Beth, ward 9"), a__two=recording(patient=b"X X X X"))
    assert found == [set(), set()]


def test_a_reencoded_copy_has_the_fingerprint_of_its_original(tmp_path):
    rng = np.random.default_rng(5)
    waves = [rng.normal(0, 300, 2400).round().astype(np.int16) for _ in TEN_TWENTY]
    common = {"recording": RECORDING, "start": START}

    def encoded(headers, order, record_s, patient):
        pairs = [(headers[i], waves[i]) for i in order]
        return write(patient=patient, record_s=record_s, signals=pairs, **common)

    plain = encoded([signal(n) for n in TEN_TWENTY], range(19), 1, PATIENT)
    milli = [edf.Signal(n, "mV", -3.2768, 3.2767, -32768, 32767, 800) for n in TEN_TWENTY]
    copy = encoded(milli, range(18, -1, -1), 4, b"X X X X")
    prints = [
        take(tmp_path / str(i), content)[1].fingerprint
        for i, content in enumerate((plain, copy, recording()))
    ]
    assert prints[0] == prints[1] != prints[2]


def test_a_faster_recording_is_brought_down_and_the_actions_say_so(tmp_path):
    _, taken, left = take(tmp_path, recording(rate=500, seconds=20), rate_hz=160)
    after = edf.open(taken.objects[0].content)
    assert left == []
    assert {after.rate_hz(s) for s in after.ordinary} == {160}
    assert (taken.measurements["rate_hz"], taken.measurements["rate_offered_hz"]) == (160, 500)
    assert ("samples", "changed") in {(a.element, a.action) for a in taken.actions}


def test_what_lies_above_the_new_rate_is_gone_and_what_lies_below_is_as_before(tmp_path):
    time = np.arange(20 * 512) / 512
    slow, fast = 50 * np.sin(2 * np.pi * 10 * time), 50 * np.sin(2 * np.pi * 140 * time)
    headers = [signal(n, 512) for n in TEN_TWENTY]
    waves = [headers[0].to_digital(slow + (fast if n == "Cz" else 0)) for n in TEN_TWENTY]
    content = write(
        patient=PATIENT,
        recording=RECORDING,
        start=START,
        record_s=1,
        signals=list(zip(headers, waves, strict=True)),
    )
    _, taken, _ = take(tmp_path, content, rate_hz=160)
    after = edf.open(taken.objects[0].content)
    wanted = 50 * np.sin(2 * np.pi * 10 * np.arange(20 * 160) / 160)
    middle = slice(160, -160)
    for number in (0, TEN_TWENTY.index("Cz")):
        wave = after.ordinary[number].to_physical(edf.digital(after, [number])[0])
        assert wave[middle] == pytest.approx(wanted[middle], abs=0.5)


def test_a_declared_bipolar_channel_is_the_difference_of_its_electrodes(tmp_path):
    content = recording()
    _, taken, left = take(tmp_path, content, channels=["Fp1-F7", "O1"])
    before, after = edf.open(content), edf.open(taken.objects[0].content)
    place = {name: i for i, name in enumerate(TEN_TWENTY)}
    fp1, f7, o1 = (
        before.ordinary[0].to_physical(edf.digital(before, [place[n]])[0]) for n in ("Fp1", "F7", "O1")
    )
    found = [s.to_physical(edf.digital(after, [i])[0]) for i, s in enumerate(after.ordinary)]
    assert left == []
    assert found[0] == pytest.approx(fp1 - f7, abs=0.1)
    assert found[1] == pytest.approx(o1, abs=0.1)


REFUSED = {
    "a missing electrode": ([signal(n) for n in TEN_TWENTY[1:]], Reason.CHANNEL_MISSING),
    "an electrode twice": ([signal(n) for n in (*TEN_TWENTY, "Fp1")], Reason.UNSUPPORTED_FORM),
    "no unit": ([edf.Signal(n, "", -1, 1, -32768, 32767, 200) for n in TEN_TWENTY], Reason.UNIT_UNKNOWN),
    "a scale too small to write": (
        [edf.Signal(n, "nV", -0.0004, 0.0004, -32768, 32767, 200) for n in TEN_TWENTY],
        Reason.CALIBRATION_IMPOSSIBLE,
    ),
    "two references": (
        [edf.Signal(f"{n}-{'Ref' if n < 'P' else 'Avg'}", "uV", -9, 9, -9, 9, 200) for n in TEN_TWENTY],
        Reason.UNSUPPORTED_FORM,
    ),
    "bipolar": (
        [edf.Signal(f"{n}-F7", "uV", -9, 9, -9, 9, 200) for n in TEN_TWENTY],
        Reason.CHANNEL_MISSING,
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_recording_that_cannot_take_the_declared_form_is_refused(tmp_path, name):
    headers, reason = REFUSED[name]
    assert refused(tmp_path, recording(headers=headers)).reason == reason


def test_channels_of_two_rates_are_refused(tmp_path):
    headers = [signal(n, 100 if n == "Fp1" else 200) for n in TEN_TWENTY]
    content = write(
        patient=PATIENT,
        recording=RECORDING,
        start=START,
        record_s=1,
        signals=[(header, np.arange(9 * header.per_record, dtype=np.int16)) for header in headers],
    )
    assert refused(tmp_path, content).reason == Reason.RATE_UNFIT


def test_a_slow_recording_is_refused_and_never_brought_up(tmp_path):
    assert refused(tmp_path, recording(rate=125)).reason == Reason.RATE_UNFIT
    with pytest.raises(WrongUse, match="rate_hz"):
        take(tmp_path, recording(), rate_hz=256)


def test_dates_that_two_digits_cannot_tell_are_written_as_edf_plus_asks(tmp_path):
    field = b"Startdate 02-MAR-1985 X X X"
    start = datetime.datetime(1985, 3, 2, 10, 0, 0)
    _, taken, left = take(tmp_path, recording(field=field, start=start))
    content = taken.objects[0].content
    assert left == []
    assert re.match(rb"\d\d\.\d\d\.yy", content[168:176])
    assert edf.start_of(edf.open(content)).year == 1984


def test_events_marked_in_the_recording_become_its_published_reference(tmp_path):
    content = recording(marks=[Mark(3.0, 5.0, b"Seizure")])
    _, taken, left = take(tmp_path, content, embedded="reference", seizure_texts={"Seizure": "sz"})
    tables = {item.role: item.content for item in taken.objects}
    assert left == []
    assert [(e.onset_s, e.end_s) for e in read_events(tables["reference"]).events] == [(3, 8)]
    assert b"Seizure" not in tables["signal"]
