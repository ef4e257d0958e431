"""One formula of kappa: of a table alone and of many at once, whatever the weights."""

import numpy as np
import pytest

from medassay.statistics.agreement import cohen_kappa
from medassay.statistics.chance_corrected import agreement_weights, kappa, kappas

TABLES = np.random.default_rng(7).integers(0, 9, (30, 4, 4)).astype(float)


@pytest.mark.parametrize("weights", ["unweighted", "linear", "quadratic"])
def test_many_tables_at_once_give_what_each_gives_alone(weights):
    together = kappas(TABLES, agreement_weights(4, weights)).tolist()
    assert together == [cohen_kappa(table, weights=weights).value for table in TABLES]


def test_the_published_example_of_cohen():
    # Cohen, Educ Psychol Meas 20:37-46, 1960, table 1: 200 cases, kappa .492.
    assert kappa(np.array([[88.0, 14, 18], [10, 40, 10], [2, 6, 12]])) == pytest.approx(0.492, abs=5e-4)


def test_a_table_without_an_item_and_one_of_chance_alone_have_none():
    assert kappa(np.zeros((3, 3))) is None
    assert kappa(np.diag([0.0, 5, 0])) is None


def test_nobody_among_many_disturbs_the_others():
    with_nobody = np.concatenate([TABLES, np.zeros((1, 4, 4))])
    weight = agreement_weights(4, "linear")
    found = kappas(with_nobody, weight)
    assert np.isnan(found[-1])
    assert found[:-1].tolist() == kappas(TABLES, weight).tolist()
