import io
import warnings
import zipfile

import numpy as np
import pytest

from medassay.core.errors import NothingReadable
from medassay.core.findings import Reason, Severity
from medassay.datasets.inspect import inspect

HEADER = b"100 1 360 4\n100.dat 16 200 16 0 1 10 0 II\n"
SIGNAL = np.array([1, 2, 3, 4], "<i2").tobytes()
ANNOTATIONS = b"\x04\x04\x00\x00"  # one normal beat at sample 4, and the end
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


def edf(patient=b"X X X X", physical=(b"-100", b"100"), cut=0):
    fields = [(b"0", 8), (patient, 80), (b"Startdate X X X X", 80), (b"01.01.85", 8), (b"00.00.00", 8)]
    fields += [(b"512", 8), (b"", 44), (b"1", 8), (b"1", 8), (b"1", 4)]
    fields += [(b"Fp1", 16), (b"", 80), (b"uV", 8), (physical[0], 8), (physical[1], 8), (b"-32768", 8)]
    fields += [(b"32767", 8), (b"", 80), (b"4", 8), (b"", 32)]
    content = b"".join(text.ljust(width) for text, width in fields) + SIGNAL
    return content[: len(content) - cut]


def dicom(z, name="Bloggs^Joe", rows=2, series="1.2.3"):
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.SOPClassUID, made.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.4", f"1.2.3.{z + 1}"
    made.SeriesInstanceUID, made.Modality, made.PatientName = series, "MR", name
    made.ImagePositionPatient, made.ImageOrientationPatient = [0, 0, z], [1, 0, 0, 0, 1, 0]
    made.PixelSpacing, made.Rows, made.Columns = [1, 1], rows, 2
    made.BitsAllocated = made.BitsStored = 16
    made.HighBit, made.PixelRepresentation, made.SamplesPerPixel = 15, 0, 1
    made.PhotometricInterpretation = "MONOCHROME2"
    made.PixelData = bytes(2 * 2 * rows)
    with io.BytesIO() as stream:
        made.save_as(stream, enforce_file_format=True)
        return stream.getvalue()


def look(folder, **files):
    for name, content in files.items():
        stem, _, suffix = name.rpartition("_")
        (folder / (f"{stem}.{suffix}" if stem else name)).write_bytes(content)
    rows, findings = inspect(folder)
    return {row.file: row for row in rows}, findings


def reasons(row):
    return [(finding.reason, finding.severity) for finding in row.findings]


forms = {
    "WFDB header": ("100_hea", HEADER),
    "delimited text": ("a_csv", b"time,glucose\n0,5.1\n5,5.3\n"),
    "EDF": ("a_xyz", edf()),
    "DICOM MR Image": ("a_ima", dicom(0, name="")),
}


@pytest.mark.parametrize(("form", "file"), forms.items(), ids=forms)
def test_a_form_is_told_by_content_whatever_the_name(tmp_path, form, file):
    rows, _ = look(tmp_path, **dict([file, ("100_dat", SIGNAL)]))
    row = rows[file[0].replace("_", ".")]
    assert (row.form, row.refused) == (form, False)


def test_files_without_a_mark_are_known_by_the_header_beside_them(tmp_path):
    rows, _ = look(tmp_path, **{"100_hea": HEADER, "100_dat": SIGNAL, "100_atr": ANNOTATIONS})
    assert {row.form for row in rows.values()} == {"WFDB header", "WFDB signal", "WFDB annotations"}
    assert rows["100.hea"].facts["sampling_hz"] == "360"
    assert not any(row.findings for row in rows.values())


faults = {
    "empty": ("a_csv", b"", Reason.EMPTY_FILE),
    "signal missing": ("100_hea", HEADER, Reason.SIGNAL_FILE_MISSING),
    "signal cut": ("100_hea", HEADER.replace(b"360 4", b"360 5"), Reason.TRUNCATED),
    "EDF cut": ("a_edf", edf(cut=2), Reason.TRUNCATED),
    "EDF header cut": ("a_edf", edf()[:300], Reason.TRUNCATED),
    "EDF without calibration": ("a_edf", edf(physical=(b"0", b"0")), Reason.CALIBRATION_IMPOSSIBLE),
    "DICOM cut": ("a_dcm", dicom(0)[:-3], Reason.TRUNCATED),
    "picture without its header": ("a_png", PNG, Reason.HEADER_INVALID),
    "bytes of no form": ("a_bin", bytes(range(256)), Reason.UNKNOWN_FORMAT),
    "HL7 v2 without results": ("a_hl7", b"MSH|^~\\&|||||||ADT^A01|1|P|2.5\r", Reason.UNSUPPORTED_FORM),
    "a table by name that is none": ("a_csv", b"hello\nthere\n", Reason.UNKNOWN_FORMAT),
}


@pytest.mark.parametrize(("name", "content", "reason"), faults.values(), ids=faults)
def test_what_is_wrong_is_said_and_costs_no_neighbour(tmp_path, name, content, reason):
    beside = {"100_dat": SIGNAL} if reason is Reason.TRUNCATED and name == "100_hea" else {}
    rows, _ = look(tmp_path, **{name: content, "good_csv": b"time,glucose\n0,5.1\n5,5.3\n"}, **beside)
    assert (reason, Severity.REFUSE) in reasons(rows[name.replace("_", ".")])
    assert not rows["good.csv"].refused


@pytest.mark.parametrize(
    "content",
    [b"Notes.\nNothing else.\n", b"<?xml version='1.0'?><a/>", b'{"a": 1}'],
    ids=["text", "XML", "JSON"],
)
def test_text_that_no_reader_looks_into_is_said_and_refuses_nothing(tmp_path, content):
    rows, _ = look(tmp_path, README=content)
    assert reasons(rows["README"]) == [(Reason.UNKNOWN_FORMAT, Severity.WARN)]


@pytest.mark.parametrize("file", [("a_dcm", dicom(0)), ("a_edf", edf(patient=b"42 M X Joe_Bloggs"))], ids=str)
def test_that_a_person_is_named_is_said_without_the_name(tmp_path, file):
    rows, _ = look(tmp_path, **dict([file]))
    (row,) = rows.values()
    assert reasons(row) == [(Reason.IDENTITY_LEFT, Severity.WARN)]
    assert "Bloggs" not in row.findings[0].model_dump_json() + str(row.facts)


def test_images_of_one_series_are_held_to_make_a_volume(tmp_path):
    whole = {f"s{z}_dcm": dicom(z) for z in range(6)}
    assert look(tmp_path, **whole)[1] == ()
    (tmp_path / "s2.dcm").unlink()
    _, (finding,) = look(tmp_path)
    assert finding.reason is Reason.SLICE_MISSING
    assert finding.where == "series 1 of 1, 5 images"


def test_an_archive_is_told_with_its_members_each_by_its_content(tmp_path):
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as container:
        container.writestr("100.hea", HEADER)
        container.writestr("100.dat", SIGNAL)
        container.writestr("../out.csv", "a,b\n1,2\n")
    rows, _ = inspect(tmp_path)
    assert {row.file: (row.form, row.refused) for row in rows} == {
        "export.zip": ("zip archive", False),
        "export.zip/100.hea": ("WFDB header", False),
        "export.zip/100.dat": ("WFDB signal", False),
        "export.zip/../out.csv": ("unknown", True),
    }
    assert (rows[0].facts["taken"], rows[0].facts["refused"]) == (2, 1)


def test_slices_within_an_archive_are_held_to_make_a_volume(tmp_path):
    with zipfile.ZipFile(tmp_path / "series.zip", "w") as container:
        for z in (0, 1, 2, 4, 5):
            container.writestr(f"{z}.dcm", dicom(z))
    _, (finding,) = inspect(tmp_path / "series.zip")
    assert finding.reason is Reason.SLICE_MISSING


def test_a_single_file_is_looked_at_too(tmp_path):
    (tmp_path / "a.edf").write_bytes(edf())
    ((row,), findings) = inspect(tmp_path / "a.edf")
    assert (row.form, row.facts["signals"], findings) == ("EDF", 1, ())


def test_nothing_to_look_at_is_nothing_readable(tmp_path):
    with pytest.raises(NothingReadable):
        inspect(tmp_path / "absent")


def test_nothing_that_a_library_warns_of_or_logs_is_passed_on(tmp_path, caplog):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        content = dicom(0, series="SECRET-NAME")
    caplog.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows, _ = look(tmp_path, a_dcm=content)
    assert rows["a.dcm"].form == "DICOM MR Image"
    assert caplog.text == ""


@pytest.fixture
def pair(tmp_path):
    """A NIfTI-1 volume in two files."""
    import nibabel

    nibabel.save(
        nibabel.Nifti1Pair(np.arange(60, dtype=np.int16).reshape(3, 4, 5), np.eye(4)), tmp_path / "a.img"
    )
    return tmp_path


def test_a_volume_in_two_files_is_described_by_its_header_and_its_values_are_known_by_it(pair):
    rows, findings = inspect(pair)
    assert [(row.file, row.form, row.refused) for row in rows] == [
        ("a.hdr", "NIfTI-1 pair", False),
        ("a.img", "NIfTI-1 values", False),
    ]
    assert findings == ()
    assert "int16" in str(rows[0].facts["type"])


@pytest.mark.parametrize("fault", ["absent", "cut"])
def test_half_of_a_volume_in_two_files_is_refused(pair, fault):
    content = (pair / "a.img").read_bytes()
    (pair / "a.img").unlink()
    if fault == "cut":
        (pair / "a.img").write_bytes(content[:-2])
    rows, _ = inspect(pair)
    assert rows[0].refused


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"\x1c\x02\x00\x00n+2\x00" + bytes(600), "NIfTI-2"),
        (b"\x89HDF\r\n\x1a\n" + bytes(90), "HDF5"),
        (b"\x93NUMPY\x01\x00" + bytes(90), "NumPy array"),
        (b"PAR1" + bytes(90), "Parquet table"),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(90), "video"),
        (b"7z\xbc\xaf'\x1c" + bytes(90), "7z archive"),
        (b"Rar!\x1a\x07\x00" + bytes(90), "RAR archive"),
    ],
)
def test_forms_without_a_reader_are_refused_by_name(tmp_path, content, name):
    (tmp_path / "a").write_bytes(content)
    ((row,), _) = inspect(tmp_path)
    assert (row.form, row.refused) == (name, True)
