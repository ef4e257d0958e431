"""`medassay annotate`: readers' files in, agreement, arbitration, the reference standard out."""

from __future__ import annotations

from medassay.annotation.spec import AnnotationSpec
from medassay.core.specs import load_spec
from medassay.trust.evidence import Evidence
from medassay.verbs.stage import Place, evidence_inputs, refused_after


def run(place: Place) -> Evidence:
    """Make the reference standard of every sample that is still in."""
    from medassay.annotation.annotate import annotate

    with place.writing():
        ingest, gate = place.evidence("ingest"), place.evidence("gate")
        refused = refused_after(place, "annotate", ingest, gate)
        if refused:
            return refused
        spec = load_spec(place.workspace.spec("annotation", place.dataset), AnnotationSpec)
        catalogue = place.table(ingest, "catalogue")
        gone = set(place.table(gate, "exclusions")["sample_id"].to_pylist())
        subjects = {
            row["sample_id"]: row["subject_id"]
            for row in catalogue.to_pylist()
            if row["status"] == "accepted" and row["sample_id"] not in gone
        }
        made = annotate(
            spec,
            place.source_name,
            place.table(ingest, "objects"),
            subjects,
            place.store.get,
            place.store.put,
            place.keys.label,
        )
        return place.finish(
            "annotate",
            inputs=evidence_inputs(ingest, gate) | {"spec:annotation": place.spec_digest("annotation")},
            tables={"reference": made.reference, "exclusions": made.exclusions},
            records={"agreement": made.agreement},
            outcome=made.outcome,
            counts=made.counts,
            findings=made.findings,
        )
