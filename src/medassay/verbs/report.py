"""`medassay report`: the validation report as JSON record, HTML and PDF, in both languages and editions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from medassay.annotation.agreement import AgreementRecord
from medassay.annotation.spec import AnnotationSpec
from medassay.core import progress
from medassay.core.atomic import write_atomic
from medassay.core.canonical import digest_bytes
from medassay.core.errors import EvidenceBroken, WrongUse
from medassay.core.rooms import module_of
from medassay.core.specs import load_spec, parameters_of
from medassay.core.terms import Lang
from medassay.datasets.flow import Flow
from medassay.evaluation.protocol import Protocol
from medassay.quality.certificate import Certificate
from medassay.quality.spec import QualitySpec
from medassay.registry.device import DeviceSpec
from medassay.registry.submission import open_submission
from medassay.room.record import RunRecord
from medassay.trust import ledger
from medassay.trust.evidence import Evidence, Outcome
from medassay.trust.sealing import sample_key, unseal
from medassay.verbs.attach import attachments
from medassay.verbs.compare import kept
from medassay.verbs.stage import Place, evidence_inputs, frozen_manifest, refused_after
from medassay.verbs.validate import EXCERPT

if TYPE_CHECKING:
    from medassay.reports.record import ReportRecord

DECLARATION = "device.yaml"
BEFORE = ("ingest", "gate", "annotate", "freeze", "certify")


def run(
    place: Place,
    device: str,
    *,
    languages: Sequence[Lang] = ("zh", "en"),
    status: Literal["draft", "final", "withdrawn"] = "draft",
) -> Evidence:
    """Build the record of the device's latest validation and write its views below `reports/`.

    The maker's edition stands in `reports/DATASET/SOURCE/`, the auditor's, with labels and test pictures, in a
    folder `auditor` of its own. The report of a run that was scored again goes to a folder `superseded` and names
    its successor there.

    Raises
    ------
    WrongUse
        When a report is to be final under demonstration keys, which anyone may hold.
    """
    from medassay.reports.given import Issue
    from medassay.reports.record import reissued

    if status == "final" and place.keys.demo:
        raise WrongUse(
            found="a final report under demonstration keys",
            wanted="keys of your own",
            remedy="Set up a workspace by `medassay init` without --demo-keys, or leave the report a draft.",
        )
    with place.writing():
        steps = [
            *(place.evidence(kind) for kind in BEFORE),
            *(place.evidence(k, device) for k in ("train", "validate")),
        ]
        refused = refused_after(place, "report", *steps, device=device)
        if refused:
            return refused
        _require_one_chain(steps)
        _require_as_run(place, device, steps)
        with progress.shown(f"report {device} on {place.dataset}/{place.source_name}"):
            record = _record(place, device, steps)
            before = _superseded(place, device, record)
            issue = Issue(status=status, replaces=before.number if before else "")
            record = reissued(record, **issue.model_dump(mode="json"))
            views = _views(record, languages, _excerpts(place, steps[-1], record), device)
            if before is not None:
                old = reissued(before, status="superseded", replaced_by=record.number)
                views |= _views(old, languages, {}, f"superseded/{old.number}")
        folder = place.workspace.reports(place.dataset, place.source_name)
        for name, content in views.items():
            write_atomic(folder / name, content)
        return place.finish(
            "report",
            inputs=evidence_inputs(*steps),
            files={"report": record.to_json()} | {f"view:{name}": c for name, c in views.items()},
            outcome=Outcome.PASSED,
            counts={"views": len(views)},
            parameters={"languages": list(languages), "status": status},
            packages=("jinja2", "matplotlib", "noto-cjk-sans-otc", "typst"),
            device=device,
        )


def _require_one_chain(steps: Sequence[Evidence]) -> None:
    """Each step was built on the very ones that the report tells of.

    Raises
    ------
    EvidenceBroken
        When a step was run again and those after it were not.
    """
    digests = {step.kind: step.digest for step in steps}
    for step in steps:
        for link in step.inputs:
            before = link.role.removeprefix("evidence:")
            if before != link.role and link.digest != digests.get(before, link.digest):
                raise EvidenceBroken(
                    found=f"{step.kind} built on another {before}, {link.digest[:12]}…",
                    wanted=f"{before} {digests[before][:12]}…, as it stands now",
                    remedy=f"{before} was run again: run {step.kind} and the steps after it again.",
                    where=f"evidence of {step.kind} {step.target}",
                )


def _require_as_run(place: Place, device: str, steps: Sequence[Evidence]) -> None:
    """What the report declares of data and product is what its steps were run with.

    Raises
    ------
    EvidenceBroken
        When a spec, or the device's own declaration, was changed since.
    """
    by_kind = {step.kind: step for step in steps}
    for kind, room in (("freeze", "datasets"), ("annotate", "annotation"), ("certify", "quality")):
        ran = {link.digest for link in by_kind[kind].inputs if link.role == f"spec:{room}"}
        if ran and place.spec_digest(room) not in ran:
            raise _changed(str(place.workspace.spec(room, place.dataset)), kind)
    tested = open_submission(place.store.get(by_kind["train"].output("submission"))).record.files
    declared = place.workspace.device(device) / DECLARATION
    if digest_bytes(declared.read_bytes()) != tested.get(DECLARATION):
        raise _changed(str(declared), "train")


def _changed(where: str, kind: str) -> EvidenceBroken:
    return EvidenceBroken(
        found=f"a declaration that was changed since {kind}",
        wanted=f"the one that {kind} was run with",
        remedy=f"Put it back as it was, or run {kind} and the steps after it again: a report declares what was tested.",
        where=where,
    )


def _excerpts(place: Place, validate: Evidence, record: ReportRecord) -> dict[str, bytes]:
    """The scorer's excerpts by digest, unsealed for the auditor's edition; those of who withdrew are gone."""
    sealed = place.record(validate, "excerpts")
    return {
        case.excerpt: unseal(
            place.store.get(sealed[case.excerpt]),
            key=sample_key(place.keys.label, case.sample),
            sample=case.sample,
            role=EXCERPT,
        )
        for case in record.given.run.cases
        if case.excerpt is not None and not place.store.is_withdrawn(sealed[case.excerpt])
    }


def _superseded(place: Place, device: str, record: ReportRecord) -> ReportRecord | None:
    """The last report of the run that this record's run was scored again from; None: there was none."""
    from medassay.reports.record import ReportRecord

    old = record.given.run.supersedes
    if old is None:
        return None
    event, target = (
        f"report {place.dataset}/{place.source_name}",
        "/".join([place.dataset, place.source_name, device]),
    )
    for entry in reversed(ledger.read(place.workspace.ledger)):
        if entry.event != event:
            continue
        evidence = Evidence.load(place.workspace.evidence(entry.evidence), entry.evidence)
        if evidence.target != target or evidence.outcome is not Outcome.PASSED:
            continue
        found = ReportRecord.model_validate(place.record(evidence, "report"))
        if found.digests["run"] == old.run:
            return found
    return None


def _views(
    record: ReportRecord, languages: Sequence[Lang], excerpts: dict[str, bytes], name: str
) -> dict[str, bytes]:
    from medassay.reports.composition import compose
    from medassay.reports.html import html_of
    from medassay.reports.pdf import pdf_of

    views = {f"{name}.json": record.to_json()}
    for lang in languages:
        for folder, paper in (
            ("", compose(record, lang, "maker")),
            ("auditor/", compose(record, lang, "auditor", excerpts)),
        ):
            views[f"{folder}{name}.{lang}.html"] = html_of(paper)
            views[f"{folder}{name}.{lang}.pdf"] = pdf_of(paper)
    return views


def _record(place: Place, device: str, steps: Sequence[Evidence]) -> ReportRecord:
    from medassay.reports.given import Step, Training
    from medassay.reports.history import ledger_facts, timing_digest
    from medassay.reports.record import build
    from medassay.room.timing import Timing

    by_kind = {step.kind: step for step in steps}
    train, validate = by_kind["train"], by_kind["validate"]
    made = RunRecord.model_validate(place.record(validate, "run"))
    scorer = module_of("medassay.evaluation.scoring", made.task, what="task")
    options = parameters_of(scorer.Options, made.options, where="run: options")
    room = place.record(train, "room")
    entries = ledger.read(place.workspace.ledger)
    timed = timing_digest(entries, made, validated=validate.digest)
    return build(
        stem=place.dataset,
        dataset=place.spec,
        source=place.source,
        protocol=load_spec(place.workspace.spec("evaluation", place.dataset), Protocol),
        annotation=load_spec(place.workspace.spec("annotation", place.dataset), AnnotationSpec),
        quality=load_spec(place.workspace.spec("quality", place.dataset), QualitySpec),
        device=load_spec(place.workspace.device(device) / "device.yaml", DeviceSpec),
        run=made,
        metrics=scorer.metrics(options),
        flow=Flow.model_validate(place.record(by_kind["freeze"], "flow")),
        disjointness=frozen_manifest(place, by_kind["freeze"]).disjointness,
        agreement=AgreementRecord.model_validate(place.record(by_kind["annotate"], "agreement")),
        inspection=Certificate.model_validate(place.record(by_kind["certify"], "certificate")),
        training=Training(
            by="run_here",
            parameters=train.parameters,
            curves=place.record(train, "curves"),
            sandbox=room["means"],
        ),
        chain=[
            Step(
                kind=step.kind,
                digest=step.digest,
                outcome=step.outcome,
                findings=len(step.findings),
                reasons=dict(Counter(finding.reason.value for finding in step.findings)),
            )
            for step in steps
        ],
        ledger=ledger_facts(
            entries,
            made,
            validated=validate.digest,
            inspected=by_kind["certify"].digest,
            key=place.keys.signing_key.public_key().public_bytes_raw().hex(),
            demo_key=place.keys.demo,
        ),
        environment=validate.environment | train.environment,
        timing=Timing.model_validate_json(place.store.get(timed)) if timed else None,
        compared=kept(place, device, validate.output("run")),
        attached=attachments(place),
    )
