"""What steps after ingest made of a subject: what can be erased with it, and what stays and has to be named.

Predictions, the scorer's excerpts and the views that show them in pictures are bytes of one subject (or of it among
the pictured ones) and go. A trained model, the tables of a whole dataset and the sums of a run cannot lose one subject
without becoming others: they stay as they are sealed, and the person in charge is told what to do about each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from medassay.core.canonical import digest_bytes
from medassay.core.findings import Finding, Reason, Severity
from medassay.core.workspace import Workspace
from medassay.datasets.manifest import Manifest
from medassay.room.record import RunRecord
from medassay.trust import ledger
from medassay.trust.evidence import Evidence, Outcome
from medassay.verbs.stage import Place

VIEW, AUDITOR = "view:", "auditor/"  # only the auditor's edition holds pictures of test samples


@dataclass(frozen=True)
class Made:
    """One object that a later step made of one subject."""

    subject: str
    digest: str
    what: str  # prediction, excerpt, view


def made_of(workspace: Workspace) -> Iterator[Made]:
    """Predictions and excerpts of every validation, whoever they are of: bytes that two subjects share stay."""
    for place, evidence in _booked(workspace, "validate"):
        run = RunRecord.model_validate(place.record(evidence, "run"))
        excerpts: dict[str, str] = place.record(evidence, "excerpts")
        subjects = {case.sample: case.subject for case in run.cases}
        for sample, digest in run.predictions.items():
            if sample in subjects:
                yield Made(subjects[sample], digest, "prediction")
        for case in run.cases:
            if case.excerpt in excerpts:
                yield Made(case.subject, excerpts[case.excerpt], "excerpt")


def pictured_views(workspace: Workspace, subject: str) -> list[str]:
    """Digests of the views that show a picture of the subject: those of reports before it withdrew."""
    pictured = {
        evidence.output("run")
        for place, evidence in _booked(workspace, "validate")
        if any(
            case.subject == subject and case.excerpt is not None
            for case in RunRecord.model_validate(place.record(evidence, "run")).cases
        )
    }
    found: dict[str, None] = {}
    for place, evidence in _booked(workspace, "report", until=_withdrawn_at(workspace, subject)):
        if place.record(evidence, "report")["digests"]["run"] in pictured:
            links = (link for link in evidence.outputs if link.role.startswith(f"{VIEW}{AUDITOR}"))
            found |= dict.fromkeys(link.digest for link in links)
    return list(found)


def unlink_views(workspace: Workspace, digests: set[str]) -> int:
    """Take the copies of views out of the folder of reports; how many there were."""
    gone = 0
    for path in sorted((workspace.root / "reports").rglob("*")):
        if path.is_file() and not path.is_symlink() and digest_bytes(path.read_bytes()) in digests:
            path.unlink()
            gone += 1
    return gone


def remains(workspace: Workspace, subject: str, versions: list[Manifest]) -> list[Finding]:
    """What still tells of the subject, and what to do about each."""
    listing = {one.digest for one in versions if subject in one.subjects()}
    learnt = {one.digest for one in versions if {"train", "tune"} & _parts(one, subject)}
    found = []
    for place, evidence in _booked(workspace, "train"):
        if any(link.role == "manifest" and link.digest in learnt for link in evidence.inputs):
            found.append(
                _stays(
                    f"a model that learnt from the subject: submission {evidence.output('submission')[:12]} of"
                    f" {evidence.target}, with MLflow's copy of it",
                    f"Freeze, then run `medassay train {place.dataset} {place.source_name}"
                    f" {evidence.target.rpartition('/')[2]}` anew; retire this one where it was handed on.",
                )
            )
    for _, evidence in _booked(workspace, "validate"):
        if any(link.role == "manifest" and link.digest in listing for link in evidence.inputs):
            found.append(
                _stays(
                    f"a run with sums under the subject's pseudonym: {evidence.output('run')[:12]}"
                    f" of {evidence.target}",
                    "Its figures stand as they were signed; validate on the next version for figures without it.",
                )
            )
    found.append(
        _stays(
            "rows under the subject's pseudonym in the tables of ingest, gate, annotation and manifests: facts,"
            " measurements, sketches",
            "They hold no name; where they must go too, erase the store once no version is needed any more.",
        )
    )
    found.append(
        _stays(
            "what lies outside of the store: the export, an inbox, backups, handed-out reports and extracts",
            "Erase the subject there; whoever keeps the key ring can tell which files are its own.",
        )
    )
    return list(dict.fromkeys(found))


def _parts(manifest: Manifest, subject: str) -> set[str]:
    return {row.split for row in manifest.rows if row.subject == subject}


def _stays(found: str, remedy: str) -> Finding:
    return Finding(
        reason=Reason.SUBJECT_WITHDREW,
        severity=Severity.NOTE,
        found=found,
        wanted="nothing left of the subject",
        remedy=remedy,
    )


def _withdrawn_at(workspace: Workspace, subject: str) -> int | None:
    """The place in the ledger of the subject's first withdrawal: reports after it show nothing of it."""
    for entry in ledger.read(workspace.ledger):
        if entry.event.partition(" ")[0] == "withdraw":
            evidence = Evidence.load(workspace.evidence(entry.evidence), entry.evidence)
            if evidence.parameters.get("subject") == subject:
                return entry.sequence
    return None


def _booked(workspace: Workspace, kind: str, *, until: int | None = None) -> Iterator[tuple[Place, Evidence]]:
    """Every Evidence of a step that the ledger tells of, once, with its place; refused ones made nothing."""
    seen = set()
    for entry in ledger.read(workspace.ledger):
        verb, _, target = entry.event.partition(" ")
        if verb != kind or entry.evidence in seen or (until is not None and entry.sequence >= until):
            continue
        seen.add(entry.evidence)
        evidence = Evidence.load(workspace.evidence(entry.evidence), entry.evidence)
        if evidence.outcome is not Outcome.REFUSED and evidence.outputs:
            dataset, source = target.split(" ")[0].split("/", 1)
            yield Place(workspace, dataset, source), evidence
