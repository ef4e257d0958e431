import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.statistics.probit import probit_hit_rates
from medassay.statistics.qualitative_agreement import (
    average_agreement,
    imprecision_interval,
    percent_agreement_with,
)

# Bliss 1935, beetles killed by carbon disulphide; probit fit printed by Dobson, An Introduction to Generalized
# Linear Models, 2nd ed., table 7.4: -34.94 (2.64) and 19.73 (1.48).
DOSE = [1.6907, 1.7242, 1.7552, 1.7842, 1.8113, 1.8369, 1.8610, 1.8839]
BEETLES, KILLED = [59, 60, 62, 56, 63, 59, 62, 60], [6, 13, 18, 28, 52, 53, 61, 60]


def calls(both, candidate, comparator, neither):
    counts = [both, candidate, comparator, neither]
    return np.repeat([True, True, False, False], counts), np.repeat([True, False, True, False], counts)


def test_the_example_of_the_fda_guidance_is_reproduced():
    # Statistical Guidance on Reporting Results from Studies Evaluating Diagnostic Tests, 2007: 40 of 44,
    # 171 of 176, 211 of 220 (95.9 %, score interval 92.4 % to 97.8 %).
    found = percent_agreement_with(*calls(40, 5, 4, 171))
    assert found.counts == (40, 5, 4, 171)
    assert [round(100 * e.value, 1) for e in (found.positive, found.negative, found.overall)] == [
        90.9,
        97.2,
        95.9,
    ]
    assert (round(100 * found.overall.lower, 1), round(100 * found.overall.upper, 1)) == (92.4, 97.8)
    assert not found.enough  # 44 comparator positives


@settings(max_examples=15)
@given(st.tuples(*[st.integers(1, 30)] * 4))
def test_swapping_candidate_and_comparator_swaps_the_discordant_counts_alone(counts):
    candidate, comparator = calls(*counts)
    one = percent_agreement_with(candidate, comparator)
    other = percent_agreement_with(comparator, candidate)
    assert one.overall == other.overall
    assert other.counts == (one.counts[0], one.counts[2], one.counts[1], one.counts[3])
    negated = percent_agreement_with(~candidate, ~comparator)
    assert (negated.positive, negated.negative) == (one.negative, one.positive)


def test_no_comparator_positive_is_not_estimable():
    found = percent_agreement_with([True, False], [False, False])
    assert found.positive.undefined == "no comparator positive"
    assert percent_agreement_with([], []).overall.undefined == "no specimen"


def test_specimens_of_one_person_are_clustered_when_the_person_is_named():
    candidate, comparator = calls(60, 20, 20, 60)
    person = np.arange(160) // 10
    clustered = percent_agreement_with(candidate, comparator, subject=person, seed=1)
    assert "cluster_bootstrap" in clustered.overall.method
    assert clustered.overall.value == percent_agreement_with(candidate, comparator).overall.value
    assert clustered.overall.n_subjects == 16


@pytest.mark.parametrize("bad", [[2, 1], ["yes", "no"], [np.nan, 1.0], [[True, False]]])
def test_calls_that_are_neither_are_refused(bad):
    with pytest.raises(WrongUse, match="candidate calls"):
        percent_agreement_with(bad, [True, False])


def test_average_agreement_by_hand():
    positive, negative = average_agreement(*calls(118, 5, 2, 10), np.arange(135), seed=1)
    assert positive.value == pytest.approx(2 * 118 / (2 * 118 + 7))
    assert negative.value == pytest.approx(2 * 10 / (2 * 10 + 7))
    assert average_agreement([0, 0], [0, 0], ["p", "q"], seed=1)[0].undefined == "no such call"


def test_the_printed_probit_fit_of_the_beetles_is_reproduced():
    found = probit_hit_rates(DOSE, KILLED, BEETLES, scale="linear")
    errors = np.sqrt(np.diag(found.covariance))
    assert (round(found.intercept, 2), round(errors[0], 2)) == (-34.94, 2.65)
    assert (round(found.slope, 2), round(errors[1], 2)) == (19.73, 1.49)
    assert found.concentrations[0.5].value == pytest.approx(34.935 / 19.728, abs=1e-4)


@pytest.mark.parametrize("scale", ["log10", "linear"])
def test_the_fit_is_that_of_statsmodels(scale):
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.families.links import Probit
    from statsmodels.genmod.generalized_linear_model import GLM

    level, hits, total = np.array([1.0, 2, 3, 5, 8]), np.array([1, 4, 9, 16, 20]), np.full(5, 21)
    x = np.log10(level) if scale == "log10" else level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = GLM(
            np.column_stack([hits, total - hits]),
            np.column_stack([np.ones(5), x]),
            family=Binomial(link=Probit()),
        ).fit(tol=1e-12)
    found = probit_hit_rates(level, hits, total, scale=scale)
    assert [found.intercept, found.slope] == pytest.approx(theirs.params, rel=1e-6)
    assert np.sqrt(np.diag(found.covariance)) == pytest.approx(theirs.bse, rel=1e-5)


def test_a_unit_scales_every_concentration():
    one = probit_hit_rates([1.0, 2, 4, 8], [2, 8, 15, 19], [20] * 4)
    other = probit_hit_rates([1000.0, 2000, 4000, 8000], [2, 8, 15, 19], [20] * 4)
    for rate in (0.05, 0.5, 0.95):
        for end in ("value", "lower", "upper"):
            ours = getattr(one.concentrations[rate], end)
            assert getattr(other.concentrations[rate], end) == pytest.approx(1000 * ours, rel=1e-6)


@pytest.mark.parametrize(
    ("level", "hits"),
    [
        ([1, 2, 3, 4], [0, 0, 20, 20]),  # nothing in between
        ([1, 2, 3, 4], [0, 7, 20, 20]),  # one level in between: any slope will do
        ([1, 2, 3, 4], [20, 15, 5, 0]),  # falling
        ([2, 2, 2, 2], [5, 10, 10, 5]),
        ([1, 2, 3, 4], [20, 20, 20, 20]),
        ([], []),
    ],
)
def test_rates_without_a_rising_probit_are_not_estimable(level, hits):
    found = probit_hit_rates(level, hits, [20] * len(level), scale="linear")
    assert isinstance(found, Estimate)
    assert "hit rates that rise" in found.undefined
    interval = imprecision_interval(level, hits, [20] * len(level), scale="linear", within_percent=20)
    assert interval.c50.value is None
    assert interval.criterion.verdict == "not_enough"


def test_levels_of_zero_are_left_out_on_a_log_scale_and_counted():
    found = probit_hit_rates([0, 1, 2, 4, 8], [0, 2, 8, 15, 19], [20] * 5)
    assert found.zero_left_out == 1
    assert found.slope == probit_hit_rates([1, 2, 4, 8], [2, 8, 15, 19], [20] * 4).slope


def test_a_narrow_band_meets_the_claim_and_a_wide_one_does_not():
    narrow = imprecision_interval([9, 9.5, 10, 10.5, 11], [1, 8, 20, 32, 39], [40] * 5, within_percent=20)
    assert narrow.c5.value < narrow.c50.value < narrow.c95.value
    assert narrow.criterion.verdict == "met"
    few = imprecision_interval([9, 9.5, 10, 10.5, 11], [1, 4, 10, 16, 19], [20] * 5, within_percent=20)
    assert few.criterion.verdict == "not_enough"


@pytest.mark.parametrize(
    ("level", "hits", "total"),
    [([1.0, 2.0], [1.5, 2.0], [3, 3]), ([1.0, 2.0], [4, 2], [3, 3]), ([-1.0, 2.0], [1, 2], [3, 3])],
)
def test_impossible_counts_are_refused(level, hits, total):
    with pytest.raises(WrongUse, match="counts"):
        probit_hit_rates(level, hits, total)
