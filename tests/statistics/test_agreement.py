import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from medassay.core.errors import WrongUse
from medassay.statistics.agreement import (
    cohen_kappa,
    cross_table,
    fleiss_kappa,
    gwet_ac1,
    krippendorff_alpha,
    percent_agreement,
)
from medassay.statistics.intraclass import icc

tables = arrays.arrays(np.int64, (3, 3), elements=st.integers(0, 40)).filter(lambda table: table.any())
weightings = st.sampled_from(["unweighted", "linear", "quadratic"])


@given(tables, weightings)
def test_kappa_does_not_depend_on_who_is_called_first(table, weights):
    one, other = cohen_kappa(table, weights=weights), cohen_kappa(table.T, weights=weights)
    assert (one.value is None) == (other.value is None)
    if one.value is not None:
        assert one.value == pytest.approx(other.value)
        assert one.lower == pytest.approx(other.lower)


@given(tables, weightings)
def test_kappa_is_at_most_one_and_one_only_when_all_agree(table, weights):
    kappa = cohen_kappa(table, weights=weights)
    if kappa.value is not None:
        assert kappa.value <= 1 + 1e-12
        assert (abs(kappa.value - 1) < 1e-12) == (np.trace(table) == table.sum())
        assert kappa.upper is None or kappa.upper <= 1


@given(tables)
def test_kappa_does_not_depend_on_the_names_of_categories_unless_they_are_ordered(table):
    turned = table[np.ix_([2, 0, 1], [2, 0, 1])]
    one, other = cohen_kappa(table), cohen_kappa(turned)
    assert one.value == pytest.approx(other.value) if one.value is not None else other.value is None


@given(tables)
def test_weights_are_alike_for_two_categories(table):
    two = table[:2, :2]
    if two.any():
        values = [cohen_kappa(two, weights=kind).value for kind in ("unweighted", "linear", "quadratic")]
        assert values[0] is None or values == pytest.approx([values[0]] * 3)


@given(tables)
def test_two_raters_percent_agreement_is_the_diagonal(table):
    agreed = percent_agreement(table)
    assert agreed.value == pytest.approx(np.trace(table) / table.sum())
    assert agreed.n_subjects == table.sum()


@pytest.mark.parametrize(
    ("figure", "reason"),
    [
        (lambda: cohen_kappa([[7, 0], [0, 0]]), "one category"),
        (lambda: fleiss_kappa([[3, 0], [3, 0]]), "one category"),
        (lambda: krippendorff_alpha([[1, 1], [1, 1]], level="nominal", seed=1), "all ratings are the same"),
        (lambda: krippendorff_alpha([[1, np.nan], [np.nan, 2]], level="nominal", seed=1), "no unit"),
        (lambda: icc([[2, 2], [2, 2]], form="2,1"), "nothing varies"),
        (lambda: icc([[1, 2], [2, 1]], form="2,1"), "nothing varies between"),
        (lambda: icc([[2, 3]], form="2,1"), "fewer than two"),
    ],
)
def test_what_cannot_be_told_from_chance_is_not_estimable_and_says_why(figure, reason):
    estimate = figure()
    assert estimate.value is None
    assert reason in estimate.undefined


def test_a_second_category_that_hardly_occurs_is_still_one():
    rare = np.array([[999_998.0, 1], [1, 0]])  # Pe = 1 - 2 / 10^6, so that kappa = -1 / (10^6 - 1)
    assert cohen_kappa(rare).value == pytest.approx(-1 / 999_999, rel=1e-3)


@given(st.lists(st.integers(1, 40), min_size=2, max_size=6), weightings)
def test_perfect_agreement_is_one_to_the_last_digit(diagonal, weights):
    assert cohen_kappa(np.diag(diagonal), weights=weights).value == 1


@pytest.mark.parametrize(
    "figure",
    [
        lambda: cohen_kappa([[7, 0], [0, 5]]),
        lambda: fleiss_kappa([[3, 0], [0, 3], [3, 0]]),
        lambda: krippendorff_alpha([[1, 1], [2, 2]] * 9, level="nominal", seed=1),
        lambda: icc([[1, 1], [2, 2], [5, 5]], form="2,1"),
        lambda: icc([[1, 2], [2, 3], [5, 6]], form="3,1"),
    ],
)
def test_perfect_agreement_is_one_without_an_interval_of_no_width(figure):
    estimate = figure()
    assert estimate.value == pytest.approx(1)
    assert (estimate.lower, estimate.upper) == (None, None)
    assert "no interval" in estimate.undefined


def test_agreement_is_high_in_ac1_where_kappa_falls_into_its_paradox():
    counts = [[2, 0]] * 118 + [[1, 1]] * 7
    assert gwet_ac1(counts).value > 0.9
    assert fleiss_kappa(counts).value < 0


def test_the_interval_of_kappa_covers_the_truth_about_as_often_as_it_says():
    # Both raters see the truth in 85 % and guess else, one of two categories: kappa = 0.85^2.
    random, hits = np.random.default_rng(5), 0
    for _ in range(400):
        truth = random.integers(0, 2, 150)
        reads = [np.where(random.random(150) < 0.85, truth, random.integers(0, 2, 150)) for _ in range(2)]
        kappa = cohen_kappa(cross_table(*map(list, reads), categories=[0, 1]))
        hits += kappa.lower <= 0.85**2 <= kappa.upper
    assert 0.92 <= hits / 400 <= 0.98


@given(
    arrays.arrays(np.int64, (6, 3), elements=st.integers(0, 9)),
    st.sampled_from(["2,1", "3,1"]),
    st.sampled_from([1e-6, 1.0, 1e6]),
)
def test_an_icc_lies_in_its_interval_and_does_not_depend_on_the_unit(ratings, form, scale):
    one, other = icc(ratings, form=form), icc(ratings * scale, form=form)
    assert (one.value is None) == (other.value is None)
    if one.value is not None:
        assert one.value == pytest.approx(other.value, abs=1e-6)
    if one.lower is not None:
        assert one.lower - 1e-9 <= one.value <= one.upper + 1e-9
        assert other.lower == pytest.approx(one.lower, abs=1e-6)


def test_a_constant_difference_lowers_absolute_agreement_and_not_consistency():
    base = np.array([[1.0, 1.2], [2.0, 2.1], [3.0, 3.3], [4.0, 3.9]])
    shifted = base + np.array([0, 5])
    assert icc(shifted, form="3,1").value == pytest.approx(icc(base, form="3,1").value)
    assert icc(shifted, form="2,1").value < icc(base, form="2,1").value


@given(st.integers(0, 10_000))
def test_alpha_ignores_units_with_one_rating_and_the_order_of_raters(seed):
    random = np.random.default_rng(seed)
    ratings = random.integers(1, 4, (8, 3)).astype(float)
    lonely = np.vstack([ratings, [3, np.nan, np.nan]])
    one = krippendorff_alpha(ratings, level="ordinal", seed=1, replicates=20)
    other = krippendorff_alpha(lonely[:, ::-1], level="ordinal", seed=1, replicates=20)
    assert one.value == pytest.approx(other.value)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: cohen_kappa([[1, 2, 3], [4, 5, 6]]),
        lambda: cohen_kappa([[0, 0], [0, 0]]),
        lambda: cohen_kappa([[1.5, 0], [0, 1]]),
        lambda: cohen_kappa([[-1, 0], [0, 1]]),
        lambda: cohen_kappa([[np.nan, 0], [0, 1]]),
        lambda: fleiss_kappa([[1, 0], [2, 0]]),
        lambda: gwet_ac1([[2], [2]]),
        lambda: krippendorff_alpha([[np.inf, 1]], level="interval", seed=1),
        lambda: krippendorff_alpha([[-1, 1]], level="ratio", seed=1),
        lambda: icc([[1, np.nan], [2, 3]], form="2,1"),
        lambda: icc([], form="2,1"),
        lambda: cross_table(["a"], ["a", "b"], categories=["a", "b"]),
        lambda: cross_table(["a"], ["c"], categories=["a", "b"]),
        lambda: cross_table(["a"], ["a"], categories=["a", "a"]),
    ],
)
def test_arrays_that_are_no_ratings_are_refused(wrong):
    with pytest.raises(WrongUse):
        wrong()
