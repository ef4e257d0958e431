"""Heart beats matched beat by beat: the ANSI/AAMI EC57 matrix, as WFDB's `bxb` counts it.

A reference and a test annotator label the same recording. Each beat is paired with the nearest beat of the
other side within the match window, or with a pseudo-beat: O (nothing there) or X (the other side had shut
down). Rows are the reference's classes, columns the test's.

References
----------
ANSI/AAMI EC57, beat-by-beat comparison; WFDB Software Package 10.7, program `bxb`, which the cases of the
reference tests were counted with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse

IntArray = NDArray[np.int64]

CLASSES = "NSVFQ"
NOTHING, SHUT_DOWN = 5, 6  # the places of the pseudo-beats O and X, after the classes
ROWS, COLUMNS = "NSVFQOX", "nsvfqox"

_COMMON = {"N": "NLRB", "S": "aJAS", "V": "VEr", "F": "F", "Q": "/fQ?"}


def _mapping(**more: str) -> Mapping[str, str]:
    return MappingProxyType(
        {symbol: name for name, symbols in _COMMON.items() for symbol in symbols + more.get(name, "")}
    )


# Beat symbols of WFDB annotations to AAMI classes. The two conventions differ in the atrial and nodal escape
# beats: late beats, which WFDB's tools count as supraventricular ectopic and de Chazal et al. (2004), whose
# division of the MIT-BIH records is the usual one, count as normal.
CLASS_MAPS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {"wfdb": _mapping(S="ejn"), "de_chazal": _mapping(N="ejn")}
)


@dataclass(frozen=True, kw_only=True)
class BeatRules:
    """The declared conventions; the defaults are EC57's, with WFDB's classes."""

    window_s: float = 0.15  # inclusive
    start_s: float = 300.0  # the learning period before it is not compared
    classes: str = "wfdb"  # a name of CLASS_MAPS


@dataclass(frozen=True)
class Labels:
    """All annotations of one annotator in order of time, as an annotation file holds them.

    `symbols` are WFDB's; `subtypes` tell of noise annotations whether both leads are unreadable.
    """

    samples: IntArray
    symbols: Sequence[str]
    subtypes: IntArray


@dataclass(frozen=True)
class BeatSeries:
    """What the comparison needs of one annotator: beats, and spans [first, last] in samples."""

    samples: IntArray
    classes: IntArray  # place in CLASSES
    fibrillation: tuple[tuple[int, int], ...]
    shutdown: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class BeatMatch:
    """One comparison. `pairs` holds (row, column, sample) of each count; the sample is the reference's."""

    matrix: IntArray  # shape (7, 7): rows ROWS, columns COLUMNS
    pairs: tuple[tuple[int, int, int], ...] = field(repr=False)
    shutdown_s: float

    def counts(self) -> dict[str, float]:
        """Cells and the nine counts of QRS, VEB (V) and SVEB (S); additive over recordings.

        False detections of V leave out test V beats on reference F and Q; those of S leave out reference Q.
        """
        cells = {
            row + column: float(self.matrix[i, j])
            for i, row in enumerate(ROWS)
            for j, column in enumerate(COLUMNS)
            if not (i >= NOTHING and j >= NOTHING)
        }
        m = self.matrix
        beats = slice(0, NOTHING)
        detected = m[beats, beats].sum()
        return cells | {
            "QRS_TP": float(detected),
            "QRS_FN": float(m[beats, NOTHING:].sum()),
            "QRS_FP": float(m[NOTHING:, beats].sum()),
            **_class_counts(m, "V", forgiven="FQ"),
            **_class_counts(m, "S", forgiven="Q"),
        }


def _class_counts(matrix: IntArray, name: str, *, forgiven: str) -> dict[str, float]:
    k = CLASSES.index(name)
    false = sum(int(matrix[i, k]) for i, row in enumerate(ROWS) if row != name and row not in forgiven)
    return {
        f"{name}_TP": float(matrix[k, k]),
        f"{name}_FN": float(matrix[k].sum() - matrix[k, k]),
        f"{name}_FP": float(false),
    }


def match_beats(
    reference: Labels, test: Labels, *, sampling_hz: float, length: int | None, rules: BeatRules | None = None
) -> BeatMatch:
    """Compare two annotators of one recording.

    Parameters
    ----------
    reference, test : Labels
        In samples of one clock.
    sampling_hz : float
    length : int or None
        Samples of the recording; None: the comparison ends with the reference.

    Returns
    -------
    BeatMatch
        Test beats inside reference fibrillation that match no beat are not counted. An episode that never
        ends lasts to the end of the recording.

    Raises
    ------
    WrongUse
        When annotations are not in order of time, or a rule is unknown.

    Examples
    --------
    >>> beats = Labels(np.array([400, 800]), ["N", "V"], np.zeros(2, np.int64))
    >>> late = Labels(np.array([454, 855]), ["N", "V"], np.zeros(2, np.int64))
    >>> found = match_beats(beats, late, sampling_hz=360, length=1000, rules=BeatRules(start_s=0))
    >>> found.counts()["Nn"], found.counts()["Vo"], found.counts()["Ov"]
    (1.0, 1.0, 1.0)
    """
    rules = rules or BeatRules()
    window = int(rules.window_s * sampling_hz + 0.5)
    start = int(rules.start_s * sampling_hz + 0.5)
    first = series_of(reference, classes=rules.classes, window=window, length=length)
    second = series_of(test, classes=rules.classes, window=window, length=length)
    end = int(first.samples.max(initial=-1)) if length is None else length
    pairs = tuple(_paired(first, second, window, start, end))
    matrix = np.zeros((len(ROWS), len(COLUMNS)), np.int64)
    for row, column, _ in pairs:
        matrix[row, column] += 1
    lost = sum(last - begin for begin, last in second.shutdown)
    return BeatMatch(matrix, pairs, lost / sampling_hz)


def series_of(labels: Labels, *, classes: str, window: int, length: int | None) -> BeatSeries:
    """Beats and spans of one annotator; beats inside its own fibrillation marks are left out.

    Shutdown begins with a noise annotation (`~`) whose subtype has both bits of 0x30 and ends with the next
    one that lacks a bit. Where another annotation comes first, it lasts from a window after the beat before
    to a window before that annotation.
    """
    if classes not in CLASS_MAPS:
        raise WrongUse(
            found=f"beat classes '{classes}'",
            wanted=f"one of {', '.join(CLASS_MAPS)}",
            remedy="Correct the option.",
        )
    if (np.diff(labels.samples) < 0).any():
        raise WrongUse(
            found="annotations that are not in order of time",
            wanted="an annotation file sorted by time",
            remedy="Sort the annotations and write the file again.",
        )
    mapping = CLASS_MAPS[classes]
    times = [int(sample) for sample in labels.samples]
    open_end = length if length is not None else (times[-1] if times else 0)
    beats: list[tuple[int, int]] = []
    fibrillation: list[tuple[int, int]] = []
    shutdown: list[tuple[int, int]] = []
    began: int | None = None
    for index, (time, symbol) in enumerate(zip(times, labels.symbols, strict=True)):
        if began is not None:
            if symbol == "]":
                fibrillation.append((began, time))
                began = None
        elif symbol in mapping:
            beats.append((time, CLASSES.index(mapping[symbol])))
        elif symbol == "[":
            began = time
        elif symbol == "~" and _unreadable(labels, index):
            before = max(beats[-1][0] if beats else 0, fibrillation[-1][1] if fibrillation else 0)
            shutdown.append(_shutdown(labels, index, before, window, open_end))
    if began is not None:
        fibrillation.append((began, open_end))
    table = np.array(beats, dtype=np.int64).reshape(-1, 2)
    return BeatSeries(table[:, 0], table[:, 1], tuple(fibrillation), tuple(shutdown))


def _unreadable(labels: Labels, index: int) -> bool:
    return int(labels.subtypes[index]) & 0x30 == 0x30


def _shutdown(labels: Labels, index: int, before: int, window: int, open_end: int) -> tuple[int, int]:
    if index + 1 == len(labels.samples):
        return int(labels.samples[index]), open_end
    following = int(labels.samples[index + 1])
    if labels.symbols[index + 1] == "~" and not _unreadable(labels, index + 1):
        return int(labels.samples[index]), following
    return min(before + window, following - window), following - window


def _paired(
    reference: BeatSeries, test: BeatSeries, window: int, start: int, end: int
) -> list[tuple[int, int, int]]:
    """Walk both series once; the earlier beat is paired, or found to have no partner.

    A beat is left for the next one of the other side when that one is nearer to its partner, unless the beat
    after it is nearer still.
    """
    far = np.iinfo(np.int64).max // 4
    ref = [*reference.samples.tolist(), far, far]
    tst = [*test.samples.tolist(), far, far]
    found: list[tuple[int, int, int]] = []

    def pair(i: int, j: int) -> None:
        found.append((int(reference.classes[i]), int(test.classes[j]), ref[i]))

    i = next(k for k, time in enumerate(ref) if time >= start)
    j = next(k for k, time in enumerate(tst) if time >= start)
    if j > 0 and tst[j - 1] < start and _nearer_before(ref[i], tst[j - 1], tst[j], window):
        pair(i, j - 1)  # detected just before the test period began
        i += 1
    elif ref[i] < far and tst[j] - start <= window and abs(ref[i] - tst[j + 1]) < abs(ref[i] - tst[j]):
        j += 1  # its partner lies before the test period
    while ref[i] <= end or tst[j] <= end:
        at_ref, at_tst = ref[i], tst[j]
        if at_tst < at_ref:
            other = abs(at_ref - tst[j + 1])
            if at_ref - at_tst <= window and (
                at_ref - at_tst < other or abs(ref[i + 1] - tst[j + 1]) < other
            ):
                pair(i, j)
                i, j = i + 1, j + 1
            else:
                if not _within(reference.fibrillation, at_tst):
                    row = SHUT_DOWN if _within(reference.shutdown, at_tst) else NOTHING
                    found.append((row, int(test.classes[j]), at_tst))
                j += 1
        else:
            other = abs(at_tst - ref[i + 1])
            if at_tst - at_ref <= window and (
                at_tst - at_ref < other or abs(tst[j + 1] - ref[i + 1]) < other
            ):
                pair(i, j)
                i, j = i + 1, j + 1
            else:
                column = SHUT_DOWN if _within(test.shutdown, at_ref) else NOTHING
                found.append((int(reference.classes[i]), column, at_ref))
                i += 1
    return found


def _nearer_before(at_ref: int, before: int, after: int, window: int) -> bool:
    return at_ref - before <= window and at_ref - before < abs(at_ref - after)


def _within(spans: Sequence[tuple[int, int]], time: int) -> bool:
    return any(first <= time <= last for first, last in spans)
