"""Boxes drawn round cells and the like: Pascal VOC XML, a file an image, and COCO JSON, a file a set of images.

Boxes are (left, top, right, bottom) in pixels from the top left corner, as they stand (`formats.box_files`) and only
held to the image.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from medassay.core.findings import Finding, Reason, Severity
from medassay.formats import box_files
from medassay.formats.box_files import BoxFileRefused, recognises_coco, recognises_voc
from medassay.formats.examined import Fact
from medassay.formats.ivd.refusal import IvdRefused, said

__all__ = [
    "Box",
    "Boxes",
    "describe",
    "examine",
    "open_coco",
    "open_voc",
    "recognises_coco",
    "recognises_voc",
]

_Read = TypeVar("_Read")
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


def open_voc(source: Path | bytes) -> Boxes:
    """One image's boxes.

    Raises
    ------
    IvdRefused
        When the XML is not well formed, has a DTD, or a box has no four numbers.
    """
    read = _read(source, box_files.LARGEST_VOC, box_files.read_voc)
    boxes = []
    for one in read.objects:
        if one.corners is None:
            raise _refused("a box without four numbers", "xmin, ymin, xmax, ymax")
        boxes.append(Box(read.image, one.label, *one.corners))
    return Boxes("Pascal VOC", {read.image: read.size}, tuple(boxes))


def open_coco(source: Path | bytes) -> Boxes:
    """The boxes of a set of images.

    Raises
    ------
    IvdRefused
        When the content is no JSON of COCO's form, or a box has no four numbers.
    """
    read = _read(source, box_files.LARGEST_COCO, box_files.read_coco)
    names = {one.number: one.name for one in read.images}
    boxes, orphans = [], 0
    for row in read.rows:
        box = box_files.four_of(row.get("bbox"))
        if box is None:
            raise _refused("a box without four numbers", "left, top, width, height")
        left, top, width, height = box
        image = names.get(box_files.id_of(row, "image_id"))
        label = read.categories.get(box_files.id_of(row, "category_id"))
        orphans += image is None or label is None
        boxes.append(Box(image or "", label or "", left, top, left + width, top + height))
    sizes = {one.name: one.size for one in read.images}
    return Boxes("COCO", sizes, tuple(boxes), orphans, read.repeated)


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


def _read(source: Path | bytes, largest: int, read: Callable[[bytes], _Read]) -> _Read:
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    if size > largest:
        raise IvdRefused(Reason.LIMIT_EXCEEDED, found=f"{size} bytes", wanted=f"at most {largest}")
    try:
        return read(source if isinstance(source, bytes) else source.read_bytes())
    except BoxFileRefused as error:
        raise _refused(error.found, error.wanted) from None


def _refused(found: str, wanted: str) -> IvdRefused:
    return IvdRefused(Reason.HEADER_INVALID, found=found, wanted=wanted)
