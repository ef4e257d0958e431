"""Tables are read in one way, which is said, or refused."""

import io
from datetime import date, datetime, time

import openpyxl
import pytest

from medassay.core.findings import Reason
from medassay.formats.ivd.moments import moments
from medassay.formats.ivd.table import TableRefused, read_table, recognises

PLAIN = "Date,CGM (mmol/L)\n2021-05-04 10:33,5.6\n2021-05-04 10:48,5.8\n"


def workbook(rows, *, sheets=1):
    book = openpyxl.Workbook()
    for _ in range(sheets - 1):
        book.create_sheet().append(["x"])
    for row in rows:
        book.active.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def refused(content):
    with pytest.raises(TableRefused) as caught:
        read_table(content)
    return caught.value.reason


def texts(table):
    return [text for _, text in table.decisions]


def test_a_plain_table_leaves_nothing_to_decide():
    table = read_table(PLAIN.encode())
    assert table.decisions == ()
    assert table.rows[1] == ("2021-05-04 10:33", "5.6")


def test_byte_order_mark_and_mixed_line_ends_are_said():
    table = read_table(b"\xef\xbb\xbf" + PLAIN.replace("\n", "\r\n", 1).encode())
    assert len(table.rows) == 3
    assert texts(table) == ["byte order mark: utf-8-sig", "mixed line ends read as line ends"]


def test_gbk_without_a_declared_character_set_is_read_and_said():
    table = read_table("姓名,张三丰\n日期,血糖\n2021-05-04 10:33,5.6\n".encode("gbk"))
    assert table.rows[0] == ("姓名", "张三丰")
    assert texts(table) == ["no declared character set: read as GB18030"]


def test_bytes_in_no_known_character_set_are_refused_not_replaced():
    assert refused(b"a,b\n\xff\xff\xff,1\nc,d\n") is Reason.CHARACTER_SET


def test_decimal_comma_is_told_from_the_delimiter():
    table = read_table(b"t;g\n1;5,6\n2;5,75\n3;\n")
    assert table.decimal == ","
    assert table.number("5,75") == 5.75
    assert texts(table) == ["delimiter ';'", "decimal comma"]


@pytest.mark.parametrize("text", ["t;g\n1;5,6\n2;5.7\n", "t;g\n1;5,600\n2;7,800\n"])
def test_an_ambiguous_decimal_mark_is_refused(text):
    assert refused(text.encode()) is Reason.UNSUPPORTED_FORM


def test_two_possible_delimiters_are_refused():
    assert refused(b"a;b,c\nd;e,f\ng;h,i\n") is Reason.UNSUPPORTED_FORM


def test_text_without_rows_is_no_table():
    assert refused(b"just a letter to a colleague\nwith two lines\n") is Reason.UNKNOWN_FORMAT
    assert refused(b" \n") is Reason.EMPTY_FILE
    assert refused(b"\x00\x01\x02,\x03\n") is Reason.UNKNOWN_FORMAT


def test_a_last_line_that_was_cut_off_is_found():
    assert refused(b"a,b,c\n1,2,3\n4,5,6\n7,8") is Reason.TRUNCATED
    assert refused("名,血糖,值\n一,2,3\n".encode() + "二,5,六".encode()[:-1]) is Reason.TRUNCATED


def test_a_workbook_gives_numbers_and_moments():
    content = workbook([["t", "g"], [datetime(2021, 5, 4, 0, 0), 5.6], [datetime(2021, 5, 4, 0, 15), 6]])
    rows = read_table(content).rows
    assert [row[1] for row in rows[1:]] == [5.6, 6.0]
    assert recognises(content[:64])


def test_a_workbook_without_its_end_is_truncated():
    content = workbook([["t", "g"], [1, 2]])
    assert refused(content[: len(content) // 2]) is Reason.TRUNCATED


def test_a_workbook_with_two_filled_sheets_is_refused():
    assert refused(workbook([["t"], [1]], sheets=2)) is Reason.UNSUPPORTED_FORM


def test_a_container_of_something_else_is_refused():
    assert refused(b"PK\x03\x04" + b"x" * 200 + b"PK\x05\x06" + bytes(18)) is Reason.HEADER_INVALID
    assert refused(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512 * 4 - 8)) is Reason.HEADER_INVALID


def test_a_reader_that_dies_or_takes_too_much_costs_its_own_file_only(monkeypatch, tmp_path):
    for program in (
        "import os; os.abort()",
        "bytearray(1 << 40)",
        "print('no json')",
        "import sys; sys.exit(3)",
    ):
        script = tmp_path / "reader.py"
        script.write_text(program)
        monkeypatch.setattr("medassay.formats.ivd.workbook.__file__", str(script))
        assert refused(workbook([["t", "g"], [1, 2]])) is Reason.HEADER_INVALID


def test_cells_of_a_workbook_come_with_their_kind():
    clock, day = time(8, 5), datetime(2021, 5, 4)
    rows = read_table(workbook([["t", "g", None, True], [clock, day, 1.25, "0012"]])).rows
    assert rows[0] == ("t", "g", None, "True")
    assert rows[1][0] == clock
    assert rows[1][1] in (day, day.date())
    assert rows[1][2:] == (1.25, "0012")


def test_a_midnight_that_comes_as_a_date_is_a_moment():
    assert moments([date(2021, 5, 4)])[0] == [datetime(2021, 5, 4)]


def test_day_and_month_are_told_by_the_data_or_refused():
    assert moments(["05/13/2021 08:00"]) == ([datetime(2021, 5, 13, 8)], "month before day")
    assert moments(["2021年5月4日 8:05"])[0] == [datetime(2021, 5, 4, 8, 5)]
    with pytest.raises(TableRefused):
        moments(["04/05/2021 08:00", "05/05/2021 08:00"])


@pytest.mark.parametrize("cell", ["2021-05-04", "2021-13-04 08:00", "2021-05-04 25:00", "王小明", 44320.5])
def test_what_is_no_moment_is_refused_without_repeating_it(cell):
    with pytest.raises(TableRefused) as caught:
        moments([cell])
    assert str(cell) not in str(caught.value)
