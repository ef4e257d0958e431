"""Reader studies against R: MRMCaov 0.3.0 (Obuchowski-Rockette) and iMRMC (doAUCmrmc, U-statistics).

Four readers rate 13 cases, seven without and six with the condition, with two treatments; the figures below
are what the two packages print for these ratings.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.statistics.mrmc_ustatistics import mrmc_ustatistics
from medassay.statistics.obuchowski_rockette import obuchowski_rockette
from medassay.statistics.reader_covariance import case_covariance
from medassay.statistics.reader_study import ReaderStudy, design_of, reader_study
from medassay.statistics.reader_table import reader_differences, reader_table

POSITIVE = np.array([0] * 7 + [1] * 6)
RATINGS = np.array(
    [
        [
            [3, 1, 1, 1, 1, 3, 4, 5, 5, 5, 5, 4, 5],
            [3, 1, 1, 1, 1, 3, 2, 4, 4, 2, 4, 3, 3],
            [4, 1, 1, 1, 2, 5, 3, 5, 5, 4, 5, 4, 4],
            [3, 1, 1, 1, 1, 3, 3, 5, 5, 3, 5, 3, 4],
        ],
        [
            [4, 1, 1, 1, 1, 4, 3, 4, 5, 3, 5, 4, 4],
            [3, 1, 1, 1, 3, 3, 2, 2, 3, 1, 5, 1, 3],
            [3, 2, 1, 1, 2, 4, 3, 5, 5, 3, 5, 2, 5],
            [2, 2, 1, 1, 3, 3, 3, 4, 5, 3, 5, 4, 3],
        ],
    ],
    dtype=float,
)


def study_of(ratings, positive=POSITIVE):
    """The study in which what is NaN was not read."""
    t, r, c = np.nonzero(~np.isnan(ratings))
    return reader_study(reader=r, treatment=t, case=c, positive=positive[c], rating=ratings[t, r, c])


T, R, C = np.indices(RATINGS.shape) + 1


def without(missing):
    """The study with some readings not made."""
    return study_of(np.where(missing, np.nan, RATINGS))


CROSSED = study_of(RATINGS)
UNBALANCED = without((R + 2 * C + 3 * T) % 9 == 0)
READERS_NESTED = without((T == 1) != (R <= 2))


def test_the_design_is_read_off_the_readings():
    assert design_of(CROSSED) == "factorial"
    assert design_of(UNBALANCED) == "unbalanced"
    assert design_of(READERS_NESTED) == "readers_in_treatments"
    assert design_of(without((C % 4 + 1) != R)) == "cases_in_readers"
    assert design_of(without((C % 2 + 1) != T)) == "cases_in_treatments"
    assert design_of(without((T == 2) & (R == 4))) == "unsupported"


@pytest.mark.parametrize(
    ("covariance", "error", "cov1", "cov2", "cov3", "df"),
    [
        ("jackknife", 0.01001126518984, 0.004408286819, 0.00462276149776, 0.00481699517414, 56.7608078895),
        ("delong", 0.00915769085412, 0.00403793461829, 0.0042292611489, 0.00441232048375, 49.9095316804),
        ("unbiased", 0.00851048752834, 0.00393990929705, 0.00403911564626, 0.00414304610733, 43.7355371901),
    ],
)
def test_each_covariance_is_that_of_mrmcaov(covariance, error, cov1, cov2, cov3, df):
    found = obuchowski_rockette(CROSSED, covariance=covariance)
    parts = found.components
    assert (parts.error, parts.cov1, parts.cov2, parts.cov3) == pytest.approx((error, cov1, cov2, cov3))
    assert found.means[0].df == pytest.approx(df)


def test_random_readers_and_cases_give_the_test_of_mrmcaov():
    found = obuchowski_rockette(CROSSED)
    (difference,) = found.differences
    assert found.equality.statistic == pytest.approx(2.15044247788)
    assert (found.equality.df1, found.equality.df2) == (1, pytest.approx(3))
    assert difference.p_value == pytest.approx(0.238796040581)
    assert difference.difference.lower == pytest.approx(-0.125377185122)
    assert [mean.mean.lower for mean in found.means] == pytest.approx([0.800055917418, 0.568234748767])
    assert [mean.mean.upper for mean in found.means] == [1, 1]


def test_fixed_readers_give_chi_square_and_fixed_cases_the_readers_spread():
    cases = obuchowski_rockette(CROSSED, readers="fixed")
    assert cases.equality.statistic == pytest.approx(4.57328990228)
    assert cases.equality.df2 is None
    assert cases.differences[0].p_value == pytest.approx(0.0324741435406)
    readers = obuchowski_rockette(CROSSED, cases="fixed")
    assert readers.components is None
    assert readers.means[0].mean.lower == pytest.approx(0.827815498184)
    assert readers.differences[0].standard_error == pytest.approx(0.0730633041251)


def test_readers_nested_in_treatments_have_the_test_of_mrmcaov():
    found = obuchowski_rockette(READERS_NESTED)
    assert found.mean_squares.treatment == pytest.approx(0.00226757369615)
    assert found.equality.statistic == pytest.approx(0.64)
    assert found.equality.p_value == pytest.approx(0.507634036083)
    assert found.components.cov1 == 0
    assert found.means[1].df == pytest.approx(3.23180006656)


def test_sensitivity_of_decisions_is_that_of_mrmcaov():
    decided = study_of((RATINGS >= 4).astype(float))
    found = obuchowski_rockette(decided, figure="sensitivity")
    assert [mean.mean.value for mean in found.means] == pytest.approx([0.791666666667, 0.583333333333])
    assert found.equality.statistic == pytest.approx(6.81818181818)
    assert found.equality.p_value == pytest.approx(0.0796049808179)


def test_a_negative_difference_of_covariances_is_floored_and_said_with_what_it_decides():
    (remark,) = obuchowski_rockette(CROSSED).remarks
    assert "Cov2 - Cov3 = -0.000194 is negative" in remark
    assert "at their minimum 3, p = 0.2388; without the floor p = 0.2394" in remark
    assert obuchowski_rockette(CROSSED, cases="fixed").remarks == ()


def test_u_statistics_are_those_of_imrmc():
    found = mrmc_ustatistics(CROSSED)
    single = found.treatments[0]
    assert single.unbiased.variance == pytest.approx(0.00297619047619)
    assert single.unbiased.df == pytest.approx(7.31797053884)
    assert single.unbiased.p_value == pytest.approx(0.000122395780279)
    assert single.biased.variance == pytest.approx(0.00408667311171)
    assert single.moments.components["positives+negatives"] == pytest.approx(0.00853174603175)
    assert single.moments.biased_components["readers"] == pytest.approx(0.00233843537415)
    (difference,) = found.differences
    assert difference.unbiased.variance == pytest.approx(0.00513038548753)
    assert difference.unbiased.p_value == pytest.approx(0.231582225307)
    assert difference.unbiased.figure.lower == pytest.approx(-0.120805299281)
    assert difference.biased.p_value == pytest.approx(0.272958327325)


def test_the_floor_of_the_degrees_of_freedom_is_said_with_every_p_value():
    (difference,) = mrmc_ustatistics(CROSSED).differences
    assert difference.unbiased.floored
    assert difference.unbiased.df < difference.unbiased.df_floor == 3
    assert difference.unbiased.p_value_unfloored > difference.unbiased.p_value
    (remark,) = difference.remarks
    assert "raised to the floor 3: p = 0.232 with the floor, 0.245 without, 0.135 by the normal" in remark


def test_a_variance_that_is_not_positive_gives_no_test_and_says_so():
    (difference,) = mrmc_ustatistics(UNBALANCED).differences
    assert difference.unbiased.variance == pytest.approx(-0.00742016478842)
    assert difference.unbiased.p_value is None
    assert difference.unbiased.figure.lower is None
    assert difference.unbiased.figure.undefined == "no interval: the variance estimate is negative"
    assert difference.biased.p_value == pytest.approx(0.11511146474355)
    assert "no test; the biased estimate gives p = 0.115" in difference.remarks[0]


def test_unbalanced_readings_weigh_readers_by_what_they_read_as_imrmc_does():
    found = mrmc_ustatistics(UNBALANCED)
    assert [t.unbiased.figure.value for t in found.treatments] == pytest.approx(
        [0.946969696970, 0.828244274809]
    )
    assert [t.unbiased.df for t in found.treatments] == pytest.approx([14.80243968551, 3.99197675011])
    assert found.differences[0].moments.covariance == pytest.approx(0.01070782406706)


def test_u_statistics_of_decisions_are_shares_with_a_variance_over_readers_and_cases():
    """By hand: two readers, two positives; scores 1 1 / 1 0. Products that share nothing: 1*0 and 1*1 twice."""
    ratings = np.array([[[1, 1, 0, 0], [1, 0, 0, 0]]], dtype=float)
    found = mrmc_ustatistics(study_of(ratings, np.array([1, 1, 0, 0])), figure="sensitivity").treatments[0]
    assert found.unbiased.figure.value == 0.75
    assert dict(zip(found.moments.names, found.moments.moments, strict=True)) == {
        "readers+positives": 0.75,
        "readers": 0.5,
        "positives": 0.5,
        "": 0.5,
    }
    assert found.unbiased.variance == pytest.approx((0.75 + 0.5 + 0.5 + 0.5) / 4 - 0.5)


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_a_crossed_share_has_the_variance_of_a_two_way_analysis_of_variance(seed):
    """var of the mean = s_r / r + s_c / c + s_rc / (r c), components from the mean squares."""
    scores = np.random.default_rng(seed).integers(0, 2, (4, 9)).astype(float)
    readers, cases, grand = scores.mean(axis=1), scores.mean(axis=0), scores.mean()
    both = ((scores - readers[:, None] - cases + grand) ** 2).sum() / (3 * 8)
    of_readers = 9 * readers.var(ddof=1) - both
    of_cases = 4 * cases.var(ddof=1) - both
    expected = of_readers / 36 + of_cases / 36 + both / 36
    ratings = np.concatenate([scores, np.zeros((4, 2))], axis=1)[None]
    found = mrmc_ustatistics(study_of(ratings, np.array([1] * 9 + [0] * 2)), figure="sensitivity").treatments[
        0
    ]
    assert found.unbiased.variance == pytest.approx(expected, abs=1e-12)
    assert found.moments.components["readers"] == pytest.approx(of_readers / 9, abs=1e-12)
    assert found.moments.components["readers+positives"] == pytest.approx(both, abs=1e-12)


def test_a_table_of_all_readers_stands_beside_every_average():
    for found in (obuchowski_rockette(CROSSED), mrmc_ustatistics(CROSSED)):
        assert [(row.treatment, row.reader) for row in found.reader_table] == [
            (str(t), str(r)) for t in range(2) for r in range(4)
        ]
    rows = reader_table(UNBALANCED)
    assert [(row.positives, row.negatives) for row in rows] == [
        (int(read[7:].sum()), int(read[:7].sum())) for read in UNBALANCED.read.reshape(8, 13)
    ]


def test_a_reader_without_error_has_no_interval_of_no_width():
    ratings = np.array([[[1, 2, 3, 4], [1, 3, 2, 4]]], dtype=float)
    faultless, other = reader_table(study_of(ratings, np.array([0, 0, 1, 1])))
    assert faultless.figure.value == 1
    assert faultless.figure.lower is None
    assert "variance" in faultless.figure.undefined
    assert other.figure.lower < other.figure.value < other.figure.upper


def test_one_reader_is_compared_over_cases_only():
    one = study_of(RATINGS[:, :1])
    found = obuchowski_rockette(one, readers="fixed")
    assert found.equality is None
    assert found.mean_squares.reader is None
    assert found.differences[0].p_value == pytest.approx(reader_differences(one)[0].p_value)
    for refused in (lambda: obuchowski_rockette(one), lambda: mrmc_ustatistics(one)):
        with pytest.raises(WrongUse, match=r"(one|1) reader"):
            refused()


REFUSED = {
    "ratings that are not finite": {"rating": [1, np.nan, 2, 3]},
    "values other than 0 and 1": {"positive": [0, 2, 1, 1]},
    "positive in one row and negative in another": {"case": [1, 3, 3, 4], "reader": [1, 2, 1, 1]},
    "already read": {"case": [1, 2, 3, 3]},
    "columns of 3, 4 rows": {"reader": [1, 1, 1]},
    "reader of shape .4,., 1 of them": {"reader": [1, np.nan, 1, 1]},
    "case of shape .4,., 1 of them": {"case": ["a", None, "c", "d"]},
    "treatment of shape .4,., 2 of them": {"treatment": ["a", "", "", "a"]},
    "treatment of shape .2, 2.": {"treatment": [[1, 1], [1, 1]]},
}


@pytest.mark.parametrize("fault", REFUSED)
def test_readings_that_are_no_study_are_refused_with_the_reason(fault):
    good = {
        "reader": [1, 1, 1, 1],
        "treatment": [1, 1, 1, 1],
        "case": [1, 2, 3, 4],
        "positive": [0, 0, 1, 1],
        "rating": [1, 2, 3, 4],
    }
    with pytest.raises(WrongUse, match=fault):
        reader_study(**{**good, **REFUSED[fault]})


def test_no_readings_are_no_study():
    with pytest.raises(WrongUse, match="columns of 0 rows"):
        reader_study(reader=[], treatment=[], case=[], positive=[], rating=[])


def test_designs_that_no_formula_covers_are_refused_with_the_reason():
    partly = without((T == 2) & (R == 4))
    with pytest.raises(WrongUse, match="some of the treatments"):
        obuchowski_rockette(partly)
    assert mrmc_ustatistics(partly).differences[0].unbiased.figure.value is not None
    with pytest.raises(WrongUse, match="different cases"):
        obuchowski_rockette(UNBALANCED, covariance="delong")
    with pytest.raises(WrongUse, match="both fixed"):
        obuchowski_rockette(CROSSED, readers="fixed", cases="fixed")
    with pytest.raises(WrongUse, match="0 positive cases"):
        obuchowski_rockette(study_of(RATINGS[:, :, :7], POSITIVE[:7]))
    with pytest.raises(WrongUse, match="other than 0 and 1"):
        reader_table(CROSSED, figure="specificity")
    with pytest.raises(WrongUse, match="for sensitivity"):
        reader_table(study_of((RATINGS > 2) * 1.0), figure="sensitivity", covariance="delong")


studies = st.tuples(st.integers(2, 3), st.integers(2, 4), st.integers(0, 10**6)).map(
    lambda drawn: np.random.default_rng(drawn[2]).integers(1, 6, (drawn[0], drawn[1], 10)).astype(float)
)
HALF = np.array([0, 1] * 5)


@settings(max_examples=20)
@given(studies, st.randoms())
def test_no_order_of_readers_or_cases_changes_a_test(ratings, random):
    readers, cases = list(range(ratings.shape[1])), list(range(10))
    random.shuffle(readers)
    random.shuffle(cases)
    first, second = study_of(ratings, HALF), study_of(ratings[:, readers][:, :, cases], HALF[cases])
    for one, two in zip(
        obuchowski_rockette(first).differences, obuchowski_rockette(second).differences, strict=True
    ):
        assert one.p_value == pytest.approx(two.p_value, rel=1e-6)
    for one, two in zip(
        mrmc_ustatistics(first).differences, mrmc_ustatistics(second).differences, strict=True
    ):
        assert one.unbiased.variance == pytest.approx(two.unbiased.variance, abs=1e-12)


@settings(max_examples=20)
@given(studies)
def test_calling_the_other_class_positive_and_turning_the_scale_changes_nothing(ratings):
    first, second = study_of(ratings, HALF), study_of(-ratings, 1 - HALF)
    assert case_covariance(first, "auc", "jackknife") == pytest.approx(
        case_covariance(second, "auc", "jackknife"), abs=1e-12
    )
    assert mrmc_ustatistics(first).treatments[0].unbiased.variance == pytest.approx(
        mrmc_ustatistics(second).treatments[0].unbiased.variance, abs=1e-12
    )


@settings(max_examples=20)
@given(studies)
def test_turning_the_scale_alone_turns_an_area_into_its_complement(ratings):
    first, second = (obuchowski_rockette(study_of(sign * ratings, HALF)) for sign in (1, -1))
    assert [m.mean.value for m in second.means] == pytest.approx([1 - m.mean.value for m in first.means])
    assert first.components.cov2 == pytest.approx(second.components.cov2, abs=1e-12)


@settings(max_examples=20)
@given(studies)
def test_any_rising_change_of_a_readers_scale_leaves_everything_as_it_was(ratings):
    bent = ratings.copy()
    bent[:, 0] = np.exp(bent[:, 0]) - 7
    assert mrmc_ustatistics(study_of(bent, HALF)) == mrmc_ustatistics(study_of(ratings, HALF))


@settings(max_examples=20)
@given(studies)
def test_every_case_twice_keeps_the_figures_and_narrows_what_comes_from_cases(ratings):
    once = study_of(ratings, HALF)
    twice = study_of(np.concatenate([ratings, ratings], axis=2), np.concatenate([HALF, HALF]))
    one, two = obuchowski_rockette(once), obuchowski_rockette(twice)
    assert [m.mean.value for m in two.means] == pytest.approx([m.mean.value for m in one.means])
    assert two.mean_squares.reader == pytest.approx(one.mean_squares.reader)
    assert two.components.error <= one.components.error + 1e-12


@settings(max_examples=20)
@given(studies)
def test_figures_and_their_ends_stay_within_their_bounds(ratings):
    found = obuchowski_rockette(study_of(ratings, HALF))
    for figure in (row.figure for row in found.reader_table):
        assert 0 <= figure.value <= 1
        assert figure.lower is None or 0 <= figure.lower <= figure.value <= figure.upper <= 1
    assert all(d.p_value is None or 0 <= d.p_value <= 1 for d in found.differences)


def test_a_treatment_that_is_the_other_has_no_difference_and_no_test():
    same = ReaderStudy(("a", "b"), CROSSED.readers, CROSSED.cases, CROSSED.positive, RATINGS[[0, 0]])
    (difference,) = obuchowski_rockette(same).differences
    assert difference.difference.value == 0
    assert difference.p_value is None
    assert "zero" in difference.difference.undefined
