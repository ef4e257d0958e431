"""Events in time, such as seizures: event-based matching and sample scoring by the SzCORE rules.

Events are half-open intervals [start, end) in seconds, held as whole ticks of 0.1 s. The event procedure, in
the published order: 1 merge, 2 split, 3 extend the reference, 4 detect, 5 count false events. Sample scoring
asks each second for itself, without tolerance, merging or splitting. Any-overlap scoring is the event
procedure without steps 1 to 3: the events as they were marked.

References
----------
Dan et al., SzCORE: Seizure Community Open-Source Research Evaluation framework, Epilepsia, 2024.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse
from medassay.core.method import method

FloatArray = NDArray[np.float64]
Ticks = NDArray[np.int64]

TICKS_A_SECOND = 10
ENDLESS = 1 << 60  # ticks; longer than any recording


@dataclass(frozen=True, kw_only=True)
class EventRules:
    """The declared conventions, in seconds; the defaults are SzCORE's."""

    tolerance_start_s: float = 30.0
    tolerance_end_s: float = 60.0
    min_overlap: float = 0.0  # share of the extended reference event; must be exceeded
    max_event_s: float = 300.0
    min_gap_s: float = 90.0  # a smaller gap is merged, an equal one is not


ANY_OVERLAP = EventRules(tolerance_start_s=0.0, tolerance_end_s=0.0, max_event_s=math.inf, min_gap_s=0.0)


@dataclass(frozen=True)
class EventCounts:
    """Counts of one recording; additive over recordings."""

    reference: int
    detected: int
    false_events: int
    duration_s: float


@dataclass(frozen=True)
class Latencies:
    """Detection latency of one recording's detected events; sum and number are additive over recordings."""

    seconds: FloatArray  # shape (detected,), in order of the reference events; negative: before the onset
    events: int  # reference events, merged

    @property
    def sum_s(self) -> float:
        return float(self.seconds.sum())


@dataclass(frozen=True)
class SampleCounts:
    """Label samples of one recording; additive over recordings of one label rate."""

    samples: int
    reference: int
    common: int
    false_samples: int


@method(
    id="event-scoring-szcore",
    task="events",
    zh="事件级评分（SzCORE）",
    en="event-based scoring by the SzCORE rules",
    formula="Se = TP / events, precision = TP / (TP + FP), F1 = 2 TP / (2 TP + FP + FN), FP per 24 h",
    source="Dan et al., SzCORE, Epilepsia, 2024",
    check="timescoring 0.0.7",
)
def match_events(
    reference: FloatArray, hypothesis: FloatArray, *, duration_s: float, rules: EventRules | None = None
) -> EventCounts:
    """Count detected reference events and false events of one recording.

    Parameters
    ----------
    reference, hypothesis : shape (n, 2), seconds
        Start and end of each event, within [0, duration_s], in any order.
    duration_s : float
        Length of the recording.

    Returns
    -------
    EventCounts
        `detected` counts reference events, so one hypothesis over two references detects both;
        `false_events` counts hypothesis events that touch no detected, extended reference event. A
        recording without a reference event has no sensitivity: that is for the ratio over subjects to say.

    Raises
    ------
    WrongUse
        When an event is no interval inside the recording.

    Examples
    --------
    >>> match_events(np.array([[100, 160], [1500, 1540]]), np.array([[110, 150]]), duration_s=3600)
    EventCounts(reference=2, detected=1, false_events=0, duration_s=3600)
    """
    rules = rules or EventRules()
    expected, extended = _expected(reference, duration_s, rules)
    merged = _merge(_in_ticks(hypothesis, duration_s), _ticks(rules.min_gap_s))
    offered = _split(merged, _ticks(rules.max_event_s))

    overlap = _overlaps(extended, offered).sum(axis=1)
    hit = overlap / (extended[:, 1] - extended[:, 0]) > rules.min_overlap
    touched = (_overlaps(extended[hit], offered) > 0).any(axis=0)
    return EventCounts(len(expected), int(hit.sum()), int((~touched).sum()), duration_s)


@method(
    id="event-scoring-any-overlap",
    task="events",
    zh="任意重叠事件评分",
    en="any-overlap event scoring",
    formula="as event scoring, on the events as marked: no tolerance, nothing merged or split",
    source="Wilson et al., Clin Neurophysiol 114:2156-2164, 2003; Ziyabari et al., arXiv:1712.10107 (OVLP)",
    check="timescoring 0.0.7 with its tolerances at 0",
)
def match_any_overlap(reference: FloatArray, hypothesis: FloatArray, *, duration_s: float) -> EventCounts:
    """Count as `match_events` does, with events as they were marked.

    Examples
    --------
    >>> match_any_overlap(np.array([[100, 160]]), np.array([[90, 101], [165, 170]]), duration_s=3600)
    EventCounts(reference=1, detected=1, false_events=1, duration_s=3600)
    """
    return match_events(reference, hypothesis, duration_s=duration_s, rules=ANY_OVERLAP)


@method(
    id="detection-latency",
    task="events",
    zh="检测延迟",
    en="detection latency",
    formula="onset of the first hypothesis event that touches the extended reference event - onset of that event",
    source="Wilson et al., Clin Neurophysiol 114:2156-2164, 2003; tolerances of SzCORE (Dan et al., 2024)",
    check="hand-worked values; a second count event by event (events_check)",
)
def detection_latencies(
    reference: FloatArray, hypothesis: FloatArray, *, duration_s: float, rules: EventRules | None = None
) -> Latencies:
    """How long after its onset each detected reference event was reported.

    Parameters
    ----------
    reference, hypothesis : shape (n, 2), seconds
        As for `match_events`. Both are merged; neither is split, since a piece has no onset of its own.

    Returns
    -------
    Latencies
        Of detected events alone: an event that was missed has no latency, and is told by the sensitivity.

    Examples
    --------
    >>> found = detection_latencies(np.array([[100, 160], [900, 960]]), np.array([[112, 150]]), duration_s=3600)
    >>> found.seconds.tolist(), found.events
    ([12.0], 2)
    """
    rules = rules or EventRules()
    merged, offered = (
        _merge(_in_ticks(events, duration_s), _ticks(rules.min_gap_s)) for events in (reference, hypothesis)
    )
    extended = _extended(merged, duration_s, rules)
    common = _overlaps(extended, offered)
    hit = common.sum(axis=1) / (extended[:, 1] - extended[:, 0]) > rules.min_overlap
    first = (common[hit] > 0).argmax(axis=1) if hit.any() else np.zeros(0, np.int64)
    return Latencies((offered[first, 0] - merged[hit, 0]) / TICKS_A_SECOND, len(merged))


def all_wrong(reference: FloatArray, *, duration_s: float, rules: EventRules | None = None) -> EventCounts:
    """The counts of the worst hypothesis that there can be, for a recording without a prediction.

    No reference event is detected, and all time outside the extended reference events is one false event
    after another, each of the longest duration. So a device never gains by saying nothing, not even where
    the recording holds no event.

    Examples
    --------
    >>> all_wrong(np.zeros((0, 2)), duration_s=900)
    EventCounts(reference=0, detected=0, false_events=3, duration_s=900)
    """
    rules = rules or EventRules()
    expected, extended = _expected(reference, duration_s, rules)
    touching = _merge(extended, 0)
    edges = np.concatenate([[0], touching.ravel(), [_ticks(duration_s)]])
    free = edges.reshape(-1, 2)
    pieces = _split(free[free[:, 1] > free[:, 0]], _ticks(rules.max_event_s))
    return EventCounts(len(expected), 0, len(pieces), duration_s)


@method(
    id="sample-scoring",
    task="events",
    zh="逐样本评分",
    en="sample-based scoring",
    formula="Se = TP / reference samples, precision = TP / (TP + FP), on labels of 1 Hz",
    source="Dan et al., SzCORE, Epilepsia, 2024",
    check="timescoring 0.0.7",
)
def match_samples(
    reference: FloatArray, hypothesis: FloatArray, *, duration_s: float, rate_hz: int = 1
) -> SampleCounts:
    """Count label samples of one recording that both, or the hypothesis alone, call an event.

    Parameters
    ----------
    reference, hypothesis : shape (n, 2), seconds
        As for `match_events`; overlapping events count once.
    rate_hz : int
        Label samples a second; event ends are rounded to it, half to even, as SzCORE's tool does.

    Examples
    --------
    >>> match_samples(np.array([[10, 20]]), np.array([[15, 30]]), duration_s=60)
    SampleCounts(samples=60, reference=10, common=5, false_samples=10)
    """
    for events in (reference, hypothesis):
        _in_ticks(events, duration_s)
    expected, offered = (_label(events, duration_s, rate_hz) for events in (reference, hypothesis))
    return SampleCounts(
        samples=len(expected),
        reference=int(expected.sum()),
        common=int((expected & offered).sum()),
        false_samples=int((offered & ~expected).sum()),
    )


def _label(events: FloatArray, duration_s: float, rate_hz: int) -> NDArray[np.bool_]:
    label = np.zeros(round(duration_s * rate_hz), dtype=np.bool_)
    for start, end in np.rint(np.asarray(events, np.float64).reshape(-1, 2) * rate_hz).astype(np.int64):
        label[start:end] = True
    return label


def _expected(reference: FloatArray, duration_s: float, rules: EventRules) -> tuple[Ticks, Ticks]:
    """Reference events after merging and splitting, and the same extended by the tolerances."""
    merged = _merge(_in_ticks(reference, duration_s), _ticks(rules.min_gap_s))
    expected = _split(merged, _ticks(rules.max_event_s))
    return expected, _extended(expected, duration_s, rules)


def merged_and_split(events: FloatArray, *, duration_s: float, rules: EventRules | None = None) -> FloatArray:
    """The events that are counted: start and end in seconds, after merging and splitting, shape (n, 2).

    Examples
    --------
    >>> merged_and_split(np.array([[0, 200], [250, 700]]), duration_s=3600).tolist()
    [[0.0, 300.0], [300.0, 600.0], [600.0, 700.0]]
    """
    rules = rules or EventRules()
    merged = _merge(_in_ticks(events, duration_s), _ticks(rules.min_gap_s))
    return _split(merged, _ticks(rules.max_event_s)) / TICKS_A_SECOND


def _extended(expected: Ticks, duration_s: float, rules: EventRules) -> Ticks:
    reach = np.array([-_ticks(rules.tolerance_start_s), _ticks(rules.tolerance_end_s)])
    extended: Ticks = (expected + reach).clip(0, _ticks(duration_s))
    return extended


def _ticks(seconds: float) -> int:
    return round(seconds * TICKS_A_SECOND) if math.isfinite(seconds) else ENDLESS


def _in_ticks(events: FloatArray, duration_s: float) -> Ticks:
    """Sorted events in ticks; one shorter than a tick that rounds to nothing is refused, never dropped."""
    events = np.asarray(events, dtype=np.float64).reshape(-1, 2)
    inside = (events >= 0).all(axis=1) & (events[:, 1] <= duration_s)  # NaN compares false
    ticks = np.rint(np.where(np.isfinite(events), events, 0.0) * TICKS_A_SECOND).astype(np.int64)
    bad = ~inside | (ticks[:, 0] >= ticks[:, 1])
    if bad.any():
        start, end = events[bad][0]
        raise WrongUse(
            found=f"an event from {start} s to {end} s",
            wanted=f"0 <= start < end <= {duration_s} s, at least {1 / TICKS_A_SECOND} s long",
            remedy="Check the unit (seconds from the start of the recording) and the recording's length.",
        )
    ordered: Ticks = ticks[np.argsort(ticks[:, 0], kind="stable")]
    return ordered


def _merge(events: Ticks, gap: int) -> Ticks:
    """Join events that overlap or lie closer than `gap`."""
    if len(events) == 0:
        return events
    reach = np.maximum.accumulate(events[:, 1])
    first = np.concatenate([[True], events[1:, 0] - reach[:-1] >= max(gap, 0)])
    last = np.concatenate([first[1:], [True]])
    return np.column_stack([events[first, 0], reach[last]])


def _split(events: Ticks, longest: int) -> Ticks:
    """Cut events into pieces of at most `longest`, from the start."""
    pieces = [
        (piece, min(piece + longest, end)) for start, end in events for piece in range(start, end, longest)
    ]
    return np.array(pieces, dtype=np.int64).reshape(-1, 2)


def _overlaps(first: Ticks, second: Ticks) -> Ticks:
    """Common ticks of each pair, shape (len(first), len(second))."""
    start = np.maximum(first[:, None, 0], second[None, :, 0])
    end = np.minimum(first[:, None, 1], second[None, :, 1])
    common: Ticks = np.maximum(end - start, 0)
    return common
