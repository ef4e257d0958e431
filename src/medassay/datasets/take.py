"""One draft at a time: from foreign bytes to proven, stored objects, or to the finding that ends it."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from medassay.core.errors import EnvironmentLacking, MedassayError
from medassay.core.findings import Finding, Reason, Severity
from medassay.datasets import residue
from medassay.datasets.sample import (
    Draft,
    Intake,
    Names,
    NewObject,
    Refused,
    Taken,
    is_label,
)
from medassay.datasets.spec import Source
from medassay.trust.sealing import sample_key, seal

PLACE = re.compile(
    r"[A-Za-z ]+[0-9]*(: [A-Za-z ]+)?"
)  # a field or lead; a path or file name is never passed on
T = TypeVar("T")
Put = Callable[[bytes], str]
Settle = Callable[[], None]  # makes all that was put durable
LEAVES = (Severity.EXCLUDE, Severity.REFUSE)  # a finding of these ends its sample at ingest


class Keys(Protocol):
    """The two secrets that ingest needs of a key ring."""

    @property
    def pseudonym(self) -> bytes: ...
    @property
    def label(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Named:
    """A draft under its pseudonyms."""

    draft: Draft
    names: Names
    known: bool
    side: str | None
    repeated: bool  # another draft of the source has the same key


@dataclass(frozen=True)
class Fate:
    """How one draft fared, without the draft: what another process hands back, and what a rerun need not redo."""

    taken: Taken | None
    objects: tuple[dict[str, Any], ...]
    findings: tuple[Finding, ...]
    ended: Finding | None


@dataclass
class Case:
    """How one draft fared. `ended` is the finding that refused it."""

    named: Named
    taken: Taken | None = None  # facts only: the bytes are put away by then
    objects: list[dict[str, Any]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    ended: Finding | None = None

    @property
    def sample(self) -> str:
        return self.named.names.sample

    @property
    def fate(self) -> Fate:
        return Fate(self.taken, tuple(self.objects), tuple(self.findings), self.ended)

    def end(self, finding: Finding) -> None:
        self.ended = finding
        self.objects = []
        if finding not in self.findings:
            self.findings.append(finding)


def attempt(call: Callable[[], T]) -> tuple[T | None, Finding | None]:
    """Run a reader over foreign bytes; whatever it raises ends this sample and no other.

    The one place where any exception is caught. What a library says may hold what stands in the file, so only
    the class of its error is told, and its warnings are not. What the machine lacks (a full disk, a missing
    program) ends the whole run.
    """
    try:
        with _quiet():
            return call(), None
    except Refused as refused:
        return None, refused.finding
    except EnvironmentLacking:
        raise
    except MedassayError as error:
        reason = getattr(error, "reason", Reason.HEADER_INVALID)
        where = error.where if PLACE.fullmatch(error.where) else ""
        return None, _stopped(reason, error.found, error.wanted, error.remedy, where)
    except Exception as error:  # noqa: BLE001 - a hostile file may make a library raise anything at all
        return None, _stopped(
            Reason.HEADER_INVALID,
            f"content that its reader stopped at with {type(error).__name__}",
            "a file that keeps to its format",
            "Export the file again; if it opens elsewhere, report the format to the maintainers.",
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what libraries warn of and log out of every log: it may quote the file."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logging.disable(before)


def _stopped(reason: Reason, found: str, wanted: str, remedy: str, where: str = "") -> Finding:
    return Finding(
        reason=reason, severity=Severity.REFUSE, found=found, wanted=wanted, remedy=remedy, where=where
    )


def take(intake: Intake, named: Named, source: Source, keys: Keys, put: Put) -> Case:
    """One draft from bytes to objects, or to the finding that ends it."""
    case = Case(named)
    draft, sample = named.draft, named.names.sample
    taken, ended = attempt(lambda: _proven(intake, named, source, case))
    words = residue.names_of(draft, taken)
    told = dict.fromkeys(case.findings)  # what a draft was found with, its reader may say again
    case.findings = [_of(sample, residue.withheld(finding, words)) for finding in told]
    if taken is None or ended is not None:
        if ended is not None:
            case.end(_of(sample, residue.withheld(ended, words)))
        return case
    case.objects = [_stored(item, sample, keys, put) for item in taken.objects]
    case.taken = replace(taken, objects=())
    return case


def _stored(item: NewObject, sample: str, keys: Keys, put: Put) -> dict[str, Any]:
    """Put the object away, a label sealed for its sample and role, and give its row."""
    content, sealed = item.content, is_label(item.role)
    if sealed:
        content = seal(content, key=sample_key(keys.label, sample), sample=sample, role=item.role)
    return {
        "sample_id": sample,
        "role": item.role,
        "name": item.name,
        "digest": put(content),
        "sealed": sealed,
        "bytes": len(content),
    }


def _proven(intake: Intake, named: Named, source: Source, case: Case) -> Taken:
    """Take a draft in and prove its objects; what is found on the way is kept in `case`."""
    case.findings += named.draft.findings
    if named.repeated:
        raise Refused(_repeated_key())
    _stop_at(named.draft.findings)
    taken = intake.take_in(named.draft, named.names, source)
    case.findings += taken.findings
    _stop_at(taken.findings)
    if len({(item.role, item.name) for item in taken.objects}) != len(taken.objects):
        raise Refused(
            _stopped(
                Reason.HEADER_INVALID,
                "two objects of one role under one name",
                "one object a role and name",
                "Report the format to the maintainers; the sample was left out.",
            )
        )
    left = [*intake.prove(taken, source), *residue.names_left(named.draft, taken, named.names.sample)]
    if left:
        # Whatever the proof calls it, bytes that it does not vouch for count as identifying.
        case.findings += left
        raise Refused(
            left[0].model_copy(update={"reason": Reason.IDENTITY_LEFT, "severity": Severity.REFUSE})
        )
    return taken


def _stop_at(findings: Iterable[Finding]) -> None:
    for finding in findings:
        if finding.severity in LEAVES:
            raise Refused(finding)


def _of(sample: str, finding: Finding) -> Finding:
    return finding.model_copy(update={"sample": sample})


def _repeated_key() -> Finding:
    return Finding(
        reason=Reason.DUPLICATE,
        severity=Severity.REFUSE,
        found="a second sample under an id that the source has given already",
        wanted="one sample an id",
        remedy="Find out at the source which of the two is right; the second was left out.",
    )
