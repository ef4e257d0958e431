"""`medassay validate`: predictions in the sealed room, labels opened afterwards, every test sample scored."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medassay.core import progress
from medassay.core.canonical import canonical_json
from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.evaluation.planning import load_protocol
from medassay.evaluation.protocol import Factor, Protocol
from medassay.evaluation.strata import binned
from medassay.trust import ledger
from medassay.trust.evidence import Evidence, Outcome
from medassay.trust.sealing import sample_key, seal
from medassay.verbs.stage import Place, evidence_inputs, frozen_manifest, refused_after

if TYPE_CHECKING:
    from medassay.evaluation.analysis import Results
    from medassay.room.record import RunRecord
    from medassay.room.validation import Validation

UNSEALED = "labels_unsealed"
TIMED = "timed"
RESCORED = "rescored"
EXCERPT = "excerpt"


def run(place: Place, device: str) -> Evidence:
    """Validate the device's latest submission on the frozen test split.

    The outcome is `passed` when the run was made, both implementations agree and no alarm looked ahead, whatever
    the verdict.
    """
    from medassay.room.validation import validate

    with place.writing():
        ingest, freeze, certify = (place.evidence(kind) for kind in ("ingest", "freeze", "certify"))
        train = place.evidence("train", device)
        refused = refused_after(place, "validate", freeze, certify, train, device=device)
        if refused:
            return refused
        protocol = load_protocol(place.workspace.spec("evaluation", place.dataset))
        manifest = frozen_manifest(place, freeze)
        submission = train.output("submission")
        workdir = Path(tempfile.mkdtemp(prefix="medassay-validate-"))
        try:
            with progress.shown(f"validate {device} on {place.dataset}/{place.source_name}"):
                made = validate(
                    place.store.get(submission),
                    manifest,
                    protocol,
                    place.store.get,
                    place.keys.label,
                    dataset=place.dataset,
                    source=place.source,
                    strata=_strata(place, ingest, protocol, set(manifest.samples("test"))),
                    workdir=workdir,
                    book=lambda event, digest: _book(place, event, digest, submission),
                    earlier_looks=_earlier_looks(place, manifest.digest, submission)
                    + protocol.looks_before.get(place.source_name, 0),
                    absent=[place.workspace.store, place.workspace.keys],
                    reads=_reads(place, freeze),
                )
        finally:
            shutil.rmtree(workdir, ignore_errors=True)
        if made.log and any(case.status != "ok" for case in made.record.cases):
            print(made.log, file=sys.stderr)  # for the device's maker; it stands in no record
        timed = place.store.put(canonical_json(made.timing.model_dump(mode="json")))
        _book(place, TIMED, timed, submission)
        for content in made.predictions.values():
            place.store.put(content)
        return _finish(
            place,
            device,
            made.record,
            protocol,
            inputs=evidence_inputs(freeze, certify, train) | {"manifest": manifest.digest},
            excerpts=_sealed_excerpts(place, made),
        )


def rescore(place: Place, device: str) -> Evidence:
    """Score the latest validation's predictions with the scorer of today.

    The old record and its Evidence stay in the store; the new one names it, and the ledger has a line `rescored`
    with the digest of the record that is superseded. Excerpts of worst cases are not made again.
    """
    from medassay.room.record import RunRecord
    from medassay.room.validation import rescore as score_again

    with place.writing():
        before = place.evidence("validate", device)
        if before.outcome is Outcome.REFUSED:
            raise WrongUse(
                found="a validation that was refused",
                wanted="one that left predictions",
                remedy=f"Run: medassay validate {place.dataset} {place.source_name} {device}",
            )
        freeze, certify, train = (
            place.evidence("freeze"),
            place.evidence("certify"),
            place.evidence("train", device),
        )
        refused = refused_after(place, "validate", freeze, certify, train, device=device)
        if refused:
            return refused
        protocol = load_protocol(place.workspace.spec("evaluation", place.dataset))
        old = RunRecord.model_validate(place.record(before, "run"))
        figures = {
            result["endpoint"]: Estimate.model_validate(result["estimate"])
            for result in place.record(before, "results")["endpoints"]
        }
        manifest = frozen_manifest(place, freeze)
        record = score_again(
            old,
            manifest,
            protocol,
            place.store.get,
            place.keys.label,
            figures,
            lambda event, digest: _book(place, event, digest, old.submission),
            _reads(place, freeze),
        )
        _book(place, RESCORED, before.output("run"), old.submission)
        return _finish(
            place,
            device,
            record,
            protocol,
            inputs=evidence_inputs(freeze, certify, train)
            | {"manifest": manifest.digest, "superseded": before.output("run")},
            excerpts={},
        )


def _finish(
    place: Place,
    device: str,
    record: RunRecord,
    protocol: Protocol,
    *,
    inputs: Mapping[str, str],
    excerpts: Mapping[str, str],
) -> Evidence:
    """The run with its results; passed only where both implementations agree and no alarm looked ahead."""
    from medassay.reports.history import locked_first
    from medassay.room.results import results_of

    results = results_of(
        record, protocol, locked_first=locked_first(ledger.read(place.workspace.ledger), record)
    )
    held = record.causality is None or record.causality.held
    agree = all(entry.agrees for entry in record.second_entry)
    return place.finish(
        "validate",
        inputs={
            **inputs,
            "submission": record.submission,
            "spec:evaluation": place.spec_digest("evaluation"),
        },
        records={
            "run": record.model_dump(mode="json"),
            "results": results.model_dump(mode="json"),
            "headline": headline(results, protocol),
            "excerpts": dict(excerpts),
        },
        outcome=Outcome.PASSED if agree and held else Outcome.FAILED,
        counts=_counts(record.cases),
        packages=("numpy", "scipy"),
        device=device,
    )


def headline(results: Results, protocol: Protocol) -> dict[str, str]:
    """The primary endpoint in words, for tables that must not load the analysis."""
    primary = results.of(results.primary)
    title = next(endpoint.title.en for endpoint in protocol.endpoints if endpoint.id == results.primary)
    goal = f"{primary.goal.direction.replace('_', ' ')} {primary.goal.limit:g}" if primary.goal else "none"
    estimate = primary.estimate
    if estimate.value is None:
        shown = f"not estimable: {estimate.undefined}"
    elif estimate.lower is None or estimate.upper is None:
        shown = f"{estimate.value:.3f} (no interval: {estimate.undefined})"
    else:
        shown = f"{estimate.value:.3f} ({estimate.lower:.3f} to {estimate.upper:.3f})"
    return {
        "primary": f"{title} {shown}",
        "goal": goal,
        "verdict": results.verdict.value if results.verdict else "no goal",
    }


def _sealed_excerpts(place: Place, made: Validation) -> dict[str, str]:
    """Digest of an excerpt to that of its sealed bytes: an excerpt shows labels of the test split."""
    return {
        case.excerpt: place.store.put(
            seal(
                made.excerpts[case.excerpt],
                key=sample_key(place.keys.label, case.sample),
                sample=case.sample,
                role=EXCERPT,
            )
        )
        for case in made.record.cases
        if case.excerpt is not None
    }


def _book(place: Place, event: str, digest: str, submission: str) -> None:
    place.book(event, digest, about=submission[:16])


def _earlier_looks(place: Place, manifest: str, submission: str) -> int:
    """Other submissions whose predictions met these test labels; the same one again learns nothing new."""
    looked = {
        entry.event.split()[-1]
        for entry in ledger.read(place.workspace.ledger)
        if entry.event.startswith(f"{UNSEALED} ") and entry.evidence == manifest
    }
    return len(looked - {submission[:16]})


def _strata(
    place: Place, ingest: Evidence, protocol: Protocol, samples: set[str]
) -> dict[str, dict[str, str | None]]:
    """Each test sample's attributes as the catalogue states them, and its bin of each measured factor."""
    strata: dict[str, dict[str, str | None]] = {
        row["sample_id"]: {axis: row[axis] for axis in ("site", "device", "sex", "age_band")}
        for row in place.table(ingest, "catalogue").to_pylist()
        if row["sample_id"] in samples
    }
    measured = {
        row["sample_id"]: row
        for row in place.table(ingest, "measurements").to_pylist()
        if row["sample_id"] in samples
    }
    for factor in protocol.factors:
        values = {sample: _measured(measured.get(sample, {}), factor) for sample in strata}
        for sample, level in binned(values, factor.cuts).items():
            strata[sample][factor.axis] = level
    return strata


def _reads(place: Place, freeze: Evidence) -> dict[str, dict[str, str]]:
    """Each declared reader's reads, sample to digest, of the reference standard that was frozen.

    An arbitrator reads what two readers did not agree on: the hard samples alone, which are no reference for all.
    """
    digest = next((link.digest for link in freeze.inputs if link.role == "evidence:annotate"), None)
    if digest is None:
        return {}
    made = place.record(Evidence.load(place.workspace.evidence(digest), digest), "agreement")
    reads: dict[str, dict[str, str]] = {reader: {} for reader in made["readers"]}
    for read in made["reads"]:
        if read["reader"] in reads:
            reads[read["reader"]][read["sample"]] = read["digest"]
    return reads


def _measured(row: Mapping[str, Any], factor: Factor) -> float | None:
    if row and factor.column not in row:
        raise WrongUse(
            found=f"column '{factor.column}' of factor '{factor.axis}'",
            wanted=f"one of {', '.join(sorted(row))}",
            remedy="Name a column of the kind's measurements in the protocol.",
        )
    return row.get(factor.column)


def _counts(cases: Any) -> dict[str, int]:
    counts = {"samples": len(cases)}
    for case in cases:
        counts[case.status] = counts.get(case.status, 0) + 1
    return counts
