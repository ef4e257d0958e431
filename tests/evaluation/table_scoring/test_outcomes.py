"""What becomes of a prediction that is malformed, missing, doubled, NaN, out of range, unknown or out of order.

The table in docs/score.md says it for every task; these tests hold it.
"""

import importlib

import pytest

from medassay.core.errors import WrongUse
from medassay.core.rooms import names_of
from medassay.evaluation.methods import methods_of_figures

ROOM = "medassay.evaluation.table_scoring"
REFERENCE = {
    "classification": "case,label\n" + "".join(f"c{n},{int(n % 3 == 0)}\n" for n in range(12)),
    "counting": "case,count\n" + "".join(f"c{n},{n}\n" for n in range(12)),
    "measurement": "case,value\n" + "".join(f"c{n},{100 + 7 * n}\n" for n in range(12)),
    "detection": "case,x,y,width,height\n" + "".join(f"c{n},{10 * n},5,20,30\n" for n in range(12)),
    "reader_study": "case,truth\n" + "".join(f"c{n},{int(n % 2)}\n" for n in range(12)),
}
READERS, AIDS = ("r1", "r2", "r3"), ("alone", "aided")
HEADER = {
    "classification": "case,score",
    "counting": "case,count",
    "measurement": "case,value",
    "detection": "case,x,y,width,height,score",
    "reader_study": "reader,treatment,case,rating",
}
ROWS = {
    "classification": [f"c{n},{0.05 * n + 0.4 * (n % 3 == 0):.2f}" for n in range(12)],
    "counting": [f"c{n},{n + n % 2}" for n in range(12)],
    "measurement": [f"c{n},{101 + 7 * n + n % 3}" for n in range(12)],
    "detection": [f"c{n},{10 * n + 1},5,20,30,{0.9 - 0.05 * n:.2f}" for n in range(12)],
    "reader_study": [
        f"{reader},{aid},c{n},{(n * 7 + 3 * k + 2 * (n % 2) * (1 + (aid == 'aided'))) % 11}"
        for k, reader in enumerate(READERS)
        for aid in AIDS
        for n in range(12)
    ],
}
# The cell of case c3's (first) row that holds what is predicted, and what lies outside of its range.
OUT_OF_RANGE = {"classification": "1.7", "counting": "2.5", "measurement": "inf", "reader_study": "inf"}
HEADLINE = {
    "classification": "accuracy",
    "counting": "exact_count_rate",
    "measurement": "measured",
    "detection": "cpm",
    "reader_study": "mean_auc[aided]",
}
TASKS = sorted(REFERENCE)
VALUED = sorted(OUT_OF_RANGE)


def score(task, rows, header=None, reference=None, **options):
    module = importlib.import_module(f"{ROOM}.{task}")
    options.setdefault("replicates", 200)
    predictions = (header or HEADER[task]) + "\n" + "\n".join(rows) + "\n"
    given = reference or REFERENCE[task]
    return module.score(
        {"reference.csv": given.encode()},
        {"predictions.csv": predictions.encode()},
        module.Options(**options),
    )


def with_cell(task, text):
    """The rows, with other text as what is predicted of the case c3."""
    rows = list(ROWS[task])
    at = next(n for n, row in enumerate(rows) if "c3" in row.split(","))
    rows[at] = rows[at].rsplit(",", 1)[0] + f",{text}"
    return rows


def outcome(found, case="c3"):
    return next(one for one in found.cases if one.case == case)


def test_every_task_of_tables_is_tried():
    assert names_of(ROOM) == TASKS


@pytest.mark.parametrize("task", TASKS)
def test_every_case_of_the_reference_is_accounted_for(task):
    found = score(task, ROWS[task])
    assert [case.case for case in found.cases] == [f"c{n}" for n in range(12)]
    assert {case.status for case in found.cases} == {"scored"}
    assert found.figures[HEADLINE[task]].value is not None


@pytest.mark.parametrize("task", TASKS)
def test_the_order_of_predictions_changes_nothing(task):
    found, turned = score(task, ROWS[task]), score(task, ROWS[task][::-1])
    assert turned.figures == found.figures
    assert turned.cases == found.cases


@pytest.mark.parametrize("task", TASKS)
def test_predictions_that_are_no_table_are_refused(task):
    for broken in (b"", b"\xff\xfe\x00", b"PK\x03\x04 no text", b"case\n", b'case,"score\n'):
        module = importlib.import_module(f"{ROOM}.{task}")
        with pytest.raises(WrongUse):
            module.score({"r.csv": REFERENCE[task].encode()}, {"p.csv": broken}, module.Options())


@pytest.mark.parametrize("task", TASKS)
def test_a_torn_row_is_refused_with_its_line(task):
    with pytest.raises(WrongUse, match=f"line {len(ROWS[task]) + 2}"):
        score(task, [*ROWS[task], "c3"])


@pytest.mark.parametrize("task", TASKS)
def test_a_missing_column_is_refused_with_its_name(task):
    header = HEADER[task].replace("case", "patient")
    with pytest.raises(WrongUse, match="'case'"):
        score(task, ROWS[task], header=header)


@pytest.mark.parametrize("task", [task for task in TASKS if task != "detection"])
def test_a_second_prediction_of_a_case_is_refused(task):
    with pytest.raises(WrongUse, match="1 rows of a case that stands in an earlier row"):
        score(task, [*ROWS[task], ROWS[task][3]])


@pytest.mark.parametrize("task", TASKS)
def test_a_prediction_of_an_unknown_case_is_refused_unless_it_is_declared_to_be_left_out(task):
    stranger = ROWS[task][3].replace("c3", "stranger")
    with pytest.raises(WrongUse, match="1 predictions of cases that have no reference") as refused:
        score(task, [*ROWS[task], stranger])
    assert "stranger" not in str(refused.value)
    found = score(task, [*ROWS[task], stranger], unknown_cases="left_out")
    assert found.left_out == 1
    assert found.figures == score(task, ROWS[task]).figures


@pytest.mark.parametrize("task", [task for task in TASKS if task != "reader_study"])
def test_a_case_without_a_prediction_stays_in_the_denominator_and_is_no_gain(task):
    rows = [row for row in ROWS[task] if "c4" not in row.split(",")]  # which is predicted rightly
    found, whole = score(task, rows), score(task, ROWS[task])
    assert outcome(found, "c4").status == "missing"
    assert len(found.cases) == 12
    first, second = found.figures[HEADLINE[task]], whole.figures[HEADLINE[task]]
    assert (first.n_subjects, first.n_events) == (second.n_subjects, second.n_events)
    assert first.value < second.value


@pytest.mark.parametrize("task", VALUED)
@pytest.mark.parametrize(
    ("cell", "status"),
    [("", "missing"), ("NaN", "missing"), ("n/a", "missing"), ("high", "unreadable"), ("1,5", None)],
)
def test_a_cell_that_is_no_number_costs_its_case_alone(task, cell, status):
    if status is None:  # a decimal comma is one cell too many: nobody can tell whose values moved
        with pytest.raises(WrongUse, match="cells under"):
            score(task, with_cell(task, cell))
        return
    found = score(task, with_cell(task, cell))
    expected = "unusable" if task == "reader_study" else status
    assert outcome(found).status == expected
    assert {case.status for case in found.cases if case.case != "c3"} == {"scored"}
    assert all(estimate.value is None or abs(estimate.value) < 1e6 for estimate in found.figures.values())


@pytest.mark.parametrize("task", VALUED)
def test_a_value_out_of_range_is_scored_as_a_missing_one_and_says_so(task):
    found = score(task, with_cell(task, OUT_OF_RANGE[task]))
    missing = score(task, with_cell(task, ""))
    assert outcome(found).status == "unusable"
    assert outcome(found).reason
    assert found.figures == missing.figures


@pytest.mark.parametrize("task", VALUED)
def test_what_is_wrong_is_said_without_the_value(task):
    found = score(task, with_cell(task, "张三"))
    assert "张三" not in " ".join([outcome(found).reason, *found.remarks])


@pytest.mark.parametrize("task", ["classification", "counting", "measurement", "detection"])
@pytest.mark.parametrize("cell", ["", "NaN", "x"])
def test_a_flawed_reference_is_an_error_and_never_a_score(task, cell):
    lines = REFERENCE[task].splitlines()
    lines[4] = lines[4].rsplit(",", 1)[0] + f",{cell}"
    with pytest.raises(WrongUse, match="reference"):
        score(task, ROWS[task], reference="\n".join(lines))


@pytest.mark.parametrize("task", ["classification", "counting", "measurement", "reader_study"])
def test_a_case_that_stands_twice_in_the_reference_is_an_error(task):
    lines = REFERENCE[task].splitlines()
    with pytest.raises(WrongUse, match="stands in an earlier row"):
        score(task, ROWS[task], reference="\n".join([*lines, lines[4]]))


@pytest.mark.parametrize("task", TASKS)
def test_every_headline_figure_is_entered_twice(task):
    found = score(task, ROWS[task])
    assert found.again
    assert all(entry.agrees for entry in found.again)
    assert all(entry.by for entry in found.again)


@pytest.mark.parametrize("task", TASKS)
def test_columns_of_other_names_are_named_in_the_options(task):
    renamed = HEADER[task].replace("case", "image")
    found = score(task, ROWS[task], header=renamed, prediction_columns={"case": "image"})
    assert found.figures == score(task, ROWS[task]).figures


@pytest.mark.parametrize("task", TASKS)
def test_a_table_with_a_byte_order_mark_semicolons_and_windows_line_ends_is_the_same_table(task):
    module = importlib.import_module(f"{ROOM}.{task}")
    text = "\r\n".join([HEADER[task], *ROWS[task]]).replace(",", ";")
    found = module.score(
        {"r.csv": REFERENCE[task].encode()},
        {"p.csv": "\ufeff".encode() + text.encode()},
        module.Options(replicates=200),
    )
    assert found.figures == score(task, ROWS[task]).figures


@pytest.mark.parametrize("task", TASKS)
def test_every_figure_of_a_task_has_its_method_in_the_catalogue(task):
    kinds = {
        "classification": [{"at_prevalence": 0.1}],
        "detection": [{"threshold": 0.5}],
        "measurement": [
            {"allowable": 5.0, "decision_levels": (120.0,)},
            {"quantity": "glucose", "unit": "mg/dL"},
            {"quantity": "systolic", "unit": "mm[Hg]"},
        ],
    }
    for options in kinds.get(task, [{}]):
        figures = score(task, ROWS[task], **options).figures
        assert set(figures) - set(methods_of_figures(task, figures)) == set()
