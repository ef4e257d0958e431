"""The engine over a small task of its own: a label is a list of marked places, as text."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from medassay.annotation import annotate as engine
from medassay.annotation.agreement import REPLICATES, SEED, AgreementRecord
from medassay.annotation.annotate import annotate
from medassay.annotation.spec import AnnotationSpec
from medassay.core.canonical import canonical_json, digest_bytes
from medassay.core.errors import EvidenceBroken, WrongUse
from medassay.core.findings import Finding, Reason, Severity
from medassay.core.specs import Spec
from medassay.statistics.ratio import ratio
from medassay.trust.evidence import Outcome
from medassay.trust.sealing import sample_key, seal, unseal

KEY = bytes(range(32))


def places(label):
    text = label.decode()
    if text == "broken":
        raise WrongUse(found="a label that is no list of places", wanted="places", remedy="Export it again.")
    return set(text.split())


def agreement(first, second, samples, options):
    one, other = places(first), places(second)
    return {"common": len(one & other), "first": len(one), "second": len(other)}


def figures(statistics):
    total = statistics["first"] + statistics["second"]
    return {
        "f1": 2 * statistics["common"] / total if total else None,
        "sensitivity": statistics["common"] / statistics["first"] if statistics["first"] else None,
    }


def check(reference, samples, options):
    outside = {int(place) for place in places(reference)} - set(range(len(samples["x.dat"])))
    severity = Severity.EXCLUDE if max(outside, default=0) < 1000 else Severity.WARN
    return [
        Finding(
            reason=Reason.REFERENCE_INVALID,
            severity=severity,
            found=f"{len(outside)} marks outside",
            wanted="marks inside the recording",
            remedy="Correct the label.",
        )
        for _ in range(bool(outside))
    ]


def merge(first, second, samples, options):
    return b" ".join(sorted({*first.split()} | {*second.split()}))


def compute(samples, options):
    return b"1" if samples["x.dat"] else places(b"broken")


TASK = SimpleNamespace(agreement=agreement, figures=figures, merge=merge, check=check, compute=compute)


def use(monkeypatch, task):
    monkeypatch.setattr(engine, "module_of", lambda *_, **__: task)


@pytest.fixture(autouse=True)
def small_task(monkeypatch):
    use(monkeypatch, TASK)


class Store:
    """Objects of samples as ingest leaves them: labels sealed, signals open."""

    def __init__(self):
        self.kept, self.rows = {}, []

    def put(self, content):
        digest = digest_bytes(content)
        self.kept[digest] = content
        return digest

    def sample(self, sample, signal=b"0123456789", **labels):
        self._row(sample, "signal", "x.dat", self.put(signal))
        for role, label in labels.items():
            role = role if role == "reference" else f"read:{role}"
            sealed = seal(label.encode(), key=sample_key(KEY, sample), sample=sample, role=role)
            self._row(sample, role, role, self.put(sealed))
        return self

    def _row(self, sample, role, name, digest):
        self.rows.append({"sample_id": sample, "role": role, "name": name, "digest": digest})

    def annotate(self, spec, samples=None, key=KEY):
        names = ("sample_id", "role", "name", "digest")
        table = pa.Table.from_pylist(self.rows, schema=pa.schema([(name, pa.string()) for name in names]))
        ids = {row["sample_id"]: f"person of {row['sample_id']}" for row in self.rows}
        return annotate(
            spec, "x", table, ids if samples is None else samples, self.kept.__getitem__, self.put, key
        )

    def reference(self, annotated, sample):
        (row,) = [row for row in annotated.reference.to_pylist() if row["sample_id"] == sample]
        sealed = self.kept[row["digest"]]
        return unseal(sealed, key=sample_key(KEY, sample), sample=sample, role="reference"), row["method"]


def spec(method="reads", limits=None, **rule):
    reads = {"readers": ["R1", "R2"], "arbitrator": "ARB"} if method == "reads" else {}
    return AnnotationSpec.model_validate(
        {
            "version": "1",
            "task": "places",
            "guide": "x.md",
            "classes": [
                {
                    "code": "x",
                    "title": {"zh": "点", "en": "place"},
                    "definition": {"zh": "点", "en": "place"},
                }
            ],
            "agreement_limits": {"f1": 0.5} if limits is None else limits,
            "references": {"x": {"method": method} | reads | rule},
        }
    )


def exclusions(annotated):
    return [(row["sample_id"], row["check"], row["reason"]) for row in annotated.exclusions.to_pylist()]


def test_reads_that_agree_are_merged_and_sealed_under_the_sample_alone():
    store = Store().sample("a", R1="1 2 3", R2="2 3 4")
    annotated = store.annotate(spec())
    assert store.reference(annotated, "a") == (b"1 2 3 4", "agreed")
    assert annotated.outcome == Outcome.PASSED
    assert b"1 2 3" not in b"".join(store.kept.values())


def test_reads_below_a_limit_go_to_the_arbitrator_whose_read_stands():
    store = Store().sample("a", R1="1 2 3", R2="7 8", ARB="7")
    assert store.reference(store.annotate(spec()), "a") == (b"7", "arbitrated")


def test_reads_at_the_limit_agree():
    store = Store().sample("a", R1="1 2", R2="2 3", ARB="9")
    assert store.reference(store.annotate(spec()), "a")[1] == "agreed"


def test_a_disagreement_that_nobody_arbitrated_excludes_the_sample_alone():
    store = Store().sample("a", R1="1", R2="7").sample("b", R1="1", R2="1")
    annotated = store.annotate(spec())
    assert exclusions(annotated) == [("a", "disagreement", "reference_missing")]
    assert annotated.reference["sample_id"].to_pylist() == ["b"]
    assert annotated.agreement["n_unresolved"] == 1


def test_nothing_marked_by_both_is_agreement_and_by_one_is_none():
    limits = {"sensitivity": 0.5}
    store = Store().sample("a", R1="", R2="").sample("b", R1="", R2="7", ARB="7")
    annotated = store.annotate(spec(limits=limits))
    assert store.reference(annotated, "a") == (b"", "agreed")
    assert store.reference(annotated, "b") == (b"7", "arbitrated")


@pytest.mark.parametrize(
    ("labels", "check", "reason"),
    [
        ({"R1": "1"}, "read_missing", "reference_missing"),
        ({"R1": "1", "ARB": "1"}, "read_missing", "reference_missing"),
        ({}, "read_missing", "reference_missing"),
        ({"R1": "1", "R2": "broken"}, "read_unreadable", "reference_invalid"),
        ({"R1": "1", "R2": "7", "ARB": "broken"}, "label_check", "reference_invalid"),
        ({"R1": "1 99", "R2": "1"}, "label_check", "reference_invalid"),
    ],
)
def test_a_label_that_is_missing_unreadable_or_outside_costs_its_own_sample_only(labels, check, reason):
    store = Store().sample("a", **labels).sample("b", R1="1", R2="1")
    annotated = store.annotate(spec())
    assert exclusions(annotated) == [("a", check, reason)]
    assert annotated.reference["sample_id"].to_pylist() == ["b"]
    assert [finding.sample for finding in annotated.findings] == ["a"]


def test_two_files_of_one_reader_are_refused_not_chosen_from():
    store = Store().sample("a", R1="1", R2="1")
    store.rows.append(store.rows[-1] | {"digest": store.rows[-2]["digest"]})
    assert exclusions(store.annotate(spec())) == [("a", "read_missing", "reference_invalid")]


def test_a_warning_of_the_label_check_keeps_the_sample():
    annotated = Store().sample("a", R1="1 5000", R2="1 5000").annotate(spec())
    assert annotated.reference.num_rows == 1
    assert annotated.findings[0].severity == Severity.WARN


def test_a_published_reference_is_imported_as_it_was_sealed():
    store = Store().sample("a", reference="1 2").sample("b")
    annotated = store.annotate(spec("published"))
    assert store.reference(annotated, "a") == (b"1 2", "published")
    assert annotated.reference["digest"].to_pylist() == [store.rows[1]["digest"]]
    assert exclusions(annotated) == [("b", "reference_missing", "reference_missing")]
    assert "as published" in annotated.agreement["not_performed"]


def test_a_computed_reference_needs_no_reader_and_a_signal_that_it_fails_on_is_excluded():
    store = Store().sample("a").sample("b", signal=b"")
    annotated = store.annotate(spec("computed"))
    assert store.reference(annotated, "a") == (b"1", "computed")
    assert exclusions(annotated) == [("b", "compute", "reference_invalid")]


def test_samples_that_are_out_are_not_read():
    store = Store().sample("a", R1="1", R2="1").sample("b", R1="broken", R2="broken")
    annotated = store.annotate(spec(), samples={"a": "p"})
    assert (annotated.findings, annotated.counts["samples_assessed"]) == ((), 1)


def test_every_single_read_is_listed_and_an_unasked_one_is_said_without_its_name():
    store = Store().sample("a", R1="1", R2="7", ARB="1", 张三="4")
    annotated = store.annotate(spec())
    assert [read["reader"] for read in annotated.agreement["reads"]] == ["R1", "R2", "ARB", "undeclared"]
    assert {read["digest"] for read in annotated.agreement["reads"]} <= store.kept.keys()
    assert annotated.counts["reads"] == 4
    assert annotated.findings[0].found.startswith("1 reads of readers")
    assert "张三" not in str(annotated.agreement) + str(annotated.findings)


def test_the_same_labels_end_in_the_same_record_in_any_order_of_samples():
    labels = {"a": ("1 2", "1 2"), "b": ("1", "1 2"), "c": ("3", "4"), "d": ("5", "5 6")}
    one, other = Store(), Store()
    for sample, (first, second) in labels.items():
        one.sample(sample, R1=first, R2=second)
    for sample, (first, second) in reversed(labels.items()):
        other.sample(sample, R1=first, R2=second)
    first, second = one.annotate(spec()), other.annotate(spec())
    assert first.reference.equals(second.reference)
    assert canonical_json(first.agreement) == canonical_json(second.agreement)
    assert AgreementRecord.model_validate(first.agreement).n_samples == 4


def test_samples_and_subjects_add_up():
    store = Store().sample("a", R1="1", R2="1").sample("b", R1="1").sample("c", R1="1", R2="7", ARB="7")
    annotated = store.annotate(spec(), samples={"a": "p", "b": "p", "c": "q"})
    counts = annotated.counts
    assert counts["samples_assessed"] == counts["samples_kept"] + counts["samples_excluded"] == 3
    assert (counts["subjects_kept"], counts["subjects_excluded"]) == (2, 0)
    assert (counts["samples_agreed"], counts["samples_arbitrated"]) == (1, 1)


def many(n=12):
    store = Store()
    for i in range(n):
        marks = [str(place) for place in range(4 + i % 3)]
        store.sample(f"s{i:02}", R1=" ".join(marks), R2=" ".join(marks[: 4 - i % 4]), ARB="1")
    return store, {f"s{i:02}": f"p{i // 2}" for i in range(n)}


def test_a_pooled_figure_has_the_interval_of_the_same_ratio_over_subjects():
    store, subjects = many()
    record = AgreementRecord.model_validate(store.annotate(spec(), samples=subjects).agreement)
    figure = next(figure for figure in record.figures if figure.name == "sensitivity")
    common, first = np.zeros(6), np.zeros(6)
    for i in range(12):
        common[i // 2] += 4 - i % 4
        first[i // 2] += 4 + i % 3
    same = ratio(common, first, undefined="no mark", seed=SEED, replicates=REPLICATES)
    assert (figure.estimate.value, figure.estimate.lower, figure.estimate.upper) == pytest.approx(
        (same.value, same.lower, same.upper)
    )
    assert figure.estimate.n_subjects == record.n_subjects == 6


def test_agreement_counts_the_samples_that_were_arbitrated_too():
    store = Store().sample("a", R1="1 2", R2="1 2").sample("b", R1="3 4", R2="7 8", ARB="3")
    record = AgreementRecord.model_validate(store.annotate(spec()).agreement)
    f1 = next(figure for figure in record.figures if figure.name == "f1")
    assert f1.estimate.value == 0.5
    assert (f1.least, f1.least_sample, f1.limit, f1.n_below) == (0.0, "b", 0.5, 1)
    assert (f1.most, f1.most_sample) == (1.0, "a")
    assert record.statistics == {"common": 2.0, "first": 4.0, "second": 4.0}
    assert (record.n_agreed, record.n_arbitrated, record.n_unresolved) == (1, 1, 0)


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        ([("1 2", "1 3")], "fewer than two subjects"),
        ([("1 2", "1 2"), ("3", "3")], "same figure"),
        ([("", ""), ("1", "1")], "fewer than two subjects"),
    ],
)
def test_agreement_of_too_few_or_equal_subjects_has_no_interval_and_says_so(samples, reason):
    store = Store()
    for i, (first, second) in enumerate(samples):
        store.sample(f"s{i}", R1=first, R2=second)
    f1 = AgreementRecord.model_validate(store.annotate(spec()).agreement).figures[0]
    assert (f1.name, f1.estimate.lower) == ("f1", None)
    assert reason in f1.estimate.undefined


def test_agreement_on_nothing_at_all_is_not_estimable():
    f1 = AgreementRecord.model_validate(Store().sample("a", R1="", R2="").annotate(spec()).agreement).figures[
        0
    ]
    assert (f1.estimate.value, f1.least, f1.n_defined) == (None, None, 0)
    assert f1.estimate.undefined


def test_no_sample_is_not_assessed_and_no_reference_fails():
    assert Store().annotate(spec()).outcome == Outcome.NOT_ASSESSED
    failed = Store().sample("a", R1="1").annotate(spec())
    assert (failed.outcome, failed.findings[-1].severity) == (Outcome.FAILED, Severity.REFUSE)
    assert failed.agreement["not_performed"] == "no sample was read by two readers"


def test_a_label_that_does_not_open_stops_the_run():
    with pytest.raises(EvidenceBroken):
        Store().sample("a", R1="1", R2="1").annotate(spec(), key=bytes(32))


SPECS = {
    "one reader": (spec(readers=["R1"]), "two readers"),
    "one reader twice": (spec(readers=["R1", "R1"]), "two readers"),
    "a reader who arbitrates": (spec(arbitrator="R2"), "neither"),
    "no limit": (spec(limits={}), "no agreement limit"),
    "a limit on no figure": (spec(limits={"kappa": 0.5}), "f1, sensitivity"),
}


@pytest.mark.parametrize("fault", SPECS)
def test_a_rule_that_says_too_little_is_refused(fault):
    wrong, hint = SPECS[fault]
    with pytest.raises(WrongUse, match=hint):
        Store().sample("a", R1="1", R2="1").annotate(wrong)


def test_a_source_without_a_rule_and_a_task_that_computes_nothing_are_refused(monkeypatch):
    empty = pa.table({"sample_id": pa.array([], pa.string())})
    with pytest.raises(WrongUse, match="source 'y'"):
        annotate(spec(), "y", empty, {}, {}.__getitem__, digest_bytes, KEY)
    use(monkeypatch, SimpleNamespace())
    with pytest.raises(WrongUse, match="computed reference"):
        annotate(spec("computed"), "x", empty, {}, {}.__getitem__, digest_bytes, KEY)


class Options(Spec):
    window_s: float = 1.0


def test_a_wrong_option_is_said_once_and_blamed_on_no_sample(monkeypatch):
    use(monkeypatch, SimpleNamespace(**vars(TASK), Options=Options))
    wrong = spec().model_copy(update={"options": {"windows_s": 2}})
    with pytest.raises(WrongUse, match="Did you mean 'window_s'"):
        Store().sample("a", R1="1", R2="1").annotate(wrong)


def some_figures(statistics):
    return {"f1": 1.0} if statistics["first"] > 1 else {"f1": 1.0, "g": 1.0}


FAULTY = {
    "finite figure": {"figures": lambda _: {"f1": float("nan")}},
    "same figures": {"figures": some_figures},
    "not finite": {"agreement": lambda *_: {"common": float("nan")}, "figures": lambda _: {"f1": 1.0}},
}


@pytest.mark.parametrize("fault", FAULTY)
def test_a_task_that_counts_wrongly_is_a_fault_and_never_a_figure(monkeypatch, fault):
    use(monkeypatch, SimpleNamespace(**vars(TASK) | FAULTY[fault]))
    with pytest.raises(WrongUse, match=fault):
        Store().sample("a", R1="1", R2="1").sample("b", R1="1 2", R2="1 2").annotate(spec())


def test_an_object_name_that_stands_twice_is_refused():
    store = Store().sample("a", R1="1", R2="1")
    store.rows.append(store.rows[0])
    with pytest.raises(WrongUse, match="sample a"):
        store.annotate(spec())
