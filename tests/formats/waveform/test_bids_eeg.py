import datetime
import json

import numpy as np
import pytest

from medassay.core.errors import NothingReadable
from medassay.core.findings import Reason, Severity
from medassay.formats.waveform import bids_eeg, bids_tables
from medassay.formats.waveform.edf import Signal
from medassay.formats.waveform.edf_writer import write

NAME = "sub-01_task-rest"


def recording(seconds=10):
    signals = [
        (Signal(name, "uV", -100, 100, -1000, 1000, 100), np.full(100 * seconds, 5, np.int16))
        for name in ("Fp1", "Fp2")
    ]
    return write(
        patient=b"X X X X", recording=b"Startdate X X X X", start=datetime.datetime(2000, 1, 1),
        record_s=1, signals=signals,
    )  # fmt: skip


def folder(
    top, *, rate=100, length=10, channels=("Fp1", "Fp2"), events=((1, 2, "eyes closed"),), signal=None
):
    eeg = top / "sub-01" / "eeg"
    eeg.mkdir(parents=True)
    (top / "dataset_description.json").write_text("{}")
    (eeg / f"{NAME}_eeg.edf").write_bytes(recording() if signal is None else signal)
    (top / "task-rest_eeg.json").write_text(json.dumps({"SamplingFrequency": rate}))
    (eeg / f"{NAME}_eeg.json").write_text(json.dumps({"RecordingDuration": length}))
    rows = [f"{name}\tEEG\tuV\tgood" for name in channels]
    (eeg / f"{NAME}_channels.tsv").write_text("\n".join(["name\ttype\tunits\tstatus", *rows]) + "\n")
    rows = ["\t".join(map(str, row)) for row in events]
    (eeg / f"{NAME}_events.tsv").write_text("\n".join(["onset\tduration\ttrial_type", *rows]) + "\n")
    return bids_eeg.open(top)


def said(opened):
    return [(finding.reason, finding.where) for finding in bids_eeg.examine(opened)]


def test_a_folder_is_read_with_channels_events_and_inherited_sidecars(tmp_path):
    opened = folder(tmp_path)
    assert bids_eeg.recognises(tmp_path)
    assert said(opened) == []
    (one,) = opened.recordings
    assert dict(one.sidecar) == {"SamplingFrequency": 100, "RecordingDuration": 10}
    assert [channel.good for channel in one.channel_rows] == [True, True]
    assert one.event_rows == (bids_tables.Event(1.0, 2.0, "eyes closed"),)
    series = bids_eeg.samples(one, 0, 1, 2)
    assert (series.unit, series.values.tolist()) == ("uV", pytest.approx([0.5] * 100))
    facts = bids_eeg.describe(opened)
    assert (facts["recordings"], facts["subjects"], facts["events"]) == (1, 1, 1)


FAULTS = {
    "rate": ({"rate": 200}, Reason.RATE_UNFIT),
    "length": ({"length": 99}, Reason.HEADER_INVALID),
    "channels": ({"channels": ("Fp1", "Cz")}, Reason.CHANNEL_MISSING),
    "a channel twice": ({"channels": ("Fp1", "Fp1")}, Reason.DUPLICATE),
    "late event": ({"events": ((9, 5, "x"),)}, Reason.REFERENCE_INVALID),
    "no onset": ({"events": (("n/a", 5, "x"),)}, Reason.REFERENCE_INVALID),
    "not finite": ({"events": (("inf", 5, "x"),)}, Reason.REFERENCE_INVALID),
    "a row too long": ({"events": ((1, 5, "x\ty"),)}, Reason.REFERENCE_INVALID),
    "empty signal": ({"signal": b""}, Reason.EMPTY_FILE),
    "cut signal": ({"signal": recording()[:-1]}, Reason.TRUNCATED),
    "a vendor's signal": ({"signal": b"Brain Vision Data Exchange Header File"}, Reason.VENDOR_FORM),
    "no signal": ({"signal": b"text"}, Reason.UNSUPPORTED_FORM),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_does_not_fit_together_is_said_with_its_recording(fault, tmp_path):
    more, reason = FAULTS[fault]
    found = said(folder(tmp_path, **more))
    assert reason in [one for one, _ in found]
    assert all(where.startswith("recording 1") for _, where in found)


def test_events_of_an_eeg_serve_the_ecg_that_was_recorded_with_it(tmp_path):
    opened = folder(tmp_path)
    ecg = tmp_path / "sub-01" / "ecg"
    ecg.mkdir()
    (ecg / f"{NAME}_ecg.edf").write_bytes(recording())
    opened = bids_eeg.open(tmp_path)
    assert [len(one.event_rows) for one in opened.recordings] == [1, 1]
    assert bids_eeg.describe(opened)["modalities"] == "ecg 1, eeg 1"


def test_a_broken_sidecar_is_a_finding_and_costs_no_neighbour(tmp_path):
    folder(tmp_path)
    (tmp_path / "sub-01" / "eeg" / f"{NAME}_eeg.json").write_text("{")
    found = list(bids_eeg.examine(bids_eeg.open(tmp_path)))
    assert [(one.reason, one.severity) for one in found] == [(Reason.HEADER_INVALID, Severity.WARN)]


def test_a_folder_of_something_else_is_not_taken_for_one(tmp_path):
    assert not bids_eeg.recognises(tmp_path)
    with pytest.raises(NothingReadable):
        bids_eeg.open(tmp_path)
