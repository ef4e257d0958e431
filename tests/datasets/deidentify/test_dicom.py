"""Identity planted in every element that an MR image may have, and what is left of it."""

import io
from collections import Counter

import pydicom
import pytest
from pydicom.datadict import DicomDictionary, keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from medassay.datasets.deidentify import allowed, proof
from medassay.datasets.deidentify.dicom import clean, encoded, mapped_uid, person_of, shifted
from medassay.datasets.deidentify.person_names import name_forms
from medassay.datasets.sample import Names
from medassay.formats.imaging import dicom_series
from medassay.formats.imaging.dicom_characters import read_text

SECRET = "ZHANGTESTWEI"
CHINESE = "张试伟"
NAMES = Names("sample-00000000000000aa", "subject-00000000000000bb", 400, b"a key")
TEXTS = {"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT", "UR"}


def image(**changes):
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    facts = {
        "SOPClassUID": dicom_series.MR_IMAGE,
        "SOPInstanceUID": "1.2.3.4.5",
        "StudyInstanceUID": "1.2.3.4.6",
        "SeriesInstanceUID": "1.2.3.4.7",
        "FrameOfReferenceUID": "1.2.3.4.8",
        "StudyDate": "20230615",
        "Modality": "MR",
        "PatientSex": "F",
        "PatientAge": "067Y",
        "PatientWeight": "61.5",
        "EchoTime": "2.98",
        "ImagePositionPatient": ["1.5", "-2", "3"],
        "ImageOrientationPatient": ["1", "0", "0", "0", "1", "0"],
        "PixelSpacing": ["0.9375", "0.9375"],
        "SliceThickness": "1.2",
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": 2,
        "Columns": 3,
        "BitsAllocated": 16,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelRepresentation": 0,
    }
    for keyword, value in (facts | changes).items():
        setattr(dataset, keyword, value)
    dataset.add_new(0x7FE00010, "OW", bytes(range(12)))
    return dataset


def reread(dataset, syntax=ExplicitVRLittleEndian):
    """As it comes from a file: raw bytes, converted when asked for."""
    dataset.file_meta.TransferSyntaxUID = syntax
    sink = io.BytesIO()
    dataset.preamble = SECRET.encode().ljust(128, b"\x00")
    dataset.save_as(sink, enforce_file_format=True)
    return dicom_series.open_whole(sink.getvalue())


def cleaned(dataset):
    person = person_of(dataset)
    return clean(dataset, NAMES, index=0, words=person.words)


def everywhere():
    """One image with the secret in every text element of the dictionary, in a sequence and in private ones."""
    dataset = image()
    planted = 0
    for tag, (vr, _, _, _, keyword) in DicomDictionary.items():
        group = tag >> 16
        if group in (0x0000, 0x0002, 0x0004, 0xFFFE) or tag == 0x00080005 or not keyword or tag in dataset:
            continue
        if vr in TEXTS:
            dataset.add(DataElement(tag, vr, SECRET))
            planted += 1
        elif vr == "UI":
            dataset.add(DataElement(tag, vr, "1.2.3.99.424242424242"))
            planted += 1
    dataset.PatientName = f"ZHANG^{SECRET}"
    item = Dataset()
    item.PatientName = SECRET
    inner = Dataset()
    inner.PatientComments = SECRET
    item.ReferencedStudySequence = Sequence([inner])
    dataset.RequestAttributesSequence = Sequence([item])
    block = dataset.private_block(0x0011, SECRET, create=True)
    block.add_new(0x01, "LO", SECRET)
    block.add_new(0x02, "UN", SECRET.encode())
    dataset.add_new(0x60003000, "OW", SECRET.encode())
    return dataset, planted


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_identity_in_every_element_survives_in_no_output_byte(syntax):
    dataset, planted = everywhere()
    assert planted > 1000
    result = cleaned(reread(dataset, syntax))
    content = encoded(result.dataset)
    for secret in (SECRET, "ZHANG", "424242424242", "1.2.3."):
        for codec in ("ascii", "utf-16-le"):
            assert secret.encode(codec) not in content
    assert proof.walk(content).findings == []
    assert SECRET not in repr(result.actions)


@pytest.mark.parametrize("codec", ["gbk", "gb18030", "utf-8"])
def test_a_chinese_name_under_no_tag_survives_in_no_output_byte(codec):
    latin = f"{CHINESE}".encode(codec).decode("latin-1")
    dataset = reread(image(PatientName=latin, PatientComments=latin, Manufacturer=latin, SequenceName=latin))
    content = encoded(cleaned(dataset).dataset)
    assert CHINESE.encode(codec) not in content
    assert proof.walk(content).findings == []


def test_sex_age_weight_and_geometry_stay_and_pixels_are_the_same_bytes():
    result = pydicom.dcmread(io.BytesIO(encoded(cleaned(reread(image())).dataset)))
    kept = ("PatientSex", "PatientAge", "PatientWeight", "EchoTime", "ImagePositionPatient", "PixelSpacing")
    for keyword in (*kept, "ImageOrientationPatient", "SliceThickness", "Rows", "Columns"):
        assert result[keyword].value == image()[keyword].value, keyword
    assert result.PixelData == bytes(range(12))
    assert (result.PatientID, str(result.PatientName)) == (NAMES.subject, NAMES.subject)
    assert (result.PatientIdentityRemoved, len(result.DeidentificationMethodCodeSequence)) == ("YES", 5)
    assert result.preamble == bytes(128)


@pytest.mark.parametrize(
    ("age", "stated"), [("089Y", "089Y"), ("090Y", "090Y"), ("101Y", "090Y"), ("018M", "018M")]
)
def test_ages_over_89_are_all_90(age, stated):
    assert cleaned(image(PatientAge=age)).dataset.PatientAge == stated


def test_an_age_that_only_the_dates_tell_is_stated_before_they_go():
    dataset = image(PatientBirthDate="19500616")
    del dataset.PatientAge
    result = cleaned(dataset).dataset
    assert (result.PatientAge, result.PatientBirthDate) == ("072Y", "")


def test_dates_move_together_and_uids_are_the_same_wherever_they_stand():
    result = cleaned(image(SeriesDate="20230617")).dataset
    assert (result.StudyDate, result.SeriesDate) == ("20220511", "20220513")
    assert result.SOPInstanceUID == mapped_uid(NAMES.key, "1.2.3.4.5")
    assert mapped_uid(b"another", "1.2.3.4.5") != result.SOPInstanceUID
    assert shifted("no date", 5) == ""


def test_a_makers_name_stays_unless_it_names_the_patient():
    person = {"PatientName": "MUELLER^ANNA"}
    assert cleaned(image(Manufacturer="SIEMENS", **person)).dataset.Manufacturer == "SIEMENS"
    assert "Manufacturer" not in cleaned(image(Manufacturer="Scan of Anna Mueller", **person)).dataset
    assert "Manufacturer" not in cleaned(image(Manufacturer="ANNAMUELLER-7", **person)).dataset


def test_every_element_of_the_input_is_accounted_for():
    dataset, _ = everywhere()
    actions = cleaned(dataset).actions
    tags = Counter(element for (element, action), _ in actions.items() if action != "removed")
    for tag in dataset.keys():  # noqa: SIM118 - pydicom iterates elements, not tags
        name = f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
        assert any(element.startswith(name) for element, _ in actions), keyword_for_tag(tag)
    assert set(tags.values()) == {1}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d.add_new(0x00104000, "LT", "a comment"),
        lambda d: d.add_new(0x00110010, "LO", "PRIVATE"),
        lambda d: setattr(d, "PatientSex", "X"),
        lambda d: setattr(d, "PatientAge", "101Y"),
        lambda d: setattr(d, "PatientID", "12345"),
        lambda d: setattr(d, "PatientBirthDate", "19500101"),
        lambda d: setattr(d, "SOPInstanceUID", "1.2.3"),
        lambda d: setattr(d, "AccessionNumber", "7"),
        lambda d: setattr(d, "EchoTime", "13800138000"),
        lambda d: setattr(d.DeidentificationMethodCodeSequence[0], "CodeMeaning", "Dr. Wang"),
        lambda d: d.DeidentificationMethodCodeSequence[0].add_new(0x00100010, "PN", "WANG"),
        lambda d: setattr(d, "Manufacturer", "ACME; Mr Li"),
    ],
)
def test_the_proof_finds_whatever_is_not_provably_allowed(spoil):
    dataset = cleaned(image()).dataset
    assert proof.walk(encoded(dataset)).findings == []
    spoil(dataset)
    assert proof.walk(encoded(dataset)).findings != []


@pytest.mark.parametrize("cut", [200, 400, 700])
def test_the_proof_fails_closed_on_bytes_that_break_off(cut):
    assert proof.walk(encoded(cleaned(image()).dataset)[:cut]).findings != []


def test_the_proof_refuses_a_preamble_and_bytes_behind_the_end():
    content = encoded(cleaned(image()).dataset)
    assert proof.walk(b"X" + content[1:]).findings != []
    assert proof.walk(content + b"WANG").findings != []


@pytest.mark.parametrize(
    ("raw", "declared", "text", "problem"),
    [
        (b"DOE^JANE", "", "DOE^JANE", False),
        ("张伟".encode("gb18030"), "GB18030", "张伟", False),
        ("张伟".encode("gbk"), "GBK", "张伟", False),
        ("张伟".encode(), "ISO_IR 192", "张伟", False),
        ("Müller".encode("latin-1"), "ISO_IR 100", "Müller", False),
        ("张伟".encode("gbk"), "", "张伟", True),
        ("张伟".encode(), "", "张伟", True),
        ("张伟".encode("gbk"), "ISO_IR 100", "张伟", True),
        ("张伟".encode("gbk"), "ISO_IR 192", "张伟", True),
        ("张伟".encode(), "ISO_IR 100", "张伟", True),
        ("张喆".encode("gbk"), "ISO_IR 100", "张喆", True),  # 喆 lies beyond GB 2312
    ],
)
def test_a_name_is_read_in_the_character_set_that_its_bytes_are_in(raw, declared, text, problem):
    reading = read_text(raw, [declared])
    assert reading.text == text
    assert bool(reading.problem) == problem


def test_one_name_never_becomes_two_by_carets_case_or_forms():
    assert name_forms("Doe^Jane^^") == name_forms("DOE^JANE") == ["doe jane"]
    assert name_forms("张^伟") == name_forms("张伟^^") == ["张伟"]
    assert name_forms("ZHANG^WEI=张^伟") == ["zhang wei", "张伟"]


def test_the_table_names_each_element_as_the_dictionary_does():
    for tag, rule in allowed.rules().items():
        assert keyword_for_tag(tag) == rule.keyword
        assert rule.action != "keep" or rule.allowed


def test_the_list_of_safe_private_elements_holds_numbers_only_and_names_its_sources():
    from importlib.resources import files

    rows = files("medassay.datasets.deidentify").joinpath("safe_private.csv").read_text("utf-8").splitlines()
    assert "E.3.10-1" in "".join(row for row in rows if row.startswith("#"))
    listed = [row.split(",") for row in rows if not row.startswith(("#", "creator,"))]
    assert {row[-1] for row in listed} == {"both", "one"}
    for (creator, group, _), known in allowed.safe_private().items():
        assert group % 2 == 1, creator
        assert known.vr in ("DS", "IS", "FD", "FL")
        assert ".." in known.allowed


def test_a_direction_that_the_standards_list_lacks_is_removed_with_its_creator():
    dataset = image()
    dataset.private_block(0x0019, "GEMS_ACQU_01", create=True).add_new(0xBB, "DS", "0.5")
    dataset.private_block(0x0043, "GEMS_PARM_01", create=True).add_new(0x6F, "DS", ["3", "4", "0"])
    kept = cleaned(reread(dataset)).dataset
    assert [tag.group for tag in kept.keys() if tag.is_private] == [0x43, 0x43]  # noqa: SIM118 - pydicom iterates elements, not tags
