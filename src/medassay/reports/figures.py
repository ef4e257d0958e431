"""Figures of a report: each under an id that leads to its rows, formula, code and seed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from medassay.core.estimate import Estimate
from medassay.evaluation.analysis import Results
from medassay.evaluation.protocol import Goal
from medassay.evaluation.scorer import Form, Share
from medassay.reports.given import Given, Part
from medassay.room.results import results_of as analysed

Standing = Literal["primary", "tested", "descriptive", "exploratory"]


class Figure(Part):
    """One figure. `axis` and `level` choose its rows among `given.run.subjects`; without them: all."""

    id: str = Field(description="F and a number, in the order of the report")
    endpoint: str
    axis: str | None = None
    level: str | None = Field(default=None, description="of the axis; None with an axis: not stated")
    choice: str | None = Field(default=None, description="another choice than the protocol's: sensitivity")
    left_out: str | None = Field(default=None, description="the subject left out")
    standing: Standing = Field(
        description="what it may be taken for: by the protocol as booked before the labels opened, else exploratory"
    )
    n_subjects: int = Field(ge=0)
    estimate: Estimate | None = Field(description="None exactly where it is not shown")
    not_shown: str = ""
    goal: Goal | None = None
    cleared: bool | None = Field(default=None, description="None: no goal, or no interval to judge by")
    numerator: dict[str, float]
    denominator: dict[str, float]
    form: Form = Field(default="ratio", exclude_if=lambda form: form == "ratio")
    standard: tuple[Share, ...] = Field(default=(), exclude_if=lambda parts: not parts)
    confidence: float
    replicates: int
    seed: int
    code: str = Field(description="module that computes it")


CODE = "medassay.evaluation.analysis"


def results_of(given: Given) -> Results:
    """Every result of the run, from its subjects' statistics and the formulas that the report carries."""
    metrics = {name: metric.as_metric() for name, metric in given.metrics.items()}
    return analysed(given.run, given.protocol, metrics, locked_first=given.ledger.locked_first)


def figures_of(given: Given, results: Results) -> tuple[Figure, ...]:
    """All figures in the order of the report, numbered."""
    drawn = [*_endpoints(given, results), *_subgroups(given, results), *_sensitivity(given, results)]
    return tuple(figure.model_copy(update={"id": f"F{n}"}) for n, figure in enumerate(drawn, 1))


def _endpoints(given: Given, results: Results) -> Iterator[Figure]:
    first = [r for r in results.endpoints if r.endpoint == results.primary]
    for result in (*first, *(r for r in results.endpoints if r.endpoint != results.primary)):
        bounded = result.goal is not None and result.estimate.lower is not None
        yield _figure(given, results, result.endpoint).model_copy(
            update={
                "standing": result.standing if given.ledger.locked_first else "exploratory",
                "n_subjects": result.estimate.n_subjects,
                "estimate": result.estimate,
                "goal": result.goal,
                "cleared": result.goal.cleared_by(result.estimate) if result.goal and bounded else None,
            }
        )


def _subgroups(given: Given, results: Results) -> Iterator[Figure]:
    for subgroup in results.subgroups:
        for cell in subgroup.cells:
            for result in results.endpoints:
                yield _figure(given, results, result.endpoint).model_copy(
                    update={
                        # The axes stand in the protocol, and no subgroup is tested.
                        "standing": "descriptive" if given.ledger.locked_first else "exploratory",
                        "axis": subgroup.axis,
                        "level": cell.level,
                        "n_subjects": cell.subjects,
                        "estimate": cell.estimates.get(result.endpoint),
                        "not_shown": cell.not_shown,
                    }
                )


def _sensitivity(given: Given, results: Results) -> Iterator[Figure]:
    goal = results.of(results.primary).goal
    for other in results.sensitivity:
        bounded = goal is not None and other.estimate.lower is not None
        yield _figure(given, results, results.primary).model_copy(
            update={
                "choice": other.choice,
                "left_out": other.subject,
                "n_subjects": other.estimate.n_subjects,
                "estimate": other.estimate,
                "goal": goal,
                "cleared": goal.cleared_by(other.estimate) if goal and bounded else None,
            }
        )


def _figure(given: Given, results: Results, endpoint: str) -> Figure:
    result = results.of(endpoint)
    return Figure(
        id="",
        endpoint=endpoint,
        standing="exploratory",  # until the protocol is seen to have it
        n_subjects=0,
        estimate=None,
        numerator=result.numerator,
        denominator=result.denominator,
        form=result.form,
        standard=result.standard,
        confidence=given.protocol.confidence,
        replicates=given.protocol.replicates,
        seed=given.protocol.seed,
        code=CODE,
    )
