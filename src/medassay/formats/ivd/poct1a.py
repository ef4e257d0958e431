"""POCT1-A (CLSI POCT01) messages of point-of-care devices: XML documents, one after another, in a file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.examined import Fact
from medassay.formats.ivd.refusal import IvdRefused, names_a_person, said
from medassay.formats.ivd.results import Result, Value, facts_of, findings_of, unit_of

LARGEST = 64 << 20
CLOCKS_APART_DAYS = 2  # a device whose clock is further from its own observation has a wrong clock
_START = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]{0,200}\?>\s*)?<([A-Z]{2,4}\.R\d\d)[\s>]")
_ROOT = re.compile(r"<(?P<root>[A-Z]{2,4}\.R\d\d)(?:\s[^>]*)?>.*?</(?P=root)>", re.DOTALL)


@dataclass(frozen=True)
class Conversation:
    messages: tuple[Any, ...]  # root elements
    broken: int  # documents that are not well formed


def recognises(head: bytes) -> bool:
    """A root such as `HEL.R01` or `OBS.R01`.

    Examples
    --------
    >>> recognises(b"<HEL.R01><HDR>"), recognises(b"<annotation>")
    (True, False)
    """
    return bool(_START.match(head))


def open(source: Path | bytes) -> Conversation:
    """Every message of a file.

    Raises
    ------
    IvdRefused
        When no message is well formed.
    """
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    if size > LARGEST:
        raise IvdRefused(Reason.LIMIT_EXCEEDED, found=f"{size} bytes", wanted=f"at most {LARGEST}")
    content = source if isinstance(source, bytes) else source.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise IvdRefused(Reason.CHARACTER_SET, found="bytes that are no UTF-8", wanted="UTF-8") from None
    messages, broken = [], 0
    for found in _ROOT.finditer(text):
        try:
            messages.append(fromstring(found[0], forbid_dtd=True))
        except (ParseError, DefusedXmlException, ValueError):
            broken += 1
    broken += bool(re.sub(r"<\?xml[^>]*\?>", "", _ROOT.sub("", text)).strip())
    if not messages:
        raise IvdRefused(Reason.HEADER_INVALID, found="no well-formed message", wanted="POCT1-A messages")
    return Conversation(tuple(messages), broken)


def results(conversation: Conversation) -> list[Result]:
    """Observations of all OBS messages; what was measured for quality control is among them."""
    found = []
    for root in conversation.messages:
        for one in root.iter("OBS"):
            value = one.find("OBS.value")
            quantity = value.attrib if value is not None else {}
            name = one.find("OBS.observation_id")
            unit = str(quantity.get("U", ""))
            found.append(
                Result(
                    code=str(name.get("V", ""))[:40] if name is not None else "",
                    system=str(name.get("SN", ""))[:40] if name is not None else "",
                    value=Value(_number(quantity.get("V"))),
                    unit=unit_of(unit),
                    unit_stated=bool(unit),
                )
            )
    return found


def describe(conversation: Conversation) -> dict[str, Fact]:
    kinds = Counter(root.tag for root in conversation.messages)
    told = ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))
    return {"messages": len(conversation.messages), "kinds": told, **facts_of(results(conversation))}


def examine(conversation: Conversation) -> Iterator[Finding]:
    if conversation.broken:
        yield said(
            Reason.HEADER_INVALID, Severity.REFUSE, f"{conversation.broken} parts that are no message", "XML"
        )
    other = sum(
        stated.get("V") != root.tag
        for root in conversation.messages
        if (stated := root.find("HDR/HDR.message_type")) is not None
    )
    if other:
        yield said(
            Reason.HEADER_INVALID,
            Severity.WARN,
            f"{other} messages whose header names another type than their root",
            "one type",
            where="HDR.message_type",
            source="CLSI POCT01, HDR object",
        )
    apart = sum(_clock_is_wrong(root) for root in conversation.messages)
    if apart:
        yield said(
            Reason.VALUE_IMPLAUSIBLE,
            Severity.WARN,
            f"{apart} messages whose device clock lies more than {CLOCKS_APART_DAYS} days from their observations",
            "one clock",
            where="HDR.creation_dttm and SVC.observation_dttm",
        )
    yield from findings_of(results(conversation))
    if any(
        node.get("V")
        for root in conversation.messages
        for part in ("PT.patient_id", "PT.name", "PT.birth_date")
        for node in root.iter(part)
    ):
        yield names_a_person()


def _clock_is_wrong(root: Any) -> bool:
    made = _moment(root.find("HDR/HDR.creation_dttm"))
    seen = [_moment(node) for node in root.iter("SVC.observation_dttm")]
    return made is not None and any(one and abs((one - made).days) > CLOCKS_APART_DAYS for one in seen)


def _moment(node: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(node.get("V", "")[:19]) if node is not None else None
    except ValueError:
        return None


def _number(text: Any) -> float | None:
    return (
        float(text) if isinstance(text, str) and re.fullmatch(r"[-+]?\d{1,15}(\.\d{1,15})?", text) else None
    )
