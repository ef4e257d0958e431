"""Real waveform files beside this repository: each ends as its SOURCE.txt says, read truly or refused with a reason."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from medassay.core.findings import Reason, Severity
from medassay.formats.waveform import (
    aecg,
    bids_eeg,
    cinc_mat,
    edf,
    recognise,
    scp_ecg,
    seizure_lists,
    wfdb_segments,
)
from medassay.formats.waveform.edf_marks import decoded
from medassay.formats.waveform.wfdb_annotation import read_annotations

DATA = Path(__file__).parents[3] / "shared" / "data"
FORMATS, ODD = DATA / "signal-formats", DATA / "wfdb-odd"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(
        not FORMATS.is_dir(), reason="the public waveform files are not beside this repository"
    ),
]

OWN = {"SOURCE.txt", "SHA256SUMS", "RECORDS"}  # written by those who gathered the files


def outcomes(folder):
    """Every file by itself, but for the signal files that a header names: they have no mark of their own."""
    paths = [path for path in sorted((DATA / folder).rglob("*")) if path.is_file() and path.name not in OWN]
    found = {path: recognise.examine_file(path) for path in paths}
    named = {path.parent / name for path, one in found.items() for name in one.names}
    return {
        path.relative_to(DATA / folder).as_posix(): one
        for path, one in found.items()
        if not (path in named and one.kind in ("unknown", "Matlab matrix"))
    }


def refusals(found):
    return {
        name: {f.reason for f in one.findings if f.severity is Severity.REFUSE}
        for name, one in found.items()
        if one.refused
    }


def test_of_each_form_of_ecg_and_eeg_files_the_unreadable_ones_are_refused_and_no_other():
    found = outcomes("signal-formats")
    assert len(found) == 31
    assert refusals(found) == {
        "bids_emg_shifted_header.edf": {Reason.HEADER_INVALID},
        "eegmmidb_S001R01_newline_damaged.edf": {Reason.UNSUPPORTED_FORM},
        "empty.aecg.xml": {Reason.CHANNEL_MISSING},
        "waveform_ecg.dcm": {Reason.UNKNOWN_FORMAT},  # DICOM has readers of its own
    }


# Marks, signals, seconds, as SOURCE.txt and the libraries named there give them.
EDF_FACTS = {
    "SC4001EC-Hypnogram.edf": ("EDF+C", 154, 0, None),
    "SC4001EC-Hypnogram.bdf": ("BDF+C", 154, 0, None),
    "wfdb_test_edfann.edf": ("EDF+C", 856, 0, None),
    "short_psg.edf": ("EDF", 0, 7, 300),
    "edfreader_edfPlusC.edf": ("EDF+C", 2, 11, 20),
    "edfreader_bdfPlusC.bdf": ("BDF+C", 2, 11, 20),
    "edfreader_edfPlusD.edf": ("EDF+D", 1, 11, 20),
    "edfreader_edfAnnonC.edf": ("EDF+C", 8, 2, pytest.approx(1.2)),
    "mne_test_edf_stim_channel.edf": ("EDF", 0, 25, 9.59375),
    "bids_emg_bipolar.edf": ("EDF", 0, 1, 0.5),
    "szcore_unipolar.edf": ("EDF+C", 0, 19, 2),
}


@pytest.mark.parametrize("name", EDF_FACTS)
def test_edf_and_bdf_files_hold_what_their_description_says(name):
    facts = edf.describe(edf.open(FORMATS / name))
    assert (facts["form"], facts["annotations"], facts["signals"], facts["duration_s"]) == EDF_FACTS[name]


def test_records_of_a_discontinuous_file_stand_at_their_own_times():
    opened = edf.open(FORMATS / "edfreader_edfPlusD.edf")
    series = edf.samples(opened, 0)
    seconds = np.isfinite(series.values).reshape(20, -1)
    assert (seconds.all(axis=1) == seconds.any(axis=1)).all()
    assert np.flatnonzero(seconds.all(axis=1)).tolist() == [0, 2, 4, 5, 6, 7, 8, 9, 12, 15, 19]


@pytest.mark.parametrize(
    "name", ["edfreader_bdfPlusC.bdf", "mne_test_bdf_stim_channel.bdf", "pyedflib_datarec_2s.bdf"]
)
def test_samples_of_24_bits_are_those_of_edfio(name):
    from edfio import read_bdf

    opened, theirs = edf.open(FORMATS / name), read_bdf(FORMATS / name)
    for number, signal in enumerate(theirs.signals):
        np.testing.assert_allclose(edf.samples(opened, number).values, signal.data, rtol=1e-9, atol=1e-9)


def test_a_status_signal_and_a_shared_label_are_said():
    facts = edf.describe(edf.open(FORMATS / "mne_test_bdf_stim_channel.bdf"))
    assert "stimulus 1" in facts["modalities"]
    findings = edf.examine(edf.open(FORMATS / "mne_duplicate_channel_labels.edf"))
    assert [finding.reason for finding in findings] == [Reason.DUPLICATE]


def test_annotations_in_utf_8_are_read():
    marks = edf.marks(edf.open(FORMATS / "pyedflib_test_utf8.edf"))
    assert {decoded(mark.text)[1] for mark in marks} == {"utf-8"}


# Sum, lowest, highest and four samples (0, 253, 1200, 4999) in steps of 5 uV: parsescp of the WFDB Software
# Package 10.7.0, its smoothing of the residuals left out. It adds the reference beat and decodes the rest as EN 1064.
PARSESCP = {
    "I": (-22844, -124, 240, [-12, -83, -9, 12]),
    "II": (8852, -136, 80, [8, 38, -3, 4]),
    "V1": (19048, -256, 92, [-4, -36, 12, 4]),
    "V2": (18028, -500, 204, [-20, -254, 32, 0]),
    "V3": (16920, -496, 212, [-12, -216, 27, 0]),
    "V4": (14068, -416, 184, [-12, -217, 22, 0]),
    "V5": (15936, -300, 140, [-4, -170, 17, 0]),
    "V6": (14956, -148, 164, [-8, -100, 10, 4]),
}


def test_an_scp_record_with_reference_beat_is_decoded_as_by_parsescp():
    opened = scp_ecg.open(FORMATS / "wfdb_test.scp")
    assert list(scp_ecg.examine(opened)) == []
    assert len(opened.sections) == 12
    for number, lead in enumerate(opened.leads):
        steps = np.rint(scp_ecg.samples(opened, number).values * 200).astype(int)
        assert (steps.sum(), steps.min(), steps.max(), steps[[0, 253, 1200, 4999]].tolist()) == PARSESCP[
            lead.name
        ]


def test_scp_records_hold_what_their_description_says():
    example = scp_ecg.open(FORMATS / "ecgtoolkit_Example.scp")
    assert list(scp_ecg.examine(example)) == []
    facts = scp_ecg.describe(example)
    assert (facts["signals"], facts["sampling_hz"], facts["duration_s"]) == (12, "500", 10)
    limb = {lead.name: scp_ecg.samples(example, i).values for i, lead in enumerate(example.leads)}
    # The limb leads were stored each for itself: Einthoven's law holds but for rounding to 2.5 uV.
    assert np.abs(limb["I"] + limb["III"] - limb["II"]).max() <= 0.0051
    demo = scp_ecg.open(FORMATS / "ecgviewer_demo.scp")
    facts = scp_ecg.describe(demo)
    assert (facts["signals"], facts["sampling_hz"], facts["duration_s"]) == (8, "1000", 10)
    assert {f.severity for f in scp_ecg.examine(demo)} == {Severity.NOTE}


def test_annotated_ecgs_hold_what_their_description_says():
    whole = aecg.open(FORMATS / "fda_subject1_0.aecg.xml")
    facts = aecg.describe(whole)
    assert (facts["sets"], facts["sequences"], facts["signals"], facts["sampling_hz"]) == (2, 24, 12, "500")
    assert aecg.samples(whole, 0).values[:4].tolist() == [-5, -5, -5, -5]
    for name in ("", "_effectiveTime_high", "_effectiveTime_low", "_effectiveTime_interval"):
        assert list(aecg.examine(aecg.open(FORMATS / f"minimum_aecg{name}.aecg.xml"))) == []


def test_of_the_odd_wfdb_records_the_incomplete_ones_are_refused_and_no_other():
    found = outcomes("wfdb-odd")
    assert refusals(found) == {
        "1003.hea": {Reason.SIGNAL_FILE_MISSING},
        "wave_4.hea": {Reason.SIGNAL_FILE_MISSING},
        "null.hea": {Reason.CHANNEL_MISSING},
        "multi-segment/237s/237s.hea": {Reason.SIGNAL_FILE_MISSING},
        "multi-segment/p000878/p000878-2137-10-26-16-57.hea": {Reason.SIGNAL_FILE_MISSING},
        "multi-segment/p000878/3269321_layout.hea": {Reason.CHANNEL_MISSING},
    }
    assert Counter(one.kind for one in found.values()) == {"WFDB header": 38, "WFDB annotations": 6}
    marks = {name: one.facts["marks"] for name, one in found.items() if one.kind == "WFDB annotations"}
    assert marks == {
        "03700181.gqrsh": 1150, "03700181.gqrsl": 1117, "03700181.sqrs": 1195, "1003.atr": 957, "100s.atr": 75,
        "huge.qrs": 1,
    }  # fmt: skip


WFDB_READ = [
    "03700181", "a103l", "a103l-no-len", "mixedsignals", "flacformats", "binformats", "310derive", "310derive_3",
    "311derive_3", "3000003_0003", "100_3chan", "test01_00s", "test01_00s_skew", "test01_00s_frame", "100s",
    "multi-segment/041s/041s", "multi-segment/fixed1/v102s", "multi-segment/p000878/3269321_0002",
]  # fmt: skip


@pytest.mark.parametrize("name", WFDB_READ)
def test_samples_of_wfdb_records_are_those_of_the_library(name):
    import wfdb

    opened = wfdb_segments.open(ODD / f"{name}.hea")
    theirs = wfdb.rdrecord(str(ODD / name), smooth_frames="binformats" in name)
    columns = theirs.e_p_signal or list(theirs.p_signal.T)
    assert [lead.name for lead in opened.leads] == theirs.sig_name
    for number, column in enumerate(columns):
        values = wfdb_segments.samples(opened, number).values
        # The library calls fewer samples lost than frames when a skewed signal has several a frame.
        late = opened.leads[number].skew * opened.leads[number].frame
        upto = len(values) - late
        np.testing.assert_allclose(values[:upto], column[:upto], rtol=1e-9)
        part = wfdb_segments.samples(opened, number, 1.0, 1.5)
        first = round(part.start_s * part.rate_hz)
        np.testing.assert_array_equal(part.values, values[first : first + len(part.values)])


def test_a_file_of_twenty_kilobytes_that_unpacks_to_millions_of_samples_is_read_in_parts():
    opened = wfdb_segments.open(ODD / "flac_3_constant.hea")
    assert (opened.length, wfdb_segments.describe(opened)["duration_s"]) == (5_600_000, 22_400)
    for number, constant in enumerate((25, 50, 75)):
        values = wfdb_segments.samples(opened, number, 22_390).values
        assert set(values.tolist()) == {constant / 200}


def test_gaps_and_lost_segments_of_a_record_are_no_numbers():
    opened = wfdb_segments.open(ODD / "multi-segment/p000878/p000878-2137-10-26-16-57.hea")
    facts = wfdb_segments.describe(opened)
    assert (facts["duration_s"], facts["recorded_s"]) == (421_800, 30)
    pleth = wfdb_segments.samples(opened, 0, 0, 70).values
    assert np.isnan(pleth[: 30 * 125]).all()
    assert np.isfinite(pleth[30 * 125 : 60 * 125]).any()
    assert np.isnan(pleth[60 * 125 :]).all()


def test_headers_of_the_2017_challenge_are_read_each_with_a_finding_for_its_date():
    found = outcomes("cinc2017")
    headers = {Path(name).stem: one for name, one in found.items() if one.kind == "WFDB header"}
    assert (len(headers), refusals(headers)) == (164, {})
    assert all(any("date and time" in f.found for f in one.findings) for one in headers.values())
    assert all(one.facts["sampling_hz"] == "300" for one in headers.values())
    other = {name for name, one in headers.items() if any("initial value" in f.found for f in one.findings)}
    assert other == {
        *("A00013", "A00047", "A00066", "A00097", "A00117", "A00131", "A00150", "A00158", "A00186"),
        *("A00189", "A00192", "A00206", "A00225"),
    }  # fmt: skip
    alone = [one for one in found.values() if one.kind == "Matlab matrix"]
    assert len(alone) == 120
    assert all(one.facts["samples"] <= 9000 for one in alone)


def test_a_matrix_of_the_challenge_alone_gives_millivolts_by_what_its_publisher_states():
    path = DATA / "cinc2017" / "A00001.mat"
    alone = cinc_mat.samples(cinc_mat.open(path), 0, rate_hz=300, gain_per_unit=1000, unit="mV")
    beside = wfdb_segments.samples(wfdb_segments.open(path.with_suffix(".hea")), 0)
    np.testing.assert_allclose(alone.values, beside.values)


def test_headers_of_the_2020_challenge_are_read_also_those_named_by_their_matrix():
    headers = {name: one for name, one in outcomes("ecg12").items() if one.kind == "WFDB header"}
    assert (len(headers), refusals(headers)) == (12, {})
    assert all(one.facts["modalities"] == "ECG 12" for one in headers.values())
    named = {name for name, one in headers.items() if any("record name" in f.found for f in one.findings)}
    assert named == {"E00001.hea", "E00002.hea"}


def test_records_of_mit_bih_are_read_with_their_sums():
    found = outcomes("mitdb")
    headers = [one for one in found.values() if one.kind == "WFDB header"]
    assert len(headers) == 13
    assert all(
        not one.findings and one.facts["duration_s"] == pytest.approx(650_000 / 360) for one in headers
    )
    assert Counter(one.kind for one in found.values())["WFDB annotations"] == 13


@pytest.mark.parametrize(
    ("folder", "files"), [("eeg-eegmat", 4), ("eeg-eegmmidb", 1), ("eeg-states", 48), ("eeg-other", 1)]
)
def test_every_eeg_recording_is_read(folder, files):
    recordings = [one for one in outcomes(folder).values() if one.kind.startswith("EDF")]
    assert (len(recordings), any(one.refused for one in recordings)) == (files, False)


def test_seizure_lists_agree_with_the_annotation_files_and_the_wrong_one_is_caught():
    chb = DATA / "eeg-seizure-annotations" / "chbmit"
    summary = seizure_lists.open(chb / "chb01" / "chb01-summary.txt")
    assert list(seizure_lists.examine(summary)) == []
    listed = {one.file: one.seizures for one in summary.recordings if one.seizures}
    for path in sorted((chb / "chb01").glob("*.seizures")):
        marked = seizure_lists.marked(read_annotations(path.read_bytes()), 256)
        assert listed[path.name.removesuffix(".seizures")] == marked
    assert (
        seizure_lists.describe(seizure_lists.open(chb / "chb05" / "chb05-summary.txt"))[
            "recordings_with_seizures"
        ]
        == 5
    )
    siena = seizure_lists.open(DATA / "eeg-seizure-annotations" / "siena" / "PN00" / "Seizures-list-PN00.txt")
    (finding,) = seizure_lists.examine(siena)
    assert (finding.reason, finding.where) == (Reason.REFERENCE_INVALID, "recording 3, seizure 1")


def test_a_bids_folder_with_empty_signal_files_is_refused_recording_by_recording():
    opened = bids_eeg.open(DATA / "eeg-seizure-annotations" / "bids-eeg_cbm")
    refused = [f for f in bids_eeg.examine(opened) if f.severity is Severity.REFUSE]
    assert [(f.reason, f.where) for f in refused] == [(Reason.EMPTY_FILE, f"recording {n}") for n in (1, 2)]
    assert bids_eeg.describe(opened)["subjects"] == 2


def test_the_events_of_a_wearable_ecg_are_found_beside_its_eeg():
    opened = bids_eeg.open(DATA / "eeg-other" / "seizeit2")
    (one,) = opened.recordings
    (event,) = one.event_rows
    assert (event.onset_s, event.duration_s) == (4494, 156)
    assert not any(f.severity is Severity.REFUSE for f in bids_eeg.examine(opened))
