"""From a hospital's export to a report that verifies, by the verbs, for every database of this repository."""

import pytest
from ruamel.yaml import YAML

from medassay.trust.evidence import Outcome
from medassay.verbs import annotate, certify, freeze, gate, ingest, report, train, validate
from medassay.verbs.stage import Place

# A phantom and a training that a test can afford: figures are poor, and every step is real. The fourth database
# goes the same way through DVC and in both languages, in test_pipeline.py.
SMALL = {
    "hippocampus-mr": (
        "hippocampus-mr-segmenter",
        {f"sources__0__phantom__sites__{site}__subjects": 3 for site in range(3)}
        | {f"sources__0__phantom__sites__{site}__spacing_mm": [2.0, 1.0, 1.0] for site in range(3)},
        {"parameters__steps": 12, "parameters__evaluate_every": 6},
    ),
    "premature-beat-ecg": (
        "premature-beat-ecg-detector",
        {"sources__0__phantom__subjects": 14, "sources__0__phantom__minutes": 7},
        {"parameters__epochs": 1},
    ),
    "seizure-eeg": (
        "seizure-eeg-detector",
        {"sources__0__phantom__subjects": 14, "sources__0__phantom__shortest_s": 480},
        {"parameters__epochs": 2},
    ),
}
# The same defects among fewer samples.
LIMITS = {
    "hippocampus-mr": {"limits__least_samples_per": {"kind": 10}},
    "premature-beat-ecg": {},
    "seizure-eeg": {"limits__least_samples_per": {"site": 4}},
}
# Both languages of a view are held by the tests of views, and by the pipeline of the fourth.
LANGUAGE = {"hippocampus-mr": "zh", "premature-beat-ecg": "en", "seizure-eeg": "zh"}


def _one_of_each(workspace, stem):
    """The first two conditions of the protocol's stress, at their first strength.

    That a device answers twice alike is held by its own tests; what is made of it, in the pipeline of the fourth.
    """
    stress = YAML().load((workspace.root / f"evaluation/{stem}.yaml").read_text("utf-8"))["stress"]
    few = stress["conditions"][:2]
    for condition in few:
        condition["strengths"] = condition["strengths"][:1]
        condition["hold_to"] = condition["strengths"][0]
    return {"stress__conditions": few, "stress__repeat": False}


@pytest.mark.parametrize("stem", SMALL)
def test_an_export_becomes_a_report_that_recomputes(stem, tiny, turn, every_file_counted, recomputes):
    device, sizes, parameters = SMALL[stem]
    turn(f"datasets/{stem}.yaml", **sizes)
    turn(f"registry/{device}/device.yaml", **parameters)
    turn(f"quality/{stem}.yaml", limits__largest_excluded_share=0.75, **LIMITS[stem])
    turn(f"evaluation/{stem}.yaml", looks_before={"phantom": 3}, **_one_of_each(tiny, stem))
    place = Place(tiny, stem, "phantom")
    every_file_counted(ingest.run(place))
    for step in (gate, annotate, freeze, certify):
        assert step.run(place).outcome is Outcome.PASSED, step.__name__
    assert train.run(place, device).outcome is Outcome.PASSED
    validated = validate.run(place, device)
    assert validated.outcome is Outcome.PASSED
    assert place.record(validated, "run")["earlier_looks"] == 3  # as declared; the ledger knows of none
    written = report.run(place, device, languages=(LANGUAGE[stem],))
    assert written.outcome is Outcome.PASSED
    recomputes(place, device)


def test_every_database_goes_this_way_or_through_the_pipeline(tiny, piped):
    assert {*SMALL, piped[0]} == set(tiny.stems())
