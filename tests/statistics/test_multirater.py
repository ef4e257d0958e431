"""Kappas of raters who are told apart, null tests, and the six intraclass correlations."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.statistics.agreement import cohen_kappa, fleiss_kappa, gwet_ac1, gwet_ac2, krippendorff_alpha
from medassay.statistics.intraclass import icc, icc_test
from medassay.statistics.multirater_kappa import (
    alpha_linearised,
    conger_kappa,
    fleiss_null_test,
    kappa_null_test,
)

few = settings(max_examples=20)

ratings = st.lists(st.tuples(*[st.integers(0, 2)] * 3), min_size=3, max_size=30).map(np.array)
weightings = st.sampled_from(["unweighted", "linear", "quadratic"])
FORMS = ["1,1", "2,1", "3,1", "1,k", "2,k", "3,k"]


def counts_of(codes):
    return np.stack([(codes == own).sum(axis=1) for own in range(3)], axis=1)


def table_of(codes):
    table = np.zeros((3, 3))
    np.add.at(table, (codes[:, 0], codes[:, 1]), 1)
    return table


@few
@given(ratings, weightings)
def test_congers_kappa_of_two_raters_is_cohens(codes, weights):
    one = conger_kappa(codes[:, :2], classes=3, weights=weights)
    other = cohen_kappa(table_of(codes), weights=weights)
    assert (one.value is None) == (other.value is None)
    if one.value is not None:
        assert one.value == pytest.approx(other.value, abs=1e-9)


@few
@given(ratings, weightings, st.permutations(range(3)))
def test_the_order_of_raters_and_items_does_not_matter(codes, weights, order):
    one = conger_kappa(codes, classes=3, weights=weights)
    other = conger_kappa(codes[::-1][:, list(order)], classes=3, weights=weights)
    assert (one.value is None) == (other.value is None)
    if one.value is not None:
        assert one.value == pytest.approx(other.value)


@few
@given(ratings)
def test_raters_with_the_same_shares_make_congers_and_fleiss_kappa_one(codes):
    alike = np.concatenate([np.roll(codes, shift, axis=1) for shift in range(3)])
    one, other = conger_kappa(alike, classes=3), fleiss_kappa(counts_of(alike))
    assert (one.value is None) == (other.value is None)
    if one.value is not None:
        assert one.value == pytest.approx(other.value, abs=1e-9)


@few
@given(ratings, st.sampled_from([("unweighted", "nominal"), ("quadratic", "interval")]))
def test_linearised_alpha_is_krippendorffs(codes, pair):
    weights, level = pair
    one = alpha_linearised(codes, classes=3, weights=weights)
    other = krippendorff_alpha(codes, level=level, seed=1, replicates=5)
    assert (one.value is None) == (other.value is None)
    if one.value is not None:
        assert one.value == pytest.approx(other.value, abs=1e-9)


@few
@given(ratings)
def test_ac2_without_weights_is_ac1(codes):
    counts = counts_of(codes)
    assert gwet_ac2(counts, weights="unweighted").value == pytest.approx(gwet_ac1(counts).value)


@few
@given(ratings, weightings)
def test_the_null_z_has_the_sign_of_kappa_and_is_statsmodels(codes, weights):
    from statsmodels.stats.inter_rater import cohens_kappa

    table = table_of(codes)
    ours = kappa_null_test(table, weights=weights)
    assume(ours.statistic is not None)
    kinds = {"unweighted": None, "linear": "linear", "quadratic": "quadratic"}
    theirs = cohens_kappa(table, wt=kinds[weights])
    assert ours.statistic == pytest.approx(theirs.z_value, abs=1e-6)
    assert ours.p_value == pytest.approx(theirs.pvalue_two_sided, abs=1e-6)


def test_fleiss_z_keeps_its_level_under_chance():
    rng = np.random.default_rng(1)
    tests = [fleiss_null_test(rng.multinomial(4, [0.5, 0.3, 0.2], size=60)) for _ in range(150)]
    assert 0.02 <= np.mean([test.p_value < 0.05 for test in tests]) <= 0.09


def test_one_category_is_not_estimable():
    same = np.zeros((5, 3), dtype=int)
    assert conger_kappa(same, classes=3).value is None
    assert alpha_linearised(same, classes=3).value is None
    assert fleiss_null_test([[3, 0], [3, 0]]).p_value is None
    assert kappa_null_test([[5, 0], [0, 0]]).p_value is None
    assert conger_kappa(np.array([[0, 1, 2]]), classes=3).undefined.startswith("no interval: too few")


@few
@given(st.lists(st.integers(0, 60), min_size=2, max_size=4).filter(any), weightings)
def test_a_rater_of_one_category_alone_leaves_nothing_to_test_whatever_rounding_leaves(row, weights):
    table = np.zeros((len(row), len(row)))
    table[0] = row
    for way in (table, table.T):
        assert kappa_null_test(way, weights=weights).undefined == "a rater uses one category only"


@pytest.mark.parametrize(
    "call",
    [
        lambda: conger_kappa([[0.5, 1.0]], classes=2),
        lambda: conger_kappa([[0, 3]], classes=2),
        lambda: conger_kappa([[0], [1]], classes=2),
        lambda: fleiss_null_test([[3, 0], [2, 0]]),
        lambda: kappa_null_test([[0, 0], [0, 0]]),
        lambda: icc([[1.0, np.nan], [2.0, 3.0]], form="1,1"),
    ],
)
def test_incomplete_ratings_are_refused(call):
    with pytest.raises(WrongUse):
        call()


measured = st.lists(st.tuples(*[st.integers(-50, 50)] * 3), min_size=3, max_size=15).map(
    lambda rows: np.array(rows, dtype=float)
)


@few
@given(measured, st.sampled_from(FORMS), st.floats(0.5, 20), st.floats(-100, 100))
def test_the_correlation_does_not_depend_on_unit_or_order(table, form, scale, shift):
    one, other = icc(table, form=form), icc(table[::-1, ::-1] * scale + shift, form=form)
    assume(one.value is not None and other.value is not None and abs(one.value) < 1e6)
    assert one.value == pytest.approx(other.value, rel=1e-6, abs=1e-6)


@few
@given(measured, st.sampled_from(FORMS))
def test_the_correlation_is_at_most_one_and_lies_in_its_interval(table, form):
    estimate = icc(table, form=form)
    if estimate.lower is not None:
        assert estimate.value <= 1 + 1e-9
        assert estimate.lower <= estimate.upper


def test_a_constant_between_raters_hurts_agreement_and_not_consistency():
    table = np.array([[1.0, 2.1], [3.0, 4.0], [5.0, 5.9], [7.0, 8.2]])
    shifted = table + np.array([0, 3])
    assert icc(shifted, form="3,1").value == pytest.approx(icc(table, form="3,1").value)
    assert icc(shifted, form="2,1").value < icc(table, form="2,1").value
    assert icc(shifted, form="1,1").value < icc(table, form="1,1").value


@few
@given(measured)
def test_the_mean_of_ratings_is_spearman_brown_of_one(table):
    for model in "123":
        single, mean = (icc(table, form=f"{model},{unit}").value for unit in ("1", "k"))
        if single is not None and mean is not None and abs(1 + 2 * single) > 1e-3:
            assert mean == pytest.approx(3 * single / (1 + 2 * single), rel=1e-6, abs=1e-6)


def test_the_f_test_is_that_of_an_analysis_of_variance():
    from scipy.stats import f_oneway

    table = np.random.default_rng(2).normal(size=(12, 3)) + np.arange(12)[:, None]
    ours, theirs = icc_test(table, model="1"), f_oneway(*table)
    assert (ours.statistic, ours.p_value) == pytest.approx((theirs.statistic, theirs.pvalue))
    assert icc_test([[1, 2]], model="2").p_value is None
    assert icc_test([[1, 2], [2, 3]], model="3").undefined == "no residual variance"
