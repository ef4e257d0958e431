"""Rao and Scott, quantiles by order statistics, and claims judged by an interval."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.statistics.noninferiority import judge_difference
from medassay.statistics.proportion import proportion
from medassay.statistics.quantile_interval import quantile
from medassay.statistics.rao_scott import clustered_proportion, clustered_proportions_test, clustered_share
from medassay.statistics.ratio import ratio

few = settings(max_examples=20)

people = st.lists(
    st.integers(1, 12).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=2, max_size=30
).map(lambda rows: tuple(np.array(column) for column in zip(*rows, strict=True)))
# Survivors of litters, Weil, Food Cosmet Toxicol 8:177-182, 1970, controls.
SURVIVED = [13, 12, 9, 9, 8, 8, 12, 11, 9, 9, 8, 11, 4, 5, 7, 7]
BORN = [13, 12, 9, 9, 8, 8, 13, 12, 10, 10, 9, 13, 5, 7, 10, 10]


@few
@given(people)
def test_the_variance_over_people_is_the_cluster_robust_one(rows):
    import statsmodels.api as sm

    x, n = rows
    outcome = np.concatenate([np.r_[np.ones(a), np.zeros(b - a)] for a, b in zip(x, n, strict=True)])
    owner = np.repeat(np.arange(len(n)), n)
    fit = sm.OLS(outcome, np.ones(len(outcome))).fit(
        cov_type="cluster", cov_kwds={"groups": owner, "use_correction": False}
    )
    m = len(n)
    assert clustered_share(x, n).variance == pytest.approx(fit.bse[0] ** 2 * m / (m - 1), abs=1e-12)


def test_litters_of_controls_have_their_design_effect():
    share = clustered_share(SURVIVED, BORN)
    assert share.value == pytest.approx(142 / 158)
    residuals = np.array(SURVIVED) - share.value * np.array(BORN)
    binomial = share.value * (1 - share.value) / 158
    assert share.design_effect == pytest.approx((residuals**2).sum() * 16 / 15 / 158**2 / binomial)
    assert share.design_effect == pytest.approx(1.2325, abs=1e-4)


@few
@given(people)
def test_the_interval_lies_in_the_unit_interval_about_the_share(rows):
    estimate = clustered_proportion(*rows)
    if estimate.lower is not None:
        assert 0 <= estimate.lower <= estimate.value <= estimate.upper <= 1


@few
@given(people, st.integers(2, 4))
def test_copies_of_an_event_in_one_person_carry_no_information(rows, times):
    x, n = rows
    once = clustered_proportion(x, n, floor="as_found")
    many = clustered_proportion(x * times, n * times, floor="as_found")
    assert many.value == pytest.approx(once.value)
    assert (many.lower is None) == (once.lower is None)
    if once.lower is not None:
        assert (many.lower, many.upper) == pytest.approx((once.lower, once.upper), abs=1e-9)


def test_one_event_a_person_is_wilson_and_pearson():
    x, y = np.r_[np.ones(30), np.zeros(10)], np.r_[np.ones(20), np.zeros(25)]
    ours, theirs = clustered_proportion(x, np.ones(40)), proportion(30, 40)
    assert (ours.lower, ours.upper) == pytest.approx((theirs.lower, theirs.upper), abs=3e-3)
    test = clustered_proportions_test((x, np.ones(40)), (y, np.ones(45)))
    pearson = stats.chi2_contingency([[30, 10], [20, 25]], correction=False)
    assert test.statistic == pytest.approx(pearson.statistic, rel=0.03)


def test_it_agrees_with_the_bootstrap_over_people():
    rng = np.random.default_rng(4)
    n = rng.integers(2, 12, 120).astype(float)
    x = rng.binomial(n.astype(int), rng.beta(4, 2, 120)).astype(float)
    closed, drawn = clustered_proportion(x, n), ratio(x, n, undefined="-", seed=1)
    assert (closed.lower, closed.upper) == pytest.approx((drawn.lower, drawn.upper), abs=0.01)


def test_it_holds_the_truth_where_the_binomial_interval_does_not():
    rng, held = np.random.default_rng(6), {"clustered": 0, "binomial": 0}
    for _ in range(400):
        x = rng.binomial(10, rng.beta(4, 1, 40))
        for name, estimate in (
            ("clustered", clustered_proportion(x, np.full(40, 10))),
            ("binomial", proportion(int(x.sum()), 400)),
        ):
            held[name] += estimate.lower <= 0.8 <= estimate.upper
    assert held["clustered"] / 400 >= 0.92
    assert held["binomial"] / 400 <= 0.85


def test_all_right_counts_people_and_what_cannot_be_told_is_said():
    faultless = clustered_proportion([10] * 8, [10] * 8)
    assert faultless.lower == pytest.approx(proportion(8, 8).lower)
    assert "people as trials" in faultless.method
    assert clustered_proportion([0], [0]).undefined == "no event"
    assert clustered_proportion([3], [5]).undefined.startswith("no interval: fewer than two")
    same = clustered_proportion([1, 2], [2, 4], floor="as_found")
    assert same.undefined == "no interval: every person has the same share"
    assert clustered_proportions_test(([1, 2], [2, 4]), ([1, 0], [2, 4])).p_value is None
    with pytest.raises(WrongUse):
        clustered_proportion([3, 1], [2, 2])


def test_ranks_of_the_median_are_those_of_the_published_table():
    # Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, 2014, sign test: n = 20, ranks 6 and 15.
    estimate = quantile(np.arange(1.0, 21.0))
    assert (estimate.value, estimate.lower, estimate.upper) == (10.5, 6.0, 15.0)
    assert "5 values are too few" in quantile(np.arange(5.0)).undefined
    assert quantile(np.arange(6.0)).lower == 0.0
    assert quantile(np.arange(71.0), share=0.95).lower is None
    assert quantile(np.arange(72.0), share=0.95).upper == 71.0


@few
@given(st.lists(st.floats(-1e6, 1e6), min_size=6, max_size=80), st.floats(0.1, 10), st.floats(-100, 100))
def test_a_quantile_and_its_ends_follow_a_change_of_unit(values, scale, shift):
    one, other = quantile(values), quantile(np.array(values) * scale + shift)
    assert one.lower <= one.value <= one.upper
    for end in ("value", "lower", "upper"):
        assert getattr(other, end) == pytest.approx(getattr(one, end) * scale + shift, rel=1e-6, abs=1e-4)


@pytest.mark.parametrize(("n", "share"), [(30, 0.5), (80, 0.9)])
def test_order_statistics_hold_the_quantile_at_least_as_often_as_they_say(n, share):
    rng = np.random.default_rng(2)
    truth, held = stats.lognorm.ppf(share, 1.0), 0
    for _ in range(600):
        estimate = quantile(rng.lognormal(size=n), share=share)
        held += estimate.lower <= truth <= estimate.upper
    assert held / 600 >= 0.94


def test_a_time_that_was_never_taken_is_refused():
    with pytest.raises(WrongUse, match="finite"):
        quantile([1.0, np.inf])
    with pytest.raises(WrongUse, match="share"):
        quantile([1.0], share=1.0)
    assert quantile([]).undefined == "no value"


def interval(lower, upper, confidence=0.95):
    return Estimate(
        value=(lower + upper) / 2,
        lower=lower,
        upper=upper,
        confidence=confidence,
        method="-",
        n_subjects=99,
    )


@pytest.mark.parametrize(
    ("claim", "lower", "upper", "margin", "outcome"),
    [
        ("superiority", 0.01, 0.05, 0.0, "met"),
        ("superiority", 0.0, 0.05, 0.0, "not_met"),  # the limit itself is not beyond it
        ("superiority", 0.01, 0.05, 0.02, "not_met"),
        ("non_inferiority", -0.04, 0.05, 0.05, "met"),
        ("non_inferiority", -0.05, 0.05, 0.05, "not_met"),
        ("equivalence", -0.04, 0.04, 0.05, "met"),
        ("equivalence", -0.04, 0.06, 0.05, "not_met"),
    ],
)
def test_a_claim_is_met_when_the_whole_interval_lies_beyond_the_limit(claim, lower, upper, margin, outcome):
    judged = judge_difference(interval(lower, upper), claim=claim, margin=margin)
    assert judged.outcome == outcome
    turned = judge_difference(interval(-upper, -lower), claim=claim, margin=margin, better="lower")
    assert turned.outcome == outcome


@few
@given(st.floats(-0.3, 0.3), st.floats(0.001, 0.2), st.floats(0.01, 0.2))
def test_equivalence_is_two_one_sided_tests(value, error, margin):
    z = stats.norm.ppf(0.95)
    judged = judge_difference(
        interval(value - z * error, value + z * error, 0.90), claim="equivalence", margin=margin, alpha=0.05
    )
    p = max(stats.norm.sf((value + margin) / error), stats.norm.cdf((value - margin) / error))
    if abs(p - 0.05) > 1e-9:
        assert (judged.outcome == "met") == (p < 0.05)


def test_alpha_asks_for_its_interval():
    with pytest.raises(WrongUse, match=r"at least 0\.95"):
        judge_difference(interval(0.1, 0.2, 0.90), claim="superiority", alpha=0.025)
    assert judge_difference(interval(0.1, 0.2, 0.90), claim="superiority", alpha=0.05).outcome == "met"
    assert judge_difference(interval(0.1, 0.2, 0.99), claim="superiority").needed_confidence == 0.95


def test_no_interval_meets_no_claim():
    none = Estimate(value=0.3, n_subjects=1, undefined="no interval: fewer than two subjects")
    judged = judge_difference(none, claim="superiority")
    assert (judged.outcome, judged.reason) == ("not_estimable", "no interval: fewer than two subjects")


@pytest.mark.parametrize(
    "rule",
    [
        {"claim": "non_inferiority"},
        {"claim": "equivalence", "margin": -0.1},
        {"claim": "superiority", "alpha": 0.5},
        {"claim": "non_inferiority", "margin": float("inf")},
        {"claim": "non_inferiority", "margin": float("nan")},
    ],
)
def test_a_rule_without_a_margin_or_level_is_refused(rule):
    with pytest.raises(WrongUse, match="margin"):
        judge_difference(interval(0.1, 0.2), **rule)
