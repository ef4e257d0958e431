"""`verify` of an inspection record: what follows from its own parts, and that the ledger tells of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from medassay.core.canonical import canonical_json, digest_bytes, digest_of
from medassay.core.errors import MedassayError
from medassay.quality.certificate import Certificate, recomputed
from medassay.reports.checks import Check, Store, check, equal, same, told
from medassay.trust.evidence import Evidence, Outcome
from medassay.trust.ledger import Entry

SCHEMA = "medassay.inspection/1"
NO_STORE = (
    "no workspace: the gate's counts, the flow and the readers' agreement are as the record has them; compare its "
    "SHA-256 with a copy that you trust (--expect-digest)"
)


def checks_of(content: bytes, expect_digest: str | None) -> tuple[str, Certificate | None, list[Check]]:
    """The record's digest, the record, and what follows from the record alone."""
    try:
        record = Certificate.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        return "", None, [Check("record", Outcome.FAILED, first["msg"], "an inspection record", where)]
    plain = record.model_dump(mode="json")
    digest = digest_of(plain)
    checks = [
        check("file", content == canonical_json(plain), "other bytes", "the record's canonical JSON"),
        same("inspection", plain, recomputed(record).model_dump(mode="json")),
    ]
    if expect_digest is not None:
        checks.append(equal("digest on paper", digest, expect_digest))
    return digest, record, checks


def of_store(
    record: Certificate, digest: str, path: Path, store: Store, entries: Sequence[Entry]
) -> Iterator[Check]:
    """That a line of the ledger holds this record, and that its papers are the ones booked with it."""
    lines = {entry.evidence for entry in entries}
    for name, step in (("gate", record.gate.evidence), ("annotate", record.annotation.evidence)):
        yield check(f"ledger line of {name}", step in lines, "no line of the ledger", step)
    try:
        mine = [one for one in _issued(record, store, entries) if one.output("certificate") == digest]
    except (MedassayError, OSError) as error:
        told_of = "every inspection record that the ledger tells of"
        yield Check("booked record", Outcome.FAILED, told(error), told_of)
        return
    wanted = "a line of the ledger whose evidence holds this record"
    yield check("booked record", bool(mine), "no booked inspection record of this digest", wanted, digest)
    booked = {(link.role.removeprefix("view:"), link.digest) for one in mine for link in one.outputs}
    for name in sorted(name for name, _ in booked if name.endswith((".html", ".pdf"))):
        paper = path.parent / name
        if paper.is_file():
            found = digest_bytes(paper.read_bytes())
            holds = (name, found) in booked
            yield check(f"paper {name}", holds, f"other bytes, {found[:12]}…", "the bytes that were booked")


def _issued(record: Certificate, store: Store, entries: Sequence[Entry]) -> Iterator[Evidence]:
    for entry in entries:
        if entry.event == f"certify {record.dataset}/{record.source}":
            evidence = store.evidence(entry.evidence)
            if evidence.outcome != Outcome.REFUSED:
                yield evidence
