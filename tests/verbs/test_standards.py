"""`medassay standards`: what is followed, by which module, and the catalogue in either language."""

import importlib
import json
import sys

import pytest

from medassay.cli.main import main
from medassay.core.errors import WrongUse
from medassay.verbs import standards


def printed(monkeypatch, capsys, *words):
    monkeypatch.setattr(sys, "argv", ["medassay", "standards", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    return capsys.readouterr().out


def test_every_standard_is_followed_by_a_module_that_exists():
    rows = standards.standards()
    assert len({row["number"] for row in rows}) == len(rows) >= 20
    for row in rows:
        assert importlib.import_module(row["where"])
        assert all(row[column].strip() for column in ("zh", "en", "basis"))


def test_the_catalogue_is_printed_in_either_language(monkeypatch, capsys):
    chinese, english = (
        json.loads(printed(monkeypatch, capsys, "--methods", "--lang", lang, "--json"))
        for lang in ("zh", "en")
    )
    assert len(chinese) == len(english) >= 30
    assert [row["id"] for row in chinese] == [row["id"] for row in english]
    assert next(row["name"] for row in chinese if row["id"] == "intersection-over-union") == "交并比"
    assert (
        next(row["name"] for row in english if row["id"] == "intersection-over-union")
        == "intersection over union (Jaccard)"
    )


def test_both_languages_stand_side_by_side_by_default(monkeypatch, capsys):
    (row, *_) = json.loads(printed(monkeypatch, capsys, "--methods", "--json"))
    assert {"zh", "en", "formula", "source", "check", "import"} <= set(row)
    assert f"{len(standards.standards())} standards" in printed(monkeypatch, capsys)


def test_another_language_is_refused():
    with pytest.raises(WrongUse, match="zh or en"):
        standards.methods("fr")
