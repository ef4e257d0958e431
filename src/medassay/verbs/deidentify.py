"""`medassay deidentify SOURCE DEST`: plain folders in and out, with the proof beside the output."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medassay.core.atomic import write_atomic
from medassay.core.canonical import canonical_json, digest_bytes
from medassay.core.errors import NothingReadable, WrongUse
from medassay.core.rooms import module_of, names_of
from medassay.datasets.spec import DatasetSpec, Source
from medassay.trust.keys import KeyRing
from medassay.trust.sealing import sample_key, unseal

if TYPE_CHECKING:
    from medassay.datasets.ingest import Ingested

INTAKES = "medassay.datasets.intake"
PROOF = "deidentification.json"


@dataclass(frozen=True)
class _Folder:
    """Objects on the way, under their digests in a scratch folder."""

    root: Path

    def put(self, content: bytes) -> str:
        digest = digest_bytes(content)
        (self.root / digest).write_bytes(content)
        return digest

    def get(self, digest: str) -> bytes:
        return (self.root / digest).read_bytes()


@dataclass(frozen=True)
class _Secrets:
    """Keys of this run alone, unless a key file says otherwise: two runs cannot be linked."""

    pseudonym: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    label: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)


def run(
    source: Path,
    dest: Path,
    *,
    form: str | None = None,
    options: Mapping[str, Any] | None = None,
    keys: Path | None = None,
) -> dict[str, Any]:
    """De-identify what every kind of intake recognises below `source`, and write it below `dest`.

    Parameters
    ----------
    dest : Path
        New or empty. Holds one folder a sample, and the proof: counts, actions by element, findings. A sample
        whose output could not be proved clean is not written.
    form : str, optional
        How the files are laid out; default: the first form of each kind.
    keys : Path, optional
        A key ring, so that pseudonyms agree with earlier runs; default: keys that are forgotten afterwards.

    Returns
    -------
    dict
        The proof.

    Raises
    ------
    WrongUse
        When `dest` holds something, lies in `source`, or the form does not exist.
    NothingReadable
        When `source` holds no file, or none that any kind recognises.
    """
    from medassay.datasets.ingest import ingest

    _require_apart(source, dest)
    ring = KeyRing.load(keys) if keys else _Secrets()
    proofs: dict[str, dict[str, Any]] = {}
    left: set[str] | None = None
    for kind, chosen in _kinds(form):
        scratch = Path(tempfile.mkdtemp(prefix="medassay-deidentify-"))
        try:
            folder = _Folder(scratch)
            spec = _spec(kind, chosen, options or {})
            taken = ingest("deidentify", spec, spec.sources[0], source, ring, folder.put)
            _write(taken, folder, ring.label, dest)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        unassigned = {row["file_id"] for row in taken.offered.to_pylist() if row["outcome"] == "unassigned"}
        left = unassigned if left is None else left & unassigned
        if taken.catalogue.num_rows:
            proofs[kind] = _proof(chosen, taken)
    if not proofs:
        raise NothingReadable(
            found="no file of a form that is known",
            wanted=", ".join(f"{chosen} ({kind})" for kind, chosen in _kinds(form)),
            remedy="Run `medassay check` on the folder; name another form with --form.",
            where=str(source),
        )
    proof = {
        "schema_id": "medassay.deidentification/1",
        "samples_written": sum(part["counts"]["samples_accepted"] for part in proofs.values()),
        "samples_refused": sum(part["counts"]["samples_refused"] for part in proofs.values()),
        "files_unassigned": len(left or ()),
        "kinds": proofs,
    }
    write_atomic(dest / PROOF, canonical_json(proof))
    return proof


def _kinds(form: str | None) -> list[tuple[str, str]]:
    """Kind and form of every intake to try."""
    offered = {kind: tuple(module_of(INTAKES, kind, what="kind").FORMS) for kind in names_of(INTAKES)}
    if form is None:
        return [(kind, forms[0]) for kind, forms in offered.items()]
    chosen = [(kind, form) for kind, forms in offered.items() if form in forms]
    if not chosen:
        raise WrongUse(
            found=f"form '{form}'",
            wanted=f"one of {', '.join(name for forms in offered.values() for name in forms)}",
            remedy="Correct the name.",
        )
    return chosen


def _spec(kind: str, form: str, options: Mapping[str, Any]) -> DatasetSpec:
    """A declaration of one nameless source: nothing of it but kind, form and options is used."""
    nothing = {"zh": "-", "en": "-"}
    source = {
        "name": "files",
        "source_class": "public",
        "form": form,
        "folder": ".",
        "options": dict(options),
        "identity": "known",
        "lawful_basis": {"licence": "as held by the user"},
    }
    return DatasetSpec(
        title=nothing,
        version="0",
        disease={"name": nothing, "icd10": ["-"]},
        kind=kind,
        task="-",
        intended_use=nothing,
        target_population=nothing,
        sources=[Source.model_validate(source)],
        split={"train": 0.6, "tune": 0.2, "test": 0.2, "seed": 0},
        freeze_needs=[],
    )


def _write(taken: Ingested, folder: _Folder, label_key: bytes, dest: Path) -> None:
    for row in taken.objects.to_pylist():
        content = folder.get(row["digest"])
        if row["sealed"]:
            key = sample_key(label_key, row["sample_id"])
            content = unseal(content, key=key, sample=row["sample_id"], role=row["role"])
        write_atomic(
            dest / row["sample_id"] / row["role"].replace(":", "-") / Path(row["name"]).name, content
        )


def _proof(form: str, taken: Ingested) -> dict[str, Any]:
    return {
        "form": form,
        "counts": taken.counts,
        "actions": taken.actions.to_pylist(),
        "findings": [finding.model_dump(mode="json") for finding in taken.findings],
        "objects": [
            {key: row[key] for key in ("sample_id", "role", "name", "digest")}
            for row in taken.objects.to_pylist()
        ],
    }


def _require_apart(source: Path, dest: Path) -> None:
    here, there = source.resolve(), dest.resolve()
    if there == here or here in there.parents:
        raise WrongUse(
            found="an output folder inside the source",
            wanted="an output folder outside of it",
            remedy="Name another folder; identifying and de-identified files must not mix.",
            where=str(dest),
        )
    if dest.exists() and (not dest.is_dir() or any(dest.iterdir())):
        raise WrongUse(
            found="an output folder that holds something",
            wanted="a new or empty folder",
            remedy="Name another folder; nothing is overwritten.",
            where=str(dest),
        )
