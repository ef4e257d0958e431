"""One door to laboratory files: what a file is by its content, what it holds, and what is wrong with it.

Forms with a mark of their own come first (`kind_of`); tables and notes have none, and are looked at when nothing
else has claimed the bytes (`examine_unmarked`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from medassay.core.errors import MedassayError
from medassay.core.findings import Finding, Reason, Severity, finding_of
from medassay.formats.examined import Examined, Fact
from medassay.formats.ivd import (
    analyser_panel,
    astm,
    boxes,
    fcs,
    fhir_bundle,
    glucose,
    hl7_v2,
    laboratory,
    poct1a,
    rdml,
    table,
    vendor,
    wide_panel,
)
from medassay.formats.ivd.refusal import names_a_person, said

HEAD = 8192
LARGEST_TABLE = 512 << 20
UNKNOWN, TEXT = "unknown", "text"
FIRST_ROWS = 60
SPANNED = b"PK\x07\x08"  # a zip that was to be split over disks and then was not
TABLE_SUFFIXES = (".csv", ".tsv")
RESULT_SUFFIXES = (".hl7", ".astm", ".fcs", ".lmd")

_Looked = tuple[str, Mapping[str, Fact], Iterable[Finding], frozenset[str]]
# What a sensor's end means where the file only says Low or High: for counting, never for values that are kept.
_ENDS = glucose.GlucoseRules(floor_mmol_per_l=2.2, ceiling_mmol_per_l=27.8)


def kind_of(head: bytes) -> str:
    """The form that the first `HEAD` bytes of a file tell by a mark, or `UNKNOWN`.

    Examples
    --------
    >>> kind_of(b"MSH|^~&|"), kind_of(b"FCS3.1"), kind_of(b"a,b\\n1,2\\n")
    ('HL7 v2', 'FCS', 'unknown')
    """
    return next((kind for kind, recognises, _ in _FORMS if recognises(head)), UNKNOWN)


def examine_file(path: Path) -> Examined:
    """Look at one file; whatever is in it ends as a record, never as an exception of a reader's."""
    size = path.stat().st_size
    if not size:
        return Examined(UNKNOWN, {"bytes": 0}, (_refuse(Reason.EMPTY_FILE, "0 bytes", "content"),))
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    kind, look = next(((kind, look) for kind, knows, look in _FORMS if knows(head)), (UNKNOWN, None))
    if look is None:
        return examine_unmarked(path)
    return _examined(kind, look, path, size)


def examine_unmarked(path: Path) -> Examined:
    """A workbook, a table in text, a note, or nothing that is known."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    if size > LARGEST_TABLE:
        found = _refuse(Reason.LIMIT_EXCEEDED, f"{size} bytes", f"at most {LARGEST_TABLE}")
        return Examined(UNKNOWN, {"bytes": size}, (found,))
    if head.startswith((table.ZIP, SPANNED)):
        return _examined("workbook", _zip, path, size)
    if head.startswith(table.OLE2):
        return _examined("workbook", _table, path, size)
    return _examined(
        UNKNOWN if _is_binary(head) else TEXT, _nothing if _is_binary(head) else _text, path, size
    )


def _examined(kind: str, look: Callable[[Path], _Looked], path: Path, size: int) -> Examined:
    try:
        told, facts, findings, names = look(path)
        return Examined(told, {"bytes": size, **facts}, tuple(findings), names)
    except MedassayError as error:
        reason = getattr(error, "reason", Reason.HEADER_INVALID)
        finding = _refuse(reason, error.found, error.wanted, error.where)
        return Examined(kind, {"bytes": size}, (finding,))
    except (RecursionError, MemoryError) as error:
        finding = _refuse(
            Reason.LIMIT_EXCEEDED, f"content that its reader gave up ({type(error).__name__})", "less"
        )
        return Examined(kind, {"bytes": size}, (finding,))


def _hl7(path: Path) -> _Looked:
    opened = hl7_v2.open(path)
    return "HL7 v2", hl7_v2.describe(opened), hl7_v2.examine(opened), frozenset()


def _astm(path: Path) -> _Looked:
    opened = astm.open(path)
    return "ASTM E1394", astm.describe(opened), astm.examine(opened), frozenset()


def _fcs(path: Path) -> _Looked:
    opened = fcs.open(path)
    return "FCS", fcs.describe(opened), fcs.examine(opened), frozenset()


def _poct1a(path: Path) -> _Looked:
    opened = poct1a.open(path)
    return "POCT1-A", poct1a.describe(opened), poct1a.examine(opened), frozenset()


def _fhir(path: Path) -> _Looked:
    opened = fhir_bundle.open(path)
    return f"FHIR {opened.kind}", fhir_bundle.describe(opened), fhir_bundle.examine(opened), frozenset()


def _voc(path: Path) -> _Looked:
    found = boxes.open_voc(path)
    return "Pascal VOC boxes", boxes.describe(found), boxes.examine(found), frozenset()


def _coco(path: Path) -> _Looked:
    found = boxes.open_coco(path)
    return "COCO boxes", boxes.describe(found), boxes.examine(found), frozenset()


def _vendor(path: Path) -> _Looked:
    with path.open("rb") as stream:
        form = vendor.form_of(stream.read(HEAD))
    assert form is not None  # it was recognised by the same bytes
    return form.name, {}, [vendor.refusal(form)], frozenset()


def _zip(path: Path) -> _Looked:
    if rdml.member_of(path) is not None:
        runs = rdml.open(path)
        return "RDML", rdml.describe(runs), rdml.examine(runs), frozenset()
    return _table(path)


def _table(path: Path) -> _Looked:
    content = path.read_bytes()
    try:
        read = table.read_table(content)
    except table.TableRefused as refused:
        if refused.reason is not Reason.UNSUPPORTED_FORM or not content.startswith((table.ZIP, table.OLE2)):
            raise
        return _sheets(table.read_tables(content))
    notes = [
        said(reason, Severity.NOTE, decision, "a table that leaves nothing to decide")
        for reason, decision in read.decisions
    ]
    columns = max((len(row) for row in read.rows), default=0)
    facts: dict[str, Fact] = {"rows": len(read.rows), "columns": columns}
    beginning = replace(
        read, rows=read.rows[:FIRST_ROWS]
    )  # long tables are not searched to their end for a header
    for kind, claims, look in _TABLES:
        if claims(beginning):
            try:
                more, findings = look(read)
            except table.TableRefused as refused:
                more, findings = {}, [finding_of(refused, severity=Severity.WARN)]
            return kind, {**facts, **more}, [*notes, *findings], frozenset()
    return "delimited text" if read.form == "text" else read.form, facts, notes, frozenset()


def _sheets(every: tuple[table.Table, ...]) -> _Looked:
    """A workbook of several tables: counted; which of them is the data, nobody has said."""
    facts: dict[str, Fact] = {"sheets": len(every), "rows": sum(len(one.rows) for one in every)}
    found = said(
        Reason.UNSUPPORTED_FORM,
        Severity.WARN,
        f"{len(every)} sheets with content",
        "one table a file, or the name of the sheet that is meant",
    )
    return every[0].form, facts, [found], frozenset()


def _is_trace(read: table.Table) -> bool:
    try:
        glucose.opened(read)
    except table.TableRefused:
        return False
    return True


def _trace(read: table.Table) -> tuple[Mapping[str, Fact], Iterable[Finding]]:
    export = glucose.opened(read)
    findings = [names_a_person()] if {"name", "patient_id", "birth_date"} & set(export.patient) else []
    facts: dict[str, Fact] = {"unit": export.units.get("cgm") or None}
    try:
        readings = glucose.read(export, glucose.GlucoseRules())
    except table.TableRefused as refused:
        words = refused.reason is Reason.VALUE_IMPLAUSIBLE and "floor_mmol_per_l" in refused.remedy
        asks = words or refused.reason is Reason.UNIT_UNKNOWN
        severity = Severity.WARN if asks else Severity.REFUSE
        findings.append(finding_of(refused, severity=severity))
        if not words:
            return facts, findings
        readings = glucose.read(export, _ENDS)
    return {
        **facts,
        "readings": len(readings.glucose),
        "capillary": len(readings.capillary),
        "hours": round(float(readings.time_min[-1]) / 60, 1),
        "clipped": int(readings.clipped.sum()),
    }, [*findings, *readings.notes[len(read.decisions) :]]


def _summary(read: table.Table) -> tuple[Mapping[str, Fact], Iterable[Finding]]:
    summary = laboratory.read_summary(read)
    facts = {"patients": len(summary.rows), **{f"columns_{k}": n for k, n in summary.columns.items()}}
    return facts, [*summary.refused, *([names_a_person()] if summary.rows else [])]


def _panel(read: table.Table) -> tuple[Mapping[str, Fact], Iterable[Finding]]:
    panel = analyser_panel.opened(read)
    return analyser_panel.describe(panel), analyser_panel.examine(panel)


def _wide(read: table.Table) -> tuple[Mapping[str, Fact], Iterable[Finding]]:
    panel = wide_panel.opened(read)
    return wide_panel.describe(panel), wide_panel.examine(panel)


def _text(path: Path) -> _Looked:
    """Text is a table where it can be read as one; a name that says so makes it answer for it."""
    content = path.read_bytes()
    start = content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    form = {b"<": "XML", b"{": "JSON", b"[": "JSON"}.get(start, TEXT)
    if form == TEXT:
        try:
            return _table(path)
        except table.TableRefused as refused:
            if refused.reason is Reason.CHARACTER_SET or path.suffix.lower() in TABLE_SUFFIXES:
                raise
    facts = {"lines": len(content.splitlines())}
    if path.suffix.lower() in RESULT_SUFFIXES:  # a name that says so makes it answer for it
        found = _refuse(Reason.UNKNOWN_FORMAT, f"{form} under a name of another form", "that form's content")
        return form, facts, [found], frozenset()
    found = said(
        Reason.UNKNOWN_FORMAT,
        Severity.WARN,
        f"{form} that no reader looks into" if form != TEXT else "text that is no table",
        "a form that has a reader; nothing, if it is a note",
    )
    return form, facts, [found], frozenset()


def _nothing(path: Path) -> _Looked:  # noqa: ARG001 - every look takes the path
    return (
        UNKNOWN,
        {},
        [_refuse(Reason.UNKNOWN_FORMAT, "a form without a reader", "a form that is known")],
        frozenset(),
    )


def _is_binary(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16 with its mark holds zeros
        return False
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
        head.decode("gb18030")
    except UnicodeDecodeError as error:
        return error.start >= len(head) - 4  # the last character may be cut
    return True


def _refuse(reason: Reason, found: str, wanted: str, where: str = "") -> Finding:
    return said(reason, Severity.REFUSE, found, wanted, where=where)


# Kind, how its first bytes are known, and the reader that looks; stricter forms stand first.
_FORMS: tuple[tuple[str, Callable[[bytes], bool], Callable[[Path], _Looked]], ...] = (
    ("HL7 v2", hl7_v2.recognises, _hl7),
    ("ASTM E1394", astm.recognises, _astm),
    ("FCS", fcs.recognises, _fcs),
    ("POCT1-A", poct1a.recognises, _poct1a),
    ("FHIR resource", fhir_bundle.recognises, _fhir),
    ("Pascal VOC boxes", boxes.recognises_voc, _voc),
    ("COCO boxes", boxes.recognises_coco, _coco),
    ("vendor's form", lambda head: vendor.form_of(head) is not None, _vendor),
)
_TABLES: tuple[
    tuple[
        str,
        Callable[[table.Table], bool],
        Callable[[table.Table], tuple[Mapping[str, Fact], Iterable[Finding]]],
    ],
    ...,
] = (
    ("glucose trace", _is_trace, _trace),
    ("laboratory summary", laboratory.is_summary, _summary),
    ("analyser panel", analyser_panel.is_panel, _panel),
    ("laboratory table", wide_panel.is_wide_panel, _wide),
)
