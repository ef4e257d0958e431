"""`medassay deidentify` on a hospital's folder of mixed files: what leaves, what does not, and what proves it."""

import importlib.util
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from typer.testing import CliRunner

from medassay.cli.main import app
from medassay.core.canonical import digest_bytes
from medassay.core.errors import NothingReadable, WrongUse
from medassay.datasets.deidentify import hl7, tables
from medassay.datasets.deidentify.profile import PROFILES
from medassay.formats.waveform.wfdb_annotation import plain_annotations, write_annotations
from medassay.trust.keys import KeyRing
from medassay.verbs import deidentify

place = importlib.util.spec_from_file_location("planted", Path(__file__).with_name("planted.py"))
planted = importlib.util.module_from_spec(place)
place.loader.exec_module(planted)

NAME, LATIN, RESIDENT, MOBILE = "张伟明", "ZHANG^WEIMING", "110105194912310021", "13800138000"
RESIDENT = "11010519491231002X"
SAMPLES = np.arange(500, dtype="<i2").tobytes()


def edf(patient, annotation):
    """Two signals (one of annotations), one record of a second."""
    note = b"+0\x14\x14\x00+0.5\x14" + annotation + b"\x14\x00"
    fields = [
        (b"EEG Fp1", b"EDF Annotations", 16), (b"cup of " + NAME.encode("gbk"), b"", 80), (b"uV", b"", 8),
        (b"-500", b"-1", 8), (b"500", b"1", 8), (b"-32768", b"-32768", 8), (b"32767", b"32767", 8),
        (b"HP:0.1Hz LP:75Hz", b"", 80), (b"250", b"60", 8), (b"", b"", 32),
    ]  # fmt: skip
    head = b"0".ljust(8) + patient.ljust(80) + b"Startdate 02-MAR-2023 ADM7 Dr_Wang EEG-7".ljust(80)
    head += (
        b"02.03.23"
        + b"10.15.00"
        + b"768".ljust(8)
        + b"EDF+C".ljust(44)
        + b"1".ljust(8)
        + b"1".ljust(8)
        + b"2".ljust(4)
    )
    signals = b"".join(one.ljust(width) + two.ljust(width) for one, two, width in fields)
    return head + signals + SAMPLES[:500] + note.ljust(120, b"\x00")


HL7 = (
    "MSH|^~\\&|LIS|HOSP|X|Y|20230302101500||ORU^R01|MSG1|P|2.4\r"
    f"PID|1||{RESIDENT}^^^^ID||{NAME}||19491231|F|||杭州市西湖区文三路1号||{MOBILE}\r"
    "PV1|1|I|W12^3^5||||1234^王医生\r"
    "OBR|1|ORD99|FIL77|57021-8^CBC^LN|||20230302080000\r"
    "OBX|1|NM|6690-2^WBC^LN||11.2|10*9/L|3.5-9.5|H|||F\r"
    f"NTE|1||患者{NAME}复查，联系电话{MOBILE}\r"
)
TABLE = (
    f"姓名：{NAME}  病历号：{RESIDENT}  性别：女  出生日期：1949-12-31\n"
    "检验项目,结果,单位,参考范围,检验日期,审核者\n白细胞,11.2,10^9/L,3.5-9.5,2023-03-02,王小明\n血红蛋白,<0.1,g/L,115-150,2023-03-12,王小明\n"
    "尿蛋白,弱阳性,,阴性,2023-03-12,王小明\n"
)
HEADER = (
    "100 1 250 500 10:15:00 02/03/2023\n100.dat 16 200 16 0 0 0 0 II\n"
    f"# 姓名: {NAME}\n# 病历号: {RESIDENT}\n# Age: 93\n# Sex: F\n# Medications: aspirin\n"
)


@pytest.fixture
def export(tmp_path):
    """One person in five forms, in folders that bear the name, beside files that cannot be read."""
    source = tmp_path / "export"
    top = source / f"{NAME}_{RESIDENT}"
    top.mkdir(parents=True)
    ct, _ = planted.planted_ct("20230302")
    dataset = planted.opened(ct)
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PatientName, dataset.PatientID = f"{LATIN}={NAME}", RESIDENT
    dataset.PatientBirthDate = "19491231"
    dataset.save_as(top / f"{NAME}.dcm", enforce_file_format=True)
    (top / "100.hea").write_bytes(HEADER.encode("gbk"))
    (top / "100.dat").write_bytes(SAMPLES)
    (top / "100.atr").write_bytes(write_annotations(plain_annotations([10, 200], ["N", "V"])))
    (top / "eeg.edf").write_bytes(
        edf(f"{RESIDENT} F 31-DEC-1949 ".encode() + NAME.encode("gbk"), NAME.encode())
    )
    (top / "panel.csv").write_bytes(TABLE.encode("gb18030"))
    (top / "oru.hl7").write_bytes(HL7.encode())
    (top / "report.txt").write_text(
        f"姓名：{NAME}  身份证号：{RESIDENT}\n所见：双肺未见异常。2023-03-02\n报告医师：王小明"
    )
    (top / "empty.dcm").write_bytes(b"")
    (top / "cut.dcm").write_bytes(ct[:300])
    (top / "noise.bin").write_bytes(bytes(range(256)) * 4)
    (top / "cut.edf").write_bytes(edf(b"X X X X", b"")[:700])
    return source


def everything(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_nothing_of_the_person_is_left_in_any_file_or_name(export, tmp_path):
    deidentify.run(export, tmp_path / "out")
    secrets = [
        NAME,
        RESIDENT,
        MOBILE,
        "ZHANG",
        "WEIMING",
        "王小明",
        "QZX",
        "文三路",
        "aspirin",
        "ADM7",
        "Wang",
    ]
    for path, content in everything(tmp_path / "out").items():
        for secret in secrets:
            for codec in ("utf-8", "gbk", "utf-16-le"):
                assert secret.encode(codec) not in content, (path, secret)
            assert secret not in path


def test_files_of_one_person_meet_under_one_subject_whatever_their_form(export, tmp_path):
    proof = deidentify.run(export, tmp_path / "out")
    subjects = {
        str(row["path"]).split("/")[0] for row in proof["outputs"] if row["form"] not in ("HL7 v2", "table")
    }
    assert len(subjects) == 1
    (subject,) = subjects
    out = everything(tmp_path / "out")
    hl7 = next(content for path, content in out.items() if path.endswith(".hl7")).decode()
    table = next(content for path, content in out.items() if path.endswith("table.csv")).decode()
    assert f"|{subject}|" in hl7
    assert table.count(subject) == 3
    ct = pydicom.dcmread(next(p for p in (tmp_path / "out").rglob("*.dcm")))
    assert ct.PatientID == subject


def test_dates_of_all_forms_move_by_the_same_days(export, tmp_path):
    from datetime import date

    deidentify.run(export, tmp_path / "out")
    out = everything(tmp_path / "out")
    ct = pydicom.dcmread(next(p for p in (tmp_path / "out").rglob("*.dcm"))).StudyDate
    moved = date.fromisoformat(ct)
    header = next(content for path, content in out.items() if path.endswith(".hea")).decode()
    eeg = next(content for path, content in out.items() if path.endswith(".edf"))
    table = next(content for path, content in out.items() if path.endswith("table.csv")).decode()
    assert moved != date(2023, 3, 2)
    assert moved.strftime("%d/%m/%Y") in header
    assert moved.strftime("Startdate %d-%b-%Y").upper().encode() in eeg.upper()
    assert eeg[168:176] == moved.strftime("%d.%m.%y").encode()
    assert moved.isoformat() in table
    days = sorted({date.fromisoformat(found) for found in re.findall(r"\d{4}-\d\d-\d\d", table)})
    assert (days[1] - days[0]).days == 10


def test_what_research_needs_stays_in_every_form(export, tmp_path):
    deidentify.run(export, tmp_path / "out")
    out = everything(tmp_path / "out")
    header = next(content for path, content in out.items() if path.endswith(".hea")).decode()
    assert "# Age: 90\n# Sex: F" in header
    assert " II\n" in header
    table = next(content for path, content in out.items() if path.endswith("table.csv")).decode()
    assert "白细胞,11.2,10^9/L,3.5-9.5" in table
    assert "血红蛋白,<0.1,g/L" in table
    assert "弱阳性" in table
    hl7 = next(content for path, content in out.items() if path.endswith(".hl7")).decode()
    assert "|6690-2^WBC^LN||11.2|10*9/L|3.5-9.5|H|" in hl7
    eeg = next(content for path, content in out.items() if path.endswith(".edf"))
    assert b"EEG Fp1" in eeg
    assert b"HP:0.1Hz LP:75Hz" in eeg


def test_samples_and_pixels_are_the_bytes_that_they_were_and_the_proof_says_so(export, tmp_path):
    proof = deidentify.run(export, tmp_path / "out")
    out = everything(tmp_path / "out")
    assert next(content for path, content in out.items() if path.endswith(".dat")) == SAMPLES
    assert SAMPLES[:500] in next(content for path, content in out.items() if path.endswith(".edf"))
    for row in proof["outputs"]:
        assert digest_bytes(out[row["path"]]) == row["digest"]
    told = {digest for row in proof["outputs"] for digest in row["unchanged"].values()}
    assert {digest_bytes(SAMPLES), digest_bytes(SAMPLES[:500]), digest_bytes(planted.PIXELS)} <= told


def test_every_file_is_accounted_for_and_none_costs_its_neighbours(export, tmp_path):
    proof = deidentify.run(export, tmp_path / "out")
    counts = proof["counts"]
    assert counts["files_offered"] == 12
    assert counts["files_written"] == 7
    assert counts["files_left_out"] == 1
    assert counts["files_refused"] == 4
    assert len(proof["files"]) == 12
    reasons = sorted(row["reason"] for row in proof["files"] if row["outcome"] == "refused")
    assert reasons[:1] == ["empty_file"]
    assert all(reasons)


def test_the_conformance_report_counts_what_was_kept_changed_removed_and_stands(export, tmp_path):
    proof = deidentify.run(export, tmp_path / "out")
    rows = {(row["form"], row["element"]): row for row in proof["conformance"]}
    assert (
        rows["DICOM", "(0010,0040) PatientSex"]["kept"]
        == rows["DICOM", "(0010,0040) PatientSex"]["standing"]
        == 1
    )
    comments = rows["DICOM", "(0010,4000) PatientComments"]
    assert (comments["removed"], comments["standing"]) == (1, 0)
    assert rows["table", "column of role staff"]["removed"] == 1
    assert (
        (tmp_path / "out" / deidentify.CONFORMANCE)
        .read_text()
        .startswith("form,element,kept,changed,removed")
    )


def test_one_key_gives_the_same_bytes_again_and_another_key_does_not(export, tmp_path):
    KeyRing.create(tmp_path / "keys.json")
    for name in ("a", "b"):
        deidentify.run(export, tmp_path / name, keys=tmp_path / "keys.json")
    deidentify.run(export, tmp_path / "c")
    assert everything(tmp_path / "a") == everything(tmp_path / "b")
    assert set(everything(tmp_path / "a")) & set(everything(tmp_path / "c")) == {
        "conformance.csv",
        "deidentification.json",
    }


UNKNOWN = "nowakrosa"  # a name that no rule knows and no header gives


@pytest.fixture
def with_strangers(export):
    """Running text of every form names somebody whom no list and no header knows."""
    top = next(export.iterdir())
    (top / "report.txt").write_text(f"所见：双肺未见异常，{UNKNOWN}")
    (top / "oru.hl7").write_bytes(
        (
            HL7
            + f"NTE|2||{UNKNOWN}\rOBX|2|ST|X^Y^LN||{UNKNOWN}\rOBX|3|TX|X^Y^LN||{UNKNOWN}\r"
            + f"OBX|4|CE|X^Y^LN||A1^{UNKNOWN}^L\rOBX|5|ST|X^Y^LN||Wangxiu\r"
        ).encode()
    )
    (top / "panel.csv").write_bytes(
        TABLE.replace("审核者", "备注").replace("王小明", UNKNOWN).replace("弱阳性", UNKNOWN).encode()
    )
    (top / "eeg.edf").write_bytes(edf(b"X X X X", UNKNOWN.encode()))
    (top / "100.atr").write_bytes(
        write_annotations(replace(plain_annotations([10], ["N"]), aux=(b"WANGXI",)))
    )
    return export


@pytest.mark.parametrize("profile", ["research", "strict", "basic"])
def test_free_text_that_nothing_proves_clean_does_not_leave_unless_asked_for(
    with_strangers, tmp_path, profile
):
    proof = deidentify.run(with_strangers, tmp_path / "out", profile=profile)
    out = everything(tmp_path / "out")
    assert {row["form"] for row in proof["outputs"]} >= {"HL7 v2", "table", "EDF", "WFDB"}
    for content in out.values():
        for codec in ("utf-8", "gbk"):
            assert UNKNOWN.encode(codec) not in content
        assert b"Wangxiu" not in content
        assert b"WANGXI" not in content
    assert not any(path.endswith(".txt") for path in out)


def test_what_of_the_free_text_was_taken_out_is_counted_in_the_conformance_report(with_strangers, tmp_path):
    proof = deidentify.run(with_strangers, tmp_path / "out")
    removed = {(row["form"], row["element"]): row["removed"] for row in proof["conformance"]}
    assert removed["text", "whole text"] == 1
    assert removed["HL7 v2", "NTE-3"] == 2
    assert removed["HL7 v2", "OBX-5"] == 3  # of a code with a text the code stays
    assert removed["table", "cell of role unknown"] == 3
    assert removed["table", "cell of role result"] == 1
    assert removed["EDF", "annotation"] == 1
    assert removed["WFDB", "annotation: free text"] == 1
    held = [one for one in proof["findings"] if "scrubbed-text" in one["remedy"]]
    assert [one["severity"] for one in held] == ["note"]


def test_scrubbed_text_leaves_under_a_profile_that_says_so(export, tmp_path):
    deidentify.run(export, tmp_path / "out", profile="scrubbed-text")
    out = everything(tmp_path / "out")
    report = next(content for path, content in out.items() if path.endswith("text.txt")).decode()
    assert "所见：双肺未见异常。" in report
    assert NAME not in report
    assert "复查" in next(content for path, content in out.items() if path.endswith(".hl7")).decode()


def test_the_proof_withholds_a_text_that_the_profile_does_not_let_leave():
    message = f"OBX|1|ST|X^Y^LN||{UNKNOWN}\rNTE|1||{UNKNOWN}\r".encode()
    cells = f"subject_id,检验项目,结果,备注\nS-0123456789abcdef,白细胞,{UNKNOWN},{UNKNOWN}\n".encode()
    closed, scrubbed = PROFILES["research"], PROFILES["scrubbed-text"]
    assert [one.where for one in hl7.prove(message, [], closed)] == ["OBX-5", "NTE-3"]
    assert hl7.prove(message, [], scrubbed) == []
    assert [one.where for one in tables.prove(cells, [], closed)] == ["column 3", "column 4"]
    assert tables.prove(cells, [], scrubbed) == []


def test_wrong_uses_are_told_before_anything_is_written(export, tmp_path):
    with pytest.raises(WrongUse):
        deidentify.run(export, export / "out")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("x")
    with pytest.raises(WrongUse):
        deidentify.run(export, tmp_path / "full")
    with pytest.raises(WrongUse, match="profile"):
        deidentify.run(export, tmp_path / "out", profile="none")
    with pytest.raises(NothingReadable):
        deidentify.run(tmp_path / "nowhere", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command_exits_with_1_when_files_were_refused_and_with_0_when_none_was(export, tmp_path):
    said = CliRunner().invoke(app, ["deidentify", str(export), str(tmp_path / "out"), "--json"])
    assert said.exit_code == 1
    assert json.loads(said.stdout)["counts"]["files_written"] == 7
    assert NAME not in said.stdout
    for name in ("empty.dcm", "cut.dcm", "noise.bin", "cut.edf"):
        next(export.rglob(name)).unlink()
    assert CliRunner().invoke(app, ["deidentify", str(export), str(tmp_path / "out2")]).exit_code == 0


def test_a_profile_may_be_a_file(export, tmp_path):
    (tmp_path / "own.yaml").write_text("name: own\ndates: removed\n")
    deidentify.run(export, tmp_path / "out", profile=str(tmp_path / "own.yaml"))
    assert pydicom.dcmread(next((tmp_path / "out").rglob("*.dcm"))).StudyDate == ""


def test_a_directory_of_a_medium_is_left_out_and_said(export, tmp_path):
    dataset = planted.opened(planted.planted_ct()[0])
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    dataset.save_as(export / "DICOMDIR", enforce_file_format=True)
    proof = deidentify.run(export, tmp_path / "out")
    assert proof["counts"]["files_left_out"] == 2  # the text beside it is the other
    assert any("directory of a medium" in finding["found"] for finding in proof["findings"])


def test_a_damaged_record_header_costs_no_neighbour(export, tmp_path):
    (export / "bad.hea").write_bytes(b"bad 1 250 500\nonly-a-name\n")
    assert deidentify.run(export, tmp_path / "out")["counts"]["files_written"] == 7


def test_every_sheet_of_a_workbook_leaves_under_the_subjects_of_its_rows(tmp_path):
    import io

    import openpyxl

    book = openpyxl.Workbook()
    first = book.active
    first.title = NAME
    first.append([f"姓名：{NAME}", f"病历号：{RESIDENT}"])
    first.append(["检验项目", "结果", "单位"])
    first.append(["白细胞", 11.2, "10^9/L"])
    second = book.create_sheet("门诊")
    second.append(["姓名", "病历号", "检验项目", "结果"])
    second.append([NAME, RESIDENT, "血红蛋白", 132])
    second.append(["李四", "0012345", "血红蛋白", 99])
    book.create_sheet("说明").append([f"请{NAME}核对"])
    sink = io.BytesIO()
    book.save(sink)
    source = tmp_path / "in"
    source.mkdir()
    (source / "a.xlsx").write_bytes(sink.getvalue())
    result = deidentify.run(source, tmp_path / "out")
    tables = {path.name: path.read_text("utf-8") for path in (tmp_path / "out").rglob("table*.csv")}
    assert sorted(tables) == ["table-1.csv", "table-2.csv"]
    subjects = [re.findall(r"S-[0-9a-f]{16}", text) for text in tables.values()]
    by_name = dict(zip(tables, subjects, strict=True))
    assert by_name["table-1.csv"][0] == by_name["table-2.csv"][0] != by_name["table-2.csv"][1]
    assert not any(word in "".join(tables.values()) for word in (NAME, RESIDENT, "李四", "0012345"))
    assert any(row["element"] == "sheet without names of columns" for row in result["conformance"])


@pytest.mark.parametrize("fill", [b"0", b" "])
@pytest.mark.parametrize(
    "field", [(184, 192), (236, 244), (244, 252), (252, 256), (480, 488), (512, 520), (688, 696)]
)
def test_a_number_of_a_recording_that_is_filled_from_the_left_costs_no_file(tmp_path, field, fill):
    start, end = field
    content = bytearray(edf(b"X F X X", b"eyes closed"))
    content[start:end] = content[start:end].strip().rjust(end - start, fill)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.edf").write_bytes(content)
    proof = deidentify.run(tmp_path / "in", tmp_path / "out")
    assert proof["counts"]["files_written"] == 1, proof["findings"]
