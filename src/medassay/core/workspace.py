"""The workspace: five folders that people declare in, and where a run keeps what it makes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from medassay.core.canonical import digest_bytes
from medassay.core.errors import WrongUse

SPEC_FOLDERS = ("datasets", "annotation", "quality", "evaluation", "registry")


@dataclass(frozen=True)
class Workspace:
    """Paths only; nothing is created by asking for one.

    Keys never lie in the store or the tree: `MEDASSAY_KEYS`, or a folder of this workspace's own below
    `~/.medassay/keys`.
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
        if "MEDASSAY_KEYS" in os.environ:
            return Path(os.environ["MEDASSAY_KEYS"])
        place = digest_bytes(os.fsencode(self.root))[:8]
        return Path.home() / ".medassay" / "keys" / f"{self.root.name}-{place}"

    @property
    def key_ring(self) -> Path:
        return self.keys / "ring.json"

    @property
    def lock(self) -> Path:
        """Shared by the steps that write to the store; held alone by what takes something out of it."""
        return self.store / "lock"

    @property
    def sweep_lock(self) -> Path:
        """Shared by whoever may have half-written files; who can hold it alone may remove what is left of them."""
        return self.store / "sweep.lock"

    def dataset_lock(self, dataset: str) -> Path:
        """Held by the one step that works on a database."""
        return self.store / "locks" / dataset

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

    def stems(self) -> list[str]:
        """The databases that are declared here."""
        return sorted(path.stem for path in (self.root / "datasets").glob("*.yaml"))

    def devices(self) -> list[str]:
        """The devices that are registered here."""
        return sorted(path.parent.name for path in (self.root / "registry").glob("*/device.yaml"))

    def device(self, name: str) -> Path:
        return self.root / "registry" / name

    def export(self, dataset: str, source: str) -> Path:
        """Where a phantom's export is written; its truth lies beside it, outside the store."""
        return self.root / "exports" / dataset / source

    def released_keys(self, manifest: str) -> Path:
        """The label keys that `freeze` released: train and tune only."""
        return self.keys / "released" / f"{manifest}.json"

    def reports(self, dataset: str, source: str) -> Path:
        return self.root / "reports" / dataset / source

    def pointer(self, dataset: str, source: str, stage: str) -> Path:
        """The one small file that the pipeline watches: which Evidence a stage ended in."""
        return self.root / "pipeline" / dataset / source / f"{stage}.json"
