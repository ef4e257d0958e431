"""One notion, one key, one word a language."""

import csv
from importlib.resources import files

from medassay.core.terms import LANGS, terms


def rows():
    text = files("medassay.core").joinpath("terms.csv").read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


def test_every_key_stands_once_and_every_cell_is_filled():
    keys = [row["key"] for row in rows()]
    assert len(set(keys)) == len(keys) == len(terms()) > 100
    assert all(value and value == value.strip() for row in rows() for value in row.values())


def test_each_term_has_chinese_in_the_one_column_and_none_in_the_other():
    for row in rows():
        assert any("\u4e00" <= sign <= "\u9fff" for sign in row["zh"]), row
        assert not any("\u4e00" <= sign <= "\u9fff" for sign in row["en"]), row


def test_how_well_a_source_was_checked_is_one_of_two_words():
    assert {row["checked"] for row in rows()} == {"read", "usual"}


def test_a_term_is_given_in_the_language_asked_for():
    found = terms()["reference_standard"]
    assert [found.in_language(lang) for lang in LANGS] == ["参考标准", "reference standard"]


def test_no_term_speaks_of_certification_which_is_a_third_party_s_act():
    assert not any("认证" in row["zh"] for row in rows())
