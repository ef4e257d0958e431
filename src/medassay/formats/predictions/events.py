"""Events of one recording as SzCORE writes them in a table, or as annotations of an EDF+ file."""

from __future__ import annotations

from medassay.core.errors import WrongUse
from medassay.formats.waveform import edf
from medassay.formats.waveform.edf_fields import HeaderUnreadable
from medassay.formats.waveform.edf_marks import decoded
from medassay.formats.waveform.szcore import BACKGROUND, SEIZURE_TYPE, Event, EventTable, read_events

REMEDY = "Name the annotations of events sz or sz_..., each with its duration; or write SzCORE's table."


def read_event_file(content: bytes) -> EventTable:
    """The events of a file, by its content.

    Of EDF+ annotations those count whose text is one of SzCORE's event types; others say something else. A file
    of annotations alone does not say how long the recording is, unless one named `bckg` spans it.

    Raises
    ------
    WrongUse
        When the file is neither, or an event has no duration or begins before the recording.
    """
    if not edf.recognises(content[:256]):
        return read_events(content)
    try:
        opened = edf.open(content)
        marks = edf.marks(opened)
    except HeaderUnreadable as error:
        raise WrongUse(found=error.found, wanted=error.wanted, remedy=REMEDY) from error
    events, spans = [], []
    for mark in marks:
        kind = decoded(mark.text)[0].strip()
        if kind != BACKGROUND and not SEIZURE_TYPE.fullmatch(kind):
            continue
        if mark.duration_s is None or mark.onset_s < 0:
            raise WrongUse(
                found="an event without a duration, or before the recording",
                wanted="onset and duration of every event",
                remedy=REMEDY,
            )
        if kind == BACKGROUND:
            spans.append(mark.onset_s + mark.duration_s)
        else:
            events.append(Event(mark.onset_s, mark.duration_s, kind))
    length = opened.duration_s if opened.ordinary else max(spans, default=None)
    ordered = sorted(events, key=lambda event: (event.onset_s, event.duration_s))
    return EventTable(tuple(ordered), length)
