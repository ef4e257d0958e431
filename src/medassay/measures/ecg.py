"""How good an ECG recording is: flat, clipped, lost, noisy or wrongly scaled leads, from samples alone.

Every function takes millivolts of shape (length, leads), NaN where nothing was measured, and gives one figure
a lead. What a lead is good for is not said here; limits stand in the quality spec.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

FLAT_MV = 0.01  # a second that moves less holds no heart beat
SAME_RUN = 4  # equal samples in a row at the lead's end of range


def lost_share(signal_mv: FloatArray) -> FloatArray:
    """Share of samples that were not measured."""
    share: FloatArray = np.isnan(signal_mv).mean(axis=0)
    return share


def flat_share(signal_mv: FloatArray, sampling_hz: float) -> FloatArray:
    """Share of whole seconds in which the lead moves less than 0.01 mV, or was not measured.

    Examples
    --------
    >>> lead = np.sin(np.arange(7200) / 50)[:, None] * (np.arange(7200) < 3600)[:, None]
    >>> flat_share(lead, 360).tolist()
    [0.5]
    """
    seconds = _in_windows(signal_mv, round(sampling_hz))
    share: FloatArray = (_range(seconds) < FLAT_MV).mean(axis=0)
    return share


def clipped_share(signal_mv: FloatArray) -> FloatArray:
    """Share of samples in runs of 4 or more equal ones at the lead's highest or lowest value.

    A lead that never moves is flat, not clipped.
    """
    found = np.zeros(signal_mv.shape[1])
    for lead, values in enumerate(signal_mv.T):
        measured = values[~np.isnan(values)]
        if len(measured) and measured.min() < measured.max():
            ends = (measured.max(), measured.min())
            found[lead] = sum(_in_long_runs(measured == end) for end in ends) / len(values)
    return found


def mains_share(signal_mv: FloatArray, sampling_hz: float) -> FloatArray:
    """Power within 1 Hz of 50 or 60 Hz, whichever is more, as a share of the power from 1 to 70 Hz.

    NaN for a lead without any power; 0 where the sampling rate cannot hold mains.
    """
    frequency, power = _spectrum(signal_mv, sampling_hz)
    band = power[(frequency >= 1) & (frequency <= 70)].sum(axis=0)
    mains = np.max([power[np.abs(frequency - hz) <= 1].sum(axis=0) for hz in (50.0, 60.0)], axis=0)
    share: FloatArray = np.divide(mains, band, out=np.full(len(band), np.nan), where=band > 0)
    return share


def amplitude_mv(signal_mv: FloatArray, sampling_hz: float) -> FloatArray:
    """Median over windows of two seconds of the range within the window: about one QRS complex, tip to tip."""
    windows = _in_windows(signal_mv, round(2 * sampling_hz))
    amplitude: FloatArray = np.median(_range(windows), axis=0)
    return amplitude


def noise_mv(signal_mv: FloatArray, sampling_hz: float) -> FloatArray:
    """Robust spread of what lies above 15 Hz between the beats: muscle and mains.

    The median over windows of 0.1 s of the standard deviation in the window; QRS complexes fill fewer than
    half of the windows and so do not count.
    """
    from scipy.signal import butter, sosfiltfilt

    filled = _filled(signal_mv)
    high = sosfiltfilt(butter(2, 15, "highpass", fs=sampling_hz, output="sos"), filled, axis=0)
    spread: FloatArray = np.median(_in_windows(high, round(0.1 * sampling_hz)).std(axis=1), axis=0)
    return spread


def wander_mv(signal_mv: FloatArray, sampling_hz: float) -> FloatArray:
    """Standard deviation of the medians of windows of one second: how far the baseline moves."""
    seconds = _in_windows(_filled(signal_mv), round(sampling_hz))
    wander: FloatArray = np.median(seconds, axis=1).std(axis=0)
    return wander


def _in_windows(signal: FloatArray, width: int) -> FloatArray:
    """Whole windows, shape (windows, width, leads); a recording shorter than one is one window."""
    width = min(max(width, 1), len(signal))
    whole = len(signal) // width
    return signal[: whole * width].reshape(whole, width, signal.shape[1])


def _range(windows: FloatArray) -> FloatArray:
    """Range of each window and lead; one that was not measured has none."""
    low = np.where(np.isnan(windows), np.inf, windows).min(axis=1)
    high = np.where(np.isnan(windows), -np.inf, windows).max(axis=1)
    moved: FloatArray = np.maximum(high - low, 0.0)
    return moved


def _filled(signal_mv: FloatArray) -> FloatArray:
    """Lost samples at the lead's median, so that filters may run over them."""
    lost = np.isnan(signal_mv)
    if not lost.any():
        return signal_mv
    median = np.array([np.median(v[~np.isnan(v)]) if (~np.isnan(v)).any() else 0.0 for v in signal_mv.T])
    filled: FloatArray = np.where(lost, median, signal_mv)
    return filled


def _in_long_runs(equal: NDArray[np.bool_]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], equal, [False]])))
    lengths = edges[1::2] - edges[::2]
    return int(lengths[lengths >= SAME_RUN].sum())


def _spectrum(signal_mv: FloatArray, sampling_hz: float) -> tuple[FloatArray, FloatArray]:
    from scipy.signal import welch

    frequency, power = welch(_filled(signal_mv), fs=sampling_hz, nperseg=min(1024, len(signal_mv)), axis=0)
    return frequency, power
