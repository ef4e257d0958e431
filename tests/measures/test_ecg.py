import numpy as np
import pytest

from medassay.measures import ecg

HZ = 360
T = np.arange(60 * HZ) / HZ
CLEAN = (np.exp(-(((T % 0.8) - 0.4) ** 2) / 2e-4) + 0.02 * np.sin(2 * np.pi * 0.3 * T))[:, None]


def test_a_flat_lead_is_flat_and_not_clipped():
    flat = np.full_like(CLEAN, 0.3)
    assert ecg.flat_share(flat, HZ) == [1.0]
    assert ecg.clipped_share(flat) == [0.0]
    assert ecg.flat_share(CLEAN, HZ) == [0.0]


def test_clipping_is_told_from_a_single_high_beat():
    assert ecg.clipped_share(np.minimum(CLEAN, 0.5)) > 0.03
    assert ecg.clipped_share(CLEAN) == [0.0]


@pytest.mark.parametrize("hz", [50, 60])
def test_mains_of_either_country_is_found(hz):
    noisy = CLEAN + 0.3 * np.sin(2 * np.pi * hz * T)[:, None]
    assert ecg.mains_share(noisy, HZ) > 0.5
    assert ecg.mains_share(CLEAN, HZ) < 0.02


def test_amplitude_follows_the_scale():
    assert ecg.amplitude_mv(CLEAN, HZ) == pytest.approx([1.0], abs=0.1)
    assert ecg.amplitude_mv(10 * CLEAN, HZ) == pytest.approx(10 * ecg.amplitude_mv(CLEAN, HZ))


def test_noise_does_not_count_the_beats():
    noise = np.random.default_rng(1).normal(0, 0.1, CLEAN.shape)
    assert ecg.noise_mv(CLEAN, HZ) < 0.01
    assert 0.06 < ecg.noise_mv(CLEAN + noise, HZ)[0] < 0.11


def test_wander_is_of_the_baseline():
    slow = 0.5 * np.sin(2 * np.pi * 0.05 * T)[:, None]
    assert ecg.wander_mv(CLEAN + slow, HZ) > 0.3
    assert ecg.wander_mv(CLEAN, HZ) < 0.05


def test_lost_samples_are_counted_and_break_no_other_figure():
    lost = CLEAN.copy()
    lost[: 30 * HZ] = np.nan
    assert ecg.lost_share(lost) == [0.5]
    assert ecg.flat_share(lost, HZ) == [0.5]
    figures = [
        ecg.noise_mv(lost, HZ),
        ecg.wander_mv(lost, HZ),
        ecg.mains_share(lost, HZ),
        ecg.amplitude_mv(lost, HZ),
    ]
    assert np.isfinite(figures).all()


def test_leads_are_measured_one_by_one():
    both = np.hstack([CLEAN, np.zeros_like(CLEAN)])
    assert ecg.flat_share(both, HZ).tolist() == [0.0, 1.0]
    assert np.isnan(ecg.mains_share(both, HZ)).tolist() == [False, True]
