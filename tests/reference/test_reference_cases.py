"""Every figure that an outside tool gave for the reference files is given by us."""

import importlib
import pkgutil

import pytest
import reference_cases

TOPICS = sorted(module.name for module in pkgutil.iter_modules(reference_cases.__path__))


@pytest.mark.shared
@pytest.mark.skipif(
    not reference_cases.FOLDER.is_dir(), reason="the reference values are not beside this repository"
)
@pytest.mark.parametrize("topic", TOPICS)
def test_every_figure_of_an_outside_tool_is_reproduced(topic):
    module = importlib.import_module(f"reference_cases.{topic}")
    cases = list(module.cases(reference_cases.FOLDER))
    assert cases, "no case was compared"
    assert [case for case in cases if not case.agrees] == []
