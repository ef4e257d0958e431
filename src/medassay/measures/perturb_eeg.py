"""Disturbances of an EEG: channels that are lost, and line noise.

Values are microvolts of shape (samples, channels); the shape stays.
"""

from __future__ import annotations

import numpy as np

from medassay.core.method import method
from medassay.measures import perturb_ecg
from medassay.measures.perturbation import FloatArray, Perturbation, whole


@method(
    id="robustness-eeg",
    task="robustness",
    zh="脑电鲁棒性扰动（通道脱落、工频）",
    en="EEG perturbations: channel loss, line noise",
    formula="s channels at their median; x + s rms(x) sqrt(2) sin(2 pi 50 t)",
    source="NMPA guideline on AI medical devices, 2022 (robustness)",
    check="flat channels counted; measured SNR; identity at strength 0",
)
def channel_loss(
    values: FloatArray, strength: float, generator: np.random.Generator, rate_hz: float
) -> FloatArray:
    """`strength` channels, drawn, are flat at their median.

    Examples
    --------
    >>> wave = np.random.default_rng(0).standard_normal((100, 4))
    >>> int((np.ptp(channel_loss(wave, 3, np.random.default_rng(1), 200.0), axis=0) == 0).sum())
    3
    """
    return perturb_ecg.lead_loss(values, whole(strength, values.shape[1]), generator, rate_hz)


SUITE = {
    "channel_loss": Perturbation(channel_loss, "channels lost"),
    "line_noise": Perturbation(perturb_ecg.mains, "root mean square over the channel's"),
}
