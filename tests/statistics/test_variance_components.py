import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.statistics.precision import (
    expected_degrees,
    precision_study,
    upper_limit_factor,
    verify_precision,
    verify_trueness,
)
from medassay.statistics.variance_components import nested_variance_components

# CLSI EP15-A3, ferritin example: five replicates on each of five runs (as printed by the R package CLSIEP15
# 0.1.0: mean 140.12, SS 63.44 with 4 and 63.20 with 20 degrees of freedom).
FERRITIN = [
    *(140, 139, 138, 138, 140),
    *(140, 143, 141, 143, 137),
    *(140, 138, 136, 141, 136),
    *(141, 144, 142, 143, 144),
    *(139, 140, 141, 138, 141),
]
RUN = np.repeat(np.arange(5), 5)


def test_the_ferritin_example_of_ep15_is_reproduced():
    study = precision_study(FERRITIN, day=RUN)
    between, error = study.analysis.components
    assert study.analysis.mean == pytest.approx(140.12)
    assert (between.sum_of_squares, between.degrees) == (pytest.approx(63.44), 4)
    assert (error.sum_of_squares, error.degrees) == (pytest.approx(63.20), 20)
    assert (between.mean_square, error.mean_square) == (pytest.approx(15.86), pytest.approx(3.16))
    # Repeatability sqrt(3.16); within-laboratory sqrt(3.16 + (15.86 - 3.16) / 5).
    assert study.repeatability.sd.value == pytest.approx(np.sqrt(3.16))
    assert study.within_laboratory.sd.value == pytest.approx(np.sqrt(5.70))
    assert study.within_laboratory.cv_percent.value == pytest.approx(100 * np.sqrt(5.70) / 140.12)


def test_upper_limit_factors_and_degrees_are_those_printed_in_ep15():
    # EP15-A3: factor 1.25 with 20 df and one sample, 1.31 for two; 24 df where both claims are equal.
    assert round(upper_limit_factor(20), 2) == 1.25
    assert round(upper_limit_factor(20, 0.05 / 2), 2) == 1.31
    assert round(expected_degrees(1.0)) == 24
    assert expected_degrees(1.0) > expected_degrees(1.5) > expected_degrees(5.0) > 4


def test_an_sd_above_its_claim_but_within_chance_verifies_it():
    study = precision_study(FERRITIN, day=RUN)
    assert verify_precision(study.repeatability, 1.5).verdict == "met"  # 1.78 against 1.5 x 1.25
    assert verify_precision(study.repeatability, 1.4).verdict == "not_met"  # 1.75
    few = precision_study(FERRITIN[:20], day=RUN[:20])
    assert verify_precision(few.repeatability, 5.0).verdict == "not_enough"


def test_trueness_goes_by_the_days_means():
    days = np.reshape(FERRITIN, (5, 5)).mean(axis=1)
    found = verify_trueness(FERRITIN, day=RUN, target=139.0)
    half = 2.776445 * days.std(ddof=1) / np.sqrt(5)
    assert found.bias.value == pytest.approx(1.12)
    assert found.bias.upper == pytest.approx(1.12 + half, rel=1e-5)
    assert found.criterion.verdict == "met"
    assert verify_trueness(FERRITIN, day=RUN, target=150.0).criterion.verdict == "not_met"


def test_an_uncertain_target_widens_the_verification_interval():
    sharp = verify_trueness(FERRITIN, day=RUN, target=135.0)
    vague = verify_trueness(FERRITIN, day=RUN, target=135.0, target_error=5.0)
    assert (sharp.criterion.verdict, vague.criterion.verdict) == ("not_met", "met")


def test_an_unbalanced_design_by_hand():
    # Groups {1, 3} and {2}: explained 0 of 2 by 1 df, within 2 by 1 df; n0 = 3 - 5/3 = 4/3.
    found = nested_variance_components([1.0, 3.0, 2.0], {"day": ["a", "a", "b"]})
    day, error = found.components
    assert (day.sum_of_squares, error.sum_of_squares) == (pytest.approx(0), pytest.approx(2))
    assert found.coefficients[0].tolist() == [pytest.approx(4 / 3), pytest.approx(1)]
    assert day.negative == pytest.approx((0 - 2) / (4 / 3))
    assert (day.variance.value, found.total.variance) == (0.0, pytest.approx(2.0))


def test_a_negative_component_is_zero_and_says_so():
    found = nested_variance_components([1.0, 9.0, 2.0, 8.0], {"run": ["a", "a", "b", "b"]})
    run = found.components[0]
    assert run.variance.value == 0.0
    assert run.negative < 0
    assert found.total.variance == pytest.approx(found.components[1].variance.value)


def test_levels_are_numbered_afresh_within_the_level_above():
    y = np.random.default_rng(1).normal(size=24)
    outer = np.repeat(["x", "y", "z"], 8)
    afresh, unique = np.tile(np.repeat([1, 2], 4), 3), np.repeat(np.arange(6), 4)
    one = nested_variance_components(y, {"site": outer, "day": afresh})
    other = nested_variance_components(y, {"site": outer, "day": unique})
    assert [c.variance.value for c in one.components] == [c.variance.value for c in other.components]


designs = st.integers(0, 10_000).map(
    lambda seed: (
        np.random.default_rng(seed).normal(50, 4, 40),
        np.random.default_rng(seed).permutation(np.repeat(np.arange(8), 5)),
    )
)


@settings(max_examples=12)
@given(designs, st.floats(0.01, 50), st.floats(-100, 100))
def test_a_scale_squares_into_the_components_and_a_shift_does_nothing(design, factor, shift):
    y, day = design
    one = nested_variance_components(y, {"day": day})
    other = nested_variance_components(factor * y + shift, {"day": day})
    for mine, theirs in zip(one.components, other.components, strict=True):
        assert theirs.variance.value == pytest.approx(factor**2 * mine.variance.value, rel=1e-6, abs=1e-7)
    assert other.total.degrees == pytest.approx(one.total.degrees, rel=1e-6)


@settings(max_examples=12)
@given(designs, st.randoms())
def test_the_order_of_results_never_matters(design, random):
    y, day = design
    order = list(range(len(y)))
    random.shuffle(order)
    one = nested_variance_components(y, {"day": day})
    other = nested_variance_components(y[order], {"day": day[order]})
    assert other.total.variance == pytest.approx(one.total.variance)


def test_wald_limits_of_a_balanced_design_are_the_textbook_ones():
    y = np.random.default_rng(2).normal(size=40) + np.repeat(np.random.default_rng(3).normal(0, 2, 10), 4)
    found = nested_variance_components(y, {"day": np.repeat(np.arange(10), 4)})
    day, error = found.components
    expected = np.sqrt(2 * day.mean_square**2 / 9 + 2 * error.mean_square**2 / 30) / 4
    assert (day.variance.upper - day.variance.value) / 1.959964 == pytest.approx(expected, rel=1e-6)


def test_sites_widen_within_laboratory_into_reproducibility():
    generator = np.random.default_rng(5)
    site = np.repeat(["a", "b", "c"], 25)
    y = generator.normal(size=75) + np.repeat(generator.normal(0, 3, 3), 25)
    study = precision_study(y, site=site, day=np.tile(RUN, 3))
    assert study.repeatability.variance <= study.within_laboratory.variance < study.reproducibility.variance
    with pytest.raises(WrongUse, match="1 of 1 levels unknown"):
        study.analysis.summed("other", ["lot"])


@pytest.mark.parametrize(
    ("y", "day", "reason"),
    [
        ([], [], "day"),
        ([1.0, 2.0, 3.0], ["a", "a", "a"], "day"),
        ([1.0, 2.0, 3.0], ["a", "b", "c"], "error"),
    ],
)
def test_a_level_with_nothing_to_estimate_it_from_is_not_estimable(y, day, reason):
    found = nested_variance_components(y, {"day": day})
    assert isinstance(found, Estimate)
    assert found.undefined == f"nothing to estimate {reason} from"
    assert isinstance(precision_study(y, day=day), Estimate)


def test_results_that_never_differ_have_no_variance_and_no_interval():
    found = nested_variance_components([5.0] * 6, {"day": list("aabbcc")})
    assert (found.total.variance, found.total.sd.lower) == (0.0, None)


def test_bad_designs_are_refused():
    with pytest.raises(WrongUse, match="not finite"):
        nested_variance_components([1.0, np.nan], {"day": ["a", "b"]})
    with pytest.raises(WrongUse, match="3 day for 2 values"):
        nested_variance_components([1.0, 2.0], {"day": ["a", "b", "c"]})
    with pytest.raises(WrongUse, match="error"):
        nested_variance_components([1.0, 2.0], {"error": ["a", "b"]})
    with pytest.raises(WrongUse, match="claim"):
        verify_precision(precision_study(FERRITIN, day=RUN).repeatability, -1.0)
    with pytest.raises(WrongUse, match="ratio"):
        expected_degrees(0.5)
