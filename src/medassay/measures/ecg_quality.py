"""Signal quality indices of a single ECG lead, and the verdicts that are made of them.

Indices are figures, not limits: what a lead is good for is said in the quality spec. Every function takes one
lead in millivolts, shape (length,). A lead with a sample that was not measured (NaN) has no index, and one
that never moves has none either: None.

References
----------
Zhao and Zhang, Frontiers in Physiology 9:727, 2018: pSQI, kSQI, basSQI and their fusion. Bands, spectrum and
memberships are those of NeuroKit2 0.2.13, which the reference values come from: Welch's method with a Hann
window of half the lead at most, zero-padded to twice its length; below two cycles in half the lead, nothing is
counted, so that the "0 to 1 Hz" of basSQI begins at 0.4 Hz where a lead lasts 10 s.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.signal import welch

from medassay.core.errors import WrongUse
from medassay.core.method import method

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Definition = Literal["fisher", "pearson"]
Fusion = Literal["simple", "fuzzy"]
Verdict = Literal["excellent", "barely_acceptable", "unacceptable"]

LONGEST_WINDOW_S = 1024
FAST_BPM = 130.0  # from this rate on, more of the power lies above the QRS band
BEFORE_R = 0.35  # share of the mean beat that lies before its R peak
FEWEST_BEATS = 4


@method(
    id="ecg-ksqi",
    task="any",
    zh="峰度信号质量指数",
    en="kurtosis signal quality index (kSQI)",
    formula="m4 / m2^2 (Pearson), minus 3 (Fisher); m_k the k-th central moment",
    source="Zhao and Zhang, Front Physiol 9:727, 2018; Li, Mark and Clifford, Physiol Meas 29:15-32, 2008",
    check="scipy 1.17.1 stats.kurtosis",
)
def kurtosis_index(lead_mv: FloatArray, *, definition: Definition) -> float | None:
    """How peaked the distribution of samples is: QRS complexes are rare and tall, noise is neither.

    Parameters
    ----------
    lead_mv : shape (length,), mV
    definition : {"fisher", "pearson"}
        The normal distribution has 0 (Fisher, excess) or 3 (Pearson). Limits differ by 3, so it is named.

    Examples
    --------
    >>> kurtosis_index(np.array([-1.0, 1.0, -1.0, 1.0]), definition="pearson")
    1.0
    """
    if definition not in ("fisher", "pearson"):
        raise WrongUse(
            found=f"kurtosis by '{definition}'", wanted="fisher or pearson", remedy="Name the definition."
        )
    moving = _moving(lead_mv)
    if moving is None:
        return None
    squares = moving**2
    pearson = float((squares**2).mean() / squares.mean() ** 2)
    return pearson - 3.0 if definition == "fisher" else pearson


@method(
    id="ecg-psqi",
    task="any",
    zh="QRS波功率谱信号质量指数",
    en="QRS power signal quality index (pSQI)",
    formula="power in 5-15 Hz / power in 5-40 Hz",
    source="Zhao and Zhang, Front Physiol 9:727, 2018",
    check="NeuroKit2 0.2.13",
)
def qrs_power_index(lead_mv: FloatArray, sampling_hz: float) -> float | None:
    """Share of the power from 5 to 40 Hz that lies below 15 Hz, where QRS complexes have theirs.

    Parameters
    ----------
    lead_mv : shape (length,), mV
    sampling_hz : float

    Examples
    --------
    >>> time_s = np.arange(3600) / 360
    >>> round(qrs_power_index(np.sin(2 * np.pi * 10 * time_s) + np.sin(2 * np.pi * 25 * time_s), 360), 2)
    0.5
    """
    return _share(lead_mv, sampling_hz, (5.0, 15.0), (5.0, 40.0))


@method(
    id="ecg-bassqi",
    task="any",
    zh="基线信号质量指数",
    en="baseline signal quality index (basSQI)",
    formula="1 - power in 0-1 Hz / power in 0-40 Hz",
    source="Zhao and Zhang, Front Physiol 9:727, 2018",
    check="NeuroKit2 0.2.13",
)
def baseline_index(lead_mv: FloatArray, sampling_hz: float) -> float | None:
    """Share of the power up to 40 Hz that is not baseline wander.

    Parameters
    ----------
    lead_mv : shape (length,), mV
    sampling_hz : float
    """
    share = _share(lead_mv, sampling_hz, (0.0, 1.0), (0.0, 40.0))
    return None if share is None else 1.0 - share


@method(
    id="ecg-average-qrs",
    task="any",
    zh="平均QRS波相似度",
    en="similarity of the beats to their average",
    formula="per beat: |mean over time of (x - mean of beats) / sd of beats|, rescaled so that the nearest has 1",
    source="NeuroKit2 ecg_quality, method averageQRS",
    check="NeuroKit2 0.2.13",
)
def average_qrs_index(lead_mv: FloatArray, sampling_hz: float, r_peaks: IntArray) -> float | None:
    """How alike the beats of a lead are, as the mean over time of each beat's nearness to their average.

    The scale is the lead's own: the nearest beat has 1 and the farthest 0, and a beat that is cut by an end of
    the lead has 0. So two leads compare only in how their beats spread, not in how good they are.

    Parameters
    ----------
    lead_mv : shape (length,), mV
    sampling_hz : float
    r_peaks : shape (beats,), samples, increasing

    Returns
    -------
    float or None
        In [0, 1]; None with fewer than four beats, or fewer than two whole ones that differ.
    """
    peaks = _checked(r_peaks, len(lead_mv))
    if _moving(lead_mv) is None or len(peaks) < FEWEST_BEATS:
        return None
    beat_s = 60.0 / _mean_rate_bpm(peaks, sampling_hz, len(lead_mv))
    width = int(beat_s * sampling_hz)  # padding on both sides, so that a cut rounds down as it does inside
    first = (peaks + width - BEFORE_R * beat_s * sampling_hz).astype(np.int64)
    last = (peaks + width + (1 - BEFORE_R) * beat_s * sampling_hz).astype(np.int64)
    padded = np.concatenate([np.full(width, np.nan), lead_mv, np.full(width, np.nan)])
    samples = min(last - first)
    beats = np.array([padded[begin : begin + samples] for begin in first])
    whole = ~np.isnan(beats).any(axis=1)
    nearness = _nearness(beats[whole])
    if nearness is None:
        return None
    quality = np.zeros(len(peaks))
    quality[whole] = nearness
    spans = np.diff(np.concatenate([[0], peaks[1:], [len(lead_mv)]]))
    return float((quality * spans).sum() / len(lead_mv))


@method(
    id="ecg-quality-zhao2018",
    task="any",
    zh="心电信号质量分级（启发式融合与模糊综合评价）",
    en="ECG quality by heuristic fusion or fuzzy evaluation of pSQI, kSQI and basSQI",
    formula="simple: count of optimal and unqualified indices; fuzzy: sum(S^2 [1, 2, 3]) / sum(S^2), S memberships",
    source="Zhao and Zhang, Front Physiol 9:727, 2018, without qSQI",
    check="NeuroKit2 0.2.13",
)
def graded_quality(
    lead_mv: FloatArray, sampling_hz: float, r_peaks: IntArray, *, fusion: Fusion
) -> Verdict | None:
    """Grade a lead by three indices. A clipped lead, or one with muscle noise, may still be "excellent".

    Parameters
    ----------
    lead_mv : shape (length,), mV
    sampling_hz : float
    r_peaks : shape (beats,), samples, increasing
        The fastest rate between two of them decides the band limits of the simple way.
    fusion : {"simple", "fuzzy"}

    Returns
    -------
    {"excellent", "barely_acceptable", "unacceptable"} or None
        None where an index is undefined.
    """
    if fusion not in ("simple", "fuzzy"):
        raise WrongUse(found=f"fusion '{fusion}'", wanted="simple or fuzzy", remedy="Name the way.")
    peaks = _checked(r_peaks, len(lead_mv))
    power, baseline = qrs_power_index(lead_mv, sampling_hz), baseline_index(lead_mv, sampling_hz)
    peaked = kurtosis_index(lead_mv, definition="pearson")
    if power is None or baseline is None or peaked is None:
        return None
    if fusion == "fuzzy":
        return _fuzzy(power, peaked, baseline)
    fastest_bpm = 60.0 * sampling_hz / np.diff(peaks).min() if len(peaks) > 1 else 0.0
    return _simple(power, peaked, baseline, fastest_bpm)


def _simple(power: float, peaked: float, baseline: float, fastest_bpm: float) -> Verdict:
    """Optimal, suspicious or unqualified by index; then by how many are what."""
    lowest, low, high = (0.4, 0.5, 0.8) if fastest_bpm < FAST_BPM else (0.3, 0.4, 0.7)
    grades = [
        2 if low < power < high else 1 if lowest < power < low else 0,
        2 if peaked > 5 else 0,
        2 if baseline >= 0.95 else 1 if baseline >= 0.9 else 0,
    ]
    optimal, suspicious, unqualified = (grades.count(grade) for grade in (2, 1, 0))
    if unqualified >= 2 or (unqualified == 1 and suspicious == 2):
        return "unacceptable"
    return "excellent" if optimal >= 2 and unqualified == 0 else "barely_acceptable"


def _fuzzy(power: float, peaked: float, baseline: float) -> Verdict:
    """Memberships in good, middle and bad by index, weighted; their centre of gravity decides."""
    percent = 100.0 * baseline
    memberships = np.array(
        [
            [
                0.0 if power <= 0.25 else 1.0 if power >= 0.35 else 0.1 * (power - 0.25),
                float(np.interp(power, [0.18, 0.22, 0.28, 0.32], [0.0, 1.0, 1.0, 0.0])),
                1.0 if power < 0.15 else 0.0 if power > 0.25 else 0.1 * (0.25 - power),
            ],
            [1.0, 0.0, 0.0] if peaked > 5 else [0.0, 0.0, 1.0],
            [
                0.0
                if percent <= 90
                else baseline
                if percent >= 95
                else 1 / (1 + (0.8718 * (percent - 90)) ** -2),
                1 / (1 + ((percent - 95) / 2.5) ** 2),
                1.0 if percent <= 85 else 1 / (1 + ((percent - 85) / 5) ** 2),
            ],
        ]
    )
    squares = (np.array([0.6, 0.2, 0.2]) @ memberships) ** 2
    centre = float(squares @ [1.0, 2.0, 3.0] / squares.sum())
    return "excellent" if centre < 1.5 else "unacceptable" if centre >= 2.4 else "barely_acceptable"


def _share(
    lead_mv: FloatArray, sampling_hz: float, part: tuple[float, float], whole: tuple[float, float]
) -> float | None:
    """Power in one band over power in another; bands are [from, to)."""
    moving = _moving(lead_mv)
    if moving is None or len(moving) < 2:
        return None
    if sampling_hz < 2 * whole[1]:
        raise WrongUse(
            found=f"a lead of {sampling_hz} Hz",
            wanted=f"at least {2 * whole[1]:g} Hz, to hold power up to {whole[1]:g} Hz",
            remedy="Leave this index out for slower leads.",
        )
    window = min(int(LONGEST_WINDOW_S * sampling_hz), len(moving) // 2)
    frequency, power = welch(moving, fs=sampling_hz, nperseg=window, nfft=2 * window, detrend=False)
    lowest = 4 * sampling_hz / len(moving)

    def total(band: tuple[float, float]) -> float:
        inside = (frequency >= max(band[0], lowest)) & (frequency < band[1])
        return float(np.trapezoid(power[inside], frequency[inside]))

    below = total(whole)
    return total(part) / below if below > 0 else None


def _moving(lead_mv: FloatArray) -> FloatArray | None:
    """The lead about its mean; None where it was not measured throughout, or never moves."""
    lead_mv = np.asarray(lead_mv, np.float64)
    if lead_mv.ndim != 1:
        raise WrongUse(
            found=f"an array of {lead_mv.ndim} dimensions", wanted="one lead", remedy="Give leads one by one."
        )
    if len(lead_mv) == 0 or not np.isfinite(lead_mv).all() or lead_mv.min() == lead_mv.max():
        return None
    centred: FloatArray = lead_mv - lead_mv.mean()
    return centred


def _checked(r_peaks: IntArray, length: int) -> IntArray:
    peaks = np.asarray(r_peaks)
    whole = len(peaks) == 0 or np.issubdtype(peaks.dtype, np.integer)
    if not whole or (np.diff(peaks) <= 0).any() or (peaks < 0).any() or (peaks >= length).any():
        raise WrongUse(
            found="R peaks that are no increasing samples of the lead",
            wanted=f"whole numbers from 0 to {length - 1}, each greater than the one before",
            remedy="Correct the beats, or give them in samples of this lead.",
        )
    return peaks.astype(np.int64)


def _mean_rate_bpm(peaks: IntArray, sampling_hz: float, length: int) -> float:
    """Mean over all samples of the rate, which is interpolated from beat to beat."""
    period_s = np.diff(peaks) / sampling_hz
    period_s = np.concatenate([[period_s.mean()], period_s])
    at = np.arange(length).clip(peaks[0], peaks[-1])
    return float((60.0 / PchipInterpolator(peaks, period_s)(at)).mean())


def _nearness(beats: FloatArray) -> FloatArray | None:
    """1 for the beat nearest to the average, 0 for the farthest; None where no two differ."""
    if len(beats) < 2:
        return None
    spread = beats.std(axis=0, ddof=1)
    differs = spread > 0
    if not differs.any():
        return None
    distance = np.abs(((beats - beats.mean(axis=0))[:, differs] / spread[differs]).mean(axis=1))
    low, high = distance.min(), distance.max()
    if low == high:
        return None
    nearness: FloatArray = 1.0 - (distance - low) / (high - low)
    return nearness
