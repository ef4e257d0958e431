import numpy as np
import pytest

from medassay.core.errors import WrongUse
from medassay.statistics.decision_levels import bias_at_decision_levels
from medassay.statistics.deming import deming
from medassay.statistics.passing_bablok import passing_bablok

GENERATOR = np.random.default_rng(8)
X = GENERATOR.uniform(10, 100, 60)
Y = 1.05 * X - 1 + GENERATOR.normal(0, 2, 60)
LINES = ("least_squares", "weighted_least_squares", "deming", "weighted_deming", "passing_bablok")


def test_the_bias_is_that_of_the_line():
    found = bias_at_decision_levels(X, Y, [20.0, 80.0])
    line = deming(X, Y)
    for part in found:
        expected = line.intercept.value + (line.slope.value - 1) * part.level
        assert part.bias.value == pytest.approx(expected)
        assert part.percent.value == pytest.approx(100 * expected / part.level)
        assert part.percent.lower == pytest.approx(100 * part.bias.lower / part.level)


def test_passing_bablok_takes_its_own_line_and_resamples_items():
    part = bias_at_decision_levels(X, Y, [50.0], regression="passing_bablok", seed=3, replicates=300)[0]
    line = passing_bablok(X, Y)
    assert part.bias.value == pytest.approx(line.intercept.value + (line.slope.value - 1) * 50)
    assert part.bias.lower < part.bias.value < part.bias.upper
    assert "bootstrap_percentile(items" in part.bias.method


def test_the_intervals_of_all_lines_agree_within_reason_in_the_middle_of_the_data():
    widths = []
    for regression in LINES:
        bias = bias_at_decision_levels(X, Y, [55.0], regression=regression, replicates=300)[0].bias
        assert bias.lower < 1.05 * 55 - 1 - 55 + 1.5
        widths.append(bias.upper - bias.lower)
    assert max(widths) < 3 * min(widths)


def test_an_interval_is_widest_away_from_the_data_and_extrapolation_is_said():
    near, far = bias_at_decision_levels(X, Y, [55.0, 300.0])
    assert far.bias.upper - far.bias.lower > 3 * (near.bias.upper - near.bias.lower)
    assert (near.extrapolated, far.extrapolated) == (False, True)


@pytest.mark.parametrize(
    ("n", "allowable", "verdict"), [(60, 10.0, "met"), (60, 0.5, "not_met"), (39, 10.0, "not_enough")]
)
def test_the_whole_interval_is_judged_and_forty_samples_are_demanded(n, allowable, verdict):
    part = bias_at_decision_levels(X[:n], Y[:n], [55.0], allowable=[allowable])[0]
    assert part.criterion.verdict == verdict


@pytest.mark.parametrize("regression", LINES)
def test_without_a_line_there_is_no_bias_and_a_reason(regression):
    part = bias_at_decision_levels([1.0, 2.0], [1.0, 2.0], [1.5], regression=regression, allowable=[1.0])[0]
    assert part.bias.undefined.startswith("no line")
    assert part.criterion.verdict == "not_enough"


def test_falling_data_are_resampled_as_their_mirror_image():
    up = bias_at_decision_levels(X, Y, [50.0], regression="passing_bablok", replicates=100)[0].bias
    down = bias_at_decision_levels(X, -Y, [50.0], regression="passing_bablok", replicates=100)[0].bias
    assert up.lower + 50 == pytest.approx(-(down.upper + 50))


def test_a_level_of_zero_has_no_percent():
    assert bias_at_decision_levels(X, Y, [0.0])[0].percent.undefined == "the level is zero"


def test_bad_levels_and_limits_are_refused():
    with pytest.raises(WrongUse, match="2 allowable biases for 1 levels"):
        bias_at_decision_levels(X, Y, [10.0], allowable=[1.0, 2.0])
    with pytest.raises(WrongUse, match="allowable bias"):
        bias_at_decision_levels(X, Y, [10.0], allowable=[0.0])
    with pytest.raises(WrongUse, match="not finite"):
        bias_at_decision_levels(X, Y, [np.nan])
