import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from medassay.core.errors import WrongUse
from medassay.statistics.proportion import _ENDS, ends_of, proportion, wilson_ends

few = settings(max_examples=20)

METHODS = sorted(_ENDS)
INSIDE = ["wilson", "wilson_cc", "clopper_pearson", "mid_p", "agresti_coull", "wald", "minlike"]
counts = st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(
    ("x", "n", "method", "ends"),
    [  # Newcombe, Stat Med 17:857-872, 1998, table I: methods 1, 3, 4, 5 and 6
        (81, 263, "wald", (0.2522, 0.3638)),
        (81, 263, "wilson", (0.2553, 0.3662)),
        (81, 263, "wilson_cc", (0.2535, 0.3682)),
        (81, 263, "clopper_pearson", (0.2527, 0.3676)),
        (81, 263, "mid_p", (0.2544, 0.3658)),
        (15, 148, "wilson", (0.0624, 0.1605)),
        (15, 148, "mid_p", (0.0601, 0.1581)),
        (0, 20, "wilson", (0.0, 0.1611)),
        (0, 20, "clopper_pearson", (0.0, 0.1684)),
        (0, 20, "mid_p", (0.0, 0.1391)),
        (1, 29, "wilson", (0.0061, 0.1718)),
        (1, 29, "wilson_cc", (0.0018, 0.1963)),
    ],
)
def test_intervals_are_those_of_newcombes_table(x, n, method, ends):
    estimate = proportion(x, n, method=method)
    assert (estimate.lower, estimate.upper) == pytest.approx(ends, abs=6e-5)


def test_mid_p_at_zero_has_its_closed_form():
    assert proportion(0, 20, method="mid_p").upper == pytest.approx(1 - 0.05 ** (1 / 20), abs=1e-12)


@pytest.mark.parametrize("method", METHODS)
@few
@given(counts)
def test_ends_mirror_when_success_and_failure_are_swapped(method, count):
    x, n = count
    one, other = proportion(x, n, method=method), proportion(n - x, n, method=method)
    if one.lower is None:
        assert method == "logit"
        assert other.lower is None
    else:
        assert (one.lower, one.upper) == pytest.approx((1 - other.upper, 1 - other.lower), abs=1e-9)


@pytest.mark.parametrize("method", INSIDE)
@few
@given(counts)
def test_ends_lie_in_the_unit_interval_about_the_figure(method, count):
    estimate = proportion(*count, method=method)
    assert 0 <= estimate.lower <= estimate.value + 1e-12
    assert estimate.value - 1e-12 <= estimate.upper <= 1


@pytest.mark.parametrize("method", ["clopper_pearson", "minlike"])
@pytest.mark.parametrize("n", [7, 20, 45])
def test_exact_intervals_hold_the_truth_at_least_as_often_as_they_say(method, n):
    ends = np.array([ends_of(x, n, method=method) for x in range(n + 1)])
    for p in np.linspace(0.01, 0.99, 99):
        held = (ends[:, 0] <= p) & (p <= ends[:, 1])
        assert stats.binom.pmf(np.arange(n + 1), n, p)[held].sum() >= 0.95 - 1e-9


def test_minlike_is_never_wider_in_all_than_the_equal_tails():
    widths = {
        method: sum(np.ptp(ends_of(x, 30, method=method)) for x in range(31))
        for method in ("minlike", "clopper_pearson")
    }
    assert widths["minlike"] < widths["clopper_pearson"]


def test_jeffreys_conventions_differ_at_the_edge_only():
    # statsmodels keeps equal tails at 0 of 20; R's binom gives the whole error to the upper end.
    assert ends_of(0, 20, method="jeffreys") == pytest.approx((2.42465e-5, 0.116639), abs=1e-6)
    assert ends_of(0, 20, method="jeffreys_one_sided") == pytest.approx((0, 0.0905), abs=5e-5)
    assert ends_of(7, 20, method="jeffreys") == ends_of(7, 20, method="jeffreys_one_sided")


@few
@given(counts)
def test_the_closed_wilson_ends_are_scipys(count):
    x, n = count
    theirs = stats.binomtest(x, n).proportion_ci(method="wilson")
    assert wilson_ends(x / n, n, float(stats.norm.ppf(0.975))) == pytest.approx(
        (theirs.low, theirs.high), abs=1e-12
    )


@pytest.mark.parametrize("method", [m for m in METHODS if m not in ("jeffreys", "minlike", "wald_unclipped")])
def test_more_subjects_narrow_the_interval(method):
    widths = [np.ptp(ends_of(k, 4 * k, method=method)) for k in (2, 8, 32, 128)]
    assert widths == sorted(widths, reverse=True)


@pytest.mark.parametrize("bad", [(3, 2), (-1, 4), (1.5, 4)])
def test_what_is_no_count_is_refused(bad):
    with pytest.raises(WrongUse, match="wanted whole counts"):
        proportion(*bad)


def test_an_unknown_method_or_confidence_is_refused_with_the_known_ones():
    with pytest.raises(WrongUse, match="clopper_pearson"):
        proportion(1, 2, method="exactly")
    with pytest.raises(WrongUse, match="confidence"):
        proportion(1, 2, confidence=95)


def test_no_subject_is_not_estimable_and_no_logit_is_said():
    assert proportion(0, 0).undefined == "no subject"
    assert "logit" in proportion(4, 4, method="logit").undefined
