"""BIDS folders of EEG and other signals: each recording with its sidecar, channels and events.

A table or sidecar belongs to a recording when its entities (sub, ses, task, run) are among the recording's; the
nearest one wins, and values of farther sidecars are inherited.

References
----------
BIDS specification: electroencephalography; the inheritance principle.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from medassay.core.errors import NothingReadable, WrongUse
from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.waveform import edf, modality, vendor
from medassay.formats.waveform.bids_tables import (
    LARGEST,
    Channel,
    Event,
    TableUnreadable,
    channels_of,
    events_of,
    number_in,
    sidecar_of,
)
from medassay.formats.waveform.series import Series

STANDARD = "BIDS specification"
KINDS = ("eeg", "ieeg", "emg", "ecg")
_NAME = re.compile(r"(?P<entities>(?:[a-z]+-[A-Za-z0-9+]+_)+)(?P<suffix>[a-z]+)(?P<ending>\.[A-Za-z.]+)")
_COMPANIONS = (".json", ".tsv", ".tsv.gz", ".vmrk", ".eeg", ".fdt")  # no recording by themselves
DESCRIPTION = "dataset_description.json"
_TOLERANCE_S = 1.0


@dataclass(frozen=True)
class Recording:
    """One signal file and the files that describe it. All names may identify."""

    signal: Path = field(repr=False)
    entities: frozenset[str] = field(repr=False)
    kind: str
    sidecars: tuple[Path, ...] = field(repr=False)  # the nearest one last
    channels: Path | None = field(repr=False)
    events: Path | None = field(repr=False)

    @cached_property
    def sidecar(self) -> Mapping[str, Any]:
        merged: dict[str, Any] = {}
        for path in self.sidecars:
            merged |= sidecar_of(_small(path))
        return merged

    @cached_property
    def channel_rows(self) -> tuple[Channel, ...]:
        return channels_of(_small(self.channels)) if self.channels else ()

    @cached_property
    def event_rows(self) -> tuple[Event, ...]:
        return events_of(_small(self.events)) if self.events else ()


@dataclass(frozen=True)
class Opened:
    """A folder whose files were found; none but the small ones are read before they are asked for."""

    described: bool
    recordings: tuple[Recording, ...]


def recognises(folder: Path) -> bool:
    """Whether a folder is laid out as BIDS lays out signals: sub-*/[ses-*/]eeg/, or ieeg, emg, ecg."""
    return any(True for _ in _signals(folder))


def open(folder: Path) -> Opened:
    """Find the recordings of a folder.

    Raises
    ------
    NothingReadable
        When there is none.
    """
    recordings = tuple(_recording(path, folder) for path in sorted(_signals(folder)))
    if not recordings:
        raise NothingReadable(
            found="no recording", wanted="sub-*/eeg/*_eeg.edf", remedy="Give the top folder of the data set."
        )
    return Opened((folder / DESCRIPTION).is_file(), recordings)


def examine(opened: Opened) -> Iterator[Finding]:
    """Everything that is wrong with a folder, recording by recording in order of their names."""
    if not opened.described:
        found = f"no {DESCRIPTION}"
        yield _say(Reason.HEADER_INVALID, Severity.NOTE, found, "one at the top of the folder", "folder")
    for number, recording in enumerate(opened.recordings, 1):
        yield from examine_recording(recording, f"recording {number}")


def examine_recording(recording: Recording, where: str) -> Iterator[Finding]:
    """Everything that is wrong with one recording and its tables."""
    duration: float | None = None
    signal = _edf(recording, where)
    if isinstance(signal, Finding):
        yield signal
    else:
        for finding in edf.examine(signal):
            yield finding.model_copy(update={"where": f"{where}: {finding.where}".rstrip(": ")})
        duration = signal.duration_s
    yield from _sidecar(recording, signal, where)
    yield from _channels(recording, signal, where)
    yield from _events(recording, duration, where)


def describe(opened: Opened) -> dict[str, Any]:
    """What a catalogue may say of a folder; nothing that identifies."""
    subjects = {_entity(one, "sub") for one in opened.recordings}
    kinds = sorted({one.kind for one in opened.recordings})
    return {
        "form": "BIDS",
        "modalities": ", ".join(f"{kind} {sum(o.kind == kind for o in opened.recordings)}" for kind in kinds),
        "subjects": len(subjects),
        "recordings": len(opened.recordings),
        "recordings_without_signal": sum(not one.signal.stat().st_size for one in opened.recordings),
        "events": sum(_counted(one) for one in opened.recordings),
    }


def samples(recording: Recording, number: int, start_s: float = 0.0, stop_s: float | None = None) -> Series:
    """One signal of a recording over a range of time, in the unit of its file.

    Raises
    ------
    WrongUse
        When the signal file is of a form without a reader, or gives no such signal or range.
    """
    return edf.samples(edf.open(recording.signal), number, start_s, stop_s)


def _signals(folder: Path) -> Iterator[Path]:
    for kind in KINDS:
        for pattern in (f"sub-*/{kind}/*_{kind}.*", f"sub-*/ses-*/{kind}/*_{kind}.*"):
            for path in folder.glob(pattern):
                found = _NAME.fullmatch(path.name)
                if found and path.is_file() and found["ending"] not in _COMPANIONS:
                    yield path


def _recording(signal: Path, top: Path) -> Recording:
    found = _NAME.fullmatch(signal.name)
    assert found is not None  # `_signals` matched it
    entities = frozenset(found["entities"].rstrip("_").split("_"))
    kind = found["suffix"]
    return Recording(
        signal=signal,
        entities=entities,
        kind=kind,
        sidecars=tuple(_inherited(signal, top, entities, kind, ".json")),
        channels=_nearest(signal, top, entities, "channels"),
        events=_nearest(signal, top, entities, "events"),
    )


def _inherited(signal: Path, top: Path, entities: frozenset[str], suffix: str, ending: str) -> Iterator[Path]:
    """Files that apply to a recording, from the top of the data set down to its own folder."""
    folders = [folder for folder in (signal.parent, *signal.parents) if folder.is_relative_to(top)]
    for folder in dict.fromkeys(reversed(folders)):
        fitting = []
        for path in sorted(folder.glob(f"*{suffix}{ending}")):
            found = _NAME.fullmatch(path.name)
            own = frozenset(found["entities"].rstrip("_").split("_")) if found else frozenset()
            plain = path.name == f"{suffix}{ending}"
            if plain or (found and found["suffix"] == suffix and own <= entities):
                fitting.append((len(own), path))
        yield from (path for _, path in sorted(fitting))


def _nearest(signal: Path, top: Path, entities: frozenset[str], suffix: str) -> Path | None:
    """The table of a recording; that of another signal recorded with it, where its own folder has none."""
    own = [*_inherited(signal, top, entities, suffix, ".tsv")]
    if own:
        return own[-1]
    name = f"{signal.name[: signal.name.rindex('_')]}_{suffix}.tsv"
    beside = (signal.parent.parent / kind / name for kind in KINDS)
    return next((path for path in beside if suffix == "events" and path.is_file()), None)


def _edf(recording: Recording, where: str) -> edf.Opened | Finding:
    """The signal file opened, or why it is not."""
    if not recording.signal.stat().st_size:
        return _say(Reason.EMPTY_FILE, Severity.REFUSE, "a signal file of 0 bytes", "samples", where)
    with recording.signal.open("rb") as stream:
        head = stream.read(512)
    form = vendor.form_of(head)
    if form is not None:
        return vendor.refusal(form).model_copy(update={"where": where})
    if not (edf.recognises(head) or edf.is_bdf(head)):
        return _say(Reason.UNSUPPORTED_FORM, Severity.REFUSE, "no EDF or BDF file", "EDF or BDF", where)
    try:
        return edf.open(recording.signal)
    except edf.HeaderUnreadable as error:
        return _say(error.reason, Severity.REFUSE, error.found, error.wanted, where)


def _sidecar(recording: Recording, signal: edf.Opened | Finding, where: str) -> Iterator[Finding]:
    try:
        stated = number_in(recording.sidecar, "SamplingFrequency")
        length = number_in(recording.sidecar, "RecordingDuration")
    except TableUnreadable as error:
        yield _say(Reason.HEADER_INVALID, Severity.WARN, error.found, error.wanted, f"{where}: sidecar")
        return
    if stated is None:
        found, wanted = "no sampling frequency in a sidecar", "SamplingFrequency"
        yield _say(Reason.HEADER_INVALID, Severity.NOTE, found, wanted, f"{where}: sidecar")
    if isinstance(signal, Finding) or signal.record_s <= 0 or not signal.ordinary:
        return
    rates = {signal.rate_hz(one) for one in signal.ordinary if modality.modality_of(one.label) != "stimulus"}
    if stated is not None and rates and stated not in rates:
        found, wanted = (
            f"a sidecar of {stated:g} Hz",
            f"{modality.numbers_told(rates)} Hz, as the signal file",
        )
        yield _say(Reason.RATE_UNFIT, Severity.WARN, found, wanted, f"{where}: sidecar")
    if length is not None and abs(length - signal.duration_s) > _TOLERANCE_S:
        found, wanted = f"a sidecar of {length:g} s", f"{signal.duration_s:g} s, as the signal file"
        yield _say(Reason.HEADER_INVALID, Severity.WARN, found, wanted, f"{where}: sidecar")


def _channels(recording: Recording, signal: edf.Opened | Finding, where: str) -> Iterator[Finding]:
    place = f"{where}: channels"
    try:
        rows = recording.channel_rows
    except TableUnreadable as error:
        yield _say(Reason.HEADER_INVALID, Severity.WARN, error.found, error.wanted, place)
        return
    names = [row.name for row in rows]
    if len(set(names)) < len(names):
        yield _say(Reason.DUPLICATE, Severity.WARN, "one name several times", "each channel once", place)
    if not rows or isinstance(signal, Finding):
        return
    labels = [one.label.strip() for one in signal.ordinary]
    if names != labels:
        shared = len(set(names) & set(labels))
        found = f"{len(names)} channels, {shared} of them among the {len(labels)} signals of the file"
        yield _say(Reason.CHANNEL_MISSING, Severity.WARN, found, "the signals in their order", place)


def _events(recording: Recording, duration_s: float | None, where: str) -> Iterator[Finding]:
    place = f"{where}: events"
    try:
        rows = recording.event_rows
    except TableUnreadable as error:
        yield _say(Reason.REFERENCE_INVALID, Severity.WARN, error.found, error.wanted, place)
        return
    if duration_s is None:
        return
    late = sum(row.onset_s + (row.duration_s or 0.0) > duration_s + _TOLERANCE_S for row in rows)
    if late:
        found, wanted = f"{late} events that end after the recording", "events within it"
        yield _say(Reason.REFERENCE_INVALID, Severity.WARN, found, wanted, place)


def _counted(recording: Recording) -> int:
    try:
        return len(recording.event_rows)
    except WrongUse:
        return 0


def _entity(recording: Recording, key: str) -> str:
    return next((entity for entity in recording.entities if entity.startswith(f"{key}-")), "")


def _small(path: Path) -> bytes:
    size = path.stat().st_size
    if size > LARGEST:
        raise TableUnreadable(f"{size} bytes", f"at most {LARGEST}")
    return path.read_bytes()


def _say(reason: Reason, severity: Severity, found: str, wanted: str, where: str) -> Finding:
    return Finding(
        reason=reason,
        severity=severity,
        found=found,
        wanted=wanted,
        remedy="Correct the file at its source.",
        where=where,
        source=STANDARD,
    )
