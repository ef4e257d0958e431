"""ECG recordings as WFDB records: a header, its signal file, annotations beside it, readers' files apart.

What leaves is made anew from an allow-list: numbers of the header, known lead names, rhythm codes. Comments,
clock, record names and free text of annotations never do; sex and age are read from them first.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity
from medassay.core.specs import parameters_of
from medassay.datasets import sketch
from medassay.datasets.intake.ecg.identity import Options, Person, person_of
from medassay.datasets.intake.ecg.proof import left_in
from medassay.datasets.intake.ecg.rewrite import (
    COLUMNS,
    REFERENCE,
    fingerprint,
    labels_of,
    lead_names,
    measured,
)
from medassay.datasets.sample import (
    Action,
    Assembly,
    Draft,
    Names,
    NewObject,
    OfferedFile,
    Refused,
    Taken,
    Unassigned,
    refusal,
)
from medassay.datasets.spec import Source
from medassay.formats.waveform import wfdb_record as record

LIBRARIES = ("scipy.signal", "wfdb")
SPACING_S = 0.5  # of a sketch: the least distance of two landmarks, which are beats
_HEAD = 2048  # bytes that tell a header
_LARGEST_HEADER = 1 << 20


@dataclass(frozen=True, slots=True)
class Head:
    """What a header tells: the signal file that it names, in its own folder, and whose the recording is."""

    signal: str
    tokens: tuple[str, ...]


def look(file: OfferedFile, source: Source) -> Head | Finding | None:
    """A record's header, or why it cannot be used; None of any other file."""
    options = _options(source)
    if not record.recognises(_first_bytes(file)):
        return None
    try:
        header = _parsed(file)
    except WrongUse as error:
        return _refused(Reason.HEADER_INVALID, error.found, error.wanted)
    if not header.leads:
        return _refused(Reason.UNSUPPORTED_FORM, "a header without a lead", "a record with leads")
    signal = PurePosixPath(file.relative).parent / min(lead.file for lead in header.leads)
    return Head(signal.as_posix(), person_of(header, _key(file), options).tokens)


def assemble(
    files: Sequence[OfferedFile],
    source: Source,
    look: Callable[[OfferedFile, Source], Head | Finding | None] = look,
) -> Assembly:
    """One draft a header: with its signal file, its annotations, and the readers' files of its path."""
    options = _options(source)
    reads, rest = _reads(files, source)
    by_path = {file.relative: file for file in rest}
    drafts: list[Draft] = []
    unassigned: list[Unassigned] = []
    used: set[str] = set()
    for file in rest:
        told = look(file, source)
        if told is None:
            continue
        used.add(file.relative)
        made = told if isinstance(told, Finding) else _draft(file, told, by_path, reads, used, options)
        if isinstance(made, Finding):
            unassigned.append(Unassigned(file, made))
        else:
            drafts.append(made)
    unassigned += [Unassigned(file, _stranger(file)) for file in rest if file.relative not in used]
    unassigned += [
        Unassigned(file, _unread())
        for key in reads
        for file in reads[key].values()
        if file.relative not in used
    ]
    return Assembly(tuple(drafts), tuple(unassigned))


def take_in(draft: Draft, names: Names, source: Source) -> Taken:
    """Read, check, measure and write anew one recording.

    Raises
    ------
    Refused
        When header and signal do not fit, or voltages cannot be had from them.
    """
    options = _options(source)
    files = dict(draft.files)
    header = _header(files["header"])
    content = files["signal"].path.read_bytes()
    for finding in record.examine(header, len(content)):
        raise Refused(finding)
    samples = record.decode(header, content)
    wrong = record.wrong_checksums(header, samples)
    if wrong:
        raise refusal(
            Reason.HEADER_INVALID,
            found=f"{wrong} leads whose samples do not add up to the header's checksum",
            wanted="the samples that the header was written for",
            remedy="Export the record again.",
            where="signal file",
        )
    person = person_of(header, draft.key, options)
    names_of_leads, unknown = lead_names(header)
    made = record.renamed(header, names.sample, names_of_leads, samples)
    signal_mv = record.physical_mv(header, samples)
    hz = header.sampling_hz or 0.0
    labels, label_findings, label_actions = labels_of(draft, names, source, options.class_labels)
    sketched = sketch.of_signal(signal_mv, hz, spacing=SPACING_S)
    findings = [*person.findings, *label_findings]
    if unknown:
        findings.append(_lead_finding(unknown))
    return Taken(
        site=person.site,
        device=person.device,
        sex=person.sex,
        age_years=person.age_years,
        objects=(
            NewObject("header", f"{names.sample}.hea", record.write_header(made)),
            NewObject("signal", f"{names.sample}.dat", content),
            *labels,
        ),
        measurements=measured(made, signal_mv),
        fingerprint=fingerprint(signal_mv, hz),
        data_type="signal",
        modality="ECG",
        sketch=sketched.to_bytes() if sketched else b"",
        actions=(*_header_actions(header, unknown, person), *label_actions),
        findings=tuple(findings),
    )


def prove(taken: Taken, source: Source) -> list[Finding]:
    """Read the written objects by WFDB's own library and byte by byte; whatever is not on the list is left."""
    return left_in(taken.objects, _options(source).class_labels)


def _options(source: Source) -> Options:
    if source.form != "wfdb":
        raise WrongUse(
            found=f"form '{source.form}'",
            wanted="wfdb",
            remedy="Correct the form of the source.",
            where=f"source {source.name}",
        )
    return parameters_of(Options, source.options, where=f"options of source {source.name}")


def _reads(
    files: Sequence[OfferedFile], source: Source
) -> tuple[dict[str, dict[str, OfferedFile]], list[OfferedFile]]:
    """Readers' files by role and by the path of the record that they belong to; and all other files."""
    reads: dict[str, dict[str, OfferedFile]] = {
        f"read:{PurePosixPath(folder).name}": {} for folder in source.readers
    }
    rest = []
    for file in files:
        path = PurePosixPath(file.relative)
        folder = next((f for f in source.readers if path.is_relative_to(f)), None)
        role = f"read:{PurePosixPath(folder).name}" if folder else ""
        key = path.relative_to(folder).with_suffix("").as_posix() if folder else ""
        if folder and key not in reads[role]:
            reads[role][key] = file
        else:
            rest.append(file)
    return reads, rest


def _signal_of(head: Head, by_path: Mapping[str, OfferedFile], used: Container[str]) -> OfferedFile | Finding:
    """The signal file that a header names; else why there is none."""
    signal = by_path.get(head.signal)
    if signal is None:
        return _refused(Reason.IMAGE_MISSING, "a header without its signal file", "both in one folder")
    if signal.relative in used:
        return _refused(
            Reason.DUPLICATE, "a header that names another record's signal file", "one header a signal file"
        )
    return signal


def _draft(
    file: OfferedFile,
    head: Head,
    by_path: Mapping[str, OfferedFile],
    reads: Mapping[str, Mapping[str, OfferedFile]],
    used: set[str],
    options: Options,
) -> Draft | Finding:
    signal = _signal_of(head, by_path, used)
    if isinstance(signal, Finding):
        return signal
    key = _key(file)
    members = [("header", file), ("signal", signal)]
    published = by_path.get(f"{key}{options.reference_suffix}") if options.reference_suffix else None
    if published is not None:
        members.append((REFERENCE, published))
    members += [(role, of_role[key]) for role, of_role in reads.items() if key in of_role]
    used.update(member.relative for _, member in members)
    return Draft(key, tuple(members), head.tokens)


def _key(file: OfferedFile) -> str:
    return PurePosixPath(file.relative).with_suffix("").as_posix()


def _first_bytes(file: OfferedFile) -> bytes:
    with file.path.open("rb") as stream:
        return stream.read(_HEAD)


def _parsed(file: OfferedFile) -> record.Header:
    if file.size > _LARGEST_HEADER:
        raise WrongUse(
            found=f"a header of {file.size} bytes",
            wanted=f"at most {_LARGEST_HEADER} bytes",
            remedy="Export the record again.",
        )
    return record.read_header(file.path.read_bytes())


def _header(file: OfferedFile) -> record.Header:
    try:
        return _parsed(file)
    except WrongUse as error:
        raise Refused(_refused(Reason.HEADER_INVALID, error.found, error.wanted)) from error


def _header_actions(header: record.Header, unknown: int, person: Person) -> tuple[Action, ...]:
    counted = (
        Action("comment: age", "kept", int(person.age_years is not None)),
        Action("comment: recorder model", "kept", int(person.device_stated)),
        Action("comment: sex", "kept", int(person.sex is not None)),
        Action("header: clock and date", "removed", int(bool(header.clock))),
        Action("header: comment", "removed", len(header.comments)),
        Action("header: counter", "removed", int(bool(header.counter))),
        Action("header: lead name", "changed", unknown),
        Action("header: lead name", "kept", len(header.leads) - unknown),
        Action("header: rate, length, gain, range", "kept", 1),
        Action("header: record and file name", "changed", 1),
    )
    return tuple(action for action in counted if action.count)


def _refused(reason: Reason, found: str, wanted: str) -> Finding:
    return Finding(
        reason=reason,
        severity=Severity.REFUSE,
        found=found,
        wanted=wanted,
        remedy="Export the record again, header and signal file together.",
    )


def _stranger(file: OfferedFile) -> Finding:
    if not file.size:
        return _refused(Reason.EMPTY_FILE, "a file of 0 bytes", "a WFDB header, signal or annotation file")
    return _refused(
        Reason.UNKNOWN_FORMAT, "a file that belongs to no WFDB record", "files that a record's header names"
    )


def _unread() -> Finding:
    return _refused(
        Reason.IMAGE_MISSING, "a reader's file without its recording", "the path of a recording of the source"
    )


def _lead_finding(unknown: int) -> Finding:
    return Finding(
        reason=Reason.HEADER_INVALID,
        severity=Severity.WARN,
        found=f"{unknown} leads whose name is none of the known ones",
        wanted="a lead name as electrocardiography knows it",
        remedy="The leads were numbered. Correct the names at the source.",
        where="signal line",
    )


__all__ = ["COLUMNS", "LIBRARIES", "assemble", "look", "prove", "take_in"]
