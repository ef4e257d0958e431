"""Laboratory summaries: one row a patient or visit, a column a quantity; only listed quantities come out.

Anything that tells of genes is refused before anything is read: such data need an approval of their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.ivd.glucose import MISSING, PATIENT, role_of
from medassay.formats.ivd.table import Cell, Row, Table, find_header, has_letter, text_of
from medassay.formats.ivd.units import (
    MG_DL,
    MG_DL_PER_MMOL_L,
    Analyte,
    UnitRefused,
    analyte_named,
    name_and_unit,
    ucum,
)

SUMMARY = {
    **PATIENT,
    "sex": r"sex|gender|性别",
    "diabetes_type": r"type of diabetes|diabetes type|糖尿病类型",
}
DIABETES_TYPES = {
    "t1dm": "T1DM",
    "1型": "T1DM",
    "1型糖尿病": "T1DM",
    "t2dm": "T2DM",
    "2型": "T2DM",
    "2型糖尿病": "T2DM",
}
SEXES = {"f": "F", "female": "F", "女": "F", "m": "M", "male": "M", "男": "M"}

# Headings of genetic results: LOINC's molecular-pathology terms, HGNC symbols asked for in diabetes, Chinese.
GENETIC = re.compile(
    r"gen(e|etic|otype|ome)|allele|mutation|variant|snp|rs\d{3,}|dna|rna|chromosom|karyotyp|haplotype|hla"
    r"|apoe|tcf7l2|mthfr|cyp2|slco1b1|hnf[14]a|基因|突变|等位|染色体|测序|单倍型",
    re.IGNORECASE,
)
_CENSORED = re.compile(r"^([<>≤≥＜＞])\s*(\d+(?:\.\d+)?)$")
MOLAR = {"mmol/L": 1e-3, "umol/L": 1e-6, "nmol/L": 1e-9, "pmol/L": 1e-12}
_COMPARATOR = {"<": "<", "＜": "<", "≤": "<=", ">": ">", "＞": ">", "≥": ">="}


@dataclass(frozen=True)
class LabValue:
    """One result in the analyte's UCUM unit. A censored value keeps its comparator and is no measurement."""

    analyte: str
    loinc: str
    value: float
    unit: str
    comparator: str  # "", "<", "<=", ">", ">="


@dataclass(frozen=True)
class SummaryRow:
    """What one row says; `patient_id` identifies."""

    patient_id: str
    sex: str | None
    age_years: float | None
    diabetes_type: str | None
    values: tuple[LabValue, ...]


@dataclass(frozen=True)
class Summary:
    rows: Mapping[str, SummaryRow]  # by patient id as it stands in the table
    refused: tuple[Finding, ...]  # a column each
    columns: Mapping[str, int]  # how many columns were kept, removed, refused


def is_summary(table: Table) -> bool:
    """Whether a table has a header of patients with their type of diabetes or results."""
    return any(_is_header(row) for row in table.rows[:20])


def read_summary(table: Table, *, mg_dl_per_mmol_l: float = MG_DL_PER_MMOL_L) -> Summary:
    """Every row's allow-listed facts.

    A column is taken or left as a whole: where one value is none that a living person has in the unit that
    the heading says, the unit is not believed, and the column is left out with a finding.

    Parameters
    ----------
    mg_dl_per_mmol_l : float
        As in `units.glucose_mmol_per_l`.

    Raises
    ------
    TableRefused
        When there is no one header row.
    """
    at = find_header(table, _is_header)
    header, body = table.rows[at], table.rows[at + 1 :]
    roles, labs, refused, removed = _sorted_columns(table, header, body, mg_dl_per_mmol_l)
    rows: dict[str, SummaryRow] = {}
    for row in body:
        patient = text_of(_at(row, roles["patient_id"]))
        if patient:
            rows[patient] = SummaryRow(
                patient_id=patient,
                sex=_sex(_at(row, roles.get("sex")), text_of(_at(header, roles.get("sex")))),
                age_years=table.number(_at(row, roles.get("age"))),
                diabetes_type=DIABETES_TYPES.get(text_of(_at(row, roles.get("diabetes_type"))).lower()),
                values=tuple(v for column, lab in labs.items() if (v := _value(table, row, column, lab))),
            )
    kept = len(labs) + len(roles)
    return Summary(rows, tuple(refused), {"kept": kept, "refused": len(refused), "removed": removed})


@dataclass(frozen=True)
class _Column:
    analyte: Analyte
    factor: float  # to the analyte's unit


def _sorted_columns(
    table: Table, header: Row, body: tuple[Row, ...], mg_dl_per_mmol_l: float
) -> tuple[dict[str, int], dict[int, _Column], list[Finding], int]:
    roles: dict[str, int] = {}
    labs: dict[int, _Column] = {}
    refused: list[Finding] = []
    removed = 0
    for index, cell in enumerate(header):
        name, unit = name_and_unit(text_of(cell))
        role = role_of(name, SUMMARY)
        if GENETIC.search(name):
            refused.append(_refused(Reason.IDENTITY_LEFT, "a column of genetic results", "none", index))
        elif role is not None and role not in roles:
            roles[role] = index
        elif analyte := analyte_named(name):
            column = _checked(table, body, index, analyte, unit, mg_dl_per_mmol_l)
            if isinstance(column, Finding):
                refused.append(column)
            else:
                labs[index] = column
        else:
            removed += bool(name)
    return roles, labs, refused, removed


def _checked(
    table: Table,
    body: tuple[Row, ...],
    index: int,
    analyte: Analyte,
    unit: str | None,
    mg_dl_per_mmol_l: float,
) -> _Column | Finding:
    """The column with its unit, or why it is refused: no unit, or values that nobody has in it."""
    try:
        code = ucum(unit) if unit else None
    except UnitRefused:
        code = None
    factor = _factor(code, analyte, mg_dl_per_mmol_l) if code else None
    if code is None or factor is None:
        found = f"{analyte.key} {'without a known unit' if code is None else 'in ' + code}"
        return _refused(Reason.UNIT_UNKNOWN, found, f"{analyte.key} in {analyte.unit}", index)
    column = _Column(analyte, factor)
    values = [v.value for row in body if (v := _value(table, row, index, column))]
    if not analyte.holds(values):
        return _refused(
            Reason.UNIT_IMPLAUSIBLE,
            f"{analyte.key} from {min(values) / factor:.4g} to {max(values) / factor:.4g}, said to be {code}",
            f"values from {analyte.lowest:g} to {analyte.highest:g} {analyte.unit}",
            index,
        )
    return column


def _factor(code: str, analyte: Analyte, mg_dl_per_mmol_l: float) -> float | None:
    """By what the column's numbers are multiplied; None when its unit measures something else."""
    if code == analyte.unit:
        return 1.0
    if code == MG_DL and analyte.key.startswith("glucose"):
        return 1 / mg_dl_per_mmol_l
    if code in MOLAR and analyte.unit in MOLAR:
        return MOLAR[code] / MOLAR[analyte.unit]
    return None


def _value(table: Table, row: Row, index: int, column: _Column) -> LabValue | None:
    cell = _at(row, index)
    text = text_of(cell)
    if text.lower() in MISSING:
        return None
    number, comparator = table.number(cell), ""
    if number is None:
        censored = _CENSORED.match(text)
        if censored is None:
            return None
        number, comparator = float(censored[2]), _COMPARATOR[censored[1]]
    analyte = column.analyte
    return LabValue(analyte.key, analyte.loinc, round(number * column.factor, 4), analyte.unit, comparator)


def _sex(cell: Cell, heading: str) -> str | None:
    """F or M by word, or by the number that the heading explains ("Female=1, Male=2")."""
    text = text_of(cell).lower()
    if text in SEXES:
        return SEXES[text]
    coded = dict(re.findall(r"(female|male|女|男)\s*=\s*(\d)", heading.lower()))
    return next((SEXES[word] for word, number in coded.items() if number == text), None)


def _is_header(row: Row) -> bool:
    names = [name_and_unit(text_of(cell))[0] for cell in row if has_letter(cell)]
    roles = {role_of(name, SUMMARY) for name in names}
    tells = "diabetes_type" in roles or sum(analyte_named(name) is not None for name in names) > 1
    return "patient_id" in roles and tells


def _at(row: Row, column: int | None) -> Cell:
    return row[column] if column is not None and column < len(row) else None


def _refused(reason: Reason, found: str, wanted: str, column: int) -> Finding:
    return Finding(
        reason=reason,
        severity=Severity.WARN,
        found=found,
        wanted=wanted,
        remedy="The column was left out: correct it in the export, or leave it out there.",
        where=f"column {column + 1}",
    )
