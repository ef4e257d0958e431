"""Every planted defect of the EEG phantom ends as its truth says, and clean recordings end in the dataset."""

import hashlib
import json
from pathlib import Path

import pytest

from medassay.annotation.annotate import annotate
from medassay.annotation.spec import AnnotationSpec
from medassay.core.specs import load_spec, parameters_of
from medassay.datasets.ingest import ingest
from medassay.datasets.spec import DatasetSpec
from medassay.phantoms import eeg
from medassay.quality.spec import QualitySpec

ROOT = Path(__file__).parents[2]
STEM = "seizure-eeg"
SMALL = {"subjects": 3, "second_recordings": 1, "shortest_s": 310, "longest_s": 320}


class Keys:
    pseudonym = b"p" * 32
    label = b"l" * 32


def small(spec):
    return parameters_of(eeg.Parameters, spec.sources[0].phantom | SMALL, where="phantom")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The phantom through ingest, with the files of each sample."""
    folder = tmp_path_factory.mktemp("eeg")
    spec = load_spec(ROOT / "datasets" / f"{STEM}.yaml", DatasetSpec)
    eeg.generate(small(spec), 7, folder / "export", folder / "truth.json")
    objects = {}

    def put(content):
        digest = hashlib.sha256(content).hexdigest()
        objects[digest] = content
        return digest

    taken = ingest(STEM, spec, spec.sources[0], folder / "export", Keys(), put)
    paths = {row["file_id"]: Path(row["path"].decode()) for row in taken.key_side.to_pylist()}
    files = {
        paths[row["file_id"]].relative_to(folder / "export").as_posix(): row
        for row in taken.offered.to_pylist()
    }
    rows = {row["sample_id"]: row for row in taken.catalogue.to_pylist()}
    measured = {row["sample_id"]: row for row in taken.measurements.to_pylist()}
    truth = json.loads((folder / "truth.json").read_text())
    return spec, truth, files, rows, measured, taken, objects


def beyond(row):
    """The columns that lie outside the declared limits."""
    spec = load_spec(ROOT / "quality" / f"{STEM}.yaml", QualitySpec)
    found = set()
    for check in spec.checks:
        if check.expectation == "ExpectColumnValuesToBeBetween":
            bounds, value = check.arguments, row[check.arguments["column"]]
            low, high = bounds.get("min_value", value), bounds.get("max_value", value)
            if not low <= value <= high:
                found.add(bounds["column"])
    return found


def annotated(run, only):
    _, _, files, rows, _, taken, objects = run
    spec = load_spec(ROOT / "annotation" / f"{STEM}.yaml", AnnotationSpec)
    sample = files[only]["sample_id"]
    return annotate(
        spec,
        "phantom",
        taken.objects,
        {sample: rows[sample]["subject_id"]},
        objects.__getitem__,
        lambda content: hashlib.sha256(content).hexdigest(),
        Keys.label,
    )


def test_every_planted_defect_ends_as_expected(run):
    _, truth, files, rows, measured, _, _ = run
    assert len(truth["defects"]) >= 20
    for defect in truth["defects"]:
        names = defect["file"].split(" = ")
        kind, _, what = defect["expected"].partition(":")
        found = [files[name] for name in names]
        if kind == "unassigned":
            assert (found[0]["outcome"], found[0]["reason"]) == ("unassigned", what), defect
        elif defect["kind"] == "duplicate":
            assert sorted(row["outcome"] for row in found) == ["refused", "sample"], defect
            assert {row["reason"] for row in found} == {None, what}
        elif kind == "refused":
            assert (found[0]["outcome"], found[0]["reason"]) == ("refused", what), defect
        elif kind == "gate":
            assert beyond(measured[found[0]["sample_id"]]) == {what}, defect
        elif kind == "one_subject":
            subjects = [rows[row["sample_id"]]["subject_id"] for row in found]
            assert subjects[0] == subjects[1]
            assert {rows[row["sample_id"]]["site"] for row in found} == {"A", "B"}
        elif kind == "annotate":
            exclusions = annotated(run, names[0]).exclusions.to_pylist()
            assert [row["reason"] for row in exclusions] == [what], defect
        else:
            assert kind == "arbitrated"
            assert annotated(run, names[0]).reference["method"].to_pylist() == ["arbitrated"]


def test_clean_recordings_are_accepted_inside_every_limit_with_both_reads(run):
    _, truth, files, rows, measured, taken, _ = run
    roles = {}
    for row in taken.objects.to_pylist():
        roles.setdefault(row["sample_id"], set()).add(row["role"])
    assert len(truth["recordings"]) == 4
    for told in truth["recordings"]:
        sample = files[told["file"]]["sample_id"]
        assert rows[sample]["status"] == "accepted"
        assert beyond(measured[sample]) == set()
        assert {"signal", "read:R1", "read:R2"} <= roles[sample]
        assert rows[sample]["sex"] in ("F", "M")
        assert 15 < rows[sample]["age_years"] < 80
        assert rows[sample]["device"]
        assert measured[sample]["duration_s"] == told["duration_s"]


def test_names_in_gb18030_and_undeclared_gbk_are_among_the_headers(run):
    *_, taken, _ = run
    assert any(f.reason == "character_set" for f in taken.findings)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path):
    spec = load_spec(ROOT / "datasets" / f"{STEM}.yaml", DatasetSpec)
    tiny = small(spec).model_copy(
        update={"subjects": 1, "second_recordings": 0, "shortest_s": 60, "longest_s": 60, "defects": False}
    )

    def digests(name, seed):
        eeg.generate(tiny, seed, tmp_path / name, tmp_path / f"{name}.json")
        return {
            path.relative_to(tmp_path / name).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted((tmp_path / name).rglob("*.edf"))
        }

    first = digests("a", 1)
    assert first == digests("b", 1)
    assert not set(first.values()) & set(digests("c", 2).values())


def test_the_truth_is_not_in_the_export(run, tmp_path):
    _, truth, files, *_ = run
    assert truth["recordings"][0]["seizures"] is not None
    assert not any(name.endswith(".json") for name in files)
