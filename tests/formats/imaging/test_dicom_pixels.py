"""Pixels come out as they were stored, or not at all with the reason why."""

import os
import shutil
import signal
import subprocess
import zlib
from unittest.mock import Mock

import numpy as np
import pytest
from pydicom.encaps import generate_frames
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from medassay.core.findings import Reason
from medassay.formats.imaging import codec, codestream, dicom_file, dicom_pixels
from medassay.formats.imaging.refusal import ImageRefused

RAMP = (np.arange(64 * 48).reshape(64, 48) % 4001).astype(np.uint16)
kinds = {
    "8 bits": RAMP.astype(np.uint8),
    "16 bits": RAMP,
    "signed": RAMP.astype(np.int16) - 2000,
    "frames": np.stack([RAMP, RAMP[::-1], RAMP // 2]),
    "colour": np.stack([RAMP, RAMP[::-1], RAMP // 7], axis=-1).astype(np.uint8),
}


def reread(make, dataset):
    return dicom_file.open(make.encoded(dataset), pixels=True).dataset


def refusal(dataset, **options):
    with pytest.raises(ImageRefused) as refused:
        dicom_pixels.decode(dataset, **options)
    return refused.value


@pytest.mark.parametrize("pixels", kinds.values(), ids=kinds)
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_native_pixels_are_those_that_were_written_in_every_syntax(make, pixels, syntax):
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    made = make.image(pixels.astype(pixels.dtype.newbyteorder(order)), syntax)
    if syntax == ExplicitVRBigEndian and pixels.itemsize == 1:
        made["PixelData"].VR = "OB"
    got = dicom_pixels.decode(reread(make, made))
    assert np.array_equal(got, pixels if "NumberOfFrames" in made else pixels[None])
    assert got.dtype == pixels.dtype


@pytest.mark.parametrize("pixels", kinds.values(), ids=kinds)
@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
def test_lossless_pixels_are_those_that_were_written(make, pixels, syntax):
    made = make.image(pixels)
    made.compress(syntax, generate_instance_uid=False)
    got = dicom_pixels.decode(reread(make, made))
    assert np.array_equal(got, pixels if "NumberOfFrames" in made else pixels[None])


def test_single_frames_are_decoded_alone(make):
    made = make.image(kinds["frames"])
    for syntax in (None, RLELossless):
        if syntax:
            made.compress(syntax, generate_instance_uid=False)
        got = dicom_pixels.decode(reread(make, made), [2, 0])
        assert np.array_equal(got, kinds["frames"][[2, 0]])


def test_deflated_frames_are_inflated_and_bounded(make):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    frame = packer.compress(RAMP.tobytes()) + packer.flush()
    made = make.image(RAMP, dicom_pixels.DEFLATED_FRAMES, frames=[frame + b"\x00" * (len(frame) % 2)])
    assert np.array_equal(dicom_pixels.decode(made)[0], RAMP)
    made.Rows = 65
    assert refusal(made).reason is Reason.UNSUPPORTED_FORM


def test_single_bits_in_rle_are_unpacked(make):
    mask = (RAMP % 3 == 0).astype(np.uint8)
    packed = np.packbits(mask.ravel(), bitorder="little")
    rows = make.image(packed.reshape(1, -1))
    rows.compress(RLELossless, generate_instance_uid=False)
    frames = [bytes(frame) for frame in generate_frames(rows.PixelData, number_of_frames=1)]
    bits = {"BitsAllocated": 1, "BitsStored": 1, "HighBit": 0}
    made = make.image(mask, RLELossless, frames=frames, **bits)
    assert np.array_equal(dicom_pixels.decode(reread(make, made))[0], mask)


@pytest.fixture(scope="session")
def twelve_bits(make, tmp_path_factory, debian_program):
    """An object in 12-bit JPEG Extended, by DCMTK, and the pixels that DCMTK itself gives."""
    folder = tmp_path_factory.mktemp("jpeg")
    made = make.image(RAMP, BitsStored=12, HighBit=11)
    (folder / "native.dcm").write_bytes(make.encoded(made))
    for command, source, target in (("dcmcjpeg", "native", "packed"), ("dcmdjpeg", "packed", "plain")):
        option = ["+ee"] if command == "dcmcjpeg" else []
        names = [str(folder / f"{name}.dcm") for name in (source, target)]
        subprocess.run([debian_program(command), *option, *names], check=True, capture_output=True)
    plain = dicom_file.open(folder / "plain.dcm", pixels=True).dataset
    return dicom_file.open(folder / "packed.dcm", pixels=True).dataset, dicom_pixels.decode(plain)


def test_jpeg_of_12_bits_is_decoded_as_dcmtk_does(twelve_bits):
    packed, plain = twelve_bits
    assert packed.file_meta.TransferSyntaxUID == dicom_pixels.JPEG_EXTENDED
    assert np.array_equal(dicom_pixels.decode(packed), plain)


def test_jpeg_of_12_bits_without_a_decoder_names_the_one_to_install(twelve_bits, monkeypatch):
    monkeypatch.setattr(shutil, "which", Mock(return_value=None))
    monkeypatch.setattr(codec, "decode", Mock(side_effect=codec.DecoderRefused("none")))
    refused = refusal(twelve_bits[0])
    assert refused.reason is Reason.UNSUPPORTED_FORM
    assert "dcmtk" in refused.remedy


faults = {
    "no rows": ({"Rows": None}, Reason.HEADER_INVALID),
    "rows of zero": ({"Rows": 0}, Reason.HEADER_INVALID),
    "more rows than bytes": ({"Rows": 65}, Reason.TRUNCATED),
    "more frames than bytes": ({"NumberOfFrames": 2}, Reason.TRUNCATED),
    "frames without end": ({"NumberOfFrames": 2**31 - 1}, Reason.LIMIT_EXCEEDED),
    "values that end elsewhere": ({"BitsStored": 12, "HighBit": 15}, Reason.HEADER_INVALID),
    "more bits stored than allocated": ({"BitsStored": 17, "HighBit": 16}, Reason.HEADER_INVALID),
    "odd bits": ({"BitsAllocated": 12, "BitsStored": 12, "HighBit": 11}, Reason.HEADER_INVALID),
    "two samples": ({"SamplesPerPixel": 2}, Reason.HEADER_INVALID),
    "colour of one sample": ({"PhotometricInterpretation": "RGB"}, Reason.HEADER_INVALID),
    "no pixels": ({"PixelData": b""}, Reason.TRUNCATED),
}


@pytest.mark.parametrize(("elements", "reason"), faults.values(), ids=faults)
def test_a_header_that_contradicts_itself_gives_no_pixels(make, elements, reason):
    made = make.image(RAMP)
    for keyword, value in elements.items():
        setattr(made, keyword, value)
        if value is None:
            del made[keyword]
    assert refusal(made).reason is reason


def test_a_codestream_of_another_size_is_refused_before_a_decoder_makes_room_for_it(make, monkeypatch):
    made = make.image(RAMP)
    made.compress(JPEG2000Lossless, generate_instance_uid=False)
    made.Rows, made.Columns = 6, 4
    monkeypatch.setattr(codec, "decode", Mock(side_effect=AssertionError("a decoder was asked")))
    assert "a codestream of 64 x 48" in refusal(reread(make, made)).found


def test_a_codestream_without_its_end_gives_no_filled_up_pixels(make):
    for syntax in (JPEGLSLossless, JPEG2000Lossless):
        made = make.image(RAMP)
        made.compress(syntax, generate_instance_uid=False)
        frame = next(iter(generate_frames(made.PixelData, number_of_frames=1)))
        cut = make.image(RAMP, syntax, frames=[frame[: len(frame) // 4 * 2]])
        assert refusal(reread(make, cut)).reason is Reason.TRUNCATED


def test_compressed_pixels_under_no_transfer_syntax_are_told_by_their_codestream(make):
    made = make.image(RAMP)
    made.compress(JPEG2000Lossless, generate_instance_uid=False)
    del made.file_meta.TransferSyntaxUID
    assert np.array_equal(dicom_pixels.decode(made)[0], RAMP)


def test_fewer_frames_than_stated_are_refused(make):
    made = make.image(kinds["frames"])
    made.compress(RLELossless, generate_instance_uid=False)
    made.NumberOfFrames = 4
    assert refusal(made).reason is Reason.TRUNCATED


def test_garbage_in_a_codestream_is_refused_and_the_next_frame_is_decoded(make):
    made = make.image(RAMP)
    made.compress(JPEGLSLossless, generate_instance_uid=False)
    frame = next(iter(generate_frames(made.PixelData, number_of_frames=1)))
    broken = make.image(RAMP, JPEGLSLossless, frames=[frame[:60] + bytes(200) + frame[-4:]])
    assert refusal(reread(make, broken)).reason in (Reason.UNSUPPORTED_FORM, Reason.TRUNCATED)
    assert np.array_equal(dicom_pixels.decode(reread(make, made))[0], RAMP)


def test_a_decoder_that_dies_or_hangs_costs_one_frame(make):
    made = make.image(RAMP)
    made.compress(RLELossless, generate_instance_uid=False)
    dataset = reread(make, made)
    dicom_pixels.decode(dataset)
    os.kill(codec._worker.child.pid, signal.SIGSTOP)
    frame = next(iter(generate_frames(dataset.PixelData, number_of_frames=1)))
    with pytest.raises(codec.DecoderLost):
        codec.decode(frame, {"transfer_syntax_uid": str(RLELossless)}, seconds=0.1)
    assert np.array_equal(dicom_pixels.decode(dataset)[0], RAMP)
    os.kill(codec._worker.child.pid, signal.SIGKILL)
    codec._worker.child.wait()
    assert np.array_equal(dicom_pixels.decode(dataset)[0], RAMP)


def test_frame_headers_of_no_family_are_none():
    for frame in (b"", b"\xff\xd8", b"\xff\x4f\xff\x51", b"\xff\xd8\xff\xe0\x00\x01" + bytes(20), bytes(100)):
        assert codestream.look(frame) is None
