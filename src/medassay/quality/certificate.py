"""The inspection record of one frozen dataset version: what was inspected, by which rule, with what result.

An inspection is measured, by the holder of the data or by a laboratory. A third party's own document is not
written here: `attach` binds it to the version as it came.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from medassay.core.canonical import digest_bytes
from medassay.core.errors import EvidenceBroken, WrongUse
from medassay.core.estimate import Estimate
from medassay.core.record import Record
from medassay.core.specs import Bilingual, Stated, parameters_of
from medassay.datasets.flow import Flow
from medassay.datasets.manifest import Manifest
from medassay.quality import wording
from medassay.quality.label_audit import AuditResult, audit_labels
from medassay.quality.sampling import accepts
from medassay.quality.spec import Check, QualitySpec
from medassay.statistics.proportion import proportion
from medassay.trust.evidence import Evidence, Outcome

Digest = r"^[0-9a-f]{64}$"


class Issuer(Record):
    """Who answers for the record, under which number."""

    kind: wording.IssuerKind
    number: str = Field(min_length=1)
    name: str = ""

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.kind != "self" and not self.name.strip():
            raise ValueError("an issuer other than the holder of the data has a name")
        return self

    @classmethod
    def holder(cls, manifest: Manifest, name: str = "") -> Self:
        """The holder of the data, under a number that follows from the version inspected."""
        return cls(kind="self", number=f"QI-{manifest.digest[:12]}", name=name)


class CheckResult(Record):
    """One check of the gate."""

    id: str
    title: Bilingual
    severity: Literal["warn", "exclude"]
    reason: str
    source: Stated = Field(description="document and clause that asks for it")
    expectation: str
    arguments: dict[str, Any]
    applied: int | None = Field(description="samples it was held against; None: not for this source")
    failed: int | None = Field(description="samples that failed")
    met: bool | None


class LimitResult(Record):
    """One limit of the dataset as a whole."""

    id: Literal["largest_excluded_share", "least_samples_per"]
    column: str | None = None
    limit: float
    found: float
    kept: bool


class GateResult(Record):
    evidence: str = Field(pattern=Digest)
    outcome: Outcome
    samples_assessed: int = Field(ge=0)
    samples_excluded: int = Field(ge=0)
    excluded_samples: Estimate = Field(
        description="share of the samples excluded. It is exact for this dataset; the interval is for further"
        " samples of the same kind, and is given only where each person has one sample"
    )
    touched_subjects: Estimate = Field(description="share of the subjects that lost at least one sample")
    checks: tuple[CheckResult, ...]
    limits: tuple[LimitResult, ...]


class AnnotationResult(Record):
    evidence: str = Field(pattern=Digest)
    outcome: Outcome
    counts: dict[str, int]
    agreement: dict[str, Any] = Field(description="the agreement record of annotate, as it was kept")


class Aspect(Record):
    """One thing that quality may mean, and whether this inspection looked at it."""

    id: str
    title: Bilingual
    performed: bool
    how: Bilingual = Field(description="by which means; or why not")


class Certificate(Record):
    """数据集质量自检报告: the inspection record of one dataset version. No time, host or path."""

    schema_id: Literal["medassay.inspection/1"] = "medassay.inspection/1"
    title: Bilingual
    issuer: Issuer
    statement: Bilingual
    dataset: str
    source: str
    source_class: Literal["real", "public", "synthetic"]
    spec_version: str
    quality_spec_version: str
    manifest: str = Field(pattern=Digest, description="the version inspected")
    samples: int = Field(ge=1)
    subjects: int = Field(ge=1)
    disjointness: Literal["proven", "not_provable"]
    flow: Flow
    gate: GateResult
    annotation: AnnotationResult
    label_audit: AuditResult
    aspects: tuple[Aspect, ...]
    outcome: Outcome


class Attachment(Record):
    """A third party's document, bound to one dataset version; its content is the third party's own."""

    schema_id: Literal["medassay.attachment/1"] = "medassay.attachment/1"
    manifest: str = Field(pattern=Digest)
    document: str = Field(pattern=Digest)
    issuer: Issuer
    act: Literal["inspection", "certification"]

    @model_validator(mode="after")
    def _third_party(self) -> Self:
        if self.issuer.kind == "self":
            raise ValueError("a third party's document is not issued by the holder of the data")
        if self.act == "certification" and self.issuer.kind != "certification_body":
            raise ValueError("a certification is issued by a certification body")
        return self


def certify(
    spec: QualitySpec,
    manifest: Manifest,
    flow: Flow,
    gate: Evidence,
    annotation: Evidence,
    agreement: Mapping[str, Any],
    issuer: Issuer,
    *,
    audited: Mapping[str, bool] | None = None,
) -> Certificate:
    """Write the inspection record of a frozen version from what its steps found.

    Parameters
    ----------
    gate, annotation : Evidence
        Of the steps that the version went through.
    agreement : mapping
        The agreement record of annotate, as plain JSON.
    audited : mapping, optional
        Drawn sample to whether its label was found wrong; None: nobody has read them again.

    Returns
    -------
    Certificate
        `passed` says that nothing which was looked at failed; `aspects` says what was not looked at.

    Raises
    ------
    WrongUse
        When the Evidence is of another dataset, or the audit is not of the samples drawn.
    EvidenceBroken
        When the gate does not know a check of the spec: the spec was changed after the gate.
    """
    for evidence, kind in ((gate, "gate"), (annotation, "annotate")):
        _require_of(evidence, kind, f"{manifest.dataset}/{manifest.source}")
    samples = manifest.samples()
    _require_one_flow(flow, len(samples), gate)
    audit = audit_labels(spec, manifest, audited)
    return Certificate(
        title=wording.TITLES[issuer.kind],
        issuer=issuer,
        statement=wording.STATEMENTS[issuer.kind],
        dataset=manifest.dataset,
        source=manifest.source,
        source_class=manifest.source_class,
        spec_version=manifest.spec_version,
        quality_spec_version=spec.version,
        manifest=manifest.digest,
        samples=len(samples),
        subjects=len(manifest.subjects()),
        disjointness=manifest.disjointness,
        flow=flow,
        gate=_gate(spec, manifest.source, gate),
        annotation=AnnotationResult(
            evidence=annotation.digest,
            outcome=annotation.outcome,
            counts=annotation.counts,
            agreement=dict(agreement),
        ),
        label_audit=audit,
        aspects=_aspects(gate, agreement, audit),
        outcome=_outcome(gate.outcome, annotation.outcome, audit),
    )


def recomputed(record: Certificate) -> Certificate:
    """The record with everything that follows from its other parts computed again.

    Title and statement follow from the issuer, sizes from the flow, shares and kept limits from the gate's counts,
    acceptance from the audit's plan, and the outcome from all of these.
    """
    gate, audit, kind = record.gate, record.label_audit, record.issuer.kind
    people, touched = gate.touched_subjects.n_subjects, gate.touched_subjects.value
    if gate.samples_assessed and touched is not None:
        share = gate.samples_excluded / gate.samples_assessed
        gate = gate.model_copy(
            update={
                "excluded_samples": _share_of_samples(gate.samples_excluded, gate.samples_assessed, people),
                "touched_subjects": proportion(round(touched * people), people, method="clopper_pearson"),
                "limits": tuple(_kept(limit, share) for limit in gate.limits),
            }
        )
    if audit.plan is not None and audit.wrong is not None:
        audit = audit.model_copy(update={"accepted": accepts(audit.plan, audit.wrong)})
    kept = (record.flow.samples, record.flow.subjects)
    return record.model_copy(
        update={
            "title": wording.TITLES[kind],
            "statement": wording.STATEMENTS[kind],
            "samples": kept[0].train + kept[0].tune + kept[0].test,
            "subjects": kept[1].train + kept[1].tune + kept[1].test,
            "gate": gate,
            "label_audit": audit,
            "outcome": _outcome(gate.outcome, record.annotation.outcome, audit),
        }
    )


def _kept(limit: LimitResult, excluded_share: float) -> LimitResult:
    if limit.id == "largest_excluded_share":
        return limit.model_copy(update={"found": excluded_share, "kept": excluded_share <= limit.limit})
    return limit.model_copy(update={"kept": limit.found >= limit.limit})


def attach(
    document: bytes, manifest: Manifest, issuer: Issuer, *, act: Literal["inspection", "certification"]
) -> Attachment:
    """Bind a third party's document to the version that it is about."""
    fields = {
        "manifest": manifest.digest,
        "document": digest_bytes(document),
        "issuer": issuer,
        "act": act,
    }
    return parameters_of(Attachment, fields, where="attached document")


def _require_of(evidence: Evidence, kind: str, target: str) -> None:
    if (evidence.kind, evidence.target) != (kind, target):
        raise WrongUse(
            found=f"evidence of {evidence.kind} {evidence.target}",
            wanted=f"evidence of {kind} {target}",
            remedy="Give the evidence of the steps that this version went through.",
            where="certify",
        )


def _require_one_flow(flow: Flow, samples: int, gate: Evidence) -> None:
    """Version, flow and gate count the same samples, each by a count of its own."""
    kept = flow.samples.train + flow.samples.tune + flow.samples.test
    by_gate = sum(cause.samples for cause in flow.excluded if cause.stage == "gate")
    excluded = gate.counts.get("samples_excluded", 0)
    if kept != samples or by_gate != excluded:
        raise EvidenceBroken(
            found=f"a flow of {kept} samples kept and {by_gate} excluded by the gate",
            wanted=f"{samples} as in the version, and {excluded} as the gate counted",
            remedy="The records are of different runs; run gate and the steps after it again.",
            where="certify",
        )


def _gate(spec: QualitySpec, source: str, gate: Evidence) -> GateResult:
    counts = gate.counts
    assessed, excluded = counts.get("samples_assessed", 0), counts.get("samples_excluded", 0)
    subjects, touched = counts.get("subjects_assessed", 0), counts.get("subjects_touched", 0)
    return GateResult(
        evidence=gate.digest,
        outcome=gate.outcome,
        samples_assessed=assessed,
        samples_excluded=excluded,
        excluded_samples=_share_of_samples(excluded, assessed, subjects),
        touched_subjects=proportion(touched, subjects, method="clopper_pearson"),
        checks=tuple(_check(check, source, gate) for check in spec.checks),
        limits=_limits(spec, counts) if assessed else (),
    )


def _share_of_samples(excluded: int, assessed: int, subjects: int) -> Estimate:
    """Exact binomial interval where samples are independent people; else the bare share."""
    if assessed == subjects:
        return proportion(excluded, assessed, method="clopper_pearson")
    return Estimate(
        value=excluded / assessed,
        n_subjects=subjects,
        n_events=assessed,
        undefined="no interval: samples of one person are not independent",
    )


def _check(check: Check, source: str, gate: Evidence) -> CheckResult:
    """The check as the gate counted it; where the gate assessed nothing there is nothing to count."""
    here = not check.sources or source in check.sources
    known = f"applied:{check.id}" in gate.counts
    if gate.counts.get("samples_assessed", 0) and here != known:
        raise EvidenceBroken(
            found=f"a gate that {'knows' if known else 'does not know'} check '{check.id}'",
            wanted="the checks of this spec for this source",
            remedy="The spec was changed after the gate; run gate and the steps after it again.",
            where=f"evidence of gate {gate.target}",
        )
    return CheckResult(
        id=check.id,
        title=check.title,
        severity=check.severity,
        reason=check.reason.value,
        source=check.source,
        expectation=check.expectation,
        arguments=check.arguments,
        applied=gate.counts[f"applied:{check.id}"] if known else None,
        failed=gate.counts[f"failed:{check.id}"] if known else None,
        met=gate.counts[f"unmet:{check.id}"] == 0 if known else None,
    )


def _limits(spec: QualitySpec, counts: Mapping[str, int]) -> tuple[LimitResult, ...]:
    share = counts["samples_excluded"] / counts["samples_assessed"]
    largest = spec.limits.largest_excluded_share
    return (
        LimitResult(id="largest_excluded_share", limit=largest, found=share, kept=share <= largest),
        *(
            LimitResult(
                id="least_samples_per",
                column=column,
                limit=least,
                found=counts[f"least_kept:{column}"],
                kept=counts[f"least_kept:{column}"] >= least,
            )
            for column, least in spec.limits.least_samples_per.items()
        ),
    )


def _outcome(gate: Outcome, annotation: Outcome, audit: AuditResult) -> Outcome:
    both = (gate, annotation)
    if Outcome.FAILED in both or Outcome.REFUSED in both or audit.accepted is False:
        return Outcome.FAILED
    return Outcome.NOT_ASSESSED if Outcome.NOT_ASSESSED in both else Outcome.PASSED


def _aspects(gate: Evidence, agreement: Mapping[str, Any], audit: AuditResult) -> tuple[Aspect, ...]:
    """What was looked at, by which means, and what was not."""
    assessed = gate.counts.get("samples_assessed", 0)
    measured = agreement["method"] == "reads" and not agreement["not_performed"]
    return (
        Aspect(
            id="values",
            title=wording.VALUES,
            performed=bool(assessed),
            how=wording.BY_MACHINE if assessed else wording.NO_SAMPLE,
        ),
        Aspect(id="completeness", title=wording.COMPLETENESS, performed=True, how=wording.BY_FLOW),
        Aspect(
            id="reader_agreement",
            title=wording.AGREEMENT,
            performed=measured,
            how=wording.BY_READERS if measured else wording.NO_AGREEMENT[agreement["method"]],
        ),
        Aspect(
            id="label_audit",
            title=wording.AUDIT,
            performed=audit.not_performed is None,
            how=audit.not_performed or wording.BY_SAMPLING,
        ),
        Aspect(
            id="representativeness",
            title=wording.REPRESENTATIVENESS,
            performed=False,
            how=wording.NO_POPULATION,
        ),
        Aspect(
            id="clinical_truth", title=wording.CLINICAL_TRUTH, performed=False, how=wording.NO_CLINICAL_TRUTH
        ),
    )
