"""What the de-identification of one file gives, whatever its form."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from medassay.core.findings import Finding, Reason, Severity
from medassay.datasets.sample import Refused

Actions = Counter[tuple[str, str]]  # element and what was done to it: kept, changed, removed


@dataclass(frozen=True)
class Outgoing:
    """Files of one sample as they may leave: name below the sample's folder, and bytes."""

    files: tuple[tuple[str, bytes], ...]
    actions: Actions
    bulk: dict[str, str] = field(default_factory=dict)  # pixels or samples to the SHA-256 that they had
    findings: tuple[Finding, ...] = ()


class CannotClean(Refused):
    """The file cannot leave; carries the finding. Caught by the walk over the folder."""

    def __init__(self, reason: Reason, found: str, wanted: str, where: str = "") -> None:
        super().__init__(
            Finding(
                reason=reason,
                severity=Severity.REFUSE,
                found=found,
                wanted=wanted,
                remedy="Export the file again in another form, or leave it out.",
                where=where,
            )
        )


class HeldBack(Refused):
    """The profile holds the file back; that is its rule and no fault of the file. Carries what was done."""

    def __init__(self, found: str, actions: Actions, remedy: str) -> None:
        super().__init__(
            Finding(
                reason=Reason.UNSUPPORTED_FORM,
                severity=Severity.NOTE,
                found=found,
                wanted="only what can be proved to name nobody",
                remedy=remedy,
            )
        )
        self.actions = actions


def left(where: str, found: str) -> Finding:
    """What a proof that fails comes to."""
    return Finding(
        reason=Reason.IDENTITY_LEFT,
        severity=Severity.REFUSE,
        found=found,
        wanted="only what the allow-list names",
        remedy="The file was withheld; report its kind so that the reader can be mended.",
        where=where,
    )
