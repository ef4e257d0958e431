"""The reference device as plain processes: trains, looks back only, repeats itself, and survives a bad sample."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from medassay.core.specs import load_spec
from medassay.evaluation.scoring import alarms as scoring
from medassay.formats.ivd.trace import Trace, episodes_of, read_alarms, write_episodes, write_trace
from medassay.registry.device import DeviceSpec, SampleRow, Status, read_statuses
from medassay.tasks.alarms import EpisodeRules

FOLDER = Path(__file__).parents[2] / "registry" / "t2dm-cgm-hypo-alert"


def trace(seed):
    generator = np.random.default_rng(seed)
    times = np.arange(0, 3 * 1440, 15.0)
    glucose = 7 + 4 * np.sin(times / 240 + seed) + generator.normal(0, 0.15, len(times))
    return Trace(times, glucose.clip(2.2, 27.8).round(1), np.zeros(len(times), bool))


def stage(folder, samples, *, labels):
    folder.mkdir()
    rows = []
    for sample, (split, one) in samples.items():
        files = {"trace": (f"{sample}.csv",)}
        (folder / f"{sample}.csv").write_bytes(write_trace(one))
        if labels:
            files["reference"] = (f"{sample}.json",)
            (folder / f"{sample}.json").write_bytes(write_episodes(episodes_of(one, EpisodeRules())))
        rows.append(SampleRow(sample_id=sample, split=split, files=files).model_dump_json())
    (folder / "samples.jsonl").write_text("\n".join(rows) + "\n")


@pytest.fixture(scope="module")
def trained(tmp_path_factory, run_script):
    place = tmp_path_factory.mktemp("device")
    device = place / "device"
    shutil.copytree(FOLDER, device, ignore=shutil.ignore_patterns("__pycache__"))
    split = {f"R-{n}": ("tune" if n % 4 == 0 else "train", trace(n)) for n in range(8)}
    stage(place / "train", split, labels=True)
    parameters = load_spec(FOLDER / "device.yaml", DeviceSpec).parameters | {"epochs": 30}
    (place / "params.json").write_text(json.dumps(parameters))
    for name in ("first", "again"):
        run_script(device, "train.py", place / "train", place / name, place / "params.json")
    shutil.copytree(place / "first" / "model", device / "model")
    return place


@pytest.fixture
def predicted(trained, run_script):
    """Run the trained device on samples; give the folder of its output."""

    def run(samples, name, *, spoil=()):
        return _predicted(run_script, trained, samples, name, spoil)

    return run


def _predicted(run_script, place, samples, name, spoil):
    stage(place / name, {sample: ("test", one) for sample, one in samples.items()}, labels=False)
    for sample in spoil:
        (place / name / f"{sample}.csv").write_bytes(b"time_min,glucose_mmol_per_l,clipped\n0,high,0\n")
    run_script(place / "device", "predict.py", place / name, place / f"{name}-out")
    return place / f"{name}-out"


def test_training_twice_gives_the_same_model_and_curves(trained):
    for name in ("model/model.json", "curves.csv"):
        assert (trained / "first" / name).read_bytes() == (trained / "again" / name).read_bytes()
    header, *rows = (trained / "first" / "curves.csv").read_text().splitlines()
    assert header.split(",")[0] == "epoch"
    assert len(rows) == 30
    assert float(rows[-1].split(",")[1]) < float(rows[0].split(",")[1])


def test_a_bad_sample_fails_alone_and_the_others_are_scored(predicted):
    samples = {"T-1": trace(21), "T-2": trace(22), "T-3": trace(23)}
    output = predicted(samples, "test", spoil=("T-2",))
    statuses = read_statuses(output / "status.jsonl", list(samples))
    assert [row.status for row in statuses.values()] == [Status.OK, Status.FAILED, Status.OK]
    assert not (output / "T-2.csv").exists()
    sums = {"detected": 0.0, "missed": 0.0}
    for sample in ("T-1", "T-3"):
        label = write_episodes(episodes_of(samples[sample], EpisodeRules()))
        statistics = scoring.score(
            label, (output / f"{sample}.csv").read_bytes(), {}, scoring.Options()
        ).statistics
        sums = {name: total + statistics[f"hypo_{name}"] for name, total in sums.items()}
    assert sum(sums.values()) > 2
    assert sums["detected"] > sums["missed"]


def test_alarms_do_not_change_when_what_follows_is_cut_off(predicted):
    whole = trace(31)
    public = {"T-1.csv": write_trace(whole)}
    copies = scoring.audit_copies("T-1", public, scoring.Options(audit_copies=6))
    samples = {"T-1": whole} | {
        copy.copy_id: Trace(
            *(part[whole.time_min <= copy.cut_min] for part in (whole.time_min, whole.glucose, whole.clipped))
        )
        for copy in copies
    }
    output = predicted(samples, "audit")
    alarms = (output / "T-1.csv").read_bytes()
    assert read_alarms(alarms)["hypo"].size > 0
    for copy in copies:
        assert scoring.audit(alarms, (output / f"{copy.copy_id}.csv").read_bytes(), copy) == []


def test_the_device_imports_nothing_of_the_engine():
    for path in FOLDER.glob("*.py"):
        assert "medassay" not in path.read_text("utf-8")
