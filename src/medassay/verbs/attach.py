"""`medassay certify --attach`: a third party's own document, bound to the frozen version that it is about.

The document stays as it came: nothing is read in it, and neither its name nor a word of it is printed. A report
names its issuer, number, act and digest, and only where it is of the very version reported on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from medassay.core.canonical import digest_bytes
from medassay.core.errors import WrongUse
from medassay.quality.certificate import Attachment, Issuer, attach
from medassay.trust.evidence import Evidence, Outcome
from medassay.verbs.stage import Place, evidence_inputs, frozen_manifest, refused_after

KIND = "attach"
LARGEST = 64 * 1024**2  # a scanned certificate of some hundred pages


def run(
    place: Place, document: Path, issuer: Issuer, act: Literal["inspection", "certification"]
) -> Evidence:
    """Bind a document to the version that freeze sealed last; bound twice, it stands once.

    Raises
    ------
    WrongUse
        When the file is missing, empty or too large to be a document, when the issuer is the holder of the data,
        or when a certification is not a certification body's.
    """
    content = _read(document)
    with place.writing():
        freeze = place.evidence("freeze")
        refused = refused_after(place, KIND, freeze)
        if refused:
            return refused
        bound = attach(content, frozen_manifest(place, freeze), issuer, act=act)
        place.store.put(content)
        known = [*(one for one in attachments(place) if one != bound), bound]
        return place.finish(
            KIND,
            inputs=evidence_inputs(freeze) | {"document": digest_bytes(content)},
            records={"attachments": [one.model_dump(mode="json") for one in known]},
            outcome=Outcome.PASSED,
            counts={"documents": len(known)},
        )


def attachments(place: Place) -> list[Attachment]:
    """Every document bound to a version of this source so far, in the order of binding."""
    if not place.workspace.pointer(place.dataset, place.source_name, KIND).exists():
        return []
    evidence = place.evidence(KIND)
    if evidence.outcome is not Outcome.PASSED:
        return []
    return [Attachment.model_validate(row) for row in place.record(evidence, "attachments")]


def _read(document: Path) -> bytes:
    size = document.stat().st_size if document.is_file() else None
    if size is None or not 0 < size <= LARGEST:
        raise WrongUse(
            found="no file" if size is None else f"a file of {size} bytes",
            wanted=f"the third party's document, a file of 1 to {LARGEST} bytes",
            remedy="Name the document itself, as the third party gave it.",
            where="--attach",
        )
    return document.read_bytes()
