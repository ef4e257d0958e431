"""SCP-ECG: sections with checksums, rhythm data in any of the standard's codes, reference beat added back.

Bimodal compression, which thins out what lies between the beats, is refused: what was thinned is gone.

References
----------
EN 1064:2005+A1:2007 (ISO/IEEE 11073-91064), sections 0 to 6 and annex C.
"""

from __future__ import annotations

import binascii
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.waveform import modality
from medassay.formats.waveform.content import FileBytes, Source, content_of
from medassay.formats.waveform.scp_huffman import (
    SECOND_DIFFERENCES,
    EcgUnreadable,
    IntArray,
    Table,
    decode,
    integrated,
    tables_of,
)
from medassay.formats.waveform.series import FloatArray, Series, window

STANDARD = "EN 1064"
LARGEST = 1 << 26
PREAMBLE, SECTION_HEADER = 6, 16
POINTER = struct.Struct("<HII")  # section, length, byte at which it begins, counted from 1
LEADS = {
    1: "I", 2: "II", 3: "V1", 4: "V2", 5: "V3", 6: "V4", 7: "V5", 8: "V6", 9: "V7", 10: "V2R", 11: "V3R",
    12: "V4R", 13: "V5R", 14: "V6R", 15: "V7R", 16: "X", 17: "Y", 18: "Z", 19: "CC5", 20: "CM5", 61: "III",
    62: "aVR", 63: "aVL", 64: "aVF", 65: "-aVR", 66: "V8", 67: "V9", 68: "V8R", 69: "V9R",
}  # fmt: skip
_NAMES = (0, 1, 2, 3, 31)  # tags of section 1: last and first name, identification, second name, history


@dataclass(frozen=True)
class Lead:
    """One line of section 3; samples are counted from 1."""

    first: int
    last: int
    code: int

    @property
    def name(self) -> str:
        return LEADS.get(self.code, f"lead {self.code}")

    @property
    def length(self) -> int:
        """Samples; some writers count from 0 and mean the last one as the end."""
        return self.last - self.first + (1 if self.first else 0)


@dataclass(frozen=True)
class Coded:
    """Section 5 or 6: coded samples of each lead."""

    nanovolts: int  # of a step
    interval_us: int
    encoding: int
    bimodal: bool
    leads: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True)
class Beat:
    """A zone from which the reference beat was subtracted; samples are counted from 1."""

    first: int
    fiducial: int
    last: int


@dataclass(frozen=True)
class Opened:
    """A record whose section directory was read. `content` may identify."""

    content: bytes = field(repr=False)
    sections: Mapping[int, tuple[int, int]]  # byte at which each begins, and its length

    def data(self, section: int) -> bytes:
        """What stands behind a section's header; empty where it is not there."""
        begin, length = self.sections.get(section, (0, 0))
        return self.content[begin + SECTION_HEADER : begin + length]

    @cached_property
    def leads(self) -> tuple[Lead, ...]:
        raw = self.data(3)
        count = raw[0] if raw else 0
        if not count or len(raw) < 2 + 9 * count:
            raise EcgUnreadable(
                Reason.CHANNEL_MISSING,
                found="no lead",
                wanted="leads, each with its samples",
                where="section 3",
            )
        return tuple(Lead(*row) for row in struct.iter_unpack("<IIB", raw[2 : 2 + 9 * count]))

    @cached_property
    def rhythm(self) -> Coded:
        return _coded(self, 6)

    @cached_property
    def beat(self) -> Coded:
        return _coded(self, 5)

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """Huffman tables; none: samples are stored in 16 bits."""
        return tables_of(self.data(2)) if 2 in self.sections else ()

    @property
    def subtracted(self) -> bool:
        """Whether a reference beat has to be added back."""
        return bool(self.data(3)[1] & 1) and 4 in self.sections and 5 in self.sections

    @property
    def rate_hz(self) -> float:
        return 1e6 / self.rhythm.interval_us

    @property
    def names_a_person(self) -> bool:
        """Whether section 1 tells a name or an identification."""
        return any(tag in _NAMES and value.strip(b"\x00 ") for tag, value in tags(self.data(1)))


def recognises(head: bytes) -> bool:
    """Whether these first bytes are a record's: a pointer section that points at itself."""
    if len(head) < 32:
        return False
    length, identity, pointed, at = (
        int.from_bytes(head[10:14], "little"), int.from_bytes(head[8:10], "little"),
        int.from_bytes(head[24:28], "little"), int.from_bytes(head[28:32], "little"),
    )  # fmt: skip
    named = head[16:22] in (b"SCPECG", b"SCPEGC")
    own = pointed == length and at == PREAMBLE + 1 and head[22:24] == b"\x00\x00"
    return identity == 0 and 16 + 10 <= length <= 16 + 10 * 1000 and (named or own)


def open(source: Source | FileBytes) -> Opened:
    """Read the section directory.

    Raises
    ------
    EcgUnreadable
        When there is none, or it points outside the record.
    """
    content = content_of(source)
    if len(content) > LARGEST:
        found = f"{len(content)} bytes"
        raise EcgUnreadable(Reason.LIMIT_EXCEEDED, found=found, wanted=f"at most {LARGEST}")
    raw = content[:]
    if not recognises(raw[:64]):
        raise EcgUnreadable(Reason.HEADER_INVALID, found="no pointer section", wanted="one at its start")
    length = int.from_bytes(raw[10:14], "little")
    begin = PREAMBLE + SECTION_HEADER
    table = raw[begin : begin + (length - SECTION_HEADER) // POINTER.size * POINTER.size]
    if len(table) % POINTER.size:
        raise EcgUnreadable(Reason.TRUNCATED, found="a pointer section that ends early", wanted="all of it")
    sections = {number: (at - 1, size) for number, size, at in POINTER.iter_unpack(table) if size and at}
    outside = [n for n, (at, size) in sections.items() if at + size > len(raw) or size < SECTION_HEADER]
    if outside:
        raise EcgUnreadable(
            Reason.TRUNCATED,
            found=f"{len(outside)} sections that lie beyond the end of the file",
            wanted="a whole record",
        )
    return Opened(raw, sections)


def examine(opened: Opened) -> Iterator[Finding]:
    """Everything that is wrong with a record."""
    yield from checksums(opened)
    try:
        leads, rhythm = opened.leads, opened.rhythm
    except EcgUnreadable as error:
        yield _refused(error)
        return
    if rhythm.bimodal:
        found, wanted = "bimodal compression", "rhythm data at one rate throughout"
        yield _say(Reason.UNSUPPORTED_FORM, Severity.REFUSE, found, wanted, "section 6")
        return
    from_zero = sum(not lead.first for lead in leads)
    if from_zero:
        found, wanted = f"{from_zero} leads whose samples are counted from 0", "from 1"
        yield _say(Reason.HEADER_INVALID, Severity.NOTE, found, wanted, "section 3")
    codes = [lead.code for lead in leads]
    if len(set(codes)) < len(codes):
        found, wanted = "one lead several times", "each lead once"
        yield _say(Reason.DUPLICATE, Severity.WARN, found, wanted, "section 3")
    for number in range(len(leads)):
        try:
            _millivolts(opened, number)
        except EcgUnreadable as error:
            yield _refused(error)


def describe(opened: Opened) -> dict[str, Any]:
    """What a catalogue may say of a record; nothing that identifies."""
    try:
        leads, rate = opened.leads, opened.rate_hz
    except EcgUnreadable:
        return {"form": "SCP-ECG", "sections": len(opened.sections)}
    return {
        "form": "SCP-ECG",
        "sections": len(opened.sections),
        "signals": len(leads),
        "modalities": modality.counted((lead.name, "mV") for lead in leads),
        "sampling_hz": f"{rate:g}",
        "duration_s": _end(opened) / rate,
        "compressed": bool(opened.tables),
        "reference_beat": opened.subtracted,
    }


def samples(opened: Opened, number: int, start_s: float = 0.0, stop_s: float | None = None) -> Series:
    """One lead in millivolts over a range of time; before a lead that begins late there is no number.

    Raises
    ------
    WrongUse
        When there is no such lead, or the range is none.
    EcgUnreadable
        When its samples cannot be had.
    """
    if not 0 <= number < len(opened.leads):
        raise WrongUse(
            found=f"lead {number}",
            wanted=f"one of {len(opened.leads)}, counted from 0",
            remedy="Choose another.",
        )
    lead, rate = opened.leads[number], opened.rate_hz
    whole = _millivolts(opened, number)
    begin = max(lead.first - 1, 0)
    first, behind = window(start_s, stop_s, rate, _end(opened))
    values = np.full(max(behind - first, 0), np.nan)
    low, high = max(first, begin), min(behind, begin + len(whole))
    if low < high:
        values[low - first : high - first] = whole[low - begin : high - begin]
    return Series(lead.name, "mV", rate, first / rate, values)


def _end(opened: Opened) -> int:
    """Samples from the start of the record to the end of its last lead."""
    return max(max(lead.first - 1, 0) + lead.length for lead in opened.leads)


def _coded(opened: Opened, section: int) -> Coded:
    raw, count = opened.data(section), len(opened.leads)
    where = f"section {section}"
    if len(raw) < 6 + 2 * count:
        raise EcgUnreadable(Reason.TRUNCATED, found="no sample", wanted="samples of each lead", where=where)
    nanovolts, interval, encoding, mode = struct.unpack("<HHBB", raw[:6])
    if not nanovolts or not interval or encoding > SECOND_DIFFERENCES:
        raise EcgUnreadable(
            Reason.CALIBRATION_IMPOSSIBLE,
            found=f"steps of {nanovolts} nV every {interval} us in code {encoding}",
            wanted="both above 0, and code 0, 1 or 2",
            where=where,
        )
    sizes = struct.unpack(f"<{count}H", raw[6 : 6 + 2 * count])
    edges = np.cumsum([6 + 2 * count, *sizes]).tolist()
    if edges[-1] > len(raw):
        raise EcgUnreadable(Reason.TRUNCATED, found="leads beyond the section", wanted="all", where=where)
    leads = tuple(raw[edges[i] : edges[i + 1]] for i in range(count))
    return Coded(nanovolts, interval, encoding, section == 6 and mode == 1, leads)


def _steps(opened: Opened, coded: Coded, number: int, count: int) -> IntArray:
    raw = coded.leads[number]
    if opened.tables:
        values = decode(raw, opened.tables, count)
    else:
        if len(raw) < 2 * count:
            found = f"{len(raw) // 2} of {count} samples"
            raise EcgUnreadable(Reason.TRUNCATED, found=found, wanted="all", where=f"lead {number + 1}")
        values = np.frombuffer(raw[: 2 * count], "<i2").astype(np.int64)
    return integrated(values, coded.encoding)


def _millivolts(opened: Opened, number: int) -> FloatArray:
    """A whole lead, the reference beat added where it was subtracted."""
    lead, rhythm = opened.leads[number], opened.rhythm
    if rhythm.bimodal or not 0 < lead.length <= 8 * max(len(rhythm.leads[number]), 1):
        found = "bimodal compression" if rhythm.bimodal else f"{lead.length} samples"
        raise EcgUnreadable(
            Reason.UNSUPPORTED_FORM if rhythm.bimodal else Reason.TRUNCATED,
            found=found,
            wanted="as many samples as the section can hold",
            where=f"lead {number + 1}",
        )
    values: FloatArray = _steps(opened, rhythm, number, lead.length) * np.float64(rhythm.nanovolts * 1e-6)
    if not opened.subtracted:
        return values
    beat, fiducial, beats = _reference(opened, number)
    for one in beats:
        # Sample t of the zone lies t - fiducial away from the beat's own fiducial; both count from 1.
        low = max(one.first, lead.first, one.fiducial - fiducial + 1)
        high = min(one.last, lead.last, one.fiducial - fiducial + len(beat))
        if low <= high:
            place = low - one.fiducial + fiducial - 1
            values[low - lead.first : high - lead.first + 1] += beat[place : place + high - low + 1]
    return values


def _reference(opened: Opened, number: int) -> tuple[FloatArray, int, list[Beat]]:
    """The reference beat of a lead in millivolts, the sample of its fiducial, and where it was subtracted."""
    raw, coded = opened.data(4), opened.beat
    if len(raw) < 6 or coded.interval_us != opened.rhythm.interval_us:
        raise EcgUnreadable(
            Reason.UNSUPPORTED_FORM,
            found="a reference beat at another rate than the rhythm data, or without its places",
            wanted="one rate",
            where="section 5",
        )
    length_ms, fiducial, count = struct.unpack("<HHH", raw[:6])
    if len(raw) < 6 + 14 * count:
        raise EcgUnreadable(Reason.TRUNCATED, found="beats without places", wanted="all", where="section 4")
    rows = struct.iter_unpack("<HIII", raw[6 : 6 + 14 * count])
    beats = [Beat(*places) for kind, *places in rows if kind == 0]  # others were not subtracted
    size = round(length_ms * 1000 / coded.interval_us)
    if not 0 < size <= 8 * max(len(coded.leads[number]), 1):
        found = f"a reference beat of {size} samples"
        raise EcgUnreadable(Reason.TRUNCATED, found=found, wanted="one that is there", where="section 5")
    beat: FloatArray = _steps(opened, coded, number, size) * np.float64(coded.nanovolts * 1e-6)
    return beat, fiducial, beats


def tags(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """Tags of section 1 with their values, as far as they go."""
    at = 0
    while at + 3 <= len(raw) and raw[at] != 255:
        size = int.from_bytes(raw[at + 1 : at + 3], "little")
        yield raw[at], raw[at + 3 : at + 3 + size]
        at += 3 + size


def checksums(opened: Opened) -> Iterator[Finding]:
    """CRC-CCITT over the whole record and over each section, behind the sum itself."""
    raw = opened.content
    size = int.from_bytes(raw[2:6], "little")
    if size != len(raw):
        short = size > len(raw)
        yield _say(
            Reason.TRUNCATED if short else Reason.HEADER_INVALID,
            Severity.REFUSE if short else Severity.WARN,
            f"{len(raw)} bytes",
            f"{size}, as the record states",
            "record",
        )
    spans = [("record", 0, min(size, len(raw)))]
    spans += [(f"section {n}", at, at + length) for n, (at, length) in sorted(opened.sections.items())]
    for where, begin, end in spans:
        stated = int.from_bytes(raw[begin : begin + 2], "little")
        if stated != binascii.crc_hqx(raw[begin + 2 : end], 0xFFFF):
            found, wanted = "bytes that do not give the stated sum", "the bytes as written"
            severity = Severity.REFUSE if stated else Severity.WARN  # 0: a writer that makes none
            yield _say(Reason.CHECKSUM_WRONG, severity, found, wanted, where)


def _refused(error: EcgUnreadable) -> Finding:
    return _say(error.reason, Severity.REFUSE, error.found, error.wanted, error.where)


def _say(reason: Reason, severity: Severity, found: str, wanted: str, where: str) -> Finding:
    return Finding(
        reason=reason,
        severity=severity,
        found=found,
        wanted=wanted,
        remedy="Export the ECG again, uncompressed if the recorder can.",
        where=where,
        source=STANDARD,
    )
