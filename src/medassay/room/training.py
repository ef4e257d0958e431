"""Training: a device learns from train and tune in the room, and ends in one submission."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from medassay.core.canonical import canonical_json
from medassay.core.errors import MedassayError, WrongUse, located
from medassay.datasets.manifest import Manifest
from medassay.registry.device import DeviceSpec
from medassay.registry.submission import MODEL, device_files, package, read_plain, read_tree, write_files
from medassay.room.sandbox import Ended, Mount, python_command, run
from medassay.room.staging import Get, stage_training

Parameters = Mapping[str, int | float | str | bool]

CURVES = "curves.csv"
LARGEST_CURVES = 1024**2
EXCERPT_CHARACTERS = 4000


@dataclass(frozen=True)
class Trained:
    """A finished training."""

    submission: bytes = field(repr=False)
    curves: Mapping[str, tuple[tuple[int, float], ...]]  # figure to (step, value)
    parameters: Parameters
    log: str = field(repr=False)  # the end of what the device said: for its maker
    ended: Ended


class TrainingFailed(MedassayError):
    """The device did not train; `log` is for its maker."""

    exit_code = 1
    code = "training_failed"

    def __init__(self, *, found: str, wanted: str, remedy: str, where: str = "", log: str = "") -> None:
        super().__init__(found=found, wanted=wanted, remedy=remedy, where=where)
        self.log = log


def train(
    device_folder: Path,
    device: DeviceSpec,
    manifest: Manifest,
    get: Get,
    released_keys: Mapping[str, bytes],
    workdir: Path,
    parameters: Parameters,
    *,
    absent: Sequence[Path] = (),
) -> Trained:
    """Run the device's `train.py` on train and tune, and package what it learned.

    Parameters
    ----------
    parameters : mapping
        Changes of the parameters that `device.yaml` declares.
    released_keys : mapping
        Sample to the key of its label, train and tune alone.
    workdir : Path
        New or empty; holds the input in the clear, so the caller removes it afterwards.
    absent : sequence of Path
        Store and keys: what the device must not see.

    Raises
    ------
    WrongUse
        For a parameter that the device does not declare, or a folder that cannot be packaged.
    TrainingFailed
        When it ended with an error or after its time, or left no model.
    """
    chosen = _chosen(device, parameters)
    files = device_files(device_folder)
    folders = {name: workdir / name for name in ("device", "input", "output")}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    write_files(files, folders["device"])
    stage_training(manifest, folders["input"], get=get, released_keys=released_keys)
    (workdir / "params.json").write_bytes(canonical_json(chosen))
    ended = run(
        python_command("train.py", "/input", "/output", "/params.json"),
        mounts=[
            Mount(folders["device"], "/device"),
            Mount(folders["input"], "/input"),
            Mount(folders["output"], "/output", writable=True),
            Mount(workdir / "params.json", "/params.json"),
        ],
        folder="/device",
        seconds=device.train_seconds,
        absent=absent,
    )
    log = excerpt(ended)
    model = _model(folders["output"], ended, log)
    submission = package(
        files | {f"{MODEL}/{name}": content for name, content in model.items()},
        device=device_folder.resolve().name,
        device_version=device.version,
        trained_on=manifest.digest,
        parameters=chosen,
    )
    return Trained(submission, _curves(folders["output"] / CURVES), chosen, log, ended)


def excerpt(ended: Ended) -> str:
    """The end of what a device said, as plain text."""
    text = (ended.stdout + b"\n" + ended.stderr).decode("utf-8", "replace").strip()
    shown = "".join(char if char.isprintable() or char == "\n" else "·" for char in text)
    return shown[-EXCERPT_CHARACTERS:]


def _chosen(device: DeviceSpec, parameters: Parameters) -> dict[str, int | float | str | bool]:
    unknown = sorted(set(parameters) - set(device.parameters))
    if unknown:
        raise WrongUse(
            found=f"parameter {', '.join(unknown)}",
            wanted=f"one of {', '.join(sorted(device.parameters))}",
            remedy="Correct the name, or declare it in device.yaml.",
        )
    return dict(device.parameters) | dict(parameters)


def _model(output: Path, ended: Ended, log: str) -> dict[str, bytes]:
    if ended.code != 0:
        raise _failed(f"a training that {ended.how}", "a training that ends by itself in its time", log)
    if (output / MODEL).is_symlink() or not (output / MODEL).is_dir():
        raise _failed("no folder 'model'", "the model in OUTPUT/model/", log)
    with located("the trained model"):
        model = read_tree(output / MODEL)
    if not model:
        raise _failed("an empty folder 'model'", "the model in OUTPUT/model/", log)
    return model


def _failed(found: str, wanted: str, log: str) -> TrainingFailed:
    return TrainingFailed(
        found=found,
        wanted=wanted,
        remedy="The end of the device's own log says more.",
        where="train.py",
        log=log,
    )


def _curves(path: Path) -> dict[str, tuple[tuple[int, float], ...]]:
    """`curves.csv`: a step a row, then figures; what is no number is left out, for curves decide nothing."""
    if not path.exists() and not path.is_symlink():
        return {}
    with located("curves.csv"):
        text = read_plain(path, LARGEST_CURVES).decode("utf-8", "replace")
    curves: dict[str, list[tuple[int, float]]] = {}
    for step, row in enumerate(csv.DictReader(io.StringIO(text))):
        for name, value in list(row.items())[1:]:
            number = _number(value)
            if isinstance(name, str) and number is not None:
                curves.setdefault(name, []).append((step, number))
    return {name: tuple(points) for name, points in curves.items()}


def _number(text: object) -> float | None:
    try:
        number = float(str(text))
    except ValueError:
        return None
    return number if math.isfinite(number) else None
