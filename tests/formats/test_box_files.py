"""Box files are read in one place: who scores and who looks for faults see the same rows."""

import json

import pytest

from medassay.formats import box_files
from medassay.formats.ivd import boxes
from medassay.formats.ivd.recognise import kind_of
from medassay.formats.predictions.marks import read_marks


def voc(xmax, label="RBC"):
    return (
        "<annotation><filename>a.jpg</filename><size><width>64</width><height>48</height></size><object>"
        f"<name>{label}</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>{xmax}</xmax><ymax>6</ymax></bndbox>"
        "</object></annotation>"
    ).encode()


def test_both_readers_of_a_file_see_the_same_box():
    (seen,) = boxes.open_voc(voc(4)).boxes
    (scored,) = read_marks({"a.xml": voc(4)}).marks
    assert (seen.left, seen.top, seen.right - seen.left, seen.bottom - seen.top) == scored.place
    assert (seen.label, seen.image) == (scored.label, "a.jpg")


@pytest.mark.parametrize("wrong", ["x", "nan", "1e999", "", "0x10", "1_0"])
def test_a_corner_that_is_no_finite_number_places_no_box(wrong):
    (one,) = box_files.read_voc(voc(wrong)).objects
    assert one.corners is None
    assert [flaw.reason for flaw in read_marks({"a.xml": voc(wrong)}).flawed] == [
        "a box of other than four numbers"
    ]


def test_ids_of_other_kinds_are_other_ids():
    content = json.dumps(
        {"images": [{"id": 1}, {"id": "1"}], "categories": [], "annotations": [{"id": 1}, {"id": 1}]}
    )
    assert box_files.read_coco(content.encode()).repeated == 1


def test_a_head_full_of_blanks_is_told_at_once():
    # The header of an EDF file with many signals: a pattern that tries every division of the blanks never ends.
    for start in (b"0       ", b"<?xml version='1.0'?>", b"<!-- ", b"{", b"MSH|", b"H|"):
        assert kind_of((start + b" " * 8192)[:8192]) in ("unknown", "HL7 v2", "ASTM E1394")
    assert kind_of(b"<!-- x -->\n" * 400 + b"<annotation>") == "Pascal VOC boxes"
    assert kind_of(b" " * 4000 + b'<Patient xmlns="http://hl7.org/fhir">').startswith("FHIR")
