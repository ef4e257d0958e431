"""A hospital's export of EEG recordings with seizures, its readers' files, and what was planted in it.

Layout: `<site>/<recording>.edf` as the recorders wrote them, `readers/<reader>/<site>/<recording>.edf` for each
reader (annotation-only EDF+). Every site has a recorder, a sampling rate and an encoding of names of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from medassay.core.atomic import write_atomic
from medassay.core.canonical import canonical_json
from medassay.phantoms.eeg.defects import plant
from medassay.phantoms.eeg.people import patient
from medassay.phantoms.eeg.recording import Parameters, encode, put, record, told_of, write_reads

__all__ = ["Parameters", "generate"]


def generate(parameters: Parameters, seed: int, export: Path, truth: Path) -> None:
    """Write the export below `export` and what was planted as one JSON file `truth`."""
    told: list[dict[str, Any]] = []
    for number in range(parameters.subjects):
        rng = np.random.default_rng([seed, number])
        who, site = patient(rng, number), parameters.sites[number % len(parameters.sites)]
        for visit in range(2 if number < parameters.second_recordings else 1):
            one = record(rng, parameters, who, site, visit)
            put(export, one.path, encode(one))
            told.append(told_of(one) | {"reads": write_reads(export, rng, one)})
    defects = plant(parameters, seed, export) if parameters.defects else []
    content = {"seed": seed, "recordings": told, "defects": defects}
    write_atomic(truth, canonical_json(content))
