"""The declared tables of a dataset: which columns each has, of which type, in which order."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from medassay.core.errors import EvidenceBroken, WrongUse
from medassay.datasets.sample import Scalar

if TYPE_CHECKING:
    import pyarrow as pa

# Column, type, whether it may be empty.
TABLES: Mapping[str, tuple[tuple[str, str, bool], ...]] = {
    "offered": (
        ("file_id", "string", False),
        ("bytes", "int64", False),
        (
            "outcome",
            "string",
            False,
        ),  # sample: in an accepted sample · refused: in a refused one · unassigned
        ("sample_id", "string", True),
        ("reason", "string", True),
    ),
    "catalogue": (
        ("sample_id", "string", False),
        ("subject_id", "string", False),
        ("subject_known", "bool", False),
        ("site", "string", True),
        ("device", "string", True),
        ("sex", "string", True),
        ("age_years", "float64", True),  # 90 stands for 90 and over
        ("age_band", "string", True),
        ("source_class", "string", False),
        ("kind", "string", False),
        ("fingerprint", "string", True),
        ("status", "string", False),  # accepted, refused
        ("reason", "string", True),
        ("division", "string", True),  # side of a published division that the sample is on
        ("data_type", "string", True),  # image, signal, record
        ("modality", "string", True),
        ("acquired_year", "int64", True),
    ),
    "sketches": (
        ("sample_id", "string", False),
        ("sketch", "binary", False),
    ),
    "objects": (
        ("sample_id", "string", False),
        ("role", "string", False),
        ("name", "string", False),
        ("digest", "string", False),
        ("sealed", "bool", False),
        ("bytes", "int64", False),
    ),
    "actions": (
        ("element", "string", False),
        ("action", "string", False),
        ("count", "int64", False),
    ),
    "exclusions": (
        ("sample_id", "string", False),
        ("stage", "string", False),
        ("check", "string", False),
        ("reason", "string", False),
    ),
    "reference": (
        ("sample_id", "string", False),
        ("digest", "string", False),
        ("method", "string", False),  # agreed, arbitrated, published, computed
    ),
    "key_side": (
        ("file_id", "string", False),
        ("path", "binary", False),  # the very bytes of the name, which need not be text
    ),
}

AGE_BANDS = ((18, "0-17"), (45, "18-44"), (65, "45-64"), (90, "65-89"))
OLDEST = 90.0  # ages from here on are one group: an exact great age tells a person


def schema(name: str) -> pa.Schema:
    """The Arrow schema of one table."""
    import pyarrow as pa

    return pa.schema(
        [pa.field(column, getattr(pa, ARROW[kind])(), nullable=empty) for column, kind, empty in TABLES[name]]
    )


def table_of(name: str, rows: Iterable[Mapping[str, Any]], *, order: Sequence[str]) -> pa.Table:
    """Rows as the declared table, sorted by the columns of `order`, so that equal rows give equal bytes.

    Raises
    ------
    EvidenceBroken
        When a row lacks a value that the table must have.
    """
    import pyarrow as pa

    ordered = sorted(rows, key=lambda row: tuple(row[column] for column in order))
    return _whole(name, pa.Table.from_pylist([dict(row) for row in ordered], schema=schema(name)))


def _whole(name: str, table: pa.Table) -> pa.Table:
    empty = [column for column, _, may in TABLES[name] if not may and table[column].null_count]
    if empty:
        raise EvidenceBroken(
            found=f"rows of '{name}' without {', '.join(empty)}",
            wanted="a value in every row",
            remedy="Run the step again that makes it.",
        )
    return table


def rows_of(name: str, table: pa.Table) -> list[dict[str, Any]]:
    """The rows of a declared table.

    Raises
    ------
    EvidenceBroken
        When the table lacks a column that is declared for it.
    """
    wanted = [column for column, _, _ in TABLES[name]]
    missing = [column for column in wanted if column not in table.column_names]
    if missing:
        raise EvidenceBroken(
            found=f"a table without {', '.join(missing)}",
            wanted=f"the columns of '{name}'",
            remedy="Run the step again that makes it.",
        )
    rows: list[dict[str, Any]] = table.select(wanted).to_pylist()
    return rows


def age_facts(age_years: float | None) -> tuple[float | None, str | None]:
    """Age as catalogued, and its band; ages of 90 and over become 90, an impossible one is not stated."""
    if age_years is None or not math.isfinite(age_years) or not 0 <= age_years < 130:
        return None, None
    band = next((name for below, name in AGE_BANDS if age_years < below), "90+")
    return min(float(age_years), OLDEST), band


def with_rows(name: str, columns: Mapping[str, pa.Array]) -> pa.Table:
    """Columns as the declared table; their rows are in its order already.

    Raises
    ------
    EvidenceBroken
        When a row lacks a value that the table must have.
    """
    import pyarrow as pa

    declared = schema(name)
    return _whole(name, pa.Table.from_arrays([columns[field.name] for field in declared], schema=declared))


def measurement_table(
    columns: Mapping[str, tuple[str, str]], samples: pa.Array, values: Mapping[str, pa.Array]
) -> pa.Table:
    """Measurements by sample id, with each column's unit and meaning as its metadata."""
    import pyarrow as pa

    fields = [pa.field("sample_id", pa.string(), nullable=False)]
    fields += [
        pa.field(column, values[column].type, metadata={"unit": unit, "meaning": meaning})
        for column, (unit, meaning) in columns.items()
    ]
    return pa.Table.from_arrays([samples, *(values[column] for column in columns)], schema=pa.schema(fields))


ARROW = {"string": "string", "bool": "bool_", "int64": "int64", "float64": "float64", "binary": "binary"}


def finite(value: Scalar) -> Scalar:
    """The value; empty for a figure that is not finite: a measurement that could not be made."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def kind_of(column: str, kinds: set[type]) -> str:
    """The type of a measurement whose values are of these kinds; without any value, empty numbers.

    Raises
    ------
    WrongUse
        When they are of several kinds.

    Examples
    --------
    >>> kind_of("gaps", {int}), kind_of("gaps", {int, float}), kind_of("gaps", set())
    ('int64', 'float64', 'float64')
    """
    if kinds <= {int, float}:
        return "int64" if kinds == {int} else "float64"
    if kinds in ({str}, {bool}):
        return "string" if kinds == {str} else "bool"
    raise WrongUse(
        found=f"measurement '{column}' of several kinds: {', '.join(sorted(kind.__name__ for kind in kinds))}",
        wanted="one kind of value in a column",
        remedy="Mend the intake of this kind of data.",
    )
