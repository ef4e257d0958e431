"""Tables as hospitals export them: xlsx and xls by their container, everything else as delimited text.

The reader states each thing that it decided (character set, delimiter, decimal mark, line ends) and refuses
what can be read in two ways. Nothing it says repeats a cell.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any, Literal

from medassay.core.errors import MedassayError
from medassay.core.findings import Reason
from medassay.formats.ivd import workbook

Cell = float | str | datetime | date | time | None
Row = tuple[Cell, ...]
Form = Literal["xlsx", "xls", "text"]

ZIP, ZIP_END, OLE2 = b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
DELIMITERS = ("\t", ";", "|", ",")
OLE2_SECTOR = 512

_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)?")
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")
_LISTED = re.compile(r"[-+]?\d+(?:\.\d+)*(?:[eE][-+]?\d+)?")
_THOUSANDS = re.compile(r"[-+]?\d{1,3},\d{3}")


class TableRefused(MedassayError):
    """A table that cannot be read, or can be read in more than one way."""

    exit_code = 3
    code = "table_refused"

    def __init__(self, reason: Reason, *, found: str, wanted: str, remedy: str, where: str = "") -> None:
        super().__init__(found=found, wanted=wanted, remedy=remedy, where=where)
        self.reason = reason


@dataclass(frozen=True)
class Table:
    """Rows of cells, and what was decided in reading them."""

    form: Form
    rows: tuple[Row, ...]
    decimal: Literal[".", ","] = "."
    decisions: tuple[tuple[Reason, str], ...] = field(default=())

    def number(self, cell: Cell) -> float | None:
        """The cell as a number; None when it is none. A text number follows the table's decimal mark.

        Examples
        --------
        >>> Table("text", (), decimal=",").number("5,6")
        5.6
        """
        if isinstance(cell, float):
            return cell
        if not isinstance(cell, str) or not _NUMBER.fullmatch(cell.strip()):
            return None
        return float(cell.strip().replace(",", ".") if self.decimal == "," else cell)


def recognises(head: bytes) -> bool:
    """Whether the bytes can start a table: an Office container, or text with a delimiter in a line."""
    if head.startswith((ZIP, OLE2)):
        return True
    if b"\x00" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return False
    return any(delimiter.encode() in head for delimiter in DELIMITERS)


def read_table(content: bytes) -> Table:
    """Read a whole table.

    Raises
    ------
    TableRefused
        When the file is empty, cut off, in no known form, or ambiguous.
    """
    if not content.strip():
        raise TableRefused(
            Reason.EMPTY_FILE,
            found=f"a file of {len(content)} bytes without content",
            wanted="a table",
            remedy="Export the table again.",
        )
    if content.startswith(ZIP):
        return _workbook(content, "xlsx")
    if content.startswith(OLE2):
        return _workbook(content, "xls")
    return _delimited(content)


def read_tables(content: bytes) -> tuple[Table, ...]:
    """Every table of a file: each sheet with content of a workbook, or the one of a delimited text.

    Raises
    ------
    TableRefused
        As `read_table`, but for the number of sheets.
    """
    form: Form | None = "xlsx" if content.startswith(ZIP) else "xls" if content.startswith(OLE2) else None
    filled = [rows for rows in _sheets(content, form) if rows] if form else []
    if form is None or not filled:
        return (read_table(content),)
    return tuple(Table(form, rows) for rows in filled)


def find_header(table: Table, is_header: Callable[[Row], bool]) -> int:
    """The index of the one header row; titles and patient fields may stand before it.

    Raises
    ------
    TableRefused
        When no row, or more than one, is a header.
    """
    found = [index for index, row in enumerate(table.rows) if is_header(row)]
    if len(found) == 1:
        return found[0]
    raise TableRefused(
        Reason.HEADER_INVALID,
        found=f"{len(found)} header rows" if found else "no header row that names the needed columns",
        wanted="one header row",
        remedy="Export one table a file, with its column names.",
    )


def text_of(cell: Cell) -> str:
    """A cell as text without white space around it; empty for an empty cell."""
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    return "" if cell is None else " ".join(str(cell).split())


def has_letter(cell: Cell) -> bool:
    """Whether a cell is a text with a letter in it, as every heading is; most cells of a table are none.

    Examples
    --------
    >>> [has_letter(cell) for cell in ("2024-01-01 08:15", "5.6", 5.6, "时间", "CGM (mmol/L)")]
    [False, False, False, True, True]
    """
    return isinstance(cell, str) and not (cell.isascii() and cell.lower() == cell.upper())


def _workbook(content: bytes, form: Form) -> Table:
    sheets = _sheets(content, form)
    filled = [rows for rows in sheets if rows]
    if len(filled) != 1:
        raise TableRefused(
            Reason.UNSUPPORTED_FORM if filled else Reason.EMPTY_FILE,
            found=f"{len(filled)} sheets with content",
            wanted="one",
            remedy="Export one table a file.",
        )
    ignored = len(sheets) - 1
    note = ((Reason.UNSUPPORTED_FORM, f"{ignored} empty sheets left out"),) if ignored else ()
    return Table(form, filled[0], decisions=note)


def _sheets(content: bytes, form: Form) -> list[tuple[Row, ...]]:
    whole = ZIP_END in content[-66_000:] if form == "xlsx" else len(content) % OLE2_SECTOR == 0
    if not whole:
        raise _cut_off(form)
    found = workbook.sheets(content)
    if found is None:
        raise TableRefused(
            Reason.HEADER_INVALID,
            found=f"a container ({form}) that its reader did not come through",
            wanted="a workbook",
            remedy="Export the workbook again.",
        )
    return [_rows(rows) for rows in found]


def _rows(raw: Sequence[Sequence[Any]]) -> tuple[Row, ...]:
    rows = [tuple(_cell(value) for value in row) for row in raw]
    while rows and not any(cell is not None for cell in rows[-1]):
        rows.pop()
    return tuple(rows)


def _cell(value: Any) -> Cell:
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, datetime | date | time):
        return value
    return None if value is None else str(value)


def _cut_off(form: str) -> TableRefused:
    return TableRefused(
        Reason.TRUNCATED,
        found=f"a file ({form}) without its end",
        wanted="the whole file",
        remedy="Copy the file again from where it was exported.",
    )


def _delimited(content: bytes) -> Table:
    text, decisions = _decoded(content)
    ends = Counter(re.findall("\r\n|\r|\n", text))
    if len(ends) > 1:
        decisions.append((Reason.UNSUPPORTED_FORM, "mixed line ends read as line ends"))
    complete = text.endswith(("\n", "\r"))
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    delimiter, rows, why = _split(text)
    if why:
        decisions.append((Reason.UNSUPPORTED_FORM, why))
    elif delimiter != ",":
        decisions.append((Reason.UNSUPPORTED_FORM, f"delimiter {delimiter!r}"))
    _require_whole(rows, complete)
    decimal = _decimal_mark(rows)
    if decimal == ",":
        decisions.append((Reason.UNSUPPORTED_FORM, "decimal comma"))
    cells = [tuple(value.strip() or None for value in row) for row in rows]
    return Table("text", tuple(cells), decimal=decimal, decisions=tuple(decisions))


def _decoded(content: bytes) -> tuple[str, list[tuple[Reason, str]]]:
    """UTF-8, UTF-16 with its mark, else GB18030: bytes that are none of them are refused, never replaced."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if content.startswith(mark):
            return _strictly(content, encoding), [(Reason.CHARACTER_SET, f"byte order mark: {encoding}")]
    try:
        return content.decode("utf-8"), []
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":  # all before it is UTF-8: the last letter was cut
            raise _cut_off("text") from None
        text = _strictly(content, "gb18030")
        return text, [(Reason.CHARACTER_SET, "no declared character set: read as GB18030")]


def _strictly(content: bytes, encoding: str) -> str:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        if error.end >= len(content):
            raise _cut_off("text") from None
        raise TableRefused(
            Reason.CHARACTER_SET,
            found=f"bytes at offset {error.start} that are not {encoding}",
            wanted="text in UTF-8, UTF-16 with its mark, or GB18030",
            remedy="Export the table as UTF-8.",
        ) from None
    if "\x00" in text:
        raise TableRefused(
            Reason.UNKNOWN_FORMAT,
            found="zero bytes: no text",
            wanted="a table as xlsx, xls or delimited text",
            remedy="Leave the file out, or export it as a table.",
        )
    return text


def _split(text: str) -> tuple[str, list[list[str]], str]:
    """The one delimiter that gives rows of one width, and what was decided to find it."""
    fits: dict[str, list[list[str]]] = {}
    for delimiter in (one for one in DELIMITERS if one in text):
        try:
            rows = list(csv.reader(io.StringIO(text), delimiter=delimiter, strict=True))
        except csv.Error:
            continue
        rows = [row for row in rows if any(value.strip() for value in row)]
        if _is_regular(rows):
            fits[delimiter] = rows
    if (
        "," in fits
        and len(fits) > 1
        and all(_commas_are_decimal(rows) for d, rows in fits.items() if d != ",")
    ):
        del fits[","]
    if len(fits) == 1:
        return *next(iter(fits.items())), ""
    heads = [delimiter for delimiter, rows in fits.items() if len(rows[0]) == max(map(len, rows))]
    if len(heads) == 1:  # the others stand within cells: `MLII;V5` below the heading `leads`
        return heads[0], fits[heads[0]], f"delimiter {heads[0]!r}: it alone parts the first row"
    single = [line.strip() for line in text.splitlines() if line.strip()]
    if not fits and _is_one_column(single):
        return "", [[value] for value in single], "one column: no delimiter, and lines of numbers"
    raise TableRefused(
        Reason.UNSUPPORTED_FORM if fits else Reason.UNKNOWN_FORMAT,
        found=f"{len(fits)} delimiters that each give a regular table"
        if fits
        else "no delimiter that gives rows",
        wanted="a table with one delimiter",
        remedy="Export with one delimiter, and quote texts that hold it.",
    )


def _is_regular(rows: list[list[str]]) -> bool:
    """Nearly all rows reach the last column that holds anything; titles and patient fields may be shorter."""
    widest = max((_filled(row) for row in rows), default=0)
    return widest > 1 and sum(len(row) >= widest for row in rows) >= max(2, 0.8 * len(rows) - 12)


def _filled(row: list[str]) -> int:
    """Cells up to the last that holds anything; a banner may trail delimiters beyond the table's width."""
    return next((index for index in range(len(row), 0, -1) if row[index - 1].strip()), 0)


def _is_one_column(lines: list[str]) -> bool:
    """Numbers, or identifiers of digits and points, below at most one heading."""
    return len(lines) > 2 and all(_LISTED.fullmatch(line) for line in lines[1:])


def _commas_are_decimal(rows: list[list[str]]) -> bool:
    held = [value.strip() for row in rows for value in row if "," in value]
    return all(_DECIMAL_COMMA.fullmatch(value) for value in held)


def _require_whole(rows: list[list[str]], complete: bool) -> None:
    """A last line without its end that is shorter than the others was cut off."""
    if not complete and len(rows) > 1 and len(rows[-1]) < len(rows[-2]):
        raise _cut_off("text")


def _decimal_mark(rows: list[list[str]]) -> Literal[".", ","]:
    numbers = [value.strip() for row in rows for value in row if _NUMBER.fullmatch(value.strip())]
    commas = [value for value in numbers if "," in value]
    if not commas:
        return "."
    points = any("." in value for value in numbers)
    if points or all(_THOUSANDS.fullmatch(value) for value in commas):
        raise TableRefused(
            Reason.UNSUPPORTED_FORM,
            found="numbers with comma and with point" if points else "commas that may part thousands",
            wanted="one decimal mark",
            remedy="Export numbers with a decimal point.",
        )
    return ","
