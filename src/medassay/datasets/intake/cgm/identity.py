"""Whose a trace is, and where it was made: what its fields, its path and the summary of its folder say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePosixPath
from typing import Literal

from medassay.core.findings import Finding, Reason, Severity
from medassay.datasets.intake.cgm.options import Options
from medassay.datasets.sample import OfferedFile, refusal
from medassay.formats.ivd import laboratory
from medassay.formats.ivd.moments import moments
from medassay.formats.ivd.table import TableRefused

OLDEST_YEARS = 90  # ages above are given as this: so few people are older that an age tells the person


def tokens_of(file: OfferedFile, patient: Mapping[str, str], options: Options) -> set[str]:
    """An id within its site; a name only together with birth date and sex, else two people would be one."""
    site = f"{folder_of(file)}/" if options.sites else ""
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


def folder_of(file: OfferedFile) -> str:
    """The first folder of the path, which may be a site; empty where there is none."""
    parts = PurePosixPath(file.relative).parts
    return parts[0] if len(parts) > 1 else ""


def site_of(file: OfferedFile, options: Options) -> str | None:
    """The declared site that the file lies below; None where the source declares none.

    Raises
    ------
    Refused
        When it lies elsewhere.
    """
    if not options.sites:
        return None
    if folder_of(file) not in options.sites:
        raise refusal(
            Reason.HEADER_INVALID,
            found="a folder that is no declared site",
            wanted=f"one of {', '.join(options.sites)}",
            remedy="Move the file, or declare the site in the source's options.",
        )
    return folder_of(file)


def device_of(model: str | None, options: Options) -> tuple[str | None, list[Finding]]:
    """The declared model; a model that a file names only when it is listed, since a field may hold anything."""
    if options.device is not None:
        return options.device, []
    if model is None or model in options.devices:
        return model, []
    return None, [left_out(Reason.HEADER_INVALID, "a model that is not listed", "a model of the options")]


def person_of(
    patient: Mapping[str, str], facts: laboratory.SummaryRow | None, start: datetime
) -> tuple[Literal["F", "M"] | None, float | None, list[Finding]]:
    """Sex and age as fields and summary state them; where they differ on the sex, none, and that is said."""
    stated = {laboratory.SEXES.get(patient.get("sex", "").lower()), facts.sex if facts else None} - {None}
    doubts = []
    if len(stated) > 1:
        doubts.append(left_out(Reason.HEADER_INVALID, "two different sexes of one person", "one"))
    sex: Literal["F", "M"] | None = None
    if len(stated) == 1:
        sex = "F" if stated == {"F"} else "M"
    return sex, _age(patient, facts, start), doubts


def left_out(reason: Reason, found: str, wanted: str) -> Finding:
    """A fact that is stated, and that nobody can take for true."""
    return Finding(
        reason=reason,
        severity=Severity.WARN,
        found=found,
        wanted=wanted,
        remedy="Correct the export; the fact was left out.",
    )


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
