"""A recording as its hospital writes it: header with comments and clock, signal file in format 212."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medassay.core.atomic import write_atomic
from medassay.formats.waveform import wfdb_record
from medassay.phantoms.ecg.heart import Strip
from medassay.phantoms.ecg.people import Visit, clock, comments

IntArray = NDArray[np.int64]

GAIN, ZERO, BITS = 200.0, 1024, 11


@dataclass(frozen=True)
class Exported:
    """What stands in the files. `samples` are those of the converter, leads in the file's order."""

    visit: Visit
    strip: Strip
    samples: IntArray
    leads: tuple[str, ...]
    sampling_hz: float
    gain: float = GAIN
    unit: str = "mV"
    form: str = "212"

    @classmethod
    def of(cls, visit: Visit, strip: Strip, sampling_hz: float) -> Exported:
        order = (1, 0) if visit.site.swapped else (0, 1)
        samples = np.rint(strip.signal_mv[:, order] * GAIN).astype(np.int64) + ZERO
        return cls(
            visit,
            strip,
            samples.clip(0, 2 * ZERO - 1),
            tuple(visit.site.leads[k] for k in order),
            sampling_hz,
        )

    @property
    def key(self) -> str:
        """Folder and name of the record."""
        return f"{self.visit.site.folder}/{self.visit.record}"

    @property
    def number(self) -> int:
        """The running number that the patient's id was made of."""
        return (int(self.visit.patient_id) - 100_000) // 37


def header_bytes(one: Exported) -> bytes:
    """The hospital's header: record line with a clock, signal lines, comments in its own character set."""
    name = one.visit.record
    sums = wfdb_record.checksum_of(one.samples)
    hz = int(one.sampling_hz) if one.sampling_hz == int(one.sampling_hz) else one.sampling_hz
    gain = int(one.gain) if one.gain == int(one.gain) else one.gain
    lines = [f"{name} {len(one.leads)} {hz} {len(one.samples)} {clock(one.visit)}"]
    lines += [
        f"{name}.dat {one.form} {gain}({ZERO})/{one.unit} {BITS} {ZERO} {one.samples[0, k]} {sums[k]} 0 {lead}"
        for k, lead in enumerate(one.leads)
    ]
    return "\n".join([*lines, ""]).encode("ascii") + comments(one.visit)


def signal_bytes(one: Exported) -> bytes:
    return wfdb_record.encode(one.samples, one.form)


def export(one: Exported, folder: Path) -> None:
    """Write both files of the record."""
    write_atomic(folder / f"{one.key}.hea", header_bytes(one))
    write_atomic(folder / f"{one.key}.dat", signal_bytes(one))
