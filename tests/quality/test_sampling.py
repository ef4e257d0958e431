from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom

from medassay.core.errors import WrongUse
from medassay.quality.sampling import (
    acceptance_probability,
    accepts,
    draw,
    isolated_lot_plan,
    most_defectives,
)

shares = st.sampled_from([0.005, 0.01, 0.0315, 0.05, 0.07, 0.1, 0.125, 0.2, 0.315])


@st.composite
def plans(draw_from):
    lot = draw_from(st.integers(1, 400))
    quality, risk = draw_from(shares), draw_from(st.sampled_from([0.01, 0.05, 0.1, 0.13]))
    limiting = -(-(Fraction(str(quality)) * lot) // 1)
    acceptance = draw_from(st.integers(0, min(int(limiting) - 1, 5)))
    return isolated_lot_plan(
        lot_size=lot, limiting_quality=quality, consumers_risk=risk, acceptance_number=acceptance
    )


def risk(plan, size, defectives):
    return hypergeom.cdf(plan.acceptance_number, plan.lot_size, defectives, size)


@given(plans())
def test_a_plan_keeps_the_consumers_risk_and_one_sample_less_does_not(plan):
    assert plan.risk_of_plan <= plan.consumers_risk
    assert plan.risk_of_plan == pytest.approx(
        risk(plan, plan.sample_size, plan.limiting_defectives), abs=1e-9
    )
    if plan.sample_size > plan.acceptance_number + 1:
        smaller = risk(plan, plan.sample_size - 1, plan.limiting_defectives)
        assert smaller > plan.consumers_risk - 1e-9


@given(plans(), st.data())
def test_a_worse_lot_is_never_accepted_more_often(plan, data):
    worse = data.draw(st.integers(plan.limiting_defectives, plan.lot_size))
    assert risk(plan, plan.sample_size, worse) <= plan.consumers_risk + 1e-12


@given(plans())
def test_the_limiting_number_is_the_least_that_reaches_the_limiting_quality(plan):
    share = Fraction(str(plan.limiting_quality))
    assert Fraction(plan.limiting_defectives, plan.lot_size) >= share
    assert Fraction(plan.limiting_defectives - 1, plan.lot_size) < share


@given(plans())
def test_a_lot_that_passes_holds_fewer_defectives_than_the_limiting_number(plan):
    for defective in range(plan.acceptance_number + 1):
        assert accepts(plan, defective)
        assert most_defectives(plan, defective) < plan.limiting_defectives
    assert plan.acceptance_number == plan.sample_size or not accepts(plan, plan.acceptance_number + 1)


@given(plans(), st.data())
def test_the_bound_is_the_largest_number_that_the_draw_does_not_exclude(plan, data):
    defective = data.draw(st.integers(0, plan.sample_size))
    bound = most_defectives(plan, defective)
    most = plan.lot_size - plan.sample_size + defective
    assert defective <= bound <= most
    if bound > defective:
        assert hypergeom.cdf(defective, plan.lot_size, bound, plan.sample_size) > plan.consumers_risk - 1e-9
    if bound < most:
        assert (
            hypergeom.cdf(defective, plan.lot_size, bound + 1, plan.sample_size) <= plan.consumers_risk + 1e-9
        )


def test_a_risk_that_is_met_exactly_is_met():
    plan = isolated_lot_plan(lot_size=20, limiting_quality=0.05, consumers_risk=0.1, acceptance_number=0)
    assert (plan.limiting_defectives, plan.sample_size, plan.risk_of_plan) == (1, 18, 0.1)


def test_a_share_is_taken_as_written():
    plan = isolated_lot_plan(lot_size=300, limiting_quality=0.07, consumers_risk=0.1, acceptance_number=0)
    assert 0.07 * 300 > 21
    assert plan.limiting_defectives == 21


def test_everyone_drawn_leaves_no_doubt():
    plan = isolated_lot_plan(lot_size=5, limiting_quality=0.01, consumers_risk=0.1, acceptance_number=0)
    assert plan.sample_size == 5
    assert most_defectives(plan, 2) == 2


def test_a_large_lot_is_planned_in_no_time():
    plan = isolated_lot_plan(lot_size=100_000, limiting_quality=0.02, consumers_risk=0.1, acceptance_number=2)
    assert 260 <= plan.sample_size <= 266  # the binomial plan of an endless lot is 265


def ids(plan):
    return [f"s{i}" for i in range(plan.lot_size)]


@given(plans(), st.randoms())
def test_the_draw_depends_on_seed_and_ids_and_not_on_their_order(plan, random):
    shuffled = ids(plan)
    random.shuffle(shuffled)
    drawn = draw(plan, ids(plan), seed="a")
    assert draw(plan, shuffled, seed="a") == drawn
    assert len(set(drawn)) == plan.sample_size
    assert set(drawn) <= set(shuffled)


def test_every_sample_is_drawn_equally_often_over_many_seeds():
    plan = isolated_lot_plan(lot_size=10, limiting_quality=0.3, consumers_risk=0.1, acceptance_number=0)
    times = dict.fromkeys(ids(plan), 0)
    for seed in range(2000):
        for sample in draw(plan, ids(plan), seed=str(seed)):
            times[sample] += 1
    expected = 2000 * plan.sample_size / plan.lot_size
    assert all(abs(count - expected) < 5 * 2000**0.5 / 2 for count in times.values())


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ({"limiting_quality": 5}, "Write 5 % as 0.05"),
        ({"consumers_risk": 0}, "Write 5 % as 0.05"),
        ({"lot_size": 0}, "none negative"),
        ({"acceptance_number": -1}, "none negative"),
        ({"lot_size": 20, "acceptance_number": 1}, "Lower the acceptance number"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(wrong, hint):
    asked = {"lot_size": 100, "limiting_quality": 0.05, "consumers_risk": 0.1, "acceptance_number": 0}
    with pytest.raises(WrongUse) as caught:
        isolated_lot_plan(**asked | wrong)
    assert hint in str(caught.value)


def test_a_draw_from_another_lot_and_impossible_counts_are_refused():
    plan = isolated_lot_plan(lot_size=10, limiting_quality=0.3, consumers_risk=0.1, acceptance_number=0)
    for samples in (["s1"] * 10, ids(plan)[1:]):
        with pytest.raises(WrongUse, match="samples of the lot"):
            draw(plan, samples, seed="a")
    for defective in (-1, plan.sample_size + 1):
        with pytest.raises(WrongUse, match="none negative"):
            accepts(plan, defective)
    with pytest.raises(WrongUse):
        acceptance_probability(lot_size=10, defectives=11, sample_size=2, acceptance_number=0)
