"""The catalogue of test methods: whole, in two languages, and one for every figure that a scorer gives."""

import re

import pytest

from medassay.core.method import Method
from medassay.core.rooms import module_of, names_of
from medassay.evaluation.methods import catalogue, method_of_figure, methods_of_figures, stem_of

FILE_ROOM = "medassay.evaluation.scoring"
NEEDED = {
    "masks": {"structures": {"a": 1}, "nsd_tolerance_mm": 1.0},
    "classification": {"classes": ["mild", "severe"], "ordered": True, "prevalences": {"severe": 0.1}},
}


def test_there_are_thirty_methods_or_more():
    assert len(catalogue()) >= 30


def test_ids_are_unique_and_in_lower_case_with_hyphens():
    ids = [entry.method.id for entry in catalogue()]
    assert len(set(ids)) == len(ids)
    assert [one for one in ids if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", one)] == []


@pytest.mark.parametrize("field", ["zh", "en", "formula", "source", "check"])
def test_every_method_says_its(field):
    assert [entry.method.id for entry in catalogue() if len(getattr(entry.method, field).strip()) < 3] == []


def test_chinese_names_hold_chinese_and_english_ones_none():
    han = re.compile(r"[\u4e00-\u9fff]")
    assert [entry.method.id for entry in catalogue() if han.search(entry.method.en)] == []
    without = [entry.method.id for entry in catalogue() if not han.search(entry.method.zh)]
    assert without == []


def test_two_methods_never_have_one_name():
    for language in ("zh", "en"):
        names = [getattr(entry.method, language) for entry in catalogue()]
        assert sorted({name for name in names if names.count(name) > 1}) == []


def test_every_import_line_imports_what_it_says():
    for entry in catalogue():
        scope = {}
        exec(entry.import_line, scope)  # the lines are ours: they stand in docs/statistics.md
        assert callable(scope[entry.function])


def test_every_metric_of_a_file_scorer_has_its_method():
    for task in names_of(FILE_ROOM):
        scorer = module_of(FILE_ROOM, task, what="task")
        figures = scorer.metrics(scorer.Options(**NEEDED.get(task, {})))
        assert figures
        named = methods_of_figures(task, figures)
        assert sorted({stem_of(figure) for figure in figures if figure not in named}) == [], task


def test_every_figure_names_a_method_that_exists():
    ids = {entry.method.id for entry in catalogue()}
    assert {method for method in method_of_figure().values() if method not in ids} == set()


def test_a_declaration_is_frozen():
    entry = catalogue()[0].method
    assert isinstance(entry, Method)
    with pytest.raises(AttributeError):
        entry.id = "another"
