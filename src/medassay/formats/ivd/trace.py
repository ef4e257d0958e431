"""The forms in which traces, episodes and alarms pass between rooms and devices.

| form | bytes |
|---|---|
| trace | CSV `time_min,glucose_mmol_per_l,clipped`: minutes from the first reading |
| capillary values | CSV `time_min,glucose_mmol_per_l` on the trace's clock |
| episodes | canonical JSON `medassay.episodes/1`: rules, stretches without a gap, start and end by kind |
| alarms | CSV `time_min,kind`, kind `hypo` or `hyper` |
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import FiniteFloat, ValidationError

from medassay.core.canonical import canonical_json
from medassay.core.errors import WrongUse
from medassay.core.record import Record
from medassay.tasks.alarms import KINDS, EpisodeRules, Kind, episodes, segments

FloatArray = NDArray[np.float64]

TRACE_SUFFIX, CAPILLARY_SUFFIX, LABORATORY_SUFFIX = ".csv", ".cbg.csv", ".lab.json"
TRACE_HEADER = "time_min,glucose_mmol_per_l,clipped"
CAPILLARY_HEADER = "time_min,glucose_mmol_per_l"
ALARM_HEADER = "time_min,kind"


@dataclass(frozen=True)
class Trace:
    time_min: FloatArray
    glucose: FloatArray  # mmol/L
    clipped: NDArray[np.bool_]


class Episodes(Record):
    """The reference of one trace."""

    schema_id: str = "medassay.episodes/1"
    rules: dict[str, FiniteFloat]
    covered: tuple[tuple[FiniteFloat, FiniteFloat], ...]
    hypo: tuple[tuple[FiniteFloat, FiniteFloat], ...]
    hyper: tuple[tuple[FiniteFloat, FiniteFloat], ...]

    def of(self, kind: Kind) -> FloatArray:
        return _pairs(self.hypo if kind == "hypo" else self.hyper)

    def stretches(self) -> FloatArray:
        return _pairs(self.covered)


def number(value: float) -> str:
    """At most two decimals, none that are zero.

    Examples
    --------
    >>> number(20160.0), number(5.6), number(2.25)
    ('20160', '5.6', '2.25')
    """
    return f"{value:.2f}".rstrip("0").rstrip(".")


def write_trace(trace: Trace) -> bytes:
    rows = zip(trace.time_min.tolist(), trace.glucose.tolist(), trace.clipped.tolist(), strict=True)
    lines = [f"{number(t)},{number(g)},{int(c)}" for t, g, c in rows]
    return "\n".join([TRACE_HEADER, *lines, ""]).encode("ascii")


def write_capillary(time_min: FloatArray, glucose: FloatArray) -> bytes:
    lines = [f"{number(t)},{number(g)}" for t, g in zip(time_min.tolist(), glucose.tolist(), strict=True)]
    return "\n".join([CAPILLARY_HEADER, *lines, ""]).encode("ascii")


def read_trace(content: bytes) -> Trace:
    """Read what `write_trace` wrote.

    Raises
    ------
    WrongUse
        When the bytes are no trace.
    """
    columns = _columns(content, TRACE_HEADER, "trace")
    values = np.array([[_float(cell, "trace") for cell in row] for row in columns], dtype=np.float64).reshape(
        -1, 3
    )
    return Trace(values[:, 0], values[:, 1], values[:, 2] != 0)


def trace_among(samples: Mapping[str, bytes]) -> Trace:
    """The trace among a sample's public files.

    Raises
    ------
    WrongUse
        When there is none, or more than one.
    """
    return read_trace(samples[trace_name(samples)])


def trace_name(samples: Mapping[str, bytes]) -> str:
    """The name of the one file that holds the trace."""
    names = [name for name in samples if name.endswith(TRACE_SUFFIX) and not name.endswith(CAPILLARY_SUFFIX)]
    if len(names) != 1:
        raise WrongUse(
            found=f"{len(names)} traces",
            wanted="one file with the sample's trace",
            remedy="Ingest the sample again, or name the folder of its files.",
        )
    return names[0]


def episodes_of(trace: Trace, rules: EpisodeRules) -> Episodes:
    """The episodes of a trace by rule."""
    found = {
        kind: tuple((float(a), float(b)) for a, b in episodes(trace.time_min, trace.glucose, kind, rules))
        for kind in KINDS
    }
    covered = segments(trace.time_min, gap_min=rules.gap_min)
    return Episodes(rules=asdict(rules), covered=tuple((float(a), float(b)) for a, b in covered), **found)


def write_episodes(reference: Episodes) -> bytes:
    return canonical_json(reference.model_dump(mode="json")) + b"\n"


def read_episodes(content: bytes) -> Episodes:
    """Read a reference.

    Raises
    ------
    WrongUse
        When the bytes are no such reference.
    """
    try:
        reference = Episodes.model_validate(json.loads(content))
    except (ValueError, ValidationError):
        raise _no("reference of episodes", "JSON in the form medassay.episodes/1") from None
    if reference.schema_id != "medassay.episodes/1":
        raise _no("reference of episodes", "the form medassay.episodes/1")
    return reference


def write_alarms(alarms: Mapping[Kind, Sequence[float]]) -> bytes:
    rows = sorted((float(t), kind) for kind, times in alarms.items() for t in times)
    return "\n".join([ALARM_HEADER, *(f"{number(t)},{kind}" for t, kind in rows), ""]).encode("ascii")


def read_alarms(content: bytes) -> dict[Kind, FloatArray]:
    """Times of the alarms by kind; a kind without alarms has an empty array.

    Raises
    ------
    WrongUse
        When the header, a time or a kind is not as the form wants it.
    """
    found: dict[Kind, list[float]] = {kind: [] for kind in KINDS}
    for time, kind in _columns(content, ALARM_HEADER, "alarm"):
        if kind not in ("hypo", "hyper"):
            raise _no("alarm", "kind 'hypo' or 'hyper'")
        found["hypo" if kind == "hypo" else "hyper"].append(_float(time, "alarm"))
    return {kind: np.array(times, dtype=np.float64) for kind, times in found.items()}


def _columns(content: bytes, header: str, what: str) -> list[list[str]]:
    try:
        lines = content.decode("utf-8-sig").split()
    except UnicodeDecodeError:
        raise _no(what, "text in UTF-8") from None
    width = header.count(",") + 1
    rows = [line.split(",") for line in lines[1:]]
    if not lines or lines[0] != header or any(len(row) != width for row in rows):
        raise _no(what, f"lines of {width} values below the header '{header}'")
    return rows


def _float(cell: str, what: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        raise _no(what, "numbers") from None
    if not np.isfinite(value):
        raise _no(what, "finite numbers")
    return value


def _no(what: str, wanted: str) -> WrongUse:
    return WrongUse(
        found=f"bytes that are no {what}", wanted=wanted, remedy="Correct the file, or whoever wrote it."
    )


def _pairs(values: Sequence[tuple[float, float]]) -> FloatArray:
    return np.array(values, dtype=np.float64).reshape(-1, 2)
