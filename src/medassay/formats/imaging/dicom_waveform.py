"""DICOM waveform objects (ECG, EEG, haemodynamics, sounds): samples in physical units.

References
----------
DICOM PS3.3 C.10.9 (Waveform); a physical value is sample x sensitivity x correction factor + baseline
(C.10.9.1.4.3 to C.10.9.1.4.5).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity, finding_of
from medassay.formats.imaging.dicom_file import (
    EXPLICIT_BIG_UID,
    items_of,
    number_of,
    text_of,
    value_of,
    whole_of,
)
from medassay.formats.imaging.refusal import ImageRefused, said

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

FloatArray = NDArray[np.float64]
STANDARD = "DICOM PS3.3 C.10.9"
KINDS = {"SB": "i1", "UB": "u1", "SS": "i2", "US": "u2", "SL": "i4", "UL": "u4", "SV": "i8", "UV": "u8"}
MOST_SAMPLES = 1 << 28  # of all channels of a group


@dataclass(frozen=True)
class Channel:
    """One channel as its header declares it."""

    name: str  # meaning of its source code, or its label
    code: str  # value and scheme of its source code
    unit: str  # UCUM; empty where samples are not calibrated
    factor: float | None  # unit a step: sensitivity x correction factor
    baseline: float  # unit
    skew_s: float
    low_hz: float | None  # filters as stated
    high_hz: float | None


@dataclass(frozen=True, eq=False)
class Group:
    """A multiplex group: channels that were sampled together. Its samples are not read yet."""

    label: str
    rate_hz: float
    samples: int  # a channel
    channels: tuple[Channel, ...]
    offset_s: float  # against the start of the object
    interpretation: str
    padding: int | None
    little: bool
    data: bytes

    @property
    def duration_s(self) -> float:
        return self.samples / self.rate_hz


def groups_of(dataset: Dataset) -> list[Group]:
    """Every multiplex group.

    Raises
    ------
    WrongUse
        When a group lacks what its samples need: channels, rate, number, representation or bytes.
    """
    syntax = str(getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", ""))
    found = items_of(dataset, "WaveformSequence")
    if not found:
        raise _invalid("no multiplex group", "at least one", "WaveformSequence")
    return [_group(item, number, syntax != EXPLICIT_BIG_UID) for number, item in enumerate(found, 1)]


def stored(group: Group) -> NDArray[np.int64]:
    """Samples as stored, of shape (channels, samples)."""
    order = "<" if group.little else ">"
    kind = np.dtype(order + KINDS[group.interpretation])
    count = len(group.channels) * group.samples
    values = np.frombuffer(group.data, kind, count=count).astype(np.int64)
    return values.reshape(group.samples, len(group.channels)).T


def physical(group: Group, start: int = 0, stop: int | None = None) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Samples in the channels' units, and which of them were measured.

    Returns
    -------
    values : shape (channels, samples), each channel in its unit; 0 where nothing was measured
    measured : the same shape; False where the padding value stands

    Raises
    ------
    WrongUse
        When a channel states no sensitivity, so that a step has no unit.
    """
    if any(channel.factor is None for channel in group.channels):
        raise ImageRefused(
            Reason.CALIBRATION_IMPOSSIBLE,
            found="a channel without sensitivity",
            wanted="a sensitivity with its unit for each channel",
            where="ChannelSensitivity",
        )
    raw = stored(group)[:, start:stop]
    measured = np.ones(raw.shape, np.bool_) if group.padding is None else raw != group.padding
    factors = np.array([[channel.factor] for channel in group.channels], np.float64)
    baselines = np.array([[channel.baseline] for channel in group.channels], np.float64)
    return np.where(measured, raw * factors + baselines, 0.0), measured


def examine(opened: Dataset) -> Iterator[Finding]:
    """What is wrong with the waveforms."""
    try:
        groups = groups_of(opened)
    except WrongUse as error:
        yield finding_of(error)
        return
    for number, group in enumerate(groups, 1):
        bare = sum(channel.factor is None for channel in group.channels)
        if bare:
            yield said(
                Reason.CALIBRATION_IMPOSSIBLE,
                Severity.WARN,
                f"{bare} of {len(group.channels)} channels without sensitivity",
                "a sensitivity with its unit for each channel",
                where=f"group {number}",
                source=STANDARD,
            )
        if any(channel.skew_s for channel in group.channels):
            yield said(
                Reason.RATE_UNFIT,
                Severity.NOTE,
                "channels sampled one after the other",
                "channels sampled together",
                where=f"group {number}",
                source=STANDARD,
            )


def describe(opened: Dataset) -> dict[str, int | str | float | None]:
    """Groups, channels, rates and lengths, without anything that may identify."""
    try:
        groups = groups_of(opened)
    except WrongUse:
        return {"groups": len(items_of(opened, "WaveformSequence"))}
    return {
        "groups": len(groups),
        "channels": ", ".join(str(len(group.channels)) for group in groups[:8]),
        "sampling_hz": ", ".join(f"{group.rate_hz:g}" for group in groups[:8]),
        "duration_s": sum({group.offset_s: group.duration_s for group in groups}.values()),
        "units": ", ".join(sorted({c.unit for group in groups for c in group.channels if c.unit})[:8])
        or None,
    }


def _group(item: Any, number: int, little: bool) -> Group:
    where = f"multiplex group {number}"
    channels = tuple(_channel(one) for one in items_of(item, "ChannelDefinitionSequence"))
    rate, samples = number_of(item, "SamplingFrequency"), whole_of(item, "NumberOfWaveformSamples")
    stated = whole_of(item, "NumberOfWaveformChannels")
    if not channels or len(channels) != stated:
        raise _invalid(f"{len(channels)} channel definitions", f"{stated or 'at least 1'}", where)
    if rate is None or rate <= 0 or samples is None or samples <= 0:
        raise _invalid("no rate or no samples", "a sampling frequency and a number of samples", where)
    interpretation = text_of(item, "WaveformSampleInterpretation")
    bits = whole_of(item, "WaveformBitsAllocated")
    if interpretation not in KINDS or bits != 8 * np.dtype(KINDS[interpretation]).itemsize:
        raise ImageRefused(
            Reason.UNSUPPORTED_FORM,
            found=f"samples of {bits} bits, interpretation '{interpretation[:2]}'",
            wanted="linear samples of 8 to 64 bits",
            where=where,
        )
    data = value_of(item, "WaveformData", b"")
    due = len(channels) * samples * bits // 8
    if len(channels) * samples > MOST_SAMPLES:
        raise ImageRefused(
            Reason.LIMIT_EXCEEDED,
            found=f"{len(channels) * samples} samples",
            wanted=f"at most {MOST_SAMPLES}",
            where=where,
        )
    if not isinstance(data, bytes) or len(data) < due:
        raise ImageRefused(
            Reason.TRUNCATED,
            found=f"{len(data)} of {due} bytes of samples",
            wanted="all samples",
            where=where,
        )
    padding = value_of(item, "WaveformPaddingValue")
    if isinstance(padding, bytes):
        kind = np.dtype(("<" if little else ">") + KINDS[interpretation])
        padding = int(np.frombuffer(padding, kind, count=1)[0]) if len(padding) >= kind.itemsize else None
    offset = number_of(item, "MultiplexGroupTimeOffset") or 0.0
    label = text_of(item, "MultiplexGroupLabel")
    return Group(label, rate, samples, channels, offset / 1000, interpretation, padding, little, data)


def _channel(item: Any) -> Channel:
    source = (items_of(item, "ChannelSourceSequence") or [None])[0]
    unit = (items_of(item, "ChannelSensitivityUnitsSequence") or [None])[0]
    sensitivity = number_of(item, "ChannelSensitivity")
    correction = number_of(item, "ChannelSensitivityCorrectionFactor")
    calibrated = sensitivity is not None and sensitivity != 0 and bool(text_of(unit, "CodeValue"))
    factor = (sensitivity or 0.0) * (1.0 if correction is None else correction)
    code = f"{text_of(source, 'CodeValue')} {text_of(source, 'CodingSchemeDesignator')}".strip()
    return Channel(
        name=text_of(source, "CodeMeaning") or text_of(item, "ChannelLabel"),
        code=code,
        unit=text_of(unit, "CodeValue") if calibrated else "",
        factor=factor if calibrated and factor else None,
        baseline=number_of(item, "ChannelBaseline") or 0.0,
        skew_s=number_of(item, "ChannelTimeSkew") or 0.0,
        low_hz=number_of(item, "FilterLowFrequency"),
        high_hz=number_of(item, "FilterHighFrequency"),
    )


def _invalid(found: str, wanted: str, where: str) -> ImageRefused:
    return ImageRefused(Reason.HEADER_INVALID, found=found, wanted=wanted, where=where)
