"""Double entry of the beat counts by another algorithm: closest pairs first, in neighbourhoods.

`beats` walks both annotators once and looks one beat ahead. Here all pairs within the window are put in order
of their distance and the closest free ones are joined; spans are found by position in sorted arrays. Nothing
but the declared conventions is shared.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medassay.tasks.beat_labels import CLASS_MAPS, Labels
from medassay.tasks.beats import Aggregation, BeatRules, InShutdown

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


def recount(
    reference: Labels,
    test: Labels,
    *,
    sampling_hz: float,
    length: int | None,
    rules: BeatRules | None = None,
    aggregation: Aggregation = "exact",
    in_shutdown: InShutdown = "missed",
) -> dict[str, float]:
    """TP, FN and FP of QRS, V and S, by name as in `beats.BeatMatch.counts`.

    Parameters
    ----------
    reference, test : Labels
    sampling_hz : float
    length : int or None
        Samples of the recording; None: the comparison ends with the reference.
    aggregation, in_shutdown
        As `beats.BeatMatch.counts` takes them.
    """
    rules = rules or BeatRules()
    window, start = round(rules.window_s * sampling_hz), round(rules.start_s * sampling_hz)
    at_ref, named_ref = _beats(reference, rules.classes)
    at_test, named_test = _beats(test, rules.classes)
    end = length if length is not None else int(at_ref.max(initial=-1))
    later = at_ref >= start  # reference beats of the learning period take no part, as partners neither
    at_ref, named_ref = at_ref[later], named_ref[later]
    joined = _closest_first(at_ref, at_test, window)
    of_ref = np.full(len(at_ref), "o", dtype="<U1")
    of_test = np.full(len(at_test), "O", dtype="<U1")
    for i, j in joined:
        of_ref[i], of_test[j] = named_test[j], named_ref[i]
    # A pair is counted when its reference beat lies in the test period, an extra detection when it does.
    counted_ref = at_ref <= end
    counted_test = (of_test == "O") & (at_test >= start) & (at_test <= end)
    if rules.fibrillation == "left_out":
        counted_test &= ~_fibrillating(reference, at_test, end)
    if in_shutdown == "left_out":
        counted_ref &= (of_ref != "o") | ~_shut_down(test, at_ref, window, end, rules.classes)
        counted_test &= ~_shut_down(reference, at_test, window, end, rules.classes)
    counted_test &= ~_excused(at_ref, at_test, start, window)
    rows = np.concatenate([named_ref[counted_ref], of_test[counted_test]])
    columns = np.concatenate([of_ref[counted_ref], named_test[counted_test]])
    false_s = ["N", "V", "F", "O"] if aggregation == "exact" else ["N", "V", "O"]
    return {
        "QRS_TP": _count((rows != "O") & (columns != "o")),
        "QRS_FN": _count(columns == "o"),
        "QRS_FP": _count(rows == "O"),
        "V_TP": _count((rows == "V") & (columns == "V")),
        "V_FN": _count((rows == "V") & (columns != "V")),
        "V_FP": _count(np.isin(rows, ["N", "S", "O"]) & (columns == "V")),
        "S_TP": _count((rows == "S") & (columns == "S")),
        "S_FN": _count((rows == "S") & (columns != "S")),
        "S_FP": _count(np.isin(rows, false_s) & (columns == "S")),
    }


def _excused(at_ref: IntArray, at_test: IntArray, start: int, window: int) -> BoolArray:
    """The first test beat of the period, close to its start, when the next is nearer to the first reference.

    Its partner may lie before the period; where nothing is before, there is no excuse.
    """
    excused = np.zeros(len(at_test), bool)
    places = np.flatnonzero(at_test >= start)
    if start > 0 and len(places) and at_test[places[0]] - start <= window:
        first = at_test[places[0]]
        if len(at_ref) == 0:
            excused[places[0]] = len(places) == 1 or bool(at_test[places[1]] > first)
        elif len(places) > 1:
            excused[places[0]] = abs(at_ref[0] - at_test[places[1]]) < abs(at_ref[0] - first)
    return excused


def _count(mask: BoolArray) -> float:
    return float(np.count_nonzero(mask))


def _beats(labels: Labels, classes: str) -> tuple[IntArray, NDArray[np.str_]]:
    """Beats outside the annotator's own fibrillation marks, and their classes."""
    symbols = np.array(list(labels.symbols), dtype="<U1")
    named = np.array([CLASS_MAPS[classes].get(symbol, "") for symbol in symbols.tolist()], dtype="<U1")
    depth = np.zeros(len(symbols), np.int64)
    opened = 0
    for place in np.flatnonzero((symbols == "[") | (symbols == "]")):
        opened = 1 if symbols[place] == "[" else 0
        depth[place:] = opened
    keep = (named != "") & (depth == 0)
    return np.asarray(labels.samples, np.int64)[keep], named[keep]


def _fibrillating(reference: Labels, times: IntArray, end: int) -> BoolArray:
    inside = np.zeros(len(times), bool)
    marks = [
        (int(t), s) for t, s in zip(reference.samples, reference.symbols, strict=True) if s in ("[", "]")
    ]
    begun: int | None = None
    for time, symbol in [*marks, (end, "]")]:
        if symbol == "[" and begun is None:
            begun = time
        elif symbol == "]" and begun is not None:
            inside |= (times >= begun) & (times <= time)
            begun = None
    return inside


def _shut_down(labels: Labels, times: IntArray, window: int, end: int, classes: str) -> BoolArray:
    """Which times lie in an annotator's own shutdown, annotation by annotation."""
    inside = np.zeros(len(times), bool)
    marks = [
        *zip(
            (int(at) for at in labels.samples), labels.symbols, (int(k) for k in labels.subtypes), strict=True
        )
    ]
    before, fibrillating = 0, False
    for place, (at, symbol, kind) in enumerate(marks):
        if symbol == "~" and kind & 0x30 == 0x30 and not fibrillating:
            if place + 1 == len(marks):
                inside |= (times >= at) & (times <= max(end, at))
            elif marks[place + 1][1] == "~" and marks[place + 1][2] & 0x30 != 0x30:
                inside |= (times >= at) & (times <= marks[place + 1][0])
            else:
                last = marks[place + 1][0] - window
                inside |= (times >= min(before + window, last)) & (times <= last)
        fibrillating = symbol == "[" or (fibrillating and symbol != "]")
        if symbol == "]" or (symbol in CLASS_MAPS[classes] and not fibrillating):
            before = at
    return inside


def _closest_first(first: IntArray, second: IntArray, window: int) -> list[tuple[int, int]]:
    """Pairs by growing distance, of equal ones the later; each beat once.

    Of several test beats at one place, the one next to the reference beat in the file's order is taken.
    """
    low = np.searchsorted(second, first - window, side="left")
    high = np.searchsorted(second, first + window, side="right")
    near = [
        (abs(int(first[i] - second[j])), -int(first[i] + second[j]), j if second[j] >= first[i] else -j, i)
        for i in range(len(first))
        for j in range(int(low[i]), int(high[i]))
    ]
    free_first, free_second = np.ones(len(first), bool), np.ones(len(second), bool)
    joined = []
    for _, _, signed, i in sorted(near):
        j = abs(signed)
        if free_first[i] and free_second[j]:
            free_first[i] = free_second[j] = False
            joined.append((i, j))
    return joined
