"""The figures of ANSI/AAMI EC57 from one recording's comparisons: additive statistics, and metrics over them.

Each figure is one row of a table: what is right over what there is. From it come the gross metric, which pools
the counts of all recordings, and the average metric, the mean over the recordings that have the figure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from medassay.evaluation.scorer import Metric
from medassay.tasks import episodes, runs
from medassay.tasks.beats import ROWS, Aggregation, BeatMatch, InShutdown

BEATS = ("QRS", "V", "S")
Better = Literal["higher", "lower"]


@dataclass(frozen=True)
class Comparison:
    """All comparisons of one recording. `missing`: there was no prediction, an empty one stands for it."""

    beats: BeatMatch
    runs: Mapping[runs.Kind, runs.RunMatch]
    episodes: Mapping[episodes.Kind, episodes.EpisodeMatch]
    missing: bool


@dataclass(frozen=True)
class Figure:
    """sum(right) / sum(whole) of one class; `due` are counts that a missing prediction turns into the worst."""

    name: str
    of: str
    right: tuple[str, ...]
    whole: tuple[str, ...]
    due: str
    undefined: str
    better: Better = "higher"

    @property
    def key(self) -> str:
        return f"{self.of}_{self.name}"

    def share(self, counts: Mapping[str, float]) -> float | None:
        whole = sum(counts[name] for name in self.whole)
        return sum(counts[name] for name in self.right) / whole if whole else None


def _pair(of: str, prefix: str, right: tuple[str, str], wrong: tuple[str, str], what: str) -> list[Figure]:
    """Sensitivity and positive predictivity of one class from its four counts."""
    figures = ("sensitivity", "positive_predictivity")
    missing = (f"no {what} in the reference", f"no {what} was reported")
    stem = f"{of}_{prefix}" if prefix else f"{of}_"
    return [
        Figure(f"{prefix}{figure}", of, (stem + r,), (stem + r, stem + w), f"{stem}{wrong[0]}", undefined)
        for figure, r, w, undefined in zip(figures, right, wrong, missing, strict=True)
    ]


def _figures() -> tuple[Figure, ...]:
    found = [
        figure
        for name in BEATS
        for figure in _pair(name, "", ("TP", "TP"), ("FN", "FP"), "beat of this class")
    ]
    found.append(
        Figure(
            "false_positive_rate", "V", ("V_FP",), ("V_FP", "V_TN"), "QRS_FN",
            "no beat that could be called ventricular", better="lower",
        )
    )  # fmt: skip
    for kind in runs.KINDS:
        for name in runs.CLASSES_OF_LENGTH:
            found += _pair(kind, f"{name}_", ("TPs", "TPp"), ("FN", "FP"), f"{name.replace('_', ' ')}")
    for rhythm in episodes.KINDS:
        found += _pair(rhythm, "episode_", ("TPs", "TPp"), ("FN", "FP"), "episode")
        found += [
            Figure(
                f"duration_{figure}", rhythm, (f"{rhythm}_{side}_overlap_s",), (f"{rhythm}_{side}_s",),
                f"{rhythm}_reference_s", undefined,
            )
            for figure, side, undefined in (
                ("sensitivity", "reference", "no episode in the reference"),
                ("positive_predictivity", "test", "no episode was reported"),
            )
        ]  # fmt: skip
    found += [
        Figure(
            "missed_in_shutdown", of, tuple(f"{row}x" for row in rows),
            tuple(row + column for row in rows for column in "nsvfqox"), "",
            "no reference beat of this class", better="lower",
        )
        for of, rows in (("QRS", ROWS[:5]), *((row, row) for row in ROWS[:5]))
    ]  # fmt: skip
    return tuple(found)


FIGURES = _figures()


def statistics(
    made: Comparison, *, aggregation: Aggregation, in_shutdown: InShutdown, long_run_beats: int
) -> dict[str, float]:
    """Everything that is summed over recordings: counts, and each recording's own figures with their number.

    Without a prediction a recording's own figure is the worst there is, where the reference has anything to
    be found; so a missing prediction never leaves an average.
    """
    found = counts(made, aggregation=aggregation, in_shutdown=in_shutdown, long_run_beats=long_run_beats)
    for figure in FIGURES:
        share = figure.share(found)
        if figure.name.startswith("duration_"):
            share = _own_duration(made, figure, aggregation)
        if made.missing and share is None and figure.due and found[figure.due] > 0:
            share = 0.0 if figure.better == "higher" else 1.0
        found[f"{figure.key}_sum"] = share or 0.0
        found[f"{figure.key}_records"] = float(share is not None)
    error_ms = made.beats.rr_error_ms
    if error_ms is not None and aggregation == "sumstats":
        error_ms = round(error_ms, 2)
    return found | {
        "rr_squared_ms2": made.beats.rr_squared_ms2,
        "rr_count": float(made.beats.rr_count),
        "rr_error_ms_sum": error_ms or 0.0,
        "rr_error_ms_records": float(error_ms is not None),
        "shutdown_s": made.beats.shutdown_s
        if aggregation == "exact"
        else float(math.floor(made.beats.shutdown_s + 0.5)),
        "recordings": 1.0,
    }


def counts(
    made: Comparison, *, aggregation: Aggregation, in_shutdown: InShutdown, long_run_beats: int
) -> dict[str, float]:
    """The counts and durations of all comparisons, those of runs and episodes under their kind's name."""
    found = made.beats.counts(aggregation, in_shutdown)
    for kind, run_match in made.runs.items():
        found |= {f"{kind}_{name}": value for name, value in run_match.counts(long_run_beats).items()}
    for rhythm, episode_match in made.episodes.items():
        found |= {f"{rhythm}_{name}": value for name, value in episode_match.counts(aggregation).items()}
    return found


def _own_duration(made: Comparison, figure: Figure, aggregation: Aggregation) -> float | None:
    match = next(match for rhythm, match in made.episodes.items() if rhythm == figure.of)
    if figure.name == "duration_sensitivity":
        return match.duration_sensitivity(aggregation)
    return match.duration_positive_predictivity(aggregation)


def metrics() -> dict[str, Metric]:
    """Gross and average of every figure, errors of the RR interval, and shutdown per recording."""
    found: dict[str, Metric] = {}
    for figure in FIGURES:
        found[f"{figure.name}[{figure.of}]"] = Metric(
            dict.fromkeys(figure.right, 1.0), dict.fromkeys(figure.whole, 1.0), "1", figure.better, figure.undefined
        )  # fmt: skip
        found[f"average_{figure.name}[{figure.of}]"] = Metric(
            {f"{figure.key}_sum": 1.0},
            {f"{figure.key}_records": 1.0},
            unit="1",
            better=figure.better,
            undefined="no recording has this figure",
        )
    none = "no RR interval was compared"
    return found | {
        "rr_mean_squared_error": Metric({"rr_squared_ms2": 1.0}, {"rr_count": 1.0}, "ms2", "lower", none),
        "average_rr_error": Metric(
            {"rr_error_ms_sum": 1.0}, {"rr_error_ms_records": 1.0}, "ms", "lower", none
        ),
        "average_shutdown": Metric({"shutdown_s": 1.0}, {"recordings": 1.0}, "s", "lower", "no recording"),
    }
