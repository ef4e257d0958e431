"""Text in pixels: a cheap screen for strokes on a series' projections, then a reader for what they show.

1. All frames of a series give a few planes (`projections`): text that stands in any frame stands in one of them.
2. The screen keeps thin, bright (or dark) parts of the size of letters that lie side by side. It is tuned to miss
   little: what it passes is read by OCR, once a series, and that is the dear part.
3. Text of more than two letters or digits that is not made of known words is burned in.

Recall of the screen on rendered text: docs/deidentification.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medassay.datasets.deidentify import vocabulary
from medassay.datasets.deidentify.projections import Image, projections

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

SMALLEST, LARGEST = 5, 90  # pixels of a letter's height
CONTRAST = 0.22  # of the image's range, that a stroke stands out by
KERNELS = (5, 11, 21)  # pixels: wider than a stroke of small, middle and large text
SIDE_BY_SIDE = 2  # letters in a line that make it worth reading: with 3, one text in 100 is missed
ROOM = 24  # pixels of the shorter side that a name needs
SURE = 0.5  # score of the reader
LONGEST_MARK = 2  # letters of a side mark ("L", "RT"), which is no text
MARGIN = 4  # pixels around a text that are masked with it


@dataclass(frozen=True)
class Text:
    """What was read, and where: x0, y0, x1, y1 in pixels, the last two exclusive."""

    text: str
    score: float
    box: tuple[int, int, int, int]
    size: tuple[int, ...]  # rows and columns of the image that it stands in


def texts_of(frames: Iterable[NDArray[np.generic]]) -> list[Text] | None:
    """Texts of all frames that may name somebody, each once; None without a frame.

    Planes of one size are read on one sheet: a call of the reader is dear, whatever the size of what it reads.
    """
    planes = projections(frames)
    sheets: dict[tuple[int, ...], list[Image]] = {}
    for plane in planes:
        if shows_strokes(plane):
            sheets.setdefault(plane.shape, []).append(plane)
    found: list[Text] = []
    for shown in sheets.values():
        for one in _read_together(shown):
            telling = one.score >= SURE and not is_harmless(one.text)
            if telling and not any(_over(one, other) for other in found):
                found.append(one)
    return found if planes else None


def _read_together(planes: Sequence[Image]) -> list[Text]:
    """Texts of planes of one size, laid side by side along their shorter side with room between."""
    rows, columns = planes[0].shape[:2]
    axis = 0 if rows <= columns else 1
    step = planes[0].shape[axis] + ROOM
    room = [(0, 0)] * planes[0].ndim
    room[axis] = (0, ROOM)
    sheet = planes[0] if len(planes) == 1 else np.concatenate([np.pad(one, room) for one in planes], axis)
    found = []
    for one in read(sheet):
        x0, y0, x1, y1 = one.box
        middle = (y0 + y1 if axis == 0 else x0 + x1) / 2
        at = step * min(max(int(middle // step), 0), len(planes) - 1)
        box = (x0, y0 - at, x1, y1 - at) if axis == 0 else (x0 - at, y0, x1 - at, y1)
        found.append(Text(one.text, one.score, box, (rows, columns)))
    return found


def shows_strokes(image: Image) -> bool:
    """Whether parts of the size and the spacing of letters stand out of their surroundings."""
    if min(image.shape[:2]) < ROOM:
        return False
    colours = [image] if image.ndim == 2 else [image[..., n].copy() for n in range(image.shape[-1])]
    return any(_letters_in_a_line(mask) for colour in colours for mask in _thin_parts(colour))


def read(image: Image) -> list[Text]:
    """All texts of an image, as they lie and turned by a quarter."""
    found = []
    for turned in (False, True):
        shown = np.rot90(image).copy() if turned else image
        result = _reader()(np.repeat(shown[:, :, None], 3, axis=2) if shown.ndim == 2 else shown)
        if result.txts is None:
            continue
        for text, score, corners in zip(result.txts, result.scores, result.boxes, strict=True):
            box = _box(np.asarray(corners), image.shape, turned=turned)
            found.append(Text(str(text), float(score), box, image.shape[:2]))
    return found


def burned_in(image: Image) -> list[Text]:
    """Texts that may name somebody; empty where the screen sees no strokes or all that is read is harmless."""
    if not shows_strokes(image):
        return []
    return [one for one in read(image) if one.score >= SURE and not is_harmless(one.text)]


def is_harmless(text: str) -> bool:
    """Side marks, and known words without a number that could be somebody's.

    Examples
    --------
    >>> is_harmless("R"), is_harmless("SUPINE"), is_harmless("KAUFMAN SCOTT"), is_harmless("张伟")
    (True, True, False, False)
    """
    plain = re.sub(r"[\W_]+", "", text)
    if len(plain) <= (LONGEST_MARK if plain.isascii() else 1):
        return True  # a single character is no name, and a line is read as 一
    return vocabulary.is_known(text) and sum(map(str.isdigit, text)) <= 4


def frames_of(dataset: Dataset) -> list[NDArray[np.generic]]:
    """Decoded frames, each rows by columns, by samples where there are several; palettes as their colours."""
    values: NDArray[np.generic] = dataset.pixel_array
    if str(dataset.get("PhotometricInterpretation", "")) == "PALETTE COLOR":
        from pydicom.pixels.processing import apply_color_lut

        values = apply_color_lut(values, dataset)
    frames = int(dataset.get("NumberOfFrames") or 1)
    return list(values) if frames > 1 else [values]


def masked(dataset: Dataset, texts: Sequence[Text]) -> int:
    """Blank the places of texts in native pixels, in every frame of the texts' size; gives the number of places.

    Raises
    ------
    ValueError
        When the pixels are compressed or in floating point, or their layout is not the one of the header.
    """
    if "FloatPixelData" in dataset or "DoubleFloatPixelData" in dataset:
        raise ValueError("pixels in floating point")
    if "PixelData" not in dataset:
        return 0
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        raise ValueError("compressed pixels")
    bits, samples = int(dataset.BitsAllocated), int(dataset.SamplesPerPixel)
    frames = int(dataset.get("NumberOfFrames") or 1)
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    if bits not in (8, 16) or int(dataset.get("PlanarConfiguration") or 0):
        raise ValueError("pixels of another layout")
    kind = "u1" if bits == 8 else "<u2" if dataset.file_meta.TransferSyntaxUID.is_little_endian else ">u2"
    count = frames * rows * columns * samples
    values = (
        np.frombuffer(dataset.PixelData, kind, count=count).copy().reshape(frames, rows, columns, samples)
    )
    here = [one for one in texts if one.size == (rows, columns)]
    for one in here:
        x0, y0, x1, y1 = one.box
        values[:, max(0, y0 - MARGIN) : y1 + MARGIN, max(0, x0 - MARGIN) : x1 + MARGIN] = 0
    content = values.tobytes()
    dataset.PixelData = content + b"\x00" * (len(content) % 2)
    return len(here)


def _over(one: Text, other: Text) -> bool:
    """Whether the middle of a text lies in another, of frames of one size."""
    x, y = (one.box[0] + one.box[2]) / 2, (one.box[1] + one.box[3]) / 2
    inside = other.box[0] <= x <= other.box[2] and other.box[1] <= y <= other.box[3]
    return inside and one.size == other.size


def _thin_parts(image: Image) -> Iterable[NDArray[np.uint8]]:
    """Masks of what is thinner than a kernel and brighter, or darker, than what lies around it."""
    import cv2

    level = CONTRAST * 255
    for size in KERNELS:
        kernel = np.ones((size, size), np.uint8)
        for kind in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT):
            part = cv2.morphologyEx(image, kind, kernel)
            yield (part > level).astype(np.uint8)


def _letters_in_a_line(mask: NDArray[np.uint8]) -> bool:
    import cv2

    if not mask.any() or mask.mean() > 0.5:
        return False
    _, _, stats, centres = cv2.connectedComponentsWithStats(mask, connectivity=8)
    width, height, area = stats[1:, 2], stats[1:, 3], stats[1:, 4]
    long_side = np.maximum(width, height)
    filled = area / np.maximum(width * height, 1)
    letters = (long_side >= SMALLEST) & (long_side <= LARGEST) & (filled > 0.12) & (area >= 6)
    places, sizes = centres[1:][letters], long_side[letters].astype(float)
    return _side_by_side(places[:, 0], places[:, 1], sizes) or _side_by_side(
        places[:, 1], places[:, 0], sizes
    )


def _side_by_side(along: NDArray[np.float64], across: NDArray[np.float64], size: NDArray[np.float64]) -> bool:
    """Whether enough parts of like size follow each other closely on one line."""
    if len(along) < SIDE_BY_SIDE:
        return False
    order = np.argsort(along, kind="stable")
    along, across, size = along[order], across[order], size[order]
    chain = np.ones(len(along), int)
    for n in range(len(along)):
        first = max(0, n - 40)
        gap = along[n] - along[first:n]
        like = np.minimum(size[first:n], size[n]) >= 0.4 * np.maximum(size[first:n], size[n])
        near = (gap <= 2.2 * np.maximum(size[first:n], size[n])) & (gap > 0.2 * size[n])
        level = np.abs(across[first:n] - across[n]) <= 0.5 * np.maximum(size[first:n], size[n])
        linked = chain[first:n][like & near & level]
        if len(linked):
            chain[n] = linked.max() + 1
            if chain[n] >= SIDE_BY_SIDE:
                return True
    return False


@cache
def _reader() -> Any:
    from rapidocr import RapidOCR

    return RapidOCR(params={"Global.log_level": "critical"})


def _box(corners: NDArray[np.generic], shape: tuple[int, ...], *, turned: bool) -> tuple[int, int, int, int]:
    """Corners in the image as it lies: a point (x, y) of the turned one was (width - 1 - y, x)."""
    x, y = corners[:, 0].astype(float), corners[:, 1].astype(float)
    if turned:
        x, y = shape[1] - 1 - y, x
    return int(x.min()), int(y.min()), int(np.ceil(x.max())) + 1, int(np.ceil(y.max())) + 1
