"""Beats scored as ANSI/AAMI EC57 asks: WFDB annotation files in, the matrix and its counts out.

Reference and prediction are WFDB annotation files; the recording's header tells the clock and the length.
Gross figures pool the beats of all recordings; average figures are means over the recordings that have one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from pydantic import Field

from medassay.core.errors import WrongUse
from medassay.core.specs import Spec
from medassay.evaluation.scorer import Metric, SampleScore
from medassay.formats.waveform import wfdb_record
from medassay.formats.waveform.wfdb_annotation import Annotations, plain_annotations, read_annotations
from medassay.tasks.beats import CLASSES, NOTHING, BeatMatch, BeatRules, Labels, match_beats
from medassay.tasks.beats_check import recount

VERSION = "1.0"
SUFFIX = ".pred"
BEATS = ("QRS", "V", "S")
HEADLINE = tuple(f"{name}_{count}" for name in BEATS for count in ("TP", "FN", "FP"))
SECOND_TOLERANCE = 0.0

STRIP_S = 10.0
STRIP_HZ = 180.0  # a picture needs no more


class Options(Spec):
    """The declared conventions; see `medassay.tasks.beats.BeatRules`."""

    window_s: float = Field(default=0.15, gt=0, description="match window, inclusive")
    start_s: float = Field(default=300.0, ge=0, description="learning period that is not compared")
    classes: Literal["wfdb", "de_chazal"] = Field(
        default="wfdb", description="atrial and nodal escape beats are S (wfdb) or N (de_chazal)"
    )
    sampling_hz: float | None = Field(
        default=None, gt=0, description="clock of annotation files that come without a header"
    )

    @property
    def rules(self) -> BeatRules:
        return BeatRules(window_s=self.window_s, start_s=self.start_s, classes=self.classes)


def score(
    reference: bytes, prediction: bytes | None, samples: Mapping[str, bytes], options: Options
) -> SampleScore:
    """Score one recording.

    Without a prediction every reference beat is missed, and the recording's own sensitivity and positive
    predictivity count as 0 in the averages. A prediction without beats has no positive predictivity.

    Raises
    ------
    WrongUse
        When the prediction cannot be read, runs on another clock, or lies outside the recording.
    """
    header = _header(samples)
    labels = read_annotations(reference)
    made = read_annotations(prediction) if prediction is not None else plain_annotations([], [])
    clock = _clock(header, labels, made, options)
    length = header.length if header else None
    _require_inside(made, length)
    match = match_beats(_labels(labels), _labels(made), sampling_hz=clock, length=length, rules=options.rules)
    counts = match.counts()
    statistics = counts | _averages(counts, missing=prediction is None) | {"shutdown_s": match.shutdown_s}
    return SampleScore(
        statistics=statistics,
        badness=_badness(counts),
        excerpt=_excerpt(header, samples, match, labels, made, options) if header else None,
    )


def second(
    reference: bytes, prediction: bytes | None, samples: Mapping[str, bytes], options: Options
) -> Mapping[str, float]:
    """The headline counts by closest pairs first."""
    header = _header(samples)
    labels = read_annotations(reference)
    made = read_annotations(prediction) if prediction is not None else plain_annotations([], [])
    return recount(
        _labels(labels),
        _labels(made),
        sampling_hz=_clock(header, labels, made, options),
        length=header.length if header else None,
        rules=options.rules,
    )


def metrics(options: Options) -> Mapping[str, Metric]:
    """Gross and average sensitivity and positive predictivity of QRS, V and S."""
    del options
    words = {
        "sensitivity": ("FN", "no reference beat of this class"),
        "positive_predictivity": ("FP", "no beat of this class was reported"),
    }
    found: dict[str, Metric] = {}
    for figure, (miss, undefined) in words.items():
        for name in BEATS:
            right, wrong = f"{name}_TP", f"{name}_{miss}"
            found[f"{figure}[{name}]"] = Metric(
                {right: 1.0}, {right: 1.0, wrong: 1.0}, unit="1", better="higher", undefined=undefined
            )
            of_records = f"{name}_{figure}"
            found[f"average_{figure}[{name}]"] = Metric(
                {f"{of_records}_sum": 1.0},
                {f"{of_records}_records": 1.0},
                unit="1",
                better="higher",
                undefined="no recording has this figure",
            )
    return found


def _averages(counts: Mapping[str, float], *, missing: bool) -> dict[str, float]:
    """Each recording's own figures, and whether it has them."""
    found: dict[str, float] = {}
    for name in BEATS:
        right = counts[f"{name}_TP"]
        for figure, miss in (("sensitivity", "FN"), ("positive_predictivity", "FP")):
            total = right + counts[f"{name}_{miss}"]
            worst = missing and counts[f"{name}_FN"] > 0
            found[f"{name}_{figure}_sum"] = right / total if total else 0.0
            found[f"{name}_{figure}_records"] = 1.0 if total or worst else 0.0
    return found


def _badness(counts: Mapping[str, float]) -> float:
    """Wrong ectopic beats, then wrong QRS complexes, as a share of the reference's beats."""
    wrong = sum(counts[f"{name}_{miss}"] for name in BEATS for miss in ("FN", "FP"))
    return wrong / max(counts["QRS_TP"] + counts["QRS_FN"], 1.0)


def _header(samples: Mapping[str, bytes]) -> wfdb_record.Header | None:
    for name in sorted(samples):
        if name.endswith(".hea"):
            return wfdb_record.read_header(samples[name])
    return None


def _labels(found: Annotations) -> Labels:
    return Labels(found.samples, found.symbols, found.subtypes)


def _clock(
    header: wfdb_record.Header | None, reference: Annotations, test: Annotations, options: Options
) -> float:
    stated = [
        clock
        for clock in (
            header.sampling_hz if header else None,
            reference.clock_hz,
            test.clock_hz,
            options.sampling_hz,
        )
        if clock
    ]
    if not stated:
        raise WrongUse(
            found="annotations without a sampling rate",
            wanted="the recording's header, or a rate",
            remedy="Name the folder of the signals with --samples, or give `sampling_hz` in the options.",
        )
    if len(set(stated)) > 1:
        raise WrongUse(
            found=f"annotations on a clock of {stated[1]} Hz",
            wanted=f"the recording's clock, {stated[0]} Hz",
            remedy="Write the annotations in samples of the recording.",
        )
    return stated[0]


def _require_inside(made: Annotations, length: int | None) -> None:
    if len(made) and (made.samples[0] < 0 or (length is not None and made.samples.max() > length)):
        raise WrongUse(
            found=f"an annotation at sample {int(made.samples.max())}",
            wanted=f"samples 0 to {length}",
            remedy="Check the clock of the prediction.",
        )


def _excerpt(
    header: wfdb_record.Header,
    samples: Mapping[str, bytes],
    match: BeatMatch,
    reference: Annotations,
    test: Annotations,
    options: Options,
) -> dict[str, Any] | None:
    """The strip with most wrong beats, as plain JSON; None when the signal is not at hand."""
    name = next((name for name in sorted(samples) if name.endswith(".dat")), None)
    if name is None or wfdb_record.examine(header, len(samples[name])):
        return None
    hz, length = header.sampling_hz or 0.0, header.length or 0
    begin = _worst_place(match, int(STRIP_S * hz), length)
    end = min(length, begin + int(STRIP_S * hz))
    signal = wfdb_record.physical_mv(header, wfdb_record.decode(header, samples[name]))[begin:end]
    step = max(1, round(hz / STRIP_HZ))
    return {
        "task": "beats",
        "start_s": begin / hz,
        "step_s": step / hz,
        "leads": [
            {
                "name": lead.name or f"ECG{place + 1}",
                "mv": [None if np.isnan(value) else round(float(value), 3) for value in values],
            }
            for place, (lead, values) in enumerate(zip(header.leads, signal[::step].T, strict=True))
        ],
        "reference": _marks(reference, begin, end, hz),
        "test": _marks(test, begin, end, hz),
        "wrong": [
            {"time_s": at / hz, "pair": f"{'NSVFQOX'[row]}{'nsvfqox'[column]}"}
            for row, column, at in match.pairs
            if row != column and begin <= at < end
        ],
        "window_s": options.window_s,
    }


def _marks(found: Annotations, begin: int, end: int, hz: float) -> list[dict[str, Any]]:
    inside = np.flatnonzero((found.samples >= begin) & (found.samples < end))
    return [
        {"time_s": int(found.samples[place]) / hz, "symbol": found.symbols[place]}
        for place in inside
        if found.symbols[place] not in ("~", "+", '"', "|")
    ]


def _worst_place(match: BeatMatch, width: int, length: int) -> int:
    """Start of the strip that holds most wrong pairs; wrong V and S weigh three times a wrong QRS."""
    ectopic = (CLASSES.index("V"), CLASSES.index("S"))
    wrong = [
        (at, 3.0 if row in ectopic or column in ectopic else 1.0)
        for row, column, at in match.pairs
        if row != column
    ]
    if not wrong:
        beats = [at for row, _, at in match.pairs if row < NOTHING]
        return max(0, min(beats[len(beats) // 2] - width // 2 if beats else 0, length - width))
    times, weights = (np.array(column) for column in zip(*wrong, strict=True))
    low = np.searchsorted(times, times - width // 2, side="left")
    high = np.searchsorted(times, times + width // 2, side="right")
    total = np.concatenate([[0.0], np.cumsum(weights)])
    worst = int(times[np.argmax(total[high] - total[low])])
    return max(0, min(worst - width // 2, length - width))
