"""The files of the three hospitals: a recording in each one's form, and a laboratory summary."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from medassay.core.atomic import write_atomic
from medassay.core.findings import Reason
from medassay.formats.ivd.table import Cell
from medassay.formats.ivd.units import MG_DL_PER_MMOL_L
from medassay.formats.ivd.write_table import write_delimited, write_workbook
from medassay.phantoms.cgm.people import Person, Site
from medassay.phantoms.cgm.recording import Parameters, Recording


def write(export: Path, recording: Recording) -> None:
    """One file in the form of the recording's hospital."""
    writers = {"site-a": _site_a, "site-b": _site_b, "site-c": _site_c}
    content = writers[recording.person.site.folder](recording)
    write_atomic(export / recording.person.file, content)


def _moments(recording: Recording) -> Iterator[tuple[datetime, Cell, Cell]]:
    for minute, value in zip(recording.minutes.tolist(), recording.shown, strict=True):
        finger: Cell = recording.finger.get(minute)
        if isinstance(finger, float) and recording.unit == "mg/dL":
            finger = float(round(finger * MG_DL_PER_MMOL_L))
        yield recording.person.start + timedelta(minutes=minute), value, finger


def _heading(name: str, recording: Recording) -> str:
    return f"{name} ({recording.unit})" if recording.unit_in_heading else name


def _site_a(recording: Recording) -> bytes:
    person = recording.person
    top: list[list[Cell]] = [
        ["动态葡萄糖监测报告"],
        [
            f"姓名：{person.name}",
            f"住院号：{person.patient_id}",
            f"性别：{'女' if person.sex == 'F' else '男'}",
        ],
        [f"出生日期：{person.born:%Y-%m-%d}", f"设备型号：{person.site.model}", "主管医师：虚构医师"],
        ["日期时间", _heading("葡萄糖", recording), _heading("指血", recording), "饮食"],
    ]
    body = [
        [moment, value, finger, f"{person.name}进食\t米饭" if finger else None]
        for moment, value, finger in _moments(recording)
    ]
    return write_workbook([*top, *body, *recording.rows], merged=("A1:D1",))


def _site_b(recording: Recording) -> bytes:
    person = recording.person
    top: list[list[Cell]] = [
        ["姓名", person.name, "病历号", person.patient_id, ""],
        ["性别", "女" if person.sex == "F" else "男", "出生日期", f"{person.born:%Y/%m/%d}", ""],
        ["设备型号", person.site.model, "电话", f"1990000{person.number:04d}", ""],
        ["日期", "时间", _heading("葡萄糖", recording), _heading("指尖血糖", recording), "备注"],
    ]
    body = [
        [f"{m:%Y/%m/%d}", f"{m:%H:%M}", value, finger, f"{person.name}餐前" if finger else None]
        for m, value, finger in _moments(recording)
    ]
    return write_delimited([*top, *body, *recording.rows], encoding="gb18030")


def _site_c(recording: Recording) -> bytes:
    person = recording.person
    top: list[list[Cell]] = [
        [f"Patient name: {person.name}", f"Patient ID: {person.patient_id}", f"Sex: {person.sex}", None],
        [f"Date of birth: {person.born:%Y-%m-%d}", f"Device: {person.site.model}", None, None],
        ["Timestamp", _heading("Glucose value", recording), _heading("Fingerstick", recording), "Notes"],
    ]
    body: list[list[Cell]] = [
        [
            f"{m:{recording.date_format}}",
            value,
            finger,
            f"{person.name.split(',')[0]} had lunch" if finger else None,
        ]
        for m, value, finger in _moments(recording)
    ]
    return write_delimited(
        [*top, *body, *recording.rows],
        encoding="utf-8-sig",
        delimiter=";",
        decimal=",",
        line_ends=("\r\n", "\r\n", "\n"),
    )


def write_summary(
    generator: np.random.Generator, export: Path, site: Site, people: list[Person], parameters: Parameters
) -> list[dict[str, str]]:
    """A row a patient; uric acid of site-b has its unit wrong, and site-c brings a genetic column."""
    uric = "μmol/L"
    genes = site.folder == "site-c" and parameters.defects
    planted = []
    name = f"{site.folder}/laboratory{site.suffix}"
    if site.folder == "site-b" and parameters.defects:
        uric = "mmol/L"
        planted.append(defect("laboratory_unit", name, "shared", Reason.UNIT_IMPLAUSIBLE))
    if genes:
        planted.append(defect("genetic_column", name, "shared", Reason.IDENTITY_LEFT))
    heading: list[Cell] = ["Patient ID", "Sex", "Age (years)", "Diabetes type", "HbA1c (mmol/mol)"]
    heading += [
        "Creatinine (μmol/L)",
        f"Uric acid ({uric})",
        "Name",
        *(["TCF7L2 rs7903146"] if genes else []),
    ]
    rows: list[list[Cell]] = [heading]
    for person in people:
        results: list[Cell] = [
            float(round(generator.normal(62, 12))),
            float(round(generator.uniform(40, 130))),
            float(round(generator.uniform(180, 520))),
        ]
        genotype: list[Cell] = ["C/T"] if genes else []
        rows.append(
            [
                person.patient_id,
                person.sex,
                float(person.age),
                person.diabetes,
                *results,
                person.name,
                *genotype,
            ]
        )
    content = (
        write_workbook(rows)
        if site.suffix == ".xlsx"
        else write_delimited(rows, encoding="gb18030" if site.folder == "site-b" else "utf-8-sig")
    )
    write_atomic(export / name, content)
    return planted


def defect(kind: str, file: str, outcome: str, reason: Reason, check: str = "") -> dict[str, str]:
    """`outcome`: unassigned, refused, gate (outside the limits), duplicate, same_subject, cohort or shared."""
    return {"kind": kind, "file": file, "outcome": outcome, "reason": reason.value, "column": check}
