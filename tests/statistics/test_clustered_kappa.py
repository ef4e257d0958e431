import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from medassay.core.errors import WrongUse
from medassay.statistics.agreement import cohen_kappa
from medassay.statistics.clustered_kappa import clustered_kappa
from medassay.statistics.predictive_values import clustered_predictive_values, predictive_values
from medassay.statistics.resampling import resampled_sums

TABLES = np.random.default_rng(3).integers(0, 4, (14, 3, 3))


@pytest.mark.parametrize("weights", ["unweighted", "linear", "quadratic"])
def test_each_resample_is_scored_as_its_summed_table(weights):
    found = clustered_kappa(TABLES, weights=weights, seed=5, replicates=200)
    rows, columns = np.divmod(np.arange(9), 3)
    drawn = [
        cohen_kappa_score(
            rows, columns, sample_weight=sums, weights=None if weights == "unweighted" else weights
        )
        for sums in resampled_sums(TABLES.reshape(14, 9).astype(float), 200, 5)
    ]
    assert found.value == pytest.approx(cohen_kappa(TABLES.sum(axis=0), weights=weights).value)
    assert (found.lower, found.upper) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=1e-2)


def test_one_category_alone_and_nobody_are_not_estimable():
    alone = np.zeros((4, 2, 2))
    alone[:, 0, 0] = 3
    assert "chance alone" in clustered_kappa(alone, seed=1).undefined
    assert clustered_kappa(np.zeros((3, 2, 2)), seed=1).value is None


def test_a_category_that_nobody_used_changes_no_kappa():
    wider = np.zeros((14, 4, 4))
    wider[:, :3, :3] = TABLES
    one, other = (clustered_kappa(tables, seed=1, replicates=200) for tables in (TABLES, wider))
    assert (other.value, other.lower) == pytest.approx((one.value, one.lower))


def test_one_table_of_all_subjects_is_refused():
    with pytest.raises(WrongUse, match="n_subjects"):
        clustered_kappa(TABLES.sum(axis=0), seed=1)


def test_predictive_values_of_clustered_cases_are_those_of_all_cases_by_bayes_rule():
    counts = np.random.default_rng(4).integers(1, 9, (12, 4))
    tp, fp, fn, tn = counts.sum(axis=0).tolist()
    whole = predictive_values((tp, tp + fn), (tn, tn + fp), prevalence=0.08)
    found = clustered_predictive_values(counts, prevalence=0.08, seed=1, replicates=300)
    for side in ("positive", "negative"):
        estimate = getattr(found, side)
        assert estimate.value == pytest.approx(getattr(whole, side).value)
        assert estimate.lower < estimate.value < estimate.upper
        assert estimate.n_subjects == 12


def test_no_diseased_case_gives_no_predictive_value_at_a_prevalence():
    found = clustered_predictive_values([[0, 2, 0, 5], [0, 1, 0, 6]], prevalence=0.1, seed=1)
    assert found.positive.value is None
    with pytest.raises(WrongUse, match="prevalence"):
        clustered_predictive_values([[1, 2, 3, 5]], prevalence=1.0, seed=1)
