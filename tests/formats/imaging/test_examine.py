"""One door: every file gets its kind and what is wrong with it, whatever it is, and nothing is raised."""

import collections
import csv
import hashlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medassay.core.findings import Reason, Severity
from medassay.formats.imaging import dicom_characters, dicom_file, dicom_pixels
from medassay.formats.imaging.examine import examine_file, recognise

# What a hospital exports, by SOP class: each gets the name that the standard gives it.
KINDS = {
    "1.2.840.10008.5.1.4.1.1.2": "DICOM CT Image",
    "1.2.840.10008.5.1.4.1.1.4": "DICOM MR Image",
    "1.2.840.10008.5.1.4.1.1.1": "DICOM Computed Radiography Image",
    "1.2.840.10008.5.1.4.1.1.1.1": "DICOM Digital X-Ray Image - For Presentation",
    "1.2.840.10008.5.1.4.1.1.1.2": "DICOM Digital Mammography X-Ray Image - For Presentation",
    "1.2.840.10008.5.1.4.1.1.6.1": "DICOM Ultrasound Image",
    "1.2.840.10008.5.1.4.1.1.3.1": "DICOM Ultrasound Multi-frame Image",
    "1.2.840.10008.5.1.4.1.1.20": "DICOM Nuclear Medicine Image",
    "1.2.840.10008.5.1.4.1.1.128": "DICOM Positron Emission Tomography Image",
    "1.2.840.10008.5.1.4.1.1.12.1": "DICOM X-Ray Angiographic Image",
    "1.2.840.10008.5.1.4.1.1.7": "DICOM Secondary Capture Image",
    "1.2.840.10008.5.1.4.1.1.77.1.1": "DICOM VL Endoscopic Image",
    "1.2.840.10008.5.1.4.1.1.77.1.4": "DICOM VL Photographic Image",
    "1.2.840.10008.5.1.4.1.1.77.1.5.1": "DICOM Ophthalmic Photography 8 Bit Image",
    "1.2.840.10008.5.1.4.1.1.77.1.5.4": "DICOM Ophthalmic Tomography Image",
}


@pytest.fixture
def file(tmp_path):
    def written(content):
        path = tmp_path / "a"
        path.write_bytes(content)
        return path

    return written


@pytest.mark.parametrize(("uid", "kind"), KINDS.items(), ids=KINDS.values())
def test_an_image_is_named_by_its_class_and_described(make, file, uid, kind):
    examined = examine_file(file(make.encoded(make.image(np.zeros((3, 4, 5), np.uint16), SOPClassUID=uid))))
    assert (examined.kind, examined.findings) == (kind, ())
    assert [examined.facts[name] for name in ("frames", "rows", "columns")] == [3, 4, 5]


def test_a_slice_says_its_series_and_nothing_of_the_patient(make, file):
    made = make.placed(0, PatientName="Zhang^San", PatientID="4711", InstitutionName="Hospital")
    examined = examine_file(file(make.encoded(made)))
    assert examined.group == "1.2"
    assert not any(word in repr(examined) for word in ("Zhang", "4711", "Hospital"))


faults = {
    "empty": (lambda content: content[:0], Reason.EMPTY_FILE),
    "text": (lambda content: b"a letter" + content[200:300], Reason.UNKNOWN_FORMAT),
    "cut in the pixels": (lambda content: content[:-3], Reason.TRUNCATED),
    "cut in the header": (lambda content: content[:300], Reason.TRUNCATED),
    "no class": (
        lambda content: content.replace(b"\x08\x00\x16\x00UI", b"\x08\x00\x17\x00UI"),
        Reason.HEADER_INVALID,
    ),
    "no rows": (
        lambda content: content.replace(b"\x28\x00\x10\x00US", b"\x28\x00\x12\x00US"),
        Reason.HEADER_INVALID,
    ),
    "NRRD": (lambda content: b"NRRD0005\n" + content[132:160], Reason.UNSUPPORTED_FORM),
}


@pytest.mark.parametrize(("damage", "reason"), faults.values(), ids=faults)
def test_what_cannot_be_read_is_refused_with_its_reason(make, file, damage, reason):
    examined = examine_file(file(damage(make.encoded(make.placed(0)))))
    assert (reason, Severity.REFUSE) in {(finding.reason, finding.severity) for finding in examined.findings}


def test_a_file_that_is_not_there_or_is_a_folder_is_a_finding(tmp_path):
    for path in (tmp_path, tmp_path / "none"):
        assert examine_file(path).refused


def test_text_in_another_character_set_is_a_finding_of_the_file(make, file):
    content = make.encoded(make.image(PatientName="XXXX^YY")).replace(b"XXXX", "王明".encode("gbk"))
    assert [finding.reason for finding in examine_file(file(content)).findings] == [Reason.CHARACTER_SET]


def test_a_dicom_file_whose_preamble_is_a_tiff_header_is_dicom(make):
    content = make.encoded(make.image())
    assert recognise(b"II*\x00" + content[4:]) == "DICOM"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.binary(max_size=300),
    st.sampled_from(
        [b"", bytes(128) + b"DICM", b"\x89PNG\r\n\x1a\n", b"II*\x00", b"\xff\xd8\xff", b"BM", b"GIF89a"]
    ),
)
def test_any_bytes_are_examined_without_an_error(tmp_path, tail, head):
    (tmp_path / "a").write_bytes(head + tail)
    examined = examine_file(tmp_path / "a", decode=False)
    assert examined.facts or examined.findings


# From here on: what ../shared/data/dicom-formats/SOURCE.txt says of its files.

EQUAL = [
    ["CT1_UNC", "CT1_J2KR", "CT1_JLSL", "CT1_JPLL", "CT1_RLE"],
    ["NM1_J2KR", "NM1_JPLL", "NM1_RLE"],
    [
        "MR_small",
        "MR_small_RLE",
        "MR_small_bigendian",
        "MR_small_implicit",
        "MR_small_jp2klossless",
        "MR_small_jpeg_ls_lossless",
    ],
    [
        "emri_small",
        "emri_small_RLE",
        "emri_small_big_endian",
        "emri_small_jpeg_2k_lossless",
        "emri_small_jpeg_ls_lossless",
    ],
    [
        "CT0012.fragmented_no_bot_jpeg_lossless.57",
        "CT0012.fragmented_no_bot_jpeg_ls.80",
        "CT0012.not_fragmented_bot_rle",
    ],
    ["rtdose_expb", "rtdose_rle"],
    ["liver_rle", "liver_deflate"],
    ["SC_rgb_small_odd", "SC_rgb_small_odd_big_endian"],
]
LOSSY = [
    ("CT1_UNC", "CT1_J2KI"),
    ("CT1_UNC", "CT1_JLSN"),
    ("CT0012.not_fragmented_bot_rle", "CT0012.fragmented_no_bot_jpeg_baseline.51"),
]
TWELVE_BITS = {
    "NM1_JPLY": "d30242775a414c01",
    "MR4_JPLY": "05ea6ae7a49cafbc",
    "XA1_JPLY": "d5f60be5c70a0ee7",
    "RG2_JPLY": "a0dca087f2176a3c",
    "RG3_JPLY": "fef7c9392560946b",
    "JPEG-lossy": "d30242775a414c01",
    "JPGExtended": "d30242775a414c01",
}
REFUSED = {  # in damaged/
    "MR_truncated.dcm": {Reason.TRUNCATED},
    "rtplan_truncated.dcm": {Reason.TRUNCATED},
    "badVR.dcm": {Reason.HEADER_INVALID},
    "dwv-test_no-number-rows.dcm": {Reason.HEADER_INVALID},
    "JPEG2000-embedded-sequence-delimiter.dcm": {Reason.UNSUPPORTED_FORM},
    # Fragments of headers, without a SOP class:
    "UN_sequence.dcm": {Reason.HEADER_INVALID},
    "empty_charset_LEI.dcm": {Reason.HEADER_INVALID},
    "meta_missing_tsyntax.dcm": {Reason.HEADER_INVALID},
    "nested_priv_SQ.dcm": {Reason.HEADER_INVALID},
    "no_meta_group_length.dcm": {Reason.HEADER_INVALID},
    "priv_SQ.dcm": {Reason.HEADER_INVALID},
}


def pixels(shared, name):
    return dicom_pixels.decode(
        dicom_file.open(shared / "dicom-formats/transfer-syntax" / f"{name}.dcm", pixels=True).dataset
    )


@pytest.mark.shared
@pytest.mark.parametrize("names", EQUAL, ids=[names[0] for names in EQUAL])
def test_lossless_twins_decode_to_the_same_pixels(shared, names):
    first, *others = [pixels(shared, name) for name in names]
    assert all(np.array_equal(first, other) for other in others)


@pytest.mark.shared
@pytest.mark.parametrize(("original", "lossy"), LOSSY)
def test_lossy_twins_differ(shared, original, lossy):
    assert not np.array_equal(pixels(shared, original), pixels(shared, lossy))


@pytest.mark.shared
@pytest.mark.parametrize(("name", "digest"), TWELVE_BITS.items())
def test_jpeg_extended_gives_the_pixels_of_dcmtk_or_a_finding(shared, name, digest):
    examined = examine_file(shared / "dicom-formats/transfer-syntax" / f"{name}.dcm")
    if examined.refused:
        assert [finding.reason for finding in examined.findings] == [Reason.UNSUPPORTED_FORM]
    else:
        values = pixels(shared, name)
        assert hashlib.sha256(values.astype("<u2").tobytes()).hexdigest()[:16] == digest


@pytest.mark.shared
def test_names_are_read_as_their_list_says(shared):
    folder = shared / "dicom-formats/charset"
    with (folder / "charset_truth.csv").open(encoding="utf-8") as rows:
        truth = {row["file"]: row["patient_name_as_pydicom_3_0_2_decodes_it"] for row in csv.DictReader(rows)}
    for name, expected in truth.items():
        dataset = dicom_file.open(folder / name).dataset
        readings = [
            dicom_characters.read_text(raw, declared)
            for tag, raw, declared in dicom_characters.texts_of(dataset)
            if tag in (0x00100010, 0x00321032)
        ]
        assert expected in [reading.text.rstrip("=") for reading in readings], name
        assert not list(dicom_characters.examine(dataset))


@pytest.mark.shared
def test_damaged_files_are_refused_or_read_as_their_source_says(shared):
    for path in sorted((shared / "dicom-formats/damaged").glob("*.dcm")):
        examined = examine_file(path)
        reasons = {finding.reason for finding in examined.findings if finding.severity is Severity.REFUSE}
        assert reasons == REFUSED.get(path.name, set()), path.name


@pytest.mark.shared
@pytest.mark.parametrize("folder", ["dicom-formats", "dicom-series", "dicom-phi", "micrographs", "cxr"])
def test_every_public_file_has_an_outcome(shared, folder):
    outcomes = collections.Counter()
    for path in sorted((shared / folder).rglob("*")):
        if path.is_file() and path.stat().st_size < 1 << 20:
            examined = examine_file(path, decode=folder == "micrographs")
            assert examined.kind == "unknown" or examined.facts or examined.refused, path.name
            assert not any("its reader stopped" in finding.found for finding in examined.findings), path.name
            outcomes["refused" if examined.refused else "described"] += 1
    assert outcomes["described"] > 0.8 * outcomes.total()
