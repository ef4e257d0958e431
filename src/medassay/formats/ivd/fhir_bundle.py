"""FHIR R4 resources of a laboratory: Observations alone or in Bundles, as JSON or XML, held to the R4B models.

The models of `fhir.resources` tell structure, required elements and types; what they leave open (the codes of a
Bundle's type, a decimal's precision, names of resources) is held here to the R4 specification.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, get_args, get_origin

from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.examined import Fact
from medassay.formats.ivd.hl7_v2 import is_loinc
from medassay.formats.ivd.refusal import IvdRefused, names_a_person, said
from medassay.formats.ivd.results import Result, Status, Value, facts_of, findings_of, unit_of, value_of
from medassay.formats.xml_root import root_of

LARGEST = 256 << 20
DEEPEST = 60  # elements within elements; R4 examples reach 12
NAMESPACE = "{http://hl7.org/fhir}"
LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"
BUNDLE_TYPES = frozenset(
    [
        "document",
        "message",
        "transaction",
        "transaction-response",
        "batch",
        "batch-response",
        "history",
        "searchset",
        "collection",
    ]
)  # R4 value set bundle-type
STATUSES: Mapping[str, Status] = {
    "final": "final",
    "amended": "corrected",
    "corrected": "corrected",
    "preliminary": "preliminary",
    "registered": "preliminary",
    "cancelled": "cancelled",
    "entered-in-error": "entered in error",
    "unknown": "preliminary",
}
MOST_DIGITS = 18  # R4 datatypes, decimal: implementations need not carry more
_JSON = re.compile(rb'\A(?:\xef\xbb\xbf)?\s*\{.{0,4000}?"resourceType"\s*:\s*"[A-Z][A-Za-z]+"', re.DOTALL)
_NAMESPACE = re.compile(r"\sxmlns=[\"']http://hl7\.org/fhir[\"']")


@dataclass(frozen=True)
class Opened:
    """The resource as plain data, and what its model says is wrong with it."""

    resource: Mapping[str, Any]
    form: str  # JSON or XML
    faults: tuple[str, ...]  # places and kinds of faults, without values
    marked: bool

    @property
    def kind(self) -> str:
        name = self.resource.get("resourceType")
        return name if isinstance(name, str) and re.fullmatch(r"[A-Z][A-Za-z]{1,40}", name) else "resource"


def recognises(head: bytes) -> bool:
    """A resource's type near the start, or its namespace in the root.

    Examples
    --------
    >>> recognises(b'{"resourceType": "Bundle"}'), recognises(b'<Observation xmlns="http://hl7.org/fhir">')
    (True, True)
    """
    if _JSON.match(head):
        return True
    root = root_of(head)
    return root is not None and root.name[0].isupper() and bool(_NAMESPACE.search(root.attributes))


def open(source: Path | bytes) -> Opened:
    """Read a resource and hold it to its R4B model.

    Raises
    ------
    IvdRefused
        When the content is no JSON or XML, or names a resource that R4 does not have.
    """
    content = source if isinstance(source, bytes) else _read(source)
    marked = content.startswith(b"\xef\xbb\xbf")
    content = content.removeprefix(b"\xef\xbb\xbf")
    form = "XML" if content.lstrip()[:1] == b"<" else "JSON"
    resource = _from_xml(content) if form == "XML" else _from_json(content)
    model = _model(resource.get("resourceType"))
    return Opened(resource, form, tuple(_faults(model, resource)), marked)


def observations(opened: Opened) -> Iterator[Mapping[str, Any]]:
    """Every Observation: the resource itself, a Bundle's entries, and what they contain."""
    waiting: list[Any] = [opened.resource]
    while waiting:
        one = waiting.pop(0)
        if not isinstance(one, Mapping):
            continue
        if one.get("resourceType") == "Observation":
            yield one
        if one.get("resourceType") == "Bundle":
            waiting += [e.get("resource") for e in _list(one.get("entry")) if isinstance(e, Mapping)]
        waiting += _list(one.get("contained"))


def results(opened: Opened) -> list[Result]:
    """The results of all Observations; one with components gives one for each."""
    found = []
    for one in observations(opened):
        parts = [part for part in _list(one.get("component")) if isinstance(part, Mapping)]
        status = STATUSES.get(str(one.get("status")), "not stated")
        if any(key.startswith("value") for key in one) or not parts:
            found.append(_result(one, status))
        found += [_result(part, status) for part in parts]
    return found


def describe(opened: Opened) -> dict[str, Fact]:
    entries = [e.get("resource") for e in _list(opened.resource.get("entry")) if isinstance(e, Mapping)]
    names = [one.get("resourceType") for one in entries if isinstance(one, Mapping)]
    kinds = Counter(n for n in names if isinstance(n, str) and re.fullmatch(r"[A-Z][A-Za-z]{1,40}", n))
    facts: dict[str, Fact] = {"form": opened.form, "entries": len(entries)}
    if kinds:
        facts["kinds"] = ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))[:300]
    return {**facts, **facts_of(results(opened))}


def examine(opened: Opened) -> Iterator[Finding]:
    if opened.marked:
        yield said(Reason.CHARACTER_SET, Severity.NOTE, "a byte order mark", "none", source="RFC 8259 8.1")
    if opened.faults:
        told = "; ".join(dict.fromkeys(opened.faults))
        yield said(
            Reason.HEADER_INVALID,
            Severity.REFUSE,
            f"{len(opened.faults)} faults against the R4 model: {told[:400]}",
            "a resource that its model takes",
            source="HL7 FHIR R4 (4.3.0 models)",
        )
    yield from _beyond_the_model(opened.resource)
    every = results(opened)
    yield from findings_of(every)
    wrong = sum(one.system == "LN" and not is_loinc(one.code) for one in every)
    if wrong:
        yield said(
            Reason.REFERENCE_INVALID,
            Severity.WARN,
            f"{wrong} codes said to be LOINC that are none",
            "LOINC codes",
        )
    if opened.kind in ("Observation", "Bundle", "DiagnosticReport") and not every:
        yield said(Reason.REFERENCE_MISSING, Severity.WARN, "no Observation", "at least one")
    if any(_names_somebody(one) for one in _walk(opened.resource)):
        yield names_a_person()


def _beyond_the_model(resource: Mapping[str, Any]) -> Iterator[Finding]:
    """Faults in values that the model does not look at."""
    if resource.get("resourceType") == "Bundle" and resource.get("type") not in BUNDLE_TYPES:
        yield said(
            Reason.HEADER_INVALID,
            Severity.REFUSE,
            "a Bundle whose type is none of the value set's",
            ", ".join(sorted(BUNDLE_TYPES)),
            where="Bundle.type",
            source="HL7 FHIR R4, value set bundle-type",
        )
    for names, severity, what in (
        (_requested(resource), Severity.REFUSE, "requests for"),
        (_referred(resource), Severity.WARN, "references to"),
    ):
        unknown = sum(not _is_resource(name) for name in names)
        if unknown:
            yield said(
                Reason.HEADER_INVALID,
                severity,
                f"{unknown} {what} a resource type that R4 does not have",
                "types of R4",
                source="HL7 FHIR R4, resource types",
            )
    long = sum(_digits(one) > MOST_DIGITS for node in _walk(resource) for one in node.values())
    if long:
        yield said(
            Reason.VALUE_IMPLAUSIBLE,
            Severity.REFUSE,
            f"{long} decimals with more than {MOST_DIGITS} digits",
            f"at most {MOST_DIGITS}",
            source="HL7 FHIR R4 2.24.0.1, decimal",
        )
    statuses = [node.get("status") for node in _walk(resource) if node.get("resourceType") == "Observation"]
    strange = sum(isinstance(status, str) and status not in STATUSES for status in statuses)
    if strange:
        yield said(
            Reason.HEADER_INVALID,
            Severity.REFUSE,
            f"{strange} Observations whose status is none of the value set's",
            ", ".join(STATUSES),
            where="Observation.status",
        )


def _requested(resource: Mapping[str, Any]) -> Iterator[str]:
    """Types that a server would have to write or search for: of requests, and of references by condition."""
    for entry in _list(resource.get("entry")):
        request = entry.get("request") if isinstance(entry, Mapping) else None
        if isinstance(request, Mapping) and request.get("method") in ("POST", "PUT"):
            yield re.split(r"[/?]", str(request.get("url", "")))[0]
    for node in _walk(resource):
        target = node.get("reference")
        if isinstance(target, str) and re.match(r"[A-Z][A-Za-z]+\?", target):
            yield target.split("?")[0]


def _referred(resource: Mapping[str, Any]) -> Iterator[str]:
    for node in _walk(resource):
        target = node.get("reference")
        if isinstance(target, str) and re.match(r"[A-Z][A-Za-z]+/", target):
            yield target.split("/")[0]


def _result(node: Mapping[str, Any], status: Status) -> Result:
    code, system = _coding(node.get("code"))
    quantity = node.get("valueQuantity")
    value, unit, stated = Value(), None, False
    if isinstance(quantity, Mapping):
        number = _decimal(quantity.get("value"))
        sign = quantity.get("comparator")
        value = Value(number, sign if sign in ("<", "<=", ">=", ">") else "")
        text = str(quantity.get("code") if quantity.get("system") == UCUM else quantity.get("unit") or "")
        unit, stated = unit_of(text), bool(text.strip())
    elif isinstance(node.get("valueString"), str):
        value = value_of(node["valueString"])
    elif isinstance(node.get("valueCodeableConcept"), Mapping):
        concept = node["valueCodeableConcept"]
        texts = [c.get("display") for c in _list(concept.get("coding")) if isinstance(c, Mapping)]
        value = next(
            (v for t in [*texts, concept.get("text")] if (v := value_of(str(t or ""))).grade), Value()
        )
    elif isinstance(node.get("valueInteger"), int):
        value, stated, unit = Value(float(node["valueInteger"])), True, "1"
    ranges = _list(node.get("referenceRange"))
    first = ranges[0] if len(ranges) == 1 and isinstance(ranges[0], Mapping) else {}
    flags = [_coding(one)[0] for one in _list(node.get("interpretation"))]
    return Result(
        code=code,
        system=system,
        value=value,
        unit=unit,
        unit_stated=stated,
        flag=next((flag for flag in flags if flag in ("H", "L", "HH", "LL", "N", "A")), ""),
        low=_decimal((first.get("low") or {}).get("value"))
        if isinstance(first.get("low"), Mapping)
        else None,
        high=_decimal((first.get("high") or {}).get("value"))
        if isinstance(first.get("high"), Mapping)
        else None,
        status=status,
    )


def _coding(concept: Any) -> tuple[str, str]:
    if not isinstance(concept, Mapping):
        return "", ""
    codings = [
        c for c in _list(concept.get("coding")) if isinstance(c, Mapping) and isinstance(c.get("code"), str)
    ]
    loinc = next((c["code"] for c in codings if c.get("system") == LOINC), None)
    return (
        (loinc, "LN")
        if loinc
        else (codings[0]["code"], str(codings[0].get("system", "")))
        if codings
        else ("", "")
    )


def _names_somebody(node: Mapping[str, Any]) -> bool:
    if node.get("resourceType") in ("Patient", "Person", "RelatedPerson"):
        return any(node.get(key) for key in ("name", "identifier", "birthDate", "address", "telecom"))
    subject = node.get("subject")
    return isinstance(subject, Mapping) and bool(subject.get("display") or subject.get("identifier"))


def _walk(top: Any) -> Iterator[Mapping[str, Any]]:
    waiting = [top]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Mapping):
            yield node
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _digits(value: Any) -> int:
    if not isinstance(value, Decimal):
        return 0
    return len("".join(map(str, value.as_tuple().digits)).rstrip("0"))


def _decimal(value: Any) -> float | None:
    try:
        number = float(Decimal(str(value))) if value is not None else None
    except (InvalidOperation, OverflowError, ValueError):
        return None
    return number if number is not None and abs(number) < float("inf") else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _model(name: Any) -> Any:
    from fhir.resources.R4B import get_fhir_model_class

    if isinstance(name, str) and re.fullmatch(r"[A-Z][A-Za-z]{1,60}", name):
        try:
            model = get_fhir_model_class(name)
        except (KeyError, ValueError):
            model = None
        if model is not None:
            return model
    raise IvdRefused(
        Reason.UNSUPPORTED_FORM,
        found="a resource of a type that R4 does not have",
        wanted="a resource of FHIR R4",
    )


def _is_resource(name: str) -> bool:
    try:
        return _model(name) is not None
    except IvdRefused:
        return False


def _faults(model: Any, resource: Mapping[str, Any]) -> Iterator[str]:
    """The model's answer: place and kind of each fault; what stands there is not repeated."""
    from pydantic import ValidationError

    try:
        model.model_validate(resource)
    except ValidationError as refused:
        for fault in refused.errors(include_input=False, include_url=False, include_context=False)[:50]:
            place = ".".join(
                str(part) for part in fault["loc"] if re.fullmatch(r"[A-Za-z_]{1,40}|\d+", str(part))
            )
            yield f"{place or model.__name__} {fault['type'].replace('_', ' ')}"
    except (ValueError, TypeError, AttributeError, KeyError, AssertionError) as error:
        yield f"{model.__name__} {type(error).__name__}"


def _from_json(content: bytes) -> dict[str, Any]:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise IvdRefused(Reason.CHARACTER_SET, found="bytes that are no UTF-8", wanted="UTF-8") from None
    try:
        read = json.loads(text, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise IvdRefused(
            Reason.HEADER_INVALID, found="text that is no JSON", wanted="JSON (RFC 8259)"
        ) from None
    if not isinstance(read, dict):
        raise IvdRefused(Reason.HEADER_INVALID, found="JSON that is no object", wanted="a resource")
    return read


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _from_xml(content: bytes) -> dict[str, Any]:
    """XML as the JSON form has it: which elements repeat is asked of the models."""
    from xml.etree.ElementTree import Element, ParseError

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root: Element = fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise IvdRefused(
            Reason.HEADER_INVALID, found="XML that is not well formed, or has a DTD", wanted="plain XML"
        ) from None
    name = root.tag.removeprefix(NAMESPACE)
    return {"resourceType": name, **_object(root, _model(name), 0)}


def _object(element: Any, model: Any, depth: int) -> dict[str, Any]:
    if depth > DEEPEST:
        raise IvdRefused(
            Reason.LIMIT_EXCEEDED, found="elements that lie too deep", wanted=f"at most {DEEPEST}"
        )
    fields = {field.alias or name: field for name, field in model.model_fields.items()} if model else {}
    found: dict[str, Any] = {key: value for key, value in element.attrib.items() if key in ("id", "url")}
    for child in element:
        name = child.tag.rpartition("}")[2] if isinstance(child.tag, str) else ""
        if not name:
            continue
        many, inner = _kind(fields[name].annotation) if name in fields else (False, None)
        value = _content(child, inner, depth)
        if many:
            found.setdefault(name, []).append(value)
        else:
            found[name] = value
    return found


def _content(child: Any, inner: str | None, depth: int) -> Any:
    if child.tag.endswith("}div"):
        return (
            '<div xmlns="http://www.w3.org/1999/xhtml"></div>'  # narrative: free text that is not looked into
        )
    if inner == "Resource" and len(child):
        name = child[0].tag.removeprefix(NAMESPACE)
        return {"resourceType": name, **_object(child[0], _model(name), depth + 1)}
    text = child.get("value")
    if inner is None and text is not None:
        return {"true": True, "false": False}.get(text, text)
    model = _type_model(inner)
    if model is None and text is not None:
        return text
    return _object(child, model, depth + 1)


def _type_model(inner: str | None) -> Any:
    from fhir.resources.R4B import get_fhir_model_class

    if inner is None:
        return None
    try:
        return get_fhir_model_class(inner)
    except (KeyError, ValueError):
        return None


def _kind(annotation: Any) -> tuple[bool, str | None]:
    """Whether a field repeats, and the name of its model where it has one."""
    for part in (annotation, *get_args(annotation)):
        if get_origin(part) is list:
            return True, _kind(get_args(part)[0])[1]
    for part in (annotation, *get_args(annotation)):
        name = getattr(part, "__name__", "")
        if name.endswith("Type") and name != "NoneType":
            return False, name.removesuffix("Type")
    return False, None


def _read(path: Path) -> bytes:
    size = path.stat().st_size
    if size > LARGEST:
        raise IvdRefused(Reason.LIMIT_EXCEEDED, found=f"{size} bytes", wanted=f"at most {LARGEST}")
    return path.read_bytes()
