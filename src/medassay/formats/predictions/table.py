"""A plain table: one header line, one row a case, UTF-8, commas (or semicolons, or tabs).

What cannot be read as a table is refused as a whole, since nobody can tell whose values moved. A single cell that
is no number is said beside its row and costs no other row.
"""

from __future__ import annotations

import csv
import difflib
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse, located

FloatArray = NDArray[np.float64]

ROW_NUMBER = "#"  # in place of a column: the number of the row, from 1
DELIMITERS = (",", ";", "\t")
ABSENT = frozenset({"", "na", "n/a", "nan", "null", "none"})
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?|[-+]?inf(inity)?", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")


@dataclass(frozen=True)
class PlainTable:
    """Columns of text, all of one length; `line` says where a row stands in the file."""

    columns: Mapping[str, tuple[str, ...]]
    line: tuple[int, ...]

    @property
    def rows(self) -> int:
        return len(self.line)

    def column(self, name: str) -> tuple[str, ...]:
        """A column by its name, or the numbers of the rows for `#`.

        Raises
        ------
        WrongUse
            When there is no such column; the nearest name is told.
        """
        if name == ROW_NUMBER:
            return tuple(str(number) for number in range(1, self.rows + 1))
        if name not in self.columns:
            near = difflib.get_close_matches(name, self.columns, n=1)
            raise WrongUse(
                found=f"{len(self.columns)} columns, none of them '{name}'",
                wanted=f"a column '{name}'",
                remedy=f"Is it '{near[0]}'? Name it in the options."
                if near
                else "Name the column in the options.",
            )
        return self.columns[name]

    def has(self, name: str) -> bool:
        return name == ROW_NUMBER or name in self.columns


@dataclass(frozen=True)
class Numbers:
    """A column of numbers; NaN where a cell is empty or no number.

    flawed : row to what is wrong with its cell. An empty cell, NA or NaN is absent, which is no flaw.
    """

    values: FloatArray
    flawed: Mapping[int, str]


def read_plain(content: bytes) -> PlainTable:
    """Read a whole table.

    Raises
    ------
    WrongUse
        When the bytes are not UTF-8 text, a column name is empty or stands twice, a row has more or fewer cells
        than the header, or there is no row. Nothing that it says repeats a cell.

    Examples
    --------
    >>> table = read_plain(b"case,score\\na,0.9\\nb,\\n")
    >>> table.column("case"), table.line
    (('a', 'b'), (2, 3))
    """
    text = _text(content)
    header = text.splitlines()[0] if text.strip() else ""
    delimiter = max(DELIMITERS, key=header.count)
    rows: list[list[str]] = []
    lines: list[int] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = [name.strip() for name in next(reader, [])]
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append([cell.strip() for cell in row])
                lines.append(reader.line_num)
    except csv.Error as error:
        raise _refused(
            "a broken quotation, or a cell without end", where=f"line {reader.line_num}"
        ) from error
    _require_names(names)
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(names):
            raise _refused(
                f"{len(row)} cells under {len(names)} column names",
                where=f"line {line}",
            )
    if not rows:
        raise _refused("a header without a row")
    columns = zip(*rows, strict=True)
    return PlainTable(dict(zip(names, columns, strict=True)), tuple(lines))


def numbers(cells: Sequence[str]) -> Numbers:
    """Cells as numbers; decimal point only, so that `1,5` is never guessed at. Infinities are numbers.

    Raises
    ------
    WrongUse
        When the column is written with decimal commas: then no value of it is a device's fault.

    Examples
    --------
    >>> found = numbers(["0.5", "", "high", "<0.1", "inf"])
    >>> found.values.tolist(), dict(found.flawed)
    ([0.5, nan, nan, nan, inf], {2: 'no number', 3: 'a censored value'})
    """
    commas = sum(_DECIMAL_COMMA.fullmatch(cell) is not None for cell in cells)
    if commas >= 2 and not any("." in cell for cell in cells):
        raise WrongUse(
            found=f"{commas} values with a decimal comma, none with a decimal point",
            wanted="decimal points",
            remedy="Export the table with decimal points; a comma may as well group thousands.",
        )
    values = np.full(len(cells), np.nan)
    flawed: dict[int, str] = {}
    for row, cell in enumerate(cells):
        if cell.lower() in ABSENT:
            continue
        if _NUMBER.fullmatch(cell):
            values[row] = float(cell)
        else:
            flawed[row] = "a censored value" if cell[0] in "<>≤≥" else "no number"
    return Numbers(values, flawed)


def case_ids(table: PlainTable, name: str) -> tuple[str, ...]:
    """The ids of the rows: none empty.

    Raises
    ------
    WrongUse
        When a row has no id.
    """
    ids = table.column(name)
    for row, case in enumerate(ids):
        if not case:
            raise WrongUse(
                found="a row without a case",
                wanted=f"an id in column '{name}' of every row",
                remedy="Write the id; a value without one belongs to nobody.",
                where=f"line {table.line[row]}",
            )
    return ids


def one_table(files: Mapping[str, bytes], side: str) -> PlainTable:
    """The single table of a side.

    Raises
    ------
    WrongUse
        When there is more than one file.
    """
    if len(files) != 1:
        raise WrongUse(
            found=f"{len(files)} files",
            wanted=f"one table of {side}s",
            remedy="Name the file, or put the rows into one table.",
            where=side,
        )
    ((name, content),) = files.items()
    with located(name):
        return read_plain(content)


def whole_number(value: float) -> bool:
    """Whether it is a count: finite, not negative, whole.

    Examples
    --------
    >>> whole_number(3.0), whole_number(2.5), whole_number(-1.0)
    (True, False, False)
    """
    return math.isfinite(value) and value >= 0 and value == int(value)


def _text(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused(f"bytes that are not UTF-8 at offset {error.start}") from error
    if "\x00" in text:
        raise _refused("a zero byte: this is no text")
    return text


def _require_names(names: Sequence[str]) -> None:
    if not names or not all(names):
        raise _refused(
            f"{len(names)} column names, one of them empty" if names else "no line", where="line 1"
        )
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise _refused(f"{len(twice)} column names that stand twice", where="line 1")


def _refused(found: str, where: str = "") -> WrongUse:
    return WrongUse(
        found=found,
        wanted="a plain table in UTF-8: one line of column names, then one row a case",
        remedy="Export the table anew; save it as CSV in UTF-8.",
        where=where,
    )
