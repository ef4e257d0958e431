"""Write EDF and EDF+C files in one form."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from medassay.formats.waveform.edf import ANNOTATIONS, Int16Array, Signal
from medassay.formats.waveform.edf_fields import FILE_FIELDS, FIXED, SIGNAL_FIELDS, number, padded
from medassay.formats.waveform.edf_marks import Mark, records_of


def write(
    *,
    patient: bytes,
    recording: bytes,
    start: datetime.datetime,
    record_s: float,
    signals: Sequence[tuple[Signal, Int16Array]],
    marks: Sequence[Mark] = (),
    form: Literal["EDF+C", ""] = "EDF+C",
) -> bytes:
    """One file: continuous, samples as given, with time-keeping and the given annotations in EDF+.

    Parameters
    ----------
    recording : bytes
        Its field; the short start date is `start`'s, or "yy" for a year that two digits cannot tell.
    signals : sequence of (Signal, samples)
        Whole data records of `per_record` samples each. Without any, the file holds annotations only.
    """
    records = len(signals[0][1]) // signals[0][0].per_record if signals else 1
    blocks = [samples.astype("<i2").reshape(records, one.per_record) for one, samples in signals]
    headers = [one for one, _ in signals]
    if form:
        texts = records_of(marks, records, record_s if signals else 0.0)
        width = max(2 * math.ceil(max(map(len, texts)) / 2), 32)
        raw = b"".join(text.ljust(width, b"\x00") for text in texts)
        blocks.append(np.frombuffer(raw, dtype="<i2").reshape(records, -1))
        headers.append(Signal(ANNOTATIONS, "", -1, 1, -32768, 32767, width // 2))
    year = f"{start:%y}" if 1985 <= start.year <= 2084 else "yy"
    values: dict[str, bytes] = {
        "version": b"0",
        "patient": patient,
        "recording": recording,
        "startdate": f"{start:%d.%m.}{year}".encode(),
        "starttime": f"{start:%H.%M.%S}".encode(),
        "header_bytes": str(FIXED * (len(headers) + 1)).encode(),
        "reserved": form.encode(),
        "records": str(records).encode(),
        "record_s": number(record_s if signals else 0).encode(),
        "signals": str(len(headers)).encode(),
    }
    head = b"".join(padded(values[name], width) for name, width in FILE_FIELDS)
    for name, width in SIGNAL_FIELDS:
        head += b"".join(padded(_encoded(getattr(one, name)), width) for one in headers)
    return head + np.concatenate(blocks, axis=1).tobytes()


def _encoded(value: str | float) -> bytes:
    return value.encode("latin-1") if isinstance(value, str) else number(value).encode()
