"""From a WFDB record to beats: read, find QRS complexes, cut windows, measure intervals."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import wfdb
from numpy.typing import NDArray
from scipy.ndimage import median_filter, uniform_filter1d
from scipy.signal import butter, find_peaks, sosfiltfilt

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

MAIN_LEADS = ("MLII", "II", "MLI", "I", "ECG1")  # the first of these that a record has is the main lead
BEFORE_S, AFTER_S, WINDOW_HZ = 0.28, 0.44, 100
POINTS = round((BEFORE_S + AFTER_S) * WINDOW_HZ)
REFRACTORY_S = 0.2
FEATURES = 11


@dataclass(frozen=True)
class Beats:
    """All complexes of one recording: place, window (beats, 4, POINTS) and features (beats, FEATURES)."""

    samples: IntArray
    windows: NDArray[np.float32]
    features: NDArray[np.float32]
    sampling_hz: float


def read_beats(header: Path) -> Beats:
    """Find and describe every beat of a record."""
    record = wfdb.rdrecord(str(header.with_suffix("")))
    hz = float(record.fs)
    names = list(record.sig_name)
    main = next((names.index(name) for name in MAIN_LEADS if name in names), 0)
    other = next((k for k in range(len(names)) if k != main), main)
    leads = np.nan_to_num(np.asarray(record.p_signal, np.float64)[:, [main, other]])
    clean = sosfiltfilt(butter(2, [0.5, 40], "bandpass", fs=hz, output="sos"), leads, axis=0)
    samples = find_qrs(leads, hz)
    windows = _windows(clean, samples, hz)
    return Beats(samples, windows, _features(samples, windows, hz), hz)


def find_qrs(leads: FloatArray, hz: float) -> IntArray:
    """Samples of QRS complexes: slope energy of both leads, weighted by how far each stands out."""
    steep = sosfiltfilt(butter(2, [6, 22], "bandpass", fs=hz, output="sos"), leads, axis=0)
    energy = uniform_filter1d(np.gradient(steep, axis=0) ** 2, round(0.09 * hz), axis=0) ** 0.5
    high, low = np.percentile(energy, 97, axis=0), np.median(energy, axis=0)
    weight = np.divide(high, low, out=np.zeros(len(high)), where=low > 0)
    if not weight.any():
        return np.zeros(0, np.int64)
    envelope = (energy / np.maximum(high, 1e-12)) @ (weight / weight.sum())
    peaks, _ = find_peaks(envelope, distance=round(REFRACTORY_S * hz))
    kept = _above_neighbours(peaks, envelope)
    kept = _searched_back(kept, peaks, envelope, hz)
    return _at_main_wave(kept, steep[:, 0], hz)


def _above_neighbours(peaks: IntArray, envelope: FloatArray) -> IntArray:
    """Peaks of at least 0.3 of the usual height around; heights beyond it count as it."""
    kept = peaks[envelope[peaks] > 0.25 * np.percentile(envelope, 97)]
    for _ in range(2):
        if len(kept) < 3:
            return kept
        usual = median_filter(envelope[kept], size=15, mode="nearest")
        kept = kept[envelope[kept] > 0.3 * usual]
    return kept


def _searched_back(kept: IntArray, peaks: IntArray, envelope: FloatArray, hz: float) -> IntArray:
    """In a gap of over 1.6 usual intervals, the highest peak left over, if it is not too low."""
    if len(kept) < 4:
        return kept
    interval = np.diff(kept)
    usual = median_filter(interval, size=11, mode="nearest")
    height = median_filter(envelope[kept], size=15, mode="nearest")
    rest = np.setdiff1d(peaks, kept)
    edge = round(0.25 * hz)
    found = []
    for k in np.flatnonzero(interval > 1.6 * usual):
        inside = rest[(rest > kept[k] + edge) & (rest < kept[k + 1] - edge)]
        inside = inside[envelope[inside] > 0.2 * height[k]]
        if len(inside):
            found.append(int(inside[np.argmax(envelope[inside])]))
    return np.sort(np.concatenate([kept, np.array(found, np.int64)]))


def _at_main_wave(peaks: IntArray, steep: FloatArray, hz: float) -> IntArray:
    reach = round(0.06 * hz)
    inside = peaks[(peaks >= reach) & (peaks < len(steep) - reach)]
    around = np.abs(steep[inside[:, None] + np.arange(-reach, reach + 1)])
    return inside + around.argmax(axis=1) - reach if len(inside) else inside


def _windows(clean: FloatArray, samples: IntArray, hz: float) -> NDArray[np.float32]:
    """Both leads around each beat, and how they differ from the recording's usual beat."""
    grid = np.rint((np.arange(POINTS) / WINDOW_HZ - BEFORE_S) * hz).astype(np.int64)
    places = (samples[:, None] + grid).clip(0, len(clean) - 1)
    cut = clean[places].transpose(0, 2, 1)  # beats, leads, points
    if not len(cut):
        return np.zeros((0, 4, POINTS), np.float32)
    usual = np.median(cut, axis=0)
    scale = np.maximum(np.ptp(usual, axis=1), 0.05)[:, None]
    return np.concatenate([cut / scale, (cut - usual) / scale], axis=1).astype(np.float32)


def _features(samples: IntArray, windows: NDArray[np.float32], hz: float) -> NDArray[np.float32]:
    """Intervals against the usual one around, and shape against the usual beat."""
    if len(samples) < 3:
        return np.zeros((len(samples), FEATURES), np.float32)
    interval = np.diff(samples) / hz
    before = np.concatenate([interval[:1], interval])
    after = np.concatenate([interval, interval[-1:]])
    usual = median_filter(before, size=21, mode="nearest")
    earlier = np.concatenate([before[:1], before[:-1]])
    main, differs = windows[:, 0], windows[:, 2]
    usual_beat = main - differs
    p_wave = slice(round((BEFORE_S - 0.24) * WINDOW_HZ), round((BEFORE_S - 0.07) * WINDOW_HZ))
    qrs = slice(round((BEFORE_S - 0.06) * WINDOW_HZ), round((BEFORE_S + 0.1) * WINDOW_HZ))
    wide = (np.abs(main[:, qrs]) > 0.35 * np.abs(main[:, qrs]).max(axis=1, keepdims=True)).mean(axis=1)
    spread = np.array(
        [np.std(part[max(0, k - 10) : k + 10]) for k in range(len(before)) for part in [before]]
    )
    columns = [
        np.log(before / usual),
        np.log(after / usual),
        np.log(before / after),
        np.log(earlier / usual),
        np.log(usual),
        spread / usual,
        _alike(main[:, qrs], usual_beat[:, qrs]),
        _alike(main[:, p_wave], usual_beat[:, p_wave]),
        np.log(np.ptp(main[:, qrs], axis=1) + 0.05),
        wide,
        np.abs(differs).mean(axis=1),
    ]
    return np.nan_to_num(np.column_stack(columns)).clip(-4, 4).astype(np.float32)


def _alike(first: NDArray[np.float32], second: NDArray[np.float32]) -> FloatArray:
    a = first - first.mean(axis=1, keepdims=True)
    b = second - second.mean(axis=1, keepdims=True)
    size = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    return np.divide((a * b).sum(axis=1), size, out=np.zeros(len(a)), where=size > 0)
