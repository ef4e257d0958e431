"""The figures of a run: what validate, report and verify all compute in the same way from the RunRecord."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar, cast

from medassay.core.errors import EvidenceBroken
from medassay.core.rooms import module_of
from medassay.core.specs import parameters_of
from medassay.evaluation.analysis import (
    EndpointResult,
    Results,
    Sensitivity,
    WorstSubgroup,
    analyse,
)
from medassay.evaluation.formulas import metric_of
from medassay.evaluation.protocol import Protocol, Verdict
from medassay.evaluation.robustness import Disturbed, Robustness, robustness
from medassay.evaluation.scorer import Metric, Scorer
from medassay.evaluation.sufficient import Statistic, summed
from medassay.room.record import CaseRow, RunRecord, StressRow

Judged = TypeVar("Judged", Results, EndpointResult, WorstSubgroup, Sensitivity)


def results_of(
    run: RunRecord, protocol: Protocol, metrics: Mapping[str, Metric] | None = None, *, locked_first: bool
) -> Results:
    """Analyse a run by the protocol that it was made under.

    Parameters
    ----------
    metrics : mapping, optional
        The formulas that a report carries; without them the scorer's own.
    locked_first : bool
        Whether the ledger shows that the protocol was locked before the labels were opened. Where it does not,
        a goal may have been chosen to fit: what would be met is exploratory.

    Raises
    ------
    EvidenceBroken
        When the protocol is another one, or a subject's sums are not those of its cases.
    """
    _require_consistent(run, protocol)
    formulas = _scorers_metrics(run) if metrics is None else metrics
    results = analyse(
        protocol,
        formulas,
        [row.subject for row in run.subjects],
        [row.statistics for row in run.subjects],
        [row.strata for row in run.subjects],
        run.source,
        synthetic=run.source_class == "synthetic",
        answered=_answered(run),
        readers=_by_reader(run),
    ).model_copy(update={"robustness": _robustness(run, protocol, formulas)})
    if run.causality is not None and not run.causality.held:
        # A device that looked ahead, or was not shown not to, meets no goal, whatever its figures.
        return _instead_of_met(results, Verdict.NOT_MET)
    return results if locked_first else _instead_of_met(results, Verdict.EXPLORATORY)


def _robustness(run: RunRecord, protocol: Protocol, metrics: Mapping[str, Metric]) -> tuple[Robustness, ...]:
    """Every condition of the protocol, held against the same samples undisturbed."""
    if protocol.stress is None or not run.stress:
        return ()
    cases = {case.sample: case for case in run.cases}
    primary = protocol.of(protocol.primary)
    found = []
    for condition in protocol.stress.conditions:
        rows = [row for row in run.stress if row.condition == condition.id]
        samples = {row.sample for row in rows}
        disturbed = {}
        for strength in condition.strengths:
            copies = [row for row in rows if row.strength == strength]
            if {row.sample for row in copies} != samples or len(copies) != len(samples) or not copies:
                raise _broken("copies of a condition that are not those of its other strengths", run)
            disturbed[strength] = Disturbed(
                subjects=_by_subject(copies),
                samples=len(copies),
                unanswered=sum(row.status != "ok" for row in copies),
            )
        found.append(
            robustness(
                protocol,
                metric_of(primary, metrics),
                condition,
                _by_subject(cases[sample] for sample in sorted(samples)),
                disturbed,
                primary.goals.get(run.source),
            )
        )
    return tuple(found)


def _scorers_metrics(run: RunRecord) -> Mapping[str, Metric]:
    scorer = cast(Scorer, module_of("medassay.evaluation.scoring", run.task, what="task"))
    return scorer.metrics(parameters_of(scorer.Options, run.options, where="run: options"))


def _instead_of_met(results: Results, verdict: Verdict) -> Results:
    """The same figures, with another word wherever a goal would be met."""

    def lowered(judged: Judged) -> Judged:
        return judged.model_copy(update={"verdict": verdict}) if judged.verdict is Verdict.MET else judged

    worst = results.worst_subgroup
    return lowered(results).model_copy(
        update={
            "endpoints": tuple(lowered(endpoint) for endpoint in results.endpoints),
            "worst_subgroup": lowered(worst) if worst is not None else None,
            "sensitivity": tuple(lowered(choice) for choice in results.sensitivity),
        }
    )


def _answered(run: RunRecord) -> list[dict[str, Statistic]] | None:
    """Sums over the samples that the device answered; None where it answered all."""
    if all(case.status == "ok" for case in run.cases):
        return None
    grouped = _by_subject(case for case in run.cases if case.status == "ok")
    return [grouped.get(row.subject, {}) for row in run.subjects]


def _by_reader(run: RunRecord) -> list[list[dict[str, Statistic]]]:
    """Each reader's sums in the run's order of subjects; an empty row where a reader read none of a subject."""
    places = sorted({row.reader for row in run.readers})
    held = {(row.reader, row.subject): row.statistics for row in run.readers}
    return [[held.get((place, row.subject), {}) for row in run.subjects] for place in places]


def _by_subject(cases: Iterable[CaseRow | StressRow]) -> dict[str, dict[str, Statistic]]:
    groups: dict[str, list[CaseRow | StressRow]] = {}
    for case in cases:
        groups.setdefault(case.subject, []).append(case)
    return {subject: summed(case.statistics for case in group) for subject, group in groups.items()}


def _require_consistent(run: RunRecord, protocol: Protocol) -> None:
    sums = {row.subject: row.statistics for row in run.subjects}
    if run.protocol != protocol.digest:
        found = "a run under another protocol"
    elif _by_subject(run.cases) != sums:
        found = "sums of a subject that are not those of its cases"
    else:
        return
    raise _broken(found, run)


def _broken(found: str, run: RunRecord) -> EvidenceBroken:
    return EvidenceBroken(
        found=found,
        wanted="the record as `medassay validate` wrote it, and its protocol",
        remedy="Restore both from a copy, or validate again.",
        where=f"run of {run.device} on {run.dataset}/{run.source}",
    )
