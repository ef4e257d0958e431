"""Accuracy of automated sphygmomanometers by ISO 81060-2: both criteria, and the spread of pressures it asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from medassay.core.errors import WrongUse
from medassay.core.estimate import Estimate
from medassay.core.method import method
from medassay.statistics.acceptance import Criterion, judge
from medassay.statistics.paired import bare, groups, pairs, undefined, with_ends, with_error
from medassay.statistics.variance_components import Labels

SUBJECTS, PAIRS_EACH = 85, 3
SOURCE = "ISO 81060-2:2018 5.2.4"
UNIT = "mm[Hg]"
Pressure = Literal["systolic", "diastolic"]
# Least share of reference readings in %, of those at or below a pressure, and at or above two others.
SPREAD: dict[Pressure, tuple[tuple[str, float, float], ...]] = {
    "systolic": (("<=", 100, 5), (">=", 160, 5), (">=", 140, 20)),
    "diastolic": (("<=", 60, 5), (">=", 100, 5), (">=", 85, 20)),
}


# ISO 81060-2, table 1 (first in ANSI/AAMI SP10): permitted SD in mmHg by mean error 0.0, 0.1 ... 5.0.
PERMITTED_SD = (
    *(6.95, 6.95, 6.95, 6.95, 6.93, 6.92, 6.91, 6.90, 6.89, 6.88),
    *(6.87, 6.86, 6.84, 6.82, 6.80, 6.78, 6.76, 6.73, 6.71, 6.68),
    *(6.65, 6.62, 6.58, 6.55, 6.51, 6.47, 6.43, 6.39, 6.34, 6.30),
    *(6.25, 6.20, 6.14, 6.09, 6.03, 5.97, 5.89, 5.83, 5.77, 5.70),
    *(5.64, 5.56, 5.49, 5.41, 5.33, 5.25, 5.16, 5.08, 5.01, 4.90),
    4.79,
)


@dataclass(frozen=True)
class PressureAccuracy:
    """Errors are device minus reference, in mmHg; criterion 1 over readings, criterion 2 over subjects."""

    mean: Estimate
    sd: Estimate
    subject_mean: Estimate
    subject_sd: Estimate
    criteria: tuple[Criterion, ...]
    spread: tuple[Criterion, ...]


def permitted_sd(mean_error: float) -> float | None:
    """Largest SD of subjects' mean errors that criterion 2 permits at a mean error.

    Parameters
    ----------
    mean_error : float, mmHg
        Rounded to 0.1, as the table is printed.

    Returns
    -------
    float or None
        In mmHg; None beyond -+5, where criterion 1 has failed.

    Notes
    -----
    The table holds, within 0.02, the SD s at which 85 % of a normal distribution around the mean error m lies
    within -+10 mmHg: Phi((10 - m) / s) - Phi((-10 - m) / s) = 0.85. The printed figures decide.

    Examples
    --------
    >>> permitted_sd(4.2), permitted_sd(-4.2), permitted_sd(5.1)
    (5.49, 5.49, None)
    """
    tenths = round(abs(mean_error) * 10)
    return PERMITTED_SD[tenths] if tenths < len(PERMITTED_SD) else None


@method(
    id="iso-81060-2",
    task="measurement",
    zh="无创血压计准确度判定（ISO 81060-2）",
    en="Accuracy of sphygmomanometers (ISO 81060-2)",
    formula="1: |mean| <= 5 and SD <= 8 mmHg over readings; 2: SD of subjects' means <= table(mean)",
    source="ISO 81060-2:2018, 5.2.4.1.2",
    check="the normal probability that the table rests on; worked by hand",
)
def iso_81060_2(
    reference: ArrayLike,
    test: ArrayLike,
    subject: Labels,
    *,
    pressure: Pressure,
    confidence: float = 0.95,
    needed_subjects: int = SUBJECTS,
) -> PressureAccuracy:
    """Both criteria for systolic or diastolic pressure.

    Parameters
    ----------
    reference, test : shape (n,), mmHg, above zero
        Auscultatory (mean of two observers) and device.
    subject : shape (n,)
        85 subjects with three pairs each are demanded: subjects with fewer than three do not count as enough.
    pressure : "systolic" or "diastolic"

    Returns
    -------
    PressureAccuracy
        The limits hold for the figures themselves. The interval of the mean goes by subjects' means.

    Raises
    ------
    WrongUse
        For values that are not finite and above zero.

    Examples
    --------
    >>> reference = np.full(255, 120.0)
    >>> error = np.tile([-2.0, 0.0, 2.0], 85)
    >>> found = iso_81060_2(reference, reference + error, np.repeat(np.arange(85), 3), pressure="systolic")
    >>> [criterion.verdict for criterion in found.criteria]
    ['met', 'met', 'met']
    """
    x, y = pairs(reference, test, names=("reference", "test"), positive=True)
    if pressure not in SPREAD:
        raise WrongUse(
            found="another pressure", wanted="systolic or diastolic", remedy="Judge each by itself."
        )
    member = groups(subject, len(x), "subjects")
    error = y - x
    count = np.bincount(member)
    n, complete = len(count), int(np.count_nonzero(count >= PAIRS_EACH))
    if n < 2:
        none = undefined(n, "fewer than two subjects", UNIT)
        return PressureAccuracy(none, none, none, none, _criteria(none, none, none, n, needed_subjects), ())
    means = np.bincount(member, error) / count
    spread = float(means.std(ddof=1))
    # Readings of a subject share the subject: the error of the mean is that of the subjects' means.
    mean = with_error(
        float(error.mean()), spread / float(np.sqrt(n)), n - 1, n, confidence, "student(subjects)", UNIT
    )
    sd = bare(float(error.std(ddof=1)), n, "readings of a subject are not independent", UNIT)
    subject_mean = with_error(
        float(means.mean()), spread / float(np.sqrt(n)), n - 1, n, confidence, "student(subjects)", UNIT
    )
    subject_sd = _sd(spread, n, confidence)
    return PressureAccuracy(
        mean,
        sd,
        subject_mean,
        subject_sd,
        _criteria(mean, sd, subject_sd, complete, needed_subjects),
        _spread(x, pressure, complete, needed_subjects),
    )


def _criteria(
    mean: Estimate, sd: Estimate, subject_sd: Estimate, complete: int, needed: int
) -> tuple[Criterion, ...]:
    table = None if mean.value is None else permitted_sd(mean.value)
    one = f"{SOURCE}, criterion 1"
    return (
        judge("mean error", mean, "<=", 5.0, n=complete, needed=needed, source=one, magnitude=True),
        judge("SD of errors", sd, "<=", 8.0, n=complete, needed=needed, source=one),
        judge(
            "SD of subjects' mean errors",
            subject_sd,
            "<=",
            0.0 if table is None else table,
            n=complete,
            needed=needed,
            source=f"{SOURCE}, criterion 2"
            + ("" if table is not None else " (no SD is permitted beyond 5 mmHg)"),
        ),
    )


def _spread(
    reference: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    pressure: Pressure,
    complete: int,
    needed: int,
) -> tuple[Criterion, ...]:
    """How many reference readings lie low and high enough."""
    criteria = []
    for relation, at, percent in SPREAD[pressure]:
        inside = reference <= at if relation == "<=" else reference >= at
        share = bare(float(100 * inside.mean()), complete, "a share of the sample as drawn", "%")
        criteria.append(
            judge(
                f"{pressure} reference {relation} {at:g} mmHg",
                share,
                ">=",
                percent,
                n=complete,
                needed=needed,
                source="ISO 81060-2:2018 5.1.5",
            )
        )
    return tuple(criteria)


def _sd(sd: float, n: int, confidence: float) -> Estimate:
    from scipy.stats import chi2

    if sd == 0:
        return bare(0.0, n, "all subjects have one mean error", UNIT)
    tails = chi2.ppf([(1 + confidence) / 2, (1 - confidence) / 2], n - 1)
    lower, upper = (float(end) for end in sd * np.sqrt((n - 1) / tails))
    return with_ends(sd, lower, upper, n, confidence, "chi_square(subjects)", UNIT)
