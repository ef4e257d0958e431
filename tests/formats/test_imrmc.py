import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.core.findings import Reason
from medassay.formats.imrmc import ReaderStudyFile, Reading, read_imrmc, recognises, write_imrmc

HEAD = "Two readers, two cases\nN0: 1\nN1: 1\nNR: 2\nNM: 1\nBEGIN DATA:\ntruth,n,truth,0\ntruth,p,truth,1\n"
GOOD = HEAD + "r1,n,CT,1\nr1,p,CT,4.5\nr2,n,CT,-2\nr2,p,CT,3e2\n"

# what is wrong: (the line that stands after the two truths, or for the whole file, the reason)
FAULTS = {
    "a field too few": ("r1,n,CT\n", Reason.TRUNCATED),
    "a field too many": ("r1,n,CT,1,2\n", Reason.UNSUPPORTED_FORM),
    "an empty name": (",n,CT,1\n", Reason.UNSUPPORTED_FORM),
    "semicolons": ("r1;n;CT;1\n", Reason.TRUNCATED),
    "no number": ("r1,n,CT,high\n", Reason.VALUE_IMPLAUSIBLE),
    "NaN": ("r1,n,CT,NaN\n", Reason.VALUE_IMPLAUSIBLE),
    "infinite": ("r1,n,CT,1e999\n", Reason.VALUE_IMPLAUSIBLE),
    "digits apart": ("r1,n,CT,1_0\n", Reason.VALUE_IMPLAUSIBLE),
    "a case without truth": ("r1,q,CT,1\n", Reason.REFERENCE_MISSING),
    "a truth of 2": ("truth,q,truth,2\n", Reason.REFERENCE_INVALID),
    "a second truth": ("truth,p,truth,0\n", Reason.REFERENCE_INVALID),
    "read twice": ("r1,n,CT,1\nr1,n,CT,2\n", Reason.DUPLICATE),
}


def test_truth_and_readings_come_in_columns_for_the_statistics():
    file, findings = read_imrmc(GOOD)
    assert findings == ()
    assert file.header == ("Two readers, two cases",)
    assert file.columns() == {
        "reader": ["r1", "r1", "r2", "r2"],
        "treatment": ["CT"] * 4,
        "case": ["n", "p", "n", "p"],
        "positive": [False, True, False, True],
        "rating": [1.0, 4.5, -2.0, 300.0],
    }


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("\n", "\r\n"),
        "\ufeff" + GOOD,
        GOOD.replace("truth,", "-1,", 2).replace(",truth,", ",0,"),
        GOOD.replace("r1,n,CT,", " r1 ,n, C T ,\t"),
        GOOD.replace("BEGIN DATA:", "begin data:,,,").replace("CT,1\n", "CT,1,,\n"),
        GOOD + "\n,,,\n",
    ],
    ids=["windows", "byte-order-mark", "truth is -1", "spaces", "spreadsheet", "empty lines"],
)
def test_the_forms_that_writers_use_read_the_same(text):
    assert read_imrmc(text) == read_imrmc(GOOD)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_line_that_is_no_reading_is_said_with_its_number_and_costs_no_other(fault):
    lines, reason = FAULTS[fault]
    file, findings = read_imrmc(HEAD.split("N0:")[0] + "BEGIN DATA:\n" + HEAD.split("DATA:\n")[1] + lines)
    assert [finding.reason for finding in findings] == [reason]
    assert findings[0].where == f"line {4 + lines.count(chr(10))}"
    kept = 1 if fault == "read twice" else 0
    assert len(file.readings) == kept
    assert "high" not in findings[0].found


def test_a_case_with_two_truths_leaves_with_its_readings():
    file, findings = read_imrmc(GOOD + "truth,p,truth,0\n")
    assert set(file.positive) == {"n"}
    assert {reading.case for reading in file.readings} == {"n"}
    assert Reason.REFERENCE_INVALID in {finding.reason for finding in findings}


def test_declared_sizes_are_held_against_the_lines():
    _, findings = read_imrmc(GOOD.replace("NR: 2", "NR: 3").replace("NM: 1", "NM: one"))
    assert [finding.found for finding in findings] == [
        "NR declared as 3, counted 2 readers",
        "NM declared as no whole number, counted 1 modalities",
    ]


def test_a_file_without_the_line_that_begins_the_data_is_refused():
    assert not recognises(b"reader,case,modality,score\nr1,n,CT,1\n")
    assert recognises(GOOD.encode())
    with pytest.raises(WrongUse, match="BEGIN DATA:"):
        read_imrmc("r1,n,CT,1\n")


names = st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"]), min_size=1, max_size=6).filter(
    lambda name: "," not in name and name.strip().lower() not in ("truth", "-1") and not name.isspace()
)


@settings(max_examples=50)
@given(
    st.dictionaries(names, st.booleans(), min_size=1, max_size=4),
    st.lists(st.tuples(names, names, st.floats(allow_nan=False, allow_infinity=False)), max_size=8),
    st.lists(st.sampled_from(["a study", "", "读片研究", "N0 is not declared here"]), max_size=3),
    st.randoms(),
)
def test_what_is_written_is_read_back_to_the_last_digit(positive, drawn, header, random):
    cases = list(positive)
    readings = {(r, m, random.choice(cases)): score for r, m, score in drawn}
    file = ReaderStudyFile(
        tuple(header), positive, tuple(Reading(r, c, m, score) for (r, m, c), score in readings.items())
    )
    assert read_imrmc(write_imrmc(file)) == (file, ())


UNWRITABLE = {
    "a comma in a name": ReaderStudyFile((), {"a,b": True}, ()),
    "a space in a name": ReaderStudyFile((), {"a b": True}, ()),
    "an empty name": ReaderStudyFile((), {"a": True}, (Reading("", "a", "CT", 1),)),
    "the name of the truth": ReaderStudyFile((), {"a": True}, (Reading("truth", "a", "CT", 1),)),
    "no truth": ReaderStudyFile((), {}, (Reading("r", "a", "CT", 1),)),
    "not finite": ReaderStudyFile((), {"a": True}, (Reading("r", "a", "CT", float("nan")),)),
    "a header that begins the data": ReaderStudyFile(("begin data: now",), {"a": True}, ()),
    "a header that declares a size": ReaderStudyFile(("N0: 7",), {"a": True}, ()),
    "a header of two lines": ReaderStudyFile(("one\ntwo",), {"a": True}, ()),
}


@pytest.mark.parametrize("fault", UNWRITABLE)
def test_what_could_not_be_read_back_is_not_written(fault):
    with pytest.raises(WrongUse):
        write_imrmc(UNWRITABLE[fault])
