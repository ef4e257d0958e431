"""What of an ECG record goes on: lead names, annotations and figures, made anew from an allow-list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from medassay.core.canonical import digest_bytes
from medassay.core.errors import WrongUse
from medassay.core.findings import Finding, Reason, Severity
from medassay.datasets.intake.ecg.proof import LEAD_NAMES, known_text
from medassay.datasets.sample import Action, Draft, Names, NewObject, Scalar
from medassay.datasets.spec import Source
from medassay.formats.predictions.one_case import read_label, write_label
from medassay.formats.waveform import wfdb_record as record
from medassay.formats.waveform.wfdb_annotation import Annotations, read_annotations, write_annotations
from medassay.measures import ecg

FloatArray = NDArray[np.float64]

COLUMNS: Mapping[str, tuple[str, str]] = {
    "duration_s": ("s", "length of the recording"),
    "sampling_hz": ("Hz", "sampling rate that the header states"),
    "leads": ("1", "leads in the recording"),
    "lead_names": ("", "names of the leads, in order"),
    "lost_share": ("1", "share of samples that were not measured, worst lead"),
    "flat_share": ("1", "share of seconds that move less than 0.01 mV, worst lead"),
    "clipped_share": ("1", "share of samples held at the end of the range, worst lead"),
    "mains_share": ("1", "power at 50 or 60 Hz as a share of 1 to 70 Hz, worst lead"),
    "amplitude_least_mv": ("mV", "median range within two seconds, smallest lead"),
    "amplitude_most_mv": ("mV", "median range within two seconds, largest lead"),
    "noise_mv": ("mV", "spread above 15 Hz between beats, worst lead"),
    "wander_mv": ("mV", "movement of the baseline, worst lead"),
}

REFERENCE = "reference"


def fingerprint(signal_mv: FloatArray, sampling_hz: float) -> str:
    """SHA-256 of each lead in whole microvolts, leads in any order: the same in any format or gain."""
    microvolts = np.where(np.isnan(signal_mv), np.iinfo(np.int32).min, np.rint(signal_mv * 1000))
    leads = sorted(digest_bytes(lead.astype("<i4").tobytes()) for lead in microvolts.T)
    return digest_bytes("\n".join([repr(float(sampling_hz)), *leads]).encode())


def lead_names(header: record.Header) -> tuple[tuple[str, ...], int]:
    """Known names as they are; any other text becomes the lead's number."""
    names = tuple(
        lead.name if lead.name in LEAD_NAMES else f"ECG{place}" for place, lead in enumerate(header.leads, 1)
    )
    return names, sum(lead.name not in LEAD_NAMES for lead in header.leads)


def labels_of(
    draft: Draft, names: Names, source: Source, classes: Sequence[str] = ()
) -> tuple[list[NewObject], list[Finding], list[Action]]:
    """Labels made anew. One that cannot be read is left out and said: the sample then lacks it.

    Parameters
    ----------
    classes : codes
        Those that a record may be of, where a label is a class; none: labels are annotations.
    """
    endings = {REFERENCE: "atr"} | {
        f"read:{PurePosixPath(folder).name}": f"r{place}" for place, folder in enumerate(source.readers, 1)
    }
    objects, findings, actions = [], [], []
    for role, file in draft.files:
        if role not in endings:
            continue
        try:
            content = file.path.read_bytes()
            made, counted = _class(content, classes) if classes else _annotations(content)
        except WrongUse as error:
            findings.append(_unreadable_label(role, error))
            continue
        ending = f"{endings[role]}.csv" if classes else endings[role]
        objects.append(NewObject(role, f"{names.sample}.{ending}", made))
        actions += counted
    return objects, findings, [action for action in actions if action.count]


def _annotations(content: bytes) -> tuple[bytes, list[Action]]:
    clean, kept, removed = _without_text(read_annotations(content))
    return write_annotations(clean), [
        Action("annotation: time and symbol", "kept", len(clean)),
        Action("annotation: rhythm code", "kept", kept),
        Action("annotation: free text", "removed", removed),
    ]


def _class(content: bytes, classes: Sequence[str]) -> tuple[bytes, list[Action]]:
    return write_label(read_label(content, classes)), [Action("class of the record", "kept", 1)]


def _without_text(found: Annotations) -> tuple[Annotations, int, int]:
    """Times, symbols and rhythm codes; noise marks keep the bits that say which lead is unreadable."""
    kept = tuple(text if known_text(text) else b"" for text in found.aux)
    noise = np.array([symbol == "~" for symbol in found.symbols], bool)
    zeros = np.zeros(len(found), np.int64)
    clean = replace(
        found,
        aux=kept,
        subtypes=np.where(noise, found.subtypes & 0x33, 0),
        channels=zeros,
        numbers=zeros,
        clock_hz=None,
    )
    texts = sum(bool(text) for text in found.aux)
    return clean, sum(bool(text) for text in kept), texts - sum(bool(text) for text in kept)


def measured(header: record.Header, signal_mv: FloatArray) -> dict[str, Scalar]:
    hz = header.sampling_hz or 0.0
    amplitude = ecg.amplitude_mv(signal_mv, hz)
    return {
        "duration_s": len(signal_mv) / hz,
        "sampling_hz": hz,
        "leads": len(header.leads),
        "lead_names": ", ".join(lead.name for lead in header.leads),
        "lost_share": _worst(ecg.lost_share(signal_mv)),
        "flat_share": _worst(ecg.flat_share(signal_mv, hz)),
        "clipped_share": _worst(ecg.clipped_share(signal_mv)),
        "mains_share": _worst(ecg.mains_share(signal_mv, hz)),
        "amplitude_least_mv": float(amplitude.min()),
        "amplitude_most_mv": float(amplitude.max()),
        "noise_mv": _worst(ecg.noise_mv(signal_mv, hz)) if hz > 32 else None,
        "wander_mv": _worst(ecg.wander_mv(signal_mv, hz)),
    }


def _worst(of_leads: FloatArray) -> float | None:
    """The worst lead; a lead without the figure (it never moves) makes the recording's missing."""
    worst = float(of_leads.max())
    return worst if np.isfinite(worst) else None


def _unreadable_label(role: str, error: WrongUse) -> Finding:
    return Finding(
        reason=Reason.REFERENCE_INVALID,
        severity=Severity.WARN,
        found=error.found,
        wanted=error.wanted,
        remedy="The file was left out. Export it again.",
        where=role,
    )
