import pytest

from medassay.core.errors import EnvironmentLacking, EvidenceBroken, WrongUse
from medassay.core.findings import Reason
from medassay.trust import ledger
from medassay.trust.evidence import Outcome
from medassay.trust.keys import KeyRing
from medassay.verbs import certify, init
from medassay.verbs.stage import Place, evidence_inputs, refused_after

SPEC = """
title: {zh: 甲, en: a}
version: "1"
disease: {name: {zh: 甲, en: a}, icd10: [I49.3]}
kind: ecg
task: beats
intended_use: {zh: 甲, en: a}
target_population: {zh: 甲, en: a}
sources:
- {name: phantom, source_class: synthetic, form: wfdb, phantom: {}, identity: known, lawful_basis: {licence: none}}
split: {train: 0.6, tune: 0.2, test: 0.2, seed: 1}
freeze_needs: [ingest]
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDASSAY_KEYS", str(tmp_path / "keys"))
    monkeypatch.delenv("MEDASSAY_STORE", raising=False)
    init.run(tmp_path / "w", demo_keys=True)
    (tmp_path / "w" / "datasets" / "x.yaml").write_text(SPEC, "utf-8")
    return Place(init.Workspace(tmp_path / "w"), "x", "phantom")


def finish(place, kind, outcome=Outcome.PASSED, **changes):
    return place.finish(kind, inputs={}, records={"r": {"n": 1}}, outcome=outcome, counts={"n": 1}, **changes)


def test_a_step_ends_in_evidence_a_ledger_line_and_a_pointer(place):
    ended = finish(place, "ingest")
    assert place.evidence("ingest") == ended
    assert place.record(ended, "r") == {"n": 1}
    key = KeyRing.load(place.workspace.key_ring).signing_key.public_key()
    assert ledger.verify(place.workspace.ledger, key) == 1


def test_the_same_step_run_twice_ends_in_the_same_evidence_and_two_ledger_lines(place):
    assert finish(place, "ingest").digest == finish(place, "ingest").digest
    assert len(ledger.read(place.workspace.ledger)) == 2


def test_a_step_that_was_not_run_names_the_command(place):
    with pytest.raises(WrongUse, match="Run: medassay train x phantom d"):
        place.evidence("train", "d")


def test_a_failed_forerunner_makes_a_refusal_that_is_evidence_too(place):
    failed = finish(place, "ingest", Outcome.FAILED)
    refused = refused_after(place, "gate", failed)
    assert refused.outcome is Outcome.REFUSED
    assert [finding.reason for finding in refused.findings] == [Reason.STEP_BEFORE_FAILED]
    assert place.evidence("gate") == refused
    assert dict(evidence_inputs(failed)) == {"evidence:ingest": failed.digest}
    assert refused_after(place, "gate", finish(place, "ingest")) is None


def test_an_unknown_source_is_answered_with_those_that_exist(place):
    with pytest.raises(WrongUse, match="one of phantom"):
        _ = Place(place.workspace, "x", "fantom").source


@pytest.mark.parametrize("named", ["source", "database", "device"])
def test_a_typo_is_answered_with_the_right_name_and_not_with_a_step_to_run(place, named):
    source = "phantm" if named == "source" else "phantom"
    (place.workspace.root / "registry" / "d").mkdir()
    (place.workspace.root / "registry" / "d" / "device.yaml").touch()
    elsewhere = Place(place.workspace, "y" if named == "database" else "x", source)
    with pytest.raises(WrongUse) as caught:
        elsewhere.evidence("train", "no-device" if named == "device" else None)
    assert "Run: medassay" not in caught.value.remedy


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"outcome": "passed"}'])
def test_a_pointer_that_is_not_whole_is_broken_evidence_and_no_fault_of_ours(place, content):
    finish(place, "ingest")
    place.workspace.pointer("x", "phantom", "ingest").write_bytes(content)
    with pytest.raises(EvidenceBroken, match="ingest again"):
        place.evidence("ingest")


def test_a_spec_that_broke_after_freezing_is_said_before_any_inspection_paper_is_drawn(place):
    for kind in ("gate", "annotate", "freeze"):
        finish(place, kind)
    place.workspace.spec("datasets", "x").write_text("title: [", "utf-8")
    with pytest.raises(WrongUse, match="YAML"):
        certify.run(Place(place.workspace, "x", "phantom"))
    assert not place.workspace.reports("x", "phantom").exists()


def test_a_store_that_cannot_be_written_is_the_environment_s(place, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MEDASSAY_STORE", str(tmp_path / "file" / "store"))
    with pytest.raises(EnvironmentLacking, match="write permission"), place.writing():
        pass


def test_two_steps_of_a_database_never_write_at_once(place):
    with place.writing(), pytest.raises(EnvironmentLacking, match="another run"), place.writing():
        pass


def test_steps_of_two_databases_write_at_once_and_none_while_something_is_taken_out(place):
    other = Place(place.workspace, "other", "phantom")
    with (
        place.writing(),
        other.writing(),
        pytest.raises(EnvironmentLacking, match="another run"),
        other.alone(),
    ):
        pass
    with other.alone(), pytest.raises(EnvironmentLacking, match="another run"), place.writing():
        pass


def test_init_touches_nothing_that_is_there(place):
    before = place.workspace.key_ring.read_bytes()
    assert init.run(place.workspace.root) == []
    assert place.workspace.key_ring.read_bytes() == before
