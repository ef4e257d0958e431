"""Prediction: a submission answers a set of samples in the room, and what it hands back is read with care."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from medassay.core.errors import MedassayError
from medassay.registry.device import DeviceSpec, Status, StatusRow, read_statuses
from medassay.registry.submission import read_plain
from medassay.room.sandbox import Ended, Mount, python_command, run

STATUS_FILE = "status.jsonl"
LARGEST_PREDICTION = 512 * 1024**2
LARGEST_STATUS = 16 * 1024**2
REASON_CHARACTERS = 200


@dataclass(frozen=True)
class Answer:
    """What came back for one sample."""

    status: Literal["ok", "failed", "abstained", "unreadable"]
    reason: str
    prediction: bytes | None = field(repr=False)


def predict(
    device_folder: Path,
    device: DeviceSpec,
    given: Sequence[str],
    suffix: str,
    *,
    input_folder: Path,
    output_folder: Path,
    absent: Sequence[Path],
) -> tuple[Ended, dict[str, Answer]]:
    """Run the device's `predict.py` on staged samples and take in an answer for every one of them.

    Whatever the device does, each sample has an answer: the denominator never shrinks.
    """
    output_folder.mkdir(parents=True, exist_ok=True)
    ended = run(
        python_command("predict.py", "/input", "/output"),
        mounts=[
            Mount(device_folder, "/device"),
            Mount(input_folder, "/input"),
            Mount(output_folder, "/output", writable=True),
        ],
        folder="/device",
        seconds=device.predict_seconds,
        absent=absent,
    )
    statuses = _statuses(output_folder, given, ended)
    return ended, {
        sample: _answer(output_folder / f"{sample}{suffix}", status) for sample, status in statuses.items()
    }


def plain_reason(text: str) -> str:
    """A device's or scorer's words, short and on one line: they stand in the record."""
    shown = "".join(char if char.isprintable() else " " for char in text)
    return shown[:REASON_CHARACTERS]


def _statuses(output: Path, given: Sequence[str], ended: Ended) -> dict[str, StatusRow]:
    """The device's word on each sample; a file that cannot be relied on leaves every sample failed."""
    path = output / STATUS_FILE
    try:
        if path.exists() or path.is_symlink():
            read_plain(path, LARGEST_STATUS)
        statuses = read_statuses(path, given)
    except MedassayError as error:
        return {sample: _failed(sample, f"status.jsonl: {error.found}") for sample in given}
    if ended.code == 0:
        return statuses
    return {
        sample: _failed(sample, f"the device {ended.how}; {row.reason}")
        if row.status is Status.FAILED
        else row
        for sample, row in statuses.items()
    }


def _failed(sample: str, reason: str) -> StatusRow:
    return StatusRow(sample_id=sample, status=Status.FAILED, reason=reason)


def _answer(path: Path, row: StatusRow) -> Answer:
    """A prediction counts only where the device itself calls it ok."""
    reason = plain_reason(row.reason)
    if row.status is not Status.OK:
        return Answer("abstained" if row.status is Status.ABSTAINED else "failed", reason, None)
    try:
        return Answer("ok", reason, read_plain(path, LARGEST_PREDICTION))
    except MedassayError as error:
        return Answer("unreadable", plain_reason(f"prediction: {error.found}"), None)
