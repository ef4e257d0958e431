"""Two readers' events of one recording: how far they agree, what they agree on, and what a label must keep.

Agreement looks both ways, so that it does not matter who is called the first reader: a reader's event is met
when SzCORE's rules call it detected by the other reader's events.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity
from medassay.core.specs import Spec, parameters_of
from medassay.formats.waveform import edf
from medassay.formats.waveform.szcore import Event, EventTable, read_events, write_events
from medassay.statistics.chance_corrected import kappa
from medassay.tasks.events import EventRules, match_events, match_samples

FloatArray = NDArray[np.float64]

DAY_S = 86_400


class Options(Spec):
    """Conventions of comparing and of labelling; seconds."""

    tolerance_start_s: float = Field(default=0.0, ge=0)
    tolerance_end_s: float = Field(default=0.0, ge=0)
    min_overlap: float = Field(default=0.0, ge=0, lt=1)
    min_gap_s: float = Field(default=0.0, ge=0, description="events closer than this are one to both readers")
    shortest_event_s: float = Field(default=0.0, ge=0, description="a shorter label is stated, not refused")
    longest_event_s: float | None = Field(default=None, gt=0, description="a longer label is refused")

    def rules(self, duration_s: float) -> EventRules:
        """Readers' events are never split: only a detector may be asked piece by piece."""
        return EventRules(
            tolerance_start_s=self.tolerance_start_s,
            tolerance_end_s=self.tolerance_end_s,
            min_overlap=self.min_overlap,
            max_event_s=max(duration_s, 1.0),
            min_gap_s=self.min_gap_s,
        )


def agreement(
    first: bytes, second: bytes, samples: Mapping[str, bytes], options: Options | Mapping[str, Any]
) -> dict[str, float]:
    """Counts of both reads, by event both ways and by second.

    Raises
    ------
    WrongUse
        When a read cannot be read, or holds an event outside the recording.
    """
    one, other, duration_s = _both(first, second, samples)
    rules = _options(options).rules(duration_s)
    there = match_events(one, other, duration_s=duration_s, rules=rules)
    back = match_events(other, one, duration_s=duration_s, rules=rules)
    seconds = match_samples(one, other, duration_s=duration_s)
    return {
        "events_first": float(there.reference),
        "events_first_met": float(there.detected),
        "events_second": float(back.reference),
        "events_second_met": float(back.detected),
        "seconds_first": float(seconds.reference),
        "seconds_second": float(seconds.common + seconds.false_samples),
        "seconds_common": float(seconds.common),
        "seconds": float(seconds.samples),
        "days": duration_s / DAY_S,
    }


def figures(statistics: Mapping[str, float]) -> dict[str, float | None]:
    """Agreement by event and by second, and Cohen's kappa of the seconds; None where undefined.

    `event_agreement` and `second_agreement` are positive agreement: the share of what either reader marked
    that the other marked as well.
    """
    marked = statistics["events_first"] + statistics["events_second"]
    met = statistics["events_first_met"] + statistics["events_second_met"]
    seconds, common = statistics["seconds"], statistics["seconds_common"]
    first, second = statistics["seconds_first"], statistics["seconds_second"]
    cells = [[common, first - common], [second - common, seconds - first - second + common]]
    return {
        "event_agreement": met / marked if marked else None,
        "second_agreement": 2 * common / (first + second) if first + second else None,
        "kappa_seconds": kappa(np.array(cells)),
    }


def merge(
    first: bytes, second: bytes, samples: Mapping[str, bytes], options: Options | Mapping[str, Any]
) -> bytes:
    """The events that both readers marked, each from the mean of both onsets to the mean of both ends.

    Events that overlap, or lie closer than `min_gap_s`, are one event. What one reader alone marked is left
    out: with a limit of 1 for `event_agreement` there is no such event.
    """
    one, other, duration_s = _both(first, second, samples)
    gap = _options(options).min_gap_s
    own, others = _runs(one, gap), _runs(other, gap)
    events = []
    for start, end in _runs(np.concatenate([own, others]), gap):
        sides = [run[(run[:, 0] < end) & (run[:, 1] > start)] for run in (own, others)]
        if all(len(side) for side in sides):
            onset = float(np.mean([side[:, 0].min() for side in sides]))
            finish = float(np.mean([side[:, 1].max() for side in sides]))
            events.append(Event(round(onset, 3), round(finish - onset, 3)))
    return write_events(events, duration_s=duration_s)


def check(
    reference: bytes, samples: Mapping[str, bytes], options: Options | Mapping[str, Any]
) -> list[Finding]:
    """What a label must keep: readable, inside its recording, of its length, no event twice."""
    declared = _options(options)
    try:
        table = read_events(reference)
    except WrongUse as error:
        return [_invalid(error.found, error.wanted)]
    recorded = _recorded_s(samples)
    findings = []
    if recorded is not None and table.duration_s is not None and abs(recorded - table.duration_s) > 0.1:
        found = f"recordingDuration {table.duration_s:g} s of a recording of {recorded:g} s"
        findings.append(_invalid(found, "the label of this very recording"))
    length = recorded if recorded is not None else table.duration_s
    if length is None:
        return [*findings, _invalid("no length of the recording", "recordingDuration")]
    return [*findings, *_misplaced(table, length), *_lengths(table, declared)]


def _misplaced(table: EventTable, length_s: float) -> list[Finding]:
    findings, reach = [], 0.0
    for event in table.events:
        if event.end_s > length_s + 0.05 or event.duration_s <= 0:
            found = f"an event from {event.onset_s:g} s to {event.end_s:g} s"
            findings.append(_invalid(found, f"events inside the recording of {length_s:g} s"))
        if event.onset_s < reach:
            findings.append(_invalid("two events that overlap", "each event once"))
        reach = max(reach, event.end_s)
    return findings


def _lengths(table: EventTable, declared: Options) -> list[Finding]:
    findings = []
    short = sum(0 < event.duration_s < declared.shortest_event_s for event in table.events)
    if short:
        finding = _invalid(f"{short} events shorter than {declared.shortest_event_s:g} s", "longer events")
        findings.append(finding.model_copy(update={"severity": Severity.WARN}))
    longest = declared.longest_event_s
    if longest is not None and any(event.duration_s > longest for event in table.events):
        findings.append(
            _invalid(f"an event longer than {longest:g} s", "no label of the wrong clock or unit")
        )
    return findings


def _both(first: bytes, second: bytes, samples: Mapping[str, bytes]) -> tuple[FloatArray, FloatArray, float]:
    tables = read_events(first), read_events(second)
    lengths = [table.duration_s for table in tables if table.duration_s is not None]
    recorded = _recorded_s(samples)
    known = [recorded] if recorded is not None else lengths
    if not known or max(lengths + known) - min(lengths + known) > 0.1:
        raise WrongUse(
            found="reads of different recordings"
            if known
            else "reads that do not state the recording's length",
            wanted="two reads of one recording, of its length",
            remedy="Have both readers read the file that was ingested.",
        )
    duration_s = known[0]
    one, other = (table.intervals() for table in tables)
    for events in (one, other):
        match_events(events, events[:0], duration_s=duration_s)  # raises for an event outside
    return one, other, duration_s


def _recorded_s(samples: Mapping[str, bytes]) -> float | None:
    for content in samples.values():
        if edf.recognises(content[:256]):
            return edf.open(content).duration_s
    return None


def _runs(events: FloatArray, gap_s: float) -> FloatArray:
    """Events joined where they overlap or lie closer than the gap."""
    runs: list[list[float]] = []
    for start, end in sorted(map(tuple, events)):
        if runs and (start < runs[-1][1] or start - runs[-1][1] < gap_s):
            runs[-1][1] = max(runs[-1][1], end)
        else:
            runs.append([start, end])
    return np.array(runs, dtype=np.float64).reshape(-1, 2)


def _options(options: Options | Mapping[str, Any]) -> Options:
    if isinstance(options, Options):
        return options
    return parameters_of(Options, dict(options), where="options of the annotation spec")


def _invalid(found: str, wanted: str) -> Finding:
    return Finding(
        reason=Reason.REFERENCE_INVALID,
        severity=Severity.EXCLUDE,
        found=found,
        wanted=wanted,
        remedy="Correct the reader's file and ingest it again.",
        source="SzCORE event table",
    )
