"""Storage formats of WFDB signal files: how many bytes they take, what FLAC files state, and their samples.

Samples are unpacked by the wfdb package. It is never shown a foreign header: it gets one of ours that names the
signal file by a link of ours, so that names which lead elsewhere, odd dates and free text do not reach it.

References
----------
WFDB Applications Guide, signal(5); FLAC: RFC 9639, section 8.2 (STREAMINFO).
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse
from medassay.core.findings import Reason
from medassay.formats.waveform.wfdb_record import Lead

IntArray = NDArray[np.int64]

NULL = "0"  # a signal without a file


@dataclass(frozen=True)
class Storage:
    """A format: `group` samples share `size` bytes; a part of a group takes `rest` bytes for 1, 2 ... samples."""

    group: int
    size: int
    rest: tuple[int, ...] = ()
    invalid: int | None = None  # stands for "not measured"


PACKED = {
    "8": Storage(1, 1),
    "16": Storage(1, 2, invalid=-32768),
    "24": Storage(1, 3, invalid=-8388608),
    "32": Storage(1, 4, invalid=-2147483648),
    "61": Storage(1, 2, invalid=-32768),
    "80": Storage(1, 1, invalid=-128),
    "160": Storage(1, 2, invalid=-32768),
    "212": Storage(2, 3, (2,), invalid=-2048),
    "310": Storage(3, 4, (2, 4), invalid=-512),
    "311": Storage(3, 4, (2, 3), invalid=-512),
}
FLAC = {"508": (8, -128), "516": (16, -32768), "524": (24, -8388608)}  # bits, "not measured"


class SamplesUnreadable(WrongUse):
    """A signal file does not give the samples that it should; `reason` is what a finding says of it."""

    def __init__(self, reason: Reason, *, found: str, wanted: str) -> None:
        super().__init__(found=found, wanted=wanted, remedy="Export the record again.", where="signal file")
        self.reason = reason


def known(form: str) -> bool:
    return form in PACKED or form in FLAC


def bytes_of(form: str, samples: int) -> int:
    """Bytes that samples of a packed format take.

    Examples
    --------
    >>> bytes_of("212", 3), bytes_of("310", 1018), bytes_of("311", 1019)
    (5, 1358, 1359)
    """
    storage = PACKED[form]
    whole, over = divmod(samples, storage.group)
    return whole * storage.size + (storage.rest[over - 1] if over else 0)


def samples_in(form: str, size: int) -> int:
    """Samples that a file of a packed format can hold: the inverse of `bytes_of`."""
    storage = PACKED[form]
    whole, over = divmod(size, storage.size)
    return whole * storage.group + sum(over >= rest for rest in storage.rest)


def invalid_of(form: str) -> int | None:
    return FLAC[form][1] if form in FLAC else PACKED[form].invalid


@dataclass(frozen=True)
class Stream:
    """What a FLAC file states of itself."""

    channels: int
    bits: int
    samples: int  # a channel; 0: not stated


def stream_of(head: bytes) -> Stream | None:
    """STREAMINFO of a FLAC file, from its first 42 bytes; None: no FLAC file."""
    if len(head) < 42 or head[:4] != b"fLaC" or head[4] & 0x7F != 0:
        return None
    # 20 bits rate, 3 bits channels - 1, 5 bits bits - 1, 36 bits samples
    packed = int.from_bytes(head[18:26], "big")
    return Stream((packed >> 41 & 0x7) + 1, (packed >> 36 & 0x1F) + 1, packed & (1 << 36) - 1)


def frames(path: Path, leads: Sequence[Lead], first: int, behind: int) -> list[IntArray]:
    """Samples of all signals of one file in frames `first` to `behind`, as stored: skew is not undone.

    Parameters
    ----------
    leads : sequence of Lead
        All signals of the file, in its order.

    Raises
    ------
    SamplesUnreadable
        When the file does not give them.
    """
    begin, offset = _start(leads, first)
    if leads[0].form == "61":  # wfdb 4.3.1 stops at big-endian samples when frames are not averaged
        read = _big_endian(path, leads, offset, behind - begin)
    else:
        read = _by_library(path, leads, offset, behind - begin)
    parts = [part[-(behind - first) * lead.frame :] for part, lead in zip(read, leads, strict=True)]
    if any(len(part) != (behind - first) * lead.frame for part, lead in zip(parts, leads, strict=True)):
        raise SamplesUnreadable(Reason.TRUNCATED, found="fewer samples than announced", wanted="all of them")
    return parts


def _start(leads: Sequence[Lead], first: int) -> tuple[int, int]:
    """A frame not after `first` that can be read from, and the offset of its samples in the file."""
    form, frame = leads[0].form, sum(lead.frame for lead in leads)
    if form in FLAC:  # its offset counts samples of a channel
        return first, leads[0].offset + first * leads[0].frame
    # Differences of format 8 can be summed from the start only; packed samples are read from a whole group.
    begin = 0 if form == "8" else first - first % PACKED[form].group
    return begin, leads[0].offset + bytes_of(form, begin * frame)


def _big_endian(path: Path, leads: Sequence[Lead], offset: int, length: int) -> list[IntArray]:
    frame = sum(lead.frame for lead in leads)
    with path.open("rb") as stream:
        stream.seek(offset)
        raw = stream.read(2 * frame * length)
    rows = np.frombuffer(raw[: len(raw) // (2 * frame) * 2 * frame], ">i2").reshape(-1, frame)
    edges = np.cumsum([0, *(lead.frame for lead in leads)])
    return [rows[:, low:high].reshape(-1).astype(np.int64) for low, high in pairwise(edges.tolist())]


def _by_library(path: Path, leads: Sequence[Lead], offset: int, length: int) -> list[IntArray]:
    with tempfile.TemporaryDirectory(prefix="medassay-wfdb-") as folder:
        (Path(folder) / "r.hea").write_text(_header(leads, offset, length), "ascii")
        (Path(folder) / "signal").symlink_to(path.resolve())
        return [np.asarray(part, np.int64) for part in _unpacked(str(Path(folder) / "r"))]


def _header(leads: Sequence[Lead], offset: int, length: int) -> str:
    lines = [f"r {len(leads)} 1 {length}"]
    for number, lead in enumerate(leads):
        form = f"{lead.form}x{lead.frame}+{offset}"
        lines.append(f"signal {form} 1(0)/NU 0 0 {lead.first or 0} 0 0 s{number}")
    return "\n".join(lines) + "\n"


def _unpacked(record: str) -> Any:
    """Read by the library; what it says of a broken file may quote it, so only the kind of its error is told."""
    import wfdb

    try:
        return wfdb.rdrecord(record, physical=False, smooth_frames=False, ignore_skew=True).e_d_signal
    except (ValueError, IndexError, KeyError, TypeError, OSError, RuntimeError, EOFError) as error:
        raise SamplesUnreadable(
            Reason.HEADER_INVALID,
            found=f"samples that cannot be unpacked ({type(error).__name__})",
            wanted="a signal file in the format that the header states",
        ) from error
