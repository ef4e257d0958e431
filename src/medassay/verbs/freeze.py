"""`medassay freeze`: apply the cohort, divide by subject, seal one dataset version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from medassay.core.atomic import write_atomic
from medassay.core.canonical import canonical_json
from medassay.datasets.croissant import MANIFEST
from medassay.trust.evidence import Evidence, Outcome
from medassay.verbs.stage import Place, evidence_inputs
from medassay.verbs.withdraw import withdrawn_subjects

if TYPE_CHECKING:
    import pyarrow as pa

    from medassay.datasets.freeze import Frozen

CARD = "dataset"  # folder below the source's reports that holds the description and the Croissant files


def run(place: Place) -> Evidence:
    """Freeze what ingest, gate and annotate left in; release the label keys of train and tune.

    Beside the sealed manifest it keeps and writes the description in both languages and the Croissant metadata.
    """
    import pyarrow as pa

    from medassay.datasets.freeze import freeze, released_keys
    from medassay.verbs.frozen import before

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
                for role in ("offered", "catalogue", "measurements", "objects", "sketches")
            },
            withdrawn=withdrawn_subjects(place),
            before=before(place),
            reference=reference if reference is not None else _no_rows("reference"),
            exclusions=pa.concat_tables(exclusions) if exclusions else _no_rows("exclusions"),
        )
        files, records = _sealed(place, frozen, steps)
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
            records=records,
            outcome=frozen.outcome,
            counts=frozen.counts,
            findings=frozen.findings,
            parameters={"disjointness": frozen.disjointness},
            packages=(
                "duckdb",
                "imagehash",
                "mlcroissant",
                "numpy",
                "opencv-python-headless",
                "pyarrow",
                "scipy",
            ),
        )


def _sealed(
    place: Place, frozen: Frozen, steps: Mapping[str, Evidence]
) -> tuple[dict[str, bytes], dict[str, Any]]:
    """What freeze keeps of a version: manifest, flow, dynamics, description and the files that go with it."""
    from medassay.datasets.catalogue import rows_of
    from medassay.datasets.croissant import files_of
    from medassay.datasets.description import describe
    from medassay.reports.description_view import views_of

    if frozen.manifest is None or frozen.flow is None or frozen.dynamics is None:
        return {}, {}
    catalogue = rows_of("catalogue", place.table(steps["ingest"], "catalogue"))
    told = describe(
        place.spec,
        place.source,
        frozen.manifest,
        frozen.flow,
        frozen.dynamics,
        catalogue=catalogue,
        objects=rows_of("objects", place.table(steps["ingest"], "objects")),
        reference=rows_of("reference", place.table(steps["annotate"], "reference")),
        near_copies=frozen.counts["near_copies"],
    )
    files = files_of(frozen.manifest, told, catalogue) | views_of(told)
    folder = place.workspace.reports(place.dataset, place.source_name) / CARD
    for name, content in files.items():
        write_atomic(folder / name, content)
    kept = {f"card:{name}": content for name, content in files.items() if name != MANIFEST}
    records = {
        "flow": frozen.flow.model_dump(mode="json"),
        "dynamics": frozen.dynamics.model_dump(mode="json"),
        "description": told.model_dump(mode="json"),
    }
    return kept | {"manifest": frozen.manifest.content}, records


def _no_rows(name: str) -> pa.Table:
    from medassay.datasets.catalogue import table_of

    return table_of(name, (), order=("sample_id",))
