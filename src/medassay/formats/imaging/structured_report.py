"""DICOM structured reports: the content tree, and the measurements of TID 1500 with what they were measured on.

References
----------
DICOM PS3.3 C.17.3 (SR Document Content), PS3.16 TID 1500 (Measurement Report), TID 300 (Measurement).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.imaging.dicom_file import items_of, number_of, text_of, value_of
from medassay.formats.imaging.refusal import said

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

STANDARD = "DICOM PS3.3 C.17.3"
PREFIX = "1.2.840.10008.5.1.4.1.1.88."
GROUP = "125007"  # Measurement Group, DCM
IMAGE_LIBRARY = "111028"
TRACKING_ID, TRACKING_UID = "112039", "112040"
FINDING, SITES, DERIVATION = "121071", frozenset(("363698007", "G-C0E3")), frozenset(("121401",))
MOST_ITEMS = 200_000
VALUE_TYPES = frozenset(
    [
        "CODE",
        "COMPOSITE",
        "CONTAINER",
        "DATE",
        "DATETIME",
        "IMAGE",
        "NUM",
        "PNAME",
        "SCOORD",
        "SCOORD3D",
        "TABLE",
        "TCOORD",
        "TEXT",
        "TIME",
        "UIDREF",
        "WAVEFORM",
    ]
)


@dataclass(frozen=True)
class Code:
    """A coded concept."""

    value: str
    scheme: str
    meaning: str


@dataclass(frozen=True)
class Item:
    """One content item and the way to it."""

    dataset: Any = field(repr=False)
    relation: str
    value_type: str
    concept: Code | None
    depth: int
    containers: tuple[int, ...]  # numbers of the containers it lies in, the nearest last


@dataclass(frozen=True)
class Measurement:
    """A number with its unit, or why there is none."""

    name: Code | None
    value: float | None
    unit: str  # UCUM
    derivation: str
    undefined: str = ""


@dataclass(frozen=True)
class MeasurementGroup:
    """Measurements of one thing: a tracked lesion, a segment, a region."""

    tracking_id: str = field(repr=False)  # a reader's free text
    tracking_uid: str
    finding: Code | None
    sites: tuple[Code, ...]
    measurements: tuple[Measurement, ...]
    segments: tuple[tuple[str, int], ...]  # instance and number of referenced segments
    images: tuple[str, ...]  # instances of referenced images
    regions: tuple[str, ...]  # graphic types of coordinates


def items(dataset: Dataset) -> Iterator[Item]:
    """Content items in document order, at most 200,000."""
    pending: list[tuple[Any, int, tuple[int, ...]]] = [(dataset, 0, ())]
    number = 0
    while pending and number < MOST_ITEMS:
        holder, depth, containers = pending.pop()
        kind = text_of(holder, "ValueType")
        yield Item(
            holder,
            text_of(holder, "RelationshipType"),
            kind,
            _code(holder, "ConceptNameCodeSequence"),
            depth,
            containers,
        )
        inner = (*containers, number) if kind == "CONTAINER" else containers
        number += 1
        pending += [(item, depth + 1, inner) for item in reversed(items_of(holder, "ContentSequence"))]


def measurement_groups(dataset: Dataset) -> list[MeasurementGroup]:
    """Measurements by measurement group; those outside of any by the container they lie in.

    A group is a container of concept (125007, DCM, "Measurement Group"). What the image library says of the
    images themselves is no measurement.
    """
    group_numbers: set[int] = set()
    library: set[int] = set()
    members: dict[int, list[Item]] = {}
    for number, item in enumerate(items(dataset)):
        concept = item.concept.value if item.value_type == "CONTAINER" and item.concept is not None else ""
        if concept == GROUP:
            group_numbers.add(number)
            members.setdefault(number, [])
        elif concept == IMAGE_LIBRARY:
            library.add(number)
        elif item.containers and not library.intersection(item.containers):
            inside = [one for one in item.containers if one in group_numbers]
            owner = inside[-1] if inside else item.containers[-1]
            if inside or item.value_type == "NUM":
                members.setdefault(owner, []).append(item)
    return [_group(found) for found in members.values()]


def examine(opened: Dataset) -> Iterator[Finding]:
    """What is wrong with the content tree."""
    unknown, empty, undefined, seen = 0, 0, 0, 0
    for item in items(opened):
        seen += 1
        unknown += (
            item.value_type not in VALUE_TYPES and "ReferencedContentItemIdentifier" not in item.dataset
        )
        if item.value_type == "NUM":
            empty += _measurement(item).value is None
        undefined += item.depth > 0 and item.value_type != "CONTAINER" and _lacks_concept(item)
    if seen <= 1:
        yield said(
            Reason.HEADER_INVALID,
            Severity.REFUSE,
            "a report without content",
            "a content tree",
            source=STANDARD,
        )
    for count, found, wanted in (
        (unknown, "content items of no known value type", "value types of the standard"),
        (empty, "numeric items without a number", "a number, or a reason why there is none"),
        (undefined, "content items without a concept name", "a concept name"),
    ):
        if count:
            yield said(Reason.HEADER_INVALID, Severity.WARN, f"{count} {found}", wanted, source=STANDARD)
    if seen >= MOST_ITEMS:
        yield said(
            Reason.LIMIT_EXCEEDED,
            Severity.REFUSE,
            f"more than {MOST_ITEMS} content items",
            "a report that can be read",
        )


def describe(opened: Dataset) -> dict[str, int | str | None]:
    """Size of the report and its template; texts are not told, they may identify."""
    groups = measurement_groups(opened)
    found = list(items(opened))
    template = (items_of(opened, "ContentTemplateSequence") or [None])[0]
    return {
        "content_items": len(found),
        "template": text_of(template, "TemplateIdentifier")[:16] or None,
        "completion": text_of(opened, "CompletionFlag")[:16] or None,
        "verification": text_of(opened, "VerificationFlag")[:16] or None,
        "measurement_groups": sum(bool(group.measurements) for group in groups),
        "measurements": sum(len(group.measurements) for group in groups),
        "regions": sum(len(group.regions) for group in groups),
    }


def _group(found: list[Item]) -> MeasurementGroup:
    by_concept = {item.concept.value: item for item in reversed(found) if item.concept is not None}
    finding = by_concept.get(FINDING)
    sites = [item for item in found if item.concept is not None and item.concept.value in SITES]
    references = [item for item in found if item.value_type in ("IMAGE", "COMPOSITE")]
    segments, images = [], []
    for item in references:
        for target in items_of(item.dataset, "ReferencedSOPSequence"):
            uid = text_of(target, "ReferencedSOPInstanceUID")
            numbers = value_of(target, "ReferencedSegmentNumber")
            if numbers is None:
                images.append(uid)
                continue
            for number in [numbers] if isinstance(numbers, int) else list(numbers):
                segments.append((uid, int(number)))
    return MeasurementGroup(
        tracking_id=_text(by_concept.get(TRACKING_ID), "TextValue"),
        tracking_uid=_text(by_concept.get(TRACKING_UID), "UID"),
        finding=_code(finding.dataset, "ConceptCodeSequence") if finding is not None else None,
        sites=tuple(
            code for item in sites if (code := _code(item.dataset, "ConceptCodeSequence")) is not None
        ),
        measurements=tuple(_measurement(item) for item in found if item.value_type == "NUM"),
        segments=tuple(segments),
        images=tuple(images),
        regions=tuple(
            text_of(item.dataset, "GraphicType")
            for item in found
            if item.value_type in ("SCOORD", "SCOORD3D")
        ),
    )


def _measurement(item: Item) -> Measurement:
    measured = (items_of(item.dataset, "MeasuredValueSequence") or [None])[0]
    value = number_of(measured, "FloatingPointValue")
    if value is None:
        value = number_of(measured, "NumericValue")
    unit = _code(measured, "MeasurementUnitsCodeSequence")
    derivation = ""
    for inner in items_of(item.dataset, "ContentSequence"):
        concept = _code(inner, "ConceptNameCodeSequence")
        if concept is not None and concept.value in DERIVATION:
            derived = _code(inner, "ConceptCodeSequence")
            derivation = derived.meaning if derived is not None else ""
    qualifier = _code(item.dataset, "NumericValueQualifierCodeSequence")
    undefined = (
        "" if value is not None else (qualifier.meaning if qualifier is not None else "no value given")
    )
    return Measurement(item.concept, value, unit.value if unit is not None else "", derivation, undefined)


def _lacks_concept(item: Item) -> bool:
    return item.concept is None and item.value_type in (
        "NUM",
        "TEXT",
        "CODE",
        "DATE",
        "TIME",
        "PNAME",
        "UIDREF",
    )


def _code(holder: Any, keyword: str) -> Code | None:
    for item in items_of(holder, keyword):
        value = text_of(item, "CodeValue") or text_of(item, "LongCodeValue") or text_of(item, "URNCodeValue")
        return Code(value, text_of(item, "CodingSchemeDesignator"), text_of(item, "CodeMeaning"))
    return None


def _text(item: Item | None, keyword: str) -> str:
    return text_of(item.dataset, keyword) if item is not None else ""
