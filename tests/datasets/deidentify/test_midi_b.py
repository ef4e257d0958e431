"""The measure of MIDI-B on objects of seven modalities with invented people: removing counts, keeping too."""

import importlib.util
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from medassay.datasets.deidentify import dicom, proof
from medassay.datasets.identity import date_shift_days
from medassay.datasets.sample import Names


def _beside(name):
    place = importlib.util.spec_from_file_location(
        f"deidentify_{name}", Path(__file__).with_name(f"{name}.py")
    )
    module = importlib.util.module_from_spec(place)
    sys.modules[place.name] = module
    place.loader.exec_module(module)
    return module


planted, corpus, midi_b = _beside("planted"), _beside("corpus"), _beside("midi_b")

CLASSES = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "DX": "1.2.840.10008.5.1.4.1.1.1.1",
    "MG": "1.2.840.10008.5.1.4.1.1.1.2",
    "US": "1.2.840.10008.5.1.4.1.1.6.1",
    "PT": "1.2.840.10008.5.1.4.1.1.128",
    "CR": "1.2.840.10008.5.1.4.1.1.1",
}
DESCRIPTIONS = {
    "CT": "CT CHEST WITH CONTRAST", "MR": "T2 FLAIR AXIAL BRAIN", "DX": "CHEST PA LATERAL", "MG": "SCREENING MAMMOGRAM",
    "US": "ABDOMEN COMPLETE LIVER", "PT": "PET WHOLE BODY", "CR": "LEFT KNEE TWO VIEWS",
}  # fmt: skip
MAPPED = (
    "PatientName",
    "PatientID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SOPInstanceUID",
    "FrameOfReferenceUID",
)
X_RAY = ("CT", "DX", "MG", "CR")
KEPT = {
    "PatientSex": "F", "PatientWeight": "61.5", "SliceThickness": "1.0", "PixelSpacing": "0.7\\0.7", "Rows": "16",
    "BitsStored": "12", "PhotometricInterpretation": "MONOCHROME2", "Manufacturer": "SIEMENS",
    "RescaleSlope": "1", "KVP": "120", "StudyTime": "101500",
}  # fmt: skip
GONE = (
    "InstitutionName", "ReferringPhysicianName", "OperatorsName", "StationName", "AccessionNumber", "StudyID",
    "ImageComments", "PatientComments", "AdditionalPatientHistory", "DeviceSerialNumber", "OtherPatientIDs",
    "RequestAttributesSequence/0/RequestingPhysician",
    "RequestAttributesSequence/0/ReferencedStudySequence/0/PatientName",
    "OtherPatientIDsSequence/0/PatientID", "(0029,1001)", "(6000,4000)",
)  # fmt: skip


def cases(seed, people_count):
    """Objects of every modality of some people, with the answer key of each."""
    people, key = corpus.People(seed), b"m" * 32
    for number in range(people_count):
        _, latin, given = people.name()
        subject = f"S-{number:016x}"
        names = Names("R-00000000000000aa", subject, date_shift_days(key, subject), key)
        for modality, sop_class in CLASSES.items():
            day = (people.day(2015, 2024)).strftime("%Y%m%d")
            who = f"{latin.upper()} {given.upper()}"
            content, _ = planted.planted_ct(day, patient=given.upper())
            before = planted.opened(content)
            before.SOPClassUID = before.file_meta.MediaStorageSOPClassUID = sop_class
            before.Modality = modality
            before.PatientName = f"{latin.upper()}^{given.upper()}"
            before.PatientID = people.digits(8)
            before.StudyDescription = f"{DESCRIPTIONS[modality]} {who}"
            before.SeriesDescription = f"{DESCRIPTIONS[modality]} MRN {before.PatientID}"
            due = [
                midi_b.Required(element, "kept", value)
                for element, value in KEPT.items()
                if element in before and (element not in ("KVP", "SliceThickness") or modality in X_RAY)
            ]
            due += [midi_b.Required(element, "removed", midi_b._text(before, element)) for element in GONE]
            due += [midi_b.Required(name, "mapped", str(before[name].value)) for name in MAPPED]
            due += [midi_b.Required(name, "shifted", day) for name in ("StudyDate", "SeriesDate")]
            due += [
                midi_b.Required("StudyDescription", "text_kept", DESCRIPTIONS[modality]),
                midi_b.Required("StudyDescription", "text_removed", who),
                midi_b.Required("SeriesDescription", "text_kept", DESCRIPTIONS[modality]),
                midi_b.Required("SeriesDescription", "text_removed", before.PatientID),
                midi_b.Required("PatientBirthDate", "removed", "19300214"),
            ]
            before.PixelData = planted.PIXELS
            due.append(midi_b.Required("PixelData", "pixels_kept", ""))
            cleaned = dicom.clean(before, names, words=dicom.person_of(before).words)
            after = planted.opened(dicom.encoded(cleaned.dataset))
            assert proof.walk(dicom.encoded(cleaned.dataset), strict=True).findings == []
            yield due, before, after, names.date_shift_days


def test_at_least_999_of_1000_required_actions_are_right():
    right, required = midi_b.score(cases(7, 6))
    assert sum(required.values()) > 1500
    for kind in ("removed", "mapped", "shifted", "text_removed", "pixels_kept"):
        assert right[kind] == required[kind], kind
    share = sum(right.values()) / sum(required.values())
    assert share >= 0.999, {
        kind: (right[kind], required[kind]) for kind in required if right[kind] < required[kind]
    }


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (lambda d: setattr(d, "InstitutionName", "QZXMARK07"), "removed"),
        (lambda d: setattr(d, "PatientSex", ""), "kept"),
        (lambda d: setattr(d, "StudyDate", "19000101"), "shifted"),
        (lambda d: setattr(d, "SOPInstanceUID", "1.2.3.4.555"), "mapped"),
        (lambda d: setattr(d, "PixelData", b"\0" * 512), "pixels_kept"),
        (lambda d: setattr(d, "StudyDescription", ""), "text_kept"),
    ],
)
def test_the_measure_counts_an_action_that_was_not_done(spoil, kind):
    key, before, after, days = next(iter(cases(1, 1)))
    good, _ = midi_b.score([(key, before, after, days)])
    spoil(after)
    bad, _ = midi_b.score([(key, before, after, days)])
    assert bad[kind] == good[kind] - 1
    assert timedelta(days=days).days > 0
