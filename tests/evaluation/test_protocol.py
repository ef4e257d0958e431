from typing import get_args

import pytest
from pydantic import ValidationError

from medassay.core.estimate import Estimate
from medassay.evaluation.protocol import Goal, Interval, Protocol, Verdict, verdict

TEXT = {"zh": "甲", "en": "a"}
PLAN = {
    "version": "1",
    "task": "events",
    "endpoints": [
        {
            "id": "se",
            "title": TEXT,
            "metric": "sensitivity",
            "goals": {"hospital": {"direction": "at_least", "limit": 0.85}},
        },
        {"id": "fa", "title": TEXT, "metric": "alarms"},
    ],
    "primary": "se",
    "alpha": 0.025,
    "confidence": 0.95,
    "tested": ["se"],
    "sample_size": {
        "hospital": {
            "measure": "proportion",
            "assumed": 0.95,
            "subjects": 60,
            "per_subject": 5,
            "correlation": 0.1,
            "aim": 0.8,
            "power": 0.988,
            "reason": TEXT,
        }
    },
    "interval": "bca",
    "clusters": "subject",
    "unusable_prediction": "worst",
    "empties": "not_counted",
    "stress": None,
    "replicates": 2000,
    "seed": 1,
    "unit_of_analysis": "subject",
    "minimum_subjects": 20,
    "multiplicity": "single_primary",
    "missing_prediction": "worst",
    "minimum_cell": 5,
    "options": {},
    "subgroups": [],
    "factors": [],
    "looks_before": {},
}
AT_LEAST = Goal(direction="at_least", limit=0.8)


def figure(lower, upper, subjects=30):
    return Estimate(
        value=(lower + upper) / 2, lower=lower, upper=upper, confidence=0.95, method="m", n_subjects=subjects
    )


@pytest.mark.parametrize("left_out", sorted(PLAN))
def test_a_protocol_is_complete_or_refused(left_out):
    with pytest.raises(ValidationError):
        Protocol.model_validate({name: value for name, value in PLAN.items() if name != left_out})


def test_a_primary_endpoint_that_does_not_exist_is_refused():
    with pytest.raises(ValidationError, match="none of se"):
        Protocol.model_validate(PLAN | {"primary": "sp"})


@pytest.mark.parametrize("named", get_args(Interval))
def test_a_protocol_names_one_interval_and_an_endpoint_may_name_its_own(named):
    plan = Protocol.model_validate(PLAN | {"interval": named})
    assert plan.interval_of(plan.primary) == named
    (first, *rest) = PLAN["endpoints"]
    own = Protocol.model_validate(PLAN | {"endpoints": [first | {"interval": named}, *rest]})
    assert own.interval_of(own.primary) == named
    assert own.digest != Protocol.model_validate(PLAN).digest


def test_what_is_not_declared_leaves_the_digest_of_a_protocol_as_it_was():
    written = Protocol.model_validate(PLAN).model_dump(mode="json")
    assert all("interval" not in endpoint for endpoint in written["endpoints"])
    assert all("positives" not in plan for plan in written["sample_size"].values())


def test_an_interval_that_nobody_computes_is_refused():
    assert Protocol.model_validate(PLAN | {"interval": "bca"}).interval == "bca"
    with pytest.raises(ValidationError):
        Protocol.model_validate(PLAN | {"interval": "wald"})


def test_any_change_of_a_protocol_changes_its_digest():
    plan = Protocol.model_validate(PLAN)
    assert plan.digest == Protocol.model_validate(PLAN).digest
    assert plan.digest != Protocol.model_validate(PLAN | {"seed": 2}).digest


rules = {
    "the bound clears the goal": (figure(0.8, 0.9), AT_LEAST, False, Verdict.MET),
    "the value clears it and the bound does not": (figure(0.79, 0.99), AT_LEAST, False, Verdict.NOT_MET),
    "the upper bound faces a limit from above": (
        figure(0.5, 2.1),
        Goal(direction="at_most", limit=2.0),
        False,
        Verdict.NOT_MET,
    ),
    "too few people": (figure(0.9, 0.99, subjects=4), AT_LEAST, False, Verdict.INSUFFICIENT),
    "no interval": (Estimate(value=1.0, n_subjects=30, undefined="x"), AT_LEAST, False, Verdict.INSUFFICIENT),
    "synthetic data": (figure(0.9, 0.99), AT_LEAST, True, Verdict.DEMONSTRATION_ONLY),
}


@pytest.mark.parametrize(("estimate", "goal", "synthetic", "expected"), rules.values(), ids=rules)
def test_the_verdict_follows_the_rule(estimate, goal, synthetic, expected):
    assert verdict(estimate, goal, minimum_subjects=20, synthetic=synthetic) is expected


unfit = {
    "a confidence that alpha does not ask for": {"confidence": 0.9},
    "a tested endpoint that does not exist": {"tested": ["se", "sp"], "multiplicity": "holm"},
    "several tested under one primary": {"tested": ["se", "fa"]},
    "one tested under Holm's rule": {"multiplicity": "holm"},
    "another tested first": {"tested": ["fa", "se"], "multiplicity": "fixed_sequence"},
    "a tested endpoint without goal or comparator": {"tested": ["se", "fa"], "multiplicity": "holm"},
    "a goal without a planned size": {"sample_size": {}},
    "a planned size without a goal": {
        "sample_size": dict.fromkeys(("hospital", "elsewhere"), PLAN["sample_size"]["hospital"])
    },
    "empties that the scorer does not follow": {"options": {"both_empty": "perfect"}},
    "an axis twice": {
        "subgroups": ["noise"],
        "factors": [{"axis": "noise", "title": TEXT, "column": "noise", "cuts": "tertiles"}],
    },
    "cuts that fall": {"factors": [{"axis": "n", "title": TEXT, "column": "n", "cuts": [2, 1]}]},
    "a non-inferiority claim without a margin": {
        "comparator": {
            "title": TEXT,
            "endpoint": "se",
            "claim": "non_inferiority",
            "margin": 0,
            "reason": TEXT,
        }
    },
    "strengths that fall": {
        "stress": {
            "samples": 3,
            "seed": 1,
            "repeat": True,
            "conditions": [
                {"id": "n", "title": TEXT, "perturbation": "noise", "strengths": [2, 1], "hold_to": 1}
            ],
        }
    },
}


@pytest.mark.parametrize("field", sorted(PLAN))
def test_a_protocol_that_leaves_anything_out_is_refused(field):
    with pytest.raises(ValidationError, match=field):
        Protocol.model_validate({name: value for name, value in PLAN.items() if name != field})


@pytest.mark.parametrize("changes", unfit.values(), ids=unfit)
def test_what_does_not_fit_together_is_refused(changes):
    with pytest.raises(ValidationError):
        Protocol.model_validate(PLAN | changes)
