"""ASTM E1394 messages of analysers: records and fields on a list stay, the person becomes the subject, the rest goes.

What leaves are bare records in the delimiters of the standard: frames belong to the line, and their sums are held to
the bytes before anything of them is read.

References
----------
ASTM E1394-97 (CLSI LIS2-A2), 6 to 15; E1381-02 (CLSI LIS1-A) for the frames.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from medassay.core.findings import Finding, Reason
from medassay.datasets.deidentify import laboratory_fields as lab
from medassay.datasets.deidentify.closed_text import is_closed
from medassay.datasets.deidentify.facts import Facts, folded_birth, folded_sex
from medassay.datasets.deidentify.outgoing import Actions, CannotClean, Outgoing, left
from medassay.datasets.deidentify.profile import Profile
from medassay.datasets.identity import PSEUDONYM, pseudonym
from medassay.datasets.sample import Names
from medassay.formats.ivd import astm

HEADER = r"H|\^&"
# Fields that stay, by record, numbered as the standard does (the type of the record is the first): i a number in a row,
# k a test by its codes and words, v a value, u a unit, r a range, d dates and times, t a comment (closed words,
# whatever the profile: an analyser's are codes), n a number of a sample (a pseudonym takes its place), p the person,
# x sex, g a figure of a body; the others are codes, below.
FIELDS: Mapping[str, Mapping[int, str]] = {
    "H": {12: "processing", 13: "version", 14: "d"},
    "P": {2: "i", 3: "p", 9: "x", 17: "g", 18: "g"},
    "O": {
        2: "i", 3: "n", 4: "n", 5: "k", 6: "priority", 7: "d", 8: "d", 9: "d", 10: "v", 12: "action", 15: "d", 16: "k",
        23: "d", 26: "report",
    },
    "R": {2: "i", 3: "k", 4: "v", 5: "u", 6: "r", 7: "flag", 8: "nature", 9: "status", 10: "d", 12: "d", 13: "d"},
    "C": {2: "i", 3: "source", 4: "t", 5: "comment"},
    "Q": {2: "i", 3: "n", 4: "n", 5: "k", 6: "nature", 7: "d", 8: "d", 13: "status"},
    "L": {2: "i", 3: "termination"},
}  # fmt: skip
CODES = {  # fields that hold codes of the standard's own
    "i": re.compile(r"\d{1,4}"),
    "processing": re.compile(r"[PTDQ]"),
    "version": re.compile(r"1|E?1394-9[17]|LIS2-A2?"),
    "priority": re.compile(r"[SARCPU]"),
    "action": re.compile(r"[CANPLXQR]"),
    "report": re.compile(r"[OCPFXIYZQV]"),
    "flag": re.compile(r"(H|L|HH|LL|N|A|AA|U|D|B|W|<|>)(\\(H|L|HH|LL|N|A|AA|U|D|B|W|<|>)){0,2}"),
    "nature": re.compile(r"[ASRN]{1,3}"),
    "status": re.compile(r"[CPFXISMRNQVWAD]"),
    "source": re.compile(r"[PLI]"),
    "comment": re.compile(r"[GTPNI]"),
    "termination": re.compile(r"[NTREQIF]"),
    "x": re.compile(r"[FM]"),
    "g": re.compile(r"\d{1,3}(\.\d{1,2})?"),
}
PERSON = (3, 4, 5)  # numbers of the patient: at the practice, in the laboratory, a third
MOVED = re.compile(r"\d{8}(\d{4}(\d\d)?)?")
PARTS = re.compile(r"[\\^]")


@dataclass(frozen=True)
class _Scope:
    """Records of one person: those before the first patient belong to it too."""

    records: tuple[tuple[str, ...], ...]
    component: str
    repeat: str
    alone: bool  # no other person stands in the message

    @property
    def patient(self) -> tuple[str, ...]:
        return next((record for record in self.records if record[0] == "P"), ())


def recognises(head: bytes) -> bool:
    """A header record, bare or in a frame."""
    return astm.recognises(head)


def facts_of(content: bytes) -> list[Facts]:
    """The person of each patient record, in order; a message without one tells of nobody."""
    return [_facts(scope) for scope in _scopes(content)]


def clean(content: bytes, who: Sequence[Names], known: Sequence[str], profile: Profile) -> Outgoing:
    """The messages with nobody in them, as UTF-8.

    Parameters
    ----------
    who : sequence of Names
        The subject of each patient record, in order.

    Raises
    ------
    CannotClean
        When frames are damaged or missing: nothing of them would be told once their sums are gone.
    """
    actions: Actions = Counter()
    out: list[str] = []
    for scope, names in zip(_scopes(content), who, strict=True):
        for record in scope.records:
            rules = FIELDS.get(record[0])
            if rules is None:
                told = record[0] if record[0] in astm.RECORDS else "of no name"
                actions[f"record {told}", "removed"] += 1
                continue
            out.append(_record(record, rules, scope, names, known, profile, actions))
    return Outgoing((("messages.astm", ("\r".join(out) + "\r").encode("utf-8")),), actions)


def prove(content: bytes, bulk: Mapping[str, str], known: Sequence[str], profile: Profile) -> list[Finding]:  # noqa: ARG001 - every proof of an exported form is given the digests
    """Read the lines again: listed fields only, subjects under their pseudonyms, texts as the profile has them."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return [left("encoding", "bytes that are no UTF-8")]
    found = []
    for line in text.removesuffix("\r").split("\r"):
        name, *fields = line.split("|")
        if name == "H" and not (line == HEADER or line.startswith(HEADER + "|")):
            found.append(left("H-2", "delimiters of another kind"))
        for number, value in enumerate(fields, 2):
            header = (name, number) == ("H", 2)
            if value and not header and not _may_stand(_rule(name, number), fields, value, known, profile):
                found.append(left(_place(name, number), "a field or value that the allow-list does not hold"))
    return found


def searched(content: bytes) -> bytes:
    """What is searched for names: all of it."""
    return content


def _scopes(content: bytes) -> list[_Scope]:
    sent = astm.open(content)
    if sent.sums_wrong or sent.out_of_order:
        told = f"{sent.sums_wrong} frames with a wrong check sum, {sent.out_of_order} out of their order"
        raise CannotClean(Reason.CHECKSUM_WRONG, told, "frames as they were sent", "frames")
    found = []
    for message in sent.messages:
        starts = [at for at, record in enumerate(message.records) if record[0] == "P"][1:]
        edges = [0, *starts, len(message.records)]
        for begin, end in pairwise(edges):
            found.append(
                _Scope(message.records[begin:end], message.component, message.repeat, alone=not starts)
            )
    return found


def _tells_somebody(patient: Sequence[str]) -> bool:
    return any(_field(patient, number).strip("^\\ ") for number in (*PERSON, 6, 8))


def _facts(scope: _Scope) -> Facts:
    told = [_field(scope.patient, number) for number in PERSON]
    parts = [
        part.strip()
        for field in told
        for part in re.split(f"[{re.escape(scope.component + scope.repeat)}]", field)
    ]
    each = [part.strip() for part in _field(scope.patient, 6).split(scope.component) if part.strip()]
    names = [" ".join(each[:2]), " ".join(reversed(each[:2])), "".join(each[:2]), each[0]] if each else []
    return Facts(
        tuple(dict.fromkeys(part for part in parts if part)),
        tuple(dict.fromkeys(names)),
        folded_birth(_field(scope.patient, 8).split(scope.component)[0]),
        folded_sex(_field(scope.patient, 9)),
    )


def _field(record: Sequence[str], number: int) -> str:
    return record[number - 1] if len(record) >= number else ""


def _record(
    record: tuple[str, ...],
    rules: Mapping[int, str],
    scope: _Scope,
    names: Names,
    known: Sequence[str],
    profile: Profile,
    actions: Actions,
) -> str:
    out = [record[0]]
    for number in range(2, max(len(record), 3) + 1):
        value = _field(record, number).strip()
        value = value if value.strip(f"{scope.component}{scope.repeat} ") else ""
        rule = rules.get(number, "")
        if record[0] == "H" and (number == 2 or (rule == "d" and not scope.alone)):
            rule = ""  # the delimiters are written anew; a message of several people is of no one's time
        after = _after(rule, record, _plain(value, scope), names, known, profile) if value else ""
        if (record[0], number) == ("H", 2):
            after = HEADER[2:]
        elif (record[0], number) == ("P", 3):
            after = names.subject if _tells_somebody(record) else ""
        if value and (record[0], number) != ("H", 2):
            same = after == _plain(value, scope)
            actions[_place(record[0], number), "kept" if same else "changed" if after else "removed"] += 1
        out.append(after)
    return "|".join(out).rstrip("|")


def _plain(value: str, scope: _Scope) -> str:
    """A field in the delimiters of the standard; what is one of these and was none in the source is a space."""
    kept = {scope.component: "^", scope.repeat: "\\"}
    return "".join(kept.get(letter, " " if letter in "|\\^" else letter) for letter in value)


def _after(
    rule: str, record: Sequence[str], value: str, names: Names, known: Sequence[str], profile: Profile
) -> str:
    if rule == "n":
        return pseudonym(names.key, "N", value) if value.strip("^\\ ") else ""
    if rule == "x":
        return folded_sex(value) if profile.characteristics else ""
    if rule == "g" and not profile.characteristics:
        return ""
    if rule == "d":
        moved = lab.moved(value, names, profile)
        return moved if MOVED.fullmatch(moved) else ""
    if rule == "t":
        text = PARTS.sub(" ", value)
        return text if is_closed(text, known) else ""
    if rule in ("k", "v", "r", "u"):
        unit = _field(record, 5) if record[0] == "R" and rule == "v" else ""
        return _parts(value, lambda part: part if _part_stands(rule, part, unit, known, profile) else "")
    # A status by its first letter and a flag without its text, as readers take them: a result that was not final
    # must not become one that says nothing.
    shorter = (value, value[:1] if rule == "status" else PARTS.split(value)[0])
    return next((one for one in shorter if rule in CODES and CODES[rule].fullmatch(one)), "")


def _parts(value: str, keep: Callable[[str], str]) -> str:
    """Each component and repeat as `keep` has it; delimiters stay between them, and none at the end."""
    out = re.sub(r"[^\\^]+", lambda match: keep(match[0].strip()), value)
    return out.rstrip("^\\")


def _part_stands(rule: str, part: str, unit: str, known: Sequence[str], profile: Profile) -> bool:
    """Whether one component may stand: a value, a unit, a range, or a code or name of a test."""
    if rule == "v":
        told = lab.figure(part, unit, known) or lab.grade(part)
        return bool(told) or lab.is_words(part, known, profile)
    if rule == "u":
        return lab.is_measure(part, known, profile)
    if rule == "r":
        return lab.is_unit(part, known, profile)
    return lab.is_code_or_item(part, known, profile)


def _rule(name: str, number: int) -> str:
    return FIELDS.get(name, {}).get(number, "")


def _place(name: str, number: int) -> str:
    return f"{name if name in FIELDS else 'record'}-{number}"


def _may_stand(rule: str, fields: Sequence[str], value: str, known: Sequence[str], profile: Profile) -> bool:
    """Whether a value of the output is one that its field may have."""
    if rule in ("p", "n"):
        return bool(PSEUDONYM.fullmatch(value)) and value.startswith("S" if rule == "p" else "N")
    if rule == "d":
        return bool(MOVED.fullmatch(value)) and profile.dates == "shifted"
    if rule == "t":
        return is_closed(value, known)
    if rule in ("k", "v", "r", "u"):
        unit = fields[3] if rule == "v" and len(fields) > 3 else ""
        return all(_part_stands(rule, part, unit, known, profile) for part in _told(value))
    return rule in CODES and bool(CODES[rule].fullmatch(value))


def _told(value: str) -> Iterator[str]:
    yield from (part for part in PARTS.split(value) if part)
