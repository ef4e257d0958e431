"""One recording of each defect that hospital exports have, and how each has to end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from medassay.core.atomic import write_atomic
from medassay.core.findings import Reason
from medassay.formats.waveform.wfdb_annotation import read_annotations, write_annotations
from medassay.phantoms.ecg.exported import GAIN, ZERO, Exported, export, header_bytes, signal_bytes
from medassay.phantoms.ecg.people import SITES

Planted = dict[str, object]
Make = Callable[..., Exported]
Write = Callable[..., dict[str, object]]

FIRST_NUMBER = 900  # numbers of defective recordings; sound ones begin at 0


def plant(parameters: Any, seed: int, folder: Path, make: Make, write: Write) -> list[Planted]:
    """Write all of them; each row says kind, file, the stage at which it ends, and the reason it ends with."""
    planted: list[Planted] = []
    for place, (kind, stage, reason, change) in enumerate(_CHANGES):
        one = make(parameters, seed, FIRST_NUMBER + place)
        write(one, parameters, seed, folder)
        export(change(one), folder)
        planted.append(_row(kind, one.key, stage, reason))
    after = FIRST_NUMBER + len(_CHANGES)
    others = (_truncated, _short, _child, _duplicate, _two_ids, _label_outside, _label_missing, _strangers)
    for place, other in enumerate(others):
        made = lambda *, _n=after + 2 * place, plus=0, **more: make(parameters, seed, _n + plus, **more)  # noqa: E731 - a closure over the place in the loop
        planted += other(made, lambda one: write(one, parameters, seed, folder), folder)
    return planted


def _row(kind: str, key: str, stage: str, reason: Reason | None, **more: object) -> Planted:
    return {"kind": kind, "key": key, "stage": stage, "reason": reason.value if reason else None, **more}


def _flat(one: Exported) -> Exported:
    samples = one.samples.copy()
    samples[len(samples) // 5 :, 0] = samples[len(samples) // 5, 0]
    return replace(one, samples=samples)


def _clipped(one: Exported) -> Exported:
    low, high = np.quantile(one.samples, [0.01, 0.985], axis=0).astype(np.int64)
    return replace(one, samples=one.samples.clip(low, high))


def _mains(one: Exported) -> Exported:
    time = np.arange(len(one.samples)) / one.sampling_hz
    hum = np.rint(0.35 * GAIN * np.sin(2 * np.pi * 50 * time)).astype(np.int64)
    return replace(one, samples=(one.samples + hum[:, None]).clip(0, 2 * ZERO - 1))


def _one_lead(one: Exported) -> Exported:
    return replace(one, samples=one.samples[:, :1], leads=one.leads[:1])


# Kind, stage at which it ends, its reason there, and what is changed in a sound recording.
_CHANGES: tuple[tuple[str, str, Reason, Callable[[Exported], Exported]], ...] = (
    ("flat lead", "gate", Reason.SIGNAL_FLAT, _flat),
    ("clipped lead", "gate", Reason.SIGNAL_CLIPPED, _clipped),
    ("mains noise", "gate", Reason.SIGNAL_NOISY, _mains),
    ("wrong unit", "gate", Reason.UNIT_IMPLAUSIBLE, lambda one: replace(one, unit="uV")),
    ("decimal slip", "gate", Reason.VALUE_IMPLAUSIBLE, lambda one: replace(one, gain=GAIN / 10)),
    ("wrong sampling rate", "gate", Reason.RATE_UNFIT, lambda one: replace(one, sampling_hz=250.0)),
    ("missing lead", "gate", Reason.CHANNEL_MISSING, _one_lead),
    ("unknown unit", "take_in", Reason.UNIT_UNKNOWN, lambda one: replace(one, unit="mmHg")),
    ("no gain", "take_in", Reason.CALIBRATION_IMPOSSIBLE, lambda one: replace(one, gain=0.0)),
)


def _truncated(make: Make, write: Write, folder: Path) -> list[Planted]:
    one = make()
    write(one)
    content = signal_bytes(one)
    write_atomic(folder / f"{one.key}.dat", content[: len(content) * 2 // 3])
    return [_row("truncated file", one.key, "take_in", Reason.TRUNCATED)]


def _short(make: Make, write: Write, folder: Path) -> list[Planted]:
    del folder
    one = make(minutes=2.0)
    write(one)
    return [_row("short recording", one.key, "gate", Reason.LIMIT_EXCEEDED)]


def _child(make: Make, write: Write, folder: Path) -> list[Planted]:
    del folder
    one = make(child=True)
    write(one)
    return [_row("child", one.key, "cohort", Reason.OUTSIDE_COHORT)]


def _duplicate(make: Make, write: Write, folder: Path) -> list[Planted]:
    """The same signal under another id at another site, in format 16, the leads exchanged, at double gain."""
    one = make(site=0)
    write(one)
    other = replace(make(site=2, plus=1), strip=one.strip)
    write(other)
    copy = replace(other, samples=(one.samples[:, ::-1] - ZERO) * 2 + ZERO, gain=2 * GAIN, form="16")
    export(copy, folder)
    return [_row("duplicate under another id", copy.key, "ingest", Reason.DUPLICATE, of=one.key)]


def _two_ids(make: Make, write: Write, folder: Path) -> list[Planted]:
    """One person at two sites; one writes UTF-8, the other GBK bytes without saying so."""
    del folder
    one = make(site=0)
    other = make(site=1, plus=1, who=one.visit.person)
    for visit in (one, other):
        write(visit)
    return [_row("one patient under two ids", other.key, "ingest", None, of=one.key)]


def _label_outside(make: Make, write: Write, folder: Path) -> list[Planted]:
    """Both readers annotated a longer export of which the last part was cut off."""
    one = make()
    write(one)
    shorter = replace(one, samples=one.samples[: len(one.samples) * 96 // 100])
    export(shorter, folder)
    return [_row("label outside the recording", one.key, "annotate", Reason.REFERENCE_INVALID)]


def _label_missing(make: Make, write: Write, folder: Path) -> list[Planted]:
    one = make()
    write(one)
    for reader in ("R2", "ARB"):
        (folder / "readers" / reader / f"{one.key}.atr").unlink(missing_ok=True)
    return [_row("missing label", one.key, "annotate", Reason.REFERENCE_MISSING)]


def _strangers(make: Make, write: Write, folder: Path) -> list[Planted]:
    """Files that are no recordings: a letter, an empty file, a header alone, a read of nothing."""
    del write
    one = make()
    site, name = SITES[0].folder, one.visit.person.name
    letter = f"病人{name}，出院小结\n".encode("gb18030")
    write_atomic(folder / site / "letter.txt", letter)
    write_atomic(folder / site / "empty.dat", b"")
    write_atomic(folder / f"{one.key}.hea", header_bytes(one))
    first = next((folder / "readers" / "R1").rglob("*.atr"))
    write_atomic(
        folder / "readers" / "R1" / site / "nobody.atr",
        write_annotations(read_annotations(first.read_bytes())),
    )
    return [
        _row("letter", f"{site}/letter.txt", "assemble", Reason.UNKNOWN_FORMAT),
        _row("empty file", f"{site}/empty.dat", "assemble", Reason.EMPTY_FILE),
        _row("header without signal", f"{one.key}.hea", "assemble", Reason.IMAGE_MISSING),
        _row("read of no recording", f"readers/R1/{site}/nobody.atr", "assemble", Reason.IMAGE_MISSING),
    ]


__all__ = ["plant"]
