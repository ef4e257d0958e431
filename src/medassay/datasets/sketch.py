"""Sketches: a few kilobytes a sample that stay alike when content is re-encoded, cropped or resampled.

An image is kept as a small grey picture, a volume as the mean of its slices, a recording as the times of its
landmarks: whatever of a recording is kept, the intervals between its peaks are those of its subject on that
day. A sketch is made while the samples are in memory and compared when a version is frozen
(`near_duplicates`); it holds no more than the de-identified object that it was made of.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
LONG_SIDE = 64  # pixels of the small picture
RATE_PER_SPACING = 32  # grid points between two landmarks at their closest
MOST_LANDMARKS = 20_000  # the first ones of a long recording: about five hours of heart beats
FEWEST_LANDMARKS = 12  # fewer say nothing


@dataclass(frozen=True)
class Sketch:
    """One sample's sketch. `content` is a grey picture, or times in units of a hundredth of the spacing."""

    form: Literal["image", "signal"]
    content: NDArray[np.uint8] | NDArray[np.int64]

    def to_bytes(self) -> bytes:
        """One letter, the shape, the numbers."""
        if self.form == "image":
            rows, columns = self.content.shape
            return b"I" + struct.pack("<BB", rows, columns) + self.content.astype("<u1").tobytes()
        return b"S" + self.content.astype("<u4").tobytes()

    @classmethod
    def from_bytes(cls, content: bytes) -> Sketch:
        """Read back what `to_bytes` wrote."""
        if content[:1] == b"I":
            rows, columns = struct.unpack("<BB", content[1:3])
            return cls("image", np.frombuffer(content[3:], "<u1").reshape(rows, columns))
        return cls("signal", np.frombuffer(content[1:], "<u4").astype(np.int64))


def of_image(values: ArrayLike) -> Sketch | None:
    """The sketch of an image (rows, columns), or of a volume or cine (slices, rows, columns).

    Returns
    -------
    Sketch or None
        None where the content does not vary, or is smaller than 8 pixels: it says nothing.

    Examples
    --------
    >>> of_image(np.add.outer(np.arange(100), np.arange(200))).content.shape
    (32, 64)
    """
    import cv2

    picture = np.asarray(values, np.float64)
    if picture.ndim == 3:
        picture = picture.mean(axis=0)
    if picture.ndim != 2 or min(picture.shape) < 8 or not np.isfinite(picture).all():
        return None
    low, high = np.percentile(picture, (1, 99))
    if high <= low:
        return None
    scaled = np.clip((picture - low) / (high - low), 0, 1).astype(np.float32)
    factor = LONG_SIDE / max(picture.shape)
    rows, columns = (max(8, round(side * factor)) for side in picture.shape)
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    small = cv2.resize(scaled, (columns, rows), interpolation=method)
    return Sketch("image", np.rint(small * 255).astype(np.uint8))


def of_signal(samples: ArrayLike, rate: float, *, spacing: float) -> Sketch | None:
    """The landmarks of a recording: peaks of how fast it moves, none nearer to another than the spacing.

    Parameters
    ----------
    samples : shape (n_samples, n_channels), any unit; NaN where not measured
        Channels in any order, sign, gain and offset give the same landmarks.
    rate : float
        Samples a unit of time.
    spacing : float
        Least distance between landmarks, in the same unit of time: of heart beats 0.5 s, of glucose 90 min.

    Returns
    -------
    Sketch or None
        None where there are too few landmarks to tell anything.
    """
    from scipy import ndimage

    grid = _on_grid(np.asarray(samples, np.float64), rate, spacing)
    if grid is None:
        return None
    motion = _motion(grid)
    crest = ndimage.maximum_filter1d(motion, RATE_PER_SPACING + 1, mode="nearest")
    peaks = np.flatnonzero((motion == crest) & (motion > np.median(motion)))
    peaks = peaks[(peaks > 0) & (peaks < len(motion) - 1)]
    if len(peaks) < FEWEST_LANDMARKS:
        return None
    before, at, after = motion[peaks - 1], motion[peaks], motion[peaks + 1]
    bend = before - 2 * at + after
    shift = np.where(bend < 0, 0.5 * (before - after) / np.where(bend < 0, bend, 1), 0.0)
    times = np.rint((peaks + shift) * 100 / RATE_PER_SPACING).astype(np.int64)
    return Sketch("signal", times[:MOST_LANDMARKS])


def _on_grid(samples: FloatArray, rate: float, spacing: float) -> FloatArray | None:
    """Channels on a grid of 32 points a spacing, gaps bridged; None: too short, or nothing measured."""
    from scipy.signal import resample_poly

    if not (rate > 0 and np.isfinite(rate)) or len(samples) < 2 or not samples.size:
        return None
    columns = samples.reshape(len(samples), -1).T
    wanted = RATE_PER_SPACING / spacing
    if len(samples) / rate * wanted < RATE_PER_SPACING * FEWEST_LANDMARKS:
        return None
    whole = []
    for channel in columns:
        measured = np.flatnonzero(np.isfinite(channel))
        if len(measured) > 1 and np.ptp(channel[measured]) > 0:
            whole.append(np.interp(np.arange(len(channel)), measured, channel[measured]))
    if not whole:
        return None
    stacked = np.array(whole)
    narrow = int(rate // (2 * wanted))
    if narrow > 1:  # thin out first, so that the last step is an interpolation between near neighbours
        stacked = resample_poly(stacked, 1, narrow, axis=1, padtype="median")
        rate = rate / narrow
    at = np.arange(0, (stacked.shape[1] - 1) / rate, 1 / wanted)
    return np.array([np.interp(at * rate, np.arange(stacked.shape[1]), channel) for channel in stacked])


def _motion(grid: FloatArray) -> FloatArray:
    """How fast all channels together move, each in units of its own spread."""
    from scipy import ndimage

    slope = ndimage.gaussian_filter1d(grid, RATE_PER_SPACING / 20, axis=1, order=1)
    spread = np.median(np.abs(slope), axis=1, keepdims=True)
    usable = spread[:, 0] > 0
    if not usable.any():
        usable, spread = np.ones(len(grid), bool), np.std(slope, axis=1, keepdims=True)
    motion = np.sqrt(np.square(slope[usable] / np.where(spread[usable] > 0, spread[usable], 1)).mean(axis=0))
    smooth: FloatArray = ndimage.gaussian_filter1d(motion, RATE_PER_SPACING / 8)
    return smooth
