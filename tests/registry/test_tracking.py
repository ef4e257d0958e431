import os
import shutil
import socket
from pathlib import Path

import pytest

from medassay.registry.tracking import FOLDER, track

SHOWN = {
    "device": "spike-detector",
    "dataset": "spikes",
    "source": "phantom",
    "trained_on": "d" * 64,
    "parameters": {"epochs": 3, "rate": 0.1},
    "curves": {"train_loss": [(0, 1.0), (1, 0.5)], "tune/figüre": [(0, 0.2)]},
}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


def client(store):
    from mlflow import MlflowClient

    place = f"sqlite:///{store}/{FOLDER}/mlflow.db"
    return MlflowClient(tracking_uri=place, registry_uri=place)


def test_a_training_is_shown_with_its_curves_and_its_submission_under_the_digest(store):
    shown = track(b"package", "a" * 64, store=store, **SHOWN)
    run = client(store).get_run(shown.run_id)
    assert run.data.params == {"epochs": "3", "rate": "0.1"}
    assert [m.value for m in client(store).get_metric_history(shown.run_id, "train_loss")] == [1.0, 0.5]
    assert "tune_fig_re" in run.data.metrics
    version = client(store).get_model_version("spike-detector", shown.model_version)
    assert version.tags["submission"] == "a" * 64
    assert Path(version.source.removeprefix("file://")).read_bytes() == b"package"


def test_a_training_is_shown_once_however_often_it_is_repeated(store):
    first, again = (track(b"other", "b" * 64, store=store, **SHOWN) for _ in range(2))
    assert first == again
    assert track(b"third", "c" * 64, store=store, **SHOWN) != first


def test_nothing_that_names_user_machine_or_program_stands_in_a_run(store):
    shown = track(b"package", "a" * 64, store=store, **SHOWN)
    run = client(store).get_run(shown.run_id)
    assert set(run.data.tags) == {"submission", "manifest", "dataset", "source", "mlflow.runName"}
    said = " ".join([*run.data.tags.values(), *run.data.params.values(), run.info.user_id])
    for name in (os.environ.get("USER", "root"), socket.gethostname(), str(Path.home()), "/"):
        assert name not in said


def test_deleting_the_view_loses_nothing_and_it_is_shown_anew(store):
    shutil.rmtree(store / FOLDER)
    assert track(b"package", "a" * 64, store=store, **SHOWN).model_version == "1"
