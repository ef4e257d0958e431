"""`Method`: a test method as the catalogue prints it, declared beside the function that computes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

Task = Literal[
    "classification",
    "detection",
    "segmentation",
    "beats",
    "events",
    "alarms",
    "measurement",
    "counting",
    "agreement",
    "reader_study",
    "comparison",
    "robustness",
    "sample_size",
    "sampling",
    "any",
]
Function = TypeVar("Function", bound=Callable[..., Any])
ATTRIBUTE = "__medassay_method__"


@dataclass(frozen=True)
class Method:
    """What a reader of a report may ask of a figure: by which formula, from where, checked against what."""

    id: str
    task: Task
    zh: str
    en: str
    formula: str
    source: str
    check: str


def method(
    *, id: str, task: Task, zh: str, en: str, formula: str, source: str, check: str
) -> Callable[[Function], Function]:
    """Declare a function to be a test method; the function itself stays as it is.

    Parameters
    ----------
    id : str
        Stable, in lower case with hyphens: `roc-auc-delong`.
    zh, en : str
        Its name in the field's standard terms.
    formula : str
        In one line of plain text.
    source : str
        Author, journal, year, or standard with clause.
    check : str
        The independent implementation or published values that it is tested against.

    Examples
    --------
    >>> @method(id="mean", task="any", zh="均值", en="mean", formula="sum(x) / n", source="-", check="numpy")
    ... def mean(values):
    ...     return sum(values) / len(values)
    >>> mean([1, 3]), method_of(mean).en
    (2.0, 'mean')
    """

    def declared(function: Function) -> Function:
        setattr(function, ATTRIBUTE, Method(id, task, zh, en, formula, source, check))
        return function

    return declared


def method_of(function: object) -> Method | None:
    """The declaration of a function, if it has one."""
    found = getattr(function, ATTRIBUTE, None)
    return found if isinstance(found, Method) else None
