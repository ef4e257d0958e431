"""SCP-ECG records: the sections that hold samples as they are, the person's anew, all others gone.

Pointers, lengths and checks are written anew. The proof walks the record byte by byte: nothing stands between
sections, none is there that the list lacks, and samples are those that were read.

References
----------
EN 1064:2005+A1:2007 (ISO/IEEE 11073-91064), 5.2 (checks, section headers, pointers).
"""

from __future__ import annotations

import binascii
import struct
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from medassay.core.canonical import digest_bytes
from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity
from medassay.datasets.deidentify import scp_sections
from medassay.datasets.deidentify.facts import Facts
from medassay.datasets.deidentify.outgoing import Actions, CannotClean, Outgoing, left
from medassay.datasets.deidentify.profile import Profile
from medassay.datasets.sample import Names, Refused
from medassay.formats.waveform import scp_ecg

PERSON, LAST = 1, 6  # sections: the person's; the last that may stand
POINTERS = 12  # that the standard asks for: sections 0 to 11
NAMED = b"SCPECG"  # in the header of the pointer section
HEADER = struct.Struct("<HHIBB6s")  # check, section, length, version, protocol, reserved
SAMPLES = "samples"


def recognises(head: bytes) -> bool:
    """A pointer section that points at itself."""
    return scp_ecg.recognises(head)


def facts_of(content: bytes) -> list[Facts]:
    """Who section 1 names."""
    return [scp_sections.facts_of(_told(scp_ecg.open(content)))]


def clean(content: bytes, who: Sequence[Names], known: Sequence[str], profile: Profile) -> Outgoing:  # noqa: ARG001 - no text is kept that could name somebody
    """The record with nobody in it.

    Raises
    ------
    CannotClean, EcgUnreadable
        When the record is damaged, or its samples cannot be told from other bytes.
    """
    opened = scp_ecg.open(content)
    _require_whole(opened)
    actions: Actions = Counter()
    samples = scp_sections.samples_of(opened)
    sections = {PERSON: scp_sections.clean(_told(opened), who[0], profile, actions), **samples}
    for number in sorted(opened.sections):
        if number == 0 or number == PERSON:
            continue
        place = f"section {number if number <= POINTERS - 1 else 'of another number'}"
        kept = number in sections and opened.data(number).rstrip(b"\x00") == sections[number].rstrip(b"\x00")
        actions[place, "kept" if kept else "changed" if number in sections else "removed"] += 1
    out = _written(sections, {number: _versions(opened, number) for number in (0, *sections)})
    return Outgoing((("recording.scp", out),), actions, {SAMPLES: _digest(samples)})


def prove(content: bytes, bulk: Mapping[str, str], known: Sequence[str], profile: Profile) -> list[Finding]:  # noqa: ARG001 - every proof of an exported form is given the names
    """Walk the record again: sections of the list one behind the other, tags in their forms, samples as read."""
    try:
        found = list(_strangers(content, bulk, profile))
    except (WrongUse, Refused, struct.error, IndexError) as error:
        return [left("record", f"bytes that cannot be followed ({type(error).__name__})")]
    return [left(place, "something that the allow-list does not hold") for place in dict.fromkeys(found)]


def searched(content: bytes) -> bytes:
    """What is searched for names: all but samples."""
    opened = scp_ecg.open(content)
    first = min(at for number, (at, _) in opened.sections.items() if number > PERSON)
    return content[:first]


def _told(opened: scp_ecg.Opened) -> scp_sections.Told:
    values: dict[int, bytes] = {}
    for tag, value in scp_ecg.tags(opened.data(PERSON)):
        values.setdefault(tag, value)
    return scp_sections.Told(values)


def _require_whole(opened: scp_ecg.Opened) -> None:
    """A check that does not fit is not written anew: it would make damaged bytes look whole."""
    for finding in scp_ecg.checksums(opened):
        if finding.reason is Reason.CHECKSUM_WRONG and finding.severity is Severity.REFUSE:
            raise CannotClean(finding.reason, finding.found, finding.wanted, finding.where)


def _versions(opened: scp_ecg.Opened, number: int) -> tuple[int, int]:
    """Version and protocol of a section, where they are numbers that no letter is."""
    at, _ = opened.sections.get(number, (scp_ecg.PREAMBLE, 0))
    version, protocol = opened.content[at + 8], opened.content[at + 9]
    return (
        version if version < scp_sections.SMALL else 0,
        protocol if protocol < scp_sections.SMALL else 0,
    )


def _written(sections: Mapping[int, bytes], versions: Mapping[int, tuple[int, int]]) -> bytes:
    """The record of these sections, its pointers, lengths and checks anew."""
    places: dict[int, tuple[int, int]] = {}
    length = HEADER.size + POINTERS * scp_ecg.POINTER.size
    at = scp_ecg.PREAMBLE + length
    for number, data in sorted(sections.items()):
        size = HEADER.size + len(_even(data))
        places[number] = (at, size)
        at += size
    places[0] = (scp_ecg.PREAMBLE, length)
    pointers = b"".join(
        scp_ecg.POINTER.pack(number, places[number][1], places[number][0] + 1)
        if number in places
        else scp_ecg.POINTER.pack(number, 0, 0)
        for number in range(POINTERS)
    )
    body = _section(0, pointers, versions[0], NAMED)
    for number, data in sorted(sections.items()):
        body += _section(number, _even(data), versions[number], bytes(6))
    record = (len(body) + scp_ecg.PREAMBLE).to_bytes(4, "little") + body
    return binascii.crc_hqx(record, 0xFFFF).to_bytes(2, "little") + record


def _section(number: int, data: bytes, versions: tuple[int, int], reserved: bytes) -> bytes:
    rest = HEADER.pack(0, number, HEADER.size + len(data), *versions, reserved)[2:] + data
    return binascii.crc_hqx(rest, 0xFFFF).to_bytes(2, "little") + rest


def _strangers(content: bytes, bulk: Mapping[str, str], profile: Profile) -> Iterator[str]:
    opened = scp_ecg.open(content)
    samples = scp_sections.samples_of(opened)
    if _digest(samples) != bulk.get(SAMPLES):
        yield "samples"
    at, last = scp_ecg.PREAMBLE, -1
    while at < len(content):
        check, number, length, version, protocol, reserved = HEADER.unpack_from(content, at)
        place = f"section {number}"
        data = content[at + HEADER.size : at + length]
        if not last < number <= LAST or opened.sections.get(number) != (at, length):
            yield place
        if check != binascii.crc_hqx(content[at + 2 : at + length], 0xFFFF):
            yield place
        if max(version, protocol) >= scp_sections.SMALL or reserved != (bytes(6) if number else NAMED):
            yield f"{place}, header"
        if number == PERSON:
            yield from scp_sections.strangers(data, profile)
        elif number and data != _even(samples.get(number, b"")):
            yield place
        at, last = at + max(length, HEADER.size), number
    pointers = opened.data(0)
    if len(pointers) != POINTERS * scp_ecg.POINTER.size or set(opened.sections) != {0, PERSON, *samples}:
        yield "section 0"
    told = list(scp_ecg.POINTER.iter_unpack(pointers))
    if [number for number, _, _ in told] != list(range(POINTERS)):
        yield "section 0"
    if any((size or at) and number not in opened.sections for number, size, at in told):
        yield "section 0"
    length = len(content).to_bytes(4, "little")
    if content[:6] != binascii.crc_hqx(content[2:], 0xFFFF).to_bytes(2, "little") + length:
        yield "record"


def _even(data: bytes) -> bytes:
    """Sections have an even number of bytes."""
    return data + bytes(len(data) % 2)


def _digest(samples: Mapping[int, bytes]) -> str:
    """SHA-256 over all that samples are made of, section by section."""
    return digest_bytes(b"".join(bytes((number,)) + data for number, data in sorted(samples.items())))
