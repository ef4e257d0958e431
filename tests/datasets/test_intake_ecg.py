"""De-identification of WFDB records: identity planted in every field, and what must stay."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medassay.core.errors import WrongUse
from medassay.core.findings import Reason, Severity
from medassay.datasets.intake import ecg
from medassay.datasets.sample import Names, NewObject, OfferedFile, Refused
from medassay.datasets.spec import LawfulBasis, Source
from medassay.formats.waveform import wfdb_record as rec
from medassay.formats.waveform.wfdb_annotation import Annotations, read_annotations, write_annotations

NAME, GIVEN, MRN, DOCTOR = "虚四海", "Bertil", "7719425", "拟医师"
SECRETS = (NAME, GIVEN, MRN, DOCTOR, "Phantom", "VAULT", "1956", "12/11/2024", "08:30")
NAMES = Names("R-0123456789abcdef", "S-0123456789abcdef", 100, b"key")
LENGTH = 360 * 20
SAMPLES = np.random.default_rng(5).integers(-300, 300, (LENGTH, 2))


def source(**options):
    given = {"sites": {"ward": "A"}, "devices": ["Holter P1"], "reference_suffix": ".atr"} | options
    return Source(
        name="export", source_class="public", form="wfdb", folder="export", readers=("readers/R1",),
        options=given, identity="known", lawful_basis=LawfulBasis(licence="test"),
    )  # fmt: skip


def comments(encoding):
    lines = [
        f"姓名：{NAME}", f"Patient: {GIVEN}", f"病历号: {MRN}", "性别: 女", "出生日期: 1956-03-04", "年龄: 68岁",
        "Recorder: Holter P1", f"申请医生 {DOCTOR}", f"free text of {GIVEN} Phantom",
    ]  # fmt: skip
    return b"".join(b"#" + line.encode(encoding) + b"\n" for line in lines)


def labels():
    return Annotations(
        samples=np.array([100, 500, 900, 1300]),
        symbols=("N", "+", '"', "~"),
        subtypes=np.array([86, 65, 85, 0x33]),
        channels=np.array([76, 84, 0, 1]),
        numbers=np.array([ord(c) for c in "VAUL"]),
        aux=(NAME.encode("gb18030"), b"(AFIB\0", f"seen by {DOCTOR}".encode(), GIVEN.encode()),
    )


def write(
    folder, *, encoding="utf-8", leads=("MLII", f"{GIVEN} Phantom"), form="212", gain=200, samples=SAMPLES
):
    """A record whose every free field tells the person, with a published and a reader's annotation file."""
    stem = f"VAULT_{MRN}"
    sums = rec.checksum_of(samples)
    lines = [f"{stem} {len(leads)} 360/1956.0(12) {len(samples)} 08:30:00 12/11/2024"]
    lines += [
        f"{stem}.dat {form} {gain}(0)/mV 12 0 {samples[0, k]} {sums[k]} 0 {lead}"
        for k, lead in enumerate(leads)
    ]
    place = folder / "ward" / stem
    place.parent.mkdir(parents=True, exist_ok=True)
    place.with_suffix(".hea").write_bytes("\n".join([*lines, ""]).encode() + comments(encoding))
    place.with_suffix(".dat").write_bytes(rec.encode(samples, form))
    hidden = write_annotations(labels()) + NAME.encode()  # text after the end mark
    place.with_suffix(".atr").write_bytes(hidden + b"\0" * (len(hidden) % 2))
    read = folder / "readers" / "R1" / "ward" / f"{stem}.atr"
    read.parent.mkdir(parents=True, exist_ok=True)
    read.write_bytes(write_annotations(labels()))
    return place


def offered(folder):
    return [
        OfferedFile(path, path.relative_to(folder).as_posix(), path.stat().st_size)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]


def taken(folder, of=None):
    of = of or source()
    (draft,) = ecg.assemble(offered(folder), of).drafts
    return draft, ecg.take_in(draft, NAMES, of)


def secrets_in(content):
    forms = [secret.encode(code) for secret in SECRETS for code in ("utf-8", "gb18030", "utf-16-le")]
    return [form for form in forms if form in content]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_no_planted_identity_is_left_anywhere(tmp_path, encoding):
    write(tmp_path, encoding=encoding)
    draft, found = taken(tmp_path)
    assert [role for role, _ in draft.files] == ["header", "signal", "reference", "read:R1"]
    assert {item.role for item in found.objects} == {"header", "signal", "reference", "read:R1"}
    for item in found.objects:
        assert secrets_in(item.content) == []
        assert secrets_in(item.name.encode()) == []
    assert secrets_in(repr((found.actions, found.findings, found.measurements)).encode()) == []
    assert ecg.prove(found, source()) == []


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_what_medicine_needs_is_kept(tmp_path, encoding):
    write(tmp_path, encoding=encoding)
    _, found = taken(tmp_path)
    assert (found.sex, found.age_years, found.site, found.device) == ("F", 68.0, "A", "Holter P1")
    by_role = {item.role: item.content for item in found.objects}
    header = rec.read_header(by_role["header"])
    assert (header.sampling_hz, header.length, header.leads[0].gain) == (360, LENGTH, 200)
    assert [lead.name for lead in header.leads] == ["MLII", "ECG2"]
    assert by_role["signal"] == rec.encode(SAMPLES, "212")
    marks = read_annotations(by_role["reference"])
    assert (marks.samples.tolist(), marks.symbols) == ([100, 500, 900, 1300], labels().symbols)
    assert marks.aux == (b"", b"(AFIB\0", b"", b"")
    assert marks.subtypes.tolist() == [0, 0, 0, 0x33]


def test_removed_and_changed_elements_are_counted(tmp_path):
    write(tmp_path)
    _, found = taken(tmp_path)
    did = {(action.element, action.action): action.count for action in found.actions}
    assert did["header: comment", "removed"] == 9
    assert did["header: lead name", "changed"] == 1
    assert did["header: clock and date", "removed"] == 1
    assert did["annotation: free text", "removed"] == 3


def test_a_guessed_character_set_is_said_without_the_text(tmp_path):
    write(tmp_path, encoding="gb18030")
    _, found = taken(tmp_path)
    notes = [finding for finding in found.findings if finding.reason == Reason.CHARACTER_SET]
    assert [note.severity for note in notes] == [Severity.NOTE]


def test_one_person_has_one_token_whatever_the_character_set(tmp_path):
    tokens = []
    for encoding in ("utf-8", "gb18030"):
        write(tmp_path / encoding, encoding=encoding)
        tokens.append(set(taken(tmp_path / encoding)[0].person_tokens))
    shared = [token for token in tokens[0] & tokens[1] if token.startswith("person:")]
    assert shared == [f"person:{NAME}|1956-03-04|F"]


def test_a_recorder_that_is_not_listed_is_not_named(tmp_path):
    write(tmp_path)
    _, found = taken(tmp_path, source(devices=["Another"]))
    assert found.device is None
    assert any("recorder model" in finding.found for finding in found.findings)


def test_the_same_signal_is_found_in_another_format_gain_and_order(tmp_path):
    write(tmp_path / "one")
    write(tmp_path / "two", form="16", gain=400, samples=SAMPLES[:, ::-1] * 2, leads=("V1", "MLII"))
    write(tmp_path / "other", samples=SAMPLES + np.array([0, 1]))
    one, two, other = (taken(tmp_path / name)[1].fingerprint for name in ("one", "two", "other"))
    assert one == two
    assert one != other


def test_bytes_after_the_samples_are_refused(tmp_path):
    place = write(tmp_path)
    with place.with_suffix(".dat").open("ab") as stream:
        stream.write(NAME.encode())
    with pytest.raises(Refused) as refused:
        taken(tmp_path)
    assert refused.value.finding.reason == Reason.HEADER_INVALID


def test_a_number_that_no_converter_has_is_refused(tmp_path):
    place = write(tmp_path).with_suffix(".hea")
    place.write_bytes(place.read_bytes().replace(b" 12 0 ", f" 12 {MRN} ".encode(), 1))
    with pytest.raises(Refused) as refused:
        taken(tmp_path)
    assert MRN not in repr(refused.value.finding)


def test_samples_that_do_not_add_up_are_refused(tmp_path):
    place = write(tmp_path).with_suffix(".dat")
    content = bytearray(place.read_bytes())
    content[600] ^= 1
    place.write_bytes(content)
    with pytest.raises(Refused, match="header_invalid"):
        taken(tmp_path)


def test_an_unreadable_label_is_left_out_and_said(tmp_path):
    write(tmp_path).with_suffix(".atr").write_bytes(b"no annotations")
    _, found = taken(tmp_path)
    assert "reference" not in {item.role for item in found.objects}
    assert [(f.reason, f.where) for f in found.findings if f.severity == Severity.WARN][:1] == [
        (Reason.REFERENCE_INVALID, "reference")
    ]


def test_every_file_ends_in_one_draft_or_is_unassigned(tmp_path):
    write(tmp_path)
    (tmp_path / "note.txt").write_text("a letter")
    (tmp_path / "readers" / "R1" / "lost.atr").write_bytes(b"\0\0")
    (tmp_path / "alone.hea").write_bytes(b"alone 1 360 10\nalone.dat 212 200\n")
    (tmp_path / "broken.hea").write_bytes(b"broken 2 360 10\nbroken.dat 212 200\n")
    files = offered(tmp_path)
    assembly = ecg.assemble(files, source())
    ended = [file.relative for draft in assembly.drafts for _, file in draft.files]
    ended += [item.file.relative for item in assembly.unassigned]
    assert sorted(ended) == sorted(file.relative for file in files)
    assert {item.file.relative: item.finding.reason for item in assembly.unassigned} == {
        "note.txt": Reason.UNKNOWN_FORMAT,
        "readers/R1/lost.atr": Reason.IMAGE_MISSING,
        "alone.hea": Reason.IMAGE_MISSING,
        "broken.hea": Reason.HEADER_INVALID,
    }


def test_the_line_of_the_mit_databases_gives_age_and_sex_alone(tmp_path):
    place = write(tmp_path).with_suffix(".hea")
    text = place.read_bytes().split(b"#")[0] + b"# 69 M 1085 1629 x1\n# Aldomet, Inderal\n"
    place.write_bytes(text)
    draft, found = taken(tmp_path, source(comments="age_sex", record_is_person=True, device="Recorder"))
    assert (found.sex, found.age_years, found.device) == ("M", 69.0, "Recorder")
    assert draft.person_tokens == (f"id:VAULT_{MRN}",)
    assert b"Aldomet" not in b"".join(item.content for item in found.objects)


def test_another_form_is_wrong_use():
    with pytest.raises(WrongUse, match="form"):
        ecg.assemble([], source().model_copy(update={"form": "edf"}))


def tampered(found, role, change):
    objects = tuple(
        replace(item, content=change(item.content)) if item.role == role else item for item in found.objects
    )
    return replace(found, objects=objects)


@pytest.mark.parametrize(
    ("role", "change"),
    [
        ("header", lambda content: content + b"# VAULT\n"),
        ("header", lambda content: content.replace(b" 7200\n", b" 7200 08:30:00 12/11/2024\n", 1)),
        ("header", lambda content: content.replace(b"MLII", GIVEN.encode(), 1)),
        ("header", lambda content: content.replace(NAMES.sample.encode(), b"VAULT", 1)),
        ("signal", lambda content: content + NAME.encode()),
        ("signal", lambda content: content[:-9]),
        ("reference", lambda content: content + NAME.encode() + b"\0"),
        ("reference", lambda content: write_annotations(labels())[: len(content) + 999]),
        ("read:R1", lambda content: content[:-2]),
    ],
)
def test_the_proof_fails_closed(tmp_path, role, change):
    write(tmp_path)
    _, found = taken(tmp_path)
    left = ecg.prove(tampered(found, role, change), source())
    assert left
    assert {finding.severity for finding in left} == {Severity.REFUSE}
    assert secrets_in(repr(left).encode()) == []


def test_an_object_under_another_name_fails_the_proof(tmp_path):
    write(tmp_path)
    _, found = taken(tmp_path)
    renamed = (*found.objects[:-1], NewObject("read:R1", f"{MRN}.r1", found.objects[-1].content))
    assert ecg.prove(replace(found, objects=renamed), source())


def test_the_columns_are_those_that_are_measured(tmp_path):
    write(tmp_path)
    assert set(taken(tmp_path)[1].measurements) == set(ecg.COLUMNS)


def test_nothing_is_written_beside_the_source(tmp_path):
    write(tmp_path)
    before = sorted(Path(tmp_path).rglob("*"))
    _, found = taken(tmp_path)
    ecg.prove(found, source())
    assert sorted(Path(tmp_path).rglob("*")) == before
