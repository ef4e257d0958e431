"""`medassay score TASK REFERENCE PREDICTIONS`: figures with intervals from plain files, without a workspace.

Tasks that score file by file (beats, events, masks, alarms, classification) are those of a sealed validation; those
that score whole tables are `medassay.evaluation.table_scoring`. Classification is both: several reference files are a
case each. Both end in one record, `ScoreTable`.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

from medassay.core.errors import WrongUse
from medassay.core.rooms import module_of, names_of
from medassay.evaluation.scorer import Scorer
from medassay.evaluation.table_scorer import TableScorer
from medassay.verbs.score import by_file, by_table
from medassay.verbs.score.files import a_file_a_case
from medassay.verbs.score.record import Case, ScoreTable

FILE_ROOM, TABLE_ROOM = "medassay.evaluation.scoring", "medassay.evaluation.table_scoring"
ALSO_CALLED = {"segmentation": "masks", "nodules": "detection", "boxes": "detection", "mrmc": "reader_study"}

__all__ = ["Case", "ScoreTable", "run", "tasks"]


def tasks() -> list[str]:
    """The tasks that can be scored, sorted."""
    return sorted({*names_of(FILE_ROOM), *names_of(TABLE_ROOM)})


def run(
    task: str,
    reference: Path,
    predictions: Path,
    *,
    samples: Path | None = None,
    options: Path | None = None,
    subjects: Path | None = None,
) -> ScoreTable:
    """Score predictions against a reference.

    Parameters
    ----------
    task : str
        One of `tasks()`, or a name that it is also called by; `-` counts as `_`.
    samples : path, optional
        Folder of the signals or images, where scoring file by file needs them.
    options : path, optional
        YAML with the task's conventions.
    subjects : path, optional
        CSV with the columns `case` and `subject`, where scoring goes file by file; a table has a column of its own.

    Raises
    ------
    WrongUse
        For an unknown task, options that do not fit, a flawed reference, or a prediction without a reference.
    NothingReadable
        When there is no reference at all.
    EvidenceBroken
        When a headline figure and its second implementation differ.
    """
    name = ALSO_CALLED.get(task.replace("-", "_"), task.replace("-", "_"))
    if name in names_of(TABLE_ROOM) and not (name in names_of(FILE_ROOM) and a_file_a_case(reference)):
        if subjects is not None:
            raise WrongUse(
                found=f"a list of subjects for '{name}', which scores whole tables",
                wanted="a column `subject` in the reference table",
                remedy="Add the column and leave --subjects out.",
                where="--subjects",
            )
        table_scorer = cast(TableScorer, module_of(TABLE_ROOM, name, what="task"))
        return by_table.run(name, table_scorer, reference, predictions, options)
    if name not in names_of(FILE_ROOM):
        raise WrongUse(
            found=f"task '{task}'", wanted=f"one of {', '.join(tasks())}", remedy="Correct the name."
        )
    scorer = cast(Scorer, module_of(FILE_ROOM, name, what="task"))
    return by_file.run(name, scorer, reference, predictions, samples, options, subjects)
