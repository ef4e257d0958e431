"""Every file that a source offers, and where each ends: one row a file, whatever became of its samples."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassay.core.findings import Finding, Reason, Severity
from medassay.datasets.catalogue import with_rows
from medassay.datasets.identity import pseudonym
from medassay.datasets.sample import Draft, OfferedFile, Unassigned

if TYPE_CHECKING:
    import pyarrow as pa

OUTCOMES = ("sample", "refused", "unassigned")
_REASONS = tuple(Reason)


class Offer:
    """Files by number, and the samples that use each.

    Parameters
    ----------
    files : sequence
        Those that could be read; what no draft and no `unassigned` speaks of is counted as unknown.
    barred, unassigned : iterable
        Files that make no sample, and why; the first that is said of a file stands.
    drafts : sequence
        In the order of their samples' numbers.
    """

    def __init__(
        self,
        files: Sequence[OfferedFile],
        barred: Iterable[Unassigned],
        unassigned: Iterable[Unassigned],
        drafts: Iterable[Draft | None],
    ) -> None:
        barred = list(barred)
        every = {item.relative: item for item in files} | {one.file.relative: one.file for one in barred}
        number_of = {relative: number for number, relative in enumerate(every)}
        self.files = list(every.values())
        self._file, self._sample = array("q"), array("q")  # pairs: a file and a sample that uses it
        for sample, draft in enumerate(drafts):
            for _, item in draft.files if draft else ():
                if (number := number_of.get(item.relative)) is not None:
                    self._file.append(number)
                    self._sample.append(sample)
        self.unassigned = [*barred, *unassigned]
        spoken_of = np.zeros(len(self.files), dtype=bool)
        spoken_of[np.array(self._file, dtype=np.int64)] = True
        for one in self.unassigned:
            if (number := number_of.get(one.file.relative)) is not None:
                spoken_of[number] = True
        self.unassigned += [
            Unassigned(self.files[n], _unknown()) for n in np.flatnonzero(~spoken_of).tolist()
        ]
        self._reason = bytearray(len(self.files))  # of unassigned files: place in _REASONS, from 1
        for one in reversed(self.unassigned):
            if (number := number_of.get(one.file.relative)) is not None:
                self._reason[number] = 1 + _REASONS.index(one.finding.reason)

    def tables(
        self, stem: str, source: str, key: bytes, samples: Sequence[str], ended: bytearray
    ) -> tuple[pa.Table, pa.Table]:
        """The tables `offered` and `key_side`, by file id. The files are given away.

        Parameters
        ----------
        samples : sequence
            Sample ids, by number.
        ended : bytearray
            For each sample 0 if accepted, else the place of its reason among all, from 1.
        """
        import pyarrow as pa
        from pyarrow import compute

        ids = pa.array(
            (pseudonym(key, "F", f"{stem}\x00{source}\x00{item.relative}") for item in self.files),
            pa.string(),
        )
        paths = pa.array((os.fsencode(item.place) for item in self.files), pa.binary())
        sizes = pa.array((item.size for item in self.files), pa.int64())
        size = len(self.files)
        self.files.clear()
        order = compute.sort_indices(ids)
        sample, codes = self._used_by(np.frombuffer(ended, dtype=np.uint8), size)
        codes = np.where(sample < 0, np.frombuffer(self._reason, dtype=np.uint8), codes)
        outcome = np.where(sample < 0, 2, codes > 0).astype(np.int8)
        offered = {
            "file_id": ids,
            "bytes": sizes,
            "outcome": pa.array(OUTCOMES).take(pa.array(outcome)),
            "sample_id": pa.array(samples, pa.string()).take(pa.array(sample, mask=sample < 0)),
            "reason": pa.array([None, *(one.value for one in _REASONS)], pa.string()).take(pa.array(codes)),
        }
        return (
            with_rows("offered", {name: column.take(order) for name, column in offered.items()}),
            with_rows("key_side", {"file_id": ids.take(order), "path": paths.take(order)}),
        )

    def _used_by(self, ended: NDArray[np.uint8], size: int) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """For each file the sample that it counts with (the first accepted, else the first; -1: none), and its end."""
        file, sample = np.array(self._file, dtype=np.int64), np.array(self._sample, dtype=np.int64)
        code = ended[sample] if len(sample) else np.empty(0, np.uint8)
        order = np.lexsort((sample, code > 0, file))[::-1]  # the last that is written stays
        used, codes = np.full(size, -1, dtype=np.int64), np.zeros(size, dtype=np.uint8)
        used[file[order]] = sample[order]
        codes[file[order]] = code[order]
        return used, codes


def _unknown() -> Finding:
    return Finding(
        reason=Reason.UNKNOWN_FORMAT,
        severity=Severity.REFUSE,
        found="a file that no reader of this kind of data knows",
        wanted="files of the source's form",
        remedy="Remove it from the source's folder, or name the form that it has.",
    )
