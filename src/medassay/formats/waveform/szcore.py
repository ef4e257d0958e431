"""SzCORE's table of events in one recording: tab-separated text, one row an event, seconds from its start.

Columns: onset, duration, eventType, confidence, channels, dateTime, recordingDuration. A recording without an
event has one row `bckg` over its whole length, so that "nothing found" never looks like "nothing written".

References
----------
Dan et al., SzCORE, Epilepsia, 2024; BIDS, task events; HED-SCORE names of seizure types.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse, located

COLUMNS = ("onset", "duration", "eventType", "confidence", "channels", "dateTime", "recordingDuration")
NOT_AVAILABLE = "n/a"
BACKGROUND = "bckg"
SEIZURE_TYPE = re.compile(r"sz(_[A-Za-z0-9]+)*")


@dataclass(frozen=True)
class Event:
    """One seizure, in seconds from the start of the recording."""

    onset_s: float
    duration_s: float
    kind: str = "sz"
    confidence: float | None = None

    @property
    def end_s(self) -> float:
        return self.onset_s + self.duration_s


@dataclass(frozen=True)
class EventTable:
    """The events of one recording, in order of onset; `duration_s` is None where the table does not say it."""

    events: tuple[Event, ...]
    duration_s: float | None

    def intervals(self) -> NDArray[np.float64]:
        """Start and end of each event in seconds, shape (n, 2)."""
        return np.array([(e.onset_s, e.end_s) for e in self.events], dtype=np.float64).reshape(-1, 2)


def write_events(events: Sequence[Event], *, duration_s: float, started: str = NOT_AVAILABLE) -> bytes:
    """The table as bytes: the same events give the same bytes.

    Parameters
    ----------
    started : str
        Start of the recording as "YYYY-MM-DD hh:mm:ss", de-identified, or "n/a".
    """
    ordered = sorted(events, key=lambda event: (event.onset_s, event.duration_s, event.kind))
    rows = ordered or [Event(0.0, duration_s, BACKGROUND)]
    lines = ["\t".join(COLUMNS)]
    for event in rows:
        confidence = NOT_AVAILABLE if event.confidence is None else _number(event.confidence)
        times = (_number(event.onset_s), _number(event.duration_s))
        lines.append("\t".join((*times, event.kind, confidence, NOT_AVAILABLE, started, _number(duration_s))))
    return ("\n".join(lines) + "\n").encode("ascii")


def read_events(content: bytes) -> EventTable:
    """Read a table; `bckg` rows tell the length and hold no event.

    Raises
    ------
    WrongUse
        When the table is no such table: not UTF-8, a column missing, no row, a number that is none, a
        negative time, an unknown event type, or two lengths of one recording. Whether events lie inside the
        recording is for those to say who know its length.
    """
    rows = _rows(content)
    events, lengths = [], set()
    for number, row in enumerate(rows, 2):
        with located(f"line {number}"):
            event, length = _event(row)
        if event.kind != BACKGROUND:
            events.append(event)
        if length is not None:
            lengths.add(length)
    if len(lengths) > 1:
        raise _refused(f"{len(lengths)} different recordingDuration", "one length of the recording")
    ordered = sorted(events, key=lambda event: (event.onset_s, event.duration_s))
    return EventTable(tuple(ordered), lengths.pop() if lengths else None)


def _rows(content: bytes) -> list[dict[str, str]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused(f"bytes that are not UTF-8 at offset {error.start}", "text in UTF-8") from error
    try:
        reader = csv.DictReader(io.StringIO(text), delimiter="\t", strict=True)
        missing = [name for name in COLUMNS[:3] if name not in (reader.fieldnames or ())]
        if missing:
            raise _refused(f"no column {', '.join(missing)}", f"the columns {', '.join(COLUMNS)}")
        rows = list(reader)
    except csv.Error as error:
        raise _refused("a broken table", "tab-separated rows") from error
    if not rows:
        raise _refused("no row", f"a row an event, or one row {BACKGROUND}")
    return rows


def _event(row: dict[str, str]) -> tuple[Event, float | None]:
    kind = (row["eventType"] or "").strip()
    if kind != BACKGROUND and not SEIZURE_TYPE.fullmatch(kind):
        raise _refused("an event type that is none of SzCORE's", f"{BACKGROUND}, sz or sz_...")
    onset, duration = _seconds(row, "onset"), _seconds(row, "duration")
    length, confidence = _optional(row, "recordingDuration"), _optional(row, "confidence")
    return Event(onset, duration, kind, confidence), length


def _optional(row: dict[str, str], column: str) -> float | None:
    stated = (row.get(column) or NOT_AVAILABLE).strip()
    return None if stated == NOT_AVAILABLE else _seconds(row, column)


def _seconds(row: dict[str, str], column: str) -> float:
    try:
        value = float(row[column])
    except (TypeError, ValueError) as error:
        raise _refused(f"a {column} that is no number", "seconds with a decimal point") from error
    if not math.isfinite(value) or value < 0:
        raise _refused(f"{column} {value}", "a finite number, not below zero")
    return value


def _number(value: float) -> str:
    """Milliseconds are plenty; no exponent, no trailing zeros beyond the first decimal."""
    text = f"{value:.3f}".rstrip("0")
    return text + "0" if text.endswith(".") else text


def _refused(found: str, wanted: str) -> WrongUse:
    return WrongUse(found=found, wanted=wanted, remedy="Write the event table as SzCORE defines it.")
