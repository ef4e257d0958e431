"""What is wrong with a WFDB record: its headers, their files, and the sums that they state of the samples.

References
----------
WFDB Applications Guide, header(5) and signal(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from medassay.core.findings import Finding, Reason, Severity
from medassay.formats.waveform import cinc_mat, wfdb_formats
from medassay.formats.waveform.wfdb_folder import Group, Opened, Segment, head_of, place_of
from medassay.formats.waveform.wfdb_formats import SamplesUnreadable
from medassay.formats.waveform.wfdb_record import GUIDE, Header, Lead

BLOCK_SAMPLES = 1 << 21  # unpacked at once while sums are made
MOST_SUMMED = 1 << 27  # samples of a record that are added up for its checksums
MOST_FRAMES = 1 << 40
_CLOCK = re.compile(rb"(\d+:)?(\d+:)?\d+(\.\d+)?([ \t]+\d{1,2}/\d{1,2}/\d{4})?")


def examine(opened: Opened) -> Iterator[Finding]:
    """Everything that is wrong with a record; what refuses it says that samples are wrong or not there."""
    yield from _oddities(opened)
    barred = [*_shape(opened)]
    yield from barred
    if any(finding.severity is Severity.REFUSE for finding in barred):
        return
    yield from _gaps(opened)
    yield from _segments(opened)


def _segments(opened: Opened) -> Iterator[Finding]:
    """Files and sums of each segment; one that stands several times in a record is looked at once."""
    summed, unsummed = 0, 0
    seen: set[tuple[Header | None, int]] = set()
    for number, segment in enumerate(opened.segments, 1):
        if (segment.header, segment.length) in seen:
            continue
        seen.add((segment.header, segment.length))
        where = f"segment {number}" if opened.header.parts else "signal file"
        misfit = [finding for group in segment.groups for finding in _file(segment, group, where)]
        yield from misfit
        if any(finding.severity is Severity.REFUSE for finding in misfit):
            continue
        summed += segment.length * sum(lead.frame for lead in segment.header.leads) if segment.header else 0
        if summed > MOST_SUMMED:
            unsummed += 1
            continue
        for group in segment.groups:
            yield from _sums(segment, group, where)
    if unsummed:
        found = f"more than {MOST_SUMMED} samples: sums of {unsummed} segments were not made"
        yield _say(Reason.LIMIT_EXCEEDED, Severity.NOTE, found, "checksums of all compared", "signal file")


def _oddities(opened: Opened) -> Iterator[Finding]:
    """Headers that are read though they do not keep to the letter of the guide."""
    header = opened.header
    if opened.marked:
        found, wanted = "a byte-order mark before the record line", "plain text"
        yield _say(Reason.CHARACTER_SET, Severity.NOTE, found, wanted, "record line")
    if header.clock and not _CLOCK.fullmatch(header.clock):
        found, wanted = "date and time in another order or form", "hh:mm:ss dd/mm/yyyy"
        yield _say(Reason.HEADER_INVALID, Severity.NOTE, found, wanted, "record line")
    if "." in header.name:
        found, wanted = "a record name with a file ending", "a name of letters, digits, - and _"
        yield _say(Reason.HEADER_INVALID, Severity.NOTE, found, wanted, "record line")
    if not header.parts and header.length is None and opened.length:
        found, wanted = "no length", "a length; it was taken from the signal file"
        yield _say(Reason.HEADER_INVALID, Severity.NOTE, found, wanted, "record line")


def _shape(opened: Opened) -> Iterator[Finding]:
    """What keeps a header from describing samples at all."""
    header = opened.header
    if header.parts and not any(segment.header for segment in opened.segments):
        found, wanted = f"none of {len(header.parts)} segments", "the headers that it names"
        yield _say(Reason.SIGNAL_FILE_MISSING, Severity.REFUSE, found, wanted, "segment lines")
        return
    if not opened.leads or all(lead.form == wfdb_formats.NULL for lead in _stored(opened)):
        found, wanted = "a record without a signal", "at least one"
        yield _say(Reason.CHANNEL_MISSING, Severity.REFUSE, found, wanted, "signal lines")
        return
    if not opened.sampling_hz > 0:
        wanted = "a number of frames a second, above 0"
        yield _say(Reason.HEADER_INVALID, Severity.REFUSE, "no sampling rate", wanted, "record line")
    files = [group.path for segment in opened.segments for group in segment.groups]
    if opened.length < 1 and all(path.is_file() for path in files):
        yield _say(Reason.HEADER_INVALID, Severity.REFUSE, "no sample", "a length above 0", "record line")
    if opened.length > MOST_FRAMES:
        found, wanted = "a length that no recorder reaches", f"at most {MOST_FRAMES} frames"
        yield _say(Reason.HEADER_INVALID, Severity.REFUSE, found, wanted, "record line")
    for number, lead in enumerate(opened.leads, 1):
        yield from _lead(lead, f"signal {number}")
    yield from _segment_lines(opened)


def _stored(opened: Opened) -> list[Lead]:
    return [lead for segment in opened.segments if segment.header for lead in segment.header.leads]


def _lead(lead: Lead, where: str) -> Iterator[Finding]:
    if lead.form != wfdb_formats.NULL and not wfdb_formats.known(lead.form):
        wanted = ", ".join([*wfdb_formats.PACKED, *wfdb_formats.FLAC])
        yield _say(Reason.UNSUPPORTED_FORM, Severity.REFUSE, f"format {lead.form}", wanted, where)
    if lead.gain is None:
        found, wanted = "no gain: uncalibrated", "units of the converter per physical unit"
        yield _say(Reason.CALIBRATION_IMPOSSIBLE, Severity.REFUSE, found, wanted, where)
    if lead.frame < 1:
        yield _say(Reason.HEADER_INVALID, Severity.REFUSE, "no sample a frame", "at least one", where)


def _segment_lines(opened: Opened) -> Iterator[Finding]:
    """Whether the pieces make the record that its header announces."""
    if not opened.header.parts:
        return
    announced = opened.header.length
    if announced is not None and announced != opened.length:
        found, wanted = f"segments of {opened.length} frames together", f"{announced} frames"
        yield _say(Reason.HEADER_INVALID, Severity.REFUSE, found, wanted, "segment lines")
    for number, segment in enumerate(opened.segments, 1):
        if segment.header is None:
            continue
        where = f"segment {number}"
        stated = segment.header.length or segment.length
        if segment.header.sampling_hz != opened.header.sampling_hz or stated != segment.length:
            found, wanted = "another rate or length than in the record's header", "the same"
            yield _say(Reason.HEADER_INVALID, Severity.REFUSE, found, wanted, where)
        for number_of_lead, lead in enumerate(opened.leads):
            place = place_of(opened, segment, number_of_lead)
            own = segment.header.leads[place] if place is not None else lead
            if own.frame != lead.frame or own.unit != lead.unit:
                found, wanted = "a signal in another unit, or of other samples a frame", "one of each"
                yield _say(Reason.HEADER_INVALID, Severity.REFUSE, found, wanted, where)


def _gaps(opened: Opened) -> Iterator[Finding]:
    gaps = [segment.length for segment in opened.segments if segment.gap and segment.length]
    if gaps:
        found = f"{len(gaps)} gaps of {sum(gaps) / opened.sampling_hz:g} s together"
        wanted = "a continuous recording, or a reader that keeps gaps"
        yield _say(Reason.RECORDING_GAP, Severity.WARN, found, wanted, "segment lines")
    lost = [segment for segment in opened.segments if not segment.gap and segment.header is None]
    if lost:
        found = f"{len(lost)} of {len(opened.segments)} segments without a header"
        yield _say(Reason.SIGNAL_FILE_MISSING, Severity.REFUSE, found, "all that it names", "segment lines")


def _file(segment: Segment, group: Group, where: str) -> Iterator[Finding]:
    """Whether a signal file can hold what the header says of it."""
    leads = segment.leads_of(group)
    form = leads[0].form
    if form == wfdb_formats.NULL:
        return
    if not group.path.is_file():
        found, wanted = "no signal file beside the header", "the file that it names"
        yield _say(Reason.SIGNAL_FILE_MISSING, Severity.REFUSE, found, wanted, where)
        return
    if len({(lead.form, lead.offset) for lead in leads}) != 1 or not wfdb_formats.known(form):
        found, wanted = "signals of one file in several formats", "one format and offset a file"
        yield _say(Reason.HEADER_INVALID, Severity.REFUSE, found, wanted, where)
        return
    if form in wfdb_formats.FLAC:
        yield from _stream(segment, group, where)
        return
    frame, size = sum(lead.frame for lead in leads), group.path.stat().st_size
    due = leads[0].offset + wfdb_formats.bytes_of(form, segment.length * frame)
    if size < due:
        yield _say(Reason.TRUNCATED, Severity.REFUSE, f"{size} bytes", f"{due} bytes", where)
    elif size > due:
        found, wanted = f"{size - due} bytes beyond the announced length", "a file that ends with it"
        yield _say(Reason.HEADER_INVALID, Severity.WARN, found, wanted, where)
    yield from _matrix(segment, group, where)


def _stream(segment: Segment, group: Group, where: str) -> Iterator[Finding]:
    leads = segment.leads_of(group)
    stream = wfdb_formats.stream_of(head_of(group.path))
    bits = wfdb_formats.FLAC[leads[0].form][0]
    if stream is None or stream.channels != len(leads) or stream.bits > bits:
        found = f"{stream.channels} channels of {stream.bits} bits" if stream else "no FLAC file"
        wanted = f"{len(leads)} channels of at most {bits} bits"
        yield _say(Reason.HEADER_INVALID, Severity.REFUSE, found, wanted, where)
    elif len({lead.frame for lead in leads}) != 1:
        found, wanted = "signals of several rates in one FLAC file", "one rate a file"
        yield _say(Reason.HEADER_INVALID, Severity.REFUSE, found, wanted, where)
    elif stream.samples < (due := leads[0].offset + segment.length * leads[0].frame):
        found, wanted = f"{stream.samples} samples a channel", f"{due}"
        yield _say(Reason.TRUNCATED, Severity.REFUSE, found, wanted, where)


def _matrix(segment: Segment, group: Group, where: str) -> Iterator[Finding]:
    """A Matlab file says its own shape: it has to be the header's."""
    leads, head = segment.leads_of(group), head_of(group.path)
    if not leads[0].offset or not cinc_mat.recognises(head) or head.startswith(cinc_mat.LEVEL_5):
        return
    matrix = cinc_mat.open(group.path)
    shape = (matrix.signals, matrix.length, matrix.offset)
    if matrix.kind != "<i2" or shape != (len(leads), segment.length, leads[0].offset):
        found = f"a matrix of {matrix.signals} x {matrix.length} from byte {matrix.offset}"
        wanted = f"{len(leads)} x {segment.length} of 16 bits from byte {leads[0].offset}"
        yield _say(Reason.HEADER_INVALID, Severity.REFUSE, found, wanted, where)


def _sums(segment: Segment, group: Group, where: str) -> Iterator[Finding]:
    """First samples and sums modulo 65536 against those that the header states."""
    leads = segment.leads_of(group)
    if leads[0].form == wfdb_formats.NULL:
        return
    step = max(BLOCK_SAMPLES // sum(lead.frame for lead in leads), 1)
    if leads[0].form == "8":  # each call would begin at the start again
        step = max(segment.length, 1)
    totals, firsts = [0] * len(leads), [0] * len(leads)
    try:
        for first in range(0, segment.length, step):
            behind = min(first + step, segment.length)
            for i, part in enumerate(wfdb_formats.frames(group.path, leads, first, behind)):
                totals[i] += int(part.sum())
                firsts[i] = firsts[i] if first else int(part[0])
    except SamplesUnreadable as error:
        yield _say(error.reason, Severity.REFUSE, error.found, error.wanted, where)
        return
    wrong = [
        lead.checksum
        for lead, total in zip(leads, totals, strict=True)
        if lead.checksum is not None and (lead.checksum - total) % 65536
    ]
    if any(wrong):
        found = f"{sum(map(bool, wrong))} signals whose samples do not add up to the header's checksum"
        yield _say(
            Reason.CHECKSUM_WRONG, Severity.REFUSE, found, "the samples that it was written for", where
        )
    if 0 in wrong:
        found = f"{wrong.count(0)} signals with a checksum of 0, which it is not"
        yield _say(Reason.CHECKSUM_WRONG, Severity.NOTE, found, "a checksum that was made", where)
    other = sum(
        lead.first is not None and lead.first != first for lead, first in zip(leads, firsts, strict=True)
    )
    if other:
        found = f"{other} signals whose first sample is not the header's initial value"
        yield _say(Reason.HEADER_INVALID, Severity.NOTE, found, "the same", where)


def _say(reason: Reason, severity: Severity, found: str, wanted: str, where: str) -> Finding:
    return Finding(
        reason=reason,
        severity=severity,
        found=found,
        wanted=wanted,
        remedy="Export the record again, with all its files."
        if severity is Severity.REFUSE
        else "Look whether what was read is right.",
        where=where,
        source=GUIDE,
    )
