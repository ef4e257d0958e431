"""The catalogue of test methods, collected from where they are computed; and which figure is by which of them.

A method is declared beside its function (`medassay.core.method`). Nothing here repeats a declaration: a figure of a
scorer names the id of its method in `figures.csv`, which is package data so that a test can walk it.
"""

from __future__ import annotations

import csv
import importlib
import inspect
import pkgutil
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources

from medassay.core.errors import MedassayError
from medassay.core.method import Method, method_of

FLOOR = ("medassay.tasks", "medassay.statistics", "medassay.measures")


@dataclass(frozen=True)
class Catalogued:
    """A method, and the line that imports it."""

    method: Method
    module: str
    function: str
    summary: str  # the first sentence of its docstring

    @property
    def import_line(self) -> str:
        return f"from {self.module} import {self.function}"


@cache
def catalogue() -> tuple[Catalogued, ...]:
    """Every declared method, by task and id.

    Raises
    ------
    MedassayError
        When two functions declare one id: a fault of ours.
    """
    found = [entry for name in _modules() for entry in _declared_in(name)]
    ids = [entry.method.id for entry in found]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise MedassayError(
            found=f"two methods of the id {twice[0]}", wanted="an id a method", remedy="Rename one of them."
        )
    return tuple(sorted(found, key=lambda entry: (entry.method.task, entry.method.id)))


@cache
def method_of_figure() -> dict[tuple[str, str], str]:
    """(task, figure without its class) to the id of the method that gives it."""
    text = resources.files("medassay.evaluation").joinpath("figures.csv").read_text("utf-8")
    return {(row["task"], row["figure"]): row["method"] for row in csv.DictReader(text.splitlines())}


def methods_of_figures(task: str, figures: Iterable[str]) -> dict[str, str]:
    """The method's id of each figure that has one in the catalogue.

    Examples
    --------
    >>> methods_of_figures("masks", ["dice[anterior]"])
    {'dice[anterior]': 'dice'}
    """
    table = method_of_figure()
    named = {figure: table.get((task, stem_of(figure))) for figure in figures}
    return {figure: method for figure, method in named.items() if method}


def stem_of(figure: str) -> str:
    """A figure's name without its class, reader or level.

    Examples
    --------
    >>> stem_of("auc[with device][reader 1]")
    'auc'
    """
    return figure.split("[", 1)[0]


def _modules() -> list[str]:
    names = []
    for floor in FLOOR:
        package = importlib.import_module(floor)
        names += [module.name for module in pkgutil.walk_packages(package.__path__, f"{floor}.")]
    return sorted(names)


def _declared_in(name: str) -> list[Catalogued]:
    module = importlib.import_module(name)
    return [
        Catalogued(method, name, function, (inspect.getdoc(value) or "").split("\n\n")[0].replace("\n", " "))
        for function, value in vars(module).items()
        if not function.startswith("_")
        and inspect.isfunction(value)
        and value.__module__ == name
        and (method := method_of(value)) is not None
    ]
