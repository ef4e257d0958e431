"""Every disturbance does what its strength says: nothing at 0, measurably so much at a known strength."""

import numpy as np
import pytest

from medassay.core.errors import WrongUse
from medassay.measures import perturb_ecg, perturb_eeg, perturb_image, perturb_micrograph, perturb_trace

RATE = 250.0
VOLUME = np.add.outer(np.add.outer(np.arange(9.0) ** 2, np.arange(40.0)), np.arange(30.0)) * 3
TIME = np.arange(5000) / RATE
LEADS = np.column_stack([np.sin(2 * np.pi * hz * TIME) for hz in (1.1, 2.3, 3.7, 5.1)])
COLOUR = np.random.default_rng(3).uniform(20, 240, (24, 20, 3))
TRACE = 6 + np.sin(np.arange(600) / 30)
SUITES = {
    "image": (perturb_image.SUITE, VOLUME, {}),
    "ecg": (perturb_ecg.SUITE, LEADS, {"rate_hz": RATE}),
    "eeg": (perturb_eeg.SUITE, LEADS, {"rate_hz": RATE}),
    "micrograph": (perturb_micrograph.SUITE, COLOUR, {}),
    "trace": (perturb_trace.SUITE, TRACE, {"time_min": np.arange(600) * 5.0}),
}
EVERY = [(suite, name) for suite, (table, *_) in SUITES.items() for name in table]


def disturbed(suite, name, strength, seed=1):
    table, values, given = SUITES[suite]
    return table[name].function(values, strength, np.random.default_rng(seed), **given), values


@pytest.mark.parametrize(("suite", "name"), EVERY)
def test_a_strength_of_0_changes_nothing(suite, name):
    changed, values = disturbed(suite, name, 0)
    assert np.allclose(changed, values, atol=1e-9)


@pytest.mark.parametrize(("suite", "name"), EVERY)
def test_a_strength_changes_the_values_keeps_the_shape_and_leaves_the_original(suite, name):
    before = SUITES[suite][1].copy()
    changed, values = disturbed(suite, name, 1)
    assert changed.shape == values.shape
    assert not np.array_equal(changed, values)
    assert np.array_equal(values, before)
    assert np.array_equal(changed, disturbed(suite, name, 1)[0], equal_nan=True), "the seed decides"


@pytest.mark.parametrize(("suite", "name"), EVERY)
@pytest.mark.parametrize("strength", [-0.1, float("nan"), float("inf")])
def test_a_strength_that_is_no_strength_is_refused(suite, name, strength):
    with pytest.raises(WrongUse):
        disturbed(suite, name, strength)


@pytest.mark.parametrize("name", ["mains", "baseline", "muscle"])
@pytest.mark.parametrize("snr_db", [24.0, 12.0, 6.0])
def test_noise_of_an_ecg_has_the_ratio_that_its_strength_says(name, snr_db):
    changed, values = disturbed("ecg", name, 10 ** (-snr_db / 20))
    added = ((changed - values) ** 2).mean(axis=0)
    around = ((values - np.median(values, axis=0)) ** 2).mean(axis=0)
    assert 10 * np.log10(around / added) == pytest.approx(np.full(4, snr_db), abs=0.01)


@pytest.mark.parametrize(
    ("name", "low", "high"), [("mains", 49, 51), ("baseline", 0, 1), ("muscle", 15, 126)]
)
def test_noise_of_an_ecg_lies_in_its_own_band(name, low, high):
    changed, values = disturbed("ecg", name, 0.5)
    power = (np.abs(np.fft.rfft(changed - values, axis=0)) ** 2).sum(axis=1)
    hz = np.fft.rfftfreq(len(values), 1 / RATE)
    assert power[(hz >= low) & (hz <= high)].sum() / power.sum() > 0.97


def test_a_lost_lead_is_flat_and_a_swapped_one_stands_under_the_other_name():
    lost, values = disturbed("ecg", "lead_loss", 2)
    assert int((np.ptp(lost, axis=0) == 0).sum()) == 2
    swapped, _ = disturbed("ecg", "lead_swap", 2)
    found = [int(np.argmin(np.abs(values - column[:, None]).sum(axis=0))) for column in swapped.T]
    assert sorted(found) == [0, 1, 2, 3]
    assert all(place != other for place, other in enumerate(found))
    for name in ("lead_loss", "lead_swap"):
        with pytest.raises(WrongUse):
            disturbed("ecg", name, 9)
        with pytest.raises(WrongUse, match="whole"):
            disturbed("ecg", name, 0.5)


def test_image_noise_has_the_spread_that_its_strength_says():
    low, high = perturb_image.grey_range(VOLUME)
    noisy, values = disturbed("image", "noise", 0.1)
    assert (noisy - values).std() / (high - low) == pytest.approx(0.1, rel=0.03)
    dosed, _ = disturbed("image", "dose", 0.1)
    dark, bright = values < low + 0.2 * (high - low), values > high - 0.2 * (high - low)
    assert (dosed - values)[dark].std() < 0.5 * (dosed - values)[bright].std()


def test_blur_keeps_the_mean_and_takes_the_edge_and_spacing_keeps_every_kept_slice():
    edge = np.zeros((4, 32, 32))
    edge[:, :, 16:] = 100
    generator = np.random.default_rng(1)
    soft = perturb_image.blur(edge, 1.5, generator)
    assert soft.mean() == pytest.approx(edge.mean(), rel=1e-6)
    assert np.abs(np.diff(soft, axis=2)).max() < 40
    slices = np.random.default_rng(2).uniform(size=(9, 4, 4))
    wide = perturb_image.spacing(slices, 1, generator)
    assert np.allclose(wide[::2], slices[::2])
    assert np.allclose(wide[1], (slices[0] + slices[2]) / 2)


def test_a_trace_loses_the_share_and_drifts_by_the_slope_that_was_asked():
    lost, values = disturbed("trace", "dropout", 0.25)
    assert int(np.isnan(lost).sum()) == 150
    drifting, _ = disturbed("trace", "drift", 0.5)
    slope = np.polyfit(np.arange(600) * 5.0 / 1440, drifting - values, 1)[0]
    assert abs(slope) == pytest.approx(0.5)


def test_stain_scales_the_optical_density_and_light_falls_off_to_one_side():
    stained, values = disturbed("micrograph", "stain", 0.2)
    ratio = np.log10(stained / 255) / np.log10(values / 255)
    assert np.allclose(np.sort(np.unique(np.round(np.abs(ratio - 1), 6))), [0.2])
    dimmed, _ = disturbed("micrograph", "illumination", 0.4)
    share = dimmed / values
    assert share.max() == pytest.approx(1)
    assert share.min() == pytest.approx(0.6)
