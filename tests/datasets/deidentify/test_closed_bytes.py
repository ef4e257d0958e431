"""Bytes that stand where a form expects numbers, codes or pixels: they have its form and its length, or they go."""

import importlib.util
import io
import struct
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders import RLELosslessEncoder
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian

from medassay.core.errors import WrongUse
from medassay.core.findings import Reason
from medassay.datasets.deidentify import (
    allowed,
    burned_in,
    dicom,
    explicit_walk,
    frames,
    pixels,
    proof,
    quick,
    series,
)
from medassay.datasets.deidentify.profile import RESEARCH
from medassay.datasets.sample import Names
from medassay.verbs import deidentify

place = importlib.util.spec_from_file_location("planted", Path(__file__).with_name("planted.py"))
planted = importlib.util.module_from_spec(place)
place.loader.exec_module(planted)

NAMES = Names("R-00000000000000aa", "S-00000000000000bb", 400, b"k" * 32)
CLASS = {family: uid for uid, family in reversed(allowed._classes().items())}
MARK = b"QZXMARK ZHANG WEI 19560302 13800138000 "
GREY = (np.arange(256, dtype=np.uint8) * 7).reshape(16, 16)
JPEG, RLE, JPEG_2000 = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.90"


def image(family="CT", **facts):
    """An object of the family with the fewest elements that an image has; `facts` are added or, if None, left out."""
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    told = {
        "SOPClassUID": CLASS[family],
        "SOPInstanceUID": "1.2.3.4.5",
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": 4,
        "Columns": 4,
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 0,
        "PixelData": bytes(range(32)),
    }
    for keyword, value in (told | facts).items():
        if value is not None:
            setattr(made, keyword, value)
    if "PixelData" in made:
        made["PixelData"].VR = "OW"
    return made


def written(made):
    sink = io.BytesIO()
    made.save_as(sink, enforce_file_format=True)
    return sink.getvalue()


def with_element(content, tag, vr, value):
    """The object's bytes with an element of any value in its place."""
    value += b" " * (len(value) % 2)
    one = explicit_walk.opened(content)
    head = struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr.encode(), len(value))
    for found, kind, start, stop in one.found:
        begin = start - (12 if kind in explicit_walk.LONG else 8)
        if found >= tag:
            return content[:begin] + head + value + content[stop if found == tag else begin :]
    return content + head + value


def outgoing(content):
    """What leaves, by both ways, or the error that both stop at."""
    walked = explicit_walk.opened(content)
    quickly = walked and quick.cleaned(walked, NAMES, words=())
    made = dicom.clean(pydicom.dcmread(io.BytesIO(content)), NAMES, words=())
    out = dicom.encoded(made.dataset)
    assert quickly is None or (quickly.content, quickly.actions) == (out, +made.actions)
    assert proof.walk(out, strict=True).findings == []
    return out


def item(**facts):
    made = Dataset()
    for keyword, value in facts.items():
        setattr(made, keyword, value)
    return made


def table_of(keyword, **facts):
    table = item(LUTDescriptor=[4, 0, 16], LUTData=bytes(8) + MARK, **facts)
    table["LUTData"].VR = "OW"
    return image(**{keyword: Sequence([table])})


def waveform(length, behind=MARK):
    group = item(NumberOfWaveformChannels=1, NumberOfWaveformSamples=10, WaveformBitsAllocated=16)
    group.WaveformData = bytes(length) + behind
    group["WaveformData"].VR = "OW"
    return image("ECG", PixelData=None, WaveformSequence=Sequence([group]))


OVERLONG = {
    "a lookup table": lambda: table_of("VOILUTSequence"),
    "a palette": lambda: image(
        RedPaletteColorLookupTableDescriptor=[8, 0, 8], RedPaletteColorLookupTableData=bytes(8) + MARK
    ),
    "a palette without its descriptor": lambda: image(RedPaletteColorLookupTableData=MARK),
    "samples of a waveform": lambda: waveform(20),
    "pixels in floating point": lambda: image(
        "SEG", PixelData=None, BitsAllocated=32, FloatPixelData=bytes(64) + MARK
    ),
    "native pixels": lambda: image(PixelData=bytes(32) + MARK),
    "places of frames where none are compressed": lambda: image(ExtendedOffsetTable=MARK),
    "pixels of an icon": lambda: image(SourceImageSequence=Sequence([item(PixelData=MARK)])),
}


@pytest.mark.parametrize("what", OVERLONG)
def test_what_stands_behind_the_last_value_of_a_table_or_of_samples_goes(what):
    made = OVERLONG[what]()
    for level in (made, *(one for element in made if element.VR == "SQ" for one in element.value)):
        for keyword in ("PixelData", "RedPaletteColorLookupTableData"):
            if keyword in level:
                level[keyword].VR = "OW"
    content = written(made)
    assert b"QZX" in content
    assert b"QZX" not in outgoing(content)


@pytest.mark.parametrize("missing", ["Rows", "Columns", "SamplesPerPixel", "BitsAllocated"])
def test_pixels_of_which_the_header_does_not_say_how_many_there_are_do_not_leave(missing):
    with pytest.raises(WrongUse, match="does not say how many"):
        outgoing(written(image(**{missing: None})))


@pytest.mark.parametrize("facts", [{"NumberOfFrames": 3}, {"Rows": 400}])
def test_pixels_that_are_fewer_than_the_header_says_do_not_leave(facts):
    with pytest.raises(WrongUse, match="fewer than the header says"):
        outgoing(written(image(PixelData=bytes(32) + MARK[:10], **facts)))


def test_samples_that_are_fewer_than_the_header_says_do_not_leave():
    with pytest.raises(WrongUse, match="fewer than the header says"):
        outgoing(written(waveform(10, b"")))


@pytest.mark.parametrize(
    ("family", "tag", "vr", "value"),
    [
        ("MR", 0x00181310, "US", MARK),  # four numbers
        ("CT", 0x00280106, "US", MARK),  # one
        ("US", 0x00280009, "AT", MARK[:36]),
        ("CT", 0x00180060, "DS", b"138\\0013\\8000"),
        ("CT", 0x00180060, "DS", b"0000012345"),
        ("CT", 0x00181152, "IS", b"000123456"),
        ("SR", 0x0040A30A, "DS", b"19560302"),
        ("CT", 0x00281052, "DS", b"-19560302"),
        ("SR", 0x0040DB00, "CS", b"1.3800138000"),
        ("CT", 0x00189311, "FD", b"19560302"),
        ("CT", 0x00080030, "TM", b"998877"),
        ("CT", 0x00080030, "TM", b"19\\56\\03\\02"),
        ("CT", 0x0008002A, "DT", b"20230615101500+9956"),
        ("CT", 0x00101010, "AS", b"044Y\\044Y"),
    ],
)
def test_more_values_than_an_element_has_or_others_than_its_kind_has_go(family, tag, vr, value):
    out = outgoing(with_element(written(image(family)), tag, vr, value))
    assert value.strip() not in out


@pytest.mark.parametrize(
    ("creator", "group", "element", "vr", "value"),
    [
        ("GEMS_PARM_01", 0x43, 0x39, "IS", b"1380013800\\1\\2\\3"),
        ("Philips PET Private Group", 0x7053, 0x00, "DS", b"830123450"),
        ("Philips MR Imaging DD 001", 0x2005, 0x0E, "FL", b"13800138000 "),
        ("SIEMENS MR HEADER", 0x19, 0x0E, "FD", b"1956030213800138"),
    ],
)
def test_numbers_of_a_safe_private_element_are_no_more_and_no_longer_than_it_has(
    creator, group, element, vr, value
):
    made = image("MR")
    made.private_block(group, creator, create=True)
    out = outgoing(with_element(written(made), group << 16 | 0x1000 | element, vr, value))
    assert value not in out
    assert creator.encode() not in out


def test_what_a_maker_adds_to_a_b_value_stays():
    made = image("MR")
    made.private_block(0x43, "GEMS_PARM_01", create=True).add_new(0x39, "IS", ["1000000050", "8", "0", "0"])
    assert pydicom.dcmread(io.BytesIO(outgoing(written(made))))[0x0043, 0x1039].value[0] == 1000000050


@pytest.mark.parametrize(
    "code",
    [
        {"CodeValue": "80891009", "LongCodeValue": "QZXMARK ZHANG", "CodingSchemeDesignator": "SCT"},
        {"CodeValue": "13800138014", "CodingSchemeDesignator": "SCT"},  # its check digit is right
        {"CodeValue": "195603-2", "CodingSchemeDesignator": "LN"},
        {"CodeValue": "ZHANGWEI", "CodingSchemeDesignator": "DCM"},
        {"CodeValue": "{ZhangWei}", "CodingSchemeDesignator": "UCUM"},
    ],
)
def test_a_code_that_its_scheme_cannot_have_goes(code):
    assert not allowed.are_codes(
        code["CodeValue"], code.get("LongCodeValue", ""), code["CodingSchemeDesignator"]
    )
    out = outgoing(written(image(AnatomicRegionSequence=Sequence([item(CodeMeaning="Heart", **code)]))))
    for value in (code["CodeValue"], code.get("LongCodeValue", "")):
        assert not value or value.encode() not in out


def test_every_code_of_the_standards_own_concepts_is_one():
    from pydicom.sr._concepts_dict import concepts

    lost = {
        (scheme, code)
        for scheme in ("DCM", "SCT", "LN", "RADLEX", "FMA", "NCIt")
        for coded in concepts[scheme].values()
        for code in coded
        if not allowed.is_code(code, scheme)
    }
    assert len(lost) < 30, sorted(lost)


def segment(marker, payload):
    return bytes((0xFF, marker)) + struct.pack(">H", len(payload) + 2) + payload


def jpeg(**options):
    sink = io.BytesIO()
    Image.fromarray(GREY).save(sink, "JPEG", **options)
    return sink.getvalue()


def code_2000():
    sink = io.BytesIO()
    Image.fromarray(GREY).save(sink, "JPEG2000", no_jp2=True)
    return sink.getvalue()


def in_main_header(code):
    return code.replace(b"\xff\x52", segment(0x64, b"\x00\x01" + MARK) + b"\xff\x52", 1)


def in_tile_header(code):
    comment = segment(0x64, b"\x00\x01" + MARK)
    tile, data = code.index(b"\xff\x90"), code.index(b"\xff\x93")
    length = struct.unpack_from(">I", code, tile + 6)[0] + len(comment)
    return code[: tile + 6] + struct.pack(">I", length) + code[tile + 10 : data] + comment + code[data:]


def run_lengths():
    return RLELosslessEncoder.encode(
        GREY.tobytes(), rows=16, columns=16, samples_per_pixel=1, bits_allocated=8, bits_stored=8,
        pixel_representation=0, photometric_interpretation="MONOCHROME2", number_of_frames=1,
    )  # fmt: skip


def behind_first_scan():
    code = jpeg(progressive=True)
    at = code.rindex(b"\xff\xda")
    return code[:at] + segment(0xFE, MARK) + code[at:]


HEAD, REST = jpeg()[:2], jpeg()[2:]
COMMENTED = {
    "a comment": (JPEG, lambda: HEAD + segment(0xFE, MARK) + REST, 1),
    "a comment behind fill bytes": (JPEG, lambda: HEAD + b"\xff\xff" + segment(0xFE, MARK) + REST, 1),
    "a comment in the second fragment": (JPEG, lambda: HEAD + segment(0xFE, b"a" * 300 + MARK) + REST, 4),
    "a comment behind the scan": (JPEG, lambda: HEAD + REST[:-2] + segment(0xFE, MARK) + REST[-2:], 1),
    "a comment between scans": (JPEG, behind_first_scan, 1),
    "an encoder's name and a person": (JPEG, lambda: jpeg(comment=b"LEAD Technologies QZXMARK"), 1),
    "a short record of an application": (JPEG, lambda: HEAD + segment(0xE9, MARK[:12]) + REST, 1),
    "bytes behind the picture": (JPEG, lambda: HEAD + REST + MARK, 1),
    "a comment of JPEG 2000": (JPEG_2000, lambda: in_main_header(code_2000()), 1),
    "a comment of a tile": (JPEG_2000, lambda: in_tile_header(code_2000()), 1),
    "bytes behind the code": (JPEG_2000, lambda: code_2000() + MARK, 1),
    "bytes behind runs": (RLE, lambda: run_lengths() + MARK, 1),
    "places that no segment has": (RLE, lambda: run_lengths()[:20] + MARK + run_lengths()[20 + len(MARK) :], 1),
}  # fmt: skip


def compressed(code, syntax, fragments=1, table=b"", **facts):
    made = image(
        Rows=16,
        Columns=16,
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        NumberOfFrames=1,
        PixelData=None,
        **facts,
    )
    made.file_meta.TransferSyntaxUID = UID(syntax)
    value = encapsulate([code], fragments_per_frame=fragments, has_bot=False)
    made.PixelData = frames.ITEM + struct.pack("<I", len(table)) + table + value[8:]
    made["PixelData"].is_undefined_length = True
    made["PixelData"].VR = "OB"
    return written(made)


@pytest.mark.filterwarnings("ignore:The decoded RLE segment")
@pytest.mark.parametrize("what", COMMENTED)
def test_a_compressed_frame_keeps_its_pixels_and_nothing_that_is_none(what):
    syntax, code, fragments = COMMENTED[what]
    content = compressed(code(), syntax, fragments)
    out = outgoing(content)
    assert b"QZX" not in out
    before, after = (pydicom.dcmread(io.BytesIO(one)) for one in (content, out))
    assert len(before.PixelData) == len(after.PixelData)
    if syntax != RLE or "behind" in what:  # a header with places that no segment has is read by few
        assert np.array_equal(before.pixel_array, after.pixel_array)


def test_a_table_of_places_that_are_no_fragments_is_emptied():
    out = outgoing(compressed(jpeg(), JPEG, table=MARK[:36]))
    assert b"QZX" not in out
    assert pydicom.dcmread(io.BytesIO(out)).pixel_array.shape == (16, 16)
    kept = outgoing(compressed(jpeg(), JPEG, table=bytes(4)))
    assert frames.ITEM + b"\x04\x00\x00\x00" + bytes(4) in kept


@pytest.mark.parametrize(
    ("code", "syntax"),
    [
        (MARK, JPEG),
        (jpeg() + jpeg(), JPEG),
        (jpeg()[:-2] + MARK + b"\xff\xd9", JPEG),
        (jpeg()[:-2] + MARK + bytes(30) + segment(0xFE, b"") + b"\xff\xd9", JPEG),
        (HEAD + segment(0xF0, MARK) + REST, JPEG),
        (b"II*\x00" + MARK, JPEG_2000),
        (MARK + bytes(64), RLE),
        (jpeg(), "1.2.840.10008.1.2.4.100"),
    ],
)
def test_frames_in_another_form_than_their_transfer_syntax_do_not_leave(code, syntax):
    with pytest.raises(WrongUse, match="compressed frame"):
        outgoing(compressed(code + bytes(len(code) % 2), syntax))


@pytest.mark.parametrize(
    ("high", "sign", "bit", "expected"),
    [(11, 1, 15, [0, 1, -1]), (15, 0, 1, [0, 16, 4095 << 4]), (11, 0, 12, [0, 1, 4095])],
)
def test_an_overlay_beside_the_stored_bits_is_cleared_and_the_pixels_are_what_they_were(
    high, sign, bit, expected
):
    values = np.array([0, 1, 4095] + [0] * 13, np.uint16) << (high - 11)
    made = image(
        BitsStored=12, HighBit=high, PixelRepresentation=sign, PixelData=(values | 1 << bit).tobytes()
    )
    made.add_new(0x60000102, "US", bit)
    out = pydicom.dcmread(io.BytesIO(outgoing(written(made)))).PixelData
    kind = "<i2" if sign else "<u2"
    assert np.frombuffer(out, kind)[:3].tolist() == expected


@pytest.mark.parametrize(("bits", "vr"), [(8, "OB"), (8, "OW"), (16, "OW"), (32, "OW")])
def test_pixels_in_big_endian_are_turned_at_every_width(bits, vr):
    header = image(BitsAllocated=bits, BitsStored=bits)
    header["PixelData"].VR = vr
    plain = np.arange(16, dtype=f"<u{bits // 8}")
    word = {"OB": 1}.get(vr, max(2, bits // 8))
    value = plain.view(f"<u{word}").astype(f">u{word}").tobytes()
    assert pixels.plain(value, header, swap=True) == plain.tobytes()


def test_samples_in_big_endian_are_turned():
    made = waveform(0)
    samples = np.arange(10, dtype=">i2")
    made.WaveformSequence[0].WaveformData = samples.tobytes()
    made.WaveformSequence[0]["WaveformData"].VR = "OW"
    made.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    sink = io.BytesIO()
    made.save_as(sink, implicit_vr=False, little_endian=False, enforce_file_format=True)
    out = pydicom.dcmread(io.BytesIO(outgoing(sink.getvalue())))
    assert np.frombuffer(out.WaveformSequence[0].WaveformData, "<i2").tolist() == list(range(10))


@pytest.mark.parametrize(
    "text",
    ["Li Na", "Eva Fox", "Dr Ng", "WEI1990", "138,0013,8000", "1956.03.02", "02.03.56", "5.JAN.56", "MAR 2 1956",
     "06 12 34 56 78", "W.A.N.G"],
)  # fmt: skip
def test_a_makers_text_in_the_form_of_a_name_a_day_or_a_number_of_somebody_goes(text):
    out = outgoing(written(image(ManufacturerModelName=text, SoftwareVersions=text)))
    assert text.encode() not in out


@pytest.mark.parametrize(
    "text", ["67/02/14", "06 12 34 56 78", "123_456_789", "1 3 8 0 0 1 3 8", "W A N G", "w_e_i", "2 3 56"]
)
def test_a_description_keeps_no_day_no_groups_of_digits_and_no_word_that_is_spelt_out(text):
    out = pydicom.dcmread(io.BytesIO(outgoing(written(image(SeriesDescription=f"CT Chest {text}")))))
    assert out.SeriesDescription == "CT Chest"


def series_of(folder, **objects):
    """Paths of objects that are written under their names."""
    paths = []
    for number, (name, made) in enumerate(objects.items()):
        made.SOPInstanceUID, made.SeriesInstanceUID = f"1.2.3.{number}", "1.2.9"
        paths.append(folder / f"{name}.dcm")
        paths[-1].write_bytes(written(made))
    return paths


def told(**facts):
    return image(Rows=32, Columns=32, PixelData=bytes(2048), **facts)


def test_text_that_the_header_of_any_object_tells_of_sets_its_series_aside(tmp_path):
    paths = series_of(tmp_path, first=told(), second=told(BurnedInAnnotation="YES"))
    found = series.clean(paths, NAMES, (), RESEARCH)
    assert {one.reason for one in found} == {Reason.IDENTITY_LEFT}


def test_pixels_behind_an_object_without_any_are_screened_too(tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(burned_in, "shows_strokes", lambda plane: shown.append(plane.shape))
    report = image("SR", PixelData=None, Rows=None, Columns=None)
    floats = image("SEG", PixelData=None, BitsAllocated=32, FloatPixelData=bytes(64))
    series.clean(series_of(tmp_path, report=report, image=told(), floats=floats), NAMES, (), RESEARCH)
    assert sorted(shown) == [(4, 4), (32, 32)]


@pytest.mark.parametrize(
    "facts", [{"ImageType": ["ORIGINAL", "PRIMARY", "LABEL", "NONE"]}, {"SpecimenLabelInImage": "YES"}]
)
def test_the_label_of_a_slide_does_not_leave(facts):
    key, finding = series.group_of(image("VL", SeriesInstanceUID="1.2.9", **facts))
    assert (key, finding.reason) == ("", Reason.IDENTITY_LEFT)


def test_a_series_under_two_persons_does_not_leave_and_its_neighbour_does(tmp_path):
    (tmp_path / "in").mkdir()
    people = {"a": ("ONE^A", "1"), "b": ("TWO^B", "2"), "c": ("TWO^B", "2")}
    objects = {name: told(PatientName=of, PatientID=number) for name, (of, number) in people.items()}
    series_of(tmp_path / "in", **objects)
    objects["c"].SeriesInstanceUID = "1.2.10"
    (tmp_path / "in" / "c.dcm").write_bytes(written(objects["c"]))
    proof_of = deidentify.run(tmp_path / "in", tmp_path / "out")
    assert (proof_of["counts"]["files_written"], proof_of["counts"]["subjects"]) == (1, 1)
    assert {one["found"] for one in proof_of["findings"]} == {"a series under more than one person (2 times)"}


@pytest.mark.parametrize(
    ("family", "keyword", "value"),
    [
        ("PT", "CorrectedImage", ["NORM", "DTIM", "ATTN", "SCAT", "RADL", "DECY"]),
        ("VL", "DimensionOrganizationType", "TILED_FULL"),
        ("SR", "ContinuityOfContent", "SEPARATE"),
        ("CT", "RotationDirection", "CW"),
        ("MR", "Spoiling", "RF"),
        ("SC", "ConversionType", "WSD"),
    ],
)
def test_terms_that_the_standard_defines_for_how_an_object_was_made_stay(family, keyword, value):
    kept = pydicom.dcmread(io.BytesIO(outgoing(written(image(family, **{keyword: value})))))
    assert kept[keyword].value == value


def test_a_report_keeps_how_its_items_hang_together_and_by_which_template():
    part = item(RelationshipType="HAS CONCEPT MOD", ValueType="TEXT")
    content = Sequence([item(TemplateIdentifier="1500", MappingResource="DCMR")])
    made = image("SR", PixelData=None, ContentSequence=Sequence([part]), ContentTemplateSequence=content)
    kept = pydicom.dcmread(io.BytesIO(outgoing(written(made))))
    assert kept.ContentSequence[0].RelationshipType == "HAS CONCEPT MOD"
    assert kept.ContentTemplateSequence[0].TemplateIdentifier == "1500"
