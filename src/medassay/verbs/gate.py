"""`medassay gate`: Great Expectations over the measurement table."""

from __future__ import annotations

from medassay.core.specs import load_spec
from medassay.quality.spec import QualitySpec
from medassay.trust.evidence import Evidence
from medassay.verbs.stage import Place, evidence_inputs, refused_after


def run(place: Place) -> Evidence:
    """Hold the ingested samples to the quality spec."""
    from medassay.quality.gate import gate

    with place.writing():
        before = place.evidence("ingest")
        refused = refused_after(place, "gate", before)
        if refused:
            return refused
        spec = load_spec(place.workspace.spec("quality", place.dataset), QualitySpec)
        held = gate(
            spec, place.source_name, place.table(before, "catalogue"), place.table(before, "measurements")
        )
        return place.finish(
            "gate",
            inputs=evidence_inputs(before) | {"spec:quality": place.spec_digest("quality")},
            tables={"failures": held.failures, "exclusions": held.exclusions},
            outcome=held.outcome,
            counts=held.counts,
            findings=held.findings,
            packages=("great-expectations", "pandas"),
        )
