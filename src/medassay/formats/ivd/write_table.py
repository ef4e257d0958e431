"""Write tables as hospitals export them; the same rows give the same bytes."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from datetime import datetime

from medassay.formats.ivd.table import Cell

_FIXED = (1980, 1, 1, 0, 0, 0)  # the earliest date that a zip entry can hold
_STAMP = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*(<)")


def write_workbook(rows: Sequence[Sequence[Cell]], *, merged: Sequence[str] = ()) -> bytes:
    """An xlsx workbook of one sheet; `merged` names ranges to merge, such as "A1:D1"."""
    from openpyxl import Workbook

    book = Workbook()
    for row in rows:
        book.active.append(list(row))
    for cells in merged:
        book.active.merge_cells(cells)
    stream = io.BytesIO()
    book.save(stream)
    return _without_time(stream.getvalue())


def write_delimited(
    rows: Sequence[Sequence[Cell]],
    *,
    encoding: str,
    delimiter: str = ",",
    decimal: str = ".",
    line_ends: Sequence[str] = ("\n",),
) -> bytes:
    """Delimited text; several line ends are taken in turn, as in files that were joined by hand."""
    lines = [delimiter.join(_text(cell, delimiter, decimal) for cell in row) for row in rows]
    text = "".join(line + line_ends[index % len(line_ends)] for index, line in enumerate(lines))
    return text.encode(encoding)


def _text(cell: Cell, delimiter: str, decimal: str) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%d %H:%M}"
    text = f"{cell:g}".replace(".", decimal) if isinstance(cell, float) else str(cell)
    quoted = delimiter in text or '"' in text or "\n" in text
    return '"' + text.replace('"', '""') + '"' if quoted else text


def _without_time(workbook: bytes) -> bytes:
    """Leave out when the workbook was written: of it and of each part in it."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook)) as old,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                content = _STAMP.sub(rb"\g<1>1980-01-01T00:00:00Z\g<3>", content)
            new.writestr(zipfile.ZipInfo(name, _FIXED), content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()
