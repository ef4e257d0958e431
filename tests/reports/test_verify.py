"""Whoever changes a figure is found, and told which; so is whoever changes the seal with it."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medassay.core.canonical import canonical_json, digest_bytes
from medassay.core.errors import EvidenceBroken, NothingReadable
from medassay.reports.checks import Store
from medassay.reports.given import Given
from medassay.reports.history import ledger_facts
from medassay.reports.record import ReportRecord, derive, reissued, seal_of
from medassay.reports.verify import verify, verify_paper
from medassay.trust import ledger
from medassay.trust.evidence import Evidence, Link, Outcome

SHARED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def content(records):
    return records.record(subjects=8, protocol=small(records), run=small_run(records)).to_json()


def small(records):
    return records.protocol(subgroups=["site"], minimum_cell=2, minimum_subjects=4)


def small_run(records):
    return records.run_record(subjects=8, protocol=small(records).digest)


def saved(folder, content):
    path = folder / "report.json"
    path.write_bytes(content)
    return path


def resealed(plain):
    """The work of somebody who knows how the seal is made."""
    record = ReportRecord.model_validate(plain)
    return record.model_copy(update={"seal": seal_of(record)}).to_json()


def test_an_untouched_report_passes_at_the_level_of_the_record(tmp_path, content):
    verified = verify(saved(tmp_path, content), expect_digest=digest_bytes(content))
    assert verified.passed, verified.first_difference
    assert verified.level == "record"
    assert verified.digest == digest_bytes(content)
    names = {check.name for check in verified.checks}
    assert {"seal", "run digest", "protocol digest", "figure F1", "verdict", "digest on paper"} <= names


@SHARED
@given(data=st.data())
def test_any_digit_that_is_changed_is_found(tmp_path, content, data):
    digits = [place for place, sign in enumerate(content) if chr(sign).isdigit()]
    place = data.draw(st.sampled_from(digits))
    other = data.draw(st.sampled_from([d for d in b"0123456789" if d != content[place]]))
    changed = content[:place] + bytes([other]) + content[place + 1 :]
    assert not verify(saved(tmp_path, changed)).passed


def numbers_in(value, path=()):
    if isinstance(value, dict):
        for key, item in value.items():
            yield from numbers_in(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from numbers_in(item, (*path, index))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path


@SHARED
@given(data=st.data())
def test_a_figure_that_is_changed_together_with_the_seal_is_found_and_named(tmp_path, content, data):
    plain = json.loads(content)
    figures = [path for path in numbers_in(plain["figures"]) if path[1] in ("estimate", "n_subjects")]
    path = data.draw(st.sampled_from(figures))
    node = plain["figures"]
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] += 1 if isinstance(node[path[-1]], int) else 1e-3
    # an interval must still be one, or the file is no record at all
    estimate = plain["figures"][path[0]]["estimate"]
    if estimate["lower"] is not None and estimate["lower"] > estimate["upper"]:
        return
    if estimate["confidence"] is not None and estimate["confidence"] >= 1:
        return
    first = verify(saved(tmp_path, resealed(plain))).first_difference
    assert first is not None
    assert first.name == f"figure F{path[0] + 1}"
    assert first.where.endswith(str(path[-1]))


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda plain: plain.update(verdict="met"), "verdict"),
        (lambda plain: plain["limits"].clear(), "limits"),
        (lambda plain: plain["scope"].update(sealed=True, population="not_provable"), "scope"),
        (lambda plain: plain["figures"].pop(), "number of figures"),
        (lambda plain: plain["sums"].update({"fn[V]": 0.0}), "sums"),
        (lambda plain: plain["digests"].update(run="0" * 64), "run digest"),
        (lambda plain: plain["results"].update(verdict="met"), "results"),
    ],
)
def test_what_is_changed_together_with_the_seal_is_named(tmp_path, content, change, name):
    plain = json.loads(content)
    change(plain)
    first = verify(saved(tmp_path, resealed(plain))).first_difference
    assert first is not None
    assert first.name == name


def test_a_subject_whose_misses_were_taken_out_is_found(tmp_path, content):
    plain = json.loads(content)
    plain["given"]["run"]["subjects"][0]["statistics"]["fn[V]"] = 0.0
    verified = verify(saved(tmp_path, resealed(plain)))
    failed = [check.name for check in verified.checks if check.outcome == Outcome.FAILED]
    assert failed == ["run digest", "recomputation"]


def test_a_goal_that_was_lowered_afterwards_is_found(tmp_path, content):
    plain = json.loads(content)
    plain["given"]["protocol"]["endpoints"][0]["goals"]["phantom"]["limit"] = 0.1
    assert not verify(saved(tmp_path, resealed(plain))).passed


@pytest.mark.parametrize(("weight", "outcome"), [(1.0, "passed"), (2.0, "failed")])
def test_a_report_cannot_bring_its_own_definition_of_sensitivity(
    records, tmp_path, content, monkeypatch, weight, outcome
):
    from medassay.core.specs import Spec
    from medassay.evaluation.scorer import Metric
    from medassay.reports import verify as module

    class Options(Spec):
        window_s: float
        learning_period_s: float

    class Scorer:
        VERSION = records.run_record().scorer_version

        @staticmethod
        def metrics(_options):
            own = Metric({"tp[V]": weight}, {"tp[V]": 1.0, "fn[V]": 1.0}, "1", "higher", "no reference event")
            return records.METRICS | {"sensitivity[V]": own}

    Scorer.Options = Options
    monkeypatch.setattr(module, "module_of", lambda *_, **__: Scorer)
    checks = {check.name: check for check in verify(saved(tmp_path, content)).checks}
    assert checks["formulas"].outcome == outcome
    assert checks["formulas"].found == ("" if outcome == "passed" else "sensitivity[V]")


def test_the_same_record_in_other_bytes_is_not_the_document(tmp_path, content):
    pretty = json.dumps(json.loads(content), indent=1, ensure_ascii=False).encode()
    first = verify(saved(tmp_path, pretty)).first_difference
    assert first is not None
    assert first.name == "file"


def test_what_is_no_record_is_said_with_the_place(tmp_path, content):
    plain = json.loads(content)
    del plain["given"]["run"]["manifest"]
    first = verify(saved(tmp_path, canonical_json(plain))).first_difference
    assert first is not None
    assert first.where == "given.run.manifest"
    assert not verify(saved(tmp_path, b"%PDF-")).passed


def test_no_file_is_said_as_such(tmp_path):
    with pytest.raises(NothingReadable):
        verify(tmp_path / "none.json")


PLACE = "some-ecg/phantom"


class Kept:
    """A store with a whole report in it, and its papers in a folder."""

    def __init__(self, records, folder):
        self.key = Ed25519PrivateKey.generate()
        self.path, self.folder = folder / "ledger.jsonl", folder / "reports"
        self.objects, self.evidences = {}, {}
        run = small_run(records)
        self.book(f"protocol_locked {PLACE}", run.protocol)
        self.book(f"labels_unsealed {PLACE}", run.manifest)
        outputs, steps = self.outputs(records, run), []
        for step in records.chain():
            inputs = {"manifest": run.manifest, "submission": run.submission}
            evidence = self.finish(
                step.kind,
                outputs.get(step.kind, {}),
                inputs=inputs if step.kind == "validate" else {},
                environment={"python": "3.11.7", "numpy": "2.4.0"} if step.kind == "validate" else {},
            )
            steps.append(step.model_copy(update={"digest": evidence.digest, "findings": 0, "reasons": {}}))
        digests = {step.kind: step.digest for step in steps}
        facts = ledger_facts(
            ledger.read(self.path),
            run,
            validated=digests["validate"],
            inspected=digests["certify"],
            key=self.key.public_key().public_bytes_raw().hex(),
            demo_key=True,
        )
        self.record = records.record(subjects=8, protocol=small(records), run=run, chain=steps, ledger=facts)
        self.report = self.record.to_json()
        self.issue(self.record)

    def outputs(self, records, run):
        """What each step would have kept of what the report took."""
        manifest = {
            "dataset": "some-ecg",
            "source": "phantom",
            "source_class": "synthetic",
            "spec_version": "1",
            "kind": "recording",
            "task": "beats",
            "seed": 7,
            "division": "seeded",
            "disjointness": "proven",
            "rows": [
                {
                    "name": "a.dat",
                    "role": "reference",
                    "digest": "0" * 64,
                    "sample": "a",
                    "subject": "s",
                    "split": "test",
                }
            ],
        }
        training = records.training()
        return {
            "annotate": {"agreement": records.agreement().model_dump(mode="json")},
            "freeze": {"flow": records.flow(8).model_dump(mode="json"), "manifest": manifest},
            "certify": {"certificate": records.inspection(8).model_dump(mode="json")},
            "train": {
                "curves": training.model_dump(mode="json")["curves"],
                "room": {"means": training.sandbox},
            },
            "validate": {"run": run.model_dump(mode="json")},
        }

    def put(self, content):
        self.objects[digest_bytes(content)] = content
        return digest_bytes(content)

    def finish(self, kind, outputs, *, inputs=None, environment=None, target=PLACE):
        """A step's Evidence and its line."""
        digests = {
            role: self.put(one if isinstance(one, bytes) else canonical_json(one))
            for role, one in outputs.items()
        }
        evidence = Evidence(
            kind=kind,
            target=target,
            inputs=tuple(Link(role=role, digest=one) for role, one in (inputs or {}).items()),
            outputs=tuple(Link(role=role, digest=one) for role, one in digests.items()),
            code={},
            environment=environment or {},
            outcome="passed",
        )
        self.evidences[evidence.digest] = evidence
        self.book(f"{kind} {PLACE}", evidence.digest)
        return evidence

    def issue(self, record):
        """Book a report with its papers, and lay them into the folder."""
        papers = {
            "some-device.json": record.to_json(),
            "some-device.zh.pdf": b"%PDF maker",
            "auditor/some-device.zh.pdf": b"%PDF auditor",
        }
        for name, content in papers.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_bytes(content)
        outputs = {"report": record.to_json()} | {f"view:{name}": one for name, one in papers.items()}
        self.finish("report", outputs, target=f"{PLACE}/some-device")

    def book(self, event, digest):
        ledger.append(self.path, actor="a", event=event, evidence=digest, key=self.key)

    def store(self, **changes):
        fields = {
            "get": self.objects.__getitem__,
            "evidence": self.evidences.__getitem__,
            "ledger": self.path,
            "key": self.key.public_key(),
            "demo_key": True,
        }
        return Store(**(fields | changes))


@pytest.fixture
def kept(records, tmp_path):
    return Kept(records, tmp_path)


def test_with_the_store_the_chain_the_run_and_the_ledger_are_checked(kept, tmp_path):
    kept.book("gate other/phantom", "0" * 64)  # the ledger has grown since
    head = ledger.read(kept.path)[0].digest
    verified = verify(saved(tmp_path, kept.report), kept.store(expect_head=head))
    assert verified.passed, verified.first_difference
    assert verified.level == "store"
    names = {check.name for check in verified.checks}
    assert {"evidence of gate", "stored run", "submission", "case flow", "ledger", "booked record"} <= names


def gone(digest):
    raise EvidenceBroken(found="altered bytes", wanted=digest, remedy="Restore it.")


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"get": gone}, "stored run"),
        ({"evidence": gone}, "evidence of ingest"),
        ({"key": Ed25519PrivateKey.generate().public_key()}, "ledger"),
        ({"expect_head": "1" * 64}, "ledger"),
    ],
)
def test_a_store_that_does_not_bear_the_report_out_is_named(kept, tmp_path, changes, name):
    first = verify(saved(tmp_path, kept.report), kept.store(**changes)).first_difference
    assert first is not None
    assert first.name == name


def test_a_run_that_was_rewritten_with_report_and_seal_is_found_by_the_store(kept, tmp_path):
    plain = json.loads(kept.report)
    case, row = plain["given"]["run"]["cases"][0], plain["given"]["run"]["subjects"][0]
    for statistics in (case["statistics"], row["statistics"]):
        gone = statistics.pop("fn[V]")
        statistics["fn[V]"] = 0.0
    for entry in plain["given"]["run"]["second_entry"]:
        if entry["statistic"] == "fn[V]":
            entry["first"], entry["second"] = entry["first"] - gone, entry["second"] - gone
    forged = derive(Given.model_validate(plain["given"])).to_json()
    assert verify(saved(tmp_path, forged)).passed
    first = verify(saved(tmp_path, forged), kept.store()).first_difference
    assert first is not None
    assert first.name == "stored run"


def _derived(kept, *path, to):
    """The work of somebody who changes what the report was given and derives everything else again."""
    plain = json.loads(kept.report)["given"]
    node = plain
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = to(node[path[-1]]) if callable(to) else to
    return derive(Given.model_validate(plain)).to_json()


TIMED = {"value": 0.1, "n_subjects": 8, "unit": "s"}
FORGERIES = {
    "case flow": ("flow", "unassigned_files", 0),
    "disjointness": ("disjointness", "not_provable"),
    "agreement": ("agreement", "arbitrated", 0),
    "inspection": ("inspection", "outcome", "failed"),
    "inspection by another": ("inspection", "issuer", {"kind": "laboratory", "name": "Lab", "number": "1"}),
    "training": ("training", "sandbox", "a sealed room"),
    "environment": ("environment", {"numpy": "9"}),
    "timing": (
        "timing",
        {"cases": 8, "total_s": 0.8, "per_case": TIMED, "median": TIMED, "slowest_s": 0.1},
    ),
    "intended use": ("device", "intended_use", "en", "Replaces the physician"),
    "product": ("device", "name", "en", "Another product"),
    "disease": ("dataset", "disease", "icd10", ["C34.9"]),
    "lawful basis": ("dataset", "source", "lawful_basis", "licence", "any use"),
    "cohort rule": ("dataset", "cohort", []),
    "annotation": ("annotation", "version", "9"),
    "quality": ("quality", "version", "9"),
    "status": ("issue", "status", "final"),
    "issuer": ("issue", "issuer", "A laboratory"),
    "key": ("ledger", "demo_key", False),
    "a step left out": ("chain", lambda steps: [step for step in steps if step["kind"] != "gate"]),
    "a finding": ("chain", 1, "reasons", {"truncated": 1}),
    "code": ("code", "medassay", "another version"),
}


@pytest.mark.parametrize("named", sorted(FORGERIES))
def test_whatever_is_changed_and_derived_again_is_found_in_the_workspace(kept, tmp_path, named):
    *path, to = FORGERIES[named]
    forged = _derived(kept, *path, to=to)
    assert forged != kept.report
    assert verify(saved(tmp_path, forged)).passed  # alone it is consistent
    assert not verify(saved(tmp_path, forged), kept.store()).passed


def test_a_record_apart_from_its_workspace_says_what_was_not_followed(tmp_path, content):
    checks = {check.name: check for check in verify(saved(tmp_path, content)).checks}
    assert checks["store"].outcome == Outcome.NOT_ASSESSED
    assert "case flow" in checks["store"].found


def test_a_report_that_was_withdrawn_later_does_not_stand(kept, tmp_path):
    path = saved(tmp_path, kept.report)
    kept.issue(reissued(kept.record, status="withdrawn"))
    first = verify(path, kept.store()).first_difference
    assert first is not None
    assert (first.name, first.found) == ("standing", "draft")
    assert verify(kept.folder / "some-device.json", kept.store()).passed


@pytest.mark.parametrize("name", ["some-device.zh.pdf", "auditor/some-device.zh.pdf"])
def test_a_paper_edited_by_hand_is_found_beside_its_record_and_alone(kept, name):
    record, paper = kept.folder / "some-device.json", kept.folder / name
    assert verify(record, kept.store()).passed
    assert verify_paper(paper, kept.store(), expect_digest=kept.record.digest).passed
    paper.write_bytes(paper.read_bytes() + b" ")
    first = verify(record, kept.store()).first_difference
    assert first is not None
    assert first.name == f"paper {name}"
    assert not verify_paper(paper, kept.store()).passed


def test_limits_worded_by_another_versions_rules_do_not_make_a_booked_report_false(
    kept, tmp_path, monkeypatch
):
    from medassay.reports import record as module
    from medassay.reports import verify as verifying

    monkeypatch.setattr(verifying, "code_identity", lambda: {"medassay": "9", "source": "0"})
    monkeypatch.setattr(module, "limits", lambda *_: ())
    path = kept.folder / "some-device.json"
    checks = {check.name: check for check in verify(path, kept.store()).checks}
    assert checks["limits"].outcome == Outcome.NOT_ASSESSED
    assert not verify(path).passed  # apart from the ledger nothing says that it was made so


@pytest.mark.parametrize("demo", [True, False])
def test_signatures_of_a_key_that_anyone_may_hold_are_not_taken_for_proof(kept, demo):
    checks = {
        one.name: one for one in verify(kept.folder / "some-device.json", kept.store(demo_key=demo)).checks
    }
    assert ("signing key" in checks) == demo
    if demo:
        assert checks["signing key"].outcome == Outcome.NOT_ASSESSED
