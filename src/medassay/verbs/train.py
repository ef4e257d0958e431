"""`medassay train`: a device learns from train and tune in the room, and registers its submission."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from medassay.core import progress
from medassay.core.errors import WrongUse
from medassay.core.findings import Reason, finding_of
from medassay.core.specs import load_spec
from medassay.registry.device import DeviceSpec
from medassay.trust.evidence import Evidence, Outcome
from medassay.verbs.stage import Place, evidence_inputs, frozen_manifest, refused_after

if TYPE_CHECKING:
    from medassay.room.training import Trained


def run(place: Place, device_name: str) -> Evidence:
    """Train one registered device; a device that fails to train is Evidence too."""
    from medassay.room.training import TrainingFailed, train

    with place.writing():
        freeze = place.evidence("freeze")
        refused = refused_after(place, "train", freeze, device=device_name)
        if refused:
            return refused
        device = _device(place, device_name)
        manifest = frozen_manifest(place, freeze)
        keys = json.loads(place.workspace.released_keys(manifest.digest).read_bytes())
        inputs = evidence_inputs(freeze) | {"manifest": manifest.digest}
        workdir = Path(tempfile.mkdtemp(prefix="medassay-train-"))
        try:
            with progress.shown(f"train {device_name} on {place.dataset}/{place.source_name}"):
                trained = train(
                    place.workspace.device(device_name),
                    device,
                    manifest,
                    place.store.get,
                    {sample: bytes.fromhex(key) for sample, key in keys.items()},
                    workdir,
                    {},
                    absent=[place.workspace.store, place.workspace.keys],
                )
        except TrainingFailed as error:
            print(error.log, file=sys.stderr)
            return place.finish(
                "train",
                inputs=inputs,
                outcome=Outcome.FAILED,
                counts={},
                findings=[finding_of(error, Reason.TRAINING_FAILED)],
                packages=device.packages,
                device=device_name,
            )
        finally:
            shutil.rmtree(workdir, ignore_errors=True)
        evidence = place.finish(
            "train",
            inputs=inputs,
            files={"submission": trained.submission},
            records={
                "curves": {
                    name: [list(point) for point in points] for name, points in trained.curves.items()
                },
                "room": {"means": trained.ended.means, "sealed": trained.ended.sealed},
            },
            outcome=Outcome.PASSED,
            counts={split: len(manifest.samples(split)) for split in ("train", "tune")},
            parameters=dict(trained.parameters),
            packages=device.packages,
            device=device_name,
        )
        _track(place, device_name, evidence, trained)
        return evidence


def _device(place: Place, name: str) -> DeviceSpec:
    path = place.workspace.device(name) / "device.yaml"
    if not path.exists():
        raise WrongUse(
            found=f"device '{name}'",
            wanted=f"one of {', '.join(place.workspace.devices()) or 'none registered yet'}",
            remedy="Name a folder of registry/ that holds a device.yaml.",
        )
    device = load_spec(path, DeviceSpec)
    if device.dataset != place.dataset:
        raise WrongUse(
            found=f"a device for '{device.dataset}'",
            wanted=f"one for '{place.dataset}'",
            remedy="Train it on the database that its device.yaml names.",
            where=str(path),
        )
    return device


def _track(place: Place, device: str, evidence: Evidence, trained: Trained) -> None:
    """Show the training in MLflow: a view, so it comes after the Evidence and decides nothing."""
    from medassay.registry.tracking import track

    track(
        trained.submission,
        evidence.output("submission"),
        store=place.workspace.store,
        device=device,
        dataset=place.dataset,
        source=place.source_name,
        trained_on=next(link.digest for link in evidence.inputs if link.role == "manifest"),
        parameters=trained.parameters,
        curves=trained.curves,
    )
