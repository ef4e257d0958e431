"""An invented heart: when it beats, what each beat looks like in two leads, and what noise lies over it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

BEFORE_S, AFTER_S = 0.30, 0.65  # a beat's waves around its QRS complex


@dataclass(frozen=True)
class Heart:
    """What stays the same over one recording of one person. Waves: amplitude in both leads, place, width."""

    rr_s: float
    irregular: bool  # atrial fibrillation: no P wave, no order in the intervals
    normal_symbol: str
    v_rate: float
    v_early: tuple[float, float]  # when V beats come, as a share of the usual interval
    s_rate: float
    v_late: float  # share of V that come so late that they fuse with the next normal beat
    aberrant: float  # share of premature atrial beats that are conducted wide, and look like V
    waves: dict[str, list[tuple[float, float, float, float]]]


@dataclass(frozen=True)
class Strip:
    """One recording before it is quantised: millivolts, and the truth."""

    signal_mv: FloatArray  # shape (length, 2)
    beats: IntArray  # sample of each QRS complex
    symbols: tuple[str, ...]


def heart(generator: Generator, *, subtlety: float, aberrancy: float) -> Heart:
    """Draw one person's heart.

    Parameters
    ----------
    subtlety : float
        Share of persons whose V beats are nearly as narrow and upright as their normal ones.
    aberrancy : float
        Share of persons some of whose premature atrial beats are conducted wide.
    """
    r = generator
    wide, subtle = bool(r.random() < 0.15), bool(r.random() < subtlety)
    normal = _normal_waves(r, wide=wide)
    return Heart(
        rr_s=60 / float(np.clip(r.normal(72, 9), 52, 98)),
        irregular=bool(r.random() < 0.1),
        normal_symbol="L" if wide else "N",
        v_rate=float(np.clip(r.lognormal(np.log(0.05), 0.7), 0.01, 0.2)),
        v_early=(0.72, 0.93) if subtle else (0.55, 0.82),
        s_rate=float(np.clip(r.lognormal(np.log(0.03), 0.7), 0.005, 0.12)),
        v_late=0.08,
        aberrant=0.6 if r.random() < aberrancy else 0.0,
        waves={
            "N": normal,
            "A": _premature_atrial(r, normal),
            "V": _ventricular(r, normal, subtle=subtle),
            "W": _ventricular(r, normal, subtle=False),
            "a": _aberrant(r, normal),
        },
    )


def _normal_waves(r: Generator, *, wide: bool) -> list[tuple[float, float, float, float]]:
    tall, second = r.uniform(0.8, 1.8), r.choice([-1.0, 1.0]) * r.uniform(0.35, 1.0)
    width = r.uniform(0.017, 0.023) if wide else r.uniform(0.009, 0.012)
    waves = [
        (0.12 * r.uniform(0.6, 1.4), 0.06, -0.16, 0.022),
        (-0.12 * tall, 0.1 * second, -0.026, 0.010),
        (tall, second, 0.0, width),
        (-0.25 * tall * r.uniform(0.3, 1.2), -0.6 * second, 0.03, 0.012),
        (0.28 * tall * r.uniform(0.5, 1.2), 0.2 * second, 0.28, 0.05),
    ]
    if wide:  # bundle branch block: a second peak, and a T wave against the QRS complex
        waves[3] = (0.6 * tall, 0.7 * second, 0.05, 0.02)
        waves[4] = (-0.2 * tall, -0.2 * second, 0.3, 0.06)
    return waves


def _premature_atrial(
    r: Generator, normal: list[tuple[float, float, float, float]]
) -> list[tuple[float, float, float, float]]:
    """Nearly the normal beat; its P wave has another shape and comes closer."""
    changed = [(a * r.uniform(0.9, 1.1), b * r.uniform(0.9, 1.1), at, width) for a, b, at, width in normal]
    changed[0] = (0.08 * r.uniform(-1, 1), 0.06, -0.13, 0.02)
    return changed


def _aberrant(
    r: Generator, normal: list[tuple[float, float, float, float]]
) -> list[tuple[float, float, float, float]]:
    """A premature P wave, then a QRS complex that begins as the normal one and ends wide."""
    p, _, main, _, t = _premature_atrial(r, normal)
    late = r.choice([-1.0, 1.0]) * main[0] * r.uniform(0.4, 0.8)
    return [
        p,
        (main[0] * 0.8, main[1], 0.0, main[3] * 1.4),
        (late, -0.7 * main[1], 0.045, r.uniform(0.018, 0.026)),
        (-0.7 * t[0], -t[1], t[2], t[3]),
    ]


def _ventricular(
    r: Generator, normal: list[tuple[float, float, float, float]], *, subtle: bool
) -> list[tuple[float, float, float, float]]:
    """Wide, without P wave, the T wave against the QRS complex; or subtle: narrow and upright.

    A subtle one may hide in a normal P wave: a fascicular beat, or one that comes late.
    """
    tall = normal[2][0]
    if subtle:
        width = normal[2][3] * r.uniform(1.15, 1.5)
        first, second = tall * r.uniform(0.8, 1.1), normal[2][1] * r.uniform(0.7, 1.1)
        p, _, _, s, t = normal
        return [
            (p[0] * r.uniform(0.0, 0.9), p[1], p[2] + 0.02, p[3]),
            (first, second, 0.0, width),
            (s[0] * r.uniform(0.6, 1.4), s[1], 2.6 * width, s[3] * r.uniform(1.0, 1.4)),
            (t[0] * r.uniform(0.5, 0.95), t[1], t[2], t[3]),
        ]
    width = r.uniform(0.022, 0.034)
    first = r.choice([-1.0, 1.0]) * r.uniform(0.8, 2.0)
    second = r.choice([-1.0, 1.0]) * r.uniform(0.5, 1.6)
    return [
        (first, second, 0.0, width),
        (0.3 * first, -0.4 * second, r.uniform(-0.02, 0.03), r.uniform(0.009, 0.014)),  # a notch
        (-0.5 * first * r.uniform(0.4, 1.2), -0.5 * second, 2.2 * width, 1.2 * width),
        (-0.3 * first, -0.3 * second, 0.32, 0.06),
    ]


def record(one: Heart, generator: Generator, *, seconds: float, sampling_hz: float, noise: float) -> Strip:
    """Let the heart beat and lay noise over it; `noise` 1 is a quiet recorder."""
    times, kinds = _rhythm(one, generator, seconds)
    length = round(seconds * sampling_hz)
    places = np.rint(times * sampling_hz).astype(np.int64)
    inside = (places > 0) & (places < length - 1)
    places, kinds = places[inside], [kind for kind, keep in zip(kinds, inside, strict=True) if keep]
    signal = _waves(one, generator, places, kinds, length, sampling_hz)
    signal += _noise(generator, length, sampling_hz, noise)
    names = {"N": one.normal_symbol, "A": "A", "a": "a", "V": "V", "W": "V", "F": "F"}
    return Strip(signal, places, tuple(names[kind] for kind in kinds))


def _rhythm(one: Heart, r: Generator, seconds: float) -> tuple[FloatArray, list[str]]:
    """Times and kinds of all beats: sinus rhythm or fibrillation, with premature beats and their pauses."""
    times, kinds = [0.4], ["N"]
    drift, phase = 0.0, r.uniform(0, 6)
    while times[-1] < seconds:
        drift = 0.95 * drift + 0.012 * r.normal()
        breath = 0.03 * np.sin(2 * np.pi * 0.25 * times[-1] + phase)
        spread = r.lognormal(0, 0.2) if one.irregular else 1 + breath + drift
        rr = max(one.rr_s * spread, 0.36)
        draw = r.random()
        before = kinds[-1]
        if draw < one.v_rate * (2.5 if before in "VW" else 1.0):
            if r.random() < one.v_late:
                kinds.append("F")
                times.append(times[-1] + rr * r.uniform(0.92, 0.97))
                continue
            early = rr * r.uniform(*one.v_early)
            kinds.append("W" if r.random() < 0.1 else "V")
            times.append(times[-1] + max(early, 0.32))
            if r.random() > 0.15:  # a pause follows; else another may come at once
                kinds.append("N")
                times.append(times[-1] + 2 * rr - early)
        elif draw < one.v_rate + one.s_rate and not one.irregular and before == "N":
            kinds.append("a" if r.random() < one.aberrant else "A")
            times.append(times[-1] + max(rr * r.uniform(0.6, 0.84), 0.34))
            kinds.append("N")
            times.append(times[-1] + rr * r.uniform(1.0, 1.15))
        else:
            kinds.append("N")
            times.append(times[-1] + rr)
    return np.array(times), kinds


def _waves(
    one: Heart, r: Generator, places: IntArray, kinds: list[str], length: int, hz: float
) -> FloatArray:
    before, after = round(BEFORE_S * hz), round(AFTER_S * hz)
    grid = np.arange(-before, after) / hz
    shapes = {kind: _shape(waves, grid, one.irregular) for kind, waves in one.waves.items()}
    padded = np.zeros((length + before + after, 2))
    scale = 1 + 0.05 * r.normal(size=(len(places), 2))
    fused, near = r.uniform(0.35, 0.65, len(places)), r.uniform(0.0, 0.65, len(places))
    for k, (place, kind) in enumerate(zip(places, kinds, strict=True)):
        # How much of the normal beat stands in a ventricular one differs from beat to beat.
        share = {"F": fused[k], "V": near[k], "W": near[k]}.get(kind, 0.0)
        shape = share * shapes["N"] + (1 - share) * shapes["V" if kind == "F" else kind]
        padded[place : place + before + after] += shape * scale[k]
    return padded[before : before + length]


def _shape(waves: list[tuple[float, float, float, float]], grid: FloatArray, without_p: bool) -> FloatArray:
    kept = [wave for wave in waves if not (without_p and wave[2] < -0.1)]
    shape: FloatArray = np.sum(
        [
            np.outer(np.exp(-((grid - at) ** 2) / (2 * width**2)), (first, second))
            for first, second, at, width in kept
        ],
        axis=0,
    )
    return shape


def _noise(r: Generator, length: int, hz: float, noise: float) -> FloatArray:
    """Baseline, muscle in bursts, a little mains, and electrode jolts that look like beats."""
    seconds = length / hz
    time = np.arange(length) / hz
    knots = np.arange(0, seconds + 2, 1.5)
    found = np.zeros((length, 2))
    for lead in range(2):
        found[:, lead] += np.interp(time, knots, 0.05 * noise * r.normal(size=len(knots)))
        muscle = 0.012 * noise * r.normal(size=length)
        for start in r.uniform(0, seconds, r.poisson(seconds / 60 * noise)):
            burst = slice(int(start * hz), int((start + r.uniform(2, 7)) * hz))
            muscle[burst] *= r.uniform(2, 5)
        found[:, lead] += muscle + 0.004 * np.sin(2 * np.pi * 50 * time + r.uniform(0, 6))
    for start in r.uniform(0, seconds, r.poisson(seconds / 120 * noise)):
        width = r.uniform(0.02, 0.08)
        jolt = r.uniform(0.3, 1.2, 2) * r.choice([-1, 1], 2)
        near = np.abs(time - start) < 5 * width
        found[near] += np.outer(np.exp(-((time[near] - start) ** 2) / (2 * width**2)), jolt)
    return found
