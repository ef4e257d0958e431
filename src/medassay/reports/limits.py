"""What a reader must know before he believes a figure: limits and deviations by rule, the gravest first."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from medassay.evaluation.analysis import Results
from medassay.reports.given import Given, Part
from medassay.trust.evidence import Outcome


class Remark(Part):
    """A sentence by its key, and the values of its placeholders."""

    key: str = Field(description="of the table of sentences")
    values: dict[str, str] = Field(default_factory=dict)


def limits(given: Given, results: Results) -> tuple[Remark, ...]:
    """All limits that the records show; page 1 shows the first three."""
    return (
        *_of_standing(given),
        *_of_figures(given),
        *_of_data(given),
        *_of_size(given, results),
        *_of_scope(given, results),
    )


def deviations(given: Given, results: Results) -> tuple[Remark, ...]:
    """Where the validation did not go as its protocol has it."""
    found = []
    plan = given.protocol.sample_size.get(given.run.source)
    contributing = results.of(results.primary).estimate.n_subjects
    if plan is not None and contributing < plan.subjects:
        values = {"subjects": str(contributing), "planned": str(plan.subjects)}
        found.append(Remark(key="deviation_planned", values=values))
    missing = unanswered(given)
    if missing:
        found.append(Remark(key="deviation_status", values={"samples": str(missing)}))
    if given.run.causality is not None and not given.run.causality.held:
        found.append(Remark(key="deviation_causality"))
    if not given.ledger.locked_first:
        found.append(Remark(key="deviation_lock"))
    return tuple(found)


def unanswered(given: Given) -> int:
    """Test samples that were scored by the protocol's rule for missing predictions."""
    return sum(case.status != "ok" for case in given.run.cases)


def _of_standing(given: Given) -> Iterator[Remark]:
    """That the report does not count any more stands before all else."""
    issue = given.issue
    if issue.status == "superseded":
        yield Remark(key="limit:superseded", values={"number": issue.replaced_by})
    if issue.status == "withdrawn":
        yield Remark(key="limit:withdrawn")


def _of_figures(given: Given) -> Iterator[Remark]:
    """What makes the figures themselves doubtful."""
    causality = given.run.causality
    if causality is not None and not causality.held:
        key = "limit:looked_ahead" if causality.differing else "limit:causality_not_shown"
        yield Remark(key=key)
    if given.run.source_class == "synthetic":
        yield Remark(key="limit:synthetic")


def _of_data(given: Given) -> Iterator[Remark]:
    """What makes the test set doubtful."""
    if given.run.source_class == "public":
        yield Remark(key="limit:public")
    if given.dataset.source.identity == "not_provable":
        yield Remark(key="limit:identity")
    elif given.disjointness != "proven":
        yield Remark(key="limit:not_disjoint")
    if not given.ledger.locked_first:
        yield Remark(key="limit:lock_unproven")
    if given.run.earlier_looks:
        yield Remark(key="limit:earlier_looks", values={"looks": str(given.run.earlier_looks)})


def _of_size(given: Given, results: Results) -> Iterator[Remark]:
    """What makes the interval wide or the conclusion open."""
    minimum = given.protocol.minimum_subjects
    contributing = results.of(results.primary).estimate.n_subjects
    if contributing < minimum:
        values = {"subjects": str(contributing), "minimum": str(minimum)}
        yield Remark(key="limit:few_subjects", values=values)
    if results.of(results.primary).estimate.lower is None:
        yield Remark(key="limit:no_interval")
    plan = given.protocol.sample_size.get(given.run.source)
    if plan is not None and plan.power < plan.aim:
        yield Remark(key="limit:low_power", values={"power": f"{plan.power:.3f}", "aim": f"{plan.aim:g}"})
    elif plan is not None and plan.shortfall is not None:
        yield Remark(key="limit:plan_shortfall")
    missing = unanswered(given)
    if missing:
        yield Remark(key="limit:missing_predictions", values={"samples": str(missing)})


def _of_scope(given: Given, results: Results) -> Iterator[Remark]:
    """What the validation did not reach."""
    run, inspection = given.run, given.inspection
    if not run.sealing.sealed and not run.sealing.public_data:
        yield Remark(key="limit:not_sealed", values={"means": f"means:{run.sealing.means}"})
    if inspection is None:
        yield Remark(key="limit:inspection_none")
    elif inspection.outcome != Outcome.PASSED:
        yield Remark(key="limit:inspection_failed", values={"outcome": f"outcome:{inspection.outcome.value}"})
    sites = {row.strata.get("site") for row in run.subjects} - {None}
    if len(sites) < 2:
        yield Remark(key="limit:one_site", values={"sites": str(len(sites))})
    method = given.agreement.method if given.agreement else None
    if method in ("published", "computed"):
        yield Remark(key=f"limit:{method}_reference")
    if inspection is not None and inspection.issuer.kind == "self":
        yield Remark(key="limit:self_inspection")
    yield difficult_or_rare(given, results)
    yield Remark(key="limit:no_external")
    if run.repeat and run.repeat.differing:
        values = {"samples": str(run.repeat.samples), "differing": str(len(run.repeat.differing))}
        yield Remark(key="limit:not_repeatable", values=values)
    if run.stress:
        yield from _of_stress(results)
    else:
        yield Remark(key="limit:only_repeated" if run.repeat else "limit:not_robust")


def difficult_or_rare(given: Given, results: Results) -> Remark:
    """What the test set says of hard and rare cases: page 1 has it whatever else stands there."""
    cells = [cell for subgroup in results.subgroups for cell in subgroup.cells]
    few = sum(cell.level is not None and not cell.estimates for cell in cells)
    if not few:
        return Remark(key="limit:difficult_or_rare:no_small_subgroup")
    return Remark(
        key="limit:difficult_or_rare", values={"few": str(few), "minimum": str(given.protocol.minimum_cell)}
    )


def _of_stress(results: Results) -> Iterator[Remark]:
    """That the disturbed samples are few, and which limits were not kept."""
    tested = results.robustness
    subjects = min(one.subjects for one in tested)
    yield Remark(key="limit:stress_small", values={"subjects": str(subjects)})
    lost = sum(one.held is False for one in tested)
    if lost:
        yield Remark(key="limit:stress_lost", values={"lost": str(lost), "conditions": str(len(tested))})
