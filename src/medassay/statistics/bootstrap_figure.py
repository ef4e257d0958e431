"""Any figure that is a function of sums over subjects, with the bootstrap over subjects as one matrix product.

A confusion matrix, a reliability table or a sum of squared errors is the sum of what each subject adds. A
resample of subjects is a row of weights, so the sums of all resamples are one product of weights and subjects'
statistics, and the figure is then taken of all of them at once.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.intervals import (
    not_estimable,
    require_confidence,
    with_interval,
    without_interval,
)
from medassay.statistics.ratio import SAME_FIGURE, SMALLEST_DEFINED_SHARE, Interval
from medassay.statistics.resampling import bca_interval, percentile_interval, resampling_weights
from medassay.statistics.scored import FloatArray

Figure = Callable[[FloatArray], FloatArray]


@method(
    id="cluster-bootstrap",
    task="any",
    zh="聚类自助法置信区间",
    en="cluster bootstrap interval",
    formula="quantiles of f(W S): W multinomial weights of subjects, S their statistics, f the figure",
    source="Field and Welsh, J R Stat Soc B 69:369-390, 2007; Efron, J Am Stat Assoc 82:171-185, 1987 (BCa)",
    check="scipy.stats.bootstrap; statistics.ratio for ratios of sums",
)
def bootstrap_figure(
    statistics: ArrayLike,
    figure: Figure,
    *,
    undefined: str,
    seed: int,
    replicates: int = 2000,
    confidence: float = 0.95,
    interval: Interval = "percentile",
    unit: str = "1",
) -> Estimate:
    """A figure of sums over subjects, with an interval over resampled subjects.

    Parameters
    ----------
    statistics : shape (n_subjects, ...), finite
        What each subject adds; the trailing axes are the figure's own (4 cells, a k by k matrix).
    figure : callable
        From sums of shape (n, ...) to n figures, NaN where one is undefined.
    undefined : str
        What it means that the figure of the whole sample is undefined.

    Returns
    -------
    Estimate
        `n_subjects` counts the rows. No interval with fewer than two subjects, where over 1 % of the
        resamples are undefined, or where all resamples give the same figure: an interval of no width would
        claim what no sample can show.

    Examples
    --------
    >>> counts = np.array([[9.0, 1.0], [5.0, 0.0], [7.0, 3.0]])
    >>> share = lambda sums: sums[:, 0] / sums.sum(axis=1)
    >>> e = bootstrap_figure(counts, share, undefined="no event", seed=1)
    >>> round(e.value, 2), e.lower < e.value < e.upper
    (0.84, True)
    """
    require_confidence(confidence)
    table = np.asarray(statistics, dtype=np.float64)
    if table.ndim < 2 or not np.isfinite(table).all() or replicates < 1:
        raise WrongUse(
            found=f"statistics of shape {table.shape}, {replicates} replicates",
            wanted="finite sums, a row a subject; at least one replicate",
            remedy="Sum each subject's cases first.",
        )
    n, shape = len(table), table.shape[1:]
    flat = table.reshape(n, -1)
    value = float(figure(flat.sum(axis=0).reshape(1, *shape))[0]) if n else float("nan")
    if not np.isfinite(value):
        return not_estimable(undefined, n)
    if n < 2:
        return without_interval(value, "fewer than two subjects", n, unit=unit)
    drawn = figure((resampling_weights(n, replicates, seed) @ flat).reshape(replicates, *shape))
    kept = drawn[np.isfinite(drawn)]
    if len(kept) < SMALLEST_DEFINED_SHARE * replicates:
        return without_interval(value, "undefined in over 1 % of the resamples", n, unit=unit)
    if np.ptp(kept) <= SAME_FIGURE * max(1.0, abs(value)):
        return without_interval(value, "every resample gives the same figure", n, unit=unit)
    ends: tuple[float, float] | None = percentile_interval(kept, confidence)
    if interval == "bca":
        left_out = figure((flat.sum(axis=0) - flat).reshape(n, *shape))
        ends = bca_interval(kept, value, left_out, confidence)
    if ends is None:
        return without_interval(value, "the BCa corrections do not exist for these subjects", n, unit=unit)
    return with_interval(
        value,
        *ends,
        confidence=confidence,
        method=f"cluster_bootstrap_{interval}(subjects, replicates={replicates}, seed={seed})",
        n_subjects=n,
        unit=unit,
    )
