"""Real and broken EEG files beside this repository: each is taken in, or refused for what is wrong with it."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from medassay.core.specs import load_spec
from medassay.datasets.ingest import ingest
from medassay.datasets.spec import DatasetSpec
from medassay.formats.waveform import edf

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
FORMATS = DATA / "signal-formats"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not FORMATS.is_dir(), reason="the public EEG files are not beside this repository"),
]

# What SOURCE.txt beside the files says of each, in the words of the findings.
WANTED = {
    "eeg-eegmmidb/S001R04.edf": ("sample", None),
    "eeg-eegmat/Subject31_1.edf": ("sample", None),
    "eeg-states/S00_rest.edf": ("refused", "channel_missing"),
    "eeg-seizure-annotations/chbmit/chb05/chb05_01.edf": ("refused", "channel_missing"),
    "eeg-seizure-annotations/siena/PN00/PN00-1.edf": ("sample", None),
    "eeg-seizure-annotations/bids-eeg_cbm/sub-cbm001/eeg/sub-cbm001_task-protmap_eeg.edf": (
        "unassigned",
        "empty_file",
    ),
    "signal-formats/edfreader_edfPlusD.edf": ("refused", "recording_gap"),
    "signal-formats/eegmmidb_S001R01_newline_damaged.edf": ("refused", "unsupported_form"),
    "signal-formats/bids_emg_shifted_header.edf": ("refused", "header_invalid"),
    "signal-formats/SC4001EC-Hypnogram.edf": ("unassigned", "image_missing"),
    "signal-formats/wfdb_test_edfann.edf": ("unassigned", "image_missing"),
    "signal-formats/mne_test_bdf_stim_channel.bdf": ("unassigned", "unsupported_form"),
    "signal-formats/szcore_bipolar.edf": ("sample", None),
    "signal-formats/szcore_unipolar.edf": ("sample", None),
    "signal-formats/wfdb_test.scp": ("unassigned", "unknown_format"),
}


class Keys:
    pseudonym = b"p" * 32
    label = b"l" * 32


@pytest.fixture(scope="module")
def taken():
    spec = load_spec(ROOT / "datasets" / "seizure-eeg.yaml", DatasetSpec)

    def put(content):
        return hashlib.sha256(content).hexdigest()

    return ingest("seizure-eeg", spec, spec.sources[1], DATA, Keys(), put)


def test_each_file_ends_as_its_description_says(taken):
    paths = {row["file_id"]: Path(row["path"].decode()) for row in taken.key_side.to_pylist()}
    found = {
        paths[row["file_id"]].relative_to(DATA).as_posix(): (row["outcome"], row["reason"])
        for row in taken.offered.to_pylist()
        if paths[row["file_id"]].is_relative_to(DATA)  # members of archives are unpacked elsewhere
    }
    assert {name: found[name] for name in WANTED} == WANTED


def test_every_file_offered_is_counted_once(taken):
    counts = taken.counts
    parts = counts["files_in_samples"] + counts["files_in_refused_samples"] + counts["files_unassigned"]
    assert counts["files_offered"] == parts


def test_all_accepted_recordings_have_one_rate(taken):
    assert set(taken.measurements["rate_hz"].to_pylist()) == {160}


def test_a_text_mode_transfer_of_a_real_recording_is_found_cut_or_not():
    whole = (DATA / "eeg-eegmmidb" / "S001R04.edf").read_bytes()
    assert list(edf.examine(edf.open(whole))) == []
    damaged = whole.replace(b"\n", b"\r\n")
    (finding,) = edf.examine(edf.open(damaged[: len(whole)]))
    assert "10853" not in finding.found  # cut to the announced length, fewer line feeds are left
    assert "carriage return" in finding.found
    (finding,) = edf.examine(edf.open(damaged))
    assert "carriage return before each of 10853 line-feed bytes" in finding.found


@pytest.mark.parametrize(
    "name", ["short_psg.edf", "test_subsecond.edf", "edfreader_edfPlusC.edf", "edfreader_edfAnnonC.edf"]
)
def test_samples_and_marks_are_those_of_edfio(name):
    from edfio import read_edf

    content = (FORMATS / name).read_bytes()
    opened, theirs = edf.open(content), read_edf(content)
    assert list(edf.examine(opened)) == []
    assert [signal.label for signal in opened.ordinary] == [signal.label for signal in theirs.signals]
    for number, signal in enumerate(opened.ordinary):
        wave = signal.to_physical(edf.digital(opened, [number])[0])
        np.testing.assert_allclose(wave, theirs.signals[number].data, atol=1e-9)
    marks = sorted((mark.onset_s, mark.duration_s, mark.text.decode()) for mark in edf.marks(opened))
    wanted = sorted((mark.onset, mark.duration, mark.text) for mark in theirs.annotations)
    assert [(b, c) for _, b, c in marks] == [(b, c) for _, b, c in wanted]
    assert [a for a, _, _ in marks] == pytest.approx([a for a, _, _ in wanted], abs=1e-6)
