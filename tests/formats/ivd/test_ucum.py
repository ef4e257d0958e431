"""Units as laboratories print them, exact conversion, and refusal of what is none."""

import contextlib
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medassay.formats.ivd.ucum import ATOMIC_WEIGHTS, MOLECULES, canonical, convert, factor, molar_mass
from medassay.formats.ivd.units import UnitRefused

spellings = {
    "10*9/L": [
        "×10⁹/L",
        "10^9/L",
        "10*9/L",
        "x10^9/L",
        "10E9/L",
        "１０＾９／Ｌ",
        "×10^9/l",
        "10 * 9 / L",
        "X10*9/L",
    ],
    "10*12/L": ["10¹²/L", "x10*12/L", "10^12/L"],
    "mg/dL": ["mg/dl", "MG/DL", "mg / dL", "毫克/分升"],
    "umol/L": ["μmol/L", "µmol/l", "umol/l", "微摩尔/升"],
    "m[IU]/L": ["mIU/L", "miu/l"],
    "mm[Hg]": ["mmHg"],
    "/[HPF]": ["个/HP", "/hpf"],
    "U/L": ["U/l", "u/L"],
    "%": ["%", "％"],
    "Cel": ["℃", "°C"],
}


@pytest.mark.parametrize(
    ("code", "text"), [(code, text) for code, all_ in spellings.items() for text in all_]
)
def test_spellings_of_laboratories_give_one_code(code, text):
    assert canonical(text) == code


@pytest.mark.parametrize(
    "text", ["", " ", "foo", "mmol/", "10+3/uL", "10^9^9/L", "L/" * 40, "mg/dL mg/dL", "()", "\x00"]
)
def test_what_is_no_unit_is_refused_and_not_repeated(text):
    with pytest.raises(UnitRefused) as caught:
        canonical(text)
    assert not text.strip() or text.strip() not in caught.value.found


# Conversion factors as printed in the AMA Manual of Style, 11th edition, 17.5.10 table of SI conversions.
printed = [
    ("glucose", "mg/dL", "mmol/L", 0.0555, 1e-3),
    ("cholesterol", "mg/dL", "mmol/L", 0.0259, 1e-2),
    ("triglyceride", "mg/dL", "mmol/L", 0.0113, 1e-2),
    ("creatinine", "mg/dL", "umol/L", 88.4, 1e-3),
    ("urea_nitrogen", "mg/dL", "mmol/L", 0.357, 1e-3),
    ("uric_acid", "mg/dL", "umol/L", 59.48, 1e-3),
    ("bilirubin", "mg/dL", "umol/L", 17.104, 1e-3),
    ("calcium", "mg/dL", "mmol/L", 0.25, 5e-3),
    ("iron", "ug/dL", "umol/L", 0.179, 1e-3),
    ("thyroxine", "ug/dL", "nmol/L", 12.871, 1e-3),
]


@pytest.mark.parametrize(("molecule", "unit", "to", "expected", "within"), printed)
def test_mass_becomes_amount_by_molar_mass(molecule, unit, to, expected, within):
    assert convert(1.0, unit, to, molecule=molecule) == pytest.approx(expected, rel=within)


def test_molar_masses_are_sums_of_atomic_weights():
    assert molar_mass("glucose") == Fraction("180.156")
    assert molar_mass("calcium") == Fraction(ATOMIC_WEIGHTS["Ca"])
    assert all(molar_mass(name) > 1 for name in MOLECULES)


@pytest.mark.parametrize(
    ("unit", "to"), [("mg/dL", "mmol/L"), ("g/L", "s"), ("U/L", "[IU]/L"), ("Cel", "K"), ("10*9/L", "g/L")]
)
def test_units_of_different_things_are_refused_without_a_molecule(unit, to):
    with pytest.raises(UnitRefused):
        factor(unit, to)


@given(
    value=st.floats(1e-6, 1e6),
    pair=st.sampled_from([("mg/dL", "mmol/L"), ("g/L", "umol/L"), ("ng/mL", "nmol/L")]),
    molecule=st.sampled_from(sorted(MOLECULES)),
)
def test_there_and_back_is_the_same_value(value, pair, molecule):
    there = factor(*pair, molecule=molecule)
    assert there * factor(*pair[::-1], molecule=molecule) == pytest.approx(1, rel=1e-12)
    assert convert(convert(value, *pair, molecule=molecule), *pair[::-1], molecule=molecule) == pytest.approx(
        value
    )


@given(st.text(max_size=60))
def test_any_text_is_a_code_or_refused(text):
    with contextlib.suppress(UnitRefused):
        assert len(canonical(text)) <= 45


@given(st.sampled_from(["10*9/L", "mg/dL", "mmol/L", "%", "fL", "g/L", "/[HPF]", "mL/min/{1.73_m2}"]))
def test_a_code_is_its_own_spelling(code):
    assert canonical(code) == code
