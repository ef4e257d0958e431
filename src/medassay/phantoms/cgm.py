"""Glucose exports of three hospitals: sensors of two rates, both units, invented patients, planted defects.

| site | form | unit | rate | patients' names |
|---|---|---|---|---|
| site-a | xlsx with merged title rows, Chinese headings | mmol/L | 15 min | Chinese |
| site-b | text in GB18030 bytes without a declared character set, date and time apart | mg/dL | 5 min | Chinese |
| site-c | text with byte order mark, semicolons, decimal commas, mixed line ends | mmol/L | 5 min | Latin |

Glucose falls into an episode along a slope that a trend can foresee; some falls stop short of it, and some are
sudden, so that no honest device finds all or is never wrong. Each site has a laboratory summary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from medassay.core.atomic import write_atomic
from medassay.core.canonical import canonical_json
from medassay.core.findings import Reason
from medassay.core.specs import Spec
from medassay.formats.ivd.table import Cell
from medassay.formats.ivd.units import MG_DL_PER_MMOL_L
from medassay.formats.ivd.write_table import write_delimited, write_workbook

FloatArray = NDArray[np.float64]

DAY = 1440
FLOOR, CEILING = 2.2, 27.8  # mmol/L, as the sensors show it


class Parameters(Spec):
    """Size and difficulty of the phantom."""

    subjects: int = Field(default=42, ge=3, description="without defects, over the three sites in turn")
    days: float = Field(default=6.0, ge=2, le=14)
    lows_per_day: float = Field(default=0.9, gt=0, description="falls below 3.9 mmol/L")
    near_misses_per_day: float = Field(default=0.6, ge=0, description="falls that stop above it")
    sudden_share: float = Field(default=0.2, ge=0, le=1, description="falls within a few minutes")
    noise: float = Field(default=1.0, gt=0, description="factor on every sensor's noise")
    defects: bool = Field(default=True, description="whether defects are planted in further files")


@dataclass(frozen=True)
class _Site:
    folder: str
    suffix: str
    model: str
    rate_min: int
    unit: str
    noise: float  # mmol/L, of one reading
    names: tuple[str, ...]


# Names that no one bears: "made up", "example", "phantom". The first of site-b stands in GB18030 but not in GBK.
_SITES = (
    _Site("site-a", ".xlsx", "GS15", 15, "mmol/L", 0.08, ("张虚构", "李样例", "王假名", "赵幻影")),
    _Site("site-b", ".csv", "GS05", 5, "mg/dL", 0.10, ("𠮷虚构", "孙样例", "钱假名", "周幻影")),
    _Site("site-c", ".csv", "GT05", 5, "mmol/L", 0.22, ("Phantom, Alba", "Sample, Bruno", "Fictus, Cora")),
)


@dataclass(frozen=True)
class _Person:
    number: int
    site: _Site
    patient_id: str
    name: str
    sex: str
    born: datetime
    start: datetime
    diabetes: str = "T2DM"

    @property
    def age(self) -> int:
        return self.start.year - self.born.year

    @property
    def file(self) -> str:
        return f"{self.site.folder}/CGM_{self.patient_id}{self.site.suffix}"


@dataclass
class _Recording:
    """What one file will show; defects change it before it is written."""

    person: _Person
    minutes: NDArray[np.int64]
    shown: list[Cell]  # in the site's unit
    finger: dict[int, float]  # minute to mmol/L
    unit: str
    unit_in_heading: bool = True
    rows: list[list[Cell]] = field(default_factory=list)  # further rows below
    date_format: str = "%Y-%m-%d %H:%M"


def generate(parameters: Parameters, seed: int, export: Path, truth: Path) -> None:
    """Write the export below `export` and what was planted as `truth`."""
    generator = np.random.default_rng([seed, 5])
    people = [_person(generator, number) for number in range(parameters.subjects)]
    for person in people:
        _write(export, _recording(generator, person, parameters))
    told = [{"file": p.file, "site": p.site.folder, "diabetes": p.diabetes} for p in people]
    planted: list[dict[str, str]] = []
    if parameters.defects:
        more, planted = _plant(generator, people, parameters, export)
        people = people + more
        write_atomic(export / "site-b" / "说明.txt", "请勿外传。\n联系护士站。\n".encode("gb18030"))
        planted.append(_defect("no_table", "site-b/说明.txt", "unassigned", Reason.UNKNOWN_FORMAT))
    for site in _SITES:
        planted += _write_summary(generator, export, site, [p for p in people if p.site is site], parameters)
    record = {"schema": "medassay.phantom/1", "kind": "cgm", "subjects": told, "defects": planted}
    write_atomic(truth, canonical_json(record))


def _person(generator: np.random.Generator, number: int) -> _Person:
    site = _SITES[number % len(_SITES)]
    return _Person(
        number=number,
        site=site,
        patient_id=f"{site.folder[-1].upper()}{20230000 + number * 37}",
        name=f"{site.names[(number // len(_SITES)) % len(site.names)]}{_ordinal(number, site)}",
        sex="FM"[int(generator.integers(2))],
        born=datetime(1938, 1, 1) + timedelta(days=int(generator.integers(0, 365 * 45))),
        start=datetime(2023, 1, 1) + timedelta(minutes=int(generator.integers(0, 300 * DAY))),
    )


def _ordinal(number: int, site: _Site) -> str:
    digits = "零一二三四五六七八九"
    return (
        f" {'ABCDEFGHIJ'[number // 10 % 10]}{'ABCDEFGHIJ'[number % 10]}"
        if site.folder == "site-c"
        else f"{digits[number // 10 % 10]}{digits[number % 10]}"
    )


def glucose(generator: np.random.Generator, minutes: int, parameters: Parameters) -> FloatArray:
    """Blood glucose each minute, mmol/L: meals over a daily course, and falls."""
    t = np.arange(minutes, dtype=np.float64)
    level = generator.normal(7.4, 0.9) + 0.7 * np.sin(2 * np.pi * (t / DAY - generator.random()))
    for day in range(minutes // DAY + 1):
        for hour in (7.5, 12.3, 18.5):
            after = t - day * DAY - hour * 60 - generator.normal(0, 30)
            peak = generator.uniform(45, 75)
            rise = np.where(after > 0, after / peak * np.exp(1 - after / peak), 0.0)
            level += max(0.5, generator.normal(2.6, 1.1)) * rise
    level += _wander(generator, minutes, 0.25, 40.0)
    days = minutes / DAY
    lows = int(generator.poisson(parameters.lows_per_day * days))
    misses = int(generator.poisson(parameters.near_misses_per_day * days))
    nadirs = [*generator.uniform(2.4, 3.5, lows), *generator.uniform(4.2, 5.2, misses)]
    taken: list[float] = []
    for index, nadir in enumerate(nadirs):
        low = index < lows
        at = float(generator.uniform(180, minutes - 120))
        if all(abs(at - other) > 240 for other in taken):
            taken.append(at)
            sudden = low and generator.random() < parameters.sudden_share
            fall = generator.uniform(10, 18) if sudden else generator.uniform(60, 130)
            share = _fall(t, at, fall, generator.uniform(20, 50), generator.uniform(25, 50))
            level = level * (1 - share) + nadir * share
    return np.clip(level, 1.8, 30.0)


def _fall(t: FloatArray, at: float, fall: float, hold: float, rise: float) -> FloatArray:
    """From 0 to 1 along a smooth slope that ends at `at`, one for `hold`, and back."""
    down = np.clip((t - at + fall) / fall, 0, 1)
    up = np.clip((t - at - hold) / rise, 0, 1)
    return np.asarray(down**1.3 * (1 - up**2 * (3 - 2 * up)))


def _wander(generator: np.random.Generator, count: int, spread: float, memory: float) -> FloatArray:
    """A wandering value with standard deviation `spread`, whose memory fades over `memory` steps."""
    from scipy.signal import lfilter

    keep = np.exp(-1 / memory)
    steps = generator.normal(0, spread * np.sqrt(1 - keep**2), count)
    return np.asarray(lfilter([1.0], [1.0, -keep], steps))


def _recording(
    generator: np.random.Generator,
    person: _Person,
    parameters: Parameters,
    *,
    rate: int | None = None,
    most_gaps: int = 2,
) -> _Recording:
    """A whole, clean recording: sensor readings with noise and short gaps, and capillary values."""
    rate = rate or person.site.rate_min
    blood = glucose(generator, int(parameters.days * DAY), parameters)
    minutes = np.arange(0, len(blood), rate, dtype=np.int64)
    noise = person.site.noise * parameters.noise
    sensed = blood[minutes] + _wander(generator, len(minutes), noise, 6.0)
    sensed += generator.normal(0, noise / 2, len(minutes))
    kept = np.ones(len(minutes), bool)
    for _ in range(int(generator.integers(0, most_gaps + 1))):
        at = int(generator.integers(DAY // 2, len(blood) - DAY // 2))
        kept &= ~((minutes > at) & (minutes < at + int(generator.integers(40, 150))))
    finger_at = minutes[kept][:: max(1, 360 // rate)]
    finger = {int(m): round(float(blood[m] * (1 + generator.normal(0, 0.05))), 1) for m in finger_at.tolist()}
    values = np.clip(sensed[kept], FLOOR, CEILING)
    return _Recording(person, minutes[kept], _shown(values, person.site.unit), finger, person.site.unit)


def _shown(values: FloatArray, unit: str) -> list[Cell]:
    """As a sensor of this unit prints: tenths of mmol/L, or whole mg/dL."""
    if unit == "mg/dL":
        return [float(v) for v in np.rint(values * MG_DL_PER_MMOL_L)]
    return [float(v) for v in np.round(values, 1)]


def _write(export: Path, recording: _Recording) -> None:
    writers = {"site-a": _site_a, "site-b": _site_b, "site-c": _site_c}
    content = writers[recording.person.site.folder](recording)
    write_atomic(export / recording.person.file, content)


def _moments(recording: _Recording) -> Iterator[tuple[datetime, Cell, Cell]]:
    for minute, value in zip(recording.minutes.tolist(), recording.shown, strict=True):
        finger: Cell = recording.finger.get(minute)
        if isinstance(finger, float) and recording.unit == "mg/dL":
            finger = float(round(finger * MG_DL_PER_MMOL_L))
        yield recording.person.start + timedelta(minutes=minute), value, finger


def _heading(name: str, recording: _Recording) -> str:
    return f"{name} ({recording.unit})" if recording.unit_in_heading else name


def _site_a(recording: _Recording) -> bytes:
    person = recording.person
    top: list[list[Cell]] = [
        ["动态葡萄糖监测报告"],
        [
            f"姓名：{person.name}",
            f"住院号：{person.patient_id}",
            f"性别：{'女' if person.sex == 'F' else '男'}",
        ],
        [f"出生日期：{person.born:%Y-%m-%d}", f"设备型号：{person.site.model}", "主管医师：虚构医师"],
        ["日期时间", _heading("葡萄糖", recording), _heading("指血", recording), "饮食"],
    ]
    body = [
        [moment, value, finger, f"{person.name}进食\t米饭" if finger else None]
        for moment, value, finger in _moments(recording)
    ]
    return write_workbook([*top, *body, *recording.rows], merged=("A1:D1",))


def _site_b(recording: _Recording) -> bytes:
    person = recording.person
    top: list[list[Cell]] = [
        ["姓名", person.name, "病历号", person.patient_id, ""],
        ["性别", "女" if person.sex == "F" else "男", "出生日期", f"{person.born:%Y/%m/%d}", ""],
        ["设备型号", person.site.model, "电话", f"1990000{person.number:04d}", ""],
        ["日期", "时间", _heading("葡萄糖", recording), _heading("指尖血糖", recording), "备注"],
    ]
    body = [
        [f"{m:%Y/%m/%d}", f"{m:%H:%M}", value, finger, f"{person.name}餐前" if finger else None]
        for m, value, finger in _moments(recording)
    ]
    return write_delimited([*top, *body, *recording.rows], encoding="gb18030")


def _site_c(recording: _Recording) -> bytes:
    person = recording.person
    top: list[list[Cell]] = [
        [f"Patient name: {person.name}", f"Patient ID: {person.patient_id}", f"Sex: {person.sex}", None],
        [f"Date of birth: {person.born:%Y-%m-%d}", f"Device: {person.site.model}", None, None],
        ["Timestamp", _heading("Glucose value", recording), _heading("Fingerstick", recording), "Notes"],
    ]
    body: list[list[Cell]] = [
        [
            f"{m:{recording.date_format}}",
            value,
            finger,
            f"{person.name.split(',')[0]} had lunch" if finger else None,
        ]
        for m, value, finger in _moments(recording)
    ]
    return write_delimited(
        [*top, *body, *recording.rows],
        encoding="utf-8-sig",
        delimiter=";",
        decimal=",",
        line_ends=("\r\n", "\r\n", "\n"),
    )


Change = Callable[[np.random.Generator, _Recording], None]


def _decimal_slip(generator: np.random.Generator, recording: _Recording) -> None:
    at = int(generator.integers(len(recording.shown) // 4, len(recording.shown) // 2))
    for index in range(at, len(recording.shown)):
        value = recording.shown[index]
        if (
            isinstance(value, float) and value < 9
        ):  # ten times of it is still a number that a meter could print
            recording.shown[index] = round(value * 10, 1)
            return


def _stuck(generator: np.random.Generator, recording: _Recording) -> None:
    """One value for eight hours."""
    at = int(generator.integers(len(recording.shown) // 4, len(recording.shown) // 2))
    length = 8 * 60 // recording.person.site.rate_min
    recording.shown[at : at + length] = [recording.shown[at]] * length


def _pressed(_generator: np.random.Generator, recording: _Recording) -> None:
    """A sensor that is lain upon: a third of the readings at its floor, as the word for it."""
    at = len(recording.shown) // 3
    recording.shown[at : 2 * at] = ["LO" if i % 9 else recording.shown[at + i] for i in range(at)]


def _noisy(generator: np.random.Generator, recording: _Recording) -> None:
    recording.shown = [
        round(max(2.3, v + float(generator.normal(0, 1.2))), 1) if isinstance(v, float) else v
        for v in recording.shown
    ]


def _lost(_generator: np.random.Generator, recording: _Recording) -> None:
    """The middle of the recording was never transmitted."""
    count = len(recording.shown)
    _keep(recording, [i for i in range(count) if not count * 0.3 < i < count * 0.75])


def _removed_early(_generator: np.random.Generator, recording: _Recording) -> None:
    """The sensor was taken off after ten hours."""
    _keep(recording, [i for i, minute in enumerate(recording.minutes.tolist()) if minute < 600])


def _without_unit(_generator: np.random.Generator, recording: _Recording) -> None:
    recording.unit_in_heading = False


def _wrong_unit(_generator: np.random.Generator, recording: _Recording) -> None:
    """The heading was taken over from the other hospital's form."""
    recording.unit = "mmol/L" if recording.unit == "mg/dL" else "mg/dL"


def _contradicting(_generator: np.random.Generator, recording: _Recording) -> None:
    first = recording.person.start + timedelta(minutes=int(recording.minutes[-1]))
    recording.rows = [[first, 19.9, None, None]]


def _word_for_a_reading(_generator: np.random.Generator, recording: _Recording) -> None:
    recording.shown[len(recording.shown) // 2] = f"{recording.person.name} repeat"


def _day_or_month(_generator: np.random.Generator, recording: _Recording) -> None:
    recording.person = replace(recording.person, start=recording.person.start.replace(month=3, day=2))
    recording.date_format = "%d/%m/%Y %H:%M"


def _keep(recording: _Recording, indices: list[int]) -> None:
    recording.minutes = recording.minutes[indices]
    recording.shown = [recording.shown[i] for i in indices]


# kind, site, change, outcome, reason, the measured column that lies outside the limits
_CHANGES: tuple[tuple[str, int, Change, str, Reason, str], ...] = (
    ("decimal_slip", 2, _decimal_slip, "gate", Reason.VALUE_IMPLAUSIBLE, "steepest_mmol_per_l_min"),
    ("stuck_sensor", 0, _stuck, "gate", Reason.SIGNAL_FLAT, "longest_flat_min"),
    ("clipped_sensor", 2, _pressed, "gate", Reason.SIGNAL_CLIPPED, "clipped_share"),
    ("noisy_sensor", 0, _noisy, "gate", Reason.SIGNAL_NOISY, "roughness_mmol_per_l"),
    ("lost_readings", 1, _lost, "gate", Reason.SLICE_MISSING, "coverage"),
    ("removed_early", 0, _removed_early, "gate", Reason.TRUNCATED, "duration_h"),
    ("unit_missing", 0, _without_unit, "refused", Reason.UNIT_UNKNOWN, ""),
    ("wrong_unit", 1, _wrong_unit, "refused", Reason.UNIT_IMPLAUSIBLE, ""),
    ("contradicting_rows", 0, _contradicting, "refused", Reason.GEOMETRY_IRREGULAR, ""),
    ("word_for_a_reading", 2, _word_for_a_reading, "refused", Reason.VALUE_IMPLAUSIBLE, ""),
    ("day_or_month", 2, _day_or_month, "refused", Reason.HEADER_INVALID, ""),
)
WRONG_RATE_MIN = 10
CUT_AT = 0.6  # of the bytes


def _plant(
    generator: np.random.Generator, people: list[_Person], parameters: Parameters, export: Path
) -> tuple[list[_Person], list[dict[str, str]]]:
    """Further files, each with one defect; the people in them, and what was planted."""
    numbers = iter(range(len(people) + 2, 10_000))
    more: list[_Person] = []
    planted: list[dict[str, str]] = []

    def someone(site: int) -> _Person:
        number = next(n for n in numbers if n % len(_SITES) == site)
        more.append(_person(generator, number))
        return more[-1]

    for kind, site, change, outcome, reason, column in _CHANGES:
        recording = _recording(generator, someone(site), parameters, most_gaps=0)  # one defect a file
        change(generator, recording)
        _write(export, recording)
        planted.append(_defect(kind, recording.person.file, outcome, reason, column))

    slow = _recording(generator, someone(1), parameters, rate=WRONG_RATE_MIN)
    _write(export, slow)
    planted.append(_defect("wrong_rate", slow.person.file, "gate", Reason.RATE_UNFIT, "interval_min"))

    for kind, site in (("truncated_workbook", 0), ("truncated_text", 1)):
        whole = _recording(generator, someone(site), parameters)
        _write(export, whole)
        path = export / whole.person.file
        write_atomic(path, _cut(path.read_bytes()))
        planted.append(_defect(kind, whole.person.file, "unassigned", Reason.TRUNCATED))

    first = replace(someone(0), diabetes="T1DM")
    more[-1] = first
    _write(export, _recording(generator, first, parameters))
    planted.append(_defect("other_type", first.file, "cohort", Reason.OUTSIDE_COHORT, "diabetes_type"))

    planted += _twice(generator, someone, more, parameters, export)
    return more, planted


def _twice(
    generator: np.random.Generator,
    someone: Callable[[int], _Person],
    more: list[_Person],
    parameters: Parameters,
    export: Path,
) -> list[dict[str, str]]:
    """One recording under two ids in two forms, and one patient with a recording at each of two sites."""
    original = _recording(generator, someone(0), parameters)
    copy = someone(1)
    values = np.array([v for v in original.shown if isinstance(v, float)])
    again = replace(original, person=copy, shown=_shown(values, "mg/dL"), unit="mg/dL")
    here = someone(0)
    there = replace(someone(1), name=here.name, sex=here.sex, born=here.born)
    more[-1] = there
    for recording in (original, again):
        _write(export, recording)
    for person in (here, there):
        _write(export, _recording(generator, person, parameters))
    return [
        _defect("duplicate", copy.file, "duplicate", Reason.DUPLICATE) | {"of": original.person.file},
        _defect("same_person", there.file, "same_subject", Reason.SAME_SUBJECT) | {"of": here.file},
    ]


def _cut(content: bytes) -> bytes:
    """Cut within a line, so that the last one is shorter than the others."""
    kept = content[: int(len(content) * CUT_AT)]
    if content.startswith(b"PK"):
        return kept
    line = kept.rfind(b"\n", 0, kept.rfind(b"\n"))
    return kept[: line + 1 + len("2023/01/01,08")]


def _write_summary(
    generator: np.random.Generator, export: Path, site: _Site, people: list[_Person], parameters: Parameters
) -> list[dict[str, str]]:
    """A row a patient; uric acid of site-b has its unit wrong, and site-c brings a genetic column."""
    uric = "μmol/L"
    genes = site.folder == "site-c" and parameters.defects
    planted = []
    name = f"{site.folder}/laboratory{site.suffix}"
    if site.folder == "site-b" and parameters.defects:
        uric = "mmol/L"
        planted.append(_defect("laboratory_unit", name, "shared", Reason.UNIT_IMPLAUSIBLE))
    if genes:
        planted.append(_defect("genetic_column", name, "shared", Reason.IDENTITY_LEFT))
    heading: list[Cell] = ["Patient ID", "Sex", "Age (years)", "Diabetes type", "HbA1c (mmol/mol)"]
    heading += [
        "Creatinine (μmol/L)",
        f"Uric acid ({uric})",
        "Name",
        *(["TCF7L2 rs7903146"] if genes else []),
    ]
    rows: list[list[Cell]] = [heading]
    for person in people:
        results: list[Cell] = [
            float(round(generator.normal(62, 12))),
            float(round(generator.uniform(40, 130))),
            float(round(generator.uniform(180, 520))),
        ]
        genotype: list[Cell] = ["C/T"] if genes else []
        rows.append(
            [
                person.patient_id,
                person.sex,
                float(person.age),
                person.diabetes,
                *results,
                person.name,
                *genotype,
            ]
        )
    content = (
        write_workbook(rows)
        if site.suffix == ".xlsx"
        else write_delimited(rows, encoding="gb18030" if site.folder == "site-b" else "utf-8-sig")
    )
    write_atomic(export / name, content)
    return planted


def _defect(kind: str, file: str, outcome: str, reason: Reason, check: str = "") -> dict[str, str]:
    """`outcome`: unassigned, refused, gate (outside the limits), duplicate, same_subject, cohort or shared."""
    return {"kind": kind, "file": file, "outcome": outcome, "reason": reason.value, "column": check}
