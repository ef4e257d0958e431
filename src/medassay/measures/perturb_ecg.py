"""Disturbances of an ECG: mains, baseline, muscle noise at a calibrated ratio, leads lost or swapped, resampling.

Every function takes millivolts of shape (samples, leads) and a sampling rate, and gives the same shape. Ratios
are of root mean squares to the lead's own spread, so that 10^(-SNR / 20) is the strength: 0.25 is 12 dB.
"""

from __future__ import annotations

import numpy as np

from medassay.core.method import method
from medassay.measures.perturbation import FloatArray, Perturbation, require_strength, whole

MAINS_HZ = 50.0


def power_of(values: FloatArray) -> FloatArray:
    """Root mean square of each lead about its median, as the signal-to-noise ratio takes it."""
    around = values - np.nanmedian(values, axis=0)
    size: FloatArray = np.sqrt(np.nanmean(around**2, axis=0))
    return size


@method(
    id="robustness-ecg",
    task="robustness",
    zh="心电鲁棒性扰动（工频、基线漂移、肌电、导联脱落与错接、重采样）",
    en="ECG perturbations: mains, baseline, muscle noise, lead loss, lead swap, resampling",
    formula="x + s rms(x) u, u of unit rms: SNR = -20 log10 s; the other functions name theirs",
    source="Moody, Muldrow and Mark, Comput Cardiol 11:381-384, 1984 (noise at a calibrated SNR); IEC 60601-2-47",
    check="measured SNR and spectrum; identity at strength 0",
)
def muscle(values: FloatArray, strength: float, generator: np.random.Generator, rate_hz: float) -> FloatArray:
    """Noise of 20 Hz and more; strength is its root mean square over the lead's.

    Examples
    --------
    >>> wave = np.sin(np.arange(5000) / 40)[:, None]
    >>> added = muscle(wave, 0.25, np.random.default_rng(1), 250.0) - wave
    >>> round(float(-20 * np.log10(np.sqrt((added**2).mean() / (wave**2).mean()))), 1)
    12.0
    """
    from scipy.signal import butter, sosfiltfilt

    require_strength(strength)
    filtered = sosfiltfilt(
        butter(4, min(20.0, 0.4 * rate_hz), "highpass", fs=rate_hz, output="sos"),
        generator.standard_normal(values.shape),
        axis=0,
    )
    return _added(values, filtered, strength)


def mains(values: FloatArray, strength: float, generator: np.random.Generator, rate_hz: float) -> FloatArray:
    """A 50 Hz sine in all leads; strength is its root mean square over the lead's."""
    require_strength(strength)
    time = np.arange(len(values)) / rate_hz
    wave = np.sin(2 * np.pi * (MAINS_HZ * time + generator.random()))
    return _added(values, np.repeat(wave[:, None], values.shape[1], axis=1), strength)


def baseline(
    values: FloatArray, strength: float, generator: np.random.Generator, rate_hz: float
) -> FloatArray:
    """Wander at the pace of breathing (0.15 to 0.4 Hz); strength as for `mains`."""
    require_strength(strength)
    time = np.arange(len(values)) / rate_hz
    waves = [
        np.sin(2 * np.pi * (hz * time[:, None] + generator.random(values.shape[1])))
        for hz in generator.uniform(0.15, 0.4, 3)
    ]
    return _added(values, np.sum(waves, axis=0), strength)


def lead_loss(
    values: FloatArray,
    strength: float,
    generator: np.random.Generator,
    rate_hz: float,  # noqa: ARG001 - the door is the same for all
) -> FloatArray:
    """`strength` leads, drawn, are flat at their median."""
    lost = generator.permutation(values.shape[1])[: whole(strength, values.shape[1])]
    changed = values.copy()
    changed[:, lost] = np.nanmedian(values[:, lost], axis=0)
    return changed


def lead_swap(
    values: FloatArray,
    strength: float,
    generator: np.random.Generator,
    rate_hz: float,  # noqa: ARG001 - the door is the same for all
) -> FloatArray:
    """`strength` pairs of leads, drawn, are exchanged under names that stay."""
    pairs = whole(strength, values.shape[1] // 2)
    drawn = generator.permutation(values.shape[1])
    order = np.arange(values.shape[1])
    for pair in range(pairs):
        one, other = drawn[2 * pair], drawn[2 * pair + 1]
        order[[one, other]] = order[[other, one]]
    return values[:, order]


def resampling(
    values: FloatArray,
    strength: float,
    generator: np.random.Generator,  # noqa: ARG001 - the door is the same for all
    rate_hz: float,  # noqa: ARG001 - the door is the same for all
) -> FloatArray:
    """As if recorded at 1 / (1 + strength) of the rate, and brought back linearly to the same instants."""
    require_strength(strength)
    places = np.arange(len(values))
    kept = np.append(np.arange(0, len(values) - 1, 1 + strength), len(values) - 1)
    columns = [np.interp(places, kept, np.interp(kept, places, column)) for column in values.T]
    return np.column_stack(columns)


def _added(values: FloatArray, shape: FloatArray, strength: float) -> FloatArray:
    size = np.sqrt((shape**2).mean(axis=0))
    unit = np.divide(shape, size, out=np.zeros_like(shape), where=size > 0)
    disturbed: FloatArray = values + strength * power_of(values) * unit
    return disturbed


SUITE = {
    "mains": Perturbation(mains, "root mean square over the lead's"),
    "baseline": Perturbation(baseline, "root mean square over the lead's"),
    "muscle": Perturbation(muscle, "root mean square over the lead's: 10^(-SNR / 20)"),
    "lead_loss": Perturbation(lead_loss, "leads lost"),
    "lead_swap": Perturbation(lead_swap, "pairs exchanged"),
    "resampling": Perturbation(resampling, "how much longer the sampling interval is, in itself"),
}
