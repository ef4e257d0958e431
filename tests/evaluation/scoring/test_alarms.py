"""Scoring of alarms: statistics, the missing prediction, double entry, and the audit of causality."""

import numpy as np
import pytest

from medassay.core.errors import WrongUse
from medassay.evaluation.figure_of_sums import is_proportion
from medassay.evaluation.scoring import alarms as scoring
from medassay.formats.ivd.trace import Trace, episodes_of, write_alarms, write_episodes, write_trace
from medassay.tasks.alarms import EpisodeRules

TIMES = np.arange(0, 2 * 1440, 15.0)
GLUCOSE = 6 + 4.5 * np.sin(TIMES / 1440 * 2 * np.pi * 1.5) - 0.0 * TIMES
TRACE = Trace(TIMES, GLUCOSE.round(2), np.zeros(len(TIMES), bool))
REFERENCE = episodes_of(TRACE, EpisodeRules())
LABEL = write_episodes(REFERENCE)
PUBLIC = {
    "R-1.csv": write_trace(TRACE),
    "R-1.cbg.csv": b"time_min,glucose_mmol_per_l\n-15,6\n15,6.2\n2000,7\n",
}
OPTIONS = scoring.Options()
STARTS = [start for start, _ in REFERENCE.hypo]


def score(prediction, samples=PUBLIC):
    return scoring.score(LABEL, prediction, samples, OPTIONS)


def figure(statistics, name):
    metric = scoring.metrics(OPTIONS)[name]
    top = sum(weight * statistics[key] for key, weight in metric.numerator.items())
    return top / sum(weight * statistics[key] for key, weight in metric.denominator.items())


def test_alarms_before_every_episode_are_a_full_score():
    statistics = score(write_alarms({"hypo": [s - 15 for s in STARTS], "hyper": []})).statistics
    assert len(STARTS) > 1
    assert figure(statistics, "sensitivity[hypo]") == 1
    assert figure(statistics, "false_alarms_per_day[hypo]") == 0
    assert figure(statistics, "precision[hypo]") == 1
    assert figure(statistics, "mean_lead_time[hypo]") == 15
    assert figure(statistics, "sensitivity[hyper]") == 0


def test_a_missing_prediction_is_worse_than_silence_and_than_noise():
    missing, silent = score(None).statistics, score(write_alarms({"hypo": [], "hyper": []})).statistics
    assert missing["hypo_detected"] == silent["hypo_detected"] == 0
    assert missing["hypo_missed"] == silent["hypo_missed"] == len(STARTS)
    assert missing["hypo_false_alarms"] > 20 > silent["hypo_false_alarms"]


@pytest.mark.parametrize("samples", [PUBLIC, {}], ids=["with trace", "without"])
@pytest.mark.parametrize(
    "prediction",
    [
        None,
        write_alarms({"hypo": [], "hyper": []}),
        write_alarms({"hypo": TIMES.tolist(), "hyper": TIMES[::3].tolist()}),
        write_alarms({"hypo": [7.77, 400.0, 1000.01], "hyper": [61.5]}),
    ],
    ids=["missing", "silent", "always", "some"],
)
def test_headline_statistics_are_entered_twice(prediction, samples):
    first = scoring.score(LABEL, prediction, samples, OPTIONS).statistics
    second = scoring.second(LABEL, prediction, samples, OPTIONS)
    assert set(second) == set(scoring.HEADLINE)
    assert {name: first[name] for name in second} == pytest.approx(dict(second), abs=scoring.SECOND_TOLERANCE)


def test_a_prediction_that_does_not_fit_is_refused():
    for content in (b"time_min,kind\n99999,hypo\n", b"time;kind\n", b"time_min,kind\n5,low\n"):
        with pytest.raises(WrongUse):
            score(content)


def test_every_metric_is_made_of_statistics_that_exist():
    statistics = score(None).statistics
    for metric in scoring.metrics(OPTIONS).values():
        assert {*metric.numerator, *metric.denominator} <= set(statistics)


def test_a_missed_episode_is_worse_than_a_found_one():
    found = write_alarms({"hypo": [s - 15 for s in STARTS], "hyper": []})
    assert score(write_alarms({"hypo": [], "hyper": []})).badness > score(found).badness


def test_the_excerpt_shows_the_first_missed_episode():
    late = [s - 15 for s in STARTS[:1]]
    excerpt = score(write_alarms({"hypo": late, "hyper": []})).excerpt
    assert excerpt["from_min"] <= STARTS[1] <= excerpt["to_min"]
    assert score(None, {}).excerpt is None


def test_copies_hold_nothing_after_the_cut_and_look_like_samples():
    copies = scoring.audit_copies("R-1", PUBLIC, scoring.Options(audit_copies=3))
    assert len({copy.copy_id for copy in copies}) == 3
    for copy in copies:
        for name, content in copy.files.items():
            assert name.startswith(copy.copy_id)
            minutes = [float(line.split(b",")[0]) for line in content.splitlines()[1:]]
            assert max(minutes) <= copy.cut_min


def causal(samples):
    times, glucose = np.loadtxt(samples, delimiter=",", skiprows=1, usecols=(0, 1)).T
    falling = np.diff(glucose, prepend=glucose[0]) < 0
    return write_alarms({"hypo": times[falling & (glucose < 5)].tolist(), "hyper": []})


def looking_ahead(samples):
    times, glucose = np.loadtxt(samples, delimiter=",", skiprows=1, usecols=(0, 1)).T
    low = np.roll(glucose, -2) < 3.9
    return write_alarms({"hypo": times[low].tolist(), "hyper": []})


@pytest.mark.parametrize(("device", "honest"), [(causal, True), (looking_ahead, False)])
def test_the_audit_tells_a_device_that_looks_ahead(device, honest):
    copies = scoring.audit_copies("R-1", PUBLIC, scoring.Options(audit_copies=8))
    whole = device(PUBLIC["R-1.csv"].decode().splitlines())
    findings = [
        finding
        for copy in copies
        for finding in scoring.audit(
            whole, device(copy.files[f"{copy.copy_id}.csv"].decode().splitlines()), copy
        )
    ]
    assert (not findings) == honest


def test_a_copy_without_alarms_proves_nothing():
    copy = scoring.audit_copies("R-1", PUBLIC, OPTIONS)[0]
    assert scoring.audit(write_alarms({"hypo": [], "hyper": []}), None, copy)


def test_sensitivity_and_precision_are_parts_of_a_whole_and_bound_as_such():
    metrics = scoring.metrics(OPTIONS)
    told = {name: is_proportion(metric) for name, metric in metrics.items()}
    assert {name for name, part in told.items() if part} == {
        f"{figure}[{kind}]" for figure in ("sensitivity", "precision") for kind in ("hypo", "hyper")
    }
