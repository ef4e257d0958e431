"""`medassay verify`: recompute a report's digests and figures, and name the first that differs.

A paper (HTML, PDF) holds no figure that could be computed again: it is held against the ledger, byte for byte.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from medassay.core.errors import WrongUse
from medassay.core.workspace import Workspace
from medassay.datasets.store import ObjectStore
from medassay.trust.evidence import Evidence
from medassay.trust.keys import KeyRing

if TYPE_CHECKING:
    from medassay.reports.checks import Store
    from medassay.reports.verify import Verified

PAPERS = (".html", ".pdf")


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
        When a head is expected and there is no workspace whose ledger could hold it; when a paper is to be verified
        without one.
    """
    from medassay.reports.verify import verify, verify_paper

    store = _store(workspace, expect_head)
    if path.suffix in PAPERS:
        if store is None:
            raise WrongUse(
                found="a paper, and no workspace whose ledger could tell of it",
                wanted="the JSON record of the report, or the paper inside the workspace that made it",
                remedy="Name the .json file beside it, or the workspace with --workspace.",
                where=str(path),
            )
        return verify_paper(path, store, expect_digest=expect_digest)
    return verify(path, store, expect_digest=expect_digest)


def _store(folder: Path | None, expect_head: str | None) -> Store | None:
    from medassay.reports.checks import Store

    try:
        workspace = Workspace.find(folder)
    except WrongUse:
        if folder is None and expect_head is None:
            return None
        raise
    if not workspace.ledger.exists():
        return None
    keys = KeyRing.load(workspace.key_ring)
    return Store(
        get=ObjectStore.of(workspace).get,
        evidence=lambda digest: Evidence.load(workspace.evidence(digest), digest),
        ledger=workspace.ledger,
        key=keys.signing_key.public_key(),
        demo_key=keys.demo,
        expect_head=expect_head,
    )
