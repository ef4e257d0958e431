import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.statistics.bland_altman import bland_altman, concordance_correlation
from medassay.statistics.bland_altman_repeated import bland_altman_exchangeable, bland_altman_linked

# First readings of the large and the mini meter: Bland and Altman, Lancet 327:307-310, 1986, table 1.
LARGE = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]

pairs = st.lists(st.tuples(st.floats(1, 100), st.floats(1, 100)), min_size=3, max_size=30).map(
    lambda rows: tuple(np.array(column) for column in zip(*rows, strict=True))
)


def test_the_paper_of_1986_is_reproduced_as_printed():
    found = bland_altman(LARGE, MINI, multiplier=2, limit_error="bland_altman_1986")
    assert round(found.bias.value, 1) == -2.1
    assert round(found.sd.value, 1) == 38.8
    # The paper prints -79.7 and 75.5, made from the rounded SD.
    assert found.lower_limit.value == pytest.approx(-79.7, abs=0.1)
    assert found.upper_limit.value == pytest.approx(75.5, abs=0.1)
    # Standard error of a limit 16.3, t = 2.12 with 16 df: -114.3 to -45.1 and 40.9 to 110.1 as printed.
    assert found.lower_limit.lower == pytest.approx(-114.3, abs=0.2)
    assert found.lower_limit.upper == pytest.approx(-45.1, abs=0.2)
    assert found.upper_limit.upper == pytest.approx(110.1, abs=0.2)


@settings(max_examples=30)
@given(pairs)
def test_swapping_the_procedures_mirrors_bias_and_limits(pair):
    one, other = bland_altman(*pair), bland_altman(pair[1], pair[0])
    assert one.bias.value == pytest.approx(-other.bias.value, abs=1e-9)
    assert one.lower_limit.value == pytest.approx(-other.upper_limit.value, abs=1e-9)
    assert one.sd.value == pytest.approx(other.sd.value)


@settings(max_examples=30)
@given(pairs, st.floats(0.1, 20), st.floats(-50, 50))
def test_a_unit_scales_and_a_common_shift_does_nothing(pair, factor, shift):
    one, other = bland_altman(*pair), bland_altman(*(factor * part + shift for part in pair))
    assert other.bias.value == pytest.approx(factor * one.bias.value, abs=1e-6)
    assert other.sd.value == pytest.approx(factor * one.sd.value, abs=1e-6)


def test_percent_of_the_mean_carries_its_unit_and_refuses_a_mean_of_zero():
    found = bland_altman([11.0, 22.0, 33.0], [9.0, 18.0, 27.0], scale="percent_of_mean", unit="mmol/L")
    assert (found.bias.value, found.bias.unit) == (pytest.approx(20), "%")
    with pytest.raises(WrongUse, match="mean of zero"):
        bland_altman([1.0, -1.0], [-1.0, 1.0], scale="percent_of_mean")


def test_one_pair_has_a_bias_and_no_limits_and_none_has_nothing():
    one, none = bland_altman([3.0], [1.0]), bland_altman([], [])
    assert (one.bias.value, one.lower_limit.value) == (2.0, None)
    assert none.bias.undefined == "no pair"


def test_a_difference_that_grows_with_the_value_shows_as_a_trend():
    x = np.linspace(10, 100, 40)
    trend = bland_altman(1.1 * x + np.sin(x), x).trend
    assert trend.slope.lower > 0


@pytest.mark.parametrize("multiplier", [0, -1, np.nan])
def test_an_impossible_multiplier_is_refused(multiplier):
    with pytest.raises(WrongUse, match="multiplier"):
        bland_altman([1.0, 2.0], [1.0, 2.0], multiplier=multiplier)


@settings(max_examples=30)
@given(pairs)
def test_concordance_is_symmetric_and_never_beyond_the_correlation(pair):
    one, other = concordance_correlation(*pair), concordance_correlation(pair[1], pair[0])
    if one.coefficient.value is None:
        assert one.coefficient.undefined
        return
    assert one.coefficient.value == pytest.approx(other.coefficient.value)
    assert -1 <= one.coefficient.value <= 1
    if one.accuracy is not None:
        assert 0 < one.accuracy <= 1 + 1e-12


def test_concordance_says_why_it_has_no_interval():
    assert "line" in concordance_correlation([1.0, 2, 3], [1.0, 2, 3]).coefficient.undefined
    assert concordance_correlation([2.0] * 4, [1.0, 2, 3, 4]).coefficient.value == 0.0
    assert concordance_correlation([2.0] * 4, [3.0] * 4).coefficient.value is None


def occasions(subjects=40, replicates=3, seed=1, apart=2.0, shared=3.0, noise=(1.0, 2.0)):
    generator = np.random.default_rng(seed)
    truth = generator.normal(100, 15, subjects)[:, None]
    occasion = generator.normal(0, shared, (subjects, replicates))
    sides = [
        truth
        + bias
        + occasion
        + generator.normal(0, apart, (subjects, 1))
        + generator.normal(0, sd, (subjects, replicates))
        for bias, sd in ((5.0, noise[0]), (0.0, noise[1]))
    ]
    subject = np.repeat(np.arange(subjects), replicates)
    return sides[0].ravel(), sides[1].ravel(), subject


def test_balanced_linked_replicates_agree_with_the_analysis_of_variance_of_differences():
    # Bland and Altman 2007: with as many occasions each, var(d) = (MSb - MSw) / m + MSw.
    first, second, subject = occasions()
    difference = (first - second).reshape(40, 3)
    between = 3 * difference.mean(axis=1).var(ddof=1)
    within = difference.var(axis=1, ddof=1).mean()
    sd = np.sqrt((between - within) / 3 + within)
    found = bland_altman_linked(first, second, subject)
    assert found.bias.value == pytest.approx(difference.mean(), rel=1e-6)
    assert found.sd.value == pytest.approx(sd, rel=1e-4)
    assert found.upper_limit.value == pytest.approx(difference.mean() + 1.96 * sd, rel=1e-4)


def test_the_jackknife_of_the_bias_is_the_error_of_the_subjects_means():
    first, second, subject = occasions()
    means = (first - second).reshape(40, 3).mean(axis=1)
    found = bland_altman_linked(first, second, subject)
    half = (found.bias.upper - found.bias.lower) / 2
    from scipy.stats import t

    assert half == pytest.approx(t.ppf(0.975, 39) * means.std(ddof=1) / np.sqrt(40), rel=0.01)


def test_more_occasions_of_the_same_people_do_not_narrow_the_interval_like_more_people():
    few = bland_altman_linked(*occasions(subjects=12, replicates=3, apart=6.0))
    repeated = bland_altman_linked(*occasions(subjects=12, replicates=30, apart=6.0))
    people = bland_altman_linked(*occasions(subjects=120, replicates=3, apart=6.0))

    def width(found):
        return found.bias.upper - found.bias.lower

    assert width(people) < 0.5 * width(few)
    assert width(repeated) > 0.6 * width(few)


def test_components_are_recovered_from_many_people():
    found = bland_altman_linked(*occasions(subjects=1500, replicates=4, seed=4))
    assert found.sd_subject_by_method == pytest.approx(2.0, rel=0.1)
    assert found.sd_subject_by_replicate == pytest.approx(3.0, rel=0.1)
    assert found.sd_residual == (pytest.approx(1.0, rel=0.15), pytest.approx(2.0, rel=0.1))


def test_swapping_linked_procedures_mirrors_everything():
    first, second, subject = occasions(subjects=15)
    one, other = bland_altman_linked(first, second, subject), bland_altman_linked(second, first, subject)
    assert one.bias.value == pytest.approx(-other.bias.value, rel=1e-6)
    assert one.lower_limit.value == pytest.approx(-other.upper_limit.value, rel=1e-4)
    assert one.sd_residual == pytest.approx(other.sd_residual[::-1], rel=1e-3)


def test_the_order_of_results_never_matters_for_exchangeable_replicates():
    first, second, subject = occasions(subjects=10, shared=0.0)
    order = np.random.default_rng(1).permutation(len(first))
    one = bland_altman_exchangeable(first, subject, second, subject)
    other = bland_altman_exchangeable(first[order], subject[order], second, subject)
    assert other.bias.value == pytest.approx(one.bias.value, rel=1e-6)
    assert other.sd.value == pytest.approx(one.sd.value, rel=1e-4)


def test_people_with_results_by_one_method_do_not_count():
    first, second, subject = occasions(subjects=10, shared=0.0)
    found = bland_altman_exchangeable([*first, 100.0, 101.0], [*subject, 99, 99], second, subject)
    assert found.n_subjects == 10
    assert found.n_results == len(first) + len(second)


@pytest.mark.parametrize(
    ("first", "second", "subject"),
    [([], [], []), ([1.0, 2.0], [1.0, 2.5], ["p", "p"]), ([1.0, 2.0], [1.0, 2.5], ["p", "q"])],
)
def test_one_person_or_no_replicates_are_not_estimable(first, second, subject):
    assert "fewer than two subjects" in bland_altman_linked(first, second, subject).bias.undefined


def test_identical_replicates_give_limits_of_no_width():
    found = bland_altman_linked([5.0] * 6, [4.0] * 6, list("ppqqrr"))
    assert (found.bias.value, found.sd.value) == (1.0, 0.0)


def test_a_subject_without_a_name_is_refused():
    with pytest.raises(WrongUse, match="without a name"):
        bland_altman_linked([1.0, 2.0], [1.0, 2.0], ["p", None])
