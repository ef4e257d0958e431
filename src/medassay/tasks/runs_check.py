"""Double entry of the run counts by another algorithm: runs as matches of regular expressions.

`runs` reads both annotators annotation by annotation with a state. Here an annotator is one string, a run or
an episode is what a pattern matches in it, and windows are cut out of it by bisection.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import accumulate, pairwise

from medassay.tasks.beat_labels import CLASS_MAPS, Labels
from medassay.tasks.beats import BeatRules

_RUN = {"V": re.compile(r"[VF\[][^NSQU]*"), "S": re.compile(r"[S{][^NVFQU]*")}
_REST_OF_RUN = {"V": re.compile(r"[^NSQU]*"), "S": re.compile(r"[^NVFQU]*")}
_LAST = {"V": re.compile(r".*[VF\]]", re.DOTALL), "S": re.compile(r".*[S}]", re.DOTALL)}
_EPISODE = {"V": re.compile(r"\[[^]{U]*"), "S": re.compile(r"\{[^}\[U]*")}
_BEATS = {"V": re.compile(r"[VF]"), "S": re.compile(r"S")}
_BREAKS = {"V": re.compile(r"[NSQU{]"), "S": re.compile(r"[NVFQU\[]")}
_OPENS = {"V": "[", "S": "{"}


def recount_runs(
    reference: Labels,
    test: Labels,
    kind: str,
    *,
    sampling_hz: float,
    length: int | None,
    rules: BeatRules | None = None,
    long_run_beats: int = 6,
) -> dict[str, float]:
    """The counts of `runs.RunMatch.counts`, by the same names.

    Parameters
    ----------
    reference, test : Labels
    kind : {"V", "S"}
    sampling_hz : float
    length : int or None
        Samples of the recording, after which nothing is compared.
    long_run_beats : int
        From how many beats on a run is long.
    """
    rules = rules or BeatRules()
    window, start = round(rules.window_s * sampling_hz), round(rules.start_s * sampling_hz)
    ours, theirs = (_written(labels, rules.classes, length) for labels in (reference, test))
    found = [*_lengths(ours, theirs, kind, start, window)]
    reported = [*_lengths(theirs, ours, kind, start, window)]
    counts: dict[str, float] = {}
    bounds = {"couplet": (2, 3), "short_run": (3, long_run_beats), "long_run": (long_run_beats, 7)}
    for name, (low, high) in bounds.items():
        for suffix, pairs in (("s", found), ("p", reported)):
            others = [other for own, other in pairs if low <= own < high]
            right = sum(other >= low for other in others)
            counts[f"{name}_TP{suffix}"] = float(right)
            counts[f"{name}_{'FN' if suffix == 's' else 'FP'}"] = float(len(others) - right)
    return counts


def _written(labels: Labels, classes: str, length: int | None) -> tuple[list[int], str]:
    """Times, and a string of one character an annotation: class, `[ ] { }` of episodes, U, or a dot."""
    mapping = CLASS_MAPS[classes]
    texts = labels.texts or (b"",) * len(labels.samples)
    shut = [
        symbol == "~" and int(kind) & 0x30 == 0x30
        for symbol, kind in zip(labels.symbols, labels.subtypes, strict=True)
    ]
    silent = accumulate(
        zip(labels.symbols, shut, strict=True),
        lambda was, now: now[1] if now[0] == "~" else was,
        initial=False,
    )
    rhythm = [*accumulate(zip(labels.symbols, texts, strict=True), _next_rhythm, initial="")]
    written = []
    for symbol, now_shut, was_silent, (before, after) in zip(
        labels.symbols, shut, silent, pairwise(rhythm), strict=False
    ):
        if before != after:
            written.append({"VF": "[", "AF": "{"}.get(after) or {"VF": "]", "AF": "}"}[before])
        elif now_shut and not was_silent:
            written.append("U")
        else:
            name = mapping.get(symbol, ".")
            written.append("S" if name == "N" and after == "AF" else name)
    times = [int(time) for time in labels.samples]
    end = len(times) if length is None else bisect_right(times, length)
    return times[:end], "".join(written[:end])


def _next_rhythm(rhythm: str, mark: tuple[str, bytes]) -> str:
    """`VF`, `AF` or nothing after an annotation."""
    symbol, text = mark
    if symbol == "[" or (symbol == "+" and text[:3] == b"(VF"):
        return "VF"
    if symbol == "]":
        return "" if rhythm == "VF" else rhythm
    if symbol == "+" and text:
        return "AF" if text[:3] == b"(AF" else ""
    return rhythm


def _lengths(
    own: tuple[list[int], str], other: tuple[list[int], str], kind: str, start: int, window: int
) -> Iterator[tuple[int, int]]:
    """Each run of `own` as (its length, the longest of `other` in its window), lengths up to 6."""
    search = _Search(*other, kind)
    for size, first, last in _windows(*own, kind, start, window):
        yield size, search.longest(first, last)


def _windows(
    times: list[int], written: str, kind: str, start: int, window: int
) -> Iterator[tuple[int, int, int]]:
    begin = bisect_left(times, start)
    last = 0
    marks = re.sub(rf"[^\]}}{re.escape(_OPENS[kind])}]", "", written[:begin])
    if marks.endswith(_OPENS[kind]):
        rest = _REST_OF_RUN[kind].match(written, begin)
        stretch = rest.group() if rest else ""
        last = start + window
        if tail := _LAST[kind].match(stretch):
            last = times[begin + tail.end() - 1] + window
        yield 6, start - window, last
        begin += len(stretch)
    for run in _RUN[kind].finditer(written, begin):
        if tail := _LAST[kind].match(run.group()):
            last = times[run.start() + tail.end() - 1] + window
        episode = run.group()[0] == _OPENS[kind]
        size = 6 if episode else min(6, len(_BEATS[kind].findall(run.group())))
        yield size, times[run.start()] - window, last


class _Search:
    """The longest run of one annotator in windows that come in order of time."""

    def __init__(self, times: list[int], written: str, kind: str) -> None:
        self.times, self.written, self.kind = times, written, kind
        self.read = 0  # annotations that no later window sees again
        self.until = 0.0  # the end of the episode that was met last

    def longest(self, first: int, last: int) -> int:
        if self.until > first:
            return 6
        begin = bisect_left(self.times, first)
        while 0 <= (mark := self.written.find(_OPENS[self.kind], self.read)) < begin:
            self._pass_episode(mark)
            if self.until > first:
                return 6
        self.read = max(self.read, begin)
        end = max(self.read, bisect_right(self.times, last))
        part = self.written[self.read : end]
        if _OPENS[self.kind] in part:
            self._pass_episode(self.read + part.index(_OPENS[self.kind]))
            return 6
        self.read = end
        return min(6, max(len(_BEATS[self.kind].findall(piece)) for piece in _BREAKS[self.kind].split(part)))

    def _pass_episode(self, mark: int) -> None:
        episode = _EPISODE[self.kind].match(self.written, mark)
        end = episode.end() if episode else mark
        self.until = self.times[end] if end < len(self.times) else float("inf")
        self.read = end + 1
