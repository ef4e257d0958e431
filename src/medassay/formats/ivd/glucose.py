"""Glucose exports: one person's sensor and capillary readings in a table, with patient fields above or beside.

Columns are recognised by their headings in Chinese and English. Units come from the headings, from a column
of units, or from what the source declares; a value is never taken for its unit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import numpy as np
from numpy.typing import NDArray

from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.ivd import glucose_vendor
from medassay.formats.ivd.moments import moments
from medassay.formats.ivd.table import (
    Cell,
    Row,
    Table,
    TableRefused,
    find_header,
    has_letter,
    read_table,
    text_of,
)
from medassay.formats.ivd.units import (
    MG_DL_PER_MMOL_L,
    UnitRefused,
    glucose_mmol_per_l,
    glucose_unit_fits,
    name_and_unit,
    ucum,
)

FloatArray = NDArray[np.float64]

COLUMNS = {
    "time": r"date|time|timestamp|date ?/? ?time|device timestamp|日期时间|时间|采样时间|测量时间|记录时间",
    "day": r"日期|day|测量日期",
    "clock": r"clock|time of day|时刻",
    "cgm": r"cgm|cgm glucose|sensor glucose|historic glucose|glucose value|传感器葡萄糖|葡萄糖|组织间液葡萄糖|动态血糖",
    "cbg": r"cbg|bgm|capillary glucose|fingerstick|指血|指尖血糖|末梢血糖|指血血糖",
    "unit": r"unit|units|单位",
}
PATIENT = {
    "name": r"name|patient name|姓名|患者姓名",
    "patient_id": r"patient id|patient number|mrn|id|住院号|病历号|病案号|患者编号",
    "birth_date": r"date of birth|dob|birth date|出生日期",
    "sex": r"sex|gender|性别",
    "age": r"age|age \(years\)|年龄",
    "model": r"device|model|device model|sensor|设备型号|传感器型号",
}
IMPOSSIBLE_MMOL_L = 100.0  # no sensor shows a third of it
MISSING = frozenset({"", "/", "-", "--", "na", "n/a", "nan", "null", "none", "data not available", "未记录"})
LOW_WORDS = frozenset({"lo", "low", "低", "偏低", "过低"})
HIGH_WORDS = frozenset({"hi", "high", "高", "偏高", "过高"})

_PAIR = re.compile(r"^(?P<key>[^:：]{1,40})[:：]\s*(?P<value>.+)$")
_BEYOND = re.compile(r"^([<>≤≥＜＞])\s*(\d+(?:\.\d+)?)$")


@dataclass(frozen=True, kw_only=True)
class GlucoseRules:
    """What a source declares about its glucose values."""

    unit: str | None = None  # UCUM; where the headings state none
    mg_dl_per_mmol_l: float = MG_DL_PER_MMOL_L
    floor_mmol_per_l: float | None = None  # the sensor shows nothing lower
    ceiling_mmol_per_l: float | None = None


@dataclass(frozen=True)
class GlucoseExport:
    """A table whose columns are recognised; no value is read yet. `patient` identifies."""

    table: Table
    columns: Mapping[str, int]
    units: Mapping[str, str | None]  # text of the unit by column
    patient: Mapping[str, str]
    body: tuple[Row, ...]
    other_columns: int
    other_fields: int  # patient fields that are not recognised


@dataclass(frozen=True)
class Readings:
    """Minutes from the first sensor reading, mmol/L; `clipped` marks what lies at the sensor's end."""

    start: datetime
    time_min: FloatArray
    glucose: FloatArray
    clipped: NDArray[np.bool_]
    capillary_time_min: FloatArray
    capillary: FloatArray
    notes: tuple[Finding, ...]


def open_export(content: bytes) -> GlucoseExport:
    """Recognise the columns of a glucose export.

    Raises
    ------
    TableRefused
        When the table cannot be read, or holds no column of times or none of sensor glucose.
    """
    return opened(read_table(content))


def opened(table: Table) -> GlucoseExport:
    """The export in a table that has been read; one of a sensor's own software is brought to plain form first."""
    table = glucose_vendor.plain(table) or table
    at = find_header(table, _is_header)
    header = table.rows[at]
    columns: dict[str, int] = {}
    units: dict[str, str | None] = {}
    other = 0
    for index, cell in enumerate(header):
        name, unit = name_and_unit(text_of(cell))
        role = role_of(name, {**COLUMNS, **PATIENT})
        if role is None:
            other += bool(name)
        elif role in columns:
            raise _header(f"two columns for the {role}")
        else:
            columns[role], units[role] = index, unit
    _settle_times(columns, units)
    body = tuple(row for row in table.rows[at + 1 :] if any(cell is not None for cell in row))
    fields, unknown = _patient_fields(table.rows[:at])
    fields |= {role: _same_in_all(body, columns[role], role) for role in PATIENT if role in columns}
    return GlucoseExport(table, columns, units, {k: v for k, v in fields.items() if v}, body, other, unknown)


def role_of(name: str, patterns: Mapping[str, str]) -> str | None:
    """The role whose pattern is the whole heading."""
    found = _any_of(tuple(patterns.items())).fullmatch(" ".join(name.split()).lower())
    return found.lastgroup if found else None


@cache
def _any_of(patterns: tuple[tuple[str, str], ...]) -> re.Pattern[str]:
    """All patterns as one, since every cell of a table is held to them; the first that fits is named."""
    return re.compile("|".join(f"(?P<{role}>{pattern})" for role, pattern in patterns))


def read(export: GlucoseExport, rules: GlucoseRules) -> Readings:
    """All readings in mmol/L, in order of time.

    Raises
    ------
    TableRefused
        When a unit is unknown or does not fit, a value is none, or times repeat with other values or run back.
    """
    when, decision = _times(export)
    notes = [_note(reason, text) for reason, text in export.table.decisions]
    if decision:
        notes.append(_note(Reason.HEADER_INVALID, f"dates read as {decision}"))
    cgm = list(_values(export, "cgm", when, rules, notes))
    if len(cgm) < 2:
        raise TableRefused(
            Reason.CHANNEL_MISSING,
            found=f"{len(cgm)} sensor readings",
            wanted="at least two",
            remedy="Export a trace with readings.",
        )
    empty = sum(moment is None for moment in when)
    if empty:
        notes.append(_note(Reason.HEADER_INVALID, f"{empty} rows without time and reading left out"))
    trace = _in_order(cgm, notes)
    finger = _in_order(list(_values(export, "cbg", when, rules, notes)), notes)
    start = trace[0][0]
    return Readings(
        start=start,
        time_min=_minutes(trace, start),
        glucose=np.array([value for _, value, _ in trace]),
        clipped=np.array([flag for _, _, flag in trace], dtype=bool),
        capillary_time_min=_minutes(finger, start),
        capillary=np.array([value for _, value, _ in finger], dtype=np.float64),
        notes=tuple(notes),
    )


Reading = tuple[datetime, float, bool]


def _values(
    export: GlucoseExport,
    role: str,
    when: list[datetime | None],
    rules: GlucoseRules,
    notes: list[Finding],
) -> Iterator[Reading]:
    """The readings of one column; the unit is held against their median before any is converted."""
    if role not in export.columns:
        return
    cells = [_at(row, export.columns[role]) for row in export.body]
    held = [
        (moment, *_number(export.table, cell))
        for moment, cell in zip(when, cells, strict=True)
        if text_of(cell).lower() not in MISSING
    ]
    if not held:
        return
    unit = _unit(export, role, rules, notes)
    numbers = [value for _, value, _ in held if value is not None]
    median = float(np.median(numbers)) if numbers else None
    if median is not None and not glucose_unit_fits(median, unit):
        raise TableRefused(
            Reason.UNIT_IMPLAUSIBLE,
            found=f"{role} values with median {median:.4g}, said to be {unit}",
            wanted="values that a living person's glucose can have in this unit",
            remedy="Correct the unit in the export, or declare it in the source's options.",
            where=role,
        )
    for moment, value, side in held:
        if moment is None:
            raise _header(f"a {role} reading without its time")
        yield moment, *_converted(value, side, unit, rules)


def _converted(value: float | None, side: int, unit: str, rules: GlucoseRules) -> tuple[float, bool]:
    """Value in mmol/L and whether it is clipped; `side` is -1 or 1 where the cell itself says so."""
    low, high = rules.floor_mmol_per_l, rules.ceiling_mmol_per_l
    if value is None:
        end = low if side < 0 else high
        if end is None:
            raise TableRefused(
                Reason.VALUE_IMPLAUSIBLE,
                found="a reading at the sensor's end, given as a word",
                wanted="the sensor's floor and ceiling in the source's options",
                remedy="Declare floor_mmol_per_l and ceiling_mmol_per_l.",
            )
        return end, True
    glucose = round(glucose_mmol_per_l(value, unit, mg_dl_per_mmol_l=rules.mg_dl_per_mmol_l), 2)
    if not 0 < glucose < IMPOSSIBLE_MMOL_L:
        raise TableRefused(
            Reason.VALUE_IMPLAUSIBLE,
            found=f"a reading of {glucose:g} mmol/L",
            wanted=f"readings above 0 and below {IMPOSSIBLE_MMOL_L:g} mmol/L",
            remedy="Correct the reading in the export; a slipped decimal point is the usual cause.",
        )
    beyond = (low is not None and glucose <= low) or (high is not None and glucose >= high)
    return glucose, beyond or side != 0


def _number(table: Table, cell: Cell) -> tuple[float | None, int]:
    """The cell's number, and -1 or 1 where it says "lower than" or "higher than"."""
    number = table.number(cell)
    if number is not None and np.isfinite(number):
        return number, 0
    text = text_of(cell).lower()
    if text in LOW_WORDS or text in HIGH_WORDS:
        return None, -1 if text in LOW_WORDS else 1
    beyond = _BEYOND.match(text)
    if beyond:
        return float(beyond[2]), -1 if beyond[1] in "<≤＜" else 1
    raise TableRefused(
        Reason.VALUE_IMPLAUSIBLE,
        found="a reading that is neither a number nor a word for the sensor's end",
        wanted="numbers, '<' or '>' with a number, low, high, or an empty cell",
        remedy="Correct the column in the export.",
    )


def _unit(export: GlucoseExport, role: str, rules: GlucoseRules, notes: list[Finding]) -> str:
    text = export.units[role]
    if not text and "unit" in export.columns:
        text = _same_in_all(export.body, export.columns["unit"], "unit")
    try:
        if text:
            return ucum(text)
    except UnitRefused as error:
        raise TableRefused(
            Reason.UNIT_UNKNOWN, found=error.found, wanted=error.wanted, remedy=error.remedy, where=role
        ) from None
    if rules.unit is None:
        raise TableRefused(
            Reason.UNIT_UNKNOWN,
            found=f"no unit for the {role} column",
            wanted="mmol/L or mg/dL in the heading, or declared",
            remedy="Ask who exported the file, and declare `glucose_unit` in the source's options.",
            where=role,
        )
    notes.append(
        _note(Reason.UNIT_UNKNOWN, f"no unit for the {role} column: {rules.unit} as the source declares")
    )
    return rules.unit


def _times(export: GlucoseExport) -> tuple[list[datetime | None], str]:
    if "time" in export.columns:
        return moments([_at(row, export.columns["time"]) for row in export.body])
    days = [_at(row, export.columns["day"]) for row in export.body]
    return moments(days, [_at(row, export.columns["clock"]) for row in export.body])


def _in_order(readings: list[Reading], notes: list[Finding]) -> list[Reading]:
    """Oldest first, each moment once. Newest first is turned round; a repeated row is dropped; else refused."""
    times = [moment for moment, _, _ in readings]
    if len(times) > 1 and times == sorted(times, reverse=True) and times[0] > times[-1]:
        readings = readings[::-1]
        notes.append(_note(Reason.GEOMETRY_IRREGULAR, "newest reading first: turned round"))
    kept: list[Reading] = []
    for reading in readings:
        if kept and reading[0] < kept[-1][0]:
            raise _irregular("times that run back")
        if kept and reading[0] == kept[-1][0]:
            if reading[1] != kept[-1][1]:
                raise _irregular("two different values of one moment")
            continue
        kept.append(reading)
    if len(kept) < len(readings):
        notes.append(_note(Reason.GEOMETRY_IRREGULAR, f"{len(readings) - len(kept)} repeated rows left out"))
    return kept


def _minutes(readings: list[Reading], start: datetime) -> FloatArray:
    return np.array(
        [round((moment - start).total_seconds() / 60, 2) for moment, _, _ in readings], dtype=np.float64
    )


def _is_header(row: Row) -> bool:
    roles = {role_of(name_and_unit(text_of(cell))[0], COLUMNS) for cell in row if has_letter(cell)}
    return "cgm" in roles and bool(roles & {"time", "day"})


def _settle_times(columns: dict[str, int], units: dict[str, str | None]) -> None:
    """日期 with 时间 beside it is a day and its clock; 日期 alone is the moment."""
    if "day" in columns and "clock" not in columns:
        if "time" in columns:
            columns["clock"], units["clock"] = columns.pop("time"), units.pop("time")
        else:
            columns["time"], units["time"] = columns.pop("day"), units.pop("day")


def _patient_fields(rows: tuple[Row, ...]) -> tuple[dict[str, str], int]:
    """Fields above the header: "key: value" in one cell, or the key and its value in two."""
    fields: dict[str, str] = {}
    unknown = 0
    for row in rows:
        texts = [text_of(cell) for cell in row if cell is not None]
        index = 0
        while index < len(texts):
            pair = _PAIR.match(texts[index])
            key = pair["key"] if pair else texts[index]
            role = role_of(key.strip(), PATIENT)
            if role is None:
                unknown += 1
            elif pair:
                fields[role] = pair["value"].strip()
            elif index + 1 < len(texts):
                index += 1
                fields[role] = texts[index]
            index += 1
    return fields, unknown


def _same_in_all(body: tuple[Row, ...], column: int, role: str) -> str:
    values = {text_of(_at(row, column)) for row in body} - {""}
    if len(values) > 1:
        raise _header(f"{len(values)} different values in the {role} column")
    return next(iter(values), "")


def _at(row: Row, column: int) -> Cell:
    return row[column] if column < len(row) else None


def _note(reason: Reason, found: str) -> Finding:
    return Finding(
        reason=reason,
        severity=Severity.NOTE,
        found=found,
        wanted="a table that leaves nothing to decide",
        remedy="Nothing, if this is right; else export the table again.",
    )


def _header(found: str) -> TableRefused:
    return TableRefused(
        Reason.HEADER_INVALID,
        found=found,
        wanted="one column for each quantity, of one person",
        remedy="Export one person's readings a file.",
    )


def _irregular(found: str) -> TableRefused:
    return TableRefused(
        Reason.GEOMETRY_IRREGULAR,
        found=found,
        wanted="each reading later than the one before",
        remedy="Export the trace again; do not join exports of several sensors.",
    )
