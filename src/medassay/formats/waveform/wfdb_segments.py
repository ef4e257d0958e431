"""WFDB records of any form: one or several signal files of any format, in one or several segments.

Every signal is read at its own rate. Skew is undone. What was not measured, lies in a gap, or in a segment that is
not there, is NaN on the clock of the record.

References
----------
WFDB Applications Guide, header(5) and signal(5).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from medassay.core.errors import WrongUse
from medassay.formats.waveform import modality, wfdb_formats
from medassay.formats.waveform.series import FloatArray, Series, window
from medassay.formats.waveform.wfdb_checks import examine
from medassay.formats.waveform.wfdb_folder import Opened, Segment, open, place_of
from medassay.formats.waveform.wfdb_record import recognises


def describe(opened: Opened) -> dict[str, Any]:
    """What a catalogue may say of a record; nothing that identifies."""
    hz = opened.sampling_hz
    present = sum(segment.length for segment in opened.segments if _present(segment))
    forms = {lead.form for segment in opened.segments if segment.header for lead in segment.header.leads}
    return {
        "form": ", ".join(sorted(forms - {wfdb_formats.NULL}, key=lambda form: (len(form), form))) or None,
        "signals": len(opened.leads),
        "modalities": modality.counted((lead.name, lead.unit) for lead in opened.leads),
        "sampling_hz": modality.numbers_told(opened.rate_hz(lead) for lead in opened.leads) if hz else None,
        "duration_s": opened.length / hz if hz and opened.length else None,
        "recorded_s": present / hz if hz and opened.length else None,
        "segments": sum(not segment.gap for segment in opened.segments),
        "gaps": sum(segment.gap for segment in opened.segments),
    }


def samples(opened: Opened, number: int, start_s: float = 0.0, stop_s: float | None = None) -> Series:
    """One signal over a range of time, at its own rate and in its physical unit.

    Raises
    ------
    WrongUse
        When there is no such signal, it has no gain, or the range is none or too long for one call.
    SamplesUnreadable
        When a signal file that is there does not give its samples.
    """
    if not 0 <= number < len(opened.leads) or not opened.sampling_hz > 0:
        raise WrongUse(
            found=f"signal {number} of a record at {opened.sampling_hz:g} Hz",
            wanted=f"one of {len(opened.leads)}, counted from 0, and a rate above 0",
            remedy="Choose another.",
        )
    lead = opened.leads[number]
    rate = opened.rate_hz(lead)
    first, behind = window(start_s, stop_s, rate, opened.length * lead.frame)
    values = np.full(max(behind - first, 0), np.nan)
    for segment in opened.segments:
        begin = segment.first * lead.frame
        low, high = max(first, begin), min(behind, begin + segment.length * lead.frame)
        place = place_of(opened, segment, number)
        if low < high and place is not None:
            values[low - first : high - first] = _physical(segment, place, low - begin, high - begin)
    return Series(lead.name, lead.unit, rate, first / rate, values)


def _present(segment: Segment) -> bool:
    return segment.header is not None and all(group.path.is_file() for group in segment.groups)


def _physical(segment: Segment, place: int, first: int, behind: int) -> FloatArray:
    """Samples `first` to `behind` of a segment's signal, counted in its own samples; NaN where there is none."""
    assert segment.header is not None
    lead = segment.header.leads[place]
    values = np.full(behind - first, np.nan)
    group = next((group for group in segment.groups if place in group.places), None)
    if group is None or lead.form == wfdb_formats.NULL or not group.path.is_file():
        return values
    if lead.gain is None:
        raise WrongUse(
            found="a signal without a gain", wanted="a calibrated one", remedy="Export the record again."
        )
    # A sample at frame t of a skewed signal is stored in frame t + skew.
    begin = first // lead.frame + lead.skew
    end = min(-(-behind // lead.frame) + lead.skew, segment.length)
    if begin >= end:
        return values
    leads = segment.leads_of(group)
    steps = wfdb_formats.frames(group.path, leads, begin, end)[group.places.index(place)]
    steps = steps[first % lead.frame :][: len(values)]
    values[: len(steps)] = (steps - lead.baseline) / lead.gain
    invalid = wfdb_formats.invalid_of(lead.form)
    if invalid is not None:
        values[: len(steps)][steps == invalid] = np.nan
    return values


__all__ = ["Opened", "describe", "examine", "open", "recognises", "samples"]
