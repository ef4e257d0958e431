"""Rows as they come in any order, kept as Arrow columns: a tenth of what they take as Python objects."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medassay.datasets.catalogue import ARROW, finite, kind_of
from medassay.datasets.sample import Scalar

if TYPE_CHECKING:
    import pyarrow as pa

WAITING = 4096  # rows that are turned into columns at a time

Numbers = NDArray[np.int64]


def load_arrow() -> None:
    """Load what making columns needs: at its first array Arrow loads pandas."""
    import pyarrow as pa
    import pyarrow.compute

    pa.array([], pa.int64())


class Rows:
    """Rows of columns whose types are known, each of a numbered sample.

    Parameters
    ----------
    kinds : mapping
        Column to its type, as `catalogue.TABLES` names types.
    """

    def __init__(self, kinds: Mapping[str, str]) -> None:
        self._kinds = kinds
        self._numbers = array("q")
        self._waiting: list[tuple[Any, ...]] = []
        self._made: dict[str, list[pa.Array]] = {column: [] for column in kinds}

    def add(self, number: int, row: tuple[Any, ...]) -> None:
        """One row: values in the order of the columns."""
        self._numbers.append(number)
        self._waiting.append(row)
        if len(self._waiting) >= WAITING:
            self._make()

    def ordered(self, stands: NDArray[np.bool_]) -> tuple[Numbers, dict[str, pa.Array]]:
        """Sample numbers and columns of the rows whose sample stands, by number; the rows are given away.

        Rows of one sample keep the order in which they came.
        """
        self._make()
        numbers = np.array(self._numbers, dtype=np.int64)
        order = _order(numbers, stands)
        columns = {
            column: _taken(self._made.pop(column), kind, order) for column, kind in self._kinds.items()
        }
        return numbers[order], columns

    def _make(self) -> None:
        import pyarrow as pa

        if not self._waiting:
            return
        for (column, kind), values in zip(self._kinds.items(), zip(*self._waiting, strict=True), strict=True):
            self._made[column].append(pa.array(values, getattr(pa, ARROW[kind])()))
        self._waiting.clear()


class Measured:
    """Measurements as they come; what type a column has is known when all are there."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = tuple(columns)
        self._numbers = array("q")
        self._waiting: list[tuple[Scalar, ...]] = []
        self._made: dict[str, list[dict[str, pa.Array] | int]] = {column: [] for column in columns}

    def add(self, number: int, values: Mapping[str, Scalar]) -> None:
        """The measurements of one sample; a figure that is not finite could not be made, and is empty."""
        self._numbers.append(number)
        self._waiting.append(tuple(finite(values.get(column)) for column in self._columns))
        if len(self._waiting) >= WAITING:
            self._make()

    def ordered(self, stands: NDArray[np.bool_]) -> tuple[Numbers, dict[str, pa.Array]]:
        """Sample numbers and columns of the samples that stand, by number; the rows are given away.

        Raises
        ------
        WrongUse
            When one column holds values of several kinds.
        """
        self._make()
        numbers = np.array(self._numbers, dtype=np.int64)
        order = _order(numbers, stands)
        return numbers[order], {column: self._column(column, order) for column in self._columns}

    def _make(self) -> None:
        import pyarrow as pa

        if not self._waiting:
            return
        for column, values in zip(self._columns, zip(*self._waiting, strict=True), strict=True):
            kinds = {type(value) for value in values if value is not None}
            if not kinds <= _NAMES.keys():
                kind_of(column, kinds)
            self._made[column].append(
                {
                    _NAMES[kind]: pa.array(
                        [value if type(value) is kind else None for value in values],
                        getattr(pa, ARROW[_NAMES[kind]])(),
                    )
                    for kind in kinds
                }
                or len(values)
            )
        self._waiting.clear()

    def _column(self, column: str, order: Numbers) -> pa.Array:
        """One array of the kind that its values have; whole numbers among others are numbers like them."""
        import pyarrow as pa
        from pyarrow import compute

        batches = self._made.pop(column)
        found: dict[str, pa.Array] = {}
        for kind in _NAMES.values():
            if any(not isinstance(batch, int) and kind in batch for batch in batches):
                whole = _taken([_of_kind(batch, kind) for batch in batches], kind, order)
                if whole.null_count < len(whole):
                    found[kind] = whole
        kind = kind_of(column, {type_ for type_, name in _NAMES.items() if name in found})
        if not found:
            return pa.nulls(len(order), pa.float64())
        if len(found) == 1:
            return found[kind]
        return compute.coalesce(found["float64"], found["int64"].cast(pa.float64()))


_NAMES: Mapping[type, str] = {int: "int64", float: "float64", str: "string", bool: "bool"}


def _of_kind(batch: dict[str, pa.Array] | int, kind: str) -> pa.Array:
    import pyarrow as pa

    length = batch if isinstance(batch, int) else len(next(iter(batch.values())))
    if isinstance(batch, int) or kind not in batch:
        return pa.nulls(length, getattr(pa, ARROW[kind])())
    return batch[kind]


def _order(numbers: Numbers, stands: NDArray[np.bool_]) -> Numbers:
    """Places of the rows of standing samples, by sample."""
    kept = np.flatnonzero(stands[numbers])
    return kept[np.argsort(numbers[kept], kind="stable")]


def _taken(batches: list[pa.Array], kind: str, order: Numbers) -> pa.Array:
    """The places `order` of the batches, as one array, so that equal rows give equal bytes."""
    import pyarrow as pa

    whole = pa.chunked_array(batches, getattr(pa, ARROW[kind])())
    batches.clear()
    if len(order) != len(whole) or (np.diff(order) != 1).any():
        whole = whole.take(pa.array(order))
    return whole.combine_chunks()
