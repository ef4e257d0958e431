"""Tables and sidecars of BIDS: tab-separated text with "n/a" for what is not there, and JSON.

References
----------
BIDS specification: common principles, task events, electroencephalography.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from medassay.core.errors import WrongUse
from medassay.core.findings import Reason

LARGEST = 1 << 24
NOT_AVAILABLE = ("n/a", "")
KINDS = ("trial_type", "eventType", "value")


class TableUnreadable(WrongUse):
    """A table or sidecar that is none; `reason` is what a finding says of it."""

    reason = Reason.REFERENCE_INVALID

    def __init__(self, found: str, wanted: str) -> None:
        super().__init__(found=found, wanted=wanted, remedy="Write it as BIDS defines it.")


@dataclass(frozen=True)
class Event:
    """A row of an events table, in seconds from the start of the recording. `kind` is free text."""

    onset_s: float
    duration_s: float | None
    kind: str = field(repr=False)


@dataclass(frozen=True)
class Channel:
    """A row of a channels table."""

    name: str
    type: str
    unit: str
    good: bool | None  # None: not told


def events_of(content: bytes) -> tuple[Event, ...]:
    """Rows of an events table, in its order; an onset may lie before the recording.

    Raises
    ------
    TableUnreadable
        When it is no such table, or holds a number that is none.

    Examples
    --------
    >>> events_of(b"onset\\tduration\\ttrial_type\\n1.5\\tn/a\\tseizure\\n")[0].onset_s
    1.5
    """
    rows = rows_of(content, ("onset", "duration"))
    kind = next((name for name in KINDS if rows and name in rows[0]), "")
    found = []
    for number, row in enumerate(rows, 2):
        onset, duration = _number(row["onset"], number), _number(row["duration"], number)
        if onset is None or (duration or 0) < 0:
            raise TableUnreadable(f"line {number} without onset, or of negative duration", "seconds")
        found.append(Event(onset, duration, row.get(kind) or ""))
    return tuple(found)


def channels_of(content: bytes) -> tuple[Channel, ...]:
    """Rows of a channels table.

    Raises
    ------
    TableUnreadable
        When it is no such table.
    """
    good = {"good": True, "bad": False}
    return tuple(
        Channel(
            row["name"].strip(),
            row["type"].strip().upper(),
            row["units"].strip(),
            good.get(row.get("status", "")),
        )
        for row in rows_of(content, ("name", "type", "units"))
    )


def sidecar_of(content: bytes) -> Mapping[str, Any]:
    """The object of a JSON sidecar.

    Raises
    ------
    TableUnreadable
        When it is none.
    """
    try:
        found = json.loads(_text(content))
    except (ValueError, RecursionError) as error:
        raise TableUnreadable("a sidecar that is no JSON", "one JSON object") from error
    if not isinstance(found, dict):
        raise TableUnreadable("a sidecar that is no object", "one JSON object")
    return found


def rows_of(content: bytes, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """Rows by the names of the first line.

    Raises
    ------
    TableUnreadable
        When text, columns or a row are not those of such a table.
    """
    text = _text(content)
    try:
        reader = csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE)
        names = tuple(reader.fieldnames or ())
        rows = list(reader)
    except csv.Error as error:
        raise TableUnreadable("a broken table", "tab-separated rows") from error
    if missing := [name for name in columns if name not in names]:
        raise TableUnreadable(f"no column {', '.join(missing)}", f"the columns {', '.join(columns)}")
    if any(None in row or None in row.values() for row in rows):
        raise TableUnreadable("rows of another number of fields", f"{len(names)} in each")
    return rows


def number_in(sidecar: Mapping[str, Any], name: str) -> float | None:
    """A finite number of a sidecar; None where there is none."""
    value = sidecar.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e300:
        return None
    return None if math.isnan(value) else float(value)


def _number(text: str, line: int) -> float | None:
    if text.strip() in NOT_AVAILABLE:
        return None
    try:
        value = float(text)
    except ValueError as error:
        raise TableUnreadable(f"line {line} with a number that is none", "seconds") from error
    if not math.isfinite(value):
        raise TableUnreadable(f"line {line} with a number that is not finite", "seconds")
    return value


def _text(content: bytes) -> str:
    if len(content) > LARGEST:
        raise TableUnreadable(f"{len(content)} bytes", f"at most {LARGEST}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TableUnreadable("bytes that are no UTF-8", "text in UTF-8") from error
