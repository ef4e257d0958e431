"""Every event case that SzCORE's tool scored beside this repository."""

import json
from pathlib import Path

import numpy as np
import pytest

from medassay.tasks.events import EventRules, match_events, match_samples

FILE = Path(__file__).parents[3] / "shared" / "reference" / "events" / "cases.json"
CASES = json.loads(FILE.read_text()) if FILE.is_file() else []
OURS = {
    "toleranceStart": "tolerance_start_s",
    "toleranceEnd": "tolerance_end_s",
    "minOverlap": "min_overlap",
    "maxEventDuration": "max_event_s",
    "minDurationBetweenEvents": "min_gap_s",
}

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not CASES, reason="the reference events are not beside this repository"),
]


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_counts_are_those_of_the_outside_tool(case):
    given, expected = case["input"], case["expected"]["event"]
    declared = given["parameters"] if isinstance(given["parameters"], dict) else {}
    counts = match_events(
        np.array(given["ref"], float),
        np.array(given["hyp"], float),
        duration_s=given["duration_s"],
        rules=EventRules(**{OURS[name]: value for name, value in declared.items()}),
    )
    assert (counts.reference, counts.detected, counts.false_events) == (
        expected["refTrue"],
        expected["tp"],
        expected["fp"],
    )


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_seconds_are_those_of_the_outside_tool(case):
    given, expected = case["input"], case["expected"]["sample_1Hz"]
    counts = match_samples(
        np.array(given["ref"], float), np.array(given["hyp"], float), duration_s=given["duration_s"]
    )
    assert (counts.reference, counts.common, counts.false_samples) == (
        expected["refTrue"],
        expected["tp"],
        expected["fp"],
    )
