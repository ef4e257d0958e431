"""The object store: bytes under their SHA-256, whole or absent."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from medassay.core.atomic import write_atomic
from medassay.core.canonical import digest_bytes
from medassay.core.errors import EvidenceBroken
from medassay.core.workspace import Workspace


@dataclass(frozen=True)
class ObjectStore:
    """Objects of one workspace; the caller holds the store's lock while it writes."""

    workspace: Workspace

    def put(self, content: bytes) -> str:
        """Keep the bytes and give their digest; bytes that are there already are not written again."""
        digest = digest_bytes(content)
        path = self.workspace.object(digest)
        if not path.exists():
            write_atomic(path, content)
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes of this digest, recomputed on the way out.

        Raises
        ------
        EvidenceBroken
            When they are missing or no longer the same.
        """
        path = self.workspace.object(digest)
        content = path.read_bytes() if path.exists() else None
        if content is None or digest_bytes(content) != digest:
            raise EvidenceBroken(
                found=_absent(path) if content is None else "altered bytes",
                wanted=f"the object {digest[:12]}…",
                remedy="Restore the object from a copy, or ingest its source again.",
                where=str(path),
            )
        return content


def withdrawal_mark(path: Path) -> Path:
    """What stands beside an object whose subject withdrew: the bytes are gone for good, and that is no damage."""
    return path.with_name(f"{path.name}.withdrawn")


def _absent(path: Path) -> str:
    return (
        "bytes that were erased when their subject withdrew" if withdrawal_mark(path).exists() else "no bytes"
    )
