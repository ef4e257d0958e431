"""Sections of an SCP-ECG record as they may leave: those that hold samples as they are, the first one tag by tag.

Sections 2 to 6 are cut where the standard's own counts end them, so that nothing stands behind tables, leads and
beats; each lead is cut where its samples end. The tags of section 1 that stay are listed; all others, the texts of
interpretation, the measurements and what vendors add (7 to 11, from 200 on) go.

References
----------
EN 1064:2005+A1:2007 (ISO/IEEE 11073-91064), 5.3 to 5.9, tags of section 1 in 5.4.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from medassay.core.findings import Reason
from medassay.datasets.deidentify.dicom import shifted
from medassay.datasets.deidentify.facts import Facts, folded_birth
from medassay.datasets.deidentify.outgoing import Actions, CannotClean
from medassay.datasets.deidentify.profile import Profile
from medassay.datasets.sample import Names
from medassay.formats.waveform.scp_ecg import LEADS, Opened
from medassay.formats.waveform.scp_huffman import DEFAULT, EcgUnreadable, Table, decoded

LAST_NAME, FIRST_NAME, IDENTITY, SECOND_NAME, AGE, BIRTH, HEIGHT, WEIGHT, SEX = 0, 1, 2, 3, 4, 5, 6, 7, 8
SYSTOLIC, DIASTOLIC, MACHINE, DAY, TIME = 11, 12, 14, 25, 26
HIGH_PASS, LOW_PASS, FILTERS, ELECTRODES, ZONE = 27, 28, 29, 33, 34
END = b"\xff\x00\x00"
OLDEST = 89
YEARS = {1: 1.0, 2: 1 / 12, 3: 7 / 365.25, 4: 1 / 365.25, 5: 1 / 8766}  # years in a unit of age
SEXES = {1: "M", 2: "F"}
# Largest number of a tag of two bytes: mmHg, hundredths of a hertz, hertz.
NUMBERS = {SYSTOLIC: 400, DIASTOLIC: 400, HIGH_PASS: 10_000, LOW_PASS: 10_000}
# Largest number of a tag with a unit: cm, inch, mm; kg, g, pound, ounce.
BODY = {HEIGHT: {1: 300, 2: 120, 3: 3000}, WEIGHT: {1: 600, 2: 60_000, 3: 1300, 4: 20_000}}
ZONES = range(-840, 841)  # minutes
SMALL = 0x20  # a number below is no letter
FARTHEST = (SMALL << 16) - 1  # sample: 35 minutes at 1000 Hz
COMPATIBLE = (0xA0, 0xB0, 0xC0, 0xD0)
SUBJECT = re.compile(rb"S-[0-9a-f]{16}\x00")
NO_TEXTS = b"\x01" + bytes(5)  # the length of an empty revision, its end, and four more empty texts


@dataclass(frozen=True)
class Told:
    """Tags of section 1, each as it first stands; of a repeated tag the first one counts."""

    values: Mapping[int, bytes]

    def text(self, tag: int) -> str:
        raw = self.values.get(tag, b"").split(b"\x00")[0].strip()
        for codec in ("utf-8", "gb18030"):
            try:
                return raw.decode(codec)
            except UnicodeDecodeError:
                continue
        return raw.decode("latin-1")


def facts_of(told: Told) -> Facts:
    """Who section 1 names."""
    names = [told.text(tag) for tag in (LAST_NAME, FIRST_NAME)]
    both = (" ".join(filter(None, names)), " ".join(filter(None, reversed(names))))
    spelt = (*both, "".join(names), told.text(SECOND_NAME))
    birth = told.values.get(BIRTH, b"")
    day = struct.unpack("<HBB", birth) if len(birth) == 4 else (0, 0, 0)
    return Facts(
        (told.text(IDENTITY),) if told.text(IDENTITY) else (),
        tuple(dict.fromkeys(name for name in spelt if name)),
        folded_birth(f"{day[0]:04d}{day[1]:02d}{day[2]:02d}"),
        SEXES.get(told.values.get(SEX, b"\x00")[0] if told.values.get(SEX) else 0, ""),
    )


def clean(told: Told, names: Names, profile: Profile, actions: Actions) -> bytes:
    """Section 1 anew: tags of the list, the subject for the identification."""
    out = {IDENTITY: names.subject.encode() + b"\x00"}
    for tag, value in told.values.items():
        after = _after(tag, value, names, profile)
        if after:
            out[tag] = after
        place = f"section 1, tag {tag}"
        if tag == IDENTITY:
            actions[place, "changed"] += 1
        elif value.strip(b"\x00"):
            actions[place, "kept" if after == value else "changed" if after else "removed"] += 1
    out.setdefault(MACHINE, _machine(b""))
    return (
        b"".join(bytes((tag,)) + len(out[tag]).to_bytes(2, "little") + out[tag] for tag in sorted(out)) + END
    )


def strangers(raw: bytes, profile: Profile) -> list[str]:
    """Places of section 1 that the list does not hold: tags twice or out of order, values of no form, bytes behind."""
    found, at, last = [], 0, -1
    while raw[at : at + 1] not in (b"", b"\xff"):
        tag, size = raw[at], int.from_bytes(raw[at + 1 : at + 3], "little")
        value = raw[at + 3 : at + 3 + size]
        if tag <= last or len(value) != size or not _stands(tag, value, profile):
            found.append(f"section 1, tag {tag}")
        at, last = at + 3 + size, tag
    if raw[at:].rstrip(b"\x00") != END[:1] or len(raw) - at > len(END) + 1:
        found.append("section 1")
    return found


def _after(tag: int, value: bytes, names: Names, profile: Profile) -> bytes:
    if tag == MACHINE:
        return _machine(value)
    if tag == DAY:
        return _moved(value, names, profile)
    if tag == AGE and len(value) == 3 and profile.characteristics:
        number, unit = struct.unpack("<HB", value)
        return struct.pack("<HB", OLDEST + 1, 1) if number * YEARS.get(unit, 0) > OLDEST else _if_age(value)
    if tag == ZONE:
        return value[:2] + bytes(3) if len(value) >= 2 and _is_zone(value) else b""
    return value if tag != IDENTITY and _stands(tag, value, profile) else b""


def _stands(tag: int, value: bytes, profile: Profile) -> bool:
    """Whether the value of a tag may stand as it is."""
    if tag == IDENTITY:
        return bool(SUBJECT.fullmatch(value))
    if tag == MACHINE:
        return value == _machine(value)
    if tag == DAY:
        return bool(_day(value)) and profile.dates == "shifted"
    if tag == TIME:
        return len(value) == 3 and value[0] < 24 and value[1] < 60 and value[2] < 60
    if tag == ZONE:
        return len(value) == 5 and _is_zone(value) and not any(value[2:])
    if tag in NUMBERS:
        return len(value) == 2 and int.from_bytes(value, "little") <= NUMBERS[tag]
    if tag == FILTERS:
        return len(value) == 1
    if tag == ELECTRODES:
        return len(value) == 2 and max(value) < SMALL
    return profile.characteristics and _tells_a_body(tag, value)


def _tells_a_body(tag: int, value: bytes) -> bool:
    if tag == SEX:
        return len(value) == 1 and value[0] in (0, 1, 2, 9)
    if tag == AGE:
        return bool(_if_age(value)) and struct.unpack("<HB", value)[0] * YEARS[value[2]] <= OLDEST + 1
    if tag in BODY and len(value) == 3:
        number, unit = struct.unpack("<HB", value)
        return bool(0 < number <= BODY[tag].get(unit, 0))
    return False


def _if_age(value: bytes) -> bytes:
    return value if len(value) == 3 and value[2] in YEARS and any(value[:2]) else b""


def _is_zone(value: bytes) -> bool:
    return int.from_bytes(value[:2], "little", signed=True) in ZONES


def _day(value: bytes) -> str:
    """YYYYMMDD; empty where it is none."""
    if len(value) != 4:
        return ""
    text = "{:04d}{:02d}{:02d}".format(*struct.unpack("<HBB", value))
    return text if shifted(text, 0) else ""


def _moved(value: bytes, names: Names, profile: Profile) -> bytes:
    day = shifted(_day(value), names.date_shift_days) if profile.dates == "shifted" else ""
    return struct.pack("<HBB", int(day[:4]), int(day[4:6]), int(day[6:])) if day else b""


def _machine(value: bytes) -> bytes:
    """What tag 14 has to hold: kind, maker's number, revision, class and mains; no number or text of the device."""
    raw = value.ljust(19, b"\x00")
    kind = raw[6] if raw[6] in (0, 1) else 0
    maker = raw[7] if raw[7] < SMALL or raw[7] == 0xFF else 0xFF
    revision = raw[14] if raw[14] < SMALL else 0
    compatible = raw[15] if raw[15] < SMALL or raw[15] in COMPATIBLE else 0
    mains = raw[18] if raw[18] in (0, 1, 2) else 0
    numbers = bytes((revision, compatible, 0, raw[17] & 0xF0, mains))
    return bytes(6) + bytes((kind, maker)) + bytes(6) + numbers + bytes(16) + NO_TEXTS


def samples_of(opened: Opened) -> dict[int, bytes]:
    """The data of sections 2 to 6 as far as the standard's own counts go: all that samples are made of.

    Raises
    ------
    EcgUnreadable, CannotClean
        When a section ends early, or its samples cannot be decoded.
    """
    if opened.rhythm.bimodal:
        raise CannotClean(
            Reason.UNSUPPORTED_FORM, "bimodal compression", "rhythm data at one rate", "section 6"
        )
    leads = opened.leads
    out = {3: _placed(opened)}
    if 2 in opened.sections:
        out[2] = _tables(opened.data(2))
    out[6] = _coded(opened, 6, [lead.length for lead in leads])
    beats = _beats(opened.data(4)) if 4 in opened.sections else b""
    if beats and 5 in opened.sections:
        try:
            size = round(int.from_bytes(beats[:2], "little") * 1000 / opened.beat.interval_us)
            out[5] = _coded(opened, 5, [size] * len(leads))
        except EcgUnreadable:
            if opened.subtracted:
                raise
    if beats:
        out[4] = beats
    return dict(sorted(out.items()))


def _placed(opened: Opened) -> bytes:
    """Section 3: leads by codes of the list, 0 for another, and places that no four letters are."""
    head = opened.data(3)[:2]
    if any(max(lead.first, lead.last) > FARTHEST for lead in opened.leads):
        raise CannotClean(
            Reason.VALUE_IMPLAUSIBLE, "samples beyond any recording", f"at most {FARTHEST}", "section 3"
        )
    return head + b"".join(
        struct.pack("<IIB", lead.first, lead.last, lead.code if lead.code in LEADS else 0)
        for lead in opened.leads
    )


def _tables(raw: bytes) -> bytes:
    count = int.from_bytes(raw[:2], "little")
    at = 2
    for _ in range(0 if count == DEFAULT else count):
        at += 2 + 9 * int.from_bytes(raw[at : at + 2], "little")
    return raw[:at]


def _beats(raw: bytes) -> bytes:
    count = int.from_bytes(raw[4:6], "little")
    if len(raw) < 6 + 14 * count:
        raise CannotClean(Reason.TRUNCATED, "beats without places", "all", "section 4")
    rows = list(struct.iter_unpack("<HIII", raw[6 : 6 + 14 * count]))
    if any(kind >= SMALL or max(places) > FARTHEST for kind, *places in rows):
        raise CannotClean(
            Reason.VALUE_IMPLAUSIBLE, "beats beyond any recording", f"at most {FARTHEST}", "section 4"
        )
    return raw[: 6 + 14 * count]


def _coded(opened: Opened, section: int, counts: Sequence[int]) -> bytes:
    """Section 5 or 6 with each lead cut where its samples end."""
    coded = opened.rhythm if section == 6 else opened.beat
    leads = [_cut(raw, opened.tables, count) for raw, count in zip(coded.leads, counts, strict=True)]
    head = struct.pack("<HHBB", coded.nanovolts, coded.interval_us, coded.encoding, 0)
    return head + b"".join(len(lead).to_bytes(2, "little") for lead in leads) + b"".join(leads)


def _cut(raw: bytes, tables: Sequence[Table], count: int) -> bytes:
    """A lead's bytes up to the last bit of its samples; what fills up the byte and the word behind it is zero."""
    if not 0 < count <= 8 * max(len(raw), 1):
        raise _short(count)
    if not tables:
        if len(raw) < 2 * count:
            raise _short(count)
        return raw[: 2 * count]
    _, bits = decoded(raw, tables, count)
    used = (bits + 7) // 8
    last = raw[used - 1] & 0xFF << -bits % 8 & 0xFF
    behind = min(len(raw) - used, 1) if len(raw) <= used + 1 else used % 2
    return raw[: used - 1] + bytes((last,)) + bytes(behind)


def _short(count: int) -> CannotClean:
    return CannotClean(Reason.TRUNCATED, f"a lead without its {count} samples", "all of them", "section 6")
