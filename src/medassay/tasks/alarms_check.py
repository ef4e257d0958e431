"""Alarms and episodes counted a second time, by another road: double entry for `tasks.alarms`.

Episodes are found over runs of equal readings instead of reading by reading; alarms are told in one sweep over
everything that happens, in order of time, with nothing looked up ahead. Standard library only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import groupby

from medassay.tasks.alarms import AlarmRules, EpisodeRules, Kind

Interval = tuple[float, float]

# What happens at one moment happens in this order: a reading at an episode's end is outside of it, one at its
# start inside, and the trace's last reading still counts.
_OPEN, _END, _START, _ALARM, _CLOSE = range(5)


@dataclass
class Chronicle:
    """The headline counts, as the sweep goes."""

    episodes: int = 0
    detected: int = 0
    true_alarms: int = 0
    false_alarms: int = 0
    lead_sum_min: Decimal = Decimal(0)
    risk_min: Decimal = Decimal(0)


@dataclass
class _Waiting:
    """An alarm that was heard and whose horizon is not over."""

    since: Decimal
    right: bool


def episodes_by_runs(
    time_min: Sequence[float], glucose: Sequence[float], kind: Kind, rules: EpisodeRules
) -> list[Interval]:
    """Start and end of each episode, as `tasks.alarms.episodes` defines them."""
    found: list[Interval] = []
    for piece in _pieces(time_min, glucose, rules):
        flagged = [(_is_beyond(value, kind, rules), minute) for minute, value in piece]
        runs = [
            (beyond, [minute for _, minute in run])
            for beyond, run in groupby(flagged, key=lambda item: item[0])
        ]
        lasting = [
            (beyond, minutes)
            for beyond, minutes in runs
            if minutes[-1] - minutes[0] >= (rules.minimum_min if beyond else rules.recovery_min)
        ]
        # Of lasting runs, the first beyond after one within opens; the first within after that closes.
        alternating = [next(group) for _, group in groupby(lasting, key=lambda run: run[0])]
        last_beyond = max((minutes[-1] for beyond, minutes in runs if beyond), default=0.0)
        for index, (beyond, minutes) in enumerate(alternating):
            if beyond:
                closed = alternating[index + 1 :]
                found.append((minutes[0], closed[0][1][0] if closed else last_beyond))
    return found


def chronicle(
    expected: Sequence[Interval], covered: Sequence[Interval], alarms: Sequence[float], rules: AlarmRules
) -> Chronicle:
    """Sweep over one trace and one kind: the counts of `tasks.alarms.match_alarms`."""
    sweep = _Sweep(rules)
    happens = (sweep.open, sweep.end, sweep.start, sweep.alarm, sweep.close)
    moments = [(_exact(t), order) for a, b in covered for t, order in ((a, _OPEN), (b, _CLOSE))]
    moments += [(_exact(t), order) for a, b in expected for t, order in ((a, _START), (b, _END))]
    moments += [(t, _ALARM) for t in {_exact(t) for t in alarms}]
    for now, order in sorted(moments):
        sweep.expire(now)
        happens[order](now)
    return sweep.counts


class _Sweep:
    """What is known at one moment, and what the next event does to it."""

    def __init__(self, rules: AlarmRules) -> None:
        self.counts = Chronicle()
        self.horizon = _exact(rules.horizon_min)
        self.late = _exact(rules.tolerance_after_min)
        self.refractory = _exact(rules.refractory_min)
        self.covered_since: Decimal | None = None
        self.ill_since: Decimal | None = None
        self.awaited = False  # the ongoing episode could be predicted, and no alarm has detected it
        self.last_heard: Decimal | None = None
        self.waiting: list[_Waiting] = []
        self.ill: list[tuple[Decimal, Decimal]] = []

    def open(self, now: Decimal) -> None:
        self.covered_since = now

    def start(self, now: Decimal) -> None:
        self.ill_since = now
        self.awaited = self.covered_since is not None and self.covered_since <= now - self.horizon
        self.counts.episodes += self.awaited
        if self.waiting:
            self._detect(now - self.waiting[0].since)
        for alarm in self.waiting:
            self.counts.true_alarms += not alarm.right
            alarm.right = True

    def end(self, now: Decimal) -> None:
        if self.ill_since is not None:
            self.ill.append((self.ill_since, now))
        self.ill_since = None

    def alarm(self, now: Decimal) -> None:
        since = self.ill_since
        soon_after = since is not None and now < since + self.late
        if since is not None and not soon_after:
            return
        if self.last_heard is not None and now - self.last_heard < self.refractory:
            return
        self.last_heard = now
        if since is not None:
            self._detect(since - now)
        if self.covered_since is not None:  # in a gap nothing can be told
            self.counts.true_alarms += soon_after
            self.waiting.append(_Waiting(now, soon_after))

    def close(self, now: Decimal) -> None:
        """A stretch ends: what still waits is false only if its horizon was recorded."""
        last = now - self.horizon
        self.counts.false_alarms += sum(not alarm.right and alarm.since <= last for alarm in self.waiting)
        self.waiting = []
        first = self.covered_since
        if first is not None and last > first:
            lost = [max(min(b, last) - max(a, first), Decimal(0)) for a, b in self.ill]
            self.counts.risk_min += last - first - sum(lost, Decimal(0))
        self.covered_since, self.ill = None, []

    def expire(self, now: Decimal) -> None:
        """Alarms whose horizon has passed without an episode are false."""
        over = [alarm for alarm in self.waiting if alarm.since + self.horizon < now]
        self.counts.false_alarms += sum(not alarm.right for alarm in over)
        self.waiting = [alarm for alarm in self.waiting if alarm.since + self.horizon >= now]

    def _detect(self, lead: Decimal) -> None:
        if self.awaited:
            self.counts.detected += 1
            self.counts.lead_sum_min += lead
        self.awaited = False


def _pieces(
    time_min: Sequence[float], glucose: Sequence[float], rules: EpisodeRules
) -> list[list[tuple[float, float]]]:
    pieces: list[list[tuple[float, float]]] = []
    previous: float | None = None
    for minute, value in zip(time_min, glucose, strict=True):
        if previous is None or minute - previous > rules.gap_min:
            pieces.append([])
        pieces[-1].append((minute, value))
        previous = minute
    return pieces


def _is_beyond(value: float, kind: Kind, rules: EpisodeRules) -> bool:
    step = Decimal(str(rules.resolution_mmol_per_l))
    shown = (Decimal(repr(float(value))) / step).quantize(Decimal(1), ROUND_HALF_EVEN) * step
    if kind == "hypo":
        return shown < Decimal(str(rules.hypo_below_mmol_per_l))
    return shown > Decimal(str(rules.hyper_above_mmol_per_l))


def _exact(minute: float) -> Decimal:
    return Decimal(repr(float(minute))).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
