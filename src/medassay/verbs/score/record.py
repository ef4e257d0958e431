"""The record that `medassay score --json` prints: one form for every task.

A field may be added to this version of the form; none is changed or removed without a new version.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, FiniteFloat

from medassay.core.estimate import Estimate
from medassay.core.record import Record
from medassay.evaluation.sufficient import Statistic


class Case(Record):
    """One case: a file, or a row of a table. Figures of file tasks are made of these statistics."""

    case: str
    status: Literal["scored", "missing", "unreadable", "unusable"] = Field(
        description="missing: no prediction; unreadable: it cannot be read; unusable: read, and out of range. "
        "All but scored are scored by the task's rule"
    )
    reason: str = ""
    statistics: dict[str, Statistic]


class Test(Record):
    """A significance test."""

    test: str
    p_value: FiniteFloat | None
    statistic: FiniteFloat | None = None
    degrees_of_freedom: FiniteFloat | None = Field(default=None, description="none: exact, or normal")
    undefined: str = Field(default="", description="why there is no p value")


class Judged(Record):
    """A figure held against the limit of a standard or of the options."""

    name: str
    value: Estimate
    judged: FiniteFloat | None = Field(
        description="the figure, or the end of its interval that the limit faces"
    )
    relation: Literal["<=", "<", ">=", ">"]
    limit: float
    n: int
    needed: int = Field(description="what the standard demands of n; fewer neither meet nor miss")
    verdict: Literal["met", "not_met", "not_enough", "not_estimable"]
    source: str


class SecondEntry(Record):
    """A headline figure or sum, computed a second time. A difference beyond the tolerance stops the score."""

    figure: str
    first: FiniteFloat
    second: FiniteFloat
    tolerance: FiniteFloat
    by: str = Field(description="the second implementation")


class ScoreTable(Record):
    """What `medassay score --json` prints, for every task alike."""

    schema_id: Literal["medassay.score/1"] = "medassay.score/1"
    task: str
    scorer_version: str
    options: dict[str, Any] = Field(description="every convention that was in force, defaults as well")
    unit_of_analysis: Literal["file", "case", "subject", "reader_and_case"] = Field(
        default="file", description="what intervals take for independent"
    )
    figures: dict[str, Estimate] = Field(description="by name; one of a class or structure is `name[class]`")
    methods: dict[str, str] = Field(
        default_factory=dict, description="figure to the id of its method in the catalogue of test methods"
    )
    tests: dict[str, Test] = Field(default_factory=dict)
    criteria: tuple[Judged, ...] = ()
    double_entry: tuple[SecondEntry, ...] = ()
    left_out: int = Field(
        default=0, ge=0, description="predictions of unknown cases that the options leave out"
    )
    remarks: tuple[str, ...] = Field(default=(), description="what a reader must know beside the figures")
    cases: tuple[Case, ...]
