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
from medassay.statistics.resampled_interval import Interval
from medassay.statistics.resampled_subjects import over_subjects
from medassay.statistics.resampling import resampled_sums
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
    sums: FloatArray | None = None,
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
    sums : shape (replicates, ...), optional
        Of the statistics, where `resampled_sums` of this seed has made them for several figures at once.

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
    table = np.asarray(statistics, dtype=np.float64)
    if table.ndim < 2 or not np.isfinite(table).all():
        raise WrongUse(
            found=f"statistics of shape {table.shape}",
            wanted="finite sums, a row a subject",
            remedy="Sum each subject's cases first.",
        )
    n, shape = len(table), table.shape[1:]
    flat = table.reshape(n, -1)

    def of_sums(sums: FloatArray) -> FloatArray:
        return figure(sums.reshape(len(sums), *shape))

    return over_subjects(
        lambda weights: of_sums(weights @ flat),
        n,
        undefined=undefined,
        seed=seed,
        replicates=replicates,
        confidence=confidence,
        interval=interval,
        unit=unit,
        drawn=lambda: of_sums(resampled_sums(flat, replicates, seed) if sums is None else sums),
        left_out=lambda: of_sums(flat.sum(axis=0) - flat),
    )
