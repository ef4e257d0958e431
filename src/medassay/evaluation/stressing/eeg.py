"""An EDF file whose channels are disturbed, in the converter's own steps; header, annotations and reference stay."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from medassay.formats.waveform import edf_header
from medassay.formats.waveform.edf import ANNOTATIONS
from medassay.measures.perturb_eeg import SUITE as SUITE
from medassay.measures.perturbation import Perturbation


def disturbed(
    sample: str,
    copy: str,
    files: Mapping[str, bytes],
    how: Perturbation,
    strength: float,
    generator: np.random.Generator,
) -> dict[str, bytes]:
    """All channels of the most common rate are disturbed together; values stop at the converter's rails."""
    return {
        name.replace(sample, copy): _changed(content, how, strength, generator)
        if name.endswith(".edf")
        else content
        for name, content in files.items()
    }


def _changed(content: bytes, how: Perturbation, strength: float, generator: np.random.Generator) -> bytes:
    opened = edf_header.open(content)
    starts = np.cumsum([0, *(one.per_record for one in opened.signals)])
    sizes = [one.per_record for one in opened.signals if one.label != ANNOTATIONS]
    usual = max(set(sizes), key=sizes.count)
    chosen = [
        place
        for place, one in enumerate(opened.signals)
        if one.per_record == usual and one.label != ANNOTATIONS
    ]
    size = opened.header_bytes + opened.records * int(starts[-1]) * opened.sample_bytes
    stored = np.frombuffer(content[opened.header_bytes : size], "<i2").copy()
    records = stored.reshape(opened.records, int(starts[-1]))
    columns, scales = [], []
    for place in chosen:
        one = opened.signals[place]
        step = (one.physical_max - one.physical_min) / (one.digital_max - one.digital_min)
        raw = records[:, starts[place] : starts[place + 1]].reshape(-1)
        columns.append((raw - one.digital_min) * step + one.physical_min)
        scales.append((step, one))
    changed = how.function(np.column_stack(columns), strength, generator, rate_hz=usual / opened.record_s)
    for column, place, (step, one) in zip(changed.T, chosen, scales, strict=True):
        raw = np.rint((column - one.physical_min) / step) + one.digital_min
        limits = sorted((one.digital_min, one.digital_max))
        records[:, starts[place] : starts[place + 1]] = np.clip(raw, limits[0], limits[1]).reshape(
            opened.records, -1
        )
    return bytes(content[: opened.header_bytes]) + stored.tobytes() + bytes(content[size:])
