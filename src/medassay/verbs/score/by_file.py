"""Tasks that score file by file: pairs by name, statistics of each, figures as ratios of their sums."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from medassay.core.errors import WrongUse, located
from medassay.core.estimate import Estimate
from medassay.evaluation.double_entry import Entry, enter_all_twice, require_agreement
from medassay.evaluation.figure import Asked
from medassay.evaluation.methods import methods_of_figures
from medassay.evaluation.scorer import Scorer
from medassay.evaluation.subject_table import SubjectTable
from medassay.evaluation.sufficient import Statistics, summed
from medassay.formats.predictions.table import case_ids, read_plain
from medassay.verbs.score.files import declared_in, headers_beside, label_files, public_files, require_known
from medassay.verbs.score.record import Case, ScoreTable, SecondEntry

SEED = 1
REPLICATES = 2000
CONFIDENCE = 0.95
Twice = tuple[Statistics, Statistics]


def run(
    task: str,
    scorer: Scorer,
    reference: Path,
    predictions: Path,
    samples: Path | None,
    options: Path | None,
    subjects: Path | None,
) -> ScoreTable:
    """Score each reference file against the prediction of the same name; a missing one counts as all wrong.

    Without `subjects` every file stands for one person: intervals are too narrow where several are of one.

    Raises
    ------
    WrongUse
        For options that do not fit, a prediction for which there is no reference, or a case without its subject.
    NothingReadable
        When there is no reference at all.
    """
    declared = declared_in(options, scorer.Options)
    labels, made = label_files(reference, task), label_files(predictions, task)
    if reference.is_file() and predictions.is_file():
        made = {case: made.popitem()[1] for case in labels}
    require_known(labels, made, predictions)
    public = public_files(samples, labels) if samples else headers_beside(task, labels)
    scored = [
        _scored(scorer, case, path, made.get(case), public.get(case, {}), declared)
        for case, path in labels.items()
    ]
    cases = tuple(case for case, _ in scored)
    entries = enter_all_twice([twice for _, twice in scored], scorer, declared)
    require_agreement(entries)
    people = _subjects(subjects, labels) if subjects else {}
    figures = _figures(scorer.metrics(declared), cases, people)
    return ScoreTable(
        task=task,
        scorer_version=scorer.VERSION,
        options=declared.model_dump(mode="json"),
        unit_of_analysis="subject" if people else "file",
        figures=figures,
        methods=methods_of_figures(task, figures),
        double_entry=tuple(_second(entry, task) for entry in entries),
        remarks=("each file is taken for a person of its own",) if len(cases) > 1 and not people else (),
        cases=cases,
    )


def _scored(
    scorer: Scorer,
    case: str,
    reference: Path,
    prediction: Path | None,
    public: Mapping[str, bytes],
    options: Any,
) -> tuple[Case, Twice]:
    content = prediction.read_bytes() if prediction else None
    with located(str(reference)):
        label = reference.read_bytes()
        try:
            score = scorer.score(label, content, public, options)
            status: Literal["scored", "missing", "unreadable"] = "scored" if prediction else "missing"
            reason = ""
        except WrongUse as error:
            if content is None:
                raise
            content = None
            score = scorer.score(label, None, public, options)
            status, reason = "unreadable", f"found {error.found}; wanted {error.wanted}"
        again = scorer.second(label, content, public, options)
    made = Case(case=case, status=status, reason=reason, statistics=dict(score.statistics))
    return made, (score.statistics, again)


def _second(entry: Entry, task: str) -> SecondEntry:
    return SecondEntry(
        figure=entry.statistic,
        first=entry.first,
        second=entry.second,
        tolerance=entry.tolerance,
        by=f"medassay.evaluation.scoring.{task}.second",
    )


def _subjects(place: Path, labels: Mapping[str, Path]) -> dict[str, str]:
    """Case to the person it is of; the list may name more cases than there are here."""
    with located(str(place)):
        if not place.is_file():
            raise WrongUse(
                found="no such file",
                wanted="a table `case,subject` of the reference's files",
                remedy="Correct the path given as --subjects.",
            )
        listed = read_plain(place.read_bytes())
        cases, people = case_ids(listed, "case"), case_ids(listed, "subject")
        found = dict(zip(cases, people, strict=True))
        lacking = sum(case not in found for case in labels)
        if lacking or len(found) < len(cases):
            raise WrongUse(
                found=f"{lacking} cases without a subject" if lacking else "a case that stands twice",
                wanted="a line `case,subject` for each file of the reference, named without its ending",
                remedy="Complete the list, or leave it out: then each file is a person of its own.",
            )
    return found


def _figures(
    metrics: Mapping[str, Any], cases: tuple[Case, ...], people: Mapping[str, str]
) -> dict[str, Estimate]:
    by_person: dict[str, list[Statistics]] = {}
    for case in cases:
        by_person.setdefault(people.get(case.case, case.case), []).append(case.statistics)
    rows = [summed(group) for group in by_person.values()]
    table = SubjectTable(tuple(by_person), rows, uncounted="zero")
    sums, ranks = (Asked(interval, CONFIDENCE, SEED, REPLICATES) for interval in ("percentile", "delong"))
    return {
        name: table.figure(metric).alone(ranks if metric.form == "area" else sums)
        for name, metric in metrics.items()
    }
