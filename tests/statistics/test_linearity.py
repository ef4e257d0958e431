import numpy as np
import pytest

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.statistics.linearity import deviation_from_linearity, polynomial_linearity

LEVEL = np.repeat(np.arange(1.0, 6.0), 2)
NOISE = np.tile([0.05, -0.05], 5)


def test_a_straight_line_is_linear_and_deviates_by_nothing():
    found = polynomial_linearity(LEVEL, 3 * LEVEL + 1 + NOISE, allowable=0.1)
    assert (found.best_order, found.largest_deviation.value) == (1, 0.0)
    assert found.criterion.verdict == "met"


def test_a_parabola_is_found_and_its_deviation_is_that_of_the_curve_from_its_line():
    found = polynomial_linearity(LEVEL, LEVEL**2 + NOISE, allowable=1.0)
    assert found.best_order == 2
    # x^2 on 1..5 has the line 6x - 7: deviations 2, -1, -2, -1, 2.
    assert found.deviation[2] == pytest.approx([2, -1, -2, -1, 2])
    assert found.criterion.verdict == "not_met"


def test_four_levels_are_not_enough_to_judge():
    found = polynomial_linearity(LEVEL[:8], 3 * LEVEL[:8] + NOISE[:8], allowable=1.0)
    assert found.criterion.verdict == "not_enough"


def test_coefficients_are_those_of_statsmodels():
    from statsmodels.regression.linear_model import OLS

    y = np.random.default_rng(1).normal(LEVEL, 0.3)
    found = polynomial_linearity(LEVEL, y)
    for order, fit in enumerate(found.polynomials, start=1):
        theirs = OLS(y, np.vander(LEVEL, order + 1, increasing=True)).fit()
        assert [c.value for c in fit.coefficients] == pytest.approx(theirs.params, rel=1e-8)
        assert fit.errors == pytest.approx(theirs.bse, rel=1e-8)
        assert fit.p == pytest.approx(theirs.pvalues, rel=1e-6)


def test_exact_points_have_no_p():
    found = polynomial_linearity(LEVEL, 2 * LEVEL)
    assert found.polynomials[0].p == (None, None)


def test_deviations_and_errors_are_those_of_a_weighted_regression():
    from statsmodels.regression.linear_model import WLS

    generator = np.random.default_rng(4)
    level = np.repeat([1.0, 2.0, 4.0, 8.0], 4)
    y = level * generator.normal(1, 0.05, 16)
    means = y.reshape(4, 4).mean(axis=1)
    variance = y.reshape(4, 4).var(axis=1, ddof=1) / 4
    fit = WLS(means, np.column_stack([np.ones(4), [1, 2, 4, 8]]), weights=1 / variance).fit()
    found = deviation_from_linearity(level, y)
    assert [part.deviation.value for part in found] == pytest.approx(means - fit.fittedvalues)


def test_the_whole_interval_must_lie_within_the_allowable_deviation():
    y = 2 * LEVEL + NOISE * 10
    wide = deviation_from_linearity(LEVEL, y, weights="equal", allowable=0.3)
    assert {part.criterion.verdict for part in wide} == {"not_met"}
    assert all(abs(part.deviation.value) < 1e-9 for part in wide)
    loose = deviation_from_linearity(LEVEL, y, weights="equal", allowable=3.0)
    assert {part.criterion.verdict for part in loose} == {"met"}


def test_too_little_is_not_estimable_with_a_reason():
    assert "cubic" in polynomial_linearity([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]).undefined
    assert "replicates" in deviation_from_linearity([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]).undefined
    same = deviation_from_linearity(LEVEL, 2 * LEVEL)
    assert isinstance(same, Estimate)
    assert "do not differ" in same.undefined


def test_bad_values_are_refused():
    with pytest.raises(WrongUse, match="not finite"):
        polynomial_linearity([1.0, np.nan], [1.0, 2.0])
    with pytest.raises(WrongUse, match="allowable"):
        deviation_from_linearity(LEVEL, LEVEL + NOISE, weights="equal", allowable=0.0)
