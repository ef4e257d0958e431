"""`medassay score` on plain files: pairs by name, counts what is missing as wrong, refuses what it cannot pair."""

import json
import sys

import pytest

from medassay.cli.main import main
from medassay.core.errors import NothingReadable, WrongUse
from medassay.formats.waveform.szcore import Event, write_events
from medassay.verbs import score

EVENTS = [Event(120.0, 30.0), Event(1500.0, 45.0)]


def table(events):
    return write_events(events, duration_s=3600.0)


@pytest.fixture
def folders(tmp_path):
    reference, predictions = tmp_path / "reference", tmp_path / "predictions"
    reference.mkdir()
    predictions.mkdir()
    for name in ("a", "b", "c"):
        (reference / f"{name}.tsv").write_bytes(table(EVENTS))
        (predictions / f"{name}.tsv").write_bytes(table(EVENTS))
    return reference, predictions


def sensitivity(scored):
    return scored.figures["sensitivity"].value


def test_the_same_files_score_perfectly(folders):
    scored = score.run("events", *folders)
    assert sensitivity(scored) == 1.0
    assert scored.figures["sensitivity"].n_events == 6


def test_a_missing_prediction_counts_as_all_missed(folders):
    (folders[1] / "b.tsv").unlink()
    scored = score.run("events", *folders)
    assert sensitivity(scored) == pytest.approx(4 / 6)
    assert [case.status for case in scored.cases] == ["scored", "missing", "scored"]


def test_an_unreadable_prediction_counts_as_all_missed_and_says_why(folders):
    (folders[1] / "b.tsv").write_bytes(b"\xff\xfenot a table")
    scored = score.run("events", *folders)
    assert sensitivity(scored) == pytest.approx(4 / 6)
    assert scored.cases[1].status == "unreadable"
    assert "found" in scored.cases[1].reason


def test_a_prediction_of_an_unknown_case_is_refused(folders):
    (folders[1] / "d.tsv").write_bytes(table(EVENTS))
    with pytest.raises(WrongUse, match="a prediction for 'd'"):
        score.run("events", *folders)


def test_a_reference_that_cannot_be_read_is_an_error_and_never_a_score(folders):
    (folders[0] / "b.tsv").write_bytes(b"\xff\xfenot a table")
    with pytest.raises(WrongUse, match=r"b\.tsv"):
        score.run("events", *folders)


def test_an_empty_reference_folder_is_nothing_readable(tmp_path):
    (tmp_path / "none").mkdir()
    with pytest.raises(NothingReadable):
        score.run("events", tmp_path / "none", tmp_path / "none")


def test_an_unknown_task_is_answered_with_those_that_exist(folders):
    with pytest.raises(WrongUse, match="beats"):
        score.run("evnts", *folders)


def test_the_order_of_the_files_changes_no_figure(folders, tmp_path):
    (folders[1] / "a.tsv").write_bytes(table([]))
    before = score.run("events", *folders).figures
    turned = tmp_path / "turned"
    turned.mkdir()
    for old, new in (("a", "c"), ("b", "a"), ("c", "b")):
        (turned / f"{new}.tsv").write_bytes((folders[1] / f"{old}.tsv").read_bytes())
    after = score.run("events", folders[0], turned).figures
    assert after["sensitivity"].value == before["sensitivity"].value


def test_the_record_on_the_command_line_is_json_with_the_intervals(folders, capsys, monkeypatch):
    (folders[1] / "b.tsv").write_bytes(table(EVENTS[:1]))
    monkeypatch.setattr(sys, "argv", ["medassay", "score", "events", *map(str, folders), "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    record = json.loads(capsys.readouterr().out)
    figure = record["figures"]["sensitivity"]
    assert record["schema_id"] == "medassay.score/1"
    assert figure["value"] == pytest.approx(5 / 6)
    assert figure["lower"] < figure["value"] <= figure["upper"]


def of_people(tmp_path, text):
    path = tmp_path / "people.csv"
    path.write_text(text)
    return path


def test_files_of_one_person_are_resampled_together_and_the_figure_stays(folders, tmp_path):
    (folders[1] / "b.tsv").unlink()
    people = of_people(tmp_path, "case,subject\na,p1\nb,p1\nc,p2\nelsewhere,p3\n")
    alone, together = score.run("events", *folders), score.run("events", *folders, subjects=people)
    assert (alone.unit_of_analysis, together.unit_of_analysis) == ("file", "subject")
    assert sensitivity(together) == sensitivity(alone)
    assert together.figures["sensitivity"].n_subjects == 2
    assert alone.remarks != together.remarks == ()
    own = of_people(tmp_path, "case,subject\na,1\nb,2\nc,3\n")
    assert score.run("events", *folders, subjects=own).figures == alone.figures


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("case,subject\na,p1\nb,p1\n", "1 cases without a subject"),
        ("case,subject\na,p1\nb,p1\nc,p2\nc,p1\n", "stands twice"),
        ("case,subject\na,p1\nb,\nc,p2\n", "without a case"),
        ("file,subject\na,p1\n", "case"),
    ],
)
def test_a_list_of_people_that_leaves_a_file_open_is_refused(folders, tmp_path, text, said):
    with pytest.raises(WrongUse, match=said):
        score.run("events", *folders, subjects=of_people(tmp_path, text))


def test_a_list_of_people_that_is_not_there_is_wrong_use(folders, tmp_path):
    with pytest.raises(WrongUse, match="no such file"):
        score.run("events", *folders, subjects=tmp_path / "nowhere.csv")


def test_a_table_names_its_people_itself(tmp_path):
    rows = tmp_path / "t.csv"
    rows.write_text("case,count\na,1\n")
    with pytest.raises(WrongUse, match="column `subject`"):
        score.run("counting", rows, rows, subjects=rows)
