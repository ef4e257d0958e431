"""Further files, each with one defect, and what has to become of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np

from medassay.core.atomic import write_atomic
from medassay.core.findings import Reason
from medassay.phantoms.cgm.exported import defect, write
from medassay.phantoms.cgm.people import SITES, Person, person_of
from medassay.phantoms.cgm.recording import Parameters, Recording, recorded, shown_in

Change = Callable[[np.random.Generator, Recording], None]


def _decimal_slip(generator: np.random.Generator, recording: Recording) -> None:
    at = int(generator.integers(len(recording.shown) // 4, len(recording.shown) // 2))
    for index in range(at, len(recording.shown)):
        value = recording.shown[index]
        if (
            isinstance(value, float) and value < 9
        ):  # ten times of it is still a number that a meter could print
            recording.shown[index] = round(value * 10, 1)
            return


def _stuck(generator: np.random.Generator, recording: Recording) -> None:
    """One value for eight hours."""
    at = int(generator.integers(len(recording.shown) // 4, len(recording.shown) // 2))
    length = 8 * 60 // recording.person.site.rate_min
    recording.shown[at : at + length] = [recording.shown[at]] * length


def _pressed(_generator: np.random.Generator, recording: Recording) -> None:
    """A sensor that is lain upon: a third of the readings at its floor, as the word for it."""
    at = len(recording.shown) // 3
    recording.shown[at : 2 * at] = ["LO" if i % 9 else recording.shown[at + i] for i in range(at)]


def _noisy(generator: np.random.Generator, recording: Recording) -> None:
    recording.shown = [
        round(max(2.3, v + float(generator.normal(0, 1.2))), 1) if isinstance(v, float) else v
        for v in recording.shown
    ]


def _lost(_generator: np.random.Generator, recording: Recording) -> None:
    """The middle of the recording was never transmitted."""
    count = len(recording.shown)
    _keep(recording, [i for i in range(count) if not count * 0.3 < i < count * 0.75])


def _removed_early(_generator: np.random.Generator, recording: Recording) -> None:
    """The sensor was taken off after ten hours."""
    _keep(recording, [i for i, minute in enumerate(recording.minutes.tolist()) if minute < 600])


def _without_unit(_generator: np.random.Generator, recording: Recording) -> None:
    recording.unit_in_heading = False


def _wrong_unit(_generator: np.random.Generator, recording: Recording) -> None:
    """The heading was taken over from the other hospital's form."""
    recording.unit = "mmol/L" if recording.unit == "mg/dL" else "mg/dL"


def _contradicting(_generator: np.random.Generator, recording: Recording) -> None:
    first = recording.person.start + timedelta(minutes=int(recording.minutes[-1]))
    recording.rows = [[first, 19.9, None, None]]


def _word_for_a_reading(_generator: np.random.Generator, recording: Recording) -> None:
    recording.shown[len(recording.shown) // 2] = f"{recording.person.name} repeat"


def _day_or_month(_generator: np.random.Generator, recording: Recording) -> None:
    recording.person = replace(recording.person, start=recording.person.start.replace(month=3, day=2))
    recording.date_format = "%d/%m/%Y %H:%M"


def _keep(recording: Recording, indices: list[int]) -> None:
    recording.minutes = recording.minutes[indices]
    recording.shown = [recording.shown[i] for i in indices]


# kind, site, change, outcome, reason, the measured column that lies outside the limits
_CHANGES: tuple[tuple[str, int, Change, str, Reason, str], ...] = (
    ("decimal_slip", 2, _decimal_slip, "gate", Reason.VALUE_IMPLAUSIBLE, "steepest_mmol_per_l_min"),
    ("stuck_sensor", 0, _stuck, "gate", Reason.SIGNAL_FLAT, "longest_flat_min"),
    ("clipped_sensor", 2, _pressed, "gate", Reason.SIGNAL_CLIPPED, "clipped_share"),
    ("noisy_sensor", 0, _noisy, "gate", Reason.SIGNAL_NOISY, "roughness_mmol_per_l"),
    ("lost_readings", 1, _lost, "gate", Reason.RECORDING_GAP, "coverage"),
    ("removed_early", 0, _removed_early, "gate", Reason.TRUNCATED, "duration_h"),
    ("unit_missing", 0, _without_unit, "refused", Reason.UNIT_UNKNOWN, ""),
    ("wrong_unit", 1, _wrong_unit, "refused", Reason.UNIT_IMPLAUSIBLE, ""),
    ("contradicting_rows", 0, _contradicting, "refused", Reason.GEOMETRY_IRREGULAR, ""),
    ("word_for_a_reading", 2, _word_for_a_reading, "refused", Reason.VALUE_IMPLAUSIBLE, ""),
    ("day_or_month", 2, _day_or_month, "refused", Reason.HEADER_INVALID, ""),
)
WRONG_RATE_MIN = 10
CUT_AT = 0.6  # of the bytes


def plant(
    generator: np.random.Generator, people: list[Person], parameters: Parameters, export: Path
) -> tuple[list[Person], list[dict[str, str]]]:
    """Further files, each with one defect; the people in them, and what was planted."""
    numbers = iter(range(len(people) + 2, 10_000))
    more: list[Person] = []
    planted: list[dict[str, str]] = []

    def someone(site: int) -> Person:
        number = next(n for n in numbers if n % len(SITES) == site)
        more.append(person_of(generator, number))
        return more[-1]

    for kind, site, change, outcome, reason, column in _CHANGES:
        recording = recorded(generator, someone(site), parameters, most_gaps=0)  # one defect a file
        change(generator, recording)
        write(export, recording)
        planted.append(defect(kind, recording.person.file, outcome, reason, column))

    slow = recorded(generator, someone(1), parameters, rate=WRONG_RATE_MIN)
    write(export, slow)
    planted.append(defect("wrong_rate", slow.person.file, "gate", Reason.RATE_UNFIT, "interval_min"))

    for kind, site in (("truncated_workbook", 0), ("truncated_text", 1)):
        whole = recorded(generator, someone(site), parameters)
        write(export, whole)
        path = export / whole.person.file
        write_atomic(path, _cut(path.read_bytes()))
        planted.append(defect(kind, whole.person.file, "unassigned", Reason.TRUNCATED))

    first = replace(someone(0), diabetes="T1DM")
    more[-1] = first
    write(export, recorded(generator, first, parameters))
    planted.append(defect("other_type", first.file, "cohort", Reason.OUTSIDE_COHORT, "diabetes_type"))

    planted += _twice(generator, someone, more, parameters, export)
    return more, planted


def _twice(
    generator: np.random.Generator,
    someone: Callable[[int], Person],
    more: list[Person],
    parameters: Parameters,
    export: Path,
) -> list[dict[str, str]]:
    """One recording under two ids in two forms, and one patient with a recording at each of two sites."""
    original = recorded(generator, someone(0), parameters)
    copy = someone(1)
    values = np.array([v for v in original.shown if isinstance(v, float)])
    again = replace(original, person=copy, shown=shown_in(values, "mg/dL"), unit="mg/dL")
    here = someone(0)
    there = replace(someone(1), name=here.name, sex=here.sex, born=here.born)
    more[-1] = there
    for recording in (original, again):
        write(export, recording)
    for person in (here, there):
        write(export, recorded(generator, person, parameters))
    return [
        defect("duplicate", copy.file, "duplicate", Reason.DUPLICATE) | {"of": original.person.file},
        defect("same_person", there.file, "same_subject", Reason.SAME_SUBJECT) | {"of": here.file},
    ]


def _cut(content: bytes) -> bytes:
    """Cut within a line, so that the last one is shorter than the others."""
    kept = content[: int(len(content) * CUT_AT)]
    if content.startswith(b"PK"):
        return kept
    line = kept.rfind(b"\n", 0, kept.rfind(b"\n"))
    return kept[: line + 1 + len("2023/01/01,08")]
