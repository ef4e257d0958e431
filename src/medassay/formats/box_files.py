"""What stands in a Pascal VOC file (an image) and a COCO file (a set of images), as plain rows.

Both readers of boxes start here: `ivd.boxes`, which looks what is wrong with a file, and `predictions.marks`, which
scores. Corners are kept as they stand: VOC counts pixels from 1 and includes the last one, and files of both habits
exist. A COCO box is left, top, width, height. What is no finite number is None, and no row is lost for it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medassay.core.errors import MedassayError
from medassay.formats.xml_root import root_of

LARGEST_VOC, LARGEST_COCO = 16 << 20, 512 << 20
CORNERS = ("xmin", "ymin", "xmax", "ymax")
Four = tuple[float, float, float, float]
_COCO = re.compile(rb'\A(?:\xef\xbb\xbf)?\s*\{\s*"(?:info|images|licenses|annotations|categories|type)"\s*:')
_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,4})?")


class BoxFileRefused(MedassayError):
    """The content is not of the form; nothing of it can be used."""

    exit_code = 3
    code = "box_file_refused"


@dataclass(frozen=True)
class VocObject:
    label: str
    corners: Four | None  # left, top, right, bottom; None: not four finite numbers
    score: float | None  # None: none is given, or it is no finite number


@dataclass(frozen=True)
class VocFile:
    image: str  # file name as it stands; may be empty
    size: tuple[float, float] | None  # width, height
    objects: tuple[VocObject, ...]


@dataclass(frozen=True)
class CocoImage:
    number: str  # of its id, with the kind of value that it is, so that 1 and "1" are two
    name: str  # file name; empty where none stands
    size: tuple[float, float] | None


@dataclass(frozen=True)
class CocoFile:
    images: tuple[CocoImage, ...]
    categories: Mapping[str, str]  # id to name
    rows: tuple[Mapping[str, Any], ...]  # annotations as they stand
    repeated: int  # ids of images or annotations that stand twice


def recognises_voc(head: bytes) -> bool:
    """Whether the root is an annotation.

    Examples
    --------
    >>> recognises_voc(b"<?xml version='1.0'?><!-- a note --><annotation verified='yes'><folder/>")
    True
    """
    root = root_of(head)
    return root is not None and root.name == "annotation" and not head.startswith((b"\xff\xfe", b"\xfe\xff"))


def recognises_coco(head: bytes) -> bool:
    """Whether a JSON object begins with a key of COCO."""
    return bool(_COCO.match(head))


def read_voc(content: bytes) -> VocFile:
    """One image and its objects.

    Raises
    ------
    BoxFileRefused
        When the XML is too long, not well formed, has a DTD, or its root is no annotation.
    """
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    _require_small(content, LARGEST_VOC)
    try:
        root = fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise _refused("XML that is not well formed, or has a DTD", "plain XML") from None
    if root.tag != "annotation":
        raise _refused("a root that is no annotation", "annotation")
    objects = []
    for one in root.iter("object"):
        corners = four_of([one.findtext(f"bndbox/{name}") for name in CORNERS])
        label = (one.findtext("name") or "").strip()
        objects.append(VocObject(label, corners, number_of(one.findtext("score"))))
    image = (root.findtext("filename") or "").strip()
    size = _size(root.findtext("size/width"), root.findtext("size/height"))
    return VocFile(image, size, tuple(objects))


def read_coco(content: bytes) -> CocoFile:
    """A set of images, its categories and its annotations.

    Raises
    ------
    BoxFileRefused
        When the content is too long, no JSON, or has no lists of images, annotations and categories.
    """
    read = read_json(content)
    if not isinstance(read, dict):
        raise _refused("JSON that is no object", "images, annotations and categories")
    images = [
        CocoImage(id_of(one), str(one.get("file_name") or ""), _size(one.get("width"), one.get("height")))
        for one in _listed(read, "images")
    ]
    categories = {id_of(one): str(one.get("name") or "") for one in _listed(read, "categories")}
    rows = _listed(read, "annotations")
    repeated = len(images) - len({one.number for one in images}) + len(rows) - len({id_of(r) for r in rows})
    return CocoFile(tuple(images), categories, tuple(rows), repeated)


def read_json(content: bytes) -> Any:
    """A JSON value.

    Raises
    ------
    BoxFileRefused
        When the content is too long or no JSON.
    """
    _require_small(content, LARGEST_COCO)
    try:
        return json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise _refused("text that is no JSON", "COCO JSON") from None


def id_of(row: Mapping[str, Any], key: str = "id") -> str:
    """An id as a text that tells 1 from "1".

    Examples
    --------
    >>> id_of({"id": 7}), id_of({"image_id": "7"}, "image_id")
    ('int:7', 'str:7')
    """
    value = row.get(key)
    return f"{type(value).__name__}:{value}"[:80]


def four_of(values: Any) -> Four | None:
    """Four finite numbers, or None.

    Examples
    --------
    >>> four_of(["1", 2, 3.5, "4e0"]), four_of([1, 2, 3, "x"]), four_of([1, 2, 3])
    ((1.0, 2.0, 3.5, 4.0), None, None)
    """
    if not isinstance(values, Sequence) or isinstance(values, str) or len(values) != 4:
        return None
    left, top, right, bottom = (number_of(value) for value in values)
    if left is None or top is None or right is None or bottom is None:
        return None
    return left, top, right, bottom


def number_of(value: Any) -> float | None:
    """A finite number, of a number or of its text; None for anything else.

    Examples
    --------
    >>> number_of(" 1.5 "), number_of(True), number_of("nan"), number_of("0x10"), number_of(10**400)
    (1.5, None, None, None, None)
    """
    if isinstance(value, str):
        value = float(value) if _NUMBER.fullmatch(value.strip()) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _listed(read: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    part = read.get(name)
    if not isinstance(part, list) or not all(isinstance(one, dict) for one in part):
        raise _refused(f"no list of {name}", "images, annotations and categories")
    return part


def _size(width: Any, height: Any) -> tuple[float, float] | None:
    first, second = number_of(width), number_of(height)
    return (first, second) if first and second and first > 0 and second > 0 else None


def _require_small(content: bytes, largest: int) -> None:
    if len(content) > largest:
        raise _refused(f"{len(content)} bytes", f"at most {largest}")


def _refused(found: str, wanted: str) -> BoxFileRefused:
    return BoxFileRefused(
        found=found, wanted=wanted, remedy="Export the boxes again as Pascal VOC XML or COCO JSON."
    )
