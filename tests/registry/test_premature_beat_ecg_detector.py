"""The reference device for premature beats keeps the device contract and learns what a phantom holds."""

import json
import shutil
from pathlib import Path

import pytest

from medassay.core.specs import load_spec
from medassay.evaluation.scoring import beats
from medassay.formats.waveform.wfdb_annotation import read_annotations
from medassay.phantoms import ecg
from medassay.registry.device import DeviceSpec, SampleRow, Status, read_statuses

ROOT = Path(__file__).parents[2]
DEVICE = ROOT / "registry" / "premature-beat-ecg-detector"
BAD = "R-bad"


@pytest.fixture(scope="module")
def staged(tmp_path_factory):
    """Eight recordings as train and tune, two and a broken one as test; the first reader's file as reference."""
    folder = tmp_path_factory.mktemp("device")
    few = ecg.Parameters(subjects=10, minutes=6, defects=False, subtlety=0, noise=0.7)
    ecg.generate(few, 4, folder / "export", folder / "truth.json")
    rows = {"train": [], "test": []}
    truth = json.loads((folder / "truth.json").read_text())["samples"]
    for number, sample in enumerate(truth):
        split = "test" if number >= 8 else "tune" if number >= 6 else "train"
        place = folder / ("test" if split == "test" else "train")
        place.mkdir(exist_ok=True)
        header = folder / "export" / f"{sample['key']}.hea"
        for suffix in (".hea", ".dat"):
            shutil.copy(header.with_suffix(suffix), place)
        files = {"header": (header.name,), "signal": (header.with_suffix(".dat").name,)}
        reference = folder / "export" / "readers" / "R1" / f"{sample['key']}.atr"
        if split != "test":
            shutil.copy(reference, place / f"{header.stem}.reference")
            files["reference"] = (f"{header.stem}.reference",)
        rows["test" if split == "test" else "train"].append(
            SampleRow(sample_id=header.stem, split=split, files=files)
        )
    (folder / "test" / "bad.hea").write_bytes(b"bad 2 360 1000\nbad.dat 212 200 11 0\nbad.dat 212 200 11 0\n")
    rows["test"].insert(0, SampleRow(sample_id=BAD, split="test", files={"header": ("bad.hea",)}))
    for name, of in rows.items():
        (folder / name / "samples.jsonl").write_text("".join(row.model_dump_json() + "\n" for row in of))
    return folder


@pytest.fixture(scope="module")
def trained(staged, run_script):
    """The device trained twice with the same parameters, its model beside it."""
    (staged / "params.json").write_text(
        '{"seed": 1, "epochs": 5, "channels": 8, "batch": 128, "rate": 0.006}'
    )
    for name in ("once", "again"):
        run_script(DEVICE, "train.py", staged / "train", staged / name, staged / "params.json")
    device = staged / "device"
    shutil.copytree(DEVICE, device, ignore=shutil.ignore_patterns("__pycache__", "model"))
    shutil.copytree(staged / "once" / "model", device / "model")
    run_script(device, "predict.py", staged / "test", staged / "out")
    return staged


def test_declaration_loads():
    spec = load_spec(DEVICE / "device.yaml", DeviceSpec)
    assert (ROOT / "datasets" / f"{spec.dataset}.yaml").is_file()
    assert spec.train_seconds > 60


def test_it_imports_nothing_of_the_engine():
    assert not any("medassay" in path.read_text("utf-8") for path in DEVICE.glob("*.py"))


def test_training_twice_gives_the_same_model(trained):
    for name in ("config.json", "weights.npz"):
        first, second = ((trained / run_ / "model" / name).read_bytes() for run_ in ("once", "again"))
        assert first == second


def test_training_leaves_a_curve_row_an_epoch(trained):
    lines = (trained / "once" / "curves.csv").read_text().splitlines()
    assert lines[0].startswith("epoch,train_loss,tune_")
    assert len(lines) == 6


def test_a_bad_sample_fails_and_the_rest_goes_on(trained):
    rows = [SampleRow.model_validate_json(line) for line in (trained / "test" / "samples.jsonl").open()]
    statuses = read_statuses(trained / "out" / "status.jsonl", [row.sample_id for row in rows])
    assert statuses[BAD].status == Status.FAILED
    assert [row.status for sample, row in statuses.items() if sample != BAD] == [Status.OK] * 2


def test_it_finds_most_ventricular_beats_of_persons_it_never_saw(trained):
    found = {"V_TP": 0.0, "V_FN": 0.0, "QRS_TP": 0.0, "QRS_FN": 0.0}
    predictions = sorted((trained / "out").glob("*.pred"))
    assert len(predictions) == 2
    for path in predictions:
        header = trained / "test" / f"{path.stem}.hea"
        (reference,) = (trained / "export" / "readers" / "R1").rglob(f"{path.stem}.atr")
        statistics = beats.score(
            reference.read_bytes(),
            path.read_bytes(),
            {header.name: header.read_bytes()},
            beats.Options(start_s=0),
        ).statistics
        found = {name: value + statistics[name] for name, value in found.items()}
        assert set(read_annotations(path.read_bytes()).symbols) <= {"N", "A", "V"}
    assert found["QRS_TP"] / (found["QRS_TP"] + found["QRS_FN"]) > 0.95
    assert found["V_TP"] / (found["V_TP"] + found["V_FN"]) > 0.6
