"""Whose the resources of a FHIR file are, and what each reference means, in whatever way it is written.

A resource is known by "Type/id", by the address of its entry, or, contained, by "#id" of what contains it; a
reference may add a server, a version or a search. One resource has one key here, so that references still resolve
once ids are pseudonyms.

References
----------
HL7 FHIR R4, 2.3 (references), 3.1.2 (Bundle.entry.fullUrl, resolving references).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from medassay.datasets.deidentify.facts import Facts, folded_birth, folded_sex, resident_token
from medassay.datasets.deidentify.fhir_elements import OWNERS

NAMELESS = "?"  # before the place of a resource that has neither id nor address
DEEPEST = 4  # bundles within bundles, and what they contain
_PLACE = re.compile(r"(?:^|/)(?P<kind>[A-Z][A-Za-z]{1,40})/(?P<id>[^/?#\s]{1,200})(?:/_history/[^/]*)?$")
_SEARCH = re.compile(r"(?:^|/)Patient\?identifier=(?:[^|]*\|)?(?P<id>.{1,200})$")


@dataclass
class People:
    """The patients of a file by their keys, in order, and the keys of all resources."""

    facts: dict[str, Facts] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)  # address or "Type/id" to key
    kinds: dict[str, str] = field(default_factory=dict)  # key to type
    keys: dict[int, str] = field(default_factory=dict)  # resource by identity to key

    def key_of(self, reference: object, container: str) -> tuple[str, str]:
        """Type and key of what a reference means; empty where it cannot be told."""
        if not isinstance(reference, str) or not reference.strip():
            return "", ""
        text = reference.strip()
        if text.startswith("#"):
            key = f"{container}{text}"
            return self.kinds.get(key, ""), key
        if search := _SEARCH.search(text):
            return "Patient", f"Patient?{search['id']}"
        place = _PLACE.search(text)
        key = self.aliases.get(text) or (f"{place['kind']}/{place['id']}" if place else "")
        key = self.aliases.get(key, key)
        return self.kinds.get(key, place["kind"] if place else ""), key

    def owner_of(self, resource: Mapping[str, Any], container: str) -> str:
        """The key of the patient that a resource says it is of; empty where it says none."""
        key = self.keys.get(id(resource), "")
        if key in self.facts:
            return key
        for name in OWNERS:
            told = _mapping(resource.get(name))
            kind, key = self.key_of(told.get("reference"), container)
            if kind == "Patient":
                return key
            if not told.get("reference") and _identifier(told):
                return f"Patient?{_identifier(told)}"
        return ""


def people_of(top: Mapping[str, Any]) -> People:
    """Look through a resource, a Bundle's entries and what they contain."""
    people = People()
    found = list(_resources(top, "", "", 0))
    for number, (resource, address, container) in enumerate(found):
        _add(people, resource, address, container, number)
    for resource, _, _ in found:
        if resource.get("resourceType") == "Patient":
            people.facts[people.keys[id(resource)]] = _of_patient(resource)
    for resource, _, container in found:
        owner = people.owner_of(resource, container)
        if owner:
            told = next((_mapping(resource.get(name)) for name in OWNERS if resource.get(name)), {})
            people.facts.setdefault(owner, _of_reference(owner, told))
    return people


def _resources(
    resource: object, address: str, container: str, depth: int
) -> Iterator[tuple[Mapping[str, Any], str, str]]:
    """Each resource with the address of its entry and, where it is contained, what contains it."""
    if not isinstance(resource, Mapping) or depth > DEEPEST:
        return
    yield resource, address, container
    for entry in listed(resource.get("entry")) if resource.get("resourceType") == "Bundle" else ():
        if isinstance(entry, Mapping):
            yield from _resources(entry.get("resource"), text_of(entry.get("fullUrl")), "", depth + 1)
    inside = container or own_key(resource, address)
    for one in listed(resource.get("contained")):
        yield from _resources(one, "", inside, depth + 1)


def own_key(resource: Mapping[str, Any], address: str) -> str:
    """What a resource that is not contained is known by."""
    told = text_of(resource.get("id"))
    return f"{text_of(resource.get('resourceType'))}/{told}" if told else address


def _add(people: People, resource: Mapping[str, Any], address: str, container: str, number: int) -> None:
    kind = text_of(resource.get("resourceType"))
    if container:
        key = f"{container}#{text_of(resource.get('id'))}"
    else:
        key = own_key(resource, address) or f"{NAMELESS}{number}"
        people.aliases.setdefault(address or key, key)
        people.aliases.setdefault(key, key)
    people.kinds[key] = kind
    people.keys[id(resource)] = key


def _of_patient(patient: Mapping[str, Any]) -> Facts:
    ids = [text_of(one.get("value")) for one in listed(patient.get("identifier")) if isinstance(one, Mapping)]
    names = [
        name for one in listed(patient.get("name")) if isinstance(one, Mapping) for name in _spellings(one)
    ]
    return Facts(
        tuple(dict.fromkeys(one for one in (*ids, _as_id(text_of(patient.get("id")))) if one)),
        tuple(dict.fromkeys(name for name in names if name)),
        folded_birth(text_of(patient.get("birthDate"))),
        folded_sex(text_of(patient.get("gender"))),
    )


def _of_reference(key: str, told: Mapping[str, Any]) -> Facts:
    """A patient of whom the file holds no more than a reference."""
    plain = key.removeprefix("Patient?")
    ids = (plain,) if plain != key else (_as_id(key.removeprefix("Patient/")),)
    name = text_of(told.get("display"))
    return Facts(tuple(one for one in ids if one), (name,) if name else ())


def _as_id(server_id: str) -> str:
    """The id that a server gave tells its person among FHIR files; it is no number that other forms know."""
    if not server_id or resident_token(server_id):
        return server_id
    return f"Patient/{server_id}"


def _spellings(name: Mapping[str, Any]) -> Iterator[str]:
    """A name as it is written in one, and of its parts in both orders; a part alone may be any word."""
    family = text_of(name.get("family"))
    given = " ".join(filter(None, map(text_of, listed(name.get("given")))))
    yield text_of(name.get("text"))
    for parts in ((family, given), (given, family)):
        yield " ".join(part for part in parts if part)
    if not f"{family}{given}".isascii():
        yield family + given


def _identifier(reference: Mapping[str, Any]) -> str:
    found = reference.get("identifier")
    return text_of(found.get("value")) if isinstance(found, Mapping) else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def listed(value: object) -> list[Any]:
    """A list as it is; what should be one and stands alone, as a list of one."""
    return value if isinstance(value, list) else [] if value is None else [value]


def text_of(value: object) -> str:
    """A text without blanks around it; of anything else, nothing."""
    return value.strip() if isinstance(value, str) else ""
