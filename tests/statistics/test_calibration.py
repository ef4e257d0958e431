import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.statistics.bootstrap_figure import bootstrap_figure
from medassay.statistics.calibration import (
    BinRule,
    calibration_error,
    error_of_sums,
    observed_expected_ratio,
    reliability_sums,
    reliability_table,
    smoothed_error,
)
from medassay.statistics.decision_curve import case_benefits, decision_curve
from medassay.statistics.logistic_calibration import (
    calibration_test,
    likelihood_indexes,
    logistic_calibration,
)
from medassay.statistics.probability_scores import brier_score, log_loss, spiegelhalter

few = settings(max_examples=20)

forecasts = st.lists(
    st.tuples(st.booleans(), st.integers(1, 99).map(lambda percent: percent / 100)), min_size=5, max_size=60
).map(lambda rows: tuple(np.array(column) for column in zip(*rows, strict=True)))


def drawn(seed, n=400, slope=1.0, shift=0.0):
    """Outcomes of probabilities whose logits are `slope` too flat and `shift` too low."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=n)
    labels = rng.uniform(size=n) < 1 / (1 + np.exp(-(slope * logits + shift)))
    return labels, 1 / (1 + np.exp(-logits))


@few
@given(forecasts)
def test_scores_are_scikit_learns(forecast):
    from sklearn import metrics

    labels, values = forecast
    assert brier_score(labels, values).value == pytest.approx(metrics.brier_score_loss(labels, values))
    assert log_loss(labels, values).value == pytest.approx(metrics.log_loss(labels, values, labels=[0, 1]))


@few
@given(forecasts)
def test_the_brier_conventions_differ_by_two_and_agree_with_two_columns(forecast):
    labels, values = forecast
    one, both = brier_score(labels, values), brier_score(labels, values, sum_over="all_classes")
    assert both.value == pytest.approx(2 * one.value)
    columns = brier_score(labels.astype(int), np.column_stack([1 - values, values]))
    assert columns.value == pytest.approx(both.value)


@few
@given(forecasts, st.sampled_from(["equal_width", "equal_mass"]))
def test_the_reliability_curve_is_scikit_learns(forecast, bins):
    from sklearn.calibration import calibration_curve

    labels, values = forecast
    assume(labels.any() and not labels.all())
    strategy = "uniform" if bins == "equal_width" else "quantile"
    if bins == "equal_mass":  # theirs keeps edges that fall together apart
        assume(len(np.unique(np.quantile(values, np.linspace(0, 1, 6)))) == 6)
    true, predicted = calibration_curve(labels, values, n_bins=5, strategy=strategy)
    table = reliability_table(labels, values, rule=BinRule(count=5, bins=bins, edge="right_closed"))
    assert table.observed == pytest.approx(true)
    assert table.mean_predicted == pytest.approx(predicted)


@few
@given(forecasts, st.sampled_from(["right_closed", "left_closed"]), st.integers(1, 15))
def test_every_case_falls_into_one_bin_that_holds_it(forecast, edge, count):
    labels, values = forecast
    table = reliability_table(labels, values, rule=BinRule(count=count, edge=edge))
    assert table.cases.sum() == len(labels)
    assert (table.lower <= table.mean_predicted + 1e-12).all()
    assert (table.mean_predicted <= table.upper + 1e-12).all()
    assert table.cases @ table.observed == pytest.approx(labels.sum())


def test_the_edge_rule_decides_where_an_inner_edge_falls():
    below = reliability_table([0, 1], [0.5, 0.7], rule=BinRule(count=2, edge="right_closed"))
    above = reliability_table([0, 1], [0.5, 0.7], rule=BinRule(count=2, edge="left_closed"))
    assert below.cases.tolist() == [1, 1]
    assert above.cases.tolist() == [2]
    ends = reliability_table([0, 1], [0.0, 1.0], rule=BinRule(count=4, edge="left_closed"))
    assert ends.lower.tolist() == [0.0, 0.75]


@few
@given(forecasts)
def test_norms_of_the_error_are_ordered_and_bounded(forecast):
    table = reliability_table(*forecast)
    first, second, most = (calibration_error(table, norm=norm).value for norm in ("l1", "l2", "max"))
    assert 0 <= first <= second + 1e-12
    assert second <= most + 1e-12
    assert most <= 1
    assert "biased upwards" in calibration_error(table).undefined


@few
@given(forecasts, st.permutations(range(60)))
def test_calibration_does_not_depend_on_the_order_of_cases(forecast, shuffle):
    labels, values = forecast
    order = np.argsort(shuffle[: len(labels)])
    for figure in (
        lambda y, p: calibration_error(reliability_table(y, p)).value,
        lambda y, p: brier_score(y, p).value,
        lambda y, p: spiegelhalter(y, p).statistic,
    ):
        assert figure(labels, values) == pytest.approx(figure(labels[order], values[order]))


@few
@given(forecasts)
def test_sums_of_subjects_give_the_same_error_as_the_table(forecast):
    labels, values = forecast
    owner = np.arange(len(labels)) % 3
    sums = reliability_sums(labels, values, owner)
    table = calibration_error(reliability_table(labels, values)).value
    assert float(error_of_sums(sums.sum(axis=0)[None])[0]) == pytest.approx(table)


def test_the_error_of_people_can_be_resampled():
    labels, values = drawn(1)
    sums = reliability_sums(labels, values, np.arange(400) // 4)
    estimate = bootstrap_figure(sums, error_of_sums, undefined="no case", seed=2)
    assert estimate.n_subjects == 100
    assert estimate.lower < estimate.upper


@pytest.mark.parametrize(("slope", "shift"), [(1.0, 0.0), (0.5, 0.8), (1.6, -0.4)])
def test_slope_and_intercept_are_those_of_statsmodels(slope, shift):
    import statsmodels.api as sm

    labels, values = drawn(3, slope=slope, shift=shift)
    logits = np.log(values / (1 - values))
    ours = logistic_calibration(labels, values)
    theirs = sm.GLM(labels.astype(float), sm.add_constant(logits), family=sm.families.Binomial()).fit()
    assert (ours.intercept.value, ours.slope.value) == pytest.approx(tuple(theirs.params), abs=1e-7)
    assert (ours.intercept_error, ours.slope_error) == pytest.approx(tuple(theirs.bse), abs=1e-5)
    assert (ours.slope.lower, ours.slope.upper) == pytest.approx(tuple(theirs.conf_int()[1]), abs=1e-5)
    alone = sm.GLM(labels.astype(float), np.ones(400), family=sm.families.Binomial(), offset=logits).fit()
    assert ours.in_the_large.value == pytest.approx(alone.params[0], abs=1e-7)
    assert ours.deviance == pytest.approx(theirs.deviance, abs=1e-7)


def test_the_slope_of_right_probabilities_is_one_as_often_as_the_interval_says():
    fits = [logistic_calibration(*drawn(seed, n=300)) for seed in range(200)]
    for estimates in ([fit.slope for fit in fits], [fit.in_the_large for fit in fits]):
        truth = 1.0 if estimates[0] is fits[0].slope else 0.0
        held = np.mean([one.lower <= truth <= one.upper for one in estimates])
        assert 0.90 <= held <= 0.99


def test_probabilities_that_are_too_extreme_or_too_low_are_found():
    extreme = logistic_calibration(*drawn(5, n=2000, slope=0.6))
    low = logistic_calibration(*drawn(5, n=2000, shift=0.5))
    assert extreme.slope.upper < 1
    assert low.in_the_large.lower > 0
    assert calibration_test(extreme).p_value < 0.001
    assert likelihood_indexes(extreme).unreliability > 0


def test_the_calibration_test_keeps_its_level():
    p = [calibration_test(logistic_calibration(*drawn(seed, n=150))).p_value for seed in range(150)]
    assert 0.02 <= np.mean(np.array(p) < 0.05) <= 0.09


@pytest.mark.parametrize(
    ("labels", "values", "reason"),
    [
        ([1, 1, 1], [0.2, 0.4, 0.5], "one class"),
        ([0, 1, 1], [0.2, 1.0, 0.5], "no logit"),
        ([0, 1, 1], [0.5, 0.5, 0.5], "all the same"),
        ([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], "part the classes"),
    ],
)
def test_what_has_no_slope_says_why(labels, values, reason):
    fit = logistic_calibration(labels, values)
    assert fit.slope.value is None
    assert reason in fit.slope.undefined
    assert calibration_test(fit).p_value is None
    assert likelihood_indexes(fit) is None


def test_what_has_no_score_says_why():
    assert brier_score([], []).undefined == "no case"
    assert log_loss([1], [0.0]).value is None
    assert log_loss([], []).value is None
    assert spiegelhalter([1, 0], [0.5, 0.5]).p_value is None
    assert calibration_error(reliability_table([], [])).value is None
    assert smoothed_error([0, 1], [0.5, 0.5]) is None
    assert observed_expected_ratio([1, 0], [0.0, 0.0]).value is None
    assert observed_expected_ratio([1, 1], [0.5, 0.5]).undefined.startswith("no interval")


@pytest.mark.parametrize("values", [[0.5, 1.2], [0.5, np.nan], [-0.1, 0.5], [50, 60]])
def test_what_is_no_probability_is_refused(values):
    with pytest.raises(WrongUse):
        brier_score([0, 1], values)
    with pytest.raises(WrongUse):
        reliability_table([0, 1], values)


def test_rows_that_do_not_sum_to_one_and_rules_without_bins_are_refused():
    with pytest.raises(WrongUse, match="sums to 1"):
        brier_score([0, 1], [[0.5, 0.2], [0.5, 0.5]])
    with pytest.raises(WrongUse, match="bins"):
        BinRule(count=0)


@few
@given(forecasts, st.floats(0.01, 0.99))
def test_net_benefit_is_its_formula_and_never_beats_the_prevalence(forecast, threshold):
    labels, values = forecast
    at = decision_curve(labels, values, thresholds=[threshold])[0]
    acted = values >= threshold
    n, odds = len(labels), threshold / (1 - threshold)
    expected = (labels & acted).sum() / n - (~labels & acted).sum() / n * odds
    assert at.model.value == pytest.approx(expected)
    assert at.model.value <= labels.mean() + 1e-12
    assert at.treat_all.value == pytest.approx(labels.mean() - (1 - labels.mean()) * odds)
    assert at.over_all.value == pytest.approx(at.model.value - at.treat_all.value)
    assert case_benefits(labels, values, threshold).mean() == pytest.approx(at.model.value)


def test_a_threshold_that_is_no_probability_is_refused():
    with pytest.raises(WrongUse, match="threshold"):
        decision_curve([0, 1], [0.2, 0.4], thresholds=[1.0])
    assert decision_curve([], [], thresholds=[0.5])[0].model.value is None
