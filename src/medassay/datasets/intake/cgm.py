"""Glucose traces with capillary values and laboratory summaries: one exported table is one sample.

A summary (a row a patient) makes no sample; its rows are joined to the traces of its folder by the patient's
id or the file's stem. Only what is on the allow-lists comes out: minutes, glucose, listed results, sex, age.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import Literal

import numpy as np
from pydantic import Field, field_validator

from medassay.core.canonical import canonical_json
from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity
from medassay.core.specs import Spec, parameters_of
from medassay.datasets import sketch
from medassay.datasets.sample import (
    Action,
    Assembly,
    Draft,
    Names,
    NewObject,
    OfferedFile,
    Scalar,
    Taken,
    Unassigned,
    refusal,
)
from medassay.datasets.spec import Source
from medassay.formats.ivd import glucose, laboratory, trace
from medassay.formats.ivd.moments import moments
from medassay.formats.ivd.table import Table, TableRefused, read_table, recognises
from medassay.formats.ivd.units import MG_DL_PER_MMOL_L, analytes
from medassay.measures.glucose import accuracy, longest_flat_min, roughness, sampling, steepest_change

COLUMNS: Mapping[str, tuple[str, str]] = {
    "diabetes_type": ("", "type of diabetes as the summary says: T1DM or T2DM"),
    "readings": ("1", "sensor readings"),
    "duration_h": ("h", "from the first to the last reading"),
    "interval_min": ("min", "median interval between readings, gaps left out"),
    "irregular_share": ("1", "share of intervals that differ from the median by over a minute"),
    "gaps": ("1", "intervals longer than the declared gap"),
    "longest_gap_min": ("min", "longest such interval"),
    "coverage": ("1", "share of the duration that no gap takes"),
    "glucose_min_mmol_per_l": ("mmol/L", "lowest reading"),
    "glucose_max_mmol_per_l": ("mmol/L", "highest reading"),
    "glucose_mean_mmol_per_l": ("mmol/L", "mean of all readings"),
    "clipped_share": ("1", "share of readings at the sensor's floor or ceiling"),
    "longest_flat_min": ("min", "longest stretch of equal readings"),
    "steepest_mmol_per_l_min": ("mmol/L/min", "largest change between neighbours a minute"),
    "roughness_mmol_per_l": ("mmol/L", "median absolute second difference of neighbours"),
    "capillary_values": ("1", "capillary (fingerstick) values"),
    "capillary_pairs": ("1", "capillary values at the moment of a reading"),
    "mard_percent": ("%", "mean absolute relative difference of sensor against capillary values"),
    "laboratory_values": ("1", "results from the summary"),
    "laboratory_refused": ("1", "columns of the summary that were refused"),
}
LIBRARIES = ("scipy.signal",)
FORMS = ("glucose-table",)
OLDEST_YEARS = 90  # ages above are given as this: so few people are older that an age tells the person
LONGEST_MIN = 60 * 24 * 60.0  # no sensor is worn for longer; a larger number would be a date in disguise

GRID_MIN, SPACING_MIN = 5.0, 90.0  # of a sketch: its grid, and the least distance of two landmarks

_NAME = re.compile(r"[A-Z]-[0-9a-f]{16}")
_TRACE_BYTES = re.compile(
    rb"time_min,glucose_mmol_per_l,clipped\n0,\d{1,2}(\.\d{1,2})?,[01]\n"
    rb"(\d{1,5}(\.\d{1,2})?,\d{1,2}(\.\d{1,2})?,[01]\n)+"
)
_CAPILLARY_BYTES = re.compile(rb"time_min,glucose_mmol_per_l\n(-?\d{1,5}(\.\d{1,2})?,\d{1,2}(\.\d{1,2})?\n)+")
_LABORATORY_KEYS = {"analyte", "loinc", "value", "unit", "comparator"}


class Options(Spec):
    """What a source declares about its exports."""

    glucose_unit: Literal["mmol/L", "mg/dL"] | None = Field(
        default=None, description="where the headings state none; never put in place of a stated one"
    )
    mg_dl_per_mmol_l: float = Field(default=MG_DL_PER_MMOL_L, ge=17.9, le=18.1)
    floor_mmol_per_l: float | None = Field(default=None, gt=0, description="the sensor shows nothing lower")
    ceiling_mmol_per_l: float | None = Field(default=None, gt=0)
    gap_min: float = Field(default=16.0, gt=0, description="a longer interval is a gap")
    sites: tuple[str, ...] = Field(default=(), description="first folders that are sites; none: not stated")
    device: str | None = Field(default=None, description="the sensor's model, where all are of one")
    devices: tuple[str, ...] = Field(
        default=(), description="models that a file may name; others are left out"
    )
    patient_in_name: str | None = Field(
        default=None, description="pattern of a file's stem with a group `patient`"
    )

    @field_validator("patient_in_name")
    @classmethod
    def _has_group(cls, pattern: str | None) -> str | None:
        if pattern is not None and "patient" not in re.compile(pattern).groupindex:
            raise ValueError("a pattern without the group `patient`")
        return pattern

    def rules(self) -> glucose.GlucoseRules:
        return glucose.GlucoseRules(
            unit=self.glucose_unit,
            mg_dl_per_mmol_l=self.mg_dl_per_mmol_l,
            floor_mmol_per_l=self.floor_mmol_per_l,
            ceiling_mmol_per_l=self.ceiling_mmol_per_l,
        )


@dataclass(frozen=True, slots=True)
class CgmDraft(Draft):
    """A trace with the row that the summary of its folder holds of it."""

    facts: laboratory.SummaryRow | None = None
    lab_refused: int = 0


Look = CgmDraft | laboratory.Summary | Finding


def look(file: OfferedFile, source: Source) -> Look:
    """The draft of a trace, a summary, or why the file is neither."""
    options = _options(source)
    try:
        table = _table(file)
        if laboratory.is_summary(table):
            return laboratory.read_summary(table, mg_dl_per_mmol_l=options.mg_dl_per_mmol_l)
        return _draft(file, glucose.opened(table), options)
    except TableRefused as error:
        return _finding(error)


def assemble(
    files: Sequence[OfferedFile], source: Source, look: Callable[[OfferedFile, Source], Look] = look
) -> Assembly:
    """Each table of sensor readings is a draft; summaries are joined; everything else is unassigned."""
    _options(source)
    drafts: list[CgmDraft] = []
    unassigned: list[Unassigned] = []
    summaries: dict[str, list[laboratory.Summary]] = {}
    for file in files:
        match look(file, source):
            case CgmDraft() as draft:
                drafts.append(draft)
            case laboratory.Summary() as summary:
                summaries.setdefault(_folder(file), []).append(summary)
                unassigned += _shared(file, summary)
            case Finding() as finding:
                unassigned.append(Unassigned(file, finding))
    joined = tuple(_joined(draft, summaries.get(_folder(draft.files[0][1]), [])) for draft in drafts)
    return Assembly(joined, tuple(unassigned))


def take_in(draft: Draft, names: Names, source: Source) -> Taken:
    """Read the table once; out come minutes and mmol/L."""
    options = _options(source)
    file = draft.files[0][1]
    try:
        export = glucose.open_export(file.path.read_bytes())
        readings = glucose.read(export, options.rules())
    except TableRefused as error:
        raise refusal(
            error.reason, found=error.found, wanted=error.wanted, remedy=error.remedy, where=error.where
        ) from None
    site = _site(file, options)
    facts = draft.facts if isinstance(draft, CgmDraft) else None
    sex, age, doubts = _person(export.patient, facts, readings.start)
    device, strange = _device(export.patient.get("model"), options)
    return Taken(
        site=site,
        device=device,
        sex=sex,
        age_years=age,
        objects=tuple(_objects(names.sample, readings, facts)),
        measurements=_measurements(readings, options, draft),
        fingerprint=_fingerprint(readings),
        data_type="record",
        modality="CGM",
        acquired_year=readings.start.year,
        sketch=_sketch(readings),
        actions=tuple(_actions(export, readings, facts)),
        findings=(*draft.findings, *readings.notes, *doubts, *strange),
    )


def prove(taken: Taken, source: Source) -> list[Finding]:
    """Hold the bytes to the grammar of their form, without the code that wrote them; what is left over fails."""
    options = _options(source)
    stems = {item.name.split(".", 1)[0] for item in taken.objects}
    failed = [f"name of an object of role {item.role}" for item in taken.objects if not _plain_name(item)]
    if len(stems) != 1:
        failed.append("names of objects: more than one sample")
    failed += [f"object of role {item.role}" for item in taken.objects if not _is_clean(item)]
    known = {None, options.device, *options.devices}
    if taken.device not in known:
        failed.append("device")
    if taken.site not in {None, *options.sites}:
        failed.append("site")
    failed += [
        f"measurement {name}"
        for name, value in taken.measurements.items()
        if isinstance(value, str) and (name != "diabetes_type" or value not in ("T1DM", "T2DM"))
    ]
    return [
        Finding(
            reason=Reason.IDENTITY_LEFT,
            severity=Severity.REFUSE,
            found="something that the allow-list does not hold",
            wanted="minutes, glucose, listed results, and nothing else",
            remedy="Report the format to the maintainers; the sample was left out.",
            where=where,
        )
        for where in failed
    ]


def _options(source: Source) -> Options:
    if source.form not in FORMS:
        raise WrongUse(
            found=f"form '{source.form}'",
            wanted=f"one of {', '.join(FORMS)}",
            remedy="Correct the form in the dataset's spec.",
            where=f"source '{source.name}'",
        )
    return parameters_of(Options, source.options, where=f"source '{source.name}': options")


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
        person_tokens=tuple(sorted(_tokens(file, export.patient, options))),
    )


def _tokens(file: OfferedFile, patient: Mapping[str, str], options: Options) -> set[str]:
    """An id within its site; a name only together with birth date and sex, else two people would be one."""
    site = f"{_folder(file)}/" if options.sites else ""
    tokens = {f"id:{site}{patient['patient_id']}"} if "patient_id" in patient else set()
    if options.patient_in_name:
        found = re.match(options.patient_in_name, PurePosixPath(file.relative).stem)
        if found:
            tokens.add(f"id:{site}{found['patient']}")
    born = _birth(patient)
    if born and "name" in patient and "sex" in patient:
        sex = laboratory.SEXES.get(patient["sex"].lower(), "")
        tokens.add(f"person:{''.join(patient['name'].split()).casefold()}|{born:%Y-%m-%d}|{sex}")
    return tokens


def _joined(draft: CgmDraft, summaries: Sequence[laboratory.Summary]) -> CgmDraft:
    """Put the summary's row beside its trace; two different rows tell nothing, and are said."""
    stem = PurePosixPath(draft.key).name
    ids = {stem, *(token.removeprefix("id:").rpartition("/")[2] for token in draft.person_tokens)}
    rows = [(summary, row) for summary in summaries for key, row in summary.rows.items() if key in ids]
    refused = sum(len(summary.refused) for summary, _ in rows)
    if len({row.patient_id for _, row in rows}) > 1:
        doubt = _warning(Reason.SHARED_TABLE, f"{len(rows)} rows of summaries for one trace", "one row")
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


def _folder(file: OfferedFile) -> str:
    parts = PurePosixPath(file.relative).parts
    return parts[0] if len(parts) > 1 else ""


def _site(file: OfferedFile, options: Options) -> str | None:
    if not options.sites:
        return None
    if _folder(file) not in options.sites:
        raise refusal(
            Reason.HEADER_INVALID,
            found="a folder that is no declared site",
            wanted=f"one of {', '.join(options.sites)}",
            remedy="Move the file, or declare the site in the source's options.",
        )
    return _folder(file)


def _device(model: str | None, options: Options) -> tuple[str | None, list[Finding]]:
    """The declared model; a model that a file names only when it is listed, since a field may hold anything."""
    if options.device is not None:
        return options.device, []
    if model is None or model in options.devices:
        return model, []
    return None, [_warning(Reason.HEADER_INVALID, "a model that is not listed", "a model of the options")]


def _person(
    patient: Mapping[str, str], facts: laboratory.SummaryRow | None, start: datetime
) -> tuple[Literal["F", "M"] | None, float | None, list[Finding]]:
    stated = {laboratory.SEXES.get(patient.get("sex", "").lower()), facts.sex if facts else None} - {None}
    doubts = []
    if len(stated) > 1:
        doubts.append(_warning(Reason.HEADER_INVALID, "two different sexes of one person", "one"))
    sex: Literal["F", "M"] | None = None
    if len(stated) == 1:
        sex = "F" if stated == {"F"} else "M"
    return sex, _age(patient, facts, start), doubts


def _age(patient: Mapping[str, str], facts: laboratory.SummaryRow | None, start: datetime) -> float | None:
    """Whole years, at most `OLDEST_YEARS`: from the summary, else the field, else the date of birth."""
    born = _birth(patient)
    field = re.match(r"\d{1,3}", patient.get("age", ""))
    if facts is not None and facts.age_years is not None:
        age = facts.age_years
    elif field:
        age = float(field[0])
    elif born:
        age = float(start.year - born.year - ((start.month, start.day) < (born.month, born.day)))
    else:
        return None
    return min(float(int(age)), float(OLDEST_YEARS)) if 0 <= age <= 125 else None


def _birth(patient: Mapping[str, str]) -> datetime | None:
    """Midnight of the day of birth; None where it cannot be read: it then joins nobody."""
    text = patient.get("birth_date")
    if not text:
        return None
    try:
        return moments([text[:10] + " 00:00"])[0][0]
    except TableRefused:
        return None


def _objects(sample: str, readings: glucose.Readings, facts: laboratory.SummaryRow | None) -> list[NewObject]:
    taken = trace.Trace(readings.time_min, readings.glucose, readings.clipped)
    objects = [NewObject("trace", sample + trace.TRACE_SUFFIX, trace.write_trace(taken))]
    if len(readings.capillary):
        content = trace.write_capillary(readings.capillary_time_min, readings.capillary)
        objects.append(NewObject("fingerstick", sample + trace.CAPILLARY_SUFFIX, content))
    if facts and facts.values:
        rows = [
            {
                "analyte": v.analyte,
                "loinc": v.loinc,
                "value": v.value,
                "unit": v.unit,
                "comparator": v.comparator,
            }
            for v in facts.values
        ]
        content = canonical_json({"schema": "medassay.laboratory/1", "rows": rows})
        objects.append(NewObject("laboratory", sample + trace.LABORATORY_SUFFIX, content))
    return objects


def _measurements(readings: glucose.Readings, options: Options, draft: Draft) -> dict[str, Scalar]:
    times, values = readings.time_min, readings.glucose
    facts = draft.facts if isinstance(draft, CgmDraft) else None
    sampled = sampling(times, gap_min=options.gap_min)
    shared, at_trace, at_finger = np.intersect1d(times, readings.capillary_time_min, return_indices=True)
    finger = accuracy(values[at_trace], readings.capillary[at_finger])
    return {
        "diabetes_type": facts.diabetes_type if facts else None,
        "readings": sampled.readings,
        "duration_h": sampled.duration_min / 60,
        "interval_min": sampled.interval_min,
        "irregular_share": sampled.irregular_share,
        "gaps": sampled.gaps,
        "longest_gap_min": sampled.longest_gap_min,
        "coverage": sampled.covered_min / sampled.duration_min,
        "glucose_min_mmol_per_l": float(values.min()),
        "glucose_max_mmol_per_l": float(values.max()),
        "glucose_mean_mmol_per_l": float(values.mean()),
        "clipped_share": float(readings.clipped.mean()),
        "longest_flat_min": longest_flat_min(times, values, gap_min=options.gap_min),
        "steepest_mmol_per_l_min": steepest_change(times, values, gap_min=options.gap_min),
        "roughness_mmol_per_l": roughness(times, values, gap_min=options.gap_min),
        "capillary_values": len(readings.capillary),
        "capillary_pairs": len(shared),
        "mard_percent": finger.mard_percent,
        "laboratory_values": len(facts.values) if facts else 0,
        "laboratory_refused": draft.lab_refused if isinstance(draft, CgmDraft) else 0,
    }


def _fingerprint(readings: glucose.Readings) -> str:
    """Over whole minutes and tenths of mmol/L, so that an export in the other unit or form is the same."""
    minutes = np.rint(readings.time_min).astype("<i4")
    tenths = np.rint(np.round(readings.glucose * 10, 4)).astype("<i4")
    return hashlib.sha256(minutes.tobytes() + tenths.tobytes()).hexdigest()


def _sketch(readings: glucose.Readings) -> bytes:
    """Landmarks of the trace on a grid of 5 min; days far apart are bridged, which moves no landmark's time."""
    end = min(readings.time_min[-1], readings.time_min[0] + LONGEST_MIN)
    grid = np.arange(readings.time_min[0], end + 1, GRID_MIN)
    values = np.interp(grid, readings.time_min, readings.glucose)
    made = sketch.of_signal(values[:, None], 1 / GRID_MIN, spacing=SPACING_MIN)
    return made.to_bytes() if made else b""


def _actions(
    export: glucose.GlucoseExport, readings: glucose.Readings, facts: laboratory.SummaryRow | None
) -> list[Action]:
    """By the role of a column or field; one that is not recognised is never named."""
    actions = [
        Action("time", "changed", len(readings.time_min)),
        Action("cgm", "changed", len(readings.glucose)),
    ]
    if len(readings.capillary):
        actions.append(Action("cbg", "changed", len(readings.capillary)))
    for role in sorted(export.patient):
        kept = role in ("sex", "age", "model")
        actions.append(Action(role, "kept" if kept else "removed", 1))
    if export.other_columns:
        actions.append(Action("column outside the allow-list", "removed", export.other_columns))
    if export.other_fields:
        actions.append(Action("field outside the allow-list", "removed", export.other_fields))
    if facts and facts.values:
        actions.append(Action("laboratory result", "kept", len(facts.values)))
    return actions


def _plain_name(item: NewObject) -> bool:
    stem, _, suffix = item.name.partition(".")
    wanted = {"trace": "csv", "fingerstick": "cbg.csv", "laboratory": "lab.json"}
    return bool(_NAME.fullmatch(stem)) and wanted.get(item.role) == suffix


def _is_clean(item: NewObject) -> bool:
    if item.role == "laboratory":
        return _is_clean_laboratory(item.content)
    grammar = {"trace": _TRACE_BYTES, "fingerstick": _CAPILLARY_BYTES}.get(item.role)
    if grammar is None or not grammar.fullmatch(item.content):
        return False
    minutes = [float(line.split(b",", 1)[0]) for line in item.content.split()[1:]]
    return all(-LONGEST_MIN <= minute <= LONGEST_MIN for minute in minutes)


def _is_clean_laboratory(content: bytes) -> bool:
    listed = {(a.key, a.loinc, a.unit): a for a in analytes()}
    try:
        record = json.loads(content)
        rows = record["rows"]
        if set(record) != {"schema", "rows"} or record["schema"] != "medassay.laboratory/1":
            return False
        return all(
            set(row) == _LABORATORY_KEYS
            and (analyte := listed.get((row["analyte"], row["loinc"], row["unit"]))) is not None
            and isinstance(row["value"], int | float)
            and analyte.holds([row["value"]])
            and row["comparator"] in ("", "<", "<=", ">", ">=")
            for row in rows
        )
    except (ValueError, KeyError, TypeError):
        return False


def _finding(error: TableRefused) -> Finding:
    return Finding(
        reason=error.reason,
        severity=Severity.REFUSE,
        found=error.found,
        wanted=error.wanted,
        remedy=error.remedy,
        where=error.where,
    )


def _warning(reason: Reason, found: str, wanted: str) -> Finding:
    return Finding(
        reason=reason,
        severity=Severity.WARN,
        found=found,
        wanted=wanted,
        remedy="Correct the export; the fact was left out.",
    )
