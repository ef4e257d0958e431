import numpy as np
import pytest
from scipy.stats import norm
from statsmodels.stats.multitest import multipletests

from medassay.core.estimate import Estimate
from medassay.evaluation.multiplicity import decide
from medassay.evaluation.protocol import Goal, Protocol, Verdict

TEXT = {"zh": "甲", "en": "a"}
GOAL = {"direction": "at_least", "limit": 0.0}


def protocol(rule, names):
    plan = {
        "measure": "rate",
        "assumed": 1,
        "subjects": 9,
        "per_subject": 1,
        "correlation": 0,
        "aim": 0.8,
        "power": 1,
        "reason": TEXT,
    }
    return Protocol.model_validate(
        {
            "version": "1",
            "task": "events",
            "endpoints": [
                {"id": name, "title": TEXT, "metric": name, "goals": {"h": GOAL}} for name in names
            ],
            "primary": names[0],
            "alpha": 0.025,
            "confidence": 0.95,
            "multiplicity": rule,
            "tested": names,
            "replicates": 1000,
            "sample_size": {"h": plan},
            "interval": "bca",
            "seed": 1,
            "unit_of_analysis": "subject",
            "clusters": "subject",
            "minimum_subjects": 2,
            "missing_prediction": "worst",
            "unusable_prediction": "worst",
            "empties": "not_counted",
            "minimum_cell": 2,
            "options": {},
            "subgroups": [],
            "factors": [],
            "looks_before": {},
            "stress": None,
        }
    )


def decided(rule, z, *, synthetic=False):
    """Endpoints with normal figures of standard error 1, `z` errors above their goal."""
    names = [f"e{n}" for n in range(len(z))]

    def at(name, confidence):
        half = norm.isf((1 - confidence) / 2)
        value = float(z[names.index(name)])
        return Estimate(
            value=value,
            lower=value - half,
            upper=value + half,
            confidence=confidence,
            method="normal",
            n_subjects=50,
        )

    goals = dict.fromkeys(names, Goal(**GOAL))
    found = decide(protocol(rule, names), goals, at, synthetic=synthetic)
    return [found[name].verdict for name in names]


@pytest.mark.parametrize("seed", range(40))
def test_holms_rule_by_intervals_rejects_what_holms_rule_by_p_values_rejects(seed):
    z = np.random.default_rng(seed).normal(1.8, 1, 4)
    expected = multipletests(norm.sf(z), alpha=0.025, method="holm")[0]
    assert [verdict is Verdict.MET for verdict in decided("holm", z)] == expected.tolist()


def test_a_fixed_sequence_stops_at_the_first_that_is_not_met():
    assert decided("fixed_sequence", [3, 1, 3]) == [Verdict.MET, Verdict.NOT_MET, Verdict.NOT_TESTED]
    assert decided("fixed_sequence", [3, 3, 1]) == [Verdict.MET, Verdict.MET, Verdict.NOT_MET]


def test_synthetic_data_meet_nothing_under_any_rule():
    for rule in ("fixed_sequence", "holm"):
        assert set(decided(rule, [9, 9], synthetic=True)) == {Verdict.DEMONSTRATION_ONLY}
