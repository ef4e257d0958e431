"""MLflow as a view of trainings: a run with parameters and curves, and the submission as a model version.

Nothing reads it back: deleting the folder changes no submission, record or report. Runs are made with the
client alone, because MLflow's `start_run` writes the user's name and the path of the program into tags.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from medassay.core.atomic import lock

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

Curves = Mapping[str, Sequence[tuple[int, float]]]

FOLDER = "mlflow"
PACKAGE = "submission.zip"
SUBMISSION_TAG = "submission"


@dataclass(frozen=True)
class Tracked:
    """Where MLflow shows a training; run ids are MLflow's own and stand in no record."""

    run_id: str
    model_version: str


def track(
    submission: bytes,
    digest: str,
    *,
    store: Path,
    device: str,
    dataset: str,
    source: str,
    trained_on: str,
    parameters: Mapping[str, int | float | str | bool],
    curves: Curves,
) -> Tracked:
    """Show a training in MLflow; one that is shown already, by its submission's digest, is not shown twice.

    Parameters
    ----------
    store : Path
        The workspace's store; MLflow's database and files lie below it.
    trained_on : str
        Digest of the manifest.
    curves : mapping
        Figure to (step, value).
    """
    with lock(store / f"{FOLDER}.lock", wait=True):  # two at once would both set up MLflow's database
        client = _client(store / FOLDER)
        known = client.search_model_versions(f"name = '{device}' and tags.{SUBMISSION_TAG} = '{digest}'")
        if known:
            return Tracked(known[0].run_id, str(known[0].version))
        tags = {SUBMISSION_TAG: digest, "manifest": trained_on, "dataset": dataset, "source": source}
        experiment = _experiment(client, f"{dataset}/{source}", store / FOLDER / "artifacts")
        run = client.create_run(experiment, run_name=device, tags=tags)
        _log(client, run.info.run_id, parameters, curves)
        return _registered(client, run, device, submission, tags)


def _registered(
    client: MlflowClient, run: Run, device: str, submission: bytes, tags: dict[str, str]
) -> Tracked:
    with TemporaryDirectory() as folder:
        (Path(folder) / PACKAGE).write_bytes(submission)
        client.log_artifact(run.info.run_id, str(Path(folder) / PACKAGE))
    client.set_terminated(run.info.run_id)
    # The model version comes last: a run that was killed before has none and is shown anew.
    _require_model(client, device)
    version = client.create_model_version(
        device, source=f"{run.info.artifact_uri}/{PACKAGE}", run_id=run.info.run_id, tags=tags
    )
    return Tracked(run.info.run_id, str(version.version))


def _client(folder: Path) -> MlflowClient:
    # Read by MLflow when it is imported: it would call home.
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    for noisy in ("mlflow.store.db.utils", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    from mlflow import MlflowClient

    folder.mkdir(parents=True, exist_ok=True)
    place = f"sqlite:///{folder.resolve()}/mlflow.db"
    return MlflowClient(tracking_uri=place, registry_uri=place)


def _experiment(client: MlflowClient, name: str, artifacts: Path) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    return str(client.create_experiment(name, artifact_location=artifacts.resolve().as_uri()))


def _require_model(client: MlflowClient, device: str) -> None:
    if not client.search_registered_models(f"name = '{device}'"):
        client.create_registered_model(device)


def _log(
    client: MlflowClient,
    run_id: str,
    parameters: Mapping[str, int | float | str | bool],
    curves: Curves,
) -> None:
    from mlflow.entities import Metric, Param

    now = int(time.time() * 1000)
    points = [
        Metric(_plain(name), value, now, step) for name, curve in curves.items() for step, value in curve
    ]
    client.log_batch(run_id, params=[Param(name, str(value)) for name, value in sorted(parameters.items())])
    for start in range(0, len(points), 1000):  # MLflow takes no more at once
        client.log_batch(run_id, metrics=points[start : start + 1000])


def _plain(name: str) -> str:
    """A curve's name as MLflow takes it: the device wrote it, so it is kept to letters, digits and marks."""
    kept = "".join(char if char.isascii() and (char.isalnum() or char in "_-. ") else "_" for char in name)
    return kept[:100]
