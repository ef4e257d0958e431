import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.statistics.delong import (
    area_variance,
    auc,
    auc_difference,
    auc_difference_unpaired,
    placements,
)

few = settings(max_examples=20)

# Few different scores: ties are what goes wrong.
samples = st.lists(
    st.tuples(st.booleans(), st.integers(0, 6), st.integers(0, 6)), min_size=4, max_size=40
).map(lambda rows: tuple(np.array(column) for column in zip(*rows, strict=True)))


def by_pairs(labels, scores):
    """The definition, pair by pair: area and DeLong's variance."""
    above, below = scores[labels], scores[~labels]
    wins = (above[:, None] > below) + 0.5 * (above[:, None] == below)
    ten, one = wins.mean(axis=1), wins.mean(axis=0)
    return wins.mean(), ten.var(ddof=1) / len(ten) + one.var(ddof=1) / len(one)


def both_classes(labels):
    return min(labels.sum(), (~labels).sum()) >= 2


@few
@given(samples)
def test_midranks_give_what_all_pairs_give(sample):
    labels, scores, _ = sample
    assume(both_classes(labels))
    found = area_variance(labels, scores)
    assert (found.area, found.variance) == pytest.approx(by_pairs(labels, scores), abs=1e-12)


@few
@given(samples)
def test_the_area_is_scikit_learns(sample):
    from sklearn.metrics import roc_auc_score

    labels, scores, _ = sample
    assume(both_classes(labels))
    assert auc(labels, scores).value == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


@few
@given(samples)
def test_turning_scores_or_labels_round_turns_the_area_round(sample):
    labels, scores, _ = sample
    assume(both_classes(labels))
    area, variance = area_variance(labels, scores).area, area_variance(labels, scores).variance
    for other in (area_variance(labels, -scores), area_variance(~labels, scores)):
        assert other.area == pytest.approx(1 - area)
        assert other.variance == pytest.approx(variance, abs=1e-12)


@few
@given(samples, st.permutations(range(7)))
def test_only_the_order_of_scores_counts_and_not_that_of_cases(sample, shuffle):
    labels, scores, _ = sample
    assume(both_classes(labels))
    order = np.argsort([shuffle[i % 7] for i in range(len(labels))], kind="stable")
    assert auc(labels, np.exp(scores / 3.0) - 5) == auc(labels, scores)
    moved, kept = auc(labels[order], scores[order]), auc(labels, scores)
    assert moved.value == pytest.approx(kept.value)
    assert moved.lower == (None if kept.lower is None else pytest.approx(kept.lower, abs=1e-9))


@few
@given(samples, st.integers(2, 4))
def test_every_case_several_times_over_changes_no_area(sample, times):
    labels, scores, _ = sample
    assume(both_classes(labels))
    again = auc(np.repeat(labels, times), np.repeat(scores, times))
    assert again.value == pytest.approx(auc(labels, scores).value)


@few
@given(samples, st.sampled_from(["delong", "delong_logit", "newcombe"]))
def test_ends_lie_in_the_unit_interval_about_the_area(sample, interval):
    labels, scores, _ = sample
    assume(both_classes(labels))
    estimate = auc(labels, scores, interval=interval)
    if estimate.lower is None:
        assert estimate.undefined.startswith("no interval")
        assert interval != "newcombe"
    else:
        assert 0 <= estimate.lower <= estimate.value <= estimate.upper <= 1


@few
@given(samples)
def test_a_difference_changes_its_sign_when_devices_are_swapped(sample):
    labels, first, second = sample
    assume(both_classes(labels))
    one, other = auc_difference(labels, first, second), auc_difference(labels, second, first)
    assert one.difference.value == pytest.approx(-other.difference.value)
    assert (one.p_value is None) == (other.p_value is None)
    if one.p_value is not None:
        assert one.p_value == pytest.approx(other.p_value, abs=1e-9)
        assert one.difference.lower == pytest.approx(-other.difference.upper)


def test_a_device_does_not_differ_from_itself_and_has_no_interval_of_no_width():
    labels, scores = np.array([0, 0, 1, 1, 0, 1]), np.array([1, 3, 2, 5, 2, 4])
    same = auc_difference(labels, scores, scores)
    assert same.difference.value == 0
    assert same.difference.undefined == "no interval: the variance is zero"
    assert same.p_value is None


def test_the_paired_test_is_sharper_than_the_unpaired_one_where_devices_agree():
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 2, 200)
    first = labels + rng.normal(size=200)
    second = first + 0.3 * rng.normal(size=200)
    paired = auc_difference(labels, first, second)
    apart = auc_difference_unpaired((labels, first), (labels, second))
    assert np.ptp([paired.difference.lower, paired.difference.upper]) < np.ptp(
        [apart.difference.lower, apart.difference.upper]
    )
    assert apart.degrees_of_freedom == pytest.approx(398, rel=0.01)
    assert (
        auc_difference_unpaired((labels, first), (labels, second), reference="normal").degrees_of_freedom
        is None
    )


@pytest.mark.parametrize("interval", ["delong", "delong_logit", "newcombe"])
def test_the_interval_holds_the_truth_about_as_often_as_it_says(interval):
    rng, held = np.random.default_rng(11), 0
    truth = 0.7602499389065233  # normal scores one unit apart: Phi(1 / sqrt 2)
    for _ in range(400):
        labels = np.repeat([0, 1], [40, 40])
        estimate = auc(labels, rng.normal(size=80) + labels, interval=interval)
        held += estimate.lower <= truth <= estimate.upper
    assert 0.92 <= held / 400 <= 0.99


def test_perfect_separation_has_newcombes_interval_only():
    labels, scores = [0] * 8 + [1] * 8, list(range(16))
    assert auc(labels, scores).undefined == "no interval: the variance is zero"
    assert auc(labels, scores, interval="delong_logit").lower is None
    newcombe = auc(labels, scores, interval="newcombe")
    assert newcombe.upper == 1
    assert 0.6 < newcombe.lower < 1


def test_what_has_no_area_says_why():
    assert auc([1, 1], [1, 2]).undefined == "all cases are of one class"
    assert auc([], []).undefined == "all cases are of one class"
    assert auc([0, 1], [1, 2]).undefined.startswith("no interval: too few")
    assert auc_difference([1, 1], [1, 2], [1, 2]).difference.value is None
    assert auc_difference_unpaired(([1], [1]), ([0, 1], [1, 2])).difference.value is None


@pytest.mark.parametrize(
    ("labels", "scores"),
    [
        ([0, 1], [1, np.nan]),
        ([0, 1], [1, np.inf]),
        ([0, 2], [1, 2]),
        (["0", "1"], [1, 2]),
        ([0, 1], [1, 2, 3]),
        ([[0, 1]], [[1, 2]]),
    ],
)
def test_what_is_no_pair_of_label_and_score_is_refused(labels, scores):
    with pytest.raises(WrongUse):
        auc(labels, scores)


def test_large_samples_need_no_pairs():
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 2, 200_000).astype(bool)
    positives, negatives = placements(labels, rng.normal(size=200_000) + labels)
    assert len(positives) + len(negatives) == 200_000
    assert positives.mean() == pytest.approx(negatives.mean())
