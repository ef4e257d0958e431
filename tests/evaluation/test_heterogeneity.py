import itertools

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from medassay.core.errors import WrongUse
from medassay.evaluation.heterogeneity import heterogeneity


def test_the_p_value_is_that_of_all_permutations_where_they_can_be_enumerated():
    right = np.array([3.0, 4, 5, 5, 1, 2, 3])
    events = np.array([5.0, 5, 6, 5, 4, 5, 5])
    groups = np.array([0, 0, 0, 0, 1, 1, 1])
    pooled = right.sum() / events.sum()

    def statistic(first):
        rows = [np.array(first), np.setdiff1d(np.arange(7), first)]
        return sum(events[r].sum() * (right[r].sum() / events[r].sum() - pooled) ** 2 for r in rows)

    observed = statistic([0, 1, 2, 3])
    every = [statistic(list(one)) for one in itertools.combinations(range(7), 4)]
    exact = np.mean([one >= observed - 1e-12 for one in every])
    found = heterogeneity(right, events, groups, seed=3, permutations=20_000)
    assert found.statistic == pytest.approx(observed)
    assert found.p_value == pytest.approx(exact, abs=0.012)


def test_one_event_a_subject_is_pearsons_chi_squared():
    generator = np.random.default_rng(5)
    groups = generator.integers(0, 3, 600)
    right = (generator.random(600) < np.array([0.8, 0.85, 0.9])[groups]).astype(float)
    table = np.array([[right[groups == g].sum(), (1 - right[groups == g]).sum()] for g in range(3)])
    chi2, p_value, *_ = chi2_contingency(table, correction=False)
    found = heterogeneity(right, np.ones(600), groups, seed=1, permutations=5000)
    assert found.statistic / (right.mean() * (1 - right.mean())) == pytest.approx(chi2)
    assert found.p_value == pytest.approx(p_value, abs=0.02)


def test_events_of_one_person_do_not_count_as_people():
    """Two people a group differ by chance alone, however many events each has."""
    found = heterogeneity(
        np.array([900.0, 800, 850, 600]), np.full(4, 1000.0), np.array([0, 0, 1, 1]), seed=1
    )
    assert found.p_value > 0.3


undefined = {
    "one group": (np.array([1.0, 2]), np.array([2.0, 2]), np.array([0, 0]), "fewer than two groups"),
    "no denominator in the other": (
        np.array([1.0, 0]),
        np.array([2.0, 0]),
        np.array([0, 1]),
        "fewer than two",
    ),
    "nobody": (np.zeros(0), np.zeros(0), np.zeros(0, int), "fewer than two groups"),
    "all alike": (np.array([1.0, 2]), np.array([1.0, 2]), np.array([0, 1]), "every subject"),
}


@pytest.mark.parametrize(("n", "d", "groups", "says"), undefined.values(), ids=undefined)
def test_nothing_to_compare_is_undefined_and_never_p_1(n, d, groups, says):
    found = heterogeneity(n, d, groups, seed=1)
    assert found.p_value is None
    assert says in found.undefined


def test_the_null_is_rejected_as_often_as_its_level_says():
    generator = np.random.default_rng(9)
    groups = np.repeat([0, 1, 2], 8)
    rejected = 0
    for _ in range(300):
        shares = generator.beta(8, 2, 24)
        right = generator.binomial(20, shares).astype(float)
        rejected += heterogeneity(right, np.full(24, 20.0), groups, seed=1, permutations=199).p_value <= 0.05
    assert 5 <= rejected <= 27


def test_arrays_that_do_not_belong_together_are_refused():
    with pytest.raises(WrongUse, match="shapes"):
        heterogeneity(np.zeros(3), np.zeros(2), np.zeros(3, int), seed=1)
