import pyarrow as pa

from medassay.core.tables import from_parquet, to_parquet


def test_a_table_reads_back_as_it_was_and_is_the_same_bytes_twice():
    table = pa.table({"sample_id": ["a", "b"], "age_years": [1.5, None], "subject_known": [True, False]})
    assert from_parquet(to_parquet(table)) == table
    assert to_parquet(table) == to_parquet(from_parquet(to_parquet(table)))
