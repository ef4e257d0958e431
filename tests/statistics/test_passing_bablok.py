import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.statistics import pairwise_slopes
from medassay.statistics.line import Line
from medassay.statistics.paired import bare
from medassay.statistics.pairwise_slopes import count_slopes, ranked_slopes
from medassay.statistics.passing_bablok import cusum_linearity, passing_bablok

WHOLE = st.integers(-60, 60).map(float)
points = st.lists(st.tuples(WHOLE, WHOLE), min_size=4, max_size=16).map(
    lambda rows: (np.array([x for x, _ in rows]), np.array([y for _, y in rows]))
)


def near(x, spread=6, slope=1.0, seed=1):
    generator = np.random.default_rng(seed)
    return np.round(slope * x + generator.normal(0, spread, len(x)))


X = np.round(np.random.default_rng(5).uniform(10, 200, 40))
Y = near(X)


def test_sens_monotone_data_give_the_published_line_and_interval():
    # Sen, J Am Stat Assoc 63:1379-1389, 1968: slope 4, 93 % interval 26/7 to 35/8; all slopes positive, so
    # Passing-Bablok is Theil-Sen there.
    line = passing_bablok(
        [1, 2, 3, 4, 10, 12, 18], [9, 15, 19, 20, 45, 55, 78], interval="theil_sen", confidence=0.93
    )
    assert line.slope.value == pytest.approx(4)
    assert line.intercept.value == pytest.approx(6)
    assert (line.slope.lower, line.slope.upper) == (pytest.approx(26 / 7), pytest.approx(35 / 8))


def test_a_shifted_median_of_six_points_by_hand():
    # Slopes in order: -3.3, -1.04..., then those above -1; R deming's own test states 1.05 and 1/8.
    line = passing_bablok([1, 2, 3, 4, 5, 6], [2, 1.2, 4.1, 3.5, 6.3, 3])
    assert line.slope.value == pytest.approx(1.05)
    assert line.intercept.value == pytest.approx(0.125)


@settings(max_examples=25)
@given(points)
def test_ranks_found_by_their_bits_are_those_of_sorting(pair):
    x, y = pair
    first, second = np.triu_indices(len(x), 1)
    dx, dy = x[second] - x[first], y[second] - y[first]
    slopes = np.sort(dy[dx != 0] / dx[dx != 0])
    counts = count_slopes(x, y)
    assert counts.finite == len(slopes)
    assert counts.upright == int(((dx == 0) & (dy != 0)).sum())
    assert counts.below == (slopes < -1).sum()
    ranks = sorted({1, len(slopes), *range(1, len(slopes) + 1, 7)}) if len(slopes) else []
    kept, part = pairwise_slopes.KEEP, pairwise_slopes.CELLS
    try:
        pairwise_slopes.KEEP, pairwise_slopes.CELLS = 0, 40  # nothing is kept: down to the last of 64 bits
        assert ranked_slopes(x, y, ranks, counts).tolist() == [slopes[rank - 1] for rank in ranks]
    finally:
        pairwise_slopes.KEEP, pairwise_slopes.CELLS = kept, part
    assert ranked_slopes(x, y, ranks, counts).tolist() == [slopes[rank - 1] for rank in ranks]


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_swapping_the_procedures_inverts_the_line(seed):
    y = near(X, seed=seed)
    there = passing_bablok(X, y, average="radian")
    back = passing_bablok(y, X, average="radian")
    assert there.slope.value * back.slope.value == pytest.approx(1)
    assert there.slope.lower * back.slope.upper == pytest.approx(1)
    assert there.slope.upper * back.slope.lower == pytest.approx(1)


@settings(max_examples=25)
@given(points, st.randoms())
def test_the_order_of_pairs_never_matters(pair, random):
    x, y = pair
    order = list(range(len(x)))
    random.shuffle(order)
    assert passing_bablok(x, y) == passing_bablok(x[order], y[order])


@settings(max_examples=25)
@given(points, st.sampled_from([0.25, 8.0, 1024.0]), st.integers(-500, 500), st.integers(-500, 500))
def test_one_scale_for_both_and_shifts_move_the_intercept_alone(pair, factor, dx, dy):
    x, y = pair
    one, other = passing_bablok(x, y), passing_bablok(factor * (x + dx), factor * (y + dy))
    assert (one.slope.value is None) == (other.slope.value is None)
    if one.slope.value is not None:
        assert other.slope.value == pytest.approx(one.slope.value, rel=1e-9)
        expected = factor * (one.intercept.value + dy - one.slope.value * dx)
        assert other.intercept.value == pytest.approx(expected, rel=1e-9, abs=1e-6)


@settings(max_examples=25)
@given(points)
def test_turning_the_data_over_turns_the_line_over(pair):
    x, y = pair
    up = passing_bablok(x, y, direction="positive", average="tangent")
    down = passing_bablok(x, -y, direction="negative", average="tangent")
    if up.slope.value is None:
        assert down.slope.value is None
    else:
        assert down.slope.value == pytest.approx(-up.slope.value)


@settings(max_examples=25)
@given(points)
def test_the_interval_holds_the_slope_or_says_why_there_is_none(pair):
    line = passing_bablok(*pair)
    for estimate in (line.slope, line.intercept):
        if estimate.value is None or estimate.lower is None:
            assert estimate.undefined
        else:
            assert estimate.lower <= estimate.upper
    if line.slope.lower is not None:
        assert line.slope.lower <= line.slope.value <= line.slope.upper


def test_an_outlier_does_not_move_the_line():
    wild = Y.copy()
    wild[0] = 100_000
    assert passing_bablok(X, wild).slope.value == pytest.approx(passing_bablok(X, Y).slope.value, abs=0.03)


def test_the_conventions_of_tools_stand_beside_the_figure():
    x, y = np.round(X / 2), np.round(Y / 2)
    published = passing_bablok(x, y, interval="published")
    assert "interval=published" in published.slope.method
    narrow = passing_bablok(x, y, interval="theil_sen", ties="standard_deviation")
    kendall = passing_bablok(x, y, interval="theil_sen", ties="variance")
    ignored = passing_bablok(x, y, interval="theil_sen", ties="ignored")
    widths = [line.slope.upper - line.slope.lower for line in (narrow, kendall, ignored)]
    assert widths == sorted(widths)
    assert widths[0] < widths[2]


def test_readings_of_few_digits_can_be_compared_within_a_tolerance():
    x = np.array([0.83, 0.81, 0.79, 0.70, 0.90])
    y = np.array([0.81, 0.83, 0.85, 0.95, 0.75])
    exact, rounded = count_slopes(x, y), count_slopes(x, y, rounding=1e-8)
    assert rounded.at_minus_one == 4
    assert exact.at_minus_one < 4


def test_thousands_of_pairs_need_memory_for_few_of_their_slopes():
    generator = np.random.default_rng(2)
    truth = generator.uniform(1, 100, 3000)
    x, y = (truth * generator.normal(1, 0.05, 3000) for _ in range(2))
    all_slopes = 3000 * 2999 / 2 * 8
    tracemalloc.start()
    passing_bablok(x, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < all_slopes / 2


@pytest.mark.parametrize(
    ("x", "y"),
    [([], []), ([1.0, 2.0], [1.0, 2.0]), ([2.0] * 5, [1.0, 2.0, 3.0, 4.0, 5.0]), ([2.0] * 4, [3.0] * 4)],
)
def test_too_little_for_a_line_is_not_estimable(x, y):
    line = passing_bablok(x, y)
    assert line.slope.value is None
    assert line.slope.undefined


def test_few_pairs_have_a_line_without_an_interval():
    line = passing_bablok([1.0, 2.0, 4.0], [1.0, 2.5, 4.0])
    assert line.slope.value is not None
    assert "turns past the vertical" in line.slope.undefined


def test_bad_values_and_too_many_pairs_are_refused():
    with pytest.raises(WrongUse, match="not finite"):
        passing_bablok([1.0, np.nan], [1.0, 2.0])
    with pytest.raises(WrongUse, match="20001 pairs"):
        passing_bablok(np.arange(20_001.0), np.arange(20_001.0))


def test_the_cusum_of_alternating_points_by_hand():
    # Three above and three below alternate: scores +1 and -1, cusum 1, L = 3.
    x = np.array([1.0, 2, 3, 4, 5, 6])
    line = Line(bare(1.0, 6, "given"), bare(0.0, 6, "given"), None, None, "given", 6)
    test = cusum_linearity(x, x + np.array([1, -1, 1, -1, 1, -1]) * 0.1, line)
    assert test.statistic.value == pytest.approx(1 / 2)


def test_a_bent_relation_fails_the_cusum_and_a_straight_one_passes():
    x = np.linspace(1, 20, 60)
    straight = x + np.random.default_rng(1).normal(0, 1, 60)
    bent = x + 0.05 * (x - 10) ** 2
    assert cusum_linearity(x, bent, passing_bablok(x, bent)).p < 0.05
    assert cusum_linearity(x, straight, passing_bablok(x, straight)).p > 0.05
