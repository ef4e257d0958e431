"""Double entry of counting figures by scikit-learn and scipy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from medassay.core.estimate import Estimate
from medassay.evaluation.table_scorer import Again, again

IntArray = NDArray[np.int64]
FEW = 2000  # cases whose pair of counts is tested one by one


def counting_again(
    figures: Mapping[str, Estimate],
    suffix: str,
    reference: IntArray,
    prediction: IntArray,
    counted: NDArray[np.bool_],
) -> list[Again]:
    """Mean errors and shares of one class; a case without a prediction is off by what there was, at least by one."""
    from scipy.stats import binomtest
    from sklearn.metrics import accuracy_score, mean_absolute_error

    said = np.where(counted, prediction, np.where(reference == 0, 1, 0))
    shown = {
        "mean_count_error": (float((prediction - reference).mean()), "numpy mean"),
        "mean_absolute_count_error": (
            float(mean_absolute_error(reference, said)),
            "scikit-learn mean_absolute_error",
        ),
        "exact_count_rate": (float(accuracy_score(reference, said)), "scikit-learn accuracy_score"),
    }
    if len(reference) <= FEW:
        agree = [
            one + two == 0 or binomtest(int(one), int(one + two), 0.5).pvalue > 0.05
            for one, two in zip(reference, prediction, strict=True)
        ]
        shown["poisson_agreement"] = (float(np.mean(agree)), "scipy binomtest")
    return [
        entry
        for name, (second, by) in shown.items()
        for entry in again(name, figures[name], second, by)
        for entry in [Again(f"{name}{suffix}", entry.first, entry.second, entry.tolerance, entry.by)]
    ]
