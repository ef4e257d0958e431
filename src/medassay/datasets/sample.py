"""The records that pass between ingest and the intake of one kind of data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from medassay.core.findings import Finding, Reason, Severity
from medassay.datasets.spec import Source

Scalar = float | int | str | bool | None

# Roles of objects. Labels are sealed from the moment they are stored: `reference` as published with the data,
# `read:<reader>` one reader's file. The others go to devices in the form they have here.
LABEL_ROLES = ("reference", "read:")


def is_label(role: str) -> bool:
    """Whether an object of this role is sealed and never handed to a device at test."""
    return role.startswith(LABEL_ROLES)


@dataclass(frozen=True, slots=True)
class OfferedFile:
    """A file as found. Path and name may identify: they stay on the key side."""

    place: str | Path  # text in a walk: a million `Path`s take half a gigabyte
    relative: str  # posix, below the source's folder
    size: int
    seen: bytes = b""  # `walk.seen` of it: as long as this stays, so do the bytes; empty: an archive's member

    @property
    def path(self) -> Path:
        return Path(self.place)


@dataclass(frozen=True, slots=True)
class Draft:
    """The files that make one sample."""

    key: str  # what names the sample in its source; may identify
    files: tuple[tuple[str, OfferedFile], ...]  # role and file
    person_tokens: tuple[str, ...]  # whatever tells the person; empty: unknown
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Unassigned:
    """A file that makes no sample, and why."""

    file: OfferedFile
    finding: Finding


@dataclass(frozen=True)
class Assembly:
    drafts: tuple[Draft, ...]
    unassigned: tuple[Unassigned, ...]


@dataclass(frozen=True, slots=True)
class Names:
    """The pseudonyms that one sample's files are written under."""

    sample: str
    subject: str
    date_shift_days: int  # dates move back by this
    key: bytes = field(repr=False)  # pseudonym key, for UIDs and the like: see `identity.pseudonym`


@dataclass(frozen=True)
class NewObject:
    """De-identified bytes under the name that a device will see; the name holds the sample id only."""

    role: str
    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Action:
    """What de-identification did to one element, counted over the sample."""

    element: str  # tag and keyword, header field or column
    action: Literal["kept", "changed", "removed"]
    count: int


@dataclass(frozen=True)
class Taken:
    """One sample, de-identified and measured."""

    site: str | None
    device: str | None
    sex: Literal["F", "M"] | None
    age_years: float | None
    objects: tuple[NewObject, ...]
    measurements: Mapping[str, Scalar]
    fingerprint: str  # SHA-256 of decoded pixels or samples: equal content under another id is found by it
    actions: tuple[Action, ...]
    findings: tuple[Finding, ...] = ()
    data_type: Literal["image", "signal", "record"] | None = None
    modality: str | None = None  # MR, CT; ECG, EEG; CGM, laboratory panel
    acquired_year: int | None = None  # the true one: shifted dates tell no period
    sketch: bytes = b""  # of `datasets.sketch`: tells copies that were re-encoded, cropped or resampled


class Refused(Exception):
    """The sample cannot enter; carries the finding. Caught by ingest and counted, never by anyone else."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(finding.reason)


class Intake(Protocol):
    """See the package `medassay.datasets.intake`."""

    COLUMNS: Mapping[str, tuple[str, str]]
    LIBRARIES: Sequence[str]

    def look(self, file: OfferedFile, source: Source) -> Any: ...

    def assemble(
        self, files: Sequence[OfferedFile], source: Source, look: Callable[[OfferedFile, Source], Any] = ...
    ) -> Assembly: ...

    def take_in(self, draft: Draft, names: Names, source: Source) -> Taken: ...

    def prove(self, taken: Taken, source: Source) -> list[Finding]: ...


def refusal(reason: Reason, *, found: str, wanted: str, remedy: str, where: str = "") -> Refused:
    """The usual way to refuse a sample."""
    return Refused(
        Finding(
            reason=reason, severity=Severity.REFUSE, found=found, wanted=wanted, remedy=remedy, where=where
        )
    )
