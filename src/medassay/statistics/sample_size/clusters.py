"""Several measurements of one person: how many people they are worth."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from medassay.core.errors import WrongUse
from medassay.core.method import method
from medassay.statistics.sample_size.plan import require_positive, require_shares


@dataclass(frozen=True)
class Clusters:
    """People and measurements for what would need `independent` measurements of as many people."""

    independent: float
    effect: float
    measurements: int
    clusters: int


def design_effect(size: float, correlation: float, *, variation: float = 0.0) -> float:
    """How much larger the variance is than that of as many independent measurements.

    Parameters
    ----------
    size : float
        Mean number of measurements a person, at least 1.
    correlation : float
        Intraclass, in [0, 1].
    variation : float
        Coefficient of variation of the number a person; a few people with many cost extra.

    References
    ----------
    Kish, Survey Sampling, 1965: 1 + (m - 1) rho; Eldridge, Ashby and Kerry, Int J Epidemiol 35:1292-1300,
    2006: 1 + ((cv^2 + 1) m - 1) rho.

    Examples
    --------
    >>> design_effect(11, 0.05), round(design_effect(11, 0.05, variation=0.6), 3)
    (1.5, 1.698)
    """
    if not (size >= 1 and 0 <= correlation <= 1 and 0 <= variation < float("inf")):
        raise WrongUse(
            found=f"{size:g} a person, correlation {correlation:g}, variation {variation:g}",
            wanted="at least 1 a person, a correlation in [0, 1], a variation of at least 0",
            remedy="Take them from a pilot; with no pilot 0.1 to 0.5 is usual for findings of one person.",
        )
    return 1 + ((variation**2 + 1) * size - 1) * correlation


@method(
    id="sample-size-clustered",
    task="sample_size",
    zh="整群设计样本量（设计效应）",
    en="sample size of a clustered design (design effect)",
    formula="n (1 + ((cv^2 + 1) m - 1) rho) measurements, divided by m for people",
    source="Kish, Survey Sampling, 1965; Eldridge et al., Int J Epidemiol 35:1292-1300, 2006",
    check="variance of beta-binomial clusters by simulation",
)
def clustered_sample_size(
    independent: float, size: float, correlation: float, *, variation: float = 0.0
) -> Clusters:
    """People to recruit where each gives several measurements.

    Parameters
    ----------
    independent : float
        What a plan for independent subjects says.

    Examples
    --------
    >>> clustered_sample_size(400, 5, 0.2)
    Clusters(independent=400, effect=1.8, measurements=720, clusters=144)
    """
    require_positive(independent=independent)
    effect = design_effect(size, correlation, variation=variation)
    measurements = ceil(round(independent * effect, 9))
    return Clusters(independent, effect, measurements, ceil(round(measurements / size, 9)))


def with_dropout(needed: int, dropout: float) -> int:
    """Recruits so that as many as needed stay, on average.

    Examples
    --------
    >>> with_dropout(90, 0.1)
    100
    """
    if dropout == 0:
        return needed
    require_shares(dropout=dropout)
    return ceil(round(needed / (1 - dropout), 9))
