"""EDF, EDF+, BDF and BDF+: recognise by content, read the header, say what is wrong, hand out samples.

References
----------
Kemp et al., EDF, Electroencephalogr Clin Neurophysiol 82:391-393, 1992; Kemp and Olivan, EDF+, Clin
Neurophysiol 114:1755-1761, 2003. BDF: BioSemi, "Which file format does BioSemi use?".
"""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.waveform import modality
from medassay.formats.waveform.edf_fields import HeaderUnreadable, date_of, edfplus_date
from medassay.formats.waveform.edf_header import (
    ANNOTATIONS,
    BIOSEMI,
    BLOCK_BYTES,
    BYTE_ORDER_MARK,
    FloatArray,
    Int16Array,
    Opened,
    Signal,
    Stretch,
    open,
    stored,
    stretches,
)
from medassay.formats.waveform.edf_marks import Mark, decoded
from medassay.formats.waveform.series import Series, window

STANDARD = "EDF+ specification"
FEWEST_LINE_FEEDS = 16  # below, chance alone may put a carriage return before each of them
LONGEST_S = 1e9  # thirty years: a clock beyond is none


def recognises(head: bytes) -> bool:
    """Whether these first bytes are those of an EDF file (BDF is another form)."""
    head = head.removeprefix(BYTE_ORDER_MARK)
    return len(head) >= 192 and head[:8] == b"0       " and head[184:192].strip().isdigit()


def is_bdf(head: bytes) -> bool:
    return head[:8] == BIOSEMI


def examine(opened: Opened) -> Iterator[Finding]:
    """Everything that is wrong with a file; what refuses it keeps its samples from being read."""
    misfit = [*_line_ends(opened)] or [*_size(opened)]
    if misfit:  # nothing behind the header stands where it should
        yield from misfit
        return
    if opened.ordinary and opened.record_s <= 0:
        yield _refuse(Reason.HEADER_INVALID, f"data records of {opened.record_s} s", "a positive duration")
    for number, signal in enumerate(opened.ordinary, 1):
        yield from _calibration(signal, f"signal {number}")
    yield from _labels(opened)
    yield from _timekeeping(opened)
    yield from _texts(opened)


def unbroken(opened: Opened) -> Iterator[Finding]:
    """What forbids reading the samples as one continuous, calibrated recording: a gap does too."""
    for finding in examine(opened):
        if finding.reason is Reason.RECORDING_GAP:
            wanted = "a continuous recording; export its parts one by one"
            yield finding.model_copy(update={"severity": Severity.REFUSE, "wanted": wanted})
        elif finding.severity is Severity.REFUSE:
            yield finding


def describe(opened: Opened) -> dict[str, Any]:
    """What a catalogue may say of a recording; nothing that identifies."""
    signals, timed = opened.ordinary, opened.record_s > 0
    try:
        marks: int | None = len(opened.annotated[1])
        gaps: int | None = max(len(stretches(opened)) - 1, 0)
    except HeaderUnreadable:
        marks = gaps = None
    return {
        "form": opened.form,
        "signals": len(signals),
        "modalities": modality.counted((signal.label, signal.unit) for signal in signals),
        "sampling_hz": modality.numbers_told(opened.rate_hz(signal) for signal in signals) if timed else None,
        "duration_s": opened.duration_s if timed and signals else None,
        "recorded_s": opened.recorded_s if timed and signals else None,
        "gaps": gaps,
        "annotations": marks,
    }


def digital(opened: Opened, numbers: Sequence[int]) -> list[Int16Array]:
    """All samples of ordinary signals, by their position among these, as they stand in an EDF file.

    Raises
    ------
    WrongUse
        For a BDF file, whose samples do not fit into 16 bits.
    """
    if opened.sample_bytes != 2:
        raise WrongUse(found="a BDF file", wanted="samples of 16 bits", remedy="Read it with `samples`.")
    return [stored(opened, number, 0, opened.whole_records).astype(np.int16) for number in numbers]


def samples(opened: Opened, number: int, start_s: float = 0.0, stop_s: float | None = None) -> Series:
    """One ordinary signal over a range of time, in its physical unit; `examine` refused nothing.

    Parameters
    ----------
    number : int
        Position among the ordinary signals.
    start_s, stop_s : float
        Seconds from the start of the recording; the end is not part of the range.

    Returns
    -------
    Series
        On the clock of the recording: a gap keeps its length and holds NaN. A stretch begins at the sample
        nearest to the time that its first data record tells.

    Raises
    ------
    WrongUse
        When there is no such signal, or the range is none or too long for one call.
    """
    if not 0 <= number < len(opened.ordinary):
        raise WrongUse(
            found=f"signal {number}",
            wanted=f"one of {len(opened.ordinary)}, counted from 0",
            remedy="Choose another.",
        )
    signal = opened.ordinary[number]
    rate = opened.rate_hz(signal)
    first, behind = window(start_s, stop_s, rate, round(opened.duration_s * rate))
    values = np.full(max(behind - first, 0), np.nan)
    for stretch in stretches(opened):
        _fill(values, first, opened, number, signal, stretch)
    return Series(signal.label, signal.unit, rate, first / rate, values)


def marks(opened: Opened) -> list[Mark]:
    """Annotations in the order of the file; time-keeping ones and the start's fraction are taken out.

    Raises
    ------
    HeaderUnreadable
        When annotation bytes are no time-stamped annotation lists.
    """
    begins, found = opened.annotated
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


def _fill(
    values: FloatArray, first: int, opened: Opened, number: int, signal: Signal, stretch: Stretch
) -> None:
    """Put what a stretch has of a range where it belongs."""
    begin = round(stretch.start_s * opened.rate_hz(signal))
    low = max(first, begin)
    high = min(first + len(values), begin + stretch.records * signal.per_record)
    if low >= high:
        return
    record, skipped = divmod(low - begin, signal.per_record)
    last = -(-(high - begin) // signal.per_record)
    raw = stored(opened, number, stretch.first + record, stretch.first + last)
    values[low - first : high - first] = signal.to_physical(raw[skipped : skipped + high - low])


def _calibration(signal: Signal, where: str) -> Iterator[Finding]:
    if signal.digital_min >= signal.digital_max:
        found, wanted = f"digital range {signal.digital_min} to {signal.digital_max}", "min below max"
        yield _refuse(Reason.CALIBRATION_IMPOSSIBLE, found, wanted, where)
    elif signal.physical_min == signal.physical_max:
        found, wanted = f"physical min = max = {signal.physical_min:g}", "two different values"
        yield _refuse(Reason.CALIBRATION_IMPOSSIBLE, found, wanted, where)
    if signal.per_record < 1:
        yield _refuse(Reason.HEADER_INVALID, "no sample in a data record", "at least one", where)


def _labels(opened: Opened) -> Iterator[Finding]:
    counts = Counter(signal.label for signal in opened.ordinary)
    repeated = sum(count for count in counts.values() if count > 1)
    if repeated:
        found, wanted = f"{repeated} signals that share a label with another", "a label of its own each"
        yield _warn(Reason.DUPLICATE, found, wanted, "Name signals by their position, or correct the labels.")


def _texts(opened: Opened) -> Iterator[Finding]:
    """EDF+ asks for UTF-8; recorders sold in China write GBK without saying so."""
    try:
        encodings = Counter(decoded(mark.text)[1] for mark in opened.annotated[1])
    except HeaderUnreadable:
        return  # said by `_timekeeping`
    for encoding in sorted(encodings.keys() - {"utf-8"}):
        found = f"{encodings[encoding]} annotations that are no UTF-8, read as {encoding}"
        yield _warn(Reason.CHARACTER_SET, found, "UTF-8, as EDF+ asks for", "Look whether the text is right.")


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
    feeds = returns = 0
    before = b""
    for start in range(0, len(opened.content), BLOCK_BYTES):
        part = before + opened.content[start : start + BLOCK_BYTES]
        feeds += part.count(b"\n")
        returns += part.count(b"\r\n")
        before = b"\r" if part.endswith(b"\r") else b""
        if returns < feeds:
            return
    if feeds >= FEWEST_LINE_FEEDS:
        found = f"a carriage return before each of {feeds} line-feed bytes: a text-mode transfer"
        yield _refuse(Reason.UNSUPPORTED_FORM, found, "the bytes as recorded; transfer in binary mode")


def _timekeeping(opened: Opened) -> Iterator[Finding]:
    """Records of EDF+ tell their own start: gaps, and annotation bytes that are none, are found by it."""
    try:
        begins, _ = opened.annotated
        parts = stretches(opened)
    except HeaderUnreadable as error:
        yield _refuse(error.reason, error.found, error.wanted, error.where)
        return
    if begins and max(begins) - min(begins) > LONGEST_S:
        found, wanted = "data records more than thirty years apart", "the clock of one recording"
        yield _refuse(Reason.HEADER_INVALID, found, wanted)
    elif len(parts) > 1:
        lost = opened.duration_s - opened.recorded_s
        yield _warn(
            Reason.RECORDING_GAP,
            f"{len(parts) - 1} gaps of {lost:g} s together",
            "a continuous recording, or a reader that keeps gaps",
            "Samples keep their times; nothing stands in a gap.",
        )


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


def _warn(reason: Reason, found: str, wanted: str, remedy: str) -> Finding:
    return Finding(
        reason=reason, severity=Severity.WARN, found=found, wanted=wanted, remedy=remedy, source=STANDARD
    )


__all__ = [
    "ANNOTATIONS",
    "FEWEST_LINE_FEEDS",
    "STANDARD",
    "FloatArray",
    "HeaderUnreadable",
    "Int16Array",
    "Opened",
    "Signal",
    "Stretch",
    "describe",
    "digital",
    "examine",
    "is_bdf",
    "marks",
    "open",
    "recognises",
    "samples",
    "start_of",
    "stretches",
    "unbroken",
]
