"""`medassay diff V1 V2`: what a version added, withdrew, moved and relabelled against another, and why."""

from __future__ import annotations

from medassay.core.errors import WrongUse
from medassay.core.workspace import Workspace
from medassay.datasets.versions import Dynamics
from medassay.verbs.frozen import changes, version


def run(workspace: Workspace, before: str, after: str) -> Dynamics:
    """Compare two versions of one source; each is named by the first digits of its digest."""
    old, new = version(workspace, before), version(workspace, after)
    if old.evidence.target != new.evidence.target:
        raise WrongUse(
            found=f"versions of {old.evidence.target} and of {new.evidence.target}",
            wanted="two versions of one source",
            remedy="Name two versions of the same source; sources are never mixed.",
        )
    return changes(old, new)
