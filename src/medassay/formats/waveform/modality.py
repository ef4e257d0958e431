"""What a signal measures, told by its label and unit as recorders write them.

A counter for catalogues, no clinical statement: what is not told for certain is "other".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from medassay.formats.waveform.electrodes import lead_of

OTHER, STIMULUS = "other", "stimulus"

# ISO/IEEE 11073-10101 and WFDB's lists of signal names; the first line that fits counts.
_NAMES: tuple[tuple[str, str], ...] = (
    (STIMULUS, r"STATUS|STI ?\d*|STIM.*|TRIG(GER)?.*|MARKER.*|EVENT.*|DC ?\d+|PHOTIC|PULSE ?GEN.*"),
    ("EOG", r"E[OU]G.*|ROC|LOC|.*\bEOG\b.*"),
    ("EMG", r"EMG.*|.*\bEMG\b.*|CHIN.*"),
    ("PCG", r"PCG.*|HEART SOUND.*|PHONO.*"),
    ("PPG", r"PLETH.*|PPG.*|.*\bPLETH\b.*|BVP"),
    ("SpO2", r"SP?[AO]?O2.*|SAT.*"),
    ("CO2", r"(ET)?CO2.*"),
    (
        "blood pressure",
        r"ABP.*|ART\d*|IBP.*|P\d|NIBP.*|BP|PAP|CVP|ICP|AOBP|.*BLOOD PRESSURE.*|.*\bPRESS(URE)?\b.*",
    ),
    ("respiration", r"RESP.*|.*\bRESP(IRATION)?\b.*|FLOW.*|AIRFLOW.*|THO?R.*|ABDO.*|CHEST|SNORE"),
    ("temperature", r"TEMP.*|.*TEMPERATURE.*"),
    ("motion", r"ACC.*|GYRO.*"),
    (
        "ECG",
        r"(ML|CL|D|LEAD )?(I|II|III)|E[CK]G.*|.*\bE[CK]G\b.*|AV[RLF]"
        r"|M?V([1-9]R?|R)?|MCL\d|CM\d|CC5|CS\d|NASA|[XYZ]|D[1-3]",
    ),
    ("EEG", r"EEG.*|.*\bEEG\b.*"),
)
_PATTERNS = tuple((name, re.compile(pattern)) for name, pattern in _NAMES)
_PRESSURE = {"mmhg", "kpa", "cmh2o"}


def modality_of(label: str, unit: str = "") -> str:
    """The kind of signal.

    Examples
    --------
    >>> modality_of("MLII"), modality_of("EEG Fp1-Ref"), modality_of("P3-O1"), modality_of("ABP", "mmHg")
    ('ECG', 'EEG', 'EEG', 'blood pressure')
    >>> modality_of("Status"), modality_of("PLETH", "NU"), modality_of("x7")
    ('stimulus', 'PPG', 'other')
    """
    text = " ".join(label.upper().replace("_", " ").split()).rstrip(".")
    if unit.lower() in _PRESSURE:
        return "respiration" if unit.lower() == "cmh2o" else "blood pressure"
    if lead_of(label) is not None:
        return "EEG"
    for name, pattern in _PATTERNS:
        if pattern.fullmatch(text):
            return name
    return OTHER


def counted(signals: Iterable[tuple[str, str]]) -> str | None:
    """How many signals of each kind, as one sentence; None: no signal.

    Examples
    --------
    >>> counted([("II", "mV"), ("V1", "mV"), ("PLETH", "NU")])
    'ECG 2, PPG 1'
    """
    counts = Counter(modality_of(label, unit) for label, unit in signals)
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or None


def numbers_told(values: Iterable[float]) -> str | None:
    """Different numbers in ascending order, as one text.

    Examples
    --------
    >>> numbers_told([100, 1, 100])
    '1, 100'
    """
    return ", ".join(f"{value:g}" for value in sorted(set(values))) or None
