"""The ledger of a store: append-only, hash-chained, signed; the only history.

A line holds sequence, time, actor, event, evidence digest and the digest of the line before it, and an
Ed25519 signature over all of these. A chain that was rebuilt whole still verifies against itself, so
`verify` also takes a head that was kept outside.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import Field

from medassay.core.atomic import lock
from medassay.core.canonical import canonical_json, digest_of
from medassay.core.errors import EvidenceBroken
from medassay.core.record import Record

GENESIS = "0" * 64


class Entry(Record):
    """One line of the ledger."""

    sequence: int = Field(ge=0)
    time: str
    actor: str
    event: str
    evidence: str = Field(pattern=r"^[0-9a-f]{64}$")
    previous: str = Field(pattern=r"^[0-9a-f]{64}$")
    signature: str = ""

    def signed_part(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude={"signature"})

    @property
    def digest(self) -> str:
        return digest_of(self.model_dump(mode="json"))


def append(path: Path, *, actor: str, event: str, evidence: str, key: Ed25519PrivateKey) -> Entry:
    """Add one line; who adds another at the same time waits for it.

    A line that a killed run left unfinished (no line end) was never acknowledged and is cut off first.
    """
    with lock(path.with_suffix(".lock"), wait=True):
        return _append(path, actor, event, evidence, key)


def _append(path: Path, actor: str, event: str, evidence: str, key: Ed25519PrivateKey) -> Entry:
    _drop_unfinished_line(path)
    entries = read(path)
    entry = Entry(
        sequence=len(entries),
        time=datetime.now(UTC).isoformat(timespec="microseconds"),
        actor=actor,
        event=event,
        evidence=evidence,
        previous=entries[-1].digest if entries else GENESIS,
    )
    signature = key.sign(canonical_json(entry.signed_part())).hex()
    entry = entry.model_copy(update={"signature": signature})
    with path.open("ab") as stream:
        stream.write(canonical_json(entry.model_dump(mode="json")) + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
    return entry


def read(path: Path) -> list[Entry]:
    """All finished lines, in order; an absent ledger is an empty one."""
    if not path.exists():
        return []
    entries = []
    for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], 1):
        try:
            entries.append(Entry.model_validate(json.loads(line)))
        except ValueError as error:
            raise _broken(path, number, "a line that is no entry") from error
    return entries


def verify(path: Path, key: Ed25519PublicKey, *, expect_head: str | None = None) -> int:
    """Check sequence, chain and every signature; give the number of entries.

    Raises
    ------
    EvidenceBroken
        At the first line that differs, or when `expect_head` (an entry digest that was kept outside)
        is no longer part of the chain.
    """
    previous, seen = GENESIS, {GENESIS}
    entries = read(path)
    for number, entry in enumerate(entries, 1):
        if entry.sequence != number - 1:
            raise _broken(path, number, f"sequence {entry.sequence}")
        if entry.previous != previous:
            raise _broken(path, number, "a previous digest that is not the line before")
        try:
            key.verify(bytes.fromhex(entry.signature), canonical_json(entry.signed_part()))
        except (InvalidSignature, ValueError) as error:
            raise _broken(path, number, "a signature that does not fit") from error
        previous = entry.digest
        seen.add(previous)
    if expect_head is not None and expect_head not in seen:
        raise _broken(path, len(entries), "a chain without the expected head")
    return len(entries)


def _drop_unfinished_line(path: Path) -> None:
    if not path.exists():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with path.open("r+b") as stream:
            stream.truncate(whole)
            os.fsync(stream.fileno())


def _broken(path: Path, number: int, found: str) -> EvidenceBroken:
    return EvidenceBroken(
        found=found,
        wanted="an unbroken, signed chain",
        remedy="The history was altered; compare with a copy kept elsewhere before trusting this store.",
        where=f"{path}:{number}",
    )
