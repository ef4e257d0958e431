"""Proof read of a de-identified trace: the bytes are held to the grammar of their form.

Nothing here is shared with the code that wrote the objects but the list of analytes and the longest time.
"""

from __future__ import annotations

import json
import re

from medassay.core.findings import Finding, Reason, Severity
from medassay.datasets.intake.cgm.options import LONGEST_MIN, Options
from medassay.datasets.sample import NewObject, Taken
from medassay.formats.ivd.units import analytes

_NAME = re.compile(r"[A-Z]-[0-9a-f]{16}")
_TRACE_BYTES = re.compile(
    rb"time_min,glucose_mmol_per_l,clipped\n0,\d{1,2}(\.\d{1,2})?,[01]\n"
    rb"(\d{1,5}(\.\d{1,2})?,\d{1,2}(\.\d{1,2})?,[01]\n)+"
)
_CAPILLARY_BYTES = re.compile(rb"time_min,glucose_mmol_per_l\n(-?\d{1,5}(\.\d{1,2})?,\d{1,2}(\.\d{1,2})?\n)+")
_LABORATORY_KEYS = {"analyte", "loinc", "value", "unit", "comparator"}


def unproven(taken: Taken, options: Options) -> list[Finding]:
    """A finding for each object, name, device, site or measurement that the allow-list does not hold."""
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
