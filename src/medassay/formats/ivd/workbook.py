"""Read an Office workbook in a process of its own, with bounded memory and time.

The reader is compiled code: a damaged or hostile workbook can make it end its whole process, or ask for all the
memory there is. One bad file must not cost its neighbours, so it gets a process that may die. As a program, it
takes a workbook on standard input and gives its sheets as JSON.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from datetime import date, datetime, time
from typing import Any

MOST_BYTES = 1 << 30  # of address space
MOST_SECONDS = 30

Cells = list[list[list[Any]]]  # sheets, rows, cells


def sheets(content: bytes) -> Cells | None:
    """Every sheet's rows of cells: numbers, texts, moments, None; None when the reader did not come through."""
    try:
        ended = subprocess.run(
            [sys.executable, "-I", __file__],
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a panic of the reader may hold cells
            timeout=2 * MOST_SECONDS,
            check=False,
        )
        return json.loads(ended.stdout, object_hook=_moment) if ended.returncode == 0 else None
    except (subprocess.TimeoutExpired, ValueError):
        return None


def _moment(tagged: dict[str, str]) -> datetime | date | time:
    ((kind, text),) = tagged.items()
    classes: dict[str, type[datetime | date | time]] = {"moment": datetime, "day": date, "clock": time}
    moment: datetime | date | time = classes[kind].fromisoformat(text)
    return moment


def _plain(cell: Any) -> Any:
    if isinstance(cell, datetime):
        return {"moment": cell.isoformat()}
    if isinstance(cell, date):
        return {"day": cell.isoformat()}
    if isinstance(cell, time):
        return {"clock": cell.isoformat()}
    return cell if isinstance(cell, str | float | int | bool | None) else str(cell)


def main() -> None:
    import resource

    from python_calamine import CalamineWorkbook

    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    book = CalamineWorkbook.from_filelike(io.BytesIO(sys.stdin.buffer.read()))
    found = [
        [[_plain(cell) for cell in row] for row in book.get_sheet_by_name(name).to_python()]
        for name in book.sheet_names
    ]
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
