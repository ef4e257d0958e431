"""docs/statistics.md says what the code declares; its examples run; every figure of the outside tools agrees in it."""

import doctest
import runpy
from pathlib import Path

from medassay.evaluation.methods import catalogue
from medassay.verbs.score import tasks

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "statistics.md").read_text("utf-8")
MADE = runpy.run_path(str(DOCS / "generate_statistics.py"))


def test_the_page_is_what_make_docs_writes():
    assert MADE["page"](MADE["kept_table"]()) == PAGE, "run `make docs`"


def test_every_method_stands_with_its_import_line():
    assert [
        entry.method.id for entry in catalogue() if f"{entry.import_line}  # {entry.method.id}" not in PAGE
    ] == []


def test_the_example_of_the_page_runs():
    found = doctest.testfile(str(DOCS / "statistics.md"), module_relative=False)
    assert found.attempted >= 3
    assert found.failed == 0


def test_no_figure_of_an_outside_tool_differs():
    table = MADE["kept_table"]()
    assert "figures of" in table
    assert "; 0 differ." in table


def test_every_task_that_can_be_scored_has_its_row_of_outcomes_and_of_forms():
    text = (DOCS / "score.md").read_text("utf-8")
    forms, outcomes = text.split("## What becomes of a flawed prediction")
    heads = outcomes.split("\n|", 1)[1].split("\n", 1)[0]
    for task in tasks():
        assert f"| `{task}`" in forms
        assert task in heads
