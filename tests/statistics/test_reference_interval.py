import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.statistics.order_statistics import interpolated, quantile_ranks
from medassay.statistics.reference_interval import (
    dixon_outlier,
    nonparametric_reference_interval,
    robust_reference_interval,
    tukey_outliers,
    verify_reference_interval,
)

# CLSI EP28-A3c, appendix B: twenty calcium results; limits as the R package mcradds prints them.
CALCIUM = [8.9, 9.2, 9.4, 9.4, *[9.5] * 3, *[9.6] * 4, *[9.7] * 5, 9.8, 9.9, 9.9, 10.2]


def test_the_robust_example_of_the_guideline_is_reproduced():
    found = robust_reference_interval(CALCIUM, seed=1, replicates=300)
    assert found.lower.value == pytest.approx(9.049545, abs=2e-6)
    assert found.upper.value == pytest.approx(10.199396, abs=2e-6)
    assert found.lower.lower < found.lower.value < found.lower.upper
    assert found.enough


@pytest.mark.parametrize(
    ("n", "ranks"),
    # EP28-A3c, table of ranks of the 90 % interval of the 2.5th percentile (Reed et al. 1971).
    [(119, (1, 7)), (120, (1, 7)), (132, (1, 7)), (118, None)],
)
def test_ranks_are_those_of_the_guidelines_table(n, ranks):
    assert quantile_ranks(n, 0.025, 0.90) == ranks


def test_ranks_hold_the_quantile_as_often_as_they_say():
    generator = np.random.default_rng(1)
    low, high = quantile_ranks(150, 0.025, 0.90)
    samples = np.sort(generator.uniform(size=(4000, 150)), axis=1)
    held = (samples[:, low - 1] <= 0.025) & (samples[:, high - 1] >= 0.025)
    assert 0.90 <= held.mean() <= 0.97


def test_limits_lie_at_the_printed_ranks():
    found = nonparametric_reference_interval(np.arange(1.0, 121.0))
    # r = 0.025 x 121 = 3.025 and 117.975.
    assert (found.lower.value, found.upper.value) == (pytest.approx(3.025), pytest.approx(117.975))
    assert (found.upper.lower, found.upper.upper) == (114.0, 120.0)
    assert found.enough


def test_119_individuals_are_not_enough_and_38_have_no_limit():
    assert not nonparametric_reference_interval(np.arange(119.0)).enough
    assert nonparametric_reference_interval(np.arange(38.0)).lower.value is None
    small = nonparametric_reference_interval(np.arange(60.0))
    assert small.lower.undefined.startswith("no interval: too few values")


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.floats(0.1, 10), st.floats(-50, 50))
def test_scale_and_shift_move_the_limits_with_them(seed, factor, shift):
    x = np.random.default_rng(seed).normal(10, 2, 130)
    for one, other in (
        (nonparametric_reference_interval(x), nonparametric_reference_interval(factor * x + shift)),
        (
            robust_reference_interval(x, seed=1, replicates=20),
            robust_reference_interval(factor * x + shift, seed=1, replicates=20),
        ),
    ):
        for name in ("lower", "upper"):
            ours = getattr(one, name).value * factor + shift
            assert getattr(other, name).value == pytest.approx(ours, rel=1e-6, abs=1e-6)


def test_mirrored_results_have_mirrored_limits():
    x = np.random.default_rng(2).gamma(3, size=140)
    one, other = nonparametric_reference_interval(x), nonparametric_reference_interval(-x)
    assert one.lower.value == pytest.approx(-other.upper.value)
    assert one.lower.lower == pytest.approx(-other.upper.upper)


def test_a_wild_value_moves_the_robust_limits_little():
    x = np.random.default_rng(3).normal(100, 5, 40)
    wild = x.copy()
    wild[0] = 1000.0
    one = robust_reference_interval(x, seed=1, replicates=20)
    other = robust_reference_interval(wild, seed=1, replicates=20)
    assert abs(other.lower.value - one.lower.value) < 15
    assert (wild.mean() - 1.96 * wild.std()) < 0


@pytest.mark.parametrize(
    ("outside", "n", "verdict"),
    [(2, 20, "met"), (3, 20, "not_met"), (0, 19, "not_enough"), (0, 0, "not_enough")],
)
def test_two_of_twenty_may_lie_outside(outside, n, verdict):
    results = [5.0] * (n - outside) + [99.0] * outside
    assert verify_reference_interval(results, 4.0, 8.0).verdict == verdict


def test_outliers_by_both_rules():
    x = [1.0, 2, 3, 4, 5, 6, 7, 30]
    assert tukey_outliers(x).tolist() == [False] * 7 + [True]
    assert dixon_outlier(x, "high")
    assert not dixon_outlier(x, "low")
    assert not tukey_outliers([1.0, 2.0]).any()
    assert not dixon_outlier([2.0, 2.0, 2.0], "high")


def test_no_spread_or_too_few_values_are_not_estimable():
    assert "no spread" in robust_reference_interval([5.0] * 30, seed=1).lower.undefined
    assert "fewer than four" in robust_reference_interval([1.0, 2.0], seed=1).lower.undefined
    assert nonparametric_reference_interval([]).lower.value is None
    assert interpolated(np.array([1.0]), 0.5) is None


def test_bad_values_are_refused():
    with pytest.raises(WrongUse, match="not finite"):
        nonparametric_reference_interval([1.0, np.nan])
    with pytest.raises(WrongUse, match="lower limit"):
        verify_reference_interval([1.0], 5.0, 4.0)
