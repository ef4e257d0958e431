import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from medassay.core.errors import WrongUse
from medassay.statistics.coverage import (
    CLUSTERS,
    LOWEST,
    METHODS,
    NOT_TO_BE_NAMED,
    Scenario,
    coverage_of,
    judge,
    method_for,
    scenarios,
    simulated_coverage,
    table,
)

ALIKE = Scenario(50, 0.9, size=20, correlation=0.4)


def test_one_event_a_person_is_enumerated_and_equals_the_binomial_sum():
    n, p = 30, 0.8
    held = 0.0
    for successes in range(n + 1):
        interval = binomtest(successes, n).proportion_ci(method="wilson")
        held += binom.pmf(successes, n, p) * (interval.low <= p <= interval.high)
    found = simulated_coverage("wilson", Scenario(n, p), studies=1)
    assert found.coverage == pytest.approx(held)
    assert found.standard_error == 0


def test_the_known_failures_and_the_known_caution_are_found():
    """Bare percentile bootstrap at 0.98 with 50 people: all alike in 0.98^50 of studies, and then of no width."""
    x = np.arange(51)
    ends = [binom.ppf(tail, 50, x / 50) / 50 for tail in (0.025, 0.975)]  # of endless replicates
    ideal = binom.pmf(x, 50, 0.98)[(ends[0] <= 0.98) & (ends[1] >= 0.98)].sum()
    assert round(ideal, 3) == 0.635
    assert ideal == pytest.approx(1 - 0.98**50, abs=1e-3)
    # Of 2000 replicates the end of 45 successes may fall on either side, a weight of 0.0028.
    bare = simulated_coverage("percentile_bare", Scenario(50, 0.98))
    assert bare.coverage == pytest.approx(ideal, abs=0.003)
    assert simulated_coverage("clopper_pearson", Scenario(50, 0.95)).coverage == pytest.approx(
        0.988, abs=5e-4
    )
    assert simulated_coverage("wald", Scenario(50, 0.98)).coverage < 0.65


def test_intervals_that_take_events_for_people_fail_where_events_of_a_person_are_alike():
    for name in ("wilson", "clopper_pearson"):
        assert simulated_coverage(name, ALIKE, studies=200).coverage < 0.75
    assert simulated_coverage("rao_scott", ALIKE, studies=200).coverage > 0.9


def test_simulated_people_have_the_planned_correlation():
    """The clustered interval of a correlation of 0 is that of independent events."""
    flat = simulated_coverage("wilson", Scenario(40, 0.8, size=10, correlation=0.0), studies=800)
    assert flat.coverage == pytest.approx(0.95, abs=0.03)


def test_the_same_seed_gives_the_same_coverage_and_another_one_within_its_error():
    one = simulated_coverage("rao_scott", ALIKE, studies=300)
    assert one == simulated_coverage("rao_scott", ALIKE, studies=300)
    other = simulated_coverage("rao_scott", ALIKE, studies=300, seed=5)
    assert other.coverage == pytest.approx(one.coverage, abs=5 * one.standard_error)


def test_the_table_has_every_method_in_every_scenario_and_no_other():
    assert set(table()) == {(name, scenario) for name in METHODS for scenario in scenarios()}


@pytest.mark.parametrize("name", METHODS)
def test_the_table_says_what_a_run_says(name):
    for scenario in (Scenario(12, 0.9), Scenario(30, 0.95)):
        found, row = simulated_coverage(name, scenario), table()[name, scenario]
        assert row.coverage == pytest.approx(found.coverage, abs=1e-4)
        assert row.width == pytest.approx(found.width, abs=1e-4)
        assert row.given == pytest.approx(found.given, abs=1e-4)
    found, row = simulated_coverage(name, Scenario(12, 0.8, 5, 0.1), studies=150), None
    row = table()[name, Scenario(12, 0.8, 5, 0.1)]
    assert row.coverage == pytest.approx(found.coverage, abs=5 * found.standard_error + 0.01)


def test_a_method_below_93_percent_is_refused_with_the_better_one_named():
    found = judge("wilson", ALIKE)
    assert found.verdict == "below"
    assert found.better not in (None, "wilson", *NOT_TO_BE_NAMED)
    assert coverage_of(found.better, ALIKE).coverage >= LOWEST
    assert f"{found.better} keeps 93%" in found.sentence


def test_caution_is_said_and_not_refused():
    found = judge("clopper_pearson", Scenario(50, 0.95))
    assert found.verdict == "conservative"
    assert "98.8% of studies" in found.sentence
    assert found.better is None


def test_a_method_that_leaves_many_studies_without_an_interval_is_refused():
    found = judge("logit", Scenario(30, 0.98))
    assert found.verdict == "below"
    assert "no interval" in found.sentence


def test_the_method_proposed_is_the_narrowest_that_keeps_93_percent():
    for scenario in (Scenario(100, 0.9), ALIKE, Scenario(200, 0.7, 5, 0.1)):
        best = method_for(scenario)
        keeping = {
            name: coverage_of(name, scenario).width
            for name in METHODS
            if name not in NOT_TO_BE_NAMED
            and (coverage_of(name, scenario).coverage or 0) >= LOWEST
            and coverage_of(name, scenario).given >= 0.95
        }
        assert keeping[best] == min(keeping.values())
    assert method_for(ALIKE, among=["wilson", "wald"]) is None
    alone = judge("wilson", ALIKE, among=["wilson"])
    assert alone.better is None
    assert "no method of the table keeps 93%, wilson comes closest with" in alone.sentence


@settings(max_examples=50)
@given(
    st.sampled_from(sorted(METHODS)),
    st.integers(CLUSTERS[0], 400),
    st.floats(0.02, 0.98),
    st.integers(1, 40),
    st.floats(0, 0.6),
)
def test_between_scenarios_the_lowest_neighbour_speaks_and_a_proportion_as_its_complement(
    name, clusters, share, size, correlation
):
    found = coverage_of(name, Scenario(clusters, share, size, correlation))
    assert found.coverage is None or 0 < found.coverage <= 1
    mirrored = coverage_of(name, Scenario(clusters, 1 - (1 - share), size, correlation))
    assert mirrored.coverage == found.coverage


def test_a_scenario_of_the_table_is_answered_by_its_own_row_and_one_between_by_the_lower_neighbour():
    row = table()["percentile", Scenario(20, 0.8)]
    assert coverage_of("percentile", Scenario(20, 0.8)).coverage == row.coverage
    between = coverage_of("percentile", Scenario(25, 0.8)).coverage
    assert between == min(row.coverage, table()["percentile", Scenario(30, 0.8)].coverage)
    assert coverage_of("wilson", Scenario(20, 0.2)) == coverage_of("wilson", Scenario(20, 0.8))


def test_outside_the_table_nothing_is_claimed():
    for scenario in (Scenario(8, 0.9), Scenario(50, 0.995)):
        assert judge("percentile", scenario).verdict == "unknown"
        assert "simulate" in judge("percentile", scenario).sentence
        assert method_for(scenario) is None


@pytest.mark.parametrize(
    "wrong",
    [(1, 0.5), (20, 1.0), (20, 0.0), (20, float("nan")), (20, 0.5, 0), (20, 0.5, 5, 1.0), (20, 0.5, 5, -0.1)],
)
def test_what_is_no_scenario_is_refused(wrong):
    with pytest.raises(WrongUse):
        Scenario(*wrong)


def test_an_unknown_method_and_no_studies_are_refused():
    with pytest.raises(WrongUse, match="one of wilson"):
        coverage_of("bayes", ALIKE)
    with pytest.raises(WrongUse, match="0 studies"):
        simulated_coverage("wilson", ALIKE, studies=0)


def test_coverage_counts_only_studies_that_get_an_interval():
    found = simulated_coverage("logit", Scenario(30, 0.98))
    assert found.given == pytest.approx(1 - 0.98**30 - 0.02**30)
    assert np.isfinite(found.coverage)
