"""Disturbances of a colour micrograph: stain, focus, illumination.

Values are red, green and blue in [0, 255], shape (rows, columns, 3); the shape stays.
"""

from __future__ import annotations

import numpy as np

from medassay.core.method import method
from medassay.measures.perturbation import FloatArray, Perturbation, require_strength


@method(
    id="robustness-micrograph",
    task="robustness",
    zh="显微图像鲁棒性扰动（染色、离焦、照明）",
    en="micrograph perturbations: stain, focus, illumination",
    formula="optical density of each colour times 1 +- s, d = -log10(v / 255)",
    source="Tellez et al., Med Image Anal 58:101544, 2019 (stain in optical density)",
    check="optical densities measured; identity at strength 0",
)
def stain(values: FloatArray, strength: float, generator: np.random.Generator) -> FloatArray:
    """Optical density of each colour scaled by a factor drawn as 1 plus or minus `strength`.

    Examples
    --------
    >>> pink = np.full((4, 4, 3), 200.0)
    >>> bool((stain(pink, 0.3, np.random.default_rng(1)) != pink).all())
    True
    """
    require_strength(strength, most=1)
    density = -np.log10(np.clip(values, 1, 255) / 255)
    factors = 1 + strength * generator.choice([-1.0, 1.0], 3)
    changed: FloatArray = 255 * 10 ** (-density * factors)
    return np.where(values < 1, values, changed)


def focus(values: FloatArray, strength: float, generator: np.random.Generator) -> FloatArray:  # noqa: ARG001 - the door is the same for all
    """Normal blur; strength is its standard deviation in pixels."""
    from scipy.ndimage import gaussian_filter

    require_strength(strength)
    blurred: FloatArray = gaussian_filter(values, (strength, strength, 0), mode="nearest")
    return blurred


def illumination(values: FloatArray, strength: float, generator: np.random.Generator) -> FloatArray:
    """Light that falls off along a drawn direction, by `strength` from the brightest to the darkest side."""
    require_strength(strength, most=1)
    angle = generator.uniform(0, 2 * np.pi)
    rows, columns = (np.linspace(-1, 1, length) for length in values.shape[:2])
    slope = np.cos(angle) * rows[:, None] + np.sin(angle) * columns[None, :]
    share = (slope - slope.min()) / max(float(np.ptp(slope)), 1e-12)
    darker: FloatArray = values * (1 - strength * share)[:, :, None]
    return darker


SUITE = {
    "stain": Perturbation(stain, "change of the optical density"),
    "focus": Perturbation(focus, "standard deviation in pixels"),
    "illumination": Perturbation(illumination, "light lost at the dark side"),
}
