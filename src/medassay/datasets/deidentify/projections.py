"""Planes in which text of a series can be seen: its largest and smallest values at each place, by size and colour.

Bright text of any frame stands in the largest values, dark text in the smallest. Frames of another size have planes of
their own. Text may differ from its ground in one colour alone, so that colours are kept apart; and where few values
take most of the range (a hot pixel, a marker of metal) text is looked for in the range of the others too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]  # rows, columns; of colours a third axis of three
OUTLYING = (0.5, 99.5)  # percentiles of the values that the others lie between
FEW_TAKE_MOST = (
    0.25  # of the whole range, which the others take less than: above it their text is seen as well
)
COLOURS = 3


def projections(frames: Iterable[NDArray[np.generic]]) -> list[Image]:
    """Planes in 8 bits of all frames; none without a frame.

    Parameters
    ----------
    frames : iterable of array
        Rows by columns, or rows by columns by samples. Samples behind three colours (opacity) have their own planes.

    Examples
    --------
    >>> wide, tall = np.zeros((2, 3)), np.ones((3, 2))
    >>> [plane.shape for plane in projections([wide, wide + 1, tall])]
    [(2, 3), (2, 3), (3, 2)]
    """
    extremes: dict[tuple[int, ...], tuple[NDArray[np.float32], NDArray[np.float32]]] = {}
    for frame in frames:
        values = frame.astype(np.float32)
        if values.shape in extremes:
            largest, smallest = extremes[values.shape]
            np.maximum(largest, values, out=largest)
            np.minimum(smallest, values, out=smallest)
        else:
            extremes[values.shape] = values, values.copy()
    return [
        plane
        for largest, smallest in extremes.values()
        for values in ([largest] if np.array_equal(largest, smallest) else [largest, smallest])
        for part in _parts(values)
        for plane in _levels(part)
    ]


def _parts(values: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """Grey values and colours; colours that are all the same are grey."""
    if values.ndim == 2:
        yield values
        return
    samples = values.shape[-1]
    colours = COLOURS if samples >= COLOURS else 0
    if colours:
        shown = values[..., :COLOURS]
        grey = np.array_equal(shown[..., 0], shown[..., 1]) and np.array_equal(shown[..., 0], shown[..., 2])
        yield shown[..., 0] if grey else shown
    for sample in range(colours, samples):
        yield values[..., sample]


def _levels(values: NDArray[np.float32]) -> Iterator[Image]:
    """Values as grey levels from 0 to 255, once or twice; none where all are the same."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return
    low, high = float(finite.min()), float(finite.max())
    first, last = (float(one) for one in np.percentile(finite, OUTLYING))
    yield _scaled(values, low, high)
    if first < last < first + FEW_TAKE_MOST * (high - low):
        yield _scaled(values, first, last)


def _scaled(values: NDArray[np.float32], low: float, high: float) -> Image:
    if high <= low:
        return np.zeros(values.shape, np.uint8)
    held = np.clip(np.nan_to_num(values, nan=low, posinf=high, neginf=low), low, high)
    return ((held - low) * (255 / (high - low))).astype(np.uint8)
