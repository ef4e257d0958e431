"""Dates and times as tables hold them: cells of a workbook, or text in one of the usual orders."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time

from medassay.core.findings import Reason
from medassay.formats.ivd.table import Cell, TableRefused

_YEAR_FIRST = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})")
_CLOCK = re.compile(r"(\d{1,2})[:：](\d{2})(?:[:：](\d{2}))?(?:\.0+)?")


def moments(days: Sequence[Cell], clocks: Sequence[Cell] | None = None) -> tuple[list[datetime | None], str]:
    """Each row's moment, None for an empty cell; and what was decided, empty where nothing had to be.

    Parameters
    ----------
    days : cells
        Date and time, or the date alone where `clocks` holds the times.

    Raises
    ------
    TableRefused
        When a cell is no moment, or day and month cannot be told apart.

    Examples
    --------
    >>> moments(["31/12/2021 08:05", "01/01/2022 08:20"])
    ([datetime.datetime(2021, 12, 31, 8, 5), datetime.datetime(2022, 1, 1, 8, 20)], 'day before month')
    """
    day_first, decision = _order([cell for cell in days if isinstance(cell, str)])
    pairs = zip(days, clocks if clocks is not None else [None] * len(days), strict=True)
    return [_moment(day, clock, day_first, clocks is None) for day, clock in pairs], decision


def _moment(day: Cell, clock: Cell, day_first: bool, together: bool) -> datetime | None:
    if day is None:
        return None
    if isinstance(day, datetime):
        return day if together or clock is None else datetime.combine(day.date(), _clock(clock))
    if isinstance(day, date):  # a workbook's midnight comes as a date
        return datetime.combine(day, time() if together else _clock(clock))
    if not isinstance(day, str):
        raise _unreadable("a number where a moment is wanted")
    found = _YEAR_FIRST.match(day) or _YEAR_LAST.match(day)
    if found is None:
        raise _unreadable("a text that is no date")
    rest = day[found.end() :].lstrip(" T\u3000")
    if together != bool(rest):
        raise _unreadable("a date without its time" if together else "a date and time beside a time")
    try:
        return datetime.combine(_date(found, day_first), _clock(rest if together else clock))
    except ValueError:
        raise _unreadable("a day or hour that does not exist") from None


def _date(found: re.Match[str], day_first: bool) -> date:
    if found.re is _YEAR_FIRST:
        return date(int(found[1]), int(found[2]), int(found[3]))
    first, second = int(found[1]), int(found[3])
    return date(int(found[4]), second if day_first else first, first if day_first else second)


def _clock(cell: Cell) -> time:
    if isinstance(cell, time):
        return cell
    if isinstance(cell, datetime):
        return cell.time()
    found = _CLOCK.fullmatch(cell.strip()) if isinstance(cell, str) else None
    if found is None:
        raise _unreadable("a time of day that cannot be read")
    try:
        return time(int(found[1]), int(found[2]), int(found[3] or 0))
    except ValueError:
        raise _unreadable("a day or hour that does not exist") from None


def _order(texts: Sequence[str]) -> tuple[bool, str]:
    """Whether the day stands before the month, told by a number above 12; the year last and neither: refused."""
    found = [match for match in map(_YEAR_LAST.match, texts) if match]
    if not found:
        return True, ""
    if any(int(match[1]) > 12 for match in found):
        return True, "day before month"
    if any(int(match[3]) > 12 for match in found):
        return False, "month before day"
    if all(match[2] == "." for match in found):
        return True, "day before month, as dates with points are written"
    raise TableRefused(
        Reason.HEADER_INVALID,
        found="dates whose day and month cannot be told apart",
        wanted="the year first",
        remedy="Export dates as YYYY-MM-DD HH:MM.",
    )


def _unreadable(found: str) -> TableRefused:
    return TableRefused(
        Reason.HEADER_INVALID,
        found=found,
        wanted="a date and time",
        remedy="Export dates as YYYY-MM-DD HH:MM.",
    )
