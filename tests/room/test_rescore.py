from dataclasses import replace

import pytest

from medassay.core.canonical import digest_of
from medassay.core.errors import EvidenceBroken, WrongUse
from medassay.core.rooms import module_of
from medassay.room.results import results_of
from medassay.room.validation import rescore


@pytest.fixture
def again(database):
    def act(validation, protocol, figures):
        held = {
            digest: validation.predictions[name] for name, digest in validation.record.predictions.items()
        }
        return rescore(
            validation.record,
            database.manifest,
            protocol,
            lambda digest: held.get(digest) or database.get(digest),
            b"k" * 32,
            figures,
            lambda event, digest: act.events.append((event, digest)),
        )

    act.events = []
    return act


def test_a_re_score_shows_both_figures_and_leaves_the_old_record_as_it_was(
    submitted, validated, protocol, again, monkeypatch
):
    validation = validated(submitted(**{"model/threshold__json": '{"threshold": 2.2}'}))
    before = validation.record.model_dump_json()
    figures = {
        one.endpoint: one.estimate
        for one in results_of(validation.record, protocol, locked_first=True).endpoints
    }
    scorer = module_of("medassay.evaluation.scoring", "spikes", what="task")
    monkeypatch.setattr(scorer, "VERSION", "2.0")
    made = again(validation, protocol, figures)
    assert made.scorer_version == "2.0"
    assert made.predictions == validation.record.predictions
    assert made.supersedes.run == digest_of(validation.record.model_dump(mode="json"))
    assert made.supersedes.scorer_version == validation.record.scorer_version
    assert made.supersedes.figures == figures
    assert validation.record.model_dump_json() == before
    assert results_of(made, protocol, locked_first=True).of("se").estimate == figures["se"], (
        "the same counts give the same figure"
    )


def test_the_same_scorer_has_nothing_to_score_again_and_opens_no_label(submitted, validated, protocol, again):
    with pytest.raises(WrongUse, match="the same scorer"):
        again(validated(submitted()), protocol, {})
    assert again.events == []


def test_a_prediction_of_other_bytes_is_not_scored_again_and_no_label_opens(
    submitted, validated, protocol, again, monkeypatch
):
    validation = validated(submitted())
    monkeypatch.setattr(module_of("medassay.evaluation.scoring", "spikes", what="task"), "VERSION", "2.0")
    better = dict.fromkeys(validation.predictions, b"1 2 3")
    with pytest.raises(EvidenceBroken, match="not the one received"):
        again(replace(validation, predictions=better), protocol, {})
    assert again.events == []
