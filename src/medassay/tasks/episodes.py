"""Episodes of atrial and ventricular fibrillation compared by episode and by duration, as WFDB's `epicmp` does.

An episode is detected when the other annotator's episodes of its kind share any time with it. Durations are
compared as sums: how much of the reference's time was found, how much of the test's time was right.

References
----------
ANSI/AAMI EC57, VF and AF comparison; WFDB Software Package 10.7, program `epicmp`. Where the recording's
length is unknown `epicmp` compares nothing; here everything is compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from medassay.core.errors import WrongUse
from medassay.core.method import method
from medassay.tasks.beat_labels import IntArray, Labels, codes, in_samples
from medassay.tasks.beats import Aggregation

Kind = Literal["AF", "VF"]
KINDS: tuple[Kind, ...] = ("AF", "VF")
ATRIAL_FIBRILLATION = b"(AFIB"


@dataclass(frozen=True, kw_only=True)
class EpisodeRules:
    """The declared conventions; the defaults are EC57's."""

    start_s: float = 300.0  # the learning period before it is not compared
    shortest_s: float = 0.0  # a shorter episode of the annotator that defines the episodes is left out


@dataclass(frozen=True)
class EpisodeMatch:
    """Episodes and durations of one recording and one kind; durations in samples."""

    detected: int  # reference episodes that share time with a test episode
    missed: int
    confirmed: int  # test episodes that share time with a reference episode
    false: int
    reference_duration: int
    reference_overlap: int  # of the reference's duration, what the test found
    test_duration: int
    test_overlap: int  # of the test's duration, what is right
    sampling_hz: float

    def counts(self, aggregation: Aggregation = "exact") -> dict[str, float]:
        """TPs and FN, TPp and FP by episode; durations and common times in seconds. Additive over recordings.

        `sumstats` is how WFDB's program of that name pools durations: from what `epicmp` prints. Times are
        whole milliseconds, and the common time is a whole percentage of the longer of the two durations.
        """
        found = {
            "episode_TPs": float(self.detected),
            "episode_FN": float(self.missed),
            "episode_TPp": float(self.confirmed),
            "episode_FP": float(self.false),
        }
        spans = (self.reference_duration, self.reference_overlap, self.test_duration, self.test_overlap)
        names = ("reference_s", "reference_overlap_s", "test_s", "test_overlap_s")
        if aggregation == "exact":
            return found | {name: span / self.sampling_hz for name, span in zip(names, spans, strict=True)}
        reference_ms, test_ms = (_milliseconds(span, self.sampling_hz) for span in (spans[0], spans[2]))
        longer, share = (
            (reference_ms, _share(self.reference_overlap, self.reference_duration, aggregation))
            if reference_ms > test_ms
            else (test_ms, _share(self.test_overlap, self.test_duration, aggregation))
        )
        common_s = int(longer * share) / 1000 if share is not None else 0.0
        values = (reference_ms / 1000, common_s, test_ms / 1000, common_s)
        return found | dict(zip(names, values, strict=True))

    def duration_sensitivity(self, aggregation: Aggregation = "exact") -> float | None:
        """The share of the reference's duration that was found; None without a reference episode."""
        return _share(self.reference_overlap, self.reference_duration, aggregation)

    def duration_positive_predictivity(self, aggregation: Aggregation = "exact") -> float | None:
        """The share of the test's duration that is right; None without a test episode."""
        return _share(self.test_overlap, self.test_duration, aggregation)


def _share(part: int, whole: int, aggregation: Aggregation) -> float | None:
    if whole <= 0:
        return None
    return part / whole if aggregation == "exact" else int(100.0 * part / whole + 0.5) / 100.0


def _milliseconds(samples: int, sampling_hz: float) -> int:
    """As WFDB prints a time: whole seconds, and the rest rounded to the nearest millisecond, a half up."""
    seconds = int(samples / sampling_hz)
    return 1000 * seconds + int((samples - seconds * sampling_hz) * 1000 / sampling_hz + 0.5)


@method(
    id="fibrillation-episodes-ec57",
    task="beats",
    zh="心房颤动与心室颤动事件及持续时间比较",
    en="episodes and durations of atrial and ventricular fibrillation",
    formula="by episode: Se = TPs / (TPs + FN), +P = TPp / (TPp + FP), any overlap detects; by duration: common / own",
    source="ANSI/AAMI EC57; IEC 60601-2-47; WFDB 10.7.0 epicmp",
    check="WFDB 10.7.0 epicmp; a second count from cumulative time (episodes_check)",
)
def match_episodes(
    reference: Labels,
    test: Labels,
    kind: Kind,
    *,
    sampling_hz: float,
    length: int | None,
    rules: EpisodeRules | None = None,
) -> EpisodeMatch:
    """Compare the episodes of two annotators of one recording.

    Parameters
    ----------
    reference, test : Labels
        In samples of one clock, with `texts`: AF begins with a rhythm `(AFIB` and ends with any other rhythm.
        VF lies between the marks `[` and `]`.
    kind : {"AF", "VF"}
    sampling_hz : float
    length : int or None
        Samples of the recording, after which nothing is compared; None: all annotations are.

    Returns
    -------
    EpisodeMatch
        An episode that never ends lasts to the end of the recording, or to the annotator's last annotation
        where that is later or no length is known. One that ends within the learning period is left out.

    Raises
    ------
    WrongUse
        When annotations are malformed (see `beat_labels.codes`).

    Examples
    --------
    >>> none = np.zeros(2, np.int64)
    >>> longer = Labels(np.array([3600, 7200]), "[]", none)
    >>> later = Labels(np.array([5400, 7200]), "[]", none)
    >>> found = match_episodes(longer, later, "VF", sampling_hz=360, length=9000, rules=EpisodeRules(start_s=0))
    >>> found.detected, found.duration_sensitivity(), found.duration_positive_predictivity()
    (1, 0.5, 1.0)
    """
    if kind not in KINDS:
        raise WrongUse(found=f"episodes of '{kind}'", wanted="AF or VF", remedy="Correct the call.")
    rules = rules or EpisodeRules()
    start, shortest = (in_samples(value, sampling_hz) for value in (rules.start_s, rules.shortest_s))
    ours, theirs = (episodes_of(labels, kind, length) for labels in (reference, test))
    detected, missed, own, common = _compared(ours, theirs, start, shortest, length)
    confirmed, false, reported, right = _compared(theirs, ours, start, shortest, length)
    return EpisodeMatch(detected, missed, confirmed, false, own, common, reported, right, sampling_hz)


def episodes_of(labels: Labels, kind: Kind, length: int | None) -> IntArray:
    """First and last sample of each episode, shape (n, 2), in order; they never overlap."""
    found = codes(labels)
    open_end = max(length or 0, int(labels.samples[-1]) if len(found) else 0)
    episodes: list[tuple[int, int]] = []
    began: int | None = None
    marks = np.isin(found, np.frombuffer(b"[]" if kind == "VF" else b"+", np.uint8))
    for place in np.flatnonzero(marks).tolist():
        fibrillates = _fibrillates(labels, place, kind)
        if began is None and fibrillates:
            began = int(labels.samples[place])
        elif began is not None and fibrillates is False:
            episodes.append((began, int(labels.samples[place])))
            began = None
    if began is not None:
        episodes.append((began, open_end))
    return np.array(episodes, np.int64).reshape(-1, 2)


def _fibrillates(labels: Labels, place: int, kind: Kind) -> bool | None:
    """What a mark says from here on; None where a rhythm has no name."""
    if kind == "VF":
        return labels.symbols[place] == "["
    text = labels.texts[place] if labels.texts else b""
    return text.startswith(ATRIAL_FIBRILLATION) if text else None


def _compared(
    own: IntArray, other: IntArray, start: int, shortest: int, length: int | None
) -> tuple[int, int, int, int]:
    """Own episodes that share time with the other's, and that do not; own duration, and the common one."""
    kept = own[(own[:, 1] >= start) & (own[:, 0] < (length if length is not None else np.inf))]
    kept = kept.clip(start, length)
    kept = kept[kept[:, 1] - kept[:, 0] >= shortest]
    common = np.array([_overlap(first, last, other) for first, last in kept.tolist()], np.int64)
    shared = int((common > 0).sum())
    return shared, len(kept) - shared, int((kept[:, 1] - kept[:, 0]).sum()), int(common.sum())


def _overlap(first: int, last: int, other: IntArray) -> int:
    begin = int(np.searchsorted(other[:, 1], first))
    end = int(np.searchsorted(other[:, 0], last))
    near = other[begin : max(begin, end)].clip(first, last)
    return int((near[:, 1] - near[:, 0]).sum())
