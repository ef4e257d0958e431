"""The header of EDF, EDF+, BDF and BDF+: what it declares, and when each data record was recorded.

A BDF file is an EDF file whose samples have 24 bits, with another version field and another name for annotations.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from medassay.core.findings import Reason
from medassay.formats.waveform.content import Content, FileBytes, Source, content_of
from medassay.formats.waveform.edf_fields import (
    FILE_FIELDS,
    FIXED,
    SIGNAL_FIELDS,
    HeaderUnreadable,
    decimal_of,
    fields_of,
    text_of,
    whole_of,
)
from medassay.formats.waveform.edf_marks import Mark, lists_of

FloatArray = NDArray[np.float64]
Int16Array = NDArray[np.int16]
Int32Array = NDArray[np.int32]
ByteArray = NDArray[np.uint8]

ANNOTATIONS = "EDF Annotations"
BDF_ANNOTATIONS = "BDF Annotations"
BIOSEMI = b"\xffBIOSEMI"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
BLOCK_BYTES = 1 << 22  # read at once
WIDE_RECORD = 1 << 16  # bytes of a data record
LOWEST = {2: -32768, 3: -8388608}  # digital value, by bytes a sample


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
        return self.label in (ANNOTATIONS, BDF_ANNOTATIONS)

    @property
    def gain(self) -> float:
        """Physical units a digital step."""
        return (self.physical_max - self.physical_min) / (self.digital_max - self.digital_min)

    def to_physical(self, digital: Int16Array | Int32Array) -> FloatArray:
        offset = self.physical_min - self.gain * self.digital_min
        return digital * np.float64(self.gain) + offset

    def to_digital(self, physical: FloatArray) -> Int16Array:
        steps = np.rint((physical - self.physical_min) / self.gain + self.digital_min)
        return steps.clip(self.digital_min, self.digital_max).astype(np.int16)


@dataclass(frozen=True)
class Stretch:
    """Data records that follow one another without a gap."""

    first: int  # data record
    records: int
    start_s: float  # from the start of the recording


@dataclass(frozen=True)
class Opened:
    """A file whose header was read. Patient and recording fields are bytes: not all files keep to ASCII."""

    content: Content = field(repr=False)
    patient: bytes = field(repr=False)
    recording: bytes = field(repr=False)
    startdate: str = field(repr=False)
    starttime: str
    header_bytes: int
    reserved: str
    records: int
    record_s: float
    signals: tuple[Signal, ...]
    sample_bytes: int = 2

    @property
    def duration_s(self) -> float:
        """From the first sample to the end of the last one, gaps included."""
        last = self._stretches[-1] if self._stretches else None
        return last.start_s + last.records * self.record_s if last else self.records * self.record_s

    @property
    def recorded_s(self) -> float:
        """Time that there are samples of."""
        return self.records * self.record_s

    @property
    def record_bytes(self) -> int:
        return self.sample_bytes * sum(signal.per_record for signal in self.signals)

    @property
    def ordinary(self) -> tuple[Signal, ...]:
        return tuple(signal for signal in self.signals if not signal.is_annotation)

    @property
    def plus(self) -> bool:
        """Whether records tell their own time, as EDF+ and BDF+ do."""
        return self.reserved.startswith(("EDF+", "BDF+"))

    @property
    def form(self) -> str:
        plain = "EDF" if self.sample_bytes == 2 else "BDF"
        kind = self.reserved[4:5] if self.reserved[4:5] in ("C", "D") else ""
        return f"{plain}+{kind}" if self.plus else plain

    @property
    def whole_records(self) -> int:
        """Data records that are announced and there."""
        there = (len(self.content) - self.header_bytes) // self.record_bytes if self.record_bytes else 0
        return max(min(self.records, there), 0)

    def rate_hz(self, signal: Signal) -> float:
        return signal.per_record / self.record_s

    def offset_of(self, signal: int) -> int:
        """Where the samples of a signal, counted among all, begin in a data record."""
        return self.sample_bytes * sum(one.per_record for one in self.signals[:signal])

    @cached_property
    def annotated(self) -> tuple[tuple[float, ...], tuple[Mark, ...]]:
        """Start of each record, and the marks, both in seconds of the file's own clock.

        Raises
        ------
        HeaderUnreadable
            When annotation bytes are no time-stamped annotation lists.
        """
        return _annotated(self)

    @cached_property
    def _stretches(self) -> tuple[Stretch, ...]:
        if not self.plus or not self.ordinary or self.record_s <= 0:
            return ()
        try:
            return stretches(self)
        except HeaderUnreadable:
            return ()


def stretches(opened: Opened) -> tuple[Stretch, ...]:
    """What was recorded without a gap, in order of the file; a plain EDF file is one stretch.

    Raises
    ------
    HeaderUnreadable
        When a record of EDF+ does not tell its time, or records overlap.
    """
    count = opened.whole_records
    if not opened.plus or not opened.ordinary:
        return (Stretch(0, count, 0.0),)
    begins = np.array(opened.annotated[0])
    if len(begins) != count:
        raise HeaderUnreadable(
            Reason.HEADER_INVALID,
            found=f"{len(begins)} of {count}",
            wanted="a time-keeping annotation in each data record",
        )
    if not count:
        return ()
    apart = np.diff(begins) - opened.record_s
    tolerance = max(1e-3, 1e-6 * opened.recorded_s)
    if len(apart) and apart.min() < -tolerance:
        raise HeaderUnreadable(
            Reason.HEADER_INVALID,
            found="data records that overlap in time",
            wanted="records in order of time",
        )
    firsts = [0, *(np.flatnonzero(apart > tolerance) + 1).tolist(), count]
    return tuple(
        Stretch(first, behind - first, float(begins[first] - begins[0])) for first, behind in pairwise(firsts)
    )


def open(source: Source | FileBytes) -> Opened:
    """Read the header only; the content may end behind it.

    Raises
    ------
    HeaderUnreadable
        When the header cannot be walked.
    """
    content = content_of(source)
    if len(content) < FIXED:
        raise HeaderUnreadable(
            Reason.TRUNCATED, found=f"{len(content)} bytes", wanted="a header of 256 bytes"
        )
    head = content[:FIXED]
    if head.startswith(BYTE_ORDER_MARK):
        raise HeaderUnreadable(
            Reason.HEADER_INVALID,
            found="a byte-order mark before the header: a text editor wrote the file",
            wanted="the bytes as recorded",
        )
    fields = fields_of(head, 0, FILE_FIELDS, 1)
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
    sample_bytes = 3 if head.startswith(BIOSEMI) else 2
    table = fields_of(content[:header_bytes], FIXED, SIGNAL_FIELDS, count)
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
        signals=tuple(_signals(table, count, LOWEST[sample_bytes])),
        sample_bytes=sample_bytes,
    )


def columns(opened: Opened, offset: int, size: int, first: int, behind: int) -> Iterator[ByteArray]:
    """Bytes `offset` to `offset + size` of data records `first` to `behind`, in blocks of shape (n, size)."""
    record, base = opened.record_bytes, opened.header_bytes
    if record > WIDE_RECORD:  # most of it is other signals': only what is asked for is read
        for number in range(first, behind):
            begin = base + number * record + offset
            yield np.frombuffer(opened.content[begin : begin + size], np.uint8).reshape(1, -1)
        return
    step = BLOCK_BYTES // record if record else 1
    for begin in range(first, behind if record else first, step):
        raw = opened.content[base + begin * record : base + min(begin + step, behind) * record]
        yield np.frombuffer(raw, np.uint8).reshape(-1, record)[:, offset : offset + size]


def stored(opened: Opened, number: int, first: int, behind: int) -> Int32Array:
    """Digital samples of an ordinary signal in data records `first` to `behind`."""
    place = [i for i, signal in enumerate(opened.signals) if not signal.is_annotation][number]
    width = opened.sample_bytes
    offset, count = opened.offset_of(place), opened.signals[place].per_record
    parts = [_numbers(block, width) for block in columns(opened, offset, width * count, first, behind)]
    return np.concatenate(parts) if parts else np.zeros(0, np.int32)


def _numbers(raw: ByteArray, width: int) -> Int32Array:
    """Little-endian two's complement of 16 or 24 bits."""
    columns = raw.reshape(-1, width).astype(np.int32)
    value = columns[:, 0] | columns[:, 1] << 8
    if width == 3:
        value |= columns[:, 2] << 16
    half = 1 << (8 * width - 1)
    return (value ^ half) - half


def _annotated(opened: Opened) -> tuple[tuple[float, ...], tuple[Mark, ...]]:
    places = [
        (opened.offset_of(i), opened.sample_bytes * signal.per_record)
        for i, signal in enumerate(opened.signals)
        if signal.is_annotation
    ]
    starts: list[float] = []
    found: list[tuple[int, int, Mark]] = []
    for which, (offset, size) in enumerate(places):
        rows = (row for block in columns(opened, offset, size, 0, opened.whole_records) for row in block)
        for record, row in enumerate(rows, 1):
            marks = lists_of(row.tobytes(), f"data record {record}")
            if which == 0 and marks and marks[0].text == b"":
                starts.append(marks[0].onset_s)
            found.extend((record, which, mark) for mark in marks if mark.text)
    found.sort(key=lambda item: item[:2])  # in order of the file
    return tuple(starts), tuple(mark for _, _, mark in found)


def _signals(fields: dict[str, list[bytes]], count: int, lowest: int) -> Iterator[Signal]:
    for i in range(count):
        where = f"signal {i + 1}"
        yield Signal(
            label=text_of(fields["label"][i]),
            unit=text_of(fields["unit"][i]),
            physical_min=decimal_of(fields["physical_min"][i], f"{where}: physical minimum"),
            physical_max=decimal_of(fields["physical_max"][i], f"{where}: physical maximum"),
            digital_min=whole_of(fields["digital_min"][i], f"{where}: digital minimum", least=lowest),
            digital_max=whole_of(fields["digital_max"][i], f"{where}: digital maximum", least=lowest),
            per_record=whole_of(fields["per_record"][i], f"{where}: samples in a data record", least=0),
            transducer=text_of(fields["transducer"][i]),
            prefilter=text_of(fields["prefilter"][i]),
            reserved=text_of(fields["reserved"][i]),
        )
