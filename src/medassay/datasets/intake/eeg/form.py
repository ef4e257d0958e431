"""Bring a recording to the declared channels, unit and rate, or refuse it with the reason."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medassay.core.findings import Reason
from medassay.datasets.intake.eeg.options import Options
from medassay.datasets.sample import refusal
from medassay.formats.waveform import edf, electrodes
from medassay.formats.waveform.edf_fields import number
from medassay.formats.waveform.edf_proof import FILTER

FloatArray = NDArray[np.float64]

MICROVOLTS = {"uV": 1.0, "µV": 1.0, "μV": 1.0, "mV": 1e3, "V": 1e6, "nV": 1e-3}
RANGE = 32767  # of recomputed samples


@dataclass(frozen=True)
class Form:
    """The channels of a sample, decoded and as they will be written."""

    signals: list[tuple[edf.Signal, edf.Int16Array]]
    record_s: float
    physical_uv: FloatArray  # as recorded, before any change of rate
    rate_offered_hz: float
    reference: str
    changed: bool

    @property
    def rate_hz(self) -> float:
        return self.signals[0][0].per_record / self.record_s

    @property
    def duration_s(self) -> float:
        return len(self.signals[0][1]) / self.rate_hz


def form_of(opened: edf.Opened, options: Options) -> Form:
    """Bring the recording to the declared channels and rate, or refuse it with the reason."""
    signals = opened.ordinary
    labels = [signal.label for signal in signals]
    found, missing, doubtful = electrodes.find(labels, options.channels)
    if missing or doubtful:
        said = f"without {', '.join(missing)}" if missing else f"with several {', '.join(doubtful)}"
        raise refusal(
            Reason.CHANNEL_MISSING if missing else Reason.UNSUPPORTED_FORM,
            found=f"{len(labels)} signals {said}",
            wanted=f"{', '.join(options.channels)}, each once",
            remedy="Export all electrodes of the declared montage, or declare another one.",
        )
    used = sorted({i for one in found for i in (one.first, one.second) if i is not None})
    rate_hz = _rate([opened.rate_hz(signals[i]) for i in used], options)
    scaled = {i: _in_microvolts(signals[i], f"signal {i + 1}") for i in used}
    steps = dict(zip(used, edf.digital(opened, used), strict=True))
    reference = electrodes.reference_of([labels[i] for i in used])
    if "+" in reference:
        raise refusal(
            Reason.UNSUPPORTED_FORM,
            found=f"signals against several references ({reference})",
            wanted="one reference",
            remedy="Export the recording against one reference.",
        )
    waves = {i: scaled[i].to_physical(steps[i]) for i in used}
    physical = np.stack([waves[c.first] - (0 if c.second is None else waves[c.second]) for c in found])
    target = options.rate_hz or rate_hz
    if target == rate_hz and all(channel.second is None for channel in found):
        kept = [(_written(scaled[c.first], c.name, reference), steps[c.first]) for c in found]
        return Form(kept, opened.record_s, physical, rate_hz, reference, changed=False)
    remade = [
        _remade(name, reference, wave, int(target))
        for name, wave in zip(options.channels, _resampled(physical, rate_hz, target), strict=True)
    ]
    return Form(remade, 1.0, physical, rate_hz, reference, changed=True)


def _rate(rates: Sequence[float], options: Options) -> float:
    if len(set(rates)) > 1 or rates[0] < options.least_rate_hz:
        told = ", ".join(f"{rate:g}" for rate in sorted(set(rates)))
        raise refusal(
            Reason.RATE_UNFIT,
            found=f"sampling at {told} Hz",
            wanted=f"one rate for all channels, at least {options.least_rate_hz:g} Hz",
            remedy="Export at the recorder's own rate; a recording is never brought up to a higher one.",
        )
    if options.rate_hz is not None and not float(rates[0]).is_integer():
        raise refusal(
            Reason.RATE_UNFIT,
            found=f"sampling at {rates[0]:g} Hz",
            wanted=f"whole samples a second, to be brought to {options.rate_hz} Hz",
            remedy="Export at a rate of whole samples a second.",
        )
    return rates[0]


def _in_microvolts(signal: edf.Signal, where: str) -> edf.Signal:
    """The signal's scale in microvolts; samples stay as they are."""
    steps = signal.digital_max - signal.digital_min
    factor = MICROVOLTS.get(signal.unit.strip())
    if factor is None:
        raise refusal(
            Reason.UNIT_UNKNOWN,
            found="a physical dimension that is no voltage"
            if signal.unit.strip()
            else "no physical dimension",
            wanted=", ".join(MICROVOLTS),
            remedy="State the unit of the signal in the header; it is never guessed.",
            where=where,
        )
    low, high = (float(number(value * factor)) for value in (signal.physical_min, signal.physical_max))
    if abs(high - low - signal.gain * factor * steps) > 1e-4 * abs(signal.gain * factor * steps):
        raise refusal(
            Reason.CALIBRATION_IMPOSSIBLE,
            found="a physical range that eight characters cannot hold in microvolts",
            wanted="a range of microvolts to volts",
            remedy="Check physical minimum and maximum in the header.",
            where=where,
        )
    return edf.Signal(
        label=signal.label,
        unit="uV",
        physical_min=signal.physical_min * factor,
        physical_max=signal.physical_max * factor,
        digital_min=signal.digital_min,
        digital_max=signal.digital_max,
        per_record=signal.per_record,
        prefilter=signal.prefilter if FILTER.fullmatch(signal.prefilter.encode("latin-1")) else "",
    )


def _written(signal: edf.Signal, channel: str, reference: str) -> edf.Signal:
    plain = "" if reference in ("unstated", "bipolar") else f"-{reference}"
    return edf.Signal(
        label=f"EEG {channel}{plain}",
        unit="uV",
        physical_min=signal.physical_min,
        physical_max=signal.physical_max,
        digital_min=signal.digital_min,
        digital_max=signal.digital_max,
        per_record=signal.per_record,
        prefilter=signal.prefilter,
    )


def _resampled(physical: FloatArray, rate_hz: float, target_hz: float) -> FloatArray:
    if rate_hz == target_hz:
        return physical
    from scipy.signal import resample_poly

    brought: FloatArray = resample_poly(physical, int(target_hz), int(rate_hz), axis=1, padtype="line")
    return brought


def _remade(
    channel: str, reference: str, wave: FloatArray, rate_hz: int
) -> tuple[edf.Signal, edf.Int16Array]:
    """Recomputed samples in whole seconds, on a symmetric scale that none of them leaves."""
    whole = wave[: len(wave) // rate_hz * rate_hz]
    reach = float(np.ceil(max(np.abs(whole).max(initial=0.0), 1.0)))
    scale = edf.Signal("", "uV", -reach, reach, -RANGE, RANGE, rate_hz)
    named = _written(scale, channel, "bipolar" if "-" in channel else reference)
    return named, named.to_digital(whole)


def fingerprint(form: Form) -> str:
    """SHA-256 of the decoded samples in hundredths of a microvolt: file, header and order of signals are free.

    The odd offset keeps values that lie on the grid of a recorder away from where rounding turns.
    """
    digest = hashlib.sha256(f"{form.rate_offered_hz:.6f}".encode())
    digest.update(np.rint(form.physical_uv * 100 + 0.137).astype("<i4").tobytes())
    return digest.hexdigest()
