"""Units are read or declared, never guessed."""

import pytest

from medassay.formats.ivd.units import (
    UnitRefused,
    analyte_named,
    analytes,
    glucose_mmol_per_l,
    glucose_unit_fits,
    name_and_unit,
    ucum,
)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("mg / dl", "mg/dL"),
        ("MMOL/L", "mmol/L"),
        ("µmol/L", "umol/L"),
        ("毫摩尔/升", "mmol/L"),
        ("ml/min/1.73m2", "mL/min/{1.73_m2}"),
    ],
)
def test_spellings_of_a_unit_are_one_ucum_code(text, code):
    assert ucum(text) == code


def test_an_unknown_unit_is_refused_without_repeating_the_cell():
    with pytest.raises(UnitRefused) as refused:
        ucum("王小明 13900000000")
    assert "王小明" not in str(refused.value)
    assert "139" not in str(refused.value)


def test_units_stand_in_latin_or_chinese_brackets():
    assert name_and_unit("血糖（毫摩尔/升）") == ("血糖", "毫摩尔/升")
    assert name_and_unit("Glucose [mg/dL]") == ("Glucose", "mg/dL")
    assert name_and_unit("Estimated  Rate  (ml/min/1.73m2) ") == ("Estimated Rate", "ml/min/1.73m2")


def test_glucose_converts_by_its_molar_mass_unless_a_factor_is_declared():
    assert glucose_mmol_per_l(70, "mg/dL") == pytest.approx(3.8856, abs=1e-4)
    assert glucose_mmol_per_l(70.2, "mg/dL", mg_dl_per_mmol_l=18) == 3.9
    with pytest.raises(UnitRefused):
        glucose_mmol_per_l(5, "umol/L")


def test_no_median_fits_both_units():
    assert not any(
        glucose_unit_fits(m / 10, "mmol/L") and glucose_unit_fits(m / 10, "mg/dL") for m in range(6000)
    )


def test_uric_acid_of_hundreds_is_no_mmol_per_l():
    uric_acid = analyte_named("Uric Acid")
    assert uric_acid is not None
    assert uric_acid.unit == "umol/L"
    assert uric_acid.holds([93, 564])
    assert not uric_acid.holds([0.3])


def test_each_analyte_is_found_by_one_name_only():
    names = ["HbA1c", "Uric Acid", "Total Cholesterol", "尿酸", "糖化血红蛋白", "Creatinine"]
    assert [sum(bool(a.pattern.match(name)) for a in analytes()) for name in names] == [1] * len(names)
    assert analyte_named("APOE genotype") is None
    assert analyte_named("载脂蛋白E基因型") is None
