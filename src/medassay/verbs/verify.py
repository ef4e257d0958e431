"""`medassay verify`: recompute a report's digests and figures, and name the first that differs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from medassay.core.errors import WrongUse
from medassay.core.workspace import Workspace
from medassay.datasets.store import ObjectStore
from medassay.trust.evidence import Evidence
from medassay.trust.keys import KeyRing

if TYPE_CHECKING:
    from medassay.reports.verify import Store, Verified


def run(
    path: Path,
    *,
    workspace: Path | None = None,
    expect_digest: str | None = None,
    expect_head: str | None = None,
) -> Verified:
    """Hold a report's JSON record to its own recomputation, and to the store where a workspace is around.

    Parameters
    ----------
    workspace : Path, optional
        Folder of the workspace; default: the one around here, and without one the record alone.
    expect_digest : str, optional
        The SHA-256 on the paper's first page.
    expect_head : str, optional
        Digest of a ledger entry that was kept outside the store.

    Raises
    ------
    NothingReadable
        When there is no such file.
    WrongUse
        When a head is expected and there is no workspace whose ledger could hold it.
    """
    from medassay.reports.verify import verify

    return verify(path, _store(workspace, expect_head), expect_digest=expect_digest)


def _store(folder: Path | None, expect_head: str | None) -> Store | None:
    from medassay.reports.verify import Store

    try:
        workspace = Workspace.find(folder)
    except WrongUse:
        if folder is None and expect_head is None:
            return None
        raise
    if not workspace.ledger.exists():
        return None
    return Store(
        get=ObjectStore.of(workspace).get,
        evidence=lambda digest: Evidence.load(workspace.evidence(digest), digest),
        ledger=workspace.ledger,
        key=KeyRing.load(workspace.key_ring).signing_key.public_key(),
        expect_head=expect_head,
    )
