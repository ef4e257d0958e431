"""Tables and samples beside the pixels: lookup tables, waveforms, grids. They are as long as the header says they are.

What stands behind the last value, or in place of values of which the header tells nothing, may be anything.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from medassay.core.errors import WrongUse
from medassay.datasets.deidentify.element_values import is_several, value_by_keyword, value_of
from medassay.datasets.deidentify.pixels import whole

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

PALETTES = {f"{colour}PaletteColorLookupTableData" for colour in ("Red", "Green", "Blue")}
FLOATS = {"FloatPixelData": 4, "DoubleFloatPixelData": 8}  # bytes a pixel
LONGEST_TABLE = 1 << 16
PER_VECTOR = 12  # bytes of three floats
REQUIRED = {*FLOATS, "WaveformData", "VectorGridData"}  # what an object is for: without it, it does not leave


def taken(dataset: Dataset, tag: int, keyword: str, *, swapped: bool) -> Any:
    """The values of a table or of samples, in little endian and no longer than the header says; else nothing.

    Raises
    ------
    WrongUse
        When what the object is for is shorter than the header says, or of unknown length.
    """
    value = value_of(dataset, tag)
    if is_several(value):  # a lookup table whose representation is numbers
        entries = _entries(dataset, keyword)
        return list(value)[: entries or 0] or None
    if not isinstance(value, bytes):
        return None
    unit, due = _due(dataset, keyword, len(value))
    if due is None or len(value) < due or not due:
        if keyword in REQUIRED:
            raise WrongUse(
                found="samples that are fewer than the header says, or of which it does not say how many",
                wanted="as many as the header says",
                remedy="Export the object again.",
                where=f"({tag >> 16:04X},{tag & 0xFFFF:04X}) {keyword}",
            )
        return None
    value = value[:due]
    if swapped and unit > 1:
        value = np.frombuffer(value, f">u{unit}").astype(f"<u{unit}").tobytes()
    return value + bytes(due % 2)


def _due(dataset: Dataset, keyword: str, length: int) -> tuple[int, int | None]:
    """Bytes of one value, and of all of them."""
    if keyword in FLOATS:
        facts = [whole(dataset, name) for name in ("Rows", "Columns", "SamplesPerPixel")]
        return FLOATS[keyword], math.prod(facts) * (whole(dataset, "NumberOfFrames") or 1) * FLOATS[keyword]
    if keyword == "WaveformData":
        bits = whole(dataset, "WaveformBitsAllocated")
        samples = whole(dataset, "NumberOfWaveformChannels") * whole(dataset, "NumberOfWaveformSamples")
        return bits // 8, samples * bits // 8 if bits in (8, 16, 32, 64) else None
    if keyword == "VectorGridData":
        size = value_by_keyword(dataset, "GridDimensions")
        return 4, math.prod(map(int, size)) * PER_VECTOR if is_several(size) and len(size) == 3 else None
    entries = _entries(dataset, keyword)
    if entries is None:
        return 2, None
    if (
        _bits(dataset, keyword) == 8 and length != 2 * entries
    ):  # each may lie in 16; another length tells of neither
        return 2, entries if length == entries + entries % 2 else None
    return 2, 2 * entries


def _descriptor(dataset: Dataset, keyword: str) -> list[int]:
    name = "LUTDescriptor" if keyword == "LUTData" else keyword.replace("Data", "Descriptor")
    told = value_by_keyword(dataset, name)
    return [int(part) for part in told] if is_several(told) and len(told) == 3 else []


def _entries(dataset: Dataset, keyword: str) -> int | None:
    told = _descriptor(dataset, keyword) if keyword == "LUTData" or keyword in PALETTES else []
    return (told[0] % LONGEST_TABLE or LONGEST_TABLE) if told else None


def _bits(dataset: Dataset, keyword: str) -> int:
    return _descriptor(dataset, keyword)[2]
