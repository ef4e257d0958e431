import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.statistics.delong import auc
from medassay.tasks.classification import (
    NO_PREDICTION,
    ClassificationRules,
    count_binary,
    count_classes,
    count_labels,
    fill_missing_scores,
    pair_cases,
    paired_scores,
)

few = settings(max_examples=30)
cases = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([0.1, 0.4, 0.5, 0.9, float("nan")]), st.sampled_from("abc")),
    min_size=1,
    max_size=30,
)


def columns(rows):
    labels, scores, subjects = zip(*rows, strict=True)
    return np.array(labels), np.array(scores), list(subjects)


@few
@given(cases, st.sampled_from(["wrong", "negative", "positive"]))
def test_every_case_is_counted_once_whatever_its_prediction(rows, missing):
    labels, scores, subjects = columns(rows)
    found = count_binary(labels, scores, subjects, rules=ClassificationRules(missing=missing))
    assert found.counts.sum() == len(rows)
    assert found.counts[:, [0, 2]].sum() == labels.sum()
    assert found.missing.sum() == np.isnan(scores).sum()
    assert found.subjects == tuple(sorted(set(subjects)))


@few
@given(cases, st.randoms(use_true_random=False))
def test_the_order_of_cases_does_not_matter(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    one, other = count_binary(*columns(rows)), count_binary(*columns(shuffled))
    assert one.subjects == other.subjects
    assert (one.counts == other.counts).all()
    assert (one.missing == other.missing).all()


@few
@given(cases)
def test_a_missing_prediction_is_never_better_than_any_answer(rows):
    labels, scores, subjects = columns(rows)

    def right(values):
        counts = count_binary(labels, values, subjects).counts
        return counts[:, 0].sum() + counts[:, 3].sum()

    for answer in (0.0, 1.0):
        assert right(scores) <= right(np.where(np.isnan(scores), answer, scores))


def test_the_threshold_itself_is_positive_unless_declared_otherwise():
    at = count_binary([1], [0.5], ["p"], rules=ClassificationRules(threshold=0.5))
    beyond = count_binary([1], [0.5], ["p"], rules=ClassificationRules(threshold=0.5, at_least=False))
    assert at.counts[0].tolist() == [1, 0, 0, 0]
    assert beyond.counts[0].tolist() == [0, 0, 1, 0]


def test_an_infinite_score_is_a_score():
    found = count_binary([1, 0], [np.inf, -np.inf], ["p", "p"])
    assert found.counts[0].tolist() == [1, 0, 0, 1]
    assert found.missing.tolist() == [0]


def test_cases_are_paired_by_id_and_what_does_not_pair_is_counted():
    pairing = pair_cases(["c1", "c2", "c3"], ["c3", "x", "c1", "y"])
    assert pairing.place.tolist() == [2, NO_PREDICTION, 0]
    assert (pairing.missing, pairing.unknown) == (1, 2)
    scores = paired_scores(pairing, [0.3, 0.9, 0.1, 0.9])
    assert scores[[0, 2]].tolist() == [0.1, 0.3]
    assert np.isnan(scores[1])
    several = paired_scores(pairing, [[0.3, 0.7]] * 4)
    assert several.shape == (3, 2)


@few
@given(st.permutations(["a", "b", "c", "d"]))
def test_predictions_in_any_order_give_the_same_scores(order):
    value = {"a": 0.1, "b": 0.2, "c": 0.3, "d": 0.4}
    scores = paired_scores(pair_cases(["a", "b", "c", "d"], order), [value[case] for case in order])
    assert scores.tolist() == [0.1, 0.2, 0.3, 0.4]


@pytest.mark.parametrize(("reference", "predicted"), [(["a", "a"], ["a"]), (["a"], ["a", "a"])])
def test_an_id_that_stands_twice_is_refused(reference, predicted):
    with pytest.raises(WrongUse, match="repeated case ids"):
        pair_cases(reference, predicted)


def test_classes_are_counted_and_a_missing_one_is_as_wrong_as_can_be():
    found = count_classes([0, 1, 2, 1], [0, 2, NO_PREDICTION, NO_PREDICTION], ["p", "p", "q", "q"], classes=3)
    assert found.counts[0].tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 0]]
    assert found.counts[1].tolist() == [[0, 0, 0], [0, 0, 1], [1, 0, 0]]
    assert found.missing.tolist() == [0, 2]
    grades = np.arange(4)
    for true in range(4):
        table = count_classes([true], [NO_PREDICTION], ["p"], classes=4).counts[0]
        said = int(table[true].argmax())
        assert abs(said - true) == np.abs(grades - true).max()


def test_labels_are_counted_each_with_its_threshold():
    found = count_labels([[1, 0], [1, 1]], [[0.2, 0.2], [np.nan, 0.9]], ["p", "p"], thresholds=[0.1, 0.5])
    assert found.counts[0].tolist() == [[1, 0, 1, 0], [1, 0, 0, 1]]
    assert found.missing.tolist() == [1]
    kind = count_labels([[1, 0]], [[np.nan, np.nan]], ["p"], thresholds=[0.5, 0.5], missing="negative")
    assert kind.counts[0].tolist() == [[0, 0, 1, 0], [0, 0, 0, 1]]


@few
@given(cases)
def test_a_missing_score_never_raises_the_area(rows):
    labels, scores, _ = columns(rows)
    filled = fill_missing_scores(labels, scores)
    assert np.isfinite(filled).all()
    worst = auc(labels, filled).value
    for guess in (-9.0, 0.45, 9.0):
        other = auc(labels, np.where(np.isnan(scores), guess, scores)).value
        assert (worst is None) == (other is None)
        if worst is not None:
            assert worst <= other + 1e-12


def test_filled_scores_keep_the_order_of_the_others_and_turn_infinities_into_ranks():
    filled = fill_missing_scores([1, 0, 1, 0, 1], [np.inf, -np.inf, 2.0, np.nan, np.nan])
    assert filled[4] < filled[1] < filled[2] < filled[0] < filled[3]
    assert fill_missing_scores([1, 0], [np.nan, np.nan], missing="lowest").tolist() == [-1, -1]
    assert fill_missing_scores([1, 0], [3.0, np.nan], missing="highest").tolist() == [3, 6]


@pytest.mark.parametrize(
    "call",
    [
        lambda: count_binary([0, 2], [0.1, 0.2], ["p", "p"]),
        lambda: count_binary([0, 1], [0.1], ["p", "p"]),
        lambda: count_binary([0, 1], [0.1, 0.2], ["p"]),
        lambda: count_binary([0], [0.1], ["p"], rules=ClassificationRules(threshold=float("nan"))),
        lambda: count_classes([0, 3], [0, 1], ["p", "p"], classes=3),
        lambda: count_classes([0, 1], [0, 7], ["p", "p"], classes=3),
        lambda: count_classes([0, 1], [0, -2], ["p", "p"], classes=3),
        lambda: count_classes([0.5], [0.5], ["p"], classes=3),
        lambda: count_labels([[1, 0]], [[0.5, 0.5]], ["p"], thresholds=[0.5]),
        lambda: fill_missing_scores([1, 0], [0.5]),
        lambda: paired_scores(pair_cases(["a"], ["b", "a"]), [0.5]),
    ],
)
def test_what_does_not_fit_is_refused(call):
    with pytest.raises(WrongUse):
        call()


def test_no_case_at_all_is_no_subject():
    assert count_binary([], [], []).counts.shape == (0, 4)
    assert count_classes(np.zeros(0, int), np.zeros(0, int), [], classes=2).counts.shape == (0, 2, 2)
