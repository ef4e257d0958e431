"""Intervals of a binomial proportion, one independent yes or no a subject."""

from __future__ import annotations

from typing import Literal

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate


def proportion(
    successes: int,
    subjects: int,
    *,
    method: Literal["wilson", "clopper_pearson"] = "wilson",
    confidence: float = 0.95,
) -> Estimate:
    """Successes / subjects with a two-sided interval.

    Parameters
    ----------
    successes, subjects : int
        Counts of independent subjects; events of one subject belong into `ratio`, which clusters them.

    Returns
    -------
    Estimate
        In [0, 1]; not estimable without a subject.

    Raises
    ------
    WrongUse
        When the counts cannot be a proportion.

    References
    ----------
    Wilson, J Am Stat Assoc 22:209-212, 1927; Clopper and Pearson, Biometrika 26:404-413, 1934; both as
    computed by scipy.stats.binomtest.

    Examples
    --------
    >>> e = proportion(81, 263)
    >>> round(e.lower, 4), round(e.upper, 4)
    (0.2553, 0.3662)
    """
    if not 0 <= successes <= subjects:
        raise WrongUse(
            found=f"{successes} of {subjects}",
            wanted="0 <= successes <= subjects",
            remedy="Check how the counts were made.",
        )
    if subjects == 0:
        return Estimate(value=None, n_subjects=0, n_events=0, undefined="no subject")
    from scipy.stats import binomtest

    names = {"wilson": "wilson", "clopper_pearson": "exact"}
    interval = binomtest(successes, subjects).proportion_ci(confidence, method=names[method])
    return Estimate(
        value=successes / subjects,
        lower=float(interval.low),
        upper=float(interval.high),
        confidence=confidence,
        method=method,
        n_subjects=subjects,
        n_events=subjects,
    )
