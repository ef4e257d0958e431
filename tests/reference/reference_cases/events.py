"""SzCORE's own tool, timescoring 0.0.7, on 16 recordings: events, seconds, and what merging and splitting make."""

import json

import numpy as np

from medassay.evaluation.scoring import events as scoring
from medassay.formats.waveform.szcore import Event, write_events
from medassay.tasks.events import EventRules, match_events, match_samples, merged_and_split
from reference_cases import Case

SOURCE = "timescoring 0.0.7"
DAY_S = 86_400
OURS = {
    "toleranceStart": "tolerance_start_s",
    "toleranceEnd": "tolerance_end_s",
    "minOverlap": "min_overlap",
    "maxEventDuration": "max_event_s",
    "minDurationBetweenEvents": "min_gap_s",
}


def cases(folder):
    for case in json.loads((folder / "events" / "cases.json").read_text()):
        given, tolerance = case["input"], case["tol"]
        declared = given["parameters"] if isinstance(given["parameters"], dict) else {}
        rules = {OURS[name]: value for name, value in declared.items()}
        for figure, ours, theirs in _figures(given, case["expected"], rules):
            yield Case("events", case["id"], figure, ours, theirs, tolerance, SOURCE)


def _figures(given, expected, rules):
    reference, hypothesis = (np.array(given[side], float).reshape(-1, 2) for side in ("ref", "hyp"))
    length = given["duration_s"]
    events = match_events(reference, hypothesis, duration_s=length, rules=EventRules(**rules))
    seconds = match_samples(reference, hypothesis, duration_s=length)
    counts = {
        "event": (events.reference, events.detected, events.false_events),
        "sample_1Hz": (seconds.reference, seconds.common, seconds.false_samples),
    }
    for way, ours in counts.items():
        for name, value in zip(("refTrue", "tp", "fp"), ours, strict=True):
            yield f"{way} {name}", value, expected[way][name]
    shares = _scored(given, rules)
    prefixes = {"event": ("", "false_alarms_per_day"), "sample_1Hz": ("sample_", "false_seconds_per_day")}
    for way, (prefix, rate) in prefixes.items():
        for name in ("sensitivity", "precision", "f1"):
            theirs = expected[way][name]
            yield f"{way} {name}", shares[prefix + name], None if theirs == "NaN" else theirs
        yield f"{way} fpRate", shares[rate], expected[way]["fpRate_per_day"]
    for side, ours in (("ref", reference), ("hyp", hypothesis)):
        yield from _pieces(
            side, ours, length, EventRules(**rules), expected[f"event_{side}_after_merge_split"]
        )


def _scored(given, rules):
    """The metrics of the scorer on the same events, by name; None where it has none."""
    reference, hypothesis = (
        write_events(
            [Event(start, end - start) for start, end in given[side]], duration_s=given["duration_s"]
        )
        for side in ("ref", "hyp")
    )
    options = scoring.Options(**rules)
    found = scoring.score(reference, hypothesis, {}, options).statistics
    shares = {}
    for name, metric in scoring.metrics(options).items():
        below = sum(weight * found[key] for key, weight in metric.denominator.items())
        above = sum(weight * found[key] for key, weight in metric.numerator.items())
        shares[name] = above / below if below else None
    return shares


def _pieces(side, events, length, rules, theirs):
    """Ours are whole tenths of a second, to which timescoring rounds when it counts."""
    ours = merged_and_split(events, duration_s=length, rules=rules)
    yield f"{side} pieces", len(ours), len(theirs)
    for place, (mine, other) in enumerate(zip(ours.tolist(), theirs, strict=False)):
        for end, value, expected in zip(("start", "end"), mine, other, strict=True):
            yield f"{side} piece {place} {end}", value, round(expected * 10) / 10
