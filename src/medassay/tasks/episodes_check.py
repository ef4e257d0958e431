"""Double entry of fibrillation episodes by another algorithm: differences of cumulative time.

`episodes` cuts each episode with its neighbours. Here an annotator is a curve, the fibrillating time that has
passed at each sample, made from the changes of a state; what two curves share is read off their differences.
"""

from __future__ import annotations

import numpy as np

from medassay.tasks.beat_labels import Labels
from medassay.tasks.beats import Aggregation
from medassay.tasks.episodes import EpisodeRules


def recount_episodes(
    reference: Labels,
    test: Labels,
    kind: str,
    *,
    sampling_hz: float,
    length: int | None,
    rules: EpisodeRules | None = None,
    aggregation: Aggregation = "exact",
) -> dict[str, float]:
    """The counts of `episodes.EpisodeMatch.counts`, by the same names.

    Parameters
    ----------
    reference, test : Labels
    kind : {"AF", "VF"}
    sampling_hz : float
    length : int or None
        Samples of the recording, after which nothing is compared.
    """
    rules = rules or EpisodeRules()
    start, shortest = round(rules.start_s * sampling_hz), round(rules.shortest_s * sampling_hz)
    turns = [_turns(labels, kind, length) for labels in (reference, test)]
    found: dict[str, float] = {}
    for (own, other), (right, wrong, duration, overlap) in zip(
        (turns, turns[::-1]),
        (
            ("episode_TPs", "episode_FN", "reference_s", "reference_overlap_s"),
            ("episode_TPp", "episode_FP", "test_s", "test_overlap_s"),
        ),
        strict=True,
    ):
        counted = [
            (max(first, start), last if length is None else min(last, length))
            for first, last in zip(own[::2], own[1::2], strict=True)
            if last >= start and (length is None or first < length)
        ]
        counted = [(first, last) for first, last in counted if last - first >= shortest]
        common = [_passed(other, last) - _passed(other, first) for first, last in counted]
        found |= {
            right: float(sum(time > 0 for time in common)),
            wrong: float(sum(time <= 0 for time in common)),
            duration: sum(last - first for first, last in counted) / sampling_hz,
            overlap: sum(common) / sampling_hz,
        }
    return found if aggregation == "exact" else found | _as_printed(found)


def _as_printed(found: dict[str, float]) -> dict[str, float]:
    """Durations read back from whole milliseconds and whole percentages."""
    shown = {name: float(f"{found[name] + 1e-9:.3f}") for name in ("reference_s", "test_s")}
    longer = "reference" if shown["reference_s"] > shown["test_s"] else "test"
    common = 0.0
    if found[f"{longer}_s"] > 0:
        percent = int(100 * found[f"{longer}_overlap_s"] / found[f"{longer}_s"] + 0.5)
        common = int(round(1000 * shown[f"{longer}_s"]) * (percent / 100)) / 1000
    return shown | {"reference_overlap_s": common, "test_overlap_s": common}


def _turns(labels: Labels, kind: str, length: int | None) -> list[int]:
    """Samples at which fibrillation begins and ends, by turns."""
    symbols = np.array(list(labels.symbols), dtype="<U1")
    if kind == "VF":
        told = np.isin(symbols, ["[", "]"])
        state = symbols[told] == "["
    else:
        texts = np.array(list(labels.texts or [b""] * len(symbols)), dtype=object)
        told = (symbols == "+") & (texts != b"")
        state = np.array([text[:5] == b"(AFIB" for text in texts[told]], bool)
    turning = np.diff(state.astype(np.int8), prepend=0) != 0
    turns = [int(sample) for sample in np.asarray(labels.samples)[told][turning]]
    if len(turns) % 2:
        turns.append(max(length or 0, int(labels.samples[-1])))
    return turns


def _passed(turns: list[int], sample: int) -> int:
    """Fibrillating samples up to `sample`."""
    before = [turn for turn in turns if turn < sample]
    signed = sum(turn if place % 2 else -turn for place, turn in enumerate(before))
    return signed + (sample if len(before) % 2 else 0)
