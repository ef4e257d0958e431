"""One door to waveform files: what a file is by its content, what it holds, and what is wrong with it.

The ending of a name decides nothing. Files without a mark of their own, signal files of WFDB, are known by the
header beside them: `Examined.names` of a header tells which files are its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from medassay.core.errors import MedassayError
from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.examined import Examined
from medassay.formats.waveform import (
    aecg,
    bids_tables,
    cinc_mat,
    edf,
    scp_ecg,
    seizure_lists,
    vendor,
    wfdb_annotation,
    wfdb_segments,
)

HEAD = 8192  # a root element may stand behind long comments
LARGEST_TEXT = 1 << 24
LARGEST_ANNOTATIONS = 1 << 26
UNKNOWN = "unknown"
NOTE = '"'  # an annotation that is a comment

_Looked = tuple[str, Mapping[str, Any], Iterable[Finding], frozenset[str]]


def kind_of(head: bytes) -> str:
    """The form that the first `HEAD` bytes of a file tell, or `UNKNOWN`.

    Examples
    --------
    >>> kind_of(b"# a comment\\n100 2 360 650000\\n")
    'WFDB header'
    """
    return next((kind for kind, recognises, _ in _FORMS if recognises(head)), UNKNOWN)


def examine_file(path: Path) -> Examined:
    """Look at one file; whatever is in it ends as a record, never as an exception of a reader's."""
    size = path.stat().st_size
    if not size:
        return Examined(UNKNOWN, {"bytes": 0}, (_refuse(Reason.EMPTY_FILE, "0 bytes", "content"),))
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    kind, look = next(((kind, look) for kind, recognises, look in _FORMS if recognises(head)), _UNMARKED)
    try:
        kind, facts, findings, names = look(path)
        return Examined(kind, {"bytes": size, **facts}, tuple(findings), names)
    except MedassayError as error:
        reason = getattr(error, "reason", Reason.HEADER_INVALID)
        return Examined(kind, {"bytes": size}, (_refuse(reason, error.found, error.wanted, error.where),))


def _edf(path: Path) -> _Looked:
    opened = edf.open(path)
    fields = [part for part in opened.patient.split() if part not in (b"X", b"F", b"M")]
    return opened.form, edf.describe(opened), [*edf.examine(opened), *_named(bool(fields))], frozenset()


def _scp(path: Path) -> _Looked:
    opened = scp_ecg.open(path)
    findings = [*scp_ecg.examine(opened), *_named(opened.names_a_person)]
    return "SCP-ECG", scp_ecg.describe(opened), findings, frozenset()


def _aecg(path: Path) -> _Looked:
    opened = aecg.open(path)
    return (
        "HL7 aECG",
        aecg.describe(opened),
        [*aecg.examine(opened), *_named(opened.names_a_person)],
        frozenset(),
    )


def _wfdb(path: Path) -> _Looked:
    opened = wfdb_segments.open(path)
    return "WFDB header", wfdb_segments.describe(opened), wfdb_segments.examine(opened), opened.names


def _matlab(path: Path) -> _Looked:
    opened = cinc_mat.open(path)
    return _MATLAB, cinc_mat.describe(opened), cinc_mat.examine(opened), frozenset()


def _seizures(path: Path) -> _Looked:
    opened = seizure_lists.open(path)
    return opened.form, seizure_lists.describe(opened), seizure_lists.examine(opened), frozenset()


def _events(path: Path) -> _Looked:
    events = bids_tables.events_of(_text(path))
    return "BIDS events", {"events": len(events)}, (), frozenset()


def _channels(path: Path) -> _Looked:
    channels = bids_tables.channels_of(_text(path))
    bad = sum(channel.good is False for channel in channels)
    return "BIDS channels", {"channels": len(channels), "bad": bad}, (), frozenset()


def _vendor(path: Path) -> _Looked:
    with path.open("rb") as stream:
        form = vendor.form_of(stream.read(HEAD))
    assert form is not None  # it was recognised by the same bytes
    return form.name, {}, [vendor.refusal(form)], frozenset()


def _unmarked(path: Path) -> _Looked:
    """Annotations have no mark: bytes that decode to the end as such, in order of time, are taken for them."""
    if path.stat().st_size <= LARGEST_ANNOTATIONS:
        content = path.read_bytes()
        if wfdb_annotation.recognises(content, of_a_record=_is_of_a_record(path)):
            found = wfdb_annotation.read_annotations(content)
            notes = sum(symbol == NOTE for symbol in found.symbols)
            facts = {"marks": len(found) - notes, "notes": notes, "clock_hz": found.clock_hz}
            return "WFDB annotations", facts, (), frozenset()
    hint = vendor.hinted(path.suffix)
    told = f"; the name ends as those of {hint.name} do" if hint else ""
    wanted = hint.instead if hint else "EDF+, BDF+, WFDB, DICOM, SCP-ECG or HL7 aECG"
    return (
        UNKNOWN,
        {},
        [_refuse(Reason.UNKNOWN_FORMAT, f"bytes that no reader of waveforms knows{told}", wanted)],
        frozenset(),
    )


def _is_of_a_record(path: Path) -> bool:
    """Whether the file bears the name of a header beside it, or of an EDF file (`a.edf.event` of `a.edf`)."""
    beside = {path.with_suffix(".hea"), path.with_suffix("")} - {path}
    return any(one.is_file() for one in beside)


def _named(stated: bool) -> Iterator[Finding]:
    if stated:
        yield Finding(
            reason=Reason.IDENTITY_LEFT,
            severity=Severity.WARN,
            found="fields that name a person",
            wanted="no identity outside the hospital",
            remedy="De-identify the files before they leave.",
        )


def _text(path: Path) -> bytes:
    size = path.stat().st_size
    if size > LARGEST_TEXT:
        raise bids_tables.TableUnreadable(f"{size} bytes", f"at most {LARGEST_TEXT}")
    return path.read_bytes()


def _begins(*columns: str) -> Callable[[bytes], bool]:
    """Whether the first line of a text names these columns first."""

    def recognises(head: bytes) -> bool:
        line = head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].rstrip(b"\r")
        return line.decode("latin-1").split("\t")[: len(columns)] == list(columns)

    return recognises


def _refuse(reason: Reason, found: str, wanted: str, where: str = "") -> Finding:
    return Finding(
        reason=reason,
        severity=Severity.REFUSE,
        found=found,
        wanted=wanted,
        remedy="Export the file again, or leave it out.",
        where=where,
    )


_MATLAB = "Matlab matrix"
_UNMARKED = (UNKNOWN, _unmarked)

# Kind, how its first bytes are known, and the reader that looks; stricter forms stand first.
_FORMS: tuple[tuple[str, Callable[[bytes], bool], Callable[[Path], _Looked]], ...] = (
    ("EDF", edf.recognises, _edf),
    ("BDF", edf.is_bdf, _edf),
    ("SCP-ECG", scp_ecg.recognises, _scp),
    ("HL7 aECG", aecg.recognises, _aecg),
    ("vendor's form", vendor.recognises, _vendor),
    (_MATLAB, cinc_mat.recognises, _matlab),
    ("seizure list", seizure_lists.recognises, _seizures),
    ("BIDS events", _begins("onset", "duration"), _events),
    ("BIDS channels", _begins("name", "type", "units"), _channels),
    ("WFDB header", wfdb_segments.recognises, _wfdb),
)
