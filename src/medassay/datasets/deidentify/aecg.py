"""HL7 annotated ECGs (aECG): listed elements and codes, digits as they are, no other text.

The document is written anew, so that comments, processing instructions, a document type and names of schemas are none
of it; the proof asks that what it reads is all that stands there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from xml.etree.ElementTree import Element, ParseError, SubElement
from xml.sax.saxutils import escape, quoteattr

from medassay.core.canonical import digest_bytes
from medassay.core.findings import Finding, Reason
from medassay.datasets.deidentify import aecg_elements as elements
from medassay.datasets.deidentify import laboratory_fields as lab
from medassay.datasets.deidentify.facts import Facts, folded_birth, folded_sex
from medassay.datasets.deidentify.outgoing import Actions, CannotClean, Outgoing, left
from medassay.datasets.deidentify.profile import Profile
from medassay.datasets.identity import pseudonym
from medassay.datasets.sample import Names
from medassay.formats.waveform import aecg

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
SPACES = 'xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
SAMPLES = "samples"
DEEPEST = 80
OLDEST = 89
SUBJECT = re.compile(r"S-[0-9a-f]{16}")
UID = re.compile(r"2\.25\.\d{1,20}")
MOMENT = re.compile(r"\d{8}(\d{2}(\d{2}(\d{2}(\.\d{1,4})?)?)?)?([+-]\d{4})?")


def recognises(head: bytes) -> bool:
    """By the root element."""
    return aecg.recognises(head)


def facts_of(content: bytes) -> list[Facts]:
    """Who the trial's subject is."""
    root = _parsed(content)
    subject = root.find(".//{*}trialSubject")
    if subject is None:
        return [Facts()]
    person = subject.find("{*}subjectDemographicPerson")
    ids = [one.get("extension", "").strip() for one in subject.iterfind("{*}id")]
    names = [] if person is None else [_spelt(one) for one in person.iterfind("{*}name")]
    birth = None if person is None else person.find("{*}birthTime")
    sex = None if person is None else person.find("{*}administrativeGenderCode")
    return [
        Facts(
            tuple(dict.fromkeys(one for one in ids if one)),
            tuple(dict.fromkeys(one for one in names if one)),
            folded_birth("" if birth is None else birth.get("value", "")[:8]),
            folded_sex("" if sex is None else sex.get("code", "")),
        )
    ]


def clean(content: bytes, who: Sequence[Names], known: Sequence[str], profile: Profile) -> Outgoing:  # noqa: ARG001 - no text is kept that could name somebody
    """The document with nobody in it.

    Raises
    ------
    CannotClean, DocumentUnreadable
        When it is no well-formed annotated ECG, has no lead, or digits that are no numbers.
    """
    if not any(one.leads for one in aecg.open(content).sets):
        raise CannotClean(
            Reason.CHANNEL_MISSING, "a document without a lead", "at least one sequence of digits"
        )
    root, actions = _parsed(content), Counter[tuple[str, str]]()
    out = Element(elements.ROOT)
    _fill(out, root, "", who[0], profile, actions, 0)
    return Outgoing((("annotated.xml", _written(out).encode("ascii")),), actions, {SAMPLES: _digest(out)})


def prove(content: bytes, bulk: Mapping[str, str], known: Sequence[str], profile: Profile) -> list[Finding]:  # noqa: ARG001 - every proof of an exported form is given the names
    """Read the document again: listed elements, attributes in their forms, and nothing between them."""
    try:
        root = _parsed(content)
        whole = _written(root) == content.decode("ascii")
        found = list(_strangers(root, "", profile, 0))
    except (CannotClean, ValueError, RecursionError):
        return [left("document", "XML that cannot be followed")]
    if not whole:
        found.append("document")
    if _digest(root) != bulk.get(SAMPLES):
        found.append(elements.DIGITS)
    return [left(place, "something that the allow-list does not hold") for place in dict.fromkeys(found)]


def searched(content: bytes) -> bytes:
    """What is searched for names: all but digits."""
    return re.sub(rb"<digits>[^<]*</digits>", b"", content)


def _parsed(content: bytes) -> Element:
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root: Element = fromstring(content)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise CannotClean(
            Reason.HEADER_INVALID, f"XML that cannot be read ({type(error).__name__})", "a plain document"
        ) from error
    return root


def _fill(
    out: Element, node: Element, parent: str, names: Names, profile: Profile, actions: Actions, depth: int
) -> None:
    """What may stand of an element goes into its copy."""
    name = _local(node)
    if depth > DEEPEST:
        raise CannotClean(Reason.LIMIT_EXCEEDED, "elements that lie too deep", f"at most {DEEPEST}")
    kept = _attributes(node, parent, names, profile)
    for key, value in node.attrib.items():
        place = f"{name}@{_attribute(key)}"
        actions[place, "kept" if kept.get(key) == value else "changed" if kept.get(key) else "removed"] += 1
    for key, value in kept.items():
        out.set(key, value)
    if name == elements.DIGITS:
        out.text = _digits(node)
        actions["digits", "kept"] += 1
    elif any((text or "").strip() for text in (node.text, *(child.tail for child in node))):
        actions[f"{name}: text", "removed"] += 1
    for child in node:
        inner = _local(child)
        if inner not in elements.CHILDREN.get(name, ()):
            actions[f"{name}/{inner if inner in elements.NAMES else 'another element'}", "removed"] += 1
            continue
        copy = SubElement(out, inner)
        _fill(copy, child, name, names, profile, actions, depth + 1)
        if not (len(copy) or copy.attrib or copy.text):
            out.remove(copy)


def _attributes(node: Element, parent: str, names: Names, profile: Profile) -> dict[str, str]:
    """The attributes of an element as they may leave."""
    name = _local(node)
    if name == "id":
        return _id(node, parent, names)
    if name == "administrativeGenderCode":
        sex = folded_sex(node.get("code", "")) if profile.characteristics else ""
        return {"code": sex, "codeSystem": elements.GENDER} if sex else {}
    out = {}
    for key, value in node.attrib.items():
        after = lab.moved(value, names, profile) if key == "value" and _is_moment(node) else value
        after = _aged(node, after) if key == "value" else after
        if after and _stands(node, key, after, profile):
            out[key] = after
    if ("value" in node.attrib) != ("value" in out) or ("unit" in node.attrib) != ("unit" in out):
        out.pop("unit", None)  # a number without its unit would be another one, or a moment
        out.pop("value", None)
    return out


def _id(node: Element, parent: str, names: Names) -> dict[str, str]:
    root, extension = node.get("root", ""), node.get("extension", "")
    if not root and not extension:
        return {}
    told = root if parent == "trialSubject" else f"{root}^{extension}"
    uid = elements.UID_ROOT + str(int(pseudonym(names.key, "uid", told).rpartition("-")[2], 16))
    return {"root": uid, "extension": names.subject} if parent == "trialSubject" else {"root": uid}


def _is_moment(node: Element) -> bool:
    """Whether the value of an element is a moment: of a time, and no number with a unit."""
    return (_local(node) in (*elements.MOMENTS, "activityTime", "effectiveTime")) and node.get("unit") is None


def _aged(node: Element, value: str) -> str:
    """A number of years over 89 is 90, in whatever unit."""
    years = elements.YEARS.get(node.get("unit", ""), 0.0)
    if not years or not elements.NUMBER.fullmatch(value) or float(value) * years <= OLDEST:
        return value
    return str(round((OLDEST + 1) / years))


def _stands(node: Element, key: str, value: str, profile: Profile) -> bool:
    """Whether an attribute of an element may stand with its value."""
    name = _attribute(key)
    if key not in (name, TYPE):
        return False  # a name of another space, which may hold anything
    if name == "value":
        if _is_moment(node):
            return bool(MOMENT.fullmatch(value)) and profile.dates == "shifted"
        numeric = bool(elements.NUMBER.fullmatch(value)) and _aged(node, value) == value
        years = node.get("unit", "") in elements.YEARS
        return value in ("true", "false") or (numeric and (profile.characteristics or not years))
    if name == "unit":
        return value in elements.UNITS
    if name == "code":
        return elements.is_wave_code(value, node.get("codeSystem", ""))
    if name == "codeSystem":
        return value in elements.SYSTEMS
    return name in elements.FIXED and bool(elements.FIXED[name].fullmatch(value))


def _digits(node: Element) -> str:
    text = node.text or ""
    if len(node) or not all(map(elements.SAMPLE.fullmatch, text.split())) or not text.isascii():
        raise CannotClean(
            Reason.VALUE_IMPLAUSIBLE, "digits that are no numbers", "numbers parted by blanks", "digits"
        )
    return text


def _strangers(node: Element, parent: str, profile: Profile, depth: int) -> Iterator[str]:
    name = _local(node)
    if depth > DEEPEST or (not parent and name != elements.ROOT):
        yield "document"
        return
    for key, value in node.attrib.items():
        if not _may_stand(node, parent, key, value, profile):
            yield f"{name}@{_attribute(key)}"
    if name == elements.DIGITS:
        _digits(node)
    elif node.text:
        yield f"{name}: text"
    for child in node:
        inner = _local(child)
        if inner not in elements.CHILDREN.get(name, ()) or child.tail:
            yield f"{name}/{inner if inner in elements.NAMES else 'another element'}"
            continue
        yield from _strangers(child, name, profile, depth + 1)


def _may_stand(node: Element, parent: str, key: str, value: str, profile: Profile) -> bool:
    name = _local(node)
    if name == "id":
        subject = parent == "trialSubject" and key == "extension" and SUBJECT.fullmatch(value)
        return bool(subject or (key == "root" and UID.fullmatch(value)))
    if name == "administrativeGenderCode":
        return profile.characteristics and (key, value) in (
            ("code", "F"),
            ("code", "M"),
            ("codeSystem", elements.GENDER),
        )
    return _stands(node, key, value, profile)


def _written(root: Element) -> str:
    """The document: an element a line would change digits, so that it is one line of elements."""
    out = [HEAD]
    _write(root, out, SPACES)
    return "".join(out) + "\n"


def _write(node: Element, out: list[str], spaces: str = "") -> None:
    name = _local(node)
    told = [f"{'xsi:type' if key == TYPE else key}={quoteattr(value)}" for key, value in node.attrib.items()]
    start = " ".join(filter(None, (name, spaces, *told)))
    if not len(node) and not node.text:
        out.append(f"<{start}/>")
        return
    out.append(f"<{start}>{escape(node.text or '')}")
    for child in node:
        _write(child, out)
    out.append(f"</{name}>")


def _spelt(name: Element) -> str:
    """A name of a person, its parts with a blank between them."""
    return " ".join(" ".join(name.itertext()).split())


def _local(node: Element) -> str:
    return str(node.tag).rpartition("}")[2]


def _attribute(key: str) -> str:
    """An attribute's name as the report has it."""
    name = key.rpartition("}")[2]
    known = (
        *elements.FIXED,
        "value",
        "unit",
        "code",
        "codeSystem",
        "codeSystemName",
        "displayName",
        "root",
        "extension",
    )
    return name if name in known else "another attribute"


def _digest(root: Element) -> str:
    """SHA-256 over the digits of every sequence, in the order of the document."""
    every = [one.text or "" for one in root.iter() if _local(one) == elements.DIGITS]
    return digest_bytes("\n".join(every).encode("utf-8"))
