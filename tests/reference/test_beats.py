"""Every case that WFDB's own `bxb` 10.7.0 counted beside this repository."""

import json
from pathlib import Path

import numpy as np
import pytest

from medassay.formats.waveform.wfdb_annotation import read_annotations
from medassay.tasks.beats import COLUMNS, ROWS, BeatRules, Labels, match_beats

FOLDER = Path(__file__).parents[3] / "shared" / "reference" / "beats"
CASES = json.loads((FOLDER / "index.json").read_text()) if FOLDER.is_dir() else []

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not CASES, reason="the reference beats are not beside this repository"),
]


def labels(case, suffix):
    found = read_annotations((FOLDER / f"{case['case']}{suffix}").read_bytes())
    return Labels(found.samples, found.symbols, found.subtypes)


def matched(case):
    return match_beats(
        labels(case, ".atr"),
        labels(case, ".tst"),
        sampling_hz=case["fs"],
        length=case["nsamples"],
        rules=BeatRules(start_s=float(case["f"])),
    )


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_matrix_is_that_of_bxb(case):
    expected = case["expected"]["bxb"]["matrix"]
    found = matched(case).counts()
    ours = {row: [found[row + column] for column in COLUMNS if row + column in found] for row in ROWS}
    assert ours == expected


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_figures_are_those_of_bxb(case):
    found = matched(case).counts()
    for name, ours in {"QRS": "QRS", "VEB": "V", "SVEB": "S"}.items():
        for figure, miss in {"sensitivity": "FN", "positive predictivity": "FP"}.items():
            expected = case["expected"]["bxb"][f"{name} {figure}"]
            total = found[f"{ours}_TP"] + found[f"{ours}_{miss}"]
            assert (found[f"{ours}_TP"], total) == (expected["num"], expected["den"]), (name, figure)


def line_of(case, name):
    path = FOLDER / case["case"]
    return (path.parent / f"{path.name}.{name}.txt").read_text().splitlines()[-1].split()


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_line_reports_are_those_of_bxb(case):
    found = matched(case)
    c = found.counts()

    def total(rows, columns):
        return sum(c[row + column] for row in rows for column in columns if row + column in c)

    combined = [total(rows, "nfq") for rows in ("N", "S", "V", "FQ", "OX")]
    combined += [total(rows, "s") for rows in ("N", "S", "V", "FQ", "OX")]
    combined += [total(rows, "v") for rows in ("N", "S", "V", "FQ", "OX")]
    combined += [total(rows, "ox") for rows in ("N", "S", "V", "FQ")]
    assert [int(word) for word in line_of(case, "bxb_L1")[1:20]] == combined

    shutdown = line_of(case, "bxb_L2")
    assert [int(word) for word in shutdown[1:6]] == [c[f"{row}x"] for row in "NSVFQ"]
    assert int(shutdown[shutdown.index("seconds") - 1]) == int(found.shutdown_s + 0.5)


def test_gross_figures_are_those_of_sumstats():
    names = [line.split()[0] for line in (FOLDER / "_aggregate" / "cases.txt").read_text().splitlines()]
    cases = [case for case in CASES if case["case"] in names]
    assert len(cases) == len(names)
    sums = {}
    for case in cases:
        for name, value in matched(case).counts().items():
            sums[name] = sums.get(name, 0) + value
    lines = (FOLDER / "_aggregate" / "bxb_L1.sumstats.txt").read_text().splitlines()
    gross = [float(word) for word in next(line for line in lines if line.startswith("Gross")).split()[1:7]]
    average = next(line for line in lines if line.startswith("Average")).split()[1:7]
    pairs = [(name, miss) for name in ("QRS", "V", "S") for miss in ("FN", "FP")]
    ours = [100 * sums[f"{name}_TP"] / (sums[f"{name}_TP"] + sums[f"{name}_{miss}"]) for name, miss in pairs]
    assert np.round(ours, 2).tolist() == gross

    for (name, miss), expected in zip(pairs, average, strict=True):
        figures = [
            c[f"{name}_TP"] / (c[f"{name}_TP"] + c[f"{name}_{miss}"])
            for c in (matched(case).counts() for case in cases)
            if c[f"{name}_TP"] + c[f"{name}_{miss}"]
        ]
        assert 100 * np.mean(figures) == pytest.approx(float(expected), abs=0.006)
