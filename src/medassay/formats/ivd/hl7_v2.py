"""Results in HL7 v2 messages: ORU^R01 and their like, and what is wrong with them.

How a file becomes messages is `hl7_messages`; counts of a batch that do not add up are told here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.examined import Fact
from medassay.formats.ivd.hl7_messages import CHARACTER_SETS, Batch, Message, get
from medassay.formats.ivd.hl7_messages import open as open
from medassay.formats.ivd.hl7_messages import recognises as recognises
from medassay.formats.ivd.refusal import names_a_person, said
from medassay.formats.ivd.results import (
    Result,
    Status,
    Value,
    facts_of,
    findings_of,
    range_of,
    unit_of,
    value_of,
)

RESULT_EVENTS = ("ORU", "OUL", "OPU")
_LOINC = re.compile(r"\d{1,5}-\d|LP\d{1,7}-\d|LA\d{1,7}-\d")

# HL7 table 0085, result status.
STATUSES: Mapping[str, Status] = {
    "F": "final",
    "C": "corrected",
    "B": "preliminary",
    "P": "preliminary",
    "R": "preliminary",
    "S": "preliminary",
    "I": "preliminary",
    "O": "preliminary",
    "X": "cancelled",
    "N": "cancelled",
    "D": "cancelled",
    "W": "entered in error",
    "U": "final",
    "A": "final",
    "V": "final",
}


def results(message: Message) -> list[Result]:
    """The message's results, in order; each OBX-5 repetition is told by its first."""
    found = []
    withdrawn = False
    for segment in message.segments:
        if segment[0] == "OBR":  # a cancelled order takes its results with it
            withdrawn = get(segment, 25) in ("X", "W")
        elif segment[0] == "OBX":
            one = _result(message, segment)
            found.append(replace(one, status="cancelled") if withdrawn and one.usable else one)
    return found


def describe(batch: Batch) -> dict[str, Fact]:
    kinds = Counter(message.kind or "?" for message in batch.messages)
    every = [one for message in batch.messages if _carries(message) for one in results(message)]
    versions = sorted({get(m.first("MSH") or (), 12).split(m.component)[0][:8] for m in batch.messages})
    return {
        "messages": len(batch.messages),
        "kinds": ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))[:200],
        "version": ", ".join(v for v in versions if re.fullmatch(r"[0-9.]+", v)) or None,
        "character_set": batch.encoding,
        **facts_of(every),
    }


def examine(batch: Batch) -> Iterator[Finding]:
    yield from _envelope(batch)
    carrying = [message for message in batch.messages if _carries(message)]
    aside = len(batch.messages) - len(carrying)
    if aside:
        yield said(
            Reason.UNSUPPORTED_FORM,
            Severity.REFUSE if not carrying else Severity.WARN,
            f"{aside} of {len(batch.messages)} messages that carry no laboratory results by their type",
            "ORU, OUL or OPU; the others are set aside",
        )
    every = [one for message in carrying for one in results(message)]
    empty = sum(message.first("OBX") is None for message in carrying)
    if empty:
        yield said(
            Reason.REFERENCE_MISSING,
            Severity.REFUSE if empty == len(batch.messages) else Severity.WARN,
            f"{empty} result messages without a result (no OBX)",
            "at least one OBX",
        )
    yield from findings_of(every)
    yield from _codes(every)
    yield from _incomplete(carrying, alone=len(batch.messages) == 1)
    data = sum(get(s, 2) in ("ED", "RP") for m in carrying for s in m.segments if s[0] == "OBX")
    if data:
        yield said(
            Reason.UNSUPPORTED_FORM,
            Severity.WARN,
            f"{data} results that are documents or pictures (OBX-2 ED or RP)",
            "numbers, codes or texts",
        )
    if any(_names_somebody(message) for message in batch.messages):
        yield names_a_person()


def _result(message: Message, segment: tuple[str, ...]) -> Result:
    identifier = [part.strip() for part in get(segment, 3).split(message.component)]
    code, system = _coded(identifier)
    unit_parts = get(segment, 6).split(message.component)
    unit = next((part for part in (unit_parts[0], *unit_parts[3:4]) if part.strip()), "")
    low, high = range_of(message.unescaped(get(segment, 7)))
    flags = get(segment, 8).split(message.repetition)[0].split(message.component)[0].strip()
    stated = get(segment, 11).strip()
    return Result(
        code=code,
        system=system,
        value=_value(message, get(segment, 2), get(segment, 5)),
        unit=unit_of(message.unescaped(unit)),
        unit_stated=bool(unit.strip()),
        flag=flags if flags in ("H", "L", "HH", "LL", "N", "A", "AA", "<", ">") else "",
        low=low,
        high=high,
        status=STATUSES.get(stated, "not stated"),
    )


def _coded(parts: list[str]) -> tuple[str, str]:
    """Code and system: LOINC's where one of the two codings is LOINC's."""
    codings = [(parts[at], parts[at + 2] if at + 2 < len(parts) else "") for at in (0, 3) if at < len(parts)]
    loinc = next(((code, "LN") for code, system in codings if system == "LN" and code), None)
    return loinc or next(((code, system) for code, system in codings if code), ("", ""))


def _value(message: Message, kind: str, text: str) -> Value:
    first = text.split(message.repetition)[0]
    if kind == "SN":  # comparator, number, separator, number
        parts = [part.strip() for part in first.split(message.component)] + ["", "", ""]
        if parts[2] in (":", "-", "/") or parts[3]:
            return value_of(f"1:{parts[3]}") if parts[1] == "1" and parts[2] == ":" else Value()
        return value_of(f"{parts[0] if parts[0] != '=' else ''}{parts[1]}")
    if kind in ("NM", "ST", "TX", "FT", ""):
        return value_of(message.unescaped(first))
    if kind in ("CE", "CWE", "CNE", "IS", "ID"):
        parts = first.split(message.component)
        return next((v for part in parts[1:2] + parts[:1] if (v := value_of(part)).grade), Value())
    return Value()


def _carries(message: Message) -> bool:
    return message.kind.split("^")[0] in RESULT_EVENTS


def _envelope(batch: Batch) -> Iterator[Finding]:
    if batch.marked:
        yield said(Reason.CHARACTER_SET, Severity.NOTE, "a byte order mark before the first segment", "none")
    if len(batch.line_ends) > 1:
        yield said(
            Reason.HEADER_INVALID,
            Severity.NOTE,
            f"line ends of {len(batch.line_ends)} kinds, all read as segment ends",
            "carriage returns",
            source="HL7 v2.5.1 2.4",
        )
    elif batch.line_ends and batch.line_ends != ("\\r",):
        yield said(
            Reason.HEADER_INVALID,
            Severity.NOTE,
            f"segments that end with {batch.line_ends[0]}",
            "carriage returns",
            source="HL7 v2.5.1 2.4",
        )
    if batch.encoding == "gb18030" and batch.declared == "":
        yield said(
            Reason.CHARACTER_SET, Severity.NOTE, "no declared character set: read as GB18030", "MSH-18"
        )
    if batch.declared and batch.declared.upper() not in CHARACTER_SETS:
        yield said(
            Reason.CHARACTER_SET,
            Severity.WARN,
            "a character set that is not known (MSH-18)",
            "HL7 table 0211",
        )
    for what, pairs in (("messages of a batch", batch.stated), ("batches of a file", batch.files)):
        for stated, met in pairs:
            if stated != met:
                yield said(
                    Reason.TRUNCATED,
                    Severity.REFUSE,
                    f"{met} {what} where the trailer counts {stated}",
                    "as many as the trailer says",
                    source="HL7 v2.5.1 2.10.3",
                )
    if batch.unclosed:
        yield said(
            Reason.TRUNCATED, Severity.REFUSE, f"{batch.unclosed} batches without a trailer", "BTS and FTS"
        )
    if batch.strays:
        yield said(
            Reason.HEADER_INVALID,
            Severity.WARN,
            f"{batch.strays} lines that are no segment, read as the rest of the line before",
            "segments alone",
        )


def _codes(every: Sequence[Result]) -> Iterator[Finding]:
    wrong = sum(one.system == "LN" and not is_loinc(one.code) for one in every)
    if wrong:
        yield said(
            Reason.REFERENCE_INVALID,
            Severity.WARN,
            f"{wrong} codes that are said to be LOINC and are none",
            "codes whose check digit is right",
            where="OBX-3",
            source="LOINC Users' Guide, Mod 10 check digit",
        )
    missing = sum(not one.code for one in every)
    if missing:
        yield said(Reason.HEADER_INVALID, Severity.WARN, f"{missing} results without a code", "OBX-3")


def _incomplete(carrying: Sequence[Message], *, alone: bool) -> Iterator[Finding]:
    nobody = 0
    for message in carrying:
        pid, header = message.first("PID") or (), message.first("MSH") or ()
        nobody += not (get(pid, 2) or get(pid, 3) or get(pid, 4)) and not get(header, 11)
    if nobody:
        yield said(
            Reason.HEADER_INVALID,
            Severity.REFUSE if alone else Severity.WARN,
            f"{nobody} messages without a patient identifier and without a processing id",
            "PID-3 and MSH-11",
            source="HL7 v2.5.1 3.4.2.3, 2.15.9.11: both required",
        )
    unnamed = sum(not get(message.first("PID") or (), 3) for message in carrying) - nobody
    if unnamed > 0:
        yield said(
            Reason.HEADER_INVALID,
            Severity.WARN,
            f"{unnamed} messages without a patient identifier list",
            "PID-3",
            source="HL7 v2.5.1 3.4.2.3",
        )


def _names_somebody(message: Message) -> bool:
    pid = message.first("PID") or ()
    return any(get(pid, number).strip("^~& ") for number in (2, 3, 4, 5, 7, 11, 13, 19))


def is_loinc(code: str) -> bool:
    """Whether a code has LOINC's form and its check digit (Luhn, mod 10).

    Examples
    --------
    >>> is_loinc("718-7"), is_loinc("718-8"), is_loinc("xx625-4")
    (True, False, False)
    """
    if not _LOINC.fullmatch(code):
        return False
    digits = [int(one) for one in re.sub(r"[A-Z]", "", code).replace("-", "")]
    doubled = [n * 2 - 9 * (n > 4) for n in digits[-2::-2]]
    return (sum(doubled) + sum(digits[-1::-2])) % 10 == 0
