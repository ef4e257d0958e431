"""Readers' annotation-only EDF+ files to event tables."""

from __future__ import annotations

import datetime

from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason
from medassay.datasets.intake.eeg.options import Options, note
from medassay.datasets.sample import Draft
from medassay.formats.waveform import edf, szcore
from medassay.formats.waveform.edf_marks import Mark

SIGNAL, READ = "signal", "read:"


def reads_of(
    draft: Draft,
    opened: edf.Opened,
    duration_s: float,
    started: datetime.datetime | None,
    options: Options,
) -> tuple[list[tuple[str, bytes]], list[Finding]]:
    """Event tables of the readers' files; one that cannot be used is left out with its finding."""
    tables: list[tuple[str, bytes]] = []
    findings: list[Finding] = []
    sources = [(role, item.path.read_bytes()) for role, item in draft.files if role != SIGNAL]
    if options.embedded:
        sources.append((options.embedded, opened.content[:]))
    for role, content in sources:
        try:
            read = edf.open(content)
            events = _events(read, opened, options)
        except WrongUse as error:
            found = f"a read that cannot be used: {error.found}"
            findings.append(note(Reason.REFERENCE_INVALID, found, error.wanted))
            continue
        stamp = f"{started:%Y-%m-%d %H:%M:%S}" if started else szcore.NOT_AVAILABLE
        tables.append((role, szcore.write_events(events, duration_s=duration_s, started=stamp)))
    return tables, findings


def _events(read: edf.Opened, opened: edf.Opened, options: Options) -> list[szcore.Event]:
    """Seizures among a reader's marks, by the declared texts."""
    begun, recorded = edf.start_of(read), edf.start_of(opened)
    if begun and recorded and begun != recorded:
        raise _unusable("another start than the recording's", "marks made on this very recording")
    wanted = {text.casefold(): kind for text, kind in options.seizure_texts.items()}
    chosen = [(m, wanted.get(_words(m).casefold())) for m in edf.marks(read)]
    if any(kind and not mark.duration_s for mark, kind in chosen):
        raise _unusable("a seizure without a duration", "onset and duration of each seizure")
    if any(kind and mark.onset_s < 0 for mark, kind in chosen):
        raise _unusable("a seizure before the recording", "marks made on this very recording")
    return [szcore.Event(m.onset_s, m.duration_s, kind) for m, kind in chosen if kind and m.duration_s]


def _words(mark: Mark) -> str:
    return mark.text.decode("utf-8", "replace").strip()


def _unusable(found: str, wanted: str) -> WrongUse:
    return WrongUse(found=found, wanted=wanted, remedy="Have the recording read again.")
