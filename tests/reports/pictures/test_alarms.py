"""The picture of a glucose trace shows what the excerpt holds, the same each time, in both languages."""

import numpy as np
import pytest

from medassay.evaluation.scoring import alarms as scoring
from medassay.formats.ivd.trace import Trace, episodes_of, write_alarms, write_episodes, write_trace
from medassay.reports.pictures.alarms import MARKS, WORDS, draw
from medassay.tasks.alarms import EpisodeRules

TIMES = np.r_[np.arange(0, 600, 15.0), np.arange(700, 1440, 15.0)]
TRACE = Trace(TIMES, (7 + 5 * np.sin(TIMES / 150)).round(1), np.zeros(len(TIMES), bool))
LABEL = write_episodes(episodes_of(TRACE, EpisodeRules()))
PUBLIC = {"R-1.csv": write_trace(TRACE)}


def excerpt(prediction):
    return scoring.score(LABEL, prediction, PUBLIC, scoring.Options()).excerpt


SOME = write_alarms({"hypo": TIMES[::5].tolist(), "hyper": TIMES[::3].tolist()})


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("prediction", [None, SOME, write_alarms({"hypo": [], "hyper": []})])
def test_a_picture_is_one_svg_and_the_same_each_time(prediction, lang):
    first = draw(excerpt(prediction), lang)
    assert first.lstrip().startswith(b"<?xml")
    assert b"</svg>" in first
    assert first == draw(excerpt(prediction), lang)


def test_languages_and_predictions_give_different_pictures():
    pictures = {draw(excerpt(p), lang) for p in (None, SOME) for lang in ("zh", "en")}
    assert len(pictures) == 4


def test_every_fate_has_a_mark_and_words_in_both_languages():
    fates = {alarm["fate"] for alarm in excerpt(SOME)["alarms"]}
    assert {"true", "false", "ongoing"} <= fates <= set(MARKS)
    assert all(set(words) == {"zh", "en"} for words in WORDS.values())
    assert set(MARKS) <= set(WORDS)
