"""Glucose episodes: the reference is computed from the trace itself by a declared rule.

Where two programs, or two people, marked episodes nevertheless, their marks are compared episode by episode;
the reference stays the rule's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity
from medassay.core.specs import Spec, parameters_of
from medassay.formats.ivd.trace import Episodes, episodes_of, read_episodes, trace_among, write_episodes
from medassay.tasks.alarms import KINDS, EpisodeRules, Kind
from medassay.tasks.alarms_check import episodes_by_runs


class Options(Spec):
    """What an episode is: see `tasks.alarms.EpisodeRules`."""

    hypo_below_mmol_per_l: float = Field(default=3.9, gt=0)
    hyper_above_mmol_per_l: float = Field(default=10.0, gt=0)
    resolution_mmol_per_l: float = Field(default=0.1, gt=0)
    minimum_min: float = Field(default=15.0, gt=0)
    recovery_min: float = Field(default=15.0, gt=0)
    gap_min: float = Field(default=16.0, gt=0)

    def rules(self) -> EpisodeRules:
        return EpisodeRules(**self.model_dump())


def compute(samples: Mapping[str, bytes], options: Mapping[str, Any]) -> bytes:
    """The episodes of the sample's trace, as a reference.

    Raises
    ------
    WrongUse
        When there is no trace among the files, or an option does not exist.
    """
    return write_episodes(episodes_of(trace_among(samples), _options(options).rules()))


def check(reference: bytes, samples: Mapping[str, bytes], options: Mapping[str, Any]) -> list[Finding]:
    """Hold the reference against its trace by the second algorithm: rules, episodes, stretches, extent."""
    try:
        stated = read_episodes(reference)
    except WrongUse as error:
        return [_invalid(error.found, error.wanted)]
    trace, rules = trace_among(samples), _options(options).rules()
    expected = episodes_of(trace, rules)
    if stated.rules != expected.rules:
        return [_invalid("episodes by other rules", "episodes by the rules of the annotation standard")]
    first, last = float(trace.time_min[0]), float(trace.time_min[-1])
    findings = []
    for kind in KINDS:
        again = episodes_by_runs(trace.time_min.tolist(), trace.glucose.tolist(), kind, rules)
        if any(start < first or end > last for start, end in _intervals(stated, kind)):
            findings.append(_invalid(f"a {kind} episode outside of the trace", "episodes inside of it"))
        elif _intervals(stated, kind) != again:
            findings.append(_invalid(f"{kind} episodes that the trace does not show", "those that it shows"))
    if stated.covered != expected.covered:
        findings.append(_invalid("stretches that are not the trace's", "those without a gap"))
    return findings


def agreement(
    first: bytes,
    second: bytes,
    samples: Mapping[str, bytes],  # noqa: ARG001 - the door is the same for every task
    options: Mapping[str, Any],  # noqa: ARG001 - the door is the same for all
) -> dict[str, float]:
    """Episodes of each read, and how many of each touch one of the other's of their kind."""
    one, two = read_episodes(first), read_episodes(second)
    counts: dict[str, float] = {}
    for kind in KINDS:
        mine, theirs = _intervals(one, kind), _intervals(two, kind)
        counts[f"{kind}_marked"] = float(len(mine) + len(theirs))
        counts[f"{kind}_shared"] = float(_touching(mine, theirs) + _touching(theirs, mine))
    return counts


def figures(statistics: Mapping[str, float]) -> dict[str, float | None]:
    """Share of all marked episodes that the other read marked too, by kind; None where nobody marked any."""
    return {
        f"shared[{kind}]": statistics[f"{kind}_shared"] / marked
        if (marked := statistics[f"{kind}_marked"])
        else None
        for kind in KINDS
    }


def merge(
    first: bytes,  # noqa: ARG001 - the rule decides, not the reads
    second: bytes,  # noqa: ARG001 - the door is the same for all
    samples: Mapping[str, bytes],
    options: Mapping[str, Any],
) -> bytes:
    """The rule's episodes: reads that agree confirm it, they do not replace it."""
    return compute(samples, options)


def _options(fields: Mapping[str, Any]) -> Options:
    return parameters_of(Options, dict(fields), where="annotation: options")


def _intervals(reference: Episodes, kind: Kind) -> list[tuple[float, float]]:
    return list(reference.hypo if kind == "hypo" else reference.hyper)


def _touching(mine: list[tuple[float, float]], theirs: list[tuple[float, float]]) -> int:
    return sum(any(a < d and c < b for c, d in theirs) for a, b in mine)


def _invalid(found: str, wanted: str) -> Finding:
    return Finding(
        reason=Reason.REFERENCE_INVALID,
        severity=Severity.EXCLUDE,
        found=found,
        wanted=wanted,
        remedy="Compute the reference again from the trace.",
    )
