import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.statistics.deming import (
    deming,
    deming_known_errors,
    fit_deming,
    fit_weighted_deming,
    weighted_deming,
)
from medassay.statistics.least_squares import least_squares

X = np.array([1.0, 2.0, 3.0, 4.0, 5.5, 7.0, 8.0, 11.0])
Y = np.array([1.2, 1.9, 3.3, 3.8, 5.9, 6.6, 8.4, 10.7])

pairs = st.lists(
    st.tuples(st.floats(1, 100), st.floats(-5, 5)), min_size=6, max_size=25, unique_by=lambda row: row[0]
).map(lambda rows: (np.array([x for x, _ in rows]), np.array([2 + x + e for x, e in rows])))

# Pearson's data with York's weights; published solution: slope -0.480533, intercept 5.47991
# (York, Can J Phys 44:1079-1086, 1966; York et al., Am J Phys 72:367-375, 2004).
PEARSON_X = [0.0, 0.9, 1.8, 2.6, 3.3, 4.4, 5.2, 6.1, 6.5, 7.4]
PEARSON_Y = [5.9, 5.4, 4.4, 4.6, 3.5, 3.7, 2.8, 2.8, 2.4, 1.5]
YORK_X_WEIGHT = [1000, 1000, 500, 800, 200, 80, 60, 20, 1.8, 1]
YORK_Y_WEIGHT = [1, 1.8, 4, 8, 20, 20, 70, 70, 100, 500]


def correlated(x, y):
    return abs(np.corrcoef(x, y)[0, 1]) > 0.2


def test_yorks_weights_on_pearsons_data_give_the_published_line():
    line = deming_known_errors(
        PEARSON_X,
        PEARSON_Y,
        x_error=1 / np.sqrt(YORK_X_WEIGHT),
        y_error=1 / np.sqrt(YORK_Y_WEIGHT),
    )
    assert line.slope.value == pytest.approx(-0.480533, abs=1e-6)
    assert line.intercept.value == pytest.approx(5.47991, abs=1e-5)


@settings(max_examples=25)
@given(pairs)
def test_swapping_the_procedures_inverts_the_line_when_errors_are_equal(pair):
    x, y = pair
    assume(correlated(x, y))
    there, back = deming(x, y), deming(y, x)
    assert there.slope.value * back.slope.value == pytest.approx(1)
    assert back.intercept.value == pytest.approx(-there.intercept.value / there.slope.value, abs=1e-6)


@settings(max_examples=25)
@given(pairs, st.floats(0.3, 3))
def test_swapping_the_procedures_and_the_error_ratio_inverts_the_line(pair, ratio):
    x, y = pair
    assume(correlated(x, y))
    there = deming(x, y, error_ratio=ratio)
    back = deming(y, x, error_ratio=1 / ratio)
    assert there.slope.value * back.slope.value == pytest.approx(1)


@pytest.mark.parametrize("regression", [deming, weighted_deming])
@settings(max_examples=25)
@given(pair=pairs, factor=st.sampled_from([1e-6, 0.5, 18.0156, 1e6]))
def test_a_change_of_unit_leaves_slope_and_interval_and_scales_the_intercept(regression, pair, factor):
    x, y = pair
    assume(correlated(x, y) and y.min() > 0)
    one, other = regression(x, y), regression(x * factor, y * factor)
    if one.slope.value is None:
        assert other.slope.value is None
        return
    assert other.slope.value == pytest.approx(one.slope.value, rel=1e-7)
    assert other.slope.lower == pytest.approx(one.slope.lower, rel=1e-4, abs=1e-6)
    assert other.intercept.value / factor == pytest.approx(one.intercept.value, rel=1e-6, abs=1e-6)


@settings(max_examples=25)
@given(pairs, st.floats(-50, 50), st.floats(-50, 50))
def test_shifting_both_scales_moves_the_intercept_alone(pair, dx, dy):
    x, y = pair
    assume(correlated(x, y))
    one, other = deming(x, y), deming(x + dx, y + dy)
    assert other.slope.value == pytest.approx(one.slope.value, rel=1e-6)
    expected = one.intercept.value + dy - one.slope.value * dx
    assert other.intercept.value == pytest.approx(expected, rel=1e-5, abs=1e-4)


@settings(max_examples=25)
@given(pairs, st.randoms())
def test_the_order_of_pairs_never_matters(pair, random):
    x, y = pair
    assume(correlated(x, y))
    order = list(range(len(x)))
    random.shuffle(order)
    one, other = deming(x, y), deming(x[order], y[order])
    assert other.slope.value == pytest.approx(one.slope.value)
    assert other.slope.upper == pytest.approx(one.slope.upper)


@pytest.mark.parametrize("fit", [fit_deming, fit_weighted_deming])
def test_leaving_a_pair_out_is_the_fit_without_it(fit):
    whole = fit(X, Y, 1.3)
    for left in range(len(X)):
        rest = fit(np.delete(X, left), np.delete(Y, left), 1.3)
        assert whole.left_out[left] == pytest.approx([rest.slope, rest.intercept], rel=1e-9)


def test_a_comparator_without_error_is_the_limit_of_least_squares():
    line = deming(X, Y, error_ratio=1e-9)
    assert line.slope.value == pytest.approx(least_squares(X, Y).slope.value, rel=1e-6)


def test_points_on_a_line_are_found_exactly_with_an_interval_of_no_width():
    line = deming(X, 3 + 2 * X)
    assert (line.slope.value, line.intercept.value) == (pytest.approx(2), pytest.approx(3))
    assert line.slope.upper - line.slope.lower == pytest.approx(0, abs=1e-9)


def test_a_constant_coefficient_of_variation_is_fitted_better_with_weights():
    generator = np.random.default_rng(3)
    truth = generator.uniform(1, 100, 60)
    slopes = []
    for _ in range(100):
        x, y = truth * generator.normal(1, 0.08, 60), truth * generator.normal(1, 0.08, 60)
        slopes.append([deming(x, y).slope.value, weighted_deming(x, y).slope.value])
    constant, weighted = np.std(slopes, axis=0)
    assert weighted < constant


def test_without_correlation_there_is_no_line():
    line = deming([1.0, 1.0, 3.0, 3.0], [1.0, 3.0, 1.0, 3.0])
    assert line.slope.value is None
    assert "no correlation" in line.slope.undefined


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_pairs_are_not_estimable(n):
    for regression in (deming, weighted_deming, least_squares):
        assert "fewer than three" in regression(X[:n], Y[:n]).slope.undefined


@pytest.mark.parametrize(
    ("x", "y", "found"),
    [
        ([1.0, np.nan, 3.0], [1.0, 2.0, 3.0], "not finite"),
        ([1.0, np.inf, 3.0], [1.0, 2.0, 3.0], "not finite"),
        ([1.0, 1e200, 3.0], [1.0, 2.0, 3.0], "not finite"),
        ([1.0, 2.0], [1.0, 2.0, 3.0], "2 values of x and 3 of y"),
        ([[1.0, 2.0]], [1.0, 2.0], "shape"),
        (["1.0", "<0.1"], [1.0, 2.0], "shape"),
    ],
)
def test_bad_values_are_refused_and_never_quoted(x, y, found):
    for regression in (deming, weighted_deming, least_squares):
        with pytest.raises(WrongUse) as error:
            regression(x, y)
        assert found in str(error.value)
        assert "0.1" not in str(error.value)


def test_weights_need_values_above_zero():
    for regression in (weighted_deming, lambda x, y: least_squares(x, y, weights="inverse_square")):
        with pytest.raises(WrongUse, match="at or below zero"):
            regression([0.0, 1.0, 2.0], [1.0, 2.0, 3.0])


@pytest.mark.parametrize("ratio", [0.0, -1.0, np.nan, np.inf])
def test_an_impossible_error_ratio_is_refused(ratio):
    with pytest.raises(WrongUse, match="error ratio"):
        deming(X, Y, error_ratio=ratio)


def test_the_jackknife_interval_holds_a_true_slope_about_as_often_as_it_says():
    generator = np.random.default_rng(11)
    truth = generator.uniform(10, 100, 50)
    held = 0
    for _ in range(400):
        line = deming(truth + generator.normal(0, 4, 50), 1.05 * truth + generator.normal(0, 4, 50))
        held += line.slope.lower <= 1.05 <= line.slope.upper
    assert 0.91 <= held / 400 <= 0.98
