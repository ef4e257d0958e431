"""`medassay cut`: a sub-database for one intended use, drawn from the version that freeze sealed."""

from __future__ import annotations

from typing import Any

from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity
from medassay.datasets.spec import SubDatabase
from medassay.trust.evidence import Evidence, Outcome
from medassay.verbs.stage import Place, evidence_inputs, frozen_manifest, refused_after


def run(place: Place, name: str) -> Evidence:
    """Draw a declared sub-database; one that does not represent its declared population is a failed outcome."""
    from medassay.datasets.sub_database import cut

    with place.writing():
        freeze, ingest = place.evidence("freeze"), place.evidence("ingest")
        refused = refused_after(place, "cut", freeze, device=name)
        if refused:
            return refused
        made = cut(_declared(place, name), frozen_manifest(place, freeze), _facts(place, ingest))
        return place.finish(
            "cut",
            inputs=evidence_inputs(freeze, ingest) | {"spec:datasets": place.spec_digest("datasets")},
            files={"manifest": made.manifest.content} if made.manifest else {},
            records={"cut": made.cut.model_dump(mode="json")},
            outcome=Outcome.PASSED if made.manifest and made.cut.representative else Outcome.FAILED,
            counts={
                "subjects_wanted": made.cut.wanted,
                "subjects_eligible": made.cut.eligible,
                "subjects_drawn": made.cut.drawn,
                "samples": len(made.manifest.samples()) if made.manifest else 0,
            },
            findings=[] if made.cut.representative else [_unlike(made.cut.drawn, made.cut.wanted)],
            device=name,
        )


def _declared(place: Place, name: str) -> SubDatabase:
    known = {one.name: one for one in place.spec.sub_databases}
    if name not in known:
        raise WrongUse(
            found=f"sub-database '{name}'",
            wanted=f"one of {', '.join(known) or 'none declared'}",
            remedy="Declare it under `sub_databases` in the dataset's spec.",
            where=str(place.workspace.spec("datasets", place.dataset)),
        )
    return known[name]


def _facts(place: Place, ingest: Evidence) -> dict[str, dict[str, Any]]:
    measured = {row["sample_id"]: row for row in place.table(ingest, "measurements").to_pylist()}
    return {
        row["sample_id"]: {**measured.get(row["sample_id"], {}), **row}
        for row in place.table(ingest, "catalogue").to_pylist()
    }


def _unlike(drawn: int, wanted: int) -> Finding:
    return Finding(
        reason=Reason.LIMIT_EXCEEDED,
        severity=Severity.WARN,
        found=f"{drawn} subjects drawn of {wanted} wanted, with shares unlike the declared ones",
        wanted="people who represent the declared target population",
        remedy="See the record of the cut: bring more people of the groups that lack, or claim a narrower population.",
    )
