"""The ECG phantom: deterministic, learnable, and every planted defect ends as it was planted to end."""

import json
from pathlib import Path

import pytest

from medassay.annotation.consensus import beats
from medassay.annotation.spec import AnnotationSpec
from medassay.core.findings import Reason
from medassay.core.specs import load_spec
from medassay.datasets.identity import joined_persons
from medassay.datasets.intake import ecg as intake
from medassay.datasets.sample import Names, OfferedFile, Refused
from medassay.datasets.spec import DatasetSpec
from medassay.phantoms import ecg
from medassay.quality.spec import QualitySpec

ROOT = Path(__file__).parents[2]
STEM = "premature-beat-ecg"
SPEC = load_spec(ROOT / "datasets" / f"{STEM}.yaml", DatasetSpec)
SOURCE = next(source for source in SPEC.sources if source.phantom is not None)
QUALITY = load_spec(ROOT / "quality" / f"{STEM}.yaml", QualitySpec)
ANNOTATION = load_spec(ROOT / "annotation" / f"{STEM}.yaml", AnnotationSpec)
SMALL = ecg.Parameters(subjects=6, minutes=6.5)


def files(folder):
    return [
        OfferedFile(path, path.relative_to(folder).as_posix(), path.stat().st_size)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantom")
    ecg.generate(SMALL, 3, folder / "export", folder / "truth.json")
    return folder


@pytest.fixture(scope="module")
def truth(export):
    return json.loads((export / "truth.json").read_text())


@pytest.fixture(scope="module")
def ended(export):
    """How each draft and file ended: what was taken in, what was refused, what made no sample."""
    assembly = intake.assemble(files(export / "export"), SOURCE)
    taken, refused = {}, {}
    for number, draft in enumerate(assembly.drafts):
        names = Names(f"R-{number:016x}", "S-0000000000000000", 1, b"key")
        try:
            taken[draft.key] = intake.take_in(draft, names, SOURCE)
        except Refused as error:
            refused[draft.key] = error.finding.reason
    unassigned = {item.file.relative: item.finding.reason for item in assembly.unassigned}
    return assembly, taken, refused, unassigned


def failed_checks(measurements):
    """Reasons of the bounds of the quality spec that a row of measurements does not keep."""
    found = set()
    for check in QUALITY.checks:
        value = measurements[check.arguments["column"]]
        low, high = check.arguments.get("min_value"), check.arguments.get("max_value")
        if value is None or (low is not None and value < low) or (high is not None and value > high):
            found.add(check.reason)
    return found


def label_findings(taken):
    """What the end of annotation says of the readers' files of one recording."""
    objects = {item.role: item for item in taken.objects}
    public = {item.name: item.content for item in taken.objects if item.role in ("header", "signal")}
    reads = [objects.get(f"read:{name}") for name in ("R1", "R2")]
    if None in reads:
        return {Reason.REFERENCE_MISSING}
    merged = beats.merge(reads[0].content, reads[1].content, public, ANNOTATION.options)
    return {finding.reason for finding in beats.check(merged, public, ANNOTATION.options)}


def test_every_planted_defect_ends_as_expected(ended, truth):
    assembly, taken, refused, unassigned = ended
    assert len(truth["defects"]) == 20
    for defect in truth["defects"]:
        reason, key = defect["reason"] and Reason(defect["reason"]), defect["key"]
        match defect["stage"]:
            case "assemble":
                assert unassigned[key] == reason, defect
            case "take_in":
                assert refused[key] == reason, defect
            case "gate":
                assert reason in failed_checks(taken[key].measurements), defect
            case "cohort":
                assert taken[key].age_years < SPEC.cohort[0].minimum, defect
            case "annotate":
                assert reason in label_findings(taken[key]), defect
            case "ingest" if reason == Reason.DUPLICATE:
                assert taken[key].fingerprint == taken[defect["of"]].fingerprint
            case "ingest":
                drafts = {draft.key: draft.person_tokens for draft in assembly.drafts}
                one, two = joined_persons([drafts[key], drafts[defect["of"]]])
                assert one == two
                assert set(drafts[key]) != set(drafts[defect["of"]])


def test_sound_recordings_lie_inside_the_limits(ended, truth):
    _, taken, _, _ = ended
    for sample in truth["samples"]:
        found = taken[sample["key"]]
        assert failed_checks(found.measurements) == set(), sample
        assert label_findings(found) == set(), sample


def test_every_recording_is_proved_and_tells_no_name(ended, truth):
    _, taken, _, _ = ended
    names = [sample["person"].partition("|")[0] for sample in truth["samples"]]
    for found in taken.values():
        assert intake.prove(found, SOURCE) == []
        content = b"".join(item.content for item in found.objects)
        assert not any(name.encode(code) in content for name in names for code in ("utf-8", "gb18030"))


def test_sex_age_site_and_recorder_survive(ended, truth):
    _, taken, _, _ = ended
    folders = SOURCE.options["sites"]
    for sample in truth["samples"]:
        found = taken[sample["key"]]
        assert (found.sex, found.site) == (sample["sex"], folders[sample["site"]])
        assert found.age_years > 18
        assert found.device in SOURCE.options["devices"]


def test_every_person_of_a_sound_recording_is_another(ended, truth):
    assembly, _, _, _ = ended
    tokens = {draft.key: draft.person_tokens for draft in assembly.drafts}
    people = joined_persons([tokens[sample["key"]] for sample in truth["samples"]])
    assert len(set(people)) == len(people)


def test_the_arbitrator_reads_where_the_readers_differ_and_only_there(ended, truth):
    _, taken, _, _ = ended
    limits = ANNOTATION.agreement_limits
    for sample in truth["samples"]:
        found = taken[sample["key"]]
        objects = {item.role: item.content for item in found.objects}
        public = {item.name: item.content for item in found.objects if item.role == "header"}
        figures = beats.figures(
            beats.agreement(objects["read:R1"], objects["read:R2"], public, ANNOTATION.options)
        )
        below = any(figures[name] is not None and figures[name] < limit for name, limit in limits.items())
        assert below == ("read:ARB" in objects) == sample["arbitrated"]


def test_spec_and_annotation_standard_name_the_same_limits():
    declared = {f"f1[{name}]": limit for name, limit in SOURCE.phantom["arbitrate_below"].items()}
    assert declared == ANNOTATION.agreement_limits


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    few = ecg.Parameters(subjects=2, minutes=1, defects=False)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        ecg.generate(few, seed, tmp_path / name, tmp_path / f"{name}.json")
    content = {
        name: [(file.relative, file.path.read_bytes()) for file in files(tmp_path / name)] for name in "abc"
    }
    assert content["a"] == content["b"]
    assert content["a"] != content["c"]
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_the_truth_stands_outside_the_export(export):
    assert not list((export / "export").rglob("*.json"))
