"""A WFDB record whose leads are disturbed, in the converter's own steps; instants and reference stay."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from medassay.formats.waveform import wfdb_record
from medassay.measures.perturb_ecg import SUITE as SUITE
from medassay.measures.perturbation import Perturbation

RAILS = {"212": (-2047, 2047), "16": (-32767, 32767)}  # the lowest value of a format says "not measured"


def disturbed(
    sample: str,
    copy: str,
    files: Mapping[str, bytes],
    how: Perturbation,
    strength: float,
    generator: np.random.Generator,
) -> dict[str, bytes]:
    """Header and signal of the copy; samples that were not measured stay so, others stop at the format's rails."""
    headers = [name for name in files if name.endswith(".hea")]
    signals = [name for name in files if name.endswith(".dat")]
    header = wfdb_record.read_header(files[headers[0]])
    stored = wfdb_record.decode(header, files[signals[0]])
    measured = wfdb_record.physical_mv(header, stored)
    lost = np.isnan(measured)
    whole = np.where(lost, np.nanmedian(measured, axis=0), measured)
    changed = how.function(whole, strength, generator, rate_hz=float(header.sampling_hz or 1.0))
    steps = np.array(
        [(lead.gain or 1.0) / wfdb_record.MV_PER_UNIT[lead.unit] for lead in header.leads], np.float64
    )
    low, high = RAILS[header.leads[0].form]
    base = np.array([lead.baseline for lead in header.leads])
    written = np.clip(np.rint(changed * steps) + base, low, high).astype(np.int64)
    written[lost] = stored[lost]
    names = tuple(lead.name for lead in header.leads)
    renamed = wfdb_record.renamed(header, copy, names, written)
    return {
        headers[0].replace(sample, copy): wfdb_record.write_header(renamed),
        signals[0].replace(sample, copy): wfdb_record.encode(written, header.leads[0].form),
    }
