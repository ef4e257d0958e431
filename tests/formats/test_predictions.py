"""Plain tables and marks: what a program writes for `medassay score`."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medassay.core.errors import MedassayError, WrongUse
from medassay.formats.predictions.marks import coco_names, read_marks
from medassay.formats.predictions.table import numbers, read_plain

COCO = (
    b'{"images": [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "b.png"}],'
    b' "categories": [{"id": 7, "name": "WBC"}],'
    b' "annotations": [{"image_id": 1, "category_id": 7, "bbox": [1, 2, 3, 4], "area": 9, "iscrowd": 1}]}'
)
VOC = b"""<annotation><filename>a.jpg</filename><object><name>WBC</name><bndbox><xmin>1</xmin><ymin>2</ymin>
<xmax>4</xmax><ymax>6</ymax></bndbox></object></annotation>"""


def test_a_quoted_cell_may_hold_the_delimiter():
    assert read_plain(b'case,label\na,"1,5"\n').column("label") == ("1,5",)


def test_the_row_number_stands_in_for_a_column_only_where_it_is_asked_for():
    table = read_plain(b"value\n5\n6\n")
    assert table.column("#") == ("1", "2")
    with pytest.raises(WrongUse, match="'case'"):
        table.column("case")


def test_a_misspelt_column_is_told_the_nearest_name():
    with pytest.raises(WrongUse, match="Is it 'score'"):
        read_plain(b"case,score\na,1\n").column("scores")


def test_a_column_of_decimal_commas_is_refused_whole_and_a_single_one_costs_its_case_alone():
    with pytest.raises(WrongUse, match="decimal comma"):
        numbers(["0,9", "1", "0,25"])
    assert dict(numbers(["0.9", "1", "0,25"]).flawed) == {2: "no number"}
    assert dict(numbers(["0.9", "0,5", "0,25"]).flawed) == {1: "no number", 2: "no number"}


@pytest.mark.parametrize("text", ["1_000", "0x10", "1e5e", "--1", "½", "1 5"])
def test_what_python_or_nobody_reads_as_a_number_is_none(text):
    found = numbers([text])
    assert math.isnan(found.values[0])
    assert found.flawed == {0: "no number"}


def refusal(read, content):
    """What is said where the content is refused; "read" where it is not. Any other error is a fault of ours."""
    try:
        read(content)
    except MedassayError as error:
        return type(error).__name__
    return "read"


@given(st.binary(max_size=200))
def test_any_bytes_end_in_a_table_or_a_reason(content):
    assert refusal(read_plain, content) in ("read", "WrongUse")
    assert refusal(lambda it: read_marks({"x": it}, case_lists=True), content) in ("read", "WrongUse")


KEYS = st.sampled_from(
    ("images", "annotations", "categories", "id", "image_id", "category_id", "bbox", "file_name", "name", "x")
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_any_json_ends_in_marks_or_a_reason(tree):
    content = json.dumps(tree).encode()
    assert refusal(lambda it: read_marks({"x.json": it}), content) in ("read", "WrongUse")


def test_coco_and_voc_name_the_same_box_alike():
    (coco,), (voc,) = read_marks({"a.json": COCO}).marks, read_marks({"a.xml": VOC}).marks
    assert (coco.case, coco.place, coco.label) == ("a", (1.0, 2.0, 3.0, 4.0), "WBC")
    assert (voc.case, voc.place, voc.label) == (coco.case, coco.place, coco.label)
    assert coco.crowd
    assert coco.area == 9


def test_coco_results_take_the_names_of_the_reference():
    results = b'[{"image_id": 2, "category_id": 7, "bbox": [0, 0, 1, 1], "score": 0.5}]'
    (mark,) = read_marks({"r.json": results}, names=coco_names({"a.json": COCO})).marks
    assert (mark.case, mark.label, mark.score) == ("b", "WBC", 0.5)


def test_images_without_a_box_are_cases():
    assert read_marks({"a.json": COCO}).cases == ("a", "b")
    assert read_marks({"a.csv": b"case,x,y,z\na,,,\n"}).cases == ("a",)


def test_corners_become_sizes():
    (mark,) = read_marks({"a.csv": b"case,xmin,ymin,xmax,ymax\na,10,20,14,25\n"}).marks
    assert mark.place == (10.0, 20.0, 4.0, 5.0)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a,1,2,-3,4,0.5", "a box of negative size"),
        ("a,1,,3,4,0.5", "a coordinate that is missing or not finite"),
        ("a,1,2,3,inf,0.5", "a coordinate that is missing or not finite"),
        ("a,1,2,3,4,", "a mark without a finite score"),
        ("a,1,2,3,4,inf", "a mark without a finite score"),
        ("a,1,2,3,x,0.5", "no number"),
        ("a,,,,,0.5", "a mark without coordinates"),
    ],
)
def test_a_mark_that_cannot_be_placed_costs_no_other(row, reason):
    found = read_marks({"a.csv": f"case,x,y,width,height,score\n{row}\nb,1,2,3,4,0.9\n".encode()})
    assert [flaw.reason for flaw in found.flawed] == [reason]
    assert [mark.case for mark in found.marks] == ["b"]


def test_luna_files_are_read_by_their_own_columns():
    found = read_marks(
        {
            "annotations.csv": b"seriesuid,coordX,coordY,coordZ,diameter_mm\ns1,1,2,3,8\n",
            "annotations_excluded.csv": b"seriesuid,coordX,coordY,coordZ,diameter_mm\ns2,1,2,3,-1\n",
            "seriesuids.csv": b"s1\ns2\ns3\n",
        },
        case_lists=True,
    )
    assert found.kind == "point"
    assert set(found.cases) == {"s1", "s2", "s3"}
    assert [mark.diameter for mark in found.marks] == [8.0]
    assert [mark.case for mark in found.excluded] == ["s2"]


def test_boxes_and_points_are_not_mixed():
    with pytest.raises(WrongUse, match="boxes and points"):
        read_marks({"a.csv": b"case,x,y,z\na,1,2,3\n", "b.xml": VOC})


def test_a_document_type_is_refused_in_voc_xml():
    bomb = b'<!DOCTYPE a [<!ENTITY b "c">]>' + VOC.replace(b"WBC", b"&b;")
    with pytest.raises(WrongUse, match="has a DTD"):
        read_marks({"a.xml": bomb})
