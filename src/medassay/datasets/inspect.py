"""What files are and what is wrong with them, by their content alone: no spec, no workspace, nothing written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from medassay.core.findings import Finding, Reason, Severity
from medassay.datasets.sample import OfferedFile, Scalar
from medassay.datasets.take import attempt
from medassay.datasets.walk import walk

HEAD = 512
LARGEST_BYTES = 2 << 30
UNKNOWN, TEXT = "unknown", "text"
TABLE_SUFFIXES = (".csv", ".tsv")


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


@dataclass(frozen=True)
class _Seen:
    """What a form's reader says of one file."""

    facts: Mapping[str, Scalar]
    findings: Iterable[Finding] = ()
    form: str | None = None  # where the content names its form more closely
    group: str | None = None
    names: frozenset[str] = frozenset()


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
    if path.is_file():
        return (_inspected(OfferedFile(path, path.name, path.stat().st_size)),), ()
    walked = walk(path)
    barred = [Inspected(item.file.relative, UNKNOWN, {}, (item.finding,)) for item in walked.barred]
    rows = [*(_inspected(item) for item in walked.readable), *barred]
    rows = _with_companions(sorted(rows, key=lambda row: row.file), path)
    return tuple(rows), (*walked.closed_folders, *_series(rows, path))


def _inspected(item: OfferedFile) -> Inspected:
    """Recognise one file and let its reader speak; a reader that stops is a finding."""
    if not item.size:
        return Inspected(item.relative, UNKNOWN, {}, (_refuse(Reason.EMPTY_FILE, "0 bytes", "content"),))
    if item.size > LARGEST_BYTES:
        found = f"{item.size} bytes"
        return Inspected(
            item.relative, UNKNOWN, {}, (_refuse(Reason.UNSUPPORTED_FORM, found, "at most 2 GiB"),)
        )
    with item.path.open("rb") as stream:
        head = stream.read(HEAD)
    form, look = _form_of(head)
    seen, stopped = attempt(lambda: _looked(look, item.path))
    if seen is None:
        return Inspected(item.relative, form, {}, (stopped,) if stopped else ())
    folder = Path(item.relative).parent
    return Inspected(
        item.relative,
        seen.form or form,
        {"bytes": item.size, **seen.facts},
        tuple(seen.findings),
        seen.group,
        frozenset((folder / name).as_posix() for name in seen.names),
    )


def _looked(look: Callable[[bytes, Path], _Seen], path: Path) -> _Seen:
    seen = look(path.read_bytes(), path)
    return replace(seen, findings=tuple(seen.findings))  # findings are made while exceptions are caught


def _form_of(head: bytes) -> tuple[str, Callable[[bytes, Path], _Seen]]:
    """The form that the first bytes tell, by the readers' own recognition; stricter forms stand first."""
    from medassay.formats.imaging import dicom_series, nifti
    from medassay.formats.ivd import table
    from medassay.formats.waveform import edf, wfdb_record

    readers: Sequence[tuple[str, Callable[[bytes], bool], Callable[[bytes, Path], _Seen]]] = (
        ("EDF", edf.recognises, _edf),
        ("BDF", edf.is_bdf, _no_reader),
        ("DICOM", dicom_series.recognises, _dicom),
        ("NIfTI-1", nifti.recognises, _nifti),
        ("WFDB header", wfdb_record.recognises, _wfdb),
    )
    for form, recognises, look in readers:
        if recognises(head):
            return form, look
    if head.startswith((table.ZIP, table.OLE2)):
        return "workbook", _table
    return (UNKNOWN, _no_reader) if _is_binary(head) else (TEXT, _text)


def _dicom(content: bytes, path: Path) -> _Seen:  # noqa: ARG001 - every look takes both
    from medassay.formats.imaging import dicom_series, segmentation

    opened = dicom_series.open(content)
    facts = dict(dicom_series.describe(opened))
    sop_class = facts.pop("sop_class")
    findings = [*dicom_series.examine(opened), *_states_identity(opened)]
    if sop_class in (dicom_series.SEGMENTATION, dicom_series.LABEL_MAP_SEGMENTATION):
        segments = segmentation.open(content)
        return _Seen(
            facts | segmentation.describe(segments),
            [*findings, *segmentation.examine(segments)],
            "DICOM segmentation",
        )
    if "Rows" in opened and not any(finding.severity is Severity.REFUSE for finding in findings):
        dicom_series.open_whole(content)  # refuses pixel data that end early
    return _Seen(facts, findings, "DICOM image", str(opened.get("SeriesInstanceUID", "")) or None)


def _states_identity(dataset: Any) -> list[Finding]:
    """Whether a header names a person. Which values it gives is told to nobody."""
    names = ("PatientName", "PatientID", "PatientBirthDate", "OtherPatientIDs", "PatientAddress")
    stated = [name for name in names if str(dataset.get(name, "")).strip("^= ")]
    return [_identity(", ".join(stated))] if stated else []


def _nifti(content: bytes, path: Path) -> _Seen:  # noqa: ARG001
    from medassay.formats.imaging import nifti

    opened = nifti.open(content)
    shape = nifti.describe(opened)
    return _Seen({name: _plain(value) for name, value in shape.items()}, nifti.examine(opened))


def _edf(content: bytes, path: Path) -> _Seen:  # noqa: ARG001
    from medassay.formats.waveform import edf

    opened = edf.open(content)
    rates = sorted({opened.rate_hz(signal) for signal in opened.ordinary if opened.record_s > 0})
    facts: dict[str, Scalar] = {
        "signals": len(opened.ordinary),
        "sampling_hz": ", ".join(f"{rate:g}" for rate in rates) or None,
        "duration_s": opened.duration_s,
    }
    fields = [field for field in opened.patient.split() if field not in (b"X", b"F", b"M")]
    named = [_identity("local patient identification")] if fields else []
    return _Seen(
        facts, [*edf.examine(opened), *named], "EDF+" if opened.reserved.startswith("EDF+") else None
    )


def _wfdb(content: bytes, path: Path) -> _Seen:
    from medassay.formats.waveform import wfdb_record

    header = wfdb_record.read_header(content)
    files = {lead.file for lead in header.leads}
    size = sum(_beside(path, name) for name in files)
    findings = wfdb_record.examine(header, size) if size else [_no_signal()]
    names = frozenset(Path(name).name for name in files)
    return _Seen(wfdb_record.describe(header), findings, names=names)


def _beside(path: Path, name: str) -> int:
    """Size of a file in the header's own folder; a name that leads elsewhere is not followed."""
    beside = path.parent / Path(name).name
    return beside.stat().st_size if beside.is_file() else 0


def _table(content: bytes, path: Path) -> _Seen:  # noqa: ARG001
    from medassay.formats.ivd import table

    read = table.read_table(content)
    notes = [
        Finding(
            reason=reason,
            severity=Severity.NOTE,
            found=decision,
            wanted="nothing else: it is told because it was decided",
            remedy="Look whether it is right.",
        )
        for reason, decision in read.decisions
    ]
    columns = max((len(row) for row in read.rows), default=0)
    form = "delimited text" if read.form == "text" else read.form
    return _Seen({"rows": len(read.rows), "columns": columns}, notes, form)


def _text(content: bytes, path: Path) -> _Seen:
    """Text is a table where it can be read as one; a name that says so makes it answer for it."""
    from medassay.formats.ivd import table

    start = content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    form = {b"<": "XML", b"{": "JSON", b"[": "JSON"}.get(start, TEXT)
    if form == TEXT:
        try:
            return _table(content, path)
        except table.TableRefused as refused:
            if refused.reason is Reason.CHARACTER_SET or path.suffix.lower() in TABLE_SUFFIXES:
                raise
    finding = Finding(
        reason=Reason.UNKNOWN_FORMAT,
        severity=Severity.WARN,
        found=f"{form} that no reader looks into" if form != TEXT else "text that is no table",
        wanted="a form that has a reader",
        remedy="Nothing, if it is a note; else export the data in another form.",
    )
    return _Seen({"lines": len(content.splitlines())}, [finding], form)


def _no_reader(content: bytes, path: Path) -> _Seen:  # noqa: ARG001
    return _Seen({}, [_refuse(Reason.UNKNOWN_FORMAT, "a form without a reader", "a form that is known")])


def _with_companions(rows: Sequence[Inspected], top: Path) -> list[Inspected]:
    """Files without a mark of their own, known by the header that they lie beside."""
    signals = {name for row in rows for name in row.names}
    records = {row.file.removesuffix(".hea") for row in rows if row.form == "WFDB header"}
    return [
        replace(row, form="WFDB signal", findings=())
        if row.file in signals
        else _annotation(row, top)
        if row.form == UNKNOWN and row.file.rpartition(".")[0] in records
        else row
        for row in rows
    ]


def _annotation(row: Inspected, top: Path) -> Inspected:
    """The row of a file that belongs to a record, if it can be read as its annotations."""
    from medassay.formats.waveform.wfdb_annotation import read_annotations

    marks, _ = attempt(lambda: len(read_annotations((top / row.file).read_bytes())))
    if marks is None:
        return row
    return replace(row, form="WFDB annotations", facts={**row.facts, "marks": marks}, findings=())


def _series(rows: Sequence[Inspected], top: Path) -> list[Finding]:
    """Whether images that share a series make a volume."""
    from medassay.formats.imaging import dicom_series

    groups: defaultdict[str, list[Inspected]] = defaultdict(list)
    for row in rows:
        if row.group and not row.refused:
            groups[row.group].append(row)
    findings = []
    for number, (_, members) in enumerate(sorted(groups.items(), key=lambda item: item[1][0].file), 1):
        places = [_place(top / row.file) for row in members]
        arranged = dicom_series.arrange([place for place in places if place is not None])
        if isinstance(arranged, Finding):
            where = f"series {number} of {len(groups)}, {len(members)} images"
            findings.append(arranged.model_copy(update={"where": where}))
    return findings


def _place(path: Path) -> Any:
    from medassay.formats.imaging import dicom_series

    place, _ = attempt(lambda: dicom_series.place_of(dicom_series.open(path.read_bytes())))
    return place


def _is_binary(head: bytes) -> bool:
    if b"\x00" in head:
        return True
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:  # else a character may be cut by the end of the head
            return not _is_gb18030(head)
    return False


def _is_gb18030(head: bytes) -> bool:
    try:
        head[:-4].decode("gb18030")
    except UnicodeDecodeError as error:
        return error.start < len(head) - 8
    return True


def _plain(value: Any) -> Scalar:
    return value if isinstance(value, float | int | str | bool) or value is None else str(value)


def _identity(stated: str) -> Finding:
    return Finding(
        reason=Reason.IDENTITY_LEFT,
        severity=Severity.WARN,
        found=f"fields that name a person: {stated}",
        wanted="no identity outside the hospital",
        remedy="Run `medassay deidentify` before the files leave.",
    )


def _no_signal() -> Finding:
    return _refuse(Reason.IMAGE_MISSING, "no signal file beside the header", "the file that it names")


def _refuse(reason: Reason, found: str, wanted: str) -> Finding:
    return Finding(
        reason=reason,
        severity=Severity.REFUSE,
        found=found,
        wanted=wanted,
        remedy="Export the file again, or leave it out.",
    )
