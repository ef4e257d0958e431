"""Alarms that predict a glucose episode: episodes of a trace, and alarms held against them.

An episode is a hypoglycaemia or hyperglycaemia that lasts. An alarm at time t says that an episode of its
kind starts within (t, t + horizon]. Times are minutes from the trace's start, held as whole hundredths.

Steps, in order: 1 alarms during an ongoing episode of their kind are set aside (neither right nor wrong);
2 alarms closer than the refractory time to the last one that was heard are merged into it; 3 an episode is
detected by a heard alarm in [start - horizon, start + tolerance); 4 a heard alarm is right when an episode
starts within the horizon, undecided when a gap or the trace's end comes first, else false.

References
----------
Battelino et al., Diabetes Care 42:1593-1603, 2019: an episode is below 3.9 mmol/L (70 mg/dL) for at least
15 min and ends once 15 min are spent above.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse
from medassay.core.method import method

FloatArray = NDArray[np.float64]
Ticks = NDArray[np.int64]
Kind = Literal["hypo", "hyper"]
KINDS: tuple[Kind, ...] = ("hypo", "hyper")
Fate = Literal["true", "false", "ongoing", "merged", "undecided"]

TICKS_A_MINUTE = 100
DAY_MIN = 1440.0


@dataclass(frozen=True, kw_only=True)
class EpisodeRules:
    """What an episode is. Readings are compared at the resolution in which mmol/L is shown.

    So 70 mg/dL (3.886 mmol/L, shown 3.9) is not below 3.9, as it is not below 70.
    """

    hypo_below_mmol_per_l: float = 3.9
    hyper_above_mmol_per_l: float = 10.0
    resolution_mmol_per_l: float = 0.1
    minimum_min: float = 15.0  # from the first reading beyond the threshold to the last
    recovery_min: float = 15.0  # from the first reading within it to the last; a shorter return ends nothing
    gap_min: float = 16.0  # a longer interval between readings is a gap


@dataclass(frozen=True, kw_only=True)
class AlarmRules:
    """How alarms are held against episodes, in minutes."""

    horizon_min: float = 30.0
    tolerance_after_min: float = 0.0
    refractory_min: float = 30.0


@dataclass(frozen=True)
class AlarmCounts:
    """Counts of one trace and one kind; additive over traces."""

    episodes: int  # that could be predicted
    detected: int
    not_evaluable: int  # the horizon before their start was not recorded
    true_alarms: int
    false_alarms: int
    undecided: int
    ongoing: int
    merged: int
    lead_sum_min: float  # over detected episodes: start - first alarm that detects it
    risk_min: float  # time in which a false alarm can be told: no gap within the horizon, no episode


def segments(time_min: FloatArray, *, gap_min: float) -> FloatArray:
    """Stretches without a gap, shape (n, 2): first and last reading of each, in minutes.

    Parameters
    ----------
    time_min : shape (n,), strictly increasing
    gap_min : float
        An interval longer than this is a gap.

    Examples
    --------
    >>> segments(np.array([0.0, 15.0, 60.0, 75.0]), gap_min=16)
    array([[ 0., 15.],
           [60., 75.]])
    """
    if len(time_min) == 0:
        return np.empty((0, 2))
    if not (np.diff(time_min) > 0).all():
        raise WrongUse(
            found="times that do not increase",
            wanted="each reading later than the one before",
            remedy="Ingest the trace again; repeated readings are dropped there.",
        )
    cut = np.flatnonzero(np.diff(time_min) > gap_min)
    return np.column_stack([time_min[np.r_[0, cut + 1]], time_min[np.r_[cut, len(time_min) - 1]]])


def episodes(time_min: FloatArray, glucose: FloatArray, kind: Kind, rules: EpisodeRules) -> FloatArray:
    """Start and end of each episode in minutes, shape (n, 2), in order.

    Parameters
    ----------
    time_min : shape (n,), strictly increasing
    glucose : shape (n,), mmol/L

    Returns
    -------
    array
        An episode starts with its first reading beyond the threshold and ends with the first reading of its
        recovery; one that a gap or the trace's end cuts ends with its last reading.

    Examples
    --------
    >>> t, g = np.arange(0.0, 90.0, 15.0), np.array([5.0, 3.7, 3.5, 4.2, 4.6, 5.0])
    >>> episodes(t, g, "hypo", EpisodeRules())
    array([[15., 45.]])
    """
    beyond = _beyond(glucose, kind, rules)
    found: list[tuple[float, float]] = []
    for first, last in segments(time_min, gap_min=rules.gap_min):
        inside = (time_min >= first) & (time_min <= last)
        found += _episodes_of_segment(time_min[inside], beyond[inside], rules)
    return np.array(found, dtype=np.float64).reshape(-1, 2)


@method(
    id="episode-alarms",
    task="alarms",
    zh="事件预警评价（灵敏度、每日误报数、提前时间）",
    en="alarms before episodes: sensitivity per episode, false alarms per day, lead time",
    formula="Se = detected / (detected + missed), false alarms / days at risk, mean of start - first alarm",
    source="episodes: Battelino et al., Diabetes Care 42:1593-1603, 2019; the horizon and refractory time are declared",
    check="hand-worked values; a second count in one sweep over time (alarms_check)",
)
def match_alarms(
    expected: FloatArray, covered: FloatArray, alarms: FloatArray, rules: AlarmRules | None = None
) -> AlarmCounts:
    """Hold the alarms of one kind against the episodes of that kind in one trace.

    Parameters
    ----------
    expected : shape (n, 2), minutes
        Episodes, in order, apart from each other.
    covered : shape (m, 2), minutes
        Stretches of the trace without a gap.
    alarms : shape (k,), minutes
        In any order; one that is named twice is one.

    Raises
    ------
    WrongUse
        When an alarm lies outside of the trace.

    Examples
    --------
    >>> counts = match_alarms(np.array([[100.0, 130.0]]), np.array([[0.0, 600.0]]), np.array([75.0, 300.0]))
    >>> counts.detected, counts.false_alarms, counts.lead_sum_min
    (1, 1, 25.0)
    """
    rules = rules or AlarmRules()
    starts, ends = _ticks(expected[:, 0]), _ticks(expected[:, 1])
    begin, stop = _ticks(covered[:, 0]), _ticks(covered[:, 1])
    horizon, late = _tick(rules.horizon_min), _tick(rules.tolerance_after_min)
    fates = fate_of_alarms(expected, covered, alarms, rules)
    heard = np.array([_tick(t) for t, fate in fates if fate not in ("ongoing", "merged")], dtype=np.int64)

    evaluable = np.array([_recorded(s - horizon, s, begin, stop) for s in starts], dtype=bool)
    leads = [
        _first_lead(heard, s, horizon, late) for s, counted in zip(starts, evaluable, strict=True) if counted
    ]
    found = [lead for lead in leads if lead is not None]
    tally = [fate for _, fate in fates]
    return AlarmCounts(
        episodes=int(evaluable.sum()),
        detected=len(found),
        not_evaluable=int((~evaluable).sum()),
        true_alarms=tally.count("true"),
        false_alarms=tally.count("false"),
        undecided=tally.count("undecided"),
        ongoing=tally.count("ongoing"),
        merged=tally.count("merged"),
        lead_sum_min=sum(found) / TICKS_A_MINUTE,
        risk_min=_risk(starts, ends, begin, stop, horizon) / TICKS_A_MINUTE,
    )


def fate_of_alarms(
    expected: FloatArray, covered: FloatArray, alarms: FloatArray, rules: AlarmRules
) -> list[tuple[float, Fate]]:
    """Each alarm in order of time, and what became of it."""
    starts, ends = _ticks(expected[:, 0]), _ticks(expected[:, 1])
    begin, stop = _ticks(covered[:, 0]), _ticks(covered[:, 1])
    horizon, late = _tick(rules.horizon_min), _tick(rules.tolerance_after_min)
    refractory = _tick(rules.refractory_min)
    fates: list[tuple[float, Fate]] = []
    last_heard: int | None = None
    for tick in _inside(alarms, begin, stop):
        minute = int(tick) / TICKS_A_MINUTE
        within = (starts <= tick) & (tick < ends)
        soon_after = within & (tick < starts + late)
        if within.any() and not soon_after.any():
            fates.append((minute, "ongoing"))
        elif last_heard is not None and tick - last_heard < refractory:
            fates.append((minute, "merged"))
        else:
            last_heard = int(tick)
            right = bool(soon_after.any()) or _followed(tick, starts, begin, stop, horizon)
            known = _recorded(tick, tick + horizon, begin, stop)
            fates.append((minute, "true" if right else "false" if known else "undecided"))
    return fates


def worst_counts(expected: FloatArray, covered: FloatArray, rules: AlarmRules | None = None) -> AlarmCounts:
    """What a missing prediction counts as: nothing detected, and a false alarm whenever one could sound."""
    minutes = [np.arange(first, last, 1.0) for first, last in covered]
    always = match_alarms(expected, covered, np.concatenate([*minutes, np.empty(0)]), rules)
    return AlarmCounts(
        episodes=always.episodes,
        detected=0,
        not_evaluable=always.not_evaluable,
        true_alarms=0,
        false_alarms=always.true_alarms + always.false_alarms,
        undecided=0,
        ongoing=0,
        merged=0,
        lead_sum_min=0.0,
        risk_min=always.risk_min,
    )


def cut_minutes(time_min: FloatArray, *, copies: int, seed: int) -> FloatArray:
    """Where to cut a trace so that a look ahead shows: one random reading in each equal part of it.

    Returns
    -------
    array
        Times of readings, increasing; a copy holds the readings up to and including that time. Fewer than
        asked where the trace has too few readings.
    """
    generator = np.random.default_rng(seed)
    parts = np.array_split(np.arange(1, len(time_min) - 1), copies)
    return np.array([time_min[generator.choice(part)] for part in parts if len(part)])


def alarms_that_looked_ahead(whole: FloatArray, copy: FloatArray, cut_min: float) -> FloatArray:
    """Times up to the cut at which the alarms of the whole trace and of its copy differ.

    An alarm at t may use nothing after t, so a copy that ends at the cut must give the same alarms up to and
    including it. An alarm of the copy after its own end differs too.

    Examples
    --------
    >>> alarms_that_looked_ahead(np.array([60.0, 120.0]), np.array([60.0]), 90.0)
    array([], dtype=float64)
    >>> alarms_that_looked_ahead(np.array([45.0, 120.0]), np.array([60.0]), 90.0)
    array([45., 60.])
    """
    before, copied = _ticks(whole[whole <= cut_min]), _ticks(copy)
    return np.asarray(np.setxor1d(before, copied) / TICKS_A_MINUTE, dtype=np.float64)


def days(minutes: float) -> float:
    return minutes / DAY_MIN


def _beyond(glucose: FloatArray, kind: Kind, rules: EpisodeRules) -> NDArray[np.bool_]:
    """Which readings lie beyond the threshold, counted in whole steps of the resolution."""
    step = rules.resolution_mmol_per_l
    shown = np.rint(np.round(glucose / step, 6))  # 10.05 / 0.1 is a tie only in decimals
    if kind == "hypo":
        return np.asarray(shown < round(rules.hypo_below_mmol_per_l / step))
    return np.asarray(shown > round(rules.hyper_above_mmol_per_l / step))


def _episodes_of_segment(
    time_min: FloatArray, beyond: NDArray[np.bool_], rules: EpisodeRules
) -> Iterator[tuple[float, float]]:
    """Walk the readings: a run beyond the threshold that lasts opens, a run within it that lasts closes."""
    opened: float | None = None
    run_start, last_beyond = float(time_min[0]), float(time_min[0])
    previous = False
    for now, is_beyond in zip(time_min.tolist(), beyond.tolist(), strict=True):
        if is_beyond != previous:
            run_start, previous = now, is_beyond
        if is_beyond:
            last_beyond = now
            if opened is None and now - run_start >= rules.minimum_min:
                opened = run_start
        elif opened is not None and now - run_start >= rules.recovery_min:
            yield opened, run_start
            opened = None
    if opened is not None:
        yield opened, last_beyond


def _recorded(first: int, last: int, begin: Ticks, stop: Ticks) -> bool:
    """Whether one stretch without a gap holds all of [first, last]."""
    return bool(((begin <= first) & (last <= stop)).any())


def _followed(tick: int, starts: Ticks, begin: Ticks, stop: Ticks, horizon: int) -> bool:
    """Whether an episode starts within the horizon, with no gap between."""
    soon = starts[(starts > tick) & (starts <= tick + horizon)]
    return any(_recorded(tick, int(start), begin, stop) for start in soon)


def _first_lead(heard: Ticks, start: int, horizon: int, late: int) -> int | None:
    hits = heard[(heard >= start - horizon) & (heard < start + late)]
    return int(start - hits[0]) if len(hits) else None


def _risk(starts: Ticks, ends: Ticks, begin: Ticks, stop: Ticks, horizon: int) -> int:
    total = 0
    for first, last in zip(begin, stop - horizon, strict=True):
        if last > first:
            ill = np.minimum(ends, last) - np.maximum(starts, first)
            total += int(last - first - np.maximum(ill, 0).sum())
    return total


def _inside(alarms: FloatArray, begin: Ticks, stop: Ticks) -> Ticks:
    """Alarms in order, each once; one outside of the trace belongs to something else."""
    if not np.isfinite(alarms).all():
        raise WrongUse(
            found="an alarm whose time is no number", wanted="minutes", remedy="Mend the prediction file."
        )
    ticks = np.unique(_ticks(alarms))
    if len(ticks) and (len(begin) == 0 or ticks[0] < begin[0] or ticks[-1] > stop[-1]):
        raise WrongUse(
            found=f"alarms from minute {ticks[0] / TICKS_A_MINUTE:g} to {ticks[-1] / TICKS_A_MINUTE:g}",
            wanted="alarms between the first and the last reading of the trace",
            remedy="Check the unit (minutes from the start of the trace) and the sample.",
        )
    return ticks


def _tick(minute: float) -> int:
    return round(float(minute) * TICKS_A_MINUTE)


def _ticks(minutes: FloatArray) -> Ticks:
    ticks: Ticks = np.rint(np.asarray(minutes, dtype=np.float64) * TICKS_A_MINUTE).astype(np.int64)
    return ticks
