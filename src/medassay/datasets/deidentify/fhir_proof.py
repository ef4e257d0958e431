"""The proof of FHIR: the JSON that left is read again, element by element."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from medassay.core.findings import Finding
from medassay.datasets.deidentify import fhir_elements as elements
from medassay.datasets.deidentify import laboratory_fields as lab
from medassay.datasets.deidentify.closed_text import is_closed
from medassay.datasets.deidentify.fhir_references import DEEPEST, listed
from medassay.datasets.deidentify.fhir_values import BASE, MOMENT, as_json, is_barred, number_of, stands
from medassay.datasets.deidentify.outgoing import left
from medassay.datasets.deidentify.profile import Profile

ID = re.compile(r"[NS]-[0-9a-f]{16}")
PLACE = re.compile(
    rf"(?P<kind>{'|'.join(sorted(elements.REFERRED | {'Bundle'}))})/(?P<id>[NS]-[0-9a-f]{{16}})"
)


def prove(content: bytes, bulk: Mapping[str, str], known: Sequence[str], profile: Profile) -> list[Finding]:  # noqa: ARG001 - every proof of an exported form is given the digests
    """Read the text again: each element listed, each value in its form, and nothing between them."""
    try:
        text = content.decode("utf-8")
        read = json.loads(text, parse_float=Decimal)
        canonical = as_json(read) == text
    except (ValueError, TypeError, RecursionError, InvalidOperation):
        return [left("encoding", "text that is no JSON")]
    found = [] if canonical else ["bytes that are not what they are read as"]
    found += _strangers(read, known, profile, 0)
    return [
        left(place, "an element or value that the allow-list does not hold") for place in dict.fromkeys(found)
    ]


def _strangers(node: object, known: Sequence[str], profile: Profile, depth: int) -> Iterator[str]:
    """Places of a resource of the output that no list holds."""
    kind = node.get("resourceType") if isinstance(node, dict) else None
    if not isinstance(node, dict) or kind not in {*elements.RESOURCES, "Bundle"} or depth > DEEPEST:
        yield "resource"
        return
    table = elements.BUNDLE if kind == "Bundle" else elements.RESOURCES[kind]
    for name, value in node.items():
        if name == "contained":
            for one in listed(value):
                yield from _strangers(one, known, profile, depth + 1)
        elif name == "entry" and kind == "Bundle":
            for one in listed(value):
                inner = dict(one) if isinstance(one, dict) else {}
                yield from _strangers(inner.pop("resource", None), known, profile, depth + 1)
                yield from _strange_elements(inner, elements.ENTRY, "Bundle.entry", known, profile)
        else:
            yield from _strange_elements({name: value}, table, kind, known, profile, node)


def _strange_elements(
    node: object,
    table: elements.Table,
    path: str,
    known: Sequence[str],
    profile: Profile,
    whole: Mapping[str, Any] | None = None,
) -> Iterator[str]:
    if not isinstance(node, dict):
        yield path
        return
    for name, value in node.items():
        rule = table.get(name)
        if rule is None or is_barred(name, whole or node):
            yield f"{path}.{elements.told(name)}"
            continue
        for one in listed(value):
            if not isinstance(rule, str):
                yield from _strange_elements(one, rule, f"{path}.{name}", known, profile)
            elif not _may_stand(rule, one, whole or node, known, profile):
                yield f"{path}.{name}"


def _may_stand(
    rule: str, value: object, node: Mapping[str, Any], known: Sequence[str], profile: Profile
) -> bool:
    """Whether a value of the output is one that its element may have."""
    if rule == "number":
        return (
            isinstance(value, (int, Decimal))
            and not isinstance(value, bool)
            and number_of(value, node, known) == value
        )
    if rule == "text" and isinstance(value, str):
        if profile.free_text == "removed":
            return bool(lab.grade(value)) or is_closed(value, known)
        return bool(lab.grade(value)) or not any(lab.identifiers(value, known, running=True))
    if rule in ("id", "url", "request", "reference", "moment"):
        return isinstance(value, str) and _made_anew(rule, value, node, profile)
    if rule == "sex":
        return value in ("female", "male") and profile.characteristics
    return stands(rule, value, node, known, profile)


def _made_anew(rule: str, value: str, node: Mapping[str, Any], profile: Profile) -> bool:
    """Whether an id, a reference or a moment has the form that the writer gives them."""
    match rule:
        case "id":
            return bool(ID.fullmatch(value)) and (value[0] == "N" or node.get("resourceType") == "Patient")
        case "url":
            return value.startswith(BASE) and _is_place(value.removeprefix(BASE))
        case "request":
            return value in elements.REFERRED or _is_place(value)
        case "reference":
            return bool(ID.fullmatch(value[1:])) if value.startswith("#") else _is_place(value)
    return bool(MOMENT.fullmatch(value)) and profile.dates == "shifted"


def _is_place(text: str) -> bool:
    match = PLACE.fullmatch(text)
    return match is not None and (match["id"][0] == "N" or match["kind"] == "Patient")
