import json
from dataclasses import replace

import numpy as np
import pytest

from medassay.core.errors import WrongUse
from medassay.evaluation.scoring import beats
from medassay.formats.waveform import wfdb_record as rec
from medassay.formats.waveform.wfdb_annotation import plain_annotations, write_annotations

HZ, LENGTH = 360, 40 * 360
OPTIONS = beats.Options(start_s=0)
TIMES = np.arange(360, LENGTH - 360, 300)
# Metrics of what is wrong: those of a perfect prediction are 0.
WRONG = [
    name
    for name, metric in beats.metrics(OPTIONS).items()
    if metric.better == "lower"
    and "missed_in_shutdown[F]" not in name
    and "missed_in_shutdown[Q]" not in name
]


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
    found_figures = figures([found])
    assert {name: found_figures[name] for name in WRONG} == dict.fromkeys(WRONG, 0.0)
    assert {value for name, value in found_figures.items() if name not in WRONG} == {1.0, None}
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


def test_runs_of_the_score_are_couplets_short_and_long_runs():
    truth = written(TIMES, symbols(V=[2, 3, 7, 8, 9, 20, 21, 22, 23, 24, 25], A=[30, 31]))
    less = written(TIMES, symbols(V=[2, 3, 7, 8, 20, 21, 22, 23, 24, 25], A=[30]))
    made = beats.score(truth, less, recording(), OPTIONS)
    found = figures([made])
    assert found["couplet_sensitivity[V]"] == found["long_run_sensitivity[V]"] == 1.0
    assert found["short_run_sensitivity[V]"] == found["couplet_sensitivity[S]"] == 0.0
    assert found["couplet_positive_predictivity[V]"] == 1.0
    assert found["couplet_positive_predictivity[S]"] is None
    missing = beats.score(truth, None, recording(), OPTIONS)
    assert figures([made, missing])["average_couplet_sensitivity[V]"] == 0.5


def rhythmed(*marks):
    """Normal beats with rhythm annotations a sample after the beat of each given place."""
    rows = [(int(at), "N", b"") for at in TIMES] + [(int(TIMES[k]) + 1, "+", name) for k, name in marks]
    times, names, texts = zip(*sorted(rows), strict=True)
    plain = plain_annotations(times, names)
    return write_annotations(replace(plain, aux=texts))


def test_episodes_of_the_score_are_those_of_the_rhythm_annotations():
    truth = rhythmed((3, b"(AFIB"), (13, b"(N"))
    half = rhythmed((8, b"(AFIB"), (13, b"(N"), (20, b"(AFIB"), (25, b"(N"))
    found = figures([beats.score(truth, half, recording(), OPTIONS)])
    assert found["episode_sensitivity[AF]"] == 1.0
    assert found["episode_positive_predictivity[AF]"] == 0.5
    assert found["duration_sensitivity[AF]"] == pytest.approx(0.5)
    assert found["duration_positive_predictivity[AF]"] == pytest.approx(0.5)
    assert found["episode_sensitivity[VF]"] is None
    missing = figures([beats.score(truth, None, recording(), OPTIONS)])
    assert (
        missing["average_duration_sensitivity[AF]"]
        == missing["average_duration_positive_predictivity[AF]"]
        == 0
    )


def test_the_way_of_pooling_decides_what_a_fusion_beat_called_supraventricular_is():
    truth, made = written(TIMES, symbols(F=[5], A=[11])), written(TIMES, symbols(A=[5, 11]))
    for aggregation, expected in (("exact", 0.5), ("sumstats", 1.0)):
        options = beats.Options(start_s=0, aggregation=aggregation)
        found = beats.score(truth, made, recording(), options)
        assert figures([found])["positive_predictivity[S]"] == expected
        again = beats.second(truth, made, recording(), options)
        assert {name: found.statistics[name] for name in beats.HEADLINE} == again


def test_what_lies_in_shutdown_or_fibrillation_is_as_declared():
    ours = plain_annotations(
        [*TIMES[:10], *(TIMES[9:11] + 20), *TIMES[20:]], ["N"] * 10 + ["[", "]"] + ["N"] * (len(TIMES) - 20)
    )
    silent = plain_annotations(
        [*TIMES[:5], TIMES[4] + 20, TIMES[7] + 20, *TIMES[8:]],
        ["N"] * 5 + ["~", "~"] + ["N"] * (len(TIMES) - 8),
    )
    silent = replace(silent, subtypes=np.where(np.arange(len(silent)) == 5, 0x30, 0))
    files = write_annotations(ours), write_annotations(silent)
    expected = {
        ("left_out", "missed"): (3, 9),
        ("false", "missed"): (3, 10),
        ("left_out", "left_out"): (0, 9),
    }
    for (fibrillation, in_shutdown), wrong in expected.items():
        options = beats.Options(start_s=0, fibrillation=fibrillation, in_shutdown=in_shutdown)
        found = beats.score(*files, recording(), options)
        assert (found.statistics["QRS_FN"], found.statistics["QRS_FP"]) == wrong
        assert found.statistics["Nx"] == 3
        again = beats.second(*files, recording(), options)
        assert {name: found.statistics[name] for name in beats.HEADLINE} == again


def test_a_missing_prediction_has_the_worst_false_positive_rate_on_average():
    assert figures([score(None)])["average_false_positive_rate[V]"] == 1.0
    assert figures([score(REFERENCE)])["false_positive_rate[V]"] == 0.0


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
