"""`medassay freeze`: apply the cohort, divide by subject, seal one dataset version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medassay.core.atomic import write_atomic
from medassay.core.canonical import canonical_json
from medassay.trust.evidence import Evidence, Outcome
from medassay.verbs.stage import Place, evidence_inputs

if TYPE_CHECKING:
    import pyarrow as pa


def run(place: Place) -> Evidence:
    """Freeze what ingest, gate and annotate left in; release the label keys of train and tune."""
    import pyarrow as pa

    from medassay.datasets.freeze import freeze, released_keys

    with place.writing():
        steps = {kind: place.evidence(kind) for kind in ("ingest", "gate", "annotate")}
        if all(step.outcome is Outcome.PASSED for step in steps.values()):
            exclusions = [place.table(steps[kind], "exclusions") for kind in ("gate", "annotate")]
            reference = place.table(steps["annotate"], "reference")
        else:
            exclusions, reference = [], None
        frozen = freeze(
            place.dataset,
            place.spec,
            place.source,
            list(steps.values()),
            **{
                role: place.table(steps["ingest"], role)
                for role in ("offered", "catalogue", "measurements", "objects")
            },
            reference=reference if reference is not None else _no_rows("reference"),
            exclusions=pa.concat_tables(exclusions) if exclusions else _no_rows("exclusions"),
        )
        files = {"manifest": frozen.manifest.content} if frozen.manifest else {}
        if frozen.manifest:
            released = {
                sample: key.hex() for sample, key in released_keys(frozen.manifest, place.keys.label).items()
            }
            path = place.workspace.released_keys(frozen.manifest.digest)
            write_atomic(path, canonical_json(released), mode=0o600)
        return place.finish(
            "freeze",
            inputs=evidence_inputs(*steps.values()) | {"spec:datasets": place.spec_digest("datasets")},
            files=files,
            tables={"exclusions": frozen.exclusions},
            records={"flow": frozen.flow.model_dump(mode="json")} if frozen.flow else {},
            outcome=frozen.outcome,
            counts=frozen.counts,
            findings=frozen.findings,
            parameters={"disjointness": frozen.disjointness},
        )


def _no_rows(name: str) -> pa.Table:
    from medassay.datasets.catalogue import table_of

    return table_of(name, (), order=("sample_id",))
