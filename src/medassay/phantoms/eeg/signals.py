"""Synthetic scalp EEG in microvolts: background, artefacts that resemble seizures, and evolving discharges.

All of it is drawn from one generator, so that the same seed gives the same samples. Shapes are
(19 electrodes, samples); the electrodes stand in the order of `TEN_TWENTY`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from medassay.formats.waveform.electrodes import TEN_TWENTY

Wave = NDArray[np.float32]
Frequencies = NDArray[np.float64]
Shape = Callable[[Frequencies], Frequencies]

# Positions on the head seen from above: x to the right ear, y to the nose.
POSITIONS = np.array(
    [
        *((-0.31, 0.95), (0.31, 0.95), (-0.81, 0.59), (-0.40, 0.50), (0.0, 0.5), (0.40, 0.50), (0.81, 0.59)),
        *((-1.0, 0.0), (-0.5, 0.0), (0.0, 0.0), (0.5, 0.0), (1.0, 0.0)),
        *((-0.81, -0.59), (-0.40, -0.50), (0.0, -0.5), (0.40, -0.50), (0.81, -0.59)),
        *((-0.31, -0.95), (0.31, -0.95)),
    ]
)
OCCIPITAL = (0.0, -1.1)
EYES = (0.0, 1.25)
TEMPORAL = [TEN_TWENTY.index(name) for name in ("F7", "F8", "T7", "T8", "P7", "P8")]


@dataclass(frozen=True)
class Seizure:
    """One discharge: it starts fast and small in one place, and grows, slows and spreads."""

    onset_s: float
    duration_s: float
    amplitude_uv: float
    start_hz: float
    end_hz: float
    focus: int  # electrode


@dataclass(frozen=True)
class Scene:
    """What one recording holds beside its background."""

    rate_hz: int
    duration_s: int
    seizures: tuple[Seizure, ...]
    background_uv: float
    alpha_uv: float
    mains_uv: float
    artefacts_per_minute: float
    slow_bursts_per_minute: float


def synthesise(rng: np.random.Generator, scene: Scene) -> tuple[Wave, list[tuple[float, float]]]:
    """Samples, and the times of benign rhythmic bursts that a hasty reader may take for a seizure."""
    wave = _background(rng, scene)
    for seizure in scene.seizures:
        _add_seizure(rng, wave, seizure, scene.rate_hz)
    bursts = _slow_bursts(rng, wave, scene)
    _blinks(rng, wave, scene)
    _muscle(rng, wave, scene)
    time = np.arange(wave.shape[1], dtype=np.float32) / scene.rate_hz
    hum = np.sin(2 * np.pi * 50 * time + rng.uniform(0, 6)).astype(np.float32)
    wave += (scene.mains_uv * rng.uniform(0.3, 1.7, len(wave)))[:, None].astype(np.float32) * hum
    return wave, bursts


def _reach(place: tuple[float, float] | NDArray[np.float64], width: float) -> Wave:
    """How strongly a source at `place` is seen at each electrode."""
    distance = np.linalg.norm(POSITIONS - np.asarray(place), axis=1)
    reach: Wave = np.exp(-((distance / width) ** 2)).astype(np.float32)
    return reach


def _noise(rng: np.random.Generator, rows: int, rate_hz: int, samples: int, shape: Shape) -> Wave:
    """Gaussian noise of a given amplitude spectrum (a function of Hz), scaled to unit standard deviation."""
    length = fft.next_fast_len(samples, real=True)
    amplitude = shape(fft.rfftfreq(length, 1 / rate_hz)).astype(np.float32)
    drawn = rng.standard_normal((rows, 2 * len(amplitude)), np.float32).view(np.complex64)
    wave = fft.irfft(drawn * amplitude, n=length, axis=1)[:, :samples]
    scaled: Wave = wave / wave.std(axis=1, keepdims=True)
    return scaled


def _background(rng: np.random.Generator, scene: Scene) -> Wave:
    """Pink noise of few shared sources and of each electrode, and an alpha rhythm at the back."""
    samples = scene.rate_hz * scene.duration_s
    slope, alpha_hz = rng.uniform(0.75, 1.0), rng.uniform(8.5, 11)

    def pink(hz: Frequencies) -> Frequencies:
        return np.where((hz > 0.4) & (hz < 70), 1 / np.maximum(hz, 0.4) ** slope, 0.0)

    def alpha(hz: Frequencies) -> Frequencies:
        peak: Frequencies = np.exp(-(((hz - alpha_hz) / 0.7) ** 2))
        return peak

    drawn = _noise(rng, 6 + len(POSITIONS), scene.rate_hz, samples, pink)
    sources, own = drawn[:6], drawn[6:]
    places = rng.uniform(-1, 1, (6, 2))
    mixing = np.stack([_reach(place, 0.9) for place in places], axis=1)
    wave = mixing @ sources + np.float32(0.6) * own
    wave *= np.float32(scene.background_uv) / wave.std(axis=1, keepdims=True)
    rhythm = _noise(rng, 1, scene.rate_hz, samples, alpha)[0]
    wave += np.float32(scene.alpha_uv) * _reach(OCCIPITAL, 0.9)[:, None] * rhythm
    return wave.astype(np.float32)


def _add_seizure(rng: np.random.Generator, wave: Wave, one: Seizure, rate_hz: int) -> None:
    first, count = round(one.onset_s * rate_hz), round(one.duration_s * rate_hz)
    share = np.linspace(0, 1, count, dtype=np.float32)
    hz = one.start_hz * (one.end_hz / one.start_hz) ** share
    wander = np.cumsum(rng.standard_normal(count)) * 0.25 / np.sqrt(rate_hz)
    phase = 2 * np.pi * np.cumsum(hz) / rate_hz + wander
    sharp = rng.uniform(0.2, 0.6)
    rhythm = np.sin(phase) + sharp * np.sin(2 * phase + 0.8) + 0.4 * sharp * np.sin(3 * phase + 1.6)
    rhythm /= rhythm.std()
    envelope = np.minimum(0.25 + 1.5 * share, 1.0) * np.minimum((1 - share) / 0.08, 1.0)
    near, far = _reach(POSITIONS[one.focus], 0.5), _reach(POSITIONS[one.focus], 1.1)
    spread = np.clip((share - 0.2) / 0.5, 0, 1)
    gain = near[:, None] * (1 - spread) + far[:, None] * spread
    wave[:, first : first + count] += (one.amplitude_uv * envelope * rhythm * gain).astype(np.float32)


def _moments(rng: np.random.Generator, per_minute: float, scene: Scene, longest_s: float) -> list[float]:
    count = rng.poisson(per_minute * scene.duration_s / 60)
    return [float(value) for value in rng.uniform(0, scene.duration_s - longest_s, count)]


def _slow_bursts(rng: np.random.Generator, wave: Wave, scene: Scene) -> list[tuple[float, float]]:
    """Rhythms that no reader should take for a seizure: theta of drowsiness, and a limb that beats time.

    Theta swells and fades; the beating comes at once and shakes all leads on one side. Neither slows nor
    spreads.
    """
    bursts = []
    for start in _moments(rng, scene.slow_bursts_per_minute, scene, 24):
        beating = rng.random() < 0.35
        length = float(rng.uniform(8, 22))
        span = slice(round(start * scene.rate_hz), round((start + length) * scene.rate_hz))
        time = np.arange(span.stop - span.start) / scene.rate_hz
        hz = rng.uniform(2.5, 4.5) if beating else rng.uniform(4.5, 7)
        phase = 2 * np.pi * hz * time + rng.uniform(0, 6)
        if beating:
            rhythm, width = np.sign(np.sin(phase)) * np.abs(np.sin(phase)) ** 0.5, 1.2
        else:
            rhythm, width = np.sin(phase) * np.hanning(len(time)), 0.8
        place = POSITIONS[int(rng.integers(len(POSITIONS)))]
        gain = rng.uniform(18, 55) * _reach(place, width)
        wave[:, span] += (gain[:, None] * rhythm).astype(np.float32)
        bursts.append((start, start + length))
    return bursts


def _blinks(rng: np.random.Generator, wave: Wave, scene: Scene) -> None:
    gain = _reach(EYES, 0.75)
    shape = np.hanning(round(0.35 * scene.rate_hz))
    for start in _moments(rng, 9, scene, 1):
        first = round(start * scene.rate_hz)
        height = rng.uniform(60, 160)
        wave[:, first : first + len(shape)] += (height * gain[:, None] * shape).astype(np.float32)


def _muscle(rng: np.random.Generator, wave: Wave, scene: Scene) -> None:
    """Bursts of 20 to 90 Hz over temporal electrodes, some of them in the rhythm of chewing."""
    for start in _moments(rng, scene.artefacts_per_minute, scene, 20):
        count = round(rng.uniform(2, 18) * scene.rate_hz)
        noise = _noise(rng, len(TEMPORAL), scene.rate_hz, count, _muscle_band)
        if rng.random() < 0.4:
            time = np.arange(count) / scene.rate_hz
            noise *= (np.sin(2 * np.pi * rng.uniform(1.2, 2.2) * time) > 0.2).astype(np.float32)
        first = round(start * scene.rate_hz)
        wave[TEMPORAL, first : first + count] += rng.uniform(10, 60) * noise


def _muscle_band(hz: Frequencies) -> Frequencies:
    return np.where((hz > 20) & (hz < 90), 1.0, 0.0)
