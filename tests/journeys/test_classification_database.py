"""A database whose task is a class a record, from spec files alone: two readers, scores, and an AUC by DeLong."""

import csv
import json

import numpy as np
import pytest
import wfdb
from ruamel.yaml import YAML
from sklearn.metrics import roc_auc_score

from medassay.core.workspace import Workspace
from medassay.statistics.delong import auc, auc_difference
from medassay.trust.evidence import Outcome
from medassay.trust.sealing import sample_key, unseal
from medassay.verbs import (
    annotate,
    certify,
    compare,
    freeze,
    gate,
    ingest,
    init,
    report,
    train,
    validate,
    verify,
)
from medassay.verbs.stage import Place

STEM, SOURCE, DEVICE, SILENT = "af-ecg", "hospital", "af-scorer", "af-silent"
PEOPLE, HZ = 90, 100
TEXT = {"zh": "甲", "en": "a"}
POWER = 0.828
SPECS = {
    "datasets": {
        "title": {"zh": "心房颤动心电专病数据库", "en": "Atrial fibrillation ECG database"},
        "version": "1",
        "disease": {"name": {"zh": "心房颤动", "en": "Atrial fibrillation"}, "icd10": ["I48.9"]},
        "kind": "ecg",
        "task": "classification",
        "intended_use": TEXT,
        "target_population": TEXT,
        "sources": [
            {
                "name": SOURCE,
                "source_class": "public",
                "form": "wfdb",
                "folder": STEM,
                "readers": ["readers/R1", "readers/R2", "readers/ARB"],
                "identity": "known",
                "options": {"sites": {"east": "A", "west": "B"}, "class_labels": ["SR", "AF"]},
                "lawful_basis": {"licence": "CC0-1.0"},
                "citation": "made up",
            }
        ],
        "split": {"train": 0.2, "tune": 0.1, "test": 0.7, "stratify": ["site"], "seed": 4},
        "freeze_needs": ["ingest", "gate", "annotate"],
    },
    "annotation": {
        "version": "1",
        "task": "classification",
        "guide": f"{STEM}.md",
        "classes": [{"code": code, "title": TEXT, "definition": TEXT} for code in ("SR", "AF")],
        "options": {"classes": ["SR", "AF"]},
        "agreement_limits": {"agreement": 1.0},
        "references": {SOURCE: {"method": "reads", "readers": ["R1", "R2"], "arbitrator": "ARB"}},
    },
    "quality": {
        "version": "1",
        "checks": [
            {
                "id": "duration",
                "title": TEXT,
                "expectation": "ExpectColumnValuesToBeBetween",
                "arguments": {"column": "duration_s", "min_value": 10},
                "severity": "exclude",
                "reason": "truncated",
                "remedy": TEXT,
                "source": "house rule",
            }
        ],
        "limits": {"largest_excluded_share": 0.2},
    },
    "evaluation": {
        "version": "1",
        "task": "classification",
        "options": {
            "classes": ["SR", "AF"],
            "positive": "AF",
            "answer": "scores",
            "threshold": 0.5,
            "probabilities": True,
            "bins": 10,
            "at_prevalence": 0.05,
        },
        "endpoints": [
            {
                "id": "area",
                "title": {"zh": "ROC曲线下面积", "en": "Area under the ROC curve"},
                "metric": "auc",
                "goals": {SOURCE: {"direction": "at_least", "limit": 0.65}},
            },
            {
                "id": "se",
                "title": {"zh": "灵敏度", "en": "Sensitivity"},
                "metric": "sensitivity",
                "interval": "wilson",
            },
            {"id": "sp", "title": {"zh": "特异度", "en": "Specificity"}, "metric": "specificity"},
            {
                "id": "ppv",
                "title": {
                    "zh": "阳性预测值（患病率5%）",
                    "en": "Positive predictive value at a prevalence of 5 %",
                },
                "metric": "positive_predictive_value_at_prevalence",
            },
            {"id": "brier", "title": {"zh": "Brier评分", "en": "Brier score"}, "metric": "brier"},
            {
                "id": "ece",
                "title": {"zh": "校准误差", "en": "Calibration error"},
                "metric": "calibration_error",
            },
        ],
        "primary": "area",
        "comparator": {
            "title": TEXT,
            "endpoint": "area",
            "claim": "non_inferiority",
            "margin": 0.1,
            "reason": TEXT,
        },
        "alpha": 0.025,
        "confidence": 0.95,
        "multiplicity": "single_primary",
        "tested": ["area"],
        "replicates": 1000,
        "sample_size": {
            SOURCE: {
                "measure": "area",
                "assumed": 0.85,
                "subjects": 60,
                "per_subject": 1,
                "correlation": 0,
                "positives": 0.4,
                "aim": 0.8,
                "power": POWER,
                "reason": TEXT,
            }
        },
        "interval": "delong",
        "seed": 1,
        "unit_of_analysis": "subject",
        "clusters": "subject",
        "minimum_subjects": 30,
        "missing_prediction": "worst",
        "unusable_prediction": "worst",
        "empties": "not_counted",
        "subgroups": ["site", "sex"],
        "minimum_cell": 5,
        "factors": [],
        "looks_before": {},
        "stress": {
            "samples": 12,
            "seed": 1,
            "repeat": True,
            "conditions": [
                {
                    "id": "cut",
                    "title": TEXT,
                    "perturbation": "muscle",
                    "strengths": [0.1, 0.4],
                    "hold_to": 0.1,
                }
            ],
        },
    },
}
DEVICE_SPEC = {
    "name": {"zh": "心房颤动提示软件", "en": "Atrial fibrillation scorer"},
    "version": "1.0.0",
    "dataset": STEM,
    "client": TEXT,
    "intended_use": TEXT,
    "packages": ["numpy"],
    "train_seconds": 120,
    "predict_seconds": 120,
    "parameters": {"sharpness": 6.0},
}
TRAIN = """
import json, sys
from pathlib import Path
import numpy as np
from predict import irregularity

source, output, params = (Path(a) for a in sys.argv[1:4])
rows = [json.loads(line) for line in (source / "samples.jsonl").read_text("utf-8").splitlines()]
found = {"SR": [], "AF": []}
for row in rows:
    label = (source / row["files"]["reference"][0]).read_text("utf-8").split()[1]
    found[label].append(irregularity(source / row["files"]["signal"][0]))
middle = (np.mean(found["SR"]) + np.mean(found["AF"])) / 2
(output / "model").mkdir(parents=True)
sharpness = json.loads(params.read_text("utf-8"))["sharpness"]
(output / "model" / "logit.json").write_text(json.dumps({"middle": float(middle), "sharpness": sharpness}))
"""
PREDICT = """
import json, sys
from pathlib import Path
import numpy as np

def irregularity(path):
    signal = np.frombuffer(path.read_bytes(), "<i2").astype(float)
    beats = np.flatnonzero((signal[1:-1] > 500) & (signal[1:-1] > signal[:-2]) & (signal[1:-1] >= signal[2:]))
    steps = np.diff(beats) / 100
    return float(np.std(steps)) if len(steps) > 2 else 0.0

def main(source, output):
    model = json.loads((Path(__file__).parent / "model" / "logit.json").read_text())
    output.mkdir(parents=True, exist_ok=True)
    statuses = []
    for n, line in enumerate((source / "samples.jsonl").read_text("utf-8").splitlines()):
        row = json.loads(line)
        value = irregularity(source / row["files"]["signal"][0])
        chance = 1 / (1 + np.exp(-model["sharpness"] * 10 * (value - model["middle"])))
        status = "failed" if SILENT and n == 3 else "ok"
        if status == "ok":
            (output / (row["sample_id"] + ".csv")).write_text(f"score\\n{float(chance)!r}\\n")
        statuses.append(json.dumps({"sample_id": row["sample_id"], "status": status}))
    (output / "status.jsonl").write_text("\\n".join(statuses) + "\\n")

SILENT = False
if __name__ == "__main__":
    main(*(Path(a) for a in sys.argv[1:3]))
"""


def export(folder):
    """Ninety people, a record of twelve seconds each; in fibrillation beats come when they like."""
    rng = np.random.default_rng(7)
    for person in range(PEOPLE):
        ill, site = person % 5 < 2, ("east", "west")[person % 2]
        rr = rng.normal(0.8, rng.uniform(0.08, 0.2) if ill else rng.uniform(0.02, 0.12), 30).clip(0.4, 1.4)
        signal = rng.normal(0, 0.03, 12 * HZ)
        for beat in (np.cumsum(rr)[np.cumsum(rr) < 11.5] * HZ).astype(int):
            signal[beat : beat + 3] += [0.6, 1.0, 0.4]
        (folder / site).mkdir(parents=True, exist_ok=True)
        wfdb.wrsamp(
            f"rec{person:03d}",
            fs=HZ,
            units=["mV"],
            sig_name=["II"],
            p_signal=signal[:, None],
            fmt=["16"],
            adc_gain=[1000],
            baseline=[0],
            write_dir=str(folder / site),
            comments=[f"id: P{person:03d}", f"sex: {'FM'[person % 3 == 0]}", f"age: {40 + person % 30}"],
        )
        unsure = person in (10, 33)
        for reader, code in (("R1", ill), ("R2", ill != unsure), ("ARB", ill)):
            if reader != "ARB" or unsure:
                path = folder / "readers" / reader / site / f"rec{person:03d}.csv"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(f"label\n{'AF' if code else 'SR'}\n")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    root = tmp_path_factory.mktemp("classification")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDASSAY_KEYS", str(tmp_path_factory.mktemp("keys")))
        patch.delenv("MEDASSAY_STORE", raising=False)
        for room, spec in SPECS.items():
            (root / room).mkdir()
            with (root / room / f"{STEM}.yaml").open("w", encoding="utf-8") as stream:
                YAML().dump(spec, stream)
        (root / "annotation" / f"{STEM}.md").write_text("# Guide\n")
        for name, predict in (
            (DEVICE, PREDICT),
            (SILENT, PREDICT.replace("SILENT = False", "SILENT = True")),
        ):
            folder = root / "registry" / name
            folder.mkdir(parents=True)
            with (folder / "device.yaml").open("w", encoding="utf-8") as stream:
                YAML().dump(DEVICE_SPEC, stream)
            (folder / "train.py").write_text(TRAIN)
            (folder / "predict.py").write_text(predict)
        init.run(root, demo_keys=True)
        export(root / "data" / STEM)
        made = Place(Workspace(root), STEM, SOURCE)
        assert ingest.run(made, data=root / "data").outcome is Outcome.PASSED
        for step in (gate, annotate, freeze, certify):
            assert step.run(made).outcome is Outcome.PASSED, step.__name__
        yield made


def scores_of(place, run):
    """Truth and score of every test case, by the files themselves: labels unsealed, predictions as received."""
    reference = place.table(place.evidence("annotate"), "reference").to_pylist()
    sealed = {row["sample_id"]: row["digest"] for row in reference}
    truth, scores = [], []
    for case in run["cases"]:
        sample = case["sample"]
        key = sample_key(place.keys.label, sample)
        label = unseal(place.store.get(sealed[sample]), key=key, sample=sample, role="reference")
        truth.append(label == b"label\nAF\n")
        digest = run["predictions"].get(sample)
        row = next(csv.DictReader(place.store.get(digest).decode().splitlines())) if digest else None
        scores.append(float(row["score"]) if row else float(not truth[-1]))
    return np.array(truth), np.array(scores)


def test_a_class_a_record_goes_from_two_readers_to_a_report_with_an_auc_and_its_delong_interval(place):
    agreement = place.record(place.evidence("annotate"), "agreement")
    assert (agreement["n_samples"], agreement["n_agreed"], agreement["n_arbitrated"]) == (90, 88, 2)
    assert train.run(place, DEVICE).outcome is Outcome.PASSED
    validated = validate.run(place, DEVICE)
    assert validated.outcome is Outcome.PASSED
    run = place.record(validated, "run")
    truth, scores = scores_of(place, run)
    assert report.run(place, DEVICE, languages=("zh",)).outcome is Outcome.PASSED
    path = place.workspace.reports(STEM, SOURCE) / f"{DEVICE}.json"
    made = json.loads(path.read_bytes())
    figures = {one["endpoint"]: one for one in made["figures"] if not (one["axis"] or one["choice"])}
    area = figures["area"]["estimate"]
    expected = auc(truth, scores)  # held against R's pROC in tests/reference
    assert area["value"] == pytest.approx(roc_auc_score(truth, scores))
    assert (area["lower"], area["upper"]) == pytest.approx((expected.lower, expected.upper))
    assert area["method"] == "delong"
    assert area["n_subjects"] == len(truth) == len(run["subjects"]) > 55
    assert figures["se"]["estimate"]["method"] == "wilson"
    assert figures["ece"]["estimate"]["lower"] is None
    assert made["verdict"] == "met"
    assert {entry["statistic"] for entry in run["second_entry"]} >= {"auc", "brier", "calibration_error"}
    shown = {(one["axis"], one["level"]) for one in made["figures"] if one["endpoint"] == "area"}
    assert {("site", "A"), ("site", "B"), ("sex", "F"), ("sex", "M")} <= shown
    assert made["results"]["subgroups"][0]["heterogeneity"]["method"] == "chi2 of independent areas"
    assert len(made["results"]["robustness"][0]["points"]) == 2
    assert verify.run(path, workspace=place.workspace.root).passed

    altered = json.loads(path.read_bytes())
    altered["given"]["run"]["subjects"][0]["statistics"]["scores_positive"] = [0.99]
    forged = path.with_name("forged.json")
    forged.write_text(json.dumps(altered), "utf-8")
    assert not verify.run(forged, workspace=place.workspace.root).passed


def test_a_case_that_the_device_leaves_out_stays_in_the_area_and_two_devices_differ_as_pairs(place):
    for device in (DEVICE, SILENT):
        assert train.run(place, device).outcome is Outcome.PASSED
        assert validate.run(place, device).outcome is Outcome.PASSED
        assert report.run(place, device, languages=()).outcome is Outcome.PASSED
    (truth, scores), (_, fewer) = (
        scores_of(place, place.record(place.evidence("validate", device), "run"))
        for device in (DEVICE, SILENT)
    )
    run = place.record(place.evidence("validate", SILENT), "run")
    assert [case["status"] for case in run["cases"]].count("failed") == 1
    made = [
        json.loads((place.workspace.reports(STEM, SOURCE) / f"{name}.json").read_bytes())
        for name in (DEVICE, SILENT)
    ]
    areas = [one["results"]["endpoints"][0]["estimate"] for one in made]
    assert areas[1]["value"] == pytest.approx(roc_auc_score(truth, fewer))
    assert areas[1]["n_events"] == areas[0]["n_events"] == len(truth)
    paths = [place.workspace.reports(STEM, SOURCE) / f"{name}.json" for name in (DEVICE, SILENT)]
    difference = compare.run(*paths, workspace=place.workspace.root)[0]
    paired = auc_difference(truth, scores, fewer).difference
    assert difference.difference.value == pytest.approx(paired.value)
    assert (difference.difference.lower, difference.difference.upper) == pytest.approx(
        (paired.lower, paired.upper)
    )
    assert difference.claim.outcome == "met"
    assert report.run(place, DEVICE, languages=()).outcome is Outcome.PASSED
    assert verify.run(paths[0], workspace=place.workspace.root).passed
