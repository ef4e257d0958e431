"""WFDB headers, and records of one signal file in format 212 or 16, read from bytes and written.

Header fields as `header(5)` of the WFDB Applications Guide gives them. Signal files hold all leads of a
record sample by sample; in format 212 two 12-bit samples share three bytes. Records of any other form are
read by `wfdb_segments`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

GUIDE = "WFDB Applications Guide, header(5)"
INVALID_SAMPLE = {"212": -2048, "16": -32768}  # by format: no measurement was made
MV_PER_UNIT = {"nV": 1e-6, "uV": 1e-3, "mV": 1.0, "V": 1e3}

MOST_BITS, LARGEST_ZERO = 24, 1 << 16  # larger figures are no converter's: they may be anything, an id too

_RECORD = re.compile(
    rb"^(?P<name>[-\w]+(?:\.\w+)?)(?:/(?P<segments>\d{1,9}))?[ \t]+(?P<leads>\d{1,9})"
    rb"(?:[ \t]+(?P<hz>\d{1,18}(?:\.\d+)?(?:[eE][-+]?\d{1,2})?)(?P<counter>/[\d.]+(?:\(-?[\d.]+\))?)?"
    rb"(?:[ \t]+(?P<length>\d{1,18})(?:[ \t]+(?P<clock>\S.*?))?)?)?[ \t]*$"
)
_PART = re.compile(rb"^(?P<name>[-\w]+|~)[ \t]+(?P<length>\d{1,18})[ \t]*$")
_SIGNAL = re.compile(
    rb"^(?P<file>\S+)[ \t]+(?P<form>\d{1,9})(?P<layout>(?:x\d{1,9})?(?::\d{1,9})?(?:\+\d{1,18})?)"
    rb"(?:[ \t]+(?P<gain>-?\d{1,18}(?:\.\d+)?(?:[eE][-+]?\d{1,2})?)(?:\((?P<baseline>-?\d{1,18})\))?"
    rb"(?:/(?P<unit>\S+))?(?:[ \t]+(?P<bits>\d{1,9})(?:[ \t]+(?P<zero>-?\d{1,18})"
    rb"(?:[ \t]+(?P<first>-?\d{1,18})(?:[ \t]+(?P<checksum>-?\d{1,18})(?:[ \t]+(?P<block>\d{1,18})"
    rb"(?:[ \t]+(?P<lead>\S.*?))?)?)?)?)?)?)?[ \t]*$"
)
_LAYOUT = re.compile(r"(?:x(?P<frame>\d+))?(?::(?P<skew>\d+))?(?:\+(?P<offset>\d+))?")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Lead:
    """One signal line. `gain` is in units of the converter per physical unit; None: not stated."""

    file: str
    form: str
    layout: str  # samples a frame, skew and byte offset, as written
    gain: float | None
    baseline: int
    unit: str
    bits: int
    zero: int
    first: int | None
    checksum: int | None
    name: str  # free text in the file: it may identify

    @property
    def frame(self) -> int:
        """Samples a frame."""
        return _layout(self.layout, "frame", 1)

    @property
    def skew(self) -> int:
        """Frames by which the signal is stored late."""
        return _layout(self.layout, "skew", 0)

    @property
    def offset(self) -> int:
        """Bytes of the signal file before its first sample; samples in FLAC formats."""
        return _layout(self.layout, "offset", 0)


@dataclass(frozen=True)
class Part:
    """One line of a record in segments: another record's name, or "~" for a gap, and its length in frames."""

    name: str
    length: int


@dataclass(frozen=True)
class Header:
    """A header as written. `clock` and `comments` are free text: they may identify."""

    name: str
    segments: int
    sampling_hz: float | None
    length: int | None
    leads: tuple[Lead, ...]
    counter: bytes = b""
    clock: bytes = b""
    comments: tuple[bytes, ...] = ()
    parts: tuple[Part, ...] = ()  # of a record in segments; such a header names no signal itself


def _layout(written: str, what: str, default: int) -> int:
    found = _LAYOUT.fullmatch(written)
    return int(found[what]) if found and found[what] else default


def recognises(head: bytes) -> bool:
    """Whether bytes begin as a header does: comments, then a record line."""
    for line in re.split(rb"[\r\n]+", head.removeprefix(BYTE_ORDER_MARK)):
        text = line.strip()
        if text and not text.startswith(b"#"):
            found = _RECORD.match(text)
            return found is not None and found["hz"] is not None
    return False


def read_header(content: bytes) -> Header:
    """Read a header; what is wrong with its values is for `examine` to say.

    Raises
    ------
    WrongUse
        When a line does not have the form of a header's.
    """
    text = content.removeprefix(BYTE_ORDER_MARK).replace(b"\r", b"\n")
    lines = [line.strip() for line in text.split(b"\n")]
    comments = tuple(line[1:].strip() for line in lines if line.startswith(b"#"))
    rest = [line for line in lines if line and not line.startswith(b"#")]
    record = _RECORD.match(rest[0]) if rest else None
    if record is None:
        raise _broken("no record line")
    segments = int(record["segments"]) if record["segments"] else 0
    count = 0 if segments else int(record["leads"])
    if len(rest) - 1 != (segments or count):
        lines_of = "segment lines for" if segments else "signal lines for"
        raise _broken(f"{len(rest) - 1} {lines_of} {segments or count}")
    return Header(
        name=record["name"].decode("ascii", "replace"),
        segments=segments or 1,
        sampling_hz=float(record["hz"]) if record["hz"] else None,
        length=int(record["length"]) if record["length"] and int(record["length"]) else None,
        leads=tuple(_lead(line) for line in rest[1:]) if not segments else (),
        counter=record["counter"] or b"",
        clock=record["clock"] or b"",
        comments=comments,
        parts=tuple(_part(line) for line in rest[1:]) if segments else (),
    )


def _part(line: bytes) -> Part:
    found = _PART.match(line)
    if found is None:
        raise _broken("a segment line of another form")
    return Part(found["name"].decode("ascii", "replace"), int(found["length"]))


def _lead(line: bytes) -> Lead:
    found = _SIGNAL.match(line)
    if found is None:
        raise _broken("a signal line of another form")
    zero = int(found["zero"] or 0)
    return Lead(
        file=found["file"].decode("utf-8", "surrogateescape"),
        form=found["form"].decode("ascii"),
        layout=found["layout"].decode("ascii"),
        gain=float(found["gain"]) if found["gain"] and float(found["gain"]) != 0 else None,
        baseline=int(found["baseline"]) if found["baseline"] else zero,
        unit=(found["unit"] or b"mV").decode("ascii", "replace"),
        bits=int(found["bits"] or 0),
        zero=zero,
        first=int(found["first"]) if found["first"] else None,
        checksum=int(found["checksum"]) if found["checksum"] else None,
        name=(found["lead"] or b"").decode("utf-8", "replace"),
    )


def write_header(header: Header) -> bytes:
    """The header with every field that `Header` holds but clock, counter and comments."""
    lines = [f"{header.name} {len(header.leads)} {_number(header.sampling_hz or 0)} {header.length or 0}"]
    for lead in header.leads:
        gain = f"{_number(lead.gain or 0)}({lead.baseline})/{lead.unit}"
        lines.append(
            f"{lead.file} {lead.form} {gain} {lead.bits} {lead.zero} {lead.first or 0} {lead.checksum or 0}"
            f" 0 {lead.name}".rstrip()
        )
    return ("\n".join(lines) + "\n").encode("ascii")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def bytes_of(form: str, leads: int, length: int) -> int:
    """Size of a signal file."""
    samples = leads * length
    return samples * 2 if form == "16" else (samples * 3 + 1) // 2


def examine(header: Header, size: int) -> list[Finding]:
    """Everything that keeps a record from being read; empty: `decode` may be called."""
    shape = _shape(header)
    if shape:
        return shape
    found = [finding for lead in header.leads for finding in _calibration(lead)]
    length = header.length or 0
    needed = bytes_of(header.leads[0].form, len(header.leads), length)
    if size < needed:
        found.append(_refuse(Reason.TRUNCATED, f"{size} bytes", f"{needed} bytes", "signal file"))
    elif size > needed:
        found.append(_refuse(Reason.HEADER_INVALID, f"{size} bytes", f"{needed} bytes", "signal file"))
    return found


def _shape(header: Header) -> list[Finding]:
    if header.parts:
        return [_refuse(Reason.UNSUPPORTED_FORM, "a record in segments", "one segment", "record line")]
    if not header.leads:
        return [_refuse(Reason.CHANNEL_MISSING, "no lead", "at least one lead", "record line")]
    if not header.sampling_hz or not header.length:
        return [
            _refuse(
                Reason.HEADER_INVALID,
                "no sampling rate or no length",
                "both stated and above 0",
                "record line",
            )
        ]
    if len({(lead.file, lead.form) for lead in header.leads}) != 1:
        return [_refuse(Reason.UNSUPPORTED_FORM, "leads in several files", "one signal file", "signal lines")]
    if header.leads[0].form not in INVALID_SAMPLE or any(
        lead.layout not in ("", "x1") for lead in header.leads
    ):
        return [
            _refuse(
                Reason.UNSUPPORTED_FORM,
                f"format {header.leads[0].form}{header.leads[0].layout}",
                "format 212 or 16, one sample a frame, no skew and no offset",
                "signal lines",
            )
        ]
    return []


def _calibration(lead: Lead) -> list[Finding]:
    if lead.gain is None or lead.gain < 0:
        return [_refuse(Reason.CALIBRATION_IMPOSSIBLE, "no gain", "a gain above 0", "signal line")]
    if lead.bits > MOST_BITS or max(abs(lead.zero), abs(lead.baseline)) > LARGEST_ZERO:
        return [
            _refuse(
                Reason.HEADER_INVALID,
                "a range that no converter has",
                f"up to {MOST_BITS} bits, zero within {LARGEST_ZERO} units",
                "signal line",
            )
        ]
    if lead.unit not in MV_PER_UNIT:
        return [
            _refuse(
                Reason.UNIT_UNKNOWN,
                "a unit that is no voltage",
                f"one of {', '.join(MV_PER_UNIT)}",
                "signal line",
            )
        ]
    return []


def decode(header: Header, content: bytes) -> IntArray:
    """Samples as the converter gave them, shape (length, leads); `examine` came first."""
    form, leads, length = header.leads[0].form, len(header.leads), header.length or 0
    if form == "16":
        flat = np.frombuffer(content, "<i2").astype(np.int64)
    else:
        flat = _unpack_212(np.frombuffer(content, np.uint8), leads * length)
    return flat[: leads * length].reshape(length, leads)


def _unpack_212(raw: NDArray[np.uint8], samples: int) -> IntArray:
    padded = np.zeros((samples + 1) // 2 * 3, np.int64)
    padded[: len(raw)] = raw
    low, middle, high = padded.reshape(-1, 3).T
    pair = np.column_stack([low | (middle & 0x0F) << 8, high | (middle >> 4) << 8])
    pair[pair > 2047] -= 4096
    flat: IntArray = pair.reshape(-1)
    return flat


def encode(samples: IntArray, form: str) -> bytes:
    """The inverse of `decode`; samples outside the format are refused.

    Raises
    ------
    WrongUse
        When a sample does not fit the format.
    """
    flat = samples.reshape(-1)
    low, high = (-2048, 2047) if form == "212" else (-32768, 32767)
    if flat.size and (flat.min() < low or flat.max() > high):
        raise WrongUse(
            found="a sample outside the format",
            wanted=f"{low} to {high} in format {form}",
            remedy="Choose another gain or format.",
        )
    if form == "16":
        return flat.astype("<i2").tobytes()
    even = np.zeros((len(flat) + 1) // 2 * 2, np.int64)
    even[: len(flat)] = flat & 0xFFF
    first, second = even.reshape(-1, 2).T
    packed = np.column_stack([first & 0xFF, (first >> 8) | (second >> 8) << 4, second & 0xFF])
    return packed.astype(np.uint8).tobytes()[: bytes_of(form, 1, len(flat))]


def checksum_of(samples: IntArray) -> list[int]:
    """Each lead's sum modulo 65536, signed as headers store it."""
    return [int(total) for total in samples.sum(axis=0).astype(np.int64).astype(np.uint16).astype(np.int16)]


def wrong_checksums(header: Header, samples: IntArray) -> int:
    """How many leads do not have the sum that the header states."""
    made = checksum_of(samples)
    return sum(
        lead.checksum is not None and (lead.checksum - own) % 65536 != 0
        for lead, own in zip(header.leads, made, strict=True)
    )


def physical_mv(header: Header, samples: IntArray) -> FloatArray:
    """Millivolts, shape (length, leads); a sample that was not measured is NaN."""
    gain = np.array([lead.gain or np.nan for lead in header.leads])
    scale = np.array([MV_PER_UNIT[lead.unit] for lead in header.leads]) / gain
    baseline = np.array([lead.baseline for lead in header.leads])
    measured: FloatArray = (samples - baseline) * scale
    measured[samples == INVALID_SAMPLE[header.leads[0].form]] = np.nan
    return measured


def describe(header: Header) -> dict[str, Any]:
    """What the catalogue may say of a record."""
    hz, length = header.sampling_hz, header.length
    return {
        "leads": len(header.leads),
        "sampling_hz": hz,
        "duration_s": length / hz if hz and length else None,
        "format": header.leads[0].form if header.leads else None,
    }


def renamed(header: Header, record: str, lead_names: tuple[str, ...], samples: IntArray) -> Header:
    """The header under another record name, without free text, with first samples and sums made anew."""
    sums = checksum_of(samples)
    leads = tuple(
        replace(
            lead,
            file=f"{record}.dat",
            layout="",
            name=name,
            first=int(samples[0, place]),
            checksum=sums[place],
        )
        for place, (lead, name) in enumerate(zip(header.leads, lead_names, strict=True))
    )
    return replace(header, name=record, leads=leads, counter=b"", clock=b"", comments=())


def _broken(found: str) -> WrongUse:
    return WrongUse(
        found=f"a header with {found}",
        wanted="a record line and one signal line a lead",
        remedy="Export the record again.",
    )


def _refuse(reason: Reason, found: str, wanted: str, where: str) -> Finding:
    return Finding(
        reason=reason,
        severity=Severity.REFUSE,
        found=found,
        wanted=wanted,
        remedy="Export the record again.",
        where=where,
        source=GUIDE,
    )
