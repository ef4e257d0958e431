import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, poisson

from medassay.core.errors import WrongUse
from medassay.statistics.attribute_sampling import (
    AQLS,
    LEVELS,
    LOT_LIMITS,
    aql_plan,
    code_letter,
    operating_characteristic,
    two_point_plan,
)

# ISO 2859-1 as R AQLSchemes 1.7-2 has it: (lot size, AQL, level, inspection): (letter, n, Ac).
PUBLISHED = {
    (1000, 1.0, "II", "normal"): ("J", 80, 2),
    (1000, 1.0, "II", "tightened"): ("J", 80, 1),
    (5000, 0.65, "II", "normal"): ("L", 200, 3),
    (10, 0.01, "II", "normal"): ("Q", 1250, 0),  # down to the first plan that there is
    (20, 4.0, "II", "normal"): ("B", 3, 0),  # up by an arrow between 0 and 1
    (5, 10.0, "II", "normal"): ("C", 5, 1),  # the arrow up would leave the table
    (5, 10.0, "II", "tightened"): ("D", 8, 1),  # no tightened plan of two items accepts none
    (600_000, 0.015, "III", "tightened"): ("Q", 1250, 0),
    (600_000, 0.025, "III", "tightened"): ("S", 3150, 1),
}


@pytest.mark.parametrize("asked", PUBLISHED)
def test_plans_are_those_of_the_tables_with_arrows_followed(asked):
    lot, aql, level, inspection = asked
    plan = aql_plan(lot, aql, level=level, inspection=inspection)
    assert (plan.letter, plan.sample_size, plan.acceptance_number) == PUBLISHED[asked]
    assert plan.rejection_number == plan.acceptance_number + 1


def test_a_sample_as_large_as_the_lot_is_the_whole_lot():
    assert aql_plan(10, 0.01).whole_lot
    assert not aql_plan(1000, 1.0).whole_lot


def test_every_lot_level_and_limit_has_a_plan_that_never_draws_less_for_a_stricter_limit():
    for lot in (2, *LOT_LIMITS, 10**6):
        for level in LEVELS:
            for inspection in ("normal", "tightened"):
                plans = [aql_plan(lot, aql, level=level, inspection=inspection) for aql in AQLS]
                shares = [plan.acceptance_number / plan.sample_size for plan in plans]
                assert shares == sorted(shares)


@pytest.mark.parametrize(
    "asked",
    [(1, 1.0, "II", "normal"), (50, 0.5, "II", "normal"), (50, 1.0, "IV", "normal"), (9, 1, "I", "-")],
)
def test_what_the_tables_do_not_have_is_refused(asked):
    lot, aql, level, inspection = asked
    with pytest.raises(WrongUse):
        aql_plan(lot, aql, level=level, inspection=inspection)


def test_a_letter_needs_a_lot_and_a_level():
    with pytest.raises(WrongUse):
        code_letter(1)
    with pytest.raises(WrongUse):
        code_letter(10, "IV")


def test_chances_to_pass_are_those_of_r():
    """R AcceptanceSampling 1.0.11, n = 80, c = 2, at 1 % and 6.5 % (lot of 2000)."""
    assert operating_characteristic(80, 2, [0.01, 0.065]) == pytest.approx([0.953446814264, 0.100936546406])
    assert operating_characteristic(80, 2, [0.01], distribution="poisson") == pytest.approx([0.952577403929])
    assert operating_characteristic(
        80, 2, [20, 130], distribution="hypergeometric", lot_size=2000
    ) == pytest.approx([0.956990301496, 0.0962882888961])


@pytest.mark.parametrize(
    ("quality", "options"),
    [
        ([1.2], {}),
        ([-0.1], {"distribution": "poisson"}),
        ([np.nan], {}),
        ([3.5], {"distribution": "hypergeometric", "lot_size": 100}),
        ([3], {"distribution": "hypergeometric"}),
        ([3], {"distribution": "hypergeometric", "lot_size": 50}),
    ],
)
def test_a_quality_that_cannot_be_is_refused(quality, options):
    with pytest.raises(WrongUse):
        operating_characteristic(80, 2, quality, **options)


@settings(max_examples=12)
@given(st.floats(0.002, 0.05), st.floats(2.5, 8), st.sampled_from(["binomial", "poisson"]))
def test_a_two_point_plan_keeps_both_risks_and_no_smaller_one_does(good, times, distribution):
    bad = min(good * times, 0.6)
    n, c = two_point_plan((good, 0.95), (bad, 0.1), distribution=distribution)

    def keeps(size, number):
        law = (binom(size, good), binom(size, bad))
        if distribution == "poisson":
            law = (poisson(size * good), poisson(size * bad))
        return law[0].cdf(number) >= 0.95 and law[1].cdf(number) <= 0.1

    assert keeps(n, c)
    assert not any(keeps(size, number) for number in range(c + 2) for size in (n - 1, n - 2) if size > number)


def test_points_out_of_order_are_refused():
    with pytest.raises(WrongUse):
        two_point_plan((0.05, 0.95), (0.01, 0.1))
    with pytest.raises(WrongUse, match="further apart"):
        two_point_plan((0.01, 0.95), (0.0101, 0.1))
