"""Two invented readers and an arbitrator: each sees nearly what is there, and errs in an own way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from medassay.formats.waveform.wfdb_annotation import Annotations, plain_annotations
from medassay.phantoms.ecg.heart import Strip
from medassay.tasks.beats import COLUMNS, ROWS, BeatRules, Labels, match_beats


@dataclass(frozen=True)
class Reader:
    """How often a reader takes one kind of beat for another, or misses it."""

    jitter_s: float
    missed: float
    taken_for: Mapping[str, tuple[tuple[str, float], ...]]


def reader(*, care: float) -> Reader:
    """A reader who errs `care` times as often as a usual one."""
    return Reader(
        jitter_s=0.008,
        missed=0.001 * care,
        taken_for={
            "V": (("N", 0.006 * care), ("F", 0.006 * care)),
            "F": (("V", 0.12 * care), ("N", 0.12 * care)),
            "A": (("N", 0.03 * care),),
            "a": (("V", 0.04 * care), ("N", 0.01 * care)),
            "N": (("A", 0.0008 * care), ("V", 0.0004 * care)),
            "L": (("V", 0.0006 * care),),
        },
    )


FIRST, SECOND, TIRED, ARBITRATOR = reader(care=1.0), reader(care=1.4), reader(care=9.0), reader(care=0.3)


def read(strip: Strip, one: Reader, generator: Generator, sampling_hz: float) -> Annotations:
    """The file that a reader hands in for one recording."""
    times, symbols = [], []
    shifts = np.rint(generator.normal(0, one.jitter_s * sampling_hz, len(strip.beats))).astype(int)
    draws = generator.random((len(strip.beats), 2))
    for place, symbol in enumerate(strip.symbols):
        if draws[place, 0] < one.missed:
            continue
        left = draws[place, 1]
        for other, share in one.taken_for[symbol]:
            if left < share:
                symbol = other
                break
            left -= share
        times.append(int(np.clip(strip.beats[place] + shifts[place], 1, len(strip.signal_mv) - 1)))
        symbols.append(symbol)
    order = np.argsort(times, kind="stable")
    return plain_annotations([times[k] for k in order], [symbols[k] for k in order])


def agreement(first: Annotations, second: Annotations, sampling_hz: float, length: int) -> dict[str, float]:
    """2 both / (first + second) of all beats (QRS), V and S; a class that nobody marked is left out."""
    given = [Labels(part.samples, part.symbols, part.subtypes) for part in (first, second)]
    rules = BeatRules(start_s=0.0)
    found = match_beats(given[0], given[1], sampling_hz=sampling_hz, length=length, rules=rules).matrix
    beats = slice(0, 5)
    pairs = {"QRS": (found[beats, beats].sum(), found[beats].sum() + found[:, beats].sum())}
    for name in ("V", "S"):
        k = ROWS.index(name)
        pairs[name] = (found[k, k], found[k].sum() + found[:, COLUMNS.index(name.lower())].sum())
    return {name: float(2 * both / total) for name, (both, total) in pairs.items() if total}
