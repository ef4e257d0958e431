"""Reader studies: readers and cases for a difference, from the variance components of a pilot."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from medassay.core.errors import WrongUse
from medassay.core.method import method
from medassay.statistics.obuchowski_rockette import Components, Factor
from medassay.statistics.sample_size.plan import require_positive, require_shares

MOST_CASES = 1_000_000


@dataclass(frozen=True)
class ReaderStudyPower:
    """Power with these readers and cases; `df` None: readers fixed, chi-square."""

    readers: int
    cases: int
    power: float
    noncentrality: float
    df: float | None
    remarks: tuple[str, ...]


@method(
    id="sample-size-reader-study",
    task="sample_size",
    zh="多阅片者多病例研究样本量",
    en="power and sample size of a reader study",
    formula="F'(1, df2, d^2 r / 2 / (s_TR + k*/k (var - Cov1 + (r - 1) max(Cov2 - Cov3, 0))))",
    source="Hillis, Obuchowski and Berbaum, Acad Radiol 18:129-142, 2011, equation 10",
    check="R RJafroc SsPowerGivenJK, VanDyke data",
)
def reader_study_power(
    components: Components,
    pilot_cases: int,
    *,
    difference: float,
    readers: int,
    cases: int,
    alpha: float = 0.05,
    reader_factor: Factor = "random",
    case_factor: Factor = "random",
) -> ReaderStudyPower:
    """Power of a crossed study of two treatments.

    Parameters
    ----------
    components : Components
        Of the pilot (`obuchowski_rockette`); error and covariances shrink with the number of cases.
    pilot_cases : int
        How many cases the pilot had; the share of positives is taken to stay the same.
    difference : float
        Assumed difference of the mean figures.

    Returns
    -------
    ReaderStudyPower
        A treatment-by-reader variance below 0 and a negative Cov2 - Cov3 are taken as 0, and said.

    Raises
    ------
    WrongUse
        No difference, one reader who is to be random, both factors fixed, components of one treatment.

    Examples
    --------
    >>> c = Components(0.0015, 0.0002004, 0.00080229, 0.00034661, 0.00034407, 0.00023903)
    >>> round(reader_study_power(c, 114, difference=0.05, readers=6, cases=251).power, 3)
    0.892
    """
    require_shares(alpha=alpha)
    require_positive(size_of_difference=abs(difference), pilot_cases=pilot_cases, cases=cases)
    interaction = _require(components, readers, reader_factor, case_factor)
    from scipy import stats

    c = components
    scale = pilot_cases / cases
    shared = max(c.cov2 - c.cov3, 0.0)
    spread = max(interaction, 0.0)
    own = scale * (c.error - c.cov1 - shared)
    if reader_factor == "fixed":
        noncentrality = difference**2 * readers / 2 / (own + scale * readers * shared)
        power = float(stats.ncx2.sf(stats.chi2.isf(alpha, 1), 1, noncentrality))
        return ReaderStudyPower(readers, cases, power, noncentrality, None, _remarks(c, interaction))
    excess = 0.0 if case_factor == "fixed" else scale * readers * shared
    base = spread + own
    df = (base + excess) ** 2 / (base**2 / (readers - 1)) if base > 0 else inf
    noncentrality = difference**2 * readers / 2 / (base + excess)
    power = float(stats.ncf.sf(stats.f.isf(alpha, 1, df), 1, df, noncentrality))
    return ReaderStudyPower(readers, cases, power, noncentrality, df, _remarks(c, interaction))


def reader_study_cases(
    components: Components,
    pilot_cases: int,
    *,
    difference: float,
    readers: int,
    power: float = 0.8,
    alpha: float = 0.05,
    reader_factor: Factor = "random",
    case_factor: Factor = "random",
) -> ReaderStudyPower:
    """The fewest cases with which so many readers reach a power.

    Raises
    ------
    WrongUse
        When no number of cases does: what readers differ by remains, however many cases they read.

    Examples
    --------
    >>> c = Components(0.0015, 0.0002004, 0.00080229, 0.00034661, 0.00034407, 0.00023903)
    >>> reader_study_cases(c, 114, difference=0.05, readers=6).cases
    170
    """
    require_shares(power=power)

    def found(cases: int) -> ReaderStudyPower:
        return reader_study_power(
            components,
            pilot_cases,
            difference=difference,
            readers=readers,
            cases=cases,
            alpha=alpha,
            reader_factor=reader_factor,
            case_factor=case_factor,
        )

    low, high = 1, MOST_CASES
    if found(high).power < power:
        raise WrongUse(
            found=f"a power of {found(high).power:.3f} with {readers} readers and {high} cases",
            wanted=f"{power:g}",
            remedy="Take more readers: cases cannot make up for how readers differ.",
        )
    while low < high:
        middle = (low + high) // 2
        if found(middle).power >= power:
            high = middle
        else:
            low = middle + 1
    return found(low)


def _require(components: Components, readers: int, reader_factor: Factor, case_factor: Factor) -> float:
    interaction = components.treatment_reader
    if interaction is None or reader_factor == case_factor == "fixed":
        raise WrongUse(
            found="components without a treatment-by-reader variance, or both factors fixed",
            wanted="components of a pilot with two treatments and two readers, one factor random",
            remedy="Analyse a crossed pilot, or take components from a published study.",
        )
    if readers < (2 if reader_factor == "random" else 1):
        raise WrongUse(
            found=f"{readers} readers", wanted="at least 2 random readers", remedy="Take more readers."
        )
    if components.error - components.cov1 - max(components.cov2 - components.cov3, 0.0) <= 0:
        raise WrongUse(
            found="an error variance that the covariances use up",
            wanted="var - Cov1 - max(Cov2 - Cov3, 0) above 0",
            remedy="The pilot is too small to plan from; take components of a larger study.",
        )
    # Hillis floors Cov2 - Cov3 in this component too (equation 9); the analysis of the pilot does not.
    return interaction + max(components.cov3 - components.cov2, 0.0)


def _remarks(components: Components, interaction: float) -> tuple[str, ...]:
    said = []
    if interaction < 0:
        said.append(f"the pilot's treatment-by-reader variance {interaction:.3g} is negative and taken as 0")
    if components.cov2 < components.cov3:
        said.append(f"Cov2 - Cov3 = {components.cov2 - components.cov3:.3g} is negative and taken as 0")
    return tuple(said)
