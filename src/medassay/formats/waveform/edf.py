"""EDF and EDF+: recognise by content, read the header, say what is wrong, hand out samples.

References
----------
Kemp et al., EDF, Electroencephalogr Clin Neurophysiol 82:391-393, 1992; Kemp and Olivan, EDF+, Clin
Neurophysiol 114:1755-1761, 2003.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.waveform.edf_fields import (
    FILE_FIELDS,
    FIXED,
    SIGNAL_FIELDS,
    HeaderUnreadable,
    date_of,
    decimal_of,
    edfplus_date,
    fields_of,
    text_of,
    whole_of,
)
from medassay.formats.waveform.edf_marks import Mark, lists_of

FloatArray = NDArray[np.float64]
Int16Array = NDArray[np.int16]

STANDARD = "EDF+ specification"
ANNOTATIONS = "EDF Annotations"
FEWEST_LINE_FEEDS = 16  # below, chance alone may put a carriage return before each of them


@dataclass(frozen=True)
class Signal:
    """One signal as its header declares it; texts may identify."""

    label: str
    unit: str
    physical_min: float
    physical_max: float
    digital_min: int
    digital_max: int
    per_record: int
    transducer: str = ""
    prefilter: str = ""
    reserved: str = ""

    @property
    def is_annotation(self) -> bool:
        return self.label == ANNOTATIONS

    @property
    def gain(self) -> float:
        """Physical units a digital step."""
        return (self.physical_max - self.physical_min) / (self.digital_max - self.digital_min)

    def to_physical(self, digital: Int16Array) -> FloatArray:
        offset = self.physical_min - self.gain * self.digital_min
        return digital * np.float64(self.gain) + offset

    def to_digital(self, physical: FloatArray) -> Int16Array:
        steps = np.rint((physical - self.physical_min) / self.gain + self.digital_min)
        return steps.clip(self.digital_min, self.digital_max).astype(np.int16)


@dataclass(frozen=True)
class Opened:
    """A file whose header was read. Patient and recording fields are bytes: not all files keep to ASCII."""

    content: bytes = field(repr=False)
    patient: bytes = field(repr=False)
    recording: bytes = field(repr=False)
    startdate: str = field(repr=False)
    starttime: str
    header_bytes: int
    reserved: str
    records: int
    record_s: float
    signals: tuple[Signal, ...]

    @property
    def duration_s(self) -> float:
        return self.records * self.record_s

    @property
    def record_bytes(self) -> int:
        return 2 * sum(signal.per_record for signal in self.signals)

    @property
    def ordinary(self) -> tuple[Signal, ...]:
        return tuple(signal for signal in self.signals if not signal.is_annotation)

    @property
    def discontinuous(self) -> bool:
        return self.reserved.startswith("EDF+D")

    def rate_hz(self, signal: Signal) -> float:
        return signal.per_record / self.record_s


def recognises(head: bytes) -> bool:
    """Whether these first bytes are those of an EDF file (BDF is another form)."""
    return len(head) >= 192 and head[:8] == b"0       " and head[184:192].strip().isdigit()


def is_bdf(head: bytes) -> bool:
    return head[:8] == b"\xffBIOSEMI"


def open(content: bytes) -> Opened:
    """Read the header only; `content` may end behind it.

    Raises
    ------
    HeaderUnreadable
        When the header cannot be walked.
    """
    if len(content) < FIXED:
        raise HeaderUnreadable(
            Reason.TRUNCATED, found=f"{len(content)} bytes", wanted="a header of 256 bytes"
        )
    fields = fields_of(content, 0, FILE_FIELDS, 1)
    count = whole_of(fields["signals"][0], "number of signals", least=1)
    header_bytes = whole_of(fields["header_bytes"][0], "bytes in header", least=FIXED)
    if header_bytes != FIXED * (count + 1):
        raise HeaderUnreadable(
            Reason.HEADER_INVALID,
            found=f"{header_bytes} bytes in header for {count} signals",
            wanted=f"{FIXED * (count + 1)}",
        )
    if len(content) < header_bytes:
        raise HeaderUnreadable(
            Reason.TRUNCATED, found=f"{len(content)} bytes", wanted=f"a header of {header_bytes}"
        )
    return Opened(
        content=content,
        patient=fields["patient"][0].rstrip(b" \x00"),
        recording=fields["recording"][0].rstrip(b" \x00"),
        startdate=text_of(fields["startdate"][0]),
        starttime=text_of(fields["starttime"][0]),
        header_bytes=header_bytes,
        reserved=text_of(fields["reserved"][0]),
        records=whole_of(fields["records"][0], "number of data records", least=-1),
        record_s=decimal_of(fields["record_s"][0], "duration of a data record"),
        signals=tuple(_signals(fields_of(content, FIXED, SIGNAL_FIELDS, count), count)),
    )


def examine(opened: Opened) -> Iterator[Finding]:
    """Everything that forbids reading the samples as one continuous, calibrated recording."""
    misfit = [*_line_ends(opened)] or [*_size(opened)]
    if misfit:  # nothing behind the header stands where it should
        yield from misfit
        return
    if opened.ordinary and opened.record_s <= 0:
        yield _refuse(Reason.HEADER_INVALID, f"data records of {opened.record_s} s", "a positive duration")
    for number, signal in enumerate(opened.ordinary, 1):
        where = f"signal {number}"
        if signal.digital_min >= signal.digital_max:
            found, wanted = f"digital range {signal.digital_min} to {signal.digital_max}", "min below max"
            yield _refuse(Reason.CALIBRATION_IMPOSSIBLE, found, wanted, where)
        elif signal.physical_min == signal.physical_max:
            found, wanted = f"physical min = max = {signal.physical_min:g}", "two different values"
            yield _refuse(Reason.CALIBRATION_IMPOSSIBLE, found, wanted, where)
        if signal.per_record < 1:
            yield _refuse(Reason.HEADER_INVALID, "no sample in a data record", "at least one", where)
    yield from _timekeeping(opened)


def digital(opened: Opened, numbers: Sequence[int]) -> list[Int16Array]:
    """Samples of ordinary signals, by their position among these, as they stand in the file."""
    from edfio import read_edf

    signals = read_edf(opened.content, lazy_load_data=True).signals
    return [np.asarray(signals[number].digital, dtype=np.int16) for number in numbers]


def marks(opened: Opened) -> list[Mark]:
    """Annotations in the order of the file; time-keeping ones and the start's fraction are taken out.

    Raises
    ------
    HeaderUnreadable
        When annotation bytes are no time-stamped annotation lists.
    """
    begins, found = _annotations(opened)
    start = begins[0] if begins else 0.0
    return [Mark(mark.onset_s - start, mark.duration_s, mark.text) for mark in found]


def start_of(opened: Opened) -> datetime.datetime | None:
    """Start of the recording; the full year of an EDF+ recording field goes before the two-digit one.

    None when the date is withheld (an "X"), or cannot be read.
    """
    clock = re.fullmatch(r"(\d\d)[.:](\d\d)[.:](\d\d)", opened.starttime)
    hour, minute, second = (int(part) for part in clock.groups()) if clock else (0, 0, 0)
    parts = opened.recording.split()
    if len(parts) >= 2 and parts[0] == b"Startdate":
        date = edfplus_date(parts[1])
    else:
        short = re.fullmatch(r"(\d\d)[.](\d\d)[.](\d\d)", opened.startdate)
        day, month, year = (int(part) for part in short.groups()) if short else (0, 0, 0)
        date = date_of(year + (1900 if year >= 85 else 2000), month, day) if short else None
    if date is None or hour > 23 or minute > 59 or second > 59:
        return None
    return datetime.datetime(date.year, date.month, date.day, hour, minute, second)


def _signals(fields: dict[str, list[bytes]], count: int) -> Iterator[Signal]:
    for i in range(count):
        where = f"signal {i + 1}"
        yield Signal(
            label=text_of(fields["label"][i]),
            unit=text_of(fields["unit"][i]),
            physical_min=decimal_of(fields["physical_min"][i], f"{where}: physical minimum"),
            physical_max=decimal_of(fields["physical_max"][i], f"{where}: physical maximum"),
            digital_min=whole_of(fields["digital_min"][i], f"{where}: digital minimum", least=-32768),
            digital_max=whole_of(fields["digital_max"][i], f"{where}: digital maximum", least=-32768),
            per_record=whole_of(fields["per_record"][i], f"{where}: samples in a data record", least=0),
            transducer=text_of(fields["transducer"][i]),
            prefilter=text_of(fields["prefilter"][i]),
            reserved=text_of(fields["reserved"][i]),
        )


def _size(opened: Opened) -> Iterator[Finding]:
    data = len(opened.content) - opened.header_bytes
    if opened.records < 1:
        found = f"{opened.records} data records"
        yield _refuse(Reason.TRUNCATED, found, "a recording that was closed, with its number of data records")
        return
    announced = opened.records * opened.record_bytes
    if data < announced:
        found, wanted = f"{data} bytes of data", f"{announced}, as the header announces"
        yield _refuse(Reason.TRUNCATED, found, wanted)
    elif data > announced:
        found, wanted = f"{data - announced} bytes beyond the last data record", "a file that ends with it"
        yield _refuse(Reason.HEADER_INVALID, found, wanted)


def _line_ends(opened: Opened) -> Iterator[Finding]:
    """A text-mode transfer puts a carriage return before each line feed and shifts all that follows."""
    feeds, returns = opened.content.count(b"\n"), opened.content.count(b"\r\n")
    if feeds >= FEWEST_LINE_FEEDS and returns == feeds:
        found = f"a carriage return before each of {feeds} line-feed bytes: a text-mode transfer"
        yield _refuse(Reason.UNSUPPORTED_FORM, found, "the bytes as recorded; transfer in binary mode")


def _timekeeping(opened: Opened) -> Iterator[Finding]:
    """Records of EDF+ tell their own start: gaps, and annotation bytes that are none, are found by it."""
    if not opened.reserved.startswith("EDF+") or not opened.ordinary:
        return
    try:
        starts, _ = _annotations(opened)
    except HeaderUnreadable as error:
        yield _refuse(error.reason, error.found, error.wanted, error.where)
        return
    if len(starts) != opened.records:
        wanted = "a time-keeping annotation in each data record"
        yield _refuse(Reason.HEADER_INVALID, f"{len(starts)} of {opened.records}", wanted)
        return
    apart = np.diff(np.array(starts)) - opened.record_s
    gaps = np.flatnonzero(np.abs(apart) > max(1e-3, 1e-6 * opened.duration_s))
    if len(gaps):
        found = f"{len(gaps)} gaps of {apart[gaps].sum():g} s together"
        yield _refuse(Reason.UNSUPPORTED_FORM, found, "a continuous recording; export its parts one by one")


def _annotations(opened: Opened) -> tuple[list[float], list[Mark]]:
    """Start of each record, and the marks, both in seconds of the file's own clock."""
    sizes = [2 * signal.per_record for signal in opened.signals]
    places = [(sum(sizes[:i]), sizes[i]) for i, signal in enumerate(opened.signals) if signal.is_annotation]
    starts: list[float] = []
    found: list[Mark] = []
    for record in range(max(opened.records, 0)):
        base = opened.header_bytes + record * opened.record_bytes
        for which, (offset, size) in enumerate(places):
            raw = opened.content[base + offset : base + offset + size]
            lists = lists_of(raw, f"data record {record + 1}")
            if which == 0 and lists and lists[0].text == b"":
                starts.append(lists[0].onset_s)
            found.extend(mark for mark in lists if mark.text)
    return starts, found


def _refuse(reason: Reason, found: str, wanted: str, where: str = "") -> Finding:
    return Finding(
        reason=reason,
        severity=Severity.REFUSE,
        found=found,
        wanted=wanted,
        remedy="Export the recording again from the recorder.",
        where=where,
        source=STANDARD,
    )
