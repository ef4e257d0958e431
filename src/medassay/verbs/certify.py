"""`medassay certify`: the inspection record of a frozen dataset, issued by the holder of the data."""

from __future__ import annotations

from medassay.core.specs import load_spec
from medassay.datasets.flow import Flow
from medassay.quality.spec import QualitySpec
from medassay.trust.evidence import Evidence
from medassay.verbs.stage import Place, evidence_inputs, frozen_manifest, refused_after


def run(place: Place) -> Evidence:
    """Write the inspection record of the version that freeze sealed."""
    from medassay.quality.certificate import Issuer, certify

    with place.writing():
        gate, annotate, freeze = (place.evidence(kind) for kind in ("gate", "annotate", "freeze"))
        refused = refused_after(place, "certify", freeze)
        if refused:
            return refused
        manifest = frozen_manifest(place, freeze)
        record = certify(
            load_spec(place.workspace.spec("quality", place.dataset), QualitySpec),
            manifest,
            Flow.model_validate(place.record(freeze, "flow")),
            gate,
            annotate,
            place.record(annotate, "agreement"),
            Issuer.holder(manifest),
        )
        return place.finish(
            "certify",
            inputs=evidence_inputs(gate, annotate, freeze) | {"spec:quality": place.spec_digest("quality")},
            records={"certificate": record.model_dump(mode="json")},
            outcome=record.outcome,
            counts={"samples": record.samples, "subjects": record.subjects},
        )
