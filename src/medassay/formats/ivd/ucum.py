"""Units in UCUM: how laboratories spell them, and exact conversion, between mass and amount by molar mass.

The grammar and the table of units are those of the Regenstrief Institute, read by `ucumvert` into `pint`; powers
of ten and molar masses are exact fractions, other units have double precision. A unit that is none is refused;
nothing is guessed from values.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import cache
from typing import Any

from medassay.formats.ivd.units import UnitRefused

LONGEST = 40  # characters of a unit; the longest of UCUM's own table of examples has 38

# Spellings that laboratories print and UCUM does not know; keys are folded as `_folded` does.
SPELLINGS = {
    "mg/dl": "mg/dL",
    "ug/dl": "ug/dL",
    "ng/dl": "ng/dL",
    "g/dl": "g/dL",
    "iu": "[IU]",
    "iu/l": "[IU]/L",
    "iu/ml": "[IU]/mL",
    "miu/l": "m[IU]/L",
    "miu/ml": "m[IU]/mL",
    "uiu/ml": "u[IU]/mL",
    "mu/l": "mU/L",
    "uu/ml": "uU/mL",
    "u/ml": "U/mL",
    "ku/l": "kU/L",
    "u/l": "U/L",
    "ukat/l": "ukat/L",
    "/hp": "/[HPF]",
    "/hpf": "/[HPF]",
    "/lp": "/[LPF]",
    "/lpf": "/[LPF]",
    "个/ul": "/uL",
    "个/hp": "/[HPF]",
    "/ul": "/uL",
    "copies/ml": "{copies}/mL",
    "拷贝/ml": "{copies}/mL",
    "ml/min/1.73m2": "mL/min/{1.73_m2}",
    "ml/min/1.73m^2": "mL/min/{1.73_m2}",
    "mmhg": "mm[Hg]",
    "sec": "s",
    "秒": "s",
    "分钟": "min",
    "mm/h": "mm/h",
    "osm/kg": "osm/kg",
    "mosm/kg": "mosm/kg",
    "mosm/kgh2o": "mosm/kg",
    "meq/l": "meq/L",
    "mmol/l": "mmol/L",
    "umol/l": "umol/L",
    "nmol/l": "nmol/L",
    "pmol/l": "pmol/L",
    "ratio": "{ratio}",
    "index": "{index}",
    "inr": "{INR}",
    "s/co": "{s_co_ratio}",
    "coi": "{index}",
    "℃": "Cel",
    "°c": "Cel",
    "毫摩尔/升": "mmol/L",
    "微摩尔/升": "umol/L",
    "纳摩尔/升": "nmol/L",
    "皮摩尔/升": "pmol/L",
    "毫克/分升": "mg/dL",
    "克/升": "g/L",
    "毫克/升": "mg/L",
    "单位/升": "U/L",
}
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_FULL_WIDTH = str.maketrans({chr(0xFF01 + n): chr(0x21 + n) for n in range(94)} | {"\u3000": " "})
_POWER = re.compile(r"^(?:[xX×*✕]?10[*^eE]|[xX×*✕]10|10E|[eE])(-?\d{1,2})(?=/|$)")
_RAISED = re.compile(r"10([⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+)")
_LITRE = re.compile(r"(?<=[/.])([fpnumdk]?)l$")

# IUPAC abridged standard atomic weights, 2021 (Pure Appl. Chem. 2022;94:573).
ATOMIC_WEIGHTS = {
    "H": "1.0080",
    "C": "12.011",
    "N": "14.007",
    "O": "15.999",
    "Na": "22.990",
    "Mg": "24.305",
    "P": "30.974",
    "S": "32.06",
    "Cl": "35.45",
    "K": "39.098",
    "Ca": "40.078",
    "Fe": "55.845",
    "Cu": "63.546",
    "Zn": "65.38",
    "I": "126.90",
    "Li": "6.94",
}

# What is counted, by its formula (PubChem). Urea nitrogen is counted as the molecule of urea that holds two
# nitrogens; triglyceride as triolein, by convention (NCEP Working Group on Lipoprotein Measurement, 1995).
MOLECULES = {
    "glucose": "C6H12O6",
    "cholesterol": "C27H46O",
    "triglyceride": "C57H104O6",
    "creatinine": "C4H7N3O",
    "urea": "CH4N2O",
    "urea_nitrogen": "N2",
    "uric_acid": "C5H4N4O3",
    "bilirubin": "C33H36N4O6",
    "lactate": "C3H6O3",
    "calcium": "Ca",
    "magnesium": "Mg",
    "phosphate": "P",
    "iron": "Fe",
    "copper": "Cu",
    "zinc": "Zn",
    "sodium": "Na",
    "potassium": "K",
    "chloride": "Cl",
    "lithium": "Li",
    "thyroxine": "C15H11I4NO4",
    "triiodothyronine": "C15H12I3NO4",
    "cortisol": "C21H30O5",
    "testosterone": "C19H28O2",
    "estradiol": "C18H24O2",
    "progesterone": "C21H30O2",
    "vitamin_d_25_oh": "C27H44O2",
    "folate": "C19H19N7O6",
    "homocysteine": "C4H9NO2S",
}


def canonical(text: str) -> str:
    """The UCUM code of a unit as laboratories print it.

    Raises
    ------
    UnitRefused
        When it is no unit of UCUM's; the text is not repeated, since a cell may hold anything.

    Examples
    --------
    >>> canonical("×10⁹/L"), canonical("10^9/L"), canonical("１０＊９／Ｌ"), canonical("mg/dl")
    ('10*9/L', '10*9/L', '10*9/L', 'mg/dL')
    """
    plain = _plain(text)
    if not plain or len(plain) > LONGEST:
        raise _unknown()
    spelt = SPELLINGS.get(plain.lower())
    if spelt is not None:
        return spelt
    power = _POWER.match(plain)
    if power:
        plain = f"10*{int(power[1])}{plain[power.end() :]}"
    plain = _LITRE.sub(lambda found: f"{found[1]}L", plain)
    if plain not in _COMMON:
        _parsed(plain)
    return plain


def is_code(text: str) -> bool:
    """Whether a text is a UCUM code as it stands, without any spelling put right.

    Examples
    --------
    >>> is_code("mm[Hg]"), is_code("mmHg")
    (True, False)
    """
    try:
        _parsed(text)
    except UnitRefused:
        return False
    return True


def convert(value: float, unit: str, to: str, *, molecule: str | None = None) -> float:
    """A value in another unit; from mass to amount or back only by the molar mass of a named molecule.

    Parameters
    ----------
    value : in `unit`
    unit, to : UCUM codes
    molecule : a key of `MOLECULES`

    Raises
    ------
    UnitRefused
        When a code is none, or the units measure different things.

    Examples
    --------
    >>> convert(180.156, "mg/dL", "mmol/L", molecule="glucose"), convert(5.0, "10*9/L", "10*3/uL")
    (10.0, 5.0)
    """
    return float(Fraction(str(value)) * factor(unit, to, molecule=molecule))


def factor(unit: str, to: str, *, molecule: str | None = None) -> Fraction:
    """By what a value in `unit` is multiplied to be one in `to`; exact between powers of ten and by molar mass.

    Raises
    ------
    UnitRefused
        As `convert`, and for units whose zero lies elsewhere (Cel, pH and the like).
    """
    if unit == to:
        return Fraction(1)
    source, target = _parsed(unit), _parsed(to)
    try:
        if source.dimensionality == target.dimensionality:
            return Fraction((source / target).to_base_units().magnitude)
        if molecule is not None:
            gram_per_mole = molar_mass(molecule)
            ratio = (source / target).to_base_units()
            mole, kilogram = ratio.dimensionality.get("[substance]", 0), ratio.dimensionality.get("[mass]", 0)
            if set(ratio.dimensionality) == {"[substance]", "[mass]"} and (mole, kilogram) in (
                (-1, 1),
                (1, -1),
            ):
                scale = Fraction(ratio.magnitude)
                base = _registry().Quantity(Fraction(1), ratio.units)
                grams = Fraction(base.to("g/mol" if mole < 0 else "mol/g").magnitude)
                return scale * grams / gram_per_mole if mole < 0 else scale * grams * gram_per_mole
    except UnitRefused:
        raise
    except Exception:  # noqa: BLE001 - pint has an error of its own for each kind of scale
        raise _unlike() from None
    raise _unlike()


def molar_mass(molecule: str) -> Fraction:
    """Gram per mole, by the formula.

    Examples
    --------
    >>> float(molar_mass("glucose"))
    180.156
    """
    if molecule not in MOLECULES:
        raise UnitRefused(
            found="an analyte without a molar mass",
            wanted=f"one of {', '.join(sorted(MOLECULES))}",
            remedy="Convert at the source, where the analyte's mass is known.",
        )
    parts = re.findall(r"([A-Z][a-z]?)(\d*)", MOLECULES[molecule])
    return sum((Fraction(ATOMIC_WEIGHTS[symbol]) * int(count or 1) for symbol, count in parts), Fraction(0))


# Codes met in nearly every file: known without reading the whole table of UCUM, which takes a second.
_COMMON = frozenset(SPELLINGS.values()) | {
    *(
        "%",
        "1",
        "g/L",
        "mg/L",
        "ug/L",
        "ng/L",
        "pg/mL",
        "ng/mL",
        "ug/mL",
        "mg/mL",
        "fL",
        "pg",
        "ng",
        "ug",
        "mg",
        "g",
    ),
    *(
        "kg",
        "mol/L",
        "mmol/mol",
        "mg/g",
        "mg/mmol",
        "10*9/L",
        "10*12/L",
        "10*6/L",
        "10*3/uL",
        "10*6/uL",
        "nkat/L",
    ),
    *("mL", "L", "cm", "mm", "h", "d", "min", "mL/min", "kPa"),
}


def _plain(text: str) -> str:
    plain = text.translate(_FULL_WIDTH).replace("μ", "u").replace("µ", "u").replace("／", "/")
    plain = _RAISED.sub(lambda found: f"10*{found[1].translate(_SUPERSCRIPTS)}", plain)
    return re.sub(r"\s+", "", plain.translate(_SUPERSCRIPTS)).replace("×10*", "10*").replace("×10^", "10*")


@cache
def _registry() -> Any:
    import logging
    import warnings

    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(action="ignore"):
            from ucumvert import PintUcumRegistry

            return PintUcumRegistry(non_int_type=Fraction)
    finally:
        logging.disable(before)


@cache
def _parsed(code: str) -> Any:
    if (
        re.search(r"10[+^]", code) or len(code) > LONGEST
    ):  # the grammar of the library lets a sign stand there
        raise _unknown()
    try:
        return _registry().from_ucum(code)
    except Exception:  # noqa: BLE001 - grammar, table and pint each have errors of their own
        raise _unknown() from None


def _unknown() -> UnitRefused:
    return UnitRefused(
        found="a unit that is none of UCUM's",
        wanted="a UCUM code, or a spelling of it that is known",
        remedy="Correct the unit in the export, or declare it in the source's options.",
    )


def _unlike() -> UnitRefused:
    return UnitRefused(
        found="units that measure different things",
        wanted="units of one quantity, or a molecule with its molar mass",
        remedy="Name the analyte, or export the results in the wanted unit.",
    )
