"""Whatever goes wrong is said with found, wanted, where and remedy; nothing is lost, and a rerun carries on."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from medassay.cli.main import main
from medassay.core.atomic import lock
from medassay.core.workspace import SPEC_FOLDERS, Workspace
from medassay.verbs import init

ROOT = Path(__file__).parents[2]
STEM = "t2dm-cgm"
INGEST = ["ingest", STEM, "phantom"]
SMALL = {"subjects": 6, "days": 2, "defects": False}
LARGER = SMALL | {"defects": True}


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A workspace whose one phantom is small; a folder and keys of its own for each test."""
    return _made(tmp_path / "work", monkeypatch, SMALL)


@pytest.fixture
def larger(tmp_path, monkeypatch):
    """A workspace like it whose ingest lasts long enough to be ended in its midst."""
    return _made(tmp_path / "work", monkeypatch, LARGER)


def _made(root, monkeypatch, phantom):
    from ruamel.yaml import YAML

    for folder in SPEC_FOLDERS:
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    yaml = YAML()
    spec = root / "datasets" / f"{STEM}.yaml"
    tree = yaml.load(spec.read_text("utf-8"))
    tree["sources"][0]["phantom"] |= phantom
    with spec.open("w", encoding="utf-8") as stream:
        yaml.dump(tree, stream)
    monkeypatch.setenv("MEDASSAY_KEYS", str(root / "keys"))
    monkeypatch.delenv("MEDASSAY_STORE", raising=False)
    monkeypatch.chdir(root)
    init.run(root, demo_keys=True)
    return Workspace(root)


@pytest.fixture
def said(capsys, monkeypatch):
    """Run the command line in this process: its exit code, and what it said on both streams."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["medassay", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return ended.value.code or 0, out + err

    return run


def evidence_of(workspace, stage="ingest"):
    return json.loads(workspace.pointer(STEM, "phantom", stage).read_bytes())["evidence"]


def half_written(workspace):
    return list(workspace.store.rglob("*.part"))


def complete(message):
    return all(f"  {word}" in message for word in ("where", "found", "wanted", "do"))


def test_outside_of_a_workspace_the_way_to_one_is_said(said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, message = said(*INGEST)
    assert code == 2
    assert complete(message)
    assert "medassay init" in message


def test_a_step_before_its_forerunner_names_the_command_to_run(said, workspace):
    code, message = said("gate", STEM, "phantom")
    assert code == 2
    assert f"Run: medassay ingest {STEM} phantom" in message


def test_a_typo_in_a_spec_is_shown_with_line_and_nearest_name(said, workspace):
    spec = workspace.spec("datasets", STEM)
    spec.write_text(spec.read_text("utf-8").replace("source_class:", "source_clas:", 1), "utf-8")
    line = next(n for n, text in enumerate(spec.read_text("utf-8").splitlines(), 1) if "source_clas:" in text)
    code, message = said(*INGEST)
    assert code == 2
    assert complete(message)
    assert f"{STEM}.yaml:{line}" in message
    assert "source_class" in message


def test_an_unknown_database_is_answered_with_those_that_exist(said, workspace):
    code, message = said("ingest", "t2dm-cmg", "phantom")
    assert code == 2
    assert STEM in message


def test_a_lost_store_is_said_with_what_is_missing_and_can_be_made_again(said, workspace):
    assert said(*INGEST)[0] == 0
    first = evidence_of(workspace)
    shutil.rmtree(workspace.store)
    code, message = said("gate", STEM, "phantom")
    assert code == 1
    assert complete(message)
    assert said(*INGEST)[0] == 0
    assert evidence_of(workspace) == first


def test_lost_keys_are_said_and_never_made_anew_in_silence(said, workspace):
    shutil.rmtree(workspace.keys)
    code, message = said(*INGEST)
    assert code == 4
    assert complete(message)
    assert "medassay init" in message
    assert not workspace.key_ring.exists()


@pytest.mark.parametrize("held", ["another step of the database", "a withdrawal from the store"])
def test_a_second_run_at_once_is_turned_away_and_harms_nothing(said, workspace, held):
    with lock(workspace.lock if held.startswith("a withdrawal") else workspace.dataset_lock(STEM)):
        code, message = said(*INGEST)
    assert code == 4
    assert "another run" in message
    assert said(*INGEST)[0] == 0


def test_a_public_set_that_is_not_there_is_said_with_where_to_get_it(said, workspace, tmp_path):
    code, message = said("ingest", STEM, "cgm-shanghai", "--data", tmp_path / "data")
    assert code == 4
    assert complete(message)
    assert "figshare" in message


def test_an_empty_folder_is_nothing_readable(said, workspace, tmp_path):
    (tmp_path / "data" / "cgm-shanghai").mkdir(parents=True)
    code, message = said("ingest", STEM, "cgm-shanghai", "--data", tmp_path / "data")
    assert code == 3
    assert complete(message)


def test_a_full_disk_ends_the_run_with_a_reason_and_a_rerun_ends_as_if_nothing_had_been(
    said, larger, monkeypatch, tmp_path
):
    synced, fsync = [], os.fsync

    def full(descriptor):
        synced.append(descriptor)
        if len(synced) == 25:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        code, message = said(*INGEST)
    assert code == 4
    assert "no space left" in message
    assert complete(message)
    assert not larger.pointer(STEM, "phantom", "ingest").exists()
    assert half_written(larger) == []
    assert said(*INGEST)[0] == 0
    ring = larger.key_ring.read_bytes()
    again = _made(tmp_path / "undisturbed", monkeypatch, LARGER)
    again.key_ring.write_bytes(ring)  # pseudonyms and sealed labels are functions of the keys
    assert said(*INGEST)[0] == 0
    assert evidence_of(again) == evidence_of(larger)


def test_a_killed_run_is_carried_on_and_ends_in_the_same_evidence(said, larger, monkeypatch, tmp_path):
    running = subprocess.Popen(
        [sys.executable, "-P", "-c", "from medassay.cli.main import main; main()", *INGEST],
        cwd=larger.root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not list(larger.store.glob("objects/*/*")) and time.monotonic() < deadline:
        assert running.poll() is None, "the run ended before it could be killed"
        time.sleep(0.005)
    running.send_signal(signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL
    assert not larger.pointer(STEM, "phantom", "ingest").exists()
    assert said(*INGEST)[0] == 0
    ring = larger.key_ring.read_bytes()
    again = _made(tmp_path / "undisturbed", monkeypatch, LARGER)
    again.key_ring.write_bytes(ring)  # pseudonyms and sealed labels are functions of the keys
    assert said(*INGEST)[0] == 0
    assert evidence_of(again) == evidence_of(larger)


def test_what_a_killed_run_had_unpacked_lies_with_the_keys_and_is_removed_by_the_next(said, workspace):
    for dataset in (STEM, "another"):
        left = workspace.keys / "unpacked" / dataset / "medassay-killed"
        left.mkdir(parents=True)
        (left / "member.csv").write_text("a name")
    assert said(*INGEST)[0] == 0
    assert list((workspace.keys / "unpacked").rglob("*.csv")) == []


def test_what_a_step_of_another_database_is_writing_is_not_swept_away(said, workspace):
    theirs = workspace.keys / "unpacked" / "another" / "medassay-at-work"
    theirs.mkdir(parents=True)
    with lock(workspace.sweep_lock, shared=True):
        assert said(*INGEST)[0] == 0
    assert theirs.is_dir()


def test_a_fault_of_ours_ends_with_5_and_shows_no_value_of_the_data(said, workspace, monkeypatch):
    from medassay.verbs import ingest

    def broken(*_, **__):
        raise KeyError("ZHANG SAN")

    monkeypatch.setattr(ingest, "run", broken)
    code, message = said(*INGEST)
    assert code == 5
    assert "KeyError" in message
    assert "test_bad_input.py" in message
    assert "ZHANG" not in message
