"""HL7 v2 messages: segments and fields on a list stay, the person becomes the subject, the rest goes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from medassay.core.findings import Finding, Reason
from medassay.datasets.deidentify import laboratory_fields as lab
from medassay.datasets.deidentify.closed_text import is_closed, tells
from medassay.datasets.deidentify.facts import Facts, folded_birth, folded_sex
from medassay.datasets.deidentify.hl7_escapes import STANDARD, decoded, escaped, to_standard, unescaped
from medassay.datasets.deidentify.outgoing import Actions, CannotClean, Outgoing, left
from medassay.datasets.deidentify.profile import Profile
from medassay.datasets.identity import pseudonym
from medassay.datasets.sample import Names

# Fields that stay, by segment: i a number in a row, b one in several levels, e a code of a table of HL7's, m a
# type of message, y a version, k a code with its text and scheme, u a unit, r a range, d dates and times, t free
# text, n a number of an order or sample (a pseudonym takes its place), v a value by the type in OBX-2, p the
# person, x sex, s separators, c the character set.
FIELDS: dict[str, dict[int, str]] = {
    "MSH": {1: "s", 2: "s", 7: "d", 9: "m", 10: "n", 11: "e", 12: "y", 18: "c"},
    "PID": {1: "i", 3: "p", 5: "p", 8: "x"},
    "PV1": {1: "i", 2: "e"},
    "ORC": {1: "e", 2: "n", 3: "n", 5: "e", 9: "d"},
    "OBR": {1: "i", 2: "n", 3: "n", 4: "k", 7: "d", 8: "d", 14: "d", 15: "k", 22: "d", 24: "e", 25: "e"},
    "OBX": {1: "i", 2: "e", 3: "k", 4: "b", 5: "v", 6: "u", 7: "r", 8: "e", 11: "e", 14: "d"},
    "NTE": {1: "i", 2: "e", 3: "t"},
    "SPM": {1: "i", 4: "k", 17: "d"},
}
# Codes of the tables of HL7 2.5 that these fields have: flags (0078), states of results and orders (0085, 0123,
# 0038), controls of orders (0119), classes of patients (0004), sources of notes (0105), sections (0074), types of
# values (0125), purposes (0103). Any three letters may be a surname.
_TABLES = (
    "A AA AC AU B BG BLB C CA CAR CH CM CN CP CR CT CTH CUS D DC DE DET DF DR E EC EN ER EXP F FU GE HD HH HM HR HX "
    "I ICU IMG IMM IND IP L LAB LL LR LX M MB MC MCB MS MYC N NA ND NEG NMR NMS NR NRS NW O OC OD OE OF OH OK OP OR "
    "OSL OT OTH OUS P PAR PAT PF PHR PHY POS PR PT PY QCF R RAD RC RE RF RL RO RP RQ RR RT RU RUS RX S SC SN SP SR "
    "SS SYN-R T TOX U UA UC UD UF UH UM UN UNE UR US UX VR VS VUS W WR X XO XR XRC XX Y Z H LE HE IE AD CE CF CK "
    "CNE CWE CX DT DTM ED FT ID IS MO NM PN SI ST TM TN TS TX XAD XCN XON XPN XTN < >"
)
_LISTED = f"({'|'.join(sorted(map(re.escape, _TABLES.split()), key=len, reverse=True))})"
PLAIN = {  # fields that have one form
    "i": re.compile(r"\d{1,4}"),
    "b": re.compile(r"\d{1,4}|\d{1,2}([.^]\d{1,2}){1,3}"),
    "e": re.compile(rf"{_LISTED}([~^]{_LISTED}){{0,3}}|[↑↓]{{1,2}}"),
    "m": re.compile(
        r"(ACK|ADT|BAR|DFT|DSR|MDM|MFN|OML|ORF|ORL|ORM|ORR|ORU|OUL|QBP|QRY|RSP|SIU|VXU)"
        r"(\^[A-Z]\d\d(\^[A-Z]{3}(_[A-Z]\d\d)?)?)?"
    ),
    "y": re.compile(r"2(\.\d){1,2}"),
}
_SEGMENTS_TEXT = (
    "ABS ACC ADD AIG AIL AIP AIS AL1 APR ARQ AUT BHS BLG BTS CSR CTD CTI DB1 DG1 DRG DSC DSP ECD EQU ERR EVN FAC "
    "FHS FT1 FTS GOL GT1 IAM IN1 IN2 IN3 INV IPC MFA MFE MFI MRG MSA MSH NK1 NTE OBR OBX ODS OM1 ORC ORG PCR PD1 "
    "PEO PES PID PR1 PRA PRB PRC PRD PRT PTH PV1 PV2 QAK QPD QRD QRF RCP RDF RDT RF1 ROL RXA RXC RXD RXE RXG RXO "
    "RXR SAC SCH SFT SPM STF TCC TQ1 TQ2 TXA UB1 UB2 URD VAR"
)
SEGMENTS = frozenset(_SEGMENTS_TEXT.split())
# Observations that state an age or a day of birth.
AGES, BIRTHS = ("30525-0", "21612-7", "29553-5", "63900-5"), ("21112-8", "18186-7")
AGE_WORDS = re.compile(r"\bage\b|年龄|岁数", re.IGNORECASE)
BIRTH_WORDS = re.compile(r"\b(birth|dob|born)|出生|生日", re.IGNORECASE)
YEARS = ("", "a", "y", "yr", "yrs", "year", "years", "岁", "周岁")
OLDEST_STATED = 89
SUBJECT = re.compile(r"[A-Z]-[0-9a-f]{16}")
CLOCK = re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,4})?)?)?([+-]\d{4})?")
CHARSETS = {
    "": "",
    "ASCII": "ascii",
    "UNICODE UTF-8": "utf-8",
    "UNICODE": "utf-8",
    "GB 18030-2000": "gb18030",
}


def recognises(head: bytes) -> bool:
    """A message header, with or without a byte order mark, block marks or a batch around it."""
    plain = head.lstrip(b"\xef\xbb\xbf\x0b\r\n ")
    return bool(re.match(rb"(MSH|FHS|BHS)[^A-Za-z0-9\s]", plain))


def facts_of(content: bytes) -> list[Facts]:
    """The person of each message, in order; a file may hold several."""
    found = []
    for message in _messages(content):
        pid = next((line for line in message if line[0] == "PID"), None)
        if pid is None:
            found.append(Facts())
            continue
        names = [" ".join(part.split("^")[:2]).strip() for part in _field(pid, 5).split("~")]
        names += [part.split("^")[0] for part in _field(pid, 5).split("~")]
        ids = [part.split("^")[0] for n in (2, 3, 4, 18, 19) for part in _field(pid, n).split("~")]
        found.append(
            Facts(
                tuple(dict.fromkeys(value for value in ids if value)),
                tuple(dict.fromkeys(name for name in names if name)),
                folded_birth(_field(pid, 7)),
                folded_sex(_field(pid, 8)),
            )
        )
    return found


def clean(content: bytes, who: Sequence[Names], known: Sequence[str], profile: Profile) -> Outgoing:
    """The messages with nobody in them, as UTF-8.

    Parameters
    ----------
    who : sequence of Names
        The subject of each message, in order.
    """
    actions: Actions = Counter()
    out = []
    for message, names in zip(_messages(content), who, strict=True):
        for fields in message:
            allowed = FIELDS.get(fields[0])
            if allowed is None:
                # A line that goes on where a text was broken is no segment, and its words are nobody's to read.
                told = fields[0] if fields[0] in SEGMENTS else "of no name"
                actions[f"segment {told}", "removed"] += 1
                continue
            out.append(_segment(fields, allowed, names, known, profile, actions))
    return Outgoing((("messages.hl7", ("\r".join(out) + "\r").encode("utf-8")),), actions)


def prove(content: bytes, known: Sequence[str], profile: Profile) -> list[Finding]:
    """Read the lines again: listed fields only, subjects under their pseudonyms, texts as the profile has them."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return [left("encoding", "bytes that are no UTF-8")]
    found = []
    for line in filter(None, text.split("\r")):
        name, *rest = line.split("|")
        places = rest if name != "MSH" else ["|", *rest]
        for number, value in enumerate(places, 1):
            open_text = not _is_closed_place(name, number, rest, value, known, profile)
            is_result = (name, number) == ("OBX", 5) and _field(rest, 1) in ("NM", "SN")
            told = lab.measured(value, _field(rest, 5)) if is_result else value
            if value and (open_text or not _may_stand(name, number, told, known)):
                found.append(
                    left(f"{name[:3]}-{number}", "a field or value that the allow-list does not hold")
                )
    return found


def _messages(content: bytes) -> list[list[list[str]]]:
    """Messages as segments as fields; MSH counts its separator as the first field."""
    messages: list[list[list[str]]] = []
    marks: dict[int, str] = {}
    named = False
    for line in re.split(r"[\r\n\x1c\x0b]+", decoded(content)):
        if line.startswith("MSH"):
            marks, named = to_standard(line[3:8]), False
            head = line[4:].partition(line[3:4] or "|")[2].translate(marks)
            messages.append([["MSH", "|", STANDARD, *head.split("|")]])
        elif messages and line.strip():
            fields = line.translate(marks).split("|")
            if fields[0] == "PID" and named:  # results of the next person, in one message
                messages.append([])
            named |= fields[0] == "PID"
            messages[-1].append(fields)
    if not messages:
        raise CannotClean(Reason.HEADER_INVALID, "no message header", "HL7 v2 messages")
    return messages


def _field(fields: Sequence[str], number: int) -> str:
    return fields[number] if len(fields) > number else ""


def _segment(
    fields: list[str],
    allowed: dict[int, str],
    names: Names,
    known: Sequence[str],
    profile: Profile,
    actions: Actions,
) -> str:
    out = [fields[0]]
    for number, value in enumerate(fields[1:], 1):
        after = _after(allowed.get(number, ""), fields, value, names, known, profile)
        if value:
            done = "kept" if after == value else "changed" if after else "removed"
            actions[f"{fields[0]}-{number}", done] += 1
        out.append(after)
    if fields[0] == "MSH":
        out = ["MSH", *out[2:]]  # its first field is the separator itself
        out += [""] * (18 - len(out))
        out[17] = "UNICODE UTF-8"
    return "|".join(out).rstrip("|")


def _after(
    rule: str, fields: Sequence[str], value: str, names: Names, known: Sequence[str], profile: Profile
) -> str:
    match rule:
        case "s":
            return value if value == "|" else STANDARD
        case "k":
            return lab.coded(value, known, profile)
        case "u":
            return lab.unit(value, known, profile)
        case "r":
            return value if lab.is_unit(value, known, profile) else ""
        case "e":
            codes = "~".join(
                part.partition("^")[0] for part in value.split("~")
            )  # a flag, without its text and scheme
            return next((one for one in (value, codes) if PLAIN[rule].fullmatch(one)), "")
        case "i" | "b" | "m" | "y":
            return value if PLAIN[rule].fullmatch(value) and not tells(value) else ""
        case "p":
            return names.subject
        case "x":
            return folded_sex(value) if profile.characteristics else ""
        case "d":
            return lab.moved(value, names, profile)
        case "n":
            return pseudonym(names.key, "N", value) if value else ""
        case "t":
            return _text(value, names, known, profile)
        case "v":
            return _value(fields, value, names, known, profile)
    return ""


def _value(fields: Sequence[str], value: str, names: Names, known: Sequence[str], profile: Profile) -> str:
    """OBX-5 by its type."""
    kind = _field(fields, 2)
    if kind in ("NM", "SN"):
        unit = lab.unit(_field(fields, 6), known, profile)
        told = lab.figure(value, unit, known)
        return _capped(told, _field(fields, 6)) if _is_of(fields, AGES, AGE_WORDS) else told
    if kind in ("CE", "CWE", "CNE", "IS", "ID"):
        return lab.coded(value, known, profile)
    if kind in ("DT", "TS", "DTM"):
        return "" if _is_of(fields, BIRTHS, BIRTH_WORDS) else lab.moved(value, names, profile)
    if kind == "TM":
        return value if CLOCK.fullmatch(value) else ""
    return _text(value, names, known, profile) if kind in ("ST", "TX", "FT") else ""


def _is_of(fields: Sequence[str], codes: Sequence[str], words: re.Pattern[str]) -> bool:
    """Whether OBX-3 names such an observation, by its code or in words."""
    return any(part in codes or words.search(part) for part in _field(fields, 3).split("^"))


def _capped(value: str, unit: str) -> str:
    """An age in years as it may be stated: over 89 all are 90."""
    match = re.search(r"\d+", value)
    in_years = unit.partition("^")[0].casefold() in YEARS
    return str(OLDEST_STATED + 1) if match and in_years and int(match[0]) > OLDEST_STATED else value


def _text(value: str, names: Names, known: Sequence[str], profile: Profile) -> str:
    """A text as what its escape sequences stand for; a closed one a line at a time, a name may go over two lines."""
    text = unescaped(value)
    if profile.free_text == "removed":
        return escaped("\n".join(line if is_closed(line, known) else "" for line in text.split("\n")))
    out = lab.scrubbed(text, names, known, profile)
    flowing = out.replace("\n", " ")
    across = any(lab.identifiers(flowing, known, running=True))
    return escaped(lab.scrubbed(flowing, names, known, profile) if across else out)


def _is_closed_text(value: str, known: Sequence[str]) -> bool:
    return all(is_closed(line, known) for line in unescaped(value).split("\n") if line)


def _is_closed_place(
    name: str, number: int, rest: Sequence[str], value: str, known: Sequence[str], profile: Profile
) -> bool:
    """Whether a field is none of free text, or holds what a closed list holds."""
    rule = FIELDS.get(name, {}).get(number, "")
    if rule == "v" and _field(rest, 1) in ("NM", "SN"):
        return lab.is_figure(value)
    if rule == "t" or (rule == "v" and _field(rest, 1) in ("ST", "TX", "FT")):
        return profile.free_text == "scrubbed" or _is_closed_text(value, known)
    if rule == "k" or (rule == "v" and _field(rest, 1) in ("CE", "CWE", "CNE", "IS", "ID")):
        return lab.coded(value, known, profile) == value
    if rule in PLAIN:
        return bool(PLAIN[rule].fullmatch(value)) and not tells(value)
    return rule not in ("u", "r") or lab.is_unit(value, known, profile)


def _may_stand(name: str, number: int, value: str, known: Sequence[str]) -> bool:
    rule = FIELDS.get(name, {}).get(number, "")
    if rule in ("p", "n"):
        return bool(SUBJECT.fullmatch(value))
    if rule == "x":
        return value in ("F", "M")
    if rule == "d":
        return bool(lab.MOMENT.fullmatch(value))
    if rule == "s":
        return value in ("|", STANDARD)
    if rule == "c":
        return value == "UNICODE UTF-8"
    if rule in PLAIN:
        return bool(PLAIN[rule].fullmatch(value))
    return rule in ("k", "t", "u", "r", "v") and not any(
        lab.identifiers(unescaped(value).replace("\n", " "), known, running=rule in ("t", "v"))
    )
