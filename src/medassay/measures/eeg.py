"""What a scalp EEG recording's samples tell of its quality: amplitude, flat and clipped leads, mains.

Every function takes samples of shape (n_channels, n_samples) in microvolts (one rate for all) and gives one
figure of the recording; the worst channel counts, since a detector needs all of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Samples = NDArray[np.floating]

WINDOW_S = 2.0
FLAT_UV = 0.5  # peak to peak in one second; less is an electrode that hangs loose or a disconnected lead
RUN = 3  # this many equal samples at a channel's own extreme are a rail, fewer may be chance


def amplitude_uv(samples: Samples) -> float:
    """Median over channels of the robust standard deviation (0.7413 x interquartile range), in microvolts.

    The interquartile range hardly moves with artefacts or a short seizure, and moves wholly with a wrong unit
    or a slipped decimal point.

    Examples
    --------
    >>> round(amplitude_uv(np.random.default_rng(1).normal(0, 20, (4, 5000))), 0)
    20.0
    """
    thinned = samples[:, :: max(1, samples.shape[1] // 20_000)]
    low, high = np.percentile(thinned, [25, 75], axis=1)
    return float(np.median(0.7413 * (high - low)))


def widest_ratio(samples: Samples) -> float:
    """Largest ratio of one channel's robust standard deviation to the median of all; 1 when all are alike."""
    thinned = samples[:, :: max(1, samples.shape[1] // 20_000)]
    low, high = np.percentile(thinned, [25, 75], axis=1)
    spread, middle = high - low, float(np.median(high - low))
    return float(spread.max() / middle) if middle > 0 else float("nan")


def flat_share(samples: Samples, rate_hz: float) -> float:
    """Share of seconds without signal (peak to peak below 0.5 uV) in the worst channel."""
    seconds = _windows(samples, round(rate_hz))
    flat = np.ptp(seconds, axis=2) < FLAT_UV
    return float(flat.mean(axis=1).max())


def clipped_share(samples: Samples) -> float:
    """Share of samples that stand still at the channel's own highest or lowest value, in the worst channel.

    Runs of at least three equal samples at an extreme count, so that a single peak does not.
    """
    worst = 0.0
    for channel in samples:
        low, high = channel.min(), channel.max()
        if low == high:
            continue  # a flat lead, counted as such
        at_rail = (channel == low) | (channel == high)
        if np.count_nonzero(at_rail) >= RUN:
            worst = max(worst, _in_runs(at_rail) / len(channel))
    return worst


def mains_share(samples: Samples, rate_hz: float, mains_hz: float) -> float:
    """Share of the power from 1 Hz to 1.2 times the mains that lies within 1 Hz of it, in the worst channel.

    NaN when the sampling rate cannot show the mains.
    """
    if rate_hz <= 2.4 * mains_hz:
        return float("nan")
    length = round(WINDOW_S * rate_hz)
    windows = _windows(samples, length)
    chosen = windows[:, :: max(1, windows.shape[1] // 60)]  # a minute or two tells the mains
    tapered = (chosen - chosen.mean(axis=2, keepdims=True)) * np.hanning(length).astype(samples.dtype)
    power = np.median(np.abs(fft.rfft(tapered, axis=2)) ** 2, axis=1)
    hz = fft.rfftfreq(length, 1 / rate_hz)
    band = power[:, (hz >= 1) & (hz <= 1.2 * mains_hz)].sum(axis=1)
    line = power[:, np.abs(hz - mains_hz) <= 1].sum(axis=1)
    shares = line[band > 0] / band[band > 0]
    return float(shares.max()) if len(shares) else float("nan")


def _windows(samples: Samples, length: int) -> Samples:
    """Whole windows side by side, shape (n_channels, n_windows, length); a shorter recording is one window."""
    length = min(length, samples.shape[1])
    count = samples.shape[1] // length
    return samples[:, : count * length].reshape(len(samples), count, length)


def _in_runs(flags: NDArray[np.bool_]) -> int:
    """How many flags stand in runs of at least `RUN`."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    lengths = edges[1::2] - edges[::2]
    return int(lengths[lengths >= RUN].sum())
