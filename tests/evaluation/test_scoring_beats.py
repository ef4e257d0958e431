import json

import numpy as np
import pytest

from medassay.core.errors import WrongUse
from medassay.evaluation.scoring import beats
from medassay.formats.waveform import wfdb_record as rec
from medassay.formats.waveform.wfdb_annotation import plain_annotations, write_annotations

HZ, LENGTH = 360, 40 * 360
OPTIONS = beats.Options(start_s=0)
TIMES = np.arange(360, LENGTH - 360, 300)


def written(times, symbols):
    return write_annotations(plain_annotations(times, list(symbols)))


def recording():
    samples = np.zeros((LENGTH, 2), np.int64)
    samples[TIMES] = 200
    lead = rec.Lead("s.dat", "212", "", 200.0, 0, "mV", 12, 0, 0, 0, "")
    header = rec.renamed(rec.Header("s", 1, HZ, LENGTH, (lead, lead)), "s", ("MLII", "V1"), samples)
    return {"s.hea": rec.write_header(header), "s.dat": rec.encode(samples, "212")}


def symbols(**at):
    found = ["N"] * len(TIMES)
    for symbol, places in at.items():
        for place in places:
            found[place] = symbol
    return found


REFERENCE = written(TIMES, symbols(V=[3, 7, 20], A=[11]))


def figures(scores):
    sums = {}
    for one in scores:
        for name, value in one.statistics.items():
            sums[name] = sums.get(name, 0) + value
    found = {}
    for name, metric in beats.metrics(OPTIONS).items():
        below = sum(weight * sums[key] for key, weight in metric.denominator.items())
        above = sum(weight * sums[key] for key, weight in metric.numerator.items())
        found[name] = above / below if below else None
    return found


def score(prediction, options=OPTIONS):
    found = beats.score(REFERENCE, prediction, recording(), options)
    again = beats.second(REFERENCE, prediction, recording(), options)
    assert {name: found.statistics[name] for name in beats.HEADLINE} == again
    return found


def test_a_perfect_prediction_has_every_figure_at_one_and_no_badness():
    found = score(REFERENCE)
    assert set(figures([found]).values()) == {1.0}
    assert found.badness == 0


def test_gross_figures_pool_beats_and_average_figures_pool_recordings():
    half = score(written(TIMES, symbols(V=[3], A=[11])))
    whole = [score(REFERENCE)] * 3
    found = figures([half, *whole])
    assert found["sensitivity[V]"] == pytest.approx(10 / 12)
    assert found["average_sensitivity[V]"] == pytest.approx((1 / 3 + 3) / 4)


def test_a_missing_prediction_counts_as_all_wrong_and_never_leaves_the_averages():
    missing, empty = score(None), score(written([], []))
    assert missing.statistics["V_FN"] == 3
    assert figures([missing, score(REFERENCE)])["average_positive_predictivity[V]"] == 0.5
    assert figures([empty, score(REFERENCE)])["average_positive_predictivity[V]"] == 1.0
    assert figures([empty])["positive_predictivity[V]"] is None


def test_a_recording_without_such_beats_has_no_such_figure():
    none = written(TIMES, symbols())
    found = beats.score(none, none, recording(), OPTIONS)
    assert figures([found])["sensitivity[V]"] is None
    assert found.statistics["V_sensitivity_records"] == 0


def test_the_learning_period_of_five_minutes_is_the_default():
    found = beats.score(REFERENCE, REFERENCE, recording(), beats.Options())
    assert found.statistics["QRS_TP"] == 0


@pytest.mark.parametrize(
    "prediction",
    [b"not annotations", written([LENGTH + 1], ["N"]), REFERENCE[:-2]],
    ids=["other bytes", "outside", "cut"],
)
def test_a_prediction_that_does_not_fit_is_refused(prediction):
    with pytest.raises(WrongUse):
        beats.score(REFERENCE, prediction, recording(), OPTIONS)


def test_without_a_header_the_clock_must_be_given():
    with pytest.raises(WrongUse, match="without a sampling rate"):
        beats.score(REFERENCE, REFERENCE, {}, OPTIONS)
    declared = beats.Options(start_s=0, sampling_hz=HZ)
    assert beats.score(REFERENCE, REFERENCE, {}, declared).statistics["V_TP"] == 3
    with pytest.raises(WrongUse, match=r"clock of 250\.0 Hz"):
        beats.score(REFERENCE, REFERENCE, recording(), beats.Options(start_s=0, sampling_hz=250))


def test_the_excerpt_is_plain_and_shows_the_worst_place():
    found = score(written(TIMES, symbols(V=[3, 7], A=[11])))
    excerpt = json.loads(json.dumps(found.excerpt, allow_nan=False))
    wrong = [mark["pair"] for mark in excerpt["wrong"]]
    assert wrong == ["Vn"]
    assert excerpt["start_s"] <= TIMES[20] / HZ <= excerpt["start_s"] + beats.STRIP_S
    assert [lead["name"] for lead in excerpt["leads"]] == ["MLII", "V1"]


def test_every_metric_is_made_of_statistics_that_a_score_has():
    have = set(score(REFERENCE).statistics)
    for metric in beats.metrics(OPTIONS).values():
        assert set(metric.numerator) | set(metric.denominator) <= have
    assert set(beats.HEADLINE) <= have
