"""From training to figures: train, package, predict in the room, unseal, score, analyse."""

import json
import shutil

import pytest

from medassay.core.errors import EvidenceBroken, WrongUse
from medassay.datasets.spec import SourceClass
from medassay.evaluation.protocol import Goal, Verdict
from medassay.registry.submission import open_submission
from medassay.room.record import RunRecord
from medassay.room.results import results_of
from medassay.room.training import TrainingFailed, train


@pytest.fixture
def trained(database, device_folder, device, tmp_path):
    def act(**parameters):
        workdir = tmp_path / "training"
        shutil.rmtree(workdir, ignore_errors=True)
        return train(
            device_folder, device, database.manifest, database.get, database.released, workdir, parameters
        )

    return act


def test_a_trained_device_is_validated_and_its_figures_follow_from_the_record(
    trained, validated, protocol, database
):
    training = trained(steps=2)
    assert training.curves == {"train_loss": ((0, 1.0), (1, 0.5))}
    assert training.log == "trained on ['train', 'tune']"
    validation = validated(training.submission)
    record = validation.record
    assert {case.status for case in record.cases} == {"ok"}
    assert (len(record.subjects), len(record.cases), len(record.predictions)) == (10, 20, 20)
    assert record.earlier_looks == 2
    assert all(entry.agrees for entry in record.second_entry)
    results = results_of(RunRecord.model_validate_json(record.model_dump_json()), protocol, locked_first=True)
    assert results.of("se").estimate.value == 1
    assert results.of("se").estimate.lower == pytest.approx(0.6915, abs=1e-4)
    assert results.verdict is Verdict.MET
    assert [cell.subjects for cell in results.subgroups[0].cells] == [5, 5]


def test_training_twice_gives_the_same_submission_to_the_last_byte(trained):
    first, second = trained(), trained()
    assert first.submission == second.submission
    assert first.submission != trained(steps=1).submission
    opened = open_submission(first.submission)
    assert opened.record.device == "spike-detector"
    assert "model/threshold.json" in opened.files


def test_a_device_sees_labels_of_train_and_tune_alone_and_no_label_at_test(
    trained, submitted, validated, database, tmp_path
):
    trained()
    laid = {path.name for path in (tmp_path / "training" / "input").iterdir()}
    tested = {row.sample for row in database.manifest.rows if row.split == "test"}
    assert not [name for name in laid if name[:4] in tested or "R1.ref" in name]
    assert "R000.ref" in laid
    validated(submitted())
    laid = {path.name for path in (tmp_path / "validation" / "input").iterdir()}
    assert laid == {"samples.jsonl"} | {f"{sample}.num" for sample in tested}
    lines = (tmp_path / "validation" / "input" / "samples.jsonl").read_text().splitlines()
    order = [json.loads(line)["sample_id"] for line in lines]
    assert sorted(order) == sorted(tested) != order


def test_labels_open_only_after_the_protocol_and_the_predictions_are_booked(
    submitted, validated, database, protocol
):
    labels = {row.digest for row in database.manifest.rows if row.role == "reference"}
    seen = []

    def get(digest):
        if digest in labels:
            seen.append("label")
        return database.get(digest)

    record = validated(submitted(), get=get, book=lambda event, digest: seen.append((event, digest))).record
    assert [event if event == "label" else event[0] for event in seen] == [
        "protocol_locked",
        "predictions_received",
        "labels_unsealed",
        *["label"] * 20,
    ]
    assert seen[0][1] == protocol.digest == record.protocol
    assert seen[2][1] == record.manifest


def test_the_worst_cases_alone_have_an_excerpt_under_its_digest(submitted, validated):
    validation = validated(submitted(**{"model/threshold__json": '{"threshold": 2.2}'}), worst=3)
    pictured = [case for case in validation.record.cases if case.excerpt]
    others = [case for case in validation.record.cases if not case.excerpt]
    assert len(pictured) == 3
    assert min(case.badness for case in pictured) >= max(case.badness for case in others)
    assert json.loads(validation.excerpts[pictured[0].excerpt]).keys() == {"truth", "marked"}


HEAD = """
import json, os, sys
from pathlib import Path
given, out = Path(sys.argv[1]), Path(sys.argv[2])
ids = [json.loads(line)["sample_id"] for line in (given / "samples.jsonl").read_text().splitlines()]
def say(status, ids=ids):
    with (out / "status.jsonl").open("a") as stream:
        for i in ids: stream.write(json.dumps({"sample_id": i, "status": status}) + "\\n")
"""
hostile = {
    "crashes at once": ("raise SystemExit(3)", {"failed"}),
    "says ok and hands back nothing": ("say('ok')", {"unreadable"}),
    "abstains from all": ("say('abstained')", {"abstained"}),
    "hands back nonsense": ("[(out / f'{i}.txt').write_text('x y') for i in ids]; say('ok')", {"unreadable"}),
    "hands back links": (
        "[(out / f'{i}.txt').symlink_to('/etc/hostname') for i in ids]; say('ok')",
        {"unreadable"},
    ),
    "hands back pipes": ("[os.mkfifo(out / f'{i}.txt') for i in ids]; say('ok')", {"unreadable"}),
    "hands back folders": ("[(out / f'{i}.txt').mkdir() for i in ids]; say('ok')", {"unreadable"}),
    "has a status file that is a pipe": ("os.mkfifo(out / 'status.jsonl')", {"failed"}),
    "has a status file that is a link": ("(out / 'status.jsonl').symlink_to('/etc/passwd')", {"failed"}),
    "names a sample twice": ("say('ok'); say('ok')", {"failed"}),
    "names a sample that it was not given": ("say('ok', ['R999'])", {"failed"}),
}


@pytest.mark.parametrize(("script", "statuses"), hostile.values(), ids=hostile)
def test_whatever_a_device_does_every_sample_counts_as_missed(
    script, statuses, submitted, validated, protocol
):
    validation = validated(submitted(predict__py=HEAD + script))
    assert {case.status for case in validation.record.cases} == statuses
    assert all(case.reason for case in validation.record.cases if case.status != "abstained")
    results = results_of(validation.record, protocol, locked_first=True)
    assert results.of("se").estimate.value == 0
    assert results.of("se").estimate.n_events == 80
    assert results.verdict is Verdict.NOT_MET


def test_a_device_that_hangs_is_ended_and_what_it_had_answered_counts(submitted, validated, device_folder):
    spec = (device_folder / "device.yaml").read_text().replace("predict_seconds: 30", "predict_seconds: 1")
    script = "import time; (out / f'{ids[0]}.txt').write_text('1'); say('ok', ids[:1]); time.sleep(60)"
    validation = validated(submitted(predict__py=HEAD + script, device__yaml=spec))
    assert [case.status for case in validation.record.cases].count("ok") == 1
    failed = next(case for case in validation.record.cases if case.status == "failed")
    assert "ended after its time" in failed.reason


def test_what_a_device_says_stands_in_no_record(submitted, validated):
    script = "print('hidden words', file=sys.stderr); say('ok')"
    validation = validated(submitted(predict__py=HEAD + script))
    assert "hidden words" in validation.log
    assert "hidden words" not in validation.record.model_dump_json() + repr(validation)


def test_public_data_are_never_called_sealed_and_an_open_room_says_so(
    submitted, validated, source, monkeypatch
):
    from medassay.room import sandbox

    assert validated(submitted()).record.sealing.sealed is False
    hospital = source.model_copy(update={"source_class": SourceClass.REAL})
    closed = validated(submitted(), source=hospital).record.sealing
    assert closed.sealed == (closed.network == "none") == (closed.labels == "absent")
    monkeypatch.setattr(sandbox, "PROGRAM", "no-such-program")
    opened = validated(submitted(), source=hospital).record.sealing
    assert (opened.sealed, opened.network, opened.labels) == (False, "not_prevented", "not_prevented")


def test_validating_twice_gives_the_same_record(submitted, validated):
    assert validated(submitted()).record == validated(submitted()).record


def test_a_label_moved_to_another_sample_stops_the_run(submitted, validated, database):
    labels = {row.sample: row.digest for row in database.manifest.rows if row.role == "reference"}
    swap = {"R020": "R021", "R021": "R020"}
    manifest = database.altered(
        lambda row: (
            {"digest": labels[swap[row.sample]]} if row.role == "reference" and row.sample in swap else {}
        )
    )
    with pytest.raises(EvidenceBroken, match="does not open"):
        validated(submitted(), manifest=manifest)


def test_a_device_for_another_database_and_a_version_without_test_samples_are_refused(
    submitted, validated, database
):
    with pytest.raises(WrongUse, match="a device for 'spikes'"):
        validated(submitted(), dataset="other")
    nothing = database.altered(lambda _: {"split": "train"})
    with pytest.raises(WrongUse, match="no test sample"):
        validated(submitted(), manifest=nothing)
    with pytest.raises(WrongUse, match="without strata"):
        validated(submitted(), strata={})


def test_a_convention_that_changes_figures_is_not_taken_unsaid_and_nothing_is_booked(
    submitted, validated, protocol
):
    unsaid = protocol.model_copy(update={"options": {}})
    events = []
    with pytest.raises(WrongUse, match="no word on tolerance"):
        validated(submitted(), protocol=unsaid, book=lambda event, _: events.append(event))
    assert events == []


def test_a_run_altered_by_one_count_or_put_under_another_protocol_has_no_figures(
    submitted, validated, protocol
):
    record = validated(submitted()).record
    first = record.subjects[0]
    better = first.model_copy(update={"statistics": first.statistics | {"tp": first.statistics["tp"] + 1}})
    with pytest.raises(EvidenceBroken, match="sums of a subject"):
        results_of(
            record.model_copy(update={"subjects": (better, *record.subjects[1:])}),
            protocol,
            locked_first=True,
        )
    with pytest.raises(EvidenceBroken, match="another protocol"):
        results_of(record, protocol.model_copy(update={"seed": 2}), locked_first=True)


untrained = {
    "an error": ("print('why'); raise SystemExit(2)", "ended with code 2"),
    "no model": ("pass", "no folder 'model'"),
    "an empty model": ("import os, sys; os.mkdir(sys.argv[2] + '/model')", "empty folder"),
    "a model that is a link": (
        "import os, sys; os.symlink('/etc', sys.argv[2] + '/model')",
        "no folder 'model'",
    ),
}


@pytest.mark.parametrize(("script", "says"), untrained.values(), ids=untrained)
def test_a_training_that_leaves_no_model_is_no_submission(script, says, trained, device_folder):
    (device_folder / "train.py").write_text(script)
    with pytest.raises(TrainingFailed, match=says) as failure:
        trained()
    assert ("why" in failure.value.log) == ("error" in says or "code" in says)
    assert "why" not in str(failure.value)


def test_a_model_with_a_link_inside_is_refused(trained, device_folder):
    (device_folder / "train.py").write_text(
        "import os, sys; os.mkdir(sys.argv[2] + '/model'); os.symlink('/etc/passwd', sys.argv[2] + '/model/w')"
    )
    with pytest.raises(WrongUse, match="opened as it is"):
        trained()


def test_a_parameter_that_the_device_does_not_declare_is_refused(trained):
    with pytest.raises(WrongUse, match="parameter stepz"):
        trained(stepz=1)


def test_a_sample_whose_key_was_not_released_is_not_trained_on(trained, database):
    del database.released["R000"]
    with pytest.raises(EvidenceBroken, match="without a released key"):
        trained()


@pytest.fixture
def timely(protocol):
    return protocol.model_copy(update={"task": "timely"})


LOOKING = """
for i in ids:
    values = [float(v) for v in (given / f"{i}.num").read_text().split()]
    marks = [n for n, v in enumerate(values) if v > 5 and {rule}]
    (out / f"{i}.txt").write_text(" ".join(map(str, marks)))
say("ok")
"""


def test_a_device_that_uses_nothing_later_passes_the_audit_under_ids_of_its_own(
    submitted, validated, timely, tmp_path
):
    record = validated(submitted(), protocol=timely).record
    assert record.causality.copies == 40
    assert record.causality.held
    assert results_of(record, timely, locked_first=True).verdict is Verdict.MET
    rows = (tmp_path / "validation" / "copies" / "samples.jsonl").read_text().splitlines()
    given = {json.loads(line)["sample_id"] for line in rows}
    assert len(given) == 40
    assert not given & set(record.predictions)
    assert RunRecord.model_validate_json(record.model_dump_json()) == record


dishonest = {
    "looks at what comes later": LOOKING.replace("{rule}", "max(values[n:]) == max(values)"),
    "answers no copy": LOOKING.replace("for i in ids:", "ids = ids[:20]\nfor i in ids:").replace(
        "{rule}", "True"
    ),
}


@pytest.mark.parametrize("script", dishonest.values(), ids=dishonest)
def test_a_device_that_looks_ahead_meets_no_goal_whatever_its_figures(script, submitted, validated, timely):
    record = validated(submitted(predict__py=HEAD + script), protocol=timely).record
    lenient = timely.model_copy(
        update={
            "endpoints": (
                timely.endpoints[0].model_copy(
                    update={"goals": {"hospital": Goal(direction="at_least", limit=0.01)}}
                ),
                *timely.endpoints[1:],
            )
        }
    )
    record = record.model_copy(update={"protocol": lenient.digest})
    assert record.causality.differing
    results = results_of(record, lenient, locked_first=True)
    assert results.of("se").estimate.lower > 0.01
    assert results.verdict is results.of("se").verdict is Verdict.NOT_MET
    blind = record.model_copy(update={"causality": None})
    assert results_of(blind, lenient, locked_first=True).verdict is Verdict.MET, (
        "the verdict changes by the audit alone"
    )


def test_a_device_that_answers_nothing_is_not_shown_to_be_causal(submitted, validated, timely):
    record = validated(submitted(predict__py="raise SystemExit(1)"), protocol=timely).record
    assert record.causality.copies == 0
    assert not record.causality.held


def test_what_would_be_met_under_a_protocol_locked_late_is_exploratory_wherever_it_stands(
    submitted, validated, protocol
):
    record = validated(submitted(), protocol=protocol).record
    proven = results_of(record, protocol, locked_first=True)
    assert proven.verdict is Verdict.MET, "else this test shows nothing"
    late = results_of(record, protocol, locked_first=False)
    assert late.verdict is Verdict.EXPLORATORY
    assert Verdict.MET not in [
        late.verdict,
        *(one.verdict for one in (*late.endpoints, *late.sensitivity)),
        late.worst_subgroup and late.worst_subgroup.verdict,
    ]
    assert [one.estimate for one in late.endpoints] == [one.estimate for one in proven.endpoints]
