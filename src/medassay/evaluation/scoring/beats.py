"""Beats, runs and fibrillation episodes scored as ANSI/AAMI EC57 asks: WFDB annotation files in, counts out.

Reference and prediction are WFDB annotation files; the recording's header tells the clock and the length.
Gross figures pool the counts of all recordings; average figures are means over the recordings that have one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

import numpy as np
from pydantic import Field

from medassay.core.canonical import canonical_json
from medassay.core.errors import WrongUse
from medassay.core.specs import Spec
from medassay.evaluation import beat_figures
from medassay.evaluation.beat_figures import BEATS, Comparison
from medassay.evaluation.scorer import Metric, SampleScore
from medassay.formats.waveform import wfdb_record
from medassay.formats.waveform.wfdb_annotation import Annotations, plain_annotations, read_annotations
from medassay.tasks import episodes, runs
from medassay.tasks.beats import CLASSES, NOTHING, BeatMatch, BeatRules, Labels, match_beats
from medassay.tasks.beats_check import recount
from medassay.tasks.episodes import EpisodeRules, match_episodes
from medassay.tasks.episodes_check import recount_episodes
from medassay.tasks.runs import match_runs
from medassay.tasks.runs_check import recount_runs

VERSION = "1.1"
SUFFIX = ".pred"
HEADLINE = (
    *(f"{name}_{count}" for name in BEATS for count in ("TP", "FN", "FP")),
    *(
        f"{kind}_{length}_{count}"
        for kind in runs.KINDS
        for length in runs.CLASSES_OF_LENGTH
        for count in ("TPs", "FN", "TPp", "FP")
    ),
    *(
        f"{rhythm}_{name}"
        for rhythm in episodes.KINDS
        for name in (
            *(f"episode_{count}" for count in ("TPs", "FN", "TPp", "FP")),
            *("reference_s", "reference_overlap_s", "test_s", "test_overlap_s"),
        )
    ),
)
SECOND_TOLERANCE = 0.0

STRIP_S = 10.0
STRIP_HZ = 180.0  # a picture needs no more


class Options(Spec):
    """The declared conventions; see `BeatRules` and `EpisodeRules` of `medassay.tasks`."""

    window_s: float = Field(default=0.15, gt=0, description="match window, inclusive")
    start_s: float = Field(default=300.0, ge=0, description="learning period that is not compared")
    classes: Literal["wfdb", "de_chazal"] = Field(
        default="wfdb", description="atrial and nodal escape beats are S (wfdb) or N (de_chazal)"
    )
    fibrillation: Literal["left_out", "false"] = Field(
        default="left_out", description="what a reported beat in the reference's ventricular fibrillation is"
    )
    in_shutdown: Literal["missed", "left_out"] = Field(
        default="missed", description="what a beat is while the other side had shut down"
    )
    long_run_beats: int = Field(default=6, ge=4, le=6, description="a run of so many beats is long")
    shortest_episode_s: float = Field(default=0.0, ge=0, description="shorter episodes are left out")
    aggregation: Literal["exact", "sumstats"] = Field(
        default="exact", description="pooled from counts, or from printed figures as WFDB's sumstats does"
    )
    sampling_hz: float | None = Field(
        default=None, gt=0, description="clock of annotation files that come without a header"
    )

    @property
    def rules(self) -> BeatRules:
        return BeatRules(
            window_s=self.window_s,
            start_s=self.start_s,
            classes=self.classes,
            fibrillation=self.fibrillation,
        )

    @property
    def episode_rules(self) -> EpisodeRules:
        return EpisodeRules(start_s=self.start_s, shortest_s=self.shortest_episode_s)


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
    given = _given(reference, prediction, samples, options)
    _require_inside(given.made, given.length)
    beats = match_beats(given.ours, given.theirs, rules=options.rules, **given.clock)
    comparison = Comparison(
        beats=beats,
        runs={
            kind: match_runs(given.ours, given.theirs, kind, rules=options.rules, **given.clock)
            for kind in runs.KINDS
        },
        episodes={
            kind: match_episodes(given.ours, given.theirs, kind, rules=options.episode_rules, **given.clock)
            for kind in episodes.KINDS
        },
        missing=prediction is None,
    )
    statistics = beat_figures.statistics(
        comparison,
        aggregation=options.aggregation,
        in_shutdown=options.in_shutdown,
        long_run_beats=options.long_run_beats,
    )
    return SampleScore(
        statistics=statistics,
        badness=_badness(statistics),
        excerpt=_excerpt(given.header, samples, beats, given.labels, given.made, options)
        if given.header
        else None,
    )


def second(
    reference: bytes, prediction: bytes | None, samples: Mapping[str, bytes], options: Options
) -> Mapping[str, float]:
    """The headline counts by closest pairs, by regular expressions, and from cumulative time."""
    given = _given(reference, prediction, samples, options)
    found = recount(
        given.ours,
        given.theirs,
        rules=options.rules,
        aggregation=options.aggregation,
        in_shutdown=options.in_shutdown,
        **given.clock,
    )
    for kind in runs.KINDS:
        again = recount_runs(
            given.ours,
            given.theirs,
            kind,
            rules=options.rules,
            long_run_beats=options.long_run_beats,
            **given.clock,
        )
        found |= {f"{kind}_{name}": value for name, value in again.items()}
    for rhythm in episodes.KINDS:
        again = recount_episodes(
            given.ours,
            given.theirs,
            rhythm,
            rules=options.episode_rules,
            aggregation=options.aggregation,
            **given.clock,
        )
        found |= {f"{rhythm}_{name}": value for name, value in again.items()}
    return found


def decoded(prediction: bytes, samples: Mapping[str, bytes], options: Options) -> bytes:
    """Times, symbols, subtypes and texts of the annotations, in the file's order.

    Raises
    ------
    WrongUse
        See `score`.
    """
    header, made = _header(samples), read_annotations(prediction)
    _clock(header, plain_annotations([], []), made, options)
    _require_inside(made, header.length if header else None)
    rows = zip(made.samples.tolist(), made.symbols, made.subtypes.tolist(), made.aux, strict=True)
    return canonical_json([[time, symbol, subtype, aux.hex()] for time, symbol, subtype, aux in rows])


def metrics(options: Options) -> Mapping[str, Metric]:
    """EC57's figures, gross and average; see `medassay.evaluation.beat_figures`."""
    del options
    return beat_figures.metrics()


def _badness(counts: Mapping[str, float]) -> float:
    """Wrong ectopic beats, then wrong QRS complexes, as a share of the reference's beats."""
    wrong = sum(counts[f"{name}_{miss}"] for name in BEATS for miss in ("FN", "FP"))
    return wrong / max(counts["QRS_TP"] + counts["QRS_FN"], 1.0)


class _Clock(TypedDict):
    sampling_hz: float
    length: int | None


@dataclass(frozen=True)
class _Given:
    """What both counts start from."""

    header: wfdb_record.Header | None
    labels: Annotations
    made: Annotations
    ours: Labels
    theirs: Labels
    clock: _Clock

    @property
    def length(self) -> int | None:
        return self.clock["length"]


def _given(
    reference: bytes, prediction: bytes | None, samples: Mapping[str, bytes], options: Options
) -> _Given:
    header = _header(samples)
    labels = read_annotations(reference)
    made = read_annotations(prediction) if prediction is not None else plain_annotations([], [])
    clock = _Clock(
        sampling_hz=_clock(header, labels, made, options), length=header.length if header else None
    )
    return _Given(header, labels, made, _labels(labels), _labels(made), clock)


def _header(samples: Mapping[str, bytes]) -> wfdb_record.Header | None:
    for name in sorted(samples):
        if name.endswith(".hea"):
            return wfdb_record.read_header(samples[name])
    return None


def _labels(found: Annotations) -> Labels:
    return Labels(found.samples, found.symbols, found.subtypes, found.aux)


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
