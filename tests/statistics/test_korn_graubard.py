"""The effective number of events and its exact ends, against the formula of R's survey package by another road."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from medassay.core.errors import WrongUse
from medassay.statistics.coverage import (
    LOWEST,
    METHODS,
    Scenario,
    coverage_of,
    judge,
    scenarios,
    simulated_coverage,
    table,
)
from medassay.statistics.korn_graubard import korn_graubard, korn_graubard_bounded
from medassay.statistics.proportion import proportion
from medassay.statistics.rao_scott import clustered_proportion

people = st.lists(
    st.integers(1, 30).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=2, max_size=25
)


def by_rows(successes, events, confidence=0.95):
    """svyciprop(method = "beta") from one row an event: linearised variance of a mean over clusters, then the ends."""
    y = np.concatenate([np.repeat([1.0, 0.0], [x, n - x]) for x, n in zip(successes, events, strict=True)])
    cluster = np.repeat(np.arange(len(events)), events)
    residual = (y - y.mean()) / len(y)
    totals = np.array([residual[cluster == c].sum() for c in np.unique(cluster)])
    m = len(totals)
    variance = m / (m - 1) * ((totals - totals.mean()) ** 2).sum()
    tail = (1 - confidence) / 2
    n_eff = y.mean() * (1 - y.mean()) / variance
    n_eff *= (stats.t.ppf(tail, len(y) - 1) / stats.t.ppf(tail, m - 1)) ** 2
    return proportion_confint(n_eff * y.mean(), n_eff, 1 - confidence, method="beta")


@given(people, st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_as_found_it_is_the_beta_interval_of_the_survey_package(drawn, confidence):
    successes, events = (np.array(part) for part in zip(*drawn, strict=True))
    found = korn_graubard(successes, events, floor="as_found", confidence=confidence)
    share = successes.sum() / events.sum()
    alike = np.allclose(successes, share * events, rtol=0, atol=1e-9)
    if share in (0, 1) or alike:
        return
    assert (found.lower, found.upper) == pytest.approx(by_rows(successes, events, confidence), abs=1e-9)


@given(people)
def test_the_figure_lies_inside_and_the_interval_is_no_narrower_than_with_the_floor_left_out(drawn):
    successes, events = (np.array(part) for part in zip(*drawn, strict=True))
    found = korn_graubard(successes, events)
    free = korn_graubard(successes, events, floor="as_found")
    assert 0 <= found.lower <= found.value <= found.upper <= 1
    if free.lower is not None:
        assert found.upper - found.lower >= free.upper - free.lower - 1e-12


def test_people_who_all_did_everything_right_are_trials_of_clopper_and_pearson():
    found = korn_graubard([40, 30, 50], [40, 30, 50])
    exact = proportion(3, 3, method="clopper_pearson")
    assert (found.lower, found.upper) == pytest.approx((exact.lower, exact.upper))
    assert found.method == "clopper_pearson(people as trials)"
    turned = korn_graubard([0, 0, 0], [40, 30, 50])
    assert (turned.lower, turned.upper) == pytest.approx((0.0, 1 - exact.lower))


def test_events_that_never_were_say_nothing_and_people_without_one_do_not_count():
    assert korn_graubard([0, 0], [0, 0]).undefined == "no event"
    assert korn_graubard([3], [4]).undefined == "no interval: fewer than two people contribute"
    assert korn_graubard([2, 2], [4, 4], floor="as_found").undefined.startswith("no interval: every person")
    assert korn_graubard([9, 5, 0], [10, 7, 0]) == korn_graubard([9, 5], [10, 7])


@pytest.mark.parametrize(
    ("successes", "events"), [([2], [1]), ([-1, 1], [2, 2]), ([np.nan, 1], [2, 2]), ([1, 1], [2])]
)
def test_sums_that_are_no_share_are_refused(successes, events):
    with pytest.raises(WrongUse, match="successes and events"):
        korn_graubard(successes, events)


def test_a_dozen_people_with_many_events_are_held_where_rao_and_scotts_scaling_is_not():
    planned = Scenario(13, 0.95, size=40, correlation=0.1)
    held = simulated_coverage("korn_graubard", planned, studies=1000)
    assert held.coverage - 2 * held.standard_error > LOWEST - 0.015
    assert held.coverage > simulated_coverage("rao_scott", planned, studies=1000).coverage + 0.02


def test_with_many_people_it_is_close_to_rao_and_scotts():
    rng = np.random.default_rng(1)
    events = rng.integers(1, 10, 2000)
    successes = rng.binomial(events, rng.beta(9, 3, 2000))
    one, other = korn_graubard(successes, events), clustered_proportion(successes, events)
    assert (one.lower, one.upper) == pytest.approx((other.lower, other.upper), abs=4e-4)


FEW_ERR = Scenario(30, 0.98, size=20, correlation=0.4)  # errors come in one or two people of thirty


def test_a_miss_makes_nobody_surer_than_no_miss_at_all():
    events = np.full(30, 20)
    faultless = korn_graubard_bounded(events, events)
    erring = [korn_graubard_bounded(events - np.eye(30, dtype=int)[0] * n, events) for n in range(1, 21)]
    assert all(found.lower <= faultless.lower for found in erring)
    assert faultless.lower == pytest.approx(0.025 ** (1 / 30))
    assert (
        korn_graubard(events - np.eye(30, dtype=int)[0], events).lower > faultless.lower
    )  # the plain one does


@given(people)
def test_the_bounded_interval_holds_the_plain_one_and_is_its_mirror_for_failures(drawn):
    successes, events = (np.array(part) for part in zip(*drawn, strict=True))
    plain, bounded = korn_graubard(successes, events), korn_graubard_bounded(successes, events)
    assert bounded.lower <= plain.lower <= plain.upper <= bounded.upper
    turned = korn_graubard_bounded(events - successes, events)
    assert (turned.lower, turned.upper) == pytest.approx((1 - bounded.upper, 1 - bounded.lower), abs=1e-9)
    if (bounded.lower, bounded.upper) == (plain.lower, plain.upper):
        assert bounded == plain
    else:
        assert "faultless people" in bounded.method


def test_where_a_few_people_err_the_plain_interval_fails_from_below_and_the_bounded_one_holds():
    plain = simulated_coverage("korn_graubard", FEW_ERR, studies=1000)
    bounded = simulated_coverage("korn_graubard_bounded", FEW_ERR, studies=1000)
    assert plain.coverage + 3 * plain.standard_error < LOWEST < bounded.coverage


def test_the_refusal_of_such_a_plan_names_the_interval_that_holds():
    for name in ("korn_graubard", "rao_scott", "percentile", "bca"):
        found = judge(name, FEW_ERR)
        assert (found.verdict, found.better) == ("below", "korn_graubard_bounded"), name
        assert "korn_graubard_bounded keeps 93%" in found.sentence
    assert judge("korn_graubard_bounded", FEW_ERR).verdict == "conservative"


def test_the_bounded_interval_keeps_93_percent_in_every_scenario_of_the_table():
    found = table()
    assert min(found["korn_graubard_bounded", one].coverage for one in scenarios()) >= LOWEST
    others = [name for name in METHODS if name != "korn_graubard_bounded"]
    assert all(coverage_of(name, FEW_ERR).coverage < LOWEST for name in others)
