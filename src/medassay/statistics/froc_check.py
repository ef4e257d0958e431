"""Double entry of the FROC figures by scikit-learn's ROC curve, the way LUNA16's own script goes.

`froc` counts marks along sorted scores. Here the detected findings and false marks are the two classes of a ROC curve,
whose axes are scaled to findings and to false marks a case.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike


def mean_sensitivity_by_roc(
    hit_scores: ArrayLike, false_scores: ArrayLike, *, findings: int, cases: int, rates: Sequence[float]
) -> float:
    """Mean sensitivity at the rates, on straight lines between the points of the curve.

    Parameters
    ----------
    hit_scores, false_scores : of all cases together
    findings, cases : int, at least 1

    Examples
    --------
    >>> mean_sensitivity_by_roc([0.9, 0.6], [0.7, 0.5], findings=4, cases=2, rates=[0.25, 1.0])
    0.375
    """
    from sklearn.metrics import roc_curve

    hits, false = np.asarray(hit_scores, np.float64), np.asarray(false_scores, np.float64)
    if not len(hits):
        return 0.0
    if not len(false):
        return len(hits) / findings  # every finding that is ever hit is hit without a false mark
    of_false, of_hits, _ = roc_curve(
        np.repeat([1, 0], [len(hits), len(false)]), np.concatenate([hits, false]), drop_intermediate=False
    )
    sensitivity = of_hits * len(hits) / findings
    return float(np.interp(rates, of_false * len(false) / cases, sensitivity).mean())
