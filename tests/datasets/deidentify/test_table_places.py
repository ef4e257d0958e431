"""Cells of tables that hold somebody where a figure or a word is expected, and figures that look like somebody's."""

import csv
import io
from datetime import date

import pytest

from medassay.datasets.deidentify import closed_text, plain_text, tables
from medassay.datasets.deidentify.column_roles import role_of
from medassay.datasets.deidentify.facts import Facts
from medassay.datasets.deidentify.profile import PROFILES
from medassay.datasets.sample import Names

RESEARCH = PROFILES["research"]
WHO = Names("R-0123456789abcdef", "S-0123456789abcdef", 100, b"k" * 32)


def left(text):
    """The rows that leave, without the column of subjects."""
    book = tables.read(text if isinstance(text, bytes) else text.encode())
    out = tables.clean(book, [WHO for _ in tables.facts_of(book)], [], RESEARCH).files[0][1]
    assert tables.prove(out, [], RESEARCH) == []
    rows = list(csv.reader(io.StringIO(out.decode())))
    return [row[1:] if rows[0][0] == "subject_id" else row for row in rows]


@pytest.mark.parametrize(
    "cell",
    ["60,371,825", "6,037,182", "860.371.825", "139.12345678", "0571.87951234", "1.39123456E+10", "3.30106195E+17",
     "56-03-02", "56.3.2", "W.X.M."],
)  # fmt: skip
def test_small_figures_that_make_up_a_day_or_a_number_of_somebody_do_not_leave(cell):
    assert closed_text.tells(cell)
    rows = left(f'检验项目,结果,意见\n白细胞,"{cell}","{cell}"\n红细胞,4.5,"{cell}"\n')
    assert rows[1:] == [["白细胞", "", ""], ["红细胞", "4.5", ""]]


@pytest.mark.parametrize("cell", ["151.2432739225109", "0.123456789", "1.25E+07", "120/80", "3500", "7.4↑"])
def test_figures_with_many_decimals_and_counts_stay(cell):
    assert left(f"检验项目,结果\n白细胞,{cell}\n红细胞,4.5\n")[1] == ["白细胞", cell]


@pytest.mark.parametrize(
    ("label", "value", "stays"),
    [("住院号", "123456", ""), ("床号", "12", ""), ("电话", "871234", ""), ("姓名", "买合木提", ""), ("XM", "LIU", ""),
     ("年龄", "93", "90"), ("性别", "女", "F"), ("出生日期", "1956-03-02", ""),
     ("检验日期", "2023-03-02", "2022-11-22")],
)  # fmt: skip
def test_a_row_that_is_a_label_with_its_value_is_treated_as_a_column_of_that_name(label, value, stays):
    row = left(f"检验项目,结果\n{label},{value}\n白细胞,5.6\n")[1]
    told = WHO.subject if label == "住院号" else stays
    assert row[1] == told


def test_names_of_items_that_are_spelt_like_a_label_stay_items():
    assert left("item,result\nNO,25.3\nCa,2.2\n")[1:] == [["NO", "25.3"], ["Ca", "2.2"]]


def test_fields_of_a_person_between_the_rows_begin_the_rows_of_the_next_person():
    first = "姓名：王一,病历号：P1,\n检验项目,结果,单位\n白细胞,5.6,g/L\n"
    text = first + "姓名：李二,病历号：P2,\n红细胞,4.5,g/L\n血小板,210,g/L\n"
    people = tables.facts_of(tables.read(text.encode()))
    assert [one.ids for one in people] == [("P1",), ("P2",), ("P2",), ("P2",)]


def test_a_form_with_its_person_in_rows_belongs_to_that_person():
    people = tables.facts_of(tables.read("检验项目,结果\n姓名,王一\n病历号,P1\n白细胞,5.6\n".encode()))
    assert (people[-1].ids, people[-1].names) == (("P1",), ("王一",))


@pytest.mark.parametrize(
    ("header", "role"),
    [("XM", "name"), ("ZYH", "subject"), ("SFZH", "subject"), ("LXDH", "contact"), ("CSRQ", "birth"), ("NL", "age"),
     ("病歷號", "subject"), ("電話", "contact"), ("主治醫師", "staff"), ("就诊年龄", "age"), ("Age at scan", "age"),
     ("岁数", "age"), ("月龄", ""), ("Gestational age (weeks)", ""), ("骨龄", ""), ("采样日期(院内)", "date"),
     ("Exam Date", "date"), ("patientid", "subject"), ("ptid", "index"), ("住院流水", "index"), ("病人标识", "index"),
     ("凝血酶原时间", ""), ("Copy number", ""), ("Hospital Number", "subject"),
     ("Number of subtractions", ""), ("血小板", "")],
)  # fmt: skip
def test_columns_are_told_in_initials_of_pinyin_traditional_characters_and_by_parts_of_their_name(
    header, role
):
    assert role_of(header) == role


def test_ages_over_89_are_90_under_every_name_of_an_age():
    rows = left("检验项目,就诊年龄,Age at scan,岁数\n白细胞,93,101,45\n红细胞,88,93岁,九十三\n")
    assert [row[1:] for row in rows[1:]] == [["90", "90", "45"], ["88", "90", ""]]


def test_days_that_a_spreadsheet_wrote_as_numbers_move_with_the_others():
    rows = left("检验项目,采样日期,检验日期\n白细胞,44987,2023-03-02\n红细胞,44990.5,2023-03-05\n")
    days = [[date.fromisoformat(cell[:10]) for cell in row[1:]] for row in rows[1:]]
    assert [one for one, _ in days] == [other for _, other in days]
    assert rows[2][1].endswith("12:00:00")
    assert "44987" not in str(rows)


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        ("检验项目,结果,单位\nHBV DNA,12500000,copies/mL\n白细胞,5.6,g/L\n", True),
        ("检验项目,结果,单位\nHBV DNA,12500000,拷贝/mL\n白细胞,5.6,g/L\n", True),
        ("检验项目,结果,单位\nHBV DNA,12500000,IU/mL\n白细胞,5.6,g/L\n", True),
        ("检验项目,结果 (CFU/mL),单位\n白细胞,12500000,\n红细胞,5.6,\n", True),
        ("检验项目,结果,单位\n白细胞,1250000,/uL\n红细胞,5.6,g/L\n", True),
        ("检验项目,结果,单位\n白细胞,12500000,mmol/L\n红细胞,5.6,g/L\n", False),
        ("检验项目,结果,单位\n白细胞,19560302,IU/mL\n红细胞,5.6,g/L\n", False),
        ("检验项目,结果,单位\n白细胞,125000001,IU/mL\n红细胞,5.6,g/L\n", False),
        ("检验项目,结果,备注\n白细胞,12500000,\n红细胞,5.6,\n", False),
    ],
)
def test_seven_and_eight_digits_stay_where_the_unit_of_row_or_column_counts(text, stays):
    assert (left(text)[1][1] != "") is stays


def test_the_proof_withholds_a_long_number_whose_unit_counts_nothing():
    head = "subject_id,检验项目,结果,单位\nS-0123456789abcdef,白细胞,{},{}\n"
    assert tables.prove(head.format("12500000", "IU/mL").encode(), [], RESEARCH) == []
    assert tables.prove(head.format("12500000", "g/L").encode(), [], RESEARCH) != []
    assert tables.prove(head.format("139.12345678", "g/L").encode(), [], RESEARCH) != []


@pytest.mark.parametrize("value", ["0", "X", "未知", "N/A", "-", "anonymous", "无名氏"])
def test_what_stands_for_no_name_or_id_joins_nobody(value):
    assert Facts(ids=(value,), names=(value,), birth="1900-01-01", sex="F").tokens(many_sites=False) == ()
    assert Facts(ids=("P7",)).tokens(many_sites=False) == ("id::P7",)


def test_a_table_in_utf_16_is_a_table():
    text = "检验项目\t结果\n白细胞\t5.6\n".encode("utf-16")
    assert plain_text.recognises(text)
    assert left(text)[1] == ["白细胞", "5.6"]
    assert not plain_text.recognises(b"\xff\xfe\x00\x00\x01\x00")


@pytest.mark.parametrize("line", ["139.12345678", "0571.87951234", "1.39123456E+10"])
def test_a_trace_of_numbers_holds_no_telephone_among_them(line):
    assert not plain_text.is_trace("12\n13.5\n" * 12 + line + "\n")
    assert plain_text.is_trace("12\n13.512345\n" * 12)
