"""A CT image with marks in every place that peers are known to forget: none may be left, research facts must."""

import importlib.util
from datetime import datetime
from pathlib import Path

import pytest

from medassay.core.canonical import digest_bytes
from medassay.core.errors import WrongUse
from medassay.datasets.deidentify import dicom, proof
from medassay.datasets.deidentify.profile import PROFILES, RESEARCH
from medassay.datasets.identity import date_shift_days
from medassay.datasets.sample import Names

place = importlib.util.spec_from_file_location("planted", Path(__file__).with_name("planted.py"))
planted = importlib.util.module_from_spec(place)
place.loader.exec_module(planted)

KEY = b"k" * 32
SUBJECT = "S-00000000000000bb"
NAMES = Names("R-00000000000000aa", SUBJECT, date_shift_days(KEY, SUBJECT), KEY)


def outgoing(content, profile=RESEARCH):
    dataset = planted.opened(content)
    cleaned = dicom.clean(dataset, NAMES, words=dicom.person_of(dataset).words, profile=profile)
    return dicom.encoded(cleaned.dataset), cleaned.actions


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_of_all_marks_that_were_planted_none_is_left(name):
    content, marks = planted.planted_ct()
    assert len(marks) >= 29
    out, _ = outgoing(content, PROFILES[name])
    assert [mark for mark in marks if mark.encode() in out] == []
    assert b"QZX" not in out
    assert b"19300214" not in out
    assert proof.walk(out, PROFILES[name], strict=True).findings == []


def test_what_research_needs_of_the_marked_image_stays():
    out, _ = outgoing(planted.planted_ct()[0])
    kept = planted.opened(out)
    assert (kept.PatientSex, kept.PatientAge, kept.PatientWeight) == ("F", "090Y", 61.5)
    assert (kept.ConvolutionKernel, kept.KVP, kept.Exposure) == (["Br40d", "3"], 120, 88)
    assert (kept.StudyDescription, kept.SeriesDescription) == ("CT Thorax", "Lung 1.0")
    assert kept.ImageType == ["ORIGINAL", "PRIMARY", "AXIAL"]
    assert kept[0x00E1, 0x1021].value == 412.5
    assert kept.PixelData == planted.PIXELS


def test_intervals_between_the_dates_of_a_subject_stay_exact():
    first = planted.opened(outgoing(planted.planted_ct("20230615")[0])[0])
    second = planted.opened(outgoing(planted.planted_ct("20240301")[0])[0])
    days = [datetime.strptime(one.StudyDate, "%Y%m%d") for one in (first, second)]
    assert (days[1] - days[0]).days == 260
    assert first.StudyDate != "20230615"
    assert first.StudyTime == "101500"


def test_the_digest_of_the_pixels_is_that_of_the_source_without_its_trailing_bytes():
    out, actions = outgoing(planted.planted_ct()[0])
    assert proof.walk(out).bulk == {"(7FE0,0010)": digest_bytes(planted.PIXELS)}
    assert actions["(7FE0,0010) PixelData: bytes that are no pixels, or their order", "changed"] == 1


def test_the_basic_profile_keeps_neither_dates_nor_characteristics():
    kept = planted.opened(outgoing(planted.planted_ct()[0], PROFILES["basic"])[0])
    assert (kept.StudyDate, kept.PatientSex) == ("", "")
    assert "PatientAge" not in kept
    assert "StudyDescription" not in kept
    assert kept.LongitudinalTemporalInformationModified == "REMOVED"
    assert len(kept.DeidentificationMethodCodeSequence) == 1


def test_what_one_profile_lets_stand_another_ones_proof_refuses():
    out, _ = outgoing(planted.planted_ct()[0])
    assert proof.walk(out, PROFILES["basic"]).findings != []


def test_a_storage_class_of_no_family_is_refused():
    content, _ = planted.planted_ct(SOPClassUID="1.2.840.10008.5.1.4.1.1.104.1")
    with pytest.raises(WrongUse):
        outgoing(content)


def test_a_code_of_a_private_scheme_goes_with_its_meaning():
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    codes = []
    for value, scheme, meaning in (
        ("80891009", "SCT", "Heart structure"),
        ("ZHANG", "99HOSP", "Heart structure"),
        ("80891008", "SCT", "Heart structure"),
    ):
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
        codes.append(code)
    content, _ = planted.planted_ct(AnatomicRegionSequence=Sequence(codes))
    out, actions = outgoing(content)
    kept = planted.opened(out).AnatomicRegionSequence
    assert [code.CodeValue for code in kept] == ["80891009"]
    assert actions["(0008,2218) AnatomicRegionSequence: item with a code of no known scheme", "removed"] == 2


def test_a_private_element_that_is_not_listed_fails_the_proof():
    dataset = planted.opened(outgoing(planted.planted_ct()[0])[0])
    dataset.private_block(0x00E1, "ELSCINT1").add_new(0x22, "DS", "1")
    assert any("private" in finding.found for finding in proof.walk(dicom.encoded(dataset)).findings)


def test_comments_in_compressed_frames_are_blanked_and_declared():
    import io

    import numpy as np
    from PIL import Image
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEGBaseline8Bit

    sink = io.BytesIO()
    Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(sink, "JPEG", comment=b"QZXFRAME")
    content, _ = planted.planted_ct()
    dataset = planted.opened(content)
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    dataset.PixelData = encapsulate([sink.getvalue()])
    before = len(dataset.PixelData)
    cleaned = dicom.clean(dataset, NAMES, words=())
    out = dicom.encoded(cleaned.dataset)
    assert b"QZX" not in out
    assert cleaned.actions["(7FE0,0010) PixelData: comment in a compressed frame", "changed"] == 1
    assert len(planted.opened(out).PixelData) == before
    assert planted.opened(out).pixel_array.shape == (16, 16)
    assert proof.walk(out).findings == []


def test_an_overlay_in_unused_bits_of_the_pixels_is_cleared_and_declared():
    import numpy as np

    dataset = planted.opened(planted.planted_ct()[0])
    dataset.add_new(0x60000100, "US", 16)
    dataset.add_new(0x60000102, "US", 15)
    values = np.arange(256, dtype=np.uint16) | 0x8000
    dataset.PixelData = values.tobytes()
    cleaned = dicom.clean(dataset, NAMES, words=())
    assert np.array_equal(np.frombuffer(cleaned.dataset.PixelData, "<u2"), np.arange(256))
    assert any(action == "changed" for element, action in cleaned.actions if "no pixels" in element)


def test_the_tables_are_what_the_standard_and_the_choices_make_them():
    from importlib.resources import files

    from medassay.datasets.deidentify import standard_table

    folder = files("medassay.datasets.deidentify")
    for name, made in (
        ("ps3_15.csv", standard_table.table()),
        ("sop_classes.csv", standard_table.sop_classes()),
    ):
        assert folder.joinpath(name).read_text("utf-8") == made


def test_no_element_that_the_basic_profile_removes_stands_without_an_option():
    from medassay.datasets.deidentify import allowed

    for rule in allowed.rules().values():
        if rule.basic == "X":
            assert rule.option or rule.action in ("fixed", "empty"), rule.element
