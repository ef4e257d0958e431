"""From reads to the reference standard: compare, merge or arbitrate, check, seal.

1. Gather the sealed labels of each sample that is still in: single reads, or the reference as published.
2. Reads: compare the two readers; merge within the limits; else the arbitrator's read; else exclude.
3. Hold the label that came about to the task's label checks.
4. Seal it under role `reference`; every single read stays as it is, and its digest is listed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from medassay.annotation.agreement import AgreementRecord, agreement_figures, summed
from medassay.annotation.reference import UNDECLARED, Bench, Consensus, Get, Put, Row, SampleReference
from medassay.annotation.spec import AnnotationSpec, ReferenceRule
from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity
from medassay.core.rooms import module_of
from medassay.core.specs import parameters_of
from medassay.trust.evidence import Outcome

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Annotated:
    """The reference standard of one source, and how it came about."""

    reference: pa.Table
    exclusions: pa.Table
    agreement: dict[str, Any]  # an AgreementRecord as plain JSON
    outcome: Outcome
    counts: dict[str, int]
    findings: tuple[Finding, ...]


def annotate(
    spec: AnnotationSpec,
    source: str,
    objects: pa.Table,
    samples: Mapping[str, str],
    get: Get,
    put: Put,
    label_key: bytes,
) -> Annotated:
    """Make the reference standard of every sample that is still in.

    Two reads agree when every limited figure reaches its limit. A figure that is undefined (neither reader
    marked anything) is asked again with the readers exchanged, so that one reader's marks against the other's
    silence never pass as agreement; undefined both ways, there is nothing that they disagree about.

    Parameters
    ----------
    objects : pyarrow.Table
        As ingest gives it; labels are sealed under role `reference` or `read:<reader>`.
    samples : mapping
        Sample to subject, for the samples that are still in.
    get, put
        Read and keep an object's bytes under their digest.

    Returns
    -------
    Annotated
        `failed` when no sample has a reference, `not_assessed` when there was no sample.

    Raises
    ------
    WrongUse
        When the spec does not say how this source's reference comes about, or names a figure or task that
        does not exist.
    EvidenceBroken
        When a sealed label does not open: the store was altered or the key is another one.
    """
    rule = _rule(spec, source)
    task = cast(Consensus, module_of("medassay.annotation.consensus", spec.task, what="task"))
    if rule.method == "computed" and not hasattr(task, "compute"):
        raise WrongUse(
            found=f"a computed reference for task '{spec.task}'",
            wanted="reads, or published: this task has no rule that computes one",
            remedy="Correct the method.",
            where=f"references.{source}",
        )
    if hasattr(task, "Options"):  # a wrong option is the spec's fault, not that of each sample
        parameters_of(task.Options, dict(spec.options), where="options of the annotation spec")
    bench = Bench(spec, rule, task, _by_sample(objects), get, put, label_key)
    results = [bench.result(sample, samples[sample]) for sample in sorted(samples)]
    return _annotated(spec, rule, task, results, samples)


def _rule(spec: AnnotationSpec, source: str) -> ReferenceRule:
    """The rule of one source, complete or refused."""
    rule = spec.references.get(source)
    if rule is None:
        raise WrongUse(
            found=f"no reference rule for source '{source}'",
            wanted=f"one beside {', '.join(sorted(spec.references))}",
            remedy="Say under references how this source's reference standard comes about.",
            where="references",
        )
    if rule.method != "reads":
        return rule
    people = [*rule.readers, *([rule.arbitrator] if rule.arbitrator else [])]
    if len(rule.readers) != 2 or len(set(people)) != len(people):
        raise WrongUse(
            found=f"readers {', '.join(rule.readers) or 'none'}, arbitrator {rule.arbitrator or 'none'}",
            wanted="two readers and, if any, an arbitrator who is neither",
            remedy="Name the two readers' folders; nobody arbitrates an own read.",
            where=f"references.{source}",
        )
    if not spec.agreement_limits:
        raise WrongUse(
            found="no agreement limit",
            wanted="at least one, below which a sample is arbitrated",
            remedy="Give the least agreement of two reads by figure; without one any two reads would agree.",
            where="agreement_limits",
        )
    return rule


def _by_sample(objects: pa.Table) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = {}
    for row in objects.to_pylist():
        rows.setdefault(row["sample_id"], []).append(row)
    return rows


def _annotated(
    spec: AnnotationSpec,
    rule: ReferenceRule,
    task: Consensus,
    results: Sequence[SampleReference],
    samples: Mapping[str, str],
) -> Annotated:
    kept = [result for result in results if result.digest is not None]
    gone = [(result, cast(Finding, result.excluding)) for result in results if result.digest is None]
    reference = [{"sample_id": r.sample, "digest": r.digest, "method": r.method} for r in kept]
    exclusions = [
        {"sample_id": r.sample, "stage": "annotate", "check": r.check, "reason": finding.reason.value}
        for r, finding in gone
    ]
    outcome = Outcome.PASSED if kept else Outcome.FAILED if results else Outcome.NOT_ASSESSED
    return Annotated(
        reference=_table(reference, ("sample_id", "digest", "method")),
        exclusions=_table(exclusions, ("sample_id", "stage", "check", "reason")),
        agreement=_record(spec, rule, task, results).model_dump(mode="json"),
        outcome=outcome,
        counts=_counts(rule, results, samples),
        findings=(
            *(finding for result in results for finding in result.findings),
            *_strangers(rule, results),
            *_nothing(results, kept),
        ),
    )


def _record(
    spec: AnnotationSpec, rule: ReferenceRule, task: Consensus, results: Sequence[SampleReference]
) -> AgreementRecord:
    reads = tuple(read for result in results for read in result.reads)
    if rule.method != "reads":
        reason = {
            "published": "the reference standard was imported as published",
            "computed": "the reference standard is computed from the sample's own signal",
        }[rule.method]
        return AgreementRecord(task=spec.task, method=rule.method, not_performed=reason, reads=reads)
    compared = [result.compared for result in results if result.compared is not None]
    agreed = sum(not one.below for one in compared)
    arbitrated = sum(result.method == "arbitrated" for result in results)
    return AgreementRecord(
        task=spec.task,
        method=rule.method,
        not_performed="" if compared else "no sample was read by two readers",
        readers=rule.readers,
        arbitrator=rule.arbitrator,
        n_samples=len(compared),
        n_subjects=len({one.subject for one in compared}),
        n_agreed=agreed,
        n_arbitrated=arbitrated,
        n_unresolved=len(compared) - agreed - arbitrated,
        figures=agreement_figures(compared, task.figures, spec.agreement_limits),
        statistics=summed(compared),
        reads=reads,
    )


def _counts(
    rule: ReferenceRule, results: Sequence[SampleReference], samples: Mapping[str, str]
) -> dict[str, int]:
    kept = [result for result in results if result.digest is not None]
    subjects, left = set(samples.values()), {samples[result.sample] for result in kept}
    counts = {
        "samples_assessed": len(results),
        "samples_excluded": len(results) - len(kept),
        "samples_kept": len(kept),
        "subjects_assessed": len(subjects),
        "subjects_excluded": len(subjects - left),
        "subjects_kept": len(left),
        "reads": sum(len(result.reads) for result in results),
    }
    methods = ("agreed", "arbitrated") if rule.method == "reads" else (rule.method,)
    return counts | {f"samples_{name}": sum(r.method == name for r in kept) for name in methods}


def _strangers(rule: ReferenceRule, results: Sequence[SampleReference]) -> list[Finding]:
    """Reads that nobody asked for are kept and said, never used."""
    unasked = sum(read.reader == UNDECLARED for result in results for read in result.reads)
    if not unasked or rule.method != "reads":
        return []
    return [
        Finding(
            reason=Reason.REFERENCE_INVALID,
            severity=Severity.WARN,
            found=f"{unasked} reads of readers whom the spec does not name",
            wanted="reads of the two readers and the arbitrator",
            remedy="Name the reader in the spec, or leave the folder out of the source's readers.",
        )
    ]


def _nothing(results: Sequence[SampleReference], kept: Sequence[SampleReference]) -> tuple[Finding, ...]:
    if kept:
        return ()
    finding = Finding(
        reason=Reason.REFERENCE_MISSING if results else Reason.STEP_BEFORE_FAILED,
        severity=Severity.REFUSE,
        found="no sample with a reference" if results else "no sample that is still in",
        wanted="at least one",
        remedy="See the findings of each sample, and those of ingest and gate.",
    )
    return (finding,)


def _table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> pa.Table:
    import pyarrow as pa

    return pa.Table.from_pylist(list(rows), schema=pa.schema([(name, pa.string()) for name in columns]))
