"""A DICOM object is opened by what its bytes are, and whatever is wrong with the file is said."""

import contextlib
import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from medassay.core.findings import Reason, Severity
from medassay.formats.imaging import dicom_file
from medassay.formats.imaging.dicom_structure import MOST_DEPTH
from medassay.formats.imaging.refusal import ImageRefused

NATIVE = [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian]


def content(make, syntax=ExplicitVRLittleEndian, **elements):
    return make.encoded(make.image(syntax=syntax, **elements))


def without_meta(whole):
    """The data set alone: the file meta information states its own length."""
    length = struct.unpack_from("<I", whole, 140)[0]
    return whole[144 + length :]


def said(opened):
    return {finding.found for finding in opened.findings}


@pytest.mark.parametrize("syntax", [*NATIVE, DeflatedExplicitVRLittleEndian])
def test_every_native_syntax_is_read_with_its_pixels(make, syntax):
    opened = dicom_file.open(content(make, syntax), pixels=True)
    assert opened.transfer_syntax == syntax
    assert (opened.dataset.Rows, opened.dataset.Columns, len(opened.dataset.PixelData)) == (4, 5, 40)


@pytest.mark.parametrize("syntax", NATIVE)
def test_an_object_without_preamble_and_meta_information_is_read_and_told(make, syntax):
    bare = without_meta(content(make, syntax))
    assert dicom_file.recognises(bare[:512])
    opened = dicom_file.open(bare, pixels=True)
    assert opened.transfer_syntax == syntax
    assert opened.dataset.Columns == 5
    assert {"no preamble", "no file meta information"} <= said(opened)


def test_blanks_before_the_first_element_are_passed_over(make):
    assert dicom_file.open(b" " + without_meta(content(make))).dataset.Rows == 4


def test_a_file_that_begins_with_the_mark_or_the_meta_information_is_read(make):
    whole = content(make)
    for start in (128, 132):
        assert dicom_file.recognises(whole[start:])
        assert dicom_file.open(whole[start:]).dataset.Rows == 4


@pytest.mark.parametrize("stated", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_elements_under_a_transfer_syntax_that_is_not_theirs_are_read_as_what_they_are(make, stated):
    whole = content(make)
    old, new = (str(uid).encode() + b"\x00" * (len(uid) % 2) for uid in (ExplicitVRLittleEndian, stated))
    wrong = whole.replace(
        b"\x02\x00\x10\x00UI\x14\x00" + old, b"\x02\x00\x10\x00UI" + struct.pack("<H", len(new)) + new
    )
    assert wrong != whole
    opened = dicom_file.open(wrong, pixels=True)
    assert opened.transfer_syntax == ExplicitVRLittleEndian
    assert opened.dataset.pixel_array.tolist() == [
        [0, 1, 2, 3, 4],
        [5, 6, 7, 8, 9],
        [10, 11, 12, 13, 14],
        [15, 16, 17, 18, 19],
    ]
    assert any("under a transfer syntax of" in found for found in said(opened))


@pytest.mark.parametrize("syntax", [*NATIVE, DeflatedExplicitVRLittleEndian])
def test_a_file_cut_at_any_byte_is_refused_or_said_to_be_cut(make, syntax):
    whole = content(make, syntax, PatientComments="x" * 30)
    reasons = set()
    for length in range(1, len(whole) - 1):
        try:
            opened = dicom_file.open(whole[:length], pixels=True)
        except ImageRefused as refused:
            reasons.add(refused.reason)
            continue
        cut_between_elements = "PixelData" not in opened.dataset
        assert opened.pixels_cut or cut_between_elements, length
    assert reasons <= {Reason.TRUNCATED, Reason.UNKNOWN_FORMAT, Reason.HEADER_INVALID}


def test_pixel_data_that_are_cut_are_a_finding_and_the_header_is_read(make):
    opened = dicom_file.open(content(make)[:-10])
    assert opened.pixels_cut
    assert [(f.reason, f.severity) for f in opened.findings] == [(Reason.TRUNCATED, Severity.REFUSE)]
    assert opened.dataset.Modality == "MR"


def explicit(tag, vr, value, length=None):
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr
    size = len(value) if length is None else length
    return (
        head
        + (b"\x00\x00" + struct.pack("<I", size) if vr in (b"SQ", b"UN", b"OB") else struct.pack("<H", size))
        + value
    )


def test_sequences_nested_beyond_measure_are_refused_without_recursion(make):
    first = without_meta(content(make))
    first = first[: 8 + struct.unpack_from("<H", first, 6)[0]]
    opening = explicit(0x00081140, b"SQ", b"", 0xFFFFFFFF) + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    for depth in (MOST_DEPTH + 1, 100_000):
        deep = first + opening * depth
        with pytest.raises(ImageRefused) as refused:
            dicom_file.open(deep)
        assert refused.value.reason is Reason.LIMIT_EXCEEDED


def test_a_length_beyond_the_end_of_the_file_is_a_cut_header_and_asks_for_no_memory(make):
    bad = content(make).replace(
        b"\x08\x00\x60\x00CS\x02\x00MR", b"\x08\x00\x60\x00UN\x00\x00\xf0\xff\xff\x7fMR"
    )
    with pytest.raises(ImageRefused, match="breaks off") as refused:
        dicom_file.open(bad)
    assert refused.value.reason is Reason.TRUNCATED


def test_a_deflated_bomb_is_refused_before_it_fills_the_memory(make, monkeypatch):
    whole = content(make, DeflatedExplicitVRLittleEndian)
    start = 144 + struct.unpack_from("<I", whole, 140)[0]
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = packer.compress(bytes(1 << 22)) + packer.flush()
    monkeypatch.setattr(dicom_file, "MOST_INFLATED", 1 << 21)
    with pytest.raises(ImageRefused) as refused:
        dicom_file.open(whole[:start] + bomb)
    assert refused.value.reason is Reason.LIMIT_EXCEEDED


def test_a_value_representation_that_does_not_exist_is_said_and_the_rest_is_read(make):
    opened = dicom_file.open(content(make).replace(b"\x08\x00\x60\x00CS", b"\x08\x00\x60\x00QQ"))
    assert "1 elements of a value representation that does not exist" in said(opened)
    assert opened.dataset.Rows == 4


def test_a_damaged_character_set_costs_no_header(make):
    whole = content(make, SpecificCharacterSet="ISO_IR 100")
    opened = dicom_file.open(whole.replace(b"ISO_IR 100", b"IS\x00_IR\xff100"), pixels=True)
    assert "a character set that is no defined term" in said(opened)
    assert (opened.dataset.Rows, len(opened.dataset.PixelData)) == (4, 40)


def test_bytes_behind_the_data_set_are_counted(make):
    opened = dicom_file.open(content(make) + bytes(64), pixels=True)
    assert "64 bytes behind the last element" in said(opened)
    assert len(opened.dataset.PixelData) == 40


def test_pixel_data_are_taken_by_their_lengths_so_a_delimiter_inside_them_ends_nothing(make):
    frame = b"\xff\xd8" + b"\xfe\xff\xdd\xe0\x00\x00\x00\x00" + b"\xff\xd9"
    whole = content(make, "1.2.840.10008.1.2.4.50", frames=[frame])
    opened = dicom_file.open(whole, pixels=True)
    assert frame in opened.dataset.PixelData
    assert not opened.findings


def test_fragments_without_their_delimiter_are_whole_and_said(make):
    whole = content(make, "1.2.840.10008.1.2.4.50", frames=[b"\xff\xd8\xff\xd9"])
    opened = dicom_file.open(whole[:-8], pixels=True)
    assert said(opened) == {"no delimiter behind the last fragment"}
    assert not opened.pixels_cut


others = {
    "text": b"a letter that a hospital wrote",
    "empty": b"",
    "two bytes": b"\x08\x00",
    "PNG": b"\x89PNG\r\n\x1a\n" + bytes(200),
    "EDF": b"0       " + b"X" * 250,
    "zeros": bytes(600),
    "text with a tag at its start": b"\x08\x00 and so on, and so forth",
}


@pytest.mark.parametrize("head", others.values(), ids=others)
def test_other_files_are_not_taken_for_dicom(head):
    assert not dicom_file.recognises(head)
    with pytest.raises(ImageRefused) as refused:
        dicom_file.open(head)
    assert refused.value.reason is Reason.UNKNOWN_FORMAT


@given(st.binary(max_size=400))
def test_any_bytes_behind_a_mark_are_read_or_refused(tail):
    with contextlib.suppress(ImageRefused):
        assert dicom_file.open(bytes(128) + b"DICM" + tail, pixels=True).transfer_syntax is not None


@given(st.data())
def test_any_bytes_changed_in_an_object_are_read_or_refused(make, data):
    whole = bytearray(content(make, data.draw(st.sampled_from(NATIVE))))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(132, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        opened = dicom_file.open(io.BytesIO(bytes(whole)), pixels=True)
    except ImageRefused:
        return
    for keyword in ("Rows", "PatientName", "ImagePositionPatient", "NumberOfFrames"):
        dicom_file.value_of(opened.dataset, keyword)
