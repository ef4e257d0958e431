"""The glucose phantom: the same bytes for the same seed, and every planted defect ends as it was meant to."""

import json
from pathlib import Path

import pytest

from medassay.core.specs import load_spec, parameters_of
from medassay.datasets.identity import joined_persons
from medassay.datasets.intake import cgm
from medassay.datasets.sample import Names, OfferedFile, Refused
from medassay.datasets.spec import DatasetSpec
from medassay.formats.ivd.trace import episodes_of, read_trace
from medassay.phantoms.cgm import Parameters, generate
from medassay.quality.spec import QualitySpec
from medassay.tasks.alarms import EpisodeRules

ROOT = Path(__file__).parents[2]
SPEC = load_spec(ROOT / "datasets" / "t2dm-cgm.yaml", DatasetSpec)
SOURCE = SPEC.sources[0]
CHECKS = load_spec(ROOT / "quality" / "t2dm-cgm.yaml", QualitySpec).checks
SMALL = Parameters(subjects=6, days=3)


def offered(folder):
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return [OfferedFile(p, p.relative_to(folder).as_posix(), p.stat().st_size) for p in paths]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantom")
    generate(SMALL, 1, folder / "export", folder / "truth.json")
    return folder


@pytest.fixture(scope="module")
def outcome(made):
    """File to draft, Taken, refusal or finding, as intake gave them."""
    assembly = cgm.assemble(offered(made / "export"), SOURCE)
    ended = {item.file.relative: item.finding for item in assembly.unassigned}
    for draft in assembly.drafts:
        try:
            taken = cgm.take_in(draft, Names("R-" + "0" * 16, "S-" + "0" * 16, 9, b"key"), SOURCE)
            assert cgm.prove(taken, SOURCE) == []
            ended[draft.files[0][1].relative] = taken
        except Refused as refused:
            ended[draft.files[0][1].relative] = refused.finding
    tokens = [draft.person_tokens for draft in assembly.drafts]
    files = [draft.files[0][1].relative for draft in assembly.drafts]
    return ended, dict(zip(files, joined_persons(tokens), strict=True))


def truth(made):
    return json.loads((made / "truth.json").read_text("utf-8"))


def failed_checks(taken):
    """The excluding checks whose limits the sample does not keep; the declared classes are the simple ones."""
    failed = set()
    for check in CHECKS:
        value = taken.measurements[check.arguments["column"]]
        if check.severity == "exclude" and not within(check, value):
            failed.add((check.arguments["column"], check.reason.value))
    return failed


def within(check, value):
    if check.expectation == "ExpectColumnValuesToBeInSet":
        return value in check.arguments["value_set"]
    assert check.expectation == "ExpectColumnValuesToBeBetween"
    low = check.arguments.get("min_value", float("-inf"))
    return value is not None and low <= value <= check.arguments.get("max_value", float("inf"))


def test_parameters_of_the_spec_fit_the_generator():
    assert parameters_of(Parameters, SOURCE.phantom, where="spec").subjects == 42


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(made, tmp_path):
    generate(SMALL, 1, tmp_path / "again", tmp_path / "again.json")
    generate(SMALL, 2, tmp_path / "other", tmp_path / "other.json")
    first = {p.relative: p.path.read_bytes() for p in offered(made / "export")}
    assert first == {p.relative: p.path.read_bytes() for p in offered(tmp_path / "again")}
    assert (made / "truth.json").read_bytes() == (tmp_path / "again.json").read_bytes()
    assert first != {p.relative: p.path.read_bytes() for p in offered(tmp_path / "other")}


def test_every_file_ends_somewhere(made, outcome):
    assert set(outcome[0]) == {file.relative for file in offered(made / "export")}


def test_every_planted_defect_ends_as_its_expected_outcome(made, outcome):
    ended, persons = outcome
    seen = set()
    for defect in truth(made)["defects"]:
        got = ended[defect["file"]]
        seen.add(defect["outcome"])
        if defect["outcome"] in ("unassigned", "refused"):
            assert got.reason.value == defect["reason"], defect
        elif defect["outcome"] == "shared":
            assert defect["reason"] in got.where, defect
        elif defect["outcome"] == "gate":
            assert (defect["column"], defect["reason"]) in failed_checks(got), defect
        elif defect["outcome"] == "duplicate":
            assert got.fingerprint == ended[defect["of"]].fingerprint
            assert persons[defect["file"]] != persons[defect["of"]]
        elif defect["outcome"] == "same_subject":
            assert persons[defect["file"]] == persons[defect["of"]]
            assert got.fingerprint != ended[defect["of"]].fingerprint
        else:
            assert defect["outcome"] == "cohort"
            assert got.measurements["diabetes_type"] == "T1DM"
    assert seen == {"unassigned", "refused", "shared", "gate", "duplicate", "same_subject", "cohort"}


def test_clean_samples_keep_every_limit_and_are_of_the_cohort(made, outcome):
    clean = [outcome[0][subject["file"]] for subject in truth(made)["subjects"]]
    assert len(clean) == SMALL.subjects
    for taken in clean:
        assert failed_checks(taken) == set()
        assert taken.measurements["diabetes_type"] == "T2DM"
        assert taken.sex in ("F", "M")
        assert taken.age_years >= 18


def test_sites_differ_in_form_unit_and_rate_and_all_have_episodes(made, outcome):
    by_site = {}
    for subject in truth(made)["subjects"]:
        taken = outcome[0][subject["file"]]
        trace = read_trace(taken.objects[0].content)
        found = by_site.setdefault((taken.site, taken.device), [set(), 0])
        found[0].add(taken.measurements["interval_min"])
        found[1] += len(episodes_of(trace, EpisodeRules()).hypo)
    assert {key: rates for key, (rates, _) in by_site.items()} == {
        ("site-a", "GS15"): {15},
        ("site-b", "GS05"): {5},
        ("site-c", "GT05"): {5},
    }
    assert all(count > 0 for _, count in by_site.values())


def test_no_name_or_id_of_a_patient_stands_in_any_output(made, outcome):
    export = (made / "export" / "site-b").glob("CGM_*.csv")
    names = {path.read_bytes().decode("gb18030", "ignore").split(",")[1] for path in export}
    assert len(names) > 2
    outputs = b"".join(
        item.content + item.name.encode()
        for taken in outcome[0].values()
        if hasattr(taken, "objects")
        for item in taken.objects
    )
    said = " ".join(
        finding.model_dump_json()
        for got in outcome[0].values()
        for finding in (got.findings if hasattr(got, "findings") else [got])
    )
    for name in names:
        assert all(name.encode(encoding) not in outputs for encoding in ("utf-8", "gb18030"))
        assert name not in said
