import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medassay.core.errors import EvidenceBroken, WrongUse
from medassay.core.findings import Reason
from medassay.datasets.catalogue import measurement_table, table_of
from medassay.datasets.freeze import freeze, released_keys
from medassay.datasets.manifest import Manifest
from medassay.datasets.sketch import of_image
from medassay.datasets.spec import LawfulBasis
from medassay.trust.evidence import Evidence, Outcome
from medassay.trust.sealing import sample_key

KINDS = ("ingest", "gate", "annotate")


def evidence(kind, outcome=Outcome.PASSED, target="toys/toys"):
    return Evidence(kind=kind, target=target, inputs=(), outputs=(), code={}, environment={}, outcome=outcome)


STEPS = [evidence(kind) for kind in KINDS]
RULE = {"id": "long", "title": {"zh": "甲", "en": "a"}, "column": "length", "minimum": 7}


@pytest.fixture
def frozen(frozen_toys):
    return frozen_toys()


def test_everything_offered_is_in_the_flow_and_what_is_in_is_in_the_manifest(frozen):
    first = sorted(frozen.labels)[0]
    frozen.set(excluded=[first])
    made = frozen.run()
    assert made.outcome is Outcome.PASSED
    assert made.flow.samples.model_dump() == {
        "offered": 25,
        "refused": 1,
        "excluded": 1,
        **{part: len(made.manifest.samples(part)) for part in ("train", "tune", "test")},
    }
    assert made.flow.files.offered == 24 * 2 + 2
    assert made.flow.unassigned_files == 1
    assert made.flow.subjects.offered == 12
    assert first not in made.manifest.samples()
    assert all(len(rows) == 2 for rows in made.manifest.samples().values())
    assert made.disjointness == "proven"


def test_no_subject_is_in_two_parts(frozen):
    manifest = frozen.run().manifest
    parts = [set(manifest.subjects(part)) for part in ("train", "tune", "test")]
    assert all(parts)
    assert sum(map(len, parts)) == len(set.union(*parts)) == 12


def test_the_version_is_the_digest_of_the_manifest_and_the_same_for_the_same_tables(frozen):
    made = frozen.run().manifest
    assert frozen.run().manifest.digest == made.digest
    assert Manifest.read(made.content, made.digest) == made
    with pytest.raises(EvidenceBroken, match="wanted version"):
        Manifest.read(made.content.replace(b"train", b"tests", 1), made.digest)


def test_swapping_the_labels_of_two_samples_makes_another_version(frozen):
    before = frozen.run().manifest.digest
    labels = dict(frozen.labels)
    one, two = sorted(labels)[:2]
    labels[one], labels[two] = labels[two], labels[one]
    frozen.set(labels=labels)
    assert frozen.run().manifest.digest != before


def test_a_sample_without_a_reference_is_excluded_and_counted(frozen):
    labels = dict(frozen.labels)
    labels.pop(sorted(labels)[0])
    frozen.set(labels=labels)
    assert [(c.check, c.reason) for c in frozen.run().flow.excluded] == [("reference", "reference_missing")]


def test_the_cohort_excludes_with_its_funnel(frozen_toys):
    made = frozen_toys(cohort=[RULE | {"minimum": 8}]).run()
    assert made.outcome is Outcome.REFUSED  # every text is 7 bytes long
    assert {row["check"] for row in made.exclusions.to_pylist()} == {"cohort:long"}
    made = frozen_toys(cohort=[RULE]).run()
    assert [(step.rule, step.before, step.after) for step in made.flow.cohort] == [("long", 24, 24)]


def test_a_published_division_is_kept_with_the_subject_rule_above_it(frozen_toys):
    listed = {"train_tune": [f"s{n}" for n in range(15)], "test": [f"s{n}" for n in range(15, 24)]}
    made = frozen_toys(source={"division": listed}).run()
    # s14 and s15 are one person: s14 leaves training.
    assert [(c.check, c.samples) for c in made.flow.excluded] == [("division:subject_in_test", 1)]
    assert (made.flow.samples.test, made.manifest.division) == (9, "published")


def test_keys_are_released_for_train_and_tune_alone(frozen):
    manifest = frozen.run().manifest
    released = released_keys(manifest, bytes(32))
    assert set(released) == set(manifest.samples("train", "tune"))
    assert not set(released) & set(manifest.samples("test"))
    assert all(key == sample_key(bytes(32), sample) for sample, key in released.items())


def test_the_manifest_holds_no_reads_and_no_name_but_the_samples(frozen):
    rows = frozen.run().manifest.rows
    assert {row.role for row in rows} == {"signal", "reference"}
    assert all(row.name.startswith(row.sample) for row in rows)


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_that_was_never_taken_is_wrong_use_and_names_the_command(frozen, kind):
    with pytest.raises(WrongUse, match=f"Run: medassay {kind} toys toys"):
        frozen.run([step for step in STEPS if step.kind != kind])


def test_evidence_of_another_source_is_wrong_use(frozen):
    with pytest.raises(WrongUse, match="sources are never mixed"):
        frozen.run([*STEPS[:2], evidence("annotate", target="toys/others")])


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.REFUSED])
def test_a_step_that_failed_ends_in_a_refusal_that_can_be_passed_on(frozen, outcome):
    made = frozen.run([STEPS[0], evidence("gate", outcome), STEPS[2]])
    assert (made.outcome, made.manifest, made.flow) == (Outcome.REFUSED, None, None)
    assert [finding.reason for finding in made.findings] == [Reason.STEP_BEFORE_FAILED]


def test_without_a_lawful_basis_nothing_is_frozen(frozen):
    bare = frozen.spec.sources[0].model_copy(update={"lawful_basis": LawfulBasis(licence=" ")})
    with pytest.raises(WrongUse, match="without licence"):
        frozen.run(source=bare)


def test_too_few_people_for_three_parts_are_refused(frozen):
    catalogue = frozen.ingested.catalogue.to_pylist()
    two = {row["subject_id"] for row in catalogue[:2]}
    frozen.set(excluded=[r["sample_id"] for r in catalogue if r["subject_id"] not in two and not r["reason"]])
    made = frozen.run()
    assert made.outcome is Outcome.REFUSED
    assert [finding.reason for finding in made.findings] == [Reason.LIMIT_EXCEEDED]


@pytest.mark.parametrize("how", ["declared", "found"])
def test_disjointness_of_unknown_people_is_not_provable_and_said(frozen_toys, how):
    if how == "found":
        made = frozen_toys(anon_toy="\nanonymous", anon_label="x").run()
    else:
        made = frozen_toys(source={"identity": "not_provable"}).run()
    assert made.disjointness == made.manifest.disjointness == "not_provable"
    assert [finding.reason for finding in made.findings] == [Reason.SAME_SUBJECT]


def test_tables_of_two_ingests_are_never_frozen_together(frozen):
    frozen.tables["objects"] = frozen.tables["objects"].slice(0, 10)
    with pytest.raises(EvidenceBroken, match="tables of one ingest"):
        frozen.run()


faults = {
    "two references": lambda rows: [*rows, rows[0] | {"name": "other"}],
    "no reference": lambda rows: [row for row in rows if row is not rows[0]],
    "unsorted": lambda rows: rows[::-1],
    "a row twice": lambda rows: [rows[0], *rows],
    "another subject": lambda rows: [rows[0] | {"subject": "S-x"}, *rows[1:]],
}


@pytest.mark.parametrize("spoil", faults.values(), ids=faults)
def test_a_manifest_that_is_not_whole_is_never_read(frozen, spoil):
    record = json.loads(frozen.run().manifest.content)
    assert record["rows"][0]["role"] == "reference"
    record["rows"] = spoil(record["rows"])
    with pytest.raises(ValueError, match=r"reference|sorted|subject"):
        Manifest.model_validate(record)


fates = st.sampled_from(["refused", "gate", "annotate", "no label", "unlisted", "train_tune", "test"])


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcdefghij"), fates), max_size=30), st.booleans())
def test_whatever_became_of_the_samples_nobody_is_on_two_sides_and_everything_is_counted(
    a_spec, drawn, published
):
    spec = a_spec({"division": {"train_tune": ["x"], "test": ["y"]}} if published else None)
    samples = {f"R-{number:02}": drawn_one for number, drawn_one in enumerate(drawn)}
    accepted = {name: one for name, one in samples.items() if one[1] != "refused"}
    tables = {
        "offered": [
            {
                "file_id": f"F-{name}",
                "bytes": 1,
                "outcome": "sample" if name in accepted else "refused",
                "sample_id": name,
            }
            for name in samples
        ],
        "catalogue": [
            {
                "sample_id": name,
                "subject_id": f"S-{subject}",
                "subject_known": True,
                "site": subject,
                "source_class": "public",
                "kind": "toy",
                "status": "accepted" if name in accepted else "refused",
                "reason": None if name in accepted else "truncated",
                "division": fate if fate in ("train_tune", "test") else None,
            }
            for name, (subject, fate) in samples.items()
        ],
        "objects": [
            {
                "sample_id": n,
                "role": "signal",
                "name": f"{n}.toy",
                "digest": "0" * 64,
                "sealed": False,
                "bytes": 1,
            }
            for n in accepted
        ],
        "reference": [
            {"sample_id": name, "digest": "1" * 64, "method": "published"}
            for name, (_, fate) in accepted.items()
            if fate != "no label"
        ],
        "exclusions": [
            {"sample_id": name, "stage": fate, "check": "c", "reason": "signal_flat"}
            for name, (_, fate) in accepted.items()
            if fate in ("gate", "annotate")
        ],
    }
    made = freeze(
        "toys",
        spec,
        spec.sources[0],
        STEPS,
        measurements=measurement_table({}, pa.array(sorted(accepted), pa.string()), {}),
        **{name: table_of(name, rows, order=("sample_id",)) for name, rows in tables.items()},
    )
    if made.outcome is Outcome.REFUSED:
        assert made.manifest is None
        return
    assert (made.flow.files, made.flow.samples.offered) == (made.flow.samples, len(samples))
    assert made.flow.subjects.offered == len({subject for subject, _ in samples.values()})
    sides = [set(made.manifest.subjects(part)) for part in ("train", "tune", "test")]
    assert len(set.union(*sides)) == sum(map(len, sides))
    out = {row["sample_id"] for row in made.exclusions.to_pylist()}
    assert out | set(made.manifest.samples()) == set(accepted)
    assert not out & set(made.manifest.samples())


def near_copy_tables(frozen, first, second):
    """Sketches of two samples that hold one picture, and of a third that holds another."""
    one, other = (np.random.default_rng(seed).integers(0, 255, (40, 40)).astype(float) for seed in (1, 2))
    third = next(sample for sample in frozen.labels if sample not in (first, second))
    kept = {first: one, second: one * 3 + 1, third: other}
    rows = [{"sample_id": s, "sketch": of_image(p).to_bytes()} for s, p in sorted(kept.items())]
    return table_of("sketches", rows, order=("sample_id",))


def parted(frozen):
    """A sample of train and one of test."""
    manifest = frozen.run().manifest
    return min(manifest.samples("train")), min(manifest.samples("test"))


def test_near_copies_under_two_subjects_are_held_in_one_part_and_told(frozen):
    first, second = parted(frozen)
    made = frozen.run(sketches=near_copy_tables(frozen, first, second))
    parts = {row.sample: row.split for row in made.manifest.rows}
    assert parts[first] == parts[second]
    assert {finding.sample for finding in made.findings} == {min(first, second)}
    assert [finding.reason for finding in made.findings] == [Reason.SAME_SUBJECT]
    assert made.counts["near_copies"] == 1


def test_near_copies_make_no_version_where_the_spec_refuses_them(frozen_toys):
    frozen = frozen_toys(near_duplicates="refuse")
    made = frozen.run(sketches=near_copy_tables(frozen, *parted(frozen)))
    assert (made.outcome, made.manifest) == (Outcome.REFUSED, None)
    assert [finding.reason for finding in made.findings] == [Reason.SAME_SUBJECT]


def test_near_copies_across_a_published_division_leave_training(frozen_toys):
    listed = {"train_tune": [f"s{n}" for n in range(14)], "test": [f"s{n}" for n in range(14, 24)]}
    frozen = frozen_toys(source={"division": listed})
    first, second = parted(frozen)
    made = frozen.run(sketches=near_copy_tables(frozen, first, second))
    assert first not in made.manifest.samples()
    assert second in made.manifest.samples("test")


def test_near_copies_are_not_looked_for_where_the_spec_says_so(frozen_toys):
    frozen = frozen_toys(near_duplicates="not_screened")
    made = frozen.run(sketches=near_copy_tables(frozen, *parted(frozen)))
    assert (made.findings, made.counts["near_copies"]) == ((), 0)
