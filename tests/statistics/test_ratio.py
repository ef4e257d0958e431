import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from medassay.core.errors import WrongUse
from medassay.statistics.proportion import proportion
from medassay.statistics.ratio import ratio

counts = st.integers(2, 30).flatmap(
    lambda n: st.tuples(*[arrays(np.float64, n, elements=st.integers(1, 50).map(float)) for _ in range(2)])
)


def of(numerator, denominator, **options):
    return ratio(
        np.asarray(numerator, float),
        np.asarray(denominator, float),
        undefined="no reference event",
        seed=7,
        **options,
    )


@given(counts)
def test_value_lies_inside_its_interval_limits_and_is_repeatable(pair):
    hit, missed = pair
    first = of(hit, hit + missed, replicates=200)
    assert 0 <= first.lower <= first.upper <= 1
    assert first.value == pytest.approx(hit.sum() / (hit + missed).sum())
    assert of(hit, hit + missed, replicates=200) == first


@given(counts, st.randoms())
def test_order_of_subjects_never_changes_the_value(pair, random):
    order = list(range(len(pair[0])))
    random.shuffle(order)
    assert of(pair[0][order], pair[1][order], replicates=2).value == pytest.approx(
        of(*pair, replicates=2).value
    )


def test_one_event_a_subject_comes_close_to_the_binomial_interval():
    hits = np.repeat([1.0, 0.0], [70, 30])
    clustered, binomial = of(hits, np.ones(100)), proportion(70, 100)
    assert clustered.lower == pytest.approx(binomial.lower, abs=0.02)
    assert clustered.upper == pytest.approx(binomial.upper, abs=0.02)


def test_more_events_of_the_same_subjects_buy_no_narrower_interval():
    hit, all_ = np.array([1.0, 3.0, 0.0, 4.0]), np.array([4.0, 4.0, 4.0, 4.0])
    assert of(hit * 1000, all_ * 1000).lower == pytest.approx(of(hit, all_).lower)


def test_the_interval_is_the_standard_error_of_the_delta_method():
    # Second route: linearised variance of a ratio estimator (Cochran, Sampling Techniques, 1977, 6.3).
    generator = np.random.default_rng(3)
    size = generator.poisson(30, 400).astype(float) + 1
    hit = generator.binomial(size.astype(int), generator.beta(8, 2, 400)).astype(float)
    estimate = of(hit, size, replicates=4000)
    residual = hit - estimate.value * size
    error = np.sqrt((residual**2).sum() * 400 / 399) / size.sum()
    assert (estimate.upper - estimate.lower) / (2 * 1.959964) == pytest.approx(error, rel=0.05)


def test_no_event_is_said_and_never_a_number():
    assert of([0, 0], [0, 0]).value is None
    assert of([0, 0], [0, 0]).undefined == "no reference event"


@pytest.mark.parametrize("denominator", [[5, 0, 0], [5, 1, 0]])
def test_too_few_contributing_subjects_have_a_figure_without_an_interval(denominator):
    estimate = of([1, 0, 0], denominator)
    assert estimate.value is not None
    assert estimate.lower is None
    assert estimate.undefined.startswith("no interval")


faults = {
    "nan": ([np.nan, 1], [1, 1]),
    "negative": ([1, 1], [1, -1]),
    "lengths": ([1, 1], [1, 1, 1]),
    "a table": ([[1, 1]], [[1, 1]]),
}


@pytest.mark.parametrize(("numerator", "denominator"), faults.values(), ids=faults)
def test_sums_that_are_none_are_refused(numerator, denominator):
    with pytest.raises(WrongUse):
        of(numerator, denominator)


def test_impossible_counts_are_refused_and_no_subject_is_not_estimable():
    with pytest.raises(WrongUse):
        proportion(3, 2)
    assert proportion(0, 0).undefined == "no subject"
