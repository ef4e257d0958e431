"""What a reader says of one file, for whoever asks what it is and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from medassay.core.findings import Finding, Severity

Fact = str | int | float | bool | None


@dataclass(frozen=True)
class Examined:
    """One file, by its content.

    `facts` hold nothing that identifies; `names` are the names of files beside it that it says belong to it;
    `group` is what the files of one series share, and may identify.
    """

    kind: str
    facts: Mapping[str, Fact] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    names: frozenset[str] = field(default=frozenset(), repr=False)
    group: str | None = field(default=None, repr=False)

    @property
    def refused(self) -> bool:
        return any(finding.severity is Severity.REFUSE for finding in self.findings)
