"""From the ledger's lines to the one thing a report says of them: the protocol was fixed before labels opened."""

from __future__ import annotations

from collections.abc import Sequence

from medassay.reports.given import Booking, LedgerFacts
from medassay.room.record import RunRecord
from medassay.trust.ledger import GENESIS, Entry

LOCKED = "protocol_locked"
UNSEALED = "labels_unsealed"
TIMED = "timed"


def ledger_facts(
    entries: Sequence[Entry], run: RunRecord, *, validated: str, inspected: str, key: str, demo_key: bool
) -> LedgerFacts:
    """What the ledger says of one run.

    The line of unsealing is the first one of this test split, made for this submission where the event names
    it: whoever changes the protocol after these labels were met once has seen them, though they are opened again.
    The line of locking is the last one of this protocol before it. A protocol that was booked only afterwards is
    given as it stands, so that the report says so.

    Parameters
    ----------
    validated : str
        Digest of validate's Evidence. The ledger is read up to its line, so that the same validation is
        reported in the same words however long the ledger has grown since.
    inspected : str
        Digest of certify's Evidence: the first line of it dates the inspection.
    key : str
        Public signing key, hexadecimal.
    """
    entries = _until(entries, validated)
    locked, unsealed = _lock_and_opening(entries, run)
    return LedgerFacts(
        protocol_locked=_booking(locked),
        unsealed=_booking(unsealed),
        inspected=_booking(next((e for e in entries if e.evidence == inspected), None)),
        head=entries[-1].digest if entries else GENESIS,
        entries=len(entries),
        key=key,
        demo_key=demo_key,
    )


def locked_first(entries: Sequence[Entry], run: RunRecord) -> bool:
    """Whether these lines show that the run's protocol was locked before its labels were opened."""
    locked, unsealed = _lock_and_opening(entries, run)
    return locked is not None and unsealed is not None and locked.sequence < unsealed.sequence


def _lock_and_opening(entries: Sequence[Entry], run: RunRecord) -> tuple[Entry | None, Entry | None]:
    unsealed = next((e for e in entries if _is(e, UNSEALED, run) and e.evidence == run.manifest), None)
    locked = [e for e in entries if _is(e, LOCKED, run) and e.evidence == run.protocol]
    before = [e for e in locked if unsealed is None or e.sequence < unsealed.sequence]
    return _last(before) or _last(locked), unsealed


def timing_digest(entries: Sequence[Entry], run: RunRecord, *, validated: str) -> str | None:
    """Digest of the times of this run, which stand outside its record; None: nothing was timed."""
    timed = _last([entry for entry in _until(entries, validated) if _is(entry, TIMED, run)])
    return timed.evidence if timed else None


def _until(entries: Sequence[Entry], evidence: str) -> Sequence[Entry]:
    """The lines up to the last one of this evidence; all of them where there is none."""
    ends = [position for position, entry in enumerate(entries, 1) if entry.evidence == evidence]
    return entries[: ends[-1]] if ends else entries


def _is(entry: Entry, event: str, run: RunRecord) -> bool:
    """Whether a line books this event of this dataset, and of this submission where it names one."""
    words = entry.event.split()
    place = f"{run.dataset}/{run.source}"
    if not words or words[0] != event or place not in words:
        return False
    about = [word for word in words[1:] if word != place]
    return not about or any(run.submission.startswith(word) for word in about)


def _last(entries: Sequence[Entry]) -> Entry | None:
    return entries[-1] if entries else None


def _booking(entry: Entry | None) -> Booking | None:
    if entry is None:
        return None
    return Booking(sequence=entry.sequence, time=entry.time, digest=entry.evidence)
