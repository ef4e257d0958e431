import numpy as np
import pytest

from medassay.core.errors import WrongUse
from medassay.statistics.glucose_criteria import fda_meter, icgm, icgm_rates, iso_15197, mard, within


def study(subjects=100, lots=3, error=0.0):
    """Two readings of each subject in each lot, 40 to 436 mg/dL."""
    reference = np.tile(np.repeat(np.linspace(40, 436, subjects), 2), lots)
    subject = np.tile(np.repeat(np.arange(subjects), 2), lots)
    lot = np.repeat(np.arange(lots), 2 * subjects)
    return reference, reference + error, subject, lot


def verdicts(criteria):
    return [criterion.verdict for criterion in criteria]


@pytest.mark.parametrize(
    ("reference", "test", "inside"),
    [
        (99.9, 114.9, True),  # 15 mg/dL below 100
        (99.9, 115.0, False),
        (100.0, 115.0, True),  # 15 % from 100 up
        (100.0, 115.1, False),
        (100.0, 85.0, True),
        (200.0, 230.0, True),
        (200.0, 169.9, False),
        (40.0, 25.0, True),
    ],
)
def test_the_limits_of_iso_15197_change_at_100_and_hold_their_border(reference, test, inside):
    assert within(np.array([reference]), np.array([test]), 100, 15, 15).tolist() == [inside]


def test_a_faultless_meter_meets_every_criterion():
    found = iso_15197(*study(), seed=1, replicates=100)
    assert verdicts(found.criteria) == ["met"] * 4
    assert [criterion.n for criterion in found.criteria] == [100] * 4


def test_94_percent_in_one_lot_fail_that_lot_alone():
    reference, test, subject, lot = study()
    wrong = np.flatnonzero(lot == 1)[:12]  # 188 of 200 are 94 %
    test[wrong] = reference[wrong] + 30
    found = iso_15197(reference, test, subject, lot, seed=1, replicates=100)
    assert verdicts(found.criteria[:3]) == ["met", "not_met", "met"]
    assert found.criteria[1].judged == pytest.approx(0.94)


def test_95_percent_exactly_meet_it():
    reference, test, subject, lot = study()
    wrong = np.flatnonzero(lot == 1)[:10]
    test[wrong] = reference[wrong] + 30
    assert iso_15197(reference, test, subject, lot, seed=1, replicates=100).criteria[1].verdict == "met"


def test_seven_of_600_outside_zones_a_and_b_fail_the_grid():
    reference, test, subject, lot = study()
    high = np.flatnonzero(reference > 300)
    test[high[:6]] = 60.0
    assert iso_15197(reference, test, subject, lot, seed=1, replicates=100).criteria[3].verdict == "met"
    test[high[6]] = 60.0
    assert iso_15197(reference, test, subject, lot, seed=1, replicates=100).criteria[3].verdict == "not_met"


@pytest.mark.parametrize(("subjects", "lots"), [(99, 3), (100, 2)])
def test_fewer_subjects_or_lots_than_demanded_are_not_enough(subjects, lots):
    found = iso_15197(*study(subjects, lots), seed=1, replicates=50)
    assert set(verdicts(found.criteria)) == {"not_enough"}


def test_ranges_of_the_reference_are_shown():
    assert sum(iso_15197(*study(), seed=1, replicates=20).range_shares_percent) == pytest.approx(100)


def test_the_fda_limits_differ_by_setting():
    reference = np.tile([60.0, 150.0], 350)
    subject = np.repeat(np.arange(350), 2)
    test = reference * 1.14
    home = fda_meter(reference, test, subject, setting="home", seed=1, replicates=50)
    hospital = fda_meter(reference, test, subject, setting="hospital", seed=1, replicates=50)
    assert verdicts(home) == ["met", "met"]
    # 68.4 is within 12 mg/dL of 60, 171 is not within 12 % of 150, and both are within 15.
    assert verdicts(hospital) == ["not_met", "met"]
    assert hospital[0].judged == pytest.approx(0.5)


def monitor(subjects=300):
    reference = np.tile([60.0, 120.0, 250.0], subjects)
    return reference, reference.copy(), np.repeat(np.arange(subjects), 3)


def test_a_faultless_monitor_needs_299_subjects_for_a_clustered_bound_of_99_percent():
    assert set(verdicts(icgm(*monitor(299), seed=1, replicates=50))) == {"met"}
    few = icgm(*monitor(200), seed=1, replicates=50)
    assert verdicts(few)[:7] == ["met", "met", "met", "met", "not_met", "not_met", "met"]


def test_pairs_as_trials_are_a_declared_choice_and_give_a_higher_bound():
    pair = monitor(200)
    clustered = icgm(*pair, seed=1, replicates=50)[6]
    independent = icgm(*pair, seed=1, bound="independent")[6]
    assert independent.judged > clustered.judged
    # Exact one-sided bound of 600 of 600: 0.05^(1/600).
    assert independent.judged == pytest.approx(0.05 ** (1 / 600))


def test_bins_go_by_the_device_and_hold_70_and_180_in_the_middle():
    reference = np.array([60.0, 70.0, 180.0, 190.0])
    test = np.array([69.9, 70.0, 180.0, 180.1])
    found = icgm(reference, test, list("pqrs"), seed=1, needed=1, replicates=50)
    assert [criterion.value.n_events for criterion in found[:3]] == [1, 2, 1]


def test_the_lower_bound_decides_and_not_the_share():
    reference, test, subject = monitor(100)
    worse = np.flatnonzero(reference == 120.0)[:25]
    test[worse] = 140.0  # 75 % within 15 %: above 70 %, its bound below
    found = icgm(reference, test, subject, seed=1)[1]
    assert found.value.value == pytest.approx(0.75)
    assert found.judged < 0.70
    assert found.verdict == "not_met"


def test_one_crossing_of_both_limits_fails_its_criterion():
    reference, test, subject = monitor(50)
    test[2] = 65.0  # reference 250
    found = icgm(reference, test, subject, seed=1, replicates=50)
    assert (found[7].judged, found[7].verdict, found[8].verdict) == (1.0, "not_met", "met")


def test_a_bin_without_readings_is_not_enough():
    found = icgm([100.0] * 40, [100.0] * 40, np.arange(40), seed=1, replicates=50)
    assert found[0].verdict == "not_enough"
    assert found[0].value.undefined == "no pair in this range"


def test_rates_that_mislead_are_shares_of_fast_changes():
    truth = np.repeat([-3.0, 3.0], 200)
    shown = np.where(truth < 0, -2.5, 2.5)
    shown[:3] = 1.5  # 3 of 200 are 1.5 %
    found = icgm_rates(truth, shown, np.tile(np.arange(100), 4), seed=1, replicates=50)
    assert (found[0].judged, found[0].verdict) == (pytest.approx(0.015), "not_met")
    assert found[1].verdict == "met"
    slow = icgm_rates([0.5], [0.4], ["p"], seed=1)
    assert slow[0].value.undefined == "no pair changes that fast"


def test_mard_by_hand_and_its_unit():
    found = mard([100.0, 200.0, 50.0], [110.0, 180.0, 55.0], list("ppq"), seed=1, replicates=50)
    assert (found.mard.value, found.mard.unit) == (pytest.approx(10.0), "%")
    assert found.mean_bias.value == pytest.approx((10 - 20 + 5) / 3)
    assert found.mean_relative_bias.value == pytest.approx((10 - 10 + 10) / 3)
    assert found.rmse.value == pytest.approx(np.sqrt((100 + 400 + 25) / 3))
    assert found.mard.n_subjects == 2


def test_mard_is_the_same_in_every_unit():
    one = mard([100.0, 200.0], [110.0, 190.0], ["p", "q"], seed=1, replicates=50)
    other = mard([5.55, 11.1], [6.105, 10.545], ["p", "q"], seed=1, replicates=50, unit="mmol/L")
    assert other.mard.value == pytest.approx(one.mard.value)


def test_nothing_measured_is_not_estimable_and_zero_reference_is_refused():
    assert mard([], [], [], seed=1).mard.undefined == "no pair"
    assert mard([], [], [], seed=1).median_ard.undefined == "no pair"
    with pytest.raises(WrongUse, match="at or below zero"):
        mard([0.0], [1.0], ["p"], seed=1)
    with pytest.raises(WrongUse, match="1 subjects for 2 values"):
        iso_15197([100.0, 100.0], [100.0, 100.0], ["p"], ["a", "a"], seed=1)
