"""Areas of the surface elements of a mask: what the corners of its voxels say about the surface between them.

A surface element lies at a lattice point where voxels meet, four in 2-D and eight in 3-D. Which of them belong
to the mask fixes the piece of surface there, by marching cubes with the surface half way along every edge that
joins a voxel inside to one outside. The rarer kind of voxel is cut off, each group of face neighbours by a
polygon of its own, so that a mask and its complement have one surface.

References
----------
Lorensen and Cline, Computer Graphics 21:163-169, 1987; Nikolov et al., J Med Internet Res 23:e26151, 2021,
whose areas (surface-distance 0.1) these are: they agree for all 256 neighbourhoods and any spacing.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

Corner = tuple[int, ...]
FloatArray = NDArray[np.float64]
Mask = NDArray[np.bool_]
Codes = NDArray[np.uint8]

MOST_PIECES = 4


def neighbourhood_codes(mask: Mask) -> Codes:
    """Which voxels round each lattice point belong to the mask, as the bits of one number.

    Parameters
    ----------
    mask : shape (i, j) or (i, j, k), bool
        Beyond the grid is outside.

    Returns
    -------
    shape (i + 1, j + 1[, k + 1]), uint8
        0 is all outside and 2^(2^dimensions) - 1 all inside; anything else is a surface element.

    Examples
    --------
    >>> neighbourhood_codes(np.array([[True]])).tolist()
    [[8, 4], [2, 1]]
    """
    codes: Codes = np.zeros(tuple(n + 1 for n in mask.shape), np.uint8)
    for bit, corner in enumerate(_corners(mask.ndim)):
        place = tuple(slice(1 - at, 1 - at + n) for at, n in zip(corner, mask.shape, strict=True))
        codes[place] |= mask.view(np.uint8) << np.uint8(bit)
    return codes


def element_areas(spacing_mm: Sequence[float]) -> FloatArray:
    """The area of each neighbourhood's surface element, by its code.

    Parameters
    ----------
    spacing_mm : length 2 or 3, in the order of the axes

    Returns
    -------
    shape (16,) in mm (the length of a contour), or shape (256,) in mm2

    Examples
    --------
    >>> areas = element_areas((1.0, 1.0, 1.0))
    >>> float(areas[0b1111]), round(float(areas[0b1]), 4)  # a plane of voxels; a single corner
    (1.0, 0.2165)
    """
    spacing = np.asarray(spacing_mm, np.float64)
    # An area vector grows along an axis by the spacing of the two others, a contour's normal by the other one.
    stretch = np.prod(spacing) / spacing
    areas: FloatArray = np.linalg.norm(_table(len(spacing)) * stretch, axis=-1).sum(axis=-1)
    return areas


@lru_cache(maxsize=2)
def _table(dimensions: int) -> FloatArray:
    """Area vectors of each neighbourhood's pieces for a spacing of one, shape (codes, 4, dimensions)."""
    corners = _corners(dimensions)
    table = np.zeros((2 ** len(corners), MOST_PIECES, dimensions))
    for code in range(len(table)):
        inside = [corner for bit, corner in enumerate(corners) if code >> bit & 1]
        groups = _groups(_rarer(inside, corners))
        for piece, normal in enumerate(n for group in groups for n in _normals(group, dimensions)):
            table[code, piece] = normal
    table.setflags(write=False)
    return table


def _corners(dimensions: int) -> list[Corner]:
    return list(product((0, 1), repeat=dimensions))


def _rarer(inside: list[Corner], corners: list[Corner]) -> list[Corner]:
    return inside if 2 * len(inside) <= len(corners) else [c for c in corners if c not in inside]


def _beside(corner: Corner) -> list[Corner]:
    return [tuple(at ^ (axis == other) for axis, at in enumerate(corner)) for other in range(len(corner))]


def _groups(corners: list[Corner]) -> list[list[Corner]]:
    """Corners that hang together along edges."""
    left, groups = set(corners), []
    while left:
        group = [min(left)]
        left.discard(group[0])
        for corner in group:  # grows while it is walked
            found = [c for c in _beside(corner) if c in left]
            group += found
            left.difference_update(found)
        groups.append(group)
    return groups


def _normals(group: list[Corner], dimensions: int) -> list[FloatArray]:
    """Area vectors of the polygon (in 2-D: the segment) that cuts the group off."""
    # From the corner with the most neighbours of its own: there the five-cornered piece has its fold.
    inner_first = sorted(group, key=lambda c: -sum(b in group for b in _beside(c)))
    middles = [(np.add(c, b) / 2) for c in inner_first for b in _beside(c) if b not in group]
    if dimensions == 2:
        along = middles[1] - middles[0]
        return [np.array([-along[1], along[0]])]
    return [np.cross(b - a, c - a) / 2 for a, b, c in _triangles(_ring(middles))]


def _ring(points: list[FloatArray]) -> list[FloatArray]:
    """The points in the order of the polygon: neighbours lie on one face of the cube."""
    ring, left = [points[0]], points[1:]
    while left:
        place = next(i for i, point in enumerate(left) if _on_one_face(ring[-1], point))
        ring.append(left.pop(place))
    return ring


def _on_one_face(first: FloatArray, second: FloatArray) -> bool:
    return bool(((first == second) & (first != 0.5)).any())


def _triangles(ring: list[FloatArray]) -> list[tuple[FloatArray, FloatArray, FloatArray]]:
    """Cut off every other corner until a triangle is left.

    Polygons of four corners are plane, so any cut gives their area. Five corners fold at the first one; the
    twisted six are cut into the triangle of every other corner and three ears.
    """
    ears, core = [], list(ring)
    while len(core) > 3:
        for tip in ring[::2]:
            if len(core) > 3:
                place = next(i for i, point in enumerate(core) if point is tip)
                ears.append((core[place - 1], tip, core[(place + 1) % len(core)]))
                del core[place]
    return [*ears, (core[0], core[1], core[2])]
