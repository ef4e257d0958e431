"""Records of one validation as the steps before a report hand them on; every name and figure is made up."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

from medassay.annotation.agreement import AgreementFigure, AgreementRecord
from medassay.annotation.spec import AnnotationSpec
from medassay.core.canonical import digest_of
from medassay.core.estimate import Estimate
from medassay.datasets.flow import Flow
from medassay.datasets.spec import DatasetSpec
from medassay.evaluation.protocol import Protocol
from medassay.evaluation.scorer import Metric
from medassay.quality import wording
from medassay.quality.certificate import Certificate
from medassay.quality.sampling import isolated_lot_plan
from medassay.quality.spec import QualitySpec
from medassay.registry.device import DeviceSpec
from medassay.reports.given import (
    Booking,
    LedgerFacts,
    Step,
    Training,
)
from medassay.reports.record import ReportRecord, build
from medassay.room.record import RunRecord


def pair(zh: str, en: str) -> dict[str, str]:
    return {"zh": zh, "en": en}


def digest(name: str) -> str:
    return digest_of(name)


def source(name: str, source_class: str, **more: Any) -> dict[str, Any]:
    place: dict[str, Any] = {"phantom": {"subjects": 40}} if source_class == "synthetic" else {"folder": name}
    basis: dict[str, Any] = {"licence": "ODC-By 1.0"}
    if source_class == "real":
        basis |= {
            "ethics_approval": "EC-2026-001",
            "ethics_scope": "retrospective, this disease",
            "ethics_expires": "2027-12-31",
            "consent": "waived",
            "data_level": 3,
            "site_agreement": "DUA-7",
            "genetic_resources": "none in scope",
        }
    return {
        "name": name,
        "source_class": source_class,
        "form": "wfdb",
        "identity": "known",
        "lawful_basis": basis,
        **place,
        **more,
    }


def dataset_spec() -> DatasetSpec:
    return DatasetSpec.model_validate(
        {
            "title": pair("某病动态心电数据库", "Ambulatory ECG database of one disease"),
            "version": "1.0.0",
            "disease": {"name": pair("早搏", "Premature beats"), "icd10": ["I49.1", "I49.3"]},
            "kind": "recording",
            "task": "beats",
            "intended_use": pair(
                "供医师复核的早搏检测与评价", "Detection of premature beats for review by a physician"
            ),
            "target_population": pair("成人门诊与住院患者", "Adult in- and out-patients"),
            "sources": [
                source("phantom", "synthetic"),
                source("open", "public", citation="Invented et al., An Open Set, 2001"),
                source("ward", "real", same_person=[["ZY-1001", "MZ-2002"]]),
                source("stray", "public", identity="not_provable"),
            ],
            "cohort": [
                {"id": "adult", "title": pair("成人", "Adults"), "column": "age_years", "minimum": 18},
                {"id": "kind", "title": pair("二导联", "Two leads"), "column": "leads", "among": ["2"]},
            ],
            "split": {"train": 0.6, "tune": 0.15, "test": 0.25, "seed": 7},
            "freeze_needs": ["gate", "annotate"],
        }
    )


def protocol(**changes: Any) -> Protocol:
    fields: dict[str, Any] = {
        "version": "1.2",
        "task": "beats",
        "options": {"window_s": 0.15, "learning_period_s": 300},
        "endpoints": [
            {
                "id": "veb_se",
                "title": pair("室性早搏灵敏度", "VEB sensitivity"),
                "metric": "sensitivity",
                "of": "V",
                "goals": {
                    name: {"direction": "at_least", "limit": 0.85}
                    for name in ("phantom", "open", "ward", "stray")
                },
            },
            {
                "id": "veb_ppv",
                "title": pair("室性早搏阳性预测值", "VEB positive predictivity"),
                "metric": "positive_predictivity",
                "of": "V",
                "goals": {"phantom": {"direction": "at_least", "limit": 0.93}},
            },
            {
                "id": "false_alarms",
                "title": pair("每天误报次数", "False alarms a day"),
                "metric": "false_alarms",
                "goals": {"phantom": {"direction": "at_most", "limit": 6}},
            },
        ],
        "primary": "veb_se",
        "alpha": 0.025,
        "confidence": 0.95,
        "tested": ["veb_se"],
        "sample_size": {
            name: {
                "measure": "proportion",
                "assumed": 0.95,
                "subjects": 24,
                "per_subject": 100,
                "correlation": 0.05,
                "aim": 0.8,
                "power": 1.0,
                "reason": pair("示例", "An example"),
            }
            for name in ("phantom", "open", "ward", "stray")
        },
        "interval": "percentile",
        "clusters": "subject",
        "unusable_prediction": "worst",
        "empties": "not_counted",
        "stress": None,
        "replicates": 1000,
        "seed": 20261101,
        "unit_of_analysis": "subject",
        "minimum_subjects": 20,
        "multiplicity": "single_primary",
        "missing_prediction": "worst",
        "subgroups": ["site", "sex", "age_band", "device"],
        "minimum_cell": 3,
        "factors": [],
        "looks_before": {},
    }
    return Protocol.model_validate(fields | changes)


METRICS = {
    "sensitivity[V]": Metric(
        {"tp[V]": 1.0}, {"tp[V]": 1.0, "fn[V]": 1.0}, "1", "higher", "no reference event"
    ),
    "positive_predictivity[V]": Metric(
        {"tp[V]": 1.0}, {"tp[V]": 1.0, "fp[V]": 1.0}, "1", "higher", "no detection"
    ),
    "false_alarms": Metric({"fp[V]": 1.0}, {"days": 1.0}, "/d", "lower", "no recording time"),
}


def annotation_spec() -> AnnotationSpec:
    return AnnotationSpec.model_validate(
        {
            "version": "2.0",
            "task": "beats",
            "guide": "guide.md",
            "classes": [
                {
                    "code": "V",
                    "title": pair("室性早搏", "Ventricular ectopic beat"),
                    "definition": pair(
                        "提前出现的宽大畸形 QRS 波", "An early, wide and abnormal QRS complex"
                    ),
                },
                {
                    "code": "N",
                    "title": pair("正常", "Normal"),
                    "definition": pair("其余心搏", "Every other beat"),
                },
            ],
            "agreement_limits": {"sensitivity[V]": 0.8},
            "references": {
                "phantom": {"method": "reads", "readers": ["a", "b"]},
                "open": {"method": "published"},
                "ward": {"method": "reads", "readers": ["a", "b"]},
                "stray": {"method": "published"},
            },
        }
    )


def quality_spec() -> QualitySpec:
    return QualitySpec.model_validate(
        {
            "version": "1.1",
            "checks": [
                {
                    "id": "rate",
                    "title": pair("心率合理", "Plausible heart rate"),
                    "expectation": "ExpectColumnValuesToBeBetween",
                    "arguments": {"column": "hr", "min_value": 20, "max_value": 300},
                    "severity": "exclude",
                    "reason": "value_implausible",
                    "remedy": pair("核对导联", "Check the leads"),
                    "source": "ANSI/AAMI EC57",
                }
            ],
            "limits": {"largest_excluded_share": 0.2},
        }
    )


def device_spec() -> DeviceSpec:
    return DeviceSpec.model_validate(
        {
            "name": pair("早搏动态心电辅助检测软件", "Ambulatory ECG Premature-Beat Detection Software"),
            "version": "1.0.3+build.7",
            "dataset": "some-ecg",
            "client": pair("示例委托方", "Example client"),
            "intended_use": pair(
                "对成人动态心电记录中的室性、室上性早搏自动检测并提示，供医师复核，不单独作为诊断依据",
                "Marks ventricular and supraventricular premature beats in adults' ambulatory ECG for review "
                "by a physician; not a sole basis of diagnosis",
            ),
            "packages": ["numpy", "scipy"],
            "train_seconds": 60,
            "predict_seconds": 60,
            "parameters": {"epochs": 12, "rate": 0.001},
        }
    )


def run_record(
    source_name: str = "phantom", source_class: str = "synthetic", *, subjects: int = 24, **changes: Any
) -> RunRecord:
    dice = random.Random(11)
    rows, cases = [], []
    for index in range(subjects):
        person = f"sub-{index:016x}"
        events = dice.randint(20, 200)
        missed = sum(dice.random() < (0.06 if index % 3 else 0.16) for _ in range(events))
        statistics = {
            "tp[V]": float(events - missed),
            "fn[V]": float(missed),
            "fp[V]": float(dice.randint(0, 9)),
            "days": 1.0,
        }
        failed = index == 5
        if failed:
            statistics = {"tp[V]": 0.0, "fn[V]": float(events), "fp[V]": 0.0, "days": 1.0}
        rows.append(
            {
                "subject": person,
                "strata": {
                    "site": f"site-{'abc'[index % 3]}",
                    "sex": ["F", "M"][index % 2] if index != 7 else None,
                    "age_band": ["18-39", "40-64", "65+"][index * 7 % 3] if index > 1 else "80+",
                    "device": None,
                },
                "samples": 1,
                "statistics": statistics,
            }
        )
        cases.append(
            {
                "sample": f"smp-{index:016x}",
                "subject": person,
                "status": "failed" if failed else "ok",
                "reason": "no readable status from the device" if failed else "",
                "badness": statistics["fn[V]"] + statistics["fp[V]"],
                "statistics": statistics,
                "excerpt": digest(f"excerpt {index}") if index < 4 else None,
            }
        )
    public = source_class == "public"
    fields: dict[str, Any] = {
        "dataset": "some-ecg",
        "source": source_name,
        "source_class": source_class,
        "manifest": digest("manifest"),
        "device": "some-device",
        "device_version": "1.0.3+build.7",
        "submission": digest("submission"),
        "protocol": protocol().digest,
        "task": "beats",
        "scorer_version": "made up",
        "options": {"window_s": 0.15, "learning_period_s": 300},
        "sealing": {
            "sealed": not public,
            "means": "bubblewrap, no network, read-only input",
            "network": "none",
            "labels": "absent",
            "public_data": public,
        },
        "predictions": {case["sample"]: digest(case["sample"]) for case in cases if case["status"] == "ok"},
        "subjects": rows,
        "cases": cases,
        "second_entry": [
            {
                "statistic": name,
                "first": sum(row["statistics"][name] for row in rows),
                "second": sum(row["statistics"][name] for row in rows),
                "tolerance": 0.0,
                "agrees": True,
            }
            for name in ("tp[V]", "fn[V]")
        ],
        "earlier_looks": 0,
    }
    return RunRecord.model_validate(fields | changes)


def flow(test: int = 24) -> Flow:
    def counts(refused: int, excluded: int, train: int, tune: int, test: int) -> dict[str, int]:
        parts = {"refused": refused, "excluded": excluded, "train": train, "tune": tune, "test": test}
        return {"offered": sum(parts.values()), **parts}

    return Flow.model_validate(
        {
            "files": counts(7, 20, 160, 40, 2 * test),
            "samples": counts(3, 6, 80, 20, test),
            "subjects": counts(1, 4, 68, 17, test),
            "unassigned_files": 1,
            "refused": [
                {"stage": "ingest", "check": "intake", "reason": "truncated", "samples": 2},
                {"stage": "ingest", "check": "intake", "reason": "character_set", "samples": 1},
            ],
            "excluded": [
                {"stage": "gate", "check": "rate", "reason": "value_implausible", "samples": 4},
                {"stage": "freeze", "check": "adult", "reason": "outside_cohort", "samples": 2},
            ],
            "cohort": [
                {
                    "rule": "adult",
                    "before": 126 + test - 22,
                    "outside": 1,
                    "not_stated": 1,
                    "after": 124 + test - 22,
                }
            ],
        }
    )


def chain() -> list[Step]:
    kinds = ("ingest", "gate", "annotate", "freeze", "certify", "train", "validate")
    return [
        Step(
            kind=kind,
            digest=digest(kind),
            outcome="passed",
            findings=9 if kind == "ingest" else 0,
            reasons={"truncated": 2, "duplicate": 7} if kind == "ingest" else {},
        )
        for kind in kinds
    ]


def ledger(**changes: Any) -> LedgerFacts:
    facts = LedgerFacts(
        protocol_locked=Booking(
            sequence=41, time="2026-11-20T02:10:31.000211+00:00", digest=protocol().digest
        ),
        unsealed=Booking(sequence=45, time="2026-11-20T02:14:07.412000+00:00", digest=digest("predictions")),
        head=digest("head"),
        entries=52,
        key=digest("key"),
        demo_key=True,
    )
    return facts.model_copy(update=changes)


def agreement(method: str = "reads") -> AgreementRecord:
    if method != "reads":
        return AgreementRecord(task="beats", method=method, not_performed="imported as published")
    defined = Estimate(
        value=0.943, lower=0.91, upper=0.968, confidence=0.95, method="cluster bootstrap", n_subjects=109
    )
    none = Estimate(value=None, n_subjects=109, undefined="undefined for the pooled reads")
    return AgreementRecord(
        task="beats",
        method="reads",
        readers=("reader-x", "reader-y"),
        n_samples=124,
        n_subjects=109,
        n_agreed=116,
        n_arbitrated=7,
        n_unresolved=1,
        figures=tuple(
            AgreementFigure(
                name=name,
                estimate=one,
                least=None,
                least_sample=None,
                most=None,
                most_sample=None,
                n_defined=120,
                limit=limit,
                n_below=8,
            )
            for name, one, limit in (("sensitivity[V]", defined, 0.8), ("kappa", none, None))
        ),
    )


def inspection(test: int = 24, **changes: Any) -> Certificate:
    exact = Estimate(
        value=6 / 130, lower=0.0171, upper=0.0978, confidence=0.95, method="clopper_pearson", n_subjects=130
    )
    fields: dict[str, Any] = {
        "title": wording.TITLES["self"],
        "issuer": {"kind": "self", "number": f"QI-{digest('manifest')[:12]}"},
        "statement": wording.STATEMENTS["self"],
        "dataset": "some-ecg",
        "source": "phantom",
        "source_class": "synthetic",
        "spec_version": "1.0.0",
        "quality_spec_version": "1.1",
        "manifest": digest("manifest"),
        "samples": 100 + test,
        "subjects": 85 + test,
        "disjointness": "proven",
        "flow": flow(test),
        "gate": {
            "evidence": digest("gate"),
            "outcome": "passed",
            "samples_assessed": 130,
            "samples_excluded": 6,
            "excluded_samples": exact,
            "touched_subjects": exact,
            "checks": [
                {
                    "id": "rate",
                    "title": pair("心率合理", "Plausible heart rate"),
                    "severity": "exclude",
                    "reason": "value_implausible",
                    "source": "ANSI/AAMI EC57",
                    "expectation": "ExpectColumnValuesToBeBetween",
                    "arguments": {"column": "hr", "min_value": 20, "max_value": 300},
                    "applied": 130,
                    "failed": 4,
                    "met": False,
                }
            ],
            "limits": [
                {"id": "largest_excluded_share", "limit": 0.2, "found": 6 / 130, "kept": True},
                {"id": "least_samples_per", "column": "site", "limit": 20, "found": 38, "kept": True},
            ],
        },
        "annotation": {
            "evidence": digest("annotate"),
            "outcome": "passed",
            "counts": {"samples": 124},
            "agreement": agreement().model_dump(mode="json"),
        },
        "label_audit": {
            "plan": isolated_lot_plan(
                lot_size=100 + test, limiting_quality=0.1, consumers_risk=0.1, acceptance_number=0
            ),
            "source": "GB/T 2828.2",
            "drawn": [f"smp-{n:016x}" for n in range(20)],
            "not_performed": wording.NOT_READ_AGAIN,
        },
        "aspects": [
            {"id": "values", "title": wording.VALUES, "performed": True, "how": wording.BY_MACHINE},
            {"id": "audit", "title": wording.AUDIT, "performed": False, "how": wording.NOT_READ_AGAIN},
        ],
        "outcome": "passed",
    }
    return Certificate.model_validate(fields | changes)


def training() -> Training:
    return Training(
        by="run_here",
        parameters={"epochs": 12, "rate": 0.001},
        curves={
            "train_loss": tuple((n, 1.4 / (n + 1) + 0.1) for n in range(12)),
            "tune_figure": tuple((n, 0.93 - 0.5 / (n + 1)) for n in range(12)),
        },
        sandbox="bubblewrap, no network",
    )


def inputs(source_name: str = "phantom", *, subjects: int = 24, **changes: Any) -> dict[str, Any]:
    spec = dataset_spec()
    chosen = next(source for source in spec.sources if source.name == source_name)
    fields: dict[str, Any] = {
        "stem": "some-ecg",
        "dataset": spec,
        "source": chosen,
        "protocol": protocol(),
        "annotation": annotation_spec(),
        "quality": quality_spec(),
        "device": device_spec(),
        "run": run_record(source_name, chosen.source_class.value, subjects=subjects),
        "metrics": METRICS,
        "flow": flow(subjects),
        "disjointness": "proven",
        "agreement": agreement("reads" if source_name in ("phantom", "ward") else "published"),
        "inspection": inspection(subjects),
        "training": training(),
        "chain": chain(),
        "ledger": ledger(),
        "environment": {"python": "3.11.7", "numpy": "2.4.0"},
    }
    return fields | changes


@cache
def plain_record(source_name: str, subjects: int) -> ReportRecord:
    """Records are frozen, so the usual ones are made once."""
    return build(**inputs(source_name, subjects=subjects))


def record(source_name: str = "phantom", *, subjects: int = 24, **changes: Any) -> ReportRecord:
    if not changes:
        return plain_record(source_name, subjects)
    return build(**inputs(source_name, subjects=subjects, **changes))
