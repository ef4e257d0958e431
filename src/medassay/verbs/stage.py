"""What every step of the pipeline does before and after its engine runs."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medassay.core.atomic import lock, write_atomic
from medassay.core.canonical import canonical_json, digest_bytes
from medassay.core.errors import EvidenceBroken, WrongUse
from medassay.core.findings import Finding
from medassay.core.specs import load_spec
from medassay.core.tables import from_parquet, to_parquet
from medassay.core.workspace import Workspace
from medassay.datasets.manifest import Manifest
from medassay.datasets.spec import DatasetSpec, Source
from medassay.datasets.store import ObjectStore
from medassay.trust import ledger
from medassay.trust.evidence import Evidence, Link, Outcome, code_identity, environment, unfounded
from medassay.trust.keys import KeyRing

if TYPE_CHECKING:
    import pyarrow as pa

ORDER = ("ingest", "gate", "annotate", "freeze", "certify", "train", "validate", "report")


@dataclass(frozen=True)
class Place:
    """One source of one database in one workspace: where a step works."""

    workspace: Workspace
    dataset: str
    source_name: str

    @cached_property
    def spec(self) -> DatasetSpec:
        return load_spec(self.workspace.spec("datasets", self.dataset), DatasetSpec)

    @cached_property
    def source(self) -> Source:
        for source in self.spec.sources:
            if source.name == self.source_name:
                return source
        raise WrongUse(
            found=f"source '{self.source_name}'",
            wanted=f"one of {', '.join(source.name for source in self.spec.sources)}",
            remedy="Name a source that the spec lists.",
            where=str(self.workspace.spec("datasets", self.dataset)),
        )

    @cached_property
    def store(self) -> ObjectStore:
        return ObjectStore.of(self.workspace)

    @cached_property
    def keys(self) -> KeyRing:
        """The workspace's keys; demo keys are refused for a hospital source."""
        ring = KeyRing.load(self.workspace.key_ring)
        ring.require_for(self.source.source_class)
        return ring

    def spec_digest(self, room: str, stem: str | None = None) -> str:
        """SHA-256 of a spec file as it stands."""
        return digest_bytes(self.workspace.spec(room, stem or self.dataset).read_bytes())

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the database for the whole step; steps of other databases may write beside it.

        They meet only in objects, which are whole under their digests, and in the ledger, which takes one line
        at a time.
        """
        with (
            lock(self.workspace.lock, shared=True),
            lock(self.workspace.dataset_lock(self.dataset)),
            lock(self.workspace.sweep_lock, shared=True, wait=True),
        ):
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the whole store: for what takes something out of it that any database may have."""
        with lock(self.workspace.lock):
            yield

    def stage_name(self, kind: str, device: str | None) -> str:
        return f"{kind}.{device}" if device else kind

    def evidence(self, kind: str, device: str | None = None) -> Evidence:
        """The Evidence in which a step of this place ended.

        Raises
        ------
        WrongUse
            When the step has not been run, or nobody declared the source or device.
        EvidenceBroken
            When the pointer or the Evidence is no longer whole.
        """
        found = self.ended(kind, device)
        if found is None:
            self._require_declared(device)
            words = [kind, self.dataset, self.source_name, *([device] if device else [])]
            raise WrongUse(
                found=f"no evidence of {kind}",
                wanted=f"{kind} of {self.dataset}/{self.source_name} done first",
                remedy=f"Run: medassay {' '.join(words)}",
                where=str(self._pointer(kind, device)),
            )
        return Evidence.load(self.workspace.evidence(found["evidence"]), found["evidence"])

    def ended(self, kind: str, device: str | None = None) -> dict[str, str] | None:
        """A step's pointer: digest of its Evidence, and outcome; None: it has not been run."""
        path = self._pointer(kind, device)
        if not path.exists():
            return None
        try:
            pointer = json.loads(path.read_bytes())
            return {name: str(pointer[name]) for name in ("evidence", "outcome")}
        except (ValueError, TypeError, KeyError) as error:
            raise EvidenceBroken(
                found="a pointer that names no evidence",
                wanted=f"the digest and the outcome of {kind}",
                remedy=f"Remove it and run {kind} again; what stands in the store is found again.",
                where=str(path),
            ) from error

    def _pointer(self, kind: str, device: str | None) -> Path:
        return self.workspace.pointer(self.dataset, self.source_name, self.stage_name(kind, device))

    def _require_declared(self, device: str | None) -> None:
        """A step that was never taken of a name that nobody declared is a typo: its remedy is the right name."""
        devices = self.workspace.devices()
        if self.source and device is not None and devices and device not in devices:
            raise WrongUse(
                found=f"device '{device}'",
                wanted=f"one of {', '.join(devices)}",
                remedy="Name a device that has a folder with device.yaml in registry/.",
                where=str(self.workspace.device(device)),
            )

    def table(self, evidence: Evidence, role: str) -> pa.Table:
        return from_parquet(self.store.get(evidence.output(role)))

    def record(self, evidence: Evidence, role: str) -> Any:
        return json.loads(self.store.get(evidence.output(role)))

    def finish(
        self,
        kind: str,
        *,
        inputs: Mapping[str, str],
        tables: Mapping[str, pa.Table] | None = None,
        records: Mapping[str, Any] | None = None,
        files: Mapping[str, bytes] | None = None,
        outcome: Outcome,
        counts: Mapping[str, int],
        findings: Sequence[Finding] = (),
        parameters: Mapping[str, Any] | None = None,
        packages: Sequence[str] = (),
        device: str | None = None,
    ) -> Evidence:
        """Keep what an engine gave, then the Evidence, then the ledger line, then the pointer.

        Killed in between, the pointer still names the step's last whole Evidence, and a rerun carries on.
        """
        outputs = {role: self.store.put(to_parquet(table)) for role, table in (tables or {}).items()}
        outputs |= {role: self.store.put(canonical_json(record)) for role, record in (records or {}).items()}
        outputs |= {role: self.store.put(content) for role, content in (files or {}).items()}
        evidence = Evidence(
            kind=kind,
            target="/".join([self.dataset, self.source_name, *([device] if device else [])]),
            inputs=_links(inputs),
            outputs=_links(outputs),
            parameters=dict(parameters or {}),
            code=code_identity(),
            environment=environment(packages),
            outcome=outcome,
            counts=dict(counts),
            findings=tuple(findings),
        )
        evidence.save(self.workspace.evidence(evidence.digest))
        self.book(kind, evidence.digest)
        pointer = {"evidence": evidence.digest, "outcome": evidence.outcome.value}
        write_atomic(self._pointer(kind, device), canonical_json(pointer) + b"\n")
        return evidence

    def book(self, event: str, digest: str, *, about: str = "") -> ledger.Entry:
        """One line in the ledger, in the name of whoever runs this."""
        return ledger.append(
            self.workspace.ledger,
            actor=actor(),
            event=" ".join(filter(None, [event, f"{self.dataset}/{self.source_name}", about])),
            evidence=digest,
            key=self.keys.signing_key,
        )


def actor() -> str:
    """Who acts: `MEDASSAY_ACTOR`, or the system's name for the user."""
    return os.environ.get("MEDASSAY_ACTOR") or getpass.getuser()


def refused_after(place: Place, kind: str, *steps: Evidence, device: str | None = None) -> Evidence | None:
    """A step whose forerunner failed or refused is not taken: that is Evidence too, and is passed on.

    Returns
    -------
    Evidence or None
        None when every forerunner may be built upon.
    """
    findings = unfounded(steps)
    if not findings:
        return None
    return place.finish(
        kind,
        inputs=evidence_inputs(*steps),
        outcome=Outcome.REFUSED,
        counts={},
        findings=findings,
        device=device,
    )


def frozen_manifest(place: Place, freeze: Evidence) -> Manifest:
    """The dataset version that freeze sealed, recomputed on the way out."""
    digest = freeze.output("manifest")
    return Manifest.read(place.store.get(digest), digest)


def _links(digests: Mapping[str, str]) -> tuple[Link, ...]:
    return tuple(Link(role=role, digest=digest) for role, digest in sorted(digests.items()))


def evidence_inputs(*steps: Evidence) -> dict[str, str]:
    """Earlier steps as inputs, by their kind."""
    return {f"evidence:{step.kind}": step.digest for step in steps}
