"""The Evidence of an ingest carries what left, by element and count, as a table for people."""

import csv
import io

import pyarrow as pa

from medassay.verbs import ingest


def test_what_was_kept_changed_and_removed_stands_in_one_row_an_element():
    actions = pa.Table.from_pylist(
        [
            {"element": "(0010,0010) PatientName", "action": "changed", "count": 4},
            {"element": "(0010,0040) PatientSex", "action": "kept", "count": 3},
            {"element": "(0010,0040) PatientSex", "action": "removed", "count": 1},
        ]
    )
    rows = list(csv.DictReader(io.StringIO(ingest._conformance("mr_volume", actions).decode("utf-8"))))
    assert [(row["element"], row["kept"], row["changed"], row["removed"]) for row in rows] == [
        ("(0010,0010) PatientName", "0", "4", "0"),
        ("(0010,0040) PatientSex", "3", "0", "1"),
    ]
