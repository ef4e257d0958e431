"""Repeatability in the paper: what is answered again is told apart from how its file was written."""

import re

import pytest

from medassay.core.terms import LANGS
from medassay.reports.composition import compose
from medassay.room.record import Repeat


def repeated(records, **found):
    return records.record(run=records.run_record(repeat=Repeat(samples=6, **found).model_dump()))


def text_of(record, lang):
    [section] = [one for one in compose(record, lang, "maker").sections if one.id == "repeat_runs"]
    return [block.text if hasattr(block, "text") else str(block.rows) for block in section.blocks]


@pytest.mark.parametrize("lang", LANGS)
def test_a_file_of_other_bytes_with_the_same_answer_is_no_difference(records, lang):
    record = repeated(records, differing=(), other_bytes=("a", "b"))
    counts = re.findall(r"\d+", text_of(record, lang)[0])
    assert [int(count) for count in counts] == [6, 6, 4, 0]
    assert "a, b" in text_of(record, lang)[1]
    assert "limit:not_repeatable" not in [limit.key for limit in record.limits]


def test_another_answer_is_a_limit_of_the_report(records):
    record = repeated(records, differing=("a",))
    [limit] = [limit for limit in record.limits if limit.key == "limit:not_repeatable"]
    assert limit.values == {"samples": "6", "differing": "1"}


def test_what_was_repeated_is_not_called_not_repeated(records):
    keys = [limit.key for limit in repeated(records, differing=()).limits]
    assert "limit:only_repeated" in keys
    assert "limit:not_robust" not in keys
    assert "limit:not_robust" in [limit.key for limit in records.record().limits]
