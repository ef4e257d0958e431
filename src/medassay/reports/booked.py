"""What the ledger says of a whole report: the record as it was booked, its standing, and the papers drawn from it.

A record can be rewritten and derived again so that every figure in it follows from every sum in it. What cannot be
made without the signing key is a line of the ledger whose Evidence holds that record.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medassay.core.canonical import digest_bytes
from medassay.core.errors import MedassayError
from medassay.reports.checks import Check, Store, check, same, told
from medassay.reports.record import ReportRecord
from medassay.trust.evidence import Evidence, Outcome
from medassay.trust.ledger import Entry

RECORD, VIEW, AUDITOR = "report", "view:", "auditor/"
OVER = ("superseded", "withdrawn")
PAPERS = (".html", ".pdf")


@dataclass(frozen=True)
class Issued:
    """One report's record among the outputs of a booked Evidence of `report`."""

    evidence: Evidence
    digest: str
    record: dict[str, Any]


def checks_of(record: ReportRecord, path: Path, store: Store, entries: Sequence[Entry]) -> Iterator[Check]:
    """Hold a record against the ones that were booked under its number.

    Parameters
    ----------
    path : Path
        Where the record lies: papers beside it are held against the digests that were booked with it.
    entries : sequence of Entry
        The ledger's lines, whose chain and signatures were verified.
    """
    run = record.given.run
    try:
        issued = list(_issued(f"{run.dataset}/{run.source}", run.device, store, entries))
    except (MedassayError, OSError) as error:
        yield Check("booked record", Outcome.FAILED, told(error), "every report that the ledger tells of")
        return
    numbered = [one for one in issued if one.record.get("number") == record.number]
    mine = [one for one in numbered if one.digest == record.digest]
    yield _booked(record, numbered, bool(mine))
    if mine:
        yield _standing(record, numbered[-1].record)
        yield from _papers(record, path, mine)


def paper(path: Path, store: Store, entries: Sequence[Entry]) -> tuple[str, Check]:
    """Whether a paper's bytes are those of a view that was booked; the digest of its record, and the check."""
    digest = digest_bytes(path.read_bytes())
    for entry in reversed(entries):
        if entry.event.split(" ")[0] not in ("report", "certify"):
            continue
        try:
            evidence = store.evidence(entry.evidence)
        except (MedassayError, OSError):
            continue
        views = [link for link in evidence.outputs if link.role.startswith(VIEW)]
        if any(link.digest == digest for link in views):
            role = RECORD if evidence.kind == "report" else "certificate"
            return evidence.output(role), Check("paper", Outcome.PASSED)
    wanted = "the bytes of a paper that the ledger tells of"
    return "", Check("paper", Outcome.FAILED, f"other bytes, {digest[:12]}…", wanted, path.name)


def _issued(place: str, device: str, store: Store, entries: Sequence[Entry]) -> Iterator[Issued]:
    """Every record of this device's reports, in the order of booking, those of superseded reports among them."""
    for entry in entries:
        if entry.event != f"report {place}":
            continue
        evidence = store.evidence(entry.evidence)
        if evidence.target != f"{place}/{device}":
            continue
        for digest in sorted({link.digest for link in evidence.outputs if _is_record(link.role)}):
            yield Issued(evidence, digest, json.loads(store.get(digest)))


def _is_record(role: str) -> bool:
    return role == RECORD or (role.startswith(VIEW) and role.endswith(".json"))


def _booked(record: ReportRecord, numbered: Sequence[Issued], among: bool) -> Check:
    name, wanted = "booked record", "a line of the ledger whose evidence holds this record"
    if among:
        return Check(name, Outcome.PASSED)
    if not numbered:
        return Check(name, Outcome.FAILED, "no booked report of this number", wanted, record.number)
    # The seal follows from everything else: where it differs, something else says more.
    found, last = record.model_dump(mode="json", exclude={"seal"}), dict(numbered[-1].record)
    last.pop("seal", None)
    difference = same(name, found, last)
    if difference.outcome == Outcome.FAILED:
        return difference
    return Check(name, Outcome.FAILED, record.digest, numbered[-1].digest)


def _standing(record: ReportRecord, last: dict[str, Any]) -> Check:
    """A report that was withdrawn or superseded later does not stand, however whole its copy is."""
    own, now = record.given.issue.status, last["given"]["issue"]["status"]
    return check("standing", own == now or now not in OVER, own, f"{now}, as it was booked later")


def _papers(record: ReportRecord, path: Path, mine: Sequence[Issued]) -> Iterator[Check]:
    """HTML and PDF beside the record, held against the digests that were booked with it."""
    booked = [(link.role.removeprefix(VIEW), link.digest) for one in mine for link in one.evidence.outputs]
    named = {name for name, digest in booked if digest == record.digest and name.endswith(".json")}
    own = next((name for name in named if path.as_posix().endswith(f"/{name}")), None)
    if own is None:
        yield Check("papers", Outcome.NOT_ASSESSED, "a record that lies apart from its papers")
        return
    folder = path.parents[own.count("/")]
    stem = own.removesuffix(".json")
    names = {name for name, _ in booked if name.endswith(PAPERS)}
    for name in sorted(name for name in names if name.removeprefix(AUDITOR).startswith(f"{stem}.")):
        if (folder / name).is_file():
            found = digest_bytes((folder / name).read_bytes())
            holds = (name, found) in booked
            yield check(f"paper {name}", holds, f"other bytes, {found[:12]}…", "the bytes that were booked")
