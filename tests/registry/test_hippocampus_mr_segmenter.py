"""The reference device as a process of its own: a bad sample costs no other, and nothing of medassay is needed."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from medassay.core.specs import load_spec
from medassay.datasets.deidentify.dicom import encoded
from medassay.evaluation.scoring import masks
from medassay.formats.imaging import segmentation
from medassay.formats.imaging.grid import Grid
from medassay.phantoms.mr_volume import headers
from medassay.phantoms.mr_volume.parameters import Site
from medassay.registry.device import DeviceSpec, read_statuses

DEVICE = Path(__file__).parents[2] / "registry" / "hippocampus-mr-segmenter"
SHAPE, SPACING = (12, 16, 12), (1.2, 1.0, 1.0)
AFFINE = np.array([[0, 0, 1.0, 0], [0, 1.0, 0, 0], [1.2, 0, 0, 0], [0, 0, 0, 1]])
OPTIONS = masks.Options(structures={"anterior": 1, "posterior": 2}, nsd_tolerance_mm=1)


def sample(folder, number, *, broken=False):
    """A bright box in noise, its front and back half the two structures."""
    draw = np.random.default_rng(number)
    labels = np.zeros(SHAPE, np.uint8)
    labels[3:9, 3:8, 3:9], labels[3:9, 8:13, 3:9] = 1, 2
    values = np.rint(300 + 300 * (labels > 0) + draw.normal(0, 40, SHAPE)).astype(np.int64)
    site = Site(
        institution="x", charset="ISO_IR 100", manufacturer="m", model="n", field_t=3, spacing_mm=SPACING,
        subjects=1, noise=0.1, contrast=1, gain=1,
    )  # fmt: skip
    person = headers.Person("TEST^ONE", "1", "19600101", "F", 60, 60.0)
    grid = Grid(SHAPE, AFFINE)
    images = headers.series(person, site, values, grid, token=f"{number}", instance_order=range(12, 0, -1))
    name = f"sample-{number}"
    (folder / name).mkdir(parents=True)
    paths = [f"{name}/{index:04d}.dcm" for index in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        (folder / path).write_bytes(encoded(image)[: 300 if broken else None])
    reference = segmentation.write(
        labels,
        images=images,
        grid=grid,
        names={1: "anterior", 2: "posterior"},
        uid=lambda purpose: headers.uid(number, purpose),
        maker=("m", "n"),
    )
    (folder / name / "reference.dcm").write_bytes(reference)
    return {"sample_id": name, "files": {"image": paths, "reference": [f"{name}/reference.dcm"]}}


# Both scripts in one process of the device's own: importing its libraries takes longer than the rest.
BOTH = """
import runpy, shutil, sys
sys.path.insert(0, ".")
source, out, parameters, predicted = sys.argv[1:]
sys.argv = ["train.py", source, out, parameters]
runpy.run_path("train.py", run_name="__main__")
shutil.copytree(out + "/model", "model")
for target in (predicted, predicted + "-again"):
    sys.argv = ["predict.py", source, target]
    runpy.run_path("predict.py", run_name="__main__")
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("device")
    device = folder / "package"
    shutil.copytree(DEVICE, device, ignore=shutil.ignore_patterns("__pycache__"))
    rows = [sample(folder / "in", number, broken=number == 3) for number in range(4)]
    for row, split in zip(rows, ("train", "train", "tune", "train"), strict=True):
        row["split"] = split
    (folder / "in" / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    short = {"steps": 30, "evaluate_every": 10, "width": 4}
    parameters = load_spec(DEVICE / "device.yaml", DeviceSpec).parameters | short
    (folder / "parameters.json").write_text(json.dumps(parameters))
    arguments = [folder / name for name in ("in", "out", "parameters.json", "predicted")]
    subprocess.run([sys.executable, "-c", BOTH, *map(str, arguments)], cwd=device, timeout=120, check=True)
    return folder


def test_training_leaves_a_model_and_its_curves(trained):
    lines = (trained / "out" / "curves.csv").read_text().splitlines()
    assert lines[0] == "epoch,train_loss,tune_figure"
    assert len(lines) == 4
    config = json.loads((trained / "out" / "model" / "config.json").read_text())
    assert (config["train_samples"], config["tune_samples"]) == (2, 1)


def test_a_bad_sample_fails_alone(trained):
    statuses = read_statuses(trained / "predicted" / "status.jsonl", [f"sample-{n}" for n in range(4)])
    assert [row.status.value for row in statuses.values()] == ["ok", "ok", "ok", "failed"]
    assert not (trained / "predicted" / "sample-3.dcm").exists()


def test_predictions_are_read_by_the_scorer_on_the_images_grid(trained):
    folder = trained / "in" / "sample-2"
    samples = {path.name: path.read_bytes() for path in folder.glob("0*.dcm")}
    prediction = (trained / "predicted" / f"sample-2{masks.SUFFIX}").read_bytes()
    score = masks.score((folder / "reference.dcm").read_bytes(), prediction, samples, OPTIONS)
    assert score.statistics["dice"] > 1  # of 2: a bright box is easy


def test_the_same_images_give_the_same_file_at_another_time(trained):
    for number in range(3):
        first, second = (trained / f / f"sample-{number}.dcm" for f in ("predicted", "predicted-again"))
        assert first.read_bytes() == second.read_bytes()


def test_the_device_imports_nothing_of_the_engine():
    for path in DEVICE.glob("*.py"):
        assert "medassay" not in path.read_text("utf-8").replace('"medassay"', "")
