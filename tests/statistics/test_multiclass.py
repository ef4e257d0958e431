import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.statistics.agreement import cohen_kappa
from medassay.statistics.delong import area_variance
from medassay.statistics.multiclass import (
    accuracy,
    class_average,
    class_figures,
    clustered_average,
    confusion_matrix,
    multiclass_matthews,
    top_k_accuracy,
)
from medassay.statistics.multiclass_auc import (
    mean_average_precision,
    one_against_one,
    one_against_rest,
    ordered_area,
)
from medassay.statistics.multilabel import exact_match, hamming_loss, label_average, label_counts
from medassay.statistics.ordinal import mean_grade_error, share_within

few = settings(max_examples=20)

pairs = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=3, max_size=50).map(
    lambda rows: tuple(np.array(column) for column in zip(*rows, strict=True))
)


def scored(seed, n=60, k=3):
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(k), rng.integers(0, k, n - k)])
    scores = rng.integers(1, 8, size=(n, k)) + 3.0 * np.eye(k)[labels]
    return labels, scores / scores.sum(axis=1, keepdims=True)


@pytest.mark.filterwarnings("ignore:A single label was found")
@few
@given(pairs)
def test_figures_of_the_table_are_scikit_learns(pair):
    from sklearn import metrics

    true, said = pair
    table = confusion_matrix(true, said, classes=3)
    assert table.tolist() == metrics.confusion_matrix(true, said, labels=[0, 1, 2]).tolist()
    assert accuracy(table).value == pytest.approx(metrics.accuracy_score(true, said))
    theirs = metrics.matthews_corrcoef(true, said)
    ours = float(multiclass_matthews(table))
    assert ours == pytest.approx(theirs) if np.isfinite(ours) else theirs == 0
    for average in ("macro", "micro", "weighted"):
        expected = metrics.precision_recall_fscore_support(
            true, said, labels=[0, 1, 2], average=average, zero_division=0
        )
        for figure, value in zip(("precision", "recall", "f1"), expected, strict=False):
            mean = class_average(figure, table, average=average, empty="zero").value
            assert mean == pytest.approx(value)


@few
@given(pairs, st.permutations(range(3)))
def test_names_of_classes_do_not_matter_to_averages(pair, names):
    true, said = pair
    table = confusion_matrix(true, said, classes=3)
    renamed = confusion_matrix(np.array(names)[true], np.array(names)[said], classes=3)
    for figure in ("precision", "recall", "specificity", "f1"):
        one, other = (class_average(figure, one, empty="zero").value for one in (table, renamed))
        assert one == pytest.approx(other)


def test_a_class_that_is_never_predicted_makes_the_mean_undefined_unless_a_rule_is_declared():
    table = [[5, 0, 0], [2, 3, 0], [1, 1, 0]]
    assert class_average("precision", table).undefined == "a class has no true or no predicted case"
    zero = class_average("precision", table, empty="zero").value
    left_out = class_average("precision", table, empty="leave_out").value
    assert zero == pytest.approx((5 / 8 + 3 / 4 + 0) / 3)
    assert left_out == pytest.approx((5 / 8 + 3 / 4) / 2)
    assert class_average("recall", table).value == pytest.approx((1 + 0.6 + 0) / 3)


def test_micro_averages_are_the_accuracy():
    table = [[5, 1, 0], [2, 3, 4], [1, 1, 6]]
    for figure in ("precision", "recall", "f1"):
        assert class_average(figure, table, average="micro").value == pytest.approx(14 / 23)
    assert class_average("specificity", table, average="micro").value == pytest.approx((46 - 9) / 46)


def test_averages_of_people_have_intervals():
    tables = np.random.default_rng(1).integers(0, 4, size=(40, 3, 3)) + 3 * np.eye(3)
    estimate = clustered_average("f1", tables, seed=3)
    assert estimate.value == pytest.approx(class_average("f1", tables.sum(axis=0)).value)
    assert estimate.lower < estimate.value < estimate.upper
    assert estimate.n_subjects == 40


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("k", [3, 5])
def test_areas_over_classes_are_scikit_learns(seed, k):
    from sklearn import metrics

    labels, scores = scored(seed, k=k)
    for average in ("macro", "weighted"):
        theirs = metrics.roc_auc_score(labels, scores, multi_class="ovo", average=average)
        assert one_against_one(labels, scores, average=average).value == pytest.approx(theirs)
    for average in ("macro", "weighted", "micro"):
        theirs = metrics.roc_auc_score(labels, scores, multi_class="ovr", average=average)
        assert one_against_rest(labels, scores, average=average).value == pytest.approx(theirs)
    precision = metrics.average_precision_score(np.eye(k)[labels], scores, average="macro")
    assert mean_average_precision(labels, scores).value == pytest.approx(precision)


@pytest.mark.parametrize("seed", range(5))
def test_top_k_is_scikit_learns_where_no_scores_tie(seed):
    from sklearn.metrics import top_k_accuracy_score

    rng = np.random.default_rng(seed)
    labels, scores = rng.integers(0, 4, 50), rng.uniform(size=(50, 4))
    for k in (1, 2, 3):
        theirs = top_k_accuracy_score(labels, scores, k=k, labels=range(4))
        assert top_k_accuracy(labels, scores, k=k).value == pytest.approx(theirs)


def test_a_tie_for_the_last_place_counts_against_the_device():
    assert top_k_accuracy([0], [[0.5, 0.5]], k=1).value == 0
    assert top_k_accuracy([0], [[0.5, 0.5]], k=2).value == 1


@few
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), min_size=3, max_size=40))
def test_concordance_over_cases_is_somers_d(rows):
    from scipy.stats import somersd

    classes, scores = (np.array(column) for column in zip(*rows, strict=True))
    assume(len(np.unique(classes)) > 1 and len(np.unique(scores)) > 1)  # theirs is NaN without scores
    ours = ordered_area(classes, scores).value
    assert 2 * ours - 1 == pytest.approx(somersd(classes, scores).statistic, abs=1e-9)


def test_two_ordered_classes_are_the_plain_area_and_medians_choose_the_direction():
    labels, scores = np.array([0, 0, 0, 1, 1]), np.array([3.0, 4.0, 2.0, 1.0, 3.0])
    area = area_variance(labels, scores).area
    assert ordered_area(labels, scores).value == pytest.approx(area)
    assert ordered_area(labels, scores, direction="by_median").value == pytest.approx(1 - area)


def test_a_class_without_a_case_has_no_area():
    assert one_against_one([0, 1], np.eye(3)[:2]).undefined == "no case of class 2"
    assert one_against_rest([0, 1], np.eye(3)[:2]).value is None
    assert mean_average_precision([0, 1], np.eye(3)[:2]).value is None
    assert ordered_area([1, 1], [1, 2]).value is None
    assert ordered_area([], []).value is None


@pytest.mark.parametrize(
    "call",
    [
        lambda: confusion_matrix([0, 3], [0, 1], classes=3),
        lambda: confusion_matrix([0, 1], [0], classes=3),
        lambda: confusion_matrix([0.5], [0], classes=3),
        lambda: class_average("f1", [[1, 2, 3]]),
        lambda: class_average("f1", [[0.5, 1], [1, 1]]),
        lambda: one_against_one([0, 1], [[0.5, np.nan], [0.1, 0.9]]),
        lambda: one_against_one([0], [[0.5, 0.5], [0.1, 0.9]]),
        lambda: top_k_accuracy([0], [[0.5, 0.5]], k=3),
        lambda: mean_grade_error([[1, 2], [3, 4]], seed=1),
        lambda: exact_match([[0, 2]], [[0, 1]]),
        lambda: label_average("mcc", np.ones((2, 2, 4)), seed=1),
    ],
)
def test_what_does_not_fit_is_refused(call):
    with pytest.raises(WrongUse):
        call()


labels_of = st.integers(1, 20).flatmap(
    lambda n: st.tuples(
        *[st.lists(st.tuples(*[st.integers(0, 1)] * 3), min_size=n, max_size=n) for _ in range(2)]
    )
)


@few
@given(labels_of)
def test_multilabel_figures_are_scikit_learns(pair):
    from sklearn import metrics

    true, said = (np.array(rows) for rows in pair)
    owner = np.arange(len(true)) // 2
    assert exact_match(true, said).value == pytest.approx(metrics.accuracy_score(true, said))
    loss = hamming_loss(true, said, owner, seed=1, replicates=20)
    assert loss.value == pytest.approx(metrics.hamming_loss(true, said))
    counts = label_counts(true, said, owner)
    for average in ("macro", "micro"):
        ours = label_average("f1", counts, seed=1, average=average, replicates=20).value
        if ours is not None:
            assert ours == pytest.approx(metrics.f1_score(true, said, average=average))


def test_a_label_that_nobody_has_makes_the_macro_average_undefined():
    counts = label_counts([[1, 0], [1, 0]], [[1, 0], [0, 0]], [1, 2])
    assert label_average("sensitivity", counts, seed=1).value is None
    assert label_average("sensitivity", counts, seed=1, average="micro").value == 0.5


@few
@given(pairs)
def test_grades_off_are_the_mean_absolute_error(pair):
    true, said = pair
    tables = np.stack([confusion_matrix([t], [s], classes=3) for t, s in zip(true, said, strict=True)])
    assert mean_grade_error(tables, seed=1, replicates=20).value == pytest.approx(np.abs(true - said).mean())
    within = share_within(tables, grades=0, seed=1, replicates=20).value
    assert within == pytest.approx(accuracy(tables.sum(axis=0)).value)
    assert share_within(tables, grades=2, seed=1, replicates=20).value == 1


def test_quadratic_kappa_falls_with_grades_off():
    near, far = np.diag([9, 9, 9]), np.diag([9, 9, 9])
    near[0, 1], far[0, 2] = 3, 3
    assert cohen_kappa(near, weights="quadratic").value > cohen_kappa(far, weights="quadratic").value


def test_per_class_figures_of_many_tables_at_once_are_those_of_each():
    tables = np.random.default_rng(0).integers(1, 9, size=(4, 3, 3)).astype(float)
    for figure in ("precision", "recall", "specificity", "f1"):
        together = class_figures(figure, tables)
        assert together == pytest.approx(np.stack([class_figures(figure, table) for table in tables]))
