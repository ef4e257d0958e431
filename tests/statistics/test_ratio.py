import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import bootstrap

from medassay.core.errors import WrongUse
from medassay.statistics.proportion import proportion
from medassay.statistics.ratio import ratio, ratio_difference
from medassay.statistics.resampling import jackknife_ratio

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


@pytest.mark.parametrize("interval", ["percentile", "bca"])
@given(counts)
def test_a_figure_has_an_interval_of_some_width_or_says_why_not_and_is_repeatable(interval, pair):
    hit, missed = pair
    first = of(hit, hit + missed, replicates=200, interval=interval)
    assert first.value == pytest.approx(hit.sum() / (hit + missed).sum())
    if first.lower is None:
        assert first.undefined.startswith("no interval")
    else:
        assert 0 <= first.lower < first.upper <= 1
    assert of(hit, hit + missed, replicates=200, interval=interval) == first


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


def test_a_bca_interval_is_that_of_scipy():
    # Second route: scipy.stats.bootstrap, paired, with its own resamples.
    generator = np.random.default_rng(5)
    size = generator.poisson(20, 40).astype(float) + 1
    hit = generator.binomial(size.astype(int), generator.beta(9, 1, 40)).astype(float)
    ours = of(hit, size, replicates=20000, interval="bca")
    theirs = bootstrap(
        (hit, size),
        lambda h, s, axis: h.sum(axis) / s.sum(axis),
        paired=True,
        n_resamples=20000,
        method="BCa",
        rng=np.random.default_rng(1),
    ).confidence_interval
    plain = of(hit, size, replicates=20000)
    assert [ours.lower, ours.upper] == pytest.approx(list(theirs), abs=0.002)
    assert ours.lower < plain.lower - 0.001, "a skewed sample moves the corrected interval"
    assert "bca" in ours.method


def coverage(interval, *, mean, subjects, trials=300):
    """How often the interval holds the true ratio, over invented studies of beta-binomial people."""
    generator = np.random.default_rng(11)
    held = []
    for seed in range(trials):
        events = generator.integers(5, 20, subjects)
        hit = generator.binomial(events, generator.beta(10 * mean, 10 * (1 - mean), subjects))
        estimate = ratio(
            hit.astype(float),
            events.astype(float),
            undefined="x",
            seed=seed,
            replicates=400,
            interval=interval,
            proportion=True,
        )
        held.append(estimate.lower is not None and estimate.lower <= mean <= estimate.upper)
    return np.mean(held)


@pytest.mark.parametrize("interval", ["percentile", "bca"])
def test_away_from_the_ends_an_interval_covers_about_as_often_as_it_says(interval):
    assert 0.90 <= coverage(interval, mean=0.7, subjects=40) <= 0.99


@pytest.mark.parametrize("interval", ["percentile", "bca"])
def test_the_documented_weakness_near_one_with_few_subjects_is_real(interval):
    assert coverage(interval, mean=0.95, subjects=8) < 0.9


@pytest.mark.parametrize(("hit", "value", "ends"), [(1.0, 1.0, (0.6915, 1.0)), (0.0, 0.0, (0.0, 0.3085))])
def test_faultless_people_bound_a_proportion_by_their_number_not_by_their_events(hit, value, ends):
    # Clopper and Pearson for 10 of 10: 0.025 ** (1 / 10) = 0.6915.
    few, many = (of([hit * n] * 10, [n] * 10, proportion=True) for n in (1.0, 1000.0))
    assert few.value == many.value == value
    assert (many.lower, many.upper) == pytest.approx(ends, abs=1e-4)
    assert (few.lower, few.upper) == (many.lower, many.upper)
    assert "trials=10" in many.method


def test_people_without_any_event_are_no_trials_of_the_exact_bound():
    assert "trials=2" in of([3, 4, 0], [3, 4, 0], proportion=True).method


equal = {
    "no false alarm is no proof of a low rate": ([0, 0, 0], [5.0, 7.0, 3.0], False),
    "a common figure inside": ([1, 2, 3], [2.0, 4.0, 6.0], True),
    "one for all where one is not the end": ([2, 4, 6], [2.0, 4.0, 6.0], False),
}


@pytest.mark.parametrize(("numerator", "denominator", "part"), equal.values(), ids=equal)
@pytest.mark.parametrize("interval", ["percentile", "bca"])
def test_an_interval_without_width_is_never_given(numerator, denominator, part, interval):
    estimate = of(numerator, denominator, proportion=part, interval=interval)
    assert estimate.value is not None
    assert estimate.lower is None
    assert "same figure" in estimate.undefined


def test_a_numerator_beyond_its_denominator_is_no_proportion():
    with pytest.raises(WrongUse, match="part of a whole"):
        of([3, 1], [2, 2], proportion=True)


def difference(a, b, n, **options):
    a, b, n = (np.asarray(part, float) for part in (a, b, n))
    return ratio_difference((a, n), (b, n), undefined="no reference event", seed=7, **options)


def test_a_difference_of_the_same_people_is_narrower_than_that_of_strangers():
    generator = np.random.default_rng(2)
    hard = generator.beta(2, 2, 60)
    n = np.full(60, 50.0)
    a = generator.binomial(50, hard).astype(float)
    b = np.maximum(a - generator.integers(0, 5, 60), 0)
    paired, strangers = difference(a, b, n), difference(a, generator.permutation(b), n)
    assert paired.value == pytest.approx(strangers.value)
    assert paired.upper - paired.lower < (strangers.upper - strangers.lower) / 2
    assert paired.lower > 0


def test_a_difference_changes_its_sign_with_the_order():
    one, other = (
        difference([9, 5, 3], [4, 4, 3], [10, 5, 4]),
        difference([4, 4, 3], [9, 5, 3], [10, 5, 4]),
    )
    assert (one.value, one.lower, one.upper) == pytest.approx((-other.value, -other.upper, -other.lower))


def test_a_difference_that_cannot_be_told_is_said():
    assert difference([0, 0], [0, 0], [0, 0]).value is None
    assert difference([1, 0], [0, 0], [2, 0]).undefined.endswith("two subjects contribute")
    assert difference([2, 4], [1, 2], [2, 4]).undefined.endswith("same difference")
    with pytest.raises(WrongUse, match="same subjects"):
        ratio_difference((np.ones(2), np.ones(2)), (np.ones(3), np.ones(3)), undefined="x", seed=1)


@given(counts)
def test_the_jackknife_is_the_ratio_with_each_subject_left_out(pair):
    numerator, denominator = pair
    left_out = [
        np.delete(numerator, i).sum() / np.delete(denominator, i).sum() for i in range(len(numerator))
    ]
    assert jackknife_ratio(numerator, denominator) == pytest.approx(np.array(left_out))


def test_people_without_an_event_are_not_counted_as_evidence():
    assert of([1, 2, 0, 0], [2, 4, 1, 0]).n_subjects == 3
    assert of([0, 0], [0, 0]).n_subjects == 0
    assert difference([1, 2, 0], [1, 1, 0], [2, 4, 0]).n_subjects == 2
