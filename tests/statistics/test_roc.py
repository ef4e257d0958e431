import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.statistics.delong import area_variance
from medassay.statistics.precision_recall import average_precision, precision_recall_curve
from medassay.statistics.roc import binormal_auc, partial_auc, roc_curve, sensitivity_at, youden_best

few = settings(max_examples=20)

samples = st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=4, max_size=40).map(
    lambda rows: tuple(np.array(column) for column in zip(*rows, strict=True))
)


def usable(labels):
    return labels.any() and not labels.all()


@few
@given(samples)
def test_the_curve_is_scikit_learns(sample):
    from sklearn.metrics import roc_curve as theirs

    labels, scores = sample
    assume(usable(labels))
    ours = roc_curve(labels, scores, thresholds="observed")
    false, true, thresholds = theirs(labels, scores, drop_intermediate=False)
    assert (1 - ours.specificity) == pytest.approx(false)
    assert ours.sensitivity == pytest.approx(true)
    assert ours.thresholds.tolist() == thresholds.tolist()


@few
@given(samples)
def test_the_curve_rises_from_nobody_to_everybody_and_holds_the_area(sample):
    labels, scores = sample
    assume(usable(labels))
    curve = roc_curve(labels, scores)
    assert (np.diff(curve.sensitivity) >= 0).all()
    assert (np.diff(curve.specificity) <= 1e-12).all()
    assert (curve.sensitivity[0], curve.specificity[0]) == (0, 1)
    assert (curve.sensitivity[-1], curve.specificity[-1]) == pytest.approx((1, 0))
    area = np.trapezoid(curve.sensitivity, 1 - curve.specificity)
    assert area == pytest.approx(area_variance(labels, scores).area)


@few
@given(samples)
def test_a_threshold_between_scores_calls_the_same_cases_as_the_score_above_it(sample):
    labels, scores = sample
    assume(usable(labels))
    curve = roc_curve(labels, scores, thresholds="midpoint")
    for threshold, sensitivity in zip(curve.thresholds, curve.sensitivity, strict=True):
        assert (scores[labels] >= threshold).mean() == pytest.approx(sensitivity)


@few
@given(samples, st.integers(0, 10**6))
def test_a_weight_says_the_same_as_the_case_that_often(sample, seed):
    labels, scores = sample
    times = np.random.default_rng(seed).integers(0, 3, len(labels))
    repeated = roc_curve(np.repeat(labels, times), np.repeat(scores, times))
    weighted = roc_curve(labels, scores, weights=times)
    assert (repeated is None) == (weighted is None)
    if weighted is not None:
        for specificity in (0.3, 0.8):
            assert sensitivity_at(weighted, specificity) == pytest.approx(
                sensitivity_at(repeated, specificity)
            )


@few
@given(samples, st.sampled_from([0.1, 0.25, 0.4, 1.0]))
def test_the_corrected_partial_area_is_scikit_learns(sample, most):
    from sklearn.metrics import roc_auc_score

    labels, scores = sample
    assume(usable(labels))
    ours = partial_auc(labels, scores, lowest=1 - most, corrected=True)
    theirs = roc_auc_score(labels, scores, max_fpr=most)
    if ours.value is None:
        assert theirs < 0.5
    else:
        assert ours.value == pytest.approx(theirs, abs=1e-9)


@few
@given(samples, st.floats(0.05, 0.95), st.sampled_from(["specificity", "sensitivity"]))
def test_parts_of_the_area_add_up_to_the_whole(sample, cut, axis):
    labels, scores = sample
    assume(usable(labels))
    low = partial_auc(labels, scores, axis=axis, lowest=0.0, highest=cut).value
    high = partial_auc(labels, scores, axis=axis, lowest=cut).value
    assert low + high == pytest.approx(area_variance(labels, scores).area, abs=1e-9)


@few
@given(samples)
def test_swapping_classes_and_scores_swaps_sensitivity_and_specificity(sample):
    labels, scores = sample
    assume(usable(labels))
    one = partial_auc(labels, scores, axis="specificity", lowest=0.7).value
    other = partial_auc(~labels, -scores, axis="sensitivity", lowest=0.7).value
    assert one == pytest.approx(other)


@few
@given(samples)
def test_no_threshold_beats_the_best(sample):
    labels, scores = sample
    assume(usable(labels))
    best = youden_best(roc_curve(labels, scores))
    totals = {round(point.sensitivity + point.specificity, 9) for point in best}
    assert len(totals) == 1
    reached = [
        (scores[labels] >= cut).mean() + (scores[~labels] < cut).mean() for cut in np.arange(-0.5, 8, 1.0)
    ]
    assert max(reached) == pytest.approx(totals.pop())


def test_sensitivity_that_one_threshold_attains_is_no_more_than_the_line_between_two():
    curve = roc_curve([0, 0, 1, 1], [1, 2, 2, 3])
    assert sensitivity_at(curve, 0.8) == pytest.approx(0.7)
    assert sensitivity_at(curve, 0.8, between="attained") == 0.5
    assert sensitivity_at(curve, 1.0) == 0.5
    assert sensitivity_at(curve, 0.0) == 1.0


def test_a_part_below_the_diagonal_has_no_corrected_area():
    worse = partial_auc([1, 1, 0, 0], [1, 2, 3, 4], lowest=0.5, corrected=True)
    assert worse.value is None
    assert "diagonal" in worse.undefined


def test_one_class_has_no_curve():
    assert roc_curve([1, 1], [1, 2]) is None
    assert roc_curve([0, 1], [1, 2], weights=[0, 1]) is None
    assert partial_auc([1, 1], [1, 2], lowest=0.5).value is None
    assert binormal_auc([1, 1], [1, 2]).value is None


@pytest.mark.parametrize(("lowest", "highest"), [(0.9, 0.5), (0.5, 0.5), (-0.1, 1), (0.5, 1.1)])
def test_a_range_that_is_none_is_refused(lowest, highest):
    with pytest.raises(WrongUse, match="range"):
        partial_auc([0, 1], [1, 2], lowest=lowest, highest=highest)


def test_a_negative_weight_is_refused():
    with pytest.raises(WrongUse, match="negative"):
        roc_curve([0, 1], [1, 2], weights=[1, -1])


@few
@given(samples)
def test_average_precision_is_scikit_learns(sample):
    from sklearn.metrics import auc, average_precision_score
    from sklearn.metrics import precision_recall_curve as theirs

    labels, scores = sample
    assume(labels.any())
    ours = average_precision(labels, scores, replicates=0)
    assert ours.value == pytest.approx(average_precision_score(labels, scores), abs=1e-12)
    precision, recall, _ = theirs(labels, scores)
    trapezoid = average_precision(labels, scores, area="trapezoid", replicates=0).value
    assert trapezoid == pytest.approx(auc(recall, precision), abs=1e-12)


@few
@given(samples)
def test_precision_and_recall_are_what_each_threshold_gives(sample):
    labels, scores = sample
    assume(labels.any())
    curve = precision_recall_curve(labels, scores)
    for threshold, precision, recall in zip(curve.thresholds, curve.precision, curve.recall, strict=True):
        called = scores >= threshold
        assert precision == pytest.approx(labels[called].mean())
        assert recall == pytest.approx(called[labels].mean())


def test_average_precision_has_an_interval_of_people():
    rng = np.random.default_rng(2)
    owner = np.repeat(np.arange(50), 3)
    labels = rng.integers(0, 2, 150)
    scores = labels + rng.normal(size=50)[owner] + rng.normal(size=150)
    by_person = average_precision(labels, scores, subjects=owner, seed=4)
    by_case = average_precision(labels, scores, seed=4)
    assert by_person.value == by_case.value
    assert (by_person.n_subjects, by_case.n_subjects) == (50, 150)
    assert by_person.lower < by_person.value < by_person.upper
    assert by_person == average_precision(labels, scores, subjects=owner, seed=4)


def test_a_number_of_replicates_that_is_none_is_refused():
    with pytest.raises(WrongUse, match="replicates"):
        average_precision([0, 1], [1, 2], replicates=-1)


def test_what_has_no_precision_says_why():
    assert average_precision([0, 0], [1, 2]).undefined == "no positive case"
    assert average_precision([1, 1], [1, 2]).undefined == "no interval: every resample gives the same figure"
    assert precision_recall_curve([0], [1]) is None
    assert precision_recall_curve([], []) is None
