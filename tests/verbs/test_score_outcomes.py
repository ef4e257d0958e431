"""What becomes of a flawed prediction file in the tasks that score file by file: the table in docs/score.md, held.

Tables of predictions are tried in tests/evaluation/table_scoring/test_outcomes.py, `validate` in
tests/room/test_outcomes.py.
"""

import json

import nibabel
import numpy as np
import pytest

from medassay.core.errors import WrongUse
from medassay.core.rooms import names_of
from medassay.formats.ivd.trace import Trace, episodes_of, write_episodes
from medassay.formats.waveform.szcore import Event, write_events
from medassay.formats.waveform.wfdb_annotation import plain_annotations, write_annotations
from medassay.tasks.alarms import EpisodeRules
from medassay.verbs import score

CASES = ("a", "b", "c")


def box(number, voxel_mm=1.0):
    labels = np.zeros((6, 6, 6), np.uint8)
    labels[1:4, 1:4, 1:4] = number
    return nibabel.Nifti1Image(labels, np.diag([voxel_mm, voxel_mm, voxel_mm, 1.0])).to_bytes()


def altered(content, place, by):
    return content[:place] + by + content[place + len(by) :]


def beats(*times):
    return write_annotations(plain_annotations(list(times), ["N"] * len(times)))


def events(*starts):
    return write_events([Event(start, 30.0) for start in starts], duration_s=3600.0)


def episodes():
    glucose = np.where(np.arange(96) % 48 < 8, 3.0, 7.0)
    trace = Trace(np.arange(96) * 15.0, glucose, np.zeros(96, bool))
    return write_episodes(episodes_of(trace, EpisodeRules()))


# task: (suffix, reference, a right answer, options)
FORMS = {
    "alarms": (".csv", episodes(), b"time_min,kind\n0,hypo\n", {}),
    "beats": (".atr", beats(400, 900, 1500), beats(400, 900, 1500), {"sampling_hz": 360, "start_s": 0}),
    "classification": (
        ".csv",
        b"label\nyes\n",
        b"score\n0.9\n",
        {"classes": ["no", "yes"], "positive": "yes", "threshold": 0.5},
    ),
    "events": (".tsv", events(120.0, 1500.0), events(120.0, 1500.0), {}),
    "masks": (".nii", box(1), box(1), {"structures": {"one": 1}, "nsd_tolerance_mm": 1.0}),
}
# A form that has no such value stands nowhere below.
FLAWS = {
    **{(task, "malformed"): b"\xff\xfe\x00 no such file" for task in FORMS},
    **{(task, "empty"): b"" for task in FORMS},
    ("alarms", "not a number"): b"time_min,kind\nNaN,hypo\n",
    ("events", "not a number"): events(120.0).replace(b"120.0", b"nan"),
    ("classification", "not a number"): b"score\nNaN\n",
    ("classification", "no probability"): b"score\n90\n",
    ("alarms", "an unknown kind"): b"time_min,kind\n5,sideways\n",
    ("events", "beyond the recording"): events(9000.0),
    ("masks", "an undeclared structure"): box(2),
    ("masks", "another grid"): box(1, voxel_mm=2.0),
    ("masks", "a fourth dimension"): nibabel.Nifti1Image(
        np.ones((6, 6, 6, 1), np.uint8), np.eye(4)
    ).to_bytes(),
    ("masks", "a unit of no name"): altered(box(1), 123, b"\x04"),  # xyzt_units
    ("masks", "values that begin nowhere"): altered(box(1), 108, b"\x00\x00\xc0\x7f"),  # vox_offset: NaN
    ("masks", "values that begin beyond all files"): altered(box(1), 108, b"\x00\x00\x80\x7f"),  # infinite
}


class Folders:
    def __init__(self, root, task):
        self.task, self.form = task, FORMS[task]
        self.reference, self.predictions = root / "reference", root / "predictions"
        for folder, content in ((self.reference, self.form[1]), (self.predictions, self.form[2])):
            folder.mkdir()
            for case in CASES:
                (folder / f"{case}{self.form[0]}").write_bytes(content)
        self.options = root / "options.yaml"
        self.options.write_text(json.dumps(self.form[3]))

    def prediction(self, case):
        return self.predictions / f"{case}{self.form[0]}"

    def score(self):
        return score.run(self.task, self.reference, self.predictions, options=self.options)


@pytest.fixture
def folders(tmp_path):
    return lambda task: Folders(tmp_path, task)


def test_every_task_of_files_is_tried():
    assert names_of("medassay.evaluation.scoring") == sorted(FORMS)


@pytest.mark.parametrize(("task", "flaw"), FLAWS)
def test_a_flawed_file_counts_as_all_wrong_and_costs_its_case_alone(folders, task, flaw):
    given = folders(task)
    given.prediction("b").unlink()
    missing = given.score()
    given.prediction("b").write_bytes(FLAWS[task, flaw])
    found = given.score()
    assert [case.status for case in missing.cases] == ["scored", "missing", "scored"]
    assert [case.status for case in found.cases] == ["scored", "unreadable", "scored"]
    assert found.cases[1].reason
    assert found.figures == missing.figures


@pytest.mark.parametrize("task", FORMS)
def test_what_is_missing_stays_in_the_denominator(folders, task):
    given = folders(task)
    whole = given.score()
    given.prediction("b").unlink()
    found = given.score()
    assert len(found.cases) == len(whole.cases) == 3
    worse = [name for name in whole.figures if found.figures[name].value != whole.figures[name].value]
    assert worse, "a missing prediction is no gain and no nothing"


@pytest.mark.parametrize("task", FORMS)
def test_two_files_of_one_case_and_a_file_of_an_unknown_case_are_refused(folders, task):
    given = folders(task)
    stray = given.prediction("stranger")
    stray.write_bytes(given.form[2])
    with pytest.raises(WrongUse, match="stranger"):
        given.score()
    stray.unlink()
    twin = given.predictions / f"a{'.nii.gz' if task == 'masks' else '.other'}"
    twin.write_bytes(given.form[2])
    with pytest.raises(WrongUse, match="one file a case"):
        given.score()
