"""`medassay deidentify SOURCE DEST`: plain folders in and out, with the proof beside the output."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from medassay.core.atomic import write_atomic
from medassay.core.canonical import canonical_json
from medassay.core.errors import NothingReadable, WrongUse
from medassay.trust.evidence import code_identity, environment
from medassay.trust.keys import KeyRing

PROOF, CONFORMANCE = "deidentification.json", "conformance.csv"
PACKAGES = ("pydicom", "numpy", "rapidocr", "opencv-python-headless")


def run(source: Path, dest: Path, *, profile: str = "research", keys: Path | None = None) -> dict[str, Any]:
    """De-identify every file below `source` in the form that it has, and write what was proved below `dest`.

    Parameters
    ----------
    dest : Path
        New or empty. Holds a folder a subject, one a sample below it, and the proof: what became of each file,
        digests of the output and of the pixels and samples in it, actions by element, findings.
    profile : str
        `research` (no free text leaves), `scrubbed-text`, `strict` or `basic`, or a YAML file with the options
        (`datasets/deidentify/profile.py`).
    keys : Path, optional
        A key ring, so that pseudonyms agree with earlier runs; default: a key that is forgotten afterwards, so
        that two runs cannot be linked.

    Returns
    -------
    dict
        The proof.

    Raises
    ------
    WrongUse
        When `dest` holds something or lies in `source`, or there is no such profile.
    NothingReadable
        When `source` holds no file, or none that can be de-identified.
    """
    from medassay.datasets.deidentify import allowed, conformance
    from medassay.datasets.deidentify.folder import deidentify
    from medassay.datasets.deidentify.profile import profile_of

    _require_apart(source, dest)
    chosen = profile_of(profile)
    key = KeyRing.load(keys).pseudonym if keys else secrets.token_bytes(32)
    result = deidentify(source, key, chosen, lambda path, content: write_atomic(dest / path, content))
    if not result.outputs and not result.counts["files_left_out"]:
        reasons = {row["reason"]: 0 for row in result.files}
        raise NothingReadable(
            found=f"{result.counts['files_offered']} files, none of which could leave ({', '.join(map(str, reasons))})",
            wanted="DICOM objects, WFDB records, EDF or BDF recordings, HL7 v2 messages, tables or texts",
            remedy="Run `medassay check` on the folder.",
            where=str(source),
        )
    proof: dict[str, Any] = {
        "schema_id": "medassay.deidentification/2",
        "profile": chosen.model_dump(mode="json"),
        "standard": allowed.EDITION,
        "options": [{"code": code, "meaning": meaning} for code, meaning in chosen.codes],
        "counts": result.counts,
        "files": list(result.files),
        "outputs": list(result.outputs),
        "conformance": list(result.rows),
        "findings": [finding.model_dump(mode="json") for finding in result.findings],
        "code": code_identity(),
        "environment": environment(PACKAGES),
    }
    write_atomic(dest / CONFORMANCE, conformance.as_csv(list(result.rows)))
    write_atomic(dest / PROOF, canonical_json(proof))
    return proof


def _require_apart(source: Path, dest: Path) -> None:
    here, there = source.resolve(), dest.resolve()
    if there == here or here in there.parents or there in here.parents:
        raise WrongUse(
            found="an output folder inside the source, or around it",
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
