"""Units of laboratory quantities: UCUM codes, exact conversion of glucose, and what a value can be.

A unit is read from what stands in the file, or declared by whoever hands the file over; it is never guessed
from the values. Values are only held against it: a unit that no living person's values fit is refused.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from medassay.core.errors import MedassayError

MG_DL_PER_MMOL_L = 18.0156
"""Glucose, C6H12O6: 6 x 12.011 + 12 x 1.008 + 6 x 15.999 = 180.156 g/mol (IUPAC abridged standard atomic
weights, 2021), so 1 mmol/L is 18.0156 mg/dL. Some makers print mmol/L times 18: a source declares that."""

MMOL_L, MG_DL = "mmol/L", "mg/dL"

# What the median of a person's sensor glucose over hours can be. The two ranges do not meet, so a median lies
# in at most one of them; a value between fits neither unit.
GLUCOSE_MEDIAN = {MMOL_L: (1.5, 30.0), MG_DL: (34.0, 540.0)}

_SPELLINGS = {
    "mmol/l": MMOL_L,
    "毫摩尔/升": MMOL_L,
    "毫摩尔每升": MMOL_L,
    "mg/dl": MG_DL,
    "毫克/分升": MG_DL,
    "毫克每分升": MG_DL,
    "umol/l": "umol/L",
    "微摩尔/升": "umol/L",
    "微摩尔每升": "umol/L",
    "nmol/l": "nmol/L",
    "纳摩尔/升": "nmol/L",
    "pmol/l": "pmol/L",
    "皮摩尔/升": "pmol/L",
    "mmol/mol": "mmol/mol",
    "%": "%",
    "ml/min/1.73m2": "mL/min/{1.73_m2}",
}
_BRACKETED = re.compile(r"^(?P<name>.*?)\s*[(（\[【](?P<unit>[^()（）\[\]【】]*)[)）\]】]\s*$", re.DOTALL)


class UnitRefused(MedassayError):
    """A unit that is not known, or that does not measure the quantity."""

    exit_code = 2
    code = "unit_refused"


def ucum(text: str) -> str:
    """The UCUM code of a unit as hospitals spell it.

    Raises
    ------
    UnitRefused
        When the spelling is not known; the text is not repeated, since a cell may hold anything.

    Examples
    --------
    >>> ucum("mg / dl"), ucum("μmol/L")
    ('mg/dL', 'umol/L')
    """
    plain = re.sub(r"\s+", "", text).lower().replace("μ", "u").replace("µ", "u").replace("²", "2")
    if plain not in _SPELLINGS:
        raise UnitRefused(
            found="a unit that is not known",
            wanted=f"one of {', '.join(sorted(set(_SPELLINGS.values())))}",
            remedy="Correct the unit in the export, or declare it in the source's options.",
        )
    return _SPELLINGS[plain]


def name_and_unit(header: str) -> tuple[str, str | None]:
    """A column's heading without its unit, and the unit's text in brackets; None where there is none.

    Examples
    --------
    >>> name_and_unit("CGM (mg / dl)"), name_and_unit("CGM ")
    (('CGM', 'mg / dl'), ('CGM', None))
    """
    text = " ".join(header.split())
    found = _BRACKETED.match(text)
    return (found["name"], found["unit"].strip()) if found else (text, None)


def glucose_mmol_per_l(value: float, unit: str, *, mg_dl_per_mmol_l: float = MG_DL_PER_MMOL_L) -> float:
    """Glucose in mmol/L.

    Parameters
    ----------
    value : float
        In `unit`.
    unit : str
        UCUM: mmol/L or mg/dL.
    mg_dl_per_mmol_l : float
        By how much the maker multiplied, where his values are no true conversion.

    Raises
    ------
    UnitRefused
        For any other unit.

    Examples
    --------
    >>> glucose_mmol_per_l(180.156, "mg/dL"), glucose_mmol_per_l(39.6, "mg/dL", mg_dl_per_mmol_l=18)
    (10.0, 2.2)
    """
    if unit == MMOL_L:
        return value
    if unit == MG_DL:
        return round(value / mg_dl_per_mmol_l, 6)
    raise UnitRefused(
        found=f"glucose in '{unit}'",
        wanted=f"{MMOL_L} or {MG_DL}",
        remedy="Export glucose in one of the two units.",
    )


def glucose_unit_fits(median: float, unit: str) -> bool:
    """Whether a person's median glucose can be this number in this unit."""
    low, high = GLUCOSE_MEDIAN[unit]
    return low <= median <= high


@dataclass(frozen=True)
class Analyte:
    """One laboratory quantity that may enter a dataset: its UCUM unit and what a living person's value can be."""

    key: str
    loinc: str
    unit: str
    lowest: float
    highest: float
    pattern: re.Pattern[str]

    def holds(self, values: Sequence[float]) -> bool:
        """Whether every value can be one of this quantity in this unit."""
        return all(self.lowest <= value <= self.highest for value in values)


@cache
def analytes() -> tuple[Analyte, ...]:
    """The allow-list of laboratory quantities; what is not on it does not enter."""
    text = files("medassay.formats.ivd").joinpath("analytes.csv").read_text("utf-8")
    return tuple(
        Analyte(
            row["key"],
            row["loinc"],
            row["unit"],
            float(row["lowest"]),
            float(row["highest"]),
            re.compile(row["pattern"], re.IGNORECASE),
        )
        for row in csv.DictReader(text.splitlines())
    )


def analyte_named(name: str) -> Analyte | None:
    """The analyte with this heading; None when it is not on the allow-list."""
    plain = " ".join(name.split())
    if not _any_analyte().match(plain):  # as for most cells of a table
        return None
    return next((a for a in analytes() if a.pattern.match(plain)), None)


@cache
def _any_analyte() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{a.pattern.pattern})" for a in analytes()), re.IGNORECASE)
