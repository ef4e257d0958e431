"""Who an ECG record is of, and where it was made: what its comments, clock and path say.

Comments come in two layouts: `keyed` lines ("姓名: ...", "Sex: F"), and the `age_sex` line of the MIT
databases ("69 M ..."). Their text has no declared character set: UTF-8 where it fits, else GB18030, which
holds GBK.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath
from typing import Literal

from pydantic import Field

from medassay.core.findings import Finding, Reason, Severity
from medassay.core.specs import Spec
from medassay.formats.predictions.one_case import ClassCode
from medassay.formats.waveform.wfdb_record import Header

OLDEST = 130


class Options(Spec):
    """Parameters of the form `wfdb`."""

    comments: Literal["keyed", "age_sex"] = "keyed"
    reference_suffix: str | None = Field(
        default=None, description="how a published annotation file beside the header ends"
    )
    class_labels: tuple[ClassCode, ...] = Field(
        default=(),
        description="classes that a record may be of: readers' files, and a published one, then hold one class each",
    )
    record_is_person: bool = Field(default=False, description="each record name stands for one person")
    site: str | None = Field(default=None, description="the one site of the source")
    sites: dict[str, str] = Field(default_factory=dict, description="first folder to code of the site")
    device: str | None = Field(default=None, description="the one recorder of the source")
    devices: tuple[str, ...] = Field(default=(), description="recorder models that may be named")


@dataclass(frozen=True)
class Person:
    """What a record tells of its person and place; `tokens` stay on the key side."""

    tokens: tuple[str, ...]
    site: str | None
    device: str | None
    device_stated: bool
    sex: Literal["F", "M"] | None
    age_years: float | None
    findings: tuple[Finding, ...]


_KEYS = {
    "name": ("姓名", "患者姓名", "name", "patientname", "patient"),
    "id": ("病历号", "住院号", "门诊号", "患者编号", "id", "patientid", "mrn"),
    "birth": ("出生日期", "生日", "birthdate", "dateofbirth", "dob"),
    "sex": ("性别", "sex", "gender"),
    "age": ("年龄", "age"),
    "device": ("记录仪", "记录器", "设备型号", "设备", "recorder", "device"),
    "recorded": ("记录日期", "检查日期", "recorded", "date"),
}
_FIELD_OF = {word: field for field, words in _KEYS.items() for word in words}
_SEX: Mapping[str, Literal["F", "M"]] = {
    "f": "F", "female": "F", "女": "F", "女性": "F", "m": "M", "male": "M", "男": "M", "男性": "M",
}  # fmt: skip
_AGE = re.compile(r"^(\d{1,3}(?:\.\d+)?)\s*(?:岁|years?|y|yrs?)?$", re.IGNORECASE)
_AGE_SEX = re.compile(r"^(\S+)\s+(\S+)(?:\s|$)")
_YEAR_FIRST = re.compile(r"^(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?$")
_DAY_FIRST = re.compile(r"^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})$")


def person_of(header: Header, key: str, options: Options) -> Person:
    """Read the comments, then forget them: only what `Person` holds goes on."""
    lines, findings = _text(header.comments)
    fields = _keyed(lines) if options.comments == "keyed" else _age_sex(lines)
    folder = PurePosixPath(key).parts[0] if "/" in key else ""
    site = options.sites.get(folder, options.site)
    stated = fields.get("device", "")
    device = stated if stated in options.devices else options.device
    if stated and stated not in options.devices:
        findings.append(_note(Reason.HEADER_INVALID, "a recorder model that the source does not list"))
    return Person(
        tokens=_tokens(fields, folder, key, options),
        site=site,
        device=device,
        device_stated=stated in options.devices,
        sex=_SEX.get(fields.get("sex", "").casefold()),
        age_years=_age(fields, header.clock),
        findings=tuple(findings),
    )


def _text(comments: Sequence[bytes]) -> tuple[list[str], list[Finding]]:
    lines, guessed, lost = [], 0, 0
    for comment in comments:
        try:
            lines.append(comment.decode("utf-8"))
        except UnicodeDecodeError:
            try:
                lines.append(comment.decode("gb18030"))
                guessed += 1
            except UnicodeDecodeError:
                lost += 1
    findings = []
    if guessed:
        findings.append(_note(Reason.CHARACTER_SET, f"{guessed} comments that are no UTF-8, read as GB18030"))
    if lost:
        findings.append(_note(Reason.CHARACTER_SET, f"{lost} comments that are neither UTF-8 nor GB18030"))
    return lines, findings


def _keyed(lines: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        word, colon, value = unicodedata.normalize("NFKC", line).partition(":")
        field = _FIELD_OF.get(re.sub(r"[\s_]+", "", word).casefold())
        if colon and field and value.strip():
            found.setdefault(field, value.strip())
    return found


def _age_sex(lines: Sequence[str]) -> dict[str, str]:
    found = _AGE_SEX.match(lines[0]) if lines else None
    return {"age": found[1], "sex": found[2]} if found else {}


def _tokens(fields: Mapping[str, str], folder: str, key: str, options: Options) -> tuple[str, ...]:
    """An id counts at its own site only; a name only together with a birth date."""
    tokens = []
    if options.record_is_person:
        tokens.append(f"id:{PurePosixPath(key).name}")
    if "id" in fields:
        tokens.append(f"id:{folder}/{fields['id']}")
    born = _date(fields.get("birth", ""))
    if "name" in fields and born:
        name = re.sub(r"[\s^·,.]+", "", fields["name"]).casefold()
        sex = _SEX.get(fields.get("sex", "").casefold(), "")
        tokens.append(f"person:{name}|{born.isoformat()}|{sex}")
    return tuple(tokens)


def _age(fields: Mapping[str, str], clock: bytes) -> float | None:
    """The stated age, else the years from birth to the recording; none where neither is there."""
    stated = _AGE.match(fields.get("age", ""))
    if stated:
        age = float(stated[1])
        return age if age < OLDEST else None
    born = _date(fields.get("birth", ""))
    made = _date(fields.get("recorded", "")) or _date(clock.decode("ascii", "replace").rpartition(" ")[2])
    if born and made and born <= made:
        age = made.year - born.year - ((made.month, made.day) < (born.month, born.day))
        return float(age) if age < OLDEST else None
    return None


def _date(text: str) -> date | None:
    year_first, day_first = _YEAR_FIRST.match(text), _DAY_FIRST.match(text)
    try:
        if year_first:
            return date(int(year_first[1]), int(year_first[2]), int(year_first[3]))
        if day_first:
            return date(int(day_first[3]), int(day_first[2]), int(day_first[1]))
    except ValueError:
        return None
    return None


def _note(reason: Reason, found: str) -> Finding:
    return Finding(
        reason=reason,
        severity=Severity.NOTE,
        found=found,
        wanted="what the source declares, in UTF-8",
        remedy="Nothing of it leaves the hospital; declare or correct it at the source.",
        where="comments",
    )
