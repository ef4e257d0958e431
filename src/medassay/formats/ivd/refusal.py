"""How this room says that a file is wrong: one error with a reason, and findings of the same fields."""

from __future__ import annotations

from medassay.core.errors import MedassayError
from medassay.core.findings import Finding, Reason, Severity

REMEDY = "Export the file again from the device or laboratory system, or leave it out."


class IvdRefused(MedassayError):
    """The content cannot be read; `reason` is what a finding says of it."""

    exit_code = 3
    code = "ivd_refused"

    def __init__(
        self, reason: Reason, *, found: str, wanted: str, remedy: str = REMEDY, where: str = ""
    ) -> None:
        super().__init__(found=found, wanted=wanted, remedy=remedy, where=where)
        self.reason = reason


def said(
    reason: Reason, severity: Severity, found: str, wanted: str, *, where: str = "", source: str = ""
) -> Finding:
    """A finding of this room."""
    return Finding(
        reason=reason,
        severity=severity,
        found=found,
        wanted=wanted,
        remedy=REMEDY
        if severity is Severity.REFUSE
        else "Look whether it is meant; correct it at its origin.",
        where=where,
        source=source,
    )


def names_a_person() -> Finding:
    """Said of every file whose fields name somebody; who it is, is told to nobody."""
    return Finding(
        reason=Reason.IDENTITY_LEFT,
        severity=Severity.WARN,
        found="fields that name a person",
        wanted="no identity outside the hospital",
        remedy="Run `medassay deidentify` before the files leave.",
    )
