"""Tasks that score whole tables: one reference and one set of predictions, figures of all cases at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from medassay.core.errors import EvidenceBroken, located
from medassay.evaluation.methods import methods_of_figures
from medassay.evaluation.table_scorer import Again, Tabled, TableScorer
from medassay.verbs.score.files import contents, declared_in
from medassay.verbs.score.record import Case, Judged, ScoreTable, SecondEntry, Test


def run(
    task: str, scorer: TableScorer, reference: Path, predictions: Path, options: Path | None
) -> ScoreTable:
    """Score both sides' files.

    Raises
    ------
    WrongUse
        For options that do not fit, and whatever the task refuses.
    NothingReadable
        When a side has no file.
    EvidenceBroken
        When a headline figure and its second implementation differ.
    """
    declared = declared_in(options, scorer.Options)
    with located(task):
        found = scorer.score(contents(reference), contents(predictions), declared)
    require_same(found.again)
    return table_of(task, scorer.VERSION, declared, found)


def require_same(entries: Iterable[Again]) -> None:
    """Stop before a figure is printed that a second implementation does not give.

    Raises
    ------
    EvidenceBroken
        Naming the first that differs.
    """
    for entry in entries:
        if not entry.agrees:
            raise EvidenceBroken(
                found=f"{entry.figure} = {entry.first!r}, and {entry.second!r} by {entry.by}",
                wanted=f"the same within {entry.tolerance!r}",
                remedy="One of the two is wrong: no figure is printed until it is mended.",
                where="double entry",
            )


def table_of(task: str, version: str, options: Any, found: Tabled) -> ScoreTable:
    """The record of a scored test."""
    return ScoreTable(
        task=task,
        scorer_version=version,
        options=options.model_dump(mode="json"),
        unit_of_analysis=found.unit_of_analysis,
        figures=dict(found.figures),
        methods=methods_of_figures(task, found.figures),
        tests={name: Test(**asdict(test)) for name, test in found.tests.items()},
        criteria=tuple(Judged(**vars(criterion)) for criterion in found.criteria),
        double_entry=tuple(SecondEntry(**vars(entry)) for entry in found.again),
        left_out=found.left_out,
        remarks=found.remarks,
        cases=tuple(
            Case(case=case.case, status=case.status, reason=case.reason, statistics=dict(case.statistics))
            for case in found.cases
        ),
    )
