"""What the steps before hand to a report. Everything else in it is computed from these and from nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from medassay.annotation.agreement import AgreementRecord
from medassay.annotation.spec import AnnotationSpec
from medassay.core.canonical import digest_of
from medassay.core.errors import EvidenceBroken
from medassay.core.estimate import Estimate
from medassay.core.record import Record
from medassay.core.specs import Bilingual
from medassay.datasets.flow import Flow
from medassay.datasets.spec import CohortRule, DatasetSpec, Disease, LawfulBasis, Source, SourceClass, Split
from medassay.evaluation.double_entry import entered
from medassay.evaluation.protocol import Protocol
from medassay.evaluation.scorer import Form, Metric, Share
from medassay.evaluation.sufficient import Statistic
from medassay.quality.certificate import Attachment, Certificate, GateResult, Issuer
from medassay.quality.spec import QualitySpec
from medassay.registry.device import DeviceSpec
from medassay.room.record import RunRecord
from medassay.room.timing import Timing
from medassay.trust.evidence import Outcome


class Part(Record):
    """A part of the report's record: frozen, and an unknown field is an error."""


class SourceFacts(Part):
    """A source without what could point at persons: no ids, no folder, no reader's folder name."""

    name: str
    source_class: SourceClass
    form: str
    identity: Literal["known", "not_provable"]
    lawful_basis: LawfulBasis
    citation: str
    published_division: bool
    persons_joined_from_outside: int = Field(ge=0, description="persons whose several ids were declared")

    @classmethod
    def of(cls, source: Source) -> Self:
        return cls(
            name=source.name,
            source_class=source.source_class,
            form=source.form,
            identity=source.identity,
            lawful_basis=source.lawful_basis,
            citation=source.citation,
            published_division=source.division is not None,
            persons_joined_from_outside=len(source.same_person),
        )


class DatasetFacts(Part):
    """The database as declared, with the one source that this report is of."""

    stem: str
    title: Bilingual
    version: str
    disease: Disease
    kind: str
    task: str
    intended_use: Bilingual
    target_population: Bilingual
    cohort: tuple[CohortRule, ...]
    split: Split
    source: SourceFacts

    @classmethod
    def of(cls, stem: str, spec: DatasetSpec, source: Source) -> Self:
        return cls(
            stem=stem,
            title=spec.title,
            version=spec.version,
            disease=spec.disease,
            kind=spec.kind,
            task=spec.task,
            intended_use=spec.intended_use,
            target_population=spec.target_population,
            cohort=spec.cohort,
            split=spec.split,
            source=SourceFacts.of(source),
        )


UNITS: tuple[Literal["files", "samples", "subjects"], ...] = ("files", "samples", "subjects")
PARTS: tuple[Literal["refused", "excluded", "train", "tune", "test"], ...] = (
    "refused",
    "excluded",
    "train",
    "tune",
    "test",
)


class MetricFacts(Part):
    """How a figure is computed: sum(numerator) / sum(denominator) over subjects, or as `form` says."""

    numerator: dict[str, float]
    denominator: dict[str, float]
    unit: str
    better: Literal["higher", "lower", "nearer_zero"]
    undefined: str
    form: Form = Field(default="ratio", exclude_if=lambda form: form == "ratio")
    standard: tuple[Share, ...] = Field(default=(), exclude_if=lambda parts: not parts)
    part: bool = Field(
        default=False,
        exclude_if=lambda part: not part,
        description="the numerator counts a part of what the denominator counts, though no name shows it",
    )

    @classmethod
    def of(cls, metric: Metric) -> Self:
        return cls(
            numerator=dict(metric.numerator),
            denominator=dict(metric.denominator),
            unit=metric.unit,
            better=metric.better,
            undefined=metric.undefined,
            form=metric.form,
            standard=metric.standard,
            part=metric.part,
        )

    def as_metric(self) -> Metric:
        return Metric(**dict(self))


class AgreementFacts(Part):
    """One pooled figure of two reads; no value where it is not defined."""

    name: str
    estimate: Estimate
    limit: float | None
    below: int = Field(ge=0, description="samples below the limit")


class Agreement(Part):
    """How the reference standard came about, without readers' names and without their single reads."""

    method: Literal["reads", "published", "computed"]
    not_performed: str = Field(description="why no agreement was measured; empty: it was")
    samples: int = Field(ge=0, description="that two readers read")
    subjects: int = Field(ge=0)
    agreed: int = Field(ge=0)
    arbitrated: int = Field(ge=0)
    unresolved: int = Field(ge=0)
    figures: tuple[AgreementFacts, ...]

    @classmethod
    def of(cls, record: AgreementRecord) -> Self:
        return cls(
            method=record.method,
            not_performed=record.not_performed,
            samples=record.n_samples,
            subjects=record.n_subjects,
            agreed=record.n_agreed,
            arbitrated=record.n_arbitrated,
            unresolved=record.n_unresolved,
            figures=tuple(
                AgreementFacts(name=one.name, estimate=one.estimate, limit=one.limit, below=one.n_below)
                for one in record.figures
            ),
        )


class Inspection(Part):
    """The dataset's inspection record as a report cites it: without readers' names and samples drawn."""

    digest: str = Field(pattern=r"^[0-9a-f]{64}$", description="of the whole record")
    issuer: Issuer
    manifest: str
    outcome: Outcome
    gate: GateResult
    attached: tuple[Attachment, ...] = Field(
        default=(),
        exclude_if=lambda documents: not documents,
        description="of third parties, to this version",
    )

    @classmethod
    def of(cls, certificate: Certificate, attached: Sequence[Attachment] = ()) -> Self:
        return cls(
            digest=digest_of(certificate.model_dump(mode="json")),
            issuer=certificate.issuer,
            manifest=certificate.manifest,
            outcome=certificate.outcome,
            gate=certificate.gate,
            attached=tuple(one for one in attached if one.manifest == certificate.manifest),
        )


class Step(Part):
    """One step's Evidence."""

    kind: str
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    outcome: Outcome
    findings: int = Field(ge=0)
    reasons: dict[str, int] = Field(default_factory=dict, description="findings by reason")


class Booking(Part):
    """A line of the ledger."""

    sequence: int = Field(ge=0)
    time: str
    digest: str = Field(pattern=r"^[0-9a-f]{64}$", description="what was booked")


class LedgerFacts(Part):
    """That the protocol was fixed before labels opened; times stand here, since the ledger alone has them."""

    protocol_locked: Booking | None
    unsealed: Booking | None
    inspected: Booking | None = Field(default=None, description="the dataset's inspection; None: not booked")
    head: str = Field(pattern=r"^[0-9a-f]{64}$")
    entries: int = Field(ge=0)
    key: str = Field(description="public signing key, hexadecimal")
    demo_key: bool

    @property
    def locked_first(self) -> bool:
        if self.protocol_locked is None or self.unsealed is None:
            return False
        return self.protocol_locked.sequence < self.unsealed.sequence


class Training(Part):
    """How the tested version was trained: run by us, or declared by its maker."""

    by: Literal["run_here", "declared"]
    parameters: dict[str, int | float | str | bool] = Field(default_factory=dict)
    curves: dict[str, tuple[tuple[int, float], ...]] = Field(
        default_factory=dict, description="figure to (step, value)"
    )
    sandbox: str = Field(default="", description="how the room was closed while it trained")


class Issue(Part):
    """Under which name and standing the report goes out."""

    status: Literal["draft", "final", "superseded", "withdrawn"] = "draft"
    issuer_kind: Literal["self", "laboratory"] = "self"
    issuer: str = ""
    replaces: str = Field(default="", description="number of the report that this one supersedes")
    replaced_by: str = Field(default="", description="number of the report that supersedes this one")

    @model_validator(mode="after")
    def _a_superseded_report_names_its_successor(self) -> Self:
        if (self.status == "superseded") != bool(self.replaced_by):
            raise ValueError("a superseded report names its successor, and no other report has one")
        return self


class Compared(Part):
    """Another device or version on the same test version: what a paired comparison takes from its report."""

    number: str = Field(description="of its report")
    name: Bilingual
    device: str
    version: str
    submission: str
    run: str = Field(pattern=r"^[0-9a-f]{64}$", description="digest of its run record")
    manifest: str
    task: str
    scorer_version: str
    options: dict[str, Any]
    statistics: dict[str, dict[str, Statistic]] = Field(description="subject to its statistics together")


class Given(Part):
    """All inputs of a report."""

    dataset: DatasetFacts
    device: DeviceSpec
    protocol: Protocol
    annotation: AnnotationSpec
    quality: QualitySpec
    run: RunRecord
    metrics: dict[str, MetricFacts]
    flow: Flow
    disjointness: Literal["proven", "not_provable"]
    agreement: Agreement | None
    inspection: Inspection | None
    training: Training | None
    timing: Timing | None = Field(default=None, description="None: nothing was timed")
    compared: tuple[Compared, ...] = Field(default=(), description="empty: no comparison was made")
    chain: tuple[Step, ...]
    ledger: LedgerFacts
    code: dict[str, str]
    environment: dict[str, str]
    issue: Issue


def require_entered_twice(run: RunRecord, metrics: Mapping[str, MetricFacts]) -> None:
    """Refuse a run whose headline statistics or figures differ between the two implementations.

    Raises
    ------
    EvidenceBroken
        Naming the first that differs beyond its tolerance, or whose first entry is not that of the cases.
    """
    formulas = {name: metric.as_metric() for name, metric in metrics.items()}
    for entry in run.second_entry:
        counted = entered(entry.statistic, [case.statistics for case in run.cases], formulas)
        apart = not entry.agrees or not abs(entry.first - entry.second) <= entry.tolerance
        if apart or not math.isclose(counted, entry.first, rel_tol=1e-9, abs_tol=1e-9):
            raise EvidenceBroken(
                found=f"{entry.statistic} = {entry.first:g} by the scorer, {entry.second:g} by its second "
                f"implementation, {counted:g} over the cases",
                wanted=f"the same within {entry.tolerance:g} in every sample",
                remedy="No report is made of figures that two implementations do not share: mend the one that is "
                "wrong, and validate or re-score.",
                where="double entry",
            )


def require_one_story(given: Given) -> None:
    """Refuse records that speak of different things.

    Raises
    ------
    EvidenceBroken
        When the run is not of this protocol, dataset, source or device, its subjects are not the flow's, or a
        comparison is of another test version or scorer.
    """
    run, flow = given.run, given.flow
    require_entered_twice(run, given.metrics)
    stories: list[tuple[str, Any, Any]] = [
        ("protocol", run.protocol, given.protocol.digest),
        ("dataset", run.dataset, given.dataset.stem),
        ("source", run.source, given.dataset.source.name),
        ("source class", run.source_class, given.dataset.source.source_class.value),
        ("dataset version", given.inspection.manifest if given.inspection else run.manifest, run.manifest),
        ("device version", run.device_version, given.device.version),
        ("test samples", len(run.cases), flow.samples.test),
        ("test subjects", len(run.subjects), flow.subjects.test),
        ("samples of all subjects", sum(row.samples for row in run.subjects), len(run.cases)),
    ]
    for other in given.compared:
        stories += [
            ("dataset version of a comparison", other.manifest, run.manifest),
            ("task of a comparison", other.task, run.task),
            ("scorer version of a comparison", other.scorer_version, run.scorer_version),
            ("scoring conventions of a comparison", other.options, run.options),
            (
                "subjects of a comparison",
                sorted(other.statistics),
                sorted(row.subject for row in run.subjects),
            ),
        ]
    for what, found, wanted in stories:
        if found != wanted:
            raise EvidenceBroken(
                found=f"{what} {str(found)[:64]}",
                wanted=str(wanted)[:64],
                remedy="Build the report from the records of one validation; run validate again.",
                where="run record",
            )
