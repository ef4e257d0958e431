"""Freeze: what is still in becomes one version, divided by subject, with the flow of everything offered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from medassay.core.errors import EvidenceBroken, WrongUse
from medassay.core.findings import Finding, Reason, Severity
from medassay.datasets import near_duplicates, versions
from medassay.datasets.catalogue import rows_of, table_of
from medassay.datasets.flow import Flow, flow_of
from medassay.datasets.manifest import REFERENCE, Manifest, Row
from medassay.datasets.sample import is_label
from medassay.datasets.selection import Selection, select
from medassay.datasets.spec import DatasetSpec, Source
from medassay.datasets.split import TRAINING, Divided
from medassay.trust.evidence import Evidence, Outcome, unfounded
from medassay.trust.sealing import sample_key

if TYPE_CHECKING:
    import pyarrow as pa

Disjointness = Literal["proven", "not_provable"]


@dataclass(frozen=True)
class Before:
    """The version that stood before: its manifest, its exclusions, and how it came about itself."""

    manifest: Manifest
    exclusions: Sequence[Mapping[str, Any]]
    dynamics: versions.Dynamics


@dataclass(frozen=True)
class Frozen:
    """A version and its flow; or neither, and the findings that say why.

    `exclusions` holds those of earlier stages and those of freeze itself.
    """

    outcome: Outcome
    manifest: Manifest | None
    flow: Flow | None
    exclusions: pa.Table
    disjointness: Disjointness
    counts: dict[str, int]
    dynamics: versions.Dynamics | None
    findings: tuple[Finding, ...]


def freeze(
    stem: str,
    spec: DatasetSpec,
    source: Source,
    evidence: Sequence[Evidence],
    *,
    offered: pa.Table,
    catalogue: pa.Table,
    measurements: pa.Table,
    objects: pa.Table,
    reference: pa.Table,
    exclusions: pa.Table,
    sketches: pa.Table | None = None,
    withdrawn: Mapping[str, str] | None = None,
    before: Before | None = None,
) -> Frozen:
    """Apply the cohort, hold near copies together, divide by subject, and seal the manifest.

    A step before that failed or was refused, or a part of the split without people, ends in a refused result:
    its findings are passed on as Evidence. A step that was never taken, or a lawful basis that is not stated,
    is wrong use.

    Parameters
    ----------
    evidence : sequence
        The Evidence of the steps before; every kind in `spec.freeze_needs` must be among it.
    exclusions : table
        Rows of gate and annotate, in the order of the stages: a sample counts under its first row.
    sketches : table, optional
        What near copies are known by; without it none is looked for.
    withdrawn : mapping, optional
        Subject to the reason for which it withdrew: its samples are left out, whatever else holds.
    before : Before, optional
        The version that this one follows.

    Raises
    ------
    WrongUse
        When Evidence that the spec needs is missing or of another source, when the lawful basis is not stated,
        or when a rule names a column that does not exist.
    EvidenceBroken
        When the tables do not belong together, so that the flow does not add up.
    """
    _require_lawful(source)
    _require_evidence(stem, spec, source, evidence)
    catalogued = rows_of("catalogue", catalogue)
    earlier = [*_withdrawn(catalogued, withdrawn or {}), *rows_of("exclusions", exclusions)]
    failed = unfounded(evidence)
    if failed:
        accepted = [row for row in catalogued if row["status"] == "accepted"]
        return _refused(earlier, _disjointness(source, accepted), failed)

    selected = select(
        spec,
        source,
        _facts(catalogued, measurements, {row["sample_id"] for row in earlier}),
        {row["sample_id"]: row["digest"] for row in rows_of("reference", reference)},
        sketches,
        placed={row.subject: row.split for row in before.manifest.rows} if before else {},
    )
    gone = [*earlier, *selected.exclusions]
    disjointness = _disjointness(source, selected.frozen)
    if selected.across and spec.near_duplicates == "refuse":
        return _refused(gone, disjointness, near_duplicates.findings(selected.across, Severity.REFUSE))
    if selected.divided.empty:
        return _refused(gone, disjointness, [_too_few(selected.divided)])

    manifest = _manifest(stem, spec, source, disjointness, _rows(selected, rows_of("objects", objects)))
    flow = flow_of(rows_of("offered", offered), catalogued, gone, selected.divided.parts, selected.funnel)
    dynamics = _dynamics(before, manifest, gone, catalogued, withdrawn or {})
    return Frozen(
        outcome=Outcome.PASSED,
        manifest=manifest,
        flow=flow,
        exclusions=_exclusion_table(gone),
        disjointness=disjointness,
        counts=_counts(flow, manifest) | dynamics.counts | {"near_copies": len(selected.copies)},
        dynamics=dynamics,
        findings=(
            *_notes(disjointness, selected.frozen, source),
            *near_duplicates.findings(selected.across, Severity.WARN),
            *versions.moved_from_test(dynamics),
        ),
    )


def released_keys(manifest: Manifest, label_key: bytes) -> dict[str, bytes]:
    """Sample id to the key of its labels, of train and tune; test keys are never released."""
    return {sample: sample_key(label_key, sample) for sample in sorted(manifest.samples(*TRAINING))}


def _withdrawn(catalogued: Sequence[Mapping[str, Any]], withdrawn: Mapping[str, str]) -> list[dict[str, str]]:
    return [
        {
            "sample_id": row["sample_id"],
            "stage": "withdraw",
            "check": withdrawn[row["subject_id"]],
            "reason": Reason.SUBJECT_WITHDREW.value,
        }
        for row in catalogued
        if row["status"] == "accepted" and row["subject_id"] in withdrawn
    ]


def _division(spec: DatasetSpec, source: Source) -> Literal["seeded", "published", "held_out"]:
    if source.division is not None:
        return "published"
    return "held_out" if spec.split.hold_out else "seeded"


def _dynamics(
    before: Before | None,
    manifest: Manifest,
    gone: Sequence[Mapping[str, Any]],
    catalogued: Sequence[Mapping[str, Any]],
    withdrawn: Mapping[str, str],
) -> versions.Dynamics:
    """Against the version before; frozen again without a change, a version keeps the history that it has."""
    if before is not None and before.manifest.digest == manifest.digest:
        return before.dynamics
    return versions.between(
        before.manifest if before else None,
        manifest,
        gone=gone,
        refused={
            row["sample_id"]: row["reason"]
            if row["reason"] != Reason.SUBJECT_WITHDREW
            else f"{row['reason']}:{withdrawn.get(row['subject_id'], '')}"
            for row in catalogued
            if row["status"] == "refused"
        },
        was_gone=before.exclusions if before else (),
    )


def _require_lawful(source: Source) -> None:
    missing = source.lawful_basis.missing_for(source.source_class)
    if missing:
        raise WrongUse(
            found=f"a lawful basis without {', '.join(missing)}",
            wanted=f"every field that a {source.source_class.value} source must state",
            remedy="State them in the dataset's spec; without them nothing is frozen.",
            where=f"source '{source.name}'",
        )


def _require_evidence(stem: str, spec: DatasetSpec, source: Source, evidence: Sequence[Evidence]) -> None:
    target = f"{stem}/{source.name}"
    foreign = [step for step in evidence if step.target != target]
    if foreign:
        raise WrongUse(
            found=f"evidence of {foreign[0].kind} of {foreign[0].target}",
            wanted=f"evidence of {target}",
            remedy="Hand in the evidence of this source; sources are never mixed.",
        )
    missing = [kind for kind in spec.freeze_needs if kind not in {step.kind for step in evidence}]
    if missing:
        raise WrongUse(
            found=f"no evidence of {', '.join(missing)}",
            wanted=f"evidence of {', '.join(spec.freeze_needs)}, as the spec's `freeze_needs` names it",
            remedy=f"Run: medassay {missing[0]} {stem} {source.name}",
        )


def _disjointness(source: Source, rows: Sequence[Mapping[str, Any]]) -> Disjointness:
    known = all(row["subject_known"] for row in rows)
    return "proven" if source.identity == "known" and known else "not_provable"


def _facts(
    catalogued: Sequence[Mapping[str, Any]], measurements: pa.Table, gone: set[str]
) -> dict[str, dict[str, Any]]:
    """Catalogue and measurements of every sample that is still in."""
    measured = {row["sample_id"]: row for row in measurements.to_pylist()}
    facts = {}
    for row in catalogued:
        sample = row["sample_id"]
        if row["status"] == "accepted" and sample not in gone:
            if sample not in measured:
                raise _foreign_tables(f"no measurements of sample {sample}")
            facts[sample] = {**measured[sample], **row}
    return facts


def _manifest(
    stem: str, spec: DatasetSpec, source: Source, disjointness: Disjointness, rows: Sequence[Row]
) -> Manifest:
    return Manifest(
        dataset=stem,
        source=source.name,
        source_class=source.source_class.value,
        spec_version=spec.version,
        kind=spec.kind,
        task=spec.task,
        seed=spec.split.seed,
        division=_division(spec, source),
        disjointness=disjointness,
        rows=tuple(rows),
    )


def _rows(selected: Selection, objects: Sequence[Mapping[str, Any]]) -> list[Row]:
    """The manifest's rows: each sample's public files, and the one label that is the reference standard."""
    parts = selected.divided.parts
    of_sample = {
        sample: {"sample": sample, "subject": selected.facts[sample]["subject_id"], "split": part}
        for sample, part in parts.items()
    }
    public = [item for item in objects if item["sample_id"] in parts and not is_label(item["role"])]
    filed = {item["sample_id"] for item in public}
    bare = [sample for sample in parts if sample not in filed]
    if bare:
        raise _foreign_tables(f"no file of sample {bare[0]}")
    rows = [
        Row(name=f"{sample}.{REFERENCE}", role=REFERENCE, digest=selected.labels[sample], **common)
        for sample, common in of_sample.items()
    ]
    rows += [
        Row(name=item["name"], role=item["role"], digest=item["digest"], **of_sample[item["sample_id"]])
        for item in public
    ]
    return sorted(rows, key=lambda row: (row.sample, row.role, row.name))


def _refused(
    gone: Sequence[Mapping[str, Any]], disjointness: Disjointness, findings: Sequence[Finding]
) -> Frozen:
    return Frozen(
        outcome=Outcome.REFUSED,
        manifest=None,
        flow=None,
        exclusions=_exclusion_table(gone),
        disjointness=disjointness,
        counts={"samples_excluded": len({row["sample_id"] for row in gone})},
        dynamics=None,
        findings=tuple(findings),
    )


def _exclusion_table(gone: Sequence[Mapping[str, Any]]) -> pa.Table:
    return table_of("exclusions", gone, order=("sample_id", "stage", "check", "reason"))


def _too_few(divided: Divided) -> Finding:
    return Finding(
        reason=Reason.LIMIT_EXCEEDED,
        severity=Severity.REFUSE,
        found=f"nobody in {', '.join(divided.empty)}; {len(divided.parts)} samples are still in",
        wanted="at least one subject each in train, tune and test",
        remedy="See what excluded the others, or bring more people's data.",
    )


def _notes(
    disjointness: Disjointness, rows: Sequence[Mapping[str, Any]], source: Source
) -> tuple[Finding, ...]:
    if disjointness == "proven":
        return ()
    unknown = sum(not row["subject_known"] for row in rows)
    said = "its identity is declared not provable" if source.identity == "not_provable" else ""
    count = f"{unknown} samples of unknown subject" if unknown else ""
    return (
        Finding(
            reason=Reason.SAME_SUBJECT,
            severity=Severity.WARN,
            found="; ".join(filter(None, (said, count))),
            wanted="every sample's subject known",
            remedy="Say in every report that disjointness of subjects is not provable.",
        ),
    )


def _counts(flow: Flow, manifest: Manifest) -> dict[str, int]:
    units = {"files": flow.files, "samples": flow.samples, "subjects": flow.subjects}
    counts = {f"{unit}_{state}": n for unit, row in units.items() for state, n in row.model_dump().items()}
    return counts | {"manifest_rows": len(manifest.rows)}


def _foreign_tables(found: str) -> EvidenceBroken:
    return EvidenceBroken(
        found=found,
        wanted="tables of one ingest",
        remedy="Run the steps again from ingest.",
        where="freeze",
    )
