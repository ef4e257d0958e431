"""Files looked at one by one, before any is grouped: by this process or another, or in an earlier run.

What grouping needs of a file hangs on this file alone, so a file that has not changed is not looked at again for the
sake of a new neighbour, and grouping the whole source anew costs no reading.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from medassay.core.errors import NothingReadable
from medassay.core.findings import Finding
from medassay.datasets.sample import Assembly, Intake, OfferedFile, Unassigned
from medassay.datasets.spec import Source
from medassay.datasets.take import attempt


@dataclass(frozen=True, slots=True)
class Look:
    """What a kind of data made of one file: packed, or the finding that stopped its reader."""

    packed: bytes
    stopped: Finding | None = None


def look_at(intake: Intake, file: OfferedFile, source: Source) -> Look:
    """Open one file and keep what grouping needs of it."""
    told, stopped = attempt(lambda: intake.look(file, source))
    return Look(b"", stopped) if stopped is not None else Look(packed(told, {file.relative: 0}))


def assemble_all(
    intake: Intake, files: Sequence[OfferedFile], source: Source, looks: Mapping[str, Look]
) -> Assembly:
    """Group the files; those at which the reader stopped are set aside.

    Parameters
    ----------
    looks : mapping
        Of each file by its relative path.

    Raises
    ------
    NothingReadable
        When it stopped at every file, or stops at grouping those that it takes one by one: then the source is
        declared wrongly, or the intake is at fault.
    """
    aside = [Unassigned(item, stopped) for item in files if (stopped := looks[item.relative].stopped)]
    sound = [item for item in files if not looks[item.relative].stopped]

    def told(file: OfferedFile, _: Source) -> Any:
        return unpacked(looks[file.relative].packed, [file])

    def grouped(some: Sequence[OfferedFile]) -> tuple[Assembly | None, Finding | None]:
        return attempt(lambda: intake.assemble(some, source, told))

    assembly, stopped = grouped(sound)
    if assembly is None:
        alone = [(item, grouped([item])[1]) for item in sound]
        aside += [Unassigned(item, finding) for item, finding in alone if finding]
        sound = [item for item, finding in alone if not finding]
        assembly, stopped = grouped(sound)
    if not sound and files:
        stopped = aside[0].finding
    if stopped is not None:
        raise NothingReadable(
            found=stopped.found,
            wanted=stopped.wanted,
            remedy=f"{stopped.remedy} No file could be grouped; see whether the source's form and options are right.",
            where=f"source '{source.name}'",
        )
    assert assembly is not None
    return replace(assembly, unassigned=(*assembly.unassigned, *aside))


def packed(value: object, numbers: Mapping[str, int]) -> bytes:
    """Pickled, with the number of each file in its place; `numbers` by relative path."""
    sink = io.BytesIO()
    _Packing(sink, numbers).dump(value)
    return sink.getvalue()


def unpacked(content: bytes, files: Sequence[OfferedFile]) -> Any:
    """What `packed` gave, with the files as they are now."""
    return _Unpacking(io.BytesIO(content), files).load()


class _Packing(pickle.Pickler):
    def __init__(self, sink: io.BytesIO, numbers: Mapping[str, int]) -> None:
        super().__init__(sink, protocol=5)
        self._numbers = numbers

    def persistent_id(self, value: Any) -> int | None:
        return self._numbers[value.relative] if isinstance(value, OfferedFile) else None


class _Unpacking(pickle.Unpickler):
    def __init__(self, content: io.BytesIO, files: Sequence[OfferedFile]) -> None:
        super().__init__(content)
        self._files = files

    def persistent_load(self, number: int) -> OfferedFile:
        return self._files[number]
