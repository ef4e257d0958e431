"""Huffman codes of SCP-ECG and its differences: from bits to samples.

References
----------
EN 1064 (ISO/IEEE 11073-91064), section 2 and annex C. The base code of a table is stored with the bit that comes
first in the stream as its lowest.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse
from medassay.core.findings import Reason

IntArray = NDArray[np.int64]

DEFAULT = 19999  # stands for the table of the standard in place of a number of tables
MOST_TABLES = 64
MOST_PREFIX = 32
STEPS, FIRST_DIFFERENCES, SECOND_DIFFERENCES = 0, 1, 2


class EcgUnreadable(WrongUse):
    """The record does not give its samples; `reason` is what a finding says of it."""

    def __init__(self, reason: Reason, *, found: str, wanted: str, where: str = "") -> None:
        super().__init__(found=found, wanted=wanted, remedy="Export the ECG again.", where=where)
        self.reason = reason


@dataclass(frozen=True)
class Code:
    """One code structure: after its prefix stand `extra` bits of the value itself, or none."""

    prefix: str
    extra: int
    switch: bool  # the value is no sample but the number of the table that goes on
    value: int


Table = Mapping[str, Code]


def _default() -> Table:
    """Short codes for 0, ±1 ... ±8; behind ten bits stand values of 8 and of 16 bits.

    Examples
    --------
    >>> [_default()[prefix].value for prefix in ("0", "100", "101", "1100", "1111111101")]
    [0, 1, -1, 2, -8]
    """
    codes = [Code("0", 0, False, 0)]
    for value in range(1, 9):
        start = "1" * value
        codes += [Code(f"{start}00", 0, False, value), Code(f"{start}01", 0, False, -value)]
    codes += [Code("1111111110", 8, False, 0), Code("1111111111", 16, False, 0)]
    return {code.prefix: code for code in codes}


def tables_of(section: bytes) -> tuple[Table, ...]:
    """Tables of section 2's data: the standard's own, or those that it gives.

    Raises
    ------
    EcgUnreadable
        When they end early, or a code is none.
    """
    if len(section) < 2:
        raise _bad("no number of tables")
    count = int.from_bytes(section[:2], "little")
    if count == DEFAULT:
        return (_default(),)
    if not 1 <= count <= MOST_TABLES:
        raise _bad(f"{count} tables")
    tables, at = [], 2
    for _ in range(count):
        size = int.from_bytes(section[at : at + 2], "little")
        raw = section[at + 2 : at + 2 + 9 * size]
        if not size or len(raw) < 9 * size:
            raise _bad("a table that ends early")
        tables.append(_table(struct.iter_unpack("<BBBhI", raw)))
        at += 2 + 9 * size
    return tuple(tables)


def _table(structures: Iterator[tuple[int, int, int, int, int]]) -> Table:
    table: dict[str, Code] = {}
    for prefix_bits, bits, mode, value, base in structures:
        if not 1 <= prefix_bits <= MOST_PREFIX or bits < prefix_bits or bits - prefix_bits > 32:
            raise _bad("a code of an impossible length")
        if bits > prefix_bits and (value or mode == 0):
            raise EcgUnreadable(
                Reason.UNSUPPORTED_FORM,
                found="a code with a base value beside the value that follows it",
                wanted="one or the other",
                where="section 2",
            )
        prefix = format(base & ((1 << prefix_bits) - 1), f"0{prefix_bits}b")[::-1]
        table[prefix] = Code(prefix, bits - prefix_bits, mode == 0, value)
    return table


def decode(raw: bytes, tables: Sequence[Table], count: int) -> IntArray:
    """Values of a bit stream: the first of what `decoded` gives."""
    return decoded(raw, tables, count)[0]


def decoded(raw: bytes, tables: Sequence[Table], count: int) -> tuple[IntArray, int]:
    """Values of a bit stream, the first bit the highest of the first byte, and how many bits they take.

    Parameters
    ----------
    count : int
        Samples to be had; bits behind them are padding.

    Raises
    ------
    EcgUnreadable
        When the stream ends early or holds a code of no table.
    """
    bits = bin(int.from_bytes(b"\x01" + raw, "big"))[3:]
    lengths = [sorted({len(prefix) for prefix in table}) for table in tables]
    values: list[int] = []
    at = which = 0
    while len(values) < count:
        code = next(
            (code for size in lengths[which] if (code := tables[which].get(bits[at : at + size]))), None
        )
        if code is None or at + len(code.prefix) + code.extra > len(bits):
            found = f"{len(values)} of {count} samples"
            raise EcgUnreadable(Reason.TRUNCATED, found=found, wanted="all of them, in codes of the table")
        at += len(code.prefix)
        if code.switch:
            which = code.value - 1
            if not 0 <= which < len(tables):
                raise _bad(f"a change to table {code.value} of {len(tables)}")
            continue
        values.append(_signed(bits[at : at + code.extra]) if code.extra else code.value)
        at += code.extra
    return np.array(values, np.int64), at


def integrated(values: IntArray, encoding: int) -> IntArray:
    """Samples from differences; the first one, of second differences the first two, stand as they are.

    Examples
    --------
    >>> integrated(np.array([5, 7, 1, 0]), SECOND_DIFFERENCES).tolist()
    [5, 7, 10, 13]
    """
    if encoding == STEPS or not len(values):
        return values
    if encoding == FIRST_DIFFERENCES:
        return np.cumsum(values)
    slopes = values.copy()
    slopes[1:2] -= values[0]
    slopes[1:] = np.cumsum(slopes[1:])
    return np.cumsum(slopes)


def _signed(bits: str) -> int:
    value = int(bits, 2)
    return value - (1 << len(bits)) if bits[0] == "1" else value


def _bad(found: str) -> EcgUnreadable:
    return EcgUnreadable(
        Reason.HEADER_INVALID, found=found, wanted="Huffman tables of the standard's form", where="section 2"
    )
