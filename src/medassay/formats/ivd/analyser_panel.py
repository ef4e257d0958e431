"""Result tables of analysers and laboratory systems: one row a result, or one row a sample and a column a quantity.

Titles and fields of the patient may stand above the header, as merged rows leave them. Headings are Chinese or
English; results carry arrows, comparators, grades and full-width digits; see `results`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.examined import Fact
from medassay.formats.ivd.glucose import MISSING, PATIENT, role_of
from medassay.formats.ivd.refusal import names_a_person, said
from medassay.formats.ivd.results import Result, facts_of, findings_of, range_of, unit_of, value_of
from medassay.formats.ivd.table import Cell, Row, Table, TableRefused, text_of
from medassay.formats.ivd.units import name_and_unit

ROLES = {
    "item": r"检验项目|检测项目|项目|项目名称|检查项目|test|test ?name|analyte|assay|assay ?name|testcode|target ?name"
    r"|parameter|item|component",
    "code": r"项目代码|代码|缩写|英文缩写|code|abbreviation|loinc",
    "result": r"结果|检验结果|检测结果|测定结果|result|results|value|interpretation|calcconc"
    r"|calc\.? conc\.?|concentration|ct|cq|cp|quantity mean",
    "unit": r"单位|unit|units|calcconcunit",
    "range": r"参考范围|参考区间|参考值|正常值|参考值范围|reference ?(range|interval)|ref\.? ?range|normal range",
    "flag": r"提示|标志|标记|异常提示|状态|flag|abnormal|h/?l|alert",
    "sample": r"样本号|标本号|样本编号|条码|条码号|sample ?(id|number|name|no\.?)|specimen ?id|barcode",
    "time": r"检验时间|检测时间|报告时间|采样时间|date/?time|result time|run ?date|date",
    "well": r"well|well ?position|孔位",
    "lot": r"试剂批号|批号|reagent lot|lot",
}
IDENTIFYING = {
    **PATIENT,
    "name": r"name|patient ?name|姓名|患者姓名|病人姓名",
    "patient_id": r"patient ?(id|number)|mrn|住院号|门诊号|病历号|病案号|患者编号|身份证号?|床号|bed",
    "doctor": r"doctor|送检医生|检验者|审核者|操作者|operator( id)?|申请医生",
}
DEEPEST_HEADER = 40
_ARROW = re.compile(r"^[↑↓]{1,2}$|^[HLN]{1,2}$|^偏高$|^偏低$|^高$|^低$")
_FLAGS = {"↑": "H", "↓": "L", "↑↑": "HH", "↓↓": "LL", "偏高": "H", "高": "H", "偏低": "L", "低": "L"}
_FIELD = re.compile(r"^([^:：]{1,20})[:：]\s*\S")


@dataclass(frozen=True)
class Panel:
    """A table whose columns are recognised; rows are not read yet."""

    table: Table
    header: int
    columns: Mapping[str, int]
    item_unit: str | None  # a unit that the result's heading states
    named: bool  # a field or column names a person
    body: tuple[Row, ...]


def is_panel(table: Table) -> bool:
    """Whether a row names an item or a sample, and a result."""
    return _header_of(table) is not None


def opened(table: Table) -> Panel:
    """Recognise the header.

    Raises
    ------
    TableRefused
        When no row is one, or a role stands twice.
    """
    at = _header_of(table)
    if at is None:
        raise TableRefused(
            Reason.HEADER_INVALID,
            found="no header row of items and results",
            wanted="检验项目, 结果, 单位, 参考范围, or Test, Result, Unit, Reference Range",
            remedy="Export the results with their column names.",
        )
    columns: dict[str, int] = {}
    unit: str | None = None
    for index, cell in enumerate(table.rows[at]):
        name, stated = name_and_unit(text_of(cell))
        role = role_of(name, ROLES)
        if role is not None and role not in columns:
            columns[role] = index
            unit = stated if role == "result" and stated else unit
    body = tuple(
        row
        for row in table.rows[at + 1 :]
        if sum(cell is not None for cell in row) > 1
        and row != table.rows[at]  # a header printed on each page
    )
    return Panel(table, at, columns, unit, _names_somebody(table, at, body), body)


def results(panel: Panel) -> list[Result]:
    """Every row that holds a result, in order."""
    found = [_result(panel, row) for row in panel.body]
    return [one for one in found if one is not None]


def describe(panel: Panel) -> dict[str, Fact]:
    every = results(panel)
    items = {one.code for one in every if one.code}
    return {"rows": len(panel.body), "items": len(items), "title_rows": panel.header, **facts_of(every)}


def examine(panel: Panel) -> Iterator[Finding]:
    every = results(panel)
    if not every:
        yield said(Reason.REFERENCE_MISSING, Severity.REFUSE, "a header without a result below it", "results")
    unread = sum(one.value.number is None and not one.value.grade for one in every)
    if unread:
        yield said(
            Reason.VALUE_IMPLAUSIBLE,
            Severity.NOTE,
            f"{unread} of {len(every)} results that are neither a number nor a grade",
            "numbers, <, >, 阴性, 阳性, ±",
        )
    if "well" not in panel.columns or "unit" in panel.columns:  # cycles and interpretations have no unit
        yield from findings_of(every)
    if panel.named:
        yield names_a_person()


def _result(panel: Panel, row: Row) -> Result | None:
    cell = _at(row, panel.columns["result"])
    text = text_of(cell)
    if text.lower() in MISSING - {"-"}:
        return None
    number = panel.table.number(cell)
    value = value_of(f"{number:.12g}" if number is not None else text)
    unit = text_of(_at(row, panel.columns.get("unit"))) or panel.item_unit or ""
    low, high = range_of(text_of(_at(row, panel.columns.get("range"))))
    flag = text_of(_at(row, panel.columns.get("flag")))
    return Result(
        code=text_of(_at(row, panel.columns.get("code", panel.columns.get("item"))))[:60],
        system="",
        value=value,
        unit=unit_of(unit),
        unit_stated=bool(unit),
        flag=(_FLAGS.get(flag, flag) if _ARROW.match(flag) else "") or value.flag,
        low=low,
        high=high,
    )


def _header_of(table: Table) -> int | None:
    for index, row in enumerate(table.rows[:DEEPEST_HEADER]):
        roles = {role_of(name_and_unit(text_of(cell))[0], ROLES) for cell in row if isinstance(cell, str)}
        if "result" in roles and roles & {"item", "sample"} and len(roles - {None}) > 2:
            return index
        if {"item", "result"} <= roles:
            return index
    return None


def _names_somebody(table: Table, at: int, body: tuple[Row, ...]) -> bool:
    above = [text_of(cell) for row in table.rows[:at] for cell in row if isinstance(cell, str)]
    fields = [found[1].strip() for text in above if (found := _FIELD.match(text))]
    if any(role_of(name, IDENTIFYING) for name in [*fields, *above]):
        return True
    columns = [
        index
        for index, cell in enumerate(table.rows[at])
        if role_of(name_and_unit(text_of(cell))[0], {**IDENTIFYING, "sex": "$^", "age": "$^", "model": "$^"})
    ]
    return any(text_of(_at(row, column)) for row in body for column in columns)


def _at(row: Row, column: int | None) -> Cell:
    return row[column] if column is not None and column < len(row) else None
