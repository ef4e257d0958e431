"""Heart beats matched beat by beat: the ANSI/AAMI EC57 matrix, as WFDB's `bxb` counts it.

A reference and a test annotator label the same recording. Each beat is paired with the nearest beat of the
other side within the match window, or with a pseudo-beat: O (nothing there) or X (the other side had shut
down). Rows are the reference's classes, columns the test's.

Where the standard and `bxb` part, the standard is followed: fibrillation that never ends lasts to the end of
the recording, also after an earlier episode, and no shutdown or fibrillation is forgotten, while `bxb` keeps
the latest two of each.

References
----------
ANSI/AAMI EC57, beat-by-beat comparison; WFDB Software Package 10.7, program `bxb`, which the cases of the
reference tests were counted with.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from medassay.core.errors import WrongUse
from medassay.core.method import method
from medassay.tasks.beat_labels import (
    CLASS_MAPS,
    CLASSES,
    NO_BEAT,
    BoolArray,
    ByteArray,
    IntArray,
    Labels,
    beat_classes,
    codes,
    in_samples,
    unreadable,
    within,
)

__all__ = [
    "CLASSES", "CLASS_MAPS", "COLUMNS", "NOTHING", "ROWS", "SHUT_DOWN", "BeatMatch", "BeatRules", "Labels",
    "match_beats",
]  # fmt: skip

NOTHING, SHUT_DOWN = 5, 6  # the places of the pseudo-beats O and X, after the classes
ROWS, COLUMNS = "NSVFQOX", "nsvfqox"
Aggregation = Literal["exact", "sumstats"]
InShutdown = Literal["missed", "left_out"]
InFibrillation = Literal["left_out", "false"]

_FAR = 1 << 60  # later than any sample
_NONE = -1


@dataclass(frozen=True, kw_only=True)
class BeatRules:
    """The declared conventions; the defaults are EC57's, with WFDB's classes."""

    window_s: float = 0.15  # inclusive
    start_s: float = 300.0  # the learning period before it is not compared
    classes: str = "wfdb"  # a name of CLASS_MAPS
    fibrillation: InFibrillation = "left_out"  # what a test beat in the reference's fibrillation is


@dataclass(frozen=True)
class BeatSeries:
    """What the comparison needs of one annotator: beats, and closed spans as rows [first, last] in samples."""

    samples: IntArray
    classes: IntArray  # place in CLASSES
    intervals: IntArray  # to the beat before; 0 where there is none, or a span begins between
    fibrillation: IntArray
    shutdown: IntArray


@dataclass(frozen=True)
class BeatMatch:
    """One comparison.

    `paired` holds (row, column, sample) of each count, shape (n, 3); the sample is the reference's, of a
    false detection the test's. `rr_squared_ms2` is the sum of squared errors of `rr_count` RR intervals.
    """

    matrix: IntArray  # shape (7, 7): rows ROWS, columns COLUMNS
    paired: IntArray = field(repr=False)
    shutdown_s: float
    rr_squared_ms2: float
    rr_count: int

    @property
    def pairs(self) -> list[tuple[int, int, int]]:
        """`paired` as plain numbers."""
        return [(row, column, at) for row, column, at in self.paired.tolist()]

    @property
    def rr_error_ms(self) -> float | None:
        """Root mean square error of the RR interval in ms; None where no interval was compared."""
        return math.sqrt(self.rr_squared_ms2 / self.rr_count) if self.rr_count else None

    def counts(
        self, aggregation: Aggregation = "exact", in_shutdown: InShutdown = "missed"
    ) -> dict[str, float]:
        """Cells and the counts of QRS, VEB (V) and SVEB (S); additive over recordings.

        False detections of V leave out test V beats on reference F and Q; those of S leave out reference Q.
        `sumstats` is how WFDB's program of that name pools: it reads F and Q off one cell and leaves both out
        of the false detections of S. True negatives of V are what the false positive rate of V needs.
        EC57 counts a beat in the other side's shutdown as missed or false; left out, it counts nowhere but in
        its cell.
        """
        cells = {
            row + column: float(self.matrix[i, j])
            for i, row in enumerate(ROWS)
            for j, column in enumerate(COLUMNS)
            if not (i >= NOTHING and j >= NOTHING)
        }
        m = self.matrix
        if in_shutdown == "left_out":
            m = m.copy()
            m[SHUT_DOWN, :] = m[:, SHUT_DOWN] = 0
        beats = slice(0, NOTHING)
        not_v = [k for k, name in enumerate(CLASSES) if name != "V"]
        return cells | {
            "QRS_TP": float(m[beats, beats].sum()),
            "QRS_FN": float(m[beats, NOTHING:].sum()),
            "QRS_FP": float(m[NOTHING:, beats].sum()),
            **_class_counts(m, "V", forgiven="FQ"),
            **_class_counts(m, "S", forgiven="Q" if aggregation == "exact" else "FQ"),
            "V_TN": float(m[np.ix_([*not_v, NOTHING, SHUT_DOWN], not_v)].sum()),
        }


def _class_counts(matrix: IntArray, name: str, *, forgiven: str) -> dict[str, float]:
    k = CLASSES.index(name)
    false = sum(int(matrix[i, k]) for i, row in enumerate(ROWS) if row != name and row not in forgiven)
    return {
        f"{name}_TP": float(matrix[k, k]),
        f"{name}_FN": float(matrix[k].sum() - matrix[k, k]),
        f"{name}_FP": float(false),
    }


@method(
    id="beat-by-beat-ec57",
    task="beats",
    zh="逐搏比较（QRS、室性及室上性异位搏动的灵敏度与阳性预测值）",
    en="beat-by-beat comparison",
    formula="Se = TP / (TP + FN), +P = TP / (TP + FP) of QRS, VEB and SVEB; pairs within 150 ms, from 5 min on",
    source="ANSI/AAMI EC57; IEC 60601-2-47; WFDB 10.7.0 bxb",
    check="WFDB 10.7.0 bxb; a second matching by closest pairs (beats_check)",
)
def match_beats(
    reference: Labels, test: Labels, *, sampling_hz: float, length: int | None, rules: BeatRules | None = None
) -> BeatMatch:
    """Compare two annotators of one recording.

    Parameters
    ----------
    reference, test : Labels
        In samples of one clock. Of several beats at one sample, one at most finds a partner. What lies after
        `length` is not compared.
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
        When annotations are malformed (see `beat_labels.codes`), or a rule is unknown.

    Examples
    --------
    >>> beats = Labels(np.array([400, 800]), ["N", "V"], np.zeros(2, np.int64))
    >>> late = Labels(np.array([454, 855]), ["N", "V"], np.zeros(2, np.int64))
    >>> found = match_beats(beats, late, sampling_hz=360, length=1000, rules=BeatRules(start_s=0))
    >>> found.counts()["Nn"], found.counts()["Vo"], found.counts()["Ov"]
    (1.0, 1.0, 1.0)
    """
    rules = rules or BeatRules()
    if not (math.isfinite(sampling_hz) and sampling_hz > 0):
        raise WrongUse(
            found=f"a clock of {sampling_hz} Hz", wanted="a positive rate", remedy="Correct the header."
        )
    window, start = in_samples(rules.window_s, sampling_hz), in_samples(rules.start_s, sampling_hz)
    first = series_of(reference, classes=rules.classes, window=window, length=length)
    second = series_of(test, classes=rules.classes, window=window, length=length)
    steps, current = _steps(first.samples, second.samples, window, start)
    # A step takes the earlier of the two current beats; it is counted while that one lies in the period.
    if length is None:
        counted = current[:, 0] < len(first.samples)
    else:
        counted = np.minimum(_at(first.samples, steps[:, 0]), _at(second.samples, steps[:, 1])) <= length
    paired = _paired(first, second, steps[counted], rules.fibrillation)
    cells = np.bincount(paired[:, 0] * len(COLUMNS) + paired[:, 1], minlength=len(ROWS) * len(COLUMNS))
    squared, count = _interval_errors(first, second, current[counted])
    return BeatMatch(
        cells.reshape(len(ROWS), len(COLUMNS)),
        paired,
        float((second.shutdown[:, 1] - second.shutdown[:, 0]).sum()) / sampling_hz,
        squared * (1000.0 / sampling_hz) ** 2,
        count,
    )


def series_of(labels: Labels, *, classes: str, window: int, length: int | None) -> BeatSeries:
    """Beats and spans of one annotator; beats inside its own fibrillation marks are left out.

    Shutdown begins with a noise annotation (`~`) whose subtype has both bits of 0x30 and ends with the next
    one that lacks a bit. Where another annotation comes first, it lasts from a window after the beat before
    to a window before that annotation.
    """
    found = codes(labels)
    named = beat_classes(found, classes)
    samples = np.asarray(labels.samples, np.int64)
    open_end = max(length or 0, int(samples[-1]) if len(samples) else 0)
    shut = unreadable(labels, found)
    latest = np.maximum.accumulate(np.where(named != NO_BEAT, samples, 0)) if len(samples) else samples
    end_marks = np.flatnonzero(found == ord("]"))
    fibrillation: list[tuple[int, int]] = []
    shutdown: list[tuple[int, int]] = []
    begun: list[tuple[int, int]] = []  # place of the mark, onset of its span
    inside_until = 0  # the place after the end mark of the latest fibrillation
    for mark in np.flatnonzero((found == ord("[")) | shut).tolist():
        if mark < inside_until:
            continue
        if shut[mark]:
            before = max(int(latest[mark]), fibrillation[-1][1] if fibrillation else 0)
            shutdown.append(_shutdown(samples, found, shut, mark, before, window, open_end))
            begun.append((mark, shutdown[-1][0]))
        else:
            place = int(np.searchsorted(end_marks, mark))
            ends = int(end_marks[place]) if place < len(end_marks) else None
            inside_until = len(found) if ends is None else ends + 1
            named[mark:inside_until] = NO_BEAT
            fibrillation.append((int(samples[mark]), open_end if ends is None else int(samples[ends])))
            begun.append((mark, fibrillation[-1][0]))
    beats = np.flatnonzero(named != NO_BEAT)
    spans = [np.array(part, np.int64).reshape(-1, 2) for part in (fibrillation, shutdown, begun)]
    return BeatSeries(
        samples[beats], named[beats], _intervals(samples[beats], beats, spans[2]), spans[0], spans[1]
    )


def _intervals(samples: IntArray, places: IntArray, begun: IntArray) -> IntArray:
    """Samples from beat to beat; 0 where no beat is before, or a span begins between the two.

    `places` are those of the beats among all annotations: a span is known from its mark on. A beat at the
    very first sample begins no interval, as in `bxb`.
    """
    intervals: IntArray = np.diff(samples, prepend=0)
    intervals[:1] = 0
    intervals[1:][samples[:-1] == 0] = 0
    marks, onsets = begun.T
    cut = np.searchsorted(samples, onsets, side="right")
    known = (cut < len(samples)) & (marks < np.append(places, 0)[cut])
    intervals[cut[known]] = 0
    return intervals


def _shutdown(
    samples: IntArray, found: ByteArray, shut: BoolArray, mark: int, before: int, window: int, open_end: int
) -> tuple[int, int]:
    if mark + 1 == len(samples):
        return int(samples[mark]), open_end
    following = int(samples[mark + 1])
    if found[mark + 1] == ord("~") and not shut[mark + 1]:
        return int(samples[mark]), following
    return min(before + window, following - window), following - window


def _steps(ref: IntArray, tst: IntArray, window: int, start: int) -> tuple[IntArray, IntArray]:
    """Each step of the comparison as (place of the reference beat, of the test beat), _NONE for none.

    The second array holds the beats that were current when the step was taken, one of which it takes.
    """
    i, j = np.searchsorted(ref, start).item(), np.searchsorted(tst, start).item()
    at_ref, (before, at, after) = _at(ref, i), (_at(tst, j - 1), _at(tst, j), _at(tst, j + 1))
    first = np.empty((0, 2), np.int64)
    begun = (i, j)
    if j > 0 and at_ref - before <= window and at_ref - before < abs(at_ref - at):
        first, begun = np.array([[i, j - 1]]), (i, j - 1)  # detected just before the test period began
        i += 1
    elif start > 0 and at - start <= window and abs(at_ref - after) < abs(at_ref - at):
        j += 1  # its partner lies before the test period
        begun = (i, j)
    steps = np.concatenate([first, _matched(ref, tst, i, j, window)])
    taken = np.cumsum(steps != _NONE, axis=0)
    return steps, np.concatenate([[[0, 0]], taken[:-1]])[: len(steps)] + np.array(begun)


def _matched(ref: IntArray, tst: IntArray, i: int, j: int, window: int) -> IntArray:
    """The steps from the beats (i, j) on.

    Where both series pause for longer than a window, no later beat can change what happened before: what
    lies between two pauses is matched by itself. Nearly always that is a pair, or a single beat; only where
    it is more, the beats are walked.
    """
    times = np.concatenate([ref[i:], tst[j:]])
    if len(times) == 0:
        return np.empty((0, 2), np.int64)
    order = np.argsort(times, kind="stable")
    is_ref = order < len(ref) - i
    place = np.where(is_ref, order + i, order - (len(ref) - i) + j)
    begins = np.flatnonzero(np.diff(times[order], prepend=-_FAR) > window)
    sizes = np.diff(begins, append=len(times))
    paired = (sizes == 2) & (np.add.reduceat(is_ref.astype(np.int64), begins) == 1)
    at = begins[paired]
    swap = ~is_ref[at]
    pairs = np.column_stack([place[at + swap], place[at + ~swap]])
    alone = begins[sizes == 1]
    singles = np.where(np.column_stack([is_ref[alone], ~is_ref[alone]]), place[alone, None], _NONE)
    steps, keys = [pairs, singles], [at, alone]
    for begin, size in zip(*(part[~paired & (sizes > 1)].tolist() for part in (begins, sizes)), strict=True):
        here, mine = place[begin : begin + size], is_ref[begin : begin + size]
        steps.append(_walk(ref, tst, here[mine], here[~mine], window))
        keys.append(np.full(len(steps[-1]), begin))
    ordered: IntArray = np.concatenate(steps)[np.argsort(np.concatenate(keys), kind="stable")]
    return ordered


def _walk(ref: IntArray, tst: IntArray, refs: IntArray, tests: IntArray, window: int) -> IntArray:
    """Walk both series once; the earlier beat is paired, or found to have no partner.

    A beat is left for the next one of the other side when that one is nearer to its partner, unless the beat
    after it is nearer still.
    """
    r, t = ([*times.tolist(), _FAR, _FAR] for times in (ref[refs], tst[tests]))
    found: list[tuple[int, int]] = []
    i = j = 0
    while i < len(refs) or j < len(tests):
        # The series that holds the earlier beat, and where each stands, seen from that beat.
        near, far, p, q = (t, r, j, i) if t[j] < r[i] else (r, t, i, j)
        apart, other = far[q] - near[p], abs(far[q] - near[p + 1])
        if apart <= window and (apart < other or abs(far[q + 1] - near[p + 1]) < other):
            found.append((i, j))
            i, j = i + 1, j + 1
        elif near is t:
            found.append((_NONE, j))
            j += 1
        else:
            found.append((i, _NONE))
            i += 1
    places = ([*part.tolist(), _NONE] for part in (refs, tests))
    columns = zip(places, zip(*found, strict=True), strict=True)
    return np.column_stack([[part[k] for k in taken] for part, taken in columns])


def _at(samples: IntArray, places: IntArray | int) -> IntArray:
    """The samples of beats at these places, _FAR where there is no such beat."""
    places = np.asarray(places)
    padded = np.append(samples, _FAR)
    found: IntArray = padded[np.where((places >= 0) & (places < len(samples)), places, len(samples))]
    return found


def _paired(
    reference: BeatSeries, test: BeatSeries, steps: IntArray, in_fibrillation: InFibrillation
) -> IntArray:
    """Row, column and sample of each counted step, pseudo-beats told apart."""
    i, j = steps.T
    found = np.column_stack(
        [
            np.append(reference.classes, NOTHING)[i],
            np.append(test.classes, NOTHING)[j],
            np.where(i != _NONE, np.append(reference.samples, 0)[i], np.append(test.samples, 0)[j]),
        ]
    )
    extra, missed, at = i == _NONE, j == _NONE, found[:, 2]
    found[extra & within(reference.shutdown, at), 0] = SHUT_DOWN
    found[missed & within(test.shutdown, at), 1] = SHUT_DOWN
    if in_fibrillation == "left_out":
        found = found[~(extra & within(reference.fibrillation, at))]
    return found


def _interval_errors(reference: BeatSeries, test: BeatSeries, current: IntArray) -> tuple[float, int]:
    """Sum of squared differences, in samples, between the current RR intervals of all steps, and their count.

    As `bxb` does, a step without a partner compares the intervals that are current, too.
    """
    ours, theirs = (
        np.append(part.intervals, 0)[np.minimum(places, len(part.intervals))]
        for part, places in zip((reference, test), current.T, strict=True)
    )
    both = (ours > 0) & (theirs > 0)
    return float(((ours - theirs)[both].astype(np.float64) ** 2).sum()), int(both.sum())
