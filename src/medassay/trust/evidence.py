"""Evidence: what a step did, as timeless canonical JSON under its own digest."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from enum import StrEnum
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

import medassay
from medassay.core.atomic import write_atomic
from medassay.core.canonical import canonical_json, digest_bytes, digest_of
from medassay.core.errors import EvidenceBroken
from medassay.core.findings import Finding, Reason, Severity
from medassay.core.record import Record


class Outcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    REFUSED = "refused"
    NOT_ASSESSED = "not_assessed"


class Link(Record):
    """A digest and the part it plays."""

    role: str
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")


class Evidence(Record):
    """One step's record. Time, host and run ids stand in the ledger, so a rerun ends in the same digest."""

    schema_id: Literal["medassay.evidence/1"] = "medassay.evidence/1"
    kind: str = Field(description="the verb that made it")
    target: str = Field(description="dataset/source, or dataset/source/device")
    inputs: tuple[Link, ...]
    outputs: tuple[Link, ...]
    parameters: dict[str, Any] = Field(default_factory=dict)
    code: dict[str, str] = Field(description="version and digest of the package's source")
    environment: dict[str, str] = Field(description="what the figures may depend on; no host, no time")
    outcome: Outcome
    counts: dict[str, int] = Field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def digest(self) -> str:
        return digest_of(self.model_dump(mode="json"))

    def output(self, role: str) -> str:
        """The digest of the one output that plays `role`.

        Raises
        ------
        EvidenceBroken
            When there is none, or more than one.
        """
        matches = [link.digest for link in self.outputs if link.role == role]
        if len(matches) != 1:
            raise EvidenceBroken(
                found=f"{len(matches)} outputs of role '{role}'",
                wanted="exactly one",
                remedy="Run the step again that makes it.",
                where=f"evidence of {self.kind} {self.target}",
            )
        return matches[0]

    def save(self, path: Path) -> None:
        write_atomic(path, canonical_json(self.model_dump(mode="json")))

    @classmethod
    def load(cls, path: Path, digest: str) -> Evidence:
        """Read back and recompute.

        Raises
        ------
        EvidenceBroken
            When the record is not there, or was altered by as little as a byte.
        """
        if not path.exists():
            raise EvidenceBroken(
                found="no record",
                wanted=f"the evidence {digest[:12]}…",
                remedy="Restore the store from a copy, or run the steps again from ingest on.",
                where=str(path),
            )
        found = digest_bytes(path.read_bytes())
        if found != digest:
            raise EvidenceBroken(
                found=f"a record with digest {found[:12]}…",
                wanted=f"{digest[:12]}…",
                remedy="The record was altered or damaged; restore it from a copy or run the step again.",
                where=str(path),
            )
        return cls.model_validate_json(path.read_bytes())


def unfounded(steps: Iterable[Evidence]) -> list[Finding]:
    """Why a step that follows these is not taken: one finding each that failed or was refused; none: it may be."""
    return [
        Finding(
            reason=Reason.STEP_BEFORE_FAILED,
            severity=Severity.REFUSE,
            found=f"{step.kind} ended '{step.outcome.value}'",
            wanted=f"{step.kind} that may be built upon",
            remedy=f"See the findings of {step.kind}, mend their cause, and run it again.",
        )
        for step in steps
        if step.outcome in (Outcome.FAILED, Outcome.REFUSED)
    ]


@cache
def code_identity() -> dict[str, str]:
    """Version and one digest over every source file of the package (path and bytes)."""
    root = Path(medassay.__file__).parent
    files = sorted(p for p in root.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    tree = {p.relative_to(root).as_posix(): digest_bytes(p.read_bytes()) for p in files}
    return {"medassay": medassay.__version__, "source": digest_of(tree)}


def environment(packages: Iterable[str]) -> dict[str, str]:
    """Python and the installed versions of the packages that a step's figures depend on."""
    return {"python": platform.python_version()} | {name: version(name) for name in sorted(packages)}
