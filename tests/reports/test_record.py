"""The record: everything in it follows from what it was given, and every figure leads to its rows."""

import json

import pytest
from pydantic import ValidationError

from medassay.core.errors import EvidenceBroken
from medassay.reports.cover import main_limits
from medassay.reports.given import Issue
from medassay.reports.record import ReportRecord, derive, reissued, seal_of


def test_the_same_records_give_the_same_bytes(records):
    assert records.build(**records.inputs()).to_json() == records.build(**records.inputs()).to_json()


def test_a_record_reads_back_as_itself(records):
    record = records.record()
    again = ReportRecord.model_validate_json(record.to_json())
    assert again == record
    assert again.to_json() == record.to_json()
    assert derive(again.given) == record
    assert seal_of(again) == record.seal


def test_the_published_schema_names_every_field_of_the_record(records):
    schema = ReportRecord.model_json_schema()
    assert set(json.loads(records.record().to_json())) == set(schema["properties"])


@pytest.mark.parametrize(
    ("source", "verdict"),
    [("phantom", "demonstration_only"), ("open", "not_met"), ("ward", "not_met")],
)
def test_the_verdict_is_the_rule_s(records, source, verdict):
    assert records.record(source).verdict == verdict


def test_few_subjects_are_insufficient_and_said_among_the_limits(records):
    record = records.record("open", subjects=4)
    assert record.verdict == "insufficient"
    assert "limit:few_subjects" in [limit.key for limit in record.limits]


def test_public_data_are_never_sealed_however_closed_the_room_was(records):
    sealing = records.run_record("open", "public").sealing.model_copy(update={"sealed": True})
    record = records.record("open", run=records.run_record("open", "public", sealing=sealing.model_dump()))
    assert record.scope.sealed is False
    assert record.limits[0].key == "limit:public"


def test_unknown_identity_is_never_proven_disjoint(records):
    record = records.record("stray", disjointness="proven")
    assert record.scope.disjoint == "not_provable"
    assert "limit:identity" in [limit.key for limit in record.limits]


def test_synthetic_data_observe_no_population(records):
    assert records.record().scope.population == "not_synthetic"
    assert records.record("ward").scope.population == "not_provable"


def test_failed_predictions_stay_in_the_denominator_and_are_a_deviation(records):
    record = records.record()
    assert (record.scope.scored_by_prediction, record.scope.scored_by_rule) == (23, 1)
    assert record.scope.scored_by_prediction + record.scope.scored_by_rule == record.given.flow.samples.test
    assert "deviation_status" in [deviation.key for deviation in record.deviations]


def test_every_figure_leads_to_its_rows_and_formula(records):
    record = records.record()
    assert [figure.id for figure in record.figures] == [f"F{n}" for n in range(1, len(record.figures) + 1)]
    assert record.primary.id == "F1"
    for figure in record.figures:
        rows = [
            row
            for row in record.given.run.subjects
            if (figure.axis is None or row.strata.get(figure.axis) == figure.level)
            and row.subject != figure.left_out
            and figure.choice != "answered_only"
        ]
        if figure.estimate is None:
            assert figure.not_shown
        elif figure.choice != "answered_only":
            contributing = [
                row for row in rows if any(row.statistics[name] > 0 for name in figure.denominator)
            ]
            counted = rows if figure.axis else contributing
            assert len(counted) == figure.n_subjects
            parts = [
                sum(weight * row.statistics[name] for row in rows for name, weight in side.items())
                for side in (figure.numerator, figure.denominator)
            ]
            assert figure.estimate.value == pytest.approx(parts[0] / parts[1], rel=1e-12)


def test_a_small_subgroup_shows_no_figure(records):
    small = [f for f in records.record().figures if f.axis == "age_band" and f.level == "80+"]
    assert small
    assert all(figure.estimate is None and figure.n_subjects == 2 for figure in small)


def test_ids_that_could_be_patients_never_enter_the_record(records):
    text = records.record("ward").to_json().decode()
    assert "ZY-1001" not in text
    assert "MZ-2002" not in text
    assert '"persons_joined_from_outside":1' in text


def test_readers_names_stay_out_of_the_record(records):
    assert "reader-x" not in records.record().to_json().decode()


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"protocol": "other"}, "protocol"),
        ({"device_version": "9"}, "device version"),
        ({"source_class": "public"}, "source class"),
        ({"dataset": "else"}, "dataset"),
    ],
)
def test_records_of_two_validations_are_not_made_into_one_report(records, changes, what):
    with pytest.raises(EvidenceBroken, match=what):
        records.record(run=records.run_record(**changes))


def test_test_samples_that_the_flow_does_not_know_are_refused(records):
    with pytest.raises(EvidenceBroken, match="test samples"):
        records.record(flow=records.flow(25))


differing = {
    "beyond the tolerance": {"second": 1.0},
    "said to agree": {"second": 1.0, "agrees": True},
    "in single samples though the sums are alike": {"agrees": False},
    "from what the cases count": {"first": 1.0, "second": 1.0},
}


@pytest.mark.parametrize("change", differing.values(), ids=differing)
def test_two_implementations_that_differ_leave_no_report(records, change):
    run = records.run_record()
    entry = run.second_entry[0].model_copy(update={"agrees": True} | change)
    with pytest.raises(EvidenceBroken, match="tp"):
        records.record(run=run.model_copy(update={"second_entry": (entry, *run.second_entry[1:])}))


def test_every_figure_says_what_it_may_be_taken_for(records):
    record = records.record()
    found = {(f.axis is not None, f.choice is not None): set() for f in record.figures}
    for f in record.figures:
        found[f.axis is not None, f.choice is not None].add(f.standing)
    assert found == {
        (False, False): {"primary", "descriptive"},
        (True, False): {"descriptive"},
        (False, True): {"exploratory"},
    }
    late = records.record(ledger=records.ledger(protocol_locked=None))
    assert {f.standing for f in late.figures} == {"exploratory"}


def test_a_superseded_report_names_its_successor_and_no_other_has_one(records):
    for wrong in ({"status": "superseded"}, {"status": "final", "replaced_by": "x"}):
        with pytest.raises(ValidationError, match="names its successor"):
            Issue(**wrong)
    record = reissued(records.record(), status="superseded", replaced_by="the next")
    assert record.limits[0].values == {"number": "the next"}
    assert record.figures == records.record().figures


def test_page_1_speaks_of_difficult_and_rare_cases_whatever_else_stands_there(records):
    record = records.record("stray", ledger=records.ledger(protocol_locked=None))
    keys = [limit.key for limit in main_limits(record)]
    assert keys[:3] == [limit.key for limit in record.limits[:3]]
    assert keys[3:] == ["limit:difficult_or_rare"]
    [rare] = [limit for limit in record.limits if limit.key == "limit:difficult_or_rare"]
    hidden = {(f.axis, f.level) for f in record.figures if f.not_shown and f.level is not None}
    assert int(rare.values["few"]) == len(hidden) > 0


def test_fewer_contributing_subjects_than_were_planned_with_are_a_deviation(records):
    planned = records.protocol().sample_size["phantom"].subjects
    as_planned = records.record(subjects=planned, run=records.run_record(subjects=planned))
    assert "deviation_planned" not in [deviation.key for deviation in as_planned.deviations]
    fewer = records.record(subjects=planned - 1)
    values = {"subjects": str(planned - 1), "planned": str(planned)}
    assert (fewer.deviations[0].key, fewer.deviations[0].values) == ("deviation_planned", values)
