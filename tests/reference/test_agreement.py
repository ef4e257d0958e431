"""Agreement figures as R (irr 0.84.1, psych 2.2.9, irrCAC 1.0) and statsmodels 0.15.0 give them.

The values stand here; files of ratings (Fleiss 1971; anxiety of R's irr) lie beside the repository.
"""

import csv
from pathlib import Path

import numpy as np
import pytest

from medassay.statistics.agreement import (
    cohen_kappa,
    cross_table,
    fleiss_kappa,
    gwet_ac1,
    krippendorff_alpha,
)
from medassay.statistics.intraclass import icc

FOLDER = Path(__file__).parents[3] / "shared" / "reference" / "classification"
beside = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the reference ratings are not beside this repository"
)

GRADES = [[20, 5, 2, 0], [4, 30, 6, 1], [1, 7, 25, 5], [0, 2, 4, 18]]
PARADOX = [[118, 5], [2, 0]]
STATSMODELS = {
    "grades": (
        GRADES,
        {
            "unweighted": (0.613312967280328, 0.5068656279674785, 0.7197603065931776),
            "linear": (0.7046079053054323, 0.6141826470545633, 0.7950331635563013),
            "quadratic": (0.7920907240476883, 0.7105754609994864, 0.8736059870958902),
        },
    ),
    "paradox": (
        PARADOX,
        {
            "unweighted": (-0.02339181286549608, -0.0474734134311016, 0.0006897877000878114),
            "linear": (-0.02339181286549608, -0.0474734134311016, 0.0006897877000878114),
            "quadratic": (-0.02339181286549608, -0.0474734134311016, 0.0006897877000878114),
        },
    ),
}
# scikit-learn 1.9.1 cohen_kappa_score of two confusion tables of the same folder.
SCIKIT_LEARN = [
    (
        [[72, 15, 13], [10, 45, 9], [8, 1, 27]],
        {"unweighted": 0.5578714669193116, "linear": 0.5399139579349905, "quadratic": 0.5216272712654768},
    ),
    (
        [[45, 8, 6, 4, 9], [4, 22, 5, 6, 4], [0, 2, 16, 4, 2], [2, 1, 0, 5, 0], [0, 2, 0, 1, 2]],
        {"unweighted": 0.4545454545454546, "linear": 0.3939976914197769, "quadratic": 0.3269050989609764},
    ),
]
IRRCAC_AC1 = [(GRADES, 0.62289, 0.519, 0.727), (PARADOX, 0.94078, 0.895, 0.986)]
KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, np.nan, np.nan, np.nan],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, np.nan, np.nan],
        [np.nan, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 3],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, np.nan],
    ]
).T
IRR_ALPHA = {
    "nominal": 0.743421052631579,
    "ordinal": 0.815387503754881,
    "interval": 0.849107142857143,
    "ratio": 0.797402774711612,
}
SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
GENERATED = [
    [42.9, 45.7, 44],
    [59.3, 65.9, 57.4],
    [33.4, 48.1, 37.6],
    [51.3, 55.7, 47.4],
    [62.9, 69.6, 62.5],
    [47.9, 49.5, 48.6],
    [49, 44.7, 45.8],
    [49.3, 40.4, 47],
    [49.8, 43.9, 44.9],
    [53.6, 52.2, 49.8],
    [58.9, 66, 56],
    [47.8, 42.7, 44.8],
    [45.9, 42.6, 40],
    [46.8, 55.9, 47.5],
    [38.9, 41.6, 41.1],
]
PSYCH_ICC = [
    (SHROUT_FLEISS, "2,1", (0.289763779527559, 0.018786513374712, 0.761084369648953)),
    (SHROUT_FLEISS, "3,1", (0.714840714840715, 0.342464765033925, 0.94585825995536)),
    (GENERATED, "2,1", (0.780672794501612, 0.56365622455016, 0.912201298855277)),
    (GENERATED, "3,1", (0.803646462498913, 0.604873512659693, 0.922074624108639)),
]


def ends(estimate):
    return estimate.value, estimate.lower, estimate.upper


def counts_of(table):
    """Ratings of two raters as counts by item."""
    k = len(table)
    return [
        np.bincount([i, j], minlength=k) for i in range(k) for j in range(k) for _ in range(int(table[i][j]))
    ]


def columns(name):
    with (FOLDER / name).open(newline="") as stream:
        rows = [row[1:] for row in csv.reader(stream)][1:]
    return list(map(list, zip(*rows, strict=True)))


@pytest.mark.parametrize("weights", ["unweighted", "linear", "quadratic"])
@pytest.mark.parametrize("case", STATSMODELS)
def test_kappa_and_its_interval_are_those_of_statsmodels(case, weights):
    table, theirs = STATSMODELS[case]
    assert ends(cohen_kappa(table, weights=weights)) == pytest.approx(theirs[weights], abs=1e-6)


@pytest.mark.parametrize(("table", "theirs"), SCIKIT_LEARN)
def test_kappa_is_that_of_scikit_learn(table, theirs):
    assert {kind: cohen_kappa(table, weights=kind).value for kind in theirs} == pytest.approx(
        theirs, abs=1e-5
    )


@pytest.mark.parametrize(("table", "value", "lower", "upper"), IRRCAC_AC1)
def test_ac1_and_its_interval_are_those_of_irrcac(table, value, lower, upper):
    estimate = gwet_ac1(counts_of(table))
    assert estimate.value == pytest.approx(value, abs=1e-5)
    assert (estimate.lower, estimate.upper) == pytest.approx(
        (lower, upper), abs=6e-4
    )  # printed to 3 decimals


@pytest.mark.parametrize("level", IRR_ALPHA)
def test_alpha_is_krippendorffs_own_example(level):
    estimate = krippendorff_alpha(KRIPPENDORFF, level=level, seed=1)
    assert estimate.value == pytest.approx(IRR_ALPHA[level], abs=1e-9)
    assert estimate.lower < estimate.value < estimate.upper


@pytest.mark.parametrize(("ratings", "form", "theirs"), PSYCH_ICC)
def test_icc_and_its_interval_are_those_of_psych(ratings, form, theirs):
    assert ends(icc(ratings, form=form)) == pytest.approx(theirs, abs=1e-6)


@beside
@pytest.mark.shared
def test_fleiss_diagnoses_of_six_raters():
    raters = columns("diagnoses_fleiss1971.csv")
    names = sorted({name for rater in raters for name in rater})
    counts = [[item.count(name) for name in names] for item in zip(*raters, strict=True)]
    kappa, ac1 = fleiss_kappa(counts), gwet_ac1(counts)
    assert kappa.value == pytest.approx(0.430244520060141, abs=1e-9)  # irr
    assert (kappa.lower, kappa.upper) == pytest.approx(
        (0.319, 0.541), abs=6e-4
    )  # irrCAC, printed to 3 decimals
    assert ac1.value == pytest.approx(0.44788, abs=1e-5)
    assert (ac1.lower, ac1.upper) == pytest.approx((0.334, 0.562), abs=6e-4)
    codes = [[names.index(name) for name in rater] for rater in raters]
    alpha = krippendorff_alpha(np.transpose(codes), level="nominal", seed=1)
    assert alpha.value == pytest.approx(0.43341, abs=1e-5)


@beside
@pytest.mark.shared
def test_anxiety_of_two_raters():
    first, second, _ = columns("anxiety.csv")
    table = cross_table(first, second, categories=sorted(set(first) | set(second)))
    assert [cohen_kappa(table, weights=kind).value for kind in ("unweighted", "linear", "quadratic")] == (
        pytest.approx([0.119496855345912, 0.189189189189189, 0.29676511954993], abs=1e-9)
    )
    assert ends(cohen_kappa(table))[1:] == pytest.approx((-0.114270591483228, 0.353264302175052), abs=1e-4)
    assert gwet_ac1(counts_of(table)).value == pytest.approx(0.1716, abs=1e-5)
