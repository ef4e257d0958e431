"""`medassay init`: the folders of a workspace, its keys, and the four spec files of a first database."""

from __future__ import annotations

from pathlib import Path

from medassay.core.workspace import SPEC_FOLDERS, Workspace
from medassay.trust.keys import KeyRing


def run(root: Path, *, demo_keys: bool = False) -> list[str]:
    """Make what is missing and touch nothing that is there; give a line for each thing made.

    Parameters
    ----------
    demo_keys : bool
        Mark the keys as demo keys: good for phantoms and public sets, refused for a hospital's source.
    """
    made = []
    for name in SPEC_FOLDERS:
        folder = root / name
        if not folder.is_dir():
            folder.mkdir(parents=True)
            made.append(f"folder {name}/")
    workspace = Workspace(root.resolve())
    if not workspace.key_ring.exists():
        KeyRing.create(workspace.key_ring, demo=demo_keys)
        made.append(
            f"{'demo keys' if demo_keys else 'keys'} in {workspace.keys} (keep a copy; never in the tree)"
        )
    return made
