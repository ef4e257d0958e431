"""Rows that come one by one in any order end in the columns that the whole would have made."""

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.datasets import rows as module
from medassay.datasets.catalogue import measurement_table
from medassay.datasets.rows import Measured, Rows

COLUMNS = {"rate": ("/min", "heart rate"), "lead": ("", "its name")}


def measured(values, stands=None):
    """A column `rate` of these values, of samples that stand (default: all)."""
    made = Measured(["rate"])
    for number, value in enumerate(values):
        made.add(number, {"rate": value})
    _, columns = made.ordered(np.array(stands or [True] * len(values), dtype=bool))
    return columns["rate"]


def test_a_measurement_that_could_not_be_made_is_empty():
    made = Measured(list(COLUMNS))
    made.add(1, {"rate": math.inf, "lead": "II"})
    made.add(0, {"rate": 60})
    _, columns = made.ordered(np.array([True, True]))
    table = measurement_table(COLUMNS, pa.array(["R-1", "R-2"]), columns)
    assert table.to_pylist() == [
        {"sample_id": "R-1", "rate": 60, "lead": None},
        {"sample_id": "R-2", "rate": None, "lead": "II"},
    ]
    assert table.schema.field("rate").metadata == {b"unit": b"/min", b"meaning": b"heart rate"}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], pa.int64()),
        ([1, 2.5], pa.float64()),
        ([None, math.nan], pa.float64()),
        ([True, None], pa.bool_()),
        (["II", None], pa.string()),
        ([], pa.float64()),
    ],
    ids=str,
)
def test_a_column_has_the_type_of_its_values(values, kind):
    assert measured(values).type == kind


def test_a_sample_that_does_not_stand_has_no_say_in_the_type():
    assert measured([1, 2.5, "II"], [True, False, False]).to_pylist() == [1]
    assert measured([1, 2.5, "II"], [True, False, False]).type == pa.int64()


@pytest.mark.parametrize("values", [[60.0, "fast"], [True, 1], [60.0, b"fast"]], ids=str)
def test_a_column_of_several_kinds_is_refused(values):
    with pytest.raises(WrongUse, match="'rate' of several kinds"):
        measured(values)


scalars = st.one_of(st.integers(-(2**40), 2**40), st.floats(), st.none())


@given(
    st.permutations(range(12)),
    st.lists(scalars, min_size=12, max_size=12),
    st.lists(st.booleans(), min_size=12, max_size=12),
)
def test_whatever_the_order_and_the_batches_the_columns_are_the_same(order, values, stands):
    def made(waiting):
        keep, module.WAITING = module.WAITING, waiting
        try:
            measures, texts = Measured(["rate"]), Rows({"text": "string", "again": "int64"})
            for number in order:
                measures.add(number, {"rate": values[number]})
                for again in range(number % 3):
                    texts.add(number, (f"{number}", again))
            mask = np.array(stands)
            return measures.ordered(mask)[1], texts.ordered(mask)
        finally:
            module.WAITING = keep

    (few, (numbers, columns)), (whole, (others, same)) = made(2), made(4096)
    assert few["rate"].equals(whole["rate"])
    assert numbers.tolist() == others.tolist() == [n for n in range(12) if stands[n] for _ in range(n % 3)]
    assert columns["text"].to_pylist() == same["text"].to_pylist() == [str(n) for n in numbers]
    assert columns["again"].to_pylist() == [again for n in range(12) if stands[n] for again in range(n % 3)]
    kept = [
        None if v is None or not math.isfinite(v) else v
        for v, stand in zip(values, stands, strict=True)
        if stand
    ]
    assert whole["rate"].to_pylist() == kept
