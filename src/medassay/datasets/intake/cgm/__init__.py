"""Glucose traces with capillary values and laboratory summaries: one exported table is one sample.

A summary (a row a patient) makes no sample; its rows are joined to the traces of its folder by the patient's
id or the file's stem. Only what is on the allow-lists comes out: minutes, glucose, listed results, sex, age.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from medassay.core.findings import Finding, Reason, Severity, finding_of
from medassay.datasets.intake.cgm.identity import (
    device_of,
    folder_of,
    left_out,
    person_of,
    site_of,
    tokens_of,
)
from medassay.datasets.intake.cgm.options import Options, options_of
from medassay.datasets.intake.cgm.proof import unproven
from medassay.datasets.intake.cgm.rewrite import (
    COLUMNS,
    actions_of,
    fingerprint,
    measured,
    objects_of,
    sketched,
)
from medassay.datasets.sample import Assembly, Draft, Names, OfferedFile, Refused, Taken, Unassigned
from medassay.datasets.spec import Source
from medassay.formats.ivd import glucose, laboratory
from medassay.formats.ivd.table import Table, TableRefused, read_table, recognises

LIBRARIES = ("scipy.signal",)


@dataclass(frozen=True, slots=True)
class CgmDraft(Draft):
    """A trace with the row that the summary of its folder holds of it."""

    facts: laboratory.SummaryRow | None = None
    lab_refused: int = 0


Look = CgmDraft | laboratory.Summary | Finding


def look(file: OfferedFile, source: Source) -> Look:
    """The draft of a trace, a summary, or why the file is neither."""
    options = options_of(source)
    try:
        table = _table(file)
        if laboratory.is_summary(table):
            return laboratory.read_summary(table, mg_dl_per_mmol_l=options.mg_dl_per_mmol_l)
        return _draft(file, glucose.opened(table), options)
    except TableRefused as error:
        return finding_of(error)


def assemble(
    files: Sequence[OfferedFile], source: Source, look: Callable[[OfferedFile, Source], Look] = look
) -> Assembly:
    """Each table of sensor readings is a draft; summaries are joined; everything else is unassigned."""
    options_of(source)
    drafts: list[CgmDraft] = []
    unassigned: list[Unassigned] = []
    summaries: dict[str, list[laboratory.Summary]] = {}
    for file in files:
        match look(file, source):
            case CgmDraft() as draft:
                drafts.append(draft)
            case laboratory.Summary() as summary:
                summaries.setdefault(folder_of(file), []).append(summary)
                unassigned += _shared(file, summary)
            case Finding() as finding:
                unassigned.append(Unassigned(file, finding))
    joined = tuple(_joined(draft, summaries.get(folder_of(draft.files[0][1]), [])) for draft in drafts)
    return Assembly(joined, tuple(unassigned))


def take_in(draft: Draft, names: Names, source: Source) -> Taken:
    """Read the table once; out come minutes and mmol/L."""
    options = options_of(source)
    file = draft.files[0][1]
    try:
        export = glucose.open_export(file.path.read_bytes())
        readings = glucose.read(export, options.rules())
    except TableRefused as error:
        raise Refused(finding_of(error)) from None
    site = site_of(file, options)
    facts, lab_refused = (draft.facts, draft.lab_refused) if isinstance(draft, CgmDraft) else (None, 0)
    sex, age, doubts = person_of(export.patient, facts, readings.start)
    device, strange = device_of(export.patient.get("model"), options)
    return Taken(
        site=site,
        device=device,
        sex=sex,
        age_years=age,
        objects=tuple(objects_of(names.sample, readings, facts)),
        measurements=measured(readings, facts, lab_refused, gap_min=options.gap_min),
        fingerprint=fingerprint(readings),
        data_type="record",
        modality="CGM",
        acquired_year=readings.start.year,
        sketch=sketched(readings),
        actions=tuple(actions_of(export, readings, facts)),
        findings=(*draft.findings, *readings.notes, *doubts, *strange),
    )


def prove(taken: Taken, source: Source) -> list[Finding]:
    """Hold the bytes to the grammar of their form, without the code that wrote them; what is left over fails."""
    return unproven(taken, options_of(source))


def _table(file: OfferedFile) -> Table:
    try:
        content = file.path.read_bytes()
    except OSError as error:
        raise TableRefused(
            Reason.UNKNOWN_FORMAT,
            found=f"a file that cannot be read ({error.strerror})",
            wanted="a readable file",
            remedy="Give read permission.",
        ) from None
    if content and not recognises(content[:4096]):
        raise TableRefused(
            Reason.UNKNOWN_FORMAT,
            found="content that is no table",
            wanted="xlsx, xls or delimited text",
            remedy="Leave the file out, or export it as a table.",
        )
    return read_table(content)


def _draft(file: OfferedFile, export: glucose.GlucoseExport, options: Options) -> CgmDraft:
    return CgmDraft(
        key=str(PurePosixPath(file.relative).with_suffix("")),
        files=(("trace", file),),
        person_tokens=tuple(sorted(tokens_of(file, export.patient, options))),
    )


def _joined(draft: CgmDraft, summaries: Sequence[laboratory.Summary]) -> CgmDraft:
    """Put the summary's row beside its trace; two different rows tell nothing, and are said."""
    stem = PurePosixPath(draft.key).name
    ids = {stem, *(token.removeprefix("id:").rpartition("/")[2] for token in draft.person_tokens)}
    rows = [(summary, row) for summary in summaries for key, row in summary.rows.items() if key in ids]
    refused = sum(len(summary.refused) for summary, _ in rows)
    if len({row.patient_id for _, row in rows}) > 1:
        doubt = left_out(Reason.SHARED_TABLE, f"{len(rows)} rows of summaries for one trace", "one row")
        return replace(draft, findings=(*draft.findings, doubt))
    return replace(draft, facts=rows[0][1] if rows else None, lab_refused=refused)


def _shared(file: OfferedFile, summary: laboratory.Summary) -> list[Unassigned]:
    lead = Finding(
        reason=Reason.SHARED_TABLE,
        severity=Severity.NOTE,
        found=f"a summary of {len(summary.rows)} patients or visits: {summary.columns['kept']} columns kept, "
        f"{summary.columns['removed']} removed, {summary.columns['refused']} refused",
        wanted="facts that are joined to traces by patient or visit",
        remedy="Nothing: its rows stand with the samples.",
    )
    told = "; ".join(f"{f.where}: {f.reason.value}, {f.found}" for f in summary.refused)
    if told:
        lead = lead.model_copy(update={"severity": Severity.WARN, "where": told})
    return [Unassigned(file, lead)]


__all__ = ["COLUMNS", "LIBRARIES", "assemble", "look", "prove", "take_in"]
