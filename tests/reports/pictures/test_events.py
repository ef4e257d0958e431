import copy

import numpy as np
import pytest

from medassay.reports.pictures.events import WORDS, draw

EXCERPT = {
    "form": "events/1",
    "duration_s": 600.0,
    "reference": [[100.0, 140.0], [400.0, 430.0]],
    "detected": [[104.0, 150.0]],
    "page": {
        "start_s": 390.0,
        "rate_hz": 50.0,
        "labels": ["EEG Fp1-REF", "EEG F7-REF", "EEG O2-REF"],
        "unit": "uV",
        "rows": np.random.default_rng(1).normal(0, 30, (3, 1500)).round().astype(int).tolist(),
    },
}


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_same_excerpt_gives_the_same_picture(lang):
    first = draw(EXCERPT, lang)
    assert first.startswith(b"<?xml")
    assert first == draw(copy.deepcopy(EXCERPT), lang)


def test_another_detection_gives_another_picture():
    moved = EXCERPT | {"detected": [[395.0, 425.0]]}
    assert draw(EXCERPT, "en") != draw(moved, "en")


def test_a_missing_prediction_is_said_and_is_not_an_empty_lane():
    silent, missing = EXCERPT | {"detected": []}, EXCERPT | {"detected": None}
    assert len(draw(missing, "zh")) > len(draw(silent, "zh"))


def test_without_signals_the_recordings_lanes_are_drawn():
    assert draw(EXCERPT | {"page": None}, "en").startswith(b"<?xml")


def test_every_word_stands_in_both_languages():
    assert all(set(words) == {"zh", "en"} and all(words.values()) for words in WORDS.values())
