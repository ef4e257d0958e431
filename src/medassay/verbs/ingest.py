"""`medassay ingest`: read, refuse with a reason, de-identify, store, catalogue."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections import Counter
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from medassay.core import progress
from medassay.core.atomic import lock, write_atomic
from medassay.core.canonical import canonical_json, digest_bytes, digest_of
from medassay.core.errors import EnvironmentLacking, WrongUse
from medassay.core.rooms import module_of
from medassay.core.specs import parameters_of
from medassay.core.tables import to_parquet
from medassay.datasets.store import Batch, sweep
from medassay.trust.evidence import Evidence, Outcome, code_identity
from medassay.trust.keys import KeyRing
from medassay.verbs.stage import Place
from medassay.verbs.withdraw import withdrawn_subjects

if TYPE_CHECKING:
    import pyarrow as pa

    from medassay.datasets.ingest import Ingested
    from medassay.datasets.spread import Spread

PACKAGES = ("edfio", "highdicom", "nibabel", "numpy", "pyarrow", "pydicom", "python-calamine", "wfdb")


def run(
    place: Place,
    *,
    data: Path | None = None,
    seed: int = 1,
    workers: int | None = None,
    scheduler: str | None = None,
) -> Evidence:
    """Ingest one source; an unchanged source ends in the same Evidence, whoever shares the work.

    Parameters
    ----------
    data : Path
        Folder that holds the public sets and exports, for sources with a `folder`.
    seed : int
        Of the phantom, for sources that have one.
    workers : int, optional
        Local processes; default: one, or one a core for a large source.
    scheduler : str, optional
        Address of a Dask scheduler whose workers take the samples.
    """
    from medassay.datasets.spread import Spread

    if workers is not None and workers < 1:
        raise WrongUse(found=f"{workers} workers", wanted="1 or more", remedy="Correct --workers.")
    spread = Spread(partial(KeyRing.load, place.workspace.key_ring), workers, scheduler)
    _sweep(place)
    with place.writing():
        shutil.rmtree(_scratch(place))
        folder = _phantom(place, seed) if place.source.phantom is not None else _folder(place, data)
        taken = _taken(place, folder, spread)
        key_side = place.workspace.keys / "paths" / f"{place.dataset}.{place.source_name}.parquet"
        write_atomic(key_side, to_parquet(taken.key_side), mode=0o600)
        return place.finish(
            "ingest",
            inputs={"spec:datasets": place.spec_digest("datasets")},
            tables=taken.tables,
            files={"conformance": _conformance(place.spec.kind, taken.actions)},
            outcome=Outcome.PASSED if taken.counts["samples_accepted"] else Outcome.FAILED,
            counts=taken.counts,
            findings=taken.findings,
            parameters={"seed": seed} if place.source.phantom is not None else {},
            packages=PACKAGES,
        )


def _taken(place: Place, folder: Path, spread: Spread) -> Ingested:
    """What the engine makes of the folder, with its objects in the store; what is remembered is not made again."""
    from medassay.datasets.ingest import ingest
    from medassay.datasets.memo import remembering

    batch = Batch(place.store)
    with (
        remembering(_memo(place), _about(place), place.keys.pseudonym, place.store.has) as memo,
        progress.shown(f"ingest {place.dataset}/{place.source_name}") as tick,
    ):
        return ingest(
            place.dataset,
            place.spec,
            place.source,
            folder,
            place.keys,
            batch.put,
            tick,
            settle=batch.settle,
            spread=spread,
            memo=memo,
            withdrawn=withdrawn_subjects(place),
            scratch=_scratch(place),
        )


def _conformance(kind: str, actions: pa.Table) -> bytes:
    """What leaves, by element and count, as a table for people: part of the Evidence."""
    from medassay.datasets.deidentify import conformance

    counts = Counter({(row["element"], row["action"]): row["count"] for row in actions.to_pylist()})
    return conformance.as_csv(conformance.rows({kind: counts}, Counter()))


def _sweep(place: Place) -> None:
    """Remove what a killed run left half-written, unless a step of another database writes just now.

    What is left then is in nobody's way, and the next ingest that is alone removes it.
    """
    with suppress(EnvironmentLacking), lock(place.workspace.sweep_lock):
        place.store.sweep()
        sweep(place.workspace.pointer(place.dataset, place.source_name, "ingest").parent)
        sweep(place.workspace.keys / "paths")
        shutil.rmtree(_scratch(place).parent)


def _scratch(place: Place) -> Path:
    """On the key side, since what is unpacked there identifies; a killed run's is removed by the next."""
    folder = place.workspace.keys / "unpacked" / place.dataset
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _memo(place: Place) -> Path:
    return place.workspace.keys / "seen" / f"{place.dataset}.{place.source_name}.sqlite"


def _about(place: Place) -> str:
    """All that the fate of a sample depends on besides its files."""
    keys = place.keys
    return digest_of(
        {
            "code": code_identity(),
            "packages": _installed(),
            "dataset": place.dataset,
            "kind": place.spec.kind,
            "source": place.source.model_dump(mode="json"),
            "keys": digest_bytes(keys.pseudonym + keys.label),
        }
    )


def _installed() -> list[str]:
    """Every package with its version, by its folder's name: to read the metadata of hundreds takes seconds."""
    folders = {Path(entry) for entry in sys.path}
    return sorted({found.name for folder in folders for found in folder.glob("*.dist-info")})


def _folder(place: Place, data: Path | None) -> Path:
    source = place.source
    root = data or (Path(os.environ["MEDASSAY_DATA"]) if "MEDASSAY_DATA" in os.environ else None)
    folder = root / str(source.folder) if root else None
    if folder is None or not folder.is_dir():
        obtain = f" {source.obtain.en}" if source.obtain else ""
        raise EnvironmentLacking(
            found="no such folder" if folder else "no data folder",
            wanted=f"the files of source '{source.name}' of {place.dataset} in a folder '{source.folder}'",
            remedy=f"Name the folder that holds it with --data, or MEDASSAY_DATA.{obtain}",
            where=str(folder or place.workspace.root),
        )
    return folder


def _phantom(place: Place, seed: int) -> Path:
    """The phantom's export, made anew only when its parameters, seed or generator changed."""
    module = module_of("medassay.phantoms", place.spec.kind, what="kind of phantom")
    declared = place.source.phantom or {}
    export = place.workspace.export(place.dataset, place.source_name)
    made, truth = (export.with_name(f"{export.name}.{part}.json") for part in ("made", "truth"))
    recipe = digest_of(
        {"parameters": declared, "seed": seed, "kind": place.spec.kind, "code": code_identity()}
    )
    if export.is_dir() and made.exists() and json.loads(made.read_bytes()).get("recipe") == recipe:
        return export
    parameters = parameters_of(
        module.Parameters, declared, where=f"{place.workspace.spec('datasets', place.dataset)} phantom"
    )
    fresh = export.with_name(f"{export.name}.part")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    with progress.shown(f"phantom {place.dataset}"):
        module.generate(parameters, seed, fresh, truth)
    made.unlink(missing_ok=True)
    if export.exists():
        shutil.rmtree(export)
    fresh.rename(export)
    write_atomic(made, canonical_json({"recipe": recipe}))
    return export
