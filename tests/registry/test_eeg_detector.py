"""The seizure detector as a process: one bad recording costs no other, and the same input gives the same bytes."""

import datetime
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from medassay.core.specs import load_spec
from medassay.formats.waveform.edf import Signal
from medassay.formats.waveform.edf_writer import write
from medassay.formats.waveform.electrodes import TEN_TWENTY
from medassay.formats.waveform.szcore import Event, read_events, write_events
from medassay.registry.device import DeviceSpec, Status, read_statuses

DEVICE = Path(__file__).parents[2] / "registry" / "seizure-eeg-detector"
SECONDS, RATE_HZ = 180, 160
SEIZURE = (70, 110)


def recording(seed):
    rng = np.random.default_rng(seed)
    wave = rng.normal(0, 15, (19, SECONDS * RATE_HZ))
    span = slice(SEIZURE[0] * RATE_HZ, SEIZURE[1] * RATE_HZ)
    wave[:, span] += 60 * np.sin(2 * np.pi * 5 * np.arange(span.stop - span.start) / RATE_HZ)
    header = [Signal(f"EEG {n}-REF", "uV", -3276.8, 3276.7, -32768, 32767, RATE_HZ) for n in TEN_TWENTY]
    return write(
        patient=b"X X X X",
        recording=b"Startdate 02-MAR-2021 X X X",
        start=datetime.datetime(2021, 3, 2, 9, 0, 0),
        record_s=1,
        signals=[(one, one.to_digital(row)) for one, row in zip(header, wave, strict=True)],
    )


def stage(folder, rows, *, training):
    folder.mkdir()
    lines = []
    for name, split, content in rows:
        files = {"signal": [f"{name}/{name}.edf"]}
        (folder / name).mkdir()
        (folder / name / f"{name}.edf").write_bytes(content)
        if training:
            events = [Event(SEIZURE[0], SEIZURE[1] - SEIZURE[0])]
            (folder / name / "reference.tsv").write_bytes(write_events(events, duration_s=SECONDS))
            files["reference"] = [f"{name}/reference.tsv"]
        lines.append(json.dumps({"sample_id": name, "split": split, "files": files}))
    (folder / "samples.jsonl").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def predicted(tmp_path_factory, run_script):
    top = tmp_path_factory.mktemp("detector")
    spec = load_spec(DEVICE / "device.yaml", DeviceSpec)
    (top / "params.json").write_text(json.dumps(dict(spec.parameters) | {"epochs": 12}))
    rows = [(f"r{i}", "train" if i < 4 else "tune", recording(i)) for i in range(6)]
    stage(top / "train", [*rows, ("broken", "train", rows[0][2][:5000])], training=True)
    tests = [("t0", "test", recording(10)), ("bad", "test", b"no EDF"), ("t1", "test", recording(11))]
    stage(top / "test", tests, training=False)
    device = top / "device"
    shutil.copytree(DEVICE, device)
    for name in ("one", "two"):
        run_script(device, "train.py", top / "train", top / f"out-{name}", top / "params.json")
    shutil.copytree(top / "out-one" / "model", device / "model")
    run_script(device, "predict.py", top / "test", top / "predicted")
    return top / "out-one", top / "out-two", top / "predicted"


def test_a_plain_seizure_is_found_and_nothing_else(predicted):
    for name in ("t0", "t1"):
        (event,) = read_events((predicted[2] / f"{name}.tsv").read_bytes()).events
        assert event.onset_s < SEIZURE[1]
        assert event.end_s > SEIZURE[0]


def test_a_bad_recording_has_failed_and_costs_no_other(predicted):
    statuses = read_statuses(predicted[2] / "status.jsonl", ["t0", "bad", "t1"])
    assert [row.status for row in statuses.values()] == [Status.OK, Status.FAILED, Status.OK]
    assert not (predicted[2] / "bad.tsv").exists()


def test_the_same_input_gives_the_same_model_and_the_same_curves(predicted):
    def contents(folder):
        return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}

    assert contents(predicted[0]) == contents(predicted[1])


def test_the_curves_have_a_row_an_epoch_and_the_threshold_comes_from_the_tune_split(predicted):
    lines = (predicted[0] / "curves.csv").read_text().splitlines()
    config = json.loads((predicted[0] / "model" / "config.json").read_text())
    assert lines[0].split(",")[:2] == ["epoch", "train_loss"]
    assert len(lines) == 13
    assert config["chosen_on"] == "tune"
