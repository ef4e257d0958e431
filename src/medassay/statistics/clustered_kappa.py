"""Chance-corrected agreement where subjects have several items: an interval over resampled subjects.

Items of one subject resemble each other. The large-sample interval of `agreement.cohen_kappa` takes each for a subject
of its own, and is too narrow for them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.bootstrap_figure import bootstrap_figure
from medassay.statistics.chance_corrected import Weights, agreement_weights, kappas


@method(
    id="cohen-kappa-clustered",
    task="agreement",
    zh="聚类数据的Cohen卡帕系数（含加权）",
    en="Cohen's kappa of clustered items, weighted or not",
    formula="(Po - Pe) / (1 - Pe) of the summed k by k tables, bootstrap over subjects",
    source="Cohen, Psychol Bull 70:213-220, 1968; Field and Welsh, J R Stat Soc B 69:369-390, 2007",
    check="scikit-learn cohen_kappa_score of the summed table, one resample after the other",
)
def clustered_kappa(
    tables: ArrayLike,
    *,
    seed: int,
    weights: Weights = "unweighted",
    replicates: int = 2000,
    confidence: float = 0.95,
) -> Estimate:
    """Cohen's kappa of all items together, with an interval over resampled subjects.

    Parameters
    ----------
    tables : shape (n_subjects, k, k), counts
        Each subject's items: first rater, or reference, in rows, the second in columns; categories in their order.
    weights : "unweighted", "linear" or "quadratic"
        As for `agreement.cohen_kappa`.
    seed : int
        Of the resampling, recorded with the figure.

    Returns
    -------
    Estimate
        Not estimable when both use one and the same category only: then chance alone agrees.

    Raises
    ------
    WrongUse
        Tables that are not square, or not one a subject.

    Examples
    --------
    >>> round(clustered_kappa([[[2, 0], [1, 1]], [[1, 1], [0, 2]], [[3, 0], [0, 1]]], seed=1).value, 4)
    0.6571
    """
    shape = np.shape(tables)
    if len(shape) != 3 or shape[1] != shape[2]:
        raise WrongUse(
            found=f"tables of shape {shape}",
            wanted="(n_subjects, k, k)",
            remedy="Make one table a subject, of all categories.",
        )
    weight = agreement_weights(shape[1], weights)
    return bootstrap_figure(
        tables,
        lambda sums: kappas(sums, weight),
        undefined="chance alone agrees: both use one category",
        seed=seed,
        replicates=replicates,
        confidence=confidence,
    )
