"""The computed reference of a glucose trace."""

import json

import numpy as np
import pytest

from medassay.annotation.consensus import alarms
from medassay.core.errors import WrongUse
from medassay.core.findings import Reason
from medassay.formats.ivd.trace import Trace, read_episodes, write_trace

TIMES = np.arange(0, 900, 15.0)
GLUCOSE = np.full(len(TIMES), 6.0)
GLUCOSE[20:24] = 3.2
GLUCOSE[40:43] = 12.0
SAMPLES = {"R-1.csv": write_trace(Trace(TIMES, GLUCOSE, np.zeros(len(TIMES), bool)))}


def test_episodes_are_computed_from_the_trace():
    reference = read_episodes(alarms.compute(SAMPLES, {}))
    assert reference.hypo == ((300, 360),)
    assert reference.hyper == ((600, 645),)
    assert alarms.check(alarms.compute(SAMPLES, {}), SAMPLES, {}) == []


def test_options_move_the_threshold_and_unknown_ones_are_refused():
    assert read_episodes(alarms.compute(SAMPLES, {"hypo_below_mmol_per_l": 3.0})).hypo == ()
    with pytest.raises(WrongUse):
        alarms.compute(SAMPLES, {"hypo": 3.0})


@pytest.mark.parametrize(
    "change",
    [
        {"hypo": []},
        {"hypo": [[300, 345]]},
        {"hypo": [[300, 99_999]]},
        {"covered": [[0, 10]]},
        {"rules": {"hypo_below_mmol_per_l": 3.0}},
    ],
)
def test_a_reference_that_the_trace_does_not_show_is_excluded(change):
    altered = json.loads(alarms.compute(SAMPLES, {})) | change
    findings = alarms.check(json.dumps(altered).encode(), SAMPLES, {})
    assert {finding.reason for finding in findings} == {Reason.REFERENCE_INVALID}


def test_a_sample_without_a_trace_has_no_reference():
    with pytest.raises(WrongUse):
        alarms.compute({"R-1.lab.json": b"{}"}, {})


def test_reads_are_compared_by_episode_and_the_rule_stays_the_reference():
    rule = alarms.compute(SAMPLES, {})
    other = json.dumps(json.loads(rule) | {"hypo": [[305, 350], [800, 830]]}).encode()
    found = alarms.figures(alarms.agreement(rule, other, SAMPLES, {}))
    assert found == {"shared[hypo]": pytest.approx(2 / 3), "shared[hyper]": 1}
    assert alarms.figures({f"{k}_{n}": 0.0 for k in ("hypo", "hyper") for n in ("marked", "shared")}) == {
        "shared[hypo]": None,
        "shared[hyper]": None,
    }
    assert alarms.merge(rule, other, SAMPLES, {}) == rule
