"""Results in words and numbers: censored ones stay censored, grades stay grades, withdrawn ones are set aside."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medassay.core.findings import Reason
from medassay.formats.ivd.results import Result, Value, findings_of, range_of, value_of

texts = {
    "5.6": Value(5.6),
    "＜０．１": Value(0.1, "<"),
    "<0.1": Value(0.1, "<"),
    "≥ 1000": Value(1000.0, ">="),
    "11.8↑": Value(11.8, flag="H"),
    "↓ 41": Value(41.0, flag="L"),
    "3.2 L": Value(3.2, flag="L"),
    "41 LL": Value(41.0, flag="LL"),
    "1e3": Value(1000.0),
    "-0.5": Value(-0.5),
    "阴性": Value(grade="negative"),
    "阴性(-)": Value(grade="negative"),
    "（－）": Value(grade="negative"),
    "弱阳性": Value(grade="weak"),
    "±": Value(grade="weak"),
    "+-": Value(grade="weak"),
    "阳性": Value(grade="1+"),
    "＋＋": Value(grade="2+"),
    "3+": Value(grade="3+"),
    "Negative": Value(grade="negative"),
    "NOT DETECTED": Value(grade="negative"),
    "1:160": Value(160.0, grade="titre"),
    "1.431.251.157": Value(),
    "1,234": Value(),
    "可疑：核左移": Value(),
    "": Value(),
    "9" * 400: Value(),
}


@pytest.mark.parametrize(("text", "value"), texts.items(), ids=map(repr, range(len(texts))))
def test_a_text_is_a_number_a_bound_a_grade_or_nothing(text, value):
    assert value_of(text) == value


@given(number=st.decimals(0, 10**6, places=2), sign=st.sampled_from(["<", ">", "<=", ">=", ""]))
def test_a_comparator_is_never_lost(number, sign):
    value = value_of(f"{sign}{number}")
    assert (value.number, value.comparator, value.measured) == (float(number), sign, sign == "")


@given(st.text(max_size=100))
def test_any_text_gives_a_value(text):
    value_of(text)
    range_of(text)


def result(text="5", unit="g/L", low=None, high=None, flag="", status="final"):
    return Result("a", "", value_of(text), unit, unit is not None, flag, low, high, status)


wrong = {
    "unit unknown": (Result("a", "", Value(5.0), None, True), Reason.UNIT_UNKNOWN),
    "unit missing": (Result("a", "", Value(5.0), None, False), Reason.UNIT_UNKNOWN),
    "range turned round": (result(low=9.0, high=3.0), Reason.VALUE_IMPLAUSIBLE),
    "high within its range": (result(low=3.0, high=9.0, flag="H"), Reason.VALUE_IMPLAUSIBLE),
    "low within its range": (result(low=3.0, high=9.0, flag="LL"), Reason.VALUE_IMPLAUSIBLE),
    "cancelled": (result(status="cancelled"), Reason.REFERENCE_INVALID),
    "entered in error": (result(status="entered in error"), Reason.REFERENCE_INVALID),
}


@pytest.mark.parametrize(("one", "reason"), wrong.values(), ids=wrong)
def test_what_is_wrong_with_a_result_is_counted(one, reason):
    assert [finding.reason for finding in findings_of([one])] == [reason]


@pytest.mark.parametrize(
    "one",
    [
        result(),
        result("10", low=3.0, high=9.0, flag="H"),
        result("<0.1", low=3.0, high=9.0, flag="H"),
        result("阴性", unit=None),
        result("1:160", unit=None),
    ],
)
def test_a_plain_result_has_nothing_wrong(one):
    assert list(findings_of([one])) == []
