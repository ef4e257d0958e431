"""Laboratory tables with a row a person or sample and a column a quantity, as research exports are.

Values are held to what no unit can excuse: a count below zero, an age that nobody reaches, a number that a
spreadsheet has broken with marks of thousands, one odd value that stands in a great part of the rows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.examined import Fact
from medassay.formats.ivd.glucose import MISSING, role_of
from medassay.formats.ivd.refusal import names_a_person, said
from medassay.formats.ivd.table import Cell, Row, Table, text_of
from medassay.formats.ivd.units import analyte_named, name_and_unit

# Abbreviations of haematology, chemistry and thyroid panels, with the letters that mark share and count.
QUANTITY = re.compile(
    r"(wbc|rbc|hgb|hb|hct|mcv|mch|mchc|plt|mpv|pdw|pct|p-?lcr|rdw(-?(sd|cv))?|(neut?|lym|lymph|mono|eos?|baso|ig)[pn%#]?"
    r"|alb|alp|alt|ast|sgpt|sgot|alph?os_alkaline_phosphotase|(total_|direct_)?bili?(rubin)?|tbil|dbil|che|chol|tc|tg"
    r"|hdl(-?c)?|ldl(-?c)?|crea?|ggt|prot|tp|a/g ratio|urea|bun|ua|glu|hba1c|tsh|f?t3|t?t4|f?t4|t4u|fti|tbg|crp|ldh|ck"
    r"|ck-?mb|na|k|cl|ca|mg|phos|fe|白细胞(计数)?|红细胞(计数)?|血红蛋白|血小板(计数)?|谷丙转氨酶|谷草转氨酶|总胆红素|总蛋白|白蛋白"
    r"|肌酐|尿素|尿酸|葡萄糖|总胆固醇|甘油三酯)",
    re.IGNORECASE,
)
LEAST_QUANTITIES = 4
OLDEST = 130
FIRST_ROWS = 20
FILLED_IN = 0.15  # of the rows: no measured value with two decimals or more is that common
_BROKEN = re.compile(r"[-+]?\d{1,3}(\.\d{3}){2,}|[-+]?\d{1,3}(,\d{3}){2,}(\.\d+)?")
_AGE = {"age": r"age|age \(years\)|年龄"}
_PERSON = {
    "name": r"name|patient name|姓名|患者姓名",
    "id": r"patient[ _]?(id|number)|mrn|住院号|门诊号|病历号|患者编号|身份证号?",
    "birth": r"date of birth|dob|birth date|出生日期",
}


@dataclass(frozen=True)
class WidePanel:
    table: Table
    header: int
    quantities: dict[int, str | None]  # column to the unit that its heading states
    age: int | None
    named: bool

    @property
    def body(self) -> tuple[Row, ...]:
        return self.table.rows[self.header + 1 :]


def is_wide_panel(table: Table) -> bool:
    """Whether one of the first rows names several laboratory quantities."""
    return any(_is_header(row) for row in table.rows[:FIRST_ROWS])


def opened(table: Table) -> WidePanel:
    """The header and its columns; the table is one by `is_wide_panel`."""
    at = next(index for index, row in enumerate(table.rows[:FIRST_ROWS]) if _is_header(row))
    cells = [name_and_unit(text_of(cell)) for cell in table.rows[at]]
    return WidePanel(
        table,
        at,
        {index: unit for index, (name, unit) in enumerate(cells) if _is_quantity(name)},
        next((index for index, (name, _) in enumerate(cells) if role_of(name, _AGE)), None),
        any(role_of(name, _PERSON) for name, _ in cells),
    )


def describe(panel: WidePanel) -> dict[str, Fact]:
    cells = [_at(row, column) for row in panel.body for column in panel.quantities]
    return {
        "persons_or_samples": len(panel.body),
        "quantities": len(panel.quantities),
        "numbers": sum(panel.table.number(cell) is not None for cell in cells),
        "missing": sum(text_of(cell).lower() in MISSING for cell in cells),
    }


def examine(panel: WidePanel) -> Iterator[Finding]:
    bare = sum(not unit for unit in panel.quantities.values())
    if bare:
        found = f"{bare} of {len(panel.quantities)} quantities without a unit in their heading"
        yield said(Reason.UNIT_UNKNOWN, Severity.WARN, found, "a unit each, in the heading or declared")
    columns = {index: [_at(row, index) for row in panel.body] for index in panel.quantities}
    yield from _values(panel.table, columns)
    ages = [panel.table.number(_at(row, panel.age)) for row in panel.body] if panel.age is not None else []
    old = sum(age is not None and not 0 <= age <= OLDEST for age in ages)
    if old:
        found = f"{old} ages below 0 or above {OLDEST} years"
        yield said(Reason.VALUE_IMPLAUSIBLE, Severity.WARN, found, "ages that a person can have")
    twice = sum(count - 1 for count in Counter(panel.body).values())
    if twice:
        yield said(Reason.DUPLICATE, Severity.WARN, f"{twice} rows that stand twice", "each row once")
    if panel.named:
        yield names_a_person()


def _values(table: Table, columns: dict[int, list[Cell]]) -> Iterator[Finding]:
    broken = sum(bool(_BROKEN.fullmatch(text_of(cell))) for cells in columns.values() for cell in cells)
    if broken:
        yield said(
            Reason.VALUE_IMPLAUSIBLE,
            Severity.WARN,
            f"{broken} numbers with several marks of thousands, as a spreadsheet writes them",
            "plain numbers; these are taken for no number",
        )
    numbers = {
        at: [n for cell in cells if (n := table.number(cell)) is not None] for at, cells in columns.items()
    }
    below = sum(number < 0 for values in numbers.values() for number in values)
    if below:
        found = f"{below} values below zero, of quantities that have none"
        yield said(Reason.VALUE_IMPLAUSIBLE, Severity.WARN, found, "values of zero or more")
    filled = sum(_is_filled_in(cells) for cells in columns.values())
    if filled:
        yield said(
            Reason.VALUE_IMPLAUSIBLE,
            Severity.WARN,
            f"{filled} columns in which one value with decimals stands in more than {FILLED_IN:.0%} of the rows",
            "measured values; a column's mean in place of missing ones is none",
        )


def _is_filled_in(cells: list[Cell]) -> bool:
    """One value with at least three decimals, far more common than any other."""
    counted = Counter(
        text for cell in cells if re.fullmatch(r"\d+\.\d{3,}", text := text_of(cell))
    ).most_common(2)
    if not counted or counted[0][1] < FILLED_IN * len(cells):
        return False
    return len(counted) == 1 or counted[0][1] > 3 * counted[1][1]


def _is_header(row: Row) -> bool:
    names = [name_and_unit(text_of(cell))[0] for cell in row if isinstance(cell, str)]
    return sum(map(_is_quantity, names)) >= LEAST_QUANTITIES


def _is_quantity(name: str) -> bool:
    return bool(QUANTITY.fullmatch(name)) or analyte_named(name) is not None


def _at(row: Row, column: int) -> Cell:
    return row[column] if column < len(row) else None
