"""Panels as laboratories print them: titles above, Chinese or English headings, arrows, grades, full-width digits."""

import pytest

from medassay.core.findings import Reason, Severity
from medassay.formats.ivd import analyser_panel, table
from medassay.formats.ivd.write_table import write_delimited, write_workbook

TITLE = ["示范医院检验报告单", None, None, None, None, None]
PATIENT = ["姓名：测试甲", "性别：女", "年龄：62岁", None, None, None]
HEADER = ["项目代码", "检验项目", "结果", "提示", "单位", "参考范围"]
ROWS = [
    ["WBC", "白细胞计数", "１１．８", "↑", "×10⁹/L", "3.5-9.5"],
    ["RBC", "红细胞计数", 4.1, None, "10^12/L", "3.8～5.1"],
    ["PLT", "血小板计数", "41↓↓", None, "10*9/L", "125--350"],
    ["CRP", "C反应蛋白", "<0.5", None, "mg/L", "0-10"],
    ["PRO", "尿蛋白", "弱阳性", None, None, "阴性"],
    ["GLU", "尿糖", "±", None, None, "阴性"],
    ["KET", "酮体", "阴性(-)", None, None, "阴性"],
    ["MOR", "形态", "未见异常细胞形态改变", None, None, None],
]


def panel(rows=ROWS, header=HEADER, above=(TITLE, PATIENT)):
    return table.read_table(write_workbook([*above, header, *rows], merged=["A1:F1"]))


def test_a_merged_title_and_chinese_headings_do_not_hide_the_results():
    opened = analyser_panel.opened(panel())
    told = [
        (one.code, one.value.number, one.value.comparator, one.value.grade, one.unit, one.flag)
        for one in analyser_panel.results(opened)
    ]
    assert told == [
        ("WBC", 11.8, "", "", "10*9/L", "H"),
        ("RBC", 4.1, "", "", "10*12/L", ""),
        ("PLT", 41.0, "", "", "10*9/L", "LL"),
        ("CRP", 0.5, "<", "", "mg/L", ""),
        ("PRO", None, "", "weak", None, ""),
        ("GLU", None, "", "weak", None, ""),
        ("KET", None, "", "negative", None, ""),
        ("MOR", None, "", "", None, ""),
    ]
    facts = analyser_panel.describe(opened)
    assert (facts["title_rows"], facts["numbers"], facts["censored"], facts["grades"]) == (2, 3, 1, 3)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16"])
def test_the_same_panel_as_text_says_the_same(encoding):
    rows = [[cell if cell != "×10⁹/L" else "10^9/L" for cell in row] for row in ROWS]
    text = write_delimited([HEADER, *rows], encoding=encoding)
    spoken = analyser_panel.results(analyser_panel.opened(table.read_table(text)))
    assert spoken == analyser_panel.results(analyser_panel.opened(panel()))


def findings(read):
    return {(f.reason, f.severity) for f in analyser_panel.examine(analyser_panel.opened(read))}


def test_a_person_named_above_the_table_is_said_without_the_name():
    assert (Reason.IDENTITY_LEFT, Severity.WARN) in findings(panel())
    assert (Reason.IDENTITY_LEFT, Severity.WARN) not in findings(panel(above=(TITLE,)))
    told = "".join(f.model_dump_json() for f in analyser_panel.examine(analyser_panel.opened(panel())))
    assert "测试甲" not in told


faults = {
    "no unit": ([["A", "a", 5.0, None, None, None]], Reason.UNIT_UNKNOWN, Severity.WARN),
    "unit that is none": ([["A", "a", 5.0, None, "zorkmid", None]], Reason.UNIT_UNKNOWN, Severity.WARN),
    "flag against range": ([["A", "a", 5.0, "↑", "g/L", "3-9"]], Reason.VALUE_IMPLAUSIBLE, Severity.WARN),
    "no result": ([["A", "a", None, None, "g/L", "3-9"]], Reason.REFERENCE_MISSING, Severity.REFUSE),
}


@pytest.mark.parametrize(("rows", "reason", "severity"), faults.values(), ids=faults)
def test_what_is_wrong_with_a_panel_is_said(rows, reason, severity):
    assert (reason, severity) in findings(panel(rows))


def test_a_header_printed_on_each_page_is_no_result():
    assert len(analyser_panel.results(analyser_panel.opened(panel([*ROWS, HEADER, *ROWS])))) == 16


def test_a_table_of_other_columns_is_no_panel():
    read = table.read_table(b"result,day,site,sample\n12.5,1,1,P1\n11.8,1,1,P1\n")
    assert not analyser_panel.is_panel(table.read_table(b"meth,item,y\nA,1,2\nB,1,3\n"))
    assert analyser_panel.is_panel(read) is False
    with pytest.raises(table.TableRefused):
        analyser_panel.opened(read)
