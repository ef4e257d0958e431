"""Glucose exports: columns, units, clipped values, order."""

import numpy as np
import pytest

from medassay.core.findings import Reason
from medassay.formats.ivd.glucose import GlucoseRules, open_export, read
from medassay.formats.ivd.table import TableRefused

RULES = GlucoseRules(floor_mmol_per_l=2.2, ceiling_mmol_per_l=27.8)


def export(*lines, heading="Date,CGM (mmol/L),CBG (mmol/L)"):
    return open_export("\n".join([heading, *lines, ""]).encode())


def rows(*values):
    return [f"2021-05-04 {8 + i // 4:02}:{15 * (i % 4):02},{v}," for i, v in enumerate(values)]


def refused(*lines, rules=RULES, **kwargs):
    with pytest.raises(TableRefused) as caught:
        read(export(*lines, **kwargs), rules)
    return caught.value.reason


def test_times_are_minutes_from_the_first_reading_and_capillary_values_keep_their_own():
    found = read(export("2021-05-04 08:00,,6.1", *rows("5.6", "5.8")[1:], "2021-05-04 08:30,5.9,6"), RULES)
    assert found.time_min.tolist() == [0, 15]
    assert found.capillary_time_min.tolist() == [-15, 15]
    assert found.glucose.tolist() == [5.8, 5.9]


def test_mg_per_dl_converts_by_molar_mass_or_by_the_declared_factor():
    heading = "Date,CGM (mg / dl),CBG (mg / dl)"
    exact = read(export(*rows("70.2", "90"), heading=heading), RULES)
    maker = read(export(*rows("70.2", "90"), heading=heading), GlucoseRules(mg_dl_per_mmol_l=18))
    assert maker.glucose.tolist() == [3.9, 5.0]
    assert exact.glucose.tolist() == [3.9, 5.0]
    assert read(export(*rows("182", "182"), heading=heading), RULES).glucose[0] == 10.1


def test_a_missing_unit_is_asked_for_and_a_declared_one_is_said():
    heading = "Date,CGM ,CBG "
    assert refused(*rows("5.6", "5.8"), heading=heading) is Reason.UNIT_UNKNOWN
    found = read(export(*rows("5.6", "5.8"), heading=heading), GlucoseRules(unit="mmol/L"))
    assert any("as the source declares" in note.found for note in found.notes)


def test_a_declared_unit_never_replaces_a_stated_one():
    found = read(export(*rows("5.6", "5.8")), GlucoseRules(unit="mg/dL"))
    assert found.glucose.tolist() == [5.6, 5.8]


def test_values_that_do_not_fit_their_unit_are_refused():
    assert refused(*rows("101", "104", "99")) is Reason.UNIT_IMPLAUSIBLE
    assert refused(*rows("5", "6"), heading="Date,CGM (mg/dL),CBG (mg/dL)") is Reason.UNIT_IMPLAUSIBLE
    assert refused(*rows("5", "6"), heading="Date,CGM (g/L),CBG (g/L)") is Reason.UNIT_UNKNOWN


def test_floor_ceiling_and_words_for_them_are_clipped_values():
    found = read(export(*rows("5.6", "2.2", "LO", "<2.2", "28.0", "高", "5.7")), RULES)
    assert found.clipped.tolist() == [False, True, True, True, True, True, False]
    assert found.glucose.tolist() == [5.6, 2.2, 2.2, 2.2, 28.0, 27.8, 5.7]


def test_a_word_for_the_floor_needs_a_declared_floor():
    assert refused(*rows("5.6", "LO", "5.5"), rules=GlucoseRules()) is Reason.VALUE_IMPLAUSIBLE


@pytest.mark.parametrize("cell", ["ask nurse", "0", "-5.6", "560"])
def test_a_reading_that_is_none_is_refused(cell):
    assert refused(*rows("5.6", cell, "5.5", "5.5", "5.6")) is Reason.VALUE_IMPLAUSIBLE


def test_repeated_rows_are_dropped_and_contradicting_ones_refused():
    lines = rows("5.6", "5.8")
    assert len(read(export(*lines, lines[1]), RULES).glucose) == 2
    assert refused(*lines, lines[1].replace("5.8", "5.9")) is Reason.GEOMETRY_IRREGULAR


def test_newest_first_is_turned_round_and_any_other_disorder_refused():
    lines = rows("5.6", "5.8", "6.0")
    assert read(export(*lines[::-1]), RULES).glucose.tolist() == [5.6, 5.8, 6.0]
    assert refused(lines[0], lines[2], lines[1]) is Reason.GEOMETRY_IRREGULAR


def test_rows_without_time_and_value_are_counted_and_a_value_without_time_refused():
    found = read(export(*rows("5.6", "5.8"), ",,", " ,, "), RULES)
    assert found.time_min.tolist() == [0, 15]
    assert refused(*rows("5.6", "5.8"), ",5.9,") is Reason.HEADER_INVALID


def test_titles_and_patient_fields_may_stand_above_the_header():
    above = "动态血糖报告,,\n姓名：张测试,,\n性别,男,\n"
    content = above + "日期,时间,葡萄糖（毫摩尔/升）\n2021-05-04,08:00,5.6\n2021-05-04,08:15,5.7\n"
    found = open_export(content.encode("gb18030"))
    assert found.patient == {"name": "张测试", "sex": "男"}
    assert read(found, RULES).time_min.tolist() == [0, 15]


def test_two_people_or_two_tables_in_a_file_are_refused():
    with pytest.raises(TableRefused):
        export("A,2021-05-04 08:00,5.6", "B,2021-05-04 08:15,5.7", heading="Name,Date,CGM (mmol/L)")
    with pytest.raises(TableRefused):
        export(*rows("5.6"), "Date,CGM (mmol/L),CBG (mmol/L)", *rows("5.6"))


def test_a_table_without_sensor_glucose_is_refused():
    with pytest.raises(TableRefused) as caught:
        export("2021-05-04 08:00,1", heading="Date,Steps")
    assert caught.value.reason is Reason.HEADER_INVALID


def test_readings_are_finite_and_increasing():
    found = read(export(*rows(*np.linspace(4, 9, 30).round(1))), RULES)
    assert (np.diff(found.time_min) > 0).all()
    assert np.isfinite(found.glucose).all()
