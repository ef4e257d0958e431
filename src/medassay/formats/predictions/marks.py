"""Marks of many cases, boxes or points: plain tables, COCO JSON, and folders of PASCAL VOC XML.

    case,x,y,width,height[,label][,score]            boxes in 2-D; 3-D adds z and depth
    case,xmin,ymin,xmax,ymax[,label][,score]         the same by corners
    case,x,y,z[,diameter][,label][,score]            points; findings have a diameter
    seriesuid,coordX,coordY,coordZ,diameter_mm       as LUNA16 writes findings; candidates have `probability`

A row with a case and no coordinates says that this case has no mark. Of several files of a reference, one whose
name holds `excluded` lists findings that do not count, and one column without coordinates lists the cases.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from medassay.core.errors import WrongUse, located
from medassay.formats import box_files
from medassay.formats.predictions.table import Numbers, PlainTable, case_ids, numbers, read_plain

Kind = Literal["box", "point"]

BOX_2D = ("x", "y", "width", "height")
BOX_3D = ("x", "y", "z", "width", "height", "depth")
CORNERS = box_files.CORNERS
POINT_3D, POINT_2D = ("x", "y", "z"), ("x", "y")
LUNA = {
    "seriesuid": "case",
    "coordX": "x",
    "coordY": "y",
    "coordZ": "z",
    "diameter_mm": "diameter",
    "probability": "score",
}
SOURCE = "COCO data format, cocodataset.org; PASCAL VOC devkit; LUNA16 evaluation script"
PICTURES = ("jpg", "jpeg", "png", "tif", "tiff", "bmp", "dcm")


@dataclass(frozen=True)
class Mark:
    """One box (origin, then size) or point of a case."""

    case: str
    place: tuple[float, ...]
    label: str = ""
    score: float = math.nan  # NaN: none is given
    diameter: float = math.nan  # of a point that is a finding
    crowd: bool = False  # a region that stands for many objects
    area: float = math.nan  # of the object, where it is not its box's


@dataclass(frozen=True)
class Flaw:
    """A mark that cannot be placed, and why."""

    case: str
    label: str
    reason: str


@dataclass(frozen=True)
class Marks:
    """What a side holds; a mark that cannot be placed is a flaw and costs no other mark."""

    kind: Kind | None  # None: there is no mark at all
    cases: tuple[str, ...]  # named by the files, in their order
    marks: tuple[Mark, ...]
    excluded: tuple[Mark, ...] = ()
    flawed: tuple[Flaw, ...] = ()
    labels: tuple[str, ...] = ()


def read_marks(
    files: Mapping[str, bytes], *, names: Mapping[str, str] | None = None, case_lists: bool = False
) -> Marks:
    """Read every file of a side.

    Parameters
    ----------
    files : file name to content
    names : column name in the file to ours, where a table has names of its own
        For COCO results, which name images and categories by number alone: those of `coco_names`.
    case_lists : bool
        A file of one column without coordinates names cases, as LUNA16's list of scans does. Else it is refused,
        so that a broken table of predictions is no list of cases without a mark.

    Raises
    ------
    WrongUse
        When a file is of none of the forms, or the files hold boxes and points.

    Examples
    --------
    >>> read_marks({"a.csv": b"case,x,y,width,height,score\\na,1,2,3,4,0.5\\nb,,,,,\\n"}).cases
    ('a', 'b')
    """
    parts = []
    for name, content in files.items():
        with located(name):
            parts.append(_read(name, content, names or {}, case_lists))
    kinds = {part.kind for part in parts} - {None}
    if len(kinds) > 1:
        raise WrongUse(
            found="boxes and points", wanted="marks of one kind", remedy="Give one kind of mark a side."
        )
    return Marks(
        kind=kinds.pop() if kinds else None,
        cases=tuple(dict.fromkeys(case for part in parts for case in part.cases)),
        marks=tuple(mark for part in parts for mark in part.marks),
        excluded=tuple(mark for part in parts for mark in part.excluded),
        flawed=tuple(flaw for part in parts for flaw in part.flawed),
        labels=tuple(dict.fromkeys(label for part in parts for label in part.labels)),
    )


def coco_names(files: Mapping[str, bytes]) -> dict[str, str]:
    """What the numbers of COCO results mean, by the reference's tables; empty where no file is such a reference.

    Examples
    --------
    >>> coco_names({"a.json": b'{"images": [{"id": 7, "file_name": "x.png"}], "categories": []}'})
    {'image:7': 'x'}
    """
    names: dict[str, str] = {}
    for content in files.values():
        if _start(content) == b"{":
            images, labels = _coco_tables(_json(content))
            names |= {f"image:{number}": name for number, name in images.items()}
            names |= {f"category:{number}": name for number, name in labels.items()}
    return names


def _start(content: bytes) -> bytes:
    return content[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1]


def _read(name: str, content: bytes, names: Mapping[str, str], case_lists: bool) -> Marks:
    start = _start(content)
    if start in (b"{", b"["):
        return _coco(_json(content), names)
    if start == b"<":
        return _voc(content)
    if case_lists and _is_case_list(content):
        return _cases(content)
    return _table(name, content, names)


def _cases(content: bytes) -> Marks:
    try:
        listed = [line.strip() for line in content.decode("utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise _refused(f"bytes that are not UTF-8 at offset {error.start}") from error
    return Marks(None, tuple(listed[1:] if listed[:1] in (["case"], ["seriesuid"]) else listed), ())


def _table(name: str, content: bytes, names: Mapping[str, str]) -> Marks:
    found = read_plain(content)
    renamed = {names.get(column, LUNA.get(column, column)): cells for column, cells in found.columns.items()}
    table = PlainTable(renamed, found.line)
    ids = case_ids(table, "case")
    columns = next((c for c in (BOX_3D, BOX_2D, CORNERS, POINT_3D, POINT_2D) if all(map(table.has, c))), None)
    if columns is None:
        raise WrongUse(
            found=f"columns that place no mark: {len(table.columns)} of them",
            wanted=f"{', '.join(BOX_2D)}; or {', '.join(CORNERS)}; or {', '.join(POINT_3D)}",
            remedy="Name the columns so, or say their names in the options.",
        )
    kind: Kind = "point" if columns in (POINT_3D, POINT_2D) else "box"
    marks, flawed = _rows(table, ids, columns)
    if "excluded" in name.lower():
        return Marks(kind, (), (), excluded=marks, flawed=flawed)
    labels = tuple(dict.fromkeys(mark.label for mark in marks))
    return Marks(kind, tuple(dict.fromkeys(ids)), marks, flawed=flawed, labels=labels)


def _is_case_list(content: bytes) -> bool:
    """One column that places nothing, such as LUNA16's list of scans, which has no header."""
    first = content.lstrip(b"\xef\xbb\xbf").split(b"\n", 1)[0]
    return bool(first.strip()) and not any(mark in first for mark in (b",", b";", b"\t", b"\x00"))


def _rows(
    table: PlainTable, ids: Sequence[str], columns: Sequence[str]
) -> tuple[tuple[Mark, ...], tuple[Flaw, ...]]:
    places = [numbers(table.column(column)) for column in columns]
    extra: dict[str, Numbers | None] = {
        what: numbers(table.column(what)) if table.has(what) else None for what in ("score", "diameter")
    }
    labels = table.column("label") if table.has("label") else ("",) * table.rows
    marks: list[Mark] = []
    flawed: list[Flaw] = []
    for row, case in enumerate(ids):
        read = [place for place in (*places, *extra.values()) if place is not None]
        wrong = [found.flawed[row] for found in read if row in found.flawed]
        place = tuple(float(column.values[row]) for column in places)
        if not wrong and all(math.isnan(value) for value in place):
            if extra["score"] is not None and not math.isnan(extra["score"].values[row]):
                flawed.append(Flaw(case, labels[row], "a mark without coordinates"))
            continue  # the case is named, and has no mark
        mark = Mark(case, _sized(place, columns), labels[row], *_numbers_of(extra, row))
        reason = wrong[0] if wrong else _flaw(mark, columns)
        if extra["score"] is not None and not reason and not math.isfinite(mark.score):
            reason = "a mark without a finite score"
        if reason:
            flawed.append(Flaw(case, labels[row], reason))
        else:
            marks.append(mark)
    return tuple(marks), tuple(flawed)


def _numbers_of(extra: Mapping[str, Numbers | None], row: int) -> tuple[float, float]:
    """Score and diameter; NaN where the table has no such column."""
    found = [math.nan if column is None else float(column.values[row]) for column in extra.values()]
    return found[0], found[1]


def _sized(place: tuple[float, ...], columns: Sequence[str]) -> tuple[float, ...]:
    if tuple(columns) != CORNERS:
        return place
    return (place[0], place[1], place[2] - place[0], place[3] - place[1])


def _flaw(mark: Mark, columns: Sequence[str]) -> str:
    """What makes a mark unusable, or nothing."""
    if not all(math.isfinite(value) for value in mark.place):
        return "a coordinate that is missing or not finite"
    half = len(mark.place) // 2
    if tuple(columns) not in (POINT_3D, POINT_2D) and min(mark.place[half:]) < 0:
        return "a box of negative size"
    return ""


def _json(content: bytes) -> Any:
    try:
        return box_files.read_json(content)
    except box_files.BoxFileRefused as error:
        raise _refused(error.found) from error


def _coco_tables(tree: Any) -> tuple[dict[str, str], dict[str, str]]:
    """Images and categories by the text of their ids; nothing for results, which are a list."""
    if not isinstance(tree, dict):
        return {}, {}
    try:
        images = {
            str(image["id"]): _stem(str(image.get("file_name", image["id"]))) for image in tree["images"]
        }
        labels = {str(row["id"]): str(row.get("name", row["id"])) for row in tree["categories"]}
    except (KeyError, TypeError, AttributeError) as error:
        raise _refused("a reference without images and categories by id") from error
    return images, labels


def _stem(name: str) -> str:
    """The name of a picture without its ending, as VOC files and tables name it."""
    stem, dot, ending = name.rpartition(".")
    return stem if dot and ending.lower() in PICTURES else name


def _coco(tree: Any, names: Mapping[str, str]) -> Marks:
    """A reference (an object) or results (a list); `names` maps image and category numbers of results."""
    images, labels = _coco_tables(tree)
    rows = tree.get("annotations") if isinstance(tree, dict) else tree
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _refused("no list of annotations")
    marks, flawed = [], []
    for row in rows:
        case = _named(row, "image_id", "image:", images, names)
        label = _named(row, "category_id", "category:", labels, names)
        mark, reason = _coco_mark(row, case, label)
        if reason:
            flawed.append(Flaw(case, label, reason))
        else:
            marks.append(mark)
    cases = tuple(images.values()) or tuple(dict.fromkeys(mark.case for mark in marks))
    stated = tuple(labels.values()) or tuple(dict.fromkeys(mark.label for mark in marks))
    return Marks("box", cases, tuple(marks), flawed=tuple(flawed), labels=stated)


def _named(
    row: Mapping[str, Any], key: str, prefix: str, own: Mapping[str, str], given: Mapping[str, str]
) -> str:
    number = str(row.get(key, ""))
    if not number:
        raise _refused(f"an annotation without {key}")
    return own.get(number, given.get(prefix + number, number))


def _coco_mark(row: Mapping[str, Any], case: str, label: str) -> tuple[Mark, str]:
    box = row.get("bbox")
    place = (
        box_files.four_of(box) if isinstance(box, list) and not any(isinstance(v, str) for v in box) else None
    )
    if place is None:
        return Mark(case, ()), "a box that is not four numbers"
    score, area = (box_files.number_of(row.get(key)) for key in ("score", "area"))
    mark = Mark(
        case,
        place,
        label,
        score=math.nan if score is None else score,
        crowd=bool(row.get("iscrowd", 0)),
        area=math.nan if area is None else area,
    )
    if "score" in row and score is None:
        return mark, "a mark without a finite score"
    return mark, _flaw(mark, BOX_2D)


def _voc(content: bytes) -> Marks:
    """One image: its objects by their corners."""
    try:
        read = box_files.read_voc(content)
    except box_files.BoxFileRefused as error:
        raise _refused(error.found) from error
    if not read.image:
        raise _refused("a VOC annotation without a file name")
    case = _stem(read.image)
    marks, flawed = [], []
    for one in read.objects:
        place = None if one.corners is None else _sized(one.corners, CORNERS)
        if place is None or min(place[2:]) < 0:
            flawed.append(Flaw(case, one.label, "a box of other than four numbers"))
        else:
            marks.append(Mark(case, place, one.label, math.nan if one.score is None else one.score))
    labels = tuple(dict.fromkeys(mark.label for mark in marks))
    return Marks("box", (case,), tuple(marks), flawed=tuple(flawed), labels=labels)


def _refused(found: str) -> WrongUse:
    return WrongUse(
        found=found,
        wanted="COCO JSON, PASCAL VOC XML, or a plain table of marks",
        remedy="See docs/score.md for the forms.",
    )
