"""Disturbances of a grey image or volume, on its own grid: what scanners and patients do to pictures.

Every function takes values of shape (slices, rows, columns), or (rows, columns), and gives the same shape.
Strengths that are shares relate to the grey range (1st to 99th percentile).
"""

from __future__ import annotations

import numpy as np

from medassay.core.method import method
from medassay.measures.perturbation import FloatArray, Perturbation, require_strength


def grey_range(values: FloatArray) -> tuple[float, float]:
    """1st and 99th percentile."""
    low, high = np.percentile(values, [1, 99])
    return float(low), float(high)


@method(
    id="robustness-image",
    task="robustness",
    zh="图像鲁棒性扰动（噪声、剂量、模糊、层厚、伽马、伪影）",
    en="image perturbations: noise, dose-like noise, blur, spacing, gamma, ghosting",
    formula="v + s R N(0, 1), R the 1st to 99th percentile range; the other functions name theirs",
    source="NMPA guideline on AI medical devices, 2022 (robustness); Gudbjartsson and Patz, MRM 34:910-914, 1995",
    check="measured standard deviation, Fourier spectrum and identity at strength 0",
)
def noise(values: FloatArray, strength: float, generator: np.random.Generator) -> FloatArray:
    """Independent normal noise with a standard deviation of `strength` grey ranges.

    Examples
    --------
    >>> flat = np.linspace(0, 100, 10_000).reshape(100, 100)
    >>> changed = noise(flat, 0.1, np.random.default_rng(1)) - flat
    >>> round(float(changed.std() / 98), 2)
    0.1
    """
    require_strength(strength)
    low, high = grey_range(values)
    return values + strength * (high - low) * generator.standard_normal(values.shape)


def dose(values: FloatArray, strength: float, generator: np.random.Generator) -> FloatArray:
    """Noise that grows with the root of the signal, as fewer quanta give: at the range's top as `noise`."""
    require_strength(strength)
    low, high = grey_range(values)
    share = np.clip((values - low) / (high - low), 0, None) if high > low else np.zeros_like(values)
    return values + strength * (high - low) * np.sqrt(share) * generator.standard_normal(values.shape)


def blur(values: FloatArray, strength: float, generator: np.random.Generator) -> FloatArray:  # noqa: ARG001 - the door is the same for all
    """Normal blur within slices; strength is its standard deviation in pixels."""
    from scipy.ndimage import gaussian_filter

    require_strength(strength)
    sigma = [0.0] * (values.ndim - 2) + [strength, strength]
    blurred: FloatArray = gaussian_filter(values, sigma, mode="nearest")
    return blurred


def spacing(values: FloatArray, strength: float, generator: np.random.Generator) -> FloatArray:  # noqa: ARG001 - the door is the same for all
    """As if slices were `1 + strength` times as far apart: sampled there, and interpolated back to the grid.

    A single image is sampled along its rows.
    """
    require_strength(strength)
    length = len(values)
    kept = np.unique(np.append(np.arange(0, length - 1, 1 + strength), length - 1))
    between = np.interp(np.arange(length), kept, np.arange(len(kept)))
    low = np.floor(between).astype(int)
    high = np.minimum(low + 1, len(kept) - 1)
    part = (between - low).reshape(-1, *[1] * (values.ndim - 1))
    coarse = _at(values, kept)
    mixed: FloatArray = coarse[low] * (1 - part) + coarse[high] * part
    return mixed


def gamma(values: FloatArray, strength: float, generator: np.random.Generator) -> FloatArray:  # noqa: ARG001 - the door is the same for all
    """Grey values within the range raised to the power `1 + strength`."""
    require_strength(strength)
    low, high = grey_range(values)
    if high <= low:
        return values.copy()
    share = np.clip((values - low) / (high - low), 0, 1)
    bent = low + (high - low) * share ** (1 + strength)
    return np.where((values >= low) & (values <= high), bent, values)


def ghosting(values: FloatArray, strength: float, generator: np.random.Generator) -> FloatArray:  # noqa: ARG001 - the door is the same for all
    """A copy at half the field along rows, of `strength` times the image: as periodic motion leaves it."""
    require_strength(strength, most=1)
    ghost = np.roll(values, values.shape[-2] // 2, axis=-2)
    return (values + strength * ghost) / (1 + strength)


def _at(values: FloatArray, places: FloatArray) -> FloatArray:
    """Slices at fractional places, interpolated."""
    low = np.floor(places).astype(int)
    high = np.minimum(low + 1, len(values) - 1)
    part = (places - low).reshape(-1, *[1] * (values.ndim - 1))
    mixed: FloatArray = values[low] * (1 - part) + values[high] * part
    return mixed


SUITE = {
    "noise": Perturbation(noise, "standard deviation in grey ranges"),
    "dose": Perturbation(dose, "standard deviation at the top of the grey range, in ranges"),
    "blur": Perturbation(blur, "standard deviation in pixels"),
    "spacing": Perturbation(spacing, "how much farther apart slices lie, in their own distance"),
    "gamma": Perturbation(gamma, "exponent above 1"),
    "ghosting": Perturbation(ghosting, "ghost over image"),
}
