"""Events of a recording (seizures): SzCORE tables or EDF+ annotations in, counts by event and by second out.

The primary counts follow SzCORE's event rules. `second` lets SzCORE's own tool, timescoring, count again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from medassay.core.canonical import canonical_json
from medassay.core.errors import WrongUse, located
from medassay.core.specs import Spec
from medassay.evaluation.scorer import Metric, SampleScore
from medassay.formats.predictions.events import read_event_file
from medassay.formats.waveform import edf
from medassay.tasks.events import (
    ANY_OVERLAP,
    TICKS_A_SECOND,
    EventCounts,
    EventRules,
    SampleCounts,
    all_wrong,
    detection_latencies,
    match_any_overlap,
    match_events,
    match_samples,
)
from medassay.tasks.events_check import recount_events, recount_latencies, recount_samples

VERSION = "1.2"
SUFFIX = ".tsv"
HEADLINE = (
    "events_reference",
    "events_detected",
    "events_false",
    "overlap_reference",
    "overlap_detected",
    "overlap_false",
    "seconds_reference",
    "seconds_common",
    "seconds_false",
    "latency_sum_s",
    "latency_events",
)
SECOND_TOLERANCE = 1e-9  # a sum of latencies is a sum of tenths of a second
DAY_S = 86_400
NO_REFERENCE, NO_ALARM = "no reference event", "no detected event"
NEITHER = "neither a reference event nor a detected one"
PAGE_S, PAGE_HZ = 30.0, 50

FloatArray = NDArray[np.float64]


class Options(Spec):
    """SzCORE's conventions; the defaults are its own."""

    tolerance_start_s: float = Field(default=30.0, ge=0)
    tolerance_end_s: float = Field(default=60.0, ge=0)
    min_overlap: float = Field(default=0.0, ge=0, lt=1)
    max_event_s: float = Field(default=300.0, gt=0)
    min_gap_s: float = Field(default=90.0, ge=0)

    def rules(self) -> EventRules:
        return EventRules(**self.model_dump())


def score(
    reference: bytes, prediction: bytes | None, samples: Mapping[str, bytes], options: Options
) -> SampleScore:
    """Count one recording; without a prediction every event is missed and all other time is false alarm.

    Raises
    ------
    WrongUse
        When a table cannot be read, or holds an event outside the recording.
    """
    expected, offered, duration_s = _read(reference, prediction, samples)
    by_event, by_overlap, by_second = _counts(expected, offered, duration_s, options.rules())
    delays = detection_latencies(
        expected, expected[:0] if offered is None else offered, duration_s=duration_s, rules=options.rules()
    )
    statistics = {
        "events_reference": float(by_event.reference),
        "events_detected": float(by_event.detected),
        "events_false": float(by_event.false_events),
        "overlap_reference": float(by_overlap.reference),
        "overlap_detected": float(by_overlap.detected),
        "overlap_false": float(by_overlap.false_events),
        "seconds_reference": float(by_second.reference),
        "seconds_common": float(by_second.common),
        "seconds_false": float(by_second.false_samples),
        "latency_sum_s": delays.sum_s,
        "latency_events": float(len(delays.seconds)),
        "days": duration_s / DAY_S,
    }
    return SampleScore(
        statistics=statistics,
        badness=_badness(by_event, by_second),
        excerpt=_excerpt(expected, offered, duration_s, samples),
    )


def second(
    reference: bytes, prediction: bytes | None, samples: Mapping[str, bytes], options: Options
) -> Mapping[str, float]:
    """The headline statistics by timescoring, and latencies event by event; see `tasks.events_check`."""
    expected, offered, duration_s = _read(reference, prediction, samples)
    by_event = recount_events(expected, offered, duration_s=duration_s, rules=options.rules())
    by_overlap = recount_events(expected, offered, duration_s=duration_s, rules=ANY_OVERLAP)
    by_second = recount_samples(expected, offered, duration_s=duration_s)
    delays = recount_latencies(
        expected, [] if offered is None else offered, duration_s=duration_s, rules=options.rules()
    )
    return {
        "events_reference": float(by_event.reference),
        "events_detected": float(by_event.detected),
        "events_false": float(by_event.false_events),
        "overlap_reference": float(by_overlap.reference),
        "overlap_detected": float(by_overlap.detected),
        "overlap_false": float(by_overlap.false_events),
        "seconds_reference": float(by_second.reference),
        "seconds_common": float(by_second.common),
        "seconds_false": float(by_second.false_samples),
        "latency_sum_s": sum(delays),
        "latency_events": float(len(delays)),
    }


def decoded(
    prediction: bytes,
    samples: Mapping[str, bytes],
    options: Options,  # noqa: ARG001 - the door is the same for every task
) -> bytes:
    """Beginning and end of each event, in the order of time.

    Raises
    ------
    WrongUse
        See `score`.
    """
    with located("prediction"):
        table = read_event_file(prediction)
        events = _inside(table.intervals(), _duration_s(table.duration_s, samples))
    return canonical_json(sorted(events.tolist()))


def metrics(options: Options) -> Mapping[str, Metric]:  # noqa: ARG001 - the door is the same for every task
    """SzCORE's figures by event and by second, any-overlap figures, and the mean latency of what was detected.

    F1 is 2 TP / (2 TP + FP + FN), a ratio of sums.
    """
    return (
        _event_metrics("events", "")
        | _event_metrics("overlap", "any_overlap_")
        | {
            "sample_sensitivity": Metric(
                {"seconds_common": 1}, {"seconds_reference": 1}, "1", "higher", NO_REFERENCE, part=True
            ),
            "sample_precision": Metric(
                {"seconds_common": 1}, {"seconds_common": 1, "seconds_false": 1}, "1", "higher", NO_ALARM
            ),
            "sample_f1": Metric(
                {"seconds_common": 2},
                {"seconds_common": 1, "seconds_reference": 1, "seconds_false": 1},
                "1",
                "higher",
                NEITHER,
                part=True,
            ),
            "false_seconds_per_day": Metric(
                {"seconds_false": 1}, {"days": 1}, "s/d", "lower", "no recorded time"
            ),
            "mean_latency": Metric(
                {"latency_sum_s": 1}, {"latency_events": 1}, "s", "lower", "no event was detected"
            ),
        }
    )


def _event_metrics(counted: str, prefix: str) -> dict[str, Metric]:
    reference, detected, false = (f"{counted}_{what}" for what in ("reference", "detected", "false"))
    both = {detected: 1.0, reference: 1.0, false: 1.0}
    return {
        f"{prefix}sensitivity": Metric({detected: 1}, {reference: 1}, "1", "higher", NO_REFERENCE, part=True),
        f"{prefix}precision": Metric({detected: 1}, {detected: 1, false: 1}, "1", "higher", NO_ALARM),
        f"{prefix}f1": Metric({detected: 2}, both, "1", "higher", NEITHER, part=True),
        f"{prefix}false_alarms_per_day": Metric({false: 1}, {"days": 1}, "/d", "lower", "no recorded time"),
    }


def _read(
    reference: bytes, prediction: bytes | None, samples: Mapping[str, bytes]
) -> tuple[FloatArray, FloatArray | None, float]:
    """Events of both tables inside the recording, and its length in seconds."""
    with located("reference"):
        table = read_event_file(reference)
    duration_s = _duration_s(table.duration_s, samples)
    with located("reference"):
        expected = _inside(table.intervals(), duration_s)
    if prediction is None:
        return expected, None, duration_s
    with located("prediction"):
        return expected, _inside(read_event_file(prediction).intervals(), duration_s), duration_s


def _duration_s(stated: float | None, samples: Mapping[str, bytes]) -> float:
    """The recording's own length, else the one that its reference states."""
    recordings = [content for content in samples.values() if edf.recognises(content[:256])]
    if recordings:
        return edf.open(recordings[0]).duration_s
    if stated is None or stated <= 0:
        raise WrongUse(
            found="a reference without recordingDuration, and no recording beside it",
            wanted="the length of the recording",
            remedy="State it in the reference's column recordingDuration, or give the recordings.",
        )
    return stated


def _inside(events: FloatArray, duration_s: float) -> FloatArray:
    """An end that lies beyond the recording by less than half a tick is rounding, not an error."""
    slack = 0.5 / TICKS_A_SECOND
    over = (events[:, 1] > duration_s) & (events[:, 1] < duration_s + slack)
    events[over, 1] = duration_s
    match_events(events, events[:0], duration_s=duration_s)  # raises for an event outside
    return events


def _counts(
    expected: FloatArray, offered: FloatArray | None, duration_s: float, rules: EventRules
) -> tuple[EventCounts, EventCounts, SampleCounts]:
    """By the declared rules, by any overlap, and by second."""
    if offered is not None:
        return (
            match_events(expected, offered, duration_s=duration_s, rules=rules),
            match_any_overlap(expected, offered, duration_s=duration_s),
            match_samples(expected, offered, duration_s=duration_s),
        )
    whole = match_samples(expected, np.array([[0.0, duration_s]]), duration_s=duration_s)
    wrong = SampleCounts(whole.samples, whole.reference, 0, whole.false_samples)
    by_event, by_overlap = (
        all_wrong(expected, duration_s=duration_s, rules=way) for way in (rules, ANY_OVERLAP)
    )
    return by_event, by_overlap, wrong


def _badness(by_event: EventCounts, by_second: SampleCounts) -> float:
    """Missed events first, then false ones, then the share of seconds on which both do not agree."""
    missed = by_event.reference - by_event.detected
    apart = by_second.reference - by_second.common + by_second.false_samples
    return 2.0 * missed + by_event.false_events + apart / max(by_second.samples, 1)


def _excerpt(
    expected: FloatArray, offered: FloatArray | None, duration_s: float, samples: Mapping[str, bytes]
) -> dict[str, Any]:
    """Both rows of events over the recording, and one page of signals at the place that says most."""
    drawn = np.zeros((0, 2)) if offered is None else offered
    around = _telling(expected, drawn)
    recordings = [content for content in samples.values() if edf.recognises(content[:256])]
    return {
        "form": "events/1",
        "duration_s": duration_s,
        "reference": expected.round(3).tolist(),
        "detected": None if offered is None else drawn.round(3).tolist(),
        "page": _page(recordings[0], around) if recordings else None,
    }


def _page(content: bytes, around_s: float) -> dict[str, Any]:
    """Up to 30 s of every signal as whole steps of its unit, thinned out to what a picture can show."""
    opened = edf.open(content)
    rate = min(opened.rate_hz(signal) for signal in opened.ordinary)
    start = max(0.0, min(around_s - PAGE_S / 3, opened.duration_s - PAGE_S))
    thin = max(1, round(rate / PAGE_HZ))
    first, last = round(start * rate), round(min(start + PAGE_S, opened.duration_s) * rate)
    rows = []
    for signal, steps in zip(opened.ordinary, edf.digital(opened, range(len(opened.ordinary))), strict=True):
        part = signal.to_physical(steps[first : last - (last - first) % thin])
        rows.append(np.rint(part.reshape(-1, thin).mean(axis=1)).astype(int).tolist())
    return {
        "start_s": round(start, 3),
        "rate_hz": rate / thin,
        "labels": [signal.label for signal in opened.ordinary],
        "unit": "uV",
        "rows": rows,
    }


def _telling(expected: FloatArray, offered: FloatArray) -> float:
    """Where to look: at a missed event, else at a false one, else at the first event, else at the start."""

    def lonely(events: FloatArray, others: FloatArray) -> list[float]:
        return [s for s, e in events if not any(s < b and a < e for a, b in others)]

    places = lonely(expected, offered) or lonely(offered, expected) or [s for s, _ in expected]
    return float(places[0]) if places else 0.0
