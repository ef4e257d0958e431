"""HL7 annotated ECG (aECG): series of leads as digits with origin and scale.

References
----------
HL7 V3 Annotated ECG, R1 (ANSI/HL7 V3 ECG, R1-2004); ISO/IEEE 11073-10101 for the codes of leads.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import numpy as np

from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.waveform import modality
from medassay.formats.waveform.content import FileBytes, Source, content_of
from medassay.formats.waveform.series import Series, window
from medassay.formats.xml_root import root_of

STANDARD = "HL7 V3 Annotated ECG"
ROOT = "AnnotatedECG"
LARGEST = 1 << 28
SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
VOLTAGES = ("V", "mV", "uV", "nV")
_TIMES = ("TIME_ABSOLUTE", "TIME_RELATIVE")
_PREFIX = "MDC_ECG_LEAD_"


class DocumentUnreadable(WrongUse):
    """No ECG can be had from the document; `reason` is what a finding says of it."""

    def __init__(self, reason: Reason, *, found: str, wanted: str) -> None:
        super().__init__(found=found, wanted=wanted, remedy="Export the ECG again.")
        self.reason = reason


@dataclass(frozen=True)
class Lead:
    """One sequence of digits: value = origin + scale x digit."""

    code: str
    origin: float | None
    scale: float | None
    unit: str
    digits: str = field(repr=False)

    @property
    def name(self) -> str:
        return self.code.removeprefix(_PREFIX)


@dataclass(frozen=True)
class Set:
    """Leads that share one time: a rhythm strip, or a representative beat that was derived from it."""

    kind: str  # RHYTHM, REPRESENTATIVE_BEAT
    increment_s: float | None
    leads: tuple[Lead, ...]


@dataclass(frozen=True)
class Opened:
    """A document that was parsed; its digits are still text."""

    sets: tuple[Set, ...]
    identified: bool
    times: frozenset[str]  # of low, center and high of the document's effective time
    names_a_person: bool


def recognises(head: bytes) -> bool:
    """Whether these first bytes are those of an annotated ECG."""
    root = root_of(head)
    return root is not None and root.name == ROOT


def open(source: Source | FileBytes) -> Opened:
    """Parse the document; entities and anything from outside are refused.

    Raises
    ------
    DocumentUnreadable
        When it is no well-formed annotated ECG, or is too large.
    """
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    content = content_of(source)
    if len(content) > LARGEST:
        raise DocumentUnreadable(
            Reason.LIMIT_EXCEEDED, found=f"{len(content)} bytes", wanted=f"at most {LARGEST}"
        )
    try:
        root: Element = fromstring(content[:])
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise DocumentUnreadable(
            Reason.HEADER_INVALID,
            found=f"XML that is not well-formed, or declares entities ({type(error).__name__})",
            wanted="a plain document",
        ) from error
    if _local(root) != ROOT:
        raise DocumentUnreadable(Reason.UNKNOWN_FORMAT, found="another root element", wanted=ROOT)
    series = [*root.iterfind("{*}component/{*}series"), *root.iterfind(".//{*}derivedSeries")]
    time = root.find("{*}effectiveTime")
    return Opened(
        sets=tuple(made for one in series for made in _sets(one)),
        identified=bool(root.find("{*}id") is not None and _id(root.find("{*}id"))),
        times=frozenset(_local(part) for part in (() if time is None else time)),
        names_a_person=_names_a_person(root),
    )


def examine(opened: Opened) -> Iterator[Finding]:
    """Everything that is wrong with a document."""
    if not any(one.leads for one in opened.sets):
        found, wanted = "a document without a lead", "at least one sequence of digits"
        yield _say(Reason.CHANNEL_MISSING, Severity.REFUSE, found, wanted, "document")
        return
    if not opened.identified:
        found, wanted = "no identifier of the document", "one id"
        yield _say(Reason.HEADER_INVALID, Severity.NOTE, found, wanted, "id")
    if not opened.times & {"low", "center", "high"}:
        found, wanted = "no time of recording", "low and high, or center"
        yield _say(Reason.HEADER_INVALID, Severity.NOTE, found, wanted, "effective time")
    for number, one in enumerate(opened.sets, 1):
        yield from _set(one, f"sequence set {number}")


def describe(opened: Opened) -> dict[str, Any]:
    """What a catalogue may say of a document; nothing that identifies. Signals are those of the first set."""
    first = next((one for one in opened.sets if one.leads), None)
    facts: dict[str, Any] = {"form": "HL7 aECG", "sets": len(opened.sets)}
    facts["sequences"] = sum(len(one.leads) for one in opened.sets)
    facts["effective_time"] = " ".join(sorted(opened.times)) or None
    if first is None:
        return facts
    count = max(len(lead.digits.split()) for lead in first.leads)
    facts["signals"] = len(first.leads)
    facts["modalities"] = modality.counted((lead.code, lead.unit) for lead in first.leads)
    facts["sampling_hz"] = f"{1 / first.increment_s:g}" if first.increment_s else None
    facts["duration_s"] = count * first.increment_s if first.increment_s else None
    return facts


def samples(
    opened: Opened, number: int, start_s: float = 0.0, stop_s: float | None = None, *, sequence_set: int = 0
) -> Series:
    """One lead of a sequence set over a range of time, in the unit that its scale states.

    Raises
    ------
    WrongUse
        When there is no such lead or set, the range is none, or values cannot be had.
    """
    if not 0 <= sequence_set < len(opened.sets) or not 0 <= number < len(opened.sets[sequence_set].leads):
        raise WrongUse(
            found=f"lead {number} of sequence set {sequence_set}",
            wanted=f"one of {[len(one.leads) for one in opened.sets]} leads, counted from 0",
            remedy="Choose another.",
        )
    one = opened.sets[sequence_set]
    lead = one.leads[number]
    for finding in _set(Set(one.kind, one.increment_s, (lead,)), "sequence"):
        if finding.severity is Severity.REFUSE:
            raise DocumentUnreadable(finding.reason, found=finding.found, wanted=finding.wanted)
    digits = lead.digits.split()
    rate = 1 / (one.increment_s or math.nan)
    first, behind = window(start_s, stop_s, rate, len(digits))
    values = (lead.origin or 0.0) + (lead.scale or math.nan) * np.array(digits[first:behind], np.float64)
    return Series(lead.name, lead.unit, rate, first / rate, values)


def _set(one: Set, where: str) -> Iterator[Finding]:
    if not one.increment_s:
        found, wanted = "no time between samples", f"an increment above 0 in {', '.join(SECONDS)}"
        yield _say(Reason.HEADER_INVALID, Severity.REFUSE, found, wanted, where)
    codes = [lead.code for lead in one.leads]
    if len(set(codes)) < len(codes):
        yield _say(Reason.DUPLICATE, Severity.WARN, "one lead several times", "each lead once", where)
    lengths = {len(lead.digits.split()) for lead in one.leads}
    if len(lengths) > 1:
        found = f"leads of {min(lengths)} to {max(lengths)} samples"
        yield _say(Reason.TRUNCATED, Severity.REFUSE, found, "one length", where)
    for number, lead in enumerate(one.leads, 1):
        yield from _lead(lead, f"{where}: lead {number}")


def _lead(lead: Lead, where: str) -> Iterator[Finding]:
    if lead.origin is None or not lead.scale:
        found, wanted = "no origin or no scale", "both, the scale not 0"
        yield _say(Reason.CALIBRATION_IMPOSSIBLE, Severity.REFUSE, found, wanted, where)
    if lead.unit not in VOLTAGES:
        found = "a unit that is no voltage, or two units"
        yield _say(Reason.UNIT_UNKNOWN, Severity.REFUSE, found, f"one of {', '.join(VOLTAGES)}", where)
    digits = lead.digits.split()
    if not digits or any(_number(digit) is None for digit in digits):
        found = "digits that are no numbers" if digits else "no digit"
        yield _say(Reason.VALUE_IMPLAUSIBLE, Severity.REFUSE, found, "numbers parted by spaces", where)


def _sets(series: Element) -> Iterator[Set]:
    code = series.find("{*}code")
    kind = code.get("code", "") if code is not None else ""
    for group in series.iterfind("{*}component/{*}sequenceSet"):
        sequences = [*group.iterfind("{*}component/{*}sequence")]
        increments = [_increment(one) for one in sequences if _code(one) in _TIMES]
        leads = tuple(_lead_of(one) for one in sequences if _code(one) not in _TIMES)
        yield Set(kind, next((one for one in increments if one), None), leads)


def _lead_of(sequence: Element) -> Lead:
    origin, scale = sequence.find("{*}value/{*}origin"), sequence.find("{*}value/{*}scale")
    digits = sequence.find("{*}value/{*}digits")
    units = {part.get("unit", "") for part in (origin, scale) if part is not None}
    return Lead(
        code=_code(sequence),
        origin=_number(origin.get("value", "")) if origin is not None else None,
        scale=_number(scale.get("value", "")) if scale is not None else None,
        unit=units.pop() if len(units) == 1 else "",
        digits=(digits.text or "") if digits is not None else "",
    )


def _increment(sequence: Element) -> float | None:
    found = sequence.find("{*}value/{*}increment")
    if found is None:
        return None
    value, factor = _number(found.get("value", "")), SECONDS.get(found.get("unit", ""))
    return value * factor if value and factor and value > 0 else None


def _code(sequence: Element) -> str:
    found = sequence.find("{*}code")
    return found.get("code", "") if found is not None else ""


def _names_a_person(root: Element) -> bool:
    subjects = [*root.iterfind(".//{*}trialSubject")]
    told = [one.get("extension", "") for subject in subjects for one in subject.iterfind("{*}id")]
    told += [
        "".join(name.itertext())
        for subject in subjects
        for name in subject.iterfind("{*}subjectDemographicPerson/{*}name")
    ]
    return any(text.strip() for text in told)


def _id(element: Element | None) -> str:
    return "" if element is None else element.get("root", "") or element.get("extension", "")


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _say(reason: Reason, severity: Severity, found: str, wanted: str, where: str) -> Finding:
    return Finding(
        reason=reason,
        severity=severity,
        found=found,
        wanted=wanted,
        remedy="Export the ECG again.",
        where=where,
        source=STANDARD,
    )
