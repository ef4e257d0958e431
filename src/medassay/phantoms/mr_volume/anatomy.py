"""A hippocampus-like body among tissue that looks like it, from a few drawn shape parameters.

Lengths in mm; x to the left, y to the back, z to the head, as DICOM has them. The border between the front
and the back structure is where a small medial bulge ends: to be found in the image, not from the outline.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from medassay.formats.imaging.grid import Grid, Labels

FloatArray = NDArray[np.float64]

WHITE, GREY, BODY, FLUID = 1.0, 0.75, 0.66, 0.28  # brightness in a T1 image, over white matter
BLUR_MM = 0.6


@dataclass(frozen=True, eq=False)
class Anatomy:
    """What one person's volume shows, and where its structures end."""

    tissue: FloatArray  # brightness, before the scanner
    border_mm: FloatArray  # below 0: inside the body
    behind_mm: FloatArray  # below 0: front structure, else back structure

    def labels(self, *, grown_mm: FloatArray | float = 0.0, moved_mm: float = 0.0) -> Labels:
        """Front structure 1, back structure 2; a reader's border may be grown and the division moved."""
        inside = self.border_mm - grown_mm < 0
        return np.where(inside, np.where(self.behind_mm - moved_mm < 0, 1, 2), 0).astype(np.uint8)


def anatomy(draw: np.random.Generator, grid: Grid, *, size: float) -> Anatomy:
    """Draw one person.

    Parameters
    ----------
    size : float
        Of the body over the average; an atrophied one is smaller.
    """
    z, y, x = _coordinates(grid)
    length = draw.normal(35, 2) * size ** (1 / 3)
    along = (y + length / 2 + draw.normal(0, 1.5)) / length
    s = np.clip(along, 0, 1)
    middle_x = draw.normal(0, 1.2) + draw.normal(6, 2) * (s - 0.45) ** 2
    middle_z = draw.normal(-2, 1.2) + draw.normal(6, 1.5) * s**1.6
    thickness = (
        draw.normal(4.9, 0.2) * size**0.5 * (1 + draw.normal(0.55, 0.1) * np.exp(-(((s - 0.18) / 0.2) ** 2)))
    )
    radius = thickness * (1 - 0.22 * s) * np.sqrt(1 - np.abs(2 * s - 1) ** 6)
    dx, dz = (x - middle_x) / 1.22, (z - middle_z) / 0.86
    border = np.hypot(dx, dz) - radius + 0.4 * _smooth(draw, grid, 2.5)
    border = np.where((along <= 0) | (along >= 1), np.maximum(border, 1.0), border)
    division = (draw.normal(0.43, 0.035) - along) * -length + draw.normal(0, 0.12) * (z - middle_z)
    tissue = _tissue(draw, grid, border, division, along, dx, dz)
    return Anatomy(gaussian_filter(tissue, BLUR_MM / np.array(grid.spacing_mm)), border, division)


def scanned(
    draw: np.random.Generator, tissue: FloatArray, *, grid: Grid, noise: float, contrast: float, gain: float
) -> NDArray[np.int64]:
    """Stored values of a magnitude image: less contrast, a slow shading, Rician noise, 12 bits."""
    seen = WHITE + (tissue - WHITE) * contrast
    seen = seen * (1 + 0.12 * _smooth(draw, grid, 14.0))
    real, imaginary = (draw.normal(0, noise, tissue.shape) for _ in range(2))
    magnitude = np.hypot(seen + real, imaginary)
    return np.clip(np.rint(magnitude * gain), 0, 4095).astype(np.int64)


def careless_border(draw: np.random.Generator, grid: Grid, amount_mm: float) -> FloatArray:
    """How far outside the true border a reader draws, place by place."""
    return amount_mm * _smooth(draw, grid, 2.0)


def _tissue(
    draw: np.random.Generator,
    grid: Grid,
    border: FloatArray,
    division: FloatArray,
    along: FloatArray,
    dx: FloatArray,
    dz: FloatArray,
) -> FloatArray:
    """Later lines lie over earlier ones."""
    tissue = np.where(np.abs(_smooth(draw, grid, 3.0)) < 0.12, GREY, WHITE)
    below = (dz < 0) & (border > 1.8) & (border < 4.0)
    tissue[below] = GREY
    horn = (border > 0) & (border < draw.normal(1.6, 0.3)) & (dz > -1) & (dx > -1)
    tissue[horn] = FLUID
    cistern = (dx < -draw.normal(8.5, 0.8)) & (np.abs(dz) < 7)
    tissue[cistern] = FLUID
    almond = np.hypot(np.hypot(dx, dz - 4.5), (along + 0.06) * 26) < draw.normal(6.5, 0.5)
    tissue[almond & (border > 0.3)] = GREY
    bulge = (border > 0) & (border < 3.2) & (dx < -2) & (division < 0) & (along > 0.1)
    tissue[bulge] = GREY
    inside = border < 0
    tissue[inside] = BODY + 0.02 * _smooth(draw, grid, 1.5)[inside]
    return tissue


def _coordinates(grid: Grid) -> tuple[FloatArray, FloatArray, FloatArray]:
    """mm from the middle of the volume, along slices, rows and columns."""
    axes = [(np.arange(n) - (n - 1) / 2) * step for n, step in zip(grid.shape, grid.spacing_mm, strict=True)]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    return z, y, x


def _smooth(draw: np.random.Generator, grid: Grid, scale_mm: float) -> FloatArray:
    """A random field of unit variance that varies over `scale_mm`."""
    field = gaussian_filter(
        draw.standard_normal(grid.shape), scale_mm / np.array(grid.spacing_mm), mode="wrap"
    )
    unit: FloatArray = (field - field.mean()) / field.std()
    return unit
