"""Ambulatory ECG recordings of three invented hospitals, with premature beats, two readers and planted defects.

Each hospital writes WFDB records in its own way: folder, record names, comments, character set, leads. The
truth file says what was planted and how it has to end; it is written outside the export.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from pydantic import Field

from medassay.core.atomic import write_atomic
from medassay.core.specs import Spec
from medassay.formats.waveform.wfdb_annotation import write_annotations
from medassay.phantoms.ecg import defects, readers
from medassay.phantoms.ecg.exported import Exported, export
from medassay.phantoms.ecg.heart import heart, record
from medassay.phantoms.ecg.people import SITES, Person, person, visit


class Parameters(Spec):
    """What a dataset spec may turn."""

    subjects: int = Field(default=40, ge=1, description="persons with a sound recording")
    minutes: float = Field(default=10, gt=0, description="length of a recording")
    sampling_hz: float = Field(default=360, gt=100)
    subtlety: float = Field(default=0.5, ge=0, le=1, description="share of persons with narrow V beats")
    aberrancy: float = Field(
        default=0.4, ge=0, le=1, description="share of persons with atrial beats that look like V beats"
    )
    noise: float = Field(default=1.5, ge=0, description="factor on every site's noise")
    defects: bool = Field(default=True, description="plant one recording of each defect")
    arbitrate_below: dict[str, float] = Field(
        default={"QRS": 0.98, "V": 0.9, "S": 0.8},
        description="agreement of the two readers below which the arbitrator reads too",
    )


def generate(parameters: Parameters, seed: int, export: Path, truth: Path) -> None:
    """Write the export below `export` and what was planted to the file `truth`.

    Same parameters and seed: same bytes.
    """
    samples = [
        _write(_recording(parameters, seed, k), parameters, seed, export) for k in range(parameters.subjects)
    ]
    planted = defects.plant(parameters, seed, export, _recording, _write) if parameters.defects else []
    record_of_truth = {
        "schema": "medassay.phantom.ecg/1",
        "seed": seed,
        "parameters": parameters.model_dump(mode="json"),
        "samples": samples,
        "defects": planted,
    }
    text = json.dumps(record_of_truth, ensure_ascii=False, indent=1, sort_keys=True)
    write_atomic(truth, text.encode() + b"\n")


def _recording(
    parameters: Parameters, seed: int, number: int, *, who: Person | None = None, site: int | None = None,
    minutes: float | None = None, child: bool = False,
) -> Exported:  # fmt: skip
    """One sound recording; its own stream of random numbers makes it the same whatever stands beside it."""
    generator, named = np.random.default_rng([seed, number]), np.random.default_rng([seed, number, 1])
    of = SITES[number % len(SITES) if site is None else site]
    one = who or person(named, child=child)
    strip = record(
        heart(generator, subtlety=parameters.subtlety, aberrancy=parameters.aberrancy),
        generator,
        seconds=60 * (minutes or parameters.minutes),
        sampling_hz=parameters.sampling_hz,
        noise=of.noise * parameters.noise,
    )
    return Exported.of(visit(one, of, number, named), strip, parameters.sampling_hz)


def _write(one: Exported, parameters: Parameters, seed: int, folder: Path) -> dict[str, object]:
    """The record and its readers' files; what the truth file says of it."""
    generator = np.random.default_rng([seed, 77, one.number])
    export(one, folder)
    hz, length = parameters.sampling_hz, len(one.strip.signal_mv)
    first = readers.read(one.strip, readers.FIRST, generator, hz)
    tired = generator.random() < 0.12
    second = readers.read(one.strip, readers.TIRED if tired else readers.SECOND, generator, hz)
    agreed = readers.agreement(first, second, hz, length)
    files = {"R1": first, "R2": second}
    if any(agreed.get(name, 1.0) < limit for name, limit in parameters.arbitrate_below.items()):
        files["ARB"] = readers.read(one.strip, readers.ARBITRATOR, generator, hz)
    for name, marks in files.items():
        write_atomic(folder / "readers" / name / f"{one.key}.atr", write_annotations(marks))
    return {
        "key": one.key,
        "site": one.visit.site.folder,
        "person": f"{one.visit.person.name}|{one.visit.person.born.isoformat()}|{one.visit.person.sex}",
        "sex": one.visit.person.sex,
        "arbitrated": "ARB" in files,
        "beats": {name: one.strip.symbols.count(name) for name in sorted(set(one.strip.symbols))},
    }
