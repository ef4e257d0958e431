"""Double entry of measurement figures: scipy, scikit-learn and statsmodels, or another algorithm where none is kept."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from medassay.core.estimate import Estimate
from medassay.evaluation.table_scorer import Again, again

FloatArray = NDArray[np.float64]
FEW = 400  # pairs between which all lines are drawn once more


def measurement_again(
    figures: Mapping[str, Estimate], reference: FloatArray, test: FloatArray, error_ratio: float
) -> list[Again]:
    """Each headline figure of the pairs that exist, computed anew.

    Deming's line is the main axis of the scatter once the reference is scaled by the square root of the ratio of
    error variances; Passing-Bablok's intercept is the median of what its slope leaves; MARD is scikit-learn's mean
    absolute percentage error, which no unit changes.
    """
    if len(reference) < 3:
        return []
    found = _differences(figures, reference, test) + _lines(figures, reference, test, error_ratio)
    if "mard" in figures:
        from sklearn.metrics import mean_absolute_percentage_error

        second = 100 * float(mean_absolute_percentage_error(reference, test))
        found += again("mard", figures["mard"], second, "scikit-learn mean_absolute_percentage_error")
    if "arms" in figures and bool(((reference >= 70) & (reference <= 100)).all()):
        second = float(np.sqrt(np.mean((test - reference) ** 2)))
        found += again("arms", figures["arms"], second, "numpy root mean square")
    return found


def _differences(figures: Mapping[str, Estimate], reference: FloatArray, test: FloatArray) -> list[Again]:
    from sklearn.metrics import mean_absolute_error, root_mean_squared_error
    from statsmodels.stats.weightstats import DescrStatsW

    sample = DescrStatsW(test - reference)
    found = []
    if figures["bias"].n_subjects == len(
        reference
    ):  # one pair a subject: else components of variance are fitted
        sd = float(sample.std * np.sqrt(len(reference) / (len(reference) - 1)))
        found += again("bias", figures["bias"], float(sample.mean), "statsmodels DescrStatsW")
        found += again("difference_sd", figures["difference_sd"], sd, "statsmodels DescrStatsW")
    for name, function in (
        ("mean_absolute_error", mean_absolute_error),
        ("root_mean_square_error", root_mean_squared_error),
    ):
        found += again(
            name, figures[name], float(function(reference, test)), f"scikit-learn {function.__name__}"
        )
    moments = np.cov(reference, test, bias=True)
    spread = moments[0, 0] + moments[1, 1] + (reference.mean() - test.mean()) ** 2
    if spread:
        found += again("concordance", figures["concordance"], float(2 * moments[0, 1] / spread), "numpy cov")
    return found


def _lines(
    figures: Mapping[str, Estimate], reference: FloatArray, test: FloatArray, error_ratio: float
) -> list[Again]:
    from scipy import stats

    found: list[Again] = []
    if np.ptp(reference) > 0:
        line = stats.linregress(reference, test)
        found += again(
            "least_squares_slope", figures["least_squares_slope"], float(line.slope), "scipy linregress"
        )
        found += again(
            "least_squares_intercept",
            figures["least_squares_intercept"],
            float(line.intercept),
            "scipy linregress",
        )
    axis = _main_axis(reference / np.sqrt(error_ratio), test)
    if axis is not None:
        slope = axis / np.sqrt(error_ratio)
        found += again(
            "deming_slope", figures["deming_slope"], slope, "numpy eigh: main axis", tolerance=1e-7
        )
    slope_pb = figures["passing_bablok_slope"].value
    if slope_pb is not None and len(reference) <= FEW:
        second = _shifted_median(reference, test)
        found += again("passing_bablok_slope", figures["passing_bablok_slope"], second, "all slopes, sorted")
    if slope_pb is not None:
        left = float(np.median(test - slope_pb * reference))
        found += again("passing_bablok_intercept", figures["passing_bablok_intercept"], left, "numpy median")
    return found


def _main_axis(x: FloatArray, y: FloatArray) -> float | None:
    """Slope of the direction in which the pairs scatter most; none where it is upright."""
    _, directions = np.linalg.eigh(np.cov(x, y))
    across, up = directions[:, -1]
    return float(up / across) if abs(across) > 1e-9 else None


def _shifted_median(x: FloatArray, y: FloatArray) -> float | None:
    """Passing and Bablok's median of rising data by its definition: all slopes sorted, those of -1 left out.

    A pair of one x lies upright and counts as the steepest of all. None where a slope is -1 but for rounding, or
    the data do not rise: there two implementations may rightly differ, and other slopes are turned round.
    """
    first, second = np.triu_indices(len(x), 1)
    across, up = x[second] - x[first], y[second] - y[first]
    if np.sign(across * up).sum() <= 0:  # as many pairs fall as rise: Kendall's tau is not above zero
        return None
    told = ((across != 0) | (up != 0)) & (up != -across)
    across, up = across[told], up[told]
    if np.isclose(up, -across).any():
        return None
    slopes = np.sort(np.divide(up, across, out=np.full(len(up), np.inf), where=across != 0))
    shift = int((slopes < -1).sum())
    n = len(slopes)
    low, high = slopes[(n - 1) // 2 + shift], slopes[n // 2 + shift]
    # The mean of the two middle slopes is that of their angles, as the module's default declares.
    return float(np.tan((np.arctan(low) + np.arctan(high)) / 2))
