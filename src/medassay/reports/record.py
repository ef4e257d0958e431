"""`ReportRecord`: the JSON document that *is* the report; HTML and PDF are views of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from medassay.annotation.agreement import AgreementRecord
from medassay.annotation.spec import AnnotationSpec
from medassay.core.canonical import canonical_json, digest_of
from medassay.datasets.flow import Flow
from medassay.datasets.spec import DatasetSpec, Source
from medassay.evaluation.analysis import Results
from medassay.evaluation.protocol import Protocol
from medassay.evaluation.scorer import Metric
from medassay.evaluation.sufficient import sizes, summed
from medassay.quality.certificate import Attachment, Certificate
from medassay.quality.spec import QualitySpec
from medassay.registry.device import DeviceSpec
from medassay.reports.comparisons import Comparison, comparisons_of
from medassay.reports.figures import Figure, figures_of, results_of
from medassay.reports.given import (
    Agreement,
    Compared,
    DatasetFacts,
    Given,
    Inspection,
    Issue,
    LedgerFacts,
    MetricFacts,
    Part,
    Step,
    Training,
    require_one_story,
)
from medassay.reports.limits import Remark, deviations, limits, unanswered
from medassay.room.record import RunRecord
from medassay.room.timing import Timing
from medassay.trust.evidence import code_identity


class Group(Part):
    """Test subjects of one stratum."""

    axis: str
    level: str | None = Field(description="None: not stated")
    subjects: int
    samples: int


class Scope(Part):
    """What page 1 says about how far the figures reach."""

    subjects_by_class: dict[Literal["real", "public", "synthetic"], int]
    sealed: bool
    earlier_looks: int
    population: Literal["not_synthetic", "not_provable"] = Field(
        description="whether the observed population is the declared one; synthetic data observe none, and "
        "a declared population is a text that no record can prove"
    )
    disjoint: Literal["proven", "not_provable"]
    scored_by_prediction: int
    scored_by_rule: int


class ReportRecord(Part):
    """One report. Everything but `given` is computed from `given`; `verify` does so again."""

    schema_id: Literal["medassay.report/1"] = "medassay.report/1"
    number: str
    given: Given
    results: Results
    verdict: Literal["met", "not_met", "insufficient", "exploratory", "demonstration_only", "no_goal"]
    figures: tuple[Figure, ...]
    comparisons: tuple[Comparison, ...] = Field(default=(), description="in the order of `given.compared`")
    scope: Scope
    observed: tuple[Group, ...] = Field(description="the population seen in the test split")
    sums: dict[str, float] = Field(
        description="statistics summed over the test split; of scores their number"
    )
    limits: tuple[Remark, ...]
    deviations: tuple[Remark, ...]
    digests: dict[Literal["run", "protocol"], str]
    seal: str = Field(description="SHA-256 of the canonical JSON of everything else here")

    @property
    def digest(self) -> str:
        """SHA-256 of the record's file: what the QR code and the Evidence hold."""
        return digest_of(self.model_dump(mode="json"))

    def to_json(self) -> bytes:
        return canonical_json(self.model_dump(mode="json"))

    def figure(self, endpoint: str) -> Figure:
        """The figure of an endpoint over all test subjects."""
        return next(f for f in self.figures if f.endpoint == endpoint and f.axis is None and f.choice is None)

    @property
    def primary(self) -> Figure:
        return self.figure(self.given.protocol.primary)


def build(
    *,
    stem: str,
    dataset: DatasetSpec,
    source: Source,
    protocol: Protocol,
    annotation: AnnotationSpec,
    quality: QualitySpec,
    device: DeviceSpec,
    run: RunRecord,
    metrics: Mapping[str, Metric],
    flow: Flow,
    disjointness: Literal["proven", "not_provable"],
    agreement: AgreementRecord | None,
    inspection: Certificate | None,
    training: Training | None,
    chain: Sequence[Step],
    ledger: LedgerFacts,
    environment: Mapping[str, str],
    issue: Issue | None = None,
    timing: Timing | None = None,
    compared: Sequence[Compared] = (),
    attached: Sequence[Attachment] = (),
) -> ReportRecord:
    """The report's record from the records of all steps.

    Parameters
    ----------
    stem : str
        Name of the database's specs.
    metrics : mapping
        The scorer's, as `metrics(options)` gives them.
    disjointness : "proven" or "not_provable"
        What `freeze` found.
    agreement, inspection, training, timing
        None where the step was not taken; the report says so.
    attached : sequence of Attachment
        Third parties' documents on the dataset; those of another version are left out.

    Raises
    ------
    EvidenceBroken
        When the records speak of different datasets, protocols, devices or numbers of samples.
    """
    return derive(
        Given(
            dataset=DatasetFacts.of(stem, dataset, source),
            device=device,
            protocol=protocol,
            annotation=annotation,
            quality=quality,
            run=run,
            metrics={name: MetricFacts.of(metric) for name, metric in sorted(metrics.items())},
            flow=flow,
            disjointness=disjointness,
            agreement=Agreement.of(agreement) if agreement else None,
            inspection=Inspection.of(inspection, attached) if inspection else None,
            training=training,
            timing=timing,
            compared=tuple(compared),
            chain=tuple(chain),
            ledger=ledger,
            code=code_identity(),
            environment=dict(environment),
            issue=issue or Issue(),
        )
    )


def derive(given: Given) -> ReportRecord:
    """Compute everything that a report says from what it was given."""
    require_one_story(given)
    results = results_of(given)
    run_digest = digest_of(given.run.model_dump(mode="json"))
    unsealed: dict[str, Any] = {
        "number": number_of(given, run_digest),
        "given": given,
        "results": results,
        "verdict": results.verdict.value if results.verdict else "no_goal",
        "figures": figures_of(given, results),
        "comparisons": comparisons_of(given),
        "scope": _scope(given),
        "observed": tuple(_observed(given)),
        "sums": sizes(summed(row.statistics for row in given.run.subjects)),
        "limits": limits(given, results),
        "deviations": deviations(given, results),
        "digests": {"run": run_digest, "protocol": given.protocol.digest},
    }
    record = ReportRecord(**unsealed, seal="")
    return record.model_copy(update={"seal": seal_of(record)})


def seal_of(record: ReportRecord) -> str:
    return digest_of(record.model_dump(mode="json", exclude={"seal"}))


def reissued(record: ReportRecord, **issue: str) -> ReportRecord:
    """The same report under another standing: its figures are computed again from what it was given."""
    standing = Issue.model_validate(record.given.issue.model_dump() | issue)
    return derive(record.given.model_copy(update={"issue": standing}))


def number_of(given: Given, run_digest: str) -> str:
    """A number that follows from the run, so that the same validation is never reported under two."""
    return f"{given.dataset.stem}.{given.dataset.source.name}.{given.device.version}.{run_digest[:12]}"


def _scope(given: Given) -> Scope:
    run = given.run
    missing = unanswered(given)
    counts: dict[Literal["real", "public", "synthetic"], int] = {"real": 0, "public": 0, "synthetic": 0}
    counts[run.source_class] = len(run.subjects)
    proven = given.disjointness == "proven" and given.dataset.source.identity == "known"
    return Scope(
        subjects_by_class=counts,
        sealed=run.sealing.sealed and not run.sealing.public_data,
        earlier_looks=run.earlier_looks,
        population="not_synthetic" if run.source_class == "synthetic" else "not_provable",
        disjoint="proven" if proven else "not_provable",
        scored_by_prediction=len(run.cases) - missing,
        scored_by_rule=missing,
    )


def _observed(given: Given) -> list[Group]:
    rows = given.run.subjects
    axes = sorted({axis for row in rows for axis in row.strata})
    groups = []
    for axis in axes:
        levels = {row.strata.get(axis) for row in rows}
        for level in sorted(levels, key=lambda level: (level is None, level or "")):
            chosen = [row for row in rows if row.strata.get(axis) == level]
            groups.append(
                Group(
                    axis=axis, level=level, subjects=len(chosen), samples=sum(row.samples for row in chosen)
                )
            )
    return groups
