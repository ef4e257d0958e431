"""Double entry of event scoring: timescoring, SzCORE's own tool, counts again; latencies event by event.

timescoring holds recordings as masks. Ticks of 0.1 s are handed over as its seconds, so that its sums are of
whole numbers; events that overlap are joined first, since it keeps the later end where one event holds
another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from medassay.tasks.events import TICKS_A_SECOND, EventCounts, EventRules, SampleCounts

FloatArray = NDArray[np.float64]
Events = FloatArray | Sequence[Sequence[float]]


def recount_events(
    reference: Events, hypothesis: Events | None, *, duration_s: float, rules: EventRules | None = None
) -> EventCounts:
    """As `events.match_events`; without a hypothesis, as `events.all_wrong`.

    Parameters
    ----------
    reference, hypothesis : shape (n, 2), seconds
    duration_s : float
    """
    from timescoring.annotations import Annotation
    from timescoring.scoring import EventScoring

    rules = rules or EventRules()
    length = round(duration_s * TICKS_A_SECOND)
    theirs = EventScoring.Parameters(
        toleranceStart=TICKS_A_SECOND * rules.tolerance_start_s,
        toleranceEnd=TICKS_A_SECOND * rules.tolerance_end_s,
        minOverlap=rules.min_overlap,
        maxEventDuration=TICKS_A_SECOND * rules.max_event_s,
        minDurationBetweenEvents=TICKS_A_SECOND * rules.min_gap_s,
    )
    expected = Annotation(_joined(reference, TICKS_A_SECOND), 1, length)
    offered = Annotation([] if hypothesis is None else _joined(hypothesis, TICKS_A_SECOND), 1, length)
    found = EventScoring(expected, offered, theirs)
    false_events = int(found.fp)
    if hypothesis is None:
        extended = EventScoring._extendEvents(found.ref, theirs.toleranceStart, theirs.toleranceEnd)
        false_events = _pieces_outside(extended.events, length, theirs.maxEventDuration)
    return EventCounts(int(found.refTrue), int(found.tp), false_events, duration_s)


def recount_samples(reference: Events, hypothesis: Events | None, *, duration_s: float) -> SampleCounts:
    """As `events.match_samples` at 1 Hz; without a hypothesis every second is called the wrong way.

    Parameters
    ----------
    reference, hypothesis : shape (n, 2), seconds
    duration_s : float
    """
    from timescoring.annotations import Annotation
    from timescoring.scoring import SampleScoring

    seconds = round(duration_s)
    offered = [(0, seconds)] if hypothesis is None else _joined(hypothesis, 1)
    found = SampleScoring(Annotation(_joined(reference, 1), 1, seconds), Annotation(offered, 1, seconds))
    common = 0 if hypothesis is None else int(found.tp)
    return SampleCounts(int(found.numSamples), int(found.refTrue), common, int(found.fp))


def recount_latencies(
    reference: Events, hypothesis: Events, *, duration_s: float, rules: EventRules | None = None
) -> list[float]:
    """The latencies of `events.detection_latencies`, one event after the other.

    Parameters
    ----------
    reference, hypothesis : shape (n, 2), seconds
    duration_s : float
    """
    rules = rules or EventRules()
    expected, offered = (_close_joined(events, rules.min_gap_s) for events in (reference, hypothesis))
    last = round(duration_s * TICKS_A_SECOND)
    found = []
    for start, end in expected:
        begin = max(0, start - round(rules.tolerance_start_s * TICKS_A_SECOND))
        over = min(last, end + round(rules.tolerance_end_s * TICKS_A_SECOND))
        touching = [(s, min(e, over) - max(s, begin)) for s, e in offered if s < over and e > begin]
        if touching and sum(common for _, common in touching) > rules.min_overlap * (over - begin):
            found.append((touching[0][0] - start) / TICKS_A_SECOND)
    return found


def _joined(events: Events, per_second: int) -> list[tuple[int, int]]:
    """Events in whole units, those that overlap joined."""
    return _close_joined(events, 0.0, per_second)


def _close_joined(
    events: Events, min_gap_s: float, per_second: int = TICKS_A_SECOND
) -> list[tuple[int, int]]:
    """Events in whole units, those that overlap or lie closer than the gap joined."""
    gap = round(min_gap_s * per_second)
    joined: list[tuple[int, int]] = []
    for start, end in sorted((round(s * per_second), round(e * per_second)) for s, e in events):
        if joined and start - joined[-1][1] < gap:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _pieces_outside(events: Sequence[tuple[float, float]], length: int, longest: float) -> int:
    """How many events of the longest duration the time outside of `events` is cut into, by walking it."""
    outside = np.ones(length, dtype=np.bool_)
    for start, end in events:
        outside[round(start) : round(end)] = False
    edges = np.flatnonzero(np.diff(np.concatenate([[0], outside.astype(np.int8), [0]])))
    return sum(
        math.ceil(int(end - start) / longest) or 1 for start, end in zip(edges[::2], edges[1::2], strict=True)
    )
