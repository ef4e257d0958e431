"""A detector without a miss is bounded by its number of people, as every faultless proportion is."""

import numpy as np
import pytest

from medassay.evaluation.figure_of_sums import is_proportion
from medassay.evaluation.scoring import events
from medassay.statistics.ratio import ratio

METRICS = events.metrics(events.Options())


@pytest.mark.parametrize("name", ["sensitivity", "precision", "f1", "sample_sensitivity", "sample_precision"])
def test_a_figure_of_events_that_cannot_leave_0_to_1_is_a_proportion(name):
    assert is_proportion(METRICS[name])


@pytest.mark.parametrize("name", ["false_alarms_per_day", "mean_latency", "false_seconds_per_day"])
def test_a_rate_of_events_is_none(name):
    assert not is_proportion(METRICS[name])


def test_twelve_people_without_a_missed_event_bound_the_sensitivity_from_below():
    found = ratio(
        np.full(12, 2.0),
        np.full(12, 2.0),
        undefined=METRICS["sensitivity"].undefined,
        seed=1,
        proportion=is_proportion(METRICS["sensitivity"]),
    )
    assert found.lower == pytest.approx(0.025 ** (1 / 12), abs=1e-9)  # Clopper and Pearson, 12 of 12
    assert found.upper == 1
