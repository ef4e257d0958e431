import math

import pytest

from medassay.core.errors import EvidenceBroken
from medassay.core.tables import from_parquet, to_parquet
from medassay.datasets.catalogue import TABLES, age_facts, rows_of, schema, table_of

ROW = {"sample_id": "R-1", "stage": "gate", "check": "flat", "reason": "signal_flat"}


@pytest.mark.parametrize("name", TABLES)
def test_an_empty_table_keeps_its_declared_columns_through_parquet(name):
    table = from_parquet(to_parquet(table_of(name, [], order=())))
    assert table.schema == schema(name)
    assert rows_of(name, table) == []


def test_the_order_of_rows_changes_no_byte():
    rows = [ROW, ROW | {"sample_id": "R-0"}]
    made = {to_parquet(table_of("exclusions", order, order=("sample_id",))) for order in (rows, rows[::-1])}
    assert len(made) == 1


def test_a_row_without_a_value_that_it_must_have_is_never_kept():
    with pytest.raises(EvidenceBroken, match="without reason"):
        table_of("exclusions", [ROW | {"reason": None}], order=("sample_id",))


def test_a_table_of_another_step_is_refused():
    table = table_of("exclusions", [ROW], order=("sample_id",))
    with pytest.raises(EvidenceBroken, match="without digest, method"):
        rows_of("reference", table)


ages = {
    "new-born": (0.0, (0.0, "0-17")),
    "edge of a band": (18.0, (18.0, "18-44")),
    "just below": (64.99, (64.99, "45-64")),
    "oldest that is told": (89.9, (89.9, "65-89")),
    "one group": (97.0, (90.0, "90+")),
    "not stated": (None, (None, None)),
    "negative": (-1.0, (None, None)),
    "MIT-BIH's 'unknown' code": (999.0, (None, None)),
    "not a number": (math.nan, (None, None)),
}


@pytest.mark.parametrize(("age", "facts"), ages.values(), ids=ages)
def test_an_age_is_told_with_its_band_a_great_one_only_as_such_and_an_impossible_one_not(age, facts):
    assert age_facts(age) == facts
