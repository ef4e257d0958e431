"""The device contract: how a device is declared, what it is given, and what it hands back.

`train.py INPUT OUTPUT PARAMS` and `predict.py INPUT OUTPUT` run as processes in the device's folder. INPUT
holds `samples.jsonl` (a `SampleRow` a line) and de-identified files in the field's form. OUTPUT of `predict`
holds one prediction file a sample, in the form that scoring reads, and `status.jsonl` (a `StatusRow` a line).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import Field, ValidationError, field_validator

from medassay.core.errors import WrongUse
from medassay.core.specs import Bilingual, Spec


class DeviceSpec(Spec):
    """`device.yaml`: the product as its maker declares it."""

    name: Bilingual = Field(description="generic name: core word and at most three feature words, no brand")
    version: str = Field(description="full version; its naming shows which change is a major one")
    dataset: str = Field(description="stem of the database it is trained and tested on")
    client: Bilingual = Field(description="who hands the device in")
    intended_use: Bilingual
    packages: tuple[str, ...] = Field(description="installed packages its figures depend on")
    train_seconds: int = Field(gt=0, description="training is ended after this time")
    predict_seconds: int = Field(
        gt=0, description="prediction of the whole test split is ended after this time"
    )
    parameters: dict[str, int | float | str | bool] = Field(default_factory=dict)


class SampleRow(Spec):
    """One line of `samples.jsonl`."""

    sample_id: str
    split: Literal["train", "tune", "test"]
    files: dict[str, tuple[str, ...]] = Field(description="role to paths below the input folder")

    @field_validator("files")
    @classmethod
    def _below_input(cls, files: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for path in (PurePosixPath(p) for paths in files.values() for p in paths):
            if path.is_absolute() or ".." in path.parts:
                raise ValueError("a path that leaves the input folder")
        return files


class Status(StrEnum):
    OK = "ok"
    FAILED = "failed"
    ABSTAINED = "abstained"


class StatusRow(Spec):
    """One line of `status.jsonl`."""

    sample_id: str
    status: Status
    reason: str = ""


def read_statuses(path: Path, expected: Sequence[str]) -> dict[str, StatusRow]:
    """The device's word on each sample that it was given, in the order given.

    A sample without a line, or whose line comes after a broken one, failed: the denominator never shrinks.

    Raises
    ------
    WrongUse
        When a sample is named twice or was never given: such a file says nothing that can be relied on.
    """
    rows: dict[str, StatusRow] = {}
    for number, line in enumerate(_lines(path), 1):
        try:
            row = StatusRow.model_validate_json(line)
        except ValidationError:
            break
        if row.sample_id in rows or row.sample_id not in expected:
            raise WrongUse(
                found="a sample named twice" if row.sample_id in rows else "a sample that was not given",
                wanted="one line for each sample of samples.jsonl",
                remedy="Mend the device's predict.py.",
                where=f"{path.name}:{number}",
            )
        rows[row.sample_id] = row
    return {sample: rows.get(sample, _unsaid(sample)) for sample in expected}


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines() if path.exists() else []


def _unsaid(sample: str) -> StatusRow:
    return StatusRow(sample_id=sample, status=Status.FAILED, reason="no readable status from the device")
