"""The workspace: five folders that people declare in, and where a run keeps what it makes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from medassay.core.errors import WrongUse

SPEC_FOLDERS = ("datasets", "annotation", "quality", "evaluation", "registry")


@dataclass(frozen=True)
class Workspace:
    """Paths only; nothing is created by asking for one.

    Keys never lie in the store or the tree: `MEDASSAY_KEYS`, or `~/.medassay/keys`.
    """

    root: Path

    @classmethod
    def find(cls, start: Path | None = None) -> Workspace:
        """The nearest folder at or above `start` that holds the five spec folders."""
        here = (start or Path.cwd()).resolve()
        for folder in (here, *here.parents):
            if all((folder / name).is_dir() for name in SPEC_FOLDERS):
                return cls(folder)
        raise WrongUse(
            found="no workspace",
            wanted=f"a folder with {', '.join(SPEC_FOLDERS)}",
            remedy="Change into one, name it with --workspace, or make one with `medassay init`.",
            where=str(here),
        )

    @property
    def store(self) -> Path:
        """Objects, evidence and ledger: bytes that only medassay writes."""
        return (
            Path(os.environ["MEDASSAY_STORE"]) if "MEDASSAY_STORE" in os.environ else self.root / ".medassay"
        )

    @property
    def keys(self) -> Path:
        """Pseudonym, label and signing keys, and the table of the hospital's own paths."""
        return Path(os.environ.get("MEDASSAY_KEYS", Path.home() / ".medassay" / "keys"))

    @property
    def lock(self) -> Path:
        return self.store / "lock"

    @property
    def ledger(self) -> Path:
        return self.store / "ledger.jsonl"

    def spec(self, room: str, stem: str) -> Path:
        """The spec file of one room for one database."""
        return self.root / room / f"{stem}.yaml"

    def object(self, digest: str) -> Path:
        """Where the bytes with this SHA-256 lie."""
        return self.store / "objects" / digest[:2] / digest[2:]

    def evidence(self, digest: str) -> Path:
        return self.store / "evidence" / f"{digest}.json"

    def pointer(self, dataset: str, source: str, stage: str) -> Path:
        """The one small file that the pipeline watches: which Evidence a stage ended in."""
        return self.root / "pipeline" / dataset / source / f"{stage}.json"
