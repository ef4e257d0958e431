import numpy as np
import pytest

from medassay.measures import eeg

RATE_HZ = 200


@pytest.fixture
def clean():
    rng = np.random.default_rng(3)
    return rng.normal(0, 20, (5, 60 * RATE_HZ)).cumsum(axis=1) * 0.02 + rng.normal(0, 15, (5, 60 * RATE_HZ))


def test_a_wrong_unit_moves_the_amplitude_by_its_whole_factor(clean):
    assert eeg.amplitude_uv(clean * 1000) == pytest.approx(1000 * eeg.amplitude_uv(clean))


def test_a_short_burst_hardly_moves_the_amplitude(clean):
    burst = clean.copy()
    burst[:, 1000:1600] *= 50
    assert eeg.amplitude_uv(burst) == pytest.approx(eeg.amplitude_uv(clean), rel=0.15)


def test_one_slipped_channel_stands_out(clean):
    slipped = clean.copy()
    slipped[2] *= 10
    assert eeg.widest_ratio(clean) < 2
    assert eeg.widest_ratio(slipped) > 5


def test_a_flat_lead_is_counted_by_its_seconds(clean):
    flat = clean.copy()
    flat[4, : 15 * RATE_HZ] = 7
    assert eeg.flat_share(clean, RATE_HZ) == 0
    assert eeg.flat_share(flat, RATE_HZ) == 0.25


def test_clipping_is_counted_and_single_peaks_are_not(clean):
    clipped = clean.clip(-20, 20)
    assert eeg.clipped_share(clean) == 0
    share = np.mean(np.abs(clipped) >= 20, axis=1).max()
    assert 0.3 * share < eeg.clipped_share(clipped) <= share


def test_a_wholly_flat_lead_is_not_clipped():
    assert eeg.clipped_share(np.zeros((2, 1000))) == 0


def test_mains_is_seen_at_its_own_frequency_only(clean):
    hum = clean + 20 * np.sin(2 * np.pi * 50 * np.arange(clean.shape[1]) / RATE_HZ)
    assert eeg.mains_share(clean, RATE_HZ, 50) < 0.1
    assert eeg.mains_share(hum, RATE_HZ, 50) > 0.3
    assert eeg.mains_share(hum, RATE_HZ, 60) < 0.3


def test_mains_above_what_the_rate_can_show_is_not_measured(clean):
    assert np.isnan(eeg.mains_share(clean, 100, 50))
