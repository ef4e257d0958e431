"""The record: everything in it follows from what it was given, and every figure leads to its rows."""

import json

import pytest

from medassay.core.errors import EvidenceBroken
from medassay.reports.record import ReportRecord, derive, seal_of


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
