"""Binomial intervals as R 4.2.2 gives them (stats::prop.test without correction, stats::binom.test).

81/263 and 15/148, 0/20, 1/29 are the four proportions of Newcombe, Stat Med 17:857-872, 1998.
"""

import pytest

from medassay.statistics.proportion import proportion

R_4_2_2 = {
    (81, 263): {
        "wilson": (0.255288519878274, 0.3662095769828),
        "clopper_pearson": (0.252736745585271, 0.367621922601351),
    },
    (15, 148): {
        "wilson": (0.0623863995307363, 0.160487241723308),
        "clopper_pearson": (0.0578440100834486, 0.161650490349479),
    },
    (0, 20): {"wilson": (0, 0.161125158052819), "clopper_pearson": (0, 0.168433470983085)},
    (1, 29): {
        "wilson": (0.00611321429276266, 0.171755218793203),
        "clopper_pearson": (0.000872646883579923, 0.177644295488723),
    },
    (29, 29): {"wilson": (0.883030201500259, 1), "clopper_pearson": (0.880555130930497, 1)},
}


@pytest.mark.parametrize("method", ["wilson", "clopper_pearson"])
@pytest.mark.parametrize(("x", "n"), R_4_2_2)
def test_intervals_are_those_of_r(x, n, method):
    estimate = proportion(x, n, method=method)
    assert (estimate.lower, estimate.upper) == pytest.approx(R_4_2_2[x, n][method], abs=1e-6)
