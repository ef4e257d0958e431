"""Two readers' beats: how far they agree, and the reference that two agreeing reads make.

Agreement is counted over the whole recording. Where one figure is undefined (no reader marked the class) it
says nothing against the reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from medassay.core.findings import Finding, Reason, Severity
from medassay.core.specs import Spec, parameters_of
from medassay.formats.waveform import wfdb_record
from medassay.formats.waveform.wfdb_annotation import (
    Annotations,
    plain_annotations,
    read_annotations,
    write_annotations,
)
from medassay.statistics.chance_corrected import kappa
from medassay.tasks.beats import CLASS_MAPS, CLASSES, BeatRules, Labels, match_beats

UNCLASSED = "Q"
BEATS = ("QRS", "V", "S")


class Options(Spec):
    """The conventions that reads are compared by."""

    window_s: float = 0.15
    classes: str = "wfdb"


def agreement(
    first: bytes, second: bytes, samples: Mapping[str, bytes], options: Mapping[str, Any]
) -> dict[str, float]:
    """Cells and counts of the beat matrix, the first reader in its rows, from the first second on."""
    declared, header = _declared(options), _header(samples)
    match = match_beats(
        _labels(read_annotations(first)),
        _labels(read_annotations(second)),
        sampling_hz=header.sampling_hz or 0.0,
        length=header.length,
        rules=BeatRules(window_s=declared.window_s, start_s=0.0, classes=declared.classes),
    )
    return match.counts()


def figures(statistics: Mapping[str, float]) -> dict[str, float | None]:
    """`f1[QRS]`, `f1[V]`, `f1[S]`: 2 both / (first + second); `kappa`: Cohen's, of beats that both marked.

    F1 is the same whichever reader is called first.
    """
    cells = np.array([[statistics[row + column] for column in CLASSES.lower()] for row in CLASSES])
    rows = np.array(
        [
            sum(value for name, value in statistics.items() if name[0] == c and name[1:] in "nsvfqox")
            for c in CLASSES
        ]
    )
    columns = np.array([sum(statistics[row + c] for row in "NSVFQOX") for c in CLASSES.lower()])
    found: dict[str, float | None] = {}
    for name in BEATS:
        if name == "QRS":
            both, total = cells.sum(), rows.sum() + columns.sum()
        else:
            k = CLASSES.index(name)
            both, total = cells[k, k], rows[k] + columns[k]
        found[f"f1[{name}]"] = float(2 * both / total) if total else None
    found["kappa"] = kappa(cells)
    return found


def merge(first: bytes, second: bytes, samples: Mapping[str, bytes], options: Mapping[str, Any]) -> bytes:
    """Every beat that a reader marked: with its class where both agree, unclassified (Q) where they do not.

    A beat of both stands at the first reader's place. Fibrillation and noise marks are the first reader's.
    """
    declared, header = _declared(options), _header(samples)
    one, two = read_annotations(first), read_annotations(second)
    window = round(declared.window_s * (header.sampling_hz or 0.0))
    mapping = CLASS_MAPS[declared.classes]
    partner = _partners(one, two, window, mapping)
    rows: list[tuple[int, str, int]] = []
    for place, symbol in enumerate(one.symbols):
        at = int(one.samples[place])
        if symbol not in mapping:
            rows.append((at, symbol, int(one.subtypes[place])))
            continue
        other = two.symbols[partner[place]] if place in partner else None
        agreed = other is not None and mapping[other] == mapping[symbol]
        rows.append((at, symbol if agreed else UNCLASSED, 0))
    matched = set(partner.values())
    rows += [
        (int(two.samples[place]), UNCLASSED, 0)
        for place, symbol in enumerate(two.symbols)
        if symbol in mapping and place not in matched
    ]
    rows.sort(key=lambda row: row[0])
    merged = plain_annotations([row[0] for row in rows], [row[1] for row in rows])
    subtypes = np.array([row[2] for row in rows], np.int64)
    return write_annotations(
        Annotations(merged.samples, merged.symbols, subtypes, merged.channels, merged.numbers, merged.aux)
    )


def check(reference: bytes, samples: Mapping[str, bytes], options: Mapping[str, Any]) -> list[Finding]:
    """Label checks: every mark inside the recording and in order, beats of a known class, at least one."""
    declared, header = _declared(options), _header(samples)
    labels = read_annotations(reference)
    length = header.length or 0
    outside = int(((labels.samples < 0) | (labels.samples >= length)).sum())
    unordered = int((np.diff(labels.samples) < 0).sum())
    beats = sum(symbol in CLASS_MAPS[declared.classes] for symbol in labels.symbols)
    found = []
    if outside:
        found.append(_invalid(f"{outside} marks outside the recording", f"samples 0 to {length - 1}"))
    if unordered:
        found.append(_invalid(f"{unordered} marks before the one they follow", "marks in order of time"))
    if not beats:
        found.append(_invalid("no beat", "at least one beat"))
    return found


def _invalid(found: str, wanted: str) -> Finding:
    return Finding(
        reason=Reason.REFERENCE_INVALID,
        severity=Severity.EXCLUDE,
        found=found,
        wanted=wanted,
        remedy="Check that labels and recording belong together; annotate the recording again.",
        where="reference",
    )


def _partners(one: Annotations, two: Annotations, window: int, mapping: Mapping[str, str]) -> dict[int, int]:
    """Place in the second read of each beat of the first, closest pairs first."""
    first = [place for place, symbol in enumerate(one.symbols) if symbol in mapping]
    second = [place for place, symbol in enumerate(two.symbols) if symbol in mapping]
    times = two.samples[second]
    near = []
    for i in first:
        at = int(one.samples[i])
        low, high = np.searchsorted(times, [at - window, at + window + 1])
        near += [(abs(at - int(times[j])), i, second[j]) for j in range(int(low), int(high))]
    partner: dict[int, int] = {}
    taken: set[int] = set()
    for _, i, j in sorted(near):
        if i not in partner and j not in taken:
            partner[i] = j
            taken.add(j)
    return partner


def _declared(options: Mapping[str, Any]) -> Options:
    return parameters_of(Options, dict(options), where="options of the annotation spec")


def _header(samples: Mapping[str, bytes]) -> wfdb_record.Header:
    name = next(name for name in sorted(samples) if name.endswith(".hea"))
    return wfdb_record.read_header(samples[name])


def _labels(found: Annotations) -> Labels:
    return Labels(found.samples, found.symbols, found.subtypes)
