"""Boxes drawn round cells and the like: Pascal VOC XML, a file an image, and COCO JSON, a file a set of images.

Boxes are (left, top, right, bottom) in pixels from the top left corner. VOC counts pixels from 1 and includes the
last one; files of both habits exist, so the numbers are kept as they stand and only held to the image.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.examined import Fact
from medassay.formats.ivd.refusal import IvdRefused, said

LARGEST_VOC, LARGEST_COCO = 16 << 20, 512 << 20
_VOC = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?.{0,200}?\?>|<!--.{0,3000}?-->|\s+)*<annotation(?:\s[^>]*)?>", re.DOTALL
)
_COCO = re.compile(rb'\A(?:\xef\xbb\xbf)?\s*\{\s*"(?:info|images|licenses|annotations|categories|type)"\s*:')
_LABEL = re.compile(r"[\w .,+/()-]{1,60}")


@dataclass(frozen=True)
class Box:
    image: str
    label: str
    left: float
    top: float
    right: float
    bottom: float

    @property
    def empty(self) -> bool:
        return not (self.right > self.left and self.bottom > self.top)


@dataclass(frozen=True)
class Boxes:
    """All boxes of a file. `sizes` by image: width and height in pixels, None where the file does not say."""

    form: str
    sizes: Mapping[str, tuple[float, float] | None]
    boxes: tuple[Box, ...]
    orphans: int = 0  # boxes of an image or a category that the file does not list
    repeated: int = 0  # ids that stand twice

    @property
    def names(self) -> frozenset[str]:
        """Names of the images, as the file gives them, without folders."""
        return frozenset(re.split(r"[/\\]", name)[-1] for name in self.sizes if name)


def recognises_voc(head: bytes) -> bool:
    return bool(_VOC.match(head))


def recognises_coco(head: bytes) -> bool:
    return bool(_COCO.match(head))


def open_voc(source: Path | bytes) -> Boxes:
    """One image's boxes.

    Raises
    ------
    IvdRefused
        When the XML is not well formed, has a DTD, or a box has no four numbers.
    """
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(_content(source, LARGEST_VOC), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise _refused("XML that is not well formed, or has a DTD", "plain XML") from None
    if root.tag != "annotation":
        raise _refused("a root that is no annotation", "annotation")
    image = (root.findtext("filename") or "").strip()
    size = _pair(root.findtext("size/width"), root.findtext("size/height"))
    boxes = []
    for one in root.iter("object"):
        corners = [_number(one.findtext(f"bndbox/{name}")) for name in ("xmin", "ymin", "xmax", "ymax")]
        if any(corner is None for corner in corners):
            raise _refused("a box without four numbers", "xmin, ymin, xmax, ymax")
        left, top, right, bottom = (float(corner or 0) for corner in corners)
        boxes.append(Box(image, (one.findtext("name") or "").strip(), left, top, right, bottom))
    return Boxes("Pascal VOC", {image: size}, tuple(boxes))


def open_coco(source: Path | bytes) -> Boxes:
    """The boxes of a set of images; a COCO box is left, top, width, height.

    Raises
    ------
    IvdRefused
        When the content is no JSON of COCO's form, or a box has no four numbers.
    """
    try:
        read = json.loads(_content(source, LARGEST_COCO).decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise _refused("text that is no JSON", "COCO JSON") from None
    images, categories = _listed(read, "images"), _listed(read, "categories")
    annotations = _listed(read, "annotations")
    names = {_key(one.get("id")): str(one.get("file_name") or "") for one in images}
    labels = {_key(one.get("id")): str(one.get("name") or "") for one in categories}
    boxes, orphans = [], 0
    for one in annotations:
        box = one.get("bbox")
        numbers = [_number(value) for value in box] if isinstance(box, list) else []
        if len(numbers) != 4 or any(number is None for number in numbers):
            raise _refused("a box without four numbers", "left, top, width, height")
        left, top, width, height = (float(number or 0) for number in numbers)
        image, label = names.get(_key(one.get("image_id"))), labels.get(_key(one.get("category_id")))
        orphans += image is None or label is None
        boxes.append(Box(image or "", label or "", left, top, left + width, top + height))
    sizes = {str(one.get("file_name") or ""): _pair(one.get("width"), one.get("height")) for one in images}
    repeated = sum(len(part) - len({_key(one.get("id")) for one in part}) for part in (images, annotations))
    return Boxes("COCO", sizes, tuple(boxes), orphans, repeated)


def describe(found: Boxes) -> dict[str, Fact]:
    labels = Counter(box.label if _LABEL.fullmatch(box.label) else "?" for box in found.boxes)
    told = ", ".join(f"{label} {count}" for label, count in sorted(labels.items()))
    return {"images": len(found.sizes), "boxes": len(found.boxes), "labels": told[:300] or None}


def examine(found: Boxes) -> Iterator[Finding]:
    empty = sum(box.empty for box in found.boxes)
    if empty:
        yield said(
            Reason.REFERENCE_INVALID,
            Severity.WARN,
            f"{empty} boxes without an area",
            "right of left, below top",
        )
    outside = sum(_outside(box, found.sizes.get(box.image)) for box in found.boxes)
    if outside:
        yield said(
            Reason.REFERENCE_INVALID,
            Severity.WARN,
            f"{outside} boxes that leave their image",
            "boxes within it",
        )
    unlabelled = sum(not box.label for box in found.boxes)
    if unlabelled:
        yield said(
            Reason.REFERENCE_INVALID, Severity.WARN, f"{unlabelled} boxes without a label", "a label each"
        )
    unsized = sum(size is None for size in found.sizes.values())
    if unsized:
        yield said(
            Reason.HEADER_INVALID, Severity.WARN, f"{unsized} images without a size", "width and height"
        )
    twice = sum(count - 1 for count in Counter(found.boxes).values())
    if twice:
        yield said(Reason.DUPLICATE, Severity.WARN, f"{twice} boxes that stand twice", "each box once")
    if found.orphans:
        yield said(
            Reason.REFERENCE_INVALID,
            Severity.REFUSE,
            f"{found.orphans} boxes of an image or a category that the file does not list",
            "listed images and categories",
        )
    if found.repeated:
        yield said(
            Reason.REFERENCE_INVALID, Severity.REFUSE, f"{found.repeated} ids that stand twice", "an id each"
        )
    if not found.boxes:
        yield said(
            Reason.REFERENCE_MISSING, Severity.NOTE, "no box", "boxes, or an image without any finding"
        )


def _outside(box: Box, size: tuple[float, float] | None) -> bool:
    if size is None:
        return False
    return box.left < 0 or box.top < 0 or box.right > size[0] or box.bottom > size[1]


def _listed(read: Any, name: str) -> list[Mapping[str, Any]]:
    part = read.get(name) if isinstance(read, dict) else None
    if not isinstance(part, list) or not all(isinstance(one, dict) for one in part):
        raise _refused(f"no list of {name}", "images, annotations and categories")
    return part


def _key(value: Any) -> str:
    return f"{type(value).__name__}:{value}"[:80]


def _pair(width: Any, height: Any) -> tuple[float, float] | None:
    first, second = _number(width), _number(height)
    return (first, second) if first and second and first > 0 and second > 0 else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _content(source: Path | bytes, largest: int) -> bytes:
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    if size > largest:
        raise IvdRefused(Reason.LIMIT_EXCEEDED, found=f"{size} bytes", wanted=f"at most {largest}")
    return source if isinstance(source, bytes) else source.read_bytes()


def _refused(found: str, wanted: str) -> IvdRefused:
    return IvdRefused(Reason.HEADER_INVALID, found=found, wanted=wanted)
