import numpy as np
import pytest
from scipy import stats

from medassay.core.errors import WrongUse
from medassay.measures.ecg_quality import (
    average_qrs_index,
    baseline_index,
    graded_quality,
    kurtosis_index,
    qrs_power_index,
)

HZ = 360
TIME_S = np.arange(10 * HZ) / HZ
PEAKS = np.arange(180, 3600, 300)


def tone(hz, amplitude=1.0):
    return amplitude * np.sin(2 * np.pi * hz * TIME_S)


def beating(amplitudes=(1.0,), noise_mv=0.0):
    """Narrow bells at the R peaks, nothing between; amplitudes go round."""
    lead = np.zeros(3600)
    for k, peak in enumerate(PEAKS):
        lead[peak - 20 : peak + 21] = amplitudes[k % len(amplitudes)] * np.exp(
            -0.5 * (np.arange(-20, 21) / 4) ** 2
        )
    return lead + noise_mv * np.random.default_rng(1).standard_normal(3600)


def test_the_two_definitions_of_kurtosis_differ_by_three():
    noise = np.random.default_rng(0).standard_normal(5000)
    fisher, pearson = (kurtosis_index(noise, definition=name) for name in ("fisher", "pearson"))
    assert pearson - fisher == pytest.approx(3)
    assert fisher == pytest.approx(stats.kurtosis(noise), rel=1e-12)


def test_a_sine_has_the_kurtosis_of_a_sine():
    assert kurtosis_index(tone(5), definition="pearson") == pytest.approx(1.5, abs=1e-9)


def test_power_splits_as_the_amplitudes_squared():
    assert qrs_power_index(tone(10, 2.0) + tone(30), HZ) == pytest.approx(4 / 5, abs=0.01)
    assert qrs_power_index(tone(10), HZ) == pytest.approx(1.0, abs=0.001)
    assert qrs_power_index(tone(30), HZ) == pytest.approx(0.0, abs=0.001)


def test_wander_lowers_the_baseline_index_and_an_offset_does_not():
    time_s = np.arange(60 * HZ) / HZ  # long enough that the window keeps 0.7 Hz below 1 Hz
    fast, slow = np.sin(2 * np.pi * 10 * time_s), np.sin(2 * np.pi * 0.7 * time_s)
    assert baseline_index(fast + 3.0 * slow, HZ) == pytest.approx(1 / 10, abs=0.005)
    assert baseline_index(tone(10) + 50.0, HZ) == pytest.approx(baseline_index(tone(10), HZ))


def test_no_index_depends_on_the_gain():
    lead = beating(noise_mv=0.05)
    for index in (
        lambda x: kurtosis_index(x, definition="fisher"),
        lambda x: qrs_power_index(x, HZ),
        lambda x: baseline_index(x, HZ),
        lambda x: average_qrs_index(x, HZ, PEAKS),
    ):
        assert index(3.0 * lead) == pytest.approx(index(lead))


def test_one_odd_beat_is_the_farthest_and_all_others_are_near():
    """The odd one, of 300 samples, and the last, which the end cuts 120 samples after its peak, count 0."""
    lead = beating((1.0, 1.0, 1.0, 1.0, 1.0, -1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0))
    found = average_qrs_index(lead, HZ, PEAKS)
    assert found == pytest.approx(1 - 420 / 3600)


def test_beats_that_do_not_differ_have_no_scale():
    assert average_qrs_index(np.zeros(3600) + (np.arange(3600) % 300 == 180), HZ, PEAKS) is None
    assert average_qrs_index(beating(noise_mv=0.1), HZ, PEAKS[:3]) is None


@pytest.mark.parametrize(
    ("lead", "fusion", "verdict"),
    [
        (beating(), "simple", "excellent"),
        (beating() + tone(0.7, 5.0), "simple", "unacceptable"),
        (np.random.default_rng(3).standard_normal(3600), "simple", "unacceptable"),
        (np.random.default_rng(3).standard_normal(3600), "fuzzy", "barely_acceptable"),
    ],
)
def test_beats_are_excellent_and_noise_is_not(lead, fusion, verdict):
    assert graded_quality(lead, HZ, PEAKS, fusion=fusion) == verdict


def test_a_faster_heart_shifts_the_limits_of_the_qrs_power():
    lead = tone(10, 1.8) + tone(30, 1.0) + 6 * beating()
    power = qrs_power_index(lead, HZ)
    assert 0.7 < power < 0.8
    assert graded_quality(lead, HZ, PEAKS, fusion="simple") != graded_quality(
        lead, HZ, np.arange(180, 3600, 150), fusion="simple"
    )


@pytest.mark.parametrize(
    "lead", [np.full(3600, 0.3), np.r_[np.nan, tone(10)[1:]], np.r_[np.inf, tone(10)[1:]], np.zeros(0)]
)
def test_a_flat_a_lost_or_an_empty_lead_has_no_index(lead):
    peaks = PEAKS[len(lead) > PEAKS]
    assert kurtosis_index(lead, definition="fisher") is None
    assert qrs_power_index(lead, HZ) is None
    assert baseline_index(lead, HZ) is None
    assert average_qrs_index(lead, HZ, peaks) is None
    assert graded_quality(lead, HZ, peaks, fusion="fuzzy") is None


@pytest.mark.parametrize("peaks", [[5, 5], [9, 3], [-1, 50], [50, 3600], [1.5, 20.0]])
def test_r_peaks_that_are_none_are_refused(peaks):
    with pytest.raises(WrongUse, match="R peaks"):
        average_qrs_index(beating(), HZ, np.array(peaks))


def test_a_clock_too_slow_for_the_band_is_refused():
    with pytest.raises(WrongUse, match="at least 80 Hz"):
        qrs_power_index(tone(10), 60)


def test_two_leads_at_once_and_unknown_ways_are_refused():
    with pytest.raises(WrongUse, match="one lead"):
        kurtosis_index(np.ones((5, 2)), definition="fisher")
    with pytest.raises(WrongUse, match="fisher or pearson"):
        kurtosis_index(tone(5), definition="moment")
    with pytest.raises(WrongUse, match="simple or fuzzy"):
        graded_quality(tone(5), HZ, PEAKS, fusion="both")
