"""Boxes in Pascal VOC and COCO, held to their image."""

import json

import pytest

from medassay.core.findings import Reason, Severity
from medassay.formats.ivd import boxes
from medassay.formats.ivd.boxes import Box
from medassay.formats.ivd.refusal import IvdRefused


def voc(*corners, name="RBC", size=(640, 480)):
    objects = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{a}</xmin><ymin>{b}</ymin><xmax>{c}</xmax><ymax>{d}</ymax>"
        "</bndbox></object>"
        for a, b, c, d in corners
    )
    sized = f"<size><width>{size[0]}</width><height>{size[1]}</height></size>" if size else ""
    return f"<annotation><filename>a.jpg</filename>{sized}{objects}</annotation>".encode()


def coco(annotations, images=({"id": 1, "file_name": "a.jpg", "width": 640, "height": 480},)):
    made = {"images": list(images), "annotations": annotations, "categories": [{"id": 7, "name": "RBC"}]}
    return json.dumps(made).encode()


def one(box=(1, 2, 3, 4), image=1, category=7, number=1):
    return {"id": number, "image_id": image, "category_id": category, "bbox": list(box)}


def findings(found):
    return {(f.reason, f.severity) for f in boxes.examine(found)}


def test_both_forms_give_the_same_box():
    expected = (Box("a.jpg", "RBC", 1.0, 2.0, 4.0, 6.0),)
    assert boxes.recognises_voc(voc())
    assert boxes.recognises_coco(coco([]))
    for found in (boxes.open_voc(voc((1, 2, 4, 6))), boxes.open_coco(coco([one((1, 2, 3, 4))]))):
        assert found.boxes == expected
        assert found.sizes == {"a.jpg": (640.0, 480.0)}
        assert boxes.describe(found)["labels"] == "RBC 1"
        assert findings(found) == set()


faults = {
    "empty box": (boxes.open_voc(voc((504, 337, 504, 337))), Reason.REFERENCE_INVALID, Severity.WARN),
    "outside": (boxes.open_voc(voc((600, 1, 641, 9))), Reason.REFERENCE_INVALID, Severity.WARN),
    "no label": (boxes.open_voc(voc((1, 1, 2, 2), name="")), Reason.REFERENCE_INVALID, Severity.WARN),
    "no size": (boxes.open_voc(voc((1, 1, 2, 2), size=None)), Reason.HEADER_INVALID, Severity.WARN),
    "twice": (boxes.open_voc(voc((1, 1, 2, 2), (1, 1, 2, 2))), Reason.DUPLICATE, Severity.WARN),
    "no box": (boxes.open_voc(voc()), Reason.REFERENCE_MISSING, Severity.NOTE),
    "image not listed": (boxes.open_coco(coco([one(image=2)])), Reason.REFERENCE_INVALID, Severity.REFUSE),
    "class not listed": (boxes.open_coco(coco([one(category=2)])), Reason.REFERENCE_INVALID, Severity.REFUSE),
    "id twice": (
        boxes.open_coco(coco([one(), one((5, 5, 5, 5))])),
        Reason.REFERENCE_INVALID,
        Severity.REFUSE,
    ),
}


@pytest.mark.parametrize(("found", "reason", "severity"), faults.values(), ids=faults)
def test_what_is_wrong_with_boxes_is_said(found, reason, severity):
    assert (reason, severity) in findings(found)


@pytest.mark.parametrize(
    "content",
    [voc((1, 2, "x", 4)), voc((1, 2, "nan", 4)), voc()[:-5], b"<!DOCTYPE a><annotation/>", b"<other/>"],
)
def test_what_is_no_voc_is_refused(content):
    with pytest.raises(IvdRefused):
        boxes.open_voc(content)


@pytest.mark.parametrize(
    "content",
    [
        coco([one((1, 2, 3))]),
        coco([one((1, 2, 3, "x"))]),
        coco([])[:-1],
        b'{"images": 1}',
        b"[]",
        b"[" * 99_999,
    ],
)
def test_what_is_no_coco_is_refused(content):
    with pytest.raises(IvdRefused):
        boxes.open_coco(content)
