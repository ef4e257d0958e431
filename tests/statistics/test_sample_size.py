"""Sample sizes against enumeration by other means, published examples, and R."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, nct, poisson, t
from statsmodels.stats.power import TTestIndPower, TTestPower
from statsmodels.stats.proportion import proportions_ztest

from medassay.core.errors import WrongUse
from medassay.statistics.obuchowski_rockette import Components
from medassay.statistics.proportion import proportion
from medassay.statistics.sample_size.agreement import kappa_interval_sample_size, kappa_sample_size
from medassay.statistics.sample_size.clusters import clustered_sample_size, design_effect, with_dropout
from medassay.statistics.sample_size.means import (
    agreement_half_width,
    agreement_sample_size,
    mean_sample_size,
)
from medassay.statistics.sample_size.precision import (
    diagnostic_precision,
    interval_precision,
    rate_precision,
    recruits_for,
    wald_precision,
)
from medassay.statistics.sample_size.proportion import (
    arcsine_sample_size,
    binomial_power,
    proportion_sample_size,
)
from medassay.statistics.sample_size.rates import rate_sample_size
from medassay.statistics.sample_size.reader_studies import reader_study_cases, reader_study_power
from medassay.statistics.sample_size.roc_area import (
    assumed_area_variances,
    auc_difference_sample_size,
    auc_sample_size,
)
from medassay.statistics.sample_size.two_proportions import (
    mcnemar_sample_size,
    noninferiority_proportion_sample_size,
    two_proportion_sample_size,
)


def test_the_normal_formula_of_a_goal_is_given_beside_its_exact_power_and_corrected():
    plan = proportion_sample_size(0.85, 0.90)
    assert round(plan.formula, 1) == 362.8
    assert plan.power_at_formula == pytest.approx(0.772, abs=5e-4)
    assert plan.power >= 0.8
    assert "gives 363, whose exact power is 0.772, not 0.80" in plan.remarks[0]
    assert "saw-tooth" in plan.remarks[1]


@settings(max_examples=8)
@given(st.floats(0.3, 0.9), st.floats(0.1, 0.2), st.sampled_from([0.025, 0.05]))
def test_from_the_planned_number_on_every_number_has_the_power_and_the_one_before_has_not(goal, more, alpha):
    assumed = min(goal + more, 0.99)
    plan = proportion_sample_size(goal, assumed, alpha=alpha)
    powers = {n: binomial_power(n, goal, assumed, alpha=alpha).power for n in range(1, plan.n + 60)}
    assert min(powers[n] for n in range(plan.n, plan.n + 60)) >= 0.8
    assert plan.n == 1 or powers[plan.n - 1] < 0.8
    assert plan.first == min(n for n in powers if powers[n] >= 0.8)
    assert plan.power == pytest.approx(powers[plan.n])


@settings(max_examples=40)
@given(st.integers(5, 40), st.floats(0.1, 0.9), st.floats(0.1, 0.9))
def test_exact_power_is_that_of_the_binomial_test_outcome_by_outcome(n, goal, assumed):
    if goal == assumed:
        return
    side = "greater" if assumed > goal else "less"
    for test, alternative, alpha in (
        ("one_sided", side, 0.025),
        ("two_sided_minimum_likelihood", "two-sided", 0.05),
    ):
        rejected = [k for k in range(n + 1) if binomtest(k, n, goal, alternative).pvalue <= alpha]
        found = binomial_power(n, goal, assumed, alpha=alpha, test=test)
        assert found.power == pytest.approx(binom.pmf(rejected, n, assumed).sum(), abs=1e-12)
        assert found.level <= alpha + 1e-12


def test_the_exact_test_and_the_clopper_pearson_limit_reject_together():
    found = binomial_power(60, 0.8, 0.9)
    for successes in (found.critical_high - 1, found.critical_high):
        limit = proportion(successes, 60, method="clopper_pearson").lower
        assert (limit > 0.8) == (successes == found.critical_high)


def test_a_failure_rate_below_a_goal_is_the_mirror_of_a_success_above():
    assert proportion_sample_size(0.15, 0.10).n == proportion_sample_size(0.85, 0.90).n


def test_two_independent_groups_have_the_power_of_the_z_test_summed_over_all_outcomes():
    plan = two_proportion_sample_size(0.9, 0.6)
    for n, reaches in ((plan.n, True), (plan.n + 1, True), (plan.n - 1, False)):
        power = 0.0
        for x, y in itertools.product(range(n + 1), repeat=2):
            if 0 < x + y < 2 * n and proportions_ztest([x, y], [n, n])[1] < 0.05:
                power += binom.pmf(x, n, 0.9) * binom.pmf(y, n, 0.6)
        assert (power >= 0.8) == reaches
    assert plan.power >= 0.8


def test_non_inferiority_has_the_power_of_the_wald_limit_summed_over_all_outcomes():
    plan = noninferiority_proportion_sample_size(0.9, 0.9, margin=0.15)
    power = 0.0
    for x, y in itertools.product(range(plan.n + 1), repeat=2):
        p, q = x / plan.n, y / plan.n
        error = np.sqrt((p * (1 - p) + q * (1 - q)) / plan.n)
        if p - q - 1.959963985 * error > -0.15:
            power += binom.pmf(x, plan.n, 0.9) * binom.pmf(y, plan.n, 0.9)
    assert power == pytest.approx(plan.power, abs=1e-9)
    assert power >= 0.8


def test_mcnemar_has_the_power_of_the_exact_test_summed_over_discordant_pairs():
    plan = mcnemar_sample_size(0.25, 0.05)

    def power(n):
        total = 0.0
        for d in range(1, n + 1):
            smaller = binom.cdf(np.minimum(range(d + 1), d - np.arange(d + 1)), d, 0.5)
            rejected = np.flatnonzero(2 * smaller <= 0.05)
            total += binom.pmf(d, n, 0.3) * binom.pmf(rejected, d, 0.25 / 0.3).sum()
        return total

    assert power(plan.n) == pytest.approx(plan.power, abs=1e-9)
    assert power(plan.n) >= 0.8 > power(plan.n - 1)
    assert plan.power_at_formula < 0.8  # the exact test pays for being exact


def test_means_are_planned_by_the_noncentral_t():
    aim = {"effect_size": 0.5, "alpha": 0.05, "power": 0.8}
    assert mean_sample_size(0.5, 1.0, groups=2).n == int(np.ceil(TTestIndPower().solve_power(**aim)))
    assert mean_sample_size(2.0, 4.0).n == int(np.ceil(TTestPower().solve_power(**aim)))
    assert mean_sample_size(-2.0, 4.0).n == mean_sample_size(2.0, 4.0).n


def test_limits_of_agreement_are_planned_as_in_the_published_example():
    """MedCalc manual, sample size for Bland-Altman: 83 pairs; Bland: 100 pairs give +- 0.34 sd."""
    plan = agreement_sample_size(0.001167, 0.001129, 0.004)
    assert plan.n == 83
    assert round(agreement_half_width(100), 2) == 0.34
    with pytest.raises(WrongUse, match="limits of agreement up to"):
        agreement_sample_size(0.0, 1.0, 1.9)


def test_the_power_for_limits_of_agreement_is_that_of_simulated_studies():
    plan, rng = agreement_sample_size(0.3, 1.0, 3.0), np.random.default_rng(5)
    values = rng.normal(0.3, 1.0, (20_000, plan.n))
    mean, sd = values.mean(axis=1), values.std(axis=1, ddof=1)
    reach = (
        1.959964 + t.isf(0.025, plan.n - 1) * np.sqrt(1 / plan.n + 1.959964**2 / (2 * (plan.n - 1)))
    ) * sd
    shown = np.mean((mean + reach < 3) & (mean - reach > -3))
    assert shown == pytest.approx(plan.power, abs=0.01)


def test_kappa_needs_what_r_kappasize_says():
    assert kappa_sample_size(0.4, 0.6, 0.3).subjects == pytest.approx(190.4564, abs=0.01)
    assert kappa_interval_sample_size(0.7, 0.6, 0.3, upper=0.8, excess=0.001).n == 290


@given(st.floats(0.1, 0.5), st.integers(2, 4))
def test_kappas_patterns_add_up_to_the_closed_form(share, raters):
    """The chi-square distance by listing every pattern of the common correlation model."""

    def chances(kappa):
        found = {}
        for pattern in itertools.product((0, 1), repeat=raters):
            chance = (1 - kappa) * np.prod([share if vote else 1 - share for vote in pattern])
            if len(set(pattern)) == 1:
                chance += kappa * (share if pattern[0] else 1 - share)
            found[pattern] = chance
        return found

    null, assumed = chances(0.3), chances(0.6)
    distance = sum((assumed[pattern] - null[pattern]) ** 2 / null[pattern] for pattern in null)
    found = kappa_sample_size(0.3, 0.6, share, raters=raters).subjects
    # 7.8489: noncentrality of a chi-square test at 5 % with a power of 80 %.
    assert found == pytest.approx(7.848861 / distance, rel=1e-4)


def test_more_raters_and_more_even_classes_need_fewer_subjects():
    assert kappa_sample_size(0.4, 0.6, 0.3, raters=3).n < kappa_sample_size(0.4, 0.6, 0.3).n
    assert kappa_sample_size(0.4, 0.6, 0.5).n < kappa_sample_size(0.4, 0.6, 0.1).n
    assert kappa_sample_size(0.4, 0.6, [1 / 3] * 3).n < kappa_sample_size(0.4, 0.6, 0.5).n
    assert kappa_sample_size(0.1, 0.9, 0.05).remarks[0].startswith("the rarest class")


def test_an_interval_is_narrow_enough_from_the_number_on():
    for interval in ("wilson", "clopper_pearson"):
        n = interval_precision(0.9, 0.05, interval=interval)

        def width(count, interval=interval):
            found = proportion(round(count * 0.9), count, method=interval)
            return found.upper - found.lower

        assert all(width(count) <= 0.1 for count in (n, n + 1, n + 2, n + 5, n + 11, n + 24))
        assert width(n - 1) > 0.1
    assert interval_precision(0.9, 0.05, interval="clopper_pearson") > wald_precision(0.9, 0.05)


def test_enough_people_with_the_condition_come_with_the_stated_assurance():
    n = recruits_for(100, 0.1, assurance=0.9)
    assert binom.sf(99, n, 0.1) >= 0.9 > binom.sf(99, n - 1, 0.1)
    assert diagnostic_precision(0.9, 0.05, 0.3, of="specificity") == pytest.approx(197.5607, abs=1e-3)


@settings(max_examples=15)
@given(st.floats(0.5, 20), st.floats(0.1, 0.7), st.sampled_from([0.025, 0.05]))
def test_from_the_planned_time_on_a_rate_is_shown_with_the_power(limit, share, alpha):
    assumed = limit * share
    plan = rate_sample_size(limit, assumed, alpha=alpha)

    def power(time):
        allowed = np.count_nonzero(poisson.cdf(np.arange(400), limit * time) <= alpha) - 1
        return poisson.cdf(allowed, assumed * time)

    later = plan.time * np.linspace(1 + 1e-9, 1.5, 60)
    assert min(power(time) for time in later) >= 0.8
    assert power(plan.time * (1 - 1e-6)) < 0.8
    assert power(plan.first * (1 + 1e-9)) >= 0.8
    assert plan.power == pytest.approx(power(plan.time * (1 + 1e-9)), abs=1e-6)


def test_a_rate_of_nothing_needs_the_rule_of_three():
    plan = rate_sample_size(0.01, 0.0, alpha=0.05)
    assert plan.time == pytest.approx(-np.log(0.05) / 0.01)
    assert rate_precision(2.0, 0.5) == pytest.approx(1.959964**2 * 2 / 0.25)


def test_areas_are_planned_as_proc_does():
    """R pROC 1.18.0 power.roc.test; one-sided 9.933712 in place of 12.74362."""
    assert auc_sample_size(0.8).positives == pytest.approx(12.7436165, abs=1e-6)
    assert auc_sample_size(0.8, alternative="one_sided").positives == pytest.approx(9.933712, abs=1e-6)
    plan = auc_sample_size(0.6, negatives_per_positive=3)
    assert (plan.positives, plan.negatives) == (pytest.approx(82.8350365), pytest.approx(248.5051094))


def test_a_correlated_second_device_needs_fewer_cases_and_a_margin_fewer_still():
    loose, tight = (assumed_area_variances(0.85, 0.80, correlation=r) for r in (0.2, 0.6))
    assert auc_difference_sample_size(tight).positives < auc_difference_sample_size(loose).positives
    same = assumed_area_variances(0.85, 0.85, correlation=0.6)
    assert auc_difference_sample_size(same, alpha=0.025, margin=0.05).positives > 0
    with pytest.raises(WrongUse, match="difference 0"):
        auc_difference_sample_size(same)


VANDYKE = Components(  # R RJafroc 2.1.2, OR, jackknife, VanDyke data (114 cases)
    reader=0.00153499934513392,
    treatment_reader=0.000200402523581461,
    error=0.000802288265572061,
    cov1=0.000346613709440729,
    cov2=0.000344074828860886,
    cov3=0.000239028370892152,
)


@pytest.mark.parametrize(
    ("factors", "readers", "cases", "power"),
    [
        ({}, 6, 251, 0.892281989392),
        ({}, 5, 114, 0.616609979171),
        ({}, 10, 163, 0.893333069811),
        ({"reader_factor": "fixed"}, 6, 251, 0.983944771108),
        ({"reader_factor": "fixed"}, 5, 114, 0.761563611036),
        ({"case_factor": "fixed"}, 6, 251, 0.949444913705),
        ({"case_factor": "fixed"}, 10, 163, 0.996678066245),
    ],
)
def test_reader_studies_have_the_power_that_rjafroc_says(factors, readers, cases, power):
    found = reader_study_power(VANDYKE, 114, difference=0.05, readers=readers, cases=cases, **factors)
    assert found.power == pytest.approx(power, abs=1e-9)


def test_the_fewest_cases_of_a_reader_study_are_the_fewest_or_more_readers_are_asked_for():
    plan = reader_study_cases(VANDYKE, 114, difference=0.05, readers=6)
    before = reader_study_power(VANDYKE, 114, difference=0.05, readers=6, cases=plan.cases - 1)
    assert plan.power >= 0.8 > before.power
    with pytest.raises(WrongUse, match="more readers"):
        reader_study_cases(VANDYKE, 114, difference=0.02, readers=3)


def test_floors_of_a_pilots_components_are_said():
    pilot = Components(0.0, -0.0007, 0.0015, 0.0008, 0.00048, 0.00051)
    found = reader_study_power(pilot, 100, difference=0.05, readers=4, cases=100)
    assert len(found.remarks) == 2
    with pytest.raises(WrongUse, match="components without"):
        reader_study_power(Components(None, None, 1, 0, 0, 0), 9, difference=0.1, readers=4, cases=9)


def test_several_measurements_of_a_person_are_worth_less_than_as_many_people():
    assert clustered_sample_size(400, 1, 0.2).clusters == 400
    assert clustered_sample_size(400, 5, 1.0).clusters == 400
    assert design_effect(5, 0.2, variation=0.5) > design_effect(5, 0.2)
    assert with_dropout(90, 0.0) == 90


def test_the_design_effect_is_that_of_simulated_clusters():
    rng = np.random.default_rng(3)
    share = rng.beta(0.8 * 4, 0.2 * 4, (20_000, 30))  # intraclass correlation 1 / (1 + 4)
    means = rng.binomial(5, share).sum(axis=1) / 150
    assert means.var() / (0.8 * 0.2 / 150) == pytest.approx(design_effect(5, 0.2), rel=0.03)


REFUSED = {
    "a percentage": lambda: proportion_sample_size(85, 90),
    "no difference": lambda: proportion_sample_size(0.9, 0.9),
    "power below alpha": lambda: arcsine_sample_size(0.5, 0.6, power=0.01),
    "no subjects": lambda: binomial_power(0, 0.5, 0.6),
    "inferior by the margin": lambda: noninferiority_proportion_sample_size(0.8, 0.9, margin=0.1),
    "discordant shares above 1": lambda: mcnemar_sample_size(0.7, 0.6),
    "equal discordant shares": lambda: mcnemar_sample_size(0.1, 0.1),
    "no spread": lambda: mean_sample_size(1.0, 0.0),
    "three groups": lambda: mean_sample_size(1.0, 1.0, groups=3),
    "one pair": lambda: agreement_half_width(1),
    "kappa limits on one side": lambda: kappa_interval_sample_size(0.7, 0.8, 0.3),
    "shares that are no distribution": lambda: kappa_sample_size(0.4, 0.6, [0.5, 0.3]),
    "one rater": lambda: kappa_sample_size(0.4, 0.6, 0.3, raters=1),
    "no cases": lambda: recruits_for(0, 0.1),
    "a rate at its limit": lambda: rate_sample_size(1.0, 1.0),
    "a rate hardly below": lambda: rate_sample_size(1.0, 0.9999),
    "an area at its null value": lambda: auc_sample_size(0.5),
    "no controls": lambda: auc_sample_size(0.8, negatives_per_positive=0),
    "a correlation of one": lambda: assumed_area_variances(0.8, 0.7, correlation=1),
    "half a measurement": lambda: clustered_sample_size(100, 0.5, 0.1),
    "NaN": lambda: mean_sample_size(float("nan"), 1.0),
    "one random reader": lambda: reader_study_power(VANDYKE, 114, difference=0.05, readers=1, cases=100),
    "out of reach": lambda: proportion_sample_size(0.5, 0.5001),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_what_cannot_be_planned_is_refused_with_the_reason(fault):
    with pytest.raises(WrongUse) as refused:
        REFUSED[fault]()
    assert refused.value.remedy


def test_the_noncentral_t_is_used_and_not_the_normal_formula():
    plan = mean_sample_size(1.0, 1.0)
    power = 1 - nct.cdf(t.isf(0.025, plan.n - 1), plan.n - 1, np.sqrt(plan.n))
    assert plan.power == pytest.approx(power, abs=1e-6)
    assert plan.formula < plan.n
