import json
import math

import pyarrow as pa
import pytest
from scipy.stats import beta

from medassay.core.canonical import digest_bytes
from medassay.core.errors import EvidenceBroken, WrongUse
from medassay.datasets.flow import Flow
from medassay.datasets.manifest import Manifest
from medassay.quality.certificate import Certificate, Issuer, attach, certify, recomputed
from medassay.quality.gate import gate
from medassay.quality.spec import QualitySpec
from medassay.trust.evidence import Evidence, Outcome

AUDIT = {
    "limiting_quality": 0.2,
    "consumers_risk": 0.1,
    "acceptance_number": 0,
    "source": "declared by the test",
}
READS = {"method": "reads", "not_performed": ""}


def check(name, **more):
    return {
        "id": name,
        "title": {"zh": "心率", "en": "a heart rate of a living person"},
        "expectation": "ExpectColumnValuesToBeBetween",
        "arguments": {"column": "hr", "min_value": 20, "max_value": 300},
        "severity": "exclude",
        "reason": "value_implausible",
        "remedy": {"zh": "查单位", "en": "Check the unit."},
        "source": "declared by the test",
    } | more


def spec(*, audit=AUDIT, share=0.5, checks=None):
    return QualitySpec.model_validate(
        {
            "version": "1",
            "checks": checks or [check("rate"), check("elsewhere", sources=["y"])],
            "limits": {"largest_excluded_share": share, "least_samples_per": {"site": 2}},
            "label_audit": audit,
        }
    )


def manifest(kept=24, *, source="x"):
    rows = [
        {
            "name": f"s{i:02}.label",
            "role": "reference",
            "digest": digest_bytes(b"%d" % i),
            "sample": f"s{i:02}",
            "subject": f"p{i:02}",
            "split": ("train", "tune", "test")[i % 3],
        }
        for i in range(kept)
    ]
    fields = {
        "dataset": "d",
        "source": source,
        "source_class": "synthetic",
        "spec_version": "1",
        "kind": "k",
        "task": "t",
        "seed": 1,
        "division": "seeded",
        "disjointness": "proven",
        "rows": rows,
    }
    return Manifest.model_validate(fields)


def flow(kept=24, excluded=6, refused=2):
    counts = {
        "offered": kept + excluded + refused,
        "refused": refused,
        "excluded": excluded,
        "train": -(-kept // 3),
        "tune": -(-(kept - 1) // 3),
        "test": kept // 3,
    }
    causes = [{"stage": "gate", "check": "rate", "reason": "value_implausible", "samples": excluded}]
    fields = {
        "files": counts,
        "samples": counts,
        "subjects": counts,
        "unassigned_files": 0,
        "refused": [{"stage": "ingest", "check": "intake", "reason": "truncated", "samples": refused}],
        "excluded": causes if excluded else [],
    }
    return Flow.model_validate(fields)


def gated(of, kept=24, excluded=6, *, per_subject=1, source="x"):
    n = kept + excluded
    catalogue = pa.table(
        {
            "sample_id": [f"s{i:02}" for i in range(n)],
            "subject_id": [f"p{i // per_subject:02}" for i in range(n)],
            "site": ["A", "B"] * (n // 2),
            "status": ["accepted"] * n,
        }
    )
    values = pa.table({"sample_id": catalogue["sample_id"], "hr": [60.0] * kept + [math.nan] * excluded})
    return evidence("gate", gate(of, source, catalogue, values))


def evidence(kind, engine, source="x"):
    return Evidence(
        kind=kind,
        target=f"d/{source}",
        inputs=(),
        outputs=(),
        code={},
        environment={},
        outcome=engine.outcome,
        counts=engine.counts,
        findings=engine.findings,
    )


def annotated(outcome=Outcome.PASSED):
    return Evidence(
        kind="annotate",
        target="d/x",
        inputs=(),
        outputs=(),
        code={},
        environment={},
        outcome=outcome,
        counts={"samples_agreed": 24},
    )


def certified(of=None, *, kept=24, excluded=6, issuer=None, agreement=READS, annotation=None, **more):
    of, version = of or spec(), manifest(kept)
    return certify(
        of,
        version,
        flow(kept, excluded),
        gated(of, kept, excluded),
        annotation or annotated(),
        agreement,
        issuer or Issuer.holder(version),
        **more,
    )


def aspect(record, name):
    return next(one for one in record.aspects if one.id == name)


def test_the_record_names_the_version_and_what_each_check_found():
    record = certified()
    assert (record.manifest, record.samples, record.outcome) == (manifest().digest, 24, Outcome.PASSED)
    rate, elsewhere = record.gate.checks
    assert (rate.applied, rate.failed, rate.met) == (30, 6, False)
    assert (elsewhere.applied, elsewhere.failed, elsewhere.met) == (None, None, None)
    assert [(limit.found, limit.kept) for limit in record.gate.limits] == [(0.2, True), (12, True)]


def test_the_excluded_share_has_the_exact_interval_where_each_person_has_one_sample():
    share = certified().gate.excluded_samples
    # Clopper and Pearson, Biometrika 26:404-413, 1934, as quantiles of the beta distribution
    exact = beta.ppf([0.025, 0.975], [6, 7], [25, 24])
    assert (share.value, share.lower, share.upper) == pytest.approx((0.2, *exact), abs=1e-9)
    assert share.method == "clopper_pearson"


def test_the_excluded_share_has_no_interval_where_persons_have_several_samples():
    of, version = spec(), manifest()
    record = certify(
        of, version, flow(), gated(of, per_subject=2), annotated(), READS, Issuer.holder(version)
    )
    assert (record.gate.excluded_samples.value, record.gate.excluded_samples.lower) == (0.2, None)
    touched = record.gate.touched_subjects
    assert (touched.value, touched.n_subjects, touched.method) == (0.2, 15, "clopper_pearson")


def test_the_record_is_plain_json_and_reads_back_the_same():
    record = certified()
    assert Certificate.model_validate_json(record.model_dump_json()) == record
    assert certified() == record


@pytest.mark.parametrize("wrong", [None, 0, 1])
@pytest.mark.parametrize("per_subject", [1, 2])
def test_a_record_is_what_its_own_parts_make_it(per_subject, wrong):
    of, version = spec(), manifest()
    drawn = certified().label_audit.drawn
    audited = {sample: place < wrong for place, sample in enumerate(drawn)} if wrong is not None else None
    record = certify(
        of,
        version,
        flow(),
        gated(of, per_subject=per_subject),
        annotated(),
        READS,
        Issuer.holder(version),
        audited=audited,
    )
    assert record.outcome == (Outcome.FAILED if wrong else Outcome.PASSED)
    assert recomputed(record) == record


@pytest.mark.parametrize("kind", ["self", "laboratory", "certification_body"])
def test_no_inspection_calls_itself_a_certification(kind):
    record = certified(issuer=Issuer(kind=kind, number="1", name="X"))
    text = json.dumps(record.model_dump(mode="json"), ensure_ascii=False)
    assert "认证" not in text
    assert "no certification" in record.statement.en
    assert ("自检" in text) == (kind == "self")


def test_an_audit_that_nobody_carried_out_is_planned_drawn_and_said():
    record = certified()
    audit = record.label_audit
    assert len(audit.drawn) == audit.plan.sample_size
    assert audit.plan.risk_of_plan <= 0.1
    assert (audit.accepted, audit.wrong, audit.most_wrong) == (None, None, None)
    assert not aspect(record, "label_audit").performed
    assert audit.not_performed.en.startswith("Not performed")


def test_an_audit_passes_by_its_plan_and_says_how_many_wrong_labels_may_be_left():
    drawn = certified().label_audit.drawn
    good = certified(audited=dict.fromkeys(drawn, False))
    assert (good.label_audit.accepted, good.outcome) == (True, Outcome.PASSED)
    assert good.label_audit.most_wrong < good.label_audit.plan.limiting_defectives
    assert aspect(good, "label_audit").performed
    bad = certified(audited=dict.fromkeys(drawn, False) | {drawn[0]: True})
    assert (bad.label_audit.wrong, bad.label_audit.accepted, bad.outcome) == (1, False, Outcome.FAILED)


def test_another_version_draws_other_samples():
    assert certified(kept=24).label_audit.drawn != certified(kept=26, excluded=4).label_audit.drawn


def test_an_audit_of_other_samples_than_those_drawn_is_refused():
    drawn = certified().label_audit.drawn
    left_out = dict.fromkeys(drawn[1:], False)
    for audited in (left_out, left_out | {"s99": False}, {}):
        with pytest.raises(WrongUse, match="each sample drawn"):
            certified(audited=audited)


def test_an_audit_without_a_declared_plan_is_not_performed_or_refused():
    of = spec(audit=None)
    assert "no sampling plan" in certified(of).label_audit.not_performed.en
    with pytest.raises(WrongUse, match="fixed before"):
        certified(of, audited={"s01": False})


def test_a_lot_too_small_for_its_plan_is_said():
    audit = certified(spec(audit=AUDIT | {"acceptance_number": 5})).label_audit
    assert "too small" in audit.not_performed.en
    assert audit.plan is None


@pytest.mark.parametrize("method", ["published", "computed", "reads"])
def test_agreement_that_was_not_measured_is_not_performed(method):
    agreement = {"method": method, "not_performed": "why"}
    assert not aspect(certified(agreement=agreement), "reader_agreement").performed
    assert aspect(certified(), "reader_agreement").performed


def test_a_failed_gate_or_annotation_fails_the_record_and_one_not_assessed_is_no_pass():
    assert certified(spec(share=0.1)).outcome == Outcome.FAILED
    assert certified(annotation=annotated(Outcome.FAILED)).outcome == Outcome.FAILED
    assert certified(annotation=annotated(Outcome.NOT_ASSESSED)).outcome == Outcome.NOT_ASSESSED
    nothing = certified(spec(checks=[check("elsewhere", sources=["y"])]), excluded=0)
    assert (nothing.outcome, aspect(nothing, "values").performed) == (Outcome.NOT_ASSESSED, False)
    assert nothing.gate.excluded_samples.undefined == "no subject"


def test_evidence_of_another_dataset_or_step_is_refused():
    of, version = spec(), manifest()
    right = gated(of)
    for wrong in (right.model_copy(update={"target": "d/y"}), annotated()):
        with pytest.raises(WrongUse, match="evidence of gate d/x"):
            certify(of, version, flow(), wrong, annotated(), READS, Issuer.holder(version))


def test_a_spec_changed_after_the_gate_is_found_out():
    version = manifest()
    changed = spec(checks=[check("rate"), check("new")])
    with pytest.raises(EvidenceBroken, match="'new'"):
        certify(changed, version, flow(), gated(spec()), annotated(), READS, Issuer.holder(version))


@pytest.mark.parametrize("other", [flow(kept=27), flow(excluded=5)])
def test_a_flow_of_another_run_is_found_out(other):
    of, version = spec(), manifest()
    with pytest.raises(EvidenceBroken, match="different runs"):
        certify(of, version, other, gated(of), annotated(), READS, Issuer.holder(version))


def test_a_third_partys_document_is_bound_to_the_version_as_it_came():
    body = Issuer(kind="certification_body", number="1", name="X")
    bound = attach(b"%PDF", manifest(), body, act="certification")
    assert (bound.manifest, bound.document) == (manifest().digest, digest_bytes(b"%PDF"))


@pytest.mark.parametrize(
    ("kind", "act"), [("self", "inspection"), ("self", "certification"), ("laboratory", "certification")]
)
def test_who_is_no_certification_body_certifies_nothing(kind, act):
    with pytest.raises(WrongUse, match="attached document"):
        attach(b"%PDF", manifest(), Issuer(kind=kind, number="1", name="X"), act=act)


def test_an_issuer_other_than_the_holder_has_a_name():
    with pytest.raises(ValueError, match="has a name"):
        Issuer(kind="laboratory", number="1")
