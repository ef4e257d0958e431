"""`medassay score` on public files: the reference as it lies there, the device made from it by a seeded disturbance."""

import csv
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from medassay.cli.main import main
from medassay.core.errors import WrongUse
from medassay.formats.predictions.marks import read_marks
from medassay.formats.waveform.edf_marks import Mark
from medassay.formats.waveform.edf_writer import write as write_edf
from medassay.verbs import score
from medassay.verbs.score.record import ScoreTable

SHARED = Path(__file__).parents[3] / "shared"
DATA, READER, BEATS = SHARED / "data", SHARED / "reference" / "reader", SHARED / "reference" / "beats"
shared = [
    pytest.mark.shared,
    pytest.mark.skipif(not DATA.is_dir(), reason="the public data are not beside this repository"),
]


def write(path, header, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(header)
        out.writerows(rows)
    return path


def options(folder, **declared):
    path = folder / "options.yaml"
    path.write_text(json.dumps({"replicates": 200, **declared}), "utf-8")
    return path


def value(table, figure):
    assert ScoreTable.model_validate_json(table.model_dump_json()) == table
    return table.figures[figure].value


class TestPublicFiles:
    pytestmark = shared

    def test_nodules_of_a_real_submission(self, tmp_path):
        """LUNA16's own four files, as its evaluation script reads them."""
        reference = tmp_path / "reference"
        reference.mkdir()
        for name in ("annotations_60.csv", "annotations_excluded_60.csv", "seriesuids_60.csv"):
            shutil.copy(DATA / "luna16-csv" / name, reference)
        table = score.run(
            "detection", reference, DATA / "luna16-csv" / "submission_dpn26_60.csv", options=options(tmp_path)
        )
        assert len(table.cases) == 60
        assert sum(case.statistics["findings"] for case in table.cases) == 74
        assert value(table, "sensitivity") == pytest.approx(73 / 74)

    def test_blood_cells_in_voc_files(self, tmp_path):
        files = {
            path.name: path.read_bytes() for path in sorted((DATA / "bccd" / "Annotations").iterdir())[:40]
        }
        reference = tmp_path / "voc"
        reference.mkdir()
        for name, content in files.items():
            (reference / name).write_bytes(content)
        rng = np.random.default_rng(1)
        rows = [
            (
                mark.case,
                *(np.array(mark.place) + rng.normal(0, 1, 4).clip(-2, 2)).clip(0),
                mark.label,
                rng.uniform(),
            )
            for mark in read_marks(files).marks
            if rng.uniform() < 0.9
        ]
        made = write(tmp_path / "made.csv", ["case", "x", "y", "width", "height", "label", "score"], rows)
        table = score.run("detection", reference, made, options=options(tmp_path))
        assert 0.8 < value(table, "sensitivity") < 0.95
        assert 0.5 < value(table, "average_precision_50[RBC]") < 1

    def test_chest_radiographs(self, tmp_path):
        labels = DATA / "cxr" / "labels.csv"
        rng = np.random.default_rng(2)
        with labels.open() as file:
            rows = [
                (row["file"], round(float(np.clip(rng.normal(0.3 + 0.4 * int(row["label"]), 0.2), 0, 1)), 4))
                for row in csv.DictReader(file)
            ]
        made = write(tmp_path / "made.csv", ["case", "score"], rows)
        declared = options(tmp_path, reference_columns={"case": "file"})
        table = score.run("classification", labels, made, options=declared)
        assert value(table, "prevalence") == pytest.approx(700 / 800)
        assert 0.85 < value(table, "auc") < 0.97

    def test_laboratory_panels_of_several_classes(self, tmp_path):
        panel = DATA / "lab-panels" / "hcvdat0_615_donors.csv"
        rng = np.random.default_rng(3)
        with panel.open() as file:
            truth = [row["Category"] for row in csv.DictReader(file)]
        said = [label if rng.uniform() < 0.9 else truth[int(rng.integers(len(truth)))] for label in truth]
        made = write(tmp_path / "made.csv", ["case", "predicted"], [(n + 1, s) for n, s in enumerate(said)])
        declared = options(tmp_path, kind="multiclass", reference_columns={"case": "#", "label": "Category"})
        table = score.run("classification", panel, made, options=declared)
        assert value(table, "accuracy") == pytest.approx(
            np.mean([a == b for a, b in zip(truth, said, strict=True)])
        )
        assert value(table, "kappa") > 0.5

    def test_glucose_pairs_are_two_columns_of_one_file(self, tmp_path):
        lines = (DATA / "glucose-pairs" / "ega_glucose_data.csv").read_text("utf-8").splitlines()[:801]
        pairs = tmp_path / "pairs.csv"
        pairs.write_text("\n".join(lines), "utf-8")
        declared = options(
            tmp_path,
            quantity="glucose",
            unit="mg/dL",
            reference_columns={"case": "#", "value": "ref"},
            prediction_columns={"case": "#", "value": "test"},
        )
        table = score.run("measurement", pairs, pairs, options=declared)
        with pairs.open() as file:
            rows = [(float(row["ref"]), float(row["test"])) for row in csv.DictReader(file)]
        assert value(table, "mard") == pytest.approx(np.mean([100 * abs(y - x) / x for x, y in rows]))
        assert sum(value(table, f"clarke_zone[{zone}]") for zone in "ABCDE") == pytest.approx(1)
        assert {judged.verdict for judged in table.criteria} == {"not_enough"}  # one lot, not three

    def test_a_method_comparison_with_missing_values_keeps_them(self, tmp_path):
        pairs = DATA / "method-comparison" / "mcr_creatinine.csv"
        declared = options(
            tmp_path,
            unit="mg/dL",
            reference_columns={"case": "#", "value": "serum.crea"},
            prediction_columns={"case": "#", "value": "plasma.crea"},
        )
        table = score.run("measurement", pairs, pairs, options=declared)
        assert value(table, "measured") == pytest.approx(108 / 110)
        assert sum(case.status == "missing" for case in table.cases) == 2
        assert 0.9 < value(table, "passing_bablok_slope") < 1.1

    def test_a_reader_study_gives_the_published_difference(self):
        """VanDyke, jackknife: areas .8970 and .9408, p = .0517 (MRMCaov and RJafroc)."""
        table = score.run("reader-study", READER / "VanDyke.csv", READER / "VanDyke.csv")
        assert value(table, "mean_auc[1]") == pytest.approx(0.8970, abs=5e-5)
        assert value(table, "mean_auc[2]") == pytest.approx(0.9408, abs=5e-5)
        assert table.tests["equality"].p_value == pytest.approx(0.0517, abs=5e-5)
        assert len([figure for figure in table.figures if figure.startswith("auc[")]) == 10

    def test_beats_beside_their_headers_need_no_other_folder(self, tmp_path):
        folder = BEATS / "misses"
        reference, made = tmp_path / "reference", tmp_path / "made"
        reference.mkdir()
        made.mkdir()
        for path in folder.iterdir():
            if path.suffix in (".atr", ".hea"):
                shutil.copy(path, reference)
            elif path.suffix == ".tst":
                shutil.copy(path, made)
        table = score.run("beats", reference, made)
        assert 0.9 < value(table, "sensitivity[QRS]") < 1
        assert all(entry.first == entry.second for entry in table.double_entry)


def edf_events(*events, length=600):
    import datetime

    from medassay.formats.waveform.edf import Signal

    return write_edf(
        patient=b"X X X X",
        recording=b"Startdate X X X X",
        start=datetime.datetime(2020, 1, 1),
        record_s=1,
        signals=[(Signal("EEG Fp1", "uV", -100, 100, -32768, 32767, 10), np.zeros(10 * length, np.int16))],
        marks=[Mark(onset, duration, text) for onset, duration, text in events],
    )


def test_events_are_read_from_annotations_of_an_edf_file(tmp_path):
    reference, made = tmp_path / "a.edf", tmp_path / "b.edf"
    reference.write_bytes(edf_events((100, 30, b"sz_foc"), (400, 40, b"sz"), (10, None, b"eyes closed")))
    made.write_bytes(edf_events((105, 20, b"sz")))
    table = score.run("events", reference, made)
    assert value(table, "sensitivity") == 0.5
    assert table.cases[0].statistics["days"] == pytest.approx(600 / 86400)


def test_an_event_without_a_duration_is_unreadable(tmp_path):
    reference, made = tmp_path / "a.edf", tmp_path / "b.edf"
    reference.write_bytes(edf_events((100, 30, b"sz")))
    made.write_bytes(edf_events((105, None, b"sz")))
    assert score.run("events", reference, made).cases[0].status == "unreadable"


def test_a_task_is_found_by_the_name_that_people_give_it(tmp_path):
    table = write(tmp_path / "r.csv", ["case", "count"], [("a", 1), ("b", 2)])
    assert score.run("counting", table, table).task == "counting"
    with pytest.raises(WrongUse, match="structures"):  # masks: which structures is asked, not guessed
        score.run("segmentation", table, table)
    with pytest.raises(WrongUse, match="one of alarms, beats, classification"):
        score.run("guessing", table, table)


def test_options_that_the_task_does_not_have_are_refused_with_the_nearest_name(tmp_path):
    table = write(tmp_path / "r.csv", ["case", "count"], [("a", 1), ("b", 2)])
    with pytest.raises(WrongUse, match="tolerance"):
        score.run("counting", table, table, options=options(tmp_path, tolerence=1))


def test_every_figure_on_the_command_line_stands_with_its_method(tmp_path, capsys, monkeypatch):
    reference = write(tmp_path / "r.csv", ["case", "count"], [(f"c{n}", n) for n in range(8)])
    made = write(tmp_path / "m.csv", ["case", "count"], [(f"c{n}", n + n % 2) for n in range(7)])
    monkeypatch.setattr(sys, "argv", ["medassay", "score", "counting", str(reference), str(made), "--json"])
    with pytest.raises(SystemExit):
        main()
    record = json.loads(capsys.readouterr().out)
    assert set(record["methods"]) == set(record["figures"])
    assert record["cases"][7]["status"] == "missing"
    monkeypatch.setattr(sys, "argv", ["medassay", "score", "counting", str(reference), str(made)])
    with pytest.raises(SystemExit):
        main()
    shown = capsys.readouterr().out
    assert "missing 1" in shown
    assert "1 of 8 cases have no usable prediction" in shown
