"""The walk over bytes gives what pydicom's way gives, to the byte and in every count, or does not go on."""

import importlib.util
import io
import warnings
from pathlib import Path

import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from medassay.datasets.deidentify import allowed, dicom, explicit_walk, proof, quick
from medassay.datasets.deidentify.profile import PROFILES, RESEARCH
from medassay.datasets.sample import Names

place = importlib.util.spec_from_file_location("planted", Path(__file__).with_name("planted.py"))
planted = importlib.util.module_from_spec(place)
place.loader.exec_module(planted)

SHARED = Path(__file__).parents[4] / "shared" / "data" / "dicom-formats"
NAMES = Names("R-00000000000000aa", "S-00000000000000bb", 400, b"k" * 32)
CT = allowed.rules_of("CT")
TEXTS = ("AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UT")
BINARY = {"US": 2, "SS": 2, "UL": 4, "SL": 4, "FL": 4, "FD": 8}
VALUES = st.sampled_from(
    (
        *(b"", b"1", b"1.5\\2 ", b" 007", b"20230615", b"101500.25", b"067Y", b"F", b"YES", b"1e400", b"nan"),
        *(
            b"CT Chest",
            b"Dr Miller",
            b"ORIGINAL\\PRIMARY\\AXIAL",
            b"QZXMARK01",
            b"80891009",
            b"SCT",
            b"99HOSP",
        ),
        *(b"1.2.840.10008.5.1.4.1.1.2\x00", b"1.2.3.99", b"x" * 70, b"a\x1b$)Ab", b"\xff\xfe"),
        *("头颅 CT 平扫".encode("gb18030"), "头颅".encode(), "Müller".encode("latin-1")),
    )
)
CHARSETS = st.sampled_from(
    [None, b"ISO_IR 100", b"ISO_IR 192", b"GB18030 ", b"ISO 2022 IR 6\\ISO 2022 IR 58", b"XX"]
)


def raw(tag, vr, value):
    value += (b"\x00" if vr == "UI" else b" ") * (len(value) % 2)
    return RawDataElement(BaseTag(tag), vr, len(value), value, 0, False, True)


@st.composite
def levels(draw, depth=0):
    """A data set with elements of the table and others, as a writer of little care would make it."""
    level = Dataset()
    charset = draw(CHARSETS)
    if charset is not None and (not depth or draw(st.integers(0, 4)) == 0):
        level[0x00080005] = raw(0x00080005, "CS", charset)
    tags = draw(st.lists(st.sampled_from(sorted(CT)), max_size=12, unique=True))
    for tag in tags:
        vr = CT[tag].vr
        if vr == "SQ" and depth < 3:
            items = draw(st.lists(levels(depth + 1), max_size=2))
            level.add_new(tag, "SQ", Sequence(items))
            level[tag].is_undefined_length = draw(st.booleans())
            for item in items:
                item.is_undefined_length_sequence_item = draw(st.booleans())
        elif vr in TEXTS:
            level[tag] = raw(tag, vr, draw(VALUES))
        elif vr in BINARY or vr == "US or SS":
            vr = draw(st.sampled_from(["US", "SS"])) if vr == "US or SS" else vr
            level[tag] = raw(tag, vr, draw(st.binary(min_size=BINARY[vr], max_size=BINARY[vr])))
    if draw(st.booleans()):
        level[0x00E10010] = raw(0x00E10010, "LO", draw(st.sampled_from([b"ELSCINT1", b"ELSCINT1 ", b"ACME"])))
        level[0x00E11021] = raw(0x00E11021, draw(st.sampled_from(["DS", "LO"])), draw(VALUES))
        level[0x00E11022] = raw(0x00E11022, "LO", draw(VALUES))
    if draw(st.booleans()):
        level[0x00100030], level[0x00080020] = (
            raw(0x00100030, "DA", b"19300214"),
            raw(0x00080020, "DA", draw(VALUES)),
        )
    for tag, value in ((0x00080100, b"80891009"), (0x00080102, draw(st.sampled_from([b"SCT", b"99HOSP"])))):
        if depth and draw(st.booleans()):
            level[tag] = raw(tag, "SH", value)
    return level


def written(level, pixels, bits):
    level.file_meta = FileMetaDataset()
    level.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    level[0x00080016] = raw(0x00080016, "UI", planted.CT_IMAGE.encode())
    level[0x00080018] = raw(0x00080018, "UI", b"1.2.3.4.5")
    level.Rows = level.Columns = 4
    level.SamplesPerPixel, level.PixelRepresentation = 1, 0
    level.BitsAllocated, level.BitsStored = bits, bits
    level.add_new(0x7FE00010, "OW" if bits == 16 else "OB", pixels)
    sink = io.BytesIO()
    level.save_as(sink, enforce_file_format=True)
    return sink.getvalue()


def by_pydicom(content, profile=RESEARCH):
    """What the other way gives; the name of its error where it stops."""
    with warnings.catch_warnings(action="ignore"):
        dataset = pydicom.dcmread(io.BytesIO(content), force=True)
        person = dicom.person_of(dataset)
        done = dicom.clean(dataset, NAMES, words=person.words, profile=profile)
        return dicom.encoded(done.dataset), +done.actions, person


def by_bytes(content, profile=RESEARCH):
    with warnings.catch_warnings(action="ignore"):
        one = explicit_walk.opened(content)
        return one and quick.cleaned(one, NAMES, words=quick.person_of(one).words, profile=profile), one


def assert_the_same(content, profile=RESEARCH):
    """Whether the walk went on; if it did, bytes, counts and person are those of the other way."""
    found, one = by_bytes(content, profile)
    if found is None:
        return False
    expected, actions, person = by_pydicom(content, profile)
    assert found.content == expected
    assert found.actions == actions
    assert quick.person_of(one) == person
    return True


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(levels(), st.sampled_from(sorted(PROFILES)), st.sampled_from([0, 3, 40]), st.sampled_from([8, 16]))
def test_both_ways_give_the_same_bytes_and_counts(level, profile, behind, bits):
    with warnings.catch_warnings(action="ignore"):
        try:
            content = written(level, bytes(range(2 * bits)) + b"Q" * behind, bits)
        except Exception:  # noqa: BLE001 - what no writer writes needs no reader
            return
    assert_the_same(content, PROFILES[profile])


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_the_marked_image_is_walked_under_each_profile_and_no_mark_is_left(profile):
    content, marks = planted.planted_ct()
    assert assert_the_same(content, PROFILES[profile])
    found, _ = by_bytes(content, PROFILES[profile])
    assert [mark for mark in marks if mark.encode() in found.content] == []
    assert proof.walk(found.content, PROFILES[profile], strict=True).findings == []


def test_what_one_object_was_told_is_not_told_of_the_next():
    """Outcomes are remembered over a series: under the same words only, and by all bytes that they hang on."""
    first, _ = planted.planted_ct()
    second, _ = planted.planted_ct("20240301", patient="OTHER", PatientAge="044Y", Manufacturer="Acme OTHER")
    for content in (first, second, first):
        assert assert_the_same(content)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content[:-3],
        lambda content: content + b"WANG",
        lambda content: content[128:],
        lambda content: content.replace(b"\x08\x00\x60\x00CS", b"\x08\x00\x60\x00ZZ"),
        lambda content: content.replace(b"\x08\x00\x60\x00CS", b"\x08\x00\x01\x00CS"),
        lambda content: content[:0],
    ],
)
def test_bytes_that_break_off_or_leave_the_order_are_not_walked(spoil):
    content, _ = planted.planted_ct()
    assert explicit_walk.opened(content) is not None
    assert explicit_walk.opened(spoil(content)) is None


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_other_encodings_are_left_to_pydicom(syntax):
    dataset = planted.opened(planted.planted_ct()[0])
    sink = io.BytesIO()
    dataset.file_meta.TransferSyntaxUID = syntax
    plain = Dataset()
    plain.update({tag: dataset[tag] for tag in (0x00080016, 0x00080018, 0x00100010)})
    plain.file_meta = dataset.file_meta
    plain.save_as(sink, implicit_vr=syntax.is_implicit_VR, little_endian=syntax.is_little_endian)
    assert explicit_walk.opened(sink.getvalue()) is None


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.skipif(
    not SHARED.is_dir(), reason="needs shared/data/dicom-formats, which is no part of the repository"
)
def test_both_ways_agree_on_real_and_damaged_objects():
    walked = 0
    for path in sorted(path for path in SHARED.rglob("*") if path.is_file() and path.stat().st_size < 12_000):
        walked += assert_the_same(path.read_bytes())
    assert walked > 20
