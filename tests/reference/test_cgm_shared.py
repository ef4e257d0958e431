"""The Shanghai files, as published: counts, extremes and MARD of INDEX.csv, and every oddity of SOURCE.txt."""

import csv
from pathlib import Path

import pytest

from medassay.core.findings import Reason
from medassay.core.specs import load_spec
from medassay.datasets.intake import cgm
from medassay.datasets.sample import Names, OfferedFile
from medassay.datasets.spec import DatasetSpec

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "cgm-shanghai"
SPEC = load_spec(Path(__file__).parents[2] / "datasets" / "t2dm-cgm.yaml", DatasetSpec)
SOURCE = next(source for source in SPEC.sources if source.name == "cgm-shanghai")
INDEX = (
    {row["file"]: row for row in csv.DictReader((FOLDER / "INDEX.csv").read_text("utf-8").splitlines())}
    if FOLDER.is_dir()
    else {}
)

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not INDEX, reason="the Shanghai files are not beside this repository"),
]


@pytest.fixture(scope="module")
def assembly():
    files = [OfferedFile(path, path.name, path.stat().st_size) for path in sorted(FOLDER.iterdir())]
    return cgm.assemble(files, SOURCE)


@pytest.fixture(scope="module")
def taken(assembly):
    names = Names("R-" + "0" * 16, "S-" + "0" * 16, 9, b"key")
    return {d.files[0][1].relative: cgm.take_in(d, names, SOURCE) for d in assembly.drafts}


def stated(text):
    return float(text) if text else None


def test_every_visit_gives_the_figures_of_the_index(taken):
    assert set(taken) == set(INDEX)
    for name, row in INDEX.items():
        found = taken[name].measurements
        assert found["readings"] == int(row["cgm_n"])
        assert found["capillary_values"] == int(row["cbg_n"])
        assert found["capillary_pairs"] == int(row["paired_n"])
        assert found["gaps"] == int(row["gaps_over_16min"])
        assert found["glucose_min_mmol_per_l"] * 18 == pytest.approx(float(row["cgm_min"]), abs=0.06)
        assert found["glucose_max_mmol_per_l"] * 18 == pytest.approx(float(row["cgm_max"]), abs=0.06)
        mard = found["mard_percent"]
        assert (mard if mard is None else round(mard, 3)) == stated(row["mard_pct"]), name


def test_all_visits_together_are_those_of_the_source(assembly, taken):
    assert sum(t.measurements["readings"] for t in taken.values()) == 40_299
    assert sum(t.measurements["capillary_pairs"] for t in taken.values()) == 1_784
    persons = {token for draft in assembly.drafts for token in draft.person_tokens}
    assert len(persons) == 32
    kinds = {}
    for draft in assembly.drafts:
        kinds.setdefault(taken[draft.files[0][1].relative].measurements["diabetes_type"], set()).update(
            draft.person_tokens
        )
    assert {kind: len(people) for kind, people in kinds.items()} == {"T1DM": 8, "T2DM": 24}


def test_values_come_back_as_the_tenths_of_mmol_that_they_were(taken):
    for one in taken.values():
        for line in one.objects[0].content.decode().splitlines()[1:]:
            value = line.split(",")[1]
            assert len(value.partition(".")[2]) <= 1, line


def test_the_sensor_floor_is_clipped_and_not_measured(taken):
    floors = [
        line for one in taken.values() for line in one.objects[0].content.splitlines() if b",2.2," in line
    ]
    assert floors
    assert all(line.endswith(b",1") for line in floors)


def test_a_missing_unit_is_the_declared_one_and_said(taken):
    notes = {
        name: [f for f in one.findings if f.reason is Reason.UNIT_UNKNOWN] for name, one in taken.items()
    }
    assert {name for name, found in notes.items() if found} == {"2045_0_20201216.xls"}


def test_sex_and_age_come_from_the_summary(taken):
    assert (taken["1001_0_20210730.xlsx"].sex, taken["1001_0_20210730.xlsx"].age_years) == ("F", 66)
    assert all(one.sex and one.age_years for one in taken.values())


def test_uric_acid_is_refused_in_both_summaries_and_everything_else_proved(assembly, taken):
    shared = [item.finding for item in assembly.unassigned if item.finding.reason is Reason.SHARED_TABLE]
    assert len(shared) == 2
    assert all("uric_acid" in finding.where for finding in shared)
    assert all(b"uric" not in item.content for one in taken.values() for item in one.objects)
    assert all(cgm.prove(one, SOURCE) == [] for one in taken.values())
