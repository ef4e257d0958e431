import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.statistics.paired_proportions import mcnemar, paired_difference
from medassay.statistics.proportion_difference import _restricted, proportion_difference

few = settings(max_examples=20)

groups = st.integers(1, 80).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
intervals = st.sampled_from(["newcombe", "mee", "miettinen_nurminen", "agresti_caffo", "wald"])
tables = st.tuples(*[st.integers(0, 40)] * 4).filter(lambda table: sum(table) > 0)
paired = st.sampled_from(["newcombe", "mover", "tango", "agresti_min"])


@pytest.mark.parametrize(
    ("first", "second", "newcombe", "mee"),
    [  # Newcombe, Stat Med 17:873-890, 1998, table II: methods 10 and 5
        ((56, 70), (48, 80), (0.0524, 0.3339), (0.0533, 0.3377)),
        ((9, 10), (3, 10), (0.1705, 0.8090), (0.1821, 0.8370)),
        ((5, 56), (0, 29), (-0.0381, 0.1926), (-0.0313, 0.1926)),
        ((10, 10), (0, 10), (0.6075, 1.0), (0.6777, 1.0)),
    ],
)
def test_intervals_are_those_of_newcombes_table(first, second, newcombe, mee):
    for name, ends in (("newcombe", newcombe), ("mee", mee)):
        estimate = proportion_difference(first, second, interval=name)
        assert (estimate.lower, estimate.upper) == pytest.approx(ends, abs=6e-5)


@few
@given(groups, groups, intervals)
def test_a_difference_changes_its_sign_when_groups_are_swapped(first, second, interval):
    one = proportion_difference(first, second, interval=interval)
    other = proportion_difference(second, first, interval=interval)
    assert one.value == pytest.approx(-other.value)
    assert (one.lower, one.upper) == pytest.approx((-other.upper, -other.lower), abs=1e-6)


@few
@given(groups, groups, st.sampled_from(["newcombe", "mee", "miettinen_nurminen"]))
def test_score_intervals_stay_between_minus_one_and_one_about_the_figure(first, second, interval):
    estimate = proportion_difference(first, second, interval=interval)
    assert -1 <= estimate.lower <= estimate.value + 1e-9
    assert estimate.value - 1e-9 <= estimate.upper <= 1


@few
@given(groups, groups, st.floats(-0.95, 0.95))
def test_the_closed_restricted_estimate_is_the_likeliest(first, second, difference):
    (x1, n1), (x2, n2) = first, second
    grid = np.linspace(max(0, difference), min(1, 1 + difference), 4001)

    def likelihood(p):
        with np.errstate(divide="ignore", invalid="ignore"):
            parts = [(x1, p), (n1 - x1, 1 - p), (x2, p - difference), (n2 - x2, 1 - p + difference)]
            return sum(np.where(k > 0, k * np.log(np.maximum(q, 0)), 0.0) for k, q in parts)

    ours = _restricted(x1 / n1, n1, x2 / n2, n2, difference)
    assert likelihood(np.array([ours]))[0] >= likelihood(grid).max() - 1e-6


def test_the_score_interval_ends_where_the_test_just_rejects():
    estimate = proportion_difference((23, 56), (28, 33), interval="mee")
    for end in (estimate.lower, estimate.upper):
        p1 = _restricted(23 / 56, 56, 28 / 33, 33, end)
        p2 = p1 - end
        variance = p1 * (1 - p1) / 56 + p2 * (1 - p2) / 33
        assert abs(23 / 56 - 28 / 33 - end) / np.sqrt(variance) == pytest.approx(1.959964, abs=1e-5)


def test_tango_is_fagerlands_example():
    # Fagerland, Lydersen and Laake, Stat Med 33:2850-2875, 2014: airway measurements, table (1, 1, 7, 12).
    estimate = paired_difference((1, 1, 7, 12), interval="tango")
    assert (estimate.lower, estimate.upper) == pytest.approx((-0.517, -0.026), abs=5e-4)
    assert mcnemar((1, 1, 7, 12), version="exact").p_value == pytest.approx(0.0703125)
    assert mcnemar((1, 1, 7, 12), version="mid_p").p_value == pytest.approx(0.0390625)


@few
@given(tables, paired, st.sampled_from(["wilson", "jeffreys"]))
def test_a_paired_difference_changes_its_sign_when_results_are_swapped(table, interval, base):
    a, b, c, d = table
    one = paired_difference(table, interval=interval, base=base)
    other = paired_difference((a, c, b, d), interval=interval, base=base)
    assert (one.lower, one.upper) == pytest.approx((-other.upper, -other.lower), abs=1e-6)


@few
@given(tables, st.sampled_from(["newcombe", "mover", "tango"]))
def test_paired_score_intervals_hold_the_figure_within_minus_one_and_one(table, interval):
    estimate = paired_difference(table, interval=interval)
    assert -1 - 1e-9 <= estimate.lower <= estimate.value + 1e-9
    assert estimate.value - 1e-9 <= estimate.upper <= 1 + 1e-9


@few
@given(tables, st.sampled_from(["exact", "mid_p", "chi2", "chi2_corrected"]))
def test_mcnemar_knows_the_discordant_pairs_only(table, version):
    _, b, c, _ = table
    assert mcnemar(table, version=version) == mcnemar((0, c, b, 7), version=version)


def test_mcnemar_conventions_where_both_are_wrong_equally_often():
    # R 4.2.2 gives 0 and p = 1; statsmodels 0.15.0 gives 0.05 and p = 0.823.
    assert mcnemar((3, 10, 10, 3), version="chi2_corrected").statistic == 0
    corrected = mcnemar((3, 10, 10, 3), version="chi2_corrected", when_equal="corrected")
    assert (corrected.statistic, corrected.p_value) == pytest.approx((0.05, 0.8231), abs=1e-4)


def test_nothing_discordant_is_said():
    assert mcnemar((5, 0, 0, 5), version="chi2").undefined == "no discordant pair"
    assert mcnemar((5, 0, 0, 5), version="exact").p_value == 1
    assert paired_difference((0, 0, 0, 0)).undefined == "no subject"
    assert proportion_difference((0, 0), (1, 2)).value is None


def test_shares_instead_of_counts_are_refused():
    with pytest.raises(WrongUse, match="subjects, not shares"):
        paired_difference((0.2, 0.1, 0.3, 0.4))
    with pytest.raises(WrongUse, match="whole counts"):
        proportion_difference((3, 2), (1, 2))
