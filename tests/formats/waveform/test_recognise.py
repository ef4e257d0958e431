"""One door: content decides, every file gets a kind, and whatever is in it ends as a record."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medassay.core.findings import Reason, Severity
from medassay.formats.waveform import modality, recognise, vendor, wfdb_annotation
from medassay.formats.waveform.wfdb_annotation import plain_annotations, write_annotations

VENDORS = {
    "PDF": (b"%PDF-1.7\n", "PDF"),
    "GE MUSE": (b'<?xml version="1.0"?>\n<!DOCTYPE RestingECG SYSTEM "restecg.dtd">\n<RestingECG>', "MUSE"),
    "GE CardioSoft": (b"\xef\xbb\xbf<CardiologyXML>", "CardioSoft"),
    "Philips": (b'<restingecgdata xmlns="http://www3.medical.philips.com">', "Philips"),
    "Mortara": (b'<ECG ACQUISITION_TIME="20231201120000" NUM_QRS="12">', "Mortara"),
    "Schiller": (b"<x><eventdata><event><wavedata>", "Schiller"),
    "Nihon Kohden": (b"EEG-1200A V01.00" + b"\x00" * 100, "Nihon Kohden"),
    "Nihon Kohden, older": (b"DAE-2100D V01.30", "Nihon Kohden"),
    "Nicolet": (b"\x00" * 172 + b"\x05\x00\x00\x00" + "InfoGuids".encode("utf-16-le"), "Nicolet"),
    "ISHNE": (b"ISHNE1.0\x00\x00", "ISHNE"),
    "MFER": (b"@  MFER ", "MFER"),
    "Micromed": (b"* MICROMED  Brain-Quick file *", "Micromed"),
    "BrainVision": (b"Brain Vision Data Exchange Header File Version 1.0", "BrainVision"),
    "Neuroscan": (b"Version 3.0\x00", "Neuroscan"),
    "Deltamed": (b"\x01\x02COHERENCE", "Deltamed"),
}


@pytest.mark.parametrize("name", VENDORS)
def test_a_form_that_is_not_read_is_refused_by_its_name_with_what_to_export_instead(name, tmp_path):
    head, wanted = VENDORS[name]
    (tmp_path / "named_wrongly.edf").write_bytes(head)
    found = recognise.examine_file(tmp_path / "named_wrongly.edf")
    (finding,) = found.findings
    assert (finding.reason, finding.severity) == (Reason.VENDOR_FORM, Severity.REFUSE)
    assert wanted in finding.found
    assert finding.wanted in finding.remedy


def test_an_ending_is_only_a_hint_for_bytes_that_tell_nothing(tmp_path):
    (tmp_path / "x.erd").write_bytes(b"\x01\x02\x03\xff" * 9)
    (finding,) = recognise.examine_file(tmp_path / "x.erd").findings
    assert finding.reason is Reason.UNKNOWN_FORMAT
    assert "Natus" in finding.found
    assert not vendor.recognises(b"<html>")


KINDS = {
    "EDF": b"0       " + b" " * 176 + b"768     " + b" " * 64,
    "BDF": b"\xffBIOSEMI" + b" " * 248,
    "HL7 aECG": b"<!-- x -->" * 100 + b"<AnnotatedECG>",
    "Matlab matrix": b"\x1e\0\0\0\1\0\0\0\4\0\0\0\0\0\0\0\4\0\0\0val\0",
    "CHB-MIT": b"File Name: chb01_01.edf\n",
    "WFDB header": b"\xef\xbb\xbf# note\r\n100 2 360 650000\r\n",
    "BIDS events": b"onset\tduration\ttrial_type\n",
}


@pytest.mark.parametrize("kind", KINDS)
def test_content_alone_tells_the_kind(kind):
    assert recognise.kind_of(KINDS[kind]) == {"CHB-MIT": "seizure list"}.get(kind, kind)


def test_annotations_without_a_mark_are_known_by_their_order_and_end(tmp_path):
    content = write_annotations(plain_annotations([5, 90, 10_000_000_000], ["N", '"', "V"]))
    (tmp_path / "x").write_bytes(content)
    found = recognise.examine_file(tmp_path / "x")
    assert found.kind == "WFDB annotations"
    assert (found.facts["marks"], found.facts["notes"]) == (2, 1)
    for other in (b"", content[:-2], content + b"\x01\x00", b"\x00" * 8, content[:-1]):
        assert not wfdb_annotation.recognises(other)


@pytest.mark.parametrize(
    "content",
    [
        bytes.fromhex("0a0b0c0d") + bytes(60),  # one word of a known code and step, and zeros to the end
        bytes.fromhex("0a0b0c0d") + bytes(2),
        write_annotations(plain_annotations([5, 90], ["N", "V"])),
        write_annotations(plain_annotations([5, 90, 10_000_000_000], ["N", "N", "V"])) + bytes(8),
    ],
)
def test_a_short_binary_is_an_annotation_file_only_beside_its_record(tmp_path, content):
    (tmp_path / "r.erd").write_bytes(content)
    assert recognise.examine_file(tmp_path / "r.erd").kind == "unknown"
    (tmp_path / "other.hea").write_text("other 1 100 4\n")
    assert recognise.examine_file(tmp_path / "r.erd").kind == "unknown"
    (tmp_path / "r.hea").write_text("r 1 100 4\n")
    assert recognise.examine_file(tmp_path / "r.erd").kind == "WFDB annotations"
    (tmp_path / "r.edf.erd").write_bytes(content)
    (tmp_path / "r.edf").write_bytes(b"0")
    assert recognise.examine_file(tmp_path / "r.edf.erd").kind == "WFDB annotations"


def test_a_header_names_its_signal_files_and_no_other_file_is_taken_for_one(tmp_path):
    (tmp_path / "r.hea").write_text("r 1 100 4\nr.sig 16 100/mV 16 0 1 10 0 II\n")
    (tmp_path / "r.sig").write_bytes(b"\1\0\2\0\3\0\4\0")
    (tmp_path / "lost.sig").write_bytes(b"\xff\xfe\xfd")
    (tmp_path / "empty").write_bytes(b"")
    found = {path.name: recognise.examine_file(path) for path in tmp_path.iterdir()}
    assert {name: one.kind for name, one in found.items()} == {
        "r.hea": "WFDB header", "r.sig": "unknown", "lost.sig": "unknown", "empty": "unknown"
    }  # fmt: skip
    assert {name: one.names for name, one in found.items() if one.names} == {"r.hea": {"r.sig"}}
    assert [f.reason for f in found["empty"].findings] == [Reason.EMPTY_FILE]
    assert not found["r.hea"].findings


@given(st.sampled_from(sorted(KINDS)), st.binary(max_size=600))
def test_whatever_follows_a_recognised_start_ends_as_a_record(tmp_path_factory, kind, rest):
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(KINDS[kind] + rest)
    found = recognise.examine_file(path)  # any exception fails the test
    assert found.kind
    assert all(
        rest[:20].decode("latin-1") not in finding.found for finding in found.findings if len(rest) > 20
    )


MODALITIES = {
    "ECG": [
        ("II", "mV"),
        ("aVR", "mV"),
        ("V5", "uV"),
        ("MCL1", "mV"),
        ("ECG lead II", "mV"),
        ("EKG 1", "uV"),
    ],
    "EEG": [("EEG Fp1-Ref", "uV"), ("FP1-F7", "uV"), ("Fc5.", "uV"), ("EEG A2-A1", "uV")],
    "blood pressure": [("ABP", "mmHg"), ("ART", "mmHg"), ("PAP", "mmHg"), ("CVP", "mmHg"), ("NIBP", "kPa")],
    "PPG": [("PLETH", "NU"), ("Pleth", "mV")],
    "respiration": [("RESP", ""), ("Resp oro-nasal", ""), ("Resp. Imp.", "mV")],
    "PCG": [("PCG", "NU"), ("Heart sound", "mV")],
    "EMG": [("EMG submental", "uV")],
    "EOG": [("EOG horizontal", "uV")],
    "stimulus": [("STI 014", ""), ("Status", ""), ("Trigger", "")],
    "other": [("", ""), ("sig 0, fmt 8", "mV"), ("HRV", "ms")],
}


@pytest.mark.parametrize("name", MODALITIES)
def test_signals_are_counted_by_what_they_measure(name):
    assert {modality.modality_of(*signal) for signal in MODALITIES[name]} == {name}
