"""The pipeline as a newcomer runs it: `dvc repro` over `medassay` commands, and nothing done twice."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from medassay.core.workspace import SPEC_FOLDERS, Workspace
from medassay.verbs.stage import Place

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(piped, tmp_path, monkeypatch):
    """Run a command in a copy of this repository's specs, pipeline and sources, in an empty home."""
    stem, device = piped
    root = tmp_path / "work"
    for folder in (*SPEC_FOLDERS, "src"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dvc.yaml", "params.yaml", ".dvcignore"):
        shutil.copy(ROOT / name, root / name)
    _turn(root / "datasets" / f"{stem}.yaml", ["sources", 0, "phantom"], {"subjects": 26, "days": 4})
    _turn(root / "registry" / device / "device.yaml", ["parameters"], {"epochs": 10})
    environment = os.environ | {
        "HOME": str(tmp_path),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(tmp_path / "site"),
    }
    for name in ("MEDASSAY_KEYS", "MEDASSAY_STORE", "MEDASSAY_DATA"):
        environment.pop(name, None)
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(
        "HOME", str(tmp_path)
    )  # so that what is read here of the workspace is read with its keys

    def command(*words):
        done = subprocess.run(words, cwd=root, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    command.root = root
    return command


def _turn(path, way, values):
    yaml = YAML()
    tree = yaml.load(path.read_text("utf-8"))
    node = tree
    for step in way:
        node = node[step]
    assert set(values) <= set(node)
    node.update(values)
    with path.open("w", encoding="utf-8") as stream:
        yaml.dump(tree, stream)


def test_the_pipeline_runs_through_dvc_and_a_second_run_does_nothing(
    run, piped, every_file_counted, recomputes
):
    stem, device = piped
    last = f"report@{stem}-phantom"
    run("dvc", "init", "--no-scm", "--quiet")
    run("medassay", "init", "--demo-keys")
    first = run("dvc", "repro", last)
    assert first.count("Running stage") == 8
    [row] = [
        row
        for row in json.loads(run("medassay", "status", "--json"))["rows"]
        if (row["dataset"], row["source"]) == (stem, "phantom")
    ]
    assert row["verdict"] == "demonstration_only"
    assert (run.root / row["report"]).read_bytes().startswith(b"%PDF")
    blocks = re.findall(
        r"^```sh\n(.*?)^```", (ROOT / "docs" / "reading-a-report.md").read_text("utf-8"), re.S | re.M
    )
    assert len(blocks) == 2
    run("bash", "-euc", "".join(blocks))
    assert json.loads((run.root / "verified.json").read_text())["passed"]

    ledger = (run.root / ".medassay" / "ledger.jsonl").read_bytes()
    assert "Running stage" not in run("dvc", "repro", last)
    assert (run.root / ".medassay" / "ledger.jsonl").read_bytes() == ledger

    place = Place(Workspace(run.root), stem, "phantom")
    every_file_counted(place.evidence("ingest"))
    recomputes(place, device)
