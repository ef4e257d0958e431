"""A withdrawal reaches what devices, the scorer and reports made of the subject, and names what it cannot reach."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest

from medassay.core.canonical import digest_bytes
from medassay.core.workspace import SPEC_FOLDERS, Workspace
from medassay.datasets.manifest import Manifest, Row
from medassay.room.record import RunRecord
from medassay.trust.evidence import Outcome
from medassay.trust.sealing import sample_key, seal
from medassay.verbs import init, withdraw
from medassay.verbs.report import _excerpts as excerpts_of
from medassay.verbs.stage import Place
from medassay.verbs.validate import EXCERPT

ROOT = Path(__file__).parents[2]
GONE, OTHER = "S-0000000000000001", "S-0000000000000002"
DEVICE = "alert"
FREEZE = {"kind": "cgm", "task": "alarms", "division": "seeded", "disjointness": "proven", "seed": 1}
SCORED = {
    "dataset": "t2dm-cgm", "source": "phantom", "source_class": "synthetic", "manifest": "0" * 64,
    "device": DEVICE, "device_version": "1", "submission": "1" * 64, "protocol": "2" * 64, "task": "alarms",
    "scorer_version": "1", "options": {}, "subjects": [], "second_entry": [], "earlier_looks": 0,
    "sealing": {
        "sealed": False, "means": "none", "network": "not_prevented", "labels": "not_prevented",
        "public_data": False,
    },
}  # fmt: skip


def sample(subject, number):
    return f"R-{number:08x}{subject[-8:]}"


@pytest.fixture
def validated(tmp_path, monkeypatch):
    """A workspace in which a device learnt from both subjects and was validated and reported on."""
    root = tmp_path / "workspace"
    for folder in SPEC_FOLDERS:
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setenv("MEDASSAY_KEYS", str(tmp_path / "keys"))
    monkeypatch.delenv("MEDASSAY_STORE", raising=False)
    init.run(root, demo_keys=True)
    place = Place(Workspace(root), "t2dm-cgm", "phantom")
    put, people = place.store.put, (GONE, OTHER)
    traces = {one: put(f"trace of {one}".encode()) for one in people}
    catalogue = pa.table({"sample_id": [sample(one, 1) for one in people], "subject_id": list(people)})
    objects = pa.table({"sample_id": [sample(one, 1) for one in people], "digest": list(traces.values())})
    place.finish(
        "ingest",
        inputs={},
        tables={"catalogue": catalogue, "objects": objects},
        outcome=Outcome.PASSED,
        counts={},
    )
    rows = [
        Row(
            name=f"{part}-{one}-{role}",
            role=role,
            digest=digest,
            sample=sample(one, n),
            subject=one,
            split=part,
        )
        for one, n, part in ((GONE, 1, "train"), (OTHER, 1, "test"))
        for role, digest in (("signal", traces[one]), ("reference", put(f"sealed label of {one}".encode())))
    ]
    manifest = Manifest(
        dataset="t2dm-cgm",
        source="phantom",
        source_class="synthetic",
        spec_version="1",
        rows=tuple(sorted(rows, key=lambda row: (row.sample, row.role, row.name))),
        **FREEZE,
    )
    place.finish("freeze", inputs={}, files={"manifest": manifest.content}, outcome=Outcome.PASSED, counts={})
    linked = {"manifest": manifest.digest}
    place.finish(
        "train",
        inputs=linked,
        files={"submission": b"a model"},
        outcome=Outcome.PASSED,
        counts={},
        device=DEVICE,
    )
    predictions = {sample(one, n): put(content) for one, n, content in (
        (GONE, 1, b"alarms of the one"), (GONE, 2, b"no alarm"), (OTHER, 1, b"no alarm"), (OTHER, 2, b"other alarms"),
    )}  # fmt: skip
    excerpts = {digest_bytes(one.encode()): put(b"sealed picture of " + one.encode()) for one in people}
    cases = [
        {
            "sample": name, "subject": GONE if name.endswith("1") else OTHER, "status": "ok", "badness": 1.0,
            "statistics": {}, "excerpt": digest_bytes((GONE if name.endswith("1") else OTHER).encode()),
        }
        for name in predictions
        if name.startswith("R-00000001")
    ]  # fmt: skip
    cases += [
        {"sample": name, "subject": GONE if name.endswith("1") else OTHER, "status": "ok", "badness": 0.0,
         "statistics": {}}
        for name in predictions
        if name.startswith("R-00000002")
    ]  # fmt: skip
    run = SCORED | {"predictions": predictions, "cases": cases}
    validate = place.finish(
        "validate", inputs=linked, records={"run": run, "excerpts": excerpts}, outcome=Outcome.PASSED, counts={},
        device=DEVICE,
    )  # fmt: skip
    report(place, validate, b"with pictures of both")
    return place, traces, predictions, excerpts


def report(place, validate, auditor):
    views = {"view:auditor/alert.zh.html": auditor, "view:alert.zh.html": b"without pictures"}
    folder = place.workspace.reports("t2dm-cgm", "phantom")
    (folder / "auditor").mkdir(parents=True, exist_ok=True)
    for role, content in views.items():
        (folder / role.removeprefix("view:")).write_bytes(content)
    return place.finish(
        "report", inputs={}, records={"report": {"digests": {"run": validate.output("run")}}}, files=views,
        outcome=Outcome.PASSED, counts={}, device=DEVICE,
    )  # fmt: skip


def test_predictions_excerpts_and_pictures_of_the_subject_go_and_those_of_others_stay(validated):
    place, traces, predictions, excerpts = validated
    done = withdraw.run(place, GONE, "erasure_requested")
    store = place.store
    assert (
        done.counts["erased_predictions"],
        done.counts["erased_excerpts"],
        done.counts["erased_views"],
    ) == (1, 1, 1)
    assert store.read(traces[GONE])[1] is store.read(predictions[sample(GONE, 1)])[1] is None
    assert store.read(excerpts[digest_bytes(GONE.encode())])[1] is None
    assert store.get(predictions[sample(GONE, 2)]) == b"no alarm"  # another subject's too
    assert store.get(predictions[sample(OTHER, 2)]) == b"other alarms"
    assert store.get(excerpts[digest_bytes(OTHER.encode())])
    folders = (place.workspace.store / "objects", place.workspace.root / "reports")
    left = b"".join(path.read_bytes() for one in folders for path in one.rglob("*") if path.is_file())
    for words in (
        b"trace of " + GONE.encode(),
        b"alarms of the one",
        b"picture of " + GONE.encode(),
        b"with pictures",
    ):
        assert words not in left
    assert b"without pictures" in left


def test_what_a_withdrawal_cannot_reach_is_named_with_what_to_do(validated):
    place, *_ = validated
    done = withdraw.run(place, GONE, "erasure_requested")
    assert all(finding.severity == "note" and finding.remedy for finding in done.findings)
    said = " ".join(finding.found for finding in done.findings)
    for word in ("a model that learnt", "MLflow", "a run with sums", "sketches", "the export", DEVICE):
        assert word in said
    assert "medassay train t2dm-cgm phantom alert" in " ".join(finding.remedy for finding in done.findings)


def test_a_subject_that_no_device_learnt_from_leaves_no_model(validated):
    place, *_ = validated
    done = withdraw.run(place, OTHER, "erasure_requested")
    assert not any("a model" in finding.found for finding in done.findings)
    assert any("a run with sums" in finding.found for finding in done.findings)


def test_a_withdrawal_run_again_ends_the_same_and_spares_what_was_reported_since(validated):
    place, *_ = validated
    first = withdraw.run(place, GONE, "erasure_requested")
    report(place, place.evidence("validate", DEVICE), b"pictures of the other alone")
    assert withdraw.run(place, GONE, "consent_withdrawn").digest == first.digest
    folder = place.workspace.reports("t2dm-cgm", "phantom")
    assert (folder / "auditor" / "alert.zh.html").read_bytes() == b"pictures of the other alone"


def test_a_report_after_the_withdrawal_has_the_pictures_of_the_others_alone(validated):
    place, _, predictions, _ = validated
    run = place.record(place.evidence("validate", DEVICE), "run")
    pictures = {case["sample"]: b"picture of " + case["subject"].encode() for case in run["cases"][:2]}
    sealed = {
        digest_bytes(content): place.store.put(
            seal(content, key=sample_key(place.keys.label, name), sample=name, role=EXCERPT)
        )
        for name, content in pictures.items()
    }
    cases = [case | {"excerpt": digest_bytes(pictures[case["sample"]])} for case in run["cases"][:2]]
    run |= {"cases": cases, "predictions": predictions}
    validate = place.finish(
        "validate",
        inputs={},
        records={"run": run, "excerpts": sealed},
        outcome=Outcome.PASSED,
        counts={},
        device=DEVICE,
    )
    record = SimpleNamespace(given=SimpleNamespace(run=RunRecord.model_validate(run)))
    assert set(excerpts_of(place, validate, record).values()) == set(pictures.values())
    withdraw.run(place, GONE, "erasure_requested")
    assert list(excerpts_of(place, validate, record).values()) == [b"picture of " + OTHER.encode()]
