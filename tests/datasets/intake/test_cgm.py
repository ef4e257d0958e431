"""De-identification of glucose exports: nothing that identifies survives, and what must stay does."""

import io
import json
from dataclasses import replace
from datetime import datetime, timedelta

import openpyxl
import pytest

from medassay.core.errors import WrongUse
from medassay.core.findings import Reason, Severity
from medassay.datasets.intake import cgm
from medassay.datasets.sample import Draft, Names, NewObject, OfferedFile, Refused
from medassay.datasets.spec import Source

NAMES = Names("R-0123456789abcdef", "S-0123456789abcdef", 77, b"key")
START = datetime(2022, 11, 23, 6, 7)
NAME, PINYIN, PHONE, NUMBER, DOCTOR = "欧阳虚构", "Ouyang Xugou", "13912345678", "MRN7788991", "司徒假医"


def source(**options):
    return Source.model_validate(
        {
            "name": "s",
            "source_class": "public",
            "form": "glucose-table",
            "folder": "x",
            "identity": "known",
            "lawful_basis": {"licence": "none"},
            "options": {"floor_mmol_per_l": 2.2, "ceiling_mmol_per_l": 27.8, **options},
        }
    )


PLAIN = source(sites=["ward-1"], devices=["GS15"])


def readings():
    return [(START + timedelta(minutes=15 * i), round(5 + 0.1 * (i % 7), 1)) for i in range(40)]


def text_export(encoding):
    lines = [
        f"{NAME}的动态血糖报告,,,,",
        f"姓名,{NAME},病历号,{NUMBER},",
        "性别,女,出生日期,1950-02-03,",
        f"电话,{PHONE},主管医师,{DOCTOR},",
        "设备型号,GS15,传感器序列号,SN99887766,",
        f"日期,时间,葡萄糖（毫摩尔/升）,指血（毫摩尔/升）,{DOCTOR}备注",
        *(
            f"{when:%Y-%m-%d},{when:%H:%M},{value},{5.5 if i % 9 == 0 else ''},{NAME}{PHONE} 早餐"
            for i, (when, value) in enumerate(readings())
        ),
    ]
    return ("\n".join(lines) + "\n").encode(encoding)


def workbook_export():
    book = openpyxl.Workbook()
    book.properties.creator = book.properties.title = f"{NAME} {NUMBER}"
    book.active.title = PINYIN
    book.active.append([f"姓名：{NAME}", f"住院号：{NUMBER}", "性别：女", "出生日期：1950-02-03"])
    book.active.append([f"Doctor: {DOCTOR}", f"Phone: {PHONE}", "设备型号：GS15"])
    book.active.append(["Date", "CGM (mmol/L)", "CBG (mmol/L)", "Dietary intake", NAME])
    for i, (when, value) in enumerate(readings()):
        book.active.append([when, value, 5.5 if i % 9 == 0 else None, f"{PINYIN}\tnoodles\r", PHONE])
    book.active["B5"].comment = openpyxl.comments.Comment(NAME, DOCTOR)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


SUMMARY = (
    "Patient ID,Name,Sex,Age (years),Diabetes type,HbA1c (mmol/mol),Uric acid (mmol/L),HLA-DQ,Phone,Comorbidities\n"
    f"{NUMBER},{NAME},female,72,T2DM,57,337,{PINYIN},{PHONE},{NAME} asthma\n"
    f"OTHER,{NAME},male,70,T1DM,66,400,x,{PHONE},none\n"
).encode()


def taken(tmp_path, content, name="ward-1/欧阳虚构_MRN7788991.csv", summary=SUMMARY, using=PLAIN):
    files = {name: content} | ({"ward-1/lab.csv": summary} if summary else {})
    offered = []
    for relative, data in files.items():
        path = tmp_path / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        offered.append(OfferedFile(path, relative, len(data)))
    assembly = cgm.assemble(offered, using)
    assert len(assembly.drafts) == 1
    return cgm.take_in(assembly.drafts[0], NAMES, using), assembly


EXPORTS = {
    "utf-8": lambda: text_export("utf-8"),
    "GBK without a declared character set": lambda: text_export("gbk"),
    "xlsx": workbook_export,
}


@pytest.mark.parametrize("form", EXPORTS)
def test_nothing_that_identifies_survives_in_bytes_names_or_findings(tmp_path, form):
    result, assembly = taken(tmp_path, EXPORTS[form]())
    assert cgm.prove(result, PLAIN) == []
    written = b"\n".join(item.content + b"\n" + item.name.encode() for item in result.objects)
    said = json.dumps(dict(result.measurements)) + repr(result.actions) + repr(result.findings)
    said += "".join(item.finding.model_dump_json() for item in assembly.unassigned)
    hidden = [
        NAME,
        PINYIN,
        PHONE,
        NUMBER,
        DOCTOR,
        "7788991",
        "SN99887766",
        "早餐",
        "noodles",
        "asthma",
        "1950",
        "2022",
    ]
    for secret in hidden:
        for encoding in ("utf-8", "gbk", "utf-16-le"):
            assert secret.encode(encoding) not in written
        assert secret not in said


@pytest.mark.parametrize("form", EXPORTS)
def test_sex_age_sampling_and_values_stay(tmp_path, form):
    result, _ = taken(tmp_path, EXPORTS[form]())
    assert (result.sex, result.age_years, result.site, result.device) == ("F", 72, "ward-1", "GS15")
    lines = result.objects[0].content.decode().splitlines()
    assert lines[:3] == ["time_min,glucose_mmol_per_l,clipped", "0,5,0", "15,5.1,0"]
    assert len(lines) == 41
    assert [item.role for item in result.objects] == ["trace", "fingerstick", "laboratory"]
    assert result.measurements["interval_min"] == 15
    assert result.measurements["capillary_values"] == 5


def test_the_same_trace_has_one_fingerprint_in_every_form_and_unit(tmp_path):
    in_mg = text_export("utf-8").decode().replace("毫摩尔/升", "mg/dL")
    for value in sorted({v for _, v in readings()} | {5.5}, reverse=True):
        in_mg = in_mg.replace(f",{value},", f",{round(value * 18.0156)},")
    forms = {**{name: make() for name, make in EXPORTS.items()}, "mg/dL": in_mg.encode()}
    prints = {
        name: taken(tmp_path / str(index), content)[0].fingerprint
        for index, (name, content) in enumerate(forms.items())
    }
    assert len(set(prints.values())) == 1


def test_laboratory_results_are_listed_and_the_rest_is_refused_or_removed(tmp_path):
    result, assembly = taken(tmp_path, text_export("utf-8"))
    rows = json.loads(result.objects[2].content)["rows"]
    assert [(row["analyte"], row["value"], row["unit"]) for row in rows] == [("hba1c", 57, "mmol/mol")]
    shared = next(item.finding for item in assembly.unassigned)
    assert shared.reason is Reason.SHARED_TABLE
    assert shared.severity is Severity.WARN
    assert "unit_implausible" in shared.where
    assert "identity_left" in shared.where
    assert result.measurements["diabetes_type"] == "T2DM"
    assert result.measurements["laboratory_refused"] == 2


def test_without_a_summary_the_fields_tell_and_the_type_is_unknown(tmp_path):
    result, _ = taken(tmp_path, text_export("utf-8"), summary=None)
    assert (result.sex, result.age_years) == ("F", 72)
    assert result.measurements["diabetes_type"] is None


def test_a_summary_that_contradicts_the_file_is_said_and_the_sex_left_out(tmp_path):
    result, _ = taken(tmp_path, text_export("utf-8"), summary=SUMMARY.replace(b"female", b"male"))
    assert result.sex is None
    assert any("two different sexes" in finding.found for finding in result.findings)


def test_a_person_is_an_id_within_a_site_and_a_name_only_with_birth_date_and_sex(tmp_path):
    _, assembly = taken(tmp_path, text_export("utf-8"))
    assert assembly.drafts[0].person_tokens == (f"id:ward-1/{NUMBER}", f"person:{NAME}|1950-02-03|F")
    nameless = text_export("utf-8").replace("出生日期,1950-02-03".encode(), "出生日期,".encode())
    _, assembly = taken(tmp_path / "2", nameless)
    assert assembly.drafts[0].person_tokens == (f"id:ward-1/{NUMBER}",)


def test_a_patient_in_the_file_name_keeps_visits_together(tmp_path):
    using = source(patient_in_name=r"^(?P<patient>\d+)_\d+_\d{8}$", glucose_unit="mmol/L")
    content = b"Date,CGM\n2022-01-01 08:00,5.6\n2022-01-01 08:15,5.7\n"
    tokens = [
        taken(tmp_path, content, name=f"2001_{visit}_20220101.csv", summary=None, using=using)[1]
        .drafts[0]
        .person_tokens
        for visit in (0, 1)
    ]
    assert tokens == [("id:2001",), ("id:2001",)]


def test_a_folder_that_is_no_declared_site_and_a_model_that_is_not_listed_do_not_pass(tmp_path):
    with pytest.raises(Refused):
        taken(tmp_path, text_export("utf-8"), name="Dr-Zhang/x.csv", summary=None)
    result, _ = taken(tmp_path, text_export("utf-8").replace(b"GS15", PINYIN.encode()), summary=None)
    assert result.device is None
    assert any("not listed" in finding.found for finding in result.findings)


def test_ages_over_ninety_are_given_as_ninety(tmp_path):
    result, _ = taken(tmp_path, text_export("utf-8"), summary=SUMMARY.replace(b",72,", b",97,"))
    assert result.age_years == 90


@pytest.mark.parametrize(
    "change",
    {
        "a note in the trace": lambda o: NewObject(o.role, o.name, o.content + NAME.encode()),
        "a further column": lambda o: NewObject(o.role, o.name, o.content.replace(b",0\n", b",0,1\n")),
        "a phone number as a minute": lambda o: NewObject(
            o.role, o.name, o.content + f"{PHONE},5,0\n".encode()
        ),
        "days since 1970 as minutes": lambda o: NewObject(o.role, o.name, o.content + b"99999,5,0\n"),
        "a name as a name": lambda o: NewObject(o.role, f"{PINYIN}.csv", o.content),
        "a role of its own": lambda o: NewObject("notes", o.name, o.content),
        "GBK bytes": lambda o: NewObject(o.role, o.name, o.content.replace(b"5.1", NAME.encode("gbk"), 1)),
    }.items(),
    ids=lambda pair: pair[0],
)
def test_the_proof_fails_for_everything_outside_of_the_grammar(tmp_path, change):
    result, _ = taken(tmp_path, text_export("utf-8"))
    altered = replace(result, objects=(change[1](result.objects[0]), *result.objects[1:]))
    findings = cgm.prove(altered, PLAIN)
    assert findings
    assert {finding.reason for finding in findings} == {Reason.IDENTITY_LEFT}
    assert NAME not in repr(findings)


@pytest.mark.parametrize(
    "row",
    [
        {"analyte": NAME},
        {"value": "13912345678"},
        {"value": 13912345678},
        {"unit": "mg/dL"},
        {"comparator": PINYIN},
        {"note": "x"},
    ],
)
def test_the_proof_fails_for_laboratory_rows_outside_of_the_list(tmp_path, row):
    result, _ = taken(tmp_path, text_export("utf-8"))
    record = json.loads(result.objects[2].content)
    record["rows"][0] |= row
    altered = NewObject("laboratory", result.objects[2].name, json.dumps(record).encode())
    assert cgm.prove(replace(result, objects=(*result.objects[:2], altered)), PLAIN)


@pytest.mark.parametrize(
    "field", [{"device": NAME}, {"site": NAME}, {"measurements": {"diabetes_type": NAME}}]
)
def test_the_proof_fails_for_facts_that_are_not_declared(tmp_path, field):
    result, _ = taken(tmp_path, text_export("utf-8"))
    assert cgm.prove(replace(result, **field), PLAIN)


def test_columns_and_measurements_agree(tmp_path):
    result, _ = taken(tmp_path, text_export("utf-8"))
    assert set(result.measurements) == set(cgm.COLUMNS)


def test_other_files_are_left_with_their_reason_and_raise_nothing(tmp_path):
    contents = {"a.bin": b"\x00\x01,", "b.txt": b"", "c.csv": b"a,b\n1,2\n", "d.xlsx": b"PK\x03\x04broken"}
    offered = []
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
        offered.append(OfferedFile(tmp_path / name, name, len(data)))
    offered.append(OfferedFile(tmp_path / "gone.csv", "gone.csv", 1))
    assembly = cgm.assemble(offered, PLAIN)
    assert assembly.drafts == ()
    assert [item.finding.reason for item in assembly.unassigned] == [
        Reason.UNKNOWN_FORMAT,
        Reason.EMPTY_FILE,
        Reason.HEADER_INVALID,
        Reason.TRUNCATED,
        Reason.UNKNOWN_FORMAT,
    ]


def test_a_source_that_is_declared_wrongly_is_refused_at_once(tmp_path):
    for wrong in (
        source(glucose_units="mmol/L"),
        source(patient_in_name="(x)"),
        PLAIN.model_copy(update={"form": "edf"}),
    ):
        with pytest.raises(WrongUse):
            cgm.assemble([], wrong)


def test_take_in_needs_nothing_but_the_draft(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(text_export("utf-8"))
    draft = Draft("x", (("trace", OfferedFile(path, "ward-1/x.csv", 1)),), ())
    assert cgm.take_in(draft, NAMES, PLAIN).measurements["readings"] == 40
