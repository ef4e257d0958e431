"""How a figure and its ends, or a reason, become an `Estimate`; and the quantiles that all intervals use."""

from __future__ import annotations

import math

from scipy import special

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate

SMALLEST_VARIANCE = 1e-24  # of figures near 1: below it, only rounding is left


def normal_quantile(confidence: float) -> float:
    """z of a two-sided interval.

    Examples
    --------
    >>> round(normal_quantile(0.95), 4)
    1.96
    """
    require_confidence(confidence)
    return float(special.ndtri((1 + confidence) / 2))


def require_confidence(confidence: float) -> None:
    """A confidence is a share between 0 and 1."""
    if not 0 < confidence < 1:
        raise WrongUse(
            found=f"confidence {confidence:g}", wanted="between 0 and 1", remedy="Write 95 % as 0.95."
        )


def not_estimable(reason: str, n_subjects: int, *, n_events: float | None = None) -> Estimate:
    """No figure, and why."""
    return Estimate(value=None, n_subjects=n_subjects, n_events=n_events, undefined=reason)


def without_interval(
    value: float, reason: str, n_subjects: int, *, n_events: float | None = None, unit: str = "1"
) -> Estimate:
    """A figure that stands without an interval, and why."""
    return Estimate(
        value=value,
        unit=unit,
        n_subjects=n_subjects,
        n_events=n_events,
        undefined=f"no interval: {reason}",
    )


def with_interval(
    value: float,
    lower: float,
    upper: float,
    *,
    confidence: float,
    method: str,
    n_subjects: int,
    n_events: float | None = None,
    unit: str = "1",
) -> Estimate:
    """A figure between its ends."""
    return Estimate(
        value=float(value),
        lower=float(lower),
        upper=float(upper),
        confidence=confidence,
        method=method,
        unit=unit,
        n_subjects=n_subjects,
        n_events=n_events,
    )


def normal_interval(
    value: float,
    variance: float | None,
    *,
    confidence: float,
    method: str,
    n_subjects: int,
    bounds: tuple[float, float] = (-math.inf, math.inf),
    quantile: float | None = None,
) -> Estimate:
    """value +- quantile * sqrt(variance), cut at the bounds of what the figure can be.

    Parameters
    ----------
    variance : float or None
        None: there is none to be had. A variance of zero gives no interval: one of no width would claim a
        certainty that no sample has.
    quantile : float
        Of Student's t where the caller knows the degrees of freedom; else of the normal distribution.

    Examples
    --------
    >>> e = normal_interval(0.98, 0.0004, confidence=0.95, method="-", n_subjects=9, bounds=(0, 1))
    >>> round(e.lower, 4), e.upper
    (0.9408, 1.0)
    """
    if variance is None or not math.isfinite(variance):
        return without_interval(value, "too few subjects to tell the variance from", n_subjects)
    if variance <= SMALLEST_VARIANCE:
        return without_interval(value, "the variance is zero", n_subjects)
    half = (normal_quantile(confidence) if quantile is None else quantile) * math.sqrt(variance)
    return with_interval(
        value,
        max(value - half, bounds[0]),
        min(value + half, bounds[1]),
        confidence=confidence,
        method=method,
        n_subjects=n_subjects,
    )
