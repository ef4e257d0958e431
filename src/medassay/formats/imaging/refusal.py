"""How this room says that a file is wrong: one error with a reason, and findings of the same fields."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity

REMEDY = "Export the file again from the device or archive, or leave it out."


class ImageRefused(WrongUse):
    """The content cannot be read; `reason` is what a finding says of it."""

    def __init__(
        self, reason: Reason, *, found: str, wanted: str, where: str = "", remedy: str = REMEDY
    ) -> None:
        super().__init__(found=found, wanted=wanted, remedy=remedy, where=where)
        self.reason = reason


def said(
    reason: Reason,
    severity: Severity,
    found: str,
    wanted: str,
    *,
    where: str = "",
    source: str = "",
    remedy: str = REMEDY,
) -> Finding:
    """A finding of this room."""
    return Finding(
        reason=reason,
        severity=severity,
        found=found,
        wanted=wanted,
        remedy=remedy,
        where=where,
        source=source,
    )


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what libraries warn of and log out of every log: it may quote the file.

    Within itself it does nothing, so that it may stand around single values too.
    """
    before = logging.root.manager.disable
    if before >= logging.CRITICAL:
        yield
        return
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logging.disable(before)
