"""Media directories (DICOMDIR): which records they hold, and which files they point to.

References
----------
DICOM PS3.3 F (Basic Directory Information Object), PS3.10 8.6, PS3.11.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.imaging.dicom_file import EXPLICIT_LITTLE_UID, items_of, text_of, value_of, whole_of
from medassay.formats.imaging.refusal import said

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

DIRECTORY = "1.2.840.10008.1.3.10"
STANDARD = "DICOM PS3.3 F"
MOST_RECORDS = 500_000
UPPER = ("PATIENT", "STUDY", "SERIES")


@dataclass(frozen=True)
class Record:
    """One directory record. `file` has the components of its file id; it may identify."""

    kind: str
    file: tuple[str, ...]
    sop_class: str


def records(dataset: Dataset) -> list[Record]:
    """Records in the order of the file; their order and offsets say nothing that is needed to find the files."""
    return [_record(item) for item in items_of(dataset, "DirectoryRecordSequence")[:MOST_RECORDS]]


def files_below(dataset: Dataset, folder: Path) -> Iterator[tuple[Record, Path | None]]:
    """Each record that names a file, with the file; None where there is none, or it would lie outside.

    Media are read on systems that spell the names in small letters too, so the case of letters is no matter.
    """
    listed: dict[Path, dict[str, Path]] = {}
    for record in records(dataset):
        if record.file:
            yield record, _found(folder, record.file, listed)


def examine(opened: Dataset) -> Iterator[Finding]:
    """What is wrong with the directory itself."""
    found = records(opened)
    kinds = Counter(record.kind for record in found)
    syntax = str(getattr(getattr(opened, "file_meta", None), "TransferSyntaxUID", ""))
    if syntax != EXPLICIT_LITTLE_UID:
        yield _warned("a directory in another transfer syntax", "explicit little endian")
    if not found:
        yield _warned("no record", "at least one patient")
    for kind in UPPER:
        if found and not kinds[kind]:
            yield _warned(f"no {kind} record", f"a {kind} record above its objects")
    if found and not whole_of(opened, "OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity"):
        yield _warned("no offset of the first record", "offsets that link the records")
    bad = sum(not record.kind for record in found)
    if bad:
        yield _warned(f"{bad} records without a type", "a type for each record")
    leading_out = sum(any(part in ("..", "/", "") or "/" in part for part in record.file) for record in found)
    if leading_out:
        yield _warned(f"{leading_out} file ids that lead out of the medium", "file ids below the directory")


def examine_files(opened: Dataset, folder: Path) -> Iterator[Finding]:
    """What is wrong between the directory and the files beside it."""
    missing = sum(path is None for _, path in files_below(opened, folder))
    if missing:
        yield said(
            Reason.IMAGE_MISSING,
            Severity.WARN,
            f"{missing} files of the directory are not there",
            "every file that the directory names",
            where="ReferencedFileID",
            source=STANDARD,
        )


def describe(opened: Dataset) -> dict[str, int]:
    """Number of records by type; which files they name is told to nobody, paths may identify."""
    kinds = Counter(record.kind for record in records(opened))
    known = {f"{kind.lower()}_records": kinds[kind] for kind in UPPER}
    return {
        "records": sum(kinds.values()),
        **known,
        "other_records": sum(kinds.values()) - sum(known.values()),
    }


def _record(item: Any) -> Record:
    value = value_of(item, "ReferencedFileID")
    if value is None:
        file: tuple[str, ...] = ()
    else:
        file = (value,) if isinstance(value, str) else tuple(str(part) for part in value)
    return Record(
        text_of(item, "DirectoryRecordType").strip(),
        file,
        text_of(item, "ReferencedSOPClassUIDInFile"),
    )


def _found(folder: Path, parts: tuple[str, ...], listed: dict[Path, dict[str, Path]]) -> Path | None:
    here = folder
    for part in parts:
        if here not in listed:
            listed[here] = {entry.name.casefold(): entry for entry in here.iterdir()} if here.is_dir() else {}
        entry = listed[here].get(part.casefold())  # a listed name is never .. and holds no separator
        if entry is None or entry.is_symlink():
            return None
        here = entry
    return here if here.is_file() else None


def _warned(found: str, wanted: str) -> Finding:
    return said(
        Reason.HEADER_INVALID, Severity.WARN, found, wanted, where="DirectoryRecordSequence", source=STANDARD
    )
