"""Samples of one signal over a range of time, in physical units: what every waveform reader hands out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse

FloatArray = NDArray[np.float64]

MOST_SAMPLES = 1 << 26  # of one call: 512 MiB of numbers


@dataclass(frozen=True)
class Series:
    """One signal at its own rate. A sample that was not measured, or lies in a gap, is NaN.

    Attributes
    ----------
    label : str
        As the file gives it: free text, it may identify.
    unit : str
        Physical unit of `values`, as the file gives it.
    start_s : float
        Time of the first value, in seconds from the start of the recording.
    values : shape (n,)
    """

    label: str
    unit: str
    rate_hz: float
    start_s: float
    values: FloatArray


def window(start_s: float, stop_s: float | None, rate_hz: float, length: int) -> tuple[int, int]:
    """First sample and the one behind the last whose times lie in [start_s, stop_s).

    Parameters
    ----------
    stop_s : float or None
        None: to the end of the recording.
    length : int
        Samples in the whole recording at this rate, those in gaps included.

    Raises
    ------
    WrongUse
        When the range is none, or asks for more than `MOST_SAMPLES` at once.

    Examples
    --------
    >>> window(0.5, 2.0, 4.0, 100)
    (2, 8)
    """
    stop = length if stop_s is None else _at_or_after(stop_s, rate_hz)
    if math.isnan(start_s) or start_s < 0 or (stop_s is not None and not stop_s >= start_s):
        raise WrongUse(
            found=f"a range from {start_s} to {stop_s} s",
            wanted="seconds from the start of the recording, the end not before the start",
            remedy="Ask for another range.",
        )
    first, last = min(_at_or_after(start_s, rate_hz), length), min(stop, length)
    if last - first > MOST_SAMPLES:
        raise WrongUse(
            found=f"a range of {last - first} samples",
            wanted=f"at most {MOST_SAMPLES} at once",
            remedy="Read the recording part by part.",
        )
    return first, last


def _at_or_after(time_s: float, rate_hz: float) -> int:
    """The first sample not before a time; a time within a thousandth of a sample is that sample's."""
    if math.isinf(time_s):
        return 1 << 62
    return math.ceil(time_s * rate_hz - 1e-3)
