"""EEG recordings as EDF and EDF+ files, and their readers' annotation-only EDF+ files.

A sample is one recording: `<sample>.edf` (EDF+C, the declared channels in the declared order, microvolts), and a
SzCORE event table for each reader. Samples stand as recorded unless the source's options ask for another rate
or for differences of electrodes; the actions say so.
"""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from medassay.core.findings import Finding, Reason, Severity
from medassay.datasets import sketch
from medassay.datasets.intake.eeg.form import Form, fingerprint, form_of
from medassay.datasets.intake.eeg.options import Options, note, options_of
from medassay.datasets.intake.eeg.proof import unproven
from medassay.datasets.intake.eeg.reads import READ, SIGNAL, reads_of
from medassay.datasets.sample import (
    Action,
    Assembly,
    Draft,
    Names,
    NewObject,
    OfferedFile,
    Refused,
    Scalar,
    Taken,
    Unassigned,
)
from medassay.datasets.spec import Source
from medassay.formats.waveform import edf
from medassay.formats.waveform.edf_fields import MONTHS
from medassay.formats.waveform.edf_person import equipment_of, person_of
from medassay.formats.waveform.edf_writer import write
from medassay.measures import eeg as measures

LIBRARIES = ("scipy.signal",)
SPACING_S = 0.5  # of a sketch: the least distance of two landmarks

COLUMNS = {
    "duration_s": ("s", "length of the recording"),
    "rate_hz": ("Hz", "sampling rate of the sample"),
    "rate_offered_hz": ("Hz", "sampling rate of the file"),
    "reference_electrode": ("", "what the signals are recorded against"),
    "signals_offered": ("1", "signals in the file"),
    "amplitude_uv": ("uV", "median robust standard deviation of the channels"),
    "amplitude_ratio": ("1", "widest channel's spread over the median of all"),
    "flat_share": ("1", "seconds without signal, worst channel"),
    "clipped_share": ("1", "samples at a rail, worst channel"),
    "mains_share": ("1", "power within 1 Hz of the mains, worst channel"),
}


@dataclass(frozen=True, slots=True)
class Head:
    """What the head of a recording tells: whose it is, and what stands in it against the rules."""

    tokens: tuple[str, ...]
    findings: tuple[Finding, ...]


def look(file: OfferedFile, source: Source) -> Head | Finding | None:
    """The head of a recording, or why the file makes no sample; None of a reader's file."""
    options = options_of(source)
    finding = _barred(file, options)
    reader, _ = _reader(file, source)
    if finding is not None or reader is not None:
        return finding
    return _lonely() if _annotations_only(file) else _head(file, options)


def assemble(
    files: Sequence[OfferedFile],
    source: Source,
    look: Callable[[OfferedFile, Source], Head | Finding | None] = look,
) -> Assembly:
    """A draft a recording, with the readers' files that stand under its path in the readers' folders."""
    options_of(source)
    recordings: dict[str, tuple[OfferedFile, Head]] = {}
    reads: dict[str, list[tuple[str, OfferedFile]]] = {}
    unassigned = []
    for item in files:
        reader, key = _reader(item, source)
        match look(item, source):
            case Finding() as finding:
                unassigned.append(Unassigned(item, finding))
            case Head() as head:
                recordings[key] = item, head
            case None:
                reads.setdefault(key, []).append((f"{READ}{reader}", item))
    for key in sorted(set(reads) - set(recordings)):
        unassigned += [Unassigned(item, _lonely()) for _, item in reads[key]]
    drafts = [
        Draft(
            key,
            ((SIGNAL, item), *reads.get(key, ())),
            head.tokens,
            (*_unread(key, reads, source), *head.findings),
        )
        for key, (item, head) in recordings.items()
    ]
    return Assembly(tuple(drafts), tuple(unassigned))


def take_in(draft: Draft, names: Names, source: Source) -> Taken:
    """Read, de-identify and measure one recording and its reads."""
    options = options_of(source)
    files = dict(draft.files)
    opened = edf.open(files[SIGNAL].path.read_bytes())
    for finding in edf.unbroken(opened):
        raise Refused(finding)
    form = form_of(opened, options)
    start, person = edf.start_of(opened), person_of(opened.patient)
    shifted = start - datetime.timedelta(days=names.date_shift_days) if start else None
    notes = edf.marks(opened)
    kept = [mark for mark in notes if mark.text.decode("latin-1") in options.annotation_texts]
    sex = person.sex if options.identity == "header" else None
    content = write(
        patient=f"X {sex or 'X'} X X".encode(),
        recording=_startdate(shifted) + b" X X X",
        start=shifted or datetime.datetime(1985, 1, 1, *(start.timetuple()[3:6] if start else ())),
        record_s=form.record_s,
        signals=form.signals,
        marks=kept,
    )
    reads, findings = reads_of(draft, opened, form.duration_s, shifted, options)
    objects = [NewObject(SIGNAL, f"{names.sample}.edf", content)]
    for role, table in reads:
        objects.append(NewObject(role, f"{names.sample}.{role.removeprefix(READ)}.tsv", table))
    sketched = sketch.of_signal(form.physical_uv.T, form.rate_offered_hz, spacing=SPACING_S)
    return Taken(
        site=options.sites.get(PurePosixPath(draft.key).parts[0]),
        device=_device(opened, options),
        sex=sex,
        age_years=_age(person.birthdate, start) if options.identity == "header" else None,
        objects=tuple(objects),
        measurements=_measured(opened, form, options),
        fingerprint=fingerprint(form),
        data_type="signal",
        modality="EEG",
        acquired_year=start.year if start else None,
        sketch=sketched.to_bytes() if sketched else b"",
        actions=tuple(_actions(opened, form, len(kept), len(notes) - len(kept), sex)),
        findings=tuple(findings),
    )


def prove(taken: Taken, source: Source) -> list[Finding]:
    """Walk the bytes of every object by the standard's widths, without the reader that wrote them."""
    return unproven(taken, options_of(source).annotation_texts)


def _barred(item: OfferedFile, options: Options) -> Finding | None:
    """Why a file makes no sample and no read, told by its place and first bytes."""
    if options.include and PurePosixPath(item.relative).parts[0] not in options.include:
        found, wanted = "a file outside the folders of this source", "files in the folders that it includes"
        return note(Reason.OUTSIDE_COHORT, found, wanted)
    if item.size == 0:
        return note(Reason.EMPTY_FILE, "an empty file", "an EDF recording", Severity.REFUSE)
    with item.path.open("rb") as stream:
        head = stream.read(256)
    if edf.is_bdf(head):
        return note(Reason.UNSUPPORTED_FORM, "a BDF file of 24 bits", "EDF of 16 bits", Severity.REFUSE)
    if not edf.recognises(head):
        return note(Reason.UNKNOWN_FORMAT, "a file that is no EDF", "EDF recordings and readers' EDF+ files")
    return None


def _annotations_only(item: OfferedFile) -> bool:
    """Whether every signal that the header lists is an annotation; a header that lists none is left to reading."""
    with item.path.open("rb") as stream:
        head = stream.read(256)
        count = head[252:256].strip()
        labels = stream.read(16 * int(count)) if count.isdigit() else b""
    names = [labels[i : i + 16].rstrip(b" ") for i in range(0, len(labels), 16)]
    return bool(names) and all(name == edf.ANNOTATIONS.encode() for name in names)


def _reader(item: OfferedFile, source: Source) -> tuple[str | None, str]:
    """The reader whose folder the file stands in, and the key of the recording that it is of."""
    place = PurePosixPath(item.relative).with_suffix("")
    for folder in source.readers:
        reader = PurePosixPath(folder).name
        for top in (PurePosixPath(folder), PurePosixPath("readers") / reader):
            if place.is_relative_to(top):
                return reader, place.relative_to(top).as_posix()
    return None, place.as_posix()


def _unread(key: str, reads: Container[str], source: Source) -> list[Finding]:
    if not source.readers or key in reads:
        return []
    return [note(Reason.REFERENCE_MISSING, "a recording that no reader read", "a file of each reader")]


def _head(item: OfferedFile, options: Options) -> Head:
    findings = []
    with item.path.open("rb") as stream:
        head = stream.read(256)
    person = person_of(head[8:88].rstrip(b" \x00"))
    if person.encoding != "ascii":
        found, wanted = f"a patient field that is {person.encoding}, not declared", "ASCII, as EDF+ asks for"
        findings.append(note(Reason.CHARACTER_SET, found, wanted))
    if options.identity == "path":
        matches = [(p.among, re.search(p.pattern, item.relative)) for p in options.persons]
        return Head(tuple(f"id:{among}:{m['id']}" for among, m in matches if m), tuple(findings))
    if not person.structured:
        found, wanted = (
            "a patient field outside the EDF+ form: nobody is told by it",
            "code sex birthdate name",
        )
        findings.append(note(Reason.HEADER_INVALID, found, wanted))
    tokens = []
    if person.code:
        tokens.append(f"id:{PurePosixPath(item.relative).parts[0]}:{person.code}")
    if person.name and person.birthdate:
        tokens.append(f"name:{person.name}|{person.birthdate.isoformat()}|{person.sex or 'X'}")
    return Head(tuple(tokens), tuple(findings))


def _measured(opened: edf.Opened, form: Form, options: Options) -> dict[str, Scalar]:
    wave, rate_hz = form.physical_uv.astype(np.float32), form.rate_offered_hz
    return {
        "duration_s": form.duration_s,
        "rate_hz": float(form.rate_hz),
        "rate_offered_hz": float(rate_hz),
        "reference_electrode": form.reference,
        "signals_offered": len(opened.ordinary),
        "amplitude_uv": measures.amplitude_uv(wave),
        "amplitude_ratio": measures.widest_ratio(wave),
        "flat_share": measures.flat_share(wave, rate_hz),
        "clipped_share": measures.clipped_share(wave),
        "mains_share": measures.mains_share(wave, rate_hz, options.mains_hz),
    }


def _actions(opened: edf.Opened, form: Form, kept: int, removed: int, sex: str | None) -> list[Action]:
    person = person_of(opened.patient)
    counts: Counter[tuple[str, str]] = Counter()
    told = {"code": person.code, "birthdate": person.birthdate, "name": person.name}
    counts.update((f"patient {part}", "removed") for part, value in told.items() if value)
    counts["patient free text", "removed"] += not person.structured
    counts["patient sex", "kept"] += sex is not None
    counts["start date", "changed"] += edf.start_of(opened) is not None
    counts["start time", "kept"] += 1
    counts["recording administration, technician, equipment", "removed"] += bool(opened.recording)
    counts["annotation", "kept"] += kept
    counts["annotation", "removed"] += removed
    counts["signal", "kept"] += len(form.signals)
    counts["signal", "removed"] += max(len(opened.ordinary) - len(form.signals), 0)
    counts["samples", "changed" if form.changed else "kept"] += 1
    for field in ("transducer", "reserved"):
        counts[f"signal {field}", "removed"] += sum(bool(getattr(s, field)) for s in opened.ordinary)
    return [Action(name, what, n) for (name, what), n in sorted(counts.items()) if n]  # type: ignore[arg-type]  # a string that the line before holds to its choices


def _device(opened: edf.Opened, options: Options) -> str | None:
    """The recorder's model, where the source declares its text: free text never passes."""
    equipment = equipment_of(opened.recording)
    return options.recorders.get(equipment) if equipment else None


def _startdate(shifted: datetime.datetime | None) -> bytes:
    if shifted is None:
        return b"Startdate X"
    month = MONTHS[shifted.month - 1]
    return f"Startdate {shifted.day:02d}-{month}-{shifted.year}".encode()


def _age(birthdate: datetime.date | None, start: datetime.datetime | None) -> float | None:
    if birthdate is None or start is None or birthdate > start.date():
        return None
    return (start.date() - birthdate).days / 365.25


def _lonely() -> Finding:
    found, wanted = "annotations without their recording", "the recording under the same path"
    return note(Reason.IMAGE_MISSING, found, wanted, Severity.REFUSE)
