import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.statistics.bootstrap_figure import bootstrap_figure
from medassay.statistics.confusion import (
    FIGURES,
    PROPORTIONS,
    balanced_accuracy,
    clustered_figure,
    diagnostic_odds_ratio,
    diagnostic_proportion,
    f1_score,
    f_beta,
    likelihood_ratio,
    matthews,
    number_needed_to_diagnose,
    youden_index,
)
from medassay.statistics.predictive_values import predictive_values
from medassay.statistics.ratio import ratio

few = settings(max_examples=20)

cells = st.tuples(*[st.integers(0, 30)] * 4)
full = st.tuples(*[st.integers(1, 30)] * 4)


def as_cases(counts):
    tp, fp, fn, tn = counts
    return [1] * tp + [0] * fp + [1] * fn + [0] * tn, [1] * tp + [1] * fp + [0] * fn + [0] * tn


@few
@given(full)
def test_figures_are_scikit_learns(counts):
    from sklearn import metrics

    true, said = as_cases(counts)
    table = np.array(counts, dtype=float)
    assert f1_score(counts).value == pytest.approx(metrics.f1_score(true, said))
    assert float(f_beta(table, 2.0)) == pytest.approx(metrics.fbeta_score(true, said, beta=2))
    assert float(matthews(table)) == pytest.approx(metrics.matthews_corrcoef(true, said))
    assert balanced_accuracy(counts).value == pytest.approx(metrics.balanced_accuracy_score(true, said))
    for name, theirs in (
        ("sensitivity", metrics.recall_score),
        ("positive_predictive_value", metrics.precision_score),
        ("accuracy", metrics.accuracy_score),
        ("jaccard", metrics.jaccard_score),
    ):
        assert diagnostic_proportion(name, counts).value == pytest.approx(theirs(true, said))
    positive, negative = metrics.class_likelihood_ratios(true, said)
    assert likelihood_ratio(counts, result="positive").value == pytest.approx(positive)
    assert likelihood_ratio(counts, result="negative").value == pytest.approx(negative)


@few
@given(cells)
def test_closed_and_array_forms_of_a_proportion_are_one_figure(counts):
    for name in PROPORTIONS:
        closed = diagnostic_proportion(name, counts)
        value = float(FIGURES[name](np.array(counts, dtype=float)))
        assert np.isnan(value) if closed.value is None else closed.value == pytest.approx(value)


@few
@given(full)
def test_swapping_the_classes_swaps_their_figures(counts):
    tp, fp, fn, tn = counts
    turned = (tn, fn, fp, tp)
    for one, other in (
        ("sensitivity", "specificity"),
        ("positive_predictive_value", "negative_predictive_value"),
        ("miss_rate", "false_positive_rate"),
    ):
        assert diagnostic_proportion(one, counts) == diagnostic_proportion(other, turned)
    assert youden_index(counts).value == pytest.approx(youden_index(turned).value)
    assert float(matthews(np.array(counts))) == pytest.approx(float(matthews(np.array(turned))))
    assert diagnostic_odds_ratio(counts).value == pytest.approx(diagnostic_odds_ratio(turned).value)


@few
@given(full)
def test_squares_of_ends_are_no_wider_than_ends_added(counts):
    added, squared = (youden_index(counts, interval=how) for how in ("ends_added", "square_and_add"))
    assert added.lower - 1e-12 <= squared.lower <= squared.value <= squared.upper <= added.upper + 1e-12


@few
@given(full)
def test_the_interval_of_f1_holds_it_between_zero_and_one(counts):
    estimate = f1_score(counts)
    assert 0 <= estimate.lower <= estimate.value <= estimate.upper <= 1


@pytest.mark.parametrize(
    ("estimate", "reason"),
    [
        (diagnostic_proportion("sensitivity", (0, 3, 0, 4)), "no positive case"),
        (diagnostic_proportion("positive_predictive_value", (0, 0, 3, 4)), "called positive"),
        (youden_index((3, 0, 2, 0)), "no negative case"),
        (number_needed_to_diagnose((1, 4, 4, 1)), "tells nothing"),
        (likelihood_ratio((5, 0, 2, 9), result="positive"), "nobody without the disease"),
        (likelihood_ratio((0, 2, 0, 9), result="positive"), "no positive case"),
        (diagnostic_odds_ratio((5, 0, 2, 9)), "cell of the table is empty"),
        (f1_score((0, 0, 0, 9)), "no case is or was called positive"),
        (clustered_figure("matthews", [[0, 0, 0, 3], [0, 0, 0, 2]], seed=1), "divides by is zero"),
    ],
)
def test_what_divides_by_zero_is_not_estimable_and_says_why(estimate, reason):
    assert estimate.value is None
    assert reason in estimate.undefined


def test_where_the_figure_stands_but_not_its_interval():
    assert likelihood_ratio((0, 5, 4, 9), result="positive").undefined.startswith("no interval")
    assert number_needed_to_diagnose((3, 2, 2, 3)).undefined == "no interval: the Youden index may be 0"


@pytest.mark.parametrize("bad", [(1, 2, 3), (1, 2, 3, -1), (0.5, 1, 1, 1), (1, 1, 1, np.nan)])
def test_what_is_no_table_is_refused(bad):
    with pytest.raises(WrongUse, match="true positives"):
        diagnostic_proportion("sensitivity", bad)


def test_an_unknown_figure_is_refused_with_the_known_ones():
    with pytest.raises(WrongUse, match="sensitivity"):
        diagnostic_proportion("recall", (1, 1, 1, 1))
    with pytest.raises(WrongUse, match="matthews"):
        clustered_figure("mcc", [[1, 1, 1, 1]], seed=1)


def test_a_clustered_proportion_is_the_ratio_of_sums_under_the_same_seed():
    counts = np.random.default_rng(1).integers(0, 6, size=(30, 4)).astype(float)
    ours = clustered_figure("sensitivity", counts, seed=5)
    theirs = ratio(counts[:, 0], counts[:, 0] + counts[:, 2], undefined="-", seed=5)
    assert (ours.value, ours.lower, ours.upper) == pytest.approx((theirs.value, theirs.lower, theirs.upper))


def test_the_bootstrap_is_scipys_but_for_the_draws():
    from scipy import stats

    values = np.random.default_rng(3).gamma(2.0, size=80)
    table = np.column_stack([values, np.ones(80)])
    for interval, method in (("percentile", "percentile"), ("bca", "BCa")):
        ours = bootstrap_figure(
            table, lambda sums: sums[:, 0] / sums[:, 1], undefined="-", seed=1, interval=interval
        )
        theirs = stats.bootstrap(
            (values,), np.mean, n_resamples=4000, method=method, random_state=2
        ).confidence_interval
        assert (ours.lower, ours.upper) == pytest.approx(tuple(theirs), abs=0.03)


@few
@given(st.permutations(range(8)))
def test_the_figure_of_all_subjects_does_not_depend_on_their_order(order):
    counts = np.arange(32, dtype=float).reshape(8, 4)
    one, other = (clustered_figure("f1", table, seed=1) for table in (counts, counts[order]))
    assert one.value == pytest.approx(other.value)


def test_a_bootstrap_without_spread_gives_no_interval():
    same = bootstrap_figure([[1.0, 2.0]] * 5, lambda sums: sums[:, 0] / sums[:, 1], undefined="-", seed=1)
    assert same.undefined == "no interval: every resample gives the same figure"
    rare = bootstrap_figure(
        [[1.0, 1.0]] + [[0.0, 0.0]] * 9,
        lambda sums: np.divide(sums[:, 0], sums[:, 1], out=np.full(len(sums), np.nan), where=sums[:, 1] > 0),
        undefined="-",
        seed=1,
    )
    assert "1 %" in rare.undefined
    assert bootstrap_figure([[1.0]], lambda s: s[:, 0], undefined="-", seed=1).undefined.startswith("no int")


@pytest.mark.parametrize("statistics", [[1.0, 2.0], [[np.nan, 1.0]]])
def test_statistics_that_are_no_finite_rows_are_refused(statistics):
    with pytest.raises(WrongUse, match="finite sums"):
        bootstrap_figure(statistics, lambda sums: sums[:, 0], undefined="-", seed=1)


groups = st.integers(2, 60).flatmap(lambda n: st.tuples(st.integers(1, n - 1), st.just(n)))


@few
@given(groups, groups, st.floats(0.01, 0.99))
def test_predictive_values_are_bayes_rule_and_mirror(sensitivity, specificity, prevalence):
    se, sp = sensitivity[0] / sensitivity[1], specificity[0] / specificity[1]
    ours = predictive_values(sensitivity, specificity, prevalence=prevalence)
    bayes = se * prevalence / (se * prevalence + (1 - sp) * (1 - prevalence))
    assert ours.positive.value == pytest.approx(bayes)
    assert ours.positive.lower < ours.positive.value < ours.positive.upper
    mirrored = predictive_values(specificity, sensitivity, prevalence=1 - prevalence)
    assert mirrored.positive.value == pytest.approx(ours.negative.value)
    assert mirrored.positive.lower == pytest.approx(ours.negative.lower)


@few
@given(full)
def test_at_the_samples_own_prevalence_they_are_those_of_its_table(counts):
    tp, fp, fn, tn = counts
    prevalence = (tp + fn) / sum(counts)
    ours = predictive_values((tp, tp + fn), (tn, fp + tn), prevalence=prevalence)
    assert ours.positive.value == pytest.approx(tp / (tp + fp))
    assert ours.negative.value == pytest.approx(tn / (tn + fn))


def test_the_adjusted_interval_exists_where_all_were_right():
    plain = predictive_values((20, 20), (30, 30), prevalence=0.1)
    adjusted = predictive_values((20, 20), (30, 30), prevalence=0.1, interval="adjusted_logit")
    assert plain.positive.undefined.startswith("no interval")
    assert adjusted.positive.value == 1
    assert 0 < adjusted.positive.lower < adjusted.positive.upper < 1


def test_predictive_values_that_mean_nothing_say_why():
    nobody = predictive_values((0, 5), (5, 5), prevalence=0.1)
    assert "called positive" in nobody.positive.undefined
    assert predictive_values((0, 0), (5, 5), prevalence=0.1).positive.value is None
    with pytest.raises(WrongUse, match="prevalence"):
        predictive_values((4, 5), (5, 5), prevalence=1)
