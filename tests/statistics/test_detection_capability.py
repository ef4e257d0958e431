import numpy as np
import pytest

from medassay.core.errors import WrongUse
from medassay.statistics.detection_capability import (
    detection_from_precision_profile,
    limit_of_blank,
    limit_of_detection,
    limit_of_detection_probit,
    limit_of_quantitation,
    quantitation_by_total_error,
)

# CLSI EP17-A2, appendices A, B and D, in pg/mL and other units of the guideline; expected values are those of the
# R package sherloq 0.1 (MIT), whose tests hold the guideline's tables.
BLANK = [
    *(2.6, -0.8, 5.5, 6.0, 4.5, 0.6, -2.3, 3.4, 5.9, 7.6, 4.1, -1.4, 1.0, 2.9, 4.9, 8.0, 6.9, 5.0, 3.4, 1.2),
    *(
        6.5,
        5.6,
        -2.2,
        2.3,
        -4.4,
        -3.4,
        7.0,
        6.9,
        4.3,
        3.2,
        -1.4,
        4.2,
        5.9,
        7.6,
        3.8,
        5.8,
        1.5,
        -1.9,
        5.1,
        5.7,
    ),
    *(4.1, 4.5, -0.6, 0.5, 5.4, 7.6, 4.4, 6.6, 1.2, -0.7, 6.1, 5.1, 4.8, 3.3, -2.8, -1.4, 8.7, 3.6, 5.1, 3.5),
    *(4.6, 4.1, 1.6, 3.7, 2.2, 0.7, 4.6, 2.6, 1.1, -4.4, 0.9, 0.7, 9.2, 8.3, 4.8, 5.4, 4.8, 6.3, 5.4, 9.6),
    *(7.7, 3.1, 6.1, 10.0, 6.1, 3.2, 3.9, 1.4, 3.1, 4.1, 1.0, 3.4, 0.1, 0.4, 2.9, -1.6, 4.0, 11.5, 4.5, 3.6),
    *(4.4, 6.8, 7.1, 4.2, 3.7, 3.7, 5.3, 4.5, 4.0, 6.2, -0.2, 2.3, 1.6, 2.6, 6.4, 5.7, 4.2, 3.7, 1.4, 1.5),
]
LOW = [
    *(
        21.0,
        22.8,
        28.2,
        25.9,
        26.4,
        28.3,
        20.7,
        21.9,
        24.7,
        22.5,
        28.5,
        29.2,
        13.3,
        12.6,
        18.2,
        14.7,
        17.8,
        14.0,
    ),
    *(
        14.1,
        12.5,
        11.3,
        12.2,
        16.2,
        13.9,
        12.8,
        12.9,
        17.4,
        16.0,
        15.9,
        14.1,
        11.3,
        9.4,
        10.6,
        13.6,
        17.6,
        14.9,
    ),
    *(
        17.3,
        19.2,
        21.5,
        22.2,
        24.1,
        25.8,
        16.0,
        16.4,
        24.9,
        23.8,
        22.1,
        26.1,
        19.2,
        22.7,
        28.3,
        26.2,
        25.1,
        30.3,
    ),
    *(23.4, 19.2, 26.3, 23.1, 27.5, 30.1),
]
LOT = np.repeat([1, 2], 60)
SAMPLE = np.tile(np.repeat(list("abcde"), 12), 2)


def values(estimates):
    return [estimate.value for estimate in estimates]


def test_limits_of_blank_of_the_guidelines_two_lots():
    found = limit_of_blank(BLANK, SAMPLE, LOT)
    assert values(found.by_lot) == pytest.approx([7.6, 9.4])
    assert found.reported.value == pytest.approx(9.4)
    assert found.enough
    parametric = limit_of_blank(BLANK, SAMPLE, LOT, approach="parametric")
    assert values(parametric.by_lot) == pytest.approx([8.718, 8.599], abs=5e-4)


def test_four_lots_are_pooled():
    found = limit_of_blank(BLANK, SAMPLE, np.repeat([1, 2, 3, 4], 30))
    assert (found.pooled, found.reported.value) == (True, pytest.approx(8.15))


def test_the_limit_of_detection_of_the_guidelines_first_lot():
    found = limit_of_detection(LOW, SAMPLE[:60], LOT[:60], blank=7.5)
    assert found.reported.value == pytest.approx(12.64, abs=5e-3)
    assert limit_of_detection(
        LOW, SAMPLE[:60], LOT[:60], blank=7.5, beta=0.01
    ).reported.value == pytest.approx(14.773, abs=5e-4)


def test_the_precision_profile_of_the_guideline():
    lots = [
        ([0.69, 1.42, 2.65, 4.08, 6.08, 10.36], [0.39, 0.39, 0.46, 0.55, 0.64, 1.12], 1.167),
        ([0.78, 1.73, 2.89, 3.82, 6.33, 10.92], [0.29, 0.54, 0.55, 0.63, 0.82, 1.38], 1.166),
    ]
    for mean, sd, expected in lots:
        found = detection_from_precision_profile(mean, sd, blank=0.51, results=480, order=2)
        assert found.value == pytest.approx(expected, abs=5e-4)


def test_the_limit_of_quantitation_of_the_guidelines_power_model():
    mean = [0.04, 0.053, 0.08, 0.111, 0.137, 0.164, 0.190, 0.214, 0.245]
    sd = [0.016, 0.016, 0.016, 0.017, 0.014, 0.012, 0.011, 0.016, 0.013]
    assert limit_of_quantitation(mean, sd, cv_goal_percent=10).value == pytest.approx(0.1458, abs=5e-5)


def test_probit_limits_are_those_of_statsmodels_on_the_guidelines_first_lot():
    import warnings

    from scipy.stats import norm
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.families.links import Probit
    from statsmodels.genmod.generalized_linear_model import GLM

    level = np.array([0, 0.006, 0.014, 0.025, 0.05, 0.15, 0.3, 0.5])
    hits, total = np.array([0, 11, 15, 23, 29, 32, 32, 32]), np.array([22, 30, 30, 32, 32, 32, 32, 32])
    found = limit_of_detection_probit(level, hits, total, ["1"] * 8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = GLM(
            np.column_stack([hits, total - hits])[1:],
            np.column_stack([np.ones(7), np.log10(level[1:])]),
            family=Binomial(link=Probit()),
        ).fit(tol=1e-12)
    expected = 10 ** ((norm.ppf(0.95) - fit.params[0]) / fit.params[1])
    assert found.reported.value == pytest.approx(expected, rel=1e-6)
    assert found.reported.lower < found.reported.value < found.reported.upper


def test_the_largest_lot_is_reported_and_a_lot_without_a_limit_leaves_none():
    level, total = np.tile([1.0, 2, 4, 8], 2), np.full(8, 20)
    lot = np.repeat(["a", "b"], 4)
    both = limit_of_detection_probit(level, [2, 8, 15, 19, 6, 12, 18, 20], total, lot)
    assert both.reported.value == max(values(both.by_lot))
    broken = limit_of_detection_probit(level, [2, 8, 15, 19, 0, 0, 20, 20], total, lot)
    assert broken.reported.undefined.startswith("a lot has no limit")


def test_a_claim_is_met_missed_or_not_enough():
    found = limit_of_blank(BLANK, SAMPLE, LOT)
    assert [found.against(claim).verdict for claim in (10.0, 9.0)] == ["met", "not_met"]
    few = limit_of_blank(BLANK[:50], SAMPLE[:50], LOT[:50])
    assert few.against(100.0).verdict == "not_enough"


def test_a_unit_scales_and_the_order_of_results_never_matters():
    order = np.random.default_rng(1).permutation(120)
    blank, sample, lot = np.array(BLANK)[order] * 1000, SAMPLE[order], LOT[order]
    assert limit_of_blank(blank, sample, lot).reported.value == pytest.approx(9400)


def test_total_error_by_hand():
    limit, samples = quantitation_by_total_error(
        [9.0, 11.0, 10.0, 21.0, 19.0, 20.0], [9.0] * 3 + [20.0] * 3, list("aaabbb"), goal_percent=12
    )
    assert [part.total_error_percent for part in samples] == pytest.approx([100 * 3 / 9, 10.0])
    assert limit.value == pytest.approx(20.0)
    none, _ = quantitation_by_total_error([9.0, 11.0], [9.0] * 2, list("aa"), goal_percent=1)
    assert none.undefined == "no sample meets the goal"


def test_too_little_is_not_estimable_with_a_reason():
    assert limit_of_blank([], [], []).reported.undefined == "no result"
    assert "too few" in limit_of_blank([1.0] * 9, ["a"] * 9, ["1"] * 9).reported.undefined
    assert (
        "replicates" in limit_of_detection([1.0, 2.0], ["a", "b"], ["1", "1"], blank=0.5).reported.undefined
    )
    assert "range" in limit_of_quantitation([1, 2, 4], [1.0, 1.0, 1.0], cv_goal_percent=1).undefined
    assert "fall" in limit_of_quantitation([1, 2, 4], [0.1, 0.4, 1.6], cv_goal_percent=15).undefined
    assert (
        "range"
        in detection_from_precision_profile(
            [1, 2, 3, 4], [5.0, 5.1, 5.0, 5.1], blank=0.5, results=100
        ).undefined
    )


def test_bad_input_is_refused():
    with pytest.raises(WrongUse, match="not finite"):
        limit_of_blank([1.0, np.nan], ["a", "a"], ["1", "1"])
    with pytest.raises(WrongUse, match="error"):
        limit_of_blank([1.0], ["a"], ["1"], alpha=0.7)
    with pytest.raises(WrongUse, match="several assigned values"):
        quantitation_by_total_error([1.0, 2.0], [1.0, 2.0], ["a", "a"], goal_percent=10)
