"""`medassay check PATH`: what is in these files and what is wrong with them, without a workspace."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
    """Look at a file, at every file below a folder, and at every member of an archive, by content alone."""
    from medassay.datasets.inspect import inspect

    files, findings = inspect(path)
    return Checked(tuple(replace(file, file=printable(file.file)) for file in files), findings)


def printable(name: str) -> str:
    """A file's name as a terminal and JSON can hold it: bytes that are no UTF-8 are read as GB18030, or spelt out.

    Examples
    --------
    >>> printable(b"\\xd1\\xaa\\xb3\\xa3\\xb9\\xe6.csv".decode("utf-8", "surrogateescape"))
    '血常规.csv'
    """
    raw = name.encode("utf-8", "surrogateescape")
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("utf-8", "backslashreplace")
