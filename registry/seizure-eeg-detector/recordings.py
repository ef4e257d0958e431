"""Read the recordings and references of a sample list: EDF by the widths of its header, SzCORE event tables."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

WIDTHS = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)  # label ... samples in a record, reserved


class Unreadable(ValueError):
    """A recording that this device cannot work on."""


@dataclass
class Recording:
    """Microvolts, shape (channels, samples)."""

    wave: np.ndarray
    rate_hz: float
    started: str

    @property
    def seconds(self) -> int:
        return int(self.wave.shape[1] / self.rate_hz)

    @property
    def duration_s(self) -> float:
        return float(self.wave.shape[1] / self.rate_hz)


def rows(folder: Path) -> list[dict[str, Any]]:
    """The lines of `samples.jsonl`."""
    return [json.loads(line) for line in (folder / "samples.jsonl").read_text("utf-8").splitlines() if line]


def read_recording(path: Path) -> Recording:
    content = path.read_bytes()
    count, records = int(content[252:256]), int(content[236:244])
    record_s = float(content[244:252])
    columns, position = [], 256
    for width in WIDTHS:
        columns.append([content[position + width * i : position + width * (i + 1)] for i in range(count)])
        position += width * count
    sizes = [int(value) for value in columns[8]]
    steps = np.frombuffer(content, dtype="<i2", offset=position, count=records * sum(sizes))
    blocks, start, waves = steps.reshape(records, -1), 0, []
    for number, size in enumerate(sizes):
        if not columns[0][number].startswith(b"EDF Annotations"):
            low, high, least, most = (float(columns[i][number]) for i in (3, 4, 5, 6))
            gain = (high - low) / (most - least)
            waves.append((blocks[:, start : start + size].ravel() - least) * gain + low)
        start += size
    if not waves or len({len(wave) for wave in waves}) != 1:
        raise Unreadable("no channels of one rate")
    rate_hz = len(waves[0]) / (records * record_s)
    if rate_hz < 160 or records * record_s < 60:
        raise Unreadable(f"{records * record_s:g} s at {rate_hz:g} Hz; at least 60 s at 160 Hz are needed")
    return Recording(np.array(waves, dtype=np.float32), rate_hz, _started(content))


def read_reference(path: Path) -> list[tuple[float, float]]:
    """Start and end of each seizure in seconds."""
    with path.open(encoding="utf-8", newline="") as stream:
        table = list(csv.DictReader(stream, delimiter="\t"))
    return [
        (float(row["onset"]), float(row["onset"]) + float(row["duration"]))
        for row in table
        if row["eventType"].startswith("sz")
    ]


def write_events(path: Path, events: list[tuple[float, float, float]], recording: Recording) -> None:
    """Start, end and confidence of each event; a recording without one says so by a background row."""
    names = ("onset", "duration", "eventType", "confidence", "channels", "dateTime", "recordingDuration")
    length = f"{recording.duration_s:.3f}"
    lines = [
        (f"{start:.3f}", f"{end - start:.3f}", "sz", f"{sure:.3f}", "n/a", recording.started, length)
        for start, end, sure in events
    ] or [("0.000", length, "bckg", "n/a", "n/a", recording.started, length)]
    path.write_text("\n".join("\t".join(line) for line in (names, *lines)) + "\n", encoding="utf-8")


def _started(content: bytes) -> str:
    """The start as the event table writes it; "n/a" where the header withholds it."""
    parts = content[88:168].decode("ascii", "replace").split()
    months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
    date = parts[1].split("-") if len(parts) > 1 else []
    if len(date) != 3 or date[1] not in months:
        return "n/a"
    clock = content[176:184].decode("ascii", "replace").replace(".", ":")
    return f"{date[2]}-{months.index(date[1]) + 1:02d}-{date[0]} {clock}"
