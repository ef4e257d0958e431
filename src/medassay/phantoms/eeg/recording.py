"""One recording of the phantom: drawn, and written as a site's recorder and its readers write it."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from medassay.core.specs import Spec
from medassay.formats.waveform.edf import Int16Array, Signal
from medassay.formats.waveform.edf_marks import Mark
from medassay.formats.waveform.edf_writer import write
from medassay.formats.waveform.electrodes import OLDER_NAMES, TEN_TWENTY
from medassay.phantoms.eeg.people import Patient, date_text
from medassay.phantoms.eeg.readers import ARBITRATOR, READERS, Interval, differ
from medassay.phantoms.eeg.signals import POSITIONS, Scene, Seizure, Wave, synthesise

EPOCH = datetime.datetime(2019, 3, 1, 8, 0, 0)
APART_S = 150  # between two seizures, so that SzCORE's rules keep them apart
NOTES = (b"eyes closed", b"eyes open", b"hyperventilation")


class Site(Spec):
    """One hospital: its recorder, and how its recordings look."""

    folder: str
    equipment: str
    rate_hz: int = Field(ge=160)
    encoding: str = Field(description="of patient names: ascii, utf-8, gbk, gb18030")
    background_uv: float = Field(gt=0)
    mains_uv: float = Field(ge=0)
    artefacts_per_minute: float = Field(ge=0)
    older_names: bool = Field(default=False, description="electrodes as T3, T4, T5, T6")


class Parameters(Spec):
    """Size and difficulty of the phantom."""

    subjects: int = Field(ge=3)
    second_recordings: int = Field(ge=0, description="subjects with two recordings")
    shortest_s: int = Field(ge=60)
    longest_s: int = Field(ge=60)
    most_seizures: int = Field(ge=1)
    seizure_free_share: float = Field(ge=0, le=1)
    amplitude_uv: float = Field(gt=0, description="median amplitude of a discharge")
    amplitude_spread: float = Field(ge=0, description="standard deviation of its logarithm")
    slow_bursts_per_minute: float = Field(ge=0)
    sites: tuple[Site, ...] = Field(min_length=2)
    defects: bool = True


@dataclass(frozen=True)
class Recording:
    """One recording before it is written."""

    who: Patient
    code: str
    site: Site
    name: str
    start: datetime.datetime
    wave: Wave = field(repr=False)
    seizures: tuple[Seizure, ...]
    bursts: tuple[Interval, ...]

    @property
    def path(self) -> str:
        return f"{self.site.folder}/{self.name}.edf"

    @property
    def duration_s(self) -> int:
        return int(self.wave.shape[1] // self.site.rate_hz)


def record(
    rng: np.random.Generator,
    parameters: Parameters,
    who: Patient,
    site: Site,
    visit: int = 0,
    *,
    duration_s: int | None = None,
) -> Recording:
    """One recording of one patient at one site."""
    length = duration_s or int(rng.integers(parameters.shortest_s, parameters.longest_s + 1))
    seizures = _seizures(rng, parameters, length)
    scene = Scene(
        rate_hz=site.rate_hz,
        duration_s=length,
        seizures=seizures,
        background_uv=site.background_uv * float(rng.uniform(0.8, 1.25)),
        alpha_uv=float(rng.uniform(4, 14)),
        mains_uv=site.mains_uv,
        artefacts_per_minute=site.artefacts_per_minute,
        slow_bursts_per_minute=parameters.slow_bursts_per_minute,
    )
    wave, bursts = synthesise(rng, scene)
    days, seconds = int(rng.integers(0, 1400)), int(rng.integers(0, 30_000))
    return Recording(
        who=who,
        code=f"H{7_000_000 + 37 * who.number}",
        site=site,
        name=f"EEG{who.number:04d}-{visit + 1}",
        start=EPOCH + datetime.timedelta(days=days, seconds=seconds),
        wave=wave,
        seizures=seizures,
        bursts=tuple(bursts),
    )


def encode(
    one: Recording,
    *,
    record_s: int = 1,
    unit: str = "uV",
    reverse: bool = False,
    scale: Sequence[float] = (1.0,) * len(TEN_TWENTY),
) -> bytes:
    """The recording as its site's recorder writes it; `scale` is a slip in the calibration of each signal."""
    signals: list[tuple[Signal, Int16Array]] = []
    for name, wave, factor in zip(TEN_TWENTY, one.wave, scale, strict=True):
        true = Signal("", unit, -3276.8, 3276.7, -32768, 32767, one.site.rate_hz * record_s)
        written = Signal(
            label=f"EEG {_label(name, one.site)}-Ref",
            unit=unit,
            physical_min=round(true.physical_min * factor, 2),
            physical_max=round(true.physical_max * factor, 2),
            digital_min=-32768,
            digital_max=32767,
            per_record=one.site.rate_hz * record_s,
            transducer="AgAgCl electrode",
            prefilter="HP:0.3Hz LP:70Hz",
        )
        whole = wave[: len(wave) // written.per_record * written.per_record]
        signals.append((written, true.to_digital(whole.astype(np.float64))))
    notes = [Mark(20.0 * (i + 1), None, text) for i, text in enumerate(NOTES)]
    notes.append(Mark(5.0, None, f"家属 {one.who.chinese} 来电 {one.code}".encode()))
    return write(
        patient=one.who.field(one.code, encoding=one.site.encoding),
        recording=_recording_field(one),
        start=one.start,
        record_s=record_s,
        signals=signals[::-1] if reverse else signals,
        marks=notes,
    )


def write_reads(
    export: Path, rng: np.random.Generator, one: Recording, *, shift_s: float = 0.0, arbitrate: bool = True
) -> dict[str, list[Interval]]:
    """Write what both readers marked, and the arbitrator's file where they differ; give what was written."""
    reads = {r.name: r.read(rng, one.seizures, one.bursts, one.duration_s) for r in READERS}
    if arbitrate and differ(*reads.values()):
        reads[ARBITRATOR.name] = ARBITRATOR.read(rng, one.seizures, one.bursts, one.duration_s)
    for name, intervals in reads.items():
        moved = [(start + shift_s, end + shift_s) for start, end in intervals]
        put(export, f"readers/{name}/{one.path}", encode_read(one, moved))
    return reads


def encode_read(
    one: Recording, intervals: Sequence[Interval], start: datetime.datetime | None = None
) -> bytes:
    """A reader's annotation-only EDF+ file."""
    return write(
        patient=one.who.field(one.code, encoding=one.site.encoding),
        recording=_recording_field(one),
        start=start or one.start,
        record_s=0,
        signals=[],
        marks=[Mark(a, round(b - a, 1), b"Seizure") for a, b in intervals],
    )


def told_of(one: Recording) -> dict[str, Any]:
    """The truth of one recording."""
    return {
        "file": one.path,
        "subject": one.who.number,
        "duration_s": one.duration_s,
        "seizures": [
            {"onset_s": s.onset_s, "duration_s": s.duration_s, "amplitude_uv": s.amplitude_uv}
            for s in one.seizures
        ],
    }


def _seizures(rng: np.random.Generator, parameters: Parameters, length_s: int) -> tuple[Seizure, ...]:
    if rng.random() < parameters.seizure_free_share:
        return ()
    found = []
    clock = float(rng.uniform(20, 120))
    for _ in range(int(rng.integers(1, parameters.most_seizures + 1))):
        duration = float(rng.uniform(18, 75))
        if clock + duration > length_s - 10:
            break
        start_hz = float(rng.uniform(5, 11))
        found.append(
            Seizure(
                onset_s=round(clock, 1),
                duration_s=round(duration, 1),
                amplitude_uv=round(
                    parameters.amplitude_uv * float(np.exp(rng.normal(0, parameters.amplitude_spread))), 1
                ),
                start_hz=start_hz,
                end_hz=start_hz * float(rng.uniform(0.35, 0.65)),
                focus=int(rng.integers(len(POSITIONS))),
            )
        )
        clock += duration + APART_S + float(rng.uniform(0, 120))
    return tuple(found)


def _label(name: str, site: Site) -> str:
    older = {new: old for old, new in OLDER_NAMES.items()}
    return older.get(name, name) if site.older_names else name


def _recording_field(one: Recording) -> bytes:
    return (
        f"Startdate {date_text(one.start.date())} EEG-{one.code} Phantomine_T {one.site.equipment}".encode()
    )


def put(export: Path, relative: str, content: bytes) -> None:
    path = export / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
