"""Matlab files of the PhysioNet/CinC challenges: one matrix `val`, a row a signal, a column a sample.

A header beside it makes it a WFDB record in format 16 with an offset, read by `wfdb_segments`. Alone it states
neither rate nor unit nor gain: whoever asks for samples says them.

References
----------
MathWorks, "MAT-File Level 4 File Format" and "Level 5"; PhysioNet/CinC Challenge 2017 and 2020 descriptions.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.waveform.content import Content, FileBytes, Source, content_of
from medassay.formats.waveform.series import MOST_SAMPLES, Series, window

SOURCE = "MAT-File Format"
LEVEL_5 = b"MATLAB 5.0 MAT-file"
LARGEST_LEVEL_5 = 1 << 26  # bytes; it may be compressed and has to be read as one
_TYPES = {0: "<f8", 10: "<f4", 20: "<i4", 30: "<i2", 40: "<u2", 50: "u1"}  # little endian, numeric, full
_NAME = re.compile(rb"[A-Za-z]\w{0,62}\x00")


class MatrixUnreadable(WrongUse):
    """No matrix of samples; `reason` is what a finding says of it."""

    def __init__(self, reason: Reason, *, found: str, wanted: str) -> None:
        super().__init__(found=found, wanted=wanted, remedy="Save the matrix again.")
        self.reason = reason


@dataclass(frozen=True)
class Opened:
    """A matrix of samples whose header was read. `values` is there for a level 5 file, which is read whole."""

    content: Content = field(repr=False)
    level: int
    signals: int
    length: int  # samples a signal
    kind: str  # numpy's name of the number type
    offset: int
    values: NDArray[Any] | None = field(default=None, repr=False)


def recognises(head: bytes) -> bool:
    """Whether these first bytes are those of a Matlab file of level 4 or 5."""
    if head.startswith(LEVEL_5):
        return True
    if len(head) < 21:
        return False
    kind, rows, columns, imaginary, width = np.frombuffer(head[:20], "<i4").tolist()
    name = _NAME.match(head[20:84])
    named = name is not None and width == name.end()
    return named and kind in _TYPES and rows > 0 and columns > 0 and imaginary == 0


def open(source: Source | FileBytes) -> Opened:
    """Read the header of the first matrix; a level 5 file is read whole.

    Raises
    ------
    MatrixUnreadable
        When there is no numeric matrix of samples, or it is too large.
    """
    content = content_of(source)
    head = content[:128]
    if not recognises(head):
        raise MatrixUnreadable(Reason.HEADER_INVALID, found="another header", wanted="a Matlab file")
    if head.startswith(LEVEL_5):
        return _level_5(content)
    kind, rows, columns, _, width = np.frombuffer(head[:20], "<i4").tolist()
    signals, length = (1, rows) if columns == 1 else (rows, columns)
    return Opened(content, 4, signals, length, _TYPES[kind], 20 + width)


def examine(opened: Opened) -> Iterator[Finding]:
    """What is wrong with the file, and what it alone does not tell."""
    if opened.values is None:
        due = opened.signals * opened.length * np.dtype(opened.kind).itemsize + opened.offset
        there = len(opened.content)
        if there < due:
            yield _finding(Reason.TRUNCATED, Severity.REFUSE, f"{there} bytes", f"{due} bytes")
            return
        if there > due:
            yield _finding(
                Reason.HEADER_INVALID, Severity.WARN, f"{there - due} bytes after it", "one matrix of samples"
            )
    yield _finding(
        Reason.CALIBRATION_IMPOSSIBLE,
        Severity.WARN,
        "a matrix without rate, unit and gain",
        "a header beside it, or the three declared",
    )


def describe(opened: Opened) -> dict[str, Any]:
    return {
        "form": f"Matlab level {opened.level}",
        "signals": opened.signals,
        "samples": opened.length,
        "number": np.dtype(opened.kind).name,
    }


def samples(
    opened: Opened,
    number: int,
    start_s: float = 0.0,
    stop_s: float | None = None,
    *,
    rate_hz: float,
    gain_per_unit: float,
    unit: str,
) -> Series:
    """One signal in the unit declared by the caller, over a range of time.

    Parameters
    ----------
    gain_per_unit : float
        Steps of the converter per physical unit, as the publisher states.

    Raises
    ------
    WrongUse
        When there is no such signal, the range is none, or rate or gain are not above 0.
    """
    if not 0 <= number < opened.signals or not rate_hz > 0 or not gain_per_unit > 0:
        raise WrongUse(
            found=f"signal {number} at {rate_hz} Hz with a gain of {gain_per_unit}",
            wanted=f"one of {opened.signals} counted from 0, rate and gain above 0",
            remedy="Declare what the publisher states.",
        )
    first, behind = window(start_s, stop_s, rate_hz, opened.length)
    values = _steps(opened, first, behind)[:, number] / gain_per_unit
    return Series(f"signal {number + 1}", unit, rate_hz, first / rate_hz, values)


def _steps(opened: Opened, first: int, behind: int) -> NDArray[np.float64]:
    """Columns of the matrix, shape (samples, signals): Matlab stores column after column."""
    if opened.values is not None:
        return opened.values[:, first:behind].T.astype(np.float64)
    number = np.dtype(opened.kind)
    row = number.itemsize * opened.signals
    raw = opened.content[opened.offset + first * row : opened.offset + behind * row]
    return np.frombuffer(raw[: len(raw) // row * row], number).reshape(-1, opened.signals).astype(np.float64)


def _level_5(content: Content) -> Opened:
    from scipy.io import loadmat, whosmat

    if len(content) > LARGEST_LEVEL_5:
        found = f"a level 5 file of {len(content)} bytes"
        raise MatrixUnreadable(Reason.LIMIT_EXCEEDED, found=found, wanted=f"at most {LARGEST_LEVEL_5}")
    raw = content[:]
    try:
        listed = [
            (name, shape)
            for name, shape, kind in whosmat(io.BytesIO(raw))
            if len(shape) == 2 and (kind.startswith(("int", "uint")) or kind in ("double", "single"))
        ]
        chosen = [item for item in listed if item[0] == "val"] or listed
        if len(chosen) != 1 or not 0 < chosen[0][1][0] * chosen[0][1][1] <= MOST_SAMPLES:
            raise MatrixUnreadable(
                Reason.UNSUPPORTED_FORM,
                found=f"{len(chosen)} numeric matrices",
                wanted=f"one, or one named val, of at most {MOST_SAMPLES} numbers",
            )
        values = loadmat(io.BytesIO(raw), variable_names=[chosen[0][0]])[chosen[0][0]]
    except MatrixUnreadable:
        raise
    except Exception as error:  # a broken file makes the library raise anything
        raise MatrixUnreadable(
            Reason.HEADER_INVALID,
            found=f"a level 5 file that cannot be read ({type(error).__name__})",
            wanted="a whole Matlab file",
        ) from error
    if not isinstance(values, np.ndarray) or values.ndim != 2 or values.dtype.kind not in "iuf":
        raise MatrixUnreadable(Reason.UNSUPPORTED_FORM, found="no matrix of real numbers", wanted="one")
    matrix = values.T if values.shape[1] == 1 else values
    return Opened(content, 5, matrix.shape[0], matrix.shape[1], matrix.dtype.str, 0, matrix)


def _finding(reason: Reason, severity: Severity, found: str, wanted: str) -> Finding:
    return Finding(
        reason=reason,
        severity=severity,
        found=found,
        wanted=wanted,
        remedy="Export the recording with its header.",
        source=SOURCE,
    )
