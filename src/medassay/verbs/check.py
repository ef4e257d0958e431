"""`medassay check PATH`: what is in these files and what is wrong with them, without a workspace."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from medassay.core.findings import Finding, Severity

if TYPE_CHECKING:
    from medassay.datasets.inspect import Inspected


@dataclass(frozen=True)
class Checked:
    """Every file with its findings, and those of no single file."""

    files: tuple[Inspected, ...]
    findings: tuple[Finding, ...]

    @property
    def failed(self) -> bool:
        """Whether anything was refused."""
        return any(file.refused for file in self.files) or any(
            f.severity is Severity.REFUSE for f in self.findings
        )


def run(path: Path) -> Checked:
    """Look at a file, or at every file below a folder, by content alone."""
    from medassay.datasets.inspect import inspect

    return Checked(*inspect(path))
