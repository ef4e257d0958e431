"""`medassay certify`: the inspection record of a frozen dataset, issued by the holder of the data."""

from __future__ import annotations

from medassay.core import progress
from medassay.core.atomic import write_atomic
from medassay.core.canonical import canonical_json
from medassay.core.specs import load_spec
from medassay.core.terms import LANGS
from medassay.datasets.flow import Flow
from medassay.quality.spec import QualitySpec
from medassay.trust.evidence import Evidence
from medassay.verbs.stage import Place, evidence_inputs, frozen_manifest, refused_after

PAPER = "inspection"


def run(place: Place) -> Evidence:
    """Write the inspection record of the version that freeze sealed, as JSON and on paper, below `reports/`."""
    from medassay.quality.certificate import Issuer, certify
    from medassay.reports.certificate_view import render_certificate_html, render_certificate_pdf

    with place.writing():
        gate, annotate, freeze = (place.evidence(kind) for kind in ("gate", "annotate", "freeze"))
        refused = refused_after(place, "certify", freeze)
        if refused:
            return refused
        # Spec and keys first: a paper that could not be booked is not written.
        place.keys.require_for(place.source.source_class)
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
        with progress.shown(f"inspection record of {place.dataset}/{place.source_name}"):
            views = {f"{PAPER}.{lang}.html": render_certificate_html(record, lang) for lang in LANGS}
            views |= {f"{PAPER}.{lang}.pdf": render_certificate_pdf(record, lang) for lang in LANGS}
        views[f"{PAPER}.json"] = canonical_json(record.model_dump(mode="json"))
        for name, content in views.items():
            write_atomic(place.workspace.reports(place.dataset, place.source_name) / name, content)
        return place.finish(
            "certify",
            inputs=evidence_inputs(gate, annotate, freeze) | {"spec:quality": place.spec_digest("quality")},
            records={"certificate": record.model_dump(mode="json")},
            files={f"view:{name}": content for name, content in views.items()},
            outcome=record.outcome,
            counts={"samples": record.samples, "subjects": record.subjects},
        )
