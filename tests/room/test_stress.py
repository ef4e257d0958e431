"""Disturbed copies and second answers: made in the same sealed run, scored against the samples' own references."""

import json
from types import ModuleType

import numpy as np
import pytest

from medassay.core.errors import EvidenceBroken, WrongUse
from medassay.evaluation.protocol import Protocol
from medassay.measures.perturbation import Perturbation
from medassay.room import stress as engine
from medassay.room.record import RunRecord
from medassay.room.results import results_of

TEXT = {"zh": "甲", "en": "a"}


def fewer(values, strength, generator):
    return values - strength


@pytest.fixture(autouse=True)
def _numbers_have_a_suite(monkeypatch):
    suite = ModuleType("numbers")
    suite.SUITE = {"lower": Perturbation(fewer, "how much lower every value is")}

    def disturbed(sample, copy, files, how, strength, generator):
        found = {}
        for name, content in files.items():
            values = np.array([float(value) for value in content.split()])
            changed = how.function(values, strength, generator)
            found[name.replace(sample, copy)] = " ".join(f"{value:.3f}" for value in changed).encode()
        return found

    suite.disturbed = disturbed
    monkeypatch.setattr(engine, "module_of", lambda *_, **__: suite)


@pytest.fixture
def stressed(protocol):
    conditions = [
        {"id": "low", "title": TEXT, "perturbation": "lower", "strengths": [0.01, 9.0], "hold_to": 0.01}
    ]
    asked = {"samples": 6, "seed": 3, "repeat": True, "conditions": conditions}
    return Protocol.model_validate(protocol.model_dump(mode="json") | {"stress": asked})


def test_copies_are_scored_against_the_reference_of_their_sample(submitted, validated, stressed, tmp_path):
    record = validated(submitted(), protocol=stressed).record
    assert len(record.stress) == 12
    assert {row.sample for row in record.stress} <= {case.sample for case in record.cases}
    assert len({row.subject for row in record.stress}) == 6, "one of each subject before a second of any"
    found = results_of(
        RunRecord.model_validate_json(record.model_dump_json()), stressed, locked_first=True
    ).robustness[0]
    assert found.undisturbed.value == 1
    assert [point.estimate.value for point in found.points] == [1, 0]
    assert (found.held, found.lost_at) == (True, 9.0)
    rows = (tmp_path / "validation" / "stress" / "samples.jsonl").read_text().splitlines()
    given = {json.loads(line)["sample_id"] for line in rows}
    assert len(given) == 12
    assert not given & set(record.predictions)


def test_the_same_samples_are_answered_twice_with_the_same_bytes_or_it_is_said(
    submitted, validated, stressed
):
    assert validated(submitted(), protocol=stressed).record.repeat.differing == ()
    script = """
import json, sys, time
from pathlib import Path
given, out = Path(sys.argv[1]), Path(sys.argv[2])
ids = [json.loads(line)["sample_id"] for line in (given / "samples.jsonl").read_text().splitlines()]
for i in ids: (out / f"{i}.txt").write_text(str(len(ids)))
(out / "status.jsonl").write_text("".join(json.dumps({"sample_id": i, "status": "ok"}) + "\\n" for i in ids))
"""
    record = validated(submitted(predict__py=script), protocol=stressed).record
    assert record.repeat.samples == 6
    assert len(record.repeat.differing) == 6


STAMPED = """
import json, os, sys
from pathlib import Path
given, out = Path(sys.argv[1]), Path(sys.argv[2])
ids = [json.loads(line)["sample_id"] for line in (given / "samples.jsonl").read_text().splitlines()]
def say(status, ids):
    with (out / "status.jsonl").open("a") as stream:
        for i in ids: stream.write(json.dumps({"sample_id": i, "status": status}) + "\\n")
again = len(ids) < 20
"""
again = {
    "other bytes, the same answer": (
        "[(out / f'{i}.txt').write_text('7 9' if again else '9  7') for i in ids]; say('ok', ids)",
        (0, 6),
    ),
    "another answer": (
        "[(out / f'{i}.txt').write_text('7' if again else '9') for i in ids]; say('ok', ids)",
        (6, 0),
    ),
    "no answer the second time": (
        "[(out / f'{i}.txt').write_text('7') for i in ids]; say('failed' if again else 'ok', ids)",
        (6, 0),
    ),
    "no answer either time": ("say('failed', ids)", (0, 0)),
    "nonsense of other words": (
        "[(out / f'{i}.txt').write_text('x' if again else 'y') for i in ids]; say('ok', ids)",
        (6, 0),
    ),
}


@pytest.mark.parametrize(("script", "found"), again.values(), ids=again)
def test_another_answer_is_told_apart_from_other_bytes(submitted, validated, stressed, script, found):
    asked = stressed.model_dump(mode="json")
    asked["stress"]["conditions"] = []
    repeat = validated(
        submitted(predict__py=STAMPED + script), protocol=Protocol.model_validate(asked)
    ).record.repeat
    assert (len(repeat.differing), len(repeat.other_bytes)) == found
    assert not set(repeat.differing) & set(repeat.other_bytes)


def test_copies_that_are_not_answered_count_as_all_wrong(submitted, validated, stressed):
    record = validated(submitted(predict__py="raise SystemExit(1)"), protocol=stressed).record
    found = results_of(record, stressed, locked_first=True).robustness[0]
    assert [point.unanswered for point in found.points] == [6, 6]
    assert [point.estimate.value for point in found.points] == [0, 0]


def test_what_was_disturbed_is_the_same_every_time(submitted, validated, stressed):
    assert (
        validated(submitted(), protocol=stressed).record == validated(submitted(), protocol=stressed).record
    )


def test_an_unknown_perturbation_is_refused_with_those_that_exist(submitted, validated, stressed):
    asked = stressed.model_dump(mode="json")
    asked["stress"]["conditions"][0]["perturbation"] = "lowre"
    with pytest.raises(WrongUse, match="lowre"):
        validated(submitted(), protocol=Protocol.model_validate(asked))


def test_a_copy_taken_out_of_the_record_leaves_no_figure(submitted, validated, stressed):
    record = validated(submitted(), protocol=stressed).record
    with pytest.raises(EvidenceBroken, match="copies of a condition"):
        results_of(record.model_copy(update={"stress": record.stress[1:]}), stressed, locked_first=True)


def test_times_stand_beside_the_record_and_never_in_it(submitted, validated, stressed):
    validation = validated(submitted(), protocol=stressed)
    assert validation.timing.cases == 20
    assert validation.timing.total_s > 0
    assert validation.timing.median.n_subjects == 19
    assert "total_s" not in validation.record.model_dump_json()
