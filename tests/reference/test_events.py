"""Event scoring as timescoring 0.0.7, SzCORE's own tool: values that it printed, and the tool itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medassay.tasks.events import EventRules, match_events

# name: duration, reference, hypothesis, rules, (reference events, detected, false events)
TIMESCORING_0_0_7 = {
    "one missed, one false": (3600, [[100, 160], [1500, 1540]], [[110, 150], [2500, 2530]], {}, (2, 1, 1)),
    "reference gap of 89 s": (3600, [[100, 160], [249, 300]], [[120, 130]], {}, (1, 1, 0)),
    "hypothesis gaps merged": (
        3600,
        [[1000, 1100]],
        [[1000, 1020], [1080, 1100], [2000, 2010], [2065, 2075]],
        {},
        (1, 1, 1),
    ),
    "29 s early": (3600, [[1000, 1030]], [[960, 971]], {}, (1, 1, 0)),
    "exactly 60 s late": (3600, [[1000, 1030]], [[1090, 1120]], {}, (1, 0, 1)),
    "700 s split": (7200, [[1000, 1700]], [[1000, 1010]], {}, (3, 1, 0)),
    "nothing found": (3600, [[100, 160]], [], {}, (1, 0, 0)),
    "nothing there": (3600, [], [], {}, (0, 0, 0)),
    "at the start": (600, [[0, 20]], [[0, 5]], {}, (1, 1, 0)),
    "one over two": (7200, [[1000, 1050], [1400, 1450]], [[1040, 1410]], {}, (2, 2, 0)),
    "fractions": (300, [[10.05, 19.95]], [[10.0, 15.5]], {}, (1, 1, 0)),
    "half overlap": (
        3600,
        [[1000, 1100]],
        [[1000, 1060]],
        {"min_overlap": 0.5, "tolerance_start_s": 0, "tolerance_end_s": 0},
        (1, 1, 0),
    ),
    "no merge, no tolerance": (
        3600,
        [[100, 160], [200, 260]],
        [[150, 210], [261, 270]],
        {"min_gap_s": 0, "tolerance_start_s": 0, "tolerance_end_s": 0},
        (2, 2, 1),
    ),
}


@pytest.mark.parametrize("case", TIMESCORING_0_0_7.values(), ids=TIMESCORING_0_0_7)
def test_counts_are_those_that_szcore_printed(case):
    duration_s, reference, hypothesis, rules, expected = case
    counts = match_events(
        np.array(reference, float),
        np.array(hypothesis, float),
        duration_s=duration_s,
        rules=EventRules(**rules),
    )
    assert (counts.reference, counts.detected, counts.false_events) == expected


DURATION_S = 7200
# Whole seconds, apart from one another: timescoring keeps the later end when one event holds another.
apart = st.lists(st.tuples(st.integers(1, 200), st.integers(1, 900)), max_size=12)


def laid_out(steps):
    events, clock = [], 0
    for gap, length in steps:
        start, end = clock + gap, clock + gap + length
        if end > DURATION_S:
            break
        events.append((start, end))
        clock = end
    return events


@given(apart, apart)
def test_counts_are_those_of_szcores_tool_on_any_recording(first, second):
    from timescoring.annotations import Annotation
    from timescoring.scoring import EventScoring

    reference, hypothesis = laid_out(first), laid_out(second)
    theirs = EventScoring(Annotation(reference, 1, DURATION_S), Annotation(hypothesis, 1, DURATION_S))
    ours = match_events(np.array(reference, float), np.array(hypothesis, float), duration_s=DURATION_S)
    assert (ours.reference, ours.detected, ours.false_events) == (theirs.refTrue, theirs.tp, theirs.fp)
