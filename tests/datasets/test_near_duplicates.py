"""Planted copies are found, and different content is not taken for a copy."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from scipy.signal import resample_poly

from medassay.core.findings import Reason, Severity
from medassay.datasets import sketch
from medassay.datasets.near_duplicates import Pair, findings, groups, likeness_of_images, pairs
from medassay.datasets.sketch import Sketch


def picture(seed, shape=(160, 200)):
    """Blobs at several sizes, as tissue has them."""
    chance = np.random.default_rng(seed)
    layers = [ndimage.gaussian_filter(chance.normal(size=shape), width) * width for width in (2, 5, 12, 30)]
    return np.sum(layers, axis=0)


def jpeg(values):
    scaled = (np.interp(values, (values.min(), values.max()), (0, 255))).astype(np.uint8)
    sink = io.BytesIO()
    Image.fromarray(scaled).save(sink, "JPEG", quality=50)
    return np.asarray(Image.open(sink), float)


image_copies = {
    "re-encoded": jpeg,
    "other window": lambda v: (v - v.min()) ** 1.2 * 7 + 1000,
    "half the size": lambda v: ndimage.zoom(v, 0.5, order=1),
    "larger": lambda v: ndimage.zoom(v, 1.6, order=1),
    "cropped": lambda v: v[12:-10, 20:-5],
    "cropped, smaller and re-encoded": lambda v: jpeg(ndimage.zoom(v[9:, :-21], 0.7, order=1)),
    "mirrored": lambda v: v[:, ::-1],
    "turned": np.rot90,
    "noisier": lambda v: v + np.random.default_rng(9).normal(0, 0.03 * np.ptp(v), v.shape),
}


@pytest.mark.parametrize("change", image_copies.values(), ids=image_copies)
def test_a_changed_copy_of_an_image_is_found_and_the_others_are_not(change):
    made = {f"R-{n}": sketch.of_image(picture(n)) for n in range(3)}
    made["R-x"] = sketch.of_image(change(picture(1)))
    assert [(pair.first, pair.second) for pair in pairs(made)] == [("R-1", "R-x")]


def test_a_volume_is_known_by_its_slices_together():
    volume = np.stack([picture(7, (60, 50)) + picture(n, (60, 50)) / 2 for n in range(12)])
    one, copy = sketch.of_image(volume), sketch.of_image(volume[1:-2, 4:, :-3])
    assert likeness_of_images(one.content, copy.content) > 0.84


def beats(seed, seconds=120, hz=250):
    """Two leads with narrow peaks at irregular times, drift and noise."""
    chance = np.random.default_rng(seed)
    times = np.cumsum(chance.normal(0.8, 0.06, int(seconds / 0.8)))
    at = np.arange(seconds * hz) / hz
    wave = sum(np.exp(-0.5 * ((at - time) / 0.012) ** 2) for time in times)
    noise = chance.normal(0, 0.02, (2, len(at)))
    return np.stack([wave, -0.6 * wave]).T + noise.T + np.sin(at / 3)[:, None]


def sketched(signal, hz=250):
    return sketch.of_signal(signal, hz, spacing=0.5)


signal_copies = {
    "other gain, offset and steps": lambda s: (np.rint(s * 60) / 60 * -4 + 2, 250),
    "other rate": lambda s: (resample_poly(s, 18, 25, axis=0), 180),
    "first half": lambda s: (s[: len(s) // 2], 250),
    "a part from the middle, at another rate": lambda s: (resample_poly(s[7001:17002], 2, 1, axis=0), 500),
    "leads swapped": lambda s: (s[:, ::-1], 250),
    "one lead": lambda s: (s[:, :1], 250),
    "a gap": lambda s: (np.where((np.arange(len(s)) // 500 == 3)[:, None], np.nan, s), 250),
}


@pytest.mark.parametrize("change", signal_copies.values(), ids=signal_copies)
def test_a_changed_copy_of_a_recording_is_found_and_the_others_are_not(change):
    made = {f"R-{n}": sketched(beats(n)) for n in range(4)}
    made["R-x"] = sketched(*change(beats(2)))
    assert [(pair.first, pair.second) for pair in pairs(made)] == [("R-2", "R-x")]


@pytest.mark.parametrize(
    "content",
    [np.zeros((20, 20)), np.ones((3, 3)), np.full((20, 20), np.nan), np.zeros((0, 4)), np.arange(5.0)],
)
def test_an_image_that_says_nothing_has_no_sketch(content):
    assert sketch.of_image(content) is None


@pytest.mark.parametrize(
    ("content", "rate"),
    [
        (np.zeros((5000, 2)), 250),
        (np.full((5000, 1), np.nan), 250),
        (np.zeros((0, 1)), 250),
        (np.random.default_rng(0).normal(size=(300, 1)), 250),
        (np.random.default_rng(0).normal(size=(9000, 1)), 0),
        (np.random.default_rng(0).normal(size=(9000, 1)), float("nan")),
    ],
)
def test_a_recording_that_says_nothing_has_no_sketch(content, rate):
    assert sketch.of_signal(content, rate, spacing=0.5) is None


def test_a_sketch_is_read_back_as_it_was_written():
    for one in (sketch.of_image(picture(1)), sketched(beats(1))):
        again = Sketch.from_bytes(one.to_bytes())
        assert again.form == one.form
        assert np.array_equal(again.content, one.content)


def test_people_who_share_content_are_one_group_through_any_number_of_links():
    subjects = {"R-1": "S-c", "R-2": "S-b", "R-3": "S-a", "R-4": "S-d"}
    found = [Pair("R-1", "R-2", 0.9), Pair("R-2", "R-3", 0.9)]
    assert groups(found, subjects) == {"S-a": "S-a", "S-b": "S-a", "S-c": "S-a", "S-d": "S-d"}


def test_a_pair_under_two_subjects_is_told_as_perhaps_one_person():
    [told] = findings([Pair("R-1", "R-2", 0.913)], Severity.WARN)
    assert (told.reason, told.sample) == (Reason.SAME_SUBJECT, "R-1")
    assert "R-2" in told.found
    assert "same_person" in told.remedy
