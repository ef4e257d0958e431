"""A glucose trace whose readings are lost or drift; capillary and laboratory values and the reference stay."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from medassay.formats.ivd.trace import Trace, read_trace, trace_name, write_trace
from medassay.measures.perturb_trace import SUITE as SUITE
from medassay.measures.perturbation import Perturbation

LOWEST = 0.1  # mmol/L: no sensor reports less


def disturbed(
    sample: str,
    copy: str,
    files: Mapping[str, bytes],
    how: Perturbation,
    strength: float,
    generator: np.random.Generator,
) -> dict[str, bytes]:
    """The trace without its lost readings; what drifts below 0.1 mmol/L stays there."""
    name = trace_name(files)
    whole = read_trace(files[name])
    changed = how.function(whole.glucose, strength, generator, time_min=whole.time_min)
    kept = np.isfinite(changed)
    trace = Trace(whole.time_min[kept], np.maximum(changed[kept], LOWEST), whole.clipped[kept])
    return {
        other.replace(sample, copy): write_trace(trace) if other == name else content
        for other, content in files.items()
    }
