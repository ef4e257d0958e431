"""Alarms before glucose episodes: sensitivity per episode, false alarms a day, lead time, by kind.

The reference holds the episodes and the stretches without a gap, so a prediction can be scored without the
trace; where the trace is at hand, the second count finds the episodes again from it.

Alarms may use nothing that comes after them. `audit_copies` makes truncated copies of a trace, each under an
id like a sample's; `audit` holds the device's alarms on them against those on the whole trace.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from medassay.core.canonical import canonical_json, digest_bytes
from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity
from medassay.core.specs import Spec
from medassay.evaluation.scorer import Metric, SampleScore
from medassay.formats.ivd.trace import (
    CAPILLARY_SUFFIX,
    TRACE_SUFFIX,
    Episodes,
    Trace,
    read_alarms,
    read_episodes,
    trace_among,
    trace_name,
    write_trace,
)
from medassay.tasks.alarms import (
    KINDS,
    AlarmCounts,
    AlarmRules,
    EpisodeRules,
    Kind,
    alarms_that_looked_ahead,
    cut_minutes,
    days,
    fate_of_alarms,
    match_alarms,
    worst_counts,
)
from medassay.tasks.alarms_check import chronicle, episodes_by_runs

VERSION = "1.0"
SUFFIX = ".csv"
HEADLINE = tuple(
    f"{kind}_{name}"
    for kind in KINDS
    for name in ("detected", "missed", "false_alarms", "lead_sum_min", "risk_days")
)
SECOND_TOLERANCE = 1e-6
PICTURE_MIN = 24 * 60.0  # how much of a trace an excerpt shows

FloatArray = NDArray[np.float64]


class Options(Spec):
    """How alarms are held against episodes: see `tasks.alarms.AlarmRules`."""

    horizon_min: float = Field(default=30.0, gt=0)
    tolerance_after_min: float = Field(default=0.0, ge=0)
    refractory_min: float = Field(default=30.0, ge=1, description="closer alarms are heard as one")
    audit_copies: int = Field(default=2, ge=0, description="truncated copies of each test trace")
    audit_seed: int = 1

    def rules(self) -> AlarmRules:
        return AlarmRules(
            horizon_min=self.horizon_min,
            tolerance_after_min=self.tolerance_after_min,
            refractory_min=self.refractory_min,
        )


def score(
    reference: bytes, prediction: bytes | None, samples: Mapping[str, bytes], options: Options
) -> SampleScore:
    """Count one trace; without a prediction nothing is detected and an alarm sounded all the time.

    Raises
    ------
    WrongUse
        When reference or prediction cannot be read, or an alarm lies outside of the trace.
    """
    expected = read_episodes(reference)
    alarms = None if prediction is None else read_alarms(prediction)
    counts = {kind: _counts(expected, alarms, kind, options) for kind in KINDS}
    statistics = {name: value for kind in KINDS for name, value in _statistics(kind, counts[kind]).items()}
    return SampleScore(
        statistics={"records": 1.0, **statistics},
        badness=_badness(counts),
        excerpt=_excerpt(expected, alarms, samples, options),
    )


def second(
    reference: bytes, prediction: bytes | None, samples: Mapping[str, bytes], options: Options
) -> Mapping[str, float]:
    """The headline statistics by a sweep over time, with episodes found again where the trace is at hand."""
    expected = read_episodes(reference)
    alarms = None if prediction is None else read_alarms(prediction)
    found: dict[str, float] = {}
    for kind in KINDS:
        intervals = _episodes_again(expected, kind, samples)
        times = _always(expected) if alarms is None else alarms[kind].tolist()
        told = chronicle(intervals, expected.covered, times, options.rules())
        missing = alarms is None
        found |= {
            f"{kind}_detected": 0.0 if missing else float(told.detected),
            f"{kind}_missed": float(told.episodes - (0 if missing else told.detected)),
            f"{kind}_false_alarms": float(told.false_alarms + (told.true_alarms if missing else 0)),
            f"{kind}_lead_sum_min": 0.0 if missing else float(told.lead_sum_min),
            f"{kind}_risk_days": days(float(told.risk_min)),
        }
    return found


def decoded(
    prediction: bytes,
    samples: Mapping[str, bytes],  # noqa: ARG001 - the door is the same for every task
    options: Options,  # noqa: ARG001 - as above
) -> bytes:
    """Times of the alarms by kind, in the order of time.

    Raises
    ------
    WrongUse
        When the prediction cannot be read.
    """
    return canonical_json({kind: sorted(times.tolist()) for kind, times in read_alarms(prediction).items()})


def metrics(
    options: Options,  # noqa: ARG001 - the door is the same for every task
) -> Mapping[str, Metric]:
    """Each figure once a kind: `sensitivity[hypo]` and so on."""
    return {f"{name}[{kind}]": metric for kind in KINDS for name, metric in _metrics_of(kind).items()}


@dataclass(frozen=True)
class Copy:
    """A trace that ends early, under an id of its own."""

    copy_id: str
    cut_min: float
    files: Mapping[str, bytes] = field(repr=False)


def audit_copies(sample_id: str, samples: Mapping[str, bytes], options: Options) -> tuple[Copy, ...]:
    """Truncated copies of one sample; their ids look like samples', so that a device cannot tell them.

    Values that were not taken from the trace (laboratory results) stay as they are; capillary values are cut
    at the same minute.
    """
    name = trace_name(samples)
    whole = trace_among(samples)
    seed = int(digest_bytes(f"{options.audit_seed}|{sample_id}".encode())[:8], 16)
    cuts = cut_minutes(whole.time_min, copies=options.audit_copies, seed=seed)
    return tuple(_copy(sample_id, name, whole, float(cut), samples) for cut in cuts)


def audit(prediction: bytes, copied: bytes | None, copy: Copy) -> list[Finding]:
    """A finding for each kind whose alarms up to the cut differ between the whole trace and its copy.

    A copy without a prediction is a finding too: what was not compared is not proven.
    """
    if copied is None:
        return [_looked_ahead("no alarms for a shortened copy of a trace")]
    try:
        whole, short = read_alarms(prediction), read_alarms(copied)
    except WrongUse as error:
        return [_looked_ahead(error.found)]
    different = {kind: alarms_that_looked_ahead(whole[kind], short[kind], copy.cut_min) for kind in KINDS}
    return [
        _looked_ahead(f"{len(times)} {kind} alarms that change when what follows them is cut off")
        for kind, times in different.items()
        if len(times)
    ]


def _counts(
    expected: Episodes, alarms: Mapping[Kind, FloatArray] | None, kind: Kind, options: Options
) -> AlarmCounts:
    if alarms is None:
        return worst_counts(expected.of(kind), expected.stretches(), options.rules())
    return match_alarms(expected.of(kind), expected.stretches(), alarms[kind], options.rules())


def _statistics(kind: Kind, counts: AlarmCounts) -> dict[str, float]:
    return {
        f"{kind}_detected": float(counts.detected),
        f"{kind}_missed": float(counts.episodes - counts.detected),
        f"{kind}_not_evaluable": float(counts.not_evaluable),
        f"{kind}_true_alarms": float(counts.true_alarms),
        f"{kind}_false_alarms": float(counts.false_alarms),
        f"{kind}_undecided": float(counts.undecided),
        f"{kind}_ongoing": float(counts.ongoing),
        f"{kind}_merged": float(counts.merged),
        f"{kind}_lead_sum_min": counts.lead_sum_min,
        f"{kind}_risk_days": days(counts.risk_min),
    }


def _metrics_of(kind: Kind) -> dict[str, Metric]:
    word = "hypoglycaemia" if kind == "hypo" else "hyperglycaemia"
    return {
        "sensitivity": Metric(
            numerator={f"{kind}_detected": 1},
            denominator={f"{kind}_detected": 1, f"{kind}_missed": 1},
            unit="1",
            better="higher",
            undefined=f"no {word} whose preceding time was recorded",
        ),
        "false_alarms_per_day": Metric(
            numerator={f"{kind}_false_alarms": 1},
            denominator={f"{kind}_risk_days": 1},
            unit="/d",
            better="lower",
            undefined=f"no time in which a false alarm of {word} can be told",
        ),
        "precision": Metric(
            numerator={f"{kind}_true_alarms": 1},
            denominator={f"{kind}_true_alarms": 1, f"{kind}_false_alarms": 1},
            unit="1",
            better="higher",
            undefined=f"no alarm of {word} that is right or false",
        ),
        "mean_lead_time": Metric(
            numerator={f"{kind}_lead_sum_min": 1},
            denominator={f"{kind}_detected": 1},
            unit="min",
            better="higher",
            undefined=f"no detected {word}",
        ),
    }


def _badness(counts: Mapping[Kind, AlarmCounts]) -> float:
    """Missed hypoglycaemia first, then false alarms of it a day."""
    hypo = counts["hypo"]
    at_risk = days(hypo.risk_min)
    return (hypo.episodes - hypo.detected) * 10 + (hypo.false_alarms / at_risk if at_risk else 0.0)


def _episodes_again(
    expected: Episodes, kind: Kind, samples: Mapping[str, bytes]
) -> list[tuple[float, float]]:
    if not any(name.endswith(TRACE_SUFFIX) for name in samples):
        return [(float(a), float(b)) for a, b in expected.of(kind)]
    trace = trace_among(samples)
    return episodes_by_runs(
        trace.time_min.tolist(), trace.glucose.tolist(), kind, EpisodeRules(**expected.rules)
    )


def _always(expected: Episodes) -> list[float]:
    """An alarm every minute of every stretch: what a missing prediction counts as."""
    return [a + minute for a, b in expected.covered for minute in range(int(np.ceil(b - a)))]


def _copy(sample_id: str, name: str, whole: Trace, cut: float, samples: Mapping[str, bytes]) -> Copy:
    copy_id = f"R-{digest_bytes(f'{sample_id}|{cut}'.encode())[:16]}"
    kept = whole.time_min <= cut
    short = Trace(whole.time_min[kept], whole.glucose[kept], whole.clipped[kept])
    files = {f"{copy_id}{TRACE_SUFFIX}": write_trace(short)}
    for other, content in samples.items():
        if other != name:
            suffix = other.removeprefix(name.removesuffix(TRACE_SUFFIX))
            files[copy_id + suffix] = _cut_capillary(content, cut) if suffix == CAPILLARY_SUFFIX else content
    return Copy(copy_id, cut, files)


def _cut_capillary(content: bytes, cut: float) -> bytes:
    header, *lines = content.splitlines(keepends=True)
    return b"".join([header, *(line for line in lines if float(line.split(b",", 1)[0]) <= cut)])


def _looked_ahead(found: str) -> Finding:
    return Finding(
        reason=Reason.REFERENCE_INVALID,
        severity=Severity.REFUSE,
        found=found,
        wanted="alarms that depend on nothing after them",
        remedy="Mend the device: it must read a trace in the order of time.",
    )


def _excerpt(
    expected: Episodes,
    alarms: Mapping[Kind, FloatArray] | None,
    samples: Mapping[str, bytes],
    options: Options,
) -> Mapping[str, Any] | None:
    """A day round the worst moment; None where the trace is not at hand."""
    if not any(name.endswith(TRACE_SUFFIX) for name in samples):
        return None
    trace = trace_among(samples)
    told = {} if alarms is None else {kind: _fates(expected, alarms, kind, options) for kind in KINDS}
    first = max(
        0.0,
        min(
            _worst_moment(expected, told, options) - PICTURE_MIN / 2, float(trace.time_min[-1]) - PICTURE_MIN
        ),
    )
    last = first + PICTURE_MIN
    shown = (trace.time_min >= first) & (trace.time_min <= last)
    return {
        "from_min": first,
        "to_min": last,
        "gap_min": expected.rules["gap_min"],
        "hypo_below_mmol_per_l": expected.rules["hypo_below_mmol_per_l"],
        "hyper_above_mmol_per_l": expected.rules["hyper_above_mmol_per_l"],
        "time_min": trace.time_min[shown].tolist(),
        "glucose_mmol_per_l": trace.glucose[shown].tolist(),
        "episodes": [
            {"kind": kind, "start_min": float(a), "end_min": float(b)}
            for kind in KINDS
            for a, b in expected.of(kind)
            if b >= first and a <= last
        ],
        "alarms": [
            {"kind": kind, "time_min": time, "fate": fate}
            for kind, fates in told.items()
            for time, fate in fates
            if first <= time <= last
        ],
        "missing": alarms is None,
    }


def _fates(
    expected: Episodes, alarms: Mapping[Kind, FloatArray], kind: Kind, options: Options
) -> list[tuple[float, str]]:
    found = fate_of_alarms(expected.of(kind), expected.stretches(), alarms[kind], options.rules())
    return [(time, str(fate)) for time, fate in found]


def _worst_moment(
    expected: Episodes, told: Mapping[Kind, list[tuple[float, str]]], options: Options
) -> float:
    """The first missed hypoglycaemia, else the first false alarm of it, else the first episode, else the start."""
    right = [time for time, fate in told.get("hypo", []) if fate == "true"]
    starts = [
        float(start)
        for start, _ in expected.of("hypo")
        if any(a <= start - options.horizon_min and start <= b for a, b in expected.covered)
    ]
    missed = [s for s in starts if not any(s - options.horizon_min <= t < s for t in right)]
    false = [time for time, fate in told.get("hypo", []) if fate == "false"]
    return next(iter([*missed, *false, *starts, 0.0]))
