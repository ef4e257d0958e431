"""Agreement of counts: hand-worked values, scipy and scikit-learn, simulation, and bad input."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from medassay.core.errors import WrongUse
from medassay.statistics.counting import (
    by_class,
    count_dispersion,
    exact_count_rate,
    mean_absolute_count_error,
    mean_count_error,
    poisson_agreement,
)

count = st.integers(0, 60)
pairs = st.lists(st.tuples(count, count), min_size=1, max_size=10)


def sides(rows):
    return [a for a, _ in rows], [b for _, b in rows]


@given(rows=pairs)
def test_poisson_agreement_is_the_exact_binomial_test_of_each_pair(rows):
    within = [a + b == 0 or binomtest(a, a + b).pvalue > 0.05 for a, b in rows]
    assert poisson_agreement(*sides(rows)).value == pytest.approx(np.mean(within))


@given(rows=pairs, data=st.data())
def test_figures_depend_on_no_order_and_only_the_bias_on_the_side(rows, data):
    shuffled = data.draw(st.permutations(rows))
    turned = [(b, a) for a, b in rows]
    bias, absolute = (
        lambda r: mean_count_error(*sides(r), seed=1, replicates=5).value,
        lambda r: mean_absolute_count_error(*sides(r), seed=1, replicates=5).value,
    )
    assert bias(rows) == pytest.approx(bias(shuffled)) == pytest.approx(-bias(turned))
    assert absolute(rows) == pytest.approx(absolute(shuffled)) == pytest.approx(absolute(turned))
    assert abs(bias(rows)) <= absolute(rows) + 1e-12
    for figure in (poisson_agreement, count_dispersion):
        assert figure(*sides(rows)).value == pytest.approx(figure(*sides(turned)).value)


def test_scikit_learn_gives_the_same_absolute_error():
    from sklearn.metrics import mean_absolute_error

    reference, prediction = np.random.default_rng(1).integers(0, 99, (2, 30))
    ours = mean_absolute_count_error(reference, prediction, seed=1, replicates=50)
    assert ours.value == pytest.approx(mean_absolute_error(reference, prediction))
    assert ours.lower < ours.value < ours.upper


def test_counts_of_one_mean_agree_as_often_as_the_level_says_and_disperse_as_one():
    draw = np.random.default_rng(2)
    same = draw.poisson(40, (2, 4000))
    assert 0.95 <= poisson_agreement(*same).value <= 0.97  # conservative: counts are whole
    found = count_dispersion(*same)
    assert found.lower < 1 < found.upper
    noisy = draw.poisson(40 * np.exp(draw.normal(0, 0.3, (2, 4000))))
    assert poisson_agreement(*noisy).value < 0.8
    assert count_dispersion(*noisy).lower > 2


def test_the_interval_of_dispersion_covers_at_its_level():
    draw = np.random.default_rng(4)
    covered = [
        found.lower <= 1 <= found.upper
        for found in (count_dispersion(*draw.poisson(30, (2, 25))) for _ in range(400))
    ]
    assert np.mean(covered) >= 0.92


def test_exact_counts_are_a_share_of_cases_or_of_clustered_cases():
    reference, prediction = [5, 5, 7, 8], [5, 6, 7, 8]
    plain = exact_count_rate(reference, prediction, seed=1)
    assert (plain.value, plain.method, plain.n_subjects) == (0.75, "wilson", 4)
    assert exact_count_rate(reference, prediction, seed=1, tolerance=1).value == 1
    clustered = exact_count_rate(reference, prediction, seed=1, subject=["a", "a", "b", "c"])
    assert (clustered.value, clustered.n_subjects) == (0.75, 3)


def test_each_class_is_counted_by_itself():
    found = by_class([[10, 1], [8, 0]], [[9, 1], [8, 1]], classes=["RBC", "WBC"])
    assert {n: mean_count_error(*p, seed=1).value for n, p in found.items()} == {"RBC": -0.5, "WBC": 0.5}
    with pytest.raises(WrongUse, match="a column a class"):
        by_class([[1, 2]], [[1]], classes=["RBC", "WBC"])


def test_what_cannot_be_estimated_is_said():
    assert count_dispersion([0, 0], [0, 0]).undefined == "no pair counted anything"
    alike = count_dispersion([3, 4], [3, 4])
    assert (alike.value, alike.lower, alike.undefined) == (0, None, "no interval: all pairs are equal")
    assert mean_count_error([], [], seed=1).undefined == "no case"
    assert exact_count_rate([], [], seed=1).value is None
    assert poisson_agreement([], []).value is None


@pytest.mark.parametrize("fault", [[np.nan], [-1], [0.5], [1, 2], [[1]]])
def test_what_is_no_count_is_refused(fault):
    for figure in (poisson_agreement, count_dispersion):
        with pytest.raises(WrongUse, match="whole numbers"):
            figure(fault, [1])
    with pytest.raises(WrongUse):
        exact_count_rate([1], [1], seed=1, tolerance=-1)
    with pytest.raises(WrongUse):
        mean_count_error([1, 2], [1, 2], seed=1, subject=[1])
