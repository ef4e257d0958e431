"""`medassay query`: a curator's questions to the tables of one source, read-only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from medassay.datasets.query import ask, question
from medassay.trust.evidence import Evidence, Outcome
from medassay.verbs.stage import Place, frozen_manifest

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Answer:
    """Rows, and whether there are more."""

    rows: list[dict[str, Any]]
    more: bool


def run(place: Place, sql: str | None = None, *, name: str | None = None, most_rows: int = 1000) -> Answer:
    """Answer one SELECT, or a ready question by its name.

    Views: `samples` (catalogue with part of the split and stage at which a sample left), `measurements`,
    `files` (objects, sealed ones without digest), `offered`, `actions`, `exclusions`, `reference` (how each label came
    about). No view holds a path, a name or a label.
    """
    return Answer(*ask(question(name).sql if name else sql or "", views(place), most_rows=most_rows))


def views(place: Place) -> Mapping[str, Callable[[], pa.Table]]:
    """Name of a view to what loads it, as far as the source has come."""
    ingest = place.evidence("ingest")
    later = {kind: step for kind in ("gate", "annotate", "freeze") if (step := _done(place, kind))}
    found: dict[str, Callable[[], pa.Table]] = {
        name: partial(place.table, ingest, name) for name in ("offered", "actions", "measurements")
    }
    found["files"] = lambda: _without_label_digests(place.table(ingest, "objects"))
    exclusions = cache(lambda: _exclusions(place, later))
    found["exclusions"] = exclusions
    found["samples"] = lambda: _samples(place, ingest, later.get("freeze"), exclusions())
    if "annotate" in later and _has(later["annotate"], "reference"):
        found["reference"] = lambda: place.table(later["annotate"], "reference").select(
            ["sample_id", "method"]
        )
    return found


def _done(place: Place, kind: str) -> Evidence | None:
    pointer = place.workspace.pointer(place.dataset, place.source_name, kind)
    return place.evidence(kind) if pointer.exists() else None


def _has(step: Evidence, role: str) -> bool:
    return any(link.role == role for link in step.outputs)


def _exclusions(place: Place, steps: Mapping[str, Evidence]) -> pa.Table:
    """Every failed check in the order of the stages; freeze repeats those of the stages before it."""
    import pyarrow as pa

    from medassay.datasets.catalogue import table_of

    empty = table_of("exclusions", (), order=("sample_id",))
    last = [steps["freeze"]] if "freeze" in steps else [s for k, s in steps.items() if k != "freeze"]
    rows = [
        row
        for step in last
        if _has(step, "exclusions")
        for row in place.table(step, "exclusions").to_pylist()
    ]
    order = {"withdraw": 0, "gate": 1, "annotate": 2, "freeze": 3}
    rows.sort(key=lambda row: order.get(row["stage"], 9))
    table = pa.Table.from_pylist(rows, schema=empty.schema)
    return table.append_column("position", pa.array(range(len(rows)), pa.int64()))


def _samples(place: Place, ingest: Evidence, freeze: Evidence | None, exclusions: pa.Table) -> pa.Table:
    import pyarrow as pa

    table = place.table(ingest, "catalogue")
    parts: dict[str, str] = {}
    if freeze is not None and freeze.outcome is Outcome.PASSED:
        rows = frozen_manifest(place, freeze).samples()
        parts = {sample: of_sample[0].split for sample, of_sample in rows.items()}
    stages: dict[str, str] = {}
    for row in exclusions.to_pylist():
        stages.setdefault(row["sample_id"], row["stage"])
    ids = table["sample_id"].to_pylist()
    table = table.append_column("split", pa.array([parts.get(sample) for sample in ids], pa.string()))
    return table.append_column("excluded_at", pa.array([stages.get(sample) for sample in ids], pa.string()))


def _without_label_digests(objects: pa.Table) -> pa.Table:
    """Digests of sealed labels are of no use to a curator, and equal ones would tell something."""
    import pyarrow as pa

    digests = [
        None if row["sealed"] else row["digest"] for row in objects.select(["sealed", "digest"]).to_pylist()
    ]
    at = objects.column_names.index("digest")
    return objects.set_column(at, "digest", pa.array(digests, pa.string()))
