"""Multi-frame objects with functional groups: where each frame lies, which volumes the frames make, and the parts
of a concatenation.

References
----------
DICOM PS3.3 C.7.6.16 (Multi-frame Functional Groups), C.7.6.17 (Dimensions), C.7.6.16.2.2.4 (Concatenation).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.imaging import dicom_series
from medassay.formats.imaging.dicom_file import items_of, text_of, value_of, whole_of
from medassay.formats.imaging.refusal import ImageRefused, said

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

IN_STACK_POSITION, IMAGE_POSITION, STACK_ID = 0x00209057, 0x00200032, 0x00209056
ALONG_THE_STACK = frozenset((IN_STACK_POSITION, IMAGE_POSITION))
GROUPS = "PerFrameFunctionalGroupsSequence"


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame: its number from 0, its place, and what tells its volume from others in the object."""

    index: int
    place: dicom_series.SlicePlace
    volume: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class FrameVolume:
    """Frames of one volume, and the grid they fill or the reason why they fill none."""

    frames: tuple[int, ...]  # in geometric order where there is a grid
    arranged: dicom_series.Arrangement | Finding


def is_enhanced(dataset: Dataset) -> bool:
    """Whether the object has functional groups for its frames."""
    return GROUPS in dataset


def frames_of(dataset: Dataset) -> list[Frame]:
    """Every frame with its place, from the functional groups.

    Raises
    ------
    WrongUse
        When the groups are fewer or more than the frames, or a frame is not placed in the patient.
    """
    groups = items_of(dataset, GROUPS)
    count = whole_of(dataset, "NumberOfFrames", 1)
    if len(groups) != count:
        raise _invalid(f"{len(groups)} functional groups", f"{count}, one a frame", GROUPS)
    shared = (items_of(dataset, "SharedFunctionalGroupsSequence") or [None])[0]
    pointers = [_tag(item, "DimensionIndexPointer") for item in items_of(dataset, "DimensionIndexSequence")]
    size = (whole_of(dataset, "Rows"), whole_of(dataset, "Columns"))
    return [_frame(index, group, shared, pointers, size) for index, group in enumerate(groups)]


def volumes(dataset: Dataset) -> list[FrameVolume]:
    """Frames sorted into volumes by stack, orientation and every dimension but the one along the stack.

    Raises
    ------
    WrongUse
        When a frame is not placed.
    """
    return _volumes(frames_of(dataset))


def parts_in_order(parts: Sequence[Dataset]) -> tuple[int, ...]:
    """Order of the parts of one concatenation.

    Raises
    ------
    WrongUse
        When a part is missing, stands twice, belongs to another concatenation, or begins at another frame.
    """
    if len({text_of(part, "ConcatenationUID") for part in parts}) != 1 or not text_of(
        parts[0], "ConcatenationUID"
    ):
        raise _invalid(
            "parts of different concatenations, or of none", "one concatenation", "ConcatenationUID"
        )
    numbers = [whole_of(part, "InConcatenationNumber") or 0 for part in parts]
    total = max([whole_of(part, "InConcatenationTotalNumber") or 0 for part in parts] + [max(numbers)])
    if sorted(numbers) != list(range(1, total + 1)):
        raise ImageRefused(
            Reason.SLICE_MISSING,
            found=f"{len(set(numbers))} parts of {total} in {len(parts)} files",
            wanted="each part of the concatenation once",
            where="InConcatenationNumber",
        )
    order = tuple(sorted(range(len(parts)), key=lambda index: numbers[index]))
    first = 0
    for index in order:
        offset = whole_of(parts[index], "ConcatenationFrameOffsetNumber")
        if offset is not None and offset != first:
            raise _invalid(
                f"a part that begins at frame {offset}", f"frame {first}", "ConcatenationFrameOffsetNumber"
            )
        first += whole_of(parts[index], "NumberOfFrames", 1) or 1
    return order


def volumes_of_parts(parts: Sequence[Dataset]) -> list[FrameVolume]:
    """Volumes of a whole concatenation; frames are numbered from 0 over its parts in their order.

    Raises
    ------
    WrongUse
        When the parts do not make one concatenation, or a frame is not placed.
    """
    frames: list[Frame] = []
    for index in parts_in_order(parts):
        first = len(frames)
        frames += [Frame(first + f.index, f.place, f.volume) for f in frames_of(parts[index])]
    return _volumes(frames)


def examine(opened: Dataset) -> Iterator[Finding]:
    """What keeps the frames from being volumes."""
    total = whole_of(opened, "InConcatenationTotalNumber")
    part = whole_of(opened, "InConcatenationNumber")
    if text_of(opened, "ConcatenationUID") and total != 1:
        yield said(
            Reason.SLICE_MISSING,
            Severity.NOTE,
            f"part {part or '?'} of a concatenation of {total or 'an unknown number of'} parts",
            "all parts together",
            where="ConcatenationUID",
            source="DICOM PS3.3 C.7.6.16.2.2.4",
        )
    try:
        found = volumes(opened)
    except WrongUse as error:
        reason = getattr(error, "reason", Reason.HEADER_INVALID)
        yield said(reason, Severity.WARN, error.found, error.wanted, where=error.where, remedy=error.remedy)
        return
    faults = [volume.arranged for volume in found if isinstance(volume.arranged, Finding)]
    for fault in {fault.found: fault for fault in faults}.values():
        number = sum(other.found == fault.found for other in faults)
        yield fault.model_copy(
            update={"severity": Severity.WARN, "where": f"{number} of {len(found)} volumes"}
        )


def describe(opened: Dataset) -> dict[str, int | str | None]:
    """How many volumes of how many slices."""
    try:
        found = volumes(opened)
    except WrongUse:
        return {"volumes": None}
    slices = sorted({len(volume.frames) for volume in found})
    regular = sum(not isinstance(volume.arranged, Finding) for volume in found)
    return {
        "volumes": len(found),
        "regular_volumes": regular,
        "slices_a_volume": ", ".join(map(str, slices[:8])),
    }


def _volumes(frames: Sequence[Frame]) -> list[FrameVolume]:
    groups: dict[tuple[str, ...], list[Frame]] = {}
    for frame in frames:
        groups.setdefault(frame.volume, []).append(frame)
    found = []
    for members in groups.values():
        arranged = dicom_series.arrange([frame.place for frame in members])
        order = range(len(members)) if isinstance(arranged, Finding) else arranged.order
        found.append(FrameVolume(tuple(members[i].index for i in order), arranged))
    return found


def _frame(
    index: int, group: Any, shared: Any, pointers: Sequence[int | None], size: tuple[int | None, int | None]
) -> Frame:
    from pydicom.dataset import Dataset as Item

    flat = Item()
    for sequence, keyword in (
        ("PlanePositionSequence", "ImagePositionPatient"),
        ("PlaneOrientationSequence", "ImageOrientationPatient"),
        ("PixelMeasuresSequence", "PixelSpacing"),
    ):
        holder = (items_of(group, sequence) or items_of(shared, sequence) or [None])[0]
        value = value_of(holder, keyword)
        if value is None:
            raise _invalid(f"frame {index + 1} without {keyword}", "a frame that its groups place", sequence)
        setattr(flat, keyword, value)
    flat.Rows, flat.Columns = size
    place = dicom_series.place_of(flat)
    content = (items_of(group, "FrameContentSequence") or [None])[0]
    direction = ",".join(f"{v + 0.0:.3f}" for v in np.round([*place.along_row, *place.along_column], 3))
    return Frame(
        index, place, (text_of(content, "StackID"), direction, *_other_dimensions(content, pointers))
    )


def _other_dimensions(content: Any, pointers: Sequence[int | None]) -> list[str]:
    values = value_of(content, "DimensionIndexValues")
    if values is None:
        return []
    numbers = [values] if isinstance(values, int) else list(values)
    if len(numbers) != len(pointers):
        return []
    return [str(n) for n, pointer in zip(numbers, pointers, strict=True) if pointer not in ALONG_THE_STACK]


def _tag(item: Any, keyword: str) -> int | None:
    try:
        return int(value_of(item, keyword))
    except (TypeError, ValueError):
        return None


def _invalid(found: str, wanted: str, where: str) -> ImageRefused:
    return ImageRefused(Reason.HEADER_INVALID, found=found, wanted=wanted, where=where)
