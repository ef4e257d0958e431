"""What files are and what is wrong with them, by their content alone: no spec, no workspace, nothing written."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from medassay.core.findings import Finding, Reason, Severity
from medassay.datasets.sample import OfferedFile, Scalar
from medassay.datasets.take import attempt
from medassay.datasets.walk import OpenedArchive, Walk, walk, with_members
from medassay.formats import archive, recognise

UNKNOWN, TEXT, TABLE = "unknown", "text", "delimited text"
SIGNAL, COMPANIONS = "WFDB signal", {"NIfTI-1 pair": "NIfTI-1 values"}  # by the header that names the file


@dataclass(frozen=True)
class Inspected:
    """One file. `file` is its path as given, for whoever called: it is no part of any finding."""

    file: str
    form: str
    facts: Mapping[str, Scalar]
    findings: tuple[Finding, ...]
    group: str | None = None  # what files of one series share; it may identify
    names: frozenset[str] = frozenset()  # paths of the files that this one says belong to it

    @property
    def refused(self) -> bool:
        return any(finding.severity is Severity.REFUSE for finding in self.findings)


def inspect(path: Path) -> tuple[tuple[Inspected, ...], tuple[Finding, ...]]:
    """Look at a file, or at every file below a folder.

    Returns
    -------
    rows
        One a file, in the order of their paths, each with its own findings.
    findings
        Those of no single file: of folders that cannot be listed, and of series of several files.

    Raises
    ------
    NothingReadable
        When there is no such path, or no file below it.
    """
    with tempfile.TemporaryDirectory(prefix="medassay-") as unpacked:
        walked = _walked(path, Path(unpacked))
        places = {item.relative: item.path for item in walked.readable}
        barred = [Inspected(item.file.relative, UNKNOWN, {}, (item.finding,)) for item in walked.barred]
        rows = [*(_inspected(item) for item in walked.readable), *barred, *map(_archive, walked.archives)]
        rows = _with_companions(sorted(rows, key=lambda row: row.file), places)
        return tuple(rows), (*walked.closed_folders, *_series(rows, places))


def _walked(path: Path, unpacked: Path) -> Walk:
    if not path.is_file():
        return walk(path, unpacked)
    alone = OfferedFile(path, path.name, path.stat().st_size)
    return with_members(Walk((alone,), (), ()), unpacked)


def _inspected(item: OfferedFile) -> Inspected:
    """What the one door says of a file, and whether its header names a person."""
    examined, stopped = attempt(lambda: recognise.examine_file(item.path))
    if examined is None:
        return Inspected(item.relative, UNKNOWN, {}, (stopped,) if stopped else ())
    named = _names_person(item.path) if examined.kind.startswith("DICOM") else []
    folder = Path(item.relative).parent
    return Inspected(
        item.relative,
        examined.kind,
        examined.facts,
        (*examined.findings, *named),
        examined.group,
        frozenset((folder / name).as_posix() for name in examined.names),
    )


def _archive(opened: OpenedArchive) -> Inspected:
    """The row of an archive whose members have rows of their own."""
    form = archive.form_of(opened.file.path)
    facts = {"bytes": opened.file.size, "taken": opened.taken, "refused": opened.refused}
    return Inspected(opened.file.relative, f"{form} archive", facts, ())


def _names_person(path: Path) -> list[Finding]:
    """The door of imaging does not say that a header names a person: it is asked here."""
    from medassay.formats.imaging import dicom_file

    found, _ = attempt(lambda: _states_identity(dicom_file.open(path, pixels=False).dataset))
    return found or []


def _states_identity(dataset: Any) -> list[Finding]:
    """Whether a header names a person. Which values it gives is told to nobody."""
    names = ("PatientName", "PatientID", "PatientBirthDate", "OtherPatientIDs", "PatientAddress")
    stated = [name for name in names if str(dataset.get(name, "")).strip("^= ")]
    return [_identity(", ".join(stated))] if stated else []


def _with_companions(rows: Sequence[Inspected], places: Mapping[str, Path]) -> list[Inspected]:
    """Files without a mark of their own, known by the header that they lie beside."""
    signals = {name: COMPANIONS.get(row.form, SIGNAL) for row in rows for name in row.names}
    records = {row.file.removesuffix(".hea") for row in rows if row.form == "WFDB header"}
    return [
        replace(row, form=signals[row.file], findings=())
        if row.file in signals and row.form in (UNKNOWN, recognise.MATLAB, TEXT, TABLE)
        else _annotation(row, places)
        if row.form == UNKNOWN and row.file.rpartition(".")[0] in records
        else row
        for row in rows
    ]


def _annotation(row: Inspected, places: Mapping[str, Path]) -> Inspected:
    """The row of a file that belongs to a record, if it can be read as its annotations."""
    from medassay.formats.waveform.wfdb_annotation import read_annotations

    marks, _ = attempt(lambda: len(read_annotations(places[row.file].read_bytes())))
    if marks is None:
        return row
    return replace(row, form="WFDB annotations", facts={**row.facts, "marks": marks}, findings=())


def _series(rows: Sequence[Inspected], files: Mapping[str, Path]) -> list[Finding]:
    """Whether images that share a series make a volume."""
    from medassay.formats.imaging import dicom_series

    groups: defaultdict[str, list[Inspected]] = defaultdict(list)
    for row in rows:
        if row.group and not row.refused:
            groups[row.group].append(row)
    findings = []
    for number, (_, members) in enumerate(sorted(groups.items(), key=lambda item: item[1][0].file), 1):
        places = [_place(files[row.file]) for row in members]
        arranged = dicom_series.arrange([place for place in places if place is not None])
        if isinstance(arranged, Finding):
            where = f"series {number} of {len(groups)}, {len(members)} images"
            findings.append(arranged.model_copy(update={"where": where}))
    return findings


def _place(path: Path) -> Any:
    from medassay.formats.imaging import dicom_series

    place, _ = attempt(lambda: dicom_series.place_of(dicom_series.open(path.read_bytes())))
    return place


def _identity(stated: str) -> Finding:
    return Finding(
        reason=Reason.IDENTITY_LEFT,
        severity=Severity.WARN,
        found=f"fields that name a person: {stated}",
        wanted="no identity outside the hospital",
        remedy="Run `medassay deidentify` before the files leave.",
    )
