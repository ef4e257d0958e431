import numpy as np
import pytest

from medassay.core.errors import WrongUse
from medassay.core.findings import Reason, Severity
from medassay.formats.waveform import seizure_lists
from medassay.formats.waveform.seizure_lists import Seizure
from medassay.formats.waveform.wfdb_annotation import plain_annotations

SUMMARY = """Data Sampling Rate: 256 Hz
*************************
Channels in EDF Files:
Channel 1: FP1-F7

File Name: a_01.edf
File Start Time: 23:21:32
File End Time: 24:21:32
Number of Seizures in File: 0

File Name: a_02.edf
File Start Time: 23:30:00
File End Time: 0:30:00
Number of Seizures in File: 2
Seizure 1 Start Time: 417 seconds
Seizure 1 End Time: 532 seconds
Seizure 2 Start Time:  1000 seconds
Seizure 2 End Time: 1010 seconds
"""
LIST = """P00
Data Sampling Rate: 512 Hz
Seizure n 1
File name: P00-1.edf
Registration start time: 23.39.33
Registration end time:  00.22.58
Seizure start time: 23.58.36
Seizure end time: 00.00.46

Seizure n 2
File name: P00-1.edf
Registration start time: 23.39.33
Registration end time:  00.22.58
Start time: 00.10.00
End time: 01.11.00
"""


def test_a_summary_gives_seconds_of_each_file_and_its_length():
    opened = seizure_lists.open(SUMMARY.encode())
    assert seizure_lists.recognises(SUMMARY.encode())
    assert [one.duration_s for one in opened.recordings] == [3600, 3600]
    assert opened.recordings[1].seizures == (Seizure(417, 532), Seizure(1000, 1010))
    assert list(seizure_lists.examine(opened)) == []
    assert seizure_lists.describe(opened) == {
        "form": "CHB-MIT summary", "recordings": 2, "seizures": 2, "recordings_with_seizures": 1
    }  # fmt: skip
    assert opened.sampling_hz == 256


def test_clock_times_of_a_list_become_seconds_of_the_recording_over_midnight():
    opened = seizure_lists.open(b"\xef\xbb\xbf" + LIST.replace("\n", "\r\n").encode())
    (one,) = opened.recordings
    assert one.duration_s == 43 * 60 + 25
    assert one.seizures[0] == Seizure(19 * 60 + 3, 21 * 60 + 13)


def test_a_seizure_that_ends_after_its_recording_is_excluded_by_its_place():
    (finding,) = seizure_lists.examine(seizure_lists.open(LIST.encode()))
    assert (finding.reason, finding.severity) == (Reason.REFERENCE_INVALID, Severity.EXCLUDE)
    assert (finding.where, finding.found[:42]) == (
        "recording 1, seizure 2", "a seizure that ends 2882 s after its recor"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("File: 2", "File: 3", "3 seizures announced, 2 listed"),
        ("532 seconds", "400 seconds", "ends before it begins"),
        ("532 seconds", "many seconds", "without onset or end"),
        ("532 seconds", "3000 seconds", "a seizure of 2583 s"),
    ],
)
def test_what_a_list_says_against_itself_is_found(old, new, found):
    (finding,) = seizure_lists.examine(seizure_lists.open(SUMMARY.replace(old, new).encode()))
    assert found in finding.found


def test_another_text_is_no_list():
    with pytest.raises(WrongUse):
        seizure_lists.open(b"File Name: letter.doc\n")


def test_brackets_of_an_annotation_file_are_seizures():
    marks = plain_annotations(np.array([256, 512, 600, 1024]), ["[", "]", "]", "["])
    assert seizure_lists.marked(marks, 256) == (
        Seizure(1, 2), Seizure(None, 600 / 256), Seizure(4, None)
    )  # fmt: skip
