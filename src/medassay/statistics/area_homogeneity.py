"""Whether areas under the ROC curve of different people differ by more than chance."""

from __future__ import annotations

from collections.abc import Sequence

from scipy import special

from medassay.core.method import method
from medassay.statistics.delong import AreaVariance
from medassay.statistics.intervals import SMALLEST_VARIANCE
from medassay.statistics.significance import Significance

NAME = "chi2 of independent areas"


@method(
    id="roc-auc-homogeneity",
    task="comparison",
    zh="多个独立ROC曲线下面积的齐性检验",
    en="homogeneity of several independent AUCs",
    formula="chi2 = sum (A_g - A)^2 / v_g, A = sum (A_g / v_g) / sum (1 / v_g), groups - 1 degrees of freedom",
    source="McClish, Med Decis Making 7:149-155, 1987",
    check="square of the unpaired DeLong test of two areas (R pROC); share of rejections in simulation",
)
def area_homogeneity(areas: Sequence[AreaVariance]) -> Significance:
    """Test that one area holds in all groups of different people, each with the variance that it has.

    Parameters
    ----------
    areas : of groups in which both classes are present
        With DeLong's variance, or Obuchowski's where people have several cases.

    Returns
    -------
    Significance
        Undefined with fewer than two groups, or where a group has no variance: too few people of a class, or two
        classes that are perfectly apart.

    Examples
    --------
    >>> found = area_homogeneity([AreaVariance(0.9, 0.001), AreaVariance(0.7, 0.003)])
    >>> round(found.statistic, 3), round(found.p_value, 4)
    (10.0, 0.0016)
    """
    if len(areas) < 2:
        return Significance(None, None, NAME, undefined="fewer than two groups have both classes")
    known = [(one.area, one.variance) for one in areas if one.variance is not None]
    if len(known) < len(areas) or any(variance <= SMALLEST_VARIANCE for _, variance in known):
        return Significance(None, None, NAME, undefined="a group's area has no variance, or one of zero")
    weight = sum(1 / variance for _, variance in known)
    mean = sum(area / variance for area, variance in known) / weight
    statistic = sum((area - mean) ** 2 / variance for area, variance in known)
    freedom = float(len(known) - 1)
    return Significance(float(special.chdtrc(freedom, statistic)), statistic, NAME, freedom)
