"""FHIR R4 resources of a laboratory: elements on a list stay, each in its form; ids and references are made anew.

XML is read as well and leaves as JSON, the one form that is written. Numbers keep their digits (`1.00` stays `1.00`)
up to eight that count; more of them are no measurement and would hold a number of somebody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from medassay.core.findings import Reason
from medassay.datasets.deidentify import fhir_elements as elements
from medassay.datasets.deidentify import laboratory_fields as lab
from medassay.datasets.deidentify.dicom import shifted
from medassay.datasets.deidentify.facts import Facts, folded_sex
from medassay.datasets.deidentify.fhir_proof import prove
from medassay.datasets.deidentify.fhir_references import DEEPEST, NAMELESS, People, listed, people_of
from medassay.datasets.deidentify.fhir_values import BASE, MOMENT, as_json, is_barred, number_of, stands
from medassay.datasets.deidentify.outgoing import Actions, CannotClean, Outgoing
from medassay.datasets.deidentify.profile import Profile
from medassay.datasets.identity import pseudonym
from medassay.datasets.sample import Names
from medassay.formats.ivd import fhir_bundle

__all__ = ["clean", "facts_of", "prove", "recognises", "searched"]


def recognises(head: bytes) -> bool:
    """A resource's type near the start, or its namespace."""
    return fhir_bundle.recognises(head)


def facts_of(content: bytes) -> list[Facts]:
    """The patients in order, and at the end nobody, who owns what is said to be no one's."""
    return [*people_of(fhir_bundle.open(content).resource).facts.values(), Facts()]


def clean(content: bytes, who: Sequence[Names], known: Sequence[str], profile: Profile) -> Outgoing:
    """The resource with nobody in it, as JSON.

    Parameters
    ----------
    who : sequence of Names
        Of each patient in the order of `facts_of`, and at the end of nobody.

    Raises
    ------
    CannotClean
        When no list holds the resource's type, or nothing of it may stand.
    """
    resource = fhir_bundle.open(content).resource
    people = people_of(resource)
    named = dict(zip(people.facts, who, strict=False))
    work = _Work(people, named, who[-1], known, profile)
    kind = resource.get("resourceType")
    if kind != "Bundle" and kind not in elements.RESOURCES:
        raise _refused(f"a FHIR {kind}", "a Bundle, or a resource of a laboratory")
    out = work.resource(resource, "", 0)
    if out is None or (kind == "Bundle" and "entry" not in out):
        raise _refused("a Bundle without a resource that may stand", "a resource of a laboratory")
    return Outgoing((("resource.fhir.json", as_json(out).encode("utf-8")),), work.actions)


def searched(content: bytes) -> bytes:
    """What is searched for names: all of it."""
    return content


@dataclass
class _Work:
    """One file on its way."""

    people: People
    named: Mapping[str, Names]  # patient's key to names
    nobody: Names
    known: Sequence[str]
    profile: Profile
    actions: Actions = field(default_factory=Counter)
    names: Names = field(init=False)  # of whom the resource at hand is
    container: str = ""

    def resource(self, node: Mapping[str, Any], container: str, depth: int) -> dict[str, Any] | None:
        """A resource and what it contains; None where no list holds its type."""
        kind = node.get("resourceType")
        told = kind if isinstance(kind, str) and kind in {*elements.RESOURCES, "Bundle"} else ""
        if not told or depth > DEEPEST:
            self.actions["resource of another type", "removed"] += 1
            return None
        self._owned(node, container)
        key = self.people.keys.get(id(node), "")
        rest = {name: value for name, value in node.items() if name not in ("entry", "contained")}
        table = elements.BUNDLE if told == "Bundle" else elements.RESOURCES[told]
        if told == "Patient" or not key.startswith(NAMELESS):
            rest["id"] = key  # an entry's address alone is an id as well
        out = self.table(rest, table, told) or {}
        out |= self._told_owner(node, table)
        within = container or key
        if told == "Bundle":
            entries = [self.entry(one, depth) for one in listed(node.get("entry"))]
            if any(entries):
                out["entry"] = [one for one in entries if one]
        contained = [
            self.resource(one, within, depth + 1)
            for one in listed(node.get("contained"))
            if isinstance(one, Mapping)
        ]
        if any(contained):
            out["contained"] = [one for one in contained if one]
        return out

    def entry(self, node: object, depth: int) -> dict[str, Any] | None:
        """An entry with its resource; None where that is none that may stand."""
        inner = node.get("resource") if isinstance(node, Mapping) else None
        if not isinstance(node, Mapping) or not isinstance(inner, Mapping):
            self.actions["Bundle.entry without a resource", "removed"] += 1
            return None
        out = self.resource(inner, "", depth + 1)
        if out is None:
            return None
        self._owned(inner, "")
        rest = {name: value for name, value in node.items() if name != "resource"}
        kind, key = inner["resourceType"], self.people.keys.get(id(inner), "")
        if "fullUrl" in rest:
            rest["fullUrl"] = f"{kind}/{key}"
        return {**(self.table(rest, elements.ENTRY, "Bundle.entry", kind, key) or {}), "resource": out}

    def _told_owner(self, node: Mapping[str, Any], table: elements.Table) -> dict[str, Any]:
        """Whose a resource is where it tells that by an identifier alone, as a reference."""
        for name in elements.OWNERS:
            told = node.get(name)
            if name in table and isinstance(told, Mapping) and not told.get("reference"):
                owner = self.people.owner_of(node, self.container)
                return {name: {"reference": f"Patient/{self._id_of('Patient', owner)}"}} if owner else {}
        return {}

    def _owned(self, node: Mapping[str, Any], container: str) -> None:
        """Whose the resource is: as it says, or the only patient of the file."""
        owner = self.people.owner_of(node, container)
        if not owner and len(self.named) == len(self.people.facts) == 1:
            owner = next(iter(self.named))
        self.names, self.container = (
            self.named.get(owner, self.nobody),
            container or self.people.keys.get(id(node), ""),
        )

    def table(
        self, node: object, table: elements.Table, path: str, kind: str = "", key: str = ""
    ) -> dict[str, Any] | None:
        """The listed elements of one object, in their order."""
        if not isinstance(node, Mapping):
            self.actions[path, "removed"] += 1
            return None
        out = {}
        for name, value in node.items():
            rule = table.get(name)
            where = f"{path}.{name if rule is not None else elements.told(name)}"
            if rule is None or is_barred(name, node):
                self.actions[where, "removed"] += 1
                continue
            many = [self.value(one, rule, node, where, kind, key) for one in listed(value)]
            kept = [one for one in many if one is not None]
            if kept:
                out[name] = kept if isinstance(value, list) else kept[0]
        return out or None

    def value(
        self, value: object, rule: Any, node: Mapping[str, Any], path: str, kind: str = "", key: str = ""
    ) -> Any:
        """One value in its form, or None."""
        if not isinstance(rule, str):
            return self.table(value, rule, path, kind, key)
        after = self.leaf(value, rule, node, kind, key)
        done = "removed" if after is None else "kept" if after == value else "changed"
        self.actions[path, done] += 1
        return after

    def leaf(self, value: object, rule: str, node: Mapping[str, Any], kind: str, key: str) -> Any:
        """A value as it may leave; None: not at all."""
        match rule:
            case "id":
                return self._id_of(str(node.get("resourceType", "")), str(value))
            case "url":
                return f"{BASE}{kind}/{self._id_of(kind, key)}"
            case "request":
                one = isinstance(value, str) and "/" in value
                return f"{kind}/{self._id_of(kind, key)}" if one else kind
            case "reference":
                return self._reference(value)
            case "moment":
                return self._moved(value)
            case "sex":
                sex = folded_sex(value) if isinstance(value, str) and self.profile.characteristics else ""
                return {"F": "female", "M": "male"}.get(sex)
            case "number":
                return number_of(value, node, self.known)
            case "text" if isinstance(value, str):
                text = (
                    value if lab.grade(value) else lab.scrubbed(value, self.names, self.known, self.profile)
                )
                return text or None
        plain = int(value) if rule == "count" and isinstance(value, str) and value.isdigit() else value
        return plain if stands(rule, plain, node, self.known, self.profile) else None

    def _id_of(self, kind: str, key: str) -> str:
        if kind == "Patient" and key in self.named:
            return self.named[key].subject
        return pseudonym(self.nobody.key, "N", key)

    def _reference(self, value: object) -> str | None:
        kind, key = self.people.key_of(value, self.container)
        if kind not in elements.REFERRED:
            return None
        if kind == "Patient" and key not in self.named:
            return None
        told = self._id_of(kind, key)
        return f"#{told}" if isinstance(value, str) and value.strip().startswith("#") else f"{kind}/{told}"

    def _moved(self, value: object) -> str | None:
        match = MOMENT.fullmatch(value) if isinstance(value, str) else None
        if match is None or self.profile.dates != "shifted":
            return None
        day = shifted(match["day"].replace("-", ""), self.names.date_shift_days)
        return f"{day[:4]}-{day[4:6]}-{day[6:]}{match['rest']}" if day else None


def _refused(found: str, wanted: str) -> CannotClean:
    return CannotClean(Reason.UNSUPPORTED_FORM, found, wanted)
