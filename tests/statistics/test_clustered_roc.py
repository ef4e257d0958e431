import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.statistics.clustered_roc import (
    clustered_auc,
    clustered_auc_difference,
    jackknife_areas,
    sort_cases,
    weighted_area,
)
from medassay.statistics.delong import area_variance, auc, auc_difference

few = settings(max_examples=20)

samples = st.lists(
    st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 5)), min_size=6, max_size=40
).map(lambda rows: tuple(np.array(column) for column in zip(*rows, strict=True)))


def correlated(seed, subjects=60, cases=4, effect=1.0):
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(subjects), cases)
    labels = rng.integers(0, 2, subjects * cases)
    scores = effect * labels + rng.normal(size=subjects)[owner] + rng.normal(size=subjects * cases)
    return labels, scores, owner


@few
@given(samples, st.integers(0, 10**6))
def test_a_weighted_area_is_scikit_learns_with_sample_weights(sample, seed):
    from sklearn.metrics import roc_auc_score

    labels, scores, owner = sample
    weights = np.random.default_rng(seed).integers(0, 3, 6)
    weight = weights[owner]
    assume((weight * labels).sum() > 0)
    assume((weight * ~labels).sum() > 0)
    ours = weighted_area(sort_cases(labels, scores, owner, 6), weights)
    assert ours == pytest.approx(roc_auc_score(labels, scores, sample_weight=weight), abs=1e-12)


@few
@given(samples, st.integers(0, 10**6))
def test_a_weight_says_the_same_as_the_case_that_often(sample, seed):
    labels, scores, owner = sample
    weights = np.random.default_rng(seed).integers(0, 4, 6)
    times = weights[owner]
    repeated = area_variance(np.repeat(labels, times), np.repeat(scores, times))
    ours = weighted_area(sort_cases(labels, scores, owner, 6), weights)
    assert np.isnan(ours) if repeated is None else ours == pytest.approx(repeated.area)


@few
@given(samples)
def test_the_jackknife_leaves_each_subject_out(sample):
    labels, scores, owner = sample
    assume(labels.any() and not labels.all())
    ours = jackknife_areas(labels, scores, owner, 6)
    for subject in range(6):
        kept = owner != subject
        left = area_variance(labels[kept], scores[kept])
        assert np.isnan(ours[subject]) if left is None else ours[subject] == pytest.approx(left.area)


@few
@given(samples)
def test_one_case_a_subject_is_delong(sample):
    labels, first, second = sample
    assume(min(labels.sum(), (~labels).sum()) >= 2)
    alone = np.arange(len(labels))
    ours, theirs = clustered_auc(labels, first, alone), auc(labels, first)
    assert ours.value == pytest.approx(theirs.value)
    assert (ours.lower is None) == (theirs.lower is None)
    if ours.lower is not None:
        assert (ours.lower, ours.upper) == pytest.approx((theirs.lower, theirs.upper), abs=1e-9)
    pair, single = (
        clustered_auc_difference(labels, first, second, alone),
        auc_difference(labels, first, second),
    )
    assert pair.statistic == (None if single.statistic is None else pytest.approx(single.statistic, abs=1e-6))


@few
@given(samples)
def test_copies_of_a_case_in_one_subject_carry_no_information(sample):
    labels, scores, _ = sample
    assume(min(labels.sum(), (~labels).sum()) >= 2)
    alone = np.arange(len(labels))
    once = clustered_auc(labels, scores, alone)
    twice = clustered_auc(*(np.repeat(part, 2) for part in (labels, scores, alone)))
    assert twice.value == pytest.approx(once.value)
    assert (twice.lower is None) == (once.lower is None)
    if once.lower is not None:
        assert (twice.lower, twice.upper) == pytest.approx((once.lower, once.upper), abs=1e-9)


@pytest.mark.parametrize("interval", ["obuchowski", "obuchowski_logit", "percentile", "bca"])
def test_intervals_of_people_agree_with_each_other_and_hold_the_area(interval):
    labels, scores, owner = correlated(1)
    estimate = clustered_auc(labels, scores, owner, interval=interval, seed=2)
    closed = clustered_auc(labels, scores, owner)
    assert (estimate.n_subjects, estimate.n_events) == (60, 240)
    assert estimate.lower < estimate.value < estimate.upper
    assert (estimate.lower, estimate.upper) == pytest.approx((closed.lower, closed.upper), abs=0.02)


def test_names_and_order_of_subjects_do_not_matter():
    labels, scores, owner = correlated(4)
    order = np.random.default_rng(0).permutation(len(labels))
    names = np.array([f"p{9999 - number}" for number in owner])
    one, other = (
        clustered_auc(labels, scores, owner),
        clustered_auc(labels[order], scores[order], names[order]),
    )
    assert one.model_dump() == pytest.approx(other.model_dump())


def test_the_bootstrap_of_a_difference_is_paired():
    labels, scores, owner = correlated(7)
    noisy = scores + 0.2 * np.random.default_rng(1).normal(size=len(scores))
    closed = clustered_auc_difference(labels, scores, noisy, owner)
    drawn = clustered_auc_difference(labels, scores, noisy, owner, interval="percentile", seed=3)
    assert drawn.difference.value == pytest.approx(closed.difference.value)
    assert (drawn.difference.lower, drawn.difference.upper) == pytest.approx(
        (closed.difference.lower, closed.difference.upper), abs=0.01
    )
    assert drawn.p_value is None


def test_the_clustered_interval_holds_the_truth_where_delongs_does_not():
    # One person's cases share their class and most of their score: four of them are hardly more than one.
    rng, held = np.random.default_rng(8), {"clustered": 0, "delong": 0}
    for _ in range(200):
        of_person = rng.integers(0, 2, 50)
        owner = np.repeat(np.arange(50), 4)
        labels = of_person[owner]
        scores = labels + (rng.normal(size=50)[owner] * 3 + rng.normal(size=200)) / np.sqrt(10)
        truth = 0.7602499389065233
        for name, estimate in (
            ("clustered", clustered_auc(labels, scores, owner)),
            ("delong", auc(labels, scores)),
        ):
            held[name] += estimate.lower <= truth <= estimate.upper
    assert held["clustered"] / 200 >= 0.9
    assert held["delong"] / 200 <= 0.8


def test_too_few_people_of_a_class_is_said():
    labels, scores = [1, 1, 0, 0], [3, 2, 1, 2]
    closed = clustered_auc(labels, scores, ["a", "a", "b", "c"])
    assert closed.value is not None
    assert closed.undefined.startswith("no interval: too few")
    drawn = clustered_auc(labels, scores, ["a", "a", "b", "c"], interval="percentile")
    assert drawn.undefined == "no interval: too few subjects of one class"
    assert clustered_auc([1, 1], [1, 2], [1, 2]).undefined == "all cases are of one class"
    apart = clustered_auc([0] * 20 + [1] * 20, range(40), range(40), interval="percentile")
    assert apart.undefined == "no interval: every resample gives the same figure"


def test_a_case_without_a_subject_is_refused():
    with pytest.raises(WrongUse, match="subject of each"):
        clustered_auc([0, 1], [1, 2], [1.0, np.nan])
    with pytest.raises(WrongUse, match="subject of each"):
        clustered_auc([0, 1], [1, 2], ["a"])
