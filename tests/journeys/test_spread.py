"""One process, two, and a cluster that loses a worker: the same Evidence, and the same bytes in the store."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from medassay.core.canonical import digest_bytes
from medassay.core.errors import EnvironmentLacking, WrongUse
from medassay.core.workspace import SPEC_FOLDERS, Workspace
from medassay.verbs import ingest, init
from medassay.verbs.stage import Place

ROOT = Path(__file__).parents[2]
STEM = "t2dm-cgm"
SUBJECTS = 12


@pytest.fixture(scope="module")
def ring(tmp_path_factory):
    """One key ring for all workspaces: pseudonyms and sealed labels are functions of it."""
    from medassay.trust.keys import KeyRing

    path = tmp_path_factory.mktemp("keys") / "ring.json"
    KeyRing.create(path, demo=True)
    return path


@pytest.fixture
def place(tmp_path, monkeypatch, ring):
    """Makes a place in a workspace of its own, under the same keys."""

    def make(name="work"):
        from ruamel.yaml import YAML

        root = tmp_path / name
        for folder in SPEC_FOLDERS:
            shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
        spec, yaml = root / "datasets" / f"{STEM}.yaml", YAML()
        tree = yaml.load(spec.read_text("utf-8"))
        tree["sources"][0]["phantom"] |= {"subjects": SUBJECTS, "days": 2}
        with spec.open("w", encoding="utf-8") as stream:
            yaml.dump(tree, stream)
        monkeypatch.setenv("MEDASSAY_KEYS", str(root / "keys"))
        monkeypatch.delenv("MEDASSAY_STORE", raising=False)
        monkeypatch.delenv("MEDASSAY_OBJECTS", raising=False)
        init.run(root, demo_keys=True)
        workspace = Workspace(root)
        workspace.key_ring.write_bytes(ring.read_bytes())
        return Place(workspace, STEM, "phantom")

    return make


@pytest.fixture
def cluster(tmp_path):
    """A scheduler and two workers, each a process of its own: the scheduler's address, and the workers."""
    log = (tmp_path / "cluster.log").open("wb")
    facts = tmp_path / "scheduler.json"
    dask = [sys.executable, "-P", "-m", "dask"]
    local = ["--scheduler-file", str(facts), "--host", "127.0.0.1"]
    running = [
        subprocess.Popen(
            [*dask, "scheduler", *local, "--port", "0", "--no-dashboard"], stdout=log, stderr=log
        )
    ]
    running += [
        subprocess.Popen(
            [*dask, "worker", *local, "--nthreads", "1", "--no-nanny", "--no-dashboard"],
            stdout=log,
            stderr=log,
            cwd=tmp_path,
        )
        for _ in range(2)
    ]
    try:
        address = _address(facts)
        _wait_for_workers(address, 2)
        yield address, running[1:]
    finally:
        for process in running[::-1]:
            process.kill()
            process.wait()
        log.close()


def _address(facts):
    """The scheduler's address, once its file is there and whole: it is written in place."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            return json.loads(facts.read_text())["address"]
        except (FileNotFoundError, json.JSONDecodeError):
            time.sleep(0.05)
    raise TimeoutError("no scheduler came up")


def _wait_for_workers(address, number):
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(number, timeout=60)


def stored(place):
    """Every object of the store with the digest of its bytes.

    What a killed worker left half-written is no object: it has no digest for a name, and the next ingest removes it.
    """
    objects = place.workspace.store / "objects"
    return {
        path.relative_to(objects).as_posix(): digest_bytes(path.read_bytes())
        for path in objects.rglob("*")
        if path.is_file() and not path.name.endswith(".part")
    }


def half_written(place):
    return [path.name for path in (place.workspace.store / "objects").rglob("*.part")]


def test_one_process_and_two_end_in_the_same_evidence_and_store(place):
    one, two = place("one"), place("two")
    digest = ingest.run(one, workers=1).digest
    assert ingest.run(two, workers=2).digest == digest
    assert stored(one) == stored(two)
    assert not half_written(two)


def test_a_cluster_that_loses_a_worker_loses_nothing_else(place, cluster, monkeypatch):
    address, workers = cluster
    alone, spread = place("alone"), place("spread")
    monkeypatch.setattr("medassay.datasets.spread.BATCH_SAMPLES", 1)
    killed = []

    def kill_one(done, of):
        """Once the first sample is back and others are out, a worker that has work dies."""
        if not killed and 0 < done < of:
            os.kill(workers[0].pid, signal.SIGKILL)
            killed.append(done)

    @contextmanager
    def shown(_):
        yield kill_one

    monkeypatch.setattr("medassay.core.progress.shown", shown)
    digest = ingest.run(spread, scheduler=address).digest
    assert killed
    assert workers[0].wait() == -signal.SIGKILL
    assert workers[1].poll() is None
    monkeypatch.undo()
    monkeypatch.setenv("MEDASSAY_KEYS", str(alone.workspace.root / "keys"))
    assert ingest.run(alone, workers=1).digest == digest
    assert stored(alone) == stored(spread)
    monkeypatch.setenv("MEDASSAY_KEYS", str(spread.workspace.root / "keys"))
    (spread.workspace.store / "objects" / ".cut-short.part").write_bytes(b"half")
    assert ingest.run(spread, workers=1).digest == digest
    assert not half_written(spread)


def test_a_scheduler_that_is_not_there_is_said_and_nothing_is_written(place, monkeypatch):
    here = place()
    monkeypatch.setattr("medassay.datasets.processes.CONNECT_S", 1.0)
    with pytest.raises(EnvironmentLacking, match="dask scheduler") as caught:
        ingest.run(here, scheduler="tcp://127.0.0.1:9")
    assert caught.value.where == "--scheduler"
    assert not here.workspace.pointer(STEM, "phantom", "ingest").exists()


def test_fewer_than_one_worker_is_wrong_use(place):
    with pytest.raises(WrongUse, match="0 workers"):
        ingest.run(place(), workers=0)
